"""Integrals: the compiled loops behind b(phi), one artist and one draw at a time.

Compiled code takes arrays, not objects, hence the long argument lists. Entered by
:mod:`coterie.beliefs.membership` alone, which says what is integrated and why.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from coterie.beliefs.density import shared_part
from coterie.beliefs.interpolation import MOST, interpolate, read_off, told
from coterie.beliefs.late_density import thinned

_STEPS = 10
_NEAR = 1e-2
"""Standard deviations within which a mode is found: the nodes about it are summed, not it."""


@njit(cache=True, nogil=True)
def conditional(
    first: int, last: int,
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist: Any, pair: Any,
    base: Any, mature: Any, log_kappa: Any, uplift: Any, loading: Any, effect: Any,
    v_out: Any, v_in: Any, out: Any, inside: Any,
) -> None:  # fmt: skip
    """Add each pair's log likelihood out and in, given everything, at some draws: (draw, pair)."""
    for d in range(first, last):
        for j in range(y.size):
            o, p = outcome[j], pair[j]
            kappa = math.exp(log_kappa[d, cluster[j], o])
            s0, s1 = shared_part(kappa, y[j], n[j], is_count[j])
            level = base[d, j] + effect[d, artist[j], o]
            reach = loading[d, o] * informs[j]
            m = mature[min(d, mature.shape[0] - 1), j]
            low = level + reach * v_out[d, p]
            high = level + reach * v_in[d, p] + uplift[d, o] * informs[j]
            out[d, p] += weight[j] * told(low, kappa, m, y[j], n[j], s0, s1, is_count[j])[0]
            inside[d, p] += weight[j] * told(high, kappa, m, y[j], n[j], s0, s1, is_count[j])[0]


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
def _one_home(
    gain: Any, cluster: Any, log_prior: Any, log_elsewhere: float, rho: Any
) -> tuple[float, float]:
    """Fill each cluster's chance at one point; return the log of the sum, and elsewhere."""
    top, total = log_elsewhere, 0.0
    for k in range(rho.size):
        rho[k] = log_prior[k]
    for p in range(gain.size):
        rho[cluster[p]] += gain[p]
    for k in range(rho.size):
        top = max(top, rho[k])
    for k in range(rho.size):
        rho[k] = math.exp(rho[k] - top)
        total += rho[k]
    rest = math.exp(log_elsewhere - top)
    total += rest
    for k in range(rho.size):
        rho[k] /= total
    return top + math.log(total), rest / total


@njit(cache=True)
def _responsible(gain: Any, cluster: Any, log_prior: Any, log_elsewhere: float, homes: int) -> Any:
    """Return the membership of each pair with evidence, from its log odds."""
    rho = np.zeros(gain.size)
    if homes == 0:
        return rho
    if homes == 2:  # noqa: PLR2004 - MANY, spelled out for the compiler
        for p in range(gain.size):
            chance = math.exp(log_prior[cluster[p]])
            odds = log_prior[cluster[p]] - math.log1p(-chance) + gain[p]
            rho[p] = 1.0 / (1.0 + math.exp(-min(max(odds, -700.0), 700.0)))
        return rho
    table = np.empty(log_prior.size)
    _one_home(gain, cluster, log_prior, log_elsewhere, table)
    for p in range(gain.size):
        rho[p] = table[cluster[p]]
    return rho


@njit(cache=True)
def _visit(
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, uplift: Any, loading: Any, effect: Any, shared: Any,
    mode: Any, move: Any, precision: Any, follow: Any, height: Any, pull: Any, known: Any,
) -> None:  # fmt: skip
    """Read every pair, out and in, at the current A and affinities; note each Newton step.

    ``pull`` is the slope in A once the affinity has taken its own step ``move``.
    """
    for p in range(start.size - 1):
        for z in range(2):
            value, slope = 0.0, -mode[z, p]
            precision[z, p] = 1.0
            for o in range(uplift.size):
                pull[z, p, o], known[z, p, o], follow[z, p, o] = 0.0, 0.0, 0.0
            for j in range(start[p], start[p + 1]):
                o = outcome[j]
                reach = loading[o] * informs[j]
                eta = base[j] + effect[o] + reach * mode[z, p] + z * uplift[o] * informs[j]
                found = told(
                    eta, kappa[j], mature[j], y[j], n[j], shared[j, 0], shared[j, 1], is_count[j]
                )
                info = weight[j] * _information(eta, kappa[j], mature[j], n[j], is_count[j])
                value += weight[j] * found[0]
                slope += reach * weight[j] * found[1]
                pull[z, p, o] += weight[j] * found[1]
                known[z, p, o] += info
                follow[z, p, o] += reach * info
                precision[z, p] += reach * reach * info
            height[z, p] = value - 0.5 * mode[z, p] ** 2 - 0.5 * math.log(precision[z, p])
            height[z, p] += min(0.5 * slope**2 / precision[z, p], 4.0)
            move[z, p] = min(max(slope / precision[z, p], -2.0), 2.0)
            # Cells of one outcome may differ in reach (bought, organic): the mean, by information.
            for o in range(uplift.size):
                pull[z, p, o] -= follow[z, p, o] * move[z, p]
                if known[z, p, o] > 0.0:
                    follow[z, p, o] /= known[z, p, o]


