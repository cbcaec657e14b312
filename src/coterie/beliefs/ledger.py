"""Ledger: the rows that beliefs rest on, in a form that a file can hold.

Makes a plain Dataset of an Evidence, and the same Evidence of that Dataset. Callers
may trust that nothing is lost on the way: types of labels, what was not measured,
outcomes, column names and recorded warnings. Knows nothing of files or of draws.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final, get_type_hints

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from coterie import names
from coterie.errors import BeliefError, Problem
from coterie.evidence import Covariate, Cycle, Evidence, HalfLife, Outcome, with_crossed

WARNED: Final = "warned_row"

_TERMS: Final = "terms"
_LAYOUT: Final = "layout"
_WARNINGS: Final = "warnings"
_FACTOR: Final = "factor_"
_COVARIATE: Final = "covariate_"
_MISSING: Final = "_missing"
_MOMENTS: Final = (names.PERIOD_START, names.PERIOD_END, names.SEEN)


def ledger_of(evidence: Evidence) -> xr.Dataset:
    """Write an Evidence as plain arrays and text.

    Parameters
    ----------
    evidence
        Rows to be kept.

    Returns
    -------
    xarray.Dataset
        ``numerator`` and ``denominator`` (row, outcome), NaN where not measured;
        labels on row under their own names, each factor as ``factor_<number>`` and each
        covariate as ``covariate_<number>`` because
        a column's name may be one that no file allows; ``terms``, ``layout`` and
        ``warnings`` as JSON text, and the rows of those warnings end to end on
        ``warned_row``.
    """
    # What follows from other labels is derived again when it is read.
    read = evidence.layout.factors
    counts = evidence.counts.drop_vars([f for f in evidence.factors if f not in read])
    own = tuple(covariate.name for covariate in evidence.covariates)
    ledger = counts.drop_attrs().rename(_numbered(read) | _numbered(own, _COVARIATE))
    for name in [n for n in ledger.coords if ledger[n].dims == (names.ROW,)]:
        ledger = _filled(ledger, str(name))
    terms = {
        "outcomes": [asdict(outcome) for outcome in evidence.outcomes],
        "factors": list(read),
        "window": evidence.window,
        "currency": counts.attrs.get("currency"),
    }
    if evidence.covariates:
        terms["covariates"] = [asdict(covariate) for covariate in evidence.covariates]
    if evidence.half_life is not None:
        terms["half_life"] = asdict(evidence.half_life)
    told = [asdict(p) | {"rows": len(p.rows)} for p in evidence.warnings]
    texts = {_TERMS: terms, _LAYOUT: asdict(evidence.layout), _WARNINGS: told}
    rows = np.array([row for p in evidence.warnings for row in p.rows], dtype=np.int64)
    ledger = ledger.assign({name: ((), json.dumps(value)) for name, value in texts.items()})
    return ledger.assign({WARNED: (WARNED, rows)}) if rows.size else ledger


def evidence_of(ledger: xr.Dataset) -> Evidence:
    """Read the Evidence that :func:`ledger_of` wrote.

    Parameters
    ----------
    ledger
        As returned there, perhaps through a file.

    Returns
    -------
    Evidence
        Equal to the one written, types included.

    Raises
    ------
    BeliefError
        If a part of the ledger is not there.
    """
    absent = [n for n in (_TERMS, _LAYOUT, _WARNINGS, names.NUMERATOR) if n not in ledger]
    if absent:
        raise BeliefError(
            f"The ledger has no {absent[0]!r}; {len(absent)} of its parts are absent. "
            "These beliefs do not carry their evidence: fit them again."
        )
    terms, layout = (json.loads(str(ledger[name].item())) for name in (_TERMS, _LAYOUT))
    covariates = tuple(Covariate(**told) for told in terms.get("covariates", ()))
    counts = _counts(
        ledger,
        _numbered(tuple(terms["factors"]))
        | _numbered(tuple(c.name for c in covariates), _COVARIATE),
        terms["currency"],
    )
    read = _layout(layout)
    return Evidence(
        counts=with_crossed(counts, read.derived),
        outcomes=tuple(Outcome(**outcome) for outcome in terms["outcomes"]),
        factors=(*terms["factors"], *read.derived),
        window=terms["window"],
        warnings=_warnings(ledger),
        layout=read,
        covariates=covariates,
        half_life=HalfLife(**terms["half_life"]) if "half_life" in terms else None,
    )


def pair_totals(ledger: xr.Dataset, artists: NDArray[Any], clusters: NDArray[Any]) -> xr.Dataset:
    """Sum the rows of each artist in each cluster.

    Parameters
    ----------
    ledger
        As made by :func:`ledger_of`.
    artists, clusters
        Labels wanted, in order; rows of others are left out.

    Returns
    -------
    xarray.Dataset
        ``numerator`` and ``denominator`` (artist, cluster, outcome) over the rows in
        which both were measured, 0 where there is none.
    """
    codes = [
        pd.Index(labels).get_indexer(pd.Index(ledger[name].to_numpy()))
        for name, labels in ((names.ARTIST, artists), (names.CLUSTER, clusters))
    ]
    shape = (artists.size, clusters.size)
    sides = [ledger[side].to_numpy() for side in (names.NUMERATOR, names.DENOMINATOR)]
    counted = ~np.isnan(sides[0]) & ~np.isnan(sides[1])
    counted &= ((codes[0] >= 0) & (codes[1] >= 0))[:, None]
    dims = (names.ARTIST, names.CLUSTER, names.OUTCOME)
    found = {}
    for side, values in zip((names.NUMERATOR, names.DENOMINATOR), sides, strict=True):
        sums = np.zeros((*shape, values.shape[1]))
        for i in range(values.shape[1]):
            rows = np.flatnonzero(counted[:, i])
            pair = np.ravel_multi_index([code[rows] for code in codes], shape)
            total = np.bincount(pair, weights=values[rows, i], minlength=shape[0] * shape[1])
            sums[..., i] = total.reshape(shape)
        found[side] = (dims, sums)
    labels = {names.ARTIST: artists, names.CLUSTER: clusters}
    return xr.Dataset(found, coords=labels | {names.OUTCOME: ledger[names.OUTCOME].to_numpy()})


def _numbered(columns: tuple[str, ...], kind: str = _FACTOR) -> dict[str, str]:
    return {column: f"{kind}{i}" for i, column in enumerate(columns)}


def _filled(ledger: xr.Dataset, name: str) -> xr.Dataset:
    """Set a flag beside text that is missing, and leave the text empty."""
    values = ledger[name].to_numpy()
    if values.dtype != object:
        return ledger
    absent = pd.isna(values)
    if not absent.any():
        return ledger
    text = values.copy()
    text[absent] = ""
    marks = {name: (names.ROW, text), name + _MISSING: (names.ROW, absent)}
    return ledger.assign_coords(marks)


def _counts(ledger: xr.Dataset, numbered: dict[str, str], currency: str | None) -> xr.Dataset:
    keys = [names.ARTIST, names.CLUSTER, names.RELEASE]
    rest = (*_MOMENTS, names.SPEND, names.WINDOW, names.WEIGHT)
    own = [name for name in (*keys, *rest) if name in ledger]
    # In the order of the table that was read: labels, factors, moments.
    stored = {n: n for n in own if n in keys} | numbered | {n: n for n in own if n not in keys}
    coords: dict[str, Any] = {
        name: (names.ROW, _labels(ledger, kept)) for name, kept in stored.items()
    }
    coords[names.ROW] = np.arange(ledger.sizes[names.ROW])
    coords[names.OUTCOME] = ledger[names.OUTCOME].to_numpy().astype(object)
    dims = (names.ROW, names.OUTCOME)
    sides = {
        side: (dims, ledger[side].transpose(*dims).to_numpy().astype(np.float64))
        for side in (names.NUMERATOR, names.DENOMINATOR)
    }
    counts = xr.Dataset(
        sides, coords=coords, attrs={} if currency is None else {"currency": currency}
    )
    for variable in counts.variables.values():
        if isinstance(variable.values, np.ndarray):
            variable.values.setflags(write=False)
    return counts


def _labels(ledger: xr.Dataset, name: str) -> NDArray[Any]:
    values: NDArray[Any] = ledger[name].to_numpy()
    if values.dtype.kind == "M":
        return values.astype("datetime64[ns]")
    if values.dtype.kind in "OUT":
        values = values.astype(object)
        if name + _MISSING in ledger:
            values[ledger[name + _MISSING].to_numpy()] = None
        return values
    return values.copy()


def _layout(stored: dict[str, Any]) -> Any:
    # JSON knows no tuples. The class itself stays inside the evidence room.
    made = get_type_hints(Evidence)["layout"]
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    plain["crossed"] = tuple(tuple(members) for members in plain.get("crossed", ()))
    plain["cycles"] = tuple(Cycle(**told) for told in plain.get("cycles", ()))
    plain["covariates"] = tuple(Covariate(**told) for told in plain.get("covariates", ()))
    return made(**plain)


def _warnings(ledger: xr.Dataset) -> tuple[Problem, ...]:
    told = json.loads(str(ledger[_WARNINGS].item()))
    rows = ledger[WARNED].to_numpy().tolist() if WARNED in ledger else []
    problems, start = [], 0
    for problem in told:
        end = start + problem["rows"]
        problems.append(Problem(**problem | {"rows": tuple(rows[start:end])}))
        start = end
    return tuple(problems)
