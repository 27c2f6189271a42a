"""Frames, logs and field returns as tired users give them: place, found, expected, to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from survey_toolkit.errors import DataFileError, DesignError, SurveyToolkitError
from survey_toolkit.sampling import redo
from survey_toolkit.sampling.plan import load_plan
from survey_toolkit.sampling.run_plan import run_allocate, run_select

PLAN = """
id: p
seed: 1
allocate: {stratum: [region], method: proportional, n: 4, size: hh}
select: {stages: [{unit: ea, n: 2, strata: [region], method: pps_systematic, size: hh}]}
weight: {probability: probability, status: status, calibrate: {totals: {region: {A: 5, B: 7}}}}
"""
FRAME = "region,ea,hh\n" + "".join(f"{'AB'[i % 2]},{i:02d},{20 + i}\n" for i in range(12))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return tmp_path / "plan.yaml"


def _frame(folder: Path, text: str) -> Path:
    (folder / "areas.csv").write_text(text, encoding="utf-8")
    return folder / "areas.csv"


def _whole(exc: SurveyToolkitError, where: str, found: str) -> None:
    assert where in (exc.where or "")
    assert found in (exc.found or "")
    assert exc.expected
    assert exc.hint


@pytest.mark.parametrize("verb", ["allocate", "select"])
@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("", "areas.csv", "zero bytes"),
        ("region,ea,hh\n", "areas.csv", "no"),
        (FRAME.replace(",22\n", ",many\n"), "areas.csv: hh", "1"),
        (FRAME.replace(",22\n", ",\n"), "areas.csv: hh", "1"),
        (FRAME.replace(",22\n", ",-2\n"), "areas.csv: hh", "1"),
    ],
    ids=["empty", "head only", "text", "blank", "negative"],
)
def test_a_bad_frame_is_told(plan: Path, verb: str, text: str, where: str, found: str) -> None:
    frame = _frame(plan.parent, text)
    spec = load_plan(plan)
    with pytest.raises((DesignError, DataFileError)) as told:
        run_allocate(spec, frame) if verb == "allocate" else run_select(spec, frame, plan.parent)
    _whole(told.value, where, "" if found == "no" else found)


@pytest.mark.parametrize("cell", ["", "n/a", "inf"])
def test_an_average_passes_over_no_row_in_silence(plan: Path, cell: str) -> None:
    """A stratum's mean over its rows with a number alone, divided by all its units, is too small."""
    plan.write_text(PLAN.replace("method: proportional", "method: neyman, sd: sd"), encoding="utf-8")
    rows = [f"{line},{'sd' if i == 0 else 10}" for i, line in enumerate(FRAME.splitlines())]
    frame = _frame(plan.parent, "\n".join(rows) + "\n")
    assert run_allocate(load_plan(plan), frame)
    _frame(plan.parent, "\n".join([*rows[:-1], rows[-1].rsplit(",", 1)[0] + "," + cell]) + "\n")
    with pytest.raises(DesignError) as told:
        run_allocate(load_plan(plan), frame)
    _whole(told.value, "areas.csv: sd", "1, in strata B")


def test_semicolons_make_no_difference(plan: Path) -> None:
    plain = run_select(load_plan(plan), _frame(plan.parent, FRAME), plan.parent)
    other = plan.parent / "semicolons.csv"
    other.write_text(FRAME.replace(",", ";"), encoding="utf-8")
    assert run_select(load_plan(plan), other, plan.parent).log.digest == plain.log.digest


@pytest.mark.parametrize(
    "content", ["id: p", "[]", '{"seed": 1}', '{"seed": 1, "digest": "", "stages": [{"stage": "ea"}]}', "\0"]
)
def test_a_log_that_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "log.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DesignError, match="no log of a selection") as told:
        redo(file, ["areas.csv"])
    _whole(told.value, "log.json", "")
    with pytest.raises(DataFileError, match="no such file"):
        redo(tmp_path / "other.json", [])


def test_redo_names_the_frames_it_wants(plan: Path) -> None:
    frame = _frame(plan.parent, FRAME)
    drawn = run_select(load_plan(plan), frame, plan.parent)
    log = drawn.log.write(plan.parent / "out")[0]
    assert redo(log, [frame]) == ()
    assert redo(json.loads(log.read_text()), [frame]) == ()
    with pytest.raises(DesignError) as told:
        redo(log, [frame, frame])
    _whole(told.value, "frames", "2")
    assert "ea (was areas.csv)" in (told.value.expected or "")


@pytest.mark.parametrize(
    ("rows", "where", "found"),
    [
        ("region,ea\nA,1\n", "field.csv: probability", ""),
        ("region,ea,probability\nA,1,0.5\n", "field.csv: status", ""),
        ("region,probability,status\nA,0.5,done\nB,0.5,ER\n", "field.csv: status", "done"),
        ("region,probability,status\nA,0.5,ER\nC,0.5,ER\n", "field.csv: region", "C"),
    ],
)
def test_the_field_file_is_named(plan: Path, rows: str, where: str, found: str) -> None:
    from typer.testing import CliRunner

    from survey_toolkit.cli import app

    field = plan.parent / "field.csv"
    field.write_text(rows, encoding="utf-8")
    done = CliRunner().invoke(app, ["sample", "weight", str(plan), str(field), "--out", str(plan.parent)])
    assert isinstance(done.exception, SurveyToolkitError), done.output
    _whole(done.exception, where, found)


def test_another_file_in_the_place_of_the_plan(plan: Path) -> None:
    with pytest.raises(
        DesignError, match=r"areas.csv:1: lines 'key: value' are expected here, found 'region,"
    ):
        load_plan(_frame(plan.parent, FRAME))
