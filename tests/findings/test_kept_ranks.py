"""The calibration that was run for hours, read again from its ranks and not from what was said."""

from pathlib import Path

import pytest

from coterie.findings import FAMILIES, sbc

KEPT = Path(__file__).parents[2] / "proofs" / "results" / "ranks"
SEED = 20261124
MANY = 1000


def kept(family, planted=None):
    files = sorted(KEPT.glob(f"{family}-*.json"))
    if not files:
        pytest.skip(f"no ranks of {family} are kept yet")
    most = (1 + max(int(file.stem.rsplit("-", 1)[1]) for file in files)) * 25
    return sbc(family, folder=KEPT, replications=most, seed=SEED, only=[], planted=planted)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_statistic_of_the_kept_ranks_is_flagged(family):
    found = kept(family)

    assert not found.table["flagged"].any(), found.headline
    assert found.provenance["unsettled"] <= 0.02
    assert found.provenance["divergent_draws"] <= 0.02


@pytest.mark.parametrize("family", FAMILIES)
def test_intervals_of_the_kept_ranks_hold_as_often_as_they_say(family):
    found = kept(family)
    if found.table["replications"][0] < MANY:
        pytest.skip(f"fewer than {MANY} worlds of {family} are kept yet")
    inside = found.table[["coverage50", "coverage90"]].dropna("statistic")

    assert float(inside["coverage90"].mean()) == pytest.approx(0.9, abs=0.01)
    assert ((inside["coverage90"] >= 0.87) & (inside["coverage90"] <= 0.93)).all()
    assert ((inside["coverage50"] >= 0.45) & (inside["coverage50"] <= 0.55)).all()


@pytest.mark.parametrize("planted", ["narrow", "shift"])
@pytest.mark.parametrize("family", FAMILIES)
def test_draws_made_too_narrow_or_moved_are_flagged(family, planted):
    found = kept(family, planted)
    if found.table["replications"][0] < MANY:
        pytest.skip(f"fewer than {MANY} worlds of {family} are kept yet")

    effects = ["_effect " in name for name in found.table["statistic"].values.tolist()]
    assert found.table["flagged"].values[effects].any()
