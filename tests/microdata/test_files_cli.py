"""The verbs for data files: what they print, what they write, their exit codes."""

from __future__ import annotations

import json
import unicodedata
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.errors import SurveyToolkitError
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


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An ODK export: households, and their members as a child table."""
    file = tmp_path / "export.zip"
    people = ["Sok Dara", "Chan Rith", "Keo Sopheap", "Ny Bopha", "Som Vanna", "Ly Sothea"]
    with zipfile.ZipFile(file, "w") as archive:
        rows = [f"{i},11.556{i},104.921{i},uuid:{i},012 345 67{i}" for i in range(6)]
        head = "size,hh_gps-Latitude,hh_gps-Longitude,KEY,tel"
        archive.writestr("hh.csv", "\n".join([head, *rows, ""]))
        rows = [f"{name},{20 + i},uuid:{i},uuid:{i}/m[1]" for i, name in enumerate(people)]
        archive.writestr("hh-member.csv", "\n".join(["q1,age,PARENT_KEY,KEY", *rows, ""]))
    return file


def test_an_export_of_several_tables(export: Path, tmp_path: Path) -> None:
    page = tmp_path / "c.html"
    done = run(
        app, ["inspect", str(export), "--html", str(page), "--strip-identifiers", str(tmp_path / "bare.csv")]
    )
    assert done.exit_code == 0, done.output
    shown = done.output + page.read_text(encoding="utf-8")
    assert "PARENT_KEY = KEY" in shown
    assert not [s for s in ("Sok Dara", "012 345", "11.556", "104.92") if s in shown]
    parent, child = (read_microdata(tmp_path / f"bare_{name}.csv") for name in ("hh", "hh-member"))
    assert list(parent.frame.columns) == ["size", "KEY"]
    assert list(child.frame.columns) == ["age", "PARENT_KEY", "KEY"]
    plain = json.loads(run(app, ["inspect", str(export), "--json"]).output)
    assert list(plain["tables"]) == ["hh", "hh-member"]
    assert plain["links"] == [{"child": "hh-member", "parent": "hh", "on": [["PARENT_KEY", "KEY"]]}]
    one = json.loads(run(app, ["inspect", str(export), "--table", "hh-member", "--json"]).output)
    assert one["file"]["rows"] == 6
    refused = run(app, ["check", str(export)])
    assert isinstance(refused.exception, SurveyToolkitError)
    assert "--table 'hh'" in str(refused.exception)
    assert run(app, ["check", str(export), "--table", "hh"]).exit_code == 0


def test_columns_to_remove_and_to_leave(file: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.sav"
    given = ["inspect", str(file), "--strip-identifiers", str(bare), "--keep", "name", "--also", "w"]
    assert run(app, given).exit_code == 0
    assert list(read_microdata(bare).frame.columns) == ["name", "sex", "age"]
    done = run(app, [*given, "--also", "wieght"])
    assert "no such column" in str(done.exception)


def test_the_encoding_can_be_said(tmp_path: Path) -> None:
    """Few letters of an old file cannot be guessed; the person who made it knows."""
    file = tmp_path / "f.csv"
    file.write_bytes("id,เพศ\n1,ชาย\n".encode("cp874"))
    for encoding, name in (("cp874", "เพศ"), ("cp1252", "เพศ".encode("cp874").decode("cp1252"))):
        plain = json.loads(run(app, ["inspect", str(file), "--json", "--encoding", encoding]).output)
        assert plain["variables"][1]["name"] == unicodedata.normalize("NFC", name)


def test_rows_cross_tabulation_and_codebook_on_request(file: Path, tmp_path: Path) -> None:
    told = json.loads(run(app, ["check", str(file), "--weight", "w", "--json", "--rows"]).output)
    assert [f["rows"] for f in told["findings"] if f["check"] == "weight-negative"] == [[11]]
    walk = tmp_path / "walk.yaml"
    walk.write_text(
        "id: w\ntitle: T\ncountry: {code: KHM}\nsurvey: S\nperiod: '2024'\nlevels:\n  person:\n    targets:\n"
        "      sex: {source: sex, recode: {1: M, 2: F}}\n",
        encoding="utf-8",
    )
    page, book = tmp_path / "a.html", tmp_path / "d.xml"
    given = ["--audit", str(page), "--cross-tabulate", "sex", "--codebook", str(book)]
    done = run(app, ["harmonize", str(file), str(walk), str(tmp_path / "o.sav"), *given])
    assert done.exit_code == 0, done.output
    assert '<td>1</td><td>M</td><td class="n">6</td>' in page.read_text(encoding="utf-8")
    assert "codeBook" in book.read_text(encoding="utf-8")
