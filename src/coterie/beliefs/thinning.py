"""Thinning: the law of a rate's part that has arrived, and the law of the whole from its part.

Both keep mean and variance, as :mod:`coterie.beliefs.late_density` reads them; of a count
they are exact. Callers may trust that one undoes the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import expit

from coterie.beliefs import population as read
from coterie.beliefs.maturity import arrived_by, row_shares
from coterie.beliefs.parameters import LATE
from coterie.beliefs.rows import Known
from coterie.evidence import Evidence, Outcome
from coterie.typing import Floats, Integers

_SURE: Final = 1 - 1e-9
_LEAST: Final = 1e-3

type Law = tuple[Floats, Floats]


def thin(outcome: Outcome, law: Law, mature: Floats) -> Law:
    """Return level and kappa of what has arrived, from those of the final rate.

    Parameters
    ----------
    outcome
        What is counted.
    law
        Level and kappa: (draw, row) each.
    mature
        Share that has arrived, in (0, 1]: (draw, row).
    """
    eta, kappa = law
    if outcome.kind == "count":
        return eta + np.log(mature), kappa
    mu, rest = expit(eta), expit(-eta)
    left = rest + (1 - mature) * mu
    level = np.log(np.maximum(mature * mu, np.finfo(float).tiny)) - np.log(left)
    with np.errstate(over="ignore", divide="ignore"):
        return level, left / (mature * rest) * (kappa + 1) - 1


def grown(outcome: Outcome, law: Law, mature: Floats) -> Law:
    """Return level and kappa of the final rate, from those of what has arrived.

    A part that is more than the whole could give stands for a whole of nearly 1.
    """
    eta, kappa = law
    if outcome.kind == "count":
        return eta - np.log(mature), kappa
    mu = np.minimum(expit(eta) / mature, _SURE)
    level = np.log(np.maximum(mu, np.finfo(float).tiny)) - np.log1p(-mu)
    shrunk = (kappa + 1) * mature * (1 - mu) / (1 - mature * mu) - 1
    return level, np.maximum(shrunk, _LEAST)


def share_at(known: Known, part: slice, age: float) -> Floats:
    """Return the share of each outcome that has arrived after some days: (draw, outcome)."""
    delay, shape = (read.flat(known.posterior, name, part) for name in LATE)
    return arrived_by(age, delay, shape)


@dataclass(frozen=True, slots=True)
class Shares:
    """What share of each row's outcomes has arrived, some draws at a time.

    Attributes
    ----------
    late
        Whether each outcome has a delay.
    """

    known: Known
    late: tuple[bool, ...]
    _rows: Evidence
    _cell: Integers | None

    @classmethod
    def of(cls, known: Known, rows: Evidence, cell: Integers | None = None) -> Shares:
        """Read shares by the rows' own ages, or by those of ledger cells, one a row."""
        late = tuple(o.name in known.levels.late for o in known.levels.outcomes)
        return cls(known, late, rows, cell)

    def at(self, part: slice, outcome: int, rows: Integers | None = None) -> Floats:
        """Return the shares of one outcome at some draws: (draw, row), of some rows if named."""
        if self._cell is None:
            delay, shape = (read.flat(self.known.posterior, name, part) for name in LATE)
            own = self.known.levels.outcome_names
            table = row_shares(self._rows.counts, own[outcome], delay, shape, rows)
            return np.ascontiguousarray(table[..., outcome])
        made = self.known.made
        arrived: Any = read.arrived(self.known.posterior, made, part)
        # A cell in which nothing was measured has no observation.
        last = max(int(made.cell.max(initial=0)), int(self._cell.max(initial=0)))
        place = np.full(last + 1, -1, dtype=np.int64)
        of = made.outcome == outcome
        place[made.cell[of]] = np.flatnonzero(of)
        at = place[self._cell]
        return np.where(at >= 0, arrived[:, at], 1.0)
