"""Scales integrated out, against SciPy's own densities and integrals."""

from dataclasses import replace

import numpy as np
import pytest

from coterie.beliefs.exchangeable import Exchangeable, Spread
from coterie.beliefs.fading import Faded
from coterie.beliefs.parameters import ParameterPrior

HALF = ParameterPrior.halfnormal(0.5)
GROUPS = np.array([0, 0, 1]), np.array([0, 1, 2])


def law_of(rng, *, between, prior=HALF, own=None, draws=3):
    old = rng.normal(0, 0.6, (draws, 3))
    groups = None if between == 0 else Spread(np.full(draws, between), own)
    scale = Spread(rng.uniform(0.2, 0.6, draws), prior)
    return Exchangeable(old, *GROUPS, 3, scale, groups)


SCALES = np.exp(np.linspace(-9, 2, 600))


def joint(values, group, between, scale):
    """The textbook density of effects, their groups' integrated out, at many scales."""
    between, scale = np.atleast_1d(between)[:, None, None], np.atleast_1d(scale)[:, None, None]
    alike = np.equal.outer(group, group)
    covariance = scale**2 * np.eye(values.size) + between**2 * alike
    pull = np.linalg.solve(
        covariance, np.broadcast_to(values[:, None], (len(covariance), values.size, 1))
    )
    log = -0.5 * (values @ pull[..., 0].T + np.linalg.slogdet(2 * np.pi * covariance)[1])
    return np.exp(log)


def over_scales(values, group, between, prior):
    """Sum the density over a fine grid of one scale."""
    return np.sum(joint(values, group, between, SCALES) * prior_mass(prior))


def prior_mass(prior):
    return np.exp(prior.log_densities(SCALES)) * SCALES


@pytest.mark.parametrize("between", [0.0, 0.4])
@pytest.mark.parametrize("prior", [HALF, ParameterPrior.lognormal(0.3, 0.4)])
def test_the_density_of_new_effects_is_that_of_an_integral_over_the_scale(between, prior):
    rng = np.random.default_rng(5)
    law = law_of(rng, between=between, prior=prior)
    new = rng.normal(0, 0.8, (3, 3))
    every = np.concatenate(GROUPS)

    for d in range(3):
        whole = np.concatenate([law.old[d], new[d]])

        areas = [
            over_scales(*of, between, prior) for of in ((whole, every), (law.old[d], GROUPS[0]))
        ]

        found = law.log_density(new[None])[0, d]
        assert found == pytest.approx(np.log(areas[0] / areas[1]), abs=1e-3)


def test_both_scales_are_integrated_out():
    rng = np.random.default_rng(9)
    law = law_of(rng, between=0.4, own=HALF, draws=1)
    new = rng.normal(0, 0.8, (1, 3))
    whole, every = np.concatenate([law.old[0], new[0]]), np.concatenate(GROUPS)

    mass = prior_mass(HALF)
    areas = [
        sum(m * over_scales(*of, b, HALF) for b, m in zip(SCALES, mass, strict=True))
        for of in ((whole, every), (law.old[0], GROUPS[0]))
    ]

    found = law.log_density(new[None])[0, 0]
    assert found == pytest.approx(np.log(areas[0] / areas[1]), abs=1e-3)


def textbook(values, group, faded, known):
    """The density of effects that fade, over both scales: (within, between)."""
    power = faded.power
    alike = np.equal.outer(group, group)
    within = SCALES[::3, None, None, None] ** 2 * np.diag(1 / faded.law)
    covariance = within + SCALES[None, ::3, None, None] ** 2 * alike
    pull = np.linalg.solve(covariance, values[:, None])[..., 0]
    log = -0.5 * (pull @ values + np.linalg.slogdet(2 * np.pi * covariance)[1])
    told = known * SCALES[::3, None] ** 2
    norm = 0.5 * (np.log1p(power / faded.law * told) - power * np.log1p(told)).sum(axis=1)
    mass = prior_mass(HALF)[::3]
    return np.exp(log + norm[:, None]) * np.outer(mass, mass)


