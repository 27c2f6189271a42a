"""Closed-population models with a reaction to the first capture, and bias-corrected closed models.

Mb: everybody has chance ``p`` until first seen and ``c`` afterwards (trap-shy or trap-happy). Mbh: the first
occasion has its own ``p`` (the generalised removal method of Pollock and Otto: the easily seen go first).
Mtb: each occasion its own ``p``, with ``logit c_j = logit p_j + b``. The order of the lists is the order in
time: for lists kept side by side these models make no sense.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._log_type import log_type_size
from survey_toolkit.multiple_systems._poisson_design import DesignFit, estimable, fit_design
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level
from survey_toolkit.multiple_systems.logit_normal import fit_statistics, hessian_of, slopes_of
from survey_toolkit.multiple_systems.results import PopulationSize, coefficients_of, criteria

__all__ = ["BehaviourModel", "behaviour"]

FloatArray = NDArray[np.float64]
BehaviourModel = Literal["Mb", "Mbh", "Mtb"]
_LEAST_CHANCE = 1e-6
_ASSUMPTIONS = (
    "The lists are occasions in time, in the order given; the population did not change; links are perfect; "
    "before they are first seen people have the same chance of being seen, afterwards another. The estimate "
    "rests on how fast first captures fall from occasion to occasion: lists that are not occasions, or any "
    "other reason why later lists find fewer new people, break it."
)


def behaviour(data: CaptureHistories, model: BehaviourModel = "Mb", *, level: float = 0.95) -> PopulationSize:
    """Population size when being seen once changes the chance of being seen again.

    Parameters
    ----------
    data : CaptureHistories
        Lists in the order of the occasions.
    model : {"Mb", "Mbh", "Mtb"}
    level : float
        For the log-type interval (Chao 1987).

    Returns
    -------
    PopulationSize
        ``diagnostics`` hold ``p`` (of the first capture; Mtb: by list) and ``c`` (afterwards).

    Raises
    ------
    EstimationError
        When first captures do not fall from occasion to occasion: the estimate would be infinite or negative.

    References
    ----------
    Otis, Burnham, White & Anderson (1978) Wildlife Monographs 62; Rivest & Baillargeon (2007) JSS 19(5).

    Examples
    --------
    >>> table = {"100": 60, "010": 25, "001": 12, "110": 25, "101": 20, "011": 10, "111": 15}
    >>> lists = CaptureHistories.from_counts(table, lists=["may", "june", "july"])
    >>> round(behaviour(lists, "Mb").estimate)
    172
    """
    if model not in ("Mb", "Mbh", "Mtb"):
        raise EstimationError(
            "there is no such model",
            where="model",
            found=repr(model),
            expected=did_you_mean(model, ("Mb", "Mbh", "Mtb")),
            code="unknown-option",
        )
    if data.n_lists < (3 if model != "Mb" else 2) or (model == "Mtb" and data.n_lists < 4):
        raise EstimationError(
            f"{model} needs more occasions",
            where="lists",
            found=str(data.n_lists),
            expected={"Mb": "2", "Mbh": "3", "Mtb": "4"}[model] + " or more",
            code="too-few-lists",
        )
    check_level(level)
    return _mtb(data, level) if model == "Mtb" else _removal(data, model, level)


def _cells(data: CaptureHistories) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Histories (c, t), occasion of the first capture (c,) and counts (c,)."""
    cells = np.arange(1, 1 << data.n_lists)
    on = ((cells[:, None] >> np.arange(data.n_lists)) & 1).astype(float)
    return on, np.argmax(on, axis=1).astype(float), data.table()[1:]


def _removal(data: CaptureHistories, model: str, level: float) -> PopulationSize:
    """Mb and Mbh as log-linear models: occasions before the first capture, and recaptures."""
    on, first, counts = _cells(data)
    recaptures = on.sum(axis=1) - 1
    extra = model == "Mbh"
    waiting = [np.maximum(first - 1, 0.0), (first > 0).astype(float)] if extra else [first]
    design = np.column_stack([np.ones(len(first)), *waiting, recaptures])
    if not estimable(design, counts):
        raise _no_decline(data, model)
    fit = fit_design(design, counts)
    size = _size_mbh if extra else _size_mb
    t = data.n_lists
    p = 1 - float(np.exp(fit.coef[1] - np.logaddexp(0.0, fit.coef[-1])))
    if not _LEAST_CHANCE < p < 1:
        raise _no_decline(data, model)
    estimate = size(fit.coef, t)
    slope = slopes_of(lambda at: size(at, t), fit.coef)
    # Poisson variance of the size, less that of the size itself: the variance for a fixed population.
    se = float(np.sqrt(max(float(slope @ fit.covariance @ slope) - estimate, 0.0)))
    c = float(1 / (1 + np.exp(-fit.coef[-1])))
    first_p = float(counts[first == 0].sum()) / estimate if extra else p
    names = ("(Intercept)", *(("wait", "not first") if extra else ("wait",)), "recaptures")
    return _result(data, model, level, estimate, se, fit, names, {"p": first_p, "c": c})


