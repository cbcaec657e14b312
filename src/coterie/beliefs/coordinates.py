"""Coordinates: the free population parameters of a table as one unbounded vector.

Makes a :class:`Space`: which parameters are free, how they lie in a vector, and the
population draws that a batch of vectors stands for. Knows nothing of climbing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from coterie import names
from coterie.beliefs.membership import Phi
from coterie.beliefs.parameters import FACTOR_SCALE, NOT_NEGATIVE, POSITIVE
from coterie.errors import BeliefError
from coterie.typing import Floats

if TYPE_CHECKING:
    from coterie.beliefs.blueprint import Blueprint

INTEGRATED: Final = (
    names.ALPHA,
    names.LOADING,
    names.KAPPA,
    names.ARTIST_SCALE,
    names.SLOPE,
)
"""Parameters that the integrals take as they are, in the order of the vector."""

_FAR: Final = {names.KAPPA: (-12.0, 25.0)}
_LIMITS: Final = (-12.0, 8.0)


@dataclass(frozen=True, slots=True)
class Block:
    """One parameter's free entries.

    Attributes
    ----------
    name
        The parameter.
    at
        Positions of the free entries in the parameter, flattened.
    shape
        Of the whole parameter.
    logged
        Whether the vector holds logarithms.
    """

    name: str
    at: tuple[int, ...]
    shape: tuple[int, ...]
    logged: bool


@dataclass(frozen=True, slots=True)
class Space:
    """Everything needed to read a vector as a population.

    Attributes
    ----------
    blueprint
        The table, the names and the priors.
    values
        Each parameter's stated values, 0 where free: its own shape.
    blocks
        Free parameters, in the order of the vector.
    """

    blueprint: Blueprint
    values: Mapping[str, Floats]
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Length of the vector."""
        return sum(len(block.at) for block in self.blocks)

    def natural(self, x: Floats) -> dict[str, Floats]:
        """Return every parameter in natural units: (batch, ...) from (batch, size)."""
        found = {
            name: np.broadcast_to(v, (len(x), *v.shape)).copy() for name, v in self.values.items()
        }
        start = 0
        for block in self.blocks:
            part = x[:, start : start + len(block.at)]
            start += len(block.at)
            flat = found[block.name].reshape(len(x), -1)
            flat[:, list(block.at)] = np.exp(part) if block.logged else part
            found[block.name] = flat.reshape(len(x), *block.shape)
        return found

    def phi(self, x: Floats) -> Phi:
        """Return the population draws that a batch of vectors stands for."""
        found, made = self.natural(x), self.blueprint.made
        outcome = made.outcome
        base = found[names.ALPHA][:, outcome]
        for i, values in enumerate(made.covariate):
            base = base + found[names.SLOPE][:, i, outcome] * values
        log_kappa = np.log(found[names.KAPPA])
        levels = self.blueprint.levels
        artists, clusters = len(levels.artists), len(levels.clusters)
        wide = np.repeat(log_kappa[:, None, :], clusters, axis=1)
        return Phi(
            base=np.ascontiguousarray(base),
            log_kappa=wide,
            loading=found[names.LOADING],
            artist_scale=found[names.ARTIST_SCALE],
            log_prior=np.zeros((artists, clusters)),
            log_elsewhere=-np.inf,
        )

    def limits(self) -> tuple[Floats, Floats]:
        """Return how far each coordinate is followed: two of (size,)."""
        ends: list[tuple[float, float]] = []
        for block in self.blocks:
            free = (-np.inf, np.inf)
            end = _FAR.get(block.name, _LIMITS) if block.logged else free
            ends += [end] * len(block.at)
        low, high = np.array(ends).reshape(-1, 2).T
        return low, high

    def log_prior(self, x: Floats) -> Floats:
        """Return the log prior density in natural units, constants of joint ones out: (batch,)."""
        found = self.natural(x)
        total = np.zeros(len(x))
        for block in self.blocks:
            priors = self.blueprint.priors(block.name)
            flat = found[block.name].reshape(len(x), -1)
            for place in block.at:
                prior = priors[place % len(priors)]
                if prior.family != "joint":
                    total += prior.log_densities(flat[:, place])
        for joint in self.blueprint.population.joint:
            own = [{name: found[name][i] for name in joint.over} for i in range(len(x))]
            total += np.array([joint.evaluate(values) for values in own])
        return total

    def fixed_at(self, name: str, place: int, value: float) -> Space:
        """Return the space in which one free entry is stated."""
        values = dict(self.values)
        flat = values[name].copy().reshape(-1)
        flat[place] = value
        values[name] = flat.reshape(self.values[name].shape)
        blocks = [
            Block(b.name, tuple(p for p in b.at if b.name != name or p != place), b.shape, b.logged)
            for b in self.blocks
        ]
        return Space(self.blueprint, values, tuple(b for b in blocks if b.at))


