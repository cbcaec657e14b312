"""Layers: retrieval, ranking and calibration, and which of them holds music back.

Three proxies that anybody can count stand for three layers that nobody outside can see: how many of
those eligible are shown it, what an impression comes to, and what the mix of contexts costs.
Callers may trust that the three multiply to the intents expected of those eligible, and that a bad
mix is not read as bad ranking: ranking is standardised to the usual mix.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie.errors import FindingError
from coterie.findings.context_levels import DRAWS
from coterie.findings.exposure import Exposure
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import entropy, shares_of
from coterie.findings.layer_scores import (
    CALIBRATION,
    LAYER,
    LAYERS,
    RANKED,
    RANKING,
    RETRIEVAL,
    Scores,
)
from coterie.findings.layer_words import caveats_of, headline_of
from coterie.findings.reference import Reference
from coterie.findings.responses import interval
from coterie.findings.shown import CONTEXT, COUNTS, PARTS, Shown

if TYPE_CHECKING:
    from coterie.typing import Floats

LEVERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        RETRIEVAL: (
            "followers; a pitch seven days ahead; exact metadata; coherent catalogue; steady "
            "releases; neighbours' playlists"
        ),
        RANKING: (
            "listeners who save, add, follow and go deeper; fewer who leave early; no reach that "
            "stays nowhere"
        ),
        CALIBRATION: (
            "contexts, hours and markets that convert; framing for the moment of use; rhythm of "
            "releases"
        ),
    }
)
"""What moves each layer: the source article, sections 1 and 5.1 to 5.3, in our words."""
_PART: Final = "part"
_AGAINST: Final = "against"
_SURE: Final = 0.9
"""Probability from which a context is said to convert better or worse than the mix."""


def layers(
    frame: Any,
    *,
    usual: Reference,
    mix: Mapping[Any, float] | None = None,
    columns: Mapping[str, str] | None = None,
    at_least: float = 0.0,
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Say which of three layers holds music back: retrieval, ranking or calibration.

    Retrieval is impressions over eligible people; ranking is streams over impressions, times
    intents over streams, at the usual mix of contexts; calibration is what conversion at the mix
    shown comes to over that at the usual mix, each context converting as it does. Their product,
    times eligible people, is the number of intents. Rates of a period scatter about the level of
    their context, and contexts borrow from one another.

    Parameters
    ----------
    frame
        One row for each context (surface, hour, device, market) and period (week, campaign):
        ``context``; ``eligible``, people of the target clusters who could have been shown it;
        ``impressions``, those of them who were; ``streams``, those who streamed; ``intent``,
        saves, adds and follows. ``period``, where it is there, tells rows of a context apart. A
        column or value that is missing is not counted, and not 0. A person who is eligible in two
        contexts is counted in both.
    usual
        What is usual of ``"retrieval"``, ``"stream"`` and ``"intent"``:
        ``Reference.stated({"retrieval": (0.1, 1.5), ...}, about=...)``. Those named in its
        ``counts`` may count several times a person. ``"calibration"`` may be stated among them;
        left out, it is 1 and a factor of 1.25, a convention.
    mix
        Usual share of impressions of each context. Left out, the mix of eligible people.
    columns
        What the table calls a column, where it is not as above: ``{"context": "surface"}``.
    at_least
        Standard deviations below usual from which a layer holds back. The article states none:
        0 is any shortfall; at 1, a layer within the usual factor never does.
    prob
        Probability of the equal-tailed intervals. Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"layers"``. Over (layer): ``bottleneck``, the probability of being the lowest and
        below usual by ``at_least``; ``lowest``, of being the lowest; ``below``, of being below;
        ``index`` in standard deviations of the reference, ``rate`` and ``times_usual`` with their
        ends; ``levers``. Ranking's index adds those of its parts as if what is usual of one told
        nothing of the other. ``nothing``: the probability that no layer holds back. A layer that
        is not measured has NaN, and with fewer than two there is no bottleneck. Over (part):
        ``part_rate`` and ``part_index`` of streams and intents at the usual mix. Over (context):
        ``shown``,
        ``converts``, shares of impressions and of intents; ``surplus``, shares shown less usual;
        ``retrieval``, ``stream``, ``intent`` and ``conversion``, rates; ``usual``; ``over``, the
        probability of a surplus; ``says``. Over (against): ``divergence``, the Jensen-Shannon
        divergence (nats, at most log 2) of shares shown from shares of intents and from the usual
        mix.

    Raises
    ------
    FindingError
        If a row or the usual mix cannot be, or no layer can be measured.

    References
    ----------
    .. [1] J. Lin (1991), *Divergence measures based on the Shannon entropy*, IEEE Transactions on
       Information Theory 37.

    Examples
    --------
    >>> table = {
    ...     "context": ["radio", "radio", "home", "home"],
    ...     "eligible": [20_000, 21_000, 20_000, 19_000],
    ...     "impressions": [2_100, 2_000, 1_900, 2_000],
    ...     "streams": [400, 390, 410, 420],
    ...     "intent": [8, 9, 8, 10],
    ... }
    >>> usual = co.Reference.stated(
    ...     {"retrieval": (0.1, 1.5), "stream": (0.2, 1.3), "intent": (0.08, 1.5)}, about="stated"
    ... )
    >>> found = co.layers(table, usual=usual, rng=rng)
    >>> found.table["bottleneck"].idxmax("layer").item()
    'ranking'
    """
    _check(usual, at_least, columns)
    kinds = {p: usual.outcomes[p].kind if p in usual.outcomes else "binary" for p in PARTS}
    table = Shown.of(frame, columns, kinds)
    drawn = Exposure.of(table, usual, mix, rng=rng)
    scores = Scores.of(drawn, usual)
    found = _of_layers(scores, at_least, prob).assign(_of_parts(drawn, usual, prob))
    found = found.assign(_of_contexts(drawn, prob)).assign(_of_mixes(drawn, prob))
    found.attrs = {"main": "bottleneck", "draws": DRAWS}
    return Finding(
        kind="layers", headline=headline_of(found, scores, at_least), table=found,
        caveats=(*_unread(table), *caveats_of(drawn, scores, usual, at_least)),
        provenance={
            "table": table.fingerprint(), "rows": int(table.place.size), "usual": usual.about,
            "mix": {str(c): float(w) for c, w in (mix or {}).items()} or drawn.source or "none",
            "at_least": at_least,
        },
    )  # fmt: skip


