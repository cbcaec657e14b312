"""Writing: a table back into the columns it was read from.

Callers may trust that what is written, read again with the same arguments, makes the same
Evidence: counts stay whole, what was not measured stays missing, and labels keep their type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coterie import names

if TYPE_CHECKING:
    from coterie.evidence.table import Evidence


def to_frame(evidence: Evidence) -> pd.DataFrame:
    """Return the rows under the user's own column names, as ``Evidence.to_frame`` says."""
    counts, layout = evidence.counts, evidence.layout
    columns: dict[str, Any] = {
        column: _labels_out(counts[name].to_numpy()) for name, column in layout.keys.items()
    }
    if layout.period is not None:
        columns[layout.period[0]] = counts[names.PERIOD_START].to_numpy().copy()
        columns[layout.period[1]] = counts[names.PERIOD_END].to_numpy().copy()
    if layout.seen is not None:
        columns[layout.seen] = counts[names.SEEN].to_numpy().copy()
    columns |= {c.name: counts[c.name].to_numpy().copy() for c in evidence.covariates}
    if layout.weight is not None:
        columns[layout.weight] = counts[names.WEIGHT].to_numpy().copy()
    columns |= _amounts_out(evidence)
    if layout.spend is not None:
        columns[layout.spend] = counts[names.SPEND].to_numpy().copy()
    if layout.currency is not None:
        columns[layout.currency] = _currency_out(evidence)
    return pd.DataFrame(columns)


def _labels_out(values: NDArray[Any]) -> Any:
    return pd.Series(values, dtype="str") if values.dtype == object else values.copy()


def _currency_out(evidence: Evidence) -> pd.Series[Any]:
    code = evidence.counts.attrs.get("currency")
    rows = pd.Series([None] * len(evidence), dtype=object)
    if code is not None and names.SPEND in evidence.counts.coords:
        rows[evidence.counts[names.SPEND].notnull().to_numpy()] = code
    return rows


def _amounts_out(evidence: Evidence) -> dict[str, Any]:
    above = evidence.counts[names.NUMERATOR].to_numpy()
    below = evidence.counts[names.DENOMINATOR].to_numpy()
    found: dict[str, Any] = {}
    whole: set[str] = set()
    for i, outcome in enumerate(evidence.outcomes):
        for column, values in ((outcome.numerator, above), (outcome.denominator, below)):
            found[column] = values[:, i]
        whole |= {outcome.numerator} | (
            {outcome.denominator} if outcome.kind == "binary" else set()
        )
    return {c: _whole_out(v) if c in whole else v.copy() for c, v in found.items()}


def _whole_out(values: NDArray[np.float64]) -> Any:
    absent = np.isnan(values)
    exact = np.where(absent, 0, values).astype(np.int64)
    return pd.arrays.IntegerArray(exact, absent) if absent.any() else exact


def stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of two written tables one after the other, under the names of both."""
    n_rows = (len(first), len(second))
    columns = {}
    for name in dict.fromkeys([*first.columns, *second.columns]):
        # A column that one table lacks was not measured there.
        pieces = [
            (f[name] if name in f else pd.Series([None] * n, dtype=object)).astype(object)
            for f, n in zip((first, second), n_rows, strict=True)
        ]
        joined = pd.concat(pieces, ignore_index=True)
        columns[name] = joined
    return pd.DataFrame(columns, dtype=object)
