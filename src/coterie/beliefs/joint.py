"""Joint priors: one log density over several population parameters.

Makes :class:`JointPrior`. Callers may trust that a density which does not fall off
along some axis was refused, or was declared improper by the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from coterie import names
from coterie.beliefs.parameters import NOT_NEGATIVE, POSITIVE
from coterie.errors import BeliefError
from coterie.typing import Floats

ALLOWED: Final = (
    names.ALPHA,
    names.LOADING,
    names.KAPPA,
    names.KAPPA_SPREAD,
    names.ARTIST_SCALE,
    names.CLUSTER_SCALE,
    names.PERIOD_SCALE,
    names.SLOPE,
)
"""Parameters that a joint prior may be over."""

_FAR: Final = np.array([20.0, 40.0, 80.0, 160.0, 320.0, 640.0])
_LEAST_FALL: Final = 1e-6


class WrongSizeError(BeliefError):
    """A density that fails, as one does that is made for tables of another size."""


@dataclass(frozen=True, slots=True)
class JointPrior:
    """A log density over several parameters, which have no other prior.

    Attributes
    ----------
    log_density
        Called with one keyword for each parameter of ``over``: arrays or tensors over
        (outcome,), ``slope`` over (covariate, outcome), in natural units. Returns one
        number, the log density with respect to those parameters, up to a constant.
    over
        Names of the parameters.
    improper
        Whether the user declared that it does not integrate to a finite mass.
    """

    log_density: Callable[..., Any]
    over: tuple[str, ...]
    improper: bool = False

    def __post_init__(self) -> None:
        if not callable(self.log_density):
            raise BeliefError(f"A joint prior needs a function; got {self.log_density!r}.")
        unknown = [name for name in self.over if name not in ALLOWED]
        if unknown or not self.over or len(set(self.over)) < len(self.over):
            raise BeliefError(
                f"A joint prior is over {self.over!r}; name each parameter once, out of "
                f"{', '.join(ALLOWED)}."
            )

    def evaluate(self, values: Mapping[str, Any]) -> float:
        """Return the log density at arrays; minus infinity where it underflows."""
        with np.errstate(all="ignore"):
            found = self.log_density(**{name: values[name] for name in self.over})
        # A density written with PyTensor's own functions gives a constant tensor.
        evaluate = getattr(found, "eval", None)
        number = np.asarray(found if evaluate is None else evaluate(), dtype=np.float64)
        if number.size != 1:
            raise BeliefError(
                f"A joint prior returned {number.size} numbers of shape {number.shape}, not one "
                "log density. Sum over outcomes: write (...).sum()."
            )
        return float(number.reshape(()))

    def check(self, outcomes: int = 1, covariates: int = 1) -> None:
        """Refuse a density that does not fall off along some axis, unless declared improper.

        Raises
        ------
        WrongSizeError
            If the density fails, as one does that is made for another number of outcomes.
        BeliefError
            Naming the parameter and the direction.
        """
        try:
            self._check(outcomes, covariates)
        except BeliefError:
            raise
        except (IndexError, ValueError) as error:
            raise WrongSizeError(
                f"The joint prior over {', '.join(self.over)} failed with {outcomes} "
                f"outcome{'s' * (outcomes > 1)} and {covariates} covariate{'s' * (covariates > 1)}"
                f": {error}. If it is made for another number of them, state one for this table."
            ) from error

    def _check(self, outcomes: int, covariates: int) -> None:
        centre = self._centre(outcomes, covariates)
        here = self.evaluate(centre)
        if not np.isfinite(here):
            raise BeliefError(
                f"A joint prior over {', '.join(self.over)} is {here} where positive parameters "
                "are 1 and others 0. Its log density must be finite there."
            )
        if self.improper:
            return
        for name in self.over:
            for place in np.ndindex(centre[name].shape):
                for toward in ("large", "small"):
                    self._check_axis(centre, name, place, toward)

    def _centre(self, outcomes: int, covariates: int) -> dict[str, Floats]:
        positive = POSITIVE | NOT_NEGATIVE
        return {
            name: np.full(
                (covariates, outcomes) if name == names.SLOPE else (outcomes,),
                1.0 if name in positive else 0.0,
            )
            for name in self.over
        }

    def _check_axis(
        self, centre: dict[str, Floats], name: str, place: tuple[int, ...], toward: str
    ) -> None:
        """Follow log x to plus and minus 640: there the mass of each unit must shrink."""
        positive = name in POSITIVE | NOT_NEGATIVE
        sign = 1.0 if toward == "large" else -1.0
        masses = []
        for step in _FAR:
            moved = {k: v.copy() for k, v in centre.items()}
            log_size = sign * step if positive else step
            moved[name][place] = np.exp(log_size) if positive else sign * np.exp(log_size)
            masses.append(self.evaluate(moved) + log_size)
        mass = np.array(masses)
        if np.isneginf(mass).any():
            return
        known = np.flatnonzero(np.isfinite(mass))
        last = known[-2:]
        falls = known.size > 1 and (np.diff(mass[last]) < -_LEAST_FALL * np.diff(_FAR[last])).all()
        if not falls:
            raise BeliefError(
                f"The joint prior over {', '.join(self.over)} does not fall off as {name} becomes "
                f"{'very large' if sign > 0 else ('very small' if positive else 'very negative')}: "
                "it has no finite mass. State a proper density, or say improper=True if the "
                "posterior is known to be proper."
            )


def check_disjoint(joints: Sequence[JointPrior]) -> None:
    """Refuse a parameter that stands in two joint priors."""
    every = [name for joint in joints for name in joint.over]
    twice = sorted({name for name in every if every.count(name) > 1})
    if twice:
        raise BeliefError(f"{twice[0]} stands in two joint priors. State each parameter once.")
