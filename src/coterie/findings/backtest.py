"""Backtest: how well beliefs foresaw what came later.

Makes a Finding that scores each later row as one prediction, beside stated
baselines, and asks whether intervals held as often as they say. Callers may trust
that no outcome of a later row was read before it was scored. Knows nothing of how
a rate is predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coterie import __version__, names
from coterie.errors import FindingError
from coterie.evidence import Evidence, Outcome
from coterie.findings.baselines import IN_WORDS, baseline_scores
from coterie.findings.finding import UNIT, Finding
from coterie.typing import Floats

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

HELD: Final = 0.9
"""Probability of the central interval whose coverage is reported."""

FEW_ROWS: Final = 100
SIMULATIONS: Final = 1000
ROWS_SIMULATED: Final = 2000
STEPS: Final = 101

_ARTICLE: Final = {names.ARTIST: "an", names.CLUSTER: "a"}

BASELINE: Final = "baseline"
STEP: Final = "step"


def backtest(
    beliefs: Beliefs,
    later: Evidence,
    *,
    of: Literal["next", "observed"] = "next",
    rng: np.random.Generator,
) -> Finding:
    """Score what beliefs foresaw against what came later, row by row.

    One row of ``later`` is one prediction; rows are taken as they are given, never
    summed. A row is scored for each outcome it measured out of a denominator above 0.

    Parameters
    ----------
    beliefs
        From :func:`coterie.fit`, on earlier rows.
    later
        Rows the beliefs have not seen, with the same outcomes.
    of
        ``"next"``: later rows are other cells than the ledger's (a new window).
        ``"observed"``: they are more people of the same cells (a held-out half of the
        listeners), so that each cell's own counts speak for it; every row's cell must be
        in the ledger.
    rng
        Source of chance, for predictions and for the randomised PIT.

    Returns
    -------
    Finding
        ``table`` over (outcome,): ``score``, the mean log probability of a row, in
        nats; ``coverage``, the share of rows expected inside the central 90 % interval,
        each row counted by the part of its probability that lies inside;
        ``coverage_drawn``, the same by randomised PIT; ``n``, the rows scored. Over
        (outcome, baseline): ``baseline_score``, ``difference`` (above 0: the beliefs
        foresaw more) and ``difference_se``, paired by row. Over (row, outcome): ``pit``
        and ``log_score``, NaN where not scored. Over (outcome, step): the PIT curve and
        its simultaneous band, for :func:`coterie.plot_calibration`.

    Raises
    ------
    FindingError
        If no outcome is shared, or no later row can be scored.

    References
    ----------
    .. [1] C. Czado, T. Gneiting, L. Held (2009), *Predictive model assessment for count
       data*, Biometrics 65, for the randomised and the averaged PIT.
    .. [2] T. Säilynoja et al. (2022), *Graphical test for discrete uniformity*,
       Statistics and Computing 32, for the simultaneous band.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> found = co.backtest(beliefs, beliefs.evidence, of="observed", rng=rng)
    >>> found.table["coverage"].dims
    ('outcome',)
    """
    ledger = beliefs.evidence
    shared = _shared_outcomes(ledger, later)
    # Deferred: a Finding can be read and drawn without waking the sampler's neighbours.
    from coterie.beliefs import predictive

    predicted = predictive(beliefs, later, of=of, rng=rng)
    scored = [o for o in shared if _scored(later, predicted, o.name).any()]
    if not scored:
        raise FindingError(
            f"None of {len(later):,} later rows measured {_named(shared)} out of a denominator "
            "above 0, so nothing can be scored. Give rows with counts."
        )
    cells = ledger.cells()
    parts = [_score(o, cells, later, predicted, rng) for o in scored]
    table = _with_units(xr.concat(parts, dim=names.OUTCOME, join="outer"))
    return Finding(
        kind="backtest",
        headline=" ".join(_sentence(table.sel({names.OUTCOME: o.name})) for o in scored),
        table=table,
        caveats=_caveats(beliefs, ledger, later, table, shared),
        provenance={**_provenance(beliefs, ledger, later), "of": of},
    )


def _shared_outcomes(ledger: Evidence, later: Evidence) -> list[Outcome]:
    known = {o.name for o in later.outcomes}
    shared = [o for o in ledger.outcomes if o.name in known]
    if not shared:
        raise FindingError(
            f"The beliefs are about {_named(ledger.outcomes)}, the later rows measured "
            f"{_named(later.outcomes)}; no outcome is in both. Read the later table with the "
            "same outcomes."
        )
    return shared


def _scored(later: Evidence, predicted: xr.Dataset, outcome: str) -> Any:
    counts = later.counts.sel({names.OUTCOME: outcome})
    # Out of nobody, nothing was predicted: such a row would score 0 and always hold.
    measured = (counts[names.DENOMINATOR] > 0) & counts[names.NUMERATOR].notnull()
    foreseen = predicted["log_score"].sel({names.OUTCOME: outcome}).notnull()
    return measured.to_numpy() & foreseen.to_numpy()


def _score(
    outcome: Outcome,
    cells: xr.Dataset,
    later: Evidence,
    predicted: xr.Dataset,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Score one outcome: a Dataset without the outcome dimension, its label a coordinate."""
    rows = np.flatnonzero(_scored(later, predicted, outcome.name))
    own = predicted.sel({names.OUTCOME: outcome.name}).isel({names.ROW: rows})
    counts = later.counts.sel({names.OUTCOME: outcome.name}).isel({names.ROW: rows})
    score, below, upto = (own[v].to_numpy() for v in ("log_score", "cdf_below", "cdf"))
    pit = below + rng.random(rows.size) * (upto - below)
    baselines = baseline_scores(cells, counts, outcome)
    compared = np.column_stack([score - other for other in baselines.values()])
    tail = (1 - HELD) / 2
    found = xr.Dataset(
        {
            "score": score.mean(),
            "coverage": _share_inside(below, upto, tail).mean(),
            "coverage_drawn": ((pit > tail) & (pit < 1 - tail)).mean(),
            "n": rows.size,
            "baseline_score": (BASELINE, [float(np.mean(b)) for b in baselines.values()]),
            "difference": (BASELINE, compared.mean(axis=0)),
            "difference_se": (BASELINE, _standard_error(compared)),
            "pit": (names.ROW, _spread(pit, rows, len(later))),
            "log_score": (names.ROW, _spread(score, rows, len(later))),
        },
        coords={names.OUTCOME: outcome.name, BASELINE: list(baselines), **_row_labels(later)},
    )
    return found.assign(_curve(pit, rng)).assign_coords({STEP: np.linspace(0, 1, STEPS)})


