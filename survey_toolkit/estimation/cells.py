"""The only place that touches rows: one group-by, pushed down to the engine that holds the data.

A :class:`~.measures.Query` says what to sum; :func:`collect_cells` turns it into one group-by over
(stratum, PSU, domain) and brings back one numpy array a column. Nothing else in the room sees a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import LazyFrame, collected
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.measures import PREFIX, Query, base_columns, measures

__all__ = [
    "Cells",
    "collect_cells",
    "compact",
    "count_bad_weights",
    "factorize",
    "is_missing",
    "order_of",
    "sum_by",
]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Sums by cell, C cells; see :class:`~.measures.Query` for the meaning.

    Attributes
    ----------
    strata, units : tuple of arrays (C,)
        Codes by stage.
    popsize_min, popsize_max : tuple of arrays (C,)
        Range of each FPC column in the cell.
    by : tuple of arrays (C,)
        Domain codes; None where missing.
    category : array (C,) or None
    sums : dict of str to array (C,)
        Over all rows ``rows``, ``weighted`` (w > 0) and ``bad`` (w missing, negative or infinite);
        ``where_null``; over rows of the subpopulation ``domain, domain_weighted``; over valid rows
        ``n, n_weighted, w, wx, wxx`` and by outcome j ``wy{j}, pos{j}``, and ``wyy{j}, wxy{j}, other{j}``
        where asked; ``undetermined, w_undetermined``.
    """

    strata: tuple[NDArray[Any], ...]
    units: tuple[NDArray[Any], ...]
    popsize_min: tuple[Floats, ...]
    popsize_max: tuple[Floats, ...]
    by: tuple[NDArray[Any], ...]
    category: NDArray[Any] | None
    sums: dict[str, Floats]


def collect_cells(frame: LazyFrame, design: SurveyDesign, query: Query) -> Cells:
    """Sum a query by design cell and domain, in one pass over the rows.

    Parameters
    ----------
    frame : narwhals LazyFrame
        Null-aware (:func:`survey_toolkit._frames.null_aware`).
    design : SurveyDesign
    query : Query

    Returns
    -------
    Cells
        Sorted by no particular order. Without PSUs, or with ``values="rows"``, every row is a cell.
    """
    stages = design.n_stages
    strata, units = tuple(design.strata or ())[:stages], tuple(design.psu or ())[:stages]
    fpc = tuple(design.fpc or ())[:stages]
    keys = {f"{PREFIX}h{s}": nw.col(name) for s, name in enumerate(strata)}
    keys |= {f"{PREFIX}u{s}": nw.col(name) for s, name in enumerate(units)}
    keys |= {f"{PREFIX}d{i}": nw.col(name) for i, name in enumerate(query.by)}
    if query.replicates:
        keys[f"{PREFIX}k"] = nw.lit(0)  # the producer's weights hold the design: rows are summed in any case
    if query.category is not None:
        keys[f"{PREFIX}c"] = query.category
    if query.values == "cells":
        keys[f"{PREFIX}v"] = query.outcomes[0].cast(nw.Float64)
    asked = measures(design, query)
    fpcs = {f"{PREFIX}f{s}": nw.col(name).cast(nw.Float64) for s, name in enumerate(fpc)}
    rows = frame.with_columns(**base_columns(design, query)).select(
        **{name: expr.alias(name) for name, expr in {**keys, **asked.by_row(), **fpcs}.items()}
    )
    if (units or query.replicates) and query.values != "rows":
        rows = rows.group_by(*keys).agg(
            *asked.aggregates(),
            *(nw.col(name).min().alias(f"{name}_min") for name in fpcs),
            *(nw.col(name).max().alias(f"{name}_max") for name in fpcs),
        )
    else:
        ends = (nw.col(name).alias(f"{name}_{end}") for name in fpcs for end in ("min", "max"))
        rows = rows.select(*keys, *(nw.col(name).fill_null(0.0) for name in asked.by_row()), *ends)
    arrays = _to_numpy(rows)
    summed = list(asked.by_row())
    if query.values == "cells":
        arrays[f"{PREFIX}y0"] = arrays[f"{PREFIX}v"]
        summed.append(f"{PREFIX}y0")
    return Cells(
        strata=tuple(arrays[f"{PREFIX}h{s}"] for s in range(len(strata))),
        units=tuple(arrays[f"{PREFIX}u{s}"] for s in range(len(units))),
        popsize_min=tuple(_float(arrays[f"{name}_min"]) for name in fpcs),
        popsize_max=tuple(_float(arrays[f"{name}_max"]) for name in fpcs),
        by=tuple(arrays[f"{PREFIX}d{i}"] for i in range(len(query.by))),
        category=arrays.get(f"{PREFIX}c"),
        sums=_derived(
            {name.removeprefix(PREFIX): _float(arrays[name], missing=0.0) for name in summed},
            query.values == "rows",
        ),
    )


