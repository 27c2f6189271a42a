r"""Variance from replicates: the spread of an estimate computed again with each set of weights.

.. math:: v(\hat\theta) = s \sum_r s_r (\hat\theta_r - c)(\hat\theta_r - c)',

with scale s, rscales s_r, and c the full-sample estimate (``mse``) or the mean of the replicates with
:math:`s_r > 0` (Wolter 2007, *Introduction to Variance Estimation*, ch. 3-5; Rao and Wu 1988, JASA 83:231).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from survey_toolkit.estimation.codes import Floats, sum_by
from survey_toolkit.estimation.taylor import UnitTerms

__all__ = [
    "Replicates",
    "Scheme",
    "failed_replicates",
    "logit_se",
    "replicate_estimates",
    "replicate_vcov",
    "weight_rank",
]

_BLOCK = 30_000_000  # numbers of unit by column held dense at once
_RANK_TOLERANCE = 1e-5  # of R's degf: a replicate nearer than this to the others tells nothing new


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scheme:
    """How the spread of R replicates becomes a variance.

    Attributes
    ----------
    kind : str
    scale : float
    rscales : float array (R,)
    mse : bool
        Spread about the full-sample estimate; otherwise about the mean of the replicates.
    """

    kind: str
    scale: float
    rscales: Floats
    mse: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """The estimates of every replicate.

    Attributes
    ----------
    values : float array (R, K)
        NaN where a replicate failed.
    scheme : Scheme
    """

    values: Floats
    scheme: Scheme

    @property
    def n_failed(self) -> Floats:
        """Replicates without an estimate, (K,)."""
        return np.asarray(np.isnan(self.values).sum(axis=0), dtype=np.float64)

    def vcov(self, estimate: Floats) -> Floats:
        """Covariance of the full-sample estimates, (K, K)."""
        return replicate_vcov(estimate, self.values, self.scheme)

    def transformed(self, function: Callable[[Floats], Floats]) -> Replicates:
        """The same replicates of a function of the estimates, applied to each."""
        values = np.stack([np.atleast_1d(function(line)) for line in self.values])
        return Replicates(values=values, scheme=self.scheme)


def replicate_vcov(estimate: Floats, values: Floats, scheme: Scheme) -> Floats:
    """Covariance of K estimates from their replicates.

    Parameters
    ----------
    estimate : float array (K,)
        With the full weights.
    values : float array (R, K)
        NaN where a replicate failed, as a ratio does when no case of the domain is left. Such replicates
        are left out for that estimate, and the sum over the others is scaled up by their share of the
        rscales, so that the variance does not shrink with each failure.
    scheme : Scheme

    Returns
    -------
    float array (K, K)
        NaN for an estimate without any replicate.

    Examples
    --------
    >>> scheme = Scheme(kind="JK1", scale=0.5, rscales=np.ones(2), mse=True)
    >>> replicate_vcov(np.array([5.0]), np.array([[4.0], [6.0]]), scheme)
    array([[1.]])
    """
    used = np.isfinite(values) & (scheme.rscales > 0)[:, None]
    rscales = scheme.rscales[:, None] * used
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(used.any(axis=0), scheme.rscales.sum() / rscales.sum(axis=0), 0.0)
        mean = np.where(used, values, 0.0).sum(axis=0) / used.sum(axis=0)
    centre = estimate if scheme.mse else mean
    spread = np.where(used, values - centre, 0.0) * np.sqrt(rscales * share * scheme.scale)
    vcov = spread.T @ spread
    undefined = ~used.any(axis=0) | ~np.isfinite(estimate)
    vcov[undefined, :] = vcov[:, undefined] = np.nan
    return np.asarray(vcov)


def replicate_estimates(terms: UnitTerms, factors: Floats) -> Floats:
    """Every estimate under every column of replicate factors, from sums by unit alone.

    Parameters
    ----------
    terms : UnitTerms
        T terms of K estimates over U units.
    factors : float array (U, R)
        What the weights of each unit are multiplied by.

    Returns
    -------
    float array (R, K)
        NaN where the denominator is zero.
    """
    num = _replicate_sums(terms, terms.num, factors)
    if terms.den is None:
        return num
    den = _replicate_sums(terms, terms.den, factors)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(den != 0, num / den, np.nan)


def _replicate_sums(terms: UnitTerms, values: Floats, factors: Floats) -> Floats:
    """Σ_u f_ur t_uk: (R, K)."""
    n_units, k = len(factors), terms.n_columns
    if n_units * k <= _BLOCK:
        dense = sum_by(terms.unit * k + terms.column, values, n_units * k).reshape(n_units, k)
        return np.asarray(factors.T @ dense)
    from scipy.sparse import coo_array

    sparse = coo_array((values, (terms.unit, terms.column)), shape=(n_units, k)).tocsr()
    return np.asarray((sparse.T @ factors).T)


def logit_se(estimate: Floats, se: Floats, replicates: Replicates) -> Floats:
    """Standard errors whose ratio to p(1-p) is the spread of the replicates on the logit scale, (K,).

    As in R, whose logit interval fits a logistic model to each replicate. Where a replicate has no event, or
    nothing else, its logit does not exist: there the standard error of the proportion itself stays.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(replicates.values) - np.log1p(-replicates.values)
        full = np.log(estimate) - np.log1p(-estimate)
    possible = np.isfinite(logits).all(axis=0) & np.isfinite(full) & (se > 0)
    out = se.copy()
    for k in np.flatnonzero(possible):
        variance = replicate_vcov(full[k : k + 1], logits[:, k : k + 1], replicates.scheme)[0, 0]
        out[k] = np.sqrt(variance) * estimate[k] * (1 - estimate[k])
    return out


def failed_replicates(replicates: Replicates | None) -> tuple[str, ...]:
    """A note on replicates without an estimate, if there are any."""
    if replicates is None or not replicates.n_failed.any():
        return ()
    failed = replicates.n_failed
    return (
        f"in {int((failed > 0).sum())} estimates up to {int(failed.max())} of {len(replicates.values)} "
        "replicates have no case to estimate from: left out, the others scaled up",
    )


def weight_rank(weights: Floats) -> int:
    """Rank of a matrix of replicate weights: distinct replicates that tell something new.

    Parameters
    ----------
    weights : float array (rows, R)

    Returns
    -------
    int
        Degrees of freedom are one less (``degf`` of R's survey; Rust and Rao 1996).

    Examples
    --------
    >>> weight_rank(np.array([[1.0, 2.0, 1.0], [1.0, 0.0, 1.0]]))
    2
    """
    if not weights.size:
        return 0
    from scipy.linalg.lapack import dpstrf

    products = weights.T @ weights
    lengths = np.sqrt(np.diagonal(products))
    there = lengths > 0
    if not there.any():
        return 0
    products = products[np.ix_(there, there)] / np.outer(lengths[there], lengths[there])
    # Cholesky with pivoting: its pivots are the squared distances of a column from those before it
    return int(dpstrf(products, tol=_RANK_TOLERANCE**2)[2])
