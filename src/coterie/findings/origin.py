"""Origin: which beliefs a finding was computed from, and of which days.

Callers may trust that equal fingerprints are equal counts under equal draws.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from coterie import names

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs


def origin_of(beliefs: Beliefs, **more: Any) -> dict[str, Any]:
    """Return the provenance of a finding: fingerprint of the beliefs, data window, and more.

    Parameters
    ----------
    beliefs
        What was computed from.
    **more
        Settings of the finding, by name.
    """
    found: dict[str, Any] = {"beliefs": fingerprint(beliefs), "data": data_window(beliefs)}
    found["rng_of_fit"] = str(beliefs.tree.attrs.get("coterie_rng", "not stated"))
    return found | more


def fingerprint(beliefs: Beliefs) -> str:
    """Return twelve hexadecimal digits of the population's draws and of the counts."""
    digest = hashlib.sha256()
    tree = beliefs.tree
    for group in (names.POSTERIOR, names.LEDGER):
        dataset = tree[group].to_dataset()
        for name in sorted(map(str, dataset.variables)):
            # Draws of the population tell fits apart; those of each artist would only cost time.
            if group == names.POSTERIOR and names.ARTIST in dataset[name].dims:
                continue
            values = dataset[name].to_numpy()
            text = values.dtype == object or values.dtype.kind in "UT"
            digest.update(name.encode())
            digest.update(
                "\x1f".join(map(str, values.ravel())).encode()
                if text
                else np.ascontiguousarray(values).tobytes()
            )
    return digest.hexdigest()[:12]


def data_window(beliefs: Beliefs) -> str:
    """Return the first and last day of the rows, in words."""
    counts = beliefs.evidence.counts
    rows = f"{len(beliefs.evidence):,} rows"
    if names.PERIOD_START not in counts.coords:
        return f"{rows} without dates"
    ends = (counts[names.PERIOD_START].min(), counts[names.PERIOD_END].max())
    first, last = (np.datetime_as_string(end.to_numpy(), unit="D") for end in ends)
    return f"{rows}, {first} to {last}"
