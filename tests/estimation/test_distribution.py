"""Quantiles, moments, concentration, identified intervals, imputations and publication rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import (
    QUANTILE_RULES,
    Survey,
    SurveyDesign,
    combine_imputations,
    imbens_manski_level,
    proportion_interval,
    publication_rules,
)
from survey_toolkit.estimation.quantile_rules import ordered
from survey_toolkit.estimation.reliability import korn_graubard, nchs_proportion

DESIGN = SurveyDesign(weight="w", strata="stratum", psu="psu")


@pytest.fixture
def survey(sample: pd.DataFrame) -> Survey:
    return Survey(sample, DESIGN)


@pytest.mark.parametrize(("rule", "numpy_name"), [("hf1", "inverted_cdf"), ("hf2", "averaged_inverted_cdf"),
    ("hf4", "interpolated_inverted_cdf"), ("hf5", "hazen"), ("hf6", "weibull"), ("hf7", "linear"),
    ("hf8", "median_unbiased"), ("hf9", "normal_unbiased")])  # fmt: skip
def test_equal_weights_give_the_textbook_quantiles(rule: str, numpy_name: Any) -> None:
    values = np.random.default_rng(5).normal(size=41).round(3)
    probs = np.array([0.03, 0.1, 0.25, 0.5, 0.61, 0.9, 0.97])
    ours = QUANTILE_RULES[rule](ordered(values, np.full(41, 7.0)), probs)
    np.testing.assert_allclose(ours, np.quantile(values, probs, method=numpy_name), rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(1e-3, 1e6), seed=st.integers(0, 500), rule=st.sampled_from(sorted(QUANTILE_RULES)))
def test_quantiles_do_not_see_scale_or_order(scale: float, seed: int, rule: str) -> None:
    rng = np.random.default_rng(1)
    value, weight = rng.normal(size=80), rng.gamma(3, 2, 80)
    probs = np.array([0.05, 0.25, 0.5, 0.8])
    if rule == "shahvaish_r":
        return  # R's own, kept to reproduce it: it changes with the scale
    order = np.random.default_rng(seed).permutation(80)
    plain = QUANTILE_RULES[rule](ordered(value, weight), probs)
    other = QUANTILE_RULES[rule](ordered(value[order], weight[order] * scale), probs)
    np.testing.assert_allclose(other, plain, rtol=1e-10)


def test_below_the_share_of_the_first_value() -> None:
    """R steps over the first value here and answers 2."""
    x = ordered(np.array([1.0, 2, 3]), np.array([6.0, 1, 1]))
    for rule in ("math", "school", "hf1", "hf2", "hf3", "hf4"):
        assert QUANTILE_RULES[rule](x, np.array([0.1]))[0] == 1


@pytest.mark.parametrize("rule", ["hf4", "hf5", "hf6", "hf7", "hf8", "hf9"])
def test_interpolation_inside_a_tie_gives_the_tied_value_exactly(rule: str) -> None:
    weight = np.random.default_rng(3).uniform(0.5, 2, 60)
    x = ordered(np.repeat([0.3, 5.0, 7.1], 20), weight, np.arange(60.0))
    inside = np.linspace(x.cumulative[21] / x.total, x.cumulative[37] / x.total, 400)
    assert (QUANTILE_RULES[rule](x, inside) == 5.0).all()


def test_cells_and_rows_give_the_same_quantiles(sample: pd.DataFrame) -> None:
    whole = sample.assign(members=sample["members"].astype("int64"))
    cells = Survey(whole, DESIGN).quantile("members", [0.2, 0.5], by="region", ci="beta")
    rows = Survey(sample, DESIGN).quantile("members", [0.2, 0.5], by="region", ci="beta")
    for name in ("estimate", "se", "ci_low", "ci_high", "n", "df"):
        np.testing.assert_allclose(getattr(cells, name), getattr(rows, name), rtol=1e-12)
    assert cells.domain_names == ("region", "prob")


def test_median_and_its_options(survey: Survey) -> None:
    est = survey.median("hours", by="sex", ci="xlogit")
    assert est.estimate.tolist() == survey.quantile("hours", [0.5], by="sex").estimate.tolist()
    assert est.difference(("F", 0.5), ("M", 0.5)).se[0] > 0
    score = survey.median("hours", ci="score")
    wald = survey.median("hours")
    assert score.ci_low[0] <= score.estimate[0] <= score.ci_high[0]
    assert score.se[0] == pytest.approx(wald.se[0], rel=0.3)


def test_quantile_intervals_from_replicates(survey: Survey) -> None:
    plain = survey.quantile("hours", [0.25, 0.5, 0.75])
    for ci in ("mean", "quantile"):
        boot = survey.replicate("bootstrap", n=400, seed=2).quantile("hours", [0.25, 0.5, 0.75], ci=ci)
        np.testing.assert_allclose(boot.estimate, plain.estimate, rtol=1e-12)
        np.testing.assert_allclose(boot.se, plain.se, rtol=0.5)


def test_limits_beyond_the_sample_are_missing() -> None:
    data = pd.DataFrame({"w": 1.0, "y": np.arange(10.0)})
    est = Survey(data, SurveyDesign(weight="w")).quantile("y", [0.05, 0.5])
    assert np.isnan(est.ci_low[0])
    assert est.flags[0] == ("no_limit",)
    assert est.flags[1] == ()


def test_an_empty_domain_has_no_quantile(survey: Survey) -> None:
    est = survey.quantile("hours", [0.5], where={"region": "nowhere"})
    assert np.isnan(est.estimate[0])
    assert "empty_domain" in est.flags[0]


def test_correlation_is_a_function_of_moments(survey: Survey) -> None:
    r = survey.correlation("hours", "members")
    where = "hours"
    known = ~np.isnan(np.asarray(survey.frame.collect()["hours"].to_native().astype(float)))
    data = survey.frame.collect().to_native()[known]
    w, x, y = (np.asarray(data[name], dtype=float) for name in ("w", where, "members"))
    cov = np.cov(x, y, aweights=w)
    assert r.estimate[0] == pytest.approx(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), rel=1e-10)
    assert survey.correlation("members", "members").estimate[0] == pytest.approx(1, abs=1e-12)
    jack = survey.replicate("JKn").correlation("hours", "members")
    assert jack.estimate[0] == pytest.approx(r.estimate[0], rel=1e-12)
    assert jack.se[0] == pytest.approx(r.se[0], rel=0.1)


def test_gini_against_its_definition_and_the_jackknife(sample: pd.DataFrame, survey: Survey) -> None:
    est = survey.gini("members", by="sex")
    for k, (sex,) in enumerate(est.domains):
        rows = sample[sample["sex"] == sex]
        w, y = rows["w"].to_numpy(), rows["members"].to_numpy()
        distance = np.abs(y[:, None] - y[None, :])
        definition = (w[:, None] * w[None, :] * distance).sum() / (2 * w.sum() * (w * y).sum())
        assert est.estimate[k] == pytest.approx(definition, rel=1e-10)
    values, weights = np.array([1.0, 2, 2, 7]), np.array([3.0, 1, 2, 4])
    from survey_toolkit.estimation.gini import gini_values

    gini, z = gini_values(values, weights)
    step = 1e-6
    for k in range(4):  # the linearised value is the derivative in the weight
        moved = gini_values(values, weights + step * (np.arange(4) == k))[0]
        assert z[k] == pytest.approx((moved - gini) / step, abs=1e-5)


def test_gini_refuses_negative_values() -> None:
    with pytest.raises(EstimationError, match="zero or above"):
        Survey(pd.DataFrame({"w": [1.0, 1], "y": [-1.0, 2]}), SurveyDesign(weight="w")).gini("y")


def test_distribution_function_and_counts(survey: Survey) -> None:
    est = survey.cdf("members", [3, 5], by="sex")
    assert est.domains == (("F", 3), ("F", 5), ("M", 3), ("M", 5))
    assert (np.diff(est.estimate)[::2] > 0).all()
    assert survey.count().estimate[0] == pytest.approx(survey.weights().sum())


def test_likelihood_interval_solves_its_equation() -> None:
    p, se, n = np.array([0.00274]), np.array([0.00093]), np.array([7363.0])
    limits = proportion_interval("likelihood", p, se, n, np.array([110.0]))
    from scipy.stats import t

    n_eff = p * (1 - p) / se**2
    for q in (limits.low, limits.high):
        ratio = 2 * n_eff * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))
        assert np.sqrt(ratio[0]) == pytest.approx(t.ppf(0.975, 110), rel=1e-9)
    none = proportion_interval("likelihood", np.zeros(1), np.zeros(1), n, np.array([110.0]))
    assert none.exact[0], "R stops with an error here"


def test_imbens_manski_lies_between_one_and_two_sides(survey: Survey) -> None:
    both = survey.proportion("fl", bounds=True, ci="mean")
    one = survey.proportion("fl", bounds="imbens_manski", ci="mean")
    assert both.bound_ci_low is not None
    assert one.bound_ci_low is not None
    assert one.bound_ci_high is not None
    assert both.bound_ci_high is not None
    assert both.bound_ci_low[0] < one.bound_ci_low[0] < one.bound_low[0]  # type: ignore[index]
    assert one.bound_ci_high[0] < both.bound_ci_high[0]
    # c of Imbens and Manski: Φ(c + Δ/σ) - Φ(-c) = 0.95 at Δ/σ = 1
    from scipy.special import ndtr, ndtri

    unit, inf = np.ones(1), np.array([np.inf])
    level = imbens_manski_level(0 * unit, unit, unit, 0.5 * unit, inf)
    c = ndtri((1 + level[0]) / 2)
    assert ndtr(c + 1) - ndtr(-c) == pytest.approx(0.95, abs=1e-12)


def test_imputations_combine_as_barnard_and_rubin() -> None:
    """R's mitools gives 7.75 df where the paper gives 7.41; numbers of the combination by hand."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame(
        {"w": 1.0, "ea": np.arange(60) // 6} | {f"y{i}": rng.normal(5, 1, 60) for i in range(5)}
    )
    survey = Survey(data, SurveyDesign(weight="w", psu="ea"))
    parts = [survey.mean(f"y{i}") for i in range(5)]
    both = combine_imputations(parts)
    within = np.mean([p.vcov[0, 0] for p in parts])
    between = np.var([p.estimate[0] for p in parts], ddof=1)
    total = within + 1.2 * between
    share = 1.2 * between / total
    rubin = 4 / share**2
    observed = (9 + 1) / (9 + 3) * 9 * (1 - share)
    assert both.se[0] == pytest.approx(np.sqrt(total), rel=1e-12)
    assert both.df[0] == pytest.approx(1 / (1 / rubin + 1 / observed), rel=1e-12)
    assert both.df[0] < 9
    with pytest.raises(EstimationError, match="two or more"):
        combine_imputations(parts[:1])
    with pytest.raises(EstimationError, match="same rows"):
        combine_imputations([parts[0], survey.mean(["y0", "y1"])])


