"""Update: beliefs take in rows that arrive later.

The draws of the population are weighed by what the new rows say of them, with memberships
and every artist's own effects integrated out, and those effects are then drawn anew. Where
the weights cannot carry that far the model is fitted again to the whole ledger. Callers may
trust that either way the beliefs are those of one fit to all rows, to Monte Carlo error, that
draws are equally weighted, and that no row counts twice.

Source: the identity p(phi | all) ~ p(phi | old) p(all | phi) / p(old | phi); weights
accumulate since the last fit, so that errors do not.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs import assemble, history
from coterie.beliefs import population as read
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.design import Design, Levels, design, lookup
from coterie.beliefs.fitting import fit
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.membership import integrate
from coterie.beliefs.population import Stated
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.rows import Known
from coterie.beliefs.sampling import Run
from coterie.beliefs.stating import ATTRIBUTE, STRENGTH, population_of, prior_of
from coterie.beliefs.tree import Beliefs, refuse_partial
from coterie.beliefs.weighing import Weights
from coterie.beliefs.widening import stated_for, widened, wider
from coterie.errors import BeliefError
from coterie.evidence import Evidence, Joined, join
from coterie.typing import Flags, Floats, Integers

_LOG = logging.getLogger("coterie")
_SAMPLE: Final = (names.CHAIN, names.DRAW)

FITTED: Final = "fitted"
FITTED_BELIEFS: Final = "fitted_beliefs"
FITTED_EVIDENCE: Final = "fitted_evidence"
REPLACED: Final = "replaced_"
LOG_WEIGHT: Final = "log_weight"
TOUCHED: Final = "touched"
KHAT_MOST: Final = 0.7
SHARE_LEAST: Final = 0.25
"""Effective draws that weights must leave, as a share of the draws."""
_FIRST_LOOK: Final = 400
_CHUNK: Final = 2**24

_OF_THE_FIT: Final = (ATTRIBUTE, STRENGTH, "coterie_interrupted", "coterie_partial_accepted")

Refit = Literal["auto", "always", "never"]


def update(  # noqa: PLR0913 - what is stated anew is keyword-only
    beliefs: Beliefs,
    evidence: Evidence,
    *,
    replaces: bool = False,
    prior: MembershipPrior | None = None,
    population: PopulationPrior | None = None,
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
        and factor levels may appear.
    replaces
        Rows of a cell and period that the ledger has already are corrections, or later reads
        of the same people, and take their place. Otherwise they are refused.
    prior
        What is believed of membership before any evidence, for all artists and clusters.
        Needed for a new cluster, and for a new artist where every artist has a prior of its
        own; left out, what was stated stays.
    population
        Needed only for another fit, and only where a joint prior was stated.
    refit
        ``"auto"``: fit again where the weights fail. ``"always"``: fit again. ``"never"``:
        raise where the weights fail.
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
        If a row is in the ledger already, or the tables do not belong together.
    BeliefError
        If somebody new has no prior, sampling was stopped before, or weights fail and
        ``refit="never"``.
    """
    started = time.perf_counter()
    step = _step(beliefs, evidence, replaces=replaces, prior=prior, refit=refit)
    made, why = None, "asked for"
    if refit != "always":
        made, why = _weighed(step, rng)
    if made is None:
        if refit == "never":
            raise BeliefError(f"The weights do not carry these rows: {why}. Let refit='auto'.")
        made = _fitted_again(step, population, rng, cores, progress)
    seconds = time.perf_counter() - started
    path = made.tree.attrs["coterie_path"]
    how = "weighed the draws" if path == "weights" else f"fitted again ({why})"
    _LOG.info("update: %d rows came; %s, %.1f s.", len(evidence), how, seconds)
    return made


@dataclass(frozen=True, slots=True)
class _Step:
    """One update: what was known, what joins it, and the names and prior of both."""

    beliefs: Beliefs
    known: Known
    joined: Joined
    arrived: Evidence
    levels: Levels
    stated: Stated
    prior: MembershipPrior | None


def _step(
    beliefs: Beliefs,
    evidence: Evidence,
    *,
    replaces: bool,
    prior: MembershipPrior | None,
    refit: str,
) -> _Step:
    """Check what an update is made of, and put the tables together."""
    for value, wanted in ((beliefs, Beliefs), (evidence, Evidence)):
        if not isinstance(value, wanted):
            raise BeliefError(
                f"update takes {wanted.__name__} and got a {type(value).__name__}. "
                "update(beliefs, Evidence.from_frame(new_rows), rng=rng)."
            )
    if refit not in ("auto", "always", "never"):
        raise BeliefError(f"refit is {refit!r}; write 'auto', 'always' or 'never'.")
    refuse_partial(beliefs)
    known = Known.of(beliefs)
    joined = join(beliefs.evidence, evidence, replaces=replaces)
    levels = wider(known.levels, joined.evidence)
    stated = stated_for(known.stated, known.levels, levels, prior)
    return _Step(beliefs, known, joined, evidence, levels, stated, prior)


