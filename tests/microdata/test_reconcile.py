"""One data set under two versions: who moved, why, and the effect on the rate."""
# ruff: noqa: E501  (reasons stand as they are printed)

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DefinitionError, HarmonizationError
from survey_toolkit.estimation import Survey, SurveyDesign
from survey_toolkit.microdata import Microdata, classify, reconcile, write_microdata

HOURS = [0.5, 1, 10, 14, 20, 43, 44, 50]
CHORES = [5, 20, 21, 25, 28, 30, 43, 50]
VERSIONS = ("sdg-2021", "mics6", "mics6-first", "mics5", "mics4", "unicef-2012")


def children(n: int = 1500, seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(4, 19, n),
            "ea_any": rng.random(n) < 0.5,
            "chores_any": rng.random(n) < 0.7,
            "w": rng.uniform(1, 3, n),
            "ea": np.arange(n) // 15,
            "stratum": np.arange(n) // 150,
        }
    )
    frame["ea_hours"] = np.where(frame["ea_any"], rng.choice(HOURS, n), np.nan)
    frame["chores_hours"] = np.where(frame["chores_any"], rng.choice(CHORES, n), np.nan)
    frame.loc[rng.random(n) < 0.05, "ea_hours"] = np.nan
    return frame


@pytest.fixture(scope="module")
def data() -> Microdata:
    return Microdata.from_frame(children())


def run(data: Microdata, first: str, second: str, output: str = "child_labour_b", **options: Any) -> Any:
    return reconcile(data, f"child_labour@{first}", f"child_labour@{second}", output=output, **options)


@pytest.mark.parametrize(
    ("first", "second"),
    [*((version, "sdg-2021") for version in VERSIONS), ("mics4", "mics5"), ("mics5", "mics6-first")],
)
def test_movements_and_effects_add_up(data: Microdata, first: str, second: str) -> None:
    found = run(data, first, second, weight="w")
    assert sum(m.n for m in found.movements) == found.moved.sum()
    assert sum(t.n for t in found.transitions) == data.n_rows
    total = sum(m.effect for m in found.movements) + found.stayed
    assert total == pytest.approx(found.difference, abs=1e-12)
    for version, rate in ((first, found.first_rate), (second, found.second_rate)):
        status = classify(data, "child_labour", version).frame["child_labour_b__status"].to_numpy()
        w = data.frame["w"].to_numpy()
        met, decided = w[status == "met"].sum(), w[np.isin(status, ["met", "not_met"])].sum()
        unknown = w[status == "undetermined"].sum()
        assert rate.value == pytest.approx(met / decided)
        assert rate.lower == pytest.approx(met / (decided + unknown))
        assert rate.upper == pytest.approx((met + unknown) / (decided + unknown))
    if first == second:
        assert not found.movements
        assert str(found).endswith("nobody moved")


@pytest.mark.parametrize("first", VERSIONS)
def test_turning_the_versions_round_turns_the_movements(data: Microdata, first: str) -> None:
    there, back = run(data, first, "sdg-2021"), run(data, "sdg-2021", first)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.moved == back.moved).all()
    turned = sorted((m.after, m.before, m.n) for m in back.movements)
    assert sorted((m.before, m.after, m.n) for m in there.movements) == turned


def test_each_child_who_moved_has_the_reason_that_moved_it() -> None:
    base = {"ea_any": True, "ea_hours": 20.0, "chores_any": True, "chores_hours": 1.0}
    rows = [
        {**base, "age": 16, "ea_hours": 43.0},
        {**base, "age": 13, "ea_hours": 2.0, "chores_hours": 21.0},
        {**base, "age": 13, "ea_hours": 2.0, "chores_hours": 20.0},
        {**base, "age": 13, "ea_hours": 14.0, "chores_hours": 21.0},  # met by work under both
    ]
    found = run(Microdata.from_frame(pd.DataFrame(rows)), "mics6", "sdg-2021")
    assert found.moved.tolist() == [True, True, False, False]
    assert {m.reasons for m in found.movements} == {
        (
            "aged 15-17 with at least 43 hours of economic activity -> ... more than 43 hours of economic activity",
        ),
        (
            "aged 5-14 with at least 21 hours of household chores -> ... more than 21 hours of household chores",
        ),
    }
    assert [(m.before, m.after, m.n) for m in found.movements] == [("met", "not_met", 1)] * 2


