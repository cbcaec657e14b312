"""Replacing: a file is made beside its target and takes its place in one stroke.

Callers may trust that under the target's name there is at every moment the old file or the new
one, whole; that two who write to one name never mix; and that nothing of a stopped attempt
outlives the next one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from coterie.errors import BeliefError

_PRIVATE: Final = 0o600


@contextlib.contextmanager
def replacing(target: Path, name: str) -> Iterator[Path]:
    """Give a private path beside the target; on a clean end it becomes the target.

    Parameters
    ----------
    target
        Where the file is to be, links resolved.
    name
        What the user called it, for messages.

    Raises
    ------
    BeliefError
        If another process is writing to the same target.
    """
    with _alone(target, name):
        # A part of this name belongs to an attempt that was killed: nobody else is here.
        beside = target.with_name(f".{target.name}.part")
        beside.unlink(missing_ok=True)
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _PRIVATE))
        try:
            yield beside
            settle_on_disk(beside)
            beside.chmod(_usual_mode(target))
            beside.replace(target)
        except BaseException:  # also when the user stops it
            beside.unlink(missing_ok=True)
            raise
        _settle_folder(target.parent)


def settle_on_disk(file: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _settle_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems have no folders to settle
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _alone(target: Path, name: str) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # where files cannot be locked the stroke alone must do
        yield
        return
    lock = target.with_name(f".{target.name}.lock")
    while True:
        handle = os.open(lock, os.O_CREAT | os.O_RDWR, _PRIVATE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise BeliefError(
                f"Another process is saving to {name!r} at this moment; nothing was written. "
                "Save again when it is done, or save elsewhere."
            ) from error
        # The one before may have taken the lock file away between our two calls.
        if _same_file(handle, lock):
            break
        os.close(handle)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _usual_mode(target: Path) -> int:
    """Return the mode of the file that is there, or the one the umask gives a new file."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
