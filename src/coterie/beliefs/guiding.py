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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from scipy.special import expit, logsumexp

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.design import Design, Levels
from coterie.beliefs.opening import Opened, Priors, opened
from coterie.typing import Flags, Floats

_WIDER: Final = (0.2, 0.2, 0.2, 2.0)
"""How much wider each candidate is drawn than its law, over the root of the number of effects:
tails cost less than gaps, and a share that does not shrink would cost ever more in many
dimensions. One is drawn far wider, so that no draw's weight can be as large as it likes."""
_TINY: Final = 1e-12
_ROUNDS: Final = 5
_FARTHEST: Final = 3.0
_CHUNK: Final = 2**23
CANDIDATES: Final = len(_WIDER)
"""Draws of new effects at each draw of the population, of which one is kept."""
_FIRST: Final = 32
"""Draws from which the usual scale of old and new effects is taken."""


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
        Cholesky factor of the covariance of new effects about their mean: (effect, effect).
    part
        1 where an effect is in an observation's level: (observation, effect).
    """

    expected: Floats
    rest: Floats
    root: Floats
    part: Floats


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
    posteriors
        One a candidate, with those effects drawn anew; one alone where nothing is new.
    log_ratio
        Log density of new effects given old ones, less that of the draw: (candidate, draw of
        all chains).
    noise
        Where they lie in units of their law: (candidate, draw, effect).
    new
        Those effects.
    """

    posteriors: list[xr.Dataset]
    log_ratio: Floats
    noise: Floats
    new: list[Opened]


def guided(  # noqa: PLR0913 - what is drawn from, then what it is drawn for
    posterior: xr.Dataset,
    fitted: Design,
    now: Design,
    levels: Levels,
    priors: Priors,
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
    priors
        Of the scales of effects.
    own
        Gives what the draws of the fit say of the artists' own part of each level, membership
        included: (draw of all chains, observation of ``now``). Asked for where it is needed.
    rng
        Source of chance.
    lesson
        From earlier draws of the same effects.
    """
    new = opened(posterior, fitted, now, levels, priors)
    size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
    if not new:
        return Candidates([posterior], np.zeros((1, size)), np.empty((1, size, 0)), [])
    arrived = read.arrived(posterior, now)
    now = now if arrived is None else now.as_if(arrived.mean(axis=0))
    middle, guide = _guide(posterior, now, levels, own(), new)
    noise, log_noise = _noise((CANDIDATES, *middle.shape), lesson, rng)
    effect, log_law = _placed(posterior, now, guide, noise)
    effect, log_law = effect + middle, log_law + log_noise
    log_ratio, edges = -log_law, np.cumsum([0, *(each.new.size for each in new)])
    for each, first, last in zip(new, edges, edges[1:], strict=False):
        log_ratio += each.law.log_density(effect[..., first:last])
    posteriors = [posterior] * CANDIDATES
    for each, first, last in zip(new, edges, edges[1:], strict=False):
        posteriors = [
            each.placed(made, drawn[:, first:last])
            for made, drawn in zip(posteriors, effect, strict=True)
        ]
    return Candidates(posteriors, log_ratio, noise, new)


def _noise(
    shape: tuple[int, int, int], lesson: Lesson | None, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw where effects lie in units of their law, and the log density: (candidate, draw)."""
    size = shape[-1]
    wider = 1 + np.array(_WIDER) / math.sqrt(size)
    unit = rng.standard_normal(shape) * wider[:, None, None]
    # Any of the candidates could have been drawn as wide as any other: one law for all.
    square = np.square(unit).sum(axis=-1)
    each = [-0.5 * square / w**2 - size * math.log(w) for w in wider]
    log_law = logsumexp(each, axis=0) - math.log(len(wider)) - 0.5 * size * math.log(2 * math.pi)
    if lesson is None:
        return unit, log_law
    return unit * lesson.stretch + lesson.shift, log_law - np.log(lesson.stretch).sum()


def _placed(
    posterior: xr.Dataset, now: Design, guide: _Guide, noise: Floats
) -> tuple[Floats, Floats]:
    """Place noise about the law at each draw: effects less their mean, and the log of the unit.

    (candidate, draw, effect) and (draw,).
    """
    effect, log_unit = np.empty_like(noise), np.empty(noise.shape[1])
    count, root = noise.shape[-1], guide.root
    step = max(1, _CHUNK // max(count, int(np.bincount(now.artist).max())) ** 2)
    for first in range(0, len(log_unit), step):
        at = slice(first, min(first + step, len(log_unit)))
        precision, pull = _law(posterior, now, guide, at)
        factor = np.linalg.cholesky(np.eye(count) + root.T @ precision @ root)
        away = np.linalg.solve(factor.swapaxes(1, 2), noise[:, at, :, None])
        effect[:, at] = (root @ (_middle(precision, pull, root) + away))[..., 0]
        log_unit[at] = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return effect, log_unit - np.log(np.diagonal(root)).sum()


def _guide(
    posterior: xr.Dataset, now: Design, levels: Levels, own: Floats, new: list[Opened]
) -> tuple[Floats, _Guide]:
    """Return the mean of new effects at each draw, (draw, effect), and what is known about it."""
    part = np.concatenate([each.part for each in new], axis=1)
    scales = [float(each.law.scale.draws.mean()) for each in new]
    middles, covariances = zip(
        *(each.law.expected(scale) for each, scale in zip(new, scales, strict=True)), strict=True
    )
    middle = np.concatenate(middles, axis=1)
    present = np.concatenate([each.values(posterior, each.new) for each in new], axis=1)
    expected, rest = _known(posterior, now, levels, own, (middle - present) @ part.T)
    guide = _Guide(expected, rest, _root(covariances), part)
    some = slice(0, None, max(1, len(expected) // _FIRST))
    precision, pull = _law(posterior, now, guide, some)
    inverse = np.linalg.inv(np.eye(part.shape[1]) + guide.root.T @ precision @ guide.root)
    about = guide.root @ inverse
    found = middle[some] + (about @ (guide.root.T @ pull[..., None]))[..., 0]
    variance = np.einsum("doe,oe->do", about, guide.root).mean(axis=0)
    edges = np.cumsum([0, *(each.new.size for each in new)])
    for i, each in enumerate(new):
        mine = slice(edges[i], edges[i + 1])
        scales[i] = each.law.usual_scale(found[:, mine], variance[mine], some)
    spread = [each.law.expected(scale)[1] for each, scale in zip(new, scales, strict=True)]
    return middle, replace(guide, root=_root(spread))


def _root(covariances: Iterable[Floats]) -> Floats:
    from scipy.linalg import block_diag

    whole: Floats = block_diag(*covariances)
    found: Floats = np.linalg.cholesky(whole + _TINY * np.eye(len(whole)))
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


def _law(posterior: xr.Dataset, now: Design, guide: _Guide, at: slice) -> tuple[Floats, Floats]:
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
        effect = (guide.root @ _middle(precision, pull, guide.root))[..., 0] @ guide.part.T
        for mine, covariance, weight in zip(owners, covariances, sure, strict=True):
            gap = (left - effect)[:, mine]
            own = np.einsum("nk,dkm,dm->dn", covariance, weight, gap)
            eta[:, mine] = expected[:, mine] + effect[:, mine] + own
    return precision, pull


def _middle(precision: Floats, pull: Floats, root: Floats) -> Floats:
    """Return the mean of effects in units of their root: (draw, effect, 1)."""
    whole = np.eye(len(root)) + root.T @ precision @ root
    found: Floats = np.linalg.solve(whole, root.T @ pull[..., None])
    return found


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
