"""Traffic: people by the source they came from, paid or not, and what they did.

Makes plain arrays of a table whose rows are campaigns. Callers may trust that counts are whole,
that nobody did more than once what can be done once, and that a row is paid or is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from coterie.errors import FindingError
from coterie.findings.catalogue import counts_of, flag
from coterie.findings.intents import intents
from coterie.findings.tables import frame_of
from coterie.findings.thresholds import ACTS

if TYPE_CHECKING:
    from coterie.typing import Flags, Floats, Integers

_PEOPLE: Final = "listeners"
_PAID: Final = {"paid": True, "organic": False}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Rows of people that came, and what they did.

    Attributes
    ----------
    sources
        Paid sources, in order.
    groups
        Of each row: the place of its source, or how many there are for an organic row.
    people
        Of each row.
    acts
        Of each row, by column.
    spend
        Of each paid source; NaN where it is not known.
    """

    sources: tuple[str, ...]
    groups: Integers
    people: Floats
    acts: Mapping[str, Floats]
    spend: Floats

    @classmethod
    def of(cls, table: Any) -> Self:
        """Read a table of traffic.

        Parameters
        ----------
        table
            One row a campaign: ``source``, ``listeners``, some of ``saves``, ``adds`` and
            ``follows``, and ``paid`` (True or False, ``yes`` or ``no``, ``paid`` or ``organic``)
            or ``spend``, which is above 0 where something was paid.

        Raises
        ------
        FindingError
            If a column is missing, a count cannot be one, or a row does not say whether it is paid.
        """
        frame = frame_of(table, "traffic")
        missing = [name for name in ("source", _PEOPLE) if name not in frame]
        there = [name for name in ACTS if name in frame]
        if missing or not there:
            raise FindingError(
                f"The table of traffic has no column {[*missing, ACTS[0]][0]!r}; its columns "
                f"are {', '.join(map(str, frame.columns[:8]))}. Give 'source', 'listeners' and one "
                f"or more of {', '.join(ACTS)}."
            )
        counted = {name: _whole(counts_of(frame[name], name), name) for name in [_PEOPLE, *there]}
        people = np.nan_to_num(counted.pop(_PEOPLE))
        for name, values in counted.items():
            _refuse_more(name, values, people)
        paid = _paid(frame)
        own = people > 0
        labels = frame["source"].fillna("not named").astype(str).str.strip()
        sources = tuple(dict.fromkeys(labels[paid & own]))
        place = {source: k for k, source in enumerate(sources)}
        where = labels.map(place).fillna(len(sources)).to_numpy(dtype=np.int64)
        groups = np.where(paid & own, where, len(sources))
        spend = _spent(frame, np.where(paid, where, len(sources)), len(sources))
        return cls(
            sources, groups[own], people[own], {k: v[own] for k, v in counted.items()}, spend
        )

    @property
    def listeners(self) -> Floats:
        """People of each paid source."""
        sums = np.bincount(self.groups, self.people, len(self.sources) + 1)
        found: Floats = sums[: len(self.sources)]
        return found

    def judged(self, usual: Mapping[str, float]) -> list[str]:
        """Return the acts that every paid source, and what is usual, have counted."""
        groups = range(len(self.sources) + (not usual))
        return [
            name
            for name, values in self.acts.items()
            if (not usual or name in usual)
            and all(np.isfinite(values[self.groups == k]).any() for k in groups)
        ]

    def gap(self, usual: Mapping[str, float]) -> str:
        """Say what is missing for a comparison, or nothing."""
        if not self.sources:
            return "no people came by paid traffic"
        if not usual and not (self.groups == len(self.sources)).any():
            return "nothing says what is usual: no organic rows, and no usual rates stated"
        return "" if self.judged(usual) else "no act is counted of all sources and usual"

    def fits(self, usual: Mapping[str, float], *, draws: int, rng: np.random.Generator) -> Floats:
        """Draw acts a person of each paid source over the usual: (draw, source)."""
        judged, size = self.judged(usual), len(self.sources)
        own = self.groups < size if usual else np.ones(self.groups.size, dtype=bool)
        acts = np.stack([self.acts[name][own] for name in judged], axis=1)
        drawn = intents(acts, self.people[own], self.groups[own], draws=draws, rng=rng)
        whole = sum(usual[name] for name in judged) if usual else drawn[:, [size]]
        found: Floats = drawn[:, :size] / whole
        return found

    def cost(self, source: int) -> str:
        """Say what a source took of all that was spent, where it is known."""
        total = float(np.nansum(self.spend))
        own = float(self.spend[source])
        return f", for {own:,.0f} of {total:,.0f} spent" if np.isfinite(own) and total > 0 else ""

    def caveats(self, usual: Mapping[str, float]) -> Sequence[str]:
        """Say what a reader of the comparison must know."""
        against = "rates that were stated" if usual else "organic rows, who may differ beforehand"
        alone = [s for k, s in enumerate(self.sources) if (self.groups == k).sum() == 1]
        told = [
            f"Judged by {', '.join(self.judged(usual))}, against {against}. Campaigns of a source "
            "have rates of their own; acts of the same people are drawn as if they moved together."
        ]
        if alone:
            told.append(
                f"One row only, and so no more than one campaign's word: {', '.join(alone[:5])}."
            )
        return told


def _paid(frame: pd.DataFrame) -> Flags:
    """Say which rows were paid for."""
    if "paid" in frame:
        told = [_PAID.get(str(v).strip().casefold(), flag(v)) for v in frame["paid"]]
        unsaid = [i for i, v in enumerate(told) if v is None]
        if unsaid:
            value = frame["paid"].tolist()[unsaid[0]]
            empty = not str(value).strip() or (pd.api.types.is_scalar(value) and pd.isna(value))
            raise FindingError(
                f"paid of row {unsaid[0]} is {'empty' if empty else repr(value)}; {len(unsaid)} of "
                f"{len(told)} rows are like this. Write True or False."
            )
        return np.array(told, dtype=bool)
    if "spend" in frame:
        found: Flags = np.nan_to_num(counts_of(frame["spend"], "spend")) > 0
        return found
    raise FindingError(
        "The table of traffic says of no row whether it was paid for. Give a column 'paid' (True "
        "or False) or 'spend' (money, 0 where nothing was paid)."
    )


def _spent(frame: pd.DataFrame, groups: Integers, size: int) -> Floats:
    if "spend" not in frame:
        return np.full(size, np.nan)
    money = np.nan_to_num(counts_of(frame["spend"], "spend"))
    found: Floats = np.bincount(groups, money, size + 1)[:size]
    return found


def _whole(values: Floats, name: str) -> Floats:
    wrong = np.isfinite(values) & (values != np.round(values))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise FindingError(
            f"{name} of row {i} is {values[i]:g}, which is no count of people; {int(wrong.sum())} "
            f"of {len(values)} rows are like this. Give counts, not rates."
        )
    return values


def _refuse_more(name: str, acts: Floats, people: Floats) -> None:
    wrong = np.nan_to_num(acts) > people
    if wrong.any():
        i = int(np.argmax(wrong))
        raise FindingError(
            f"{name} of row {i} are {acts[i]:,.0f} of {people[i]:,.0f} listeners; "
            f"{int(wrong.sum())} of {len(acts)} rows are like this. Count people who did it, once "
            "each."
        )
