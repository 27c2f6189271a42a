"""Two-stage stratified sample: enumeration areas with probability proportional to size, then households.

First stage: in each stratum a fixed number of enumeration areas, by systematic sampling from a random order
with probability proportional to the households of the last census. Second stage: a simple random sample of
the households that live in the area now. Households that do not answer are replaced by weight within their
area. The weight is the exact inverse inclusion probability, given the number that answered:

    w = 1 / p_area x listed / completed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import stream
from survey_toolkit.datasets.country.geography import EnumerationAreas
from survey_toolkit.errors import DesignError

__all__ = ["HouseholdSample", "allocate", "draw_households", "inclusion_probabilities"]

#: Power of the households of a stratum to which its areas are allocated: between equal (0) and
#: proportional (1), so that small strata are not left with a handful.
_ALLOCATION = 0.7
_RESPONSE = {True: 0.92, False: 0.97}


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdSample:
    """Households that answered, with everything their weight is made of.

    Attributes
    ----------
    household, area : int arrays of shape (n,)
        Index of the household and of its enumeration area.
    area_probability : float array of shape (n,)
        First-stage inclusion probability.
    listed, completed : int arrays of shape (n,)
        Households listed in the area, and households that answered there.
    weight : float array of shape (n,)
        Households that this household stands for.
    """

    household: NDArray[np.int64]
    area: NDArray[np.int64]
    area_probability: NDArray[np.float64]
    listed: NDArray[np.int64]
    completed: NDArray[np.int64]
    weight: NDArray[np.float64]


def draw_households(
    seed: int, areas: EnumerationAreas, *, n_areas: int, take: int, nonresponse: bool
) -> HouseholdSample:
    """Draw a sample of ``n_areas`` enumeration areas and ``take`` households in each.

    Raises
    ------
    DesignError
        If more areas are asked for than there are, or fewer than two a stratum.
    """
    rng = stream(seed, "sampling")
    chance = np.zeros(len(areas))
    chosen = []
    strata, sizes = np.unique(areas.stratum, return_inverse=True)
    households = np.bincount(sizes, weights=areas.households)
    per_stratum = allocate(n_areas, households**_ALLOCATION, np.bincount(sizes))
    for stratum, n in zip(strata, per_stratum, strict=True):
        rows = rng.permutation(np.flatnonzero(areas.stratum == stratum))
        chance[rows] = inclusion_probabilities(areas.size_measure[rows], int(n))
        chosen.append(rows[_systematic(rng, chance[rows])])
    area = np.sort(np.concatenate(chosen))
    listed = areas.households[area]
    asked = np.minimum(take, listed)
    rate = np.where(areas.urban[area], _RESPONSE[True], _RESPONSE[False]) if nonresponse else 1.0
    completed = np.maximum(rng.binomial(asked, rate), 1)
    first = (np.cumsum(areas.households) - areas.households)[area]
    household = np.concatenate(
        [
            start + np.sort(rng.choice(listed_here, n, replace=False))
            for start, listed_here, n in zip(first, listed, completed, strict=True)
        ]
    )
    row = np.repeat(np.arange(area.size), completed)
    return HouseholdSample(
        household=household,
        area=area[row],
        area_probability=chance[area][row],
        listed=listed[row],
        completed=completed[row],
        weight=(listed / (chance[area] * completed))[row],
    )


def allocate(n: int, size: NDArray[np.floating[Any]], available: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share ``n`` areas over strata in proportion to ``size``: two at least, no more than there are.

    Examples
    --------
    >>> allocate(10, np.array([100.0, 10.0, 1.0]), np.array([50, 50, 2])).tolist()
    [6, 2, 2]
    """
    least = np.minimum(2, available)
    if n < least.sum() or n > available.sum():
        raise DesignError(
            "this number of enumeration areas cannot be drawn",
            where="n_areas",
            found=str(n),
            expected=f"{least.sum()} to {available.sum()}, two a stratum at least",
            hint="change n_areas, or simulate more persons",
        )
    out = least.astype(np.int64)
    for _ in range(n - int(out.sum())):
        # Highest averages (Sainte-Lague): the stratum furthest below its share is next.
        priority = np.where(out < available, size / (2 * out + 1), -1.0)
        out[int(np.argmax(priority))] += 1
    return out


def inclusion_probabilities(size: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Probabilities proportional to size that sum to ``n``; units that would exceed 1 are certain.

    Examples
    --------
    >>> inclusion_probabilities(np.array([1, 1, 2, 8]), 2).tolist()
    [0.25, 0.25, 0.5, 1.0]
    """
    chance = np.zeros(size.size)
    certain = np.zeros(size.size, dtype=bool)
    while True:
        rest = size * ~certain
        chance = np.where(certain, 1.0, (n - certain.sum()) * rest / max(rest.sum(), 1))
        if not (chance[~certain] >= 1.0).any():
            return chance
        certain |= chance >= 1.0


def _systematic(rng: np.random.Generator, chance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Systematic sample with the given inclusion probabilities, from the order as it stands."""
    ends = np.rint(np.cumsum(chance) * 1e9) / 1e9  # whole sums stay whole
    steps = np.floor(ends + rng.random())
    return np.asarray(np.diff(steps, prepend=0.0) > 0)
