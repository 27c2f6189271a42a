"""Children 5-17 in the reference week: economic activity, household chores, and hours of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import choose, happens, stream
from survey_toolkit.datasets.country.geography import EnumerationAreas
from survey_toolkit.datasets.country.households import People
from survey_toolkit.datasets.country.profile import CountryProfile

__all__ = ["CHORES", "KINDS_OF_WORK", "ChildActivities", "make_child_activities"]

Hours = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Kinds of economic activity the questionnaire asks about, one question each.
KINDS_OF_WORK: tuple[str, ...] = ("works_farm", "works_business", "works_paid")
#: Kinds of household chores, one question each; water and firewood have their own hours.
CHORES: tuple[str, ...] = ("chore_cooking", "chore_cleaning", "chore_laundry", "chore_caring")
_MAX_HOURS = 96
_COMMON_HOURS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 15, 18, 20, 21, 24, 25, 28, 30, 35, 40, 42, 43,
                          44, 45, 48, 50, 54, 56, 60, 65, 70, 72, 80, 84])  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildActivities:
    """What children 5-17 did in the reference week; zeros for everyone else.

    Attributes
    ----------
    work : mapping of kind to bool array of shape (persons,)
    work_hours : int array of shape (persons,)
        Completed hours of economic activity; 0 with work means less than one hour.
    chores : mapping of kind to bool array of shape (persons,)
    water_hours, wood_hours, chore_hours : int arrays of shape (persons,)
        Completed hours fetching water, collecting firewood, doing other chores.
    fetches_water, collects_wood : bool arrays of shape (persons,)
    """

    work: dict[str, Flags]
    work_hours: Hours
    chores: dict[str, Flags]
    chore_hours: Hours
    fetches_water: Flags
    water_hours: Hours
    collects_wood: Flags
    wood_hours: Hours


def make_child_activities(
    seed: int, people: People, areas: EnumerationAreas, profile: CountryProfile
) -> ChildActivities:
    """Draw the activities of the children 5-17."""
    rng = stream(seed, "children")
    child = np.flatnonzero((people.age >= 5) & (people.age <= 17))
    age, female, area = people.age[child], people.female[child], people.area[child]
    urban, shared = areas.urban[area], areas.child_effect[area]
    shared = shared + 0.6 * rng.normal(size=int(people.household.max()) + 1)[people.household[child]]
    score = 0.16 * (age - 11) - 0.75 * urban - 0.30 * female + 0.10 * areas.region[area] + shared
    works = happens(rng, score, profile.children_working)
    hours = _heaped(rng, np.exp(0.95 + 0.145 * (age - 5) + 0.15 * shared + rng.normal(0, 0.85, age.size)))
    helps = happens(rng, 0.10 * (age - 9) + 0.9 * female - 0.2 * urban + 0.5 * shared, profile.children_in_chores)
    wood = happens(rng, 0.05 * (age - 9) - 0.3 * female - 1.8 * urban + 0.7 * shared, 0.12)
    water = happens(rng, 0.06 * (age - 9) + 0.5 * female - 1.3 * urban + 0.7 * shared, 0.24)
    load = 0.35 * female + 0.2 * shared

    def spread(values: NDArray[np.generic]) -> NDArray[np.generic]:
        out = np.zeros(len(people), dtype=values.dtype)
        out[child] = values
        return out

    return ChildActivities(
        work={k: spread(v) for k, v in _kinds(rng, works, (0.55, 0.25, 0.35), KINDS_OF_WORK).items()},
        work_hours=spread(np.where(works, hours, 0)),
        chores={k: spread(v) for k, v in _kinds(rng, helps, (0.4, 0.6, 0.35, 0.3), CHORES).items()},
        chore_hours=spread(_if(helps, _heaped(rng, np.exp(1.45 + 0.03 * age + load + rng.normal(0, 0.7, age.size))))),
        fetches_water=spread(water),
        water_hours=spread(_if(water, _heaped(rng, np.exp(0.7 + load + rng.normal(0, 0.7, age.size))))),
        collects_wood=spread(wood),
        wood_hours=spread(_if(wood, _heaped(rng, np.exp(0.8 + 0.2 * shared + rng.normal(0, 0.7, age.size))))),
    )


def _if(condition: Flags, hours: Hours) -> Hours:
    return np.where(condition, hours, 0)


def _heaped(rng: np.random.Generator, hours: NDArray[np.float64]) -> Hours:
    """Whole hours as people report them: half of them on common values, so that thresholds are met exactly."""
    whole = np.clip(np.floor(hours), 0, _MAX_HOURS).astype(np.int64)
    above = np.minimum(np.searchsorted(_COMMON_HOURS, whole), _COMMON_HOURS.size - 1)
    below = np.maximum(above - 1, 0)
    nearer = np.abs(_COMMON_HOURS[above] - whole) <= np.abs(whole - _COMMON_HOURS[below])
    heap = _COMMON_HOURS[np.where(nearer, above, below)]
    return np.where((whole > 0) & (rng.random(whole.size) < 0.5), heap, whole)


def _kinds(
    rng: np.random.Generator, active: Flags, shares: tuple[float, ...], names: tuple[str, ...]
) -> dict[str, Flags]:
    """Say yes to each kind at its share, and to at least one kind if active."""
    yes = rng.random((active.size, len(names))) < np.array(shares)
    yes[np.arange(active.size), choose(rng, active.size, shares)] |= ~yes.any(axis=1)
    return {name: active & yes[:, i] for i, name in enumerate(names)}
