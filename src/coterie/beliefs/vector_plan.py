"""Vector plan: where in the sampler's vector each coordinate lies, and every array it meets.

Makes a plan of a blueprint: codes and numbers that no step of the sampler changes; and a room,
what one chain works in (:mod:`coterie.beliefs.vector_index` says what stands where). Callers may
trust that both are plain arrays of the same types for every table, so that one compiled density
serves all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from coterie import names
from coterie.beliefs.blueprint import Blueprint, is_zero, model_data
from coterie.beliefs.crossed import splitting
from coterie.beliefs.design import Levels
from coterie.beliefs.maturity import Ages
from coterie.beliefs.parameters import FACTOR_SCALE, ParameterPrior
from coterie.beliefs.smooth import axes_of, spread_along
from coterie.beliefs.vector_index import (
    AFFINITY,
    ARTIST,
    CLUSTER,
    DRIFTS,
    END,
    FADES,
    GRAND,
    LOADING,
    NO_MORE_TURNS,
    OWN,
    RAW,
    SCATTER,
    SIZE,
    SLOPE,
    SPLIT,
    START,
    TURNS,
    WINDOW,
    Plan,
    Room,
)
from coterie.beliefs.vector_maps import BEND, CONCENTRATION, FAMILIES, TRADED
from coterie.evidence import Cycle
from coterie.typing import Floats, Integers

_FEW_CELLS: Final = 2.0
"""Cells a pair from which kappa is known without the loading."""
_MIDDLE: Final = 0.67
"""Median of a half-normal law of scale 1."""
_STEP: Final = 0.3
"""Level that one unit of its coordinate moves."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A plan with the names and shapes of what comes out of it."""

    plan: Plan
    levels: Levels
    drifts: bool
    scatters: bool
    jointly: bool

    @property
    def size(self) -> int:
        """Coordinates of the vector."""
        return int(self.plan.places[END])

    def room(self) -> Room:
        """Make a room for one chain."""
        return _room(self.plan, self.levels)


def layout_of(blueprint: Blueprint) -> Layout:
    """Lay out the sampler's vector for a blueprint."""
    levels, read = blueprint.levels, model_data(blueprint)
    outcomes = len(levels.outcomes)
    rows = [blueprint.priors(name) for name in OWN]
    of = blueprint.population.of
    rows += [tuple(of(o.name, o.kind, FACTOR_SCALE) for o in levels.outcomes)] * len(levels.factors)
    family, at, prior, end = _parameters(rows, blueprint, outcomes)
    alpha_at, alpha, end = _alpha(blueprint, read, end)
    places, factor, slope_at, artist_at = _places(blueprint, end)
    plan = Plan(
        places=places,
        flags=np.array([blueprint.drifts, blueprint.fades, levels.nested], dtype=np.int64),
        family=family,
        at=at,
        prior=prior,
        alpha_at=alpha_at,
        artist_at=artist_at,
        slope_at=slope_at,
        alpha=alpha,
        known=np.stack(
            [read[of] for of in ("known_cluster", "known_period", "thin_pair", "thin_artist")]
        ),
        trade=_trade(blueprint, read["scatter"]),
        window=_windows(blueprint),
        **_of_factors(levels, read, factor),
        **_of_covariates(blueprint, read),
        **_of_observations(blueprint, read, factor),
    )
    return Layout(
        plan, levels, blueprint.drifts, bool(places[SLOPE] > places[SCATTER]),
        bool(blueprint.population.joint),
    )  # fmt: skip


def _of_factors(levels: Levels, read: dict[str, Any], factor: Integers) -> dict[str, Any]:
    """Return what is known of factors; fills in ``factor`` where their turns are."""
    turns, turn_axes = _turns(levels, factor)
    known = [read[f"known_factor_{f}"] for f in levels.factors]
    return {
        "factor": factor,
        "factor_known": _stack(known, len(levels.outcomes)),
        "blur": _blur(levels),
        "root": np.concatenate([np.ones(0), *(_roots(levels, f) for f in levels.factors)]),
        "turns": turns,
        "turn_axes": turn_axes,
    }


def _of_covariates(blueprint: Blueprint, read: dict[str, Any]) -> dict[str, Any]:
    made, none = blueprint.made, np.zeros((0, 0))
    return {
        "covariate": _stack(list(made.covariate), made.y.size),
        "middle": np.asarray(read.get("covariate_middle", np.zeros(0)), dtype=np.float64),
        "slope_map": np.ascontiguousarray(read.get("slope_map", none), dtype=np.float64),
        "slope_prior": _slope_prior(blueprint.priors(names.SLOPE)),
    }


