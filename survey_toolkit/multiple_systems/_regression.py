"""Binary and multinomial logistic regression by Newton's method, for the covariate estimators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError

__all__ = ["MultinomialFit", "expit", "logistic", "multinomial_logistic", "softmax"]

FloatArray = NDArray[np.float64]

_ITERATIONS = 100
_TOLERANCE = 1e-10
_LARGE = 30.0


def _not_converged(what: str) -> EstimationError:
    return EstimationError(
        f"the {what} regression has no finite estimate",
        hint="a covariate level may decide membership of a list completely; merge levels or leave it out",
        code="no-convergence",
    )


def expit(x: FloatArray) -> FloatArray:
    """Logistic function."""
    from scipy import special

    out: FloatArray = np.asarray(special.expit(x), dtype=float)
    return out


def logistic(x: FloatArray, y: FloatArray, offset: FloatArray | float = 0.0) -> FloatArray:
    """Coefficients (p,) of a logistic regression of ``y`` (n,) on ``x`` (n, p).

    Examples
    --------
    >>> x = np.ones((4, 1))
    >>> round(float(logistic(x, np.array([1.0, 1.0, 1.0, 0.0]))[0]), 4)
    1.0986
    """
    beta: FloatArray = np.zeros(x.shape[1])
    for _ in range(_ITERATIONS):
        p = expit(x @ beta + offset)
        weight = p * (1 - p)
        step = _solve((x * weight[:, None]).T @ x, x.T @ (y - p), "logistic")
        beta = beta + np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < _TOLERANCE * (1 + np.abs(beta).max()):
            break
    else:
        raise _not_converged("logistic")
    if np.abs(x @ beta).max() > _LARGE:
        raise _not_converged("logistic")
    return beta


@dataclass(frozen=True, slots=True)
class MultinomialFit:
    """Multinomial logit with the first class as base.

    Attributes
    ----------
    probabilities : array (n, k)
    coef : array (p, k - 1)
    covariance : array (p (k - 1), p (k - 1))
        Inverse information, classes one after the other.
    """

    probabilities: FloatArray
    coef: FloatArray
    covariance: FloatArray


def softmax(x: FloatArray, coef: FloatArray) -> FloatArray:
    """Class probabilities (n, k); the first class is the base."""
    eta = np.column_stack([np.zeros(len(x)), x @ coef])
    eta -= eta.max(axis=1, keepdims=True)
    weights = np.exp(eta)
    out: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return out


def multinomial_logistic(x: FloatArray, classes: FloatArray) -> MultinomialFit:
    """Multinomial logistic regression of one-hot ``classes`` (n, k) on ``x`` (n, p)."""
    p, k = x.shape[1], classes.shape[1] - 1
    coef: FloatArray = np.zeros((p, k))
    for _ in range(_ITERATIONS):
        prob = softmax(x, coef)
        information = _information(x, prob)
        step = _solve(information, (x.T @ (classes - prob)[:, 1:]).T.ravel(), "multinomial")
        coef = coef + np.clip(step, -5.0, 5.0).reshape(k, p).T
        if np.abs(step).max() < _TOLERANCE * (1 + np.abs(coef).max()):
            break
    else:
        raise _not_converged("multinomial")
    if np.abs(x @ coef).max() > _LARGE:
        raise _not_converged("multinomial")
    prob = softmax(x, coef)
    covariance: FloatArray = np.linalg.inv(_information(x, prob)).astype(float, copy=False)
    return MultinomialFit(prob, coef, covariance)


def _information(x: FloatArray, prob: FloatArray) -> FloatArray:
    p, k = x.shape[1], prob.shape[1] - 1
    out = np.zeros((k * p, k * p))
    for i in range(k):
        for j in range(k):
            weight = prob[:, i + 1] * ((i == j) - prob[:, j + 1])
            out[i * p : (i + 1) * p, j * p : (j + 1) * p] = (x * weight[:, None]).T @ x
    return out


def _solve(information: FloatArray, score: FloatArray, what: str) -> FloatArray:
    try:
        out: FloatArray = np.linalg.solve(information, score).astype(float, copy=False)
    except np.linalg.LinAlgError:
        raise _not_converged(what) from None
    return out
