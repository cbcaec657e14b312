"""Sampling: one compiled density for every table, walked by nutpie.

The density is compiled code that numba keeps on disk (:mod:`coterie.beliefs.vector_density`):
neither another table nor another process compiles it anew. Callers may trust that every chain
they get is as long as every other, that a run which was stopped says so, that one seed gives one
set of numbers, and that nothing is left running.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import nutpie
import xarray as xr

from coterie import names
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.diagnosis import LEAST_KEPT
from coterie.beliefs.walkers import Walkers
from coterie.errors import FitInterrupted
from coterie.typing import Floats

_LOG = logging.getLogger("coterie")
LOOK_SECONDS: Final = 20.0
"""Sampling time between two looks at the draws so far."""


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


@dataclass(frozen=True, slots=True)
class Sampled:
    """Draws of raw and derived variables with the sampler's own numbers, and whether it ended.

    Chains are of one length; a run that was ``stopped`` may hold fewer than were asked for.
    ``last`` is where each chain of a run that ended stood last, as the sampler's vectors, from
    which another run of the same model can go on: (chain, coordinate).
    """

    tree: xr.DataTree
    stopped: bool = False
    last: Floats | None = None

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


def sample(
    blueprint: Blueprint, run: Run, *, look: Look | None = None, start: Floats | None = None
) -> Sampled:
    """Sample the model; a run stopped by Ctrl-C gives the whole draws it made.

    Parameters
    ----------
    blueprint, run
        The model and how to sample it.
    look
        Called about twice a minute with the draws so far, once there are enough.
    start
        Where chains begin, as the sampler's vectors: (chain, coordinate). Left out, near what the
        counts say.

    Raises
    ------
    FitInterrupted
        If it was stopped before 50 draws of any chain, or stopped twice.
    """
    try:
        walkers = Walkers(blueprint, run.seed, run.chains, start)
    except KeyboardInterrupt:
        raise FitInterrupted(_nothing_of(run)) from None
    sampler = nutpie.sample(
        walkers.model(),
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
        made = _made(sampler, run, look)
        return made if made.stopped else replace(made, last=walkers.last())
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
        raise FitInterrupted(_nothing_of(run))
    return Sampled(kept, stopped=True)


def _nothing_of(run: Run) -> str:
    return (
        f"Sampling was stopped before {LEAST_KEPT} of its {run.chains} x {run.draws} draws "
        "were made in any chain; nothing was kept."
    )


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


def joined(first: Sampled, second: Sampled) -> Sampled:
    """Put draws of one model end to end, chain by chain: the second began where the first ended."""
    groups = {}
    for name in ("posterior", "sample_stats"):
        parts = [each.tree[name].to_dataset() for each in (first, second)]
        moving = [v for v in parts[0].data_vars if names.DRAW in parts[0][v].dims]
        whole = xr.concat([part[moving] for part in parts], dim=names.DRAW)
        size = whole.sizes[names.DRAW]
        groups[f"/{name}"] = whole.assign_coords({names.DRAW: np.arange(size)})
    return Sampled(xr.DataTree.from_dict(groups), last=second.last)


def stacked(tree: xr.DataTree, name: str) -> np.ndarray[Any, Any]:
    """Return one sampled variable over (draw of all chains, ...)."""
    values = tree["posterior"][name].to_numpy()
    return values.reshape(-1, *values.shape[2:])