def _of_observations(
    blueprint: Blueprint, read: dict[str, Any], factor: Integers
) -> dict[str, Any]:
    """Return codes and counts of observations, what they share, and when they arrive."""
    made = blueprint.made
    late = np.array(blueprint.late if made.ages is not None else [], dtype=np.int64)
    key, key_counts, own_key = _keys(blueprint)
    return {
        "codes": _codes(blueprint, own_key),
        "factor_code": _factor_codes(blueprint, factor),
        "counts": _counts(blueprint, read),
        "is_count": np.ascontiguousarray(made.is_count, dtype=np.int64),
        "pair_artist": np.ascontiguousarray(made.pair_artist, dtype=np.int64),
        "key": key,
        "key_counts": key_counts,
        "late": late,
        **_late(made.ages, made.outcome, late),
    }


def _parameters(
    rows: list[tuple[ParameterPrior, ...]], blueprint: Blueprint, outcomes: int
) -> tuple[Integers, Integers, Floats, int]:
    shape = (len(rows), outcomes)
    family, at = np.zeros(shape, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    prior = np.zeros((2, *shape))
    end = 0
    for r, row in enumerate(rows):
        for o, own in enumerate(row):
            prior[:, r, o] = own.first, own.second
            family[r, o] = FAMILIES[own.family]
            if own.family != "fixed":
                at[r, o], end = end, end + 1
    for together in np.flatnonzero(blueprint.traded):
        # The prior of the loading is half-normal; that of kappa is told by its own row.
        family[LOADING, together] = TRADED
    return family, at, prior, end


def _alpha(blueprint: Blueprint, read: dict[str, Any], end: int) -> tuple[Integers, Floats, int]:
    """Place levels near what the counts say of them: a coordinate of 0 is no bad start."""
    priors = blueprint.priors(names.ALPHA)
    at, found = np.full(len(priors), -1, dtype=np.int64), np.zeros((5, len(priors)))
    information = read["working_information"] * read["weight"]
    information = information / (1 + information)
    for o, own in enumerate(priors):
        normal = own.family == "normal"
        found[:3, o] = normal, own.first, own.second
        mine = read["outcome_code"] == o
        total = information[mine].sum()
        if own.family != "fixed":
            at[o], end = end, end + 1
            heard = (information[mine] * read["working_response"][mine]).sum()
            known = 1 / own.second**2 if normal else 0.0
            centre = own.first * known if normal else 0.0
            found[3, o] = (heard + centre) / max(total + known, 1e-9)
            found[4, o] = _STEP
    return at, found, end


def _places(blueprint: Blueprint, end: int) -> tuple[Integers, Integers, Integers, Integers]:
    """Return where blocks begin, what is known of factors, and columns of slopes and artists."""
    levels, pairs = blueprint.levels, blueprint.made.pair_artist.size
    outcomes = len(levels.outcomes)
    clusters, windows = len(levels.clusters), len(levels.windows)
    drifts = blueprint.drifts
    scatters = not all(is_zero(p) for p in blueprint.priors(names.KAPPA_SPREAD))
    slope_at = _columns([bool(levels.covariates) and p.family != "fixed"
                         for p in blueprint.priors(names.SLOPE)])  # fmt: skip
    artist_at = _columns([not is_zero(p) for p in blueprint.priors(names.ARTIST_SCALE)])
    sizes = {
        GRAND: outcomes,
        CLUSTER: (clusters - 1) * outcomes,
        WINDOW: clusters * (windows - 1) * outcomes if drifts else 0,
        SPLIT: clusters * outcomes if drifts else 0,
        SCATTER: clusters * outcomes if scatters else 0,
        SLOPE: len(levels.covariates) * int(slope_at.max(initial=-1) + 1),
        ARTIST: len(levels.artists) * int(artist_at.max(initial=-1) + 1),
        AFFINITY: pairs,
    }
    places = np.full(END + 1, end, dtype=np.int64)
    for block, size in sizes.items():
        places[block], end = end, end + size
    factor, start = np.zeros((len(levels.factors), 7), dtype=np.int64), 0
    for i, (name, known) in enumerate(levels.factors.items()):
        smooth, size = name in levels.smooth, len(known)
        apart = levels.nested and not smooth
        factor[i, :5] = size, end, end if apart else -1, start, smooth
        start += size
        # Where it has a mean of its own, that comes first and its contrasts follow.
        if apart:
            factor[i, RAW] += outcomes
        end = int(end + size * outcomes)
    places[END] = end
    return places, factor, slope_at, artist_at


def _columns(free: list[bool]) -> Integers:
    at = np.cumsum(free) - 1
    return np.where(free, at, -1).astype(np.int64)


def _turns(levels: Levels, factor: Integers) -> tuple[Integers, Floats]:
    rows: list[tuple[int, int, int, int]] = []
    axes: list[Floats] = []
    start, outcomes = 0, len(levels.outcomes)
    for i, name in enumerate(levels.factors):
        factor[i, TURNS] = len(rows)
        grid = levels.smooth.get(name, ())
        sizes = [axis.period if isinstance(axis, Cycle) else axis for axis in grid]
        for j, axis in enumerate(grid):
            if isinstance(axis, Cycle):
                before, after = math.prod(sizes[:j]), math.prod(sizes[j + 1 :]) * outcomes
                rows.append((before, sizes[j], after, start))
                axes.append(np.ascontiguousarray(axes_of(axis)[0]).ravel())
                start += axes[-1].size
        factor[i, NO_MORE_TURNS] = len(rows)
    return (
        np.array(rows, dtype=np.int64).reshape(-1, 4),
        np.concatenate([np.zeros(0), *axes]),
    )


def _roots(levels: Levels, factor: str) -> Floats:
    grid = levels.smooth.get(factor)
    if grid is None:
        return np.ones(len(levels.factors[factor]))
    found: Floats = np.sqrt(spread_along(grid))
    return found


def _blur(levels: Levels) -> Floats:
    found = np.zeros((len(levels.factors), len(levels.factors) + 1))
    if levels.nested:
        order = {f: i for i, f in enumerate(levels.factors)} | {names.CLUSTER: -1}
        for factor, shares in splitting(levels).items():
            for other, share in shares.items():
                found[order[factor], order[other]] = share
    return found


def _trade(blueprint: Blueprint, scatter: Floats) -> Floats:
    found = np.zeros((4, len(blueprint.traded)))
    both = zip(blueprint.priors(names.LOADING), blueprint.priors(names.KAPPA), strict=True)
    for o, (loading, kappa) in enumerate(both):
        if not blueprint.traded[o]:
            continue
        tailed = FAMILIES[kappa.family] == CONCENTRATION
        centre = -2 * math.log(_MIDDLE * kappa.first) if tailed else kappa.first
        # Where both stand near the middle of their priors, the two coordinates are 0.
        unit = math.log(scatter[o])
        own, other = 2 * math.log(_MIDDLE * loading.first), unit - centre
        found[:, o] = own - other, np.logaddexp(own, other), unit, BEND * tailed
    return found


def _windows(blueprint: Blueprint) -> Floats:
    read = np.ones((4, len(blueprint.levels.windows)))
    if blueprint.fades:
        from coterie.beliefs.fading import law_of

        read[0] = blueprint.powers
        read[1] = law_of(blueprint.powers)
    read[2] = np.sqrt(read[1])
    # A reflection that takes the even direction to that of the roots of p.
    away = 1 / math.sqrt(read.shape[1]) - np.sqrt(read[1] / read[1].sum())
    square = (away**2).sum()
    # Of powers that are all but equal nothing is left but rounding: nothing is turned.
    read[3] = away * math.sqrt(2 / square) if square > 1e-18 else 0.0  # noqa: PLR2004
    return read


def _slope_prior(priors: tuple[ParameterPrior, ...]) -> Floats:
    return np.array(
        [[p.family == "normal", p.first if p.family != "joint" else 0.0, p.second] for p in priors],
        dtype=np.float64,
    ).T.copy()


def _codes(blueprint: Blueprint, key: Integers) -> Integers:
    made, levels = blueprint.made, blueprint.levels
    outcomes, windows = len(levels.outcomes), len(levels.windows)
    return np.stack(
        [
            made.outcome,
            (made.cluster * windows + made.window) * outcomes + made.outcome,
            made.cluster * outcomes + made.outcome,
            made.pair,
            made.pair * outcomes + made.outcome,
            made.artist * outcomes + made.outcome,
            key,
        ]
    ).astype(np.int64)


def _factor_codes(blueprint: Blueprint, factor: Integers) -> Integers:
    made, outcomes = blueprint.made, len(blueprint.levels.outcomes)
    found = np.zeros((len(factor), made.y.size), dtype=np.int64)
    for i, codes in enumerate(made.factor):
        found[i] = (factor[i, START] + codes) * outcomes + made.outcome
    return found


def _counts(blueprint: Blueprint, read: dict[str, Any]) -> Floats:
    made = blueprint.made
    units = made.stands_for(len(blueprint.levels.artists))[made.artist]
    return np.stack(
        [
            made.y, made.n, made.informs, made.weight * units, made.weight,
            read["working_information"], read["working_response"], units,
        ]
    ).astype(np.float64)  # fmt: skip


def _keys(blueprint: Blueprint) -> tuple[Integers, Floats, Integers]:
    """Find observations whose densities share the part that their levels do not change."""
    made = blueprint.made
    scatter = made.cluster * len(blueprint.levels.outcomes) + made.outcome
    rows = np.column_stack([scatter, made.is_count, np.where(made.is_count, made.y, made.n)])
    found, own = np.unique(rows, axis=0, return_inverse=True)
    counts = np.stack([found[:, 2], found[:, 2]]).astype(np.float64)
    return found[:, :2].T.astype(np.int64).copy(), counts, own.reshape(-1).astype(np.int64)


def _late(ages: Ages | None, outcome: Integers, late: Integers) -> dict[str, Any]:
    if ages is None:
        none = np.zeros((0, 0))
        return {
            "log_age": none, "mass": none, "entry": np.zeros((3, 0), dtype=np.int64),
            "share": np.zeros(0),
        }  # fmt: skip
    column = np.zeros(int(outcome.max(initial=0)) + 1, dtype=np.int64)
    column[late] = np.arange(late.size)
    entry = [ages.observation, ages.interval, column[outcome[ages.observation]]]
    return {
        "log_age": np.ascontiguousarray(ages.log_age, dtype=np.float64),
        "mass": np.ascontiguousarray(ages.mass, dtype=np.float64),
        "entry": np.stack(entry).astype(np.int64),
        "share": np.ascontiguousarray(ages.share, dtype=np.float64),
    }


def _stack(rows: list[Floats], width: int) -> Floats:
    return np.stack(rows).astype(np.float64) if rows else np.zeros((0, width))


def _room(plan: Plan, levels: Levels) -> Room:
    rows, outcomes = plan.family.shape
    clusters, windows = len(levels.clusters), len(levels.windows)
    pairs, total = plan.pair_artist.size, int(plan.factor[:, SIZE].sum())
    observations, covariates = plan.is_count.size, len(levels.covariates)
    table = (clusters, windows, outcomes)
    some = table if plan.flags[DRIFTS] and plan.flags[FADES] else (0, 0, 0)
    values, turned = (rows, outcomes), int(plan.turns[:, 1].max(initial=0))
    late = (len(plan.log_age), plan.late.size)
    was_late = observations if plan.late.size else 0
    zeros = np.zeros
    return Room(
        value=zeros(values), rate=zeros(values), by_value=zeros(values),
        alpha=zeros((2, outcomes)), grand=zeros((2, outcomes)), shift=zeros((2, outcomes)),
        slope=zeros((covariates, outcomes)), by_slope=zeros((covariates, outcomes)),
        mean=zeros((clusters, outcomes)), by_mean=zeros((clusters, outcomes)),
        deviation=zeros(table), by_deviation=zeros(table),
        level=zeros(math.prod(table)), by_level=zeros(math.prod(table)),
        scatter=zeros((2, clusters * outcomes)), by_scatter=zeros(clusters * outcomes),
        effect=zeros((total, outcomes)), by_effect=zeros((total, outcomes)),
        sharp=zeros((len(plan.factor), outcomes)), turned=zeros(turned),
        window_known=zeros(math.prod(some)), by_window_known=zeros(math.prod(some)),
        reading=zeros((2, pairs * outcomes)), by_reading=zeros((2, pairs * outcomes)),
        artist=zeros((5, len(levels.artists) * outcomes)),
        by_artist=zeros((3, len(levels.artists) * outcomes)),
        pair=zeros((3, pairs)),
        seen=zeros((2, observations)), by_seen=zeros((2, observations)),
        mature=zeros(was_late), by_mature=zeros(was_late),
        arrived=zeros(late), by_arrived=zeros(late),
        key=zeros((2, plan.key.shape[1])), rise=zeros((clusters * outcomes, 6)),
    )  # fmt: skip
