"""What is written is what is read: values, labels in every script, missing declarations."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DataFileError, SurveyToolkitError
from survey_toolkit.microdata import Microdata, MissingCode, Variable, read_microdata, write_microdata

from .conftest import LABELS


def _same(a: pd.Series, b: pd.Series) -> None:
    assert a.isna().to_list() == b.isna().to_list()
    assert a.dropna().to_list() == b.dropna().to_list()


@pytest.mark.parametrize("extension", [".sav", ".zsav", ".parquet"])
def test_round_trip_keeps_values_labels_and_declarations(
    survey: Microdata, tmp_path: Path, extension: str
) -> None:
    back = read_microdata(write_microdata(survey, tmp_path / f"out{extension}"))
    assert list(back.variables) == list(survey.variables)
    for name in ("hh", "sex", "hours", "answer"):
        _same(back.frame[name], survey.frame[name])
        assert back.variables[name].label == survey.variables[name].label
        assert dict(back.variables[name].value_labels) == dict(survey.variables[name].value_labels)
        declared = [(m.low, m.high) for m in back.variables[name].missing]
        assert declared == [(m.low, m.high) for m in survey.variables[name].missing]
    assert back.source.n_rows == 5
    assert len(back.source.sha256) == 64


def test_codes_are_whole_numbers_and_reals_stay_real(survey: Microdata, tmp_path: Path) -> None:
    back = read_microdata(write_microdata(survey, tmp_path / "out.sav"))
    assert back.frame.dtypes.astype(str).to_dict() == {
        "hh": "string",
        "sex": "Int64",
        "hours": "Float64",
        "answer": "string",
    }


def test_unknown_is_null_not_no(survey: Microdata, tmp_path: Path) -> None:
    """The null trap: on plain float pandas the comparison would be False."""
    back = read_microdata(write_microdata(survey, tmp_path / "out.sav"))
    assert (back.frame["hours"] == 98).isna().to_list() == [False, False, True, False, False]


def test_stata_gets_tags_with_labels(survey: Microdata, tmp_path: Path) -> None:
    back = read_microdata(write_microdata(survey, tmp_path / "out.dta"))
    assert back.frame["sex"].isna().to_list() == [False, False, False, False, True]
    assert back.frame["sex__missing"].to_list()[-1] == ".a"
    assert back.variables["sex"].value_labels[".a"] == "NO RESPONSE"
    assert back.variables["sex"].value_labels[1] == LABELS["thai"]
    assert [m.low for m in back.variables["hours"].missing] == [".a", ".b"]
    assert back.frame["hours__missing"].dropna().to_list() == [".a", ".b"]
    assert back.frame["hours"].dropna().to_list() == [10.5, 3.0]
    assert "sex__missing" not in back.variables


def test_stata_tags_survive_a_second_round(survey: Microdata, tmp_path: Path) -> None:
    once = read_microdata(write_microdata(survey, tmp_path / "one.dta"))
    twice = read_microdata(write_microdata(once, tmp_path / "two.dta"))
    pd.testing.assert_frame_equal(once.frame, twice.frame)
    assert once.variables == twice.variables


@pytest.mark.parametrize("script", LABELS)
@pytest.mark.parametrize("extension", [".sav", ".dta"])
def test_every_script_survives(script: str, extension: str, tmp_path: Path) -> None:
    text = LABELS[script]
    made = Microdata.from_frame(
        pd.DataFrame({"q": [1, 2], "place": [text, "x"]}),
        [Variable(name="q", label=text, value_labels={1: text, 2: "two"})],
    )
    back = read_microdata(write_microdata(made, tmp_path / f"out{extension}"))
    assert back.variables["q"].label == text
    assert back.variables["q"].value_labels[1] == text
    assert back.frame["place"].to_list() == [text, "x"]


def test_reasons_beside_null_become_declared_codes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"met": pd.array([True, None, None, None], dtype="boolean")})
    frame["met__missing"] = pd.array([None, "dk", "not_applicable", "system"], dtype="string")
    made = Microdata.from_frame(frame)
    spss = read_microdata(write_microdata(made, tmp_path / "o.sav"))
    assert spss.frame["met"].to_list()[:3] == [1, -99, -97]
    assert spss.variables["met"].value_labels == {-99: "dk", -97: "not_applicable", 0: "no", 1: "yes"}
    assert all(spss.variables["met"].missing[0].contains([-99, -97]))
    stata = read_microdata(write_microdata(made, tmp_path / "o.dta"))
    assert stata.frame["met__missing"].dropna().to_list() == [".a", ".c"]
    whole = read_microdata(write_microdata(made, tmp_path / "o.parquet"))
    assert whole.frame["met__missing"].dropna().to_list() == ["dk", "not_applicable", "system"]


def test_too_many_codes_for_spss_is_told(tmp_path: Path) -> None:
    codes = tuple(MissingCode(low=c, high=c) for c in (1, 3, 5, 7))
    made = Microdata.from_frame(pd.DataFrame({"q": [1, 2, 4, 6]}), [Variable(name="q", missing=codes)])
    with pytest.raises(DataFileError, match=r"(?s)q: SPSS cannot declare.*at most three codes"):
        write_microdata(made, tmp_path / "o.sav")
    assert list(tmp_path.iterdir()) == []


def test_four_neighbouring_codes_become_a_range(tmp_path: Path) -> None:
    codes = tuple(MissingCode(low=c, high=c) for c in (96, 97, 98, 99))
    made = Microdata.from_frame(pd.DataFrame({"q": [1, 96, 99, 6]}), [Variable(name="q", missing=codes)])
    back = read_microdata(write_microdata(made, tmp_path / "o.sav"))
    assert [(m.low, m.high) for m in back.variables["q"].missing] == [(96, 99)]


@pytest.mark.parametrize("extension", [".sav", ".dta"])
def test_dates_stay_dates(extension: str, tmp_path: Path) -> None:
    days = pd.to_datetime(["1960-01-01", "2024-02-29", None])
    moments = pd.to_datetime(["1960-01-01 10:30:00", "2024-02-29 23:59:59", None])
    made = Microdata.from_frame(pd.DataFrame({"day": days, "moment": moments}))
    back = read_microdata(write_microdata(made, tmp_path / f"o{extension}"))
    assert back.frame["day"].dropna().dt.date.to_list() == [dt.date(1960, 1, 1), dt.date(2024, 2, 29)]
    assert back.frame["moment"].iloc[1] == pd.Timestamp("2024-02-29 23:59:59")
    assert back.frame["day"].isna().sum() == 1


def test_a_date_with_missing_codes_stays_a_number(tmp_path: Path) -> None:
    import pyreadstat

    file = tmp_path / "d.sav"
    frame = pd.DataFrame({"d": [13_800_000_000.0, 9.0]})
    pyreadstat.write_sav(frame, str(file), missing_ranges={"d": [9.0]}, variable_format={"d": "DATE11"})
    back = read_microdata(file)
    assert back.frame["d"].to_list() == [13_800_000_000, 9]
    assert "date variable 'd' was left as numbers (DATE11): it has declared missing codes" in back.notes


def test_csv_neutralises_formulas_and_only_those(tmp_path: Path) -> None:
    cells = ["=1+1", "+x", "-x", "@SUM", "-5", "+3.5", "plain", " =2", "＝3", "\tx"]
    made = Microdata.from_frame(pd.DataFrame({"t": cells, "=n": [-1] * len(cells)}))
    text = write_microdata(made, tmp_path / "o.csv").read_text("utf-8")
    assert text.splitlines()[0] == "t,'=n"
    for risky in ("=1+1", "+x", "-x", "@SUM", " =2", "＝3", "\tx"):
        assert f"\n'{risky},-1" in text
    for plain in ("-5", "+3.5", "plain"):
        assert f"\n{plain},-1" in text


def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "o.dta"
    write_microdata(Microdata.from_frame(pd.DataFrame({"a": [1]})), target)
    before = target.read_bytes()
    bad = Microdata.from_frame(pd.DataFrame({"a name that Stata cannot have, and too long": [1]}))
    with pytest.raises(DataFileError, match=r"cannot be written as \.dta"):
        write_microdata(bad, target)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_unknown_extension_and_folder_are_told(survey: Microdata, tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"cannot be written[\s\S]*found: \.xyz"):
        write_microdata(survey, tmp_path / "o.xyz")
    with pytest.raises(DataFileError, match="no such folder"):
        write_microdata(survey, tmp_path / "nowhere" / "o.sav")


def test_columns_can_be_chosen(survey: Microdata, tmp_path: Path) -> None:
    for extension in (".sav", ".dta", ".parquet", ".csv"):
        file = write_microdata(survey, tmp_path / f"o{extension}")
        assert list(read_microdata(file, columns=["sex"]).variables) == ["sex"]
        with pytest.raises(DataFileError, match=r"no such column[\s\S]*did you mean 'sex'"):
            read_microdata(file, columns=["sexx"])


def test_large_file_is_read_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import survey_toolkit.microdata._statistical as statistical

    rows = 5_000
    frame = pd.DataFrame(
        {"i": range(rows), "x": np.arange(rows) / 7, "t": [f"ក{i % 9}" for i in range(rows)]}
    )
    file = write_microdata(Microdata.from_frame(frame), tmp_path / "o.sav")
    whole = read_microdata(file)
    monkeypatch.setattr(statistical, "ROWS_A_BLOCK", 700)
    chunked = read_microdata(file)
    pd.testing.assert_frame_equal(whole.frame, chunked.frame)
    assert chunked.frame["t"].to_list() == frame["t"].to_list()


def test_repr_names_things_and_escapes_html(survey: Microdata) -> None:
    text = repr(survey)
    assert "5 rows, 4 variables (survey.sav)" in text
    assert "missing 97 to 99" in text
    evil = Microdata.from_frame(pd.DataFrame({"a": [1]}), [Variable(name="a", label="<script>")])
    assert "<script>" not in evil._repr_html_()
    assert "&lt;script&gt;" in evil._repr_html_()


def test_unknown_variable_is_told_with_the_nearest(survey: Microdata) -> None:
    with pytest.raises(SurveyToolkitError, match="did you mean 'hours'"):
        survey.variable("hour")
    with pytest.raises(SurveyToolkitError, match=r"described that is not in the frame"):
        Microdata.from_frame(pd.DataFrame({"a": [1]}), [Variable(name="b")])


def test_missing_code_checks_itself() -> None:
    with pytest.raises(SurveyToolkitError, match="ends before it begins"):
        MissingCode(low=9, high=8)
    with pytest.raises(SurveyToolkitError, match="two numbers or two texts"):
        MissingCode(low=9, high="9")
    assert MissingCode(low="ZZ", high="ZZ").contains(["ZZ ", "Z", None]).tolist() == [True, False, False]
