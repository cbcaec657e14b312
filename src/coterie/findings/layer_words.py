"""Layer words: what holds music back, in sentences that claim no more than the numbers.

Callers may trust that a layer above what is usual is never called a bottleneck, and that what was
not measured is said before anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coterie.findings.context_levels import DRAWS, SCATTER
from coterie.findings.exposure import STATED
from coterie.findings.layer_scores import CALIBRATION, LAYER, RANKING
from coterie.findings.shown import ELIGIBLE
from coterie.findings.words import of_share

if TYPE_CHECKING:
    import xarray as xr

    from coterie.findings.exposure import Exposure
    from coterie.findings.layer_scores import Scores
    from coterie.findings.reference import Reference

_NAMED: Final = 5
_LIKELY: Final = 0.5
"""Probability from which a layer is named as what holds it back: more likely than all else."""


def headline_of(table: xr.Dataset, scores: Scores, at_least: float) -> str:
    """Say which layer holds it back, how surely, and by how much."""
    edge = f"more than {at_least:g} standard deviations " if at_least else ""
    if len(scores.index) == 1:
        return _alone(table, next(iter(scores.index)), edge)
    held = table["bottleneck"].to_series().sort_values(ascending=False, kind="stable").dropna()
    nothing = float(table["nothing"])
    if nothing > held.iloc[0]:
        lowest = str(table["lowest"].idxmax(LAYER).item())
        return (
            f"Nothing holds it back in {of_share(nothing, DRAWS)} equally likely outcomes, no "
            f"layer being {edge}below usual: {lowest}, most often the lowest, is "
            f"{_stands(table, lowest)}."
        )
    first, second = map(str, held.index[:2])
    others = (
        f"{second.capitalize()} does in {of_share(held.iloc[1], DRAWS)}, and nothing in "
        f"{of_share(nothing, DRAWS)}."
    )
    if held.iloc[0] < _LIKELY:
        return (
            f"No layer is the likely bottleneck: {first} holds it back most in "
            f"{of_share(held.iloc[0], DRAWS)} equally likely outcomes, "
            f"{_stands(table, first)}. {others}"
        )
    return (
        f"{first.capitalize()} holds it back most in {of_share(held.iloc[0], DRAWS)} equally "
        f"likely outcomes: {_stands(table, first)}. {others}"
    )


def _alone(table: xr.Dataset, layer: str, edge: str) -> str:
    below = float(table["below"].sel({LAYER: layer}))
    return (
        f"{layer.capitalize()} is the only layer measured, and no bottleneck among others: it is "
        f"{edge}below usual in {of_share(below, DRAWS)} equally likely outcomes, "
        f"{_stands(table, layer)}."
    )


def _stands(table: xr.Dataset, layer: str) -> str:
    """Say how far a layer lies from what is usual."""
    own = table.sel({LAYER: layer})
    mean, lower, upper = (float(own[n]) for n in ("index", "index_lower", "index_upper"))
    sides = [_side(end) for end in (lower, upper)]
    first = f"{abs(lower):.1f}" + ("" if sides[0] == sides[1] else f" {sides[0]}")
    prob = own["index"].attrs["ci_prob"]
    return (
        f"{abs(mean):.1f} standard deviations {_side(mean)} usual ({100 * prob:.3g}% interval "
        f"{first} to {abs(upper):.1f} {sides[1]}), {float(own['times_usual']):.2f} times the rate "
        "that is usual"
    )


def _side(value: float) -> str:
    return "below" if value < 0 else "above"


def caveats_of(
    drawn: Exposure, scores: Scores, usual: Reference, at_least: float
) -> tuple[str, ...]:
    """Say what must be known before acting, what was not measured first."""
    told = [
        f"Not measured and not compared: {layer} ({why})." for layer, why in scores.missing.items()
    ]
    told.append(
        "These are proxies counted from outside: nobody outside sees candidate sets, scores or "
        "slates, so that a low layer says where to look and not what the system did."
    )
    told.append(_of_usual(usual, scores, at_least))
    if drawn.source == STATED:
        told.append("Ranking is standardised to the usual mix that was stated.")
    elif drawn.source == ELIGIBLE:
        told.append("No usual mix was stated: the mix of eligible people stands for it.")
    elif RANKING in scores.rate:
        told.append(
            "There is no usual mix, so that ranking is that of the mix shown: a bad mix would be "
            "read as bad ranking."
        )
    if not drawn.repeated:
        told.append(
            "No context has more than one period: how much rates scatter between periods is the "
            f"prior's (about {SCATTER:g} in log odds), and so are most of the widths."
        )
    return (*told, *_unseen(drawn))


def _of_usual(usual: Reference, scores: Scores, at_least: float) -> str:
    words = f"What is usual: {usual.about}."
    if CALIBRATION in scores.rate and CALIBRATION not in usual.outcomes:
        words += " Of calibration, give or take a quarter, which is a convention."
    if at_least:
        words += f" A layer holds back from {at_least:g} standard deviations below it."
    return f"{words} Layers are compared in its standard deviations, and not by what each costs."


def _unseen(drawn: Exposure) -> list[str]:
    """Tell contexts about which nothing, or not everything, was counted."""
    told = []
    for part, missing in drawn.borrowed.items():
        if missing and part in drawn.rates:
            named = ", ".join(map(str, missing[:_NAMED]))
            told.append(f"{part} was not counted in {named}: rates there borrow from the others.")
    absent = [
        str(c) for c, seen in zip(drawn.contexts, drawn.shown.max(axis=0), strict=True) if seen == 0
    ]
    if absent:
        told.append(
            f"Not shown at all in {', '.join(absent[:_NAMED])}: how it would convert there borrows "
            "from the other contexts."
        )
    return told
