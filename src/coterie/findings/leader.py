"""Leader: whether counts have made one cluster likely, and not the prior alone.

A belief that hardly moved from its prior is what somebody stated, not what was found, however
high it is. Callers may trust that a cluster is called likely only where its probability is a half
or more, the counts have at least doubled its odds, and the next one is 0.1 or more behind.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from coterie.typing import Flags, Floats

LIKELY: Final = 0.5
"""Belief from which a place is likely."""
TIMES: Final = 2.0
"""Factor on a place's odds from which counts are said to speak for it."""
APART: Final = 0.1
"""Lead over the runner-up from which a home is told: 2 of 20 outcomes."""
_EDGE: Final = 1e-12


def raised(belief: Any, prior: Any) -> Flags:
    """Say where counts have at least doubled the odds of a place.

    Parameters
    ----------
    belief, prior
        Probabilities after and before the counts, alike in shape.

    Examples
    --------
    >>> from coterie.findings.leader import raised
    >>> raised([0.62, 0.75], [0.6, 0.2]).tolist()
    [False, True]
    """
    after, before = (
        np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE) for p in (belief, prior)
    )
    found: Flags = after / (1 - after) >= TIMES * before / (1 - before)
    return found


def likely(belief: Any, prior: Any, *, many: bool) -> Flags:
    """Say which places may be called likely of one artist.

    Parameters
    ----------
    belief, prior
        Of every place, with one home elsewhere among them: (place,).
    many
        Whether an artist may belong in several places.

    Returns
    -------
    array
        (place,). With one home at most one is true: the leader, where it is ahead of the
        runner-up.

    Examples
    --------
    >>> from coterie.findings.leader import likely
    >>> likely([0.7, 0.2, 0.1], [0.4, 0.4, 0.2], many=False).tolist()
    [True, False, False]
    >>> likely([0.7, 0.2, 0.1], [0.65, 0.25, 0.1], many=False).tolist()
    [False, False, False]
    """
    own: Floats = np.asarray(belief, dtype=np.float64)
    found: Flags = (own >= LIKELY) & raised(own, prior)
    if many:
        return found
    ordered = np.sort(own)[::-1]
    ahead = ordered.size == 1 or bool(ordered[0] - ordered[1] >= APART - _EDGE)
    leader: Flags = np.arange(own.size) == own.argmax()
    return found & leader & ahead
