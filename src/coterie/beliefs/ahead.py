"""Ahead: the rates of the next comparable cell of every pair, draw by draw.

What decisions are made from. Callers may trust that all outcomes and clusters of a draw belong
together: one affinity a cluster and one state of the population.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs.poststratifying import averaged, chosen_artists, every_pair
from coterie.beliefs.predicting import predict_levels
from coterie.beliefs.rows import Known
from coterie.beliefs.tree import refuse_partial

if TYPE_CHECKING:
    from coterie.beliefs.tree import Beliefs

_ROWS: Final = 500
_BYTES: Final = 2**28
"""Of repeated draws that are laid out at once."""


def next_rates(
    beliefs: Beliefs, *, artists: Sequence[Any] | None = None, rng: np.random.Generator
) -> xr.DataArray:
    """Draw the rates of the next comparable cell of artists in every cluster.

    Parameters
    ----------
    beliefs
        Fitted.
    artists
        Labels wanted, in order; left out, all.
    rng
        Source of all chance.

    Returns
    -------
    xarray.DataArray
        (chain, draw, artist, cluster, outcome): rates in [0, 1] of binary outcomes, events per
        unit of exposure of counts, outcomes in the order of the evidence. Factors are averaged
        as the ledger has them, covariates stand at their mean in each cluster's ledger.
    """
    return levels_and_rates(beliefs, artists=artists, rng=rng)[1]


def levels_and_rates(
    beliefs: Beliefs, *, artists: Sequence[Any] | None = None, rng: np.random.Generator,
    times: int = 1,
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:  # fmt: skip
    """Draw as :func:`next_rates` does, and what many such cells come to on average.

    Parameters
    ----------
    beliefs, artists, rng
        As in :func:`next_rates`.
    times
        How often a window is drawn at each draw of the fit.

    Returns
    -------
    levels, rates, kappas
        Each (chain, draw, artist, cluster, outcome), and of the same draws; kappa is the
        concentration of a cell's rate about its level.
    """
    refuse_partial(beliefs)
    known = Known.of(beliefs)
    wanted = known.levels.artists if artists is None else chosen_artists(artists, known)
    clusters = known.levels.clusters
    step = max(1, _ROWS // len(clusters))
    everything = pd.DataFrame(index=[0])
    found: list[list[xr.DataArray]] = []
    weight = np.ones((len(clusters), 1))
    for first in range(0, len(wanted), step):
        some = wanted[first : first + step]
        rows = every_pair(beliefs.evidence, known, some, everything)
        parts = [
            [
                _one_table(averaged(t, weight, some, clusters))
                for t in predict_levels(k, rows, rng=rng)
            ]
            for k in _repeated(known, times)
        ]
        found.append([_end_to_end(side) for side in zip(*parts, strict=True)])
    order = {names.OUTCOME: [o.name for o in beliefs.evidence.outcomes]}
    made = [xr.concat(side, names.ARTIST).sel(order) for side in zip(*found, strict=True)]
    return made[0], made[1], made[2]


def _repeated(known: Known, times: int) -> Iterator[Known]:
    """Give every draw several times, at most so often at once as memory allows."""
    if times == 1:
        yield known
        return
    step = max(1, _BYTES // known.posterior.nbytes)
    for first in range(0, times, step):
        yield known.repeated(min(step, times - first))


def _end_to_end(parts: Sequence[xr.DataArray]) -> xr.DataArray:
    if len(parts) == 1:
        return parts[0]
    found = xr.concat(parts, names.DRAW)
    return found.assign_coords({names.DRAW: np.arange(found.sizes[names.DRAW])})


def _one_table(drawn: xr.Dataset) -> xr.DataArray:
    parts = [
        drawn[name].rename({dim: names.OUTCOME})
        for name, dim in (
            (names.RATE, names.BINARY_OUTCOME), (names.INTENSITY, names.COUNT_OUTCOME),
        )
    ]  # fmt: skip
    kept = [part.drop_vars([v for v in part.coords if v not in part.dims]) for part in parts]
    return xr.concat([part for part in kept if part.sizes[names.OUTCOME]], dim=names.OUTCOME)
