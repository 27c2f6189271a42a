"""The publishing verbs refuse what they cannot vouch for: each has an input on which it must fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.errors import DataFileError, DefinitionError, DisclosureError

run = CliRunner().invoke


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (b"", DataFileError, "an empty file"),
        (b"\xff\xfe,n\nF,3\n", DataFileError, "UTF-8"),
        (b"sex,n\nF,x\nM,10\n_T,14\n", DataFileError, r"cells.csv:2: column 'n' must hold counts"),
        (b"sex,n\nF,3\nM,10\n_T,14\n", DisclosureError, "not the sum of its parts"),
    ],
)
def test_a_table_that_cannot_be_protected(
    text: bytes, error: type[Exception], words: str, tmp_path: Path
) -> None:
    (tmp_path / "cells.csv").write_bytes(text)
    out = tmp_path / "out.csv"
    done = run(app, ["protect-table", str(tmp_path / "cells.csv"), "--out", str(out)])
    assert done.exit_code == 1
    with pytest.raises(error, match=words):
        raise done.exception or AssertionError
    assert not out.exists()


def test_a_table_without_totals(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("sex,n\nF,3\nM,10\n", encoding="utf-8")
    done = run(
        app, ["protect-table", str(tmp_path / "cells.csv"), "--out", str(tmp_path / "new" / "out.csv")]
    )
    assert done.exit_code == 0
    assert "no total bounds them" in done.output


def test_what_is_no_sdmx_is_not_valid_sdmx(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "figures.json").write_text('{\n"figures": []\n}\n', encoding="utf-8")
    for name in ("empty.csv", "figures.json"):
        done = run(app, ["check-sdmx", str(tmp_path / name)])
        assert done.exit_code == 1
        assert len(done.output.splitlines()) == 1
    done = run(app, ["check-sdmx", str(tmp_path / "empty.csv"), "--structure", "sdg"])
    with pytest.raises(DefinitionError, match="did you mean 'sdg_1_4'"):
        raise done.exception or AssertionError
