"""Workbooks (.xlsx): one sheet, its first row the column names, read under limits on what unpacks to what.

A workbook is a ZIP of XML: its parts are looked at before they are opened, the sheet's own claim about its
size is ignored, and a cell far outside the table is an error rather than a million empty rows.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from survey_toolkit._archive import UnpackLimits, UnsafeArchiveError, check_workbook
from survey_toolkit.microdata._raw import Block, Column, Contents, NumberColumn, Unreadable

__all__ = ["open_sheets", "open_xlsx"]

_LIMITS = UnpackLimits(files=10_000, bytes=1_000_000_000, ratio=100, small=200_000_000)
_EMPTY_ROWS = 10_000
_ROWS = 1_048_576
_COLUMNS = 16_384
_EPOCH = dt.datetime(1582, 10, 14)
_EXACT = 10**15
_NO_RESULT = re.compile(rb"(?:</f>|<f[^>]*/>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")


def _check_parts(path: str) -> None:
    try:
        check_workbook(path, _LIMITS)
    except UnsafeArchiveError as exc:
        raise Unreadable(exc.code, exc.found) from None


def open_sheets(path: str) -> Contents:
    """Name the sheets of a workbook: each as a column without rows."""
    import openpyxl

    _check_parts(path)
    book = openpyxl.load_workbook(path, read_only=True, keep_links=False)
    columns = [Column(sheet.title) for sheet in book.worksheets]
    return Contents(columns=columns, blocks=lambda wanted, rows: iter(()), n_rows=0, raw=False)


def open_xlsx(path: str, *, table: str | None = None) -> Contents:
    """Open a workbook; ``table`` names the sheet, otherwise the first is read."""
    import openpyxl

    _check_parts(path)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    names = [sheet.title for sheet in book.worksheets]
    if not names or (table is not None and table not in names):
        raise Unreadable("schema", f"no sheet '{table}'; there are: {', '.join(names[:20])}")
    sheet = book[table or names[0]]
    sheet.reset_dimensions()
    header, rows = _table(sheet)
    notes = [f"sheet '{sheet.title}' was read; others: {', '.join(names[:20])}"] if len(names) > 1 else []
    if lost := _formulas_without_result(path, sheet):
        notes.append(
            f"{lost:,} cells hold formulas without a stored result and were read as blank: open the workbook "
            "in a spreadsheet program and save it"
        )
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    parts = [_column(name, values, notes) for name, values in zip(header, cells, strict=True)]
    return Contents(
        columns=[column for column, _ in parts],
        blocks=lambda wanted, size: _blocks([parts[i][1] for i in wanted], len(rows), size),
        n_rows=len(rows),
        raw=False,
        notes=notes,
    )


def _formulas_without_result(path: str, sheet: Any) -> int:
    """Programs that write formulas without reckoning them leave cells that look blank."""
    n, rest = 0, b""
    with zipfile.ZipFile(path) as archive, archive.open(sheet._worksheet_path.lstrip("/")) as xml:
        while piece := xml.read(1 << 20):
            text = rest + piece
            end = text.rfind(b"</c>") + 4
            n += len(_NO_RESULT.findall(text[:end]))
            rest = text[max(end, len(text) - 100_000) :] if end >= 4 else text[-100_000:]
    return n


def _table(sheet: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
    header: list[str] = []
    rows: list[tuple[Any, ...]] = []
    empty = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_row=_ROWS, max_col=None), start=1):
        width = len(row)
        while width and row[width - 1] is None:
            width -= 1
        if not header:
            header = _header(row[:width], number)
        elif width > len(header):
            raise Unreadable("damaged", f"row {number:,} has a cell in column {width:,}, beyond the header")
        elif not width:
            empty += 1
        elif empty > _EMPTY_ROWS:
            raise Unreadable("damaged", f"row {number:,} stands after {empty:,} empty rows")
        else:
            rows += [(None,) * len(header)] * empty
            empty = 0
            rows.append(tuple(row[:width]) + (None,) * (len(header) - width))
    if not header:
        raise Unreadable("schema", "the sheet is empty")
    return header, rows


def _header(row: tuple[Any, ...], number: int) -> list[str]:
    if number > 1:
        raise Unreadable("schema", "the first row is empty, expected the column names")
    names = ["" if cell is None else str(cell).strip() for cell in row]
    if not all(names) or len(set(names)) < len(names) or len(names) > _COLUMNS:
        raise Unreadable("schema", "every column needs a name of its own in the first row")
    return names


def _column(
    name: str, values: tuple[Any, ...], notes: list[str]
) -> tuple[Column, NumberColumn | list[bytes]]:
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, int | float) and not isinstance(v, bool) for v in present):
        numbers = np.array([math.nan if v is None else float(v) for v in values])
        if np.nanmax(np.abs(numbers)) >= _EXACT:
            notes.append(
                f"column '{name}' holds numbers of more than 15 digits: Excel has rounded them; "
                "if they are identifiers, have them exported as text"
            )
        whole = bool(np.all(np.isnan(numbers) | (numbers == np.floor(numbers))))
        return Column(name, False, "int" if whole else "double"), NumberColumn(numbers)
    if present and all(isinstance(v, dt.date) for v in present):
        moments = [_seconds(v) for v in values]
        days = all(m != m or m % 86_400 == 0 for m in moments)
        column = Column(name, False, "double", "DATE11" if days else "DATETIME20")
        return column, NumberColumn(np.array(moments))
    if present and all(isinstance(v, dt.time | dt.timedelta) for v in present):
        return Column(name, False, "double", "TIME8"), NumberColumn(np.array([_duration(v) for v in values]))
    return Column(name, True, "string"), [_text(v).encode("utf-8") for v in values]


def _seconds(value: Any) -> float:
    if value is None:
        return math.nan
    moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
    return (moment - _EPOCH).total_seconds()


def _duration(value: Any) -> float:
    """Seconds of a time of day or of a length of time, which may pass 24 hours."""
    if value is None:
        return math.nan
    if isinstance(value, dt.timedelta):
        return float(value.total_seconds())
    return float(value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _blocks(parts: list[NumberColumn | list[bytes]], n_rows: int, size: int) -> Iterator[Block]:
    size = size or n_rows or 1
    for start in range(0, n_rows, size):
        block: Block = []
        for part in parts:
            if isinstance(part, NumberColumn):
                block.append(NumberColumn(part.values[start : start + size]))
            else:
                block.append(part[start : start + size])
        yield block
