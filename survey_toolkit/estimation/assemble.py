"""From totals to a finished result: variance, intervals, design effects, flags and notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import variance
from survey_toolkit.estimation.asking import check_choice
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.identified import imbens_manski_level
from survey_toolkit.estimation.intervals import Interval, proportion_interval, t_interval
from survey_toolkit.estimation.replicate_design import ReplicatedDesign, ReplicateDesign
from survey_toolkit.estimation.replication import Replicates, failed_replicates, logit_se
from survey_toolkit.estimation.statistics import (
    Deff,
    Kind,
    Layout,
    bound_terms,
    layout,
    srs_variance,
    unit_terms,
)
from survey_toolkit.estimation.taylor import Linear, UnitTerms
from survey_toolkit.estimation.totals import PsuTotals
from survey_toolkit.estimation.variance import Design

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
    bounds: bool | str = False
    undetermined: str = "exclude"
    origin: tuple[float, ...] = ()
    missing: str = "exclude"


def assemble(
    totals: PsuTotals,
    design: Design,
    request: Request,
    make: Callable[[PsuTotals], UnitTerms] | None = None,
) -> Estimates:
    """Estimate, and dress the numbers with all that a reader needs.

    Parameters
    ----------
    totals : PsuTotals
    design : Design
    request : Request
    make : callable, optional
        Numerators and denominators of a statistic that is none of the four kinds.

    Returns
    -------
    Estimates
    """
    _refuse_missing(totals, request)
    at = layout(totals, len(request.names))
    terms = make or (lambda t: unit_terms(t, request.kind, len(request.names)))
    linear = _without_empty(variance.linear(design, totals, terms), at)
    # as R: for means and totals degf of the subset, whether the value is known or not
    degrees = variance.degrees(design, totals, request.kind == "proportion")
    figures, exact = _figures(totals, request, at, linear, degrees)
    bounds = _bounds(totals, design, request, at, figures["df"]) if request.bounds else {}
    names, domains = _labels(totals, request, at)
    notes = _notes(totals, design, request, exact, figures["deff"])
    return Estimates(
        statistic=request.kind,
        variable=", ".join(request.names),
        unit=request.unit,
        domain_names=names,
        domains=domains,
        n=at.n,
        n_psu=degrees.n_psu[at.domain],
        n_positive=at.n_positive,
        n_undetermined=totals.by_domain("undetermined")[at.domain],
        vcov=linear.vcov,
        flags=_flags(request, at, figures["se"], figures["df"], exact, degrees.n_psu[at.domain]),
        method=_method(request, design),
        notes=notes + failed_replicates(linear.replicates),
        level=request.level,
        df_design=degrees.design,
        replicates=_shifted(linear.replicates, request, at),
        **figures,
        **bounds,
    )


def _figures(
    totals: PsuTotals, request: Request, at: Layout, linear: Linear, degrees: variance.Degrees
) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Estimate, standard error, interval, CV, design effect and df, and where limits are exact."""
    se = np.sqrt(np.diagonal(linear.vcov))
    df = _df(request.df, degrees, at)
    estimate = linear.estimate
    if request.origin:
        estimate = estimate + np.asarray(request.origin)[at.item]
    interval = _interval(request, linear, estimate, se, at.n, df, at.n_positive)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(estimate != 0, se / np.abs(estimate), np.nan)
    figures = {
        "estimate": estimate,
        "se": se,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "cv": cv,
        "deff": _deff(totals, at, request, linear.estimate, se),
        "df": df,
    }
    return figures, interval.exact


def _refuse_missing(totals: PsuTotals, request: Request) -> None:
    unknown = int(totals.sums["undetermined"].sum())
    if request.missing == "refuse" and unknown:
        raise EstimationError(
            "values are missing",
            where=", ".join(request.names),
            found=f"{unknown} rows of the subpopulation",
            expected="a value in every row",
            hint="impute them, or leave them out with missing='exclude'",
            code="missing-values",
        )


def _without_empty(linear: Linear, at: Layout) -> Linear:
    """An empty domain is missing, not zero."""
    empty = (at.n == 0) | (at.w <= 0)
    estimate, vcov = linear.estimate.copy(), linear.vcov.copy()
    estimate[empty] = np.nan
    vcov[empty, :] = vcov[:, empty] = np.nan
    return replace(linear, estimate=estimate, vcov=vcov)


def _df(rule: Any, degrees: variance.Degrees, at: Layout) -> Floats:
    if rule == "domain":
        return degrees.domain[at.domain]
    return np.full(len(at.domain), float(degrees.design if rule == "design" else rule))


def _shifted(replicates: Replicates | None, request: Request, at: Layout) -> Replicates | None:
    """Replicates of the estimates as they are shown, the origin of the query put back."""
    if replicates is None or not request.origin:
        return replicates
    return replace(replicates, values=replicates.values + np.asarray(request.origin)[at.item])


def _deff(totals: PsuTotals, at: Layout, request: Request, estimate: Floats, se: Floats) -> Floats:
    if request.deff is None:
        return np.full(len(estimate), np.nan)
    srs = srs_variance(totals, at, request.kind, estimate, request.deff)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(srs > 0, se**2 / srs, np.nan)


