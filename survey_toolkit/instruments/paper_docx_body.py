"""Tables, paragraphs and fonts of the Word form; imported only when python-docx is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from survey_toolkit.instruments.paper_model import Choice, Entry, PaperForm, Section, Text, script_font, words

__all__ = ["write_form"]

_WIDTHS_MM = (15, 76, 68, 27)
#: Word's language tags: Latin, East Asian, complex script.
_LANG = {
    "km": ("bidi", "km-KH"),
    "lo": ("bidi", "lo-LA"),
    "my": ("bidi", "my-MM"),
    "th": ("bidi", "th-TH"),
    "zh-Hans": ("eastAsia", "zh-CN"),
    "vi": ("val", "vi-VN"),
    "fr": ("val", "fr-FR"),
    "es": ("val", "es-ES"),
}
_HEAD, _BLUE, _PALE, _GREY = "173A5E", "D6E0EA", "E8EDF2", "E9E9E6"


_BOX, _ARROW = "\N{BALLOT BOX}", "\N{RIGHTWARDS WHITE ARROW}"


def write_form(form: PaperForm, document: Any) -> None:
    """Fill a new document with the form."""
    _page(document, form)
    _styles(document, form.language)
    _cover(document, form)
    pen = _Pen(form.language)
    for section in form.sections:
        _section(document, section, pen)


class _Pen:
    """Writes runs in the fonts and with the language mark of the form."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.say = words(language)

    def put(
        self,
        paragraph: Any,
        text: Text | str,
        *,
        bold: bool = False,
        italic: bool = False,
        size: float | None = None,
        color: str | None = None,
    ) -> None:
        """Add a text; an English one in another form carries the mark [en]."""
        value = text if isinstance(text, str) else text.value
        english = not isinstance(text, str) and text.fallback and self.language != "en"
        for place, part in enumerate(value.split("\n")):
            run = paragraph.add_run()
            if place:
                run.add_break()
            run.add_text(part)
            _dress(run, bold=bold, italic=italic, size=size, color=color)
        if english:
            mark = paragraph.add_run(" [en]")
            _dress(mark, size=6.5, color=color or "8A3B12")


def _dress(
    run: Any, *, bold: bool = False, italic: bool = False, size: float | None, color: str | None
) -> None:
    if bold:
        run.font.bold = run.font.cs_bold = True
    if italic:
        run.font.italic = True
    if size:
        run.font.size = Pt(size)
        half = OxmlElement("w:szCs")
        half.set(qn("w:val"), str(int(size * 2)))
        run._element.get_or_add_rPr().append(half)
    if color:
        run.font.color.rgb = RGBColor.from_string(color)


def _page(document: Any, form: PaperForm) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(12)
    page.top_margin, page.bottom_margin = Mm(13), Mm(15)
    foot = page.footer.paragraphs[0]
    foot.text = f"{form.id} {form.version} \N{MIDDLE DOT} {form.language}\t\t\t"
    foot.paragraph_format.tab_stops.add_tab_stop(Mm(186), WD_TAB_ALIGNMENT.RIGHT)
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        run = foot.add_run()
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        element.text = text or None
        run._element.append(element)
    core = document.core_properties
    # A fixed date, so that the same form gives the same file.
    core.author, core.title, core.comments = "survey_toolkit", form.title.value, ""
    core.created = core.modified = datetime(2000, 1, 1)


