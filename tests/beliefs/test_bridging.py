"""The Bayes factor against the model without membership: by hand, and against dense grids."""

import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import coterie as co
from coterie.beliefs import bridge
from coterie.beliefs.bridging import _meng_wong
from tests.beliefs.stated_world import read, stating

STILL = ("loading", "kappa_spread", "artist_scale", "cluster_scale", "period_scale")
SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")


def normal(at, mean, sd):
    """Log of an unnormalised density whose mass is sd times the root of 2 pi."""
    return -0.5 * ((at - mean) / sd) ** 2


@pytest.mark.parametrize("apart", [0.0, 1.5])
def test_the_ratio_of_two_masses_is_found_within_its_error(apart, rng):
    errors = []
    for _ in range(50):
        first, second = rng.normal(0, 1, 400), rng.normal(apart, 2, 400)
        found = _meng_wong(
            normal(first, 0, 1) - normal(first, apart, 2),
            normal(second, 0, 1) - normal(second, apart, 2),
        )
        errors.append((found.log_ratio - math.log(0.5)) / found.error)
    # Fifty standard normals: their mean square is 1 +- 0.2.
    assert np.mean(np.square(errors)) < 1.8
    assert abs(np.mean(errors)) < 4 / math.sqrt(50)


def small_world(members):
    rng = np.random.default_rng(4)
    eta = -2.0 + 1.2 * (rng.random(40) < 0.4) * members
    rate = rng.beta(60 * expit(eta), 60 * (1 - expit(eta)))
    artists = [f"a{i:02}" for i in range(40)]
    frame = pd.DataFrame({"artist": artists, "cluster": "gym", "listeners": 200})
    return frame.assign(saves=rng.binomial(200, rate))


@pytest.mark.nightly
@pytest.mark.parametrize("members", [True, False])
def test_it_agrees_with_grids_over_every_free_parameter(members):
    frame = small_world(members)
    zero = co.ParameterPrior.fixed(0.0)
    population = co.PopulationPrior().replace(**dict.fromkeys(STILL, zero))
    prior = co.MembershipPrior.uniform(["gym"], prob=0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        evidence = co.Evidence.from_frame(frame, outcomes=[SAVE])
        with_it, without = (
            co.fit(
                evidence, p, homes=homes, population=population, draws=1000, tune=600,
                target_accept=0.95, rng=np.random.default_rng(5),
            )
            for p, homes in ((prior, "many"), (None, None))
        )  # fmt: skip
    found = bridge(with_it, without, draws=400)
    with pytest.raises(co.BeliefError, match="homes='many'"):
        bridge(with_it, with_it, draws=400)

    alpha = np.linspace(-5, 1, 241)[:, None, None]
    log_kappa = np.linspace(4 - 6, 4 + 6, 97)[:, None]
    log_uplift = np.linspace(math.log(0.7) - 3, math.log(0.7) + 2.5, 89)
    grid = stats.norm.logpdf(alpha, -2, 2) + stats.norm.logpdf(log_kappa, 4, 1.5)
    inside = grid + stats.norm.logpdf(log_uplift, math.log(0.7), 0.5)
    kappa = np.exp(log_kappa)
    for y in frame["saves"]:
        mass = [
            stats.betabinom.logpmf(y, 200, expit(eta) * kappa, expit(-eta) * kappa)
            for eta in (alpha, alpha + np.exp(log_uplift))
        ]
        grid = grid + mass[0]
        inside = inside + np.logaddexp(math.log(0.6) + mass[0], math.log(0.4) + mass[1])
    step = log_uplift[1] - log_uplift[0]
    exact = logsumexp(inside) + math.log(step) - logsumexp(grid)

    assert abs(found.log_ratio - exact) < 4 * found.error + 0.01
    assert found.error < 0.3
    assert (found.log_ratio > 0) == members


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"homes": None, "table": 1}, "same table"),
        ({"homes": None, "coterie_population": "[]"}, "priors"),
        ({"homes": "one"}, "homes=None"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(change, said, beliefs_like):
    options = dict(change)
    table = options.pop("table", 0)
    worlds = [
        co.simulate.world(artists=5, clusters=3, rng=np.random.default_rng(i)).evidence()
        for i in (0, table)
    ]
    row = {"parameter": "alpha", "outcome": "save", "family": "normal", "first": 0.0,
           "second": 1.0, "reason": ""}  # fmt: skip
    stated = {"coterie_population": json.dumps([row])}
    beliefs = beliefs_like(worlds[0], **stated)
    rival = beliefs_like(worlds[1], **stated | options)

    with pytest.raises(co.BeliefError, match=said):
        bridge(beliefs, rival, draws=10)


def stated_priors_of(beliefs):
    row = {"parameter": "alpha", "outcome": "save", "family": "normal", "first": 0.0,
           "second": 1.0, "reason": ""}  # fmt: skip
    beliefs.tree.attrs["coterie_population"] = json.dumps([row])
    return beliefs


def test_levels_that_one_model_alone_knows_do_not_move_those_of_the_other():
    columns = {"artist": ["a", "a", "b", "b"], "place": ["north", "south"] * 2,
               "moment": ["day", "night"] * 2, "saves": [10, 20, 5, 9],
               "listeners": [100, 90, 80, 70]}  # fmt: skip
    evidence = read(columns, cluster=["place", "moment"])
    effects = {"place": {"north": 0.9, "south": -0.7}}
    # Nothing was counted in the east, which stands before the others.
    more = ["east x day", "north x day", "south x night"]
    beliefs, rival = (
        stated_priors_of(stating(evidence, effects, clusters=clusters, draws=10))
        for clusters in (more, None)
    )

    assert bridge(beliefs, rival, draws=20).log_ratio == pytest.approx(0.0, abs=1e-9)


def test_models_of_a_table_that_fades_in_one_of_them_are_refused(beliefs_like):
    frame = {"artist": ["a", "b"], "cluster": ["gym", "indie"], "saves": [3, 9],
             "listeners": [40, 60], "period_start": ["2026-01-05", "2026-01-12"],
             "period_end": ["2026-01-11", "2026-01-18"]}  # fmt: skip
    evidence = read(frame, window="7D")
    beliefs = stated_priors_of(beliefs_like(evidence.forgetting("7D")))
    rival = stated_priors_of(beliefs_like(evidence, homes=None))

    with pytest.raises(co.BeliefError, match="fading alike"):
        bridge(beliefs, rival, draws=10)