def test_a_change_of_universe_is_a_reason() -> None:
    frame = pd.DataFrame({"age": [16, 10], "ea_any": [True, True], "ea_hours": [50.0, 1.0]})
    found = run(Microdata.from_frame(frame), "mics4", "mics5", "child_labour_a")
    assert found.movements[0].reasons == (
        "universe: age is from 5 to 14 -> age is from 5 to 17",
        "new: aged 15-17 with at least 43 hours of economic activity",
    )
    assert (found.movements[0].before, found.movements[0].after) == ("not_applicable", "met")


def test_the_standard_error_is_that_of_the_difference(data: Microdata) -> None:
    """Without undetermined children the two rates have one denominator: the mean of the differences."""
    frame = children().dropna(subset=["ea_hours"])
    frame = frame[frame["age"].between(5, 17)].reset_index(drop=True)
    whole = Microdata.from_frame(frame)
    design = SurveyDesign(weight="w", strata="stratum", psu="ea", lonely_psu="adjust")
    found = run(whole, "mics6", "sdg-2021", "child_labour_a", design=design)
    assert found.first_rate.n_undetermined == 0
    flags = [
        classify(whole, "child_labour", v).frame["child_labour_a"].astype(float)
        for v in ("mics6", "sdg-2021")
    ]
    expected = Survey(frame.assign(d=flags[1] - flags[0]), design).mean("d").to_frame()
    assert found.difference == pytest.approx(expected["estimate"].iloc[0], rel=1e-9)
    assert found.standard_error == pytest.approx(expected["se"].iloc[0], rel=1e-9)
    assert run(data, "mics6", "sdg-2021").standard_error is None


def test_jobs_are_compared_in_their_rows() -> None:
    """Abridging the means loses whoever was abducted, in whichever episode."""
    columns = [
        *(f"act_{x}" for x in ("recruitment", "transportation", "transfer", "harbouring", "receipt")),
        *(
            f"means_{x}"
            for x in (
                "threat_of_force", "use_of_force", "other_coercion", "abduction", "fraud", "deception",
                "abuse_of_power", "abuse_of_vulnerability", "payments_to_controller",
            )
        ),
        *(
            f"purpose_{x}"
            for x in (
                "prostitution_of_others", "other_sexual", "forced_labour", "slavery",
                "slavery_like_practices", "servitude", "organ_removal", "other",
            )
        ),
    ]  # fmt: skip
    used = [{"means_abduction"}, {"means_fraud"}, set(), {"means_abduction", "means_fraud"}]
    rows = pd.DataFrame(
        [
            {
                "id": person,
                "age_at_act": 30,
                **{c: c in means or c in ("act_receipt", "purpose_servitude") for c in columns},
            }
            for person, means in zip([1, 1, 2, 3], [set(), used[0], used[1], used[3]], strict=True)
        ]
    )
    people = Microdata.from_frame(pd.DataFrame({"id": [1, 2, 3, 4]}), keys=["id"])
    found = reconcile(
        people,
        "trafficking@palermo-2000",
        "trafficking@abridged-means",
        output="trafficking",
        episodes={"episode": Microdata.from_frame(rows)},
    )
    assert found.moved.tolist() == [True, False, False, False]
    assert found.movements[0].reasons == ("gone: abduction",)
    assert (found.first_rate.value, found.second_rate.value) == (0.75, 0.5)


def test_two_wordings_of_one_fact_move_nobody() -> None:
    rng = np.random.default_rng(5)
    names = [
        *(
            f"inv_{x}"
            for x in (
                "unfree_recruitment", "different_job", "abusive_overtime", "hazardous_no_consent",
                "low_or_no_wages", "degrading_living", "other_employer", "longer_than_agreed",
                "no_freedom_to_leave",
            )
        ),
        *(f"pen_{x}" for x in ("violence", "movement", "debt", "wages", "documents", "vulnerability")),
    ]  # fmt: skip
    frame = pd.DataFrame({n: rng.choice([True, False, None], 300, p=[0.1, 0.8, 0.1]) for n in names})
    frame["age"], frame["c29_exclusion"] = rng.integers(15, 60, 300), "none"
    found = reconcile(Microdata.from_frame(frame), "forced_labour@ilo-h2h-2012", "forced_labour@icls20-2018")
    assert not found.moved.any()
    assert found.first_rate.n_met > 0


