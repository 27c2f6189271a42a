"""Checks of the weights and of the sample's structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from survey_toolkit.microdata._cells import code_text
from survey_toolkit.microdata._check_report import Finding, Severity
from survey_toolkit.microdata.model import Microdata

__all__ = ["DESIGN", "first_column"]

Check = Callable[[Microdata, Any], Iterator[Finding | str] | None]

#: Spread of the weights from which they are flagged: largest over median, and Kish's design effect.
_RATIO, _KISH = 20.0, 2.0


def first_column(part: Any) -> str | None:
    """First stage of a design's columns."""
    return part if isinstance(part, str) else (part[0] if part else None)


def _weights(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    if plan.design is None or plan.design.weight is None:
        return None
    return _weight_findings(data, plan.design.weight)


def _weight_findings(data: Microdata, name: str) -> Iterator[Finding | str]:
    column = data.frame[name]
    weight = _numbers(column)
    n = len(weight)
    cases: tuple[tuple[str, Severity, Any, str], ...] = (
        ("weight-missing", "error", ~np.isfinite(weight), "rows have no weight"),
        ("weight-negative", "error", weight < 0, "rows have a negative weight"),
        ("weight-zero", "flag", weight == 0, "rows have weight 0: they count in no estimate"),
    )
    for check, severity, where, words in cases:
        rows = np.flatnonzero(where)
        if len(rows):
            yield Finding(check=check, severity=severity, message=f"{name}: {len(rows):,} {words}",
                          count=len(rows), of=n, columns=(name,), rows=rows)  # fmt: skip
    used = weight[np.isfinite(weight) & (weight > 0)]
    if not len(used):
        return
    kish = float(len(used) * (used**2).sum() / used.sum() ** 2)
    ratio = float(used.max() / np.median(used))
    said = f"{name}: largest over median {ratio:.1f}, Kish's design effect of weighting {kish:.2f}"
    if ratio > _RATIO or kish > _KISH:
        rows = np.flatnonzero(weight > _RATIO * np.median(used))
        yield Finding(
            check="weight-spread",
            severity="flag",
            message=said,
            count=len(rows),
            of=n,
            columns=(name,),
            value=kish,
            rows=rows,
        )
    else:
        yield said


def _population(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    if plan.population is None or plan.design is None or plan.design.weight is None:
        return None
    return _population_findings(data, plan.design.weight, float(plan.population))


def _population_findings(data: Microdata, name: str, population: float) -> Iterator[Finding | str]:
    weight = _numbers(data.frame[name])
    total = float(np.nansum(weight))
    off = total / population - 1 if population else float("inf")
    side = "above" if off > 0 else "below"
    said = f"{name}: the weights sum to {total:,.0f}, {abs(off):.1%} {side} {population:,.0f}"
    if abs(off) > 0.05:
        hint = "; are they normalised, or scaled by 1,000,000?" if abs(off) > 0.5 else ""
        yield Finding(
            check="weight-sum",
            severity="error" if abs(off) > 0.5 else "flag",
            message=said + hint,
            columns=(name,),
            value=total,
        )
    else:
        yield said


def _household(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    if not plan.household or plan.design is None or plan.design.weight is None:
        return None
    return _household_findings(data, plan.design.weight, list(plan.household))


def _household_findings(data: Microdata, name: str, household: list[str]) -> Iterator[Finding | str]:
    frame = data.frame
    different = frame.groupby(household, dropna=False)[name].transform("nunique") > 1
    rows = np.flatnonzero(different.to_numpy(dtype=bool, na_value=False))
    if len(rows):
        n_groups = frame.iloc[rows][household].drop_duplicates().shape[0]
        yield Finding(
            check="weight-household",
            severity="flag",
            count=n_groups,
            of=frame[household].drop_duplicates().shape[0],
            message=f"{name} differs within {n_groups:,} households; "
            "right only for weights of selected persons",
            columns=(*household, name),
            rows=rows,
        )


def _structure(data: Microdata, plan: Any) -> Iterator[Finding | str] | None:
    if plan.design is None:
        return None
    psu, stratum = first_column(plan.design.psu), first_column(plan.design.strata)
    if psu is None and stratum is None:
        return None
    return _structure_findings(data, psu, stratum, bool(plan.design.nest))


def _structure_findings(
    data: Microdata, psu: str | None, stratum: str | None, nest: bool
) -> Iterator[Finding | str]:
    frame = data.frame
    for name in filter(None, (psu, stratum)):
        blank = np.flatnonzero(frame[name].isna().to_numpy(dtype=bool))
        if len(blank):
            yield Finding(
                check="design-missing",
                severity="error",
                message=f"{name}: {len(blank):,} rows are blank",
                count=len(blank),
                of=len(frame),
                columns=(name,),
                rows=blank,
            )
    if psu is None:
        return
    if stratum is None:
        sizes = frame.groupby(psu).size()
        yield f"{len(sizes):,} PSUs, median {sizes.median():.0f} rows"
        return
    if not nest:
        yield from _psu_in_strata(frame, psu, stratum)
    yield from _lonely(frame, psu, stratum)


def _psu_in_strata(frame: Any, psu: str, stratum: str) -> Iterator[Finding | str]:
    several = frame.groupby(psu)[stratum].transform("nunique") > 1
    rows = np.flatnonzero(several.to_numpy(dtype=bool, na_value=False))
    if len(rows):
        n = int(frame[psu].iloc[rows].nunique())
        yield Finding(
            check="psu-in-strata",
            severity="error",
            count=n,
            of=int(frame[psu].nunique()),
            message=f"{n:,} PSUs of {psu} stand in more than one stratum; if their codes start anew in "
            "each stratum, declare nest=True",
            columns=(psu, stratum),
            rows=rows,
        )


def _lonely(frame: Any, psu: str, stratum: str) -> Iterator[Finding | str]:
    per_stratum = frame.groupby(stratum)[psu].nunique()
    lonely = per_stratum[per_stratum == 1]
    if len(lonely):
        rows = np.flatnonzero(frame[stratum].isin(lonely.index).to_numpy(dtype=bool))
        codes = ", ".join(code_text(c) for c in lonely.index[:8])
        yield Finding(
            check="psu-lonely",
            severity="flag",
            count=len(lonely),
            of=len(per_stratum),
            message=f"{len(lonely):,} strata hold one PSU ({codes}); choose lonely_psu or join strata",
            columns=(psu, stratum),
            rows=rows,
        )
    sizes = frame.groupby([stratum, psu]).size()
    single = int((sizes == 1).sum())
    if single:
        yield Finding(
            check="psu-single-row",
            severity="flag",
            count=single,
            of=len(sizes),
            message=f"{single:,} PSUs hold one row",
            columns=(psu,),
        )
    df = len(sizes) - len(per_stratum)
    yield f"{len(sizes):,} PSUs in {len(per_stratum):,} strata: {df:,} degrees of freedom"


def _numbers(column: Any) -> Any:
    import pandas as pd

    numeric = (
        column if pd.api.types.is_numeric_dtype(column.dtype) else pd.to_numeric(column, errors="coerce")
    )
    return numeric.astype("Float64").to_numpy(dtype=float, na_value=np.nan)


DESIGN: dict[str, Check] = {
    "weights": _weights,
    "population": _population,
    "household weights": _household,
    "PSUs and strata": _structure,
}
