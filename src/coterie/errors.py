"""One error tree.

::

    CoterieError (Exception)
    |-- EvidenceError (ValueError)    a table that cannot be read as evidence
    |-- BeliefError (ValueError)      a prior, a fit or a saved belief that cannot stand
    |   `-- CorruptResultError        a saved file that is not what was saved
    |-- FindingError (ValueError)     a question that these beliefs cannot answer
    `-- FitInterrupted                sampling was stopped by the user

``EvidenceWarning`` (UserWarning) stands beside the tree: the table was read. So does
``ConvergenceWarning`` (UserWarning): a fit was made whose draws are in doubt; and
``ImproperPriorWarning`` (UserWarning): a prior without finite mass was stated.
Catch ``CoterieError`` for all of them. Each message says what was found, where
it stands, how much is like it, and the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a table says that evidence cannot, or should not, say.

    Attributes
    ----------
    code
        Short stable name of the rule, for programs: ``"successes-exceed-trials"``.
    severity
        ``"error"`` stops the table; ``"warning"`` is recorded beside it.
    column
        Column concerned, or ``None`` when the rule is about the whole table.
    rows
        Positions of all rows concerned, counted from 0; empty for a whole-table rule.
    message
        One plain sentence: the value, where it stands, how many rows are like it.
    fix
        The way out, one sentence.

    Examples
    --------
    >>> found = co.check(pd.DataFrame({"artist": ["a"], "cluster": ["gym"], "listeners": [3]}))
    >>> found[0].code
    'no-outcome'
    """

    code: str
    severity: Severity
    column: str | None
    rows: tuple[int, ...]
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{self.message} {self.fix}"


class CoterieError(Exception):
    """Anything coterie refuses, and why.

    Examples
    --------
    >>> try:
    ...     co.example_beliefs("three")
    ... except co.CoterieError as error:
    ...     print(type(error).__name__)
    BeliefError
    """


class EvidenceError(CoterieError, ValueError):
    """A table that cannot be read as evidence; ``problems`` holds every error found."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = () if isinstance(problems, str) else tuple(problems)
        super().__init__(problems if isinstance(problems, str) else _listing(self.problems))


class EvidenceWarning(UserWarning):
    """A table that was read, with something in it a person should look at."""


class ConvergenceWarning(UserWarning):
    """A fit that was made, with draws that cannot be relied on yet."""


class ImproperPriorWarning(UserWarning):
    """A prior declared improper: the posterior may not exist, and nothing here can tell."""


class BeliefError(CoterieError, ValueError):
    """A prior, a fit or a saved belief that cannot stand."""


class CorruptResultError(BeliefError):
    """A saved file that is damaged, or that is not what was saved; nothing of it was read."""


class FindingError(CoterieError, ValueError):
    """A question that these beliefs cannot answer."""


class FitInterrupted(CoterieError):  # noqa: N818 - named for what happened; nothing is wrong
    """Sampling was stopped by the user before the draws asked for were made."""


def _listing(problems: Sequence[Problem]) -> str:
    if len(problems) == 1:
        return str(problems[0])
    lines = "\n".join(f"  {i}. {problem}" for i, problem in enumerate(problems, start=1))
    return f"{len(problems)} problems in this table:\n{lines}"
