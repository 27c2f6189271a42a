"""Posterior of a Poisson regression with a Gaussian prior, by importance sampling.

The log posterior is concave, so a multivariate t around its mode with the curvature there is close to it;
self-normalised weights make the draws exact in the limit, and their effective size says how close. The mean
weight is the evidence, which averaging over models needs. Draws are independent: no burn-in, no convergence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError

__all__ = ["GaussianPosterior", "WeightedDraws", "importance_draws", "posterior_mode", "weighted_quantiles"]

FloatArray = NDArray[np.float64]

_STEPS = 200
_TOLERANCE = 1e-9
_DF = 6.0
_LOG_MAX = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class GaussianPosterior:
    """Mode, inverse curvature there, log of the unnormalised density at the mode, Laplace log evidence."""

    design: FloatArray
    counts: FloatArray
    precision: FloatArray
    mode: FloatArray
    covariance: FloatArray
    log_evidence: float

    def log_density(self, beta: FloatArray) -> FloatArray:
        """Log likelihood (without count factorials) plus log prior kernel; beta (..., p)."""
        eta = np.minimum(beta @ self.design.T, _LOG_MAX)
        quadratic = np.einsum("...i,ij,...j->...", beta, self.precision, beta)
        out: FloatArray = eta @ self.counts - np.exp(eta).sum(axis=-1) - quadratic / 2
        return out


@dataclass(frozen=True, slots=True, eq=False)
class WeightedDraws:
    """Draws with weights that sum to one; effective size (Kong); log evidence."""

    beta: FloatArray
    weight: FloatArray
    ess: float
    log_evidence: float


def posterior_mode(design: FloatArray, counts: FloatArray, precision: FloatArray) -> GaussianPosterior:
    """Newton's method, halved where the posterior would fall.

    Parameters
    ----------
    design : array (cells, p)
    counts : array (cells,)
    precision : array (p, p)
        Of the Gaussian prior with mean 0; rows of zeros are flat. The evidence leaves flat ones out.
    """
    start = np.log(counts + 0.5)
    weights = counts + 0.5
    normal = design.T @ (weights[:, None] * design) + precision + 1e-9 * np.eye(design.shape[1])
    beta: FloatArray = np.asarray(np.linalg.solve(normal, design.T @ (weights * start)), dtype=float)
    post = GaussianPosterior(design, counts, precision, beta, normal, 0.0)
    value = float(post.log_density(beta))
    for _ in range(_STEPS):
        mu = np.exp(np.minimum(design @ beta, _LOG_MAX))
        gradient = design.T @ (counts - mu) - precision @ beta
        curvature = design.T @ (mu[:, None] * design) + precision
        step = np.linalg.solve(curvature, gradient)
        factor, decrement = 1.0, float(step @ gradient)
        new = float(post.log_density(beta + step))
        while not new >= value - 1e-9 * (1 + abs(value)) and factor > 1e-8:
            factor /= 2
            new = float(post.log_density(beta + factor * step))
        beta, value = beta + factor * step, new
        if abs(decrement) < _TOLERANCE:
            break
    else:
        raise EstimationError("the posterior mode was not found", code="no-convergence")
    mu = np.exp(np.minimum(design @ beta, _LOG_MAX))
    curvature = design.T @ (mu[:, None] * design) + precision
    proper = np.flatnonzero(np.diag(precision) > 0)
    prior = np.linalg.slogdet(precision[np.ix_(proper, proper)])[1] - len(proper) * np.log(2 * np.pi)
    evidence = value + float(prior) / 2
    evidence += (design.shape[1] * np.log(2 * np.pi) - float(np.linalg.slogdet(curvature)[1])) / 2
    return GaussianPosterior(
        design, counts, precision, beta, np.asarray(np.linalg.inv(curvature), dtype=float), evidence
    )


def importance_draws(post: GaussianPosterior, size: int, rng: np.random.Generator) -> WeightedDraws:
    """Draws from a multivariate t at the mode, weighted to the posterior."""
    from scipy.special import gammaln

    p = len(post.mode)
    root = np.linalg.cholesky(post.covariance)
    normal = rng.standard_normal((size, p))
    scale = np.sqrt(_DF / rng.chisquare(_DF, size))
    inside = (normal * scale[:, None]) @ root.T
    beta = post.mode + inside
    square = (normal**2).sum(axis=1) * scale**2
    log_t = (
        gammaln((_DF + p) / 2)
        - gammaln(_DF / 2)
        - p / 2 * np.log(_DF * np.pi)
        - np.log(np.diag(root)).sum()
        - (_DF + p) / 2 * np.log1p(square / _DF)
    )
    log_weight = post.log_density(beta) - log_t
    top = float(log_weight.max())
    weight = np.exp(log_weight - top)
    proper = np.flatnonzero(np.diag(post.precision) > 0)
    prior = np.linalg.slogdet(post.precision[np.ix_(proper, proper)])[1] - len(proper) * np.log(2 * np.pi)
    return WeightedDraws(
        beta,
        weight / weight.sum(),
        float(weight.sum() ** 2 / (weight**2).sum()),
        top + float(np.log(weight.mean())) + float(prior) / 2,
    )


def weighted_quantiles(values: FloatArray, weight: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Quantiles of weighted draws, interpolated.

    Examples
    --------
    >>> weighted_quantiles(np.arange(101.0), np.full(101, 1 / 101), np.array([0.5]))
    array([50.])
    """
    order = np.argsort(values)
    cumulative = np.cumsum(weight[order]) - weight[order] / 2
    out: FloatArray = np.interp(probabilities, cumulative / weight.sum(), values[order])
    return out
