"""The list of bad input that the room promises to answer well, one test a line, on every engine.

Each message must name the place, what was found, what was expected, and what to do (DESIGN.md 8). What
else can be wrong is in test_bad_input (designs, calls), test_weighting (totals), test_replicates,
test_pps, test_two_phase and test_models (formulas, families, tests).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError, EstimationError, SurveyToolkitError
from survey_toolkit.estimation import Estimates, ReplicateDesign, Survey, SurveyDesign
from tests.conftest import FRAME_KINDS

DESIGN = SurveyDesign(weight="w", strata="stratum", psu="psu")
SEX = {"F": 40_000.0, "M": 35_000.0}


@pytest.fixture(params=[*sorted(FRAME_KINDS), "parquet", "csv"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[pd.DataFrame], Any]:
    """Every kind of frame, and the two kinds of path."""
    kind = request.param
    if kind in FRAME_KINDS:
        return FRAME_KINDS[kind]

    def written(frame: pd.DataFrame) -> Path:
        path = tmp_path / f"sample.{kind}"
        frame.to_parquet(path, index=False) if kind == "parquet" else frame.to_csv(path, index=False)
        return path

    return written


def refusal(ask: Callable[[], Any], error: type[SurveyToolkitError], **parts: str) -> SurveyToolkitError:
    """The error that a call raises: complete, and holding the given words in the given places."""
    with pytest.raises(error) as info:
        ask()
    raised = info.value
    told = {name: getattr(raised, name) for name in ("what", "where", "found", "expected", "hint")}
    told["found"] = "\n".join([*raised.problems, *([raised.found] if raised.found else [])])
    empty = [name for name, text in told.items() if not text]
    assert not empty, f"the message lacks {empty}:\n{raised}"
    for name, words in parts.items():
        assert words in told[name], f"{name}: {words!r} is not in\n{raised}"
    return raised


# -------------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("value", "kind"), [(np.inf, "infinite"), (-np.inf, "infinite"), (np.nan, "missing"), (-5.0, "negative")]
)
def test_infinite_missing_and_negative_weights(
    value: float, kind: str, sample: pd.DataFrame, engine: Any
) -> None:
    """R and svy accept a negative weight in silence (apiclus1, one weight -5: 644.398 in both)."""
    survey = Survey(engine(sample.assign(w=sample["w"].where(sample.index != 17, value))), DESIGN)
    asks = [
        lambda: survey.mean("hours", by="sex"),
        lambda: survey.glm("hours ~ sex"),
        lambda: survey.poststratify({"sex": SEX}),
        lambda: survey.replicate("JKn").mean("hours"),
    ]
    for ask in asks:
        refusal(ask, DesignError, what=kind, where="w", found=f"1 {kind}", expected="zero or above")


def test_all_weights_zero_in_a_domain(sample: pd.DataFrame, engine: Any) -> None:
    """Nothing is known of such a domain: missing, and flagged; the others do not change."""
    frame = sample.assign(w=sample["w"].where(sample["region"] != "north", 0.0))
    survey = Survey(engine(frame), DESIGN)
    asks: list[Callable[[], Estimates]] = [
        lambda: survey.mean("hours", by="region"),
        lambda: survey.ratio("hours", "members", by="region"),
        lambda: survey.proportion("works", by="region"),
        lambda: survey.quantile("hours", 0.5, by="region"),
    ]
    for ask in asks:
        est = ask()
        north, south = est.domains
        assert (north[0], south[0]) == ("north", "south")
        assert np.isnan([est.estimate[0], est.se[0], est.ci_low[0], est.ci_high[0]]).all(), est
        assert "empty_domain" in est.flags[0]
        assert np.isfinite([est.estimate[1], est.se[1]]).all()
    only = survey.mean("hours", where={"region": "north"})
    assert np.isnan(only.estimate[0])
    refusal(
        lambda: survey.glm("hours ~ sex", where={"region": "north"}), EstimationError, what="no row", hint=" "
    )


def test_all_weights_zero(sample: pd.DataFrame, engine: Any) -> None:
    survey = Survey(engine(sample.assign(w=0.0)), DESIGN)
    assert np.isnan(survey.mean("hours").estimate[0])
    refusal(lambda: survey.poststratify({"sex": SEX}), EstimationError, found="sex=F")
    frame = sample.assign(w=0.0, r1=1.0, r2=2.0)
    given = Survey(engine(frame), ReplicateDesign(weight="w", replicates="r", kind="JK1"))
    refusal(lambda: given.mean("hours"), DesignError, what="all weights are zero", where="w")


# --------------------------------------------------------------------------------------------- design


def test_one_psu_in_all(sample: pd.DataFrame, engine: Any) -> None:
    frame = sample[sample["psu"] == 5]
    survey = Survey(engine(frame), DESIGN)
    refusal(
        lambda: survey.mean("hours"),
        DesignError,
        what="one PSU",
        found="such as 1",
        hint='lonely_psu="adjust"',
    )
    for option in ("certainty", "remove", "adjust", "average"):
        told = Survey(engine(frame), SurveyDesign(weight="w", strata="stratum", psu="psu", lonely_psu=option))
        est = told.mean("hours")
        assert est.df[0] == 0
        assert np.isnan([est.ci_low[0], est.ci_high[0]]).all(), f"{option}: an interval from one PSU"
        share = told.proportion("works")
        assert np.isnan([share.ci_low[0], share.ci_high[0]]).all()
    certain = SurveyDesign(weight="w", strata="stratum", psu="psu", lonely_psu="certainty")
    for kind in ("JKn", "bootstrap"):
        refusal(
            lambda kind=kind: Survey(engine(frame), certain).replicate(kind).mean("hours"),  # type: ignore[misc]
            DesignError,
            hint="sampl",
        )
    alone = Survey(engine(frame), SurveyDesign(weight="w", psu="psu"))
    refusal(lambda: alone.replicate("JK1").mean("hours"), DesignError, what="one PSU")


@pytest.mark.parametrize(
    ("value", "what", "found"),
    [
        (3.0, "smaller than the sample (4 units drawn from 3)", "6 strata, such as 0, 1"),
        (1.0, "", ""),
        (0.0, "zero or negative", "in 24 of 24"),
        (-2.0, "zero or negative", "in 24 of 24"),
    ],
)
def test_fpc_smaller_than_the_sample(
    value: float, what: str, found: str, sample: pd.DataFrame, engine: Any
) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="N")
    survey = Survey(engine(sample.assign(N=value)), design)
    if value == 1.0:  # a fraction of 1: every PSU was taken
        assert survey.mean("hours").se[0] == 0
        return
    refusal(lambda: survey.mean("hours"), DesignError, what=what, where="N", found=found)


def test_fpc_of_the_second_stage_smaller_than_the_sample(sample: pd.DataFrame, engine: Any) -> None:
    frame = sample.assign(N=20.0, M=2.0, hh=np.arange(len(sample)))
    design = SurveyDesign(weight="w", strata="stratum", psu=("psu", "hh"), fpc=("N", "M"))
    refusal(lambda: Survey(engine(frame), design).mean("hours"), DesignError, where="M", what="drawn from 2")


# ------------------------------------------------------------------------------------------ replicates


def replicated(sample: pd.DataFrame, factor: float = 1.0, n: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    made = {f"rw{r + 1}": sample["w"] * rng.uniform(0.5, 1.5, len(sample)) * factor for r in range(n)}
    return sample.assign(**made)


def test_replicate_weights_of_wrong_count(sample: pd.DataFrame, engine: Any) -> None:
    frame = replicated(sample)
    design = ReplicateDesign(weight="w", replicates="rw", kind="bootstrap", n=8)
    refusal(
        lambda: Survey(engine(frame), design),
        DesignError,
        where="n",
        found="6 columns",
        expected="8",
        hint="name",
    )
    scales = ReplicateDesign(weight="w", replicates="rw", kind="JKn", rscales=[0.5] * 5)
    refusal(
        lambda: Survey(engine(frame), scales), DesignError, where="rscales", found="6 columns", expected="5"
    )
    nothing = ReplicateDesign(weight="w", replicates="boot", kind="bootstrap")
    refusal(lambda: Survey(engine(frame), nothing), DesignError, found="0 columns", expected="two or more")
    named = ReplicateDesign(weight="w", replicates=["rw1", "rw9"], kind="bootstrap")
    refusal(lambda: Survey(engine(frame), named), DesignError, found="rw9")


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"kind": "JKn"}, "rscales"),
        ({"kind": "other"}, "scale"),
        ({"kind": "Fay"}, "rho"),
        ({"kind": "Fay", "rho": 1.0}, "rho"),
        ({"kind": "BRR", "rho": 0.3}, "rho"),
        ({"kind": "BRR", "scale": 0.0}, "scale"),
        ({"kind": "BRR", "scale": -1.0}, "scale"),
        ({"kind": "BRR", "scale": float("nan")}, "scale"),
        ({"kind": "other", "rscales": [0.1, float("inf")]}, "rscales"),
    ],
)
def test_replicate_weights_of_wrong_scale(options: dict[str, Any], where: str) -> None:
    refusal(lambda: ReplicateDesign(weight="w", replicates="rw", **options), DesignError, where=where)


def test_replicate_factors_taken_for_weights(sample: pd.DataFrame, engine: Any) -> None:
    """Half-sample factors 0 and 2 declared as whole weights would give a plausible standard error."""
    frame = sample.assign(**{f"rw{r}": 2.0 * ((sample["psu"] + r) % 2) for r in range(4)})
    survey = Survey(engine(frame), ReplicateDesign(weight="w", replicates="rw", kind="BRR"))
    refusal(lambda: survey.mean("hours"), DesignError, found="times that of w", hint="combined=False")
    whole = ReplicateDesign(weight="w", replicates="rw", kind="BRR", combined=False)
    swapped = Survey(engine(replicated(sample)), whole)
    refusal(lambda: swapped.mean("hours"), DesignError, found="times that of w", hint="combined=True")


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_replicate_weights_that_are_no_weights(value: float, sample: pd.DataFrame, engine: Any) -> None:
    frame = replicated(sample)
    frame.loc[[3, 7], "rw4"] = value
    survey = Survey(engine(frame), ReplicateDesign(weight="w", replicates="rw", kind="bootstrap"))
    refusal(
        lambda: survey.mean("hours"), DesignError, where="rw1", found="2 of 600 rows", hint="allow_negative"
    )


# ----------------------------------------------------------------------------------------- calibration


def test_totals_that_cannot_be_met_name_the_margin(sample: pd.DataFrame, engine: Any) -> None:
    survey = Survey(engine(sample), DESIGN)
    region = {"north": 30_000.0, "south": 45_000.0}
    refusal(
        lambda: survey.poststratify({"sex": SEX | {"X": 5.0}}),
        EstimationError,
        where="sex",
        found="sex=X (population 5)",
        hint="partial=True",
    )
    refusal(
        lambda: survey.rake({"sex": SEX, "region": {"north": 1.0, "south": 2.0}}),
        EstimationError,
        found="region",
    )
    refusal(
        lambda: survey.calibrate({"sex": SEX, "region": region}, bounds=(0.99, 1.01)),
        EstimationError,
        where="=",
        found="wanted",
        hint="widen the bounds",
    )
    refusal(
        lambda: survey.calibrate({"(Intercept)": 75_000, "members": 9e6}), EstimationError, where="members"
    )
    far = {"(Intercept)": 75_000.0, "members": 9e6}  # no mix of 1 to 8 members has a mean of 120
    refusal(lambda: survey.calibrate(far, method="raking"), EstimationError, where="members", found="wanted")
    refusal(
        lambda: survey.replicate("JKn").calibrate(far, method="raking"),
        EstimationError,
        where="members",
        found="wanted",
    )
    refusal(lambda: survey.poststratify({"sex": {"F": 1000.0}}), EstimationError, found="M")
    refusal(lambda: survey.poststratify({"sex": {"F": -1.0, "M": 2.0}}), EstimationError, found="-1")


def test_a_replicate_in_which_a_total_cannot_be_met_is_named(sample: pd.DataFrame, engine: Any) -> None:
    """A class that lives in one PSU is gone when that PSU is left out."""
    frame = sample.assign(group=np.where(sample["psu"] == 6, "camp", "other"))
    survey = Survey(engine(frame), DESIGN).replicate("JKn")
    raised = refusal(
        lambda: survey.poststratify({"group": {"camp": 500.0, "other": 70_000.0}}),
        EstimationError,
        where="group=camp",
        found="500 wanted, 0 reached",
    )
    assert "(replicate 7 of 24" in raised.what


# ---------------------------------------------------------------------------------------------- models


def test_perfect_separation(sample: pd.DataFrame, engine: Any) -> None:
    frame = sample.assign(
        works=sample["works"].where(sample["job"] != "farm", False), many=(sample["members"] > 4).astype(int)
    )
    survey = Survey(engine(frame), DESIGN)
    for family in ("binomial", "poisson"):
        refusal(
            lambda family=family: survey.glm("works ~ job + members", family),  # type: ignore[misc]
            EstimationError,
            what="perfect separation",
            where="job[T.",
            hint="join levels",
        )
    refusal(lambda: survey.glm("many ~ members", "binomial"), EstimationError, where="members")
    refusal(
        lambda: survey.glm("works ~ sex", "binomial", where={"works": [False]}), EstimationError, what="vary"
    )
    answered = sample.assign(answered=sample["sex"] == "F")
    refusal(
        lambda: Survey(engine(answered), DESIGN).adjust_nonresponse("answered", propensity="sex"),
        EstimationError,
        what="no finite solution",
    )
    refusal(
        lambda: Survey(engine(answered), DESIGN).adjust_nonresponse("answered", classes="sex"),
        EstimationError,
        found="sex=M",
    )


def test_no_message_holds_what_a_respondent_said(sample: pd.DataFrame, engine: Any) -> None:
    """Codes and counts only: a text that is no code must not reach an error."""
    frame = sample.assign(told=["Sok was taken to the border"] * len(sample))
    survey = Survey(engine(frame), DESIGN)
    for ask in (
        lambda: survey.mean("told"),
        lambda: survey.ratio("told", "hours"),
        lambda: survey.quantile("told", 0.5),
        lambda: survey.gini("told"),
        lambda: survey.ttest("told", "sex"),
        lambda: Survey(engine(frame), SurveyDesign(weight="told")),
    ):
        raised = refusal(ask, SurveyToolkitError, where="told")
        assert "border" not in str(raised)
