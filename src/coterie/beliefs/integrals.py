"""Integrals: the compiled loops behind b(phi), one artist and one draw at a time.

Compiled code takes arrays, not objects, hence the long argument lists. Entered by
:mod:`coterie.beliefs.membership` alone, which says what is integrated and why.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from coterie.beliefs.density import log_kernel, shared_part
from coterie.beliefs.late_density import late_kernel, thinned

_STEPS = 10


@njit(cache=True)
def _told(
    eta: float, kappa: float, mature: float, y: float, n: float, s0: float, s1: float,
    is_count: bool,
) -> float:  # fmt: skip
    """Return one log mass; ``s0`` and ``s1`` are its shared part where all has arrived."""
    if mature == 1.0:
        return log_kernel(eta, kappa, y, n, s0, s1, is_count)[0]
    return late_kernel(eta, kappa, mature, y, n, is_count)[0]


@njit(cache=True, parallel=True)
def conditional(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist: Any, pair: Any, pairs: int,
    base: Any, mature: Any, log_kappa: Any, uplift: Any, loading: Any, effect: Any,
    v_out: Any, v_in: Any,
) -> Any:  # fmt: skip
    """Return each pair's log likelihood out and in, given everything: (draw, pair) each."""
    draws = base.shape[0]
    out, inside = np.zeros((draws, pairs)), np.zeros((draws, pairs))
    for d in prange(draws):
        for j in range(y.size):
            o, p = outcome[j], pair[j]
            kappa = math.exp(log_kappa[d, cluster[j], o])
            s0, s1 = shared_part(kappa, y[j], n[j], is_count[j])
            level = base[d, j] + effect[d, artist[j], o]
            reach = loading[d, o] * informs[j]
            m = mature[min(np.int64(d), mature.shape[0] - 1), j]
            low = level + reach * v_out[d, p]
            high = level + reach * v_in[d, p] + uplift[d, o] * informs[j]
            out[d, p] += weight[j] * _told(low, kappa, m, y[j], n[j], s0, s1, is_count[j])
            inside[d, p] += weight[j] * _told(high, kappa, m, y[j], n[j], s0, s1, is_count[j])
    return out, inside


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
    table = log_prior.copy()
    for p in range(gain.size):
        table[cluster[p]] += gain[p]
    top = max(table.max(), log_elsewhere)
    total = np.exp(table - top).sum() + math.exp(log_elsewhere - top)
    for p in range(gain.size):
        rho[p] = math.exp(table[cluster[p]] - top) / total
    return rho


@njit(cache=True)
def _visit(
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, uplift: Any, loading: Any, effect: Any,
    mode: Any, move: Any, precision: Any, follow: Any, height: Any, pull: Any, known: Any,
) -> None:  # fmt: skip
    """Read every pair, out and in, at the current A and affinities; note each Newton step.

    ``pull`` is the slope in A once the affinity has taken its own step ``move``.
    """
    for p in range(start.size - 1):
        for z in range(2):
            value, slope = 0.0, 0.0
            pull[z, p], known[z, p] = 0.0, 0.0
            precision[z, p] = 1.0
            follow[z, p] = 0.0
            for j in range(start[p], start[p + 1]):
                o = outcome[j]
                reach = loading[o] * informs[j]
                eta = base[j] + effect[o] + reach * mode[z, p] + z * uplift[o] * informs[j]
                found = late_kernel(eta, kappa[j], mature[j], y[j], n[j], is_count[j])
                info = weight[j] * _information(eta, kappa[j], mature[j], n[j], is_count[j])
                value += weight[j] * found[0]
                slope += reach * weight[j] * found[1]
                pull[z, p, o] += weight[j] * found[1]
                known[z, p, o] += info
                follow[z, p, o] += reach * info
                precision[z, p] += reach * reach * info
            # Cells of one outcome may differ in reach (bought, organic): the mean, by information.
            for o in range(uplift.size):
                if known[z, p, o] > 0.0:
                    follow[z, p, o] /= known[z, p, o]
            slope -= mode[z, p]
            height[z, p] = value - 0.5 * mode[z, p] ** 2 - 0.5 * math.log(precision[z, p])
            height[z, p] += min(0.5 * slope**2 / precision[z, p], 4.0)
            move[z, p] = min(max(slope / precision[z, p], -2.0), 2.0)
            pull[z, p] -= known[z, p] * follow[z, p] * move[z, p]


@njit(cache=True)
def _bend(
    rho: Any, pull: Any, known: Any, follow: Any, precision: Any, effect: Any, scale: Any,
    homes: int,
) -> Any:  # fmt: skip
    """Return slope and curvature of the evidence in A, and what membership adds to its spread."""
    outcomes = effect.size
    gradient = -effect / scale**2
    curve = np.diag(1.0 / scale**2)
    between, drift = np.zeros((outcomes, outcomes)), np.zeros(outcomes)
    for p in range(rho.size):
        gap = pull[1, p] - pull[0, p]
        for z in range(2):
            share = rho[p] if z == 1 else 1.0 - rho[p]
            gradient += share * pull[z, p]
            along = known[z, p] * follow[z, p]
            curve += share * (np.diag(known[z, p]) - np.outer(along, along) / precision[z, p])
        loose = rho[p] * (1.0 - rho[p]) if homes == 2 else rho[p]  # noqa: PLR2004 - MANY
        between += loose * np.outer(gap, gap)
        drift += rho[p] * gap
    if homes == 1:
        between -= np.outer(drift, drift)
    return gradient, curve, between


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
    for step in range(_STEPS):
        _visit(
            base, mature, kappa, y, n, is_count, weight, informs, outcome, start, uplift, loading,
            effect, mode, move, precision, follow, height, pull, known,
        )  # fmt: skip
        rho = _responsible(height[1] - height[0], cluster, log_prior, log_elsewhere, homes)
        gradient, curve, between = _bend(rho, pull, known, follow, precision, effect, scale, homes)
        inverse = np.linalg.inv(curve)
        along = np.zeros(outcomes)
        if step < _STEPS - 1:
            along = inverse @ gradient
            along *= min(1.0, 2.0 / max(np.abs(along / scale).max(), 1e-12))
            effect += along
        for z in range(2):
            for p in range(pairs):
                slide = (follow[z, p] * known[z, p] * along).sum() / precision[z, p]
                mode[z, p] += move[z, p] - slide
        spread = inverse + inverse @ between @ inverse
    for z in range(2):
        for p in range(pairs):
            follow[z, p] *= known[z, p] / precision[z, p]
    return effect, np.linalg.cholesky(spread), mode, precision, follow


