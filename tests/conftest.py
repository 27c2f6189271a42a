"""Shared fixtures: one frame, every engine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

BANK = os.environ.get("SURVEY_TOOLKIT_REFERENCE")

#: The reference bank is not part of the project; without it its modules are not collected.
collect_ignore_glob = [] if BANK else ["test_reference_*.py"]


def pytest_report_header() -> str:
    """Say which proofs this run leaves out."""
    return f"reference bank: {'given' if BANK else 'none (set SURVEY_TOOLKIT_REFERENCE to run it)'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long and reference tests run when asked for; what is left out is said in the header line."""
    asked = config.option.markexpr
    out = [
        item
        for item in items
        if not asked
        and any(item.get_closest_marker(m) for m in ("slow", "reference", "browser", "spark", "oracle"))
    ]
    if out:
        config.hook.pytest_deselected(items=out)
        dropped = set(map(id, out))
        items[:] = [item for item in items if id(item) not in dropped]


@pytest.fixture(scope="session")
def bank() -> Path:
    """The reference bank; a reference test without it fails rather than passing empty."""
    if not BANK:
        pytest.fail("set SURVEY_TOOLKIT_REFERENCE to the folder of the reference bank")
    return Path(BANK)


def _polars(frame: pd.DataFrame) -> Any:
    import polars as pl

    return pl.from_pandas(frame)


def _duckdb(frame: pd.DataFrame) -> Any:
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.register("given", frame)
    connection.execute("create table kept as select * from given")
    return connection.table("kept")


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)


FRAME_KINDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda f: f,
    "pandas_nullable": lambda f: f.convert_dtypes(),
    "polars": _polars,
    "polars_lazy": lambda f: _polars(f).lazy(),
    "arrow": _arrow,
    "duckdb": _duckdb,
}


@pytest.fixture(params=sorted(FRAME_KINDS))
def as_frame(request: pytest.FixtureRequest) -> Callable[[pd.DataFrame], Any]:
    """Turn a pandas frame into each supported kind, one after the other."""
    return FRAME_KINDS[request.param]


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line as the installed program does: exit code, output, error output."""
    from survey_toolkit.cli import main

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["survey-toolkit", *arguments])
        code = 0
        try:
            main()
        except SystemExit as exc:
            code = int(exc.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
