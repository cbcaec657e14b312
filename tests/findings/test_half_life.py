"""Choosing a half-life: the past alone is fitted, and scores decide by their errors."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coterie as co
import coterie.beliefs
from coterie import names
from coterie.errors import EvidenceError, FindingError
from coterie.findings.half_life import _compared

PRIOR = co.MembershipPrior.uniform(["gym", "indie"])
SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")
WEEKS = 5


def table(window="7D", weeks=WEEKS):
    start = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * np.arange(weeks), unit="D")
    frame = pd.DataFrame(
        {"artist": ["a", "a", "b", "b"] * weeks, "cluster": ["gym", "indie"] * 2 * weeks,
         "saves": 3, "listeners": 40}
    ).assign(
        period_start=np.repeat(start, 4), period_end=np.repeat(start, 4) + pd.Timedelta(days=6)
    )  # fmt: skip
    return co.Evidence.from_frame(frame, outcomes=[SAVE], window=window)


@pytest.fixture
def scored_by(monkeypatch):
    """Let each half-life score what is stated; note what was fitted and what was scored."""

    def state(score):
        seen = []

        def made(evidence, path):
            tree = SimpleNamespace(attrs={"coterie_path": path} if path else {})
            return SimpleNamespace(
                evidence=evidence, tree=tree, diagnose=lambda: SimpleNamespace(ok=path is not None)
            )

        def fit(evidence, prior, **how):  # noqa: ARG001 - the real one's signature
            return made(evidence, None)

        def update(beliefs, evidence, *, half_life, **how):  # noqa: ARG001 - as above
            assert evidence is None
            path = "weights" if half_life > 10 else "refit"
            return made(beliefs.evidence.forgetting(half_life), path)

        def predictive(beliefs, later, *, rng):
            half_life = beliefs.evidence.half_life
            days = np.inf if half_life is None else half_life.days
            seen.append((beliefs.evidence, later, rng.random()))
            window = later.counts[names.WINDOW].to_numpy()[0]
            values = [score(days, str(window), i) for i in range(len(later))]
            return xr.Dataset({"log_score": (("row", "outcome"), np.array(values)[:, None])})

        for name, stub in (("fit", fit), ("update", update), ("predictive", predictive)):
            monkeypatch.setattr(coterie.beliefs, name, stub, raising=False)
        return seen

    return state


def test_every_half_life_foresees_the_same_rows_from_the_windows_before_them_alone(scored_by, rng):
    seen = scored_by(lambda days, window, row: -2.0)  # noqa: ARG005
    co.choose_half_life(table(), ["7D", 28], prior=PRIOR, rng=rng)
    assert len(seen) == 9
    for i, (past, later, _) in enumerate(seen):
        until = past.counts[names.PERIOD_END].max()
        assert until < later.counts[names.PERIOD_START].min()
        assert len(past) == 4 * (2 + i // 3)
        if past.half_life is not None:
            assert past.half_life.as_of == str(until.to_numpy().astype("datetime64[D]"))
    # One source of chance a window, another for each.
    chances = np.array([chance for *_, chance in seen]).reshape(3, 3)
    assert (chances == chances[:, :1]).all()
    assert np.unique(chances).size == 3


def test_the_longest_half_life_within_one_error_of_the_best_is_chosen(scored_by, rng):
    # By how much each falls short of 7 days on average. The error where the two clusters differ
    # by 0.1 either way, two rows in each of six groups: sqrt(6 / 5 x 6 x 0.2**2) / 12 = 0.045.
    behind = {3.0: 0.5, 7.0: 0.0, 14.0: 0.02, 28.0: 0.03, np.inf: 0.4}

    def score(days, window, row):  # noqa: ARG001 - as the others
        noise = 0.1 * (-1) ** (row % 2)
        return -2.0 - behind[days] + (noise if days in (14.0, 28.0) else 0.0)

    scored_by(score)
    found = co.choose_half_life(table(), [28, 14, "never", 7, 3], prior=PRIOR, rng=rng)
    own = found.table
    assert own["half_life"].to_numpy().tolist() == ["3D", "7D", "14D", "28D", "never"]
    assert found.provenance["chosen"] == "28D"
    error = np.sqrt(6 / 5 * 6 * 0.2**2) / 12
    assert float(own["difference_se"].sel(half_life="28D")) == pytest.approx(error)
    assert float(own["gain"].sel(half_life="7D")) == pytest.approx(0.4)
    assert found.headline.startswith(
        f"Let evidence count half after {found.provenance['chosen'][:-1]}"
    )
    # 3 and 7 days were fitted again in each of three windows, after one fit each.
    assert (found.provenance["fits"], found.provenance["weighed"]) == (9, 6)


def test_where_nothing_is_gained_nothing_fades(scored_by, rng):
    scored_by(lambda days, window, row: -2.0 - 1 / days)  # noqa: ARG005
    found = co.choose_half_life(table(), ["7D", "28D"], prior=PRIOR, rng=rng)
    assert found.provenance["chosen"] == "never"
    assert found.headline == (
        "Nothing needs to fade: no half-life foresees more than none (12 counts in 3 windows)."
    )
    scored_by(lambda days, window, row: -2.0 + (days < 10) * (0.1 if row % 2 else -0.08))  # noqa: ARG005
    found = co.choose_half_life(table(), ["7D", "28D"], prior=PRIOR, rng=rng)
    assert found.provenance["chosen"] == "never"
    assert "within its error" in found.headline


def test_errors_are_those_of_groups_that_drift_together():
    scores = np.zeros((2, 6))
    scores[0] = [1, 1, 1, -1, -1, -0.4]
    group = np.array([0, 0, 0, 1, 1, 1])
    mean, error = _compared(scores, 1, group)
    # Mean 0.1; sums of groups about it are 2.7 and -2.7; sqrt(2 / 1 x 2 x 2.7**2) / 6.
    assert mean.tolist() == pytest.approx([0.1, 0.0])
    assert error.tolist() == pytest.approx([0.9, 0.0])


def test_what_the_choice_rests_on_is_said(scored_by, rng):
    scored_by(lambda days, window, row: -2.0 - days / 100 if days < 99 else -9.0)  # noqa: ARG005
    found = co.choose_half_life(table(), ["7D", "28D"], prior=PRIOR, origins=1, rng=rng)
    said = " ".join(found.caveats)
    assert "The shortest half-life was chosen" in said
    assert "2 groups of one cluster" in said
    assert "1 fits had not settled" in said
    assert found.to_frame().columns[0] == "half_life"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"values": "30D"}, "give a list of half-lives"),
        ({"values": ["never"]}, "nothing to choose from"),
        ({"origins": 0}, "foresee 1 window or more"),
        ({"origins": 4}, "5 windows of 7D, and to foresee the last 4 from two or more takes 6"),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(how, said, rng):
    with pytest.raises(FindingError, match=said):
        co.choose_half_life(table(), prior=PRIOR, rng=rng, **({"values": ["7D"]} | how))


def test_a_table_without_windows_is_refused_before_anything_is_fitted(rng):
    with pytest.raises(EvidenceError, match="states no windows"):
        co.choose_half_life(table(window=None), ["7D"], prior=PRIOR, rng=rng)