def test_the_16_2_2_wordings_part_on_victims_detected_abroad() -> None:
    frame = pd.DataFrame(
        {
            "victim_status": ["actual", "actual", "possible", "actual"],
            "victim_detected_here": [True, False, True, None],
            "victim_lives_here": [True, True, True, True],
        }
    )
    found = reconcile(
        Microdata.from_frame(frame), "trafficking_victims@sdg-2016", "trafficking_victims@sdg-2023"
    )
    assert [(m.before, m.after, m.n) for m in found.movements] == [
        ("met", "not_met", 1),
        ("met", "undetermined", 1),
    ]


def test_small_groups_are_not_shown(data: Microdata) -> None:
    rows = [{"age": 16, "ea_any": True, "ea_hours": 43.0}] * 4
    rows += [{"age": 16, "ea_any": True, "ea_hours": 20.0}] * 40
    found = run(Microdata.from_frame(pd.DataFrame(rows)), "mics6", "sdg-2021", "child_labour_a")
    table = found.to_frame()
    assert table["hidden"].to_list() == [True]
    assert table[["n", "weighted", "effect"]].isna().all(axis=None)
    assert "met -> not_met: fewer than 5" in str(found)
    assert "moved: 4" not in str(found)
    assert found.to_dict()["n_moved"] is None
    assert found.to_frame(threshold=1)["n"].to_list() == [4]
    # of 44 people the 40 who stayed would tell the 4
    assert found.transitions_frame().isna().to_numpy().sum() == 2
    assert found.transitions_frame(threshold=1).loc["met", "not_met"] == 4
    assert json.loads(json.dumps(found.to_dict()))["movements"][0]["n"] is None
    assert "moved: 4" in found.text(threshold=1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ("child_labour@mics6", "child_marriage@sdg-2021"),
            DefinitionError,
            "two versions of one definition",
        ),
        (("child_labour@mics6", "child_labour@mics7"), DefinitionError, "has no version 'mics7'"),
        (("child_labour@mics6", "child_labour@sdg-2021"), DefinitionError, "name the status to reconcile"),
    ],
)
def test_bad_requests(
    data: Microdata, arguments: tuple[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        reconcile(data, *arguments)


def test_bad_weights(data: Microdata) -> None:
    with pytest.raises(HarmonizationError, match="no weight column 'wt'"):
        run(data, "mics6", "sdg-2021", weight="wt")
    negative = data.replace(frame=data.frame.assign(w=-1.0))
    with pytest.raises(HarmonizationError, match="missing or negative"):
        run(negative, "mics6", "sdg-2021", weight="w")
    with pytest.raises(DefinitionError, match="no status 'hazardous_work' in both"):
        run(data, "mics5", "sdg-2021", "hazardous_work")


def test_command_line(tmp_path: Path, data: Microdata, cli: Callable[..., tuple[int, str, str]]) -> None:
    file = write_microdata(data, tmp_path / "children.parquet")
    verb = ("standards", "reconcile", str(file), "child_labour@mics6", "child_labour@sdg-2021")
    code, out, err = cli(*verb, "--weight", "w", "--strata", "stratum", "--psu", "ea")
    assert (code, err) == (0, "")
    assert out.count("child_labour@mics6 -> child_labour@sdg-2021") == 2
    assert "standard error" in out
    code, out, _ = cli(*verb, "--output", "child_labour_a", "--json")
    assert code == 0
    (told,) = json.loads(out)
    assert told["difference"] == pytest.approx(run(data, "mics6", "sdg-2021", "child_labour_a").difference)
    assert "moved" not in told
    code, _, err = cli("standards", "reconcile", str(file), "child_labour@mics6", "child_labour@mics9")
    assert code == 1
    assert "has no version 'mics9'" in err


def test_two_small_groups_are_not_told_by_their_sum() -> None:
    older = {"age": 16, "ea_any": True, "ea_hours": 43.0, "chores_any": False, "chores_hours": 0.0}
    younger = {"age": 12, "ea_any": False, "ea_hours": None, "chores_any": True, "chores_hours": 21.0}
    rows = [older] * 4 + [younger] * 4 + [{**older, "ea_hours": 20.0}] * 40
    found = run(Microdata.from_frame(pd.DataFrame(rows)), "mics6", "sdg-2021", "child_labour_b")
    assert [m.n for m in found.movements] == [4, 4]  # of 8 who moved, two groups below 5 could only be these
    assert found.to_dict()["n_moved"] is None
    assert "moved: 0 in the groups with a number" in str(found)
    assert "moved: 8" in found.text(threshold=1)
