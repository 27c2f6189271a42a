"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["appearing", "write_atomic"]


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Name beside the target to write to; renamed to it when all went well, removed otherwise.

    For writers that want a path; :func:`write_atomic` for content that is there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with appearing(Path(folder) / "a.txt") as name:
    ...         n = name.write_text("whole")
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.txt']
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike[str], data: bytes, *, mode: int = 0o644) -> Path:
    """Write under a temporary name in the same folder, then rename; a stop in between leaves what was there.

    Parameters
    ----------
    path : path
        File to write; its folder exists.
    data : bytes
        Whole content.
    mode : int
        Permissions of the file; ``0o600`` for one that only its owner may read.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to; nothing is left behind.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_atomic(Path(folder) / "a.txt", b"whole").read_bytes()
    b'whole'
    """
    file = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as exc:  # tell of the file that was asked for, not of the temporary one
        raise type(exc)(exc.errno, exc.strerror, str(file)) from None
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return file
