"""Integrals: the compiled loops behind b(phi), one artist and one draw at a time.

Compiled code takes arrays, not objects, hence the long argument lists. Entered by
:mod:`coterie.beliefs.membership` alone, which says what is integrated and why.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from coterie.beliefs.density import shared_part
from coterie.beliefs.fit_law import MODE, UNIT_SD, log_density, mass_below
from coterie.beliefs.fit_law import density as law_density
from coterie.beliefs.interpolation import MOST, interpolate, read_off, told
from coterie.beliefs.late_density import thinned

_STEPS = 10
_NEAR = 1e-2
"""Standard deviations within which a mode is found: the nodes about it are summed, not it."""
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
_FEW_PAIRS: Final = 4
"""Pairs up to which the effects are integrated as finely for homes as for the evidence."""
_NEVER: Final = 1e-4
"""Chance that is none."""
_GAUSS: Final = 0.5 / math.sqrt(3.0)
_COORDINATES: Final = np.arange(NODES) * STEP - _HALF
_LEFT: Final = np.maximum(-1.0 - _COORDINATES, 0.0)
PLACES: Final = _COORDINATES - _STRETCH * _LEFT**3
"""The nodes in standard deviations from the mode."""
_WIDTHS: Final = 1.0 + 3.0 * _STRETCH * _LEFT**2
_FIRST, _LAST = float(PLACES[0]), float(PLACES[-1])
_WHOLE: Final = float(STEP * (_WIDTHS * np.exp(-0.5 * PLACES**2)).sum() / math.sqrt(2.0 * math.pi))
"""What the nodes make of a normal law's mass: where nothing was counted the evidence is exact."""


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
def _information(eta: float, kappa: float, mature: float, n: float, is_count: bool) -> float:
    """Return the expected information of one observation in its level."""
    eta = min(max(eta, -30.0), 30.0)
    if is_count:
        mean = mature * n * math.exp(eta)
        return mean / (1.0 + mean / kappa)
    bend = 1.0
    if mature < 1.0:
        moved, kappa, _ = thinned(eta, kappa, mature)
        # The final level moves the level of what has arrived by this much.
        bend = (1.0 + math.exp(moved)) / (1.0 + math.exp(eta))
        eta = moved
    mu = 1.0 / (1.0 + math.exp(-eta))
    return bend * bend * n * mu * (1.0 - mu) / (1.0 + (n - 1.0) / (kappa + 1.0))


@njit(cache=True)
def _visit(
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, loading: Any, effect: Any, shared: Any,
    mode: Any, move: Any, precision: Any, follow: Any, pull: Any, known: Any,
) -> None:  # fmt: skip
    """Read every pair at the current A and affinities; note each Newton step.

    ``pull`` is the slope in A once the affinity has taken its own step ``move``.
    """
    outcomes = loading.size
    for p in range(start.size - 1):
        _, slope, precision[p] = log_density(mode[p])
        for o in range(outcomes):
            pull[p, o], known[p, o], follow[p, o] = 0.0, 0.0, 0.0
        for j in range(start[p], start[p + 1]):
            o = outcome[j]
            reach = loading[o] * informs[j]
            eta = base[j] + effect[o] + reach * mode[p]
            found = told(
                eta, kappa[j], mature[j], y[j], n[j], shared[j, 0], shared[j, 1], is_count[j]
            )
            info = weight[j] * _information(eta, kappa[j], mature[j], n[j], is_count[j])
            slope += reach * weight[j] * found[1]
            pull[p, o] += weight[j] * found[1]
            known[p, o] += info
            follow[p, o] += reach * info
            precision[p] += reach * reach * info
        move[p] = min(max(slope / precision[p], -2.0), 2.0)
        # Cells of one outcome may differ in reach (bought, organic): the mean, by information.
        for o in range(outcomes):
            pull[p, o] -= follow[p, o] * move[p]
            if known[p, o] > 0.0:
                follow[p, o] /= known[p, o]


