"""Replicates, unequal probabilities and two phases against R's survey.

Values by tests/oracles/estimation_replicates.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import (
    Estimates,
    PpsDesign,
    ReplicateDesign,
    Survey,
    SurveyDesign,
    TwoPhaseDesign,
)

RTOL = 1e-9  # closed forms; R prints 15 digits
GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "estimation_replicates.json").read_text(encoding="utf-8"))
SAMPLE = pd.read_csv(GOLDEN / "estimation_sample.csv").assign(unit=lambda d: d["stratum"] * 100 + d["psu"])
GIVEN = pd.read_csv(GOLDEN / "estimation_replicate_weights.csv")
PPS = pd.read_csv(GOLDEN / "estimation_pps_sample.csv")
JOINT = np.loadtxt(GOLDEN / "estimation_pps_joint.csv", delimiter=",")

PLAIN = SurveyDesign(weight="w", strata="stratum", psu="unit")
FPC = SurveyDesign(weight="w", strata="stratum", psu="unit", fpc="n_psu_pop")


def check(est: Estimates, expected: dict[str, Any], rtol: float = RTOL) -> None:
    np.testing.assert_allclose(est.estimate, np.atleast_1d(expected["estimate"]), rtol=rtol)
    vcov = np.atleast_2d(expected["vcov"])
    if len(vcov) == 1 and len(est) > 1:
        vcov = np.diag(vcov[0])
    np.testing.assert_allclose(est.vcov, vcov, rtol=rtol, atol=rtol * np.abs(vcov).max())


def made(design: SurveyDesign, kind: Any, **options: Any) -> Survey:
    return Survey(SAMPLE, design).replicate(kind, **options)


def given(data: pd.DataFrame = GIVEN, **options: Any) -> Survey:
    told: dict[str, Any] = {"weight": "w", "replicates": "rw", "kind": "bootstrap", "n": 24} | options
    return Survey(data, ReplicateDesign(**told))


def test_stratified_jackknife() -> None:
    survey, expected = made(PLAIN, "JKn"), EXPECTED["jkn"]
    check(survey.mean("y"), expected["mean"])
    check(survey.ratio("y", "x"), expected["ratio"])
    total = survey.total("x", by="sex")
    check(total, expected["total"])
    assert total.df_design == expected["df"]
    assert total.df[0] == expected["df_f"]


def test_jackknife_with_a_finite_population_and_about_the_mean() -> None:
    check(made(FPC, "JKn").mean(["y", "x"]), EXPECTED["jkn_fpc"])
    check(made(FPC, "JKn", mse=False).total("x"), EXPECTED["jkn_mean"])


def test_unstratified_jackknife() -> None:
    est = made(SurveyDesign(weight="w", psu="unit"), "JK1").mean("y")
    check(est, EXPECTED["jk1"]["mean"])
    assert est.df_design == EXPECTED["jk1"]["df"]


@pytest.mark.parametrize("option", ["adjust", "certainty"])
def test_jackknife_with_a_lonely_psu(option: Any) -> None:
    design = SurveyDesign(weight="w", strata="lonely", psu="unit", lonely_psu=option)
    check(made(design, "JKn").mean("x"), EXPECTED[f"jkn_{option}"])


def test_given_bootstrap_about_the_estimate() -> None:
    expected = EXPECTED["about"]
    mean = given().mean("y", by="sex")
    check(mean, expected["mean"])
    assert (mean.df_design, mean.df[0]) == (expected["df"], expected["df_f"])
    check(given().total("x"), expected["total"])
    check(given().proportion("region"), expected["levels"])


def test_logit_interval_takes_the_spread_of_the_logits() -> None:
    est = given().proportion("met", ci="logit")
    np.testing.assert_allclose([est.ci_low[0], est.ci_high[0]], EXPECTED["about"]["logit"], rtol=1e-6)
    assert est.df[0] == EXPECTED["about"]["df_known"]


def test_given_about_the_mean_and_with_scales_of_its_own() -> None:
    check(given(mse=False).mean("y"), EXPECTED["centred"])
    scales = [r / 100 for r in range(1, 25)]
    check(given(kind="other", scale=0.5, rscales=scales, mse=False).total("x"), EXPECTED["other"])


def test_factors_instead_of_weights() -> None:
    columns = [f"rw{r}" for r in range(1, 25)]
    factors = GIVEN.assign(**{name: GIVEN[name] / GIVEN["w"] for name in columns})
    check(given(factors, combined=False).ratio("y", "x"), EXPECTED["loose"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("brewer", {"method": "brewer"}),
        ("overton", {"method": "overton"}),
        ("overton_yg", {"method": "overton", "variance": "YG"}),
        ("hr1", {"method": "hr1"}),
        ("hr", {"method": "hr", "variance": "YG", "sum_of_squares": 0.3, "strata": None}),
        ("joint", {"method": "joint", "joint": JOINT, "strata": None}),
        ("joint_yg", {"method": "joint", "variance": "YG", "joint": JOINT, "strata": None}),
    ],
)
def test_unequal_probabilities(name: str, options: dict[str, Any]) -> None:
    survey = Survey(PPS, PpsDesign(**({"probability": "p", "strata": "h"} | options)))
    check(survey.total(["y", "x"]), EXPECTED[name]["total"])
    check(survey.ratio("y", "x"), EXPECTED[name]["ratio"])
    check(survey.total("y", where={"g": "u"}), EXPECTED[name]["domain"])


def test_two_phases() -> None:
    frame = pd.read_csv(GOLDEN / "estimation_two_phase_sample.csv").assign(w=4.0)
    first = SurveyDesign(weight="w", fpc="P")
    survey = Survey(frame, TwoPhaseDesign(first=first, second="second", strata="class"))
    expected = EXPECTED["two_phase"]
    total = survey.total(["y", "x"])
    check(total, expected["total"])
    check(survey.mean("y"), expected["mean"])
    check(survey.ratio("y", "x"), expected["ratio"])
    check(survey.mean("y", where={"sex": "F"}), expected["f"])
    assert total.df_design == expected["df"]
    assert total.n_undetermined.tolist() == [0, 0]
