"""The verbs for data files: what they print, what they write, their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.microdata import Microdata, Variable, read_microdata, write_microdata

run = CliRunner().invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "name": [f"Somchai {i}" for i in range(12)],
            "sex": [1] * 6 + [2] * 6,
            "age": list(range(5, 17)),
            "w": [1.0] * 11 + [-1.0],
        }
    )
    data = Microdata.from_frame(
        frame, [Variable(name="sex", label="Sex", value_labels={1: "Male", 2: "Female"})]
    )
    return write_microdata(data, tmp_path / "person.sav")


def test_inspect(file: Path, tmp_path: Path) -> None:
    page, bare = tmp_path / "c.html", tmp_path / "bare.sav"
    done = run(app, ["inspect", str(file), "--html", str(page), "--strip-identifiers", str(bare)])
    assert done.exit_code == 0, done.output
    assert "identifier: name" in done.output
    assert "Somchai" not in done.output + page.read_text(encoding="utf-8")
    assert list(read_microdata(bare).frame.columns) == ["sex", "age", "w"]
    plain = json.loads(run(app, ["inspect", str(file), "--json"]).output)
    assert plain["identifiers"][0]["name"] == "name"
    assert "Somchai" not in json.dumps(plain)


def test_check(file: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    done = run(app, ["check", str(file), "--weight", "w", "--html", str(page)])
    assert done.exit_code == 1
    assert "weight-negative" in done.output
    assert "weight-negative" in page.read_text(encoding="utf-8")
    well = run(app, ["check", str(file), "--key", "name", "--json"])
    assert well.exit_code == 0
    assert json.loads(well.output)["errors"] == 0


def test_draft_audit_and_diff(file: Path, tmp_path: Path) -> None:
    walk = tmp_path / "walk.yaml"
    done = run(app, ["crosswalk", "draft", str(file), "--out", str(walk)])
    assert done.exit_code == 0, done.output
    assert "open places" in done.output
    assert "sex:" in run(app, ["crosswalk", "draft", str(file)]).output
    walk.write_text(
        "id: w\ntitle: T\ncountry: {code: KHM}\nsurvey: S\nperiod: '2024'\nlevels:\n  person:\n    targets:\n"
        "      sex: {source: sex, recode: {1: M, 2: F}}\n",
        encoding="utf-8",
    )
    one, two, page = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "a.html"
    out = str(tmp_path / "o.parquet")
    assert run(app, ["harmonize", str(file), str(walk), out, "--audit", str(one)]).exit_code == 0
    assert run(app, ["harmonize", str(file), str(walk), out, "--audit", str(page)]).exit_code == 0
    walk.write_text(walk.read_text(encoding="utf-8").replace("2: F", "2: M"), encoding="utf-8")
    assert run(app, ["harmonize", str(file), str(walk), out, "--audit", str(two)]).exit_code == 0
    assert "Harmonization audit" in page.read_text(encoding="utf-8")
    told = json.loads(run(app, ["crosswalk", "diff", str(one), str(two), "--json"]).output)
    assert {(c["what"], c["after"]) for c in told["changes"]} >= {("2 to F", "0"), ("2 to M", "6")}
    assert "2 to F" in run(app, ["crosswalk", "diff", str(one), str(two)]).output
    assert "no difference" in run(app, ["crosswalk", "diff", str(one), str(one)]).output
