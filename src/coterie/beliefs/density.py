r"""Densities: how likely a count is, given a response level and its overdispersion.

Written once as compiled scalar code: the sampled density, the integrals of
:mod:`coterie.beliefs.membership` and the PyTensor operations of
:mod:`coterie.beliefs.operations` call the same functions. Callers may
trust that every value is a normalised log probability mass, that it never
breaks down as the concentration grows (the Binomial and Poisson limits are
reached, and ``inf`` is allowed), and that gradients belong to the values.
Knows nothing of artists, clusters or priors.

Beta-Binomial, with :math:`\mu = \mathrm{sigmoid}(\eta)`, :math:`a = \mu\kappa`,
:math:`b = (1-\mu)\kappa` and the rising factorial
:math:`a^{(y)} = \Gamma(a+y)/\Gamma(a)`:

.. math:: \log p(y \mid n) = \log\tbinom{n}{y} + \log a^{(y)} + \log b^{(n-y)} - \log \kappa^{(n)}

The naive difference of log-beta functions cancels catastrophically at high
concentration; a rising factorial does not when it is computed as a product or
through ``log1p``.

Of large counts the rising factorials themselves are large and cancel. There Stirling's
main terms are gathered by hand into deviances, none of which is negative: with
:math:`q = (y+a)/(n+\kappa)` they are :math:`-n\,\mathrm{KL}(y/n \| q) -
\kappa\,\mathrm{KL}(\mu \| q)` (after Loader 2000, Fast and accurate computation of binomial
probabilities).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from coterie.beliefs.threads import in_parts
from coterie.typing import Floats

_SERIES_FROM = 9.0
SHORT_PRODUCT = 10
_ETA_LIMIT = 250.0
_HUGE = 1e290
_NEGLIGIBLE = 1e-17
LARGE = 1e5
"""Trials, or events, from which main terms are gathered into deviances."""
_NEAR = 0.1
_HALF = 0.5
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


@njit(cache=True, inline="always")
def _stirling_tail(x: float) -> tuple[float, float]:
    """Return lgamma's and digamma's corrections to Stirling's main terms, x >= 9."""
    r = 1.0 / x
    s = r * r
    value = r * (
        1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * 691 / 360360))))
    )
    slope = -s * (
        1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * 691 / 32760))))
    )
    return value, slope


@njit(cache=True, inline="always")
def log_of_one_and(x: float) -> float:
    """Return log(1 + x), for x > 0: the plain logarithm is faster, and exact past a half."""
    return math.log(1.0 + x) if x > _HALF else math.log1p(x)


@njit(cache=True)
def _rise(a: float, y: float) -> tuple[float, float]:
    """Return log(gamma(a + y) / gamma(a)) and its derivative in ``a``, for a > 0, y >= 0 whole."""
    if y <= SHORT_PRODUCT:
        product, slope = 1.0, 0.0
        for i in range(int(y)):
            slope = slope * (a + i) + product
            product *= a + i
        return math.log(product), slope / product
    value, slope = 0.0, 0.0
    if a < _SERIES_FROM:
        # Climb by whole steps to where Stirling's series is exact to 1e-15.
        steps = int(_SERIES_FROM - a) + 1
        product, rate = 1.0, 0.0
        for i in range(steps):
            rate = rate * (a + i) + product
            product *= a + i
        value, slope = math.log(product), rate / product
        a += steps
        y -= steps
    ratio = y / a
    grow = log_of_one_and(ratio)
    top, top_slope = _stirling_tail(a + y)
    low, low_slope = _stirling_tail(a)
    # (a+y-1/2) log(a+y) - (a-1/2) log a - y, arranged so that nothing large is subtracted.
    value += y * math.log(a) + (a + y - 0.5) * grow - y + top - low
    slope += grow + 0.5 * ratio / (a + y) + top_slope - low_slope
    return value, slope


@njit(cache=True)
def rise_from(a: float, out: Any) -> None:
    """Fill what :func:`rises` needs of ``a``, which many numbers share: (6,)."""
    steps, product, rate = 0, 1.0, 0.0
    if a < _SERIES_FROM:
        steps = int(_SERIES_FROM - a) + 1
        for i in range(steps):
            rate = rate * (a + i) + product
            product *= a + i
    top = a + steps
    low, low_slope = _stirling_tail(top)
    out[0], out[1], out[2] = steps, top, math.log(top)
    out[3], out[4], out[5] = 1.0 / top, math.log(product) - low, rate / product - low_slope


