"""The sampled density: that of the PyMC model in other coordinates, with its own gradient."""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

import coterie as co
from coterie import names
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.chain import Chain
from coterie.beliefs.fitting import blueprint_of
from coterie.beliefs.model import build
from coterie.beliefs.parameters import FACTOR_SCALE
from coterie.beliefs.sampling import Run, sample
from coterie.beliefs.smooth import axes_of, spread_along
from coterie.beliefs.vector_plan import layout_of

SAVE = co.Outcome.binary("save", successes="saves", trials="listeners")
ADD = co.Outcome.binary("add", successes="adds", trials="listeners", informs="organic")
PLAY = co.Outcome.count("play", total="plays", exposure="hours")
STREAM = co.Outcome.count("stream", total="streams", exposure="hours", informs=False)
PRIOR = co.ParameterPrior
FIXED, HALF = PRIOR.fixed, PRIOR.halfnormal


def frame(rows=24, seed=3, **columns):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 60, rows)
    start = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * np.arange(rows), unit="D")
    return pd.DataFrame(
        {
            "artist": rng.choice(list("abcd"), rows), "cluster": rng.choice(["x", "y", "z"], rows),
            "period_start": start, "period_end": start + pd.Timedelta(days=6),
            "saves": rng.binomial(n, 0.2), "adds": rng.binomial(n, 0.4), "listeners": n,
            "plays": rng.negative_binomial(2, 0.3, rows), "streams": rng.poisson(30, rows),
            "hours": rng.uniform(1, 5, rows),
        }
    ).assign(**columns)  # fmt: skip


def read(table=None, outcomes=(SAVE,), **how):
    return co.Evidence.from_frame(
        frame() if table is None else table, outcomes=outcomes, missing="drop", **how
    )


def stated(evidence, **changes):
    population = co.PopulationPrior().replace(**changes)
    return blueprint_of(evidence, None, None, population)


def mixed(column, size, rows=24):
    return np.random.default_rng(len(column)).choice(size, rows)


def plain():
    return stated(read())


def four_outcomes():
    return stated(read(outcomes=(SAVE, ADD, PLAY, STREAM), window="56D"))


def factors():
    table = frame(mood=mixed("mood", ["p", "q", "r"]), place=mixed("place", ["n", "s"]))
    return stated(read(table, (SAVE, PLAY), factors=["mood", "place"]))


def crossed():
    table = frame(mood=mixed("mood", ["p", "q"]), place=mixed("place", ["n", "s"]))
    table = table.rename(columns={"cluster": "crowd"})
    how = {"cluster": ["crowd", "place"], "crossed": [("mood", "place")], "factors": ["mood"]}
    return stated(read(table, (SAVE, PLAY), window="56D", **how))


def cyclic():
    table = frame(hour=mixed("hour", 6), place=mixed("place", ["n", "s"]))
    cycle = co.Cycle("hour", 6)
    return stated(read(table, factors=[cycle, "place"], crossed=[("place", "hour")]))


def covariates():
    rng = np.random.default_rng(8)
    table = frame(tempo=rng.normal(120, 9, 24), loud=rng.normal(size=24))
    loud = co.Covariate("loud", centre=0, unit=1)
    return stated(read(table, (SAVE, PLAY), covariates=("tempo", loud)))


def fading():
    return stated(read(outcomes=(SAVE, PLAY), window="56D").forgetting("56D"))


def late():
    table = frame(seen=pd.Timestamp("2026-06-29"))
    evidence = read(table, (SAVE, PLAY), period=("period_start", "period_end"), seen="seen")
    return stated(evidence, delay=PRIOR.lognormal(9, 0.5), delay_shape=PRIOR.lognormal(1, 0.3))


def weighted():
    table = frame()
    table["units"] = table["artist"].map({"a": 1.0, "b": 2.5, "c": 3.0, "d": 4.0})
    return stated(read(table, weight="units"), artist_scale=FIXED(0), loading=FIXED(0))


