"""What a file really is, from its first bytes; its name is not trusted."""

from __future__ import annotations

__all__ = ["DESCRIPTIONS", "sniff"]

#: Plain words for what was found.
DESCRIPTIONS = {
    "empty": "an empty file (zero bytes)",
    "sav": "an SPSS data file",
    "zsav": "a compressed SPSS data file (.zsav)",
    "encrypted": "a password-protected SPSS file",
    "por": "an SPSS portable file (.por)",
    "dta": "a Stata data file",
    "sas7bdat": "a SAS data file",
    "sas7bcat": "a SAS catalog of value labels",
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
_SAS_CATALOG = _SAS_MAGIC.replace(b"\x81\x60", b"\x81\x63")
_MAGIC = (
    (b"$FL3", "zsav"),
    (b"$FL2", "sav"),
    (b"<stata_dta>", "dta"),
    (_SAS_MAGIC, "sas7bdat"),
    (_SAS_CATALOG, "sas7bcat"),
    (b"HEADER RECORD*******LIB", "xpt"),
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0", "ole"),
    (b"version https://git-lfs", "lfs"),
    (b"\xff\xfe", "utf16"),
    (b"\xfe\xff", "utf16"),
)


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
    # format 102 has no byte-order mark
    byte_order = (0, 1, 2) if head[0] == 102 else (1, 2)
    if len(head) >= 4 and 102 <= head[0] <= 115 and head[1] in byte_order and head[2] in (0, 1):
        return "dta"
    if b"SPSSPORT" in head[:600]:
        return "por"
    return "binary" if b"\x00" in head or _control_share(head) > 0.05 else "text"


def _control_share(head: bytes) -> float:
    control = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in head)
    return control / len(head)
