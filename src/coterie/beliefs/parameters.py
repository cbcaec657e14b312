"""One prior of one population parameter, and the stated defaults.

Every prior is in natural units (log odds, pseudo-listeners, standard deviations)
and carries the reason somebody may argue with. Knows nothing of PyMC: the model
reads ``family``, ``first`` and ``second``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from scipy import stats

from coterie import names
from coterie.errors import BeliefError
from coterie.typing import Floats

Family = Literal["normal", "lognormal", "halfnormal", "concentration", "fixed", "joint"]

FACTOR_SCALE = "factor_scale"
LATE = (names.DELAY, names.DELAY_SHAPE)
_EITHER_SIGN = frozenset({names.ALPHA, names.SLOPE})
POSITIVE = frozenset({names.KAPPA, names.DELAY_SHAPE})
NOT_NEGATIVE = frozenset(
    {
        names.LOADING,
        names.KAPPA_SPREAD,
        names.ARTIST_SCALE,
        names.CLUSTER_SCALE,
        names.PERIOD_SCALE,
        FACTOR_SCALE,
        names.DELAY,
    }
)
_NEVER_ZERO = frozenset({names.KAPPA, names.DELAY_SHAPE})
_MOST: Final = 1e15
"""The largest concentration; past it counts scatter as if it were infinite."""


@dataclass(frozen=True, slots=True)
class ParameterPrior:
    """Prior of one population parameter. Make it with one of the constructors.

    Attributes
    ----------
    family
        ``"normal"``, ``"lognormal"``, ``"halfnormal"``, ``"concentration"`` or ``"fixed"``;
        ``"joint"`` where the parameter has no prior of its own.
    first, second
        Mean and sd (normal); log median and log sd (lognormal); sd and 0 (halfnormal);
        sd of ``1 / sqrt(kappa)`` and 0 (concentration); value and 0 (fixed).
    reason
        One line somebody may argue with.

    Examples
    --------
    >>> prior = co.ParameterPrior("halfnormal", 0.5, 0.0, "clusters differ by less than threefold")
    >>> round(prior.cdf(0.5), 2)
    0.68
    """

    family: Family
    first: float
    second: float
    reason: str = ""

    def __post_init__(self) -> None:
        numbers = all(isinstance(v, int | float | np.number) for v in (self.first, self.second))
        if not numbers or math.isnan(self.first) or math.isnan(self.second):
            raise BeliefError(f"A prior needs numbers; got {self.first!r} and {self.second!r}.")
        own = {"halfnormal": self.first, "concentration": self.first, "fixed": 1.0}
        scale = own.get(self.family, self.second)
        if not 0 < scale < math.inf:
            raise BeliefError(
                f"The spread of a {self.family} prior is {scale}; it must be positive and finite. "
                "Use ParameterPrior.fixed(value) to state a parameter exactly."
            )

    @classmethod
    def normal(cls, mean: float, sd: float, *, reason: str = "") -> ParameterPrior:
        """State a mean and a standard deviation."""
        return cls("normal", float(mean), float(sd), reason)

    @classmethod
    def lognormal(cls, median: float, log_sd: float, *, reason: str = "") -> ParameterPrior:
        """State a median above 0 and the standard deviation of its logarithm."""
        if not median > 0:
            raise BeliefError(f"The median of a log-normal prior is {median}; it must be positive.")
        return cls("lognormal", math.log(median), float(log_sd), reason)

    @classmethod
    def halfnormal(cls, sd: float, *, reason: str = "") -> ParameterPrior:
        """State the scale of a parameter that is at least 0."""
        return cls("halfnormal", float(sd), 0.0, reason)

    @classmethod
    def concentration(cls, scatter: float, *, reason: str = "") -> ParameterPrior:
        """State the scale of ``1 / sqrt(kappa)``, which is half-normal: no scatter is likeliest.

        A penalised-complexity prior of kappa (Simpson, Rue, Riebler, Martins and Sorbye, 2017,
        *Statistical Science* 32): what has no overdispersion is the simpler model, and mass falls
        off with the distance from it.
        """
        return cls("concentration", float(scatter), 0.0, reason)

    @classmethod
    def fixed(cls, value: float, *, reason: str = "stated") -> ParameterPrior:
        """State the parameter exactly; ``inf`` for kappa means no overdispersion at all."""
        return cls("fixed", float(value), 0.0, reason)

    def check_range(self, parameter: str) -> None:
        """Raise where this prior reaches outside the parameter's range."""
        if self.family == "concentration" and parameter != names.KAPPA:
            raise BeliefError(f"Only kappa is a concentration; {parameter} has prior {self}.")
        if self.family in {"joint", "concentration"}:
            return
        if parameter in _EITHER_SIGN and self.family not in {"normal", "fixed"}:
            raise BeliefError(
                f"{parameter} has either sign, and {self} does not. Use normal or fixed."
            )
        if parameter in POSITIVE | NOT_NEGATIVE:
            low = self.first if self.family == "fixed" else 0.0
            if self.family == "normal" or low < 0 or (parameter in _NEVER_ZERO and self._zero()):
                raise BeliefError(
                    f"{parameter} cannot be negative{' or zero' if parameter in POSITIVE else ''}, "
                    f"and {self} allows it. Use lognormal, halfnormal or a fixed value above 0."
                )
        if parameter in LATE and self.family not in {"lognormal", "fixed"}:
            raise BeliefError(f"{parameter} is lognormal or fixed, and the prior is {self}.")
        if self.family == "fixed" and math.isinf(self.first) and parameter != names.KAPPA:
            raise BeliefError(f"Only kappa may be stated infinite; {parameter} is {self.first}.")

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        if self.family == "joint":
            raise BeliefError("A parameter of a joint prior has no prior of its own to draw from.")
        if self.family == "fixed":
            return self.first
        value = float(self._law().rvs(random_state=rng))
        return _of_scatter(value) if self.family == "concentration" else value

    def quantile(self, prob: float) -> float:
        """Return a quantile, ``prob`` in (0, 1); NaN where the prior is joint."""
        if self.family == "joint":
            return math.nan
        if self.family == "fixed":
            return self.first
        if self.family == "concentration":
            return _of_scatter(float(self._law().isf(prob)))
        return float(self._law().ppf(prob))

    def cdf(self, value: float) -> float:
        """Return the probability of at most this value."""
        if self.family == "fixed":
            return float(value >= self.first)
        if self.family == "concentration":
            return float(self._law().sf(value**-0.5)) if value > 0 else 0.0
        return float(self._law().cdf(value))

    def log_densities(self, values: Floats) -> Floats:
        """Return the log density at values, of a prior that is neither fixed nor joint."""
        if self.family == "concentration":
            with np.errstate(divide="ignore", invalid="ignore"):
                at = np.asarray(values, dtype=np.float64)
                # Of the scatter, and by how much it moves with kappa.
                own: Floats = self._law().logpdf(at**-0.5) - 1.5 * np.log(at) - math.log(2.0)
            return np.where(at > 0, own, -np.inf)
        found: Floats = np.asarray(self._law().logpdf(values), dtype=np.float64)
        return found

    def __str__(self) -> str:
        first, second = f"{self.first:.4g}", f"{self.second:.4g}"
        return {
            "normal": f"Normal({first}, {second})",
            "lognormal": f"LogNormal(median {math.exp(min(self.first, 700)):.4g}, log sd {second})",
            "halfnormal": f"HalfNormal({first})",
            "concentration": f"Concentration(scatter {first})",
            "fixed": f"fixed at {first}",
            "joint": "joint",
        }[self.family]

    def _zero(self) -> bool:
        return self.family == "fixed" and self.first == 0

    def _law(self) -> Any:
        if self.family == "normal":
            return stats.norm(self.first, self.second)
        if self.family == "lognormal":
            return stats.lognorm(self.second, scale=math.exp(self.first))
        # Of a concentration: the law of its scatter, 1 / sqrt(kappa).
        return stats.halfnorm(scale=self.first)


