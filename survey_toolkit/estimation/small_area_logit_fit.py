r"""Maximum likelihood of the logistic model with one random intercept; see :mod:`.small_area_logit`.

With :math:`u_d = \sigma z_d`, :math:`z_d \sim N(0, 1)`, the likelihood of area d is

.. math:: L_d = \int \exp h_d(z)\, dz / \sqrt{2\pi}, \quad
   h_d(z) = \sum_i [y_i \eta_i - m_i \log(1 + e^{\eta_i})] - z^2/2, \quad \eta_i = x_i'\beta + \sigma z.

Gauss-Hermite nodes :math:`a_k` are moved to the mode :math:`\hat z_d` and stretched by
:math:`s_d = H_d^{-1/2}`, :math:`H_d = -h_d''(\hat z_d)`: :math:`t_{dk} = \hat z_d + \sqrt 2 s_d a_k`. One
node is the approximation of Laplace, :math:`h_d(\hat z_d) - \tfrac12 \log H_d`.

References
----------
Breslow and Clayton (1993), JASA 88:9-25; Pinheiro and Bates (1995), *Journal of Computational and Graphical
Statistics* 4:12-35; Albert and Anderson (1984), *Biometrika* 71:1-10 (separation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats, Ints

__all__ = ["LogitAreas", "LogitFit", "fit_logit", "nodes", "posterior"]

#: Log likelihood and its gradient.
_Likelihood: TypeAlias = Callable[[Floats], tuple[float, Floats]]
_LARGEST_SIGMA: Final = 15.0  # in logits; beyond it areas are all yes or all no and the likelihood is flat
_STEP: Final = 1e-5  # of the differences that give the Hessian from the gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitAreas:
    """P patterns of covariates in D sampled areas, sorted by area.

    Attributes
    ----------
    y, m : float array (P,)
        Units with the outcome, and all units, of the pattern.
    x : float array (P, K)
    area : int array (P,)
        0 to D-1, every one there.
    """

    y: Floats
    m: Floats
    x: Floats
    area: Ints

    def sums(self, values: Floats) -> Floats:
        """Sums by area, (D, ...) of (P, ...)."""
        starts = np.flatnonzero(np.diff(self.area, prepend=-1))
        return np.asarray(np.add.reduceat(values, starts, axis=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitFit:
    """K coefficients and the spread of the areas.

    Attributes
    ----------
    beta : float array (K,)
    covariance : float array (K, K)
        From the observed information of (β, σ), or of β alone where σ is 0.
    sigma : float
    loglik : float
    """

    beta: Floats
    covariance: Floats
    sigma: float
    loglik: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Modes:
    """Mode of h by area (D,), h'' there with its sign changed, and μ by pattern (P,)."""

    z: Floats
    curvature: Floats
    mu: Floats


def nodes(points: int) -> tuple[Floats, Floats]:
    """Gauss-Hermite nodes a and log(weight) + a², (Q,) each."""
    a, weight = np.polynomial.hermite.hermgauss(points)
    return np.asarray(a), np.asarray(np.log(weight) + a**2)


def posterior(areas: LogitAreas, beta: Floats, sigma: float, points: int) -> tuple[Floats, Floats, Floats]:
    """Distribution of z given the sample: nodes (D, Q), their probabilities (D, Q), curvature (D,)."""
    modes, (a, log_weight) = _modes(areas, beta, sigma), nodes(points)
    t, _, height = _heights(areas, beta, sigma, modes, a)
    share = np.exp(height + log_weight - (height + log_weight).max(axis=1, keepdims=True))
    return t, share / share.sum(axis=1, keepdims=True), modes.curvature


def _modes(areas: LogitAreas, beta: Floats, sigma: float) -> _Modes:
    """Root of the decreasing h' by Newton inside a bracket, all areas at once."""
    from scipy.special import expit

    base = areas.x @ beta
    high = abs(sigma) * areas.sums(areas.m)
    low, z = -high, np.zeros(len(high))
    for _ in range(100):
        mu = expit(base + sigma * z[areas.area])
        slope = sigma * areas.sums(areas.y - areas.m * mu) - z
        curvature = 1 + sigma**2 * areas.sums(areas.m * mu * (1 - mu))
        low, high = np.where(slope >= 0, z, low), np.where(slope <= 0, z, high)
        after = z + slope / curvature
        after = np.where((after >= low) & (after <= high), after, (low + high) / 2)
        done = bool((np.abs(after - z) <= 1e-12 * (1 + np.abs(z))).all())
        if done:
            break
        z = after
    return _Modes(z=z, curvature=curvature, mu=mu)


