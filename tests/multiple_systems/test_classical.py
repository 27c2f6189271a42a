from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError

PAIR = {"11": 40, "10": 360, "01": 360}


@pytest.fixture
def pair() -> ms.CaptureHistories:
    return ms.CaptureHistories.from_counts(PAIR, ["A", "B"])


def test_closed_forms(pair: ms.CaptureHistories) -> None:
    chapman, lp = ms.two_list(pair), ms.two_list(pair, estimator="lincoln_petersen")
    assert chapman.estimate == pytest.approx(401 * 401 / 41 - 1)
    assert chapman.se**2 == pytest.approx(401 * 401 * 360 * 360 / (41**2 * 42))
    assert lp.estimate == 4000
    assert lp.se**2 == pytest.approx(400 * 400 * 360 * 360 / 40**3)


def test_exact_limits_are_clopper_pearson(pair: ms.CaptureHistories) -> None:
    from scipy.stats import binomtest

    exact = ms.two_list(pair, estimator="lincoln_petersen", ci="exact")
    limits = binomtest(40, 400).proportion_ci(0.95, "exact")
    assert (exact.ci_low, exact.ci_high) == pytest.approx((400 / limits.high, 400 / limits.low))


def test_other_lists_are_counted_as_unused(uk6: ms.CaptureHistories) -> None:
    fit = ms.two_list(uk6, ("NG", "PF"))
    assert fit.n < uk6.n_observed
    assert f"{uk6.n_observed - fit.n} people seen only on LA, GO, GP, NCA are not used" in fit.notes


def test_refusals(pair: ms.CaptureHistories, apart: ms.CaptureHistories) -> None:
    two = apart.drop("C")
    with pytest.raises(EstimationError, match="infinite"):
        ms.two_list(two, estimator="lincoln_petersen")
    assert "the lists share nobody" in ms.two_list(two).notes
    with pytest.raises(EstimationError, match="no such interval"):
        ms.two_list(pair, ci="exact")
    with pytest.raises(EstimationError, match="name two of the lists"):
        ms.two_list(apart)
    with pytest.raises(EstimationError, match="exactly two lists"):
        ms.chao(apart)
    assert ms.chao(apart, bias_corrected=True).estimate > apart.n_observed


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=7, max_size=7))
def test_chao_is_its_formula_and_its_interval_stays_above_the_seen(counts: list[int]) -> None:
    rows = {tuple(w >> j & 1 for j in range(3)): c for w, c in enumerate(counts, start=1)}
    data = ms.CaptureHistories.from_counts(rows, ["A", "B", "C"])
    f1, f2 = counts[0] + counts[1] + counts[3], counts[2] + counts[4] + counts[5]
    fit = ms.chao(data)
    assert fit.estimate == pytest.approx(sum(counts) + (2 / 3) * f1**2 / (2 * f2))
    assert data.n_observed < fit.ci_low < fit.estimate < fit.ci_high


def test_chao_equals_lincoln_petersen_for_two_lists_of_one_size(pair: ms.CaptureHistories) -> None:
    assert ms.chao(pair).estimate == pytest.approx(4000)
