"""Scorecard: how good the response of each cluster is, against a frozen reference.

The score of a cluster (CQS) is a weighted sum of its next rates, each standardised against the
reference, at every draw. Callers may trust that it depends on nothing but that cluster's rates,
the reference and the weights: adding a cluster moves no other one's score.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import best_probability, quality
from coterie.findings.origin import origin_of
from coterie.findings.reference import Reference, checked
from coterie.findings.responses import Responses, interval
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

PRESETS: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "fandom": {"save": 0.15, "add": 0.15, "follow": 0.15, "depth": 0.30, "active": 0.25},
        "breakout": {"save": 0.25, "add": 0.20, "follow": 0.30, "depth": 0.10, "active": 0.15},
    }
)
"""Weights by objective; the numbers are ours, their order is the article's (section 4.1)."""
WEIGHTINGS: Final = 400
_FIRMNESS: Final = 20.0
"""Of the weightings tried: as far from those stated as shares counted in twenty."""
_RANK: Final = "rank"
SURE: Final = 0.8
"""Probability of the highest score from which a cluster is said to be answered best."""


def scorecard(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    reference: Reference,
    weights: str | Mapping[str, float] = "fandom",
    clusters: Sequence[Hashable] | None = None,
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Score an artist's clusters by the response to expect of each (CQS).

    Parameters
    ----------
    beliefs
        Fitted.
    artist
        Whose clusters.
    reference
        What is usual: :meth:`Reference.of` other beliefs, or :meth:`Reference.stated`.
    weights
        ``"fandom"`` or ``"breakout"``, or the weight of each outcome, at least 0. Outcomes that
        these beliefs or the reference do not know are left out, the others scaled up, and it is
        said.
    clusters
        Which to score; left out, all.
    prob
        Probability of the equal-tailed interval. Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"scorecard"``. Over (cluster): ``first``, the probability of scoring highest in the
        next comparable release; ``quality`` with ``quality_lower`` and ``quality_upper``, in
        standard deviations of the reference; ``keeps_lead``, in which share of 400 other
        weightings (Dirichlet about those stated, worth 20) it has the highest mean score. ``rank``
        (cluster, rank), ``score`` (cluster, outcome), ``weight`` (outcome).

    Raises
    ------
    FindingError
        If weights are unknown or none of their outcomes is there.
    BeliefError
        If the artist or a cluster is unknown.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> reference = co.Reference.of(beliefs, rng=rng)
    >>> found = co.scorecard(beliefs, "Oslo Choir", reference=reference, rng=rng)
    >>> found.table["first"].idxmax("cluster").item()
    'gym'
    """
    drawn = Responses.of(beliefs, artist, rng=rng)
    reference = checked(reference, drawn.measured)
    shown = drawn.chosen(clusters)
    share, missing = _weights(weights, drawn.outcomes, reference)
    scores = np.stack(
        [reference.scores(o, drawn.rates[:, shown, drawn.at(o)]) for o in share], axis=-1
    )
    table = _table(scores, share, [drawn.clusters[k] for k in shown], interval_of=prob, rng=rng)
    return Finding(
        kind="scorecard", headline=_headline(table, artist), table=table,
        caveats=_caveats(missing, share, reference),
        provenance=origin_of(beliefs, artist=str(artist), reference=reference.about),
    )  # fmt: skip


def _weights(
    stated: str | Mapping[str, float], known: Sequence[str], reference: Reference
) -> tuple[dict[str, float], list[str]]:
    """Return the weights of outcomes that are there, summing to 1, and which are not."""
    if isinstance(stated, str):
        if stated not in PRESETS:
            raise FindingError(
                f"weights is {stated!r}; write {' or '.join(map(repr, PRESETS))}, or a weight for "
                "each outcome: {'save': 1, 'follow': 2}."
            )
        stated = PRESETS[stated]
    bad = {k: v for k, v in stated.items() if not (np.isfinite(v) and v >= 0)}
    if bad:
        name = next(iter(bad))
        raise FindingError(f"The weight of {name!r} is {bad[name]!r}; it is at least 0.")
    there = {o: w for o, w in stated.items() if o in known and o in reference.outcomes and w > 0}
    if not there:
        raise FindingError(
            f"None of the outcomes weighed ({', '.join(stated)}) is in these beliefs "
            f"({', '.join(known)}) and in the reference ({', '.join(reference.outcomes)}). State "
            "weights of outcomes that are."
        )
    total = sum(there.values())
    gone = [o for o, w in stated.items() if o not in there and w > 0]
    return {o: w / total for o, w in there.items()}, gone


def _table(
    scores: Floats, share: dict[str, float], clusters: list[Any], *,
    interval_of: float | None, rng: np.random.Generator,
) -> xr.Dataset:  # fmt: skip
    total = quality(scores, list(share.values()))
    mean, lower, upper, attrs = interval(total, interval_of)
    order = (-total).argsort(axis=1).argsort(axis=1)
    size = len(clusters)
    ranks = np.stack([(order == r).mean(axis=0) for r in range(size)], axis=1)
    others = rng.dirichlet(_FIRMNESS * np.array(list(share.values())), WEIGHTINGS)
    leads = np.bincount(_mean_scores(scores, others).argmax(axis=1), minlength=size) / WEIGHTINGS
    unit = {UNIT: "standard deviations of the reference"} | attrs
    says = {UNIT: "probability", "says": "of 20 equally likely releases, highest score"}
    return xr.Dataset(
        {
            "first": (names.CLUSTER, best_probability(total), says),
            "quality": (names.CLUSTER, mean, unit),
            "quality_lower": (names.CLUSTER, lower, unit),
            "quality_upper": (names.CLUSTER, upper, unit),
            "keeps_lead": (names.CLUSTER, leads, {UNIT: "probability"}),
            _RANK: ((names.CLUSTER, "place"), ranks, {UNIT: "probability"}),
            "score": ((names.CLUSTER, names.OUTCOME), scores.mean(axis=0), unit),
            "weight": (names.OUTCOME, list(share.values()), {UNIT: "share"}),
        },
        coords={
            names.CLUSTER: clusters, names.OUTCOME: list(share), "place": np.arange(1, size + 1),
        },
        attrs={"main": "first", "draws": len(total)},
    )  # fmt: skip


def _mean_scores(scores: Floats, weights: Floats) -> Floats:
    """Return mean scores under several weightings: (weighting, cluster)."""
    found: Floats = weights @ scores.mean(axis=0).T
    return found


def _headline(table: xr.Dataset, artist: Hashable) -> str:
    order = table["first"].to_series().sort_values(ascending=False, kind="stable")
    best = order.index[0]
    score = float(table["quality"].sel({names.CLUSTER: best}))
    side = "above" if score >= 0 else "below"
    draws = table.attrs["draws"]
    how_often = of_share(order.iloc[0], draws)
    usual = f"{abs(score):.1f} standard deviations {side} what is usual"
    if order.iloc[0] < SURE and len(order) > 1:
        return (
            f"{artist}: no cluster is surely answered best; {best} has the highest score in "
            f"{how_often} equally likely releases, {order.index[1]} in "
            f"{of_share(order.iloc[1], draws)}. {best} is {usual}."
        )
    return (
        f"{artist} is answered best in {best}: highest score in {how_often} equally likely "
        f"releases, {usual}."
    )


def _caveats(
    missing: Sequence[str], share: Mapping[str, float], reference: Reference
) -> tuple[str, ...]:
    told = [f"What is usual: {reference.about}. The score says nothing of cost or reach."]
    if missing:
        named = ", ".join(f"{o} {w:.2f}" for o, w in share.items())
        told.insert(
            0,
            f"Not measured and left out: {', '.join(missing)}; the weights used are {named}.",
        )
    return tuple(told)
