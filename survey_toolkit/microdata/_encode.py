"""Columns as SPSS and Stata want them: numbers or text, codes for missing reasons, labels by code.

SPSS declares codes missing (three single codes, or one range and one code); Stata has the tags ``.a`` to
``.z``. A reason that stands beside a null cell becomes a declared code in SPSS and a tag in Stata; a code
declared missing becomes a tag in Stata. Text has no such place: its reasons stay in their own column.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import DataFileError, SurveyToolkitWarning
from survey_toolkit.microdata.model import (
    MISSING_REASONS,
    MISSING_SUFFIX,
    Code,
    Microdata,
    MissingCode,
    Variable,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Encoded", "encode"]

_SPSS_EPOCH = np.datetime64("1582-10-14T00:00:00", "s")
_EPOCH_1960 = np.datetime64("1960-01-01T00:00:00", "s")
_FIRST_CODE = -99
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class Encoded:
    """What the writer of a format takes."""

    columns: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    value_labels: dict[str, dict[Any, str]] = field(default_factory=dict)
    missing: dict[str, list[Any]] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """Columns as a frame."""
        import pandas as pd

        return pd.DataFrame(self.columns)


def encode(data: Microdata, kind: str) -> Encoded:
    """Encode every column for ``kind``: ``"sav"`` or ``"dta"``.

    Raises
    ------
    DataFileError
        More missing codes than the format can declare.
    """
    out = Encoded()
    if kind == "dta" and (lost := [v.name for v in data.variables.values() if _unlabelled_in_stata(v)]):
        what = (
            f"Stata holds labels only for whole numbers: {', '.join(lost[:20])}: other labels were left out"
        )
        warnings.warn(what, SurveyToolkitWarning, stacklevel=5)
    for name, variable in data.variables.items():
        column = _plain(data.frame[name])
        companion = data.frame.get(name + MISSING_SUFFIX)
        out.labels[name] = variable.label
        if _is_text(column):
            _text(out, variable, column, companion, kind)
        elif column.dtype.kind == "M":
            _date(out, name, column, kind)
        elif kind == "sav":
            _spss_number(out, variable, column, companion)
        else:
            _stata_number(out, variable, column, companion)
        if str(data.frame[name].dtype) == "boolean" and not variable.value_labels:
            out.value_labels.setdefault(name, {}).update({0: "no", 1: "yes"})
    return out


def _unlabelled_in_stata(variable: Variable) -> bool:
    """Whether a number has labels that Stata cannot hold; that text has none there is known."""
    return any(not isinstance(c, str) and not float(c).is_integer() for c in variable.value_labels)


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    if str(column.dtype) == "boolean":
        return column.astype("Int64")
    return column


def _is_text(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_string_dtype(column.dtype))


def _text(
    out: Encoded, variable: Variable, column: pd.Series[Any], companion: pd.Series[Any] | None, kind: str
) -> None:
    if kind == "dta" and variable.missing:
        column, companion = _without_codes(variable, column, companion)
    out.columns[variable.name] = column.fillna("").astype(object)
    if kind == "sav":
        if variable.value_labels:
            out.value_labels[variable.name] = {str(c): t for c, t in variable.value_labels.items()}
        codes = [m.low for m in variable.missing]
        if len(codes) > 3:
            raise _too_many(variable.name, len(codes))
        if codes:
            out.missing[variable.name] = codes
    if companion is not None and companion.notna().any():
        out.columns[variable.name + MISSING_SUFFIX] = companion.fillna("").astype(object)


def _without_codes(
    variable: Variable, column: pd.Series[Any], companion: pd.Series[Any] | None
) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Stata declares no text missing: such a code would be read as a value, so its reason stands beside."""
    import pandas as pd

    text = column.copy()
    reason = pd.Series(pd.NA, index=column.index, dtype="string") if companion is None else companion.copy()
    for code in variable.missing:
        inside = code.contains(column)
        text[inside] = pd.NA
        reason[inside] = code.reason or "user_missing"
    return text, reason


def _date(out: Encoded, name: str, column: pd.Series[Any], kind: str) -> None:
    moments = column.to_numpy(dtype="datetime64[s]")
    null = np.isnat(moments)
    epoch = _SPSS_EPOCH if kind == "sav" else _EPOCH_1960
    seconds = np.where(null, np.nan, (moments - epoch).astype(np.float64))
    whole_days = bool(np.all(null | (seconds % 86_400 == 0)))
    if kind == "sav":
        out.columns[name], out.formats[name] = seconds, "DATE11" if whole_days else "DATETIME20"
    elif whole_days:
        out.columns[name], out.formats[name] = seconds / 86_400, "%td"
    else:
        out.columns[name], out.formats[name] = seconds * 1_000, "%tc"


def _spss_number(
    out: Encoded, variable: Variable, column: pd.Series[Any], companion: pd.Series[Any] | None
) -> None:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    labels: dict[Any, str] = {
        float(c): t for c, t in variable.value_labels.items() if isinstance(c, int | float)
    }
    declared: list[Any] = [
        m.low if m.low == m.high else {"lo": m.low, "hi": m.high}
        for m in variable.missing
        if not isinstance(m.low, str)
    ]
    if companion is not None:
        codes = _reason_codes(numbers, labels, companion)
        for reason, code in codes.items():
            numbers[(companion == reason).fillna(False).to_numpy(dtype=bool)] = code
            labels[float(code)] = _tag_label(variable, reason)
        if codes:
            declared.append({"lo": float(min(codes.values())), "hi": float(max(codes.values()))})
    out.columns[variable.name] = numbers
    if labels:
        out.value_labels[variable.name] = labels
    if declared:
        out.missing[variable.name] = _spss_missing(variable.name, declared, numbers, labels)
    out.formats[variable.name] = _spss_format(variable, column)


