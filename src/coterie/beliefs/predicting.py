r"""Predict: rates and intensities on request, from beliefs and any rows.

One output row for each input row, whose outcomes are never read by ``of="next"``.
Decisions use these rates: membership and affinity are inside them, and nothing is
multiplied on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from scipy.special import expit, logsumexp

from coterie import names
from coterie.beliefs.crossed import completed
from coterie.beliefs.density import log_constant, mass_and_below
from coterie.beliefs.design import cell_codes, lookup
from coterie.beliefs.rows import Known, states
from coterie.beliefs.thinning import Shares, grown, share_at, thin
from coterie.beliefs.tree import Beliefs, refuse_partial
from coterie.errors import BeliefError
from coterie.evidence import Evidence, Outcome, bought_rows
from coterie.typing import Floats

_TINY: Final = float(np.finfo(float).tiny)


def predict(
    beliefs: Beliefs,
    rows: Evidence,
    *,
    of: Literal["next", "observed"] = "next",
    unknown: Literal["draw", "error"] = "draw",
    age: float | None = None,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Draw the rates and intensities of rows.

    Parameters
    ----------
    beliefs
        Fitted beliefs.
    rows
        Rows to predict: labels alone are read, outcomes never are with ``of="next"``.
        Factors the rows leave out: the mean rate over the combinations of their levels,
        weighted by the outcome's denominators in the cluster's ledger. What is crossed
        follows from the rows' own labels. Covariates of the ledger must be there; they
        are read from the ledger's centre in its unit, whatever the rows state.
    of
        ``"next"``: the next comparable cell, in a fresh window. ``"observed"``: the ledger
        cell's own rate, given its counts (less of them where evidence fades: power times
        count); every row's cell must be in the ledger.
    unknown
        Artists, clusters and factor levels never seen: ``"draw"`` takes them from the
        population and marks them; ``"error"`` refuses them.
    age
        Days after which an outcome with a delay is to be counted; left out, in the end.
    rng
        Source of all chance.

    Returns
    -------
    xarray.Dataset
        ``rate`` in [0, 1] over (chain, draw, row, binary_outcome) and ``intensity``, events
        per unit of exposure, over (chain, draw, row, count_outcome). One draw of home,
        affinity and window is shared by every row it concerns. ``new`` over (row): whether
        the row names anything never seen.

    Raises
    ------
    BeliefError
        If the rows cannot belong to these beliefs, a row is not in the ledger, or sampling
        was stopped and that was not accepted.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> rates = co.predict(beliefs, beliefs.evidence, rng=rng)["rate"]
    >>> dict(rates.isel(row=0).sizes)
    {'chain': 4, 'draw': 179, 'binary_outcome': 3}
    """
    refuse_partial(beliefs)
    known = Known.of(beliefs)
    if unknown not in ("draw", "error"):
        raise BeliefError(f"unknown is {unknown!r}; write 'draw' or 'error'.")
    number = isinstance(age, int | float | np.number) and not isinstance(age, bool)
    if age is not None and not (number and age > 0):
        raise BeliefError(f"age is {age!r}; it is a number of days above 0, or left out.")
    if unknown == "error":
        _refuse_new(known, rows)
    drawn = np.empty((known.size, len(rows), len(known.levels.outcomes)))
    for part, o, eta, kappa in _laws(known, rows, rng, _counted(known, beliefs, rows, of)):
        drawn[part, :, o] = _scatter(eta, kappa, known.levels.outcomes[o], rng)
        if age is not None and known.levels.outcome_names[o] in known.levels.late:
            drawn[part, :, o] *= share_at(known, part, age)[:, None, o]
    return _labelled(drawn, known, rows)


