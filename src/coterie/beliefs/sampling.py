"""Sampling: one compilation a model, many fits.

Compiling costs far more than sampling, so compiled models are kept by what they
are made of (outcomes, sizes, priors); other counts, and other numbers of cells,
are handed to them as data. Callers may trust that draws come back whole or not
at all: a run that was stopped raises.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import nutpie
import xarray as xr

from coterie.beliefs.model import Blueprint, build, model_data
from coterie.errors import FitInterrupted

_LOG = logging.getLogger("coterie")
_KEPT: Final = 8
_compiled: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How to sample: draws and tuning draws of each chain, seed, and whether to show progress."""

    draws: int
    tune: int
    chains: int
    seed: int
    cores: int | None = None
    target_accept: float = 0.8
    progress: bool = False


def compilations() -> int:
    """Return how many models this process has compiled."""
    return _count


def sample(blueprint: Blueprint, run: Run) -> xr.DataTree:
    """Sample the model; draws of raw and derived variables, and the sampler's own numbers.

    Raises
    ------
    FitInterrupted
        If the user stopped it; nothing is kept.
    """
    compiled = _model_for(blueprint, announce=run.progress)
    sampler = nutpie.sample(
        compiled,
        draws=run.draws,
        tune=run.tune,
        chains=run.chains,
        cores=run.cores,
        seed=run.seed,
        target_accept=run.target_accept,
        progress_bar=run.progress,
        save_warmup=False,
        blocking=False,
    )
    try:
        tree = sampler.wait()
    except KeyboardInterrupt:
        sampler.cancel()
        raise FitInterrupted(
            f"Sampling was stopped before its {run.chains} x {run.draws} draws were made; "
            "nothing was kept."
        ) from None
    return tree


def _model_for(blueprint: Blueprint, *, announce: bool) -> Any:
    global _count  # noqa: PLW0603 - a count of what this process has compiled
    key = blueprint.key()
    if key in _compiled:
        _compiled.move_to_end(key)
        return _with_data(_compiled[key], blueprint)
    say = _LOG.warning if announce else _LOG.info
    say("Compiling the model: 10 to 60 seconds, once per process for tables of this size.")
    compiled = nutpie.compile_pymc_model(build(blueprint))
    _count += 1
    _compiled[key] = compiled
    while len(_compiled) > _KEPT:
        _compiled.popitem(last=False)
    return compiled


def _with_data(compiled: Any, blueprint: Blueprint) -> Any:
    # Some arrays are read by no parameter of this model (one window, no membership).
    read = {variable.name for variable in compiled.shared_var_keys}
    return compiled.with_data(**{k: v for k, v in model_data(blueprint).items() if k in read})


def stacked(tree: xr.DataTree, name: str) -> np.ndarray[Any, Any]:
    """Return one sampled variable over (draw of all chains, ...)."""
    values = tree["posterior"][name].to_numpy()
    return values.reshape(-1, *values.shape[2:])
