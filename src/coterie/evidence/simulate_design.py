"""What a simulated world is asked to be: its parameters, sizes and shares.

Callers may trust that whatever was made here can be drawn from: right lengths,
scales of 0 or more, shares below 1. Draws nothing itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from coterie import names
from coterie.errors import EvidenceError
from coterie.evidence.outcomes import STANDARD, Outcome
from coterie.evidence.windows import parse_window
from coterie.typing import Floats

Drift = Literal["fresh", "walk"]
Fits = Literal["normal", "exponential", "student", "mixture"]

MEMBER = "member"
PRESENT = "present"
FACTOR_SCALE = names.FACTOR_SCALE.rstrip("_")
OUTCOMES: tuple[Outcome, ...] = tuple(
    outcome for outcome in STANDARD if outcome.name in {"save", "add", "follow", "depth"}
)
"""What a world measures unless told otherwise: save, add, follow and depth."""
LARGEST_COUNT = 2.0**53
"""Past this, one event more cannot be told apart."""

# alpha, loading, kappa, artist_scale, cluster_scale
_PLAUSIBLE: Mapping[str, tuple[float, ...]] = {
    "save": (-2.6, 0.5, 300.0, 0.25, 0.3),
    "add": (-3.2, 0.5, 300.0, 0.25, 0.3),
    "follow": (-3.9, 0.5, 400.0, 0.25, 0.3),
    "depth": (0.2, 0.5, 5.0, 0.2, 0.2),
    "binary": (-2.5, 0.5, 300.0, 0.25, 0.3),
    "count": (0.0, 0.5, 5.0, 0.2, 0.2),
}


class DrawsParameters(Protocol):
    """Anything that draws population parameters, such as a ``PopulationPrior``."""

    def draw(self, outcomes: tuple[Outcome, ...], *, rng: np.random.Generator) -> Mapping[str, Any]:
        """Draw one value an outcome for every population parameter."""
        ...


@dataclass(frozen=True, slots=True)
class Parameters:
    """Population parameters of a world, one value an outcome, in the order of its outcomes.

    Attributes
    ----------
    alpha
        Level of an average artist: logit of a probability, or log of a rate per exposure.
    loading
        What one standard deviation of affinity, the lasting fit, adds; 0 or more.
    kappa
        Concentration (binary) or shape (count) of cells; above 0, ``inf`` for no noise.
    kappa_spread
        Standard deviation of log kappa between clusters; 0 or more.
    artist_scale, cluster_scale, period_scale
        Standard deviations of effects on the level; 0 or more.
    factor_scale
        The same for the levels of factors: one array for all factors, or one a factor.
    """

    alpha: Floats
    loading: Floats
    kappa: Floats
    kappa_spread: Floats
    artist_scale: Floats
    cluster_scale: Floats
    period_scale: Floats
    factor_scale: Floats | Mapping[str, Floats]

    def __post_init__(self) -> None:
        size = np.size(self.alpha)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Mapping):
                value = {
                    key: _checked(names.FACTOR_SCALE + key, array, size)
                    for key, array in value.items()
                }
            else:
                value = _checked(field.name, value, size)
            object.__setattr__(self, field.name, value)

    def of_factor(self, factor: str) -> Floats:
        """Return the scale of one factor's levels, by outcome."""
        if isinstance(self.factor_scale, Mapping):
            if factor not in self.factor_scale:
                raise EvidenceError(
                    f"factor {factor!r} has no scale; scales are stated for "
                    f"{sorted(self.factor_scale)}. Add {names.FACTOR_SCALE + factor!r}."
                )
            return self.factor_scale[factor]
        return self.factor_scale


