"""Dimensions: a cluster on the five dimensions of the source article's first-pass card (6.2).

Fit, intent, reach, distinctiveness and strategic adjacency, each by the proxies that beliefs
hold, each as the probability that it is on the good side of what is usual. Callers may trust that
a dimension without a proxy is said not to be measured, and that the five are never added up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from scipy.special import polygamma

from coterie import names
from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.origin import origin_of
from coterie.findings.reference import Reference, checked
from coterie.findings.responses import Responses, interval
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

DIMENSION: Final = "dimension"
_SD: Final = "standard deviations of the reference"
_TIGHT: Final = 1e12
INTENT: Final = ("save", "add", "follow", "active", "depth")
"""The five intent-heavy outcomes of the article, sections 4.1 and 5.2."""
NOT_SEEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fit": "similarity surfaces, playlist ecosystems and what the music sounds like",
        "intent": "active listening where no outcome counts it",
        "reach": "the size of the audience and of the media to be bought",
        "distinctiveness": "the specificity of creatives, and who is in several clusters",
        "adjacency": "neighbouring contexts, and markets that follow each other",
    }
)
"""What the article names beside these proxies, and beliefs do not hold."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a dimension is measured from."""

    beliefs: Beliefs
    artist: Hashable
    drawn: Responses
    reference: Reference


@dataclass(frozen=True, slots=True)
class _Measured:
    """One dimension: its number at every draw, the usual, and what stands for it."""

    value: Floats
    usual: float
    unit: str
    proxy: str


