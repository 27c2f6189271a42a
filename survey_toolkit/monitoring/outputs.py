"""Files of a compilation: the page, the workbook with the same tables, and CSV for other programs."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._spreadsheet import column_letter, put, table_csv
from survey_toolkit.indicators.frameworks import STATES, breakdown_key
from survey_toolkit.monitoring.blocks import RATINGS, STATE_MARKS, Block, Item
from survey_toolkit.monitoring.compiled import Compiled
from survey_toolkit.monitoring.country import country_sheets
from survey_toolkit.monitoring.locking import replace_file
from survey_toolkit.monitoring.report import progress_html, regional_blocks
from survey_toolkit.standards import in_language

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["progress_csv", "progress_xlsx", "write_compilation", "write_report"]

_BRAND, _SOFT, _MUTED = "0B3A66", "EEF3F7", "55626F"
_FILLS = {
    "achieved": "E6F4EA",
    "on_track": "E5EFF8",
    "partly": "FDF0DC",
    "off_track": "FBE9E7",
    "not_selected": "F4F7F9",
    "no_data": "FDF6E3",
    "suppressed": "ECEAF4",
    "flag": "FBE9E7",
}
_SHEETS = (
    ("completeness", "Completeness"),
    ("matrix", "Matrix"),
    ("years", "By year"),
    ("breakdowns", "Breakdowns"),
    ("mirror", "Mirror"),
    ("sdg", "SDG annex"),
    ("changes", "Revisions"),
)


def write_compilation(done: Compiled, out: str | os.PathLike[str]) -> list[Path]:
    """Write the CSV files into a folder; each is replaced whole.

    Returns
    -------
    list of Path
    """
    folder = Path(out)
    files = {folder / name: text.encode("utf-8-sig") for name, text in progress_csv(done).items()}
    return _write(files)


def write_report(done: Compiled, out: str | os.PathLike[str]) -> list[Path]:
    """Write ``progress.html`` and ``progress.xlsx`` into a folder."""
    folder = Path(out)
    return _write(
        {
            folder / "progress.html": progress_html(done).encode(),
            folder / "progress.xlsx": progress_xlsx(done),
        }
    )


def _write(files: Mapping[Path, bytes]) -> list[Path]:
    for path, data in files.items():
        replace_file(path, data)
    return list(files)


#: Columns of each file: fields of what the compilation holds.
_OBSERVATION = (
    "indicator", "country", "year", "codes", "state", "value", "text", "provisional", "extra", "period",
    "definition", "source_id",
)  # fmt: skip
_TOTAL = (
    "indicator",
    "year",
    "codes",
    "value",
    "method",
    "n_reporting",
    "n_countries",
    "suppressed",
    "reason",
)
_RATING = (
    "indicator", "country", "year", "rule", "rating", "score", "basis", "reason", "computed_on", "inputs_hash"
)  # fmt: skip
_PAIR = (
    "year",
    "origin",
    "destination",
    "sent",
    "received",
    "sent_state",
    "received_state",
    "gap",
    "verdict",
)


def progress_csv(done: Compiled) -> dict[str, str]:
    """CSV texts by file name: observations, regional totals, ratings, mirror pairs; all protected."""
    key = {"framework": done.framework.key}
    pairs = ({"indicator": id} | _row(p, _PAIR) for (id, _), found in done.mirrors.items() for p in found)
    return {
        "observations.csv": _csv(key | _row(c, _OBSERVATION) for c in done.cells.values()),
        "regional.csv": _csv(key | _row(t, _TOTAL) for t in done.totals.values()),
        "ratings.csv": _csv(key | _row(r, _RATING) for r in done.ratings),
        "mirror.csv": _csv(key | pair for pair in pairs),
    }


def _row(item: object, names: Sequence[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in names:
        value = getattr(item, name)
        if name == "codes":
            out["breakdown"] = breakdown_key(value)
        else:
            out[name] = int(value) if isinstance(value, bool) else value
    return out


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    items = list(rows)
    if not items:
        return ""
    return table_csv(list(items[0]), [[_plain(value) for value in row.values()] for row in items])


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def progress_xlsx(done: Compiled) -> bytes:
    """Bytes of the workbook: the tables of the page, numbers as numbers, marks as text."""
    from openpyxl import Workbook

    book = Workbook()
    _about(book.active, done)
    blocks = regional_blocks(done)
    for key, title in _SHEETS:
        if blocks[key]:
            _fill(book.create_sheet(title), title, blocks[key])
    for sheet in country_sheets(done):
        page = book.create_sheet(sheet.code)
        row = _fill(page, sheet.name, sheet.blocks)
        lines = [f"Not selected: {name}" for name in sheet.not_selected]
        lines += [f"{told.title}: {name}. {words}" for told in sheet.told for name, words in told.parts]
        lines += [f"Source {source}" for source in sheet.sources]
        for text in lines:
            put(page, row, 1, text, color=_MUTED)
            row += 1
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def _about(sheet: Worksheet, done: Compiled) -> None:
    sheet.title = "About"
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 22, 100
    put(sheet, 1, 1, in_language(done.framework.title), bold=True, size=16, color=_BRAND)
    rows = [("Notice", done.notice)] if done.notice else []
    rows += [("Framework", done.framework.key), ("Status", done.framework.status), ("Records of", done.on)]
    rows += [(f"Mark {mark}", STATES[state]) for state, mark in STATE_MARKS.items()]
    rows += [(f"Sign {sign}", words) for sign, words in RATINGS.values() if sign not in ("", "…", "[c]")]
    rows.append(("Totals", "Only over the countries that report; a missing country is not imputed."))
    rows.append(("Protection", done.policy.text))
    for at, (name, value) in enumerate(rows, 3):
        put(sheet, at, 1, name, bold=True)
        put(sheet, at, 2, value, wrap=True)
        sheet.row_dimensions[at].height = 15.0 * (1 + len(value) // 100)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.row_dimensions[1].height = 26


def _fill(sheet: Worksheet, title: str, blocks: Sequence[Block]) -> int:
    """Write tables below each other; returns the next free row."""
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    put(sheet, 1, 1, title, bold=True, size=14, color=_BRAND)
    sheet.row_dimensions[1].height = 24
    row = 3
    for block in blocks:
        row = _table(sheet, row, block) + 1
    _widths(sheet, blocks)
    return row


def _table(sheet: Worksheet, row: int, block: Block) -> int:
    put(sheet, row, 1, block.title, bold=True)
    row += 1
    for at, name in enumerate(block.head, 1):
        right = at > block.numeric_from
        align = "right" if right else None
        put(sheet, row, at, name, bold=True, fill=_SOFT, wrap=True, line=True, align=align)
    row += 1
    for number, items in enumerate(block.rows):
        sheet.row_dimensions[row].height = 15.0 * (1 + len(items[0].text) // 54)
        for at, item in enumerate(items, 1):
            _item(sheet, row, at, item, bold=number in block.total_rows, right=at > block.numeric_from)
        row += 1
    for note in block.notes:
        put(sheet, row, 1, note, size=9, color=_MUTED)
        row += 1
    return row


def _item(sheet: Worksheet, row: int, column: int, item: Item, *, bold: bool, right: bool) -> None:
    fill = next((_FILLS[name] for name in item.style.split() if name in _FILLS), None)
    number = "#,##0" + ("." + "0" * item.decimals if item.decimals else "")
    value = item.text if item.number is None else item.number
    if item.number is None and item.text.isdecimal() and item.style == "year":
        value, number = int(item.text), "0"
    put(
        sheet,
        row,
        column,
        value,
        bold=bold,
        fill=fill,
        number_format=number,
        wrap=column == 1,
        align="right" if right else None,
    )


def _widths(sheet: Worksheet, blocks: Sequence[Block]) -> None:
    last = max((len(b.head) for b in blocks), default=1)
    for at in range(1, last + 1):
        texts = [row[at - 1].text for b in blocks for row in b.rows if len(row) >= at]
        texts += [b.head[at - 1] for b in blocks if len(b.head) >= at]
        longest = max((len(t) for t in texts), default=8)
        limits = (24, 52) if at == 1 else (11, 34)
        sheet.column_dimensions[column_letter(at)].width = min(max(longest + 2, limits[0]), limits[1])
