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
        from arviz_stats.base import array_stats

        if not np.ptp(log_ratio) > 0:
            even = np.full(log_ratio.size, 1 / log_ratio.size)
            return cls(even, -np.inf, float(log_ratio.size))
        log_weight, khat = array_stats.psislw(log_ratio)
        weight = np.exp(log_weight - log_weight.max())
        share = weight / weight.sum()
        return cls(share, float(khat), float(1 / np.square(share).sum()))

    def chosen(self, rng: np.random.Generator) -> Integers:
        """Choose as many draws as there are, each as often as it weighs, in order: (draw,)."""
        size = self.share.size
        at = (rng.random() + np.arange(size)) / size
        found: Integers = np.searchsorted(np.cumsum(self.share), at).clip(max=size - 1)
        return found.astype(np.int64)
