"""Statuses, bounds, domains, lonely PSUs: what a user relies on."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.estimation import Survey, SurveyDesign


def weighted(sample: pd.DataFrame, rows: pd.Series) -> float:
    return float(sample.loc[rows, "w"].sum())


def test_status_universe_and_bounds(sample: pd.DataFrame, design: SurveyDesign) -> None:
    est = Survey(sample, design).proportion("fl", bounds=True)
    met, unknown = (weighted(sample, sample["fl__status"] == s) for s in ("met", "undetermined"))
    universe = weighted(sample, sample["fl__status"] != "not_applicable")
    assert est.estimate[0] == pytest.approx(met / (universe - unknown))
    assert est.bound_low is not None
    assert est.bound_high is not None
    assert est.bound_ci_low is not None
    assert est.bound_ci_high is not None
    assert est.bound_low[0] == pytest.approx(met / universe)
    assert est.bound_high[0] == pytest.approx((met + unknown) / universe)
    assert est.bound_ci_low[0] < est.bound_low[0] < est.estimate[0] < est.bound_high[0] < est.bound_ci_high[0]
    assert est.n_undetermined[0] == (sample["fl__status"] == "undetermined").sum()


def test_policies_are_the_bounds(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    bounds = survey.proportion("fl", by="sex", bounds=True)
    for policy, bound in (("not_met", bounds.bound_low), ("met", bounds.bound_high)):
        est = survey.proportion("fl", by="sex", undetermined=policy)  # type: ignore[arg-type]
        np.testing.assert_allclose(est.estimate, bound, rtol=1e-12)
        assert any("counted as" in note for note in est.notes)
    low = survey.total("fl", bounds=True)
    assert low.bound_low is not None
    assert low.bound_low[0] == pytest.approx(low.estimate[0])


def test_without_a_status_column_every_gap_is_undetermined(
    sample: pd.DataFrame, design: SurveyDesign
) -> None:
    est = Survey(sample, design).proportion("works")
    assert est.n_undetermined[0] == sample["works"].isna().sum()


def test_levels_are_one_covariance(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    est = survey.proportion("job", by="sex")
    assert est.domain_names == ("sex", "level")
    assert est.domains[0] == ("F", "farm")
    one = survey.proportion("job", by="sex", success="farm", ci="beta")
    both = survey.proportion("job", by="sex", ci="beta")
    k = both.domains.index(("M", "farm"))
    for name in ("estimate", "se", "ci_low", "ci_high", "deff", "df", "n", "n_positive"):
        assert getattr(one, name)[1] == pytest.approx(getattr(both, name)[k], rel=1e-10), name


def test_empty_domain_is_missing_not_zero(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    for est in (survey.total("hours", where={"sex": "X"}), survey.proportion("fl", where={"sex": "X"})):
        assert len(est) == 1
        assert math.isnan(est.estimate[0])
        assert math.isnan(est.ci_high[0])
        assert est.flags[0][0] == "empty_domain"
    assert len(survey.total("hours", by="region", where={"sex": "X"})) == 0


@pytest.mark.parametrize("ci", ["logit", "beta", "wilson", "asin", "mean", "clopper_pearson"])
def test_no_event_has_an_upper_limit(sample: pd.DataFrame, design: SurveyDesign, ci: str) -> None:
    frame = sample.assign(rare=False)
    est = Survey(frame, design).proportion("rare", by="sex", ci=ci)
    for k in range(2):
        assert est.estimate[k] == est.ci_low[k] == 0
        assert est.ci_high[k] == pytest.approx(1 - 0.025 ** (1 / est.n[k]))
        assert {"no_events", "exact_ci"} <= set(est.flags[k])
    assert any("not widened for clustering" in note for note in est.notes)
    every = Survey(frame.assign(rare=True), design).proportion("rare", ci=ci)
    assert every.ci_high[0] == 1
    assert every.ci_low[0] == pytest.approx(0.025 ** (1 / every.n[0]))


def test_one_psu_gives_no_interval(sample: pd.DataFrame) -> None:
    """A domain met in one PSU has z = 0 by construction: no zero-width interval."""
    design = SurveyDesign(weight="w", psu="psu")
    est = Survey(sample, design).proportion("works", where={"psu": 5})
    assert est.se[0] < 1e-12
    assert math.isnan(est.ci_high[0])
    assert {"one_psu", "no_df"} <= set(est.flags[0])


def test_a_proportion_fixed_by_the_design_has_no_width(sample: pd.DataFrame) -> None:
    frame = sample.assign(w=1.0, odd=sample["psu"] % 2 == 1)
    design = SurveyDesign(weight="w", strata="psu")
    est = Survey(frame, design).proportion("odd")
    assert est.ci_low[0] == est.ci_high[0] == pytest.approx(est.estimate[0])
    assert "no_variance" in est.flags[0]


def test_lonely_adjust_does_not_depend_on_how_a_domain_is_said(sample: pd.DataFrame) -> None:
    frame = sample[~sample["psu"].isin([1, 2, 3])]
    survey = Survey(
        frame.assign(part=frame["members"].where(frame["region"] == "south", 0.0)),
        SurveyDesign(weight="w", strata="stratum", psu="psu", lonely_psu="adjust"),
    )
    asked, zeroed = survey.total("members", where={"region": "south"}), survey.total("part")
    assert asked.se[0] == pytest.approx(zeroed.se[0], rel=1e-12)
    assert any("1 stratum holds one PSU" in note for note in asked.notes)


def test_a_certainty_stratum_is_not_lonely(sample: pd.DataFrame) -> None:
    frame = sample[~sample["psu"].isin([1, 2, 3])].assign(fpc=lambda f: np.where(f["stratum"] == 0, 1, 40))
    est = Survey(frame, SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="fpc")).mean("members")
    assert est.se[0] > 0


def test_a_census_of_psus_has_no_variance(sample: pd.DataFrame) -> None:
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="fpc")
    assert Survey(sample.assign(fpc=4), design).total("members").se[0] == 0


def test_df_rules(sample: pd.DataFrame, design: SurveyDesign) -> None:
    survey = Survey(sample, design)
    by_domain = survey.mean("hours", by="region")
    assert by_domain.df.tolist() == [6, 12]
    assert survey.mean("hours", by="region", df="design").df.tolist() == [18, 18]
    normal = survey.mean("hours", df=math.inf)
    assert normal.ci_high[0] == pytest.approx(normal.estimate[0] + 1.959963984540054 * normal.se[0])


def test_normalised_weights_give_no_nonsense_deff(sample: pd.DataFrame, design: SurveyDesign) -> None:
    frame = sample.assign(w=sample["w"] / sample["w"].mean())
    est = Survey(frame, design).mean("hours", deff="wor")
    assert math.isnan(est.deff[0])
    assert any("normalised" in note for note in est.notes)
    assert 0.1 < Survey(frame, design).mean("hours").deff[0] < 10


def test_sparse_and_dense_sums_of_squares_agree() -> None:
    """Many units by many domains take the sparse way, one domain at a time the dense one."""
    rng = np.random.default_rng(1)
    n = 60_000
    frame = pd.DataFrame(
        {"w": 1 + rng.random(n), "psu": np.arange(n) // 5, "g": rng.integers(0, 400, n), "y": rng.random(n)}
    )
    survey = Survey(frame, SurveyDesign(weight="w", psu="psu"))
    many = survey.total("y", by="g")
    two = survey.total("y", by="g", where={"g": [7, 8]})
    np.testing.assert_allclose(many.vcov[np.ix_([7, 8], [7, 8])], two.vcov, rtol=1e-11)


@pytest.mark.parametrize("option", ["average", "certainty", "remove"])
def test_lonely_strata_alone_add_nothing(option: str) -> None:
    """Where no stratum has a variance of its own there is none to average, whatever becomes of domains."""
    rng = np.random.default_rng(1)
    rows = [(h, 10 * h, "ab"[i % 2], rng.gamma(2, 2), i // 3 % 2) for h in range(5) for i in range(8)]
    data = pd.DataFrame(rows, columns=["h", "ea", "sex", "w", "y"])
    for domains in (False, True):
        design = SurveyDesign(
            weight="w", strata="h", psu="ea", lonely_psu=option, adjust_domain_lonely=domains
        )
        est = Survey(data, design).mean("y", by="sex")
        assert est.se.tolist() == [0.0, 0.0]
        assert all("no_variance" in flags for flags in est.flags)
