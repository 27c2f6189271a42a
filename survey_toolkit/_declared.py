"""Codes that a file declares missing are no values: they are taken out where data enter an estimate.

A frame as read keeps such codes (98 hours, "don't know"), because they are evidence and are written back. An
estimate that took them for values would be wrong in silence.
"""

from __future__ import annotations

import functools
import json
import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import narwhals.stable.v2 as nw

from survey_toolkit._engine import cursor

__all__ = ["METADATA_KEY", "Ranges", "declared_missing", "known_values"]

#: Under which the descriptions of columns stand in a Parquet file that this toolkit wrote.
METADATA_KEY: Final = "survey_toolkit"

#: Columns to the closed ranges of their codes that are no answer.
Ranges: TypeAlias = Mapping[str, Sequence[tuple[Any, Any]]]


def declared_missing(data: Any) -> Ranges:
    """Codes declared missing: by a ``Microdata``, or in a Parquet file that this toolkit wrote.

    Anything else declares none.
    """
    if hasattr(data, "frame") and hasattr(data, "variables"):
        return {name: [(m.low, m.high) for m in v.missing] for name, v in data.variables.items() if v.missing}
    if isinstance(data, str | os.PathLike) and Path(data).suffix.lower() in (".parquet", ".pq"):
        return _stored(Path(data))
    return {}


def _stored(file: Path) -> Ranges:
    """From the key-value metadata; a file that cannot be opened is told of by whoever reads its rows."""
    import duckdb

    query = "SELECT value FROM parquet_kv_metadata(?) WHERE key = ?"
    try:
        rows = cursor().execute(query, [str(file), METADATA_KEY.encode()]).fetchall()
        items = json.loads(bytes(rows[0][0])) if rows else []
        return {item["name"]: [(m[0], m[1]) for m in item["missing"]] for item in items if item["missing"]}
    except (duckdb.Error, ValueError, KeyError, TypeError, IndexError):
        return {}


def known_values(frame: nw.LazyFrame[Any], declared: Ranges) -> nw.LazyFrame[Any]:
    """Turn codes declared missing into null; other columns are left alone.

    Parameters
    ----------
    frame : narwhals LazyFrame
        Null-aware.
    declared : Ranges
        Numbers apply to numeric columns, text (blanks at its ends do not count) to columns of text.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"hours": pd.array([12, 98, 40], dtype="Int64")})).lazy()
    >>> known_values(frame, {"hours": [(97, 99)]}).collect()["hours"].to_list()
    [12, <NA>, 40]
    """
    schema = frame.collect_schema()
    masked = []
    for name, ranges in declared.items():
        dtype = schema.get(name)
        inside = [] if dtype is None else [_inside(nw.col(name), dtype, *ends) for ends in ranges]
        found = [condition for condition in inside if condition is not None]
        if found:
            masked.append(nw.when(~functools.reduce(operator.or_, found)).then(nw.col(name)).alias(name))
    return frame.with_columns(*masked) if masked else frame


def _inside(column: nw.Expr, dtype: Any, low: Any, high: Any) -> nw.Expr | None:
    """Whether a value is in the range; None where the range is of another kind than the column."""
    if isinstance(low, str):
        return column.str.strip_chars() == low.strip() if dtype == nw.String else None
    return (column >= low) & (column <= high) if dtype.is_numeric() else None
