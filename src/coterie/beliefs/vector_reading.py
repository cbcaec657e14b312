"""Vector reading: what the counts say at a level, and the coordinates of what is an artist's own.

Each observation is read as if it were Gaussian (:mod:`coterie.beliefs.pilot`), at the level and
concentration of the point itself; artist effects and affinities are moved in units of what those
readings leave open. Callers may trust that this changes the coordinates and never the density:
what the map adds is in the value, and every way by which the reading depends on a parameter is in
the gradient.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from coterie.beliefs import fit_law
from coterie.beliefs.density import _tail, log_kernel, shared_part
from coterie.beliefs.late_density import late_kernel
from coterie.beliefs.maturity import LEAST
from coterie.beliefs.vector_plan import (
    AFFINITY,
    ARTIST,
    ARTIST_SCALE,
    DELAY,
    DRIFTS,
    FADES,
    LOADING,
    PERIOD_SCALE,
    SHAPE,
)

_LARGE = 1e5
_LEVEL_LIMIT = 250.0
_NO_SCATTER = 1e300


@njit(cache=True)
def read_counts(x: Any, plan: Any, room: Any) -> float:
    """Return the log density of the counts and of what is an artist's own.

    Fills the slopes in each observation's level and concentration (``by_seen``), in affinities
    (``pair``) and in artist effects (``by_artist``) that the counts have themselves.
    """
    if plan.late.size:
        _arrive(plan, room)
    total = _gaussian(plan, room)
    total += _artists(x, plan, room)
    total += _affinities(x, plan, room)
    return total + _likelihood(plan, room)


@njit(cache=True)
def place_artists(x: Any, plan: Any, room: Any) -> None:
    """Fill artist effects and affinities, and no slopes."""
    _gaussian(plan, room)
    _artists(x, plan, room)
    _affinities(x, plan, room)


@njit(cache=True)
def read_counts_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Carry the slopes back to coordinates, parameters and levels."""
    _affinities_back(x, slopes, plan, room)
    _artists_back(x, slopes, plan, room)
    _gaussian_back(plan, room)
    if plan.late.size:
        _arrive_back(plan, room)


@njit(cache=True)
def _gaussian(plan: Any, room: Any) -> float:
    """Fill levels without artists, and the reading of every pair."""
    outcome, cell, scatter, at_pair = plan.codes[0], plan.codes[1], plan.codes[2], plan.codes[4]
    n, power, base = plan.counts[1], plan.counts[4], plan.counts[5]
    response, units = plan.counts[6], plan.counts[7]
    eta, information = room.seen[0], room.seen[1]
    known, score = room.reading[0], room.reading[1]
    known[:] = 0.0
    score[:] = 0.0
    faded = plan.flags[DRIFTS] > 0 and plan.flags[FADES] > 0
    if faded:
        room.window_known[:] = 0.0
    effect = room.effect.reshape(-1)
    for j in range(outcome.size):
        level = room.level[cell[j]]
        for f in range(len(plan.factor)):
            level += effect[plan.factor_code[f, j]]
        for c in range(len(plan.covariate)):
            level += room.slope[c, outcome[j]] * plan.covariate[c, j]
        kappa = room.scatter[1, scatter[j]]
        if plan.is_count[j]:
            told = base[j] / (1.0 + base[j] / kappa)
        else:
            told = base[j] / (1.0 + (n[j] - 1.0) / (kappa + 1.0))
        if faded:
            room.window_known[cell[j]] += told * units[j]
        told *= power[j]
        eta[j] = level
        information[j] = told
        known[at_pair[j]] += told
        score[at_pair[j]] += told * (response[j] - level)
    return _fade(plan, room) if faded else 0.0


