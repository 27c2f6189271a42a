r"""Small areas from unit records: the nested-error model of Battese, Harter and Fuller.

.. math:: y_{di} = x_{di}'\beta + u_d + e_{di}, \quad u_d \sim N(0, \sigma_u^2), \;
   e_{di} \sim N(0, \sigma_e^2)

needs only sums by area once the rows are read, because :math:`V_d^{-1} \propto I - \rho/(1+n_d\rho) J`.

References
----------
Battese, Harter and Fuller (1988), JASA 83:28-36; Rao and Molina (2015), *Small Area Estimation*, ch. 7;
González-Manteiga et al. (2008), *Journal of Statistical Computation and Simulation* 78:443-462.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats, Ints, sum_by
from survey_toolkit.estimation.small_areas import SmallAreas, area_columns

__all__ = ["unit_level"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """n sampled units in m areas (only those that are sampled have any)."""

    y: Floats
    x: Floats
    area: Ints
    m: int

    @property
    def n(self) -> Floats:
        """Units by area, (m,)."""
        return np.bincount(self.area, minlength=self.m).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Sums by area of the columns, (m, k)."""
        return np.stack([sum_by(self.area, column, self.m) for column in values.T], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Components:
    beta: Floats
    inverse: Floats  # (X'V⁻¹X)⁻¹
    sigma2_u: float
    sigma2_e: float
    loglik: float


def unit_level(
    data: Any,
    means: Any,
    covariates: Sequence[str],
    *,
    outcome: str,
    area: str,
    area_size: str | None = None,
    bootstrap: int = 0,
    seed: int = 1,
) -> SmallAreas:
    """Unit-level model: sampled units, and the population means of the covariates by area.

    Parameters
    ----------
    data : frame or path
        Sampled units.
    means : frame or path
        One row an area: its code, population means of the covariates under the same names, and its size.
    covariates : sequence of str
        Numeric; a constant is added.
    outcome, area : str
    area_size : str, optional
        Column of ``means`` with the number of units in the area; the sampled ones then count as known.
        Without it the sampling fraction counts as zero.
    bootstrap : int
        Replicates of the parametric bootstrap for the MSE; 0 gives the analytic one of Prasad and Rao,
        which takes the sampling fraction as zero.
    seed : int

    Returns
    -------
    SmallAreas
        In the order of ``means``; an area without units gets its synthetic mean.

    Raises
    ------
    EstimationError
        If values are missing, an area of the sample is not in ``means``, or there are too few areas.

    Examples
    --------
    >>> import pandas as pd
    >>> units = pd.DataFrame({"a": list("ppqqrr"), "x": [1.0, 2, 1, 3, 2, 4], "y": [2.0, 4, 3, 5, 2, 5]})
    >>> means = pd.DataFrame({"a": list("pqrs"), "x": [1.5, 2, 3, 2]})
    >>> unit_level(units, means, ["x"], outcome="y", area="a").estimate.round(2)
    array([2.95, 3.9 , 3.65, 3.29])
    """
    units, codes, known, sizes = _read(data, means, covariates, outcome, area, area_size)
    fit = _reml(units)
    estimate, gamma = _eblup(units, fit, known, sizes)
    if bootstrap:
        mse = _bootstrap_mse(units, fit, known, sizes, bootstrap, seed)
    else:
        mse = _analytic_mse(units, fit, known)
    n = units.n
    with np.errstate(invalid="ignore", divide="ignore"):
        direct = sum_by(units.area, units.y, units.m) / n
    empty = int((n == 0).sum())
    return SmallAreas(
        areas=codes,
        estimate=estimate,
        mse=mse,
        direct=direct,
        synthetic=known @ fit.beta,
        gamma=gamma,
        coefficients=fit.beta,
        coefficients_se=np.sqrt(np.diagonal(fit.inverse)),
        names=("Intercept", *covariates),
        sigma2_area=fit.sigma2_u,
        sigma2_unit=fit.sigma2_e,
        loglik=fit.loglik,
        method="nested-error model, REML; MSE "
        + (
            f"by parametric bootstrap ({bootstrap} replicates, seed {seed})"
            if bootstrap
            else "of Prasad and Rao"
        ),
        notes=(f"{empty} areas have no sampled unit: imputed from the covariates alone",) if empty else (),
    )


def _read(
    data: Any, means: Any, covariates: Sequence[str], outcome: str, area: str, area_size: str | None
) -> tuple[_Units, tuple[Any, ...], Floats, Floats]:
    rows = area_columns(data, area, [outcome, *covariates])
    table = area_columns(means, area, [*covariates, *([area_size] if area_size else [])])
    codes = table[area].tolist()
    place = {code: i for i, code in enumerate(codes)}
    lost = sorted({str(code) for code in rows[area].tolist() if code not in place})
    if lost or len(place) < len(codes):
        raise EstimationError(
            "the areas of the sample and of the population means do not match",
            where=area,
            found=f"not among the means: {', '.join(lost[:5])}" if lost else "an area stands in two rows",
            expected="one row of means for every area",
        )
    for what, values in (("sample", rows), ("means", table)):
        gaps = [name for name, column in values.items() if name != area and not np.isfinite(column).all()]
        if gaps:
            raise EstimationError(
                f"missing values in the {what}", where=gaps[0], hint="leave such units out and say so"
            )
    at = np.array([place[code] for code in rows[area].tolist()], dtype=np.int64)
    x = np.column_stack([np.ones(len(at)), *(rows[name] for name in covariates)])
    units = _Units(y=rows[outcome], x=x, area=at, m=len(codes))
    if (units.n > 0).sum() < 2 or len(at) <= x.shape[1] + 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        raise EstimationError(
            "there are too few units or areas for the covariates",
            found=f"{len(at)} units in {int((units.n > 0).sum())} areas, {x.shape[1]} coefficients",
        )
    known = np.column_stack([np.ones(len(codes)), *(table[name] for name in covariates)])
    sizes = table[area_size] if area_size else np.full(len(codes), np.inf)
    if (sizes < units.n).any():
        raise EstimationError("an area is smaller than its sample", where=str(area_size))
    return units, tuple(codes), known, sizes


def _reml(units: _Units) -> _Components:
    """Variance components by restricted maximum likelihood over ρ = σ²_u/σ²_e."""
    from scipy.optimize import minimize_scalar

    n, sum_x = units.n, units.sums(units.x)
    sum_y = sum_by(units.area, units.y, units.m)
    xx, xy, yy = units.x.T @ units.x, units.x.T @ units.y, float(units.y @ units.y)
    free = len(units.y) - units.x.shape[1]

    def fit(rho: float) -> tuple[float, Floats, Floats, float]:
        shrink = rho / (1 + n * rho)
        a = xx - (sum_x * shrink[:, None]).T @ sum_x
        b = xy - sum_x.T @ (shrink * sum_y)
        inverse = np.asarray(np.linalg.inv(a), dtype=np.float64)
        beta = inverse @ b
        sigma2 = (yy - float(shrink @ sum_y**2) - float(b @ beta)) / free
        value = free * np.log(2 * np.pi * sigma2) + np.log1p(n * rho).sum() + np.linalg.slogdet(a)[1] + free
        return float(value), beta, inverse, float(sigma2)

    grid = np.linspace(-12.0, 9.0, 64)
    best = int(np.argmin([fit(float(np.exp(g)))[0] for g in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda g: fit(float(np.exp(g)))[0], bounds=(low, high), method="bounded", options={"xatol": 1e-10}
    )
    rho = float(np.exp(found.x))
    if fit(0.0)[0] <= fit(rho)[0]:
        rho = 0.0
    value, beta, inverse, sigma2 = fit(rho)
    return _Components(
        beta=beta, inverse=inverse * sigma2, sigma2_u=rho * sigma2, sigma2_e=sigma2, loglik=-0.5 * value
    )


def _eblup(units: _Units, fit: _Components, known: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Predicted means of the areas and the weight of their own residual."""
    n = units.n
    gamma = n * fit.sigma2_u / (n * fit.sigma2_u + fit.sigma2_e)
    held = np.maximum(n, 1.0)
    mean_y = sum_by(units.area, units.y, units.m) / held
    mean_x = units.sums(units.x) / held[:, None]
    effect = gamma * (mean_y - mean_x @ fit.beta)
    fraction = n / sizes
    sampled = fraction * mean_y - (fraction[:, None] * mean_x) @ fit.beta
    return sampled + known @ fit.beta + (1 - fraction) * effect, gamma


def _analytic_mse(units: _Units, fit: _Components, known: Floats) -> Floats:
    """g1 + g2 + 2 g3 of Prasad and Rao (1990), for a sampling fraction of zero."""
    n, su, se = units.n, fit.sigma2_u, fit.sigma2_e
    gamma = n * su / (n * su + se)
    mean_x = units.sums(units.x) / np.maximum(n, 1.0)[:, None]
    rest = known - gamma[:, None] * mean_x
    g2 = np.einsum("ij,jk,ik->i", rest, fit.inverse, rest)
    sampled = n > 0
    alpha = se + n[sampled] * su
    # information of (σ²_u, σ²_e), Rao and Molina (2015), eq. 7.2.10
    uu = 0.5 * (n[sampled] ** 2 / alpha**2).sum()
    ee = 0.5 * ((n[sampled] - 1) / se**2 + 1 / alpha**2).sum()
    ue = 0.5 * (n[sampled] / alpha**2).sum()
    inverse = np.linalg.inv(np.array([[uu, ue], [ue, ee]]))
    spread = se**2 * inverse[0, 0] + su**2 * inverse[1, 1] - 2 * se * su * inverse[0, 1]
    g3 = np.zeros(units.m)
    g3[sampled] = n[sampled] * spread / (su * n[sampled] + se) ** 3
    return np.asarray((1 - gamma) * su + g2 + 2 * g3)


def _bootstrap_mse(
    units: _Units, fit: _Components, known: Floats, sizes: Floats, replicates: int, seed: int
) -> Floats:
    """Parametric bootstrap of a finite population whose means are known in every replicate."""
    rng = np.random.default_rng(seed)
    n, errors = units.n, np.zeros(units.m)
    infinite = np.isinf(sizes)
    rest = np.where(infinite, 0.0, np.maximum(sizes - n, 0.0))
    base, centre = units.x @ fit.beta, known @ fit.beta
    for _ in range(replicates):
        effect = rng.normal(0.0, np.sqrt(fit.sigma2_u), units.m)
        noise = rng.normal(0.0, np.sqrt(fit.sigma2_e), len(units.y))
        unseen = rng.normal(0.0, 1.0, units.m) * np.sqrt(fit.sigma2_e * rest)
        mean_noise = np.where(
            infinite, 0.0, (sum_by(units.area, noise, units.m) + unseen) / np.where(infinite, 1.0, sizes)
        )
        drawn = _Units(y=base + effect[units.area] + noise, x=units.x, area=units.area, m=units.m)
        predicted, _ = _eblup(drawn, _reml(drawn), known, sizes)
        errors += (predicted - (centre + effect + mean_noise)) ** 2
    return np.asarray(errors / replicates)
