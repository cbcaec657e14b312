"""Budget: where the next euro goes, line by line, with the reason of each.

Sleeves first (what is validated, what is adjacent, what is tried inside the validated), then
clusters within each by how probable they are the best at the value that money buys. Callers may
trust that amounts are whole units of currency which sum to the budget exactly, and that every
line says why it has what it has.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie.errors import FindingError
from coterie.findings.auditing import in_the_way, ready_to_scale
from coterie.findings.economics import Yields, yields_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import best_probability, perfect_information
from coterie.findings.origin import origin_of
from coterie.findings.responses import Responses, interval
from coterie.findings.rules import ADJACENT, EXPERIMENT, MONEY, PROVEN, VALIDATED, Rules, is_money
from coterie.findings.sharing import Group, Line, Method, apportioned, sleeve_shares, wanted
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats, Integers

LINE: Final = "line"
_NOTHING: Final = "no room, or less than a test is worth"


def allocate(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    budget: float,
    values: Mapping[str, float],
    method: Method = "thompson",
    rules: Rules | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Split a budget over an artist's clusters, with the reason of every line.

    Parameters
    ----------
    beliefs
        Fitted, with costs: spend in its rows.
    artist
        Whose clusters.
    budget
        Money to give, all of it.
    values
        What one event of each outcome is worth, as in :func:`coterie.durable_yield`.
    method
        How clusters share a sleeve: ``"thompson"``, as probable as each is the best buy;
        ``"ucb"``, by estimate and curiosity, in proportion where reach is not known to saturate,
        which spreads far; ``"top_two"``, half of it to the best of the others
        whoever leads, which learns faster and earns less.
    rules
        What must be kept; left out, the sleeves of 70 to 80, 15 to 20 and 5 to 10 per cent.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"allocation"``. Over (line): ``amount``, in money, summing to the budget exactly;
        ``cluster``, ``sleeve`` and ``why``; ``value`` with ``value_lower`` and ``value_upper``, the
        durable value it should bring; ``best``, the probability of the highest yield of all
        clusters, and ``pays``, of a yield above break-even. Clusters without a price get nothing,
        and it is said. ``open`` is the expected value of knowing the best cluster, over the budget.

    Raises
    ------
    FindingError
        If rules are in conflict, naming them, or no cluster has a price; if an audit in the rules
        is not ready to scale, and no reason is stated.
    BeliefError
        If the artist is unknown.

    References
    ----------
    .. [1] D. Russo et al. (2018), *A tutorial on Thompson sampling*, Foundations and Trends in
       Machine Learning 11.

    Examples
    --------
    >>> worth = {"save": 1, "add": 1.5, "follow": 4, "depth": 0.1}
    >>> found = co.allocate(
    ...     co.example_beliefs(), "Oslo Choir", budget=10_000, values=worth, rng=rng
    ... )
    >>> found.table["amount"].sum().item()
    10000.0
    """
    rules = Rules() if rules is None else rules
    _refuse_asked(budget, rules)
    gate = _gate(rules, artist)
    drawn = Responses.of(beliefs, artist, rng=rng)
    made = yields_of(beliefs, artist, drawn, values=values, per=rules.per, rng=rng)
    if made.priced.size == 0:
        raise FindingError(
            f"No cluster of {artist!r} has a price: nothing was paid for, so that nobody knows "
            "what money buys. Run a first paid test, or fit with the outcome 'reach'."
        )
    known = [made.clusters[k] for k in made.priced]
    _check(rules, made, known)
    lines = _lines(made, known, budget, method, rules)
    units = apportioned(lines, _whole(budget, rules.unit), _groups(lines, budget, rules))
    table = _table(lines, np.array(units) * rules.unit, made, known, rules)
    return Finding(
        kind="allocation", headline=_headline(table, artist, budget), table=table,
        caveats=_gated(_caveats(made, known, rules, table), gate),
        provenance=origin_of(
            beliefs, artist=str(artist), budget=budget, method=method, values=dict(values), **gate
        ),
    )  # fmt: skip


def _refuse_asked(budget: Any, rules: Any) -> None:
    if not (is_money(budget) and budget > 0):
        raise FindingError(f"The budget is {budget!r}; it must be money above 0.")
    if not isinstance(rules, Rules):
        raise FindingError(
            f"rules is a {type(rules).__name__}; give Rules(...) of coterie, or leave it out."
        )


