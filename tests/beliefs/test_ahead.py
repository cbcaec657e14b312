"""Ahead: next rates of some artists, once or more at each draw."""

from dataclasses import replace

import numpy as np
import pytest

import coterie as co
from coterie.beliefs import ahead, levels_and_rates, rows


@pytest.fixture(scope="module")
def beliefs():
    return co.example_beliefs()


def test_artists_of_whom_no_row_speaks_change_nothing(beliefs, monkeypatch):
    alone = levels_and_rates(beliefs, artists=["Ferro"], rng=np.random.default_rng(4))
    plan = rows._plan
    everybody = np.arange(len(beliefs.home["artist"]))
    monkeypatch.setattr(rows, "_plan", lambda *of: replace(plan(*of), owners=everybody))
    among = levels_and_rates(beliefs, artists=["Ferro"], rng=np.random.default_rng(4))
    for one, other in zip(alone, among, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("room", [2**28, 2**23, 1])
def test_home_and_window_are_drawn_again_at_every_draw_as_often_as_asked(
    beliefs, room, monkeypatch
):
    monkeypatch.setattr(ahead, "_BYTES", room)
    once = levels_and_rates(beliefs, artists=["Ferro"], rng=np.random.default_rng(5))
    many = levels_and_rates(beliefs, artists=["Ferro"], rng=np.random.default_rng(6), times=20)
    size = once[0].sizes["draw"]
    assert many[0].sizes["draw"] == 20 * size
    # What is learned of all artists is that of the draw; what is Ferro's is drawn anew.
    kappas = many[2].to_numpy().reshape(4, 20, size, -1)
    np.testing.assert_array_equal(kappas[:, 0], kappas[:, 19])
    levels = many[0].to_numpy().reshape(4, 20, size, -1)
    assert (levels[:, 0] != levels[:, 19]).any()
    dims = ("chain", "draw")
    error = once[0].std(dims) / np.sqrt(4 * size)
    assert (abs(many[0].mean(dims) - once[0].mean(dims)) < 5 * error).all()
