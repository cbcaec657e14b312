r"""The PyMC model: a hierarchical regression of counts, with random effects.

Makes a :class:`pymc.Model` that can be read, graphed and extended. It states the posterior that
:mod:`coterie.beliefs.vector_density` is sampled from, in plain coordinates: effects are standard
normal numbers times their scale.

.. math::

    \eta_{io} = \alpha_o + a_{ao} + c_{ko} + \textstyle\sum_f f_{\ell o} + p_{kwo}
                + \lambda_o s_{ak}

``affinity`` is :math:`s_{ak}`, the artist's lasting fit in a cluster, of the law of
:mod:`coterie.beliefs.fit_law`. Where an artist's home is follows from it afterwards
(:mod:`coterie.beliefs.membership`): nothing here is a mixture.

Where evidence fades, windows do as wholes: :mod:`coterie.beliefs.fading`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from coterie import names
from coterie.beliefs import fit_law
from coterie.beliefs.blueprint import Blueprint, is_zero, model_data
from coterie.beliefs.fading import log_norm
from coterie.beliefs.operations import (
    arrived,
    fit_log_density,
    late_log_likelihood,
    log_likelihood,
)
from coterie.beliefs.parameters import FACTOR_SCALE, LATE, ParameterPrior
from coterie.beliefs.smooth import Axes, axes_of, spread_along
from coterie.beliefs.vector_maps import LEAST_SCATTER
from coterie.evidence import Cycle

type Priors = tuple[ParameterPrior, ...]

_PAIR = "pair"
_ONE = np.float64(1.0)


def build(blueprint: Blueprint) -> pm.Model:
    """Build the model, without sampling it."""
    with pm.Model(coords=_coords(blueprint)) as model:
        read = {name: pm.Data(name, value) for name, value in model_data(blueprint).items()}
        outcome = read["outcome_code"]
        kappa = _log_kappa(blueprint)[read["cluster_code"], outcome]
        eta = _level(blueprint, read)
        eta = (
            eta
            + _effects(blueprint, names.ARTIST_EFFECT, names.ARTIST_SCALE, names.ARTIST)[
                read["artist_code"], outcome
            ]
        )
        loading = parameter(names.LOADING, blueprint.priors(names.LOADING))
        reach = loading[outcome] * read["informs"]
        eta = eta + reach * _affinity()[read["pair_code"]]
        if blueprint.fades and blueprint.drifts:
            _let_windows_fade(blueprint, read, model[names.PERIOD_SCALE], kappa)
        _likelihood(blueprint, read, eta, kappa)
        _joint_priors(blueprint, model)
    return model


def parameter(name: str, priors: Priors) -> Any:
    """Return one parameter over (outcome,), free where its prior is, else as stated."""
    loose = {i: p for i, p in enumerate(priors) if p.family != "fixed"}
    families = sorted({p.family for p in loose.values()})
    if len(families) == 1 and len(loose) == len(priors):
        return _free(name, families[0], priors, names.OUTCOME)
    value = pt.as_tensor(np.array([p.first if p.family == "fixed" else 0.0 for p in priors]))
    for family in families:
        at = [i for i, p in loose.items() if p.family == family]
        part = _free(f"{name}_{family}", family, tuple(priors[i] for i in at), None)
        value = pt.set_subtensor(value[at], part)
    return pm.Deterministic(name, value, dims=names.OUTCOME)


def level_of(factor: str) -> str:
    """Name a factor's dimension apart from the model's own names: a factor may be called 'y'."""
    return f"level_of_{factor}"


def from_axes(along: Any, grid: Axes) -> Any:
    """Turn effects along the axes of a grid, (axis, outcome), into those of its levels."""
    sizes = [axis.period if isinstance(axis, Cycle) else axis for axis in grid]
    cube = along.reshape((*sizes, along.shape[1]))
    for i, axis in enumerate(grid):
        if isinstance(axis, Cycle):
            turn = pt.as_tensor(axes_of(axis)[0])
            cube = pt.moveaxis(pt.tensordot(turn, cube, axes=[[1], [i]]), 0, i)
    return cube.reshape((int(np.prod(sizes)), along.shape[1]))


def _coords(blueprint: Blueprint) -> dict[str, Any]:
    levels = blueprint.levels
    coords: dict[str, Any] = {
        names.OUTCOME: levels.outcome_names,
        names.ARTIST: levels.artists,
        names.CLUSTER: levels.clusters,
        names.WINDOW: levels.windows,
        _PAIR: np.arange(blueprint.made.pair_artist.size),
        **{level_of(f): np.asarray(known) for f, known in levels.factors.items()},
    }
    if levels.covariates:
        coords[names.COVARIATE] = [covariate.name for covariate in levels.covariates]
    return coords


def _free(name: str, family: str, priors: Priors, dims: str | None) -> Any:
    first = np.array([p.first for p in priors])
    second = np.array([p.second for p in priors])
    size: dict[str, Any] = {"shape": len(priors)} if dims is None else {"dims": dims}
    if family == "normal":
        return pm.Normal(name, first, second, **size)
    if family == "lognormal":
        return pm.LogNormal(name, first, second, **size)
    if family == "halfnormal":
        return pm.HalfNormal(name, first, **size)
    if family == "concentration":
        scatter = pm.HalfNormal(f"scatter_of_{name}", first, **size)
        return pm.Deterministic(name, _ONE / (scatter**2 + LEAST_SCATTER), dims=dims)
    # Its density stands in a potential; here only the Jacobian of the logarithm.
    raw = pm.Flat(f"log_of_{name}", **size)
    pm.Potential(f"prior_of_{name}", raw.sum())
    return pm.Deterministic(name, pt.exp(raw), dims=dims)


def _alpha(blueprint: Blueprint) -> Any:
    priors = blueprint.priors(names.ALPHA)
    if any(p.family == "joint" for p in priors):
        return pm.Flat(names.ALPHA, dims=names.OUTCOME)
    return parameter(names.ALPHA, priors)


def _level(blueprint: Blueprint, read: dict[str, Any]) -> Any:
    """Return each observation's level without what is an artist's own: (observation,)."""
    cluster, outcome = read["cluster_code"], read["outcome_code"]
    eta = _alpha(blueprint)[outcome]
    own = _effects(blueprint, names.CLUSTER_EFFECT, names.CLUSTER_SCALE, names.CLUSTER)
    eta = eta + own[cluster, outcome]
    within = parameter(names.PERIOD_SCALE, blueprint.priors(names.PERIOD_SCALE))
    if blueprint.drifts:
        dims = (names.CLUSTER, names.WINDOW, names.OUTCOME)
        wide = within / pt.sqrt(read["power_of_law"])[:, None] if blueprint.fades else within
        drift = pm.Normal(f"{names.PERIOD_EFFECT}_raw", 0.0, 1.0, dims=dims) * wide
        drift = pm.Deterministic(names.PERIOD_EFFECT, drift, dims=dims)
        eta = eta + drift[cluster, read["window_code"], outcome]
    for factor in blueprint.levels.factors:
        eta = eta + _factor(blueprint, factor)[read[f"factor_code_{factor}"], outcome]
    if blueprint.levels.covariates:
        slope = _slopes(blueprint)[:, outcome]
        eta = eta + (slope * read["covariate_value"]).sum(axis=0)
    return eta


def _effects(blueprint: Blueprint, name: str, scale: str, of: str) -> Any:
    """Return effects of a scale: (level, outcome)."""
    raw = pm.Normal(f"{name}_raw", 0.0, 1.0, dims=(of, names.OUTCOME))
    wide = parameter(scale, blueprint.priors(scale))
    return pm.Deterministic(name, raw * wide, dims=(of, names.OUTCOME))


def _factor(blueprint: Blueprint, factor: str) -> Any:
    """Return effects of a factor's levels, smooth where it comes round: (level, outcome)."""
    of, dims = blueprint.population.of, (level_of(factor), names.OUTCOME)
    priors = tuple(of(o.name, o.kind, FACTOR_SCALE) for o in blueprint.levels.outcomes)
    scale = parameter(f"{names.FACTOR_SCALE}{factor}", priors)
    along = pm.Normal(f"{names.FACTOR_EFFECT}{factor}_raw", 0.0, 1.0, dims=dims) * scale
    grid = blueprint.levels.smooth.get(factor)
    if grid is not None:
        along = from_axes(along * np.sqrt(spread_along(grid))[:, None], grid)
    return pm.Deterministic(f"{names.FACTOR_EFFECT}{factor}", along, dims=dims)


