"""Cells: rows that are witnesses of one thing, summed.

A cell is (artist, cluster, release, factors, window, covariates), and whether it was bought
where an outcome informs in organic rows alone. Callers may trust that cutting a
row in two, or shuffling rows, changes no cell.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.evidence.parts import combined
from coterie.typing import Flags, Floats, Integers

_KEY: Final = (names.ARTIST, names.CLUSTER)


def sum_cells(
    counts: xr.Dataset,
    factors: tuple[str, ...],
    *,
    split_bought: bool,
    covariates: tuple[str, ...] = (),
) -> xr.Dataset:
    """Sum rows into cells.

    Parameters
    ----------
    counts
        ``numerator`` and ``denominator`` over (row, outcome), labels on row.
    factors
        Names of the factor labels.
    split_bought
        Whether bought and organic rows are kept apart.
    covariates
        Names of the covariates: rows whose values differ are different cells.

    Returns
    -------
    xarray.Dataset
        (cell, outcome); sums over the rows where both numerator and denominator
        were measured, NaN where no row of the cell measured both. Whole sums are
        exact up to 2**53.
    """
    key = _key(counts, factors, covariates)
    bought = bought_rows(counts)
    first, cell = places(counts, factors, split_bought=split_bought, covariates=covariates)
    size = first.size
    above, below = counts[names.NUMERATOR].to_numpy(), counts[names.DENOMINATOR].to_numpy()
    both = ~np.isnan(above) & ~np.isnan(below)
    dims = (names.CELL, names.OUTCOME)
    coords: dict[str, Any] = {
        k: (names.CELL, counts[k].to_numpy()[first]) for k in key
    } | {
        names.CELL: np.arange(size),
        names.OUTCOME: counts[names.OUTCOME].to_numpy(),
        names.BOUGHT: (names.CELL, np.bincount(cell[bought], minlength=size) > 0),
    }  # fmt: skip
    if names.WEIGHT in counts.coords:
        coords[names.WEIGHT] = (names.CELL, counts[names.WEIGHT].to_numpy()[first])
    sums = {
        side: (dims, _sums(values, both, cell, size))
        for side, values in ((names.NUMERATOR, above), (names.DENOMINATOR, below))
    }
    return xr.Dataset(sums, coords=coords, attrs=dict(counts.attrs))


def places(
    counts: xr.Dataset,
    factors: tuple[str, ...],
    *,
    split_bought: bool,
    covariates: tuple[str, ...] = (),
) -> tuple[Integers, Integers]:
    """Return the first row of each cell, (cell,), and each row's cell, (row,).

    Parameters as in :func:`sum_cells`, whose cells stand in the same order.
    """
    key = _key(counts, factors, covariates)
    codes = [pd.factorize(counts[k].to_numpy(), sort=True)[0] for k in key]
    if split_bought:
        codes.append(bought_rows(counts).astype(np.int64))
    return _numbered(codes)


def _key(counts: xr.Dataset, factors: tuple[str, ...], covariates: tuple[str, ...]) -> list[str]:
    release = [names.RELEASE] if names.RELEASE in counts.coords else []
    return [*_KEY, *release, *factors, names.WINDOW, *covariates]


def bought_rows(counts: xr.Dataset) -> Flags:
    """Return whether each row was paid for: (row,)."""
    if names.SPEND not in counts.coords:
        return np.zeros(counts.sizes[names.ROW], dtype=bool)
    spent: Flags = np.nan_to_num(counts[names.SPEND].to_numpy()) > 0
    return spent


def _numbered(codes: list[Any]) -> tuple[Integers, Integers]:
    """First row of each cell, in the order of the codes, and each row's cell."""
    _, first, cell = np.unique(
        combined([np.asarray(c, dtype=np.int64) for c in codes]),
        return_index=True,
        return_inverse=True,
    )
    return first, cell


def _sums(values: Floats, both: Flags, cell: Integers, size: int) -> Floats:
    sums = np.full((size, values.shape[1]), np.nan)
    for outcome in range(values.shape[1]):
        rows = np.flatnonzero(both[:, outcome])
        own, place = values[rows, outcome], cell[rows]
        if (own != np.floor(own)).any():
            # Sums of fractions depend on their order: fix it by value.
            order = np.lexsort((own, place))
            own, place = own[order], place[order]
        measured = np.bincount(place, minlength=size) > 0
        total = np.bincount(place, weights=own, minlength=size)
        sums[:, outcome] = np.where(measured, total, np.nan)
    return sums