def _weighed(step: _Step, rng: np.random.Generator) -> tuple[Beliefs | None, str]:
    """Weigh the draws of the last fit; None and why, where that does not do."""
    why = _no_weights(step)
    if why:
        return None, why
    base = _Base.of(step.beliefs)
    posterior = widened(base.posterior, step.levels, rng)
    now = design(step.joined.evidence, step.levels)
    before = design(step.beliefs.evidence, step.levels)
    owners = np.flatnonzero(_touched(step))
    touched = base.touched_among(step.levels)
    touched[owners] = True
    gain = _Gain(step, posterior, before, now, owners)
    size = base.log_weight.size
    look = np.unique(np.linspace(0, size - 1, _FIRST_LOOK).astype(np.int64))
    if size > look.size:
        # A few draws tell at a fraction of the cost that all of them will not do.
        first = Weights.of(base.log_weight[look] + gain.at(look))
        if first.effective < SHARE_LEAST / 2 * look.size:
            return None, f"a first look leaves {first.effective:.0f} of {look.size} draws"
    log_weight = base.log_weight + gain.at(np.arange(size))
    weights = Weights.of(log_weight)
    if not (weights.khat <= KHAT_MOST and weights.effective >= SHARE_LEAST * size):
        told = f"Pareto k {weights.khat:.2f}, {weights.effective:.0f} of {size} draws effective"
        return None, told
    base = _Base(posterior, log_weight, touched, base.beliefs, base.evidence)
    return _put_together(step, base, now, weights, rng), ""


def _no_weights(step: _Step) -> str:
    """Say what the draws at hand know nothing of, if anything."""
    mine = [outcome.name for outcome in step.known.levels.outcomes]
    new = [o.name for o in step.joined.evidence.outcomes if o.name not in mine]
    if new:
        return f"outcome {new[0]!r} was never counted before"
    more = len(step.levels.clusters) > len(step.known.levels.clusters)
    if more and names.PI in step.known.posterior:
        return "a cluster is new and pi is learned"
    if step.prior is not None and step.prior.strength is not None:
        return "the prior states a pi to be learned"
    if step.prior is not None and names.PI in step.known.posterior:
        return "pi was learned and is stated now"
    return ""


@dataclass(frozen=True, slots=True)
class _Base:
    """The draws of the last fit, and what they weigh by now.

    Attributes
    ----------
    posterior
        Over (chain, draw, ...), widened by what came since.
    log_weight
        (draw of all chains,).
    touched
        Whether an artist's rows changed since: (artist,).
    beliefs, evidence
        Beliefs and log evidence at some of the draws, of the artists of that fit.
    """

    posterior: xr.Dataset
    log_weight: Floats
    touched: Flags
    beliefs: xr.Dataset
    evidence: xr.Dataset

    @classmethod
    def of(cls, beliefs: Beliefs) -> _Base:
        """Read the last fit of beliefs, be it this one or an earlier one."""
        tree = beliefs.tree
        if FITTED not in tree.children:
            posterior = tree[names.POSTERIOR].to_dataset()
            size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
            return cls(
                posterior,
                np.zeros(size),
                np.zeros(posterior.sizes[names.ARTIST], dtype=bool),
                tree[names.BELIEFS].to_dataset(),
                tree[names.LOG_LIKELIHOOD].to_dataset(),
            )
        fitted = tree[FITTED].to_dataset()
        return cls(
            fitted.drop_vars([LOG_WEIGHT, TOUCHED]),
            fitted[LOG_WEIGHT].to_numpy().ravel(),
            fitted[TOUCHED].to_numpy().astype(bool),
            tree[FITTED_BELIEFS].to_dataset(),
            tree[FITTED_EVIDENCE].to_dataset(),
        )

    def touched_among(self, levels: Levels) -> Flags:
        """Return the flags for a wider inventory; who is new is touched."""
        new = np.ones(len(levels.artists) - self.touched.size, dtype=bool)
        return np.concatenate([self.touched, new])

    @property
    def thinned(self) -> Integers:
        """Which draws of all chains the kept beliefs are at."""
        draws = self.evidence[names.DRAW].to_numpy()
        at = lookup(draws, self.posterior[names.DRAW].to_numpy())
        per_chain = self.posterior.sizes[names.DRAW]
        chains = np.arange(self.posterior.sizes[names.CHAIN])
        return (chains[:, None] * per_chain + at).ravel()

    def group(self) -> xr.Dataset:
        """Write it as a group of a tree."""
        shape = [self.posterior.sizes[d] for d in _SAMPLE]
        return self.posterior.assign(
            {
                LOG_WEIGHT: (_SAMPLE, self.log_weight.reshape(shape)),
                TOUCHED: (names.ARTIST, self.touched),
            }
        )