@njit(cache=True)
def _tables(
    base: Any, mature: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any,
    outcome: Any, start: Any, uplift: Any, loading: Any, centre: Any, points: Any,
    mode: Any, precision: Any, follow: Any, nodes: Any, log_mass: Any,
) -> Any:  # fmt: skip
    """Return each pair's log evidence out and in at each point of A: (2, point, pair)."""
    pairs, size, count = start.size - 1, points.shape[0], nodes.size
    shared = np.empty((y.size, 2))
    for j in range(y.size):
        shared[j] = shared_part(kappa[j], y[j], n[j], is_count[j])
    table = np.zeros((2, size, pairs))
    terms = np.empty(count)
    for p in range(pairs):
        for z in range(2):
            sd = 1.0 / math.sqrt(precision[z, p])
            for s in range(size):
                middle = mode[z, p]
                for o in range(uplift.size):
                    middle -= follow[z, p, o] * (points[s, o] - centre[o])
                for q in range(count):
                    v = middle + sd * nodes[q]
                    terms[q] = log_mass[q] + 0.5 * nodes[q] ** 2 - 0.5 * v * v
                    for j in range(start[p], start[p + 1]):
                        o = outcome[j]
                        eta = base[j] + points[s, o] + informs[j] * (loading[o] * v + z * uplift[o])
                        terms[q] += weight[j] * _told(
                            eta, kappa[j], mature[j], y[j], n[j], shared[j, 0], shared[j, 1],
                            is_count[j],
                        )  # fmt: skip
                top = terms.max()
                table[z, s, p] = top + math.log(np.exp(terms - top).sum() * sd)
    return table


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
def _one_home(
    gain: Any, cluster: Any, log_prior: Any, log_elsewhere: float, rho: Any
) -> tuple[float, float]:
    """Fill each cluster's chance at one point; return the log of the sum, and elsewhere."""
    odds = log_prior.copy()
    for p in range(gain.size):
        odds[cluster[p]] += gain[p]
    top = max(odds.max(), log_elsewhere)
    sums = np.exp(odds - top)
    rest = math.exp(log_elsewhere - top)
    total = sums.sum() + rest
    rho[:] = sums / total
    return top + math.log(total), rest / total


@njit(cache=True)
def _combine(
    table: Any, log_weight: Any, sign: Any, cluster: Any, log_prior: Any, log_elsewhere: float,
    homes: int, belief: Any,
) -> tuple[float, float]:  # fmt: skip
    """Sum over points and memberships; fills ``belief``, returns elsewhere and log evidence."""
    size = table.shape[1]
    heights, nowhere = np.empty(size), np.zeros(size)
    rho = np.zeros((size, log_prior.size))
    for s in range(size):
        heights[s] = log_weight[s] + table[0, s].sum()
        gain = table[1, s] - table[0, s]
        if homes == 2:  # noqa: PLR2004 - MANY
            heights[s] += _many_homes(gain, cluster, log_prior, rho[s])
        elif homes == 1:
            more, nowhere[s] = _one_home(gain, cluster, log_prior, log_elsewhere, rho[s])
            heights[s] += more
    top = heights.max()
    share = sign * np.exp(heights - top)
    total = share.sum()
    if total <= 0.0:
        # Negative cubature weights can only win where the integrand is nothing like a
        # hump; then the mode's own point is the best single witness.
        share[:] = 0.0
        share[0] = math.exp(heights[0] - top)
        total = share[0]
    for k in range(log_prior.size if homes == 1 else 0):
        belief[k] = min(max((share * rho[:, k]).sum() / total, 0.0), 1.0)
    for p in range(cluster.size if homes == 2 else 0):  # noqa: PLR2004 - MANY
        belief[cluster[p]] = min(max((share * rho[:, cluster[p]]).sum() / total, 0.0), 1.0)
    return min(max((share * nowhere).sum() / total, 0.0), 1.0), top + math.log(total)


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


@njit(cache=True, parallel=True)
def all_artists(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist_start: Any, pair_start: Any, pair_cluster: Any,
    base: Any, mature: Any, log_kappa: Any, uplift: Any, loading: Any, artist_scale: Any,
    log_prior: Any, log_elsewhere: float, homes: int,
    points: Any, weights: Any, nodes: Any, log_mass: Any,
    belief: Any, elsewhere: Any, evidence: Any,
) -> None:  # fmt: skip
    """Fill belief, elsewhere and log evidence of every artist at every draw.

    The loop alone is parallel: a parallel function compiles every array expression in it
    as one more loop, so the work on one artist stands apart.
    """
    draws, artists = belief.shape[:2]
    for task in prange(draws * artists):
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