@njit(cache=True, inline="always")
def rises(start: Any, y: float) -> tuple[float, float]:
    """Return ``_rise`` of many y, each above 10, at one ``a`` of :func:`rise_from`."""
    left, a = y - start[0], start[1]
    ratio = left * start[3]
    grow = log_of_one_and(ratio)
    top, top_slope = _stirling_tail(a + left)
    value = start[4] + left * start[2] + (a + left - 0.5) * grow - left + top
    return value, start[5] + grow + 0.5 * ratio / (a + left) + top_slope


@njit(cache=True, inline="always")
def _sigmoid(eta: float) -> tuple[float, float]:
    """Return sigmoid(eta) and sigmoid(-eta), both to full relative precision."""
    if eta >= 0:
        small = math.exp(-eta)
        return 1.0 / (1.0 + small), small / (1.0 + small)
    small = math.exp(eta)
    return small / (1.0 + small), 1.0 / (1.0 + small)


@njit(cache=True)
def _tail(x: float) -> tuple[float, float]:
    """Return what Stirling's main terms leave of lgamma(x) and of digamma(x), for any x > 0."""
    if x >= _SERIES_FROM:
        return _stirling_tail(x)
    steps = int(_SERIES_FROM - x) + 1
    product, rate = 1.0, 0.0
    for i in range(steps):
        rate = rate * (x + i) + product
        product *= x + i
    top = x + steps
    value, slope = _stirling_tail(top)
    grow = math.log(top)
    value += (top - 0.5) * grow - steps - math.log(product) - (x - 0.5) * math.log(x)
    slope += grow - 0.5 / top - rate / product - math.log(x) + 0.5 / x
    return value, slope


@njit(cache=True)
def _deviance(x: float, mean: float, less: float) -> float:
    """Return x log(x / mean) + mean - x >= 0, where ``less`` is x - mean to full precision."""
    if x == 0.0:
        return mean
    if abs(less) >= _NEAR * (x + mean):
        return x * math.log(x / mean) - less
    v = less / (x + mean)
    square, total, power = v * v, less * v, 2.0 * x * v
    for i in range(3, 40, 2):
        power *= square
        more = total + power / i
        if more == total:
            break
        total = more
    return total


@njit(cache=True)
def _factorial_part(y: float) -> float:
    """Return log(y!) less y log(y) - y."""
    if y == 0.0:
        return 0.0
    return 0.5 * math.log(y) + _HALF_LOG_TWO_PI + _tail(y)[0]


@njit(cache=True)
def _large_beta_binomial(
    eta: float, kappa: float, y: float, n: float
) -> tuple[float, float, float]:
    """Return the whole log mass and its slopes, of many trials."""
    mu, rest = _sigmoid(eta)
    no = n - y
    value = _factorial_part(n) - _factorial_part(y) - _factorial_part(no)
    gap = n * mu - y if mu <= rest else no - n * rest
    if math.isinf(kappa):
        value -= _deviance(y, n * mu, -gap) + _deviance(no, n * rest, gap)
        return value, -gap, 0.0
    a, b, total = mu * kappa, rest * kappa, n + kappa
    gap /= 1.0 + n / kappa
    q, r = (y + a) / total, (no + b) / total
    own = _deviance(a, kappa * q, gap) + _deviance(b, kappa * r, -gap)
    value -= _deviance(y, n * q, -gap) + _deviance(no, n * r, gap) + own
    up, down, both = math.log1p(y / a), math.log1p(no / b), math.log1p(n / kappa)
    value += 0.5 * (both - up - down)
    tail_a, slope_a = _tail(a)
    tail_b, slope_b = _tail(b)
    tail_ay, slope_ay = _tail(a + y)
    tail_bn, slope_bn = _tail(b + no)
    tail_k, slope_k = _tail(kappa)
    tail_kn, slope_kn = _tail(total)
    value += (tail_ay - tail_a) + (tail_bn - tail_b) - (tail_kn - tail_k)
    rest_a = 0.5 * y / (a + y) + a * (slope_ay - slope_a)
    rest_b = 0.5 * no / (b + no) + b * (slope_bn - slope_b)
    by_eta = rest * (a * up + rest_a) - mu * (b * down + rest_b)
    by_log_kappa = rest_a + rest_b - 0.5 * n / total - kappa * (slope_kn - slope_k) - own
    return value, by_eta, by_log_kappa


