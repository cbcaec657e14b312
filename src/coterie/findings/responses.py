"""Responses: what listeners of an artist's clusters will do next, at every draw.

Makes plain arrays that findings decide with. Callers may trust that all numbers of one draw
belong together, and that people and money are those of the ledger.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from arviz_base import rcParams

from coterie import names
from coterie.errors import FindingError
from coterie.findings.choosing import chosen

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.evidence import Outcome
    from coterie.typing import Floats, Integers


@dataclass(frozen=True, slots=True)
class Responses:
    """The next rates of one artist.

    Attributes
    ----------
    artist
        Whose.
    clusters
        Labels, in order.
    measured
        The outcomes, in order.
    rates
        Of the next comparable release: (draw, cluster, outcome).
    levels
        What many such releases come to on average, at the same draws.
    kappas
        Concentration of a release's rates about their levels, at the same draws.
    numerators, denominators
        Counted so far of the artist: (cluster, outcome).
    fitted
        The draw of the fit that each draw was made at: (draw,); left out, one each.
    """

    artist: Hashable
    clusters: tuple[Hashable, ...]
    measured: tuple[Outcome, ...]
    rates: Floats
    levels: Floats
    kappas: Floats
    numerators: Floats
    denominators: Floats
    fitted: Integers | None = None

    @classmethod
    def of(
        cls, beliefs: Beliefs, artist: Hashable, *, rng: np.random.Generator, least: int = 1
    ) -> Self:
        """Draw an artist's next rates in every cluster, once or more at each draw of the fit.

        Where ``least`` draws are more than the fit has, home and window are drawn again at each.
        """
        from coterie.beliefs import clusters_of, levels_and_rates

        dims = (names.CHAIN, names.DRAW, names.CLUSTER, names.OUTCOME)
        sizes = beliefs.tree[names.POSTERIOR].dataset.sizes
        chains, draws = sizes[names.CHAIN], sizes[names.DRAW]
        times = max(1, -(-least // (chains * draws)))
        drawn = levels_and_rates(beliefs, artists=[artist], rng=rng, times=times)
        tables = [t.isel({names.ARTIST: 0}).transpose(*dims).to_numpy() for t in drawn]
        levels, rates, kappas = (t.reshape(-1, *t.shape[2:]) for t in tables)
        clusters = clusters_of(beliefs)
        above, below = _counted(beliefs, artist, clusters)
        return cls(
            artist,
            tuple(clusters),
            tuple(beliefs.evidence.outcomes),
            rates,
            levels,
            kappas,
            above,
            below,
            (np.arange(chains)[:, None] * draws + np.arange(draws * times) % draws).ravel(),
        )

    def part(self, draws: Any) -> Responses:
        """Return the same at some draws."""
        return replace(
            self, rates=self.rates[draws], levels=self.levels[draws], kappas=self.kappas[draws],
            fitted=None if self.fitted is None else self.fitted[draws],
        )  # fmt: skip

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes, in order."""
        return tuple(outcome.name for outcome in self.measured)

    def at(self, outcome: str) -> int:
        """Return the place of an outcome."""
        if outcome not in self.outcomes:
            raise FindingError(
                f"There is no outcome {outcome!r} in these beliefs, which are about "
                f"{', '.join(map(repr, self.outcomes))}."
            )
        return self.outcomes.index(outcome)

    def chosen(self, clusters: Sequence[Hashable] | None) -> Integers:
        """Return the places of clusters, in the order asked for."""
        if clusters is None:
            return np.arange(len(self.clusters))
        found = chosen(clusters, list(self.clusters), names.CLUSTER)
        return np.array([self.clusters.index(c) for c in found])


def _counted(beliefs: Beliefs, artist: Hashable, clusters: Sequence[Any]) -> tuple[Floats, Floats]:
    """Return what the ledger counted of an artist: (cluster, outcome) each."""
    counts = beliefs.evidence.counts
    own = counts.isel({names.ROW: np.flatnonzero(counts[names.ARTIST].to_numpy() == artist)})
    rows = own[names.CLUSTER].to_numpy()
    found = []
    for side in (names.NUMERATOR, names.DENOMINATOR):
        values = np.nan_to_num(own[side].transpose(names.ROW, names.OUTCOME).to_numpy())
        found.append(np.stack([values[rows == cluster].sum(axis=0) for cluster in clusters]))
    return found[0], found[1]


def interval(values: Floats, prob: float | None) -> tuple[Floats, Floats, Floats, dict[str, Any]]:
    """Return mean and ends of draws on the first axis, and what kind of interval it is."""
    prob = float(rcParams["stats.ci_prob"]) if prob is None else prob
    if not (isinstance(prob, int | float | np.floating) and 0 < prob < 1):
        raise FindingError(f"prob is {prob!r}; give a probability between 0 and 1.")
    lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    return values.mean(axis=0), lower, upper, {"ci_kind": "eti", "ci_prob": prob}
