"""Memory: whether a fit will fit, asked before the minutes are spent.

An estimate from sizes alone; callers may trust that it is made before anything is
compiled, and that a refusal names a setting that would do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from coterie.beliefs.diagnosis import LEAST_KEPT
from coterie.errors import BeliefError

if TYPE_CHECKING:
    from coterie.beliefs.blueprint import Blueprint
    from coterie.beliefs.sampling import Run

_NUMBER: Final = 8
_COPIES: Final = 2
"""The sampler's own record of the draws, and the labelled one made of it."""

_BESIDE: Final = 3 * 2**29
"""Compiler, model and the arrays of one chunk of draws: measured 0.9 to 1.4 GiB."""

_MEMINFO: Final = Path("/proc/meminfo")
_STATM: Final = Path("/proc/self/statm")
_CGROUP: Final = Path("/sys/fs/cgroup")


def check_memory(blueprint: Blueprint, run: Run) -> None:
    """Refuse a run that would not fit into the memory that is free.

    Raises
    ------
    BeliefError
        With what is needed, what is free and the number of draws that would fit.
    """
    free = free_bytes()
    needed = bytes_needed(blueprint, run)
    if free is None or needed <= free:
        return
    each = (needed - _BESIDE) / run.draws
    draws = int(max(0.0, free - _BESIDE) / each / 50) * 50
    way = (
        f"draws={draws} would fit, and so would fewer artists"
        if draws >= LEAST_KEPT
        else "Give fewer artists or clusters, or use a larger machine"
    )
    raise BeliefError(
        f"{run.chains} chains of {run.draws:,} draws of this table need about {_gib(needed)}, and "
        f"{_gib(free)} of memory is free. {way}. Nothing was sampled."
    )


def bytes_needed(blueprint: Blueprint, run: Run) -> int:
    """Estimate the most memory a run will hold: draws of every number, twice, and room to work."""
    levels, pairs = blueprint.levels, blueprint.made.pair_artist.size
    artists, clusters = len(levels.artists), len(levels.clusters)
    labels = artists + clusters * (1 + len(levels.windows))
    labels += sum(len(known) for known in levels.factors.values())
    # Raw and scaled effects, kappa of clusters; raw affinity with its two maps.
    sampled = 2 * len(levels.outcomes) * (labels + clusters) + 3 * pairs
    each = _NUMBER * (_COPIES * sampled + artists * clusters)
    return run.chains * run.draws * each + _BESIDE


def free_bytes() -> int | None:
    """Return the memory this process may still take: machine, container and limit; None unknown."""
    found = [size for size in (_machine(), _container(), _limit()) if size is not None]
    return min(found, default=None)


def _machine() -> int | None:
    if not _MEMINFO.exists():
        return None
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines() if ":" in line)
    told = lines.get("MemAvailable")
    return None if told is None else int(told.split()[0]) * 1024


def _container() -> int | None:
    most, used = (_CGROUP / f"memory.{name}" for name in ("max", "current"))
    if not (most.exists() and used.exists()) or most.read_text().strip() == "max":
        return None
    return max(0, int(most.read_text()) - int(used.read_text()))


def _limit() -> int | None:
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or not _STATM.exists():
        return None
    return max(0, most - int(_STATM.read_text().split()[0]) * resource.getpagesize())


def _gib(size: float) -> str:
    return f"{size / 2**30:,.1f} GiB"
