"""Our type and colours are held while a picture is drawn, and what a notebook needs outlives it."""

import matplotlib as mpl

from coterie.deck.style import dressed


def test_colours_are_put_back_and_a_notebook_stays_interactive():
    before, quiet = mpl.rcParams["text.color"], mpl.is_interactive()
    try:
        with dressed("matplotlib"):
            assert mpl.rcParams["text.color"] != before
            # So does a notebook's backend as it draws its first picture.
            mpl.interactive(True)
        assert mpl.rcParams["text.color"] == before
        assert mpl.is_interactive()
    finally:
        mpl.interactive(quiet)


def test_other_backends_are_left_alone():
    before = mpl.rcParams["text.color"]
    with dressed("plotly"):
        assert mpl.rcParams["text.color"] == before
