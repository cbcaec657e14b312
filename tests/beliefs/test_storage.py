import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.beliefs import customs, whole_files
from coterie.beliefs.ledger import evidence_of, ledger_of
from coterie.beliefs.storage import read_tree, write_tree
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError, Problem
from coterie.evidence import Evidence, Outcome


@pytest.fixture(scope="module")
def beliefs(beliefs_like):
    return beliefs_like(draws=100)


@pytest.fixture(scope="module")
def saved(beliefs, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "september.nc"
    beliefs.save(path)
    return path


def everything() -> Evidence:
    """Make Evidence with every part a table can have, and letters few files can hold."""
    moments = pd.Series(["2025-01-06 12:34:56.123456789", *["2025-01-07"] * 5])
    frame = pd.DataFrame(
        {
            "who": ["é\0x", "日本語 🎧", "<b>", "a\nb", "=1+1", " \\ud800 "],
            "where": [1, 2, 1, 2, 1, 2],
            "rel": ["r1", "r2", "r3", "r1", "r2", "null"],
            "day/time": ["am", "pm"] * 3,
            "geo": [10, 20] * 3,
            "from": pd.to_datetime(moments, format="ISO8601"),
            "to": pd.to_datetime(["2025-02-02"] * 6),
            "read": [None, "2025-03-01", *["2025-03-02"] * 4],
            "money": [1.5, None, None, 0, 3, 4],
            "coin": ["EUR", None, None, None, "EUR", "EUR"],
            "listeners": [100, 200, None, 400, 500, 2**53],
            "saves": [1, 2, 3, None, 5, 6],
            "plays": [1, 2, 3, 4, 5, 6],
            "spare": [1] * 6,
        }
    )
    return Evidence.from_frame(
        frame,
        outcomes=[
            Outcome.binary("save", successes="saves", trials="listeners"),
            Outcome.count("plays", total="plays", exposure="money", informs=False),
            Outcome.binary("played", successes="plays", trials="listeners", informs="organic"),
        ],
        artist="who", cluster="where", release="rel", factors=["day/time", "geo"],
        period=("from", "to"), window="28D", seen="read", spend="money", currency="coin",
    )  # fmt: skip


def assert_same(first: Evidence, second: Evidence) -> None:
    assert first == second
    assert list(first.counts.variables) == list(second.counts.variables)
    for name, variable in first.counts.variables.items():
        other = second.counts.variables[name]
        assert variable.dtype == other.dtype, name
        kinds = [[type(v) for v in side.values.ravel().tolist()] for side in (variable, other)]
        assert kinds[0] == kinds[1], name
        assert not other.values.flags.writeable, name
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())


def test_every_part_of_the_evidence_comes_back_from_a_file_with_its_type(beliefs_like, tmp_path):
    evidence = everything()
    beliefs_like(evidence, homes="many", draws=10).save(tmp_path / "all.nc")

    assert_same(evidence, Beliefs.load(tmp_path / "all.nc").evidence)
    assert evidence.counts.attrs["currency"] == "EUR"
    assert any(p.rows for p in evidence.warnings)


def test_the_plainest_evidence_comes_back_from_a_file_as_it_was(beliefs_like, tmp_path):
    evidence = Evidence.from_frame(
        {"artist": ["a", "b"], "cluster": ["1", "2"], "saves": [1, 2], "listeners": [3, 4]}
    )
    beliefs_like(evidence, draws=10).save(tmp_path / "plain.nc")

    assert_same(evidence, Beliefs.load(tmp_path / "plain.nc").evidence)


@pytest.mark.slow
def test_two_ledgers_from_files_add_like_the_tables_they_came_from(beliefs_like, tmp_path):
    first, second = (
        Evidence.from_frame(
            {"artist": ["a", "b"], "cluster": ["x", "y"], "period_start": [day] * 2,
             "period_end": [day] * 2, "saves": [1, 2], "listeners": [3, None]},
            window="28D",
        )
        for day in ("2025-01-06", "2025-03-06")
    )  # fmt: skip
    beliefs_like(first, draws=10).save(tmp_path / "first.nc")
    beliefs_like(second, draws=10).save(tmp_path / "second.nc")
    loaded = [Beliefs.load(tmp_path / f"{n}.nc").evidence for n in ("first", "second")]

    assert_same(first + second, loaded[0] + loaded[1])


def test_long_warnings_of_many_rows_come_back_whole(beliefs_like, tmp_path):
    # Attributes of HDF5 end at 64 KiB; neither these rows nor this text may end there.
    told = (
        Problem("a", "warning", None, tuple(range(100_000)), "m" * 100_000, "half \ud800"),
        Problem("b", "warning", "saves", (), "none", "fix"),
        Problem("c", "warning", "saves", (3, 1), "two", "fix"),
    )
    evidence = dataclasses.replace(everything(), warnings=told)
    beliefs_like(evidence, draws=10).save(tmp_path / "long.nc")

    assert Beliefs.load(tmp_path / "long.nc").evidence.warnings == told


