"""Standing: whether a cluster is scanned, validated, scaled or left alone, and what changes that.

The probability that a cluster pays passes a gate or does not. Callers may trust that what a
test would change is simulated from the beliefs, a campaign's own scatter included, and that a
phase is never told without the probability behind it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings.costs import told_rows
from coterie.findings.economics import Yields, ground_of, yields_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.gates import PHASES, Gates, Phase, check_phases
from coterie.findings.origin import origin_of
from coterie.findings.responses import Responses
from coterie.findings.trials import RESULTS, Expected, Ground, Trial, spaced, unfold
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats, Integers

_DRAWS: Final = 2000
"""Draws to look ahead from, at least."""
_AHEAD: Final = 4 * RESULTS
"""Results of the next campaign that are looked at."""
LONGEST: Final = 12
"""Campaigns looked ahead, at most."""
ASSURED: Final = 0.8
"""How often a cluster that pays is to be promoted by the sample that is called needed."""
_HARDLY: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where one cluster stands."""

    cluster: Hashable
    place: int
    phase: Phase
    pays: float
    campaigns: int
    counted: float
    people: float
    now: Phase | None


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What the next campaign may do to a phase, and how many campaigns a promotion needs."""

    up: float
    down: float
    up_from: float
    down_to: float
    needed: float


def phases(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    values: Mapping[str, float],
    gates: Gates | None = None,
    now: Mapping[Any, Phase] | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Say whether each cluster is scanned, validated, scaled or left alone, and what changes that.

    Parameters
    ----------
    beliefs
        Fitted, with costs: spend in its rows.
    artist
        Whose clusters.
    values
        What one event of each outcome is worth, as in :func:`coterie.durable_yield`.
    gates
        Probabilities of paying, and campaigns, that each phase asks for; left out, 0.5 after one
        campaign to validate and 0.8 after two to scale. Break-even, the size of a campaign and the
        column of listeners are said there as well.
    now
        Phases that clusters are in. A cluster keeps its phase until it falls 0.1 below the gate.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"phases"``. Over (cluster): ``pays``, the probability of a yield above break-even in
        the long run; ``phase`` and ``why``; ``campaigns`` and ``people`` counted; ``promoted`` and
        ``demoted``, how probable it is that the next campaign changes the phase (assurance), with
        ``promoted_from`` and ``demoted_to``, about which value a listener it would have to show
        (NaN where hardly any result does); ``needed``, campaigns after which 16 of 20 clusters
        that truly pay are promoted, simulated up to 12 (infinite where more are needed), with
        ``needed_people`` and ``needed_money``. A cluster without a price has NaN for what needs
        one, and is scanned.

    Raises
    ------
    FindingError
        If a phase is none, or no valued outcome is known.
    BeliefError
        If the artist or a cluster is unknown.

    References
    ----------
    .. [1] A. O'Hagan, J. Stevens, M. Campbell (2005), *Assurance in clinical trial design*,
       Pharmaceutical Statistics 4.

    Examples
    --------
    >>> from coterie.findings import Gates
    >>> worth = {"save": 1, "add": 1.5, "follow": 4, "depth": 0.1}
    >>> found = co.phases(
    ...     co.example_beliefs(), "Oslo Choir", values=worth, gates=Gates(break_even=0.4), rng=rng
    ... )
    >>> found.table["phase"].sel(cluster="indie pop").item()
    'scan'
    """
    gates, now = gates or Gates(), {} if now is None else now
    if not isinstance(gates, Gates):
        raise FindingError(f"gates is {gates!r}; make them with coterie.findings.Gates(...).")
    check_phases(now)
    drawn = Responses.of(beliefs, artist, rng=rng, least=_DRAWS)
    drawn.chosen(list(now) or None)
    made = yields_of(beliefs, artist, drawn, values=values, per=gates.per, rng=rng)
    ground = ground_of(beliefs, drawn, made, values, gates.per)
    stands = _stands(beliefs, artist, drawn, made, gates, now)
    ahead = [_ahead(stand, ground, made, gates, rng) for stand in stands]
    return Finding(
        kind="phases", headline=_headline(stands, artist, len(made.level)),
        table=_table(stands, ahead, made, gates), caveats=_caveats(stands, gates),
        provenance=origin_of(beliefs, artist=str(artist), values=dict(values), gates=str(gates)),
    )  # fmt: skip


