"""Where an answer can be written down by hand, the library gives that answer.

With the population stated and nothing of an artist's own, beliefs are Bayes' rule over every
configuration of memberships; with one or two parameters free, the posterior is a sum on a grid.
Everything on this side is written with SciPy alone.
"""

import math

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import coterie as co
from coterie.beliefs.design import Levels, design
from coterie.beliefs.membership import MANY, ONE, Phi, integrate

CLUSTERS = [f"cluster {k}" for k in range(10)]
SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")
PLAY = co.Outcome.count("play", total="plays", exposure="hours")
ALPHA = (-2.0, 0.3)
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
    mean = n * np.exp(eta)
    if math.isinf(kappa):
        return stats.poisson.logpmf(y, mean)
    return stats.nbinom.logpmf(y, kappa, kappa / (kappa + mean))


def by_hand(frame, artist, kappa, loading):
    """Log evidence, and densities of affinities on a grid; last that of no named cluster."""
    own = frame[frame["artist"] == artist].set_index("cluster")
    s = np.linspace(-7, 7, 2801)
    height = np.tile(stats.norm.logpdf(s) + math.log(s[1] - s[0]), (len(CLUSTERS) + 1, 1))
    for k, cluster in enumerate(CLUSTERS):
        if cluster not in own.index:
            continue
        row = own.loc[cluster]
        for o, (outcome, top, bottom) in enumerate(
            ((SAVE, "saves", "listeners"), (PLAY, "plays", "hours"))
        ):
            if np.isnan(row[top]):
                continue
            eta = ALPHA[o] + loading[o] * s
            height[k] += log_mass(row[top], row[bottom], eta, kappa, outcome.kind)
    mass = logsumexp(height, axis=1)
    return mass.sum(), np.exp(height - mass[:, None]), s


def believed(frame, artist, kappa, loading, prior, elsewhere, homes):
    """Belief in each cluster and log evidence, of an artist without effects of its own."""
    total, law, s = by_hand(frame, artist, kappa, loading)
    below = np.cumsum(law, axis=1) - 0.5 * law
    if homes == "many":
        edge = stats.norm.ppf(1 - prior)
        pairs = zip(edge, below[:-1], strict=True)
        return 1 - np.array([np.interp(e, s, own) for e, own in pairs]), total
    if elsewhere == 0:
        law, below = law[:-1], below[:-1]
    highest = np.array(
        [(law[k] * np.delete(below, k, axis=0).prod(axis=0)).sum() for k in range(len(law))]
    )
    weighed = highest * (np.append(prior, elsewhere) if elsewhere else prior)
    return weighed[: len(prior)] / weighed.sum(), total


LOADINGS = {"none": (0.0, 0.0), "some": (0.4, 0.7)}


@pytest.mark.parametrize("loading", LOADINGS.values(), ids=LOADINGS)
@pytest.mark.parametrize("kappa", [0.5, 40.0, 1e4, math.inf])
@pytest.mark.parametrize(("homes", "elsewhere"), [("one", 0.1), ("one", 0.0), ("many", 0.0)])
def test_beliefs_equal_a_sum_on_a_grid_of_affinities(homes, elsewhere, kappa, loading):
    frame = table()
    evidence = co.Evidence.from_frame(frame, outcomes=[SAVE, PLAY])
    levels = Levels.of(evidence, CLUSTERS)
    made = design(evidence, levels)
    rng = np.random.default_rng(2)
    share = rng.dirichlet(np.ones(10))
    prior = (1 - elsewhere) * share if homes == "one" else rng.uniform(0.02, 0.6, 10)
    with np.errstate(divide="ignore"):
        phi = Phi(
            base=np.array(ALPHA)[made.outcome][None],
            log_kappa=np.full((1, 10, 2), np.log(kappa)),
            loading=np.array([loading]), artist_scale=np.zeros((1, 2)),
            log_prior=np.log(np.broadcast_to(prior, (len(levels.artists), 10))).copy(),
            log_elsewhere=float(np.log(elsewhere)),
        )  # fmt: skip
    found = integrate(made, phi, homes=ONE if homes == "one" else MANY)

    for a, artist in enumerate(levels.artists):
        belief, total = believed(frame, artist, kappa, loading, prior, elsewhere, homes)
        np.testing.assert_allclose(found.belief[0, a], belief, atol=1e-3)
        assert found.log_evidence[0, a] == pytest.approx(total, abs=1e-3)


