"""Reference: what a rate is compared with, frozen.

A score standardised within the clusters at hand changes when one is added, and of three it is
noise. A reference is a population stated once, by its mean and spread on the scale of the model,
and kept. Callers may trust that it never changes after it was made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from coterie import names
from coterie.errors import FindingError
from coterie.findings.formulas import standardised
from coterie.findings.origin import data_window, fingerprint

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.evidence import Outcome
    from coterie.typing import Floats


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of one outcome.

    Attributes
    ----------
    kind
        ``"binary"`` or ``"count"``.
    centre, spread
        Mean and standard deviation of the log odds of a cell's rate, or of the log of its
        intensity.
    scatter
        How much higher the level that a cell's rate scatters about lies on that scale, on
        average: the log of a mean is above the mean of logs.
    """

    kind: str
    centre: float
    spread: float
    scatter: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("binary", "count"):
            raise FindingError(f"kind is {self.kind!r}; write 'binary' or 'count'.")
        if not (np.isfinite([self.centre, self.spread, self.scatter]).all() and self.spread > 0):
            raise FindingError(
                f"What is usual has centre {self.centre!r} and spread {self.spread!r}; the centre "
                "must be finite and the spread above 0."
            )


@dataclass(frozen=True, slots=True)
class Reference:
    """A frozen population of rates, against which clusters are scored.

    Attributes
    ----------
    outcomes
        What is usual of each outcome, by its name.
    about
        Where it comes from, in words.

    Examples
    --------
    >>> reference = co.Reference.stated({"save": (0.08, 2.0)}, about="our label, 2025")
    >>> reference.scores("save", [0.08, 0.148]).round(1).tolist()
    [0.0, 1.0]
    """

    outcomes: Mapping[str, Usual]
    about: str = "not stated"

    def __post_init__(self) -> None:
        if not self.outcomes:
            raise FindingError("A reference of no outcome scores nothing. Name one or more.")
        object.__setattr__(self, "outcomes", MappingProxyType(dict(self.outcomes)))

    @classmethod
    def of(cls, beliefs: Beliefs, *, rng: np.random.Generator, about: str = "") -> Self:
        """Freeze the next cells of all artists and clusters of some beliefs.

        Parameters
        ----------
        beliefs
            Of a population worth comparing with: a catalogue, a label, last year.
        rng
            Source of chance.
        about
            What it is, in words; left out, the rows and days it was learned from.

        Examples
        --------
        >>> sorted(co.Reference.of(co.example_beliefs(), rng=rng).outcomes)
        ['add', 'depth', 'follow', 'reach', 'save']
        """
        from coterie.beliefs import levels_and_rates

        levels, rates, _ = levels_and_rates(beliefs, rng=rng)
        found = {}
        for outcome in beliefs.evidence.outcomes:
            level, scale = (
                standardised(
                    t.sel({names.OUTCOME: outcome.name}).to_numpy(), 0.0, 1.0, kind=outcome.kind
                )
                for t in (levels, rates)
            )
            found[outcome.name] = Usual(
                outcome.kind, float(scale.mean()), float(scale.std()),
                float(level.mean() - scale.mean()),
            )  # fmt: skip
        said = about or f"{data_window(beliefs)} (beliefs {fingerprint(beliefs)})"
        return cls(found, said)

    @classmethod
    def stated(
        cls, rates: Mapping[str, tuple[float, float]], *, about: str, counts: tuple[str, ...] = ()
    ) -> Self:
        """State what is usual: a middle rate, and the factor between it and an unusual one.

        Parameters
        ----------
        rates
            By outcome: the middle rate, and by which factor its odds (or, of counts, itself)
            differ one standard deviation away.
        about
            Where these numbers come from.
        counts
            Which of the outcomes are counts; all others are of people.
        """
        found = {}
        for name, (middle, factor) in rates.items():
            kind = "count" if name in counts else "binary"
            if not (middle > 0 and factor > 1) or (kind == "binary" and middle >= 1):
                raise FindingError(
                    f"{name!r} is stated as {middle!r}, give or take a factor of {factor!r}; the "
                    "middle lies above 0 (and below 1 for people), the factor above 1."
                )
            centre = standardised(middle, 0.0, 1.0, kind=kind)
            found[name] = Usual(kind, float(centre), float(np.log(factor)))
        return cls(found, about)

    def scores(self, outcome: str, rates: Any, *, of: Literal["next", "levels"] = "next") -> Floats:
        """Return rates of one outcome in standard deviations from what is usual.

        Parameters
        ----------
        outcome
            Its name.
        rates
            Of single cells (``of="next"``), or the levels that cells scatter about.
        of
            Which of the two; levels are compared with levels.
        """
        if outcome not in self.outcomes:
            raise FindingError(
                f"The reference knows no {outcome!r}; it knows {', '.join(self.outcomes)}."
            )
        usual = self.outcomes[outcome]
        centre = usual.centre + (usual.scatter if of == "levels" else 0.0)
        return standardised(rates, centre, usual.spread, kind=usual.kind)

    def check(self, measured: Sequence[Outcome]) -> None:
        """Refuse beliefs whose outcomes are of another kind than here.

        Raises
        ------
        FindingError
            If one is.
        """
        for outcome in measured:
            usual = self.outcomes.get(outcome.name)
            if usual is not None and usual.kind != outcome.kind:
                raise FindingError(
                    f"{outcome.name!r} is {outcome.kind} here and {usual.kind} in the reference, "
                    "so that the two have no scale in common. Use a reference of the same "
                    "outcomes; Reference.stated(..., counts=[...]) names those that are counts."
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the reference as JSON, whole or not at all.

        Raises
        ------
        FindingError
            If the folder is not there.
        """
        from coterie.beliefs import replacing

        told = {"about": self.about, "outcomes": {k: asdict(v) for k, v in self.outcomes.items()}}
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise FindingError(
                f"The folder {target.parent} of {path} does not exist. Make it first."
            )
        with replacing(target, str(path)) as beside:
            beside.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a reference that was saved.

        Raises
        ------
        FindingError
            If the file is none.
        """
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls({k: Usual(**v) for k, v in told["outcomes"].items()}, str(told["about"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise FindingError(f"{path} is no saved reference: {error}.") from None


def checked(reference: Any, measured: Sequence[Outcome]) -> Reference:
    """Return what is a reference of these outcomes, or refuse it with the way to make one.

    Raises
    ------
    FindingError
        If it is none, or an outcome is of another kind there.
    """
    if not isinstance(reference, Reference):
        raise FindingError(
            f"reference is {reference!r}; make one with co.Reference.of(beliefs, rng=rng) or "
            "co.Reference.stated(...)."
        )
    reference.check(measured)
    return reference
