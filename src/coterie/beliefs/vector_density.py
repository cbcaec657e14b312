r"""Vector density: the log posterior of the sampler's whole vector, with its gradient, by hand.

.. math::

    \eta_{io} = \alpha_o + a_{ao} + c_{ko} + \textstyle\sum_f f_{\ell o} + p_{kwo}
                + \lambda_o s_{ak}, \qquad s_{ak} \sim f

Forward: parameters, slopes, factors, levels (:func:`population`), then what the counts say
(:mod:`coterie.beliefs.vector_reading`); backward in the opposite order. Coordinates. Whatever the
data know well is moved in units of what they leave open:

- Parameters as :mod:`coterie.beliefs.vector_maps` says.
- Levels are a grand mean, cluster contrasts and window contrasts; the level of an outcome is
  moved as one, and alpha follows. The split of a level into cluster and window is drawn from
  its exact conditional law, apart from the counts. Factors that split one another's levels have
  a mean each, which moves against alpha; those of a cycle move along its own axes.
- Artist effects and affinities are ``mean + sd * raw``, from a Gaussian reading of the counts.

Callers may trust that the value is the log posterior of :mod:`coterie.beliefs.model` plus the log
Jacobian of these maps, up to one constant, and that the gradient is the value's own.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from coterie.beliefs.book import codes, cube, floats, inner, integers, table
from coterie.beliefs.vector_maps import (
    CONCENTRATION,
    FIXED,
    LEAST_SCATTER,
    TRADED,
    effect,
    effect_slopes,
    gather,
    log_prior_of_log_kappa,
    parameter,
    reflect,
    spread_out,
    traded,
    turn,
)
from coterie.beliefs.vector_plan import (
    ARTIST_SCALE,
    CLUSTER,
    CLUSTER_SCALE,
    DRIFTS,
    FADES,
    FIRST_FACTOR,
    GRAND,
    KAPPA,
    KAPPA_SPREAD,
    LOADING,
    MEAN,
    NESTED,
    NO_MORE_TURNS,
    P_ALPHA,
    P_ALPHA_AT,
    P_AT,
    P_BLUR,
    P_FACTOR,
    P_FACTOR_KNOWN,
    P_FAMILY,
    P_FLAGS,
    P_KNOWN,
    P_MIDDLE,
    P_PLACES,
    P_PRIOR,
    P_ROOT,
    P_SLOPE_AT,
    P_SLOPE_MAP,
    P_SLOPE_PRIOR,
    P_TRADE,
    P_TURN_AXES,
    P_TURNS,
    P_WINDOW,
    PERIOD_SCALE,
    R_ALPHA,
    R_BY_DEVIATION,
    R_BY_EFFECT,
    R_BY_LEVEL,
    R_BY_MEAN,
    R_BY_SCATTER,
    R_BY_SLOPE,
    R_BY_VALUE,
    R_DEVIATION,
    R_EFFECT,
    R_GRAND,
    R_LEVEL,
    R_MEAN,
    R_RATE,
    R_SCATTER,
    R_SHARP,
    R_SHIFT,
    R_SLOPE,
    R_TURNED,
    R_VALUE,
    RAW,
    SCATTER,
    SIZE,
    SLOPE,
    SMOOTH,
    SPLIT,
    START,
    TURNS,
    WINDOW,
)
from coterie.beliefs.vector_reading import place_artists, read_counts, read_counts_back

_LEAST = 1e-300


@njit(cache=True, nogil=True)
def log_density(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Return the log density of a point and fill ``slopes`` with its gradient."""
    return _population(x, slopes, plan, room) + _evidence(x, slopes, plan, room)


