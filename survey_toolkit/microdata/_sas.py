"""SAS data sets (.sas7bdat), their catalogs (.sas7bcat) and transport files (.xpt), through pyreadstat.

Read "as Latin-1", each byte comes out as the code point of its number: that is how the raw bytes are had,
and the conversion inside the C library, which can move letters between texts, is not used.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from survey_toolkit.microdata._raw import Block, Column, Contents, NumberColumn, Unreadable

__all__ = ["open_catalog", "open_sas"]

_ROWS = 100_000
_CELLS = 2_000_000
#: Character-set codes of the SAS header (byte 70) and their Python codecs.
_CHARSETS = {
    20: "utf-8", 28: "ascii", 29: "latin-1", 30: "iso8859-2", 31: "iso8859-3", 32: "iso8859-4",
    33: "iso8859-5", 34: "iso8859-6", 35: "iso8859-7", 36: "iso8859-8", 37: "iso8859-9",
    39: "iso8859-11", 40: "iso8859-15", 41: "cp437", 42: "cp850", 43: "cp852", 44: "cp857", 45: "cp858",
    46: "cp862", 47: "cp864", 48: "cp865", 49: "cp866", 50: "cp869", 51: "cp874", 55: "cp720",
    56: "cp737", 57: "cp775", 58: "cp860", 59: "cp863", 60: "cp1250", 61: "cp1251", 62: "cp1252",
    63: "cp1253", 64: "cp1254", 65: "cp1255", 66: "cp1256", 67: "cp1257", 68: "cp1258", 118: "cp950",
    123: "big5", 125: "gbk", 126: "gbk", 134: "euc_jp", 136: "cp949", 138: "cp932", 140: "euc_kr",
    141: "cp949", 142: "cp949", 204: "cp1252", 205: "gb18030", 227: "iso8859-14", 242: "iso8859-13",
    248: "shift_jisx0213",
}  # fmt: skip


def _charset(path: str, kind: str) -> tuple[str | None, str | None]:
    """Declared codec of a .sas7bdat, and a note where its code is unknown."""
    if kind != "sas7bdat":
        return None, None
    with open(path, "rb") as file:
        head = file.read(71)
    if len(head) < 71:
        raise Unreadable("truncated", f"{len(head)} bytes are fewer than the header has")
    code = head[70]
    if code in _CHARSETS or not code:
        return _CHARSETS.get(code), None
    return None, f"the file declares character set {code}, which is unknown here"


def _check_size(path: str, kind: str) -> None:
    """Tell a cut-off file by its form, where the parser would read on in silence."""
    size = os.path.getsize(path)
    if kind == "xpt":
        if size % 80:
            raise Unreadable("truncated", f"{size:,} bytes, not a multiple of 80")
        return
    with open(path, "rb") as file:
        head = file.read(300)
    if len(head) < 300:
        raise Unreadable("truncated", f"{len(head)} bytes are fewer than the header has")
    shift = 4 if head[35:36] == b"3" else 0
    order = "<" if head[37] == 1 else ">"
    header, page = struct.unpack_from(order + "II", head, 196 + shift)
    n_pages = struct.unpack_from(order + ("Q" if head[32:33] == b"3" else "I"), head, 204 + shift)[0]
    if header + page * n_pages > size:
        raise Unreadable("truncated", f"{size:,} bytes of {header + page * n_pages:,} declared")


def _check_columns(path: str, kind: str, n_columns: int) -> None:
    if kind != "xpt":
        return
    with open(path, "rb") as file:
        head = file.read(2_000)
    declared = re.search(rb"NAM(?:ESTR|STV8) HEADER RECORD!{7}([0-9]{10})", head)
    if declared and int(declared.group(1)) != n_columns:
        raise Unreadable("damaged", f"{int(declared.group(1)):,} columns declared, {n_columns:,} there")


def _options(kind: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "output_format": "dict",
        "disable_datetime_conversion": True,
        "encoding": "LATIN1",
    }
    if kind == "sas7bdat":
        options["user_missing"] = True
    return options


def _catalog(path: str | None) -> dict[str, list[tuple[Any, str]]]:
    """Format name to code and label."""
    import pyreadstat

    if not path:
        return {}
    _, meta = pyreadstat.read_sas7bcat(path, encoding="LATIN1")
    return {str(name).upper(): list(labels.items()) for name, labels in meta.value_labels.items()}


def open_catalog(path: str) -> Contents:
    """Open a .sas7bcat alone: each format as a column without rows, with its labels."""
    columns = [Column(name, value_labels=labels) for name, labels in _catalog(path).items()]
    return Contents(columns=columns, blocks=lambda wanted, rows: iter(()), n_rows=0)


def open_sas(path: str, kind: str, *, catalog: str | None = None) -> Contents:
    """Open a SAS file; ``catalog`` names the .sas7bcat with its value labels."""
    import pyreadstat

    reader = pyreadstat.read_sas7bdat if kind == "sas7bdat" else pyreadstat.read_xport
    encoding, note = _charset(path, kind)
    options = _options(kind)
    _check_size(path, kind)
    _, meta = reader(path, metadataonly=True, **options)
    _check_columns(path, kind, len(meta.column_names))
    formats = _catalog(catalog)
    names = list(meta.column_names)
    columns = []
    for name in names:
        shown = str(meta.original_variable_types.get(name) or "")
        column = Column(name, meta.readstat_variable_types.get(name) == "string", "", shown)
        column.storage = str(meta.readstat_variable_types.get(name, ""))
        column.label = str(meta.column_names_to_labels.get(name) or "")
        found = formats.get(shown.upper().rstrip("0123456789.")) or formats.get(shown.upper(), [])
        column.value_labels = list(found)
        columns.append(column)
    n_rows = meta.number_rows if kind == "sas7bdat" else None
    return Contents(
        columns=columns,
        blocks=lambda wanted, rows: _blocks(reader, path, options, columns, wanted, rows),
        encoding=encoding,
        n_rows=n_rows,
        label=str(meta.file_label or ""),
        notes=[note] if note else [],
    )


def _blocks(
    reader: Any, path: str, options: dict[str, Any], columns: list[Column], wanted: list[int], rows: int
) -> Iterator[Block]:
    names = [columns[i].name for i in wanted]
    if not names:
        return
    chosen = {} if len(names) == len(columns) else {"usecols": names}
    rows = rows or max(1_000, min(_ROWS, _CELLS // len(names)))
    done = 0
    while True:
        data, _ = reader(path, row_limit=rows, row_offset=done, **options, **chosen)
        lists = {name: data[name] for name in names}
        n = len(lists[names[0]])
        if n:
            yield [_cells(lists[columns[i].name], columns[i].is_text) for i in wanted]
        done += n
        if n < rows:
            return


def _cells(column: list[Any], is_text: bool) -> NumberColumn | list[bytes]:
    if is_text:
        return [b"" if v is None else str(v).rstrip(" ").encode("latin-1") for v in column]
    try:
        return NumberColumn(np.array(column, dtype=np.float64))
    except (TypeError, ValueError):
        tags = np.array([ord(v[:1]) if isinstance(v, str) and v else 0 for v in column], dtype=np.uint8)
        values = [np.nan if v is None or isinstance(v, str) else v for v in column]
        return NumberColumn(np.array(values, dtype=np.float64), tags)
