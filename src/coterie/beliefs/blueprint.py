"""Blueprint: everything a model is made of, before a sampler is woken.

Makes :class:`Blueprint` from observations, names and priors, and every array that a model of
it reads. Callers may trust that blueprints of one key share a compiled model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from coterie import names
from coterie.beliefs.design import Design, Levels
from coterie.beliefs.fading import law_of
from coterie.beliefs.parameters import LATE, ParameterPrior
from coterie.beliefs.pilot import axes, pilot
from coterie.beliefs.population_prior import PopulationPrior
from coterie.typing import Floats

_FEW_CELLS: Final = 2.0
"""Cells a pair from which kappa is known without the loading."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything a model is made of: the observations, the names and the priors."""

    made: Design
    levels: Levels
    population: PopulationPrior

    @property
    def drifts(self) -> bool:
        """Whether any outcome's level may differ between windows."""
        return any(not is_zero(p) for p in self.priors(names.PERIOD_SCALE))

    @property
    def late(self) -> list[int]:
        """Outcomes that may have a delay, by position."""
        return [i for i, o in enumerate(self.levels.outcomes) if o.name in self.levels.late]

    @property
    def as_if_arrived(self) -> Design:
        """The observations with as many people as have answered, at the priors' medians."""
        made = self.made
        if made.ages is None:
            return made
        days, bend = (np.array([[p.quantile(0.5) for p in self.priors(n)]]) for n in LATE)
        return made.as_if(made.ages.arrived(made.outcome, days, bend)[0])

    @property
    def weighted(self) -> bool:
        """Whether any artist stands for another number of units than one."""
        return self.made.frequency is not None

    @property
    def fades(self) -> bool:
        """Whether any observation counts less than in full."""
        return bool((self.made.weight != 1).any())

    @property
    def powers(self) -> Floats:
        """The power of each window's rows, 1 where it has none: (window,)."""
        found, of = np.zeros(len(self.levels.windows)), self.made.window
        np.maximum.at(found, of, self.made.weight)
        found[np.setdiff1d(np.arange(found.size), of)] = 1.0
        return found

    @property
    def traded(self) -> tuple[bool, ...]:
        """Whether loading and kappa of each outcome explain the same: few cells a pair."""
        made, found = self.made, []
        for o, both in enumerate(zip(*map(self.priors, (names.LOADING, names.KAPPA)), strict=True)):
            own = made.pair[made.outcome == o]
            few = own.size < _FEW_CELLS * np.unique(own).size
            found.append(bool(few) and _may_trade(*both))
        return tuple(found)

    def priors(self, parameter: str) -> tuple[ParameterPrior, ...]:
        """Return one parameter's prior for each outcome."""
        return self.population.for_outcomes(self.levels.outcomes, parameter)


def model_data(blueprint: Blueprint) -> dict[str, Any]:
    """Return every array the model reads, by the name of its ``pm.Data``."""
    made, levels = blueprint.made, blueprint.levels
    rough = pilot(blueprint.as_if_arrived, levels)
    arrays: dict[str, Any] = {
        "y": made.y,
        "n": made.n,
        "outcome_code": made.outcome,
        "artist_code": made.artist,
        "cluster_code": made.cluster,
        "window_code": made.window,
        "informs": made.informs,
        "is_count": made.is_count,
        "weight": made.weight,
        "pair_code": made.pair,
        "pair_artist": made.pair_artist,
        "pair_cluster": made.pair_cluster,
        "working_response": rough.response,
        "working_information": rough.information,
        "scatter": rough.scatter,
    }
    arrays |= {f"factor_code_{f}": c for f, c in zip(levels.factors, made.factor, strict=True)}
    if made.covariate:
        arrays["covariate_value"] = np.stack(made.covariate)
        arrays["covariate_middle"], arrays["slope_map"] = axes(made, rough)
    if made.ages is not None:
        arrays |= made.ages.arrays(made.outcome)
    if blueprint.weighted:
        arrays["units_of_artist"] = made.stands_for(len(levels.artists))
    arrays |= {"known_cluster": rough.cluster, "known_period": rough.period}
    arrays |= {"thin_pair": rough.thin_pair, "thin_artist": rough.thin_artist}
    if blueprint.fades:
        arrays["power"] = blueprint.powers
        arrays["power_of_law"] = law_of(blueprint.powers)
    parts = zip(levels.factors, rough.factor, strict=True)
    arrays |= {f"known_factor_{factor}": known for factor, known in parts}
    return arrays


def is_zero(prior: ParameterPrior) -> bool:
    """Say whether a prior states that there is nothing."""
    return prior.family == "fixed" and prior.first == 0


def _may_trade(loading: ParameterPrior, kappa: ParameterPrior) -> bool:
    """Say whether these priors allow the two to be walked as one variance and a share."""
    return loading.family == "halfnormal" and kappa.family in {"lognormal", "concentration"}
