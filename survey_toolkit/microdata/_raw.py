"""What a parser hands over: descriptions and blocks of columns, texts still as the bytes of the file.

These modules run in the reading process and stand on numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Block", "Column", "Contents", "NumberColumn", "Unreadable", "dressed"]


class Unreadable(Exception):  # noqa: N818 - a message between two processes, never shown as such
    """The file cannot be read: ``kind`` is damaged, truncated, unsupported, encrypted or too-large."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        self.message = message
        super().__init__(kind, message)


@dataclass(slots=True)
class Column:
    """One column as its file describes it; texts are bytes dressed as Latin-1."""

    name: str
    is_text: bool = False
    storage: str = ""
    format: str = ""
    label: str = ""
    value_labels: list[tuple[Any, str]] = field(default_factory=list)
    missing: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers (NaN: missing) and, where cells are tagged, the letter of each cell (0 for none)."""

    values: NDArray[np.float64]
    tags: NDArray[np.uint8] | None = None


#: One block of rows: for each column asked for, numbers, fixed-width bytes, or bytes of any length.
Block = list[NumberColumn | NDArray[np.bytes_] | list[bytes]]


@dataclass(slots=True)
class Contents:
    """A file opened: its columns, what its header declares, and a way to its rows.

    ``blocks(columns, rows)`` yields blocks of at most ``rows`` rows (0: as the format likes) of the
    columns with these positions.
    """

    columns: list[Column]
    blocks: Callable[[list[int], int], Iterator[Block]]
    encoding: str | None = None
    n_rows: int | None = None
    label: str = ""
    raw: bool = True
    notes: list[str] = field(default_factory=list)


def dressed(raw: bytes) -> str:
    """Bytes as text whose code points are the bytes; blanks and NULs at the end do not count."""
    return raw.partition(b"\0")[0].rstrip(b" ").decode("latin-1")
