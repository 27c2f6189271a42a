"""ZIP archives from outside, workbooks among them: looked at before anything in them is opened."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

__all__ = ["UnpackLimits", "UnsafeArchiveError", "check_archive", "check_workbook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """What an archive may unpack to.

    Attributes
    ----------
    files : int
        Number of files in it.
    bytes : int
        Sum of their sizes.
    ratio : int
        Unpacked to packed bytes; only asked of archives that unpack to more than ``small`` bytes.
    small : int
    """

    files: int
    bytes: int
    ratio: int
    small: int


class UnsafeArchiveError(Exception):
    """An archive that is not opened; ``code`` is ``too-large`` or ``damaged``."""

    def __init__(self, code: str, found: str) -> None:
        super().__init__(code, found)
        self.code, self.found = code, found


def check_archive(members: Sequence[zipfile.ZipInfo], limits: UnpackLimits) -> None:
    """Refuse an archive that claims to unpack to more than the limits.

    A member cannot unpack to more than it claims: :mod:`zipfile` stops there.

    Raises
    ------
    UnsafeArchiveError
        With the code ``too-large``.
    """
    total, packed = sum(m.file_size for m in members), sum(m.compress_size for m in members)
    dense = total > limits.small and total > limits.ratio * packed
    if len(members) > limits.files or total > limits.bytes or dense:
        raise UnsafeArchiveError("too-large", f"{len(members):,} files, {total:,} bytes from {packed:,}")


def check_workbook(file: str | os.PathLike[str] | IO[bytes], limits: UnpackLimits) -> None:
    """Refuse what is no sound workbook, unpacks to too much, or defines XML entities.

    Raises
    ------
    UnsafeArchiveError
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_archive(members, limits)
            for member in members:
                with archive.open(member) as part:
                    start = part.read(4_096)
                if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                    raise UnsafeArchiveError(
                        "damaged", "its XML defines entities, which a workbook never does"
                    )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as exc:
        raise UnsafeArchiveError("damaged", f"no sound ZIP archive ({type(exc).__name__})") from None
