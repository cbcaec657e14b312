"""Choosing: labels that somebody asked for, each once, or an error with the nearest known ones."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence
from typing import Any, Final

from coterie.errors import BeliefError

_SHOWN: Final = 3


def chosen(wanted: Sequence[Hashable] | Hashable, known: list[Any], what: str) -> list[Any]:
    """Return labels as they are known, each once, in the order asked for.

    Parameters
    ----------
    wanted
        One label, or several; a label that is no text can be named by how it is written.
    known
        All labels there are.
    what
        What a label is of, in one word.

    Raises
    ------
    BeliefError
        If none is named, or one is unknown.
    """
    asked = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else [*wanted]
    if not asked:
        raise BeliefError(f"No {what} is named. Name one or more, or leave the argument out.")
    written = {str(label): label for label in known}
    found = [label if label in known else written.get(str(label)) for label in asked]
    missing = [label for label, own in zip(asked, found, strict=True) if own is None]
    if missing:
        near = difflib.get_close_matches(str(missing[0]), list(written), n=_SHOWN, cutoff=0.3)
        told = ", ".join(near or [str(k) for k in known[:_SHOWN]])
        raise BeliefError(
            f"{missing[0]!r} is not among the {len(known):,} {what}s here; {len(missing)} of "
            f"{len(asked)} are like this. Did you mean one of: {told}?"
        )
    return list(dict.fromkeys(label for label in found if label is not None))
