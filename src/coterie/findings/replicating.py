"""Replicating: one simulated world, fitted, and where its truth fell among the draws.

Makes plain numbers for one replication. A statistic is anything whose true value is
known and whose posterior draws should not be told from it: its rank among the draws
is then uniform. Callers may trust that nothing is dropped: a fit that has not settled
says so in its record.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri

from coterie import names
from coterie.beliefs import Beliefs, MembershipPrior, believe_given, fit, predict
from coterie.errors import ConvergenceWarning
from coterie.evidence import Evidence
from coterie.findings import families
from coterie.findings.families import OUTCOMES, Family, Replicate
from coterie.typing import Floats

RANKED: Final = 99
"""Draws among which a truth is ranked."""

CHAINS: Final = 4
TRIES: Final[tuple[dict[str, Any], ...]] = (
    {"draws": 500, "tune": 250, "target_accept": 0.8},
    {"draws": 1500, "tune": 500, "target_accept": 0.9},
)
"""How a world is sampled, and once more if it has not settled."""

PLANTED: Final[Mapping[str, Callable[[Floats], Floats]]] = MappingProxyType(
    {
        "narrow": lambda draws: draws.mean() + 0.8 * (draws - draws.mean()),
        "shift": lambda draws: draws + 0.2 * draws.std(ddof=1),
    }
)
"""Faults to plant in the draws of one statistic: 0.8 times as wide, or moved by 0.2 SD."""

Fits = Callable[..., Beliefs]
"""Takes (evidence, prior) and the keywords of :func:`coterie.fit`, and returns beliefs."""

_POPULATION: Final = (
    names.ALPHA,
    names.LOADING,
    names.KAPPA,
    names.KAPPA_SPREAD,
    names.ARTIST_SCALE,
    names.CLUSTER_SCALE,
    names.PERIOD_SCALE,
)
_SAMPLE: Final = (names.CHAIN, names.DRAW)
_FIRST: Final = OUTCOMES[0]


def replicate(family: Family, entropy: list[int], *, fits: Fits = fit) -> dict[str, Any]:
    """Draw one world, fit it, and rank its truth.

    Parameters
    ----------
    family
        Kind of world.
    entropy
        Seeds all chance of this replication.
    fits
        Called in place of :func:`coterie.fit`, to put another fit to the test.

    Returns
    -------
    dict
        ``ranks``: by statistic, draws of :data:`RANKED` below the truth, ties broken at
        random; the same under the name of each fault of :data:`PLANTED`; ``belief`` and
        ``member``: what was believed of each pair, and what is true; ``drawn``: the belief that
        draws of affinities make by themselves, home being where the highest is, or those above
        their threshold; ``away`` and ``is_away``, one home: the same of a home elsewhere;
        ``best`` and ``is_best``: the same of each cluster's being the highest in its first
        outcome; ``rhat``, ``ess``, ``divergent`` (share of draws), ``tries``, ``seconds``.
    """
    rng = np.random.default_rng(entropy)
    world = families.draw(family, rng)
    evidence = families.read(world.frame)
    start = time.perf_counter()
    beliefs, tries = _settled_fit(evidence, world.prior, family, rng, fits)
    seconds = time.perf_counter() - start
    belief = beliefs.home if family.homes == "one" else beliefs.membership
    mean = belief.mean(_SAMPLE)
    member = world.truth["member"].sel({d: mean[d] for d in mean.dims}).transpose(*mean.dims)
    away = _elsewhere(beliefs, world) if family.homes == "one" else {}
    pairs = list(_statistics(beliefs, world, family, rng))
    best, is_best = _best(beliefs, world)
    numbers = beliefs.diagnose().numbers
    return {
        "ranks": {name: _rank(draws, truth, rng) for name, draws, truth in pairs},
        **{
            fault: {name: _rank(plant(draws), truth, rng) for name, draws, truth in pairs}
            for fault, plant in PLANTED.items()
        },
        "belief": np.round(mean.to_numpy().ravel(), 4).tolist(),
        "member": member.to_numpy().astype(int).ravel().tolist(),
        "drawn": np.round(_by_draws(beliefs, mean.dims).ravel(), 4).tolist(),
        "best": best,
        "is_best": is_best,
        "rhat": round(numbers["rhat"], 4),
        "ess": round(min(numbers["ess_bulk"], numbers["ess_tail"]), 1),
        "divergent": numbers["divergences"] / (numbers["chains"] * numbers["draws"]),
        "tries": tries,
        "seconds": round(seconds, 2),
        **away,
    }


def _elsewhere(beliefs: Beliefs, world: Replicate) -> dict[str, list[Any]]:
    """Return what is believed of a home elsewhere, and what is true."""
    there = beliefs.elsewhere.mean(_SAMPLE)
    home = world.truth[names.HOME].sel({names.ARTIST: there[names.ARTIST]})
    return {
        "away": np.round(there.to_numpy(), 4).tolist(),
        "is_away": (home == names.ELSEWHERE).to_numpy().astype(int).tolist(),
    }


def _best(beliefs: Beliefs, world: Replicate) -> tuple[list[float], list[int]]:
    """Return how likely each cluster is the highest in its first outcome, and which one is."""
    effect = _drawn(beliefs)[names.CLUSTER_EFFECT].sel(outcome=_FIRST.name)
    true_effect = world.truth[names.CLUSTER_EFFECT].sel(outcome=_FIRST.name)
    each = np.eye(effect.sizes[names.CLUSTER])
    highest = effect.transpose(..., names.CLUSTER).to_numpy().argmax(axis=-1)
    is_best = each[int(true_effect.to_numpy().argmax())].astype(int)
    return np.round(each[highest.ravel()].mean(axis=0), 4).tolist(), is_best.tolist()


def _by_draws(beliefs: Beliefs, dims: tuple[Any, ...]) -> Floats:
    """Return how likely each pair belongs as draws of affinities say, which are standard normal.

    The library's own integrals are not asked: they are to agree.
    """
    fits = beliefs.tree[names.POSTERIOR].dataset[names.AFFINITY].transpose(*_SAMPLE, *dims)
    values = fits.to_numpy().reshape(-1, *fits.shape[2:])
    stated = beliefs.tree[names.PRIOR].dataset
    prior = stated[names.PRIOR].transpose(*dims).to_numpy()
    if beliefs.homes == "many":
        above: Floats = (values > ndtri(1 - prior)).mean(axis=0)
        return above
    axis = dims.index(names.CLUSTER)
    top = values.max(axis=1 + axis, keepdims=True)
    # The unseen cluster is higher still with chance 1 - F(top).
    here = np.where(values == top, prior, 0.0) * ndtr(top)
    rest = float(stated[names.ELSEWHERE]) * (1 - ndtr(top))
    found: Floats = (here / (here.sum(axis=1 + axis, keepdims=True) + rest)).mean(axis=0)
    return found


def _settled_fit(
    evidence: Evidence, prior: MembershipPrior, family: Family, rng: Any, fits: Fits
) -> tuple[Beliefs, int]:
    for how in TRIES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            beliefs = fits(
                evidence,
                prior,
                homes=family.homes,
                population=family.population,
                chains=CHAINS,
                belief_draws=RANKED + 1,
                rng=rng,
                **how,
            )
        if beliefs.diagnose().ok:
            break
    return beliefs, TRIES.index(how) + 1


def _drawn(beliefs: Beliefs) -> xr.Dataset:
    """Return the posterior at the draws at which beliefs were integrated."""
    at = beliefs.tree[names.BELIEFS][names.DRAW]
    return beliefs.tree[names.POSTERIOR].to_dataset().sel({names.DRAW: at})


@dataclass(frozen=True, slots=True)
class _Extremes:
    """Labels that hold the least, middle and most evidence of the first outcome."""

    least: Any
    middle: Any
    most: Any

    @classmethod
    def of(cls, evidence: Evidence, dim: str) -> _Extremes:
        counts = evidence.counts.sel(outcome=_FIRST.name)
        size = counts[names.DENOMINATOR].groupby(counts[dim]).sum().sortby(dim)
        ordered = size[dim].to_numpy()[np.argsort(size.to_numpy(), kind="stable")]
        return cls(ordered[0], ordered[len(ordered) // 2], ordered[-1])


def _statistics(
    beliefs: Beliefs, world: Replicate, family: Family, rng: np.random.Generator
) -> Iterator[tuple[str, Floats, float]]:
    """Give each statistic's name, its draws and its truth."""
    drawn, truth = _drawn(beliefs), world.truth
    evidence = families.read(world.frame)
    for name in _POPULATION:
        for outcome in OUTCOMES:
            yield _one(f"{name} of {outcome.name}", drawn[name], truth[name], outcome=outcome.name)
    artist, cluster = (_Extremes.of(evidence, dim) for dim in (names.ARTIST, names.CLUSTER))
    for size in ("least", "middle", "most"):
        at = {names.ARTIST: getattr(artist, size), names.OUTCOME: _FIRST.name}
        effect = names.ARTIST_EFFECT
        yield _one(f"{effect} with {size} evidence", drawn[effect], truth[effect], **at)
    for outcome in OUTCOMES:
        at = {names.CLUSTER: cluster.most, names.OUTCOME: outcome.name}
        effect = names.CLUSTER_EFFECT
        yield _one(f"{effect} of {outcome.name}", drawn[effect], truth[effect], **at)
    fits, true_fits = drawn[names.AFFINITY], truth[names.AFFINITY]
    for size in ("least", "middle", "most"):
        at = {names.ARTIST: getattr(artist, size), names.CLUSTER: getattr(cluster, size)}
        yield _one(f"{names.AFFINITY} with {size} evidence", fits, true_fits, **at)
    # What a home is made of: the highest fit, and how far it is ahead of the artist's others.
    own = {names.ARTIST: artist.middle}
    tops = [each.max(names.CLUSTER) for each in (fits, true_fits)]
    yield _one(f"highest {names.AFFINITY}", *tops, **own)
    leads = [
        top - each.median(names.CLUSTER) for top, each in zip(tops, (fits, true_fits), strict=True)
    ]
    yield _one(f"lead of the highest {names.AFFINITY}", *leads, **own)
    if family.windows > 1:
        first = drawn[names.WINDOW].to_numpy()[0]
        at = {"cluster": cluster.most, "window": first, "outcome": _FIRST.name}
        effect = names.PERIOD_EFFECT
        yield _one(f"{effect} of {_FIRST.name}", drawn[effect], truth[effect], **at)
    yield from _integrated(beliefs, world, (artist, cluster))
    yield from _foreseen(beliefs, world, rng)


