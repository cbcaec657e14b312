"""Effects of cycles: periodic, smooth, of unit variance, and exactly so in the model."""

import zlib

import numpy as np
import pandas as pd
import pymc as pm
import pytest

import coterie as co
from coterie import names
from coterie.beliefs.design import Levels, design
from coterie.beliefs.fitting import build_model
from coterie.beliefs.model import from_axes
from coterie.beliefs.opening import Terms, opened
from coterie.beliefs.rows import Known
from coterie.beliefs.smooth import NUGGET, alike, spread_along
from coterie.beliefs.widening import stand_apart, wider
from tests.beliefs.stated_world import read, stating

HOUR, WEEKDAY = co.Cycle("hour", 24), co.Cycle("weekday", 7)
ROWS = pd.DataFrame(
    {
        "artist": ["a"] * 4, "cluster": ["gym", "gym", "indie", "indie"], "hour": [1, 2, 4, 23],
        "weekday": [6, 0, 1, 1], "saves": [1, 2, 3, 4], "listeners": [10] * 4,
    }
)  # fmt: skip
CYCLES = [HOUR, WEEKDAY, co.Cycle("h", 24, 6.0), co.Cycle("h", 24, 0.3), co.Cycle("quarter", 4)]


@pytest.mark.parametrize("cycle", CYCLES)
def test_effects_have_unit_variance_and_a_covariance_that_turns(cycle):
    kernel = alike(cycle)

    np.testing.assert_allclose(np.diag(kernel), 1, rtol=1e-12)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-12)
    # The last level is next to the first.
    np.testing.assert_allclose(kernel, np.roll(kernel, (1, 1), axis=(0, 1)), atol=1e-12)
    assert np.linalg.eigvalsh(kernel).min() > NUGGET / 2
    # About the mean over the cycle, but for what each level has to itself.
    np.testing.assert_allclose(kernel.sum(axis=0), NUGGET, atol=1e-9)


def test_near_hours_are_alike_and_midnight_is_no_wall():
    kernel = alike(HOUR)

    assert kernel[0, 1] == pytest.approx(kernel[0, 23]) == pytest.approx(kernel[11, 12])
    assert kernel[0, 1] > 0.85 > kernel[0, 3] > kernel[0, 6]
    # Near by it is a bell curve, before the mean is taken out: exp(-1/18) an hour apart.
    turn = 2 * (24 / (2 * np.pi * 3)) ** 2
    bell = np.exp(-turn * np.sin(np.pi * np.arange(24) / 24) ** 2)
    assert bell[1] == pytest.approx(np.exp(-1 / 18), rel=1e-3)
    wanted = (1 - NUGGET) * (bell - bell.mean()) / (1 - bell.mean())
    np.testing.assert_allclose(kernel[0, 1:], wanted[1:], rtol=1e-12)


def test_a_sheet_of_two_cycles_has_the_product_of_their_covariances():
    grid = (HOUR, WEEKDAY)
    root = from_axes(np.diag(np.sqrt(spread_along(grid))), grid).eval()

    np.testing.assert_allclose(root @ root.T, np.kron(alike(HOUR), alike(WEEKDAY)), atol=1e-9)


def test_a_cycle_crossed_with_labels_is_a_curve_for_each_of_them():
    grid = (3, WEEKDAY)
    root = from_axes(np.diag(np.sqrt(spread_along(grid))), grid).eval()

    np.testing.assert_allclose(root @ root.T, np.kron(np.eye(3), alike(WEEKDAY)), atol=1e-9)


def test_levels_that_never_occurred_are_levels_in_the_order_of_the_grid():
    evidence = read(
        ROWS, factors=[HOUR, WEEKDAY], crossed=[("hour", "weekday"), ("cluster", "hour")]
    )
    levels = Levels.of(evidence)

    assert levels.factors["hour"].tolist() == list(range(24))
    sheet = levels.factors["hour x weekday"].tolist()
    assert sheet[:8] == [*(f"0 x {d}" for d in range(7)), "1 x 0"]
    assert len(levels.factors["cluster x hour"]) == 2 * 24
    assert levels.smooth == {
        "hour": (HOUR,), "weekday": (WEEKDAY,), "hour x weekday": (HOUR, WEEKDAY),
        "cluster x hour": (2, HOUR),
    }  # fmt: skip


def test_effects_in_the_model_have_the_covariance_that_is_stated():
    fixed = co.ParameterPrior.fixed
    population = co.PopulationPrior().replace(factor_scale=fixed(0.5))
    evidence = read(ROWS, factors=[HOUR, WEEKDAY], crossed=[("weekday", "cluster")])
    model = build_model(evidence, None, homes=None, population=population)
    size = 4000
    found = pm.draw(
        [model["factor_effect_hour"], model["factor_effect_weekday x cluster"]],
        draws=size, random_seed=3,
    )  # fmt: skip
    wanted = [alike(HOUR), np.kron(alike(WEEKDAY), np.eye(2))]

    for drawn, kernel in zip(found, wanted, strict=True):
        covariance = np.cov(drawn[..., 0].T) / 0.25
        # A covariance of unit normals has standard error at most sqrt(2 / size): five of them.
        np.testing.assert_allclose(covariance, kernel, atol=5 * np.sqrt(2 / size))


