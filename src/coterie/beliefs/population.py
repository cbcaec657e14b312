"""Population: draws of phi, read back from a posterior for any table of observations.

Fitting, predicting and everything later turn the same posterior into the same
arrays here, so that a level means one thing. Knows nothing of PyMC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs.design import Design, Levels
from coterie.beliefs.membership import MANY, NONE, ONE, Phi
from coterie.beliefs.parameters import LATE
from coterie.beliefs.priors import Homes, MembershipPrior
from coterie.typing import Floats

CODE = {"one": ONE, "many": MANY, None: NONE}


@dataclass(frozen=True, slots=True)
class Stated:
    """The membership prior of a fit, by artist of its inventory."""

    table: Floats
    elsewhere: float
    homes: Homes

    @classmethod
    def of(cls, prior: MembershipPrior | None, levels: Levels, homes: Homes) -> Stated:
        """Tabulate a prior: (artist, cluster)."""
        if prior is None or homes is None:
            shape = (len(levels.artists), len(levels.clusters))
            return cls(np.zeros(shape), 1.0, None)
        rest = prior.elsewhere if homes == "one" else 0.0
        return cls(prior.table(levels.artists.tolist(), homes), rest, homes)

    @property
    def code(self) -> int:
        """How the integrals call this mode."""
        return CODE[self.homes]

    def typical(self, artists: int) -> Stated:
        """Return the prior of artists of whom nothing was stated: the mean of those known."""
        return replace(self, table=np.repeat(self.table.mean(axis=0)[None], artists, axis=0))

    @property
    def logs(self) -> tuple[Floats, float]:
        """Log prior of each pair, (artist, cluster), and of a home that is not named."""
        with np.errstate(divide="ignore"):
            return np.log(self.table), float(np.log(self.elsewhere))


def flat(posterior: xr.Dataset, name: str, at: slice | Any = slice(None)) -> Floats:
    """Return one variable over (draw of all chains, ...), some draws of it."""
    values = posterior[name].to_numpy()
    return values.reshape(-1, *values.shape[2:])[at]


def log_kappa(posterior: xr.Dataset, at: Any = slice(None)) -> Floats:
    """Return log kappa over (draw, cluster, outcome)."""
    scatter = flat(posterior, names.KAPPA_SPREAD, at)[:, None, :]
    by_cluster = flat(posterior, names.KAPPA_CLUSTER, at)
    return np.log(flat(posterior, names.KAPPA, at))[:, None, :] + scatter * by_cluster


def level(posterior: xr.Dataset, made: Design, levels: Levels, at: Any = slice(None)) -> Floats:
    """Return each observation's level without artist and affinity: (draw, observation).

    Every code of the design must be known.
    """
    outcome = made.outcome
    found = flat(posterior, names.ALPHA, at)[:, outcome]
    found = found + flat(posterior, names.CLUSTER_EFFECT, at)[:, made.cluster, outcome]
    period = flat(posterior, names.PERIOD_EFFECT, at)
    found += period[:, made.cluster, made.window, outcome]
    for factor, codes in zip(levels.factors, made.factor, strict=True):
        found += flat(posterior, f"{names.FACTOR_EFFECT}{factor}", at)[:, codes, outcome]
    if made.covariate:
        slope = flat(posterior, names.SLOPE, at)
        for i, values in enumerate(made.covariate):
            found += slope[:, i, outcome] * values
    return np.ascontiguousarray(found, dtype=np.float64)


def phi(
    posterior: xr.Dataset, made: Design, levels: Levels, stated: Stated, at: Any = slice(None)
) -> Phi:
    """Read draws of everything that is not an artist's own."""
    log_prior, log_elsewhere = stated.logs
    return Phi(
        base=level(posterior, made, levels, at),
        log_kappa=np.ascontiguousarray(log_kappa(posterior, at)),
        loading=np.ascontiguousarray(flat(posterior, names.LOADING, at)),
        artist_scale=np.ascontiguousarray(flat(posterior, names.ARTIST_SCALE, at)),
        log_prior=log_prior,
        log_elsewhere=log_elsewhere,
        mature=arrived(posterior, made, at),
    )


def arrived(posterior: xr.Dataset, made: Design, at: Any = slice(None)) -> Floats | None:
    """Return the share of each observation that has arrived: (draw, observation)."""
    if made.ages is None:
        return None
    delay, shape = (flat(posterior, name, at) for name in LATE)
    return made.ages.arrived(made.outcome, delay, shape)


def late_outcomes(posterior: xr.Dataset) -> tuple[str, ...]:
    """Return the names of the outcomes that have a delay."""
    if names.DELAY not in posterior:
        return ()
    some = posterior[names.DELAY].transpose(..., names.OUTCOME).to_numpy() > 0
    late = some.reshape(-1, some.shape[-1]).any(axis=0)
    return tuple(posterior[names.OUTCOME].to_numpy()[late].tolist())