@njit(cache=True)
def _large_neg_binomial(
    eta: float, kappa: float, y: float, exposure: float
) -> tuple[float, float, float]:
    """Return the whole log mass and its slopes, of many events."""
    mean = exposure * math.exp(eta)
    value = -_factorial_part(y)
    if math.isinf(kappa):
        return value - _deviance(y, mean, y - mean), y - mean, 0.0
    total = mean + kappa
    share = (y + kappa) / total
    gap = (y - mean) / (1.0 + mean / kappa)
    own = _deviance(kappa, kappa * share, -gap)
    value -= _deviance(y, mean * share, gap) + own + 0.5 * math.log1p(y / kappa)
    tail_k, slope_k = _tail(kappa)
    tail_ky, slope_ky = _tail(kappa + y)
    value += tail_ky - tail_k
    by_log_kappa = 0.5 * y / (y + kappa) + kappa * (slope_ky - slope_k) - own
    return value, gap, by_log_kappa


@njit(cache=True, inline="always")
def _is_large(y: float, n: float, is_count: bool) -> bool:
    return (y if is_count else n) > LARGE


@njit(cache=True)
def beta_binomial(
    eta: float, kappa: float, y: float, n: float, shared: float, shared_slope: float
) -> tuple[float, float, float]:
    """Return the kernel of the log mass, and its slopes in ``eta`` and in ``log(kappa)``.

    The binomial coefficient is left out; ``shared`` and ``shared_slope`` are
    ``_rise(kappa, n)``, which does not depend on ``eta``.
    """
    eta = min(max(eta, -_ETA_LIMIT), _ETA_LIMIT)
    mu, rest = _sigmoid(eta)
    if math.isinf(kappa):
        value = 0.0
        if y > 0:
            value += y * math.log(mu)
        if n > y:
            value += (n - y) * math.log(rest)
        return value, y * rest - (n - y) * mu, 0.0
    a, b = mu * kappa, rest * kappa
    yes, yes_slope = _rise(a, y)
    no, no_slope = _rise(b, n - y)
    value = yes + no - shared
    by_eta = kappa * mu * rest * (yes_slope - no_slope)
    return value, by_eta, a * yes_slope + b * no_slope - kappa * shared_slope


@njit(cache=True)
def neg_binomial(
    eta: float, kappa: float, y: float, exposure: float, shared: float, shared_slope: float
) -> tuple[float, float, float]:
    """Return the kernel of the log mass, and its slopes in ``eta`` and in ``log(kappa)``.

    ``log(exposure**y / y!)`` is left out; ``shared`` and ``shared_slope`` are
    ``_rise(kappa, y)``, which does not depend on ``eta``.
    """
    eta = min(max(eta, -_ETA_LIMIT), _ETA_LIMIT)
    mean = exposure * math.exp(eta)
    if math.isinf(kappa):
        return y * eta - mean, y - mean, 0.0
    ratio = mean / kappa
    spread = math.log1p(ratio)
    value = y * eta + (shared - y * math.log(kappa)) - (kappa + y) * spread
    by_eta = (y - mean) / (1.0 + ratio)
    by_log_kappa = kappa * (shared_slope - spread) + (kappa + y) * ratio / (1.0 + ratio) - y
    return value, by_eta, by_log_kappa


@njit(cache=True)
def shared_part(kappa: float, y: float, n: float, is_count: bool) -> tuple[float, float]:
    """Return the part of one observation's density that no response level changes."""
    if math.isinf(kappa) or _is_large(y, n, is_count):
        return 0.0, 0.0
    return _rise(kappa, y) if is_count else _rise(kappa, n)


@njit(cache=True)
def log_kernel(
    eta: float,
    kappa: float,
    y: float,
    n: float,
    shared: float,
    shared_slope: float,
    is_count: bool,
) -> tuple[float, float, float]:
    """Return value and slopes of one observation's log mass, :func:`log_constant` left out."""
    if _is_large(y, n, is_count):
        level = min(max(eta, -_ETA_LIMIT), _ETA_LIMIT)
        if is_count:
            return _large_neg_binomial(level, kappa, y, n)
        return _large_beta_binomial(level, kappa, y, n)
    if is_count:
        return neg_binomial(eta, kappa, y, n, shared, shared_slope)
    return beta_binomial(eta, kappa, y, n, shared, shared_slope)


