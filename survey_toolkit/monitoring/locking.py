"""One writer at a time: a lock that the system releases when its holder dies, and files replaced whole."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from survey_toolkit.errors import SurveyToolkitError

__all__ = ["create_once", "locked", "replace_file"]

#: Unfinished files; whoever holds the lock may remove them.
UNFINISHED = ".unfinished-"


@contextmanager
def locked(folder: Path, *, timeout: float = 60.0) -> Iterator[None]:
    """Hold the folder's lock; a killed process leaves none behind.

    Raises
    ------
    SurveyToolkitError
        If another process holds it for longer than ``timeout`` seconds.
    """
    path = folder / ".lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        end = time.monotonic() + timeout
        while not _try(handle):
            if time.monotonic() > end:
                raise SurveyToolkitError(
                    "another process is writing to this folder",
                    where=str(folder),
                    hint="wait until it has ended, then try again",
                    code="locked",
                )
            time.sleep(0.02)
        for left in folder.rglob(f"{UNFINISHED}*"):
            left.unlink(missing_ok=True)
        yield
    finally:
        # Closing releases the lock; the file stays, because removing it would let two processes lock two
        # files.
        os.close(handle)


def _try(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _temporary(target: Path, data: bytes) -> str:
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(name, 0o644)
    return name


def replace_file(target: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(_temporary(target, data), target)
    _sync(target.parent)


def create_once(target: Path, data: bytes) -> None:
    """Write a file that must not exist yet, whole or not at all.

    Raises
    ------
    FileExistsError
        If it does: what is in the log is never overwritten.
    """
    if target.exists():
        raise FileExistsError(str(target))
    os.replace(_temporary(target, data), target)
    _sync(target.parent)


def _sync(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
