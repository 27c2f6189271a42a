"""The population as data frames, one row a unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.children import ChildActivities
from survey_toolkit.datasets.country.geography import EnumerationAreas
from survey_toolkit.datasets.country.households import Households, People
from survey_toolkit.datasets.country.profile import REGIONS
from survey_toolkit.datasets.country.work import EXCLUSIONS, Jobs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["area_frame", "household_frame", "job_frame", "person_frame"]


def area_frame(areas: EnumerationAreas) -> pd.DataFrame:
    """Enumeration areas: id, stratum, region, urbanisation, households now and at the census."""
    import pandas as pd

    return pd.DataFrame(
        {
            "area_id": 1 + np.arange(len(areas)),
            **_place(areas, np.arange(len(areas))),
            "households": areas.households,
            "size_measure": areas.size_measure,
        }
    )


def household_frame(areas: EnumerationAreas, households: Households) -> pd.DataFrame:
    """Households: id, area, place, size, whether they own land."""
    import pandas as pd

    return pd.DataFrame(
        {
            "household_id": 1 + np.arange(households.size.size),
            "area_id": 1 + households.area,
            **_place(areas, households.area),
            "size": households.size,
            "owns_land": households.land,
        }
    )


def person_frame(
    areas: EnumerationAreas, people: People, activities: ChildActivities, union_age: NDArray[np.int64]
) -> pd.DataFrame:
    """Persons: ids, place, who they are, and what is true of them; activities are zero outside 5-17."""
    import pandas as pd

    def _spread(values: NDArray[np.generic]) -> NDArray[np.generic]:
        out = np.zeros(len(people), dtype=values.dtype)
        out[activities.child] = values
        return out

    return pd.DataFrame(
        {
            "person_id": 1 + np.arange(len(people)),
            "household_id": 1 + people.household,
            "area_id": 1 + people.area,
            **_place(areas, people.area),
            "line": people.line,
            "relation": people.relation,
            "birthplace": people.birthplace,
            "sex": _category(people.female, ("M", "F")),
            "age": people.age,
            **{name: _spread(values) for name, values in activities.columns().items()},
            "union_age": union_age,
        }
    )


def job_frame(people: People, jobs: Jobs) -> pd.DataFrame:
    """Jobs: whose, which, in what branch, and the criteria of forced labour met in them."""
    import pandas as pd

    return pd.DataFrame(
        {
            "person_id": 1 + jobs.person,
            "household_id": 1 + people.household[jobs.person],
            "line": people.line[jobs.person],
            "job_no": jobs.number,
            "sector": jobs.sector,
            **jobs.criteria,
            "c29_exclusion": _category(jobs.exclusion, EXCLUSIONS),
        }
    )


def _place(areas: EnumerationAreas, area: NDArray[np.int64]) -> dict[str, object]:
    """Stratum, region and urbanisation of units that live in these areas."""
    return {
        "stratum": areas.stratum[area],
        "region": _category(areas.region[area], [code for code, *_ in REGIONS]),
        "urbanisation": _category(~areas.urban[area], ("U", "R")),
    }


def _category(codes: NDArray[np.int64] | NDArray[np.bool_], names: Sequence[str]) -> pd.Categorical[str]:
    """Categories by their position, from 0."""
    import pandas as pd

    return pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(list(names), dtype="str"))