def stated(**free):
    """Return a population with every parameter stated, apart from those given."""
    fixed = co.ParameterPrior.fixed
    prior = co.PopulationPrior().replace(**{name: fixed(0.0) for name in STILL}, kappa=fixed(40.0))
    for name, alpha in zip(("save", "play"), ALPHA, strict=True):
        prior = prior.replace(outcome=name, alpha=fixed(alpha), loading=fixed(0.5))
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
    beliefs = fit(evidence, prior, homes, stated(), draws=1000)
    order = ("artist", "cluster", "chain", "draw")
    found = (beliefs.home if homes == "one" else beliefs.membership).sel(cluster=CLUSTERS)
    affinity = beliefs.tree["posterior"]["affinity"].sel(cluster=CLUSTERS).transpose(*order)

    assert beliefs.diagnose().lines[0].startswith("Nothing had to be learned")
    for artist in evidence.artists:
        values = np.array([0.9 * share[k] if homes == "one" else chance[k] for k in CLUSTERS])
        belief, total = believed(frame, artist, 40.0, (0.5, 0.5), values, 0.1, homes)
        every = found.sel(artist=artist).transpose("chain", "draw", "cluster").to_numpy()
        np.testing.assert_allclose(every, np.broadcast_to(belief, every.shape), atol=1e-3)
        scores = beliefs.tree["log_likelihood"]["evidence"].sel(artist=artist).to_numpy()
        np.testing.assert_allclose(scores, total, atol=1e-3)
        # The draws of affinities say the same: whose is highest, and which are above the edge.
        own = affinity.sel(artist=artist).to_numpy().reshape(len(CLUSTERS), -1)
        if homes == "many":
            share_of_draws = (own > stats.norm.ppf(1 - values)[:, None]).mean(axis=1)
        else:
            top = own.argmax(axis=0) == np.arange(len(CLUSTERS))[:, None]
            rest = 0.1 * (1 - stats.norm.cdf(own.max(axis=0)))
            stated_of = values[own.argmax(axis=0)] * stats.norm.cdf(own.max(axis=0))
            share_of_draws = (top * stated_of / (stated_of + rest)).mean(axis=1)
        assert np.all(np.abs(share_of_draws - belief) < 4 * 0.5 / math.sqrt(1000))


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
        **{name: co.ParameterPrior.fixed(0.0) for name in STILL}, **free
    )
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
def test_one_free_parameter_with_affinities_integrated_out_agrees_with_a_grid():
    frame = table(artists=12, seed=6).query("cluster == 'cluster 0'").dropna(subset=["saves"])
    with pytest.warns(co.EvidenceWarning, match="one cluster"):
        evidence = co.Evidence.from_frame(frame, outcomes=[SAVE])
    fixed = co.ParameterPrior.fixed
    population = co.PopulationPrior().replace(**{name: fixed(0.0) for name in STILL})
    population = population.replace(
        alpha=fixed(-2.0), kappa=fixed(40.0), loading=co.ParameterPrior.halfnormal(1.0)
    )
    prior = co.MembershipPrior.uniform(["cluster 0"], prob=0.4)
    beliefs = fit(
        evidence, prior, "many", population, draws=2000, tune=800, chains=4, target_accept=0.95
    )
    loading, s = np.linspace(0, 5, 1001), np.linspace(-6, 6, 401)
    grid, above = stats.norm.logpdf(loading), []
    weight = stats.norm.logpdf(s) + math.log(s[1] - s[0])
    member = s > stats.norm.ppf(0.6)
    for y, n in frame[["saves", "listeners"]].to_numpy():
        mu = expit(-2.0 + loading[:, None] * s)
        height = weight + stats.betabinom.logpmf(y, n, mu * 40.0, (1 - mu) * 40.0)
        own = logsumexp(height, axis=1)
        grid = grid + own
        above.append(np.exp(logsumexp(height[:, member], axis=1) - own))
    posterior = beliefs.tree["posterior"].dataset.isel(outcome=0)

    assert_agrees(posterior["loading"], moments(loading, grid))
    share = np.exp(grid - logsumexp(grid))
    exact = np.array([share @ each for each in above])
    said = beliefs.membership.sel(artist=frame["artist"].tolist(), cluster="cluster 0")
    error = said.std(("chain", "draw")).to_numpy() / math.sqrt(100)
    assert np.all(np.abs(said.mean(("chain", "draw")).to_numpy() - exact) < 4 * error + 2e-3)


OTHER = co.Outcome.binary("add", successes="adds", trials="listeners")
SURE = {"kappa": co.ParameterPrior.fixed(math.inf)}


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
