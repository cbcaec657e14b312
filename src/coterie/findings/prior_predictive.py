"""Prior rates: what a population prior says before any evidence, in natural units.

Makes a Finding of drawn cells, at home beside any cluster, for every outcome. Callers
may trust that each draw is a new population, artist, cluster and cell, and that no
table was read. Knows nothing of evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from scipy.special import expit

from coterie import __version__, names
from coterie.errors import FindingError
from coterie.evidence import Outcome
from coterie.findings.finding import UNIT, Finding
from coterie.typing import Floats

if TYPE_CHECKING:
    from coterie.beliefs import ParameterPrior, PopulationPrior

WHO: Final = "who"
HOME: Final = "home"
ANY: Final = "any cluster"
QUANTILE: Final = "quantile"
DOTS: Final = 20
CLUSTERS: Final = 5
"""Clusters of which one is the best."""
SCATTERS: Final = (names.ARTIST_SCALE, names.CLUSTER_SCALE, names.PERIOD_SCALE)

_SMALLEST: Final = 1e-12
_FURTHEST_LOG: Final = 700.0


def prior_rates(
    population_prior: PopulationPrior,
    outcomes: Sequence[Outcome],
    *,
    draws: int = 4000,
    rng: np.random.Generator,
) -> Finding:
    """Draw the rates that cells of any artist could show, before any evidence.

    Parameters
    ----------
    population_prior
        The prior of each population parameter.
    outcomes
        What is to be counted.
    draws
        Populations drawn; each shows an artist's cell in the best of five clusters and in any.
    rng
        Source of chance.

    Returns
    -------
    Finding
        ``table`` over (outcome, who): ``median``; over (quantile, outcome, who):
        ``rate``, 20 equally likely values, a probability for binary outcomes and
        events a unit of exposure for counts. ``kind``, ``numerator`` and
        ``denominator`` stand on outcome.

    Raises
    ------
    FindingError
        If no outcome is given, or there are fewer draws than dots.
    """
    if not outcomes:
        raise FindingError("No outcome was given, so there is no rate to draw. Name one or more.")
    if draws < DOTS:
        raise FindingError(f"{draws} draws cannot make {DOTS} dots. Ask for at least {DOTS}.")
    cells = np.stack([_cells(population_prior, o, draws, rng) for o in outcomes])
    middle = (np.arange(DOTS) + 0.5) / DOTS
    table = xr.Dataset(
        {
            "median": ((names.OUTCOME, WHO), np.median(cells, axis=2)),
            "rate": ((QUANTILE, names.OUTCOME, WHO), np.quantile(cells, middle, axis=2)),
        },
        coords={
            names.OUTCOME: [o.name for o in outcomes],
            WHO: [HOME, ANY],
            QUANTILE: middle,
            "kind": (names.OUTCOME, [o.kind for o in outcomes]),
            names.NUMERATOR: (names.OUTCOME, [o.numerator for o in outcomes]),
            names.DENOMINATOR: (names.OUTCOME, [o.denominator for o in outcomes]),
        },
        attrs={"draws": draws},
    )
    for name in ("median", "rate"):
        table[name].attrs[UNIT] = "a person (binary), a unit of exposure (count)"
    return Finding(
        kind="prior rates",
        headline=" ".join(_sentence(table.sel({names.OUTCOME: o.name})) for o in outcomes),
        table=table,
        caveats=("These are beliefs before any evidence: no table was read.",),
        provenance={"coterie": __version__, "draws": draws},
    )


def _cells(
    population_prior: PopulationPrior, outcome: Outcome, draws: int, rng: np.random.Generator
) -> Floats:
    """Draw one outcome: (who, draw)."""
    drawn = {
        parameter: _draw(population_prior.for_outcomes([outcome], parameter)[0], draws, rng)
        for parameter in (names.ALPHA, names.LOADING, names.KAPPA, names.KAPPA_SPREAD, *SCATTERS)
    }
    around = sum((drawn[s] * rng.normal(size=draws) for s in SCATTERS), start=np.zeros(draws))
    kappa = drawn[names.KAPPA] * np.exp(drawn[names.KAPPA_SPREAD] * rng.normal(size=draws))
    centre = drawn[names.ALPHA] + around
    fit = rng.normal(size=(CLUSTERS, draws))
    etas = (centre + drawn[names.LOADING] * fit.max(axis=0), centre + drawn[names.LOADING] * fit[0])
    respond = _probabilities if outcome.kind == "binary" else _intensities
    return np.stack([respond(eta, kappa, rng) for eta in etas])


def _draw(prior: ParameterPrior, size: int, rng: np.random.Generator) -> Floats:
    match prior.family:
        case "normal":
            return rng.normal(prior.first, prior.second, size=size)
        case "lognormal":
            return rng.lognormal(prior.first, prior.second, size=size)
        case "halfnormal":
            return np.abs(rng.normal(0.0, prior.first, size=size))
        case "concentration":
            return 1 / np.maximum(rng.normal(0.0, prior.first, size=size) ** 2, 1e-15)
        case _:
            return np.full(size, prior.first)


def _probabilities(eta: Floats, kappa: Floats, rng: np.random.Generator) -> Floats:
    mean: Floats = expit(eta)
    finite = np.where(np.isfinite(kappa), kappa, 1.0)
    successes, failures = (np.maximum(m * finite, _SMALLEST) for m in (mean, 1 - mean))
    return np.where(np.isfinite(kappa), rng.beta(successes, failures), mean)


def _intensities(eta: Floats, kappa: Floats, rng: np.random.Generator) -> Floats:
    mean = np.exp(np.clip(eta, -_FURTHEST_LOG, _FURTHEST_LOG))
    finite = np.maximum(np.where(np.isfinite(kappa), kappa, 1.0), _SMALLEST)
    return np.where(np.isfinite(kappa), mean * rng.gamma(finite) / finite, mean)


def _sentence(own: xr.Dataset) -> str:
    who: dict[str, Any] = {w: float(own["median"].sel({WHO: w})) for w in (HOME, ANY)}
    if own["kind"].item() == "binary":
        text = {w: f"{100 * v:.3g} %" for w, v in who.items()}
    else:
        text = {w: f"{v:.3g} a unit of {own[names.DENOMINATOR].item()}" for w, v in who.items()}
    return (
        f"{own[names.OUTCOME].item()}: before any evidence half of the cells in the best of "
        f"{CLUSTERS} clusters lie above {text[HOME]}, half of those in any cluster above "
        f"{text[ANY]}."
    )
