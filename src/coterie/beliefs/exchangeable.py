r"""Exchangeable: what effects of one scale say of each other, their scales integrated out.

Effects of windows, clusters and factor levels are draws of one normal law, about their group's
own effect where they have groups: a cluster's windows vary about the cluster,

.. math:: x_{gi} = e_g + u_{gi}, \quad e_g \sim N(0, b^2), \quad u_{gi} \sim N(0, s^2)

Where evidence fades, an effect of power ``a`` varies with :math:`s^2 / p` and brings a factor of
``s``, as :mod:`coterie.beliefs.fading` says.

The scales ``s`` and ``b`` meet no count: given the effects they are in no likelihood. New effects
inform them as much as all old ones where these are few, so that weights which hold them fixed
would be made of little else. Callers may trust that densities here are exact to the error of a
fine grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import logsumexp

from coterie.beliefs.fading import Faded
from coterie.beliefs.parameters import ParameterPrior
from coterie.typing import Floats, Integers

_POINTS: Final = 48, 160
"""Points of a grid, at least and at most."""
_REACH: Final = 10.0
"""Standard deviations of a log scale that its grid reaches to either side."""
_DEEP: Final = 7.0
_NOTHING: Final = 80.0
"""Squares over a scale's square, four more a term, from which a density is none: exp(-40)."""
_FARTHER: Final = 3.0
_SPEAKS: Final = 8.0
"""Free terms from which effects say more of their scale than its mean over all draws."""
_TAIL: Final = 1e-12
_TINY: Final = 1e-12
_CHUNK: Final = 2**22


