"""The crosswalk of the simulated survey: ten rows by hand, and the whole survey against the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.datasets import SimulatedCountry, SimulatedSurvey, simulate_country
from survey_toolkit.datasets.country import codebook
from survey_toolkit.datasets.country.profile import INVOLUNTARINESS, MENACE
from survey_toolkit.datasets.country.truth import true_statuses
from survey_toolkit.estimation import Survey, SurveyDesign
from survey_toolkit.microdata import Microdata, classify, harmonize, join, read_microdata
from survey_toolkit.standards import Registry, load

CROSSWALK = "demo_household_survey_2024"
CHILD_ITEMS = [v.name for v in codebook.PERSON if v.name.startswith("c3") and not v.name.endswith("hrs")]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def _person(person_id: int, sex: int, age: int, **answers: float) -> dict[str, float | None]:
    """A raw person record; a child answers *no* to all that is not given."""
    row: dict[str, float | None] = {v.name: None for v in codebook.PERSON}
    row |= {"hh_id": 1, "person_id": person_id, "q101_relation": 3, "q102_born": 1}
    row |= {"q103_sex": sex, "q104_age": age}
    if 5 <= age <= 17:
        row |= dict.fromkeys(CHILD_ITEMS, 2.0)
    return row | answers


def test_ten_rows_by_hand(registry: Registry) -> None:
    rows = [
        _person(1, 1, 40),
        _person(2, 2, 22, m401_union=1, m402_unionage=17),
        _person(3, 2, 20, m401_union=2),
        _person(4, 2, 23, m401_union=1, m402_unionage=98),
        _person(5, 2, 24, m401_union=9, m402_unionage=99),
        _person(6, 1, 8, c301_farm=1, c304_workhrs=1),
        _person(7, 2, 13, c305_water=1, c306_waterhrs=7, c310_clean=1, c313_chorehrs=14),
        _person(8, 1, 16, c303_paid=1, c304_workhrs=99),
        _person(9, 2, 14, c301_farm=8, c304_workhrs=98),
        _person(10, 1, 5, c307_wood=1, c308_woodhrs=98, c309_cook=1, c313_chorehrs=3),
    ]
    raw = Microdata.from_frame(pd.DataFrame(rows).astype("Float64"), codebook.PERSON)
    done = harmonize(raw, CROSSWALK, level="person", registry=registry)
    none = None
    expected: dict[str, list[object]] = {
        "sex": ["M", "F", "F", "F", "F", "M", "F", "M", "F", "M"],
        "age": [40, 22, 20, 23, 24, 8, 13, 16, 14, 5],
        "age_band": [none, none, none, none, none, "5-11", "12-14", "15-17", "12-14", "5-11"],
        "ea_any": [none, none, none, none, none, True, False, True, none, False],
        "ea_hours": [none, none, none, none, none, 1.0, 0.0, none, none, 0.0],
        "chores_any": [none, none, none, none, none, False, True, False, False, True],
        "chores_hours": [none, none, none, none, none, 0.0, 21.0, 0.0, 0.0, none],
        "ever_in_union": [none, True, False, True, none, none, none, none, none, none],
        "age_first_union": [none, 17, none, none, none, none, none, none, none, none],
    }
    for name, values in expected.items():
        found = [None if pd.isna(v) else v for v in done.frame[name]]
        assert found == values, name
    reasons = {
        "ea_hours": ["not_applicable"] * 5 + [none, none, "refused", "dk", none],
        "age_first_union": ["not_applicable", none, "not_applicable", "dk", "refused"]
        + ["not_applicable"] * 5,
    }
    for name, why in reasons.items():
        found = [None if pd.isna(v) else v for v in done.frame[f"{name}__missing"]]
        assert found == why, name


def test_every_criterion_has_its_question(registry: Registry) -> None:
    """Each criterion alone: its own question, and no other, gives it."""
    items = [*codebook.INVOLUNTARY_ITEMS, *codebook.MENACE_ITEMS]
    criteria = [*INVOLUNTARINESS, *MENACE]
    rows = [
        {"hh_id": 1, "person_id": 1, "job_id": i, "j501_branch": 1, "j530_duty": i % 6}
        | {name: 1 if name == item else 2 for name in items}
        for i, item in enumerate(items)
    ]
    raw = Microdata.from_frame(pd.DataFrame(rows), codebook.JOB)
    done = harmonize(raw, CROSSWALK, level="job", registry=registry).frame
    assert np.array_equal(done[criteria].to_numpy(dtype=bool), np.eye(len(items), dtype=bool))
    names = ["none", "military", "civic", "convict", "emergency", "minor_communal"]
    assert done["c29_exclusion"].to_list() == [names[i % 6] for i in range(len(items))]


@pytest.fixture(scope="module")
def large() -> SimulatedCountry:
    return simulate_country(seed=31, n_persons=300_000)


@pytest.fixture(scope="module")
def classified(
    large: SimulatedCountry, tmp_path_factory: pytest.TempPathFactory, registry: Registry
) -> Microdata:
    """The whole way: files, reading, harmonizing, joining, classifying."""
    survey: SimulatedSurvey = large.draw_sample(seed=3)
    files: dict[str, Path] = survey.write(tmp_path_factory.mktemp("survey"))
    levels = {
        level: harmonize(read_microdata(path), CROSSWALK, level=level, registry=registry)
        for level, path in files.items()
    }
    data = join(levels["person"], levels["household"], on="hh_id")
    for definition in ("child_labour@sdg-2021", "child_marriage@sdg-2021", "forced_labour@icls20-2018"):
        data = classify(data, definition, episodes={"job": levels["job"]}, registry=registry)
    return data


@pytest.mark.parametrize("version", ["sdg-2021", "mics6"])
def test_classified_statuses_are_the_true_ones(
    large: SimulatedCountry, classified: Microdata, version: str, registry: Registry
) -> None:
    data = (
        classified
        if version == "sdg-2021"
        else classify(classified, "child_labour", version, registry=registry)
    )
    frame = data.frame
    truth = large.persons[["household_id", "line"]].rename(
        columns={"household_id": "hh_id", "line": "person_id"}
    )
    chosen = [s for s in true_statuses(large.persons, large.jobs) if version in ("sdg-2021", s.version)]
    for status in chosen:
        if version == "sdg-2021" and status.version == "mics6":
            continue
        truth["inside"], truth["met"] = status.universe, status.met
        rows = (
            frame[["hh_id", "person_id"]].astype("int64").merge(truth, on=["hh_id", "person_id"], how="left")
        )
        told = frame[f"{status.variable}__status"].to_numpy(dtype=str)
        assert np.array_equal(told != "not_applicable", rows["inside"]), status.variable
        known = np.isin(told, ["met", "not_met"])
        assert np.array_equal(told[known] == "met", rows["met"][known]), status.variable
        undetermined = (told == "undetermined").sum() / rows["inside"].sum()
        assert 0 < undetermined < 0.04, status.variable


def test_estimates_are_near_the_truth(large: SimulatedCountry, classified: Microdata) -> None:
    sample = Survey(classified, SurveyDesign(weight="weight", strata="stratum", psu="ea"))
    for variable in ("child_labour_a", "child_labour_b", "child_marriage_18", "forced_labour"):
        estimates = sample.proportion(variable)
        truth = large.true_value(variable)
        assert abs(float(estimates.estimate[0]) - truth) < 4 * float(estimates.se[0]), variable
