r"""Maturity: what share of an outcome has arrived by the day a row was read.

A listener met at some moment of a row's period responds, if ever, after a delay that is
Weibull (exponential at shape 1) with mean ``delay`` days. People arrive evenly over the
period, so that the share of all responses that a row shows is

.. math::

    m = \frac{1}{b - a} \int_a^b 1 - e^{-(t / s)^c} \, dt, \qquad s = d / \Gamma(1 + 1/c),

where a person met last has age ``a`` when the row is read and one met first has age ``b``.
Who never responds is not late: the final rate is the share that ever does. Callers may trust
that a cell made of several rows has the mean of their shares, by denominator, and that an
outcome without a delay has arrived at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.sparse import csr_array
from scipy.special import gammaln

from coterie import names
from coterie.errors import EvidenceError
from coterie.evidence import Evidence
from coterie.typing import Flags, Floats, Integers

LEAST: Final = 1e-6
"""Share that has arrived at least: a row read on its first day says little, not nothing."""
_NODES: Final = 12
_DAY: Final = np.timedelta64(1, "D")
_CHUNK: Final = 2**23


@dataclass(frozen=True, slots=True)
class Ages:
    """How old each observation's people were when they were counted.

    Attributes
    ----------
    log_age
        Logarithm of ages in days: (interval, node).
    mass
        Share of an interval's people near each age; below 1 in sum where some had not been
        met yet: (interval, node).
    observation, interval, share
        Which observation is made of which interval, and how much of it: (entry,) each. An
        observation without an entry has arrived at once.
    """

    log_age: Floats
    mass: Floats
    observation: Integers
    interval: Integers
    share: Floats

    def cut(self, kept: Flags) -> Ages:
        """Keep some observations: (observation,)."""
        own = kept[self.observation]
        place = np.cumsum(kept) - 1
        return replace(
            self,
            observation=place[self.observation[own]],
            interval=self.interval[own],
            share=self.share[own],
        )

    def arrived(self, outcome: Integers, delay: Floats, shape: Floats) -> Floats:
        """Return the share of each observation that has arrived: (draw, observation).

        Parameters
        ----------
        outcome
            Of each observation: (observation,).
        delay, shape
            Mean days and Weibull shape: (draw, outcome).
        """
        found = np.ones((len(delay), outcome.size))
        step = max(1, _CHUNK // max(self.log_age.size * delay.shape[1], 1))
        entries = np.arange(self.observation.size)
        sums = csr_array(
            (np.ones(entries.size), (self.observation, entries)), (outcome.size, entries.size)
        )
        late = np.unique(self.observation)
        for first in range(0, len(delay), step):
            part = slice(first, first + step)
            table = self._shares(delay[part], shape[part])
            own = table[:, self.interval, outcome[self.observation]] * self.share
            found[part, late] = np.clip((sums @ own.T).T[:, late], LEAST, 1.0)
        return found

    def _shares(self, delay: Floats, shape: Floats) -> Floats:
        """Return each interval's share: (draw, interval, outcome)."""
        wide = (slice(None), None, None, slice(None))
        with np.errstate(divide="ignore", over="ignore"):
            log_scale = (np.log(delay) - gammaln(1 + 1 / shape))[wide]
            reach = np.exp(shape[wide] * (self.log_age[None, :, :, None] - log_scale))
        found: Floats = (-np.expm1(-reach) * self.mass[None, :, :, None]).sum(axis=2)
        return found

    def arrays(self, outcome: Integers) -> dict[str, Any]:
        """Return what the model reads, by name; ``outcome`` is over (observation,)."""
        return {
            "log_age": self.log_age,
            "age_mass": self.mass,
            "entry_observation": self.observation,
            "entry_interval": self.interval,
            "entry_share": self.share,
            "entry_outcome": outcome[self.observation],
        }


def ages_of(
    evidence: Evidence, late: tuple[str, ...], cell: Integers, outcome: Integers
) -> Ages | None:
    """Read how old people were when they were counted.

    Parameters
    ----------
    evidence
        The table.
    late
        Names of the outcomes that may have a delay.
    cell, outcome
        Of each observation: (observation,).

    Raises
    ------
    EvidenceError
        If rows of a late outcome do not say when they were counted and read.
    """
    known = [o.name for o in evidence.outcomes]
    columns = [known.index(name) for name in late if name in known]
    if not columns or cell.size == 0:
        return None
    counts, own = evidence.counts, evidence.cell_of_row()
    n = np.where(
        np.isnan(counts[names.NUMERATOR].to_numpy()), 0, counts[names.DENOMINATOR].to_numpy()
    )
    n = np.nan_to_num(n)
    counted = (n[:, columns] > 0).any(axis=1)
    ends = _ages(counts, counted, known[columns[0]])
    place = np.full((int(own.max()) + 1, len(known)), -1, dtype=np.int64)
    place[cell, outcome] = np.arange(cell.size)
    rows, at = np.nonzero(n[:, columns] > 0)
    column = np.array(columns)[at]
    distinct, interval = np.unique(ends[rows], axis=0, return_inverse=True)
    observation = place[own[rows], column]
    total = np.bincount(observation, n[rows, column], cell.size)
    log_age, mass = _nodes(distinct)
    return Ages(
        log_age=log_age,
        mass=mass,
        observation=observation,
        interval=interval.reshape(-1).astype(np.int64),
        share=n[rows, column] / total[observation],
    )


