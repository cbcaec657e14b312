"""Caches: somewhere to keep compiled code, also where the home folder cannot be written.

PyTensor makes its cache folder as it is imported and numba looks for one as functions are
defined; on a machine with a read-only home both would fail there. Nothing is changed where
a folder can be written or the user has named one.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

_HERE = Path(__file__).parent


def find_caches() -> None:
    """Point PyTensor and numba at a private temporary folder if they have no other."""
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    named = "compiledir=" in flags or "PYTENSORRC" in os.environ
    if "pytensor" not in sys.modules and not named and not _is_writable(_home() / ".pytensor"):
        wanted = f"base_compiledir={_private() / 'pytensor'}"
        os.environ["PYTENSOR_FLAGS"] = f"{flags},{wanted}" if flags else wanted
    if "NUMBA_CACHE_DIR" not in os.environ and not any(
        map(_is_writable, (_HERE / "__pycache__", _home() / ".cache"))
    ):
        os.environ["NUMBA_CACHE_DIR"] = str(_private() / "numba")


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # no such user
        return Path(os.devnull)


def _is_writable(folder: Path) -> bool:
    """Say whether a file can be made in the folder, or in the nearest one above that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _private() -> Path:
    """Return a folder of this user's own that nobody else may read: found again, or made."""
    who = getattr(os, "getuid", lambda: "user")()
    folder = Path(tempfile.gettempdir()) / f"coterie-{who}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if found.st_uid == who and not found.st_mode & 0o077:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="coterie-"))
