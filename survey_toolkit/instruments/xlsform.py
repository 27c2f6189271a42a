"""XLSForm: the questionnaire as a form for tablets, one workbook with every language.

Rows are made first (``xlsform_rows``), so that a program can hand them to pyxform without a file. Every cell
of every language is filled: pyxform turns a single gap into ``-`` without a word, so English stands in for
what is not translated (``Questionnaire.check`` lists those cells).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import InstrumentError
from survey_toolkit.instruments.models import SELECTS, Group, Item, Module, Repeat
from survey_toolkit.instruments.questionnaire import LANGUAGES, Questionnaire
from survey_toolkit.instruments.routing import (
    constraint_xpath,
    digits,
    known_xpath,
    met_xpath,
    not_met_xpath,
    quote,
)

if TYPE_CHECKING:
    from survey_toolkit.instruments.steps import Step

__all__ = ["Rows", "language_column", "list_name", "xlsform", "xlsform_rows"]

Row = dict[str, str]
_TYPES = {
    "integer": "integer",
    "decimal": "decimal",
    "text": "text",
    "date": "date",
    "note": "note",
    "calculate": "calculate",
}


@dataclass(slots=True)
class Rows:
    """The three sheets."""

    survey: list[Row] = field(default_factory=list)
    choices: list[Row] = field(default_factory=list)
    settings: list[Row] = field(default_factory=list)

    def sheets(self) -> dict[str, list[Row]]:
        """Sheets by name, as pyxform takes them."""
        return {"survey": self.survey, "choices": self.choices, "settings": self.settings}


def language_column(language: str) -> str:
    """Name of a language in column heads; pyxform knows primary codes only (``zh``, not ``zh-Hans``).

    Examples
    --------
    >>> language_column("fr")
    'Français (fr)'
    """
    return f"{LANGUAGES.get(language, language)} ({language.split('-')[0]})"


def xlsform(form: Questionnaire) -> bytes:
    """Write the workbook.

    Raises
    ------
    InstrumentError
        The questionnaire has errors (translation gaps are none: English stands in).
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font

    rows = xlsform_rows(form)
    book = Workbook()
    book.remove(book.active)
    for name, lines in rows.sheets().items():
        sheet = book.create_sheet(name)
        heads = list(dict.fromkeys(key for line in lines for key in line))
        sheet.append(heads)
        for line in lines:
            sheet.append([line.get(head, "") or None for head in heads])
            for cell in sheet[sheet.max_row]:
                if cell.data_type == "f":
                    cell.data_type = "s"  # a text that begins with = is no formula
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column, head in enumerate(heads, start=1):
            letter = sheet.cell(1, column).column_letter
            sheet.column_dimensions[letter].width = 48 if "::" in head else 26
        sheet.freeze_panes = "C2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xlsform_rows(form: Questionnaire) -> Rows:
    """Rows of the three sheets."""
    errors = [f for f in form.check() if f.kind == "error"]
    if errors:
        raise InstrumentError(
            f"questionnaire '{form.id}' has {len(errors)} error{'s' if len(errors) != 1 else ''}",
            problems=[str(f) for f in errors],
            hint="correct the lines named above",
            code="invalid-questionnaire",
        )
    rows = Rows()
    rows.survey += [{"type": "start", "name": "form_start"}, {"type": "end", "name": "form_end"}]
    writer = _Writer(form, rows)
    writer.write()
    rows.settings.append(
        {
            "form_title": form.text(form.languages[0], "questionnaires", f"{form.id}.title"),
            "form_id": form.id,
            "version": form.file.version,
            "default_language": language_column(form.languages[0]),
        }
    )
    return rows


def list_name(form: Questionnaire, id: str) -> str:
    """Name of the list of categories of a question: shared by all that offer the same ones."""
    item = form.asked(id).item
    if not isinstance(item.codes, str):
        return id
    module = form.step(id).used.module
    base = f"{module.id}_{item.codes}" if item.codes in module.lists else item.codes
    return base + "".join(f"_{reason}{code}" for reason, code in item.missing_codes.items())


