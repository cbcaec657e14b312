"""Saying: the twin of each picture, one sentence with the answer first.

Callers may trust that a sentence claims no more than its numbers: an order is told as how often
it holds, and what is not settled is said to be so. Draws nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.deck.places import RANK, places, ranks, refuse_homeless
from coterie.deck.rates import counted_outcome, outcome_of
from coterie.deck.sentences import per_cent, per_people, plain, unsettled
from coterie.errors import FindingError
from coterie.findings import chosen, likely, of_draws, of_twenty

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.evidence import Outcome
    from coterie.findings import Finding

_STEP: Final = "update"
_NAMED: Final = 3
_EXPOSURES: Final = (10, 100, 1_000, 10_000, 100_000)
_SEVERAL: Final = 5
"""Events that are told apart from one more."""
_HALF: Final = 0.5


def say_affinity(beliefs: Beliefs) -> str:
    """Say how many artists have a likely place, and which cluster has most of them.

    A place is likely where it is believed in with one half or more, the counts have at least
    doubled its odds and, with one home, it is 2 of 20 outcomes ahead of the next.

    Parameters
    ----------
    beliefs
        With one home or many.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_affinity`.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.

    Examples
    --------
    >>> co.say_affinity(co.example_beliefs())[:19]
    '18 of 20 artists ha'
    """
    table = places(beliefs)
    return everybody_sentence(table, str(beliefs.homes))


def everybody_sentence(table: pd.DataFrame, homes: str) -> str:
    """Say the rows of :func:`places`, all artists together."""
    wide, before = (
        table.pivot_table(index=names.ARTIST, columns=names.CLUSTER, values=part, sort=False)
        for part in ("belief", "prior")
    )
    found = [
        likely(own, prior, many=homes == "many")
        for own, prior in zip(wide.to_numpy(), before.to_numpy(), strict=True)
    ]
    clear = pd.DataFrame(found, index=wide.index, columns=wide.columns)
    clear = clear.drop(columns=names.ELSEWHERE, errors="ignore")
    artists, likely_ones = len(wide), int(clear.any(axis=1).sum())
    word = "a likely home" if homes == "one" else "a likely cluster"
    of = f"of {artists} artists" if artists > 1 else f"of {artists} artist"
    if likely_ones == 0:
        return f"None {of} has {word} yet: evidence is thin"
    most = clear.sum()
    first = [plain(cluster) for cluster in most.index[most == most.max()]]
    if artists == 1:
        return f"{likely_ones} {of} has {word}: {_listed(first)}"
    lead = f"{first[0]} leads with {most.max()}"
    if len(first) > 1:
        lead = f"{_listed(first)} lead with {most.max()} each"
    return f"{likely_ones} {of} {'has' if likely_ones == 1 else 'have'} {word}; {lead}"


def _listed(labels: Sequence[str]) -> str:
    """Join names, a few of them and how many more."""
    shown = list(labels[:_NAMED])
    if len(labels) > _NAMED:
        shown.append(f"{len(labels) - _NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def say_ranks(beliefs: Beliefs, artist: Hashable) -> str:
    """Say how sure it is which cluster comes first for an artist.

    Parameters
    ----------
    beliefs
        With one home or many.
    artist
        Whom it is about.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_ranks`. What varies is the population
        behind the beliefs, as in their intervals.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> co.say_ranks(co.example_beliefs(), "Marrow")[:33]
    'Of these clusters road trip comes'
    """
    draws = beliefs.home if beliefs.homes == "one" else beliefs.membership
    edge = 0.5 / (draws.sizes[names.CHAIN] * draws.sizes[names.DRAW] + 1)
    first = ranks(beliefs, [artist]).isel({names.ARTIST: 0}).sel({RANK: 1}).to_series()
    # Draws are finite: what held in all of them is not certain.
    order = first.sort_values(ascending=False, kind="stable").clip(edge, 1 - edge)
    told = (
        f"Of these clusters {plain(order.index[0])} comes first for {plain(artist)} in "
        f"{of_twenty(order.iloc[0])} equally likely states of the population"
    )
    own = places(beliefs, [artist])
    found = likely(own["belief"], own["prior"], many=beliefs.homes == "many")
    if not (found & (own[names.CLUSTER] == order.index[0]).to_numpy()).any():
        told += " (not a likely home)" if beliefs.homes == "one" else " (not a likely one)"
    if len(order) == 1:
        return told
    return f"{told}, {plain(order.index[1])} in {of_twenty(order.iloc[1])}"


def say_update(beliefs: Beliefs, artist: Hashable) -> str:
    """Say how the belief about an artist moved as rows arrived.

    Parameters
    ----------
    beliefs
        Fitted or updated, with one home or many.
    artist
        Whom it is about.

    Returns
    -------
    str
        One sentence about the cluster most believed in now: the twin of
        :func:`coterie.plot_update`.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If their history knows no such artist.

    Examples
    --------
    >>> co.say_update(co.example_beliefs(), "Oslo Choir")
    'Oslo Choir in gym: from 4 of 20 to 14 of 20 in 1 reading'
    """
    refuse_homeless(beliefs)
    past = beliefs.history
    who = chosen([artist], past[names.ARTIST].to_numpy().tolist(), names.ARTIST)[0]
    own = past.sel({names.ARTIST: who})
    best = own["mean"].isel({_STEP: -1}).idxmax(names.CLUSTER).item()
    return update_sentence(who, best, own.sel({names.CLUSTER: best}))


def update_sentence(artist: Hashable, cluster: Hashable, line: xr.Dataset) -> str:
    """Say the line of one artist and cluster through time, from a history."""
    # Who came later has no belief before.
    readings = int(line["mean"].notnull().sum())
    before = float(line["prior"].dropna(_STEP)[0])
    last = line.isel({_STEP: -1})
    ends = pd.Series({part: float(last[part]) for part in ("lower", "upper")})
    return (
        f"{plain(artist)} in {plain(cluster)}: from {of_twenty(before)} to "
        f"{of_twenty(float(last['mean']))} in {readings} reading{'s' * (readings != 1)}"
        + (", and that is not settled" if unsettled(ends) else "")
    )


def say_rates(beliefs: Beliefs, artist: Hashable, *, outcome: str, rng: np.random.Generator) -> str:
    """Say where an outcome will be most frequent, and how often that order holds.

    Parameters
    ----------
    beliefs
        Fitted, with or without membership.
    artist
        Whom it is about.
    outcome
        Name of the outcome.
    rng
        Source of chance: the rates of the next comparable release are drawn.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_rates`. "18 of 20 equally likely outcomes
        put late-night headphones above indie pop".

    Raises
    ------
    FindingError
        If the outcome is unknown.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> co.say_rates(co.example_beliefs(), "Oslo Choir", outcome="save", rng=rng)[:26]
    'Rate of save, Oslo Choir: '
    """
    from coterie.beliefs import next_rates

    own = outcome_of(beliefs, outcome)
    drawn = next_rates(beliefs, artists=[artist], rng=rng).sel({names.OUTCOME: outcome})
    drawn = drawn.isel({names.ARTIST: 0}).stack(sample=(names.CHAIN, names.DRAW))
    order = drawn.median("sample").to_series().sort_values(ascending=False, kind="stable")
    first = plain(order.index[0])
    said = f"Rate of {outcome}, {plain(artist)}: {_rate(own, order.iloc[0])} in {first}"
    if len(order) == 1:
        return said
    second = order.index[1]
    best, other = (drawn.sel({names.CLUSTER: c}).to_numpy() for c in order.index[:2])
    return (
        f"{said}; {of_draws(best > other)} equally likely outcomes put it above {plain(second)} "
        f"({_rate(own, order.iloc[1])})"
    )


def say_depth(
    beliefs: Beliefs, artist: Hashable, *, outcome: str | None = None, rng: np.random.Generator
) -> str:
    """Say where listeners go deepest into the catalogue, and how often that order holds.

    Parameters
    ----------
    beliefs
        Fitted, with a counted outcome.
    artist
        Whom it is about.
    outcome
        Name of a counted outcome; left out, the only one there is, or ``depth``.
    rng
        Source of chance.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_depth`.

    Raises
    ------
    FindingError
        If there is no such counted outcome.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> co.say_depth(co.example_beliefs(), "Oslo Choir", rng=rng)[:25]
    'Rate of depth, Oslo Choir'
    """
    name = counted_outcome(beliefs, outcome).name
    return say_rates(beliefs, artist, outcome=name, rng=rng)


def _rate(outcome: Outcome, rate: float) -> str:
    """Say a rate of people as people, and of events as events of so many people."""
    if outcome.kind == "binary":
        return per_people(rate)
    exposure = next((n for n in _EXPOSURES if n * rate >= _SEVERAL), _EXPOSURES[-1])
    events = exposure * rate
    number = f"{events:,.0f}" if events >= _HALF else "fewer than 1"
    return f"{number} {outcome.numerator} for {exposure:,} {outcome.denominator}"


def say_calibration(finding: Finding) -> str:
    """Say how often a backtest's intervals held.

    Parameters
    ----------
    finding
        From :func:`coterie.backtest`.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_calibration`.

    Raises
    ------
    FindingError
        If the finding is no backtest.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> found = co.backtest(beliefs, beliefs.evidence, of="observed", rng=rng)
    >>> "90 % intervals" in co.say_calibration(found)
    True
    """
    refuse_other(finding, "backtest", "coterie.backtest(beliefs, later, rng=rng)")
    table = finding.table
    prob = 100 * float(table["coverage"].attrs["prob"])
    rows = table["n"].to_numpy()
    held = float(np.nansum(table["coverage"].to_numpy() * rows) / rows.sum())
    out = (table["ecdf_difference"] < table["band_lower"]) | (
        table["ecdf_difference"] > table["band_upper"]
    )
    dims = [dim for dim in out.dims if dim != names.OUTCOME]
    odd = out.any(dims).to_series()
    astray = ", ".join(map(str, odd.index[odd]))
    told = f"not calibrated: {astray}" if astray else "no outcome strays from its band"
    return (
        f"{per_cent(held)} of {int(rows.sum()):,} counts lie inside their {prob:.3g} % intervals; "
        f"{told}"
    )


def say_predictive_check(finding: Finding) -> str:
    """Say how many rates look as the model expects.

    Parameters
    ----------
    finding
        From :func:`coterie.predictive_check`.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_ppc`.

    Raises
    ------
    FindingError
        If the finding is no predictive check.

    Examples
    --------
    >>> found = co.predictive_check(co.example_beliefs(), rng=rng)
    >>> co.say_predictive_check(found)[:15]
    '24 of 25 rates '
    """
    refuse_other(finding, "predictive_check", "coterie.predictive_check(beliefs, rng=rng)")
    return finding.headline.rstrip(".")


def say_sensitivity(finding: Finding) -> str:
    """Say whether likeliest places hang on what was stated.

    Parameters
    ----------
    finding
        From :func:`coterie.sensitivity`.

    Returns
    -------
    str
        One sentence: the twin of :func:`coterie.plot_sensitivity`.

    Raises
    ------
    FindingError
        If the finding is about something else.

    Examples
    --------
    >>> co.say_sensitivity(co.sensitivity(co.example_beliefs(), artists=["Marrow"]))[:32]
    'Marrow keeps its likeliest place'
    """
    refuse_other(finding, "sensitivity", "coterie.sensitivity(beliefs)")
    return finding.headline.rstrip(".")


def refuse_other(finding: Any, kind: str, way: str) -> None:
    """Refuse a finding of another kind, with the way to make the right one."""
    found = getattr(finding, "kind", None)
    if found != kind:
        said = f"this finding is a {found!r}" if found else f"this is a {type(finding).__name__}"
        raise FindingError(f"A {kind!r} finding is needed, and {said}. Make one with {way}.")
