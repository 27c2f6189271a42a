"""A bank of survey files: what another reader found in each, and how it compares with what is read here.

The bank's own fields decide. ``expected`` is another reader's content; ``truth`` goes before it, and so
does a value in ``known_reader_errors``. Where that field only says that the other reader is wrong, and for
Stata formats up to 105 (whose missing double that reader does not know: the bank's format-103 file of the
same content shows it), the second reader that the bank names, pandas, is asked for the columns that differ.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from survey_toolkit.microdata import Microdata, read_microdata
from survey_toolkit.microdata.model import MISSING_SUFFIX

LAST_FORMAT_WITH_OTHER_DOUBLE = 105


@dataclass(frozen=True, slots=True)
class BankFile:
    """One file of a bank and what is known of it."""

    folder: Path
    entry: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.entry["id"])

    @property
    def path(self) -> Path:
        return self.folder / self.entry["path"]

    @property
    def wanted(self) -> str:
        return str(self.entry["wanted"])

    def expected(self) -> dict[str, Any]:
        """The other reader's content, corrected where the bank itself corrects it."""
        found: dict[str, Any] = json.loads((self.folder / self.entry["expected"]).read_text("utf-8"))
        corrections = {k: v for k, v in (found.get("known_reader_errors") or {}).items() if k != "why"}
        base = found
        if not found.get("ok") and found.get("fallback"):
            # the second reader's sums are in single precision and its dates are numbers
            columns = [{"name": c["name"], "first": c["first"]} for c in found["fallback"]["columns"]]
            base = {**found, **found["fallback"], "columns": columns}
        if "nrow" in corrections:  # the other reader's sums are of its own rows
            kept = ("name", "label", "value_labels", "na_values", "na_range")
            columns = [{k: c[k] for k in kept if k in c} | {"first": []} for c in base.get("columns", [])]
            base = {**base, "columns": columns}
        return {**base, **corrections}

    def read(self, **options: Any) -> Microdata:
        """Read with what the bank says belongs to the file: its catalog, its layout."""
        if self.entry.get("catalog"):
            options["catalog"] = self.folder / "data" / self.entry["catalog"]
        if layout := re.search(r"layout in (\S+)", self.entry.get("note") or ""):
            options["layout"] = self.folder / "data" / layout.group(1)
        return read_microdata(self.path, **options)


def open_bank(folder: Path) -> list[BankFile]:
    """Every file of a bank."""
    listed = json.loads((folder / "index.json").read_text("utf-8"))["files"]
    return [BankFile(folder, entry) for entry in listed]


def differences(data: Microdata, expected: dict[str, Any]) -> dict[str, list[str]]:
    """Column to what differs; ``""`` stands for the table as a whole."""
    out: dict[str, list[str]] = {}
    if data.n_rows != expected["nrow"]:
        out[""] = [f"{data.n_rows} rows, expected {expected['nrow']}"]
    truth = expected.get("truth") or {}
    has_truth = "value_labels" in truth
    names = [c["name"] for c in expected.get("columns") or []]
    if not has_truth and names and list(data.variables) != names:
        out.setdefault("", []).append(f"names {list(data.variables)[:5]}, expected {names[:5]}")
        return out
    if has_truth:
        out.update(_against_truth(data, truth))
    for name, column in zip(data.variables, expected.get("columns") or [], strict=False):
        found = [*_numbers(data.frame[name], column), *_missing(data, name, column)]
        if not has_truth:
            found += [*_texts(data, name, column), *_first(data.frame[name], column["first"])]
        if found:
            out[name] = found
    for name, check in (expected.get("checks") or {}).items():
        if found := _check(data.frame[name], check):
            out[name] = found
    return out


def _against_truth(data: Microdata, truth: dict[str, Any]) -> dict[str, list[str]]:
    """Texts made for the bank are known exactly."""
    texts = [str(t) for c in data.frame for t in data.frame[c].dropna().unique()]
    labels = [t for v in data.variables.values() for t in v.value_labels.values()]
    out = {}
    if "label" in truth and truth["label"] not in [v.label for v in data.variables.values()]:
        out["label"] = [f"'{truth['label']}' was not read"]
    known = [*labels, *texts]
    absent = [t for t in truth["value_labels"] if t not in known]
    # a file of fewer rows or codes than the made table holds a part of it
    if len(absent) == len(truth["value_labels"]) or (
        labels and not set(labels) <= set(truth["value_labels"])
    ):
        out["value_labels"] = [f"read {labels}"]
    if not set(truth["places"]) & set(texts):
        out["places"] = ["no place was read as it is"]
    return out


def _texts(data: Microdata, name: str, column: dict[str, Any]) -> list[str]:
    variable = data.variables[name]
    out = []
    if "label" in column and (column["label"] or "") != variable.label:
        out.append(f"label {variable.label!r}, expected {column['label']!r}")
    labels = {item["code"]: item["label"] for item in column.get("value_labels") or []}
    if "class" in column and labels != dict(variable.value_labels):
        out.append(f"value labels {dict(variable.value_labels)}, expected {labels}")
    series = data.frame[name]
    if pd.api.types.is_string_dtype(series.dtype):
        for key, value in (
            ("n_empty", (series == "").sum()),
            ("sum_nchar", series.str.len().sum()),
            ("n_distinct", series.nunique()),
        ):
            if column.get(key) is not None and "class" in column and value != column[key]:
                out.append(f"{key} {value}, expected {column[key]}")
    return out


