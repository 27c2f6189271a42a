"""One register with covariates: regressions of how often people were seen.

Zero-truncated Poisson (van der Heijden, Cruyff & van Houwelingen 2003, Statistica Neerlandica 57:289-304) and
geometric regression; Zelterman's estimator as a logistic regression of seen twice against once (Böhning & van
der Heijden 2009, Annals of Applied Statistics 3:595-610); Chao's bound with covariates (Böhning, Vidal-Diez,
Lerdsuwansri, Viwatwongkasem & Arnold 2013, Biometrics 69:1033-1042). The population is the sum over the
people seen of one over their chance of having been seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems import _tables
from survey_toolkit.multiple_systems._log_type import log_type_size
from survey_toolkit.multiple_systems._people import code_covariates, frame_columns
from survey_toolkit.multiple_systems._regression import logistic
from survey_toolkit.multiple_systems.intervals import check_level
from survey_toolkit.multiple_systems.results import PopulationSize, coefficients_of, criteria
from survey_toolkit.multiple_systems.single_list import ASSUMPTIONS, FORMS

__all__ = ["CountModel", "single_list_regression"]

FloatArray = NDArray[np.float64]
CountModel = Literal["poisson", "geometric", "zelterman", "chao"]
MODELS = {
    "poisson": "zero-truncated Poisson regression",
    "geometric": "zero-truncated geometric regression",
    "zelterman": "Zelterman regression",
    "chao": "Chao lower bound with covariates",
}


def single_list_regression(
    data: Any,
    times: str,
    covariates: Sequence[str] = (),
    *,
    model: CountModel = "poisson",
    count: str | None = None,
    level: float = 0.95,
) -> PopulationSize:
    """Population size from one register by a regression of the times people were seen.

    Parameters
    ----------
    data : frame, mapping or path
        One row a person, or a row a group with ``count``.
    times : str
        Column with the number of times, 1 or more.
    covariates : sequence of str
        Numbers enter as they are, anything else by level.
    model : {"poisson", "geometric", "zelterman", "chao"}
    count : str, optional
        Column with the number of people of a row.
    level : float
        For the log-type interval (Chao 1987).

    Returns
    -------
    PopulationSize
        ``coefficients`` on the log rate.

    Raises
    ------
    EstimationError
        Times below 1, nobody seen twice, missing or collinear covariates.

    Examples
    --------
    >>> seen = {"times": [1, 2, 1, 2, 3, 1], "sex": ["F", "F", "M", "M", "M", "F"],
    ...         "count": [40, 12, 60, 9, 2, 5]}
    >>> round(single_list_regression(seen, "times", ["sex"], count="count").estimate)
    417
    """
    if model not in MODELS:
        raise EstimationError(
            "there is no such model",
            where="model",
            found=repr(model),
            expected=did_you_mean(model, MODELS),
            code="unknown-option",
        )
    check_level(level)
    names, x, k, weight = _read(data, times, covariates, count)
    if model in ("zelterman", "chao"):
        beta, covariance, loglik = _fit_pairs(x, k, weight)
    else:
        beta, covariance, loglik = _fit_truncated(x, k, weight, model)
    estimate, variance = _population(x, k, weight, beta, covariance, model)
    n = int(weight.sum())
    p = len(names)
    return log_type_size(
        method=MODELS[model],
        model=" + ".join(names[1:]) or "no covariates",
        estimate=estimate,
        se=float(np.sqrt(variance)),
        level=level,
        n=n,
        lists=(),
        **criteria(loglik, p, n),
        coefficients=coefficients_of(names, beta, covariance),
        diagnostics={"f1": float(weight[k == 1].sum()), "f2": float(weight[k == 2].sum())},
        assumptions=ASSUMPTIONS.format(form=FORMS[model]),
    )


def _read(
    data: Any, times: str, covariates: Sequence[str], count: str | None
) -> tuple[tuple[str, ...], FloatArray, FloatArray, FloatArray]:
    wanted = [times, *covariates, *([count] if count else [])]
    columns = frame_columns(data, wanted)
    k = _tables.check_counts(columns[times])
    if not len(k) or (k < 1).any():
        raise EstimationError(
            "people in a register were seen 1 time or more",
            where=f"column '{times}'",
            found=f"{int((k < 1).sum())} of {len(k)} rows below 1",
            hint="people seen 0 times are what is estimated",
            code="bad-frequency",
        )
    weight = _tables.check_counts(columns[count]) if count else np.ones(len(k), dtype=np.int64)
    keep = weight > 0
    chosen = {c: [v for v, w in zip(columns[c], keep.tolist(), strict=True) if w] for c in covariates}
    names, design = code_covariates(chosen, int(keep.sum()))
    if weight[k == 2].sum() == 0 or weight[k == 1].sum() == 0:
        raise EstimationError(
            "people seen exactly once and exactly twice are needed",
            found=f"{int(weight[k == 1].sum()):,} seen once, {int(weight[k == 2].sum()):,} twice",
            hint="check the linkage of repeats",
            code="no-overlap",
        )
    return names, design, k[keep].astype(float), weight[keep].astype(float)


def _fit_truncated(
    x: FloatArray, k: FloatArray, weight: FloatArray, model: str
) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients on the log rate by Fisher scoring."""
    from scipy.special import gammaln

    beta = np.zeros(x.shape[1])
    for _ in range(200):
        rate = np.exp(np.clip(x @ beta, -30.0, 30.0))
        if model == "poisson":
            mean = rate / -np.expm1(-rate)
            residual, information = k - mean, mean * (1 + rate - mean)
        else:
            residual, information = (k - 1 - rate) / (1 + rate), rate / (1 + rate)
        matrix = (x * (weight * information)[:, None]).T @ x
        step = np.linalg.lstsq(matrix, x.T @ (weight * residual), rcond=None)[0]
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-11 * (1 + np.abs(beta).max()):
            break
    else:
        raise _no_fit()
    if np.abs(x @ beta).max() > 20:
        raise _no_fit()
    eta = x @ beta
    if model == "poisson":
        each = k * eta - rate - np.log(-np.expm1(-rate)) - gammaln(k + 1)
    else:
        each = (k - 1) * eta - k * np.log1p(rate)
    return np.asarray(beta, dtype=float), _inverse(matrix), float(weight @ each)


