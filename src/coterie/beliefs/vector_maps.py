r"""Vector maps: how one coordinate of the sampler becomes one parameter, with slopes.

A parameter that may be 0 is walked in :math:`x`, with

.. math::

    \theta = \sigma\,\mathrm{softplus}(x - 0.3\,\mathrm{softplus}(-x)^2),

which is a straight line where :math:`\theta` is large and whose density falls like a normal
one, not an exponential one, where the counts cannot tell :math:`\theta` from 0.

Effects of a scale :math:`s` of which the counts know :math:`h` are walked in
:math:`x \sim N(0, r^2)` with :math:`r^2 = 1 + h s^2`, the effect being :math:`x s / r`: over its
scale where the counts say little, over its standard error where they say much.

Callers may trust that each map's Jacobian is in the density it returns, that slopes belong to the
values, and that nothing here allocates.
"""

from __future__ import annotations

import math
from typing import Any, Final

from coterie.beliefs.book import inner

FIXED: Final = 0
NORMAL: Final = 1
LOGNORMAL: Final = 2
HALFNORMAL: Final = 3
JOINT: Final = 4
CONCENTRATION: Final = 5
TRADED: Final = 6
FAMILIES: Final = {
    "fixed": FIXED,
    "normal": NORMAL,
    "lognormal": LOGNORMAL,
    "halfnormal": HALFNORMAL,
    "joint": JOINT,
    "concentration": CONCENTRATION,
}

BEND: Final = 0.3
LEAST_SCATTER: Final = 1e-15
"""What is added to the square of a concentration's scatter: kappa is 1e15 at most."""
_TINY: Final = 1e-300


@inner
def softplus(x: float) -> float:
    """Return log(1 + exp(x))."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@inner
def sigmoid(x: float) -> float:
    """Return 1 / (1 + exp(-x))."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    small = math.exp(x)
    return small / (1.0 + small)


@inner
def bent(x: float, right: float) -> tuple[float, float, float]:
    """Return x with its left side bent down, its slope and the slope's own slope.

    ``right`` bends the right side up as well; 0 leaves it straight.
    """
    left, low = softplus(-x), sigmoid(-x)
    value, slope = x - BEND * left * left, 1.0 + 2.0 * BEND * left * low
    turn = -2.0 * BEND * low * (low + left * (1.0 - low))
    if right > 0.0:
        more, high = softplus(x), sigmoid(x)
        value += right * more * more
        slope += 2.0 * right * more * high
        turn += 2.0 * right * high * (high + more * (1.0 - high))
    return value, slope, turn


@inner
def half_normal(x: float) -> tuple[float, float, float, float]:
    """Return a half-normal number of scale 1, its slope, the log density in x and its slope."""
    at, slope, turn = bent(x, 0.0)
    value, open_ = softplus(at), sigmoid(at)
    rate = open_ * slope
    density = math.log(slope) - softplus(-at) - 0.5 * value * value
    return value, rate, density, turn / slope + sigmoid(-at) * slope - value * rate


@inner
def parameter(
    family: int, x: float, first: float, second: float, logged: bool
) -> tuple[float, float, float, float]:
    """Return a parameter of a family, its slope, the log density in x and the slope of that.

    ``logged`` asks for the parameter's logarithm.
    """
    if family in (LOGNORMAL, JOINT):
        at, rate = (first + second * x, second) if family == LOGNORMAL else (x, 1.0)
        density, slope = (-0.5 * x * x, -x) if family == LOGNORMAL else (x, 1.0)
        if not logged:
            at = math.exp(at)
            rate *= at
        return at, rate, density, slope
    unit, rate, density, slope = half_normal(x)
    value, rate = first * unit, first * rate
    if family == CONCENTRATION:
        wide = value * value + LEAST_SCATTER
        return -math.log(wide), -2.0 * value * rate / wide, density, slope
    if logged:
        value = max(value, _TINY)
        return math.log(value), rate / value, density, slope
    return value, rate, density, slope


