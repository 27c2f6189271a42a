"""The table of all benchmarks: pages are read right, a quick run leaves the full results alone."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    return _module("result_pages")


@pytest.fixture(scope="module")
def run_all(pages: ModuleType) -> ModuleType:
    return _module("run_all")


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up; run_all imports its neighbour
    spec.loader.exec_module(module)
    return module


def _page(pages: ModuleType, folder: Path, text: str, name: str = "x.md") -> object:
    (folder / name).write_text(text, encoding="utf-8")
    return pages.read_page(folder / name)


def test_peer_in_a_column_and_memory_in_a_line(pages: ModuleType, tmp_path: Path) -> None:
    page = _page(
        pages,
        tmp_path,
        "# Title\n\n1,000,000 rows. x86_64, 2 cores, Python 3.11.7; 2026-11-23.\n\n"
        "| timed | survey_toolkit | svy 0.35 | ratio |\n|---|---|---|---|\n"
        "| file to result | 0.25 s | 7.01 s | 28 |\n| a first call on 20,000 rows | 0.6 s | 0.2 s | 0.3 |\n"
        "| peak resident memory | 300.5 MB | 3,473 MB | 11 |\n",
    )
    first, second = page.rows
    assert (first.seconds, first.peers, first.megabytes, first.rows) == (
        0.25,
        (("svy 0.35", "7.01 s"),),
        300.5,
        10**6,
    )
    assert first.bytes_per_row == 300.5
    assert (second.rows, second.megabytes) == (
        20_000,
        None,
    )  # the peak is of the process, not of its first call
    assert (page.date, page.machine) == ("2026-11-23", "x86_64, 2 cores, Python 3.11.7, svy 0.35")


def test_cpu_seconds_meet_cpu_seconds(pages: ModuleType) -> None:
    header = ["task", "CPU s", "wall s", "peak MB", "result", "peer", "peer's CPU s", "ratio"]
    body = [
        ["UK: all models", "0.05", "0.2", "87", "best 1", "Peer 1.2", "2.7", "53"],
        ["UK: compare", "2.33", "4.83", "144", "15", "", "", ""],
    ]
    first, second = pages.table_rows(header, body, None)
    assert (first.seconds, first.unit, first.peers) == (0.05, "CPU s", (("Peer 1.2", "2.7 CPU s"),))
    assert (second.seconds, second.unit, second.peers, second.bytes_per_row) == (4.83, "s", (), None)


def test_a_line_of_a_peer_is_not_ours(pages: ModuleType) -> None:
    header = ["file", "what", "wall s", "CPU s", "peak MB"]
    body = [[".sav", "pyreadstat", "38.4", "12.2", "1,375"], [".sav", "ours", "25.9", "9.0", "1,519"]]
    (row,) = pages.table_rows(header, body, 1000)
    assert (row.task, row.seconds, row.megabytes) == (".sav ours", 25.9, 1519)
    assert row.peers == (("pyreadstat", "38.4 s, 1,375 MB"),)
    alone = pages.table_rows(
        ["draw", "wall seconds", "peak GB"], [["svy 0.35: SRS", "16.4 (load 9)", "2.14"]], 9
    )
    assert [(r.task, r.seconds, r.peers) for r in alone] == [
        ("svy 0.35: SRS", None, (("svy 0.35", "16.4 s, 2,140 MB"),))
    ]


def test_the_same_keeps_the_rows_of_the_line_before(pages: ModuleType) -> None:
    body = [["5,000,000 rows x 80", "28 s, peak 600 MB"], ["the same, larger blocks", "34 s, peak 800 MB"]]
    assert [r.bytes_per_row for r in pages.table_rows(["timed", "result"], body, 1_000_000)] == [120, 160]


def test_every_page_has_a_script_and_every_script_is_in_the_list(run_all: ModuleType) -> None:
    names = {b.name for b in run_all.BENCHMARKS}
    scripts = {
        p.stem for p in FOLDER.glob("*.py") if 'if __name__ == "__main__"' in p.read_text(encoding="utf-8")
    }
    assert scripts - {"run_all"} == names
    assert {p.stem for p in (FOLDER / "results").glob("*.md")} - {"README"} <= names


def test_the_table_is_that_of_the_pages(pages: ModuleType) -> None:
    results = FOLDER / "results"
    found = sorted(p for p in results.glob("*.md") if p.name != "README.md")
    assert (results / "README.md").read_text(encoding="utf-8") == pages.overview(found)


def test_choosing(run_all: ModuleType) -> None:
    assert [b.name for b in run_all.chosen("multiple")] == ["multiple_systems", "multiple_systems_recovery"]
    assert all(b.quick for b in run_all.BENCHMARKS)
    with pytest.raises(SystemExit, match="no benchmark is called 'nothing'"):
        run_all.chosen("nothing")
