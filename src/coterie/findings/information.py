"""Information: what knowing more would be worth, and which test tells most for its money.

The expected value of perfect information (EVPI), and of the sample that the next test of a
cluster would bring (EVSI): what a budget would do more, were it given after the answer. Callers
may trust that a test's answer moves all clusters that it tells about, that a test is never worth
less than nothing, and that the error of the simulation is stated.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from coterie import names
from coterie.errors import FindingError
from coterie.findings.economics import Yields, ground_of, yields_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import perfect_information
from coterie.findings.gates import MOST_PEOPLE
from coterie.findings.origin import origin_of
from coterie.findings.quantities import number
from coterie.findings.responses import Responses
from coterie.findings.trials import RESULTS, Ground, Trial, leaning, unfold

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

PEOPLE: Final = "people"
SIZES: Final = (500, 2000)
_DRAWS: Final = 2000
_PARTS: Final = 4
_FLOOR: Final = 1e-6
_TINY: Final = float(np.finfo(np.float64).tiny)
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
        a unit of the test's money, by which tests are ranked, with ``per_cost_lower`` and
        ``per_cost_upper``, two errors of simulation away; ``evsi``, that value, with
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
    number(budget, "The budget", least=np.nextafter(0, 1))
    sizes = _sizes(people)
    drawn = Responses.of(beliefs, artist, rng=rng, least=_DRAWS)
    made = yields_of(beliefs, artist, drawn, values=values, per=per, rng=rng)
    if made.priced.size < 2:  # noqa: PLR2004 - of one cluster nothing can be chosen
        raise FindingError(
            f"{made.priced.size} of {len(made.clusters)} clusters of {artist!r} have a price; a "
            "test is worth something where there are two or more to choose from. Run a first paid "
            "test, or fit with the outcome 'reach'."
        )
    ground = ground_of(beliefs, drawn, made, values, per)
    trials = [Trial(int(k), size) for k in made.priced for size in sizes]
    learned = [learn(trial, ground, made, rng=rng) for trial in trials]
    table = _table(learned, sizes, made, budget)
    return Finding(
        kind="information", headline=_headline(table, artist, budget), table=table,
        caveats=_caveats(learned, made, budget),
        provenance=origin_of(
            beliefs, artist=str(artist), budget=budget, values=dict(values), people=sizes
        ),
    )  # fmt: skip


def _sizes(people: Sequence[float]) -> list[float]:
    given = list(people) if isinstance(people, Iterable) and not isinstance(people, str) else []
    if not given:
        raise FindingError(
            f"people is {people!r}; name one size of a test or more, in listeners: [500, 2000]."
        )
    return list(dict.fromkeys(number(p, "A size", least=1, most=MOST_PEOPLE) for p in given))


def learn(
    trial: Trial, ground: Ground, made: Yields, *, rng: np.random.Generator, results: int = RESULTS
) -> Learned:
    """Return what a test is worth for a unit of budget given after it.

    Its standard error is that of few results and of few draws alike: from parts of the draws,
    each simulated by itself.
    """
    level, place = made.level[:, made.priced], int(np.searchsorted(made.priced, trial.cluster))
    gain, share, effective = _gains(trial, ground, level, place, results, rng)
    parts = []
    for first in range(_PARTS):
        part = slice(first, None, _PARTS)
        few = _gains(trial, ground.part(part), level[part], place, results // _PARTS, rng)
        parts.append((few[0] * few[1]).mean())
    return Learned(
        float((share * gain).mean()), float(np.std(parts, ddof=1) / np.sqrt(_PARTS)),
        float((share * (gain > 0)).sum() / share.sum()), effective,
    )  # fmt: skip


def _gains(
    trial: Trial, ground: Ground, level: Floats, place: int, results: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Return the gain of each result over what is best now, what it counts for, and draws left.

    The gain is averaged, and not the best itself: what both share is no noise then. Results lean
    to those that would change the choice.
    """
    own = level[:, place]
    told = _told_by(level, place, _signs(trial, ground, own))
    mean = told.mean(axis=0)
    now, second = int(mean.argmax()), float(np.sort(mean)[-2])
    toward = np.maximum(second - own if place == now else own - mean[now], 0.0)
    truth, lean = leaning(own, toward, results, rng)
    (result,) = unfold(trial, ground, truth=truth, rng=rng)
    after = result.after(told)
    return after.max(axis=1) - after[:, now], result.share(lean), result.effective


def _signs(trial: Trial, ground: Ground, own: Floats) -> list[Floats]:
    """Return what a test tells of a cluster: its yield, and the level of all it counts."""
    told = [
        ground.drawn.levels[:, trial.cluster, o]
        for o, amount in enumerate(ground.exposures[trial.cluster])
        if amount > 0
    ]
    return [own, *told]


