"""Bytes to text, strictly: a wrong encoding is an error that names the column, never a wrong letter."""

from __future__ import annotations

import codecs
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import _codepages  # noqa: F401 - registers its codecs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["codec_name", "decode", "decode_cells", "decode_fixed", "fold", "non_ascii"]

_ASK = (
    "give the encoding, for example encoding='cp874' (Thai), 'gb18030' or 'gbk' (Chinese), 'cp1258' or "
    "'tcvn' (Vietnamese), 'cp1133' (Lao), 'koi8-r' (Russian), 'cp1252' (Western European)"
)


def codec_name(name: str, *, where: str) -> str:
    """Python codec of an encoding name as files and people write it.

    Examples
    --------
    >>> codec_name("windows-874", where="x.sav"), codec_name("UTF-8", where="x.sav")
    ('cp874', 'utf-8')
    """
    lowered = name.strip().lower().replace("windows-", "cp").replace("ibm-", "cp")
    try:
        return codecs.lookup(lowered).name
    except LookupError:
        raise DataFileError(
            "unknown text encoding",
            where=where,
            found=f"'{name[:40]}'",
            expected="an encoding Python knows: utf-8, cp874, gb18030, gbk, big5, cp1258, cp1252, …",
            hint="give encoding=… when reading, or save the file as UTF-8 in its own program",
            code="encoding",
        ) from None


def decode(raw: bytes, encoding: str, *, where: str) -> str:
    """Decode one text strictly and bring it to Unicode NFC (cp1258 comes with loose tone marks)."""
    if raw.isascii():
        return raw.decode("ascii")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as exc:
        raise DataFileError(
            f"the text is not {encoding}",
            where=where,
            found=f"byte {exc.object[exc.start]:#04x}",
            hint=_ASK,
            code="encoding",
        ) from None
    return unicodedata.normalize("NFC", text)


def decode_fixed(cells: Any, encoding: str, *, where: str, padded: bool = True) -> NDArray[np.object_]:
    """Decode cells of fixed width; ``padded``: blanks at their end only fill them up."""
    if not len(cells):
        return np.array([], dtype=object)
    if int(cells.view(np.uint8).max()) < 128:
        plain = cells.astype(f"U{cells.dtype.itemsize}")
        out: NDArray[np.object_] = (np.char.rstrip(plain, " ") if padded else plain).astype(object)
        return out
    fill = b" " if padded else b""
    known: dict[bytes, str] = {}
    texts = [
        _known(cell.rstrip(fill), known, encoding, where, row) for row, cell in enumerate(cells.tolist(), 1)
    ]
    return np.array(texts, dtype=object)


def decode_cells(
    blob: bytes, lengths: NDArray[np.int64], encoding: str, *, where: str
) -> NDArray[np.object_]:
    """Decode a column stored as its bytes one after the other, with the length of each cell."""
    ends = np.cumsum(lengths)
    pairs = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    if blob.isascii():
        text = blob.decode("ascii")
        texts = [text[a:b] for a, b in pairs]
    else:
        known: dict[bytes, str] = {}
        texts = [_known(blob[a:b], known, encoding, where, row) for row, (a, b) in enumerate(pairs, start=1)]
    out = np.empty(len(texts), dtype=object)
    out[:] = texts
    return out


def _known(cell: bytes, known: dict[bytes, str], encoding: str, where: str, row: int) -> str:
    if cell not in known:
        known[cell] = decode(cell, encoding, where=f"{where}, row {row}")
    return known[cell]


def non_ascii(cells: Any, lengths: NDArray[np.int64] | None, most: int = 400) -> list[bytes]:
    """Cells that hold a byte above 127, as many as are needed to judge the encoding."""
    if lengths is not None:
        if cells.isascii():
            return []
        ends = np.cumsum(lengths).tolist()
        parts = (cells[end - n : end] for end, n in zip(ends, lengths.tolist(), strict=True))
        return [p for p in parts if not p.isascii()][:most]
    if not len(cells):
        return []
    table = cells.view(np.uint8).reshape(len(cells), -1)
    odd = np.flatnonzero((table > 127).any(axis=1))[:most]
    return [bytes(cell) for cell in cells[odd].tolist()]


def fold(text: str) -> str:
    """Form in which labels are compared: NFC, case and runs of blanks do not count.

    Examples
    --------
    >>> fold("  NO  Response ") == fold("no response")
    True
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