@njit(cache=True)
def _fade(plan: Any, room: Any) -> float:
    """Return what makes windows' effects and counts a power of one whole; fill its slopes."""
    total = 0.0
    clusters, windows, outcomes = room.deviation.shape
    for at in range(clusters * windows * outcomes):
        o, w = at % outcomes, (at // outcomes) % windows
        power, law = plan.window[0, w], plan.window[1, w]
        scale = room.value[PERIOD_SCALE, o]
        square, ratio = scale * scale, power / law
        told = room.window_known[at] * square
        total += 0.5 * (math.log1p(ratio * told) - power * math.log1p(told))
        by_told = 0.5 * (ratio / (1.0 + ratio * told) - power / (1.0 + told))
        room.by_window_known[at] = by_told * square
        room.by_value[PERIOD_SCALE, o] += by_told * room.window_known[at] * 2.0 * scale
    return total


@njit(cache=True)
def _artists(x: Any, plan: Any, room: Any) -> float:
    """Fill artist effects, in units of their scale so that one of exactly 0 is allowed."""
    total = 0.0
    outcomes = plan.family.shape[1]
    precision, pull, space, effect, standard = (
        room.artist[0], room.artist[1], room.artist[2], room.artist[3], room.artist[4]
    )  # fmt: skip
    precision[:] = 0.0
    pull[:] = 0.0
    columns = 0
    for o in range(outcomes):
        columns = max(columns, plan.artist_at[o] + 1)
    for p in range(plan.pair_artist.size):
        for o in range(outcomes):
            i, a = p * outcomes + o, plan.pair_artist[p] * outcomes + o
            loading = room.value[LOADING, o]
            noise = 1.0 + room.reading[0, i] * loading * loading
            precision[a] += room.reading[0, i] / noise
            pull[a] += room.reading[1, i] / noise
    for i in range(effect.size):
        o, column = i % outcomes, plan.artist_at[i % outcomes]
        effect[i] = 0.0
        if column < 0:
            continue
        scale = room.value[ARTIST_SCALE, o]
        space[i] = 1.0 + scale * scale * precision[i]
        raw = x[plan.places[ARTIST] + (i // outcomes) * columns + column]
        standard[i] = scale * pull[i] / space[i] + raw / math.sqrt(space[i])
        effect[i] = scale * standard[i]
        total -= 0.5 * (standard[i] * standard[i] + math.log(space[i]))
    return total


@njit(cache=True)
def _affinities(x: Any, plan: Any, room: Any) -> float:
    total = 0.0
    outcomes = plan.family.shape[1]
    affinity, precision, by = room.pair[0], room.pair[1], room.pair[2]
    for p in range(affinity.size):
        told, mean = 1.0, 0.0
        for o in range(outcomes):
            i = p * outcomes + o
            known, loading = room.reading[0, i], room.value[LOADING, o]
            own = room.artist[3, plan.pair_artist[p] * outcomes + o]
            mean += (room.reading[1, i] - known * own) * loading
            told += known * loading * loading
        precision[p] = told
        affinity[p] = mean / told + x[plan.places[AFFINITY] + p] / math.sqrt(told)
        value, slope, _ = fit_law.log_density(affinity[p])
        total += value - 0.5 * math.log(told)
        by[p] = slope
    return total


@njit(cache=True, inline="always")
def _few_events(
    eta: float, kappa: float, log_kappa: float, y: float, exposure: float, shared: float, rate: float
) -> tuple[float, float, float]:
    """Return the kernel of a count's log mass and its slopes, as ``neg_binomial`` has it.

    The logarithm of kappa is at hand here.
    """
    eta = min(max(eta, -_LEVEL_LIMIT), _LEVEL_LIMIT)
    mean = exposure * math.exp(eta)
    if kappa > _NO_SCATTER:
        return y * eta - mean, y - mean, 0.0
    ratio = mean / kappa
    spread, over = math.log1p(ratio), 1.0 / (1.0 + ratio)
    value = y * eta + (shared - y * log_kappa) - (kappa + y) * spread
    by_log_kappa = kappa * (rate - spread) + (kappa + y) * ratio * over - y
    return value, (y - mean) * over, by_log_kappa


@njit(cache=True)
def _likelihood(plan: Any, room: Any) -> float:
    total = 0.0
    outcome, scatter, pair = plan.codes[0], plan.codes[2], plan.codes[3]
    at_artist, key = plan.codes[5], plan.codes[6]
    y, n, informs, weight = plan.counts[0], plan.counts[1], plan.counts[2], plan.counts[3]
    affinity, by_affinity = room.pair[0], room.pair[2]
    by_eta, by_scatter, by_artist = room.by_seen[0], room.by_seen[1], room.by_artist[0]
    by_artist[:] = 0.0
    for i in range(plan.key.shape[1]):
        room.key[0, i], room.key[1, i] = shared_part(
            room.scatter[1, plan.key[0, i]], plan.key_counts[0, i], plan.key_counts[1, i],
            plan.key[1, i] > 0,
        )  # fmt: skip
    late = plan.late.size > 0
    for j in range(outcome.size):
        o, p = outcome[j], pair[j]
        reach = room.value[LOADING, o] * informs[j]
        eta = room.seen[0, j] + room.artist[3, at_artist[j]] + reach * affinity[p]
        kappa = room.scatter[1, scatter[j]]
        shared, rate = room.key[0, key[j]], room.key[1, key[j]]
        if late and room.mature[j] != 1.0:
            value, slope, bend, by_mature = late_kernel(
                eta, kappa, room.mature[j], y[j], n[j], plan.is_count[j]
            )
            if room.mature[j] > LEAST:
                room.by_mature[j] = weight[j] * by_mature
        elif plan.is_count[j] and y[j] <= _LARGE:
            log_kappa = room.scatter[0, scatter[j]]
            value, slope, bend = _few_events(eta, kappa, log_kappa, y[j], n[j], shared, rate)
        else:
            value, slope, bend = log_kernel(eta, kappa, y[j], n[j], shared, rate, plan.is_count[j])
        total += weight[j] * value
        slope *= weight[j]
        by_eta[j] = slope
        by_scatter[j] = weight[j] * bend
        by_artist[at_artist[j]] += slope
        by_affinity[p] += slope * reach
        room.by_value[LOADING, o] += slope * informs[j] * affinity[p]
    return total


@njit(cache=True)
def _affinities_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    outcomes = plan.family.shape[1]
    for p in range(plan.pair_artist.size):
        by, told = room.pair[2, p], room.pair[1, p]
        place = plan.places[AFFINITY] + p
        root = 1.0 / math.sqrt(told)
        raw = x[place] * root
        slopes[place] += by * root
        by_mean = by / told
        by_told = -(by * (room.pair[0, p] - 0.5 * raw) + 0.5) / told
        for o in range(outcomes):
            i, a = p * outcomes + o, plan.pair_artist[p] * outcomes + o
            known, loading, own = room.reading[0, i], room.value[LOADING, o], room.artist[3, a]
            by_score = by_mean * loading
            score = room.reading[1, i] - known * own
            room.by_value[LOADING, o] += by_mean * score + 2.0 * by_told * known * loading
            room.by_reading[0, i] = by_told * loading * loading - by_score * own
            room.by_reading[1, i] = by_score
            room.by_artist[0, a] -= by_score * known


@njit(cache=True)
def _artists_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    outcomes = plan.family.shape[1]
    by_effect, by_precision, by_pull = room.by_artist[0], room.by_artist[1], room.by_artist[2]
    columns = 0
    for o in range(outcomes):
        columns = max(columns, plan.artist_at[o] + 1)
    for i in range(by_effect.size):
        o, column = i % outcomes, plan.artist_at[i % outcomes]
        by_precision[i] = 0.0
        by_pull[i] = 0.0
        if column < 0:
            continue
        scale, precision, pull = room.value[ARTIST_SCALE, o], room.artist[0, i], room.artist[1, i]
        space, standard = room.artist[2, i], room.artist[4, i]
        place = plan.places[ARTIST] + (i // outcomes) * columns + column
        by_standard = by_effect[i] * scale - standard
        root = 1.0 / math.sqrt(space)
        slopes[place] += by_standard * root
        mean = scale * pull / space
        by_space = -(by_standard * (mean + 0.5 * x[place] * root) + 0.5) / space
        room.by_value[ARTIST_SCALE, o] += (
            by_effect[i] * standard
            + by_standard * pull / space
            + 2.0 * by_space * scale * precision
        )
        by_precision[i] = by_space * scale * scale
        by_pull[i] = by_standard * scale / space
    for p in range(plan.pair_artist.size):
        for o in range(outcomes):
            i, a = p * outcomes + o, plan.pair_artist[p] * outcomes + o
            known, score, loading = room.reading[0, i], room.reading[1, i], room.value[LOADING, o]
            noise = 1.0 + known * loading * loading
            by_noise = -(by_precision[a] * known + by_pull[a] * score) / (noise * noise)
            room.by_reading[0, i] += by_precision[a] / noise + by_noise * loading * loading
            room.by_reading[1, i] += by_pull[a] / noise
            room.by_value[LOADING, o] += 2.0 * by_noise * known * loading


@njit(cache=True)
def _gaussian_back(plan: Any, room: Any) -> None:
    outcome, cell, scatter, at_pair = plan.codes[0], plan.codes[1], plan.codes[2], plan.codes[4]
    n, power, base = plan.counts[1], plan.counts[4], plan.counts[5]
    response, units = plan.counts[6], plan.counts[7]
    by_known, by_score = room.by_reading[0], room.by_reading[1]
    room.by_level[:] = 0.0
    room.by_scatter[:] = 0.0
    room.by_effect[:] = 0.0
    faded = plan.flags[DRIFTS] > 0 and plan.flags[FADES] > 0
    by_effect = room.by_effect.reshape(-1)
    for j in range(outcome.size):
        i = at_pair[j]
        eta = room.seen[0, j]
        by = room.by_seen[0, j] - by_score[i] * room.seen[1, j]
        by_told = (by_known[i] + by_score[i] * (response[j] - eta)) * power[j]
        if faded:
            by_told += room.by_window_known[cell[j]] * units[j]
        kappa = room.scatter[1, scatter[j]]
        by_kappa = room.by_seen[1, j]
        if kappa < _NO_SCATTER:
            if plan.is_count[j]:
                told = base[j] / (1.0 + base[j] / kappa)
                by_kappa += by_told * told * told / kappa
            else:
                over = (n[j] - 1.0) / (kappa + 1.0)
                told = base[j] / ((1.0 + over) * (1.0 + over))
                by_kappa += by_told * told * over * (kappa / (kappa + 1.0))
        room.by_scatter[scatter[j]] += by_kappa
        room.by_level[cell[j]] += by
        for f in range(len(plan.factor)):
            by_effect[plan.factor_code[f, j]] += by
        for c in range(len(plan.covariate)):
            room.by_slope[c, outcome[j]] += by * plan.covariate[c, j]


@njit(cache=True)
def _log_days(days: float, bend: float) -> tuple[float, float]:
    """Return the logarithm of a Weibull scale of a mean, and its slope in the shape."""
    at = 1.0 + 1.0 / bend
    # What Stirling's main terms leave: the half of log 2 pi stands beside it.
    value, slope = _tail(at)
    log_gamma = (at - 0.5) * math.log(at) - at + 0.5 * math.log(2.0 * math.pi) + value
    digamma = math.log(at) - 0.5 / at + slope
    return math.log(days) - log_gamma, digamma / (bend * bend)


@njit(cache=True)
def _arrive(plan: Any, room: Any) -> None:
    """Fill the share of each observation that has arrived; 1 where it cannot be late."""
    intervals, nodes = plan.log_age.shape
    for column in range(plan.late.size):
        o = plan.late[column]
        bend = room.value[SHAPE, o]
        log_scale, _ = _log_days(room.value[DELAY, o], bend)
        for i in range(intervals):
            total = 0.0
            for k in range(nodes):
                reach = math.exp(bend * (plan.log_age[i, k] - log_scale))
                total -= math.expm1(-reach) * plan.mass[i, k]
            room.arrived[i, column] = total
    room.mature[:] = 1.0
    for e in range(plan.share.size):
        room.mature[plan.entry[0, e]] = 0.0
    for e in range(plan.share.size):
        own = room.arrived[plan.entry[1, e], plan.entry[2, e]] * plan.share[e]
        room.mature[plan.entry[0, e]] += own
    for j in range(room.mature.size):
        room.mature[j] = min(max(room.mature[j], LEAST), 1.0)
    room.by_mature[:] = 0.0


@njit(cache=True)
def _arrive_back(plan: Any, room: Any) -> None:
    room.by_arrived[:] = 0.0
    for e in range(plan.share.size):
        by = room.by_mature[plan.entry[0, e]] * plan.share[e]
        room.by_arrived[plan.entry[1, e], plan.entry[2, e]] += by
    intervals, nodes = plan.log_age.shape
    for column in range(plan.late.size):
        o = plan.late[column]
        bend = room.value[SHAPE, o]
        log_scale, by_bend = _log_days(room.value[DELAY, o], bend)
        by_days, by_shape = 0.0, 0.0
        for i in range(intervals):
            by = room.by_arrived[i, column]
            for k in range(nodes):
                away = plan.log_age[i, k] - log_scale
                reach = math.exp(bend * away)
                if reach < _NO_SCATTER:
                    steep = by * plan.mass[i, k] * math.exp(-reach) * reach
                    by_days -= steep * bend
                    by_shape += steep * (away - bend * by_bend)
        room.by_value[DELAY, o] += by_days / room.value[DELAY, o]
        room.by_value[SHAPE, o] += by_shape

