"""Item counts: against R, by hand, recovery of models, tests of the list, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit import hidden_populations as hp
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign

CLOSED = 1e-9  # closed forms: only the order of summation differs


def experiment(seed: int = 1, n: int = 4000, **more: Any) -> pd.DataFrame:
    """Prevalence by a logit in x; control items by another."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    trait = rng.random(n) < 1 / (1 + np.exp(1.2 - 0.8 * x))
    items = rng.binomial(4, 1 / (1 + np.exp(-(-0.2 + 0.3 * x))))
    t = rng.integers(0, 2, n)
    return pd.DataFrame({"x": x, "t": t, "y": items + t * trait, "trait": trait.astype(int), **more})


def test_difference_against_r(people: Any, design: SurveyDesign, golden: Any) -> None:
    got = hp.item_count(people, "list_a", "treat", design=design).difference()
    np.testing.assert_allclose(got.estimate, golden["difference"]["estimate"], rtol=CLOSED)
    np.testing.assert_allclose(got.se, golden["difference"]["se"], rtol=CLOSED)


def test_difference_without_a_design_is_the_two_sample_one() -> None:
    rows = experiment()
    got = hp.item_count(rows, "y", "t").difference()
    a, b = rows["y"][rows["t"] == 1], rows["y"][rows["t"] == 0]
    assert got.estimate[0] == pytest.approx(a.mean() - b.mean())
    assert got.se[0] == pytest.approx(np.sqrt(a.var() / len(a) + b.var() / len(b)))
    means = hp.item_count(rows, "y", "t").means()
    np.testing.assert_allclose(means.estimate, [a.mean(), b.mean()])


def test_shares_that_are_exactly_equal() -> None:
    """Differences of zero are rounding errors to the delta method, not jumps."""
    rows = pd.DataFrame({"t": [0] * 7 + [1] * 7, "y": [0, 1, 1, 2, 2, 3, 3] * 2})
    got = hp.item_count(rows, "y", "t", items=3)
    assert got.difference().estimate[0] == pytest.approx(0)
    np.testing.assert_allclose(got.design_effect_test().with_item, 0, atol=1e-12)


def test_double_list(people: Any, design: SurveyDesign) -> None:
    got = hp.double_list(people, "list_a", "list_b", "treat", items=4, design=design)
    a = hp.item_count(people, "list_a", "treat", items=4, design=design).difference()
    mirror = people.assign(other=1 - people["treat"])
    b = hp.item_count(mirror, "list_b", "other", items=4, design=design).difference()
    np.testing.assert_allclose(got.estimate[1:], [a.estimate[0], b.estimate[0]], rtol=CLOSED)
    np.testing.assert_allclose(got.se[1:], [a.se[0], b.se[0]], rtol=CLOSED)
    assert got.estimate[0] == pytest.approx(got.estimate[1:].mean())
    c = np.array([0, 0.5, 0.5])
    assert got.se[0] == pytest.approx(np.sqrt(c @ got.vcov @ c))


def test_combined_with_a_direct_question_is_more_precise(people: Any) -> None:
    rows = experiment(n=3000)
    rows["direct"] = rows["trait"] * (np.arange(3000) % 2)
    got = hp.item_count(rows, "y", "t").combined("direct").estimates
    assert [d[0] for d in got.domains] == ["combined", "conventional", "direct", "placebo"]
    assert got.se[0] < got.se[1]
    assert abs(got.estimate[0] - rows["trait"].mean()) < 3 * got.se[0]
    assert abs(got.estimate[3] - 1) < 3 * got.se[3]
    with pytest.raises(EstimationError, match="must be 0 or 1"):
        hp.item_count(rows, "y", "t").combined("x")


@pytest.mark.parametrize("method", ["ml", "nls"])
def test_models_recover_their_coefficients(method: str) -> None:
    lists = hp.item_count(experiment(seed=3, n=8_000), "y", "t", items=4)
    got = lists.model(["x"], method)
    assert np.abs((got.sensitive - [-1.2, 0.8]) / got.sensitive_se).max() < 3
    assert np.abs((got.control - [-0.2, 0.3]) / got.control_se).max() < 3
    assert got.prevalence == pytest.approx(0.27, abs=4 * got.prevalence_se)


def test_linear_model_without_covariates_is_the_difference() -> None:
    lists = hp.item_count(experiment(n=500), "y", "t", items=4)
    got = lists.model([], "linear")
    assert got.sensitive[0] == pytest.approx(lists.difference().estimate[0])


def test_maximum_likelihood_is_the_sharper() -> None:
    lists = hp.item_count(experiment(), "y", "t", items=4)
    assert lists.model(["x"]).prevalence_se < lists.difference().se[0]


def test_liars_at_the_ceiling_are_found() -> None:
    rng = np.random.default_rng(8)
    rows = experiment(seed=8, n=12_000)
    high = rng.binomial(4, 0.7, len(rows))
    y = high + rows["t"] * rows["trait"]
    lie = (y == 5) & (rng.random(len(rows)) < 0.5)
    lists = hp.item_count(rows.assign(y=y.where(~lie, 4)), "y", "t", items=4)
    plain, liars = lists.model(["x"]), lists.model(["x"], liars="ceiling")
    assert liars.loglik > plain.loglik + 10
    assert liars.liar_shares[0] == pytest.approx(0.5, abs=0.15)
    assert liars.prevalence > plain.prevalence
    assert liars.prevalence == pytest.approx(rows["trait"].mean(), abs=3 * liars.prevalence_se)


