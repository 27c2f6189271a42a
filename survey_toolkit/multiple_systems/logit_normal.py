"""Closed-population models with a normal random effect on the logit scale, integrated out.

Person ``i`` is on list ``j`` with logit ``b_j + sigma z_i``, ``z`` standard normal: a logistic-normal mixture
(Coull & Agresti 1999, Biometrics 55:294-301), fitted as a Poisson model of the observable cells by
Gauss-Hermite quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._log_type import log_type_size
from survey_toolkit.multiple_systems.frequencies import CaptureFrequencies
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.results import PopulationSize, coefficients_of, criteria

__all__ = ["fit_normal", "fit_statistics", "hessian_of", "slopes_of"]

FloatArray = NDArray[np.float64]
_NODES = 60
_STEP = 1e-4
_SIGMA_MAX = 8.0
_LARGEST = 1e5


@dataclass(frozen=True, slots=True)
class _Mixture:
    """Likelihood of one table; parameters are log N, the b's and log sigma."""

    on: FloatArray
    by_list: bool
    counts: FloatArray
    offset: FloatArray
    nodes: FloatArray
    weights: FloatArray

    def log_means(self, parameters: FloatArray) -> tuple[FloatArray, float]:
        """Log cell means and the log dark figure."""
        t = self.on.shape[1]
        b = parameters[1:-1] if self.by_list else np.repeat(parameters[1], t)
        eta = b + np.exp(parameters[-1]) * self.nodes[:, None]
        yes, no = -np.logaddexp(0.0, -eta), -np.logaddexp(0.0, eta)
        cells = np.exp(yes @ self.on.T + no @ (1 - self.on).T)
        unseen = float(self.weights @ np.exp(no.sum(axis=1)))
        log_cells = np.log(np.maximum(self.weights @ cells, 1e-300))
        return parameters[0] + log_cells + self.offset, float(parameters[0] + np.log(unseen))

    def loss(self, parameters: FloatArray) -> float:
        """Negative log likelihood without constants."""
        log_mu = self.log_means(parameters)[0]
        return float(np.exp(log_mu).sum() - self.counts @ log_mu)


def fit_normal(
    data: CaptureHistories | CaptureFrequencies, model: str, *, level: float, assumptions: str
) -> PopulationSize:
    """Fit Mh or Mth with a normal random effect; the interval is log-type (Chao 1987)."""
    mixture, names = _mixture(data, model)
    best = _maximise(mixture, data.n_observed)
    log_mu, log_dark = mixture.log_means(best)
    covariance = _covariance(mixture, best)
    slope = slopes_of(lambda at: mixture.log_means(at)[1], best)
    variance = float(slope @ covariance @ slope)
    n, dark, p = data.n_observed, float(np.exp(log_dark)), len(best)
    se = float(np.sqrt(dark + dark**2 * variance))
    loglik, deviance, pearson = fit_statistics(mixture.counts, np.exp(log_mu))
    label = f"{model} normal"
    return log_type_size(
        method=f"closed population, {label}",
        model=label,
        estimate=n + dark,
        se=se,
        level=level,
        n=n,
        lists=getattr(data, "lists", ()),
        df=len(mixture.counts) - p,
        deviance=deviance,
        pearson=pearson,
        **criteria(loglik, p, n),
        coefficients=coefficients_of(names, best, covariance),
        diagnostics={"se_log_dark": float(np.sqrt(variance)), "sigma": float(np.exp(best[-1]))},
        assumptions=assumptions,
        notes=tuple(getattr(data, "notes", ())),
    )


