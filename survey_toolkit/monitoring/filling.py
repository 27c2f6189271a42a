"""Fill a return from records: for examples, for round trips, and for offices that keep their numbers
elsewhere.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from survey_toolkit.indicators.frameworks import (
    Actual,
    Baseline,
    Book,
    Framework,
    Marker,
    Narrative,
    Record,
    Selection,
    Source,
)
from survey_toolkit.monitoring.layout import FIRST_ROW, KEY_ROW, rows_of, summed_dimension
from survey_toolkit.monitoring.template import return_template

__all__ = ["filled_return"]


def filled_return(
    framework: Framework, country: str, records: Iterable[Record], language: str = "en"
) -> bytes:
    """Bytes of a return with these records in it.

    Totals stay formulas where the rows they add up are filled in, and are typed in where they are not.
    """
    import openpyxl

    book = Book.of(r for r in records if r.country == country)
    before = Book.of(r for r in book if isinstance(r, Source | Selection | Baseline | Marker))
    out = openpyxl.load_workbook(io.BytesIO(return_template(framework, country, language, before)))
    sheets = {str(s["A1"].value).rpartition("|")[2]: s for s in out.worksheets}
    for key, column, value in _answers(framework, book):
        _write(sheets["actuals"], "key", key, column, value)
    for note in (n for n in book.narratives(country) if n.language == language):
        _narrative(sheets["narrative"], note)
    raw = io.BytesIO()
    out.save(raw)
    return raw.getvalue()


def _answers(framework: Framework, book: Book) -> Iterator[tuple[str, str, Any]]:
    countries = {r.country for r in book}
    for country in countries:
        for row in rows_of(framework, country):
            for year in framework.years:
                actual = book.actual(country, row.indicator.id, year, row.codes)
                if actual is None:
                    continue
                if not (row.is_total and _summed(framework, book, actual)):
                    yield row.key, f"y:{year}", actual.text or actual.value
                if actual.status != "final":
                    yield row.key, f"s:{year}", actual.status
                if row.is_total and actual.source_id:
                    yield row.key, "source", actual.source_id


def _summed(framework: Framework, book: Book, total: Actual) -> bool:
    item = framework.indicator(total.indicator)
    name = summed_dimension(item) if item is not None else None
    start = f"actual/{total.country}/{total.indicator}/{total.year}/{name}="
    return name is not None and any(k.startswith(start) and "&" not in k for k in book.records)


def _columns(sheet: Any) -> dict[str, int]:
    cells = sheet[KEY_ROW]
    return {str(c.value): c.column for c in cells if c.value is not None}


def _write(sheet: Any, key_column: str, key: str, column: str, value: Any) -> None:
    columns = _columns(sheet)
    for row in range(FIRST_ROW, sheet.max_row + 1):
        if sheet.cell(row=row, column=columns[key_column]).value == key:
            sheet.cell(row=row, column=columns[column]).value = value
            return
    raise KeyError(key)


def _narrative(sheet: Any, note: Narrative) -> None:
    columns = _columns(sheet)
    for row in range(FIRST_ROW, sheet.max_row + 1):
        here = (
            sheet.cell(row=row, column=columns["node"]).value,
            sheet.cell(row=row, column=columns["year"]).value,
        )
        if here == (note.node, note.year):
            for name in ("achievements", "challenges", "next_steps"):
                cell = sheet.cell(row=row, column=columns[name])
                cell.value = getattr(note, name) or None
                cell.data_type = "s" if cell.value else "n"