def _of_scatter(scatter: float) -> float:
    return 1.0 / max(scatter * scatter, 1.0 / _MOST)


_SHARED: Mapping[str, ParameterPrior] = {
    names.LOADING: ParameterPrior.halfnormal(
        1.0, reason="between an artist's clusters, odds differ lastingly by 2 to 8 times"
    ),
    names.KAPPA_SPREAD: ParameterPrior.fixed(
        0.0, reason="cells scatter alike in all clusters; one cell a pair could not tell otherwise"
    ),
    names.ARTIST_SCALE: ParameterPrior.halfnormal(
        0.5, reason="between artists, odds differ by a factor of about 1.4, seldom above 2.7"
    ),
    names.CLUSTER_SCALE: ParameterPrior.halfnormal(
        0.5, reason="between clusters, odds differ by a factor of about 1.4, seldom above 2.7"
    ),
    names.PERIOD_SCALE: ParameterPrior.halfnormal(
        0.5, reason="a cluster's level drifts between windows; learned from two windows or more"
    ),
    FACTOR_SCALE: ParameterPrior.halfnormal(
        0.5, reason="between levels of a factor, odds differ by a factor of about 1.4"
    ),
    names.SLOPE: ParameterPrior.normal(
        0.0, 0.5, reason="one unit of a covariate changes odds by up to a factor of 2.7"
    ),
    names.DELAY: ParameterPrior.fixed(
        0.0, reason="what is counted has all arrived when it is counted"
    ),
    names.DELAY_SHAPE: ParameterPrior.fixed(
        1.0, reason="who has not responded yet is as likely to tomorrow as today"
    ),
}
_ALPHA_BINARY = ParameterPrior.normal(
    -2.0, 2.0, reason="rates of an average artist in an average cluster, 0.3 % to 78 %"
)
_KAPPA_BINARY = ParameterPrior.concentration(
    0.05, reason="most of what is seen lasts: a cell's rate is worth 100 listeners or far more"
)
_ALPHA_COUNT = ParameterPrior.normal(0.0, 2.0, reason="0.04 to 27 events per unit of exposure")
_KAPPA_COUNT = ParameterPrior.concentration(
    0.2, reason="most of what is seen lasts: a cell's intensity scatters by up to 40 %"
)

