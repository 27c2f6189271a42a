import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_toolkit.errors import DataFileError, SurveyToolkitError
from survey_toolkit.indicators import (
    Figure,
    Figures,
    FileRecord,
    Trace,
    TraceStep,
    decimals_for,
    explain,
    explain_tree,
    figure_id,
    format_number,
    presentation,
    read_figures,
)
from survey_toolkit.indicators.figure import NUMBERS

TRACE = Trace(
    steps=(
        TraceStep(kind="estimator", title="proportion", text="812 unweighted cases, 31 positive", own=True),
        TraceStep(
            kind="rule",
            title="child labour",
            text="age 5-11 and one hour",
            children=(TraceStep(kind="criterion", title="cl.hours", text="one hour", reference="table 2"),),
        ),
        TraceStep(kind="source", title="SDG metadata", reference="2.a"),
    ),
    files=(FileRecord(name="a.sav", sha256="ff" * 32, rows=10),),
    software="survey_toolkit 0.1.0",
    seed=7,
)


def make(**changes):
    codes = changes.pop("codes", {"sex": "F", "age_band": "5-11"})
    values = {
        "id": figure_id("8.7.1", changes.pop("in_id", None), "KHM", "2024", list(codes.values())),
        "indicator": "8.7.1",
        "series": "SL_TLF_CHLDEA",
        "label": "Children in economic activity",
        "variable": "child_labour_a",
        "country": "KHM",
        "period": "2024",
        "breakdown": codes,
        "labels": {"sex": "Female"},
        "statistic": "proportion",
        "unit": "PT",
        "value": 0.0382,
        "ci_low": 0.025,
        "ci_high": 0.058,
        "se": 0.008,
        "cv": 0.21,
        "n": 812,
        "n_positive": 31,
        "trace": TRACE,
    }
    return Figure(**{**values, **changes})


@pytest.fixture
def figures():
    return Figures(
        [
            make(codes={"sex": "_T", "age_band": "_T"}),
            make(),
            make(codes={"sex": "_T", "age_band": "_T"}, in_id="SL_TLF_CHLDEC", series="SL_TLF_CHLDEC"),
            make(in_id="SL_TLF_CHLDEC", series="SL_TLF_CHLDEC"),
        ]
    )


def test_json_round_trip_keeps_everything(figures, tmp_path):
    again = Figures.from_json(figures.to_json())
    assert again == figures
    assert explain(again[1]) == explain(figures[1])
    (tmp_path / "figures.json").write_text(figures.to_json(), encoding="utf-8")
    assert read_figures(tmp_path) == figures


def test_steps_that_figures_share_are_stored_once(figures):
    data = json.loads(figures.to_json())
    assert len(data["steps"]) == 3
    assert all(row["trace"]["steps"] == [0, 1, 2] for row in data["figures"])


@given(
    value=st.floats(allow_nan=True, allow_infinity=True),
    n=st.one_of(st.none(), st.integers(0, 10**9)),
    label=st.text(max_size=30),
)
def test_any_figure_round_trips(value, n, label):
    figure = make(value=value, n=n, label=label)
    assert Figure.from_dict(json.loads(json.dumps(figure.to_dict(), allow_nan=False))) == figure


def test_figures_can_be_pickled(figures):
    assert pickle.loads(pickle.dumps(figures)) == figures


def test_not_a_number_becomes_missing():
    assert make(value=float("nan"), deff=float("inf")).value is None


def test_get_names_the_nearest_id(figures):
    assert figures.get("8.7.1/KHM/2024/F/5-11") is figures[1]
    with pytest.raises(SurveyToolkitError, match=r"did you mean '8\.7\.1/KHM/2024/F/5-11'"):
        figures.get("8.7.1/KHM/2024/F/5-12")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("8.7.1/KHM/2024/F/5-11", ["8.7.1/KHM/2024/F/5-11"]),
        ("8.7.1:SL_TLF_CHLDEC/KHM/2024/F/5-11", ["8.7.1:SL_TLF_CHLDEC/KHM/2024/F/5-11"]),
        ("8.7.1/KHM/2024", ["8.7.1/KHM/2024/_T/_T", "8.7.1:SL_TLF_CHLDEC/KHM/2024/_T/_T"]),
        ("8.7.1:SL_TLF_CHLDEC/KHM/2024", ["8.7.1:SL_TLF_CHLDEC/KHM/2024/_T/_T"]),
    ],
)
def test_match_understands_what_people_type(figures, typed, found):
    assert [f.id for f in figures.match(typed)] == found


def test_match_of_an_indicator_gives_all(figures):
    assert len(figures.match("8.7.1")) == 4
    with pytest.raises(SurveyToolkitError, match="no such figure"):
        figures.match("9.9.9")


def test_filter(figures):
    assert len(figures.filter(series="SL_TLF_CHLDEC")) == 2
    assert [f.series for f in figures.filter(indicator="8.7.1", sex="F")] == [
        "SL_TLF_CHLDEA",
        "SL_TLF_CHLDEC",
    ]
    assert len(figures.filter(region="_T")) == 4


def test_two_figures_with_one_id_are_refused(figures):
    with pytest.raises(SurveyToolkitError, match="same id"):
        Figures([figures[0], figures[0]])


def test_frame_has_a_column_for_each_dimension(figures):
    frame = figures.to_frame()
    assert frame["sex"].tolist() == ["_T", "F", "_T", "F"]
    assert frame["value"].tolist() == [0.0382] * 4
    assert str(frame["n"].dtype) == "Int64"
    assert Figures().to_frame().empty


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": "other"}', "[1]", '{"format": "survey_toolkit.figures/1"}']
)
def test_other_files_are_refused(text):
    with pytest.raises(DataFileError, match="not a figures file"):
        Figures.from_json(text)


def test_missing_figures_file(tmp_path):
    with pytest.raises(DataFileError, match="no such file"):
        read_figures(tmp_path)


def test_masking_leaves_no_number_anywhere():
    masked = replace(make(), truth=0.04, n_psu=12, bound_low=0.01).masked(
        disclosure="suppressed", obs_status="Q"
    )
    assert all(getattr(masked, name) is None for name in NUMBERS)
    text = json.dumps(masked.to_dict())
    for number in ("812", "31 positive", "0.0382", "0.04"):
        assert number not in text
    assert masked.text == "suppressed"


def test_coverage_of_the_truth():
    assert make(truth=0.03).covers is True
    assert make(truth=0.09).covers is False
    assert make(truth=0.03, ci_low=None).covers is None
    assert make().covers is None


def test_explain_walks_from_figure_to_source():
    text = explain(make())
    order = [
        "8.7.1/KHM/2024/F/5-11",
        "Figure:",
        "Estimator:",
        "Rule:",
        "Criterion:",
        "Source: SDG metadata (2.a)",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "sha256 " + "ff" * 32 in text
    assert "Seed: 7" in text


def test_explain_tree_says_the_same():
    from rich.console import Console

    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(explain_tree(make(label="[bold]x[/bold]")))
    text = console.export_text()
    console.file.close()
    assert "[bold]x[/bold], Female, 5-11: 3.8 % [2.5, 5.8]" in text
    assert "cl.hours" in text


def test_presentation_and_decimals():
    assert presentation(0.5, "PER_1000_POP") == 500
    assert presentation(float("nan"), "PT") is None
    assert decimals_for([0.05], "PT") == 3
    assert decimals_for([None], "PT") == 1
    assert format_number(-0.04, 1) == "0.0"
    with pytest.raises(SurveyToolkitError, match="unknown unit"):
        make(unit="PERCENT")