def _gate(rules: Rules, artist: Hashable) -> dict[str, Any]:
    """Refuse to scale what an audit stops; return what it said, and the reason to go on."""
    if rules.audit is None:
        return {"audit": "none"}
    blocked, unseen = in_the_way(rules.audit)
    whose = rules.audit.provenance.get("artist")
    if whose != str(artist):
        raise FindingError(
            f"The audit is of {whose!r}, and the budget is for {artist!r}. Give an audit of the "
            "same artist."
        )
    told: dict[str, Any] = {"audit": rules.audit.headline}
    if ready_to_scale(rules.audit):
        return told
    despite = rules.despite.strip()
    if not despite:
        found = [f"blocked by {', '.join(blocked)}"] if blocked else []
        found += [f"not checked: {', '.join(unseen)}"] if unseen else []
        size = rules.audit.table["severity"].size
        raise FindingError(
            f"{artist} is not ready to scale, {'; '.join(found)}; {len(blocked) + len(unseen)} of "
            f"{size} checks stand in the way. Fix them and audit again (column 'fix' of the audit "
            "says how), or go on with Rules(despite='the reason')."
        )
    return told | {"blocked": blocked, "not_checked": unseen, "despite": despite}


def _gated(told: tuple[str, ...], gate: Mapping[str, Any]) -> tuple[str, ...]:
    if gate["audit"] == "none":
        return (*told, "The catalogue was not audited: what blocks it may waste this budget.")
    if "despite" not in gate:
        return told
    stopped = [*gate["blocked"], *(f"{name} (not checked)" for name in gate["not_checked"])]
    reason = str(gate["despite"]).rstrip(".")
    # First, so that it stands on the slide.
    return (f"Not ready to scale: {', '.join(stopped)}. Given despite it: {reason}.", *told)


def _check(rules: Rules, made: Yields, known: Sequence[Hashable]) -> None:
    for what in MONEY:
        for cluster, money in getattr(rules, what).items():
            if cluster not in made.clusters:
                raise FindingError(
                    f"{what} names {cluster!r}; the clusters are "
                    f"{', '.join(map(str, made.clusters[:8]))}."
                )
            if cluster not in known and what in ("floors", "fixed"):
                raise FindingError(
                    f"{what} gives {money:g} to {cluster!r}, which has no price: nobody knows what "
                    "money buys there. Leave it out, and test it by hand."
                )
    strange = [c for c in rules.proven or () if c not in made.clusters]
    if strange:
        raise FindingError(f"validated names {strange[0]!r}, which is no cluster here.")


def _lines(
    made: Yields, known: list[Hashable], budget: float, method: Method, rules: Rules
) -> list[Line]:
    """Lay out lines with targets, in units: sleeves first, clusters within."""
    level = made.level[:, made.priced]
    usual, power = made.spend[made.priced], made.saturation
    # Yields were seen at each cluster's own spend; where reach saturates they are put on one.
    alike = level * (usual / usual.mean()) ** (1 - power) if power < 1 else level
    pays, named = (level > rules.break_even).mean(axis=0), rules.proven
    proven = [
        c in named if named is not None else bool(p >= PROVEN)
        for c, p in zip(known, pays, strict=True)
    ]
    inside = [k for k in range(len(known)) if proven[k]]
    outside = [k for k in range(len(known)) if not proven[k]]
    tried = [k for k in inside if not rules.pending.get(known[k])]
    members = {VALIDATED: inside, ADJACENT: outside, EXPERIMENT: tried}
    shares = _open_shares(rules, members)
    curiosity = 2 * (1 - rules.maturity) if rules.curiosity is None else rules.curiosity
    lines = []
    for sleeve, places in members.items():
        if not places or sleeve not in shares:
            continue
        parts = wanted(alike[:, places], method, curiosity=curiosity, saturation=power)
        for k, part in zip(places, parts, strict=True):
            target = part * shares[sleeve] * budget / rules.unit
            lines.append(_line(known[k], sleeve, float(target), rules))
    return lines


