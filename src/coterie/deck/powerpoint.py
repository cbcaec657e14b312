"""PowerPoint: slides with native charts and tables, which can be edited and restyled.

Callers may trust that a file is whole or not there, that every chart carries its numbers in a
workbook, and that a template's own layouts are used: found by their placeholders, not by name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from coterie.deck.sentences import twentieths
from coterie.deck.slides import Bars, Lines, Map, Slide, Table, warning_of
from coterie.deck.style import BLUE, GREY, INK, PALE, SERIES, shade
from coterie.deck.tables import written_whole
from coterie.errors import FindingError

_TITLES: Final = ((60, 28), (115, 24), (165, 20), (10_000, 16))
"""Letters of a title up to which it has a size, in points: two lines at most."""
_SURE: Final = 16
_LABEL: Final = 14
_CELL: Final = 14
_USUAL_LINE: Final = "interval"
"""What a bar's line is unless it is said."""
_HEAD: Final = 12
_PROPERTY: Final = 255
"""Letters that a file's own title may have."""
_SHORT: Final = 40
_LEAST_ROOM: Final = 0.4
"""Share of a slide that a layout must leave to the chart."""
_NARROWEST: Final = 9
"""Letters that a table's column has room for, at least."""
_MARGIN: Final = 0.5
_WIDE: Final = (13.333, 7.5)
_BODY: Final = (1.5, 6.45)
"""Where the chart begins and ends on a slide without a template, in inches."""
_SKIPPED: Final = ("DATE", "FOOTER", "SLIDE_NUMBER")


def write_pptx(
    slides: Sequence[Slide],
    path: str | os.PathLike[str],
    *,
    title: str,
    template: str | os.PathLike[str] | None,
) -> None:
    """Write slides as one .pptx file.

    Parameters
    ----------
    slides
        In order.
    path
        Where.
    title
        Of the first page.
    template
        A .pptx or .potx whose master, layouts and size are taken and whose slides are left out.

    Raises
    ------
    FindingError
        If python-pptx is not installed, or a template cannot be read or has no layout with a
        title.
    """
    deck = _opened(template)
    _front(deck, title, slides, own=template is not None)
    for slide in slides:
        _add(deck, slide, own=template is not None)
    deck.core_properties.title = title[:_PROPERTY]
    with written_whole(path) as beside:
        deck.save(str(beside))


def _opened(template: str | os.PathLike[str] | None) -> Any:
    try:
        import pptx
        from pptx.util import Inches
    except ImportError:
        raise FindingError(
            'PowerPoint files need python-pptx: pip install "coterie[report]". Or write HTML.'
        ) from None
    if template is None:
        deck = pptx.Presentation()
        deck.slide_width, deck.slide_height = (Inches(v) for v in _WIDE)
        return deck
    if not Path(template).is_file():
        raise FindingError(f"There is no template {template}. Check its name and its folder.")
    try:
        deck = pptx.Presentation(_as_presentation(Path(template)))
    except Exception as error:  # zip, XML and package code each fail in their own way
        raise FindingError(
            f"{template} cannot be read as a PowerPoint template: {error}. Save it as .pptx."
        ) from None
    # Its sample slides are not ours: they go, with what refers to them.
    ids = deck.slides._sldIdLst
    for each in list(ids):
        deck.part.drop_rel(each.rId)
        ids.remove(each)
    return deck


def _as_presentation(path: Path) -> Any:
    """Return a .potx as python-pptx reads it: the same parts under another type."""
    if path.suffix.lower() != ".potx":
        return str(path)
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item.filename)
            if item.filename == "[Content_Types].xml":
                content = content.replace(b"template.main+xml", b"presentation.main+xml")
            new.writestr(item, content)
    made.seek(0)
    return made


def _layout(deck: Any, *, body: bool) -> Any:
    """Return the layout with a title and fewest other places, or with a second text for a front."""
    found = []
    for layout in deck.slide_layouts:
        kinds = [shape.placeholder_format.type.name for shape in layout.placeholders]
        kinds = [kind for kind in kinds if kind not in _SKIPPED]
        titles = [kind for kind in kinds if kind in ("TITLE", "CENTER_TITLE")]
        title = next((s for s in layout.placeholders if s.placeholder_format.idx == 0), None)
        if titles and title is not None:
            front = titles[0] == "CENTER_TITLE"
            room = 0.84 - (title.top + title.height) / deck.slide_height
            if not body or room >= _LEAST_ROOM:
                found.append((front is body, len(kinds), layout))
    if not found:
        raise FindingError(
            "The template has no layout with a title above and room for a chart below. Add one in "
            "the slide master, or leave the template out."
        )
    return min(found, key=lambda each: each[:2])[2]


