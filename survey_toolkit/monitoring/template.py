"""The country return as a workbook: locked codes, drop-downs, checks while typing, in its language."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from survey_toolkit._spreadsheet import LINE, column_letter, put
from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.indicators.frameworks import STATUSES, Book, Framework
from survey_toolkit.monitoring.layout import (
    FIRST_ROW,
    HEAD_ROW,
    KEY_ROW,
    MAX_SOURCES,
    Row,
    Words,
    baseline_years,
    rows_of,
    sheet_key,
    summed_dimension,
    words,
)

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["return_template", "total_formula"]

_BRAND, _INPUT, _SOFT = "0B3A66", "FFF9DB", "EEF3F7"
#: Statuses a country may choose.
CHOICES = STATUSES
SOURCE_TYPES = ("survey", "admin", "register", "report", "estimate")
_FONTS = {"km": "Khmer OS", "lo": "Noto Sans Lao", "my": "Noto Sans Myanmar", "th": "Noto Sans Thai"}


def return_template(
    framework: Framework, country: str, language: str = "en", book: Book | None = None
) -> bytes:
    """Bytes of the workbook that a country fills in.

    Parameters
    ----------
    framework : Framework
    country : str
        One of the framework's countries.
    language : str
        One of the framework's languages; words that are not translated are shown in English.
    book : Book, optional
        What is already known, filled in: sources, selections, baselines and markers.

    Raises
    ------
    SurveyToolkitError
        If country or language is none of the framework's.
    """
    from openpyxl import Workbook

    _check(country, framework.countries, "country")
    _check(language, framework.languages, "language")
    word = words(language)
    out = Workbook()
    out.remove(out.active)
    made = _Sheets(out, framework, country, word, book or Book())
    made.about()
    made.indicators()
    made.actuals()
    made.sources()
    made.narrative()
    made.lists()
    for sheet in out.worksheets:
        sheet.protection.sheet = True
        sheet.protection.formatColumns = False
        sheet.protection.formatRows = False
    out.properties.title = f"{framework.key} {country}"
    out.properties.creator = "survey_toolkit"
    raw = io.BytesIO()
    out.save(raw)
    return raw.getvalue()


def _check(value: str, known: Sequence[str], what: str) -> None:
    if value not in known:
        raise SurveyToolkitError(
            f"unknown {what}",
            found=f"'{value[:60]}'",
            expected=did_you_mean(value, known),
            code=f"unknown-{what}",
        )


def total_formula(rows: Sequence[int], column: str) -> str:
    """The formula of a total: empty while no row is filled in."""
    span = f"{column}{rows[0]}:{column}{rows[-1]}"
    return f'=IF(COUNT({span})=0,"",SUM({span}))'


class _Sheets:
    """The sheets of one return under construction."""

    def __init__(self, out: Workbook, framework: Framework, country: str, word: Words, book: Book) -> None:
        self.out, self.framework, self.country, self.word, self.book = out, framework, country, word, book
        self.font = _FONTS.get(word.language, "Calibri")

    def _sheet(self, name: str, columns: Sequence[tuple[str, str, int]], hint: str = "") -> Worksheet:
        """A sheet with its hidden keys, title and column headings."""
        sheet = self.out.create_sheet(self.word[name])
        sheet.sheet_view.showGridLines = False
        self.put(sheet, 1, 1, sheet_key(self.framework, self.country, self.word.language, name))
        place = self._country_name()
        self.put(sheet, 2, 1, f"{self.word[name]} · {place}", bold=True, size=14, color=_BRAND)
        self.put(sheet, 3, 1, hint, color="55626F")
        for at, (key, label, width) in enumerate(columns, 1):
            self.put(sheet, KEY_ROW, at, key)
            self.put(sheet, HEAD_ROW, at, label, bold=True, fill=_BRAND, color="FFFFFF", wrap=True)
            sheet.column_dimensions[column_letter(at)].width = width
        sheet.row_dimensions[1].hidden = sheet.row_dimensions[KEY_ROW].hidden = True
        sheet.row_dimensions[2].height, sheet.row_dimensions[HEAD_ROW].height = 26, 40
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.print_title_rows = f"{HEAD_ROW}:{HEAD_ROW}"
        return sheet

    def _country_name(self) -> str:
        for dimension in self.framework.dimensions:
            for code in dimension.codes:
                if dimension.area and code.id == self.country:
                    return self.word.text(code.label)
        return self.country

    def put(
        self,
        sheet: Worksheet,
        row: int,
        column: int,
        value: Any,
        *,
        open: bool = False,
        box: bool = False,
        **style: Any,
    ) -> None:
        """A cell in the font of the language, locked unless ``open``, with lines all round if a ``box``."""
        from openpyxl.styles import Border, Protection, Side

        cell = put(sheet, row, column, value, font=self.font, **style)
        if box:
            thin = Side(style="thin", color=LINE)
            cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)
        cell.protection = Protection(locked=not open)

    def answer(self, sheet: Worksheet, row: int, column: int, value: Any = None, **style: Any) -> None:
        """A cell for the country to fill in."""
        self.put(sheet, row, column, value, fill=_INPUT, box=True, open=True, wrap=True, **style)

    def about(self) -> None:
        sheet = self.out.create_sheet(self.word["about"])
        sheet.sheet_view.showGridLines = False
        sheet.column_dimensions["A"].width = 100
        self.put(sheet, 1, 1, sheet_key(self.framework, self.country, self.word.language, "about"))
        sheet.row_dimensions[1].hidden = True
        self.put(
            sheet, 2, 1, f"{self.word['title']}: {self._country_name()}", bold=True, size=16, color=_BRAND
        )
        self.put(sheet, 3, 1, self.word.text(self.framework.title), wrap=True)
        self.put(sheet, 4, 1, f"{self.framework.key} · {self.country} · {self.word.language}", color="55626F")
        sheet.row_dimensions[2].height = 30
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        row = 6
        for language in self.word.both:
            text = words(language)
            names = ("yellow", "numbers", "totals", "persons", *(("draft_note",) if self.word.draft else ()))
            for name in names:
                self.put(sheet, row, 1, f"• {text[name]}", wrap=True)
                sheet.row_dimensions[row].height = 34
                row += 1
            row += 1

    def indicators(self) -> None:
        word, years = self.word, self.framework.years
        columns = [
            ("code", word["code"], 16), ("title", word["indicator"], 48), ("unit", word["unit"], 13),
            ("selected", word["selected"], 13), ("agency", word["agency"], 24), ("focal", word["focal"], 22),
            ("baseline", word["baseline"], 11), ("baseline_year", word["baseline_year"], 11),
            ("baseline_source", word["source"], 10),
            *((f"m:{y}", word["marker"].format(year=y), 11) for y in years),
            ("rationale", word["rationale"], 26), ("reason", word["reason"], 26),
        ]  # fmt: skip
        sheet = self._sheet("indicators", columns)
        for row, item in enumerate(self.framework.indicators, FIRST_ROW):
            known = self._known(item.id)
            sheet.row_dimensions[row].height = 50
            texts = {"code": item.id, "title": word.text(item.title), "unit": item.unit}
            for at, (key, _, _) in enumerate(columns, 1):
                if key in texts:
                    self.put(sheet, row, at, texts[key], fill=_SOFT, box=True, wrap=key != "code")
                else:
                    self.answer(sheet, row, at, known.get(key))
        last = FIRST_ROW + len(self.framework.indicators) - 1
        for at, (key, _, _) in enumerate(columns, 1):
            span = f"{column_letter(at)}{FIRST_ROW}:{column_letter(at)}{last}"
            if key == "selected":
                self._choose(sheet, span, '"yes,no"')
            elif key == "baseline_source":
                self._choose(sheet, span, f"={_LISTS}!$C$1:$C${MAX_SOURCES}")
            elif key == "baseline_year":
                self._between(sheet, span, *baseline_years(self.framework), self.word["year_rule"])
            elif key == "baseline" or key.startswith("m:"):
                self._numbers(
                    sheet, at, [(r, i.type) for r, i in enumerate(self.framework.indicators, FIRST_ROW)]
                )
        sheet.freeze_panes = f"C{FIRST_ROW}"

    def _known(self, indicator: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if (chosen := self.book.selection(self.country, indicator)) is not None:
            out |= {
                "selected": "yes" if chosen.selected else "no",
                "agency": chosen.responsible_agency or None,
            }
            out["focal"] = chosen.focal_point_role or None
        if (base := self.book.baseline(self.country, indicator)) is not None:
            out |= {"baseline": base.text or base.value, "baseline_year": base.year}
            out["baseline_source"] = base.source_id or None
        for marker in self.book.markers(self.country, indicator):
            out[f"m:{marker.year}"] = marker.text or marker.value
            out["rationale"] = marker.rationale or out.get("rationale")
        return out

    def actuals(self) -> None:
        word, years = self.word, self.framework.years
        columns = [
            ("key", word["code"], 26), ("title", word["indicator"], 40), ("cell", word["breakdown"], 48),
            *((f"{kind}:{y}", str(y) if kind == "y" else word["status"], 10 if kind == "y" else 13)
              for y in years for kind in ("y", "s")),
            ("source", word["source"], 10), ("reason", word["reason"], 28),
        ]  # fmt: skip
        sheet = self._sheet("actuals", columns, f"{word['numbers']} ({word['status']}: {word['statuses']})")
        rows = list(rows_of(self.framework, self.country))
        places = {row.key: at for at, row in enumerate(rows, FIRST_ROW)}
        for at, row in enumerate(rows, FIRST_ROW):
            self._actual_row(sheet, at, row, columns, places)
        last = FIRST_ROW + len(rows) - 1
        for at, (key, _, _) in enumerate(columns, 1):
            span = f"{column_letter(at)}{FIRST_ROW}:{column_letter(at)}{last}"
            if key.startswith("s:"):
                self._choose(sheet, span, f"={_LISTS}!$B$1:$B${len(CHOICES)}")
            elif key.startswith("y:"):
                self._numbers(sheet, at, [(r, row.indicator.type) for r, row in enumerate(rows, FIRST_ROW)])
            elif key == "source":
                self._choose(sheet, span, f"={_LISTS}!$C$1:$C${MAX_SOURCES}")
        sheet.freeze_panes = f"D{FIRST_ROW}"

    def _actual_row(
        self, sheet: Worksheet, at: int, row: Row, columns: list[tuple[str, str, int]], places: dict[str, int]
    ) -> None:
        label = self._cell_label(row)
        texts = {
            "key": row.key,
            "title": self.word.text(row.indicator.title) if row.is_total else "",
            "cell": label,
        }
        total = row.is_total
        for column, (key, _, _) in enumerate(columns, 1):
            if key in texts:
                style: dict[str, Any] = {"fill": _SOFT, "box": True, "bold": total, "wrap": key == "title"}
                self.put(sheet, at, column, texts[key], indent=0 if total else 1, **style)
            elif key == "source" and not total:
                self.put(sheet, at, column, "", box=True)
            elif key.startswith("y:") and total and (parts := self._parts(row, places)):
                self.answer(
                    sheet, at, column, total_formula(parts, column_letter(column)), formula=True, bold=True
                )
            else:
                self.answer(sheet, at, column)
        sheet.row_dimensions[at].height = 50 if total else 18

    def _parts(self, row: Row, places: dict[str, int]) -> list[int]:
        name = summed_dimension(row.indicator)
        start = f"{row.indicator.id}|{name}="
        return [at for key, at in places.items() if name and key.startswith(start) and "&" not in key]

    def _cell_label(self, row: Row) -> str:
        if row.is_total:
            return self.word["total"]
        parts = []
        for name, code in row.codes.items():
            dimension = self.framework.dimension(name)
            assert dimension is not None
            label = next(c.label for c in dimension.codes if c.id == code)
            parts.append(f"{self.word.text(dimension.label)}: {self.word.text(label)}")
        return ", ".join(parts)

    def sources(self) -> None:
        word = self.word
        columns = [
            ("id", word["code"], 8), ("type", word["type"], 14), ("title", word["name"], 52),
            ("organisation", word["organisation"], 34), ("date", word["date"], 14),
        ]  # fmt: skip
        sheet = self._sheet("sources", columns)
        for number in range(1, MAX_SOURCES + 1):
            row, id = FIRST_ROW + number - 1, f"S{number}"
            known = self.book.source(self.country, id)
            self.put(sheet, row, 1, id, fill=_SOFT, box=True)
            for at, (key, _, _) in enumerate(columns[1:], 2):
                self.answer(sheet, row, at, (getattr(known, key) or None) if known is not None else None)
        last = FIRST_ROW + MAX_SOURCES - 1
        self._choose(sheet, f"B{FIRST_ROW}:B{last}", f"={_LISTS}!$A$1:$A${len(SOURCE_TYPES)}")

    def narrative(self) -> None:
        word = self.word
        columns = [
            ("node", word["code"], 10), ("title", word["indicator"], 40), ("year", word["year"], 8),
            *((name, word[name], 40) for name in ("achievements", "challenges", "next_steps")),
        ]  # fmt: skip
        sheet = self._sheet("narrative", columns, word["persons"])
        nodes = [n for n in self.framework.nodes if n.level == "outcome" and n.title_shown]
        row = FIRST_ROW
        for node in nodes:
            for year in self.framework.years:
                for at, text in enumerate((node.id, word.text(node.title), year), 1):
                    self.put(sheet, row, at, text, fill=_SOFT, box=True, wrap=at == 2)
                for at in (4, 5, 6):
                    self.answer(sheet, row, at)
                row += 1

    def lists(self) -> None:
        sheet = self.out.create_sheet(_LISTS)
        sheet.sheet_state = "hidden"
        columns = (
            SOURCE_TYPES,
            [self._choice(c) for c in CHOICES],
            [f"S{n}" for n in range(1, MAX_SOURCES + 1)],
        )
        for column, values in enumerate(columns, 1):
            for row, value in enumerate(values, 1):
                self.put(sheet, row, column, value)

    def _choice(self, status: str) -> str:
        """``final``, and beside it the word of the country's language."""
        label = self.word[status]
        return status if self.word.language == "en" else f"{status} – {label}"

    def _choose(self, sheet: Worksheet, span: str, formula: str) -> None:
        self._validate(sheet, span, self.word["from_list"], type="list", formula1=formula)

    def _between(self, sheet: Worksheet, span: str, low: int, high: int, message: str) -> None:
        limits = {"operator": "between", "formula1": str(low), "formula2": str(high)}
        self._validate(sheet, span, message, type="whole", **limits)

    def _numbers(self, sheet: Worksheet, column: int, rows: list[tuple[int, str]]) -> None:
        """Whole numbers where counts belong, fractions where rates do; words are not checked."""
        for kind, types in (("whole", ("count",)), ("decimal", ("percent", "rate", "index"))):
            cells = " ".join(f"{column_letter(column)}{row}" for row, type in rows if type in types)
            if cells:
                limits = {"operator": "greaterThanOrEqual", "formula1": "0"}
                self._validate(sheet, cells, self.word["only_whole"], type=kind, **limits)

    def _validate(self, sheet: Worksheet, span: str, message: str, **rule: Any) -> None:
        from openpyxl.worksheet.datavalidation import DataValidation

        check = DataValidation(allow_blank=True, showErrorMessage=True, **rule)
        check.error, check.errorTitle = message[:220], self.word["title"][:30]
        check.prompt, check.promptTitle, check.showInputMessage = message[:220], self.word["title"][:30], True
        check.sqref = _ranges(span)
        sheet.add_data_validation(check)


_LISTS = "lists"


def _ranges(span: str) -> Any:
    from openpyxl.worksheet.cell_range import MultiCellRange

    return MultiCellRange(span)
