"""Six returns with forty planted defects: what is done to which cell, and what must be said about it."""

from __future__ import annotations

import datetime as dt
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import openpyxl

from survey_toolkit.indicators.frameworks import Framework, load_framework
from survey_toolkit.monitoring import filled_return
from survey_toolkit.monitoring.example import LANGUAGES, example_records

A, B, C, C_IN = "SPA4-4.2-a", "SPA4-4.2-b", "SPA4-4.2-c", "SPA4-4.2-c-in"
HEAD, FIRST = 5, 6
#: What is said: file, sheet, cell, code, whether the value was taken all the same.
Said = tuple[str, str, str, str, bool]


@lru_cache(maxsize=16)
def _clean(key: str, country: str) -> bytes:
    return filled_return(load_framework(key), country, example_records(country), LANGUAGES[country])


class Book:
    """One return that can be spoilt cell by cell."""

    def __init__(self, framework: Framework, country: str) -> None:
        data = _clean(framework.id, country)
        self.file = f"{country}.xlsx"
        self.book = openpyxl.load_workbook(io.BytesIO(data))
        self.sheets = {str(s["A1"].value).rpartition("|")[2]: s for s in self.book.worksheets}

    def column(self, sheet: str, name: str) -> int:
        return next(c.column for c in self.sheets[sheet][4] if c.value == name)

    def row(self, sheet: str, key: str) -> int:
        return next(
            r
            for r in range(FIRST, self.sheets[sheet].max_row + 1)
            if self.sheets[sheet].cell(r, 1).value == key
        )

    def cell(self, sheet: str, key: str | int, name: str) -> Any:
        row = key if isinstance(key, int) else self.row(sheet, key)
        return self.sheets[sheet].cell(row, self.column(sheet, name))


@dataclass(frozen=True)
class Defect:
    country: str
    code: str
    taken: bool
    plant: Callable[[Book], tuple[str, str]]


def put(sheet: str, key: str | int, column: str, value: Any) -> Callable[[Book], tuple[str, str]]:
    """Write a value; the doubt must name this very cell."""

    def plant(book: Book) -> tuple[str, str]:
        cell = book.cell(sheet, key, column)
        cell.value = value
        return book.sheets[sheet].title, cell.coordinate

    return plant


def rename(book: Book) -> tuple[str, str]:
    book.sheets["narrative"].title = "Narrative final v2"
    return "Narrative final v2", "A1"


def second_row(book: Book) -> tuple[str, str]:
    """The row of adults once more at the end, with another number."""
    sheet, row = book.sheets["actuals"], book.row("actuals", f"{A}|age=18+")
    last = sheet.max_row + 1
    for at in range(1, sheet.max_column + 1):
        sheet.cell(last, at).value = sheet.cell(row, at).value
    sheet.cell(last, book.column("actuals", "y:2016")).value = 999
    return sheet.title, f"A{last}"


def merge(book: Book) -> tuple[str, str]:
    top = book.cell("actuals", f"{C}|sex=F", "y:2016")
    below = book.cell("actuals", f"{C}|sex=M", "y:2016")
    book.sheets["actuals"].merge_cells(f"{top.coordinate}:{below.coordinate}")
    return book.sheets["actuals"].title, top.coordinate


def empty_row(book: Book) -> tuple[str, str]:
    sheet, row = book.sheets["actuals"], book.row("actuals", f"{A}|form=OT")
    for at in range(1, sheet.max_column + 1):
        sheet.cell(row, at).value = None
    return sheet.title, ""


def other_code(book: Book) -> tuple[str, str]:
    cell = book.cell("actuals", f"{C_IN}|partner=THA", "key")
    cell.value = f"{C_IN}|partner=THAI"
    return book.sheets["actuals"].title, cell.coordinate


def no_source(book: Book) -> tuple[str, str]:
    """Numbers with nothing said about where they come from."""
    for key, value in ((f"{A}|sex=F", 30), (f"{A}|sex=M", 11), (f"{A}|sex=_U", 0)):
        book.cell("actuals", key, "y:2015").value = value
    return book.sheets["actuals"].title, book.cell("actuals", f"{A}|total", "source").coordinate


def not_selected(book: Book) -> tuple[str, str]:
    book.cell("indicators", C, "selected").value = "no"
    return book.sheets["actuals"].title, book.cell("actuals", f"{C}|total", "y:2016").coordinate


def wrong_sum(book: Book) -> tuple[str, str]:
    """215 with two digits exchanged."""
    book.cell("actuals", f"{A}|age=18+", "y:2016").value = 251
    return book.sheets["actuals"].title, book.cell("actuals", f"{A}|total", "y:2016").coordinate