def _open_shares(rules: Rules, members: Mapping[str, list[int]]) -> dict[str, float]:
    """Return the shares of sleeves that have somebody to pay; others' money goes to the first."""
    shares = sleeve_shares(rules.maturity, rules.sleeves)
    there = {s: v for s, v in shares.items() if members.get(s)}
    if not there:
        raise FindingError("No sleeve has a cluster in it. Name sleeves that do.")
    left = 1.0 - sum(there.values())
    first = next(iter(there))
    return there | {first: there[first] + left}


def _line(cluster: Any, sleeve: str, target: float, rules: Rules) -> Line:
    if cluster in rules.fixed:
        whole = _whole(rules.fixed[cluster], rules.unit)
        # The cluster's first line has what was fixed; another beside it would not be fixed.
        whole = 0 if sleeve == EXPERIMENT else whole
        return Line(cluster, sleeve, float(whole), whole, whole)
    return Line(cluster, sleeve, target, 0, None, _whole(rules.least_test, rules.unit))


def _whole(money: float, unit: float) -> int:
    """Return money in whole units, and refuse what is none."""
    units = round(money / unit) if np.isfinite(money) else -1
    if units < 0 or abs(units * unit - money) > unit * 1e-6:
        raise FindingError(
            f"{money:g} is no whole number of units of {unit:g}. State a finer unit, or round it."
        )
    return units


def _groups(lines: Sequence[Line], budget: float, rules: Rules) -> list[Group]:
    """Hold clusters to floors and caps, and sleeves to their ranges where all are open."""
    groups = []
    for cluster in dict.fromkeys(line.cluster for line in lines):
        own = tuple(i for i, line in enumerate(lines) if line.cluster == cluster)
        floor, cap = rules.floors.get(cluster, 0.0), rules.caps.get(cluster)
        room = None
        if cap is not None:
            left = max(cap - rules.pending.get(cluster, 0.0), 0.0)
            room = int(np.floor(left / rules.unit + 1e-9))
        if floor or room is not None:
            groups.append(Group(str(cluster), own, _whole(floor, rules.unit), room))
    there = {line.sleeve for line in lines}
    if there == set(rules.sleeves):
        whole = budget / rules.unit
        for sleeve, (low, high) in rules.sleeves.items():
            own = tuple(i for i, line in enumerate(lines) if line.sleeve == sleeve)
            ends = int(np.floor(low * whole + 1e-9)), int(np.ceil(high * whole - 1e-9))
            groups.append(Group(f"sleeve {sleeve}", own, *ends))
    return groups


def _table(
    lines: Sequence[Line], amount: Floats, made: Yields, known: list[Hashable], rules: Rules
) -> xr.Dataset:
    place = [known.index(line.cluster) for line in lines]
    level, edge = made.level[:, made.priced], rules.break_even
    capped = _capped(lines, amount, rules)
    best, pays = best_probability(level), (level > edge).mean(axis=0)
    stopped = rules.audit is not None and not ready_to_scale(rules.audit)
    despite = f"; not ready to scale, given despite it: {rules.despite.strip()}" if stopped else ""
    brought = level[:, place] * amount * _diminished(amount, np.array(place), made)
    mean, lower, upper, attrs = interval(brought, None)
    why = [
        _why(
            line,
            money,
            [of_share(float(v[k]), len(level)) for v in (best, pays)],
            edge,
            full=line.cluster in capped,
        )
        + (", up to its cap" if line.cluster in capped and money else "")
        + despite
        for line, money, k in zip(lines, amount, place, strict=True)
    ]
    value, chance = {UNIT: "value"} | attrs, {UNIT: "probability"}
    table = xr.Dataset(
        {
            "amount": (LINE, amount, {UNIT: "money", "says": "money"}),
            "cluster": (LINE, [line.cluster for line in lines], {UNIT: "words"}),
            "sleeve": (LINE, [line.sleeve for line in lines], {UNIT: "words"}),
            "value": (LINE, mean, value),
            "value_lower": (LINE, lower, value),
            "value_upper": (LINE, upper, value),
            "best": (LINE, best[place], chance),
            "pays": (LINE, pays[place], chance),
            "why": (LINE, why, {UNIT: "words"}),
            "open": ((), perfect_information(level) * float(amount.sum()), value),
            **_total(brought.sum(axis=1), edge * float(amount.sum()), value),
        },
        coords={LINE: [f"{line.cluster} ({line.sleeve})" for line in lines]},
        attrs={"main": "amount", "draws": len(level)},
    )  # fmt: skip
    order = np.argsort(-amount, kind="stable")
    return table.isel({LINE: order})


