"""Context levels: what a rate comes to in each context, from periods that scatter.

The counts of a period are Beta-Binomial (or Gamma-Poisson) about the level of its context, with one
concentration for all contexts; levels differ between contexts, about a middle of the artist's own.
Concentration, middle and difference are integrated over grids, with nothing left out. Callers may
trust that many people of one period do not count as many periods, and that a context without
counts borrows from the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import expit, logsumexp

if TYPE_CHECKING:
    from coterie.findings.reference import Usual
    from coterie.typing import Floats, Integers

DRAWS: Final = 4000
SCATTER: Final = 0.3
"""Standard deviation of the log odds (or log) of a period's rate about its level, before any was
seen; a convention."""
_SCATTERS: Final = 0.02, 1.5, 15
"""Least and most scatter looked at, and how many between."""
_SCATTER_OPEN: Final = 0.8
"""Standard deviation of the logarithm of the scatter."""
APART: Final = 1.5
"""Scale of the half-normal prior of how far contexts lie apart, in log odds: a factor of four. A
convention, and wide on purpose: drawing contexts together always makes a mix look harmless."""
_APARTS: Final = 0.05, 4.0, 10
_WIDE: Final = 2.0
"""How much wider than the reference the artist's middle is believed to lie before the counts, so
that what is usual is compared with and hardly believed."""
_LEVELS: Final = 8.0, 0.005, 241
"""Reach, finest step and number of the nodes of a level, on either side of its estimate."""
_MIDDLES: Final = 6.0, 0.01, 61
_LEAST: Final = 0.5
"""Events added to an estimate about which nodes are laid; no part of the posterior."""
_TINY: Final = float(np.finfo(np.float64).tiny)
_ALMOST_ONE: Final = 1 - 1e-15
_ROWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Rows:
    """Counts of periods.

    Attributes
    ----------
    above, below
        Events, and those who could have, or the exposure: (row,).
    place
        Which context each belongs to: (row,).
    contexts
        How many contexts there are, also those without a row.
    """

    above: Floats
    below: Floats
    place: Integers
    contexts: int


@dataclass(frozen=True, slots=True)
class _Grid:
    """Nodes that the posterior is summed over, and what weighs each."""

    kappas: Floats
    aparts: Floats
    middles: Floats
    log_prior: Floats


def levels_of(
    rows: Rows, usual: Usual, *, apart: float = APART, rng: np.random.Generator
) -> Floats:
    """Draw the level of each context.

    Parameters
    ----------
    rows
        Counts. Rows whose denominator is 0 say nothing.
    usual
        Kind of the outcome, and where its middle may lie: twice as wide as the reference.
    apart
        Scale of the half-normal prior of the standard deviation between contexts, in log odds or
        logs.
    rng
        Source of chance.

    Returns
    -------
    numpy.ndarray
        Rates: (draw, context). Contexts of one draw belong together.
    """
    told = rows.below > 0
    above, below, place = rows.above[told], rows.below[told], rows.place[told]
    seen, at = np.unique(place, return_inverse=True)
    about = _estimates(np.bincount(at, above), np.bincount(at, below), usual)
    grid = _grid(float(about.mean()), usual, apart)
    offsets, log_width = _nodes(*_LEVELS)
    masses, nears = [], []
    for c, centre in enumerate(about):
        own, nodes = at == c, centre + offsets
        masses.append(_log_mass(above[own], below[own], nodes, grid.kappas, usual.kind))
        nears.append(_near(nodes, log_width, grid))
    cells, of_draw = _population(masses, nears, grid, rng)
    middle, spread = grid.middles[cells[1]][of_draw], grid.aparts[cells[2]][of_draw]
    # Contexts without counts are new ones of the same artist.
    eta = middle[:, None] + spread[:, None] * rng.standard_normal((DRAWS, rows.contexts))
    for c, k in enumerate(seen):
        eta[:, k] = about[c] + _drawn(masses[c], nears[c], cells, of_draw, rng)
    found: Floats = _rate(eta, usual.kind)
    return found


def _estimates(above: Floats, below: Floats, usual: Usual) -> Floats:
    """Return about where each context's level lies, on the scale of the model."""
    middle = float(_rate(np.array(usual.centre), usual.kind))
    pooled = (above.sum() + _LEAST) / (below.sum() + _LEAST / middle)
    rate = (above + _LEAST) / (below + _LEAST / pooled)
    found: Floats = np.log(rate)
    return found - np.log1p(-np.minimum(rate, _ALMOST_ONE)) if usual.kind == "binary" else found


