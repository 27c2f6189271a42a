r"""Variance, covariance and correlation of variables in the population.

:math:`s_{xy} = \frac{n}{n-1} \frac{\sum w (x-\bar x)(y-\bar y)}{\sum w}`, with n the rows of the domain that
have a weight. The estimated means do not add to the variance to first order, so :math:`s_{xy}` is the mean of
the products; a correlation is linearised as a function of three of them. Oracle: ``svyvar`` of R survey.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.taylor import UnitTerms
from survey_toolkit.estimation.totals import PsuTotals
from survey_toolkit.estimation.variance import Design

__all__ = ["Moment", "moment_outcomes", "moment_terms", "one_count"]

Moment: TypeAlias = Literal["variance", "covariance", "correlation"]


def moment_outcomes(first: str, second: str, origin: tuple[float, float]) -> tuple[nw.Expr, ...]:
    """x, y, x², y² and xy about an origin, so that squares do not cancel."""
    x = nw.col(first).cast(nw.Float64) - origin[0]
    y = nw.col(second).cast(nw.Float64) - origin[1]
    return (x, y, x * x, y * y, x * y)


def one_count(totals: PsuTotals) -> PsuTotals:
    """The same totals with the count of rows that have a value as the only one by variable."""
    sums = {name: v for name, v in totals.sums.items() if not (name.startswith("pos") and name != "pos0")}
    return replace(totals, sums=sums)


def moment_terms(totals: PsuTotals, design: Design, moment: Moment) -> Callable[[PsuTotals], UnitTerms]:
    """Numerators and denominators of a moment by unit.

    Parameters
    ----------
    totals : PsuTotals
        Of the outcomes of :func:`moment_outcomes`.
    design : Design
        Replicates take their own means; the linearisation keeps those of the sample.
    moment : {"variance", "covariance", "correlation"}

    Returns
    -------
    callable
    """
    own_means = not isinstance(design, SurveyDesign)

    def make(t: PsuTotals) -> UnitTerms:
        means, n = _means(t if own_means else totals), totals.by_domain("n_weighted")
        valid = t.sums["n"] > 0
        d = t.domain[valid]
        s = {name: v[valid] for name, v in t.sums.items() if name in ("w", "wy0", "wy1", "wy2", "wy3", "wy4")}
        with np.errstate(divide="ignore", invalid="ignore"):
            inflate = (n / (n - 1))[d]
            product = inflate * _centred(s, means, d, 0, 1)
            if moment == "correlation":
                product = _correlated(s, means, d, product / inflate)
        return UnitTerms(unit=t.unit[valid], column=d, num=product, den=s["w"], n_columns=len(t.domains))

    make.own_means = own_means  # type: ignore[attr-defined]
    return make


def _means(totals: PsuTotals) -> Floats:
    """Means of the five outcomes, (5, D)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([totals.by_domain(f"wy{j}") / totals.by_domain("w") for j in range(5)])


def _centred(s: dict[str, Floats], means: Floats, d: Any, j: int, k: int) -> Floats:
    """Σw of the product of two variables about their means, by cell."""
    both = {(0, 0): "wy2", (1, 1): "wy3", (0, 1): "wy4"}[j, k]
    a, b = means[j][d], means[k][d]
    return np.asarray(s[both] - b * s[f"wy{j}"] - a * s[f"wy{k}"] + a * b * s["w"])


def _correlated(s: dict[str, Floats], means: Floats, d: Any, product: Floats) -> Floats:
    """Linearised correlation times the weight, r included, so that its mean is r."""
    xx = means[2] - means[0] ** 2
    yy = means[3] - means[1] ** 2
    r = (means[4] - means[0] * means[1]) / np.sqrt(xx * yy)
    part = _centred(s, means, d, 0, 0) / xx[d] + _centred(s, means, d, 1, 1) / yy[d]
    return np.asarray(product / np.sqrt(xx * yy)[d] - r[d] / 2 * part + r[d] * s["w"])