def _slopes(blueprint: Blueprint) -> Any:
    """Return slopes over (covariate, outcome)."""
    priors = blueprint.priors(names.SLOPE)
    shape = (len(blueprint.levels.covariates), len(priors))
    dims = (names.COVARIATE, names.OUTCOME)
    if any(p.family == "joint" for p in priors):
        return pm.Flat(names.SLOPE, dims=dims)
    value = pt.as_tensor(np.broadcast_to(np.array([p.first for p in priors]), shape))
    at = [i for i, p in enumerate(priors) if p.family != "fixed"]
    if at:
        first, second = (np.array([getattr(priors[i], n) for i in at]) for n in ("first", "second"))
        free = pm.Normal("slope_free", first, second, shape=(shape[0], len(at)))
        value = pt.set_subtensor(value[:, at], free)
    return pm.Deterministic(names.SLOPE, value, dims=dims)


def _log_kappa(blueprint: Blueprint) -> Any:
    """Return the logarithm of kappa: (cluster, outcome)."""
    shape = (len(blueprint.levels.clusters), len(blueprint.levels.outcomes))
    kappa = parameter(names.KAPPA, blueprint.priors(names.KAPPA))
    priors = blueprint.priors(names.KAPPA_SPREAD)
    spread = parameter(names.KAPPA_SPREAD, priors)
    if all(is_zero(p) for p in priors):
        return pt.broadcast_to(pt.log(kappa), shape)
    raw = pm.Normal(names.KAPPA_CLUSTER, 0.0, 1.0, dims=(names.CLUSTER, names.OUTCOME))
    return pt.log(kappa) + spread * raw


