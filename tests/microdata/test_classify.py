"""Met, not met, undetermined, not applicable: at the level where the facts meet, then lifted."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from survey_toolkit.errors import DefinitionError, HarmonizationError
from survey_toolkit.microdata import Microdata, classify, harmonize

from .conftest import data, walk

CRITERIA = (
    *(
        "inv_" + c
        for c in ("unfree_recruitment", "different_job", "abusive_overtime", "hazardous_no_consent")
    ),
    *("inv_" + c for c in ("low_or_no_wages", "degrading_living", "other_employer", "longer_than_agreed")),
    "inv_no_freedom_to_leave",
    *("pen_" + c for c in ("violence", "movement", "debt", "wages", "documents", "vulnerability")),
)


def _jobs(rows: list[dict[str, Any]]) -> Microdata:
    """Job rows where every criterion is "no" unless the row says otherwise."""
    table: dict[str, Any] = {"person": pd.array([r["person"] for r in rows], dtype="Int64")}
    for name in CRITERIA:
        table[name] = pd.array([r.get(name, False) for r in rows], dtype="boolean")
    table["c29_exclusion"] = pd.array([r.get("c29", "none") for r in rows], dtype="string")
    return Microdata.from_frame(pd.DataFrame(table), name="jobs.sav")


def _people(ages: list[int | None]) -> Microdata:
    frame = pd.DataFrame({"person": range(1, len(ages) + 1), "age": pd.array(ages, dtype="Int64")})
    return Microdata.from_frame(frame, name="persons.sav", keys=["person"], level="person")


def test_facts_must_meet_in_one_job_and_lift_by_kleene_any() -> None:
    jobs = _jobs(
        [
            {"person": 1, "inv_low_or_no_wages": True, "pen_debt": True},
            {"person": 2, "inv_low_or_no_wages": True},
            {"person": 2, "pen_debt": True},
            {"person": 3, "inv_low_or_no_wages": True, "pen_debt": None},
            {"person": 4, "inv_low_or_no_wages": None, "pen_debt": None},
            {"person": 4, "inv_low_or_no_wages": True, "pen_debt": True},
            {"person": 5, "inv_low_or_no_wages": True, "pen_debt": True, "c29": "military"},
            {"person": 6, "inv_low_or_no_wages": True, "pen_debt": True, "c29": None},
            {"person": 7, "inv_low_or_no_wages": True, "pen_debt": True},
            {"person": 8, "inv_low_or_no_wages": True, "pen_debt": True},
        ]
    )
    made = classify(
        _people([30, 30, 30, 30, 30, 30, 17, None, 50]),
        "forced_labour",
        "icls20-2018",
        episodes={"job": jobs},
    )
    assert made.frame["forced_labour__status"].to_list() == [
        "met",
        "not_met",
        "undetermined",
        "met",
        "not_met",
        "undetermined",
        "not_applicable",
        "undetermined",
        "not_met",
    ]
    assert made.frame["forced_labour"].isna().sum() == 4
    assert "1 persons have no job row and are not met" in made.notes[0]
    assert made.notes[-1].endswith("5 decided, 3 undetermined, 1 not applicable")
    counts = {"met": 2, "not_met": 3, "undetermined": 3, "not_applicable": 1}
    assert made.variable("forced_labour").provenance["counts"] == counts


def test_provenance_walks_back_to_the_source() -> None:
    made = classify(_people([30]), "forced_labour", episodes={"job": _jobs([{"person": 1}])})
    provenance = made.variables["forced_labour"].provenance
    assert (provenance["definition"], provenance["version"]) == ("forced_labour", "icls20-2018")
    assert "inv.low_or_no_wages" in provenance["criteria"]
    assert set(CRITERIA) <= set(provenance["reads"])
    assert provenance["references"][0]["source"] == "icls20-forced-labour-2018"
    assert provenance["lift"] == "any"
    assert "at least one of these holds" in provenance["sentence"]


def test_rows_of_nobody_and_people_without_key_are_told() -> None:
    with pytest.raises(HarmonizationError, match=r"job rows belong to no person[\s\S]*1 of 1 rows"):
        classify(_people([30]), "forced_labour", episodes={"job": _jobs([{"person": 9}])})
    no_key = Microdata.from_frame(pd.DataFrame({"person": [1], "age": [30]}), name="p.sav")
    with pytest.raises(HarmonizationError, match=r"cannot be linked to persons[\s\S]*none declared"):
        classify(no_key, "forced_labour", episodes={"job": _jobs([{"person": 1}])})
    twice = Microdata.from_frame(pd.DataFrame({"person": [1, 1], "age": [30, 30]}), keys=["person"])
    with pytest.raises(HarmonizationError, match="two persons have the same key"):
        classify(twice, "forced_labour", episodes={"job": _jobs([{"person": 1}])})


def test_one_job_a_person_is_assumed_and_said() -> None:
    people = _jobs([{"person": 1, "inv_low_or_no_wages": True, "pen_debt": True}])
    people = people.replace(frame=people.frame.assign(age=pd.array([30], dtype="Int64")))
    made = classify(people, "forced_labour")
    assert made.frame["forced_labour__status"].to_list() == ["met"]
    assert "no job rows given; one job a person assumed" in made.notes[0]


def test_missing_variables_are_refused_or_declared_unknown() -> None:
    children = data(age=[9, 9], ea_any=[True, False], ea_hours=[2.0, 0.0], chores_any=[False, False])
    with pytest.raises(HarmonizationError) as caught:
        classify(children, "child_labour", "sdg-2021")
    assert "child_labour_b (child_labour@sdg-2021) reads variables that the data do not have" in str(
        caught.value
    )
    assert "'chores_hours'" in str(caught.value)
    made = classify(children, "child_labour", "sdg-2021", missing_criteria="unknown")
    assert made.frame["child_labour_b__status"].to_list() == ["met", "not_met"]
    assert any("taken as unknown: chores_hours" in note for note in made.notes)


def test_an_output_on_impossible_variables_is_left_out_with_a_note() -> None:
    made = harmonize(
        data(a=[9, 16], h=[1, 43]),
        walk(
            age={"source": "a"},
            ea_any={"constant": True},
            ea_hours={"source": "h"},
            chores_any={"status": "impossible", "reason": "not_asked"},
            chores_hours={"status": "impossible", "reason": "not_asked"},
        ),
    )
    sdg = classify(made, "child_labour", "sdg-2021")
    assert sdg.frame["child_labour_a__status"].to_list() == ["met", "not_met"]
    assert "child_labour_b" not in sdg.frame
    assert any(
        "child_labour_b (child_labour@sdg-2021) was not classified: chores_any, chores_hours" in note
        for note in sdg.notes
    )
    mics = classify(made, "child_labour@mics6")
    assert mics.frame["child_labour_a__status"].to_list() == ["met", "met"]


def test_unknown_hours_are_undetermined_never_no() -> None:
    children = Microdata.from_frame(
        pd.DataFrame(
            {
                "age": [9, 13, 16],
                "ea_any": [True, True, False],
                "ea_hours": [None, None, None],
                "chores_any": [False] * 3,
                "chores_hours": [0.0] * 3,
            }
        ).astype({"ea_hours": "Float64"})
    )
    made = classify(children, "child_labour")
    assert made.frame["child_labour_a__status"].to_list() == ["undetermined", "undetermined", "not_met"]
    assert made.frame["child_labour_a"].isna().to_list() == [True, True, False]


def test_a_second_version_replaces_and_says_so() -> None:
    children = data(age=[16], ea_any=[True], ea_hours=[43.0], chores_any=[False], chores_hours=[0.0])
    made = classify(classify(children, "child_labour", "sdg-2021"), "child_labour", "mics6")
    assert made.frame["child_labour_a__status"].to_list() == ["met"]
    assert any("was classified before; child_labour@mics6 replaces it" in note for note in made.notes)


def test_unknown_definition_is_told() -> None:
    with pytest.raises(DefinitionError, match="did you mean 'forced_labour'"):
        classify(data(age=[1]), "forced_labor")


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("ea_any", ["True", "False"], "a column of text"),
        ("ea_any", [1, 2], "a column of numbers"),
        ("ea_hours", ["44", "10"], "a column of text"),
        ("age", ["16", "9"], "a column of text"),
    ],
)
def test_a_column_of_another_kind_is_refused(column: str, values: list[object], found: str) -> None:
    """Text "True" is never equal to true: without this, everybody would silently be out of child labour."""
    data = {"age": [16, 9], "ea_any": [True, True], "ea_hours": [44.0, 10.0]}
    people = Microdata.from_frame(
        pd.DataFrame({**data, "chores_any": False, "chores_hours": 0.0, column: values})
    )
    with pytest.raises(
        HarmonizationError, match=f"'{column}' does not hold what the rule compares it with"
    ) as caught:
        classify(people, "child_labour")
    assert found in str(caught.value)


def test_zero_and_one_stand_for_no_and_yes() -> None:
    frame = pd.DataFrame(
        {"age": [16, 9], "ea_any": [1, 0], "ea_hours": [44.0, 0.0], "chores_any": 0.0, "chores_hours": 0.0}
    )
    done = classify(Microdata.from_frame(frame), "child_labour").frame
    assert done["child_labour_a"].to_list() == [True, False]


def test_codes_as_numbers_are_refused() -> None:
    frame = pd.DataFrame(
        {"sex": [2, 2], "age": [22, 23], "ever_in_union": [True, True], "age_first_union": [14, 20]}
    )
    with pytest.raises(HarmonizationError, match="codes as text, as the variable is code"):
        classify(Microdata.from_frame(frame), "child_marriage")
