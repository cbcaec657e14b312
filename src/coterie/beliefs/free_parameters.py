r"""Free parameters: the numbers of the population, in coordinates a sampler walks well.

Makes the model's parameters over (outcome,) from their priors. Callers may trust that each
has exactly the prior that was stated: a map's Jacobian is in the density, so that maps
change speed, never the posterior.

A parameter that may be 0 is walked in :math:`x`, with

.. math::

    \theta = \sigma\,\mathrm{softplus}(x - 0.3\,\mathrm{softplus}(-x)^2),

which is a straight line where :math:`\theta` is large and whose density falls like a normal
one, not an exponential one, where the counts cannot tell :math:`\theta` from 0.

``loading`` and ``kappa`` explain the same thing where a pair has one cell an outcome: how far
cells lie from what artist and cluster say. There they are walked as that variance,
:math:`\lambda^2 + c/\kappa`, which the counts know well, and the loading's share of it, which
they hardly do. In the logarithms of both the map from one to the other has a constant Jacobian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import ZeroSumTransform

from coterie import names
from coterie.beliefs.crossed import splitting
from coterie.beliefs.parameters import ParameterPrior
from coterie.beliefs.smooth import Axes, axes_of, spread_along
from coterie.evidence import Cycle

if TYPE_CHECKING:
    from coterie.beliefs.design import Levels

type Priors = tuple[ParameterPrior, ...]

_ONE = np.float64(1.0)
_HALF = np.float64(0.5)
_TWO = np.float64(2.0)
_BEND = np.float64(0.3)
_MIDDLE = 0.67
"""Median of a half-normal law of scale 1."""


def parameter(name: str, priors: Priors, known: dict[int, Any] | None = None) -> Any:
    """Return one parameter over (outcome,), free where its prior is, else as stated.

    ``known`` has the values of outcomes that were made elsewhere, by position.
    """
    known = known or {}
    loose = {i: p for i, p in enumerate(priors) if p.family != "fixed" and i not in known}
    families = sorted({p.family for p in loose.values()})
    if len(families) == 1 and len(loose) == len(priors):
        return _free(name, families[0], list(priors), names.OUTCOME)
    value = pt.as_tensor(np.array([p.first if p.family == "fixed" else 0.0 for p in priors]))
    for family in families:
        at = [i for i, p in loose.items() if p.family == family]
        part = _free(f"{name}_{family}", family, [priors[i] for i in at], None)
        value = pt.set_subtensor(value[at], part)
    for i, own in known.items():
        value = pt.set_subtensor(value[i], own)
    return pm.Deterministic(name, value, dims=names.OUTCOME)


def may_trade(loading: ParameterPrior, kappa: ParameterPrior) -> bool:
    """Say whether these priors allow the two to be walked as one variance and a share."""
    return loading.family == "halfnormal" and kappa.family == "lognormal"


def loading_and_kappa(
    loading: Priors, kappa: Priors, traded: tuple[bool, ...], scatter: Any
) -> tuple[Any, Any]:
    """Return both over (outcome,), walked as a variance and a share where ``traded``.

    Parameters
    ----------
    loading, kappa
        Priors of each outcome.
    traded
        Whether the two explain the same thing, for each outcome.
    scatter
        Variance between cells, on the scale of their levels, at a kappa of 1: (outcome,).
    """
    at = [i for i, both in enumerate(traded) if both]
    if not at:
        return parameter(names.LOADING, loading), parameter(names.KAPPA, kappa)
    scale, centre, width = (
        np.array([getattr(of[i], field) for i in at])
        for of, field in ((loading, "first"), (kappa, "first"), (kappa, "second"))
    )
    unit = pt.log(scatter[at])
    # Where both stand near the middle of their priors, the two coordinates are 0.
    own, other = _TWO * np.log(_MIDDLE * scale), unit - centre
    share, log_jacobian = _bent(pm.Flat("raw_of_share", shape=len(at)))
    share = share + own - other
    total = pm.Flat("raw_of_variance", shape=len(at)) + pm.math.logaddexp(own, other)
    log_loading = _HALF * (total - pt.softplus(-share))
    log_kappa = unit - total + pt.softplus(share)
    prior = (
        log_loading
        - _HALF * (pt.exp(log_loading) / scale) ** 2
        - _HALF * ((log_kappa - centre) / width) ** 2
    )
    pm.Potential("prior_of_loading_and_kappa", (prior + log_jacobian).sum())
    return (
        parameter(names.LOADING, loading, dict(_placed(at, pt.exp(log_loading)))),
        parameter(names.KAPPA, kappa, dict(_placed(at, pt.exp(log_kappa)))),
    )


def _placed(at: list[int], values: Any) -> list[tuple[int, Any]]:
    """Pair each position with its value."""
    return [(i, values[j]) for j, i in enumerate(at)]


def contrasts(of: str, known: Any, scale: Any, before: tuple[str, ...]) -> Any:
    """Return effects that sum to zero over one dimension."""
    free = effects(f"{of}_raw", scale, known, (*before, f"{of}_contrast", names.OUTCOME))
    return ZeroSumTransform.extend_axis(free, axis=len(before))


def let_go(deviation: Any, law: Any) -> Any:
    """Turn deviations from a cluster's mean into those from its mean by ``law``, which is p.

    They sum to zero over windows, (cluster, window, outcome); those returned do so when each is
    weighed by p, and have variances of 1 / p where the others have 1.
    """
    size = law.shape[0].astype("float64")
    # A reflection that takes the even direction to that of the roots of p.
    away = _ONE / pt.sqrt(size) - pt.sqrt(law / law.sum())
    square = (away**2).sum()
    # Of powers that are all but equal nothing is left but rounding: nothing is turned.
    share = pt.switch(pt.gt(square, np.float64(1e-18)), _TWO / square, np.float64(0.0))
    along = (deviation * away[None, :, None]).sum(axis=1, keepdims=True)
    turned = deviation - share * away[None, :, None] * along
    return turned / pt.sqrt(law)[None, :, None]


def effects(name: str, scale: Any, known: Any, dims: tuple[str, ...]) -> Any:
    """Return Normal(0, scale) effects, moved in units of what scale and counts leave open.

    ``known`` is the counts' information on one effect. As the scale goes to 0 the coordinate
    is the effect over its scale, far above it the effect over its standard error, so that
    neither end is a funnel. A scale of exactly 0 is allowed.
    """
    room = pt.sqrt(_ONE + known * scale**2)
    return pm.Normal(name, 0.0, room, dims=dims) * scale / room


def level_of(factor: str) -> str:
    """Name a factor's dimension apart from the model's own names: a factor may be called 'y'."""
    return f"level_of_{factor}"


def contrast_dims(levels: Levels) -> dict[str, Any]:
    """Return the dimensions of contrasts between levels, where factors are crossed."""
    plain = [f for f in levels.factors if f not in levels.smooth] if levels.nested else []
    return {f"level_of_{f}_contrast": np.arange(len(levels.factors[f]) - 1) for f in plain}


def factor_effects(levels: Levels, factor: str, scale: Any, known: Any) -> Any:
    """Return effects of a factor's levels, smooth where it comes round: (level, outcome)."""
    dims = (level_of(factor), names.OUTCOME)
    grid = levels.smooth.get(factor)
    if grid is None:
        return effects(f"factor_raw_{factor}", scale, known, dims)
    along = scale * np.sqrt(spread_along(grid))[:, None]
    return from_axes(effects(f"factor_raw_{factor}", along, known, dims), grid)


