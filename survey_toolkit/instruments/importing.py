"""An existing XLSForm as a module: an office binds its own questions, and sees what they fail to measure."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from survey_toolkit._input import input_file
from survey_toolkit._yaml import StrictModel, dump_text, load_document, load_text
from survey_toolkit.errors import InstrumentError, did_you_mean
from survey_toolkit.instruments.coverage import asked_parts, claimed_criteria
from survey_toolkit.instruments.import_rows import FormReader, Sheets
from survey_toolkit.instruments.models import Item, Module, Value, walk
from survey_toolkit.standards.models import in_language
from survey_toolkit.standards.registry import Registry, load
from survey_toolkit.standards.rules import rule_variables

__all__ = ["Binding", "BindingsFile", "Imported", "import_xlsform"]

_MAX_BYTES = 30_000_000
_MAX_ROWS = 20_000


class Binding(StrictModel):
    """What a question of the form measures."""

    variable: str | None = None
    criteria: tuple[str, ...] = ()
    codes: dict[str | int, Value] = Field(default_factory=dict)
    variables: Annotated[dict[str | int, str], Field(description="select_multiple: code to variable")] = (
        Field(default_factory=dict)
    )
    sensitivity: Annotated[int, Field(ge=0, le=3)] = 0


class BindingsFile(StrictModel):
    """Question of the form to what it measures."""

    bindings: dict[str, Binding]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """A form read in.

    Attributes
    ----------
    id : str
    module : Module
    text : str
        The module file.
    notes : tuple of str
        What could not be taken over, question by question.
    missing : mapping of claim to tuple of (criterion, label, variables without a question)
    measured : mapping of claim to tuple of criteria
    unbound : tuple of str
        Questions bound to nothing.
    """

    id: str
    module: Module
    text: str
    notes: tuple[str, ...]
    missing: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]]
    measured: Mapping[str, tuple[str, ...]]
    unbound: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "questions": sum(isinstance(n, Item) and n.asked for _, n, _ in walk(self.module.items)),
            "notes": list(self.notes),
            "missing": {k: [list(row) for row in rows] for k, rows in self.missing.items()},
            "measured": {k: list(v) for k, v in self.measured.items()},
            "unbound": list(self.unbound),
        }

    def report(self) -> str:
        """What came in, what it measures, what it does not, what was left behind."""
        asked = [n for _, n, _ in walk(self.module.items) if isinstance(n, Item) and n.asked]
        lines = [f"{self.id}: {len(asked)} questions, {len(asked) - len(self.unbound)} bound to a variable"]
        for claim in self.missing:
            measured, missing = self.measured[claim], self.missing[claim]
            lines.append(f"\n{claim}: {len(measured)} of {len(measured) + len(missing)} criteria measured")
            lines += [f"  measured      {name}" for name in measured]
            lines += [
                f"  NOT measured  {n} ({label}): nothing asks {', '.join(v)}" for n, label, v in missing
            ]
        if self.unbound:
            lines.append(f"\nbound to nothing: {', '.join(self.unbound)}")
        if self.notes:
            lines += ["\nnot taken over as it stands", *(f"  {note}" for note in self.notes)]
        return "\n".join(lines)


def import_xlsform(
    path: str | os.PathLike[str],
    *,
    id: str | None = None,
    claims: Sequence[str] = (),
    bindings: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Imported:
    """Read an XLSForm into a question module.

    Parameters
    ----------
    path : path
        An ``.xlsx`` form.
    id : str, optional
        Id of the module; default the form's own, else the file's name.
    claims : sequence of str
        Definitions, criteria lists or criteria it should measure.
    bindings : path or mapping, optional
        Question to what it measures: ``{bindings: {q7: {variable: pen_debt, codes: {1: true, 2: false}}}}``.
        Without one, a question that is called as a harmonized variable is bound to it.
    registry : Registry, optional

    Raises
    ------
    InstrumentError
        No XLSForm; a binding of a question or to a variable that there is not.
    """
    standards = registry or load()
    sheets = read_sheets(path)
    settings = sheets.settings[0] if sheets.settings else {}
    name = id or _identifier(settings.get("form_id") or Path(path).stem)
    bound = _bindings(bindings)
    reader = FormReader(sheets, bound, standards)
    items = reader.items()
    if not items:
        raise InstrumentError(
            "the form has no question",
            where=str(path),
            expected="rows of a question type on the sheet 'survey'",
            code="empty-form",
        )
    _check_bound(bound, reader)
    data = {
        "id": name,
        "code": re.sub(r"[^A-Z]", "", name.upper())[:2].ljust(2, "X"),
        "version": str(settings.get("version") or "1"),
        "title": settings.get("form_title") or name,
        "text": f"Imported from {Path(path).name}; review texts, gates and sensitivity before use.",
        "respondent": "to be stated",
        "items": items,
    }
    text = dump_text(data)
    module = load_text(text, f"{name}.yaml", error=InstrumentError).validate(Module, error=InstrumentError)
    measured, missing = _measured(module, claims, standards)
    return Imported(
        id=name,
        module=module,
        text=text,
        notes=tuple(reader.notes),
        missing=missing,
        measured=measured,
        unbound=tuple(
            node.id
            for _, node, _ in walk(module.items)
            if isinstance(node, Item) and node.asked and not _variables(node)
        ),
    )


def _check_bound(bound: Mapping[str, Any], reader: FormReader) -> None:
    stray = [key for key in bound if key not in reader.seen]
    if stray:
        raise InstrumentError(
            "the bindings name questions that the form does not have",
            problems=[f"'{key}'; {did_you_mean(key, reader.seen)}" for key in stray],
            code="unknown-question",
        )


def read_sheets(path: str | os.PathLike[str]) -> Sheets:
    """The three sheets as rows of text; limits guard against what is no form."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    file = input_file(path, "a form", max_bytes=_MAX_BYTES, error=InstrumentError)
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, OSError, ValueError):
        raise InstrumentError(
            "the file is no .xlsx workbook", where=str(path), hint="save the form as .xlsx", code="not-xlsx"
        ) from None
    if "survey" not in book.sheetnames:
        raise InstrumentError(
            "the workbook has no sheet 'survey'",
            where=str(path),
            found=", ".join(book.sheetnames),
            hint="is it an XLSForm?",
            code="not-xlsform",
        )
    sheets = {
        name: _rows(book[name]) for name in ("survey", "choices", "settings") if name in book.sheetnames
    }
    book.close()
    return Sheets(sheets["survey"], sheets.get("choices", []), sheets.get("settings", []))


