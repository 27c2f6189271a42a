"""The group-by over rows that lie in memory, in arrays: no hash table where a design has few cells.

Codes are whole numbers (:mod:`.key_codes`), and a cell is the place that they make together in a grid
(:mod:`.grid`); what is to be summed is added into it. Most conditions hold for all rows or for none, and cost
nothing then. Rows come block by block, while the engine reads on, and never have to fit in memory together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import LazyFrame
from survey_toolkit.estimation.codes import Column, Floats, Ints, sum_by
from survey_toolkit.estimation.grid import Grid, place_rows
from survey_toolkit.estimation.key_codes import Coder
from survey_toolkit.estimation.measures import Measures

__all__ = ["Grouped", "group_rows"]

_BLOCK: Final = 100_000  # rows: as Polars streams them, and their columns stay in the cache of a core
_ROOM: Final = 2**23  # sums in the cells of a grid
_MERGE: Final = 2**20  # cells of parts kept before they are added up
_TRIED: Final = 3  # parts, after which it is clear whether they have cells in common
_SHARE: Final = 2  # rows a cell, at least, for parts to be added up here
_WIDE: Final = 64  # measures; more, as with replicate weights, are left to the engine


@dataclass(frozen=True, slots=True)
class Grouped:
    """Sums by cell, C cells.

    Attributes
    ----------
    keys : dict of str to Column (C,)
        Codes; None where missing.
    sums : dict of str to float array (C,)
    low, high : dict of str to float array (C,)
        Smallest and largest value in the cell; NaN where there is none.
    """

    keys: dict[str, Column]
    sums: dict[str, Floats]
    low: dict[str, Floats]
    high: dict[str, Floats]


def group_rows(
    frame: LazyFrame, keys: Mapping[str, nw.Expr], asked: Measures, ranges: Mapping[str, nw.Expr]
) -> Grouped | None:
    """Sum measures by cell over rows that lie in memory, or that Polars streams.

    Parameters
    ----------
    frame : narwhals LazyFrame
        Null-aware, of Polars, pandas or pyarrow.
    keys : mapping of str to Expr
        What makes a cell.
    asked : Measures
    ranges : mapping of str to Expr
        Of which the smallest and largest value of a cell are wanted.

    Returns
    -------
    Grouped or None
        None where this is left to the engine: keys of other types than numbers, Booleans and text, very many
        measures, almost as many cells as rows, a Polars that cannot stream.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit._frames import null_aware
    >>> frame = pd.DataFrame({"psu": [7, 7, 9, 9], "sex": ["F", None, "F", "F"], "w": [1, 2, 3, 4]})
    >>> rows = null_aware(frame)
    >>> asked = Measures(counts={"rows": None}, sums={"w": (nw.col("w") > 1, nw.col("w"))})
    >>> done = group_rows(rows, {"psu": nw.col("psu"), "sex": nw.col("sex")}, asked, {})
    >>> sorted(zip(np.asarray(done.keys["psu"]).tolist(), done.sums["w"].tolist(), strict=True))
    [(7, 0.0), (7, 2.0), (9, 7.0)]
    """
    coder = Coder.of(frame.select(**keys).collect_schema(), list(keys))
    if coder is None or len(asked.names()) > _WIDE or not _streams(frame):
        return None
    plan = _Plan.of(asked, list(ranges))
    wanted = {name: coder.wanted(name, expr) for name, expr in keys.items()}
    with np.errstate(invalid="ignore"):  # of infinite weights, which are counted and refused
        part = _summed(_blocks(frame.select(**wanted, **plan.columns, **ranges), coder), coder, plan)
    if part is None:
        return None
    return Grouped(
        keys={name: coder.decode(name, codes) for name, codes in zip(keys, part.keys, strict=True)},
        sums=part.sums,
        low=part.low,
        high=part.high,
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which column of a block holds which condition and value; what measures share is evaluated once.

    Attributes
    ----------
    columns : dict of str to Expr
    counts : dict of str to str or None
        Column of the condition.
    sums : dict of str to (str or None, str)
        Columns of condition and value.
    ranges : list of str
    conditions, values : list of str
        Columns of the conditions, and of the values, each once.
    """

    columns: dict[str, nw.Expr]
    counts: dict[str, str | None]
    sums: dict[str, tuple[str | None, str]]
    ranges: list[str]
    conditions: list[str]
    values: list[str]

    @classmethod
    def of(cls, asked: Measures, ranges: list[str]) -> _Plan:
        columns: dict[str, nw.Expr] = {}
        known: dict[int, str] = {}  # the expressions are held by ``asked``: no two have one id

        def column(expr: nw.Expr) -> str:
            if id(expr) not in known:
                known[id(expr)] = f"__m{len(known)}"
                columns[known[id(expr)]] = expr
            return known[id(expr)]

        counts = {name: None if at is None else column(at) for name, at in asked.counts.items()}
        sums = {
            name: (None if at is None else column(at), column(value))
            for name, (at, value) in asked.sums.items()
        }
        used = [*counts.values(), *(at for at, _ in sums.values())]
        return cls(
            columns,
            counts,
            sums,
            ranges,
            conditions=list(dict.fromkeys(at for at in used if at is not None)),
            values=list(dict.fromkeys(value for _, value in sums.values())),
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """Cells of some blocks; keys as whole numbers (a gap is the lowest), or floats (a gap is NaN)."""

    keys: list[NDArray[Any]]
    n_rows: int
    sums: dict[str, Floats]
    low: dict[str, Floats]
    high: dict[str, Floats]

    @property
    def n_cells(self) -> int:
        """Cells, C."""
        return len(next(iter(self.sums.values())))


def _streams(frame: LazyFrame) -> bool:
    """Whether rows can be had block by block, or are there already."""
    return not frame.implementation.is_polars() or hasattr(frame.to_native(), "collect_batches")


def _blocks(frame: LazyFrame, coder: Coder) -> Iterator[Mapping[str, Any]]:
    """Columns block by block, always in the same order: sums are the same in every bit."""
    if frame.implementation.is_polars():
        for block in frame.to_native().collect_batches(chunk_size=_BLOCK, maintain_order=True):
            yield _columns(nw.from_native(block, eager_only=True))
        return
    rows: Any = frame.collect()
    columns = _columns(rows)
    columns |= {name: coder.number(name, columns[name]) for name in coder.texts()}  # once for all blocks
    for start in range(0, len(rows), _BLOCK):
        yield {name: column[start : start + _BLOCK] for name, column in columns.items()}


def _columns(block: Any) -> dict[str, Any]:
    return {column.name: column for column in block.iter_columns()}


def _summed(blocks: Iterator[Mapping[str, Any]], coder: Coder, plan: _Plan) -> _Part | None:
    """Add up blocks of rows: in one grid as long as their codes fit into it; None to leave it."""
    parts: list[_Part] = []
    grid: Grid | None = None
    sums = _Sums.of(plan, 0)
    free: set[int] = set()  # keys that were found not to follow from another
    for block in blocks:
        codes = coder.encode(block)
        place = grid.place(codes, free) if grid else None
        if place is not None:
            sums.add(place, block)
            continue
        if grid:
            parts.append(sums.part(grid.keys))
        grid = Grid.of(codes, grid, free, _ROOM // (len(plan.sums) + 1))
        place = grid.place(codes, free) if grid else None
        if grid and place is not None:
            sums = _Sums.of(plan, grid.size)
            sums.add(place, block)
        else:
            parts.append(_loose(codes, block, plan))
        if len(parts) == _TRIED and _n_cells(parts) * _SHARE > sum(part.n_rows for part in parts):
            return None
        parts = _kept(parts)
    if grid:
        parts.append(sums.part(grid.keys))
    if not parts:
        parts = [sums.part(lambda there: [there for _ in coder.kinds])]
    return parts[0] if len(parts) == 1 else _merged(parts)


def _kept(parts: list[_Part]) -> list[_Part]:
    """Parts added up now and then, so that few cells are kept apart; each time there are twice as many."""
    if _n_cells(parts[1:]) > max(_MERGE, _n_cells(parts[:1])):
        return [_merged(parts)]
    return parts


def _n_cells(parts: list[_Part]) -> int:
    return sum(part.n_cells for part in parts)


@dataclass(slots=True)
class _Count:
    """Rows for which a condition holds, kept by cell as departures from what holds for most rows."""

    usual: bool
    apart: Ints | None = None

    def add(self, place: Ints, mask: NDArray[np.bool_] | None, n: int, size: int) -> None:
        """Count a block of rows; ``mask`` is None where the condition holds for all of them, or for none."""
        if mask is None and bool(n) == self.usual:
            return
        rows = place if mask is None else place[np.flatnonzero(~mask if self.usual else mask)]
        if self.apart is None:
            self.apart = np.zeros(size, dtype=np.int64)
        np.add.at(self.apart, rows, 1)

    def total(self, rows: Floats, there: Any) -> Floats:
        """Rows of cells, where ``rows`` is the number of all."""
        if self.apart is None:
            return rows if self.usual else np.zeros(len(rows))
        apart = self.apart[there]
        return np.asarray(rows - apart if self.usual else apart, dtype=np.float64)


@dataclass(slots=True)
class _Sums:
    """What was added up by cell so far."""

    plan: _Plan
    rows: Ints
    counts: dict[str, _Count] = field(default_factory=dict)
    sums: dict[str, Floats] = field(default_factory=dict)
    low: dict[str, Floats] = field(default_factory=dict)
    high: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: _Plan, size: int) -> _Sums:
        """Nothing yet."""
        return cls(
            plan,
            rows=np.zeros(size, dtype=np.int64),
            sums={name: np.zeros(size) for name in plan.sums},
            low={name: np.full(size, np.nan) for name in plan.ranges},
            high={name: np.full(size, np.nan) for name in plan.ranges},
        )

    def add(self, place: Ints, block: Mapping[str, Any]) -> None:
        """Add a block of rows, given the cell of each."""
        np.add.at(self.rows, place, 1)
        held: dict[str | None, Any] = {None: slice(None)}
        needed = {where for where, _ in self.plan.sums.values()}
        for at in self.plan.conditions:
            mask, n = _mask(block[at])
            if at not in self.counts:
                self.counts[at] = _Count(2 * n > len(place))
            self.counts[at].add(place, mask, n, len(self.rows))
            if at in needed:
                held[at] = slice(None if n else 0) if mask is None else np.flatnonzero(mask)
        values = {name: _filled(block[name], 0.0) for name in self.plan.values}
        for name, (where, value) in self.plan.sums.items():
            _add(self.sums[name], place[held[where]], values[value][held[where]])
        for name in self.plan.ranges:
            ends = _filled(block[name], np.nan)
            np.fmin.at(self.low[name], place, ends)
            np.fmax.at(self.high[name], place, ends)

    def part(self, keys: Callable[[Ints], list[NDArray[Any]]]) -> _Part:
        """The cells that hold a row; ``keys`` gives their codes."""
        there = np.flatnonzero(self.rows)
        some = slice(None) if len(there) == len(self.rows) else there
        rows = self.rows[some].astype(np.float64)
        counts = {at: count.total(rows, some) for at, count in self.counts.items()}
        sums = {
            name: rows if at is None else counts.get(at, np.zeros(len(rows)))
            for name, at in self.plan.counts.items()
        }
        return _Part(
            keys=keys(there),
            n_rows=int(rows.sum()),
            sums=sums | {name: values[some] for name, values in self.sums.items()},
            low={name: values[some] for name, values in self.low.items()},
            high={name: values[some] for name, values in self.high.items()},
        )


def _add(total: Floats, place: Ints, values: Floats) -> None:
    some = values != 0
    if np.count_nonzero(some) * 4 < len(values):  # as for a rare status
        rows = np.flatnonzero(some)
        place, values = place[rows], values[rows]
    np.add.at(total, place, values)


def _mask(column: Any) -> tuple[NDArray[np.bool_] | None, int]:
    """Rows for which a condition is known to hold, and their number; None for all and for none."""
    n = int(column.sum()) if len(column) else 0
    return (None if n in (0, len(column)) else np.asarray(_filled(column, False), dtype=bool)), n


def _filled(column: Any, value: Any) -> NDArray[Any]:
    """A column as an array, a value in place of null."""
    return np.asarray((column.fill_null(value) if column.null_count() else column).to_numpy())


def _loose(codes: list[NDArray[Any]], block: Mapping[str, Any], plan: _Plan) -> _Part:
    """One block whose codes make no grid."""
    place, size = place_rows(codes, len(next(iter(block.values()))))
    sums = _Sums.of(plan, size)
    sums.add(place, block)
    return sums.part(_of_any_row(codes, place, size))


def _of_any_row(
    codes: Sequence[NDArray[Any]], place: Ints, size: int
) -> Callable[[Ints], list[NDArray[Any]]]:
    """Codes of cells from any row of each: they agree in the keys."""
    row = np.empty(size, dtype=np.int64)
    row[place] = np.arange(len(place))
    return lambda there: [values[row[there]] for values in codes]


def _merged(parts: Sequence[_Part]) -> _Part:
    """Cells of several parts added up."""
    keys = [np.concatenate(columns) for columns in zip(*(part.keys for part in parts), strict=True)]
    place, size = place_rows(keys, sum(part.n_cells for part in parts))
    there = np.flatnonzero(np.bincount(place, minlength=size))
    sums, low, high = {}, {}, {}
    for name in parts[0].sums:
        sums[name] = sum_by(place, np.concatenate([part.sums[name] for part in parts]), size)[there]
    for name in parts[0].low:
        ends = np.full((2, size), np.nan)
        np.fmin.at(ends[0], place, np.concatenate([part.low[name] for part in parts]))
        np.fmax.at(ends[1], place, np.concatenate([part.high[name] for part in parts]))
        low[name], high[name] = ends[:, there]
    return _Part(_of_any_row(keys, place, size)(there), sum(part.n_rows for part in parts), sums, low, high)
