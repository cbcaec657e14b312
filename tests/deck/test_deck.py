"""Decks: the same answers in PowerPoint, on a page, in pictures and as numbers."""

import html.parser
import re
import zipfile
from io import BytesIO

import numpy as np
import pandas as pd
import pptx
import pytest
from pptx.util import Inches

import coterie as co
from coterie.deck.page import write_html
from coterie.deck.pictures import drawn, write_png
from coterie.deck.powerpoint import write_pptx
from coterie.deck.slides import ROWS, Bars, Lines, Map, Slide, Table
from coterie.deck.story import of_beliefs, of_finding
from tests.beliefs.small_world import OLD, believing
from tests.deck.conftest import LONG, UNSETTLED, made_up

SIZES = [(1, 3, "one"), (6, 8, "many"), (40, 20, "one")]


def slides_of(artists=6, clusters=8, homes="one", **made):
    beliefs = made_up(artists=artists, clusters=clusters, homes=homes, **made)
    return of_beliefs(beliefs, None, "strategist")


@pytest.fixture(scope="module")
def told():
    return slides_of(updates=2)


@pytest.fixture(scope="module")
def deck(told, tmp_path_factory):
    file = tmp_path_factory.mktemp("deck") / "d.pptx"
    write_pptx(told, file, title="Spring", template=None)
    return pptx.Presentation(str(file))


