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
from scipy.optimize import isotonic_regression

from coterie import names
from coterie.errors import FindingError
from coterie.findings.economics import Yields, ground_of, yields_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.formulas import perfect_information
from coterie.findings.gates import MOST_PEOPLE
from coterie.findings.origin import origin_of
from coterie.findings.quantities import number
from coterie.findings.responses import Responses
from coterie.findings.trials import Ground, Trial, leaning, leant, unfold

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats, Integers

PEOPLE: Final = "people"
SIZES: Final = (500, 2000)
DRAWS: Final = 160_000
"""Of an artist's next rates: what tests are worth rests on the rarest."""
_KEPT: Final = 20_000
"""Draws that results are made from and weigh, about."""
_RESULTS: Final = 512
_AT_ONCE: Final = 128
_PARTS: Final = 16
_ENOUGH: Final = 0.5
"""Share of a result's weight that must be left where a part is left out."""
_FEW: Final = 30.0
"""Draws still counting after a test, below which its value is told with a warning."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What one test would be worth, for a unit of budget.

    Attributes
    ----------
    worth
        Expected gain of the best choice (EVSI); by chance of the simulation, below 0.
    error
        Its Monte Carlo standard error.
    changes
        How probable it is that the budget goes elsewhere after it.
    effective
        Draws of the fit that still count after a result, on average.
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
        knowing every cluster's yield, which no test exceeds, and ``evpi_error``. Clusters without
        a price have NaN. Errors are those of simulation and of the draws of the fit.

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
    drawn = Responses.of(beliefs, artist, rng=rng, least=DRAWS)
    made = yields_of(beliefs, artist, drawn, values=values, per=per, rng=rng)
    if made.priced.size < 2:  # noqa: PLR2004 - of one cluster nothing can be chosen
        raise FindingError(
            f"{made.priced.size} of {len(made.clusters)} clusters of {artist!r} have a price; a "
            "test is worth something where there are two or more to choose from. Run a first paid "
            "test, or fit with the outcome 'reach'."
        )
    ground = ground_of(beliefs, drawn, made, values, per)
    trials = [Trial(int(k), size) for k in made.priced for size in sizes]
    fewer = thinned(ground, made, rng=rng)
    learned = [learn(trial, *fewer, rng=rng) for trial in trials]
    table = _table(learned, sizes, made, budget, drawn.fitted)
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


@dataclass(frozen=True, slots=True)
class _Read:
    """What results make of the draws, summed over parts of these.

    Attributes
    ----------
    counted, leant
        What draws count for after each result, and what they do times their lean: (result, part).
    after
        Clusters' yields, times what their draws count for: (result, part, cluster).
    part
        Of the draw that each result was made from: (result,).
    effective
        Draws of the fit that still count after each result, on average.
    """

    counted: Floats
    leant: Floats
    after: Floats
    part: Integers
    effective: float


def learn(
    trial: Trial, ground: Ground, made: Yields, *, rng: np.random.Generator, results: int = _RESULTS
) -> Learned:
    """Return what a test is worth for a unit of budget given after it.

    Weighs all draws by each of some results. The best of what few draws say is too good, by what
    goes with one over the draws: leaving out a part of draws and results at a time shows how
    much, and how far the worth may be off (the delete-a-group jackknife). Draws that were made at
    one draw of the fit are left out together: they have all in common but home and window.
    """
    level, place = made.level[:, made.priced], int(np.searchsorted(made.priced, trial.cluster))
    fitted = _numbered(ground.drawn.fitted, len(level))
    size = int(fitted.max()) + 1
    if size == 1:  # what is sure is not changed by any result
        return Learned(0.0, 0.0, 0.0, 1.0)
    parts = min(_PARTS, size)
    there = np.eye(parts)[(rng.permutation(size) % parts)[fitted]]
    counts = np.ones(len(level)) if ground.counts is None else ground.counts
    lean = leant(_matters(level, place, np.average(level, axis=0, weights=counts)), counts)
    read = [
        _read(
            trial, ground, level, (place, lean, there, fitted), min(_AT_ONCE, results - first), rng
        )
        for first in range(0, results, _AT_ONCE)
    ]
    standing = there.T * counts
    sums = (standing @ level, standing @ lean, standing.sum(axis=1))
    worth, changes = _gain(read, sums, np.ones(parts))
    without = np.array([_gain(read, sums, kept)[0] for kept in 1 - np.eye(parts)])
    return Learned(
        parts * worth - (parts - 1) * float(without.mean()),
        float(np.sqrt((parts - 1) * without.var())), changes,
        float(np.mean([one.effective for one in read])),
    )  # fmt: skip


def _numbered(fitted: Integers | None, size: int) -> Integers:
    """Return numbers from 0 of the draws of the fit that are there."""
    return np.arange(size) if fitted is None else np.unique(fitted, return_inverse=True)[1]


def _matters(level: Floats, place: int, mean: Floats) -> Floats:
    """Return how much draws matter to whether a test of a cluster changes the choice: (draw,)."""
    own, now, second = level[:, place], int(mean.argmax()), float(np.sort(mean)[-2])
    return np.maximum(second - own if place == now else own - mean[now], 0.0)


def thinned(ground: Ground, made: Yields, *, rng: np.random.Generator) -> tuple[Ground, Yields]:
    """Keep all draws that matter much to a choice and some of the others, for what they stand for.

    Yields are skewed: what tests are worth rests on few draws, of which there must be enough,
    and every result is to be weighed against every draw.
    """
    level = made.level[:, made.priced]
    size = len(level)
    if size <= _KEPT:
        return ground, made
    each = [_matters(level, k, level.mean(axis=0)) for k in range(level.shape[1])]
    matters = sum((one / one.mean() for one in each if one.mean() > 0), np.zeros(size))
    chance = leant(matters)
    chance = np.minimum(1.0, chance * _KEPT / chance.sum())
    # Evenly spaced in a random order: none twice.
    order = rng.permutation(size)
    steps = np.floor(np.append(0.0, np.cumsum(chance[order])) + rng.random())
    kept = order[np.diff(steps) > 0]
    return ground.part(kept, 1 / chance[kept]), made.part(kept)


def _read(
    trial: Trial, ground: Ground, level: Floats, about: tuple[int, Floats, Floats, Integers],
    results: int, rng: np.random.Generator,
) -> _Read:  # fmt: skip
    """Draw results, more of those that would change the choice, and weigh the draws by each."""
    place, lean, there, fitted = about
    counts = 1.0 if ground.counts is None else ground.counts
    truth = leaning(level[:, place], lean * counts, results, rng)
    (result,) = unfold(trial, ground, truth=truth, rng=rng)
    weights = result.weights
    columns = np.stack([np.ones(len(level)), lean, *level.T], axis=1)
    # One product a part: (result, part, what is summed).
    found = np.stack([weights[:, at] @ columns[at] for at in (there.T > 0)], axis=1)
    part = there[truth].argmax(axis=1)
    each = np.stack([np.bincount(fitted, row) for row in weights])
    effective = float((1 / (each**2).sum(axis=1)).mean())
    return _Read(found[:, :, 0], found[:, :, 1], found[:, :, 2:], part, effective)


def _gain(
    read: Sequence[_Read], sums: tuple[Floats, Floats, Floats], kept: Floats
) -> tuple[float, float]:
    """Return the gain over what is best now, and how probable one is, of some parts of the draws.

    The gain is averaged, and not the best itself: what both share is no noise then.
    """
    level, lean, size = (kept @ side for side in sums)
    now = int(level.argmax())
    gains, shares = [], []
    for one in read:
        among = kept[one.part] > 0
        # A result that hardly any other draw explains is read with all: what is left tells nothing.
        parts = np.where((one.counted[among] @ kept < _ENOUGH)[:, None], 1.0, kept)
        counted = (one.counted[among] * parts).sum(axis=1)
        after = np.einsum("rpk,rp->rk", one.after[among], parts) / counted[:, None]
        # What a result counts for where draws that it may come from were leant to: by the chance
        # of the result itself and not of its draw (the balance heuristic), so that one that
        # surprises its draw counts for no more than any like it.
        shares.append(lean / size * counted / (one.leant[among] * parts).sum(axis=1))
        gains.append(after.max(axis=1) - after[:, now])
    gain, share = np.concatenate(gains), np.concatenate(shares)
    return float((share * gain).mean()), float((share * (gain > 0)).sum() / share.sum())


def _table(
    learned: list[Learned], sizes: list[float], made: Yields, budget: float,
    fitted: Integers | None,
) -> xr.Dataset:  # fmt: skip
    level = made.level[:, made.priced]
    mean = level.mean(axis=0)
    shape = (len(made.priced), len(sizes))

    def laid(values: list[float]) -> Floats:
        found = np.full((len(made.clusters), len(sizes)), np.nan)
        found[made.priced] = np.reshape(values, shape)
        return found

    most = perfect_information(level)
    evsi = budget * laid([one.worth for one in learned])
    noise = budget * laid([one.error for one in learned])
    evsi[made.priced] = _growing(evsi[made.priced], noise[made.priced], sizes)
    evsi = np.clip(evsi, 0.0, budget * most)
    cost = made.cost.mean(axis=0)[:, None] * np.array(sizes)
    given_up = cost * laid(list(np.repeat(mean.max() - mean, len(sizes))))
    dims, value = (names.CLUSTER, PEOPLE), {UNIT: "value"}
    about = {"ci_kind": "simulation error", "ci_prob": 0.95}
    says = {UNIT: "value a unit of money", "says": "worth of the answer, for a unit of the test"}
    return xr.Dataset(
        {
            "per_cost": (dims, evsi / cost, says | about),
            "per_cost_lower": (dims, np.maximum(evsi - 2 * noise, 0.0) / cost, says | about),
            "per_cost_upper": (dims, (evsi + 2 * noise) / cost, says | about),
            "evsi": (dims, evsi, value),
            "evsi_error": (dims, noise, value),
            "cost": (dims, cost, {UNIT: "money"}),
            "given_up": (dims, given_up, value),
            "net": (dims, evsi - given_up, value),
            "changes": (dims, laid([one.changes for one in learned]), {UNIT: "probability"}),
            "evpi": ((), budget * most, value),
            "evpi_error": ((), budget * _perfect_error(level, fitted), value),
        },
        coords={
            names.CLUSTER: list(made.clusters),
            PEOPLE: [int(size) if size == int(size) else size for size in sizes],
        },
        attrs={"main": "per_cost", "draws": len(level)},
    )  # fmt: skip


def _perfect_error(level: Floats, fitted: Integers | None) -> float:
    """Return the standard error of the value of perfect information, from draws of the fit."""
    gain = level.max(axis=1) - level[:, int(level.mean(axis=0).argmax())]
    at = _numbered(fitted, len(gain))
    each = np.bincount(at, gain) / np.bincount(at)
    return float(each.std() / np.sqrt(len(each)))


def _growing(worth: Floats, error: Floats, sizes: list[float]) -> Floats:
    """Return worths (cluster, size) of which none of a smaller test is above that of a larger.

    People who are added can only tell more: where simulation says less, both are told alike.
    """
    order = np.argsort(sizes)
    found, least = worth.copy(), 1e-6 * float(np.abs(worth).max())
    if least == 0:
        return found
    weights = 1 / np.maximum(error, least) ** 2
    for k in range(len(worth)):
        found[k, order] = isotonic_regression(worth[k, order], weights=weights[k, order]).x
    return found


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
