from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.poisson import fit_models
from survey_toolkit.multiple_systems.terms import enumerate_models

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "multiple_systems.json").read_text("utf-8"))
ITERATIVE = 1e-7  # both sides iterate to convergence; R stops at a relative deviance change of 1e-15
PROFILE = 1e-6  # limits by root search on both sides
MAXIMUM = 1e-4  # the top of a likelihood is flat: R's optimize finds it to the root of the machine precision


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['data']}-{len(c['interactions'])}")
def test_r_glm_agrees(case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    data, expected = request.getfixturevalue(case["data"]), case["expected"]
    interactions = [case["interactions"]] if isinstance(case["interactions"], str) else case["interactions"]
    fit = ms.loglinear(data, interactions)
    for name in ("n", "estimate", "deviance", "loglik", "df"):
        assert getattr(fit, name) == pytest.approx(expected[name], rel=ITERATIVE), name
    assert fit.diagnostics["se_log_dark"] == pytest.approx(expected["se_log_dark"], rel=ITERATIVE)
    assert [fit.ci_low, fit.ci_high] == pytest.approx(expected["profile"], rel=PROFILE)
    assert fit.diagnostics["multinomial_estimate"] == pytest.approx(
        expected["multinomial_estimate"], rel=MAXIMUM
    )


def test_empty_overlap_is_minus_infinity_and_counted(uk5: ms.CaptureHistories) -> None:
    with_term, without = ms.loglinear(uk5, ["LA:GP"], ci="wald"), ms.loglinear(uk5, ci="wald")
    term = next(c for c in with_term.coefficients if c.term == "LA:GP")
    assert term.estimate == -math.inf
    assert math.isnan(term.se)
    assert with_term.boundary_terms == ("LA:GP",)
    assert with_term.aic == pytest.approx(-2 * with_term.loglik + 2 * 7)
    assert without.bic == pytest.approx(-2 * without.loglik + 6 * math.log(2744))
    assert any("minus infinity" in note for note in with_term.notes)


def test_levels_nest_and_methods_are_near(uk5: ms.CaptureHistories) -> None:
    limits = ms.profile(uk5, ["LA:NG"], levels=(0.5, 0.8, 0.95))
    assert list(limits.low) == sorted(limits.low, reverse=True)
    assert list(limits.high) == sorted(limits.high)
    fits = [ms.loglinear(uk5, ["LA:NG"], ci=ci) for ci in ("profile", "wald", "profile_poisson")]
    assert [f.ci_high for f in fits] == pytest.approx([fits[0].ci_high] * 3, rel=0.01)
    assert len({f.ci_method for f in fits}) == 3


def test_profile_never_falls_below_the_observed() -> None:
    data = ms.CaptureHistories.from_counts({"11": 40, "10": 2, "01": 1}, ["A", "B"])
    fit = ms.loglinear(data)
    assert fit.n == fit.ci_low == 43
    assert fit.estimate > 43


def test_order_of_interactions_and_writing_do_not_matter(uk5: ms.CaptureHistories) -> None:
    a = ms.loglinear(uk5, ["LA:NG", "NG:PFNCA"], ci="wald")
    b = ms.loglinear(uk5, [("PFNCA", "NG"), ["NG", "LA"], "LA:NG"], ci="wald")
    assert (a.estimate, a.model) == (b.estimate, b.model)
    assert ms.loglinear(uk5, "LA:NG", ci="wald").generators[0] == ("LA", "NG")


tables3 = st.lists(st.integers(1, 200), min_size=7, max_size=7)


def _three(counts: list[int], order: tuple[int, ...] = (0, 1, 2), names: str = "ABC") -> ms.CaptureHistories:
    rows = [[w >> j & 1 for j in order] for w in range(1, 8)]
    return ms.CaptureHistories.from_counts(
        {tuple(r): c for r, c in zip(rows, counts, strict=True)}, [names[j] for j in order]
    )


@settings(max_examples=25, deadline=None)
@given(tables3, st.permutations([0, 1, 2]))
def test_list_order_and_names_do_not_matter(counts: list[int], order: list[int]) -> None:
    first = ms.loglinear(_three(counts), ["A:B"])
    for data, pair in (
        (_three(counts, tuple(order)), "A:B"),
        (_three(counts, names="xyz"), "x:y"),
    ):
        other = ms.loglinear(data, [pair])
        assert other.estimate == pytest.approx(first.estimate, rel=1e-8)
        assert (other.ci_low, other.ci_high) == pytest.approx((first.ci_low, first.ci_high), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(tables3, st.integers(2, 9))
def test_scaling_counts_scales_the_estimate_and_shrinks_the_error(counts: list[int], k: int) -> None:
    one, many = (ms.loglinear(_three([f * c for c in counts]), ["B:C"], ci="wald") for f in (1, k))
    assert many.estimate == pytest.approx(k * one.estimate, rel=1e-8)
    assert many.diagnostics["se_log_dark"] == pytest.approx(one.diagnostics["se_log_dark"] / k**0.5, rel=1e-7)
    assert many.deviance == pytest.approx(k * one.deviance, rel=1e-6, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(tables3)
def test_all_pairs_on_three_lists_is_the_closed_form(counts: list[int]) -> None:
    fit = ms.loglinear(_three(counts), ["A:B", "A:C", "B:C"], ci="wald")
    y = dict(enumerate(counts, start=1))
    dark = y[1] * y[2] * y[4] * y[7] / (y[3] * y[5] * y[6])
    assert fit.dark_figure == pytest.approx(dark, rel=1e-8)
    assert fit.df == 0
    assert fit.deviance == pytest.approx(0, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(1, 500), st.integers(1, 500), st.integers(1, 500)))
def test_two_lists_are_lincoln_petersen(counts: tuple[int, int, int]) -> None:
    a, b, m = counts
    data = ms.CaptureHistories.from_counts({"10": a, "01": b, "11": m}, ["A", "B"])
    assert ms.loglinear(data, ci="wald").estimate == pytest.approx((a + m) * (b + m) / m, rel=1e-8)
    assert ms.two_list(data, estimator="lincoln_petersen").estimate == pytest.approx((a + m) * (b + m) / m)


def test_a_history_with_count_zero_changes_nothing(
    kosovo: ms.CaptureHistories, uk6: ms.CaptureHistories
) -> None:
    rows = [*map(tuple, uk6.patterns.tolist()), (1, 1, 1, 1, 1, 1)]
    padded = ms.CaptureHistories.from_counts(
        dict(zip(rows, [*uk6.counts.tolist(), 0], strict=True)), uk6.lists
    )
    assert ms.loglinear(padded).estimate == ms.loglinear(uk6).estimate


def test_batches_equal_single_fits(uk5: ms.CaptureHistories) -> None:
    models = enumerate_models(5, 2)[::97]
    many = fit_models(uk5.table(), models)
    for i, row in enumerate(models):
        one = fit_models(uk5.table(), row[None, :])
        assert many.dark_figure[i] == pytest.approx(one.dark_figure[0], rel=1e-10)
        assert many.variance[i] == pytest.approx(one.variance[0], rel=1e-8)


def test_a_table_a_model(uk5: ms.CaptureHistories) -> None:
    table = uk5.table()
    rows = enumerate_models(5, 2)[:2]
    both = fit_models(np.array([table, 2 * table]), rows)
    assert both.dark_figure[1] == pytest.approx(2 * fit_models(table, rows[1:]).dark_figure[0])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown list": ({"interactions": ["LA:XX"]}, "'XX' in 'LA:XX'"),
    "one list": ({"interactions": ["LA"]}, "two or more different lists"),
    "same list": ({"interactions": ["LA:LA"]}, "two or more different lists"),
    "interval": ({"ci": "bayes"}, "there is no such interval"),
    "level": ({"level": 95}, "between 0 and 1"),
    "saturated": ({"interactions": ["LA:NG:PFNCA:GO:GP"]}, "does not"),
}


@pytest.mark.parametrize(("arguments", "message"), list(BAD.values()), ids=list(BAD))
def test_bad_requests_are_refused_in_words(
    uk5: ms.CaptureHistories, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(EstimationError) as caught:
        ms.loglinear(uk5, **arguments)
    assert message in str(caught.value)


def test_result_prints_and_tabulates(uk5: ms.CaptureHistories) -> None:
    fit = ms.loglinear(uk5, ["LA:NG"])
    row = fit.to_frame().iloc[0]
    assert row["estimate"] == fit.estimate
    assert row["n"] == 2744
    assert fit.dark_figure == pytest.approx(fit.estimate - 2744)
    assert "population size" in repr(fit)
    assert "did not change" in fit.assumptions
    assert "<table>" in fit._repr_html_()


@pytest.mark.slow
def test_simulation_recovers_the_truth() -> None:
    """Three lists with one dependent pair: bias within Monte Carlo error, coverage near nominal."""
    rng = np.random.default_rng(20131)
    size, chance = 4000, (0.12, 0.15, 0.2)
    estimates, covered = [], 0
    runs = 400
    for _ in range(runs):
        on = rng.random((size, 3)) < chance
        extra = on[:, 0] & (rng.random(size) < 0.25)  # referral from the first list to the second
        on[:, 1] |= extra
        seen = on[on.any(axis=1)]
        rows, counts = np.unique(seen.astype(int), axis=0, return_counts=True)
        data = ms.CaptureHistories(("A", "B", "C"), rows, counts)
        fit = ms.loglinear(data, ["A:B"])
        estimates.append(fit.estimate)
        covered += fit.ci_low <= size <= fit.ci_high
    error = np.std(estimates) / runs**0.5
    assert abs(np.mean(estimates) - size) < 3 * error + 0.02 * size
    assert 0.92 <= covered / runs <= 0.98