@njit(cache=True)
def _bend(pull: Any, known: Any, follow: Any, precision: Any, effect: Any, scale: Any) -> Any:
    """Return slope and curvature of the evidence in A."""
    outcomes = effect.size
    gradient, curve = np.empty(outcomes), np.zeros((outcomes, outcomes))
    for i in range(outcomes):
        curve[i, i] = 1.0 / scale[i] ** 2
        gradient[i] = -effect[i] * curve[i, i]
    for p in range(precision.size):
        for i in range(outcomes):
            gradient[i] += pull[p, i]
            curve[i, i] += known[p, i]
            along = known[p, i] * follow[p, i] / precision[p]
            for k in range(outcomes):
                curve[i, k] -= along * known[p, k] * follow[p, k]
    return gradient, curve


@njit(cache=True)
def _shorten(along: Any, scale: Any, inverse: Any, move: Any, precision: Any) -> bool:
    """Shorten a step in A to two of its scales; say whether it, and every move, is none."""
    longest, farthest = 1e-12, 0.0
    for o in range(along.size):
        longest = max(longest, abs(along[o] / scale[o]))
        farthest = max(farthest, abs(along[o]) / math.sqrt(inverse[o, o]))
    for p in range(move.size):
        farthest = max(farthest, abs(move[p]) * math.sqrt(precision[p]))
    for o in range(along.size):
        along[o] *= min(1.0, 2.0 / longest)
    return farthest < _NEAR


@njit(cache=True)
def climb(  # noqa: C901 - one loop, compiled
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, loading: Any, scale: Any,
) -> Any:  # fmt: skip
    """Find the mode in A, each pair's affinity mode, and the spread of A.

    Fisher scoring on A and every affinity at once. Returns A, a Cholesky factor of its
    spread, affinity modes, their precisions and how they move with A.
    """
    pairs, outcomes = start.size - 1, loading.size
    effect = np.zeros(outcomes)
    mode, move, precision = np.zeros(pairs), np.zeros(pairs), np.ones(pairs)
    mode[:] = MODE
    follow, pull = np.zeros((pairs, outcomes)), np.zeros((pairs, outcomes))
    known = np.zeros((pairs, outcomes))
    inverse = np.zeros((outcomes, outcomes))
    shared = np.empty((y.size, 2))
    for j in range(y.size):
        shared[j, 0], shared[j, 1] = shared_part(kappa[j], y[j], n[j], is_count[j])
    for step in range(_STEPS):
        _visit(
            base, mature, kappa, y, n, is_count, weight, informs, outcome, start, loading,
            effect, shared, mode, move, precision, follow, pull, known,
        )  # fmt: skip
        gradient, curve = _bend(pull, known, follow, precision, effect, scale)
        inverse = np.linalg.inv(curve)
        along = inverse @ gradient
        last = _shorten(along, scale, inverse, move, precision) or step == _STEPS - 1
        for o in range(outcomes):
            along[o] *= 0.0 if last else 1.0
            effect[o] += along[o]
        for p in range(pairs):
            mode[p] += move[p]
            for o in range(outcomes):
                mode[p] -= follow[p, o] * known[p, o] * along[o] / precision[p]
        if last:
            break
    for p in range(pairs):
        for o in range(outcomes):
            follow[p, o] *= known[p, o] / precision[p]
    return effect, np.linalg.cholesky(inverse), mode, precision, follow


@njit(cache=True)
def _masses(
    eta: Any, span: Any, kappa: float, mature: float, y: float, n: float, is_count: bool,
    powers: Any, x: Any, value: Any,
) -> None:  # fmt: skip
    """Fill the log masses of one observation at many levels of a span."""
    s0, s1 = shared_part(kappa, y, n, is_count)
    length = interpolate(span[0], span[1], kappa, mature, y, n, s0, s1, is_count, powers)
    if length == 0:
        for i in range(eta.size):
            value[i] = told(eta[i], kappa, mature, y, n, s0, s1, is_count)[0]
        return
    wide = span[1] - span[0]
    scale = 2.0 / wide if wide > 0.0 else 0.0
    for i in range(eta.size):
        x[i] = (eta[i] - span[0]) * scale - 1.0
    read_off(x, powers, length, value)


