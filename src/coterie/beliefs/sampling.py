"""Sampling: one compilation a model, many fits.

Compiling costs far more than sampling, so compiled models are kept by what they
are made of (outcomes, sizes, priors); other counts, and other numbers of cells,
are handed to them as data. Callers may trust that every chain they get is as long
as every other, that a run which was stopped says so, and that nothing is left running.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import nutpie
import xarray as xr

from coterie import names
from coterie.beliefs.blueprint import Blueprint, model_data
from coterie.beliefs.compiling import compile_model
from coterie.beliefs.diagnosis import LEAST_KEPT
from coterie.beliefs.model import build
from coterie.errors import FitInterrupted

_LOG = logging.getLogger("coterie")
_KEPT: Final = 8
LOOK_SECONDS: Final = 20.0
"""Sampling time between two looks at the draws so far."""
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


@dataclass(frozen=True, slots=True)
class Sampled:
    """Draws of raw and derived variables with the sampler's own numbers, and whether it ended.

    Chains are of one length; a run that was ``stopped`` may hold fewer than were asked for.
    """

    tree: xr.DataTree
    stopped: bool = False

    @property
    def chains(self) -> int:
        """Chains made."""
        return int(self.tree["posterior"].sizes[names.CHAIN])

    @property
    def draws(self) -> int:
        """Draws made of each chain."""
        return int(self.tree["posterior"].sizes[names.DRAW])


Look = Callable[[Sampled], None]
"""Takes the draws made so far, while sampling goes on."""


def sample(blueprint: Blueprint, run: Run, *, look: Look | None = None) -> Sampled:
    """Sample the model; a run stopped by Ctrl-C gives the whole draws it made.

    Parameters
    ----------
    blueprint, run
        The model and how to sample it.
    look
        Called about twice a minute with the draws so far, once there are enough.

    Raises
    ------
    FitInterrupted
        If it was stopped before 50 draws of any chain, or stopped twice.
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
        return _made(sampler, run, look)
    except KeyboardInterrupt:
        sampler.cancel()
        raise FitInterrupted(
            "Sampling was stopped twice; its draws were thrown away and nothing is left running."
        ) from None
    except BaseException:
        with suppress(Exception):
            sampler.cancel()
        raise


def _made(sampler: Any, run: Run, look: Look | None) -> Sampled:
    try:
        return Sampled(_whole_run(sampler, look))
    except KeyboardInterrupt:
        _LOG.warning("Stopping: the draws made so far are put together. Ctrl-C again drops them.")
        kept = whole_draws(sampler.abort())
    if kept is None:
        raise FitInterrupted(
            f"Sampling was stopped before {LEAST_KEPT} of its {run.chains} x {run.draws} draws "
            "were made in any chain; nothing was kept."
        )
    return Sampled(kept, stopped=True)


def _whole_run(sampler: Any, look: Look | None) -> xr.DataTree:
    pause = LOOK_SECONDS
    while True:
        try:
            return sampler.wait(timeout=pause if look else None)
        except TimeoutError:
            begun = time.monotonic()
            so_far = whole_draws(sampler.inspect())
            if look is not None and so_far is not None:
                look(Sampled(so_far, stopped=True))
            # Looking takes a core from sampling: at most a third of the time.
            pause = max(LOOK_SECONDS, 2 * (time.monotonic() - begun))


def whole_draws(tree: xr.DataTree) -> xr.DataTree | None:
    """Cut chains of unequal length to the block with most whole draws; None if it is small.

    Parameters
    ----------
    tree
        As nutpie gives it: shorter chains are padded with NaN, chains not begun are all NaN.
    """
    posterior = tree["posterior"].dataset
    if posterior.sizes[names.DRAW] < LEAST_KEPT:
        return None
    # A draw is written in all variables at once: the smallest tells of every one.
    least = min(posterior.data_vars.values(), key=lambda values: values.size)
    missing = np.isnan(least.to_numpy()).reshape(*least.shape[:2], -1).any(axis=2)
    lengths = np.where(missing.any(axis=1), missing.argmax(axis=1), missing.shape[1])
    longest_first = np.argsort(-lengths, kind="stable")
    sizes = lengths[longest_first] * np.arange(1, lengths.size + 1)
    kept = int(np.argmax(sizes)) + 1
    chains, draws = np.sort(longest_first[:kept]), int(lengths[longest_first[kept - 1]])
    if draws < LEAST_KEPT:
        return None
    return tree.isel({names.CHAIN: chains, names.DRAW: slice(draws)})


def _model_for(blueprint: Blueprint, *, announce: bool) -> Any:
    global _count  # noqa: PLW0603 - a count of what this process has compiled
    key = blueprint.key()
    if key in _compiled:
        _compiled.move_to_end(key)
        return _with_data(_compiled[key], blueprint)
    say = _LOG.warning if announce else _LOG.info
    say("Compiling the model: about 10 seconds a process, minutes the first time on a machine.")
    compiled = compile_model(build(blueprint))
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
