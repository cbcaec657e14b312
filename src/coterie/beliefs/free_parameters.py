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

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from coterie import names
from coterie.beliefs.parameters import ParameterPrior
from coterie.beliefs.smooth import Axes, axes_of
from coterie.evidence import Cycle

type Priors = tuple[ParameterPrior, ...]

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
