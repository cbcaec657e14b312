"""Where an answer can be written down by hand, the library gives that answer.

With the population stated and nothing of an artist's own, beliefs are Bayes' rule over every
configuration of memberships; with one or two parameters free, the posterior is a sum on a grid.
Everything on this side is written with SciPy alone.
"""

import itertools
import math

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import coterie as co
from coterie.beliefs.design import Levels, design
from coterie.beliefs.membership import MANY, NONE, ONE, Phi, integrate

CLUSTERS = [f"cluster {k}" for k in range(10)]
SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")
PLAY = co.Outcome.count("play", total="plays", exposure="hours")
ALPHA, UPLIFT = (-2.0, 0.3), (0.8, 0.5)
STILL = ("loading", "kappa_spread", "artist_scale", "cluster_scale", "period_scale")


def table(artists=5, seed=1):
    """Artists in ten clusters; a few pairs have no row, a few outcomes were not measured."""
    rng = np.random.default_rng(seed)
    pairs = [(a, k) for a in range(artists) for k in CLUSTERS if rng.random() > 0.15]
    frame = pd.DataFrame(pairs, columns=["artist", "cluster"])
    frame["artist"] = [f"artist {a}" for a in frame["artist"]]
    frame["listeners"] = rng.integers(5, 60, len(frame)).astype(float)
    frame["hours"] = rng.gamma(3.0, 2.0, len(frame))
    frame["saves"] = rng.binomial(frame["listeners"].astype(int), 0.2).astype(float)
    frame["plays"] = rng.poisson(1.8 * frame["hours"]).astype(float)
    frame.loc[rng.random(len(frame)) < 0.15, "saves"] = np.nan
    frame.loc[rng.random(len(frame)) < 0.15, "plays"] = np.nan
    return frame


def log_mass(y, n, eta, kappa, kind):
    if kind == "binary":
        mu = expit(eta)
        if math.isinf(kappa):
            return stats.binom.logpmf(y, n, mu)
        return stats.betabinom.logpmf(y, n, mu * kappa, (1 - mu) * kappa)
    mean = n * math.exp(eta)
    if math.isinf(kappa):
        return stats.poisson.logpmf(y, mean)
    return stats.nbinom.logpmf(y, kappa, kappa / (kappa + mean))


def by_hand(frame, artist, kappa):
    """Log mass of one artist's counts in each cluster, as an outsider and as a member."""
    own = frame[frame["artist"] == artist].set_index("cluster")
    found = np.zeros((2, len(CLUSTERS)))
    for k, cluster in enumerate(CLUSTERS):
        if cluster not in own.index:
            continue
        row = own.loc[cluster]
        for o, (outcome, top, bottom) in enumerate(
            ((SAVE, "saves", "listeners"), (PLAY, "plays", "hours"))
        ):
            if np.isnan(row[top]):
                continue
            for z in (0, 1):
                eta = ALPHA[o] + z * UPLIFT[o]
                found[z, k] += log_mass(row[top], row[bottom], eta, kappa, outcome.kind)
    return found


def every_configuration(table, prior, elsewhere, homes):
    """Belief in each cluster and log evidence, summed over every z that can be."""
    out, inside = table
    size = len(prior)
    scored = []
    if homes == "one":
        states = [np.eye(size, dtype=int)[k] for k in range(size)] + [np.zeros(size, dtype=int)]
        chances = np.append(prior, elsewhere)
    else:
        states = [np.array(z) for z in itertools.product((0, 1), repeat=size)]
        chances = [np.prod(np.where(z == 1, prior, 1 - prior)) for z in states]
    for z, chance in zip(states, chances, strict=True):
        scored.append(
            (math.log(chance) if chance else -np.inf) + np.where(z == 1, inside, out).sum()
        )
    total = logsumexp(scored)
    return np.exp(np.array(scored) - total) @ np.array(states), total


