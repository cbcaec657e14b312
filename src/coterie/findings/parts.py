"""Parts: what a check looked at, put together to one finding of a blocker.

A part says at every draw whether the problem is there, or as a fact, or that it is not known.
Callers may trust that what was not looked at is never called fine, and that only a fact has a
probability of 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie.findings.finding import UNIT, Finding, Severity
from coterie.findings.responses import interval
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.findings.thresholds import Thresholds
    from coterie.typing import Flags, Floats

DRAWS: Final = 4000
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing a check looked at.

    Attributes
    ----------
    name
        What it is.
    held
        Whether the problem is there: at each draw, as a fact, or None where it is not known.
    evidence
        In words, with the number and its limit.
    value
        The number, at each draw or as a fact.
    limit
        What it is held against.
    unit
        Of both.
    decides
        Whether the problem being there is the blocker being there; others are detail.
    must
        Whether the check is incomplete without it.
    """

    name: str
    held: Flags | bool | None
    evidence: str
    value: Floats | float = float("nan")
    limit: float = float("nan")
    unit: str = "count"
    decides: bool = True
    must: bool = True

    @property
    def probability(self) -> float:
        """How probable the problem is; NaN where it is not known."""
        return float("nan") if self.held is None else share_of(self.held)


def share_of(held: Flags | bool) -> float:
    """Return how probable something is; of finite draws never quite 0 or 1, unlike of a fact."""
    if isinstance(held, bool):
        return float(held)
    edge = 0.5 / (held.size + 1)
    return float(np.clip(held.mean(), edge, 1 - edge))


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """What is looked for: its name, why it matters and the way out."""

    name: str
    why: str
    fix: str

    def found(
        self, parts: Sequence[Part], thresholds: Thresholds, *, caveats: Sequence[str] = ()
    ) -> Finding:
        """Put parts together to a finding with a severity.

        Parameters
        ----------
        parts
            One or more.
        thresholds
            Probabilities from which a problem blocks and weakens.
        caveats
            What a reader must know first.
        """
        held, severity = _together(parts, thresholds)
        evidence = _evidence(parts, severity, thresholds)
        how = ""
        if severity != "not checked" and not isinstance(held, bool):
            share = float(np.mean(held))
            often = of_share(1 - share if severity == "fine" else share, held.size)
            how = f", in {often} equally likely outcomes"
        said = {"fine": "does not block", "not checked": "was not checked"}.get(severity, severity)
        headline = f"{self.name.capitalize()} {said}{how}: {evidence}."
        return Finding(
            kind="blocker", headline=headline, severity=severity,
            table=_table(parts, thresholds).assign(
                {
                    "probability": ((), _probability(held, severity), {UNIT: "probability"}),
                    "fix": ((), self.fix, {UNIT: "words"}),
                }
            ),
            caveats=tuple(caveats),
            provenance={"check": self.name, "why": self.why, "evidence": evidence},
        )  # fmt: skip


def _probability(held: Flags | bool, severity: Severity) -> float:
    return float("nan") if severity == "not checked" else share_of(held)


def _together(parts: Sequence[Part], thresholds: Thresholds) -> tuple[Flags | bool, Severity]:
    """Say at each draw whether any deciding part has the problem, and how severe that is."""
    decide = [part for part in parts if part.decides]
    known = [part.held for part in decide if part.held is not None]
    facts = any(held for held in known if isinstance(held, bool))
    drawn = [held for held in known if not isinstance(held, bool)]
    held: Flags | bool = facts if facts or not drawn else np.any(np.stack(drawn), axis=0)
    severity = thresholds.of(share_of(held))
    unknown = not known or any(part.held is None for part in decide if part.must)
    # What is known to be bad stays bad; only a clean bill needs everything to have been seen.
    return held, "not checked" if severity == "fine" and unknown else severity


def _evidence(parts: Sequence[Part], severity: Severity, thresholds: Thresholds) -> str:
    """Tell the worst of what decides; of a check that is incomplete, what is missing."""
    decide = [part for part in parts if part.decides]
    if severity == "not checked":
        chosen = [part for part in decide if part.held is None and part.must] or decide
    elif severity == "fine":
        chosen = [part for part in decide if part.held is not None]
    else:
        bad = [p for p in decide if p.held is not None and thresholds.of(p.probability) != "fine"]
        # Several small doubts can weaken together where none of them does alone.
        chosen = bad or [part for part in decide if part.held is not None]
        chosen = sorted(chosen, key=lambda part: -part.probability)
    left = len(chosen) - _SHOWN
    told = "; ".join(part.evidence for part in chosen[:_SHOWN])
    return told + (f"; and {left} more" if left > 0 else "")


def _table(parts: Sequence[Part], thresholds: Thresholds) -> xr.Dataset:
    ends = [
        interval(np.asarray(p.value), None)[:3]
        if isinstance(p.value, np.ndarray)
        else (p.value, np.nan, np.nan)
        for p in parts
    ]
    mean, lower, upper = (np.array(v, dtype=np.float64) for v in zip(*ends, strict=True))
    attrs = {UNIT: "as named"} | interval(np.zeros(1), None)[3]
    words: dict[str, Any] = {UNIT: "words"}
    severities = ["not checked" if p.held is None else thresholds.of(p.probability) for p in parts]
    chance = {UNIT: "probability", "says": "how probable the problem is"}
    dim = "part"
    return xr.Dataset(
        {
            "problem": (dim, [part.probability for part in parts], chance),
            "severity": (dim, severities, words),
            "value": (dim, mean, attrs),
            "value_lower": (dim, lower, attrs),
            "value_upper": (dim, upper, attrs),
            "limit": (dim, [float(part.limit) for part in parts], {UNIT: "as named"}),
            "unit": (dim, [part.unit for part in parts], words),
            "evidence": (dim, [part.evidence for part in parts], words),
        },
        coords={dim: [part.name for part in parts]},
        attrs={"main": "problem", "draws": DRAWS},
    )  # fmt: skip
