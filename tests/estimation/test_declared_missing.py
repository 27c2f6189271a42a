"""Codes that a file declares missing are no values, by whatever door the file comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import survey_toolkit as st
from survey_toolkit.microdata.model import MissingCode, Variable

HOURS = [10, 20, 30, 40, 98, 99, 50, 60]


def as_read() -> st.Microdata:
    frame = pd.DataFrame(
        {
            "w": [1.0, 2, 1, 2, 1, 2, 1, 2],
            "ea": [1, 1, 2, 2, 3, 3, 4, 4],
            "hours": HOURS,
            "sex": [1, 2, 1, 2, 1, 9, 1, 2],
            "place": ["a", "b", "XX ", "a", "b", "a", "b", "a"],
        }
    )
    variables = [
        Variable(name="hours", missing=(MissingCode(low=97, high=99),)),
        Variable(name="sex", missing=(MissingCode(low=9, high=9, reason="refused"),)),
        Variable(name="place", missing=(MissingCode(low="XX", high="XX"),)),
        Variable(name="ea", missing=(MissingCode(low=".a", high=".a"),)),
    ]
    return st.Microdata.from_frame(frame, variables)


@pytest.fixture(params=["memory", "sav", "dta", "parquet", "parquet path"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    raw = as_read()
    if request.param == "memory":
        return raw
    kind = request.param.split()[0]
    file = st.write_microdata(raw, tmp_path / f"raw.{kind}")
    return file if request.param.endswith("path") else st.read_microdata(file)


def survey(data: Any) -> st.Survey:
    return st.Survey(data, st.SurveyDesign(weight="w", psu="ea"))


def test_hours_98_are_not_worked(data: Any) -> None:
    known, weight = np.array([10, 20, 30, 40, 50, 60]), np.array([1, 2, 1, 2, 1, 2])
    result = survey(data).mean("hours")
    assert result.estimate[0] == pytest.approx((known * weight).sum() / weight.sum(), rel=1e-15)
    assert result.n_undetermined[0] == 2
    naive = st.Survey(as_read().frame, st.SurveyDesign(weight="w", psu="ea")).mean("hours")
    assert naive.estimate[0] > 50  # what published code has done with such files


def test_a_refusal_is_no_sex_and_no_level(data: Any) -> None:
    by_sex = survey(data).mean("hours", by="sex")
    assert by_sex.domains == ((1,), (2,))
    assert any("1 row" in note for note in by_sex.notes)
    assert survey(data).proportion("sex").domains == ((1,), (2,))


def test_text_codes_without_their_padding(data: Any) -> None:
    assert survey(data).proportion("place").domains == (("a",), ("b",))


def test_harmonized_data_written_and_read_again_give_the_same(tmp_path: Path) -> None:
    country = st.datasets.simulate_country(seed=3, n_persons=20_000)
    sample = country.draw_sample(seed=3, n_areas=60)
    std = st.harmonize(sample.person, "demo_household_survey_2024", level="person")
    frame = std.frame.merge(sample.household.frame[["hh_id", "weight", "stratum", "ea"]], on="hh_id")
    design = st.SurveyDesign(weight="weight", strata="stratum", psu="ea")
    first = st.Survey(frame, design).mean("ea_hours")
    held = std.replace(frame=frame, variables={**std.variables, **{
        name: Variable(name=name) for name in ("weight", "stratum", "ea")}})  # fmt: skip
    for name in ("out.sav", "out.dta", "out.parquet"):
        again = st.read_microdata(st.write_microdata(held, tmp_path / name))
        result = st.Survey(again, design).mean("ea_hours")
        assert result.estimate == pytest.approx(first.estimate, rel=1e-12), name
        assert result.n.tolist() == first.n.tolist()
        bands = st.Survey(again, design).total("weight", by="age_band").domains
        assert bands == st.Survey(frame, design).total("weight", by="age_band").domains, name


def test_hidden_populations_take_the_same_answers() -> None:
    counts = st.hidden_populations.item_count
    rows = pd.DataFrame({"count": [1, 2, 0, 1, 9, 2, 3, 1], "arm": [0, 1, 0, 1, 0, 1, 1, 0]})
    declared = st.Microdata.from_frame(
        rows, [Variable(name="count", missing=(MissingCode(low=9, high=9),)), Variable(name="arm")]
    )
    kept = counts(rows[rows["count"] != 9], "count", "arm", items=3).difference()
    assert counts(declared, "count", "arm", items=3).difference().estimate == pytest.approx(kept.estimate)


def test_codes_labelled_but_not_declared_are_told(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from survey_toolkit.cli import app

    labels = {1: "Yes", 2: "No", 9: "No response"}
    rows = pd.DataFrame({"w": 1.0, "ea": [1, 1, 2, 2, 3, 3], "CL3": [1, 2, 1, 2, 9, 2]})
    plain = st.Microdata.from_frame(rows, [Variable(name="CL3", value_labels=labels)])
    told = st.Microdata.from_frame(
        rows, [Variable(name="CL3", value_labels=labels, missing=(MissingCode(low=9, high=9),))]
    )
    for data, expected in ((plain, True), (told, False)):
        file = st.write_microdata(data, tmp_path / "mics.sav")
        done = CliRunner().invoke(app, ["estimate", str(file), "CL3", "--weight", "w", "--psu", "ea"])
        assert done.exit_code == 0, done.output
        assert ("9 'No response' counted as values" in done.stderr) is expected
        assert ("9 No response" in done.stdout) is expected
