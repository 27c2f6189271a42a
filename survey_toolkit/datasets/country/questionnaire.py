"""The interview: from what is true to the codes in the file.

Skip patterns leave blanks: hours are asked unless every activity was answered *no*; the child module is
for ages 5-17, the union questions for women 15-49, the jobs for ages 15 and over. Some answers are lost,
completely at random: a person refuses a whole module, or does not know or refuses one item. The truth
stays what it was: a lost answer makes a status undetermined, never false.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country import codebook as book
from survey_toolkit.datasets.country.children import CHORES, KINDS_OF_WORK
from survey_toolkit.datasets.country.profile import INVOLUNTARINESS, MENACE

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.datasets.country.sampling import HouseholdSample

__all__ = ["ItemNonresponse", "answer_household", "answer_jobs", "answer_person"]

Codes = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemNonresponse:
    """How often an answer is lost.

    Attributes
    ----------
    module : float
        Share of people who refuse a whole module (child activities, unions, jobs).
    item : float
        Share of single yes/no items not known or refused.
    number : float
        Share of hours and ages not known or refused.
    """

    module: float = 0.008
    item: float = 0.0015
    number: float = 0.010

    @classmethod
    def none(cls) -> ItemNonresponse:
        """Everyone answers everything."""
        return cls(module=0.0, item=0.0, number=0.0)


def answer_household(
    rng: np.random.Generator, households: pd.DataFrame, sample: HouseholdSample, lost: ItemNonresponse
) -> pd.DataFrame:
    """Household file. ``h04_land`` not known is the Stata missing value ``.a``."""
    import pandas as pd

    land = np.where(households["owns_land"].to_numpy(), float(book.YES), float(book.NO))
    unknown = rng.random(land.size) < 2 * lost.number
    return pd.DataFrame(
        {
            "hh_id": households["household_id"].to_numpy(),
            "ea": households["area_id"].to_numpy(),
            "stratum": households["stratum"].to_numpy(),
            "h01_region": households["region"].cat.codes.to_numpy().astype(np.int64) + 1,
            "h02_urbrur": households["urbanisation"].cat.codes.to_numpy().astype(np.int64) + 1,
            "h03_hhsize": households["size"].to_numpy(),
            "h04_land": np.where(unknown, np.nan, land),
            "h04_land__missing": pd.Series(".a", index=range(land.size), dtype="string").where(unknown),
            "ea_prob": sample.area_probability,
            "ea_listed": sample.listed,
            "ea_done": sample.completed,
            "weight": sample.weight,
        }
    )


def answer_person(
    rng: np.random.Generator, persons: pd.DataFrame, n_jobs: NDArray[np.int64], lost: ItemNonresponse
) -> pd.DataFrame:
    """Person file; ``n_jobs`` is the number of jobs of each person."""
    import pandas as pd

    age = persons["age"].to_numpy()
    sex = persons["sex"].cat.codes.to_numpy().astype(np.int64) + 1
    columns: dict[str, NDArray[np.generic]] = {
        "hh_id": persons["household_id"].to_numpy(),
        "person_id": persons["line"].to_numpy(),
        "q101_relation": persons["relation"].to_numpy(),
        "q102_born": persons["birthplace"].to_numpy(),
        "q103_sex": sex,
        "q104_age": age,
    }
    columns |= _child_module(rng, persons, (age >= 5) & (age <= 17), lost)
    columns |= _union_module(rng, persons, (sex == 2) & (age >= 15) & (age <= 49), lost)
    columns["j500_njobs"] = np.where(age >= 15, n_jobs.astype(float), np.nan)
    return pd.DataFrame(columns)[[v.name for v in book.PERSON]]


def answer_jobs(rng: np.random.Generator, jobs: pd.DataFrame, lost: ItemNonresponse) -> pd.DataFrame:
    """Job file; a person who refuses the module refuses it for every job."""
    import pandas as pd

    people, person = np.unique(jobs["person_id"].to_numpy(), return_inverse=True)
    refuses = (rng.random(people.size) < lost.module)[person]
    asked = np.ones(len(jobs), dtype=bool)
    columns: dict[str, NDArray[np.generic]] = {
        "hh_id": jobs["household_id"].to_numpy(),
        "person_id": jobs["line"].to_numpy(),
        "job_id": jobs["job_no"].to_numpy(),
        "j501_branch": jobs["sector"].to_numpy(),
    }
    items = zip((*book.INVOLUNTARY_ITEMS, *book.MENACE_ITEMS), (*INVOLUNTARINESS, *MENACE), strict=True)
    for name, criterion in items:
        columns[name] = _yes_no(rng, jobs[criterion].to_numpy(), asked, refuses, lost.item)
    duty = jobs["c29_exclusion"].cat.codes.to_numpy().astype(float)
    unknown = refuses | (rng.random(duty.size) < lost.item)
    columns["j530_duty"] = np.where(unknown, float(book.REFUSED), duty)
    return pd.DataFrame(columns)


def _child_module(
    rng: np.random.Generator, persons: pd.DataFrame, asked: Flags, lost: ItemNonresponse
) -> dict[str, NDArray[np.generic]]:
    refuses = asked & (rng.random(asked.size) < lost.module)
    columns: dict[str, NDArray[np.generic]] = {}

    def module(items: tuple[str, ...], truths: tuple[str, ...], hours_item: str, hours_truth: str) -> None:
        answers = {
            item: _yes_no(rng, persons[truth].to_numpy(), asked, refuses, lost.item)
            for item, truth in zip(items, truths, strict=True)
        }
        columns.update(answers)
        columns[hours_item] = _number_after(rng, persons[hours_truth].to_numpy(), answers, asked, lost.number)

    module(book.WORK_ITEMS, KINDS_OF_WORK, "c304_workhrs", "work_hours")
    module(("c305_water",), ("fetches_water",), "c306_waterhrs", "water_hours")
    module(("c307_wood",), ("collects_wood",), "c308_woodhrs", "wood_hours")
    module(book.CHORE_ITEMS, CHORES, "c313_chorehrs", "chore_hours")
    return columns


def _union_module(
    rng: np.random.Generator, persons: pd.DataFrame, asked: Flags, lost: ItemNonresponse
) -> dict[str, NDArray[np.generic]]:
    age = persons["union_age"].to_numpy()
    refuses = asked & (rng.random(asked.size) < lost.module)
    ever = _yes_no(rng, age >= 0, asked, refuses, lost.item)
    return {
        "m401_union": ever,
        "m402_unionage": _number_after(rng, age, {"m401_union": ever}, asked, lost.number),
    }


def _yes_no(rng: np.random.Generator, truth: Flags, asked: Flags, refuses: Flags, rate: float) -> Codes:
    """Code 1 or 2, 8 or 9 where the answer is lost, blank where it was not asked."""
    answer = np.where(truth, float(book.YES), float(book.NO))
    u = rng.random(truth.size)
    answer[u < rate] = book.DONT_KNOW
    answer[u < 0.4 * rate] = book.REFUSED
    answer[refuses] = book.REFUSED
    return np.where(asked, answer, np.nan)


def _number_after(
    rng: np.random.Generator,
    truth: NDArray[np.int64],
    gates: dict[str, Codes],
    asked: Flags,
    rate: float,
) -> Codes:
    """A two-digit number asked unless all the questions before it were answered *no*."""
    codes = np.column_stack(list(gates.values()))
    skipped = (codes == book.NO).all(axis=1)
    none_said = ~(codes == book.YES).any(axis=1)
    refused = (codes == book.REFUSED).any(axis=1)
    u = rng.random(truth.size)
    answer = truth.astype(float)
    # Without a single yes the interviewer cannot ask for the hours of anything.
    answer[(u < rate) | none_said] = book.HOURS_DONT_KNOW
    answer[(u < 0.3 * rate) | (none_said & refused)] = book.HOURS_REFUSED
    return np.where(asked & ~skipped, answer, np.nan)
