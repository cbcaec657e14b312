r"""Late density: the log mass of counts of which some are still to come.

Of a count that has matured to a share ``m`` of its final size, ``y | p ~ Binomial(n, m p)``
with ``p`` Beta about ``mu``. That mixture is read as the Beta-Binomial of the same mean and
variance, whose concentration is

.. math::

    \kappa' + 1 = \frac{1 - m\mu}{m (1 - \mu)} (\kappa + 1)

Counts of events need no such reading: their exposure is ``m`` times as large. Callers may
trust that at ``m = 1`` these are the masses of :mod:`coterie.beliefs.density`, and that the
slopes are those of the value returned. :mod:`coterie.beliefs.maturity` says what share has
arrived; the sampler's expression of it, :func:`symbolic`, stands here behind PyTensor's door.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from pytensor import tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch import basic as numba_dispatch

from coterie.beliefs.density import log_kernel, shared_part
from coterie.beliefs.maturity import LEAST

_LEVEL_LIMIT = 250.0
_NO_SCATTER = 1e15
_SLOPES = 3
_ONE = np.float64(1.0)


def symbolic(read: dict[str, Any], late: list[int], delay: Any, shape: Any) -> Any:
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


@njit(cache=True)
def thinned(eta: float, kappa: float, mature: float) -> tuple[float, float, float]:
    """Return level and concentration of what has arrived of a share, and what kappa + 1 grew by.

    Parameters
    ----------
    eta, kappa
        Level and concentration of the final rate.
    mature
        Share that has arrived, in (0, 1].
    """
    level = min(max(eta, -_LEVEL_LIMIT), _LEVEL_LIMIT)
    mu, rest = 1.0 / (1.0 + math.exp(-level)), 1.0 / (1.0 + math.exp(level))
    left = rest + (1.0 - mature) * mu
    grown = left / (mature * rest)
    return math.log(mature) + math.log(mu) - math.log(left), grown * (kappa + 1.0) - 1.0, grown


@njit(cache=True)
def late_kernel(
    eta: float, kappa: float, mature: float, y: float, n: float, is_count: bool
) -> tuple[float, float, float, float]:
    """Return value and slopes in ``eta``, ``log(kappa)`` and ``mature`` of one log mass.

    As :func:`coterie.beliefs.density.log_kernel`, constants left out.
    """
    if mature == 1.0:
        s0, s1 = shared_part(kappa, y, n, is_count)
        value, slope, bend = log_kernel(eta, kappa, y, n, s0, s1, is_count)
        return value, slope, bend, 0.0
    if is_count:
        s0, s1 = shared_part(kappa, y, n, is_count)
        value, slope, bend = log_kernel(eta + math.log(mature), kappa, y, n, s0, s1, is_count)
        return value, slope, bend, slope / mature
    level = min(max(eta, -_LEVEL_LIMIT), _LEVEL_LIMIT)
    mu, rest = 1.0 / (1.0 + math.exp(-level)), 1.0 / (1.0 + math.exp(level))
    left = rest + (1.0 - mature) * mu
    moved, narrow, grown = thinned(level, kappa, mature)
    if narrow > _NO_SCATTER:
        narrow = math.inf
    s0, s1 = shared_part(narrow, y, n, is_count)
    value, slope, bend = log_kernel(moved, narrow, y, n, s0, s1, is_count)
    by_eta, by_log_kappa, by_mature = slope * rest / left, 0.0, slope / (mature * left)
    if not math.isinf(narrow):
        share = bend * (kappa + 1.0) / narrow
        by_eta += share * mu * (1.0 - mature) / (mature * rest)
        by_log_kappa = bend * grown * kappa / narrow
        by_mature -= share / (mature * mature * rest)
    return value, by_eta, by_log_kappa, by_mature


@njit(cache=True)
def _late_log_likelihood(
    eta: Any, log_kappa: Any, mature: Any, y: Any, n: Any, is_count: Any, weight: Any
) -> Any:
    total = 0.0
    slopes = np.empty((3, eta.size))
    for j in range(eta.size):
        value, by_eta, by_log_kappa, by_mature = late_kernel(
            eta[j], math.exp(log_kappa[j]), mature[j], y[j], n[j], is_count[j]
        )
        total += weight[j] * value
        slopes[0, j] = weight[j] * by_eta
        slopes[1, j] = weight[j] * by_log_kappa
        slopes[2, j] = weight[j] * by_mature
    return total, slopes[0], slopes[1], slopes[2]


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
        for storage, value in zip(outputs, _late_log_likelihood(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def infer_shape(self, node: Any, shapes: Any) -> list[Any]:  # noqa: ARG002
        """Return a scalar and three times (observations,)."""
        return [(), *[(shapes[0][0],)] * 3]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Eta, log kappa and maturity are differentiated, only through the value."""
        return [[i < _SLOPES, False, False, False] for i in range(len(node.inputs))]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Pull a gradient back through the stored slopes."""
        rest = [DisconnectedType()() for _ in inputs[_SLOPES:]]
        return [*(cotangents[0] * slope for slope in outputs[1:]), *rest]


@numba_dispatch.register_funcify_default_op_cache_key(LateLogLikelihood)
def _numba_late_log_likelihood(op: LateLogLikelihood, node: Any, **_: Any) -> Any:  # noqa: ARG001
    @numba_dispatch.numba_njit
    def late_log_likelihood_numba(
        eta: Any, log_kappa: Any, mature: Any, y: Any, n: Any, is_count: Any, weight: Any
    ) -> Any:
        total, by_eta, by_log_kappa, by_mature = _late_log_likelihood(
            eta, log_kappa, mature, y, n, is_count, weight
        )
        return np.array(total), by_eta, by_log_kappa, by_mature

    return late_log_likelihood_numba, 2


late_log_likelihood = LateLogLikelihood()