def _front(deck: Any, title: str, slides: Sequence[Slide], *, own: bool) -> None:
    from pptx.enum.text import PP_ALIGN
    from pptx.util import Inches, Pt

    page = deck.slides.add_slide(_layout(deck, body=False))
    page.shapes.title.text = title
    page.shapes.title.name = "Title"
    others = [s for s in page.placeholders if s.placeholder_format.idx != 0]
    answers = [slide.headline for slide in slides if slide.chart is not None][:1]
    if answers and warning_of(slides) and warning_of(slides) != answers[0]:
        answers = [f"{answers[0]}\n{warning_of(slides)}"]
    for place in others:
        if answers and place.has_text_frame:
            place.text_frame.text = answers.pop()
            place.text_frame.word_wrap = True
            for paragraph in place.text_frame.paragraphs:
                paragraph.font.size = Pt(20)
        else:
            place._element.getparent().remove(place._element)
    if not own:
        for shape, top, height in zip(page.placeholders, (1.6, 4.0), (2.2, 1.6), strict=False):
            _across(deck, shape)
            shape.top, shape.height = Inches(top), Inches(height)
            for paragraph in shape.text_frame.paragraphs:
                paragraph.alignment = PP_ALIGN.LEFT
                paragraph.font.color.rgb = _rgb(INK)


def _across(deck: Any, shape: Any) -> None:
    """Let a place of python-pptx's own narrow layouts reach across a wide page."""
    from pptx.util import Inches

    shape.left, shape.width = Inches(_MARGIN), deck.slide_width - Inches(2 * _MARGIN)


def _add(deck: Any, slide: Slide, *, own: bool) -> None:
    """Add one slide: title, chart, how sure, notes."""
    from pptx.util import Inches, Pt

    page = deck.slides.add_slide(_layout(deck, body=True))
    title = page.shapes.title
    for place in list(page.placeholders):
        if place.placeholder_format.idx != 0:
            place._element.getparent().remove(place._element)
    title.text_frame.word_wrap = True
    title.text = slide.headline
    if not own:
        _dress(deck, title)
    size = next(size for most, size in _TITLES if len(slide.headline) <= most)
    for paragraph in title.text_frame.paragraphs:
        # A template's own type is kept where the answer is short.
        if not own or len(slide.headline) > _SHORT:
            paragraph.font.size = Pt(size * min(1.0, deck.slide_width / Inches(_WIDE[0])))
    left, top, width, height = box = _room(deck, title, own=own)
    # A lower page is shown larger: its type is as large on the wall.
    scale = min(1.0, deck.slide_height / Inches(_WIDE[1]))
    if slide.chart is not None:
        _draw(page, slide, box, scale)
    foot = page.shapes.add_textbox(left, top + height, width, deck.slide_height - top - height)
    foot.name = "How sure"
    foot.text_frame.word_wrap = True
    foot.text_frame.text = slide.sure
    for paragraph in foot.text_frame.paragraphs:
        paragraph.font.size = Pt(_SURE * scale)
    page.notes_slide.notes_text_frame.text = "\n".join(slide.notes)


def _dress(deck: Any, title: Any) -> None:
    """Give the title of a deck without a template its place and type."""
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches

    _across(deck, title)
    title.top, title.height = Inches(0.35), Inches(1.1)
    title.text_frame.vertical_anchor = MSO_ANCHOR.TOP
    for paragraph in title.text_frame.paragraphs:
        paragraph.alignment = PP_ALIGN.LEFT
        paragraph.font.bold = True
        paragraph.font.color.rgb = _rgb(INK)


def _room(deck: Any, title: Any, *, own: bool) -> tuple[Any, Any, Any, Any]:
    """Return where the chart may stand: under the title, above the line of how sure."""
    from pptx.util import Inches

    left, width = Inches(_MARGIN), deck.slide_width - Inches(2 * _MARGIN)
    if not own:
        return left, Inches(_BODY[0]), width, Inches(_BODY[1] - _BODY[0])
    top = title.top + title.height + Inches(0.1)
    # The lowest seventh is the line's, and the template's footer's.
    return title.left, top, title.width, int(deck.slide_height * 0.84) - top


