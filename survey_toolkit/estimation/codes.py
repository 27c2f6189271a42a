"""Codes of cells as sorted lists and places in them, and sums by place, in numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError

__all__ = [
    "Coded",
    "Column",
    "Floats",
    "Ints",
    "compact",
    "factorize",
    "increasing",
    "is_missing",
    "order_of",
    "sum_by",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of C codes whose distinct ones are known already; numpy takes it for an array.

    Attributes
    ----------
    codes : list
        Sorted as by :func:`factorize`; some may not be met.
    index : int array (C,)
        Place of each code; -1 for missing.

    Examples
    --------
    >>> column = Coded(["F", "M"], np.array([1, -1, 0]))
    >>> np.asarray(column)
    array(['M', None, 'F'], dtype=object)
    >>> factorize(column[:2])
    (['M'], array([ 0, -1]))
    """

    codes: list[Any]
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Any) -> Coded:
        return Coded(self.codes, self.index[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        kinds = {type(code) for code in self.codes}
        plain = len(kinds) == 1 and kinds <= {int, float, bool} and not (self.index < 0).any()
        values = np.array(self.codes if plain else [*self.codes, None], dtype=None if plain else object)
        return np.asarray(values[self.index], dtype=dtype)


#: A key of cells.
Column: TypeAlias = "NDArray[Any] | Coded"


def factorize(values: Column) -> tuple[list[Any], Ints]:
    """Sorted distinct codes and the position of each value among them; -1 for missing.

    Parameters
    ----------
    values : array or Coded (C,)
        Codes of any type; None, NaN and NaT are missing. Whole floats become integers, so that a code
        read from a column with gaps equals the same code read from a whole column.

    Returns
    -------
    codes : list
        Sorted: numbers before text.
    index : int array (C,)

    Examples
    --------
    >>> factorize(np.array(["b", None, "a"], dtype=object))
    (['a', 'b'], array([ 1, -1,  0]))
    """
    if isinstance(values, Coded):
        return _met(values)
    if values.dtype.kind in "iu":
        distinct, index = compact(values.astype(np.int64))
        return distinct.tolist(), index
    items = values.tolist()
    codes = {item: _plain(item) for item in dict.fromkeys(items)}
    unique = sorted({c for c in codes.values() if c is not None}, key=_sort_key)
    place = {code: i for i, code in enumerate(unique)} | {None: -1}
    position = {item: place[code] for item, code in codes.items()}
    return unique, np.fromiter(map(position.__getitem__, items), dtype=np.int64, count=len(items))


def _met(column: Coded) -> tuple[list[Any], Ints]:
    """Without the codes that no cell has."""
    there = np.bincount(column.index + 1, minlength=len(column.codes) + 1)[1:] > 0
    codes = column.codes
    if not there.all():
        codes = [code for code, met in zip(codes, there.tolist(), strict=True) if met]
    if codes and isinstance(codes[0], float):
        codes = [_plain(code) for code in codes]
    return codes, column.index if there.all() else np.append(np.cumsum(there) - 1, -1)[column.index]


def compact(keys: Ints) -> tuple[Ints, Ints]:
    """Sorted distinct keys and the place of each: ``np.unique`` without a sort where the range is small.

    Examples
    --------
    >>> compact(np.array([7, 3, 7]))
    (array([3, 7]), array([1, 0, 1]))
    """
    ahead = keys[1:] > keys[:-1]
    if ahead.all():
        return keys, np.arange(len(keys))
    if (ahead | (keys[1:] == keys[:-1])).all():  # sorted
        first = np.append(True, ahead)
        return keys[first], np.cumsum(first) - 1
    low, high = int(keys.min()), int(keys.max())
    if high - low > 16 * len(keys) + 4096:
        distinct, index = np.unique(keys, return_inverse=True)
        return distinct, index.reshape(-1)
    from_low = keys - low
    there = np.zeros(high - low + 1, dtype=bool)
    there[from_low] = True
    found = np.flatnonzero(there)
    place = np.empty(len(there), dtype=np.int64)
    place[found] = np.arange(len(found))
    return found + low, place[from_low]


def increasing(keys: Ints) -> bool:
    """Whether keys are sorted and distinct.

    Examples
    --------
    >>> increasing(np.array([3, 5, 7])), increasing(np.array([3, 3]))
    (True, False)
    """
    return bool((keys[1:] > keys[:-1]).all())


def order_of(keys: Ints) -> Ints:
    """Stable sorting order: without a sort where keys are distinct and their range is small.

    Examples
    --------
    >>> order_of(np.array([7, 3, 5]))
    array([1, 2, 0])
    """
    if increasing(keys):
        return np.arange(len(keys))
    low, high = int(keys.min()), int(keys.max())
    if high - low <= 16 * len(keys) + 4096 and len(keys) < 2**31:
        place = np.full(high - low + 1, -1, dtype=np.int32)
        place[keys - low] = np.arange(len(keys))
        found = place[place >= 0]
        if len(found) == len(keys):
            return found.astype(np.int64)
    return np.argsort(keys, kind="stable")


def sum_by(index: Ints, values: Floats, n: int) -> Floats:
    """Sum of ``values`` by position: shape (n,).

    Examples
    --------
    >>> sum_by(np.array([0, 2, 0]), np.array([1.0, 5.0, 2.0]), 3)
    array([3., 0., 5.])
    """
    return np.bincount(index, values, minlength=n).astype(np.float64, copy=False)


def is_missing(value: Any) -> bool:
    """Whether a value of any library is a gap: None, NaN, NaT or pandas' NA.

    Examples
    --------
    >>> [is_missing(v) for v in (None, float("nan"), 0, "")]
    [True, True, False, False]
    """
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def _plain(item: Any) -> Any:
    """A code in its plainest type; None when missing."""
    if is_missing(item):
        return None
    if isinstance(item, float) and item.is_integer():
        return int(item)
    try:
        hash(item)
    except TypeError:
        raise EstimationError(
            "a design or domain column holds values that are no codes", found=type(item).__name__
        ) from None
    return item


def _sort_key(code: Any) -> tuple[int, Any]:
    if isinstance(code, bool | int | float):
        return (0, code)
    return (1, str(code))
