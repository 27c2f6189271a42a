"""Quantiles, moments and concentration, dressed as results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import variance
from survey_toolkit.estimation.asking import Asking, Options
from survey_toolkit.estimation.assemble import Request, assemble
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.domain_margins import merge_entries
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.gini import gini_values
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.moments import Moment, moment_outcomes, moment_terms, one_count
from survey_toolkit.estimation.quantile_rules import check_rule, needs_rows
from survey_toolkit.estimation.quantiles import check_interval, quantiles
from survey_toolkit.estimation.taylor import UnitTerms
from survey_toolkit.estimation.totals import PsuTotals
from survey_toolkit.estimation.variance import Design, PsuReplicateTotals

__all__ = ["Source", "gini", "moment", "quantile"]


@dataclass(frozen=True, slots=True)
class Source:
    """A frame, its design, and what can be asked of its columns."""

    frame: LazyFrame
    design: Design
    asking: Asking


def quantile(
    source: Source, variable: str, probs: Sequence[float], options: Options, rule: str, interval: Any
) -> Estimates:
    """Quantiles of one variable; see ``Survey.quantile``."""
    check_rule(rule)
    check_interval(interval)
    levels = np.asarray(probs, dtype=np.float64)
    if not levels.size or not ((levels > 0) & (levels < 1)).all():
        raise EstimationError(
            "probabilities of quantiles lie between 0 and 1", where="probs", found=str(list(probs))[:80]
        )
    rows = needs_rows(rule) or not source.asking.schema[variable].is_integer()
    query = _values_query(source, variable, options, rows)
    totals = variance.read_totals(source.design, source.frame, query)
    request = _request("mean", (variable,), options, "quantile")
    units = _by_unit(totals)
    base = assemble(units, source.design, request)
    degrees = variance.degrees(source.design, units, True)
    df = degrees.domain
    if options.df != "domain":
        df = np.full(len(df), float(degrees.design if options.df == "design" else options.df))
    found = quantiles(totals, source.design, levels, rule=rule, interval=interval, level=options.level, df=df)
    return _spread(base, found.domain, found.prob.tolist(), df, rule, interval, found)


def _by_unit(totals: PsuTotals) -> PsuTotals:
    """Rows of one unit and domain added up, where they are of that kind: counts and flags need no more."""
    if type(totals) not in (PsuTotals, PsuReplicateTotals):
        return totals
    summed = {name: values for name, values in totals.sums.items() if name not in ("row", "y0")}
    unit, domain, level, sums = merge_entries(totals.unit, totals.domain, totals.level, summed)
    return replace(totals, unit=unit, domain=domain, level=level, sums=sums)


def _spread(
    base: Estimates, domain: Any, prob: list[float], df: Floats, rule: str, interval: str, found: Any
) -> Estimates:
    """The rows of a mean by domain, one for each probability, with the numbers of the quantiles."""
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(found.estimate != 0, found.se / np.abs(found.estimate), np.nan)
    flags = tuple(
        ("empty_domain",)
        if np.isnan(found.estimate[k])
        else base.flags[d] + (("no_limit",) if np.isnan(found.low[k] + found.high[k]) else ())
        for k, d in enumerate(domain)
    )
    return replace(
        base,
        statistic="quantile",
        domain_names=(*base.domain_names, "prob"),
        domains=tuple((*base.domains[d], p) for d, p in zip(domain, prob, strict=True)),
        estimate=found.estimate,
        se=found.se,
        ci_low=found.low,
        ci_high=found.high,
        cv=cv,
        deff=np.full(len(prob), np.nan),
        df=df[domain],
        n=base.n[domain],
        n_psu=base.n_psu[domain],
        n_positive=base.n_positive[domain],
        n_undetermined=base.n_undetermined[domain],
        vcov=found.vcov,
        flags=flags,
        method=f"quantile rule {rule}, {interval} interval; {base.method.split('; ', 1)[-1]}",
        replicates=found.replicates,
    )


def _values_query(source: Source, variable: str, options: Options, rows: bool) -> Query:
    source.asking.require_numeric((variable,))
    return Query(
        outcomes=(nw.col(variable),),
        by=options.by,
        where=options.where,
        applicable=source.asking.applicable((variable,)),
        values="rows" if rows else "cells",
    )


def _request(kind: Any, names: tuple[str, ...], options: Options, unit: str) -> Request:
    return Request(kind=kind, names=names, unit=unit, level=options.level, deff=None, df=options.df)


def moment(source: Source, first: str, second: str, options: Options, kind: Moment) -> Estimates:
    """Variance, covariance or correlation; see the methods of Survey."""
    source.asking.require_numeric((first, second))
    names = tuple(dict.fromkeys((first, second)))
    origin = source.asking.origins(names) or (0.0, 0.0)
    query = Query(
        outcomes=moment_outcomes(first, second, (origin[0], origin[-1])),
        by=options.by,
        where=options.where,
        applicable=source.asking.applicable(names),
    )
    totals = one_count(variance.read_totals(source.design, source.frame, query))
    name = first if first == second else f"{first}, {second}"
    request = _request(kind, (name,), options, kind)
    return assemble(totals, source.design, request, moment_terms(totals, source.design, kind))


def gini(source: Source, variable: str, options: Options) -> Estimates:
    """Gini index; see ``Survey.gini``."""
    totals = variance.read_totals(source.design, source.frame, _values_query(source, variable, options, True))
    if (totals.sums["y0"] < 0).any():
        raise EstimationError(
            "the Gini index needs values of zero or above",
            where=variable,
            found=f"{int((totals.sums['y0'] < 0).sum())} negative values",
        )
    index, values = _gini_values(totals)

    def make(t: PsuTotals) -> UnitTerms:
        g, z = (index, values) if t.leverage is not None or t is totals else _gini_values(t)
        w, valid = t.sums["w"], t.sums["n"] > 0
        whole = totals.by_domain("w")[totals.domain]
        num = w * (g[t.domain] + z * whole)
        return UnitTerms(
            unit=t.unit[valid], column=t.domain[valid], num=num[valid], den=w[valid], n_columns=len(t.domains)
        )

    return assemble(totals, source.design, _request("gini", (variable,), options, "index"), make)


def _gini_values(totals: PsuTotals) -> tuple[Floats, Floats]:
    """Index by domain (D,), and linearised value of every entry (E,)."""
    index, values = np.full(len(totals.domains), np.nan), np.zeros(len(totals.domain))
    there = (totals.sums["n"] > 0) & (totals.sums["w"] > 0)
    for d in range(len(totals.domains)):
        rows = there & (totals.domain == d)
        if rows.any():
            index[d], values[rows] = gini_values(totals.sums["y0"][rows], totals.sums["w"][rows])
    return index, values
