"""Predictive check: whether the table looks like one the model would have made.

Replicas of the table are drawn with new artists from the posterior of the population; the rate
of each outcome in each cluster is laid among those of the replicas.

Source: Gelman, Meng and Stern (1996), *Posterior predictive assessment of model fitness via
realized discrepancies*, Statistica Sinica 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.origin import origin_of

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs, Replicas
    from coterie.typing import Floats

REPLICAS: Final = 400
_NAMED: Final = 3


def predictive_check(
    beliefs: Beliefs, *, prob: float | None = None, rng: np.random.Generator
) -> Finding:
    """Compare the rate of each outcome in each cluster with what the model would have shown.

    Parameters
    ----------
    beliefs
        Fitted.
    prob
        Probability of the equal-tailed interval, in (0, 1). Left out, ArviZ's ``stats.ci_prob``.
    rng
        Source of chance: up to 400 replicas of the table with new artists, as many as draws.

    Returns
    -------
    Finding
        Kind ``"predictive_check"``. Over (outcome, cluster): ``observed``, ``expected`` (median
        of the replicas), ``lower`` and ``upper``, as rates in [0, 1] or events a unit of
        exposure; ``n``, the denominator; ``p_value``, two-sided by rank. NaN where nothing was
        counted. The population has seen the table, so that p-values are a little too large.

    Raises
    ------
    BeliefError
        If sampling was stopped and that was not accepted.
    FindingError
        If ``prob`` is no probability.

    Examples
    --------
    >>> found = co.predictive_check(co.example_beliefs(), rng=rng)
    >>> dict(found.table["observed"].sizes)
    {'outcome': 5, 'cluster': 5}
    """
    from arviz_base import rcParams

    from coterie.beliefs import clusters_of, refuse_partial, replicas

    refuse_partial(beliefs)
    prob = float(rcParams["stats.ci_prob"]) if prob is None else prob
    if not 0 < prob < 1:
        raise FindingError(f"prob is {prob!r}; give a probability between 0 and 1.")
    drawn = replicas(beliefs, draws=REPLICAS, rng=rng)
    outcomes, clusters = beliefs.evidence.outcomes, clusters_of(beliefs)
    shape = (len(outcomes), len(clusters))
    values = np.full((len(drawn.y) + 1, *shape), np.nan)
    n = np.zeros(shape)
    for o, k in np.ndindex(*shape):
        n[o, k], values[:, o, k] = _rates(drawn, o, k)
    table = _table(values, n, prob)
    table = table.assign_coords(
        {names.OUTCOME: [o.name for o in outcomes], names.CLUSTER: clusters}
    )
    table = table.assign_coords(kind=(names.OUTCOME, [o.kind for o in outcomes]))
    table.attrs["replicas"] = len(drawn.y)
    return _finding(beliefs, table, prob)


def _rates(drawn: Replicas, outcome: int, cluster: int) -> tuple[float, Any]:
    """Return the denominator, and the rate of the table and of each replica."""
    made = drawn.made
    there = (made.outcome == outcome) & (made.cluster == cluster)
    n = float(made.n[there].sum())
    if n == 0:
        return 0.0, np.nan
    return n, np.concatenate([[made.y[there].sum()], drawn.y[:, there].sum(axis=1)]) / n


def _table(values: Floats, n: Floats, prob: float) -> xr.Dataset:
    observed, drawn = values[0], values[1:]
    ends = np.quantile(drawn, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    below = (drawn < observed).mean(axis=0) + 0.5 * (drawn == observed).mean(axis=0)
    tail = (np.minimum(below, 1 - below) * len(drawn) + 0.5) / (len(drawn) + 1)
    unit = {UNIT: "rate or events a unit of exposure", "ci_kind": "eti", "ci_prob": prob}
    dims = (names.OUTCOME, names.CLUSTER)
    known = np.where(np.isnan(observed), np.nan, np.minimum(1.0, 2 * tail))
    return xr.Dataset(
        {
            "observed": (dims, observed, unit),
            "expected": (dims, ends[1], unit),
            "lower": (dims, ends[0], unit),
            "upper": (dims, ends[2], unit),
            "n": (dims, n, {UNIT: "people, or units of exposure"}),
            "p_value": (dims, known, {UNIT: "probability"}),
        }
    )


def _finding(beliefs: Beliefs, table: xr.Dataset, prob: float) -> Finding:
    inside = (table["observed"] >= table["lower"]) & (table["observed"] <= table["upper"])
    known = table["observed"].notnull()
    size, held = int(known.sum()), int((inside & known).sum())
    said = (
        f"{held} of {size} rates lie within the {100 * prob:.3g} % interval of what the model "
        f"would have shown; about {prob * size:.0f} are to be expected"
    )
    far = (known & ~inside).to_series()
    out = table["p_value"].to_series()[far].sort_values(kind="stable").index.tolist()
    if out:
        said += "; furthest out: " + ", ".join(f"{o} in {c}" for o, c in out[:_NAMED])
    return Finding(
        kind="predictive_check", headline=f"{said}.", table=table,
        caveats=(
            "The population was learned from this very table: intervals hold more than they would "
            "of a table not seen. co.backtest asks the same of rows that came later.",
        ),
        provenance=origin_of(beliefs, replicas=table.attrs["replicas"]),
    )  # fmt: skip
