"""Reliability rules at their boundaries; expected verdicts are those of the published standards."""

import math

import pytest

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators import Figure, Figures, apply_quality, assess
from survey_toolkit.indicators.quality import korn_graubard


def make(k, n, *, deff=1.0, df=100.0, **changes):
    p = k / n
    se = math.sqrt(p * (1 - p) / n * deff)
    values = {
        "id": "x", "indicator": "x", "series": "x", "label": "x", "variable": "x", "country": "KHM",
        "period": "2024",
        "statistic": "proportion", "unit": "PT", "value": p, "se": se, "cv": se / p if p else None, "n": n,
        "n_positive": k, "df": df, "deff": deff,
    }  # fmt: skip
    return Figure(**{**values, **changes})


@pytest.mark.parametrize(
    ("n", "quality"),
    [(24, "not_publishable"), (25, "low_reliability"), (49, "low_reliability"), (50, "reliable")],
)
def test_mics_counts_the_denominator(n, quality):
    assert assess(make(n // 2, n), "mics").quality == quality


@pytest.mark.parametrize(
    ("cv", "quality"),
    [(0.165, "reliable"), (0.166, "low_reliability"), (0.333, "low_reliability"), (0.334, "not_publishable")],
)
def test_cv_thresholds(cv, quality):
    assert assess(make(100, 1000, cv=cv), "cv").quality == quality


@pytest.mark.parametrize(("k", "quality"), [(9, "low_reliability"), (10, "reliable"), (0, "low_reliability")])
def test_default_wants_ten_positive_cases(k, quality):
    assert assess(make(k, 5000)).quality == quality


@pytest.mark.parametrize(("df", "quality"), [(7, "low_reliability"), (8, "reliable")])
def test_default_wants_eight_degrees_of_freedom(df, quality):
    assert assess(make(100, 1000, df=df)).quality == quality


@pytest.mark.parametrize(("undetermined", "quality"), [(111, "reliable"), (112, "low_reliability")])
def test_default_flags_ten_percent_undetermined(undetermined, quality):
    assert assess(make(100, 1000, n_undetermined=undetermined)).quality == quality


def test_default_keeps_the_worst_and_all_reasons():
    verdict = assess(make(3, 20, df=4))
    assert verdict.quality == "not_publishable"
    assert len(verdict.reasons) == 3


@pytest.mark.parametrize(
    ("n", "quality"), [(29, "not_publishable"), (30, "not_publishable"), (400, "reliable")]
)
def test_nchs_sample_size(n, quality):
    assert assess(make(n // 2, n), "nchs-2017").quality == quality


def test_nchs_effective_sample_size_below_30():
    verdict = assess(make(150, 300, deff=11), "nchs-2017")
    assert verdict.quality == "not_publishable"
    assert "effective 27" in verdict.reasons[0]


def test_nchs_relative_width_above_130_percent():
    verdict = assess(make(2, 100), "nchs-2017")
    assert verdict.quality == "not_publishable"
    assert "above 130 %" in verdict.reasons[0]


def test_nchs_does_not_protect_rare_prevalence():
    # One positive among 1,381 passes the proportions rule; the default of the toolkit does not let it pass.
    assert assess(make(1, 1381), "nchs-2017").quality == "reliable"
    assert assess(make(1, 1381)).quality == "low_reliability"


def test_nchs_complement_is_a_footnote():
    verdict = assess(make(98, 100), "nchs-2017")
    assert verdict.quality == "reliable"
    assert "complement" in verdict.reasons[0]


@pytest.mark.parametrize(("k", "n"), [(0, 2000), (2000, 2000)])
def test_nchs_reviews_none_and_all(k, n):
    assert assess(make(k, n), "nchs-2017").quality == "low_reliability"


def test_the_rules_disagree_where_prevalence_is_rare():
    # 13 positives of 7,363: 0.27 %, coefficient of variation 34 %.
    figure = make(13, 7363, se=0.00093, cv=0.34, value=0.00274)
    assert assess(figure, "nchs-2017").quality == "reliable"
    assert assess(figure, "cv").quality == "not_publishable"
    assert assess(figure).quality == "reliable"


def test_korn_graubard_values():
    # 0 of 174: upper limit without df adjustment, as the NCHS text has it.
    assert korn_graubard(0, 174, 174, 22)[1] == pytest.approx(0.0210, abs=5e-5)
    low, high = korn_graubard(1.0, 50, 50, 30)
    assert (round(low, 4), high) == (0.9289, 1.0)


def test_model_interval():
    common = {"statistic": "population_size", "unit": "NUMBER", "value": 100.0, "n_positive": 40}
    assert assess(make(1, 50, ci_low=60, ci_high=200, **common)).quality == "reliable"
    assert assess(make(1, 50, ci_low=60, ci_high=260, **common)).quality == "low_reliability"
    assert assess(make(1, 50, ci_low=60, ci_high=None, **common)).quality == "not_publishable"


def test_marks_and_status():
    good, low, none = make(100, 1000), make(4, 1000, id="y"), make(100, 1000, id="z", value=None)
    marked = apply_quality(Figures([good, low, none]))
    assert [f.obs_status for f in marked] == ["A", "U", "O"]
    assert marked[1].value == low.value, "judging must not hide: disclosure control needs the counts"
    assert marked[1].reasons == ("4 positive cases, fewer than 10",)


def test_unknown_policy():
    with pytest.raises(SurveyToolkitError, match="did you mean 'mics'"):
        assess(make(1, 2), "mic")
