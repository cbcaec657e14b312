"""Draw likelihoods: how much draws are worth after counts, many of each, and nothing else.

Beta-Binomial and Gamma-Poisson log likelihoods without their constants and slopes, for weights of
draws that are already there. Callers may trust them to 1e-8 nats up to a million events and to
1e-5 up to a thousand million, at any concentration, also at infinite ones: where a law's shape is
above a million, no log-gamma function is subtracted from another.
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import numpy as np
from numba import njit

from coterie.beliefs.masses import refuse_impossible
from coterie.beliefs.threads import in_parts
from coterie.typing import Floats

_FAR: Final = 7.0
"""Where Stirling's series is read off; smaller arguments are moved there step by step."""
_LARGE: Final = 1e6
"""From here on two log-gamma functions are not subtracted."""
_LARGEST: Final = 1e18
"""Concentrations beyond are taken for it: no count is large enough to tell."""


@njit(cache=True, nogil=True)
def _rest(x: float) -> float:
    """Return what Stirling's series leaves out of log gamma, from :data:`_FAR` on."""
    square = 1.0 / (x * x)
    return (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0))) / x


@njit(cache=True, nogil=True)
def _log_gamma(x: float) -> float:
    """Return log gamma less half of log 2 pi, for x above 0."""
    moved = 0.0
    if x < _FAR:
        product = 1.0
        while x < _FAR:
            product *= x
            x += 1.0
        moved = math.log(product)
    return (x - 0.5) * math.log(x) - x + _rest(x) - moved


@njit(cache=True, nogil=True)
def _rise(a: float, y: float, log_gamma: float) -> float:
    """Return log gamma(a + y) - log gamma(a); ``log_gamma`` is the latter."""
    if a < _LARGE:
        return _log_gamma(a + y) - log_gamma
    # Their difference would lose its digits.
    return (a - 0.5) * math.log1p(y / a) + y * (math.log(a + y) - 1.0) + _rest(a + y) - _rest(a)


@njit(cache=True, nogil=True)
def _binary(first: int, last: int, laws: Any, y: Any, n: Any, like: Any, found: Any) -> None:
    told = np.empty(y.size)
    for d in range(first, last):
        scatter = laws[1, d]
        a, b = laws[0, d] * scatter, (1.0 - laws[0, d]) * scatter
        of_a, of_b, of_both = _log_gamma(a), _log_gamma(b), _log_gamma(scatter)
        below, shared = -1.0, 0.0
        for r in range(y.size):
            if n[r] != below:
                below, shared = n[r], _rise(scatter, n[r], of_both)
            told[r] = _rise(a, y[r], of_a) + _rise(b, n[r] - y[r], of_b) - shared
        for i in range(like.size):
            found[d, i] += told[like[i]]


@njit(cache=True, nogil=True)
def _count(first: int, last: int, laws: Any, y: Any, n: Any, like: Any, found: Any) -> None:
    told = np.empty(y.size)
    for d in range(first, last):
        scatter = laws[1, d]
        of_scatter, below, none, each = _log_gamma(scatter), -1.0, 0.0, 0.0
        for r in range(y.size):
            if n[r] != below:
                below, none = n[r], math.log1p(laws[0, d] * n[r] / scatter)
                each = math.log(laws[0, d]) + math.log(n[r]) - math.log(scatter) - none
            told[r] = _rise(scatter, y[r], of_scatter) - scatter * none + y[r] * each
        for i in range(like.size):
            found[d, i] += told[like[i]]


def add_log_likelihood(
    found: Floats, y: Any, n: Any, rate: Any, kappa: Any, *,
    kind: Literal["binary", "count"] = "binary",
) -> None:  # fmt: skip
    """Add each count's log likelihood at every draw, up to a constant of the count.

    Parameters
    ----------
    found
        Where to: (draw, row), in nats.
    y, n
        Counts, and those who could have or the exposure, above 0: (row,).
    rate, kappa
        Mean rate and concentration: (draw,).
    kind
        As in :func:`log_mass`.

    Raises
    ------
    BeliefError
        If a count, rate or concentration is out of range.
    """
    above, below = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(y, n))
    mean, scatter = (np.asarray(v, dtype=np.float64) for v in np.broadcast_arrays(rate, kappa))
    binary = kind == "binary"
    refuse_impossible(above, below, mean, scatter, binary)
    # Many rows are alike: each count is weighed once, in order of what it is out of.
    (ns, ys), like = np.unique(np.stack([below, above]), axis=1, return_inverse=True)
    kernel = _binary if binary else _count
    laws = np.stack([mean, np.minimum(scatter, _LARGEST)])
    given = (laws, np.ascontiguousarray(ys), np.ascontiguousarray(ns), like, found)
    in_parts(lambda first, last: kernel(first, last, *given), len(found))
