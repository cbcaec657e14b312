"""Adding: whether two tables can be read as one, and what their columns are then called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coterie.errors import EvidenceError
from coterie.evidence.covariates import Covariate
from coterie.evidence.layout import Layout

if TYPE_CHECKING:
    from coterie.evidence.table import Evidence


def check_addable(first: Evidence, second: Evidence) -> None:
    """Refuse tables that were read with other arguments, naming each difference."""
    known = {o.name: o for o in first.outcomes}
    told = [
        f"outcome {o.name!r} is {known[o.name]} in one table and {o} in the other"
        for o in second.outcomes
        if known.get(o.name, o) != o
    ]
    for part, left, right in (
        ("factors", set(first.factors), set(second.factors)),
        ("cycles", set(first.layout.cycles), set(second.layout.cycles)),
        ("an intersection", first.layout.parts, second.layout.parts),
        ("covariates", _told(first, second), _told(second, first)),
        ("a weight", first.layout.weight is not None, second.layout.weight is not None),
        ("window", first.window, second.window),
        ("a period", first.layout.period is not None, second.layout.period is not None),
        ("a release", first.layout.release is not None, second.layout.release is not None),
        ("currency", first.counts.attrs.get("currency"), second.counts.attrs.get("currency")),
        ("half-life", _days(first), _days(second)),
    ):
        either = part in ("currency", "half-life") and None in (left, right)
        if left != right and not either:
            told.append(f"{part}: {left or 'none'} in one table and {right or 'none'} in the other")
    if told:
        raise EvidenceError(
            f"two tables cannot be added: {'; '.join(told)}. "
            "Read both with the same arguments, money in one currency."
        )


def _days(evidence: Evidence) -> str | None:
    return None if evidence.half_life is None else f"{evidence.half_life.days:g} days"


def _told(evidence: Evidence, other: Evidence) -> set[Covariate]:
    """Return the covariates; what is not stated of one is read as the other table's."""
    theirs = {c.name: c for c in other.layout.covariates}

    def filled(mine: Covariate) -> Covariate:
        like = theirs.get(mine.name, mine)
        centre = like.centre if mine.centre is None else mine.centre
        return Covariate(mine.name, centre, like.unit if mine.unit is None else mine.unit)

    return {filled(covariate) for covariate in evidence.layout.covariates}


def renaming(theirs: Layout, ours: Layout) -> dict[str, str]:
    """Return what each column of one table is called in the other, where that differs."""
    pairs = [
        (theirs.artist, ours.artist), (theirs.cluster, ours.cluster),
        (theirs.release, ours.release), (theirs.seen, ours.seen),
        (theirs.spend, ours.spend), (theirs.currency, ours.currency),
        (theirs.weight, ours.weight),
        *zip(theirs.period or (), ours.period or (), strict=False),
    ]  # fmt: skip
    return {a: b for a, b in pairs if a is not None and b is not None and a != b}
