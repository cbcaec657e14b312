"""Reweighed: beliefs made of the draws of an earlier fit, chosen by what they weigh now.

Callers may trust that draws are equally weighted again, that what is an artist's own follows
all rows, and that the groups of the last fit stay in the tree for the next update.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs import assemble
from coterie.beliefs import population as read
from coterie.beliefs.between import FITTED, KEPT, Between, of_some, taken
from coterie.beliefs.design import Levels, lookup
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.population import Stated
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.prior_density import log_prior
from coterie.beliefs.sampling import Run
from coterie.beliefs.stating import ATTRIBUTE, population_of
from coterie.beliefs.weighing import Weights
from coterie.typing import Integers

_SAMPLE: Final = (names.CHAIN, names.DRAW)
_OF_THE_FIT: Final = (
    ATTRIBUTE, "coterie_tune", "coterie_target_accept", "coterie_interrupted",
    "coterie_partial_accepted",
)  # fmt: skip


def reweighed(made: Between, weights: Weights, rng: np.random.Generator) -> xr.DataTree:
    """Make the tree of beliefs from weighed draws.

    Parameters
    ----------
    made
        The way from the last fit to the rows of now, over all draws.
    weights
        Of those draws.
    rng
        Source of chance.
    """
    step, sizes = made.step, made.posterior.sizes
    shape = (sizes[names.CHAIN], sizes[names.DRAW])
    post = taken(made.posterior, weights.chosen(rng), shape)
    post = _local(post, made, rng)
    integrated, last = _believed(made, rng), step.base.tree.children
    groups = {
        names.POSTERIOR: post,
        names.BELIEFS: integrated[names.BELIEFS],
        names.PRIOR: assemble.stated_prior(step.stated, step.levels),
        names.SAMPLE_STATS: step.base.tree[names.SAMPLE_STATS].to_dataset(),
        **integrated,
        **{f"{FITTED}{name}": last[name].to_dataset() for name in KEPT if name in last},
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
    tree.attrs |= {
        "coterie_path": "weights",
        "coterie_khat": weights.khat,
        "coterie_effective": weights.effective,
    }
    return tree


def _local(post: xr.Dataset, made: Between, rng: np.random.Generator) -> xr.Dataset:
    """Draw anew what is the own of artists whose rows changed."""
    step, owners, now = made.step, made.owners, made.now
    if owners.size == 0:
        return post
    theirs = of_some(step.stated, owners)
    at = read.phi(post, now, step.levels, theirs)
    drawn = draw_local(now, at, homes=theirs.code, rng=rng)
    shape = [post.sizes[d] for d in _SAMPLE]
    effect = post[names.ARTIST_EFFECT].to_numpy().copy()
    effect[:, :, owners] = drawn.artist_effect.reshape(*shape, owners.size, -1)
    affinity = post[names.AFFINITY].to_numpy().copy()
    affinity[:, :, owners] = drawn.affinity.reshape(*shape, owners.size, -1)
    return post.assign(
        {
            names.ARTIST_EFFECT: post[names.ARTIST_EFFECT].copy(data=effect),
            names.AFFINITY: post[names.AFFINITY].copy(data=affinity),
        }
    )


def _believed(made: Between, rng: np.random.Generator) -> dict[str, xr.Dataset]:
    """Believe at the draws where the last fit did, chosen by what they weigh now.

    Of artists whose rows are the same, what was integrated then is read, not made again.
    """
    step, owners = made.step, made.owners
    kept = [step.base.tree[name].to_dataset() for name in (names.BELIEFS, names.LOG_LIKELIHOOD)]
    at = lookup(kept[1][names.DRAW].to_numpy(), made.posterior[names.DRAW].to_numpy())
    some = made.posterior.isel({names.DRAW: at, names.ARTIST: owners})
    levels = replace(step.levels, artists=step.levels.artists[owners])
    theirs = of_some(step.stated, owners)
    fresh = assemble.beliefs(some, made.now, levels, theirs, np.arange(float(at.size)))
    chains = np.arange(made.posterior.sizes[names.CHAIN])
    places = (chains[:, None] * made.posterior.sizes[names.DRAW] + at).ravel()
    chosen = Weights.of(made.log_weight[places]).chosen(rng)
    found = {}
    for name, old, new in zip((names.BELIEFS, names.LOG_LIKELIHOOD), kept, fresh, strict=True):
        wide = _merged(old, new, step.levels, step.stated)
        if wide.data_vars:
            wide = taken(wide, chosen, (chains.size, at.size))
        found[name] = wide.assign_attrs(old.attrs)
    if names.LOG_PRIOR in step.base.tree.children:
        density = _log_prior(made, step.base.tree[names.LOG_PRIOR].to_dataset(), at)
        shape = (chains.size, at.size)
        found[names.LOG_PRIOR] = taken(density, chosen, shape).assign_attrs(density.attrs)
    return found


def _log_prior(made: Between, density: xr.Dataset, at: Integers) -> xr.Dataset:
    """Return log prior densities, anew of scales that were drawn anew."""
    moved = [
        str(name) for name in density.data_vars
        if name in made.posterior and not made.posterior[name].equals(
            made.step.fitted.posterior[name]
        )
    ]  # fmt: skip
    if not moved:
        return density
    some = made.posterior.isel({names.DRAW: at})
    fresh = log_prior(some, population_of(made.step.base), made.step.levels.outcomes)
    return density.assign({name: (fresh[name].dims, fresh[name].to_numpy()) for name in moved})


def _merged(kept: xr.Dataset, new: xr.Dataset, levels: Levels, stated: Stated) -> xr.Dataset:
    """Write new artists' and changed artists' numbers over those that were kept.

    In a cluster that came since, who has no rows there keeps the prior.
    """
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
        if names.CLUSTER in values.dims:
            more = slice(kept.sizes[names.CLUSTER], None)
            numbers[..., more] = stated.table[:, more]
        numbers[:, :, at] = new[name].transpose(*order).to_numpy()
        found[name] = values.transpose(*order).copy(data=numbers)
    return wide.assign(found)
