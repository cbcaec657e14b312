"""Stating: the priors of a fit, kept beside its draws as numbers and read back.

A tree says what was believed before it was made, so that a saved file can be criticised,
or fitted again, without the notebook that made it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from coterie import names
from coterie.beliefs.parameters import ParameterPrior
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError
from coterie.evidence import Outcome

ATTRIBUTE = "coterie_population"
_FIELDS = tuple(field.name for field in fields(ParameterPrior))


def population_rows(
    population: PopulationPrior, outcomes: Sequence[Outcome], *, slopes: bool
) -> str:
    """Return every parameter's prior, outcome by outcome, as JSON."""
    rows: list[dict[str, Any]] = [
        {str(name): value for name, value in row.items()}
        for row in population.table(outcomes, slopes=slopes).to_dict(orient="records")
    ]
    for row in rows:
        outcome = next(o for o in outcomes if o.name == row["outcome"])
        (prior,) = population.for_outcomes([outcome], row["parameter"])
        row |= {name: getattr(prior, name) for name in _FIELDS}
    return json.dumps(rows)


def stated_priors(beliefs: Beliefs) -> list[tuple[str, str, ParameterPrior]]:
    """Return parameter, outcome and prior of everything that beliefs were fitted with.

    Raises
    ------
    BeliefError
        If the file was made before priors were kept as numbers.
    """
    rows = json.loads(beliefs.tree.attrs.get(ATTRIBUTE, "[]"))
    if not rows or not all("family" in row for row in rows):
        raise BeliefError(
            "These beliefs do not say the priors of their population: they were saved by an early "
            "version. Fit again."
        )
    return [
        (row["parameter"], row["outcome"], ParameterPrior(**{name: row[name] for name in _FIELDS}))
        for row in rows
    ]


def population_of(beliefs: Beliefs) -> PopulationPrior:
    """Return the priors of the population that beliefs were fitted with.

    Raises
    ------
    BeliefError
        If the file was made before priors were kept as numbers, or some had a joint prior,
        which is a function and in no file.
    """
    population = PopulationPrior()
    stated = stated_priors(beliefs)
    joint = sorted({parameter for parameter, _, prior in stated if prior.family == "joint"})
    if joint:
        raise BeliefError(
            f"{', '.join(joint)} had a joint prior, which no file keeps. Make the fit to be "
            "compared with yourself."
        )
    for parameter, outcome, prior in stated:
        population = population.replace(outcome=outcome, **{parameter: prior})
    return population


def prior_of(beliefs: Beliefs) -> MembershipPrior | None:
    """Return the membership prior that beliefs were fitted with, None without membership."""
    if beliefs.homes is None:
        return None
    group = beliefs.tree[names.PRIOR].dataset
    table = group[names.PRIOR].transpose(names.ARTIST, names.CLUSTER).to_numpy()
    clusters = tuple(group[names.CLUSTER].to_numpy().tolist())
    elsewhere = float(group[names.ELSEWHERE]) if names.ELSEWHERE in group else 0.1
    alike = bool(np.all(table == table[:1]))
    rows = table[0] if alike else table
    return MembershipPrior(
        clusters=clusters,
        shares=rows / rows.sum(axis=-1, keepdims=True),
        prob=rows if beliefs.homes == "many" else None,
        elsewhere=elsewhere,
        artists=None if alike else tuple(group[names.ARTIST].to_numpy().tolist()),
    )
