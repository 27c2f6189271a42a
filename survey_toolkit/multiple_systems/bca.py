"""Percentile and bias-corrected accelerated (BCa) limits with everything needed to distrust them.

DiCiccio & Efron (1996) Statistical Science 11:189-228; with the selection repeated in every replicate, Chan,
Silverman & Vincent (2021) JASA 116:1297-1306. Re-selection shifts the replicates away from the estimate, so
that ``z0`` is large and a BCa limit can land on the first few order statistics: it is then a minimum with a
confidence level as its name. The Monte Carlo error and a warning say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BcaLimits", "acceleration", "bca_limits", "quantiles"]

FloatArray = NDArray[np.float64]

_LEAST_BEYOND = 10
_RESAMPLES = 100


def quantiles(values: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Quantiles of Hyndman & Fan's type 8 (median-unbiased).

    Examples
    --------
    >>> quantiles(np.arange(1.0, 11.0), np.array([0.5, 0.9])).round(4)
    array([5.5   , 9.6333])
    """
    out: FloatArray = np.quantile(values, probabilities, method="median_unbiased")
    return out


def acceleration(left_out: FloatArray, weights: FloatArray) -> float:
    """Acceleration from a grouped delete-one jackknife.

    Parameters
    ----------
    left_out : array (m,)
        Estimate with one person of each history left out; NaN where there is none.
    weights : array (m,)
        People with that history.

    Examples
    --------
    >>> acceleration(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    0.0
    """
    known = np.isfinite(left_out)
    w, j = weights[known], left_out[known]
    if not len(j):
        return float("nan")
    gap = (w @ j) / w.sum() - j
    spread = float(w @ gap**2)
    return float(w @ gap**3 / (6 * spread**1.5)) if spread > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BcaLimits:
    """Limits at several probabilities.

    Attributes
    ----------
    probabilities : array (k,)
        Nominal, such as 0.025 and 0.975.
    percentile, bca : arrays (k,)
        BCa limits are NaN when every replicate lies on one side of the estimate.
    adjusted : array (k,)
        The probabilities at which the BCa limits are read from the replicates.
    percentile_error, bca_error : arrays (k,)
        Monte Carlo standard error, by resampling the replicates; that of BCa includes the error of ``z0``.
    beyond : array (k,)
        Replicates beyond the BCa limit.
    z0, acceleration : float
    warnings : tuple of str
    """

    probabilities: FloatArray
    percentile: FloatArray
    bca: FloatArray
    adjusted: FloatArray
    percentile_error: FloatArray
    bca_error: FloatArray
    beyond: FloatArray
    z0: float
    acceleration: float
    warnings: tuple[str, ...]


def bca_limits(
    values: FloatArray, estimate: float, accel: float, probabilities: FloatArray, seed: int = 0
) -> BcaLimits:
    """Percentile and BCa limits of a set of replicates.

    Parameters
    ----------
    values : array (B,)
        Replicates of the estimate, none missing.
    estimate, accel : float
    probabilities : array (k,)
    seed : int
        Of the resampling that measures the Monte Carlo error.

    Examples
    --------
    >>> limits = bca_limits(np.arange(1.0, 1000.0), 500.0, 0.0, np.array([0.025, 0.975]))
    >>> limits.percentile.round(0).tolist()
    [25.0, 975.0]
    """
    values = np.sort(values)
    z0 = _bias(values, estimate)
    adjusted = _adjust(np.array([z0]), accel, probabilities)[0]
    percentile, bca = quantiles(values, probabilities), _read(values, adjusted)
    rng = np.random.default_rng(seed)
    again = np.sort(values[rng.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
    z0s = np.array([_bias(row, estimate) for row in again])
    moved = _adjust(z0s, accel, probabilities)
    reads = np.array([_read(row, p) for row, p in zip(again, moved, strict=True)])
    plain = np.quantile(again, probabilities, axis=1, method="median_unbiased")
    known = np.isfinite(reads).all(axis=1)
    error = reads[known].std(axis=0) if known.any() else np.full(len(probabilities), np.nan)
    beyond = np.minimum(adjusted, 1 - adjusted) * len(values)
    return BcaLimits(
        probabilities=probabilities,
        percentile=percentile,
        bca=bca,
        adjusted=adjusted,
        percentile_error=plain.std(axis=1),
        bca_error=error,
        beyond=beyond,
        z0=z0,
        acceleration=accel,
        warnings=_warnings(probabilities, adjusted, beyond, len(values)),
    )


def _bias(values: FloatArray, estimate: float) -> float:
    """Normal quantile of the share of (sorted) replicates below the estimate."""
    from scipy.special import ndtri

    return float(ndtri(np.searchsorted(values, estimate - 1e-9 * abs(estimate)) / len(values)))


def _adjust(z0: FloatArray, accel: float, probabilities: FloatArray) -> FloatArray:
    """Adjusted probabilities, shape (len(z0), k)."""
    from scipy.special import ndtr, ndtri

    out = np.full((len(z0), len(probabilities)), np.nan)
    known = np.isfinite(z0)
    moved = z0[known, None] + ndtri(probabilities)[None, :]
    out[known] = ndtr(z0[known, None] + moved / (1 - accel * moved))
    return out


def _read(values: FloatArray, probabilities: FloatArray) -> FloatArray:
    known = np.isfinite(probabilities)
    out = np.full(len(probabilities), np.nan)
    out[known] = quantiles(values, probabilities[known])
    return out


def _warnings(
    probabilities: FloatArray, adjusted: FloatArray, beyond: FloatArray, size: int
) -> tuple[str, ...]:
    if not np.isfinite(adjusted).all():
        return ("every replicate lies on one side of the estimate: BCa limits do not exist",)
    return tuple(
        f"the BCa limit at {q:.1%} is the {p:.2%} point of {size:,} replicates: only {k:.1f} lie beyond it; "
        "it is an extreme order statistic, so ask for more replicates or read the percentile limit"
        for q, p, k in zip(probabilities, adjusted, beyond, strict=True)
        if k < _LEAST_BEYOND
    )