@dataclass(frozen=True, slots=True)
class Spread:
    """A scale: its draws, and its prior; without a prior of its own each draw stays as it is.

    Attributes
    ----------
    draws
        (draw,).
    prior
        None where nobody knows it any more.
    """

    draws: Floats
    prior: ParameterPrior | None

    @property
    def free(self) -> ParameterPrior | None:
        """The prior of a scale that may be integrated out."""
        known = self.prior is not None and self.prior.family not in {"fixed", "joint"}
        return self.prior if known else None

    def usual(self, squares: Floats, free: float) -> Floats:
        """Return about the scale that squares tell of at each draw; as drawn if it is kept.

        The draw of a scale is one of many that go with the effects at hand: near it others
        would be as likely, so that these speak, and its mean over all draws a little.

        Parameters
        ----------
        squares, free
            (draw,), and of how many free terms.
        """
        if self.free is None:
            return self.draws
        told = np.log(np.maximum(squares / max(free, 1.0), _TINY))
        share = free / (free + _SPEAKS)
        before = np.exp((1 - share) * math.log(np.square(self.draws).mean() + _TINY) + share * told)
        found: Floats = np.sqrt((2 * before + squares) / (2 + free))
        return found

    def grid(
        self, squares: Floats, free: tuple[float, float], terms: float, at: slice,
        *, deep: float = 0.0,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Return log scales to look at and their log prior, points' distance included.

        Parameters
        ----------
        squares
            Sum of squares that tells of the scale at each of some draws.
        free
            Of how many free terms, and of how many where some of them hardly count.
        terms
            How many terms may tell of it in the end: as fine the grid must be.
        at
            Those draws.
        deep
            How far down the grid goes at least: a scale that another can stand in for may be 0.
        """
        prior = self.free
        if prior is None:
            grid = np.log(np.maximum(self.draws[at], _TINY))[:, None]
            return grid, np.zeros_like(grid)
        low, high = _ends(prior, squares, free[0], deep)
        if free[1] < free[0]:
            high = np.maximum(high, _ends(prior, squares, free[1], deep)[1])
        # Half a standard deviation of the sharpest curve there may be.
        wanted = 2 * np.max(high - low) * math.sqrt(2 * (terms + 4))
        points = int(np.clip(wanted, *_POINTS))
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)
        step = np.log((high - low) / (points - 1))[:, None]
        return grid, prior.log_densities(np.exp(grid)) + grid + step


@dataclass(frozen=True, slots=True)
class Exchangeable:
    """Effects of one outcome, some known at each draw and some new.

    Attributes
    ----------
    old
        Effects, their groups' own included: (draw, old).
    old_group, new_group
        Group of each: (old,) and (new,).
    groups
        How many there are.
    scale
        ``s``.
    between
        ``b``; None where groups have no effect of their own.
    then, now
        How much old effects told in the fit, and how much all of them, old ones first, tell now;
        None where nothing fades.
    """

    old: Floats
    old_group: Integers
    new_group: Integers
    groups: int
    scale: Spread
    between: Spread | None
    then: Faded | None = None
    now: Faded | None = None

    def expected(self, scale: Floats) -> tuple[Floats, Floats]:
        """Return the mean and the covariance of what is new given what is old, and the scales.

        Parameters
        ----------
        scale
            ``s``, or about it: (draw,).

        Returns
        -------
        mean, covariance
            (draw, new) and (draw, new, new).
        """
        law = self._law(self.now)
        old, new = law[: self.old_group.size], law[self.old_group.size :]
        _, count, total, _ = _moments(self.old, self.old_group, self.groups, old)
        between = np.zeros((len(scale), 1))
        if self.between is not None:
            told = np.square(total / np.where(count > 0, count, 1)).sum(axis=1)
            between = np.square(self.between.usual(told, float((count > 0).sum())))[:, None]
        square = np.square(scale)[:, None]
        ratio = between / np.maximum(square + count * between, _TINY**2)
        alike = np.equal.outer(self.new_group, self.new_group)
        covariance = (ratio * square)[:, self.new_group, None] * alike
        middle: Floats = (total * ratio)[:, self.new_group]
        return middle, covariance + square[..., None] * np.diag(1 / new)

    def usual_scale(self, new: Floats | None = None, variance: Floats | None = None) -> Floats:
        """Return about the scale that old effects have, or old and new together: (draw,).

        Parameters
        ----------
        new, variance
            Where what is new lies, and how far it may be from there: (draw, new) each.
        """
        values, group = (self.old, self.old_group) if new is None else self._joined(self.old, new)
        law = self._law(self.now)[: group.size]
        squares, free = self._told(*_moments(values, group, self.groups, law))
        if variance is not None:
            squares = squares + variance @ law[self.old_group.size :]
        return self.scale.usual(squares, free[1])

    def log_density(self, new: Floats) -> Floats:
        """Return the log density of what is new given what is old: (candidate, draw).

        Where evidence fades, of all that there is now over that of what was old in the fit.

        Parameters
        ----------
        new
            Their groups' own included: (candidate, draw, new).
        """
        found, size = np.empty(new.shape[:2]), len(self.old)
        step = max(1, _CHUNK // _POINTS[1] ** 2)
        for first in range(0, size, step):
            at = slice(first, min(first + step, size))
            before = self._heights(self.old[at], self.old_group, at, self.then)[-1]
            before = logsumexp(before, axis=(1, 2))
            for c, candidate in enumerate(new):
                joined = self._joined(self.old[at], candidate[at])
                heights = self._heights(*joined, at, self.now)[-1]
                found[c, at] = logsumexp(heights, axis=(1, 2)) - before
        return found - 0.5 * self.new_group.size * np.log(2 * np.pi)

    def redrawn(
        self, new: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats | None, Floats]:
        """Draw the scales, and the groups' own effects, given all effects.

        Parameters
        ----------
        new
            (draw, new).
        rng
            Source of chance.

        Returns
        -------
        scale, between, own
            (draw,) twice, the second None where there is none, and (draw, group).
        """
        size = len(self.old)
        scale, between = np.empty(size), np.empty(size)
        step = max(1, _CHUNK // _POINTS[1] ** 2)
        for first in range(0, size, step):
            at = slice(first, min(first + step, size))
            joined = self._joined(self.old[at], new[at])
            scale[at], between[at] = _picked(*self._heights(*joined, at, self.now), rng)
        scale = self.scale.draws if self.scale.free is None else scale
        if self.between is None:
            return scale, None, np.zeros((size, self.groups))
        between = self.between.draws if self.between.free is None else between
        joined = self._joined(self.old, new)
        _, count, total, _ = _moments(*joined, self.groups, self._law(self.now))
        square, wide = np.maximum(scale**2, _TINY**2)[:, None], np.square(between)[:, None]
        left = wide * square / (square + count * wide)
        middle = wide * total / (square + count * wide)
        own: Floats = middle + np.sqrt(left) * rng.standard_normal(left.shape)
        return scale, between, own

    def _joined(self, old: Floats, new: Floats) -> tuple[Floats, Integers]:
        whole = np.concatenate([old, new], axis=1)
        return whole, np.concatenate([self.old_group, self.new_group])

    def _law(self, faded: Faded | None) -> Floats:
        """Return by what the variance of each effect is divided, new ones last."""
        size = self.old_group.size + self.new_group.size
        return np.ones(size) if faded is None else faded.law

    def _told(
        self, number: Floats, count: Floats, total: Floats, within: Floats
    ) -> tuple[Floats, tuple[float, float]]:
        """Return squares that tell of ``s``, (draw,), and their free terms, all and as counted."""
        if self.between is not None:
            free = [float(np.maximum(each - 1, 0).sum()) for each in (number, count)]
            return within.sum(axis=1), (free[0], free[1])
        own = np.square(total) / np.where(count > 0, count, 1)
        squares: Floats = (within + own).sum(axis=1)
        return squares, (float(number.sum()), float(count.sum()))

    def _heights(
        self, values: Floats, group: Integers, at: slice, faded: Faded | None
    ) -> tuple[Floats, Floats, Floats]:
        """Return log scales, within and between, and the log density at each two of them."""
        law = self._law(faded)[: group.size]
        number, count, total, within = _moments(values, group, self.groups, law)
        mean = total / np.where(count > 0, count, 1)
        terms = float(number.sum())
        grid, height = self.scale.grid(*self._told(number, count, total, within), terms, at)
        if faded is not None:
            height = height + faded.log_norm(grid, at) + 0.5 * np.log(law).sum()
        between = np.full((len(values), 1), -np.inf)
        extra = np.zeros((len(values), 1))
        if self.between is not None:
            there = count > 0
            between, extra = self.between.grid(
                np.square(mean[:, there]).sum(axis=1),
                (float(there.sum()),) * 2,
                float(there.sum()),
                at,
                deep=_DEEP,
            )
        square, wide = np.exp(2 * grid)[:, :, None], np.exp(2 * between)[:, None, :]
        height = height - np.maximum(number - 1, 0).sum() * grid
        height = (height - 0.5 * within.sum(axis=1)[:, None] / square[..., 0])[:, :, None]
        height = height + extra[:, None, :]
        for size in np.unique(count[count > 0]):
            of = count == size
            both = square + size * wide
            told = size * np.square(mean[:, of]).sum(axis=1)[:, None, None]
            height = height - 0.5 * (of.sum() * np.log(both) + told / both)
        return grid, between, height


def _ends(
    prior: ParameterPrior, squares: Floats, free: float, deep: float
) -> tuple[Floats, Floats]:
    """Return log scales between which all the density is: (draw,) both."""
    mode, bend = _mode(prior, squares, free)
    reach = _REACH / np.sqrt(bend)
    low = mode - np.maximum(reach, deep)
    if deep == 0.0:
        smallest = np.maximum(squares, _TINY**2) / (_NOTHING + 4 * free)
        low = np.maximum(low, 0.5 * np.log(smallest))
    edge = math.log(prior.quantile(1 - _TAIL))
    return low, np.minimum(mode + reach, np.maximum(edge, mode + _FARTHER))


def _mode(prior: ParameterPrior, squares: Floats, free: float) -> tuple[Floats, Floats]:
    """Return where a log scale is likeliest, given squares alone, and how sharply: (draw,)."""
    if prior.family == "halfnormal":
        wide = prior.first**2
        root = np.sqrt((free - 1) ** 2 + 4 * squares / wide)
        # The larger root, without taking near numbers from each other.
        square = 2 * squares / (root + free - 1) if free > 1 else wide / 2 * (root + 1 - free)
        square = np.maximum(square, _TINY**2)
        bend: Floats = 2 * squares / square + 2 * square / wide
        return 0.5 * np.log(square), np.maximum(bend, 0.1)
    # Log-normal: a normal law of the log scale, which Newton's steps solve from above.
    mode = np.full_like(squares, max(prior.first, 0.0))
    mode = np.maximum(mode, 0.5 * np.log(np.maximum(squares, _TINY**2)))
    for _ in range(60):
        told = squares * np.exp(-2 * mode)
        slope = -free + told - (mode - prior.first) / prior.second**2
        mode = mode + np.clip(slope / (2 * told + 1 / prior.second**2), -1.0, 1.0)
    return mode, 2 * squares * np.exp(-2 * mode) + 1 / prior.second**2


def _moments(
    values: Floats, group: Integers, groups: int, law: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return each group's number and count, (group,), its sum and squares: (draw, group).

    All but the number weigh each effect by its ``law``; squares are about the mean.
    """
    number = np.bincount(group, minlength=groups).astype(np.float64)
    part = np.equal.outer(group, np.arange(groups)) * law[:, None]
    count = part.sum(axis=0)
    total = values @ part
    mean = total / np.where(count > 0, count, 1)
    return number, count, total, np.square(values - mean[:, group]) @ part


def _picked(
    grid: Floats, between: Floats, height: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw one point of each grid, anywhere within its cell: two scales."""
    flat = height.reshape(len(height), -1)
    below = np.cumsum(np.exp(flat - flat.max(axis=1, keepdims=True)), axis=1)
    at = rng.random(len(flat)) * below[:, -1]
    first = (below < at[:, None]).sum(axis=1).clip(max=flat.shape[1] - 1)
    rows, found = np.arange(len(flat)), []
    for points, place in zip((grid, between), np.divmod(first, height.shape[2]), strict=True):
        step = points[:, 1] - points[:, 0] if points.shape[1] > 1 else 0.0
        found.append(np.exp(points[rows, place] + (rng.random(len(flat)) - 0.5) * step))
    return found[0], found[1]