def _draw(page: Any, slide: Slide, box: tuple[Any, Any, Any, Any], scale: float) -> None:
    chart = slide.chart
    if isinstance(chart, Bars):
        shape = _bars(page, chart, box, scale)
    elif isinstance(chart, Lines):
        shape = _lines(page, chart, box, scale)
    elif isinstance(chart, Map):
        shape = _map(page, chart, box, scale)
    else:
        assert isinstance(chart, Table)
        shape = _table(page, chart.frame, box, scale)
    shape.name = "Chart"
    shape._element.nvGraphicFramePr.cNvPr.set("descr", slide.alt)


def _bars(page: Any, chart: Bars, box: tuple[Any, Any, Any, Any], scale: float) -> Any:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
    from pptx.util import Pt

    frame = chart.frame
    data = CategoryChartData()
    data.categories = [f"{r.label}  {r.text}" for r in frame.itertuples()]
    unusual = chart.lined and chart.line != _USUAL_LINE
    told = f"{chart.value}; line: {chart.line}" if unusual else chart.value
    data.add_series(told, _known(frame["value"]))
    if chart.before:
        data.add_series(chart.before, _known(frame["before"]))
    shape = page.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *box, data)
    native = shape.chart
    native.font.size, native.font.color.rgb = Pt(_LABEL * scale), _rgb(INK)
    native.has_title = False
    native.has_legend = bool(chart.before) or unusual
    if native.has_legend:
        native.legend.position = XL_LEGEND_POSITION.TOP
        native.legend.include_in_layout = False
    native.plots[0].gap_width, native.plots[0].overlap = 55, 0
    for series, colour in zip(native.plots[0].series, (BLUE, PALE), strict=False):
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = _rgb(colour)
    _whiskers(native.plots[0].series[0], frame)
    _bare_axes(native, chart.most)
    return shape


def _bare_axes(native: Any, most: float) -> None:
    """Put the best row on top, and leave numbers to the labels."""
    from pptx.enum.chart import XL_TICK_LABEL_POSITION

    across, up = native.value_axis, native.category_axis
    up.reverse_order = True
    up.format.line.color.rgb = _rgb(GREY)
    up.has_major_gridlines = False
    across.minimum_scale, across.maximum_scale = 0.0, _end(most)
    across.has_major_gridlines = False
    across.tick_label_position = XL_TICK_LABEL_POSITION.NONE
    across.format.line.fill.background()


def _end(most: float) -> float:
    """Return a round end of an axis, at or above a number."""
    if most == 1.0:
        return 1.0
    step = 10 ** np.floor(np.log10(max(most, 1e-9)))
    return float(np.ceil(most / step * 5) / 5 * step)


