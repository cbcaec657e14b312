"""Masses: how likely a count is at a stated rate and concentration, in plain numbers.

The same densities the model is fitted with. Callers may trust them at any concentration, also
where the difference of two log-beta functions has lost all its digits.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from coterie.beliefs.density import log_constant, mass_and_below
from coterie.errors import BeliefError
from coterie.typing import Floats


def log_mass(
    y: Any, n: Any, rate: Any, kappa: Any, *, kind: Literal["binary", "count"] = "binary"
) -> Floats:
    """Return the log probability of counts: Beta-Binomial, or Gamma-Poisson.

    Parameters
    ----------
    y, n
        Events, and those who could have, or the exposure. Broadcast against the others.
    rate
        Mean rate, in (0, 1), or events a unit of exposure.
    kappa
        Concentration, above 0; ``inf`` for the Binomial and the Poisson.
    kind
        ``"binary"`` or ``"count"``.

    Returns
    -------
    numpy.ndarray
        In nats, shaped as the arguments broadcast.

    Raises
    ------
    BeliefError
        If a count, rate or concentration is out of range.
    """
    arrays = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (y, n, rate, kappa)))
    above, below, mean, scatter = (np.ascontiguousarray(a.ravel()) for a in arrays)
    binary = kind == "binary"
    _refuse(above, below, mean, scatter, binary)
    exact = log_constant(above, below, np.full(above.size, not binary))
    found, _ = mass_and_below(
        _eta(mean, binary)[None], scatter[None], above, below, not binary, exact
    )
    return found[0].reshape(arrays[0].shape)


def refuse_impossible(
    above: Floats, below: Floats, mean: Floats, scatter: Floats, binary: bool
) -> None:
    """Refuse counts of rows, or rates and concentrations of draws, that no law allows."""
    _refuse(above, below, np.full(above.size, 0.5), np.ones(above.size), binary)
    _refuse(np.zeros(mean.size), np.ones(mean.size), mean, scatter, binary)


def _eta(mean: Floats, binary: bool) -> Floats:
    found: Floats = np.log(mean) - np.log1p(-mean) if binary else np.log(mean)
    return found


def _refuse(above: Floats, below: Floats, mean: Floats, scatter: Floats, binary: bool) -> None:
    wrong = (above < 0) | (below < 0) | (scatter <= 0) | (mean <= 0) | ~np.isfinite(mean)
    wrong |= (binary & (above > below)) | (binary & (mean >= 1))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise BeliefError(
            f"{above[i]:g} of {below[i]:g} at a rate of {mean[i]:g} with concentration "
            f"{scatter[i]:g} has no probability; {int(wrong.sum())} of {wrong.size} are like this. "
            "Counts are at least 0, no more than those who could have; rates lie in (0, 1) for "
            "people and above 0 for events."
        )