@njit(cache=True)
def tables(  # noqa: C901 - one loop, compiled
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, loading: Any, centre: Any, points: Any,
    mode: Any, precision: Any, follow: Any, middle: Any, density: Any,
) -> Any:  # fmt: skip
    """Return each pair's log evidence at each point of A: (point, pair).

    Fills ``middle``, where the nodes of each affinity stand, (pair, point), and ``density``, that
    at its nodes, a unit of their coordinate: (pair, point, node).
    """
    pairs, size = start.size - 1, points.shape[0]
    table, terms = np.empty((size, pairs)), np.empty(size * NODES)
    eta, x, value = np.empty_like(terms), np.empty_like(terms), np.empty_like(terms)
    powers = np.empty(MOST)
    for p in range(pairs):
        sd = 1.0 / math.sqrt(precision[p])
        for s in range(size):
            middle[p, s] = mode[p]
            for o in range(centre.size):
                middle[p, s] -= follow[p, o] * (points[s, o] - centre[o])
        terms[:] = 0.0
        for j in range(start[p], start[p + 1]):
            o = outcome[j]
            reach = loading[o] * informs[j]
            low, high, i = math.inf, -math.inf, 0
            for s in range(size):
                at = base[j] + points[s, o] + reach * middle[p, s]
                low = min(low, at + reach * sd * _FIRST)
                high = max(high, at + reach * sd * _LAST)
                for q in range(NODES):
                    eta[i + q] = at + reach * sd * PLACES[q]
                i += NODES
            given = (kappa[j], mature[j], y[j], n[j], is_count[j])
            _masses(eta, (low, high), *given, powers, x, value)
            for i in range(terms.size):
                terms[i] += weight[j] * value[i]
        for s in range(size):
            top, total = -math.inf, 0.0
            for q in range(NODES):
                terms[s * NODES + q] += log_density(middle[p, s] + sd * PLACES[q])[0]
                top = max(top, terms[s * NODES + q])
            for q in range(NODES):
                density[p, s, q] = _WIDTHS[q] * math.exp(terms[s * NODES + q] - top)
                total += density[p, s, q]
            total *= STEP
            for q in range(NODES):
                density[p, s, q] /= total
            table[s, p] = top + math.log(total * sd / _WHOLE)
    return table


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
    """Fill who may be highest, and places that cut the line; return how many, and its start."""
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
def shares(heights: Any, sign: Any, share: Any) -> tuple[float, float]:
    """Fill each point's share of the sum; return the highest height, and the sum over it."""
    top, total = -math.inf, 0.0
    for s in range(heights.size):
        top = max(top, heights[s])
    for s in range(heights.size):
        share[s] = sign[s] * math.exp(heights[s] - top)
        total += share[s]
    if total <= 0.0:
        # Negative cubature weights can only win where the integrand is nothing like a
        # hump; then the mode's own point is the best single witness.
        for s in range(1, heights.size):
            share[s] = 0.0
        share[0] = total = math.exp(heights[0] - top)
    for s in range(heights.size):
        share[s] /= total
    return top, total