def no_scatter():
    return stated(
        read(outcomes=(SAVE, PLAY)), kappa=FIXED(np.inf), kappa_spread=FIXED(0),
        period_scale=FIXED(0),
    )  # fmt: skip


def concentrated():
    return stated(read(outcomes=(SAVE, PLAY)), kappa=PRIOR.concentration(0.3))


def one_of_each():
    return stated(read(frame(artist="a", cluster="x")), kappa=PRIOR.concentration(0.3))


def apart():
    """A table in which a pair has many cells: loading and kappa are walked apart."""
    table = frame(artist="a", cluster=["x", "y"] * 12, mood=np.arange(24) % 6)
    return stated(read(table, factors=["mood"]), kappa=PRIOR.concentration(0.3))


def together():
    prior = co.PopulationPrior().with_joint(
        lambda kappa, artist_scale: (
            -(kappa / 90) - np.log(kappa) * 0.5 - artist_scale.sum() ** 2
            if kappa.size == 1
            else -(kappa / 90 + artist_scale).sum()
        ),
        over=("kappa", "artist_scale"),
        improper=True,
    )
    prior = prior.with_joint(lambda alpha: -((alpha + 1) ** 2).sum(), over=("alpha",))
    return blueprint_of(read(outcomes=(SAVE, PLAY)), None, None, prior)


CASES = [
    plain, four_outcomes, factors, crossed, cyclic, covariates, fading, late, weighted, no_scatter,
    concentrated, one_of_each, apart, together,
]  # fmt: skip


