"""Tidy CSV: one row a figure, the value as people read it beside the value as stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.indicators import TOTAL, Figure

__all__ = ["figure_columns", "figure_row", "figures_csv"]

_HEAD = ("id", "indicator", "series", "label", "country", "period")
_TAIL = (
    "unit", "value", "ci_low", "ci_high", "se", "cv_percent", "deff", "df", "n", "n_psu", "n_positive",
    "n_undetermined", "bound_low", "bound_high", "truth", "covers", "level", "obs_status", "quality",
    "reasons", "disclosure", "disclosure_reason", "statistic", "estimator", "definition", "version",
    "universe", "raw_value", "raw_ci_low", "raw_ci_high", "raw_se",
)  # fmt: skip


def figure_columns(figures: Iterable[Figure]) -> tuple[str, ...]:
    """Columns of the tidy table: identity, one column a breakdown dimension, numbers, status, raw numbers."""
    dimensions = dict.fromkeys(d for f in figures for d in f.breakdown)
    return (*_HEAD, *dimensions, *_TAIL)


def figure_row(figure: Figure) -> dict[str, Any]:
    """One figure as a flat row; numbers in the unit of presentation, ``raw_*`` as stored."""
    row: dict[str, Any] = {name: getattr(figure, name) for name in _HEAD}
    row |= dict(figure.breakdown)
    for name in ("value", "ci_low", "ci_high", "se", "bound_low", "bound_high", "truth"):
        row[name] = figure.present(name)
    for name in ("deff", "df", "n", "n_psu", "n_positive", "n_undetermined", "level"):
        row[name] = getattr(figure, name)
    row["cv_percent"] = None if figure.cv is None else figure.cv * 100
    row["covers"] = None if figure.covers is None else str(figure.covers).lower()
    for name in (
        "unit", "obs_status", "quality", "disclosure", "disclosure_reason", "statistic", "estimator",
        "definition", "version", "universe",
    ):  # fmt: skip
        row[name] = getattr(figure, name)
    row["reasons"] = "; ".join(figure.reasons)
    row |= {f"raw_{name}": getattr(figure, name) for name in ("value", "ci_low", "ci_high", "se")}
    return row


def figures_csv(figures: Sequence[Figure]) -> str:
    """Text of ``figures.csv``; numbers with 10 significant digits, raw numbers exactly."""
    columns = figure_columns(figures)
    rows = []
    for figure in figures:
        row = figure_row(figure)
        rows.append([_cell(name, row.get(name, TOTAL)) for name in columns])
    return table_csv(columns, rows)


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value) if name.startswith("raw_") else float(f"{value:.10g}")
    return value
