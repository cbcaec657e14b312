"""Compiling: what nutpie does, with two joints of our own, so that the next process starts at once.

PyTensor keeps the machine code of a density on disk; nutpie's two functions around it
(one for the sampler's density, one for the variables it stores) are compiled anew in each
process and take the density apart to do so. Ours call it where it lies. Callers may
trust that the numbers are those of nutpie's joints, and the same ones whether the code was
compiled now or kept by an earlier process: sums are taken in the order they are written.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, Final

import numpy as np
import nutpie
import pymc as pm
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import carray, from_dtype
from nutpie import compile_pymc as joints
from pytensor.configdefaults import config

_ONE_AT_A_TIME: Final = threading.Lock()
_OK, _FAILED, _SLOPE, _VALUE = 0, 1, 3, 4
_EXPAND_FAILED: Final = -2
_OTHER_SIZE: Final = -1


def compile_model(model: pm.Model) -> Any:
    """Compile a model for nutpie's sampler."""
    with _ONE_AT_A_TIME, _own_joints(), config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(model)


@contextmanager
def _own_joints() -> Iterator[None]:
    ours: dict[str, Any] = {
        "_make_c_logp_func": _density_joint,
        "_make_c_expand_func": _expanding_joint,
    }
    theirs = {name: getattr(joints, name, None) for name in ours}
    if not all(_alike(ours[name], theirs[name]) for name in ours):
        yield  # Another nutpie: its own joints are right, and slower.
        return
    try:
        for name, function in ours.items():
            setattr(joints, name, function)
        yield
    finally:
        for name, function in theirs.items():
            setattr(joints, name, function)


def _alike(mine: Any, theirs: Any) -> bool:
    return callable(theirs) and len(signature(theirs).parameters) == len(signature(mine).parameters)


def _density_joint(
    size: int, density: Any, record: Any, keys: list[str], data: dict[str, Any]
) -> tuple[Any, Any]:
    call = _caller(density, record.dtype, keys, data)

    def joint(dim: int, at: Any, slope: Any, value: Any, shared: Any) -> int:
        if dim != size:
            return _OTHER_SIZE
        failed, (found, slopes) = call(carray(at, (size,)), shared)
        if failed:
            return _FAILED
        for i in range(size):
            if not math.isfinite(slopes[i]):
                return _SLOPE
            slope[i] = slopes[i]
        value[0] = found.item()
        return _OK if math.isfinite(value[0]) else _VALUE

    numbers = types.CPointer(types.double)
    return joint, types.int64(types.uint64, numbers, numbers, numbers, types.voidptr)


def _expanding_joint(
    size: int, expanded: int, expand: Any, record: Any, keys: list[str], data: dict[str, Any]
) -> tuple[Any, Any]:
    call = _caller(expand, record.dtype, keys, data)

    def joint(dim: int, wanted: int, at: Any, out: Any, shared: Any) -> int:
        if dim != size or wanted != expanded:
            return _OTHER_SIZE
        failed, (values,) = call(carray(at, (size,)), shared)
        if failed:
            return _EXPAND_FAILED
        for i in range(expanded):
            out[i] = values[i]
        return _OK

    numbers = types.CPointer(types.double)
    return joint, types.int64(types.uint64, types.uint64, numbers, numbers, types.voidptr)


def _caller(function: Any, record: np.dtype[Any], keys: list[str], data: dict[str, Any]) -> Any:
    """Return an intrinsic (point, record of shared arrays) -> (whether it failed, result)."""
    arrays = tuple(types.Array(from_dtype(data[key].dtype), data[key].ndim, "C") for key in keys)
    places = [_places(record, key) for key in keys]

    @intrinsic
    def call(_context: Any, at: Any, shared: Any) -> Any:
        _, _, folded, _ = function.get_call_template((at, *arrays), {})
        kept = function.overloads[tuple(folded)]
        result, takes = kept.signature.return_type, kept.signature.args
        address = kept.library.get_pointer_to_function(kept.fndesc.llvm_func_name)
        starred = len(folded) == 1 and isinstance(folded[0], types.BaseTuple)

        def code(context: Any, builder: Any, form: Any, values: Any) -> Any:
            point, raw = values
            read = [
                _array(context, builder, raw, array, place)
                for array, place in zip(arrays, places, strict=True)
            ]
            given = [point, *read]
            if starred:
                given = [context.make_tuple(builder, takes[0], given)]
            kind = context.call_conv.get_function_type(result, takes)
            there = context.get_constant(types.uintp, address)
            status, found = context.call_conv.call_function(
                builder, builder.inttoptr(there, kind.as_pointer()), result, takes, given
            )
            return context.make_tuple(builder, form.return_type, [status.is_error, found])

        return types.Tuple((types.boolean, result))(at, shared), code

    return call


def _places(record: np.dtype[Any], key: str) -> tuple[int, int]:
    """Return where in the record the address of a shared array stands, and its shape."""
    data, shape = (_offset(record, ("shared", part, key)) for part in ("data", "shape"))
    return data, shape


def _offset(record: np.dtype[Any], path: tuple[str, ...]) -> int:
    offset = 0
    for name in path:
        fields: Any = record.fields
        record, further = fields[name][:2]
        offset += further
    return offset


def _array(context: Any, builder: Any, raw: Any, kind: Any, places: tuple[int, int]) -> Any:
    word = context.get_value_type(types.intp)

    def number(offset: int) -> Any:
        here = builder.gep(raw, [ir.Constant(word, offset)])
        return builder.load(builder.bitcast(here, word.as_pointer()))

    data, shape = places
    lengths = [number(shape + 8 * axis) for axis in range(kind.ndim)]
    item = context.get_data_type(kind.dtype)
    size = ir.Constant(word, context.get_abi_sizeof(item))
    strides: list[Any] = []
    step = size
    for length in reversed(lengths):
        strides.insert(0, step)
        step = builder.mul(step, length)
    made = context.make_array(kind)(context, builder)
    populate_array(
        made, data=builder.inttoptr(number(data), item.as_pointer()), shape=lengths,
        strides=strides, itemsize=size, meminfo=None,
    )  # fmt: skip
    return made._getvalue()
