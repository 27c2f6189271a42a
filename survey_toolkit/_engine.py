"""The one in-memory DuckDB database of a process."""

from __future__ import annotations

import functools
import os
from typing import Any

__all__ = ["cursor"]


def cursor() -> Any:
    """A connection of its own to the database of this process, without a progress bar in the output."""
    connection = _database(os.getpid()).cursor()
    connection.execute("SET enable_progress_bar = false")
    return connection


@functools.cache
def _database(process: int) -> Any:
    """To start a database costs more than many a query; by process, for its threads die in a fork."""
    import duckdb

    return duckdb.connect(":memory:")
