"""Read the results sheet of a return: a value and a status for each row and year, totals that are
formulas.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

from survey_toolkit.indicators.frameworks import Actual
from survey_toolkit.indicators.frameworks.records import Status
from survey_toolkit.monitoring.layout import HEAD_ROW, Row, rows_of, summed_dimension
from survey_toolkit.monitoring.numbers import Reading, read_year
from survey_toolkit.monitoring.reading import Reader
from survey_toolkit.monitoring.returned import Place
from survey_toolkit.monitoring.template import CHOICES
from survey_toolkit.monitoring.workbook_in import ReturnSheet

__all__ = ["read_actuals"]

_EMPTY = ("suppressed", "not_available", "not_applicable")
assert set(CHOICES) <= set(get_args(Status))


def read_actuals(reader: Reader, sheet: ReturnSheet) -> None:
    """Sheet 2."""
    _Results(reader, sheet).run()


class _Results:
    def __init__(self, reader: Reader, sheet: ReturnSheet) -> None:
        self.reader, self.sheet, self.out = reader, sheet, reader.out
        self.skip = reader.merged(sheet)
        self.known = {row.key: row for row in rows_of(reader.framework, reader.country)}
        self.rows = reader.coded_rows(sheet, "key", self.known)

    def run(self) -> None:
        years = [y for y in self.reader.framework.years if self._year_holds(y)]
        for key, at in self.rows.items():
            if self.known[key].is_total:
                source = self.reader.source_of(self.sheet, at, "source", self.known[key].indicator.id)
                self._indicator(self.known[key], at, years, source)

    def _year_holds(self, year: int) -> bool:
        """Whether the heading people saw names the year of the column."""
        column = f"y:{year}"
        if column not in self.sheet.columns:
            text = f"the column of {year} is not there"
            self.out.doubt(Place(self.sheet.title, ""), "column_missing", text)
            return False
        raw = self.sheet.formulas.cell(row=HEAD_ROW, column=self.sheet.columns[column]).value
        first, last = self.reader.framework.period
        seen = read_year(raw, first=first, last=last, country=self.reader.country)
        place = self.sheet.place(HEAD_ROW, column)
        if seen.value is not None and int(seen.value) != year:
            text = f"the heading says another year than the column, {year}; nothing is taken from it"
            self.out.doubt(place, "year_header_conflict", text, found=raw)
            return False
        if seen.blank or (seen.code and not seen.taken):
            text = seen.message or f"the heading of {year} is empty"
            self.out.doubt(place, seen.code or "year_missing", text, found=raw)
            return False
        if seen.code and str(raw) != str(year):
            self.out.doubt(place, seen.code, seen.message, taken=True, found=raw)
        return True

    def _indicator(self, total: Row, at: int, years: list[int], source: str) -> None:
        start = f"{total.indicator.id}|"
        parts = {k: r for k, r in self.rows.items() if k.startswith(start) and k != total.key}
        reason = self.reader.words_of(self.sheet, at, "reason")
        for year in years:
            readings = {k: self._value(self.known[k], r, year) for k, r in parts.items()}
            for key, reading in readings.items():
                own = self.reader.words_of(self.sheet, parts[key], "reason") or reason
                self._record(self.known[key], parts[key], year, reading, "", own)
            self._record(total, at, year, self._total(total, at, year, readings), source, reason)

    def _value(self, row: Row, at: int, year: int) -> Reading:
        if not row.indicator.numeric:
            return Reading(blank=not self.sheet.text(at, f"y:{year}"))
        whole = row.indicator.type == "count"
        return self.reader.value(self.sheet, at, f"y:{year}", whole=whole, skip=self.skip)

    def _total(self, row: Row, at: int, year: int, parts: dict[str, Reading]) -> Reading:
        """The total: the template's own formula is computed here, a number typed over it is a doubt."""
        name = summed_dimension(row.indicator)
        if name is None:
            return self._value(row, at, year)
        start = f"{row.indicator.id}|{name}="
        summed = {k: r for k, r in parts.items() if k.startswith(start) and "&" not in k}
        values = [r.value for r in summed.values() if r.value is not None]
        cell = self.sheet.cell(at, f"y:{year}")
        if (cell.row, cell.column) in self.skip:
            return Reading(blank=True)
        if cell.data_type == "f" and (span := _template_span(cell.value, cell.column_letter, at)) is not None:
            return self._computed(summed, span, year)
        reading = self._value(row, at, year)
        overwritten = cell.data_type == "n" and cell.value is not None and not reading.code
        if (
            overwritten
            and reading.value is not None
            and (not values or abs(sum(values) - reading.value) < 0.5)
        ):
            text = "typed over the formula; " + (
                "it equals the sum of its rows"
                if values
                else "its rows are empty, so only the total is known"
            )
            self.out.doubt(self.sheet.place(at, f"y:{year}"), "total_typed_over", text, taken=True)
        return reading

    def _computed(self, parts: dict[str, Reading], span: range, year: int) -> Reading:
        """The sum of the rows; a row that could not be read, or is suppressed, leaves it unknown."""
        values = [r.value for r in parts.values() if r.value is not None]
        unread = [k for k, r in parts.items() if (r.code and not r.taken) or r.below]
        at = {self.rows[k] for k in parts}
        if unread:
            self._say_total_unknown({self.sheet.place(self.rows[k], f"y:{year}").cell for k in unread}, year)
        strange = any(self.sheet.text(row, f"y:{year}") for row in set(span) - at)
        merged = any((row, self.sheet.columns[f"y:{year}"]) in self.skip for row in at)
        said = {k: self._status(self.rows[k], year, tell=False) for k, r in parts.items() if r.blank}
        silent = [k for k, status in said.items() if status in ("suppressed", "not_available")]
        if silent and values:
            text = "rows without a number belong to it; type the total over the formula"
            self.out.doubt(self.sheet.place(min(span) - 1, f"y:{year}"), "total_not_known", text)
        unknown = unread or strange or merged or silent
        return Reading(value=None if unknown or not values else sum(values), blank=not values)

    def _say_total_unknown(self, cells: set[str], year: int) -> None:
        for i, doubt in enumerate(self.out.doubts):
            if doubt.sheet == self.sheet.title and doubt.cell in cells:
                message = f"{doubt.message}; the total of {year} is therefore not known"
                self.out.doubts[i] = replace(doubt, message=message)

    def _status(self, at: int, year: int, *, tell: bool = True) -> str | None:
        """The chosen status, empty where none is chosen, None where it cannot be read."""
        column = f"s:{year}"
        text = self.sheet.text(at, column) if column in self.sheet.columns else ""
        code = re.split(r"\s*[–:]\s|\s-\s", text)[0].strip().lower().replace(" ", "_")
        if code and code not in CHOICES:
            expected = "one of: " + ", ".join(CHOICES)
            if tell:
                self.out.doubt(self.sheet.place(at, column), "bad_choice", expected, found=text)
            return None
        return code

    def _record(self, row: Row, at: int, year: int, reading: Reading, source: str, reason: str) -> None:
        status = self._status(at, year)
        if status is None:
            return
        place = self.sheet.place(at, f"y:{year}")
        words, value = "", reading.value
        if not row.indicator.numeric:
            words, value = self._words(row, at, year), None
        if (value is not None or words) and status in _EMPTY:
            text = f"a value and the status {status}: which one holds?"
            self.out.doubt(self.sheet.place(at, f"s:{year}"), "status_conflict", text)
            return
        if reading.below is not None:
            status = "suppressed"
        record = Actual(
            country=self.out.country, indicator=row.indicator.id, year=year, breakdown=row.codes, value=value,
            text=words, status=status or "final", source_id=source,  # type: ignore[arg-type]
            upper=None if reading.below is None else reading.below - 1.0,
            definition=row.indicator.definition or "",
        )  # fmt: skip
        if value is None and not words and status not in _EMPTY:
            if reading.blank:
                self.out.blanks[record.key] = place
            return
        self.out.add(record, place, reason)

    def _words(self, row: Row, at: int, year: int) -> str:
        text = self.reader.words_of(self.sheet, at, f"y:{year}").lower()
        if text and row.indicator.steps and text not in row.indicator.steps:
            expected = "one of: " + ", ".join(row.indicator.steps)
            self.out.doubt(self.sheet.place(at, f"y:{year}"), "bad_choice", expected, found=text)
            return ""
        return text


_FORMULA = re.compile(r'=IF\(COUNT\(([A-Z]+)(\d+):\1(\d+)\)=0,"",SUM\(\1\2:\1\3\)\)')


def _template_span(formula: object, letter: str, total_row: int) -> range | None:
    """Rows that a total adds up, if its formula is the template's as a spreadsheet program may rewrite it."""
    plain = re.sub(r"[\s$]", "", str(formula)).replace(";", ",").upper()
    match = _FORMULA.fullmatch(plain)
    if match is None or match.group(1) != letter or int(match.group(2)) <= total_row:
        return None
    return range(int(match.group(2)), int(match.group(3)) + 1)
