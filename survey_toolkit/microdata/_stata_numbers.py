"""Numbers of Stata files: the values that stand for "missing" and for its reasons ``.a`` to ``.z``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.microdata._raw import NumberColumn

__all__ = ["LARGEST", "real_numbers", "whole_numbers"]

#: Largest valid whole number, since format 113 and before it; the codes above are missing values.
LARGEST = {65530: (100, 126), 65529: (32740, 32766), 65528: (2147483620, 2147483646)}


def whole_numbers(cells: NDArray[Any], code: int, release: int) -> NumberColumn:
    """Whole numbers: the missing values are those above the largest of their type."""
    modern, old = LARGEST[code]
    values = cells.astype(np.float64)
    largest = modern if release >= 113 else old
    missing = values > largest
    if not missing.any():
        return NumberColumn(values)
    tags = np.where(missing, values - largest - 1, 0).astype(np.uint8)
    values[missing] = np.nan
    return _tagged(values, tags, release)


def real_numbers(cells: NDArray[Any], code: int, release: int) -> NumberColumn:
    """Reals: the missing values are the numbers from 2^127 (float) or 2^1023 (double) on."""
    with np.errstate(invalid="ignore"):
        values = cells.astype(np.float64)
        start = 2.0**127 if code == 65527 else 2.0**1023
        if code == 65526 and release <= 105:
            start = 2.0**333  # the double missing value of these formats
        missing = ~(values < start)
    if not missing.any():
        return NumberColumn(values)
    step = start * 2.0**-12
    with np.errstate(over="ignore", invalid="ignore"):
        tags = np.where(missing, np.nan_to_num((values - start) / step, nan=0, posinf=0), 0)
    tags = np.where((tags > 0) & (tags <= 26), tags, 0).astype(np.uint8)
    values[missing] = np.nan
    return _tagged(values, tags, release)


def _tagged(values: NDArray[np.float64], tags: NDArray[np.uint8], release: int) -> NumberColumn:
    if release < 113 or not tags.any():
        return NumberColumn(values)
    return NumberColumn(values, np.where(tags > 0, tags + 96, 0).astype(np.uint8))
