"""Level comparison: whether one framing converts here and another there.

The ratio of the rates of two levels of a factor in each cluster, and whether one level can
serve all clusters. Differences are called real beyond a stated rope. Knows nothing of how
beliefs came about; a ratio that the model holds alike everywhere is said to be so.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs import Beliefs, level_rates
from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.typing import Floats

LEVEL: Final = "level"
_EDGE: Final = 1e-300
_TIMES: Final = "times the rate it is compared with"


def compare_levels(
    beliefs: Beliefs,
    factor: str,
    *,
    first: Any = None,
    second: Any = None,
    rope: float = 0.05,
    prob: float | None = None,
    rng: np.random.Generator,
) -> Finding:
    r"""Compare levels of a factor in each cluster: a creative here and another there.

    Parameters
    ----------
    beliefs
        Fitted beliefs. For the comparison to differ between clusters, of a table read with
        ``crossed=[(factor, "cluster")]``.
    factor
        A factor of the table: creative, say.
    first, second
        The level compared and the one it is compared with. ``second`` left out, the mean rate
        of all other levels; both left out, each level in turn against the others.
    rope
        Smallest difference worth a word, as a share of a rate, at least 0: with 0.05, ratios
        between 1/1.05 and 1.05 are practically none.
    prob
        Credible mass of the intervals, in (0, 1); left out, ArviZ's.
    rng
        Source of chance: combinations never seen are drawn from their population.

    Returns
    -------
    Finding
        ``table`` over (level, cluster, outcome): ``ratio`` of rates, its posterior median, with
        ``lower`` and ``upper``; ``p_above``, the probability that it is above 1, and ``p_real``,
        that it is beyond the rope either way. ``against_all`` is the cluster's ratio over the
        geometric mean of all clusters' ratios, with its interval and ``p_differs``, the
        probability that it is beyond the rope. ``p_depends`` over (outcome,) is the
        probability that no level is within the rope of the best in every cluster: that which
        level is better depends on the cluster. ``reached`` are the level's denominators.

    Raises
    ------
    FindingError
        If a level is unknown, there are fewer than two, or ``rope`` is below 0.
    BeliefError
        If the factor is unknown.

    References
    ----------
    .. [1] A. Gelman et al. (2013), *Bayesian Data Analysis*, 3rd ed., section 5.5: many
       comparisons are drawn towards each other by the model, and not corrected after it.

    Examples
    --------
    >>> found = co.compare_levels(beliefs, "surface", rng=rng)  # doctest: +SKIP
    """
    if not isinstance(rope, Real) or isinstance(rope, bool) or not 0 <= rope < np.inf:
        raise FindingError(f"rope is {rope!r}; give a share of a rate of at least 0, such as 0.05.")
    found = level_rates(beliefs, factor, rng=rng)
    compared, rates, others = _chosen(found, factor, first, second)
    table = _table(compared, rates, others, float(np.log1p(rope)), prob)
    table["reached"] = found["reached"].sel({LEVEL: compared})
    table["reached"].attrs[UNIT] = "people or exposure"
    against = repr(second) if second is not None else "the other levels"
    return Finding(
        kind="level comparison",
        headline=_headline(table, factor, against, rope),
        table=table,
        caveats=_caveats(beliefs, factor, found, rates[LEVEL].to_numpy().tolist()),
        provenance={
            "factor": factor, "second": str(second), "rope": rope, "draws": rates.sizes["draw"],
            "rng_of_fit": str(beliefs.tree.attrs.get("coterie_rng")),
        },
    )  # fmt: skip


def _chosen(
    found: xr.Dataset, factor: str, first: Any, second: Any
) -> tuple[list[Any], xr.DataArray, xr.DataArray]:
    """Return levels compared, rates of all that matter, and the rates compared with."""
    known = found[LEVEL].to_numpy().tolist()
    strange = [level for level in (first, second) if level is not None and level not in known]
    if strange:
        raise FindingError(
            f"{strange[0]!r} is no level of {factor!r}; {len(known)} are known: "
            f"{', '.join(map(repr, known[:8]))}. Name one of them."
        )
    alike = second is not None and first in (None, second)
    if len(known) <= 1 or alike:
        raise FindingError(
            f"first is {first!r} and second {second!r} of {len(known)} level(s) of {factor!r}. "
            "Name two different ones, the first alone, or none."
        )
    rates = found[names.RATE]
    if second is not None:
        rates = rates.sel({LEVEL: [first, second]})
        return [first], rates, rates.sel({LEVEL: [second]}).assign_coords({LEVEL: [first]})
    compared = known if first is None else [first]
    others = (rates.sum(LEVEL) - rates) / (len(known) - 1)
    return compared, rates, others.sel({LEVEL: compared})


def _table(
    compared: Sequence[Any], rates: xr.DataArray, others: xr.DataArray, rope: float,
    prob: float | None,
) -> xr.Dataset:  # fmt: skip
    log_rates = _logs(rates)
    ratio = log_rates.sel({LEVEL: compared}) - _logs(others)
    apart = ratio - ratio.mean(names.CLUSTER)
    kind, mass, ends = _intervals([ratio, apart], prob)
    units = {UNIT: _TIMES, "ci_kind": kind, "ci_prob": mass}
    whole = {UNIT: "times the ratio in all clusters", "ci_kind": kind, "ci_prob": mass}
    chance = {UNIT: "probability"}
    # Within the rope of the best in a cluster, or not: a level that is in all of them serves all.
    best = log_rates.copy(data=np.broadcast_to(_best(log_rates), log_rates.shape))
    depends = ~(log_rates >= best - rope).all(names.CLUSTER).any(LEVEL)
    told: dict[str, tuple[Any, dict[str, Any]]] = {
        "ratio": (np.exp(ratio.median(names.DRAW)), units),
        "lower": (np.exp(ends[0][0]), units),
        "upper": (np.exp(ends[0][1]), units),
        "p_above": ((ratio > 0).mean(names.DRAW), chance),
        "p_real": ((abs(ratio) > rope).mean(names.DRAW), chance),
        "against_all": (np.exp(apart.median(names.DRAW)), whole),
        "against_all_lower": (np.exp(ends[1][0]), whole),
        "against_all_upper": (np.exp(ends[1][1]), whole),
        "p_differs": ((abs(apart) > rope).mean(names.DRAW), chance),
        "p_depends": (depends.mean(names.DRAW), chance),
    }
    return xr.Dataset({name: values.assign_attrs(attrs) for name, (values, attrs) in told.items()})


def _logs(rates: xr.DataArray) -> xr.DataArray:
    return rates.copy(data=np.log(np.maximum(rates.to_numpy(), _EDGE)))


def _best(log_rates: xr.DataArray) -> Floats:
    """Return the best level's rate in each cluster, over the dimensions of the rates."""
    best: Floats = log_rates.to_numpy().max(axis=log_rates.get_axis_num(LEVEL), keepdims=True)
    return best


