"""Pictures: slides as PNG files of 1280 x 720, to be shown as they are.

Callers may trust that no text is under 12 points at the size of a slide, and that labels are
broken into lines and not cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from coterie.deck.sentences import twentieths
from coterie.deck.slides import Bars, Lines, Map, Slide
from coterie.deck.style import BLUE, GREY, INK, SERIES, VERMILION, broken, dressed, shade
from coterie.deck.tables import written_whole

_SIZE: Final = 12.8, 7.2
_TITLE: Final = 24
_SMALL_TITLE: Final = 19
_LONG: Final = 110
_TEXT: Final = 14
_CELL: Final = 13
_LABEL_LINE: Final = 26
_TITLE_LINE: Final = 60
_SMALL_TITLE_LINE: Final = 76
_SURE_LINE: Final = 125
_NAME_LINE: Final = 12
_ACROSS: Final = 84
"""Characters side by side above the columns of a map."""
_FACE: Final = "DejaVu Sans"


def write_png(slides: Sequence[Slide], folder: Path) -> list[Path]:
    """Draw each slide into a file of its own.

    Parameters
    ----------
    slides
        In order.
    folder
        Made if it is not there.

    Returns
    -------
    list of Path
        The files.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, slide in enumerate(slides, start=1):
        target = folder / f"{number:02d}-{slide.name}.png"
        with dressed("matplotlib"), written_whole(target) as beside:
            FigureCanvasAgg(drawn(slide)).print_png(
                str(beside), metadata={"Title": slide.headline, "Description": slide.alt}
            )
        made.append(target)
    return made


