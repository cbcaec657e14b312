"""The bundled real data: small tables nobody here made up, with where they come from.

Callers may trust that rows are those of the source, unchanged, and that each load
is a fresh frame of their own. Refuses to fetch anything.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, Literal

import pandas as pd

from coterie.errors import EvidenceError
from coterie.evidence.outcomes import Outcome
from coterie.names import PERIOD_END, PERIOD_START

_TEXT: Final = {
    "playlists": ("artist_id", "artist", "cluster", "context", "window"),
}
_DATES: Final = {
    "early": ("2019-12-01", "2020-06-04"),
    "late": ("2020-08-01", "2021-03-10"),
}


def names() -> tuple[str, ...]:
    """Return the names of the bundled tables.

    Examples
    --------
    >>> names()
    ('playlists',)
    """
    return tuple(_TEXT)


def about(name: str) -> str:
    """Return what a bundled table is, where it comes from and what it cannot say.

    Parameters
    ----------
    name
        One of :func:`names`.

    Raises
    ------
    EvidenceError
        If no bundled table has that name.

    Examples
    --------
    >>> "curators' decisions, not listeners'" in about("playlists")
    True
    """
    _check_name(name)
    return _bundled(f"{name}.md").read_text(encoding="utf-8")


def load(name: str, window: Literal["early", "late"] | None = None) -> pd.DataFrame:
    """Load a bundled table: curators' decisions, not listeners'.

    Each row of ``playlists`` counts the playlist placements of one artist in one
    cluster, context and window. :func:`about` tells what every column means.

    Parameters
    ----------
    name
        One of :func:`names`.
    window
        ``"early"`` (2019-12-01 to 2020-06-04), ``"late"`` (2020-08-01 to 2021-03-10),
        or ``None`` for both.

    Returns
    -------
    pandas.DataFrame
        The source's columns, then ``period_start`` and ``period_end``: the first and
        last day of the row's window.

    Raises
    ------
    EvidenceError
        If no bundled table, or no window of it, has that name.

    Examples
    --------
    >>> early = load("playlists", window="early")
    >>> len(early), early["artist"].nunique()
    (617, 243)
    """
    _check_name(name)
    if window is not None and window not in _DATES:
        raise EvidenceError(f'window is {window!r}; it is "early", "late" or None for both.')
    with _bundled(f"{name}.csv.gz").open("rb") as stream:
        # An artist may be called "None" or "NA", so no text is read as missing.
        frame = pd.read_csv(
            stream,
            compression="gzip",
            dtype=dict.fromkeys(_TEXT[name], str),
            keep_default_na=False,
        )
    for column, place in ((PERIOD_START, 0), (PERIOD_END, 1)):
        dates = {label: pd.Timestamp(span[place]) for label, span in _DATES.items()}
        frame[column] = frame["window"].map(dates).astype("datetime64[ns]")
    if window is not None:
        frame = frame[frame["window"] == window].reset_index(drop=True)
    return frame


def playlist_outcomes() -> tuple[Outcome, ...]:
    """Return the outcomes of the ``playlists`` table: curators' decisions, not listeners'.

    Returns
    -------
    tuple of Outcome
        ``kept`` and ``spread`` out of placements, ``returned`` out of entries, and
        ``downstream``, tracks counted over entries. All inform membership.

    Examples
    --------
    >>> [outcome.name for outcome in playlist_outcomes()]
    ['kept', 'spread', 'returned', 'downstream']
    """
    return (
        Outcome.binary("kept", successes="kept28", trials="placements"),
        Outcome.binary("spread", successes="spread56", trials="placements"),
        Outcome.binary("returned", successes="entries_returned56", trials="entries"),
        Outcome.count("downstream", total="downstream56", exposure="entries"),
    )


def placements(window: Literal["early", "late"]) -> pd.DataFrame:
    """Return where every artist of ``playlists`` was placed in a window, and where it was not.

    Parameters
    ----------
    window
        As in :func:`load`.

    Returns
    -------
    pandas.DataFrame
        One row per artist and cluster, contexts summed: ``artist``, ``cluster``, ``placements``
        (0 is stated), ``cluster_total``, the placements of all artists there, ``kept28``,
        ``spread56``, ``entries`` and ``downstream56``. Artists without a placement in the window
        have no row.

    Examples
    --------
    >>> placements("early").groupby("artist").size().unique().tolist()
    [10]
    """
    frame = load("playlists", window)
    counted = ["placements", "kept28", "spread56", "entries", "downstream56"]
    table = frame.groupby(["artist", "cluster"])[counted].sum()
    clusters = sorted(load("playlists")["cluster"].unique())
    grid = [sorted(frame["artist"].unique()), clusters]
    whole = pd.MultiIndex.from_product(grid, names=["artist", "cluster"])
    found = table.reindex(whole, fill_value=0).reset_index()
    total = found.groupby("cluster")["placements"].transform("sum")
    return found.assign(cluster_total=total)


def placement_outcomes() -> tuple[Outcome, ...]:
    """Return the outcomes of :func:`placements`: curators' decisions, not listeners'.

    Returns
    -------
    tuple of Outcome
        ``placed``, placements out of all artists' there, then ``kept``, ``spread`` and
        ``downstream`` of :func:`playlist_outcomes`. All inform membership.

    Examples
    --------
    >>> [outcome.name for outcome in placement_outcomes()]
    ['placed', 'kept', 'spread', 'downstream']
    """
    kept, spread, _, downstream = playlist_outcomes()
    placed = Outcome.count("placed", total="placements", exposure="cluster_total")
    return placed, kept, spread, downstream


def _check_name(name: str) -> None:
    if name not in _TEXT:
        close = get_close_matches(str(name), _TEXT, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(_TEXT)}."
        raise EvidenceError(f"no bundled table is called {name!r}. {hint}")


def _bundled(file: str) -> Traversable:
    return files("coterie.evidence").joinpath("bundled", file)
