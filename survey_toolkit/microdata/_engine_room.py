"""The embedded engine, opened so that it writes nothing into anybody's output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect"]


def connect() -> duckdb.DuckDBPyConnection:
    """Open a database in memory; its progress bar would stand among the results of a program."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET enable_progress_bar = false")
    return connection