@njit(cache=True)
def _one_home(  # noqa: C901 - one loop, compiled
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
def _over_effects(
    part: Any, loading: Any, about: Any, points: Any, weights: Any, middle: Any, density: Any,
    share: Any,
) -> float:  # fmt: skip
    """Fill each point's share of the evidence, and affinities there; return the log evidence."""
    centre, root, scale, mode, precision, follow = about
    at = centre + points @ root.T
    base, mature, kappa, y, n, is_count, weight, informs, outcome, start = part
    table = tables(
        base, mature, kappa, y, n, is_count, weight, informs, outcome, start,
        loading, centre, at, mode, precision, follow, middle, density,
    )  # fmt: skip
    heights = np.empty(weights.size)
    for s in range(weights.size):
        heights[s] = math.log(abs(weights[s]))
        for o in range(scale.size):
            heights[s] += (
                0.5 * points[s, o] ** 2 - 0.5 * (at[s, o] / scale[o]) ** 2
                + math.log(root[o, o] / scale[o])
            )  # fmt: skip
        for p in range(table.shape[1]):
            heights[s] += table[s, p]
    top, total = shares(heights, np.sign(weights), share)
    return top + math.log(total)


@njit(cache=True)
def _many_homes(
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


@njit(cache=True)
def _artist(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    start: Any, own: Any, base: Any, mature: Any, log_kappa: Any,
    loading: Any, artist_scale: Any,
    stated: Any, threshold: Any, log_elsewhere: float, homes: int,
    points: Any, weights: Any, few: Any, few_weights: Any, belief: Any,
) -> tuple[float, float]:  # fmt: skip
    """Fill one artist's belief at one draw; return elsewhere and log evidence."""
    kappa, scale = np.empty(y.size), np.empty(artist_scale.size)
    local = start - start[0]
    for j in range(y.size):
        kappa[j] = math.exp(log_kappa[cluster[j], outcome[j]])
    for o in range(scale.size):
        scale[o] = max(artist_scale[o], 1e-9)
    part = (base, mature, kappa, y, n, is_count, weight, informs, outcome, local)
    centre, root, mode, precision, follow = climb(*part, loading, scale)
    about = (centre, root, scale, mode, precision, follow)
    pairs, sd = own.size, 1.0 / np.sqrt(precision)
    middle, density = np.empty((pairs, weights.size)), np.empty((pairs, weights.size, NODES))
    share = np.empty(weights.size)
    evidence = _over_effects(part, loading, about, points, weights, middle, density, share)
    elsewhere = 0.0
    if homes == 1:
        if pairs > _FEW_PAIRS and few_weights.size < weights.size:
            # Who is highest of many hardly hangs on the effects: fewer points of them will do.
            size = few_weights.size
            middle, density, share = middle[:, :size], density[:, :size], share[:size]
            _over_effects(part, loading, about, few, few_weights, middle, density, share)
        elsewhere = _one_home(share, middle, sd, density, own, stated, log_elsewhere, belief)
    elif homes == 2:  # noqa: PLR2004 - MANY, spelled out for the compiler
        _many_homes(share, middle, sd, density, own, threshold, few[:, 0], few_weights, belief)
    return elsewhere, evidence


@njit(cache=True, nogil=True)
def some_artists(
    first: int, last: int,
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist_start: Any, pair_start: Any, pair_cluster: Any,
    base: Any, mature: Any, log_kappa: Any, loading: Any, artist_scale: Any,
    log_prior: Any, threshold: Any, log_elsewhere: float, homes: int,
    points: Any, weights: Any, few: Any, few_weights: Any,
    belief: Any, elsewhere: Any, evidence: Any,
) -> None:  # fmt: skip
    """Fill belief, elsewhere and log evidence of a part of all (draw, artist), counted in order.

    Threads take the parts: a parallel function would take as long again to compile.
    """
    artists = belief.shape[1]
    for task in range(first, last):
        d, a = task // artists, task % artists
        p0, p1 = artist_start[a], artist_start[a + 1]
        if p1 == p0:
            continue
        j0, j1 = pair_start[p0], pair_start[p1]
        elsewhere[d, a], evidence[d, a] = _artist(
            y[j0:j1], n[j0:j1], is_count[j0:j1], weight[j0:j1], informs[j0:j1], outcome[j0:j1],
            cluster[j0:j1], pair_start[p0 : p1 + 1], pair_cluster[p0:p1],
            base[d, j0:j1], mature[min(d, mature.shape[0] - 1), j0:j1], log_kappa[d],
            loading[d], artist_scale[d],
            log_prior[a], threshold[a], log_elsewhere, homes,
            points, weights, few, few_weights, belief[d, a],
        )  # fmt: skip
