"""Parquet through DuckDB; labels and missing codes travel in the file's own key-value metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._declared import METADATA_KEY
from survey_toolkit._frames import null_aware_pandas
from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._delimited import quote_identifier
from survey_toolkit.microdata._engine_room import connect
from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata._statistical import RawTable
from survey_toolkit.microdata.model import MISSING_SUFFIX, MissingCode, Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_names",
    "described_columns",
    "metadata_clause",
    "parquet_columns",
    "parquet_metadata",
    "read_parquet",
    "write_parquet",
]

#: Bytes of a cell in memory: a number, or an object of its own.
_A_NUMBER, _AN_OBJECT = 8, 50
_PLAIN = frozenset(
    ("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
     "FLOAT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
)  # fmt: skip


def read_parquet(path: Path, folder: Path, *, columns: list[str] | None, limits: ReadLimits) -> RawTable:
    """Read a Parquet file, with labels if this toolkit wrote it.

    Raises
    ------
    DataFileError
        The file is damaged or no Parquet, or its rows would fill the memory: a run of equal values takes
        no room in the file, and all of it here.
    """
    with _scanned(path, folder) as (relation, stored):
        chosen = [c for c in columns or () if c in relation.columns]
        if chosen:
            relation = relation.select(*_expressions(chosen))
        _check_room(path, relation, limits)
        texts = [
            n for n, kind in zip(relation.columns, relation.types, strict=True) if str(kind) == "VARCHAR"
        ]
        frame = _with_texts(null_aware_pandas(relation.df()), texts)
    names = [c for c in frame.columns if not c.endswith(MISSING_SUFFIX)]
    variables = {name: stored.get(name, Variable(name=name)) for name in names}
    return RawTable(frame, variables, "utf-8", ())


def _with_texts(frame: pd.DataFrame, texts: list[str]) -> pd.DataFrame:
    """A column of text without a single text says nothing of its type to pandas."""
    import pandas as pd

    for name in texts:
        if not pd.api.types.is_string_dtype(frame[name].dtype):
            frame[name] = frame[name].astype(pd.StringDtype("python", na_value=pd.NA))
    return frame


def _check_room(path: Path, relation: Any, limits: ReadLimits) -> None:
    n_rows = int(relation.aggregate("count(*)").fetchall()[0][0])
    a_row = sum(_A_NUMBER if str(kind) in _PLAIN else _AN_OBJECT for kind in relation.types)
    if n_rows * a_row > (most := limits.memory_for(path.stat().st_size)):
        raise DataFileError(
            "reading would need more memory than the limit",
            where=path.name,
            found=f"{n_rows:,} rows of {len(relation.columns):,} columns, about {n_rows * a_row:,} bytes",
            expected=f"at most {most:,}",
            hint="choose columns=[…], or harmonize_parquet, or raise limits=ReadLimits(memory_bytes=…)",
            code="too-large",
        )


def parquet_columns(path: Path, folder: Path) -> tuple[dict[str, Variable], int]:
    """Descriptions and number of rows, without the rows."""
    with _scanned(path, folder) as (relation, stored):
        names = [c for c in relation.columns if not c.endswith(MISSING_SUFFIX)]
        n_rows = int(relation.aggregate("count(*)").fetchall()[0][0])
    return {name: stored.get(name, Variable(name=name)) for name in names}, n_rows


@contextmanager
def _scanned(path: Path, folder: Path) -> Iterator[tuple[Any, dict[str, Variable]]]:
    """DuckDB relation of the file and the descriptions stored in it; one error for whatever fails."""
    staged = folder / "table.parquet"
    _link(path, staged)  # DuckDB would take * and [ in a name for a pattern
    connection = connect()
    try:
        relation = connection.read_parquet(str(staged))
        stored = connection.execute(
            "SELECT value FROM parquet_kv_metadata(?) WHERE key = ?", [str(staged), METADATA_KEY.encode()]
        ).fetchall()
        check_names(path.name, _schema(connection, staged), "rename one in the program that made it")
        yield relation, described_columns(bytes(stored[0][0])) if stored else {}
    except DataFileError:
        raise
    except Exception as exc:  # the engine and what binds it to Python raise errors of many classes
        raise DataFileError(
            "the Parquet file cannot be read",
            where=path.name,
            found=str(exc).splitlines()[0].replace(str(folder), "")[:120] if str(exc) else type(exc).__name__,
            hint="it is damaged or was cut off: fetch it again",
            code="damaged",
        ) from None
    finally:
        connection.close()
        staged.unlink(missing_ok=True)


def _schema(connection: Any, staged: Path) -> list[str]:
    """Names of the columns as they stand in the file; those inside nested columns are left out."""
    rows = connection.execute("SELECT name, num_children FROM parquet_schema(?)", [str(staged)]).fetchall()
    out: list[str] = []
    inside = 0
    for name, children in rows[1:]:
        if not inside:
            out.append(str(name))
        inside += (children or 0) - (1 if inside else 0)
    return out


def check_names(where: str, names: Iterable[str], hint: str) -> None:
    """Names that differ in case only are one name to the engine, which would read one column twice."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(name.lower())
        seen[name.lower()] = name
        if other is not None:
            raise DataFileError(
                "two columns have names that differ in case only",
                where=where,
                found=f"'{other}' and '{name}'",
                hint=hint,
                code="schema",
            )