@pytest.mark.parametrize("kappa", [0.5, 40.0, 1e4, math.inf])
@pytest.mark.parametrize(("homes", "elsewhere"), [("one", 0.1), ("one", 0.0), ("many", 0.0)])
def test_beliefs_equal_the_sum_over_every_configuration(homes, elsewhere, kappa):
    frame = table()
    evidence = co.Evidence.from_frame(frame, outcomes=[SAVE, PLAY])
    levels = Levels.of(evidence, CLUSTERS)
    made = design(evidence, levels)
    rng = np.random.default_rng(2)
    share = rng.dirichlet(np.ones(10))
    prior = (1 - elsewhere) * share if homes == "one" else rng.uniform(0.02, 0.6, 10)
    flat = np.zeros((1, 2))
    with np.errstate(divide="ignore"):
        phi = Phi(
            base=np.array(ALPHA)[made.outcome][None],
            log_kappa=np.full((1, 10, 2), np.log(kappa)),
            uplift=np.array([UPLIFT]), loading=flat, artist_scale=flat,
            log_prior=np.log(np.broadcast_to(prior, (1, len(levels.artists), 10))).copy(),
            log_elsewhere=float(np.log(elsewhere)),
        )  # fmt: skip
    found = integrate(made, phi, homes=ONE if homes == "one" else MANY)

    for a, artist in enumerate(levels.artists):
        belief, total = every_configuration(by_hand(frame, artist, kappa), prior, elsewhere, homes)
        np.testing.assert_allclose(found.belief[0, a], belief, atol=1e-10)
        assert found.log_evidence[0, a] == pytest.approx(total, abs=1e-8, rel=1e-10)


def test_without_membership_the_evidence_is_the_sum_of_log_masses():
    frame = table()
    evidence = co.Evidence.from_frame(frame, outcomes=[SAVE, PLAY])
    levels = Levels.of(evidence, CLUSTERS)
    made = design(evidence, levels)
    flat = np.zeros((1, 2))
    phi = Phi(
        base=np.array(ALPHA)[made.outcome][None], log_kappa=np.full((1, 10, 2), np.log(40.0)),
        uplift=flat, loading=flat, artist_scale=flat,
        log_prior=np.full((1, len(levels.artists), 10), -np.inf), log_elsewhere=0.0,
    )  # fmt: skip
    found = integrate(made, phi, homes=NONE).log_evidence[0]

    for a, artist in enumerate(levels.artists):
        assert found[a] == pytest.approx(by_hand(frame, artist, 40.0)[0].sum(), abs=1e-9)


def stated(**free):
    """Return a population with every parameter stated, apart from those given."""
    fixed = co.ParameterPrior.fixed
    prior = co.PopulationPrior().replace(**{name: fixed(0.0) for name in STILL}, kappa=fixed(40.0))
    for name, alpha, uplift in zip(("save", "play"), ALPHA, UPLIFT, strict=True):
        prior = prior.replace(outcome=name, alpha=fixed(alpha), uplift=fixed(uplift))
    return prior.replace(**free)


def fit(evidence, prior, homes, population, **options):
    how = {"draws": 60, "tune": 60, "chains": 2, "rng": np.random.default_rng(3)} | options
    return co.fit(evidence, prior, homes=homes, population=population, **how)


@pytest.mark.slow
@pytest.mark.parametrize("homes", ["one", "many"])
def test_a_fit_of_a_stated_population_is_bayes_rule(homes):
    frame = table()
    evidence = co.Evidence.from_frame(frame, outcomes=[SAVE, PLAY])
    share = dict(zip(CLUSTERS, np.random.default_rng(2).dirichlet(np.ones(10)), strict=True))
    chance = {k: 0.05 + v for k, v in share.items()}
    prior = co.MembershipPrior.from_shares(share, prob=chance, elsewhere=0.1)
    beliefs = fit(evidence, prior, homes, stated())
    found = (beliefs.home if homes == "one" else beliefs.membership).transpose(
        "chain", "draw", "artist", "cluster"
    )
    summary = beliefs.summary().set_index(["artist", "cluster"])

    assert beliefs.diagnose().lines[0].startswith("Nothing had to be learned")
    for artist in evidence.artists:
        values = [0.9 * share[k] if homes == "one" else chance[k] for k in CLUSTERS]
        belief, total = every_configuration(
            by_hand(frame, artist, 40.0), np.array(values), 0.1, homes
        )
        every = found.sel(artist=artist, cluster=CLUSTERS).to_numpy()
        np.testing.assert_allclose(every, np.broadcast_to(belief, every.shape), atol=1e-10)
        scores = beliefs.tree["log_likelihood"]["evidence"].sel(artist=artist).to_numpy()
        np.testing.assert_allclose(scores, total, rtol=1e-10, atol=1e-8)
        for o, (name, link) in enumerate((("save", expit), ("play", np.exp))):
            rate = (1 - belief) * link(ALPHA[o]) + belief * link(ALPHA[o] + UPLIFT[o])
            told = summary.loc[artist].loc[CLUSTERS, f"{name}_rate"].to_numpy()
            np.testing.assert_allclose(told, rate, atol=1e-10)


