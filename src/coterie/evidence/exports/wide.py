"""Wide tables: a column of days and one column for each artist, as Chartmetric compares them.

Such a header says nothing that others do not, so that the days below it decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from coterie.evidence.exports.kinds import Field, Header, Kind

_DAY: Final = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4}")


def wide_header(rows: Sequence[Sequence[Any]]) -> Header | None:
    """Recognise a comparison of artists, or return None."""
    if len(rows) < 2 or not rows[0]:  # noqa: PLR2004 - a header and a row
        return None
    first, *artists = (str(cell).strip() for cell in rows[0])
    while artists and not artists[-1]:
        artists.pop()
    days = [row[0] for row in rows[1:] if row and any(str(c).strip() for c in row)]
    dated = days and all(isinstance(d, str) and _DAY.fullmatch(d.strip()) for d in days)
    if first != "Date" or not artists or not all(artists) or not dated:
        return None
    if len({*artists, "date", "artist"}) != len(artists) + 2:
        return None
    fields = [Field("date", "date", {"en": ("Date",)})]
    fields += [Field(artist, "number", {"en": (artist,)}) for artist in artists]
    kind = Kind(
        "chartmetric", "comparison", tuple(fields), needs=frozenset({"date"}), lacks=("metric",)
    )
    at = {one.name: i for i, one in enumerate(fields)}
    return Header(kind=kind, row=0, at=at, currencies={}, unread=())


def lengthened(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Put artists one below the other: columns ``date``, ``artist`` and the metric."""
    return frame.melt("date", var_name="artist", value_name=metric)
