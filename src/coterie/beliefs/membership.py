r"""Membership: b(phi), with an artist's own effects and affinities integrated out.

For one artist and one draw phi of the population parameters the evidence is

.. math::

    p(E_a \mid \phi) = \int \! dA\, N(A; 0, S) \prod_k \sum_z p(z)
        \int \! dv_k\, N(v_k; 0, 1)\, e^{\ell_k(z; A, v_k)}

over the artist's effects A (one an outcome) and one affinity a cluster. Affinities
are integrated by Gauss-Hermite nodes around their mode, the effects by a cubature
of degree five (tensor nodes for one or two outcomes) around the mode of the
integrand, with the spread that membership itself adds. Callers may trust the
result to 1e-3 in probability; nothing here is sampled. Fitting, updating and
scoring new artists all come here, and nobody writes these integrals again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from scipy.special import expit, logsumexp

from coterie.beliefs.density import log_constant, log_kernel, shared_part
from coterie.beliefs.design import Design
from coterie.typing import Floats, Integers

ONE, MANY, NONE = 1, 2, 0
_AFFINITY_NODES = 7
_TENSOR_UP_TO = 2
_TENSOR_NODES = 7
_STEPS = 6


@dataclass(frozen=True, slots=True)
class Phi:
    """Draws of everything that is not an artist's own.

    Attributes
    ----------
    base
        alpha + cluster + window + factor effects of each observation: (draw, observation).
    log_kappa
        (draw, cluster, outcome).
    uplift, loading, artist_scale
        (draw, outcome).
    log_prior
        Log prior of each pair, one home or many: (draw or 1, artist, cluster).
    log_elsewhere
        Log prior of a home outside the inventory (one home).
    """

    base: Floats
    log_kappa: Floats
    uplift: Floats
    loading: Floats
    artist_scale: Floats
    log_prior: Floats
    log_elsewhere: float


@dataclass(frozen=True, slots=True)
class Integrated:
    """What the integrals give.

    Attributes
    ----------
    belief
        P(home = k) or P(member): (draw, artist, cluster).
    elsewhere
        P(no cluster of the inventory), one home: (draw, artist).
    log_evidence
        log p(E_a | phi), normalised: (draw, artist).
    """

    belief: Floats
    elsewhere: Floats
    log_evidence: Floats


def integrate(made: Design, phi: Phi, *, homes: int) -> Integrated:
    """Integrate every artist at every draw.

    Parameters
    ----------
    made
        Observations, sorted by artist and cluster.
    phi
        Population draws.
    homes
        ``ONE``, ``MANY`` or ``NONE``.
    """
    artists, clusters = phi.log_prior.shape[1:]
    points, weights = cubature(phi.uplift.shape[1])
    nodes, masses = np.polynomial.hermite_e.hermegauss(_AFFINITY_NODES)
    log_mass = np.log(masses) - 0.5 * math.log(2 * math.pi)
    starts = _starts(made, artists)
    belief = np.exp(np.broadcast_to(phi.log_prior, (len(phi.base), artists, clusters))).copy()
    elsewhere = np.full(belief.shape[:2], math.exp(phi.log_elsewhere))
    evidence = np.zeros(belief.shape[:2])
    _all_artists(
        *_arrays(made), *starts,
        phi.base, phi.log_kappa, phi.uplift, phi.loading, phi.artist_scale,
        phi.log_prior, phi.log_elsewhere, homes,
        points, weights, nodes, log_mass, belief, elsewhere, evidence,
    )  # fmt: skip
    constant = log_constant(made.y, made.n, made.is_count) * made.weight
    return Integrated(
        belief, elsewhere, evidence + np.bincount(made.artist, constant, artists)[None]
    )


def cubature(dims: int) -> tuple[Floats, Floats]:
    """Return points and weights for a standard normal in ``dims`` dimensions: (point, dim)."""
    if dims <= _TENSOR_UP_TO:
        x, w = np.polynomial.hermite_e.hermegauss(_TENSOR_NODES)
        grid = np.stack(np.meshgrid(*[x] * dims, indexing="ij"), axis=-1).reshape(-1, dims)
        mass = np.stack(np.meshgrid(*[w / w.sum()] * dims, indexing="ij"), axis=-1)
        return grid, mass.reshape(-1, dims).prod(axis=1)
    eye = np.eye(dims)
    far, near = math.sqrt(dims + 2.0), math.sqrt((dims + 2.0) / 2.0)
    pairs = [
        near * (a * eye[i] + b * eye[j])
        for i in range(dims)
        for j in range(i)
        for a in (-1.0, 1.0)
        for b in (-1.0, 1.0)
    ]
    points = np.vstack([np.zeros((1, dims)), far * eye, -far * eye, np.array(pairs)])
    axis = (4.0 - dims) / (2.0 * (dims + 2.0) ** 2)
    weights = np.concatenate(
        [
            [2.0 / (dims + 2.0)],
            np.full(2 * dims, axis),
            np.full(len(pairs), 1.0 / (dims + 2.0) ** 2),
        ]
    )
    used = weights != 0
    return points[used], weights[used]


def conditional_log_odds(
    made: Design, phi: Phi, artist_effect: Floats, affinity: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return each pair's log likelihood out and in, given everything: two of (draw, pair).

    Parameters
    ----------
    made, phi
        As in :func:`integrate`.
    artist_effect
        (draw, artist, outcome).
    affinity
        Affinity of each pair if it is out and if it is in: (draw, pair) each.
    """
    return _conditional(
        *_arrays(made), made.artist, made.pair, made.pair_artist.size,
        phi.base, phi.log_kappa, phi.uplift, phi.loading, artist_effect, *affinity,
    )  # fmt: skip


