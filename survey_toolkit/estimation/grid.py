"""Cells by arithmetic on the numbers of their codes.

A code that follows from another, as a stratum from its PSU, takes no room in the grid. Where codes lie too
far apart for one, rows are placed by hashing (:func:`place_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.estimation.codes import Ints
from survey_toolkit.estimation.key_codes import GAP, ends_of, is_wide

__all__ = ["Grid", "place_rows"]

_TRIED: Final = 4096  # rows


@dataclass(slots=True)
class Grid:
    """Cells by arithmetic on codes; key 0 … K-1.

    Attributes
    ----------
    low, span : list of int
        Smallest code of a key, and how many digits its codes take.
    gaps : list of bool
        Whether the last digit stands for a gap.
    stride : list of int
        What one digit of the key adds to the place; 0 for keys that follow.
    base : int
        The key with the most codes.
    follows : dict of int to array
        Keys that follow from the base: their digit by that of the base, -1 where it was not met.
    size : int
    work : int array (4, rows)
        Used again block by block: fresh memory costs more than what is done in it.
    """

    low: list[int]
    span: list[int]
    gaps: list[bool]
    stride: list[int]
    base: int
    follows: dict[int, Ints]
    size: int
    work: Ints

    @classmethod
    def of(cls, codes: Sequence[NDArray[Any]], before: Grid | None, free: set[int], room: int) -> Grid | None:
        """The grid of a block, of up to ``room`` cells, if it can be with the codes of the one before.

        Parameters
        ----------
        codes : sequence of arrays (rows,)
            By key.
        before : Grid or None
        free : set of int
            Keys that are known not to follow from another.
        room : int
        """
        if not codes or not len(codes[0]) or any(values.dtype.kind == "f" for values in codes):
            return None
        ends = [ends_of(values) for values in codes]
        tried = [ends]
        if before:
            pairs = list(zip(ends, before.ends(), strict=True))
            tried = [[_roomy(*pair) for pair in pairs], [_joined(*pair) for pair in pairs], ends]
        room = min(room, 16 * len(codes[0]) + 4096)
        grids = (cls._made(codes, wanted, free, room) for wanted in tried)
        return next((grid for grid in grids if grid), None)

    def ends(self) -> list[tuple[int, int, bool]]:
        """Smallest and largest code of each key, and whether there is room for a gap."""
        held = zip(self.low, self.span, self.gaps, strict=True)
        return [(low, low + span - 1 - gap, gap) for low, span, gap in held]

    @classmethod
    def _made(
        cls, codes: Sequence[NDArray[Any]], ends: list[tuple[int, int, bool]], free: set[int], room: int
    ) -> Grid | None:
        low, gaps = [one for one, _, _ in ends], [gap for _, _, gap in ends]
        span = [high - one + 1 + gap for one, high, gap in ends]
        base = int(np.argmax(span))
        if span[base] > room:
            return None
        work = np.empty((4, len(codes[0])), dtype=np.int64)
        _set_digits(codes[base], low[base], span[base], gaps[base], work[1])
        follows, stride, size = {}, [0] * len(codes), span[base]
        for k in (k for k in reversed(range(len(codes))) if k != base):  # the last key runs fastest
            _set_digits(codes[k], low[k], span[k], gaps[k], work[2])
            table = None if k in free else _table(work[1], span[base], work[2])
            if table is not None:
                follows[k] = table
                continue
            stride[k] = size // span[base]
            size *= span[k]
            if size > room:
                return None
        stride[base] = size // span[base]
        return cls(low, span, gaps, stride, base, follows, size, work)

    def place(self, codes: Sequence[NDArray[Any]], free: set[int]) -> Ints | None:
        """The cell of each row; None where a code does not fit, or does not follow as it did.

        It is good until the next call.
        """
        if len(codes[0]) > self.work.shape[1]:
            self.work = np.empty((4, len(codes[0])), dtype=np.int64)
        place: Ints
        place, base, digits, known = self.work[:, : len(codes[0])]
        if not self._set(self.base, codes, base):
            return None
        np.multiply(base, self.stride[self.base], out=place)
        for k in (k for k in range(len(codes)) if k != self.base):
            if not self._set(k, codes, digits):
                return None
            if self.stride[k]:
                np.multiply(digits, self.stride[k], out=digits)
                np.add(place, digits, out=place)
            elif not _follow(self.follows[k], base, digits, known):
                free.add(k)
                return None
        return place

    def keys(self, there: Ints) -> list[NDArray[Any]]:
        """Codes of cells."""
        order = sorted((k for k, step in enumerate(self.stride) if step), key=lambda k: -self.stride[k])
        cells = np.zeros([self.span[k] for k in order], dtype=bool)
        cells.reshape(-1)[there] = True
        digits: dict[int, Any] = dict(zip(order, np.nonzero(cells), strict=True))
        digits |= {k: table[digits[self.base]] for k, table in self.follows.items()}
        for k, (low, high, gap) in enumerate(self.ends()):
            digits[k] += low
            if gap:
                digits[k][digits[k] == high + 1] = GAP
        return [digits[k] for k in range(len(digits))]

    def _set(self, k: int, codes: Sequence[NDArray[Any]], out: Ints) -> bool:
        return _set_digits(codes[k], self.low[k], self.span[k], self.gaps[k], out)


def _joined(one: tuple[int, int, bool], two: tuple[int, int, bool]) -> tuple[int, int, bool]:
    return min(one[0], two[0]), max(one[1], two[1]), one[2] or two[2]


def _roomy(now: tuple[int, int, bool], before: tuple[int, int, bool]) -> tuple[int, int, bool]:
    """Both, and half as many codes again where there are new ones: more may come."""
    low, high, gap = _joined(now, before)
    more = (high - low) // 2
    return low - more * (low < before[0]), high + more * (high > before[1]), gap


def _set_digits(codes: Ints, low: int, span: int, gaps: bool, out: Ints) -> bool:
    """Write the digits of codes; False where one does not fit."""
    np.subtract(codes, low, out=out)
    if _largest(out) < span - gaps:
        return True
    if not gaps:
        return False
    none = codes == GAP
    out[none] = 0
    fits = _largest(out) < span - 1
    out[none] = span - 1
    return fits


def _largest(digits: Ints) -> int:
    """Largest digit, where those below zero count as very large."""
    return int(digits.view(np.uint64).max(initial=0))


def _table(base: Ints, span: int, digits: Ints) -> Ints | None:
    """The digit that goes with each digit of the base, -1 where it is not met; None if there are several."""
    table = np.full(span, -1, dtype=np.int64)
    for rows in (slice(0, _TRIED), slice(None)):  # most that fail do so early
        table[base[rows]] = digits[rows]
        if not np.array_equal(table[base[rows]], digits[rows]):
            return None
    return table


def _follow(table: Ints, base: Ints, digits: Ints, known: Ints) -> bool:
    """Whether the key still follows; digits of a base that was not met are taken into the table."""
    np.take(table, base, out=known, mode="clip")  # the default copies, to check the range
    if np.array_equal(known, digits):
        return True
    new = known < 0
    table[base[new]] = digits[new]
    return bool(np.array_equal(table[base], digits))


def place_rows(keys: Sequence[NDArray[Any]], n_rows: int) -> tuple[Ints, int]:
    """The cell of each row, whatever its codes: a number below the size that is returned with it.

    Parameters
    ----------
    keys : sequence of arrays (n_rows,)
        Whole numbers, or floats, where NaN stands for a gap.
    n_rows : int

    Returns
    -------
    place : int array (n_rows,)
    size : int
        Not much above ``n_rows``.

    Examples
    --------
    >>> place, size = place_rows([np.array([10, 10, 20]), np.array([5, 6, 5])], 3)
    >>> len(set(place.tolist())), int(place.max()) < size
    (3, True)
    """
    place, size = np.zeros(n_rows, dtype=np.int64), 1
    room = 16 * n_rows + 4096
    for values in keys:
        number, span = _spanned(values)
        if size * span > room:
            place, size = _packed(place, size)
        place = place * span + number
        size *= span
        if size > room:
            place, size = _packed(place, size)
    return place, size


def _packed(place: Ints, size: int) -> tuple[Ints, int]:
    """The same cells without those that no row is in."""
    import pandas as pd

    codes, found = pd.factorize(place)
    return codes.astype(np.int64, copy=False), max(len(found), 1)


def _spanned(values: NDArray[Any]) -> tuple[Ints, int]:
    """Digits from 0, one of them for a gap, and how many there may be."""
    if values.dtype.kind == "f" or is_wide(values) or not len(values):
        import pandas as pd

        codes, found = pd.factorize(values)
        return codes.astype(np.int64) + 1, len(found) + 1
    low, high, gaps = ends_of(values)
    digits = values - low
    if gaps:
        digits[values == GAP] = high - low + 1
    return digits, high - low + 2