def test_a_sparse_daily_curve_is_found_better_than_hour_by_hour():
    rng = np.random.default_rng(4)
    turn = 2 * np.pi * np.arange(24) / 24
    smooth, apart = [], []
    for _ in range(200):
        # A curve of two waves, no draw of the kernel; nine hours with rows, noisy ones.
        size = rng.normal(0, [[0.5], [0.5], [0.25], [0.25]])
        waves = np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)])
        truth = (size * waves).sum(axis=0)
        hours = rng.choice(24, 9, replace=False)
        seen = truth[hours] + rng.normal(0, 0.3, 9)
        for kernel, errors in ((alike(HOUR), smooth), (np.eye(24), apart)):
            scaled = 0.56 * kernel
            weight = np.linalg.solve(scaled[np.ix_(hours, hours)] + 0.09 * np.eye(9), seen)
            errors.append(np.mean((scaled[:, hours] @ weight - truth) ** 2))

    assert np.sqrt(np.mean(smooth)) < 0.6 * np.sqrt(np.mean(apart))


def test_rows_of_an_hour_that_had_none_are_not_met_by_a_draw_of_its_own():
    # The draws of the fit have the hour already, near its neighbours.
    before = read(ROWS, factors=[HOUR])
    later = read(ROWS.assign(hour=[12, 13, 14, 15]), factors=[HOUR])
    beliefs = stating(before, {})
    levels = Levels.of(before)
    posterior = beliefs.tree[names.POSTERIOR].to_dataset()
    tables = [design(table, levels) for table in (before, later)]
    new = opened(posterior, *tables, levels, Terms(lambda _: None))

    assert "factor_effect_hour" not in [each.name for each in new]


def daily(rng, *, rows):
    """Return rows at eight hours, most of the day without any, and the curve of the day."""
    curve = 0.8 * np.cos(2 * np.pi * (np.arange(24) - 21) / 24)
    hours = np.repeat([0, 3, 6, 9, 12, 15, 18, 21], rows)
    chance = 1 / (1 + np.exp(1.5 - curve[hours]))
    people = np.full(hours.size, 25)
    frame = pd.DataFrame(
        {
            "artist": [f"a{i % rows}" for i in range(hours.size)],
            "cluster": np.where(np.arange(hours.size) % rows < rows // 2, "gym", "indie"),
            "hour": hours, "saves": rng.binomial(people, chance), "listeners": people,
        }
    )  # fmt: skip
    return frame, curve


@pytest.mark.nightly
@pytest.mark.slow
def test_a_fit_finds_hours_that_had_no_rows_between_their_neighbours():
    frame, curve = daily(np.random.default_rng(8), rows=8)
    still = co.ParameterPrior.fixed(0.0)
    population = co.PopulationPrior().replace(artist_scale=still, loading=still)
    beliefs = co.fit(
        read(frame, factors=[HOUR]), None, homes=None, population=population, draws=500,
        tune=500, chains=2, rng=np.random.default_rng(2), progress=False,
    )  # fmt: skip
    effect = beliefs.tree["posterior"]["factor_effect_hour"].isel(outcome=0)
    mean = effect.mean(("chain", "draw")).to_numpy()
    sd = effect.std(("chain", "draw")).to_numpy()
    unseen = np.setdiff1d(np.arange(24), frame["hour"])

    assert np.sqrt(np.mean((mean - curve)[unseen] ** 2)) < 0.25
    # Mostly held, and far narrower than a level that knows nothing.
    assert (np.abs(mean - curve) < 3 * sd).all()
    assert sd[unseen].max() < 0.5


def test_a_length_far_below_a_level_leaves_every_level_to_itself():
    found = alike(co.Cycle("hour", 24, 1e-300))
    np.testing.assert_allclose(found, alike(co.Cycle("hour", 24, 0.01)), atol=1e-12)


def test_the_hours_of_a_label_never_seen_are_one_curve_whoever_else_is_new():
    rows = {"artist": ["a"] * 4, "cluster": ["gym", "indie"] * 2, "hour": [0, 5, 11, 23],
            "creative": list("xyxy"), "saves": [5] * 4, "listeners": [50] * 4}  # fmt: skip
    how = {"factors": [co.Cycle("hour", 24)], "crossed": [("hour", "creative")]}
    beliefs = stating(read(rows, **how), {}, scales={"hour x creative": 0.5}, draws=2000)
    known = Known.of(beliefs).levels

    def drawn(*hours):
        new = rows | {"hour": hours, "creative": ["z"] * 4}
        wide = wider(known, read(new, **how))
        post = beliefs.tree[names.POSTERIOR].to_dataset()
        found = stand_apart(post, wide, lambda label: zlib.crc32(label.encode()))
        effect = found[f"{names.FACTOR_EFFECT}hour x creative"].isel({names.OUTCOME: 0})
        return [effect.sel({"hour x creative": f"{h} x z"}).to_numpy().ravel() for h in hours]

    first = drawn(5, 6, 17, 0)
    covariance = 0.25 * alike(co.Cycle("hour", 24))[np.ix_([5, 6, 17, 0], [5, 6, 17, 0])]
    np.testing.assert_allclose(np.cov(first), covariance, atol=0.02)
    np.testing.assert_array_equal(first[1], drawn(1, 2, 6, 3)[2])
