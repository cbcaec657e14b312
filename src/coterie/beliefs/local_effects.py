"""Local effects: an artist's own effects and affinities, drawn given the population.

At one draw of the population, an artist's effects are proposed about the mode that the
integrals find, weighed by the evidence with affinities and membership integrated out, and
one is kept; then membership, then each affinity, follow. Callers may trust that the draws
are those the sampler would have made at the same population, to the error of 48 proposals;
the population itself is never moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numba import njit

from coterie.beliefs.design import Design
from coterie.beliefs.integrals import _climb, _many_homes, _one_home, _tables
from coterie.beliefs.late_density import late_kernel
from coterie.beliefs.membership import _AFFINITY_NODES, Phi
from coterie.beliefs.threads import in_parts
from coterie.typing import Floats, Integers

_PROPOSALS: Final = 48
_TAILS: Final = 5.0
"""Degrees of freedom of the proposals: tails heavier than any posterior of effects."""
_REACH: Final = 6.0
_STEPS: Final = 49
_CHUNK_BYTES: Final = 2**27


@dataclass(frozen=True, slots=True)
class Local:
    """What is an artist's own, drawn once at each draw of the population.

    Attributes
    ----------
    artist_effect
        (draw, artist, outcome).
    affinity
        Of each pair with observations, in or out as its membership was drawn: (draw, pair).
    """

    artist_effect: Floats
    affinity: Floats


def draw_local(made: Design, phi: Phi, *, homes: int, rng: np.random.Generator) -> Local:
    """Draw every artist's own effects and affinities at every draw of the population.

    Parameters
    ----------
    made
        Observations, sorted by artist and cluster.
    phi
        Population draws.
    homes
        As in :func:`coterie.beliefs.membership.integrate`.
    rng
        Source of chance.
    """
    draws, artists = len(phi.base), phi.log_prior.shape[1]
    outcomes, pairs = phi.uplift.shape[1], made.pair_artist.size
    effect = rng.standard_normal((draws, artists, outcomes)) * phi.artist_scale[:, None, :]
    affinity = np.empty((draws, pairs))
    starts = np.searchsorted(made.pair_artist, np.arange(artists + 1)).astype(np.int64)
    step = max(1, int(_CHUNK_BYTES / (8 * max(artists, 1) * _PROPOSALS * (outcomes + 1))))
    for first in range(0, draws, step):
        part = slice(first, min(first + step, draws))
        size = part.stop - part.start
        given = (
            made.y, made.n, made.is_count, made.weight, made.informs, made.outcome, made.cluster,
            starts, made.pair_start.astype(np.int64), made.pair_cluster.astype(np.int64),
            phi.base[part], _own(phi.arrived, part), phi.log_kappa[part], phi.uplift[part],
            phi.loading[part], phi.artist_scale[part], _own(phi.log_prior, part),
            phi.log_elsewhere, homes,
            _heavy(rng, (size, artists, _PROPOSALS, outcomes)), *_nodes(),
            rng.random((size, artists, 2)), rng.random((size, pairs, 2)),
            effect[part], affinity[part],
        )  # fmt: skip
        in_parts(partial(_in_order, given), size * artists)
    return Local(effect, affinity)


def _in_order(given: Any, first: int, last: int) -> None:
    _fill(first, last, *given)


def _own(log_prior: Floats, part: slice) -> Floats:
    return log_prior if len(log_prior) == 1 else log_prior[part]


def _heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw multivariate t points of unit scale."""
    spread = rng.chisquare(_TAILS, shape[:-1]) / _TAILS
    return rng.standard_normal(shape) / np.sqrt(spread)[..., None]


def _nodes() -> tuple[Floats, Floats]:
    nodes, masses = np.polynomial.hermite_e.hermegauss(_AFFINITY_NODES)
    return nodes, np.log(masses) - 0.5 * math.log(2 * math.pi)


@njit(cache=True)
def _picked(heights: Any, u: float) -> int:
    """Return one position, likelier the higher its log weight."""
    mass = np.exp(heights - heights.max())
    below, at = u * mass.sum(), 0
    while at < mass.size - 1 and below > mass[at]:
        below -= mass[at]
        at += 1
    return at


@njit(cache=True)
def _member(
    gain: Any, cluster: Any, log_prior: Any, log_elsewhere: float, homes: int, u: float, own: Any,
    z: Any,
) -> None:  # fmt: skip
    """Fill the membership of each pair: one draw at one point of the effects."""
    z[:] = 0
    rho = np.zeros(log_prior.size)
    if homes == 2:  # noqa: PLR2004 - MANY, spelled out for the compiler
        _many_homes(gain, cluster, log_prior, rho)
        for p in range(gain.size):
            z[p] = 1 if own[p] < rho[cluster[p]] else 0
    elif homes == 1:
        _one_home(gain, cluster, log_prior, log_elsewhere, rho)
        below = u
        for k in range(rho.size):
            if below < rho[k]:
                for p in range(gain.size):
                    z[p] = 1 if cluster[p] == k else 0
                break
            below -= rho[k]


