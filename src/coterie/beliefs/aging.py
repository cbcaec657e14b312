"""Aging: the powers of windows, and what their rows know of clusters' levels, then and now.

Read by updates, which weigh how much less an old window says than it did in the fit. Callers
may trust that both are those of the sampled model. Knows nothing of weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import xarray as xr
from scipy import sparse

from coterie.beliefs import population as read
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.fading import Faded
from coterie.beliefs.pilot import pilot
from coterie.typing import Floats, Integers

_CHUNK: Final = 2**21


@dataclass(frozen=True, slots=True)
class Windows:
    """Powers and information of all windows at one time.

    Attributes
    ----------
    power
        (window,).
    known
        Of a cluster's level in a window: (draw, cluster, window, outcome).
    """

    power: Floats
    known: Floats

    @classmethod
    def of(cls, blueprint: Blueprint, posterior: xr.Dataset) -> Self:
        """Read powers and information off all observations, at every draw."""
        made, levels = blueprint.made, blueprint.levels
        shape = (len(levels.clusters), len(levels.windows), len(levels.outcomes))
        rough = pilot(blueprint.as_if_arrived, levels)
        scatter = read.log_kappa(posterior)
        at = np.ravel_multi_index((made.cluster, made.window, made.outcome), shape)
        units = np.ones(at.size) if made.frequency is None else made.frequency
        into = sparse.csr_array(
            (units, (np.arange(at.size), at)), shape=(at.size, int(np.prod(shape)))
        )
        found = np.empty((len(scatter), into.shape[1]))
        step = max(1, _CHUNK // max(at.size, 1))
        base = np.where(made.is_count, rough.information, made.n - 1)
        for first in range(0, len(found), step):
            part = slice(first, first + step)
            kappa = np.exp(scatter[part][:, made.cluster, made.outcome])
            over = np.where(made.is_count, base / kappa, base / (kappa + 1))
            found[part] = (rough.information / (1 + over)) @ into
        return cls(blueprint.powers, found.reshape(-1, *shape))

    def some(self, at: Integers, outcome: int) -> Faded:
        """Take some of one outcome's, by position over (cluster, window)."""
        known = self.known[..., outcome].reshape(len(self.known), -1)[:, at]
        return Faded(self.power[at % self.power.size], known)


@dataclass(frozen=True, slots=True)
class Aging:
    """All windows in the fit, and now.

    Attributes
    ----------
    then, now
        As the fit saw them; as they are.
    """

    then: Windows
    now: Windows