def member_probability(
    log_odds: Floats, made: Design, phi: Phi, *, homes: int
) -> tuple[Floats, Floats]:
    """Turn log odds of pairs with evidence into memberships: (draw, artist, cluster), elsewhere."""
    artists, clusters = phi.log_prior.shape[1:]
    table = np.zeros((log_odds.shape[0], artists, clusters))
    table[:, made.pair_artist, made.pair_cluster] = log_odds
    if homes == NONE:
        return np.zeros_like(table), np.ones(table.shape[:2])
    if homes == MANY:
        prior = np.exp(phi.log_prior)
        return expit(phi.log_prior - np.log1p(-prior) + table), np.zeros(table.shape[:2])
    table += phi.log_prior
    nowhere = np.full((*table.shape[:2], 1), phi.log_elsewhere)
    total = logsumexp(np.concatenate([table, nowhere], axis=2), axis=2)
    return np.exp(table - total[..., None]), np.exp(phi.log_elsewhere - total)


def _arrays(made: Design) -> tuple[Any, ...]:
    return (
        made.y, made.n, made.is_count, made.weight, made.informs, made.outcome, made.cluster,
    )  # fmt: skip


def _starts(made: Design, artists: int) -> tuple[Integers, Integers, Integers]:
    pair_start = made.pair_start.astype(np.int64)
    artist_start = np.searchsorted(made.pair_artist, np.arange(artists + 1)).astype(np.int64)
    return artist_start, pair_start, made.pair_cluster.astype(np.int64)


@njit(cache=True, parallel=True)
def _conditional(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist: Any, pair: Any, pairs: int,
    base: Any, log_kappa: Any, uplift: Any, loading: Any, effect: Any, v_out: Any, v_in: Any,
) -> Any:  # fmt: skip
    draws = base.shape[0]
    out, inside = np.zeros((draws, pairs)), np.zeros((draws, pairs))
    for d in prange(draws):
        for j in range(y.size):
            o, p = outcome[j], pair[j]
            kappa = math.exp(log_kappa[d, cluster[j], o])
            s0, s1 = shared_part(kappa, y[j], n[j], is_count[j])
            level = base[d, j] + effect[d, artist[j], o]
            reach = loading[d, o] * informs[j]
            low = log_kernel(level + reach * v_out[d, p], kappa, y[j], n[j], s0, s1, is_count[j])
            high = log_kernel(
                level + reach * v_in[d, p] + uplift[d, o] * informs[j],
                kappa, y[j], n[j], s0, s1, is_count[j],
            )  # fmt: skip
            out[d, p] += weight[j] * low[0]
            inside[d, p] += weight[j] * high[0]
    return out, inside