@njit(cache=True)
def _affinity(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any,
    base: Any, mature: Any, kappa: Any, effect: Any, uplift: Any, loading: Any,
    z: int, middle: float, sd: float, u: float,
) -> float:  # fmt: skip
    """Draw one pair's affinity: its density on a grid, straight between the points."""
    grid = np.empty(_STEPS)
    height = np.empty(_STEPS)
    for q in range(_STEPS):
        grid[q] = middle + sd * _REACH * (2.0 * q / (_STEPS - 1) - 1.0)
        height[q] = -0.5 * grid[q] ** 2
        for j in range(y.size):
            o = outcome[j]
            eta = base[j] + effect[o] + informs[j] * (loading[o] * grid[q] + z * uplift[o])
            found = late_kernel(eta, kappa[j], mature[j], y[j], n[j], is_count[j])
            height[q] += weight[j] * found[0]
    mass = np.exp(height - height.max())
    area = 0.5 * (mass[1:] + mass[:-1])
    below = u * area.sum()
    for q in range(_STEPS - 1):
        if below <= area[q] or q == _STEPS - 2:
            rise = mass[q + 1] - mass[q]
            share = min(max(below / area[q], 0.0), 1.0) if area[q] > 0 else 0.5
            # Solve mass t + rise t^2 / 2 = share of the trapezoid's area.
            root = math.sqrt(max(mass[q] ** 2 + 2.0 * rise * share * area[q], 0.0))
            t = 2.0 * share * area[q] / (mass[q] + root) if mass[q] + root > 0 else 0.5
            return grid[q] + min(t, 1.0) * (grid[q + 1] - grid[q])
        below -= area[q]
    return middle


@njit(cache=True)
def _draw(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    start: Any, own: Any, base: Any, mature: Any, log_kappa: Any,
    uplift: Any, loading: Any, artist_scale: Any,
    stated: Any, log_elsewhere: float, homes: int,
    points: Any, nodes: Any, log_mass: Any, u: Any, each: Any, effect: Any, affinity: Any,
) -> None:  # fmt: skip
    """Fill one artist's effects and affinities at one draw."""
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
    heights, rho = np.empty(len(at)), np.zeros(stated.size)
    for s in range(len(at)):
        heights[s] = table[0, s].sum()
        gain = table[1, s] - table[0, s]
        if homes == 2:  # noqa: PLR2004 - MANY
            heights[s] += _many_homes(gain, own, stated, rho)
        elif homes == 1:
            heights[s] += _one_home(gain, own, stated, log_elsewhere, rho)[0]
        far = (points[s] ** 2).sum() / _TAILS
        heights[s] += 0.5 * (_TAILS + scale.size) * math.log1p(far)
        heights[s] -= 0.5 * ((at[s] / scale) ** 2).sum()
    s = _picked(heights, u[0])
    effect[:] = at[s]
    z = np.zeros(own.size, dtype=np.int64)
    _member(table[1, s] - table[0, s], own, stated, log_elsewhere, homes, u[1], each[:, 0], z)
    for p in range(own.size):
        j0, j1 = local[p], local[p + 1]
        middle = mode[z[p], p] - (follow[z[p], p] * (at[s] - centre)).sum()
        affinity[p] = _affinity(
            y[j0:j1], n[j0:j1], is_count[j0:j1], weight[j0:j1], informs[j0:j1], outcome[j0:j1],
            base[j0:j1], mature[j0:j1], kappa[j0:j1], effect, uplift, loading, z[p], middle,
            1.0 / math.sqrt(precision[z[p], p]), each[p, 1],
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _fill(
    first: int, last: int,
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist_start: Integers, pair_start: Any, pair_cluster: Any,
    base: Any, mature: Any, log_kappa: Any, uplift: Any, loading: Any, artist_scale: Any,
    log_prior: Any, log_elsewhere: float, homes: int,
    points: Any, nodes: Any, log_mass: Any, u: Any, each: Any, effect: Any, affinity: Any,
) -> None:  # fmt: skip
    """Fill effects and affinities of a part of all (draw, artist), counted in order."""
    artists = effect.shape[1]
    for task in range(first, last):
        d, a = task // artists, task % artists
        p0, p1 = artist_start[a], artist_start[a + 1]
        if p1 == p0:
            continue
        j0, j1 = pair_start[p0], pair_start[p1]
        _draw(
            y[j0:j1], n[j0:j1], is_count[j0:j1], weight[j0:j1], informs[j0:j1], outcome[j0:j1],
            cluster[j0:j1], pair_start[p0 : p1 + 1], pair_cluster[p0:p1],
            base[d, j0:j1], mature[min(d, mature.shape[0] - 1), j0:j1], log_kappa[d],
            uplift[d], loading[d], artist_scale[d],
            log_prior[min(d, log_prior.shape[0] - 1), a], log_elsewhere, homes,
            points[d, a], nodes, log_mass, u[d, a], each[d, p0:p1],
            effect[d, a], affinity[d, p0:p1],
        )  # fmt: skip
