"""Exposure: where music is shown and what comes of it there, at every draw.

Makes plain arrays over contexts. Callers may trust that all numbers of one draw belong together,
and that people eligible, times the share shown, times conversion at the usual mix, times what the
mix is worth, are the intents to expect, exactly.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from coterie.errors import FindingError
from coterie.findings.context_levels import DRAWS, Rows, levels_of
from coterie.findings.formulas import shares_of, standardised
from coterie.findings.quantities import is_number
from coterie.findings.reference import Usual
from coterie.findings.shown import ELIGIBLE, IMPRESSIONS, PARTS, Shown

if TYPE_CHECKING:
    from coterie.findings.reference import Reference
    from coterie.typing import Floats

STATED: Final = "stated"
_AMOUNTS_APART: Final = 3.0
"""Scale of how far amounts shown lie apart between contexts, in logs: one may have a hundred times
another's. A convention, used where eligible people are not known."""
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Exposure:
    """Draws over contexts.

    Attributes
    ----------
    contexts
        Labels: those of the table, then those that only the usual mix has.
    weights
        Shares that rates are standardised to: (context,); None without any.
    source
        What these are of: ``"stated"`` or ``"eligible"``; empty without any.
    eligible
        People who could have been shown it: (context,); NaN where not known.
    shown
        Shares of impressions: (draw, context).
    rates
        By part (``"retrieval"``, ``"stream"``, ``"intent"``), those measured: (draw, context).
    borrowed
        By part, contexts of the table in which it was not counted.
    repeated
        Whether some context was counted in more than one period.
    """

    contexts: tuple[Hashable, ...]
    weights: Floats | None
    source: str
    eligible: Floats
    shown: Floats
    rates: Mapping[str, Floats]
    borrowed: Mapping[str, tuple[Hashable, ...]]
    repeated: bool

    @classmethod
    def of(
        cls, table: Shown, usual: Reference, mix: Mapping[Any, float] | None, *,
        rng: np.random.Generator,
    ) -> Self:  # fmt: skip
        """Draw what the counts of a table leave open."""
        eligible = table.amounts(ELIGIBLE)
        contexts, weights, source = _mix_of(table.contexts, eligible, mix)
        size, own = len(contexts), len(table.contexts)
        rates, borrowed, repeated = {}, {}, False
        for part in PARTS:
            rows = table.rows(part, size)
            if rows is None:
                continue
            rates[part] = levels_of(rows, _usual(rows, usual, part), rng=rng)
            times = np.bincount(rows.place, minlength=size)[:own]
            repeated = repeated or bool((times > 1).any())
            borrowed[part] = tuple(contexts[k] for k in np.flatnonzero(times == 0))
        eligible = np.append(eligible, np.zeros(size - own))
        if not np.isfinite(eligible).all() or eligible.sum() == 0:
            rates.pop("retrieval", None)
        amounts = _amounts(table, eligible, rates, rng)
        return cls(
            contexts, weights, source, eligible, shares_of(amounts), rates, borrowed, repeated
        )

    @property
    def conversion(self) -> Floats | None:
        """Return intents an impression: (draw, context); None where not measured."""
        if "stream" not in self.rates or "intent" not in self.rates:
            return None
        return self.rates["stream"] * self.rates["intent"]

    @property
    def retrieved(self) -> Floats | None:
        """Return the share of eligible people who were shown it: (draw,)."""
        if "retrieval" not in self.rates:
            return None
        found: Floats = self.rates["retrieval"] @ shares_of(self.eligible)
        return found

    @property
    def ranking(self) -> tuple[Floats, Floats] | None:
        """Return streams an impression and intents a stream, at the usual mix: (draw,) each."""
        conversion = self.conversion
        if conversion is None:
            return None
        weights = self.shown if self.weights is None else self.weights
        stream = (weights * self.rates["stream"]).sum(axis=1)
        return stream, (weights * conversion).sum(axis=1) / stream

    @property
    def calibration(self) -> Floats | None:
        """Return conversion at the mix shown over that at the usual mix: (draw,)."""
        conversion = self.conversion
        if conversion is None or self.weights is None or len(self.contexts) < 2:  # noqa: PLR2004 - one context has no mix
            return None
        found: Floats = (self.shown * conversion).sum(axis=1) / (conversion @ self.weights)
        return found


def _mix_of(
    known: tuple[Hashable, ...], eligible: Floats, mix: Mapping[Any, float] | None
) -> tuple[tuple[Hashable, ...], Floats | None, str]:
    """Return all contexts and the shares usual of each: stated, or of eligible people."""
    if mix is None:
        if np.isfinite(eligible).all() and eligible.sum() > 0:
            return known, shares_of(eligible), ELIGIBLE
        return known, None, ""
    if not isinstance(mix, Mapping) or not mix:
        raise FindingError(
            f"mix is {mix!r}; give the usual share of impressions of each context: "
            "{'radio': 0.7, 'home': 0.3}."
        )
    missing = [context for context in known if context not in mix]
    if missing:
        raise FindingError(
            f"The usual mix does not name {', '.join(map(repr, missing[:_NAMED]))}; "
            f"{len(missing)} of {len(known)} contexts of the table are missing. It names "
            f"{', '.join(map(repr, [*mix][:_NAMED]))}. State 0 for one that is usually not shown."
        )
    bad = [c for c, share in mix.items() if not _is_share(share)]
    if bad or not sum(mix.values()):
        told = f"{mix[bad[0]]!r} for {bad[0]!r}" if bad else "0 for every context"
        raise FindingError(
            f"The usual mix states {told}; {len(bad) or len(mix)} of {len(mix)} shares are like "
            "this. Give numbers of at least 0, one of them above."
        )
    contexts = (*known, *(c for c, share in mix.items() if c not in known and share > 0))
    return contexts, shares_of([float(mix[c]) for c in contexts]), STATED


def _is_share(value: Any) -> bool:
    return is_number(value) and value >= 0


def _usual(rows: Rows, usual: Reference, part: str) -> Usual:
    """Return what is usual of a part; where nobody states it, an sd about the pooled rate."""
    if part in usual.outcomes:
        return usual.outcomes[part]
    pooled = (rows.above.sum() + 0.5) / (rows.below.sum() + 1)
    return Usual("binary", float(standardised(pooled, 0.0, 1.0, kind="binary")), 1.0)


def _amounts(
    table: Shown, eligible: Floats, rates: Mapping[str, Floats], rng: np.random.Generator
) -> Floats:
    """Return impressions to expect of each context in the periods of the table."""
    if "retrieval" in rates:
        return rates["retrieval"] * eligible
    size, every = eligible.size, np.bincount(table.place, minlength=eligible.size)
    values = table.counts.get(IMPRESSIONS, np.full(table.place.size, np.nan))
    there = np.isfinite(values)
    if not there.any():
        return np.full((DRAWS, size), np.nan)
    above = values[there]
    rows = Rows(above, np.ones(above.size), table.place[there], size)
    usual = Usual("count", float(np.log(above.mean() + 0.5)), 1.0)
    return levels_of(rows, usual, apart=_AMOUNTS_APART, rng=rng) * every
