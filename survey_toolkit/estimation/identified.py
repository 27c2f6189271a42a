r"""Confidence intervals for what is only known to lie between two bounds.

When some rows are undetermined, the proportion lies between L (all of them not met) and U (all met). An
interval for the *set* takes the lower limit of L and the upper limit of U. Imbens and Manski (2004,
*Econometrica* 72:1845-1857) cover the *proportion itself*, wherever it lies in the set, with a narrower one:
a proportion cannot lie at both ends. Their critical value c solves

.. math:: F(c + (U - L)/\max(s_L, s_U)) - F(-c) = 1 - \alpha

and goes from the one-sided quantile (a wide set) to the two-sided one (no undetermined row). F is the normal
distribution in the paper, here t with the degrees of freedom of the design.
"""

from __future__ import annotations

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats

__all__ = ["imbens_manski_level"]


def imbens_manski_level(
    low: Floats, high: Floats, se_low: Floats, se_high: Floats, df: Floats, level: float = 0.95
) -> Floats:
    """Two-sided confidence level at which each end must be taken, (K,).

    Parameters
    ----------
    low, high : float array (K,)
        Bounds.
    se_low, se_high : float array (K,)
    df : float array (K,)
    level : float

    Returns
    -------
    float array (K,)
        Between 2·level - 1 and level.

    Raises
    ------
    EstimationError
        If ``level`` is not above 0.5.

    Examples
    --------
    A wide set needs one-sided limits only; no width gives the ordinary interval.

    >>> one, inf = np.array([1.0]), np.array([np.inf])
    >>> imbens_manski_level(0 * one, 9 * one, one, one, inf).round(3)
    array([0.9])
    >>> imbens_manski_level(one, one, one, one, inf).round(3)
    array([0.95])
    """
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    if not 0.5 < level < 1:
        raise EstimationError("the confidence level lies outside (0.5, 1)", where="level", found=f"{level}")
    normal = np.isposinf(df)
    freedom = np.where(normal | ~(df > 0), 1.0, df)

    def below(c: Floats) -> Floats:
        return np.where(normal, ndtr(c), stdtr(freedom, c))

    largest = np.maximum(se_low, se_high)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(largest > 0, (high - low) / largest, np.where(high > low, np.inf, 0.0))
    inside = np.where(normal, ndtri(level), stdtrit(freedom, level))
    outside = np.where(normal, ndtri((1 + level) / 2), stdtrit(freedom, (1 + level) / 2))
    for _ in range(100):
        c = (inside + outside) / 2
        short = below(c + width) - below(-c) < level
        inside, outside = np.where(short, c, inside), np.where(short, outside, c)
    known = (df > 0) & ~np.isnan(width)
    return np.where(known, 2 * below(outside) - 1, np.nan)