def _mixture(data: CaptureHistories | CaptureFrequencies, model: str) -> tuple[_Mixture, tuple[str, ...]]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / weights.sum()
    if isinstance(data, CaptureFrequencies):
        if data.occasions is None:
            raise EstimationError(
                "a normal random effect on the logit scale needs the number of occasions",
                where="occasions",
                found="no limit",
                hint="give occasions=, or use heterogeneity='poisson'",
            )
        t, k = data.occasions, len(data.people)
        on = (np.arange(t) < np.arange(1, k + 1)[:, None]).astype(float)
        counts, offset = data.people.astype(float), data.log_choices()
    else:
        cells = np.arange(1, 1 << data.n_lists)
        on = ((cells[:, None] >> np.arange(data.n_lists)) & 1).astype(float)
        counts, offset = data.table()[1:], np.zeros(len(cells))
    by_list = model == "Mth"
    names = tuple(f"logit {n}" for n in data.lists) if by_list and isinstance(data, CaptureHistories) else ()
    named = ("log size", *(names or ("logit",)), "log sigma")
    return _Mixture(on, by_list, counts, offset, nodes, weights), named


def _maximise(mixture: _Mixture, n: int) -> FloatArray:
    from scipy.optimize import minimize

    k = mixture.on.shape[1] if mixture.by_list else 1
    starts = [np.concatenate([[np.log(n * 1.5)], np.full(k, -1.0), [np.log(s)]]) for s in (0.5, 1.0, 2.0)]
    fits = [minimize(mixture.loss, start, method="BFGS", options={"gtol": 1e-6}) for start in starts]
    best = np.asarray(min(fits, key=lambda f: float(f.fun)).x, dtype=float)
    for _ in range(20):  # Newton steps to full precision
        slope = slopes_of(mixture.loss, best)
        step = _solve(hessian_of(mixture.loss, best), slope)
        best -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-7:
            break
    sigma = float(np.exp(best[-1]))
    inside = 0.05 < sigma < _SIGMA_MAX and best[0] < np.log(_LARGEST * n)
    if not inside or np.linalg.eigvalsh(hessian_of(mixture.loss, best)).min() < 1e-6:
        raise EstimationError(
            "the spread between people runs to a boundary: no estimate under the normal form",
            found=f"standard deviation {sigma:.2g} on the logit scale",
            hint="use heterogeneity='chao' for a lower bound, or the model without heterogeneity",
            code="no-mle",
        )
    return best


def _covariance(mixture: _Mixture, best: FloatArray) -> FloatArray:
    return _solve(hessian_of(mixture.loss, best), np.eye(len(best)))


def _solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    try:
        out: FloatArray = np.asarray(np.linalg.solve(matrix, right), dtype=float)
    except np.linalg.LinAlgError:
        raise EstimationError(
            "the table does not identify the normal form of heterogeneity",
            hint="use heterogeneity='chao' for a lower bound",
            code="not-identifiable",
        ) from None
    return out


def slopes_of(function: Callable[[FloatArray], float], at: FloatArray) -> FloatArray:
    """Gradient by central differences."""
    steps = np.eye(len(at)) * _STEP
    return np.array([(function(at + h) - function(at - h)) / (2 * _STEP) for h in steps])


def hessian_of(function: Callable[[FloatArray], float], at: FloatArray) -> FloatArray:
    """Second derivatives by central differences."""
    steps = np.eye(len(at)) * _STEP * 10
    rows = [
        [
            function(at + h + g) - function(at + h - g) - function(at - h + g) + function(at - h - g)
            for g in steps
        ]
        for h in steps
    ]
    return np.array(rows) / (4 * (_STEP * 10) ** 2)


def fit_statistics(counts: FloatArray, mu: FloatArray) -> tuple[float, float, float]:
    """Log likelihood, deviance and Pearson statistic of Poisson counts."""
    from scipy.special import gammaln, xlogy

    kernel = xlogy(counts, mu)
    deviance = 2 * float((xlogy(counts, np.where(counts > 0, counts, 1.0)) - kernel - (counts - mu)).sum())
    return (
        float((kernel - mu - gammaln(counts + 1)).sum()),
        max(deviance, 0.0),
        float(((counts - mu) ** 2 / mu).sum()),
    )
