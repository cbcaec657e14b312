"""Quantities: numbers that somebody stated, or an error that names them.

Callers may trust that a truth, a text and NaN are no numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from coterie.errors import FindingError

_LARGEST: Final = float(np.finfo(np.float64).max)


def is_number(value: Any) -> bool:
    """Say whether something is a finite number, and neither a truth nor a text."""
    real = isinstance(value, int | float | np.integer | np.floating)
    return real and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def number(value: Any, what: str, *, least: float = 0.0, most: float = np.inf) -> float:
    """Return a stated number between two ends.

    Parameters
    ----------
    value
        What was stated.
    what
        What it is, for the error: ``"The budget"``.
    least, most
        Smallest and largest that it may be; infinity is none.

    Raises
    ------
    FindingError
        If it is no finite number in that range.

    Examples
    --------
    >>> from coterie.findings.quantities import number
    >>> number(3, "The budget")
    3.0
    """
    if is_number(value) and least <= value <= most:
        return float(value)
    ends = f"of at least {least:g}" if most == np.inf else f"from {least:g} to {most:g}"
    raise FindingError(f"{what} is {value!r}; it is a number {ends}.")
