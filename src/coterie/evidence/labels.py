"""Labels: who and where, read without changing a letter.

Makes ``Labels``, distinct values and a code for each row. Callers may trust
that integers stay integers, that text is kept as written, and that two labels
which would print alike are not taken for two. Knows nothing of counts.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coterie.errors import Problem
from coterie.evidence.wording import listed, of_rows, of_table, quoted
from coterie.typing import Flags, Integers

LONG: Final = 200
TOO_LONG: Final = 10_000
MANY: Final = 100_000
TOO_MANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Labels:
    """Distinct labels, sorted, and the code of each row (-1 where it has none)."""

    codes: Integers
    values: NDArray[Any]

    def at(self, row: int) -> Any:
        """Return one row's label."""
        if self.codes[row] < 0:
            return None
        return self.values[self.codes[row] : self.codes[row] + 1].tolist()[0]

    def spread(self) -> NDArray[Any]:
        """Return every row's label."""
        every: NDArray[Any] = self.values[self.codes]
        return every

    def among(self, chosen: Flags) -> Flags:
        """Mark the rows whose label is chosen; ``chosen`` runs over ``values``."""
        rows: Flags = np.append(chosen, False)[self.codes]
        return rows


def read_labels(column: pd.Series[Any], name: str) -> tuple[Labels, list[Problem]]:
    """Read one column of labels.

    Parameters
    ----------
    column
        Text, whole numbers, truth values, dates or categories.
    name
        The user's name of the column.

    Returns
    -------
    Labels
        Integers where the column's type is integer, text otherwise.
    list of Problem
        Missing labels, two types of one label, very long or very many labels.
    """
    try:
        codes, raw, told = _factorized(column, name)
        strange = any(isinstance(value, bytes) for value in raw)
    except TypeError:
        strange = True
    if strange:
        kinds = column.map(lambda v: isinstance(v, list | dict | set | bytes | np.ndarray))
        empty = Labels(np.full(len(column), -1, dtype=np.int64), np.array([], dtype=object))
        return empty, of_rows(
            "label-type", "error", name, kinds.to_numpy(dtype=bool),
            what=f"column {name!r} holds lists, mappings or bytes in place of labels",
            shows=lambda row: quoted(str(column.iloc[row])),
            fix="Give each row one label, as text or a whole number.",
        )  # fmt: skip
    whole = pd.api.types.is_integer_dtype(raw.dtype) or (
        raw.dtype == object and pd.api.types.infer_dtype(raw) == "integer"
    )
    if whole and all(abs(int(v)) < 2**63 for v in raw):
        labels = _sorted(codes, np.asarray(raw, dtype=np.int64))
        return labels, told + _shape_problems(labels, name, column)
    texts = np.array([_text(v) for v in raw], dtype=object)
    told += _collisions(codes, raw, texts, name)
    labels = _sorted(codes, texts)
    return labels, told + _shape_problems(labels, name, column)


def near_identical(labels: Labels, name: str) -> list[Problem]:
    """Warn of labels that differ only in case, spaces or Unicode form."""
    if labels.values.dtype != object:
        return []
    alike: dict[str, list[str]] = {}
    for label in labels.values:
        alike.setdefault(_plain(label), []).append(label)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return []
    together = {label for group in groups for label in group}
    chosen = np.array([label in together for label in labels.values], dtype=bool)
    rows = np.flatnonzero(labels.among(chosen))
    pairs = [" and ".join(quoted(v) for v in group) for group in groups]
    return [
        Problem(
            "near-identical-labels", "warning", name, tuple(rows.tolist()),
            f"column {name!r} holds labels that differ only in case, spaces or Unicode form: "
            f"{listed(pairs, 5)}.",
            "They are kept apart; write them alike if they are one.",
        )
    ]  # fmt: skip


def _factorized(column: pd.Series[Any], name: str) -> tuple[Integers, pd.Index[Any], list[Problem]]:
    if not isinstance(column.dtype, pd.CategoricalDtype):
        found, raw = pd.factorize(column)
        return found.astype(np.int64), pd.Index(raw), []
    codes: Integers = column.cat.codes.to_numpy().astype(np.int64)
    used = np.unique(codes[codes >= 0])
    categories = column.cat.categories
    idle = [quoted(v) for i, v in enumerate(categories) if i not in set(used.tolist())]
    places = np.append(np.full(len(categories), -1), -1)
    places[used] = np.arange(used.size)
    told = [
        of_table(
            "unused-levels", "warning", name,
            message=f"column {name!r} has categories without a row: {listed(idle)}.",
            fix="They are dropped.",
        )
    ]  # fmt: skip
    return places[codes].astype(np.int64), categories[used], told if idle else []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    return str(value)


def _sorted(codes: Integers, values: NDArray[Any]) -> Labels:
    distinct, places = np.unique(values, return_inverse=True)
    places = np.append(places, -1).astype(np.int64)
    if distinct.dtype == object:
        blank = np.array([not str(v).strip() for v in distinct], dtype=bool)
        kept = np.append(np.where(blank, -1, np.cumsum(~blank) - 1), -1)
        return Labels(kept[places[codes]], distinct[~blank])
    return Labels(places[codes], distinct)


def _collisions(
    codes: Integers, raw: pd.Index[Any], texts: NDArray[Any], name: str
) -> list[Problem]:
    _, places, sizes = np.unique(texts, return_inverse=True, return_counts=True)
    if (sizes == 1).all():
        return []
    both = sizes[places] > 1
    words = [
        " and ".join(f"{raw[int(i)]!r}" for i in np.flatnonzero(places == k))
        for k in np.flatnonzero(sizes > 1)
    ]
    return of_rows(
        "label-two-types", "error", name, np.append(both, False)[codes],
        what=f"column {name!r} holds one label in two types ({listed(words)})",
        shows=lambda row: repr(raw[int(codes[row])]),
        fix="Write the whole column as text, or as whole numbers.",
    )  # fmt: skip


def _shape_problems(labels: Labels, name: str, column: pd.Series[Any]) -> list[Problem]:
    told = of_rows(
        "missing-label", "error", name, labels.codes < 0,
        what=f"column {name!r} has no label",
        shows=lambda row: quoted(column.iloc[row]),
        fix="Fill the label in, or remove the row: a count must belong somewhere.",
    )  # fmt: skip
    if labels.values.dtype == object:
        lengths = np.array([len(v) for v in labels.values], dtype=np.int64)
        told += _long(labels, lengths > TOO_LONG, name, "error", TOO_LONG)
        told += _long(labels, (lengths > LONG) & (lengths <= TOO_LONG), name, "warning", LONG)
    if labels.values.size > MANY:
        hard = labels.values.size >= TOO_MANY
        told.append(
            of_table(
                "many-labels", "error" if hard else "warning", name,
                message=f"column {name!r} has {labels.values.size:,} distinct labels.",
                fix="Check that it holds a label and not a row number"
                + ("; cut the table into parts." if hard else "."),
            )
        )  # fmt: skip
    return told


def _long(labels: Labels, chosen: Flags, name: str, severity: Any, most: int) -> list[Problem]:
    return of_rows(
        "long-label", severity, name, labels.among(chosen),
        what=f"column {name!r} has a label of more than {most:,} characters",
        shows=lambda row: quoted(labels.at(row)),
        fix="Shorten it; it is printed in every table and picture.",
    )  # fmt: skip


def _plain(label: str) -> str:
    form = unicodedata.normalize("NFKC", label).casefold()
    seen = form if form.isascii() else "".join(c for c in form if unicodedata.category(c) != "Cf")
    return " ".join(seen.split())