ACT, IND = "actuals", "indicators"
DEFECTS = [
    Defect("KHM", "local_digits", True, put(ACT, f"{A}|sex=F", "y:2015", "១២៧")),
    Defect("KHM", "approximate", False, put(ACT, f"{A}|sex=M", "y:2016", "approx. 75")),
    Defect("KHM", "ambiguous_missing", False, put(ACT, f"{A}|age=0-17", "y:2016", "n/a")),
    Defect("KHM", "buddhist_year", False, put(IND, A, "baseline_year", 2557)),
    Defect("KHM", "local_digits", True, put(ACT, HEAD, "y:2017", "២០១៧")),
    Defect("KHM", "text_in_number", False, put(ACT, f"{A}|form=SX", "y:2017", "112 (est.)")),
    Defect("KHM", "number_as_text", True, put(ACT, f"{B}|total", "y:2016", "17 ")),
    Defect("KHM", "sheet_renamed", True, rename),
    Defect("THA", "buddhist_year", True, put(IND, A, "baseline_year", "๒๕๕๗")),
    Defect("THA", "local_digits", True, put(ACT, f"{A}|sex=F", "y:2016", "๒๘๙")),
    Defect("THA", "ambiguous_separator", False, put(ACT, f"{C}|partner=KHM", "y:2016", "1,20")),
    Defect("THA", "total_typed_over", True, put(ACT, f"{A}|total", "y:2017", 431)),
    Defect("THA", "formula_in_cell", False, put(ACT, f"{A}|sex=M", "y:2015", "=70+72")),
    Defect("THA", "bad_choice", False, put(ACT, f"{B}|total", "source", "S99")),
    Defect("THA", "duplicate_conflict", False, second_row),
    Defect("THA", "merged_cells", False, merge),
    Defect("THA", "bad_choice", False, put(ACT, f"{A}|total", "s:2016", "finl")),
    Defect("THA", "jump", True, put(ACT, f"{B}|total", "y:2016", 520)),
    Defect("LAO", "local_digits", True, put(ACT, f"{A}|sex=F", "y:2016", "໖໘")),
    Defect("LAO", "suppressed_at_source", True, put(ACT, f"{A}|sex=M", "y:2015", "<5")),
    Defect("LAO", "range", False, put(ACT, f"{A}|age=18+", "y:2015", "44-48")),
    Defect("LAO", "negative", False, put(ACT, f"{A}|form=FL", "y:2016", -29)),
    Defect("LAO", "marker_not_monotone", True, put(IND, A, "m:2016", 58)),
    Defect("LAO", "row_missing", False, empty_row),
    Defect("LAO", "unknown_code", False, other_code),
    Defect("VNM", "ambiguous_separator", False, put(ACT, f"{A}|form=SX", "y:2017", "1.400")),
    Defect("VNM", "date_in_number_cell", False, put(ACT, f"{A}|sex=M", "y:2017", dt.datetime(2017, 3, 1))),
    Defect("VNM", "error_value", False, put(ACT, f"{B}|total", "y:2017", "#REF!")),
    Defect("VNM", "breakdown_sum", True, wrong_sum),
    Defect("VNM", "not_selected_but_reported", False, not_selected),
    Defect("VNM", "personal_data", False, put("narrative", FIRST, "challenges", "Call Ms X, 097 123 4567")),
    Defect("VNM", "not_a_number", False, put(ACT, f"{B}|total", "y:2016", "six")),
    Defect("MMR", "bad_choice", False, put(IND, B, "selected", "maybe")),
    Defect("MMR", "local_digits", True, put(IND, A, "m:2015", "၁၆၀")),
    Defect("MMR", "source_missing", True, no_source),
    Defect("MMR", "text_in_number", False, put(IND, A, "baseline", "150 persons")),
    Defect("CHN", "fiscal_year", False, put(ACT, HEAD, "y:2016", "2015/16")),
    Defect("CHN", "status_conflict", False, put(ACT, f"{C}|total", "s:2015", "not_available")),
]  # fmt: skip
#: And two about files: a copy of a return, and something that is no workbook.
N_PLANTED = len(DEFECTS) + 2


def planted_returns(framework: Framework, folder: Path) -> set[Said]:
    """Write the six spoilt returns and two stray files; what must be said about them."""
    folder.mkdir(parents=True)
    expected: set[Said] = set()
    for country in framework.countries:
        book = Book(framework, country)
        mine = [d for d in DEFECTS if d.country == country]
        # Renaming comes last for nobody: places are taken from the sheet itself, after all is planted.
        for defect in sorted(mine, key=lambda d: d.plant is not rename):
            sheet, cell = defect.plant(book)
            expected.add((book.file, sheet, cell, defect.code, defect.taken))
        book.book.save(folder / book.file)
    shutil.copy(folder / "VNM.xlsx", folder / "VNM_copy.xlsx")
    expected.add(("VNM_copy.xlsx", "", "", "same_file", True))
    (folder / "covering letter.docx").write_bytes(b"letter")
    expected.add(("covering letter.docx", "", "", "not_a_workbook", False))
    return expected
