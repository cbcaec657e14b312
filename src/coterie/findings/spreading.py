"""Positioning: how concentrated an artist's response is, and in what shape.

Shares of listening value by cluster, from the events counted, with what few events leave open.
Three things are kept apart: the spread of the audience over clusters, our ignorance of where the
artist belongs, and how uncertain the first of these is. Low is not good: a strong core, a few
adjacencies and some exploration is a profile, and is told as one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings import formulas
from coterie.findings.finding import UNIT, Finding
from coterie.findings.origin import origin_of
from coterie.findings.responses import Responses, interval
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

CORE: Final = 0.4
"""Share of response from which a cluster is a core; a convention, not the article's."""
ADJACENT: Final = 0.1
DRAWS: Final = 4000
_PRIOR: Final = 0.5
"""Events each cluster has before any is counted (Jeffreys)."""
MEASURES: Final = ("entropy", "normalised entropy", "effective clusters", "herfindahl")


def positioning(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    values: Mapping[str, float] | None = None,
    core: float = CORE,
    adjacent: float = ADJACENT,
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Say how an artist's response is spread over clusters, and in what shape.

    Parameters
    ----------
    beliefs
        Fitted.
    artist
        Whom it is about.
    values
        What one event of each outcome is worth; left out, every event of an outcome that informs
        membership counts the same.
    core, adjacent
        Shares of response from which a cluster is a core, and an adjacency; below is exploration.
        The article names the three and gives no numbers: these are arguments.
    prob
        Probability of the equal-tailed intervals. Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"positioning"``. Over (cluster): ``share`` with ``share_lower`` and ``share_upper``,
        and the probabilities ``core``, ``adjacent`` and ``exploration``. Over (measure): ``value``
        with its ends, of the entropy of shares (nats), the same over its most, the effective
        number of clusters and the Herfindahl index. ``profile`` (shape): how probable it is that
        there is exactly one core with at least one adjacency (``focused``), one core alone
        (``narrow``), or no core (``spread``); ``several cores`` else. ``belief_entropy``: of where
        the artist belongs, which is our ignorance and no spread of an audience.

    Raises
    ------
    FindingError
        If nothing was counted, or thresholds are out of order.
    BeliefError
        If the artist is unknown.

    Examples
    --------
    >>> found = co.positioning(co.example_beliefs(), "Oslo Choir", rng=rng)
    >>> found.table["share"].idxmax("cluster").item()
    'road trip'
    """
    if not 0 < adjacent < core < 1:
        raise FindingError(
            f"core is {core!r} and adjacent is {adjacent!r}; shares of response, with adjacent "
            "below core."
        )
    drawn = Responses.of(beliefs, artist, rng=rng)
    worth = _worth(drawn, values)
    shares = _shares(drawn, worth, rng)
    table = _table(shares, drawn, (core, adjacent), prob)
    table["belief_entropy"] = ((), _ignorance(beliefs, artist), {UNIT: "nats"})
    return Finding(
        kind="positioning", headline=_headline(table, artist), table=table,
        caveats=(
            "Shares are of what was counted, in clusters as they were reached: who was shown more "
            "answers more. They are no rates.",
            f"Core from {core:.0%} of response, adjacent from {adjacent:.0%}: conventions that can "
            "be stated otherwise.",
        ),
        provenance=origin_of(beliefs, artist=str(artist), values=dict(values or {})),
    )  # fmt: skip


def _worth(drawn: Responses, values: Mapping[str, float] | None) -> Floats:
    if values is None:
        worth = np.array([float(o.informs is True) for o in drawn.measured])
    else:
        worth = np.array([float(values.get(name, 0.0)) for name in drawn.outcomes])
    if not (worth > 0).any() or (worth < 0).any() or not np.isfinite(worth).all():
        raise FindingError(
            "Events of no outcome are worth anything. State a worth of at least 0, and above 0 for "
            f"one of {', '.join(drawn.outcomes)}."
        )
    if float((drawn.numerators @ worth).sum()) == 0:
        raise FindingError("Nothing was counted of this artist, so that there are no shares.")
    return worth


def _shares(drawn: Responses, worth: Floats, rng: np.random.Generator) -> Floats:
    """Draw shares of value: events of each cluster and outcome are Poisson about their own rate."""
    told = worth > 0
    events = rng.standard_gamma(
        drawn.numerators[None, :, told] + _PRIOR / told.sum(),
        size=(DRAWS, len(drawn.clusters), int(told.sum())),
    )
    return formulas.shares_of(events @ worth[told])


def _ignorance(beliefs: Beliefs, artist: Hashable) -> float:
    """Entropy of where the artist belongs, elsewhere included; NaN without one home."""
    if beliefs.homes != "one":
        return float("nan")
    sample = [names.CHAIN, names.DRAW]
    home = beliefs.home.sel({names.ARTIST: artist}).mean(sample).to_numpy()
    rest = float(beliefs.elsewhere.sel({names.ARTIST: artist}).mean(sample))
    return float(formulas.entropy(np.append(home, rest)))


def _table(
    shares: Floats, drawn: Responses, edges: tuple[float, float], prob: float | None
) -> xr.Dataset:
    core, adjacent = edges
    mean, lower, upper, attrs = interval(shares, prob)
    is_core, is_near = shares >= core, (shares >= adjacent) & (shares < core)
    measured = np.stack(
        [
            formulas.entropy(shares), formulas.normalised_entropy(shares),
            formulas.effective_number(shares), formulas.herfindahl(shares),
        ],
        axis=1,
    )  # fmt: skip
    values = interval(measured, prob)
    cores, near = is_core.sum(axis=1), is_near.sum(axis=1)
    shapes = {
        "focused": (cores == 1) & (near >= 1), "narrow": (cores == 1) & (near == 0),
        "several cores": cores > 1, "spread": cores == 0,
    }  # fmt: skip
    unit, chance = {UNIT: "share"} | attrs, {UNIT: "probability"}
    dims = names.CLUSTER
    return xr.Dataset(
        {
            "share": (dims, mean, unit | {"says": "share of listeners' response"}),
            "share_lower": (dims, lower, unit),
            "share_upper": (dims, upper, unit),
            "core": (dims, is_core.mean(axis=0), chance),
            "adjacent": (dims, is_near.mean(axis=0), chance),
            "exploration": (dims, (shares < adjacent).mean(axis=0), chance),
            "value": ("measure", values[0], {UNIT: "as named"} | attrs),
            "value_lower": ("measure", values[1], {UNIT: "as named"} | attrs),
            "value_upper": ("measure", values[2], {UNIT: "as named"} | attrs),
            "profile": ("shape", [float(v.mean()) for v in shapes.values()], chance),
        },
        coords={dims: list(drawn.clusters), "measure": list(MEASURES), "shape": list(shapes)},
        attrs={"main": "share"},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable) -> str:
    said = {
        "focused": "one core with adjacencies", "narrow": "one core and no adjacency",
        "several cores": "several cores", "spread": "no core",
    }  # fmt: skip
    shape = table["profile"].to_series().sort_values(ascending=False, kind="stable")
    first = table["share"].to_series().sort_values(ascending=False, kind="stable")
    number = table["value"].sel(measure="effective clusters")
    spread = table[["value_lower", "value_upper"]].sel(measure="effective clusters")
    ends = [float(end) for end in spread.data_vars.values()]
    return (
        f"{artist} has {said[str(shape.index[0])]} in {of_share(shape.iloc[0], DRAWS)} equally "
        f"likely outcomes: {first.index[0]} holds {first.iloc[0]:.0%} of response, as spread as "
        f"over {float(number):.1f} equal clusters ({ends[0]:.1f} to {ends[1]:.1f})."
    )
