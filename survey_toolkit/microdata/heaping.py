"""Heaping of ages and hours: how far answers crowd on round numbers.

Whipple's index, Myers' blended index and the share of round answers. Heaping moves people across the very
bounds the indicators use (5, 12, 15, 18, 20), so a figure on children of a country with heaping needs it
beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import SurveyToolkitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["digit_preference", "myers", "whipple"]


def whipple(ages: Any, weights: Any = None) -> float:
    """Whipple's index of age heaping on 0 and 5, over ages 23 to 62.

    Parameters
    ----------
    ages : array of numbers
        Completed years; null is left out.
    weights : array of numbers, optional

    Returns
    -------
    float
        100 without heaping, 500 where every age ends in 0 or 5; nan without anyone aged 23 to 62.

    Notes
    -----
    United Nations scale: below 105 highly accurate, 105-110 fairly, 110-125 approximate, 125-175 rough,
    above 175 very rough (United Nations, *Demographic Yearbook*, 1988 issue; Shryock and Siegel, *The
    Methods and Materials of Demography*, ch. 8).

    Examples
    --------
    >>> whipple(range(23, 63)), whipple([25, 30, 35, 40])
    (100.0, 500.0)
    """
    years, mass = _ages(ages, weights)
    inside = (years >= 23) & (years <= 62)
    total = mass[inside].sum()
    round_ = mass[inside & (years % 5 == 0)].sum()
    return float(500.0 * round_ / total) if total > 0 else float("nan")


def myers(ages: Any, weights: Any = None) -> float:
    """Myers' blended index of preference for terminal digits, over ages 10 to 89.

    Returns
    -------
    float
        Half the sum of the digits' absolute deviations from 10 %: 0 without preference, 90 where all ages
        end in one digit; nan without anyone of those ages.

    Notes
    -----
    Each digit's count at ages 10-89 has weight d + 1 and at ages 20-89 weight 9 - d, so that the natural
    fall of numbers with age is not taken for avoidance of higher digits (Myers 1940; Shryock and Siegel,
    ch. 8). A population that does not fall with age at all shows 1.7.

    Examples
    --------
    >>> round(myers([10 * k for k in range(1, 9)]), 6)
    90.0
    """
    years, mass = _ages(ages, weights)
    digits = np.arange(10)
    ten, twenty = (years >= 10) & (years <= 89), (years >= 20) & (years <= 89)
    first = np.bincount(years[ten] % 10, weights=mass[ten], minlength=10)
    second = np.bincount(years[twenty] % 10, weights=mass[twenty], minlength=10)
    blended = (digits + 1) * first + (9 - digits) * second
    total = blended.sum()
    return float(0.5 * np.abs(100.0 * blended / total - 10.0).sum()) if total > 0 else float("nan")


def digit_preference(values: Any, base: int = 5, weights: Any = None) -> float:
    """Share of positive whole numbers that are multiples of ``base``, over the share expected (1/base).

    For hours of work or chores: 1 without preference, ``base`` where every answer is a multiple.

    Examples
    --------
    >>> digit_preference([5, 10, 15, 20]), digit_preference(range(1, 11))
    (5.0, 1.0)
    """
    if base < 2:
        raise SurveyToolkitError("the base must be 2 or more", found=str(base))
    numbers, mass = _ages(values, weights)
    positive = numbers > 0
    total = mass[positive].sum()
    return float(base * mass[positive & (numbers % base == 0)].sum() / total) if total > 0 else float("nan")


def _ages(values: Any, weights: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    import pandas as pd

    numbers = pd.array(values if hasattr(values, "dtype") else list(values), dtype="Float64").to_numpy(
        dtype=float, na_value=np.nan
    )
    mass = np.ones(len(numbers)) if weights is None else np.asarray(weights, dtype=float)
    if len(mass) != len(numbers):
        raise SurveyToolkitError("weights and values differ in length", found=f"{len(mass)}, {len(numbers)}")
    known = np.isfinite(numbers) & np.isfinite(mass)
    return np.floor(numbers[known]).astype(np.int64), mass[known]