def _rate(eta: Floats, kind: str) -> Floats:
    if kind == "count":
        return np.exp(eta)
    return np.clip(expit(eta), _TINY, _ALMOST_ONE)


def _nodes(reach: float, step: float, size: int) -> tuple[Floats, Floats]:
    """Lay nodes about 0, fine in the middle and wide outside, and the log width of each."""
    u = np.linspace(-1, 1, size) * np.arcsinh(reach / step)
    log_width: Floats = np.log(np.cosh(u))
    return step * np.sinh(u), log_width


def _grid(centre: float, usual: Usual, apart: float) -> _Grid:
    scatters, aparts = np.geomspace(*_SCATTERS), apart * np.geomspace(*_APARTS)
    middle = float(_rate(np.array(usual.centre), usual.kind))
    unit = middle * (1 - middle) if usual.kind == "binary" else 1.0
    offsets, log_width = _nodes(*_MIDDLES)
    middles = centre + offsets
    of_scatter = -0.5 * (np.log(scatters / SCATTER) / _SCATTER_OPEN) ** 2
    of_middle = log_width - 0.5 * ((middles - usual.centre) / (_WIDE * usual.spread)) ** 2
    # On a logarithmic grid a density is weighed by its argument.
    of_apart = np.log(aparts) - 0.5 * (aparts / apart) ** 2
    log_prior = of_scatter[:, None, None] + of_middle[:, None] + of_apart
    return _Grid(1 / (scatters**2 * unit), aparts, middles, log_prior)


def _log_mass(above: Floats, below: Floats, nodes: Floats, kappas: Floats, kind: Any) -> Floats:
    """Return how likely a context's rows are: (concentration, node)."""
    from coterie.beliefs import add_log_likelihood

    rate, kappa = np.tile(_rate(nodes, kind), kappas.size), np.repeat(kappas, nodes.size)
    total = np.zeros(rate.size)
    for first in range(0, above.size, _ROWS):
        part = slice(first, first + _ROWS)
        mass = np.zeros((rate.size, above[part].size))
        add_log_likelihood(mass, above[part], below[part], rate, kappa, kind=kind)
        total += mass.sum(axis=1)
    return total.reshape(kappas.size, nodes.size)


def _near(nodes: Floats, log_width: Floats, grid: _Grid) -> Floats:
    """Return how probable each node is under each middle and spread: (middle, apart, node)."""
    gap = (nodes - grid.middles[:, None, None]) / grid.aparts[:, None]
    log_weight = log_width - 0.5 * gap**2
    # Divided by its own sum: a spread finer than the nodes then still weighs 1 in all.
    log_weight -= log_weight.max(axis=-1, keepdims=True)
    found: Floats = np.exp(log_weight)
    return found / found.sum(axis=-1, keepdims=True)


def _population(
    masses: list[Floats], nears: list[Floats], grid: _Grid, rng: np.random.Generator
) -> tuple[tuple[Integers, ...], Integers]:
    """Draw nodes of (concentration, middle, apart): those drawn, and which of them each draw is."""
    log_weight = grid.log_prior.copy()
    for mass, near in zip(masses, nears, strict=True):
        top = float(mass.max())
        likely = np.exp(mass - top) @ near.reshape(-1, near.shape[-1]).T
        log_weight += np.log(np.maximum(likely, _TINY)).reshape(log_weight.shape)
    weight = np.exp(log_weight - logsumexp(log_weight)).ravel()
    flat = rng.choice(weight.size, size=DRAWS, p=weight / weight.sum())
    cells, of_draw = np.unique(flat, return_inverse=True)
    return np.unravel_index(cells, log_weight.shape), of_draw


def _drawn(
    mass: Floats, near: Floats, cells: tuple[Integers, ...], of_draw: Integers,
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Draw a context's level given those nodes, as its distance from the estimate."""
    reach, step, size = _LEVELS
    kappa, middle, apart = cells
    own = np.exp(mass - mass.max(axis=1, keepdims=True))[kappa] * near[middle, apart]
    total = np.cumsum(own, axis=1)
    # Each row rises from its own number to the next, so that one search serves all draws.
    rising = total / total[:, -1:] + np.arange(len(total))[:, None]
    at = np.searchsorted(rising.ravel(), of_draw + rng.random(DRAWS)) - of_draw * size
    # A level is found between nodes: uniform within the cell of the node that was drawn.
    node = np.clip(at, 0, size - 1) + rng.random(DRAWS) - 0.5
    most = np.arcsinh(reach / step)
    found: Floats = step * np.sinh(most * (2 * node / (size - 1) - 1))
    return found
