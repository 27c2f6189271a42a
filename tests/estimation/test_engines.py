"""The same numbers on every frame kind, and unknown never counted as no."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Estimates, Survey, SurveyDesign

RTOL = 1e-9  # DESIGN.md 5: engines differ only in the order of additions

CALLS: dict[str, Callable[[Survey], Estimates]] = {
    "mean": lambda s: s.mean("hours", by=["region", "sex"]),
    "two means": lambda s: s.mean(["hours", "members"], by="sex", where=nw.col("age_band") > 5),
    "total": lambda s: s.total("hours", by="age_band", deff="wor"),
    "ratio": lambda s: s.ratio("hours", "members", by="sex"),
    "status": lambda s: s.proportion("fl", by=["sex", "age_band"], bounds=True),
    "policy": lambda s: s.proportion("fl", by="sex", undetermined="met"),
    "levels": lambda s: s.proportion("job", by="region"),
    "one level": lambda s: s.proportion("job", success="farm", where={"sex": ["F"]}),
    "population": lambda s: s.total("job", by="sex"),
    "codes as levels": lambda s: s.proportion("age_band"),
}


def assert_same(got: Estimates, expected: Estimates) -> None:
    assert got.domain_names == expected.domain_names
    assert got.domains == expected.domains
    assert got.flags == expected.flags
    assert got.notes == expected.notes
    for name in (
        "estimate",
        "se",
        "ci_low",
        "ci_high",
        "deff",
        "df",
        "n",
        "n_psu",
        "n_positive",
        "n_undetermined",
    ):
        np.testing.assert_allclose(
            getattr(got, name), getattr(expected, name), rtol=RTOL, atol=1e-12, err_msg=name
        )
    np.testing.assert_allclose(
        got.vcov, expected.vcov, rtol=RTOL, atol=1e-12 * np.nanmax(np.abs(expected.vcov))
    )


@pytest.mark.parametrize("name", CALLS)
def test_frame_kinds_agree(name: str, sample: pd.DataFrame, design: SurveyDesign, as_frame: Any) -> None:
    expected = CALLS[name](Survey(sample, design))
    assert_same(CALLS[name](Survey(as_frame(sample), design)), expected)


@pytest.mark.parametrize("name", CALLS)
def test_a_path_agrees(name: str, sample: pd.DataFrame, design: SurveyDesign, tmp_path: Path) -> None:
    sample.to_parquet(tmp_path / "s.parquet", index=False)
    expected = CALLS[name](Survey(sample, design))
    assert_same(CALLS[name](Survey(tmp_path / "s.parquet", design)), expected)


def test_a_csv_path_agrees(sample: pd.DataFrame, design: SurveyDesign, tmp_path: Path) -> None:
    sample.to_csv(tmp_path / "s.csv", index=False)
    assert_same(
        Survey(tmp_path / "s.csv", design).mean("hours", by="sex"),
        Survey(sample, design).mean("hours", by="sex"),
    )


def test_element_sampling_agrees(sample: pd.DataFrame, as_frame: Any) -> None:
    design = SurveyDesign(weight="w", strata="stratum")
    expected = Survey(sample, design).mean("hours", by="sex")
    assert_same(Survey(as_frame(sample), design).mean("hours", by="sex"), expected)


def test_unknown_is_not_no(as_frame: Any) -> None:
    """The null trap: on plain float pandas NaN == 1 is False."""
    frame = pd.DataFrame(
        {"w": [1.0] * 6, "psu": [1, 1, 2, 2, 3, 3], "y": [1.0, np.nan, 0.0, 1.0, np.nan, 0.0]}
    )
    survey = Survey(as_frame(frame), SurveyDesign(weight="w", psu="psu"))
    for est in (survey.proportion("y"), survey.proportion("y", success=1), survey.mean("y")):
        assert est.estimate[0] == pytest.approx(0.5)
        assert (est.n[0], est.n_undetermined[0]) == (4, 2)
    known = survey.mean("w", where=nw.col("y") == 1)
    assert known.n[0] == 2
    assert any("2 rows" in note for note in known.notes)


def test_an_expression_of_main_narwhals_is_understood(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    a = survey.mean("hours", where=narwhals.col("sex") == "F")
    assert a.estimate[0] == pytest.approx(survey.mean("hours", where={"sex": "F"}).estimate[0])


def test_rows_without_a_domain_code_are_counted(
    sample: pd.DataFrame, design: SurveyDesign, as_frame: Any
) -> None:
    frame = sample.assign(sex=sample["sex"].where(np.arange(len(sample)) % 10 != 0))
    est = Survey(as_frame(frame), design).mean("members", by="sex")
    assert est.domains == (("F",), ("M",))
    assert est.n.sum() == len(sample) - 60
    assert "60 rows lack a code of sex: they are in no domain" in est.notes


def test_microdata_like_objects_are_opened(sample: pd.DataFrame, design: SurveyDesign) -> None:
    class Microdata:
        frame, variables = sample, {}

    assert len(Survey(Microdata(), design).mean("hours")) == 1