def predict_levels(
    known: Known, rows: Evidence, *, rng: np.random.Generator
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Draw rates of the next cells of rows, and beside each draw the mean it scatters about.

    Parameters
    ----------
    known
        Beliefs, read.
    rows, rng
        As in :func:`predict`.

    Returns
    -------
    levels, rates, kappas
        As :func:`predict` returns them. A level is what many such cells come to on average: the
        same home, affinity and window, without the scatter of a single cell, whose concentration
        is kappa.
    """
    shape = (known.size, len(rows), len(known.levels.outcomes))
    level, drawn, scatter = np.empty(shape), np.empty(shape), np.empty(shape)
    for part, o, eta, kappa in _laws(known, rows, rng, None):
        outcome = known.levels.outcomes[o]
        binary = outcome.kind == "binary"
        level[part, :, o] = expit(eta) if binary else np.exp(np.minimum(eta, 500))
        drawn[part, :, o] = _scatter(eta, kappa, outcome, rng)
        scatter[part, :, o] = kappa
    return (
        _labelled(level, known, rows), _labelled(drawn, known, rows),
        _labelled(scatter, known, rows),
    )  # fmt: skip


def predictive(
    beliefs: Beliefs,
    rows: Evidence,
    *,
    of: Literal["next", "observed"] = "next",
    rng: np.random.Generator,
) -> xr.Dataset:
    """Score rows that came later, averaging each row's exact mass over draws.

    Parameters
    ----------
    beliefs, of, rng
        As in :func:`predict`.
    rows
        Rows with their outcomes; each is one prediction.

    Returns
    -------
    xarray.Dataset
        Over (row, outcome): ``log_score``, log of the mean mass of what happened, in nats;
        ``cdf_below`` and ``cdf``, the predictive probability of fewer and of at most as many.
        NaN where not measured. Of an outcome with a delay, what had arrived by the day a row
        was read.
    """
    refuse_partial(beliefs)
    known = Known.of(beliefs)
    y, n = _counts(known, rows)
    measured = ~np.isnan(y) & (np.nan_to_num(n) > 0)
    # Masses are summed as logs: of a large cell every draw's mass may be below 1e-308.
    log_mass, below = np.full(y.shape, -np.inf), np.zeros(y.shape)
    shares = Shares.of(known, rows)
    for part, o, *law in _laws(known, rows, rng, _counted(known, beliefs, rows, of)):
        at = np.flatnonzero(measured[:, o])
        eta, kappa = (side[:, at] for side in law)
        if shares.late[o]:
            eta, kappa = thin(known.levels.outcomes[o], (eta, kappa), shares.at(part, o, at))
        count = known.levels.outcomes[o].kind == "count"
        exact = log_constant(y[at, o], n[at, o], np.full(at.size, count))
        level, scatter = np.ascontiguousarray(eta), np.ascontiguousarray(kappa)
        found = mass_and_below(level, scatter, y[at, o], n[at, o], count, exact)
        log_mass[at, o] = np.logaddexp(log_mass[at, o], logsumexp(found[0], axis=0))
        below[at, o] += found[1].sum(axis=0)
    dims = (names.ROW, names.OUTCOME)
    tables = {"log_score": log_mass - np.log(known.size), "cdf_below": below / known.size}
    tables["cdf"] = np.minimum(tables["cdf_below"] + np.exp(tables["log_score"]), 1.0)
    return xr.Dataset(
        {k: (dims, np.where(measured, v, np.nan)) for k, v in tables.items()},
        coords={names.ROW: np.arange(len(rows)), names.OUTCOME: known.levels.outcome_names},
    )


def _counted(known: Known, beliefs: Beliefs, rows: Evidence, of: str) -> _Seen | None:
    """Return what was counted of rows that were observed; nothing was of those that are next."""
    if of not in ("next", "observed"):
        raise BeliefError(f"of is {of!r}; write 'next' or 'observed'.")
    return None if of == "next" else _ledger_counts(known, beliefs.evidence, rows)


def _laws(
    known: Known, rows: Evidence, rng: np.random.Generator, seen: _Seen | None
) -> Iterator[tuple[slice, int, Floats, Floats]]:
    """Give some draws' law of each outcome's rates: level and kappa over (draw, row)."""
    for part, state in states(known, rows, rng, fresh=seen is None):
        for o in range(len(known.levels.outcomes)):
            law = state.level[..., o], np.exp(state.log_kappa[..., o])
            if seen is not None:
                law = seen.law(law, o, part)
            yield part, o, *law


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the ledger counted of each row's cell: numerators, denominators, shares arrived."""

    outcomes: tuple[Outcome, ...]
    y: Floats
    n: Floats
    shares: Shares

    def law(self, law: tuple[Floats, Floats], o: int, part: slice) -> tuple[Floats, Floats]:
        """Return the law of one outcome's own rates, its counts known."""
        outcome = self.outcomes[o]
        y, n = (np.nan_to_num(side[:, o]) for side in (self.y, self.n))
        if not self.shares.late[o]:
            return _given(law, outcome, y, n)
        mature = self.shares.at(part, o)
        return grown(outcome, _given(thin(outcome, law, mature), outcome, y, n), mature)


def _given(
    law: tuple[Floats, Floats], outcome: Outcome, y: Floats, n: Floats
) -> tuple[Floats, Floats]:
    """Return the law of a cell's own rate, its counts known: Beta and Gamma are conjugate."""
    eta, kappa = law
    fixed = np.isinf(kappa)
    prior = np.where(fixed, 1.0, kappa)
    if outcome.kind == "binary":
        strength = prior + n
        inside = prior * expit(eta) + y
        outside = prior * expit(-eta) + n - y
        level = np.log(np.maximum(inside, _TINY)) - np.log(np.maximum(outside, _TINY))
    else:
        strength = prior + y
        level = np.log(strength) - np.log(prior * np.exp(-np.clip(eta, -500, 500)) + n)
    return np.where(fixed, eta, level), np.where(fixed, kappa, strength)


def _scatter(eta: Floats, kappa: Floats, outcome: Outcome, rng: np.random.Generator) -> Floats:
    """Draw each cell's own rate about its mean: (draw, row)."""
    # Beyond 1e12 the scatter is below 1e-6 of the mean, and the draw is the mean.
    loose = np.minimum(kappa, 1e12)
    if outcome.kind == "binary":
        drawn = rng.beta(
            np.maximum(expit(eta) * loose, _TINY), np.maximum(expit(-eta) * loose, _TINY)
        )
        return np.where(np.isinf(kappa), expit(eta), drawn)
    mean = np.exp(np.minimum(eta, 500))
    drawn = mean / loose * rng.standard_gamma(loose)
    return np.where(np.isinf(kappa), mean, drawn)


def _counts(known: Known, rows: Evidence) -> tuple[Floats, Floats]:
    """Return numerator and denominator in the order of the beliefs' outcomes."""
    table = rows.counts.reindex({names.OUTCOME: known.levels.outcome_names})
    return table[names.NUMERATOR].to_numpy(), table[names.DENOMINATOR].to_numpy()


def _ledger_counts(known: Known, ledger: Evidence, rows: Evidence) -> _Seen:
    """Return the ledger cell's counts for each row."""
    cells = ledger.cells()
    released = names.RELEASE in cells.coords
    if released and names.RELEASE not in rows.counts.coords:
        raise BeliefError(
            "The ledger's cells are told apart by release, and the rows name none, so that no row "
            "is one cell. Name the rows' releases, or ask for of='next'."
        )
    paid = any(outcome.informs == "organic" for outcome in ledger.outcomes)

    def keys(table: xr.Dataset, bought: Any) -> list[tuple[Any, ...]]:
        codes = cell_codes(table, known.levels)
        columns = [codes.artist, codes.cluster, codes.window, *codes.factor]
        columns += [table[c.name].to_numpy() for c in known.levels.covariates]
        columns += [table[names.RELEASE].to_numpy()] if released else []
        columns += [bought] if paid else []
        return list(zip(*[c.tolist() for c in columns], strict=True))

    rows = completed(rows, known.levels)
    place = {key: i for i, key in enumerate(keys(cells, cells[names.BOUGHT].to_numpy()))}
    found = np.array([place.get(key, -1) for key in keys(rows.counts, bought_rows(rows.counts))])
    if np.any(found < 0):
        first = int(np.argmax(found < 0))
        labels = rows.counts.isel({names.ROW: first})
        raise BeliefError(
            f"Row {first} (artist {labels[names.ARTIST].item()!r}, cluster "
            f"{labels[names.CLUSTER].item()!r}) has no cell in the ledger; "
            f"{int((found < 0).sum())} of {len(rows)} rows are like this. Ask for of='next'."
        )
    y, n = cells[names.NUMERATOR].to_numpy()[found], cells[names.DENOMINATOR].to_numpy()[found]
    if names.POWER in cells.coords:
        power = cells[names.POWER].to_numpy()[found, None]
        y, n = power * y, power * n
    return _Seen(known.levels.outcomes, y, n, Shares.of(known, rows, found))


def _new(known: Known, rows: Evidence) -> list[tuple[str, Any, Any]]:
    """Where rows name a label that the beliefs do not know: column, labels, (row,) flags."""
    levels = known.levels
    inventories = {names.ARTIST: levels.artists, names.CLUSTER: levels.clusters}
    inventories |= {f: own for f, own in levels.factors.items() if f not in levels.crossed}
    columns = {
        name: rows.counts[name].to_numpy() for name in inventories if name in rows.counts.coords
    }
    return [(n, labels, lookup(labels, inventories[n]) < 0) for n, labels in columns.items()]


def _refuse_new(known: Known, rows: Evidence) -> None:
    told = []
    for name, labels, at in _new(known, rows):
        strange = list(dict.fromkeys(labels[at].tolist()))
        if strange:
            shown = ", ".join(map(repr, strange[:3]))
            more = f" and {len(strange) - 3:,} more" if len(strange) > 3 else ""  # noqa: PLR2004
            told.append(
                f"{name} {shown}{more} (first in row {int(np.argmax(at))}; {int(at.sum()):,} of "
                f"{len(rows):,} rows)"
            )
    if told:
        raise BeliefError(
            f"These beliefs know nothing of {'; '.join(told)}. Fit with them, or let them be drawn "
            "from the population with unknown='draw'."
        )


def _labelled(drawn: Floats, known: Known, rows: Evidence) -> xr.Dataset:
    post = known.posterior
    shape = (post.sizes[names.CHAIN], post.sizes[names.DRAW], len(rows))
    counts = rows.counts
    coords: dict[str, Any] = {
        names.CHAIN: post[names.CHAIN].to_numpy(),
        names.DRAW: post[names.DRAW].to_numpy(),
        names.ROW: np.arange(len(rows)),
        names.ARTIST: (names.ROW, counts[names.ARTIST].to_numpy()),
        names.CLUSTER: (names.ROW, counts[names.CLUSTER].to_numpy()),
        "new": (names.ROW, np.logical_or.reduce([at for _, _, at in _new(known, rows)])),
    }
    made = xr.Dataset(coords=coords)
    kinds = (
        ("binary", names.RATE, names.BINARY_OUTCOME),
        ("count", names.INTENSITY, names.COUNT_OUTCOME),
    )
    for kind, variable, dim in kinds:
        at = [i for i, o in enumerate(known.levels.outcomes) if o.kind == kind]
        made = made.assign_coords({dim: [known.levels.outcomes[i].name for i in at]})
        made[variable] = (
            (names.CHAIN, names.DRAW, names.ROW, dim), drawn[:, :, at].reshape(*shape, len(at))
        )  # fmt: skip
    return made
