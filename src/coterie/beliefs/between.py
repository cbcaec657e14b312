"""Between: the way from the draws of the last fit to the rows of now.

Says whose rows or prior changed since, draws what the fit had no rows for, and weighs each
draw of the population by what changed, memberships and the artists' own effects integrated
out. Callers may trust that an artist whose rows and prior are the same is in no weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.aging import Aging, Windows
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.design import Design, Levels, design, lookup
from coterie.beliefs.guiding import Lesson, guided
from coterie.beliefs.membership import integrate
from coterie.beliefs.opening import Priors, Terms
from coterie.beliefs.population import Stated
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.rows import Known
from coterie.beliefs.stating import population_of
from coterie.beliefs.tree import Beliefs
from coterie.beliefs.widening import widened
from coterie.errors import BeliefError
from coterie.evidence import Evidence, Joined
from coterie.typing import Flags, Floats, Integers

FITTED: Final = "fitted_"
KEPT: Final = (
    names.POSTERIOR, names.BELIEFS, names.PRIOR, names.LOG_LIKELIHOOD, names.LOG_PRIOR,
    names.LEDGER,
)  # fmt: skip
"""Groups of the last fit that the next update starts from; early versions kept no log prior."""
_SAMPLE: Final = (names.CHAIN, names.DRAW)
_CHUNK: Final = 2**24


def last_fit(beliefs: Beliefs) -> Beliefs:
    """Return the beliefs of the last fit, be it these or earlier ones."""
    tree = beliefs.tree
    if f"{FITTED}{names.POSTERIOR}" not in tree.children:
        return beliefs
    there = [name for name in KEPT if f"{FITTED}{name}" in tree.children]
    groups = {f"/{name}": tree[f"{FITTED}{name}"].to_dataset() for name in there}
    groups[f"/{names.SAMPLE_STATS}"] = tree[names.SAMPLE_STATS].to_dataset()
    made = xr.DataTree.from_dict(groups)
    made.attrs = dict(tree.attrs)
    return Beliefs(made)


@dataclass(frozen=True, slots=True)
class Step:
    """One update: the last fit, what was believed last, what joins, and names and prior of now.

    ``arrived`` is the number of rows that came.
    """

    base: Beliefs
    fitted: Known
    beliefs: Beliefs
    joined: Joined
    arrived: int
    levels: Levels
    stated: Stated
    prior: MembershipPrior | None

    @property
    def now(self) -> Evidence:
        """All rows that count."""
        return self.joined.evidence


@dataclass(frozen=True, slots=True)
class Changed:
    """Whose rows or prior changed since the last fit, and their observations then and now.

    Attributes
    ----------
    step
        The update.
    fitted, whole
        Observations of the fit and of now, of all artists.
    before, now
        Observations of those who changed.
    owners
        Their codes.
    """

    step: Step
    fitted: Design
    whole: Design
    before: Design
    now: Design
    owners: Integers

    @classmethod
    def of(cls, step: Step) -> Self:
        """Find who changed: once an update, for it reads every row."""
        owners = np.flatnonzero(_touched(step))
        fitted, whole = (design(e, step.levels) for e in (step.base.evidence, step.now))
        return cls(step, fitted, whole, cut_to(fitted, owners), cut_to(whole, owners), owners)

    def terms(self, posterior: xr.Dataset) -> Terms:
        """Say what effects obey at some draws, over the names of now."""
        step = self.step
        if step.base.evidence.half_life is None and step.now.half_life is None:
            return Terms(_priors(step))
        # Only late outcomes are read by their priors.
        late = step.levels.late
        population = population_of(step.base) if late else PopulationPrior()
        then, now = (
            Windows.of(Blueprint(made, step.levels, population), posterior)
            for made in (self.fitted, self.whole)
        )
        return Terms(_priors(step), Aging(then, now))


@dataclass(frozen=True, slots=True)
class Between:
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
    log_weight
        Log p(all rows) / p(rows of the fit) at each draw, up to a constant, what is new
        integrated out: (draw of all chains,).
    lesson
        What these draws tell of the law of what is new.
    """

    step: Step
    posterior: xr.Dataset
    before: Design
    now: Design
    owners: Integers
    log_weight: Floats
    lesson: Lesson

    @classmethod
    def of(
        cls,
        changed: Changed,
        rng: np.random.Generator,
        *,
        at: Integers | None = None,
        lesson: Lesson | None = None,
    ) -> Self:
        """Draw what the last fit had no rows for.

        Parameters
        ----------
        changed
            Who changed, and how.
        rng
            Source of chance.
        at
            Draws of the last fit to use, as one chain; left out, all.
        lesson
            From fewer draws.
        """
        step, before, now, owners = changed.step, changed.before, changed.now, changed.owners
        base = step.fitted.posterior
        some = base if at is None else taken(base, at, (1, at.size))
        wide = widened(some, step.levels, rng)
        tries = guided(
            wide, changed.fitted, now, step.levels, changed.terms(wide),
            lambda: _own(wide, now, owners), rng, lesson=lesson,
        )  # fmt: skip
        told = [
            _evidence(step, tries.placed(effect), (now, owners), step.stated)
            for effect in tries.effect
        ]
        height = tries.log_ratio + np.stack(told)
        whole = logsumexp(height, axis=0)
        below = np.cumsum(np.exp(height - whole), axis=0)
        one = (below < rng.random(whole.size)).sum(axis=0).clip(max=len(height) - 1)
        kept = tries.settled(tries.effect[one, np.arange(one.size)], rng)
        earlier = _evidence(step, wide, (before, owners), _earlier(step))
        learned = Lesson.of(tries.noise, height - earlier)
        return cls(step, kept, before, now, owners, whole - earlier, learned)


