"""Answers as data-collection servers export them, as the tables that the form's crosswalk reads.

ODK Central and Briefcase name a column by the groups around it, with ``-`` or ``.``; Kobo with ``/``; rows of
repeats stand in files of their own, tied by ``PARENT_KEY`` and ``KEY``. Here every column is called as its
question, a multiple answer has a 0/1 column a category (a missing code in all of them where that was the
answer), and rows carry the key of their form.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from survey_toolkit._atomic import write_atomic
from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.errors import DataFileError, InstrumentError
from survey_toolkit.instruments.crosswalk import FORM_KEY, MAIN, ROW_KEY, tables_of
from survey_toolkit.instruments.questionnaire import Questionnaire

__all__ = ["read_export", "write_export"]

Rows = dict[str, list[dict[str, str]]]
_KEYS = ("KEY", "meta-instanceID", "meta/instanceID", "_uuid", "instanceID")
_PARENTS = ("PARENT_KEY", "_submission__uuid", "_parent_uuid")
_MAX_BYTES = 2_000_000_000


def read_export(form: Questionnaire, folder: str | os.PathLike[str]) -> Rows:
    """Read the CSV files of an export folder.

    Parameters
    ----------
    form : Questionnaire
    folder : path
        ``<form>.csv`` and one file a repeat whose name ends with the repeat's (``<form>-jobs.csv``).

    Returns
    -------
    mapping of table to rows
        Ready to be written by :func:`write_export` and harmonized with the form's crosswalk. Columns of the
        export that are no question of the form (device, GPS) are left out.

    Raises
    ------
    DataFileError
        A file is missing, or a row of a repeat belongs to no form.
    """
    root = Path(folder)
    tables = tables_of(form)
    found: Rows = {MAIN: _table(form, MAIN, _one(root, form.id))}
    # a row's own key to its place: its form, and its row within the form
    places: dict[str, tuple[str, str]] = {row[FORM_KEY]: (row[FORM_KEY], "") for row in found[MAIN]}
    for name in tables:
        if name == MAIN:
            continue
        files = [f for f in sorted(root.glob("*.csv")) if re.search(rf"(^|[-./_]){name}$", f.stem)]
        found[name] = _placed(_table(form, name, files[0]), places, files[0].name) if files else []
    return found


def _one(root: Path, name: str) -> Path:
    file = root / f"{name}.csv"
    if not file.is_file():
        listed = ", ".join(sorted(f.name for f in root.glob("*.csv"))) or "no .csv file"
        raise DataFileError(
            "the export has no file of the forms",
            where=str(file),
            found=listed,
            expected=f"{file.name}, a row a form",
            code="missing-file",
        )
    return file


def _table(form: Questionnaire, table: str, file: Path) -> list[dict[str, str]]:
    if file.stat().st_size > _MAX_BYTES:
        raise DataFileError(
            "the file is too large for an export",
            where=file.name,
            expected=f"at most {_MAX_BYTES:,} bytes",
            code="too-large",
        )
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        columns = _columns(form, table, reader.fieldnames or ())
        key = next((k for k in (*_KEYS, FORM_KEY) if k in (reader.fieldnames or ())), None)
        parent = next((k for k in _PARENTS if k in (reader.fieldnames or ())), None)
        if key is None:
            raise DataFileError(
                "the file has no column that names its rows", where=file.name, expected=" or ".join(_KEYS)
            )
        return [
            {FORM_KEY: row[key] or "", "#parent": (row[parent] or "") if parent else ""}
            | {question: row[column] or "" for column, question in columns.items()}
            | dict(_categories(form, table, row, columns))
            for row in reader
        ]


def _columns(form: Questionnaire, table: str, heads: object) -> dict[str, str]:
    """Column of the export to question: the last part of its path."""
    wanted = {step.id for step in tables_of(form)[table].steps if step.item.type != "note"}
    found: dict[str, str] = {}
    for head in heads if isinstance(heads, list | tuple) else ():
        name = re.split(r"[-/.]", head)[-1]
        if name in wanted and name not in found.values():
            found[head] = name
    return found


def _categories(
    form: Questionnaire, table: str, row: Mapping[str, str], columns: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Columns of the categories, made from the multiple answer itself."""
    home = {question: column for column, question in columns.items()}
    for step in tables_of(form)[table].steps:
        if step.item.type != "select_multiple":
            continue
        chosen = (row.get(home.get(step.id, "")) or "").split()
        missing = next((c for c in chosen if c in set(step.item.missing_codes.values())), None)
        for option in form.options(step.id):
            value = "" if not chosen else str(int(option.code in chosen))
            yield f"{step.id}/{option.code}", missing if missing and option.missing is None else value


def _placed(
    rows: list[dict[str, str]], places: dict[str, tuple[str, str]], file: str
) -> list[dict[str, str]]:
    """Rows of a repeat with the key of their form and their number in it."""
    counts: dict[str, int] = {}
    out: list[dict[str, str]] = []
    for row in rows:
        own, parent = row[FORM_KEY], row.pop("#parent")
        if parent not in places:
            raise DataFileError(
                "a row belongs to no form of the export", where=file, hint="export forms and repeats together"
            )
        counts[parent] = counts.get(parent, 0) + 1
        form_key, around = places[parent]
        number = f"{around}.{counts[parent]}" if around else str(counts[parent])
        places[own] = (form_key, number)
        row[FORM_KEY] = form_key
        out.append({FORM_KEY: form_key, ROW_KEY: number} | row)
    return out


def write_export(form: Questionnaire, rows: Rows, folder: str | os.PathLike[str]) -> list[Path]:
    """Write the tables of :func:`read_export` as CSV, named as :meth:`Answers.write` names them."""
    target = Path(folder)
    if not target.is_dir():
        raise InstrumentError(
            "there is no such folder", where=str(folder), hint="make it first", code="missing-folder"
        )
    written = []
    for table, listed in rows.items():
        file = target / (f"{form.id}.csv" if table == MAIN else f"{form.id}-{table}.csv")
        heads = list(tables_of(form)[table].keys)
        heads += list(dict.fromkeys(k for row in listed for k in row if k not in (*heads, "#parent")))
        text = table_csv(heads, ([row.get(name, "") for name in heads] for row in listed))
        written.append(write_atomic(file, text.encode()))
    return written