def _intervals(
    several: Sequence[xr.DataArray], prob: float | None
) -> tuple[str, float, list[tuple[xr.DataArray, xr.DataArray]]]:
    from arviz_base import rcParams
    from arviz_stats.base import array_stats

    kind = str(rcParams["stats.ci_kind"])
    mass = rcParams["stats.ci_prob"] if prob is None else prob
    if not isinstance(mass, int | float | np.number) or not 0 < mass < 1:
        raise FindingError(f"prob is {prob!r}; it must lie strictly between 0 and 1.")
    found = []
    for values in several:
        drawn = values.transpose(names.DRAW, ...)
        within = array_stats.hdi if kind == "hdi" else array_stats.eti
        ends: Floats = np.asarray(within(drawn.to_numpy(), mass, axis=0))
        like = drawn.isel({names.DRAW: 0}, drop=True)
        found.append((like.copy(data=ends[..., 0]), like.copy(data=ends[..., 1])))
    return kind, float(mass), found


def _headline(table: xr.Dataset, factor: str, against: str, rope: float) -> str:
    """Say how the outcome fares that depends most on the cluster, and its clearest clusters."""
    outcome = (
        table[names.OUTCOME].to_numpy().tolist()[int(np.argmax(table["p_depends"].to_numpy()))]
    )
    own = table.sel({names.OUTCOME: outcome})
    # The level that is most surely better or worse than what it is compared with.
    sure = abs(own["p_above"] - 0.5).transpose(LEVEL, names.CLUSTER).to_numpy().max(axis=1)
    level = table[LEVEL].to_numpy().tolist()[int(sure.argmax())]
    own = own.sel({LEVEL: level})
    clusters = own[names.CLUSTER].to_numpy().tolist()
    order = np.argsort(own["ratio"].to_numpy())
    at = [int(order[-1]), int(order[0])] if len(order) > 1 else [int(order[0])]
    words = [
        f"{own['ratio'].values[i]:.2f} times the rate of {against} in {str(clusters[i])!r} "
        f"({own['ratio'].attrs['ci_prob']:.0%} interval {own['lower'].values[i]:.2f} to "
        f"{own['upper'].values[i]:.2f})"
        for i in at
    ]
    depends = float(own["p_depends"])
    return (
        f"For {outcome!r}, {factor} {str(level)!r} does {' and '.join(words)}; the "
        f"probability that which {factor} is better depends on the cluster, by more than "
        f"{rope:.0%}, is {depends:.2f}."
    )


def _caveats(
    beliefs: Beliefs, factor: str, found: xr.Dataset, levels: Sequence[Any]
) -> tuple[str, ...]:
    layout = beliefs.evidence.layout
    told = []
    wide = {names.CLUSTER, *layout.parts}
    if not any(factor in members and wide & set(members) for members in layout.derived.values()):
        told.append(
            f"{factor!r} is not crossed with the cluster, so that its levels do the same in all "
            "clusters by construction (on the scale of odds for shares, of rates for counts). Read "
            f'the table with crossed=[({factor!r}, "cluster")] and fit again.'
        )
    reached = found["reached"].sel({LEVEL: levels})
    never = reached.sum(names.OUTCOME) == 0
    if bool(never.any()):
        k, i = (int(v) for v in np.argwhere(never.to_numpy())[0])
        cluster = never[names.CLUSTER].to_numpy().tolist()[i]
        told.append(
            f"{int(never.sum())} of {never.size} pairs of level and cluster have no rows, such as "
            f"{levels[k]!r} in {cluster!r}: what stands there is their parents' and the "
            "population's."
        )
    told.append(
        f"Who was shown which {factor} was not drawn by lot, as far as the ledger says; a "
        "difference may be one of the people reached."
    )
    trust = beliefs.diagnose()
    told += [] if trust.ok else [f"The fit itself is in doubt: {line}" for line in trust.lines]
    return tuple(told)
