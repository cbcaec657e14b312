r"""Fading: how the levels of old windows let go of their clusters.

A window's rows say what a cluster's level was then, and the window's own effect :math:`u_w` how
far that lay from the cluster's own. A power :math:`a_w` on cells alone would not make it forget:
many cells at a small power still know the level of their window well, and its effect would tell
of the cluster, and of how far windows spread, as much as that of a new one. The power is meant
for all that the window says. In a Gaussian reading of its counts, of information :math:`K_w`,

.. math:: N(\bar y_w;\, e,\, K_w^{-1} + s^2)^{a_w}

follows from cells to that power, from

.. math:: u_w \sim N(0,\, s^2 / p_w), \qquad
    J_w = (1 + a_w K_w s^2 / p_w)^{1/2} \, (1 + K_w s^2)^{-a_w / 2},

with :math:`p_w = a_w`. Callers may trust that a window of power 1 is as it always was and one of
power 0 as if it had no rows.

:math:`p_w` goes no lower than an eighth. Where effects could lie further from their cluster,
counts are not read well as Gaussian ones: over many old windows that adds up to a scale nobody
saw. The price is that a window of many people keeps up to an eighth of its say on its cluster's
own level until its rows themselves are forgotten.

Source: the power prior (Ibrahim, Chen, Gwon and Chen, 2015, *Statistics in Medicine* 34), of the
marginal likelihood of each window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from coterie.typing import Floats

LOOSEST: Final = 2.0**-3
"""The least power on a window's law."""
_HALF: Final = np.float64(0.5)


def law_of(power: Floats) -> Floats:
    """Return ``p``, by which the variance of windows' effects is divided: (window,)."""
    found: Floats = np.maximum(power, LOOSEST)
    return found


def log_norm(windows: tuple[Any, Any, Any], square: Any, log1p: Any) -> Any:
    """Return log J of windows at some squared scales; shapes are broadcast.

    Parameters
    ----------
    windows
        Their ``a``, ``p`` and ``K``.
    square
        ``s`` squared.
    log1p
        PyTensor's of tensors, NumPy's of arrays.
    """
    power, law, known = windows
    told = known * square
    return _HALF * (log1p(power / law * told) - power * log1p(told))


@dataclass(frozen=True, slots=True)
class Faded:
    """Some windows' powers and information, of one outcome.

    Attributes
    ----------
    power
        (effect,).
    known
        (draw, effect).
    """

    power: Floats
    known: Floats

    @property
    def law(self) -> Floats:
        """``p``: (effect,)."""
        return law_of(self.power)

    def log_norm(self, log_scale: Floats, at: slice) -> Floats:
        """Return log J at some scales of some draws, (draw, point), summed over effects."""
        fades = self.power < 1
        square, found = np.exp(2 * log_scale), np.zeros_like(log_scale)
        each = zip(self.power[fades], self.law[fades], self.known[at][:, fades].T, strict=True)
        for power, law, known in each:
            found += log_norm((power, law, known[:, None]), square, np.log1p)
        return found
