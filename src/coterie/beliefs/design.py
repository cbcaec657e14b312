"""Design: the cells of an Evidence as flat arrays, in the codes of one inventory.

One observation is one outcome measured in one cell. Callers may trust that
observations are sorted by pair (artist, cluster), that unmeasured outcomes and
zero denominators are simply absent, and that every code points into
:class:`Levels`. Knows nothing of priors or samplers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from coterie import names
from coterie.beliefs.crossed import with_parts
from coterie.beliefs.maturity import Ages, ages_of
from coterie.beliefs.smooth import Axes, grids, smooth_levels
from coterie.evidence import Covariate, Cycle, Evidence, Outcome
from coterie.typing import Flags, Floats, Integers

type Labels = NDArray[Any]

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Levels:
    """The names a model knows: artists, clusters, windows and the levels of each factor.

    ``late`` names the outcomes that may have a delay.
    ``crossed`` are the factors that follow from other labels, each with its members;
    ``parts`` the factors that a cluster is the intersection of, if it is one; ``cycles`` are
    the factors that come round.
    """

    artists: Labels
    clusters: Labels
    windows: Labels
    factors: dict[str, Labels]
    outcomes: tuple[Outcome, ...]
    covariates: tuple[Covariate, ...] = ()
    late: tuple[str, ...] = ()
    crossed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    cycles: tuple[Cycle, ...] = ()

    @classmethod
    def of(cls, evidence: Evidence, clusters: Sequence[Any] | None = None) -> Levels:
        """Read the inventory of a table; ``clusters`` gives their order and any without rows."""
        counts = evidence.counts
        named = evidence.clusters if clusters is None else as_labels(clusters)
        read = evidence.layout
        factors = {f: pd.unique(np.sort(counts[f].to_numpy())) for f in evidence.factors}
        factors = with_parts(factors, named, read.parts, read.derived)
        return cls(
            artists=evidence.artists,
            clusters=named,
            windows=np.unique(counts[names.WINDOW].to_numpy().astype(object)),
            factors=smooth_levels(factors, named, read),
            outcomes=evidence.outcomes,
            covariates=evidence.covariates,
            crossed=read.derived,
            parts=read.parts,
            cycles=read.cycles,
        )

    @property
    def nested(self) -> bool:
        """Whether factors or clusters split one another's levels."""
        return bool(self.crossed or self.parts)

    @property
    def smooth(self) -> dict[str, Axes]:
        """Factors whose levels are on a cycle, or on a grid with one, each with its axes."""
        return grids(self)

    @property
    def outcome_names(self) -> list[str]:
        """Names of the outcomes, in order."""
        return [outcome.name for outcome in self.outcomes]


@dataclass(frozen=True, slots=True)
class Design:
    """Observations in codes; every array is over (observation,) unless it says otherwise.

    Attributes
    ----------
    y, n
        Numerator and denominator (successes of trials; events of an exposure).
    outcome, artist, cluster, window
        Codes into the levels; -1 where the level is not known.
    factor
        Codes of each factor, one array a factor.
    informs
        1.0 where the observation can move membership, else 0.0.
    is_count
        Whether the outcome is a count.
    weight
        Power on the observation's log mass, in [0, 1]: below 1 where evidence fades, and 0 is
        as if the observation were not there.
    pair
        Position of the observation's (artist, cluster) pair.
    pair_artist, pair_cluster
        Codes over (pair,).
    cell
        Position of the observation's cell.
    covariate
        Values of each covariate in its units, one array a covariate.
    frequency
        Units the observation's artist stands for; ``None`` where each is one.
    ages
        How old people were when they were counted; ``None`` where no outcome may be late.
    """

    y: Floats
    n: Floats
    outcome: Integers
    artist: Integers
    cluster: Integers
    window: Integers
    factor: tuple[Integers, ...]
    informs: Floats
    is_count: Flags
    weight: Floats
    pair: Integers
    pair_artist: Integers
    pair_cluster: Integers
    cell: Integers
    covariate: tuple[Floats, ...] = ()
    frequency: Floats | None = None
    ages: Ages | None = None

    @property
    def pair_start(self) -> Integers:
        """First observation of each pair, and the end: (pair + 1,)."""
        return np.searchsorted(self.pair, np.arange(self.pair_artist.size + 1))

    @property
    def artist_start(self) -> Integers:
        """First pair of each artist code, and the end; pairs are sorted by artist."""
        artists = int(self.pair_artist.max(initial=-1)) + 1
        return np.searchsorted(self.pair_artist, np.arange(artists + 1))

    def as_if(self, arrived: Floats) -> Design:
        """Return the observations with only the people whose answer is there: (observation,)."""
        fewer = self.n * arrived
        return replace(self, n=np.where(self.is_count, fewer, np.maximum(fewer, self.y)))

    def stands_for(self, artists: int) -> Floats:
        """Return the units each artist stands for: (artist,)."""
        units = np.ones(artists)
        if self.frequency is not None:
            units[self.artist] = self.frequency
        return units


