"""Warming: the loops behind fits, beliefs and predictions, compiled once and kept on disk.

``python -m coterie.beliefs.warming`` compiles them for every later process of this
installation. The command line starts it beside the first fit, whose density compiles
on one core meanwhile.
"""

from __future__ import annotations

import numpy as np

from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.chain import Chain
from coterie.beliefs.density import log_constant, mass_and_below
from coterie.beliefs.design import Levels, design
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.membership import Phi, integrate
from coterie.beliefs.population import CODE
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.vector_plan import layout_of
from coterie.evidence import simulate


def warm() -> None:
    """Run every compiled loop once, on a table of four artists."""
    evidence = simulate.world(artists=4, clusters=2, rng=np.random.default_rng(0)).evidence()
    levels = Levels.of(evidence)
    made = design(evidence, levels)
    outcomes = len(levels.outcomes)
    phi = Phi(
        base=np.full((1, made.y.size), -2.0),
        log_kappa=np.full((1, 2, outcomes), 4.0),
        loading=np.full((1, outcomes), 0.3),
        artist_scale=np.full((1, outcomes), 0.3),
        log_prior=np.log(np.full((4, 2), 0.45)),
        log_elsewhere=float(np.log(0.1)),
    )
    integrate(made, phi, homes=CODE["one"])
    draw_local(made, phi, homes=CODE["one"], rng=np.random.default_rng(0))
    y, n, level = np.array([1.0]), np.array([9.0]), np.zeros((1, 1))
    for count in (False, True):
        constant = log_constant(y, n, np.array([count]))
        mass_and_below(level, np.exp(level), y, n, count, constant)
    # Last: a fit beside this has begun to compile it already.
    walker = Chain(layout_of(Blueprint(made, levels, PopulationPrior())))
    at = np.zeros(walker.layout.size)
    walker.density(at)
    walker.values(at)


if __name__ == "__main__":
    warm()
