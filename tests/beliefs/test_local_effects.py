"""An artist's own effects, drawn given the population, follow their exact law."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, gammaln

from coterie.beliefs.design import Levels, design
from coterie.beliefs.fits import members, prior_fits
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.membership import Phi, integrate
from coterie.beliefs.population import CODE
from coterie.evidence import Evidence, Outcome

DRAWS = 20_000
LOADING, SCALE = np.array([0.5, 0.8]), np.array([0.4, 0.7])
BASE, KAPPA = np.array([-2.0, 0.2]), np.array([60.0, 4.0])
PRIOR, ELSEWHERE = np.array([0.5, 0.3]), 0.2


@pytest.fixture(scope="module")
def evidence():
    frame = {
        "artist": ["a", "a"], "cluster": ["gym", "indie"], "saves": [16, 9],
        "listeners": [80, 120], "streams": [40, 12], "fans": [10.0, 14.0],
    }  # fmt: skip
    outcomes = [
        Outcome.binary("save", successes="saves", trials="listeners"),
        Outcome.count("depth", total="streams", exposure="fans"),
    ]
    return Evidence.from_frame(frame, outcomes=outcomes)


def _phi(draws, made, homes):
    prior = PRIOR if homes != "many" else np.array([0.5, 0.3])
    with np.errstate(divide="ignore"):
        return Phi(
            base=np.tile(BASE[made.outcome], (draws, 1)),
            log_kappa=np.tile(np.log(KAPPA), (draws, 2, 1)),
            loading=np.tile(LOADING, (draws, 1)),
            artist_scale=np.tile(SCALE, (draws, 1)),
            log_prior=np.log(prior)[None, :],
            log_elsewhere=float(np.log(ELSEWHERE if homes == "one" else 1.0)),
        )


def _log_mass(y, n, eta, kappa, *, count):
    if count:
        return stats.nbinom.logpmf(y, kappa, kappa / (kappa + n * np.exp(eta)))
    mu = expit(eta)
    a, b = mu * kappa, (1 - mu) * kappa
    return (
        gammaln(y + a) - gammaln(a) + gammaln(n - y + b) - gammaln(b)
        + gammaln(a + b) - gammaln(n + a + b)
    )  # fmt: skip


def _by_importance(made, homes, rng, size=400_000):
    """Draws of everything from the prior, weighed by the counts: no line shared with the code."""
    effect = rng.standard_normal((size, 2)) * SCALE
    affinity = rng.standard_normal((size, 2))
    log_weight = np.zeros(size)
    if homes == "one":
        unseen = rng.standard_normal((size, 1))
        home = np.concatenate([affinity, unseen], axis=1).argmax(axis=1)
        log_weight += np.log(np.append(PRIOR, ELSEWHERE))[home]
    for j in range(made.y.size):
        o, k = made.outcome[j], made.cluster[j]
        eta = BASE[o] + effect[:, o] + LOADING[o] * affinity[:, k]
        log_weight += _log_mass(made.y[j], made.n[j], eta, KAPPA[o], count=o == 1)
    weight = np.exp(log_weight - log_weight.max())
    return np.concatenate([effect, affinity], axis=1), weight / weight.sum()


@pytest.mark.parametrize("homes", ["one", "many", None])
def test_draws_of_effects_and_affinities_have_the_moments_of_importance_sampling(
    evidence, homes, rng
):
    made = design(evidence, Levels.of(evidence))
    found = draw_local(made, _phi(DRAWS, made, homes), homes=CODE[homes], rng=rng)
    mine = np.concatenate([found.artist_effect[:, 0], found.affinity[:, 0]], axis=1)
    theirs, weight = _by_importance(made, homes, rng)
    enough = 1 / np.square(weight).sum()
    assert enough > 10_000
    for power in (1, 2):
        expected = weight @ theirs**power
        spread = np.sqrt(weight @ theirs ** (2 * power) - expected**2)
        error = spread * np.sqrt(1 / DRAWS + 1 / enough)
        np.testing.assert_array_less(np.abs((mine**power).mean(axis=0) - expected), 4 * error)
    together = (weight * theirs[:, 0]) @ theirs[:, 2]
    assert abs((mine[:, 0] * mine[:, 2]).mean() - together) < 4 * 0.5 / np.sqrt(enough)
    # Whole laws, not moments alone: each value's place among the weighted ones is uniform.
    for column in range(4):
        order = np.argsort(theirs[:, column])
        place = np.interp(mine[:, column], theirs[order, column], np.cumsum(weight[order]))
        assert stats.kstest(place, "uniform").statistic < 1.95 * np.sqrt(1 / DRAWS + 1 / enough)


def test_an_artist_without_counts_is_drawn_from_the_population(evidence, rng):
    levels = Levels.of(evidence)
    made = design(evidence, levels)
    phi = _phi(4000, made, "one")
    wide = np.repeat(phi.log_prior, 2, axis=0)
    found = draw_local(made, replace(phi, log_prior=wide), homes=CODE["one"], rng=rng)
    np.testing.assert_allclose(found.artist_effect[:, 1].std(axis=0), SCALE, rtol=0.05)


def test_the_same_generator_draws_the_same_effects(evidence):
    made = design(evidence, Levels.of(evidence))
    twice = [
        draw_local(made, _phi(50, made, "many"), homes=CODE["many"], rng=np.random.default_rng(1))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(twice[0].affinity, twice[1].affinity)


def test_homes_of_the_draws_are_spread_as_the_belief_says(evidence, rng):
    made = design(evidence, Levels.of(evidence))
    phi = _phi(DRAWS, made, "one")
    found = draw_local(made, phi, homes=CODE["one"], rng=rng)
    home = members(found.affinity, phi.log_prior, phi.log_elsewhere, homes=CODE["one"], rng=rng)
    belief = integrate(made, phi.at(slice(0, 1)), homes=CODE["one"]).belief[0]

    error = 4 * np.sqrt(belief * (1 - belief) / DRAWS) + 3e-3
    assert np.all(np.abs(home.mean(axis=0) - belief) < error)


@pytest.mark.parametrize("elsewhere", [0.0, 0.2])
def test_homes_of_artists_nobody_counted_are_spread_as_the_prior_says(elsewhere, rng):
    stated = np.array([[0.6, 0.3, 0.1]]) * (1 - elsewhere)
    with np.errstate(divide="ignore"):
        prior = np.log(stated), float(np.log(elsewhere))
    drawn = prior_fits(*prior, DRAWS, homes=CODE["one"], rng=rng)
    home = members(drawn, *prior, homes=CODE["one"], rng=rng)

    assert np.all(np.abs(home.mean(axis=0) - stated) < 4 * np.sqrt(0.25 / DRAWS))
    # Drawn the long way: exchangeable affinities, kept in proportion to the prior of their home.
    plain = rng.standard_normal((10 * DRAWS, 3 + (elsewhere > 0)))
    places = np.append(stated, elsewhere) if elsewhere else stated[0]
    kept = rng.random(len(plain)) * places.max() < places[plain.argmax(axis=1)]
    for k in range(3):
        assert stats.ks_2samp(drawn[:, 0, k], plain[kept, k]).pvalue > 1e-4


def test_what_the_prior_refuses_of_exchangeable_draws_is_drawn_anew(evidence, rng):
    made = design(evidence, Levels.of(evidence))
    phi = _phi(DRAWS, made, "one")
    plain = draw_local(made, _phi(DRAWS, made, None), homes=CODE[None], rng=rng)
    tilted = draw_local(made, phi, homes=CODE["one"], rng=rng, given=plain)
    fresh = draw_local(made, phi, homes=CODE["one"], rng=rng)
    for mine, theirs in (
        (tilted.affinity[:, 0, 0], fresh.affinity[:, 0, 0]),
        (tilted.affinity[:, 0, 1], fresh.affinity[:, 0, 1]),
        (tilted.artist_effect[:, 0, 0], fresh.artist_effect[:, 0, 0]),
    ):
        assert stats.ks_2samp(mine, theirs).pvalue > 1e-4