def _told_by(level: Floats, place: int, signs: Sequence[Floats]) -> Floats:
    """Replace other clusters' yields by what one cluster's signs tell of them: (draw, cluster).

    Who belongs here belongs less elsewhere. Parabolas in the ranks of the signs keep that and
    drop what has nothing to do with them, which a few hundred draws of a skewed yield would take
    for news: they are fitted to logs, so that no single draw counts for much, and what as many
    signs explain by chance is taken off (adjusted R squared).
    """
    ranks = [rankdata(sign) / len(level) - 0.5 for sign in signs if np.ptp(sign) > 0]
    powers = np.stack([np.ones(len(level)), *ranks, *(rank**2 for rank in ranks)], axis=1)
    mean = level.mean(axis=0)
    logs = np.log(np.maximum(level, _FLOOR * np.maximum(mean, _TINY)))
    fitted: Floats = powers @ np.linalg.lstsq(powers, logs)[0]
    explained = fitted.var(axis=0) / np.maximum(logs.var(axis=0), _TINY)
    chance = (powers.shape[1] - 1) / max(len(level) - 1, 1)
    kept = np.clip((explained - chance) / np.maximum(explained, _TINY), 0.0, 1.0)
    found: Floats = np.exp(kept * (fitted - fitted.mean(axis=0)))
    found *= mean / found.mean(axis=0)
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

    most = perfect_information(level)
    evsi = budget * laid([min(one.worth, most) for one in learned])
    cost = made.cost.mean(axis=0)[:, None] * np.array(sizes)
    behind = np.full(len(made.clusters), np.nan)
    behind[made.priced] = mean.max() - mean
    given_up = cost * behind[:, None]
    dims, value = (names.CLUSTER, PEOPLE), {UNIT: "value"}
    noise = 2 * budget * laid([one.error for one in learned])
    about = {"ci_kind": "simulation error", "ci_prob": 0.95}
    says = {UNIT: "value a unit of money", "says": "worth of the answer, for a unit of the test"}
    return xr.Dataset(
        {
            "per_cost": (dims, evsi / cost, says | about),
            "per_cost_lower": (dims, np.maximum(evsi - noise, 0.0) / cost, says | about),
            "per_cost_upper": (dims, (evsi + noise) / cost, says | about),
            "evsi": (dims, evsi, value),
            "evsi_error": (dims, budget * laid([one.error for one in learned]), value),
            "cost": (dims, cost, {UNIT: "money"}),
            "given_up": (dims, given_up, value),
            "net": (dims, evsi - given_up, value),
            "changes": (dims, laid([one.changes for one in learned]), {UNIT: "probability"}),
            "evpi": ((), budget * most, value),
        },
        coords={
            names.CLUSTER: list(made.clusters),
            PEOPLE: [int(size) if size == int(size) else size for size in sizes],
        },
        attrs={"main": "per_cost", "draws": len(level)},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable, budget: float) -> str:
    most = f"knowing every cluster's yield would be worth {float(table['evpi']):,.0f}"
    frame = (
        table[["per_cost", "evsi", "evsi_error", "cost", "given_up", "net"]]
        .to_dataframe()
        .reset_index()
    )
    sure = frame[frame["evsi"] > 2 * frame["evsi_error"]]
    if sure.empty:
        return (
            f"{artist}: no test of these sizes surely changes where the next {budget:,.0f} go; "
            f"{most}."
        )
    pays = sure[sure["net"] > 0]
    row = (pays if len(pays) else sure).nlargest(1, "per_cost").iloc[0]
    cluster, size = row[names.CLUSTER], float(row[PEOPLE])
    told = (
        f"of the next {budget:,.0f} the answer is worth {row['evsi']:,.0f} (give or take "
        f"{2 * row['evsi_error']:,.0f} of simulation), and {row['given_up']:,.0f} is given up by "
        "not buying the best cluster with it"
    )
    # What another cluster's test is worth, if the simulation does not tell the two apart.
    near = sure[(sure[names.CLUSTER] != cluster)].nlargest(1, "per_cost")
    if len(near):
        other = near.iloc[0]
        errors = [one["evsi_error"] / one["cost"] for one in (row, other)]
        if row["per_cost"] - other["per_cost"] < 2 * float(np.hypot(*errors)):
            told += f" (no surer than a test of {other[names.CLUSTER]})"
    test = f"{cluster} ({size:,.0f} listeners, about {row['cost']:,.0f})"
    if len(pays):
        return f"{artist}: test {test} next: {told}; {most}."
    return f"{artist}: no test pays for itself; the nearest is {test}: {told}; {most}."


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
