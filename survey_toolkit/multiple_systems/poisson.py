"""Poisson log-linear fits to capture tables, many models at a time.

Corner-point coding makes the algebra small. With ``S_s`` the sum of the fitted means over the cells that
contain ``s`` (superset sums), the score of term ``s`` is ``n*_s - S_s`` and the information of terms ``r``
and ``s`` is ``S_(r|s)``: no design matrix is ever formed. Newton's method runs on stacks of models with the
same number of parameters.

Empty margins: a term with ``n*_s = 0`` has its estimate at minus infinity; the term and the cells that
contain it leave the fit, the rest is ordinary maximum likelihood (the *extended* maximum likelihood estimate:
Fienberg & Rinaldo 2012, Ann. Statist. 40:996-1023; Chan, Silverman & Vincent 2021, JASA 116:1297-1306).
Whether it exists is decided in :mod:`~survey_toolkit.multiple_systems.existence` *before* any fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._newton import damped_step

__all__ = [
    "Fits",
    "ReducedModels",
    "covariance",
    "fit_models",
    "reduce_models",
    "subset_sums",
    "superset_sums",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_CHUNK = 4096
_MAX_ITERATIONS = 100
_STEP_TOLERANCE = 1e-6  # Newton converges quadratically: the step after this one would be of size 1e-12
_LOG_MAX = 300.0


def superset_sums(x: FloatArray) -> FloatArray:
    """Sums over the cells that contain each mask, along the last axis of length 2^t.

    Examples
    --------
    >>> superset_sums(np.array([1.0, 2.0, 3.0, 4.0]))
    array([10.,  6.,  7.,  4.])
    """
    out = np.array(x, dtype=float)
    for j in range(out.shape[-1].bit_length() - 1):
        view = out.reshape(*out.shape[:-1], -1, 2, 1 << j)
        view[..., 0, :] += view[..., 1, :]
    return out


def subset_sums(x: FloatArray) -> FloatArray:
    """Sums over the masks contained in each cell, along the last axis of length 2^t.

    Examples
    --------
    >>> subset_sums(np.array([1.0, 2.0, 3.0, 4.0]))
    array([ 1.,  3.,  4., 10.])
    """
    out = np.array(x, dtype=float)
    for j in range(out.shape[-1].bit_length() - 1):
        view = out.reshape(*out.shape[:-1], -1, 2, 1 << j)
        view[..., 1, :] += view[..., 0, :]
    return out


@dataclass(frozen=True, slots=True)
class ReducedModels:
    """Models after the terms with an empty margin, and their cells, have left.

    ``margins`` is (M or 1, 2^t); ``boundary``, ``finite`` (terms) and ``cells`` (kept cells) are (M, 2^t).
    """

    margins: FloatArray
    boundary: BoolArray
    finite: BoolArray
    cells: BoolArray


@dataclass(frozen=True, slots=True)
class Fits:
    """Maximum likelihood fits of M models.

    Attributes
    ----------
    coef : array (M, 2^t)
        Estimates; minus infinity on the boundary, NaN for terms that are not in the model.
    mean : array (M, 2^t)
        Fitted means; column 0 is the dark figure.
    variance : array (M,)
        Variance of the intercept (inverse information).
    loglik, deviance, pearson : arrays (M,)
        Over the fitted cells, with full constants.
    n_terms, n_finite, n_cells : arrays (M,)
        Parameters counted with and without those at minus infinity; cells in the fit.
    """

    coef: FloatArray
    mean: FloatArray
    variance: FloatArray
    loglik: FloatArray
    deviance: FloatArray
    pearson: FloatArray
    n_terms: IntArray
    n_finite: IntArray
    n_cells: IntArray

    @property
    def dark_figure(self) -> FloatArray:
        """Expected number of people on no list, shape (M,)."""
        return self.mean[:, 0]


def reduce_models(counts: FloatArray, terms: BoolArray, *, with_unseen: bool = False) -> ReducedModels:
    """Split terms into finite and minus-infinity ones and find the cells that stay.

    Parameters
    ----------
    counts : array (2^t,) or (M, 2^t)
        Cell counts; cell 0 is the unseen one.
    terms : array of bool (M, 2^t)
        Terms of each model.
    with_unseen : bool
        Treat cell 0 as observed (used by the profile likelihood).
    """
    observed = np.ones(terms.shape[1], dtype=bool)
    observed[0] = with_unseen
    margins = superset_sums(np.atleast_2d(counts) * observed)
    boundary = terms & (margins == 0)
    cells = (subset_sums(boundary.astype(float)) == 0) & observed
    return ReducedModels(margins, boundary, terms & ~boundary, cells)


def fit_models(counts: FloatArray, terms: BoolArray, *, with_unseen: bool = False) -> Fits:
    """Fit M log-linear models by maximum likelihood.

    Parameters
    ----------
    counts : array (2^t,) or (M, 2^t)
        One table for all models, or one a model.
    terms : array of bool (M, 2^t)
        Terms of each model (column 0, the intercept, True).
    with_unseen : bool
        Fit cell 0 as an observed count.

    Raises
    ------
    EstimationError
        If a fit does not converge, which an existence check beforehand excludes.
    """
    counts = np.atleast_2d(np.asarray(counts, dtype=float))
    reduced = reduce_models(counts, terms, with_unseen=with_unseen)
    m = len(terms)
    coef = np.full(terms.shape, np.nan)
    coef[reduced.boundary] = -np.inf
    mean = np.zeros(terms.shape)
    variance = np.empty(m)
    sizes = reduced.finite.sum(axis=1)
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        for part in np.array_split(rows, -(-len(rows) // _CHUNK)):
            y = counts if len(counts) == 1 else counts[part]
            beta, index, mu, var = _newton(y, reduced.finite[part], reduced.cells[part], int(size))
            coef[part[:, None], index] = beta
            mean[part] = mu
            variance[part] = var
    return _summarise(counts, terms, reduced, coef, mean, variance)


def covariance(
    mean: FloatArray, finite: BoolArray, *, with_unseen: bool = False
) -> tuple[IntArray, FloatArray]:
    """Term masks (p,) and inverse information (p, p) of one fitted model."""
    mu = np.array(mean, dtype=float)
    if not with_unseen:
        mu[0] = 0.0
    index = np.flatnonzero(finite)
    return index, np.linalg.inv(superset_sums(mu)[index[:, None] | index])


def _newton(
    y: FloatArray, finite: BoolArray, cells: BoolArray, size: int
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """Newton's method on a stack of models with ``size`` finite terms each."""
    m, width = finite.shape
    y = np.broadcast_to(y * 1.0, (m, width)) * cells
    index = np.nonzero(finite)[1].reshape(m, size)
    flat = (index[:, :, None] | index[:, None, :]) + (np.arange(m) * width)[:, None, None]
    target = np.take_along_axis(superset_sums(y), index, axis=1)
    mu = np.where(cells, y + 0.1, 0.0)
    working = mu * np.log(np.where(cells, mu, 1.0)) + np.where(cells, y - mu, 0.0)
    information = superset_sums(mu).ravel()[flat]
    right = np.take_along_axis(superset_sums(working), index, axis=1)
    beta = _solve(information, right)

    def means(beta: FloatArray, rows: IntArray | slice) -> tuple[FloatArray, FloatArray]:
        return _means(beta, index[rows], cells[rows], target[rows])

    mu, loglik = means(beta, slice(None))
    for _ in range(_MAX_ITERATIONS):
        sums = superset_sums(mu)
        step = _solve(sums.ravel()[flat], target - np.take_along_axis(sums, index, axis=1))
        size_of_step = np.abs(step).max(axis=1)
        beta, mu, loglik = damped_step(means, beta, step, loglik, slack=1e-9)
        if size_of_step.max() < _STEP_TOLERANCE:
            break
    else:
        raise EstimationError(
            "a log-linear fit did not converge",
            found=f"{int((size_of_step >= _STEP_TOLERANCE).sum())} of {m} models",
            hint="check that the maximum likelihood estimate exists before fitting",
            code="no-convergence",
        )
    unit = np.zeros((m, size))
    unit[:, 0] = 1.0
    variance = _solve(superset_sums(mu).ravel()[flat], unit)[:, 0]
    return beta, index, _with_dark_figure(mu, beta, cells), variance


