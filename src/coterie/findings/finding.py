"""Finding: one question answered, with its numbers, its doubts and where it came from.

Callers may trust that the headline is one sentence with the answer in it, that
every number behind it stands in ``table`` under a unit, and that nothing here is
computed after it was made. Knows nothing of how an answer was found.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.errors import FindingError

Severity = Literal["blocks", "weakens", "fine", "not checked"]
"""How bad what a check looked for is; what could not be looked at is never fine."""
UNIT: Final = "units"
SHOWN_ROWS: Final = 9
SHOWN_NUMBERS: Final = 14
SHOWN_CAVEATS: Final = 5
SHOWN_IN_HTML: Final = 100
_WIDTH: Final = 100
_WORDS: Final = 40
_LONGEST: Final = 80
"""Letters that stand beside numbers; what is longer is told below them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Finding:
    """An answer somebody can present, and everything needed to doubt it.

    Attributes
    ----------
    kind
        The question, in one word: ``"backtest"``.
    headline
        A sentence that holds the answer.
    table
        The numbers. Its first variable says what one row of :meth:`to_frame` is; each
        variable states its unit in ``attrs["units"]``. A variable over ``row`` is
        detail, one value for each row that was asked about.
    caveats
        What a reader must know before acting, one sentence each.
    provenance
        Where the numbers came from: plain text and numbers by name.
    severity
        Of a check: whether it ``"blocks"``, ``"weakens"``, is ``"fine"`` or was
        ``"not checked"``. Other findings have none.
    parts
        Findings this one was put together from.

    Examples
    --------
    >>> found = co.explain(co.example_beliefs(), "Marrow")
    >>> found.kind, sorted(found.to_dict())[:3]
    ('explanation', ['caveats', 'headline', 'kind'])
    """

    kind: str
    headline: str
    table: xr.Dataset
    caveats: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None
    parts: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if not self.headline.strip():
            raise FindingError(f"A {self.kind!r} finding has no headline. State its answer.")
        if not self.table.data_vars:
            raise FindingError(
                f"A {self.kind!r} finding has an empty table. Give it the numbers its "
                "headline speaks of."
            )
        silent = [str(v) for v in self.table.data_vars if UNIT not in self.table[v].attrs]
        if silent:
            raise FindingError(
                f"{silent[0]!r} in a finding's table states no unit; {len(silent)} of "
                f"{len(self.table.data_vars)} variables are like this. Set attrs['units']."
            )
        if self.severity is not None and self.severity not in get_args(Severity):
            raise FindingError(
                f"The severity of a {self.kind!r} finding is {self.severity!r}. Write one of "
                f"{', '.join(map(repr, get_args(Severity)))}, or leave it out."
            )
        object.__setattr__(self, "caveats", tuple(self.caveats))
        object.__setattr__(self, "parts", tuple(self.parts))
        object.__setattr__(self, "provenance", dict(self.provenance))

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a tidy frame.

        Returns
        -------
        pandas.DataFrame
            One row for each label of the table's first variable. A variable with a
            further dimension has one column for each of its labels, such as
            ``difference_cluster_rate``. Detail over ``row`` stays in ``table``.
        """
        first = next(iter(self.table.data_vars.values()))
        index = [str(dim) for dim in first.dims]
        columns: dict[str, xr.DataArray] = {}
        for name, values in self.table.data_vars.items():
            further = [dim for dim in values.dims if dim not in index]
            if set(index) <= set(values.dims) and (names.ROW not in further):
                columns |= _columns(str(name), values, [str(dim) for dim in further])
        if not index:
            return pd.DataFrame({name: [values.item()] for name, values in columns.items()})
        flat = {name: values.transpose(*index).to_series() for name, values in columns.items()}
        return pd.DataFrame(flat).reset_index()

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values, ready for JSON.

        Returns
        -------
        dict
            ``kind``, ``headline``, ``table`` (the rows of :meth:`to_frame`), ``units``,
            ``caveats`` and ``provenance``; ``severity`` and ``parts`` where there are any.
            A number that is missing or infinite is None.
        """
        rows = self.to_frame().to_dict(orient="records")
        told: dict[str, Any] = {
            "kind": self.kind,
            "headline": self.headline,
            "table": [{str(k): _plain(v) for k, v in row.items()} for row in rows],
            "units": {str(k): str(v.attrs[UNIT]) for k, v in self.table.data_vars.items()},
            "caveats": list(self.caveats),
            "provenance": {str(k): _plain(v) for k, v in self.provenance.items()},
        }
        if self.severity is not None:
            told["severity"] = self.severity
        if self.parts:
            told["parts"] = [part.to_dict() for part in self.parts]
        return told

    def __repr__(self) -> str:
        lines = _wrapped(f"<coterie.Finding: {self._kind()}> {self.headline}", "")
        lines += _drawn(self.to_frame())
        apart = self._apart()
        if apart:
            lines += _wrapped(f"not in these rows, but in .table: {', '.join(apart)}", "  ")
        for caveat in self.caveats[:SHOWN_CAVEATS]:
            lines += _wrapped(f"caveat: {caveat}", "  ")
        if len(self.caveats) > SHOWN_CAVEATS:
            lines.append(f"  and {len(self.caveats) - SHOWN_CAVEATS} more in .caveats")
        return "\n".join(lines)

    def _kind(self) -> str:
        return self.kind if self.severity is None else f"{self.kind}, {self.severity}"

    def _apart(self) -> list[str]:
        """Name the variables that the rows of the frame have no place for."""
        first = next(iter(self.table.data_vars.values()))
        return [
            f"{name} ({', '.join(map(str, values.dims))})"
            for name, values in self.table.data_vars.items()
            if not set(first.dims) <= (own := set(values.dims)) or names.ROW in own - {*first.dims}
        ]

    def _repr_html_(self) -> str:
        frame = self.to_frame().head(SHOWN_IN_HTML)
        numbers = frame.to_html(
            index=False, border=0, escape=True, float_format=lambda v: f"{v:.4g}"
        )
        notes = "".join(f"<li>{html.escape(caveat)}</li>" for caveat in self.caveats)
        origin = "".join(
            f"<li>{html.escape(str(k))}: {html.escape(str(v)[:300])}</li>"
            for k, v in self.provenance.items()
        )
        return (
            f"<div><strong>coterie.Finding: {html.escape(self._kind())}</strong>"
            f"<p>{html.escape(self.headline)}</p>{numbers}"
            + (f"<p>Before acting on it:</p><ul>{notes}</ul>" if notes else "")
            + f"<details><summary>Where it came from</summary><ul>{origin}</ul></details></div>"
        )