def _expressions(names: list[str]) -> list[Any]:
    import duckdb

    return [duckdb.ColumnExpression(name) for name in names]


def _link(path: Path, staged: Path) -> None:
    try:
        os.symlink(path.resolve(), staged)
    except OSError:
        import shutil

        shutil.copyfile(path, staged)


def write_parquet(frame: pd.DataFrame, variables: Mapping[str, Variable], path: Path) -> None:
    """Write a frame and its descriptions.

    Raises
    ------
    DataFileError
        Two names differ in case only.
    """
    check_names(path.name, frame.columns, "rename one, or write .sav, .dta or .csv")

    connection = connect()
    try:
        connection.register("written", frame)
        chosen = ", ".join(quote_identifier(c) for c in frame.columns)
        target = str(path).replace("'", "''")
        connection.execute(
            f"COPY (SELECT {chosen} FROM written) TO '{target}' "
            f"(FORMAT parquet, COMPRESSION zstd, {metadata_clause(variables)})"
        )
    finally:
        connection.close()


def metadata_clause(variables: Mapping[str, Variable]) -> str:
    """Descriptions as an option of DuckDB's COPY."""
    stored = parquet_metadata(variables).replace("'", "''")
    return f"KV_METADATA {{{METADATA_KEY}: '{stored}'}}"


def parquet_metadata(variables: Mapping[str, Variable]) -> str:
    """Descriptions as JSON; codes keep their type by standing in pairs."""
    return json.dumps(
        [
            {
                "name": v.name,
                "label": v.label,
                "value_labels": [[code, label] for code, label in v.value_labels.items()],
                "missing": [[m.low, m.high, m.reason, m.label] for m in v.missing],
                "unit": v.unit,
                "level": v.level,
                "sources": list(v.sources),
                "format": v.format,
                "provenance": dict(v.provenance),
            }
            for v in variables.values()
        ],
        ensure_ascii=False,
    )


def described_columns(stored: bytes) -> dict[str, Variable]:
    """Descriptions from the file; anything that is not ours is left aside."""
    try:
        items: list[dict[str, Any]] = json.loads(stored)
        return {
            item["name"]: Variable(
                name=item["name"],
                label=item["label"],
                value_labels=dict(map(tuple, item["value_labels"])),
                missing=tuple(
                    MissingCode(low=low, high=high, reason=reason, label=label)
                    for low, high, reason, label in item["missing"]
                ),
                unit=item["unit"],
                level=item["level"],
                sources=tuple(item["sources"]),
                format=item["format"],
                provenance=item["provenance"],
            )
            for item in items
        }
    except (ValueError, KeyError, TypeError):
        return {}
