"""Widening: draws of a posterior for an inventory with more names.

What a fit never saw is drawn from its prior, given the scales of the same draw: new artists,
clusters, windows and levels of factors. Callers may trust that what was there stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs.design import Levels, as_labels, lookup
from coterie.beliefs.fit_law import draw
from coterie.beliefs.population import Stated
from coterie.beliefs.priors import Homes, MembershipPrior
from coterie.beliefs.smooth import place_on
from coterie.errors import BeliefError
from coterie.evidence import Evidence

_SCALES = {
    names.CLUSTER_EFFECT: names.CLUSTER_SCALE,
    names.PERIOD_EFFECT: names.PERIOD_SCALE,
    names.ARTIST_EFFECT: names.ARTIST_SCALE,
}
_UNIT = (names.KAPPA_CLUSTER, names.AFFINITY)


def wider(levels: Levels, evidence: Evidence) -> Levels:
    """Add to an inventory what a table names and it does not, at the end.

    Parameters
    ----------
    levels
        Names that are known.
    evidence
        Whose labels are to be known too.
    """
    counts = evidence.counts
    return replace(
        levels,
        artists=_with_new(levels.artists, counts[names.ARTIST].to_numpy()),
        clusters=_with_new(levels.clusters, counts[names.CLUSTER].to_numpy()),
        windows=_with_new(levels.windows, counts[names.WINDOW].to_numpy()),
        factors={f: _with_new(known, counts[f].to_numpy()) for f, known in levels.factors.items()},
    )


def widened(posterior: xr.Dataset, levels: Levels, rng: np.random.Generator) -> xr.Dataset:
    """Draw what the posterior lacks of an inventory.

    Parameters
    ----------
    posterior
        Over (chain, draw, ...).
    levels
        Names wanted: those of the posterior, then new ones.
    rng
        Source of chance.
    """
    wanted = {names.ARTIST: levels.artists, names.CLUSTER: levels.clusters}
    return _grown(posterior, wanted | {names.WINDOW: levels.windows, **levels.factors}, rng)


def stand_apart(posterior: xr.Dataset, levels: Levels, seed_of: Callable[[str], int]) -> xr.Dataset:
    """Draw new windows and factor levels, each by its own name, whoever else is new.

    Parameters
    ----------
    posterior
        Over (chain, draw, ...), of the population.
    levels
        Names wanted.
    seed_of
        Seed for the name of a window or level.
    """
    for dim, labels in ((names.WINDOW, levels.windows), *levels.factors.items()):
        none = posterior.isel({dim: slice(0)})
        new = [
            _grown(none, {dim: labels[i : i + 1]}, np.random.default_rng(seed_of(f"{dim}: {name}")))
            for i, name in enumerate(labels)
            if i >= posterior.sizes[dim]
        ]
        if dim in levels.smooth:
            new = [_on_curve(each, str(dim), levels, seed_of) for each in new]
        posterior = xr.concat(
            [posterior, *new], dim=dim, data_vars="minimal", coords="minimal",
            compat="override", join="override",
        )  # fmt: skip
    return posterior


def _on_curve(
    made: xr.Dataset, factor: str, levels: Levels, seed_of: Callable[[str], int]
) -> xr.Dataset:
    """Draw one level of a cycle crossed with a new label as part of that label's own curve."""
    label = made[factor].to_numpy().tolist()[0]
    own, weight = place_on(label, factor, levels)
    name = f"{names.FACTOR_EFFECT}{factor}"
    values = made[name].transpose(..., factor, names.OUTCOME)
    rng = np.random.default_rng(seed_of(f"{factor}: {own}"))
    axes = rng.standard_normal((*values.shape[:-2], weight.size, values.shape[-1]))
    drawn = np.einsum("...ao,a->...o", axes, weight)[..., None, :]
    scale = made[f"{names.FACTOR_SCALE}{factor}"].transpose(..., names.OUTCOME).to_numpy()
    drawn *= scale[..., None, :]
    return made.assign({name: values.copy(data=drawn.astype(values.dtype))})


