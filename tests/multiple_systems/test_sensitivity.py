"""Sensitivity, identification, internal consistency, linkage error, censored cells."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "closed_population.json").read_text("utf-8"))
SATURATED = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}


@pytest.fixture(scope="module")
def three() -> ms.CaptureHistories:
    return ms.CaptureHistories.from_counts(SATURATED, ["P", "Q", "E"])


def test_leave_one_out_and_merging(uk5: ms.CaptureHistories) -> None:
    left = ms.leave_one_list_out(uk5, ["independence", "stepwise"])
    by_change = {(v.change, v.method): v for v in left.variants}
    expected = ms.loglinear(uk5.drop("GP")).estimate
    assert by_change["without GP", "independence"].estimate == pytest.approx(expected)
    assert len(left.variants) == 10
    merged = ms.merge_two_lists(uk5, ["independence"])
    assert len(merged.variants) == 10
    assert {v.n for v in merged.variants} == {2744}
    low, high = merged.range("independence")
    assert low <= merged.baseline[0].estimate <= high  # type: ignore[operator]
    assert merged.ratio("independence") == pytest.approx(high / low)
    frame = left.to_frame()
    assert list(frame["ratio"].head(2)) == [1.0, 1.0]
    assert "without GP" in repr(left)
    assert "<table>" in left._repr_html_()


def test_sweeps_show_the_spread(uk5: ms.CaptureHistories) -> None:
    thresholds = ms.sweep_thresholds(uk5, [0.0, 0.02])
    independence, stepwise = (v.estimate for v in thresholds.variants)
    assert independence == pytest.approx(ms.loglinear(uk5).estimate)
    assert stepwise == pytest.approx(ms.stepwise(uk5).estimate)
    criteria = ms.sweep_criteria(uk5, ["bic", "aic"], ["pairwise"])
    assert [v.change for v in criteria.variants] == ["pairwise, BIC", "pairwise, AIC"]
    assert criteria.range()[1] > criteria.range()[0]


def test_single_cell_moves_one_person(three: ms.CaptureHistories) -> None:
    moved = ms.single_cell(three, ["independence"])
    assert len(moved.variants) == 14
    change = {v.change: v for v in moved.variants}
    assert change["P:Q:E +1"].n == 272
    table = {**SATURATED, "111": 29}
    expected = ms.loglinear(ms.CaptureHistories.from_counts(table, ["P", "Q", "E"])).estimate
    assert change["P:Q:E +1"].estimate == pytest.approx(expected)
    # A link more lowers the estimate, a link less raises it.
    assert change["P:Q:E +1"].estimate < moved.baseline[0].estimate < change["P:Q:E -1"].estimate  # type: ignore[operator]


def test_a_refusal_keeps_its_row(sparse3: ms.CaptureHistories) -> None:
    left = ms.leave_one_list_out(sparse3, ["independence"])
    assert [bool(v.refused) for v in left.variants] == [True, True, False]
    assert "refused" in repr(left)
    nothing = ms.leave_one_list_out(
        ms.CaptureHistories.from_counts({"110": 5, "001": 3}, ["A", "B", "C"]), ["independence"]
    )
    assert "does not exist" in nothing.variants[0].refused


def test_internal_consistency_restricts_to_the_members(kosovo: ms.CaptureHistories) -> None:
    check = ms.internal_consistency(kosovo, ["independence"])
    first = check.checks[0]
    assert (first.reference, first.known_size, first.n_seen) == ("EXH", 1910, 779)
    assert first.others == ("ABA", "OSCE", "HRW")
    assert first.result.estimate == pytest.approx(1116.5017892817)
    assert first.covered is False
    (summary,) = check.summary()
    bias = [c.log_relative_bias for c in check.checks]
    assert summary.mean_log_bias == pytest.approx(np.mean(bias))
    assert (summary.n_lists, summary.n_refused) == (4, 0)
    assert summary.rmse == pytest.approx(np.sqrt(np.mean(np.square(bias))))
    assert len(check.to_frame()) == 4
    assert "log bias" in repr(check)
    assert "<table>" in check._repr_html_()


def test_internal_consistency_leaves_small_lists_out(uk6: ms.CaptureHistories) -> None:
    check = ms.internal_consistency(uk6, ["independence"])
    assert check.left_out == {"GP": 20}
    with pytest.raises(EstimationError, match="shares enough people"):
        ms.internal_consistency(uk6, ["independence"], least=500)


def test_sensitivity_refusals(uk5: ms.CaptureHistories) -> None:
    two = uk5.drop(["LA", "GO", "GP"])
    for call in (ms.leave_one_list_out, ms.merge_two_lists, ms.internal_consistency):
        with pytest.raises(EstimationError, match="not enough lists"):
            call(two)
    with pytest.raises(EstimationError, match="did you mean 'stepwise'"):
        ms.leave_one_list_out(uk5, ["stepwize"])
    with pytest.raises(EstimationError, match="1 or more"):
        ms.single_cell(uk5, change=0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=7, max_size=7), st.floats(0.1, 10))
def test_the_sweep_is_linear_in_the_assumption_and_inverts(counts: list[int], xi: float) -> None:
    rows = {tuple(w >> j & 1 for j in range(3)): c for w, c in enumerate(counts, start=1)}
    data = ms.CaptureHistories.from_counts(rows, ["A", "B", "C"])
    sweep = ms.highest_order_odds_ratio(data, xi=[1.0, xi])
    one, other = sweep.estimate
    assert other - sweep.n == pytest.approx(xi * (one - sweep.n))
    assert sweep.value_for(other) == pytest.approx(xi)
    assert sweep.ci_low[0] < one < sweep.ci_high[0]


def test_order_one_is_the_saturated_loglinear_model(three: ms.CaptureHistories) -> None:
    sweep = ms.highest_order_odds_ratio(three, xi=[1.0])
    fit = ms.loglinear(three, ["P:Q", "P:E", "Q:E"], ci="wald")
    assert sweep.estimate[0] == pytest.approx(fit.estimate)
    assert (sweep.ci_low[0], sweep.ci_high[0]) == pytest.approx((fit.ci_low, fit.ci_high))


def test_independence_of_two_lists_is_theta_one(kosovo: ms.CaptureHistories) -> None:
    sweep = ms.two_list_odds_ratio(kosovo, ("EXH", "OSCE"), theta=[1.0])
    lp = ms.two_list(kosovo, ("EXH", "OSCE"), estimator="lincoln_petersen")
    assert sweep.estimate[0] == pytest.approx(lp.estimate)
    assert list(sweep.to_frame().columns) == ["value", "estimate", "ci_low", "ci_high", "n"]
    assert "odds ratio" in repr(sweep)
    assert "<table>" in sweep._repr_html_()


def test_identification_refusals(uk5: ms.CaptureHistories, apart: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="nobody on exactly A and B"):
        ms.two_list_odds_ratio(apart, ("A", "B"))
    with pytest.raises(EstimationError, match="zero or infinity") as caught:
        ms.highest_order_odds_ratio(apart)
    assert "A:B" in str(caught.value)
    with pytest.raises(EstimationError, match="above 0"):
        ms.two_list_odds_ratio(uk5, ("NG", "GO"), theta=[0.0])
    with pytest.raises(EstimationError, match="not smaller than the people seen"):
        ms.two_list_odds_ratio(uk5, ("NG", "GO")).value_for(10)


def test_linkage_error() -> None:
    exact = ms.linkage_corrected(400, 400, 40, match_rate=1.0)
    assert exact.estimate == 4000
    assert exact.se**2 == pytest.approx(400 * 400 * 360 * 360 / 40**3)
    worse = ms.linkage_corrected(400, 400, 40, match_rate=0.9)
    assert worse.estimate < exact.estimate  # missed links make the naive estimate too high
    false = ms.linkage_corrected(400, 400, 40, match_rate=1.0, false_link_rate=0.02)
    assert false.estimate > exact.estimate
    assert len(ms.linkage_sweep(400, 400, 40, match_rates=(0.9, 1.0))) == 2


def test_linkage_standard_error_by_simulation() -> None:
    """The links are drawn with errors; the spread of the corrected estimates is the standard error."""
    rng, alpha, beta = np.random.default_rng(3), 0.9, 0.005
    sizes = []
    for _ in range(2000):
        matches = rng.hypergeometric(800, 3200, 900)
        links = rng.binomial(matches, alpha) + rng.binomial(900 - matches, beta)
        sizes.append(900 * 800 / ((links - beta * 900) / (alpha - beta)))
    fit = ms.linkage_corrected(
        900, 800, round(180 * alpha + 720 * beta), match_rate=alpha, false_link_rate=beta
    )
    assert np.std(sizes) == pytest.approx(fit.se, rel=0.1)


@pytest.mark.parametrize(
    ("numbers", "rates", "message"),
    [
        ((400, 400, 40), (1.2, 0.0), "between 0 and 1"),
        ((400, 400, 40), (0.1, 0.2), "likelier for true matches"),
        ((400, 400, 500), (0.9, 0.0), "do not fit together"),
        ((400, 400, 4), (0.9, 0.02), "impossible"),
        ((40, 400, 40), (0.9, 0.0), "impossible"),
    ],
)
def test_linkage_refusals(numbers: tuple[int, int, int], rates: tuple[float, float], message: str) -> None:
    with pytest.raises(EstimationError, match=message):
        ms.linkage_corrected(*numbers, match_rate=rates[0], false_link_rate=rates[1])


def test_known_counts_are_the_ordinary_fit(kosovo: ms.CaptureHistories) -> None:
    cells = {tuple(p): c for p, c in zip(kosovo.patterns.tolist(), kosovo.counts.tolist(), strict=True)}
    data = ms.CensoredHistories.from_counts(cells, kosovo.lists)
    censored, plain = ms.loglinear_censored(data, ["EXH:ABA"]), ms.loglinear(kosovo, ["EXH:ABA"], ci="wald")
    assert censored.estimate == pytest.approx(plain.estimate)
    assert (censored.ci_low, censored.ci_high) == pytest.approx((plain.ci_low, plain.ci_high))
    assert censored.loglik == pytest.approx(plain.loglik)


def test_rounded_table_is_the_likelihood_of_r() -> None:
    rounded = {"100": 70, "010": 55, "110": 20, "001": 65, "101": 15, "011": 20, "111": 30}
    data = ms.CensoredHistories.rounded(ms.CaptureHistories.from_counts(rounded, ["P", "Q", "E"]), 5)
    fit, expected = ms.loglinear_censored(data), GOLDEN["censored"]
    assert fit.diagnostics["dark_figure"] == pytest.approx(expected["dark"], rel=1e-6)
    assert fit.diagnostics["se_log_dark"] == pytest.approx(expected["se_log"], rel=1e-4)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=1e-9)
    assert data.n_range == (261, 289)


def test_suppressed_cells_lie_between_their_extremes(uk5: ms.CaptureHistories) -> None:
    cells: dict[tuple[int, ...], int | str] = {}
    for pattern, count in zip(uk5.patterns.tolist(), uk5.counts.tolist(), strict=True):
        cells[tuple(pattern)] = count if count >= 5 else "<5"
    data = ms.CensoredHistories.from_counts(cells, uk5.lists)
    fit = ms.loglinear_censored(data)
    extremes = [
        ms.loglinear(ms.CensoredHistories(uk5.lists, end, end) and _table(uk5.lists, end)).estimate
        for end in (data.low, data.high)
    ]
    assert min(extremes) < fit.estimate < max(extremes)
    assert "known only as intervals" in fit.notes[0]
    assert "1-4" in repr(data)


def _table(lists: tuple[str, ...], counts: np.ndarray) -> ms.CaptureHistories:
    cells = np.flatnonzero(counts)
    return ms.CaptureHistories(lists, (cells[:, None] >> np.arange(len(lists))) & 1, counts[cells])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"10": "few", "01": 3, "11": 2}, "'few'"),
        ({"10": (5, 2), "01": 3, "11": 2}, "turned round"),
        ({"10": -1, "01": 3, "11": 2}, "negative"),
        ({"10": 1, "01": 3, "00": "<5", "11": 1}, "history of zeros"),
        ({"10": 1, (1, 0): 2, "01": 3}, "more than one row"),
        ({"101": 1}, "one digit a list"),
        ({"10": "<1", "01": 3}, "'<1'"),
    ],
)
def test_bad_intervals(cells: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(EstimationError, match=message):
        ms.CensoredHistories.from_counts(cells, ["A", "B"])


def test_an_overlap_that_may_be_empty_holds_nothing_up() -> None:
    data = ms.CensoredHistories.from_counts({"10": 30, "01": 20, "11": (0, 4)}, ["A", "B"])
    with pytest.raises(EstimationError, match="does not exist"):
        ms.loglinear_censored(data)
    with pytest.raises(EstimationError, match="not rounded"):
        ms.CensoredHistories.rounded(ms.CaptureHistories.from_counts({"11": 7, "10": 5}, ["A", "B"]), 5)
