"""Uniform: whether ranks are, and whether beliefs are as often true as they say.

Tests on plain arrays of many replications. Each statistic gets one p-value from three
tests that see different faults: Kolmogorov-Smirnov sees a shift, chi-square over 20 bins
sees a shape, the number of truths inside the central 90 % sees a scale.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import stats

from coterie.typing import Floats, Integers

BINS: Final = 20
FAMILY_WISE: Final = 0.01
"""Probability of any false alarm among all statistics of all families."""

_ROUNDING: Final = 1e-9
"""Totals closer than this differ by rounding: events of which exactly one is true sum to 0."""
_INSIDE: Final = {0.5: (0.25, 0.75), 0.9: (0.05, 0.95)}


def rank_test(ranks: Integers, ranked: int) -> float:
    """Return the p-value of uniform ranks.

    Parameters
    ----------
    ranks
        One a replication, each of 0 to ``ranked``.
    ranked
        Draws each truth was ranked among.

    Returns
    -------
    float
        Three times the smallest of the three tests' p-values, at most 1.
    """
    size = len(ranks)
    # Half a step up: the ranks' own lattice is no departure from uniform.
    even = (ranks + 0.5) / (ranked + 1)
    shift = stats.kstest(even, "uniform").pvalue
    seen = np.bincount(np.minimum((even * BINS).astype(int), BINS - 1), minlength=BINS)
    shape = stats.chi2.sf(np.sum((seen - size / BINS) ** 2) / (size / BINS), BINS - 1)
    inside = round(covered(ranks, ranked, 0.9) * size)
    scale = stats.binomtest(inside, size, _mass(ranked, 0.9)).pvalue
    return float(min(1.0, 3 * min(shift, shape, scale)))


def covered(ranks: Integers, ranked: int, prob: float) -> float:
    """Return the share of truths inside the central interval of this probability."""
    low, high = _INSIDE[prob]
    even = (ranks + 0.5) / (ranked + 1)
    return float(np.mean((even > low) & (even < high)))


def _mass(ranked: int, prob: float) -> float:
    """Return what share of all ranks lies inside."""
    return covered(np.arange(ranked + 1), ranked, prob)


def belief_test(belief: Floats, truth: Floats) -> float:
    """Return the p-value of beliefs being as often true as they say.

    Parameters
    ----------
    belief, truth
        Probability of each event, and whether it is so: (replication, event). Events of
        one replication may depend on one another; replications may not.

    Returns
    -------
    float
        Twice the smaller p-value of two tests on replication totals: of truth minus belief
        (too high or too low), and of the same times belief (too bold or too timid). At most 1.
    """
    lean = (truth - belief).sum(axis=1)
    bold = ((truth - belief) * (belief - belief.mean())).sum(axis=1)
    return float(min(1.0, 2 * min(_centred(lean), _centred(bold))))


def _centred(totals: Floats) -> float:
    spread = totals.std(ddof=1)
    if spread < _ROUNDING:
        return 1.0 if abs(totals.mean()) < _ROUNDING else 0.0
    z = totals.mean() / (spread / np.sqrt(len(totals)))
    return float(2 * stats.t.sf(abs(z), len(totals) - 1))
