"""Models, tables, comparisons and change: invariances, engines, honesty where R fails, bad input."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Survey, SurveyDesign, change, combine, ratio_of, t_test, wald_test
from survey_toolkit.estimation.chi_square_sums import chi_square_sf, f_sf, weighted_sum_sf
from survey_toolkit.estimation.formula import parse_formula


def message(excinfo: pytest.ExceptionInfo[Exception], *parts: str) -> None:
    text = str(excinfo.value)
    for part in parts:
        assert part in text, text


def everything(survey: Survey) -> list[float]:
    """One number or more of every kind of question."""
    model = survey.glm("works ~ sex + C(age_band) + members", "binomial", where={"region": "south"})
    table = survey.crosstab("job", "sex", test="F", margin="row")
    margins = model.margins("sex")
    tests = [
        model.wald_test("C(age_band)"),
        model.wald_test(method="working"),
        table.test,
        survey.crosstab("job", "works", test="adjWald").test,
        survey.ttest("hours", "sex"),
        survey.ttest("hours", paired="members"),
        survey.ranktest("members", "sex"),
        survey.ranktest("hours", "job", test="vanderWaerden"),
    ]
    return [
        *model.estimate,
        *model.se,
        *margins.estimate,
        *margins.se,
        *table.share.reshape(-1),
        *table.se.reshape(-1),
        *table.ci_high.reshape(-1),
        *(test.statistic for test in tests),
        *(test.p_value for test in tests),
        model.n,
        model.df,
    ]


def test_engines_agree(sample: pd.DataFrame, design: SurveyDesign, as_frame: Any) -> None:
    np.testing.assert_allclose(
        everything(Survey(as_frame(sample), design)), everything(Survey(sample, design)), rtol=1e-9
    )


@settings(max_examples=5, deadline=None)
@given(scale=st.floats(1e-3, 1e4), seed=st.integers(0, 1000))
def test_weights_times_a_constant_and_the_order_of_rows_change_nothing(scale: float, seed: int) -> None:
    rng = np.random.default_rng(3)
    n = 300
    frame = pd.DataFrame(
        {
            "h": np.repeat(np.arange(6), 50),
            "u": np.repeat(np.arange(30), 10),
            "w": rng.gamma(3, 40, n),
            "x": rng.normal(size=n).round(1),
            "g": rng.choice(["a", "b", "c"], n),
            "y": rng.random(n) < 0.3,
        }
    )

    def answer(data: pd.DataFrame) -> list[float]:
        survey = Survey(data, SurveyDesign(weight="w", strata="h", psu="u"))
        model = survey.glm("y ~ x + g", "binomial")
        tests = [
            survey.crosstab("g", "y").test,
            survey.ranktest("x", "g"),
            model.wald_test("g", method="rao_scott"),
        ]
        return [*model.estimate, *model.se, *(t.statistic for t in tests), *(t.p_value for t in tests)]

    changed = frame.assign(w=frame["w"] * scale, h=frame["h"].map(lambda h: f"s{5 - h}"))
    np.testing.assert_allclose(
        answer(changed.sample(frac=1, random_state=seed)), answer(frame), rtol=1e-7, atol=1e-10
    )


def test_a_gaussian_model_of_a_constant_is_the_mean(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    model, mean = survey.glm("hours ~ 1"), survey.mean("hours")
    assert (model.estimate[0], model.se[0]) == (pytest.approx(mean.estimate[0]), pytest.approx(mean.se[0]))
    assert model.df == mean.df[0]
    groups = survey.glm("hours ~ sex", where=nw.col("age_band") > 5)
    domains = survey.mean("hours", by="sex", where=nw.col("age_band") > 5)
    assert groups.estimate[1] == pytest.approx(domains.difference("M", "F").estimate[0])
    assert groups.se[1] == pytest.approx(domains.difference("M", "F").se[0])
    assert survey.ttest("hours", "sex", nw.col("age_band") > 5).se == pytest.approx(groups.se[1])


def test_replicates_reach_every_question(sample: pd.DataFrame, design: SurveyDesign) -> None:
    """The jackknife of a smooth statistic is near its linearisation."""
    taylor = everything(Survey(sample, design))
    jackknife = everything(Survey(sample, design).replicate("JKn"))
    assert not np.isnan(jackknife).any()
    model = Survey(sample, design).replicate("JKn").glm("works ~ sex + members", "binomial")
    linear = Survey(sample, design).glm("works ~ sex + members", "binomial")
    np.testing.assert_allclose(model.se, linear.se, rtol=0.1)
    assert "replicates" in model.method
    assert len(taylor) == len(jackknife)


def test_calibrated_weights_reach_a_model(sample: pd.DataFrame, design: SurveyDesign) -> None:
    """Calibrated to the sexes, their shares have no variance left, in a mean as in a model."""
    frame = sample.assign(female=(sample["sex"] == "F").astype(float))
    survey = Survey(frame, design)
    totals = survey.total("sex")
    known = {"sex": {d[0]: float(v) * 1.1 for d, v in zip(totals.domains, totals.estimate, strict=True)}}
    calibrated = survey.rake(known)
    assert calibrated.glm("female ~ 1").se[0] < 1e-9 < survey.glm("female ~ 1").se[0]
    assert calibrated.glm("hours ~ 1").se[0] == pytest.approx(calibrated.mean("hours").se[0], rel=1e-9)


def test_tiny_p_values_are_not_zero() -> None:
    """1 - cdf is 0.0 below 1e-16 (svy 0.35 gives that for 5.1e-44)."""
    assert chi_square_sf(500.0, 3.0) == pytest.approx(4.77e-108, rel=1e-2)
    assert f_sf(200.0, 2.0, 100.0) == pytest.approx(5.0**-50, rel=1e-12)
    assert 0 < weighted_sum_sf(900.0, np.array([1.0, 2.0]), 1e6) < 1e-60
    rng = np.random.default_rng(1)
    n = 4000
    frame = pd.DataFrame({"u": np.arange(n) // 4, "w": 1.0, "g": rng.choice(["a", "b"], n)})
    frame["y"] = (rng.random(n) < np.where(frame["g"] == "a", 0.2, 0.7)).astype(int)
    survey = Survey(frame, SurveyDesign(weight="w", psu="u"))
    for test in ("F", "Chisq", "Wald", "adjWald", "exact", "saddlepoint"):
        assert 0 < survey.crosstab("g", "y", test=test).test.p_value < 1e-40, test
    assert 0 < survey.glm("y ~ g", "binomial").p_value[1] < 1e-40


def test_weighted_sums_against_simulation() -> None:
    rng = np.random.default_rng(7)
    weights = np.array([0.4, 1.0, 2.6])
    sums = rng.chisquare(1, (400_000, 3)) @ weights
    for x, nu in ((2.0, np.inf), (9.0, np.inf), (9.0, 12.0)):
        denominator = 1.0 if np.isinf(nu) else rng.chisquare(nu, len(sums)) / nu
        simulated = (sums / denominator > x).mean()
        assert weighted_sum_sf(x, weights, nu) == pytest.approx(simulated, abs=0.003)


def test_ranks_of_ties_do_not_depend_on_the_order_of_rows() -> None:
    """R's svyranktest on its own api data: t = 1.8812 in one order of the rows, 1.8849 in another."""
    rng = np.random.default_rng(2)
    n = 400
    frame = pd.DataFrame(
        {"w": rng.gamma(1, 50, n) + 1, "y": rng.integers(0, 6, n), "g": rng.integers(0, 2, n)}
    )
    frame["y"] += frame["g"] * (rng.random(n) < 0.2)
    shuffled = frame.sample(frac=1, random_state=1)
    design = SurveyDesign(weight="w")
    ours = [Survey(f, design).ranktest("y", "g").statistic for f in (frame, shuffled)]
    as_r = [Survey(f, design).ranktest("y", "g", ties="row_order").statistic for f in (frame, shuffled)]
    assert ours[0] == pytest.approx(ours[1], rel=1e-12)
    assert abs(as_r[0] - as_r[1]) > 1e-4
    distinct = frame.assign(y=frame["y"] + rng.random(n) / 10)
    one = Survey(distinct, design)
    assert one.ranktest("y", "g").statistic == pytest.approx(
        one.ranktest("y", "g", ties="row_order").statistic
    )


