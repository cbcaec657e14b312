r"""Vector density: the log posterior of the sampler's whole vector, with its gradient, by hand.

.. math::

    \eta_{io} = \alpha_o + a_{ao} + c_{ko} + \textstyle\sum_f f_{\ell o} + p_{kwo}
                + \lambda_o s_{ak}, \qquad s_{ak} \sim f

Forward: parameters, slopes, factors (:mod:`coterie.beliefs.vector_factors`), levels
(:func:`population`), then what the counts say (:mod:`coterie.beliefs.vector_likelihood`); backward
in the opposite order. Coordinates. Whatever the data know well is moved in units of what they
leave open:

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

from coterie.beliefs.book import (
    codes,
    cube,
    floats,
    inner,
    integers,
    table,
)
from coterie.beliefs.vector_factors import factors, factors_back
from coterie.beliefs.vector_index import (
    CLUSTER,
    CLUSTER_SCALE,
    DRIFTS,
    FADES,
    GRAND,
    KAPPA,
    KAPPA_SPREAD,
    LOADING,
    P_ALPHA,
    P_ALPHA_AT,
    P_AT,
    P_FAMILY,
    P_FLAGS,
    P_KNOWN,
    P_PLACES,
    P_PRIOR,
    P_SLOPE_AT,
    P_SLOPE_MAP,
    P_SLOPE_PRIOR,
    P_TRADE,
    P_WINDOW,
    PERIOD_SCALE,
    R_ALPHA,
    R_BY_DEVIATION,
    R_BY_LEVEL,
    R_BY_MEAN,
    R_BY_SCATTER,
    R_BY_SLOPE,
    R_BY_VALUE,
    R_DEVIATION,
    R_GRAND,
    R_LEVEL,
    R_MEAN,
    R_RATE,
    R_SCATTER,
    R_SHIFT,
    R_SLOPE,
    R_VALUE,
    SCATTER,
    SLOPE,
    SPLIT,
    WINDOW,
)
from coterie.beliefs.vector_likelihood import place_artists, read_counts, read_counts_back
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
)

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
    total += factors(x, slopes, plan, room)
    total += _levels(x, plan, room)
    _scatter(x, plan, room)
    return total


@njit(cache=True, inline="always")
def _evidence(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    total = read_counts(x, plan, room)
    read_counts_back(x, slopes, plan, room)
    _scatter_back(x, slopes, plan, room)
    _levels_back(x, slopes, plan, room)
    factors_back(x, slopes, plan, room)
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