def _spss_format(variable: Variable, column: pd.Series[Any]) -> str:
    if variable.format and variable.format.upper().startswith(("F", "DATE", "TIME", "DTIME")):
        return variable.format
    return "F8.0" if column.dtype.kind in "iu" else "F12.4"


def _reason_codes(numbers: Any, labels: dict[Any, str], companion: pd.Series[Any]) -> dict[str, int]:
    """Codes for the reasons found, outside every value and label; ``system`` stays blank."""
    found = [str(r) for r in companion.dropna().unique() if r != "system"]
    order = {r: i for i, r in enumerate((*MISSING_REASONS, *(f".{c}" for c in _LETTERS)))}
    found.sort(key=lambda r: order.get(r, len(order)))
    first = _FIRST_CODE
    taken = [*numbers[~np.isnan(numbers)], *labels]
    while any(first <= value <= first + len(order) for value in taken):
        first *= 10
    return {reason: first + order.get(reason, len(order)) for reason in found}


def _spss_missing(name: str, declared: list[Any], numbers: Any, labels: dict[Any, str]) -> list[Any]:
    """Three codes, or a range and a code; more codes become a range if no valid value lies between."""
    ranges = [d for d in declared if isinstance(d, dict)]
    singles = sorted({float(d) for d in declared if not isinstance(d, dict)})
    if (not ranges and len(singles) <= 3) or (len(ranges) == 1 and len(singles) <= 1):
        return declared
    low = min([*singles, *(r["lo"] for r in ranges)])
    high = max([*singles, *(r["hi"] for r in ranges)])
    values = np.unique(np.concatenate([numbers[~np.isnan(numbers)], np.array(list(labels), dtype=float)]))
    inside = values[(values >= low) & (values <= high)]
    covered = np.isin(inside, singles)
    for item in ranges:
        covered |= (inside >= item["lo"]) & (inside <= item["hi"])
    if not covered.all():
        raise _too_many(name, len(declared))
    return [{"lo": low, "hi": high}]


def _too_many(name: str, n: int) -> DataFileError:
    return DataFileError(
        "SPSS cannot declare these missing codes",
        where=name,
        found=f"{n} declarations",
        expected="at most three codes, or one range and one code",
        hint="recode them next to each other, outside the valid values",
        code="too-many-missing",
    )


def _stata_number(
    out: Encoded, variable: Variable, column: pd.Series[Any], companion: pd.Series[Any] | None
) -> None:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    tags, tag_labels = _stata_tags(variable, column, companion)
    labels: dict[Any, str] = {}
    for code, text in variable.value_labels.items():
        if isinstance(code, int | float) and float(code).is_integer() and not _declared(variable, code):
            labels[int(code)] = text
    labels.update(tag_labels)
    out.columns[variable.name] = numbers
    if tag_labels:
        values = numbers.astype(object)
        values[np.isnan(numbers)] = None
        filled = tags != ""
        values[filled] = tags[filled]
        out.columns[variable.name] = values
        out.missing[variable.name] = sorted(tag_labels)
    elif column.dtype.kind in "iu":
        out.columns[variable.name] = column.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
        out.formats[variable.name] = "%12.0g"
    if labels:
        out.value_labels[variable.name] = labels


def _stata_tags(
    variable: Variable, column: pd.Series[Any], companion: pd.Series[Any] | None
) -> tuple[Any, dict[str, str]]:
    """Letter of each cell ("" for none) and the label of each letter."""
    tags = np.full(len(column), "", dtype=object)
    labels: dict[str, str] = {}
    if companion is not None:
        for found in (str(t) for t in companion.dropna().unique() if t != "system"):
            letter = found[1] if found.startswith(".") else _LETTERS[MISSING_REASONS.index(found)]
            tags[(companion == found).fillna(False).to_numpy(dtype=bool)] = letter
            labels[letter] = _tag_label(variable, found)
    free = iter(letter for letter in _LETTERS if letter not in labels)
    for code, text in _declared_codes(variable, column):
        letter = next(free, "")
        if not letter:
            raise DataFileError("Stata has 26 missing tags, not more", where=variable.name)
        tags[(column == code).fillna(False).to_numpy(dtype=bool)] = letter
        labels[letter] = text
    return tags, labels


def _declared_codes(variable: Variable, column: pd.Series[Any]) -> list[tuple[Any, str]]:
    """Every code declared missing that has a label, or occurs, or is declared by itself; in order."""
    found: dict[Any, str] = {}
    for item in variable.missing:
        if isinstance(item.low, str):
            continue
        inside = [c for c in variable.value_labels if not isinstance(c, str) and item.low <= c <= item.high]  # type: ignore[operator]
        occurring = column[item.contains(column)].dropna().unique().tolist()
        single = [item.low] if item.low == item.high else []
        for code in (*inside, *occurring, *single):
            found[float(code)] = variable.value_labels.get(_key(code)) or item.label or f"code {_key(code)}"
    return sorted(found.items())


def _key(code: Any) -> Code:
    return int(code) if float(code).is_integer() else float(code)


def _declared(variable: Variable, code: Code) -> bool:
    return any(not isinstance(m.low, str) and m.low <= code <= m.high for m in variable.missing)  # type: ignore[operator]


def _tag_label(variable: Variable, tag: str) -> str:
    declared: MissingCode | None = next((m for m in variable.missing if tag in (m.low, m.reason)), None)
    return variable.value_labels.get(tag) or (declared.label if declared and declared.label else tag)