def test_separation_is_an_error_that_names_the_group(sample: pd.DataFrame, design: SurveyDesign) -> None:
    """R warns at most, and prints a coefficient of -18 with a standard error."""
    frame = sample.assign(works=sample["works"].where(sample["job"] != "farm", False))
    for family in ("binomial", "poisson"):
        with pytest.raises(EstimationError) as e:
            Survey(frame, design).glm("works ~ job + members", family)
        message(e, "perfect separation", "job[T.", "join levels")
    line = sample.assign(y=(sample["members"] > 4).astype(int))
    with pytest.raises(EstimationError, match=r"members: perfect separation"):
        Survey(line, design).glm("y ~ members", "binomial")


def test_a_rare_outcome_is_no_separation() -> None:
    rng = np.random.default_rng(4)
    n = 20_000
    frame = pd.DataFrame({"u": np.arange(n) // 50, "w": 1.0, "x": rng.normal(size=n)})
    frame["y"] = (rng.random(n) < 0.001).astype(int)
    model = Survey(frame, SurveyDesign(weight="w", psu="u")).glm("y ~ x", "binomial")
    assert -8 < model.estimate[0] < -6


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("hours", ("needs one outcome", "outcome ~ covariates")),
        ("hours ~ open('x')", ("not allowed", "open('x')")),
        ("hours ~ sex.__class__", ("not allowed",)),
        ("hours ~ I((lambda: 1)())", ("not allowed",)),
        ("hours ~ lgo(members)", ("not allowed", "'log'")),
        ("hours ~ membres", ("no such column", "'members'")),
        ("hours + members ~ sex", ("needs one outcome", "I(...)")),
        ("job ~ sex", ("outcome is a category", "I(job == 'code')")),
        ("hours ~ members + I(2*members)", ("follows from the others", "I(2 * members)")),
        ("hours ~ log(members - 1)", ("evaluated",)),
        ("hours ~ sex +", ("cannot be read",)),
    ],
)
def test_bad_formulas(
    sample: pd.DataFrame, design: SurveyDesign, formula: str, parts: tuple[str, ...]
) -> None:
    with pytest.raises(EstimationError) as e:
        Survey(sample, design).glm(formula)
    message(e, *parts)


