"""The population: same seed same country, and a truth that a slow count by hand confirms."""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.datasets import CountryProfile, SimulatedCountry, simulate_country
from survey_toolkit.datasets.country.children import make_child_activities
from survey_toolkit.datasets.country.draws import calibrated_intercept, choose, stream
from survey_toolkit.datasets.country.geography import make_areas
from survey_toolkit.datasets.country.households import make_households, make_people
from survey_toolkit.datasets.country.profile import INVOLUNTARINESS, MENACE
from survey_toolkit.errors import SurveyToolkitError

BREAKDOWNS = ("sex", "age_band", "urbanisation", "region")


def _band(variable: str, age: int) -> list[str]:
    """Age bands of the truth table that a person of this age belongs to."""
    if variable.startswith("child_labour"):
        if age <= 11:
            return ["5-11", "5-14", "_T"]
        return ["12-14", "5-14", "_T"] if age <= 14 else ["15-17", "_T"]
    if variable == "forced_labour":
        return ["18-24" if age < 25 else "25-44" if age < 45 else "45-64" if age < 65 else "65+", "_T"]
    return ["_T"]


def _statuses(person: Any, jobs: list[Any]) -> dict[tuple[str, str], bool]:
    """All statuses of one person, record by record, from the words of the definitions."""
    out: dict[tuple[str, str], bool] = {}
    age = person.age
    if 5 <= age <= 17:
        works = person.works_farm or person.works_business or person.works_paid
        chores = person.water_hours + person.wood_hours + person.chore_hours
        for version in ("sdg-2021", "mics6"):
            if age <= 11:
                a = works and person.work_hours >= 1
            elif age <= 14:
                a = works and person.work_hours >= 14
            else:
                a = works and (person.work_hours > 43 if version == "sdg-2021" else person.work_hours > 42)
            many = chores > 21 if version == "sdg-2021" else chores > 20
            out["child_labour_a", version] = bool(a)
            out["child_labour_b", version] = bool(a or (age < 15 and many))
    if person.sex == "F" and 20 <= age <= 24:
        for limit in (15, 18):
            out[f"child_marriage_{limit}", "sdg-2021"] = 0 <= person.union_age < limit
    if age >= 18:
        out["forced_labour", "icls20-2018"] = any(
            job.c29_exclusion == "none"
            and any(getattr(job, name) for name in INVOLUNTARINESS)
            and any(getattr(job, name) for name in MENACE)
            for job in jobs
        )
    return out


def _recount(country: SimulatedCountry) -> dict[tuple[str, ...], list[int]]:
    jobs = defaultdict(list)
    for job in country.jobs.itertuples():
        jobs[job.person_id].append(job)
    counts: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for person in country.persons.itertuples():
        for (variable, version), met in _statuses(person, jobs[person.person_id]).items():
            for key in product(
                (person.sex, "_T"),
                _band(variable, person.age),
                (person.urbanisation, "_T"),
                (person.region, "_T"),
            ):
                cell = counts[variable, version, *key]
                cell[0] += 1
                cell[1] += met
    return counts


def test_truth_equals_a_recount_record_by_record(small_country: SimulatedCountry) -> None:
    counts = _recount(small_country)
    truth = small_country.truth
    keys = ["variable", "version", *BREAKDOWNS]
    for statistic in ("proportion", "total"):
        part = truth[truth["statistic"] == statistic]
        assert len(part) == len(counts)
        for row in part.itertuples():
            n, met = counts[tuple(getattr(row, key) for key in keys)]
            assert row.universe == n
            assert row.value == (met / n if statistic == "proportion" else met)


def test_the_same_seed_gives_the_same_country(small_country: SimulatedCountry) -> None:
    again = simulate_country(seed=7, n_persons=20_000)
    for name in ("enumeration_areas", "households", "persons", "jobs", "truth"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(small_country, name))
    other = simulate_country(seed=8, n_persons=20_000)
    assert len(other.persons) != len(small_country.persons)


def test_a_part_does_not_disturb_the_others() -> None:
    profile = CountryProfile(children_working=0.5, jobs_forced=0.05)
    changed = simulate_country(seed=7, n_persons=20_000, profile=profile)
    plain = simulate_country(seed=7, n_persons=20_000)
    pd.testing.assert_frame_equal(changed.households, plain.households)
    pd.testing.assert_series_equal(changed.persons["union_age"], plain.persons["union_age"])
    assert changed.true_value("child_labour_a") > 1.5 * plain.true_value("child_labour_a")
    assert changed.true_value("forced_labour") > 3 * plain.true_value("forced_labour")


def test_levels_are_of_the_documented_order(country: SimulatedCountry) -> None:
    assert 0.07 < country.true_value("child_labour_a") < 0.13
    assert 0.15 < country.true_value("child_marriage_18") < 0.24
    assert 0.03 < country.true_value("child_marriage_15") < 0.09
    assert 0.004 < country.true_value("forced_labour") < 0.012
    assert country.true_value("child_labour_b") > country.true_value("child_labour_a")
    assert abs(len(country.persons) / 120_000 - 1) < 0.05


