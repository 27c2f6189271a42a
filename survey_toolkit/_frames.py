"""The one boundary where a user's frame becomes null-aware and engine-neutral.

On plain float pandas ``NaN == 1`` is False, so *unknown* silently becomes *no*. Everything that enters
the toolkit passes here: pandas columns become nullable dtypes, and NaN in float columns becomes null on
every backend. After that the three-valued logic is the same on pandas, Polars, Arrow and DuckDB.

Conventions that cross rooms
----------------------------
``<name>`` and ``<name>__status``
    A classified status is a nullable Boolean column; beside it stands a text column with one of
    :data:`STATUS_VALUES`, which tells an undetermined case from one outside the universe.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import narwhals.stable.v2 as nw

from survey_toolkit._declared import declared_missing, known_values
from survey_toolkit._engine import cursor
from survey_toolkit.errors import DataFileError, SurveyToolkitError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MET",
    "NOT_APPLICABLE",
    "NOT_MET",
    "STATUS_SUFFIX",
    "STATUS_VALUES",
    "UNDETERMINED",
    "LazyFrame",
    "collected",
    "column_names",
    "in_memory",
    "null_aware",
    "null_aware_pandas",
    "open_path",
    "require_columns",
]

LazyFrame: TypeAlias = "nw.LazyFrame[Any]"

STATUS_SUFFIX = "__status"
MET, NOT_MET, UNDETERMINED, NOT_APPLICABLE = "met", "not_met", "undetermined", "not_applicable"
STATUS_VALUES = (MET, NOT_MET, UNDETERMINED, NOT_APPLICABLE)


def null_aware(data: Any) -> LazyFrame:
    """Wrap any supported frame, or a path to a Parquet or CSV file, as a null-aware lazy frame.

    Parameters
    ----------
    data : frame or path
        pandas, Polars (eager or lazy), pyarrow, DuckDB relation, Ibis, PySpark, a narwhals frame, a
        ``Microdata``, or a path to ``.parquet`` / ``.csv`` / ``.tsv`` (read through DuckDB, out of memory).

    Returns
    -------
    narwhals LazyFrame
        Nothing is materialised for lazy engines; NaN in float columns is null, and so are the codes that
        a Microdata, or a Parquet file written by this toolkit, declares missing.

    Raises
    ------
    SurveyToolkitError
        If the object is no frame that narwhals knows.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = null_aware(pd.DataFrame({"x": [1.0, float("nan")]}))
    >>> frame.select(unknown=(nw.col("x") == 1).is_null()).collect()["unknown"].to_list()
    [False, True]
    """
    declared = declared_missing(data)
    if hasattr(data, "frame") and hasattr(data, "variables"):
        data = data.frame
    if isinstance(data, str | os.PathLike):
        data = open_path(data)
    if _is_pandas(data):
        data = null_aware_pandas(data)
    try:
        frame = nw.from_native(data)
    except TypeError:
        raise SurveyToolkitError(
            "this object is not a data frame the toolkit can read",
            found=f"{type(data).__module__}.{type(data).__name__}",
            expected="pandas, Polars, pyarrow, DuckDB, Ibis or PySpark frame, or a file path",
            code="not-a-frame",
        ) from None
    lazy = cast("LazyFrame", frame.lazy())
    floats = [n for n, t in lazy.collect_schema().items() if t in (nw.Float64, nw.Float32)]
    if isinstance(frame, nw.DataFrame):  # what is looked at once need not be looked at by every query
        floats = [n for n in floats if frame[n].is_nan().any()]
    lazy = lazy.with_columns(nw.col(n).fill_nan(None) for n in floats) if floats else lazy
    return known_values(lazy, declared)


def null_aware_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a pandas frame with nullable dtypes and NaN turned into ``pd.NA``.

    Examples
    --------
    >>> import pandas as pd
    >>> null_aware_pandas(pd.DataFrame({"x": [1.0, None]})).dtypes.astype(str).to_dict()
    {'x': 'Float64'}
    """
    import pandas as pd

    out = {}
    for name in frame.columns:
        column = frame[name]
        if not isinstance(name, str):
            raise SurveyToolkitError("column names must be text", found=repr(name), hint="rename the columns")
        if column.ndim > 1:
            raise SurveyToolkitError(f"column '{name}' is in the frame twice", hint="rename one")
        out[name] = _nullable(column)
    return pd.DataFrame(out, index=frame.index)


