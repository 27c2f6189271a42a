"""A simulated country with known truth, and the household survey that a statistical office draws from it.

Real microdata on forced labour, child labour and child marriage may not be shipped with a package, and
never come with the truth. Here every true quantity is known because the whole population is: a figure
estimated from the sample can be held against it.

The country is drawn once from a seed (:func:`simulate_country`); surveys are drawn from it with seeds of
their own (:meth:`SimulatedCountry.draw_sample`), as often as a simulation study needs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._spreadsheet import frame_csv
from survey_toolkit.datasets.country import codebook
from survey_toolkit.datasets.country.children import make_child_activities
from survey_toolkit.datasets.country.draws import stream
from survey_toolkit.datasets.country.frames import area_frame, household_frame, job_frame, person_frame
from survey_toolkit.datasets.country.geography import EnumerationAreas, make_areas
from survey_toolkit.datasets.country.hidden import HiddenSide
from survey_toolkit.datasets.country.households import make_households, make_people
from survey_toolkit.datasets.country.profile import CountryProfile
from survey_toolkit.datasets.country.questionnaire import (
    ItemNonresponse,
    answer_household,
    answer_jobs,
    answer_person,
)
from survey_toolkit.datasets.country.sampling import draw_households
from survey_toolkit.datasets.country.truth import TOTAL, truth_table
from survey_toolkit.datasets.country.unions import make_union_ages
from survey_toolkit.datasets.country.work import make_jobs
from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.microdata.model import Microdata

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEFAULT_SEED", "SimulatedCountry", "SimulatedSurvey", "simulate_country"]

DEFAULT_SEED = 2024
_FEWEST_PERSONS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedSurvey:
    """A sample survey of the simulated country, as the raw files of a statistical office.

    Attributes
    ----------
    seed : int
        Seed of this sample.
    household, person, job : Microdata
        The three files, with labels and declared missing codes. ``hh_id`` joins all three, ``hh_id`` and
        ``person_id`` (a line number) join jobs to persons. The design stands in the household file:
        ``stratum``, ``ea`` (primary sampling unit), ``weight``. ``hh_id``, ``ea`` and ``person_id`` are
        ``household_id``, ``area_id`` and ``line`` of the country.
    """

    seed: int
    household: Microdata
    person: Microdata
    job: Microdata

    def write(self, folder: str | os.PathLike[str]) -> dict[str, Path]:
        """Write ``household.dta`` (Stata), ``person.sav`` and ``job.sav`` (SPSS).

        Returns
        -------
        dict of str to Path
            Level to file written.
        """
        from survey_toolkit.microdata import write_microdata

        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        paths = {
            "household": target / "household.dta",
            "person": target / "person.sav",
            "job": target / "job.sav",
        }
        for level, path in paths.items():
            write_microdata(getattr(self, level), path)
        return paths


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedCountry:
    """A whole simulated population and what is true in it.

    Attributes
    ----------
    seed : int
        Seed the country was drawn with.
    profile : CountryProfile
        What kind of country it is.
    enumeration_areas, households, persons, jobs : pandas.DataFrame
        The population, one row a unit. Codes are harmonized (sex ``M``/``F``, urbanisation ``U``/``R``,
        regions ``R1`` to ``R6``); ``union_age`` -1 stands for never in union; criteria of forced labour
        bear the names of the harmonized variables.
    truth : pandas.DataFrame
        Every true proportion and total: columns ``variable, definition, version, statistic, sex,
        age_band, urbanisation, region, value, universe``; ``_T`` stands for all.
    """

    seed: int
    profile: CountryProfile
    enumeration_areas: pd.DataFrame
    households: pd.DataFrame
    persons: pd.DataFrame
    jobs: pd.DataFrame
    truth: pd.DataFrame
    _areas: EnumerationAreas = field(repr=False)

    def __repr__(self) -> str:
        return (
            f"SimulatedCountry(seed={self.seed}): {len(self.persons):,} persons, "
            f"{len(self.households):,} households, {len(self.enumeration_areas):,} enumeration areas, "
            f"{len(self.jobs):,} jobs"
        )

    def true_value(
        self, variable: str, *, version: str | None = None, statistic: str = "proportion", **by: str
    ) -> float:
        """One true value.

        Parameters
        ----------
        variable : str
            ``child_labour_a``, ``child_labour_b``, ``child_marriage_15``, ``child_marriage_18`` or
            ``forced_labour``.
        version : str, optional
            Version of the definition; the first in the table by default (``sdg-2021`` for child labour).
        statistic : str
            ``"proportion"`` (0 to 1) or ``"total"`` (persons).
        **by : str
            ``sex``, ``age_band``, ``urbanisation``, ``region``; all that is not given is for everyone.

        Raises
        ------
        SurveyToolkitError
            If there is no such variable, version or breakdown in the table.

        Examples
        --------
        >>> country = simulate_country(seed=1, n_persons=20_000)
        >>> 0 < country.true_value("child_labour_a", sex="F") < country.true_value("child_labour_a", sex="M")
        True
        """
        table = self.truth
        asked = {"variable": variable, "statistic": statistic}
        asked |= {name: by.pop(name, TOTAL) for name in ("sex", "age_band", "urbanisation", "region")}
        if by:
            raise SurveyToolkitError("no such breakdown in the truth", found=", ".join(by))
        if version is not None:
            asked["version"] = version
        for column, value in asked.items():
            kept = table[table[column] == value]
            if kept.empty:
                known = sorted(set(table[column]))
                raise SurveyToolkitError(
                    f"the truth table has no {column} '{value}'", expected=did_you_mean(value, known)
                )
            table = kept
        return float(table["value"].iloc[0])

    def hidden(self, *, mean_degree: float = 30.0) -> HiddenSide:
        """What a household survey hardly sees: spells, episodes, networks, lists, coupons, and the truth.

        Each part is made when it is first asked for, from random numbers of its own.

        Parameters
        ----------
        mean_degree : float
            Mean number of adults that an adult knows.
        """
        return HiddenSide(seed=self.seed, persons=self.persons, jobs=self.jobs, mean_degree=mean_degree)

    def write_truth(self, path: str | os.PathLike[str]) -> None:
        """Write the truth table as CSV: all columns but ``universe``, the form a study file reads."""
        frame_csv(self.truth.drop(columns="universe"), path)

    def draw_sample(
        self,
        seed: int = 1,
        *,
        n_areas: int = 300,
        households_per_area: int = 20,
        nonresponse: bool = True,
        lost: ItemNonresponse | None = None,
    ) -> SimulatedSurvey:
        """Draw a two-stage stratified cluster sample and interview it.

        Parameters
        ----------
        seed : int
            Seed of the sample; independent of the seed of the country.
        n_areas, households_per_area : int
            Enumeration areas in the sample, and households asked in each.
        nonresponse : bool
            Whether some households do not answer (their weight goes to the others of their area).
        lost : ItemNonresponse, optional
            How often single answers are lost; ``ItemNonresponse.none()`` for a perfect interview.

        Returns
        -------
        SimulatedSurvey

        Raises
        ------
        DesignError
            If the country has not enough enumeration areas.

        Notes
        -----
        Enumeration areas are drawn with probability proportional to an out-of-date size, households by
        simple random sampling; ``weight = 1 / ea_prob * ea_listed / ea_done``.

        Examples
        --------
        >>> survey = simulate_country(seed=1, n_persons=20_000).draw_sample(seed=1, n_areas=30)
        >>> survey.household.frame["ea"].nunique()
        30
        """
        if households_per_area < 1:
            raise SurveyToolkitError("at least one household an area is needed", where="households_per_area")
        lost = ItemNonresponse() if lost is None else lost
        rng = stream(seed, "interview")
        sample = draw_households(
            seed, self._areas, n_areas=n_areas, take=households_per_area, nonresponse=nonresponse
        )
        households = self.households.iloc[sample.household]
        persons = _members(self.persons, households["household_id"].to_numpy())
        jobs = _members(self.jobs, households["household_id"].to_numpy())
        n_jobs = np.bincount(
            np.searchsorted(persons["person_id"].to_numpy(), jobs["person_id"].to_numpy()),
            minlength=len(persons),
        )
        files = {
            "household": (answer_household(rng, households, sample, lost), codebook.HOUSEHOLD, ("hh_id",)),
            "person": (answer_person(rng, persons, n_jobs, lost), codebook.PERSON, ("hh_id", "person_id")),
            "job": (answer_jobs(rng, jobs, lost), codebook.JOB, ("hh_id", "person_id", "job_id")),
        }
        return SimulatedSurvey(
            seed=seed,
            **{
                level: Microdata.from_frame(
                    frame, variables, name=f"simulated {level} file", level=level, keys=keys
                )
                for level, (frame, variables, keys) in files.items()
            },
        )


def _members(frame: pd.DataFrame, household_ids: NDArray[np.int64]) -> pd.DataFrame:
    """Rows of the given households; both are sorted by household."""
    ids = frame["household_id"].to_numpy()
    wanted = np.searchsorted(household_ids, ids)
    inside = household_ids[np.minimum(wanted, household_ids.size - 1)] == ids
    members: pd.DataFrame = frame.loc[inside]
    return members


def simulate_country(
    seed: int = DEFAULT_SEED, n_persons: int = 600_000, profile: CountryProfile | None = None
) -> SimulatedCountry:
    """Simulate a country of about ``n_persons`` people in 12 strata (6 regions, urban and rural).

    People of one enumeration area and of one household share risks, so that estimates from cluster samples
    have design effects above 1. Levels follow orders of magnitude of published global figures, see
    :mod:`survey_toolkit.datasets.country.profile`.

    Parameters
    ----------
    seed : int
        The same seed gives the same country.
    n_persons : int
        Wanted size. The size drawn differs by one or two per cent, and by more in a very small country,
        where every stratum still has four enumeration areas.
    profile : CountryProfile, optional
        How common each thing is.

    Returns
    -------
    SimulatedCountry

    Raises
    ------
    SurveyToolkitError
        If the country is too small to sample from.

    Examples
    --------
    >>> country = simulate_country(seed=1, n_persons=20_000)
    >>> len(country.enumeration_areas), country.persons["region"].nunique()
    (84, 6)
    """
    if n_persons < _FEWEST_PERSONS:
        raise SurveyToolkitError(
            "the simulated country is too small",
            where="n_persons",
            found=f"{n_persons:,}",
            expected=f"{_FEWEST_PERSONS:,} or more",
        )
    profile = CountryProfile() if profile is None else profile
    areas = make_areas(seed, n_persons, profile)
    households = make_households(seed, areas)
    people = make_people(seed, households)
    activities = make_child_activities(seed, people, areas, profile)
    unions = make_union_ages(seed, people, areas, profile)
    jobs = make_jobs(seed, people, areas, activities, profile)
    persons = person_frame(areas, people, activities, unions)
    job_rows = job_frame(people, jobs)
    return SimulatedCountry(
        seed=seed,
        profile=profile,
        enumeration_areas=area_frame(areas),
        households=household_frame(areas, households),
        persons=persons,
        jobs=job_rows,
        truth=truth_table(persons, job_rows),
        _areas=areas,
    )