@njit(cache=True)
def log_constant(y: Floats, n: Floats, is_count: Any) -> Floats:
    """Return the part of each log mass that the kernel leaves out: (observation,).

    No parameter changes it. Of large counts nothing is left out.
    """
    out = np.empty(y.size)
    for j in range(y.size):
        if _is_large(y[j], n[j], is_count[j]):
            out[j] = 0.0
        elif is_count[j]:
            out[j] = y[j] * math.log(n[j]) - math.lgamma(y[j] + 1.0)
        else:
            fewer = min(y[j], n[j] - y[j])
            out[j] = _rise(n[j] - fewer + 1.0, fewer)[0] - math.lgamma(fewer + 1.0)
    return out


@njit(cache=True)
def log_likelihood_and_slopes(
    eta: Floats, log_kappa: Floats, y: Floats, n: Floats, is_count: Any, weight: Floats
) -> tuple[float, Floats, Floats]:
    """Return the log likelihood of all observations, and its slopes in the first two."""
    total = 0.0
    by_eta, by_log_kappa = np.empty(eta.size), np.empty(eta.size)
    for j in range(eta.size):
        kappa = math.exp(log_kappa[j])
        shared, shared_slope = shared_part(kappa, y[j], n[j], is_count[j])
        value, slope, bend = log_kernel(
            eta[j], kappa, y[j], n[j], shared, shared_slope, is_count[j]
        )
        total += weight[j] * value
        by_eta[j] = weight[j] * slope
        by_log_kappa[j] = weight[j] * bend
    return total, by_eta, by_log_kappa


@njit(cache=True)
def _below(y: float, n: float, a: float, b: float, is_count: bool) -> float:
    """Return P(Y < y) / P(Y = y) by walking down from y; ``a`` and ``b`` are the law's shapes.

    A step down is a ratio of neighbouring masses: no gamma function, no cancellation.
    """
    total, term = 0.0, 1.0
    for i in range(int(y)):
        k = y - i
        if is_count:
            ratio = k / (k - 1.0 + a) * b
        else:
            ratio = k * (b + n - k) / ((n - k + 1.0) * (a + k - 1.0))
        term *= ratio
        total += term
        if total > _HUGE or (ratio < 1.0 and term < _NEGLIGIBLE * total):
            break
    return total


@njit(cache=True, nogil=True)
def _mass_and_below(
    first: int, last: int,
    eta: Floats, kappa: Floats, y: Floats, n: Floats, is_count: bool, constant: Floats,
    log_mass: Floats, below: Floats,
) -> None:  # fmt: skip
    """Fill what :func:`mass_and_below` returns, at some draws."""
    for d in range(first, last):
        for r in range(eta.shape[1]):
            level = min(max(eta[d, r], -_ETA_LIMIT), _ETA_LIMIT)
            s0, s1 = shared_part(kappa[d, r], y[r], n[r], is_count)
            kernel = log_kernel(level, kappa[d, r], y[r], n[r], s0, s1, is_count)[0]
            log_mass[d, r] = min(constant[r] + kernel, 0.0)
            # Ratios of neighbouring masses: past 1e12 they are those of the limit to 1e-5.
            scatter = min(kappa[d, r], 1e12)
            if is_count:
                a, b = scatter, 1.0 + scatter / (n[r] * math.exp(level))
            else:
                mu, rest = _sigmoid(level)
                a, b = mu * scatter, rest * scatter
            ratio = _below(y[r], n[r], a, b, is_count)
            below[d, r] = 0.0
            if ratio > 0.0:
                below[d, r] = math.exp(min(log_mass[d, r] + math.log(ratio), 0.0))
            if ratio > _HUGE:
                below[d, r] = 1.0


def mass_and_below(
    eta: Floats, kappa: Floats, y: Floats, n: Floats, is_count: bool, constant: Floats
) -> tuple[Floats, Floats]:
    """Return log P(Y = y), and P(Y < y), at every draw: (draw, row) each.

    Parameters
    ----------
    eta, kappa
        Level and concentration: (draw, row).
    y, n, constant
        Counts and their :func:`log_constant`: (row,).
    is_count
        Whether the outcome is a count.
    """
    found = np.empty(eta.shape), np.empty(eta.shape)
    given = (eta, kappa, y, n, is_count, constant, *found)
    in_parts(lambda first, last: _mass_and_below(first, last, *given), len(eta))
    return found
