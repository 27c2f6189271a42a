"""Models, tests and change against R's survey; values by tests/oracles/estimation_models.R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Survey, SurveyDesign, change, combine
from survey_toolkit.estimation.chi_square_sums import weighted_sum_sf

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "estimation_models.json").read_text(encoding="utf-8"))
SAMPLE = pd.read_csv(GOLDEN / "estimation_sample.csv")
SAMPLE["many"] = np.floor(SAMPLE["x"])
LATER = pd.read_csv(GOLDEN / "estimation_round_2.csv")

ONE = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="n_psu_pop", nest=True)
TWO = SurveyDesign(
    weight="w", strata="stratum", psu="psu", ssu="hh", fpc=("n_psu_pop", "n_hh_pop"), nest=True
)
SURVEY = Survey(SAMPLE, TWO)

MODELS = {
    "gaussian": ("y ~ age + sex", "gaussian", None),
    "binomial": ("met ~ age + sex", "binomial", None),
    "probit": ("met ~ age + sex", "quasibinomial", "probit"),
    "cloglog": ("met ~ age + sex", "quasibinomial", "cloglog"),
    "poisson": ("many ~ age * sex", "quasipoisson", None),
    "gamma": ("x ~ age + kind", "Gamma", None),
    "gamma_log": ("x ~ age + kind", "Gamma", "log"),
}


def r_name(name: str) -> str:
    parts = [part.replace("[T.", "").replace("]", "") for part in name.split(":")]
    return ":".join(sorted(parts)) if name != "Intercept" else "(Intercept)"


@pytest.mark.parametrize("name", MODELS)
def test_models_under_a_two_stage_fpc(name: str) -> None:
    formula, family, link = MODELS[name]
    expected = EXPECTED[name]
    model = SURVEY.glm(formula, family, link)
    ours = [r_name(n) for n in model.names]
    order = [ours.index(":".join(sorted(n.split(":")))) for n in expected["names"]]
    rtol = 1e-6 if name == "gamma_log" else 1e-9  # R stops there: its criterion is the deviance
    np.testing.assert_allclose(model.estimate[order], expected["estimate"], rtol=rtol)
    vcov = np.array(expected["vcov"])
    np.testing.assert_allclose(model.vcov[np.ix_(order, order)], vcov, rtol=10 * rtol, atol=rtol * vcov.max())
    assert model.df == expected["df"]


def test_the_second_stage_counts_in_a_glm() -> None:
    """svy 0.35 leaves the later stages out of the variance of a model: here they are 8 % of it."""
    both, first = SURVEY.glm("y ~ age + sex"), Survey(SAMPLE, ONE).glm("y ~ age + sex")
    assert both.se[0] == pytest.approx(3.2112909736116095)
    assert first.se[0] == pytest.approx(2.9764497153477865)


def test_tests_of_terms() -> None:
    expected = EXPECTED["term_test"]
    model = SURVEY.glm("met ~ age + sex + kind", "binomial")
    wald, working, ratio = (model.wald_test("kind", method=m) for m in ("wald", "working", "rao_scott"))
    assert wald.statistic == pytest.approx(expected["wald"], rel=1e-9)
    assert wald.p_value == pytest.approx(expected["wald_p"], rel=1e-8)
    for test, key in ((working, "working"), (ratio, "lrt")):
        assert test.p_value == pytest.approx(expected[f"{key}_p"], rel=1e-6)
        exact = weighted_sum_sf(test.statistic, np.array(expected["lambda"]), model.df)
        assert exact == pytest.approx(test.p_value, rel=0.03)  # what the saddlepoint approximation costs
    scale = expected["working"] / working.statistic  # R scales weights over rows with missing values too
    assert expected["lrt"] / ratio.statistic == pytest.approx(scale, rel=1e-9)


def test_predicted_margins() -> None:
    margins = SURVEY.glm("met ~ age + sex + kind", "binomial").margins("kind")
    assert margins.values == ("a", "b", "c")
    expected = EXPECTED["margins"]
    order = [margins.values.index(name) for name in expected["names"]]
    np.testing.assert_allclose(margins.estimate[order], expected["estimate"], rtol=1e-7)
    # R adds the variances of coefficients and covariates as if they were independent
    np.testing.assert_allclose(margins.se[order], expected["se"], rtol=0.01)
    jackknife = SURVEY.replicate("JKn").glm("met ~ age + sex + kind", "binomial").margins("kind")
    one_stage = Survey(SAMPLE, ONE).glm("met ~ age + sex + kind", "binomial").margins("kind")
    np.testing.assert_allclose(jackknife.estimate, margins.estimate, rtol=1e-9)
    np.testing.assert_allclose(jackknife.se, one_stage.se, rtol=0.35)  # the jackknife ignores the FPC


@pytest.mark.parametrize("name", ["F", "Chisq", "Wald", "adjWald"])
def test_tests_of_independence(name: str) -> None:
    expected = EXPECTED["chisq"][name]
    test = SURVEY.crosstab("kind", "sex", test=name).test
    assert test.statistic == pytest.approx(expected["statistic"], rel=1e-9)
    assert test.p_value == pytest.approx(expected["p"], rel=1e-8)
    parameters = np.atleast_1d(expected["parameter"])
    np.testing.assert_allclose([test.df, test.df_denominator][: len(parameters)], parameters, rtol=1e-9)


def test_the_second_stage_counts_in_a_table() -> None:
    first = Survey(SAMPLE, ONE).crosstab("kind", "sex").test
    assert first.statistic == pytest.approx(EXPECTED["chisq_one_stage"]["statistic"], rel=1e-9)
    assert first.statistic > 1.15 * SURVEY.crosstab("kind", "sex").test.statistic


def test_comparisons_of_groups() -> None:
    for test, key in (
        (SURVEY.ttest("y", "sex"), "ttest"),
        (SURVEY.ranktest("y", "sex"), "wilcoxon"),
        (SURVEY.ranktest("y", "sex", test="vanderWaerden"), "waerden"),
        (SURVEY.ranktest("y", "sex", test="median"), "median"),
    ):
        expected = EXPECTED[key]
        assert test.statistic == pytest.approx(expected["statistic"], rel=1e-8), key
        assert test.estimate == pytest.approx(expected["estimate"], rel=1e-8), key
        assert (test.df, test.p_value) == (expected["df"], pytest.approx(expected["p"], rel=1e-8)), key
    kruskal = SURVEY.ranktest("y", "kind", test="KruskalWallis")
    assert kruskal.statistic * kruskal.df == pytest.approx(EXPECTED["kruskal"]["df"], rel=1e-8)
    assert kruskal.p_value == pytest.approx(EXPECTED["kruskal"]["p"], rel=1e-8)


@pytest.mark.parametrize("statistic", ["mean", "total"])
def test_change_on_the_same_units_is_the_contrast_of_the_stacked_rounds(statistic: Any) -> None:
    expected = EXPECTED[f"change_{statistic}"]
    got = change(Survey(SAMPLE, ONE), Survey(LATER, ONE), statistic, "y", overlap="psu")
    assert got.estimate[0] == pytest.approx(expected["estimate"], rel=1e-9)
    assert got.se[0] == pytest.approx(expected["se"], rel=1e-9)
    assert "19 PSUs are in both rounds, of 19 and 19" in got.notes
    apart = change(Survey(SAMPLE, ONE), Survey(LATER, ONE), statistic, "y")
    assert apart.se[0] > 3 * got.se[0]


def test_log_odds_ratio_equals_the_logit_model() -> None:
    """The delta method on two prevalences is the coefficient of the saturated model."""
    p = SURVEY.proportion("met", by="sex")
    odds = combine(p, lambda v: np.log(v["M"] / (1 - v["M"])) - np.log(v["F"] / (1 - v["F"])))
    model = SURVEY.glm("met ~ sex", "binomial")
    assert odds.estimate[0] == pytest.approx(model.estimate[1], rel=1e-9)
    assert odds.se[0] == pytest.approx(model.se[1], rel=1e-9)
