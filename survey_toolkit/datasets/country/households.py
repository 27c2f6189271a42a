"""Households and their members: who lives together, how old they are, where they were born."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import choose, stream
from survey_toolkit.datasets.country.geography import MEAN_HOUSEHOLD, EnumerationAreas

__all__ = ["BIRTHPLACES", "RELATIONS", "Households", "People", "make_households", "make_people"]

#: Relation to the head of household, by code from 1.
RELATIONS: tuple[str, ...] = ("head", "spouse", "child", "other")
#: Where a person was born, by code from 1.
BIRTHPLACES: tuple[str, ...] = ("same region", "another region", "abroad")
MAX_AGE = 95
_MAX_SIZE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Households:
    """Households, sorted by enumeration area.

    Attributes
    ----------
    area : int array of shape (households,)
        Index of the enumeration area.
    size : int array of shape (households,)
    has_couple : bool array of shape (households,)
        Whether line 2 is the spouse of the head.
    land : bool array of shape (households,)
        Whether the household owns agricultural land.
    """

    area: NDArray[np.int64]
    size: NDArray[np.int64]
    has_couple: NDArray[np.bool_]
    land: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """People, sorted by household and line number.

    Attributes
    ----------
    household, area : int arrays of shape (persons,)
        Index of the household and of its enumeration area.
    line : int array of shape (persons,)
        Line number in the household, from 1.
    relation, birthplace : int arrays of shape (persons,)
        Codes from 1 of :data:`RELATIONS` and :data:`BIRTHPLACES`.
    female : bool array of shape (persons,)
    age : int array of shape (persons,)
        Completed years; 95 stands for 95 and over.
    """

    household: NDArray[np.int64]
    area: NDArray[np.int64]
    line: NDArray[np.int64]
    relation: NDArray[np.int64]
    birthplace: NDArray[np.int64]
    female: NDArray[np.bool_]
    age: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.age.size)


def make_households(seed: int, areas: EnumerationAreas) -> Households:
    """Fill the enumeration areas with households."""
    rng = stream(seed, "households")
    area = np.repeat(np.arange(len(areas)), areas.households)
    urban = areas.urban[area]
    size = np.minimum(1 + rng.poisson(np.where(urban, *MEAN_HOUSEHOLD) - 1.0), _MAX_SIZE)
    couple = (size >= 2) & (rng.random(area.size) < 0.78)
    land = rng.random(area.size) < np.where(urban, 0.12, 0.63)
    return Households(area=area, size=size, has_couple=couple, land=land)


def make_people(seed: int, households: Households) -> People:
    """Give every household its members."""
    rng = stream(seed, "people")
    n_households = households.size.size
    household = np.repeat(np.arange(n_households), households.size)
    first = np.cumsum(households.size) - households.size
    line = np.arange(household.size) - first[household] + 1
    relation = np.where(rng.random(line.size) < 0.78, 3, 4)
    relation[line == 1] = 1
    relation[(line == 2) & households.has_couple[household]] = 2
    head_female = rng.random(n_households) < np.where(households.has_couple, 0.18, 0.52)
    female = rng.random(line.size) < 0.495
    female[line == 1] = head_female
    female[relation == 2] = ~head_female[household[relation == 2]]
    return People(
        household=household,
        area=households.area[household],
        line=line,
        relation=relation,
        birthplace=1 + choose(rng, line.size, (0.83, 0.12, 0.05)),
        female=female,
        age=_ages(rng, household, relation, head_female),
    )


def _ages(
    rng: np.random.Generator,
    household: NDArray[np.int64],
    relation: NDArray[np.int64],
    head_female: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Ages that fit the roles: couples near in age, children at least 16 years younger than a parent."""
    n_households = head_female.size
    head = np.minimum(19 + np.floor(rng.gamma(2.7, 9.2, n_households)), MAX_AGE).astype(np.int64)
    gap = np.rint(rng.normal(4.0, 4.0, n_households)).astype(np.int64)
    spouse = np.minimum(np.where(head_female, head + gap, head - gap), MAX_AGE)
    spouse = np.where(spouse < 17, head - rng.integers(0, 3, n_households), spouse)
    oldest_child = np.clip(np.minimum(head, spouse) - 16, 0, 26)
    age = np.floor(88 * rng.random(household.size) ** 1.5).astype(np.int64)
    child = relation == 3
    age[child] = (rng.random(int(child.sum())) * (oldest_child[household[child]] + 1)).astype(np.int64)
    age[relation == 1] = head
    age[relation == 2] = spouse[household[relation == 2]]
    return age