def stated_for(
    before: Stated, levels: Levels, wide: Levels, prior: MembershipPrior | None
) -> Stated:
    """Return the membership prior of a wider inventory.

    Parameters
    ----------
    before, levels
        The prior of the beliefs, and the names it is about.
    wide
        The names wanted.
    prior
        What the caller states now; None keeps what was stated.

    Raises
    ------
    BeliefError
        If somebody new has no prior.
    """
    if before.homes is None:
        return Stated(np.zeros((len(wide.artists), len(wide.clusters))), before.elsewhere, None)
    if prior is not None:
        return stated_anew(prior, wide, before.homes)
    added = wide.clusters[len(levels.clusters) :].tolist()
    if added:
        raise BeliefError(
            f"Cluster {added[0]!r} is new here; {len(added)} of {len(wide.clusters)} clusters are, "
            "and nobody said what was believed of them. State it for all clusters with prior=."
        )
    newcomers = wide.artists[len(levels.artists) :].tolist()
    if newcomers and not np.all(before.table == before.table[:1]):
        raise BeliefError(
            f"Artist {newcomers[0]!r} is new here; {len(newcomers)} are, and every artist of these "
            "beliefs has a prior of its own. State it for all artists with prior=."
        )
    rows = np.repeat(before.table[:1], len(newcomers), axis=0)
    return replace(before, table=np.concatenate([before.table, rows]))


def stated_anew(prior: MembershipPrior, levels: Levels, homes: Homes) -> Stated:
    """Tabulate a prior in the order of an inventory, whatever order it was stated in.

    Raises
    ------
    BeliefError
        If it is not about exactly the clusters of the inventory.
    """
    at = lookup(levels.clusters, as_labels(prior.clusters))
    if np.any(at < 0) or len(prior.clusters) != len(levels.clusters):
        named = ", ".join(map(repr, levels.clusters.tolist()))
        raise BeliefError(
            f"The prior is about {len(prior.clusters)} clusters, and there are "
            f"{len(levels.clusters)} here: {named}. State a prior for exactly these."
        )
    table = prior.table(levels.artists.tolist(), homes)
    rest = prior.elsewhere if homes == "one" else 0.0
    return Stated(np.ascontiguousarray(table[:, at]), rest, homes)


def _with_new(known: Any, labels: Any) -> Any:
    new = pd.Index(pd.unique(labels)).difference(pd.Index(known), sort=False)
    if new.empty:
        return known
    joined = [*known.tolist(), *sorted(new.tolist(), key=str)]
    wide = np.empty(len(joined), dtype=known.dtype if known.dtype.kind in "iu" else object)
    wide[:] = joined
    return wide


def _grown(posterior: xr.Dataset, wanted: dict[str, Any], rng: np.random.Generator) -> xr.Dataset:
    new = {d: v for d, v in wanted.items() if v.size > posterior.sizes[d]}
    if not new:
        return posterior
    wide = posterior.reindex(new)
    at = [str(n) for n, v in posterior.data_vars.items() if set(map(str, v.dims)) & set(new)]
    return wide.assign({name: _filled(wide, name, rng) for name in at})


def _filled(wide: xr.Dataset, name: str, rng: np.random.Generator) -> xr.DataArray:
    """Draw from the prior where nothing was drawn yet."""
    values = wide[name]
    if name in _UNIT:
        scale: Any = xr.ones_like(wide[names.ALPHA].isel({names.OUTCOME: 0}, drop=True))
    elif name in _SCALES:
        scale = wide[_SCALES[name]]
    else:
        scale = wide[name.replace(names.FACTOR_EFFECT, names.FACTOR_SCALE, 1)]
    fresh = draw if name == names.AFFINITY else (lambda shape, rng: rng.standard_normal(shape))
    drawn = values.copy(data=fresh(values.shape, rng).astype(values.dtype))
    return (
        values.where(values.notnull(), drawn * scale).transpose(*values.dims).astype(values.dtype)
    )