class Reader(html.parser.HTMLParser):
    """What a page says and what it asks for."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.text += data


def test_everybody_comes_first_then_each_artist_then_how_sure(told):
    assert told[0].name == "everybody"
    assert [s.name.split("-")[0] for s in told[1:4]] == ["home", "updates", "rates"]
    assert told[-1].name == "how-sure"


@pytest.mark.parametrize(("artists", "clusters", "homes"), SIZES)
def test_a_slide_has_no_more_rows_than_can_be_read_and_counts_the_rest(artists, clusters, homes):
    for slide in slides_of(artists, clusters, homes):
        chart = slide.chart
        if isinstance(chart, Bars):
            assert len(chart.frame) <= ROWS
        if isinstance(chart, Bars) and slide.name.startswith("home") and homes == "one":
            # Nothing is lost: what is not shown is in 'others', and all of it is 1.
            assert chart.frame["value"].sum() == pytest.approx(1.0)
            assert len(slide.numbers) == clusters + 1
        if isinstance(chart, Map) and homes == "one":
            np.testing.assert_allclose(chart.frame.sum(axis=1), 1.0)


def test_the_map_has_a_column_for_what_its_surest_artists_are_believed_to_be_in():
    slide = slides_of(40, 20)[0]
    inside = slide.numbers.set_index("artist").drop(columns="elsewhere")
    wanted = list(dict.fromkeys(inside.head(10).idxmax(axis=1)))[:8]
    names = [name.rstrip("…") for name in slide.chart.frame.columns]
    assert all(any(want.startswith(name) for name in names) for want in wanted)


def test_a_computation_that_has_not_settled_is_the_last_headline():
    assert "Not to be acted on yet" in slides_of(seed=UNSETTLED)[-1].headline
    assert "has settled" in slides_of()[-1].headline


def test_an_order_of_rates_is_claimed_only_where_intervals_are_apart():
    for slide in slides_of(40, 20):
        if not slide.name.startswith("rates"):
            continue
        every = slide.numbers.sort_values("save_rate", ascending=False)
        apart = every["save_lower"].iloc[0] > every["save_upper"].iloc[-1]
        assert ("no cluster is surely ahead" in slide.headline) != apart


def test_a_slide_of_rates_without_an_answer_is_for_analysts():
    beliefs = made_up(artists=40, clusters=20)
    some, every = (of_beliefs(beliefs, None, who) for who in ("strategist", "analyst"))
    count = [sum(s.name.startswith("rates") for s in slides) for slides in (some, every)]
    assert count[0] <= count[1] == 6
    assert not any("no cluster is surely ahead" in slide.headline for slide in some)


def test_every_slide_warns_where_the_computation_has_not_settled(tmp_path):
    told = slides_of(seed=UNSETTLED)
    assert all("Not to be acted on yet" in slide.sure for slide in told[:-1])
    write_html(told, tmp_path / "d.html", title="Spring")
    first = (tmp_path / "d.html").read_text(encoding="utf-8").partition("</header>")[0]
    assert first.count("Not to be acted on yet") == 2
    write_pptx(told, tmp_path / "d.pptx", title="Spring", template=None)
    front = pptx.Presentation(str(tmp_path / "d.pptx")).slides[0]
    assert "Not to be acted on yet" in front.placeholders[1].text_frame.text


def test_a_correction_of_the_same_day_is_a_step_of_its_own(tmp_path):
    beliefs = made_up(updates=2)
    days = ("update", ["2026-01-28", "2026-02-28", "2026-02-28"])
    beliefs.history = beliefs.history.assign_coords(until=days)
    slide = next(s for s in of_beliefs(beliefs, None, "strategist") if "updates" in s.name)
    steps = ["prior", "2026-01-28", "2026-02-28", "2026-02-28 (2)"]
    assert list(dict.fromkeys(slide.chart.frame["step"])) == steps
    write_png([slide], tmp_path)
    write_html([slide], tmp_path / "d.html", title="S")
    write_pptx([slide], tmp_path / "d.pptx", title="S", template=None)
    page = pptx.Presentation(str(tmp_path / "d.pptx")).slides[1]
    native = next(s for s in page.shapes if s.name == "Chart").chart
    assert list(native.plots[0].categories) == steps
    wanted = slide.chart.frame.groupby("series", sort=False)["value"].apply(list).iloc[0]
    np.testing.assert_allclose(native.plots[0].series[0].values, wanted)


def test_a_range_of_rates_reaches_to_the_lowest_though_it_is_not_drawn():
    beliefs = made_up(artists=1, clusters=20)
    slide = next(s for s in of_beliefs(beliefs, None, "analyst") if s.name.startswith("rates"))
    lowest = slide.numbers.loc[slide.numbers["save_rate"].idxmin(), "cluster"]
    assert len(slide.chart.frame) == ROWS
    assert f"in {lowest}" in slide.headline


def test_charts_are_native_and_carry_their_numbers_in_a_workbook(told, deck):
    pages = list(deck.slides)[1:]
    assert len(pages) == len(told)
    for page, slide in zip(pages, told, strict=True):
        assert page.shapes.title.text == slide.headline
        shape = next(s for s in page.shapes if s.name == "Chart")
        assert shape.has_chart == isinstance(slide.chart, (Bars, Lines))
        assert shape.has_table == isinstance(slide.chart, (Map, Table))
        if isinstance(slide.chart, Bars):
            blob = shape.chart.part.chart_workbook.xlsx_part.blob
            sheet = pd.read_excel(BytesIO(blob), engine="calamine")
            np.testing.assert_allclose(sheet.iloc[:, 1], slide.chart.frame["value"])
            native = list(shape.chart.plots[0].series[0].values)
            np.testing.assert_allclose(native, slide.chart.frame["value"])
            ends = re.findall(r"<c:v>([^<]*)</c:v>", _between(shape, "c:plus"))
            width = slide.chart.frame["upper"] - slide.chart.frame["value"]
            np.testing.assert_allclose(np.array(ends, float), width.fillna(0), atol=1e-5)


def _between(shape, tag):
    from lxml import etree

    text = etree.tostring(shape.chart._chartSpace).decode()
    return re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)


def test_every_slide_says_how_sure_and_how_it_was_made(told, deck):
    for page, slide in zip(list(deck.slides)[1:], told, strict=True):
        sure = next(s for s in page.shapes if s.name == "How sure")
        assert sure.text_frame.text == slide.sure
        notes = page.notes_slide.notes_text_frame.text
        for word in ("Method: ", "Interval: 89 %", "Data cut: ", "Evidence: "):
            assert word in notes
        shape = next(s for s in page.shapes if s.name == "Chart")
        assert shape._element.nvGraphicFramePr.cNvPr.get("descr") == slide.alt


def test_nothing_lies_on_each_other_or_off_the_page(deck):
    for page in deck.slides:
        shapes = [s for s in page.shapes if s.width]
        for shape in shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height
        by_name = {s.name: s for s in shapes}
        if "Chart" in by_name:
            title, chart, sure = page.shapes.title, by_name["Chart"], by_name["How sure"]
            assert title.top + title.height <= chart.top
            assert chart.top + chart.height <= sure.top


@pytest.fixture
def template(tmp_path):
    """A template of the user's own: narrow, its layouts in another order, a sample slide in it."""
    own = pptx.Presentation()
    layouts = own.slide_layouts
    layouts._sldLayoutIdLst.insert(0, layouts._sldLayoutIdLst[-1])
    own.slides.add_slide(layouts.get_by_name("Title Slide")).shapes.title.text = "SAMPLE"
    own.slide_width, own.slide_height = Inches(10), Inches(5.63)
    file = tmp_path / "brand.pptx"
    own.save(str(file))
    return file


