"""Book: arrays by their addresses, so that compiled code takes many of them as one argument.

A tuple of arrays would have to be taken apart at every call, and compiled anew in every function
that it is handed to. Callers may trust that :func:`book_of` refuses what is not a contiguous array
of float64 or int64; whoever makes a book keeps its arrays alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numba import carray, njit, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic

from coterie.typing import Integers

_WIDTH: Final = 4


def inner(function: Any) -> Any:
    """Compile a function that only compiled code calls: without the doors to it from Python."""
    compiled: Any = njit
    return compiled(cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def book_of(arrays: Sequence[Any]) -> Integers:
    """Write down addresses and shapes of arrays of one to three dimensions."""
    book = np.zeros(_WIDTH * len(arrays), dtype=np.int64)
    for i, array in enumerate(arrays):
        if array.dtype not in (np.float64, np.int64) or not array.flags.c_contiguous:
            raise TypeError(f"Array {i} is {array.dtype} with strides {array.strides}.")
        book[_WIDTH * i] = array.ctypes.data
        book[_WIDTH * i + 1 : _WIDTH * i + 1 + array.ndim] = array.shape
    return book


@intrinsic
def _to_pointer(_context: Any, address: Any) -> Any:
    def code(_context: Any, builder: Any, _form: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], cgutils.voidptr_t)

    return types.voidptr(address), code


_pointer: Any = _to_pointer


@inner
def floats(book: Any, i: int) -> Any:
    """Return an array of numbers: (n,)."""
    return carray(_pointer(book[4 * i]), (book[4 * i + 1],), np.float64)


@inner
def table(book: Any, i: int) -> Any:
    """Return an array of numbers: (n, m)."""
    return carray(_pointer(book[4 * i]), (book[4 * i + 1], book[4 * i + 2]), np.float64)


@inner
def cube(book: Any, i: int) -> Any:
    """Return an array of numbers: (n, m, k)."""
    shape = book[4 * i + 1], book[4 * i + 2], book[4 * i + 3]
    return carray(_pointer(book[4 * i]), shape, np.float64)


@inner
def integers(book: Any, i: int) -> Any:
    """Return an array of whole numbers: (n,)."""
    return carray(_pointer(book[4 * i]), (book[4 * i + 1],), np.int64)


@inner
def codes(book: Any, i: int) -> Any:
    """Return an array of whole numbers: (n, m)."""
    return carray(_pointer(book[4 * i]), (book[4 * i + 1], book[4 * i + 2]), np.int64)