@njit(cache=True)
def _information(eta: float, kappa: float, n: float, is_count: bool) -> float:
    """Return the expected information of one observation in its level."""
    eta = min(max(eta, -30.0), 30.0)
    if is_count:
        mean = n * math.exp(eta)
        return mean / (1.0 + mean / kappa)
    mu = 1.0 / (1.0 + math.exp(-eta))
    return n * mu * (1.0 - mu) / (1.0 + (n - 1.0) / (kappa + 1.0))


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
def _climb(
    base: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any,
    start: Any, cluster: Any, uplift: Any, loading: Any, scale: Any,
    log_prior: Any, log_elsewhere: float, homes: int,
) -> Any:  # fmt: skip
    """Find the mode in A, each pair's affinity mode out and in, and the spread of A.

    Fisher scoring on A with membership as weights; one affinity step a round.
    Returns A, a Cholesky factor of its spread, affinity modes, their precisions and
    how they move with A.
    """
    pairs, outcomes = start.size - 1, uplift.size
    effect = np.zeros(outcomes)
    mode = np.zeros((2, pairs))
    precision = np.ones((2, pairs))
    follow = np.zeros((2, pairs, outcomes))
    height = np.zeros((2, pairs))
    pull = np.zeros((2, pairs, outcomes))
    known = np.zeros((2, pairs, outcomes))
    spread = np.zeros((outcomes, outcomes))
    for step in range(_STEPS):
        for p in range(pairs):
            for z in range(2):
                value, slope = 0.0, 0.0
                pull[z, p], known[z, p] = 0.0, 0.0
                precision[z, p] = 1.0
                for j in range(start[p], start[p + 1]):
                    o = outcome[j]
                    reach = loading[o] * informs[j]
                    eta = base[j] + effect[o] + reach * mode[z, p] + z * uplift[o] * informs[j]
                    s0, s1 = shared_part(kappa[j], y[j], n[j], is_count[j])
                    found = log_kernel(eta, kappa[j], y[j], n[j], s0, s1, is_count[j])
                    info = weight[j] * _information(eta, kappa[j], n[j], is_count[j])
                    value += weight[j] * found[0]
                    slope += reach * weight[j] * found[1]
                    pull[z, p, o] += weight[j] * found[1]
                    known[z, p, o] += info
                    follow[z, p, o] = reach
                    precision[z, p] += reach * reach * info
                height[z, p] = value - 0.5 * mode[z, p] ** 2 - 0.5 * math.log(precision[z, p])
                move = (slope - mode[z, p]) / precision[z, p]
                mode[z, p] += min(max(move, -2.0), 2.0)
        rho = _responsible(height[1] - height[0], cluster, log_prior, log_elsewhere, homes)
        gradient = np.zeros(outcomes)
        curve = np.zeros((outcomes, outcomes))
        between = np.zeros((outcomes, outcomes))
        drift = np.zeros(outcomes)
        for o in range(outcomes):
            gradient[o] = -effect[o] / scale[o] ** 2
            curve[o, o] = 1.0 / scale[o] ** 2
        for p in range(pairs):
            gap = np.zeros(outcomes)
            for z in range(2):
                share = rho[p] if z == 1 else 1.0 - rho[p]
                for o in range(outcomes):
                    gradient[o] += share * pull[z, p, o]
                    gap[o] += (2 * z - 1) * pull[z, p, o]
                    curve[o, o] += share * known[z, p, o]
                    for q in range(outcomes):
                        curve[o, q] -= (
                            share * known[z, p, o] * follow[z, p, o]
                            * known[z, p, q] * follow[z, p, q] / precision[z, p]
                        )  # fmt: skip
            loose = rho[p] * (1.0 - rho[p]) if homes == 2 else rho[p]  # noqa: PLR2004
            between += loose * np.outer(gap, gap)
            drift += rho[p] * gap
        if homes == 1:
            between -= np.outer(drift, drift)
        inverse = np.linalg.inv(curve)
        if step < _STEPS - 1:
            move = inverse @ gradient
            longest = np.abs(move / scale).max()
            effect += move * min(1.0, 2.0 / max(longest, 1e-12))
        spread = inverse + inverse @ between @ inverse
    for z in range(2):
        for p in range(pairs):
            for o in range(outcomes):
                follow[z, p, o] *= known[z, p, o] / precision[z, p]
    return effect, np.linalg.cholesky(spread), mode, precision, follow