def _whiskers(series: Any, frame: pd.DataFrame, *, colour: str = INK, direction: str = "") -> None:
    """Give bars the ends of their intervals, as error bars of their own."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls, qn

    parts = []
    for tag, ends in (
        ("plus", frame["upper"] - frame["value"]),
        ("minus", frame["value"] - frame["lower"]),
    ):
        points = "".join(
            f'<c:pt idx="{i}"><c:v>{value:.6g}</c:v></c:pt>'
            for i, value in enumerate(ends.clip(lower=0).fillna(0.0))
        )
        parts.append(
            f'<c:{tag}><c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(ends)}"/>'
            f"{points}</c:numLit></c:{tag}>"
        )
    found = parse_xml(
        f'<c:errBars {nsdecls("c", "a")}>{direction}<c:errBarType val="both"/>'
        f'<c:errValType val="cust"/><c:noEndCap val="0"/>{"".join(parts)}<c:spPr><a:ln w="22225">'
        f'<a:solidFill><a:srgbClr val="{colour.removeprefix("#")}"/></a:solidFill></a:ln></c:spPr>'
        "</c:errBars>"
    )
    # Error bars have no public way; their place is before the categories.
    series._element.find(qn("c:cat")).addprevious(found)


def _lines(page: Any, chart: Lines, box: tuple[Any, Any, Any, Any], scale: float) -> Any:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
    from pptx.util import Pt

    frame = chart.frame
    steps = list(dict.fromkeys(frame["step"]))
    data = CategoryChartData(number_format="0%")
    data.categories = steps
    groups = list(frame.groupby("series", sort=False))
    for name, own in groups:
        data.add_series(str(name), _known(own["value"]))
    shape = page.shapes.add_chart(XL_CHART_TYPE.LINE_MARKERS, *box, data)
    native = shape.chart
    native.font.size, native.font.color.rgb = Pt(_LABEL * scale), _rgb(INK)
    native.has_title, native.has_legend = False, True
    native.legend.position, native.legend.include_in_layout = XL_LEGEND_POSITION.RIGHT, False
    for series, (_, own), colour in zip(native.plots[0].series, groups, SERIES, strict=False):
        series.smooth = False
        series.format.line.color.rgb = _rgb(colour)
        series.format.line.width = Pt(2.5)
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = _rgb(colour)
        series.marker.format.line.color.rgb = _rgb(colour)
        _whiskers(series, own, colour=colour, direction='<c:errDir val="y"/>')
    native.value_axis.minimum_scale, native.value_axis.maximum_scale = 0.0, 1.0
    native.value_axis.major_unit = 0.25
    native.value_axis.major_gridlines.format.line.color.rgb = _rgb(PALE)
    native.value_axis.tick_labels.number_format = "0%"
    native.value_axis.tick_labels.number_format_is_linked = False
    return shape


def _map(page: Any, chart: Map, box: tuple[Any, Any, Any, Any], scale: float) -> Any:
    from pptx.enum.text import PP_ALIGN

    told = pd.DataFrame(
        [["", *map(str, chart.frame.columns)]]
        + [
            [
                str(label),
                *(twentieths(float(v), unsure=bool(u)) for v, u in zip(row, unsure, strict=True)),
            ]
            for label, row, unsure in zip(
                chart.frame.index, chart.frame.to_numpy(), chart.unsure.to_numpy(), strict=True
            )
        ]
    )
    shape = _table(page, told.iloc[1:].set_axis(list(told.iloc[0]), axis=1), box, scale, first=2.2)
    for i, row in enumerate(chart.frame.to_numpy()):
        for j, value in enumerate(row):
            cell = shape.table.cell(i + 1, j + 1)
            back, ink = shade(float(value))
            cell.fill.solid()
            cell.fill.fore_color.rgb = _rgb(back)
            for paragraph in cell.text_frame.paragraphs:
                paragraph.alignment = PP_ALIGN.CENTER
                paragraph.font.color.rgb = _rgb(ink)
    return shape


def _table(
    page: Any,
    frame: pd.DataFrame,
    box: tuple[Any, Any, Any, Any],
    scale: float,
    *,
    first: float | None = None,
) -> Any:
    from pptx.util import Inches, Pt

    rows, columns = len(frame) + 1, frame.shape[1]
    left, top, width, height = box
    # A header of several lines takes the room of two rows more.
    high = min(Inches(0.4), int(height / (rows + 2)))
    shape = page.shapes.add_table(rows, columns, left, top, width, high * rows)
    table = shape.table
    widths = _widths(frame, first)
    for j, share in enumerate(widths):
        table.columns[j].width = int(width * share)
    for i, row in enumerate([list(frame.columns), *frame.to_numpy().tolist()]):
        table.rows[i].height = high
        for j, value in enumerate(row):
            cell = table.cell(i, j)
            cell.text = str(value)
            cell.margin_top = cell.margin_bottom = Inches(0.03)
            cell.margin_left = cell.margin_right = Inches(0.06)
            cell.fill.solid()
            cell.fill.fore_color.rgb = _rgb("#FFFFFF" if i else "#F0F0F0")
            for paragraph in cell.text_frame.paragraphs:
                paragraph.font.size = Pt(scale * (_CELL if i else _HEAD))
                paragraph.font.bold = not i
                paragraph.font.color.rgb = _rgb(INK)
    return shape


def _widths(frame: pd.DataFrame, first: float | None) -> list[float]:
    """Share a table's width by its longest words, or among all columns but the first alike."""
    if first is not None:
        whole = first + frame.shape[1] - 1
        return [first / whole, *[1 / whole] * (frame.shape[1] - 1)]
    told = [
        max([_NARROWEST, len(str(name)), *(min(len(str(v)), 80) for v in frame.iloc[:, j])])
        for j, name in enumerate(frame.columns)
    ]
    return [each / sum(told) for each in told]


def _known(values: pd.Series[Any]) -> list[float | None]:
    return [None if np.isnan(v) else float(v) for v in values]


def _rgb(colour: str) -> Any:
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour.removeprefix("#"))