class _Writer:
    """Walks the steps, opening and closing groups."""

    def __init__(self, form: Questionnaire, rows: Rows) -> None:
        self.form, self.rows = form, rows
        self.lists: set[str] = set()
        self.open: list[Step] = []

    def write(self) -> None:
        for step in self.form.steps():
            while len(self.open) > step.depth:
                self._close()
            if isinstance(step.node, Item):
                if "capi" in step.node.modes:
                    self._item(step, step.node)
            else:
                self._begin(step)
                self.open.append(step)
        while self.open:
            self._close()

    def _close(self) -> None:
        step = self.open.pop()
        kind = "repeat" if step.kind == "repeat" else "group"
        self.rows.survey.append({"type": f"end {kind}", "name": _name(step)})

    def _begin(self, step: Step) -> None:
        node = step.node
        kind = "repeat" if isinstance(node, Repeat) else "group"
        cell = "title" if isinstance(node, Module) else f"{node.id}.text"
        row: Row = {"type": f"begin {kind}", "name": _name(step)}
        if isinstance(node, Module) or node.text:
            row |= self._texts("label", [(step.used.module.id, cell)])
        if step.relevant:
            row["relevant"] = step.relevant
        if isinstance(node, Group) and node.page:
            row["appearance"] = "field-list"
        if isinstance(node, Repeat) and node.count is not None:
            row["repeat_count"] = self._count(node)
        self.rows.survey.append(row)
        if isinstance(node, Module) and node.introduction:
            note = {"type": "note", "name": f"n_{node.id}"}
            self.rows.survey.append(note | self._texts("label", [(node.id, "introduction")]))

    def _count(self, node: Repeat) -> str:
        """Number of rows: none where it is not known, never more than the most."""
        if not isinstance(node.count, str):
            return str(min(int(node.count or 0), node.max))
        item = self.form.asked(node.count).item
        known = known_xpath(item.id, tuple(item.missing_codes.values()), numeric=True)
        name = f"${{{item.id}}}"
        return f"if({known}, if({name} > {node.max}, {node.max}, {name}), 0)"

    def _item(self, step: Step, item: Item) -> None:
        module = step.used.module.id
        row: Row = {"type": self._type(step, item), "name": item.id}
        if item.type != "calculate":
            row |= self._texts("label", [(module, f"{item.id}.text")])
            hints = [
                (module, f"{item.id}.{key}") for key in ("hint", "instruction", "unit") if getattr(item, key)
            ]
            row |= self._texts("hint", hints) if hints else {}
        if step.relevant:
            row["relevant"] = step.relevant
        if item.calculate is not None:
            row["calculation"] = self._calculation(step, item)
        constraint, message = self._constraint(step, item)
        if constraint:
            row["constraint"] = constraint
            row |= self._texts("constraint_message", [message])
        if item.asked and item.must_answer:
            row["required"] = "yes"
            row |= self._texts("required_message", [("lists", "texts.required")])
        if item.appearance:
            row["appearance"] = item.appearance
        self.rows.survey.append(row)

    def _type(self, step: Step, item: Item) -> str:
        if item.type not in SELECTS:
            return _TYPES[item.type]
        name = list_name(self.form, item.id)
        if name not in self.lists:
            self.lists.add(name)
            for option in self.form.options(item.id):
                texts = self._texts("label", [(option.file, option.cell)])
                self.rows.choices.append({"list_name": name, "name": option.code, **texts})
        return f"{item.type} {name}"

    def _texts(self, column: str, cells: list[tuple[str, str]]) -> Row:
        """A column in every language; several texts stand below each other."""
        return {
            f"{column}::{language_column(language)}": "\n".join(
                " ".join(self.form.text(language, *cell).split()) for cell in cells
            )
            for language in self.form.languages
        }

    def _constraint(self, step: Step, item: Item) -> tuple[str, tuple[str, str]]:
        parts: list[str] = []
        reason = "constraint_general"
        missing = tuple(item.missing_codes.values())
        if item.range is not None:
            known = [f". = {code}" for code in missing]
            inside = f"(. >= {digits(item.range[0])} and . <= {digits(item.range[1])})"
            parts.append("(" + " or ".join([*known, inside]) + ")")
            reason = "constraint_range"
        alone = [option.code for option in self.form.options(item.id) if option.exclusive]
        if item.type == "select_multiple" and alone:
            chosen = " or ".join(f"selected(., {quote(code)})" for code in alone)
            parts.append(f"(count-selected(.) <= 1 or not({chosen}))")
            reason = "constraint_exclusive"
        if step.constraint is not None:
            parts.append(constraint_xpath(step.constraint, item.id))
            reason = "constraint_general"
        own = (step.used.module.id, f"{item.id}.constraint_text")
        return " and ".join(parts), own if item.constraint_text else ("lists", f"texts.{reason}")

    def _calculation(self, step: Step, item: Item) -> str:
        made = item.calculate
        assert made is not None
        return _CALCULATIONS[made.ways()[0]](self, step, made)

    def known(self, name: str, *, numeric: bool = False, current: str | None = None) -> str:
        """XPath: an item has a real answer."""
        item = self.form.asked(name).item
        many = item.type == "select_multiple"
        return known_xpath(name, tuple(item.missing_codes.values()), many, numeric=numeric, current=current)