def _derived(sums: dict[str, Floats], rows: bool) -> dict[str, Floats]:
    """Counts that follow from others, where the engine was not asked for them."""
    if rows:
        weighted = (sums.pop("w_own") > 0).astype(np.float64)
        sums |= {"rows": np.ones(len(weighted)), "weighted": weighted, "n_weighted": sums["n"] * weighted}
        sums |= {"wy0": sums["w"] * sums["y0"], "pos0": sums["n"] * (sums["y0"] != 0)}
        sums["row"] = np.arange(len(weighted), dtype=np.float64)  # some quantile rules depend on the order
        if "domain" in sums:
            sums["domain_weighted"] = sums["domain"] * weighted
    sums.setdefault("domain", sums["rows"])
    sums.setdefault("domain_weighted", sums["weighted"])
    sums.setdefault("undetermined", sums["domain"] - sums["n"])
    return sums


def count_bad_weights(frame: LazyFrame, weight: str) -> dict[str, int]:
    """Rows by what is wrong with their weight; asked only once something is."""
    w = nw.col(weight).cast(nw.Float64)
    kinds = {"missing": w.is_null(), "negative": w < 0, "infinite": ~w.is_finite()}
    flags = frame.select(**{name: nw.when(kind).then(nw.lit(1.0)) for name, kind in kinds.items()})
    arrays = _to_numpy(flags.select(*(nw.col(name).sum() for name in kinds)))
    return {name: int(_float(values, missing=0.0)[0]) for name, values in arrays.items()}


def _to_numpy(rows: LazyFrame) -> dict[str, NDArray[Any]]:
    """Bring a small aggregate into memory, one array a column; nulls of key columns become None."""
    if rows.implementation.is_duckdb():
        return {name: _unmask(column) for name, column in rows.to_native().fetchnumpy().items()}
    frame = collected(rows)
    plain = not frame.implementation.is_pandas_like()  # elsewhere a gap that is no float is None already
    out: dict[str, NDArray[Any]] = {}
    for name in frame.columns:
        column = frame[name]
        if column.null_count() or not column.dtype.is_numeric():
            items = column.to_list()
            if not plain or column.dtype.is_float():
                items = [None if is_missing(v) else v for v in items]
            out[name] = np.array([*items, None], dtype=object)[:-1]
        else:
            out[name] = column.to_numpy()
    return out


def _unmask(column: Any) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        values = np.array(column.data, dtype=object if np.any(column.mask) else None)
        if np.any(column.mask):
            values[column.mask] = None
        return values
    return np.asarray(column)


def _float(values: NDArray[Any], missing: float = np.nan) -> Floats:
    if values.dtype == object:
        values = np.array([missing if v is None else v for v in values], dtype=np.float64)
    return np.asarray(values, dtype=np.float64)


def factorize(values: NDArray[Any]) -> tuple[list[Any], Ints]:
    """Sorted distinct codes and the position of each value among them; -1 for missing.

    Parameters
    ----------
    values : array (C,)
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
    if values.dtype.kind in "iu":
        distinct, index = compact(values.astype(np.int64))
        return distinct.tolist(), index
    items = values.tolist()
    codes = {item: _plain(item) for item in dict.fromkeys(items)}
    unique = sorted({c for c in codes.values() if c is not None}, key=_sort_key)
    place = {code: i for i, code in enumerate(unique)} | {None: -1}
    position = {item: place[code] for item, code in codes.items()}
    return unique, np.fromiter(map(position.__getitem__, items), dtype=np.int64, count=len(items))


def compact(keys: Ints) -> tuple[Ints, Ints]:
    """Sorted distinct keys and the place of each: ``np.unique`` without a sort where the range is small.

    Examples
    --------
    >>> compact(np.array([7, 3, 7]))
    (array([3, 7]), array([1, 0, 1]))
    """
    if not len(keys):
        return keys, keys
    low, high = int(keys.min()), int(keys.max())
    if high - low > 16 * len(keys) + 4096:
        distinct, index = np.unique(keys, return_inverse=True)
        return distinct, index.reshape(-1)
    there = np.zeros(high - low + 1, dtype=bool)
    there[keys - low] = True
    found = np.flatnonzero(there)
    place = np.empty(len(there), dtype=np.int64)
    place[found] = np.arange(len(found))
    return found + low, place[keys - low]


def order_of(keys: Ints) -> Ints:
    """Stable sorting order: without a sort where keys are distinct and their range is small.

    Examples
    --------
    >>> order_of(np.array([7, 3, 5]))
    array([1, 2, 0])
    """
    low, high = (int(keys.min()), int(keys.max())) if len(keys) else (0, 0)
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
    return np.bincount(index, values, minlength=n).astype(np.float64)


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