def test_effects_that_fade_tell_by_their_power_then_and_now():
    rng = np.random.default_rng(10)
    law = law_of(rng, between=0.4, own=HALF, draws=2)
    then = Faded(np.array([1.0, 0.5, 0.7]), rng.uniform(20, 200, (2, 3)))
    # One of the old effects is as good as forgotten: its power is below any law's.
    power = np.array([0.3, 0.15, 1e-4, 0.6, 1.0, 0.6])
    law = replace(law, then=then, now=Faded(power, rng.uniform(20, 200, (2, 6))))
    new = rng.normal(0, 0.8, (2, 3))
    every, log_scale = np.concatenate(GROUPS), np.log(SCALES[::3])

    for d in range(2):
        old = textbook(law.old[d], GROUPS[0], then, then.known[d])
        both = textbook(np.concatenate([law.old[d], new[d]]), every, law.now, law.now.known[d])
        found = law.log_density(new[None])[0, d]
        assert found == pytest.approx(np.log(both.sum() / old.sum()), abs=2e-3)

        drawn = repeated(law, d).redrawn(np.repeat(new[[d]], 4_000, axis=0), rng)
        share = both / both.sum()
        for scale, mass in zip(drawn, (share.sum(axis=1), share.sum(axis=0)), strict=False):
            middle = mass @ log_scale
            spread = np.sqrt(mass @ (log_scale - middle) ** 2)
            assert np.log(scale).mean() == pytest.approx(middle, abs=5 * spread / np.sqrt(4_000))


def repeated(law, d):
    """One draw of a law as 4,000 of them."""

    def many(values):
        return np.repeat(values[[d]], 4_000, axis=0)

    spread = Spread(np.ones(4_000), HALF)
    now = Faded(law.now.power, many(law.now.known))
    return replace(law, old=many(law.old), scale=spread, between=spread, then=None, now=now)


def test_a_stated_scale_is_kept_and_gives_the_normal_density():
    rng = np.random.default_rng(6)
    law = law_of(rng, between=0.4, prior=ParameterPrior.fixed(0.3))
    new = rng.normal(0, 0.5, (3, 3))
    whole = np.concatenate([law.old, new], axis=1)

    for d in range(3):
        scale = law.scale.draws[d]
        wanted = joint(whole[d], np.concatenate(GROUPS), 0.4, scale) / joint(
            law.old[d], GROUPS[0], 0.4, scale
        )
        assert law.log_density(new[None])[0, d] == pytest.approx(np.log(wanted), abs=1e-6)
    assert np.array_equal(law.redrawn(new, rng)[0], law.scale.draws)


def test_scales_and_groups_are_drawn_from_their_law_given_the_effects():
    rng = np.random.default_rng(7)
    size = 20_000
    one = law_of(rng, between=0.4, draws=1)
    values = np.repeat(rng.normal(0, 0.6, (1, 3)), size, axis=0)
    law = Exchangeable(
        np.repeat(one.old, size, axis=0), *GROUPS, 3,
        Spread(np.ones(size), HALF), Spread(np.full(size, 0.4), None),
    )  # fmt: skip
    scale, between, own = law.redrawn(values, rng)
    assert np.all(between == 0.4)

    grid = np.linspace(1e-3, 3, 3_000)
    whole, every = np.concatenate([one.old[0], values[0]]), np.concatenate(GROUPS)
    height = joint(whole, every, 0.4, grid) * np.exp(HALF.log_densities(grid))
    share = height / np.sum(height)
    mean = share @ grid
    sd = np.sqrt(share @ (grid - mean) ** 2)
    # The first group's own effect given each scale, by the rule for two normals.
    three = whole[every == 0].sum()
    middle = share @ (0.16 * three / (grid**2 + 3 * 0.16))

    assert scale.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(size))
    assert scale.std() == pytest.approx(sd, rel=0.05)
    assert own[:, 0].mean() == pytest.approx(middle, abs=5 * 0.3 / np.sqrt(size))