def crossed_effects(
    levels: Levels, scales: dict[str, Any], known: dict[str, Any], between: Any
) -> tuple[dict[str, Any], Any]:
    """Return effects of factors that split one another's levels, and the sum of their means.

    The counts know sums: of a level's effect and the mean of those that split it, and of all
    factors' means and alpha. What splits a level blurs what is known of it; its mean over
    levels is a coordinate of its own, to be moved against alpha.

    Parameters
    ----------
    levels
        Names of the model.
    scales, known
        Of each factor: its scale, and the counts' information on one level's effect.
    between
        Scale of clusters.
    """
    found: dict[str, Any] = {}
    means: Any = None
    split = splitting(levels)
    for factor, scale in scales.items():
        blur = sum(
            (between if g == names.CLUSTER else scales[g]) ** 2 * np.float64(share)
            for g, share in split[factor].items()
        )
        sharp = known[factor] / (_ONE + known[factor] * blur)
        size = len(levels.factors[factor])
        if factor in levels.smooth:
            found[factor] = factor_effects(levels, factor, scale, sharp)
            continue
        mean = pm.Normal(f"factor_mean_{factor}", 0.0, 1.0, dims=names.OUTCOME)
        mean = mean * scale / np.sqrt(np.float64(size))
        own = contrasts(level_of(factor), sharp, scale, ()) if size > 1 else 0.0
        found[factor] = pt.broadcast_to(mean + own, (size, mean.shape[0]))
        means = mean if means is None else means + mean
    return found, means


def from_axes(along: Any, grid: Axes) -> Any:
    """Turn effects along the axes of a grid, (axis, outcome), into those of its levels."""
    sizes = [axis.period if isinstance(axis, Cycle) else axis for axis in grid]
    cube = along.reshape((*sizes, along.shape[1]))
    for i, axis in enumerate(grid):
        if isinstance(axis, Cycle):
            turn = pt.as_tensor(axes_of(axis)[0])
            cube = pt.moveaxis(pt.tensordot(turn, cube, axes=[[1], [i]]), 0, i)
    return cube.reshape((int(np.prod(sizes)), along.shape[1]))


def _free(name: str, family: str, priors: list[ParameterPrior], dims: str | None) -> Any:
    first = np.array([p.first for p in priors])
    second = np.array([p.second for p in priors])
    size: dict[str, Any] = {"shape": len(priors)} if dims is None else {"dims": dims}
    law = {"normal": pm.Normal, "lognormal": pm.LogNormal}.get(family)
    if law is not None:
        return law(name, first, second, **size)
    # No column's name can end like a parameter's and begin like this.
    raw = pm.Flat(f"raw_of_{name}", **size)
    if family == "joint":
        # Its density stands in a potential; here only the logarithm's Jacobian.
        value, density = pt.exp(raw), raw
    else:
        bent, log_jacobian = _bent(raw)
        standard = pt.softplus(bent)
        value = first * standard
        density = log_jacobian - pt.softplus(-bent) - _HALF * standard**2
    pm.Potential(f"prior_of_{name}", density.sum())
    return pm.Deterministic(name, value, dims=dims)


def _bent(x: Any) -> tuple[Any, Any]:
    """Return x with its left side bent down, and the logarithm of the slope."""
    left = pt.softplus(-x)
    return x - _BEND * left**2, pt.log1p(_TWO * _BEND * left * pt.sigmoid(-x))
