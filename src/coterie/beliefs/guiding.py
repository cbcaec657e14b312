"""Guiding: effects that a fit had no rows for are drawn near what the new rows say of them.

A window, a cluster or a factor level that came after the fit has its prior alone there, and
draws of a prior seldom meet the rows. They are drawn instead from a normal law made of what
old effects say of new ones and of rough readings of the rows; how much likelier each draw was
made that way is handed back, to be taken out of its weight. The scale of such effects is
integrated out, and drawn anew. Callers may trust the weights whatever the readings: a rough one
costs effective draws, not truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from scipy.special import expit, logsumexp

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.design import Design, Levels
from coterie.beliefs.opening import Opened, Terms, opened
from coterie.typing import Flags, Floats

_WIDER: Final = (0.2, 0.2, 0.2, 2.0)
"""How much wider candidates are drawn than their law, over the root of the number of effects:
tails cost less than gaps, and a share that does not shrink would cost ever more in many
dimensions. One is drawn far wider, so that no draw's weight can be as large as it likes."""
CANDIDATES: Final = len(_WIDER) + 1
"""Draws of new effects at each draw of the population, of which one is kept. The last is as wide
as the scale of its own draw says: where that is next to nothing, others would not hit."""
_TINY: Final = 1e-12
_ROUNDS: Final = 5
_FARTHEST: Final = 3.0
_CHUNK: Final = 2**23


@dataclass(frozen=True, slots=True)
class _Guide:
    """What draws are made near.

    Attributes
    ----------
    expected
        Each observation's level as old rows lead to expect it: (draw, observation).
    rest
        What the draws of the fit differ from it by: (draw of the fit, observation).
    root
        Cholesky factor of the covariance of new effects about their mean: (draw, effect, effect).
    own
        The same at the scales of each draw.
    part
        1 where an effect is in an observation's level: (observation, effect).
    """

    expected: Floats
    rest: Floats
    root: Floats
    own: Floats
    part: Floats


