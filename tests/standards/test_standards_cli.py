"""The verbs on the standards, on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from survey_toolkit._resources import data_root

Cli = Callable[..., tuple[int, str, str]]
NATIONAL = Path(__file__).parent / "national"


def test_list_names_every_version_whole(cli: Cli) -> None:
    code, out, _ = cli("standards", "list")
    assert code == 0
    assert "screening_trafficking@asean-commit-2016" in out
    code, out, _ = cli("standards", "list", "--json")
    told = json.loads(out)
    assert {
        "id": "child_labour@mics5",
        "title": "Child labour, MICS5 tabulation",
        "status": "superseded",
    } in (told["definitions"])
    assert told["correspondences"][0]["id"] == "forced_labour_trafficking"


def test_show_and_diff(cli: Cli) -> None:
    code, out, _ = cli("standards", "show", "forced_labour_children", "--lang", "fr")
    assert code == 0
    assert out.startswith("forced_labour_children@icls20-2018")
    code, out, _ = cli("standards", "diff", "child_labour@mics5", "child_labour@sdg-2021", "--json")
    changes = json.loads(out)["changes"]
    assert {
        "where": "output child_labour_b: rule: cl.mics5.chores_5_14 -> cl.sdg.chores_5_14",
        "before": "hours of household chores is at least 28",
        "after": "hours of household chores is above 21",
    } in changes


def test_check_tells_all_problems_of_all_files(cli: Cli, tmp_path: Path) -> None:
    assert cli("standards", "check")[:2] == (0, "0 problems\n")
    root = Path(shutil.copytree(data_root("harmonization"), tmp_path / "own"))
    for file, before, after in (
        ("criteria/wfcl.yaml", "variable: wfcl_sexual", "variable: wfcl_sexuel"),
        ("variables/marriage.yaml", "codelist: union_form", "codelist: union_forms"),
        ("definitions/forced_marriage.yaml", "default: gems-2022", "default: gems-2023"),
    ):
        text = (root / file).read_text("utf-8")
        (root / file).write_text(text.replace(before, after, 1), "utf-8")
    code, out, _ = cli("standards", "check", str(root))
    assert code == 1
    lines = out.splitlines()
    assert lines[-1] == "3 problems"
    assert [line.split(":")[0] for line in lines[:-1]] == [
        "criteria/wfcl.yaml",
        "definitions/forced_marriage.yaml",
        "variables/marriage.yaml",
    ]
    code, out, _ = cli("standards", "check", str(root), "--json")
    assert code == 1
    assert [problem["line"] for problem in json.loads(out)] == [
        int(line.split(":")[1]) for line in lines[:-1]
    ]


def test_departures(cli: Cli) -> None:
    code, out, _ = cli("standards", "departures", str(NATIONAL))
    assert code == 0
    assert "child_labour@xxx-2020 departs from child_labour@icls18-2018" in out
    code, out, _ = cli("standards", "departures", str(NATIONAL), "--json")
    assert json.loads(out)[0]["item"] == "child_labour@xxx-2020"
    code, out, _ = cli("standards", "departures", str(data_root("harmonization")))
    assert (code, out) == (0, "no departure from the international standards\n")
