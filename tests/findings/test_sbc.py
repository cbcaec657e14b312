"""Simulation-based calibration: the tests of uniformity, the files, and two small runs."""

import importlib
import itertools
import json
import re

import numpy as np
import pytest

from coterie.errors import FindingError
from coterie.findings import FAMILIES, families, replicating, sbc
from coterie.findings.uniform import belief_test, covered, rank_test
from tests.beliefs.small_world import OLD, believing

SEED = 5


def uniform_ranks(size, rng):
    return rng.integers(100, size=size)


def test_uniform_ranks_are_seldom_called_odd(rng):
    found = np.array([rank_test(uniform_ranks(200, rng), 99) for _ in range(500)])
    assert np.mean(found < 0.05) < 0.08
    assert np.mean(found < 0.5) > 0.25


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda u: u**1.25, id="shifted"),
        pytest.param(lambda u: 0.5 + (u - 0.5) * 0.8, id="too wide"),
        pytest.param(lambda u: np.clip(0.5 + (u - 0.5) * 1.2, 0, 0.999), id="too narrow"),
    ],
)
def test_a_thousand_ranks_that_are_shifted_or_misscaled_are_called_odd(spoil, rng):
    assert rank_test((spoil(rng.random(1000)) * 100).astype(int), 99) < 1e-4


def test_coverage_of_all_ranks_is_that_of_the_interval():
    ranks = np.arange(100)
    assert covered(ranks, 99, 0.9) == pytest.approx(0.9)
    assert covered(ranks, 99, 0.5) == pytest.approx(0.5)


def test_beliefs_that_come_true_as_often_as_they_say_pass_and_bolder_ones_fail(rng):
    belief = rng.beta(0.5, 0.5, size=(500, 40))
    truth = rng.random(belief.shape) < belief
    odds = np.log(belief) - np.log1p(-belief)
    bolder = 1 / (1 + np.exp(-1.5 * odds))
    assert belief_test(belief, truth) > 0.001
    assert belief_test(bolder, truth) < 1e-6
    assert belief_test(np.clip(belief + 0.05, 0, 1), truth) < 1e-6


def test_events_of_which_one_is_always_true_are_not_judged_by_their_rounding(rng):
    # Sums of such beliefs differ from 1 by 1e-16, and always to one side.
    belief = np.full((500, 3), 0.1) * [1, 2, 7]
    truth = np.eye(3)[rng.choice(3, 500, p=[0.1, 0.2, 0.7])]
    assert abs((truth - belief).sum(axis=1)).max() > 0
    assert belief_test(belief, truth) > 0.001
    assert belief_test(belief[:, ::-1], truth) < 1e-6


@pytest.fixture
def counted(monkeypatch):
    """Replications of uniform ranks that count how often they are asked for."""
    calls = itertools.count()

    def replicate(family, entropy, *, fits):  # noqa: ARG001 - the real one's signature
        next(calls)
        rng = np.random.default_rng(entropy)
        named = ("alpha of save", "cluster_effect of save")
        ranks = {
            key: {name: int(rng.integers(100)) for name in named}
            for key in ("ranks", "narrow", "shift")
        }
        belief = rng.random(family.artists * family.clusters)
        return ranks | {
            "belief": belief.tolist(),
            "member": (rng.random(belief.size) < belief).astype(int).tolist(),
            "drawn": belief.tolist(),
            "best": [0.25] * 4,
            "is_best": rng.permutation([1, 0, 0, 0]).tolist(),
            "rhat": 1.0,
            "ess": 500.0,
            "divergent": 0.0,
            "tries": 1,
            "seconds": 0.1,
        }

    module = importlib.import_module("coterie.findings.sbc")
    monkeypatch.setattr(module, "replicate", replicate)
    return lambda: int(re.search(r"\d+", repr(calls)).group())


def test_a_run_taken_up_again_makes_only_what_is_missing_and_ends_the_same(tmp_path, counted):
    whole = sbc("one-home", folder=tmp_path / "whole", replications=60, seed=SEED)
    made = counted()
    sbc("one-home", folder=tmp_path / "parts", replications=60, seed=SEED, only=[1])
    parts = sbc("one-home", folder=tmp_path / "parts", replications=60, seed=SEED)
    assert counted() == 2 * made == 120
    assert whole.table.identical(parts.table)
    assert whole.provenance == parts.provenance
    sbc("one-home", folder=tmp_path / "parts", replications=60, seed=SEED)
    assert counted() == 120