@njit(cache=True)
def _between(rho: Any, pull: Any, homes: int) -> Any:
    """Return what membership adds to the spread of the slope in A: (outcome, outcome)."""
    outcomes = pull.shape[2]
    spread, drift = np.zeros((outcomes, outcomes)), np.zeros(outcomes)
    for p in range(rho.size):
        loose = rho[p] * (1.0 - rho[p]) if homes == 2 else rho[p]  # noqa: PLR2004 - MANY
        for i in range(outcomes):
            gap = pull[1, p, i] - pull[0, p, i]
            drift[i] += rho[p] * gap
            for k in range(outcomes):
                spread[i, k] += loose * gap * (pull[1, p, k] - pull[0, p, k])
    for i in range(outcomes if homes == 1 else 0):
        for k in range(outcomes):
            spread[i, k] -= drift[i] * drift[k]
    return spread


@njit(cache=True)
def _bend(
    rho: Any, pull: Any, known: Any, follow: Any, precision: Any, effect: Any, scale: Any
) -> Any:
    """Return slope and curvature of the evidence in A."""
    outcomes = effect.size
    gradient, curve = np.empty(outcomes), np.zeros((outcomes, outcomes))
    for i in range(outcomes):
        curve[i, i] = 1.0 / scale[i] ** 2
        gradient[i] = -effect[i] * curve[i, i]
    for p in range(rho.size):
        for i in range(outcomes):
            for z in range(2):
                share = rho[p] if z == 1 else 1.0 - rho[p]
                gradient[i] += share * pull[z, p, i]
                curve[i, i] += share * known[z, p, i]
                along = share * known[z, p, i] * follow[z, p, i] / precision[z, p]
                for k in range(outcomes):
                    curve[i, k] -= along * known[z, p, k] * follow[z, p, k]
    return gradient, curve


@njit(cache=True)
def _shorten(along: Any, scale: Any, inverse: Any, move: Any, precision: Any) -> bool:
    """Shorten a step in A to two of its scales; say whether it, and every move, is none."""
    longest, farthest = 1e-12, 0.0
    for o in range(along.size):
        longest = max(longest, abs(along[o] / scale[o]))
        farthest = max(farthest, abs(along[o]) / math.sqrt(inverse[o, o]))
    for z in range(2):
        for p in range(move.shape[1]):
            farthest = max(farthest, abs(move[z, p]) * math.sqrt(precision[z, p]))
    for o in range(along.size):
        along[o] *= min(1.0, 2.0 / longest)
    return farthest < _NEAR


@njit(cache=True)
def _shift(mode: Any, move: Any, follow: Any, known: Any, precision: Any, along: Any) -> None:
    """Move every affinity by its own step and by what a step ``along`` in A takes from it."""
    for z in range(2):
        for p in range(mode.shape[1]):
            mode[z, p] += move[z, p]
            for o in range(along.size):
                mode[z, p] -= follow[z, p, o] * known[z, p, o] * along[o] / precision[z, p]


