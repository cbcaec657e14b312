"""Sharing: from values at every draw to shares of a budget, and to whole units of money.

Plain arrays. Callers may trust that amounts are whole, sum to the budget exactly and keep every
rule, or that the rules which cannot be kept together are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from coterie.errors import FindingError
from coterie.findings.formulas import best_probability, priority
from coterie.typing import Floats

Method = Literal["thompson", "ucb", "top_two"]
METHODS: Final = get_args(Method)
_LEADER: Final = 0.5
"""How often the likeliest best itself is played by top two (Russo, 2020)."""
_CERTAIN: Final = 1e-12


def best_shares(values: Floats, saturation: float) -> Floats:
    """Return the shares that bring most in all where reach saturates: last axis.

    With value ``v x ** b`` of spending ``x``, the best shares go with ``v ** (1 / (1 - b))``; at
    b = 1 all goes to the best, ties sharing it.

    Parameters
    ----------
    values
        Value of a unit of money, at least 0: (..., cluster).
    saturation
        Power of spend that reach goes with, in (0, 1].
    """
    if not 0 < saturation <= 1:
        raise FindingError(f"saturation is {saturation!r}; the power of spend lies in (0, 1].")
    floor = np.maximum(values, 0.0)
    top = floor.max(axis=-1, keepdims=True)
    if saturation == 1:
        best: Floats = (floor == top).astype(float)
        return best / best.sum(axis=-1, keepdims=True)
    ratio = np.divide(floor, top, out=np.ones(floor.shape), where=top > 0)
    part = ratio ** (1 / (1 - saturation))
    found: Floats = part / part.sum(axis=-1, keepdims=True)
    return found


def wanted(
    draws: Floats, method: Method, *, curiosity: float = 1.0, saturation: float = 1.0
) -> Floats:
    """Return the share each cluster should have: (cluster,), summing to 1.

    Parameters
    ----------
    draws
        Value a unit of money: (draw, cluster).
    method
        ``"thompson"``: as probable as it is the best. ``"top_two"``: half of that to the best, half
        to the best of the others, so that the runner-up is tested. ``"ucb"``: in proportion to
        estimate and ``curiosity`` standard deviations, none below 0.
    curiosity
        The article's lambda.
    saturation
        Power of spend that reach goes with; 1 where it does not saturate. Below, a draw's best is
        no one cluster but :func:`best_shares`.

    References
    ----------
    .. [1] D. Russo (2020), *Simple Bayesian algorithms for best-arm identification*, Operations
       Research 68.
    """
    if method not in METHODS:
        raise FindingError(f"method is {method!r}; write one of {', '.join(map(repr, METHODS))}.")
    if method == "ucb":
        told = np.maximum(priority(draws.mean(axis=0), draws.std(axis=0), curiosity=curiosity), 0)
        even = np.full(told.size, 1 / told.size)
        if saturation < 1:
            return best_shares(told, saturation)
        return told / told.sum() if told.sum() > 0 else even
    if draws.shape[1] == 1 or saturation < 1:
        return _saturating(draws, method, saturation)
    first = best_probability(draws)
    return first if method == "thompson" else _top_two(draws, first)


def _top_two(draws: Floats, first: Floats) -> Floats:
    """Halve the best's share with the best of the others, whoever leads."""
    rest = 1 - first
    if (rest > _CERTAIN).all():
        second = first * ((first / rest).sum() - first / rest)
    else:
        # With certainty about the first, the second is the best of the others.
        leader = int(np.argmax(first))
        second = np.insert(best_probability(np.delete(draws, leader, axis=1)), leader, 0.0)
    return _LEADER * first + (1 - _LEADER) * second


def _saturating(draws: Floats, method: Method, saturation: float) -> Floats:
    """Average the best shares of draws; for top two, half of them without each draw's leader."""
    first: Floats = best_shares(draws, saturation).mean(axis=0)
    if method == "thompson" or draws.shape[1] == 1:
        return first
    leader = draws.argmax(axis=1)
    without = draws.copy()
    without[np.arange(len(draws)), leader] = 0.0
    others: Floats = best_shares(without, saturation).mean(axis=0)
    return _LEADER * first + (1 - _LEADER) * others


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a budget.

    Attributes
    ----------
    cluster, sleeve
        What it is for.
    target
        Units of money it should have.
    floor, cap
        Units it must have, and may have.
    least
        Units below which it is not worth a line: 0, or at least so many.
    """

    cluster: Any
    sleeve: str
    target: float
    floor: int = 0
    cap: int | None = None
    least: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that together must have, and may have, so many units: a sleeve, or a cluster.

    Attributes
    ----------
    name
        What they are.
    lines
        Their places.
    lower, upper
        Units; ``upper`` None where there is no limit.
    """

    name: str
    lines: tuple[int, ...]
    lower: int = 0
    upper: int | None = None