def _share_inside(below: Floats, upto: Floats, tail: float) -> Floats:
    """Return P(tail < u < 1 - tail) for u uniform on [below, upto]: no chance is involved."""
    length = np.maximum(upto - below, 0.0)
    overlap = np.minimum(upto, 1 - tail) - np.maximum(below, tail)
    point = ((below > tail) & (below < 1 - tail)).astype(np.float64)
    # Where a row was all but impossible its stretch has no length: it is in or out.
    seen = length > 0
    inside: Floats = np.where(seen, np.maximum(overlap, 0.0) / np.where(seen, length, 1.0), point)
    return inside


def _standard_error(compared: Floats) -> Floats:
    if len(compared) < 2:  # noqa: PLR2004 - one row says nothing of its own scatter
        return np.full(compared.shape[1], np.nan)
    # A row called impossible scores -inf, and then no error can be stated: NaN, quietly.
    with np.errstate(invalid="ignore"):
        error: Floats = compared.std(axis=0, ddof=1) / np.sqrt(len(compared))
    return error


def _curve(pit: Floats, rng: np.random.Generator) -> dict[str, Any]:
    from arviz_base import rcParams
    from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

    steps = np.linspace(0, 1, STEPS)
    within = steps[1:-1]
    observed = np.searchsorted(np.sort(pit), steps, side="right") / pit.size
    # On a fixed grid the band's pointwise probability settles as rows grow (the curve tends
    # to a Brownian bridge), so it is simulated with at most ROWS_SIMULATED of them.
    pointwise = simulate_confidence_bands(
        min(pit.size, ROWS_SIMULATED), 1, within, rcParams["stats.envelope_prob"], SIMULATIONS, rng
    )
    lower, upper = get_pointwise_confidence_band(pointwise, pit.size, within)
    return {
        "ecdf_difference": (STEP, observed - steps),
        "band_lower": (STEP, np.concatenate([[0.0], lower - within, [0.0]])),
        "band_upper": (STEP, np.concatenate([[0.0], upper - within, [0.0]])),
    }


def _spread(values: Floats, rows: Any, size: int) -> Floats:
    whole = np.full(size, np.nan)
    whole[rows] = values
    return whole


def _row_labels(later: Evidence) -> dict[str, Any]:
    kept = (names.ARTIST, names.CLUSTER, names.PERIOD_START, names.PERIOD_END)
    return {
        name: (names.ROW, later.counts[name].to_numpy())
        for name in kept
        if name in later.counts.coords
    }


def _with_units(table: xr.Dataset) -> xr.Dataset:
    from arviz_base import rcParams

    nats, share = "nats a row", "share of rows"
    units = {
        "score": nats, "coverage": share, "coverage_drawn": share, "n": "rows",
        "baseline_score": nats, "difference": nats, "difference_se": nats,
        "pit": "probability", "log_score": "nats", "ecdf_difference": share,
        "band_lower": share, "band_upper": share,
    }  # fmt: skip
    for name, unit in units.items():
        table[name].attrs[UNIT] = unit
    for name in ("coverage", "coverage_drawn"):
        table[name].attrs["prob"] = HELD
    for name in ("band_lower", "band_upper"):
        table[name].attrs["prob"] = float(rcParams["stats.envelope_prob"])
    return table.transpose(names.OUTCOME, ..., names.ROW, BASELINE, STEP)


