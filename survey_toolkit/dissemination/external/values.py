"""Values of other publishers as they stand there: a number, an interval, or missing with a status."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._input import input_file
from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.indicators import TOTAL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["External", "ExternalValue", "interval_of", "read_table"]

_MAX_BYTES = 300_000_000
_NUMBER = re.compile(r"-?(\d{1,3}([, \u00a0\u202f]\d{3})+|\d+)(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalValue:
    """One value of another publisher.

    Attributes
    ----------
    source, indicator, series, label, country, period, unit : str
        ``country`` is alpha-3 where the file tells it, else its name or code there.
    breakdown : mapping of str to str
        Dimension to code, ``_T`` for all.
    value : float or None
        None where an interval or nothing is published; never a middle.
    low, high : float or None
        Smallest and largest value that fits what is published; equal to the value where there is one.
    text : str
        As it stands in the file.
    status : str
        A, U, Q (suppressed), O (missing).
    notes : tuple of str
    """

    source: str
    indicator: str
    series: str
    label: str
    country: str
    period: str
    unit: str
    breakdown: Mapping[str, str] = field(default_factory=dict)
    value: float | None
    low: float | None
    high: float | None
    text: str
    status: str
    notes: tuple[str, ...] = ()

    @property
    def is_total(self) -> bool:
        """Whether it is about everybody."""
        return all(code == TOTAL for code in self.breakdown.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Values of one file, and what in it could not be read without guessing.

    Attributes
    ----------
    values : tuple of ExternalValue
    doubts : tuple of str
        One line each, with its row; the rows are not among the values.
    """

    source: str
    values: tuple[ExternalValue, ...]
    doubts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[ExternalValue]:
        return iter(self.values)

    def filter(
        self,
        *,
        series: str | None = None,
        country: str | None = None,
        period: str | None = None,
        **codes: str,
    ) -> External:
        """Values of a series, country, period and these breakdown codes."""

        def fits(v: ExternalValue) -> bool:
            wanted = ((series, v.series), (country, v.country), (period, v.period))
            return all(a is None or a == b for a, b in wanted) and all(
                v.breakdown.get(d, TOTAL) == code for d, code in codes.items()
            )

        return External(source=self.source, values=tuple(v for v in self.values if fits(v)))

    def totals(self) -> External:
        """Values that count everybody once; breakdowns of the same people overlap and must not be added."""
        return External(source=self.source, values=tuple(v for v in self.values if v.is_total))

    def to_frame(self) -> pd.DataFrame:
        """One row a value, one column a dimension."""
        import pandas as pd

        dimensions = list(dict.fromkeys(d for v in self.values for d in v.breakdown))
        rows = [
            {
                "source": v.source,
                "indicator": v.indicator,
                "series": v.series,
                "label": v.label,
                "country": v.country,
                "period": v.period,
                **{d: v.breakdown.get(d, TOTAL) for d in dimensions},
                "unit": v.unit,
                "value": v.value,
                "low": v.low,
                "high": v.high,
                "text": v.text,
                "status": v.status,
                "notes": "; ".join(v.notes),
            }
            for v in self.values
        ]
        return (
            pd.DataFrame(rows).astype({"value": "Float64", "low": "Float64", "high": "Float64"})
            if rows
            else (
                pd.DataFrame(
                    columns=["source", "indicator", "series", "country", "period", "value", "low", "high"]
                )
            )
        )


def interval_of(text: str, *, count: bool = True) -> tuple[float | None, float | None, float | None, str]:
    """Value, lowest, highest and status of a published text.

    Parameters
    ----------
    text : str
    count : bool
        Counts of people: "<5" is 1 to 4, as nobody hides a zero. Otherwise it is anything from 0 up to 5.

    Raises
    ------
    ValueError
        If the text is neither a number, a limit, nor a sign for missing.

    Examples
    --------
    >>> interval_of("1,234"), interval_of("<5"), interval_of(">95", count=False), interval_of("NaN")
    ((1234.0, 1234.0, 1234.0, 'A'), (None, 1.0, 4.0, 'Q'), (None, 95.0, None, 'A'), (None, None, None, 'O'))
    """
    clean = text.strip()
    if clean.upper() in ("", "NAN", "N", "NA", "N/A", "..", "...", "-", "–", "NULL"):
        return None, None, None, "O"
    match = re.match(r"(<=|>=|≤|≥|<|>)\s*", clean)
    bare = clean[match.end() :] if match else clean
    if not _NUMBER.fullmatch(bare):
        raise ValueError("not a number")
    number = float(re.sub(r"[, \u00a0\u202f]", "", bare))
    if not math.isfinite(number):
        raise ValueError("not a number")
    if match is None:
        return number, number, number, "A"
    if match[1] in ("<", "<=", "≤"):
        strict = match[1] == "<"
        return None, 1.0 if count else 0.0, number - 1 if count and strict else number, "Q" if count else "A"
    return None, number + 1 if count and match[1] == ">" else number, None, "A"


def read_table(path: str | Path, needed: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows of a CSV or XLSX file as text with their row number; the header may stand below a title.

    Raises
    ------
    DataFileError
        If there is no such file or a needed column is not in it; names what is there.
    """
    file = input_file(path, "a table of values", max_bytes=_MAX_BYTES)
    lines = _workbook_lines(file) if file.suffix.lower() in (".xlsx", ".xlsm") else _csv_lines(file)
    wanted = {name.lower() for name in needed}
    for at, line in enumerate(lines[:20]):
        names = [cell.strip() for cell in line]
        if wanted <= {name.lower() for name in names}:
            back = {name.lower(): name for name in needed}
            heads = [back.get(name.lower(), name) for name in names]
            return [
                (at + 2 + i, {h: c.strip() for h, c in zip(heads, row, strict=False) if h})
                for i, row in enumerate(lines[at + 1 :])
                if any(cell.strip() for cell in row)
            ]
    best = max(lines[:20], key=lambda line: len(wanted & {c.strip().lower() for c in line}), default=[])
    there = {c.strip().lower() for c in best}
    lost = [name for name in needed if name.lower() not in there]
    raise DataFileError(
        "the file lacks a column",
        where=str(file),
        found=", ".join(c for c in best if c)[:200] or "nothing",
        expected=", ".join(lost),
        hint=did_you_mean(lost[0], [c for c in best if c]) if lost and best else "",
        code="missing-column",
    )


def _csv_lines(file: Path) -> list[list[str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = file.read_text(encoding="cp1252", errors="replace")
    head = text[:4000]
    delimiter = max(",;\t", key=head.count)
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def _workbook_lines(file: Path) -> list[list[str]]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except Exception as problem:  # openpyxl raises whatever its parsers do
        raise DataFileError(
            "this is not a workbook",
            where=str(file),
            found=type(problem).__name__,
            hint="save it as .xlsx or .csv",
            code="not-a-workbook",
        ) from None
    sheet: Any = book.worksheets[0]
    lines = [["" if c is None else str(c) for c in row] for row in sheet.iter_rows(values_only=True)]
    book.close()
    return lines
