"""The workbook: a sheet an indicator in publication shape, all figures as a list, metadata and notes."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from survey_toolkit._spreadsheet import column_letter, put
from survey_toolkit.dissemination.context import ReportContext
from survey_toolkit.dissemination.formats.csv_out import figure_columns, figure_row
from survey_toolkit.dissemination.tables import (
    MARKS,
    PublicationTable,
    Row,
    mark_of,
    publication_tables,
    weighted_n,
)
from survey_toolkit.indicators import TOTAL, Figure, Figures

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["figures_xlsx"]

_BRAND, _SOFT = "0B3A66", "EEF3F7"
#: What a cell of the list shows; it holds every digit.
_LIST_FORMATS = {"cv_percent": "0.0", "df": "#,##0", "level": "0.00"}
#: Fixed time stamps: the same figures give the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")


def figures_xlsx(figures: Sequence[Figure], context: ReportContext) -> bytes:
    """Bytes of ``figures.xlsx``.

    Numbers are numeric cells with a number format, marks are text; text that a spreadsheet would take for a
    formula is neutralised.
    """
    from openpyxl import Workbook

    book = Workbook()
    items = Figures(figures)
    tables = publication_tables(items, context.dimension_labels)
    _metadata_sheet(book, context, items)
    used = {"about", "all figures"}
    for indicator in items.indicators:
        sheet = book.create_sheet(_sheet_name(indicator, used))
        _indicator_sheet(sheet, [t for t in tables if t.indicator == indicator], context)
    _list_sheet(book.create_sheet("All figures"), items)
    raw = io.BytesIO()
    book.save(raw)
    return _without_clock(raw.getvalue())


def _sheet_name(indicator: str, used: set[str]) -> str:
    """Name a workbook allows: no special characters, 31 at most, not twice."""
    name = base = re.sub(r"[\[\]:*?/\\']", "_", indicator)[:28] or "indicator"
    number = 2
    while name.lower() in used:
        name, number = f"{base}~{number}", number + 1
    used.add(name.lower())
    return name


def _indicator_sheet(sheet: Worksheet, tables: Sequence[PublicationTable], context: ReportContext) -> None:
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = 34
    entry = context.indicator(tables[0].indicator)
    put(sheet, 1, 1, f"{entry.id} {entry.title}".strip(), bold=True, size=14, color=_BRAND)
    sheet.row_dimensions[1].height = 22
    at, width = 3, 1 + max(len(_columns(table)) for table in tables)
    for table in tables:
        at = _table(sheet, at, table, context) + 2
    for text in entry.caveats:
        _across(sheet, at, width, text, italic=True)
        at += 1
    _one_page_wide(sheet)


def _one_page_wide(sheet: Worksheet) -> None:
    """Printed on as many pages below each other as it needs, and never on two side by side."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _across(sheet: Worksheet, row: int, width: int, text: str, **style: Any) -> None:
    """A line of text over the columns of a table, as high as it needs: else it widens the printed page."""
    put(sheet, row, 1, text, wrap=True, **style)
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=width)
    sheet.row_dimensions[row].height = _height(text, 34 + 14 * (width - 1), style.get("size", 11))


def _height(text: str, characters: float, size: int = 11) -> float:
    """Points that a wrapped text needs in a column of so many characters; programs differ in guessing it."""
    room = max(10.0, characters * 11 / size * 0.95)
    return max(15.0, size * 1.36 * sum(max(1, math.ceil(len(line) / room)) for line in text.split("\n")))


def _columns(table: PublicationTable) -> list[tuple[int | None, str, str, str]]:
    """Columns of a table: group index (None: quality), heading, field, number format."""
    columns: list[tuple[int | None, str, str, str]] = []
    for i, group in enumerate(table.groups):
        number = "#,##0" + ("." + "0" * group.decimals if group.decimals else "")
        columns.append((i, "Estimate", "value", number))
        if group.has_interval:
            columns += [(i, "Lower limit", "ci_low", number), (i, "Upper limit", "ci_high", number)]
        if group.has_truth:
            columns.append((i, "True value", "truth", number))
    quality = (("n", "n", "#,##0"), ("CV %", "cv", "0.0"), ("DEFF", "deff", "0.00"))
    columns += [(None, head, name, form) for head, name, form in quality if table.has(name)]
    if any(weighted_n(row) is not None for row in table.rows):
        columns.append((None, "Weighted number", "weighted_n", "#,##0"))
    return columns


def _table(sheet: Worksheet, at: int, table: PublicationTable, context: ReportContext) -> int:
    """Write one table from row ``at``; returns the last row used."""
    place = ", ".join(
        part for part in (table.universe, f"{context.country} {context.period}".strip()) if part
    )
    columns = _columns(table)
    title = f"Table {table.number}. {table.title}" + (f": {place}" if place else "")
    _across(sheet, at, 1 + len(columns), title, bold=True)
    for j, (index, head, _, _) in enumerate(columns, 2):
        group = None if index is None else table.groups[index]
        text = "Quality" if group is None else f"{group.label}\n{group.unit_label}".strip()
        first = j == 2 or columns[j - 3][0] != index
        put(sheet, at + 1, j, text if first else "", bold=True, fill=_SOFT, wrap=True, align="center")
        put(sheet, at + 2, j, head, bold=True, fill=_SOFT, align="right", line=True)
        sheet.column_dimensions[column_letter(j)].width = max(14, len(head) + 3)
    put(sheet, at + 1, 1, "", fill=_SOFT)
    put(sheet, at + 2, 1, "", fill=_SOFT, line=True)
    sheet.row_dimensions[at + 1].height = _head_height(table, columns)
    _merge_groups(sheet, at + 1, columns)
    row = at + 3
    for panel, rows in table.panels:
        if panel:
            put(sheet, row, 1, panel, bold=True, color=_BRAND)
            row += 1
        for item in rows:
            _line(sheet, row, item, columns, total=not panel)
            row += 1
    for text in _footnotes(table, context):
        _across(sheet, row, 1 + len(columns), text, size=9, color="55626F")
        row += 1
    return row - 1


