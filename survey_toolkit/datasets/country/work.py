"""Jobs of people 15 and over in the last 12 months, with the criteria of forced labour in each job.

The criteria belong to a job. A person may be deceived about one job and be threatened in another without
being in forced labour: involuntariness and menace must meet in one job. Some people here are exactly that,
so that a rule applied to persons instead of jobs gives a wrong figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.children import ChildActivities
from survey_toolkit.datasets.country.draws import calibrated_intercept, choose, stream
from survey_toolkit.datasets.country.geography import EnumerationAreas
from survey_toolkit.datasets.country.households import People
from survey_toolkit.datasets.country.profile import INVOLUNTARINESS, MENACE, CountryProfile

__all__ = ["EXCLUSIONS", "SECTORS", "Jobs", "make_jobs"]

#: Branch of the job, by code from 1.
SECTORS: tuple[str, ...] = (
    "agriculture",
    "fishing",
    "mining and brick making",
    "manufacturing",
    "construction",
    "domestic work",
    "trade and transport",
    "other services",
)
#: Work outside the definition under article 2(2) of the Forced Labour Convention, by code from 0.
EXCLUSIONS: tuple[str, ...] = ("none", "military", "civic", "convict", "emergency", "minor_communal")

_SECTOR_SHARE = np.array([0.34, 0.04, 0.03, 0.13, 0.09, 0.06, 0.19, 0.12])
_SECTOR_RISK = np.array([0.2, 1.1, 1.0, 0.1, 0.5, 0.9, -0.5, -0.7])
_EXCLUSION_SHARE = np.array([0.0, 0.0015, 0.0006, 0.0004, 0.0010])
_INV_SHARE = np.array([0.10, 0.22, 0.38, 0.22, 0.45, 0.18, 0.08, 0.20, 0.30])
_PEN_SHARE = np.array([0.25, 0.22, 0.20, 0.45, 0.15, 0.30])


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs, sorted by person and job number.

    Attributes
    ----------
    person : int array of shape (jobs,)
        Index of the person.
    number : int array of shape (jobs,)
        1 is the main job; a person has at most three.
    sector : int array of shape (jobs,)
        Code from 1 of :data:`SECTORS`.
    exclusion : int array of shape (jobs,)
        Code from 0 of :data:`EXCLUSIONS`.
    criteria : mapping of criterion to bool array of shape (jobs,)
        Nine of involuntariness, six of menace.
    """

    person: NDArray[np.int64]
    number: NDArray[np.int64]
    sector: NDArray[np.int64]
    exclusion: NDArray[np.int64]
    criteria: dict[str, NDArray[np.bool_]]


def make_jobs(
    seed: int, people: People, areas: EnumerationAreas, activities: ChildActivities, profile: CountryProfile
) -> Jobs:
    """Draw the jobs of people 15 and over and what happened in them."""
    rng = stream(seed, "work")
    per_person = _jobs_per_person(rng, people, activities)
    person = np.repeat(np.arange(len(people)), per_person)
    number = np.arange(person.size) - (np.cumsum(per_person) - per_person)[person] + 1
    sector = 1 + choose(rng, person.size, _SECTOR_SHARE)
    exclusion = _exclusions(rng, people, person)
    score = (
        areas.work_effect[people.area[person]]
        + _SECTOR_RISK[sector - 1]
        + np.array([0.0, 0.25, 1.0])[people.birthplace[person] - 1]
        + 0.7 * rng.normal(size=len(people))[person]
    )
    kind = _kind_of_job(rng, score, exclusion > 0, profile)
    kind = _split_over_jobs(rng, kind, per_person, person, number)
    involuntary = _at_least_one(rng, (kind == 1) | (kind == 2), _INV_SHARE)
    menaced = _at_least_one(rng, (kind == 1) | (kind == 3), _PEN_SHARE)
    criteria = {name: involuntary[:, i] for i, name in enumerate(INVOLUNTARINESS)}
    criteria |= {name: menaced[:, i] for i, name in enumerate(MENACE)}
    return Jobs(person=person, number=number, sector=sector, exclusion=exclusion, criteria=criteria)


def _jobs_per_person(
    rng: np.random.Generator, people: People, activities: ChildActivities
) -> NDArray[np.int64]:
    """0 to 3 jobs a person in the last 12 months; a child 15-17 who worked last week has at least one."""
    young, old = people.age < 18, people.age >= 65
    none = np.where(young, 0.80, np.where(old, 0.65, np.where(people.female, 0.38, 0.16)))
    rank = (rng.random(len(people)) - none) / (1.0 - none)
    jobs = np.select([rank < 0.0, rank < 0.83, rank < 0.97], [0, 1, 2], 3)
    worked = np.zeros(len(people), dtype=bool)
    worked[activities.child] = np.logical_or.reduce(list(activities.work.values()))
    return np.where(people.age < 15, 0, np.maximum(jobs, worked))


def _exclusions(rng: np.random.Generator, people: People, person: NDArray[np.int64]) -> NDArray[np.int64]:
    """Conscription of young men, and small shares of the other four exclusions."""
    conscript = ~people.female[person] & (people.age[person] >= 18) & (people.age[person] <= 24)
    share = np.tile(_EXCLUSION_SHARE, (person.size, 1))
    share[conscript, 0] = 0.015
    u = rng.random(person.size)[:, None]
    within = u < np.cumsum(share, axis=1)
    return np.where(within.any(axis=1), 1 + within.argmax(axis=1), 0)


def _kind_of_job(
    rng: np.random.Generator,
    score: NDArray[np.float64],
    excluded: NDArray[np.bool_],
    profile: CountryProfile,
) -> NDArray[np.int64]:
    """0 free work, 1 criteria of both kinds, 2 involuntariness only, 3 menace only."""
    targets = (profile.jobs_forced, profile.jobs_involuntary, profile.jobs_menaced)
    slopes = (1.0, 0.6, 0.6)
    chance = np.empty((score.size, 3))
    for i, (target, slope) in enumerate(zip(targets, slopes, strict=True)):
        chance[:, i] = 1 / (1 + np.exp(-(calibrated_intercept(slope * score, target) + slope * score)))
    # Compelled service under the exclusions carries both kinds of criteria as a rule.
    chance[excluded] = (0.55, 0.15, 0.10)
    within = rng.random(score.size)[:, None] < np.cumsum(chance, axis=1)
    return np.where(within.any(axis=1), 1 + within.argmax(axis=1), 0)


def _split_over_jobs(
    rng: np.random.Generator,
    kind: NDArray[np.int64],
    per_person: NDArray[np.int64],
    person: NDArray[np.int64],
    number: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Let some people with several jobs meet involuntariness in the first and menace in the second."""
    split = ((per_person >= 2) & (rng.random(per_person.size) < 0.02))[person]
    out = np.where(split & (number == 1) & (kind == 0), 2, kind)
    return np.where(split & (number == 2) & (kind == 0), 3, out)


def _at_least_one(
    rng: np.random.Generator, holds: NDArray[np.bool_], shares: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Criteria met in each job: one for sure where the kind of criteria holds, others at their shares."""
    out = np.zeros((holds.size, shares.size), dtype=bool)
    rows = np.flatnonzero(holds)
    met = rng.random((rows.size, shares.size)) < shares
    met[np.arange(rows.size), choose(rng, rows.size, shares)] = True
    out[rows] = met
    return out