def design(evidence: Evidence, levels: Levels) -> Design:
    """Lay the cells of a table out as flat observations."""
    cells = evidence.cells()
    y, n = cells[names.NUMERATOR].to_numpy(), cells[names.DENOMINATOR].to_numpy()
    cell, outcome = np.nonzero(np.nan_to_num(n) > 0)
    codes = cell_codes(cells, levels)
    size = cells.sizes[names.CELL]
    frequency = cells[names.WEIGHT].to_numpy() if names.WEIGHT in cells.coords else np.ones(size)
    power = cells[names.POWER].to_numpy() if names.POWER in cells.coords else np.ones(size)
    artist, cluster = codes.artist[cell], codes.cluster[cell]
    order = np.lexsort((outcome, cell, cluster, artist))
    cell, outcome = cell[order], outcome[order]
    artist, cluster = artist[order], cluster[order]
    flat = artist * max(len(levels.clusters), 1) + cluster
    kept, pair = np.unique(flat, return_inverse=True)
    return Design(
        y=y[cell, outcome],
        n=n[cell, outcome],
        outcome=outcome,
        artist=artist,
        cluster=cluster,
        window=codes.window[cell],
        factor=tuple(f[cell] for f in codes.factor),
        informs=informs(levels.outcomes, cells[names.BOUGHT].to_numpy())[cell, outcome],
        is_count=np.array([o.kind == "count" for o in levels.outcomes])[outcome],
        weight=power[cell],
        pair=pair.astype(np.int64),
        pair_artist=kept // max(len(levels.clusters), 1),
        pair_cluster=kept % max(len(levels.clusters), 1),
        cell=cell,
        covariate=tuple(c.scaled(cells[c.name].to_numpy())[cell] for c in levels.covariates),
        frequency=frequency[cell] if (frequency != 1).any() else None,
        ages=ages_of(evidence, levels.late, cell, outcome) if levels.late else None,
    )


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of labelled rows or cells; -1 marks a level the inventory does not have."""

    artist: Integers
    cluster: Integers
    window: Integers
    factor: tuple[Integers, ...]


def cell_codes(table: xr.Dataset, levels: Levels) -> Codes:
    """Look up the labels of rows or cells in an inventory."""
    return Codes(
        artist=lookup(table[names.ARTIST].to_numpy(), levels.artists),
        cluster=lookup(table[names.CLUSTER].to_numpy(), levels.clusters),
        window=lookup(table[names.WINDOW].to_numpy(), levels.windows),
        factor=tuple(
            lookup(table[f].to_numpy(), known)
            if f in table.coords
            else np.full(table[names.ARTIST].size, UNKNOWN, dtype=np.int64)
            for f, known in levels.factors.items()
        ),
    )


def informs(outcomes: Sequence[Outcome], bought: Flags) -> Floats:
    """Return 1.0 where an outcome of a cell can move membership: (cell, outcome)."""
    columns = [
        ~bought if outcome.informs == "organic" else np.full(bought.size, bool(outcome.informs))
        for outcome in outcomes
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def lookup(labels: Labels, known: Labels) -> Integers:
    """Return the position of each label among the known ones, -1 where it is new."""
    return pd.Index(known).get_indexer(pd.Index(labels)).astype(np.int64)


def as_labels(labels: Sequence[Any]) -> Labels:
    """Return labels as an array that keeps whole numbers whole and text as objects."""
    if labels and all(isinstance(label, int | np.integer) for label in labels):
        return np.array(labels, dtype=np.int64)
    out = np.empty(len(labels), dtype=object)
    out[:] = list(labels)
    return out
