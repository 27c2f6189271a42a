"""Read a country return: records, where each came from, and every doubt with its cell. Nothing is guessed."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from survey_toolkit.errors import did_you_mean
from survey_toolkit.indicators.frameworks import (
    Baseline,
    Framework,
    FrameworkIndicator,
    Marker,
    Narrative,
    Selection,
    Source,
)
from survey_toolkit.monitoring.layout import FIRST_ROW, SHEETS, baseline_years, words
from survey_toolkit.monitoring.numbers import Reading, read_number, read_year
from survey_toolkit.monitoring.returned import CountryReturn, Place
from survey_toolkit.monitoring.template import SOURCE_TYPES
from survey_toolkit.monitoring.workbook_in import ReturnSheet, open_return

__all__ = ["Reader", "read_return"]

_YES, _NO = {"yes", "y", "1"}, {"no", "n", "0"}
_LONGEST = 4_000
_FIRST_COLUMN = {"indicators": "code", "actuals": "key", "sources": "id", "narrative": "node"}
#: E-mail addresses, and telephone numbers as they are written in the region: a plus or a zero first.
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?:\+|(?<!\d)0)\d(?:[\s().-]?\d){6,}")


def read_return(path: Path, framework: Framework) -> CountryReturn:
    """Read one workbook against a framework.

    Raises
    ------
    DataFileError
        If the file is no workbook at all; everything else is a doubt.
    """
    from survey_toolkit.monitoring.results_in import read_actuals

    sha256, sheets, titles = open_return(path)
    out = CountryReturn(path.name, sha256)
    if not _identify(out, framework, sheets):
        return out
    found = _find_sheets(out, sheets, titles)
    reader = Reader(out, framework)
    for name, read in (
        ("sources", reader.sources),
        ("indicators", reader.indicators),
        ("actuals", lambda sheet: read_actuals(reader, sheet)),
        ("narrative", reader.narrative),
    ):
        if name in found:
            read(found[name])
    return out


def _identify(out: CountryReturn, framework: Framework, sheets: dict[str, ReturnSheet]) -> bool:
    """Whose return it is; False when that cannot be told, so that nothing is read."""
    keys = {s.key for s in sheets.values() if s.key}
    whole = Place("", "")
    if not keys:
        out.doubt(whole, "not_a_return", "no sheet carries the key of a return; was the template used?")
        return False
    countries = sorted({k[1] for k in keys})
    if len(countries) > 1:
        out.doubt(whole, "mixed_countries", "sheets of different countries: " + ", ".join(countries)[:80])
        return False
    if (countries[0]) not in framework.countries:
        text = "no country of this framework; " + did_you_mean(countries[0], framework.countries)
        out.doubt(whole, "unknown_country", text)
        return False
    versions = sorted({k[0] for k in keys})
    if versions != [framework.key]:
        text = f"made for {', '.join(versions)[:80]}; this folder holds {framework.key}"
        out.doubt(whole, "framework_version", text)
        return False
    out.country, out.language = countries[0], sorted({k[2] for k in keys})[0]
    return True


def _find_sheets(
    out: CountryReturn, sheets: dict[str, ReturnSheet], titles: list[str]
) -> dict[str, ReturnSheet]:
    word = words(out.language)
    found: dict[str, ReturnSheet] = {}
    for name in SHEETS:
        same = [sheets[t] for t in titles if sheets[t].name == name]
        if not same:
            out.doubt(Place(word[name], ""), "sheet_missing", f"the sheet '{word[name]}' is not there")
            continue
        if len(same) > 1:
            text = "the sheet is there twice; keep one: " + ", ".join(s.title for s in same)[:120]
            out.doubt(Place(same[1].title, ""), "sheet_twice", text)
            continue
        if _FIRST_COLUMN[name] not in same[0].columns:
            text = "the hidden row that names the columns is gone; nothing is taken from the sheet"
            out.doubt(Place(same[0].title, ""), "layout_changed", text)
            continue
        found[name] = same[0]
        if same[0].title != word[name]:
            text = f"the sheet was '{word[name]}'; read by its key"
            out.doubt(Place(same[0].title, "A1"), "sheet_renamed", text, taken=True)
    return found


class Reader:
    """Reads the sheets of one return into records and doubts."""

    def __init__(self, out: CountryReturn, framework: Framework) -> None:
        self.out, self.framework = out, framework
        self.country = out.country
        self.languages = framework.languages

    # --- parts every sheet needs ---

    def coded_rows(self, sheet: ReturnSheet, column: str, known: Iterable[str]) -> dict[str, int]:
        """Rows by their locked code; unknown, repeated and missing codes are doubts."""
        expected = list(known)
        rows: dict[str, list[int]] = {}
        strange: list[str] = []
        for row in sheet.rows():
            code = sheet.text(row, column)
            if not code and not any(c.value is not None for c in sheet.formulas[row]):
                continue
            if code in expected:
                rows.setdefault(code, []).append(row)
                continue
            text = "no code of the template; " + did_you_mean(code, expected) if code else "the code is gone"
            self.out.doubt(sheet.place(row, column), "unknown_code", text)
            strange.append(code)
        for code in self._missing([c for c in expected if c not in rows], strange):
            self.out.doubt(Place(sheet.title, ""), "row_missing", f"the row {code} is not there")
        return {c: chosen for c, r in rows.items() if (chosen := self._one(sheet, column, c, r)) is not None}

    @staticmethod
    def _missing(codes: list[str], strange: list[str]) -> list[str]:
        """Codes that are missing beyond those whose row stands there under a changed or deleted code."""
        left = list(codes)
        for code in strange:
            near = difflib.get_close_matches(code, left, 1) if code else left[:1]
            for found in near:
                left.remove(found)
        return left

    def _one(self, sheet: ReturnSheet, column: str, code: str, rows: list[int]) -> int | None:
        """Which of several rows of one code is used: the first when all say the same, otherwise none."""
        if len(rows) == 1:
            return rows[0]
        said = [tuple(str(c.value) for c in sheet.formulas[row] if c.data_type != "f") for row in rows]
        same = len(set(said)) == 1
        text = f"{code} stands in rows {', '.join(map(str, rows))}; " + (
            "all say the same" if same else "they differ, so none is taken"
        )
        self.out.doubt(
            sheet.place(rows[1], column), "duplicate_row" if same else "duplicate_conflict", text, taken=same
        )
        return rows[0] if same else None

    def merged(self, sheet: ReturnSheet) -> set[tuple[int, int]]:
        """Cells under a merge; what one number for several cells means is for a person to say."""
        out: set[tuple[int, int]] = set()
        for span in sheet.formulas.merged_cells.ranges:
            if span.max_row < FIRST_ROW:
                continue
            place = Place(sheet.title, span.coord.split(":")[0])
            self.out.doubt(
                place, "merged_cells", f"cells {span.coord} are merged; nothing is taken from them"
            )
            out |= {(r, c) for r in range(span.min_row, span.max_row + 1)
                    for c in range(span.min_col, span.max_col + 1)}  # fmt: skip
        return out

    def value(
        self, sheet: ReturnSheet, row: int, column: str, *, whole: bool, skip: set[tuple[int, int]]
    ) -> Reading:
        """A number cell; its doubts are put on record."""
        at = sheet.columns.get(column)
        if at is None or (row, at) in skip:
            return Reading(blank=True)
        cell = sheet.formulas.cell(row=row, column=at)
        place = sheet.place(row, column)
        if cell.data_type == "f":
            cached = sheet.cached(row, column)
            reading = read_number(cached, whole=whole)
            if reading.blank or not reading.taken:
                self.out.doubt(
                    place, "formula_in_cell", "a formula of your own; write its result as a number"
                )
                return Reading(taken=False, code="formula_in_cell")
            text = f"a formula of your own; its last result {cached:g} was taken"
            self.out.doubt(place, "formula_in_cell", text, taken=True)
            return reading
        reading = read_number(cell.value, whole=whole)
        if reading.code:
            self.out.doubt(place, reading.code, reading.message, taken=reading.taken, found=cell.value)
        return reading

    def words_of(self, sheet: ReturnSheet, row: int, column: str) -> str:
        """A text cell; formulas, excess and what looks like a way to reach a person are not taken."""
        cell = sheet.cell(row, column)
        if cell is None or cell.value is None:
            return ""
        place = sheet.place(row, column)
        text = str(cell.value).strip()
        if cell.data_type == "f":
            self.out.doubt(place, "formula_in_text", "a formula where words belong")
            return ""
        if len(text) > _LONGEST:
            self.out.doubt(place, "text_too_long", f"{len(text):,} characters; at most {_LONGEST:,}")
            return ""
        if _PERSONAL.search(text):
            message = "looks like a telephone number or an e-mail address; leave persons out"
            self.out.doubt(place, "personal_data", message)
            return ""
        return text

    def source_of(self, sheet: ReturnSheet, row: int, column: str, indicator: str = "") -> str:
        """Code of a source, S1 to S10."""
        text = self.words_of(sheet, row, column).upper()
        readable = not text or re.fullmatch(r"S([1-9]|10)", text) is not None
        if indicator:
            self.out.source_cells[indicator] = sheet.place(row, column) if readable else None
        if not readable:
            self.out.doubt(sheet.place(row, column), "bad_choice", "expected S1 to S10", found=text)
            return ""
        return text

    # --- sheets ---

    def sources(self, sheet: ReturnSheet) -> None:
        """Sheet 3."""
        for id, row in self.coded_rows(sheet, "id", [f"S{n}" for n in range(1, 11)]).items():
            kind, title = sheet.text(row, "type").lower(), self.words_of(sheet, row, "title")
            if not kind and not title:
                continue
            place = sheet.place(row, "type")
            if kind not in SOURCE_TYPES:
                text = "the type of source: " + ", ".join(SOURCE_TYPES)
                self.out.doubt(place, "bad_choice", text, found=kind or "empty")
                continue
            record = Source(
                country=self.country, id=id, type=kind, title=title,  # type: ignore[arg-type]
                organisation=self.words_of(sheet, row, "organisation"), date=self._date(sheet, row),
            )  # fmt: skip
            self.out.add(record, place)

    def _date(self, sheet: ReturnSheet, row: int) -> str:
        cell = sheet.cell(row, "date")
        value = None if cell is None else cell.value
        if isinstance(value, dt.datetime):
            return value.date().isoformat()
        return self.words_of(sheet, row, "date")[:20]

    def indicators(self, sheet: ReturnSheet) -> None:
        """Sheet 1: selection, baseline, markers."""
        skip = self.merged(sheet)
        items = {i.id: i for i in self.framework.indicators}
        for id, row in self.coded_rows(sheet, "code", items).items():
            reason = self.words_of(sheet, row, "reason")
            self._selection(sheet, row, items[id], reason)
            self._baseline(sheet, row, items[id], reason, skip)
            rationale = self.words_of(sheet, row, "rationale")
            for year in self.framework.years:
                self._marker(sheet, row, items[id], year, rationale, reason, skip)

    def _selection(self, sheet: ReturnSheet, row: int, item: FrameworkIndicator, reason: str) -> None:
        text = sheet.text(row, "selected").lower()
        place = sheet.place(row, "selected")
        if not text:
            self.out.blanks[f"selection/{self.country}/{item.id}"] = place
            return
        if text not in _YES | _NO:
            self.out.doubt(place, "bad_choice", "yes or no", found=text)
            return
        record = Selection(
            country=self.country, indicator=item.id, selected=text in _YES,
            responsible_agency=self.words_of(sheet, row, "agency"),
            focal_point_role=self.words_of(sheet, row, "focal"),
        )  # fmt: skip
        self.out.add(record, place, reason)

    def _number_or_words(
        self, sheet: ReturnSheet, row: int, column: str, item: FrameworkIndicator, skip: set[tuple[int, int]]
    ) -> tuple[float | None, str]:
        if item.numeric:
            reading = self.value(sheet, row, column, whole=item.type == "count", skip=skip)
            return reading.value, ""
        text = self.words_of(sheet, row, column)
        if text and item.steps and text.lower() not in item.steps:
            expected = "one of: " + ", ".join(item.steps)
            self.out.doubt(sheet.place(row, column), "bad_choice", expected, found=text)
            return None, ""
        return None, text.lower() if item.steps else text

    def _baseline(
        self, sheet: ReturnSheet, row: int, item: FrameworkIndicator, reason: str, skip: set[tuple[int, int]]
    ) -> None:
        value, text = self._number_or_words(sheet, row, "baseline", item, skip)
        cell = sheet.cell(row, "baseline_year")
        first, last = baseline_years(self.framework)
        raw = None if cell is None else cell.value
        year = read_year(raw, first=first, last=last, country=self.country)
        place = sheet.place(row, "baseline")
        written = sheet.text(row, "baseline")
        if written and (year.value is None or (value is None and not text)):
            self.out.held_back.add(f"baseline/{self.country}/{item.id}")
        if year.code:
            at = sheet.place(row, "baseline_year")
            self.out.doubt(at, year.code, year.message, taken=year.taken, found=raw)
        if value is None and not text:
            return
        if year.value is None:
            if year.blank:
                at = sheet.place(row, "baseline_year")
                self.out.doubt(at, "year_missing", "a baseline without its year is not taken")
            return
        record = Baseline(
            country=self.country, indicator=item.id, value=value, text=text, year=int(year.value),
            source_id=self.source_of(sheet, row, "baseline_source"),
        )  # fmt: skip
        self.out.add(record, place, reason)

    def _marker(
        self, sheet: ReturnSheet, row: int, item: FrameworkIndicator, year: int, rationale: str, reason: str,
        skip: set[tuple[int, int]],
    ) -> None:  # fmt: skip
        column = f"m:{year}"
        if column not in sheet.columns:
            return
        value, text = self._number_or_words(sheet, row, column, item, skip)
        if value is None and not text:
            return
        last = year == self.framework.period[1]
        record = Marker(
            country=self.country, indicator=item.id, year=year, value=value, text=text, rationale=rationale,
            role="target" if last else "milestone" if item.steps else "progress_marker",
        )  # fmt: skip
        self.out.add(record, sheet.place(row, column), reason)

    def narrative(self, sheet: ReturnSheet) -> None:
        """Sheet 4."""
        for row in sheet.rows():
            node, year = sheet.text(row, "node"), sheet.text(row, "year")
            if (
                self.framework.node(node) is None
                or not year.isdecimal()
                or int(year) not in self.framework.years
            ):
                if node or year:
                    self.out.doubt(sheet.place(row, "node"), "unknown_code", "no row of the template")
                continue
            texts = {n: self.words_of(sheet, row, n) for n in ("achievements", "challenges", "next_steps")}
            if any(texts.values()):
                record = Narrative(
                    country=self.country, node=node, year=int(year), language=self.out.language, **texts
                )
                self.out.add(record, sheet.place(row, "achievements"))
