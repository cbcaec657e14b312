"""Style: what all pictures share, in colour, type and words.

Callers may trust that colours are told apart by colour-blind people and by shape,
that no text is below 9 points, and that nobody's settings are changed. Computes
nothing but places.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from arviz_base import rcParams
from arviz_plots import PlotCollection
from arviz_plots.plot_collection import backend_from_object

# Okabe and Ito (2008). Never red against green; both stand out from white by 3 : 1 or more.
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
INK: Final = "#222222"
GREY: Final = "#757575"
PALE: Final = "#D9D9D9"
SERIES: Final = (BLUE, VERMILION, "#444444", "#CC79A7")
"""Lines of one picture: told apart by their labels too."""
_SHADES: Final = ("#FFFFFF", "#DCEAF4", "#A9CDE4", "#62A5CF", BLUE)
_DARK: Final = 0.6

SMALL: Final = 9
PLAIN: Final = 10
LARGE: Final = 11

LINE: Final = 30
_LONG_LINE: Final = 42
_MANY_ROWS: Final = 12
CHARACTER: Final = 0.078
"""Width of a character, in inches, at 10 points."""

NAME: Final = "coterie"
"""Of the style, in Matplotlib's library and among Plotly's templates."""
_FOLDER: Final = Path(__file__).parent / "styles"

_KINDS: Final = {
    "eti": "equal-tailed interval", "hdi": "highest-density interval",
    "bootstrap": "bootstrap interval", "simulation error": "interval of simulation error",
}  # fmt: skip


_SYMBOLS: Final[Mapping[str, Mapping[str, str]]] = {
    "plotly": {"o": "circle", "D": "diamond", "s": "square", "^": "triangle-up",
               ">": "triangle-right", "|": "line-ns"},
    "bokeh": {"o": "circle", "D": "diamond", "s": "square", "^": "triangle", ">": "triangle_dot"},
}  # fmt: skip
"""What backends call marks that Matplotlib calls by one letter."""
_NO_FILL: Final = {"plotly": "rgba(0,0,0,0)"}
_PLOTLY_SMALL: Final = 12
"""Points are pixels there."""
_DOTS: Final = 100
"""Dots an inch where a backend measures in dots."""


def filled(symbol: str, colour: str, backend: str | None, **more: Any) -> dict[str, Any]:
    """Say how a mark is drawn, in the words of a backend."""
    name = backend or rcParams["plot.backend"]
    return {"color": colour, "marker": _SYMBOLS.get(name, {}).get(symbol, symbol), **more}


def hollow(symbol: str, colour: str, backend: str | None, **more: Any) -> dict[str, Any]:
    """Say how an outlined mark is drawn, in the words of a backend."""
    name = backend or rcParams["plot.backend"]
    plain = {"facecolor": _NO_FILL.get(name, "none"), "edgecolor": colour, "width": 1.4}
    return filled(symbol, colour, backend, **(plain | more))


def sized(size: tuple[float, float], backend: str | None, stated: Mapping[str, Any]) -> Any:
    """Say how large a figure is, in inches; what the caller stated wins."""
    own: dict[str, Any] = {"figsize": size, "figsize_units": "inches"}
    if (backend or rcParams["plot.backend"]) in _SYMBOLS:
        own = {"figsize": tuple(_DOTS * side for side in size), "figsize_units": "dots"}
    return own | dict(stated)


def use() -> None:
    """Make the look of these pictures that of all of this session's, on every backend.

    Pictures of coterie have it anyway, and change nobody's settings; this is for pictures of
    your own beside them. For one of them: ``with plt.style.context("coterie")``.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> co.style.NAME in plt.style.available
    True
    >>> with plt.style.context("coterie"):
    ...     plt.rcParams["axes.spines.top"]
    False
    """
    from arviz_plots import style

    style.use(NAME)


def register() -> None:
    """Enter the style in the libraries of Matplotlib and Plotly, as far as they are installed."""
    try:
        from matplotlib import style
    except ImportError:
        pass
    else:
        if str(_FOLDER) not in style.USER_LIBRARY_PATHS:
            style.USER_LIBRARY_PATHS.append(str(_FOLDER))
            style.reload_library()
    try:
        import plotly.graph_objects as go
        import plotly.io as pio
    except ImportError:
        return
    axis = {"showgrid": False, "ticks": "outside", "showline": True, "zeroline": False,
            "linecolor": GREY}  # fmt: skip
    pio.templates[NAME] = go.layout.Template(
        layout={
            "paper_bgcolor": "white", "plot_bgcolor": "white", "colorway": list(SERIES),
            "font": {"color": INK, "size": 13}, "xaxis": axis, "yaxis": axis,
        }
    )  # fmt: skip


@contextmanager
def dressed(backend: str | None) -> Iterator[None]:
    """Hold our type and colours while a picture is drawn, and no longer."""
    if (backend or rcParams["plot.backend"]) != "matplotlib":
        yield
        return
    import matplotlib as mpl
    from matplotlib import style

    # DejaVu Sans has the marks our keys are written with; the reader's own fonts follow.
    fonts = ["DejaVu Sans", *mpl.rcParams["font.family"]]
    stated: Any = {**style.library[NAME], "font.family": fonts}
    with mpl.rc_context(stated):
        yield
        shown = mpl.is_interactive()
    # A notebook becomes interactive with its first picture, and is to stay so: undone with our
    # type and colours, it would show that picture and no other.
    mpl.interactive(shown)


def interval_in_words(attrs: Mapping[str, Any]) -> str:
    """Say what an interval is: its probability and kind."""
    prob = float(attrs.get("ci_prob", rcParams["stats.ci_prob"]))
    kind = str(attrs.get("ci_kind", rcParams["stats.ci_kind"]))
    return f"{100 * prob:.3g} % {_KINDS.get(kind, kind)}"


def shade(value: float) -> tuple[str, str]:
    """Return the colours of a probability's cell and of what is written in it: light to blue."""
    if np.isnan(value):
        return "#FFFFFF", GREY
    return _SHADES[min(int(value * len(_SHADES)), len(_SHADES) - 1)], (
        "#FFFFFF" if value >= _DARK + 0.2 else INK
    )


