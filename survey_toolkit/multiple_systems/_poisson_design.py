"""Poisson regression on a design matrix, many tables at a time; existence of its maximum likelihood estimate.

The log-linear fits of :mod:`~survey_toolkit.multiple_systems.poisson` need no design matrix; models with a
column for heterogeneity, behaviour or an offset do. Column 0 is the intercept, the log of the dark figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._newton import damped_step
from survey_toolkit.multiple_systems.existence import recession, split_space

__all__ = ["DesignCurve", "DesignFit", "estimable", "fit_design", "fit_tables", "multinomial_kernel"]

FloatArray = NDArray[np.float64]

_ITERATIONS = 200
_STEP = 1e-8
_LOG_MAX = 300.0


@dataclass(frozen=True, slots=True)
class DesignFit:
    """One maximum likelihood fit.

    Attributes
    ----------
    coef : array (p,)
    covariance : array (p, p)
        Inverse information.
    mean : array (c,)
    loglik, deviance, pearson : float
        With full constants.
    """

    coef: FloatArray
    covariance: FloatArray
    mean: FloatArray
    loglik: float
    deviance: float
    pearson: float

    @property
    def dark_figure(self) -> float:
        """Exponential of the intercept."""
        return float(np.exp(self.coef[0]))


def estimable(design: FloatArray, counts: FloatArray) -> bool:
    """Whether every coefficient has one finite estimate.

    The same question as in :mod:`~survey_toolkit.multiple_systems.existence`, for any design: no direction
    leaves the observed cells alone and pushes an empty cell to zero, and the columns are independent.

    Examples
    --------
    >>> design = np.array([[1.0, 1.0], [1.0, 2.0]])
    >>> estimable(design, np.array([5.0, 2.0])), estimable(design, np.array([5.0, 0.0]))
    (True, False)
    """
    scaled = design / np.maximum(np.abs(design).max(axis=0), 1e-300)
    seen = counts > 0
    null = split_space(scaled[seen])[0]
    moves = scaled[~seen] @ null
    still, active = split_space(moves)
    return not still.shape[1] and not np.any(recession(moves @ active))


def fit_design(design: FloatArray, counts: FloatArray, offset: FloatArray | None = None) -> DesignFit:
    """Fit one table.

    Parameters
    ----------
    design : array (c, p)
    counts : array (c,)
    offset : array (c,), optional

    Raises
    ------
    EstimationError
        Code ``"no-convergence"``; an existence check beforehand excludes it.
    """
    from scipy.special import gammaln, xlogy

    offset = np.zeros(len(counts)) if offset is None else offset
    coef, mean = fit_tables(design, counts[None, :], offset)
    beta, mu = coef[0], mean[0]
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
    x = design / scale
    covariance = np.linalg.inv(x.T @ (mu[:, None] * x)) / np.outer(scale, scale)
    fitted = xlogy(counts, mu)
    deviance = 2 * (xlogy(counts, np.where(counts > 0, counts, 1.0)) - fitted - (counts - mu)).sum()
    return DesignFit(
        coef=beta,
        covariance=covariance,
        mean=mu,
        loglik=float((fitted - mu - gammaln(counts + 1)).sum()),
        deviance=max(float(deviance), 0.0),
        pearson=float(((counts - mu) ** 2 / mu).sum()),
    )


def fit_tables(design: FloatArray, tables: FloatArray, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients (k, p) and means (k, c) of the same model on ``k`` tables of shape (k, c)."""
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
    x = design / scale
    target = tables @ x
    mu = tables + 0.1
    beta = _step(x, mu, (mu * (np.log(mu) - offset) + tables - mu) @ x)

    def means(beta: FloatArray, rows: NDArray[np.int64] | slice) -> tuple[FloatArray, FloatArray]:
        mu = np.exp(np.minimum(beta @ x.T + offset, _LOG_MAX))
        return mu, (beta * target[rows]).sum(axis=1) - mu.sum(axis=1)

    mu, value = means(beta, slice(None))
    for _ in range(_ITERATIONS):
        step = _step(x, mu, target - mu @ x)
        size = np.abs(step).max(axis=1)
        beta, mu, value = damped_step(means, beta, step, value, slack=1e-10)
        if size.max() < _STEP:
            return beta / scale, mu
    raise EstimationError(
        "a log-linear fit did not converge",
        hint="the model may ask more than the table holds: choose a simpler one",
        code="no-convergence",
    )


def _step(x: FloatArray, mu: FloatArray, right: FloatArray) -> FloatArray:
    information = np.einsum("kc,cp,cq->kpq", mu, x, x, optimize=True)
    ridge = np.einsum("kpp->k", information)[:, None, None] * 1e-14 * np.eye(x.shape[1])
    out: FloatArray = np.linalg.solve(information + ridge, right[..., None])[..., 0]
    return out


def multinomial_kernel(tables: FloatArray, mean: FloatArray) -> FloatArray:
    """Log likelihood of the size (Cormack 1992) of tables (k, c) whose first cell is the unseen one."""
    from scipy.special import gammaln, xlogy

    size = tables.sum(axis=1)
    kernel = xlogy(tables, mean).sum(axis=1) - size * np.log(size)
    return np.asarray(kernel + gammaln(size + 1) - gammaln(tables[:, 0] + 1))


@dataclass(frozen=True, slots=True)
class DesignCurve:
    """Multinomial profile likelihood (Cormack 1992) of a model given by its design."""

    design: FloatArray
    counts: FloatArray
    offset: FloatArray

    def at(self, unseen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log likelihood and dark figure at each value of the unseen cell, shapes (k,)."""
        unseen = np.maximum(unseen, 1e-7)
        first = np.zeros((1, self.design.shape[1]))
        first[0, 0] = 1.0
        design = np.vstack([first, self.design])
        tables = np.column_stack([unseen, np.repeat(self.counts[None, :], len(unseen), axis=0)])
        mean = fit_tables(design, tables, np.concatenate([[0.0], self.offset]))[1]
        return multinomial_kernel(tables, mean), unseen

    def value(self, unseen: float) -> float:
        """Log likelihood at one value."""
        return float(self.at(np.array([unseen]))[0][0])