def apportioned(lines: Sequence[Line], budget: int, groups: Sequence[Group] = ()) -> list[int]:
    """Return whole units for each line, nearest to the targets, that keep every rule.

    Parameters
    ----------
    lines
        With targets.
    budget
        Units to give, all of them.
    groups
        What several lines must keep together.

    Raises
    ------
    FindingError
        If no amounts keep all rules, naming those in conflict.
    """
    _refuse_conflicts(lines, budget, groups)
    found = _solved(lines, budget, groups)
    if found is None:
        told = "; ".join(
            f"{g.name} {g.lower:,} to {'any' if g.upper is None else f'{g.upper:,}'}"
            for g in groups
        )
        raise FindingError(
            f"No amounts of {budget:,} units keep all rules together: {told}; floors of lines "
            f"{sum(line.floor for line in lines):,}; least tests "
            f"{max(line.least for line in lines):,}. Loosen a range, or lower the least size of a "
            "test."
        )
    return [round(v) for v in found[: len(lines)]]


def _solved(lines: Sequence[Line], budget: int, groups: Sequence[Group]) -> Floats | None:
    """Solve for amounts, what they are off by, and whether lines are there; None if none can."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    size = len(lines)
    target = np.array([line.target for line in lines])
    most = np.array([budget if line.cap is None else min(line.cap, budget) for line in lines])
    floor = np.array([line.floor for line in lines])
    least = np.array([max(line.least, line.floor) for line in lines])
    eye, none = np.eye(size), np.zeros((size, size))
    rules = [
        LinearConstraint(np.hstack([eye, -eye, none]), -np.inf, target),
        LinearConstraint(np.hstack([-eye, -eye, none]), -np.inf, -target),
        LinearConstraint(np.hstack([eye, none, -np.diag(least)]), 0, np.inf),
        LinearConstraint(np.hstack([eye, none, -np.diag(most)]), -np.inf, 0),
        LinearConstraint(np.r_[np.ones(size), np.zeros(2 * size)][None], budget, budget),
    ]
    for group in groups:
        own = np.isin(np.arange(size), group.lines).astype(float)
        high = np.inf if group.upper is None else group.upper
        rules.append(LinearConstraint(np.r_[own, np.zeros(2 * size)][None], group.lower, high))
    found: Floats | None = milp(
        # What is off relative to a line's own size, so that small lines keep theirs.
        np.r_[np.zeros(size), 1 / np.sqrt(1 + target), np.zeros(size)],
        integrality=np.r_[np.ones(size), np.zeros(size), np.ones(size)],
        bounds=Bounds(
            np.r_[floor, np.zeros(size), floor > 0],
            np.r_[most, np.full(size, np.inf), np.ones(size)],
        ),
        constraints=rules,
    ).x
    return found


def _refuse_conflicts(lines: Sequence[Line], budget: int, groups: Sequence[Group]) -> None:
    if budget <= 0:
        raise FindingError(f"The budget is {budget:,} units; it must be above 0.")
    floors = sum(line.floor for line in lines)
    if floors > budget:
        raise FindingError(
            f"Floors and fixed lines take {floors:,} units and the budget is {budget:,}. Lower one."
        )
    if all(line.cap is not None for line in lines):
        caps = sum(line.cap or 0 for line in lines)
        if caps < budget:
            raise FindingError(
                f"Caps leave room for {caps:,} units and the budget is {budget:,}. Raise one, or "
                "spend less."
            )
    for group in groups:
        if group.upper is not None and group.lower > group.upper:
            raise FindingError(
                f"{group.name} must have {group.lower:,} units and may have {group.upper:,}."
            )


def sleeve_shares(maturity: float, ranges: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return a share of each sleeve within its range, summing to 1, by how mature the artist is.

    Parameters
    ----------
    maturity
        From 0, an emerging artist, who explores as much as the ranges allow, to 1, an established
        catalogue, which explores as little.
    ranges
        Share of each sleeve, from and to; the first is what is exploited.
    """
    if not 0 <= maturity <= 1:
        raise FindingError(
            f"maturity is {maturity!r}; 0 is an emerging artist, 1 an established catalogue."
        )
    low, high = (np.array([r[i] for r in ranges.values()], dtype=float) for i in (0, 1))
    if (low < 0).any() or (high < low).any() or low.sum() > 1 + 1e-9 or high.sum() < 1 - 1e-9:
        raise FindingError(
            f"Sleeves of {dict(ranges)} cannot sum to 1. Each is (from, to), in shares."
        )
    away = np.r_[low[0] + maturity * (high[0] - low[0]), high[1:] + maturity * (low[1:] - high[1:])]
    return dict(zip(ranges, _projected(away, low, high).tolist(), strict=True))


def _projected(point: Floats, low: Floats, high: Floats) -> Floats:
    """Return the nearest point of the box whose coordinates sum to 1."""
    from scipy.optimize import brentq

    def off(shift: float) -> float:
        return float(np.clip(point + shift, low, high).sum() - 1)

    if off(-2.0) >= 0:
        return low
    if off(2.0) <= 0:
        return high
    found: Floats = np.clip(point + brentq(off, -2.0, 2.0), low, high)
    return found
