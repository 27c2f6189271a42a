"""Weighting, quantiles and moments against R's survey; values by tests/oracles/estimation_weighting.R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Estimates, Survey, SurveyDesign

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "estimation_weighting.json").read_text(encoding="utf-8"))
SAMPLE = pd.read_csv(GOLDEN / "estimation_sample.csv")
N = float(SAMPLE["w"].sum())
SEX, KIND = {"F": 0.55 * N, "M": 0.45 * N}, {"a": 0.3 * N, "b": 0.4 * N, "c": 0.3 * N}
TOTALS = {"(Intercept)": N, "sex": {"M": 0.45 * N}, "x": 5.2 * N}
ONE = Survey(SAMPLE, SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="n_psu_pop", nest=True))

SURVEYS = {
    "poststratified": lambda: ONE.poststratify({"sex": SEX}),
    "raked": lambda: ONE.rake({"sex": SEX, "kind": KIND}, residuals="unweighted"),
    "linear": lambda: ONE.calibrate(TOTALS),
    "raking": lambda: ONE.calibrate(TOTALS, method="raking"),
    "logit": lambda: ONE.calibrate(TOTALS, method="logit", bounds=(0.3, 3)),
    "chained": lambda: ONE.poststratify({"sex": SEX}).calibrate({"(Intercept)": N, "x": 5.2 * N}),
    "trimmed": lambda: ONE.poststratify({"sex": SEX}).trim(lower=10, upper=45),
}


def same(est: Estimates, expected: dict[str, Any], rtol: float) -> None:
    np.testing.assert_allclose(est.estimate, np.atleast_1d(expected["estimate"]), rtol=rtol)
    if "se" in expected:
        np.testing.assert_allclose(est.se, np.atleast_1d(expected["se"]), rtol=rtol, atol=1e-6)
    else:
        np.testing.assert_allclose(est.vcov, np.atleast_2d(expected["vcov"]), rtol=10 * rtol, atol=1e-9)


@pytest.mark.parametrize("name", SURVEYS)
def test_weights_and_variances(name: str) -> None:
    survey, expected = SURVEYS[name](), EXPECTED[name]
    rtol = 1e-6 if name in ("raked", "raking", "logit") else 1e-9  # iterated in R
    np.testing.assert_allclose(survey.weights(), expected["weights"], rtol=rtol)
    total = survey.total("x")
    np.testing.assert_allclose(total.estimate, expected["total"]["estimate"], rtol=rtol)
    if name == "chained":  # R takes the steps in the wrong order for the variance
        assert np.sqrt(expected["total"]["vcov"]) == pytest.approx(46.174, rel=1e-4)
        assert total.se[0] < 1e-9 * total.estimate[0]
        return
    same(survey.mean("y"), expected["mean"], rtol)
    same(survey.total("x", by="region"), expected["by"], rtol)
    same(survey.ratio("x", "age"), expected["ratio"], rtol)
    if name in ("linear", "raking", "logit"):  # the total of x is known: no variance is left
        assert total.se[0] < 1e-9 * total.estimate[0]
    else:
        np.testing.assert_allclose(total.vcov[0, 0], expected["total"]["vcov"], rtol=10 * rtol)


@pytest.mark.parametrize("interval", EXPECTED["quantiles"])
def test_quantile_intervals(interval: Any) -> None:
    check(ONE.quantile("x", [0.1, 0.5, 0.9], ci=interval), EXPECTED["quantiles"][interval])


@pytest.mark.parametrize("rule", EXPECTED["rules"])
def test_quantile_rules(rule: str) -> None:
    check(ONE.quantile("x", [0.1, 0.5, 0.9], rule=rule), EXPECTED["rules"][rule])


def test_quantiles_of_a_calibrated_survey() -> None:
    check(ONE.calibrate(TOTALS).quantile("x", [0.1, 0.5, 0.9]), EXPECTED["quantiles_calibrated"])


def check(est: Estimates, expected: dict[str, Any]) -> None:
    np.testing.assert_allclose(est.estimate, expected["estimate"], rtol=1e-9)
    for ours, theirs in (("ci_low", "low"), ("ci_high", "high"), ("se", "se")):
        wanted = np.array([np.nan if v == "NaN" else v for v in expected[theirs]], dtype=float)
        np.testing.assert_allclose(getattr(est, ours), wanted, rtol=1e-9)


def test_moments() -> None:
    same(ONE.variance("x"), EXPECTED["var"], 1e-9)
    same(ONE.covariance("x", "y"), EXPECTED["covariance"], 1e-9)
