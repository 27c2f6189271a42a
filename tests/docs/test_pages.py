"""Every block of code in the documentation runs, page by page and in order, as a reader would type it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SLOW = {"index.md", "office.md", "validate.md", "linkage.md"}  # each runs the demo, a validation or splink


def _module() -> Any:
    import sys

    spec = importlib.util.spec_from_file_location("docs_blocks", DOCS / "blocks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_blocks"] = module
    spec.loader.exec_module(module)
    return module


doc = _module()


def _run(page: Path) -> None:
    scope: dict[str, object] = {"__name__": page.stem}
    for block in doc.blocks(page.read_text(encoding="utf-8")):
        doc.run(block, scope, page.name)


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
    found = [b.language for page in PAGES for b in doc.blocks(page.read_text(encoding="utf-8"))]
    assert found.count("python") > 60
    assert found.count("sh") > 25


def test_each_fence_is_found() -> None:
    """A block that the pattern misses would be run by nobody."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert 2 * len(list(doc.blocks(text))) == sum(line.startswith("```") for line in text.splitlines()), (
            page
        )


def test_what_a_block_prints_stands_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = '# A\n\n```python\nx = 20\n```\n\n```python\nprint(f"sum {x + 1}")\n```\n\nend\n'
    shown = doc.with_outputs(text, "a.md")
    assert shown.count(".output") == 1
    assert shown.index("sum {x") < shown.index("\nsum 21\n") < shown.index("end")
    long = doc.with_outputs('```python\nprint("\\n".join("ab" * 20))\n```\n', "b.md")
    assert f"… {40 - doc.MOST_LINES} more lines" in long


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nrm -rf x\n```\n",
        "```sh\nsurvey-toolkit standards show no_such_thing\n```\n",
        "```sh\nsurvey-toolkit standards check   # exit code 1\n```\n",
        "```ruby\nputs 1\n```\n",
        "```python\nassert False\n```\n",
    ],
)
def test_what_goes_wrong_fails(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        doc.with_outputs(text, "wrong.md")
