"""Diagnosis: whether the draws can be trusted, in plain words.

Makes a small ``Diagnosis`` of a tree. Callers may trust that ``ok`` means: several
chains agree on every population parameter, each has enough effective draws, and the
sampler met no wall. Looks at population parameters only, so it is cheap at any size;
knows nothing of whether the model fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs.parameters import BINARY_DEFAULTS

RHAT_MOST: Final = 1.01
ESS_LEAST: Final = 400
BFMI_LEAST: Final = 0.3
FEWEST: Final = 4
"""Draws a chain must have before anything can be said of it."""

LEAST_KEPT: Final = 50
"""Draws a chain of a stopped run must have to be kept."""

FITTED: Final = f"fitted_{names.POSTERIOR}"
"""The draws of the last fit, in a tree whose draws were weighed since."""

_SAMPLE: Final = (names.CHAIN, names.DRAW)
_WEIGHED: Final = (
    "Weighed since by rows that came later: {effective:,.0f} of {whole:,.0f} draws are effective "
    "(Pareto k {khat:.2f}, up to 0.7 is good)."
)
# Both tails at 5 %, whatever interval a reader has set ArviZ to show.
_TAILS: Final = (0.05, 0.95)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Whether draws can be trusted.

    Attributes
    ----------
    ok
        True where nothing was found.
    lines
        What was found and the way out, in plain words; one line of praise where all is well.
    numbers
        What the lines rest on: ``parameters``, ``unsettled``, ``chains``, ``draws``, and where
        they could be computed ``rhat`` (largest), ``ess_bulk`` and ``ess_tail`` (smallest),
        ``divergences``, ``bfmi`` (smallest).
    """

    ok: bool
    lines: tuple[str, ...]
    numbers: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def diagnosis_of(tree: xr.DataTree) -> Diagnosis:
    """Diagnose the draws of a tree.

    Parameters
    ----------
    tree
        With a ``posterior`` (chain, draw, ...), and ``sample_stats`` where it was sampled.

    Returns
    -------
    Diagnosis
        Parameters that never move were stated, not learned, and are left out. Draws that were
        weighed since are as settled as those of the fit they come from; what the weights left
        is said beside it.
    """
    weighed = FITTED in tree.children
    posterior = tree[FITTED if weighed else names.POSTERIOR].dataset
    chains, draws = (posterior.sizes[dim] for dim in _SAMPLE)
    numbers: dict[str, float] = {"chains": chains, "draws": draws}
    lines = _stopped(tree, chains, draws)
    if draws < FEWEST:
        lines.append(f"{draws} draws a chain are too few to be judged. Fit with draws=1000.")
        return Diagnosis(False, tuple(lines), numbers)
    judged = _judged(posterior)
    numbers |= _worst(judged, chains)
    if chains == 1:
        lines.append(
            "Convergence cannot be assessed with one chain. Fit with chains=4 before relying on it."
        )
    lines += _unsettled(judged, chains)
    lines += _walls(tree, numbers)
    if lines:
        return Diagnosis(False, tuple(lines), numbers)
    lines = [_praise(numbers)]
    if weighed:
        numbers |= {k: float(tree.attrs[f"coterie_{k}"]) for k in ("khat", "effective")}
        lines.append(_WEIGHED.format(whole=chains * draws, **numbers))
    return Diagnosis(True, tuple(lines), numbers)


def was_stopped(tree: xr.DataTree) -> bool:
    """Say whether sampling ended before the draws asked for were made."""
    made = tree[names.POSTERIOR].dataset.sizes
    short = any(made[dim] < _asked(tree, dim) for dim in _SAMPLE)
    return bool(tree.attrs.get("coterie_interrupted", 0)) or short


def _asked(tree: xr.DataTree, dim: str) -> int:
    """Draws or chains asked for; 0 where the file does not say."""
    return int(tree.attrs.get(f"coterie_{dim}s_asked", 0))


