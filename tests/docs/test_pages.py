"""Every block of code in the documentation runs, page by page and in order, as a reader would type it."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from survey_toolkit._yaml import load_text
from survey_toolkit.cli import app

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
SLOW = {"index.md", "office.md", "validate.md", "linkage.md"}  # each runs the demo, a validation or splink


def _blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        title = re.search(r'title="([^"]+)"', match.group(2))
        yield match.group(1), title.group(1) if title else "", match.group(3)


def _shell(code: str) -> None:
    for line in code.splitlines():
        command, *words = shlex.split(line, comments=True) or [""]
        assert command == "survey-toolkit", f"only our own command is shown: {line}"
        done = CliRunner().invoke(app, words)
        expected = 1 if "# exit code 1" in line else 0
        assert done.exit_code == expected, f"{line}\n{done.output}\n{done.exception}"


def _run(page: Path) -> None:
    scope: dict[str, object] = {"__name__": page.stem}
    for language, title, code in _blocks(page):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(code, str(page), "exec"), scope)
        elif language == "sh":
            _shell(code)
        elif language == "yaml":
            load_text(code, page.name)
            if title:
                Path(title).parent.mkdir(parents=True, exist_ok=True)
                Path(title).write_text(code, encoding="utf-8")
        else:
            assert language == "text", f"{page.name}: a block in {language} is not run by anyone"


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in SLOW], ids=lambda p: p.stem)
def test_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _run(page)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p.name in SLOW], ids=lambda p: p.stem)
def test_a_long_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _run(page)


def test_there_is_something_to_run() -> None:
    assert sum(language == "python" for page in PAGES for language, *_ in _blocks(page)) > 30
