"""Joint slopes: a user's log density over population parameters, with its gradient.

The one place where a fit may wake PyTensor: only where a joint prior was stated. Its graph is
small and is run step by step in Python, so that nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from coterie.beliefs.joint import JointPrior
from coterie.typing import Floats


class JointSlopes:
    """A joint prior's value and slopes at some parameters; one for each thread.

    Parameters
    ----------
    joint
        The prior.
    shapes
        Shape of each of its parameters, by name.
    """

    def __init__(self, joint: JointPrior, shapes: Mapping[str, tuple[int, ...]]) -> None:
        import pytensor
        import pytensor.tensor as pt

        tensors: Any = pytensor

        self.over = joint.over
        told = {name: pt.tensor(name, dtype="float64", shape=shapes[name]) for name in joint.over}
        value = pt.as_tensor(joint.log_density(**told)).sum()
        inputs = list(told.values())
        slopes = tensors.grad(value, inputs, disconnected_inputs="ignore")
        step_by_step = tensors.compile.mode.Mode(linker="py", optimizer=None)
        self._call: Any = tensors.function(
            inputs, [value, *list(slopes)], mode=step_by_step, on_unused_input="ignore"
        )

    def __call__(self, values: Mapping[str, Floats]) -> tuple[float, dict[str, Floats]]:
        """Return the log density, and its slope in each parameter."""
        with np.errstate(all="ignore"):
            found: list[Any] = self._call(*(values[name] for name in self.over))
        return float(found[0]), dict(zip(self.over, found[1:], strict=True))
