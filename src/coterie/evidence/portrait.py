"""Portrait: a table in a few lines, for a person at a prompt or in a notebook.

Text and HTML say the same facts. Everything that came from outside is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.errors import Problem
from coterie.evidence.outcomes import Outcome
from coterie.evidence.wording import counted


def in_words(
    counts: xr.Dataset, outcomes: Sequence[Outcome], window: str | None, warnings: Sequence[Problem]
) -> str:
    """Describe a table in text, under 25 lines."""
    lines = [f"<coterie.Evidence> {_size(counts, window)}"]
    lines += [f"  {line}" for line in _outcome_lines(counts, outcomes)[:12]]
    lines += [f"  warning: {problem.message}" for problem in warnings[:8]]
    if len(warnings) > 8:  # noqa: PLR2004
        lines.append(f"  and {len(warnings) - 8} more in .warnings")
    return "\n".join(lines)


def in_html(
    counts: xr.Dataset, outcomes: Sequence[Outcome], window: str | None, warnings: Sequence[Problem]
) -> str:
    """Describe a table in HTML: the same facts, everything escaped."""
    rows = "".join(f"<li>{html.escape(line)}</li>" for line in _outcome_lines(counts, outcomes))
    notes = "".join(f"<li>{html.escape(str(problem)[:500])}</li>" for problem in warnings[:20])
    told = (
        f"<details><summary>{len(warnings)} warnings</summary><ul>{notes}</ul></details>"
        if warnings
        else ""
    )
    return (
        f"<div><strong>coterie.Evidence</strong> {html.escape(_size(counts, window))}"
        f"<ul>{rows}</ul>{told}</div>"
    )


def _size(counts: xr.Dataset, window: str | None) -> str:
    artists, clusters = (
        pd.unique(counts[name].to_numpy()).size for name in (names.ARTIST, names.CLUSTER)
    )
    text = f"{counts.sizes[names.ROW]:,} rows, {artists:,} artists x {clusters:,} clusters"
    if names.PERIOD_START in counts.coords:
        ends = [
            counts[names.PERIOD_START].to_numpy().min(),
            counts[names.PERIOD_END].to_numpy().max(),
        ]
        days = np.datetime_as_string(np.array(ends), unit="D")
        text += f", {days[0]} to {days[1]}"
    return text + (f", windows of {window}" if window else "")


def _outcome_lines(counts: xr.Dataset, outcomes: Sequence[Outcome]) -> list[str]:
    above = counts[names.NUMERATOR].to_numpy()
    below = counts[names.DENOMINATOR].to_numpy()
    both = ~np.isnan(above) & ~np.isnan(below)
    lines = []
    for i, outcome in enumerate(outcomes):
        rows = both[:, i]
        top, bottom = float(above[rows, i].sum()), float(below[rows, i].sum())
        rate = f" ({top / bottom:.3g} each)" if bottom > 0 else ""
        lines.append(
            f"{outcome.name}: {counted(top)} {outcome.numerator} of {counted(bottom)} "
            f"{outcome.denominator}{rate} in {int(rows.sum()):,} rows"
        )
    return lines
