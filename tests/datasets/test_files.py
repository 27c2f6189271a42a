"""The simulated survey as files: written, read back, harmonized and classified, it still tells the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_toolkit.datasets import SimulatedCountry, SimulatedSurvey
from survey_toolkit.microdata import Microdata, read_microdata

LEVELS = ("household", "person", "job")


@pytest.fixture(scope="module")
def survey(country: SimulatedCountry) -> SimulatedSurvey:
    return country.draw_sample(seed=6, n_areas=100)


@pytest.fixture(scope="module")
def files(survey: SimulatedSurvey, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return survey.write(tmp_path_factory.mktemp("simulated") / "files")


def test_the_files_are_real_stata_and_spss_files(files: dict[str, Path]) -> None:
    assert {level: path.name for level, path in files.items()} == {
        "household": "household.dta",
        "person": "person.sav",
        "job": "job.sav",
    }
    assert files["household"].read_bytes()[:11] == b"<stata_dta>"
    assert files["person"].read_bytes()[:4] == b"$FL2"
    assert sorted(p.name for p in files["job"].parent.iterdir()) == ["household.dta", "job.sav", "person.sav"]


@pytest.mark.parametrize("level", LEVELS)
def test_files_come_back_as_they_were_written(
    survey: SimulatedSurvey, files: dict[str, Path], level: str
) -> None:
    written: Microdata = getattr(survey, level)
    back = read_microdata(files[level])
    assert list(back.variables) == list(written.variables)
    for name, variable in written.variables.items():
        one, two = written.frame[name].astype("Float64"), back.frame[name].astype("Float64")
        assert one.equals(two), name
        assert back.variables[name].label == variable.label
        assert dict(back.variables[name].value_labels) == dict(variable.value_labels)
        declared = [(code.low, code.high) for code in variable.missing]
        assert [(code.low, code.high) for code in back.variables[name].missing] == declared
    if level == "household":
        tags = back.frame["h04_land__missing"]
        assert (tags.fillna("") == written.frame["h04_land__missing"].fillna("")).all()
        assert (tags == ".a").sum() > 5


def test_the_same_survey_writes_the_same_data(survey: SimulatedSurvey, tmp_path: Path) -> None:
    one, two = survey.write(tmp_path / "one"), survey.write(tmp_path / "two")
    # The headers of both formats carry the time of writing, so the data are compared.
    for level in LEVELS:
        assert read_microdata(one[level]).frame.equals(read_microdata(two[level]).frame)