@dataclass(frozen=True, slots=True)
class _Law:
    """A normal law of new effects about their mean at some draws, given the rows.

    Attributes
    ----------
    root
        As in :class:`_Guide`.
    middle, factor
        Mean in units of the root, and the factor of the precision: (draw, effect, 1) and
        (draw, effect, effect).
    """

    root: Floats
    middle: Floats
    factor: Floats

    @classmethod
    def of(cls, precision: Floats, pull: Floats, root: Floats) -> _Law:
        """Join what the rows say, (draw, effect[, effect]), and what is believed before."""
        turned = root.swapaxes(1, 2)
        whole = np.eye(root.shape[-1]) + turned @ precision @ root
        middle = np.linalg.solve(whole, turned @ pull[..., None])
        return cls(root, middle, np.linalg.cholesky(whole))

    def effects(self, noise: Floats) -> Floats:
        """Return effects of standard noise: (candidate, draw, effect)."""
        away = np.linalg.solve(self.factor.swapaxes(1, 2), noise[..., None])
        found: Floats = (self.root @ (self.middle + away))[..., 0]
        return found

    def noise(self, effect: Floats) -> Floats:
        """Return the noise that gives effects: (candidate, draw, effect)."""
        unit = np.linalg.solve(self.root, effect[..., None]) - self.middle
        found: Floats = (self.factor.swapaxes(1, 2) @ unit)[..., 0]
        return found

    @property
    def log_unit(self) -> Floats:
        """Log density of an effect less that of its noise: (draw,)."""
        found: Floats = np.log(_diagonal(self.factor)).sum(axis=1)
        return found - np.log(_diagonal(self.root)).sum(axis=1)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What draws of new effects and their weights told of their law: a better one for the next.

    In units of the law at each draw, so that draws can be compared.

    Attributes
    ----------
    shift, stretch
        (effect,).
    """

    shift: Floats
    stretch: Floats

    @classmethod
    def of(cls, noise: Floats, log_weight: Floats) -> Lesson:
        """Learn from draws, (candidate, draw, effect), and their log weights; little from few."""
        share = np.exp(log_weight - logsumexp(log_weight))[..., None]
        sure = float(1 / np.square(share).sum())
        count = noise.shape[-1]
        middle = (share * noise).sum(axis=(0, 1)) * sure / (sure + count)
        square = (share * np.square(noise - middle)).sum(axis=(0, 1))
        return cls(middle, np.sqrt((square * sure + count) / (sure + count)))


@dataclass(frozen=True, slots=True)
class Candidates:
    """New effects, drawn several times at each draw.

    Attributes
    ----------
    posterior
        Draws without them.
    effect
        The new effects: (candidate, draw, effect); one candidate without any where nothing is new.
    log_ratio
        Log density of new effects given old ones, and of old ones that fade over what it was,
        less that of the draw: (candidate, draw of all chains).
    noise
        Where they lie in units of their law: (candidate, draw, effect).
    new
        Those effects.
    """

    posterior: xr.Dataset
    effect: Floats
    log_ratio: Floats
    noise: Floats
    new: list[Opened]

    def placed(self, effect: Floats) -> xr.Dataset:
        """Return the posterior with some new effects in it: (draw, effect)."""
        made, last = self.posterior, 0
        for each in self.new:
            made = each.placed(made, effect[:, last : last + each.new.size])
            last += each.new.size
        return made

    def settled(self, effect: Floats, rng: np.random.Generator) -> xr.Dataset:
        """Return the same with scales, and how levels divide, drawn given all effects."""
        made = self.placed(effect)
        for each in self.new:
            made = each.settled(made, rng)
        return made


def guided(  # noqa: PLR0913 - what is drawn from, then what it is drawn for
    posterior: xr.Dataset,
    fitted: Design,
    now: Design,
    levels: Levels,
    terms: Terms,
    own: Callable[[], Floats],
    rng: np.random.Generator,
    *,
    lesson: Lesson | None = None,
) -> Candidates:
    """Draw the effects that the fit had no rows for, several times at each draw.

    Parameters
    ----------
    posterior
        Draws for the names of ``levels``; what is new in it was drawn from its prior.
    fitted
        Observations of the fit, in the codes of ``levels``.
    now
        Observations now, of the artists whose rows changed.
    levels
        All names.
    terms
        What effects obey.
    own
        Gives what the draws of the fit say of the artists' own part of each level, membership
        included: (draw of all chains, observation of ``now``). Asked for where it is needed.
    rng
        Source of chance.
    lesson
        From earlier draws of the same effects.
    """
    new = opened(posterior, fitted, now, levels, terms)
    size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
    if not any(each.new.size for each in new):
        none = np.empty((1, size, 0))
        faded = sum((each.law.log_density(none) for each in new), np.zeros((1, size)))
        return Candidates(posterior, none, faded, none, new)
    arrived = read.arrived(posterior, now)
    now = now if arrived is None else now.as_if(arrived.mean(axis=0))
    middle, guide = _guide(posterior, now, levels, own(), new)
    noise, effect, log_law = _candidates(posterior, now, guide, lesson, rng)
    effect += middle
    log_ratio, edges = -log_law, np.cumsum([0, *(each.new.size for each in new)])
    for each, first, last in zip(new, edges, edges[1:], strict=False):
        log_ratio += each.law.log_density(effect[..., first:last])
    return Candidates(posterior, effect, log_ratio, noise, new)


def _candidates(
    posterior: xr.Dataset,
    now: Design,
    guide: _Guide,
    lesson: Lesson | None,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Draw new effects less their mean several times at each draw, each by a law of its own.

    Returns their noise, (candidate, draw, effect), themselves, and the log density of any of
    them by any of the laws: (candidate, draw).
    """
    shape = (CANDIDATES, len(guide.expected), guide.root.shape[-1])
    wider = 1 + np.array([*_WIDER, _WIDER[0]]) / math.sqrt(shape[-1])
    noise = rng.standard_normal(shape) * wider[:, None, None]
    if lesson is not None:
        noise[:-1] = noise[:-1] * lesson.stretch + lesson.shift
    effect, log_law = np.empty(shape), np.empty(shape[:2])
    for at in _chunks(now, guide):
        told = _told(posterior, now, guide, at)
        usual, own = (_Law.of(*told, root[at]) for root in (guide.root, guide.own))
        effect[:-1, at] = usual.effects(noise[:-1, at])
        effect[-1:, at] = own.effects(noise[-1:, at])
        noise[:, at] = usual.noise(effect[:, at])
        by_usual = _log_mixture(noise[:, at], wider[:-1], lesson) + usual.log_unit
        by_own = _log_mixture(own.noise(effect[:, at]), wider[-1:], None) + own.log_unit
        share = math.log(CANDIDATES - 1)
        log_law[:, at] = np.logaddexp(by_usual + share, by_own) - math.log(CANDIDATES)
    return noise, effect, log_law


