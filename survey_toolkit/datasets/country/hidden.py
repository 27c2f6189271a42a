"""The side of the simulated country that a household survey hardly sees, with its truth.

Spells of forced labour, episodes of trafficking, the lists on which some victims appear, who knows whom, who
is whose sibling, and recruitment by coupons: every method for hidden populations can be tried on one
population whose size is known.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country import recruitment
from survey_toolkit.datasets.country.draws import calibrated_intercept, stream
from survey_toolkit.datasets.country.field_files import write_field_files
from survey_toolkit.datasets.country.networks import Acquaintance, make_acquaintance, make_sibships
from survey_toolkit.datasets.country.spells import make_episodes, make_spells, trafficked
from survey_toolkit.errors import SurveyToolkitError

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.datasets.simulate import SimulatedSurvey

__all__ = ["KNOWN_POPULATIONS", "LISTS", "HiddenSide"]

#: Groups of known size that a scale-up module asks about, with their share of adults.
KNOWN_POPULATIONS: dict[str, float] = {
    "teachers": 0.011,
    "nurses": 0.004,
    "police_officers": 0.005,
    "married_last_year": 0.014,
    "moved_abroad_last_year": 0.007,
    "postal_workers": 0.001,
}
#: Lists of a trafficking system, with the share of victims of the last year that each sees.
LISTS: dict[str, float] = {"LA": 0.06, "NG": 0.14, "PF": 0.10, "GO": 0.08}


@dataclass(frozen=True, kw_only=True, eq=False)
class HiddenSide:
    """What is hidden in a simulated country. Made by ``country.hidden()``.

    Attributes
    ----------
    seed : int
        Seed of the country.
    persons, jobs : pandas.DataFrame
        The country's own.
    mean_degree : float
        Mean number of adults that an adult knows.
    """

    seed: int
    persons: pd.DataFrame
    jobs: pd.DataFrame
    mean_degree: float = 30.0

    @cached_property
    def adults(self) -> NDArray[np.int64]:
        """Ids of the people aged 18 and over; their order numbers the networks."""
        person: NDArray[np.int64] = self.persons["person_id"].to_numpy()
        return person[self.persons["age"].to_numpy() >= 18]

    @cached_property
    def spells(self) -> pd.DataFrame:
        """Spells of forced labour of adults: ``person_id, start, end, months``."""
        return make_spells(self.seed, self.persons, self.jobs)

    @cached_property
    def episodes(self) -> pd.DataFrame:
        """Episodes with the elements of trafficking met in each."""
        return make_episodes(self.seed, self.persons, self.spells)

    def size(self, population: str, *, months: int = 12) -> int:
        """True size of a hidden population.

        Parameters
        ----------
        population : str
            ``"forced_labour"``: adults with a spell that touches the window; ``"forced_labour_now"``: those
            in a spell at the interview; ``"trafficked"``: people with an episode of trafficking that began
            in the window.
        months : int
            Length of the window before the interview; 60 at most.

        Raises
        ------
        SurveyToolkitError
            If there is no such population.

        Examples
        --------
        >>> from survey_toolkit.datasets import simulate_country
        >>> hidden = simulate_country(seed=1, n_persons=20_000).hidden()
        >>> now, year = hidden.size("forced_labour_now"), hidden.size("forced_labour")
        >>> 0 < now < year < hidden.size("forced_labour", months=60)
        True
        """
        return int(self.members(population, months=months).size)

    def members(self, population: str, *, months: int = 12) -> NDArray[np.int64]:
        """Person ids of a hidden population, sorted; see :meth:`size`."""
        if population == "trafficked":
            return trafficked(self.episodes[self.episodes["months_ago"] < months])
        spells = self.spells
        if population == "forced_labour":
            return np.unique(spells["person_id"].to_numpy()[spells["end"].to_numpy() < months])
        if population == "forced_labour_now":
            return np.unique(spells["person_id"].to_numpy()[spells["end"].to_numpy() == 0])
        raise SurveyToolkitError(
            "no such hidden population",
            found=population,
            expected="forced_labour, forced_labour_now or trafficked",
        )

    def detected(self, seed: int = 1, *, dependence: float = 0.0, months: int = 12) -> pd.DataFrame:
        """Victims of trafficking that at least one list holds.

        Parameters
        ----------
        seed : int
            Seed of the detection; the victims stay the same.
        dependence : float
            How much a person known to the police is likelier (negative: less likely) to be known to the
            authority as well, on the log-odds scale.

        Returns
        -------
        pandas.DataFrame
            ``person_id``, one 0/1 column for each of :data:`LISTS`, ``sex``, ``age``, ``region``.
            The true number is ``size("trafficked")``.
        """
        rng = stream(seed, "lists")
        victims = self.members("trafficked", months=months)
        people = self.persons.iloc[victims - 1]
        easy = np.where(people["urbanisation"].to_numpy() == "U", 0.4, -0.2)
        seen: dict[str, NDArray[np.int64]] = {}
        for name, share in LISTS.items():
            score = easy.copy()
            if name == "GO":
                score += dependence * seen["PF"]
            chance = 1 / (1 + np.exp(-(calibrated_intercept(score, share) + score)))
            seen[name] = (rng.random(victims.size) < chance).astype(np.int64)
        frame = people[["person_id", "sex", "age", "region"]].assign(**seen)
        return frame[frame[list(LISTS)].any(axis=1)].reset_index(drop=True)

    @cached_property
    def acquaintance(self) -> Acquaintance:
        """Who knows whom among adults, numbered as in :attr:`adults`."""
        region = self.persons["region"].cat.codes.to_numpy()[self.adults - 1].astype(np.int64)
        return make_acquaintance(self.seed, region, self.mean_degree)

    @cached_property
    def known_populations(self) -> dict[str, NDArray[np.bool_]]:
        """Members of each of :data:`KNOWN_POPULATIONS` among the adults; their sums are the known sizes."""
        rng = stream(self.seed, "known populations")
        return {name: rng.random(self.adults.size) < share for name, share in KNOWN_POPULATIONS.items()}

    def scale_up_answers(
        self,
        person_ids: NDArray[np.int64],
        population: str = "forced_labour",
        *,
        seed: int = 1,
        transmission: float = 1.0,
    ) -> pd.DataFrame:
        """What adults would answer to "how many ... do you know?".

        Parameters
        ----------
        person_ids : int array
            The respondents; adults.
        transmission : float
            Chance that a respondent knows of the situation of an acquaintance.

        Returns
        -------
        pandas.DataFrame
            ``person_id``, a count for each known population, ``hidden``, and the true ``degree``.
        """
        import pandas as pd

        place = self._adult(person_ids)
        member = np.isin(self.adults, self.members(population))
        known = {
            name: self.acquaintance.known_in(flags)[place] for name, flags in self.known_populations.items()
        }
        count = self.acquaintance.known_in(member)[place]
        told = stream(seed, "transmission").binomial(count, transmission)
        return pd.DataFrame(
            {"person_id": person_ids, **known, "hidden": told, "degree": self.acquaintance.degree()[place]}
        )

    @cached_property
    def sibships(self) -> NDArray[np.int64]:
        """Group of brothers and sisters of each adult, numbered as in :attr:`adults`."""
        people = self.persons.iloc[self.adults - 1]
        region = people["region"].cat.codes.to_numpy().astype(np.int64)
        return make_sibships(self.seed, region, people["age"].to_numpy())

    def family_answers(
        self, person_ids: NDArray[np.int64], population: str = "forced_labour"
    ) -> pd.DataFrame:
        """What adults would report on themselves and their living adult brothers and sisters.

        Returns
        -------
        pandas.DataFrame
            ``person_id``, ``reportable`` (size of the group, the respondent included: who can be reported
            and, as ties run both ways, who could report each of them) and ``affected`` (how many of them
            belong to the hidden population).
        """
        import pandas as pd

        place = self._adult(person_ids)
        member = np.isin(self.adults, self.members(population))
        size = np.bincount(self.sibships)
        affected = np.bincount(self.sibships, weights=member).astype(np.int64)
        group = self.sibships[place]
        return pd.DataFrame({"person_id": person_ids, "reportable": size[group], "affected": affected[group]})

    def recruit(
        self, seed: int = 1, *, n: int = 400, seeds: int = 8, coupons: int = 3, months: int = 60
    ) -> pd.DataFrame:
        """Recruit people who were in forced labour by coupons, from seeds; see :mod:`recruitment`.

        Returns
        -------
        pandas.DataFrame
            ``id, recruiter_id`` (0 for a seed), ``wave, network_size, person_id, sex, region, foreign_born``.
        """
        members = self.members("forced_labour", months=months)
        traits = self.persons.iloc[members - 1]
        return recruitment.recruit(self.seed, seed, traits, n=n, seeds=seeds, coupons=coupons)

    def write(
        self, folder: str | os.PathLike[str], sample: SimulatedSurvey, *, seed: int = 1
    ) -> dict[str, Path]:
        """Write the files that fieldwork on forced labour would bring home.

        Parameters
        ----------
        folder : path
        sample : SimulatedSurvey
            Drawn by :meth:`SimulatedCountry.draw_sample`; one adult of each household is asked.
        seed : int
            Of the adult, the list and the coupons.

        Returns
        -------
        dict of str to Path
            ``people``: respondents (``person_id, stratum, ea, w``) with what they answer on acquaintances (a
            count for each known population, ``hidden``) and to a list of three harmless statements
            (``list_a``), with the sensitive one where ``treat`` is 1. ``kin``: one row a person, the
            respondent and his or her brothers and sisters: whether in forced labour (``victim``), and how
            many could report it (``reportable``). ``recruits``: see :meth:`recruit`.

        Raises
        ------
        SurveyToolkitError
            If the sample was drawn from another country.

        Examples
        --------
        >>> import tempfile
        >>> from survey_toolkit.datasets import simulate_country
        >>> country = simulate_country(seed=1, n_persons=20_000)
        >>> sample = country.draw_sample(seed=1, n_areas=30)
        >>> sorted(country.hidden().write(tempfile.mkdtemp(), sample))
        ['kin', 'people', 'recruits']
        """
        return write_field_files(self, sample.household.frame, folder, seed)

    def _adult(self, person_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        place = np.searchsorted(self.adults, person_ids)
        wrong = (place >= self.adults.size) | (
            self.adults[np.minimum(place, self.adults.size - 1)] != person_ids
        )
        if wrong.any():
            raise SurveyToolkitError(
                "only adults are asked", where="person_ids", found=f"{int(wrong.sum())} that are not adults"
            )
        return place
