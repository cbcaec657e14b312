"""Herding: few draws that stand for many."""

import numpy as np
import pytest
import xarray as xr

from coterie.beliefs.herding import few_of


def drawn(rng, chains=2, draws=200):
    """Draws of two variables of unlike scales, and one that is fixed."""
    wide = 1000 + 50 * rng.standard_t(8, size=(chains, draws, 3, 2))
    return xr.Dataset(
        {
            "wide": (("chain", "draw", "cluster", "outcome"), wide),
            "slim": (("chain", "draw"), rng.gamma(2.0, 0.01, size=(chains, draws))),
            "fixed": (("chain", "draw"), np.full((chains, draws), 4.0)),
        }
    )


def means(draws, at):
    flat = draws.stack(sample=("chain", "draw")).transpose("sample", ...).isel(sample=at)
    own = [flat[name].to_numpy().reshape(at.size, -1) for name in ("wide", "slim")]
    return np.concatenate(own, axis=1).mean(axis=0)


def test_few_draws_have_nearer_means_than_draws_taken_by_chance(rng):
    draws = drawn(rng)
    every = np.arange(400)
    centre = means(draws, every)
    flat = draws.stack(sample=("chain", "draw"))
    spread = np.append(flat["wide"].std("sample").to_numpy().ravel(), flat["slim"].std("sample"))

    def error(at):
        return np.abs((means(draws, at) - centre) / spread).mean()

    chance = np.mean([error(rng.choice(400, 32, replace=False)) for _ in range(50)])
    assert error(few_of(draws, 32)) < 0.4 * chance


def test_few_draws_are_as_spread_as_all(rng):
    draws = drawn(rng)
    some = draws.stack(sample=("chain", "draw")).isel(sample=few_of(draws, 64))

    ratio = some["wide"].std("sample") / draws["wide"].std(("chain", "draw"))
    assert float(ratio.mean()) == pytest.approx(1, abs=0.08)


def test_no_draw_is_taken_twice_and_the_same_ones_each_time(rng):
    draws = drawn(rng)
    found = few_of(draws, 100)

    assert np.array_equal(found, np.unique(found))
    assert found.size == 100
    assert np.array_equal(found, few_of(draws, 100))
    assert np.array_equal(few_of(draws, 900), np.arange(400))


def test_scales_do_not_choose(rng):
    draws = drawn(rng)
    scaled = draws.assign(slim=draws["slim"] * 1e6, wide=draws["wide"] / 50 - 1000)

    assert np.array_equal(few_of(draws, 20), few_of(scaled, 20))


def test_draws_of_what_is_all_fixed_are_any(rng):
    draws = drawn(rng)[["fixed"]]

    assert few_of(draws, 5).size == 5
