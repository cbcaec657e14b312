"""Coordinates of the population's numbers: each keeps exactly the prior that was stated."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.replace import vectorize_graph
from scipy import stats

import coterie as co
from coterie.beliefs.fitting import blueprint_of
from coterie.beliefs.free_parameters import loading_and_kappa, parameter

HALF, KAPPA = co.ParameterPrior.halfnormal(0.5), co.ParameterPrior.lognormal(50.0, 1.5)
STATED = co.ParameterPrior.fixed(0.2)


def at(model, values, raw):
    """Log density and some values at many points of the model's raw coordinates, by name."""
    inputs = model.continuous_value_vars
    outputs = [model.logp(), *model.replace_rvs_by_values(list(values))]
    wide = [pt.matrix(v.name, dtype="float64") for v in inputs]
    many = vectorize_graph(outputs, dict(zip(inputs, wide, strict=True)))
    told = pytensor.function(wide, many, mode="FAST_COMPILE")
    return told(*(np.asarray(raw[v.name], dtype=float) for v in wide))


def test_a_parameter_that_may_be_zero_is_half_normal_whatever_its_coordinate():
    with pm.Model(coords={"outcome": ["save"]}) as model:
        value = parameter("loading", (HALF,))
    x = np.linspace(-9, 12, 2101)
    density, values = at(model, [value], {"raw_of_loading": x[:, None]})

    mass = np.exp(density)
    below = np.cumsum(mass) - 0.5 * mass
    assert np.all(np.diff(values[:, 0]) > 0)
    exact = stats.halfnorm.cdf(values[:, 0], scale=0.5)
    np.testing.assert_allclose(below / below[-1], exact, atol=2e-3)


@pytest.mark.parametrize("scatter", [1.0, 14.0])
def test_loading_and_kappa_are_independent_whatever_their_coordinates(scatter):
    with pm.Model(coords={"outcome": ["save"]}) as model:
        both = loading_and_kappa((HALF,), (KAPPA,), (True,), pt.as_tensor(np.array([scatter])))
    share, total = np.meshgrid(np.linspace(-9, 14, 231), np.linspace(-9, 9, 181))
    raw = {"raw_of_share": share.reshape(-1, 1), "raw_of_variance": total.reshape(-1, 1)}
    density, loading, kappa = (v.ravel() for v in at(model, both, raw))
    weight = np.exp(density - density.max())
    weight /= weight.sum()

    for values, law in (
        (loading, stats.halfnorm(scale=0.5)),
        (np.log(kappa), stats.norm(np.log(50.0), 1.5)),
    ):
        for prob in (0.05, 0.25, 0.5, 0.75, 0.95):
            assert weight[values <= law.ppf(prob)].sum() == pytest.approx(prob, abs=0.01)
    ranks = stats.halfnorm.cdf(loading, scale=0.5), stats.norm.cdf(np.log(kappa), np.log(50), 1.5)
    centred = [r - weight @ r for r in ranks]
    assert abs(weight @ (centred[0] * centred[1])) < 1e-3


def test_outcomes_of_which_one_is_stated_keep_their_places():
    with pm.Model(coords={"outcome": ["reach", "save"]}) as model:
        both = loading_and_kappa(
            (STATED, HALF), (KAPPA, KAPPA), (False, True), pt.as_tensor(np.array([1.0, 14.0]))
        )
    zero = {v.name: np.zeros((1, *v.type.shape)) for v in model.continuous_value_vars}
    _, loading, kappa = at(model, both, zero)

    # Where the coordinates are 0, each stands near the middle of its prior.
    np.testing.assert_allclose(loading, [[0.2, 0.67 * 0.5]], rtol=0.06)
    # The first is walked in its own logarithm, which is 0.
    np.testing.assert_allclose(np.log(kappa), [[0.0, np.log(50.0)]], atol=0.2)


def test_any_mix_of_families_is_built_and_keeps_its_places():
    families = (HALF, STATED, KAPPA, HALF)
    with pm.Model(coords={"outcome": list("abcd")}) as model:
        value = parameter("artist_scale", families)
        both = loading_and_kappa(
            (HALF, HALF, STATED, HALF), (KAPPA, HALF, KAPPA, KAPPA), (True, False, False, True),
            pt.as_tensor(np.ones(4)),
        )  # fmt: skip
    zero = {v.name: np.zeros((1, *v.type.shape)) for v in model.continuous_value_vars}
    density, scale, loading, kappa = at(model, [value, *both], zero)

    assert np.isfinite(density).all()
    assert (scale[0, 1], scale[0, 2], loading[0, 2]) == (0.2, 1.0, 0.2)
    assert scale[0, 0] == scale[0, 3] == loading[0, 1] == kappa[0, 1]
    assert loading[0, 0] == loading[0, 3]


def test_factors_may_be_called_like_each_other():
    frame = {"artist": list("aabb"), "cluster": ["x", "y"] * 2, "saves": [1, 2, 3, 4],
             "listeners": [9] * 4, "mood": list("pqpq"), "mood_raw": list("ppqq")}  # fmt: skip
    evidence = co.Evidence.from_frame(frame, factors=["mood", "mood_raw"])
    model = co.build_model(evidence, None, homes=None)

    assert {"factor_scale_mood", "factor_scale_mood_raw"} <= set(model.named_vars)


def traded(**more):
    frame = {"artist": ["a", "a", "b", "b"], "cluster": ["x", "y"] * 2,
             "saves": [1, 2, 3, 4], "listeners": [9, 9, 9, 9]}  # fmt: skip
    frame = {k: v * len(next(iter(more.values()), [0])) for k, v in frame.items()}
    frame |= {k: np.repeat(v, 4) for k, v in more.items()}
    evidence = co.Evidence.from_frame(frame)
    return blueprint_of(evidence, None, None, None).traded


def test_loading_and_kappa_are_walked_together_only_where_a_pair_has_few_cells():
    assert traded() == (True,)
    assert traded(release=["one", "two", "three"]) == (False,)
