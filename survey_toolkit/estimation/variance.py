"""What depends on the kind of design: how the rows are read, how variances and degrees of freedom are found.

Three functions, dispatched on the type of the design, so that every statistic is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any, TypeAlias

import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.estimation.calibrated import estimate_totals
from survey_toolkit.estimation.codes import Floats, Ints, compact
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.pps import PpsDesign, PpsTotals, pps_totals, pps_vcov
from survey_toolkit.estimation.replicate_design import ReplicatedDesign, ReplicateDesign
from survey_toolkit.estimation.replicate_factors import Factors, replicate_factors
from survey_toolkit.estimation.replicate_totals import ReplicateTotals, replicate_linear, replicate_totals
from survey_toolkit.estimation.replication import Replicates, replicate_estimates, weight_rank
from survey_toolkit.estimation.taylor import Linear, UnitTerms, finish, linearise
from survey_toolkit.estimation.totals import PsuTotals, psu_totals
from survey_toolkit.estimation.two_phase import (
    TwoPhaseDesign,
    TwoPhaseTotals,
    two_phase_totals,
    two_phase_vcov,
)

__all__ = ["Degrees", "Design", "PsuReplicateTotals", "degrees", "linear", "read_totals"]

Design: TypeAlias = SurveyDesign | ReplicateDesign | ReplicatedDesign | PpsDesign | TwoPhaseDesign
Make: TypeAlias = Callable[[PsuTotals], UnitTerms]


@dataclass(frozen=True, slots=True, kw_only=True)
class PsuReplicateTotals(PsuTotals):
    """Totals by sampling unit, with the replicate factors of the units."""

    factors: Factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrees:
    """Degrees of freedom.

    Attributes
    ----------
    design : int
        Of the whole design.
    domain : float array (D,)
    n_psu : float array (D,)
        PSUs that hold a row with a value and a weight; NaN where the design does not tell.
    """

    design: int
    domain: Floats
    n_psu: Floats


@singledispatch
def read_totals(design: Any, frame: LazyFrame, query: Query) -> PsuTotals:
    """Read the rows once.

    Parameters
    ----------
    design : Design
    frame : narwhals LazyFrame
    query : Query

    Returns
    -------
    PsuTotals
        Of the class that :func:`linear` and :func:`degrees` expect for this design.
    """
    return psu_totals(frame, design, query)


@singledispatch
def linear(design: Any, totals: PsuTotals, make: Make) -> Linear:
    """Totals or ratios of totals with their covariance.

    Parameters
    ----------
    design : Design
    totals : PsuTotals
        From :func:`read_totals`.
    make : callable
        Numerators and denominators by unit, from totals.

    Returns
    -------
    Linear
    """
    return estimate_totals(totals, design, make)


@singledispatch
def degrees(design: Any, totals: PsuTotals, known: bool) -> Degrees:
    """Degrees of freedom by domain: PSUs minus strata, or the rank of the replicates minus one.

    Parameters
    ----------
    design : Design
    totals : PsuTotals
    known : bool
        Count only rows of the domain that have a value.

    Returns
    -------
    Degrees
    """
    n_psu, n_strata = totals.psu_counts("n_weighted")
    if not known:
        n_domain, n_strata = totals.psu_counts("domain_weighted")
    difference = (n_psu if known else n_domain) - n_strata
    return Degrees(design=totals.table.df, domain=difference.astype(float), n_psu=n_psu.astype(float))


@read_totals.register(ReplicateDesign)
def _(design: ReplicateDesign, frame: LazyFrame, query: Query) -> PsuTotals:
    return replicate_totals(frame, design, query)


@linear.register(ReplicateDesign)
def _(design: ReplicateDesign, totals: ReplicateTotals, make: Make) -> Linear:
    return replicate_linear(totals, design, make)


@degrees.register(ReplicateDesign)
def _(design: ReplicateDesign, totals: ReplicateTotals, known: bool) -> Degrees:
    domain = (totals.df_known if known else totals.df_domain).astype(float)
    return Degrees(design=totals.df_design, domain=domain, n_psu=np.full(len(domain), np.nan))


@read_totals.register(ReplicatedDesign)
def _(design: ReplicatedDesign, frame: LazyFrame, query: Query) -> PsuTotals:
    totals = psu_totals(frame, design.base, query)
    told = {name: getattr(totals, name) for name in PsuTotals.__dataclass_fields__}
    return PsuReplicateTotals(**told, factors=replicate_factors(design, totals.table))


@linear.register(ReplicatedDesign)
def _(design: ReplicatedDesign, totals: PsuReplicateTotals, make: Make) -> Linear:
    terms = make(totals)
    estimate, _ = linearise(terms)
    if getattr(make, "own_means", False):
        values = _remade(totals, make)
    else:
        values = replicate_estimates(terms, totals.factors.matrix)
    replicates = Replicates(values=values, scheme=totals.factors.scheme)
    return replace(finish(estimate, replicates.vcov(estimate)), replicates=replicates)


def _remade(totals: PsuReplicateTotals, make: Make) -> Floats:
    """Replicates of a moment, each about its own mean: the terms are not linear in the weights."""
    lines = []
    for factor in totals.factors.matrix.T:
        by_entry = factor[totals.unit]
        sums = {k: v * by_entry if k.startswith("wy") or k == "w" else v for k, v in totals.sums.items()}
        lines.append(linearise(make(replace(totals, sums=sums)))[0])
    return np.vstack(lines)


@degrees.register(ReplicatedDesign)
def _(design: ReplicatedDesign, totals: PsuReplicateTotals, known: bool) -> Degrees:
    name = "n_weighted" if known else "domain_weighted"
    n_units = len(totals.factors.matrix)
    there = totals.sums[name] > 0
    pairs, _ = compact(totals.domain[there] * n_units + totals.unit[there])
    domain, unit = pairs // n_units, pairs % n_units
    everyone = np.flatnonzero(totals.table.weighted[totals.table.unit_at[0]])
    whole = _ranks(totals.factors, np.zeros(len(everyone), dtype=np.int64), everyone, 1)
    ranks = _ranks(totals.factors, domain, unit, len(totals.domains))
    n_psu, _ = totals.psu_counts("n_weighted")
    return Degrees(design=int(whole[0]) - 1, domain=np.maximum(ranks - 1.0, 0.0), n_psu=n_psu.astype(float))


def _ranks(factors: Factors, domain: Ints, unit: Ints, n_domains: int) -> Ints:
    """Rank of the factors of each domain's units."""
    n_replicates = factors.matrix.shape[1]
    if factors.groups is None:
        return _computed_ranks(factors.matrix, domain, unit, n_domains)
    # factors are 1 + d, and d adds up to nothing over a group: each whole group but the first takes one off
    n_groups = int(factors.groups.max()) + 1
    sizes = np.bincount(factors.groups, minlength=n_groups)
    met, times = np.unique(domain * n_groups + factors.groups[unit], return_counts=True)
    full = np.bincount(met // n_groups, times == sizes[met % n_groups], minlength=n_domains)
    ranks = np.bincount(domain, minlength=n_domains) - np.maximum(full - 1, 0)
    near = (ranks > 0.8 * n_replicates) & (ranks < 1.25 * n_replicates)
    out: Ints = np.minimum(ranks, n_replicates).astype(np.int64)
    if near.any():  # as many units as replicates: coincidence counts
        take = near[domain]
        computed = _computed_ranks(factors.matrix, domain[take], unit[take], n_domains)
        out[near] = computed[near]
    return out


def _computed_ranks(matrix: Floats, domain: Ints, unit: Ints, n_domains: int) -> Ints:
    ends = np.searchsorted(domain, np.arange(n_domains + 1))
    known: dict[bytes, int] = {}
    out = np.zeros(n_domains, dtype=np.int64)
    for d in range(n_domains):
        units = unit[ends[d] : ends[d + 1]]
        key = units.tobytes()
        if key not in known:
            known[key] = weight_rank(matrix[units])
        out[d] = known[key]
    return out


@read_totals.register(PpsDesign)
def _(design: PpsDesign, frame: LazyFrame, query: Query) -> PsuTotals:
    return pps_totals(frame, design, query)


@linear.register(PpsDesign)
def _(design: PpsDesign, totals: PpsTotals, make: Make) -> Linear:
    terms = make(totals)
    estimate, z = linearise(terms)
    return finish(estimate, _possible(pps_vcov(terms, z, totals, design)))


@read_totals.register(TwoPhaseDesign)
def _(design: TwoPhaseDesign, frame: LazyFrame, query: Query) -> PsuTotals:
    return two_phase_totals(frame, design, query)


@linear.register(TwoPhaseDesign)
def _(design: TwoPhaseDesign, totals: TwoPhaseTotals, make: Make) -> Linear:
    terms = make(totals)
    estimate, z = linearise(terms)
    return finish(estimate, _possible(two_phase_vcov(terms, z, totals)))


def _possible(vcov: Floats) -> Floats:
    """A Horvitz-Thompson form can fall below zero in small samples: the variance is then not known."""
    scale = np.abs(vcov).max(initial=0.0)
    negative = np.diagonal(vcov) < -1e-12 * scale
    vcov[negative, :] = vcov[:, negative] = np.nan
    zero = (np.diagonal(vcov) < 0) & ~negative
    vcov[zero, :] = vcov[:, zero] = 0.0
    return vcov
