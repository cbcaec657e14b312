"""Explain: what moved the belief about one artist, and what would make another place lead.

Each outcome, release and level of a factor is left out in turn and the artist is believed in
again, through the whole model: what a part is worth is the difference it makes with all else
in place, so that the parts do not add up, and the rest is shown as ``shared``. What would make
another place lead is asked of everything that could: the counts of each outcome and all counts,
how far cells scatter, the stated prior, and each part left out.

Source: leave-one-out differences in log odds; the population follows by Pareto-smoothed
weights (Vehtari and others, 2024). How much is prior: power-scaling (Kallioinen and others, 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.leader import likely
from coterie.findings.origin import origin_of
from coterie.findings.powering import OWN, WEIGHT_OF, in_words, per_doubling, through_population

if TYPE_CHECKING:
    from coterie.beliefs import Alone, Beliefs
    from coterie.typing import Flags, Floats

PART: Final = "part"
KIND: Final = "of"
KHAT_MOST: Final = 0.7
_SHARED: Final = "shared"
_EDGE: Final = 1e-6
_SHOWN: Final = 3
_FACTORS: Final = tuple(float(x) for x in np.exp(np.linspace(0, np.log(1000), 16))[1:])
_FARTHEST: Final = 20.0
_HALVINGS: Final = 40
_KEPT: Final = tuple(round(0.95 - 0.05 * i, 2) for i in range(20))
"""Shares of counts that are kept, from nearly all to none."""
_FINER: Final = 4
_FEW_DRAWS: Final = 100
"""Draws of the population at which it is asked what would make another place lead."""
_EQUAL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class _Part:
    """Something that can be left out: what kind it is of, its name, its observations."""

    kind: str
    name: str
    gone: Flags


def explain(beliefs: Beliefs, artist: Hashable) -> Finding:
    """Say what moved the belief about an artist.

    Parameters
    ----------
    beliefs
        Fitted or updated, with one home or many.
    artist
        Whom to explain.

    Returns
    -------
    Finding
        Kind ``"explanation"``. ``nats`` (part, cluster): what each outcome, release and level
        of a factor adds to the log odds of each cluster, with all others in place; the parts of
        one kind and its ``shared`` sum to the whole way from prior to belief. ``khat`` (part):
        above 0.7 the population without that part cannot be read from these draws.
        ``leads_without`` (part): the place that is believed in most without it.
        ``prior``, ``belief`` (cluster): probabilities. ``listeners`` (cluster): people counted
        there; ``prior_listeners``: people of that cluster whose counts would weigh as much as its
        prior odds, NaN where none were counted. What would make another place lead, the
        population held: ``counts_factor`` (outcome), the share of the outcome's evidence, below
        1, that would be left, and ``all_counts_factor``, that of all of the artist's; NaN where
        no share makes another lead (asked at no more than 100 draws of the population).
        ``kappa_factor`` (outcome): times its kappa, nearest to 1; NaN where a thousandfold does
        not do it. ``prior_factor`` (cluster), one home: times its prior
        odds at which a cluster is as likely as the likeliest other, below 1 where it is the
        likeliest; NaN with many homes, where the prior moves a threshold and not odds.
        ``per_doubling`` (weight_of, cluster): what the belief gains, in probability, for each
        doubling of the power of the ``membership_prior`` or of the artist's ``own_counts``; a
        prior that is alike in all places has no power to turn. ``psense`` (source, cluster):
        ArviZ's power-scaling sensitivity of the belief to ``population_prior`` and to
        ``likelihood`` (of all artists), as far as they reach it through the population; 0.05 is
        notable. ``psense_chance``: the most that unrelated draws show. Both are NaN where the
        beliefs hold no ``log_prior``, as those of early versions.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If the artist is unknown, or sampling was stopped and that was not accepted.

    Examples
    --------
    >>> found = co.explain(co.example_beliefs(), "Marrow")
    >>> found.headline[:39].strip()
    "Marrow is most likely at home in 'road"
    """
    from coterie.beliefs import Alone, clusters_of, refuse_partial

    if beliefs.homes is None:
        raise FindingError(
            "These beliefs were fitted without membership (homes=None): there is no belief to "
            'explain. Fit with homes="one" or "many".'
        )
    refuse_partial(beliefs)
    alone = Alone.of(beliefs, artist)
    clusters = clusters_of(beliefs)
    belief, evidence = alone.believe()
    now, size = belief.mean(axis=0), len(clusters)
    way = _log_odds(now[:size]) - _log_odds(alone.prior[:size])
    parts = list(_parts(beliefs, alone))
    places = [*map(str, clusters), *([names.ELSEWHERE] if now.size > size else [])]
    rows, khats, first = _worth(alone, parts, now, evidence, size)
    table = _table(parts, rows, khats, [places[k] for k in first], way, clusters)
    outcomes = beliefs.evidence.outcomes
    told = np.array([o.kind == "binary" and o.informs is True for o in outcomes])
    many = beliefs.homes == "many"
    table = table.assign(_by_cluster(alone, belief, way, told, many=many))
    table = table.assign(_by_outcome(alone, now, len(outcomes)))
    table = table.merge(through_population(beliefs, artist, alone.everybody))
    table = table.assign_coords({names.OUTCOME: [o.name for o in outcomes], WEIGHT_OF: list(OWN)})
    claimed = bool(likely(now, alone.prior, many=many)[now.argmax()])
    return Finding(
        kind="explanation",
        headline=_headline(artist, table, now, alone.prior, places, claimed=claimed),
        table=table,
        caveats=(
            *_caveats(table),
            *_turned(table, places[int(now.argmax())], many=many),
            in_words(table, int(now[:size].argmax())),
        ),
        provenance=origin_of(beliefs, artist=str(artist)),
    )


def _parts(beliefs: Beliefs, alone: Alone) -> Iterator[_Part]:
    """Give everything of which there are two or more: outcomes, releases, levels of factors."""
    made, evidence = alone.made, beliefs.evidence
    cells = evidence.cells()
    labels: dict[str, Any] = {
        names.OUTCOME: np.array([o.name for o in evidence.outcomes], dtype=object)[made.outcome]
    }
    columns = [n for n in (names.RELEASE, *evidence.layout.factors) if n in cells.coords]
    labels |= {name: cells[name].to_numpy()[made.cell] for name in columns}
    windows = cells[names.WINDOW].to_numpy()[made.cell]
    for kind, values in (labels | {names.WINDOW: windows}).items():
        own = np.unique(values.astype(str))
        if own.size > 1:
            for label in own:
                yield _Part(kind, str(label), values.astype(str) == label)


def _worth(
    alone: Alone, parts: list[_Part], now: Floats, evidence: Floats, size: int
) -> tuple[list[Floats], list[float], list[int]]:
    """Return what each part adds to the log odds of each cluster, Pareto k, and who leads then."""
    from coterie.beliefs import smoothed_weights

    rows, khats, first = [], [], []
    for part in parts:
        without, other = alone.believe(gone=part.gone)
        weight, khat = smoothed_weights(alone.units * (other - evidence)[:, None])
        left = weight[0] @ without
        both = np.stack([now[:size], left[:size]])
        worth = _log_odds(both[0]) - _log_odds(both[1])
        # Surer than these integrals can tell, with the part and without.
        lost = np.all(both <= _EDGE, axis=0) | np.all(both >= 1 - _EDGE, axis=0)
        rows.append(np.where(lost, np.nan, worth))
        khats.append(float(khat[0]))
        first.append(_leader(left, now))
    return rows, khats, first


def _leader(other: Floats, now: Floats) -> int:
    """Return who leads; who leads now keeps the lead where another is level."""
    own = int(now.argmax())
    return int(other.argmax()) if other.max() > other[own] + _EQUAL else own


def _table(
    parts: list[_Part], rows: list[Floats], khats: list[float], first: list[str], way: Floats,
    clusters: list[Any],
) -> xr.Dataset:  # fmt: skip
    named, kinds, worth, khat, leads = [], [], [], [], []
    for kind in dict.fromkeys(part.kind for part in parts):
        at = [i for i, part in enumerate(parts) if part.kind == kind]
        named += [*(parts[i].name for i in at), _SHARED]
        kinds += [kind] * (len(at) + 1)
        worth += [*(rows[i] for i in at), way - np.sum([rows[i] for i in at], axis=0)]
        khat += [*(khats[i] for i in at), np.nan]
        leads += [*(first[i] for i in at), ""]
    if not named:
        named, kinds, worth, khat, leads = ["everything"], ["all"], [way], [np.nan], [""]
    return xr.Dataset(
        {
            "nats": ((PART, names.CLUSTER), np.stack(worth), {UNIT: "nats of log odds"}),
            "khat": (PART, khat, {UNIT: "Pareto k"}),
            "leads_without": (PART, leads, {UNIT: "name"}),
        },
        coords={PART: named, KIND: (PART, kinds), names.CLUSTER: clusters},
    )


def _by_cluster(
    alone: Alone, belief: Floats, way: Floats, told: Flags, *, many: bool
) -> dict[str, Any]:
    """Return what is said of each cluster: probabilities, people, and how far both can be moved."""
    size = way.size
    people = _people(alone, size, told)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.abs(_log_odds(alone.prior[:size])) / np.abs(way) * people
    weight = np.where((people > 0) & np.isfinite(weight), weight, np.nan)
    doubled = per_doubling(alone)[:, :size]
    turns = np.full(size, np.nan) if many else _prior_turns(belief, size)
    return {
        "prior": (names.CLUSTER, alone.prior[:size], {UNIT: "probability"}),
        "belief": (names.CLUSTER, belief.mean(axis=0)[:size], {UNIT: "probability"}),
        "listeners": (names.CLUSTER, people, {UNIT: "people"}),
        "prior_listeners": (names.CLUSTER, weight, {UNIT: "people"}),
        "prior_factor": (names.CLUSTER, turns, {UNIT: "times prior odds"}),
        "per_doubling": (
            (WEIGHT_OF, names.CLUSTER), doubled, {UNIT: "probability per doubling of power"},
        ),
    }  # fmt: skip


def _by_outcome(alone: Alone, now: Floats, outcomes: int) -> dict[str, Any]:
    """Return how far scatter and counts of each outcome, and all counts, can be moved."""
    few = alone.thinned(_FEW_DRAWS)
    # What other terms change, seen at fewer draws, is added to the belief at all of them.
    ask = _Asked(few, now, now - few.believe()[0].mean(axis=0))
    turned = _scatter_turns(ask, outcomes)
    left, whole = _counts_turn(ask, outcomes)
    share = {UNIT: "share of evidence"}
    return {
        "kappa_factor": (names.OUTCOME, turned, {UNIT: "times kappa"}),
        "counts_factor": (names.OUTCOME, left, share),
        "all_counts_factor": ((), whole, share),
    }


def _people(alone: Alone, size: int, told: Flags) -> Floats:
    """Return how many people were counted in each cluster."""
    made = alone.made
    people = np.zeros(size)
    # An outcome's people are often those of another: the most of any outcome of people who met
    # the music. Those who could have (an audience), and money, are no listeners.
    for o in np.flatnonzero(told):
        of = made.outcome == o
        people = np.maximum(people, np.bincount(made.cluster[of], made.n[of], size))
    return people


@dataclass(frozen=True, slots=True)
class _Asked:
    """One artist under other terms, beside the belief of now: (place,)."""

    alone: Alone
    now: Floats
    shift: Floats

    def another(self, other: Alone, **terms: Any) -> bool:
        """Whether another place leads under other terms than does now."""
        believed = other.believe(**terms)[0].mean(axis=0) + self.shift
        return _leader(believed, self.now) != int(self.now.argmax())


def _scatter_turns(ask: _Asked, outcomes: int) -> Floats:
    """Return the factor on kappa, nearest to 1, at which another place is believed in most."""
    found = np.full(outcomes, np.nan)
    for o in range(outcomes):
        if not np.any(ask.alone.made.outcome == o):
            continue
        for factor in _FACTORS:
            turned = [f for f in (1 / factor, factor) if _turns(ask, o, f, outcomes)]
            if turned:
                found[o] = turned[0]
                break
    return found


def _turns(ask: _Asked, outcome: int, factor: float, outcomes: int) -> bool:
    scatter = np.ones(outcomes)
    scatter[outcome] = factor
    return ask.another(ask.alone, scatter=scatter)


def _counts_turn(ask: _Asked, outcomes: int) -> tuple[Floats, float]:
    """Return the largest share of evidence at which another place leads, by outcome and of all."""
    made = ask.alone.made

    def fewer(of: Flags) -> Callable[[float], bool]:
        def another(share: float) -> bool:
            weight = np.where(of, share * made.weight, made.weight)
            return ask.another(replace(ask.alone, made=replace(made, weight=weight)))

        return another

    parts = [made.outcome == o for o in range(outcomes)]
    found = [_share_left(fewer(of)) if of.any() else np.nan for of in parts]
    whole = _share_left(lambda share: ask.another(ask.alone, counts_power=share))
    return np.array(found), whole


def _share_left(another: Callable[[float], bool]) -> float:
    """Return the largest share, below 1, of some evidence at which another place leads."""
    high = 1.0
    for share in _KEPT:
        if not another(share):
            high = share
            continue
        low = share
        for _ in range(_FINER):
            middle = (low + high) / 2
            low, high = (middle, high) if another(middle) else (low, middle)
        return low
    return float("nan")


def _prior_turns(belief: Floats, size: int) -> Floats:
    """Return the factor on each cluster's prior odds that makes it as likely as any other.

    With one home and given the population, odds move as their prior does; the factor is found
    by halving.
    """
    found = np.ones(size)
    for k in range(size):
        own = belief[:, k, None]
        others = np.delete(belief, k, axis=1)

        def ahead(log_factor: float, own: Floats = own, others: Floats = others) -> bool:
            factor = np.exp(log_factor)
            scale = 1 + (factor - 1) * own
            rival = (others / scale).mean(axis=0).max(initial=0.0)
            return bool((factor * own / scale).mean() >= rival)

        low, high = -_FARTHEST, _FARTHEST
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if ahead(middle) else (middle, high)
        found[k] = np.exp(high)
    return found


def _log_odds(share: Floats) -> Floats:
    inside = np.clip(share, _EDGE, 1 - _EDGE)
    found: Floats = np.log(inside) - np.log1p(-inside)
    return found


def _headline(
    artist: Hashable, table: xr.Dataset, now: Floats, prior: Floats, places: list[str], *,
    claimed: bool,
) -> str:  # fmt: skip
    best = int(now.argmax())
    where = f"{places[best]!r} ({now[best]:.2f}, before the counts {prior[best]:.2f})"
    if best >= table.sizes[names.CLUSTER]:
        if not claimed:
            return f"The home of {artist} is open; the highest belief is in {where}."
        return f"{artist} is most likely at home in none of these clusters: {where}."
    told_first = f"{artist} is most likely at home in {where}"
    if not claimed:
        told_first = f"The home of {artist} is open; the highest belief is in {where}"
    how_much = _how_much_is_prior(table.isel({names.CLUSTER: best}), artist)
    own = table["nats"].isel({names.CLUSTER: best})
    told = own.isel({PART: np.flatnonzero(own[KIND] == names.OUTCOME)})
    told = told.isel({PART: np.flatnonzero(told[PART] != _SHARED)})
    if told.size == 0:
        return f"{told_first}.{how_much}"
    order = np.argsort(-np.abs(told.to_numpy()))[:_SHOWN]
    words = [f"{told[PART].values[i]} {float(told[i]):+.1f}" for i in order]
    return (
        f"{told_first}; what each outcome adds to its log odds, the "
        f"others in place: {', '.join(words)} nats.{how_much}"
    )


def _how_much_is_prior(own: xr.Dataset, artist: Hashable) -> str:
    """Weigh the prior of one cluster in listeners, in words; nothing where none were counted."""
    weight, people = float(own["prior_listeners"]), float(own["listeners"])
    if not np.isfinite(weight):
        return ""
    moved = f"from {float(own['prior']):.2f} to {float(own['belief']):.2f}"
    return (
        f" Of what is believed about {artist} in {str(own[names.CLUSTER].values)!r}, the prior "
        f"weighs as much as {weight:,.0f} listeners; the counts of {people:,.0f} listeners moved "
        f"it {moved}."
    )


def _caveats(table: xr.Dataset) -> tuple[str, ...]:
    told = [
        "A part is worth what it adds with all others in place: parts that say the same share "
        "what they say, and it stands under 'shared'.",
    ]
    lost = table[PART].values[(table["khat"] > KHAT_MOST).to_numpy()].tolist()
    if lost:
        told.append(
            f"Without {', '.join(map(repr, lost[:_SHOWN]))} the population itself would be another "
            f"(Pareto k above {KHAT_MOST}); {len(lost)} of {table.sizes[PART]} parts are like "
            "this: fit once without them."
        )
    if bool(table["nats"].isnull().any()):
        told.append(
            "Some beliefs are so near 0 or 1, with a part and without it, that what the part is "
            "worth cannot be told; it is left empty."
        )
    return tuple(told)


def _turned(table: xr.Dataset, leader: str, *, many: bool) -> Iterator[str]:
    """Say what would make another place lead: counts, a part, scatter or the prior."""
    said = [*_fewer_counts(table), *_parts_lost(table, leader), *_more_scatter(table)]
    if not many:
        said += _other_prior(table, leader)
    if said:
        yield (
            f"Another place would lead, or be level, with any of these, all else held: "
            f"{'; '.join(said)}."
        )
    else:
        yield (
            f"{leader!r} leads under every change that was tried: with any outcome or part left "
            "out, with cells scattering up to a thousandfold, and under any plausible prior."
        )
    if many:
        yield (
            "With many homes the stated prior says from which fit on an artist belongs: odds do "
            "not move with it, and prior_factor is left empty. What half and twice the prior "
            "would do, sensitivity tells."
        )


def _fewer_counts(table: xr.Dataset) -> Iterator[str]:
    left = table["counts_factor"].dropna(names.OUTCOME)
    if left.size:
        at = int(left.to_numpy().argmax())
        name = str(left[names.OUTCOME].values[at])
        yield f"{1 - float(left[at]):.0%} less evidence of {name!r}"
    whole = float(table["all_counts_factor"])
    if np.isfinite(whole) and table.sizes[names.OUTCOME] > 1:
        yield f"{1 - whole:.0%} less evidence of all outcomes together"


def _parts_lost(table: xr.Dataset, leader: str) -> list[str]:
    without = table["leads_without"].to_numpy()
    lost = [
        f"no {part!r} ({place!r} leads)"
        for part, place in zip(table[PART].values.tolist(), without.tolist(), strict=True)
        if place not in ("", leader)
    ]
    return lost[:_SHOWN] + ([f"{len(lost) - _SHOWN} more parts"] if len(lost) > _SHOWN else [])


def _more_scatter(table: xr.Dataset) -> Iterator[str]:
    turned = table["kappa_factor"].dropna(names.OUTCOME)
    if turned.size:
        at = int(np.abs(np.log(turned.to_numpy())).argmin())
        name = str(turned[names.OUTCOME].values[at])
        times = float(turned[at])
        yield f"cells of {name!r} that scatter with {times:.2g} times their kappa"


def _other_prior(table: xr.Dataset, leader: str) -> Iterator[str]:
    named = list(map(str, table[names.CLUSTER].values.tolist()))
    if leader in named:
        own = float(table["prior_factor"][named.index(leader)])
        if own > np.exp(-_FARTHEST / 2):
            yield f"prior odds of {leader!r} times {own:.2g}"
