"""Fading: a power on each cell's log mass, toward the prior and never below it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import coterie as co
from coterie import names
from coterie.beliefs.blueprint import model_data
from coterie.beliefs.chain import Chain
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.design import Levels, design
from coterie.beliefs.fading import law_of, log_norm
from coterie.beliefs.fitting import blueprint_of
from coterie.beliefs.membership import Phi, integrate
from coterie.beliefs.pilot import pilot
from coterie.beliefs.vector_plan import layout_of
from coterie.evidence import Evidence, Outcome, part_of, simulate
from tests.beliefs.small_world import NEW, OLD, read_rows

OUTCOMES = (
    Outcome.binary("save", successes="saves", trials="listeners"),
    Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
)
PRIOR = 0.3


def drawn(rng, *, artists=40, clusters=1, windows=1):
    world = simulate.world(
        artists=artists, clusters=clusters, windows=windows, window="7D", homes="many",
        outcomes=OUTCOMES, listeners=80, rng=rng,
    )  # fmt: skip
    return Evidence.from_frame(world.frame, outcomes=OUTCOMES, window="7D" if windows > 1 else None)


def known(made, levels, *, loading, scale):
    """One draw of a population that is known."""
    base, kappa = np.array([-2.6, 0.2]), np.array([60.0, 5.0])
    shape = (1, len(levels.clusters), 2)
    return Phi(
        base=base[made.outcome][None], log_kappa=np.log(np.broadcast_to(kappa, shape)).copy(),
        loading=np.full((1, 2), loading),
        artist_scale=np.full((1, 2), scale),
        log_prior=np.full((len(levels.artists), len(levels.clusters)), np.log(PRIOR)),
        log_elsewhere=0.0,
    )  # fmt: skip


def believed(made, phi, power):
    faded = replace(made, weight=np.full(made.y.size, power))
    return integrate(faded, phi, homes=2).belief[0, :, 0]


FITS = np.linspace(-7, 7, 1401)
EDGE = stats.norm.ppf(1 - PRIOR)


def told_of_fits(made, loading):
    """Log mass of each artist's counts at every fit, by SciPy alone: (artist, fit)."""
    found = np.zeros((made.artist.max() + 1, FITS.size))
    for j in range(made.y.size):
        y, n = made.y[j], made.n[j]
        if made.outcome[j] == 0:
            mean = expit(-2.6 + loading * FITS)
            own = stats.betabinom.logpmf(y, n, mean * 60, (1 - mean) * 60)
        else:
            own = stats.nbinom.logpmf(y, 5, 5 / (5 + n * np.exp(0.2 + loading * FITS)))
        found[made.artist[j]] += own
    return found


@pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")
@pytest.mark.parametrize("power", [1.0, 0.5, 0.125, 0.0])
def test_a_power_on_every_cell_is_that_share_of_its_log_mass(power, rng):
    evidence = drawn(rng)
    levels = Levels.of(evidence)
    made = design(evidence, levels)
    phi = known(made, levels, loading=0.5, scale=0.0)
    height = power * told_of_fits(made, 0.5) + stats.norm.logpdf(FITS)
    weight = np.exp(height - logsumexp(height, axis=1, keepdims=True))
    by_hand = [1 - np.interp(EDGE, FITS, np.cumsum(own) - 0.5 * own) for own in weight]
    found = integrate(replace(made, weight=np.full(made.y.size, power)), phi, homes=2)

    np.testing.assert_allclose(found.belief[0, :, 0], by_hand, atol=2e-3)
    evidence_by_hand = logsumexp(height, axis=1) + np.log(FITS[1] - FITS[0])
    np.testing.assert_allclose(found.log_evidence[0], evidence_by_hand, atol=2e-3)
    if power == 1:
        assert np.abs(_odds(np.array(by_hand))).max() > 2


@pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")
@pytest.mark.parametrize("scale", [0.0, 0.25])
def test_more_forgetting_moves_a_belief_toward_the_prior_and_never_past_it(scale, rng):
    evidence = drawn(rng, artists=300)
    levels = Levels.of(evidence)
    made = design(evidence, levels)
    phi = known(made, levels, loading=0.5, scale=scale)
    # From nothing forgotten to all.
    odds = np.stack([_odds(believed(made, phi, w)) for w in (1.0, 0.7, 0.5, 0.25, 0.1, 0.01, 0.0)])
    # Where counts speak for a fit between the mean and the edge, a little of them may make a
    # member likelier and all of them less likely.
    best = FITS[told_of_fits(made, 0.5).argmax(axis=1)]
    speaks = (best > EDGE + 0.2) | (best < -0.2)
    assert speaks.sum() > 200
    toward = odds[:, speaks] * np.where(best > EDGE, 1, -1)[speaks]
    assert (np.diff(toward, axis=0) <= 2e-3).all()
    # Half a thousandth of probability, at a prior of 0.3.
    assert (toward >= -2.5e-3).all()
    np.testing.assert_allclose(odds[-1], 0.0, atol=2.5e-3)


@pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")
def test_a_power_of_nothing_is_exactly_absence(rng):
    evidence = drawn(rng, artists=8, clusters=3, windows=3)
    # So long ago that a power underflows.
    cells = evidence.forgetting(0.001).cells()
    old = cells[names.POWER].to_numpy() == 0
    assert 0 < old.sum() < old.size
    levels = Levels.of(evidence)
    faded = design(evidence.forgetting(0.001), levels)
    last = evidence.counts[names.WINDOW].to_numpy() == max(levels.windows)
    kept = design(_some(evidence, last), levels)
    found = [
        integrate(each, known(each, levels, loading=0.3, scale=0.25), homes=2)
        for each in (faded, kept)
    ]
    np.testing.assert_allclose(found[0].log_evidence, found[1].log_evidence, rtol=1e-10)
    np.testing.assert_allclose(found[0].belief, found[1].belief, rtol=1e-10)
    rough = [pilot(each, levels) for each in (faded, kept)]
    for name in ("scatter", "cluster", "period"):
        np.testing.assert_allclose(*(getattr(each, name) for each in rough), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")
def test_powers_go_with_their_cells_through_every_cut(rng):
    evidence = drawn(rng, artists=8, clusters=3, windows=3).forgetting("7D")
    levels = Levels.of(evidence)
    made = design(evidence, levels)
    age = (len(levels.windows) - 1 - made.window) * 7
    np.testing.assert_allclose(made.weight, 0.5 ** (age / 7))
    owners = np.array([2, 5])
    np.testing.assert_array_equal(
        cut_to(made, owners).weight, made.weight[np.isin(made.artist, owners)]
    )


def of_parts(faded, population):
    """A function of the sampler's vector: the log density, and what is natural at that point."""
    chain = Chain(layout_of(blueprint_of(faded, None, None, population)))

    def at(x):
        values = chain.values(x)
        return [chain.density(x)[0], *(np.ravel(values[name]).copy() for name in NATURAL)]

    return at, chain.layout.size


NATURAL = (
    "alpha", "cluster_effect", "period_scale", "period_effect", "artist_effect", "affinity",
)  # fmt: skip


def test_the_sampler_walks_the_density_of_the_powers():
    """Where it walks in other coordinates, the difference is the log determinant of the map."""
    fixed = co.ParameterPrior.fixed
    population = co.PopulationPrior().replace(
        loading=fixed(0.4), kappa=fixed(80.0), kappa_spread=fixed(0.0), artist_scale=fixed(0.4),
        cluster_scale=fixed(0.2), period_scale=co.ParameterPrior.halfnormal(0.3),
        alpha=co.ParameterPrior.normal(-2.0, 0.3),
    )  # fmt: skip
    faded = read_rows(pd.concat([OLD, NEW], ignore_index=True)).forgetting("7D")
    at, size = of_parts(faded, population)
    made = design(faded, Levels.of(faded))
    assert set(made.weight.tolist()) == {0.5, 1.0}
    # The window before the last: its effects vary twice as much, and its rows tell half.
    over = pilot(made, Levels.of(faded)).information / (1 + (made.n - 1) / 81)
    known = np.array([over[(made.cluster == c) & (made.window == 0)].sum() for c in (0, 1)])
    wide = np.array([2**0.5, 1.0])
    moved = []
    for x in np.random.default_rng(3).normal(size=(6, size)):
        logp, alpha, own, scale, drift, effect, affinity = at(x)
        rows = 1e-5 * np.eye(size)
        steps = [np.concatenate(at(x + h)[1:]) - np.concatenate(at(x - h)[1:]) for h in rows]
        drift = drift.reshape(2, 2)
        level = alpha + own[made.cluster] + drift[made.cluster, made.window]
        mean = expit(level + effect[made.artist] + 0.4 * affinity[made.pair])
        told = stats.betabinom.logpmf(made.y, made.n, mean * 80, (1 - mean) * 80)
        natural = made.weight @ told + stats.norm.logpdf(effect, scale=0.4).sum()
        natural += stats.norm.logpdf(affinity).sum() + stats.norm.logpdf(own, scale=0.2).sum()
        natural += stats.norm.logpdf(drift, scale=scale * wide).sum()
        natural += (stats.norm.logpdf(alpha, -2, 0.3) + stats.halfnorm.logpdf(scale, 0, 0.3)).item()
        natural += 0.25 * np.log1p(known * scale**2).sum()
        moved.append(logp - natural - np.linalg.slogdet(np.array(steps) / 2e-5)[1])
    np.testing.assert_allclose(moved, moved[0], atol=1e-5)


def foreseen(world, half_life, scale):
    """Score the last window by all before it: a level on a grid, windows' effects integrated."""
    evidence = world.evidence()
    last = evidence.counts[names.WINDOW].to_numpy() == max(world.truth[names.WINDOW].to_numpy())
    past = part_of(evidence, ~last).forgetting(half_life)
    made, later = (design(e, Levels.of(e)) for e in (past, part_of(evidence, last)))
    alpha = np.linspace(-6.5, 0.5, 71)
    nodes, mass = np.polynomial.hermite_e.hermegauss(15)
    mean = expit(alpha[:, None] + scale * nodes)[..., None]
    log_mass = np.log(mass / mass.sum())

    def told(each):
        return stats.betabinom.logpmf(each.y, each.n, mean * 100, (1 - mean) * 100)

    height = stats.norm.logpdf(alpha, -2.6, 1.0)
    ours = told(made) * made.weight
    for window in np.unique(made.window):
        height = height + logsumexp(ours[..., made.window == window].sum(axis=2) + log_mass, axis=1)
    height -= logsumexp(height)
    return logsumexp(told(later) + (height[:, None] + log_mass)[..., None], axis=(0, 1)).mean()


@pytest.mark.filterwarnings("ignore::coterie.errors.EvidenceWarning")
@pytest.mark.parametrize(
    ("drift", "half_life", "scale", "sign"), [("walk", "84D", 0.6, 1), ("fresh", "7D", 0.3, -1)]
)
def test_fading_foresees_more_where_rates_walk_and_less_where_they_stay(
    drift, half_life, scale, sign
):
    # A walk of ten steps of 0.3 looks like exchangeable windows of about 0.6.
    save = OUTCOMES[:1]
    stated = replace(
        simulate.plausible(save), period_scale=np.array([0.3]), artist_scale=np.zeros(1),
        loading=np.zeros(1), kappa=np.array([100.0]), kappa_spread=np.zeros(1),
    )  # fmt: skip
    gain = []
    for seed in range(60):
        world = simulate.world(
            artists=6, clusters=1, homes=None, windows=10, drift=drift, outcomes=save,
            parameters=stated, rng=np.random.default_rng((11, seed)),
        )  # fmt: skip
        scores = [foreseen(world, value, scale) for value in (half_life, "never")]
        gain.append(scores[0] - scores[1])
    error = np.std(gain, ddof=1) / np.sqrt(len(gain))
    assert sign * np.mean(gain) > 2 * error


SCALES = np.geomspace(0.02, 3.0, 60)


def scale_learned(y, n, kappa, power, law, *, whole):
    """Mean and spread of a windows' scale: windows of one known level, effects by quadrature.

    ``whole``: each window's likelihood to its power; else as the model has it.
    """
    reach = np.linspace(-60, 60, 4001)
    mean = expit(-2.6 + reach)[:, None]
    cell = stats.betabinom.logpmf(y[:, None, :], n, mean * kappa, (1 - mean) * kappa).sum(axis=2)
    told = np.where(np.isfinite(cell), cell, -1e6)
    share = (y.sum(axis=1) + 0.5 * expit(-2.6)) / (y.shape[1] * n + 0.5)
    known = y.shape[1] * n * share * (1 - share) / (1 + (n - 1) / (kappa + 1))
    height = stats.halfnorm.logpdf(SCALES, scale=0.2) + np.log(SCALES)
    for i, s in enumerate(SCALES):
        wide = stats.norm.logpdf(reach, scale=s / np.sqrt(law * 0 + 1 if whole else law)[:, None])
        powers = 1.0 if whole else power[:, None]
        each = logsumexp(powers * told + wide, axis=1)
        norm = log_norm((power, law, known), s**2, np.log1p)
        height[i] += (power * each if whole else each + norm).sum()
    share = np.exp(height - logsumexp(height))
    middle = share @ SCALES
    return middle, np.sqrt(share @ (SCALES - middle) ** 2)


@pytest.mark.parametrize(("people", "windows", "half_life"), [(80, 120, 3.0), (400, 60, 1.0)])
def test_many_old_windows_do_not_invent_a_scale(people, windows, half_life, rng):
    # Of each cluster's windows, in Gaussian readings, the errors of old ones would add up.
    true, kappa = 0.3, 60.0
    level = expit(-2.6 + rng.normal(0, true, (windows, 1)))
    y = rng.binomial(people, rng.beta(level * kappa, (1 - level) * kappa, (windows, 6)))
    power = 0.5 ** (np.arange(windows)[::-1] / half_life)
    args = (y, people, kappa, power, law_of(power))
    wanted, spread = scale_learned(*args, whole=True)
    found, _ = scale_learned(*args, whole=False)

    assert found == pytest.approx(wanted, abs=0.5 * spread)


def test_without_fading_every_observation_counts_in_full():
    table = read_rows(pd.concat([OLD, NEW], ignore_index=True))
    assert (model_data(blueprint_of(table, None, None, None))["weight"] == 1).all()


def _odds(belief):
    return np.log(belief / (1 - belief)) - np.log(PRIOR / (1 - PRIOR))


def _some(evidence, rows):
    return Evidence.from_frame(evidence.to_frame()[rows], outcomes=OUTCOMES, window="7D")
