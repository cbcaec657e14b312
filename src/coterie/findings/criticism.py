"""Criticism: whether beliefs deserve to be acted on, on one page.

Asks of one Beliefs everything that can go wrong between a table and a decision, and ends
with a verdict. Callers may trust that the verdict is the worst of its parts, that each part
says what was compared, and that nothing was left out because it looked bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie.errors import FindingError
from coterie.findings import doubts, influence
from coterie.findings.doubts import CHECK, GOOD, NOT_USE, Doubt
from coterie.findings.finding import UNIT, Finding

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

QUESTION: Final = "question"
REPLICAS: Final = 400
_CAVEATS: Final = (
    "Replicas share the population that was learned from this table: p-values of rates in "
    "clusters are not calibrated, they come out too large. Those of artists, cells left out, "
    "homes and outcomes are.",
    "Faults that move every cell of a cluster alike, such as bots among the listeners of all "
    "its artists, look like the cluster's own level: no check of this page can see them.",
)
_ORDER: Final = {GOOD: 0, CHECK: 1, NOT_USE: 2}


def criticise(
    beliefs: Beliefs,
    *,
    rng: np.random.Generator,
    strict: bool = False,
) -> Finding:
    """Say whether beliefs can be acted on: ``good``, ``check`` or ``do not use``, with reasons.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`.
    rng
        Source of chance: replicas of the table.
    strict
        Raise where membership is not identified, in place of a verdict that says so.

    Returns
    -------
    Finding
        ``table`` over (question,): ``verdict`` of each question, ``p_value`` (smallest of
        its comparisons, NaN where none applies) and ``said``, the sentence behind it. The
        headline is the worst verdict with its reasons; caveats say which p-values are not
        calibrated. Questions: *settled*, *counted once*, *cells* (predictive checks by
        outcome and cluster against replicas of the table with new artists), *left out*
        (randomised PIT of cells, their artist left out by PSIS), *artists* and, where an
        artist has several, *releases* (influence: each left out by PSIS, Pareto k),
        *evidence*, *outcomes agree*, *population* (posterior against its prior), *prior of
        homes* (beliefs against pi over artists), *sensitivity* (beliefs with the
        population's priors halved and doubled in weight), *membership* (whether leaders are
        ahead of the field by more than in tables alike in which nobody belongs anywhere).

    Raises
    ------
    BeliefError
        If sampling was stopped and that was not accepted.
    FindingError
        If ``strict`` and membership is not identified.

    References
    ----------
    .. [1] A. Gelman, X.-L. Meng, H. Stern (1996), *Posterior predictive assessment of model
       fitness via realized discrepancies*, Statistica Sinica 6.
    .. [2] A. Vehtari, A. Gelman, J. Gabry (2017), *Practical Bayesian model evaluation using
       leave-one-out cross-validation and WAIC*, Statistics and Computing 27.
    .. [3] N. Kallioinen et al. (2024), *Detecting and diagnosing prior and likelihood
       sensitivity with power-scaling*, Statistics and Computing 34.

    Examples
    --------
    >>> found = co.criticise(co.example_beliefs(), rng=rng)
    >>> found.table["verdict"].sel(question="settled").item()
    'good'
    """
    from coterie.beliefs import refuse_partial, replicas

    refuse_partial(beliefs)
    drawn = replicas(beliefs, draws=REPLICAS, rng=rng)
    lines = [
        doubts.settled(beliefs),
        doubts.counted_once(beliefs),
        *doubts.foreseen(beliefs, drawn, rng),
        *influence.releases(beliefs, drawn),
        *doubts.realised(beliefs, drawn),
        *doubts.priors(beliefs, drawn),
    ]
    if beliefs.homes is not None:
        line = doubts.identified(beliefs, rng)
        if strict and line.status != GOOD:
            raise FindingError(f"{line.said} Do not act on these beliefs.")
        lines.append(line)
    return _finding(beliefs, lines)


def _finding(beliefs: Beliefs, lines: Sequence[Doubt]) -> Finding:
    verdict = max((line.status for line in lines), key=_ORDER.__getitem__)
    reasons = [line for line in lines if line.status == verdict != GOOD]
    said = " ".join(line.said for line in reasons) or _praise(lines)
    table = xr.Dataset(
        {
            "verdict": (QUESTION, [line.status for line in lines], {UNIT: "verdict"}),
            "p_value": (QUESTION, [line.p_value for line in lines], {UNIT: "probability"}),
            "said": (QUESTION, [line.said for line in lines], {UNIT: "words"}),
        },
        coords={QUESTION: [line.question for line in lines]},
    )
    return Finding(
        kind="criticism",
        headline=f"{verdict.capitalize()}: {said}",
        table=table,
        caveats=_CAVEATS,
        provenance=_provenance(beliefs, lines),
    )


def _praise(lines: Sequence[Doubt]) -> str:
    return f"none of {len(lines)} questions raised a doubt about these beliefs."


def _provenance(beliefs: Beliefs, lines: Sequence[Doubt]) -> dict[str, Any]:
    details = {line.question: list(line.details) for line in lines if line.details}
    return {
        "rng_of_fit": str(beliefs.tree.attrs.get("coterie_rng")),
        "replicas": REPLICAS,
    } | details
