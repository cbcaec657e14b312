"""Operations: the compiled densities as PyTensor's own, for the model that PyMC reads.

Makes :data:`log_likelihood` and :data:`late_log_likelihood`, and the expression of the share that
has arrived. Callers may trust that values and slopes are those of the sampled density: both are
the same compiled code. Sampling wakes none of this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from numba import njit
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic as numba_dispatch

from coterie.beliefs import fit_law
from coterie.beliefs.density import log_likelihood_and_slopes
from coterie.beliefs.late_density import late_log_likelihood_and_slopes
from coterie.beliefs.maturity import LEAST

_OF_TWO = 2
_OF_THREE = 3
_ONE = np.float64(1.0)


def arrived(read: dict[str, Any], late: list[int], delay: Any, shape: Any) -> Any:
    """Return the share of each observation that has arrived, as an expression: (observation,).

    Parameters
    ----------
    read
        Tensors by the names of :meth:`Ages.arrays`, and ``outcome_code``.
    late
        Outcomes that have a delay.
    delay, shape
        Over (outcome,).
    """
    column = np.full(max(late) + 1, 0)
    column[late] = np.arange(len(late))
    days, bend = delay[late], shape[late]
    log_scale = pt.log(days) - pt.gammaln(_ONE + _ONE / bend)
    reach = pt.exp(bend * (read["log_age"][:, :, None] - log_scale))
    table = (-pt.expm1(-reach) * read["age_mass"][:, :, None]).sum(axis=1)
    at = pt.as_tensor(column)[read["entry_outcome"]]
    own = table[read["entry_interval"], at] * read["entry_share"]
    none = pt.zeros(read["outcome_code"].shape[0])
    total = pt.inc_subtensor(none[read["entry_observation"]], own)
    there = pt.set_subtensor(none[read["entry_observation"]], _ONE)
    return pt.switch(pt.gt(there, 0), pt.clip(total, np.float64(LEAST), _ONE), _ONE)


class LogLikelihood(Op):
    """Log likelihood of all observations, with its slopes."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take eta, log kappa, y, n, is count and weight: (observation,) each."""
        kinds = [*["float64"] * 4, "bool", "float64"]
        typed = [pt.as_tensor(x).astype(kind) for x, kind in zip(inputs, kinds, strict=True)]
        outputs = [pt.scalar(dtype="float64"), *[pt.vector(dtype="float64") for _ in range(2)]]
        return Apply(self, typed, outputs)

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:  # noqa: ARG002
        """Run the compiled code outside numba graphs."""
        for storage, value in zip(outputs, log_likelihood_and_slopes(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def infer_shape(self, node: Any, shapes: Any) -> list[Any]:  # noqa: ARG002
        """Return a scalar and twice (observations,)."""
        return [(), (shapes[0][0],), (shapes[0][0],)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Only eta and log kappa are differentiated, and only through the value."""
        return [[i < _OF_TWO, False, False] for i in range(len(node.inputs))]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Pull a gradient back through the stored slopes."""
        rest = [DisconnectedType()() for _ in inputs[_OF_TWO:]]
        return [*(cotangents[0] * slope for slope in outputs[1:]), *rest]


@numba_dispatch.register_funcify_default_op_cache_key(LogLikelihood)
def _numba_log_likelihood(op: LogLikelihood, node: Any, **_: Any) -> Any:  # noqa: ARG001
    @numba_dispatch.numba_njit
    def log_likelihood_numba(
        eta: Any, log_kappa: Any, y: Any, n: Any, is_count: Any, weight: Any
    ) -> Any:
        total, by_eta, by_log_kappa = log_likelihood_and_slopes(
            eta, log_kappa, y, n, is_count, weight
        )
        return np.array(total), by_eta, by_log_kappa

    return log_likelihood_numba, 3


log_likelihood = LogLikelihood()


class LateLogLikelihood(Op):
    """Log likelihood of all observations where counts are not all there yet."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take eta, log kappa, mature, y, n, is count and weight: (observation,) each."""
        kinds = [*["float64"] * 5, "bool", "float64"]
        typed = [pt.as_tensor(x).astype(kind) for x, kind in zip(inputs, kinds, strict=True)]
        outputs = [pt.scalar(dtype="float64"), *[pt.vector(dtype="float64") for _ in range(3)]]
        return Apply(self, typed, outputs)

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:  # noqa: ARG002
        """Run the compiled code outside numba graphs."""
        for storage, value in zip(outputs, late_log_likelihood_and_slopes(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def infer_shape(self, node: Any, shapes: Any) -> list[Any]:  # noqa: ARG002
        """Return a scalar and three times (observations,)."""
        return [(), *[(shapes[0][0],)] * 3]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Eta, log kappa and maturity are differentiated, only through the value."""
        return [[i < _OF_THREE, False, False, False] for i in range(len(node.inputs))]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Pull a gradient back through the stored slopes."""
        rest = [DisconnectedType()() for _ in inputs[_OF_THREE:]]
        return [*(cotangents[0] * slope for slope in outputs[1:]), *rest]


@numba_dispatch.register_funcify_default_op_cache_key(LateLogLikelihood)
def _numba_late_log_likelihood(op: LateLogLikelihood, node: Any, **_: Any) -> Any:  # noqa: ARG001
    @numba_dispatch.numba_njit
    def late_log_likelihood_numba(
        eta: Any, log_kappa: Any, mature: Any, y: Any, n: Any, is_count: Any, weight: Any
    ) -> Any:
        total, by_eta, by_log_kappa, by_mature = late_log_likelihood_and_slopes(
            eta, log_kappa, mature, y, n, is_count, weight
        )
        return np.array(total), by_eta, by_log_kappa, by_mature

    return late_log_likelihood_numba, 2


late_log_likelihood = LateLogLikelihood()


@njit(cache=True)
def _fits(value: Any) -> Any:
    found, slope = np.empty(value.size), np.empty(value.size)
    for i in range(value.size):
        found[i], slope[i], _ = fit_law.log_density(value[i])
    return found, slope


class FitLogDensity(Op):
    """Log density of each lasting fit, with its slope."""

    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        """Take fits: (pair,)."""
        outputs = [pt.vector(dtype="float64") for _ in range(2)]
        return Apply(self, [pt.as_tensor(inputs[0]).astype("float64")], outputs)

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:  # noqa: ARG002
        """Run the compiled code outside numba graphs."""
        for storage, value in zip(outputs, _fits(inputs[0]), strict=True):
            storage[0] = value

    def infer_shape(self, node: Any, shapes: Any) -> list[Any]:  # noqa: ARG002
        """Return twice (pair,)."""
        return [shapes[0], shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:  # noqa: ARG002
        """Fits are differentiated, only through the value."""
        return [[True, False]]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:  # noqa: ARG002
        """Pull a gradient back through the stored slopes."""
        return [cotangents[0] * outputs[1]]


@numba_dispatch.register_funcify_default_op_cache_key(FitLogDensity)
def _numba_fit_log_density(op: FitLogDensity, node: Any, **_: Any) -> Any:  # noqa: ARG001
    @numba_dispatch.numba_njit
    def fit_log_density_numba(value: Any) -> Any:
        return _fits(value)

    return fit_log_density_numba, 1


def fit_log_density(value: Any) -> Any:
    """Return the log density of lasting fits: (pair,)."""
    return FitLogDensity()(value)[0]
