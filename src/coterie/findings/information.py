"""Information: what knowing more would be worth, and which test tells most for its money.

The expected value of perfect information (EVPI), and of the sample that the next test of a
cluster would bring (EVSI): what a budget would do more, were it given after the answer. Callers
may trust that a test's answer moves all clusters that it tells about, that a test is never worth
less than nothing, and that the error of the simulation is stated.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from coterie import names
from coterie.errors import FindingError
from coterie.findings.economics import Yields, worth_of, yields_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import perfect_information
from coterie.findings.origin import origin_of
from coterie.findings.responses import Responses
from coterie.findings.trials import RESULTS, Ground, Trial, exposures_of, leaning, unfold

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

PEOPLE: Final = "people"
SIZES: Final = (500, 2000)
_DRAWS: Final = 2000
_FEW: Final = 30.0
"""Draws still counting after a test, below which its value is told with a warning."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What one test would be worth, for a unit of budget.

    Attributes
    ----------
    worth
        Expected gain of the best choice (EVSI).
    error
        Its Monte Carlo standard error.
    changes
        How probable it is that the budget goes elsewhere after it.
    effective
        Draws that still count after a result, on average.
    """

    worth: float
    error: float
    changes: float
    effective: float


def value_of_information(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    budget: float,
    values: Mapping[str, float],
    people: Sequence[float] = SIZES,
    per: str = "listeners",
    rng: np.random.Generator,
) -> Finding:
    """Say what the next test of each cluster is worth, and which to run.

    Parameters
    ----------
    beliefs
        Fitted, with costs: spend in its rows.
    artist
        Whose clusters.
    budget
        Money that is given after the test, to the cluster that is then the best buy.
    values
        What one event of each outcome is worth, as in :func:`coterie.durable_yield`; where they
        are in the currency of the spend, so is all that is said.
    people
        Sizes of a test, in listeners of one campaign.
    per
        Column of qualified listeners.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"information"``. Over (cluster, people): ``per_cost``, the value of information for
        a unit of the test's money, by which tests are ranked; ``evsi``, that value, with
        ``evsi_error``, its Monte Carlo standard error; ``cost`` of the test; ``given_up``, what
        the test's money would bring more in the best cluster; ``net``, EVSI less that;
        ``changes``, how probable it is that the budget goes elsewhere. ``evpi``, the value of
        knowing every cluster's yield, which no test exceeds. Clusters without a price have NaN.

    Raises
    ------
    FindingError
        If fewer than two clusters have a price, or a size or the budget is no number above 0.
    BeliefError
        If the artist is unknown.

    References
    ----------
    .. [1] H. Raiffa, R. Schlaifer (1961), *Applied Statistical Decision Theory*.
    .. [2] A. Heath et al. (2020), *Calculating the expected value of sample information in
       practice*, Medical Decision Making 40.

    Examples
    --------
    >>> worth = {"save": 1, "add": 1.5, "follow": 4, "depth": 0.1}
    >>> found = co.value_of_information(
    ...     co.example_beliefs(), "Ferro", budget=10_000, values=worth, people=[1000], rng=rng
    ... )
    >>> bool((found.table["evsi"] <= found.table["evpi"]).all())
    True
    """
    sizes = _checked(budget, people)
    drawn = Responses.of(beliefs, artist, rng=rng, least=_DRAWS)
    made = yields_of(beliefs, artist, drawn, values=values, per=per, rng=rng)
    if made.priced.size < 2:  # noqa: PLR2004 - of one cluster nothing can be chosen
        raise FindingError(
            f"{made.priced.size} of {len(made.clusters)} clusters of {artist!r} have a price; a "
            "test is worth something where there are two or more to choose from. Run a first paid "
            "test, or fit with the outcome 'reach'."
        )
    worth = worth_of(values, drawn)[0]
    ground = Ground(drawn, exposures_of(beliefs, drawn, per), worth, per, made.campaign)
    trials = [Trial(int(k), size) for k in made.priced for size in sizes]
    learned = [learn(trial, ground, made, rng=rng) for trial in trials]
    table = _table(learned, sizes, made, budget)
    return Finding(
        kind="information", headline=_headline(table, artist, budget), table=table,
        caveats=_caveats(learned, made, budget),
        provenance=origin_of(
            beliefs, artist=str(artist), budget=budget, values=dict(values), people=list(sizes)
        ),
    )  # fmt: skip


def _checked(budget: float, people: Sequence[float]) -> list[float]:
    if not (np.isfinite(budget) and budget > 0):
        raise FindingError(f"The budget is {budget!r}; it must be money above 0.")
    sizes = [float(size) for size in people]
    wrong = [size for size in sizes if not (np.isfinite(size) and size >= 1)]
    if wrong or not sizes:
        raise FindingError(
            f"people is {list(people)!r}; name one size of a test or more, each of 1 listener or "
            "more."
        )
    return list(dict.fromkeys(sizes))


def learn(
    trial: Trial, ground: Ground, made: Yields, *, rng: np.random.Generator, results: int = RESULTS
) -> Learned:
    """Return what a test is worth for a unit of budget given after it.

    The gain over what is best now is averaged, and not the best itself: what both share is no
    noise then. Results lean to those that would change the choice.
    """
    place = int(np.flatnonzero(made.priced == trial.cluster)[0])
    level = _told_by(made.level[:, made.priced], place)
    mean = level.mean(axis=0)
    now = int(mean.argmax())
    own, second = level[:, place], float(np.sort(mean)[-2])
    toward = np.maximum(second - own if place == now else own - mean[now], 0.0)
    truth, lean = leaning(own, toward, results, rng)
    (result,) = unfold(trial, ground, truth=truth, rng=rng)
    share, after = result.share(lean), result.after(level)
    gain = share * (after.max(axis=1) - after[:, now])
    return Learned(
        float(gain.mean()), float(gain.std() / np.sqrt(gain.size)),
        float((share * (gain > 0)).sum() / share.sum()), result.effective,
    )  # fmt: skip


def _told_by(level: Floats, place: int) -> Floats:
    """Replace other clusters' yields by what one cluster's tells of them: (draw, cluster).

    A test of a cluster tells of the others through its own yield: who belongs here belongs less
    elsewhere. A parabola in the rank of its draws keeps that and drops what has nothing to do
    with it, which a few hundred draws of a skewed yield would take for news.
    """
    rank = rankdata(level[:, place]) / len(level) - 0.5
    powers = np.stack([np.ones_like(rank), rank, rank**2], axis=1)
    found: Floats = powers @ np.linalg.lstsq(powers, level)[0]
    found[:, place] = level[:, place]
    return found


def _table(learned: list[Learned], sizes: list[float], made: Yields, budget: float) -> xr.Dataset:
    level = made.level[:, made.priced]
    mean = level.mean(axis=0)
    shape = (len(made.priced), len(sizes))

    def laid(values: list[float]) -> Floats:
        found = np.full((len(made.clusters), len(sizes)), np.nan)
        found[made.priced] = np.reshape(values, shape)
        return found

    evsi = budget * laid([one.worth for one in learned])
    cost = made.cost.mean(axis=0)[:, None] * np.array(sizes)
    behind = np.full(len(made.clusters), np.nan)
    behind[made.priced] = mean.max() - mean
    given_up = cost * behind[:, None]
    dims, value = (names.CLUSTER, PEOPLE), {UNIT: "value"}
    says = {UNIT: "value a unit of money", "says": "worth of the answer, for a unit of the test"}
    return xr.Dataset(
        {
            "per_cost": (dims, evsi / cost, says),
            "evsi": (dims, evsi, value),
            "evsi_error": (dims, budget * laid([one.error for one in learned]), value),
            "cost": (dims, cost, {UNIT: "money"}),
            "given_up": (dims, given_up, value),
            "net": (dims, evsi - given_up, value),
            "changes": (dims, laid([one.changes for one in learned]), {UNIT: "probability"}),
            "evpi": ((), budget * perfect_information(level), value),
        },
        coords={
            names.CLUSTER: list(made.clusters),
            PEOPLE: [int(size) if size == int(size) else size for size in sizes],
        },
        attrs={"main": "per_cost", "draws": len(level)},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable, budget: float) -> str:
    best = table["per_cost"].to_series().dropna().sort_values(ascending=False, kind="stable")
    cluster, size = best.index[0]
    row = table.sel({names.CLUSTER: cluster, PEOPLE: size})
    most = f"knowing every cluster's yield would be worth {float(table['evpi']):,.0f}"
    evsi, error = float(row["evsi"]), float(row["evsi_error"])
    if not evsi > 2 * error:
        return (
            f"{artist}: no test of these sizes surely changes where the next {budget:,.0f} go; "
            f"{most}."
        )
    side = "more" if float(row["net"]) > 0 else "less"
    return (
        f"{artist}: test {cluster} next ({size:,.0f} listeners, about {float(row['cost']):,.0f}): "
        f"of the next {budget:,.0f} the answer is worth {evsi:,.0f} (give or take "
        f"{2 * error:,.0f} of simulation), {side} than its money would bring in the best "
        f"cluster; {most}."
    )


def _caveats(learned: list[Learned], made: Yields, budget: float) -> tuple[str, ...]:
    told = [
        f"The worth of an answer is that of the {budget:,.0f} given after it, all to the best buy "
        "then; a larger budget makes every test worth more. Reach is taken not to saturate.",
        "Results are simulated from these beliefs, read when late answers are in; a belief that is "
        "wrong about how far it may be off makes tests worth less than they are.",
    ]
    few = min(one.effective for one in learned)
    if few < _FEW:
        told.append(
            f"After the largest test hardly any draw counts ({few:.0f} on average), so that its "
            "worth is told too high, and never above that of perfect information."
        )
    away = [str(c) for k, c in enumerate(made.clusters) if k not in made.priced]
    if away:
        told.append(
            f"Without a price, so that nobody can say: {', '.join(away[:5])}; {len(away)} of "
            f"{len(made.clusters)} clusters are like this."
        )
    return tuple(told)