def test_a_formula_evaluates_nothing_but_its_columns() -> None:
    for code in ("__import__('os').system('true')", "[x for x in y]", "x if y else z", "f'{x}'"):
        with pytest.raises(EstimationError):
            parse_formula(f"y ~ {code}")


def test_bad_models(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    cases: list[tuple[Any, tuple[str, ...]]] = [
        (lambda: survey.glm("works ~ sex", "binomail"), ("unknown family", "'binomial'")),
        (lambda: survey.glm("works ~ sex", "binomial", "logti"), ("unknown link", "'logit'")),
        (lambda: survey.glm("hours ~ sex", "binomial"), ("does not suit the family", "0 to 1")),
        (lambda: survey.glm("I(hours - 100) ~ sex", "poisson"), ("does not suit the family", "0 or more")),
        (lambda: survey.glm("works ~ sex", "binomial", where={"works": [False]}), ("does not vary",)),
        (lambda: survey.glm("hours ~ sex", where={"region": "east"}), ("no row has all variables",)),
        (lambda: survey.glm("hours ~ sex").wald_test("region"), ("no such term", "sex")),
        (lambda: survey.glm("hours ~ sex").wald_test(method="lrt"), ("unknown test", "rao_scott")),
        (lambda: survey.glm("hours ~ sex").margins("region"), ("not in the model",)),
        (lambda: survey.glm("hours ~ sex").margins("sex", ["X"]), ("no such level", "F, M")),
        (lambda: survey.glm("hours ~ sex").exponentiated(), ("identity", "logit or log")),
        (lambda: survey.crosstab("sex", "sex"), ("needs two variables",)),
        (lambda: survey.crosstab("sex", "hours"), ("needs categories", "hours")),
        (lambda: survey.crosstab("sex", "job", {"sex": "F"}), ("needs categories", "1 levels")),
        (lambda: survey.crosstab("sex", "job", test="f"), ("unknown test of independence",)),
        (lambda: survey.crosstab("sex", "job", margin="col"), ("unknown margin", "column")),  # type: ignore[arg-type]
        (lambda: survey.ttest("hours", "job"), ("has not two levels", "3 levels", "where=")),
        (lambda: survey.ttest("hours", "sex", paired="members"), ("not both",)),
        (lambda: survey.ttest("job", "sex"), ("not numeric",)),
        (lambda: survey.ranktest("hours", "sex", test="mann"), ("unknown rank test",)),
        (lambda: t_test(survey.mean("hours", by="sex")), ("needs one estimate", "difference()")),
        (lambda: wald_test(survey.mean("hours", by="sex"), np.ones((1, 3))), ("do not fit",)),
    ]
    for call, parts in cases:
        with pytest.raises(EstimationError) as e:
            call()
        message(e, *parts)


def test_missing_values_are_counted(sample: pd.DataFrame, design: SurveyDesign) -> None:
    model = Survey(sample, design).glm("works ~ job", "binomial", where={"sex": "F"})
    women = sample[sample["sex"] == "F"]
    missing = int((women["works"].isna() | women["job"].isna()).sum())
    assert model.n == len(women) - missing
    assert model.notes[0].startswith(f"{missing} rows have no value of works, job")


def test_shares_of_rows_add_up_and_agree_with_proportions(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    table = survey.crosstab("sex", "job", margin="row")
    np.testing.assert_allclose(table.share.sum(axis=1), 1.0)
    direct = survey.proportion("job", by="sex")
    np.testing.assert_allclose(table.share.reshape(-1), direct.estimate, rtol=1e-12)
    np.testing.assert_allclose(table.se.reshape(-1), direct.se, rtol=1e-9)
    frame = table.to_frame()
    assert list(frame.columns[:3]) == ["sex", "job", "share"]
    assert frame["n"].sum() == sample["job"].notna().sum()
    assert "<script" not in Survey(sample.assign(job="<script>" + sample["sex"]), design).crosstab(
        "sex", "job"
    )._repr_html_().replace("&lt;script", "")


def test_functions_of_estimates(sample: pd.DataFrame, design: SurveyDesign) -> None:
    p = Survey(sample, design).proportion("works", by="sex")
    ratio = ratio_of(p, "M", "F")
    log = combine(p, lambda v: {"log": np.log(v["M"] / v["F"]), "sum": v["M"] + v["F"]})
    assert log.se[0] == pytest.approx(ratio.se[0] / ratio.estimate[0], rel=1e-12)
    assert log.estimate[1] == pytest.approx(p.estimate.sum())
    assert log.domains == (("log",), ("sum",))
    one = p.difference("M", "F")
    assert wald_test(p).p_value == pytest.approx(t_test(one).p_value, rel=1e-9)
    assert wald_test(p).statistic == pytest.approx(t_test(one).statistic ** 2, rel=1e-9)
    with pytest.raises(EstimationError) as e:
        combine(p, lambda v: abs(v["M"] - v["F"]))
    message(e, "cannot be differentiated")
    with pytest.raises(EstimationError) as e:
        combine(p, lambda v: v["X"])
    message(e, "no such domain", "F; M")


@pytest.fixture
def rounds(sample: pd.DataFrame, design: SurveyDesign) -> tuple[pd.DataFrame, SurveyDesign]:
    rng = np.random.default_rng(11)
    later = sample.assign(hours=sample["hours"] + 1 + rng.normal(0, 1, len(sample)))
    return later, design


def test_change_between_rounds(sample: pd.DataFrame, rounds: tuple[pd.DataFrame, SurveyDesign]) -> None:
    later, design = rounds
    first, second = Survey(sample, design), Survey(later, design)
    apart = change(first, second, "mean", "hours", by="sex")
    same = change(first, second, "mean", "hours", by="sex", overlap="psu")
    a, b = first.mean("hours", by="sex"), second.mean("hours", by="sex")
    np.testing.assert_allclose(apart.se**2, a.se**2 + b.se**2)
    np.testing.assert_allclose(apart.estimate, b.estimate - a.estimate)
    assert (same.se < 0.5 * apart.se).all()
    stacked = pd.concat([sample.assign(round=1), later.assign(round=2)])
    both = Survey(stacked, design).mean("hours", by=["sex", "round"])
    for k, sex in enumerate("FM"):
        assert same.se[k] == pytest.approx(both.difference((sex, 2), (sex, 1)).se[0], rel=1e-9)
    assert (apart.df > same.df).all()


def test_change_with_replaced_units_lies_between(
    sample: pd.DataFrame, rounds: tuple[pd.DataFrame, SurveyDesign]
) -> None:
    later, design = rounds
    fresh = later.assign(psu=later["psu"].where(later["psu"] % 4 != 0, later["psu"] + 1000))
    first, second = Survey(sample, design), Survey(fresh, design)
    errors = [
        change(first, other, "proportion", "fl", overlap=overlap).se[0]  # type: ignore[arg-type]
        for other, overlap in ((Survey(later, design), "psu"), (second, "psu"), (second, "none"))
    ]
    assert errors[0] < errors[1] < errors[2]
    part = change(first, second, "proportion", "fl", overlap="psu")
    assert "18 PSUs are in both rounds, of 24 and 24" in part.notes


def test_bad_changes(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    other = Survey(sample.assign(psu=sample["psu"] + 100, sex=sample["sex"].str.lower()), design)
    cases: list[tuple[Any, tuple[str, ...]]] = [
        (lambda: change(survey, other, "mean", "hours", overlap="psu"), ("share no PSU", "check the codes")),
        (lambda: change(survey, other, "mean", "hours", by="sex"), ("no domain in common",)),
        (lambda: change(survey, survey, "proportion", "job"), ("success=",)),
        (lambda: change(survey, survey, "ratio", "hours"), ("denominator",)),
        (lambda: change(survey, survey, "median", "hours"), ("unknown option", "mean")),  # type: ignore[arg-type]
    ]
    for call, parts in cases:
        with pytest.raises(EstimationError) as e:
            call()
        message(e, *parts)
    only = Survey(sample, SurveyDesign(weight="w"))
    with pytest.raises(EstimationError, match="known through PSU codes"):
        change(only, only, "mean", "hours", overlap="psu")
