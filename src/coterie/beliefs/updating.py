"""Update: beliefs take in rows that arrive later.

The draws of the population are weighed by what the new rows say of them, with memberships
and every artist's own effects integrated out, and those effects are then drawn anew. Where
the weights cannot carry that far the model is fitted again to the whole ledger. Callers may
trust that either way the beliefs are those of one fit to all rows, to Monte Carlo error, that
draws are equally weighted, and that no row counts twice. Each update starts from the draws
of the last fit, so that errors do not add up.

Source: the identity p(phi | all) ~ p(phi | old) p(all | phi) / p(old | phi).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs import assemble, history
from coterie.beliefs import population as read
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.design import Design, Levels, design, lookup
from coterie.beliefs.fitting import fit
from coterie.beliefs.guiding import guided
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.membership import conditional_log_odds, integrate, member_probability
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

FITTED: Final = "fitted_"
REPLACED: Final = "replaced_"
KHAT_MOST: Final = 0.7
SHARE_LEAST: Final = 0.25
"""Effective draws that weights must leave, as a share of the draws."""
_KEPT: Final = (
    names.POSTERIOR, names.BELIEFS, names.PRIOR, names.LOG_LIKELIHOOD, names.LEDGER,
)  # fmt: skip
"""Groups of the last fit that the next update starts from."""
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
    """One update: the last fit, what was believed last, what joins, and names and prior of now."""

    base: Beliefs
    fitted: Known
    beliefs: Beliefs
    joined: Joined
    arrived: Evidence
    levels: Levels
    stated: Stated
    prior: MembershipPrior | None

    @property
    def now(self) -> Evidence:
        """All rows that count."""
        return self.joined.evidence


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
    joined = join(beliefs.evidence, evidence, replaces=replaces)
    base = _last_fit(beliefs)
    fitted, known = Known.of(base), Known.of(beliefs)
    levels = wider(known.levels, joined.evidence)
    stated = stated_for(known.stated, known.levels, levels, prior)
    return _Step(base, fitted, beliefs, joined, evidence, levels, stated, prior)


def _last_fit(beliefs: Beliefs) -> Beliefs:
    """Return the beliefs of the last fit, be it these or earlier ones."""
    tree = beliefs.tree
    if f"{FITTED}{names.POSTERIOR}" not in tree.children:
        return beliefs
    groups = {f"/{name}": tree[f"{FITTED}{name}"].to_dataset() for name in _KEPT}
    groups[f"/{names.SAMPLE_STATS}"] = tree[names.SAMPLE_STATS].to_dataset()
    made = xr.DataTree.from_dict(groups)
    made.attrs = dict(tree.attrs)
    return Beliefs(made)


def _weighed(step: _Step, rng: np.random.Generator) -> tuple[Beliefs | None, str]:
    """Weigh the draws of the last fit; None and why, where that does not do."""
    why = _no_weights(step)
    if why:
        return None, why
    made = _Between.of(step, rng)
    size = made.log_ratio.size
    look = np.unique(np.linspace(0, size - 1, _FIRST_LOOK).astype(np.int64))
    if size > look.size:
        # A few draws tell at a fraction of the cost that all of them will not do.
        first = Weights.of(made.log_weight(look))
        if first.effective < SHARE_LEAST / 2 * look.size:
            return None, f"a first look leaves {first.effective:.0f} of {look.size} draws"
    weights = Weights.of(made.log_weight(np.arange(size)))
    if not (weights.khat <= KHAT_MOST and weights.effective >= SHARE_LEAST * size):
        told = f"Pareto k {weights.khat:.2f}, {weights.effective:.0f} of {size} draws effective"
        return None, told
    return _put_together(step, made, weights, rng), ""


def _no_weights(step: _Step) -> str:
    """Say what the draws at hand know nothing of, if anything."""
    mine = [outcome.name for outcome in step.fitted.levels.outcomes]
    new = [o.name for o in step.joined.evidence.outcomes if o.name not in mine]
    if new:
        return f"outcome {new[0]!r} was not counted when the model was fitted"
    learned = names.PI in step.fitted.posterior
    if len(step.levels.clusters) > len(step.fitted.levels.clusters) and learned:
        return "a cluster is new and pi is learned"
    if step.prior is not None and step.prior.strength is not None:
        return "the prior states a pi to be learned"
    if step.prior is not None and learned:
        return "pi was learned and is stated now"
    return ""


@dataclass(frozen=True, slots=True)
class _Between:
    """The way from the last fit to the rows of now.

    Attributes
    ----------
    step
        The update.
    posterior
        Draws of the last fit over (chain, draw, ...), with what is new drawn.
    before, now
        Observations of the artists whose rows or prior changed since.
    owners
        Codes of those artists.
    log_ratio
        What drawing what is new adds to the log weights: (draw of all chains,).
    """

    step: _Step
    posterior: xr.Dataset
    before: Design
    now: Design
    owners: Integers
    log_ratio: Floats

    @classmethod
    def of(cls, step: _Step, rng: np.random.Generator) -> _Between:
        """Find who changed, and draw what the last fit had no rows for."""
        levels = step.levels
        owners = np.flatnonzero(_touched(step))
        fitted = design(step.base.evidence, levels)
        before, now = cut_to(fitted, owners), cut_to(design(step.now, levels), owners)
        posterior = widened(step.fitted.posterior, levels, rng)
        own = _own(step, posterior, before, now, owners, rng)
        posterior, log_ratio = guided(posterior, fitted, now, levels, own, rng)
        return cls(step, posterior, before, now, owners, log_ratio)

    def log_weight(self, draws: Integers) -> Floats:
        """Return log p(all rows) / p(rows of the fit) at draws of the population: (draw,)."""
        step, before = self.step, self.step.fitted.stated
        newer = len(step.levels.artists) - len(before.table)
        more = len(step.levels.clusters) - before.table.shape[1]
        # Nobody new had rows in the fit, so that their earlier prior is in no number.
        wide = np.pad(before.table, ((0, newer), (0, more)), constant_values=1e-300)
        earlier = replace(before, table=wide)
        gain = self._evidence(self.now, step.stated, draws)
        return gain - self._evidence(self.before, earlier, draws) + self.log_ratio[draws]

    def _evidence(self, made: Design, stated: Stated, draws: Integers) -> Floats:
        theirs = _of_some(stated, self.owners)
        units = made.stands_for(self.owners.size)
        parts = np.array_split(draws, max(1, -(-draws.size * made.y.size // _CHUNK)))
        found = [
            integrate(
                made,
                read.phi(self.posterior, made, self.step.levels, theirs, part),
                homes=theirs.code,
            ).log_evidence
            @ units
            for part in parts
        ]
        return np.concatenate(found)


def _of_some(stated: Stated, owners: Integers) -> Stated:
    return replace(stated, table=np.ascontiguousarray(stated.table[owners]))


def _touched(step: _Step) -> Flags:
    """Say whose rows or prior changed since the last fit: (artist,)."""
    wide, old = step.levels, step.fitted.stated.table
    sums = [_row_sums(e, step.base.evidence, wide) for e in (step.base.evidence, step.now)]
    touched: Flags = sums[0] != sums[1]
    touched[len(old) :] = True
    if step.stated.homes is not None:
        moved = step.stated.table[: len(old), : old.shape[1]] != old
        other = step.stated.elsewhere != step.fitted.stated.elsewhere
        touched[: len(old)] |= moved.any(axis=1) | other
    return touched


def _row_sums(table: Evidence, like: Evidence, levels: Levels) -> Any:
    """Sum each artist's rows as hashes, in any order: (artist,)."""
    frame = table.to_frame()
    columns = [c for c in like.to_frame().columns if c in frame]
    plain = frame[columns].astype(object).where(frame[columns].notna(), None)
    hashed = pd.util.hash_pandas_object(plain.map(str), index=False).to_numpy()
    sums = np.zeros(len(levels.artists), dtype=np.uint64)
    np.add.at(sums, lookup(table.counts[names.ARTIST].to_numpy(), levels.artists), hashed)
    return sums


