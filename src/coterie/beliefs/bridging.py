r"""Bridging: how much likelier a table is with membership than without.

Makes the logarithm of a Bayes factor from draws of both models by bridge sampling: the two
posteriors are laid over one another by a map that is one to one (its Jacobian is counted),
and each draw is weighed under both. Callers may trust the error that comes with it; where
the posteriors hardly overlap it is large, and says so.

Source: X.-L. Meng and W. H. Wong (1996), Simulating ratios of normalizing constants via a
simple identity; X.-L. Meng and S. Schilling (2002), Warp bridge sampling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.membership import NONE, Phi, integrate
from coterie.beliefs.parameters import ParameterPrior
from coterie.beliefs.rows import Known
from coterie.beliefs.stating import stated_priors
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError
from coterie.typing import Flags, Floats

_LOGGED: Final = (names.UPLIFT, names.LOADING, names.KAPPA, names.ARTIST_SCALE)
_FREE: Final = ("lognormal", "halfnormal")
_ROUNDS: Final = 200
_SETTLED: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Bridge:
    """How much likelier a table is under the first of two models.

    Attributes
    ----------
    log_ratio
        Logarithm of the Bayes factor, in nats.
    error
        Its Monte Carlo standard error, in nats.
    """

    log_ratio: float
    error: float


@dataclass(frozen=True, slots=True)
class _Side:
    """Draws of one model: what the map moves, and the rest of its arrays.

    ``logs`` are logarithms of the free scalars (draw, scalar); ``alpha`` is (draw, outcome);
    ``effect`` and ``scale`` are the clusters' effects (draw, cluster, outcome) and their scale.
    """

    phi: Phi
    logs: Floats
    alpha: Floats
    effect: Floats
    scale: Floats


def bridge(beliefs: Beliefs, rival: Beliefs, *, draws: int) -> Bridge:
    """Compare beliefs with a model without membership, on the same table and priors.

    Parameters
    ----------
    beliefs
        With membership.
    rival
        Without (``homes=None``).
    draws
        Draws of each to use, evenly from all.

    Raises
    ------
    BeliefError
        If pi was learned (no file keeps how strongly it was stated), the second has
        membership, or the two do not rest on one table and one population prior.
    """
    known = Known.of(beliefs)
    other = Known.of(rival)
    _check(beliefs, rival)
    at_home = {names.CLUSTER: known.levels.clusters, names.ARTIST: known.levels.artists}
    # A cluster without rows is in one inventory only, as may be what it is made of or crossed
    # with, and in no observation.
    at_home |= known.levels.factors
    apart = [names.AFFINITY, names.ARTIST_EFFECT]
    lone = other.posterior.drop_vars(apart, errors="ignore").reindex(at_home, fill_value=0.0)
    shared = np.isin(known.levels.clusters, other.levels.clusters)
    table = _Table(known, _priors(beliefs), shared)
    first = table.side(known.posterior, draws)
    second = table.side(lone, draws)
    # Blocks, not every other draw: neighbours are alike.
    middle = min(len(first.alpha), len(second.alpha)) // 2
    halves = [slice(None, middle), slice(middle, None)]
    # The map is made from one half of the draws and crossed by the other.
    found = [
        table.crossed(
            table.map_between(_some(first, made), _some(second, made)),
            _some(first, used),
            _some(second, used),
        )
        for made, used in (halves, halves[::-1])
    ]
    spread = abs(found[0].log_ratio - found[1].log_ratio) / 2
    error = float(np.hypot(found[0].error, found[1].error)) / 2
    return Bridge((found[0].log_ratio + found[1].log_ratio) / 2, max(error, spread))


def _check(beliefs: Beliefs, rival: Beliefs) -> None:
    if names.PI in beliefs.tree[names.POSTERIOR].dataset:
        raise BeliefError(
            "pi was learned, and no file keeps how strongly it was stated: there is no Bayes "
            "factor against the model without it. State pi, or leave the comparison out."
        )
    if rival.homes is not None:
        raise BeliefError(
            f"The model to be compared with has homes={rival.homes!r}. Fit it with homes=None."
        )
    tables = [each.evidence.counts for each in (beliefs, rival)]
    alike = beliefs.evidence.half_life == rival.evidence.half_life
    if not tables[0].equals(tables[1]) or not alike:
        raise BeliefError(
            "The two models do not rest on the same table, fading alike. Fit both to the same "
            "Evidence."
        )
    if stated_priors(beliefs) != stated_priors(rival):
        raise BeliefError(
            "The two models do not state the same priors of the population. Fit both with the same "
            "population=..."
        )


type Priors = dict[str, dict[int, ParameterPrior]]


def _priors(beliefs: Beliefs) -> Priors:
    position = {o.name: i for i, o in enumerate(beliefs.evidence.outcomes)}
    found: Priors = {}
    for parameter, outcome, prior in stated_priors(beliefs):
        found.setdefault(parameter, {})[position[outcome]] = prior
    return found


@dataclass(frozen=True, slots=True)
class _Map:
    """Lays draws of the first model over those of the second: affine in each coordinate.

    Scalars, in logarithms, are moved from ``middle`` to ``target`` and stretched; ``alpha``
    (outcome,) and ``effect`` (cluster, outcome) are added to levels.
    """

    middle: Floats
    target: Floats
    stretch: Floats
    alpha: Floats
    effect: Floats


@dataclass(frozen=True, slots=True)
class _Table:
    """The table, and the density of every draw under both models.

    ``shared`` marks clusters that both inventories have: (cluster,).
    """

    known: Known
    priors: Priors
    shared: Flags

    @property
    def scalars(self) -> list[tuple[str, int, ParameterPrior]]:
        """Scalars that the map moves."""
        return [
            (name, o, prior)
            for name in _LOGGED
            for o, prior in sorted(self.priors.get(name, {}).items())
            if prior.family in _FREE
        ]

    def map_between(self, first: _Side, second: _Side) -> _Map:
        """Match means of levels, and means and spreads of scalars."""
        level = [(side.alpha[:, None, :] + side.effect).mean(axis=0) for side in (first, second)]
        # A cluster without rows is known to the first model alone.
        shift = np.where(self.shared[:, None], level[1] - level[0], 0.0)
        middle = shift[self.shared].mean(axis=0)
        # Whose prior is not normal, or whose value is stated, stays where it is.
        alphas = self.priors[names.ALPHA]
        loose = np.array([alphas[o].family == "normal" for o in range(len(alphas))])
        alpha = np.where(loose, middle, 0.0)
        moves = (first.scale > 0).all(axis=0) & self.shared[:, None]
        effect = np.where(moves, shift - alpha, 0.0)
        spread = np.stack([side.logs.std(axis=0) for side in (first, second)])
        stretch = np.where((spread > 0).all(axis=0), spread[1] / np.maximum(spread[0], 1e-300), 1.0)
        return _Map(first.logs.mean(axis=0), second.logs.mean(axis=0), stretch, alpha, effect)

    def side(self, posterior: xr.Dataset, draws: int) -> _Side:
        """Read some draws, under the membership prior of the first model."""
        size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
        at = np.unique(np.linspace(0, size - 1, min(draws, size)).round().astype(np.int64))
        phi = read.phi(posterior, self.known.made, self.known.levels, self.known.stated, at)
        values = [read.flat(posterior, name, at)[:, o] for name, o, _ in self.scalars]
        return _Side(
            phi,
            np.log(np.stack(values, axis=1)) if values else np.empty((at.size, 0)),
            read.flat(posterior, names.ALPHA, at),
            read.flat(posterior, names.CLUSTER_EFFECT, at),
            read.flat(posterior, names.CLUSTER_SCALE, at)[:, None, :],
        )

    def crossed(self, way: _Map, first: _Side, second: _Side) -> Bridge:
        """Weigh the draws of each model under both."""
        stretch = float(np.log(way.stretch).sum())
        there = self._moved(first, way, back=False)
        back = self._moved(second, way, back=True)
        return _meng_wong(
            self._height(first, member=True) - self._height(there, member=False) - stretch,
            self._height(back, member=True) - self._height(second, member=False) - stretch,
        )

    def _moved(self, side: _Side, way: _Map, *, back: bool) -> _Side:
        if back:
            logs = way.middle + (side.logs - way.target) / way.stretch
        else:
            logs = way.target + (side.logs - way.middle) * way.stretch
        sign = -1.0 if back else 1.0
        alpha, effect = side.alpha + sign * way.alpha, side.effect + sign * way.effect
        made = self.known.made
        shift = sign * (way.alpha + way.effect)[made.cluster, made.outcome]
        return _Side(
            self._phi_at(side, logs, side.phi.base + shift), logs, alpha, effect, side.scale
        )

    def _phi_at(self, side: _Side, logs: Floats, base: Floats) -> Phi:
        moved = {
            names.UPLIFT: side.phi.uplift.copy(),
            names.LOADING: side.phi.loading.copy(),
            names.ARTIST_SCALE: side.phi.artist_scale.copy(),
        }
        log_kappa = side.phi.log_kappa.copy()
        for j, (name, o, _) in enumerate(self.scalars):
            if name == names.KAPPA:
                log_kappa[:, :, o] += (logs[:, j] - side.logs[:, j])[:, None]
            else:
                moved[name][:, o] = np.exp(logs[:, j])
        return replace(
            side.phi, base=base, log_kappa=log_kappa, uplift=moved[names.UPLIFT],
            loading=moved[names.LOADING], artist_scale=moved[names.ARTIST_SCALE],
        )  # fmt: skip

    def _height(self, side: _Side, *, member: bool) -> Floats:
        """Return log likelihood and the prior of what the map moves: (draw,)."""
        code = self.known.stated.code if member else NONE
        units = self.known.made.stands_for(len(self.known.levels.artists))
        told = integrate(self.known.made, side.phi, homes=code).log_evidence @ units
        for j, (_, _, prior) in enumerate(self.scalars):
            told = told + prior.log_densities(np.exp(side.logs[:, j])) + side.logs[:, j]
        for o, prior in self.priors[names.ALPHA].items():
            if prior.family == "normal":
                told = told + prior.log_densities(side.alpha[:, o])
        standard = np.divide(
            side.effect, side.scale, out=np.zeros_like(side.effect), where=side.scale > 0
        )
        return told - 0.5 * (standard**2).sum(axis=(1, 2))


def _some(side: _Side, part: slice) -> _Side:
    return _Side(
        side.phi.at(part), side.logs[part], side.alpha[part], side.effect[part], side.scale[part]
    )


def _meng_wong(first: Floats, second: Floats) -> Bridge:
    """Find the ratio of masses from log ratios of densities, at draws of each model."""
    size = np.log([first.size, second.size]) - np.log(first.size + second.size)
    ratio = float(np.median(np.concatenate([first, second])))
    for _ in range(_ROUNDS):
        above = second - np.logaddexp(size[0] + second, size[1] + ratio)
        below = -np.logaddexp(size[0] + first, size[1] + ratio)
        new = (logsumexp(above) - np.log(second.size)) - (logsumexp(below) - np.log(first.size))
        done = abs(new - ratio) < _SETTLED
        ratio = float(new)
        if done:
            break
    return Bridge(ratio, float(np.sqrt(_relative_variance(above) + _relative_variance(below))))


def _relative_variance(logs: Floats) -> float:
    """Return the variance of a mean over its square, neighbours being alike."""
    scaled = np.exp(logs - logs.max())
    scaled /= scaled.mean()
    centred = scaled - 1.0
    variance = float(centred.var())
    alike = float(np.mean(centred[1:] * centred[:-1])) / variance if variance > 0 else 0.0
    alike = min(max(alike, 0.0), 0.99)
    return variance / logs.size * (1 + alike) / (1 - alike)
