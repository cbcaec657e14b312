"""Fit: evidence and a stated prior become beliefs.

Chooses the path and nothing else: the model samples, the integrals believe, the
tree remembers.
"""

from __future__ import annotations

import copy
import difflib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from coterie import names
from coterie.beliefs import assemble
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.checked import whole_number
from coterie.beliefs.design import Levels, design
from coterie.beliefs.diagnosis import diagnosis_of
from coterie.beliefs.memory import check_memory
from coterie.beliefs.population import Stated
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.prior_density import log_prior
from coterie.beliefs.priors import Homes, MembershipPrior
from coterie.beliefs.sampling import Run, Sampled, joined, sample
from coterie.beliefs.tree import Beliefs
from coterie.errors import (
    BeliefError,
    ConvergenceWarning,
    EvidenceError,
    EvidenceWarning,
    FitInterrupted,
)
from coterie.evidence import Evidence, thin, unidentified_in, unknown_clusters

_LOG = logging.getLogger("coterie")
_BELIEF_DRAWS = 100, 1000
_BELIEF_CELLS = 200_000
"""Pairs times draws that are integrated in about half a minute."""
_DRAWS = 1000
_CAREFUL = 0.99
_BLOCKS = 4
"""Blocks of draws until an answer is given, converged or not."""


