"""Vector factors: effects of the levels of factors, forward and back.

What belongs to no cluster: a release, a mood, an hour of the day. Effects are moved in units of
what the counts leave open of them; those of a cycle along its own axes; and factors that split one
another's levels have a mean each. Callers may trust that the slopes are the values' own.
"""

from __future__ import annotations

import math
from typing import Any

from coterie.beliefs.book import (
    codes,
    floats,
    inner,
    integers,
    table,
)
from coterie.beliefs.vector_index import (
    ARTIST_SCALE,
    CLUSTER_SCALE,
    FIRST_FACTOR,
    LOADING,
    MEAN,
    NESTED,
    NO_MORE_TURNS,
    P_BLUR,
    P_FACTOR,
    P_FACTOR_KNOWN,
    P_FAMILY,
    P_FLAGS,
    P_KNOWN,
    P_MIDDLE,
    P_ROOT,
    P_TURN_AXES,
    P_TURNS,
    R_BY_EFFECT,
    R_BY_SLOPE,
    R_BY_VALUE,
    R_EFFECT,
    R_SHARP,
    R_SHIFT,
    R_SLOPE,
    R_TURNED,
    R_VALUE,
    RAW,
    SIZE,
    SMOOTH,
    START,
    TURNS,
)
from coterie.beliefs.vector_maps import (
    effect,
    effect_slopes,
    gather,
    spread_out,
    turn,
)


@inner
def factors(x: Any, slopes: Any, plan: Any, room: Any) -> float:
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
def factors_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Carry slopes in effects, and in what alpha is moved against, back to coordinates."""
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
