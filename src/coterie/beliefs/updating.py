"""Update: beliefs take in rows that arrive later.

The draws of the population are weighed by what the new rows say of them, with memberships
and every artist's own effects integrated out, and those effects are then drawn anew. Where
the weights cannot carry that far the model is fitted again to the whole ledger. Callers may
trust that either way the beliefs are those of one fit to all rows, to Monte Carlo error, that
draws are equally weighted, and that no row counts twice. Each update starts from the draws
of the last fit, so that errors do not add up. Where evidence fades, every window is weighed at
its age of now.

Source: the identity p(phi | all) ~ p(phi | old) p(all | phi) / p(old | phi).
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs import history
from coterie.beliefs.between import Between, Changed, Step, last_fit
from coterie.beliefs.fitting import fit
from coterie.beliefs.guiding import CANDIDATES
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.reweighed import reweighed
from coterie.beliefs.rows import Known
from coterie.beliefs.stating import population_of, prior_of
from coterie.beliefs.tree import Beliefs, refuse_partial
from coterie.beliefs.weighing import Weights
from coterie.beliefs.widening import stated_for, wider
from coterie.errors import BeliefError
from coterie.evidence import NEVER, Evidence, Joined, join

_LOG = logging.getLogger("coterie")

REPLACED: Final = "replaced_"
KHAT_MOST: Final = 0.7
SHARE_LEAST: Final = 0.25
"""Effective draws that weights must leave, as a share of the draws."""
_LOOKS: Final = ((64, 0.5), (400, 0.8))
"""Draws weighed before all are, and the part of that share they must leave."""
WEIGHED_MOST: Final = 6_000_000
"""Observations times draws that are integrated sooner than most of a table is fitted again."""


Refit = Literal["auto", "always", "never"]


def update(  # noqa: PLR0913 - what is stated anew is keyword-only
    beliefs: Beliefs,
    evidence: Evidence | None,
    *,
    replaces: bool = False,
    prior: MembershipPrior | None = None,
    population: PopulationPrior | None = None,
    half_life: Any = None,
    as_of: Any = None,
    refit: Refit = "auto",
    rng: np.random.Generator,
    cores: int | None = None,
    progress: bool | None = None,
) -> Beliefs:
    """Take in rows that arrived since, and believe again.

    Parameters
    ----------
    beliefs
        What was believed so far; it is not changed.
    evidence
        New rows, read with the arguments of the first table. New artists, clusters, windows
        and factor levels may appear. None where no rows came, and the half-life or the day is
        stated anew.
    replaces
        Rows of a cell and period that the ledger has already are corrections, or later reads
        of the same people, and take their place. Otherwise they are refused.
    prior
        What is believed of membership before any evidence, for all artists and clusters.
        Needed for a new cluster, and for a new artist where every artist has a prior of its
        own; left out, what was stated stays.
    population
        Needed only for another fit, and only where a joint prior was stated.
    half_life
        How fast old windows fade from now on, as in :meth:`Evidence.forgetting`; ``"never"``
        for not at all. Left out, what was stated stays.
    as_of
        The day from which ages are counted. Left out, the end of the latest period, or the day
        that was stated before if that is later. Every window is weighed anew.
    refit
        ``"auto"``: fit again where the weights fail, or cost more than a fit. ``"always"``: fit
        again. ``"never"``: raise where the weights fail.
    rng
        Source of all chance.
    cores, progress
        As in :func:`fit`, should it come to that.

    Returns
    -------
    Beliefs
        Of all rows. ``attrs["coterie_path"]`` of its tree is ``"weights"`` or ``"refit"``;
        ``history`` has one entry more; rows that lost their place are in group ``replaced``.

    Raises
    ------
    EvidenceError
        If a row is in the ledger already, the tables do not belong together, or evidence is
        to fade in a table without windows.
    BeliefError
        If somebody new has no prior, sampling was stopped before, or weights fail and
        ``refit="never"``.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> rows = {"artist": ["New"] * 2, "cluster": ["gym", "focus"], "listeners": [400, 300]}
    >>> more = co.Evidence.from_frame(pd.DataFrame(rows | {"saves": [40, 9]}))
    >>> prior = co.MembershipPrior.uniform(beliefs.evidence.clusters.tolist())
    >>> later = co.update(beliefs, more, prior=prior, refit="never", rng=rng)
    >>> "New" in later.evidence.artists
    True
    """
    started = time.perf_counter()
    _check(beliefs, evidence, refit, anything=half_life is not None or as_of is not None)
    joined = _joined(beliefs.evidence, evidence, half_life, as_of, replaces=replaces)
    step = _step(beliefs, joined, 0 if evidence is None else len(evidence), prior)
    made, why = None, "asked for"
    if refit != "always":
        made, why = _weighed(step, rng, cheaper=refit == "auto")
    if made is None:
        if refit == "never":
            raise BeliefError(f"The weights do not carry these rows: {why}. Let refit='auto'.")
        made = _fitted_again(step, population, rng, cores, progress)
    seconds = time.perf_counter() - started
    path = made.tree.attrs["coterie_path"]
    how = "weighed the draws" if path == "weights" else f"fitted again ({why})"
    _LOG.info("update: %d rows came; %s, %.1f s.", step.arrived, how, seconds)
    return made


def _check(beliefs: Beliefs, evidence: Evidence | None, refit: str, *, anything: bool) -> None:
    """Refuse what is no update at all."""
    for value, wanted in ((beliefs, Beliefs), (evidence, Evidence)):
        if not isinstance(value, wanted) and not (value is None and wanted is Evidence):
            raise BeliefError(
                f"update takes {wanted.__name__} and got a {type(value).__name__}. "
                "update(beliefs, beliefs.evidence.read_more(new_rows), rng=rng)."
            )
    if evidence is None and not anything:
        raise BeliefError(
            "update got no rows, no half_life and no as_of: nothing would change. Hand in rows, or "
            "state one of them."
        )
    if refit not in ("auto", "always", "never"):
        raise BeliefError(f"refit is {refit!r}; write 'auto', 'always' or 'never'.")
    refuse_partial(beliefs)


def _joined(
    ledger: Evidence, arrived: Evidence | None, half_life: Any, as_of: Any, *, replaces: bool
) -> Joined:
    """Put the tables together, and let them be as old as they are now."""
    if arrived is not None and (half_life is not None or ledger.half_life is None):
        # Stated anew for all rows, or left as it was: rows that come do not decide it.
        arrived = arrived.forgetting(NEVER)
    made = Joined(ledger, None) if arrived is None else join(ledger, arrived, replaces=replaces)
    before = made.evidence.half_life
    if half_life is None and before is None:
        if as_of is not None:
            raise BeliefError(
                f"as_of is {as_of!r}, and nothing fades in these beliefs. State half_life, or "
                "leave as_of out."
            )
        return made
    stated = half_life if before is None or half_life is not None else before.days
    now = made.evidence.forgetting(stated, as_of)
    moved = now.half_life
    if as_of is None and before is not None and moved is not None and moved.as_of < before.as_of:
        now = made.evidence.forgetting(stated, before.as_of)
    return replace(made, evidence=now)


def _step(beliefs: Beliefs, joined: Joined, arrived: int, prior: MembershipPrior | None) -> Step:
    """Say what an update is made of."""
    base = last_fit(beliefs)
    fitted, known = Known.of(base), Known.of(beliefs)
    levels = wider(known.levels, joined.evidence)
    stated = stated_for(known.stated, known.levels, levels, prior)
    return Step(base, fitted, beliefs, joined, arrived, levels, stated, prior)


def _weighed(step: Step, rng: np.random.Generator, *, cheaper: bool) -> tuple[Beliefs | None, str]:
    """Weigh the draws of the last fit; None and why, where that does not do or costs more."""
    why = _no_weights(step)
    if why:
        return None, why
    size, changed = step.fitted.size, Changed.of(step)
    if cheaper and _dearer(changed, size):
        return None, "so much of the table changed that another fit costs less"
    lesson = None
    for count, share in _LOOKS:
        # A few draws tell at a fraction of the cost that all of them will not do.
        if size <= count:
            break
        at = np.unique(np.linspace(0, size - 1, count).astype(np.int64))
        few = Between.of(changed, rng, at=at, lesson=lesson)
        seen, lesson = Weights.of(few.log_weight), few.lesson
        if not seen.effective >= share * SHARE_LEAST * at.size:
            return None, f"a first look leaves {seen.effective:.0f} of {at.size} draws"
    made = Between.of(changed, rng, lesson=lesson)
    weights = Weights.of(made.log_weight)
    if not (weights.khat <= KHAT_MOST and weights.effective >= SHARE_LEAST * size):
        told = f"Pareto k {weights.khat:.2f}, {weights.effective:.0f} of {size} draws effective"
        return None, told
    tree = reweighed(made, weights, rng)
    return _noted(step, tree, khat=weights.khat, effective=weights.effective), ""


def _no_weights(step: Step) -> str:
    """Say what the draws at hand know nothing of, if anything."""
    mine = [outcome.name for outcome in step.fitted.levels.outcomes]
    new = [o.name for o in step.joined.evidence.outcomes if o.name not in mine]
    if new:
        return f"outcome {new[0]!r} was not counted when the model was fitted"
    for factor in step.levels.smooth:
        if len(step.levels.factors[factor]) > len(step.fitted.levels.factors[factor]):
            return f"a level of {factor!r} is new, and its effects are smooth"
    fades = step.base.evidence.half_life is not None or step.now.half_life is not None
    if fades and step.levels.late:
        try:
            population_of(step.base)
        except BeliefError:
            return "late outcomes fade, and no file keeps the priors that they were read by"
    return ""


def _dearer(changed: Changed, size: int) -> bool:
    """Whether weighing costs more than another fit: a count, so that no clock decides."""
    theirs = changed.before.y.size + CANDIDATES * changed.now.y.size
    return theirs * size > WEIGHED_MOST and theirs > changed.fitted.y.size / 4


def _fitted_again(
    step: Step,
    population: PopulationPrior | None,
    rng: np.random.Generator,
    cores: int | None,
    progress: bool | None,
) -> Beliefs:
    old = step.beliefs.tree
    made = fit(
        step.joined.evidence,
        prior_of(step.beliefs) if step.prior is None else step.prior,
        homes=step.beliefs.homes,
        population=_population(step.beliefs) if population is None else population,
        draws=int(old.attrs["coterie_draws_asked"]),
        tune=int(old.attrs.get("coterie_tune", 500)),
        target_accept=float(old.attrs.get("coterie_target_accept", 0.8)),
        chains=int(old.attrs["coterie_chains_asked"]),
        belief_draws=_belief_draws(old),
        rng=rng,
        cores=cores,
        progress=progress,
    )
    tree = made.tree.copy()
    tree.attrs["coterie_path"] = "refit"
    return _noted(step, tree)


def _population(beliefs: Beliefs) -> PopulationPrior:
    try:
        return population_of(beliefs)
    except BeliefError as error:
        raise BeliefError(
            f"The weights do not carry these rows, and for another fit: {error} State it with "
            "population=."
        ) from error


def _belief_draws(tree: xr.DataTree) -> int:
    sizes = tree[names.LOG_LIKELIHOOD].sizes
    return int(sizes[names.CHAIN] * sizes[names.DRAW])


def _noted(step: Step, tree: xr.DataTree, **weighed: Any) -> Beliefs:
    """Add what is remembered of the way here: history, and rows that lost their place."""
    past, gone = history.history_of(step.beliefs), step.joined.replaced
    for name, group in step.beliefs.tree.children.items():
        if name.startswith(REPLACED):
            tree[name] = xr.DataTree(group.to_dataset())
    if gone is not None:
        tree[f"{REPLACED}{past.sizes[history.UPDATE]}"] = xr.DataTree(ledger_of(gone))
    now = history.entry(
        Beliefs(tree), path=str(tree.attrs["coterie_path"]), added=step.arrived,
        replaced=0 if gone is None else len(gone), like=past, **weighed,
    )  # fmt: skip
    tree[history.GROUP] = xr.DataTree(history.extended(past, now))
    return Beliefs(tree)
