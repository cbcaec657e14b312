"""Chain: one walker's density and what each of its points stands for.

Makes :class:`Chain` of a layout. Callers may trust that chains share nothing they write, so that
each may run in a thread of its own, and that nothing here is compiled for one table only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from coterie import names
from coterie.beliefs.book import book_of
from coterie.beliefs.joint import JointPrior
from coterie.beliefs.joint_slopes import JointSlopes
from coterie.beliefs.vector_density import evidence, log_density, place, population
from coterie.beliefs.vector_index import (
    CLUSTER_SCALE,
    FIRST_FACTOR,
    KAPPA,
    OWN,
    PERIOD_SCALE,
    SCATTER,
    SIZE,
    SPLIT,
    START,
)
from coterie.beliefs.vector_maps import FIXED
from coterie.beliefs.vector_plan import Layout
from coterie.typing import Floats

_ROW = {name: row for row, name in enumerate(OWN)}


class Chain:
    """A density to walk on.

    Parameters
    ----------
    layout
        Where each coordinate lies.
    joint
        Joint priors of the population.
    """

    def __init__(self, layout: Layout, joint: Sequence[JointPrior] = ()) -> None:
        self.layout = layout
        self._room = layout.room()
        self._books = book_of(layout.plan), book_of(self._room)
        self._slopes = np.zeros(layout.size)
        outcomes = len(layout.levels.outcomes)
        shapes = dict.fromkeys(OWN, (outcomes,)) | {names.ALPHA: (outcomes,)}
        whole = {**shapes, names.SLOPE: (len(layout.levels.covariates), outcomes)}
        self._joint = [JointSlopes(each, whole) for each in joint]

    def density(self, x: Floats) -> tuple[float, Floats]:
        """Return the log density and its gradient, which the next call writes over."""
        if not self._joint:
            return log_density(x, self._slopes, *self._books), self._slopes
        given = x, self._slopes, *self._books
        value = population(*given)
        value += self._add_joint()
        return value + evidence(*given), self._slopes

    def _add_joint(self) -> float:
        room, total = self._room, 0.0
        values = {name: room.value[row] for name, row in _ROW.items()}
        with np.errstate(over="ignore"):
            values[names.KAPPA] = np.exp(room.value[KAPPA])
        values |= {names.ALPHA: room.alpha[0], names.SLOPE: room.slope}
        for joint in self._joint:
            value, slopes = joint(values)
            total += value
            for name, by in slopes.items():
                if name == names.ALPHA:
                    room.alpha[1] += by
                elif name == names.SLOPE:
                    room.by_slope[:] += by
                else:
                    room.by_value[_ROW[name]] += by * values[name] if name == names.KAPPA else by
        return total if math.isfinite(total) else math.nan

    def values(self, x: Floats) -> dict[str, Floats]:
        """Return every variable that a point stands for, by name."""
        layout, room = self.layout, self._room
        plan, levels = layout.plan, layout.levels
        place(x, self._slopes, *self._books)
        clusters, outcomes = room.mean.shape
        rows = len(OWN) if levels.late else _ROW[names.DELAY]
        found = {name: room.value[row].copy() for name, row in _ROW.items() if row < rows}
        with np.errstate(over="ignore"):
            found[names.KAPPA] = np.exp(found[names.KAPPA])
        stated = plan.family[KAPPA] == FIXED
        found[names.KAPPA][stated] = plan.prior[0, KAPPA][stated]
        found[names.ALPHA] = room.alpha[0].copy()
        if layout.scatters:
            found[names.KAPPA_CLUSTER] = _block(x, layout, SCATTER).reshape(clusters, outcomes)
        found |= self._split(x)
        for i, factor in enumerate(levels.factors):
            size, start = plan.factor[i, SIZE], plan.factor[i, START]
            found[f"{names.FACTOR_SCALE}{factor}"] = room.value[FIRST_FACTOR + i].copy()
            found[f"{names.FACTOR_EFFECT}{factor}"] = room.effect[start : start + size].copy()
        if levels.covariates:
            found[names.SLOPE] = room.slope.copy()
        found[names.ARTIST_EFFECT] = room.artist[3].reshape(-1, outcomes).copy()
        found[names.AFFINITY] = room.pair[0].copy()
        return found

    def _split(self, x: Floats) -> dict[str, Floats]:
        """Split means of clusters over their windows into clusters' own effects and windows'.

        The cluster's own effect, given its mean over windows: exact, and unknown to the data.
        """
        layout, room = self.layout, self._room
        if not layout.drifts:
            return {names.CLUSTER_EFFECT: room.mean.copy()}
        between, within = room.value[CLUSTER_SCALE], room.value[PERIOD_SCALE]
        own = within / math.sqrt(layout.plan.window[1].sum())
        spread = np.sqrt(between**2 + own**2 + 1e-300)
        apart = _block(x, layout, SPLIT).reshape(room.mean.shape)
        effect = room.mean * (between / spread) ** 2 + apart * between * own / spread
        windows = room.mean[:, None] + room.deviation - effect[:, None]
        return {names.CLUSTER_EFFECT: effect, names.PERIOD_EFFECT: windows}


def _block(x: Floats, layout: Layout, block: int) -> Floats:
    """Return a copy of one block of a vector."""
    first, last = layout.plan.places[block : block + 2]
    return x[first:last].copy()
