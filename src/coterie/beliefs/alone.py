"""Alone: one artist at draws of the population, to be believed in again under other terms.

What an artist's belief would have been without some of its counts, or with another scatter of
cells: the integrals of the fit, nothing sampled. Callers may trust that the unchanged case
gives what the beliefs say, to the error of the draws.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.membership import integrate
from coterie.beliefs.rows import Known
from coterie.errors import BeliefError

if TYPE_CHECKING:
    from coterie.beliefs.design import Design
    from coterie.beliefs.membership import Phi
    from coterie.beliefs.tree import Beliefs
    from coterie.typing import Flags, Floats, Integers


@dataclass(frozen=True, slots=True)
class Alone:
    """One artist's observations, and draws of the population.

    Attributes
    ----------
    made
        The artist's observations.
    prior
        Prior of each cluster and, with one home, of elsewhere at the end: (cluster[ + 1],).
    units
        Units the artist stands for.
    everybody
        Units every artist of these beliefs stands for: (artist,).
    """

    made: Design
    prior: Floats
    units: float
    everybody: Floats
    _phi: Phi
    _homes: int

    @classmethod
    def of(cls, beliefs: Beliefs, artist: Hashable) -> Self:
        """Take one artist out of beliefs, at the draws at which beliefs were integrated.

        After an update by weights these are other draws of the same posterior than those of the
        beliefs, so that both agree up to the error of the draws.

        Parameters
        ----------
        beliefs
            With membership.
        artist
            Whom.

        Raises
        ------
        BeliefError
            If there is no such artist.
        """
        known = Known.of(beliefs)
        found = np.flatnonzero(known.levels.artists == artist)
        if found.size == 0:
            raise BeliefError(
                f"No beliefs about artist {artist!r}; it is not among the "
                f"{len(known.levels.artists):,} here. All are in .evidence.artists."
            )
        made = cut_to(known.made, found)
        stated = replace(known.stated, table=known.stated.table[found])
        phi = read.phi(known.posterior, made, known.levels, stated, _believed_at(beliefs))
        prior = _places(np.exp(phi.log_prior)[0], phi)
        everybody = known.made.stands_for(len(known.levels.artists))
        return cls(made, prior, float(everybody[found[0]]), everybody, phi, stated.code)

    def believe(
        self,
        *,
        gone: Flags | None = None,
        scatter: Floats | None = None,
        counts_power: float = 1.0,
        prior_power: float = 1.0,
    ) -> tuple[Floats, Floats]:
        """Believe again, under other terms.

        Parameters
        ----------
        gone
            Observations that are left out: (observation,).
        scatter
            Factor on kappa of each outcome: (outcome,).
        counts_power
            Power of the likelihood of every observation.
        prior_power
            Power of the prior of membership; its places then sum to other than 1, so that the
            evidence is known up to a constant.

        Returns
        -------
        belief, evidence
            Probability of each cluster, with one home elsewhere at the end, (draw, cluster[ + 1]);
            log probability of the counts, (draw,).
        """
        made = self.made
        if gone is not None:
            made = replace(made, weight=np.where(gone, 0.0, made.weight))
        if counts_power != 1:
            made = replace(made, weight=counts_power * made.weight)
        phi = self._phi if prior_power == 1 else self._turned(prior_power)
        if scatter is not None:
            phi = replace(phi, log_kappa=phi.log_kappa + np.log(scatter))
        found = integrate(made, phi, homes=self._homes)
        belief = found.belief[:, 0]
        if np.isfinite(phi.log_elsewhere) and self._one_home:
            belief = np.concatenate([belief, found.elsewhere], axis=1)
        return belief, found.log_evidence[:, 0]

    def thinned(self, draws: int) -> Self:
        """Return the same artist at no more than so many draws of the population, evenly chosen."""
        size = len(self._phi.base)
        at: Any = np.unique(np.linspace(0, size - 1, min(draws, size)).round().astype(np.int64))
        return replace(self, _phi=self._phi.at(at))

    def _turned(self, power: float) -> Phi:
        """Raise the prior of membership to a power."""
        stated = self._phi.log_prior
        if self._one_home:
            turned, rest = power * stated, power * self._phi.log_elsewhere
        else:
            odds = power * (stated - np.log1p(-np.exp(stated)))
            turned, rest = -np.logaddexp(0.0, -odds), self._phi.log_elsewhere
        return replace(self._phi, log_prior=np.ascontiguousarray(turned), log_elsewhere=rest)

    @property
    def _one_home(self) -> bool:
        return self._homes == read.CODE["one"]


def _believed_at(beliefs: Beliefs) -> Integers:
    """Return the draws at which beliefs were integrated, counted over all chains."""
    every = beliefs.tree[names.POSTERIOR].dataset[names.DRAW].to_numpy()
    chains = beliefs.tree[names.POSTERIOR].sizes[names.CHAIN]
    own = beliefs.tree[names.BELIEFS].dataset
    some = own[names.DRAW].to_numpy() if names.DRAW in own.coords else every
    place = np.searchsorted(every, some)
    found: Integers = (np.arange(chains)[:, None] * every.size + place).ravel()
    return found


def _places(prior: Floats, phi: Phi) -> Floats:
    rest = np.exp(phi.log_elsewhere)
    return np.append(prior, rest) if 0 < rest < 1 else prior


def clusters_of(beliefs: Beliefs) -> list[Hashable]:
    """Return the clusters in the order of the codes of a design."""
    labels: list[Hashable] = beliefs.tree[names.POSTERIOR].dataset[names.CLUSTER].values.tolist()
    return labels
