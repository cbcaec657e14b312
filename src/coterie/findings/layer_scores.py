"""Layer scores: how far each layer lies from what is usual, at every draw.

Callers may trust that a layer that was not measured has no score and a reason, and that all numbers
of one draw belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from coterie.errors import FindingError
from coterie.findings.formulas import standardised
from coterie.findings.reference import Reference, Usual

if TYPE_CHECKING:
    from coterie.findings.exposure import Exposure
    from coterie.typing import Floats

RETRIEVAL: Final = "retrieval"
RANKING: Final = "ranking"
CALIBRATION: Final = "calibration"
LAYER: Final = "layer"
LAYERS: Final = (RETRIEVAL, RANKING, CALIBRATION)
RANKED: Final = ("stream", "intent")
"""Parts of ranking: of impressions, and of streams."""
USUAL_MIX: Final = Usual("count", 0.0, float(np.log(1.25)))
"""What a mix is usually worth: as much as the usual one, give or take a quarter; a convention."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Probabilities by layer, in the order of :data:`LAYERS`; NaN where not measured.

    Attributes
    ----------
    bottleneck
        Of being the lowest, and low enough to hold back.
    lowest
        Of being the lowest.
    below
        Of being low enough.
    nothing
        That no layer is low enough.
    """

    bottleneck: Floats
    lowest: Floats
    below: Floats
    nothing: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Layers at every draw.

    Attributes
    ----------
    rate, index
        By layer, those measured: what it comes to, and its distance from usual in standard
        deviations: (draw,).
    usual
        By layer, the rate that is usual.
    missing
        By layer, why it is not measured.
    """

    rate: Mapping[str, Floats]
    index: Mapping[str, Floats]
    usual: Mapping[str, float]
    missing: Mapping[str, str]

    @classmethod
    def of(cls, drawn: Exposure, usual: Reference) -> Self:
        """Score what was measured against what is usual."""
        missing = _missing(drawn, usual)
        rate: dict[str, Floats] = {}
        index: dict[str, Floats] = {}
        middle: dict[str, float] = {}
        retrieval, ranking, calibration = drawn.retrieved, drawn.ranking, drawn.calibration
        if retrieval is not None and RETRIEVAL not in missing:
            rate[RETRIEVAL] = retrieval
            index[RETRIEVAL] = usual.scores(RETRIEVAL, retrieval)
            middle[RETRIEVAL] = _middle(usual.outcomes[RETRIEVAL])
        if ranking is not None and RANKING not in missing:
            stream, intent = ranking
            rate[RANKING] = stream * intent
            index[RANKING] = _together(usual, {"stream": stream, "intent": intent})
            middle[RANKING] = float(np.prod([_middle(usual.outcomes[p]) for p in RANKED]))
        if calibration is not None and CALIBRATION not in missing:
            own = usual.outcomes.get(CALIBRATION, USUAL_MIX)
            rate[CALIBRATION] = calibration
            index[CALIBRATION] = standardised(calibration, own.centre, own.spread, kind=own.kind)
            middle[CALIBRATION] = _middle(own)
        if not rate:
            told = "; ".join(f"{layer}: {why}" for layer, why in missing.items())
            raise FindingError(f"None of the three layers can be measured. {told}.")
        return cls(rate, index, middle, missing)

    def chances(self, at_least: float) -> Chances:
        """Return how probable it is that each layer holds back, by so many sd or more."""
        none = np.full(next(iter(self.index.values())).shape, np.nan)
        index = np.stack([self.index.get(layer, none) for layer in LAYERS], axis=1)
        measured = ~np.isnan(index[0])
        first = np.where(measured, index, np.inf).argmin(axis=1)[:, None] == np.arange(len(LAYERS))
        low = index < -at_least
        # One layer alone is the lowest of nothing.
        compared = measured & (measured.sum() > 1)
        return Chances(
            np.where(compared, (first & low).mean(axis=0), np.nan),
            np.where(compared, first.mean(axis=0), np.nan),
            np.where(measured, low.mean(axis=0), np.nan),
            float((~low.any(axis=1)).mean()),
        )


def _missing(drawn: Exposure, usual: Reference) -> dict[str, str]:
    """Return why layers are not measured."""
    found = {}
    if "retrieval" not in drawn.rates:
        found[RETRIEVAL] = "it needs impressions, and eligible people in every context"
    elif RETRIEVAL not in usual.outcomes:
        found[RETRIEVAL] = "the reference does not state what is usual of 'retrieval'"
    unknown = [part for part in RANKED if part not in usual.outcomes]
    if drawn.conversion is None:
        found[RANKING] = found[CALIBRATION] = "it needs impressions, streams and intents"
    elif unknown:
        told = " and ".join(map(repr, unknown))
        found[RANKING] = f"the reference does not state what is usual of {told}"
    if CALIBRATION not in found and drawn.calibration is None:
        found[CALIBRATION] = (
            "it needs a usual mix, or eligible people in every context"
            if drawn.weights is None else "one context is no mix"
        )  # fmt: skip
    return found


def _middle(usual: Usual) -> float:
    middle = np.exp(usual.centre)
    return float(middle / (1 + middle) if usual.kind == "binary" else middle)


def _together(usual: Reference, rates: Mapping[str, Floats]) -> Floats:
    """Return how far rates lie from usual together, as if what is usual of one told no other."""
    spread = np.array([usual.outcomes[part].spread for part in rates])
    scores = np.stack([usual.scores(part, rate) for part, rate in rates.items()], axis=-1)
    found: Floats = scores @ spread / np.sqrt((spread**2).sum())
    return found