@njit(cache=True)
def _climb(
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, cluster: Any, uplift: Any, loading: Any, scale: Any,
    log_prior: Any, log_elsewhere: float, homes: int,
) -> Any:  # fmt: skip
    """Find the mode in A, each pair's affinity mode out and in, and the spread of A.

    Fisher scoring on A and every affinity at once, with membership as weights.
    Returns A, a Cholesky factor of its spread, affinity modes, their precisions and
    how they move with A.
    """
    pairs, outcomes = start.size - 1, uplift.size
    effect = np.zeros(outcomes)
    mode, move = np.zeros((2, pairs)), np.zeros((2, pairs))
    precision = np.ones((2, pairs))
    follow, height = np.zeros((2, pairs, outcomes)), np.zeros((2, pairs))
    pull, known = np.zeros((2, pairs, outcomes)), np.zeros((2, pairs, outcomes))
    spread = np.zeros((outcomes, outcomes))
    shared = np.empty((y.size, 2))
    for j in range(y.size):
        shared[j, 0], shared[j, 1] = shared_part(kappa[j], y[j], n[j], is_count[j])
    for step in range(_STEPS):
        _visit(
            base, mature, kappa, y, n, is_count, weight, informs, outcome, start, uplift, loading,
            effect, shared, mode, move, precision, follow, height, pull, known,
        )  # fmt: skip
        rho = _responsible(height[1] - height[0], cluster, log_prior, log_elsewhere, homes)
        gradient, curve = _bend(rho, pull, known, follow, precision, effect, scale)
        inverse = np.linalg.inv(curve)
        along = inverse @ gradient
        last = _shorten(along, scale, inverse, move, precision) or step == _STEPS - 1
        for o in range(outcomes):
            along[o] *= 0.0 if last else 1.0
            effect[o] += along[o]
        _shift(mode, move, follow, known, precision, along)
        if last:
            spread = inverse + inverse @ _between(rho, pull, homes) @ inverse
            break
    for z in range(2):
        for p in range(pairs):
            for o in range(outcomes):
                follow[z, p, o] *= known[z, p, o] / precision[z, p]
    return effect, np.linalg.cholesky(spread), mode, precision, follow


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
def _levels(
    base: float, o: int, informs: float, uplift: Any, loading: Any, points: Any, middle: Any,
    steps: Any, eta: Any,
) -> tuple[float, float]:  # fmt: skip
    """Fill one observation's level, out and in, at every point and node; return a span of them.

    ``steps`` are the nodes in units of the affinity, in order and symmetric: (2, node).
    """
    low, high, i = math.inf, -math.inf, 0
    reach, last = loading[o] * informs, steps.shape[1] - 1
    for z in range(2):
        far = abs(reach) * steps[z, last]
        for s in range(points.shape[0]):
            at = base + points[s, o] + informs * z * uplift[o] + reach * middle[z, s]
            low, high = min(low, at - far), max(high, at + far)
            for q in range(last + 1):
                eta[i + q] = at + reach * steps[z, q]
            i += last + 1
    return low, high


@njit(cache=True)
def _middles(points: Any, centre: Any, mode: Any, follow: Any, middle: Any) -> None:
    """Fill where one pair's affinity stands at each point of A: (2, point)."""
    for z in range(2):
        for s in range(points.shape[0]):
            middle[z, s] = mode[z]
            for o in range(centre.size):
                middle[z, s] -= follow[z, o] * (points[s, o] - centre[o])


@njit(cache=True)
def _tables(
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, uplift: Any, loading: Any, centre: Any, points: Any,
    mode: Any, precision: Any, follow: Any, nodes: Any, log_mass: Any,
) -> Any:  # fmt: skip
    """Return each pair's log evidence out and in at each point of A: (2, point, pair)."""
    pairs, size, count = start.size - 1, points.shape[0], nodes.size
    table, terms = np.empty((2, size, pairs)), np.empty(2 * size * count)
    middle, steps = np.empty((2, size)), np.empty((2, count))
    eta, x, value = np.empty_like(terms), np.empty_like(terms), np.empty_like(terms)
    powers = np.empty(MOST)
    for p in range(pairs):
        _middles(points, centre, mode[:, p], follow[:, p], middle)
        for z in range(2):
            for q in range(count):
                steps[z, q] = nodes[q] / math.sqrt(precision[z, p])
        terms[:] = 0.0
        for j in range(start[p], start[p + 1]):
            span = _levels(
                base[j], outcome[j], informs[j], uplift, loading, points, middle, steps, eta
            )
            told_of = (kappa[j], mature[j], y[j], n[j], is_count[j])
            _masses(eta, span, *told_of, powers, x, value)
            for i in range(terms.size):
                terms[i] += weight[j] * value[i]
        _sum_nodes(terms, middle, steps, nodes, log_mass, table[:, :, p])
    return table


@njit(cache=True)
def _sum_nodes(
    terms: Any, middle: Any, steps: Any, nodes: Any, log_mass: Any, table: Any
) -> None:  # fmt: skip
    """Fill one pair's log evidence at each point, affinity summed over: (2, point)."""
    count, i = nodes.size, 0
    for z in range(2):
        # Nodes lie symmetrically: the last is the farthest, and one step is one sd.
        log_sd = math.log(steps[z, count - 1] / nodes[count - 1])
        for s in range(table.shape[1]):
            top, total = -math.inf, 0.0
            for q in range(count):
                v = middle[z, s] + steps[z, q]
                terms[i + q] += log_mass[q] + 0.5 * nodes[q] ** 2 - 0.5 * v * v
                top = max(top, terms[i + q])
            for q in range(count):
                total += math.exp(terms[i + q] - top)
            table[z, s] = top + math.log(total) + log_sd
            i += count


