r"""Small areas of a status from unit records: a logistic model with an effect of each area.

.. math:: y_{di} \sim \mathrm{Bernoulli}(p_{di}), \quad \mathrm{logit}\, p_{di} = x_{di}'\beta + u_d, \quad
   u_d \sim N(0, \sigma_u^2)

fitted by maximum likelihood with the Laplace approximation of the integral over each :math:`u_d`. The mean
of an area is the plug-in mean of :math:`p` over the cells of its population at :math:`\hat u_d`; an area
without a sample has :math:`\hat u_d = 0`.

References
----------
Breslow and Clayton (1993), JASA 88:9-25; Rao and Molina (2015), *Small Area Estimation*, section 9.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.cells import Floats, Ints, sum_by
from survey_toolkit.estimation.small_areas import area_columns

__all__ = ["AreaLogit", "unit_level_logit"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AreaLogit:
    """A fitted model and what it says of each area.

    Attributes
    ----------
    areas : tuple
        Codes, sorted.
    mean : float array (m,)
        Predicted proportion of the population of each area.
    effect : float array (m,)
        Predicted effect on the log-odds scale; 0 without a sample.
    names : tuple of str
    coefficients : float array (k,)
    sigma_u : float
        Standard deviation of the effects.
    loglik : float
        Laplace approximation.
    """

    areas: tuple[Any, ...]
    mean: Floats
    effect: Floats
    names: tuple[str, ...]
    coefficients: Floats
    sigma_u: float
    loglik: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    y: Floats
    x: Floats
    area: Ints
    m: int


def unit_level_logit(
    data: Any, cells: Any, covariates: Sequence[str], *, outcome: str, area: str, cell_size: str
) -> AreaLogit:
    """Proportion of a status in small areas.

    Parameters
    ----------
    data : frame or path
        Sampled units: area, covariates, outcome (0-1).
    cells : frame or path
        The population: one row a cell with its area, covariates and number of people.
    covariates : sequence of str
        Numeric; a constant is added.
    outcome, area, cell_size : str
        Columns; ``cell_size`` of ``cells``.

    Returns
    -------
    AreaLogit
        The areas of ``cells``. Means are plug-in predictions and carry no error here.

    Raises
    ------
    EstimationError
        If a column or value is missing, the outcome is not 0-1 or does not vary, a sampled area is not in
        ``cells``, or there are fewer areas with a sample than coefficients.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"a": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4], "x": [0, 1, 2] * 4,
    ...                      "y": [0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0]})
    >>> people = pd.DataFrame({"a": [1, 2, 3, 4, 5], "x": [1.0] * 5, "N": [100] * 5})
    >>> fit = unit_level_logit(rows, people, ["x"], outcome="y", area="a", cell_size="N")
    >>> len(fit.areas), float(fit.effect[-1])
    (5, 0.0)
    """
    sample = _complete(area_columns(data, area, [outcome, *covariates]), "data")
    people = _complete(area_columns(cells, area, [cell_size, *covariates]), "cells")
    codes = tuple(sorted(set(people[area]), key=str))
    place = {code: i for i, code in enumerate(codes)}
    units = _units(sample, covariates, outcome, area, place)
    fitted, sigma, loglik = _fit(units)
    effect, _ = _modes(units, units.x @ fitted, sigma)
    design = _matrix(people, covariates)
    home = np.array([place[code] for code in people[area]], dtype=np.int64)
    size = np.asarray(people[cell_size], dtype=np.float64)
    if (size < 0).any() or (sum_by(home, size, len(codes)) <= 0).any():
        raise EstimationError(
            "an area has no people", where=cell_size, expected="sizes of 0 or more, some above 0"
        )
    p = _expit(design @ fitted + effect[home])
    return AreaLogit(
        areas=codes,
        mean=sum_by(home, size * p, len(codes)) / sum_by(home, size, len(codes)),
        effect=effect,
        names=("(Intercept)", *covariates),
        coefficients=fitted,
        sigma_u=sigma,
        loglik=loglik,
    )


def _complete(columns: dict[str, Any], where: str) -> dict[str, Any]:
    """Raise if an area code or a number is missing."""
    for name, values in columns.items():
        gaps = sum(v is None for v in values) if values.dtype == object else int((~np.isfinite(values)).sum())
        if gaps:
            raise EstimationError(
                "values are missing", where=f"{where}: {name}", found=f"{gaps} of {len(values)} rows"
            )
    return columns


def _units(
    sample: dict[str, Any], covariates: Sequence[str], outcome: str, area: str, place: dict[Any, int]
) -> _Units:
    y = np.asarray(sample[outcome], dtype=np.float64)
    if not np.isin(y, (0.0, 1.0)).all() or y.min() == y.max():
        raise EstimationError("the outcome must be 0 or 1 and vary", where=outcome)
    strange = sorted({str(code) for code in sample[area] if code not in place})
    if strange:
        raise EstimationError(
            "areas of the sample are not in the population",
            where=area,
            found=f"{len(strange)}, such as {strange[0]}",
        )
    at = np.array([place[code] for code in sample[area]], dtype=np.int64)
    x = _matrix(sample, covariates)
    if len(np.unique(at)) <= x.shape[1] or np.linalg.matrix_rank(x) < x.shape[1]:
        raise EstimationError(
            "too few areas for the model, or covariates that repeat each other",
            where=area,
            found=f"{len(np.unique(at))} areas with a sample, {x.shape[1]} coefficients",
        )
    return _Units(y=y, x=x, area=at, m=len(place))


def _matrix(columns: dict[str, Any], covariates: Sequence[str]) -> Floats:
    parts = [np.asarray(columns[name], dtype=np.float64) for name in covariates]
    return np.column_stack([np.ones(len(next(iter(columns.values())))), *parts])


def _expit(eta: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(eta), dtype=np.float64)


def _modes(units: _Units, fixed: Floats, sigma: float) -> tuple[Floats, Floats]:
    """Mode of each effect given the data, and minus the second derivative there; Newton's steps, concave."""
    u, precision = np.zeros(units.m), 1.0 / sigma**2
    curve = np.full(units.m, precision)
    for _ in range(100):
        p = _expit(fixed + u[units.area])
        curve = sum_by(units.area, p * (1 - p), units.m) + precision
        step = (sum_by(units.area, units.y - p, units.m) - u * precision) / curve
        u = u + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-12:
            break
    return u, curve


