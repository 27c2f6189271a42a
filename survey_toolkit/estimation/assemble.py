"""From totals to a finished result: variance, intervals, design effects, flags and notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.cells import Floats
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import Interval, proportion_interval, t_interval
from survey_toolkit.estimation.statistics import (
    Deff,
    Kind,
    Layout,
    bound_terms,
    layout,
    srs_variance,
    unit_terms,
)
from survey_toolkit.estimation.taylor import Linear, estimate_linear
from survey_toolkit.estimation.totals import PsuTotals

__all__ = ["Request", "assemble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for; see the methods of :class:`~survey_toolkit.estimation.Survey`."""

    kind: Kind
    names: tuple[str, ...]
    unit: str
    level: float
    deff: Deff | None
    df: Literal["domain", "design"] | float
    ci: str = "mean"
    bounds: bool = False
    undetermined: str = "exclude"
    origin: tuple[float, ...] = ()


def assemble(totals: PsuTotals, design: SurveyDesign, request: Request) -> Estimates:
    """Estimate, and dress the numbers with all that a reader needs.

    Parameters
    ----------
    totals : PsuTotals
    design : SurveyDesign
    request : Request

    Returns
    -------
    Estimates
    """
    at = layout(totals, len(request.names))
    linear = estimate_linear(unit_terms(totals, request.kind, len(request.names)), totals.table, design)
    linear = _without_empty(linear, at)
    se = np.sqrt(np.diagonal(linear.vcov))
    n_psu, n_strata = totals.psu_counts("n_weighted")
    df_domain = n_psu - n_strata
    if request.kind != "proportion":  # as R: degf of the subset, whether the value is known or not
        df_domain = np.subtract(*totals.psu_counts("domain_weighted"))
    df = _df(request.df, totals, df_domain[at.domain])
    effects = _deff(totals, at, request, linear.estimate, se)
    estimate = linear.estimate
    if request.origin:
        estimate = estimate + np.asarray(request.origin)[at.item]
    interval = _interval(request, estimate, se, at.n, df, at.n_positive)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(estimate != 0, se / np.abs(estimate), np.nan)
    bounds = _bounds(totals, design, request, at, df) if request.bounds else {}
    names, domains = _labels(totals, request, at)
    undetermined = totals.by_domain("undetermined")
    return Estimates(
        statistic=request.kind,
        variable=", ".join(request.names),
        unit=request.unit,
        domain_names=names,
        domains=domains,
        estimate=estimate,
        se=se,
        ci_low=interval.low,
        ci_high=interval.high,
        cv=cv,
        deff=effects,
        df=df,
        n=at.n,
        n_psu=n_psu[at.domain].astype(float),
        n_positive=at.n_positive,
        n_undetermined=undetermined[at.domain],
        vcov=linear.vcov,
        flags=_flags(request, at, se, df, interval.exact, n_psu[at.domain]),
        method=_method(request, design),
        notes=_notes(totals, design, request, interval.exact, effects),
        level=request.level,
        df_design=totals.table.df,
        **bounds,
    )


def _without_empty(linear: Linear, at: Layout) -> Linear:
    """An empty domain is missing, not zero."""
    empty = (at.n == 0) | (at.w <= 0)
    estimate, vcov = linear.estimate.copy(), linear.vcov.copy()
    estimate[empty] = np.nan
    vcov[empty, :] = vcov[:, empty] = np.nan
    return Linear(estimate=estimate, vcov=vcov)


def _df(rule: Any, totals: PsuTotals, domain: NDArray[np.int64]) -> Floats:
    if rule == "domain":
        return domain.astype(np.float64)
    return np.full(len(domain), float(totals.table.df if rule == "design" else rule))


def _deff(totals: PsuTotals, at: Layout, request: Request, estimate: Floats, se: Floats) -> Floats:
    if request.deff is None:
        return np.full(len(estimate), np.nan)
    srs = srs_variance(totals, at, request.kind, estimate, request.deff)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(srs > 0, se**2 / srs, np.nan)


