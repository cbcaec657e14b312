"""Highest: whose affinity is the highest, and whose is above a threshold, of densities at nodes.

Densities of affinities stand at the nodes of one grid, made here; a home is where the highest is,
by an integral along the line of where that may be, and a membership is mass above a threshold.
Compiled code takes arrays, not objects; :mod:`coterie.beliefs.integrals` makes the densities.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from coterie.beliefs.fit_law import MODE, UNIT_SD, mass_below
from coterie.beliefs.fit_law import density as law_density

NODES: Final = 21
"""Values of one affinity at which its density is known."""
STEP: Final = 0.5
"""Distance of these nodes, in coordinates that are standard deviations but far to the left."""
_HALF: Final = 0.5 * (NODES - 1) * STEP
_STRETCH: Final = 0.12
"""How much longer the left side is than the right: tails to the left are heavy."""
_COARSE: Final = 2
"""Every second node cuts the line along which the highest affinity is integrated."""
_NOTHING: Final = 1e-5
"""Share of the evidence below which a point of the effects tells nothing of a home."""
_TOUCHING: Final = 1e-9
"""Distance up to which two nodes are one."""
_NEVER: Final = 1e-4
"""Probability that is neglected."""
_GAUSS: Final = 0.5 / math.sqrt(3.0)
_COORDINATES: Final = np.arange(NODES) * STEP - _HALF
_LEFT: Final = np.maximum(-1.0 - _COORDINATES, 0.0)
PLACES: Final = _COORDINATES - _STRETCH * _LEFT**3
"""The nodes in standard deviations from the mode."""
WIDTHS: Final = 1.0 + 3.0 * _STRETCH * _LEFT**2


@njit(cache=True, inline="always")
def _coordinate(u: float) -> float:
    """Return the coordinate, from that of the first node, of a place in standard deviations."""
    if u >= -1.0:
        return u + _HALF
    # v + stretch v^3 = -1 - u, by Cardano.
    half = -0.5 * (1.0 + u) / _STRETCH
    third = 1.0 / (3.0 * _STRETCH)
    root = math.sqrt(half * half + third * third * third)
    v = (half + root) ** (1.0 / 3.0) - (root - half) ** (1.0 / 3.0)
    return _HALF - 1.0 - v


@njit(cache=True)
def place_of(t: float) -> float:
    """Return the place, in standard deviations from the mode, of a coordinate from the first."""
    at = t - _HALF
    left = max(-1.0 - at, 0.0)
    return at - _STRETCH * left**3


@njit(cache=True)
def cumulate(density: Any, below: Any) -> None:
    """Fill the mass below each node, from densities a unit of the coordinate: (node,)."""
    last = density.size - 1
    below[0] = 0.0
    for q in range(last):
        # The cubic through the four nearest nodes; nothing lies beyond the ends.
        left = density[q - 1] if q > 0 else 0.0
        right = density[q + 2] if q + 2 <= last else 0.0
        mass = (13.0 * (density[q] + density[q + 1]) - left - right) / 24.0
        below[q + 1] = below[q] + max(mass, 0.0) * STEP
    for q in range(last + 1):
        below[q] /= below[last]


@njit(cache=True, inline="always")
def read_below(t: float, density: Any, below: Any) -> float:
    """Return the mass below a coordinate, counted from that of the first node."""
    at = t / STEP
    if at <= 0.0:
        return 0.0
    if at >= density.size - 1:
        return 1.0
    q = int(at)
    x = at - q
    # Hermite's cubic: the density is the slope.
    rise = below[q + 1] - below[q]
    first, second = STEP * density[q], STEP * density[q + 1]
    cubic = first + second - 2.0 * rise
    square = 3.0 * rise - 2.0 * first - second
    return min(max(below[q] + x * (first + x * (square + x * cubic)), 0.0), 1.0)


@njit(cache=True, inline="always")
def _read_density(t: float, density: Any) -> float:
    """Return the density at a coordinate, a unit of it, counted from that of the first node."""
    at = t / STEP
    last = density.size - 1
    if at <= 0.0 or at >= last:
        return 0.0
    q = int(at)
    x = at - q
    a = density[q - 1] if q > 0 else 0.0
    d = density[q + 2] if q + 2 <= last else 0.0
    b, c = density[q], density[q + 1]
    found = b + 0.5 * x * (
        c - a + x * (2.0 * a - 5.0 * b + 4.0 * c - d + x * (3.0 * (b - c) + d - a))
    )
    return max(found, 0.0)


@njit(cache=True)
def _first_above(below: Any, share: float) -> int:
    """Return the last node with no more than a share of the mass below it."""
    q = 0
    while q + 1 < below.size and below[q + 1] <= share:
        q += 1
    return q


@njit(cache=True)
def _knots(
    middle: Any, sd: Any, below: Any, others: int, active: Any, line: Any
) -> tuple[int, int, float]:
    """Fill which pairs may be highest and the knots of the line; return how many, and its start."""
    pairs, top = middle.size, NODES - 1
    floor = MODE + PLACES[1] * UNIT_SD if others > 0 else -math.inf
    for p in range(pairs):
        floor = max(floor, middle[p] + sd[p] * PLACES[_first_above(below[p], _NEVER)])
    some, count = 0, 0
    for p in range(pairs):
        # Who lies below the floor for sure is below whoever is highest.
        if (
            middle[p] + sd[p] * PLACES[top] > floor
            and 1.0 - _at(floor, middle[p], sd[p], below[p]) > _NEVER
        ):
            active[some] = p
            some += 1
            for q in range(0, NODES, _COARSE):
                place = middle[p] + sd[p] * PLACES[q]
                if place > floor:
                    line[count] = place
                    count += 1
    for q in range(0, NODES if others > 0 else 0, _COARSE):
        place = MODE + UNIT_SD * PLACES[q]
        if place > floor:
            line[count] = place
            count += 1
    return some, count, floor


@njit(cache=True)
def _at(place: float, middle: float, sd: float, below: Any) -> float:
    """Return roughly the mass below a place: that of the node before it."""
    t = _coordinate((place - middle) / sd) / STEP
    return below[min(max(int(t), 0), below.size - 1)]


@njit(cache=True)
def highest(  # noqa: C901, PLR0915 - one loop, compiled
    middle: Any, sd: Any, density: Any, below: Any, others: int, chance: Any
) -> float:
    """Fill the chance of each pair to have the highest affinity; return that of each other.

    Parameters
    ----------
    middle, sd
        Where a pair's nodes stand, and their standard deviation: (pair,).
    density, below
        Density and mass below at its nodes: (pair, node).
    others
        Clusters that nothing was counted in, and one that is not named: each stands as before.
    chance
        Room for (pair,).
    """
    pairs = middle.size
    active, room = np.empty(pairs, dtype=np.int64), np.empty((pairs + 1) * NODES)
    some, count, floor = _knots(middle, sd, below, others, active, room)
    line = np.sort(room[:count])
    chance[:] = 0.0
    own, mass = np.empty(some), np.empty(some)
    before, rest, total = floor, 0.0, 0.0
    for i in range(count):
        wide = line[i] - before
        if wide <= _TOUCHING:
            continue
        for side in range(2):
            s = before + wide * (0.5 + (_GAUSS if side == 1 else -_GAUSS))
            product, free = 0.5 * wide, 1.0
            if others > 0:
                free = mass_below(s)
                product *= free**others
            for a in range(some):
                p = active[a]
                t = _coordinate((s - middle[p]) / sd[p])
                left = max(_HALF - 1.0 - t, 0.0)
                own[a] = _read_density(t, density[p]) / (sd[p] * (1.0 + 3.0 * _STRETCH * left**2))
                mass[a] = read_below(t, density[p], below[p])
                product *= mass[a]
                if product <= 0.0:
                    break
            if product <= 0.0:
                continue
            for a in range(some):
                chance[active[a]] += own[a] * product / mass[a]
            if others > 0:
                rest += law_density(s) * product / free
        before = line[i]
    for p in range(pairs):
        total += chance[p]
    total += others * rest
    for p in range(pairs):
        chance[p] /= total
    return rest / total


@njit(cache=True)
def one_home(  # noqa: C901 - one loop, compiled
    share: Any, middle: Any, sd: Any, density: Any, cluster: Any, stated: Any,
    log_elsewhere: float, belief: Any,
) -> float:  # fmt: skip
    """Fill the chance that each cluster's affinity is highest, by the prior; return elsewhere."""
    pairs = cluster.size
    others = belief.size - pairs + (1 if log_elsewhere > -math.inf else 0)
    one, chance, below = np.zeros(pairs), np.empty(pairs), np.empty((pairs, NODES))
    each = 0.0
    for s in range(share.size):
        if abs(share[s]) < _NOTHING:
            continue
        for p in range(pairs):
            cumulate(density[p, s], below[p])
        each += share[s] * highest(middle[:, s], sd, density[:, s], below, others, chance)
        for p in range(pairs):
            one[p] += share[s] * chance[p]
    each = max(each, 0.0)
    for k in range(belief.size):
        belief[k] = each
    for p in range(pairs):
        belief[cluster[p]] = max(one[p], 0.0)
    total = math.exp(log_elsewhere) * each
    rest = total
    for k in range(belief.size):
        belief[k] *= math.exp(stated[k])
        total += belief[k]
    for k in range(belief.size):
        belief[k] /= total
    return rest / total


