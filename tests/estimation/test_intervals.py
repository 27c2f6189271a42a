"""Interval formulas against identities and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from survey_toolkit.estimation import PROPORTION_INTERVALS, proportion_interval, t_interval

INF = np.array([np.inf])


def limits(method: str, p: float, se: float, n: float, df: float = np.inf) -> tuple[float, float]:
    out = proportion_interval(method, np.array([p]), np.array([se]), np.array([n]), np.array([df]))
    return float(out.low[0]), float(out.high[0])


def test_simple_random_sampling_is_the_textbook() -> None:
    """81 of 263 (Brown, Cai and DasGupta 2001; Newcombe 1998, Statistics in Medicine 17:857-872, table I)."""
    p, n = 81 / 263, 263
    se = np.sqrt(p * (1 - p) / n)
    assert limits("wilson", p, se, n) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert limits("wald", p, se, n) == pytest.approx((0.2522, 0.3638), abs=5e-5)
    assert limits("clopper_pearson", p, se, n) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    exact = stats.binomtest(81, 263).proportion_ci(method="exact")
    assert limits("clopper_pearson", p, se, n) == pytest.approx((exact.low, exact.high), rel=1e-10)


@pytest.mark.parametrize("method", sorted(set(PROPORTION_INTERVALS) - {"mean", "wald"}))
@pytest.mark.parametrize("p", [0.0005, 0.02, 0.5, 0.97])
def test_inside_the_unit_interval_and_around_p(method: str, p: float) -> None:
    low, high = limits(method, p, 0.4 * p * (1 - p) + 0.001, 400, 12)
    assert 0 <= low < p < high <= 1


@pytest.mark.parametrize("method", sorted(PROPORTION_INTERVALS))
def test_mirror(method: str) -> None:
    low, high = limits(method, 0.07, 0.02, 300, 20)
    other = limits(method, 0.93, 0.02, 300, 20)
    assert (1 - other[1], 1 - other[0]) == pytest.approx((low, high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("method", sorted(PROPORTION_INTERVALS))
def test_no_degrees_of_freedom_no_interval(method: str) -> None:
    assert np.isnan(limits(method, 0.2, 0.1, 30, 0)).all()


def test_t_interval_matches_scipy() -> None:
    out = t_interval(np.array([1.0]), np.array([2.0]), np.array([7.0]), 0.9)
    assert out.high[0] == pytest.approx(1 + 2 * stats.t.ppf(0.95, 7), rel=1e-12)
    assert t_interval(np.array([0.0]), np.array([1.0]), INF).high[0] == pytest.approx(1.959963984540054)


def test_the_default_is_the_one_that_the_coverage_table_supports() -> None:
    """The method with the smallest mean shortfall below 95 % over all cells of the shipped table."""
    import inspect
    from pathlib import Path

    from survey_toolkit.estimation import Survey

    path = Path(__file__).parents[2] / "benchmarks" / "results" / "coverage_proportions.md"
    part = path.read_text(encoding="utf-8").split("## Over all cells")[1].split("## By cell")[0]
    rows = [line.strip("| \n").split(" | ") for line in part.splitlines() if line.startswith("|")]
    shortfall = {row[0].split()[0]: float(row[4]) for row in rows[2:]}
    best = min(shortfall, key=lambda name: shortfall[name])
    for method in (Survey.proportion, Survey.cdf):
        assert inspect.signature(method).parameters["ci"].default == best
