"""Sampling frames of any size: queries through DuckDB, so that 20 million rows stay where they are."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import DataFileError, DesignError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["UnitFrame", "quoted"]

#: The engine's share of memory; it never spills, so that nothing of a frame is left on disk.
_MEMORY = "2500MB"


def quoted(name: str) -> str:
    """A name as an SQL identifier.

    Examples
    --------
    >>> quoted('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


class UnitFrame:
    """A frame that is queried in place.

    Parameters
    ----------
    data : frame or path
        pandas, Polars, Arrow or a DuckDB relation, or a path to ``.parquet`` or ``.csv``.
    """

    __slots__ = ("_con", "_types", "columns", "name", "source")

    def __init__(self, data: Any) -> None:
        import duckdb

        self._con = duckdb.connect(":memory:", config={"memory_limit": _MEMORY, "temp_directory": ""})
        with contextlib.suppress(duckdb.Error):  # refused in notebooks without widgets; they draw no bar
            self._con.execute("SET enable_progress_bar = false")  # it would write into the output
        self.source: Path | None = None
        if isinstance(data, str | os.PathLike):
            self.source = Path(data)
            self.name = self.source.name
            self._open(self.source)
        else:
            self.name = "a frame in memory"
            native = data.to_native() if hasattr(data, "to_native") else data
            if type(native).__name__ == "DuckDBPyRelation":
                native = native.df()
            try:
                self._con.register("frame", native)
            except duckdb.Error as exc:
                raise DataFileError(
                    "this object is no frame", found=f"{type(native).__name__}: {exc}"
                ) from None
        self._types = {row[0]: row[1] for row in self._con.execute("DESCRIBE frame").fetchall()}
        self.columns = list(self._types)

    def order_by(self, names: Iterable[str]) -> str:
        """SQL that sorts by columns; text that is a number sorts as one, so that 9 comes before 10."""
        parts = []
        for name in names:
            if self._types.get(name) == "VARCHAR":
                parts.append(f"{self.number(name)} NULLS LAST")
            parts.append(quoted(name))
        return ", ".join(parts)

    def _open(self, path: Path) -> None:
        import duckdb

        if not path.is_file():
            raise DataFileError(
                "there is no such file", where=str(path), hint="check the path", code="missing-file"
            )
        if not path.stat().st_size:
            raise DataFileError(
                "the frame file is empty",
                where=str(path),
                found="zero bytes",
                expected="a table, one row a unit or a stratum",
                hint="the transfer failed; fetch the file again",
                code="empty-file",
            )
        readers = {".parquet": "read_parquet", ".pq": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv"}
        reader = readers.get(path.suffix.lower())
        if reader is None:
            raise DataFileError(
                "a frame file is Parquet or CSV", where=str(path), found=path.suffix or "no extension"
            )
        file = str(path).replace("'", "''")
        # codes keep their zeros: a CSV frame is text, cast where numbers are needed
        options = ", all_varchar=true" if reader == "read_csv" else ""
        try:
            self._con.execute(f"CREATE VIEW frame AS SELECT * FROM {reader}('{file}'{options})")
        except duckdb.Error as exc:
            raise DataFileError(
                "the frame file cannot be read", where=str(path), found=str(exc).splitlines()[0][:160]
            ) from None

    def number(self, name: str) -> str:
        """SQL of a column as a number, null where it is none.

        Text is trimmed first: the engine would otherwise hand the cast down to its reader of CSV files, which
        fails at the first cell that is no number.
        """
        text = self._types.get(name) == "VARCHAR"
        return f"TRY_CAST({f'trim({quoted(name)})' if text else quoted(name)} AS DOUBLE)"

    def require(self, names: Sequence[str], what: str) -> None:
        """Raise one error that names the columns that are not there."""
        missing = [n for n in dict.fromkeys(names) if n not in self.columns]
        if missing:
            raise DesignError(
                f"{what}: no such column" + ("s" if len(missing) > 1 else ""),
                where=self.name,
                found=", ".join(f"'{m}'" for m in missing),
                expected=did_you_mean(missing[0], self.columns),
                code="missing-column",
            )

    def register(self, name: str, table: pd.DataFrame) -> None:
        """Give the engine a small table to join with."""
        self._con.register(name, table)

    def query(self, sql: str) -> pd.DataFrame:
        """Rows of a query, as pandas; a message of the engine never shows a row's values."""
        import duckdb

        try:
            return self._con.execute(sql).df()
        except duckdb.OutOfMemoryException:
            raise DataFileError(
                "the frame is too large for this draw",
                where=self.name,
                found=f"more than {_MEMORY} needed",
                hint="draw in stages, or in equal-probability strata (srs, systematic)",
                code="too-large",
            ) from None
        except duckdb.Error as exc:
            raise DataFileError(
                "the frame cannot be queried",
                where=self.name,
                found=type(exc).__name__,
                hint="are sizes numbers, and is the file whole?",
            ) from None

    def value(self, sql: str) -> Any:
        """The single value of a query."""
        return self._con.execute(sql).fetchall()[0][0]

    def digest(self) -> str:
        """SHA-256 of the file; empty for a frame in memory."""
        if self.source is None:
            return ""
        with self.source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