def _size_mb(coef: FloatArray, t: int) -> float:
    """Size: the mean of a history is N p (1-p)^wait c^recaptures (1-c)^rest."""
    log_not_again = -np.logaddexp(0.0, coef[2])
    p = 1 - np.exp(coef[1] + log_not_again)
    return float(np.exp(coef[0] - (t - 1) * log_not_again) / p)


def _size_mbh(coef: FloatArray, t: int) -> float:
    """As Mb from the second occasion on, plus the people first seen on the first one."""
    log_not_again = -np.logaddexp(0.0, coef[3])
    p = 1 - np.exp(coef[1] + log_not_again)
    on_first = np.exp(coef[0] - (t - 1) * log_not_again)
    later = np.exp(coef[0] + coef[2] - (t - 2) * log_not_again) / p
    return float(on_first + later)


def _mtb(data: CaptureHistories, level: float) -> PopulationSize:
    """Mtb: a Poisson model of the histories, not log-linear."""
    from scipy.optimize import minimize
    from scipy.special import expit, log_expit

    on, first, counts = _cells(data)
    t = data.n_lists
    seen_before = np.arange(t) > first[:, None]

    def log_means(at: FloatArray) -> FloatArray:
        logits = at[1:-1] + at[-1] * seen_before
        cells = on * log_expit(logits) + (1 - on) * log_expit(-logits)
        return np.asarray(at[0] + cells.sum(axis=1))

    def loss(at: FloatArray) -> float:
        log_mu = log_means(at)
        return float(np.exp(log_mu).sum() - counts @ log_mu)

    n = data.n_observed
    sizes = counts @ on
    start = np.concatenate([[np.log(1.3 * n)], np.log(sizes / (1.3 * n - sizes)), [0.0]])
    best = np.asarray(minimize(loss, start, method="BFGS", options={"gtol": 1e-6, "maxiter": 2000}).x)
    for _ in range(20):
        step = np.linalg.lstsq(hessian_of(loss, best), slopes_of(loss, best), rcond=None)[0]
        best = best - np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-7:
            break
    estimate = float(np.exp(best[0]))
    hessian = hessian_of(loss, best)
    if estimate > 1e4 * n or np.linalg.eigvalsh(hessian).min() < 1e-6:
        raise _no_decline(data, "Mtb")
    covariance = np.asarray(np.linalg.inv(hessian), dtype=float)
    mu = np.exp(log_means(best))
    loglik, deviance, pearson = fit_statistics(counts, mu)
    fit = DesignFit(best, covariance, mu, loglik, deviance, pearson)
    se = float(np.sqrt(max(estimate**2 * float(covariance[0, 0]) - estimate, 0.0)))
    chances = {f"p: {name}": float(expit(b)) for name, b in zip(data.lists, best[1:-1], strict=True)}
    names = ("log size", *(f"logit {name}" for name in data.lists), "after first capture")
    return _result(data, "Mtb", level, estimate, se, fit, names, chances)


def _result(
    data: CaptureHistories,
    model: str,
    level: float,
    estimate: float,
    se: float,
    fit: DesignFit,
    names: tuple[str, ...],
    chances: dict[str, float],
) -> PopulationSize:
    n, p = data.n_observed, len(names)
    return log_type_size(
        method=f"closed population, {model}",
        model=model,
        estimate=estimate,
        se=se,
        level=level,
        n=n,
        lists=data.lists,
        df=len(fit.mean) - p,
        deviance=fit.deviance,
        pearson=fit.pearson,
        **criteria(fit.loglik, p, n),
        coefficients=coefficients_of(names, fit.coef, fit.covariance),
        diagnostics=chances,
        assumptions=_ASSUMPTIONS,
        notes=(*data.notes, "the lists are taken as occasions in the order " + ", ".join(data.lists)),
    )


def _no_decline(data: CaptureHistories, model: str) -> EstimationError:
    _, first, counts = _cells(data)
    new = [int(counts[first == j].sum()) for j in range(data.n_lists)]
    return EstimationError(
        "people seen for the first time do not become fewer from list to list as the model needs: there is "
        "no estimate to report",
        where=f"model {model}",
        found="first seen " + ", ".join(f"{name} {k:,}" for name, k in zip(data.lists, new, strict=True)),
        hint="these models are for occasions in time; for parallel lists use closed() or loglinear()",
        code="no-mle",
    )