@njit(cache=True)
def _many_homes(gain: Any, cluster: Any, log_prior: Any, rho: Any) -> float:
    """Fill each pair's membership at one point; return the log of the sum over memberships."""
    height = 0.0
    for p in range(gain.size):
        chance = math.exp(log_prior[cluster[p]])
        a, b = math.log1p(-chance), log_prior[cluster[p]] + gain[p]
        top = max(a, b)
        total = top + math.log(math.exp(a - top) + math.exp(b - top))
        height += total
        rho[cluster[p]] = math.exp(b - total)
    return height


@njit(cache=True)
def _shares(heights: Any, sign: Any, share: Any) -> tuple[float, float]:
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
def _mean(share: Any, chance: Any) -> float:
    """Return a probability, averaged over the points."""
    total = 0.0
    for s in range(share.size):
        total += share[s] * chance[s]
    return min(max(total, 0.0), 1.0)


@njit(cache=True)
def _combine(
    table: Any, log_weight: Any, sign: Any, cluster: Any, log_prior: Any, log_elsewhere: float,
    homes: int, belief: Any,
) -> tuple[float, float]:  # fmt: skip
    """Sum over points and memberships; fills ``belief``, returns elsewhere and log evidence."""
    size, pairs = table.shape[1:]
    heights, nowhere, share = np.empty(size), np.zeros(size), np.empty(size)
    rho, gain = np.zeros((size, log_prior.size)), np.empty(pairs)
    for s in range(size):
        heights[s] = log_weight[s]
        for p in range(pairs):
            heights[s] += table[0, s, p]
            gain[p] = table[1, s, p] - table[0, s, p]
        if homes == 2:  # noqa: PLR2004 - MANY
            heights[s] += _many_homes(gain, cluster, log_prior, rho[s])
        elif homes == 1:
            more, nowhere[s] = _one_home(gain, cluster, log_prior, log_elsewhere, rho[s])
            heights[s] += more
    top, total = _shares(heights, sign, share)
    for k in range(log_prior.size if homes == 1 else 0):
        belief[k] = _mean(share, rho[:, k])
    for p in range(pairs if homes == 2 else 0):  # noqa: PLR2004 - MANY
        belief[cluster[p]] = _mean(share, rho[:, cluster[p]])
    return _mean(share, nowhere), top + math.log(total)


@njit(cache=True)
def _artist(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    start: Any, own: Any, base: Any, mature: Any, log_kappa: Any,
    uplift: Any, loading: Any, artist_scale: Any,
    stated: Any, log_elsewhere: float, homes: int,
    points: Any, weights: Any, nodes: Any, log_mass: Any, belief: Any,
) -> tuple[float, float]:  # fmt: skip
    """Fill one artist's belief at one draw; return elsewhere and log evidence."""
    kappa, scale = np.empty(y.size), np.empty(artist_scale.size)
    local = start - start[0]
    for j in range(y.size):
        kappa[j] = math.exp(log_kappa[cluster[j], outcome[j]])
    for o in range(scale.size):
        scale[o] = max(artist_scale[o], 1e-9)
    part = (base, mature, kappa, y, n, is_count, weight, informs, outcome, local)
    centre, root, mode, precision, follow = _climb(
        *part, own, uplift, loading, scale, stated, log_elsewhere, homes
    )
    at = centre + points @ root.T
    table = _tables(*part, uplift, loading, centre, at, mode, precision, follow, nodes, log_mass)
    log_weight = np.empty(weights.size)
    for s in range(weights.size):
        log_weight[s] = math.log(abs(weights[s]))
        for o in range(scale.size):
            log_weight[s] += (
                0.5 * points[s, o] ** 2 - 0.5 * (at[s, o] / scale[o]) ** 2
                + math.log(root[o, o] / scale[o])
            )  # fmt: skip
    return _combine(table, log_weight, np.sign(weights), own, stated, log_elsewhere, homes, belief)


@njit(cache=True, nogil=True)
def some_artists(
    first: int, last: int,
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist_start: Any, pair_start: Any, pair_cluster: Any,
    base: Any, mature: Any, log_kappa: Any, uplift: Any, loading: Any, artist_scale: Any,
    log_prior: Any, log_elsewhere: float, homes: int,
    points: Any, weights: Any, nodes: Any, log_mass: Any,
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
            uplift[d], loading[d], artist_scale[d],
            log_prior[min(d, log_prior.shape[0] - 1), a], log_elsewhere, homes,
            points, weights, nodes, log_mass, belief[d, a],
        )  # fmt: skip
