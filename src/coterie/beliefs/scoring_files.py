"""Scoring files: a catalogue on disk is scored part by part, from parquet to parquet.

Callers may trust that no more than a few parts are in memory, that the order of artists is
kept, that numbers do not depend on where parts end or who computes them, and that the target
is there whole or not at all.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.beliefs.ledger import evidence_of
from coterie.beliefs.scoring import DRAWS, Population, score
from coterie.beliefs.whole_files import replacing
from coterie.errors import BeliefError, EvidenceError

if TYPE_CHECKING:
    from coterie.beliefs.priors import MembershipPrior

ROWS: Final = 20_000
_AHEAD: Final = 4
"""Parts that are read before the first of them is done."""


def score_file(  # noqa: PLR0913 - as score, with where from, where to and who computes
    population: Population,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    prior: MembershipPrior | None = None,
    draws: int = DRAWS,
    prob: float | None = None,
    seed: int = 0,
    rows: int = ROWS,
    executor: Executor | None = None,
) -> int:
    """Score a catalogue that does not fit into memory.

    Parameters
    ----------
    population, prior, draws, prob, seed
        As in :func:`coterie.score`.
    source
        Parquet file of rows, those of one artist one after the other, under the column names
        of the table that was fitted.
    target
        Parquet file to write: the columns of :func:`coterie.score`. Its metadata say the
        interval's kind and probability.
    rows
        Rows of a part, about.
    executor
        Computes parts, in processes or on other machines
        (:class:`concurrent.futures.Executor`). Left out, they are computed here.

    Returns
    -------
    int
        Artists scored.

    Raises
    ------
    EvidenceError
        If a part cannot be read as evidence, or an artist's rows are not together.
    BeliefError
        As :func:`coterie.score`, or if pyarrow is not installed.

    Examples
    --------
    >>> rows = {"artist": ["New"] * 2, "cluster": ["gym", "focus"], "listeners": [400, 300]}
    >>> rows |= {"saves": [40, 9], "adds": [20, 6], "follows": [9, 1]}
    >>> rows |= {"new_listeners": [200, 180], "downstream_streams": [700, 150]}
    >>> rows |= {"spend": [200.0, 200.0]}
    >>> pd.DataFrame(rows).to_parquet(folder / "new.parquet")
    >>> population = co.example_beliefs().population
    >>> co.score_file(population, folder / "new.parquet", folder / "beliefs.parquet", draws=8)
    1
    """
    parquet = _parquet()
    column = evidence_of(population.tree[names.LEDGER].to_dataset()).layout.artist
    work = partial(_scored, population, prior=prior, draws=draws, prob=prob, seed=seed)
    parts = _parts(parquet, source, column, rows)
    folder = Path(os.path.realpath(target)).parent
    if not folder.is_dir():
        raise BeliefError(
            f"The folder {str(folder)!r} does not exist, so nothing was scored. Make it first."
        )
    total, writer = 0, None
    with replacing(Path(os.path.realpath(target)), str(target)) as beside:
        try:
            for table in _in_order(work, parts, executor):
                if writer is None:
                    writer = parquet.ParquetWriter(beside, table.schema)
                writer.write_table(table)
                total += len(np.unique(table.column(names.ARTIST).to_numpy()))
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise EvidenceError(f"{str(source)!r} has no rows. Export it again.")
    return total


def _scored(population: Population, frame: pd.DataFrame, **how: Any) -> Any:
    import pyarrow as pa

    found = score(population, population.read(frame), **how)
    told = {k: str(v) for k, v in found.attrs.items()}
    found.attrs = {}
    return pa.Table.from_pandas(found, preserve_index=False).replace_schema_metadata(told)


def _in_order(work: Any, parts: Iterator[pd.DataFrame], executor: Executor | None) -> Iterator[Any]:
    """Give each part's result in the order of the parts, few of them in flight."""
    if executor is None:
        yield from map(work, parts)
        return
    flying: deque[Future[Any]] = deque()
    try:
        for part in parts:
            flying.append(executor.submit(work, part))
            if len(flying) >= _AHEAD:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    finally:
        for future in flying:
            future.cancel()


def _parts(parquet: Any, source: Any, column: str, rows: int) -> Iterator[pd.DataFrame]:
    """Read whole artists, about so many rows at a time."""
    if not Path(source).is_file():
        raise EvidenceError(f"There is no file {str(source)!r}. Check its name and its folder.")
    file = parquet.ParquetFile(source)
    if column not in file.schema_arrow.names:
        there = ", ".join(file.schema_arrow.names)
        raise EvidenceError(
            f"{str(source)!r} has no column {column!r}; it has {there}. Name the columns as in the "
            "table that was fitted."
        )
    rest, done = pd.DataFrame(), _Done()
    for batch in file.iter_batches(batch_size=rows):
        frame = pd.concat([rest, batch.to_pandas()], ignore_index=True)
        # A label that is missing is refused with its row, by who reads the part.
        artists = frame[column].astype(object).where(frame[column].notna(), None).to_numpy()
        last = len(frame) - 1
        while last > 0 and artists[last - 1] == artists[-1]:
            last -= 1
        whole, rest = frame.iloc[:last], frame.iloc[last:]
        if len(whole):
            _remember(done, whole[column], source)
            yield whole.reset_index(drop=True)
    if len(rest):
        _remember(done, rest[column], source)
        yield rest.reset_index(drop=True)


class _Done:
    """Artists of earlier parts, eight bytes each, in sorted runs that double in length."""

    def __init__(self) -> None:
        self._runs: list[Any] = []

    def has(self, hashed: Any) -> Any:
        """Say of each whether it was added before."""
        found = np.zeros(hashed.size, dtype=bool)
        for run in self._runs:
            at = np.searchsorted(run, hashed).clip(max=run.size - 1)
            found |= run[at] == hashed
        return found

    def add(self, hashed: Any) -> None:
        """Add artists."""
        new = np.sort(hashed)
        while self._runs and self._runs[-1].size <= 2 * new.size:
            new = np.sort(np.concatenate([self._runs.pop(), new]))
        self._runs.append(new)


def _remember(done: _Done, artists: pd.Series[Any], source: Any) -> None:
    """Refuse an artist of an earlier part: half of the rows would be one belief."""
    labels = pd.unique(artists.dropna())
    hashed = pd.util.hash_array(labels.astype(object))
    again = labels[done.has(hashed)].tolist()
    if again:
        raise EvidenceError(
            f"Rows of artist {again[0]!r} in {str(source)!r} are not together; {len(again)} "
            "artists of this part were scored before. Sort the file by artist."
        )
    if hashed.size:
        done.add(hashed)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise BeliefError(
            "Parquet files need pyarrow, which is not installed: pip install 'coterie[parquet]'."
        ) from None
    return pyarrow.parquet