@inner
def log_prior_of_log_kappa(
    family: int, log_kappa: float, first: float, second: float
) -> tuple[float, float]:
    """Return the log density of kappa's logarithm, and its slope."""
    if family == CONCENTRATION:
        square = math.exp(-log_kappa) / (first * first)
        return -0.5 * log_kappa - 0.5 * square, -0.5 + 0.5 * square
    far = (log_kappa - first) / second
    return -0.5 * far * far, -far / second


@inner
def traded(
    share: float, total: float, middle: float, right: float
) -> tuple[float, float, float, float, float, float]:
    r"""Return log loading and log kappa over its unit, from a share and a variance.

    ``loading`` and ``kappa`` explain the same thing where a pair has one cell an outcome: how far
    cells lie from what artist and cluster say. There they are walked as that variance,
    :math:`\lambda^2 + c/\kappa`, which the counts know well, and the loading's share of it, which
    they hardly do. In the logarithms of both the map has a constant Jacobian.

    Returns
    -------
    tuple
        Log loading, log kappa less log c, the log Jacobian of the bend, the slopes of the first
        two in the share (those in the total are 1/2 and -1), and the log Jacobian's slope.
    """
    at, slope, turn = bent(share, right)
    at += middle
    low = sigmoid(-at)
    log_loading = 0.5 * (total - softplus(-at))
    log_kappa = softplus(at) - total
    return (
        log_loading, log_kappa, math.log(slope), 0.5 * low * slope, (1.0 - low) * slope,
        turn / slope,
    )  # fmt: skip


@inner
def effect(x: float, scale: float, known: float) -> tuple[float, float, float]:
    """Return an effect, its room r, and the log density of x."""
    square = 1.0 + known * scale * scale
    room = math.sqrt(square)
    return x * scale / room, room, -0.5 * (x * x / square + math.log(square))


@inner
def effect_slopes(
    x: float, scale: float, known: float, by_effect: float
) -> tuple[float, float, float]:
    """Return the slopes of a density in x, scale and known, its log density of x included."""
    square = 1.0 + known * scale * scale
    room = math.sqrt(square)
    # What one unit of square changes: of the effect, and of x's own density.
    by_square = -0.5 * by_effect * x * scale / (square * room) + 0.5 * (x * x / square - 1) / square
    by_x = by_effect * scale / room - x / square
    by_scale = by_effect * x / room + by_square * 2.0 * known * scale
    return by_x, by_scale, by_square * scale * scale


@inner
def spread_out(values: Any) -> None:
    """Turn size - 1 free numbers, and room for one more, into size that sum to zero."""
    size = values.size
    total = 0.0
    for i in range(size - 1):
        total += values[i]
    root = math.sqrt(size)
    own = total / (root + size)
    for i in range(size - 1):
        values[i] -= own
    values[size - 1] = -total / root


@inner
def gather(slopes: Any) -> None:
    """Turn slopes in numbers that sum to zero into those in the free ones, in place."""
    size = slopes.size
    total = 0.0
    for i in range(size - 1):
        total += slopes[i]
    root = math.sqrt(size)
    own = total / (root + size) + slopes[size - 1] / root
    for i in range(size - 1):
        slopes[i] -= own


@inner
def reflect(values: Any, away: Any) -> None:
    """Reflect numbers by a vector whose square is 2, or which is 0."""
    along = 0.0
    for i in range(values.size):
        along += values[i] * away[i]
    for i in range(values.size):
        values[i] -= along * away[i]


@inner
def turn(values: Any, axis: Any, back: bool, pre: int, size: int, post: int, room: Any) -> None:
    """Multiply one dimension of a cube by a matrix, (size, size), or by its transpose."""
    for p in range(pre):
        for q in range(post):
            start = p * size * post + q
            for i in range(size):
                total = 0.0
                for j in range(size):
                    way = axis[j * size + i] if back else axis[i * size + j]
                    total += way * values[start + j * post]
                room[i] = total
            for i in range(size):
                values[start + i * post] = room[i]
