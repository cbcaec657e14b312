"""Telling: which chart a finding is shown in.

A finding whose table names its main number (``table.attrs["main"]``) is bars, with the ends that
stand beside it (``<main>_lower``, ``<main>_upper``); a few kinds have a chart of their own; all
others are tables. Callers may trust that a chart holds the finding's own numbers, but for shares
of finite draws in a map, which stay off 0 and 1 by half a draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.deck.sentences import per_cent, plain
from coterie.deck.slides import COLUMNS, LINES, ROWS, Bars, Chart, Map, Table
from coterie.findings import Finding, of_share, of_twenty

_WIDEST: Final = 7
"""Columns of a table, at most."""
_UNIT: Final = "units"
_THOUSAND: Final = 1000


def chart_of(finding: Finding) -> tuple[Chart, int]:
    """Return a finding's chart, and how many of its rows are not in it."""
    if finding.kind in _MAPS:
        return _map(finding, _MAPS[finding.kind])
    made = bars_of(finding)
    if made is None:
        frame = finding.to_frame()
        told = _COLUMNS.get(finding.kind, {str(c): str(c) for c in frame})
        shown = frame[list(told)].rename(columns=told).head(LINES).map(_written)
        shown = shown.loc[:, (shown != "").any()] if len(shown) else shown
        return Table(shown.iloc[:, :_WIDEST]), max(len(frame) - LINES, 0)
    left = max(len(made.frame) - ROWS, 0)
    return replace(made, frame=made.frame.head(ROWS)), left


def _map(finding: Finding, main: str) -> tuple[Chart, int]:
    """Shade probabilities by row and column; none that is not measured is drawn as 0."""
    table = finding.table[main]
    rows, columns = (str(dim) for dim in table.dims)
    shares = _never_certain(table.to_numpy(), finding.table.attrs.get("draws"))
    frame = pd.DataFrame(shares, table[rows].to_numpy(), table[columns].to_numpy())
    if frame.shape[1] > COLUMNS or frame.isna().to_numpy().all():
        return Table(frame.head(LINES).map(_written).reset_index()), max(len(frame) - LINES, 0)
    shown = frame.dropna(axis=1, how="all")
    # By the first column alone: a mean over columns would add up what is not to be added.
    order = np.argsort(-shown.iloc[:, 0].to_numpy(), kind="stable")
    shown = shown.iloc[order].head(LINES)
    shown.index = [plain(label) for label in shown.index]
    unsure = pd.DataFrame(False, shown.index, shown.columns)
    return Map(shown, unsure, rows, columns), max(len(frame) - LINES, 0)


def _never_certain(shares: Any, draws: Any) -> Any:
    """Keep shares of finite draws off 0 and 1, as :func:`of_share` does in a sentence."""
    edge = 0.0 if draws is None else 0.5 / (int(draws) + 1)
    return np.clip(shares, edge, 1 - edge)


def bars_of(finding: Finding) -> Bars | None:
    """Return all of a finding's bars, best first; None where bars cannot show it."""
    made = _OWN.get(finding.kind, _main)(finding)
    return made if made is not None and _drawable(made) else None


def _drawable(made: Bars) -> bool:
    """Say whether bars from 0 can show these numbers."""
    numbers = made.frame[["value", "lower"]].to_numpy(dtype=float)
    return bool(np.isfinite(made.frame["value"]).any() and not (numbers < 0).any())