@njit(cache=True, nogil=True)
def population(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Fill the room with parameters and levels; return the log density of their coordinates.

    What a prior says of one coordinate by itself is in ``slopes`` already, and slopes in
    parameters are 0: those of a joint prior may be added before :func:`evidence` is asked.
    """
    return _population(x, slopes, plan, room)


@njit(cache=True, nogil=True)
def evidence(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Return the log density of the counts and what is an artist's own; finish the gradient."""
    return _evidence(x, slopes, plan, room)


@njit(cache=True, inline="always")
def _population(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    p_places = integers(plan, P_PLACES)
    r_alpha = table(room, R_ALPHA)
    r_by_slope = table(room, R_BY_SLOPE)
    r_by_value = table(room, R_BY_VALUE)
    slopes[:] = 0.0
    r_by_value[:] = 0.0
    r_by_slope[:] = 0.0
    r_alpha[1] = 0.0
    total = _parameters(x, slopes, plan, room)
    for block in (GRAND, SPLIT, SCATTER):
        total += _standard(x, slopes, p_places[block], p_places[block + 1])
    total += _slopes(x, plan, room)
    total += _factors(x, slopes, plan, room)
    total += _levels(x, plan, room)
    _scatter(x, plan, room)
    return total


@njit(cache=True, inline="always")
def _evidence(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    total = read_counts(x, plan, room)
    read_counts_back(x, slopes, plan, room)
    _scatter_back(x, slopes, plan, room)
    _levels_back(x, slopes, plan, room)
    _factors_back(x, slopes, plan, room)
    _slopes_back(slopes, plan, room)
    _parameters_back(slopes, plan, room)
    for i in range(slopes.size):
        if not math.isfinite(slopes[i]):
            return math.nan
    return total


@njit(cache=True, nogil=True)
def place(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Fill the room with every value that a point stands for; ``slopes`` is written over."""
    _population(x, slopes, plan, room)
    place_artists(x, plan, room)


@inner
def _standard(x: Any, slopes: Any, first: int, last: int) -> float:
    total = 0.0
    for i in range(first, last):
        total -= 0.5 * x[i] * x[i]
        slopes[i] -= x[i]
    return total


@inner
def _parameters(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    p_at = codes(plan, P_AT)
    p_family = codes(plan, P_FAMILY)
    p_prior = cube(plan, P_PRIOR)
    r_rate = table(room, R_RATE)
    r_value = table(room, R_VALUE)
    total = 0.0
    rows, outcomes = p_family.shape
    for r in range(rows):
        for o in range(outcomes):
            family, at = p_family[r, o], p_at[r, o]
            first, second = p_prior[0, r, o], p_prior[1, r, o]
            r_rate[r, o] = 0.0
            if family == FIXED:
                r_value[r, o] = math.log(first) if r == KAPPA else first
            elif family != TRADED and not (r == KAPPA and p_family[LOADING, o] == TRADED):
                value, rate, density, slope = parameter(family, x[at], first, second, r == KAPPA)
                r_value[r, o] = value
                r_rate[r, o] = rate
                total += density
                slopes[at] += slope
    for o in range(outcomes):
        if p_family[LOADING, o] == TRADED:
            total += _traded(x, slopes, o, plan, room)
    return total


@inner
def _traded(x: Any, slopes: Any, o: int, plan: Any, room: Any) -> float:
    """Fill loading and kappa of an outcome in which the two are walked together."""
    p_at = codes(plan, P_AT)
    p_family = codes(plan, P_FAMILY)
    p_prior = cube(plan, P_PRIOR)
    p_trade = table(plan, P_TRADE)
    r_rate = table(room, R_RATE)
    r_value = table(room, R_VALUE)
    share, whole = p_at[LOADING, o], p_at[KAPPA, o]
    log_loading, log_kappa, density, by_loading, by_kappa, slope = traded(
        x[share], x[whole] + p_trade[1, o], p_trade[0, o], p_trade[3, o]
    )
    log_kappa += p_trade[2, o]
    loading, scale = math.exp(log_loading), p_prior[0, LOADING, o]
    far = (loading / scale) ** 2
    family, first, second = p_family[KAPPA, o], p_prior[0, KAPPA, o], p_prior[1, KAPPA, o]
    own, own_slope = log_prior_of_log_kappa(family, log_kappa, first, second)
    slopes[share] += slope + (1.0 - far) * by_loading + own_slope * by_kappa
    slopes[whole] += (1.0 - far) * 0.5 - own_slope
    kept = 1.0
    r_value[KAPPA, o] = log_kappa
    if family == CONCENTRATION:
        square = math.exp(-log_kappa)
        r_value[KAPPA, o] = -math.log(square + LEAST_SCATTER)
        kept = square / (square + LEAST_SCATTER)
    r_value[LOADING, o] = loading
    # Of the share; those of the variance are a half of the loading, and minus kappa's own.
    r_rate[LOADING, o] = loading * by_loading
    r_rate[KAPPA, o] = kept * by_kappa
    return density + log_loading - 0.5 * far + own


@inner
def _parameters_back(slopes: Any, plan: Any, room: Any) -> None:
    p_at = codes(plan, P_AT)
    p_family = codes(plan, P_FAMILY)
    r_by_value = table(room, R_BY_VALUE)
    r_rate = table(room, R_RATE)
    r_value = table(room, R_VALUE)
    rows, outcomes = p_family.shape
    for r in range(rows):
        for o in range(outcomes):
            if p_family[r, o] == FIXED:
                continue
            by, rate = r_by_value[r, o], r_rate[r, o]
            both = p_family[LOADING, o] == TRADED
            if r == LOADING and both:
                slopes[p_at[LOADING, o]] += by * rate
                slopes[p_at[KAPPA, o]] += by * 0.5 * r_value[r, o]
            elif r == KAPPA and both:
                slopes[p_at[LOADING, o]] += by * rate
                kept = 1.0
                if p_family[KAPPA, o] == CONCENTRATION:
                    # value = -log(exp(-log kappa) + least)
                    kept = 1.0 - LEAST_SCATTER * math.exp(r_value[r, o])
                slopes[p_at[KAPPA, o]] -= by * kept
            else:
                slopes[p_at[r, o]] += by * rate


@inner
def _slopes(x: Any, plan: Any, room: Any) -> float:
    """Fill slopes of covariates, moved along the covariates' own axes."""
    p_places = integers(plan, P_PLACES)
    p_slope_at = integers(plan, P_SLOPE_AT)
    p_slope_map = table(plan, P_SLOPE_MAP)
    p_slope_prior = table(plan, P_SLOPE_PRIOR)
    r_by_slope = table(room, R_BY_SLOPE)
    r_slope = table(room, R_SLOPE)
    total = 0.0
    covariates, outcomes = r_slope.shape
    columns = 0
    for o in range(outcomes):
        columns = max(columns, p_slope_at[o] + 1)
    for o in range(outcomes):
        normal, mean, sd = (
            p_slope_prior[0, o] > 0, p_slope_prior[1, o], p_slope_prior[2, o]
        )  # fmt: skip
        at = p_slope_at[o]
        for c in range(covariates):
            value = mean
            if at >= 0:
                value = 0.0
                for i in range(covariates):
                    value += p_slope_map[c, i] * x[p_places[SLOPE] + i * columns + at]
                if normal:
                    far = (value - mean) / sd
                    total -= 0.5 * far * far
                    r_by_slope[c, o] -= far / sd
            r_slope[c, o] = value
    return total


@inner
def _slopes_back(slopes: Any, plan: Any, room: Any) -> None:
    p_places = integers(plan, P_PLACES)
    p_slope_at = integers(plan, P_SLOPE_AT)
    p_slope_map = table(plan, P_SLOPE_MAP)
    r_by_slope = table(room, R_BY_SLOPE)
    r_slope = table(room, R_SLOPE)
    covariates, outcomes = r_slope.shape
    columns = 0
    for o in range(outcomes):
        columns = max(columns, p_slope_at[o] + 1)
    for o in range(outcomes):
        at = p_slope_at[o]
        for c in range(covariates):
            if at >= 0:
                for i in range(covariates):
                    place = p_places[SLOPE] + i * columns + at
                    slopes[place] += p_slope_map[c, i] * r_by_slope[c, o]


@inner
def _factors(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Fill effects of factors, and in ``shift`` what alpha is moved against."""
    p_factor = codes(plan, P_FACTOR)
    p_family = codes(plan, P_FAMILY)
    p_known = table(plan, P_KNOWN)
    p_middle = floats(plan, P_MIDDLE)
    p_turn_axes = floats(plan, P_TURN_AXES)
    p_turns = codes(plan, P_TURNS)
    r_effect = table(room, R_EFFECT)
    r_sharp = table(room, R_SHARP)
    r_shift = table(room, R_SHIFT)
    r_slope = table(room, R_SLOPE)
    r_turned = floats(room, R_TURNED)
    r_value = table(room, R_VALUE)
    total = 0.0
    outcomes = p_family.shape[1]
    for o in range(outcomes):
        r_shift[0, o] = 0.0
        r_shift[1, o] = 0.0
        for c in range(r_slope.shape[0]):
            r_shift[0, o] += p_middle[c] * r_slope[c, o]
        # Of thin counts the mean rate is known, to which scatter adds: exp(alpha + scale^2 / 2).
        r_shift[0, o] += 0.5 * p_known[2, o] * r_value[LOADING, o] ** 2
        r_shift[0, o] += 0.5 * p_known[3, o] * r_value[ARTIST_SCALE, o] ** 2
    for f in range(len(p_factor)):
        size, start = p_factor[f, SIZE], p_factor[f, START]
        for o in range(outcomes):
            scale = r_value[FIRST_FACTOR + f, o]
            known = _sharp(f, o, plan, room)
            r_sharp[f, o] = known
            total += _effects_of(x, slopes, f, o, scale, known, plan, room)
        if p_factor[f, SMOOTH]:
            cube = r_effect.reshape(-1)[start * outcomes : (start + size) * outcomes]
            for i in range(p_factor[f, TURNS], p_factor[f, NO_MORE_TURNS]):
                pre, n, post, first = p_turns[i]
                turn(cube, p_turn_axes[first:], False, pre, n, post, r_turned)
    return total


@inner
def _sharp(f: int, o: int, plan: Any, room: Any) -> float:
    """Return the counts' information on a level, blurred by what splits it."""
    p_blur = table(plan, P_BLUR)
    p_factor = codes(plan, P_FACTOR)
    p_factor_known = table(plan, P_FACTOR_KNOWN)
    p_flags = integers(plan, P_FLAGS)
    r_value = table(room, R_VALUE)
    known = p_factor_known[f, o]
    if not p_flags[NESTED]:
        return known
    blur = p_blur[f, len(p_factor)] * r_value[CLUSTER_SCALE, o] ** 2
    for g in range(len(p_factor)):
        blur += p_blur[f, g] * r_value[FIRST_FACTOR + g, o] ** 2
    return known / (1.0 + known * blur)


@inner
def _effects_of(
    x: Any, slopes: Any, f: int, o: int, scale: float, known: float, plan: Any, room: Any
) -> float:
    p_factor = codes(plan, P_FACTOR)
    p_family = codes(plan, P_FAMILY)
    p_root = floats(plan, P_ROOT)
    r_effect = table(room, R_EFFECT)
    r_shift = table(room, R_SHIFT)
    total = 0.0
    outcomes = p_family.shape[1]
    size, start, raw = p_factor[f, SIZE], p_factor[f, START], p_factor[f, RAW]
    mean = p_factor[f, MEAN]
    free = size if mean < 0 else size - 1
    for i in range(free):
        wide = scale * p_root[start + i]
        value, _, density = effect(x[raw + i * outcomes + o], wide, known)
        r_effect[start + i, o] = value
        total += density
    if mean >= 0:
        spread_out(r_effect[start : start + size, o])
        at = x[mean + o]
        total -= 0.5 * at * at
        slopes[mean + o] -= at
        own = at * scale / math.sqrt(size)
        r_shift[0, o] += own
        for i in range(size):
            r_effect[start + i, o] += own
    return total


@inner
def _factors_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    p_factor = codes(plan, P_FACTOR)
    p_family = codes(plan, P_FAMILY)
    p_known = table(plan, P_KNOWN)
    p_middle = floats(plan, P_MIDDLE)
    p_turn_axes = floats(plan, P_TURN_AXES)
    p_turns = codes(plan, P_TURNS)
    r_by_effect = table(room, R_BY_EFFECT)
    r_by_slope = table(room, R_BY_SLOPE)
    r_by_value = table(room, R_BY_VALUE)
    r_value = table(room, R_VALUE)
    r_shift = table(room, R_SHIFT)
    r_slope = table(room, R_SLOPE)
    r_turned = floats(room, R_TURNED)
    outcomes = p_family.shape[1]
    for f in range(len(p_factor)):
        size, start = p_factor[f, SIZE], p_factor[f, START]
        if p_factor[f, SMOOTH]:
            cube = r_by_effect.reshape(-1)[start * outcomes : (start + size) * outcomes]
            for i in range(p_factor[f, TURNS], p_factor[f, NO_MORE_TURNS]):
                pre, n, post, first = p_turns[i]
                turn(cube, p_turn_axes[first:], True, pre, n, post, r_turned)
        for o in range(outcomes):
            _effects_of_back(x, slopes, f, o, plan, room)
    for o in range(outcomes):
        for c in range(r_slope.shape[0]):
            r_by_slope[c, o] += p_middle[c] * r_shift[1, o]
        by = r_shift[1, o]
        r_by_value[LOADING, o] += by * p_known[2, o] * r_value[LOADING, o]
        r_by_value[ARTIST_SCALE, o] += by * p_known[3, o] * r_value[ARTIST_SCALE, o]


@inner
def _effects_of_back(x: Any, slopes: Any, f: int, o: int, plan: Any, room: Any) -> None:
    p_blur = table(plan, P_BLUR)
    p_factor = codes(plan, P_FACTOR)
    p_family = codes(plan, P_FAMILY)
    p_flags = integers(plan, P_FLAGS)
    p_root = floats(plan, P_ROOT)
    r_by_effect = table(room, R_BY_EFFECT)
    r_by_value = table(room, R_BY_VALUE)
    r_sharp = table(room, R_SHARP)
    r_shift = table(room, R_SHIFT)
    r_value = table(room, R_VALUE)
    outcomes = p_family.shape[1]
    size, start, raw = p_factor[f, SIZE], p_factor[f, START], p_factor[f, RAW]
    mean, row = p_factor[f, MEAN], FIRST_FACTOR + f
    scale, known = r_value[row, o], r_sharp[f, o]
    free, by_scale, by_known = size, 0.0, 0.0
    if mean >= 0:
        free = size - 1
        total = r_shift[1, o]
        for i in range(size):
            total += r_by_effect[start + i, o]
        slopes[mean + o] += total * scale / math.sqrt(size)
        by_scale += total * x[mean + o] / math.sqrt(size)
        gather(r_by_effect[start : start + size, o])
    for i in range(free):
        place, root = raw + i * outcomes + o, p_root[start + i]
        by_x, by_wide, by = effect_slopes(x[place], scale * root, known, r_by_effect[start + i, o])
        slopes[place] += by_x
        by_scale += by_wide * root
        by_known += by
    r_by_value[row, o] += by_scale
    if p_flags[NESTED]:
        by_blur = -2.0 * by_known * known * known
        wide = r_value[CLUSTER_SCALE, o]
        r_by_value[CLUSTER_SCALE, o] += by_blur * p_blur[f, len(p_factor)] * wide
        for g in range(len(p_factor)):
            wide = r_value[FIRST_FACTOR + g, o]
            r_by_value[FIRST_FACTOR + g, o] += by_blur * p_blur[f, g] * wide


@inner
def _spread(o: int, plan: Any, room: Any) -> tuple[float, float]:
    """Return the scale of a cluster's mean over its windows, and how many windows it has."""
    p_window = table(plan, P_WINDOW)
    r_deviation = cube(room, R_DEVIATION)
    r_value = table(room, R_VALUE)
    windows = r_deviation.shape[1]
    count = 0.0
    for w in range(windows):
        count += p_window[1, w]
    between, within = r_value[CLUSTER_SCALE, o], r_value[PERIOD_SCALE, o]
    return math.sqrt(between * between + within * within / count + _LEAST), count


@inner
def _levels(x: Any, plan: Any, room: Any) -> float:
    """Fill alpha, means of clusters, deviations of windows and levels."""
    p_alpha = table(plan, P_ALPHA)
    p_alpha_at = integers(plan, P_ALPHA_AT)
    p_flags = integers(plan, P_FLAGS)
    p_known = table(plan, P_KNOWN)
    p_places = integers(plan, P_PLACES)
    p_window = table(plan, P_WINDOW)
    r_alpha = table(room, R_ALPHA)
    r_deviation = cube(room, R_DEVIATION)
    r_grand = table(room, R_GRAND)
    r_level = floats(room, R_LEVEL)
    r_mean = table(room, R_MEAN)
    r_shift = table(room, R_SHIFT)
    r_value = table(room, R_VALUE)
    total = 0.0
    clusters, windows, outcomes = r_deviation.shape
    drifts, fades = p_flags[DRIFTS] > 0, p_flags[FADES] > 0
    for o in range(outcomes):
        spread, _ = _spread(o, plan, room)
        grand = x[p_places[GRAND] + o] * spread / math.sqrt(clusters)
        r_grand[0, o] = grand
        alpha = p_alpha[1, o]
        if p_alpha_at[o] >= 0:
            level = p_alpha[3, o] + p_alpha[4, o] * x[p_alpha_at[o]]
            alpha = level - r_shift[0, o] - grand
            if p_alpha[0, o] > 0:
                far = (alpha - p_alpha[1, o]) / p_alpha[2, o]
                total -= 0.5 * far * far
                r_alpha[1, o] -= far / p_alpha[2, o]
        r_alpha[0, o] = alpha
        for k in range(clusters - 1):
            at = p_places[CLUSTER] + k * outcomes + o
            value, _, density = effect(x[at], spread, p_known[0, o])
            r_mean[k, o] = value
            total += density
        spread_out(r_mean[:, o])
        within = r_value[PERIOD_SCALE, o]
        for k in range(clusters):
            r_mean[k, o] += grand
            if drifts:
                for w in range(windows - 1):
                    at = p_places[WINDOW] + (k * (windows - 1) + w) * outcomes + o
                    value, _, density = effect(x[at], within, p_known[1, o])
                    r_deviation[k, w, o] = value
                    total += density
                spread_out(r_deviation[k, :, o])
                if fades:
                    reflect(r_deviation[k, :, o], p_window[3])
                    for w in range(windows):
                        r_deviation[k, w, o] /= p_window[2, w]
            for w in range(windows):
                at = (k * windows + w) * outcomes + o
                r_level[at] = alpha + r_mean[k, o] + r_deviation[k, w, o]
    return total


@inner
def _levels_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    p_alpha = table(plan, P_ALPHA)
    p_alpha_at = integers(plan, P_ALPHA_AT)
    p_flags = integers(plan, P_FLAGS)
    p_known = table(plan, P_KNOWN)
    p_places = integers(plan, P_PLACES)
    p_window = table(plan, P_WINDOW)
    r_alpha = table(room, R_ALPHA)
    r_by_deviation = cube(room, R_BY_DEVIATION)
    r_by_level = floats(room, R_BY_LEVEL)
    r_by_mean = table(room, R_BY_MEAN)
    r_by_value = table(room, R_BY_VALUE)
    r_deviation = cube(room, R_DEVIATION)
    r_shift = table(room, R_SHIFT)
    r_value = table(room, R_VALUE)
    clusters, windows, outcomes = r_deviation.shape
    drifts, fades = p_flags[DRIFTS] > 0, p_flags[FADES] > 0
    for o in range(outcomes):
        spread, count = _spread(o, plan, room)
        within, by_within = r_value[PERIOD_SCALE, o], 0.0
        by_alpha, by_grand, by_spread = r_alpha[1, o], 0.0, 0.0
        for k in range(clusters):
            by_mean = 0.0
            for w in range(windows):
                by = r_by_level[(k * windows + w) * outcomes + o]
                by_mean += by
                r_by_deviation[k, w, o] = by
            by_alpha += by_mean
            by_grand += by_mean
            r_by_mean[k, o] = by_mean
            if drifts:
                if fades:
                    for w in range(windows):
                        r_by_deviation[k, w, o] /= p_window[2, w]
                    reflect(r_by_deviation[k, :, o], p_window[3])
                gather(r_by_deviation[k, :, o])
                for w in range(windows - 1):
                    at = p_places[WINDOW] + (k * (windows - 1) + w) * outcomes + o
                    by_x, by_scale, _ = effect_slopes(
                        x[at], within, p_known[1, o], r_by_deviation[k, w, o]
                    )
                    slopes[at] += by_x
                    by_within += by_scale
        gather(r_by_mean[:, o])
        for k in range(clusters - 1):
            at = p_places[CLUSTER] + k * outcomes + o
            by_x, by_scale, _ = effect_slopes(x[at], spread, p_known[0, o], r_by_mean[k, o])
            slopes[at] += by_x
            by_spread += by_scale
        if p_alpha_at[o] >= 0:
            slopes[p_alpha_at[o]] += by_alpha * p_alpha[4, o]
            r_shift[1, o] -= by_alpha
            by_grand -= by_alpha
        root = math.sqrt(clusters)
        slopes[p_places[GRAND] + o] += by_grand * spread / root
        by_spread += by_grand * x[p_places[GRAND] + o] / root
        between = r_value[CLUSTER_SCALE, o]
        r_by_value[CLUSTER_SCALE, o] += by_spread * between / spread
        r_by_value[PERIOD_SCALE, o] += by_within + by_spread * within / (count * spread)


@inner
def _scatter(x: Any, plan: Any, room: Any) -> None:
    """Fill kappa of each cluster and outcome, and its logarithm."""
    p_family = codes(plan, P_FAMILY)
    p_places = integers(plan, P_PLACES)
    r_scatter = table(room, R_SCATTER)
    r_value = table(room, R_VALUE)
    outcomes = p_family.shape[1]
    varies = p_places[SLOPE] > p_places[SCATTER]
    for at in range(r_scatter.shape[1]):
        o = at % outcomes
        value = r_value[KAPPA, o]
        if varies:
            value += r_value[KAPPA_SPREAD, o] * x[p_places[SCATTER] + at]
        r_scatter[0, at] = value
        r_scatter[1, at] = math.exp(value)


@inner
def _scatter_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    p_family = codes(plan, P_FAMILY)
    p_places = integers(plan, P_PLACES)
    r_by_scatter = floats(room, R_BY_SCATTER)
    r_by_value = table(room, R_BY_VALUE)
    r_scatter = table(room, R_SCATTER)
    r_value = table(room, R_VALUE)
    outcomes = p_family.shape[1]
    varies = p_places[SLOPE] > p_places[SCATTER]
    for at in range(r_scatter.shape[1]):
        o, by = at % outcomes, r_by_scatter[at]
        r_by_value[KAPPA, o] += by
        if varies:
            place = p_places[SCATTER] + at
            r_by_value[KAPPA_SPREAD, o] += by * x[place]
            slopes[place] += by * r_value[KAPPA_SPREAD, o]