def lay_out(blueprint: Blueprint) -> Space:
    """Find the free parameters of a table.

    Raises
    ------
    BeliefError
        If a parameter that the integrals leave sampled is neither stated as 0 nor idle, or
        an outcome may be late.
    """
    _refuse_sampled(blueprint)
    outcomes, covariates = len(blueprint.levels.outcomes), len(blueprint.levels.covariates)
    values: dict[str, Floats] = {}
    blocks: list[Block] = []
    for name in INTEGRATED:
        if name == names.SLOPE and not covariates:
            continue
        shape = (covariates, outcomes) if name == names.SLOPE else (outcomes,)
        priors = blueprint.priors(name)
        free = np.array([p.family != "fixed" for p in priors])
        first = np.array([0.0 if f else p.first for f, p in zip(free, priors, strict=True)])
        values[name] = np.broadcast_to(first, shape).copy()
        at = tuple(np.flatnonzero(np.broadcast_to(free, shape).reshape(-1)).tolist())
        if at:
            blocks.append(Block(name, at, shape, name in POSITIVE | NOT_NEGATIVE))
    return Space(blueprint, values, tuple(blocks))


def _refuse_sampled(blueprint: Blueprint) -> None:
    levels = blueprint.levels
    if levels.late:
        raise BeliefError(
            f"Outcome {levels.late[0]!r} has a delay, which is sampled and not climbed. Take "
            "fit(), or state delay=ParameterPrior.fixed(0.0)."
        )
    several = {
        names.CLUSTER_SCALE: len(levels.clusters) > 1,
        names.PERIOD_SCALE: len(levels.windows) > 1,
        names.KAPPA_SPREAD: len(levels.clusters) > 1,
        FACTOR_SCALE: bool(levels.factors),
    }
    loose = [
        name
        for name, matters in several.items()
        if matters and any(p.family != "fixed" or p.first != 0 for p in blueprint.priors(name))
    ]
    if loose:
        changes = ", ".join(f"{name}=ParameterPrior.fixed(0.0)" for name in loose)
        raise BeliefError(
            f"{', '.join(loose)} may be above 0, and the integrals do not cover what would then "
            f"vary. State {changes} with PopulationPrior.replace, or fit(), which samples it."
        )


def start(space: Space, rng: np.random.Generator | None) -> Floats:
    """Return a vector near what the counts say at first sight, moved by chance if given."""
    made, levels = space.blueprint.made, space.blueprint.levels
    outcomes = len(levels.outcomes)
    units = np.ones(made.y.size) if made.frequency is None else made.frequency
    units = units * made.weight
    above, below = (np.bincount(made.outcome, v * units, outcomes) for v in (made.y, made.n))
    pooled = (above + 0.5) / (below + 1.0)
    count = np.array([o.kind == "count" for o in levels.outcomes])
    share = np.clip(pooled, 1e-7, 1 - 1e-7)
    first: dict[str, Any] = {
        names.ALPHA: np.where(count, np.log(pooled), np.log(share) - np.log1p(-share)),
        names.KAPPA: np.where(count, 0.5, 3.0),
    }
    usual = {names.LOADING: -0.5, names.ARTIST_SCALE: -1.2}
    parts = []
    for block in space.blocks:
        own = first.get(block.name, np.full(block.shape, usual.get(block.name, 0.0)))
        parts.append(np.asarray(own, dtype=np.float64).reshape(-1)[list(block.at)])
    x: Floats = np.concatenate(parts) if parts else np.zeros(0)
    low, high = space.limits()
    moved = x if rng is None else x + rng.standard_normal(x.size)
    return np.clip(moved, low + 1, high - 1)
