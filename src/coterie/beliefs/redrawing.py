"""Replicas: the table again, as the posterior says it could have been with other artists.

At a draw of the population every artist is replaced by a new one: affinities from the prior,
effects from the population, the same clusters, cells and denominators. Where
the model is right, the table at hand is one more replica; only the population has seen it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from coterie import names
from coterie.beliefs import fits
from coterie.beliefs import population as read
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.design import Design
from coterie.beliefs.membership import Integrated, Phi, integrate
from coterie.beliefs.rows import Known
from coterie.beliefs.tree import Beliefs
from coterie.typing import Flags, Floats, Integers

_NO_SCATTER = 1e12


@dataclass(frozen=True, slots=True)
class Replicas:
    """A table and its replicas, one a draw.

    Attributes
    ----------
    made
        The table's observations, one a measured outcome of a cell.
    y
        Numerators of the replicas: (draw, observation).
    evidence
        Log probability of each artist's counts at each draw, in nats, as often as the artist
        counts: (draw, artist).
    belief
        Belief at each draw: (draw, artist, cluster); empty without membership.
    at
        Which draws of the posterior, counted over all chains: (draw,).
    """

    made: Design
    y: Floats
    evidence: Floats
    belief: Floats
    at: Integers
    _phi: Phi
    _homes: int

    def without(self, gone: Flags, owners: Integers) -> tuple[Floats, Floats]:
        """Integrate some artists less some observations, at every draw.

        Parameters
        ----------
        gone
            What is left out: (observation,).
        owners
            Codes of the artists, in order.

        Returns
        -------
        evidence, belief
            As those of the whole table: (draw, owner) and (draw, owner, cluster).
        """
        kept = np.isin(self.made.artist, owners)
        made = cut_to(self.made, owners, gone=gone)
        phi = self._phi
        # In the order the compiled loops know: another would compile them anew.
        own = replace(
            phi.at(slice(None), kept),
            log_prior=np.ascontiguousarray(phi.log_prior[owners]),
        )
        found = integrate(made, own, homes=self._homes)
        return found.log_evidence * made.stands_for(len(owners)), found.belief

    def integrated(
        self, draws: Integers, *, replica: bool, outcome: int | None = None
    ) -> list[Integrated]:
        """Integrate the table, or its replica, at some draws; from one outcome alone if named."""
        found = []
        for t in draws.tolist():
            made = replace(self.made, y=self.y[t]) if replica else self.made
            phi = self._phi.at(slice(t, t + 1))
            if outcome is not None:
                # What is not informative and weighs nothing is not there.
                made = replace(made, weight=made.weight * (made.outcome == outcome))
            found.append(integrate(made, phi, homes=self._homes))
        return found


def replicas(
    beliefs: Beliefs, *, draws: int, rng: np.random.Generator, lasting: bool = True
) -> Replicas:
    """Make replicas of the table that beliefs rest on.

    Parameters
    ----------
    beliefs
        Fitted beliefs.
    draws
        How many, evenly from all draws of the posterior; no more than there are.
    rng
        Source of chance.
    lasting
        Whether artists of the replicas have lasting fits; without, nobody belongs anywhere.
    """
    known = Known.of(beliefs)
    at = np.unique(np.linspace(0, known.size - 1, min(draws, known.size)).round().astype(np.int64))
    phi = read.phi(known.posterior, known.made, known.levels, known.stated, at)
    observed = integrate(known.made, phi, homes=known.stated.code)
    units = known.made.stands_for(len(known.levels.artists))
    belief = observed.belief if known.stated.homes is not None else np.empty((at.size, 0, 0))
    return Replicas(
        known.made, _drawn(known, phi, rng, lasting=lasting), observed.log_evidence * units,
        belief, at, phi, known.stated.code,
    )  # fmt: skip


def _drawn(known: Known, phi: Phi, rng: np.random.Generator, *, lasting: bool) -> Floats:
    """Draw counts of new artists: (draw, observation)."""
    made, size = known.made, len(phi.base)
    artists = len(phi.log_prior)
    outcomes = phi.loading.shape[1]
    effect = rng.standard_normal((size, artists, outcomes)) * phi.artist_scale[:, None, :]
    affinity = fits.prior_fits(
        phi.log_prior, phi.log_elsewhere, size, homes=known.stated.code, rng=rng
    )
    o = made.outcome
    reach = phi.loading[:, o] * made.informs * lasting
    eta = phi.base + effect[:, made.artist, o] + reach * affinity[:, made.artist, made.cluster]
    kappa = np.exp(phi.log_kappa[:, made.cluster, o])
    counts = _counts(eta, kappa, made.n * phi.arrived, rng)
    return np.where(made.is_count, counts, _trials(eta, kappa, made, phi.arrived, rng))


def _counts(eta: Floats, kappa: Floats, exposure: Floats, rng: np.random.Generator) -> Floats:
    mean = exposure * np.exp(np.minimum(eta, 50))
    loose = np.minimum(kappa, _NO_SCATTER)
    scattered = np.where(kappa < _NO_SCATTER, rng.standard_gamma(loose) / loose, 1.0)
    return rng.poisson(np.minimum(mean * scattered, 1e15)).astype(np.float64)


def _trials(
    eta: Floats, kappa: Floats, made: Design, arrived: Floats, rng: np.random.Generator
) -> Floats:
    n = np.where(made.is_count, 1, made.n).astype(np.int64)
    loose, tiny = np.minimum(kappa, _NO_SCATTER), np.finfo(float).tiny
    rate = rng.beta(np.maximum(expit(eta) * loose, tiny), np.maximum(expit(-eta) * loose, tiny))
    rate = np.where(kappa < _NO_SCATTER, rate, expit(eta))
    return rng.binomial(n, np.clip(rate * arrived, 0.0, 1.0)).astype(np.float64)


def artists_of(beliefs: Beliefs) -> list[str]:
    """Return the artists in the order of the codes of a design."""
    labels: list[str] = beliefs.tree[names.POSTERIOR].dataset[names.ARTIST].to_numpy().tolist()
    return labels
