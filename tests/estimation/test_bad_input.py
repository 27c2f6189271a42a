"""Each mistake gives one clear message."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError, EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign


def message(excinfo: pytest.ExceptionInfo[Exception], *parts: str) -> None:
    text = str(excinfo.value)
    for part in parts:
        assert part in text, text


def test_missing_design_column(sample: pd.DataFrame) -> None:
    with pytest.raises(DesignError) as e:
        Survey(sample, SurveyDesign(weight="weight", strata="stratum"))
    message(e, "no such column", "'weight'", "check the spelling")


def test_text_weight(sample: pd.DataFrame) -> None:
    with pytest.raises(DesignError) as e:
        Survey(sample, SurveyDesign(weight="sex"))
    message(e, "sex: this design column must be numeric")


@pytest.mark.parametrize(("value", "word"), [(-2.0, "negative"), (np.nan, "missing"), (np.inf, "infinite")])
def test_bad_weights(sample: pd.DataFrame, as_frame: Any, value: float, word: str) -> None:
    frame = sample.assign(w=sample["w"].where(sample.index > 2, value))
    with pytest.raises(DesignError) as e:
        Survey(as_frame(frame), SurveyDesign(weight="w", psu="psu")).mean("hours")
    message(e, f"w: weights are {word}", f"3 {word} of 600 rows", "zero or above")
    with pytest.raises(DesignError, match=word):
        Survey(as_frame(frame), SurveyDesign(weight="w")).mean("hours")


def test_zero_weights_are_allowed(sample: pd.DataFrame, design: SurveyDesign) -> None:
    frame = sample.assign(w=sample["w"].where(sample["psu"] != 3, 0.0))
    est = Survey(frame, design).mean("members")
    assert est.df_design == 23 - 6
    assert est.estimate[0] == pytest.approx(np.average(frame["members"], weights=frame["w"]))


def test_psu_in_two_strata(sample: pd.DataFrame, as_frame: Any) -> None:
    frame = sample.assign(psu=sample["psu"] % 4 + 1)
    with pytest.raises(DesignError) as e:
        Survey(as_frame(frame), SurveyDesign(weight="w", strata="stratum", psu="psu")).mean("hours")
    message(
        e, "psu: the same PSU code stands in more than one stratum", "4 PSUs, such as 1, 2, 3, 4", "nest=True"
    )


def test_missing_stratum_code(sample: pd.DataFrame, design: SurveyDesign) -> None:
    frame = sample.assign(stratum=sample["stratum"].astype("Int64").where(sample.index > 0))
    with pytest.raises(DesignError) as e:
        Survey(frame, design).mean("hours")
    message(e, "stratum: rows without a stratum or sampling unit")


@pytest.mark.parametrize(
    ("fpc", "words"),
    [
        (lambda s: s["stratum"] * 0 + 3, ("smaller than the sample (4 units drawn from 3)", "6 strata")),
        (lambda s: s["psu"] + 50, ("varies inside a stratum",)),
        (lambda s: s["stratum"].where(s["stratum"] > 2, -1), ("missing, zero or negative",)),
        (
            lambda s: (s["stratum"] == 0) * 0.5 + (s["stratum"] > 0) * 9,
            ("mixes counts and fractions", "0.5 to 9"),
        ),
    ],
)
def test_bad_fpc(sample: pd.DataFrame, fpc: Any, words: tuple[str, ...]) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="fpc")
    with pytest.raises(DesignError) as e:
        Survey(sample.assign(fpc=fpc(sample)), design).mean("hours")
    message(e, "fpc", *words)


def test_lonely_psu_is_refused_by_name(sample: pd.DataFrame, design: SurveyDesign) -> None:
    frame = sample[~sample["psu"].isin([1, 2, 3])]
    with pytest.raises(DesignError) as e:
        Survey(frame, design).mean("hours")
    message(e, "a stratum with one PSU has no variance", "1 strata with one PSU, such as 0", "lonely_psu=")


def test_design_options() -> None:
    with pytest.raises(DesignError, match="adjust"):
        SurveyDesign(weight="w", lonely_psu="adjusted")  # type: ignore[arg-type]
    with pytest.raises(DesignError, match="no weight"):
        SurveyDesign(strata="h")
    with pytest.raises(DesignError, match="ssu is declared without psu"):
        SurveyDesign(weight="w", ssu="hh")
    with pytest.raises(DesignError, match="more stages"):
        SurveyDesign(weight="w", psu="ea", fpc=("a", "b"))


def test_no_rows(sample: pd.DataFrame, design: SurveyDesign) -> None:
    with pytest.raises(DesignError, match="there are no rows"):
        Survey(sample.iloc[:0], design).mean("hours")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.mean("hour"), ("no such column", "'hour'", "'hours'")),
        (lambda s: s.mean("sex"), ("sex: this variable is not numeric", "proportion()")),
        (lambda s: s.mean("hours", by="regoin"), ("'regoin'", "'region'")),
        (lambda s: s.mean("hours", by=["sex", "sex"]), ("named twice",)),
        (lambda s: s.proportion("fl", ci="logti"), ("ci: unknown option", "'logit'")),
        (lambda s: s.proportion("fl", level=95), ("level", "outside (0, 1)")),
        (lambda s: s.proportion("fl", undetermined="ignore"), ("undetermined: unknown option", "not_met")),
        (lambda s: s.proportion("fl", undetermined="met", bounds=True), ("bounds do not go with a policy",)),
        (lambda s: s.proportion("job", bounds=True), ("need a status", "success=")),
        (lambda s: s.proportion("job", success=1), ("success is not a code of this column",)),
        (lambda s: s.mean("hours", deff="kish"), ("deff: unknown option", "wor")),
        (lambda s: s.mean("hours", df=0), ("degrees of freedom",)),
        (lambda s: s.mean("hours", where="sex == 'F'"), ("subpopulation is not understood", "narwhals")),
        (lambda s: s.mean("hours", where={"sx": "F"}), ("'sx'", "'sex'")),
        (lambda s: s.mean("hours", where=nw.col("nope") == 1), ("cannot be evaluated",)),
        (lambda s: s.mean("hours", where=nw.col("hours") + 1), ("the condition is no Boolean",)),
        (lambda s: s.total("hours", bounds=True), ("need a status",)),
        (lambda s: s.mean(["hours", 3]), ("given by name",)),
    ],
)
def test_bad_calls(sample: pd.DataFrame, design: SurveyDesign, call: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(EstimationError) as e:
        call(Survey(sample, design))
    message(e, *words)
