"""Regions, strata and enumeration areas, with what the people of one area share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import stream
from survey_toolkit.datasets.country.profile import REGIONS, CountryProfile

__all__ = ["EnumerationAreas", "make_areas"]

#: Persons per household, urban and rural, that the sizes in ``households`` lead to.
MEAN_HOUSEHOLD = (3.9, 4.6)
_MIN_AREAS = 4
#: Risk of forced labour by region, on the log-odds scale.
_WORK_RISK = np.array([-0.2, 0.0, 0.3, 0.0, 0.1, 0.5])


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationAreas:
    """Enumeration areas, sorted by stratum.

    Attributes
    ----------
    region : int array of shape (areas,)
        Index into :data:`~survey_toolkit.datasets.country.profile.REGIONS`.
    urban : bool array of shape (areas,)
    stratum : int array of shape (areas,)
        1 to 12: region by urban and rural, urban first.
    households : int array of shape (areas,)
        Households that live there now.
    size_measure : int array of shape (areas,)
        Households at the last census, the size measure of the sample; it is out of date, so that the
        weights within a stratum are unequal as in real surveys.
    child_effect, union_effect, work_effect : float arrays of shape (areas,)
        What the people of the area share, on the log-odds scale.
    """

    region: NDArray[np.int64]
    urban: NDArray[np.bool_]
    stratum: NDArray[np.int64]
    households: NDArray[np.int64]
    size_measure: NDArray[np.int64]
    child_effect: NDArray[np.float64]
    union_effect: NDArray[np.float64]
    work_effect: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.region.size)


def make_areas(seed: int, n_persons: int, profile: CountryProfile) -> EnumerationAreas:
    """Lay out the enumeration areas of a country of about ``n_persons`` people.

    Examples
    --------
    >>> areas = make_areas(1, 50_000, CountryProfile())
    >>> sorted({int(s) for s in areas.stratum})
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    """
    rng = stream(seed, "geography")
    counts = _areas_per_stratum(n_persons, profile.households_per_area)
    stratum = np.repeat(np.arange(1, counts.size + 1), counts)
    urban = stratum % 2 == 1
    mean = profile.households_per_area
    households = np.clip(np.rint(mean * np.exp(rng.normal(-0.06, 0.35, stratum.size))), 30, 4 * mean)
    census = np.clip(np.rint(households * np.exp(rng.normal(-0.08, 0.28, stratum.size))), 12, None)
    effects = rng.normal(0.0, 1.0, (3, stratum.size))
    # A few areas are hot spots: a plantation, a harbour, a row of brick kilns.
    hot_spot = rng.random(stratum.size) < 0.04
    return EnumerationAreas(
        region=(stratum - 1) // 2,
        urban=urban,
        stratum=stratum,
        households=households.astype(np.int64),
        size_measure=census.astype(np.int64),
        child_effect=profile.area_sd * effects[0],
        union_effect=0.8 * profile.area_sd * effects[1],
        work_effect=profile.area_sd * effects[2] + 1.6 * hot_spot + _WORK_RISK[(stratum - 1) // 2],
    )


def _areas_per_stratum(n_persons: int, households_per_area: float) -> NDArray[np.int64]:
    """Number of enumeration areas in each of the 12 strata."""
    persons = np.array([n_persons * share * part for _, _, share, u in REGIONS for part in (u, 1 - u)])
    per_area = households_per_area * np.tile(MEAN_HOUSEHOLD, len(REGIONS))
    return np.maximum(np.rint(persons / per_area), _MIN_AREAS).astype(np.int64)
