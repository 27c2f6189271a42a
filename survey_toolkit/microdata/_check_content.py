"""Checks of what stands in the cells: ranges, codes, who was asked, answers that contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._cells import Cells, read_source, rule_mask
from survey_toolkit.microdata._check_report import Finding, Severity
from survey_toolkit.microdata._suspicions import unlabelled, unused
from survey_toolkit.microdata._words import REASON_LABELS
from survey_toolkit.microdata.model import Microdata
from survey_toolkit.standards.rules import parse_rule, rule_variables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CONTENT", "answers"]

Check = Callable[[Microdata, Any], Iterator[Finding | str] | None]


def answers(data: Microdata, name: str) -> Cells:
    """A column with declared and labelled missing codes set aside."""
    return read_source(data, name, by_code={}, by_label=REASON_LABELS)


def _ranges(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _range_findings(data, plan) if plan.ranges else None


def _range_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    import pandas as pd

    for name, (low, high) in plan.ranges.items():
        values = answers(data, name).values
        if not pd.api.types.is_numeric_dtype(values.dtype) or str(values.dtype) == "boolean":
            continue
        rows = np.flatnonzero(((values < low) | (values > high)).fillna(False).to_numpy(dtype=bool))
        if len(rows):
            yield Finding(
                check="range",
                severity="error",
                count=len(rows),
                of=int(values.notna().sum()),
                message=f"{name}: {len(rows):,} values outside {low:g} to {high:g}",
                columns=(name,),
                rows=rows,
            )


def _codes(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    labelled = [v for v in data.variables.values() if v.value_labels]
    return _code_findings(data, labelled) if labelled else None


def _code_findings(data: Microdata, labelled: list[Any]) -> Iterator[Finding | str]:
    for variable in labelled:
        cells = answers(data, variable.name)
        without = unlabelled(cells, variable)
        if without:
            n = sum(without.values())
            rows = np.flatnonzero(
                (cells.values.notna() & ~cells.values.isin(list(variable.value_labels))).to_numpy(dtype=bool)
            )
            yield Finding(
                check="code-unlabelled",
                severity="flag",
                count=n,
                of=data.n_rows,
                message=f"{variable.name}: codes without a label: {', '.join(list(without)[:8])}",
                columns=(variable.name,),
                rows=rows,
            )
        idle = unused(data.frame[variable.name], variable)
        if idle and cells.values.notna().any():
            yield Finding(
                check="label-unused",
                severity="flag",
                count=len(idle),
                of=len(variable.value_labels),
                message=f"{variable.name}: labelled codes that no row holds: {', '.join(idle[:8])}",
                columns=(variable.name,),
            )


def _skips(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _skip_findings(data, plan) if plan.skips else None


def _skip_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    import pandas as pd

    for name, rule in plan.skips.items():
        columns = {n: answers(data, n).values for n in sorted(rule_variables(rule))}
        asked, unknown = rule_mask(pd.DataFrame(columns), rule, where=f"skips.{name}")
        raw = data.frame[name]
        filled = raw.notna()
        if pd.api.types.is_string_dtype(raw.dtype):
            filled &= raw.str.strip() != ""
        full = filled.to_numpy(dtype=bool, na_value=False)
        outside, inside = np.flatnonzero(full & ~asked & ~unknown), np.flatnonzero(~full & asked)
        if len(outside):
            yield Finding(
                check="skip-answered",
                severity="flag",
                count=len(outside),
                of=int((~asked & ~unknown).sum()),
                message=f"{name}: {len(outside):,} rows are answered although not asked",
                columns=(name, *columns),
                rows=outside,
            )
        if len(inside):
            yield Finding(
                check="skip-blank",
                severity="flag",
                count=len(inside),
                of=int(asked.sum()),
                message=f"{name}: {len(inside):,} rows are blank although asked",
                columns=(name, *columns),
                rows=inside,
            )
        yield f"{name}: asked of {int(asked.sum()):,} of {data.n_rows:,} rows"


def _hours(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _hour_findings(data, plan) if plan.hours else None


def _hour_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    for name in plan.hours:
        values = answers(data, name).values
        if not _is_number(values):
            continue
        cases: tuple[tuple[str, Severity, Any, str], ...] = (
            (
                "hours-impossible",
                "error",
                (values > 168) | (values < 0),
                "more than 168 hours a week, or less than none",
            ),
            ("hours-long", "flag", (values > 112) & (values <= 168), "more than 16 hours a day"),
        )
        for check, severity, where, words in cases:
            rows = np.flatnonzero(where.fillna(False).to_numpy(dtype=bool))
            if len(rows):
                yield Finding(
                    check=check,
                    severity=severity,
                    message=f"{name}: {len(rows):,} rows have {words}",
                    count=len(rows),
                    of=int(values.notna().sum()),
                    columns=(name,),
                    rows=rows,
                )


#: Contradictions among harmonized variables: name, words, rule that is true where they contradict.
_CONTRADICTIONS: tuple[tuple[str, str, Any], ...] = (
    (
        "hours-without-work",
        "have hours of economic activity but no activity",
        {"all_of": [{"variable": "ea_any", "eq": False}, {"variable": "ea_hours", "gt": 0}]},
    ),
    (
        "work-without-hours",
        "have an economic activity but no hours in the week",
        {"all_of": [{"variable": "ea_any", "eq": True}, {"variable": "ea_hours", "eq": 0}]},
    ),
    (
        "hours-without-chores",
        "have hours of chores but no chores",
        {"all_of": [{"variable": "chores_any", "eq": False}, {"variable": "chores_hours", "gt": 0}]},
    ),
    (
        "union-age-without-union",
        "have an age at first union but were never in one",
        {"all_of": [{"variable": "ever_in_union", "eq": False}, {"variable": "age_first_union", "ge": 0}]},
    ),
)


def _contradictions(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    pairs = [(n, w, parse_rule(r)) for n, w, r in _CONTRADICTIONS]
    usable = [(n, w, r) for n, w, r in pairs if all(v in data.variables for v in rule_variables(r))]
    union = {"age", "age_first_union"} <= set(data.variables)
    return _contradiction_findings(data, usable, union) if usable or union else None


def _contradiction_findings(data: Microdata, rules: list[Any], union: bool) -> Iterator[Finding | str]:
    for name, words, rule in rules:
        columns = sorted(rule_variables(rule))
        if not all(str(data.frame[c].dtype) in ("boolean", "Int64", "Float64") for c in columns):
            continue
        true, _ = rule_mask(data.frame[columns], rule, where=name)
        rows = np.flatnonzero(true)
        if len(rows):
            severity: Severity = "flag" if name == "work-without-hours" else "error"
            yield Finding(
                check=name,
                severity=severity,
                message=f"{len(rows):,} rows {words}",
                count=len(rows),
                of=data.n_rows,
                columns=tuple(columns),
                rows=rows,
            )
    if union and all(_is_number(data.frame[c]) for c in ("age", "age_first_union")):
        later = (data.frame["age_first_union"] > data.frame["age"]).fillna(False).to_numpy(dtype=bool)
        if later.any():
            yield Finding(
                check="union-after-age",
                severity="error",
                count=int(later.sum()),
                of=data.n_rows,
                message=f"{int(later.sum()):,} rows were first in a union at an age they have not reached",
                columns=("age", "age_first_union"),
                rows=np.flatnonzero(later),
            )


def _is_number(values: pd.Series[Any]) -> bool:
    return str(values.dtype) in ("Int64", "Float64")


CONTENT: dict[str, Check] = {
    "ranges": _ranges,
    "codes and labels": _codes,
    "who was asked": _skips,
    "hours": _hours,
    "contradictions": _contradictions,
}
