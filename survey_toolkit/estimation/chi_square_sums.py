r"""Tail probabilities of weighted sums of chi-squares over an independent scaled chi-square.

Under the null hypothesis a Pearson or likelihood-ratio statistic from a complex sample is distributed as
:math:`\sum_j \lambda_j \chi^2_1`, the :math:`\lambda_j` being generalised design effects (Rao and Scott
1981, 1984). With the variance estimated on :math:`\nu` degrees of freedom it is compared with that sum over
:math:`\chi^2_\nu / \nu`. Every probability is an upper tail computed as such: 1 - cdf would be 0 below 1e-16.
"""

from __future__ import annotations

import math

import numpy as np

from survey_toolkit.estimation.codes import Floats

__all__ = ["chi_square_sf", "f_sf", "t_sf", "weighted_sum_sf"]


def chi_square_sf(x: float, df: float) -> float:
    """P(χ² > x).

    Examples
    --------
    >>> f"{chi_square_sf(500.0, 3.0):.2e}"
    '4.77e-108'
    """
    from scipy.stats import chi2

    return float(chi2.sf(x, df))


def f_sf(x: float, df: float, df_denominator: float) -> float:
    """P(F > x); the denominator may be infinite. NaN without degrees of freedom.

    Examples
    --------
    >>> f"{f_sf(200.0, 2.0, 100.0):.2e}"
    '1.13e-35'
    """
    from scipy.special import fdtrc

    if not df_denominator > 0:
        return math.nan
    if math.isinf(df_denominator):
        return chi_square_sf(x * df, df)
    return float(fdtrc(df, df_denominator, x))


def t_sf(t: Floats, df: Floats) -> Floats:
    """Two-sided p-values of t statistics, element by element; NaN without degrees of freedom.

    Examples
    --------
    >>> t_sf(np.array([1.959963984540054]), np.array([np.inf])).round(6)
    array([0.05])
    """
    from scipy.special import ndtr, stdtr

    below = -np.abs(t)
    finite = np.isfinite(df) & (df > 0)
    with np.errstate(invalid="ignore"):
        p = np.where(finite, 2 * stdtr(np.where(finite, df, 1.0), below), 2 * ndtr(below))
    return np.where(df > 0, p, np.nan)


def weighted_sum_sf(
    x: float,
    weights: Floats,
    df_denominator: float,
    method: str = "integration",
    *,
    whole_df: bool = False,
) -> float:
    """P(Σ λ χ²₁ / (χ²_ν / ν) > x).

    Parameters
    ----------
    x : float
    weights : float array (K,)
        λ.
    df_denominator : float
        ν; infinite for the plain sum.
    method : {"integration", "saddlepoint"}
        Exact, by integrating the moment generating function along a contour through the saddlepoint, which
        keeps ten digits also of tiny probabilities; or the approximation of Lugannani and Rice (Kuonen 1999).
    whole_df : bool
        Round the degrees of freedom of the denominator down (but not its divisor), as R's ``pFsum`` does.

    Returns
    -------
    float

    References
    ----------
    Imhof (1961), *Biometrika* 48:419-426; Helstrom (1996), *IEEE Transactions on Aerospace and Electronic
    Systems* 32:654-660; Kuonen (1999), *Biometrika* 86:929-935.

    Examples
    --------
    With equal weights it is the F distribution.

    >>> bool(np.isclose(weighted_sum_sf(6.0, np.array([1.0, 1.0]), 20.0), f_sf(3.0, 2, 20), rtol=1e-12))
    True
    """
    if x <= 0:
        return 1.0
    if math.isinf(df_denominator):
        lam, h, shift = weights, np.ones(len(weights)), x
    else:
        lam = np.append(weights, -x / df_denominator)
        components = math.floor(df_denominator) if whole_df else df_denominator
        h, shift = np.append(np.ones(len(weights)), components), 0.0
    if method == "integration":
        return min(max(_contour(shift, lam, h), 0.0), 1.0)
    approximate = _saddlepoint(shift, lam, h)
    return _satterthwaite(x, weights, df_denominator) if math.isnan(approximate) else approximate


def _satterthwaite(x: float, weights: Floats, df_denominator: float) -> float:
    """One scaled chi-square with the mean and variance of the sum; R's stand-in at the centre."""
    mean, ratio = weights.mean(), (weights**2).mean() / weights.mean() ** 2
    df = len(weights) / ratio
    return f_sf(x / df / (mean * ratio), df, df_denominator)


def _contour(x: float, lam: Floats, h: Floats) -> float:
    r"""P(Σ λ χ²_h > x) as :math:`\frac{1}{2\pi i}\int e^{K(z) - zx} dz/z`, between 0 and the first pole."""
    from scipy.integrate import quad

    scale = lam.max()
    lam, x = lam / scale, x / scale
    zeta = max(_saddle(x, lam, h), 0.02)
    curvature = 2 * float(h @ (lam**2 / (1 - 2 * zeta * lam) ** 2)) + 1 / zeta**2
    width = 1 / math.sqrt(curvature)
    bend = 0.5 / (width + zeta) if x > 0 else 0.0  # to the right, where exp(-zx) decays
    level = -0.5 * float(h @ np.log(1 - 2 * zeta * lam)) - zeta * x

    def integrand(t: float) -> float:
        z, slope = complex(zeta + bend * t * t, t), complex(2 * bend * t, 1.0)
        cumulant = -0.5 * complex(h @ np.log(1 - 2 * z * lam))
        return float((np.exp(cumulant - z * x - level) / z * slope).imag)

    total, low, high = 0.0, 0.0, 2 * width
    for _ in range(60):
        part = quad(integrand, low, high, limit=200, epsabs=1e-11 * abs(total), epsrel=1e-9)[0]
        total += part
        if abs(part) < 1e-12 * abs(total):
            break
        low, high = high, 2 * high
    return math.exp(level) * total / math.pi


def _saddlepoint(x: float, lam: Floats, h: Floats) -> float:
    """Lugannani-Rice tail of Σ λ χ²_h at x; NaN near the mean, where it is 0/0."""
    from scipy.special import ndtr

    scale = lam.max()
    lam, x = lam / scale, x / scale
    zeta = _saddle(x, lam, h)
    if abs(zeta) < 1e-4:
        return math.nan
    cumulant = -0.5 * float(h @ np.log(1 - 2 * zeta * lam))
    curvature = 2 * float(h @ (lam**2 / (1 - 2 * zeta * lam) ** 2))
    w = math.copysign(math.sqrt(2 * (zeta * x - cumulant)), zeta)
    v = zeta * math.sqrt(curvature)
    return float(ndtr(-(w + math.log(v / w) / w)))


def _saddle(x: float, lam: Floats, h: Floats) -> float:
    """Where the cumulant generating function has slope x; the largest λ is 1."""
    from scipy.optimize import brentq

    def slope(z: float) -> float:
        return float(h @ (lam / (1 - 2 * z * lam)) - x)

    negative = lam[lam < 0]
    floor = float((1 / (2 * negative)).max()) if len(negative) else -math.inf
    high, low = 0.5 * (1 - 1e-5), floor * (1 - 1e-5) if len(negative) else -float(h.sum()) / (2 * x)
    while slope(high) < 0:
        high += (0.5 - high) * 0.9
    while slope(low) > 0:
        low = low + (floor - low) * 0.9 if len(negative) else low * 2
    return float(brentq(slope, low, high, xtol=1e-12))