def _solve(information: FloatArray, right: FloatArray) -> FloatArray:
    """Solve stacks of symmetric systems; a ridge of 1e-12 where one is singular in floating point."""
    out: FloatArray
    try:
        out = np.linalg.solve(information, right[..., None])[..., 0].astype(float, copy=False)
    except np.linalg.LinAlgError:
        ridge = np.einsum("mii->m", information)[:, None, None] * 1e-12 * np.eye(right.shape[1])
        out = np.linalg.solve(information + ridge, right[..., None])[..., 0].astype(float, copy=False)
    return out


def _means(
    beta: FloatArray, index: IntArray, cells: BoolArray, target: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fitted means over the kept cells and the kernel of the log likelihood."""
    full = np.zeros(cells.shape)
    np.put_along_axis(full, index, beta, axis=1)
    mu = np.where(cells, np.exp(np.minimum(subset_sums(full), _LOG_MAX)), 0.0)
    return mu, np.einsum("mp,mp->m", beta, target) - mu.sum(axis=1)


def _with_dark_figure(mu: FloatArray, beta: FloatArray, cells: BoolArray) -> FloatArray:
    """Put exp(intercept) in cell 0 when it was not fitted as observed."""
    mu[:, 0] = np.where(cells[:, 0], mu[:, 0], np.exp(np.minimum(beta[:, 0], _LOG_MAX)))
    return mu


def _summarise(
    counts: FloatArray,
    terms: BoolArray,
    reduced: ReducedModels,
    coef: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
) -> Fits:
    """Likelihood and fit statistics with full constants, over the kept cells."""
    from scipy.special import gammaln, xlogy

    cells = reduced.cells
    y = counts * cells
    mu = np.where(cells, mean, 0.0)
    y_log_mu = xlogy(y, np.where(cells, mean, 1.0))
    deviance = 2 * (xlogy(y, np.where(y > 0, y, 1.0)) - y_log_mu - (y - mu)).sum(axis=1)
    pearson = np.divide((y - mu) ** 2, mu, out=np.zeros(mu.shape), where=cells).sum(axis=1)
    return Fits(
        coef=coef,
        mean=mean,
        variance=variance,
        loglik=(y_log_mu - mu - gammaln(y + 1)).sum(axis=1),
        deviance=np.maximum(deviance, 0.0),
        pearson=pearson,
        n_terms=terms.sum(axis=1),
        n_finite=reduced.finite.sum(axis=1),
        n_cells=cells.sum(axis=1),
    )
