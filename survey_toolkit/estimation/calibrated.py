"""Estimates whose variance knows how the weights were made: residuals instead of values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from survey_toolkit.estimation.adjustment import coefficients, width
from survey_toolkit.estimation.codes import Floats, Ints, sum_by
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.psu_table import DesignTable
from survey_toolkit.estimation.taylor import (
    Linear,
    UnitTerms,
    estimate_linear,
    finish,
    linearise,
    taylor_vcov,
)
from survey_toolkit.estimation.totals import PsuTotals

__all__ = ["adjusted_vcov", "estimate_totals", "factor_totals"]

_DENSE = 20_000_000  # residuals of all units and estimates held at once


def estimate_totals(
    totals: PsuTotals, design: SurveyDesign, make: Callable[[PsuTotals], UnitTerms]
) -> Linear:
    """Totals or ratios with their covariance, the steps of weighting accounted for.

    Parameters
    ----------
    totals : PsuTotals
    design : SurveyDesign
    make : callable
        Numerators and denominators by unit from totals. Called once more for every calibration variable,
        with the sums multiplied by it.

    Returns
    -------
    Linear
    """
    terms = make(totals)
    if totals.leverage is None:
        return estimate_linear(terms, totals.table, design)
    estimate, z = linearise(terms)
    crosses = np.stack([_cross(make(t), terms, estimate) for t in factor_totals(totals, design)])
    vcov = adjusted_vcov(
        terms.unit,
        terms.column,
        z,
        crosses=crosses,
        leverage=totals.leverage,
        table=totals.table,
        design=design,
    )
    return finish(estimate, vcov)


def factor_totals(totals: PsuTotals, design: SurveyDesign) -> list[PsuTotals]:
    """The same totals of every row times each column of C."""
    out = []
    for p in range(width(design.adjustments)):
        prefix = f"factor{p}_"
        told = {name.removeprefix(prefix): v for name, v in totals.sums.items() if name.startswith(prefix)}
        out.append(replace(totals, sums=totals.sums | told))
    return out


def _cross(multiplied: UnitTerms, terms: UnitTerms, estimate: Floats) -> Floats:
    """C'x for the linearised values x of K estimates, one calibration variable: (K,)."""
    num = sum_by(multiplied.column, multiplied.num, terms.n_columns)
    if multiplied.den is None or terms.den is None:
        return num
    den = sum_by(multiplied.column, multiplied.den, terms.n_columns)
    whole = sum_by(terms.column, terms.den, terms.n_columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = (num - estimate * den) / whole
    return np.where(np.isfinite(cross), cross, 0.0)


def adjusted_vcov(
    unit: Ints,
    column: Ints,
    z: Floats,
    *,
    crosses: Floats,
    leverage: Floats,
    table: DesignTable,
    design: SurveyDesign,
) -> Floats:
    """Covariance of K totals of residuals.

    Parameters
    ----------
    unit, column, z : arrays (T,)
        As in :func:`~survey_toolkit.estimation.taylor.taylor_vcov`.
    crosses : float array (P, K)
        C'x.
    leverage : float array (U, P)
        A by finest unit.
    table : DesignTable
    design : SurveyDesign

    Returns
    -------
    float array (K, K)
    """
    beta = coefficients(design.adjustments, crosses)
    (n_units, n_leverage), k = leverage.shape, beta.shape[1]
    if n_units * k <= _DENSE:
        units, columns = np.repeat(np.arange(n_units), k), np.tile(np.arange(k), n_units)
        fitted = -(leverage @ beta).reshape(-1)
        return taylor_vcov(
            np.concatenate([unit, units]),
            np.concatenate([column, columns]),
            np.concatenate([z, fitted]),
            k,
            table,
            design,
        )
    # many rows that are units of their own: the quadratic form of values and leverage together
    at, which = np.nonzero(leverage)
    whole = taylor_vcov(
        np.concatenate([unit, at]),
        np.concatenate([column, which + k]),
        np.concatenate([z, leverage[at, which]]),
        k + n_leverage,
        table,
        design,
    )
    residual = np.vstack([np.eye(k), -beta])
    return np.asarray(residual.T @ whole @ residual)
