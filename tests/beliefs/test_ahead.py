"""Ahead: next rates of some artists, once or more at each draw."""

import numpy as np
import pytest
from scipy.special import logit

from coterie.beliefs import ahead, levels_and_rates
from tests.beliefs.small_world import OLD, believing


@pytest.fixture(scope="module")
def beliefs():
    return believing(OLD, np.random.default_rng(4))


def test_an_artist_has_the_levels_alone_that_it_has_among_all(beliefs):
    alone = levels_and_rates(beliefs, artists=["b"], rng=np.random.default_rng(4))
    among = levels_and_rates(beliefs, rng=np.random.default_rng(4))

    np.testing.assert_array_equal(alone[0].sel(artist="b"), among[0].sel(artist="b"))
    np.testing.assert_array_equal(alone[2].sel(artist="b"), among[2].sel(artist="b"))


@pytest.mark.parametrize("room", [2**28, 2**20, 1])
def test_windows_are_drawn_again_at_every_draw_as_often_as_asked_and_fits_last(
    beliefs, room, monkeypatch
):
    monkeypatch.setattr(ahead, "_BYTES", room)
    once = levels_and_rates(beliefs, artists=["b"], rng=np.random.default_rng(5))
    many = levels_and_rates(beliefs, artists=["b"], rng=np.random.default_rng(6), times=20)
    size = once[0].sizes["draw"]
    assert many[0].sizes["draw"] == 20 * size
    # What is learned of all artists is that of the draw.
    kappas = many[2].to_numpy().reshape(4, 20, size, -1)
    np.testing.assert_array_equal(kappas[:, 0], kappas[:, 19])
    levels = logit(many[0].to_numpy()).reshape(4, 20, size, -1)
    # Within a draw a level moves as windows do, by 0.3, and about what lasts: nothing else is new.
    assert levels.std(axis=1, ddof=1).mean() == pytest.approx(0.3, rel=0.02)
    post = beliefs.tree["posterior"].dataset.isel(outcome=0)
    lasting = post["alpha"] + post["artist_effect"] + post["loading"] * post["affinity"]
    told = lasting.sel(artist="b").transpose("chain", "draw", "cluster").to_numpy()
    apart = levels.mean(axis=1) - told
    # 8,000 means of twenty windows of 0.3 each.
    assert apart.std() == pytest.approx(0.3 / np.sqrt(20), rel=0.04)
    np.testing.assert_array_less(abs(apart.mean(axis=(0, 1))), 4 * 0.3 / np.sqrt(20 * 4 * size))
