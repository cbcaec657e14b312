"""Words: probabilities in natural frequencies.

Callers may trust that certainty is never claimed by rounding.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from coterie.errors import FindingError

OUTCOMES: Final = 20
"""Outcomes that a probability is told by: enough for a decision, and few enough to see."""
_HALF: Final = 0.5
_LEAST: Final = 0.5 / OUTCOMES


def of_twenty(probability: float) -> str:
    """Say a probability in twentieths: ``18 of 20``.

    Parameters
    ----------
    probability
        In [0, 1].

    Returns
    -------
    str
        ``fewer than 1 of 20`` and ``more than 19 of 20`` where rounding would claim certainty.

    Examples
    --------
    >>> from coterie.deck import of_twenty
    >>> of_twenty(0.89), of_twenty(0.999)
    ('18 of 20', 'more than 19 of 20')
    """
    if not 0 <= probability <= 1:
        raise FindingError(f"{probability!r} is no probability. Give a number from 0 to 1.")
    if 0 < probability < _LEAST:
        return f"fewer than 1 of {OUTCOMES}"
    if 1 - _LEAST <= probability < 1:
        return f"more than {OUTCOMES - 1} of {OUTCOMES}"
    return f"{whole(probability)} of {OUTCOMES}"


def whole(probability: float) -> int:
    """Return how many of twenty outcomes a probability is, to the nearest, halves up."""
    return int(np.floor(probability * OUTCOMES + _HALF))


def of_draws(draws: Any) -> str:
    """Say how often something held among draws: never always, for draws are finite.

    Parameters
    ----------
    draws
        Whether it held at each draw.

    Examples
    --------
    >>> from coterie.findings.words import of_draws
    >>> of_draws([True] * 320)
    'more than 19 of 20'
    """
    held = np.asarray(draws, dtype=bool)
    return of_share(float(held.mean()), held.size)


def of_share(share: float, draws: int) -> str:
    """Say a share of so many draws in twentieths: never always, for draws are finite.

    Examples
    --------
    >>> from coterie.findings.words import of_share
    >>> of_share(0.0, 400), of_share(0.5, 400)
    ('fewer than 1 of 20', '10 of 20')
    """
    edge = 0.5 / (draws + 1)
    return of_twenty(float(np.clip(share, edge, 1 - edge)))
