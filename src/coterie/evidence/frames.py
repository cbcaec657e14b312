"""Frames: any table in, plain columns out.

Reads what narwhals reads (pandas, polars eager and lazy, pyarrow, DuckDB
relations) and dictionaries of columns. Callers may trust that columns come by
position, that no integer lost a digit, and that the caller's table is neither
changed nor shared. Knows nothing of what a column means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from coterie.errors import EvidenceError, Problem
from coterie.evidence.wording import listed, of_table

type Columns = dict[str, pd.Series[Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose columns are read when asked for.

    Attributes
    ----------
    names
        Column names, in the table's order.
    index_names
        Names hidden in the index of a pandas frame, for hints only.
    fetch
        From names to columns, each a new series over positions 0 to n - 1.
    """

    names: tuple[str, ...]
    index_names: tuple[str, ...]
    fetch: Callable[[Iterable[str]], Columns]


def open_table(frame: Any) -> Table:
    """Open a frame of any supported kind.

    Parameters
    ----------
    frame
        A pandas, polars or pyarrow table, a DuckDB relation, anything else that
        narwhals reads, or a dictionary of columns of equal length.

    Raises
    ------
    EvidenceError
        If it is of another type, or its columns cannot be told apart.
    """
    if isinstance(frame, Mapping) and type(frame).__module__.startswith("xarray"):
        raise EvidenceError([_unsupported(frame)])
    if isinstance(frame, Mapping):
        frame = _from_mapping(frame)
    if isinstance(frame, pd.DataFrame):
        return _open_pandas(frame)
    _refuse_repeated(getattr(frame, "column_names", None))
    try:
        narwhal = nw.from_native(frame)
    except TypeError:
        raise EvidenceError([_unsupported(frame)]) from None
    names = tuple(narwhal.collect_schema().names())
    return Table(names, (), lambda wanted: _fetch_narwhals(narwhal, list(wanted)))


def _open_pandas(frame: pd.DataFrame) -> Table:
    if isinstance(frame.columns, pd.MultiIndex):
        raise EvidenceError(
            [
                of_table(
                    "multiindex-columns", "error", None,
                    message=f"columns have {frame.columns.nlevels} levels.",
                    fix="Give each column one name, for example by joining the levels with '_'.",
                )
            ]
        )  # fmt: skip
    names = tuple(str(name) for name in frame.columns)
    _refuse_repeated(names)
    positions = {name: i for i, name in enumerate(names)}

    def fetch(wanted: Iterable[str]) -> Columns:
        # A copy: the caller may change the frame in place afterwards.
        return {n: frame.iloc[:, positions[n]].reset_index(drop=True).copy() for n in wanted}

    return Table(names, tuple(str(n) for n in frame.index.names if n is not None), fetch)


def _from_mapping(columns: Mapping[Any, Any]) -> pd.DataFrame:
    lengths = {
        str(name): len(column) if _has_length(column) else None for name, column in columns.items()
    }
    if len(set(lengths.values())) > 1 or None in lengths.values():
        words = [f"'{n}' {'one value' if k is None else f'{k:,}'}" for n, k in lengths.items()]
        raise EvidenceError(
            [
                of_table(
                    "unequal-columns", "error", None,
                    message=f"columns differ in length: {listed(words, 8)}.",
                    fix="Give every column one value for each row; nothing is repeated for you.",
                )
            ]
        )  # fmt: skip
    # Without their own labels: a series' index would otherwise align and reorder the columns.
    bare = {n: c.array if isinstance(c, pd.Series) else c for n, c in columns.items()}
    try:
        return pd.DataFrame(bare)
    except (ValueError, TypeError) as error:
        problem = of_table(
            "unequal-columns", "error", None,
            message=f"the columns make no table: {error}.",
            fix="Give every column one value for each row.",
        )  # fmt: skip
        raise EvidenceError([problem]) from None


def _has_length(column: Any) -> bool:
    return hasattr(column, "__len__") and not isinstance(column, str | bytes)


def _unsupported(frame: Any) -> Problem:
    kind = type(frame)
    hint = "Read the file first, for example with pandas.read_csv."
    if not isinstance(frame, str | bytes) and not hasattr(frame, "__fspath__"):
        hint = (
            "Give a pandas, polars or pyarrow table, a DuckDB relation or a dictionary of columns "
            "(an xarray Dataset: .to_dataframe().reset_index())."
        )
    return of_table(
        "unsupported-type", "error", None,
        message=f"a table was expected, not {kind.__module__}.{kind.__qualname__}.",
        fix=hint,
    )  # fmt: skip


def _refuse_repeated(names: Iterable[Any] | None) -> None:
    seen: set[str] = set()
    repeated = {str(n) for n in names or () if str(n) in seen or seen.add(str(n))}  # type: ignore[func-returns-value]
    if repeated:
        problems = [
            of_table(
                "duplicate-column", "error", name,
                message=f"column {name!r} is there more than once.",
                fix="Rename or drop all but one; which of them is meant cannot be known.",
            )
            for name in sorted(repeated)
        ]  # fmt: skip
        raise EvidenceError(problems)


def _fetch_narwhals(frame: Any, wanted: list[str]) -> Columns:
    if not wanted:
        return {}
    chosen = frame.select(*wanted)
    if isinstance(chosen, nw.LazyFrame):
        chosen = _collected(chosen)
    return {name: _series(chosen[name]) for name in wanted}


def _collected(lazy: Any) -> Any:
    # polars collects itself; others go through pyarrow, which keeps integers beside
    # missing values whole, and through pandas where pyarrow is not installed.
    if lazy.implementation.is_polars():
        return lazy.collect()
    return lazy.collect("pyarrow" if find_spec("pyarrow") else "pandas")


def _series(column: Any) -> pd.Series[Any]:
    dtype = column.dtype
    if dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128):
        absent = np.array(column.is_null().to_numpy(), dtype=bool)
        whole = np.array(column.fill_null(0).to_numpy())
        return pd.Series(pd.arrays.IntegerArray(whole, absent) if absent.any() else whole)
    if dtype.is_float():
        return pd.Series(np.array(column.fill_null(float("nan")).to_numpy()))
    if isinstance(dtype, nw.Date):
        return pd.Series(np.array(column.cast(nw.Datetime("us")).to_numpy()))
    if isinstance(dtype, nw.Datetime):
        return pd.Series(np.array(column.dt.replace_time_zone(None).to_numpy()))
    if dtype in (nw.Categorical, nw.Enum):
        column = column.cast(nw.String)
    return pd.Series(column.to_list(), dtype=object)
