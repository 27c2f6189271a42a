"""Weighting steps against hand computation, the report, and one person out of a household."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.sampling import WeightChain, select_child, select_person
from survey_toolkit.sampling.within_household import KISH_SHARES, KISH_TABLES, kish_probability


def fieldwork(n: int = 600, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    region = rng.choice(["A", "B"], n)
    answered = np.where(region == "A", 0.9, 0.6)
    status = np.where(rng.random(n) < answered, "ER", "ENR")
    status[rng.random(n) < 0.1] = "NE"
    status[rng.random(n) < 0.1] = "UNK"
    return pd.DataFrame(
        {
            "p": np.where(region == "A", 0.1, 0.02),
            "region": region,
            "status": status,
            "sex": rng.choice(["F", "M"], n),
            "age": rng.integers(18, 80, n),
            "within": rng.integers(1, 5, n).astype(float),
        }
    )


def test_every_step_is_what_it_says() -> None:
    rows = fieldwork()
    chain = WeightChain.start(rows, probability="p", groups="region")
    known = chain.unknown_eligibility("status", classes=["region"])
    done = known.nonresponse("status", classes=["region"])
    for region in ("A", "B"):
        mine = (rows["region"] == region).to_numpy()
        base, status = 1 / rows["p"][mine].to_numpy(), rows["status"][mine].to_numpy()
        factor = base.sum() / base[status != "UNK"].sum()
        assert known.weight[mine] == pytest.approx(np.where(status == "UNK", 0, base * factor))
        eligible = np.isin(status, ["ER", "ENR"])
        again = (base * factor)[eligible].sum() / (base * factor)[status == "ER"].sum()
        assert done.weight[mine] == pytest.approx(np.where(status == "ER", base * factor * again, 0))
    assert known.weight.sum() == pytest.approx(chain.weight.sum())


def test_propensity_gives_the_weight_of_the_eligible_on() -> None:
    rows = fieldwork(2000)
    chain = WeightChain.start(rows, probability="p").unknown_eligibility("status")
    eligible = chain.weight[rows["status"].isin(["ER", "ENR"])].sum()
    done = chain.nonresponse("status", propensity=["region", "age"])
    assert done.weight.sum() == pytest.approx(eligible, rel=0.03)
    classes = chain.nonresponse("status", classes=["region"])
    alive = done.weight > 0
    assert np.corrcoef(done.weight[alive], classes.weight[alive])[0, 1] > 0.98


def whole_chain(rows: pd.DataFrame) -> WeightChain:
    return (
        WeightChain.start(rows, probability="p", groups="region")
        .unknown_eligibility("status", classes=["region"])
        .nonresponse("status", classes=["region"])
        .subsample("within")
        .trim(median_times=3)
        .calibrate({"sex": {"F": 12_000, "M": 11_000}, "region": {"A": 5_000, "B": 18_000}})
    )


def test_the_report_tells_what_each_step_did() -> None:
    rows = fieldwork()
    chain = whole_chain(rows)
    report = chain.report()
    table = report.to_frame().set_index("name")
    assert table.index.tolist() == [
        "base", "unknown eligibility", "nonresponse", "subsampling", "trimming", "calibration",
    ]  # fmt: skip
    assert table.loc["unknown eligibility", "lost"] == (rows["status"] == "UNK").sum()
    assert table.loc["nonresponse", "rows"] == (rows["status"] == "ER").sum()
    assert table.loc["trimming", "total"] == pytest.approx(table.loc["subsampling", "total"])
    assert table.loc["trimming", "largest"] <= 3 * table.loc["subsampling", "median"] * (1 + 1e-9)
    assert table.loc["trimming", "deff"] < table.loc["subsampling", "deff"]
    assert table.loc["calibration", "total"] == pytest.approx(23_000)
    alive = chain.weight[chain.weight > 0]
    assert table.loc["calibration", "deff"] == pytest.approx(1 + alive.var() / alive.mean() ** 2)
    lost = report.who_lost()
    nonresponse = lost[lost["step"] == "nonresponse"].set_index("group")
    assert nonresponse["lost"].sum() == rows["status"].isin(["ENR", "NE"]).sum()
    final = chain.to_frame()
    assert final.loc[final["sex"] == "F", "weight"].sum() == pytest.approx(12_000)
    assert (final["status"] == "ER").all()


def test_small_groups_are_not_named() -> None:
    rows = fieldwork().assign(place=lambda f: np.where(np.arange(len(f)) < 3, "hamlet", "town"))
    report = WeightChain.start(rows, probability="p", groups="place").unknown_eligibility("status").report()
    assert set(report.who_lost()["group"]) == {"town", "groups of fewer than 5"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: WeightChain.start(f, probability="q"), "no such column"),
        (lambda f: WeightChain.start(f), "from probabilities"),
        (lambda f: WeightChain.start(f.assign(p=1.5), probability="p"), "outside"),
        (lambda f: WeightChain.start(f.assign(p=0), probability="p"), "outside"),
        (lambda f: WeightChain.start(f.assign(w=-1.0), weight="w"), "not above zero"),
        (lambda f: WeightChain.start(f, probability="p").nonresponse("status"), "still unknown"),
        (
            lambda f: WeightChain.start(f.assign(status="maybe"), probability="p").unknown_eligibility(
                "status"
            ),
            "unknown statuses",
        ),
        (
            lambda f: WeightChain.start(f.assign(status="ENR"), probability="p").nonresponse("status"),
            "no respondent",
        ),
        (lambda f: WeightChain.start(f.assign(within=0.5), probability="p").subsample("within"), "below one"),
        (
            lambda f: WeightChain.start(f, probability="p").calibrate({"sex": {"F": 10, "M": 10, "X": 5}}),
            "cannot be met",
        ),
        (lambda f: WeightChain.start(f, probability="p").trim(upper=1.0), "limits"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call: Any, words: str) -> None:
    with pytest.raises(SurveyToolkitError, match=words):
        call(fieldwork())


def roster(households: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    size = rng.integers(1, 9, households)
    frame = pd.DataFrame({"hh": np.repeat(np.arange(households), size)})
    frame["line"] = frame.groupby("hh").cumcount() + 1
    return frame.assign(age=rng.integers(0, 80, len(frame)), wait=rng.integers(0, 365, len(frame)))


def test_kish_tables_give_known_probabilities() -> None:
    assert sum(KISH_SHARES.values()) == 12
    for size in (1, 2, 3, 4, 6):
        assert [kish_probability(size, k) for k in range(1, size + 1)] == pytest.approx([1 / size] * size)
    assert [kish_probability(5, k) * 12 for k in range(1, 6)] == pytest.approx([2, 2, 3, 2, 3])
    assert all(line <= k + 1 for lines in KISH_TABLES.values() for k, line in enumerate(lines))


@pytest.mark.parametrize("method", ["random", "kish", "next_birthday"])
def test_one_person_of_every_household(method: str) -> None:
    frame = roster()
    days = "wait" if method == "next_birthday" else None
    taken = select_person(frame, household="hh", line="line", seed=1, method=method, days_to_birthday=days)
    assert taken["hh"].tolist() == list(range(400))
    reached = frame if method != "kish" else frame[frame["line"] <= 6]  # the grid has six columns
    assert taken["within_weight"].sum() == pytest.approx(len(reached), rel=0.08)
    shuffled = select_person(
        frame.sample(frac=1, random_state=1),
        household="hh",
        line="line",
        seed=1,
        method=method,
        days_to_birthday=days,
    )
    assert shuffled["line"].tolist() == taken["line"].tolist()


def test_a_person_is_taken_as_often_as_the_probability() -> None:
    frame = pd.DataFrame({"hh": np.repeat(np.arange(6000), 5), "line": np.tile(np.arange(1, 6), 6000)})
    for method in ("random", "kish"):
        taken = select_person(frame, household="hh", line="line", seed=2, method=method)
        seen = taken["line"].value_counts(normalize=True).sort_index().to_numpy()
        wanted = [kish_probability(5, k) if method == "kish" else 0.2 for k in range(1, 6)]
        assert seen == pytest.approx(wanted, abs=0.022)


def test_one_child_of_five_to_seventeen() -> None:
    frame = roster()
    taken = select_child(frame, household="hh", line="line", age="age", seed=1)
    assert taken["age"].between(5, 17).all()
    children = frame[frame["age"].between(5, 17)]
    assert len(taken) == children["hh"].nunique()
    assert taken["within_weight"].sum() == len(children)
    assert (taken["eligible_persons"] == taken["hh"].map(children["hh"].value_counts())).all()


def test_bad_rosters_are_refused() -> None:
    frame = roster(5)
    for call, words in (
        (lambda: select_person(frame.assign(line=1), household="hh", line="line", seed=1), "twice"),
        (lambda: select_person(frame, household="hh", line="line", seed=1, method="kisch"), "kish"),
        (lambda: select_person(frame, household="hx", line="line", seed=1), "'hh'"),
        (
            lambda: select_person(frame, household="hh", line="line", seed=1, method="next_birthday"),
            "days to it",
        ),
        (
            lambda: select_person(
                frame.assign(wait=-1),
                household="hh",
                line="line",
                seed=1,
                method="next_birthday",
                days_to_birthday="wait",
            ),
            "negative",
        ),
    ):
        with pytest.raises(SurveyToolkitError, match=words):
            call()


def test_groups_that_lose_alike_stand_in_their_order() -> None:
    """1/0.8 - 1 from other sums differs in the last digit; that must not shuffle the table."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"g": np.repeat(list("ABCDEF"), 10), "p": rng.uniform(0.01, 0.03, 60)})
    rows["p"] = rows.groupby("g")["p"].transform("first")
    rows["status"] = np.tile(["ER"] * 4 + ["ENR"], 12)
    chain = WeightChain.start(rows, probability="p", groups="g").nonresponse("status", classes=["g"])
    lost = chain.report().who_lost()
    assert lost["group"].tolist() == list("ABCDEF")
    assert lost["change"].abs().max() < 1e-12
