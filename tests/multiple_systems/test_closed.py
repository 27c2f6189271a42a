"""Closed-population models: golden values of R, invariances, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey_toolkit import multiple_systems as ms
from survey_toolkit.errors import EstimationError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "closed_population.json").read_text("utf-8"))
HARES = {1: 25, 2: 22, 3: 13, 4: 5, 5: 1, 6: 2}
OCCASIONS = {"100": 60, "010": 25, "001": 12, "110": 25, "101": 20, "011": 10, "111": 15}


@pytest.fixture(scope="module")
def hares() -> ms.CaptureFrequencies:
    return ms.CaptureFrequencies.from_counts(HARES, occasions=6)


@pytest.fixture(scope="module")
def occasions() -> ms.CaptureHistories:
    return ms.CaptureHistories.from_counts(OCCASIONS, ["may", "june", "july"])


@pytest.mark.parametrize(
    ("golden", "model", "options"),
    [
        ("M0", "M0", {}),
        ("poisson2", "Mh", {"heterogeneity": "poisson"}),
        ("darroch", "Mh", {"heterogeneity": "darroch"}),
        ("gamma35", "Mh", {"heterogeneity": "gamma"}),
    ],
)
def test_loglinear_models_are_those_of_glm(
    hares: ms.CaptureFrequencies, golden: str, model: Any, options: dict[str, Any]
) -> None:
    fit, expected = ms.closed(hares, model, **options, ci="log"), GOLDEN["hares"][golden]
    assert fit.estimate == pytest.approx(expected["estimate"], rel=1e-8)
    assert fit.se == pytest.approx(expected["se"], rel=1e-7)
    assert (fit.deviance, fit.aic) == pytest.approx((expected["deviance"], expected["aic"]), rel=1e-7)


def test_normal_heterogeneity_is_the_integrated_likelihood(hares: ms.CaptureFrequencies) -> None:
    fit, expected = ms.closed(hares, "Mh", "normal"), GOLDEN["hares"]["normal"]
    assert fit.estimate == pytest.approx(expected["estimate"], rel=1e-6)
    assert fit.diagnostics["sigma"] == pytest.approx(expected["sigma"], rel=1e-5)
    assert fit.se == pytest.approx(expected["se"], rel=1e-5)


def test_profile_interval_is_the_refitted_likelihood(hares: ms.CaptureFrequencies) -> None:
    fit, expected = ms.closed(hares, "M0"), GOLDEN["hares"]["m0_profile"]
    assert fit.diagnostics["multinomial_estimate"] == pytest.approx(expected["maximum"], rel=1e-6)
    assert (fit.ci_low, fit.ci_high) == pytest.approx((expected["low"], expected["high"]), rel=1e-6)


def test_generalised_removal_depends_on_first_captures_only() -> None:
    """First captures 16 24 9 9 6 4 as in the golden values; what follows them only tells c."""
    first = [16, 24, 9, 9, 6, 4]
    rows = {}
    for j, people in enumerate(first):
        alone = tuple(int(i == j) for i in range(6))
        again = tuple(int(i in (j, 5)) for i in range(6))
        rows[alone] = people if j == 5 else people - 3
        if j < 5:
            rows[again] = 3
    fit = ms.behaviour(ms.CaptureHistories.from_counts(rows, list("ABCDEF")), "Mbh")
    assert fit.estimate == pytest.approx(GOLDEN["hares"]["mbh"]["estimate"], rel=1e-7)
    assert fit.se == pytest.approx(GOLDEN["hares"]["mbh"]["se"], rel=1e-5)


def test_mb_is_the_removal_estimate(occasions: ms.CaptureHistories) -> None:
    first = np.array([120.0, 35.0, 12.0])
    fit = ms.behaviour(occasions, "Mb")
    p = fit.diagnostics["p"]
    # Score equation of the removal model and the size that goes with it.
    assert fit.estimate == pytest.approx(first.sum() / (1 - (1 - p) ** 3))
    later = p * sum(j * first[j] for j in range(3)) / (1 - p)
    assert first.sum() - later == pytest.approx(
        first.sum() * 3 * p * (1 - p) ** 2 / (1 - (1 - p) ** 3), rel=1e-6
    )
    assert fit.diagnostics["c"] == pytest.approx(85 / (2 * 120 + 35))


def test_mt_is_independence(kosovo: ms.CaptureHistories) -> None:
    closed, independence = ms.closed(kosovo, "Mt"), ms.loglinear(kosovo)
    assert closed.estimate == pytest.approx(independence.estimate, rel=1e-9)
    assert (closed.ci_low, closed.ci_high) == pytest.approx((independence.ci_low, independence.ci_high))
    assert closed.df == independence.df
    assert closed.diagnostics["p: EXH"] == pytest.approx(1910 / closed.estimate)


def test_the_free_bound_is_the_classical_one(kosovo: ms.CaptureHistories) -> None:
    free = ms.closed(kosovo, "Mh", "chao", negative_eta="free", ci="log")
    classical = ms.chao(kosovo)
    assert (free.estimate, free.se) == pytest.approx((classical.estimate, classical.se), rel=1e-8)
    held = ms.closed(kosovo, "Mh", "chao", ci="log")
    assert held.estimate < free.estimate
    assert held.diagnostics["eta_at_zero"] == 1
    assert any("lower bound" in note for note in held.notes)


def test_corrected_forms(kosovo: ms.CaptureHistories) -> None:
    pair = kosovo.drop(["ABA", "HRW"])
    assert ms.closed_corrected(pair, "Mt").estimate == pytest.approx(ms.two_list(pair).estimate)
    assert ms.closed_corrected(kosovo, "Mh").estimate == pytest.approx(
        ms.chao(kosovo, bias_corrected=True).estimate
    )
    for model in ("M0", "Mt", "Mth"):
        plain, corrected = ms.closed(kosovo, model, ci="log"), ms.closed_corrected(kosovo, model)  # type: ignore[arg-type]
        assert corrected.estimate == pytest.approx(plain.estimate, rel=0.005)
        assert corrected.estimate != plain.estimate


def test_max_times_uses_only_the_low_counts(hares: ms.CaptureFrequencies) -> None:
    cut = ms.closed(hares, "Mh", "poisson", max_times=4)
    assert (cut.df, cut.n) == (1, 68)
    assert cut.estimate > 68


counts = st.lists(st.integers(1, 200), min_size=7, max_size=7)


@settings(max_examples=25, deadline=None)
@given(counts, st.permutations(["A", "B", "C"]))
def test_order_of_the_lists_does_not_matter(values: list[int], names: list[str]) -> None:
    rows = {tuple(w >> j & 1 for j in range(3)): c for w, c in enumerate(values, start=1)}
    data = ms.CaptureHistories.from_counts(rows, ["A", "B", "C"])
    order = [("A", "B", "C").index(n) for n in names]
    turned = ms.CaptureHistories.from_counts({tuple(k[i] for i in order): c for k, c in rows.items()}, names)
    for model in ("M0", "Mt", "Mth"):
        pair = [ms.closed(d, model, ci="log") for d in (data, turned)]  # type: ignore[arg-type]
        assert pair[0].estimate == pytest.approx(pair[1].estimate, rel=1e-6)
        assert pair[0].se == pytest.approx(pair[1].se, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(counts)
def test_the_bound_never_fits_worse_and_never_estimates_less_than_m0(values: list[int]) -> None:
    rows = {tuple(w >> j & 1 for j in range(3)): c for w, c in enumerate(values, start=1)}
    data = ms.CaptureFrequencies.from_histories(ms.CaptureHistories.from_counts(rows, ["A", "B", "C"]))
    m0, bound = ms.closed(data, "M0", ci="log"), ms.closed(data, "Mh", "chao", ci="log")
    assert bound.deviance <= m0.deviance + 1e-8
    assert bound.estimate >= m0.estimate * (1 - 1e-8)


@settings(max_examples=15, deadline=None)
@given(counts, st.integers(2, 5))
def test_replicated_people_scale_the_estimate(values: list[int], times: int) -> None:
    rows = {tuple(w >> j & 1 for j in range(3)): c for w, c in enumerate(values, start=1)}
    once = ms.CaptureHistories.from_counts(rows, ["A", "B", "C"])
    more = ms.CaptureHistories.from_counts({k: c * times for k, c in rows.items()}, ["A", "B", "C"])
    a, b = (ms.closed(d, "Mth", "darroch", ci="log") for d in (once, more))
    assume(a.estimate < 1e7)
    assert b.estimate == pytest.approx(times * a.estimate, rel=1e-5)


def test_refusals(
    hares: ms.CaptureFrequencies, apart: ms.CaptureHistories, occasions: ms.CaptureHistories
) -> None:
    for call in (
        lambda: ms.closed(apart, "M0"),
        lambda: ms.closed(apart, "Mt"),
        lambda: ms.closed(apart, "Mth", "darroch"),
        lambda: ms.closed(apart, "Mh"),
    ):
        with pytest.raises(EstimationError, match="does not exist") as caught:
            call()
        assert "69 seen 1 times" in str(caught.value)
    with pytest.raises(EstimationError, match="which list saw whom"):
        ms.closed(hares, "Mt")
    with pytest.raises(EstimationError, match="which list saw whom"):
        ms.closed_corrected(hares, "Mth")
    with pytest.raises(EstimationError, match="no heterogeneity"):
        ms.closed(hares, "M0", "darroch")
    with pytest.raises(EstimationError, match="did you mean 'darroch'"):
        ms.closed(hares, "Mh", "daroch")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="no such model"):
        ms.closed(hares, "Mhh")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="theta must be above 1"):
        ms.closed(hares, "Mh", "poisson", theta=1)
    with pytest.raises(EstimationError, match="no parameter theta"):
        ms.closed(hares, "Mh", "darroch", theta=1)
    with pytest.raises(EstimationError, match="max_times"):
        ms.closed(occasions, "M0", max_times=3)
    with pytest.raises(EstimationError, match="no such interval"):
        ms.closed(hares, "M0", ci="wald")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="number of occasions"):
        ms.closed(ms.CaptureFrequencies.from_counts(HARES), "Mh", "normal")
    with pytest.raises(EstimationError, match="between 0 and 1"):
        ms.closed(hares, "M0", level=2)


def test_growing_first_captures_are_refused(uk5: ms.CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="do not become fewer") as caught:
        ms.behaviour(uk5, "Mb")
    assert "LA 94" in str(caught.value)
    with pytest.raises(EstimationError, match="needs more occasions"):
        ms.behaviour(uk5.drop(["LA", "GO"]), "Mtb")
    with pytest.raises(EstimationError, match="no such model"):
        ms.behaviour(uk5, "Mh")  # type: ignore[arg-type]


def test_bad_frequencies() -> None:
    build = ms.CaptureFrequencies.from_counts
    with pytest.raises(EstimationError, match="1 or more"):
        build({0: 5, 1: 3})
    with pytest.raises(EstimationError, match=r"1\.5"):
        build({1.5: 5})  # type: ignore[dict-item]
    with pytest.raises(EstimationError, match="negative"):
        build({1: -5})
    with pytest.raises(EstimationError, match="more often than there were occasions"):
        build({1: 5, 4: 1}, occasions=3)
    with pytest.raises(EstimationError, match="two or more chances"):
        build({1: 5}, occasions=1)
    with pytest.raises(EstimationError, match="nobody was seen"):
        build({1: 0})
    with pytest.raises(EstimationError, match="nothing"):
        build({})


def test_frequencies_of_histories(kosovo: ms.CaptureHistories) -> None:
    seen = ms.CaptureFrequencies.from_histories(kosovo)
    assert (seen.n_observed, seen.occasions, seen.f(1), seen.f(9)) == (4400, 4, 3218, 0)
    assert "<table>" in seen._repr_html_()
    assert "4,400 people" in repr(seen)
