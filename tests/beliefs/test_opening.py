"""New windows of a fit whose scales are free: the same posterior as by brute force."""

import numpy as np
import pandas as pd
import pytest

from coterie import names
from coterie.beliefs.design import Levels, design
from coterie.beliefs.parameters import ParameterPrior
from coterie.beliefs.pilot import pilot
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.updating import update
from tests.beliefs import by_hand
from tests.beliefs.small_world import (
    CHAINS,
    CLUSTERS,
    DRAWS,
    NEW,
    OLD,
    STATED,
    believing,
    read_rows,
    rows,
)  # fmt: skip

HALF = ParameterPrior.halfnormal(0.4)
FREE = STATED.replace(
    alpha=ParameterPrior.fixed(-2.0),
    period_scale=HALF,
    cluster_scale=ParameterPrior.halfnormal(0.6),
)
SIZE = 60_000
SCALES = (names.PERIOD_SCALE, names.CLUSTER_SCALE)
# A second window of the old rows, so that they tell of the scales.
BEFORE = pd.concat([OLD, rows(("b", "gym", 2, 4, 120), ("b", "indie", 2, 44, 160))])
NEWER = NEW.assign(
    period_start=NEW["period_start"] + pd.Timedelta(days=7),
    period_end=NEW["period_end"] + pd.Timedelta(days=7),
)


def thin(artist, weeks, listeners):
    rng = np.random.default_rng(5)
    told = [
        (artist, c, w, rng.binomial(listeners, 0.13), listeners) for c in CLUSTERS for w in weeks
    ]
    return rows(*told)


TABLES = {
    "few old windows": (BEFORE, NEWER, 2, "never"),
    # The draws of a small spread are to keep their weight.
    "two thick windows": (thin("b", (1, 2), 40), thin("a", (3, 4), 300), 2, "never"),
    "many thin windows": (thin("b", range(1, 13), 4), thin("a", (13, 14), 60), 12, "never"),
    "windows that fade": (BEFORE, NEWER, 2, "20D"),
    "nothing but time": (BEFORE, None, 2, "8D"),
}


def drawn_from_the_prior(rng, windows, law=1.0):
    """Draws of scales, of clusters and of their windows, whose variances are over ``law``."""
    scale, between = np.abs(rng.normal(0, 0.4, SIZE)), np.abs(rng.normal(0, 0.6, SIZE))
    own = rng.normal(size=(SIZE, 2)) * between[:, None]
    drift = rng.normal(size=(SIZE, 2, windows)) * scale[:, None, None] / np.sqrt(law)
    return {
        names.PERIOD_SCALE: scale[:, None],
        names.CLUSTER_SCALE: between[:, None],
        names.CLUSTER_EFFECT: own[..., None],
        names.PERIOD_EFFECT: drift[..., None],
    }


def fading(evidence, scale):
    """Powers of windows, and log of what makes them those of a window's whole likelihood."""
    levels = Levels.of(evidence, CLUSTERS)
    made = design(evidence, levels)
    power = np.array([made.weight[made.window == w].max() for w in range(len(levels.windows))])
    told = pilot(made, levels).information / (1 + (made.n - 1) / 81)
    total = np.zeros(scale.size)
    for c, w in np.ndindex(2, power.size):
        known = told[(made.cluster == c) & (made.window == w)].sum()
        total += (1 - power[w]) / 2 * np.log1p(known * scale**2)
    return power, total


def log_evidence(frame, known, half_life="never"):
    """Log probability of a table at each of those draws, and artist a's belief, by hand."""
    week = (frame["period_start"] - frame["period_start"].min()).dt.days // 7
    frame = frame.assign(week=week)
    days = np.inf if half_life == "never" else float(half_life.removesuffix("D"))
    total, belief = np.zeros(SIZE), None

    def now(row):
        k = CLUSTERS.index(row["cluster"])
        level = -2.0 + known[names.CLUSTER_EFFECT][:, k, 0]
        level = level + known[names.PERIOD_EFFECT][:, k, row["week"], 0]
        return 0.5 ** (7 * (week.max() - row["week"]) / days), level

    for artist in sorted(frame["artist"].unique()):
        rows = by_hand.rows_of(frame, artist, now)
        told, home, _ = by_hand.believed(rows, own=9, fits=31)
        total += told
        belief = home if belief is None else belief
    return total, belief


