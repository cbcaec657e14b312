"""The commands, as somebody types them; fits are tested where they are made."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import coterie as co
from coterie.cli import app
from tests.beliefs.small_world import NEW, OLD, believing

TABLE = "artist,cluster,saves,listeners\na,gym,{saves},40\na,indie,9,60\n"


@pytest.fixture
def typed():
    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_a_clean_table_ends_with_nought(typed, tmp_path):
    file = tmp_path / "campaign.csv"
    file.write_text(TABLE.format(saves=3))

    assert typed("check", file).exit_code == 0


def test_a_broken_table_ends_with_one_and_names_the_rule_to_machines(typed, tmp_path):
    file = tmp_path / "campaign.csv"
    file.write_text(TABLE.format(saves=300))
    result = typed("check", file, "--json")

    assert result.exit_code == 1
    assert [p["rows"] for p in json.loads(result.stdout) if p["severity"] == "error"] == [[0]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("campaign.txt", "", "neither .csv nor .parquet"),
        ("absent.csv", None, "absent.csv"),
        ("twice.csv", "artist,saves,saves\na,1,2\n", "'saves' more than once (1 of its 3"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(typed, tmp_path, name, text, said):
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    result = typed("check", file)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ("shares = [", "not TOML"),
        ("elsewhere = 0.1", "[shares]"),
        ("[shares]\ngym = 0.5\nindie = 0.4", "sum to 0.9"),
        ("[shares]\nrock = 1.0", "gym"),
    ],
)
def test_a_prior_that_cannot_stand_is_refused_and_nothing_is_written(typed, tmp_path, prior, said):
    file, stated, out = (tmp_path / n for n in ("campaign.csv", "prior.toml", "beliefs.nc"))
    file.write_text(TABLE.format(saves=3))
    stated.write_text(prior)
    result = typed("fit", file, "--prior", stated, "--out", out)

    assert result.exit_code == 2
    assert said in result.stderr
    assert not out.exists()


def test_ctrl_c_ends_in_one_sentence(typed, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise co.FitInterrupted("stopped")

    monkeypatch.setattr(co, "fit", stopped)
    file, stated, out = (tmp_path / n for n in ("campaign.csv", "prior.toml", "beliefs.nc"))
    file.write_text(TABLE.format(saves=3))
    stated.write_text("[shares]\ngym = 0.5\nindie = 0.5")
    result = typed("fit", file, "--prior", stated, "--out", out)

    assert result.exit_code == 130
    assert "stopped; nothing was written." in result.stderr


def test_the_version_is_said(typed):
    assert typed("--version").stdout.strip() == co.__version__


def test_later_rows_update_a_file_of_beliefs_and_twice_the_same_rows_are_refused(typed, tmp_path):
    file, later = tmp_path / "beliefs.nc", tmp_path / "week2.csv"
    believing(OLD, np.random.default_rng(1)).save(file)
    NEW.to_csv(later, index=False)
    result = typed("update", file, later, "--out", file, "--json")

    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["path"] == "weights"
    assert "Update 1: 2 rows came, and the draws were weighed." in result.stderr
    assert co.Beliefs.load(file).history.sizes["update"] == 2
    again = typed("update", file, later, "--out", file)
    assert again.exit_code == 2
    assert "in the ledger already" in again.stderr


def test_an_update_lets_old_weeks_fade_and_a_half_life_that_is_none_is_refused(typed, tmp_path):
    file, later = tmp_path / "beliefs.nc", tmp_path / "week2.csv"
    believing(OLD, np.random.default_rng(1)).save(file)
    NEW.to_csv(later, index=False)
    refused = typed("update", file, later, "--out", file, "--half-life", "soon")
    assert refused.exit_code == 2
    assert "half_life is 'soon'" in refused.stderr
    result = typed("update", file, later, "--out", file, "--half-life", "7D")

    assert result.exit_code == 0, result.stderr
    assert str(co.Beliefs.load(file).evidence.half_life) == "half-life 7 days as of 2026-01-18"


def test_a_fit_of_a_table_without_windows_cannot_let_it_fade(typed, tmp_path):
    file, prior = tmp_path / "campaign.csv", tmp_path / "prior.toml"
    file.write_text(TABLE.format(saves=3))
    prior.write_text("[shares]\ngym = 0.5\nindie = 0.5")
    result = typed("fit", file, "--prior", prior, "--out", tmp_path / "b.nc", "--half-life", "90D")

    assert result.exit_code == 2
    assert "states no windows" in result.stderr


SAMPLES = Path(__file__).parent / "evidence" / "samples"


def test_exports_are_listed_mapped_and_joined(typed, tmp_path):
    files = [
        SAMPLES / "meta_ads_manager_campaign_en.csv",
        SAMPLES / "s4a_campaigns_marquee_showcase.csv",
    ]
    mapping, table = tmp_path / "mapping.toml", tmp_path / "campaign.csv"

    made = typed("map", *files, "--out", mapping)
    assert made.exit_code == 0, made.stderr
    again = typed("map", *files, "--out", mapping)
    assert again.exit_code == 2
    assert "would be lost" in again.stderr

    text = mapping.read_text(encoding="utf-8")
    for name in ("late night", "gym"):
        text = text.replace('cluster = ""', f'cluster = "{name}"', 1)
    mapping.write_text(text.replace('artist = ""\n', ""), encoding="utf-8")
    joined = typed("read", *files, "--map", mapping, "--artist", "Demo Artist", "--out", table)
    assert joined.exit_code == 0, joined.stderr
    assert pd.read_csv(table)["cluster"].tolist() == ["late night", "gym"]
    assert typed("check", table).exit_code == 0


def test_an_export_says_what_it_left_out(typed):
    result = typed("read", SAMPLES / "meta_ads_manager_es.csv")

    assert result.exit_code == 0
    assert "line 2 sums up others and was left out" in result.stdout


def test_a_written_table_starts_no_formula(typed, tmp_path):
    out = tmp_path / "playlists.csv"
    source = SAMPLES / "s4a_Demo Artist-playlists-1year.csv"

    assert typed("read", source, "--artist", "=cmd", "--out", out).exit_code == 0
    text = out.read_text(encoding="utf-8")
    assert ",'=curator," in text
    assert ",'=cmd" in text
    assert ",=" not in text


@pytest.mark.parametrize("name", ["deck.pptx", "report.html", "folder"])
def test_a_report_is_written_as_its_name_says(typed, rng, tmp_path, name):
    believing(OLD, rng).save(tmp_path / "b.nc")
    result = typed("report", tmp_path / "b.nc", "--to", tmp_path / name, "--artist", "b")

    assert result.exit_code == 0, result.stderr
    assert "b is most likely at home in indie" in result.stdout
    made = tmp_path / name
    assert made.stat().st_size > 10_000 if made.is_file() else list(made.glob("*-home-b.png"))


@pytest.mark.parametrize(
    ("to", "more", "said"),
    [
        ("deck.ppt", (), "neither .pptx nor .html"),
        ("deck.html", ("--template", "brand.pptx"), "--template is for"),
        ("deck.pptx", ("--artist", "nobody"), "'nobody' is not among the 3 artists"),
    ],
)
def test_a_report_that_cannot_be_made_is_refused_and_leaves_nothing(
    typed, rng, tmp_path, to, more, said
):
    believing(OLD, rng).save(tmp_path / "b.nc")
    result = typed("report", tmp_path / "b.nc", "--to", tmp_path / to, *more)

    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / to).exists()
