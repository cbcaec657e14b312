"""Covariates: numbers that stand beside the labels of a row, and how often a unit stands.

Makes :class:`Covariate`, and reads the columns of covariates and of frequency weights.
Callers may trust that every covariate is finite in every row and moves apart from the
others, that every weight is positive, and that one artist has one weight.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie import names
from coterie.errors import EvidenceError, Problem
from coterie.evidence.amounts import read_amounts
from coterie.evidence.wording import listed, of_rows, of_table
from coterie.typing import Floats, Integers

if TYPE_CHECKING:
    from coterie.evidence.frames import Columns
    from coterie.evidence.layout import Layout
    from coterie.evidence.parts import Parts

WIDE: Final = 1e6
"""Distance from 0 beyond which a covariate is likely in an odd unit."""

_EXACT: Final = 1e-9
"""Share of a standardised covariate's spread that rounding alone can leave."""


@dataclass(frozen=True, slots=True)
class Covariate:
    """A numeric column, and the point and unit in which the model reads it.

    The model sees ``(x - centre) / unit``: ``alpha`` is the level at ``centre``, and a
    ``slope`` is the change in level for one ``unit``.

    Attributes
    ----------
    name
        The user's column.
    centre
        Value at which ``alpha`` stands; ``None``: the mean over the rows.
    unit
        Positive; ``None``: the standard deviation over the rows.

    Examples
    --------
    >>> Covariate("tempo", centre=120.0, unit=10.0).unit
    10.0
    """

    name: str
    centre: float | None = None
    unit: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise EvidenceError(f"A covariate names one column, as text; got {self.name!r}.")
        for part, value in (("centre", self.centre), ("unit", self.unit)):
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise EvidenceError(
                    f"The {part} of covariate {self.name!r} is {value!r}, no number."
                )
            if not math.isfinite(value) or (part == "unit" and value <= 0):
                raise EvidenceError(
                    f"The {part} of covariate {self.name!r} is {value}; it must be finite"
                    f"{' and above 0' if part == 'unit' else ''}. Left out, it is the rows'."
                )
            # One type, so that a value read back from a file is equal.
            object.__setattr__(self, part, float(value))

    @property
    def stated(self) -> bool:
        """Whether nothing of it is taken from the rows."""
        return self.centre is not None and self.unit is not None

    def settled(self, values: Floats) -> Covariate:
        """Take what was not stated from the rows."""
        centre = float(np.mean(values)) if self.centre is None else self.centre
        unit = float(np.std(values)) if self.unit is None else self.unit
        return Covariate(self.name, centre, unit)

    def scaled(self, values: Floats) -> Floats:
        """Return ``(x - centre) / unit`` of a settled covariate."""
        if self.centre is None or self.unit is None:
            raise EvidenceError(f"Covariate {self.name!r} has no centre and unit yet.")
        return (values - self.centre) / self.unit


def read_covariates(layout: Layout, columns: Columns) -> tuple[dict[str, Floats], list[Problem]]:
    """Read the columns of covariates: (row,) each, NaN where refused."""
    found: dict[str, Floats] = {}
    told: list[Problem] = []
    for covariate in layout.covariates:
        name = covariate.name
        if name not in columns:
            continue
        amounts, faults = read_amounts(columns[name], name, "covariate")
        fix = "A covariate is a finite number in every row; read labels with factors=."
        told += [p if p.code == "number-as-text" else replace(p, fix=fix) for p in faults]
        told += of_rows(
            "missing-covariate", "error", name, amounts.missing,
            what=f"covariate {name!r} is missing", shows=lambda _: "no value",
            fix="Fill it in or remove the row; a level cannot be read without it.",
        )  # fmt: skip
        found[name] = amounts.values
    return found, told


def check_covariates(layout: Layout, values: dict[str, Floats]) -> list[Problem]:
    """Refuse covariates that the rows cannot tell apart, and warn of a wide one.

    A covariate whose centre and unit are stated may be constant in a table: rows to
    predict often are. A fit asks again with :func:`unidentified`.
    """
    usable = [c for c in layout.covariates if c.name in values]
    told: list[Problem] = []
    for covariate in usable:
        widest = float(np.nanmax(np.abs(values[covariate.name]), initial=0.0))
        if widest > WIDE:
            way = (
                f"The model reads it from {covariate.centre:g} in units of {covariate.unit:g}; "
                "check that they fit it."
                if covariate.stated
                else "It is standardised; check that every row is in one unit."
            )
            told.append(
                of_table(
                    "wide-covariate", "warning", covariate.name,
                    message=f"covariate {covariate.name!r} reaches {widest:g}.", fix=way,
                )
            )  # fmt: skip
    loose = [c.name for c in usable if not c.stated]
    if loose and not any(np.isnan(v).any() for v in values.values()):
        told += unidentified({c.name: values[c.name] for c in usable})
    return told


