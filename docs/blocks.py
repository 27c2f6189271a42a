"""The blocks of code of a page, and how one is run: for the tests, and to show what they print."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
#: Lines of output that a page shows.
MOST_LINES = 32


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, title and code, and where it ends in the page."""

    language: str
    title: str
    code: str
    end: int


def blocks(text: str) -> Iterator[Block]:
    """Fenced blocks of a page in their order."""
    for match in _FENCE.finditer(text):
        title = re.search(r'title="([^"]+)"', match.group(2))
        yield Block(match.group(1), title.group(1) if title else "", match.group(3), match.end())


def run(block: Block, scope: dict[str, Any], name: str) -> str:
    """Run one block in the working folder, as a reader would; return what it prints.

    Python runs in ``scope``; of the shell only our own command is allowed, and a line that ends in
    ``# exit code 1`` must fail; YAML is read, and written where it has a title.
    """
    if block.language == "python":
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block.code, name, "exec"), scope)
        return out.getvalue()
    if block.language == "sh":
        return "".join(_shell(line) for line in block.code.replace("\\\n", " ").splitlines())
    if block.language == "yaml":
        from survey_toolkit._yaml import load_text

        load_text(block.code, name)
        if block.title:
            Path(block.title).parent.mkdir(parents=True, exist_ok=True)
            Path(block.title).write_text(block.code, encoding="utf-8")
        return ""
    assert block.language == "text", f"{name}: a block in {block.language} is not run by anyone"
    return ""


def _shell(line: str) -> str:
    from typer.testing import CliRunner

    from survey_toolkit.cli import app

    command, *words = shlex.split(line, comments=True) or [""]
    if not command:
        return ""
    assert command == "survey-toolkit", f"only our own command is shown: {line}"
    done = CliRunner().invoke(app, words)
    expected = 1 if "# exit code 1" in line else 0
    assert done.exit_code == expected, f"{line}\n{done.output}\n{done.exception}"
    return str(done.output)


def with_outputs(text: str, name: str) -> str:
    """The page with what each block prints below it; run in the working folder."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    parts, at = [], 0
    for block in blocks(text):
        printed = run(block, scope, name)
        parts.append(text[at : block.end])
        at = block.end
        if printed.strip():
            parts.append(f"\n\n```{{.text .output}}\n{_shortened(printed)}\n```\n")
    return "".join([*parts, text[at:]])


def _shortened(printed: str) -> str:
    lines = [line.rstrip().replace("```", "'''") for line in printed.strip("\n").splitlines()]
    more = len(lines) - MOST_LINES
    return "\n".join([*lines[:MOST_LINES], f"… {more} more lines"] if more > 1 else lines)
