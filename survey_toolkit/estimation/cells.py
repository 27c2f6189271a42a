"""From rows to cells: one group-by, where the data are.

A :class:`~.measures.Query` says what to sum; :func:`collect_cells` turns it into one group-by over
(stratum, PSU, domain): in arrays for rows in memory (:mod:`.grouping`), pushed down to the engine for all
others. It brings back one column a key and one array a sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import LazyFrame, collected, in_memory
from survey_toolkit.estimation.codes import Column, Floats
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.grouping import Grouped, group_rows
from survey_toolkit.estimation.measures import PREFIX, Measures, Query, base_columns, measures

__all__ = ["Cells", "collect_cells", "count_bad_weights"]


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

    strata: tuple[Column, ...]
    units: tuple[Column, ...]
    popsize_min: tuple[Floats, ...]
    popsize_max: tuple[Floats, ...]
    by: tuple[Column, ...]
    category: Column | None
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
    frame = frame.with_columns(**base_columns(design, query))
    summed = bool(units or query.replicates) and query.values != "rows"
    grouped = group_rows(frame, keys, asked, fpcs) if summed and in_memory(frame) else None
    arrays: Mapping[str, Column]
    arrays = _of(grouped) if grouped else _to_numpy(_pushed_down(frame, keys, asked, fpcs, summed))
    measured = [PREFIX + name for name in asked.names()]
    if query.values == "cells":
        arrays = {**arrays, f"{PREFIX}y0": arrays[f"{PREFIX}v"]}
        measured.append(f"{PREFIX}y0")
    return Cells(
        strata=tuple(arrays[f"{PREFIX}h{s}"] for s in range(len(strata))),
        units=tuple(arrays[f"{PREFIX}u{s}"] for s in range(len(units))),
        popsize_min=tuple(_float(arrays[f"{name}_min"]) for name in fpcs),
        popsize_max=tuple(_float(arrays[f"{name}_max"]) for name in fpcs),
        by=tuple(arrays[f"{PREFIX}d{i}"] for i in range(len(query.by))),
        category=arrays.get(f"{PREFIX}c"),
        sums=_derived(
            {name.removeprefix(PREFIX): _float(arrays[name], missing=0.0) for name in measured},
            query.values == "rows",
        ),
    )


def _pushed_down(
    frame: LazyFrame, keys: dict[str, nw.Expr], asked: Measures, fpcs: dict[str, nw.Expr], summed: bool
) -> LazyFrame:
    """The sums by cell as a query of the engine; every row by itself where none are summed."""
    rows = frame.select(
        **{name: expr.alias(name) for name, expr in {**keys, **asked.by_row(), **fpcs}.items()}
    )
    if summed:
        return rows.group_by(*keys).agg(
            *asked.aggregates(),
            *(nw.col(name).min().alias(f"{name}_min") for name in fpcs),
            *(nw.col(name).max().alias(f"{name}_max") for name in fpcs),
        )
    ends = (nw.col(name).alias(f"{name}_{end}") for name in fpcs for end in ("min", "max"))
    return rows.select(*keys, *(nw.col(name).fill_null(0.0) for name in asked.by_row()), *ends)


def _of(grouped: Grouped) -> dict[str, Column]:
    """Sums made in memory under the names that an engine gives."""
    return (
        dict(grouped.keys)
        | {PREFIX + name: values for name, values in grouped.sums.items()}
        | {f"{name}_min": values for name, values in grouped.low.items()}
        | {f"{name}_max": values for name, values in grouped.high.items()}
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
    return {column.name: _array(column) for column in frame.iter_columns()}


def _array(column: Any) -> NDArray[Any]:
    """One column; what is no number, or lacks some, as objects with None for a gap."""
    if column.dtype.is_numeric() and not column.null_count():
        return np.asarray(column.to_numpy())
    if column.implementation.is_pandas_like():
        values = np.array(column.to_native().to_numpy(dtype=object))
        values[column.is_null().to_numpy()] = None
        return values
    if column.dtype.is_float():
        numbers = np.asarray(column.fill_null(float("nan")).to_numpy())
        values = numbers.astype(object)
        values[np.isnan(numbers)] = None
        return values
    return np.array([*column.to_list(), None], dtype=object)[:-1]


def _unmask(column: Any) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        values = np.array(column.data, dtype=object if np.any(column.mask) else None)
        if np.any(column.mask):
            values[column.mask] = None
        return values
    return np.asarray(column)


def _float(column: Column, missing: float = np.nan) -> Floats:
    values = np.asarray(column)
    if values.dtype == object:
        values = np.array([missing if v is None else v for v in values], dtype=np.float64)
    return np.asarray(values, dtype=np.float64)
