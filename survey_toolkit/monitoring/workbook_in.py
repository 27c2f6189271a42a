"""Open a returned workbook safely and find its sheets and columns by their keys."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_toolkit._archive import UnpackLimits, UnsafeArchiveError, check_workbook
from survey_toolkit._spreadsheet import column_letter
from survey_toolkit.errors import DataFileError
from survey_toolkit.monitoring.layout import FIRST_ROW, KEY_ROW
from survey_toolkit.monitoring.returned import Place

__all__ = ["ReturnSheet", "open_return"]

_MAX_FILE = 20_000_000
_LIMITS = UnpackLimits(files=500, bytes=150_000_000, ratio=1_000, small=150_000_000)
_MAX_ROWS, _MAX_COLUMNS = 3_000, 120


@dataclass(frozen=True, slots=True)
class ReturnSheet:
    """One sheet: formulas and shown values, its key and where each column stands."""

    name: str
    title: str
    key: tuple[str, ...]
    formulas: Any
    values: Any
    columns: Mapping[str, int]

    def rows(self) -> Iterator[int]:
        """Numbers of the rows with answers."""
        return iter(range(FIRST_ROW, min(self.formulas.max_row, _MAX_ROWS) + 1))

    def cell(self, row: int, column: str) -> Any:
        """The cell as typed, or None where the column is missing."""
        at = self.columns.get(column)
        return None if at is None else self.formulas.cell(row=row, column=at)

    def cached(self, row: int, column: str) -> Any:
        """What the spreadsheet program last computed for the cell."""
        return self.values.cell(row=row, column=self.columns[column]).value

    def text(self, row: int, column: str) -> str:
        """The cell as tidy text."""
        cell = self.cell(row, column)
        return "" if cell is None or cell.value is None else " ".join(str(cell.value).split())

    def place(self, row: int, column: str) -> Place:
        """Where a cell stands."""
        return Place(self.title, f"{column_letter(self.columns[column])}{row}")


def open_return(path: Path) -> tuple[str, dict[str, ReturnSheet], list[str]]:
    """Open a workbook under limits.

    Returns
    -------
    tuple
        SHA-256 of the file, sheets by the title they have now, titles in order.

    Raises
    ------
    DataFileError
        If it is no sound workbook, or larger than a return can be.
    """
    import openpyxl

    if not path.is_file():
        raise DataFileError(
            "there is no such file", where=str(path), hint="check the path", code="missing-file"
        )
    size = path.stat().st_size
    if size > _MAX_FILE:
        raise _bad(path, f"{size:,} bytes; a return has at most {_MAX_FILE:,}", "too-large")
    data = path.read_bytes()
    try:
        check_workbook(io.BytesIO(data), _LIMITS)
    except UnsafeArchiveError as exc:
        raise _bad(path, exc.found, exc.code) from None
    try:
        formulas = openpyxl.load_workbook(io.BytesIO(data), keep_links=False)
        values = openpyxl.load_workbook(io.BytesIO(data), keep_links=False, data_only=True)
    except Exception as exc:
        # openpyxl raises whatever its parsers do; its text may hold content of the file.
        raise _bad(path, f"no sound workbook ({type(exc).__name__})", "damaged") from None
    sheets = {}
    for sheet in formulas.worksheets:
        if sheet.max_row > _MAX_ROWS or sheet.max_column > _MAX_COLUMNS:
            raise _bad(path, f"a sheet of {sheet.max_row:,} rows, {sheet.max_column:,} columns", "too-large")
        sheets[sheet.title] = _sheet(sheet, values[sheet.title])
    return hashlib.sha256(data).hexdigest(), sheets, [s.title for s in formulas.worksheets]


def _bad(path: Path, found: str, code: str) -> DataFileError:
    return DataFileError(
        "this is no country return that can be read",
        where=path.name,
        found=found,
        expected="the .xlsx template, filled in",
        hint="open it in a spreadsheet program and save it as .xlsx",
        code=code,
    )


def _sheet(formulas: Any, values: Any) -> ReturnSheet:
    first = formulas["A1"].value
    key = tuple(str(first).split("|")) if isinstance(first, str) and first.count("|") == 3 else ()
    columns: dict[str, int] = {}
    for at in range(1, formulas.max_column + 1):
        name = formulas.cell(row=KEY_ROW, column=at).value
        if isinstance(name, str) and name.strip() and name not in columns:
            columns[name.strip()] = at
    return ReturnSheet(key[3] if key else "", formulas.title, key, formulas, values, columns)
