"""Vector index: what the density reads and writes, and where in it each thing stands.

Makes :class:`Plan` and :class:`Room`, tuples of arrays, and a name for every row, block, flag and
column of them. Callers may trust that the names are plain whole numbers, which compiled code takes
for constants, and that each tuple's places are in the order of its fields.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from coterie import names
from coterie.beliefs.parameters import LATE

OWN: Final = (
    names.ARTIST_SCALE,
    names.CLUSTER_SCALE,
    names.PERIOD_SCALE,
    names.LOADING,
    names.KAPPA,
    names.KAPPA_SPREAD,
    *LATE,
)
"""Parameters by row; scales of factors follow."""
ARTIST_SCALE, CLUSTER_SCALE, PERIOD_SCALE, LOADING, KAPPA, KAPPA_SPREAD, DELAY, SHAPE = range(8)
FIRST_FACTOR: Final = len(OWN)

LEVEL, GRAND, CLUSTER, WINDOW, SPLIT, SCATTER, SLOPE, ARTIST, AFFINITY, END = range(10)
"""Blocks of the vector, in the order of :attr:`Plan.places`."""

DRIFTS, FADES, NESTED = range(3)
"""Flags, in the order of :attr:`Plan.flags`."""

SIZE, RAW, MEAN, START, SMOOTH, TURNS, NO_MORE_TURNS = range(7)
"""What is known of a factor, by column of :attr:`Plan.factor`."""


class Plan(NamedTuple):
    """What the density reads.

    Attributes
    ----------
    places, flags
        Where blocks of the vector begin; what the model has.
    family, at, prior
        Of each parameter and outcome, (row, outcome): code, place in the vector (-1: none), and
        the prior's two numbers, (2, row, outcome).
    alpha_at, artist_at, slope_at
        Place of each outcome's level, column among artists' effects, column among slopes; -1
        where it is not sampled: (outcome,) each.
    alpha
        Whether there is a normal prior, its mean and sd; middle and unit of the coordinate:
        (5, outcome).
    known
        Information of the counts on a cluster, and on a window; how thin the counts of pairs, and
        of artists, are, in [0, 1]: (4, outcome).
    trade
        Middle of share and of variance, log unit, bend: (4, outcome).
    window
        Power, power of the law, its root, and the reflection of effects: (4, window).
    factor, factor_known, blur
        By factor: see ``SIZE``; information on a level, (factor, outcome); what splits its
        levels, the clusters last, (factor, factor + 1).
    root
        Root of the variance along each axis of every factor, 1 where it is not smooth: (level,).
    turns, turn_axes
        Dimensions to turn, (turn, 4): levels before, of and after it, start of its axes; axes.
    covariate, middle, slope_map, slope_prior
        (covariate, observation); (covariate,); (covariate, covariate); normal or not, mean and sd,
        (3, outcome).
    codes
        Of each observation: outcome, place in level tables (cluster, window, outcome), in those
        of kappa (cluster, outcome), pair, pair by outcome, artist by outcome, key: (7, ...).
    factor_code
        Place of each observation in the flat effects of factors: (factor, observation).
    counts
        y, n, informs, power in the likelihood, power in the reading, working information,
        working response, units: (8, observation).
    is_count
        (observation,).
    pair_artist
        (pair,).
    key, key_counts
        Distinct (kappa, y or n): place of kappa and whether a count, (2, key); y and n, (2, key).
    late, log_age, mass, entry, share
        Outcomes with a delay; see :class:`~coterie.beliefs.maturity.Ages`; entry is observation,
        interval and which late outcome: (3, entry).
    """

    places: Any
    flags: Any
    family: Any
    at: Any
    prior: Any
    alpha_at: Any
    artist_at: Any
    slope_at: Any
    alpha: Any
    known: Any
    trade: Any
    window: Any
    factor: Any
    factor_known: Any
    blur: Any
    root: Any
    turns: Any
    turn_axes: Any
    covariate: Any
    middle: Any
    slope_map: Any
    slope_prior: Any
    codes: Any
    factor_code: Any
    counts: Any
    is_count: Any
    pair_artist: Any
    key: Any
    key_counts: Any
    late: Any
    log_age: Any
    mass: Any
    entry: Any
    share: Any


class Room(NamedTuple):
    """What one chain writes: values of the last point, and slopes in them (``by_...``).

    ``value`` and ``rate`` are over (row, outcome), kappa's row being its logarithm; of ``alpha``,
    ``grand`` and ``shift`` come value and slope, (2, outcome); ``reading`` has information and
    score of each pair and outcome, ``artist`` precision, pull, room, effect and standardised
    effect, ``pair`` affinity and precision, ``seen`` level and information of each observation;
    ``key`` is what keys share, ``rise`` what those of one kappa do.
    """

    value: Any
    rate: Any
    by_value: Any
    alpha: Any
    grand: Any
    shift: Any
    slope: Any
    by_slope: Any
    mean: Any
    by_mean: Any
    deviation: Any
    by_deviation: Any
    level: Any
    by_level: Any
    scatter: Any
    by_scatter: Any
    effect: Any
    by_effect: Any
    sharp: Any
    turned: Any
    window_known: Any
    by_window_known: Any
    reading: Any
    by_reading: Any
    artist: Any
    by_artist: Any
    pair: Any
    seen: Any
    by_seen: Any
    mature: Any
    by_mature: Any
    arrived: Any
    by_arrived: Any
    key: Any
    rise: Any


(
    P_PLACES,
    P_FLAGS,
    P_FAMILY,
    P_AT,
    P_PRIOR,
    P_ALPHA_AT,
    P_ARTIST_AT,
    P_SLOPE_AT,
    P_ALPHA,
    P_KNOWN,
    P_TRADE,
    P_WINDOW,
    P_FACTOR,
    P_FACTOR_KNOWN,
    P_BLUR,
    P_ROOT,
    P_TURNS,
    P_TURN_AXES,
    P_COVARIATE,
    P_MIDDLE,
    P_SLOPE_MAP,
    P_SLOPE_PRIOR,
    P_CODES,
    P_FACTOR_CODE,
    P_COUNTS,
    P_IS_COUNT,
    P_PAIR_ARTIST,
    P_KEY,
    P_KEY_COUNTS,
    P_LATE,
    P_LOG_AGE,
    P_MASS,
    P_ENTRY,
    P_SHARE,
) = range(len(Plan._fields))
(
    R_VALUE,
    R_RATE,
    R_BY_VALUE,
    R_ALPHA,
    R_GRAND,
    R_SHIFT,
    R_SLOPE,
    R_BY_SLOPE,
    R_MEAN,
    R_BY_MEAN,
    R_DEVIATION,
    R_BY_DEVIATION,
    R_LEVEL,
    R_BY_LEVEL,
    R_SCATTER,
    R_BY_SCATTER,
    R_EFFECT,
    R_BY_EFFECT,
    R_SHARP,
    R_TURNED,
    R_WINDOW_KNOWN,
    R_BY_WINDOW_KNOWN,
    R_READING,
    R_BY_READING,
    R_ARTIST,
    R_BY_ARTIST,
    R_PAIR,
    R_SEEN,
    R_BY_SEEN,
    R_MATURE,
    R_BY_MATURE,
    R_ARRIVED,
    R_BY_ARRIVED,
    R_KEY,
    R_RISE,
) = range(len(Room._fields))
"""Places of arrays in the books of a plan and of a room."""
