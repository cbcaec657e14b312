"""Priors: what was believed before the table was opened.

Makes :class:`MembershipPrior` (pi: which clusters an artist may belong in). Callers may
trust that every probability lies strictly between 0 and 1, and that shares leave room for
``elsewhere``.
There is no hidden prior: a fit takes pi as an argument without a default.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from coterie.beliefs.checked import (
    BY_HAND,
    aligned,
    check_clusters,
    check_prob,
    check_rows_sum,
    check_shares,
    is_number,
    numbers,
    pivot,
)
from coterie.beliefs.crossed import product_of
from coterie.errors import BeliefError
from coterie.typing import Floats

Homes = Literal["one", "many"] | None
"""How many homes an artist has: exactly one, any number, or no membership at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipPrior:
    """Belief, before any evidence, about where each artist belongs.

    Make one with :meth:`uniform`, :meth:`from_shares`, :meth:`from_parts`,
    :meth:`from_counts` or :meth:`from_frame`. One home reads ``(1 - elsewhere) * share`` for
    each cluster and ``elsewhere`` for none of them; many homes reads ``prob``, one
    independent probability a cluster.

    Attributes
    ----------
    clusters
        Names of the candidate clusters, in the order given.
    shares
        ``(cluster,)`` or, per artist, ``(artist, cluster)``; each row sums to 1.
    prob
        Probability of membership for many homes, shaped like ``shares``, in (0, 1);
        ``None`` where only one home was stated.
    elsewhere
        Probability that the true home is not in the inventory, in [0, 1).
    artists
        Labels of the rows of a per-artist prior, else ``None``.

    Examples
    --------
    >>> prior = co.MembershipPrior.from_shares({"indie pop": 0.75, "gym": 0.25}, elsewhere=0.2)
    >>> float((1 - prior.elsewhere) * prior.shares[0])
    0.6000000000000001
    """

    clusters: tuple[Hashable, ...]
    shares: Floats
    prob: Floats | None = None
    elsewhere: float = 0.1
    artists: tuple[Hashable, ...] | None = None

    def __post_init__(self) -> None:
        if not (is_number(self.elsewhere) and 0 <= self.elsewhere < 1):
            raise BeliefError(
                f"elsewhere is {self.elsewhere!r}; it must be a probability of at least 0 and "
                "below 1. Say 0.1 for 'one time in ten the true home is not in this list'."
            )
        check_clusters(self.clusters)
        check_shares(self.shares, self.clusters, self.artists)
        if self.prob is not None:
            check_prob(self.prob, np.shape(self.shares))
        if self.artists is not None and len(set(self.artists)) < len(self.artists):
            raise BeliefError("An artist is named twice in the prior. Name each once.")

    @classmethod
    def uniform(
        cls,
        clusters: Iterable[Hashable],
        *,
        prob: float | None = None,
        elsewhere: float = 0.1,
    ) -> MembershipPrior:
        """Believe the same of every cluster.

        Parameters
        ----------
        clusters
            Names of the candidate clusters.
        prob
            Probability that an artist belongs in any one cluster, in (0, 1); needed for many homes.
        elsewhere
            Probability that the one home is none of these, in [0, 1).

        Raises
        ------
        BeliefError
            If there is no cluster, one is named twice, or a probability is out of range.
        """
        if isinstance(clusters, str) or not isinstance(clusters, Iterable):
            raise BeliefError(
                f"clusters is {clusters!r}. Give a list of names: ['late night', 'gym', ...]."
            )
        named = tuple(clusters)
        shares = np.full(len(named), 1 / max(len(named), 1))
        chance = None if prob is None else np.full(len(named), float(prob))
        return cls(clusters=named, shares=shares, prob=chance, elsewhere=elsewhere)

    @classmethod
    def from_shares(
        cls,
        shares: Mapping[Any, float],
        *,
        prob: Mapping[Any, float] | None = None,
        elsewhere: float = 0.1,
    ) -> MembershipPrior:
        """Believe in clusters by share.

        Parameters
        ----------
        shares
            Share of belief by cluster; they must sum to 1 (within 1e-6).
        prob
            For many homes, the probability of membership by cluster, each in (0, 1).
        elsewhere
            As in :meth:`uniform`.

        Raises
        ------
        BeliefError
            If a share is not positive, or they do not sum to 1.
        """
        named = tuple(shares)
        values = numbers(shares, "share")
        total = float(values.sum())
        if abs(total - 1) > BY_HAND:
            raise BeliefError(
                f"The shares of {len(named)} clusters sum to {total:.6g}, not to 1. Give shares "
                "that sum to 1, or use MembershipPrior.from_counts, which divides by the total."
            )
        chance = None if prob is None else aligned(prob, named)
        return cls(
            clusters=named,
            shares=values / total,
            prob=chance,
            elsewhere=elsewhere,
        )

    @classmethod
    def from_parts(
        cls,
        parts: Mapping[str, Mapping[Any, float]],
        *,
        clusters: Iterable[str] | None = None,
        prob: Mapping[Any, float] | None = None,
        elsewhere: float = 0.1,
    ) -> MembershipPrior:
        """Believe in intersections as in their parts, each part by itself.

        Parameters
        ----------
        parts
            For each part of a cluster, in the order of ``Evidence.from_frame(cluster=...)``,
            the share of belief by label; each part's shares must sum to 1 (within 1e-6).
        clusters
            Names of the candidate intersections, such as ``evidence.clusters``; left out,
            all combinations. The share of each is the product of its parts' shares, over the
            sum of these products: what is believed of combinations left out goes to the rest.
        prob
            For many homes, the probability of membership by cluster, each in (0, 1).
        elsewhere
            As in :meth:`uniform`.

        Raises
        ------
        BeliefError
            If a part's shares do not sum to 1, or a cluster has a label without a share.

        Examples
        --------
        >>> prior = MembershipPrior.from_parts(
        ...     {"place": {"north": 0.6, "south": 0.4}, "moment": {"day": 0.5, "night": 0.5}},
        ...     clusters=["north x day", "north x night", "south x night"],
        ... )
        >>> prior.shares.round(3).tolist()
        [0.375, 0.375, 0.25]
        """
        shares = product_of(parts, clusters)
        return cls.from_shares(shares, prob=prob, elsewhere=elsewhere)

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[Any, float],
        *,
        elsewhere: float = 0.1,
    ) -> MembershipPrior:
        """Believe in clusters as often as past artists turned out to live there.

        Parameters
        ----------
        counts
            Artists (or pseudo-artists) seen by cluster, each above 0. Add a half to a
            cluster never seen, rather than ruling it out.
        elsewhere
            As in :meth:`uniform`.
        """
        values = numbers(counts, "count")
        return cls(
            clusters=tuple(counts),
            shares=values / values.sum(),
            elsewhere=elsewhere,
        )

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        artist: str = "artist",
        cluster: str = "cluster",
        share: str | None = None,
        prob: str | None = None,
        elsewhere: float = 0.1,
    ) -> MembershipPrior:
        """Believe something else of each artist, from a table of artist, cluster and share.

        Parameters
        ----------
        frame
            One row per artist and cluster; any table narwhals reads, or a dictionary of
            columns. Every artist needs a row for every cluster.
        artist, cluster
            Columns of labels.
        share
            Column of shares, summing to 1 for each artist (default: ``"share"`` where present).
        prob
            Column of membership probabilities, for many homes (default: ``"prob"`` where present).
        elsewhere
            As in :meth:`uniform`.
        """
        import narwhals.stable.v2 as nw

        native = pd.DataFrame(frame) if isinstance(frame, Mapping) else frame
        table = nw.from_native(native).lazy().collect("pandas").to_native()
        share = share or ("share" if "share" in table else None)
        prob = prob or ("prob" if "prob" in table else None)
        wanted = [c for c in (artist, cluster, share, prob) if c is not None]
        absent = [c for c in wanted if c not in table]
        if absent or (share is None and prob is None):
            raise BeliefError(
                f"The prior's table has columns {list(table)}; it needs {artist!r}, {cluster!r} "
                f"and 'share' or 'prob'. Absent: {absent or ['share or prob']}."
            )
        wide = {c: pivot(table, artist, cluster, c) for c in (share, prob) if c is not None}
        shape = next(iter(wide.values()))
        chance = None if prob is None else wide[prob].to_numpy(float)
        parts = shape.to_numpy(float)
        if chance is not None:
            check_prob(chance, parts.shape)
        if share is None:
            parts = parts / parts.sum(axis=1, keepdims=True)
        check_rows_sum(parts, shape.index)
        return cls(
            clusters=tuple(shape.columns.tolist()),
            shares=parts / parts.sum(axis=1, keepdims=True),
            prob=chance,
            elsewhere=elsewhere,
            artists=tuple(shape.index.tolist()),
        )

    def table(self, artists: Sequence[Hashable], homes: Homes) -> Floats:
        """Return the prior probability of each pair: ``(artist, cluster)``.

        Parameters
        ----------
        artists
            Labels wanted, in order.
        homes
            ``"one"`` gives ``(1 - elsewhere) * share``, ``"many"`` gives ``prob``.

        Raises
        ------
        BeliefError
            If many homes are asked of a prior without ``prob``, or an artist has no row.
        """
        if homes == "many":
            if self.prob is None:
                raise BeliefError(
                    "Many homes need the probability of membership in each cluster, and this "
                    "prior states only shares of one home. Give prob=..., for example "
                    "MembershipPrior.uniform(clusters, prob=0.2)."
                )
            chance = self.prob
        else:
            chance = (1 - self.elsewhere) * self.shares
        if self.artists is None:
            return np.broadcast_to(chance, (len(artists), len(self.clusters))).copy()
        position = {label: i for i, label in enumerate(self.artists)}
        absent = [label for label in artists if label not in position]
        if absent:
            raise BeliefError(
                f"The prior has no row for artist {absent[0]!r}; {len(absent)} of "
                f"{len(artists)} artists are like this. Add their rows, or state one prior for all."
            )
        return chance[[position[label] for label in artists]]
