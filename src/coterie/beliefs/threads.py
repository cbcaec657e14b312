"""Threads: compiled loops that release Python's lock are run on every core, part by part.

Callers may trust that parts do not overlap and that together they are the whole, that an
error or a Ctrl-C is not swallowed, and that ``NUMBA_NUM_THREADS`` bounds the threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numba

_PARTS: Final = 8
"""Parts for each thread: one that has much to do keeps the others waiting for little."""


def in_parts(work: Callable[[int, int], object], size: int) -> None:
    """Call ``work(first, last)`` on every part of ``range(size)``."""
    threads = numba.get_num_threads()
    step = max(1, -(-size // (threads * _PARTS)))
    edges = [*range(0, size, step), size]
    if threads == 1 or len(edges) <= 2:  # noqa: PLR2004 - one part, or none
        work(0, size)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        list(pool.map(work, edges[:-1], edges[1:]))
    finally:
        pool.shutdown(cancel_futures=True)