def dimensions(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    reference: Reference,
    clusters: Sequence[Hashable] | None = None,
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Lay an artist's clusters out on fit, intent, reach, distinctiveness and adjacency.

    Parameters
    ----------
    beliefs
        Fitted.
    artist
        Whose clusters.
    reference
        What is usual: :meth:`Reference.of` other beliefs, or :meth:`Reference.stated`.
    clusters
        Which to lay out; left out, all.
    prob
        Probability of the equal-tailed intervals. Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"dimensions"``. Over (cluster, dimension): ``good``, the probability of the good
        side of ``usual``; ``value`` with ``value_lower`` and ``value_upper``. Over (dimension):
        ``usual``, ``unit``, ``proxy``, what stands for it, and ``not_seen``, what the article
        names and nobody counted. The five:

        ``fit``: what the counts added to the belief stated before, in probability; good is
        above 0. ``intent``: mean of the standardised save, add, follow, active and depth
        that are measured, of many releases; good is above the reference. ``reach``:
        listeners a unit of money, standardised. ``distinctiveness``: how far a campaign's
        intent is off its level, in standard deviations of the reference; good is less than
        usual among these clusters. ``adjacency``: further clusters that artists of this one
        belong to and this artist does not yet, expected (many homes alone). NaN where there
        is no proxy.

    Raises
    ------
    FindingError
        If the reference and the beliefs share no outcome of intent.
    BeliefError
        If the artist or a cluster is unknown.

    Examples
    --------
    >>> beliefs = co.example_beliefs("many")
    >>> reference = co.Reference.of(beliefs, rng=rng)
    >>> found = co.dimensions(beliefs, "Oslo Choir", reference=reference, rng=rng)
    >>> found.table["good"].sel(dimension="fit").idxmax("cluster").item()
    'indie pop'
    """
    drawn = Responses.of(beliefs, artist, rng=rng)
    reference = checked(reference, drawn.measured)
    shown = drawn.chosen(clusters)
    asked = _Asked(beliefs, artist, drawn, reference)
    measured = {name: made(asked) for name, made in _MADE.items()}
    table = _table(measured, drawn, shown, prob)
    return Finding(
        kind="dimensions", headline=_headline(table, artist), table=table,
        caveats=_caveats(measured, reference),
        provenance=origin_of(beliefs, artist=str(artist), reference=reference.about),
    )  # fmt: skip


def _fit(asked: _Asked) -> _Measured | None:
    beliefs = asked.beliefs
    if beliefs.homes is None:
        return None
    own = beliefs.home if beliefs.homes == "one" else beliefs.membership
    own = own.sel({names.ARTIST: asked.artist}).stack(sample=(names.CHAIN, names.DRAW))
    rows = beliefs.summary(artists=[asked.artist]).set_index(names.CLUSTER)["prior"]
    before = rows.reindex(list(asked.drawn.clusters)).to_numpy(dtype=float)
    # The gain over what was stated before: 0 is usual, whatever each cluster's prior was.
    value = own.transpose("sample", names.CLUSTER).to_numpy() - before
    return _Measured(value, 0.0, "probability gained", "posterior belief over the prior")


def _intent(asked: _Asked) -> _Measured | None:
    drawn, told = asked.drawn, _intents(asked)
    parts = [asked.reference.scores(o, drawn.levels[:, :, drawn.at(o)], of="levels") for o in told]
    return _Measured(np.mean(parts, axis=0), 0.0, _SD, ", ".join(told))


def _reach(asked: _Asked) -> _Measured | None:
    drawn = asked.drawn
    if "reach" not in drawn.outcomes or "reach" not in asked.reference.outcomes:
        return None
    value = asked.reference.scores("reach", drawn.levels[:, :, drawn.at("reach")], of="levels")
    return _Measured(value, 0.0, _SD, "listeners a unit of money")


def _distinct(asked: _Asked) -> _Measured | None:
    drawn, parts = asked.drawn, []
    for outcome in _intents(asked):
        at = drawn.at(outcome)
        level = drawn.levels[:, :, at]
        kappa = np.minimum(drawn.kappas[:, :, at], _TIGHT)
        # Exact: the variance of the log odds of a Beta, of the log of a Gamma.
        if drawn.measured[at].kind == "binary":
            spread = polygamma(1, level * kappa) + polygamma(1, (1 - level) * kappa)
        else:
            spread = polygamma(1, kappa)
        parts.append(np.sqrt(spread) / asked.reference.outcomes[outcome].spread)
    value = np.mean(parts, axis=0)
    told = "how far a campaign's intent is off its level"
    return _Measured(value, float(np.median(value)), _SD, told)


def _adjacent(asked: _Asked) -> _Measured | None:
    if asked.beliefs.homes != "many":
        return None
    table = asked.beliefs.membership.stack(sample=(names.CHAIN, names.DRAW))
    member = table.transpose("sample", names.ARTIST, names.CLUSTER).to_numpy()
    at = table[names.ARTIST].values.tolist().index(asked.artist)
    others = np.delete(member, at, axis=1)
    together = np.einsum("dak,daj->dkj", others, others)
    alone = np.maximum(others.sum(axis=1), np.finfo(float).tiny)
    # Of artists who belong here, which share belongs there; a cluster unlocks no more of itself.
    share = together / alone[:, :, None]
    diagonal = np.arange(share.shape[1])
    share[:, diagonal, diagonal] = 0.0
    value = np.einsum("dkj,dj->dk", share, 1 - member[:, at])
    usual = float(np.median(value))
    return _Measured(value, usual, "further clusters", "clusters that its artists share")


def _intents(asked: _Asked) -> list[str]:
    known, reference = asked.drawn.outcomes, asked.reference
    there: list[str] = [o for o in INTENT if o in known and o in reference.outcomes]
    if not there:
        raise FindingError(
            f"None of {', '.join(INTENT)} is both in these beliefs ({', '.join(known)}) and in "
            f"the reference ({', '.join(reference.outcomes)}), so that intent has no proxy."
        )
    return there


_MADE: Final[Mapping[str, Callable[[_Asked], _Measured | None]]] = MappingProxyType(
    {
        "fit": _fit, "intent": _intent, "reach": _reach, "distinctiveness": _distinct,
        "adjacency": _adjacent,
    }
)  # fmt: skip


def _read(
    measured: Mapping[str, _Measured | None], shown: Any, prob: float | None
) -> tuple[list[Floats], list[tuple[Floats, ...]], dict[str, Any]]:
    """Return the probability of the good side, mean and ends of each, and of what kind they are."""
    size = len(shown)
    unknown = np.full(size, np.nan)
    good: list[Floats] = []
    ends: list[tuple[Floats, ...]] = []
    attrs: dict[str, Any] = {}
    for name, one in measured.items():
        if one is None:
            good.append(unknown)
            ends.append((unknown,) * 3)
            continue
        value = one.value[:, shown]
        # Scatter is good where there is less of it.
        better = value < one.usual if name == "distinctiveness" else value > one.usual
        good.append(better.mean(axis=0))
        mean, lower, upper, attrs = interval(value, prob)
        ends.append((mean, lower, upper))
    return good, ends, attrs


def _table(
    measured: Mapping[str, _Measured | None], drawn: Responses, shown: Any, prob: float | None
) -> xr.Dataset:
    good, ends, attrs = _read(measured, shown, prob)
    both, unit = (names.CLUSTER, DIMENSION), {UNIT: "as named"} | attrs
    middle, lower, upper = (np.stack(side, axis=1) for side in zip(*ends, strict=True))
    known = {name: one for name, one in measured.items() if one is not None}
    words = {UNIT: "words"}

    def told(part: str) -> list[str]:
        return [str(getattr(one, part)) if one else "not measured" for one in measured.values()]

    return xr.Dataset(
        {
            "good": (
                both, np.stack(good, axis=1),
                {UNIT: "probability", "says": "of 20 equally likely outcomes, better than usual"},
            ),
            "value": (both, middle, unit), "value_lower": (both, lower, unit),
            "value_upper": (both, upper, unit),
            "usual": (
                DIMENSION,
                [known[name].usual if name in known else np.nan for name in measured],
                {UNIT: "as named"},
            ),
            "unit": (DIMENSION, told("unit"), words), "proxy": (DIMENSION, told("proxy"), words),
            "not_seen": (DIMENSION, [NOT_SEEN[name] for name in measured], words),
        },
        coords={
            names.CLUSTER: [drawn.clusters[k] for k in shown], DIMENSION: list(measured),
        },
        attrs={"main": "good", "draws": len(drawn.rates)},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable) -> str:
    good = table["good"].dropna(DIMENSION, how="all")
    known = good[DIMENSION].values.tolist()
    strong = (good > 0.5).sum(DIMENSION).to_series()  # noqa: PLR2004 - rather than not
    order = strong.sort_values(ascending=False, kind="stable")
    best = [str(c) for c in order.index if order[c] == order.iloc[0]]
    first = good.sel({names.CLUSTER: order.index[0]}).to_series()
    weakest = str(first.idxmin())
    ties = f" (as is {best[1]})" if len(best) == 2 else ""  # noqa: PLR2004 - one other
    ties = f" (as are {len(best) - 1} others)" if len(best) > 2 else ties  # noqa: PLR2004 - several
    return (
        f"{artist}: {best[0]} is rather better than usual on {int(order.iloc[0])} of {len(known)} "
        f"dimensions measured{ties}; its weakest is {weakest}, better than usual in "
        f"{of_share(float(first[weakest]), table.attrs['draws'])} equally likely outcomes."
    )


def _caveats(measured: Mapping[str, _Measured | None], reference: Reference) -> tuple[str, ...]:
    gone = [name for name, one in measured.items() if one is None]
    told = [
        f"What is usual: {reference.about}; of distinctiveness and adjacency, the artist's own "
        "clusters; of fit, what was stated before.",
        "Five proxies and no sum: what they are worth against each other is for the team to say.",
    ]
    if gone:
        told.insert(0, f"Not measured here: {', '.join(gone)}.")
    return tuple(told)
