"""Vector likelihood: what the counts say at a point, as they are and as if they were Gaussian.

Each observation is read as if it were Gaussian (:mod:`coterie.beliefs.pilot`), at the level and
concentration of the point itself; artist effects and affinities are moved in units of what those
readings leave open (:mod:`coterie.beliefs.vector_artists`). Callers may trust that this changes
the coordinates and never the density: what the map adds is in the value, and every way by which
the reading depends on a parameter is in the gradient.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from coterie.beliefs.book import (
    codes,
    cube,
    floats,
    inner,
    integers,
    table,
)
from coterie.beliefs.density import (
    LARGE,
    SHORT_PRODUCT,
    _tail,
    log_kernel,
    log_of_one_and,
    rise_from,
    rises,
    shared_part,
)
from coterie.beliefs.late_density import late_kernel
from coterie.beliefs.maturity import LEAST
from coterie.beliefs.vector_artists import affinities, affinities_back, artists, artists_back
from coterie.beliefs.vector_index import (
    DELAY,
    DRIFTS,
    FADES,
    LOADING,
    P_CODES,
    P_COUNTS,
    P_COVARIATE,
    P_ENTRY,
    P_FACTOR,
    P_FACTOR_CODE,
    P_FLAGS,
    P_IS_COUNT,
    P_KEY,
    P_KEY_COUNTS,
    P_LATE,
    P_LOG_AGE,
    P_MASS,
    P_SHARE,
    P_WINDOW,
    PERIOD_SCALE,
    R_ARRIVED,
    R_ARTIST,
    R_BY_ARRIVED,
    R_BY_ARTIST,
    R_BY_EFFECT,
    R_BY_LEVEL,
    R_BY_MATURE,
    R_BY_READING,
    R_BY_SCATTER,
    R_BY_SEEN,
    R_BY_SLOPE,
    R_BY_VALUE,
    R_BY_WINDOW_KNOWN,
    R_DEVIATION,
    R_EFFECT,
    R_KEY,
    R_LEVEL,
    R_MATURE,
    R_PAIR,
    R_READING,
    R_RISE,
    R_SCATTER,
    R_SEEN,
    R_SLOPE,
    R_VALUE,
    R_WINDOW_KNOWN,
    SHAPE,
)

_LEVEL_LIMIT = 250.0
_NO_SCATTER = 1e300


@njit(cache=True, inline="always")
def read_counts(x: Any, plan: Any, room: Any) -> float:
    """Return the log density of the counts and of what is an artist's own.

    Fills the slopes in each observation's level and concentration (``by_seen``), in affinities
    (``pair``) and in artist effects (``by_artist``) that the counts have themselves.
    """
    p_late = integers(plan, P_LATE)
    if p_late.size:
        _arrive(plan, room)
    total = _gaussian(plan, room)
    total += artists(x, plan, room)
    total += affinities(x, plan, room)
    return total + _likelihood(plan, room)


@njit(cache=True, inline="always")
def place_artists(x: Any, plan: Any, room: Any) -> None:
    """Fill artist effects and affinities, and no slopes."""
    _gaussian(plan, room)
    artists(x, plan, room)
    affinities(x, plan, room)


@njit(cache=True, inline="always")
def read_counts_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Carry the slopes back to coordinates, parameters and levels."""
    p_late = integers(plan, P_LATE)
    affinities_back(x, slopes, plan, room)
    artists_back(x, slopes, plan, room)
    _gaussian_back(plan, room)
    if p_late.size:
        _arrive_back(plan, room)


