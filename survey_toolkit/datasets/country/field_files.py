"""The files that fieldwork on a hidden population brings home, from the simulated country.

One adult of each household of a sample answers on brothers and sisters, on acquaintances and to a list of
statements; people who were in forced labour recruit each other by coupons.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._spreadsheet import frame_csv
from survey_toolkit.datasets.country.draws import stream
from survey_toolkit.datasets.country.spells import WINDOW_MONTHS
from survey_toolkit.errors import SurveyToolkitError

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.datasets.country.hidden import HiddenSide

__all__ = ["write_field_files"]

#: Chance that each of the harmless statements of the list applies.
_HARMLESS = (0.5, 0.35, 0.2)
_MOST_RECRUITS = 300


def write_field_files(
    hidden: HiddenSide, household: pd.DataFrame, folder: str | os.PathLike[str], seed: int
) -> dict[str, Path]:
    """Write ``people.csv``, ``kin.csv`` and ``recruits.csv``; see :meth:`HiddenSide.write`."""
    people = _people(hidden, household, seed)
    ids = people["person_id"].to_numpy(np.int64)
    people = people.merge(hidden.scale_up_answers(ids).drop(columns="degree"), on="person_id")
    rng = stream(seed, "list of statements")
    treated = rng.random(len(people)) < 0.5
    member = np.isin(ids, hidden.members("forced_labour"))
    applies = (rng.random((len(people), len(_HARMLESS))) < np.array(_HARMLESS)).sum(axis=1)
    people = people.assign(treat=treated.astype(int), list_a=applies + (treated & member))
    reached = min(_MOST_RECRUITS, hidden.members("forced_labour", months=WINDOW_MONTHS).size // 2)
    tables = {"people": people, "kin": _kin(hidden, ids), "recruits": hidden.recruit(seed, n=reached)}
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        frame_csv(table, target / f"{name}.csv")
    return {name: target / f"{name}.csv" for name in tables}


def _kin(hidden: HiddenSide, ids: NDArray[np.int64]) -> pd.DataFrame:
    """One row a member of a group of brothers and sisters, the respondent among them, cases first."""
    group = hidden.family_answers(ids)
    rows = group.loc[group.index.repeat(group["reportable"])]
    place = rows.groupby(level=0).cumcount()
    return rows[["person_id", "reportable"]].assign(victim=(place < rows["affected"]).astype(int))


def _people(hidden: HiddenSide, household: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One adult drawn in each household, with the weight of the person and the design."""
    adults = hidden.persons.loc[hidden.persons["age"] >= 18, ["person_id", "household_id"]]
    place = household[["hh_id", "stratum", "ea", "weight"]].rename(columns={"hh_id": "household_id"})
    mixed = adults.iloc[stream(seed, "one adult a household").permutation(len(adults))]
    drawn = mixed.drop_duplicates("household_id").merge(place, on="household_id")
    if drawn.empty:
        raise SurveyToolkitError(
            "no household of the sample is in the country",
            where="sample",
            found=f"{len(household):,} households",
            expected="a sample that country.draw_sample() drew from the same country",
        )
    many = drawn["household_id"].map(adults.groupby("household_id").size())
    drawn["w"] = drawn["weight"] * many
    return drawn.sort_values("person_id", ignore_index=True)[["person_id", "stratum", "ea", "w"]]
