r"""Late density: the log mass of counts of which some are still to come.

Of a count that has matured to a share ``m`` of its final size, ``y | p ~ Binomial(n, m p)``
with ``p`` Beta about ``mu``. That mixture is read as the Beta-Binomial of the same mean and
variance, whose concentration is

.. math::

    \kappa' + 1 = \frac{1 - m\mu}{m (1 - \mu)} (\kappa + 1)

Counts of events need no such reading: their exposure is ``m`` times as large. Callers may
trust that at ``m = 1`` these are the masses of :mod:`coterie.beliefs.density`, and that the
slopes are those of the value returned. :mod:`coterie.beliefs.maturity` says what share has
arrived.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from coterie.beliefs.density import log_kernel, shared_part

_LEVEL_LIMIT = 250.0
_NO_SCATTER = 1e15


@njit(cache=True)
def thinned(eta: float, kappa: float, mature: float) -> tuple[float, float, float]:
    """Return level and concentration of what has arrived of a share, and what kappa + 1 grew by.

    Parameters
    ----------
    eta, kappa
        Level and concentration of the final rate.
    mature
        Share that has arrived, in (0, 1].
    """
    level = min(max(eta, -_LEVEL_LIMIT), _LEVEL_LIMIT)
    mu, rest = 1.0 / (1.0 + math.exp(-level)), 1.0 / (1.0 + math.exp(level))
    left = rest + (1.0 - mature) * mu
    grown = left / (mature * rest)
    return math.log(mature) + math.log(mu) - math.log(left), grown * (kappa + 1.0) - 1.0, grown


@njit(cache=True)
def late_kernel(
    eta: float, kappa: float, mature: float, y: float, n: float, is_count: bool
) -> tuple[float, float, float, float]:
    """Return value and slopes in ``eta``, ``log(kappa)`` and ``mature`` of one log mass.

    As :func:`coterie.beliefs.density.log_kernel`, constants left out.
    """
    if mature == 1.0:
        s0, s1 = shared_part(kappa, y, n, is_count)
        value, slope, bend = log_kernel(eta, kappa, y, n, s0, s1, is_count)
        return value, slope, bend, 0.0
    if is_count:
        s0, s1 = shared_part(kappa, y, n, is_count)
        value, slope, bend = log_kernel(eta + math.log(mature), kappa, y, n, s0, s1, is_count)
        return value, slope, bend, slope / mature
    level = min(max(eta, -_LEVEL_LIMIT), _LEVEL_LIMIT)
    mu, rest = 1.0 / (1.0 + math.exp(-level)), 1.0 / (1.0 + math.exp(level))
    left = rest + (1.0 - mature) * mu
    moved, narrow, grown = thinned(level, kappa, mature)
    if narrow > _NO_SCATTER:
        narrow = math.inf
    s0, s1 = shared_part(narrow, y, n, is_count)
    value, slope, bend = log_kernel(moved, narrow, y, n, s0, s1, is_count)
    by_eta, by_log_kappa, by_mature = slope * rest / left, 0.0, slope / (mature * left)
    if not math.isinf(narrow):
        share = bend * (kappa + 1.0) / narrow
        by_eta += share * mu * (1.0 - mature) / (mature * rest)
        by_log_kappa = bend * grown * kappa / narrow
        by_mature -= share / (mature * mature * rest)
    return value, by_eta, by_log_kappa, by_mature


@njit(cache=True)
def late_log_likelihood_and_slopes(
    eta: Any, log_kappa: Any, mature: Any, y: Any, n: Any, is_count: Any, weight: Any
) -> Any:
    """Return the log likelihood of all observations, and its slopes in the first three."""
    total = 0.0
    slopes = np.empty((3, eta.size))
    for j in range(eta.size):
        value, by_eta, by_log_kappa, by_mature = late_kernel(
            eta[j], math.exp(log_kappa[j]), mature[j], y[j], n[j], is_count[j]
        )
        total += weight[j] * value
        slopes[0, j] = weight[j] * by_eta
        slopes[1, j] = weight[j] * by_log_kappa
        slopes[2, j] = weight[j] * by_mature
    return total, slopes[0], slopes[1], slopes[2]
