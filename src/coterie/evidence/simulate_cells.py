"""The cells of a simulated world: what each one really answers, and what is counted there.

Callers may trust that rates are exact in both limits of the concentration, and
that every column is drawn after those it is counted out of. NumPy only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.errors import EvidenceError
from coterie.evidence.outcomes import Outcome
from coterie.evidence.simulate_design import LARGEST_COUNT, PRESENT, Design
from coterie.evidence.windows import parse_window
from coterie.typing import Flags, Floats, Integers

_FIRST_DAY = np.datetime64("2024-01-01", "ns")
_SHARE_NEW = 0.6
# Past this concentration a cell's own noise is far below what a float64 rate can hold.
_NO_NOISE = 1e15
_SMALLEST = 1e-300
_MOMENTS = 2000


def calendar(design: Design) -> tuple[Any, Any]:
    """Return first and last day of every window, cut where a table would be cut."""
    window = parse_window(design.window)
    first = int(window.number(np.array([_FIRST_DAY]))[0]) + design.first_window
    starts = window.start(first + np.arange(design.windows + 1))
    # The last day is inclusive; a window shorter than a day ends on the day it starts.
    return starts[:-1], np.maximum(starts[:-1], starts[1:] - np.timedelta64(1, "D"))


def row_index(truth: xr.Dataset, design: Design) -> dict[str, Integers]:
    """Return positions along artist, cluster, window, then factors: one a row of the table."""
    dims = (names.ARTIST, names.CLUSTER, names.WINDOW, *design.factors)
    grid = np.indices([truth.sizes[dim] for dim in dims]).reshape(len(dims), -1)
    kept = truth[PRESENT].values[grid[0], grid[1]]
    if not kept.any():
        raise EvidenceError("no pair of this world has a row. Lower absent, or add artists.")
    return dict(zip(dims, grid[:, kept], strict=True))


def draw_rates(
    truth: xr.Dataset,
    index: Mapping[str, Integers],
    outcomes: Sequence[Outcome],
    rng: np.random.Generator,
) -> Floats:
    """Draw what every cell really answers: (row, outcome), probability or rate per exposure."""
    artist, cluster, window = (index[d] for d in (names.ARTIST, names.CLUSTER, names.WINDOW))
    level = (
        truth[names.ALPHA].values
        + truth[names.ARTIST_EFFECT].values[artist]
        + truth[names.CLUSTER_EFFECT].values[cluster]
        + truth[names.PERIOD_EFFECT].values[cluster, window]
        + truth[names.AFFINITY].values[artist, cluster, None] * truth[names.LOADING].values
    )
    for factor in list(index)[3:]:
        level = level + truth[names.FACTOR_EFFECT + factor].values[index[factor]]
    spread = truth[names.KAPPA_SPREAD].values * truth[names.KAPPA_CLUSTER].values[cluster]
    kappa = truth[names.KAPPA].values * np.exp(spread)
    draw = {"binary": _beta, "count": _gamma}
    return np.stack(
        [draw[o.kind](level[:, j], kappa[:, j], rng) for j, o in enumerate(outcomes)], axis=1
    )


def _beta(level: Floats, kappa: Floats, rng: np.random.Generator) -> Floats:
    """Draw probabilities with a mean of ``sigmoid(level)``, exact in both limits of kappa."""
    mean = np.exp(-np.logaddexp(0.0, -level))
    # 1 - mean would round to 0 for a level past 37.
    rest = np.exp(-np.logaddexp(0.0, level))
    noisy = kappa < _NO_NOISE
    inside, outside = (np.where(noisy, share * kappa, 1.0) for share in (mean, rest))
    # A Beta with no mass left on one side is all or nothing; NumPy refuses to draw it.
    split = noisy & ((inside < _SMALLEST) | (outside < _SMALLEST))
    drawn = rng.beta(np.where(split, 1.0, inside), np.where(split, 1.0, outside))
    drawn = np.where(split, rng.random(mean.shape) < mean, drawn)
    return np.asarray(np.where(noisy, drawn, mean))


def _gamma(level: Floats, kappa: Floats, rng: np.random.Generator) -> Floats:
    """Draw rates with a mean of ``exp(level)`` and shape ``kappa``; ``inf`` gives the mean."""
    noisy = kappa < _NO_NOISE
    shape = np.where(noisy, kappa, 1.0)
    share = rng.standard_gamma(shape) / shape
    # A level past 709 has no rate; its counts are refused with their outcome's name.
    with np.errstate(over="ignore"):
        mean = np.exp(level)
    return np.asarray(mean * np.where(noisy, share, 1.0))


def draw_arrived(
    rows: int, outcomes: Sequence[Outcome], design: Design, rng: np.random.Generator
) -> tuple[Any, Floats]:
    """Draw when each row is read; return what has arrived, (row, outcome), and its age in days.

    People come evenly over the period; an age counts from the period's end.
    """
    if not design.delays:
        return 1.0, np.zeros(rows)
    age = rng.choice(np.asarray(design.read_after, dtype=np.float64), rows)
    starts, ends = calendar(design)
    length = float((ends - starts).max() / np.timedelta64(1, "D")) + 1.0
    moments = (np.arange(_MOMENTS) + 0.5) / _MOMENTS * length
    arrived = np.ones((rows, len(outcomes)))
    for j, outcome in enumerate(outcomes):
        if outcome.name in design.delays:
            scale = design.delays[outcome.name] / math.gamma(1 + 1 / design.delay_shape)
            for days in np.unique(age):
                share = -np.expm1(-(((days + moments) / scale) ** design.delay_shape))
                arrived[age == days, j] = share.mean()
    return arrived, age


def draw_counts(
    rate: Floats, outcomes: Sequence[Outcome], design: Design, rng: np.random.Generator
) -> dict[str, Any]:
    """Return every column the outcomes name: denominators first, then what was counted."""
    counted_by = {o.numerator: j for j, o in enumerate(outcomes)}
    columns: dict[str, Integers] = {}

    def fill(column: str, waiting: tuple[str, ...] = ()) -> Integers:
        if column in waiting:
            raise EvidenceError(f"{column!r} is counted out of itself. Break the circle.")
        if column in columns:
            return columns[column]
        if column in counted_by:
            j = counted_by[column]
            exposed = fill(outcomes[j].denominator, (*waiting, column))
            values = _answers(outcomes[j], exposed, rate[:, j], rng)
        elif column == "new_listeners":
            # Never nobody out of somebody, so that a zero denominator is something a user asks for.
            everyone = fill("listeners", waiting)
            values = everyone - rng.binomial(np.maximum(everyone - 1, 0), 1 - _SHARE_NEW)
        else:
            values = _people(len(rate), design, rng)
        columns[column] = values
        return values

    for outcome in outcomes:
        fill(outcome.denominator)
        fill(outcome.numerator)
    return dict(columns)


def _people(size: int, design: Design, rng: np.random.Generator) -> Integers:
    if design.sizes is not None:
        low, high = np.log(design.sizes)
        return np.asarray(np.rint(np.exp(rng.uniform(low, high, size))), dtype=np.int64)
    mean = rng.gamma(2.0, (design.listeners - 1) / 2, size)
    return np.asarray(1 + rng.poisson(mean), dtype=np.int64)


def _answers(
    outcome: Outcome, exposed: Integers, rate: Floats, rng: np.random.Generator
) -> Integers:
    if outcome.kind == "binary":
        return np.asarray(rng.binomial(exposed, rate), dtype=np.int64)
    expected = exposed * rate
    if not (expected < LARGEST_COUNT / 2).all():
        raise EvidenceError(
            f"outcome {outcome.name!r} would count {expected.max():.3g} events in one row, more "
            "than can be told apart. Lower its alpha, its scales or the number of listeners."
        )
    return np.asarray(rng.poisson(expected), dtype=np.int64)


def blank_some(
    columns: dict[str, Any], outcomes: Sequence[Outcome], share: float, rng: np.random.Generator
) -> None:
    """Make a share of outcome entries missing, in place, without touching another outcome's."""
    needed = {o.denominator for o in outcomes}
    for outcome in outcomes:
        gone: Flags = rng.random(len(columns[outcome.numerator])) < share
        if not gone.any():
            continue
        # Listeners that others divide by stay; then it is the audience that is not known.
        shared = outcome.numerator in needed
        column = outcome.denominator if shared else outcome.numerator
        columns[column] = pd.array(columns[column], dtype="Int64")
        columns[column][gone] = pd.NA