def _main(finding: Finding) -> Bars | None:
    """Lay out the main number of a finding, best first."""
    main = finding.table.attrs.get("main")
    if main is None:
        return None
    frame = finding.to_frame()
    labels = [str(dim) for dim in finding.table[main].dims]
    order = frame.sort_values(main, ascending=False, kind="stable", na_position="last")
    name = _NAMED.get(finding.kind, lambda row: ", ".join(plain(v) for v in row[labels]))
    unit = str(finding.table[main].attrs[_UNIT])
    none = pd.Series(np.nan, order.index)
    bars = pd.DataFrame(
        {
            "label": [name(row) for _, row in order.iterrows()],
            "value": order[main],
            "lower": order.get(f"{main}_lower", none),
            "upper": order.get(f"{main}_upper", none),
            "text": [_in_words(v, unit, finding.table.attrs.get("draws")) for v in order[main]],
        }
    ).reset_index(drop=True)
    most = float(np.nanmax(bars[["value", "upper"]].to_numpy(dtype=float), initial=1e-9))
    whole = 1.0 if unit == "probability" else most
    said = str(finding.table[main].attrs.get("says", f"{main} ({unit})"))
    return Bars(bars, said, most=whole, rows=", ".join(labels).capitalize())


def _backtest(finding: Finding) -> Bars:
    table = finding.table
    prob = float(table["coverage"].attrs["prob"])
    held = table["coverage"].to_series()
    bars = pd.DataFrame(
        {
            "label": [plain(outcome) for outcome in held.index], "value": held.to_numpy(),
            "lower": np.nan, "upper": np.nan, "before": prob,
            "text": [per_cent(v) for v in held],
        }
    )  # fmt: skip
    words = f"{100 * prob:.3g} %"
    said = f"share of counts inside their {words} intervals"
    return Bars(bars, said, f"{words}, as it should be", rows="Outcome")


def _sensitivity(finding: Finding) -> Bars:
    table = finding.table
    own = table.isel({names.CLUSTER: table["belief"].argmax(names.CLUSTER)})
    ends = own["varied"]
    where = [
        f"{plain(artist)}: {'none of these' if place == names.ELSEWHERE else plain(place)}"
        for artist, place in zip(own[names.ARTIST].values, own[names.CLUSTER].values, strict=True)
    ]
    belief = own["belief"].to_numpy()
    lower = np.fmin(ends.min(["source", "power"]).to_numpy(), belief)
    upper = np.fmax(ends.max(["source", "power"]).to_numpy(), belief)
    kept = table["kept"].to_numpy()
    # Those whose answer would change come first.
    order = np.lexsort((lower - upper, kept))
    where = [label if own else f"{label} *" for label, own in zip(where, kept, strict=True)]
    bars = pd.DataFrame(
        {
            "label": where, "value": belief, "lower": lower, "upper": upper,
            "text": [of_twenty(min(float(b), 1.0)) for b in belief],
        }
    )  # fmt: skip
    told = "priors or counts at half or twice their weight; * the answer would change"
    return Bars(bars.iloc[order].reset_index(drop=True), "belief now", line=told, rows="Artist")


_NAMED: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "phases": lambda row: f"{plain(row[names.CLUSTER])}: {row['phase']}",
        "layers": lambda row: (
            plain(row["layer"])
            + (f", {row['times_usual']:.2f} times usual" if row["times_usual"] > 0 else "")
        ),
        "information": lambda row: f"{plain(row[names.CLUSTER])}, {row['people']:,} listeners",
    }
)
"""What a row is called, where its labels alone do not say it."""
_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"release_plan": {"task": "task", "due": "due", "status": "status", "phase_of": "phase"}}
)
"""What of a table is for a slide, and how it is called there; the file of numbers has all."""
_MAPS: Final[Mapping[str, str]] = MappingProxyType({"dimensions": "good"})
_OWN: Final[Mapping[str, Callable[[Finding], Bars | None]]] = MappingProxyType(
    {"backtest": _backtest, "sensitivity": _sensitivity}
)


def _in_words(value: float, unit: str, draws: Any = None) -> str:
    """Say a number; that none of so many draws did it does not make it certain."""
    if np.isnan(value):
        return "not known"
    if unit == "probability":
        share = float(np.clip(value, 0, 1))
        return of_twenty(share) if draws is None else of_share(share, int(draws))
    return _number(value)


def _written(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else _number(float(value))
    return str(value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.3g}"
