"""What the shell offers for ids: read from names and version lines of the shipped files, to be quick."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

__all__ = [
    "complete_crosswalk",
    "complete_form",
    "complete_item",
    "complete_version",
    "joined",
    "whole_words",
]

_VERSION = re.compile(r"^  - version: *['\"]?([^'\"#\s]+)", re.MULTILINE)


def complete_version(incomplete: str) -> list[str]:
    """``definition@version`` of the shipped definitions."""
    return [name for name in _versions() if name.startswith(incomplete)]


def complete_item(incomplete: str) -> list[str]:
    """What ``standards show`` is asked for most: definitions, their versions, criteria, indicators."""
    names = [*_stems("definitions"), *_versions(), *_stems("criteria"), *_stems("indicators")]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def complete_crosswalk(incomplete: str) -> list[str]:
    """Shipped crosswalks; nothing where a path is typed, so that the shell offers files."""
    return [name for name in _stems("crosswalks") if name.startswith(incomplete)]


def complete_form(incomplete: str) -> list[str]:
    """Shipped questionnaires."""
    return [name for name in _stems("questionnaires", "instruments") if name.startswith(incomplete)]


@contextmanager
def whole_words(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Undo what bash does to ``child_labour@mi``: it hands over three words and replaces the last two."""
    words, cursor = joined(environment.get("COMP_WORDS", ""), int(environment.get("COMP_CWORD") or 0))
    environment["COMP_WORDS"], environment["COMP_CWORD"] = "\n".join(words), str(cursor)
    head, _, _ = (words[cursor] if cursor < len(words) else "").rpartition("@")
    told = io.StringIO()
    try:
        with redirect_stdout(told):
            yield
    finally:
        sys.stdout.write("\n".join(line.removeprefix(head) for line in told.getvalue().splitlines()))


def joined(line: str, cursor: int) -> tuple[list[str], int]:
    """Words of a line with ``a``, ``@`` and ``b`` put together again, and the cursor's place in them."""
    words = line.split("\n")
    while "@" in words[1:]:
        at = words.index("@", 1)
        after = words[at + 1 : at + 2]
        words[at - 1 : at + 1 + len(after)] = ["".join([words[at - 1], "@", *after])]
        cursor -= max(0, min(cursor - at + 1, 1 + len(after)))
    return words, cursor


def _files(folder: str, kind: str) -> list[Path]:
    from survey_toolkit._resources import data_root

    root = data_root("instruments" if kind == "instruments" else "harmonization")
    return sorted(p for p in (root / folder).glob("*.yaml") if not p.name.endswith(".cases.yaml"))


def _stems(folder: str, kind: str = "harmonization") -> list[str]:
    return [path.stem for path in _files(folder, kind)]


def _versions() -> list[str]:
    return [
        f"{path.stem}@{version}"
        for path in _files("definitions", "harmonization")
        for version in _VERSION.findall(path.read_text(encoding="utf-8"))
    ]