def test_a_template_gives_layouts_and_size_and_not_its_slides(told, template, tmp_path):
    made = tmp_path / "d.pptx"
    write_pptx(told, made, title="Spring", template=template)
    found = pptx.Presentation(str(made))

    assert found.slide_width == Inches(10)
    assert len(found.slides) == len(told) + 1
    assert {s.slide_layout.name for s in list(found.slides)[1:]} == {"Title Only"}
    with zipfile.ZipFile(made) as parts:
        slides = [n for n in parts.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", n)]
        assert len(slides) == len(told) + 1
        assert not any(b"SAMPLE" in parts.read(n) for n in slides)


def test_a_template_that_is_none_is_refused_in_words(told, tmp_path):
    broken = tmp_path / "brand.pptx"
    broken.write_text("no zip")
    with pytest.raises(
        co.FindingError, match=r"brand.pptx cannot be read as a PowerPoint template"
    ):
        write_pptx(told, tmp_path / "d.pptx", title="Spring", template=broken)
    assert not (tmp_path / "d.pptx").exists()


def test_a_template_whose_layouts_leave_no_room_is_refused(told, tmp_path):
    own = pptx.Presentation()
    ids = own.slide_layouts._sldLayoutIdLst
    for layout, each in list(zip(own.slide_layouts, list(ids), strict=True)):
        if layout.name != "Picture with Caption":
            own.slide_layouts.part.drop_rel(each.rId)
            ids.remove(each)
    own.save(str(tmp_path / "brand.pptx"))
    with pytest.raises(co.FindingError, match="no layout with a title above and room"):
        write_pptx(told, tmp_path / "d.pptx", title="S", template=tmp_path / "brand.pptx")
    with pytest.raises(co.FindingError, match=r"There is no template .*absent.pptx"):
        write_pptx(told, tmp_path / "d.pptx", title="S", template=tmp_path / "absent.pptx")


def test_a_long_title_and_a_folder_that_is_not_there(told, tmp_path):
    write_pptx(told[:1], tmp_path / "d.pptx", title="x" * 300, template=None)
    assert pptx.Presentation(str(tmp_path / "d.pptx")).slides[0].shapes.title.text == "x" * 300
    with pytest.raises(co.FindingError, match="does not exist"):
        write_html(told, tmp_path / "nowhere" / "d.html", title="S")


def test_a_page_asks_for_nothing_and_escapes_everything(tmp_path):
    nasty = "<script>alert(1)</script> & 'friends'"
    told = slides_of(updates=1)
    told[1] = Slide(nasty, told[1].chart, nasty, nasty, (nasty,), "nasty")
    file = tmp_path / "d.html"
    write_html(told, file, title=nasty)
    page = Reader()
    page.feed(file.read_text(encoding="utf-8"))

    assert "script" not in page.tags
    assert all(link.startswith("#") for link in page.links)
    assert page.text.count(nasty) >= 4
    assert file.stat().st_size < 2_000_000
    for slide in told:
        assert slide.headline in page.text


def test_charts_of_a_page_are_tables_with_headed_rows(told, tmp_path):
    file = tmp_path / "d.html"
    write_html(told, file, title="Spring")
    text = file.read_text(encoding="utf-8")
    bars = [s for s in told if isinstance(s.chart, Bars)]
    assert text.count('<table class="bars">') == len(bars)
    for row in bars[0].chart.frame["text"]:
        assert f'<td class="told">{row}</td>' in text


@pytest.mark.parametrize(("artists", "clusters", "homes"), SIZES)
def test_no_text_of_a_picture_leaves_it_or_lies_on_another(artists, clusters, homes):
    for slide in slides_of(artists, clusters, homes, updates=2)[:5]:
        figure = drawn(slide)
        figure.canvas.draw()
        texts = [
            t for t in figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text().strip()
        ]
        texts = [t for t in texts if t.get_visible()]
        boxes = [t.get_window_extent() for t in texts]
        for text, box in zip(texts, boxes, strict=True):
            assert min(box.x0, box.y0) >= -1, text.get_text()
            assert box.x1 <= 1281, text.get_text()
            assert box.y1 <= 721, text.get_text()
            assert text.get_fontsize() >= 12
        for i, one in enumerate(boxes):
            for other, box in zip(texts[i + 1 :], boxes[i + 1 :], strict=True):
                apart = one.x1 <= box.x0 + 1 or box.x1 <= one.x0 + 1
                apart = apart or one.y1 <= box.y0 + 1.5 or box.y1 <= one.y0 + 1.5
                assert apart, (slide.name, texts[i].get_text(), other.get_text())


def test_pictures_are_1280_by_720(told, tmp_path):
    from matplotlib import image

    files = write_png(told[:2], tmp_path / "png")
    assert [image.imread(file).shape[:2] for file in files] == [(720, 1280)] * 2
    assert not list((tmp_path / "png").glob(".*"))


def test_a_deck_of_beliefs_and_findings_writes_every_kind_of_file(rng, tmp_path):
    finding = co.Finding(
        "scores", "It foresaw half.", pd.DataFrame({"score": [-0.5]}).to_xarray().assign(
            score=lambda t: t["score"].assign_attrs(units="nats")),
        caveats=("Few rows.",), provenance={"rows": 7},
    )  # fmt: skip
    deck = co.Deck([believing(OLD, rng), finding], title="Spring", audience="analyst")
    assert deck.slides[-1].headline == "It foresaw half."
    assert "audience: analyst" in repr(deck)
    assert deck.to_pptx(tmp_path / "d.pptx").exists()
    assert deck.to_html(tmp_path / "d.html").exists()
    pages, numbers = deck.to_png(tmp_path / "png"), deck.to_csv(tmp_path / "csv")
    assert len(pages) == len(numbers) == len(deck.slides)
    home = pd.read_csv(next(f for f in numbers if "home-a" in f.name))
    assert home["belief"].sum() == pytest.approx(1.0)
    assert not list(tmp_path.rglob(".*"))


def test_a_formula_in_a_name_is_defused_in_numbers(tmp_path):
    from coterie.deck.tables import write_table

    write_table(pd.DataFrame({"cluster": ["=1+1"]}), tmp_path / "n.csv")
    assert "'=1+1" in (tmp_path / "n.csv").read_text()


def test_a_finding_tells_its_first_doubt_and_how_many_rows_are_not_shown():
    table = pd.DataFrame({"score": np.arange(30.0)}).to_xarray()
    table["score"].attrs["units"] = "nats"
    slide = of_finding(co.Finding("scores", "Thirty.", table, caveats=("Doubt it.",)))
    assert slide.sure == "Doubt it. 21 more rows are in the file of numbers."
    assert len(slide.numbers) == 30


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"told": []}, "A deck of nothing"), ({"told": [3]}, "got a int"),
        ({"audience": "ceo"}, "'ceo'"), ({"artists": ["nobody"]}, "'nobody' is not among"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_by_name(how, said, rng):
    beliefs = believing(OLD, rng)
    with pytest.raises(co.CoterieError, match=said):
        co.Deck(how.pop("told", beliefs), **how)


def test_a_file_of_another_kind_is_refused(rng, tmp_path):
    deck = co.Deck(believing(OLD, rng))
    with pytest.raises(co.FindingError, match=r"does not end in .pptx"):
        deck.to_pptx(tmp_path / "d.ppt")


def test_long_names_are_whole_in_the_numbers():
    slide = slides_of(6, 8)[0]
    assert LONG in slide.numbers.columns
    assert all(len(str(c)) <= 26 for c in slide.chart.frame.columns)
