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
    """What children 5-17 did in the reference week.

    Attributes
    ----------
    child : int array of shape (children,)
        Index of the child among the people; the other arrays follow its order.
    work, chores : mapping of kind to bool array of shape (children,)
        Kinds of economic activity and of household chores.
    work_hours : int array of shape (children,)
        Completed hours of economic activity; 0 with work means less than one hour.
    fetches_water, collects_wood : bool arrays of shape (children,)
    water_hours, wood_hours, chore_hours : int arrays of shape (children,)
        Completed hours fetching water, collecting firewood, doing other chores.
    """

    child: NDArray[np.int64]
    work: dict[str, Flags]
    work_hours: Hours
    chores: dict[str, Flags]
    chore_hours: Hours
    fetches_water: Flags
    water_hours: Hours
    collects_wood: Flags
    wood_hours: Hours

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """All activities by name, arrays of shape (children,)."""
        return {
            **self.work,
            "work_hours": self.work_hours,
            "fetches_water": self.fetches_water,
            "water_hours": self.water_hours,
            "collects_wood": self.collects_wood,
            "wood_hours": self.wood_hours,
            **self.chores,
            "chore_hours": self.chore_hours,
        }


def make_child_activities(
    seed: int, people: People, areas: EnumerationAreas, profile: CountryProfile
) -> ChildActivities:
    """Draw the activities of the children 5-17.

    Every activity depends on age, sex, urban or rural, and on what children of one enumeration area and of
    one household share.
    """
    rng = stream(seed, "children")
    child = np.flatnonzero((people.age >= 5) & (people.age <= 17))
    age, female, area = people.age[child], people.female[child], people.area[child]
    urban = areas.urban[area]
    of_household = rng.normal(0.0, 0.6, int(people.household.max()) + 1)
    shared = areas.child_effect[area] + of_household[people.household[child]]
    works = happens(
        rng,
        0.23 * (age - 11) - 0.75 * urban - 0.30 * female + 0.10 * areas.region[area] + shared,
        profile.children_working,
    )
    helps = happens(
        rng, 0.10 * (age - 9) + 0.9 * female - 0.2 * urban + 0.5 * shared, profile.children_in_chores
    )
    water = happens(rng, 0.06 * (age - 9) + 0.5 * female - 1.3 * urban + 0.7 * shared, 0.24)
    wood = happens(rng, 0.05 * (age - 9) - 0.3 * female - 1.8 * urban + 0.7 * shared, 0.12)
    load = 0.35 * female + 0.2 * shared
    return ChildActivities(
        child=child,
        work=_kinds(rng, works, (0.55, 0.25, 0.35), KINDS_OF_WORK),
        work_hours=_hours(rng, works, 0.75 + 0.21 * (age - 5) + 0.15 * shared, 0.85),
        chores=_kinds(rng, helps, (0.4, 0.6, 0.35, 0.3), CHORES),
        chore_hours=_hours(rng, helps, 1.45 + 0.03 * age + load, 0.7),
        fetches_water=water,
        water_hours=_hours(rng, water, 0.7 + load, 0.7),
        collects_wood=wood,
        wood_hours=_hours(rng, wood, 0.8 + 0.2 * shared, 0.7),
    )


def _hours(rng: np.random.Generator, active: Flags, level: NDArray[np.float64], sd: float) -> Hours:
    """Whole hours of the active as they report them, lognormal around ``exp(level)``.

    Half of the answers lie on common values, the thresholds of the definitions among them.
    """
    whole = np.floor(np.exp(level + rng.normal(0.0, sd, level.size)))
    whole = np.minimum(whole, _MAX_HOURS).astype(np.int64)
    above = np.minimum(np.searchsorted(_COMMON_HOURS, whole), _COMMON_HOURS.size - 1)
    below = np.maximum(above - 1, 0)
    nearer = np.abs(_COMMON_HOURS[above] - whole) <= np.abs(whole - _COMMON_HOURS[below])
    heap = _COMMON_HOURS[np.where(nearer, above, below)]
    reported = np.where((whole > 0) & (rng.random(whole.size) < 0.5), heap, whole)
    return np.where(active, reported, 0)


def _kinds(
    rng: np.random.Generator, active: Flags, shares: tuple[float, ...], names: tuple[str, ...]
) -> dict[str, Flags]:
    """Say yes to each kind at its share, and to at least one kind if active."""
    yes = rng.random((active.size, len(names))) < np.array(shares)
    yes[np.arange(active.size), choose(rng, active.size, shares)] |= ~yes.any(axis=1)
    return {name: active & yes[:, i] for i, name in enumerate(names)}