@njit(cache=True)
def _tables(
    base: Any, kappa: Any, y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any,
    start: Any, uplift: Any, loading: Any, centre: Any, points: Any,
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
                        terms[q] += weight[j] * log_kernel(
                            eta, kappa[j], y[j], n[j], shared[j, 0], shared[j, 1], is_count[j]
                        )[0]
                top = terms.max()
                table[z, s, p] = top + math.log(np.exp(terms - top).sum() * sd)
    return table


@njit(cache=True)
def _combine(
    table: Any, log_weight: Any, sign: Any, cluster: Any, log_prior: Any, log_elsewhere: float,
    homes: int, belief: Any,
) -> tuple[float, float]:  # fmt: skip
    """Sum over points and memberships; fills ``belief``, returns elsewhere and log evidence."""
    size, pairs = table.shape[1:]
    clusters = log_prior.size
    heights = np.empty(size)
    rho = np.zeros((size, clusters))
    nowhere = np.zeros(size)
    for s in range(size):
        out = log_weight[s] + table[0, s].sum()
        gain = table[1, s] - table[0, s]
        heights[s] = out
        if homes == 2:  # noqa: PLR2004 - MANY
            for p in range(pairs):
                chance = math.exp(log_prior[cluster[p]])
                a, b = math.log1p(-chance), log_prior[cluster[p]] + gain[p]
                top = max(a, b)
                total = top + math.log(math.exp(a - top) + math.exp(b - top))
                heights[s] += total
                rho[s, cluster[p]] = math.exp(b - total)
        elif homes == 1:
            odds = log_prior.copy()
            for p in range(pairs):
                odds[cluster[p]] += gain[p]
            top = max(odds.max(), log_elsewhere)
            sums = np.exp(odds - top)
            rest = math.exp(log_elsewhere - top)
            total = sums.sum() + rest
            heights[s] += top + math.log(total)
            rho[s] = sums / total
            nowhere[s] = rest / total
    top = heights.max()
    share = sign * np.exp(heights - top)
    total = share.sum()
    if total <= 0.0:
        # Negative cubature weights can only win where the integrand is nothing like a
        # hump; then the mode's own point is the best single witness.
        share[:] = 0.0
        share[0] = math.exp(heights[0] - top)
        total = share[0]
    if homes == 1:
        for k in range(clusters):
            belief[k] = min(max((share * rho[:, k]).sum() / total, 0.0), 1.0)
    elif homes == 2:  # noqa: PLR2004 - MANY
        for p in range(pairs):
            k = cluster[p]
            belief[k] = min(max((share * rho[:, k]).sum() / total, 0.0), 1.0)
    return min(max((share * nowhere).sum() / total, 0.0), 1.0), top + math.log(total)


@njit(cache=True, parallel=True)
def _all_artists(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist_start: Any, pair_start: Any, pair_cluster: Any,
    base: Any, log_kappa: Any, uplift: Any, loading: Any, artist_scale: Any,
    log_prior: Any, log_elsewhere: float, homes: int,
    points: Any, weights: Any, nodes: Any, log_mass: Any,
    belief: Any, elsewhere: Any, evidence: Any,
) -> None:  # fmt: skip
    draws, artists = belief.shape[:2]
    sign = np.sign(weights)
    log_size = np.log(np.abs(weights))
    for task in prange(draws * artists):
        d, a = task // artists, task % artists
        p0, p1 = artist_start[a], artist_start[a + 1]
        if p1 == p0:
            continue
        j0, j1 = pair_start[p0], pair_start[p1]
        start = pair_start[p0 : p1 + 1] - j0
        own = pair_cluster[p0:p1]
        stated = log_prior[min(d, log_prior.shape[0] - 1), a]
        kappa = np.empty(j1 - j0)
        for j in range(j0, j1):
            kappa[j - j0] = math.exp(log_kappa[d, cluster[j], outcome[j]])
        scale = np.maximum(artist_scale[d], 1e-9)
        part = (
            base[d, j0:j1], kappa, y[j0:j1], n[j0:j1], is_count[j0:j1], weight[j0:j1],
            informs[j0:j1], outcome[j0:j1], start,
        )  # fmt: skip
        centre, root, mode, precision, follow = _climb(
            *part, own, uplift[d], loading[d], scale, stated, log_elsewhere, homes
        )
        at = centre + points @ root.T
        table = _tables(
            *part, uplift[d], loading[d], centre, at, mode, precision, follow, nodes, log_mass
        )
        log_weight = log_size.copy()
        for s in range(points.shape[0]):
            for o in range(scale.size):
                log_weight[s] += (
                    0.5 * points[s, o] ** 2 - 0.5 * (at[s, o] / scale[o]) ** 2
                    + math.log(root[o, o] / scale[o])
                )  # fmt: skip
        elsewhere[d, a], evidence[d, a] = _combine(
            table, log_weight, sign, own, stated, log_elsewhere, homes, belief[d, a]
        )