def _log_mixture(noise: Floats, wider: Floats, lesson: Lesson | None) -> Floats:
    """Return the log density of noise that may be drawn as wide as any of these."""
    size, log_stretch = noise.shape[-1], 0.0
    if lesson is not None:
        noise = (noise - lesson.shift) / lesson.stretch
        log_stretch = float(np.log(lesson.stretch).sum())
    square = np.square(noise).sum(axis=-1)
    each = [-0.5 * square / w**2 - size * math.log(w) for w in wider]
    found: Floats = logsumexp(each, axis=0)
    return found - math.log(len(wider)) - 0.5 * size * math.log(2 * math.pi) - log_stretch


def _chunks(now: Design, guide: _Guide) -> Iterator[slice]:
    """Cut the draws so that no table of them is large."""
    size = len(guide.expected)
    each = max(guide.root.shape[-1] ** 2, int(np.square(np.bincount(now.artist)).sum()))
    step = max(1, _CHUNK // each)
    for first in range(0, size, step):
        yield slice(first, min(first + step, size))


def _diagonal(root: Floats) -> Floats:
    return np.diagonal(root, axis1=1, axis2=2)


def _guide(
    posterior: xr.Dataset, now: Design, levels: Levels, own: Floats, new: list[Opened]
) -> tuple[Floats, _Guide]:
    """Return the mean of new effects at each draw, (draw, effect), and what is known about it."""
    part = np.concatenate([each.part for each in new], axis=1)
    laws = [each.law.expected(each.law.usual_scale()) for each in new]
    middle = np.concatenate([mean for mean, _ in laws], axis=1)
    present = np.concatenate([each.values(posterior, each.new) for each in new], axis=1)
    expected, rest = _known(posterior, now, levels, own, (middle - present) @ part.T)
    first = _root([spread for _, spread in laws])
    guide = _Guide(expected, rest, first, first, part)
    found, variance = np.empty_like(middle), np.empty_like(middle)
    for at in _chunks(now, guide):
        law = _Law.of(*_told(posterior, now, guide, at), first[at])
        found[at] = middle[at] + law.effects(np.zeros((1, *middle[at].shape)))[0]
        half = np.linalg.solve(law.factor, law.root.swapaxes(1, 2))
        variance[at] = np.square(half).sum(axis=1)
    spread, last = [], 0
    for each in new:
        mine = slice(last, last + each.new.size)
        last = mine.stop
        scale = each.law.usual_scale(found[:, mine], variance[:, mine])
        spread.append(each.law.expected(scale)[1])
    drawn = [each.law.expected(each.law.scale.draws)[1] for each in new]
    return middle, replace(guide, root=_root(spread), own=_root(drawn))


def _root(covariances: list[Floats]) -> Floats:
    """Return Cholesky factors of blocks on a diagonal: (draw, effect, effect)."""
    size = sum(block.shape[-1] for block in covariances)
    found, last = np.zeros((len(covariances[0]), size, size)), 0
    for block in covariances:
        at = slice(last, last + block.shape[-1])
        last = at.stop
        # In units of its own spread: a scale next to nothing is a number like any other.
        unit = np.sqrt(np.maximum(np.diagonal(block, axis1=1, axis2=2), _TINY**2))
        alike = block / (unit[:, :, None] * unit[:, None, :]) + _TINY * np.eye(block.shape[-1])
        found[:, at, at] = unit[:, :, None] * np.linalg.cholesky(alike)
    return found


def _known(
    posterior: xr.Dataset, now: Design, levels: Levels, own: Floats, moved: Floats
) -> tuple[Floats, Floats]:
    """Return each level as the population leads to expect it, and what is left of it.

    ``moved`` is what new effects at their mean differ by from those in the posterior. The rows
    of the fit told an artist's level more than its parts: where the population's part is higher
    the own part is lower. A regression says how far: (draw, observation) both.
    """
    level = read.level(posterior, now, levels) + moved
    whole, moved = level + own, level - level.mean(axis=0)
    middle = whole.mean(axis=0)
    slope = (moved * (whole - middle)).mean(axis=0) / np.maximum(
        np.square(moved).mean(axis=0), _TINY
    )
    expected = middle + slope * moved
    return expected, whole - expected


def _told(posterior: xr.Dataset, now: Design, guide: _Guide, at: slice) -> tuple[Floats, Floats]:
    """Return precision and pull of the rows on new effects: (draw, effect[, effect]).

    Fisher scoring on the effects and the artists' own parts at once, by quasi-likelihood.
    """
    expected, rest = guide.expected[at], guide.rest
    kappa = np.exp(read.log_kappa(posterior, at)[:, now.cluster, now.outcome])
    of: Flags = guide.part.any(axis=1)
    owners = [np.flatnonzero(of & (now.artist == a)) for a in np.unique(now.artist[of])]
    covariances = [rest[:, mine].T @ rest[:, mine] / len(rest) for mine in owners]
    size = guide.part.shape[1]
    eta, precision, pull = expected.copy(), np.empty(0), np.empty(0)
    for _ in range(_ROUNDS):
        reading, noise = _readings(eta, kappa, now)
        precision = np.zeros((len(eta), size, size))
        pull = np.zeros((len(eta), size))
        left, sure = reading - expected, []
        for mine, covariance in zip(owners, covariances, strict=True):
            both = covariance + noise[:, mine, None] * np.eye(mine.size)
            sure.append(np.linalg.inv(both))
            part = guide.part[mine]
            precision += part.T @ sure[-1] @ part
            pull += np.einsum("no,dnm,dm->do", part, sure[-1], left[:, mine])
        law = _Law.of(precision, pull, guide.root[at])
        effect = (law.root @ law.middle)[..., 0] @ guide.part.T
        for mine, covariance, weight in zip(owners, covariances, sure, strict=True):
            gap = (left - effect)[:, mine]
            own = np.einsum("nk,dkm,dm->dn", covariance, weight, gap)
            eta[:, mine] = expected[:, mine] + effect[:, mine] + own
    return precision, pull


def _readings(eta: Floats, kappa: Floats, now: Design) -> tuple[Floats, Floats]:
    """Read each level off its counts, near a level: value and variance, (draw, observation)."""
    eta = np.clip(eta, -30, 30)
    n = np.where(now.n > 0, now.n, 1.0)
    share = expit(eta)
    mean = np.where(now.is_count, n * np.exp(eta), n * share)
    slope = np.where(now.is_count, mean, n * share * (1 - share))
    over = np.where(now.is_count, 1 + mean / kappa, 1 + (n - 1) / (kappa + 1))
    step = np.clip((now.y - mean) / np.maximum(slope, _TINY), -_FARTHEST, _FARTHEST)
    weight = np.maximum(now.weight, _TINY)
    return eta + step, over / np.maximum(slope, _TINY) / weight
