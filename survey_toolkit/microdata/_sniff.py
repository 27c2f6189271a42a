"""What a file really is, from its first bytes, and what its header declares; no parser is trusted here."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["DESCRIPTIONS", "Header", "read_header", "sniff"]

#: Plain words for what was found.
DESCRIPTIONS = {
    "empty": "an empty file (zero bytes)",
    "sav": "an SPSS data file",
    "zsav": "a compressed SPSS data file (.zsav)",
    "encrypted": "a password-protected SPSS file",
    "por": "an SPSS portable file (.por)",
    "dta": "a Stata data file",
    "sas7bdat": "a SAS data file",
    "xpt": "a SAS transport file (.xpt)",
    "parquet": "a Parquet file",
    "html": "an HTML page, usually a login or error page saved in place of the data",
    "xml": "an XML document",
    "lfs": "a Git LFS pointer, not the file itself",
    "gzip": "a gzip archive",
    "zip": "a ZIP archive (an .xlsx workbook is one too)",
    "ole": "an OLE container (.xls, or a password-protected Office file)",
    "utf16": "UTF-16 text",
    "text": "plain text",
    "binary": "binary data of no known format",
}

_SAS_MAGIC = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
_MAGIC = (
    (b"$FL3", "zsav"),
    (b"$FL2", "sav"),
    (b"<stata_dta>", "dta"),
    (_SAS_MAGIC, "sas7bdat"),
    (b"HEADER RECORD*******LIB", "xpt"),
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0", "ole"),
    (b"version https://git-lfs", "lfs"),
    (b"\xff\xfe", "utf16"),
    (b"\xfe\xff", "utf16"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a statistical file declares; None where it does not say."""

    n_rows: int | None = None
    encoding: str | None = None
    release: int | None = None


def sniff(head: bytes) -> str:
    """Kind of a file, a key of :data:`DESCRIPTIONS`, from its first bytes (512 or more are best).

    Examples
    --------
    >>> sniff(b"$FL2@(#) SPSS DATA FILE"), sniff(b""), sniff(b"  <!DOCTYPE html><html>")
    ('sav', 'empty', 'html')
    """
    if not head:
        return "empty"
    if b"ENCRYPTEDSAV" in head[:64]:
        return "encrypted"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if start.startswith(b"<?xml"):
        return "xml"
    if len(head) >= 4 and 102 <= head[0] <= 115 and head[1] in (1, 2) and head[2] == 1:
        return "dta"
    if b"SPSSPORT" in head[:600]:
        return "por"
    return "binary" if b"\x00" in head or _control_share(head) > 0.05 else "text"


def _control_share(head: bytes) -> float:
    control = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in head)
    return control / len(head)


def read_header(head: bytes, kind: str) -> Header:
    """Declared rows, encoding and release of a .sav, .zsav or .dta file; ``head`` is its beginning.

    Examples
    --------
    >>> read_header(bytes([114, 2, 1, 0]) + bytes([3, 0]) + bytes([7, 0, 0, 0]), "dta").n_rows
    7
    """
    try:
        if kind in ("sav", "zsav"):
            return _sav_header(head)
        if kind == "dta":
            return _dta_header(head)
    except (struct.error, IndexError, ValueError):
        pass  # a damaged header: the reader behind tells what is wrong
    return Header()


def _dta_header(head: bytes) -> Header:
    if not head.startswith(b"<stata_dta>"):
        release = head[0]
        order = ">" if head[1] == 1 else "<"
        if release < 104:
            return Header(release=release)
        return Header(n_rows=struct.unpack_from(order + "I", head, 6)[0], release=release)
    at = head.index(b"<release>") + 9
    release = int(head[at : at + 3])
    at = head.index(b"<byteorder>") + 11
    order = ">" if head[at : at + 3] == b"MSF" else "<"
    at = head.index(b"<N>") + 3
    n_rows = struct.unpack_from(order + ("I" if release == 117 else "Q"), head, at)[0]
    return Header(n_rows=n_rows, release=release, encoding="utf-8" if release >= 118 else None)


def _sav_header(head: bytes) -> Header:
    layout = struct.unpack_from("<i", head, 64)[0]
    order = "<" if layout in (2, 3) else ">"
    declared = struct.unpack_from(order + "i", head, 80)[0]
    n_rows = declared if declared >= 0 else None
    return Header(n_rows=n_rows, encoding=_sav_encoding(head, order))


def _sav_encoding(head: bytes, order: str) -> str | None:
    """Walk the dictionary records to the encoding name (7/20) or the code page (7/3)."""
    at, codepage = 176, None
    while True:
        kind = struct.unpack_from(order + "i", head, at)[0]
        if kind == 2:
            at = _after_variable(head, order, at)
        elif kind == 3:
            at = _after_labels(head, order, at)
        elif kind == 6:
            at += 8 + 80 * struct.unpack_from(order + "i", head, at + 4)[0]
        elif kind == 7:
            subtype, size, count = struct.unpack_from(order + "iii", head, at + 4)
            body = at + 16
            if size < 0 or count < 0:
                return _codepage(codepage)
            if subtype == 20:
                return head[body : body + size * count].decode("ascii", "replace").strip().lower() or None
            if subtype == 3 and count >= 8:
                codepage = struct.unpack_from(order + "i", head, body + 28)[0]
            at = body + size * count
        else:
            return _codepage(codepage)


def _after_variable(head: bytes, order: str, at: int) -> int:
    has_label, n_missing = struct.unpack_from(order + "ii", head, at + 8)
    at += 32
    if has_label == 1:
        length = struct.unpack_from(order + "i", head, at)[0]
        if length < 0:
            raise ValueError
        at += 4 + (length + 3) // 4 * 4
    return int(at + 8 * abs(n_missing))


def _after_labels(head: bytes, order: str, at: int) -> int:
    count = struct.unpack_from(order + "i", head, at + 4)[0]
    at += 8
    for _ in range(min(count, 1_000_000)):
        length = head[at + 8]
        at += 8 + (length + 1 + 7) // 8 * 8
    n_variables = struct.unpack_from(order + "i", head, at + 4)[0]
    if n_variables < 0:
        raise ValueError
    return int(at + 8 + 4 * n_variables)


def _codepage(page: int | None) -> str | None:
    """Python codec of an SPSS code-page field; 2 and 3 ("ASCII") and 4 tell nothing."""
    if page is None or page <= 4:
        return None
    named = {65001: "utf-8", 54936: "gb18030", 936: "gbk", 20127: "ascii", 28591: "latin-1"}
    return named.get(page, f"cp{page}")
