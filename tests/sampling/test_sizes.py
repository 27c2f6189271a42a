"""Sample sizes against their definitions, against svy, and against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling import (
    FieldPlan,
    Precision,
    comparison_power,
    none_found,
    optimal_take,
    power_curve,
    rare_outcome,
    size_by_domain,
    size_comparison,
    size_mean,
    size_proportion,
    size_to_find,
    size_total,
    smallest_prevalence,
)
from survey_toolkit.sampling.precision import exact_half_width, srs_size_proportion
from tests.sampling.second_opinion import second_size_mean, second_size_proportion

Z = 1.959963984540054
GRID = [(0.5, 0.03), (0.1, 0.02), (0.02, 0.01), (0.9, 0.05), (0.004, 0.002)]


@pytest.mark.parametrize(("p", "d"), GRID)
def test_the_wilson_size_gives_the_half_width(p: float, d: float) -> None:
    n = srs_size_proportion(p, d, method="wilson")
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    assert half == pytest.approx(d, rel=1e-10)


@pytest.mark.parametrize(("p", "d"), GRID)
def test_the_exact_size_is_the_smallest(p: float, d: float) -> None:
    n = srs_size_proportion(p, d, method="exact")
    assert exact_half_width(p, n, Z) <= d < exact_half_width(p, n - 1, Z)


@pytest.mark.parametrize("method", ["wald", "fleiss"])
@pytest.mark.parametrize(("p", "d"), GRID)
def test_svy_gives_the_same_base_size(method: str, p: float, d: float) -> None:
    assert math.ceil(srs_size_proportion(p, d, method=method)) == second_size_proportion(p, d, method=method)


def test_svy_gives_the_same_size_for_a_mean() -> None:
    assert size_mean(15, Precision(half_width=1.3)).interviews == second_size_mean(15, 1.3)


def test_relative_error_and_cv_are_the_same_question() -> None:
    by_cv = size_proportion(0.03, Precision(cv=0.15))
    by_error = size_proportion(0.03, Precision(relative=0.15 * Z))
    assert by_cv.interviews == by_error.interviews
    assert by_cv.cv <= 0.15 < by_cv.cv * math.sqrt(by_cv.interviews / (by_cv.interviews - 1)) * 1.0001


def test_the_population_corrects_and_a_census_is_enough() -> None:
    plan = FieldPlan(population=1000)
    n0 = srs_size_proportion(0.5, 0.03)
    assert size_proportion(0.5, Precision(half_width=0.03), plan=plan).interviews == math.ceil(
        1000 * n0 / (1000 + n0 - 1)
    )
    assert size_proportion(0.5, Precision(half_width=0.0001), plan=plan).interviews == 1000


def test_field_work_turns_interviews_into_households_and_clusters() -> None:
    plan = FieldPlan(
        cluster_take=15,
        icc=0.1,
        household_size=5,
        eligible_share=0.2,
        household_response=0.9,
        person_response=0.8,
    )
    b = 15 * 5 * 0.2 * 0.9 * 0.8
    assert plan.design_effect == pytest.approx(1 + (b - 1) * 0.1)
    size = size_proportion(0.2, Precision(half_width=0.03), plan=plan)
    assert size.households == math.ceil(size.interviews / (0.9 * 0.8))
    assert size.clusters == math.ceil(size.households / 15)
    assert plan.worth(plan.interviews(1234.5)) == pytest.approx(1234.5)


def test_one_person_a_household_needs_more_households() -> None:
    every = FieldPlan(eligibles_per_household=2.0)
    one = FieldPlan(eligibles_per_household=2.0, one_per_household=True, weight_cv=0.5)
    wanted = Precision(half_width=0.02)
    assert one.design_effect == 1.25
    a, b = (size_proportion(0.1, wanted, plan=p) for p in (every, one))
    assert b.households == math.ceil(b.interviews / (1 - math.exp(-2))) > a.households


def test_domains_that_cut_across_share_a_sample_and_areas_add_up() -> None:
    p = {"F": 0.1, "M": 0.3}
    wanted = Precision(half_width=0.03)
    shared = size_by_domain(p, wanted, shares={"F": 0.5, "M": 0.5})
    apart = size_by_domain(p, wanted)
    assert shared.households == max(r.households for r in shared.rows)
    assert apart.households == sum(r.households for r in apart.rows)
    assert shared.rows[0].households == 2 * apart.rows[0].households
    assert list(shared.to_frame()["domain"]) == ["F", "M"]


def test_a_total_is_a_proportion_times_the_population() -> None:
    total = size_total(50_000, Precision(half_width=1000), p=0.1)
    share = size_proportion(0.1, Precision(half_width=0.02), plan=FieldPlan(population=50_000))
    assert (total.interviews, total.value) == (share.interviews, 5000)


def test_power_is_what_simulation_gives() -> None:
    rng = np.random.default_rng(1)
    n = size_comparison([0.10, 0.07]).interviews
    a, b = rng.binomial(n, 0.10, 20_000) / n, rng.binomial(n, 0.07, 20_000) / n
    z = (a - b) / np.sqrt(a * (1 - a) / n + b * (1 - b) / n)
    assert (np.abs(z) > Z).mean() == pytest.approx(0.8, abs=0.012)
    assert comparison_power([0.10, 0.07], n) >= 0.8 > comparison_power([0.10, 0.07], n - 5)


def test_a_trend_of_four_rounds_is_what_simulation_gives() -> None:
    rng = np.random.default_rng(2)
    p = np.array([0.10, 0.09, 0.08, 0.07])
    n = size_comparison(p.tolist(), power=0.9).interviews
    seen = rng.binomial(n, p, (20_000, 4)) / n
    slope = seen @ (np.arange(4) - 1.5) / 5
    assert slope.std() == pytest.approx(size_comparison(p.tolist(), power=0.9).se, rel=0.02)
    assert (slope < -Z * slope.std()).mean() == pytest.approx(0.9, abs=0.01)


def test_repeated_persons_make_a_change_cheaper() -> None:
    apart = size_comparison([0.1, 0.07])
    panel = size_comparison([0.1, 0.07], overlap=0.5, correlation=0.6)
    v1, v2 = 0.09, 0.07 * 0.93
    factor = (v1 + v2 - 2 * 0.3 * math.sqrt(v1 * v2)) / (v1 + v2)
    assert panel.interviews == pytest.approx(apart.interviews * factor, abs=1)


def test_the_power_curve_rises() -> None:
    curve = power_curve([0.1, 0.07], [100, 500, 1000, 5000], plan=FieldPlan(deff=1.5))
    assert (np.diff(curve.power) > 0).all()
    assert curve.power[-1] > 0.99
    assert len(curve.to_frame()) == 4


def test_none_found_is_what_beta_binomial_clusters_give() -> None:
    rng = np.random.default_rng(3)
    p, b, m, icc = 0.01, 10, 20, 0.08
    scale = (1 - icc) / icc
    risk = rng.beta(p * scale, (1 - p) * scale, (40_000, m))
    simulated = (rng.binomial(b, risk).sum(axis=1) == 0).mean()
    assert none_found(p, m * b, plan=FieldPlan(cluster_take=b, icc=icc)) == pytest.approx(
        simulated, abs=0.008
    )
    assert none_found(p, 200) == pytest.approx(0.99**200)


def test_what_a_sample_says_of_a_rare_outcome() -> None:
    rare = rare_outcome(0.001, 3000)
    assert rare.expected_cases == pytest.approx(3)
    assert rare.probability_none == pytest.approx(0.999**3000)
    assert rare.upper_if_none == pytest.approx(1 - 0.025 ** (1 / 3000))
    limit = smallest_prevalence(3000)
    assert 1 - (1 - limit) ** 3000 == pytest.approx(0.95)
    assert size_to_find(0.01) == 299  # 1 - 0.99^299 = 0.9505
    from scipy.stats import binom

    n = size_to_find(0.01, cases=10)
    assert binom.sf(9, n, 0.01) >= 0.95 > binom.sf(9, n - 1, 0.01)


def test_the_best_take_beats_every_other() -> None:
    best = optimal_take(icc=0.04, cluster_cost=300, interview_cost=15, budget=60_000)
    for b in range(1, 80):
        m = 60_000 // (300 + 15 * b)
        assert m * b / (1 + (b - 1) * 0.04) <= best.effective * 1.01
    assert best.cost <= 60_000
    cheap = optimal_take(icc=0.04, cluster_cost=300, interview_cost=15, effective=best.effective)
    assert cheap.cost == pytest.approx(60_000, rel=0.02)
    assert optimal_take(icc=0.0, cluster_cost=1, interview_cost=1, budget=1e5, largest_take=40).take == 40


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: size_proportion(0.1, Precision(half_width=0.6)), "impossible"),
        (lambda: size_proportion(10, Precision(half_width=0.02)), "per cent"),
        (lambda: size_proportion(0.0, Precision(half_width=0.02)), "proportion is wanted"),
        (lambda: Precision(half_width=-0.1), "out of range"),
        (lambda: Precision(), "one way"),
        (lambda: Precision(half_width=0.1, cv=0.1), "one way"),
        (lambda: size_proportion(0.1, Precision(cv=0.1), method="wilsn"), "wilson"),
        (lambda: FieldPlan(icc=1.2), "intraclass"),
        (lambda: FieldPlan(household_response=0.0), "proportion"),
        (lambda: FieldPlan(household_size=-3), "out of range"),
        (lambda: FieldPlan(household_size=3, eligibles_per_household=1), "twice"),
        (lambda: size_mean(0, Precision(half_width=1)), "out of range"),
        (lambda: size_mean(2, Precision(cv=0.1)), "anticipated mean"),
        (lambda: size_total(100, Precision(cv=0.1)), "needs p"),
        (lambda: size_comparison([0.1, 0.1]), "do not differ"),
        (lambda: size_comparison([0.1]), "two values"),
        (lambda: size_comparison([0.1, 0.2], overlap=2), "share"),
        (lambda: size_by_domain({}, Precision(cv=0.1)), "no domains"),
        (lambda: size_by_domain({"F": 0.1}, Precision(cv=0.1), shares={"M": 1}), "lacks"),
        (lambda: optimal_take(icc=0.1, cluster_cost=100, interview_cost=10, budget=150), "two clusters"),
        (lambda: optimal_take(icc=0.1, cluster_cost=0, interview_cost=10, budget=150), "out of range"),
        (lambda: rare_outcome(0.01, -5), "whole number"),
    ],
)
def test_bad_input_is_refused_with_a_reason(call: object, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        call()  # type: ignore[operator]
