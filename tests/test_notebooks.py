"""The notebooks run without an error, keep their results, define nothing and check what they show."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 90  # each; cells together


def _cells(path: Path) -> list[dict[str, Any]]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]


def _printed(outputs: list[Any]) -> str:
    """Text of a cell, printed or shown as its value; a slow machine sends it in more than one piece."""
    shown = ("".join(o.get("text") or o.get("data", {}).get("text/plain", "")) for o in outputs)
    return "".join(shown)


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_readable_without_running(path: Path) -> None:
    cells = _cells(path)
    trees = [ast.parse("".join(c["source"])) for c in cells]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    assert not any(isinstance(n, ast.FunctionDef | ast.Lambda | ast.ClassDef) for n in nodes)
    assert sum(isinstance(n, ast.Assert) for n in nodes) >= 2
    outputs = [o for c in cells for o in c["outputs"]]
    assert any("image/png" in o.get("data", {}) for o in outputs)
    assert all(o["output_type"] != "error" for o in outputs)
    assert all(c["execution_count"] for c in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_names_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [w for w in ("/home/", "/root/", "/tmp/", "/Users/", "C:\\\\Users") if w in text] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=resources).execute()
    shown = [_printed(c["outputs"]) for c in notebook.cells if c["cell_type"] == "code"]
    assert shown == [_printed(c["outputs"]) for c in _cells(path)]  # the same seeds give the same text