def _stands(
    beliefs: Beliefs, artist: Hashable, drawn: Responses, made: Yields, gates: Gates,
    now: Mapping[Any, Phase],
) -> list[_Stand]:  # fmt: skip
    """Say where every cluster stands."""
    campaigns, counted, usual = _campaigns(beliefs, artist, drawn, gates.per)
    written = {str(cluster): phase for cluster, phase in now.items()}
    people = usual if gates.people is None else float(gates.people)
    found = []
    for k, cluster in enumerate(made.clusters):
        level = made.level[:, k]
        known = bool(np.isfinite(level).all())
        pays = float((level > gates.break_even).mean()) if known else float("nan")
        held = written.get(str(cluster))
        phase = gates.phase(pays, campaigns=campaigns[k], now=held)
        # A phase that nobody stated is held by nothing.
        now_ = None if held is None else phase
        found.append(_Stand(cluster, k, phase, pays, campaigns[k], float(counted[k]), people, now_))
    return found


def _campaigns(
    beliefs: Beliefs, artist: Hashable, drawn: Responses, per: str
) -> tuple[list[int], Floats, float]:
    """Return campaigns and listeners of each cluster, and the listeners of a usual campaign.

    A campaign is what was paid for of one release in one window, however many rows tell of it;
    where nothing was ever paid for, what was counted.
    """
    rows = told_rows(beliefs, per)
    rows = rows[rows["people"] > 0]
    paid = rows[rows["spend"] > 0]
    rows = paid if len(paid) else rows
    keys = [names.ARTIST, names.CLUSTER, names.RELEASE, names.WINDOW]
    sums = rows.groupby(keys, dropna=False, sort=False)["people"].sum().reset_index()
    own = sums[sums[names.ARTIST] == artist]
    each = own.groupby(names.CLUSTER)["people"].agg(["count", "sum"])
    campaigns = [int(each["count"].get(cluster, 0)) for cluster in drawn.clusters]
    counted = np.array([float(each["sum"].get(cluster, 0.0)) for cluster in drawn.clusters])
    there = own if len(own) else sums
    return campaigns, counted, float(there["people"].median()) if len(there) else 1.0


def _ahead(
    stand: _Stand, ground: Ground, made: Yields, gates: Gates, rng: np.random.Generator
) -> _Ahead:
    """Look ahead from where a cluster stands."""
    unknown = float("nan")
    if not np.isfinite(stand.pays):
        return _Ahead(unknown, unknown, unknown, unknown, unknown)
    pays = (made.level[:, stand.place] > gates.break_even).astype(float)
    value = made.value[:, stand.place]
    rank = PHASES.index(stand.phase)
    one = Trial(stand.place, stand.people)
    (result,) = unfold(one, ground, truth=spaced(value, _AHEAD, rng), rng=rng)
    ranks = _ranks(result, pays, stand, gates, 1)
    needed = unknown if stand.phase == PHASES[-1] else float("inf")
    paying = np.flatnonzero(pays > 0)
    if needed > 0 and paying.size:
        truth = paying[spaced(value[paying], RESULTS, rng)]
        many = Trial(stand.place, stand.people, LONGEST)
        for campaigns, seen in enumerate(unfold(many, ground, truth=truth, rng=rng), start=1):
            if (_ranks(seen, pays, stand, gates, campaigns) > rank).mean() >= ASSURED:
                needed = float(campaigns)
                break
    return _Ahead(
        float((ranks > rank).mean()), float((ranks < rank).mean()),
        _edge(result.shown, ranks > rank), -_edge(-result.shown, ranks < rank), needed,
    )  # fmt: skip


def _ranks(result: Expected, pays: Floats, stand: _Stand, gates: Gates, campaigns: int) -> Integers:
    """Return the rank of the phase that each result would lead to."""
    seen = stand.campaigns + campaigns
    told = [gates.phase(float(p), campaigns=seen, now=stand.now) for p in result.after(pays)]
    return np.array([PHASES.index(phase) for phase in told])


def _edge(shown: Floats, changed: Any) -> float:
    """Return the shown value from which results change the phase; NaN where hardly any does.

    Several outcomes tell, and the value they sum to tells most: the cut that errs least.
    """
    if not _HARDLY <= changed.mean() <= 1 - _HARDLY:
        return float("nan")
    order = np.argsort(shown, kind="stable")
    ordered, hits = shown[order], changed[order]
    errors = np.cumsum(hits)[:-1] + np.cumsum(~hits[::-1])[::-1][1:]
    # Results that show the same are on one side of a cut.
    apart = np.diff(ordered) > 0
    if not apart.any():
        return float("nan")
    at = int(np.where(apart, errors, errors.max() + 1).argmin())
    return float((ordered[at] + ordered[at + 1]) / 2)


