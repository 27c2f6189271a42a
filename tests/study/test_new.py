"""A new study: from flags without a terminal, refused where it would overwrite, runs once filled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.datasets import simulate_country, uk_2013
from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.microdata import write_microdata
from survey_toolkit.study import Study, StudyPlan, json_schema, new_study

RUNNER = CliRunner()
ABOUT = [
    "--title",
    'Victims: "known" and not',
    "--country",
    "gbr",
    "--country-name",
    "UK",
    "--period",
    "2013",
]


@pytest.fixture
def person(tmp_path: Path) -> Path:
    survey = simulate_country(seed=1, n_persons=10_000).draw_sample(
        seed=1, n_areas=30, households_per_area=10
    )
    household = survey.household.frame[["hh_id", "stratum", "ea", "weight"]]
    frame = survey.person.frame.merge(household, on="hh_id")
    data = type(survey.person).from_frame(frame, survey.person.variables.values())
    return write_microdata(data, tmp_path / "person.sav")


def test_lists_run_at_once(tmp_path: Path) -> None:
    lists = uk_2013()  # five lists instead of six: a tenth of the models to compare
    lists["PF"] = lists[["PF", "NCA"]].max(axis=1)
    lists = lists.groupby(["LA", "NG", "PF", "GO", "GP"], as_index=False)["count"].sum()
    lists.to_csv(tmp_path / "lists.csv", index=False)
    done = RUNNER.invoke(
        app,
        ["new", str(tmp_path / "uk"), "--data", str(tmp_path / "lists.csv"), "--lists", "LA,NG,PF,GO,GP",
         "--population", "64000000", *ABOUT],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "survey-toolkit run" in done.stdout
    run = Study.load(tmp_path / "uk" / "study.yaml", data_folder=tmp_path).run()
    assert next(iter(run.figures)).value == 2744
    assert 'Victims: "known" and not' in run.title


def test_a_survey_gets_a_draft_that_must_be_finished(person: Path, tmp_path: Path) -> None:
    done = RUNNER.invoke(
        app,
        ["new", str(tmp_path / "cl"), "--data", str(person), "--weight", "weight", "--strata", "stratum",
         "--psu", "ea", "--indicator", "8.7.1", "--indicator", "5.3.1", *ABOUT, "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    study, crosswalk = (Path(path) for path in json.loads(done.stdout)["written"])
    assert "<open>" in crosswalk.read_text(encoding="utf-8")
    assert "child_marriage" in study.read_text(encoding="utf-8")
    with pytest.raises(SurveyToolkitError, match="<open>"):
        Study.load(study, data_folder=tmp_path).run()


def test_without_a_terminal_the_missing_option_is_named(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["new", str(tmp_path / "x"), "--title", "T"])
    assert isinstance(done.exception, SurveyToolkitError)
    assert "--country" in str(done.exception)
    assert not (tmp_path / "x").exists()


def _plan(data: Path, **changes: object) -> StudyPlan:
    told: dict[str, object] = {
        "id": "s", "title": "T", "country_code": "KHM", "country_name": "Cambodia", "period": "2024",
        "data": data, "indicators": ("8.7.1",), "weight": "weight",
    }  # fmt: skip
    return StudyPlan(**(told | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": None}, "needs its weight column"),
        ({"weight": "wieght"}, r"(?s)design column is not in the file.*wieght"),
        ({"indicators": ("16.2.2",)}, r"(?s)cannot be started.*--lists"),
        ({"period": "last year"}, "write a year"),
        ({"country_code": "Cambodia"}, "country.code"),
    ],
)
def test_what_a_study_may_not_say_leaves_nothing_behind(
    person: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SurveyToolkitError, match=message):
        new_study(_plan(person, **changes), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(person: Path, tmp_path: Path) -> None:
    with pytest.raises(SurveyToolkitError, match="folder of its own"):
        new_study(_plan(person), tmp_path)


def test_the_schema_is_printed() -> None:
    done = RUNNER.invoke(app, ["schema"])
    assert json.loads(done.stdout) == json.loads(json.dumps(json_schema()))


def test_a_file_without_weights_is_told_what_to_do_instead_of_asked_again(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey_toolkit.cli_new._at_terminal", lambda: True)
    bare = tmp_path / "bare.csv"
    bare.write_text("hh_id,q103_sex,q104_age\n" + "1,1,30\n" * 8, encoding="utf-8")
    args = ["new", str(tmp_path / "cl"), "--data", str(bare), "--indicator", "8.7.1", *ABOUT]
    done = RUNNER.invoke(app, args, input="\nhh_ib\n")
    assert "the columns are: hh_id, q103_sex, q104_age" in done.stderr
    assert "this one first" in done.stderr
    assert "did you mean 'hh_id'?" in done.stderr
    assert not (tmp_path / "cl").exists()
    args[3] = str(person)
    done = RUNNER.invoke(app, args, input="\n\n\n")  # three times the guess
    assert done.exit_code == 0, done.output
    assert 'weight: "weight", strata: "stratum", psu: "ea"' in (tmp_path / "cl/study.yaml").read_text("utf-8")
