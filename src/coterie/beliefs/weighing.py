"""Weighing: draws of one posterior stand for another, where the two are near.

Callers may trust that weights are Pareto-smoothed, that how far they can be trusted is said,
and that draws chosen by them keep their order, so that what is repeated shows as correlation
in any diagnosis of the chains.

Source: Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling;
Carpenter, Clifford and Fearnhead (1999) for systematic resampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coterie.typing import Floats, Integers


def smoothed_weights(log_ratio: Floats) -> tuple[Floats, Floats]:
    """Return Pareto-smoothed weights of draws that sum to 1, and Pareto k, of each column.

    Parameters
    ----------
    log_ratio
        Log of the density wanted over that of the draws, up to a constant: (draw, column).

    Returns
    -------
    weight, khat
        (column, draw) and (column,). Equal ratios have k of minus infinity.
    """
    from arviz_stats.base import array_stats

    size = len(log_ratio)
    weight = np.full(log_ratio.shape[::-1], 1 / size)
    khat = np.full(log_ratio.shape[1], -np.inf)
    uneven = np.flatnonzero(np.ptp(log_ratio, axis=0) != 0)
    if uneven.size:
        # ArviZ takes what leaving one out divides by, a log likelihood: the ratio upside down.
        smooth, khat[uneven] = array_stats.psislw(-log_ratio[:, uneven].T)
        mass = np.exp(smooth - smooth.max(axis=-1, keepdims=True))
        weight[uneven] = mass / mass.sum(axis=-1, keepdims=True)
    return weight, khat


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of draws.

    Attributes
    ----------
    share
        Sums to 1: (draw,).
    khat
        Pareto k of the largest ratios; up to 0.7 they can be trusted.
    effective
        Draws of the other posterior that these are worth, of the draws given.
    """

    share: Floats
    khat: float
    effective: float

    @classmethod
    def of(cls, log_ratio: Floats) -> Weights:
        """Smooth the ratios of two densities, given as logarithms: (draw,)."""
        share, khat = smoothed_weights(log_ratio[:, None])
        return cls(share[0], float(khat[0]), float(1 / np.square(share[0]).sum()))

    def chosen(self, rng: np.random.Generator) -> Integers:
        """Choose as many draws as there are, each as often as it weighs, in order: (draw,)."""
        size = self.share.size
        at = (rng.random() + np.arange(size)) / size
        found: Integers = np.searchsorted(np.cumsum(self.share), at).clip(max=size - 1)
        return found.astype(np.int64)