def _interval(
    request: Request, estimate: Floats, se: Floats, n: Floats, df: Floats, events: Floats | None
) -> Interval:
    if request.kind == "proportion":
        return proportion_interval(request.ci, estimate, se, n, df, request.level, events=events)
    return t_interval(estimate, se, df, request.level)


def _bounds(
    totals: PsuTotals, design: SurveyDesign, request: Request, at: Layout, df: Floats
) -> dict[str, Floats]:
    """All undetermined not met … all met, and an interval that covers both ends."""
    if request.undetermined != "exclude":
        raise EstimationError(
            "bounds do not go with a policy for undetermined rows",
            where="undetermined",
            found=repr(request.undetermined),
            hint="leave undetermined at 'exclude'; the bounds hold both policies",
        )
    unknown = totals.by_domain("undetermined")
    n, met = at.n + unknown, at.n_positive
    limits = []
    for terms, events in zip(bound_terms(totals, request.kind), (met, met + unknown), strict=True):
        end = estimate_linear(terms, totals.table, design)
        estimate = np.where(n > 0, end.estimate, np.nan)
        interval = _interval(request, estimate, np.sqrt(np.diagonal(end.vcov)), n, df, events)
        limits.append((estimate, interval))
    (low, below), (high, above) = limits
    return {"bound_low": low, "bound_high": high, "bound_ci_low": below.low, "bound_ci_high": above.high}


def _labels(
    totals: PsuTotals, request: Request, at: Layout
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    pairs = list(zip(at.domain.tolist(), at.item.tolist(), strict=True))
    if totals.levels:
        return (*totals.domain_names, "level"), tuple(
            (*totals.domains[d], totals.levels[j]) for d, j in pairs
        )
    if len(request.names) > 1:
        return (*totals.domain_names, "variable"), tuple(
            (*totals.domains[d], request.names[j]) for d, j in pairs
        )
    return totals.domain_names, tuple(totals.domains[d] for d, _ in pairs)


def _flags(
    request: Request, at: Layout, se: Floats, df: Floats, exact: NDArray[np.bool_], n_psu: NDArray[np.int64]
) -> tuple[tuple[str, ...], ...]:
    filled = at.n > 0
    binary = request.kind == "proportion"
    marks = {
        "empty_domain": ~filled,
        "no_events": filled & binary & (at.n_positive == 0),
        "all_events": filled & binary & (at.n_positive == at.n),
        "no_variance": filled & (se == 0),
        "exact_ci": exact,
        "no_df": filled & (df <= 0),
        "one_psu": n_psu == 1,
    }
    return tuple(tuple(name for name, where in marks.items() if where[k]) for k in range(len(at.n)))


def _method(request: Request, design: SurveyDesign) -> str:
    interval = f"{request.ci} interval" if request.kind == "proportion" else "t interval"
    return f"Taylor linearisation, {interval}; {design.sentence()}"


def _notes(
    totals: PsuTotals, design: SurveyDesign, request: Request, exact: NDArray[np.bool_], effects: Floats
) -> tuple[str, ...]:
    notes = []
    if totals.n_null_by:
        notes.append(
            f"{totals.n_null_by} rows lack a code of {', '.join(totals.domain_names)}: they are in no domain"
        )
    if totals.n_null_where:
        notes.append(f"the condition is not known for {totals.n_null_where} rows: they are outside")
    unknown = int(totals.sums["undetermined"].sum())
    if unknown:
        policy = {"exclude": "left out", "not_met": "counted as not met", "met": "counted as met"}
        notes.append(
            f"{unknown} rows have no value of {', '.join(request.names)}: {policy[request.undetermined]}"
        )
    lonely = int(totals.table.stages[0].lonely.sum())
    if lonely:
        notes.append(f"{lonely} strata hold one PSU: treated by '{design.lonely_psu}'")
    if exact.any():
        notes.append(
            f"{int(exact.sum())} estimates have no variance (no event, or nothing else): "
            "exact binomial limits, not widened for clustering"
        )
    if request.deff == "wor" and np.isnan(effects).any() and not totals.table.stages[0].lonely.all():
        notes.append("no design effect where weights do not exceed rows (normalised?): use 'wr'")
    return tuple(notes)