def _table(stands: list[_Stand], ahead: list[_Ahead], made: Yields, gates: Gates) -> xr.Dataset:
    dims, chance = names.CLUSTER, {UNIT: "probability"}
    people = np.array([a.needed * s.people for s, a in zip(stands, ahead, strict=True)])
    each = {UNIT: "value a listener"}
    says = {UNIT: "probability", "says": "of 20 equally likely outcomes, it pays"}
    draws = len(made.level)
    why = [_why(s, a, gates, draws) for s, a in zip(stands, ahead, strict=True)]
    return xr.Dataset(
        {
            "pays": (dims, [s.pays for s in stands], says | {"break_even": gates.break_even}),
            "phase": (dims, [s.phase for s in stands], {UNIT: "words"}),
            "promoted": (dims, [a.up for a in ahead], chance),
            "promoted_from": (dims, [a.up_from for a in ahead], each),
            "demoted": (dims, [a.down for a in ahead], chance),
            "demoted_to": (dims, [a.down_to for a in ahead], each),
            "needed": (dims, [a.needed for a in ahead], {UNIT: "campaigns"}),
            "needed_people": (dims, people, {UNIT: "listeners"}),
            "needed_money": (dims, people * made.cost.mean(axis=0), {UNIT: "money"}),
            "campaigns": (dims, [s.campaigns for s in stands], {UNIT: "campaigns"}),
            "people": (dims, [s.counted for s in stands], {UNIT: "listeners"}),
            "why": (dims, why, {UNIT: "words"}),
        },
        coords={dims: [s.cluster for s in stands]},
        attrs={"main": "pays", "draws": draws, "campaign": stands[0].people},
    )  # fmt: skip


def _why(stand: _Stand, ahead: _Ahead, gates: Gates, draws: int) -> str:
    if not np.isfinite(stand.pays):
        return "no price: nobody knows what money buys here; a small paid test would tell"
    counted = f"{stand.campaigns} campaign{'' if stand.campaigns == 1 else 's'} counted"
    told = [f"pays in {of_share(stand.pays, draws)} outcomes, {counted}"]
    asked = gates.above(stand.phase)
    if asked is not None and stand.pays >= asked and stand.phase != PHASES[0]:
        told.append("sure enough for the next phase, after too few campaigns")
    size = f"{stand.people:,.0f} listeners"
    if np.isfinite(ahead.up_from):
        told.append(f"{size} with about {ahead.up_from:.2g} of value each or more would promote it")
    if np.isfinite(ahead.down_to):
        told.append(f"{size} with about {ahead.down_to:.2g} or less would demote it")
    if np.isinf(ahead.needed):
        told.append(f"even if it pays, {LONGEST} such campaigns do not surely promote it")
    elif ahead.needed == 1:
        told.append("if it pays, one such campaign promotes it")
    elif np.isfinite(ahead.needed):
        told.append(f"if it pays, {ahead.needed:.0f} such campaigns promote it")
    return "; ".join(told)


def _headline(stands: list[_Stand], artist: Hashable, draws: int) -> str:
    told: list[str] = []
    for phase in reversed(PHASES):
        own = sorted((s for s in stands if s.phase == phase), key=lambda s: -np.nan_to_num(s.pays))
        if not own:
            continue
        first = own[0]
        named = str(first.cluster) + (f" and {len(own) - 1} more" if len(own) > 1 else "")
        if not told and np.isfinite(first.pays):
            named += f" (pays in {of_share(first.pays, draws)} equally likely outcomes)"
        told.append(f"{phase} {named}")
    return f"{artist}: {'; '.join(told)}."


def _caveats(stands: list[_Stand], gates: Gates) -> tuple[str, ...]:
    unpriced = [str(s.cluster) for s in stands if not np.isfinite(s.pays)]
    first, second = gates.campaigns
    told = [
        f"A yield above {gates.break_even:g} pays. Gates are conventions: {gates.validate:g} to "
        f"validate and {gates.scale:g} to scale, after {first} and {second} campaigns; below "
        f"{gates.rest:g} to rest.",
        "What a campaign would show is simulated from these beliefs and read when late answers "
        "are in; campaigns ahead are of one window, and share its mood.",
    ]
    if unpriced:
        told.append(
            f"Without a price: {', '.join(unpriced[:5])}; {len(unpriced)} of {len(stands)} "
            "clusters are like this."
        )
    return tuple(told)