@inner
def _gaussian(plan: Any, room: Any) -> float:
    """Fill levels without artists, and the reading of every pair."""
    p_codes = codes(plan, P_CODES)
    p_counts = table(plan, P_COUNTS)
    p_covariate = table(plan, P_COVARIATE)
    p_factor = codes(plan, P_FACTOR)
    p_factor_code = codes(plan, P_FACTOR_CODE)
    p_flags = integers(plan, P_FLAGS)
    p_is_count = integers(plan, P_IS_COUNT)
    r_effect = table(room, R_EFFECT)
    r_level = floats(room, R_LEVEL)
    r_reading = table(room, R_READING)
    r_scatter = table(room, R_SCATTER)
    r_seen = table(room, R_SEEN)
    r_slope = table(room, R_SLOPE)
    r_window_known = floats(room, R_WINDOW_KNOWN)
    outcome, cell, scatter, at_pair = p_codes[0], p_codes[1], p_codes[2], p_codes[4]
    n, power, base = p_counts[1], p_counts[4], p_counts[5]
    response, units = p_counts[6], p_counts[7]
    eta, information = r_seen[0], r_seen[1]
    known, score = r_reading[0], r_reading[1]
    known[:] = 0.0
    score[:] = 0.0
    faded = p_flags[DRIFTS] > 0 and p_flags[FADES] > 0
    if faded:
        r_window_known[:] = 0.0
    effect = r_effect.reshape(-1)
    for j in range(outcome.size):
        level = r_level[cell[j]]
        for f in range(len(p_factor)):
            level += effect[p_factor_code[f, j]]
        for c in range(len(p_covariate)):
            level += r_slope[c, outcome[j]] * p_covariate[c, j]
        kappa = r_scatter[1, scatter[j]]
        if p_is_count[j] > 0:
            told = base[j] / (1.0 + base[j] / kappa)
        else:
            told = base[j] / (1.0 + (n[j] - 1.0) / (kappa + 1.0))
        if faded:
            r_window_known[cell[j]] += told * units[j]
        told *= power[j]
        eta[j] = level
        information[j] = told
        known[at_pair[j]] += told
        score[at_pair[j]] += told * (response[j] - level)
    return _fade(plan, room) if faded else 0.0