@dataclass(frozen=True, slots=True)
class Design:
    """What a world was asked to be: the stated half of it, without any drawn number.

    Attributes
    ----------
    parameters
        Population parameters, one value an outcome.
    listeners
        Mean of every denominator that is not itself counted, per cell.
    sizes
        Bounds between which those denominators are log-uniform instead, or ``None``.
    windows, window
        How many windows, and their frequency.
    first_window
        Position of the first window on the calendar; 0 for a world, later for :func:`later`.
    dated
        Whether the table states its periods.
    missing
        Share of outcome entries that were not measured, in [0, 1).
    factors
        Levels by factor.
    delays
        Mean days until a response, by outcome.
    delay_shape
        Weibull shape of delays; 1 is exponential.
    read_after
        Days from the end of a period until its row is read, one of them at random.
    drift
        Whether each window's effect is drawn anew, or a step from the last one's.
    """

    parameters: Parameters
    listeners: float
    sizes: tuple[float, float] | None
    windows: int
    window: str
    first_window: int
    dated: bool
    missing: float
    factors: Mapping[str, tuple[str, ...]]
    delays: Mapping[str, float] = dataclasses.field(default_factory=dict)
    delay_shape: float = 1.0
    read_after: tuple[float, ...] = ()
    drift: Drift = "fresh"

    def __post_init__(self) -> None:
        parse_window(self.window)
        if self.drift not in ("fresh", "walk"):
            raise EvidenceError(f"drift is {self.drift!r}; write 'fresh' or 'walk'.")
        if not 0 <= self.missing < 1:
            raise EvidenceError(f"missing is {self.missing}; it is a share from 0 to below 1.")
        if not 0 < self.delay_shape < np.inf:
            raise EvidenceError(f"delay_shape is {self.delay_shape}; it is above 0.")
        if self.windows < 1:
            raise EvidenceError(f"windows is {self.windows}; a world has 1 or more.")
        if not 1 <= self.listeners < LARGEST_COUNT:
            raise EvidenceError(
                f"listeners is {self.listeners}; it is a mean number of people, 1 or more."
            )
        if self.sizes and not 1 <= self.sizes[0] <= self.sizes[1] < LARGEST_COUNT:
            raise EvidenceError(
                f"sizes is {self.sizes}; state (low, high) people with 1 <= low <= high."
            )


def plausible(outcomes: Sequence[Outcome] = OUTCOMES) -> Parameters:
    """State parameters like those of real campaigns, for outcomes by name, else by kind.

    Save, add, follow and depth have levels of 7 %, 4 %, 2 % and 1.2 streams; at home, among
    eight clusters, artists are answered about twice as often. ``kappa_spread`` is 0.3 and
    ``period_scale`` and ``factor_scale`` are 0.15 and 0.2 for every outcome.
    """
    table = np.array([_PLAUSIBLE.get(o.name, _PLAUSIBLE[o.kind]) for o in outcomes])
    alpha, loading, kappa, artist_scale, cluster_scale = table.T
    same = np.ones(len(outcomes))
    return Parameters(
        alpha=alpha,
        loading=loading,
        kappa=kappa,
        kappa_spread=0.3 * same,
        artist_scale=artist_scale,
        cluster_scale=cluster_scale,
        period_scale=0.15 * same,
        factor_scale=0.2 * same,
    )


def draw_parameters(
    prior: DrawsParameters, outcomes: Sequence[Outcome] = OUTCOMES, *, rng: np.random.Generator
) -> Parameters:
    """Draw a world's population parameters from a prior.

    Parameters
    ----------
    prior
        A :class:`coterie.PopulationPrior`, or anything with its ``draw``.
    outcomes
        What the world will measure.
    rng
        Source of chance.
    """
    return read_parameters(prior.draw(tuple(outcomes), rng=rng), tuple(outcomes))


def _checked(name: str, value: Any, size: int) -> Floats:
    array = np.array(value, dtype=np.float64)
    if array.shape != (size,):
        raise EvidenceError(
            f"parameter {name!r} has shape {array.shape}; {size} outcomes need shape ({size},). "
            "State one value an outcome."
        )
    allowed = np.isfinite(array)
    if name == names.KAPPA:
        allowed = array > 0
    elif name != names.ALPHA:
        allowed &= array >= 0
    if not allowed.all():
        place = int(np.flatnonzero(~allowed)[0])
        raise EvidenceError(
            f"parameter {name!r} is {array[place]} for outcome {place}; {int((~allowed).sum())} of "
            f"{size} are like this. Scales and loading are 0 or more, kappa is above 0."
        )
    array.setflags(write=False)
    return array


def read_parameters(
    given: Parameters | Mapping[str, Any] | None, outcomes: Sequence[Outcome]
) -> Parameters:
    """Return parameters for these outcomes: those given, or plausible ones."""
    if given is None:
        return plausible(outcomes)
    if isinstance(given, Mapping):
        given = _from_mapping(given)
    if given.alpha.size != len(outcomes):
        raise EvidenceError(
            f"parameters are stated for {given.alpha.size} outcomes; this world has "
            f"{len(outcomes)}: {[o.name for o in outcomes]}. State one value an outcome."
        )
    return given