def _sentence(own: xr.Dataset) -> str:
    best = own.isel({BASELINE: int(own["baseline_score"].argmax(BASELINE))})
    gain, error, n = (round(float(best[v]), 6) for v in ("difference", "difference_se", "n"))
    if not np.isfinite(gain):
        verdict = "predictions called impossible something that happened"
    elif not abs(gain) > 2 * error:
        verdict = f"predictions are level with the best baseline ({gain:+.4f} nats a row)"
    elif gain > 0:
        verdict = f"predictions beat the best baseline by {gain:.3f} nats a row"
    else:
        verdict = f"predictions fall {-gain:.3f} nats a row short of the best baseline"
    held = f"{HELD:.0%}".replace("%", " %")
    return (
        f"{own[names.OUTCOME].item()}: {verdict}; {held} intervals held "
        f"{100 * float(own['coverage']):.3g} % of {int(n):,} {'row' if n == 1 else 'rows'}."
    )


def _caveats(
    beliefs: Beliefs, ledger: Evidence, later: Evidence, table: xr.Dataset, shared: list[Outcome]
) -> tuple[str, ...]:
    told = [
        _dates(ledger, later),
        *(_unseen(ledger, later, what) for what in (names.ARTIST, names.CLUSTER)),
        _left_out(ledger, later, table, shared),
        _few(table),
        "Standard errors take rows as independent; rows of one artist are not, so a gain close "
        "to two of them is not settled.",
    ]
    trust = beliefs.diagnose()
    told += [] if trust.ok else [f"The fit itself is in doubt: {line}" for line in trust.lines]
    return tuple(line for line in told if line)


def _dates(ledger: Evidence, later: Evidence) -> str:
    if not all(names.PERIOD_START in e.counts.coords for e in (ledger, later)):
        return "A table carries no dates: that these rows came later is the caller's word."
    end = ledger.counts[names.PERIOD_END].max().to_numpy()
    early = int((later.counts[names.PERIOD_START] < end).sum())
    if early == 0:
        return ""
    return (
        f"{early:,} of {len(later):,} rows begin before the ledger ends "
        f"({np.datetime_as_string(end, unit='D')}): they are not a forecast."
    )


def _unseen(ledger: Evidence, later: Evidence, what: str) -> str:
    labels = later.counts[what].to_numpy()
    new = ~pd.Series(labels).isin(pd.unique(ledger.counts[what].to_numpy()))
    if not new.any():
        return ""
    first = labels.tolist()[int(new.to_numpy().argmax())]
    return (
        f"{int(new.sum()):,} of {len(later):,} rows name {_ARTICLE[what]} {what} the beliefs "
        f"never saw ({first!r}): foreseen from the population alone."
    )


def _left_out(ledger: Evidence, later: Evidence, table: xr.Dataset, shared: list[Outcome]) -> str:
    scored = set(table[names.OUTCOME].values.tolist())
    empty = [o for o in shared if o.name not in scored]
    both = {o.name for o in shared}
    alone = [o for o in (*ledger.outcomes, *later.outcomes) if o.name not in both]
    if not empty and not alone:
        return ""
    return f"Not scored, because not measured on both sides: {_named([*empty, *alone])}."


def _few(table: xr.Dataset) -> str:
    few = table["n"].where(table["n"] < FEW_ROWS, drop=True)
    if few.size == 0:
        return ""
    least = few.isel({names.OUTCOME: int(few.argmin(names.OUTCOME))})
    rows = int(least)
    return (
        f"{least[names.OUTCOME].item()} was scored on {rows:,} {'row' if rows == 1 else 'rows'} "
        "alone: coverage and gains this thin move with a few rows."
    )


def _provenance(beliefs: Beliefs, ledger: Evidence, later: Evidence) -> dict[str, Any]:
    attrs = beliefs.tree.attrs
    return {
        "coterie": __version__,
        "ledger": f"{len(ledger):,} rows{_span(ledger)}",
        "later": f"{len(later):,} rows{_span(later)}",
        "homes": beliefs.homes or "none",
        "baselines": dict(IN_WORDS),
        **{k: attrs[k] for k in ("coterie_rng", "coterie_version") if k in attrs},
    }


def _span(evidence: Evidence) -> str:
    if names.PERIOD_START not in evidence.counts.coords:
        return ""
    ends = (
        evidence.counts[names.PERIOD_START].min().to_numpy(),
        evidence.counts[names.PERIOD_END].max().to_numpy(),
    )
    first, last = (np.datetime_as_string(moment, unit="D") for moment in ends)
    return f", {first} to {last}"


def _named(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(repr(o.name) for o in outcomes)