@njit(cache=True)
def many_homes(
    share: Any, middle: Any, sd: Any, density: Any, cluster: Any, threshold: Any, line: Any,
    masses: Any, belief: Any,
) -> None:  # fmt: skip
    """Fill the chance that each pair's affinity is above its threshold.

    A threshold is too sharp a thing for few points of the effects. There ``line`` has nodes of a
    standard normal: the effects move an affinity by a normal amount of the points' mean and
    variance.
    """
    mean, below = np.empty(NODES), np.empty(NODES)
    for p in range(cluster.size):
        edge, above = threshold[cluster[p]], 0.0
        if line.size == 0:
            for s in range(share.size):
                cumulate(density[p, s], below)
                t = _coordinate((edge - middle[p, s]) / sd[p])
                above += share[s] * (1.0 - read_below(t, density[p, s], below))
        centre, square = 0.0, 0.0
        mean[:] = 0.0
        for s in range(share.size if line.size else 0):
            centre += share[s] * middle[p, s]
            square += share[s] * middle[p, s] ** 2
            mean += share[s] * density[p, s]
        moved = math.sqrt(max(square - centre**2, 0.0))
        if line.size:
            mean = np.maximum(mean, 0.0)
            cumulate(mean, below)
        for q in range(line.size):
            t = _coordinate((edge - centre - moved * line[q]) / sd[p])
            above += masses[q] * (1.0 - read_below(t, mean, below))
        belief[cluster[p]] = min(max(above, 0.0), 1.0)
