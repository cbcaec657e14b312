"""Local effects: an artist's own effects and affinities, drawn given the population.

At one draw of the population, an artist's effects are proposed about the mode that the
integrals find, weighed by the evidence with affinities integrated out, and one is kept; each
affinity follows, and the stated prior keeps or refuses them all. Callers may trust that the draws
are those the sampler would have made at the same population, to the error of 16 proposals;
the population itself is never moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numba import njit

from coterie.beliefs import fits
from coterie.beliefs.design import Design
from coterie.beliefs.fit_law import draw
from coterie.beliefs.highest import NODES, STEP, cumulate, place_of, read_below
from coterie.beliefs.integrals import climb, tables
from coterie.beliefs.membership import ONE, Phi
from coterie.beliefs.threads import in_parts
from coterie.typing import Floats, Integers

_PROPOSALS: Final = 16
_TAILS: Final = 5.0
"""Degrees of freedom of the proposals: tails heavier than any posterior of effects."""
_HALVINGS: Final = 24
_CHUNK_BYTES: Final = 2**27
_ROUNDS: Final = 40
"""Draws of one artist at one draw of the population, at most, until its prior keeps one."""


@dataclass(frozen=True, slots=True)
class Local:
    """What is an artist's own, drawn once at each draw of the population.

    Attributes
    ----------
    artist_effect
        (draw, artist, outcome).
    affinity
        (draw, artist, cluster).
    """

    artist_effect: Floats
    affinity: Floats


def draw_local(
    made: Design, phi: Phi, *, homes: int, rng: np.random.Generator, given: Local | None = None
) -> Local:
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
    given
        Draws with affinities that are exchangeable between clusters, as a sampler makes them;
        what the stated prior refuses of them is drawn anew.
    """
    draws, artists = len(phi.base), len(phi.log_prior)
    clusters = phi.log_prior.shape[1]
    stated = (phi.log_prior, phi.log_elsewhere)
    bound = fits.largest_weight(*stated)
    total = np.zeros((draws, artists))
    if given is None:
        own = Local(
            np.empty((draws, artists, phi.loading.shape[1])), np.empty((draws, artists, clusters))
        )
        open_ = np.ones((draws, artists), dtype=bool)
    else:
        own = given
        share = fits.prior_weights(own.affinity, *stated, homes=homes)
        open_ = rng.random(share.shape) * bound >= share if homes == ONE else share < 0
        total[...] = share
    for _ in range(_ROUNDS):
        if not open_.any():
            break
        at = np.nonzero(open_)
        effect, affinity = _drawn(made, phi, at, rng)
        share = np.ones(at[0].size)
        if homes == ONE:
            theirs = phi.log_prior[at[1]]
            share = fits.prior_weights(affinity[None], theirs, stated[1], homes=homes)[0]
        # Rejection, and beside it a reservoir: should no draw be accepted in all rounds, one of the
        # refused ones stays, in proportion to its weight.
        total[at] += share
        held = rng.random(share.size) * total[at] < share
        kept = rng.random(share.size) * bound[at[1]] < share
        taken = held | kept | (homes != ONE)
        own.artist_effect[at[0][taken], at[1][taken]] = effect[taken]
        own.affinity[at[0][taken], at[1][taken]] = affinity[taken]
        open_[at] = ~(kept | (homes != ONE))
    return own