def _rows(sheet: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    heads: list[str] | None = None
    for number, line in enumerate(sheet.iter_rows(values_only=True)):
        if number > _MAX_ROWS:
            raise InstrumentError(
                "a sheet has too many rows for a form",
                found=f"over {_MAX_ROWS:,}",
                hint="delete the empty rows below the form",
                code="too-large",
            )
        cells = ["" if cell is None else _cell(cell) for cell in line]
        if heads is None:
            heads = [cell.strip() for cell in cells]
        elif any(cells):
            row = {head: cell for head, cell in zip(heads, cells, strict=False) if head and cell}
            found.append(row | {"#": str(number + 1)})
    return found


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _identifier(text: str) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"form_{name}"


def _bindings(given: str | os.PathLike[str] | Mapping[str, Any] | None) -> dict[str, Binding]:
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return dict(BindingsFile.model_validate(given).bindings)
    document = load_document(given, error=InstrumentError)
    return dict(document.validate(BindingsFile, error=InstrumentError).bindings)


def _variables(item: Item) -> set[str]:
    choices = item.codes if isinstance(item.codes, tuple) else ()
    return {name for name in (item.variable, *(c.variable for c in choices)) if name}


def _measured(
    module: Module, claims: Sequence[str], registry: Registry
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]]]:
    asked: dict[str, list[str]] = {}
    for _, node, _ in walk(module.items):
        for variable in _variables(node) if isinstance(node, Item) else ():
            asked.setdefault(variable, []).append(node.id)
    criteria = {name: item.rule for name, item in registry.criterion_items.items()}
    measured: dict[str, tuple[str, ...]] = {}
    missing: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {}
    for claim in claims:
        good: list[str] = []
        bad: list[tuple[str, str, tuple[str, ...]]] = []
        for name, rule in claimed_criteria(registry, claim).items():
            reads = sorted(rule_variables(rule, criteria=criteria))
            lacking = tuple(v for v in reads if asked_parts(registry, v, asked) is None)
            item = registry.criterion_items.get(name)
            if lacking:
                bad.append((name, in_language(item.label) if item else "the rule itself", lacking))
            else:
                good.append(name)
        measured[claim], missing[claim] = tuple(good), tuple(bad)
    return measured, missing