def test_publication_rules_disagree_where_prevalence_is_rare(survey: Survey) -> None:
    table = publication_rules(survey.proportion("fl", by="region"), ["nchs-2017", "minimum-cases"])
    assert list(table.to_frame().columns) == [
        "region", "nchs-2017", "nchs-2017 reason", "minimum-cases", "minimum-cases reason",
    ]  # fmt: skip
    with pytest.raises(EstimationError, match="nchs-2017"):
        publication_rules(survey.mean("members"), ["nchs"])
    # an effective size above n is cut only after the adjustment for degrees of freedom
    assert korn_graubard(0.3, 195, 210, 61) == korn_graubard(0.3, 195, 205, 61)
    assert nchs_proportion(0.0, 174, 0.0, 22).ci_high == pytest.approx(0.0209773066943942, rel=1e-9)
    assert nchs_proportion(1 / 1381, 1381, 0.001, 22).decision == "present"


def test_rules_that_see_rows_work_with_given_replicates(sample: pd.DataFrame, survey: Survey) -> None:
    from survey_toolkit.estimation import ReplicateDesign

    rng = np.random.default_rng(9)
    columns = {f"rw{r}": sample["w"] * rng.choice([0.5, 1.5], len(sample)) for r in range(8)}
    given_weights = Survey(
        sample.assign(**columns), ReplicateDesign(weight="w", replicates="rw", kind="bootstrap")
    )
    for rule in ("math", "hf7"):
        est = given_weights.quantile("members", [0.3, 0.7], by="sex", rule=rule, ci="quantile")
        plain = survey.quantile("members", [0.3, 0.7], by="sex", rule=rule)
        np.testing.assert_allclose(est.estimate, plain.estimate, rtol=1e-12)
        first = Survey(sample.assign(w=columns["rw0"]), DESIGN).quantile(
            "members", [0.3, 0.7], by="sex", rule=rule
        )
        assert est.replicates is not None
        np.testing.assert_allclose(est.replicates.values[0], first.estimate, rtol=1e-12)


