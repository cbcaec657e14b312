"""Policies: ways to spend week by week, played against each other in simulated markets.

Each policy is played in the same worlds, with chance of its own for what it sees. Callers may
trust that yields are true expected values, that differences are paired by world, and that a loss
is told as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import xarray as xr

from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import arrived
from coterie.findings.markets import WEEK, Market, Seen, World, believed
from coterie.findings.rules import SLEEVES
from coterie.findings.sharing import METHODS, Method, sleeve_shares, wanted
from coterie.typing import Floats

Policy = Callable[[Seen], Any]
"""Takes what was seen and returns the share of each cluster: (cluster,)."""
POLICY: Final = "policy"
_PROVEN: Final = 0.8
_INTERVAL: Final = 0.95
_RESAMPLES: Final = 4000
_ROUNDING: Final = 1e-6


def in_sleeves(method: Method, *, maturity: float = 0.5) -> Policy:
    """Return a policy that spends as :func:`coterie.allocate` does: sleeves, then clusters.

    Parameters
    ----------
    method
        How clusters share a sleeve.
    maturity
        Where in their ranges the sleeves are.
    """

    def policy(seen: Seen) -> Floats:
        shares = list(sleeve_shares(maturity, SLEEVES).values())
        usual = float(np.mean(seen.prior))
        proven = (seen.draws > usual).mean(axis=0) >= _PROVEN
        if not proven.any():
            proven[seen.draws.mean(axis=0).argmax()] = True
        curiosity, saturation = 2 * (1 - maturity), seen.market.saturation
        parts = np.zeros(proven.size)
        # Tests inside validated clusters are spent there, whatever the creative.
        for own, share in ((proven, shares[0] + shares[2]), (~proven, shares[1])):
            if own.any():
                parts[own] = share * wanted(
                    seen.draws[:, own], method, curiosity=curiosity, saturation=saturation
                )
        found: Floats = parts / parts.sum()
        return found

    return policy


def equal(seen: Seen) -> Floats:
    """Give every cluster the same, every week."""
    return np.full(seen.prior.size, 1 / seen.prior.size)


def fixed(seen: Seen) -> Floats:
    """Give 75, 17.5 and 7.5 per cent to thirds of the clusters as they were believed before."""
    order = np.argsort(-seen.prior, kind="stable")
    found = np.zeros(order.size)
    for places, share in zip(np.array_split(order, 3), (0.75, 0.175, 0.075), strict=True):
        found[places] = share / places.size
    return found


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {method: in_sleeves(method) for method in METHODS} | {"equal": equal, "fixed": fixed}
)
FIXED: Final = ("equal", "fixed")


def simulate_policy(
    policies: Mapping[str, Policy] | Sequence[str] = tuple(POLICIES),
    *,
    market: Market | None = None,
    worlds: int = 200,
    against: Sequence[str] = FIXED,
    rng: np.random.Generator,
) -> Finding:
    """Play policies in simulated markets, and compare what they brought.

    Parameters
    ----------
    policies
        Names of ours (``"thompson"``, ``"ucb"``, ``"top_two"`` within sleeves, ``"equal"``,
        ``"fixed"``), or your own by name: a function of :class:`Seen` that returns shares.
    market
        How the markets behave; left out, 8 clusters for 26 weeks with drift, a delay of 14 days
        and saturation.
    worlds
        How many; each policy is played in all of them.
    against
        Policies that the others are compared with; they are played too.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"policies"``. Over (policy): ``brought``, mean of the cumulative durable yield over
        the most that could have been had, knowing all; ``regret``, what was missed, in answers.
        ``gain`` with ``gain_lower`` and ``gain_upper`` (policy, against): mean paired difference of
        yield over that of the other, in shares of it, with a 95 % bootstrap interval over worlds.

    Raises
    ------
    FindingError
        If a policy is unknown, or returns shares that are none.

    Examples
    --------
    >>> found = co.simulate_policy(["thompson"], worlds=20, rng=rng)
    >>> bool((found.table["gain"].sel(policy="thompson") > 0).all())
    True
    """
    played = _named(policies) | _named(list(against))
    market = market or Market()
    totals: dict[str, list[float]] = {name: [] for name in played}
    best = []
    for _ in range(worlds):
        world = World.draw(market, rng)
        best.append(sum(world.best(week) for week in range(market.weeks)))
        seed = rng.integers(2**63)
        for name, policy in played.items():
            # The same chance for every policy, so that luck is no difference between them.
            totals[name].append(play(world, policy, np.random.default_rng(seed), name))
    table = _table({k: np.array(v) for k, v in totals.items()}, np.array(best), against, rng)
    return Finding(
        kind="policies", headline=_headline(table, against), table=table,
        caveats=(
            "These are simulated markets: they show what a rule does where the world is as stated, "
            "and nothing of this artist.",
        ),
        provenance={"worlds": worlds, "market": str(market)},
    )  # fmt: skip


def _named(policies: Mapping[str, Policy] | Sequence[str]) -> dict[str, Policy]:
    if isinstance(policies, Mapping):
        return dict(policies)
    unknown = [name for name in policies if name not in POLICIES]
    if unknown:
        raise FindingError(
            f"There is no policy {unknown[0]!r}; there are {', '.join(POLICIES)}, and your own by "
            "name: {'mine': function}."
        )
    return {name: POLICIES[name] for name in policies}


def play(world: World, policy: Policy, rng: np.random.Generator, name: str = "policy") -> float:
    """Return what a policy brings in one world, in answers expected of its spend."""
    m = world.market
    spend, final = np.zeros((m.weeks, m.clusters)), np.zeros((m.weeks, m.clusters))
    brought = 0.0
    for week in range(m.weeks):
        age = week - np.arange(week)
        share = arrived(WEEK * (age - 0.5), mean_delay=m.delay)[:, None]
        come = np.floor(final[:week] * share)
        seen = Seen(week, world.prior, spend[:week], come, np.empty((0, m.clusters)), m)
        seen.draws = believed(seen, rng)
        spend[week] = m.budget * _shares(policy(seen), m.clusters, name)
        expected = world.expected(week, spend[week])
        brought += float(expected.sum())
        scatter = rng.standard_gamma(m.scatter, m.clusters) / m.scatter
        final[week] = rng.poisson(expected * scatter)
    return brought


def _shares(said: Any, size: int, name: str) -> Floats:
    share = np.asarray(said, dtype=np.float64)
    good = share.shape == (size,) and np.isfinite(share).all() and (share >= 0).all()
    if not (good and abs(share.sum() - 1) < _ROUNDING):
        raise FindingError(
            f"Policy {name!r} returned {share!r}; return {size} shares of at least 0 that sum to 1."
        )
    return share


def _table(
    totals: dict[str, Floats], best: Floats, against: Sequence[str], rng: np.random.Generator
) -> xr.Dataset:
    size = best.size
    at = rng.integers(size, size=(_RESAMPLES, size))
    tail = (1 - _INTERVAL) / 2
    gain = np.zeros((3, len(totals), len(against)))
    for i, own in enumerate(totals.values()):
        for j, other in enumerate(against):
            share = (own - totals[other]) / totals[other].mean()
            ends = np.quantile(share[at].mean(axis=1), [tail, 1 - tail])
            gain[:, i, j] = share.mean(), *ends
    unit = {UNIT: "share of the other's yield", "ci_kind": "bootstrap", "ci_prob": _INTERVAL}
    both = (POLICY, "against")
    brought = [float((own / best).mean()) for own in totals.values()]
    missed = [float((best - own).mean()) for own in totals.values()]
    says = {UNIT: "share", "says": "share of the most there was"}
    return xr.Dataset(
        {
            "brought": (POLICY, brought, says),
            "regret": (POLICY, missed, {UNIT: "answers"}),
            "gain": (both, gain[0], unit),
            "gain_lower": (both, gain[1], unit),
            "gain_upper": (both, gain[2], unit),
        },
        coords={POLICY: list(totals), "against": list(against)},
        attrs={"main": "brought"},
    )  # fmt: skip


def _headline(table: xr.Dataset, against: Sequence[str]) -> str:
    own = [p for p in table[POLICY].values.tolist() if p not in against]
    ranked = table["brought"].sel({POLICY: own or list(table[POLICY].values)}).to_series()
    best = ranked.sort_values(ascending=False, kind="stable").index[0]
    told = []
    for other in against:
        cell = table.sel({POLICY: best, "against": other})
        ends = 100 * float(cell["gain_lower"]), 100 * float(cell["gain_upper"])
        told.append(
            f"{100 * float(cell['gain']):+.1f} % against {other} ({ends[0]:+.1f} to {ends[1]:+.1f})"
        )
    return f"{best} brings most, {ranked[best]:.0%} of what there was: {'; '.join(told)}."