def moments(values, log_weight):
    """Mean, sd and both 5 % ends of a density on a grid."""
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean = weight @ values
    below = np.cumsum(weight) - 0.5 * weight
    ends = np.interp([0.05, 0.95], below, values)
    return {"mean": mean, "sd": math.sqrt(weight @ (values - mean) ** 2), "ends": ends}


def assert_agrees(draws, exact):
    """Within four Monte Carlo standard errors of the grid's numbers."""
    flat = draws.to_numpy().ravel()
    assert abs(flat.mean() - exact["mean"]) < 4 * float(az.mcse(draws, method="mean"))
    assert abs(flat.std() - exact["sd"]) < 4 * float(az.mcse(draws, method="sd"))
    for prob, end in zip((0.05, 0.95), exact["ends"], strict=True):
        error = float(az.mcse(draws, method="quantile", prob=prob))
        assert abs(np.quantile(flat, prob) - end) < 4 * error


@pytest.mark.slow
def test_two_free_parameters_agree_with_a_grid():
    frame = table(artists=8).query("cluster == 'cluster 0'").dropna(subset=["saves"])
    with pytest.warns(co.EvidenceWarning, match="one cluster"):
        evidence = co.Evidence.from_frame(frame, outcomes=[SAVE])
    free = {
        "alpha": co.ParameterPrior.normal(-2.0, 2.0),
        "kappa": co.ParameterPrior.lognormal(30.0, 1.0),
    }
    population = co.PopulationPrior().replace(
        **{name: co.ParameterPrior.fixed(0.0) for name in STILL},
        uplift=co.ParameterPrior.fixed(1.0), **free,
    )  # fmt: skip
    beliefs = fit(
        evidence, None, None, population, draws=2000, tune=800, chains=4, target_accept=0.95
    )
    alpha, log_kappa = np.linspace(-5, 2, 561), np.linspace(math.log(30) - 6, math.log(30) + 6, 401)
    grid = stats.norm.logpdf(alpha, -2.0, 2.0)[:, None] + stats.norm.logpdf(
        log_kappa, math.log(30), 1.0
    )
    for y, n in frame[["saves", "listeners"]].to_numpy():
        mu, kappa = expit(alpha)[:, None], np.exp(log_kappa)
        grid = grid + stats.betabinom.logpmf(y, n, mu * kappa, (1 - mu) * kappa)
    posterior = beliefs.tree["posterior"].dataset.isel(outcome=0)

    assert_agrees(posterior["alpha"], moments(alpha, logsumexp(grid, axis=1)))
    assert_agrees(np.log(posterior["kappa"]), moments(log_kappa, logsumexp(grid, axis=0)))


@pytest.mark.slow
def test_one_free_parameter_with_membership_summed_out_agrees_with_a_grid():
    frame = table(artists=12, seed=6).query("cluster == 'cluster 0'").dropna(subset=["saves"])
    with pytest.warns(co.EvidenceWarning, match="one cluster"):
        evidence = co.Evidence.from_frame(frame, outcomes=[SAVE])
    fixed = co.ParameterPrior.fixed
    population = co.PopulationPrior().replace(
        **{name: fixed(0.0) for name in STILL},
        alpha=fixed(-2.0), kappa=fixed(40.0), uplift=co.ParameterPrior.lognormal(0.7, 0.5),
    )  # fmt: skip
    prior = co.MembershipPrior.uniform(["cluster 0"], prob=0.4)
    beliefs = fit(
        evidence, prior, "many", population, draws=2000, tune=800, chains=4, target_accept=0.95
    )
    log_uplift = np.linspace(math.log(0.7) - 4, math.log(0.7) + 3, 1401)
    grid = stats.norm.logpdf(log_uplift, math.log(0.7), 0.5)
    member = []
    for y, n in frame[["saves", "listeners"]].to_numpy():
        out = math.log(0.6) + log_mass(y, n, -2.0, 40.0, "binary")
        mu = expit(-2.0 + np.exp(log_uplift))
        inside = math.log(0.4) + stats.betabinom.logpmf(y, n, mu * 40.0, (1 - mu) * 40.0)
        grid = grid + np.logaddexp(out, inside)
        member.append(expit(inside - out))
    posterior = beliefs.tree["posterior"].dataset.isel(outcome=0)

    assert_agrees(np.log(posterior["uplift"]), moments(log_uplift, grid))
    weight = np.exp(grid - logsumexp(grid))
    exact = np.array([weight @ each for each in member])
    said = beliefs.membership.sel(artist=frame["artist"].tolist(), cluster="cluster 0")
    error = said.std(("chain", "draw")).to_numpy() / math.sqrt(100)
    assert np.all(np.abs(said.mean(("chain", "draw")).to_numpy() - exact) < 4 * error + 1e-6)


