"""Checks before estimation: what is wrong is found with its rows, what is right is not."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.estimation import SurveyDesign
from survey_toolkit.microdata import (
    Microdata,
    MissingCode,
    Related,
    Variable,
    check_data,
    digit_preference,
    harmonize,
    myers,
    whipple,
)

from .conftest import data, walk


def _checks(report: object) -> list[str]:
    return [f.check for f in report.findings]  # type: ignore[attr-defined]


def test_weights() -> None:
    raw = data(w=[1.0, 0.0, -1.0, None, 1.0, 500.0], ea=[1, 1, 2, 2, 3, 3], h=[1, 1, 1, 1, 1, 1])
    report = check_data(raw, design=SurveyDesign(weight="w"), population=10_000)
    assert _checks(report) == [
        "weight-missing",
        "weight-negative",
        "weight-sum",
        "weight-zero",
        "weight-spread",
    ]
    assert report.finding("weight-missing").rows.tolist() == [3]
    assert report.rows("weight-negative", raw)["w"].to_list() == [-1.0]
    assert "95.0% below 10,000; are they normalised" in report.finding("weight-sum").message
    spread = report.finding("weight-spread")
    used = np.array([1, 1, 500.0])
    assert spread.value == pytest.approx(3 * (used**2).sum() / used.sum() ** 2)
    with pytest.raises(
        SurveyToolkitError, match=r"3 checks failed[\s\S]*weight-missing: w: 1 rows have no weight"
    ):
        report.require()


def test_equal_weights_are_right_and_told() -> None:
    report = check_data(data(w=[2.0] * 50), design=SurveyDesign(weight="w"), population=100)
    assert report.findings == ()
    assert report.require() is report
    assert "w: largest over median 1.0, Kish's design effect of weighting 1.00" in report.notes
    assert set(report.ran) == {"weights", "population"}


def test_household_weight_that_differs() -> None:
    raw = data(hh=[1, 1, 2, 2], w=[1.0, 1.0, 1.0, 2.0])
    report = check_data(raw, design=SurveyDesign(weight="w"), household=["hh"])
    assert report.finding("weight-household").rows.tolist() == [2, 3]


def test_structure_of_the_sample() -> None:
    raw = data(w=[1.0] * 6, ea=[1, 1, 1, 2, 3, None], h=[1, 1, 2, 2, 3, 3])
    report = check_data(raw, design=SurveyDesign(weight="w", strata="h", psu="ea"))
    assert [(f.severity, f.check, f.count) for f in report.findings] == [
        ("error", "design-missing", 1),
        ("error", "psu-in-strata", 1),
        ("flag", "psu-lonely", 2),
        ("flag", "psu-single-row", 3),
    ]
    nested = check_data(raw, design=SurveyDesign(weight="w", strata="h", psu="ea", nest=True))
    assert "psu-in-strata" not in _checks(nested)
    assert report.finding("psu-lonely").rows.tolist() == [0, 1, 4, 5]


def test_keys_copies_and_partners() -> None:
    persons = data(
        hh=["1", "1", "9", None],
        line=[1, 1, 1, 2],
        a=[1, 1, 2, 3],
        b=[1, 1, 1, 1],
        c=[1, 1, 1, 1],
        d=[1, 1, 1, 1],
        e=[1, 1, 1, 1],
    )
    homes = data(hh=["1", "2"], name="homes.csv")
    report = check_data(
        persons,
        keys=["hh", "line"],
        related={"homes": Related(data=homes, on={"hh": "hh"}, every=True)},
    )
    assert [(f.check, f.count) for f in report.findings] == [
        ("key-missing", 1),
        ("key-duplicate", 2),
        ("key-orphan", 2),
        ("key-childless", 1),
        ("row-duplicate", 2),
    ]
    assert "1 rows of homes have no row here" in report.finding("key-childless").message


def test_ranges_codes_and_hours() -> None:
    raw = Microdata.from_frame(
        pd.DataFrame({"age": [5, 130, 99, 7], "sex": [1, 2, 3, 1], "h": [169, 120, 10, 98]}),
        [
            Variable(name="age", missing=(MissingCode(low=99, high=99),)),
            Variable(name="sex", value_labels={1: "M", 2: "F", 4: "Other"}),
            Variable(name="h", value_labels={98: "DK"}),
        ],
    )
    report = check_data(raw, ranges={"age": (0, 98)}, hours=["h"])
    assert [(f.check, f.rows.tolist()) for f in report.findings] == [
        ("range", [1]),
        ("hours-impossible", [0]),
        ("code-unlabelled", [2]),
        ("label-unused", []),
        ("hours-long", [1]),
    ]
    assert "labelled codes that no row holds: 4" in report.finding("label-unused").message


def test_who_was_asked() -> None:
    raw = data(age=[4, 12, 13, None], q=[1, None, 2, 1])
    report = check_data(raw, skips={"q": {"variable": "age", "ge": 12}})
    assert report.finding("skip-answered").rows.tolist() == [0]
    assert report.finding("skip-blank").rows.tolist() == [1]
    assert "q: asked of 2 of 4 rows" in report.notes


def test_contradictions_of_harmonized_data() -> None:
    raw = data(w=[1, 2, 1], h=[0, 5, 3], u=[0, 1, 1], au=[15, 40, 17], a=[20, 22, 130])
    made = harmonize(
        raw,
        walk(
            age={"source": "a"},
            ea_any={"source": "w", "recode": {1: True, 2: False}},
            ea_hours={"source": "h"},
            ever_in_union={"source": "u", "recode": {0: False, 1: True}},
            age_first_union={"source": "au"},
        ),
    )
    report = check_data(made)
    assert _checks(report) == [
        "hours-without-work",
        "union-age-without-union",
        "union-after-age",
        "work-without-hours",
    ]


def test_age_heaping_and_crowded_bounds() -> None:
    rng = np.random.default_rng(5)
    smooth = rng.integers(0, 80, 20_000)
    assert check_data(data(age=smooth), age="age").findings == ()
    heaped = np.where(rng.random(20_000) < 0.5, smooth // 5 * 5, smooth)
    report = check_data(data(age=heaped), age="age")
    assert "age-heaping" in _checks(report)
    moved = np.where((smooth == 17) & (rng.random(20_000) < 0.8), 18, smooth)
    assert "persons of 17 and" in check_data(data(age=moved), age="age").finding("age-boundary").message


def test_hours_on_round_tens() -> None:
    hours = [10, 20, 30, 40, 50] * 30
    report = check_data(data(h=hours), hours=["h"])
    assert report.finding("hours-heaping").value == pytest.approx(10)


def test_nonresponse_by_interviewer() -> None:
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(10), 60)
    q = np.where((who == 7) & (rng.random(600) < 0.6), 9, rng.integers(1, 3, 600))
    raw = Microdata.from_frame(
        pd.DataFrame({"int": who, "q": q}),
        [Variable(name="q", value_labels={1: "Yes", 2: "No", 9: "Refused"})],
    )
    found = check_data(raw, interviewer="int").finding("nonresponse")
    assert "int: more unanswered than elsewhere" in found.message
    assert "7 " in found.message
    assert set(raw.frame["int"].iloc[found.rows]) == {7}


def test_interviewer_effect_and_answers_all_alike() -> None:
    rng = np.random.default_rng(2)
    who = np.repeat(np.arange(8), 50)
    effect = np.where(rng.random(400) < np.where(who < 4, 0.9, 0.1), 1, 2)
    battery = {f"b{i}": np.where(who == 3, 1, rng.integers(1, 5, 400)) for i in range(4)}
    raw = data(int=who, effect=effect, **battery)
    report = check_data(raw, interviewer="int", items=["effect"], batteries={"b": list(battery)})
    assert report.finding("interviewer-effect").value > 0.4
    assert "by int: 3 100%" in report.finding("straight-lining-by").message


def test_columns_that_do_not_exist_are_told_together() -> None:
    with pytest.raises(SurveyToolkitError) as caught:
        check_data(data(weight=[1.0], age=[3]), design=SurveyDesign(weight="wieght"), keys=["hh"], age="agee")
    message = str(caught.value)
    for word in (
        "keys: no column 'hh'",
        "age: no column 'agee'; did you mean 'age'",
        "design: no column 'wieght'",
    ):
        assert word in message


def test_report_as_text_page_and_json() -> None:
    raw = data(w=[0.0, 1.0], name="<x>.csv")
    report = check_data(raw, design=SurveyDesign(weight="w"))
    assert report.text().startswith(
        "<x>.csv: 2 rows, 0 errors, 1 flag\n  flag   weight-zero: w: 1 rows have weight 0"
    )
    assert "<x>" not in report.to_html()
    plain = json.loads(report.to_json())
    assert plain["findings"][0]["check"] == "weight-zero"
    assert "rows" not in plain["findings"][0]
    assert json.loads(report.to_json(rows=True))["findings"][0]["rows"] == [0]
    with pytest.raises(SurveyToolkitError, match=r"no check 'weight-zer'[\s\S]*did you mean 'weight-zero'"):
        report.finding("weight-zer")


def test_whipple_and_myers_by_hand() -> None:
    # 23..62 once each, and ten persons more of 30: (8 + 10) / 50 * 500
    assert whipple([*range(23, 63), *[30] * 10]) == pytest.approx(180)
    # a flat population: digit d has 8 (d + 1) + 7 (9 - d) = 71 + d of 755
    assert myers(range(10, 90)) == pytest.approx(50 * sum(abs((71 + d) / 755 - 0.1) for d in range(10)))
    # all at 40: digit 0 holds all, half the sum of |100 - 10| and nine times 10
    assert myers([40, 40]) == pytest.approx(90)
    assert np.isnan(whipple([5, 6]))
    assert digit_preference([10, 11], 10, weights=[3, 1]) == pytest.approx(7.5)


@settings(max_examples=40, deadline=None)
@given(
    ages=st.lists(st.integers(0, 99), min_size=1, max_size=80),
    factor=st.floats(0.1, 1000),
)
def test_heaping_does_not_depend_on_the_scale_of_weights(ages: list[int], factor: float) -> None:
    ones = np.ones(len(ages))
    for index in (whipple, myers, digit_preference):
        kwargs = {"weights": ones * factor}
        np.testing.assert_allclose(index(ages, **kwargs), index(ages), rtol=1e-9, atol=1e-9)
    blended = myers(ages)
    assert np.isnan(blended) or 0 <= blended <= 90 + 1e-9