def _check(usual: Reference, at_least: float, columns: Mapping[str, str] | None) -> None:
    if not isinstance(usual, Reference):
        raise FindingError(
            f"usual is a {type(usual).__name__}; give a Reference, such as "
            "Reference.stated({'retrieval': (0.1, 1.5), 'stream': (0.2, 1.3), "
            "'intent': (0.08, 1.5)}, about='our label, 2025')."
        )
    if CALIBRATION in usual.outcomes and usual.outcomes[CALIBRATION].kind != "count":
        raise FindingError(
            "calibration is stated as a rate of people; it is a ratio that may exceed 1. Write "
            "Reference.stated({'calibration': (1.0, 1.25), ...}, counts=('calibration',))."
        )
    if not (isinstance(at_least, Real) and np.isfinite(at_least) and at_least >= 0):
        raise FindingError(
            f"at_least is {at_least!r}; give standard deviations below usual, at least 0."
        )
    if columns is not None and not isinstance(columns, Mapping):
        raise FindingError(
            f"columns is {columns!r}; say what the table calls one: {{'context': 'surface'}}."
        )


def _ends(
    name: str, dims: str, values: Floats, unit: str, prob: float | None
) -> dict[str, tuple[str, Floats, dict[str, Any]]]:
    """Return a variable and its ends, of draws on the first axis."""
    mean, lower, upper, attrs = interval(values, prob)
    told = {UNIT: unit} | attrs
    return {
        name: (dims, mean, told),
        f"{name}_lower": (dims, lower, told),
        f"{name}_upper": (dims, upper, told),
    }


def _of_layers(scores: Scores, at_least: float, prob: float | None) -> xr.Dataset:
    none = np.full(DRAWS, np.nan)
    index, rate = (
        np.stack([own.get(layer, none) for layer in LAYERS], axis=1)
        for own in (scores.index, scores.rate)
    )
    times = rate / np.array([scores.usual.get(layer, np.nan) for layer in LAYERS])
    held = scores.chances(at_least)
    chance = {UNIT: "probability"}
    says = chance | {"says": "of 20 equally likely outcomes, holds it back most"}
    units = "as each layer counts"
    return xr.Dataset(
        {
            "bottleneck": (LAYER, held.bottleneck, says),
            "lowest": (LAYER, held.lowest, chance),
            "below": (LAYER, held.below, chance),
            **_ends("index", LAYER, index, "standard deviations of the reference", prob),
            **_ends("rate", LAYER, rate, units, prob),
            **_ends("times_usual", LAYER, times, "times what is usual", prob),
            "levers": (LAYER, [LEVERS[layer] for layer in LAYERS], {UNIT: "words"}),
            "nothing": ((), held.nothing, chance),
        },
        coords={LAYER: list(LAYERS)},
    )


