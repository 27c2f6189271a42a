"""Network scale-up against R's survey, by hand, and with bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign

KNOWN = {"k1": 9000, "k2": 5200, "k3": 2100}
N = 1e5
CLOSED = 1e-9  # closed forms: only the order of summation differs


def reports(people: Any, design: Any, **more: Any) -> hp.NetworkReports:
    given = {"known": KNOWN, "hidden": "hid", "population": N} | more
    return hp.network_reports(people, design=design, **given)


def test_ratio_of_sums_against_r(people: Any, design: SurveyDesign, golden: Any) -> None:
    got = reports(people, design).size()
    np.testing.assert_allclose(got.estimate, golden["scale_up"]["estimate"], rtol=CLOSED)
    np.testing.assert_allclose(got.se, golden["scale_up"]["se"], rtol=CLOSED)
    assert got.unit == "persons"


def test_by_sex_of_the_respondent_against_r(people: Any, design: SurveyDesign, golden: Any) -> None:
    got = reports(people, design).size(by="sex")
    np.testing.assert_allclose(got.estimate, golden["scale_up_by_sex"]["estimate"], rtol=CLOSED)
    np.testing.assert_allclose(got.se, golden["scale_up_by_sex"]["se"], rtol=CLOSED)
    assert got.domains == (("F", "hid"), ("M", "hid"))


def test_mean_of_ratios_against_r(people: Any, design: SurveyDesign, golden: Any) -> None:
    made = reports(people, design)
    got = made.size(method="mean_of_ratios")
    np.testing.assert_allclose(got.estimate, golden["mean_of_ratios"]["estimate"], rtol=CLOSED)
    np.testing.assert_allclose(got.se, golden["mean_of_ratios"]["se"], rtol=CLOSED)
    assert got.n[0] == len(people) - made.n_zero_degree
    assert made.n_zero_degree == 9
    assert any("9 respondents of degree 0" in note for note in got.notes), got.notes


def test_several_groups_share_a_covariance(people: Any, design: SurveyDesign) -> None:
    got = reports(people.assign(twice=2 * people["hid"]), design, hidden=["hid", "twice"]).size()
    assert got.estimate[1] == pytest.approx(2 * got.estimate[0])
    assert got.vcov[0, 1] == pytest.approx(2 * got.vcov[0, 0])


def test_back_estimates_by_hand() -> None:
    rows = pd.DataFrame({"a": [2, 0], "b": [1, 1], "h": [0, 1]})
    made = hp.network_reports(rows, known={"a": 100, "b": 50}, hidden="h", population=1000)
    back = made.back_estimates()
    np.testing.assert_allclose(back.estimate, [2 * 50 / 2, 2 * 100 / 2])
    np.testing.assert_allclose(made.degree, [1000 * 3 / 150, 1000 / 150])
    assert made.size().estimate[0] == pytest.approx(1000 * 1 / made.degree.sum())


def test_trimming_drops_the_worst_first() -> None:
    rng = np.random.default_rng(1)
    degree = rng.gamma(2, 100, 800)
    shares = {"a": 0.01, "b": 0.02, "c": 0.005, "d": 0.015, "e": 0.01}
    rows = pd.DataFrame({k: rng.poisson(degree * p) for k, p in shares.items()})
    rows["e"] *= 5
    rows["h"] = rng.poisson(degree * 0.004)
    known = {k: p * 1e6 for k, p in shares.items()}
    made = hp.network_reports(rows, known=known, hidden="h", population=1e6)
    kept = made.trimmed()
    assert kept.dropped == ("e",)
    assert abs(kept.size().estimate[0] / 4000 - 1) < abs(made.size().estimate[0] / 4000 - 1)
    assert abs(kept.size().estimate[0] / 4000 - 1) < 0.15
    assert made.trimmed(at_least=5).dropped == ()


def test_adjustments() -> None:
    rows = pd.DataFrame({"a": [2, 3, 1], "b": [1, 1, 2], "h": [0, 1, 1]})
    size = hp.network_reports(rows, known={"a": 100, "b": 50}, hidden="h", population=1000).size()
    got = hp.adjusted(size, degree_ratio=0.8, transmission_rate=0.5, false_positive=0.1, recall=0.9)
    factor = 0.9 / (0.8 * 0.5 * 0.9)
    assert got.estimate[0] == pytest.approx(factor * size.estimate[0])
    assert got.se[0] == pytest.approx(factor * size.se[0])
    assert hp.adjusted(size) is size
    for wrong in ({"transmission_rate": 0}, {"transmission_rate": 1.2}, {"false_positive": 1}, {"recall": 0}):
        with pytest.raises(EstimationError, match="out of range"):
            hp.adjusted(size, **wrong)


def test_summation_method() -> None:
    rows = pd.DataFrame({"kin": [3, 5], "work": [2, 0], "h": [1, 0]})
    degree = hp.summation_degree(rows, ["kin", "work"])
    made = hp.network_reports(rows, hidden="h", population=500, degree=degree)
    assert made.size().estimate[0] == pytest.approx(500 * 1 / 10)
    with pytest.raises(EstimationError, match="cannot be negative"):
        hp.summation_degree(rows.assign(kin=[-1, 2]), ["kin", "work"])


def test_replicates_agree_with_taylor(people: Any, design: SurveyDesign) -> None:
    taylor = reports(people, design).size()
    boot = reports(Survey(people, design).replicate("bootstrap", n=400, seed=2), None).size()
    assert boot.se[0] == pytest.approx(taylor.se[0], rel=0.15)
    assert boot.estimate[0] == pytest.approx(taylor.estimate[0])


def test_missing_answers() -> None:
    rows = pd.DataFrame({"a": [2, 3, 1], "b": [1, None, 2], "h": [0, 1, 1]})
    options: dict[str, Any] = {"known": {"a": 100, "b": 50}, "hidden": "h", "population": 1000}
    zero, out = (hp.network_reports(rows, missing=m, **options) for m in ("zero", "exclude"))
    assert zero.degree[1] == pytest.approx(1000 * 3 / 150)
    assert out.degree[1] == 0
    assert any("1 missing answers" in note for note in zero.notes)
    capped = hp.network_reports(rows, cap=2, **options)
    assert capped.degree[1] == pytest.approx(1000 * 2 / 150)


def test_generalised_by_hand() -> None:
    frame = pd.DataFrame({"w": [10.0, 20, 30], "told": [1, 0, 2]})
    members = pd.DataFrame({"d": [2, 4], "p": [3, 1], "q": [1, 0]})
    got = hp.generalised_scale_up(
        frame, members, reports="told", visibility=["p", "q"], probe_sizes={"p": 50, "q": 50},
        frame_size=1000, hidden_degree="d", design=SurveyDesign(weight="w"),
    )  # fmt: skip
    mean = 10 * (4 / 2 + 1 / 4) / (1 / 2 + 1 / 4)
    assert got.visibility == pytest.approx(mean)
    assert got.size.estimate[0] == pytest.approx((10 + 60) / mean)
    assert got.size.se[0] > got.size_frame_only.se[0]
    with pytest.raises(EstimationError, match="size above 0"):
        hp.generalised_scale_up(
            frame, members, reports="told", visibility=["p"], probe_sizes={"p": 0}, frame_size=10,
            design=SurveyDesign(weight="w"),
        )  # fmt: skip


@pytest.mark.parametrize("size", [0, -5, 2e5, float("nan")])
def test_known_size_out_of_range(people: Any, design: SurveyDesign, size: float) -> None:
    with pytest.raises(EstimationError, match="known: k1: the size of a known group") as caught:
        reports(people, design, known={**KNOWN, "k1": size})
    assert caught.value.code == "bad-known-size"


def test_other_bad_input(people: Any, design: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="cannot be negative"):
        reports(people.assign(k1=-9), design)
    with pytest.raises(EstimationError, match="nobody knows anybody"):
        reports(people.assign(k1=0, k2=0, k3=0), design)
    with pytest.raises(EstimationError, match="need groups of known size"):
        reports(people, design, known={})
    with pytest.raises(EstimationError, match="must be numeric"):
        reports(people.assign(k1="many"), design)
    with pytest.raises(EstimationError, match="did you mean"):
        reports(people, design, hidden="hidd")
    with pytest.raises(EstimationError, match="unknown method"):
        reports(people, design).size(method="pimle")  # type: ignore[arg-type]
    with pytest.raises(EstimationError, match="two known groups"):
        reports(people, design, known={"k1": 9000}).back_estimates()


def test_no_reports_give_no_interval(people: Any, design: SurveyDesign) -> None:
    got = reports(people.assign(hid=0), design).size()
    assert got.estimate[0] == 0
    assert np.isnan([got.se[0], got.ci_low[0], got.ci_high[0]]).all()
    assert got.flags == (("no_events",),)
