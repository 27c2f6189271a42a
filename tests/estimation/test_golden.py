"""Against R's survey on a synthetic two-stage sample; values by tests/oracles/estimation_taylor.R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Estimates, Survey, SurveyDesign

RTOL = 1e-9  # closed forms; R prints 15 digits
GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "estimation_taylor.json").read_text(encoding="utf-8"))
SAMPLE = pd.read_csv(GOLDEN / "estimation_sample.csv")

WR = SurveyDesign(weight="w", strata="stratum", psu="psu", nest=True)
ONE = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="n_psu_pop", nest=True)
TWO = SurveyDesign(
    weight="w", strata="stratum", psu="psu", ssu="hh", fpc=("n_psu_pop", "n_hh_pop"), nest=True
)
TWO_FRACTIONS = SurveyDesign(
    weight="w", strata="stratum", psu=("psu", "hh"), fpc=("f_psu", "f_hh"), nest=True
)
IMPLIED = SurveyDesign(strata="stratum", psu=("psu", "hh"), fpc=("n_psu_pop", "n_hh_pop"), nest=True)
ELEMENT = SurveyDesign(weight="w", strata="stratum")


def alone(option: Any, **more: Any) -> Survey:
    return Survey(
        SAMPLE, SurveyDesign(weight="w", strata="lonely", psu="psu", nest=True, lonely_psu=option, **more)
    )


def check(est: Estimates, name: str, rtol: float = RTOL) -> None:
    expected = EXPECTED[name]
    np.testing.assert_allclose(est.estimate, np.atleast_1d(expected["estimate"]), rtol=rtol)
    vcov = np.atleast_2d(expected["vcov"])
    np.testing.assert_allclose(est.vcov, vcov, rtol=rtol, atol=rtol * np.abs(vcov).max())
    if "deff" in expected:
        np.testing.assert_allclose(est.deff, np.atleast_1d(expected["deff"]), rtol=rtol)


def test_mean_with_and_without_replacement() -> None:
    check(Survey(SAMPLE, WR).mean("y"), "mean_wr")
    check(Survey(SAMPLE, ONE).mean("y", deff="wor"), "mean_wor")


def test_two_stages_with_counts_and_fractions() -> None:
    check(Survey(SAMPLE, TWO).mean("y"), "mean_two_stage")
    # the fractions stand in the file with ten decimals
    check(Survey(SAMPLE, TWO_FRACTIONS).mean("y"), "mean_two_stage_fractions")


def test_two_stage_total_by_domains_with_covariance() -> None:
    est = Survey(SAMPLE, TWO).total("x", by=["region", "sex"])
    order = [est.domains.index(tuple(name.split("."))) for name in EXPECTED["total_two_stage_by"]["names"]]
    expected = EXPECTED["total_two_stage_by"]
    np.testing.assert_allclose(est.estimate[order], expected["estimate"], rtol=RTOL)
    np.testing.assert_allclose(est.vcov[np.ix_(order, order)], expected["vcov"], rtol=1e-8, atol=1e-6)


def test_weights_follow_from_the_fpc() -> None:
    implied, given = Survey(SAMPLE, IMPLIED).total("x"), Survey(SAMPLE, TWO).total("x")
    # the weight column is rounded to six decimals
    np.testing.assert_allclose(implied.estimate, given.estimate, rtol=1e-6)
    np.testing.assert_allclose(implied.se, given.se, rtol=1e-6)


def test_means_ratios_and_levels() -> None:
    check(Survey(SAMPLE, ONE).mean("x", by="sex"), "mean_by")
    check(Survey(SAMPLE, ONE).ratio("y", "x", by="region"), "ratio_by")
    check(Survey(SAMPLE, ONE).mean(["y", "x"]), "two_means")
    check(Survey(SAMPLE, ONE).proportion("kind"), "levels")
    check(Survey(SAMPLE, TWO).total("kind"), "levels_total")


def test_subpopulation_keeps_the_design() -> None:
    where = (nw.col("age") < 15) & (nw.col("sex") == "F")
    check(Survey(SAMPLE, TWO).total("x", where=where), "domain")


def test_element_sampling() -> None:
    check(Survey(SAMPLE, ELEMENT).total("x"), "element")
    assert Survey(SAMPLE, ELEMENT).total("x").df_design == EXPECTED["df"]["element"]


# The logit interval of R comes from an iterated GLM.
@pytest.mark.parametrize(("ci", "rtol"), [("logit", 1e-6), ("beta", RTOL), ("asin", RTOL), ("wald", RTOL)])
def test_intervals_of_a_proportion(ci: str, rtol: float) -> None:
    est = Survey(SAMPLE, ONE).proportion("met", ci=ci)
    expected = EXPECTED[ci]
    np.testing.assert_allclose(est.estimate[0], expected["estimate"], rtol=rtol)
    np.testing.assert_allclose(est.se[0], expected["se"], rtol=RTOL)
    np.testing.assert_allclose([est.ci_low[0], est.ci_high[0]], expected["ci"], rtol=rtol)


def test_lonely_psu_options() -> None:
    check(alone("remove").total("x"), "remove_total")
    check(alone("certainty").total("x"), "certainty_total")
    check(alone("average").total("x"), "average_total")
    check(alone("adjust").mean("x"), "adjust_mean")
    assert alone("adjust").mean("x").df_design == EXPECTED["df"]["alone"]


def test_psu_lonely_in_the_domain() -> None:
    where = (nw.col("age") > 55) & (nw.col("region") == "south")
    check(alone("adjust", adjust_domain_lonely=True).mean("x", where=where), "domain_adjust")
    # "average" counts all strata of the design, R only those met in the subset: no equality is asked
    est = alone("average", adjust_domain_lonely=True).mean("x", where=where)
    assert est.estimate[0] == pytest.approx(EXPECTED["domain_average"]["estimate"], rel=RTOL)
    assert est.se[0] > alone("remove").mean("x", where=where).se[0]