def fit(  # noqa: PLR0913 - the one door to the sampler, keyword-only after two
    evidence: Evidence,
    prior: MembershipPrior | None,
    *,
    homes: Homes = "one",
    population: PopulationPrior | None = None,
    draws: int | None = None,
    tune: int = 500,
    chains: int = 4,
    rng: np.random.Generator,
    cores: int | None = None,
    target_accept: float = 0.95,
    belief_draws: int | None = None,
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Beliefs:
    """Fit the model to a table, and believe.

    Parameters
    ----------
    evidence
        Checked counts.
    prior
        pi, what was believed of each artist and cluster before; ``None`` only with
        ``homes=None``.
    homes
        ``"one"``: every artist has exactly one home, or none of these clusters.
        ``"many"``: independent memberships. ``None``: the population without membership.
    population
        Priors of the population parameters; left out, the stated defaults.
    draws
        Draws of each chain. Left out, 1,000, and if they have not converged as many again, up to
        4,000 in all.
    tune, chains
        Tuning draws of each chain, and the number of chains.
    rng
        Source of all chance; the same generator state gives the same numbers.
    cores
        Chains sampled at once; left out, as many as the machine has.
    target_accept
        Acceptance rate the step size aims at, in (0, 1). Raise it if draws diverge.
    belief_draws
        Draws of the population, over all chains, at which beliefs are integrated. Left out, 100
        of a large table and up to 1,000 of a small one, whose population is known less.
    progress
        Show progress, and say when sampling goes on; left out, only in a terminal or notebook.
    checkpoint
        File for the beliefs. While sampling goes on, the draws so far are saved there about
        twice a minute, marked as stopped, so that a killed run leaves something to load;
        at the end the whole beliefs replace them. Left out, nothing is written.

    Returns
    -------
    Beliefs
        With the posterior, the beliefs, the ledger and the sampler's own numbers. Ctrl-C
        gives the beliefs of the draws made so far, if each chain kept has at least 50:
        ``interrupted`` is then true, and tables and pictures are refused until
        :meth:`Beliefs.accept_partial`. A second Ctrl-C drops them.

    Raises
    ------
    BeliefError
        If the prior does not fit the mode, a number of draws makes no sense, or the draws
        would not fit into memory.
    EvidenceError
        If the table names clusters that the prior does not know.
    FitInterrupted
        If the user stopped it twice, or before there was anything to keep.

    Warns
    -----
    ConvergenceWarning
        If the chains have not settled; the result says so too.
    EvidenceWarning
        If the table is too poor for some of what is learned, so that it stays the priors'.

    Examples
    --------
    >>> import warnings
    >>> evidence = co.example_beliefs().evidence
    >>> prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), elsewhere=0.1)
    >>> with warnings.catch_warnings(action="ignore", category=co.ConvergenceWarning):
    ...     beliefs = co.fit(evidence, prior, draws=50, tune=100, chains=2, rng=rng, progress=False)
    >>> dict(beliefs.home.sizes)
    {'chain': 2, 'draw': 50, 'artist': 20, 'cluster': 5}
    """
    started = assemble.fingerprint(_generator(rng))
    blueprint = blueprint_of(evidence, prior, homes, population)
    run = Run(
        draws=_DRAWS if draws is None else whole_number("draws", draws),
        tune=whole_number("tune", tune),
        chains=whole_number("chains", chains),
        seed=int(rng.integers(2**31)),
        cores=cores,
        target_accept=target_accept,
        progress=_watched() if progress is None else progress,
    )
    _check_weights(blueprint)
    check_memory(blueprint, run)
    notes = thin(evidence, None if prior is None or homes is None else len(prior.clusters))
    if notes:
        warnings.warn(" ".join(map(str, notes)), EvidenceWarning, stacklevel=2)
    wanted = -(-_belief_draws(belief_draws, blueprint) // run.chains)
    stated = Stated.of(prior, blueprint.levels, homes)

    def believed(sampled: Sampled, rng: np.random.Generator) -> Beliefs:
        return _believed(sampled, wanted, evidence, blueprint, stated, run, started, rng)

    def kept(so_far: Sampled) -> None:
        if checkpoint is not None:
            believed(so_far, copy.deepcopy(rng)).save(checkpoint)

    try:
        sampled = _sampled(blueprint, run, kept if checkpoint is not None else None, draws)
        result = believed(sampled, rng)
    except KeyboardInterrupt:
        raise FitInterrupted("The fit was stopped; nothing is left running.") from None
    if checkpoint is not None:
        result.save(checkpoint)
    found = result.diagnose()
    if not found.ok:
        warnings.warn(" ".join(found.lines), ConvergenceWarning, stacklevel=2)
    return result


def _belief_draws(asked: int | None, blueprint: Blueprint) -> int:
    if asked is not None:
        return whole_number("belief_draws", asked)
    pairs = max(1, blueprint.made.pair_artist.size)
    return int(np.clip(_BELIEF_CELLS // pairs, *_BELIEF_DRAWS))


def _sampled(
    blueprint: Blueprint, run: Run, look: Callable[[Sampled], None] | None, asked: int | None
) -> Sampled:
    """Sample, and where nobody said how much, go on in blocks until chains agree."""
    made = sample(blueprint, run, look=look)
    for _ in range(_BLOCKS - 1 if asked is None else 0):
        if made.stopped or diagnosis_of(made.tree).ok:
            break
        say = _LOG.warning if run.progress else _LOG.info
        say("Not converged after %d draws a chain: sampling %d more.", made.draws, run.draws)
        diverged = int(made.tree["sample_stats"]["diverging"].sum()) > 0
        if diverged:
            # Steps were too long: what they made is not kept.
            run = replace(run, target_accept=max(run.target_accept, _CAREFUL))
        else:
            run = replace(run, tune=max(1, run.tune // 2))
        run = replace(run, seed=run.seed + 1)
        more = sample(blueprint, run, look=look, start=made.last)
        if more.stopped:
            break
        made = more if diverged else joined(made, more)
    return made


def _believed(  # noqa: PLR0913, PLR0917 - all that a tree remembers of a fit
    sampled: Sampled,
    wanted: int,
    evidence: Evidence,
    blueprint: Blueprint,
    stated: Stated,
    run: Run,
    rng_name: str,
    rng: np.random.Generator,
) -> Beliefs:
    """Draws become beliefs; integrated at about ``wanted`` draws of each chain."""
    post = assemble.posterior(sampled.tree, blueprint, stated, rng)
    each = max(1, min(sampled.draws, wanted))
    at = np.linspace(0, sampled.draws - 1, each).round()
    belief, log_likelihood = assemble.beliefs(post, blueprint.made, blueprint.levels, stated, at)
    groups = {
        names.POSTERIOR: post,
        names.BELIEFS: belief,
        names.PRIOR: assemble.stated_prior(stated, blueprint.levels),
        names.SAMPLE_STATS: _plain_stats(sampled.tree["sample_stats"].to_dataset()),
        names.LOG_LIKELIHOOD: log_likelihood,
    }
    # At the draws of the two groups above: after an update these are draws of their own.
    at_those = post.isel({names.DRAW: at.astype(np.int64)})
    density = log_prior(at_those, blueprint.population, blueprint.levels.outcomes)
    if density.data_vars:
        groups[names.LOG_PRIOR] = density
    made = assemble.tree(
        evidence, groups, run=run, population=blueprint.population, stated=stated,
        rng_name=rng_name, stopped=sampled.stopped,
    )  # fmt: skip
    made.attrs |= {"coterie_tune": run.tune, "coterie_target_accept": run.target_accept}
    return Beliefs(made)


def build_model(
    evidence: Evidence,
    prior: MembershipPrior | None,
    *,
    homes: Homes = "one",
    population: PopulationPrior | None = None,
) -> Any:
    """Build the posterior that :func:`fit` samples as a PyMC model, to read, graph or extend it.

    Parameters
    ----------
    evidence, prior, homes, population
        As in :func:`fit`.

    Returns
    -------
    pymc.Model
        Every count and code is a ``pm.Data``; the counts' log likelihood is the potential
        ``evidence``. ``affinity`` is the artist's lasting fit of each pair with counts; homes
        follow from it after sampling, and are no variable.

    Examples
    --------
    >>> evidence = co.example_beliefs().evidence
    >>> prior = co.MembershipPrior.uniform(evidence.clusters.tolist())
    >>> "affinity" in co.build_model(evidence, prior).named_vars
    True
    """
    # PyMC is slow to wake, and no fit needs it.
    from coterie.beliefs.model import build

    return build(blueprint_of(evidence, prior, homes, population))


def blueprint_of(
    evidence: Evidence,
    prior: MembershipPrior | None,
    homes: Homes,
    population: PopulationPrior | None,
) -> Blueprint:
    """Check what a model is made of, and put it together.

    Raises
    ------
    BeliefError, EvidenceError
        As :func:`fit`.
    """
    _check_arguments(evidence, prior, homes)
    if prior is not None:
        problems = unknown_clusters(evidence.clusters, prior.clusters)
        if problems:
            raise EvidenceError(problems)
    odd = [factor for factor in evidence.factors if "/" in factor]
    if odd:
        raise BeliefError(
            f"The factor column {odd[0]!r} has a '/' in its name, which no group of a beliefs file "
            "can hold. Rename the column."
        )
    _check_overrides(population, evidence)
    told = unidentified_in(evidence.counts, evidence.covariates)
    if told:
        raise EvidenceError(told)
    _check_joint(population, evidence)
    stated = population or PopulationPrior()
    levels = replace(
        Levels.of(evidence, None if prior is None else prior.clusters),
        late=stated.late(evidence.outcomes),
    )
    if prior is not None and homes is not None:
        prior.table(levels.artists.tolist(), homes)
    return Blueprint(
        made=design(evidence, levels),
        levels=levels,
        population=stated,
    )


def _check_arguments(evidence: Any, prior: Any, homes: Any) -> None:
    if not isinstance(evidence, Evidence):
        raise BeliefError(
            f"evidence is a {type(evidence).__name__}. Read the table first: "
            "Evidence.from_frame(frame)."
        )
    if prior is not None and not isinstance(prior, MembershipPrior):
        raise BeliefError(
            f"prior is a {type(prior).__name__}. State one with MembershipPrior.from_shares(...) "
            "or MembershipPrior.uniform(...)."
        )
    if homes not in ("one", "many", None):
        raise BeliefError(f"homes is {homes!r}; write 'one', 'many' or None.")
    if homes is not None and prior is None:
        raise BeliefError(
            "A fit with membership needs a prior: what did the team believe before? "
            "MembershipPrior.uniform(evidence.clusters) says 'nothing in particular'."
        )


def _check_overrides(population: PopulationPrior | None, evidence: Evidence) -> None:
    """Refuse an outcome that is nearly one of the table's: its prior would count for nothing."""
    mine = [outcome.name for outcome in evidence.outcomes]
    stated = {} if population is None else population.overrides
    for name in sorted({outcome for outcome, _ in stated} - set(mine)):
        close = difflib.get_close_matches(name, mine, n=1, cutoff=0.7)
        if close and not any(outcome == close[0] for outcome, _ in stated):
            raise BeliefError(
                f"The population states a prior for outcome {name!r}, which this table does not "
                f"count. Did you mean {close[0]!r}?"
            )


def _check_joint(population: PopulationPrior | None, evidence: Evidence) -> None:
    """Refuse a joint prior that these outcomes and covariates leave without a parameter."""
    for joint in () if population is None else population.joint:
        if names.SLOPE in joint.over and not evidence.covariates:
            raise BeliefError(
                "A joint prior is over slope, and the table has no covariates. Name them with "
                "Evidence.from_frame(..., covariates=...), or leave slope out."
            )
        silent = [o.name for o in evidence.outcomes if not o.informs]
        if silent and names.LOADING in joint.over:
            raise BeliefError(
                f"A joint prior is over loading, which outcome {silent[0]!r} does not "
                "have: it does not inform membership. Leave the outcome out of the table."
            )
        joint.check(len(evidence.outcomes), max(1, len(evidence.covariates)))


def _check_weights(blueprint: Blueprint) -> None:
    """Refuse weights where something of an artist would be sampled: its power is no power then."""
    if not blueprint.weighted:
        return
    loose = [
        name
        for name in (names.ARTIST_SCALE, names.LOADING)
        if any(p.family != "fixed" or p.first != 0 for p in blueprint.priors(name))
    ]
    if loose:
        raise BeliefError(
            f"The table has weights other than 1, and {' and '.join(loose)} may be above 0: units "
            "that share one row would share one sampled effect. State them as 0 "
            f"(PopulationPrior().replace({loose[0]}=ParameterPrior.fixed(0.0), ...)), or repeat "
            "the rows under artists of their own."
        )


def _generator(rng: Any) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise BeliefError(f"rng is {rng!r}; hand in a generator: rng=np.random.default_rng(7).")
    return rng


def _watched() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _plain_stats(stats: Any) -> Any:
    """Keep the sampler's numbers and leave its notes, which no file format holds alike."""
    kept = [name for name, v in stats.data_vars.items() if v.dtype.kind in "bfiu"]
    plain = stats[[n for n in kept if stats[n].dims == (names.CHAIN, names.DRAW)]]
    plain.attrs = {k: v for k, v in stats.attrs.items() if isinstance(v, str | int | float)}
    return plain
