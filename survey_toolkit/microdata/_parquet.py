"""Parquet through DuckDB; labels and missing codes travel in the file's own key-value metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit._frames import null_aware_pandas
from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._delimited import quote_identifier
from survey_toolkit.microdata._statistical import RawTable
from survey_toolkit.microdata.model import MISSING_SUFFIX, MissingCode, Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "METADATA_KEY",
    "metadata_clause",
    "parquet_columns",
    "parquet_metadata",
    "read_parquet",
    "write_parquet",
]

METADATA_KEY = "survey_toolkit"


def read_parquet(path: Path, folder: Path, *, columns: list[str] | None) -> RawTable:
    """Read a Parquet file, with labels if this toolkit wrote it.

    Raises
    ------
    DataFileError
        The file is damaged or no Parquet.
    """
    with _scanned(path, folder) as (relation, stored):
        chosen = [c for c in columns or () if c in relation.columns]
        if chosen:
            relation = relation.select(*_expressions(chosen))
        frame = null_aware_pandas(relation.df())
    names = [c for c in frame.columns if not c.endswith(MISSING_SUFFIX)]
    variables = {name: stored.get(name, Variable(name=name)) for name in names}
    return RawTable(frame, variables, "utf-8", ())


def parquet_columns(path: Path, folder: Path) -> tuple[dict[str, Variable], int]:
    """Descriptions and number of rows, without the rows."""
    with _scanned(path, folder) as (relation, stored):
        names = [c for c in relation.columns if not c.endswith(MISSING_SUFFIX)]
        n_rows = int(relation.aggregate("count(*)").fetchall()[0][0])
    return {name: stored.get(name, Variable(name=name)) for name in names}, n_rows


@contextmanager
def _scanned(path: Path, folder: Path) -> Iterator[tuple[Any, dict[str, Variable]]]:
    """DuckDB relation of the file and the descriptions stored in it; one error for whatever fails."""
    import duckdb

    staged = folder / "table.parquet"
    _link(path, staged)  # DuckDB would take * and [ in a name for a pattern
    connection = duckdb.connect(":memory:")
    try:
        relation = connection.read_parquet(str(staged))
        stored = connection.execute(
            "SELECT value FROM parquet_kv_metadata(?) WHERE key = ?", [str(staged), METADATA_KEY.encode()]
        ).fetchall()
        yield relation, _described(bytes(stored[0][0])) if stored else {}
    except (duckdb.Error, ValueError, OverflowError, UnicodeDecodeError, MemoryError) as exc:
        if isinstance(exc, DataFileError):
            raise
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
    """Write a frame and its descriptions."""
    import duckdb

    connection = duckdb.connect(":memory:")
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


def _described(stored: bytes) -> dict[str, Variable]:
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
