"""Tables: what somebody handed in beside evidence, as plain columns.

Read as evidence is read: pandas, polars, pyarrow, DuckDB and dictionaries of columns. Callers may
trust that columns are named by text, each name once, and that the caller's table is not shared.
Knows nothing of what a column means.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from coterie.errors import EvidenceError, FindingError
from coterie.evidence import open_table


def frame_of(table: Any, what: str) -> pd.DataFrame:
    """Return any table as a frame of its own.

    Parameters
    ----------
    table
        What was handed in.
    what
        What it is, for the error: ``"tracks"``.

    Raises
    ------
    FindingError
        If it is no table, or a column stands in it more than once.
    """
    try:
        opened = open_table(table)
        return pd.DataFrame(opened.fetch(opened.names))
    except EvidenceError as error:
        first, *others = error.problems
        more = f" {len(others)} more are like this." if others else ""
        raise FindingError(
            f"{what} is no table that can be read: {first.message}{more} {first.fix}"
        ) from None
