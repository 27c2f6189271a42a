"""Weights after selection: invariances, simulation of the variances, and what bad input says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import DesignError, EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign, kish_design_effect

DESIGN = SurveyDesign(weight="w", strata="stratum", psu="psu")
SEX = {"F": 40_000.0, "M": 35_000.0}
REGION = {"north": 30_000.0, "south": 45_000.0}


@pytest.fixture
def survey(sample: pd.DataFrame) -> Survey:
    return Survey(sample, DESIGN)


def test_margins_are_met(survey: Survey) -> None:
    raked = survey.rake({"sex": SEX, "region": REGION})
    np.testing.assert_allclose(raked.count(by="sex").estimate, list(SEX.values()), rtol=1e-9)
    count = raked.count(by="region")
    np.testing.assert_allclose(count.estimate, list(REGION.values()), rtol=1e-9)
    assert (count.se < 1e-6).all(), "a population that is known has no standard error"
    assert "raked to sex, region" in count.method


def test_crossed_classes_numbers_and_expressions(survey: Survey) -> None:
    counts = survey.count(by=["sex", "region"])
    totals = dict(zip(counts.domains, (counts.estimate * 1.1).tolist(), strict=True))
    crossed = survey.poststratify({("sex", "region"): totals})
    np.testing.assert_allclose(
        crossed.count(by=["sex", "region"]).estimate, counts.estimate * 1.1, rtol=1e-12
    )
    young = nw.when(nw.col("age_band") == 5).then(1.0).otherwise(0.0)
    both = survey.calibrate({"(Intercept)": 75_000, "young": (young, 20_000), "members": 330_000.0})
    assert both.total("members").estimate[0] == pytest.approx(330_000, rel=1e-12)
    assert both.count(where={"age_band": 5}).estimate[0] == pytest.approx(20_000, rel=1e-9)


def test_bounds_are_kept(survey: Survey, sample: pd.DataFrame) -> None:
    for method in ("linear", "raking", "logit"):
        kept = survey.calibrate({"sex": SEX, "members": 340_000.0}, method=method, bounds=(0.8, 1.35))
        factor = kept.weights() / sample["w"].to_numpy()
        assert factor.min() >= 0.8 - 1e-12
        assert factor.max() <= 1.35 + 1e-12
        assert kept.total("members").estimate[0] == pytest.approx(340_000, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.01, 1000), seed=st.integers(0, 1000))
def test_scale_and_order_do_not_matter(scale: float, seed: int) -> None:
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {"ea": np.repeat(np.arange(12), 5), "w": rng.gamma(3, 20, 60), "g": rng.choice(["a", "b"], 60),
         "y": rng.normal(10, 3, 60)}
    )  # fmt: skip
    totals = {"(Intercept)": 4000.0, "g": {"a": 1800.0}, "y": 41_000.0}

    def mean(frame: pd.DataFrame) -> Any:
        return (
            Survey(frame, SurveyDesign(weight="w", psu="ea"))
            .calibrate(totals, method="raking")
            .mean("y", by="g")
        )

    plain = mean(data)
    other = mean(data.assign(w=data["w"] * scale).sample(frac=1, random_state=seed))
    np.testing.assert_allclose(other.estimate, plain.estimate, rtol=1e-8)
    np.testing.assert_allclose(other.se, plain.se, rtol=1e-6)


def test_engines_agree(sample: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "sample.parquet"
    sample.to_parquet(path, index=False)
    results = []
    for data in (sample, pl.from_pandas(sample), pl.from_pandas(sample).lazy(), path):
        raked = Survey(data, DESIGN).rake({"sex": SEX, "region": REGION}).trim(upper=400)
        results.append((raked.proportion("works", by="sex"), raked.quantile("hours", [0.5], by="region")))
    for share, median in results[1:]:
        np.testing.assert_allclose(share.se, results[0][0].se, rtol=1e-9)
        np.testing.assert_allclose(median.ci_high, results[0][1].ci_high, rtol=1e-9)


def test_the_known_answer_of_one_class(sample: pd.DataFrame) -> None:
    """Post-stratified to one class, a total is N times the mean: the same estimate and standard error."""
    survey = Survey(sample.assign(all="x"), DESIGN)
    total = survey.poststratify({"all": {"x": 1000.0}}).total("members")
    mean = survey.mean("members")
    assert total.estimate[0] == pytest.approx(1000 * mean.estimate[0], rel=1e-12)
    assert total.se[0] == pytest.approx(1000 * mean.se[0], rel=1e-10)


def test_residuals_of_raking_in_r_are_unweighted(survey: Survey) -> None:
    margins = {"sex": SEX, "region": REGION}
    weighted, unweighted = (
        survey.rake(margins, residuals=r).total("members") for r in ("weighted", "unweighted")
    )
    assert weighted.estimate[0] == unweighted.estimate[0]
    assert 1e-4 < abs(weighted.se[0] / unweighted.se[0] - 1) < 0.1
    linear = survey.calibrate(margins).total("members")  # the same residuals, other weights
    assert weighted.se[0] == pytest.approx(linear.se[0], rel=0.02)


def test_trimming_keeps_the_sum(survey: Survey) -> None:
    before = survey.weights()
    for how in ("equally", "proportionally"):
        after = survey.trim(lower=20, upper=250, redistribute=how).weights()
        assert after.sum() == pytest.approx(before.sum(), rel=1e-9)
        assert after.min() >= 20
        assert after.max() <= 250 * (1 + 1e-12)
    cut = survey.trim(upper=250, redistribute=None).weights()
    np.testing.assert_array_equal(cut, np.minimum(before, 250))
    assert kish_design_effect(cut) < kish_design_effect(before)


def nonresponding(sample: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    return sample.assign(answered=rng.random(len(sample)) < np.where(sample["sex"] == "F", 0.8, 0.5))


def test_classes_and_a_saturated_propensity_are_one(sample: pd.DataFrame) -> None:
    survey = Survey(nonresponding(sample), DESIGN)
    classes = survey.adjust_nonresponse("answered", classes="sex")
    propensity = survey.adjust_nonresponse("answered", propensity=["sex"])
    np.testing.assert_allclose(classes.weights(), propensity.weights(), rtol=1e-9)
    np.testing.assert_allclose(classes.count(by="sex").estimate, survey.count(by="sex").estimate, rtol=1e-9)
    for statistic in ("total", "mean"):
        one, two = (getattr(s, statistic)("members") for s in (classes, propensity))
        assert one.se[0] == pytest.approx(two.se[0], rel=1e-8)
    whole = survey.count(by="sex")
    np.testing.assert_allclose(classes.count(by="sex").se, whole.se, rtol=1e-8)


def test_nonresponse_variance_by_the_jackknife(sample: pd.DataFrame) -> None:
    """Delete one PSU, adjust again: close to the linearised standard error."""
    data = nonresponding(sample)
    est = Survey(data, DESIGN).adjust_nonresponse("answered", classes="sex").mean("members")
    variance = 0.0
    for _, rows in data.groupby("stratum"):
        psus = rows["psu"].unique()
        n = len(psus)
        values = []
        for psu in psus:
            w = np.where(
                data["psu"] == psu,
                0.0,
                data["w"] * np.where(data["stratum"] == rows["stratum"].iloc[0], n / (n - 1), 1),
            )
            left = Survey(data.assign(w=w), DESIGN).adjust_nonresponse("answered", classes="sex").weights()
            values.append(np.average(data["members"], weights=left))
        variance += (n - 1) / n * ((np.array(values) - est.estimate[0]) ** 2).sum()
    assert est.se[0] == pytest.approx(np.sqrt(variance), rel=0.03)


def test_replicates_take_the_step_too(survey: Survey) -> None:
    margins = {"sex": SEX, "region": REGION}
    after = survey.replicate("JKn").rake(margins)
    linear = survey.rake(margins)
    assert after.count(by="sex").se.max() < 1e-5
    assert after.mean("members").se[0] == pytest.approx(linear.mean("members").se[0], rel=0.05)
    poststratified = survey.replicate("JKn").poststratify({"sex": SEX}).total("members")
    assert poststratified.se[0] == pytest.approx(
        survey.poststratify({"sex": SEX}).total("members").se[0], rel=0.05
    )


BAD = [
    (lambda s: s.rake({"sex": SEX, "region": {"north": 1.0, "south": 2.0}}), "not describe one population"),
    (lambda s: s.poststratify({"sex": {"F": 10}}), "no total.*M"),
    (lambda s: s.poststratify({"sex": SEX | {"X": 5}}), "nobody in the sample.*sex=X"),
    (lambda s: s.poststratify({"fl": {True: 5, False: 5}}), "without a value"),
    (lambda s: s.poststratify({"sex": {"F": -1, "M": 2}}), "negative"),
    (lambda s: s.poststratify({"sex": {"F": "many", "M": 2}}), "finite number.*many"),
    (lambda s: s.poststratify({"sxe": SEX}), "sxe.*did you mean 'sex'"),
    (lambda s: s.calibrate({"sex": SEX, "region": REGION}, bounds=(0.99, 1.01)), "met together.*wanted"),
    (lambda s: s.calibrate({"(Intercept)": 75_000, "members": 9e6}), "negative"),
    (lambda s: s.calibrate({"sex": SEX}, method="logit"), "two bounds"),
    (lambda s: s.calibrate({"sex": SEX}, method="rakng"), "raking"),
    (lambda s: s.calibrate({"sex": SEX}, bounds=(1.2, 2)), "either side of 1"),
    (lambda s: s.calibrate({}), "no totals"),
    (lambda s: s.trim(upper=10), "cannot hold the sum"),
    (lambda s: s.trim(lower=20, upper=10), "not in order"),
    (lambda s: s.adjust_nonresponse("works", classes="sex"), "Boolean or 0-1 in every row"),
    (lambda s: s.adjust_nonresponse("sex"), "classes or by propensity"),
    (lambda s: s.quantile("hours", 1.5), "between 0 and 1"),
    (lambda s: s.quantile("hours", 0.5, rule="hf10"), "hf1"),
    (lambda s: s.quantile("hours", 0.5, ci="quantile"), "needs replicate"),
    (lambda s: s.quantile("sex", 0.5), "not numeric"),
    (lambda s: s.mean("hours", missing="refuse"), "values are missing"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "told"), BAD, ids=[told for _, told in BAD])
def test_bad_input_says_what_and_where(survey: Survey, ask: Any, told: str) -> None:
    with pytest.raises(EstimationError) as error:
        ask(survey)

    assert re.search(told, str(error.value).replace("\n", " ")), str(error.value)


def test_weights_that_cannot_be_adjusted(sample: pd.DataFrame) -> None:
    implied = Survey(sample.assign(f=0.1), SurveyDesign(psu="psu", strata="stratum", fpc="f"))
    with pytest.raises(DesignError, match="follow from the FPC"):
        implied.poststratify({"sex": SEX})
    with pytest.raises(DesignError, match="negative"):
        Survey(sample.assign(w=-1.0), DESIGN).poststratify({"sex": SEX})
    empty = sample.assign(answered=sample["sex"] == "F")
    with pytest.raises(EstimationError, match="no respondent"):
        Survey(empty, DESIGN).adjust_nonresponse("answered", classes="sex")
    with pytest.raises(EstimationError, match="no finite solution"):
        Survey(empty, DESIGN).adjust_nonresponse("answered", propensity="sex")


def test_partial_leaves_a_class_out(survey: Survey) -> None:
    partial = survey.poststratify({"sex": SEX | {"X": 5.0}}, partial=True)
    assert partial.count().estimate[0] == pytest.approx(sum(SEX.values()))