def test_text_that_is_missing_is_not_text_that_is_empty():
    evidence = everything()
    counts = evidence.counts.copy()
    counts["release"] = "row", np.array(["", None, "r", "nan", "", None], dtype=object)
    ledger = ledger_of(dataclasses.replace(evidence, counts=counts))

    releases = evidence_of(ledger).counts["release"].values

    assert pd.isna(releases).tolist() == [False, True, False, False, False, True]
    assert releases[[0, 2, 3, 4]].tolist() == ["", "r", "nan", ""]


def test_a_ledger_without_its_terms_is_refused():
    with pytest.raises(BeliefError, match="no 'terms'; 1 of its parts"):
        evidence_of(ledger_of(everything()).drop_vars("terms"))


def test_every_group_and_attribute_comes_back_from_a_file(beliefs, saved):
    loaded = Beliefs.load(saved)

    assert set(loaded.tree.children) == set(beliefs.tree.children)
    for group in beliefs.tree.children:
        xr.testing.assert_identical(
            loaded.tree[group].to_dataset(), beliefs.tree[group].to_dataset()
        )
    assert loaded.tree.attrs == beliefs.tree.attrs
    assert {k: type(v) for k, v in loaded.tree.attrs.items()} == {
        k: type(v) for k, v in beliefs.tree.attrs.items()
    }


def test_small_floats_stay_small_floats(beliefs_like, tmp_path):
    beliefs = beliefs_like(draws=10)
    posterior = beliefs.tree["posterior"]
    posterior["affinity"] = posterior["artist_effect"].astype(np.float32)
    beliefs.save(tmp_path / "f.nc")

    loaded = Beliefs.load(tmp_path / "f.nc").tree["posterior"]["affinity"]
    assert loaded.dtype == np.float32
    xr.testing.assert_identical(loaded, posterior["affinity"])


@pytest.mark.slow
def test_loaded_beliefs_can_be_saved_again_over_their_own_file(beliefs, tmp_path):
    path = tmp_path / "again.nc"
    beliefs.save(path)
    Beliefs.load(path).save(path)

    assert Beliefs.load(path).tree.identical(beliefs.tree)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    labels=st.lists(
        st.text(st.characters()) | st.integers() | st.booleans(), min_size=1, max_size=5
    )
)
def test_any_label_comes_back_to_the_letter_and_of_its_type(labels, tmp_path_factory):
    values = np.empty(len(labels), dtype=object)
    values[:] = labels
    own = xr.Dataset({"v": ("n", values)}, coords={"w": ("n", values)})
    tree = xr.DataTree.from_dict({"posterior": own, "ledger": own})
    tree.attrs["coterie_schema"] = 1
    path = tmp_path_factory.mktemp("labels") / "l.nc"
    write_tree(tree, path)

    read = read_tree(path)["posterior"]
    for name in ("v", "w"):
        assert [(type(v), v) for v in read[name].values.tolist()] == [(type(v), v) for v in labels]


def test_a_label_that_is_no_value_is_refused_by_type(beliefs, tmp_path):
    tree = beliefs.tree.copy()
    tree["posterior"]["odd"] = xr.DataArray(np.array([object()], dtype=object), dims="n")

    with pytest.raises(BeliefError, match="Object of type object"):
        write_tree(tree, tmp_path / "odd.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_saved_file_opens_and_speaks_without_the_sampler(saved):
    code = f"""
    import sys
    from coterie.beliefs.tree import Beliefs
    beliefs = Beliefs.load({str(saved)!r})
    beliefs.evidence, beliefs.to_frame(), repr(beliefs), beliefs._repr_html_()
    heavy = ("pymc", "pytensor", "nutpie", "numba", "matplotlib")
    print(*[name for name in heavy if name in sys.modules])
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == ""


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_a_save_that_is_stopped_leaves_the_old_file_and_nothing_else(
    beliefs, tmp_path, monkeypatch, stop
):
    path = tmp_path / "kept.nc"
    path.write_bytes(b"what was there before")

    def stopped(_):
        raise stop

    monkeypatch.setattr(whole_files, "settle_on_disk", stopped)
    with pytest.raises(stop):
        beliefs.save(path)

    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_a_save_that_is_killed_leaves_the_old_file_whole(saved, tmp_path):
    path = tmp_path / "kept.nc"
    path.write_bytes(saved.read_bytes())
    code = f"""
    import os, signal
    from coterie.beliefs import whole_files
    from coterie.beliefs.tree import Beliefs
    beliefs = Beliefs.load({str(path)!r})
    beliefs.tree.attrs["coterie_version"] = "later"
    whole_files.settle_on_disk = lambda _: os.kill(os.getpid(), signal.SIGKILL)
    beliefs.save({str(path)!r})
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)

    assert ran.returncode == -signal.SIGKILL
    assert Beliefs.load(path).tree.attrs["coterie_version"] == "0.1.0"