@pytest.mark.parametrize("method", ["ml", "nls", "linear"])
def test_design_based_errors_of_models(method: str) -> None:
    """Rows stand twice: a design that knows it gives larger errors; one that does not, the plain ones."""
    rows = experiment(n=900)
    rows = pd.concat([rows, rows], ignore_index=True).assign(ea=np.tile(np.arange(900), 2), w=2.5)
    plain = hp.item_count(rows, "y", "t", items=4).model(["x"], method)
    clustered = SurveyDesign(weight="w", psu="ea")
    single = SurveyDesign(weight="w")
    with_design, elements = (
        hp.item_count(rows, "y", "t", items=4, design=d).model(["x"], method) for d in (clustered, single)
    )
    np.testing.assert_allclose(with_design.sensitive, plain.sensitive, rtol=1e-4)
    np.testing.assert_allclose(elements.sensitive_se, plain.sensitive_se, rtol=0.2)
    np.testing.assert_allclose(with_design.sensitive_se / elements.sensitive_se, np.sqrt(2), rtol=0.01)


def test_design_effect_is_found_and_not_found() -> None:
    good = hp.item_count(experiment(seed=4), "y", "t", items=4)
    assert good.design_effect_test().p_value > 0.05
    assert "no sign of it" in repr(good.design_effect_test())
    rng = np.random.default_rng(4)
    rows = experiment(seed=4)
    fewer = rng.binomial(4, np.where(rows["t"] == 1, 0.3, 0.55)) + rows["t"] * rows["trait"]
    bad = hp.item_count(rows.assign(y=fewer), "y", "t", items=4).design_effect_test()
    assert "signs that it did, at 5 %" in repr(bad)
    assert bad.p_value < 1e-4
    assert (bad.with_item < 0).any()
    shares = bad.with_item.sum() + bad.without_item.sum()
    assert shares == pytest.approx(1)


@pytest.mark.slow
def test_design_effect_test_holds_its_level() -> None:
    """No trait at all and a working list: moments at zero, the hardest case."""
    rejected = 0
    for s in range(100):
        rng = np.random.default_rng([2, s])
        rows = pd.DataFrame({"t": rng.integers(0, 2, 300), "y": rng.binomial(3, 0.5, 300)})
        rejected += hp.item_count(rows, "y", "t", items=3).design_effect_test().p_value < 0.05
    assert rejected <= 12  # 5 expected at most, and the Bonferroni test is conservative


def test_chi_bar_square_by_simulation() -> None:
    rng = np.random.default_rng(1)
    cov = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.4], [0.2, 0.4, 1.0]])
    draws = rng.multivariate_normal(np.zeros(3), cov, size=400)
    p = np.array([hp.chi_bar_square(d, cov) for d in draws])
    assert (p <= 0.1).mean() == pytest.approx(0.1, abs=0.05)
    assert hp.chi_bar_square(np.array([1.0, 2.0, 3.0]), cov) == 1.0


def test_missing_rows_keep_their_place(people: Any, design: SurveyDesign) -> None:
    rows = people.assign(list_a=people["list_a"].where(people.index % 7 != 0))
    lists = hp.item_count(rows, "list_a", "treat", items=3, design=design)
    got = lists.difference()
    assert got.n[0] == rows["list_a"].notna().sum()
    assert got.df[0] == 21
    assert any("left out" in note for note in got.notes)


@pytest.mark.parametrize(
    ("y", "message"),
    [(6, "more items than the list has"), (-1, "whole number"), (1.5, "whole number")],
)
def test_impossible_counts(y: float, message: str) -> None:
    rows = experiment(n=100).astype({"y": float})
    rows.loc[3, "y"] = y
    with pytest.raises(EstimationError, match=message):
        hp.item_count(rows, "y", "t", items=4)


def test_more_yes_than_items_in_the_control_list() -> None:
    rows = pd.DataFrame({"y": [1, 2, 3, 5], "t": [1, 0, 0, 0]})
    with pytest.raises(EstimationError, match="1 rows of the control list") as caught:
        hp.item_count(rows, "y", "t", items=4)
    assert caught.value.code == "too-many-items"
    with pytest.raises(EstimationError, match="given to nobody"):
        hp.item_count(rows.assign(t=0), "y", "t")
    with pytest.raises(EstimationError, match="coded 0"):
        hp.item_count(rows.assign(t=[1, 2, 1, 2]), "y", "t")
    with pytest.raises(EstimationError, match="unknown method"):
        hp.item_count(experiment(n=50), "y", "t").model(["x"], "probit")
    with pytest.raises(EstimationError, match="collinear"):
        hp.item_count(experiment(n=50).assign(z=1.0), "y", "t").model(["z"])


def test_survey_object_is_taken_as_it_is(people: Any, design: SurveyDesign) -> None:
    got = hp.item_count(Survey(people, design), "list_a", "treat").difference()
    assert got.se[0] == hp.item_count(people, "list_a", "treat", design=design).difference().se[0]
