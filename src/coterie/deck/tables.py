"""Tables: a frame into a file that spreadsheets open without running what it says.

Callers may trust that a file is whole or not there, and that no cell of text begins a formula.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd

from coterie.errors import EvidenceError, FindingError

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def in_folder(path: str | os.PathLike[str]) -> Path:
    """Return a path whose folder is there.

    Raises
    ------
    FindingError
        If it is not.
    """
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise FindingError(f"The folder {target.parent} of {path} does not exist. Make it first.")
    return target


@contextmanager
def written_whole(path: str | os.PathLike[str], ending: str = "") -> Iterator[Path]:
    """Give a file beside ``path`` to write, and put it there when it is whole.

    ``ending`` is for writers that read the kind of a file off its name.
    """
    target = in_folder(path)
    beside = target.with_name(f".{target.name}.part{ending}")
    try:
        yield beside
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a frame as .csv or .parquet.

    Parameters
    ----------
    frame
        Typed columns.
    path
        Ends in ``.csv`` (UTF-8; text that would begin a formula gets a leading apostrophe) or
        ``.parquet`` (as it is).

    Raises
    ------
    EvidenceError
        If the name ends in anything else.
    """
    kind = Path(path).suffix
    if kind not in (".csv", ".parquet"):
        raise EvidenceError(f"{path} is neither .csv nor .parquet. Name it as one of them.")
    try:
        with written_whole(path) as beside:
            if kind == ".parquet":
                frame.to_parquet(beside, index=False)
            else:
                defused(frame).to_csv(beside, index=False, lineterminator="\n")
    except (TypeError, ValueError) as error:
        if isinstance(error, FindingError):
            raise
        raise EvidenceError(
            f"{path} cannot hold this table: {error}. Give each column one kind of value."
        ) from None


def write_new(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text file that somebody will fill in; never over one.

    Parameters
    ----------
    text
        What it says, in UTF-8.
    path
        Where.

    Raises
    ------
    EvidenceError
        If a file is there.
    """
    target = Path(path)
    if target.exists():
        raise EvidenceError(
            f"{path} is there already, and what was filled in would be lost. Name another."
        )
    with written_whole(target) as beside:
        beside.write_text(text, encoding="utf-8")


def defused(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose text starts no formula in a spreadsheet."""

    def plain(cell: Any) -> Any:
        return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell

    made = {
        str(plain(name)): column
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
        else column.map(plain)
        for name, column in frame.items()
    }
    return pd.DataFrame(made, index=frame.index)
