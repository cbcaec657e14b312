"""Phases: the stretches of a release, their tasks and gates, read from a playbook file.

Makes :class:`Phase` from tables of TOML, and checks every word and day of them. Callers may trust
that a phase has a task, that days are whole and in order, and that a gate compares a probability.
Knows no date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from coterie.errors import FindingError
from coterie.findings.patterns import PHASES, Book, every, number_of, table_of, text_of

_FURTHEST: Final = 3660
"""Days from a release that a phase may lie away: ten years."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done, from one day until another, counted from the release."""

    name: str
    does: str
    opens: int
    due: int
    source: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A probability of a finding, and what it must reach or not exceed."""

    finding: str
    number: str
    of: str
    threshold: float
    least: bool

    @property
    def words(self) -> str:
        """The gate as it is read."""
        return (
            f"{self.number} of {self.of} in {self.finding}: at {'least' if self.least else 'most'} "
            f"{self.threshold:g}"
        )

    def met(self, value: float) -> bool:
        """Say whether a value lets one go on."""
        return value >= self.threshold if self.least else value <= self.threshold


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a release: its days, what it begins and ends with, its tasks and gates."""

    name: str
    starts: int
    ends: int
    entry: str
    exit: str
    source: str
    tasks: tuple[Task, ...]
    gates: tuple[Gate, ...]


def phases_of(book: Book) -> tuple[Phase, ...]:
    """Read the phases of a playbook.

    Raises
    ------
    FindingError
        If a phase lacks a word, a day or a task, a gate cannot be compared, or two tasks have one
        name.

    Examples
    --------
    >>> from coterie.findings.patterns import book_of
    >>> from coterie.findings.release_phases import phases_of
    >>> [phase.name for phase in phases_of(book_of(None))]
    ['pre-release', 'release week', 'weeks 2 to 6', 'catalogue']
    """
    phases = every(book.rows(PHASES), _phase, "phase", lambda made: made.name)
    tasks = [task.name for phase in phases for task in phase.tasks]
    twice = [name for name in dict.fromkeys(tasks) if tasks.count(name) > 1]
    if twice:
        raise FindingError(
            f"{twice[0]!r} is the id of {tasks.count(twice[0])} tasks; {len(twice)} ids are like "
            "this. Give each its own."
        )
    return phases


def _phase(row: Any) -> Phase:
    words = ("id", "entry", "exit", "source")
    table = table_of(row, (*words, "starts", "ends", "tasks", "gates"))
    name, entry, leave, source = (text_of(table, word) for word in words)
    starts, ends = (_days(table, word) for word in ("starts", "ends"))
    if starts > ends:
        raise FindingError(f"starts is {starts} and ends is {ends}; a phase ends after it starts.")
    told = {part: table.get(part, []) for part in ("tasks", "gates")}
    for part, rows in told.items():
        if not isinstance(rows, list):
            raise FindingError(f"{part} is {rows!r}; write tables under [[{PHASES}.{part}]].")
    if not told["tasks"]:
        raise FindingError(f"It has no task. Write one or more under [[{PHASES}.tasks]].")
    tasks = every(told["tasks"], lambda one: _task(one, starts), "task", lambda made: made.name)
    gates = every(told["gates"], _gate, "gate", lambda made: made.words)
    return Phase(name, starts, ends, entry, leave, source, tasks, gates)


def _task(row: Any, starts: int) -> Task:
    words = ("id", "does", "source")
    table = table_of(row, (*words, "opens", "due"))
    name, does, source = (text_of(table, word) for word in words)
    due = _days(table, "due")
    opens = _days(table, "opens") if "opens" in table else starts
    if opens > due:
        raise FindingError(f"It opens on day {opens} and is due on day {due}; it opens first.")
    return Task(name, does, opens, due, source)


def _gate(row: Any) -> Gate:
    words = ("finding", "number", "of")
    table = table_of(row, (*words, "at_least", "at_most"))
    finding, number, of = (text_of(table, word) for word in words)
    edges = [edge for edge in ("at_least", "at_most") if edge in table]
    if len(edges) != 1:
        raise FindingError("A gate states at_least or at_most, one of the two.")
    edge = number_of(table[edges[0]], edges[0], table[edges[0]])
    if not 0 <= edge <= 1:
        raise FindingError(f"{edges[0]} is {edge:g}; a gate compares a probability, from 0 to 1.")
    return Gate(finding, number, of, edge, edges[0] == "at_least")


def _days(table: Mapping[str, Any], key: str) -> int:
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _FURTHEST:
        raise FindingError(
            f"{key} is {'nothing' if value is None else repr(value)}; write whole days from the "
            f"release, from {-_FURTHEST} to {_FURTHEST}."
        )
    return value