def _own(
    step: _Step,
    posterior: xr.Dataset,
    before: Design,
    now: Design,
    owners: Integers,
    rng: np.random.Generator,
) -> Floats:
    """Return what the draws know of the artists' own part of each level: (draw, observation)."""
    theirs = _of_some(step.stated, owners)
    phi = read.phi(posterior, before, step.levels, theirs)
    effect = np.ascontiguousarray(read.flat(posterior, names.ARTIST_EFFECT)[:, owners])
    affinity = read.flat(posterior, names.AFFINITY)[:, owners].astype(np.float64)
    own = np.ascontiguousarray(affinity[:, before.pair_artist, before.pair_cluster])
    low, high = conditional_log_odds(before, phi, effect, (own, own))
    chance, _ = member_probability(high - low, before, phi, homes=theirs.code)
    member = assemble.draw_members(chance, theirs, rng)
    artist, cluster, o = now.artist, now.cluster, now.outcome
    told = phi.loading[:, o] * affinity[:, artist, cluster]
    told += phi.uplift[:, o] * member[:, artist, cluster]
    found: Floats = effect[:, artist, o] + told * now.informs
    return found


def _put_together(
    step: _Step, made: _Between, weights: Weights, rng: np.random.Generator
) -> Beliefs:
    """Make beliefs of weighed draws."""
    post = _taken(made.posterior, weights.chosen(rng))
    post = _local(post, made, rng)
    belief, evidence = _believed(made, rng)
    groups = {
        names.POSTERIOR: post,
        names.BELIEFS: belief,
        names.PRIOR: assemble.stated_prior(step.stated, step.levels),
        names.SAMPLE_STATS: step.base.tree[names.SAMPLE_STATS].to_dataset(),
        names.LOG_LIKELIHOOD: evidence,
        **{f"{FITTED}{name}": step.base.tree[name].to_dataset() for name in _KEPT},
    }
    old = step.base.tree.attrs
    run = Run(
        draws=int(old["coterie_draws_asked"]), tune=1, chains=int(old["coterie_chains_asked"]),
        seed=int(old["coterie_seed"]),
    )  # fmt: skip
    tree = assemble.tree(
        step.now, groups, run=run, population=PopulationPrior(), stated=step.stated,
        rng_name=str(old["coterie_rng"]),
    )  # fmt: skip
    # Of the fit: its priors. Of now: all else.
    tree.attrs |= {name: old[name] for name in _OF_THE_FIT if name in old}
    tree.attrs["coterie_path"] = "weights"
    return _noted(step, tree, khat=weights.khat, effective=weights.effective)


