r"""Membership: b(phi), with an artist's own effects and affinities integrated out.

For one artist and one draw phi of the population parameters the evidence is

.. math::

    p(E_a \mid \phi) = \int \! dA\, N(A; 0, S) \prod_k \sum_z p(z)
        \int \! dv_k\, N(v_k; 0, 1)\, e^{\ell_k(z; A, v_k)}

over the artist's effects A (one an outcome) and one affinity a cluster. Affinities
are integrated by Gauss-Hermite nodes around their mode, the effects by a cubature
of degree five (tensor nodes for one or two outcomes) around the mode of the
integrand, with the spread that membership itself adds. Callers may trust the
result to 1e-3 in probability; nothing here is sampled. The known exception: an artist
with rows in few clusters, many homes, precise outcomes and no affinity has an effect
with humps far apart, and is up to 0.07 off. Fitting, updating and
scoring new artists all come here, and nobody writes these integrals again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logsumexp

from coterie.beliefs.density import log_constant
from coterie.beliefs.design import Design
from coterie.beliefs.integrals import conditional, some_artists
from coterie.beliefs.threads import in_parts
from coterie.typing import Floats, Integers

ONE, MANY, NONE = 1, 2, 0
_AFFINITY_NODES = 7
_TENSOR_UP_TO = 2
_TENSOR_NODES = 7


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
    mature
        Share of each observation that has arrived, in (0, 1]: (draw, observation); ``None``
        where all has.
    """

    base: Floats
    log_kappa: Floats
    uplift: Floats
    loading: Floats
    artist_scale: Floats
    log_prior: Floats
    log_elsewhere: float
    mature: Floats | None = None

    @property
    def arrived(self) -> Floats:
        """Share of each observation that has arrived: (draw or 1, observation)."""
        return np.ones((1, self.base.shape[1])) if self.mature is None else self.mature

    def at(self, draws: slice, observations: Any = slice(None)) -> Phi:
        """Return some draws, and some observations."""
        one = len(self.log_prior) == 1
        return Phi(
            base=np.ascontiguousarray(self.base[draws, observations]),
            log_kappa=self.log_kappa[draws],
            uplift=self.uplift[draws],
            loading=self.loading[draws],
            artist_scale=self.artist_scale[draws],
            log_prior=self.log_prior if one else self.log_prior[draws],
            log_elsewhere=self.log_elsewhere,
            mature=None
            if self.mature is None
            else np.ascontiguousarray(self.mature[draws, observations]),
        )


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
    given = (
        *_arrays(made), *starts,
        phi.base, phi.arrived, phi.log_kappa, phi.uplift, phi.loading, phi.artist_scale,
        phi.log_prior, phi.log_elsewhere, homes,
        points, weights, nodes, log_mass, belief, elsewhere, evidence,
    )  # fmt: skip
    in_parts(lambda first, last: some_artists(first, last, *given), elsewhere.size)
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
    out, inside = np.zeros((2, len(phi.base), made.pair_artist.size))
    given = (
        *_arrays(made), made.artist, made.pair,
        phi.base, phi.arrived, phi.log_kappa, phi.uplift, phi.loading, artist_effect, *affinity,
        out, inside,
    )  # fmt: skip
    in_parts(lambda first, last: conditional(first, last, *given), len(phi.base))
    return out, inside


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
