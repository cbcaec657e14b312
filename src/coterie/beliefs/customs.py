"""Customs: whether a file holds nothing but what a file of beliefs holds, before it is read.

A file may come from a stranger. HDF5 can point into other files, name filters that are code,
declare a size no disk holds, and carry types that run on reading. Callers may trust that a file
that passes has plain numbers and text, in groups and under names of ordinary form, all inside
itself, and that unfolding it needs memory in proportion to its size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from coterie.errors import CorruptResultError

LIMIT: Final = 8 * 2**30
"""Bytes to which a file smaller than half of that may unfold."""

RATIO: Final = 200
"""Times its own size to which a file may unfold, above the allowance."""

ALLOWANCE: Final = 2**28
"""Bytes to which any file may unfold: constant tables shrink more than draws do."""

# Deflate, shuffle and Fletcher's checksum: built into HDF5, and data in, data out.
_FILTERS: Final = frozenset({1, 2, 3})
_DEEPEST: Final = 8


def inspect(file: Path) -> None:
    """Look through a file's structure without reading a value.

    Raises
    ------
    CorruptResultError
        If anything is not as coterie writes it. Names the part.
    """
    import h5py

    with h5py.File(file, "r") as opened:
        unfolded = _walk(opened, "", str(file), _DEEPEST, h5py)
    size = file.stat().st_size
    if unfolded > ALLOWANCE + RATIO * size or unfolded > max(LIMIT, 2 * size):
        raise CorruptResultError(
            f"{str(file)!r} says it holds {unfolded / 2**30:.3g} GiB in a file of "
            f"{size / 2**20:.3g} MiB. No saved beliefs are like that; it was not opened."
        )


def _walk(group: Any, path: str, file: str, deeper: int, h5py: Any) -> int:
    if deeper < 0:
        raise _refused(file, path, f"lies more than {_DEEPEST} groups deep")
    unfolded = 0
    for name in group:
        here = f"{path}/{name}"
        if name in {".", ".."} or any(letter in name for letter in "/\\\0"):
            raise _refused(file, here, "has a name that could lead out of the file")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _refused(file, here, "is a link to another place")
        item = group[name]
        if isinstance(item, h5py.Group):
            unfolded += _walk(item, here, file, deeper - 1, h5py)
        elif isinstance(item, h5py.Dataset):
            unfolded += _plain_size(item, here, file, h5py)
        else:
            raise _refused(file, here, "is neither a group nor a variable")
    return unfolded


def _plain_size(item: Any, path: str, file: str, h5py: Any) -> int:
    if item.is_virtual or item.external:
        raise _refused(file, path, "keeps its values in another file")
    plan = item.id.get_create_plist()
    used = {int(plan.get_filter(i)[0]) for i in range(plan.get_nfilters())}
    if not used <= _FILTERS:
        raise _refused(file, path, f"needs a filter coterie does not use ({used - _FILTERS})")
    # Marks of an axis without values (netCDF's dimensions) are big-endian floats: plain too.
    kind = item.dtype.kind
    text = h5py.check_string_dtype(item.dtype) is not None
    if kind not in "biuf" and not text:
        raise _refused(file, path, f"has values of type {item.dtype}, neither number nor text")
    return int(item.size or 0) * int(item.dtype.itemsize)


def _refused(file: str, path: str, why: str) -> CorruptResultError:
    return CorruptResultError(
        f"{file!r} is no file of beliefs as coterie saves them: {path!r} {why}. It was not read. "
        "Open files that Beliefs.save wrote, from people you know."
    )