def unidentified(values: dict[str, Floats]) -> list[Problem]:
    """Find covariates that are constant, or that others say already.

    Parameters
    ----------
    values
        Finite values by name: (row,) each.
    """
    constant = [n for n, v in values.items() if v.min() == v.max()]
    told = [
        of_table(
            "constant-covariate", "error", name,
            message=f"covariate {name!r} is the same in every row: {values[name].flat[0]:g}.",
            fix="It cannot be told from the level; leave it out.",
        )
        for name in constant
    ]  # fmt: skip
    rest = {n: (v - v.mean()) / v.std() for n, v in values.items() if n not in constant}
    tied = _tied(rest)
    if tied:
        told.append(
            of_table(
                "collinear-covariates", "error", tied[-1],
                message=f"covariates {listed([repr(n) for n in tied], 8)} are collinear: each is "
                "told by the others in every row.",
                fix="Their slopes cannot be told apart; leave one out.",
            )
        )  # fmt: skip
    return told


def _tied(standard: dict[str, Floats]) -> tuple[str, ...]:
    """Return the smallest set of covariates one of which the others say, or nothing."""
    for size in range(2, len(standard) + 1):
        whole = np.column_stack(list(standard.values()))
        if np.linalg.svd(whole, compute_uv=False)[-1] > _EXACT * math.sqrt(len(whole)) and (
            len(whole) >= whole.shape[1]
        ):
            return ()
        for some in itertools.combinations(standard, size):
            columns = np.column_stack([standard[n] for n in some])
            least = np.linalg.svd(columns, compute_uv=False)
            if len(columns) < size or least[-1] <= _EXACT * math.sqrt(len(columns)):
                return some
    return ()


def read_weight(layout: Layout, columns: Columns) -> tuple[Floats | None, list[Problem]]:
    """Read how many units each row's artist stands for: (row,), or None."""
    if layout.weight is None or layout.weight not in columns:
        return None, []
    name = layout.weight
    amounts, told = read_amounts(columns[name], name, "covariate")
    told = [replace(p, fix="A weight is a number of units, above 0.") for p in told]
    told += of_rows(
        "missing-weight", "error", name, amounts.missing,
        what=f"weight {name!r} is missing", shows=lambda _: "no value",
        fix="Write 1 for an artist that stands for itself alone.",
    )  # fmt: skip
    told += of_rows(
        "weight-not-positive", "error", name, amounts.values <= 0,
        what=f"weight {name!r} is not above 0", shows=lambda row: f"{amounts.values[row]:g}",
        fix="Remove rows that stand for nobody.",
    )  # fmt: skip
    return amounts.values, told


def check_weight(parts: Parts) -> list[Problem]:
    """Refuse an artist whose rows state different weights."""
    if parts.weight is None or parts.layout.weight is None:
        return []
    weight, artist = parts.weight, parts.labels[names.ARTIST]
    first = _first(artist.codes)
    differs = (weight != weight[first]) & ~np.isnan(weight) & ~np.isnan(weight[first])
    return of_rows(
        "weights-differ", "error", parts.layout.weight, differs,
        what="the weight differs from that of the artist's first row",
        shows=lambda row: f"{artist.at(row)!r}: {weight[row]:g}, first {weight[first[row]]:g}",
        fix="A weight is how many alike artists a row's artist stands for; write it alike in all "
        "rows of one artist.",
    )  # fmt: skip


def covariate_codes(covariates: dict[str, Floats]) -> list[Integers]:
    """Give the distinct values of each covariate numbers in order."""
    return [pd.factorize(values, sort=True)[0].astype(np.int64) for values in covariates.values()]


def unidentified_in(counts: Any, covariates: Sequence[Covariate]) -> list[Problem]:
    """Find what :func:`unidentified` finds in the rows of a table."""
    return unidentified({c.name: counts[c.name].to_numpy() for c in covariates})


def _first(codes: Integers) -> Integers:
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    return first[place].astype(np.int64)