def _earlier(step: Step) -> Stated:
    """Return the membership prior of the fit for the names of now."""
    before = step.fitted.stated
    newer = len(step.levels.artists) - len(before.table)
    more = len(step.levels.clusters) - before.table.shape[1]
    # Nobody new had rows in the fit, so that their earlier prior is in no number.
    wide = np.pad(before.table, ((0, newer), (0, more)), constant_values=1e-300)
    return replace(before, table=wide)


def _evidence(
    step: Step, posterior: xr.Dataset, of: tuple[Design, Integers], stated: Stated
) -> Floats:
    """Return the log evidence of some artists at every draw: (draw of all chains,)."""
    made, owners = of
    size = posterior.sizes[names.CHAIN] * posterior.sizes[names.DRAW]
    if owners.size == 0:
        return np.zeros(size)
    theirs, units = of_some(stated, owners), made.stands_for(owners.size)
    parts = np.array_split(np.arange(size), max(1, -(-size * made.y.size // _CHUNK)))
    found = [
        integrate(
            made, read.phi(posterior, made, step.levels, theirs, part), homes=theirs.code
        ).log_evidence
        @ units
        for part in parts
    ]
    return np.concatenate(found)


def _priors(step: Step) -> Priors:
    """Give the priors of scales that the last fit had; none where no file keeps them."""
    try:
        stated = population_of(step.base)
    except BeliefError:
        return lambda _: None
    return lambda name: stated.for_outcomes(step.levels.outcomes, name)


def of_some(stated: Stated, owners: Integers) -> Stated:
    """Return the membership prior of some artists."""
    return replace(stated, table=np.ascontiguousarray(stated.table[owners]))


def _touched(step: Step) -> Flags:
    """Say whose rows or prior changed since the last fit: (artist,)."""
    wide, old = step.levels, step.fitted.stated.table
    sums = [_row_sums(e, step.base.evidence, wide) for e in (step.base.evidence, step.now)]
    touched: Flags = sums[0] != sums[1]
    touched[len(old) :] = True
    # Every window is another age: its power moved, be its rows the same.
    touched |= step.base.evidence.half_life != step.now.half_life
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


def _own(posterior: xr.Dataset, now: Design, owners: Integers) -> Floats:
    """Return what the draws know of the artists' own part of each level: (draw, observation)."""
    effect = read.flat(posterior, names.ARTIST_EFFECT)[:, owners]
    affinity = read.flat(posterior, names.AFFINITY)[:, owners].astype(np.float64)
    artist, cluster, o = now.artist, now.cluster, now.outcome
    reach = read.flat(posterior, names.LOADING)[:, o] * now.informs
    found: Floats = effect[:, artist, o] + reach * affinity[:, artist, cluster]
    return found


def taken(posterior: xr.Dataset, at: Integers, shape: tuple[int, int]) -> xr.Dataset:
    """Take draws of all chains, and lay them out as so many chains and draws."""

    def of(values: xr.DataArray) -> xr.DataArray:
        ordered = values.transpose(*_SAMPLE, ...)
        flat = ordered.to_numpy().reshape(-1, *ordered.shape[2:])[at]
        labels = {d: ordered[d] for d in ordered.dims[2:] if d in ordered.coords}
        data = flat.reshape(*shape, *ordered.shape[2:])
        return xr.DataArray(data, dims=ordered.dims, coords=labels)

    made = posterior.map(of)
    return made.assign_coords({d: np.arange(n) for d, n in zip(_SAMPLE, shape, strict=True)})
