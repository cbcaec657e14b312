r"""Herding: a few draws that stand for many.

Draws are taken one at a time, each where those before stand too thin: near to all draws and far
from the ones taken. Callers may trust that the same draws are taken each time, that none is
taken twice, and that means over the few are nearer to means over all than those of draws taken
by chance; each variable counts by its own spread.

.. math::

    i_{t+1} = \arg\min_i \frac{1}{n} \sum_j \lVert x_i - x_j \rVert
              - \frac{1}{t + 1} \sum_{s \le t} \lVert x_i - x_{i_s} \rVert

Source: S. Mak and V. R. Joseph (2018), Support points, Ann. Statist. 46(6A), for the distance;
M. Welling (2009), Herding dynamical weights to learn, ICML, for taking them in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coterie import names

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from coterie.typing import Floats


def few_of(posterior: xr.Dataset, draws: int) -> NDArray[np.int64]:
    """Return which draws, counted through all chains, stand for all of them.

    Parameters
    ----------
    posterior
        Variables over (chain, draw, ...).
    draws
        How many to take.

    Returns
    -------
    numpy.ndarray
        Places in ascending order: all of them where there are no more than ``draws``.
    """
    size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
    if draws >= size:
        return np.arange(size)
    away = _distances(_standardised(posterior, size))
    to_all = away.mean(axis=1)
    to_taken = np.zeros(size)
    taken = np.zeros(size, dtype=bool)
    for turn in range(draws):
        value = np.where(taken, np.inf, to_all - to_taken / (turn + 1))
        here = int(np.argmin(value))
        taken[here] = True
        to_taken += away[here]
    return np.flatnonzero(taken)


def _standardised(posterior: xr.Dataset, size: int) -> Floats:
    wide = [
        values.transpose(names.CHAIN, names.DRAW, ...).to_numpy().reshape(size, -1)
        for values in posterior.data_vars.values()
        if np.issubdtype(values.dtype, np.floating) and names.DRAW in values.dims
    ]
    every: Floats = np.concatenate(wide, axis=1).astype(np.float64)
    spread = every.std(axis=0)
    told = np.isfinite(spread) & (spread > 0)
    centred: Floats = (every[:, told] - every[:, told].mean(axis=0)) / spread[told]
    return centred


def _distances(points: Floats) -> Floats:
    square = np.square(points).sum(axis=1)
    apart = square[:, None] + square[None, :] - 2 * points @ points.T
    away: Floats = np.sqrt(np.maximum(apart, 0.0))
    return away