def _missing(data: Microdata, name: str, column: dict[str, Any]) -> list[str]:
    variable = data.variables[name]
    declared = [m for m in variable.missing if not str(m.low).startswith(".")]
    codes = [m.low for m in declared if m.low == m.high]
    spans = [[m.low, m.high] for m in declared if m.low != m.high]
    out = []
    if codes != (column.get("na_values") or []):
        out.append(f"missing codes {codes}, expected {column.get('na_values')}")
    expected = [[float(end) for end in column["na_range"]]] if column.get("na_range") else []
    if spans != expected:
        out.append(f"missing range {spans}, expected {expected}")
    companion = data.frame.get(name + MISSING_SUFFIX)
    tags = {} if companion is None else companion.dropna().value_counts().to_dict()
    wanted = {f".{letter}": n for letter, n in (column.get("tagged") or {}).items()}
    if tags != wanted:
        out.append(f"tags {tags}, expected {wanted}")
    return out


def _numbers(series: pd.Series[Any], column: dict[str, Any]) -> list[str]:
    out = []
    numeric = pd.api.types.is_numeric_dtype(series.dtype)
    if "class" in column and series.isna().sum() != column["n_na"]:
        out.append(f"{series.isna().sum()} without a value, expected {column['n_na']}")
    for key in ("sum", "min", "max") if numeric else ():
        if column.get(key) is None:
            continue
        value = getattr(series.dropna().astype(float), key)()
        if not math.isclose(value, column[key], rel_tol=1e-9, abs_tol=1e-9):
            out.append(f"{key} {value}, expected {column[key]}")
    return out


def _first(series: pd.Series[Any], first: list[Any]) -> list[str]:
    return [
        f"row {row} holds {value!r}, expected {expected!r}"
        for row, (value, expected) in enumerate(zip(series, first, strict=False), start=1)
        if not _same(value, expected)
    ]


def _same(value: Any, expected: Any) -> bool:
    if value is None or value is pd.NA or value is pd.NaT:
        # a blank of a text table is null, and a tag stands beside its cell
        return expected in (None, "") or (
            isinstance(expected, str) and re.fullmatch(r"\.[a-z]", expected) is not None
        )
    if isinstance(value, dt.datetime):
        return not isinstance(expected, str) or _moment(value, expected)
    if isinstance(value, str):
        # where bytes do not fit the encoding, the second reader shows them as Latin-1
        return value in (expected, _undressed(expected))
    if isinstance(expected, str):  # the other reader kept all cells as text
        expected = float(expected.replace(",", "."))
    return expected is not None and math.isclose(float(value), float(expected), rel_tol=1e-6, abs_tol=1e-12)


def _undressed(text: Any) -> str | None:
    try:
        return str(text).encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _moment(value: dt.datetime, expected: str) -> bool:
    """The other reader writes a day without, and a moment with a clock, cut to the second."""
    day = f"{value.year}-{value.month:02d}-{value.day:02d}"
    return expected in (day, f"{day} {value.time().isoformat('seconds')}")


def _check(series: pd.Series[Any], check: dict[str, Any]) -> list[str]:
    out = _first(series, check["first"]) if pd.api.types.is_numeric_dtype(series.dtype) else []
    if (
        pd.api.types.is_string_dtype(series.dtype)
        and series.head(len(check["first"])).to_list() != check["first"]
    ):
        out.append("the first cells differ")
    if (series.notna() & (series.astype("string") != "")).sum() != check["n_nonblank"]:
        out.append("another number of cells")
    total = pd.to_numeric(series).astype(float).sum()
    return out if math.isclose(total, check["sum"], rel_tol=1e-12) else [*out, f"sum {total}"]


def stands_against_the_other_reader(file: BankFile, data: Microdata, columns: list[str]) -> bool:
    """Whether the bank says its reader is wrong here, and its second reader has what was read."""
    errors = json.loads((file.folder / file.entry["expected"]).read_text("utf-8")).get("known_reader_errors")
    old = file.path.suffix == ".dta" and file.path.read_bytes()[0] <= LAST_FORMAT_WITH_OTHER_DOUBLE
    if not (errors or old) or "" in columns or file.path.suffix != ".dta":
        return False
    with pd.read_stata(file.path, iterator=True, convert_categoricals=False, convert_dates=False) as reader:
        second = reader.read()
        labels = reader.value_labels()
    for name in columns:
        ours, theirs = data.frame[name], second[name]
        if pd.api.types.is_string_dtype(ours.dtype):
            same = ours.to_list() == theirs.astype(object).to_list()
        else:
            same = bool(((ours == theirs) | (ours.isna() & theirs.isna())).fillna(False).all())
        ours_labels = dict(data.variables[name].value_labels)
        same_labels = not ours_labels or ours_labels in labels.values()
        if not (same and same_labels):
            return False
    return True
