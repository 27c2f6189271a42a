"""The sample: exact probabilities, unbiased weights, clustered estimates, and a file like an office's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.datasets import ItemNonresponse, SimulatedCountry, SimulatedSurvey, simulate_country
from survey_toolkit.datasets.country.geography import make_areas
from survey_toolkit.datasets.country.profile import CountryProfile
from survey_toolkit.datasets.country.sampling import allocate, draw_households, inclusion_probabilities
from survey_toolkit.datasets.country.truth import true_statuses
from survey_toolkit.errors import DesignError, SurveyToolkitError
from survey_toolkit.microdata.model import Microdata

VARIABLES = ("child_labour_a", "child_labour_b", "child_marriage_18", "forced_labour")


def _population(country: SimulatedCountry) -> pd.DataFrame:
    """True statuses of every person: null outside the universe."""
    out = country.persons[["household_id", "line"]].rename(
        columns={"household_id": "hh_id", "line": "person_id"}
    )
    for status in true_statuses(country.persons, country.jobs):
        if status.version != "mics6":
            out[status.variable] = np.where(status.universe, status.met.astype(float), np.nan)
    return out


def _with_truth(country: SimulatedCountry, survey: SimulatedSurvey) -> pd.DataFrame:
    design = survey.household.frame[["hh_id", "ea", "stratum", "weight"]].astype(float)
    persons = survey.person.frame[["hh_id", "person_id"]].astype(int)
    return persons.merge(design, on="hh_id").merge(
        _population(country), on=["hh_id", "person_id"], validate="1:1"
    )


def _ratio(frame: pd.DataFrame, variable: str) -> tuple[float, float, float]:
    """Weighted proportion, its Taylor standard error with areas as drawn with replacement, design effect."""
    y, w = frame[variable], frame["weight"]
    inside = y.notna()
    p = float((w * y)[inside].sum() / w[inside].sum())
    score = (w * (y - p)).where(inside, 0.0) / w[inside].sum()
    total = score.groupby([frame["stratum"], frame["ea"]]).sum()
    per_stratum = total.groupby(level=0)
    n = per_stratum.transform("size")
    variance = float((n / (n - 1) * (total - per_stratum.transform("mean")) ** 2).sum())
    deff = variance / (p * (1 - p) / int(inside.sum()))
    return p, float(np.sqrt(variance)), deff


def test_the_same_seed_gives_the_same_sample(country: SimulatedCountry) -> None:
    one, two = (country.draw_sample(seed=4, n_areas=60) for _ in range(2))
    other = country.draw_sample(seed=5, n_areas=60)
    for level in ("household", "person", "job"):
        pd.testing.assert_frame_equal(getattr(one, level).frame, getattr(two, level).frame)
    assert set(one.household.frame["ea"]) != set(other.household.frame["ea"])


def test_weights_are_the_inverse_of_the_probabilities(country: SimulatedCountry) -> None:
    households = country.draw_sample(seed=1, n_areas=80).household.frame.astype(
        {"ea_prob": float, "weight": float}
    )
    expected = households["ea_listed"] / households["ea_done"] / households["ea_prob"]
    assert np.allclose(households["weight"], expected.astype(float), rtol=1e-12)
    assert (households.groupby("ea").size() == households.groupby("ea")["ea_done"].first()).all()
    listed = country.enumeration_areas.set_index("area_id")["households"]
    assert (households["ea_listed"].to_numpy() == listed.loc[households["ea"]].to_numpy()).all()
    assert households["weight"].max() / households["weight"].min() > 2
    assert (households.groupby("stratum")["ea"].nunique() >= 2).all()
    assert households["ea"].nunique() == 80
    assert not households["hh_id"].duplicated().any()


def test_areas_are_drawn_with_their_probability() -> None:
    areas = make_areas(3, 20_000, CountryProfile())
    draws = 400
    hits = np.zeros(len(areas))
    chance = np.zeros(len(areas))
    for seed in range(draws):
        sample = draw_households(seed, areas, n_areas=30, take=5, nonresponse=False)
        chosen, first = np.unique(sample.area, return_index=True)
        hits[chosen] += 1
        chance[chosen] = sample.area_probability[first]
    seen = (chance > 0) & (chance < 1)
    z = (hits - draws * chance)[seen] / np.sqrt(draws * chance * (1 - chance))[seen]
    assert np.abs(z).max() < 4.5
    assert (hits[chance == 1] == draws).all()


def test_weighted_totals_are_unbiased_over_repeated_samples(country: SimulatedCountry) -> None:
    _check_totals(country, draws=40, n_areas=60)


@pytest.mark.slow
def test_weighted_totals_are_unbiased_over_many_samples(country: SimulatedCountry) -> None:
    _check_totals(country, draws=400, n_areas=100)


def _check_totals(country: SimulatedCountry, *, draws: int, n_areas: int) -> None:
    """Means over draws within 4 standard errors of the truth, and in the neighbourhood of it at all."""
    persons = _population(country)
    persons["person"] = 1.0
    households = persons.groupby("hh_id")[["person", *VARIABLES]].sum()
    estimates = []
    for seed in range(draws):
        frame = country.draw_sample(seed=seed, n_areas=n_areas, households_per_area=10).household.frame
        weight = frame["weight"].to_numpy(dtype=float)
        estimates.append(weight @ households.loc[frame["hh_id"].to_numpy(dtype=int)].to_numpy())
    ratio = np.array(estimates) / households.sum().to_numpy()
    error = ratio.mean(axis=0) - 1
    assert (np.abs(error) < 4 * ratio.std(axis=0, ddof=1) / np.sqrt(draws)).all()
    assert abs(error[0]) < 0.02


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say(country: SimulatedCountry) -> None:
    draws = 200
    covered = dict.fromkeys(VARIABLES, 0)
    for seed in range(draws):
        frame = _with_truth(country, country.draw_sample(seed=seed, n_areas=80, households_per_area=15))
        for variable in VARIABLES:
            p, se, _ = _ratio(frame, variable)
            covered[variable] += abs(p - country.true_value(variable)) < 2.0 * se
    for variable in VARIABLES:
        # The areas are drawn without replacement: a little above the nominal level.
        assert 0.89 < covered[variable] / draws <= 1.0, variable


def test_design_effects_are_above_one() -> None:
    country = simulate_country(seed=21, n_persons=300_000)
    frame = _with_truth(country, country.draw_sample(seed=2))
    for variable in VARIABLES:
        p, se, deff = _ratio(frame, variable)
        assert deff > 1.0, variable
        assert abs(p - country.true_value(variable)) < 4 * se, variable
    assert _ratio(frame, "child_labour_a")[2] > 2.0


def test_every_code_in_the_files_is_labelled_or_a_number(country: SimulatedCountry) -> None:
    survey = country.draw_sample(seed=1, n_areas=100)
    for level in ("household", "person", "job"):
        data: Microdata = getattr(survey, level)
        assert data.level == level
        assert list(data.variables) == [c for c in data.frame.columns if not c.endswith("__missing")]
        assert not data.frame.duplicated(list(data.keys)).any()
        for variable in data.variables.values():
            assert variable.label
            assert len(variable.label) <= 80  # Stata keeps no more
            labels = set(variable.value_labels)
            missing = {code.low for code in variable.missing}
            assert missing <= labels
            found = set(data.frame[variable.name].dropna())
            if labels - missing:
                assert found <= labels, variable.name


def test_skip_patterns_hold(country: SimulatedCountry) -> None:
    person = country.draw_sample(seed=1, n_areas=100).person.frame
    age = person["q104_age"]
    child = age.between(5, 17)
    for name in [c for c in person.columns if c.startswith("c3") and not c.endswith("hrs")]:
        assert (person[name].notna() == child).all()
    gates = (
        ("c304_workhrs", ["c301_farm", "c302_business", "c303_paid"]),
        ("c306_waterhrs", ["c305_water"]),
        ("c308_woodhrs", ["c307_wood"]),
        ("c313_chorehrs", ["c309_cook", "c310_clean", "c311_laundry", "c312_care"]),
        ("m402_unionage", ["m401_union"]),
    )
    for hours, items in gates:
        asked = person[items].notna().all(axis=1) & ~(person[items] == 2).all(axis=1)
        assert (person[hours].notna() == asked).all(), hours
    women = (person["q103_sex"] == 2) & age.between(15, 49)
    assert (person["m401_union"].notna() == women).all()
    assert (person["j500_njobs"].notna() == (age >= 15)).all()


def test_the_job_file_has_the_jobs_the_person_file_counts(country: SimulatedCountry) -> None:
    survey = country.draw_sample(seed=1, n_areas=100)
    counted = survey.person.frame.set_index(["hh_id", "person_id"])["j500_njobs"].dropna()
    listed = survey.job.frame.groupby(["hh_id", "person_id"]).size()
    assert (counted[counted > 0].astype(int).sort_index() == listed.sort_index()).all()


def _from_answers(survey: SimulatedSurvey) -> pd.DataFrame:
    """Statuses from the raw answers, three-valued, by hand: 1 met, 0 not met, null undetermined."""
    person = survey.person.frame.astype(float)
    age = person["q104_age"]

    def yes(frame: pd.DataFrame, names: list[str]) -> pd.Series[float]:
        some, none = (frame[names] == 1).any(axis=1), (frame[names] == 2).all(axis=1)
        return pd.Series(np.where(some, 1.0, np.where(none, 0.0, np.nan)), index=frame.index)

    works = yes(person, ["c301_farm", "c302_business", "c303_paid"])
    hours = person["c304_workhrs"].where(person["c304_workhrs"] < 98)
    limit = np.where(age <= 11, 0.5, np.where(age <= 14, 13.5, 43.5))
    a = pd.Series(np.where(hours.isna(), np.nan, hours > limit), index=person.index)
    a = a.where(works == 1, works.where(works == 0)).where(age.between(5, 17))
    jobs = survey.job.frame.astype(float)
    inv = yes(jobs, [f"j51{i}" for i in range(1, 10)])
    pen = yes(jobs, [f"j52{i}" for i in range(1, 7)])
    free = (jobs["j530_duty"] == 0).astype(float).where(jobs["j530_duty"] != 9)
    parts = pd.concat([inv, pen, free], axis=1)
    forced = pd.Series(
        np.where((parts == 0).any(axis=1), 0.0, np.where((parts == 1).all(axis=1), 1.0, np.nan)),
        index=jobs.index,
    )
    lifted = forced.groupby([jobs["hh_id"], jobs["person_id"]]).agg(
        lambda s: 1.0 if (s == 1).any() else (np.nan if s.isna().any() else 0.0)
    )
    ever, union = person["m401_union"], person["m402_unionage"]
    married = pd.Series(np.where(union < 98, union < 18, np.nan), index=person.index)
    married = married.where(ever == 1, (ever == 2).astype(float).where(ever == 2) * 0.0)
    out = person[["hh_id", "person_id"]].assign(
        child_labour_a=a,
        child_marriage_18=married.where((person["q103_sex"] == 2) & age.between(20, 24)),
    )
    out = out.merge(lifted.rename("forced_labour").reset_index(), on=["hh_id", "person_id"], how="left")
    no_job = (person["j500_njobs"] == 0).to_numpy()
    out.loc[no_job, "forced_labour"] = 0.0
    out.loc[(age < 18).to_numpy(), "forced_labour"] = np.nan
    return out


def test_perfect_answers_give_the_true_statuses(country: SimulatedCountry) -> None:
    survey = country.draw_sample(seed=3, n_areas=100, lost=ItemNonresponse.none())
    answers, truth = _from_answers(survey), _with_truth(country, survey)
    for variable in ("child_labour_a", "child_marriage_18", "forced_labour"):
        np.testing.assert_array_equal(answers[variable].to_numpy(), truth[variable].to_numpy())


def test_lost_answers_make_few_undetermined_and_none_wrong(country: SimulatedCountry) -> None:
    survey = country.draw_sample(seed=3, n_areas=120)
    answers, truth = _from_answers(survey), _with_truth(country, survey)
    for variable in ("child_labour_a", "child_marriage_18", "forced_labour"):
        known, inside = answers[variable].notna(), truth[variable].notna()
        assert (answers.loc[known, variable] == truth.loc[known, variable]).all()
        undetermined = 1 - known.sum() / inside.sum()
        assert 0.001 < undetermined < 0.04, variable


def test_impossible_samples_are_refused(small_country: SimulatedCountry) -> None:
    with pytest.raises(DesignError, match="cannot be drawn") as info:
        small_country.draw_sample(n_areas=10_000)
    assert "two a stratum" in str(info.value)
    with pytest.raises(DesignError):
        small_country.draw_sample(n_areas=5)
    with pytest.raises(SurveyToolkitError, match="at least one household"):
        small_country.draw_sample(n_areas=30, households_per_area=0)


def test_probabilities_and_allocation_add_up() -> None:
    size = np.array([5, 5, 10, 400, 7, 900])
    chance = inclusion_probabilities(size, 4)
    assert chance.sum() == pytest.approx(4)
    assert chance.max() == 1.0
    assert chance[2] == pytest.approx(2 * chance[0])
    out = allocate(100, np.array([1.0, 2.0, 7.0]), np.array([50, 50, 60]))
    assert out.sum() == 100
    assert (out <= [50, 50, 60]).all()
