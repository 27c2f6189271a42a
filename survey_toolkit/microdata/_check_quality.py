"""Checks of the quality of answers: heaping, item nonresponse, interviewers, rows that answer all alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from survey_toolkit.microdata._cells import code_text
from survey_toolkit.microdata._check_content import answers
from survey_toolkit.microdata._check_design import first_column
from survey_toolkit.microdata._check_report import Finding
from survey_toolkit.microdata.heaping import digit_preference, myers, whipple
from survey_toolkit.microdata.model import Microdata

__all__ = ["QUALITY", "intraclass"]

Check = Callable[[Microdata, Any], Iterator[Finding | str] | None]

#: From where a measure is flagged.
_WHIPPLE, _MYERS, _TENS = 125.0, 10.0, 4.0
_BOUNDS = (5, 12, 15, 18, 20)
_FEWEST = 20
_Z, _DIFFERENCE = 3.0, 0.05
_ICC = 0.10
_ALIKE = 0.20


def _age(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _age_findings(data, plan) if plan.age else None


def _age_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    values = answers(data, plan.age).values
    if str(values.dtype) not in ("Int64", "Float64"):
        return
    adults = int(values.between(23, 62).fillna(False).sum())
    if adults >= 100:
        index, blended = whipple(values), myers(values)
        said = f"{plan.age}: Whipple's index {index:.0f} (100 is none), Myers' {blended:.1f} (0 is none)"
        if index > _WHIPPLE or blended > _MYERS:
            yield Finding(
                check="age-heaping",
                severity="flag",
                message=said,
                of=adults,
                columns=(plan.age,),
                value=index,
            )
        else:
            yield said
    for bound in _BOUNDS:
        below, above = int((values == bound - 1).sum()), int((values == bound).sum())
        both = below + above
        if (
            min(below, above) > 0
            and both >= 100
            and abs(above / both - 0.5) > 3 * 0.5 / math.sqrt(both) + 0.05
        ):
            yield Finding(
                check="age-boundary",
                severity="flag",
                count=both,
                of=int(values.notna().sum()),
                message=f"{plan.age}: {below:,} persons of {bound - 1} and {above:,} of {bound}; were ages "
                "moved across the bound?",
                columns=(plan.age,),
                value=above / both,
            )


def _hours(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _hour_findings(data, plan) if plan.hours else None


def _hour_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    for name in plan.hours:
        values = answers(data, name).values
        if str(values.dtype) not in ("Int64", "Float64"):
            continue
        positive = values[(values > 0).fillna(False)]
        if len(positive) < 50:
            continue
        index = digit_preference(positive, 10)
        said = f"{name}: multiples of ten are {index:.1f} times as many as without preference"
        if index > _TENS:
            yield Finding(
                check="hours-heaping",
                severity="flag",
                message=said,
                of=len(positive),
                columns=(name,),
                value=index,
            )
        else:
            yield said


def _nonresponse(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    groups = [g for g in (plan.interviewer, plan.area) if g]
    return _nonresponse_findings(data, plan, groups) if groups else None


def _nonresponse_findings(data: Microdata, plan: Any, groups: list[str]) -> Iterator[Finding | str]:
    """Groups whose share of unanswered items stands out (binomial z above 3, and 5 points)."""
    unanswered = _unanswered(data, plan, groups)
    if unanswered is None:
        return
    n_items, per_row = unanswered
    overall = float(per_row.sum() / (n_items * len(per_row)))
    yield f"item nonresponse over {n_items} questions: {overall:.1%}"
    for group in groups:
        codes, places = _groups(data, group)
        size = np.bincount(places, minlength=len(codes)) * n_items
        share = np.bincount(places, weights=per_row, minlength=len(codes)) / np.maximum(size, 1)
        spread = np.sqrt(max(overall * (1 - overall), 1e-12) / np.maximum(size, 1))
        far = (size >= _FEWEST * n_items) & (share - overall > _Z * spread) & (share - overall > _DIFFERENCE)
        if far.any():
            named = ", ".join(f"{code_text(codes[i])} {share[i]:.0%}" for i in np.flatnonzero(far)[:8])
            yield Finding(
                check="nonresponse",
                severity="flag",
                count=int(far.sum()),
                of=len(codes),
                message=f"{group}: more unanswered than elsewhere ({overall:.0%}): {named}",
                columns=(group,),
                rows=np.flatnonzero(far[places]),
            )


def _unanswered(data: Microdata, plan: Any, groups: list[str]) -> tuple[int, Any] | None:
    """Number of items and, row by row, how many have no answer although they were asked."""
    items = _items(data, plan, groups)
    per_row = np.zeros(data.n_rows)
    used = 0
    for name in items:
        cells = answers(data, name)
        told = cells.missing_counts()
        # a blank may be a skipped question; only a code that says so is nonresponse, unless asked of all
        reasons = {"dk", "refused", "no_response", "user_missing"} & set(told)
        if not reasons and told:
            continue
        used += 1
        per_row += _is_reason(cells, reasons)
    return (used, per_row) if used else None


def _is_reason(cells: Any, reasons: set[str]) -> Any:
    from survey_toolkit.microdata._cells import reason_number

    return np.isin(cells.reasons, [reason_number(r) for r in sorted(reasons)])


def _items(data: Microdata, plan: Any, groups: list[str]) -> list[str]:
    if plan.items:
        return list(plan.items)
    apart = {*plan.keys, *plan.household, *groups}
    if plan.design is not None:
        apart |= {
            c
            for c in (plan.design.weight, first_column(plan.design.strata), first_column(plan.design.psu))
            if c
        }
    return [
        n for n, v in data.variables.items() if n not in apart and (v.value_labels or v.missing or data.audit)
    ]


def _effects(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _effect_findings(data, plan) if plan.interviewer else None


def _effect_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    """Items on which interviewers differ more than chance (intraclass correlation)."""
    codes, places = _groups(data, plan.interviewer)
    if len(codes) < 3:
        return
    for name in _items(data, plan, [plan.interviewer, *([plan.area] if plan.area else [])]):
        values = answers(data, name).values
        if str(values.dtype) not in ("Int64", "Float64", "boolean") or values.notna().sum() < 10 * len(codes):
            continue
        rho = intraclass(values.astype("Float64").to_numpy(dtype=float, na_value=np.nan), places, len(codes))
        if rho > _ICC:
            yield Finding(
                check="interviewer-effect",
                severity="flag",
                value=rho,
                of=len(codes),
                count=len(codes),
                message=f"{name}: intraclass correlation {rho:.2f} by {plan.interviewer}; if interviewers "
                "worked in one area each, the area may be the cause",
                columns=(name, plan.interviewer),
            )


def intraclass(values: Any, places: Any, n_groups: int) -> float:
    """Intraclass correlation by one-way analysis of variance; at least 0, nan where nothing varies.

    Notes
    -----
    ``(MSB - MSW) / (MSB + (m0 - 1) MSW)``, with ``m0`` the adjusted mean group size (Kish 1962, *Studies
    of interviewer variance for attitudinal variables*).

    Examples
    --------
    >>> intraclass(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1]), 2)
    1.0
    """
    known = np.isfinite(values)
    y, g = values[known], places[known]
    size = np.bincount(g, minlength=n_groups).astype(float)
    used = size > 0
    k, n = int(used.sum()), float(size.sum())
    if k < 2 or n <= k:
        return float("nan")
    means = np.bincount(g, weights=y, minlength=n_groups)[used] / size[used]
    between = float((size[used] * (means - y.mean()) ** 2).sum() / (k - 1))
    within = float(((y - y.mean()) ** 2).sum() - (size[used] * (means - y.mean()) ** 2).sum()) / (n - k)
    m0 = (n - float((size**2).sum()) / n) / (k - 1)
    denominator = between + (m0 - 1) * within
    return max(0.0, (between - within) / denominator) if denominator > 0 else float("nan")


def _alike(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    return _alike_findings(data, plan) if plan.batteries else None


def _alike_findings(data: Microdata, plan: Any) -> Iterator[Finding | str]:
    import pandas as pd

    for battery, columns in plan.batteries.items():
        values = pd.DataFrame({c: data.frame[c].astype("string") for c in columns})
        answered = values.notna().all(axis=1).to_numpy(dtype=bool)
        same = (values.nunique(axis=1) == 1).to_numpy(dtype=bool) & answered
        n, of = int(same.sum()), int(answered.sum())
        if of >= _FEWEST and n / of > _ALIKE:
            yield Finding(
                check="straight-lining",
                severity="flag",
                count=n,
                of=of,
                columns=tuple(columns),
                message=f"{battery}: {n / of:.0%} of rows give one answer to all {len(columns)} questions",
                value=n / of,
                rows=np.flatnonzero(same),
            )
        if plan.interviewer and of:
            yield from _alike_by(data, plan.interviewer, battery, same, answered)


def _alike_by(data: Microdata, group: str, battery: str, same: Any, answered: Any) -> Iterator[Finding | str]:
    codes, places = _groups(data, group)
    size = np.bincount(places[answered], minlength=len(codes))
    share = np.bincount(places[same], minlength=len(codes)) / np.maximum(size, 1)
    overall = same.sum() / answered.sum()
    spread = np.sqrt(max(overall * (1 - overall), 1e-12) / np.maximum(size, 1))
    far = (size >= _FEWEST) & (share - overall > _Z * spread) & (share - overall > 0.1)
    if far.any():
        named = ", ".join(f"{code_text(codes[i])} {share[i]:.0%}" for i in np.flatnonzero(far)[:8])
        yield Finding(
            check="straight-lining-by",
            severity="flag",
            count=int(far.sum()),
            of=len(codes),
            message=f"{battery}: answered alike more often than elsewhere ({overall:.0%}) "
            f"by {group}: {named}",
            columns=(group,),
            rows=np.flatnonzero(far[places] & same),
        )


def _groups(data: Microdata, name: str) -> tuple[list[Any], Any]:
    """Codes of a column and each row's place among them; a blank is a group of its own."""
    import pandas as pd

    places, codes = pd.factorize(data.frame[name], use_na_sentinel=False)
    return ["(blank)" if pd.isna(c) else c for c in codes], places


QUALITY: dict[str, Check] = {
    "age heaping": _age,
    "hours heaping": _hours,
    "item nonresponse": _nonresponse,
    "interviewer effects": _effects,
    "answers all alike": _alike,
}