def test_a_full_disk_is_told_in_plain_words(beliefs, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files, "settle_on_disk", full)
    with pytest.raises(BeliefError, match="No space left on device"):
        beliefs.save(tmp_path / "b.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_can_be_read_by_those_the_umask_allows(beliefs, tmp_path):
    old = os.umask(0o022)
    try:
        beliefs.save(tmp_path / "b.nc")
    finally:
        os.umask(old)

    assert (tmp_path / "b.nc").stat().st_mode & 0o777 == 0o644


def test_saving_through_a_link_keeps_the_link(beliefs, tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.nc"
    link.symlink_to(tmp_path / "there" / "real.nc")
    beliefs.save(link)

    assert link.is_symlink()
    assert Beliefs.load(tmp_path / "there" / "real.nc").homes == "one"


def test_saving_where_nothing_can_be_saved_says_so(beliefs, tmp_path):
    with pytest.raises(BeliefError, match="is a folder"):
        beliefs.save(tmp_path)
    with pytest.raises(BeliefError, match="does not exist, so nothing was saved"):
        beliefs.save(tmp_path / "no" / "b.nc")


def test_loading_what_is_not_a_file_says_so(tmp_path):
    with pytest.raises(BeliefError, match="There is no file"):
        Beliefs.load(tmp_path / "gone.nc")
    with pytest.raises(BeliefError, match="is a folder"):
        Beliefs.load(tmp_path)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(saved, tmp_path, share):
    whole = saved.read_bytes()
    cut = tmp_path / "cut.nc"
    cut.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(BeliefError, match=r"damaged, cut short or another kind|lost its seal"):
        Beliefs.load(cut)


@pytest.mark.parametrize("content", [b"artist,cluster\na,b\n", b"PK\x03\x04" * 50, b"\x80\x04K."])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "other.nc"
    path.write_bytes(content)

    with pytest.raises(BeliefError, match="another kind of file"):
        Beliefs.load(path)


def changed(saved: Path, tmp_path: Path, **attrs) -> Path:
    tree = xr.load_datatree(saved, engine="h5netcdf")
    tree.attrs = {k: v for k, v in (tree.attrs | attrs).items() if v is not None}
    path = tmp_path / "changed.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.slow
def test_a_file_without_a_schema_is_not_ours(saved, tmp_path):
    with pytest.raises(BeliefError, match="not a coterie file"):
        Beliefs.load(changed(saved, tmp_path, coterie_schema=None))
    with pytest.raises(BeliefError, match="not a coterie file"):
        Beliefs.load(changed(saved, tmp_path, coterie_schema="one"))


def test_a_file_of_a_later_version_names_that_version(saved, tmp_path):
    with pytest.raises(BeliefError, match=r"coterie 9\.4 in schema 4; this version reads .* to 3"):
        Beliefs.load(changed(saved, tmp_path, coterie_schema=4, coterie_version="9.4"))


def test_a_file_without_its_ledger_is_not_whole(beliefs, tmp_path):
    write_tree(beliefs.tree.filter(lambda node: node.name != "ledger"), tmp_path / "b.nc")

    with pytest.raises(BeliefError, match="group 'ledger' is absent, 1 of 2"):
        Beliefs.load(tmp_path / "b.nc")


def test_a_small_file_that_unfolds_beyond_reason_is_not_opened(beliefs, tmp_path, monkeypatch):
    tree = beliefs.tree.copy()
    tree["ledger"]["bomb"] = xr.DataArray(np.zeros(2**22), dims="n")
    write_tree(tree, tmp_path / "b.nc")
    monkeypatch.setattr(customs, "ALLOWANCE", 2**20)
    monkeypatch.setattr(customs, "RATIO", 1)

    with pytest.raises(BeliefError, match="it was not opened"):
        Beliefs.load(tmp_path / "b.nc")


def test_a_loaded_file_is_closed_again(saved, tmp_path):
    path = tmp_path / "closed.nc"
    path.write_bytes(saved.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        loaded = Beliefs.load(path)
    path.unlink()

    assert [file for file in open_files() if "closed.nc" in file] == []
    assert np.isfinite(loaded.home.values).all()


def open_files() -> list[str]:
    """Name the files this process holds open, where the system tells."""
    links = [link for link in Path("/proc/self/fd").glob("*") if link.is_symlink()]
    return [str(link.readlink()) for link in links]


def test_attributes_that_netcdf_cannot_hold_are_kept_as_text(beliefs, tmp_path):
    tree = beliefs.tree.copy()
    tree["posterior"].attrs = {"flag": True, "none": None, "nested": {"a": [1]}, "n": np.int64(3)}
    write_tree(tree, tmp_path / "b.nc")

    kept = read_tree(tmp_path / "b.nc")["posterior"].attrs
    assert (kept["flag"], kept["none"], kept["nested"], kept["n"]) == (1, "null", '{"a": [1]}', 3)
