"""What kind of country is simulated: its size, its places, and how common each thing is.

The levels are orders of magnitude of published global figures, not a portrait of any country: about one
child in ten in child labour (ILO and UNICEF, Child Labour: Global estimates 2020), about one young woman in
five married before 18 (UNICEF 2023). Forced labour is made commoner than the global 3.5 adults per
1,000 (ILO, Walk Free and IOM, Global Estimates of Modern Slavery 2022) so that a sample of 300 enumeration
areas finds enough cases to show intervals with.
"""

from __future__ import annotations

from dataclasses import dataclass

from survey_toolkit.errors import SurveyToolkitError

__all__ = ["INVOLUNTARINESS", "MENACE", "REGIONS", "CountryProfile"]

#: Region code, name, share of the population, share of its population that is urban.
REGIONS: tuple[tuple[str, str, float, float], ...] = (
    ("R1", "Capital", 0.28, 0.72),
    ("R2", "Delta", 0.22, 0.38),
    ("R3", "Coast", 0.17, 0.42),
    ("R4", "Highlands", 0.14, 0.22),
    ("R5", "Plains", 0.11, 0.27),
    ("R6", "Borderlands", 0.08, 0.18),
)

#: Criteria of involuntary work and of menace of penalty, 20th ICLS Guidelines (2018).
INVOLUNTARINESS: tuple[str, ...] = (
    "inv_unfree_recruitment",
    "inv_different_job",
    "inv_abusive_overtime",
    "inv_hazardous_no_consent",
    "inv_low_or_no_wages",
    "inv_degrading_living",
    "inv_other_employer",
    "inv_longer_than_agreed",
    "inv_no_freedom_to_leave",
)
MENACE: tuple[str, ...] = (
    "pen_violence",
    "pen_movement",
    "pen_debt",
    "pen_wages",
    "pen_documents",
    "pen_vulnerability",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryProfile:
    """How the simulated country is. Every field has a default; change what a study needs.

    Attributes
    ----------
    households_per_area : float
        Mean number of households in an enumeration area.
    children_working : float
        Share of children 5-17 with any economic activity in the reference week.
    children_in_chores : float
        Share of children 5-17 with any household chores, water or firewood.
    union_before_18 : float
        Share of women who first marry or live in union before they are 18.
    jobs_forced, jobs_involuntary, jobs_menaced : float
        Share of jobs with criteria of both kinds, of involuntariness only, of menace only.
    area_sd : float
        Standard deviation, on the log-odds scale, of what people of one enumeration area share. It makes the
        design effects.
    """

    households_per_area: float = 60.0
    children_working: float = 0.18
    children_in_chores: float = 0.72
    union_before_18: float = 0.165
    jobs_forced: float = 0.0085
    jobs_involuntary: float = 0.032
    jobs_menaced: float = 0.012
    area_sd: float = 0.65

    def __post_init__(self) -> None:
        if self.households_per_area < 30:
            raise SurveyToolkitError(
                "enumeration areas are too small to draw households from",
                where="households_per_area",
                found=str(self.households_per_area),
                expected="30 or more",
            )
        shares = ("children_working", "children_in_chores", "union_before_18")
        for name in (*shares, "jobs_forced", "jobs_involuntary", "jobs_menaced"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise SurveyToolkitError("a share must lie between 0 and 1", where=name, found=str(value))
