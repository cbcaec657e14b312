r"""Smooth: how alike the effects of a cycle's levels are, and axes along which they are apart.

Makes the covariance of effects of unit variance on a circle, and its factorisation. Callers
may trust that it is positive definite, that every level has variance 1, that the last level
is next to the first, and that all but a small share of it is about the mean over the cycle.

.. math::

    k(d) = \exp\left(-2 \sin^2(\pi d / P) \, (P / 2 \pi \ell)^2\right)

less its mean over d, over its variance; 2 % of the variance is each level's own. For distances
d far below the period P this is the bell curve of standard deviation :math:`\ell`.

Source: D. J. C. MacKay (1998), Introduction to Gaussian processes, section 4.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from coterie.beliefs.crossed import inventory, inventory_of, pieces_of
from coterie.evidence import SEPARATOR, Cycle, split
from coterie.typing import Floats

if TYPE_CHECKING:
    from coterie.beliefs.design import Levels

NUGGET: Final = 0.02
"""Share of the variance that each level has to itself: the rush hour is no smooth curve."""

type Axes = tuple[Cycle | int, ...]
"""A factor's levels as a grid: a cycle, or the number of levels that know no order."""


def alike(cycle: Cycle) -> Floats:
    """Return the correlation of the effects of a cycle's levels: (level, level)."""
    away = np.arange(cycle.period)
    turn = np.sin(np.pi * away / cycle.period) ** 2
    # Beyond a thousandth of a level no two levels are alike.
    reach = max(cycle.reach, 1e-3)
    kernel = np.exp(-2 * turn * (cycle.period / (2 * np.pi * reach)) ** 2)
    kernel = (kernel - kernel.mean()) / (1 - kernel.mean())
    kernel = (1 - NUGGET) * kernel
    kernel[0] += NUGGET
    # Kept circulant: every row is the first, turned.
    places: Floats = kernel[(away[:, None] - away[None, :]) % cycle.period]
    return places


def axes_of(cycle: Cycle) -> tuple[Floats, Floats]:
    """Return axes along which effects are independent, and the variance along each.

    Returns
    -------
    turn
        Orthonormal columns: (level, axis).
    variance
        (axis,), with mean 1.
    """
    variance, turn = np.linalg.eigh(alike(cycle))
    return turn, variance


def spread_along(grid: Axes) -> Floats:
    """Return the variance of effects along each axis of a grid, flattened: (level,)."""
    found = np.ones(1)
    for axis in grid:
        own = axes_of(axis)[1] if isinstance(axis, Cycle) else np.ones(axis)
        found = np.multiply.outer(found, own).ravel()
    return found


def place_on(label: str, factor: str, levels: Levels) -> tuple[str, Floats]:
    """Find a level of a crossing with a cycle among those of its curve or sheet.

    Returns
    -------
    str
        The labels that it is crossed with: one curve for each.
    numpy.ndarray
        What each independent axis of the curve adds to the level: (axis,).
    """
    cycles = {cycle.column: cycle for cycle in levels.cycles}
    wide = [(m, m in cycles) for m in levels.crossed[factor]]
    pieces = [(p, on) for m, on in wide for p in (pieces_of(levels, m) if not on else (m,))]
    cut = split(np.array([label], dtype=object), [name for name, _ in pieces])[0][0].tolist()
    own, weight = [], np.ones(1)
    for (name, on), part in zip(pieces, cut, strict=True):
        if on:
            turn, variance = axes_of(cycles[name])
            weight = np.multiply.outer(weight, turn[int(part)] * np.sqrt(variance)).ravel()
        else:
            own.append(part)
    return SEPARATOR.join(own), weight


def smooth_levels(factors: Mapping[str, Any], clusters: Any, layout: Any) -> dict[str, Any]:
    """Complete the levels of cycles, and of what is crossed with one.

    Parameters
    ----------
    factors, clusters
        Levels that are known.
    layout
        Which factors are cycles, and what is crossed.

    Returns
    -------
    dict
        Every level of a cycle; every combination of one with other labels, in the order of
        its members.
    """
    cycles = {cycle.column for cycle in layout.cycles}
    wide = dict(factors) | {cycle.column: np.arange(cycle.period) for cycle in layout.cycles}
    for factor, members in layout.derived.items():
        if set(members) & cycles:
            own = [inventory_of(wide, clusters, member).tolist() for member in members]
            every = [SEPARATOR.join(map(str, labels)) for labels in itertools.product(*own)]
            wide[factor] = np.array(every, dtype=object)
    return wide


def grids(levels: Levels) -> dict[str, Axes]:
    """Return the axes of every factor whose effects are smooth: a cycle, or crossed with one."""
    cycles = {cycle.column: cycle for cycle in levels.cycles}
    every = {factor: levels.crossed.get(factor, (factor,)) for factor in levels.factors}
    return {
        factor: tuple(cycles.get(m, len(inventory(levels, m))) for m in members)
        for factor, members in every.items()
        if set(members) & set(cycles)
    }
