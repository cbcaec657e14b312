"""Opening: which effects rows of now are the first to speak of, and where they stand in draws.

A window of a cluster, a cluster or a factor level that came after the fit has its prior alone
there. Callers may trust that what the fit had rows for keeps its level at every draw: only how
a cluster's level divides into the cluster's own and its windows' is drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.aging import Aging
from coterie.beliefs.design import Design, Levels
from coterie.beliefs.exchangeable import Exchangeable, Spread
from coterie.beliefs.fading import law_of
from coterie.beliefs.parameters import FACTOR_SCALE, ParameterPrior
from coterie.typing import Floats, Integers

_SAMPLE: Final = (names.CHAIN, names.DRAW)

Priors = Callable[[str], tuple[ParameterPrior, ...] | None]
"""Gives the priors of a scale, one an outcome; None where nobody knows them any more."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What effects obey beside their draws.

    Attributes
    ----------
    priors
        Of the scales.
    aging
        Of windows; None where evidence neither faded in the fit nor fades now.
    """

    priors: Priors
    aging: Aging | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """New effects of one outcome and one scale.

    Attributes
    ----------
    law
        What is old says of what is new.
    name, scale
        Names of the effects and of their scale in the posterior; windows of clusters, whose
        levels include the cluster's own, have the name of the windows.
    outcome
        Its position.
    seen, new
        Positions with rows in the fit, and with rows now alone: flattened over what lies
        between draw and outcome.
    part
        1 where an effect is in an observation's level: (observation, new).
    law_of_all
        By what the variance of each effect is divided, with rows or without; flattened.
    """

    law: Exchangeable
    name: str
    scale: str
    outcome: int
    seen: Integers
    new: Integers
    part: Floats
    law_of_all: Floats | float = 1.0

    @property
    def of_cells(self) -> bool:
        """Whether these are levels of a cluster's windows."""
        return self.name == names.PERIOD_EFFECT

    def values(self, posterior: xr.Dataset, at: Integers) -> Floats:
        """Return effects at some positions, a cell's cluster included: (draw, position)."""
        return _values(posterior, self.name, self.outcome, at)

    def placed(self, posterior: xr.Dataset, values: Floats) -> xr.Dataset:
        """Write new effects, (draw, new), and leave all else as it was."""
        if self.of_cells:
            cluster = self._clusters(posterior, self.new)
            own = read.flat(posterior, names.CLUSTER_EFFECT)[:, cluster, self.outcome]
            values = values - own
        drawn = read.flat(posterior, self.name)[..., self.outcome].reshape(len(values), -1).copy()
        drawn[:, self.new] = values
        return posterior.assign({self.name: _put(posterior[self.name], self.outcome, drawn)})

    def settled(self, posterior: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
        """Draw scales, how levels divide, and what nobody has rows for, given all effects.

        Parameters
        ----------
        posterior
            Over (chain, draw, ...), new effects placed.
        rng
            Source of chance.
        """
        values = self.values(posterior, self.new)
        scale, between, own = self.law.redrawn(values, rng)
        count = int(np.prod(posterior[self.name].shape[2:-1]))
        drawn = rng.standard_normal((scale.size, count)) * scale[:, None] / np.sqrt(self.law_of_all)
        for at, known in ((self.seen, self.values(posterior, self.seen)), (self.new, values)):
            # A factor's levels have no group's own effect: it is 0 there.
            group = self._clusters(posterior, at) if self.of_cells else np.zeros_like(at)
            drawn[:, at] = known - own[:, group]
        changed = {self.scale: scale, self.name: drawn}
        if between is not None:
            changed |= {names.CLUSTER_SCALE: between, names.CLUSTER_EFFECT: own}
        return posterior.assign(
            {name: _put(posterior[name], self.outcome, found) for name, found in changed.items()}
        )

    def _clusters(self, posterior: xr.Dataset, at: Integers) -> Integers:
        found: Integers = np.unravel_index(at, posterior[self.name].shape[2:-1])[0]
        return found


def opened(
    posterior: xr.Dataset, fitted: Design, now: Design, levels: Levels, terms: Terms
) -> list[Opened]:
    """Find effects with rows now and none in the fit; a smooth one had neighbours with rows.

    Where evidence fades, old windows tell less or more than they did: they are among these
    though no window is new.

    Parameters
    ----------
    posterior
        Draws for the names of ``levels``.
    fitted, now
        Observations of the fit, and of now.
    levels
        All names.
    terms
        What they obey.
    """
    found = []
    for name, scale, codes, seen in _kinds(fitted, now, levels):
        shape = posterior[name].shape[2:-1]
        for o in range(len(levels.outcomes)):
            here, there = now.outcome == o, fitted.outcome == o
            flat = np.ravel_multi_index([c[here] for c in codes], shape)
            known = np.unique(np.ravel_multi_index([c[there] for c in seen], shape))
            new = np.setdiff1d(flat, known)
            ages = terms.aging is not None and name == names.PERIOD_EFFECT
            if (new.size == 0 and not ages) or not _varies(posterior, name, scale, o):
                continue
            part = np.zeros((here.size, new.size))
            part[here] = np.equal.outer(flat, new)
            law = _law(posterior, (name, scale), o, (known, new), terms)
            found.append(Opened(law, name, scale, o, known, new, part, _of_all(terms, name, shape)))
    return found


def _of_all(terms: Terms, name: str, shape: tuple[int, ...]) -> Floats | float:
    """Return by what the variance of every effect is divided."""
    if terms.aging is None or name != names.PERIOD_EFFECT:
        return 1.0
    return np.tile(law_of(terms.aging.now.power), shape[0])


def _kinds(
    fitted: Design, now: Design, levels: Levels
) -> Iterator[tuple[str, str, tuple[Integers, ...], tuple[Integers, ...]]]:
    """Give effects, their scale, and the codes of observations now and in the fit."""
    for i, factor in enumerate(levels.factors):
        if factor not in levels.smooth:
            effect, scale = f"{names.FACTOR_EFFECT}{factor}", f"{names.FACTOR_SCALE}{factor}"
            yield effect, scale, (now.factor[i],), (fitted.factor[i],)
    cells = (now.cluster, now.window), (fitted.cluster, fitted.window)
    yield names.PERIOD_EFFECT, names.PERIOD_SCALE, *cells
    yield names.CLUSTER_EFFECT, names.CLUSTER_SCALE, (now.cluster,), (fitted.cluster,)


def _varies(posterior: xr.Dataset, name: str, scale: str, outcome: int) -> bool:
    """Say whether effects stand by themselves: of a cluster, where its windows do not."""
    drifts = bool(read.flat(posterior, names.PERIOD_SCALE)[:, outcome].any())
    if name == names.CLUSTER_EFFECT:
        return not drifts and bool(read.flat(posterior, scale)[:, outcome].any())
    return bool(read.flat(posterior, scale)[:, outcome].any())


def _law(
    posterior: xr.Dataset,
    of: tuple[str, str],
    outcome: int,
    places: tuple[Integers, Integers],
    terms: Terms,
) -> Exchangeable:
    """Make the law of effects ``of`` a name and a scale, at places with rows then and now."""
    name, scale = of
    groups, count, between = [np.zeros_like(at) for at in places], 1, None
    then, now = None, None
    if name == names.PERIOD_EFFECT:
        shape = posterior[name].shape[2:-1]
        groups, count = [np.unravel_index(at, shape)[0] for at in places], shape[0]
        between = _spread(posterior, names.CLUSTER_SCALE, outcome, terms.priors)
        if terms.aging is not None:
            then = terms.aging.then.some(places[0], outcome)
            now = terms.aging.now.some(np.concatenate(places), outcome)
    known = _values(posterior, name, outcome, places[0])
    spread = _spread(posterior, scale, outcome, terms.priors)
    return Exchangeable(known, groups[0], groups[1], count, spread, between, then, now)


def _spread(posterior: xr.Dataset, scale: str, outcome: int, priors: Priors) -> Spread:
    stated = priors(FACTOR_SCALE if scale.startswith(names.FACTOR_SCALE) else scale)
    draws = read.flat(posterior, scale)[:, outcome].astype(np.float64)
    return Spread(draws, None if stated is None else stated[outcome])


def _values(posterior: xr.Dataset, name: str, outcome: int, at: Integers) -> Floats:
    """Return effects at some positions, a cell's cluster included: (draw, position)."""
    found = read.flat(posterior, name)[..., outcome].astype(np.float64)
    if name == names.PERIOD_EFFECT:
        own = read.flat(posterior, names.CLUSTER_EFFECT)[:, :, outcome]
        found = (own[:, :, None] + found).reshape(len(found), -1)
    return found[:, at]


def _put(values: xr.DataArray, outcome: int, drawn: Floats) -> xr.DataArray:
    """Write one outcome's draws: (draw of all chains, ...), flattened or not."""
    ordered = values.transpose(*_SAMPLE, ...)
    numbers = ordered.to_numpy().copy()
    whole = numbers.reshape(len(drawn), *numbers.shape[2:])
    whole[..., outcome] = drawn.reshape(whole.shape[:-1])
    return ordered.copy(data=numbers)