def row_shares(
    counts: xr.Dataset, outcome: str, delay: Floats, shape: Floats, some: Integers | None = None
) -> Floats:
    """Return the share of each row's outcomes that has arrived: (draw, row, outcome).

    Parameters
    ----------
    counts
        Rows with their periods and the day they were read.
    outcome
        Named in what is said of rows that lack them.
    delay, shape
        Over (draw, outcome).
    some
        Rows wanted, by position; left out, all. Others need no dates.
    """
    rows = counts.sizes[names.ROW]
    own = np.arange(rows) if some is None else some
    if not own.size:
        return np.ones((len(delay), 0, delay.shape[1]))
    ends = _ages(counts, np.isin(np.arange(rows), own), outcome)[own]
    distinct, interval = np.unique(ends, axis=0, return_inverse=True)
    ages = Ages(*_nodes(distinct), np.empty(0, int), np.empty(0, int), np.empty(0))
    table = np.clip(ages._shares(delay, shape), LEAST, 1.0)
    found: Floats = table[:, interval.reshape(-1)]
    return found


def arrived_by(age: float, delay: Floats, shape: Floats) -> Floats:
    """Return the share that has arrived at one age in days; ``delay`` 0 arrives at once."""
    with np.errstate(divide="ignore", over="ignore"):
        found: Floats = -np.expm1(-((age * np.exp(gammaln(1 + 1 / shape)) / delay) ** shape))
    return found


def _ages(counts: xr.Dataset, counted: Flags, outcome: str) -> Floats:
    """Return the age of people met last and of those met first, in days: (row, 2)."""
    absent = [n for n in (names.PERIOD_START, names.SEEN) if n not in counts.coords]
    if absent:
        what = " and ".join({names.PERIOD_START: "period", names.SEEN: "seen"}[n] for n in absent)
        raise EvidenceError(
            f"Outcome {outcome!r} has a delay, so that what a row shows depends on its age, and "
            f"the table has no {what}. Read it with Evidence.from_frame(..., period=(...), "
            "seen=...), or state delay as fixed at 0."
        )
    seen = counts[names.SEEN].to_numpy()
    start, end = (counts[n].to_numpy() for n in (names.PERIOD_START, names.PERIOD_END))
    lost = counted & np.isnat(seen)
    if lost.any():
        first = int(np.argmax(lost))
        raise EvidenceError(
            f"Outcome {outcome!r} has a delay, and row {first} (artist "
            f"{counts[names.ARTIST].values[first]!r}) does not say when it was read; "
            f"{int(lost.sum()):,} of {lost.size:,} rows are like this. Fill in the date, or leave "
            "the outcome out of them."
        )
    early = counted & (seen <= start)
    if early.any():
        first = int(np.argmax(early))
        days = np.datetime_as_string(np.array([seen[first], start[first]]), unit="D")
        raise EvidenceError(
            f"Row {first} (artist {counts[names.ARTIST].values[first]!r}) was read on {days[0]}, "
            f"when its period, from {days[1]}, had not begun; {int(early.sum()):,} of "
            f"{early.size:,} rows are like this. Correct the dates; a day is read at its "
            "beginning, a time at that time."
        )
    # A period lasts until the end of its last day, whatever moment of that day is written.
    last = end.astype("datetime64[D]").astype(end.dtype)
    return np.column_stack([(seen - last) / _DAY - 1.0, (seen - start) / _DAY])


def _nodes(ends: Floats) -> tuple[Floats, Floats]:
    """Return log ages and masses of intervals: two of (interval, node)."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    low, high = np.maximum(ends[:, 0], 0.0), np.maximum(ends[:, 1], 1e-9)
    low = np.minimum(low, high)
    # Of people not met yet when the row was read nothing has arrived.
    met = np.where(high > low, (high - low) / np.maximum(ends[:, 1] - ends[:, 0], 1e-12), 1.0)
    ages = low[:, None] + (high - low)[:, None] * (x + 1) / 2
    return np.log(np.maximum(ages, 1e-12)), np.minimum(met, 1.0)[:, None] * w / 2