def test_what_is_expected_of_new_effects_is_what_old_ones_say():
    rng = np.random.default_rng(8)
    law = law_of(rng, between=0.4)
    mean, covariance = law.expected(np.full(3, 0.3))
    every = np.concatenate(GROUPS)
    whole = 0.09 * np.eye(6) + 0.16 * np.equal.outer(every, every)
    pull = whole[3:, :3] @ np.linalg.inv(whole[:3, :3])

    np.testing.assert_allclose(mean, law.old @ pull.T, atol=1e-9)
    np.testing.assert_allclose(covariance[0], whole[3:, 3:] - pull @ whole[:3, 3:], atol=1e-9)


@pytest.mark.parametrize(
    ("prior", "size", "true"),
    [
        (HALF, 60, 0.01), (HALF, 20, 0.01), (HALF, 200, 0.01), (HALF, 60, 0.05), (HALF, 60, 3.0),
        (ParameterPrior.halfnormal(5.0), 50, 0.1), (ParameterPrior.halfnormal(0.05), 20, 0.5),
        (ParameterPrior.lognormal(0.3, 0.5), 60, 0.01),
        (ParameterPrior.lognormal(0.3, 0.5), 3, 4.0), (HALF, 1, 0.001), (HALF, 1, 0.5),
    ],
)  # fmt: skip
def test_a_scale_is_found_however_small_or_large_against_its_prior(prior, size, true):
    rng = np.random.default_rng(11)
    draws, alone = 4_000, np.zeros(size, dtype=int)
    old = np.repeat(rng.normal(0, true, (1, size)), draws, axis=0)
    new = np.repeat(rng.normal(0, true, (1, 4)), draws, axis=0)
    law = Exchangeable(old, alone, np.zeros(4, dtype=int), 1, Spread(np.ones(draws), prior), None)
    drawn = law.redrawn(new, rng)[0]

    grid = np.linspace(np.log(true) - 9, max(np.log(true) + 6, 3), 60_000)
    heights = []
    for values in (old[0], np.concatenate([old[0], new[0]])):
        square = np.exp(2 * grid)
        heights.append(
            -0.5 * np.square(values).sum() / square - values.size * grid
            + prior.log_densities(np.exp(grid)) + grid
        )  # fmt: skip
    areas = [np.log(np.sum(np.exp(h - h.max()))) + h.max() for h in heights]
    wanted = areas[1] - areas[0] - 0.5 * 4 * np.log(2 * np.pi)
    share = np.exp(heights[1] - heights[1].max())
    share /= share.sum()
    middle = share @ grid
    spread = np.sqrt(share @ (grid - middle) ** 2)

    assert law.log_density(new[None])[0, 0] == pytest.approx(wanted, abs=5e-3)
    assert np.log(drawn).mean() == pytest.approx(middle, abs=5 * spread / np.sqrt(draws))
    assert np.log(drawn).std() == pytest.approx(spread, rel=0.06)


@pytest.mark.parametrize("groups", [8, 30, 100])
def test_the_scale_between_many_groups_is_drawn_as_wide_as_it_is(groups):
    rng = np.random.default_rng(12)
    draws, each = 4_000, np.repeat(np.arange(groups), 2)
    one = rng.normal(0, 0.4, groups)[each] + rng.normal(0, 0.1, 2 * groups)
    last = np.array([0])
    law = Exchangeable(
        np.repeat(one[None], draws, axis=0), each, last, groups,
        Spread(np.full(draws, 0.1), None), Spread(np.ones(draws), HALF),
    )  # fmt: skip
    new = np.repeat(rng.normal(0, 0.4, (1, 1)), draws, axis=0)
    between = law.redrawn(new, rng)[1]

    grid = np.linspace(1e-3, 2, 4_000)
    means = (np.bincount(each, one) + np.bincount(last, new[0], groups)) / np.bincount(
        np.concatenate([each, last])
    )
    wide = grid[:, None] ** 2 + 0.01 / np.bincount(np.concatenate([each, last]))
    height = -0.5 * (np.log(wide) + means**2 / wide).sum(axis=1) + HALF.log_densities(grid)
    share = np.exp(height - height.max())
    share /= share.sum()
    middle = share @ grid
    spread = np.sqrt(share @ (grid - middle) ** 2)

    assert between.mean() == pytest.approx(middle, abs=5 * spread / np.sqrt(draws))
    assert between.std() == pytest.approx(spread, rel=0.06)