@dataclass(frozen=True, slots=True)
class _Gain:
    """What the new rows say of draws of the population."""

    step: _Step
    posterior: xr.Dataset
    before: Design
    now: Design
    owners: Integers

    def at(self, draws: Integers) -> Floats:
        """Return log p(all rows) / p(rows before) given phi, in nats: (draw,)."""
        table = self.step.known.stated.table
        newer = len(self.step.levels.artists) - len(table)
        more = len(self.step.levels.clusters) - table.shape[1]
        # Nobody new had rows before, so that their earlier prior is in no number.
        wide = np.pad(table, ((0, newer), (0, more)), constant_values=1e-300)
        earlier = Stated(wide, self.step.known.stated.elsewhere, self.step.stated.homes)
        return self._evidence(self.now, self.step.stated, draws) - self._evidence(
            self.before, earlier, draws
        )

    def _evidence(self, made: Design, stated: Stated, draws: Integers) -> Floats:
        own = cut_to(made, self.owners)
        theirs = Stated(stated.table[self.owners], stated.elsewhere, stated.homes)
        units = own.stands_for(self.owners.size)
        parts = np.array_split(draws, -(-draws.size * max(own.y.size, 1) // _CHUNK) or 1)
        found = [
            integrate(
                own,
                read.phi(self.posterior, own, self.step.levels, theirs, part),
                homes=theirs.code,
            ).log_evidence
            @ units
            for part in parts
        ]
        return np.concatenate(found)


def _touched(step: _Step) -> Flags:
    """Say whose rows or prior change: (artist,)."""
    wide, old = step.levels, step.known.stated.table
    tables = [step.arrived, *([step.joined.replaced] if step.joined.replaced else [])]
    touched = np.zeros(len(wide.artists), dtype=bool)
    for table in tables:
        touched[lookup(table.artists, wide.artists)] = True
    touched[len(old) :] = True
    if step.stated.homes is not None:
        shares = step.stated.table[: len(old)]
        moved = shares[:, : old.shape[1]] != old
        other = step.stated.elsewhere != step.known.stated.elsewhere
        touched[: len(old)] |= moved.any(axis=1) | other
    return touched


def _put_together(
    step: _Step, base: _Base, now: Design, weights: Weights, rng: np.random.Generator
) -> Beliefs:
    """Make beliefs of weighed draws."""
    owners = np.flatnonzero(base.touched)
    post = _taken(base.posterior, weights.chosen(rng))
    post = _local(post, now, step, owners, rng)
    belief, evidence = _believed(step, base, now, owners, rng)
    groups = {
        names.POSTERIOR: post,
        names.BELIEFS: belief,
        names.PRIOR: assemble.stated_prior(step.stated, step.levels),
        names.SAMPLE_STATS: step.beliefs.tree[names.SAMPLE_STATS].to_dataset(),
        names.LOG_LIKELIHOOD: evidence,
        FITTED: base.group(),
        FITTED_BELIEFS: base.beliefs,
        FITTED_EVIDENCE: base.evidence,
    }
    old = step.beliefs.tree.attrs
    run = Run(
        draws=int(old["coterie_draws_asked"]), tune=1, chains=int(old["coterie_chains_asked"]),
        seed=int(old["coterie_seed"]),
    )  # fmt: skip
    made = assemble.tree(
        step.joined.evidence, groups, run=run, population=PopulationPrior(), stated=step.stated,
        rng_name=str(old["coterie_rng"]),
    )  # fmt: skip
    # Of the fit: its priors, its seed, its draws. Of now: all else.
    made.attrs |= {name: old[name] for name in _OF_THE_FIT if name in old}
    made.attrs["coterie_path"] = "weights"
    return _noted(step, made, khat=weights.khat, effective=weights.effective)


def _taken(posterior: xr.Dataset, at: Integers) -> xr.Dataset:
    """Take draws of all chains, as many as there are."""
    shape = [posterior.sizes[d] for d in _SAMPLE]

    def of(values: xr.DataArray) -> xr.DataArray:
        ordered = values.transpose(*_SAMPLE, ...)
        flat = ordered.to_numpy().reshape(-1, *ordered.shape[2:])[at]
        return ordered.copy(data=flat.reshape(*shape, *ordered.shape[2:]))

    return posterior.map(of)


def _local(
    post: xr.Dataset, now: Design, step: _Step, owners: Integers, rng: np.random.Generator
) -> xr.Dataset:
    """Draw anew what is the own of artists whose rows changed."""
    own = cut_to(now, owners)
    theirs = Stated(step.stated.table[owners], step.stated.elsewhere, step.stated.homes)
    at = read.phi(post, own, step.levels, theirs)
    drawn = draw_local(own, at, homes=theirs.code, rng=rng)
    shape = [post.sizes[d] for d in _SAMPLE]
    effect = post[names.ARTIST_EFFECT].to_numpy().copy()
    effect[:, :, owners] = drawn.artist_effect.reshape(*shape, owners.size, -1)
    affinity = post[names.AFFINITY].to_numpy().copy()
    # A pair nobody measured keeps its prior.
    size = (*shape, owners.size, affinity.shape[-1])
    affinity[:, :, owners] = rng.standard_normal(size, dtype=np.float64)
    at_home = owners[own.pair_artist], own.pair_cluster
    affinity[:, :, *at_home] = drawn.affinity.reshape(*shape, -1)
    return post.assign(
        {
            names.ARTIST_EFFECT: post[names.ARTIST_EFFECT].copy(data=effect),
            names.AFFINITY: post[names.AFFINITY].copy(data=affinity),
        }
    )


def _believed(
    step: _Step, base: _Base, now: Design, owners: Integers, rng: np.random.Generator
) -> tuple[xr.Dataset, xr.Dataset]:
    """Believe at the draws where the last fit did, chosen by what they weigh now.

    Of artists whose rows are the same, what was integrated then is read, not made again.
    """
    thinned = base.thinned
    own = cut_to(now, owners)
    labels = replace(step.levels, artists=step.levels.artists[owners])
    theirs = Stated(step.stated.table[owners], step.stated.elsewhere, step.stated.homes)
    some = base.posterior.isel({names.DRAW: thinned[: thinned.size // _chains(base)]})
    some = some.isel({names.ARTIST: owners})
    at = np.arange(some.sizes[names.DRAW], dtype=np.float64)
    fresh = assemble.beliefs(some, own, labels, theirs, at)
    chosen = Weights.of(base.log_weight[thinned]).chosen(rng)
    found = []
    for kept, new in zip((base.beliefs, base.evidence), fresh, strict=True):
        wide = _merged(kept, new, step.levels)
        if wide.data_vars:
            wide = _taken(wide, chosen)
            wide = wide.assign_coords({names.DRAW: np.arange(wide.sizes[names.DRAW])})
        found.append(wide.assign_attrs(kept.attrs))
    return found[0], found[1]


def _chains(base: _Base) -> int:
    return int(base.posterior.sizes[names.CHAIN])


def _merged(kept: xr.Dataset, new: xr.Dataset, levels: Levels) -> xr.Dataset:
    """Write new artists' and changed artists' numbers over those that were kept."""
    if not kept.data_vars:
        return kept
    labels = {names.ARTIST: levels.artists}
    if names.CLUSTER in kept.dims:
        labels[names.CLUSTER] = levels.clusters
    wide = kept.reindex(labels)
    at = lookup(new[names.ARTIST].to_numpy(), levels.artists)
    found = {}
    for name, values in wide.data_vars.items():
        order = (*_SAMPLE, names.ARTIST, ...)
        numbers = values.transpose(*order).to_numpy().copy()
        numbers[:, :, at] = new[name].transpose(*order).to_numpy()
        found[name] = values.transpose(*order).copy(data=numbers)
    return wide.assign(found)


def _fitted_again(
    step: _Step,
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
        population=population_of(step.beliefs) if population is None else population,
        draws=int(old.attrs["coterie_draws_asked"]),
        chains=int(old.attrs["coterie_chains_asked"]),
        belief_draws=_belief_draws(old),
        rng=rng,
        cores=cores,
        progress=progress,
    )
    tree = made.tree.copy()
    tree.attrs["coterie_path"] = "refit"
    return _noted(step, tree)


def _belief_draws(tree: xr.DataTree) -> int:
    sizes = tree[names.LOG_LIKELIHOOD].sizes
    return int(sizes[names.CHAIN] * sizes[names.DRAW])


def _noted(step: _Step, tree: xr.DataTree, **weighed: Any) -> Beliefs:
    """Add what is remembered of the way here: history, and rows that lost their place."""
    past, gone = history.history_of(step.beliefs), step.joined.replaced
    for name, group in step.beliefs.tree.children.items():
        if name.startswith(REPLACED):
            tree[name] = xr.DataTree(group.to_dataset())
    if gone is not None:
        tree[f"{REPLACED}{past.sizes[history.UPDATE]}"] = xr.DataTree(ledger_of(gone))
    now = history.entry(
        Beliefs(tree), path=str(tree.attrs["coterie_path"]), added=len(step.arrived),
        replaced=0 if gone is None else len(gone), like=past, **weighed,
    )  # fmt: skip
    tree[history.GROUP] = xr.DataTree(history.extended(past, now))
    return Beliefs(tree)
