"""Blocks of rows out of DuckDB, with the types they have in the whole file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from survey_toolkit._declared import METADATA_KEY
from survey_toolkit.microdata._engine_room import connect
from survey_toolkit.microdata._parquet import read_parquet
from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata.model import Variable

__all__ = ["description", "empty_frame", "nullable", "quoted"]


def description(file: Path, folder: Path) -> dict[str, Variable]:
    """Descriptions that stand in a Parquet file this toolkit wrote; none otherwise."""
    from survey_toolkit.microdata._parquet import described_columns

    with contextlib.closing(connect()) as connection:
        try:
            stored = connection.execute(
                "SELECT value FROM parquet_kv_metadata(?) WHERE key = ?", [str(file), METADATA_KEY.encode()]
            ).fetchall()
        except Exception:
            read_parquet(file, folder, columns=None, limits=ReadLimits())  # tells what is wrong with it
            raise
    return described_columns(bytes(stored[0][0])) if stored else {}


#: Types of DuckDB to the nullable types of the toolkit; others stay as DuckDB gives them.
_TYPES = {"VARCHAR": "string", "BOOLEAN": "boolean", "DOUBLE": "Float64", "FLOAT": "Float64"} | dict.fromkeys(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "Int64"
)


def empty_frame(described: list[tuple[Any, ...]]) -> Any:
    """A frame without rows that has the columns and types of the file."""
    import pandas as pd

    text = pd.StringDtype("python", na_value=pd.NA)
    kinds = {
        row[0]: "Float64" if row[1].startswith("DECIMAL") else _TYPES.get(row[1], "object")
        for row in described
    }
    return pd.DataFrame({n: pd.Series([], dtype=text if k == "string" else k) for n, k in kinds.items()})


def nullable(array: Any, dtype: Any) -> Any:
    """An array of DuckDB, masked where it has nulls, as a nullable column; integers stay exact."""
    import numpy as np
    import pandas as pd

    mask = np.ma.getmaskarray(array)
    values = np.ma.getdata(array)
    kind = str(dtype)
    if kind == "Int64":
        return pd.Series(pd.arrays.IntegerArray(np.where(mask, 0, values).astype(np.int64), mask))
    if kind == "Float64":
        numbers = values.astype(np.float64)
        return pd.Series(pd.arrays.FloatingArray(np.where(mask, 0.0, numbers), mask | np.isnan(numbers)))
    if kind == "boolean":
        return pd.Series(pd.arrays.BooleanArray(np.where(mask, False, values).astype(bool), mask))
    if kind == "string":
        texts = np.asarray(values, dtype=object).copy()
        texts[mask] = pd.NA
        return pd.Series(texts, dtype=dtype)
    return pd.Series(np.ma.filled(array.astype(object), None) if mask.any() else values)


def quoted(path: Path) -> str:
    """A path as it stands between quotes in SQL."""
    return str(path).replace("'", "''")