def drawn(slide: Slide) -> Any:
    """Draw one slide: title, chart, and how sure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=100, facecolor="white")
    # Everything has a place here that is stated.
    figure.set_layout_engine("none")
    small = len(slide.headline) > _LONG
    title = textwrap.fill(slide.headline, _SMALL_TITLE_LINE if small else _TITLE_LINE)
    figure.text(
        0.04, 0.95, title, fontsize=_SMALL_TITLE if small else _TITLE, fontweight="bold",
        va="top", color=INK,
    )  # fmt: skip
    figure.text(
        0.04, 0.035, textwrap.fill(slide.sure, _SURE_LINE), fontsize=_CELL, va="bottom", color=INK
    )
    top = 0.86 - 0.055 * title.count("\n")
    room = (0.04, 0.17, 0.92, top - 0.19)
    chart = slide.chart
    if isinstance(chart, Bars):
        _bars(figure, chart, room)
    elif isinstance(chart, Lines):
        _lines(figure, chart, room)
    elif isinstance(chart, Map):
        _map(figure, chart, room)
    elif chart is not None:
        _table(figure, chart.frame, room)
    return figure


def _bars(figure: Any, chart: Bars, room: tuple[float, float, float, float]) -> None:
    left, bottom, width, height = room
    frame = chart.frame
    axes = figure.add_axes((left + 0.27, bottom, width - 0.47, height - 0.05))
    rows = -np.arange(len(frame))
    axes.barh(rows, frame["value"].fillna(0.0), height=0.56, color=BLUE, alpha=0.75)
    axes.hlines(rows, frame["lower"], frame["upper"], color=INK, linewidth=2.5)
    if chart.before:
        axes.plot(
            frame["before"], rows, "D", markersize=10, markerfacecolor="white",
            markeredgecolor=VERMILION, markeredgewidth=2.2, clip_on=False,
        )  # fmt: skip
    axes.set_xlim(0, chart.most)
    axes.set_ylim(-len(frame) + 0.4, 0.6)
    axes.set_yticks(rows, [broken(label, _LABEL_LINE) for label in frame["label"]])
    axes.tick_params(axis="y", labelsize=_TEXT, pad=8)
    axes.set_xticks([])
    for side in ("bottom", "top", "right"):
        axes.spines[side].set_visible(False)
    for row, text in zip(rows, frame["text"], strict=True):
        axes.text(
            1.02, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=_TEXT
        )
    key = f"◇ {chart.before}" if chart.before else ""
    figure.text(left + 0.27, bottom + height, key, fontsize=_CELL, color=VERMILION, va="top")
    line = f", line: {chart.line}" if chart.lined else ""
    figure.text(
        left + width, bottom + height, f"■ {chart.value}{line}", fontsize=_CELL,
        color=BLUE, va="top", ha="right",
    )  # fmt: skip


def _lines(figure: Any, chart: Lines, room: tuple[float, float, float, float]) -> None:
    left, bottom, width, height = room
    axes = figure.add_axes((left + 0.05, bottom + 0.04, width - 0.3, height - 0.04))
    steps = list(dict.fromkeys(chart.frame["step"]))
    groups = list(chart.frame.groupby("series", sort=False))
    last = []
    for i, ((name, own), colour) in enumerate(zip(groups, SERIES, strict=False)):
        x = np.arange(len(steps)) + 0.06 * (i - (len(groups) - 1) / 2)
        axes.vlines(x, own["lower"], own["upper"], color=colour, linewidth=2)
        axes.plot(x, own["value"], color=colour, linewidth=2.5, marker="oDs^"[i], markersize=8)
        last.append((float(own["value"].dropna().iloc[-1]), str(name), colour))
    axes.set_xticks(range(len(steps)), [broken(step, _NAME_LINE) for step in steps])
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.tick_params(labelsize=_TEXT)
    axes.grid(axis="y", color="#E6E6E6")
    at = -1.0
    for value, name, colour in sorted(last):
        at = max(value, at + 0.09)
        axes.text(
            1.02, at, broken(name, _LABEL_LINE - 4), transform=axes.get_yaxis_transform(),
            color=colour, fontsize=_TEXT, va="center",
        )  # fmt: skip


def _map(figure: Any, chart: Map, room: tuple[float, float, float, float]) -> None:
    left, bottom, width, height = room
    values, unsure = chart.frame.to_numpy(), chart.unsure.to_numpy()
    axes = figure.add_axes((left + 0.2, bottom, width - 0.2, height - 0.13))
    for i, j in np.ndindex(*values.shape):
        back, ink = shade(float(values[i, j]))
        axes.fill_between([j, j + 1], -i - 1, -i, color=back, edgecolor="white", linewidth=2)
        axes.text(
            j + 0.5, -i - 0.5, twentieths(float(values[i, j]), unsure=bool(unsure[i, j])),
            color=ink, fontsize=_TEXT, ha="center", va="center",
        )  # fmt: skip
    rows, columns = values.shape
    axes.set(xlim=(0, columns), ylim=(-rows, 0))
    axes.xaxis.tick_top()
    names = [broken(str(c), _ACROSS // columns) for c in chart.frame.columns]
    axes.set_xticks(np.arange(columns) + 0.5, names, fontsize=_CELL)
    labels = [broken(str(r), _LABEL_LINE) for r in chart.frame.index]
    axes.set_yticks(-np.arange(rows) - 0.5, labels, fontsize=_CELL)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _table(figure: Any, frame: Any, room: tuple[float, float, float, float]) -> None:
    left, bottom, width, height = room
    told = [list(map(str, frame.columns)), *frame.astype(str).to_numpy().tolist()]
    lengths = np.array([max(min(len(row[j]), 70) for row in told) for j in range(len(told[0]))])
    share = np.maximum(lengths, 5) / np.maximum(lengths, 5).sum()
    starts = left + width * np.concatenate([[0], np.cumsum(share)[:-1]])
    cells = [
        [textwrap.fill(text, max(int(125 * s), 5)) for text, s in zip(row, share, strict=True)]
        for row in told
    ]
    lines = np.array([max(cell.count("\n") + 1 for cell in row) for row in cells])
    step = min(0.035, height / (lines.sum() + 0.35 * len(lines)))
    y = bottom + height
    for row, (texts, count) in enumerate(zip(cells, lines, strict=True)):
        for x, text in zip(starts, texts, strict=True):
            figure.text(
                x, y, text, fontsize=12, va="top", color=GREY if row == 0 else INK,
                fontweight="bold" if row == 0 else "normal",
            )  # fmt: skip
        y -= step * (count + 0.35)