def _nullable(column: pd.Series[Any]) -> pd.Series[Any]:
    """One column with pd.NA for missing; pandas' ``str`` and categorical dtypes compare NaN as False."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype == object:
        held: Any = _OBJECT_DTYPES.get(pd.api.types.infer_dtype(column, skipna=True), object)
        column = column.astype(held)
    if isinstance(column.dtype, pd.StringDtype):
        # not the pyarrow storage: its comparisons give Arrow Booleans, and pandas cannot combine
        # those with nullable ones where either is unknown
        return column.astype(pd.StringDtype("python", na_value=pd.NA))
    if isinstance(column.dtype, pd.api.extensions.ExtensionDtype):
        return column
    dtypes: dict[str, Any] = {"f": "Float64", "i": "Int64", "u": "UInt64", "b": "boolean"}
    kind = column.dtype.kind
    return column.astype(dtypes[kind]) if kind in dtypes else column


#: What an object column holds, to its nullable dtype. An all-missing object column would compare as
#: False, not as unknown; Boolean is the type that compares with anything.
_OBJECT_DTYPES: dict[str, Any] = {
    "string": "string",
    "empty": "boolean",
    "boolean": "boolean",
    "integer": "Int64",
    "floating": "Float64",
    "mixed-integer-float": "Float64",
    "decimal": "Float64",
}


def open_path(path: str | os.PathLike[str]) -> Any:
    """Open a Parquet or CSV file as a DuckDB relation, so that it never has to fit in memory."""
    import duckdb

    file = Path(path)
    if not file.is_file():
        raise DataFileError(
            "there is no such file", where=str(path), hint="check the path", code="missing-file"
        )
    connection = cursor()
    suffix = file.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return connection.read_parquet(str(file))
        if suffix in (".csv", ".tsv", ".txt"):
            return connection.read_csv(str(file))
    except duckdb.Error as exc:
        raise DataFileError(
            f"the file cannot be read as {suffix[1:]}",
            where=str(path),
            found=str(exc).splitlines()[0][:200],
            hint="is it damaged, or another format under this name?",
            code="unreadable-file",
        ) from None
    raise DataFileError(
        "this file type cannot be queried in place",
        where=str(path),
        found=suffix or "no extension",
        expected=".parquet or .csv",
        hint="read it with read_microdata first",
        code="unsupported-format",
    )


def collected(frame: LazyFrame) -> Any:
    """Bring a lazy frame into memory: in its own kind if that lives in memory, else as pandas.

    Left alone, narwhals turns an out-of-memory engine into Arrow, which the toolkit does not require.
    """
    return frame.collect() if in_memory(frame) else frame.collect("pandas")


def in_memory(frame: LazyFrame) -> bool:
    """Whether the engine works in this process's memory: pandas, pyarrow and Polars, lazy or not."""
    engine = frame.implementation
    return bool(engine.is_polars() or engine.is_pandas() or engine.is_pyarrow())


def column_names(frame: LazyFrame) -> list[str]:
    """Column names of a lazy frame, in order."""
    return list(frame.collect_schema().names())


def require_columns(
    frame: LazyFrame,
    names: list[str],
    *,
    what: str,
    error: type[SurveyToolkitError] = SurveyToolkitError,
) -> None:
    """Raise one error that names every missing column and the nearest ones that exist."""
    have = column_names(frame)
    missing = [n for n in dict.fromkeys(names) if n not in have]
    if missing:
        raise error(
            "no such column" + ("s" if len(missing) > 1 else ""),
            where=what,
            found=", ".join(f"'{m}'" for m in missing),
            expected=did_you_mean(missing[0], have),
            hint="check the spelling; names are case-sensitive",
            code="missing-column",
        )


def _is_pandas(data: Any) -> bool:
    return type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "convert_dtypes")