def _drawn(
    made: Design, phi: Phi, at: tuple[Integers, Integers], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw effects and exchangeable affinities of some artists, each at one draw of phi."""
    tasks, outcomes = at[0].size, phi.loading.shape[1]
    artists, clusters = phi.log_prior.shape
    effect = rng.standard_normal((tasks, outcomes)) * phi.artist_scale[at[0]]
    affinity = draw((tasks, clusters), rng)
    starts = np.searchsorted(made.pair_artist, np.arange(artists + 1)).astype(np.int64)
    step = max(1, int(_CHUNK_BYTES / (8 * _PROPOSALS * (outcomes + 1))))
    for first in range(0, tasks, step):
        part = slice(first, min(first + step, tasks))
        size = part.stop - part.start
        given = (
            at[0][part], at[1][part],
            made.y, made.n, made.is_count, made.weight, made.informs, made.outcome, made.cluster,
            starts, made.pair_start.astype(np.int64), made.pair_cluster.astype(np.int64),
            phi.base, phi.arrived, phi.log_kappa, phi.loading, phi.artist_scale,
            _heavy(rng, (size, _PROPOSALS, outcomes)),
            rng.random(size), rng.random((size, clusters)), effect[part], affinity[part],
        )  # fmt: skip
        in_parts(partial(_in_order, given), size)
    return effect, affinity


def _in_order(given: Any, first: int, last: int) -> None:
    _fill(first, last, *given)


def _heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw multivariate t points of unit scale."""
    spread = rng.chisquare(_TAILS, shape[:-1]) / _TAILS
    return rng.standard_normal(shape) / np.sqrt(spread)[..., None]


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
def _placed(u: float, density: Any, below: Any) -> float:
    """Return the place with a mass of ``u`` below it, in standard deviations from the mode."""
    low, high = 0.0, STEP * (density.size - 1)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if read_below(middle, density, below) < u:
            low = middle
        else:
            high = middle
    return place_of(0.5 * (low + high))


@njit(cache=True)
def _draw(
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    start: Any, own: Any, base: Any, mature: Any, log_kappa: Any,
    loading: Any, artist_scale: Any, points: Any, u: float, each: Any, effect: Any, affinity: Any,
) -> None:  # fmt: skip
    """Fill one artist's effects and affinities at one draw."""
    kappa, scale = np.empty(y.size), np.empty(artist_scale.size)
    local = start - start[0]
    for j in range(y.size):
        kappa[j] = math.exp(log_kappa[cluster[j], outcome[j]])
    for o in range(scale.size):
        scale[o] = max(artist_scale[o], 1e-9)
    part = (base, mature, kappa, y, n, is_count, weight, informs, outcome, local)
    centre, root, mode, precision, follow = climb(*part, loading, scale)
    at = centre + points @ root.T
    middle, density = np.empty((own.size, len(at))), np.empty((own.size, len(at), NODES))
    table = tables(*part, loading, centre, at, mode, precision, follow, middle, density)
    heights = np.empty(len(at))
    for s in range(len(at)):
        far = (points[s] ** 2).sum() / _TAILS
        heights[s] = table[s].sum() + 0.5 * (_TAILS + scale.size) * math.log1p(far)
        heights[s] -= 0.5 * ((at[s] / scale) ** 2).sum()
    s = _picked(heights, u)
    effect[:] = at[s]
    below = np.empty(NODES)
    for p in range(own.size):
        cumulate(density[p, s], below)
        place = _placed(each[own[p]], density[p, s], below)
        affinity[own[p]] = middle[p, s] + place / math.sqrt(precision[p])


@njit(cache=True, nogil=True)
def _fill(
    first: int, last: int, draw: Any, artist: Any,
    y: Any, n: Any, is_count: Any, weight: Any, informs: Any, outcome: Any, cluster: Any,
    artist_start: Any, pair_start: Any, pair_cluster: Any,
    base: Any, mature: Any, log_kappa: Any, loading: Any, artist_scale: Any,
    points: Any, u: Any, each: Any, effect: Any, affinity: Any,
) -> None:  # fmt: skip
    """Fill effects and affinities of a part of all tasks, each an artist at a draw."""
    for task in range(first, last):
        d, a = draw[task], artist[task]
        p0, p1 = artist_start[a], artist_start[a + 1]
        if p1 == p0:
            continue
        j0, j1 = pair_start[p0], pair_start[p1]
        _draw(
            y[j0:j1], n[j0:j1], is_count[j0:j1], weight[j0:j1], informs[j0:j1], outcome[j0:j1],
            cluster[j0:j1], pair_start[p0 : p1 + 1], pair_cluster[p0:p1],
            base[d, j0:j1], mature[min(d, mature.shape[0] - 1), j0:j1], log_kappa[d],
            loading[d], artist_scale[d], points[task], u[task], each[task],
            effect[task], affinity[task],
        )  # fmt: skip
