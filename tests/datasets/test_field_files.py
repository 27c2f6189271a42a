"""The files of fieldwork on a hidden population say what is true in the country."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_toolkit as st
from survey_toolkit.errors import SurveyToolkitError

COUNTRY = st.datasets.simulate_country(seed=3, n_persons=30_000)
SAMPLE = COUNTRY.draw_sample(seed=1, n_areas=60)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    written = COUNTRY.hidden().write(tmp_path_factory.mktemp("field") / "new", SAMPLE)
    return {name: pd.read_csv(path) for name, path in written.items()}


def test_one_adult_of_each_household_stands_for_all(files: dict[str, pd.DataFrame]) -> None:
    people, hidden = files["people"], COUNTRY.hidden()
    assert people["person_id"].is_unique
    assert np.isin(people["person_id"], hidden.adults).all()
    home = COUNTRY.persons.set_index("person_id").loc[people["person_id"], "household_id"]
    assert home.is_unique
    assert set(home) <= set(SAMPLE.household.frame["hh_id"])
    assert people["w"].sum() == pytest.approx(hidden.adults.size, rel=0.1)


def test_relatives_are_all_told_and_cases_are_marked(files: dict[str, pd.DataFrame]) -> None:
    told = files["kin"].groupby("person_id").agg(n=("victim", "size"), cases=("victim", "sum"))
    true = COUNTRY.hidden().family_answers(files["people"]["person_id"].to_numpy()).set_index("person_id")
    assert told["n"].to_dict() == true["reportable"].to_dict()
    assert told["cases"].to_dict() == true["affected"].to_dict()
    assert 0 < told["cases"].sum() < len(files["kin"])


def test_the_sensitive_statement_applies_to_members_alone(files: dict[str, pd.DataFrame]) -> None:
    people = files["people"]
    member = np.isin(people["person_id"], COUNTRY.hidden().members("forced_labour"))
    assert people.loc[people["treat"] == 0, "list_a"].between(0, 3).all()
    assert people.loc[(people["treat"] == 1) & ~member, "list_a"].between(0, 3).all()
    assert people.loc[(people["treat"] == 1) & member, "list_a"].between(1, 4).all()


def test_the_seed_decides(files: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    again = COUNTRY.hidden().write(tmp_path, SAMPLE)
    other = COUNTRY.hidden().write(tmp_path / "other", SAMPLE, seed=2)
    for name, path in again.items():
        pd.testing.assert_frame_equal(pd.read_csv(path), files[name])
        assert path.read_bytes() != other[name].read_bytes()


def test_a_sample_of_another_country_is_refused(tmp_path: Path) -> None:
    other = st.datasets.simulate_country(seed=4, n_persons=30_000).draw_sample(seed=1, n_areas=60)
    far = st.Microdata.from_frame(other.household.frame.assign(hh_id=lambda f: f["hh_id"] + 10**9))
    strange = st.datasets.SimulatedSurvey(seed=1, household=far, person=other.person, job=other.job)
    with pytest.raises(SurveyToolkitError, match="no household of the sample is in the country"):
        COUNTRY.hidden().write(tmp_path / "none", strange)
