"""The hidden side of the simulated country: its truth agrees with itself, and its answers with the truth."""

from __future__ import annotations

import numpy as np
import pytest

from survey_toolkit.datasets import HiddenSide, SimulatedCountry, simulate_country
from survey_toolkit.datasets.country.hidden import LISTS
from survey_toolkit.datasets.country.networks import make_acquaintance
from survey_toolkit.errors import SurveyToolkitError


@pytest.fixture(scope="module")
def country() -> SimulatedCountry:
    return simulate_country(seed=3, n_persons=120_000)


@pytest.fixture(scope="module")
def hidden(country: SimulatedCountry) -> HiddenSide:
    return country.hidden()


def test_the_flow_of_a_year_is_the_forced_labour_of_the_job_file(
    country: SimulatedCountry, hidden: HiddenSide
) -> None:
    assert hidden.size("forced_labour", months=12) == country.true_value("forced_labour", statistic="total")


def test_spells_arrive_at_a_constant_rate(hidden: HiddenSide) -> None:
    """A window of T months catches T + mean duration; the shares of the windows follow."""
    mean = 8.0 * np.exp(0.5 * 0.9**2)
    year, five = (hidden.size("forced_labour", months=m) for m in (12, 60))
    assert five / year == pytest.approx((60 + mean) / (12 + mean), rel=0.03)
    assert hidden.size("forced_labour_now") / year == pytest.approx(mean / (12 + mean), rel=0.12)


def test_spells_touch_their_window(hidden: HiddenSide) -> None:
    spells = hidden.spells
    assert (spells["start"] > spells["end"]).all()
    assert (spells["end"] >= 0).all()
    assert (spells["end"] < 60).all()
    assert np.allclose(spells["months"], spells["start"] - spells["end"])


def test_every_adult_asked_gives_the_family_total_back(hidden: HiddenSide) -> None:
    """Each member is reported by every sibling; weighted by one over their number, each counts once."""
    answers = hidden.family_answers(hidden.adults)
    assert (answers["affected"] / answers["reportable"]).sum() == pytest.approx(hidden.size("forced_labour"))
    assert answers["reportable"].between(1, 7).all()


def test_every_adult_asked_gives_the_scale_up_total_back(hidden: HiddenSide) -> None:
    """With all asked and all told, ties into the group are exactly the degrees of its members."""
    answers = hidden.scale_up_answers(hidden.adults)
    member = np.isin(hidden.adults, hidden.members("forced_labour"))
    degree = hidden.acquaintance.degree()
    assert answers["hidden"].sum() == degree[member].sum()
    for name, flags in hidden.known_populations.items():
        assert answers[name].sum() == degree[flags].sum()


def test_transmission_hides_some(hidden: HiddenSide) -> None:
    all_told = hidden.scale_up_answers(hidden.adults)["hidden"].sum()
    told = hidden.scale_up_answers(hidden.adults, transmission=0.5)["hidden"].sum()
    assert told / all_told == pytest.approx(0.5, abs=0.03)


def test_lists_see_their_share_and_only_victims(hidden: HiddenSide) -> None:
    seen = hidden.detected(seed=2)
    n = hidden.size("trafficked")
    assert set(seen["person_id"]) <= set(hidden.members("trafficked"))
    assert (seen[list(LISTS)].sum(axis=1) > 0).all()
    for name, share in LISTS.items():
        assert seen[name].sum() == pytest.approx(share * n, abs=4 * np.sqrt(share * n))


def test_dependence_makes_overlaps(hidden: HiddenSide) -> None:
    def both(dependence: float) -> int:
        return sum(
            int((t["PF"] & t["GO"]).sum())
            for t in (hidden.detected(seed=s, dependence=dependence) for s in range(20))
        )

    assert both(2.0) > 1.5 * both(0.0)


def test_coupons_make_a_forest(hidden: HiddenSide) -> None:
    sample = hidden.recruit(seed=1, n=300, seeds=5, coupons=3)
    assert len(sample) == 300
    assert sample["person_id"].is_unique
    recruits = sample[sample["recruiter_id"] > 0]
    assert (recruits["recruiter_id"] < recruits["id"]).all()
    assert recruits["recruiter_id"].value_counts().max() <= 3
    wave = sample.set_index("id")["wave"]
    assert (wave.loc[recruits["recruiter_id"]].to_numpy() + 1 == recruits["wave"].to_numpy()).all()
    assert (sample["network_size"] > 0).all()
    assert set(sample["person_id"]) <= set(hidden.members("forced_labour", months=60))


def test_people_who_know_many_are_recruited_more_often(hidden: HiddenSide) -> None:
    sampled = np.mean([hidden.recruit(seed=s, n=150)["network_size"].mean() for s in range(10)])
    everyone = hidden.recruit(seed=1, n=hidden.size("forced_labour", months=60))["network_size"].mean()
    assert sampled > 1.15 * everyone


def test_the_same_seed_gives_the_same_answers(country: SimulatedCountry, hidden: HiddenSide) -> None:
    again = country.hidden()
    assert again.episodes.equals(hidden.episodes)
    assert again.recruit(seed=4).equals(hidden.recruit(seed=4))
    assert again.detected(seed=4).equals(hidden.detected(seed=4))
    assert not hidden.recruit(seed=5).equals(hidden.recruit(seed=4))


def test_ties_stay_mostly_within_the_region() -> None:
    region = np.repeat(np.arange(4), 2_000)
    ties = make_acquaintance(1, region, 10.0, local=0.7)
    same = (region[ties.one] == region[ties.other]).mean()
    assert same == pytest.approx(0.7 + 0.3 / 4, abs=0.02)
    assert ties.degree().mean() == pytest.approx(10.0, rel=0.03)


def test_wrong_questions_are_told(country: SimulatedCountry, hidden: HiddenSide) -> None:
    child = country.persons.loc[country.persons["age"] < 10, "person_id"].to_numpy()[:2]
    with pytest.raises(SurveyToolkitError, match=r"(?s)only adults.*2 that are not"):
        hidden.family_answers(child)
    with pytest.raises(SurveyToolkitError, match=r"(?s)no such hidden population.*forced_labour_now"):
        hidden.size("slavery")
    with pytest.raises(SurveyToolkitError, match="cannot have that size"):
        hidden.recruit(n=10**6)
