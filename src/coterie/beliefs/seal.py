"""Seal: what a file looked like when it was written, kept behind its last byte.

A seal is a list of parts (each variable, where its bytes lie, their SHA-256) and a SHA-256 of
everything. It stands after the end of the HDF5 data, where readers of HDF5 do not look, so that
any program still opens the file, and so that damage is found before a byte of it is interpreted:
HDF5 itself may crash on a damaged file.

Callers may trust that a file that passes is, bit for bit, the one that was written.
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
from pathlib import Path
from typing import Any, Final

from coterie.errors import CorruptResultError

# Mark, then the number of bytes before the list of parts, then the digest of all before it.
_MARK: Final = b"\x89coterie-sealed\n"
_DIGITS: Final = 20
_FOOT: Final = len(_MARK) + _DIGITS + 64


def seal_of(image: memoryview) -> bytes:
    """Return the seal of a whole HDF5 file, to be written behind it."""
    parts = [
        {"part": name, "at": at, "sha256": _digest_of(image, at)} for name, at in _extents(image)
    ]
    foot = json.dumps(parts).encode() + _MARK + f"{len(image):0{_DIGITS}d}".encode()
    whole = hashlib.sha256(image)
    whole.update(foot)
    return foot + whole.hexdigest().encode()


def check_seal(file: Path) -> bool:
    """Return whether there is a seal; raise if what stands before it has changed.

    Raises
    ------
    CorruptResultError
        If the file is sealed and is not what was sealed. It names the parts that changed.
    """
    size = file.stat().st_size
    if size < _FOOT:
        return False
    with (
        file.open("rb") as handle,
        mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as held,
        memoryview(held) as image,
    ):
        return _checked(image, str(file))


def _checked(image: memoryview, name: str) -> bool:
    foot = bytes(image[-_FOOT:])
    if not foot.startswith(_MARK):
        return False
    if hashlib.sha256(image[:-64]).hexdigest().encode() == foot[-64:]:
        return True
    changed = _changed(image, foot)
    named = ", ".join(map(repr, changed[:3])) or "its structure, its text or the seal itself"
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004
    raise CorruptResultError(
        f"{name!r} is damaged: it is not what was saved. Changed since: {named}{more}. "
        "Nothing was read. Take an earlier copy, or save the beliefs again."
    )


def _changed(image: memoryview, foot: bytes) -> list[str]:
    try:
        start = int(foot[len(_MARK) : -64])
        parts = json.loads(bytes(image[start:-_FOOT]))
        return [p["part"] for p in parts if _digest_of(image, p["at"]) != p["sha256"]]
    except (ValueError, LookupError, TypeError):
        return []


def _digest_of(image: memoryview, extents: list[list[int]]) -> str:
    digest = hashlib.sha256()
    for offset, size in extents:
        digest.update(image[offset : offset + size])
    return digest.hexdigest()


def _extents(image: memoryview) -> list[tuple[str, list[list[int]]]]:
    """Return where the bytes of each variable lie: (offset, size) of each contiguous piece."""
    import h5py

    found: list[tuple[str, list[list[int]]]] = []

    def add(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.chunks is None:
            offset = item.id.get_offset()
            pieces = [] if offset is None else [[int(offset), int(item.id.get_storage_size())]]
        else:
            infos = [item.id.get_chunk_info(i) for i in range(item.id.get_num_chunks())]
            pieces = [[int(info.byte_offset), int(info.size)] for info in infos]
        found.append((name, pieces))

    with h5py.File(_Readable(image), "r") as opened:
        opened.visititems(add)
    return found


class _Readable(io.RawIOBase):
    """A view of memory as a file to be read, without a copy."""

    def __init__(self, image: memoryview) -> None:
        self._image, self._at = image, 0

    def readinto(self, into: Any) -> int:
        piece = self._image[self._at : self._at + len(into)]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._image)}[whence]
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