def _styles(document: Any, language: str) -> None:
    normal = document.styles["Normal"]
    normal.font.size = Pt(9.5)
    normal.paragraph_format.space_after = Pt(0)
    latin, script = script_font("en"), script_font(language)
    properties = normal.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for slot, family in (("ascii", latin), ("hAnsi", latin), ("cs", script), ("eastAsia", script)):
        fonts.set(qn(f"w:{slot}"), family)
    for theme in ("asciiTheme", "hAnsiTheme", "cstheme", "eastAsiaTheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    size = OxmlElement("w:szCs")
    size.set(qn("w:val"), "19")
    properties.append(size)
    mark = OxmlElement("w:lang")
    mark.set(qn("w:val"), "en-GB")
    slot, tag = _LANG.get(language, ("val", "en-GB"))
    mark.set(qn(f"w:{slot}"), tag)
    properties.append(mark)


def _cover(document: Any, form: PaperForm) -> None:
    pen = _Pen(form.language)
    say = pen.say
    head = document.add_paragraph()
    pen.put(
        head,
        f"survey_toolkit \N{MIDDLE DOT} {form.id} \N{MIDDLE DOT} {say('version')} {form.version}",
        size=8,
    )
    title = document.add_paragraph()
    title.paragraph_format.space_after = Pt(6)
    pen.put(title, form.title, bold=True, size=18)
    if form.serves is not None:
        pen.put(document.add_paragraph(), form.serves, size=8.5)
    keys = (("form_no", 3), ("psu", 4), ("household", 3), ("line", 2), ("date", 8))
    table = _table(document, len(keys), (30, 38, 30, 26, 62))
    for cell, (key, boxes) in zip(table.add_row().cells, keys, strict=True):
        pen.put(cell.paragraphs[0], say.text(key), size=7.5)
        pen.put(cell.add_paragraph(), _boxes(boxes, 0), size=13)
    secret = document.add_paragraph()
    secret.paragraph_format.space_before = Pt(6)
    pen.put(secret, say.text("confidential"), bold=True)
    for notice in form.notices():
        box = _table(document, 1, (186,)).add_row().cells[0]
        _shade(box, "FDF3EC")
        pen.put(box.paragraphs[0], notice, bold=True)
    pen.put(document.add_paragraph(), say.text("legend"), size=8)


def _section(document: Any, section: Section, pen: _Pen) -> None:
    document.add_paragraph()
    table = _table(document, 4, _WIDTHS_MM)
    head = table.add_row()
    cell = head.cells[0].merge(head.cells[3])
    _shade(cell, _HEAD)
    first = cell.paragraphs[0]
    pen.put(first, f"{section.code}  ", bold=True, size=11, color="FFFFFF")
    pen.put(first, section.title, bold=True, size=11, color="FFFFFF")
    for text, bold in ((section.opening, False), (section.lead, True)):
        if text is not None:
            pen.put(cell.add_paragraph(), text, size=8.5, color="FFFFFF", bold=bold)
    columns = table.add_row()
    for cell, key in zip(columns.cells, ("number", "question", "answers", "skip"), strict=True):
        _shade(cell, _PALE)
        pen.put(cell.paragraphs[0], pen.say(key), bold=True, size=7.5)
    for row in (head, columns):
        _row_flag(row, "w:tblHeader")
        _row_flag(row, "w:cantSplit")
    for entry in section.entries:
        _entry(table, entry, pen)


def _entry(table: Any, entry: Entry, pen: _Pen) -> None:
    row = table.add_row()
    _row_flag(row, "w:cantSplit")
    if entry.kind == "heading":
        cell = row.cells[0].merge(row.cells[3])
        _shade(cell, _BLUE)
        pen.put(cell.paragraphs[0], entry.text, bold=True)
        cell.paragraphs[0].paragraph_format.keep_with_next = True
        return
    number, question, answer, skip = row.cells
    pen.put(number.paragraphs[0], entry.number, bold=True, size=9)
    _question(question, entry, pen)
    _ANSWERS[entry.answer](answer, entry, pen)
    _skips(skip, entry, pen)
    if entry.interviewer or entry.kind in ("check", "computed", "record_end"):
        for cell in row.cells:
            _shade(cell, _GREY)


def _question(cell: Any, entry: Entry, pen: _Pen) -> None:
    paragraph = cell.paragraphs[0]
    lead = {"check": "check", "computed": "computed"}.get(entry.kind)
    if lead is None and entry.interviewer and entry.kind in ("question", "note"):
        lead = "interviewer"
    if entry.stop:
        lead = "stop"
    if lead is not None:
        pen.put(paragraph, pen.say(lead), bold=True, size=8)
        pen.put(paragraph, "  ")
    pen.put(paragraph, entry.text)
    if entry.instruction is not None:
        pen.put(cell.add_paragraph(), entry.instruction, italic=True, size=8.5)


def _answer_codes(cell: Any, entry: Entry, pen: _Pen) -> None:
    if entry.answer == "many":
        pen.put(cell.paragraphs[0], pen.say.text("many"), size=8)
    ticks = entry.answer != "codes" or (entry.interviewer and not entry.records) or entry.kind == "computed"
    _codes(cell, entry, pen, ticks=ticks, fresh=entry.answer == "many")
    _records(cell, entry, pen)


def _answer_boxes(cell: Any, entry: Entry, pen: _Pen) -> None:
    if not entry.records:
        pen.put(cell.paragraphs[0], _boxes(entry.boxes, entry.decimals), size=13)
        if entry.unit is not None:
            pen.put(cell.paragraphs[0], "  ")
            pen.put(cell.paragraphs[0], entry.unit, size=8.5)
    _codes(cell, entry, pen, ticks=False, fresh=not entry.records)
    _records(cell, entry, pen)


def _answer_line(cell: Any, entry: Entry, pen: _Pen) -> None:
    if not entry.records:
        _write_line(cell.paragraphs[0])
    _codes(cell, entry, pen, ticks=False, fresh=not entry.records)
    _records(cell, entry, pen)


def _answer_none(cell: Any, entry: Entry, pen: _Pen) -> None:
    """Nothing to fill."""


_ANSWERS: dict[str, Callable[[Any, Entry, _Pen], None]] = {
    "codes": _answer_codes,
    "many": _answer_codes,
    "tick": _answer_codes,
    "boxes": _answer_boxes,
    "line": _answer_line,
    "none": _answer_none,
}


def _codes(cell: Any, entry: Entry, pen: _Pen, *, ticks: bool, fresh: bool) -> None:
    step = 2 if entry.narrow else 1
    for place in range(0, len(entry.choices), step):
        paragraph = cell.add_paragraph() if place or fresh else cell.paragraphs[0]
        stops = paragraph.paragraph_format.tab_stops
        if step == 2:
            if entry.answer != "tick":
                stops.add_tab_stop(Mm(30), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
            stops.add_tab_stop(Mm(33), WD_TAB_ALIGNMENT.LEFT)
        stops.add_tab_stop(Mm(64), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
        for choice in entry.choices[place : place + step]:
            if choice is not entry.choices[place]:
                pen.put(paragraph, "\t")
            _code(paragraph, choice, pen, ticks=ticks)


def _code(paragraph: Any, choice: Choice, pen: _Pen, *, ticks: bool) -> None:
    if ticks:
        pen.put(paragraph, f"{_BOX} ")
    pen.put(paragraph, choice.label)
    if choice.code:
        pen.put(paragraph, "\t")
        pen.put(paragraph, choice.code, bold=True)


def _records(cell: Any, entry: Entry, pen: _Pen) -> None:
    if not entry.records or entry.answer in ("none", "tick"):
        return
    first = cell.paragraphs[-1] if not cell.paragraphs[-1].text else cell.add_paragraph()
    if entry.answer == "line":
        for number in range(1, entry.records + 1):
            paragraph = first if number == 1 else cell.add_paragraph()
            pen.put(paragraph, f"{number} ", size=7)
            _write_line(paragraph)
        return
    for number in range(1, entry.records + 1):
        pen.put(first, f"{number}\N{NO-BREAK SPACE}", size=7)
        pen.put(first, f"{_boxes(entry.boxes or 2, entry.decimals)}  ", size=12)
    if entry.unit is not None:
        pen.put(first, entry.unit, size=8.5)


def _write_line(paragraph: Any) -> None:
    border = OxmlElement("w:pBdr")
    # Word joins paragraphs of equal borders into one box: without "between" only the last has its line.
    for side in ("w:bottom", "w:between"):
        line = OxmlElement(side)
        for key, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
            line.set(qn(f"w:{key}"), value)
        border.append(line)
    paragraph._p.get_or_add_pPr().append(border)
    paragraph.paragraph_format.space_before = Pt(9)


def _skips(cell: Any, entry: Entry, pen: _Pen) -> None:
    for place, (said, target) in enumerate(entry.jumps):
        paragraph = cell.add_paragraph() if place else cell.paragraphs[0]
        pen.put(paragraph, f"{said} " if said else "", size=8.5)
        pen.put(paragraph, f"{_ARROW}\N{NO-BREAK SPACE}{target}", bold=True, size=8.5)


def _boxes(digits: int, decimals: int) -> str:
    square = "\N{WHITE SQUARE}"
    return square * digits + (f".{square * decimals}" if decimals else "")


def _table(document: Any, columns: int, widths: tuple[float, ...]) -> Any:
    table = document.add_table(rows=0, cols=columns)
    table.style = "Table Grid"
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    original = table.add_row

    def add_row() -> Any:
        row = original()
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = Mm(width)
        return row

    table.add_row = add_row
    return table


def _row_flag(row: Any, tag: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(tag))


def _shade(cell: Any, color: str) -> None:
    shade = OxmlElement("w:shd")
    for key, value in (("val", "clear"), ("color", "auto"), ("fill", color)):
        shade.set(qn(f"w:{key}"), value)
    cell._tc.get_or_add_tcPr().append(shade)