def _fit_pairs(x: FloatArray, k: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Seen twice against once: a logistic regression whose linear predictor is the log of half the rate."""
    rows = k <= 2
    people = weight[rows].astype(int)
    z, twice = np.repeat(x[rows], people, axis=0), np.repeat((k[rows] == 2).astype(float), people)
    try:
        half = logistic(z, twice)
    except EstimationError:
        raise _no_fit() from None
    p = 1 / (1 + np.exp(-z @ half))
    covariance = _inverse((z * (p * (1 - p))[:, None]).T @ z)
    beta = half.copy()
    beta[0] += np.log(2.0)
    return beta, covariance, float((twice * np.log(p) + (1 - twice) * np.log1p(-p)).sum())


def _population(
    x: FloatArray, k: FloatArray, weight: FloatArray, beta: FloatArray, covariance: FloatArray, model: str
) -> tuple[float, float]:
    """Estimate and variance: of who happened to be seen, and of the coefficients."""
    rate = np.exp(x @ beta)
    if model == "chao":
        weight_12 = np.where(k <= 2, weight, 0.0)
        missed = 1 / (rate + rate**2 / 2)  # people unseen for each person seen once or twice
        slope = -(rate + rate**2) * missed**2
        gradient = x.T @ (weight_12 * slope)
        estimate = weight.sum() + weight_12 @ missed
        return float(estimate), float(weight_12 @ (missed * (1 + missed)) + gradient @ covariance @ gradient)
    if model == "geometric":
        unseen, slope_unseen = 1 / (1 + rate), -rate / (1 + rate) ** 2
    else:
        unseen = np.exp(-rate)
        slope_unseen = -rate * unseen
    seen = 1 - unseen
    gradient = x.T @ (weight * slope_unseen / seen**2)
    return float(weight @ (1 / seen)), float(weight @ (unseen / seen**2) + gradient @ covariance @ gradient)


def _inverse(matrix: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.inv(matrix), dtype=float)


def _no_fit() -> EstimationError:
    return EstimationError(
        "the regression of the counts has no finite estimate",
        hint="a level of a covariate may hold only people seen once; merge levels or leave the covariate out",
        code="no-convergence",
    )
