"""Integrals: the compiled loops behind b(phi), one artist and one draw at a time.

Finds modes, and densities of affinities at nodes about them; what those say of a home or of a
threshold is read in :mod:`coterie.beliefs.highest`. Compiled code takes arrays, not objects, hence
the long argument lists. Entered by :mod:`coterie.beliefs.membership`, which says what is
integrated and why, and by :mod:`coterie.beliefs.local_effects`, which draws it.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from coterie.beliefs.density import shared_part
from coterie.beliefs.fit_law import MODE, log_density
from coterie.beliefs.highest import (
    NODES,
    PLACES,
    STEP,
    WIDTHS,
    many_homes,
    one_home,
)
from coterie.beliefs.interpolation import MOST, interpolate, read_off, told
from coterie.beliefs.late_density import thinned

_STEPS = 10
_NEAR = 1e-2
"""Standard deviations within which a mode is found: the nodes about it are summed, not it."""
_FEW_PAIRS: Final = 4
"""Pairs up to which the effects are integrated as finely for homes as for the evidence."""
_FIRST, _LAST = float(PLACES[0]), float(PLACES[-1])
_WHOLE: Final = float(STEP * (WIDTHS * np.exp(-0.5 * PLACES**2)).sum() / math.sqrt(2.0 * math.pi))
"""What the nodes make of a normal law's mass: where nothing was counted the evidence is exact."""


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
                density[p, s, q] = WIDTHS[q] * math.exp(terms[s * NODES + q] - top)
                total += density[p, s, q]
            total *= STEP
            for q in range(NODES):
                density[p, s, q] /= total
            table[s, p] = top + math.log(total * sd / _WHOLE)
    return table


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
        elsewhere = one_home(share, middle, sd, density, own, stated, log_elsewhere, belief)
    elif homes == 2:  # noqa: PLR2004 - MANY, spelled out for the compiler
        many_homes(share, middle, sd, density, own, threshold, few[:, 0], few_weights, belief)
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