def alike(mine, theirs, share, size):
    """The means are those of weighted draws, to four standard errors."""
    middle = share @ theirs
    spread = np.sqrt(share @ (theirs - middle) ** 2)
    # A draw of the fit was itself chosen: effective numbers are fewer than they say.
    error = 4 * spread * np.sqrt(3 / size)
    np.testing.assert_array_less(np.abs(mine.mean(axis=0) - middle), error)
    # Effects have tails as their scales do: their spread is known to a quarter.
    np.testing.assert_allclose(mine.std(axis=0), spread, rtol=0.25)


def believed_as_told(made, belief, share, size):
    """Artist a's belief is that of weighted draws, and so are the homes its fits make."""
    wanted = share @ belief
    spread = np.sqrt(share @ (belief - wanted) ** 2)
    mine = made.home.sel(artist="a").mean(("chain", "draw")).to_numpy()
    kept = size * made.home.sizes["draw"] / DRAWS
    np.testing.assert_array_less(abs(mine - wanted), 4 * spread / np.sqrt(kept) + 3e-3)
    # All draws tell more: each has fits, the highest of which makes a home or leaves it open.
    fits = made.tree[names.POSTERIOR][names.AFFINITY].sel(artist="a").to_numpy()
    at_home = by_hand.homes_of(fits.reshape(-1, 2))
    error = 4 * np.sqrt(3 * wanted * (1 - wanted) / size)
    np.testing.assert_array_less(abs(at_home.mean(axis=0) - wanted), error)


@pytest.mark.parametrize("tables", TABLES)
def test_an_update_with_free_scales_is_what_brute_force_gives(tables, rng):
    old, new, windows, half_life = TABLES[tables]
    # Draws of the fit: prior draws, chosen by what the rows of the fit say of them.
    known = drawn_from_the_prior(rng, windows)
    height, _ = log_evidence(old, known)
    share = np.exp(height - height.max())
    at = rng.choice(SIZE, CHAINS * DRAWS, p=share / share.sum())
    told = {k: v[at].reshape(CHAINS, DRAWS, *v.shape[1:]) for k, v in known.items()}
    told[names.ALPHA] = np.full((CHAINS, DRAWS, 1), -2.0)
    before = believing(old, rng, known=told, population=FREE)
    rows = None if new is None else read_rows(new)
    made = update(before, rows, half_life=half_life, rng=rng, refit="never")
    effective = float(made.history["effective"][-1])
    post = made.tree[names.POSTERIOR].dataset

    # The same, from prior draws to all rows in one go.
    now = read_rows(pd.concat([old, new])).forgetting(half_life)
    power, _ = fading(now, np.ones(1))
    whole = drawn_from_the_prior(np.random.default_rng(99), power.size, power)
    height, belief = log_evidence(pd.concat([old, new]), whole, half_life)
    height = height + fading(now, whole[names.PERIOD_SCALE][:, 0])[1]
    share = np.exp(height - height.max())
    share /= share.sum()
    size = min(effective, 1 / np.square(share).sum())
    assert size > 500
    for name in (*SCALES, names.CLUSTER_EFFECT, names.PERIOD_EFFECT):
        mine = post[name].transpose("chain", "draw", ...).to_numpy()
        alike(mine.reshape(CHAINS * DRAWS, -1), whole[name].reshape(SIZE, -1), share, size)
    for name in SCALES:
        small = (post[name].to_numpy() < 0.1).mean()
        wanted = share @ (whole[name][:, 0] < 0.1)
        assert small == pytest.approx(wanted, abs=4 * np.sqrt(3 * wanted * (1 - wanted) / size))
    believed_as_told(made, belief, share, size)


def test_a_new_cluster_that_cannot_differ_is_weighed_like_any_row(rng):
    still = {
        name: np.zeros((CHAINS, DRAWS, 1)) for name in (names.PERIOD_SCALE, names.CLUSTER_SCALE)
    }
    zero = {name: ParameterPrior.fixed(0.0) for name in still}
    before = believing(OLD, rng, known=still, population=STATED.replace(**zero))
    shares = {"gym": 0.4, "indie": 0.3, "party": 0.3}
    made = update(
        before, read_rows(rows(("a", "party", 1, 6, 60))), rng=rng, refit="never",
        prior=MembershipPrior.from_shares(shares),
    )  # fmt: skip

    assert float(made.history["effective"][-1]) > 0.5 * CHAINS * DRAWS
    assert not made.tree[names.POSTERIOR].dataset[names.CLUSTER_EFFECT].to_numpy().any()