def _total(brought: Floats, asked: float, attrs: dict[str, Any]) -> dict[str, Any]:
    """Return what all lines bring together, and how probable it is that it is what was asked."""
    mean, lower, upper, _ = interval(brought, None)
    return {
        "total": ((), float(mean), attrs), "total_lower": ((), float(lower), attrs),
        "total_upper": ((), float(upper), attrs),
        "total_pays": ((), float((brought > asked).mean()), {UNIT: "probability"}),
    }  # fmt: skip


def _diminished(amount: Floats, place: Integers, made: Yields) -> Floats:
    """Return how much less a unit buys at each line's cluster's money than at its usual spend."""
    total = np.bincount(place, amount, len(made.priced))[place]
    usual = made.spend[made.priced][place]
    ratio = np.divide(total, usual, out=np.ones(total.shape), where=(total > 0) & (usual > 0))
    found: Floats = ratio ** (made.saturation - 1)
    return found


def _capped(lines: Sequence[Line], amount: Floats, rules: Rules) -> set[Hashable]:
    """Return the clusters that have all that their caps allow."""
    total: dict[Hashable, float] = {}
    for line, money in zip(lines, amount, strict=True):
        total[line.cluster] = total.get(line.cluster, 0.0) + float(money)
    return {
        cluster
        for cluster, money in total.items()
        if cluster in rules.caps
        and money + rules.pending.get(cluster, 0.0) > rules.caps[cluster] - rules.unit
    }


def _why(line: Line, money: float, chances: list[str], edge: float, *, full: bool) -> str:
    chance = f"{chances[0]} outcomes put it first, {chances[1]} above {edge:g}"
    if line.cap is not None and line.floor == line.cap:
        return f"fixed by hand; {chance}" if line.floor else "given what was fixed, nothing more"
    if money == 0:
        return f"nothing: {'its cap leaves no room' if full else _NOTHING}; {chance}"
    told = {
        VALIDATED: "validated", ADJACENT: "to be learned about",
        EXPERIMENT: "creative or context tests inside a validated cluster",
    }  # fmt: skip
    return f"{told.get(line.sleeve, line.sleeve)}: {chance}"


def _headline(table: xr.Dataset, artist: Hashable, budget: float) -> str:
    frame = table[["amount", "cluster"]].to_dataframe()
    money = frame.groupby("cluster", sort=False)["amount"].sum().sort_values(ascending=False)
    best = table["best"].to_numpy()[table["cluster"].values.tolist().index(money.index[0])]
    paid = int((money > 0).sum())
    shared = "no other gets any" if paid == 1 else f"{paid} clusters share it"
    return (
        f"Of the next {budget:,.0f} for {artist}, {money.iloc[0]:,.0f} go to {money.index[0]}, the "
        f"best buy in {of_share(float(best), table.attrs['draws'])} equally likely outcomes; "
        f"{shared}; all of it should bring {float(table['total']):,.0f} of value "
        f"({float(table['total_lower']):,.0f} to {float(table['total_upper']):,.0f})."
    )


def _caveats(
    made: Yields, known: Sequence[Hashable], rules: Rules, table: xr.Dataset
) -> tuple[str, ...]:
    told = [
        "Values are those stated; yield is gross, and a larger budget buys less of each unit where "
        "reach saturates.",
        f"Knowing the best cluster for certain would be worth {float(table['open']):,.0f} at most.",
    ]
    if float(table["total_pays"]) < 0.5:  # noqa: PLR2004 - rather not
        draws = table.attrs["draws"]
        told.insert(
            0,
            f"Rather not worth it: all of it pays in {of_share(float(table['total_pays']), draws)} "
            f"outcomes, at a break-even of {rules.break_even:g}. Hold some back, or state the "
            "break-even that goes with these values.",
        )
    away = [str(c) for c in made.clusters if c not in known]
    if away:
        told.append(f"Without a price and so without money: {', '.join(away[:5])}.")
    missing = set(rules.sleeves) - set(table["sleeve"].values.tolist())
    if missing:
        told.insert(
            0, f"No cluster for {' and '.join(sorted(missing))}: that share went to the others."
        )
    return tuple(told)
