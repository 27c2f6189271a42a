"""Measures of size as frames have them: zero, missing, or so large that a unit is certain to be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError

__all__ = ["LargeSize", "SizeMeasure", "ZeroSize", "certain_units", "prepare_sizes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ZeroSize: TypeAlias = Literal["smallest", "exclude", "refuse"]
LargeSize: TypeAlias = Literal["certainty", "hits", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizeMeasure:
    """Sizes fit to draw with, and what had to be done.

    Attributes
    ----------
    size : float array (U,)
    excluded, certain : bool arrays (U,)
    notes : tuple of str
    """

    size: Floats
    excluded: Bools
    certain: Bools
    notes: tuple[str, ...]


def prepare_sizes(
    size: Floats, group: Ints, n: Ints, *, zero: ZeroSize = "smallest", large: LargeSize = "certainty"
) -> SizeMeasure:
    """Treat zero and large sizes, and tell what was done.

    Parameters
    ----------
    size : float array (U,)
        NaN is an error, as is a negative size.
    group : int array (U,)
    n : int array (G,)
    zero : {"smallest", "exclude", "refuse"}
        Give the smallest positive size of the frame; leave the unit out (it cannot then be drawn, and the
        frame
        no longer covers it); or stop.
    large : {"certainty", "hits", "refuse"}
        A unit larger than the interval total/n is taken with certainty and the rest drawn again without it;
        stays in and may be hit several times; or stop.

    Raises
    ------
    DesignError

    Examples
    --------
    >>> done = prepare_sizes(np.array([0.0, 2, 2, 96]), np.zeros(4, int), np.array([2]))
    >>> done.size.tolist(), done.certain.tolist()
    ([2.0, 2.0, 2.0, 96.0], [False, False, False, True])
    """
    bad = ~np.isfinite(size) | (size < 0)
    if bad.any():
        raise DesignError(
            "measures of size are missing or negative",
            where="size",
            found=f"{int(bad.sum())} units",
            expected="numbers, zero or above",
            code="bad-size",
        )
    nil, notes = size == 0, []
    if nil.all() and size.size:
        raise DesignError("every measure of size is zero", where="size", code="bad-size")
    if nil.any():
        if zero == "refuse":
            raise DesignError("measures of size are zero", where="size", found=f"{int(nil.sum())} units")
        least = float(size[~nil].min())
        done = (
            f"given the smallest size, {least:g}"
            if zero == "smallest"
            else "left out: the frame does not cover them"
        )
        notes.append(f"{int(nil.sum())} units have size zero: {done}")
        size = np.where(nil & (zero == "smallest"), least, size)
    excluded = nil & (zero == "exclude")
    certain = np.zeros(size.size, dtype=bool)
    if large != "hits":
        certain = certain_units(size, group, n)
        if certain.any() and large == "refuse":
            raise DesignError(
                "units are larger than the sampling interval",
                where="size",
                found=f"{int(certain.sum())} units",
            )
        if certain.any():
            notes.append(
                f"{int(certain.sum())} units reach the sampling interval and are taken with certainty"
            )
    elif (over := int((n[group] * size > _totals(size, group, n.size)[group]).sum())) > 0:
        notes.append(f"{over} units are larger than the interval and may be hit more than once")
    return SizeMeasure(size=size, excluded=excluded, certain=certain, notes=tuple(notes))


def certain_units(size: Floats, group: Ints, n: Ints) -> Bools:
    """Units whose probability reaches one, again after those before are set apart.

    Examples
    --------
    >>> certain_units(np.array([1.0, 1, 5, 20]), np.zeros(4, int), np.array([3])).tolist()
    [False, False, True, True]
    """
    certain = np.zeros(size.size, dtype=bool)
    while True:
        left = n - np.bincount(group[certain], minlength=n.size)
        total = _totals(np.where(certain, 0.0, size), group, n.size)
        new = ~certain & (size > 0) & (left[group] > 0) & (left[group] * size >= total[group] * (1 - 1e-12))
        if not new.any():
            return certain
        certain |= new


def _totals(size: Floats, group: Ints, groups: int) -> Floats:
    return np.asarray(np.bincount(group, weights=size, minlength=groups), dtype=np.float64)
