"""Guiding: effects that a fit had no rows for are drawn near what the new rows say of them.

A window, a cluster or a factor level that came after the fit has its prior alone there, and
draws of a prior seldom meet the rows. They are drawn instead from a normal law made of the
prior and of rough readings of the rows; how much likelier each draw was made that way than the
prior would have made it is handed back, to be taken out of its weight. Callers may trust the
weights whatever the readings: a rough one costs effective draws, not truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from scipy.special import expit

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.design import Design, Levels
from coterie.typing import Flags, Floats, Integers

_WIDER: Final = 0.2
"""How much wider draws are made than their law, over the root of their number: tails cost less
than gaps, and a share that does not shrink would cost ever more in many dimensions."""
_SAMPLE: Final = (names.CHAIN, names.DRAW)
_TINY: Final = 1e-12
_ROUNDS: Final = 5
_FARTHEST: Final = 3.0
_CHUNK: Final = 2**23


@dataclass(frozen=True, slots=True)
class _Open:
    """The effects to draw: where each lies, and which observations it is part of.

    ``place`` are (variable, positions in it flattened past the draws, columns); ``part`` is
    (observation, effect), 1 where the effect is in the observation's level.
    """

    place: tuple[tuple[str, Integers, slice], ...]
    scale: Floats
    part: Floats


def guided(
    posterior: xr.Dataset,
    fitted: Design,
    now: Design,
    levels: Levels,
    own: Callable[[], Floats],
    rng: np.random.Generator,
) -> tuple[xr.Dataset, Floats]:
    """Draw the effects that the fit had no rows for.

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
    own
        Gives what the draws of the fit say of the artists' own part of each level, membership
        included: (draw of all chains, observation of ``now``). Asked for where it is needed.
    rng
        Source of chance.

    Returns
    -------
    posterior
        With those effects drawn anew where ``now`` has rows of them.
    log_ratio
        Log density of the prior less that of the draw: (draw of all chains,).
    """
    size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
    open_ = _found(posterior, fitted, now, levels)
    count = open_.part.shape[1]
    if count == 0:
        return posterior, np.zeros(size)
    arrived = read.arrived(posterior, now)
    now = now if arrived is None else now.as_if(arrived.mean(axis=0))
    effect, log_ratio = np.empty((size, count)), np.empty(size)
    known = _known(posterior, now, levels, own(), open_)
    step = max(1, _CHUNK // max(count, int(np.bincount(now.artist).max())) ** 2)
    for first in range(0, size, step):
        at = slice(first, min(first + step, size))
        law = _law(posterior, now, known, open_, at)
        effect[at], log_ratio[at] = _drawn(*law, open_.scale[at], rng)
    return _written(posterior, open_, effect), log_ratio


def _found(posterior: xr.Dataset, fitted: Design, now: Design, levels: Levels) -> _Open:
    """Find effects with rows now and none in the fit; a smooth one had neighbours with rows."""
    smooth = levels.smooth
    factors = [
        (f"{names.FACTOR_EFFECT}{f}", f"{names.FACTOR_SCALE}{f}", (now.factor[i], now.outcome),
         (fitted.factor[i], fitted.outcome))
        for i, f in enumerate(levels.factors)
        if f not in smooth
    ]  # fmt: skip
    blocks = [
        (names.CLUSTER_EFFECT, names.CLUSTER_SCALE, (now.cluster, now.outcome),
         (fitted.cluster, fitted.outcome)),
        *factors,
        (names.PERIOD_EFFECT, names.PERIOD_SCALE, (now.cluster, now.window, now.outcome),
         (fitted.cluster, fitted.window, fitted.outcome)),
    ]  # fmt: skip
    place, scales, parts, first = [], [], [], 0
    for name, scale, codes, seen in blocks:
        shape = posterior[name].shape[2:]
        flat = np.ravel_multi_index(codes, shape)
        new = np.setdiff1d(flat, np.ravel_multi_index(seen, shape))
        place.append((name, new, slice(first, first + new.size)))
        scales.append(read.flat(posterior, scale)[:, new % shape[-1]])
        parts.append(np.equal.outer(flat, new).astype(np.float64))
        first += new.size
    return _Open(tuple(place), np.concatenate(scales, axis=1), np.concatenate(parts, axis=1))


def _known(
    posterior: xr.Dataset, now: Design, levels: Levels, own: Floats, open_: _Open
) -> tuple[Floats, Floats]:
    """Return each level less the open effects as the population leads to expect, and what is left.

    The rows of the fit told an artist's level more than its parts: where the population's part
    is higher the own part is lower. A regression says how far: (draw, observation) both.
    """
    level = read.level(posterior, now, levels)
    for name, new, columns in open_.place:
        values = read.flat(posterior, name).reshape(len(level), -1)[:, new]
        level -= values @ open_.part[:, columns].T
    whole, moved = level + own, level - level.mean(axis=0)
    middle = whole.mean(axis=0)
    slope = (moved * (whole - middle)).mean(axis=0) / np.maximum(
        np.square(moved).mean(axis=0), _TINY
    )
    expected = middle + slope * moved
    return expected, whole - expected


def _law(
    posterior: xr.Dataset, now: Design, known: tuple[Floats, Floats], open_: _Open, at: slice
) -> tuple[Floats, Floats]:
    """Return precision and pull of the rows on the effects: (draw, effect[, effect]).

    Fisher scoring on the effects and the artists' own parts at once, by quasi-likelihood.
    """
    expected, rest = known[0][at], known[1]
    kappa = np.exp(read.log_kappa(posterior, at)[:, now.cluster, now.outcome])
    scale = open_.scale[at]
    of: Flags = open_.part.any(axis=1)
    owners = [np.flatnonzero(of & (now.artist == a)) for a in np.unique(now.artist[of])]
    covariances = [rest[:, mine].T @ rest[:, mine] / len(rest) for mine in owners]
    size = open_.part.shape[1]
    eta, precision, pull = expected.copy(), np.empty(0), np.empty(0)
    for _ in range(_ROUNDS):
        reading, noise = _readings(eta, kappa, now)
        precision = np.zeros((len(eta), size, size))
        pull = np.zeros((len(eta), size))
        left, sure = reading - expected, []
        for mine, covariance in zip(owners, covariances, strict=True):
            both = covariance + noise[:, mine, None] * np.eye(mine.size)
            sure.append(np.linalg.inv(both))
            part = open_.part[mine]
            precision += part.T @ sure[-1] @ part
            pull += np.einsum("no,dnm,dm->do", part, sure[-1], left[:, mine])
        effect = _middle(precision, pull, scale) @ open_.part.T
        for mine, covariance, weight in zip(owners, covariances, sure, strict=True):
            gap = (left - effect)[:, mine]
            own = np.einsum("nk,dkm,dm->dn", covariance, weight, gap)
            eta[:, mine] = expected[:, mine] + effect[:, mine] + own
    return precision, pull


def _middle(precision: Floats, pull: Floats, scale: Floats) -> Floats:
    whole = np.eye(scale.shape[1]) + precision * scale[:, :, None] * scale[:, None, :]
    found: Floats = scale * np.linalg.solve(whole, (pull * scale)[..., None])[..., 0]
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


def _drawn(
    precision: Floats, pull: Floats, scale: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw effects from prior and rows: (draw, effect), and the log ratio to the prior."""
    scale = np.maximum(scale, _TINY)
    # In units of their scales, so that a scale of 0 is a number like any other.
    whole = np.eye(scale.shape[1]) + precision * scale[:, :, None] * scale[:, None, :]
    root = np.linalg.cholesky(whole)
    middle = np.linalg.solve(whole, (pull * scale)[..., None])
    noise = rng.standard_normal((*scale.shape, 1))
    wider = 1 + _WIDER / math.sqrt(scale.shape[1])
    unit = (middle + wider * np.linalg.solve(root.swapaxes(1, 2), noise))[..., 0]
    log_law = (
        np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        - 0.5 * (noise[..., 0] ** 2).sum(axis=1)
        - scale.shape[1] * math.log(wider)
    )
    return unit * scale, -0.5 * (unit**2).sum(axis=1) - log_law


def _written(posterior: xr.Dataset, open_: _Open, effect: Floats) -> xr.Dataset:
    changed = {}
    for name, new, columns in open_.place:
        ordered = posterior[name].transpose(*_SAMPLE, ...)
        values = ordered.to_numpy().copy()
        values.reshape(len(effect), -1)[:, new] = effect[:, columns]
        changed[name] = ordered.copy(data=values)
    return posterior.assign(changed)