def _from_mapping(given: Mapping[str, Any]) -> Parameters:
    wanted = [f.name for f in dataclasses.fields(Parameters) if f.name != FACTOR_SCALE]
    absent = [name for name in wanted if name not in given]
    if absent:
        raise EvidenceError(
            f"parameters lack {', '.join(absent)}; {len(absent)} of {len(wanted)} are absent. "
            "Add them (0 switches a scale or a loading off)."
        )
    by_factor = {
        name.removeprefix(names.FACTOR_SCALE): given[name]
        for name in given
        if name.startswith(names.FACTOR_SCALE)
    }
    scale = by_factor or given.get(FACTOR_SCALE, {})
    return Parameters(**{name: given[name] for name in wanted}, factor_scale=scale)


def quieten(parameters: Parameters, outcomes: Sequence[Outcome]) -> Parameters:
    """Take loading from outcomes that do not inform membership."""
    informs = np.array([bool(o.informs) for o in outcomes])
    return dataclasses.replace(parameters, loading=np.where(informs, parameters.loading, 0.0))


def check_outcomes(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes if each counts a numerator of its own."""
    counted = [o.numerator for o in outcomes]
    twice = sorted({name for name in counted if counted.count(name) > 1})
    if twice or not counted:
        found = f"{twice[0]!r} is counted by two outcomes" if twice else "there is no outcome"
        raise EvidenceError(f"{found}. A world draws each numerator from exactly one outcome.")
    return tuple(outcomes)


def check_late(
    delays: Mapping[str, float], read_after: Sequence[float], outcomes: Sequence[Outcome]
) -> None:
    """Refuse delays of outcomes that are not there, or that are no days above 0."""
    known = [o.name for o in outcomes]
    strange = [name for name in delays if name not in known]
    if strange:
        raise EvidenceError(
            f"there is a delay of {strange[0]!r}, which is not measured; {len(strange)} of "
            f"{len(delays)} are like this. This world measures {', '.join(map(repr, known))}."
        )
    odd = [name for name, days in delays.items() if not _is_days(days) or days == 0]
    if odd:
        raise EvidenceError(
            f"the delay of {odd[0]!r} is {delays[odd[0]]!r}; {len(odd)} of {len(delays)} are like "
            "this. It is a mean number of days above 0; leave an outcome out that has none."
        )
    if bool(delays) != bool(len(read_after)) or not all(map(_is_days, read_after)):
        raise EvidenceError(
            f"delays are {dict(delays)} and rows are read {tuple(read_after)!r} days after their "
            "period. State both, or neither; days are numbers of 0 or more."
        )


def _is_days(value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return bool(number and 0 <= value < np.inf)


def check_probabilities(**stated: float | Sequence[float]) -> None:
    """Refuse a probability outside [0, 1], naming it."""
    for name, prob in stated.items():
        if not np.all((np.asarray(prob) >= 0) & (np.asarray(prob) <= 1)):
            raise EvidenceError(f"{name} is {prob}; it is a probability from 0 to 1.")


def label_all(word: str, asked: int | Sequence[str]) -> Any:
    """Return labels: those asked for, or as many numbered words, which sort as they stand."""
    if isinstance(asked, int):
        width = len(str(asked))
        asked = [f"{word} {i:0{width}d}" for i in range(1, asked + 1)]
    given = np.asarray(asked)
    if given.size == 0 or len(np.unique(given)) < given.size:
        raise EvidenceError(
            f"{given.size} labels of {word!r}, {len(np.unique(given))} of them distinct. "
            "A world needs 1 or more, each named once."
        )
    return given


def label_levels(factors: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Return the labels of every factor's levels."""
    taken = {word for word in vars(names).values() if isinstance(word, str)} | {MEMBER, PRESENT}
    for name in factors:
        if name in taken:
            raise EvidenceError(
                f"factor {name!r} bears a name that truth uses itself. Call it otherwise."
            )
    return {name: tuple(label_all(name, count).tolist()) for name, count in factors.items()}