def _of_parts(drawn: Exposure, usual: Reference, prob: float | None) -> xr.Dataset:
    """Tell ranking's two parts apart: streams of impressions, intents of streams."""
    none = np.full(DRAWS, np.nan)
    rates = dict(zip(RANKED, drawn.ranking or (none, none), strict=True))
    scores = [usual.scores(p, rates[p]) if p in usual.outcomes else none for p in RANKED]
    of_rate, of_score = np.stack(list(rates.values()), axis=1), np.stack(scores, axis=1)
    return xr.Dataset(
        _ends("part_rate", _PART, of_rate, "of impressions; of streams", prob)
        | _ends("part_index", _PART, of_score, "standard deviations of the reference", prob),
        coords={_PART: list(RANKED)},
    )


def _of_contexts(drawn: Exposure, prob: float | None) -> xr.Dataset:
    none = np.full(drawn.shown.shape, np.nan)
    conversion = drawn.conversion
    rates = none if conversion is None else conversion
    weights = none[0] if drawn.weights is None else drawn.weights
    surplus = drawn.shown - weights
    retrieval = np.where(drawn.eligible > 0, drawn.rates.get("retrieval", none), np.nan)
    stream, intent = (drawn.rates.get(part, none) for part in RANKED)
    of = "share of impressions"
    variables = (
        _ends("shown", CONTEXT, drawn.shown, of, prob)
        | _ends("converts", CONTEXT, shares_of(drawn.shown * rates), "share of intents", prob)
        | _ends("surplus", CONTEXT, surplus, of, prob)
        | _ends("retrieval", CONTEXT, retrieval, "of those eligible", prob)
        | _ends("stream", CONTEXT, stream, "of impressions", prob)
        | _ends("intent", CONTEXT, intent, "of streams", prob)
        | _ends("conversion", CONTEXT, rates, "intents an impression", prob)
    )
    over = np.where(np.isnan(weights), np.nan, (surplus > 0).mean(axis=0))
    said = [
        _said(variables, k, rates, shares=(drawn.shown, weights))
        for k in range(len(drawn.contexts))
    ]
    return xr.Dataset(
        variables
        | {
            "usual": (CONTEXT, weights, {UNIT: of}),
            "over": (CONTEXT, over, {UNIT: "probability"}),
            "says": (CONTEXT, said, {UNIT: "words"}),
        },
        coords={CONTEXT: list(drawn.contexts)},
    )


def _said(told: Mapping[str, Any], k: int, rates: Floats, *, shares: tuple[Floats, Floats]) -> str:
    """Say of a context whether it has too much of what is shown, and whether it converts."""
    shown, usual = shares
    words = f"{shown[:, k].mean():.0%} of what is shown"
    if not np.isnan(usual[k]):
        side = "about as usual"
        side = "over-shown" if told["surplus_lower"][1][k] > 0 else side
        side = "under-shown" if told["surplus_upper"][1][k] < 0 else side
        words = f"{side}: {words}, usually {usual[k]:.0%}"
    if np.isnan(rates).all():
        return words
    better = float((rates[:, k] > (shown * rates).sum(axis=1)).mean())
    how = "is not known to convert otherwise than all that is shown"
    how = "converts better than all that is shown" if better >= _SURE else how
    return f"{words}; {'converts worse than all that is shown' if better <= 1 - _SURE else how}"


def _of_mixes(drawn: Exposure, prob: float | None) -> xr.Dataset:
    """Tell how far what is shown lies from what converts, and from the usual mix."""
    none = np.full(drawn.shown.shape, np.nan)
    conversion = drawn.conversion
    converts = none if conversion is None else shares_of(drawn.shown * conversion)
    usual = none if drawn.weights is None else np.broadcast_to(drawn.weights, none.shape)
    apart = np.stack([_divergence(drawn.shown, other) for other in (converts, usual)], axis=1)
    return xr.Dataset(
        _ends("divergence", _AGAINST, apart, "nats", prob),
        coords={_AGAINST: ["intents", "usual mix"]},
    )


def _divergence(first: Floats, second: Floats) -> Floats:
    """Return the Jensen-Shannon divergence of shares on the last axis, in nats."""
    found = entropy((first + second) / 2) - (entropy(first) + entropy(second)) / 2
    return np.clip(found, 0.0, np.log(2))


def _unread(table: Shown) -> tuple[str, ...]:
    """Name columns that were not read where one of ours is missing: it may be misspelled."""
    missing = [c for c in COUNTS if c not in table.counts]
    if not missing or not table.unread:
        return ()
    return (
        f"There is no column {' or '.join(map(repr, missing))}; not read, and perhaps misspelled: "
        f"{', '.join(map(repr, table.unread[:5]))}. Say which is meant with columns=.",
    )