def _interval(
    request: Request,
    linear: Linear,
    estimate: Floats,
    se: Floats,
    n: Floats,
    df: Floats,
    events: Floats | None,
) -> Interval:
    if request.kind == "proportion" and request.ci == "logit" and linear.replicates is not None:
        se = logit_se(estimate, se, linear.replicates)
    if request.kind == "proportion":
        return proportion_interval(request.ci, estimate, se, n, df, request.level, events=events)
    return t_interval(estimate, se, df, request.level)


def _bounds(totals: PsuTotals, design: Design, request: Request, at: Layout, df: Floats) -> dict[str, Floats]:
    """All undetermined not met … all met, and an interval that covers both ends."""
    if request.undetermined != "exclude":
        raise EstimationError(
            "bounds do not go with a policy for undetermined rows",
            where="undetermined",
            found=repr(request.undetermined),
            hint="leave undetermined at 'exclude'; the bounds hold both policies",
        )
    if isinstance(request.bounds, str):
        check_choice("bounds", request.bounds, ("imbens_manski",))
    unknown = totals.by_domain("undetermined")
    n, met = at.n + unknown, at.n_positive
    ends: list[tuple[Linear, Floats]] = []
    for side, events in enumerate((met, met + unknown)):
        end = variance.linear(design, totals, lambda t, side=side: bound_terms(t, request.kind)[side])  # type: ignore[misc]
        ends.append((replace(end, estimate=np.where(n > 0, end.estimate, np.nan)), events))
    levels = np.full(len(n), request.level)
    if request.bounds == "imbens_manski":
        (low, _), (high, _) = ends
        se = [np.sqrt(np.diagonal(end.vcov)) for end, _ in ends]
        levels = imbens_manski_level(low.estimate, high.estimate, se[0], se[1], df, request.level)
    below, above = (_at_levels(request, end, n, df, events, levels) for end, events in ends)
    return {
        "bound_low": ends[0][0].estimate,
        "bound_high": ends[1][0].estimate,
        "bound_ci_low": below.low,
        "bound_ci_high": above.high,
    }


def _at_levels(
    request: Request, end: Linear, n: Floats, df: Floats, events: Floats, levels: Floats
) -> Interval:
    """Intervals of one end, each row at a confidence level of its own."""
    se = np.sqrt(np.diagonal(end.vcov))
    low, high, exact = np.full(len(n), np.nan), np.full(len(n), np.nan), np.zeros(len(n), dtype=bool)
    for level in np.unique(levels[~np.isnan(levels)]):
        told = replace(request, level=float(level))
        one, rows = _interval(told, end, end.estimate, se, n, df, events), levels == level
        low[rows], high[rows], exact[rows] = one.low[rows], one.high[rows], one.exact[rows]
    return Interval(low=low, high=high, exact=exact)


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
    request: Request, at: Layout, se: Floats, df: Floats, exact: NDArray[np.bool_], n_psu: Floats
) -> tuple[tuple[str, ...], ...]:
    filled = (at.n > 0) & (n_psu != 0)  # rows whose weights are all zero say nothing
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


def _method(request: Request, design: Design) -> str:
    interval = f"{request.ci} interval" if request.kind == "proportion" else "t interval"
    how = "replicates" if isinstance(design, ReplicateDesign | ReplicatedDesign) else "Taylor linearisation"
    return f"{how}, {interval}; {design.sentence()}"


def _notes(
    totals: PsuTotals, design: Design, request: Request, exact: NDArray[np.bool_], effects: Floats
) -> tuple[str, ...]:
    notes = []
    if totals.n_null_by:
        names = ", ".join(totals.domain_names)
        lack = _counted(totals.n_null_by, "row lacks", "rows lack")
        notes.append(
            f"{lack} a code of {names}: {'it is' if totals.n_null_by == 1 else 'they are'} in no domain"
        )
    if totals.n_null_where:
        rows = _counted(totals.n_null_where, "row: it is", "rows: they are")
        notes.append(f"the condition is not known for {rows} outside")
    unknown = int(totals.sums["undetermined"].sum())
    if unknown:
        policy = {"exclude": "left out", "not_met": "counted as not met", "met": "counted as met"}
        notes.append(
            f"{_counted(unknown, 'row has', 'rows have')} no value of {', '.join(request.names)}: "
            f"{policy[request.undetermined]}"
        )
    lonely = int(totals.table.stages[0].lonely.sum())
    if lonely:
        notes.append(
            f"{_counted(lonely, 'stratum holds', 'strata hold')} one PSU: treated by '{design.lonely_psu}'"
        )
    if exact.any():
        held = _counted(int(exact.sum()), "estimate has", "estimates have")
        notes.append(
            f"{held} no variance (no event, or nothing else): "
            "exact binomial limits, not widened for clustering"
        )
    if request.deff == "wor" and np.isnan(effects).any() and not totals.table.stages[0].lonely.all():
        notes.append("no design effect where weights do not exceed rows (normalised?): use 'wr'")
    return tuple(notes)


def _counted(n: int, one: str, more: str) -> str:
    return f"{n:,} {one if n == 1 else more}"
