"""History: what was believed after each update.

One entry a step, the first of them the fit. Entries are added and never changed.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names

if TYPE_CHECKING:
    from coterie.beliefs.tree import Beliefs
    from coterie.evidence import Evidence

GROUP: Final = "history"
UPDATE: Final = "update"
PATH: Final = "path"
_INTERVAL: Final = ("ci_kind", "ci_prob")


def entry(
    beliefs: Beliefs,
    *,
    path: str,
    added: int,
    replaced: int = 0,
    khat: float = np.nan,
    effective: float = np.nan,
    like: xr.Dataset | None = None,
) -> xr.Dataset:
    """Note what is believed now: one entry, over (update, artist, cluster).

    Parameters
    ----------
    beliefs
        After the step.
    path
        ``"fit"``, ``"weights"`` or ``"refit"``: how they came about.
    added, replaced
        Rows that came, and rows whose place they took.
    khat, effective
        Pareto k and effective draws of the weights, where there were any.
    like
        The history so far, whose kind and probability of intervals are kept; left out,
        ArviZ's settings.
    """
    with _intervals_of(like):
        frame = beliefs.to_frame()
    tables = {}
    sizes = [beliefs.tree[names.POSTERIOR].sizes[d] for d in (names.ARTIST, names.CLUSTER)]
    if beliefs.homes is not None:
        for column in ("prior", "mean", "lower", "upper"):
            values = frame[column].to_numpy().reshape(1, *sizes)
            tables[column] = ((UPDATE, names.ARTIST, names.CLUSTER), values)
    inventory = beliefs.tree[names.PRIOR if beliefs.homes else names.POSTERIOR].dataset
    steps: dict[str, Any] = {
        PATH: np.array([path], dtype=object),
        "until": np.array([_until(beliefs.evidence)], dtype=object),
        "added": np.array([added]),
        "replaced": np.array([replaced]),
        "khat": np.array([khat]),
        "effective": np.array([effective]),
    }
    return xr.Dataset(
        tables,
        coords={
            UPDATE: np.array([0]),
            names.ARTIST: inventory[names.ARTIST].to_numpy(),
            names.CLUSTER: inventory[names.CLUSTER].to_numpy(),
            **{name: (UPDATE, values) for name, values in steps.items()},
        },
        attrs={k: frame.attrs[k] for k in _INTERVAL},
    )


def history_of(beliefs: Beliefs) -> xr.Dataset:
    """Return every entry so far; beliefs that were never updated have one.

    Raises
    ------
    BeliefError
        If sampling was stopped and that was not accepted.
    """
    if GROUP in beliefs.tree.children:
        return beliefs.tree[GROUP].to_dataset()
    return entry(beliefs, path="fit", added=len(beliefs.evidence))


def extended(before: xr.Dataset, now: xr.Dataset) -> xr.Dataset:
    """Add an entry; who was not there before has no belief then (NaN)."""
    at_home = {d: now[d].to_numpy() for d in (names.ARTIST, names.CLUSTER)}
    number = int(before.sizes[UPDATE])
    whole = xr.concat(
        [before.reindex(at_home), now.assign_coords({UPDATE: [number]})],
        dim=UPDATE, join="exact", coords="minimal", compat="equals",
    )  # fmt: skip
    return whole.assign_attrs(before.attrs)


def _intervals_of(like: xr.Dataset | None) -> AbstractContextManager[None]:
    from arviz_base import rc_context

    if like is None:
        return nullcontext()
    return rc_context({f"stats.{name}": like.attrs[name] for name in _INTERVAL})


def _until(evidence: Evidence) -> str:
    """Return the last day that the rows are of, '' where they have no dates."""
    if names.PERIOD_END not in evidence.counts.coords:
        return ""
    return str(np.datetime_as_string(evidence.counts[names.PERIOD_END].to_numpy().max(), unit="D"))
