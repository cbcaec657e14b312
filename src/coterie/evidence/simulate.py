"""Worlds with known truth: tables of counts, and the memberships and rates behind them.

Callers may trust that every number of a world follows the stated model, that its
truth is kept beside its table row for row, and that the same generator gives the
same world. The maths is NumPy's alone and shares no line with the fitting code, so
that the models are never marked by their own pupil. Knows nothing of priors, models
or samplers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.errors import EvidenceError
from coterie.evidence.outcomes import Outcome
from coterie.evidence.simulate_cells import (
    blank_some,
    calendar,
    draw_arrived,
    draw_counts,
    draw_rates,
    row_index,
)
from coterie.evidence.simulate_design import (
    FACTOR_SCALE,
    MEMBER,
    OUTCOMES,
    PRESENT,
    Design,
    DrawsParameters,
    Drift,
    Fits,
    Parameters,
    check_late,
    check_outcomes,
    check_probabilities,
    draw_parameters,
    label_all,
    label_levels,
    plausible,
    quieten,
    read_parameters,
)
from coterie.evidence.table import Evidence
from coterie.evidence.windows import WHOLE, parse_window, window_labels
from coterie.typing import Floats

__all__ = [
    "OUTCOMES",
    "Design",
    "DrawsParameters",
    "Parameters",
    "World",
    "draw_parameters",
    "later",
    "plausible",
    "world",
]

Homes = Literal["one", "many"] | None

_PAIR = (names.ARTIST, names.CLUSTER)
_HEAVY = 3.0
"""Degrees of freedom of affinities with heavy tails."""
_APART = 2.0
"""Standard deviations by which artists at home are above others, in a world of two kinds."""
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, repr=False)
class World:
    """A table of counts, and the truth it was drawn from.

    Attributes
    ----------
    frame
        One row per (artist, cluster, window, factor levels): ``artist``, ``cluster``,
        the factors, ``period_start`` and ``period_end`` (last day, inclusive) where
        there are windows, and the columns its outcomes count. An entry that was not
        measured is missing, not zero.
    truth
        The population parameters (outcome), those of outcomes that do not inform
        membership with ``loading`` 0; ``cluster_effect`` and
        ``kappa_cluster`` (cluster, outcome); ``period_effect`` (cluster, window,
        outcome); ``artist_effect`` (artist, outcome); ``factor_scale_<f>`` (outcome)
        and ``factor_effect_<f>`` (f, outcome); ``affinity`` and ``member`` (artist,
        cluster); ``home`` (artist), with one home only; ``present`` (artist, cluster),
        the pairs that have rows; ``rate`` (row, outcome), what each cell really
        answers in the end: a probability, or a rate per exposure. Effects are on the
        logit or log scale. With delays, ``arrived`` (row, outcome), the share of it that had
        arrived when the row was read.
    outcomes
        What was measured, in the order of ``truth``.
    design
        What was asked for.
    """

    frame: pd.DataFrame
    truth: xr.Dataset
    outcomes: tuple[Outcome, ...]
    design: Design

    def __repr__(self) -> str:
        sizes = self.truth.sizes
        return (
            f"World({sizes[names.ARTIST]} artists, {sizes[names.CLUSTER]} clusters, "
            f"{len(self.frame)} rows; {', '.join(o.name for o in self.outcomes)})"
        )

    def evidence(self, **from_frame_arguments: Any) -> Evidence:
        """Read the table as Evidence, with the world's own outcomes, factors and window.

        Parameters
        ----------
        **from_frame_arguments
            Passed to :meth:`coterie.Evidence.from_frame`; they win over the world's own.
        """
        stated: dict[str, Any] = {"outcomes": self.outcomes, "factors": tuple(self.design.factors)}
        if self.design.dated:
            stated["window"] = self.design.window
        if self.design.delays:
            stated["seen"] = names.SEEN
        return Evidence.from_frame(self.frame, **(stated | from_frame_arguments))


def world(  # noqa: PLR0913 - a world is stated in one call
    *,
    artists: int | Sequence[str] = 60,
    clusters: int | Sequence[str] = 8,
    homes: Homes = "one",
    fits: Fits = "normal",
    parameters: Parameters | Mapping[str, Any] | None = None,
    outcomes: Sequence[Outcome] = OUTCOMES,
    listeners: float = 400,
    sizes: tuple[float, float] | None = None,
    windows: int = 1,
    window: str = "28D",
    drift: Drift = "fresh",
    missing: float = 0.0,
    absent: float = 0.0,
    elsewhere: float = 0.1,
    shares: Sequence[float] | None = None,
    pi: float | Sequence[float] = 0.25,
    factors: Mapping[str, int] | None = None,
    delays: Mapping[str, float] | None = None,
    delay_shape: float = 1.0,
    read_after: Sequence[float] = (),
    rng: np.random.Generator,
) -> World:
    """Draw a world: memberships, effects and cells from the model, then a table of counts.

    Rates drift between windows by ``parameters.period_scale``, also within a single
    window, whose effect is then one more effect of the cluster. Outcomes of one pair
    are correlated by ``parameters.loading``. Set either to 0 to switch it off.

    Parameters
    ----------
    artists, clusters
        How many, or their labels.
    homes
        ``"one"`` home an artist, the cluster of its highest affinity, or elsewhere;
        ``"many"``: a member is who has one of the ``pi`` highest affinities of all; ``None``
        for a world without members.
    fits
        Law of affinities. Of mean 0 and variance 1 are ``"normal"``, as the model has it;
        ``"exponential"``, the logarithm of an exponential variable, with a heavy left tail; and
        ``"student"``, of three degrees of freedom. ``"mixture"``: two kinds of artists; those
        who are at home are two standard deviations above those who are not, both normal of
        variance 1, and a home need not have the highest affinity.
    parameters
        One value an outcome, as :class:`Parameters` or a mapping by its names (with
        ``factor_scale`` or ``factor_scale_<f>`` only if there are factors). ``None``
        takes :func:`plausible`.
    outcomes
        What is measured. An outcome that does not inform membership gets no
        loading. No two may count the same numerator.
    listeners
        Mean of every denominator that is not itself counted, per cell, 1 or more:
        Poisson with a Gamma(2) mean, never below 1. ``new_listeners`` are a Binomial
        0.6 share of ``listeners``.
    sizes
        Draw those denominators log-uniform between two bounds instead (people).
    windows, window
        How many windows, and their frequency: ``"28D"``, ``"month"``, ``"quarter"``.
    drift
        ``"fresh"``: every window of a cluster has an effect of its own. ``"walk"``: each
        is the last one's and a step, so that what is old tells ever less of what comes.
        ``parameters.period_scale`` is the effect's standard deviation, or the step's.
    missing
        Share of outcome entries that were not measured, in [0, 1).
    absent
        Share of (artist, cluster) pairs without any row, in [0, 1).
    elsewhere
        Probability that a home is none of the clusters, in [0, 1].
    shares
        Share of homes in each cluster, scaled to sum to 1; equal when left out.
    pi
        Probability of each membership with many homes, in [0, 1]: one, or one a cluster.
    factors
        Number of levels of each factor; every cell has a row for every combination.
    delays, delay_shape
        Mean days until a response, by outcome, and the Weibull shape of delays. Rows then
        count what had arrived when they were read; ``truth["rate"]`` is what will in the end.
    read_after
        Days from the end of a period until its row is read, one of them at random; with
        delays, tables have a column ``seen``.
    rng
        Source of chance.

    Returns
    -------
    World
        Its table and its truth.

    Raises
    ------
    EvidenceError
        If a probability, size, parameter or outcome cannot stand, naming it.

    Examples
    --------
    >>> import numpy as np
    >>> drawn = world(artists=3, clusters=2, rng=np.random.default_rng(1))
    >>> list(drawn.frame.columns)[:4]
    ['artist', 'cluster', 'listeners', 'saves']
    >>> bool((drawn.truth["member"].sum("cluster") <= 1).all())
    True
    """
    outcomes = check_outcomes(outcomes)
    check_probabilities(absent=absent, elsewhere=elsewhere, pi=pi)
    check_late(delays or {}, read_after, outcomes)
    design = Design(
        parameters=quieten(read_parameters(parameters, outcomes), outcomes),
        listeners=listeners,
        sizes=sizes,
        windows=windows,
        window=window,
        first_window=0,
        dated=windows > 1 or bool(delays),
        drift=drift,
        missing=missing,
        factors=label_levels(factors or {}),
        delays=dict(delays or {}),
        delay_shape=delay_shape,
        read_after=tuple(read_after),
    )
    coords = {
        names.ARTIST: label_all(names.ARTIST, artists),
        names.CLUSTER: label_all(names.CLUSTER, clusters),
        names.OUTCOME: np.array([o.name for o in outcomes]),
    }
    truth = _population(design, coords, rng)
    if fits not in get_args(Fits):
        raise EvidenceError(f"fits is {fits!r}; it is one of {get_args(Fits)}.")
    if homes == "one":
        chances = _home_chances(shares, truth.sizes[names.CLUSTER], elsewhere)
        _settle_in_one(truth, chances, fits, rng)
    else:
        stated = _member_chances(homes, pi, truth.sizes[names.CLUSTER])
        affinity, member = _many_homes(stated, fits, truth.sizes[names.ARTIST], rng)
        truth[names.AFFINITY], truth[MEMBER] = (_PAIR, affinity), (_PAIR, member)
    truth[PRESENT] = _PAIR, rng.random(truth[MEMBER].shape) >= absent
    return _observe(truth, outcomes, design, rng)


def later(before: World, *, windows: int = 1, rng: np.random.Generator) -> World:
    """Draw the windows that follow a world: the same artists, met again.

    Artists, clusters, memberships, affinities and effects stay; drift, the noise of
    cells, their sizes and what is missing are fresh. Where clusters walk they go on from
    the last window.

    Parameters
    ----------
    before
        The world so far.
    windows
        How many windows follow.
    rng
        Source of chance.
    """
    design = dataclasses.replace(
        before.design,
        first_window=before.design.first_window + before.design.windows,
        windows=windows,
        dated=before.design.dated or windows > 1,
    )
    stays = before.truth.drop_dims([names.ROW, names.WINDOW])
    last = before.truth[names.PERIOD_EFFECT].to_numpy()[:, -1:]
    return _observe(stays, before.outcomes, design, rng, since=last)


def _population(design: Design, coords: Mapping[str, Any], rng: np.random.Generator) -> xr.Dataset:
    stated = design.parameters
    artists, clusters, size = (len(coords[d]) for d in (names.ARTIST, names.CLUSTER, names.OUTCOME))
    drawn: dict[str, Any] = {
        field.name: (names.OUTCOME, getattr(stated, field.name))
        for field in dataclasses.fields(stated)
        if field.name != FACTOR_SCALE
    }
    by_artist, by_cluster = (names.ARTIST, names.OUTCOME), (names.CLUSTER, names.OUTCOME)
    drawn[names.ARTIST_EFFECT] = by_artist, rng.normal(size=(artists, size)) * stated.artist_scale
    drawn[names.CLUSTER_EFFECT] = (
        by_cluster,
        rng.normal(size=(clusters, size)) * stated.cluster_scale,
    )
    drawn[names.KAPPA_CLUSTER] = by_cluster, rng.normal(size=(clusters, size))
    for factor, steps in design.factors.items():
        scale = stated.of_factor(factor)
        drawn[names.FACTOR_SCALE + factor] = names.OUTCOME, scale
        effect = rng.normal(size=(len(steps), size)) * scale
        drawn[names.FACTOR_EFFECT + factor] = (factor, names.OUTCOME), effect
    levels = {factor: list(steps) for factor, steps in design.factors.items()}
    return xr.Dataset(drawn, coords=dict(coords) | levels)


def _affinities(fits: Fits, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    if fits == "student":
        return np.asarray(rng.standard_t(_HEAVY, size=shape) / np.sqrt(_HEAVY / (_HEAVY - 2)))
    if fits == "exponential":
        logs = np.log(rng.exponential(size=shape))
        return np.asarray((logs + np.euler_gamma) * np.sqrt(6.0) / np.pi)
    return rng.normal(size=shape)


def _settle_in_one(
    truth: xr.Dataset, chances: Floats, fits: Fits, rng: np.random.Generator
) -> None:
    """Add homes by their chances, elsewhere last, and the affinities that are highest there."""
    clusters = truth.sizes[names.CLUSTER]
    home = rng.choice(clusters + 1, size=truth.sizes[names.ARTIST], p=chances)
    affinity = _one_home(home, fits, clusters + int(chances[-1] > 0), rng)[:, :clusters]
    places = np.append(truth[names.CLUSTER].values.astype(str), names.ELSEWHERE)
    truth[names.HOME] = names.ARTIST, places[home]
    truth[names.AFFINITY] = _PAIR, affinity
    truth[MEMBER] = _PAIR, home[:, None] == np.arange(clusters)


def _one_home(home: Any, fits: Fits, places: int, rng: np.random.Generator) -> Floats:
    """Draw affinities that are highest at home, that of no named cluster last: (artist, place)."""
    drawn = _affinities(fits, (len(home), places), rng)
    at = np.arange(len(home))
    if fits == "mixture":
        drawn[at, np.minimum(home, places - 1)] += _APART
        return drawn
    top = drawn.argmax(axis=1)
    drawn[at, top], drawn[at, home] = drawn[at, home], drawn[at, top]
    return drawn


def _many_homes(
    chance: Floats, fits: Fits, artists: int, rng: np.random.Generator
) -> tuple[Floats, Any]:
    drawn = _affinities(fits, (artists, chance.size), rng)
    if fits == "mixture":
        member = rng.random(drawn.shape) < chance
        return drawn + _APART * member, member
    inside = np.clip(1 - chance, 1e-12, 1 - 1e-12)
    if fits == "exponential":
        high = (np.log(-np.log(1 - inside)) + np.euler_gamma) * np.sqrt(6.0) / np.pi
    elif fits == "student":
        high = np.quantile(_affinities(fits, (_MANY, 1), rng), inside)
    else:
        high = np.array([NormalDist().inv_cdf(share) for share in inside])
    return drawn, ((drawn > high) & (chance > 0)) | (chance >= 1)


def _home_chances(shares: Sequence[float] | None, clusters: int, elsewhere: float) -> Floats:
    given = np.ones(clusters) if shares is None else np.asarray(shares, dtype=np.float64)
    if given.shape != (clusters,) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise EvidenceError(
            f"shares are {shares}; state {clusters} shares of 0 or more, one a cluster, not all 0."
        )
    return np.append(given / given.sum() * (1 - elsewhere), elsewhere)


def _member_chances(homes: Homes, pi: float | Sequence[float], clusters: int) -> Floats:
    if homes is None:
        return np.zeros(clusters)
    if homes != "many":
        raise EvidenceError(f'homes is {homes!r}; it is "one", "many" or None.')
    if np.ndim(pi) and np.shape(pi) != (clusters,):
        raise EvidenceError(f"pi has {np.size(pi)} values; there are {clusters} clusters.")
    return np.broadcast_to(np.asarray(pi, dtype=np.float64), clusters)


def _observe(
    truth: xr.Dataset,
    outcomes: tuple[Outcome, ...],
    design: Design,
    rng: np.random.Generator,
    *,
    since: Floats | float = 0.0,
) -> World:
    starts, ends = calendar(design)
    labels = window_labels(parse_window(design.window), starts) if design.dated else [WHOLE]
    drift = rng.normal(size=(truth.sizes[names.CLUSTER], design.windows, len(outcomes)))
    effect = drift * design.parameters.period_scale
    if design.drift == "walk":
        effect = since + np.cumsum(effect, axis=1)
    truth = truth.assign_coords({names.WINDOW: np.asarray(labels, dtype=str)})
    truth[names.PERIOD_EFFECT] = (
        (names.CLUSTER, names.WINDOW, names.OUTCOME),
        effect,
    )
    index = row_index(truth, design)
    rate = draw_rates(truth, index, outcomes, rng)
    arrived, age = draw_arrived(len(rate), outcomes, design, rng)
    columns = draw_counts(rate * arrived, outcomes, design, rng)
    blank_some(columns, outcomes, design.missing, rng)
    frame: dict[str, Any] = {
        dim: truth[dim].values[index[dim]] for dim in (names.ARTIST, names.CLUSTER, *design.factors)
    }
    if design.dated:
        frame[names.PERIOD_START] = starts[index[names.WINDOW]]
        frame[names.PERIOD_END] = ends[index[names.WINDOW]]
    if design.delays:
        day = np.timedelta64(1, "D")
        hours = np.rint(age * 24).astype("timedelta64[h]")
        frame[names.SEEN] = ends[index[names.WINDOW]] + day + hours
    truth = truth.assign_coords({names.ROW: np.arange(len(rate))})
    truth[names.RATE] = (names.ROW, names.OUTCOME), rate
    if design.delays:
        truth["arrived"] = (names.ROW, names.OUTCOME), np.broadcast_to(arrived, rate.shape)
    return World(pd.DataFrame(frame | columns), truth, outcomes, design)
