"""The beliefs room: Evidence and priors in, Beliefs out.

Names are loaded when first said, so that a saved file opens without waking the sampler.
No file here is called like a name of the door: importing it would hide the function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from coterie.beliefs.caches import find_caches

if TYPE_CHECKING:
    from coterie.beliefs.ahead import levels_and_rates, next_rates
    from coterie.beliefs.alone import Alone, clusters_of
    from coterie.beliefs.diagnosis import Diagnosis
    from coterie.beliefs.draw_likelihoods import add_log_likelihood
    from coterie.beliefs.example import example_beliefs
    from coterie.beliefs.fitting import build_model, fit
    from coterie.beliefs.given import believe_given
    from coterie.beliefs.masses import log_mass
    from coterie.beliefs.maximising import mode
    from coterie.beliefs.parameters import ParameterPrior
    from coterie.beliefs.population_prior import PopulationPrior
    from coterie.beliefs.poststratifying import poststratify
    from coterie.beliefs.predicting import predict, predictive
    from coterie.beliefs.priors import MembershipPrior
    from coterie.beliefs.rates_by_level import level_rates
    from coterie.beliefs.redrawing import Replicas, replicas
    from coterie.beliefs.scoring import Population, score
    from coterie.beliefs.scoring_files import score_file
    from coterie.beliefs.stating import population_of, stated_priors
    from coterie.beliefs.tree import Beliefs, refuse_partial
    from coterie.beliefs.updating import update
    from coterie.beliefs.weighing import smoothed_weights
    from coterie.beliefs.whole_files import replacing

__all__ = [
    "Alone",
    "Beliefs",
    "Diagnosis",
    "MembershipPrior",
    "ParameterPrior",
    "Population",
    "PopulationPrior",
    "Replicas",
    "add_log_likelihood",
    "believe_given",
    "build_model",
    "clusters_of",
    "example_beliefs",
    "fit",
    "level_rates",
    "levels_and_rates",
    "log_mass",
    "mode",
    "next_rates",
    "population_of",
    "poststratify",
    "predict",
    "predictive",
    "refuse_partial",
    "replacing",
    "replicas",
    "score",
    "score_file",
    "smoothed_weights",
    "stated_priors",
    "update",
]

_FILES = {
    "Alone": "alone",
    "Beliefs": "tree",
    "Diagnosis": "diagnosis",
    "MembershipPrior": "priors",
    "ParameterPrior": "parameters",
    "Population": "scoring",
    "PopulationPrior": "population_prior",
    "Replicas": "redrawing",
    "add_log_likelihood": "draw_likelihoods",
    "believe_given": "given",
    "build_model": "fitting",
    "clusters_of": "alone",
    "example_beliefs": "example",
    "fit": "fitting",
    "level_rates": "rates_by_level",
    "levels_and_rates": "ahead",
    "log_mass": "masses",
    "mode": "maximising",
    "next_rates": "ahead",
    "poststratify": "poststratifying",
    "predict": "predicting",
    "population_of": "stating",
    "predictive": "predicting",
    "refuse_partial": "tree",
    "replacing": "whole_files",
    "replicas": "redrawing",
    "score": "scoring",
    "score_file": "scoring_files",
    "smoothed_weights": "weighing",
    "stated_priors": "stating",
    "update": "updating",
}

find_caches()


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
    globals()[name] = found
    return found