def _loglik(units: _Units, beta: Floats, sigma: float) -> float:
    """Laplace approximation of the marginal log-likelihood."""
    fixed = units.x @ beta
    u, curve = _modes(units, fixed, sigma)
    eta = fixed + u[units.area]
    inside = float((units.y * eta - np.logaddexp(0, eta)).sum())
    return inside - float((u**2).sum()) / (2 * sigma**2) - 0.5 * float(np.log(sigma**2 * curve).sum())


def _fit(units: _Units) -> tuple[Floats, float, float]:
    """Coefficients, standard deviation of the effects and log-likelihood, jointly."""
    from scipy.optimize import minimize

    def minus(theta: Floats) -> float:
        return -_loglik(units, theta[:-1], float(np.exp(theta[-1])))

    start = np.zeros(units.x.shape[1] + 1)
    share = units.y.mean()
    start[0], start[-1] = np.log(share / (1 - share)), np.log(0.5)
    bounds = [(-30.0, 30.0)] * units.x.shape[1] + [(np.log(1e-4), np.log(20.0))]
    done = minimize(minus, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-7})
    again = minimize(
        minus, done.x, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11, "maxiter": 4000}
    )
    best = again if again.fun < done.fun else done
    if not np.isfinite(best.fun) or np.abs(best.x[:-1]).max() > 25:
        raise EstimationError("the model cannot be fitted", hint="do the covariates separate the outcomes?")
    return best.x[:-1], float(np.exp(best.x[-1])), float(-best.fun)