def line_width(rows: int) -> int:
    """Return how many characters a label may have on one line: more where rows are many."""
    return _LONG_LINE if rows > _MANY_ROWS else LINE


def broken(label: object, width: int) -> str:
    """Break a long label into lines, also after its underscores; no part of it is lost."""
    lines = textwrap.wrap(str(label).replace("_", "_ "), width=width)
    return "\n".join(line.replace("_ ", "_") for line in lines) or str(label)


def figure_size(
    labels: Sequence[object], *, rows: int, facets: int, columns: int, beside: float = 0.6
) -> tuple[float, float]:
    """Return a size, in inches, that leaves room for every label.

    Parameters
    ----------
    labels
        Row labels, before they are broken.
    rows
        Rows of one facet, its header included.
    facets, columns
        Number of facets, and how many stand side by side.
    beside
        Room for text right of a facet, in inches.
    """
    lines = [broken(label, line_width(rows)).split("\n") for label in labels]
    longest = max(len(line) for label in lines for line in label)
    tallest = max(len(label) for label in lines)
    width = columns * (longest * CHARACTER + 2.9 + beside)
    height = -(-facets // columns) * (rows * (0.1 + 0.14 * tallest) + 1.0) + 0.5
    return max(width, 5.5), max(height, 2.6)


def facet_columns(facets: int, labels: Sequence[object]) -> int:
    """Return how many facets stand side by side."""
    longest = max(min(len(str(label)), LINE) for label in labels)
    most = 3 if longest <= 12 and facets > 4 else 2  # noqa: PLR2004 - short names leave room
    return min(facets, most)


def spelled(text: str, backend: str) -> str:
    """Return a text as a backend shows it unchanged: Plotly would read a name as markup."""
    return html.escape(text, quote=False).replace("\n", "<br>") if backend == "plotly" else text


def backend_of(target: Any) -> str:
    """Return the name of the backend that a target belongs to."""
    return str(backend_from_object(target).__name__.rpartition(".")[2])


def name_rows(da: xr.DataArray, target: Any, *, rows: Any) -> Any:
    """Write labels at the rows of a facet, in place of numbers."""
    # arviz_plots 1.3 has a visual for x ticks and none for y ticks.
    width = line_width(len(rows))
    named = [broken(label, width) for label in da.values if label is not None]
    labels = [spelled(label, backend_of(target)) for label in named]
    return backend_from_object(target).yticks(np.asarray(rows)[: len(labels)], labels, target)


def write(da: xr.DataArray, target: Any, *, beside: bool = False, **kwargs: Any) -> Any:
    """Write one text at a place; ``da`` holds the text. Beside a facet is right of its axis."""
    at = {key: _single(kwargs.pop(key)) for key in ("x", "y")}
    plots = backend_from_object(target)
    if beside and backend_of(target) == "plotly":
        # Plotly draws nothing beyond an axis but what is tied to the facet.
        return target.figure.add_annotation(
            text=spelled(str(da.item()), "plotly"), x=1.02, xref="x domain", y=at["y"], yref="y",
            row=target.row, col=target.col, showarrow=False, xanchor="left",
            font={"size": _PLOTLY_SMALL, "color": kwargs.get("color", INK)},
        )  # fmt: skip
    text = spelled(str(da.item()), backend_of(target))
    return plots.text(at["x"], at["y"], text, target, size=SMALL, **kwargs)


def title_figure(plots: PlotCollection, text: str, width: float) -> None:
    """Give the figure a title that fits its width, in inches."""
    together = text.replace(" %", "\u00a0%")
    wrapped = "\n".join(textwrap.wrap(together, max(int(width / 0.088), 30)))
    if str(plots.backend) == "plotly":
        plots.viz["figure"].item().update_layout(template=NAME)
    plots.add_title(spelled(wrapped, str(plots.backend)), size=LARGE)


def described(plots: PlotCollection, text: str) -> PlotCollection:
    """Say what a picture shows, for those who do not see it: ``plots.viz.attrs["alt"]``."""
    plots.viz.attrs["alt"] = text
    return plots


def _single(value: Any) -> float:
    return float(value.item() if hasattr(value, "item") else value)
