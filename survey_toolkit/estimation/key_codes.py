"""Codes of strata, sampling units and domains as whole numbers, and back.

Rows come block by block, and a code has the same number in every block. Whole numbers stand for themselves
where they lie close together; texts, and numbers that lie far apart as codes of areas do, are numbered as
they are met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit.estimation.codes import Coded, Column, Ints

__all__ = ["GAP", "Coder", "ends_of", "is_wide"]

#: Number of a missing code.
GAP: Final = int(np.iinfo(np.int64).min)

_UNMET: Final = GAP + 1
_FEW: Final = 16  # rows a distinct code, at least, for codes to be numbered


@dataclass(slots=True)
class Coder:
    """The keys of a group-by.

    Attributes
    ----------
    kinds : dict of str to {"bool", "int", "float", "text"}
    numbers : dict of str to dict
        Of keys that are numbered: code to number.
    tables : dict of str to (column, array)
        For texts that Polars numbered: a column with its numbers, and ours for each of them.
    met : bool
        Whether a block was seen.
    """

    kinds: dict[str, str]
    numbers: dict[str, dict[Any, int]] = field(default_factory=dict)
    tables: dict[str, tuple[Any, Ints]] = field(default_factory=dict)
    met: bool = False

    @classmethod
    def of(cls, schema: Mapping[str, Any], keys: Sequence[str]) -> Coder | None:
        """None where a key is no whole number, float, text or Boolean."""
        kinds = {name: _kind(schema[name]) for name in keys}
        if "" in kinds.values():
            return None
        return cls(kinds, {name: {} for name, kind in kinds.items() if kind == "text"})

    def wanted(self, name: str, key: nw.Expr) -> nw.Expr:
        """A key as it is wanted in a block: engines number texts faster than we do."""
        if self.kinds[name] == "text":
            return key.cast(nw.String).cast(nw.Categorical)
        return key.cast(nw.Float64 if self.kinds[name] == "float" else nw.Int64)

    def encode(self, block: Mapping[str, Any]) -> list[NDArray[Any]]:
        """Numbers of the keys of one block, (rows,) each; floats that are not numbered stay floats.

        Parameters
        ----------
        block : mapping of str to narwhals Series
            The columns of :meth:`wanted`.
        """
        plain = {name: _values(block[name], kind) for name, kind in self.kinds.items() if kind != "text"}
        if not self.met:  # what the first block shows holds for all
            self.numbers |= {name: {} for name, values in plain.items() if _to_be_numbered(values)}
            self.met = True
        return [self._number(name, block[name], plain.get(name)) for name in self.kinds]

    def _number(self, name: str, column: Any, values: NDArray[Any] | None) -> NDArray[Any]:
        if name not in self.numbers:
            assert values is not None
            return values
        known = self._known(name, column) if name in self.tables else None
        if known is not None:
            return known
        met = self.numbers[name]
        codes, own, words = _physical(column) if values is None else _factorized(values)
        number = np.full(int(own.max(initial=-1)) + 2, _UNMET, dtype=np.int64)
        for word, at in sorted(zip(words, own.tolist(), strict=True)):  # sorted, so that cells mostly are
            number[at] = met.setdefault(word, len(met))
        number[-1] = GAP  # -1 in codes
        if values is None and column.implementation.is_polars():
            self.tables[name] = column, number  # while a column is held, its numbers hold for all
        return number[codes]

    def _known(self, name: str, column: Any) -> Ints | None:
        """Numbers of texts that were all met in the block before; None where some were not."""
        table, codes = self.tables[name][1], _polars_codes(column.to_native())
        if int(codes.max(initial=0)) >= len(table) - 1:
            return None
        number = table[codes]
        return None if (number == _UNMET).any() else number

    def decode(self, name: str, numbers: NDArray[Any]) -> Column:
        """Codes of cells as they stand in the data; missing where the number is GAP, or NaN."""
        if numbers.dtype.kind == "f":
            values = numbers.astype(object)
            values[np.isnan(numbers)] = None
            return values if len(numbers) and np.isnan(numbers).any() else numbers
        if name in self.numbers:
            words = list(self.numbers[name])
            order = sorted(range(len(words)), key=words.__getitem__)
            rank = np.full(len(words) + 1, -1, dtype=np.int64)
            rank[order] = np.arange(len(words))
            return Coded([words[i] for i in order], rank[np.where(numbers == GAP, -1, numbers)])
        if not len(numbers) or is_wide(numbers, len(numbers) // 16):
            values, gaps = numbers.astype(object), numbers == GAP
            values[gaps] = None
            return values if gaps.any() else numbers
        low, high, gaps = ends_of(numbers)
        index = numbers - low
        if gaps:
            index[numbers == GAP] = -1
        codes = range(low, high + 1)
        return Coded([bool(code) for code in codes] if self.kinds[name] == "bool" else list(codes), index)


def ends_of(numbers: Ints) -> tuple[int, int, bool]:
    """Smallest and largest number, gaps left out, and whether there are gaps.

    Examples
    --------
    >>> ends_of(np.array([7, GAP, 5]))
    (5, 7, True)
    """
    low, high = int(numbers.min()), int(numbers.max())
    if low != GAP:
        return low, high, False
    high = max(high, -(2**62))  # nothing but gaps
    return int(numbers.min(where=numbers != GAP, initial=high)), high, True


def is_wide(numbers: NDArray[Any], room: int | None = None) -> bool:
    """Whether whole numbers lie so far apart that an array over their range would be a waste.

    Parameters
    ----------
    numbers : int array
    room : int, optional
        What an array may hold beside some thousands; 16 times as many as there are numbers.

    Examples
    --------
    >>> is_wide(np.array([7, 5])), is_wide(np.array([7, 10_000_000]))
    (False, True)
    """
    if not len(numbers):
        return False
    low, high, _ = ends_of(numbers)
    return high - low > (16 * len(numbers) if room is None else room) + 4096


def _kind(dtype: Any) -> str:
    if dtype == nw.Boolean:
        return "bool"
    if dtype.is_integer() and dtype not in (nw.UInt64, nw.Int128, nw.UInt128):
        return "int"
    if dtype in (nw.Float64, nw.Float32):
        return "float"
    return "text" if dtype in (nw.String, nw.Categorical, nw.Enum) else ""


def _values(column: Any, kind: str) -> NDArray[Any]:
    gap, dtype = (float("nan"), np.float64) if kind == "float" else (GAP, np.int64)
    return np.asarray((column.fill_null(gap) if column.null_count() else column).to_numpy(), dtype=dtype)


def _to_be_numbered(values: NDArray[Any]) -> bool:
    """Floats and whole numbers far apart, if there are few."""
    if values.dtype.kind != "f" and not is_wide(values):
        return False
    import pandas as pd

    return len(pd.unique(values)) * _FEW <= len(values)


def _factorized(values: NDArray[Any]) -> tuple[Ints, Ints, list[Any]]:
    """Own number of each value (-1: a gap), the numbers, and the values that they stand for."""
    import pandas as pd

    codes, found = pd.factorize(values)  # of floats, NaN is -1
    own = np.flatnonzero(found != GAP)
    if len(own) < len(found):
        codes = np.where(found[codes] == GAP, -1, codes)
    return codes, own, found[own].tolist()


def _physical(column: Any) -> tuple[Ints, Ints, list[str]]:
    """The same for a categorical column, by the numbers of its engine."""
    native = column.to_native()
    if column.implementation.is_polars():
        codes = _polars_codes(native)
        rows, own = _any_rows(codes)
        return codes, own, [native.item(at) for at in rows]
    if column.implementation.is_pandas_like():
        categories = native.cat.categories.tolist()
        return native.cat.codes.to_numpy(), np.arange(len(categories)), categories
    whole = native.combine_chunks()
    whole = whole.chunk(0) if hasattr(whole, "num_chunks") else whole
    codes = whole.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    categories = whole.dictionary.to_pylist()
    return codes, np.arange(len(categories)), categories


def _polars_codes(column: Any) -> NDArray[Any]:
    """The numbers by which Polars holds a categorical column; -1 for a gap."""
    import polars as pl

    numbers = column.to_physical()
    codes = numbers.cast(pl.Int64).fill_null(-1) if numbers.null_count() else numbers
    return np.asarray(codes.to_numpy())


def _any_rows(codes: Ints) -> tuple[list[int], Ints]:
    """The numbers there are but -1, and for each of them some row that has it."""
    own = np.flatnonzero(np.bincount(codes[codes >= 0] if codes.dtype.kind == "i" else codes))
    if len(own) <= _FEW:
        return [int(np.argmax(codes == number)) for number in own], own
    row = np.empty(int(own[-1]) + 2, dtype=np.int64)
    row[codes] = np.arange(len(codes))
    return row[own].tolist(), own
