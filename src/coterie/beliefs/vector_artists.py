"""Vector artists: artist effects and affinities, in units of what Gaussian readings leave open.

The readings are those of :mod:`coterie.beliefs.vector_likelihood`. Callers may trust that what the
map adds is in the value, and that every way by which it depends on a reading or a parameter is in
the slopes.
"""

from __future__ import annotations

import math
from typing import Any

from coterie.beliefs import fit_law
from coterie.beliefs.book import (
    codes,
    inner,
    integers,
    table,
)
from coterie.beliefs.vector_index import (
    AFFINITY,
    ARTIST,
    ARTIST_SCALE,
    LOADING,
    P_ARTIST_AT,
    P_FAMILY,
    P_PAIR_ARTIST,
    P_PLACES,
    R_ARTIST,
    R_BY_ARTIST,
    R_BY_READING,
    R_BY_VALUE,
    R_PAIR,
    R_READING,
    R_VALUE,
)


@inner
def artists(x: Any, plan: Any, room: Any) -> float:
    """Fill artist effects, in units of their scale so that one of exactly 0 is allowed."""
    p_artist_at = integers(plan, P_ARTIST_AT)
    p_family = codes(plan, P_FAMILY)
    p_pair_artist = integers(plan, P_PAIR_ARTIST)
    p_places = integers(plan, P_PLACES)
    r_artist = table(room, R_ARTIST)
    r_reading = table(room, R_READING)
    r_value = table(room, R_VALUE)
    total = 0.0
    outcomes = p_family.shape[1]
    precision, pull, space, effect, standard = (
        r_artist[0], r_artist[1], r_artist[2], r_artist[3], r_artist[4]
    )  # fmt: skip
    precision[:] = 0.0
    pull[:] = 0.0
    columns = 0
    for o in range(outcomes):
        columns = max(columns, p_artist_at[o] + 1)
    for p in range(p_pair_artist.size):
        for o in range(outcomes):
            i, a = p * outcomes + o, p_pair_artist[p] * outcomes + o
            loading = r_value[LOADING, o]
            noise = 1.0 + r_reading[0, i] * loading * loading
            precision[a] += r_reading[0, i] / noise
            pull[a] += r_reading[1, i] / noise
    for i in range(effect.size):
        o, column = i % outcomes, p_artist_at[i % outcomes]
        effect[i] = 0.0
        if column < 0:
            continue
        scale = r_value[ARTIST_SCALE, o]
        space[i] = 1.0 + scale * scale * precision[i]
        raw = x[p_places[ARTIST] + (i // outcomes) * columns + column]
        standard[i] = scale * pull[i] / space[i] + raw / math.sqrt(space[i])
        effect[i] = scale * standard[i]
        total -= 0.5 * (standard[i] * standard[i] + math.log(space[i]))
    return total


@inner
def affinities(x: Any, plan: Any, room: Any) -> float:
    """Fill affinities, and the slopes in them that their law has."""
    p_family = codes(plan, P_FAMILY)
    p_pair_artist = integers(plan, P_PAIR_ARTIST)
    p_places = integers(plan, P_PLACES)
    r_artist = table(room, R_ARTIST)
    r_pair = table(room, R_PAIR)
    r_reading = table(room, R_READING)
    r_value = table(room, R_VALUE)
    total = 0.0
    outcomes = p_family.shape[1]
    affinity, precision, by = r_pair[0], r_pair[1], r_pair[2]
    for p in range(affinity.size):
        told, mean = 1.0, 0.0
        for o in range(outcomes):
            i = p * outcomes + o
            known, loading = r_reading[0, i], r_value[LOADING, o]
            own = r_artist[3, p_pair_artist[p] * outcomes + o]
            mean += (r_reading[1, i] - known * own) * loading
            told += known * loading * loading
        precision[p] = told
        affinity[p] = mean / told + x[p_places[AFFINITY] + p] / math.sqrt(told)
        value, slope, _ = fit_law.log_density(affinity[p])
        total += value - 0.5 * math.log(told)
        by[p] = slope
    return total


@inner
def affinities_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Carry slopes in affinities back to coordinates, artist effects, readings and loadings."""
    p_family = codes(plan, P_FAMILY)
    p_pair_artist = integers(plan, P_PAIR_ARTIST)
    p_places = integers(plan, P_PLACES)
    r_artist = table(room, R_ARTIST)
    r_by_artist = table(room, R_BY_ARTIST)
    r_by_reading = table(room, R_BY_READING)
    r_by_value = table(room, R_BY_VALUE)
    r_pair = table(room, R_PAIR)
    r_reading = table(room, R_READING)
    r_value = table(room, R_VALUE)
    outcomes = p_family.shape[1]
    for p in range(p_pair_artist.size):
        by, told = r_pair[2, p], r_pair[1, p]
        place = p_places[AFFINITY] + p
        root = 1.0 / math.sqrt(told)
        raw = x[place] * root
        slopes[place] += by * root
        by_mean = by / told
        by_told = -(by * (r_pair[0, p] - 0.5 * raw) + 0.5) / told
        for o in range(outcomes):
            i, a = p * outcomes + o, p_pair_artist[p] * outcomes + o
            known, loading, own = r_reading[0, i], r_value[LOADING, o], r_artist[3, a]
            by_score = by_mean * loading
            score = r_reading[1, i] - known * own
            r_by_value[LOADING, o] += by_mean * score + 2.0 * by_told * known * loading
            r_by_reading[0, i] = by_told * loading * loading - by_score * own
            r_by_reading[1, i] = by_score
            r_by_artist[0, a] -= by_score * known


@inner
def artists_back(x: Any, slopes: Any, plan: Any, room: Any) -> None:
    """Carry slopes in artist effects back to coordinates, readings and parameters."""
    p_artist_at = integers(plan, P_ARTIST_AT)
    p_family = codes(plan, P_FAMILY)
    p_pair_artist = integers(plan, P_PAIR_ARTIST)
    p_places = integers(plan, P_PLACES)
    r_artist = table(room, R_ARTIST)
    r_by_artist = table(room, R_BY_ARTIST)
    r_by_reading = table(room, R_BY_READING)
    r_by_value = table(room, R_BY_VALUE)
    r_reading = table(room, R_READING)
    r_value = table(room, R_VALUE)
    outcomes = p_family.shape[1]
    by_effect, by_precision, by_pull = r_by_artist[0], r_by_artist[1], r_by_artist[2]
    columns = 0
    for o in range(outcomes):
        columns = max(columns, p_artist_at[o] + 1)
    for i in range(by_effect.size):
        o, column = i % outcomes, p_artist_at[i % outcomes]
        by_precision[i] = 0.0
        by_pull[i] = 0.0
        if column < 0:
            continue
        scale, precision, pull = r_value[ARTIST_SCALE, o], r_artist[0, i], r_artist[1, i]
        space, standard = r_artist[2, i], r_artist[4, i]
        place = p_places[ARTIST] + (i // outcomes) * columns + column
        by_standard = by_effect[i] * scale - standard
        root = 1.0 / math.sqrt(space)
        slopes[place] += by_standard * root
        mean = scale * pull / space
        by_space = -(by_standard * (mean + 0.5 * x[place] * root) + 0.5) / space
        r_by_value[ARTIST_SCALE, o] += (
            by_effect[i] * standard
            + by_standard * pull / space
            + 2.0 * by_space * scale * precision
        )
        by_precision[i] = by_space * scale * scale
        by_pull[i] = by_standard * scale / space
    for p in range(p_pair_artist.size):
        for o in range(outcomes):
            i, a = p * outcomes + o, p_pair_artist[p] * outcomes + o
            known, score, loading = r_reading[0, i], r_reading[1, i], r_value[LOADING, o]
            noise = 1.0 + known * loading * loading
            by_noise = -(by_precision[a] * known + by_pull[a] * score) / (noise * noise)
            r_by_reading[0, i] += by_precision[a] / noise + by_noise * loading * loading
            r_by_reading[1, i] += by_pull[a] / noise
            r_by_value[LOADING, o] += 2.0 * by_noise * known * loading