def _head_height(table: PublicationTable, columns: list[tuple[int | None, str, str, str]]) -> float:
    """Height of the group headings, which run over the columns of their group."""
    widths = [14 * sum(index == i for index, *_ in columns) for i in range(len(table.groups))]
    texts = [f"{group.label}\n{group.unit_label}".strip() for group in table.groups]
    return 4 + max(_height(text, width * 0.9) for text, width in zip(texts, widths, strict=True))


def _merge_groups(sheet: Worksheet, row: int, columns: list[tuple[int | None, str, str, str]]) -> None:
    start = 0
    for i in range(1, len(columns) + 1):
        if i == len(columns) or columns[i][0] != columns[start][0]:
            if i - start > 1:
                sheet.merge_cells(start_row=row, end_row=row, start_column=start + 2, end_column=i + 1)
            start = i


def _line(
    sheet: Worksheet, row: int, item: Row, columns: list[tuple[int | None, str, str, str]], *, total: bool
) -> None:
    put(sheet, row, 1, item.label, bold=total, indent=0 if total else 1)
    for j, (index, _, name, form) in enumerate(columns, 2):
        figure = item.main if index is None else item.figures[index]
        if figure is None:
            continue
        number: Any = _number(item, figure, name, index)
        if name == "cv" and number is not None:
            number *= 100
        if name == "value" and number is None:
            number = mark_of(figure)
        if name in ("ci_low", "ci_high") and number is None and figure.shown:
            number = "–"
        # Parentheses are a number format, so that the cell stays a number.
        if name == "value" and mark_of(figure) == "( )":
            form = f"({form})"
        put(sheet, row, j, number, number_format=form, align="right", bold=total and name == "value")


def _number(item: Row, figure: Figure, name: str, index: int | None) -> float | None:
    if name == "weighted_n":
        return weighted_n(item)
    found: float | None = figure.present(name) if index is not None else getattr(figure, name)
    return found


def _footnotes(table: PublicationTable, context: ReportContext) -> Iterator[str]:
    if table.definition:
        series = ", ".join(group.series for group in table.groups if group.series)
        yield f"Definition: {table.definition}." + (f" Series: {series}." if series else "")
    if table.marks:
        yield "; ".join(f"{mark} {MARKS[mark]}" for mark in table.marks) + "."
    for row in table.rows:
        for figure in row.figures:
            if figure is not None and figure.reasons and figure.disclosure == "published":
                yield f"{row.label}: {'; '.join(figure.reasons)}."
                break
    if context.source:
        yield f"Source: {context.source}"


def _list_sheet(sheet: Worksheet, figures: Figures) -> None:
    columns = figure_columns(figures)
    for j, name in enumerate(columns, 1):
        put(sheet, 1, j, name, bold=True, fill=_SOFT)
        sheet.column_dimensions[column_letter(j)].width = 44 if name in ("id", "label") else 14
    for i, figure in enumerate(figures, 2):
        row = figure_row(figure)
        for j, name in enumerate(columns, 1):
            value = row.get(name, TOTAL)
            form = _LIST_FORMATS.get(name, "#,##0.00") if isinstance(value, float) else "General"
            put(sheet, i, j, value, number_format=form)
    sheet.freeze_panes = "B2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    if len(figures):
        sheet.auto_filter.ref = f"A1:{column_letter(len(columns))}{len(figures) + 1}"


def _metadata_sheet(book: Workbook, context: ReportContext, figures: Figures) -> None:
    sheet = book.active
    sheet.title = "About"
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = 110
    put(sheet, 1, 1, context.title, bold=True, size=16, color=_BRAND)
    for i, (name, text) in enumerate(_about(context, figures), 3):
        put(sheet, i, 1, name, bold=True, wrap=True)
        put(sheet, i, 2, text, wrap=True, align="left")
        sheet.row_dimensions[i].height = max(_height(str(text), 110), _height(name, 24))
    sheet.row_dimensions[1].height = 26
    _one_page_wide(sheet)


def _about(context: ReportContext, figures: Figures) -> Iterator[tuple[str, Any]]:
    yield from (
        (name, text)
        for name, text in (
            ("Subtitle", context.subtitle),
            ("Country", context.country),
            ("Period", context.period),
            ("Producer", context.producer),
            ("Source", context.source),
            ("Software", context.software),
            ("Seed", context.seed),
            ("Made on", context.generated),
            ("Design", context.design),
            ("Reliability", context.quality_policy),
            ("Protection of people", context.disclosure_policy),
        )
        if text not in ("", None)
    )
    if context.simulated:
        yield (
            "Simulated data",
            "The people in this workbook do not exist; true values stand beside the figures.",
        )
    yield from ((f"Mark {mark}", meaning) for mark, meaning in MARKS.items())
    for note in (*context.caveats, *context.methods):
        yield note.title, "\n".join(note.lines)
    for entry in context.definitions:
        yield f"Definition {entry.key}", f"{entry.title}. {entry.text}"
        for label, rule in entry.rules:
            yield "  Rule", f"{label}: {rule}"
        for source, locator, verification in entry.references:
            yield "  Reference", f"{source}, {locator} ({verification})"
    for file in context.files:
        yield f"File {file.name}", f"sha256 {file.sha256}"
    yield "Figures", len(figures)


def _without_clock(raw: bytes) -> bytes:
    """The same workbook with fixed time stamps."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", data)
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, data)
    return out.getvalue()