def _taken(posterior: xr.Dataset, at: Integers) -> xr.Dataset:
    """Take draws of all chains, as many as there are."""
    shape = [posterior.sizes[d] for d in _SAMPLE]

    def of(values: xr.DataArray) -> xr.DataArray:
        ordered = values.transpose(*_SAMPLE, ...)
        flat = ordered.to_numpy().reshape(-1, *ordered.shape[2:])[at]
        return ordered.copy(data=flat.reshape(*shape, *ordered.shape[2:]))

    return posterior.map(of)


def _local(post: xr.Dataset, made: _Between, rng: np.random.Generator) -> xr.Dataset:
    """Draw anew what is the own of artists whose rows changed."""
    step, owners, now = made.step, made.owners, made.now
    theirs = _of_some(step.stated, owners)
    at = read.phi(post, now, step.levels, theirs)
    drawn = draw_local(now, at, homes=theirs.code, rng=rng)
    shape = [post.sizes[d] for d in _SAMPLE]
    effect = post[names.ARTIST_EFFECT].to_numpy().copy()
    effect[:, :, owners] = drawn.artist_effect.reshape(*shape, owners.size, -1)
    affinity = post[names.AFFINITY].to_numpy().copy()
    # A pair nobody measured keeps its prior.
    affinity[:, :, owners] = rng.standard_normal((*shape, owners.size, affinity.shape[-1]))
    at_home = owners[now.pair_artist], now.pair_cluster
    affinity[:, :, *at_home] = drawn.affinity.reshape(*shape, -1)
    return post.assign(
        {
            names.ARTIST_EFFECT: post[names.ARTIST_EFFECT].copy(data=effect),
            names.AFFINITY: post[names.AFFINITY].copy(data=affinity),
        }
    )


def _believed(made: _Between, rng: np.random.Generator) -> tuple[xr.Dataset, xr.Dataset]:
    """Believe at the draws where the last fit did, chosen by what they weigh now.

    Of artists whose rows are the same, what was integrated then is read, not made again.
    """
    step, owners = made.step, made.owners
    kept = [step.base.tree[name].to_dataset() for name in (names.BELIEFS, names.LOG_LIKELIHOOD)]
    at = lookup(kept[1][names.DRAW].to_numpy(), made.posterior[names.DRAW].to_numpy())
    some = made.posterior.isel({names.DRAW: at, names.ARTIST: owners})
    levels = replace(step.levels, artists=step.levels.artists[owners])
    theirs = _of_some(step.stated, owners)
    fresh = assemble.beliefs(some, made.now, levels, theirs, np.arange(float(at.size)))
    chains = np.arange(made.posterior.sizes[names.CHAIN])
    places = (chains[:, None] * made.posterior.sizes[names.DRAW] + at).ravel()
    chosen = Weights.of(made.log_weight(places)).chosen(rng)
    found = []
    for old, new in zip(kept, fresh, strict=True):
        wide = _merged(old, new, step.levels)
        if wide.data_vars:
            wide = _taken(wide, chosen)
            wide = wide.assign_coords({names.DRAW: np.arange(wide.sizes[names.DRAW])})
        found.append(wide.assign_attrs(old.attrs))
    return found[0], found[1]


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