def test_score_limits_are_the_outermost_values_that_the_test_does_not_reject() -> None:
    """In small domains at small p the test turns more than once; by hand, over every value of the sample."""
    turned, n = 0, 60
    for seed, p in ((6, 0.95), (6, 0.02), (7, 0.05), (8, 0.5)):
        rng = np.random.default_rng(seed)
        w = rng.gamma(0.7, 30, n) + 0.1
        frame = pd.DataFrame({"u": np.arange(n) // 5, "w": w, "y": rng.permutation(n)})
        survey = Survey(frame, SurveyDesign(weight="w", psu="u"))
        est = survey.quantile("y", p, ci="score")
        values = np.sort(frame["y"].to_numpy()).tolist()
        hit = (frame["y"].to_numpy()[:, None] <= values).astype(float)
        share = w @ hit / w.sum()
        by_psu = np.stack(
            [(w[:, None] * (hit - share) / w.sum())[frame["u"] == u].sum(axis=0) for u in range(12)]
        )
        z = (p - share) / np.maximum(np.sqrt(12 * by_psu.var(axis=0, ddof=1)), 1e-300)
        t = student.ppf(0.975, est.df[0])
        low = np.flatnonzero(z <= t)[0]
        high = min(np.flatnonzero(z > -t)[-1] + 1, n - 1) if (z > -t).any() else 0
        turned += int((np.diff((np.abs(z) <= t).astype(int)) != 0).sum() > 2)
        assert (est.ci_low[0], est.ci_high[0]) == (values[low], values[high])
    assert turned, "no sample in which the test turns twice: the case is not tried"
