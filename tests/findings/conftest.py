"""Beliefs that foresee with one stated rate an outcome, so that scores can be checked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import coterie.beliefs
from coterie.evidence import simulate

SETTLED = SimpleNamespace(ok=True, lines=())


def stated_beliefs(ledger, *, trust=SETTLED):
    """Return what a backtest asks of beliefs, about this ledger."""
    tree = xr.DataTree()
    tree.attrs["coterie_rng"] = "PCG64"
    return SimpleNamespace(evidence=ledger, homes="one", tree=tree, diagnose=lambda: trust)


def foresee(later, rates):
    """Predict each row by Binomial(n, rate) or Poisson(exposure * rate), exactly."""
    counts = later.counts
    above, below = (counts[side].to_numpy() for side in ("numerator", "denominator"))
    foreseen = np.full((3, *above.shape), np.nan)
    for i, outcome in enumerate(later.outcomes):
        rows = ~np.isnan(above[:, i]) & ~np.isnan(below[:, i])
        y, n = above[rows, i], below[rows, i]
        rate = rates[outcome.name]
        law = stats.binom(n, rate) if outcome.kind == "binary" else stats.poisson(n * rate)
        found = law.logpmf(y), law.cdf(y - 1), law.cdf(y)
        foreseen[:, rows, i] = found
    dims = ("row", "outcome")
    coords = {"row": counts["row"], "outcome": counts["outcome"]}
    named = zip(("log_score", "cdf_below", "cdf"), foreseen, strict=True)
    return xr.Dataset({name: (dims, values) for name, values in named}, coords=coords)


@pytest.fixture
def foreseen_by(monkeypatch):
    """Let predictions be those of stated rates."""

    def state(rates):
        def predictive(beliefs, later, *, of, rng):  # noqa: ARG001 - the real one's signature
            return foresee(later, rates)

        monkeypatch.setattr(coterie.beliefs, "predictive", predictive, raising=False)

    return state


@pytest.fixture(scope="session")
def two_months():
    """Return an early and a late table of one world, outcomes save and depth among them."""
    rng = np.random.default_rng(11)
    early = simulate.world(artists=12, clusters=3, listeners=60, windows=2, rng=rng)
    return early.evidence(), simulate.later(early, rng=rng).evidence()
