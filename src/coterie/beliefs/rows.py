"""Rows: what beliefs say of the labels of any row, draw by draw.

Turns rows into codes of an inventory that is widened by what was never seen: new
artists, clusters and levels are drawn from the population, once each, and every row
they concern shares the draw. Outcomes of the rows are never read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs import fits
from coterie.beliefs import population as read
from coterie.beliefs.crossed import completed
from coterie.beliefs.design import Design, Levels, cell_codes, design, informs
from coterie.beliefs.fit_law import draw
from coterie.beliefs.left_out import LeftOut
from coterie.beliefs.population import Stated
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError
from coterie.evidence import EACH_RELEASE, Evidence, bought_rows
from coterie.typing import Floats, Integers

_CHUNK_BYTES = 2**27


@dataclass(frozen=True, slots=True)
class Known:
    """A Beliefs read once: its names, its prior, its posterior and its observations."""

    levels: Levels
    stated: Stated
    posterior: xr.Dataset
    made: Design

    @classmethod
    def of(cls, beliefs: Beliefs) -> Known:
        """Read a Beliefs."""
        posterior = beliefs.tree[names.POSTERIOR].to_dataset()
        evidence = beliefs.evidence
        levels = Levels(
            artists=posterior[names.ARTIST].to_numpy(),
            clusters=posterior[names.CLUSTER].to_numpy(),
            windows=posterior[names.WINDOW].to_numpy(),
            factors={f: posterior[f].to_numpy() for f in evidence.factors},
            outcomes=evidence.outcomes,
            covariates=evidence.covariates,
            late=read.late_outcomes(posterior),
            crossed=evidence.layout.derived,
            parts=evidence.layout.parts,
            cycles=evidence.layout.cycles,
        )
        prior = beliefs.tree[names.PRIOR].to_dataset() if names.PRIOR in beliefs.tree else {}
        shape = (len(levels.artists), len(levels.clusters))
        table = prior["prior"].to_numpy() if "prior" in prior else np.zeros(shape)
        rest = float(prior[names.ELSEWHERE]) if names.ELSEWHERE in prior else 0.0
        stated = Stated(table, rest, beliefs.homes)
        return cls(levels, stated, posterior, design(evidence, levels))

    def repeated(self, times: int) -> Known:
        """Return the same with every draw standing several times, chain by chain."""
        size = self.posterior.sizes[names.DRAW]
        posterior = self.posterior.isel({names.DRAW: np.tile(np.arange(size), times)})
        posterior = posterior.assign_coords({names.DRAW: np.arange(size * times)})
        return replace(self, posterior=posterior)

    @property
    def size(self) -> int:
        """Draws over all chains."""
        return int(self.posterior.sizes[names.CHAIN] * self.posterior.sizes[names.DRAW])


@dataclass(frozen=True, slots=True)
class State:
    """One chunk of draws, laid on rows.

    Attributes
    ----------
    level
        On the link scale: (draw, row, outcome).
    log_kappa
        (draw, row, outcome).
    """

    level: Floats
    log_kappa: Floats


@dataclass(frozen=True, slots=True)
class _Plan:
    artist: Integers
    cluster: Integers
    new_artists: int
    new_clusters: int
    pair: Integers
    pair_artist: Integers
    pair_cluster: Integers
    window: Integers
    windows: int
    old_window: Integers
    factor: tuple[tuple[Integers, int] | None, ...]
    informs: Floats
    covariate: tuple[Floats, ...]
    left: LeftOut | None


def states(
    known: Known, rows: Evidence, rng: np.random.Generator, *, fresh: bool = True
) -> Iterator[tuple[slice, State]]:
    """Lay every draw on the rows, some draws at a time.

    With ``fresh`` each window of the rows is new; without, windows of the ledger keep
    their own effect.

    Raises
    ------
    BeliefError
        If the rows count other outcomes than the beliefs know.
    """
    _check_outcomes(known, rows)
    rows = completed(rows, known.levels)
    plan = _plan(known, rows)
    wide = len(rows) * len(known.levels.outcomes) * 6 + known.stated.table.size * 3
    step = max(1, int(_CHUNK_BYTES / (8 * wide)))
    for first in range(0, known.size, step):
        part = slice(first, min(first + step, known.size))
        yield part, _state(known, plan, part, rng, fresh=fresh)


def _state(
    known: Known, plan: _Plan, part: slice, rng: np.random.Generator, *, fresh: bool
) -> State:
    post = known.posterior
    effect = read.flat(post, names.ARTIST_EFFECT, part)
    scale = read.flat(post, names.ARTIST_SCALE, part)
    artist = _widened(effect, plan.new_artists, scale, rng)
    between = read.flat(post, names.CLUSTER_SCALE, part)
    cluster = _widened(read.flat(post, names.CLUSTER_EFFECT, part), plan.new_clusters, between, rng)
    scatter = _widened(
        read.flat(post, names.KAPPA_CLUSTER, part), plan.new_clusters, np.ones_like(between), rng
    )
    within = read.flat(post, names.PERIOD_SCALE, part)
    window = _fresh(plan.windows, within, rng)[:, plan.window]
    if not fresh:
        own = (plan.cluster < len(known.levels.clusters)) & (plan.old_window >= 0)
        effects = read.flat(post, names.PERIOD_EFFECT, part)
        window[:, own] = effects[:, plan.cluster[own], plan.old_window[own]]
    affinity = _affinities(known, plan, read.flat(post, names.AFFINITY, part), rng)
    level = (
        read.flat(post, names.ALPHA, part)[:, None, :]
        + artist[:, plan.artist]
        + cluster[:, plan.cluster]
        + window
        + read.flat(post, names.LOADING, part)[:, None, :]
        * affinity[:, plan.pair, None]
        * plan.informs
    )
    level = level + sloped(post, part, plan.covariate)
    level = _with_factors(known, plan, part, level, rng)
    kappa = np.log(read.flat(post, names.KAPPA, part))[:, None, :]
    spread = read.flat(post, names.KAPPA_SPREAD, part)[:, None, :]
    return State(level, kappa + spread * scatter[:, plan.cluster])


def sloped(posterior: xr.Dataset, part: Any, covariate: tuple[Floats, ...]) -> Any:
    """Return what covariates (row,) or (row, outcome) each add: (draw, row, outcome), or 0."""
    if not covariate:
        return 0.0
    slope = read.flat(posterior, names.SLOPE, part)
    wide = [v[:, None] if v.ndim == 1 else v for v in covariate]
    return sum(slope[:, i, None, :] * v for i, v in enumerate(wide))


def covariate_means(known: Known) -> tuple[Floats, ...]:
    """Return each covariate's mean by denominator in each cluster: (cluster, outcome) each.

    A cluster or outcome without rows stands at the whole ledger's mean.
    """
    made, levels = known.made, known.levels
    shape = (len(levels.clusters), len(levels.outcomes))
    units = made.n if made.frequency is None else made.n * made.frequency
    units = units * made.weight
    at = np.ravel_multi_index((made.cluster, made.outcome), shape)
    total = np.bincount(at, units, int(np.prod(shape))).reshape(shape)
    found = []
    for values in made.covariate:
        whole = float(np.average(values, weights=units if units.sum() > 0 else None))
        sums = np.bincount(at, units * values, int(np.prod(shape))).reshape(shape)
        found.append(np.where(total > 0, sums / np.where(total > 0, total, 1), whole))
    return tuple(found)


def _plan(known: Known, rows: Evidence) -> _Plan:
    counts, levels = rows.counts, known.levels
    codes = cell_codes(counts, levels)
    artist, new_artists = _numbered(codes.artist, counts[names.ARTIST].to_numpy(), levels.artists)
    cluster, new_clusters = _numbered(
        codes.cluster, counts[names.CLUSTER].to_numpy(), levels.clusters
    )
    width = len(levels.clusters) + new_clusters
    pairs, pair = np.unique(artist * width + cluster, return_inverse=True)
    labels = pd.factorize(counts[names.WINDOW].to_numpy())[0]
    windows, window = np.unique(cluster * (labels.max(initial=0) + 1) + labels, return_inverse=True)
    factor = [
        _numbered(c, counts[f].to_numpy(), known_levels) if f in counts.coords else None
        for (f, known_levels), c in zip(levels.factors.items(), codes.factor, strict=True)
    ]
    told = {f: c[0] for f, c in zip(levels.factors, factor, strict=True) if c is not None}
    given = {f: c for f, c in told.items() if f not in levels.crossed} | {names.CLUSTER: cluster}
    if EACH_RELEASE in told:
        given[names.RELEASE] = told[EACH_RELEASE]
    return _Plan(
        artist=artist,
        cluster=cluster,
        new_artists=new_artists,
        new_clusters=new_clusters,
        pair=pair,
        pair_artist=pairs // width,
        pair_cluster=pairs % width,
        window=window,
        windows=windows.size,
        old_window=codes.window,
        factor=tuple(factor),
        informs=informs(levels.outcomes, bought_rows(counts))[None],
        covariate=tuple(c.scaled(counts[c.name].to_numpy()) for c in levels.covariates),
        left=LeftOut.of(levels, known.made, given),
    )


def _numbered(codes: Integers, labels: Any, known: Any) -> tuple[Integers, int]:
    """Give numbers to what was never seen, after what was."""
    new = codes < 0
    found, place = np.unique(labels[new].astype(str), return_inverse=True)
    wide = codes.copy()
    wide[new] = len(known) + place
    return wide, found.size


def _affinities(known: Known, plan: _Plan, affinity: Floats, rng: np.random.Generator) -> Floats:
    """Return the affinity of each pair of the rows: (draw, pair).

    Artists never seen are drawn from the prior of one whom nobody stated anything else of.
    """
    draws, artists, clusters = affinity.shape
    old_artist, old_cluster = plan.pair_artist < artists, plan.pair_cluster < clusters
    seen, arrived = old_artist & old_cluster, ~old_artist & old_cluster
    found = draw((draws, plan.pair_artist.size), rng)
    found[:, seen] = affinity[:, plan.pair_artist[seen], plan.pair_cluster[seen]]
    if plan.new_artists:
        stated = known.stated.typical(plan.new_artists)
        fresh = fits.prior_fits(*stated.logs, draws, homes=stated.code, rng=rng)
        at = plan.pair_artist[arrived] - artists, plan.pair_cluster[arrived]
        found[:, arrived] = fresh[:, at[0], at[1]]
    return found


def _widened(effect: Floats, new: int, scale: Floats, rng: np.random.Generator) -> Floats:
    return effect if new == 0 else np.concatenate([effect, _fresh(new, scale, rng)], axis=1)


def _fresh(size: int, scale: Floats, rng: np.random.Generator) -> Floats:
    drawn: Floats = rng.standard_normal((scale.shape[0], size, scale.shape[1])) * scale[:, None, :]
    return drawn


def _with_factors(
    known: Known, plan: _Plan, part: slice, level: Floats, rng: np.random.Generator
) -> Floats:
    """Add factor effects; a factor left out is averaged over on the scale of rates."""
    left: dict[str, Floats] = {}
    for i, factor in enumerate(known.levels.factors):
        effect = read.flat(known.posterior, f"{names.FACTOR_EFFECT}{factor}", part)
        scale = read.flat(known.posterior, f"{names.FACTOR_SCALE}{factor}", part)
        given = plan.factor[i]
        if given is None and plan.left is not None:
            left[factor] = _widened(effect, plan.left.new[factor], scale, rng)
        elif given is not None:
            level = level + _widened(effect, given[1], scale, rng)[:, given[0]]
    return level if plan.left is None else plan.left.averaged(level, left)


def _check_outcomes(known: Known, rows: Evidence) -> None:
    if not isinstance(rows, Evidence):
        raise BeliefError(
            f"rows are a {type(rows).__name__}. Read them first: Evidence.from_frame(frame)."
        )
    theirs = {o.name: o for o in rows.outcomes}
    for mine in known.levels.outcomes:
        other = theirs.get(mine.name)
        if other is not None and other.kind != mine.kind:
            raise BeliefError(
                f"Outcome {mine.name!r} is {mine.kind} in these beliefs and {other.kind} in the "
                "rows."
            )
    own = [covariate.name for covariate in known.levels.covariates]
    absent = [name for name in own if name not in {c.name for c in rows.covariates}]
    if absent:
        raise BeliefError(
            f"The rows lack the covariate {absent[0]!r}, which these beliefs read; {len(absent)} "
            f"of {len(own)} are absent. Read the rows with covariates={tuple(own)!r}; for a "
            "covariate that is constant in them, state Covariate(name, centre=..., unit=...)."
        )
    told = {"Artists": known.levels.artists, "Clusters": known.levels.clusters}
    told |= {f"Levels of {f}": known_levels for f, known_levels in known.levels.factors.items()}
    theirs_by = {"Artists": rows.artists, "Clusters": rows.clusters}
    theirs_by |= {f"Levels of {f}": rows.counts[f].to_numpy() for f in rows.factors}
    for what, mine_labels in told.items():
        labels = theirs_by.get(what, mine_labels)
        if _is_text(labels) != _is_text(mine_labels):
            raise BeliefError(
                f"{what} are {_in_words(mine_labels)} in these beliefs and {_in_words(labels)} in "
                f"the rows (the first is {labels.tolist()[0]!r}), so that none would match. Write "
                "them alike."
            )


def _is_text(labels: Any) -> bool:
    return bool(labels.dtype.kind not in "iufb")


def _in_words(labels: Any) -> str:
    return "text" if _is_text(labels) else "numbers"
