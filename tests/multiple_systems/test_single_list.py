"""One register, sample coverage, regressions of counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "closed_population.json").read_text("utf-8"))
# Accident claims: Simar (1976) Annals of Statistics 4:1200-1209.
CLAIMS = {1: 1317, 2: 239, 3: 42, 4: 14, 5: 4, 6: 4, 7: 1}
# Hepatitis A in a college in northern Taiwan: Chao, Tsay, Lin, Shau & Chao (2001) Statistics in Medicine 20.
HEPATITIS = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}


@pytest.fixture(scope="module")
def hepatitis() -> ms.CaptureHistories:
    return ms.CaptureHistories.from_counts(HEPATITIS, ["P", "Q", "E"])


def test_without_covariates_the_regressions_are_the_closed_forms() -> None:
    data = ms.CaptureFrequencies.from_counts(CLAIMS)
    rows = {"times": list(CLAIMS), "people": list(CLAIMS.values())}
    for model in ("poisson", "geometric", "zelterman", "chao"):
        single = ms.single_list(data, model)  # type: ignore[arg-type]
        regression = ms.single_list_regression(rows, "times", model=model, count="people")  # type: ignore[arg-type]
        assert (regression.estimate, regression.se) == pytest.approx((single.estimate, single.se), rel=1e-8)


def test_truncated_regression_is_the_likelihood_of_r() -> None:
    seen = {"times": [1, 2, 1, 2, 3, 1], "sex": list("FFMMMF"), "count": [40, 12, 60, 9, 2, 5]}
    fit, expected = ms.single_list_regression(seen, "times", ["sex"], count="count"), GOLDEN["truncated"]
    assert fit.estimate == pytest.approx(expected["estimate"], rel=1e-6)
    assert fit.se == pytest.approx(expected["se"], rel=1e-4)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-9)
    assert [c.estimate for c in fit.coefficients] == pytest.approx(expected["coef"], abs=1e-5)
    rows = [{"times": t, "sex": s} for t, s, c in zip(*seen.values(), strict=True) for _ in range(c)]
    people = {k: [r[k] for r in rows] for k in ("times", "sex")}
    assert ms.single_list_regression(people, "times", ["sex"]).estimate == pytest.approx(fit.estimate)


def test_a_covariate_that_divides_completely_is_the_sum_of_the_parts() -> None:
    seen = {"times": [1, 2, 3, 1, 2, 3], "sex": list("FFFMMM"), "count": [40, 12, 4, 60, 9, 2]}
    whole = ms.single_list_regression(seen, "times", ["sex"], model="chao", count="count")
    parts = [
        ms.single_list(ms.CaptureFrequencies.from_counts(c)).estimate
        for c in ({1: 40, 2: 12, 3: 4}, {1: 60, 2: 9, 3: 2})
    ]
    assert whole.estimate == pytest.approx(sum(parts))


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 500), st.integers(2, 200), st.integers(0, 50))
def test_single_list_orders(f1: int, f2: int, f3: int) -> None:
    data = ms.CaptureFrequencies.from_counts({1: f1, 2: f2, 3: f3} if f3 else {1: f1, 2: f2})
    chao, corrected = ms.single_list(data), ms.single_list(data, "chao_corrected")
    assert data.n_observed < chao.ci_low <= chao.estimate <= chao.ci_high
    assert corrected.estimate < chao.estimate
    poisson = ms.single_list(data, "poisson")
    rate = poisson.diagnostics["lambda"]
    assert rate / (1 - np.exp(-rate)) == pytest.approx(data.n_sightings / data.n_observed, rel=1e-9)
    assert ms.single_list(data, "geometric").estimate > poisson.estimate


def test_sample_coverage_of_the_published_example(hepatitis: ms.CaptureHistories) -> None:
    """Chao & Tsay (1998): 407 independent, 508 one-step, 971 high coverage; 545 in truth."""
    fits = {form: ms.sample_coverage(hepatitis, form) for form in ("independent", "one_step", "high")}  # type: ignore[arg-type]
    assert {k: round(v.estimate) for k, v in fits.items()} == {
        "independent": 407,
        "one_step": 508,
        "high": 971,
    }
    assert any("below 0.55" in note for note in fits["high"].notes)
    assert fits["one_step"].ci_low < 545 < fits["one_step"].ci_high


def test_coverage_standard_error_is_that_of_a_parametric_bootstrap(hepatitis: ms.CaptureHistories) -> None:
    fit = ms.sample_coverage(hepatitis, "independent")
    rng = np.random.default_rng(7)
    table = hepatitis.counts / fit.estimate
    sizes = []
    for draw in rng.multinomial(round(fit.estimate), [*table, 1 - table.sum()], size=400):
        seen = ms.CaptureHistories(hepatitis.lists, hepatitis.patterns, draw[:-1])
        sizes.append(ms.sample_coverage(seen, "independent").estimate)
    assert np.std(sizes) == pytest.approx(fit.se, rel=0.15)


def test_abundance_coverage_adds_the_often_seen() -> None:
    low = ms.abundance_coverage(ms.CaptureFrequencies.from_counts({1: 50, 2: 20, 3: 11}), cutoff=3)
    more = ms.abundance_coverage(ms.CaptureFrequencies.from_counts({1: 50, 2: 20, 3: 11, 40: 7}), cutoff=3)
    assert more.estimate == pytest.approx(low.estimate + 7)
    assert (
        ms.abundance_coverage(
            ms.CaptureFrequencies.from_counts({1: 50, 2: 20, 3: 11}), highly_variable=True
        ).estimate
        >= low.estimate
    )


@pytest.mark.parametrize(
    ("counts", "method", "message"),
    [
        ({1: 10}, "chao", "a second time"),
        ({1: 10, 3: 1}, "zelterman", "a second time"),
        ({1: 10}, "poisson", "a second time"),
        ({2: 10}, "chao", "more than once"),
        ({1: 10, 2: 1}, "zeltermann", "did you mean 'zelterman'"),
    ],
)
def test_single_list_refusals(counts: dict[int, int], method: Any, message: str) -> None:
    with pytest.raises(EstimationError, match=message):
        ms.single_list(ms.CaptureFrequencies.from_counts(counts), method)


def test_coverage_refusals(apart: ms.CaptureHistories, hepatitis: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="coverage is 0"):
        ms.sample_coverage(apart)
    with pytest.raises(EstimationError, match="three lists"):
        ms.sample_coverage(hepatitis.drop("E"))
    with pytest.raises(EstimationError, match="no such form"):
        ms.sample_coverage(hepatitis, "low")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="coverage is 0"):
        ms.abundance_coverage(apart)
    with pytest.raises(EstimationError, match="2 or more"):
        ms.abundance_coverage(hepatitis, cutoff=1)


def test_regression_refusals() -> None:
    seen: dict[str, list[Any]] = {"times": [1, 2, 1], "sex": ["F", "M", None], "n": [5, 3, 4]}
    with pytest.raises(EstimationError, match="covariate is missing"):
        ms.single_list_regression(seen, "times", ["sex"], count="n")
    with pytest.raises(EstimationError, match="1 of 2 rows below 1"):
        ms.single_list_regression({"times": [0, 2]}, "times")
    with pytest.raises(EstimationError, match="exactly twice"):
        ms.single_list_regression({"times": [1, 3]}, "times")
    with pytest.raises(EstimationError, match="no such model"):
        ms.single_list_regression(seen, "times", model="negbin")  # type: ignore[arg-type]
    split = {"times": [1, 1, 2], "sex": ["F", "M", "M"], "n": [5, 3, 4]}
    with pytest.raises(EstimationError, match="no finite estimate"):
        ms.single_list_regression(split, "times", ["sex"], count="n")
    with pytest.raises(EstimationError, match="no such column"):
        ms.single_list_regression(split, "often")