@cache
def made(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blueprint = case()
    layout = layout_of(blueprint)
    return blueprint, Chain(layout, blueprint.population.joint)


def points(chain, size=3, reach=0.7):
    return np.random.default_rng(5).normal(0, reach, (size, chain.layout.size))


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_that_of_the_value(case):
    chain = made(case)[1]
    for x in points(chain, 2):
        slopes = chain.density(x)[1].copy()
        steps = 1e-4 * np.eye(x.size)
        near, far = (
            np.array([chain.density(x + k * h)[0] - chain.density(x - k * h)[0] for h in steps])
            for k in (1, 2)
        )
        # Richardson: of differences over two steps, the error is of the fourth power.
        found = (8 * near - far) / 12e-4
        np.testing.assert_allclose(slopes, found, rtol=1e-6, atol=1e-6)


class Oracle:
    """The PyMC model's log density, as a function of what a point of the sampler stands for."""

    def __init__(self, blueprint: Blueprint):
        self.blueprint = blueprint
        self.model = build(blueprint)
        self.log_density = self.model.compile_logp(mode="FAST_COMPILE")

    def point(self, values):
        found = {}
        for variable in self.model.free_RVs:
            value = self.model.rvs_to_values[variable]
            own = self.natural(variable.name, values)
            found[value.name] = np.log(own) if value.name.endswith("_log__") else own
        return found

    def natural(self, name, values):
        if name in values:
            return values[name]
        if name == "slope_free":
            return values[names.SLOPE]
        if name.startswith("log_of_"):
            return np.log(values[name.removeprefix("log_of_")])
        if name.startswith("scatter_of_"):
            return np.sqrt(1 / values[name.removeprefix("scatter_of_")] - 1e-15)
        if name.endswith("_raw"):
            return self.standard(name.removesuffix("_raw"), values)
        parameter, family = name.rsplit("_", 1)
        at = [i for i, p in enumerate(self.blueprint.priors(parameter)) if p.family == family]
        return values[parameter][at]

    def standard(self, effect, values):
        own, levels = values[effect], self.blueprint.levels
        if effect.startswith(names.FACTOR_EFFECT):
            factor = effect.removeprefix(names.FACTOR_EFFECT)
            grid = levels.smooth.get(factor)
            if grid is not None:
                turn = np.ones((1, 1))
                for axis in grid:
                    own_turn = np.eye(axis) if isinstance(axis, int) else axes_of(axis)[0]
                    turn = np.kron(turn, own_turn)
                own = (turn.T @ own) / np.sqrt(spread_along(grid))[:, None]
            return own / values[f"{names.FACTOR_SCALE}{factor}"]
        scale = values[effect.replace("effect", "scale")]
        if effect == names.PERIOD_EFFECT and self.blueprint.fades:
            powers = np.maximum(self.blueprint.powers, 1 / 8)
            own = own * np.sqrt(powers)[:, None]
        # Where a scale is stated as 0 nothing moves.
        return own / np.where(scale > 0, scale, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_density_is_that_of_the_model(case):
    """Where it walks in other coordinates, the difference is the log determinant of the map."""
    blueprint, chain = made(case)
    oracle = Oracle(blueprint)

    def flat(x):
        return np.concatenate([np.ravel(v) for v in oracle.point(chain.values(x)).values()])

    apart = []
    for x in points(chain):
        steps = 1e-5 * np.eye(x.size)
        turn = np.array([flat(x + h) - flat(x - h) for h in steps]) / 2e-5
        moves = np.abs(turn).max(axis=0) > 0
        sign, size = np.linalg.slogdet(turn[:, moves])
        assert sign != 0
        theirs = oracle.log_density(oracle.point(chain.values(x)))
        apart.append(chain.density(x)[0] - theirs - size)
    np.testing.assert_allclose(apart, apart[0], atol=2e-6)


def test_every_effect_of_a_table_that_drifts_and_fades_comes_out():
    blueprint, chain = made(fading)
    values = chain.values(points(chain)[0])
    sizes = {name: own.shape for name, own in values.items()}
    assert sizes[names.PERIOD_EFFECT] == (3, len(blueprint.levels.windows), 2)
    assert sizes[names.AFFINITY] == (blueprint.made.pair_artist.size,)


def test_one_seed_gives_one_set_of_draws_and_a_run_goes_on_where_another_ended():
    blueprint, _ = made(four_outcomes)
    run = Run(draws=60, tune=60, chains=2, seed=4, cores=2)
    first, again = sample(blueprint, run), sample(blueprint, run)
    chain = Chain(layout_of(blueprint))

    for name in ("alpha", "affinity", "kappa"):
        one, two = (each.tree["posterior"][name].to_numpy() for each in (first, again))
        np.testing.assert_array_equal(one, two)
    for own, x in enumerate(first.last):
        ended = first.tree["posterior"]["alpha"].to_numpy()[own, -1]
        np.testing.assert_array_equal(chain.values(x)["alpha"], ended)
    more = sample(blueprint, Run(draws=60, tune=20, chains=2, seed=5), start=first.last)
    assert more.last.shape == first.last.shape
    with pytest.raises(co.BeliefError, match="starts"):
        sample(blueprint, run, start=first.last[:, 1:])


def test_a_concentration_is_the_law_of_its_scatter():
    prior = PRIOR.concentration(0.3)
    rng = np.random.default_rng(1)
    kappa = np.array([prior.draw(rng) for _ in range(4000)])

    assert np.mean(kappa < prior.quantile(0.3)) == pytest.approx(0.3, abs=0.03)
    assert prior.cdf(prior.quantile(0.7)) == pytest.approx(0.7)
    grid = np.geomspace(1e-3, 1e12, 200_001)
    height = np.exp(prior.log_densities(grid))
    mass = np.sum((height[1:] + height[:-1]) / 2 * np.diff(grid))
    assert mass == pytest.approx(prior.cdf(1e12), abs=1e-5)
    assert str(prior) == "Concentration(scatter 0.3)"
    assert prior.draw(np.random.default_rng(2)) <= 1e15
    prior.check_range(names.KAPPA)
    for other in (names.LOADING, names.ALPHA, names.DELAY, FACTOR_SCALE):
        with pytest.raises(co.BeliefError, match="concentration"):
            prior.check_range(other)