def _stopped(tree: xr.DataTree, chains: int, draws: int) -> list[str]:
    if not was_stopped(tree):
        return []
    draws_asked, chains_asked = (_asked(tree, dim) for dim in (names.DRAW, names.CHAIN))
    wanted = f" of {draws_asked:,}" if draws_asked else ""
    where = f" in {chains} of {chains_asked} chains" if chains < chains_asked else " a chain"
    return [f"Sampling was stopped after {draws:,}{wanted} draws{where}. Fit again."]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One number of the population: its name in words, R-hat, effective draws."""

    words: str
    rhat: float
    bulk: float
    tail: float

    def settled(self, chains: int) -> bool:
        enough = min(self.bulk, self.tail) >= ESS_LEAST
        return enough and (chains == 1 or self.rhat <= RHAT_MOST)

    @property
    def shown(self) -> str:
        if not np.isfinite(self.bulk):
            return f"{self.words} (chains do not move)"
        if self.rhat > RHAT_MOST:
            return f"{self.words} (R-hat {min(self.rhat, 100):.2f})"
        return f"{self.words} ({min(self.bulk, self.tail):,.0f} effective draws)"


def _judged(posterior: xr.Dataset) -> list[_Judged]:
    from arviz_stats.base import array_stats

    found = []
    for words, values in _numbers(posterior):
        if np.all(values == values[:1, :1]):
            continue
        with np.errstate(all="ignore"):
            rhat = float(array_stats.rhat(values)) if values.shape[0] > 1 else np.nan
            ess = [float(array_stats.ess(values, method="bulk"))]
            ess.append(float(array_stats.ess(values, method="tail", prob=_TAILS)))
        found.append(_Judged(words, rhat, *ess))
    return found


def _numbers(posterior: xr.Dataset) -> Iterator[tuple[str, Any]]:
    """Every number of the population with its name: (chain, draw) each."""
    for name in map(str, posterior.data_vars):
        scale = name.startswith(names.FACTOR_SCALE)
        if name not in BINARY_DEFAULTS and not scale:
            continue
        values = posterior[name]
        rest = [dim for dim in values.dims if dim not in _SAMPLE]
        stacked = values.transpose(*rest, *_SAMPLE)
        for place in np.ndindex(*stacked.shape[:-2]):
            labels = [
                str(posterior[dim].to_numpy()[i]) if dim in posterior.coords else str(i)
                for dim, i in zip(rest, place, strict=True)
            ]
            words = f"{name} of {', '.join(labels)}" if labels else name
            yield words, stacked.to_numpy()[place].astype(np.float64)


def _worst(judged: list[_Judged], chains: int) -> dict[str, float]:
    loose = sum(not each.settled(chains) for each in judged)
    numbers: dict[str, float] = {"parameters": len(judged), "unsettled": loose}
    for name, kept, pick in (
        ("rhat", [j.rhat for j in judged], np.max),
        ("ess_bulk", [j.bulk for j in judged], np.min),
        ("ess_tail", [j.tail for j in judged], np.min),
    ):
        finite = [value for value in kept if np.isfinite(value)]
        numbers |= {name: float(pick(finite))} if finite else {}
    return numbers


def _unsettled(judged: list[_Judged], chains: int) -> list[str]:
    loose = [j for j in judged if not j.settled(chains)]
    if not loose:
        return []
    loose.sort(key=lambda j: (-np.nan_to_num(j.rhat, nan=np.inf), min(j.bulk, j.tail)))
    named = ", ".join(j.shown for j in loose[:_SHOWN])
    more = f", and {len(loose) - _SHOWN} more" if len(loose) > _SHOWN else ""
    have = "has" if len(loose) == 1 else "have"
    return [
        f"{len(loose)} of {len(judged)} population parameters {have} not settled: {named}{more}. "
        "Run more draws; if it stays, narrow their priors or give fewer outcomes."
    ]


def _walls(tree: xr.DataTree, numbers: dict[str, float]) -> list[str]:
    """Divergences and slow energy; adds what it found to the numbers."""
    if names.SAMPLE_STATS not in tree.children:
        return []
    stats = tree[names.SAMPLE_STATS].dataset
    lines = []
    if "diverging" in stats:
        count = int(stats["diverging"].sum())
        numbers["divergences"] = count
        if count:
            lines.append(
                f"{count:,} of {stats['diverging'].size:,} draws diverged: part of what is "
                "plausible was not reached. Run more tuning draws, or narrow the priors."
            )
    if "energy" in stats:
        energy = stats["energy"].transpose(*_SAMPLE).to_numpy()
        bfmi = _bfmi(energy)
        numbers["bfmi"] = bfmi
        if not bfmi >= BFMI_LEAST:
            lines.append(
                f"Energy moves too slowly between draws (BFMI {bfmi:.2f}, at least {BFMI_LEAST} "
                "is needed): tails may be cut off. Run more draws."
            )
    return lines


def _bfmi(energy: Any) -> float:
    from arviz_stats.base import array_stats

    with np.errstate(all="ignore"):
        return float(np.min(array_stats.bfmi(energy)))


def _praise(numbers: dict[str, float]) -> str:
    if not numbers["parameters"]:
        return "Nothing had to be learned: every population parameter was stated."
    walls = "no divergences" if "divergences" in numbers else "divergences not recorded"
    return (
        f"Settled: {numbers['chains']:.0f} chains agree on all {numbers['parameters']:.0f} "
        f"population parameters (R-hat at most {numbers['rhat']:.3f}, at least "
        f"{min(numbers['ess_bulk'], numbers['ess_tail']):,.0f} effective draws), {walls}."
    )
