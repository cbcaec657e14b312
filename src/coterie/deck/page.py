"""Page: slides as one HTML file that needs nothing else.

Callers may trust that every text is escaped, that no script and no address is in it, and that
each chart is a table to those who read it with a screen reader.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from coterie import __version__
from coterie.deck.sentences import twentieths
from coterie.deck.slides import Bars, Lines, Map, Slide, warning_of
from coterie.deck.style import shade
from coterie.deck.tables import written_whole
from coterie.errors import FindingError

_SIZE: Final = 960, 360
_EDGE: Final = 60, 30
_LABELS: Final = 230
_GAP: Final = 20.0
_ASIDE: Final = 10.0
_LEVELS: Final = 0.0, 0.25, 0.5, 0.75, 1.0


def write_html(slides: Sequence[Slide], path: str | os.PathLike[str], *, title: str) -> None:
    """Write slides as one self-contained page.

    Parameters
    ----------
    slides
        In order.
    path
        Where.
    title
        Of the page.

    Raises
    ------
    FindingError
        If jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader
    except ImportError:
        raise FindingError(
            'Pages need jinja2: pip install "coterie[report]". Or write pictures.'
        ) from None
    pages = Environment(loader=PackageLoader("coterie.deck", "."), autoescape=True)
    pages.filters["breakable"] = _breakable
    shown = [_shown(slide, f"s{i + 1}") for i, slide in enumerate(slides)]
    text = pages.get_template("page.html.j2").render(
        title=title, slides=shown, version=__version__, warning=warning_of(slides)
    )
    with written_whole(path) as beside:
        beside.write_text(text, encoding="utf-8")


def _shown(slide: Slide, anchor: str) -> dict[str, Any]:
    """Lay a slide out as the template reads it."""
    told = {
        "id": anchor, "headline": slide.headline, "sure": slide.sure, "alt": slide.alt,
        "notes": slide.notes, "kind": "",
    }  # fmt: skip
    chart = slide.chart
    if isinstance(chart, Bars):
        return told | _bars(chart)
    if isinstance(chart, Map):
        return told | _map(chart)
    if isinstance(chart, Lines):
        return told | {"kind": "lines", "svg": _lines(chart)}
    if chart is None:
        return told
    frame = chart.frame
    return told | {
        "kind": "table", "columns": list(map(str, frame.columns)),
        "rows": [list(map(str, row)) for row in frame.to_numpy().tolist()],
    }  # fmt: skip


def _breakable(label: str) -> Any:
    """Let a name be broken after its underscores."""
    from markupsafe import Markup, escape

    return Markup("_<wbr>").join(escape(part) for part in label.split("_"))


def _bars(chart: Bars) -> dict[str, Any]:
    def at(value: float) -> float | None:
        if np.isnan(value):
            return None
        return round(100 * float(np.clip(value / chart.most, 0, 1)), 2)

    rows = []
    for row in chart.frame.to_dict("records"):
        lower, upper = at(row["lower"]), at(row["upper"])
        rows.append(
            {
                "label": row["label"], "text": row["text"], "value": at(row["value"]) or 0,
                "lower": lower, "before": at(row["before"]) if chart.before else None,
                "width": None if lower is None or upper is None else round(upper - lower, 2),
            }
        )  # fmt: skip
    return {"kind": "bars", "rows": rows, "corner": chart.rows, "value": chart.value,
            "before": chart.before, "line": chart.line if chart.lined else ""}  # fmt: skip


def _map(chart: Map) -> dict[str, Any]:
    rows = []
    for label, values, unsure in zip(
        chart.frame.index, chart.frame.to_numpy(), chart.unsure.to_numpy(), strict=True
    ):
        cells = []
        for value, open_ in zip(values, unsure, strict=True):
            back, ink = shade(float(value))
            cells.append({"back": back, "ink": ink, "text": twentieths(value, unsure=bool(open_))})
        rows.append({"label": str(label), "cells": cells})
    return {
        "kind": "map", "rows": rows, "columns": list(map(str, chart.frame.columns)),
        "corner": chart.rows,
    }  # fmt: skip


def _lines(chart: Lines) -> Any:
    """Draw lines with intervals, labelled at their ends."""
    from markupsafe import Markup

    frame = chart.frame
    steps = list(dict.fromkeys(frame["step"]))
    (wide, high), (left, below) = _SIZE, _EDGE
    room = wide - left - _LABELS
    x = {step: left + room * (i + 0.5) / len(steps) for i, step in enumerate(steps)}

    def y(value: Any) -> float:
        return 10 + (high - below - 10) * (1 - float(value))

    axes = _axes(x, y, (left, left + room, high))
    groups = [
        (name, own.dropna(subset=["value"])) for name, own in frame.groupby("series", sort=False)
    ]
    ends = _apart([y(own["value"].iloc[-1]) for _, own in groups])
    line = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="3"/>')
    mark = Markup(
        '<line x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}" stroke="{3}" stroke-width="2"/>'
        '<circle cx="{0:.1f}" cy="{4:.1f}" r="5" fill="{3}"/>'
    )
    label = Markup('<text x="{:.1f}" y="{:.1f}" fill="currentColor">{} {:.0f} %</text>')
    drawn = []
    for (name, own), end, number in zip(groups, ends, range(len(groups)), strict=True):
        colour, rows = f"var(--series-{number + 1})", own.to_dict("records")
        # Beside each other, or their intervals would lie on one another.
        aside = _ASIDE * (number - (len(groups) - 1) / 2)
        points = " ".join(f"{x[r['step']] + aside:.1f},{y(r['value']):.1f}" for r in rows)
        marks = [
            mark.format(x[r["step"]] + aside, y(r["lower"]), y(r["upper"]), colour, y(r["value"]))
            for r in rows
        ]
        last = label.format(left + room + 8, end + 5, str(name)[:24], 100 * rows[-1]["value"])
        drawn += [line.format(points, colour), *marks, last]
    head = Markup('<svg viewBox="0 0 {} {}" aria-hidden="true">').format(wide, high)
    return Markup("").join([head, *axes, *drawn, Markup("</svg>")])


def _axes(x: dict[str, float], y: Callable[[Any], float], ends: tuple[int, int, int]) -> list[Any]:
    """Draw levels and name steps; ``ends`` are left, right and bottom."""
    from markupsafe import Markup

    left, right, high = ends
    level = Markup(
        '<line x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}" stroke="var(--line)"/>'
        '<text x="{3}" y="{4:.1f}" text-anchor="end" fill="currentColor">{5:.0f} %</text>'
    )
    step = Markup('<text x="{:.1f}" y="{}" text-anchor="middle" fill="currentColor">{}</text>')
    levels = [level.format(left, right, y(at), left - 8, y(at) + 5, 100 * at) for at in _LEVELS]
    return [*levels, *(step.format(at, high - 6, name) for name, at in x.items())]


def _apart(places: list[float]) -> list[float]:
    """Move labels that would lie on each other apart, in their order."""
    found = list(places)
    for last, at in zip(np.argsort(places), np.argsort(places)[1:], strict=False):
        found[at] = max(found[at], found[last] + _GAP)
    return found