def _columns(name: str, values: xr.DataArray, further: list[str]) -> dict[str, xr.DataArray]:
    if not further:
        return {name: values.reset_coords(drop=True)}
    found: dict[str, xr.DataArray] = {}
    dim, *others = further
    for label in values[dim].values:
        found |= _columns(f"{name}_{label}", values.sel({dim: label}, drop=True), others)
    return found


def _drawn(frame: pd.DataFrame) -> list[str]:
    """Draw the first rows, and say how many are left and where they are."""
    shown, left = frame.head(SHOWN_ROWS), len(frame) - SHOWN_ROWS
    letters = {c: max((len(str(v)) for v in shown[c]), default=0) for c in shown.columns[1:]}
    long = [c for c, most in letters.items() if most > _LONGEST]
    told = [f"  and {left:,} more rows: all {len(frame):,} are in .to_frame()"] if left > 0 else []
    columns = len(frame.columns) - len(long) - SHOWN_NUMBERS
    if columns > 0:
        told.append(
            f"  and {columns:,} more columns: all {len(frame.columns):,} are in .to_frame()"
        )
    numbers = shown.drop(columns=long).iloc[:, :SHOWN_NUMBERS]
    # A few rows with many numbers read better standing up; sentences do not stand side by side.
    flipped = left <= 0 and not any(letters[c] > _WORDS for c in numbers.columns[1:])
    text = (numbers.T if flipped else numbers).to_string(
        header=not flipped, index=flipped, float_format=lambda v: f"{v:.4g}",
        line_width=_WIDTH - 2,
    )  # fmt: skip
    words = [f"{c} of {row.iloc[0]}: {row[c]}" for c in long for _, row in shown.iterrows()]
    below = [line for each in words for line in _wrapped(each, "  ")]
    return [f"  {line.rstrip()}" for line in text.splitlines()] + below + told


def _wrapped(text: str, indent: str) -> list[str]:
    """Break a sentence at words; a word longer than a line stays whole."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, int | float | str | bool | None) else str(value)