def _affinity() -> Any:
    """Return lasting fits, of pairs with counts."""

    def draw(rng: np.random.Generator, size: Any = None) -> Any:
        return fit_law.draw(size, rng)

    return pm.CustomDist(
        names.AFFINITY, logp=fit_log_density, random=draw, dims=_PAIR, signature="->()"
    )


def _joint_priors(blueprint: Blueprint, model: pm.Model) -> None:
    for i, joint in enumerate(blueprint.population.joint):
        values = {name: model[name] for name in joint.over if name in model.named_vars}
        density = joint.log_density(**values)
        pm.Potential(f"joint_prior_{i}", pt.as_tensor(density).sum())


def _likelihood(blueprint: Blueprint, read: dict[str, Any], eta: Any, scatter: Any) -> None:
    """Add what the counts say."""
    weight = read["weight"]
    if blueprint.weighted:
        # Nothing of an artist is sampled: one number apart from the counts, as often as it is.
        weight = weight * read["units_of_artist"][read["artist_code"]]
    counted = [read[name] for name in ("y", "n", "is_count")]
    if blueprint.made.ages is None:
        pm.Potential("evidence", log_likelihood(eta, scatter, *counted, weight)[0])
        return
    days, bend = (parameter(name, blueprint.priors(name)) for name in LATE)
    mature = arrived(read, blueprint.late, days, bend)
    pm.Potential("evidence", late_log_likelihood(eta, scatter, mature, *counted, weight)[0])


def _let_windows_fade(blueprint: Blueprint, read: dict[str, Any], within: Any, kappa: Any) -> None:
    """Add what makes the law of windows' effects, and their counts, a power of one whole."""
    levels = blueprint.levels
    shape = (len(levels.clusters), len(levels.windows), len(levels.outcomes))
    base, scatter = read["working_information"], pt.exp(kappa)
    binary = base / (_ONE + (read["n"] - _ONE) / (scatter + _ONE))
    information = pt.switch(read["is_count"], base / (_ONE + base / scatter), binary)
    if blueprint.weighted:
        information = information * read["units_of_artist"][read["artist_code"]]
    cell = read["cluster_code"] * np.int64(shape[1]) + read["window_code"]
    at = cell * np.int64(shape[2]) + read["outcome_code"]
    known = pt.inc_subtensor(pt.zeros(int(np.prod(shape)))[at], information)
    power, law = (read[name][None, :, None] for name in ("power", "power_of_law"))
    faded = log_norm((power, law, known.reshape(shape)), within**2, pt.log1p)
    pm.Potential("faded_windows", faded.sum())
