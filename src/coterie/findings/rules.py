"""Rules: what a budget must keep.

Sleeves, floors, caps, lines fixed by hand and what is validated. Callers may trust that rules
which were made are numbers and names of the right kind; whether they can be kept together is for
the budget to say.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from coterie import names
from coterie.errors import FindingError
from coterie.findings.finding import Finding
from coterie.findings.quantities import is_number, number

VALIDATED: Final = "validated"
ADJACENT: Final = "adjacent"
EXPERIMENT: Final = "experiment"
SLEEVES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {VALIDATED: (0.70, 0.80), ADJACENT: (0.15, 0.20), EXPERIMENT: (0.05, 0.10)}
)
"""Share of a budget for each sleeve, from and to: the source article, section 8.3."""
PROVEN: Final = 0.8
"""Probability of paying from which a cluster counts as validated, where none is named."""
MONEY: Final = ("floors", "caps", "fixed", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an allocation must keep.

    Attributes
    ----------
    sleeves
        Share of each sleeve, from and to.
    maturity
        Of the artist, in [0, 1]: an emerging one (0) explores as much as the sleeves allow, an
        established catalogue (1) as little; ``"ucb"`` adds ``2 * (1 - maturity)`` standard
        deviations unless ``curiosity`` says how many.
    curiosity
        Standard deviations that ``"ucb"`` adds.
    break_even
        Yield from which a cluster pays: 1 where values are in the currency of the spend.
    validated
        Clusters that count as validated, or the finding of :func:`coterie.phases` that says which
        are validated or scaled; left out, those that pay with a probability of 0.8.
    floors, caps
        Money a cluster must have, and may have, over all its lines.
    fixed
        Money that is given away already: the cluster gets exactly this.
    least_test
        Money below which a line is not worth having.
    pending
        Money that is out and whose answers have not come: it counts against a cluster's cap, and
        a cluster that has some gets no experiment on top.
    unit
        Smallest amount of money: 1 for whole euros, 0.01 for cents.
    per
        Column of qualified listeners, as in :func:`coterie.durable_yield`.
    audit
        Of the same artist, from :func:`coterie.audit`: where it is not ready to scale, no money is
        given without a reason.
    despite
        The reason to give it all the same; it is kept with the finding.

    Examples
    --------
    >>> rules = co.Rules(maturity=0.2, floors={"indie pop": 500}, least_test=100)
    >>> rules.sleeves["validated"]
    (0.7, 0.8)
    """

    sleeves: Mapping[str, tuple[float, float]] = field(default_factory=lambda: SLEEVES)
    maturity: float = 0.5
    curiosity: float | None = None
    break_even: float = 1.0
    validated: Sequence[Hashable] | Finding | None = None
    floors: Mapping[Any, float] = field(default_factory=dict)
    caps: Mapping[Any, float] = field(default_factory=dict)
    fixed: Mapping[Any, float] = field(default_factory=dict)
    least_test: float = 0.0
    pending: Mapping[Any, float] = field(default_factory=dict)
    unit: float = 1.0
    per: str = "listeners"
    audit: Finding | None = None
    despite: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.despite, str):
            raise FindingError(f"despite is {self.despite!r}; write the reason, or leave it out.")
        number(self.break_even, "break_even")
        number(self.maturity, "maturity", most=1.0)
        number(self.least_test, "least_test")
        if self.curiosity is not None:
            number(self.curiosity, "curiosity")
        if number(self.unit, "unit") == 0:
            raise FindingError(f"unit is {self.unit!r}; it is money above 0, such as 1 or 0.01.")
        if not isinstance(self.sleeves, Mapping):
            raise FindingError(
                f"sleeves is {self.sleeves!r}; give (from, to) by sleeve, or leave it out."
            )
        for what in MONEY:
            _refuse_no_money(what, getattr(self, what))
        if isinstance(self.validated, Finding) and self.validated.kind != "phases":
            raise FindingError(
                f"validated is a finding of {self.validated.kind}; hand in one of co.phases, or "
                "name the clusters."
            )

    @property
    def proven(self) -> list[Hashable] | None:
        """Clusters that were said to be validated; None where nobody said."""
        if not isinstance(self.validated, Finding):
            return None if self.validated is None else list(self.validated)
        phase = self.validated.table["phase"]
        return [
            cluster
            for cluster, told in zip(phase[names.CLUSTER].values, phase.values, strict=True)
            if told in ("validate", "scale")
        ]


def _refuse_no_money(what: str, given: Any) -> None:
    if not isinstance(given, Mapping):
        raise FindingError(
            f"{what} is {given!r}; give money by cluster, such as {{'gym': 500}}, or leave it out."
        )
    wrong = [cluster for cluster, money in given.items() if not is_money(money)]
    if wrong:
        raise FindingError(
            f"{what} of {wrong[0]!r} is {given[wrong[0]]!r}; {len(wrong)} of {len(given)} are like "
            "this. Give money of at least 0, or leave the cluster out."
        )


def is_money(money: Any) -> bool:
    """Say whether something is money: a number of at least 0."""
    return is_number(money) and money >= 0
