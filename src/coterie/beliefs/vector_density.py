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
    PERIOD_SCALE,
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
    return population(x, slopes, plan, room) + evidence(x, slopes, plan, room)


@njit(cache=True, nogil=True)
def population(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Fill the room with parameters and levels; return the log density of their coordinates.

    What a prior says of one coordinate by itself is in ``slopes`` already, and slopes in
    parameters are 0: those of a joint prior may be added before :func:`evidence` is asked.
    """
    slopes[:] = 0.0
    room.by_value[:] = 0.0
    room.by_slope[:] = 0.0
    room.alpha[1] = 0.0
    total = _parameters(x, slopes, plan, room)
    for block in (GRAND, SPLIT, SCATTER):
        total += _standard(x, slopes, plan.places[block], plan.places[block + 1])
    total += _slopes(x, plan, room)
    total += _factors(x, slopes, plan, room)
    total += _levels(x, plan, room)
    _scatter(x, plan, room)
    return total


@njit(cache=True, nogil=True)
def evidence(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Return the log density of the counts and what is an artist's own; finish the gradient."""
    total = read_counts(x, plan, room)
    read_counts_back(x, slopes, plan, room)
    _scatter_back(x, slopes, plan, room)
    _levels_back(x, slopes, plan, room)
    _factors_back(x, slopes, plan, room)
    _slopes_back(slopes, plan, room)
    _parameters_back(x, slopes, plan, room)
    for i in range(slopes.size):
        if not math.isfinite(slopes[i]):
            return math.nan
    return total


@njit(cache=True, nogil=True)
def place(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Fill the room with every value that a point stands for; ``slopes`` is written over."""
    population(x, slopes, plan, room)
    place_artists(x, plan, room)


@njit(cache=True)
def _standard(x: Any, slopes: Any, first: int, last: int) -> float:
    total = 0.0
    for i in range(first, last):
        total -= 0.5 * x[i] * x[i]
        slopes[i] -= x[i]
    return total


@njit(cache=True)
def _parameters(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    total = 0.0
    rows, outcomes = plan.family.shape
    for r in range(rows):
        for o in range(outcomes):
            family, at = plan.family[r, o], plan.at[r, o]
            first, second = plan.prior[0, r, o], plan.prior[1, r, o]
            room.rate[r, o] = 0.0
            if family == FIXED:
                room.value[r, o] = math.log(first) if r == KAPPA else first
            elif family != TRADED and not (r == KAPPA and plan.family[LOADING, o] == TRADED):
                value, rate, density, slope = parameter(family, x[at], first, second, r == KAPPA)
                room.value[r, o] = value
                room.rate[r, o] = rate
                total += density
                slopes[at] += slope
    for o in range(outcomes):
        if plan.family[LOADING, o] == TRADED:
            total += _traded(x, slopes, o, plan, room)
    return total


@njit(cache=True)
def _traded(x: Any, slopes: Any, o: int, plan: Any, room: Any) -> float:
    """Fill loading and kappa of an outcome in which the two are walked together."""
    share, whole = plan.at[LOADING, o], plan.at[KAPPA, o]
    log_loading, log_kappa, density, by_loading, by_kappa, slope = traded(
        x[share], x[whole] + plan.trade[1, o], plan.trade[0, o], plan.trade[3, o]
    )
    log_kappa += plan.trade[2, o]
    loading, scale = math.exp(log_loading), plan.prior[0, LOADING, o]
    far = (loading / scale) ** 2
    family, first, second = plan.family[KAPPA, o], plan.prior[0, KAPPA, o], plan.prior[1, KAPPA, o]
    own, own_slope = log_prior_of_log_kappa(family, log_kappa, first, second)
    slopes[share] += slope + (1.0 - far) * by_loading + own_slope * by_kappa
    slopes[whole] += (1.0 - far) * 0.5 - own_slope
    kept = 1.0
    room.value[KAPPA, o] = log_kappa
    if family == CONCENTRATION:
        square = math.exp(-log_kappa)
        room.value[KAPPA, o] = -math.log(square + LEAST_SCATTER)
        kept = square / (square + LEAST_SCATTER)
    room.value[LOADING, o] = loading
    # Of the share; those of the variance are a half of the loading, and minus kappa's own.
    room.rate[LOADING, o] = loading * by_loading
    room.rate[KAPPA, o] = kept * by_kappa
    return density + log_loading - 0.5 * far + own


@njit(cache=True)
def _parameters_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    rows, outcomes = plan.family.shape
    for r in range(rows):
        for o in range(outcomes):
            if plan.family[r, o] == FIXED:
                continue
            by, rate = room.by_value[r, o], room.rate[r, o]
            both = plan.family[LOADING, o] == TRADED
            if r == LOADING and both:
                slopes[plan.at[LOADING, o]] += by * rate
                slopes[plan.at[KAPPA, o]] += by * 0.5 * room.value[r, o]
            elif r == KAPPA and both:
                slopes[plan.at[LOADING, o]] += by * rate
                kept = 1.0
                if plan.family[KAPPA, o] == CONCENTRATION:
                    # value = -log(exp(-log kappa) + least)
                    kept = 1.0 - LEAST_SCATTER * math.exp(room.value[r, o])
                slopes[plan.at[KAPPA, o]] -= by * kept
            else:
                slopes[plan.at[r, o]] += by * rate


@njit(cache=True)
def _slopes(x: Any, plan: Any, room: Any) -> float:
    """Fill slopes of covariates, moved along the covariates' own axes."""
    total = 0.0
    covariates, outcomes = room.slope.shape
    columns = 0
    for o in range(outcomes):
        columns = max(columns, plan.slope_at[o] + 1)
    for o in range(outcomes):
        normal, mean, sd = (
            plan.slope_prior[0, o] > 0, plan.slope_prior[1, o], plan.slope_prior[2, o]
        )  # fmt: skip
        at = plan.slope_at[o]
        for c in range(covariates):
            value = mean
            if at >= 0:
                value = 0.0
                for i in range(covariates):
                    value += plan.slope_map[c, i] * x[plan.places[SLOPE] + i * columns + at]
                if normal:
                    far = (value - mean) / sd
                    total -= 0.5 * far * far
                    room.by_slope[c, o] -= far / sd
            room.slope[c, o] = value
    return total


@njit(cache=True)
def _slopes_back(slopes: Any, plan: Any, room: Any) -> None:
    covariates, outcomes = room.slope.shape
    columns = 0
    for o in range(outcomes):
        columns = max(columns, plan.slope_at[o] + 1)
    for o in range(outcomes):
        at = plan.slope_at[o]
        for c in range(covariates):
            if at >= 0:
                for i in range(covariates):
                    place = plan.places[SLOPE] + i * columns + at
                    slopes[place] += plan.slope_map[c, i] * room.by_slope[c, o]


@njit(cache=True)
def _factors(x: Any, slopes: Any, plan: Any, room: Any) -> float:
    """Fill effects of factors, and in ``shift`` what alpha is moved against."""
    total = 0.0
    outcomes = plan.family.shape[1]
    for o in range(outcomes):
        room.shift[0, o] = 0.0
        room.shift[1, o] = 0.0
        for c in range(room.slope.shape[0]):
            room.shift[0, o] += plan.middle[c] * room.slope[c, o]
    for f in range(len(plan.factor)):
        size, start = plan.factor[f, SIZE], plan.factor[f, START]
        for o in range(outcomes):
            scale = room.value[FIRST_FACTOR + f, o]
            known = _sharp(f, o, plan, room)
            room.sharp[f, o] = known
            total += _effects_of(x, slopes, f, o, scale, known, plan, room)
        if plan.factor[f, SMOOTH]:
            cube = room.effect.reshape(-1)[start * outcomes : (start + size) * outcomes]
            for i in range(plan.factor[f, TURNS], plan.factor[f, NO_MORE_TURNS]):
                pre, n, post, first = plan.turns[i]
                turn(cube, plan.turn_axes[first:], False, pre, n, post, room.turned)
    return total


@njit(cache=True)
def _sharp(f: int, o: int, plan: Any, room: Any) -> float:
    """Return the counts' information on a level, blurred by what splits it."""
    known = plan.factor_known[f, o]
    if not plan.flags[NESTED]:
        return known
    blur = plan.blur[f, len(plan.factor)] * room.value[CLUSTER_SCALE, o] ** 2
    for g in range(len(plan.factor)):
        blur += plan.blur[f, g] * room.value[FIRST_FACTOR + g, o] ** 2
    return known / (1.0 + known * blur)


@njit(cache=True)
def _effects_of(
    x: Any, slopes: Any, f: int, o: int, scale: float, known: float, plan: Any, room: Any
) -> float:
    total = 0.0
    outcomes = plan.family.shape[1]
    size, start, raw = plan.factor[f, SIZE], plan.factor[f, START], plan.factor[f, RAW]
    mean = plan.factor[f, MEAN]
    free = size if mean < 0 else size - 1
    for i in range(free):
        wide = scale * plan.root[start + i]
        value, _, density = effect(x[raw + i * outcomes + o], wide, known)
        room.effect[start + i, o] = value
        total += density
    if mean >= 0:
        spread_out(room.effect[start : start + size, o])
        at = x[mean + o]
        total -= 0.5 * at * at
        slopes[mean + o] -= at
        own = at * scale / math.sqrt(size)
        room.shift[0, o] += own
        for i in range(size):
            room.effect[start + i, o] += own
    return total


@njit(cache=True)
def _factors_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    outcomes = plan.family.shape[1]
    for f in range(len(plan.factor)):
        size, start = plan.factor[f, SIZE], plan.factor[f, START]
        if plan.factor[f, SMOOTH]:
            cube = room.by_effect.reshape(-1)[start * outcomes : (start + size) * outcomes]
            for i in range(plan.factor[f, TURNS], plan.factor[f, NO_MORE_TURNS]):
                pre, n, post, first = plan.turns[i]
                turn(cube, plan.turn_axes[first:], True, pre, n, post, room.turned)
        for o in range(outcomes):
            _effects_of_back(x, slopes, f, o, plan, room)
    for o in range(outcomes):
        for c in range(room.slope.shape[0]):
            room.by_slope[c, o] += plan.middle[c] * room.shift[1, o]


@njit(cache=True)
def _effects_of_back(x: Any, slopes: Any, f: int, o: int, plan: Any, room: Any) -> None:
    outcomes = plan.family.shape[1]
    size, start, raw = plan.factor[f, SIZE], plan.factor[f, START], plan.factor[f, RAW]
    mean, row = plan.factor[f, MEAN], FIRST_FACTOR + f
    scale, known = room.value[row, o], room.sharp[f, o]
    free, by_scale, by_known = size, 0.0, 0.0
    if mean >= 0:
        free = size - 1
        total = room.shift[1, o]
        for i in range(size):
            total += room.by_effect[start + i, o]
        slopes[mean + o] += total * scale / math.sqrt(size)
        by_scale += total * x[mean + o] / math.sqrt(size)
        gather(room.by_effect[start : start + size, o])
    for i in range(free):
        place, root = raw + i * outcomes + o, plan.root[start + i]
        by_x, by_wide, by = effect_slopes(
            x[place], scale * root, known, room.by_effect[start + i, o]
        )
        slopes[place] += by_x
        by_scale += by_wide * root
        by_known += by
    room.by_value[row, o] += by_scale
    if plan.flags[NESTED]:
        by_blur = -2.0 * by_known * known * known
        wide = room.value[CLUSTER_SCALE, o]
        room.by_value[CLUSTER_SCALE, o] += by_blur * plan.blur[f, len(plan.factor)] * wide
        for g in range(len(plan.factor)):
            wide = room.value[FIRST_FACTOR + g, o]
            room.by_value[FIRST_FACTOR + g, o] += by_blur * plan.blur[f, g] * wide


@njit(cache=True)
def _spread(o: int, plan: Any, room: Any) -> tuple[float, float]:
    """Return the scale of a cluster's mean over its windows, and how many windows it has."""
    windows = room.deviation.shape[1]
    count = 0.0
    for w in range(windows):
        count += plan.window[1, w]
    between, within = room.value[CLUSTER_SCALE, o], room.value[PERIOD_SCALE, o]
    return math.sqrt(between * between + within * within / count + _LEAST), count


@njit(cache=True)
def _levels(x: Any, plan: Any, room: Any) -> float:
    """Fill alpha, means of clusters, deviations of windows and levels."""
    total = 0.0
    clusters, windows, outcomes = room.deviation.shape
    drifts, fades = plan.flags[DRIFTS] > 0, plan.flags[FADES] > 0
    for o in range(outcomes):
        spread, _ = _spread(o, plan, room)
        grand = x[plan.places[GRAND] + o] * spread / math.sqrt(clusters)
        room.grand[0, o] = grand
        alpha = plan.alpha[1, o]
        if plan.alpha_at[o] >= 0:
            level = plan.alpha[3, o] + plan.alpha[4, o] * x[plan.alpha_at[o]]
            alpha = level - room.shift[0, o] - grand
            if plan.alpha[0, o] > 0:
                far = (alpha - plan.alpha[1, o]) / plan.alpha[2, o]
                total -= 0.5 * far * far
                room.alpha[1, o] -= far / plan.alpha[2, o]
        room.alpha[0, o] = alpha
        for k in range(clusters - 1):
            at = plan.places[CLUSTER] + k * outcomes + o
            value, _, density = effect(x[at], spread, plan.known[0, o])
            room.mean[k, o] = value
            total += density
        spread_out(room.mean[:, o])
        within = room.value[PERIOD_SCALE, o]
        for k in range(clusters):
            room.mean[k, o] += grand
            if drifts:
                for w in range(windows - 1):
                    at = plan.places[WINDOW] + (k * (windows - 1) + w) * outcomes + o
                    value, _, density = effect(x[at], within, plan.known[1, o])
                    room.deviation[k, w, o] = value
                    total += density
                spread_out(room.deviation[k, :, o])
                if fades:
                    reflect(room.deviation[k, :, o], plan.window[3])
                    for w in range(windows):
                        room.deviation[k, w, o] /= plan.window[2, w]
            for w in range(windows):
                at = (k * windows + w) * outcomes + o
                room.level[at] = alpha + room.mean[k, o] + room.deviation[k, w, o]
    return total


@njit(cache=True)
def _levels_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    clusters, windows, outcomes = room.deviation.shape
    drifts, fades = plan.flags[DRIFTS] > 0, plan.flags[FADES] > 0
    for o in range(outcomes):
        spread, count = _spread(o, plan, room)
        within, by_within = room.value[PERIOD_SCALE, o], 0.0
        by_alpha, by_grand, by_spread = room.alpha[1, o], 0.0, 0.0
        for k in range(clusters):
            by_mean = 0.0
            for w in range(windows):
                by = room.by_level[(k * windows + w) * outcomes + o]
                by_mean += by
                room.by_deviation[k, w, o] = by
            by_alpha += by_mean
            by_grand += by_mean
            room.by_mean[k, o] = by_mean
            if drifts:
                if fades:
                    for w in range(windows):
                        room.by_deviation[k, w, o] /= plan.window[2, w]
                    reflect(room.by_deviation[k, :, o], plan.window[3])
                gather(room.by_deviation[k, :, o])
                for w in range(windows - 1):
                    at = plan.places[WINDOW] + (k * (windows - 1) + w) * outcomes + o
                    by_x, by_scale, _ = effect_slopes(
                        x[at], within, plan.known[1, o], room.by_deviation[k, w, o]
                    )
                    slopes[at] += by_x
                    by_within += by_scale
        gather(room.by_mean[:, o])
        for k in range(clusters - 1):
            at = plan.places[CLUSTER] + k * outcomes + o
            by_x, by_scale, _ = effect_slopes(
                x[at], spread, plan.known[0, o], room.by_mean[k, o]
            )
            slopes[at] += by_x
            by_spread += by_scale
        if plan.alpha_at[o] >= 0:
            slopes[plan.alpha_at[o]] += by_alpha * plan.alpha[4, o]
            room.shift[1, o] -= by_alpha
            by_grand -= by_alpha
        root = math.sqrt(clusters)
        slopes[plan.places[GRAND] + o] += by_grand * spread / root
        by_spread += by_grand * x[plan.places[GRAND] + o] / root
        between = room.value[CLUSTER_SCALE, o]
        room.by_value[CLUSTER_SCALE, o] += by_spread * between / spread
        room.by_value[PERIOD_SCALE, o] += by_within + by_spread * within / (count * spread)


@njit(cache=True)
def _scatter(x: Any, plan: Any, room: Any) -> None:
    """Fill kappa of each cluster and outcome, and its logarithm."""
    outcomes = plan.family.shape[1]
    varies = plan.places[SLOPE] > plan.places[SCATTER]
    for at in range(room.scatter.shape[1]):
        o = at % outcomes
        value = room.value[KAPPA, o]
        if varies:
            value += room.value[KAPPA_SPREAD, o] * x[plan.places[SCATTER] + at]
        room.scatter[0, at] = value
        room.scatter[1, at] = math.exp(value)


@njit(cache=True)
def _scatter_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    outcomes = plan.family.shape[1]
    varies = plan.places[SLOPE] > plan.places[SCATTER]
    for at in range(room.scatter.shape[1]):
        o, by = at % outcomes, room.by_scatter[at]
        room.by_value[KAPPA, o] += by
        if varies:
            place = plan.places[SCATTER] + at
            room.by_value[KAPPA_SPREAD, o] += by * x[place]
            slopes[place] += by * room.value[KAPPA_SPREAD, o]
