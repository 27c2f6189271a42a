"""Text that a spreadsheet would run as a formula: one rule, and no writer without it."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import survey_toolkit
from survey_toolkit._spreadsheet import frame_csv, neutralise, put, table_csv

PACKAGE = Path(survey_toolkit.__file__).parent
FORMULAS = [
    "=1+1", "+1+1", "-x", "@SUM(A1)", " =1", "\t=1", "\u00a0=1", "＝1", "\ufeff=1", "\x00=1", "\tx", "\rx",
    "\n5", "+", "-2+3",
]  # fmt: skip
PLAIN = ["Girls", "5-11", "a=b", "", "'x", "-5", "+3.5", "-0,25", "-1e-05", "កម្ពុជា", " "]
#: Writers whose text must stay as it is, and why no spreadsheet runs it.
OTHERWISE = {
    "instruments/xlsform.py": "a form is read by machines: its cells are typed as text instead",
    "validation/engines.py": "a temporary file between two engines",
}


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutralise(text) == "'" + text


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_and_numbers_stay(text: str) -> None:
    assert neutralise(text) == text


def test_frames_of_any_text_type(tmp_path: Path) -> None:
    frame = pd.DataFrame({"=o": ["=1", 2, None], "n": [-1, -2, -3], "f": [-0.5, None, 1.0]}).assign(
        s=pd.array(["=1", None, "x"], "string"), c=pd.Categorical(["=1", "x", "=1"])
    )
    frame_csv(frame, tmp_path / "f.csv")
    lines = (tmp_path / "f.csv").read_bytes().decode().split("\n")
    assert lines == ["'=o,n,f,s,c", "'=1,-1,-0.5,'=1,'=1", "2,-2,,,x", ",-3,1.0,x,'=1", ""]
    assert frame.columns[0] == "=o"
    assert frame.at[0, "=o"] == "=1"


@pytest.mark.parametrize("text", ["x\r=1+1", "x\n=1+1", "x\r\n=1+1"])
def test_a_line_break_within_a_cell_begins_no_row(tmp_path: Path, text: str) -> None:
    frame_csv(pd.DataFrame({"a": [text], "b": [1]}), tmp_path / "f.csv")
    for made in ((tmp_path / "f.csv").read_bytes().decode(), table_csv(["a", "b"], [[text, 1]])):
        assert list(csv.reader(io.StringIO(made, newline=""))) == [["a", "b"], [text, "1"]]
        assert made.endswith(",1\n")


def test_cells_of_a_workbook_are_text_and_hold_no_control_characters() -> None:
    sheet = openpyxl.Workbook().active
    for row, text in enumerate(FORMULAS, 1):
        cell = put(sheet, row, 1, text)
        assert (cell.data_type, cell.value[0]) == ("s", "'")
    assert put(sheet, 1, 2, "a\x00b").value == "ab"
    assert put(sheet, 1, 3, "=SUM(A1:A2)", formula=True).data_type == "f"


def _called(tree: ast.AST) -> set[str]:
    """Names of what a module calls: ``Workbook``, ``to_csv``, ``csv.writer``..."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            names.add(ast.unparse(node.func) if isinstance(node.func, ast.Name) else "")
            if isinstance(node.func, ast.Attribute):
                names |= {node.func.attr, ast.unparse(node.func)}
    return names


def _writers() -> dict[str, ast.AST]:
    writing = {"to_csv", "to_excel", "csv.writer", "csv.DictWriter", "Workbook"}
    trees = {str(p.relative_to(PACKAGE)): ast.parse(p.read_text("utf-8")) for p in PACKAGE.rglob("*.py")}
    return {name: tree for name, tree in trees.items() if _called(tree) & writing}


def test_every_writer_of_csv_and_xlsx_uses_the_rule() -> None:
    writers = _writers()
    assert set(OTHERWISE) <= set(writers)
    for name, tree in writers.items():
        imports = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        uses = name == "_spreadsheet.py" or "survey_toolkit._spreadsheet" in imports
        assert uses or name in OTHERWISE, f"{name} writes tables without survey_toolkit._spreadsheet"


def test_the_rule_stands_once() -> None:
    defining = [
        str(p.relative_to(PACKAGE))
        for p in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(p.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_") in ("neutralise", "safe_cell")
    ]
    assert defining == ["_spreadsheet.py"]


def test_what_writers_write(tmp_path: Path) -> None:
    from survey_toolkit.cli_sample import _write
    from survey_toolkit.microdata import Microdata, write_microdata

    frame = pd.DataFrame({"=n": FORMULAS, "x": range(len(FORMULAS))})
    files = [
        write_microdata(Microdata.from_frame(frame), tmp_path / "microdata.csv"),
        _write(frame, tmp_path / "sample.csv"),
        tmp_path / "table.csv",
    ]
    files[2].write_text(table_csv(list(frame), frame.itertuples(index=False)), "utf-8", newline="")
    for file in files:
        with file.open(newline="", encoding="utf-8") as opened:
            head, *rows = csv.reader(opened)
        assert head == ["'=n", "x"]
        assert len(rows) == len(FORMULAS)
        assert all(row[0].startswith("'") for row in rows), file.name


def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "f.csv"
    frame_csv(pd.DataFrame({"a": ["x"]}), target)
    with pytest.raises(UnicodeEncodeError):
        frame_csv(pd.DataFrame({"a": ["\ud800"]}), target)
    assert target.read_text("utf-8") == "a\nx\n"
    assert list(tmp_path.iterdir()) == [target]