@inner
def _fade(plan: Any, room: Any) -> float:
    """Return what makes windows' effects and counts a power of one whole; fill its slopes."""
    p_window = table(plan, P_WINDOW)
    r_by_value = table(room, R_BY_VALUE)
    r_by_window_known = floats(room, R_BY_WINDOW_KNOWN)
    r_deviation = cube(room, R_DEVIATION)
    r_value = table(room, R_VALUE)
    r_window_known = floats(room, R_WINDOW_KNOWN)
    total = 0.0
    clusters, windows, outcomes = r_deviation.shape
    for at in range(clusters * windows * outcomes):
        o, w = at % outcomes, (at // outcomes) % windows
        power, law = p_window[0, w], p_window[1, w]
        scale = r_value[PERIOD_SCALE, o]
        square, ratio = scale * scale, power / law
        told = r_window_known[at] * square
        total += 0.5 * (math.log1p(ratio * told) - power * math.log1p(told))
        by_told = 0.5 * (ratio / (1.0 + ratio * told) - power / (1.0 + told))
        r_by_window_known[at] = by_told * square
        r_by_value[PERIOD_SCALE, o] += by_told * r_window_known[at] * 2.0 * scale
    return total


@njit(cache=True, inline="always")
def _few_events(
    eta: float,
    kappa: float,
    log_kappa: float,
    y: float,
    exposure: float,
    shared: float,
    rate: float,
) -> tuple[float, float, float]:
    """Return the kernel of a count's log mass and its slopes, as ``neg_binomial`` has it.

    The logarithm of kappa is at hand here.
    """
    eta = min(max(eta, -_LEVEL_LIMIT), _LEVEL_LIMIT)
    mean = exposure * math.exp(eta)
    if kappa > _NO_SCATTER:
        return y * eta - mean, y - mean, 0.0
    ratio = mean / kappa
    spread, over = log_of_one_and(ratio), 1.0 / (1.0 + ratio)
    value = y * eta + (shared - y * log_kappa) - (kappa + y) * spread
    by_log_kappa = kappa * (rate - spread) + (kappa + y) * ratio * over - y
    return value, (y - mean) * over, by_log_kappa


@inner
def _share(plan: Any, room: Any) -> None:
    """Fill what observations of one kappa and one number share."""
    p_key = codes(plan, P_KEY)
    p_key_counts = table(plan, P_KEY_COUNTS)
    r_key = table(room, R_KEY)
    r_rise = table(room, R_RISE)
    r_scatter = table(room, R_SCATTER)
    for at in range(r_scatter.shape[1]):
        if r_scatter[1, at] < _NO_SCATTER:
            rise_from(r_scatter[1, at], r_rise[at])
    for i in range(p_key.shape[1]):
        at, y = p_key[0, i], p_key_counts[0, i]
        kappa = r_scatter[1, at]
        if SHORT_PRODUCT < y <= LARGE and kappa < _NO_SCATTER:
            r_key[0, i], r_key[1, i] = rises(r_rise[at], y)
        else:
            r_key[0, i], r_key[1, i] = shared_part(kappa, y, y, p_key[1, i] > 0)


@inner
def _likelihood(plan: Any, room: Any) -> float:
    p_codes = codes(plan, P_CODES)
    p_counts = table(plan, P_COUNTS)
    p_is_count = integers(plan, P_IS_COUNT)
    p_late = integers(plan, P_LATE)
    r_artist = table(room, R_ARTIST)
    r_by_artist = table(room, R_BY_ARTIST)
    r_by_mature = floats(room, R_BY_MATURE)
    r_by_seen = table(room, R_BY_SEEN)
    r_by_value = table(room, R_BY_VALUE)
    r_key = table(room, R_KEY)
    r_mature = floats(room, R_MATURE)
    r_pair = table(room, R_PAIR)
    r_scatter = table(room, R_SCATTER)
    r_seen = table(room, R_SEEN)
    r_value = table(room, R_VALUE)
    total = 0.0
    outcome, scatter, pair = p_codes[0], p_codes[2], p_codes[3]
    at_artist, key = p_codes[5], p_codes[6]
    y, n, informs, weight = p_counts[0], p_counts[1], p_counts[2], p_counts[3]
    affinity, by_affinity = r_pair[0], r_pair[2]
    by_eta, by_scatter, by_artist = r_by_seen[0], r_by_seen[1], r_by_artist[0]
    by_artist[:] = 0.0
    _share(plan, room)
    late = p_late.size > 0
    for j in range(outcome.size):
        o, p = outcome[j], pair[j]
        reach = r_value[LOADING, o] * informs[j]
        eta = r_seen[0, j] + r_artist[3, at_artist[j]] + reach * affinity[p]
        kappa = r_scatter[1, scatter[j]]
        shared, rate = r_key[0, key[j]], r_key[1, key[j]]
        if late and r_mature[j] != 1.0:
            value, slope, bend, by_mature = late_kernel(
                eta, kappa, r_mature[j], y[j], n[j], p_is_count[j] > 0
            )
            if r_mature[j] > LEAST:
                r_by_mature[j] = weight[j] * by_mature
        elif p_is_count[j] > 0 and y[j] <= LARGE:
            log_kappa = r_scatter[0, scatter[j]]
            value, slope, bend = _few_events(eta, kappa, log_kappa, y[j], n[j], shared, rate)
        else:
            value, slope, bend = log_kernel(eta, kappa, y[j], n[j], shared, rate, p_is_count[j] > 0)
        total += weight[j] * value
        slope *= weight[j]
        by_eta[j] = slope
        by_scatter[j] = weight[j] * bend
        by_artist[at_artist[j]] += slope
        by_affinity[p] += slope * reach
        r_by_value[LOADING, o] += slope * informs[j] * affinity[p]
    return total


@inner
def _gaussian_back(plan: Any, room: Any) -> None:
    p_codes = codes(plan, P_CODES)
    p_counts = table(plan, P_COUNTS)
    p_covariate = table(plan, P_COVARIATE)
    p_factor = codes(plan, P_FACTOR)
    p_factor_code = codes(plan, P_FACTOR_CODE)
    p_flags = integers(plan, P_FLAGS)
    p_is_count = integers(plan, P_IS_COUNT)
    r_by_effect = table(room, R_BY_EFFECT)
    r_by_level = floats(room, R_BY_LEVEL)
    r_by_reading = table(room, R_BY_READING)
    r_by_scatter = floats(room, R_BY_SCATTER)
    r_by_seen = table(room, R_BY_SEEN)
    r_by_slope = table(room, R_BY_SLOPE)
    r_by_window_known = floats(room, R_BY_WINDOW_KNOWN)
    r_scatter = table(room, R_SCATTER)
    r_seen = table(room, R_SEEN)
    outcome, cell, scatter, at_pair = p_codes[0], p_codes[1], p_codes[2], p_codes[4]
    n, power, base = p_counts[1], p_counts[4], p_counts[5]
    response, units = p_counts[6], p_counts[7]
    by_known, by_score = r_by_reading[0], r_by_reading[1]
    r_by_level[:] = 0.0
    r_by_scatter[:] = 0.0
    r_by_effect[:] = 0.0
    faded = p_flags[DRIFTS] > 0 and p_flags[FADES] > 0
    by_effect = r_by_effect.reshape(-1)
    for j in range(outcome.size):
        i = at_pair[j]
        eta = r_seen[0, j]
        by = r_by_seen[0, j] - by_score[i] * r_seen[1, j]
        by_told = (by_known[i] + by_score[i] * (response[j] - eta)) * power[j]
        if faded:
            by_told += r_by_window_known[cell[j]] * units[j]
        kappa = r_scatter[1, scatter[j]]
        by_kappa = r_by_seen[1, j]
        if kappa < _NO_SCATTER:
            if p_is_count[j] > 0:
                told = base[j] / (1.0 + base[j] / kappa)
                by_kappa += by_told * told * told / kappa
            else:
                over = (n[j] - 1.0) / (kappa + 1.0)
                told = base[j] / ((1.0 + over) * (1.0 + over))
                by_kappa += by_told * told * over * (kappa / (kappa + 1.0))
        r_by_scatter[scatter[j]] += by_kappa
        r_by_level[cell[j]] += by
        for f in range(len(p_factor)):
            by_effect[p_factor_code[f, j]] += by
        for c in range(len(p_covariate)):
            r_by_slope[c, outcome[j]] += by * p_covariate[c, j]


@inner
def _log_days(days: float, bend: float) -> tuple[float, float]:
    """Return the logarithm of a Weibull scale of a mean, and its slope in the shape."""
    at = 1.0 + 1.0 / bend
    # What Stirling's main terms leave: the half of log 2 pi stands beside it.
    value, slope = _tail(at)
    log_gamma = (at - 0.5) * math.log(at) - at + 0.5 * math.log(2.0 * math.pi) + value
    digamma = math.log(at) - 0.5 / at + slope
    return math.log(days) - log_gamma, digamma / (bend * bend)


@inner
def _arrive(plan: Any, room: Any) -> None:
    """Fill the share of each observation that has arrived; 1 where it cannot be late."""
    p_entry = codes(plan, P_ENTRY)
    p_late = integers(plan, P_LATE)
    p_log_age = table(plan, P_LOG_AGE)
    p_mass = table(plan, P_MASS)
    p_share = floats(plan, P_SHARE)
    r_arrived = table(room, R_ARRIVED)
    r_by_mature = floats(room, R_BY_MATURE)
    r_mature = floats(room, R_MATURE)
    r_value = table(room, R_VALUE)
    intervals, nodes = p_log_age.shape
    for column in range(p_late.size):
        o = p_late[column]
        bend = r_value[SHAPE, o]
        log_scale, _ = _log_days(r_value[DELAY, o], bend)
        for i in range(intervals):
            total = 0.0
            for k in range(nodes):
                reach = math.exp(bend * (p_log_age[i, k] - log_scale))
                total -= math.expm1(-reach) * p_mass[i, k]
            r_arrived[i, column] = total
    r_mature[:] = 1.0
    for e in range(p_share.size):
        r_mature[p_entry[0, e]] = 0.0
    for e in range(p_share.size):
        own = r_arrived[p_entry[1, e], p_entry[2, e]] * p_share[e]
        r_mature[p_entry[0, e]] += own
    for j in range(r_mature.size):
        r_mature[j] = min(max(r_mature[j], LEAST), 1.0)
    r_by_mature[:] = 0.0


@inner
def _arrive_back(plan: Any, room: Any) -> None:
    p_entry = codes(plan, P_ENTRY)
    p_late = integers(plan, P_LATE)
    p_log_age = table(plan, P_LOG_AGE)
    p_mass = table(plan, P_MASS)
    p_share = floats(plan, P_SHARE)
    r_by_arrived = table(room, R_BY_ARRIVED)
    r_by_mature = floats(room, R_BY_MATURE)
    r_by_value = table(room, R_BY_VALUE)
    r_value = table(room, R_VALUE)
    r_by_arrived[:] = 0.0
    for e in range(p_share.size):
        by = r_by_mature[p_entry[0, e]] * p_share[e]
        r_by_arrived[p_entry[1, e], p_entry[2, e]] += by
    intervals, nodes = p_log_age.shape
    for column in range(p_late.size):
        o = p_late[column]
        bend = r_value[SHAPE, o]
        log_scale, by_bend = _log_days(r_value[DELAY, o], bend)
        by_days, by_shape = 0.0, 0.0
        for i in range(intervals):
            by = r_by_arrived[i, column]
            for k in range(nodes):
                away = p_log_age[i, k] - log_scale
                reach = math.exp(bend * away)
                if reach < _NO_SCATTER:
                    steep = by * p_mass[i, k] * math.exp(-reach) * reach
                    by_days -= steep * bend
                    by_shape += steep * (away - bend * by_bend)
        r_by_value[DELAY, o] += by_days / r_value[DELAY, o]
        r_by_value[SHAPE, o] += by_shape