def _heights(
    areas: LogitAreas, beta: Floats, sigma: float, modes: _Modes, a: Floats
) -> tuple[Floats, Floats, Floats]:
    """Nodes t (D, Q), linear predictors (P, Q), h at the nodes (D, Q)."""
    t = modes.z[:, None] + np.sqrt(2 / modes.curvature)[:, None] * a
    eta = (areas.x @ beta)[:, None] + sigma * t[areas.area]
    terms = areas.y[:, None] * eta - areas.m[:, None] * np.logaddexp(0.0, eta)
    return t, eta, areas.sums(terms) - t**2 / 2


def _loglik(areas: LogitAreas, theta: Floats, points: int) -> tuple[float, Floats]:
    """Approximate log likelihood of (β, σ) and its exact gradient, nodes moving along."""
    from scipy.special import expit, logsumexp

    beta, sigma = theta[:-1], float(theta[-1])
    modes, (a, log_weight) = _modes(areas, beta, sigma), nodes(points)
    t, eta, height = _heights(areas, beta, sigma, modes, a)
    parts = height + log_weight
    by_area = logsumexp(parts, axis=1)
    value = float((by_area - 0.5 * np.log(np.pi * modes.curvature)).sum())
    share = np.exp(parts - by_area[:, None])
    rest = areas.y[:, None] - areas.m[:, None] * expit(eta)
    sum_rest = areas.sums(rest)
    slope = share * (sigma * sum_rest - t)  # what is left of h' at the nodes
    moved, stretched = _mode_slopes(areas, sigma, modes)
    centre = slope.sum(axis=1)
    width = (slope * np.sqrt(2 / modes.curvature)[:, None] * a).sum(axis=1) + 1
    gradient = moved.T @ centre + stretched.T @ width
    gradient[:-1] += areas.x.T @ (share[areas.area] * rest).sum(axis=1)
    gradient[-1] += float((share * t * sum_rest).sum())
    return value, gradient


def _mode_slopes(areas: LogitAreas, sigma: float, modes: _Modes) -> tuple[Floats, Floats]:
    """Derivatives of ẑ and of log s by (β, σ), (D, K+1) each."""
    spread = areas.m * modes.mu * (1 - modes.mu)
    skew = spread * (1 - 2 * modes.mu)
    h, z = modes.curvature[:, None], modes.z
    sum_spread, sum_skew = areas.sums(spread), areas.sums(skew)
    by_sigma = areas.sums(areas.y - areas.m * modes.mu) - sigma * z * sum_spread
    moved = np.column_stack([-sigma * areas.sums(spread[:, None] * areas.x), by_sigma]) / h
    direct = np.column_stack([areas.sums(skew[:, None] * areas.x), sum_skew * z])
    curved = sigma**2 * (direct + sigma * sum_skew[:, None] * moved)
    curved[:, -1] += 2 * sigma * sum_spread
    return moved, -0.5 * curved / h


def _hessian(gradient: Callable[[Floats], Floats], theta: Floats) -> Floats:
    steps = np.eye(len(theta)) * _STEP
    rows = np.stack([gradient(theta + step) - gradient(theta - step) for step in steps]) / (2 * _STEP)
    return np.asarray((rows + rows.T) / 2)


def _maximum(value_and_slope: _Likelihood, start: Floats) -> tuple[Floats, float]:
    """Maximum near a start, by a trust region."""
    from scipy.optimize import minimize

    def slope(theta: Floats) -> Floats:
        return -value_and_slope(theta)[1]

    def curve(theta: Floats) -> Floats:
        return _hessian(slope, theta)

    search: Any = minimize
    found = search(
        lambda theta: -value_and_slope(theta)[0],
        start,
        jac=slope,
        hess=curve,
        method="trust-exact",
        options={"gtol": 1e-7, "maxiter": 200},
    )
    if not (np.isfinite(found.fun) and np.abs(found.jac).max() < 1e-3):
        return start, -np.inf
    return np.asarray(found.x, dtype=np.float64), -float(found.fun)


