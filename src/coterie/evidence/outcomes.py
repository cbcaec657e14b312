"""Outcomes: what was counted, out of what, and whether it speaks of membership.

An outcome is a value, not a column convention. Rooms above may trust that a
name, a kind and two columns are there. Knows nothing of tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from coterie.errors import EvidenceError

Kind = Literal["binary", "count"]
Informs = bool | Literal["organic"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing people did, counted out of those who could have done it.

    Attributes
    ----------
    name
        Label of the outcome, unique in a table.
    kind
        ``"binary"``: people of people, the numerator never exceeds the denominator.
        ``"count"``: events of an exposure, any size.
    numerator, denominator
        Columns of the table. An exposure may be any finite amount of at least 0;
        everything else is a whole number of people or events.
    informs
        Whether the outcome moves beliefs about membership. ``"organic"``: only in
        rows that were not bought (no spend), because bought reach says what was paid.

    Examples
    --------
    >>> co.Outcome.binary("share", successes="shares", trials="listeners").kind
    'binary'
    >>> co.Outcome.count("depth", total="catalog_streams", exposure="new_listeners").kind
    'count'
    """

    name: str
    kind: Kind
    numerator: str
    denominator: str
    informs: Informs = True

    def __post_init__(self) -> None:
        for field in ("name", "numerator", "denominator"):
            value = getattr(self, field)
            if not isinstance(value, str) or not value.strip():
                raise EvidenceError(
                    f"{field} of an outcome is {value!r}; it must be text that is not empty."
                )
        if self.kind not in ("binary", "count"):
            raise EvidenceError(
                f"kind of outcome {self.name!r} is {self.kind!r}; write 'binary' or 'count'."
            )
        if self.numerator == self.denominator:
            raise EvidenceError(
                f"outcome {self.name!r} divides column {self.numerator!r} by itself; "
                "name the column of those who could have responded."
            )
        if self.informs != "organic" and not isinstance(self.informs, bool):
            raise EvidenceError(
                f"informs of outcome {self.name!r} is {self.informs!r}; "
                "write True, False or 'organic'."
            )

    @classmethod
    def binary(cls, name: str, *, successes: str, trials: str, informs: Informs = True) -> Outcome:
        """Make an outcome of people out of people.

        Parameters
        ----------
        name
            Label of the outcome.
        successes, trials
            Columns: those who did it, and those who could have.
        informs
            As in :class:`Outcome`.

        Examples
        --------
        >>> Outcome.binary("save", successes="saves", trials="listeners").kind
        'binary'
        """
        return cls(name, "binary", successes, trials, informs)

    @classmethod
    def count(cls, name: str, *, total: str, exposure: str, informs: Informs = True) -> Outcome:
        """Make an outcome of events over an exposure.

        Parameters
        ----------
        name
            Label of the outcome.
        total, exposure
            Columns: how many events, and the people, time or money they came from.
        informs
            As in :class:`Outcome`.

        Examples
        --------
        >>> Outcome.count("plays", total="plays", exposure="listeners").denominator
        'listeners'
        """
        return cls(name, "count", total, exposure, informs)


STANDARD: Final[tuple[Outcome, ...]] = (
    Outcome("save", "binary", "saves", "listeners"),
    Outcome("add", "binary", "adds", "listeners"),
    Outcome("follow", "binary", "follows", "listeners"),
    Outcome("depth", "count", "downstream_streams", "new_listeners"),
    Outcome("active", "binary", "new_active", "listeners"),
    Outcome("click", "count", "clicks", "impressions"),
    Outcome("adoption", "binary", "listeners", "audience", informs="organic"),
    Outcome("reach", "count", "listeners", "spend", informs=False),
)
"""The outcomes read when none are named, in this order."""


def standard_outcomes(columns: Iterable[str]) -> tuple[Outcome, ...]:
    """Choose the standard outcomes that a table can carry.

    Parameters
    ----------
    columns
        Names of the table's columns.

    Returns
    -------
    tuple of Outcome
        Those of :data:`STANDARD` whose numerator and denominator are both there.

    Examples
    --------
    >>> [outcome.name for outcome in standard_outcomes(["saves", "adds", "listeners"])]
    ['save', 'add']
    """
    there = set(columns)
    return tuple(o for o in STANDARD if o.numerator in there and o.denominator in there)