OTHER = co.Outcome.binary("add", successes="adds", trials="listeners")
SURE = {"uplift": co.ParameterPrior.fixed(1.0), "kappa": co.ParameterPrior.fixed(math.inf)}


def tied(first, second, both=0.75):
    """Normal of sd 0.8 each, correlated; constants left out."""
    return -0.5 * (first**2 + second**2 - 2 * both * first * second) / (1 - both**2) / 0.64


def weighed_table():
    """Six artists with two outcomes, each of whom stands for several alike."""
    rng = np.random.default_rng(12)
    frame = pd.DataFrame({"artist": list("abcdef"), "cluster": "all", "listeners": 12})
    return frame.assign(
        saves=rng.binomial(12, 0.3, 6), adds=rng.binomial(12, 0.5, 6), alike=[1, 2, 1, 3, 1, 2],
        loud=np.linspace(-1, 1, 6),
    )  # fmt: skip


def still(*names_of_zero):
    zero = co.ParameterPrior.fixed(0.0)
    return co.PopulationPrior().replace(**dict.fromkeys((*STILL, *names_of_zero), zero), **SURE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::coterie.EvidenceWarning")
def test_weights_and_a_prior_that_ties_two_outcomes_agree_with_a_grid():
    frame = weighed_table()
    evidence = co.Evidence.from_frame(frame, outcomes=[SAVE, OTHER], weight="alike")
    population = still().with_joint(lambda alpha: tied(alpha[0], alpha[1]), over=("alpha",))
    beliefs = fit(evidence, None, None, population, draws=2000, tune=800, chains=4)

    level = np.linspace(-3, 3, 601)
    grid = tied(level[:, None], level[None, :])
    for column, axis in (("saves", 1), ("adds", 0)):
        told = stats.binom.logpmf(frame[column].to_numpy(), 12, expit(level)[:, None])
        grid = grid + np.expand_dims(told @ frame["alike"].to_numpy(), axis)
    posterior = beliefs.tree["posterior"]["alpha"]

    assert_agrees(posterior.isel(outcome=0), moments(level, logsumexp(grid, axis=1)))
    assert_agrees(posterior.isel(outcome=1), moments(level, logsumexp(grid, axis=0)))


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::coterie.EvidenceWarning")
def test_a_prior_that_ties_a_level_to_a_slope_agrees_with_a_grid():
    frame = weighed_table()
    loud = co.Covariate("loud", centre=0, unit=1)
    evidence = co.Evidence.from_frame(frame, outcomes=[SAVE], covariates=(loud,))
    population = still().with_joint(
        lambda alpha, slope: tied(alpha[0], slope[0, 0]), over=("alpha", "slope")
    )
    beliefs = fit(evidence, None, None, population, draws=2000, tune=800, chains=4)

    line = np.linspace(-4, 4, 801)
    eta = line[:, None, None] + line[:, None] * frame["loud"].to_numpy()
    told = stats.binom.logpmf(frame["saves"].to_numpy(), 12, expit(eta)).sum(axis=2)
    grid = tied(line[:, None], line[None, :]) + told
    posterior = beliefs.tree["posterior"].dataset.isel(outcome=0)

    assert_agrees(posterior["alpha"], moments(line, logsumexp(grid, axis=1)))
    assert_agrees(posterior["slope"].isel(covariate=0), moments(line, logsumexp(grid, axis=0)))
