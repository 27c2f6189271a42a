"""Weights for nonresponse, by classes or by a modelled propensity, with the variance of both."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import LazyFrame, require_columns
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.adjustment import Adjustment
from survey_toolkit.estimation.cells import _to_numpy
from survey_toolkit.estimation.codes import Floats, factorize
from survey_toolkit.estimation.margins import Margin, sample_cells
from survey_toolkit.estimation.weighting import Weighted, links, new_weight, require_weight

__all__ = ["Logistic", "fit_logistic", "response_classes", "response_propensity"]


def response_classes(frame: LazyFrame, design: Any, respondent: str, classes: Sequence[str]) -> Weighted:
    """Give the weight of nonrespondents to the respondents of their class.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : SurveyDesign
    respondent : str
        Boolean or 0-1 column.
    classes : sequence of str
        Columns whose crossing makes the classes.

    Returns
    -------
    frame, design
        Nonrespondents have weight 0. The variance estimates the class totals from the whole sample.

    Raises
    ------
    EstimationError
        If a class has no respondent.

    References
    ----------
    Särndal and Lundström (2005), *Estimation in Surveys with Nonresponse*, ch. 7 and 11.
    """
    require_columns(frame, [respondent, *classes], what="nonresponse", error=EstimationError)
    old, r = require_weight(design), _responded(frame, respondent)
    (margin,) = _margins(frame, [tuple(classes)])
    answered = nw.col(old) * r
    sample = sample_cells(frame, old, [margin], {"answered": answered})
    gram = sample.matrix.T @ (sample.extra["answered"][:, None] * sample.matrix)
    empty = np.diagonal(gram) == 0
    if empty.any():
        raise EstimationError(
            "a class has no respondent",
            where=margin.label,
            found="; ".join(np.array(margin.names())[empty][:5].tolist()),
            expected="at least one respondent in every class",
            hint="join it with a neighbouring class",
            code="empty-class",
        )
    factor = (sample.matrix.T @ sample.weight) / np.diagonal(gram)
    variables = margin.expressions()
    g = functools.reduce(operator.add, [float(f) * m for f, m in zip(factor, variables, strict=True)])
    frame, new = new_weight(frame, answered * g)
    ratio = nw.when(nw.col(new) > 0).then(nw.col(old) / nw.col(new)).otherwise(nw.lit(0.0))
    leverage = tuple((nw.col(new) - nw.col(old)) * m for m in variables)
    record = Adjustment(
        sentence=f"nonresponse adjusted in classes of {margin.label}",
        weight=new,
        leverage=leverage,
        factors=tuple(m * ratio for m in variables),
        gram=gram,
        links=links(frame, design.adjustments, leverage),
    )
    return frame, replace(design, weight=new, adjustments=(*design.adjustments, record))


def response_propensity(frame: LazyFrame, design: Any, respondent: str, variables: Sequence[str]) -> Weighted:
    """Divide the weights of respondents by a propensity to respond, from a weighted logistic regression.

    Parameters
    ----------
    frame : narwhals LazyFrame
    design : SurveyDesign
    respondent : str
    variables : sequence of str
        Numbers enter as they are, text and Booleans by class (first class left out).

    Returns
    -------
    frame, design

    References
    ----------
    Kim and Kim (2007), *Canadian Journal of Statistics* 35:501-514.
    """
    require_columns(frame, [respondent, *variables], what="nonresponse", error=EstimationError)
    old, r = require_weight(design), _responded(frame, respondent)
    known = _model(frame, variables)
    sample = sample_cells(frame, old, known, {"answered": nw.col(old) * r})
    share = sample.extra["answered"] / sample.weight
    fit = fit_logistic(sample.matrix, share, sample.weight)
    columns = [expr for m in known for expr in m.expressions()]
    u = functools.reduce(operator.add, [float(b) * m for b, m in zip(fit.coefficients, columns, strict=True)])
    p = 1.0 / (1.0 + (-1.0 * u).exp())
    frame, new = new_weight(frame, nw.col(old) * r / p)
    leverage = tuple(nw.col(old) * (r - p) * m for m in columns)
    record = Adjustment(
        sentence=f"nonresponse adjusted by propensity on {', '.join(variables)}",
        weight=new,
        leverage=leverage,
        factors=tuple((1.0 - p) * m for m in columns),
        gram=fit.information,
        links=links(frame, design.adjustments, leverage),
    )
    return frame, replace(design, weight=new, adjustments=(*design.adjustments, record))


def _responded(frame: LazyFrame, respondent: str) -> nw.Expr:
    """1 or 0 a row; anything else is refused."""
    r = nw.col(respondent).cast(nw.Float64)
    odd = nw.when(r.is_null() | ((r != 0) & (r != 1))).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    try:
        found = _to_numpy(frame.select(odd=odd).select(nw.col("odd").sum()))["odd"][0]
    except Exception:  # each engine has errors of its own
        found = None
    if found is None or found > 0:
        raise EstimationError(
            "the response indicator must be Boolean or 0-1 in every row",
            where=respondent,
            found="a column of another type" if found is None else f"{int(found)} other rows",
            expected="1 or true where the person answered, 0 or false where not",
            hint="recode it; a row that was not approached is no nonresponse",
        )
    return r


def _margins(frame: LazyFrame, crossings: Sequence[tuple[str, ...]]) -> list[Margin]:
    """Classes met in the sample."""
    out = []
    for columns in crossings:
        rows = frame.select(**{f"k{i}": nw.col(c) for i, c in enumerate(columns)}, n=nw.lit(1.0))
        cells = _to_numpy(rows.group_by(*(f"k{i}" for i in range(len(columns)))).agg(nw.col("n").sum()))
        coded = [factorize(cells[f"k{i}"]) for i in range(len(columns))]
        places = sorted({tuple(int(index[j]) for _, index in coded) for j in range(len(cells["n"]))})
        codes = tuple(
            tuple(names[i] for (names, _), i in zip(coded, place, strict=True))
            for place in places
            if min(place) >= 0
        )
        out.append(
            Margin(
                label=" x ".join(columns),
                columns=columns,
                codes=codes,
                number=None,
                totals=np.zeros(len(codes)),
            )
        )
    return out


def _model(frame: LazyFrame, variables: Sequence[str]) -> list[Margin]:
    """Intercept, numbers, and all but the first class of each category."""
    schema = frame.collect_schema()
    known = [_number("(Intercept)", nw.lit(1.0))]
    for name in variables:
        if schema[name].is_numeric():
            known.append(_number(name, nw.col(name)))
            continue
        (margin,) = _margins(frame, [(name,)])
        known.append(replace(margin, codes=margin.codes[1:], totals=margin.totals[1:], complete=False))
    return known


def _number(label: str, expression: nw.Expr) -> Margin:
    return Margin(label=label, columns=(), codes=(), number=expression, totals=np.zeros(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """Coefficients (P,) of a logistic regression and their information matrix (P, P)."""

    coefficients: Floats
    information: Floats


def fit_logistic(matrix: Floats, share: Floats, weight: Floats) -> Logistic:
    """Weighted logistic regression by iteratively reweighted least squares.

    Parameters
    ----------
    matrix : float array (C, P)
    share : float array (C,)
        Share of ones in each cell.
    weight : float array (C,)

    Returns
    -------
    Logistic

    Raises
    ------
    EstimationError
        If the classes are separated, so that a propensity runs to 0 or 1.

    Examples
    --------
    >>> fit_logistic(np.ones((1, 1)), np.array([0.8]), np.array([10.0])).coefficients.round(4)
    array([1.3863])
    """
    beta = np.zeros(matrix.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(matrix @ beta, -40, 40)))
        information: Any = matrix.T @ ((weight * p * (1 - p))[:, None] * matrix)
        score = matrix.T @ (weight * (share - p))
        step = np.linalg.pinv(information, rcond=1e-12, hermitian=True) @ score
        beta = beta + step
        if np.abs(step).max() < 1e-10 * (1 + np.abs(beta).max()):
            return Logistic(coefficients=beta, information=information)
    raise EstimationError(
        "the response model has no finite solution",
        where="variables",
        found="a class in which everybody, or nobody, responds",
        expected="respondents and nonrespondents in every class",
        hint="join classes, or use classes= instead",
        code="separation",
    )
