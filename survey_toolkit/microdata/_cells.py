"""A column under harmonization: values and, beside them, why there is none; and what can be done to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from survey_toolkit._frames import null_aware
from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata.crosswalk import SourceCode, Value, code_range
from survey_toolkit.microdata.model import MISSING_REASONS, MISSING_SUFFIX, Microdata
from survey_toolkit.standards.rules import Rule, compile_rule, rule_variables

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "DTYPES",
    "Cells",
    "as_type",
    "code_order",
    "code_text",
    "first_reason",
    "read_source",
    "reason_number",
    "recode",
    "rule_mask",
]

#: Type of a standard variable to the nullable dtype of its column.
DTYPES: dict[str, Any] = {
    "boolean": "boolean",
    "integer": "Int64",
    "number": "Float64",
    "code": "string",
    "text": "string",
}

_SHOWABLE = re.compile(r"[A-Za-z0-9_.\-]{1,6}")


def reason_number(reason: str) -> int:
    """Number of a missing reason in :attr:`Cells.reasons`; 0 stands for none."""
    return MISSING_REASONS.index(reason) + 1


@dataclass(slots=True)
class Cells:
    """Values and reasons; a cell without a value has a reason, or its code is unmapped.

    Attributes
    ----------
    values : pandas.Series
        Nullable dtype, null where there is no value.
    reasons : int8 array
        0 where there is a value, else :func:`reason_number`.
    unmapped : mapping
        Code to count, for codes that the recode does not know.
    codes : list
        (source code, result, count) of a recode.
    """

    values: pd.Series[Any]
    reasons: NDArray[np.int8]
    unmapped: dict[str, int] = field(default_factory=dict)
    codes: list[tuple[str, str, int]] = field(default_factory=list)

    def copy(self) -> Cells:
        """Return an independent copy."""
        return Cells(self.values.copy(), self.reasons.copy(), dict(self.unmapped), list(self.codes))

    def set_missing(self, where: NDArray[np.bool_], reason: str) -> None:
        """Blank cells for a reason."""
        if where.any():
            self.values = self.values.mask(where)
            self.reasons[where] = reason_number(reason)

    def fill(self, where: NDArray[np.bool_], value: Value) -> None:
        """Give cells a value."""
        if where.any():
            self.values = self.values.mask(where, value)
            self.reasons[where] = 0

    def missing_counts(self) -> dict[str, int]:
        """Reason to count."""
        counts = np.bincount(self.reasons, minlength=len(MISSING_REASONS) + 1)[1:]
        return {r: int(n) for r, n in zip(MISSING_REASONS, counts, strict=True) if n}

    def companion(self) -> pd.Series[Any] | None:
        """Text column of the reasons, or None if every cell has a value."""
        import pandas as pd

        if not self.reasons.any():
            return None
        words = np.array([None, *MISSING_REASONS], dtype=object)[self.reasons]
        return pd.Series(words, index=self.values.index, dtype=pd.StringDtype(na_value=pd.NA))


def read_source(
    data: Microdata,
    name: str,
    *,
    by_code: Mapping[SourceCode, str],
    by_label: Mapping[str, str],
    blank: str | None = None,
) -> Cells:
    """Read a source column: codes that are no answer become null with their reason.

    A code given a reason here goes before one found by its label, and that before the file's own
    declaration, whose reason is ``user_missing`` unless the file says more.
    """
    import pandas as pd

    values = data.frame[name]
    reasons = np.zeros(len(values), dtype=np.int8)
    is_null = values.isna().to_numpy(dtype=bool)
    if pd.api.types.is_string_dtype(values.dtype):
        is_null = is_null | (values.str.strip() == "").fillna(False).to_numpy(dtype=bool)
    reasons[is_null] = reason_number(blank or "system")
    variable = data.variables.get(name)
    labelled = _by_label(variable.value_labels, by_label) if variable is not None else {}
    if name + MISSING_SUFFIX in data.frame:
        _tagged(reasons, data.frame[name + MISSING_SUFFIX], {**labelled, **by_code})
    for declared in variable.missing if variable is not None else ():
        reasons[declared.contains(values)] = reason_number(declared.reason or "user_missing")
    for codes in (labelled, by_code):
        for code, reason in codes.items():
            reasons[_equals(values, code)] = reason_number(reason)
    return Cells(values.mask(reasons > 0), reasons)


def _by_label(labels: Mapping[Any, str], by_label: Mapping[str, str]) -> dict[SourceCode, str]:
    wanted = {fold(text): reason for text, reason in by_label.items()}
    return {code: wanted[fold(text)] for code, text in labels.items() if fold(text) in wanted}


def _tagged(reasons: NDArray[np.int8], tags: pd.Series[Any], known: Mapping[SourceCode, str]) -> None:
    """Reasons of cells that are null with a tag beside them: ``.a``, or a reason already in words."""
    for tag in tags.dropna().unique():
        reason = known.get(tag) or (tag if tag in MISSING_REASONS else "user_missing")
        reasons[(tags == tag).fillna(False).to_numpy(dtype=bool)] = reason_number(reason)


def _equals(values: pd.Series[Any], code: SourceCode) -> NDArray[np.bool_]:
    import pandas as pd

    ends = code_range(code)
    if pd.api.types.is_string_dtype(values.dtype):
        if ends is not None:
            return np.zeros(len(values), dtype=bool)
        same = values.str.strip() == str(code)
    elif not pd.api.types.is_numeric_dtype(values.dtype):
        return np.zeros(len(values), dtype=bool)
    elif ends is not None:
        same = (values >= ends[0]) & (values <= ends[1])
    elif isinstance(code, str):
        return np.zeros(len(values), dtype=bool)
    else:
        same = values == code
    return same.fillna(False).to_numpy(dtype=bool)


def code_text(code: Any) -> str:
    """A code as it may stand in a message: short codes as they are, anything else is not shown.

    Examples
    --------
    >>> code_text(7.0), code_text("M"), code_text("Somchai Jaidee")
    ('7', 'M', '(text)')
    """
    if isinstance(code, bool | np.bool_):
        return str(bool(code)).lower()
    if isinstance(code, str):
        return code if _SHOWABLE.fullmatch(code) else "(text)"
    return str(int(code)) if float(code).is_integer() else str(code)


def recode(cells: Cells, mapping: Mapping[SourceCode, Value], kind: str, inside: NDArray[np.bool_]) -> Cells:
    """Map codes to values; codes without a mapping are counted as unmapped and left without a value.

    ``inside`` marks the rows of the target's universe: what stands outside is not looked at.
    """
    import pandas as pd

    seen = cells.values.mask(~inside)
    numbers, uniques = pd.factorize(seen)
    results = [_lookup(code, mapping) for code in uniques]
    counts = np.bincount(numbers[numbers >= 0], minlength=len(uniques))
    table = np.array([*results, None], dtype=object)
    values = pd.Series(table[numbers], index=cells.values.index).astype(DTYPES[kind])
    out = Cells(values, cells.reasons.copy())
    for code, result, n in zip(uniques, results, counts.tolist(), strict=True):
        if result is None:
            shown = code_text(code)
            out.unmapped[shown] = out.unmapped.get(shown, 0) + n
        else:
            out.codes.append((code_text(code), str(result), n))
    out.codes.sort(key=lambda row: code_order(row[0]))
    return out


def code_order(text: str) -> tuple[bool, float, str]:
    """Sort codes as a reader expects: numbers by size, then text."""
    number = text.replace(".", "", 1).lstrip("-").isdigit()
    return not number, float(text) if number else 0.0, text


def _lookup(code: Any, mapping: Mapping[SourceCode, Value]) -> Value | None:
    if isinstance(code, str):
        text = code.strip()
        return next((v for k, v in mapping.items() if str(k) == text), None)
    for key, value in mapping.items():
        ends = code_range(key)
        if ends is not None:
            if ends[0] <= code <= ends[1]:
                return value
        elif not isinstance(key, str) and key == code:
            return value
    return None


def as_type(cells: Cells, kind: str, codes: Sequence[str] | None, inside: NDArray[np.bool_]) -> Cells:
    """Copy values into the target's type; what does not fit is counted as unmapped."""
    import pandas as pd

    out = cells.copy()
    values = cells.values.mask(~inside)
    if kind in ("integer", "number"):
        numbers = pd.to_numeric(values, errors="coerce") if _is_text(values) else values
        typed: pd.Series[Any] = numbers.astype("Float64")
        bad = values.notna() & typed.isna()
        if kind == "integer":
            bad |= (typed != np.floor(typed.to_numpy(dtype=float, na_value=np.nan))).fillna(False)
            typed = typed.mask(bad).astype("Int64")
    elif kind == "boolean":
        fits = str(values.dtype) == "boolean"
        typed = values if fits else pd.Series(pd.NA, index=values.index, dtype="boolean")
        bad = values.notna() & typed.isna()
    else:
        typed = _whole(values).astype("string")
        bad = (
            values.notna() & ~typed.isin(list(codes)) if codes is not None else values.isna() & values.notna()
        )
    out.values = typed.mask(bad).astype(DTYPES[kind])
    for code, n in values[bad].value_counts().items():
        shown = code_text(code)
        out.unmapped[shown] = out.unmapped.get(shown, 0) + int(n)
    return out


