"""What every file that a spreadsheet program opens has in common: safe text, and cells in one look."""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from survey_toolkit._atomic import appearing

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["LINE", "column_letter", "frame_csv", "neutralise", "put", "table_csv"]

#: Colour of the lines between cells.
LINE = "C9D3DC"
#: A cell of a worksheet holds at most 32,767 characters.
_LONGEST = 32_000
#: Spreadsheet programs pass over these before they look for a formula.
_SKIPPED = re.compile("[\x00-\x20\x7f\u00a0\ufeff]*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]+)?([eE][-+]?[0-9]+)?")


def neutralise(text: str) -> str:
    r"""Put ``'`` before text that a spreadsheet would run as a formula; a plain number stays a number.

    Such text begins with ``= + - @`` or their full-width forms, be it behind blanks and control characters,
    or with a tab or line break, which can move the rest into a cell of its own.

    Examples
    --------
    >>> neutralise("=HYPERLINK(1)"), neutralise(" +x"), neutralise("\t5"), neutralise("-5"), neutralise("x")
    ("'=HYPERLINK(1)", "' +x", "'\t5", '-5', 'x')
    """
    first = _SKIPPED.sub("", text, count=1)[:1]
    risky = unicodedata.normalize("NFKC", first) in ("=", "+", "-", "@") or text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if text and risky and not _NUMBER.fullmatch(text) else text


def _neutralised(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with all its text, column names included, neutralised; missing cells and numbers stay."""
    import pandas as pd

    safe = frame.rename(columns=lambda name: neutralise(name) if isinstance(name, str) else name)
    for at, dtype in enumerate(frame.dtypes):
        if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype):
            continue
        texts = frame.iloc[:, at].astype(object)
        safe.isetitem(at, [neutralise(v) if isinstance(v, str) else v for v in texts])
    return safe


class _Rows(io.TextIOBase):
    r"""Rows of the csv module, ended by ``\n``.

    The module quotes only what holds a character of its own row end. Asked for ``\r\n`` it quotes both: a
    bare carriage return would begin a new row, and a formula in it, in the spreadsheet.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, row: str) -> int:
        return self._out.write(row.removesuffix("\r\n") + "\n")


def table_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Text of a CSV file: text without control characters, and neutralised.

    Examples
    --------
    >>> table_csv(["a", "b"], [["=1", -1.5], ["x", None]]).splitlines()
    ['a,b', "'=1,-1.5", 'x,']
    """
    out = io.StringIO()
    writer = csv.writer(_Rows(out), lineterminator="\r\n")
    writer.writerow([_clean(str(name)) for name in columns])
    writer.writerows([_clean(v) if isinstance(v, str) else v for v in row] for row in rows)
    return out.getvalue()


def frame_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a frame as CSV in UTF-8, whole or not at all; its text is neutralised and otherwise as it is."""
    with appearing(Path(path)) as part, part.open("w", encoding="utf-8", newline="") as out:
        _neutralised(frame).to_csv(_Rows(out), index=False, lineterminator="\r\n")


def _clean(text: str) -> str:
    return neutralise(_CONTROLS.sub("", text))


def column_letter(column: int) -> str:
    """Letters of a column of a worksheet, counted from 1.

    Examples
    --------
    >>> column_letter(28)
    'AB'
    """
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(column))


def put(
    sheet: Worksheet,
    row: int,
    column: int,
    value: Any,
    *,
    formula: bool = False,
    font: str = "Calibri",
    size: int = 11,
    bold: bool = False,
    italic: bool = False,
    color: str | None = None,
    fill: str | None = None,
    line: bool = False,
    number_format: str = "General",
    align: str | None = None,
    wrap: bool = False,
    indent: int = 0,
) -> Cell:
    """Write a cell: numbers as numbers, text as text whatever it begins with, unless it is our ``formula``.

    Examples
    --------
    >>> from openpyxl import Workbook
    >>> sheet = Workbook().active
    >>> put(sheet, 1, 1, "=1+1").value, put(sheet, 2, 1, 0.5, number_format="0.0").data_type
    ("'=1+1", 'n')
    """
    from openpyxl.styles import Alignment, Border, PatternFill, Side

    cell: Cell = sheet.cell(row=row, column=column)
    if isinstance(value, str) and not formula:
        cell.value = _clean(value)[:_LONGEST]
        cell.data_type = "s"
    else:
        cell.value = value
        cell.number_format = number_format
    cell.font = _font(font, size, bold, italic, color)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
    if line:
        cell.border = Border(bottom=Side(style="thin", color=LINE))
    cell.alignment = Alignment(horizontal=align, vertical="top", wrap_text=wrap, indent=indent)
    return cell


@lru_cache(maxsize=64)
def _font(name: str, size: int, bold: bool, italic: bool, color: str | None) -> Any:
    from openpyxl.styles import Font

    return Font(name=name, size=size, bold=bold, italic=italic, color=color)
