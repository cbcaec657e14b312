"""Population prior: what was believed of how listeners of any artist respond.

Makes :class:`PopulationPrior`: one prior for each parameter, or one log density over
several of them. Callers may trust that each states its unit and its reason, and that no
parameter has two.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from coterie import names
from coterie.beliefs.joint import JointPrior, WrongSizeError, check_disjoint
from coterie.beliefs.parameters import (
    BINARY_DEFAULTS,
    COUNT_DEFAULTS,
    LATE,
    PRESETS,
    ParameterPrior,
)
from coterie.errors import BeliefError, ImproperPriorWarning
from coterie.evidence import Outcome
from coterie.typing import Floats

_JOINT = ParameterPrior("joint", 0.0, 1.0, "stated with others, as one density")


@dataclass(frozen=True, slots=True)
class PopulationPrior:
    """Belief, before any evidence, about how listeners respond to any artist.

    One :class:`ParameterPrior` for each parameter, by kind of outcome, with overrides
    by outcome. The default is fixed: it is never centred on the table at hand, which
    would use the evidence twice.

    Attributes
    ----------
    binary, count
        Priors by parameter name for outcomes of each kind.
    overrides
        Priors by ``(outcome, parameter)``.
    joint
        Log densities over several parameters, which have no other prior.

    Examples
    --------
    >>> import coterie as co
    >>> prior = co.PopulationPrior().replace(kappa_spread=co.ParameterPrior.fixed(0.0))
    >>> prior.of("save", "binary", "kappa_spread").family
    'fixed'
    """

    binary: Mapping[str, ParameterPrior] = field(default_factory=lambda: dict(BINARY_DEFAULTS))
    count: Mapping[str, ParameterPrior] = field(default_factory=lambda: dict(COUNT_DEFAULTS))
    overrides: Mapping[tuple[str, str], ParameterPrior] = field(default_factory=dict)
    joint: tuple[JointPrior, ...] = ()

    def __post_init__(self) -> None:
        for stated in (self.binary, self.count):
            absent = [name for name in BINARY_DEFAULTS if name not in stated]
            if absent:
                raise BeliefError(
                    f"A PopulationPrior states every parameter, and this one lacks {absent[0]!r} "
                    f"({len(absent)} of {len(BINARY_DEFAULTS)}). Change some with replace()."
                )
            for name, prior in stated.items():
                _check_parameter(name, prior)
        for (_, name), prior in self.overrides.items():
            _check_parameter(name, prior)
        check_disjoint(self.joint)

    @classmethod
    def preset(cls, name: str) -> PopulationPrior:
        """Return a narrower, named belief: see ``PopulationPrior.presets()``.

        Raises
        ------
        BeliefError
            If no preset has this name; close matches are named.
        """
        if name not in PRESETS:
            raise BeliefError(f"There is no preset {name!r}. {_did_you_mean(name, PRESETS)}")
        prior = cls()
        for outcome, changes in PRESETS[name].items():
            prior = prior.replace(outcome=outcome, **changes)
        return prior

    @classmethod
    def streaming(cls) -> PopulationPrior:
        """Return priors of the size that rates of a streaming campaign really have.

        For a table of one artist, which cannot say how clusters and cells differ: there the prior
        of ``cluster_scale`` says how much of a difference is the cluster's own, and that of
        ``kappa`` how much will not be seen again.
        """
        return cls.preset("streaming campaign")

    @staticmethod
    def presets() -> list[str]:
        """Return the names of the presets."""
        return list(PRESETS)

    def replace(self, *, outcome: str | None = None, **changes: ParameterPrior) -> PopulationPrior:
        """Return a copy with some priors replaced, by parameter name.

        Parameters
        ----------
        outcome
            Name of the one outcome concerned; left out, every outcome.
        **changes
            ``alpha``, ``loading``, ``kappa``, ``kappa_spread``, ``artist_scale``,
            ``cluster_scale``, ``period_scale``, ``factor_scale``, ``slope`` (for one unit of each
            covariate), ``delay`` (mean days until a response; 0: at once), ``delay_shape``
            (Weibull; 1: exponential).

        Raises
        ------
        BeliefError
            If a parameter is unknown, or its prior reaches outside its range.
        """
        for name, prior in changes.items():
            if name == "uplift":
                raise BeliefError(
                    "There is no uplift: home is the cluster of the highest lasting fit, and "
                    "loading says how far fits differ. State a prior of loading."
                )
            if name not in BINARY_DEFAULTS:
                raise BeliefError(
                    f"There is no population parameter {name!r}. "
                    f"{_did_you_mean(name, BINARY_DEFAULTS)}"
                )
            _check_parameter(name, prior)
            if name in self.jointly:
                raise BeliefError(
                    f"{name} stands in a joint prior and can have no prior of its own. Start from "
                    "a PopulationPrior without it."
                )
        if outcome is not None:
            more = {(outcome, name): prior for name, prior in changes.items()}
            return replace(self, overrides={**self.overrides, **more})
        kept = {key: prior for key, prior in self.overrides.items() if key[1] not in changes}
        return PopulationPrior(
            {**self.binary, **changes}, {**self.count, **changes}, kept, self.joint
        )

    def with_joint(
        self,
        log_density: Callable[..., Any],
        *,
        over: Sequence[str],
        improper: bool = False,
    ) -> PopulationPrior:
        """Return a copy in which some parameters have one joint prior, and no other.

        Parameters
        ----------
        log_density
            Called with one keyword for each name in ``over``: arrays or tensors over
            (outcome,), ``slope`` over (covariate, outcome), in natural units. Returns one
            log density with respect to those parameters, constants left out. It must
            work on NumPy arrays and on PyTensor tensors alike: write it with arithmetic,
            ``np.log``, ``np.exp``, ``np.log1p`` and ``.sum()``.
        over
            ``alpha``, ``loading``, ``kappa``, ``kappa_spread``,
            ``artist_scale``, ``cluster_scale``, ``period_scale``, ``slope``.
        improper
            Say that the density has no finite mass, and that the posterior is proper.

        Raises
        ------
        BeliefError
            If a name is unknown or stands in two joint priors, or the density does not fall
            off along some parameter and was not declared improper.

        Warns
        -----
        ImproperPriorWarning
            If it was declared improper.

        Examples
        --------
        >>> import coterie as co
        >>> def density(artist_scale):
        ...     return -0.5 * (artist_scale**2).sum()
        >>> co.PopulationPrior().with_joint(density, over=("artist_scale",)).jointly
        ('artist_scale',)
        """
        made = JointPrior(log_density, (over,) if isinstance(over, str) else tuple(over), improper)
        check_disjoint([*self.joint, made])
        # One that ties several outcomes is checked with the table that has them.
        with suppress(WrongSizeError):
            made.check()
        if improper:
            warnings.warn(
                f"The joint prior over {', '.join(made.over)} is declared improper: whether the "
                "posterior exists cannot be seen from draws.",
                ImproperPriorWarning,
                stacklevel=2,
            )
        return replace(self, joint=(*self.joint, made))

    @property
    def jointly(self) -> tuple[str, ...]:
        """Parameters without a prior of their own."""
        return tuple(name for joint in self.joint for name in joint.over)

    def of(self, outcome: str, kind: str, parameter: str) -> ParameterPrior:
        """Return the prior of one parameter of one outcome."""
        if parameter in self.jointly:
            return _JOINT
        by_kind = self.count if kind == "count" else self.binary
        return self.overrides.get((outcome, parameter), by_kind[parameter])

    def for_outcomes(
        self, outcomes: Sequence[Outcome], parameter: str
    ) -> tuple[ParameterPrior, ...]:
        """Return one parameter's prior for each outcome; what informs nothing has no loading."""
        return tuple(
            ParameterPrior.fixed(0.0, reason="does not inform membership")
            if parameter == names.LOADING and not outcome.informs
            else self.of(outcome.name, outcome.kind, parameter)
            for outcome in outcomes
        )

    def late(self, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
        """Return the names of the outcomes that may have a delay."""
        priors = zip(outcomes, self.for_outcomes(outcomes, names.DELAY), strict=True)
        return tuple(o.name for o, p in priors if p.family != "fixed" or p.first > 0)

    def table(
        self, outcomes: Sequence[Outcome] | None = None, *, slopes: bool = False
    ) -> pd.DataFrame:
        """Return one row per parameter (and outcome): its prior in natural units and the reason.

        A parameter of a joint prior reads ``joint``, its bounds NaN: it has no marginal prior.
        Outcomes without a delay have no row for it.
        """
        if outcomes is None:
            pairs = [(kind, p, v) for kind in ("binary", "count") for p, v in self._of(kind)]
            pairs += [(o, p, v) for (o, p), v in self.overrides.items()]
            pairs = [(o, p, _JOINT if p in self.jointly else v) for o, p, v in pairs]
        else:
            pairs = [
                (o.name, parameter, prior)
                for parameter in BINARY_DEFAULTS
                if parameter != names.SLOPE or slopes
                for o, prior in zip(outcomes, self.for_outcomes(outcomes, parameter), strict=True)
            ]
        late = {which for which, p, v in pairs if p == names.DELAY and v.quantile(0.5) > 0}
        pairs = [pair for pair in pairs if pair[1] not in LATE or pair[0] in late]
        rows = [
            {
                "outcome": which,
                "parameter": parameter,
                "prior": str(prior),
                "lower": prior.quantile(0.05),
                "median": prior.quantile(0.5),
                "upper": prior.quantile(0.95),
                "reason": prior.reason,
            }
            for which, parameter, prior in pairs
        ]
        return pd.DataFrame(rows)

    def draw(self, outcomes: Sequence[Outcome], *, rng: np.random.Generator) -> dict[str, Floats]:
        """Draw one population: each parameter over ``(outcome,)``; slopes are left out.

        Raises
        ------
        BeliefError
            If some parameters have a joint prior: a density alone cannot be drawn from.
        """
        if self.joint:
            raise BeliefError(
                f"{', '.join(self.jointly)} have a joint prior, which is a density and cannot be "
                "drawn from. State priors of their own to draw populations."
            )
        return {
            parameter: np.array(
                [prior.draw(rng) for prior in self.for_outcomes(outcomes, parameter)]
            )
            for parameter in BINARY_DEFAULTS
            if parameter != names.SLOPE
        }

    def _of(self, kind: str) -> list[tuple[str, ParameterPrior]]:
        return list((self.count if kind == "count" else self.binary).items())


def _check_parameter(name: str, prior: Any) -> None:
    if not isinstance(prior, ParameterPrior):
        raise BeliefError(
            f"The prior of {name} is {prior!r}; state one, for example ParameterPrior.fixed(...) "
            "or ParameterPrior.lognormal(...)."
        )
    prior.check_range(name)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    return (
        f"Did you mean {' or '.join(map(repr, close))}?" if close else f"Known: {', '.join(known)}."
    )
