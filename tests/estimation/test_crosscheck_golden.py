"""Designs and statistics beside those of the other golden files, by tests/oracles/estimation_crosscheck.R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Estimates, Survey, SurveyDesign

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "estimation_crosscheck.json").read_text(encoding="utf-8"))
SAMPLE = pd.read_csv(GOLDEN / "estimation_sample.csv")
SAMPLE["many"] = np.floor(SAMPLE["x"])
SAMPLE["id"] = 100 * SAMPLE["stratum"] + SAMPLE["psu"]
SAMPLE["n_pop"] = SAMPLE.groupby("stratum")["w"].transform("sum") * 1.05
INSIDE = (nw.col("region") == "south") & (nw.col("age") < 40)

DESIGNS = {
    "nested": SurveyDesign(weight="w", strata="stratum", psu="psu", nest=True),
    "fpc": SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="n_psu_pop", nest=True),
    "nostrata": SurveyDesign(weight="w", psu="id"),
    "element": SurveyDesign(weight="w", strata="stratum", fpc="n_pop"),
}
MODELS = {
    "gaussian": ("y ~ age + sex", "gaussian", None),
    "poisson": ("many ~ age + sex", "quasipoisson", None),
    "gamma": ("x ~ age * sex", "Gamma", "log"),
}


def check(est: Estimates, expected: dict[str, list[float]]) -> None:
    np.testing.assert_allclose(est.estimate, expected["estimate"], rtol=1e-9)
    np.testing.assert_allclose(est.se, expected["se"], rtol=1e-8)


def r_name(name: str) -> str:
    return name.replace("[T.", "").replace("]", "").replace("Intercept", "(Intercept)")


@pytest.mark.parametrize("design", DESIGNS)
def test_mean_and_a_domain_that_leaves_strata_empty(design: str) -> None:
    survey, expected = Survey(SAMPLE, DESIGNS[design]), EXPECTED["designs"][design]
    check(survey.mean("y"), expected["mean"])
    check(survey.total("x", where=INSIDE), expected["domain"])


@pytest.mark.parametrize("design", DESIGNS)
def test_score_limits_are_the_values_at_which_the_test_turns(design: str) -> None:
    est = Survey(SAMPLE, DESIGNS[design]).quantile("x", [0.25, 0.5, 0.75], ci="score", df="design")
    limits = np.column_stack([est.ci_low, est.ci_high])
    np.testing.assert_array_equal(limits, EXPECTED["designs"][design]["score"])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("design", DESIGNS)
def test_models_by_name_of_coefficient(design: str, model: str) -> None:
    formula, family, link = MODELS[model]
    fit = Survey(SAMPLE, DESIGNS[design]).glm(formula, family, link)
    expected = EXPECTED["designs"][design][model]
    rows = zip(fit.names, fit.estimate, fit.se, strict=True)
    ours = {r_name(name): (estimate, se) for name, estimate, se in rows}
    assert set(ours) == set(expected["names"])
    for name, estimate, se in zip(expected["names"], expected["estimate"], expected["se"], strict=True):
        assert ours[name] == pytest.approx((estimate, se), rel=1e-7), name
    assert fit.df == expected["df"]


@pytest.mark.parametrize("design", DESIGNS)
def test_calibration(design: str) -> None:
    population = SAMPLE["w"].sum() * 1.1
    x = (SAMPLE["w"] * SAMPLE["x"]).sum() * 1.13
    totals = {"(Intercept)": population, "sex": {"M": 0.55 * population}, "x": x}
    survey = Survey(SAMPLE, DESIGNS[design]).calibrate(totals)
    expected = EXPECTED["designs"][design]["calibrated"]
    check(survey.total("many"), expected["total"])
    check(survey.mean("age"), expected["mean"])
    check(survey.total("x", where=INSIDE), expected["domain"])


@pytest.mark.parametrize("option", ["average", "certainty"])
def test_domain_beside_lonely_psus_keeps_the_whole_design(option: Any) -> None:
    design = SurveyDesign(weight="w", strata="lonely", psu="psu", nest=True, lonely_psu=option)
    survey = Survey(SAMPLE, design)
    check(survey.total("x", where=INSIDE), EXPECTED[option]["total"])
    check(survey.mean("x", where=INSIDE), EXPECTED[option]["mean"])


def test_kruskal_wallis_is_the_chi_square_of_r_over_its_df() -> None:
    # R prints groups less one as the statistic, and the quadratic form as its parameter
    test = Survey(SAMPLE, DESIGNS["fpc"]).ranktest("x", "kind", test="KruskalWallis", ties="row_order")
    expected = EXPECTED["kruskal"]
    assert test.df == expected["groups_less_one"]
    assert test.statistic * test.df == pytest.approx(expected["chi_square"], rel=1e-9)
    assert test.p_value == pytest.approx(expected["p"], rel=1e-8)


@pytest.mark.parametrize("ci", ["mean", "xlogit", "beta", "asin"])
def test_quantile_at_the_largest_value_has_no_interval(ci: Any) -> None:
    # a share of 1 has no variance; the limits [max, max] with SE 0 that R gives would claim certainty
    top = SAMPLE.assign(capped=SAMPLE["x"].clip(upper=float(SAMPLE["x"].quantile(0.6))))
    est = Survey(top, DESIGNS["nested"]).quantile("capped", 0.9, ci=ci)
    assert est.estimate[0] == top["capped"].max()
    assert np.isnan([est.se[0], est.ci_low[0], est.ci_high[0]]).all()