def _name(step: Step) -> str:
    """Modules have a prefix, so that a module may be called as one of its questions."""
    return f"m_{step.id}" if step.kind == "module" else step.id


def _rule(writer: _Writer, step: Step, made: Any) -> str:
    assert step.formula is not None
    return f"if({met_xpath(step.formula)}, '1', if({not_met_xpath(step.formula)}, '2', ''))"


def _sum(writer: _Writer, step: Step, made: Any) -> str:
    known = [writer.known(name, numeric=True) for name in made.sum]
    terms = [f"if({test}, ${{{name}}}, 0)" for name, test in zip(made.sum, known, strict=True)]
    return f"if({' or '.join(known)}, {' + '.join(terms)}, '')"


def _first_of(writer: _Writer, step: Step, made: Any) -> str:
    out = "''"
    for name in reversed(made.first_of):
        out = f"if({writer.known(name)}, ${{{name}}}, {out})"
    return out


def _position(step: Step) -> str:
    """The row of the innermost repeat, seen from a question however deep in groups."""
    inner = len(step.around) - 1 - step.around.index(step.repeats[-1])
    return "position(" + "/".join([".."] * (inner + 1)) + ")"


def _from_row(writer: _Writer, step: Step, made: Any) -> str:
    repeat = writer.form.asked(made.from_row).repeats[-1]
    return f"indexed-repeat(${{{made.from_row}}}, ${{{repeat}}}, {_position(step)})"


def _constant(writer: _Writer, step: Step, made: Any) -> str:
    if isinstance(made.constant, bool):
        return "'1'" if made.constant else "'2'"
    return quote(made.constant) if isinstance(made.constant, str) else digits(made.constant)


def _today(writer: _Writer, step: Step, made: Any) -> str:
    # once: the day of the interview stays, also when the form is opened again later
    shape = {"year": "%Y", "month": "%n", "date": "%Y-%m-%d"}[made.today]
    return f"once(format-date(today(), '{shape}'))"


_CALCULATIONS: dict[str, Callable[[_Writer, Any, Any], str]] = {
    "rule": _rule,
    "sum": _sum,
    "first_of": _first_of,
    "sum_rows": lambda writer, step, made: f"sum(${{{made.sum_rows}}})",
    "count_rows": lambda writer, step, made: f"count(${{{made.count_rows}}})",
    "from_row": _from_row,
    "row_number": lambda writer, step, made: _position(step),
    "random": lambda writer, step, made: f"once(int(random() * {made.random}) + 1)",
    "parameter": lambda writer, step, made: quote(step.used.parameters[made.parameter]),
    "constant": _constant,
    "today": _today,
}