def test_a_file_with_fewer_replications_than_asked_for_is_made_anew(tmp_path, counted):
    few = sbc("one-home", folder=tmp_path, replications=10, seed=SEED)
    more = sbc("one-home", folder=tmp_path, replications=25, seed=SEED)
    again = sbc("one-home", folder=tmp_path, replications=10, seed=SEED)
    assert counted() == 35
    assert int(more.table["replications"][0]) == 25
    assert again.table.identical(few.table)


def test_every_replication_asked_for_is_counted(tmp_path, counted):  # noqa: ARG001
    found = sbc("many-homes", folder=tmp_path, replications=30, seed=SEED)
    assert set(found.table["replications"].to_numpy().tolist()) == {30}


def test_a_damaged_file_another_seed_and_other_code_are_refused_by_name(tmp_path, counted):  # noqa: ARG001
    sbc("one-home", folder=tmp_path, replications=50, seed=SEED)
    with pytest.raises(FindingError, match=r"one-home-0000.json was made with seed 5"):
        sbc("one-home", folder=tmp_path, replications=50, seed=SEED + 1)
    first = tmp_path / "one-home-0000.json"
    held = json.loads(first.read_text())
    first.write_text(json.dumps(held | {"code": "older"}))
    with pytest.raises(FindingError, match="2 versions of the code"):
        sbc("one-home", folder=tmp_path, replications=50, seed=SEED)
    first.write_text(first.read_text()[:200])
    with pytest.raises(FindingError, match=r"one-home-0000.json is damaged.*Delete it"):
        sbc("one-home", folder=tmp_path, replications=50, seed=SEED)


def test_results_of_older_code_are_read_and_say_so_and_are_not_added_to(tmp_path, counted):  # noqa: ARG001
    sbc("one-home", folder=tmp_path, replications=25, seed=SEED)
    file = tmp_path / "one-home-0000.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"code": "older"}))
    found = sbc("one-home", folder=tmp_path, replications=25, seed=SEED)
    assert any("Made by code older" in line for line in found.caveats)
    with pytest.raises(FindingError, match="2 versions of the code"):
        sbc("one-home", folder=tmp_path, replications=50, seed=SEED)


def test_an_unknown_family_and_a_single_replication_are_refused(tmp_path):
    with pytest.raises(FindingError, match=r"'two-homes'; known are one-home, many-homes"):
        sbc("two-homes", folder=tmp_path)
    with pytest.raises(FindingError, match="replications is 1"):
        sbc("one-home", folder=tmp_path, replications=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "family", ["one-home", pytest.param("many-homes", marks=pytest.mark.nightly)]
)
def test_the_truth_is_one_more_draw_on_twenty_worlds(family, tmp_path):
    found = sbc(family, folder=tmp_path, replications=20, seed=20261124)
    assert not found.table["flagged"].any(), found.headline
    assert found.provenance["unsettled"] <= 0.1, found.caveats
    held = found.table["coverage90"].dropna("statistic").mean()
    assert 0.85 <= held <= 0.95


@pytest.mark.nightly
@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_truth_is_one_more_draw_on_a_thousand_worlds(family, tmp_path):
    found = sbc(family, folder=tmp_path, replications=1000, seed=20261124)
    assert not found.table["flagged"].any(), found.headline


@pytest.mark.release
@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_truth_is_one_more_draw_on_two_thousand_worlds(family, tmp_path):
    found = sbc(family, folder=tmp_path, replications=2000, seed=20261124)
    assert not found.table["flagged"].any(), found.headline


@pytest.mark.parametrize("homes", ["one", "many"])
def test_draws_of_affinities_make_the_belief_that_the_integrals_make(homes, rng):
    """Known population: whoever draws fits and whoever integrates them say the same of homes."""
    beliefs = believing(OLD, rng, homes)
    told = beliefs.home if homes == "one" else beliefs.membership
    mean = told.mean(("chain", "draw"))
    drawn = replicating._by_draws(beliefs, mean.dims)
    # 4,000 draws of fits, and 200 of the population in the integrals.
    error = np.sqrt(mean * (1 - mean) / 4000 + told.var(("chain", "draw")) / 200)
    assert (np.abs(drawn - mean) < 4 * error + 5e-3).all()


def test_a_family_draws_homes_where_the_highest_affinity_is(rng):
    """Affinities at three amounts of evidence, the highest and its lead, and homes elsewhere."""
    world = families.draw(FAMILIES["one-home"], rng)
    truth = world.truth["affinity"]
    home = world.truth["home"].to_numpy()
    highest = truth["cluster"].to_numpy()[truth.to_numpy().argmax(axis=1)]
    named = home != "elsewhere"
    assert (home[named] == highest[named]).all()
