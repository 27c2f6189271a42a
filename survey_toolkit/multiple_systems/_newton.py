"""Newton's method on stacks of fits: the step, halved where the likelihood would fall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["damped_step"]

FloatArray = NDArray[np.float64]
Rows = NDArray[np.int64] | slice


def damped_step(
    means: Callable[[FloatArray, Rows], tuple[FloatArray, FloatArray]],
    beta: FloatArray,
    step: FloatArray,
    loglik: FloatArray,
    *,
    slack: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Take the step, halved for the fits whose likelihood would fall.

    Parameters
    ----------
    means : callable
        Fitted means (k, c) and log likelihoods (k,) of coefficients (k, p), given with the rows of the stack
        that they belong to.
    beta, step : array (m, p)
    loglik : array (m,)
        At ``beta``.
    slack : float
        A fall below this share of ``1 + |loglik|`` is rounding.

    Returns
    -------
    tuple
        Coefficients, means and log likelihoods after the step.
    """
    new = beta + step
    mu, reached = means(new, slice(None))
    least, factor = loglik - slack * (1.0 + np.abs(loglik)), 1.0
    for _ in range(40):
        worse = np.flatnonzero(reached < least)
        if not len(worse):
            break
        factor /= 2
        new[worse] = beta[worse] + factor * step[worse]
        mu[worse], reached[worse] = means(new[worse], worse)
    return new, mu, reached
