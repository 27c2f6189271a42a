"""Codes of strata, sampling units and domains as whole numbers, and back.

Rows come block by block, and a code has the same number in every block. Whole numbers stand for themselves
where they lie close together; texts, and numbers that lie far apart as codes of areas do, are numbered as
they are met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit.estimation.codes import Coded, Column, Ints, compact

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
        For texts: the first column, and our number for each of its engine's numbers. While a column is held,
        the numbers of Polars hold for all.
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
            The columns of :meth:`wanted`; texts may be numbers of :meth:`number` already.
        """
        plain = {name: _values(block[name], kind) for name, kind in self.kinds.items() if kind != "text"}
        if not self.met:  # what the first block shows holds for all
            self.numbers |= {name: {} for name, values in plain.items() if _to_be_numbered(values)}
            self.met = True
        return [
            self.number(name, block[name]) if kind == "text" else self._number(name, plain[name])
            for name, kind in self.kinds.items()
        ]

    def texts(self) -> list[str]:
        """Keys that hold text."""
        return [name for name, kind in self.kinds.items() if kind == "text"]

    def number(self, name: str, column: Any) -> Ints:
        """Numbers of a column of texts; a text has one number in all blocks.

        Parameters
        ----------
        name : str
        column : narwhals Series or int array
            Categorical, of one numbering of its engine in all blocks; or numbers already.
        """
        if isinstance(column, np.ndarray):
            return column
        codes, words_of = _physical(column)
        held, table = self.tables.get(name, (column, np.array([GAP])))
        top = int(codes.max(initial=0))
        if top >= len(table) - 1:
            table = np.concatenate([table[:-1], np.full(top + 2 - len(table), _UNMET), [GAP]])
        number: Ints = table[codes]  # a gap is -1: the last
        unmet = number == _UNMET
        if unmet.any():
            new = compact(codes[unmet].astype(np.int64))[0]
            self._meet(name, words_of(new), new, table)
            number[unmet] = table[codes[unmet]]
        self.tables[name] = held, table
        return number

    def _number(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        if name not in self.numbers:
            return values
        codes, own, words = _factorized(values)
        table = np.full(int(own.max(initial=-1)) + 2, GAP, dtype=np.int64)
        self._meet(name, words, own, table)
        return table[codes]

    def _meet(self, name: str, words: list[Any], at: Ints, table: Ints) -> None:
        """Enter the numbers of codes into a table; in sorted order, so that cells mostly are sorted."""
        met = self.numbers[name]
        for word, place in sorted(zip(words, at.tolist(), strict=True)):
            table[place] = met.setdefault(word, len(met))

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


def _physical(column: Any) -> tuple[NDArray[Any], Callable[[Ints], list[str]]]:
    """Number of each row of a categorical column by its engine, -1 for a gap, and what numbers stand for."""
    native = column.to_native()
    if column.implementation.is_polars():
        return _of_polars(native)
    if column.implementation.is_pandas_like():
        categories = native.cat.categories
        return native.cat.codes.to_numpy(), lambda numbers: categories[numbers].tolist()
    whole = native.combine_chunks()
    whole = whole.chunk(0) if hasattr(whole, "num_chunks") else whole
    codes = whole.indices.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, lambda numbers: whole.dictionary.take(numbers).to_pylist()


def _of_polars(column: Any) -> tuple[NDArray[Any], Callable[[Ints], list[str]]]:
    import polars as pl

    numbers = column.to_physical()
    codes = numbers.cast(pl.Int64).fill_null(-1) if numbers.null_count() else numbers
    held = np.asarray(codes.to_numpy())

    def words_of(numbers: Ints) -> list[str]:
        if len(numbers) <= _FEW:
            return [column.item(int(np.argmax(held == number))) for number in numbers]
        row = np.empty(int(held.max()) + 2, dtype=np.int64)
        row[held] = np.arange(len(held))  # some row of each number
        words: list[str] = column.gather(row[numbers]).cast(pl.String).to_list()
        return words

    return held, words_of