BINARY_DEFAULTS: Mapping[str, ParameterPrior] = {
    names.ALPHA: _ALPHA_BINARY,
    names.KAPPA: _KAPPA_BINARY,
    **_SHARED,
}
COUNT_DEFAULTS: Mapping[str, ParameterPrior] = {
    names.ALPHA: _ALPHA_COUNT,
    names.KAPPA: _KAPPA_COUNT,
    **_SHARED,
}


def _streaming(alpha: ParameterPrior) -> dict[str, ParameterPrior]:
    return {
        names.ALPHA: alpha,
        names.ARTIST_SCALE: ParameterPrior.halfnormal(
            0.4, reason="artists' rates differ by a factor of 1.5 either way, seldom by 2.2"
        ),
        names.CLUSTER_SCALE: ParameterPrior.halfnormal(
            0.25, reason="audiences answer an average artist alike, to a quarter either way"
        ),
    }


def _share(rate: float, reason: str) -> dict[str, ParameterPrior]:
    centre = math.log(rate / (1 - rate))
    return _streaming(ParameterPrior.normal(centre, 0.7, reason=reason))


PRESETS: Mapping[str, Mapping[str, Mapping[str, ParameterPrior]]] = {
    "streaming campaign": {
        "save": _share(0.06, "6 % of listeners save, 1.5 % to 20 % plausible"),
        "add": _share(0.035, "3.5 % of listeners add to a playlist, 0.9 % to 12 % plausible"),
        "follow": _share(0.015, "1.5 % of listeners follow, 0.4 % to 6 % plausible"),
        "depth": _streaming(
            ParameterPrior.normal(0.2, 0.7, reason="1.2 streams deeper, 0.3 to 5 plausible")
        ),
    }
}
