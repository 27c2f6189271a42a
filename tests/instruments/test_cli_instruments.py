"""The verbs on questionnaires."""

import json
import re

import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.instruments.catalogue import read_catalogue
from survey_toolkit.instruments.cells import cells_text

run = CliRunner()


def test_list_and_show():
    assert "forced_labour_adult" in run.invoke(app, ["instrument", "list"]).output
    listed = json.loads(run.invoke(app, ["instrument", "list", "--json"]).output)
    assert "example" in [q["id"] for q in listed["questionnaires"]]
    shown = run.invoke(app, ["instrument", "show", "example"]).output
    assert "[if CN2 is Yes (1)]" in shown
    assert "EX1. In the last 5 years" in shown


def test_check_tells_gaps_only_when_asked_and_fails_when_strict():
    plain = run.invoke(app, ["instrument", "check", "example", "--lang", "en,th"])
    assert plain.exit_code == 0
    assert "0 problems" in plain.output
    cells = run.invoke(app, ["instrument", "check", "example", "--lang", "en,th", "--cells"])
    assert "modules/example_consent.yaml:11: items.0.text: 'ex_age.text' has no th text" in cells.output
    assert run.invoke(app, ["instrument", "check", "example", "--lang", "en,th", "--strict"]).exit_code == 1


def test_coverage():
    found = run.invoke(app, ["instrument", "coverage", "example"])
    assert found.exit_code == 0
    assert "0 gaps" in found.output


def test_build_simulate_import(tmp_path):
    built = run.invoke(app, ["instrument", "build", "example", "-o", str(tmp_path), "--json"])
    assert built.exit_code == 0, built.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["example.crosswalk.yaml", "example.xlsx"]
    back = run.invoke(
        app, ["instrument", "import", str(tmp_path / "example.xlsx"), "--claims", "pen.violence"]
    )
    assert "pen.violence: 0 of 1 criteria measured" in back.output
    made = run.invoke(app, ["instrument", "simulate", "example", "--n", "5", "-o", str(tmp_path / "data")])
    assert made.exit_code == 0, made.output
    assert len((tmp_path / "data/example.csv").read_text().splitlines()) == 6


def test_wrong_use(tmp_path):
    from survey_toolkit.errors import InstrumentError

    with pytest.raises(InstrumentError, match="unknown output format"):
        run.invoke(
            app,
            ["instrument", "build", "example", "--format", "pdf", "-o", str(tmp_path)],
            catch_exceptions=False,
        )
    assert list(tmp_path.iterdir()) == []


def test_translation_files_keep_what_is_translated(tmp_path):
    catalogue = read_catalogue()
    language, module = next(k for k in catalogue.translations if k[0] == "fr" and k[1] in catalogue.modules)
    before = catalogue.translations[(language, module)].model
    file = tmp_path / f"translations/{language}/{module}.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(cells_text(catalogue, language, module), encoding="utf-8")
    after = read_catalogue(tmp_path).translations[(language, module)].model
    kept = {k: (c.status, c.english, c.text.split()) for k, c in before.cells.items() if c.text}
    assert {k: (c.status, c.english, c.text.split()) for k, c in after.cells.items() if c.text} == kept
    assert set(after.cells) == set(catalogue.english(module))


def test_build_tells_what_stands_in_for_what(tmp_path):
    built = run.invoke(app, ["instrument", "build", "example", "--lang", "en,fr,th", "-o", str(tmp_path)])
    assert built.exit_code == 0, built.output
    notes = dict(line.split(": ", 2)[1:] for line in built.output.splitlines() if line.startswith("note: "))
    used = r"used as they stand; let a speaker of the language read them before the field"
    assert re.fullmatch(rf"\d+ draft \({used}\), \d+ missing \(English stands in\)", notes["fr"])
    assert re.fullmatch(r"\d+ missing \(English stands in\)", notes["th"])


def test_nothing_stands_in_for_a_form_of_drafts(tmp_path):
    built = run.invoke(app, ["instrument", "build", "marriage", "--lang", "en,fr", "-o", str(tmp_path)])
    assert built.exit_code == 0, built.output
    (note,) = [line for line in built.output.splitlines() if line.startswith("note: fr")]
    assert " draft (used as they stand" in note
    assert "English" not in note
