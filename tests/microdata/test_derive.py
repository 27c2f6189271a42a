"""A variable that the standards derive: the exclusion of Convention 29 from its conditions."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from survey_toolkit.errors import DefinitionError, HarmonizationError
from survey_toolkit.microdata import Microdata, classify
from survey_toolkit.microdata.derive import derive
from survey_toolkit.standards import load

CONDITIONS = (
    "c29_purely_military",
    "c29_self_governing",
    "c29_court_conviction",
    "c29_public_supervision",
    "c29_private_hire",
    "c29_danger_present",
    "c29_direct_interest",
    "c29_consulted",
)


def jobs(rows: list[dict[str, Any]], **columns: Any) -> Microdata:
    data = {"c29_basis": pd.array([r.get("c29_basis") for r in rows], dtype="string")}
    for name in CONDITIONS:
        data[name] = pd.array([r.get(name) for r in rows], dtype="boolean")
    return Microdata.from_frame(pd.DataFrame({**data, **columns}), keys=["id"] if "id" in columns else ())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"c29_basis": "none"}, "none"),
        ({"c29_basis": None}, None),
        ({"c29_basis": "military", "c29_purely_military": True}, "military"),
        ({"c29_basis": "military", "c29_purely_military": False}, "none"),
        ({"c29_basis": "military"}, None),
        ({"c29_basis": "convict", "c29_court_conviction": False}, "none"),
        (
            {
                "c29_basis": "convict",
                "c29_court_conviction": True,
                "c29_public_supervision": True,
                "c29_private_hire": False,
            },
            "convict",
        ),
        ({"c29_basis": "minor_communal", "c29_direct_interest": True, "c29_consulted": False}, "none"),
        ({"c29_basis": "emergency", "c29_danger_present": True}, "emergency"),
        ({"c29_basis": "civic", "c29_self_governing": True}, "civic"),
    ],
)
def test_the_exclusion_follows_its_conditions(row: dict[str, Any], expected: str | None) -> None:
    made = derive(jobs([row]), load().variable("c29_exclusion"), load())
    value = made.frame["c29_exclusion"].iloc[0]
    assert (None if pd.isna(value) else value) == expected
    assert made.variables["c29_exclusion"].sources == tuple(sorted(("c29_basis", *CONDITIONS)))


def test_a_verdict_in_the_data_is_kept() -> None:
    data = jobs([{"c29_basis": "none"}], c29_exclusion=["civic"])
    assert derive(data, load().variable("c29_exclusion"), load()) is data


def test_without_all_inputs_nothing_is_derived() -> None:
    data = Microdata.from_frame(pd.DataFrame({"c29_basis": ["none"]}))
    assert derive(data, load().variable("c29_exclusion"), load()) is data


def test_classify_derives_at_the_level_of_the_jobs() -> None:
    """Prison labour hired to a company is forced labour; the same work under the condition is not."""
    registry = load()
    convict = {"c29_basis": "convict", "c29_court_conviction": True, "c29_public_supervision": True}
    rows = jobs(
        [{**convict, "c29_private_hire": True}, {**convict, "c29_private_hire": False}, convict],
        id=[1, 2, 3],
    )
    facts = {
        c: pd.array([c in ("inv_no_freedom_to_leave", "pen_violence")] * 3, dtype="boolean")
        for c in registry.variables
        if c in {v.replace(".", "_") for v in registry.criteria_rules("forced_labour")}
    }
    rows = rows.replace(frame=rows.frame.assign(**facts))
    people = Microdata.from_frame(pd.DataFrame({"id": [1, 2, 3, 4], "age": [30, 30, 30, 30]}), keys=["id"])
    found = classify(people, "forced_labour", episodes={"job": rows})
    assert found.frame["forced_labour__status"].to_list() == ["met", "not_met", "undetermined", "not_met"]


def test_an_optional_output_is_left_out_with_a_note() -> None:
    registry = load()
    names = {v for r in registry.criteria_rules("trafficking").values() for v in [r]}
    assert names
    columns = {
        name: pd.array([name in ("act_receipt", "means_fraud", "purpose_servitude")], dtype="boolean")
        for name in registry.variables
        if name.startswith(("act_", "means_", "purpose_")) and name != "purpose_status"
    }
    data = Microdata.from_frame(pd.DataFrame({**columns, "age_at_act": [30]}))
    found = classify(data, "trafficking")
    assert found.frame["trafficking"].to_list() == [True]
    assert "trafficking_realised" not in found.frame
    assert any("trafficking_realised" in n and "the data lack purpose_status" in n for n in found.notes)
    with_status = data.replace(frame=data.frame.assign(purpose_status=pd.array(["intended"], dtype="string")))
    found = classify(with_status, "trafficking")
    assert found.frame["trafficking_realised"].to_list() == [False]
    assert found.frame["trafficking_intended_only"].to_list() == [True]


def test_what_is_not_optional_is_required() -> None:
    data = Microdata.from_frame(pd.DataFrame({"union_current": [True]}))
    with pytest.raises(HarmonizationError, match="'union_consent'"):
        classify(data, "forced_marriage")


def test_unions_in_rows_and_with_the_person_give_the_same() -> None:
    frame = pd.DataFrame({"id": [1, 2], "union_consent": [False, True], "union_current": [True, True]})
    people = Microdata.from_frame(frame, keys=["id"])
    rows = Microdata.from_frame(frame, keys=["id"], level="union")
    one = classify(people, "forced_marriage").frame["forced_marriage_current"].to_list()
    two = (
        classify(
            Microdata.from_frame(frame[["id"]], keys=["id"]), "forced_marriage", episodes={"union": rows}
        )
        .frame["forced_marriage_current"]
        .to_list()
    )
    assert one == two == [True, False]


def test_a_slot_cannot_classify() -> None:
    data = Microdata.from_frame(pd.DataFrame({"age": [30]}))
    with pytest.raises(DefinitionError, match="has no rule") as caught:
        classify(data, "forced_labour", "ilo-h2h-2024")
    assert "icls20-2018, ilo-h2h-2012" in str(caught.value)