def test_threshold_cases_occur_on_the_boundary(country: SimulatedCountry) -> None:
    persons = country.persons
    chores = persons["water_hours"] + persons["wood_hours"] + persons["chore_hours"]
    works = persons[["works_farm", "works_business", "works_paid"]].any(axis=1)
    age = persons["age"]
    assert ((persons["work_hours"] == 43) & (age >= 15) & (age <= 17)).any()
    assert ((persons["work_hours"] == 14) & (age >= 12) & (age <= 14)).any()
    assert ((persons["work_hours"] == 1) & (age >= 5) & (age <= 11)).any()
    assert ((persons["work_hours"] == 0) & works).any()
    assert ((chores == 21) & (age >= 5) & (age <= 14)).any()
    for variable in ("child_labour_a", "child_labour_b"):
        assert country.true_value(variable, version="mics6") > country.true_value(
            variable, version="sdg-2021"
        )


def test_some_people_meet_the_criteria_in_different_jobs_only(country: SimulatedCountry) -> None:
    jobs = country.jobs.assign(
        inv=country.jobs[list(INVOLUNTARINESS)].any(axis=1), pen=country.jobs[list(MENACE)].any(axis=1)
    )
    jobs["both"] = jobs["inv"] & jobs["pen"]
    by_person = jobs.groupby("person_id")[["inv", "pen", "both"]].any()
    assert (by_person["inv"] & by_person["pen"] & ~by_person["both"]).sum() > 50
    excluded = jobs["both"] & (jobs["c29_exclusion"] != "none")
    assert excluded.sum() > 10
    assert set(jobs["c29_exclusion"]) == {
        "none",
        "military",
        "civic",
        "convict",
        "emergency",
        "minor_communal",
    }
    assert (country.persons.loc[jobs.loc[jobs["both"], "person_id"] - 1, "age"] < 18).any()


def test_households_are_plausible(country: SimulatedCountry) -> None:
    persons, households = country.persons, country.households
    assert (persons.groupby("household_id")["line"].max().to_numpy() == households["size"].to_numpy()).all()
    heads = persons[persons["relation"] == 1]
    assert len(heads) == len(households)
    assert (heads["age"] >= 18).all()
    child = persons[persons["relation"] == 3].merge(
        heads[["household_id", "age"]], on="household_id", suffixes=("", "_head")
    )
    assert (child["age_head"] - child["age"] >= 16).all()
    assert persons["age"].between(0, 95).all()
    women = persons["sex"] == "F"
    assert (persons.loc[~women, "union_age"] == -1).all()
    assert (persons["union_age"] <= persons["age"]).all()
    spouses = persons[(persons["relation"] == 2) & women]
    assert (spouses["union_age"] >= 10).all()
    outside = ~persons["age"].between(5, 17)
    assert (persons.loc[outside, ["work_hours", "chore_hours"]] == 0).all().all()
    jobs_of = country.jobs.merge(persons[["person_id", "age"]], on="person_id")
    assert jobs_of["age"].min() >= 15
    assert jobs_of["job_no"].max() == 3


def test_true_value_names_what_it_does_not_have(small_country: SimulatedCountry) -> None:
    with pytest.raises(SurveyToolkitError, match="did you mean 'forced_labour'"):
        small_country.true_value("forced_labor")
    with pytest.raises(SurveyToolkitError, match="no such breakdown"):
        small_country.true_value("forced_labour", colour="red")
    with pytest.raises(SurveyToolkitError, match="too small"):
        simulate_country(n_persons=10)
    with pytest.raises(SurveyToolkitError, match="between 0 and 1"):
        CountryProfile(jobs_forced=1.5)
    with pytest.raises(SurveyToolkitError, match="too small"):
        CountryProfile(households_per_area=3)
    with pytest.raises(SurveyToolkitError, match="seed"):
        simulate_country(seed=-1, n_persons=20_000)


def test_truth_is_written_as_csv(small_country: SimulatedCountry, tmp_path: Any) -> None:
    path = tmp_path / "truth.csv"
    small_country.write_truth(path)
    back = pd.read_csv(path)
    assert list(back.columns) == [c for c in small_country.truth.columns if c != "universe"]
    assert np.array_equal(back["value"], small_country.truth["value"])
    assert not back.isna().any().any()


def test_draws_have_the_shares_they_are_given() -> None:
    rng = stream(3, "test")
    counts = np.bincount(choose(rng, 40_000, (2, 1, 1)), minlength=3)
    assert np.abs(counts / 40_000 - [0.5, 0.25, 0.25]).max() < 0.01
    score = rng.normal(0, 2, 1000)
    mean = (1 / (1 + np.exp(-(calibrated_intercept(score, 0.03) + score)))).mean()
    assert mean == pytest.approx(0.03, rel=1e-6)
    assert calibrated_intercept(np.empty(0), 0.03) == 0.0


def test_children_of_an_area_are_alike() -> None:
    """Variance between areas well above what independent children would show."""
    profile = CountryProfile()
    areas = make_areas(5, 60_000, profile)
    people = make_people(5, make_households(5, areas))
    activities = make_child_activities(5, people, areas, profile)
    works = np.logical_or.reduce(list(activities.work.values()))
    area = people.area[activities.child]
    n = np.bincount(area, minlength=len(areas))
    share = np.bincount(area, works, minlength=len(areas)) / n
    p = works.mean()
    assert np.average((share - p) ** 2, weights=n) > 2 * p * (1 - p) / n.mean()
