"""Gates: when a cluster is scanned, validated, scaled or left alone.

The three phases and what each is for are the source article's (section 6.3); it gives no
numbers, so that all of these are arguments. Knows nothing of draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from coterie.errors import FindingError
from coterie.findings.quantities import number

Phase = Literal["rest", "scan", "validate", "scale"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
_MOST: Final = 1.0
MOST_PEOPLE: Final = 1e9
"""Listeners of a campaign, at most: more than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """From which probability of paying, and after how many campaigns, a cluster goes on.

    Attributes
    ----------
    validate, scale
        Probability of paying from which a cluster is validated, and scaled.
    campaigns
        Campaigns that must have been counted first, for each of the two: one that spiked once
        is no reason to scale.
    rest
        Probability below which, once a campaign was counted, no further test is worth having.
    hold
        How far below its gate a cluster may fall before it is demoted, where its phase now is
        stated: a phase that changes with every reading is none.
    break_even
        Yield from which a cluster pays: 1 where values are in the currency of the spend.
    people
        Listeners of a campaign that is looked ahead to; left out, the artist's usual one.
    per
        Column of qualified listeners.

    Examples
    --------
    >>> from coterie.findings.gates import Gates
    >>> Gates().phase(0.9, campaigns=1), Gates().phase(0.9, campaigns=2)
    ('validate', 'scale')
    """

    validate: float = 0.5
    scale: float = 0.8
    campaigns: tuple[int, int] = (1, 2)
    rest: float = 0.05
    hold: float = 0.1
    break_even: float = 1.0
    people: float | None = None
    per: str = "listeners"

    def __post_init__(self) -> None:
        for name in ("validate", "scale", "rest", "hold"):
            number(getattr(self, name), name, most=1.0)
        number(self.break_even, "break_even")
        if not self.rest < self.validate < self.scale < _MOST:
            raise FindingError(
                f"The gates are {self.rest!r} to rest, {self.validate!r} to validate and "
                f"{self.scale!r} to scale; they are probabilities in that order, below 1."
            )
        if self.people is not None:
            number(self.people, "people of a campaign", least=1, most=MOST_PEOPLE)
        pair = self.campaigns if isinstance(self.campaigns, tuple | list) else ()
        whole = [c for c in pair if isinstance(c, int) and not isinstance(c, bool)]
        if len(pair) != 2 or len(whole) != 2 or not 0 <= pair[0] <= pair[1]:  # noqa: PLR2004 - one for each gate
            raise FindingError(
                f"campaigns is {self.campaigns!r}; write two whole numbers, to validate and to "
                "scale: scaling needs at least as many, and neither fewer than 0."
            )

    def phase(self, pays: float, *, campaigns: int, now: Phase | None = None) -> Phase:
        """Return the phase of a cluster that pays with a probability, after so many campaigns.

        Parameters
        ----------
        pays
            Probability in [0, 1]; NaN where there is no price yet.
        campaigns
            Counted so far.
        now
            The phase it is in, which it keeps until it falls ``hold`` below its gate.
        """
        # What is above a gate now is held to it, and to those below it, with less.
        at = PHASES.index(now) if now else -1
        hold = [self.hold if at >= PHASES.index(phase) else 0.0 for phase in PHASES]
        if campaigns >= self.campaigns[1] and pays >= self.scale - hold[3]:
            return "scale"
        if campaigns >= self.campaigns[0] and pays >= self.validate - hold[2]:
            return "validate"
        if campaigns and pays < self.rest + (self.hold if now == "rest" else 0.0):
            return "rest"
        return "scan"

    def above(self, phase: Phase) -> float | None:
        """Return the probability that the next phase up asks for; None of the highest."""
        return {"rest": self.validate, "scan": self.validate, "validate": self.scale}.get(phase)


def check_phases(now: Mapping[object, str]) -> None:
    """Refuse phases that are none."""
    if not isinstance(now, Mapping):
        raise FindingError(f"now is {now!r}; name the phase of clusters: {{'gym': 'validate'}}.")
    wrong = {cluster: phase for cluster, phase in now.items() if phase not in PHASES}
    if wrong:
        cluster = next(iter(wrong))
        raise FindingError(
            f"The phase of {cluster!r} is {wrong[cluster]!r}; {len(wrong)} of {len(now)} are like "
            f"this. Write one of {', '.join(PHASES)}."
        )