def _whole(values: pd.Series[Any]) -> pd.Series[Any]:
    """Whole numbers as integers, so that a code that a format stores as 3.0 reads "3"."""
    if str(values.dtype) != "Float64":
        return values
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    whole = bool(np.isfinite(known).all() and (known == np.floor(known)).all() and (abs(known) < 2**53).all())
    return values.astype("Int64") if whole else values


def _is_text(values: pd.Series[Any]) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_string_dtype(values.dtype))


def first_reason(cells: Iterable[Cells], n: int) -> NDArray[np.int8]:
    """Reason of the first column that lacks a value, row by row; ``system`` where none does."""
    out = np.zeros(n, dtype=np.int8)
    for column in cells:
        out = np.where(out == 0, column.reasons, out)
    return np.where(out == 0, reason_number("system"), out).astype(np.int8)


def rule_mask(
    frame: pd.DataFrame, rule: Rule, *, where: str, criteria: Mapping[str, Rule] | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Evaluate a rule on a pandas frame: rows where it is true, rows where it is unknown."""
    columns = sorted(rule_variables(rule, criteria=criteria or {}))
    expression = compile_rule(rule, criteria=criteria or {})
    try:
        answer = null_aware(frame[columns]).select(answer=expression).collect()["answer"].to_native()
        series = cast("pd.Series[Any]", answer).astype("boolean")
    except HarmonizationError:
        raise
    except Exception as exc:  # each engine has its own error for text compared with numbers
        types = ", ".join(f"{c} {frame[c].dtype}" for c in columns)
        raise HarmonizationError(
            "the rule does not fit the columns it reads",
            where=where,
            found=f"{types} ({type(exc).__name__})",
            expected="text compared with text, numbers with numbers",
            code="rule-type",
        ) from None
    unknown = series.isna().to_numpy(dtype=bool)
    return series.fillna(False).to_numpy(dtype=bool), unknown
