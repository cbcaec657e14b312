"""Fits that are stopped or killed: what was made is kept and marked, nothing is left running."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import coterie as co
from coterie.beliefs.diagnosis import LEAST_KEPT
from coterie.beliefs.sampling import whole_draws

SCRIPT = Path(__file__).with_name("stoppable.py")


def padded(*lengths, longest=None):
    """A tree as nutpie pads it: chains of these lengths, NaN to the longest."""
    longest = max(lengths) if longest is None else longest
    values = np.full((len(lengths), longest, 3), np.nan)
    for chain, length in enumerate(lengths):
        values[chain, :length] = np.arange(length)[:, None] + 1000 * chain
    dims = ("chain", "draw", "place")
    wide = xr.Dataset({"wide": (dims, values), "slim": (dims[:2], values[..., 0])})
    marks = xr.Dataset({"diverging": (dims[:2], np.zeros(values.shape[:2], dtype=bool))})
    return xr.DataTree.from_dict({"posterior": wide, "sample_stats": marks})


@pytest.mark.parametrize(
    ("lengths", "chains", "draws"),
    [
        ((500, 500, 500, 500), 4, 500),
        ((500, 480, 490, 500), 4, 480),
        ((500, 480, 0, 0), 2, 480),
        ((1000, 1000, 200, 190), 2, 1000),
        ((0, 60, 0, 0), 1, 60),
    ],
)
def test_ragged_chains_are_cut_to_the_block_with_most_whole_draws(lengths, chains, draws):
    tree = whole_draws(padded(*lengths))

    for group in ("posterior", "sample_stats"):
        assert tree[group].sizes["chain"] == chains
        assert tree[group].sizes["draw"] == draws
    assert not tree["posterior"].dataset.isnull().to_array().any()


@pytest.mark.parametrize("lengths", [(0, 0), (LEAST_KEPT - 1, 3), (49, 49, 49, 49)])
def test_too_few_draws_are_not_kept(lengths):
    assert whole_draws(padded(*lengths)) is None


def test_chains_keep_their_own_draws_when_others_are_left_out():
    tree = whole_draws(padded(10, 400, 0, 410))

    assert tree["posterior"]["slim"].values[:, 0].tolist() == [1000, 3000]


def test_nothing_is_made_of_a_stopped_run_until_somebody_accepts_it(beliefs_like, rng):
    beliefs = beliefs_like(draws=200, coterie_draws_asked=1000, coterie_interrupted=1)

    assert beliefs.interrupted
    for use in (
        beliefs.summary,
        beliefs.to_frame,
        lambda: co.plot_home(beliefs, backend="none"),
        lambda: co.plot_rates(beliefs, outcome="save", backend="none"),
        lambda: co.predict(beliefs, beliefs.evidence, rng=rng),
        lambda: co.backtest(beliefs, beliefs.evidence, rng=rng),
    ):
        with pytest.raises(co.BeliefError, match=r"after 200 of 1,000 .*accept_partial"):
            use()


def test_accepted_beliefs_are_used_and_still_say_that_they_are_partial(beliefs_like, tmp_path):
    stopped = beliefs_like(draws=200, coterie_draws_asked=1000, coterie_interrupted=1)
    accepted = stopped.accept_partial()
    table = accepted.to_frame()

    assert table.attrs["partial"] is True
    assert "stopped after 200 of 1,000" in table.attrs["diagnosis"][0]
    accepted.save(tmp_path / "a.nc")
    assert co.Beliefs.load(tmp_path / "a.nc").interrupted
    with pytest.raises(co.BeliefError, match="accept_partial"):
        stopped.to_frame()


def stopped_fits(*waits):
    """What came of fits that were sent Ctrl-C after such waits, in one process."""
    command = [sys.executable, str(SCRIPT), "signal", *waits]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
    assert "panicked" not in done.stderr
    return json.loads(done.stdout)


def is_whole(found):
    kept = found.get("interrupted") and found["missing"] == 0 and found["draws"] >= LEAST_KEPT
    return bool(kept) and "stopped after" in found["said"]


@pytest.mark.slow
def test_ctrl_c_keeps_the_draws_made_and_a_second_one_drops_them():
    at_once, later, twice = stopped_fits("0.01", "5", "5,5.01")

    # On a busy machine the key may be pressed before the sampler has begun, or before fit has.
    told = at_once.get("refused", "")
    early = "before 50 of its 4 x 200000 draws" in told or "nothing is left running" in told
    assert early or at_once.get("escaped")
    assert is_whole(later)
    # Or the first key ended the fit so soon that the second was pressed after it.
    assert "refused" in twice or is_whole(twice) or "late" in twice
    assert [found["workers"] for found in (at_once, later, twice)] == [0, 0, 0]


@pytest.mark.nightly
def test_twenty_ctrl_c_at_random_moments_leave_nothing_running():
    times = random.Random(8)
    found = stopped_fits(*(f"{times.uniform(0.01, 6):.3f}" for _ in range(20)))

    assert all("before 50 of" in each.get("refused", "") or is_whole(each) for each in found)
    assert sum(is_whole(each) for each in found) >= 5
    assert all(each["workers"] == 0 for each in found)


def killed_fit(path, wait):
    """Kill a fit that keeps a checkpoint, so long after it began to sample; age of what it left."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "checkpoint", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "sampling\n"
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return time.time() - path.stat().st_mtime if path.exists() else None


def assert_whole_but_marked(path):
    beliefs = co.Beliefs.load(path)
    assert beliefs.interrupted
    assert beliefs.tree["posterior"].sizes["draw"] >= LEAST_KEPT
    assert not beliefs.tree["posterior"].dataset.isnull().to_array().any()
    with pytest.raises(co.BeliefError, match="stopped after"):
        beliefs.summary()
    assert len(beliefs.accept_partial().summary()) > 0


@pytest.mark.slow
def test_a_killed_fit_leaves_its_last_checkpoint(tmp_path):
    path = tmp_path / "kept.nc"
    age = killed_fit(path, wait=20)

    assert age is not None
    assert age < 60
    assert_whole_but_marked(path)


@pytest.mark.nightly
def test_twenty_kills_at_random_moments_leave_a_whole_checkpoint_or_none(tmp_path):
    times = random.Random(9)
    left = 0
    for number in range(20):
        path = tmp_path / f"{number}.nc"
        if killed_fit(path, wait=times.uniform(0, 15)) is None:
            continue
        left += 1
        assert_whole_but_marked(path)
    assert left >= 5