def fit_logit(areas: LogitAreas, points: int, start: LogitFit | None = None) -> LogitFit:
    """Maximum likelihood over (β, σ).

    Parameters
    ----------
    areas : LogitAreas
    points : int
        Quadrature nodes; 1 is Laplace.
    start : LogitFit, optional
        Where to begin.

    Raises
    ------
    EstimationError
        If covariates separate the outcomes, or the spread of the areas has no finite maximum.

    Examples
    --------
    >>> one = np.ones(4)
    >>> fit_logit(LogitAreas(y=one, m=4 * one, x=one[:, None], area=np.arange(4)), 1).beta.round(4)
    array([-1.0986])
    """
    _refuse_separation(areas)
    # orthonormal columns: the scale of a covariate does not matter
    q, r = np.linalg.qr(areas.x * np.sqrt(areas.m)[:, None])
    scale = r / np.sqrt(areas.m.sum())
    x = np.linalg.solve(scale.T, areas.x.T).T
    inner = LogitAreas(y=areas.y, m=areas.m, x=x, area=areas.area)

    def joint(theta: Floats) -> tuple[float, Floats]:
        return _loglik(inner, theta, points)

    def plain(beta: Floats) -> tuple[float, Floats]:
        value, gradient = joint(np.append(beta, 0.0))
        return value, gradient[:-1]

    begin = np.append(scale @ start.beta, max(start.sigma, 0.1)) if start else None
    theta, best = _highest(joint, plain, q.shape[1], begin)
    sigma = abs(float(theta[-1]))
    if sigma == 0:
        information = -_hessian(lambda b: plain(b)[1], theta[:-1])
    else:
        information = -_hessian(lambda b: joint(b)[1], theta)
    back = np.linalg.inv(scale)
    covariance = back @ np.linalg.inv(information)[: q.shape[1], : q.shape[1]] @ back.T
    return LogitFit(beta=back @ theta[:-1], covariance=covariance, sigma=sigma, loglik=best)


def _highest(joint: _Likelihood, plain: _Likelihood, k: int, begin: Floats | None) -> tuple[Floats, float]:
    """(β, σ) of the highest of the maxima found: without area effects, and from one start or two."""
    beta, best = _maximum(plain, np.zeros(k))
    theta = np.append(beta, 0.0)
    starts = [np.append(beta, spread) for spread in (0.3, 1.0)] if begin is None else [begin]
    for start in starts:
        other, value = _maximum(joint, start)
        if value > best + 1e-9:
            theta, best = other, value
    sigma = abs(float(theta[-1]))
    # a likelihood that rises from σ = 0 has its maximum elsewhere, where no start arrived
    if sigma == 0 and _hessian(lambda b: joint(b)[1], theta)[-1, -1] > 1e-4:
        best = -np.inf
    if not np.isfinite(best) or sigma > _LARGEST_SIGMA:
        spread = f"a standard deviation of {sigma:.0f} logits" if np.isfinite(best) else "no convergence"
        raise EstimationError(
            "the likelihood of the areas has no finite maximum",
            where="area",
            found=spread,
            hint="areas that are all yes or all no carry no measure of their spread: join areas",
        )
    return theta, best


def _refuse_separation(areas: LogitAreas) -> None:
    """No finite coefficients where some x'b is never of the wrong sign; a linear programme finds it."""
    from scipy.optimize import linprog

    scale = np.abs(areas.x).max(axis=0)
    x = areas.x / np.where(scale > 0, scale, 1.0)
    yes, no = areas.y > 0, areas.y < areas.m
    signed = np.vstack([x[yes], -x[no]])
    found: Any = linprog(
        -signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=[(-1, 1)] * x.shape[1]
    )
    if found.status != 0 or -found.fun > 1e-9:
        raise EstimationError(
            "the covariates separate those with the outcome from those without",
            found=f"{areas.y.sum():.0f} of {areas.m.sum():.0f} units have the outcome",
            expected="both outcomes over the range of every covariate",
            hint="leave out or merge the covariate that decides the outcome",
            code="separation",
        )
