"""Interpolation: one observation's log mass as a polynomial of its level.

The integrals ask for the mass of the same count at hundreds of levels in one short range. It is
computed at Chebyshev points there, and read off the polynomial through them everywhere else: the
log masses have no pole nearer than pi to the real levels, so that few points are many digits.
Callers may trust that what is read off is within 1e-4, mostly 1e-7, of what would be computed
(of masses below exp(-10000), eight digits), because a polynomial whose last two terms are above
1e-5 is not handed out.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from coterie.beliefs.density import log_kernel
from coterie.beliefs.late_density import late_kernel
from coterie.typing import Floats

MOST: Final = 24
"""Coefficients of the longest polynomial."""
_TOLERANCE: Final = 1e-5
_SHORT, _MIDDLE = 12, 16
_NARROW, _WIDE = 1.5, 3.5
"""Half a range, in levels, up to which the short and the middle polynomial mostly suffice."""


def _through(count: int) -> tuple[Floats, Floats, Floats]:
    """Return half as many Chebyshev points, and what makes terms of values there, powers of terms.

    In one matrix seven digits would be lost: powers are millions of times their terms.
    """
    points = np.cos((np.arange(count // 2) + 0.5) * math.pi / (count // 2))
    chebyshev = np.polynomial.chebyshev
    values = chebyshev.chebvander(points, count - 1)
    slopes = np.stack(
        [chebyshev.chebval(points, chebyshev.chebder(row)) for row in np.eye(count)], axis=1
    )
    terms = np.linalg.inv(np.concatenate([values, slopes]))
    powers = np.zeros((count, count))
    for i, row in enumerate(np.eye(count)):
        powers[: i + 1, i] = chebyshev.cheb2poly(row[: i + 1])
    return points, np.ascontiguousarray(terms), powers


_SHORT_POINTS, _SHORT_TERMS, _SHORT_POWERS = _through(_SHORT)
_MIDDLE_POINTS, _MIDDLE_TERMS, _MIDDLE_POWERS = _through(_MIDDLE)
_LONG_POINTS, _LONG_TERMS, _LONG_POWERS = _through(MOST)


@njit(cache=True)
def told(
    eta: float, kappa: float, mature: float, y: float, n: float, s0: float, s1: float,
    is_count: bool,
) -> tuple[float, float]:  # fmt: skip
    """Return one log mass and its slope in the level.

    ``s0`` and ``s1`` are its shared part where all has arrived.
    """
    if mature == 1.0:
        value, slope, _ = log_kernel(eta, kappa, y, n, s0, s1, is_count)
        return value, slope
    found = late_kernel(eta, kappa, mature, y, n, is_count)
    return found[0], found[1]


@njit(cache=True)
def _solve(
    points: Any, terms: Any, to_powers: Any, middle: float, half: float, kappa: float,
    mature: float, y: float, n: float, s0: float, s1: float, is_count: bool, powers: Any,
) -> bool:  # fmt: skip
    """Fill coefficients of powers of (eta - middle) / half; say whether they have settled."""
    count = terms.shape[0]
    powers[:count] = 0.0
    for i in range(points.size):
        level = middle + half * points[i]
        value, slope = told(level, kappa, mature, y, n, s0, s1, is_count)
        for k in range(count):
            powers[k] += terms[k, i] * value + terms[k, points.size + i] * half * slope
    settled = abs(powers[count - 1]) + abs(powers[count - 2]) < _TOLERANCE
    for k in range(count):
        # Terms so far. A power is in those of its own parity from its degree up: in place.
        total = 0.0
        for j in range(k, count, 2):
            total += to_powers[k, j] * powers[j]
        powers[k] = total
    return settled


@njit(cache=True)
def interpolate(
    low: float, high: float, kappa: float, mature: float, y: float, n: float, s0: float,
    s1: float, is_count: bool, powers: Any,
) -> int:  # fmt: skip
    """Fill ``powers`` with the polynomial of one log mass on [low, high]; return its length.

    It is one in ``(2 eta - low - high) / (high - low)``. A length of 0 says that no polynomial
    has settled, and that each mass must be computed.

    Parameters
    ----------
    low, high
        Range of levels.
    kappa, mature, y, n, s0, s1, is_count
        As in :func:`told`.
    powers
        Room for :data:`MOST` coefficients.
    """
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    rest = (middle, half, kappa, mature, y, n, s0, s1, is_count, powers)
    if half <= _NARROW and _solve(_SHORT_POINTS, _SHORT_TERMS, _SHORT_POWERS, *rest):
        return _SHORT
    if half <= _WIDE and _solve(_MIDDLE_POINTS, _MIDDLE_TERMS, _MIDDLE_POWERS, *rest):
        return _MIDDLE
    if _solve(_LONG_POINTS, _LONG_TERMS, _LONG_POWERS, *rest):
        return MOST
    return 0


@njit(cache=True)
def read_off(x: Any, powers: Any, length: int, value: Any) -> None:
    """Fill the values of a polynomial at many ``x`` in [-1, 1]."""
    if length == _SHORT:
        for i in range(x.size):
            total = powers[_SHORT - 1]
            # A loop whose length the compiler knows: it takes several x at once.
            for k in range(1, _SHORT):
                total = total * x[i] + powers[_SHORT - 1 - k]
            value[i] = total
        return
    value[:] = powers[length - 1]
    for k in range(length - 2, -1, -1):
        for i in range(x.size):
            value[i] = value[i] * x[i] + powers[k]