def _integrated(
    beliefs: Beliefs, world: Replicate, at: tuple[_Extremes, _Extremes]
) -> Iterator[tuple[str, Floats, float]]:
    """Joint log likelihood and b(phi): functions of the population and the data."""
    group = beliefs.tree[names.BELIEFS].to_dataset()
    evidence = beliefs.tree[names.LOG_LIKELIHOOD].to_dataset()
    here = believe_given(beliefs, world.truth)
    total = evidence["evidence"].sum(names.ARTIST)
    yield _one("log likelihood", total, here["evidence"].sum(names.ARTIST))
    name = names.HOME if names.HOME in group else names.MEMBERSHIP
    for size in ("least", "most"):
        where = {names.ARTIST: getattr(at[0], size), names.CLUSTER: getattr(at[1], size)}
        yield _one(f"belief with {size} evidence", group[name], here[name], **where)
    if names.ELSEWHERE in group:
        chosen = {names.ARTIST: at[0].middle}
        yield _one(names.ELSEWHERE, group[names.ELSEWHERE], here[names.ELSEWHERE], **chosen)


def _foreseen(
    beliefs: Beliefs, world: Replicate, rng: np.random.Generator
) -> Iterator[tuple[str, Floats, float]]:
    """Rates of cells: seen, next, and of an artist never shown; and a count held back."""
    evidence, later = families.read(world.frame), families.read(world.later)
    at = beliefs.tree[names.BELIEFS][names.DRAW]
    own = predict(beliefs, evidence, of="observed", rng=rng).sel({names.DRAW: at})
    ahead = predict(beliefs, later, rng=rng).sel({names.DRAW: at})
    seen = world.truth[names.RATE].isel({names.ROW: np.flatnonzero(world.shown)})
    to_come = world.later_truth[names.RATE]
    for i, outcome in enumerate(OUTCOMES):
        kind = names.RATE if outcome.kind == "binary" else names.INTENSITY
        pick = {f"{outcome.kind}_outcome": outcome.name}

        def row(table: xr.Dataset, n: int, kind: str = kind, pick: Any = pick) -> xr.DataArray:
            return table[kind].sel(pick).isel({names.ROW: n})

        yield _one(f"rate of a cell, {outcome.name}", row(own, 0), seen[0, i])
        yield _one(f"next rate, {outcome.name}", row(ahead, 0), to_come[0, i])
        yield _one(f"rate of a new artist, {outcome.name}", row(ahead, -1), to_come[-1, i])
        size, count = (int(world.later[column].iloc[1]) for column in _columns(outcome))
        rate = row(ahead, 1).to_numpy()
        events = rng.binomial(size, rate) if outcome.kind == "binary" else rng.poisson(size * rate)
        yield f"count held back, {outcome.name}", events.ravel()[:RANKED].astype(float), count


def _columns(outcome: Any) -> tuple[str, str]:
    return outcome.denominator, outcome.numerator


def _one(
    name: str, draws: xr.DataArray, truth: xr.DataArray, **at: Any
) -> tuple[str, Floats, float]:
    values = draws.sel(at).to_numpy().ravel()[:RANKED]
    return name, values.astype(np.float64), float(truth.sel(at).to_numpy().item())


def _rank(draws: Floats, truth: float, rng: np.random.Generator) -> int:
    below, ties = int((draws < truth).sum()), int((draws == truth).sum())
    return below + int(rng.integers(ties + 1))
