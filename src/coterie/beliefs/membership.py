r"""Membership: b(phi), with an artist's own effects and affinities integrated out.

For one artist and one draw phi of the population parameters the evidence is

.. math::

    p(E_a \mid \phi) = \int \! dA\, N(A; 0, S) \prod_k
        \int \! ds_k\, f(s_k)\, e^{\ell_k(A, s_k)}

over the artist's effects A (one an outcome) and one affinity a cluster. Home is the cluster whose
affinity is highest, of all that are named and one that is not:

.. math::

    P_0(H = k \mid E, \phi) = \int f_k(s) \prod_{j \ne k} F_j(s)\, ds, \qquad
    P(H = k \mid E, \phi) = \frac{\pi_k P_0(H = k)}{\sum_j \pi_j P_0(H = j)}

where f and F are density and distribution of an affinity given the counts and A; of a cluster
without counts, and of the one that is not named, they are the law's own
(:mod:`coterie.beliefs.fit_law`). With many homes an artist is a member where its affinity is
among the ``pi`` highest: :math:`s > F^{-1}(1 - \pi)`.

Affinities are integrated on a grid about their mode, the effects by a cubature of degree five
(tensor nodes for one or two outcomes) about the mode of the integrand. Callers may trust the
result to 5e-3 in probability, mostly 1e-3; nothing here is sampled. Fitting, updating and scoring
new artists all come here, and nobody writes these integrals again.

The evidence is that of affinities which are exchangeable between clusters, whatever ``pi``: what
a team believes of homes does not move what is learned of how listeners respond.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from coterie.beliefs.density import log_constant
from coterie.beliefs.design import Design
from coterie.beliefs.fit_law import quantile
from coterie.beliefs.integrals import some_artists
from coterie.beliefs.threads import in_parts
from coterie.typing import Floats, Integers

ONE, MANY, NONE = 1, 2, 0
_TENSOR_UP_TO = 2
_TENSOR_NODES = 7
_LINE_NODES = 13
"""A threshold is a sharper thing than a highest value."""


@dataclass(frozen=True, slots=True)
class Phi:
    """Draws of everything that is not an artist's own, and what was believed of membership.

    Attributes
    ----------
    base
        alpha + cluster + window + factor effects of each observation: (draw, observation).
    log_kappa
        (draw, cluster, outcome).
    loading, artist_scale
        (draw, outcome).
    log_prior
        Log prior of each pair, one home or many: (artist, cluster).
    log_elsewhere
        Log prior of a home outside the inventory (one home).
    mature
        Share of each observation that has arrived, in (0, 1]: (draw, observation); ``None``
        where all has.
    """

    base: Floats
    log_kappa: Floats
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
        return Phi(
            base=np.ascontiguousarray(self.base[draws, observations]),
            log_kappa=self.log_kappa[draws],
            loading=self.loading[draws],
            artist_scale=self.artist_scale[draws],
            log_prior=self.log_prior,
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
    artists, clusters = phi.log_prior.shape
    outcomes = phi.loading.shape[1]
    starts = _starts(made, artists)
    belief = np.exp(np.broadcast_to(phi.log_prior, (len(phi.base), artists, clusters))).copy()
    elsewhere = np.full(belief.shape[:2], math.exp(phi.log_elsewhere))
    evidence = np.zeros(belief.shape[:2])
    given = (
        *_arrays(made), *starts,
        phi.base, phi.arrived, phi.log_kappa, phi.loading, phi.artist_scale,
        phi.log_prior, threshold(phi.log_prior), phi.log_elsewhere, homes,
        *points_of(outcomes, homes), belief, elsewhere, evidence,
    )  # fmt: skip
    in_parts(lambda first, last: some_artists(first, last, *given), elsewhere.size)
    constant = log_constant(made.y, made.n, made.is_count) * made.weight
    return Integrated(
        belief, elsewhere, evidence + np.bincount(made.artist, constant, artists)[None]
    )


def threshold(log_prior: Floats) -> Floats:
    """Return the affinity above which a share of all artists lies: shaped as the log shares."""
    return quantile(1 - np.exp(log_prior))


def cubature(dims: int, nodes: int = _TENSOR_NODES) -> tuple[Floats, Floats]:
    """Return points and weights for a standard normal in ``dims`` dimensions: (point, dim)."""
    if dims <= _TENSOR_UP_TO:
        x, w = np.polynomial.hermite_e.hermegauss(nodes)
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


def points_of(outcomes: int, homes: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return points and weights of the effects for the evidence, and others for homes."""
    if homes != MANY:
        return *cubature(outcomes), *few_points(outcomes)
    if outcomes <= _TENSOR_UP_TO:
        return *cubature(outcomes, _LINE_NODES), np.empty((0, 1)), np.empty(0)
    x, w = np.polynomial.hermite_e.hermegauss(_LINE_NODES)
    return *cubature(outcomes), x[:, None], w / w.sum()


def few_points(dims: int) -> tuple[Floats, Floats]:
    """Return points and weights of degree three (five in one dimension), as in :func:`cubature`."""
    if dims == 1:
        x, w = np.polynomial.hermite_e.hermegauss(3)
        return x[:, None], w / w.sum()
    axes = math.sqrt(dims) * np.eye(dims)
    return np.concatenate([axes, -axes]), np.full(2 * dims, 1 / (2 * dims))


def _arrays(made: Design) -> tuple[Any, ...]:
    return (
        made.y, made.n, made.is_count, made.weight, made.informs, made.outcome, made.cluster,
    )  # fmt: skip


def _starts(made: Design, artists: int) -> tuple[Integers, Integers, Integers]:
    pair_start = made.pair_start.astype(np.int64)
    artist_start = np.searchsorted(made.pair_artist, np.arange(artists + 1)).astype(np.int64)
    return artist_start, pair_start, made.pair_cluster.astype(np.int64)
