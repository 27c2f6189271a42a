"""The codebook of the demo survey: raw variable names, labels, codes and missing codes of its three files.

Written the way a statistical office would write it, with names and codes of its own: nothing here follows
the harmonized variables, which is what the crosswalk ``demo_household_survey_2024`` is for.
"""

from __future__ import annotations

from survey_toolkit.datasets.country.households import BIRTHPLACES, RELATIONS
from survey_toolkit.datasets.country.profile import REGIONS
from survey_toolkit.datasets.country.work import SECTORS
from survey_toolkit.microdata.model import Code, MissingCode, Variable

__all__ = [
    "CHORE_ITEMS",
    "DONT_KNOW",
    "HOURS_DONT_KNOW",
    "HOURS_REFUSED",
    "HOUSEHOLD",
    "INVOLUNTARY_ITEMS",
    "JOB",
    "MENACE_ITEMS",
    "NO",
    "PERSON",
    "REFUSED",
    "WORK_ITEMS",
    "YES",
]

YES, NO, DONT_KNOW, REFUSED = 1, 2, 8, 9
HOURS_DONT_KNOW, HOURS_REFUSED = 98, 99

_YES_NO_MISSING = (
    MissingCode(low=DONT_KNOW, high=DONT_KNOW, reason="dk", label="don't know"),
    MissingCode(low=REFUSED, high=REFUSED, reason="refused", label="refused"),
)
_TWO_DIGIT_MISSING = (
    MissingCode(low=HOURS_DONT_KNOW, high=HOURS_DONT_KNOW, reason="dk", label="don't know"),
    MissingCode(low=HOURS_REFUSED, high=HOURS_REFUSED, reason="refused", label="refused"),
)


def _number(name: str, label: str, level: str, unit: str | None = None, form: str = "F8.0") -> Variable:
    return Variable(name=name, label=label, level=level, unit=unit, format=form)


def _coded(name: str, label: str, level: str, codes: dict[Code, str]) -> Variable:
    return Variable(name=name, label=label, level=level, value_labels=codes, format="F2.0")


def _yes_no(name: str, label: str, level: str) -> Variable:
    codes: dict[Code, str] = {YES: "yes", NO: "no", DONT_KNOW: "don't know", REFUSED: "refused"}
    return Variable(
        name=name, label=label, level=level, value_labels=codes, missing=_YES_NO_MISSING, format="F1.0"
    )


def _two_digits(name: str, label: str, level: str, unit: str) -> Variable:
    codes: dict[Code, str] = {HOURS_DONT_KNOW: "don't know", HOURS_REFUSED: "refused"}
    return Variable(
        name=name,
        label=label,
        level=level,
        unit=unit,
        value_labels=codes,
        missing=_TWO_DIGIT_MISSING,
        format="F2.0",
    )


def _numbered(names: tuple[str, ...]) -> dict[Code, str]:
    return {i: name for i, name in enumerate(names, start=1)}


_REGION_NAMES = tuple(name for _, name, *_ in REGIONS)
_STRATA = tuple(f"{name}, {area}" for name in _REGION_NAMES for area in ("urban", "rural"))

#: The household file, one row a household that answered.
HOUSEHOLD: tuple[Variable, ...] = (
    _number("hh_id", "Household number", "household", form="%12.0g"),
    _number("ea", "Enumeration area", "household", form="%12.0g"),
    _coded("stratum", "Sampling stratum", "household", _numbered(_STRATA)),
    _coded("h01_region", "Region", "household", _numbered(_REGION_NAMES)),
    _coded("h02_urbrur", "Area of residence", "household", {1: "urban", 2: "rural"}),
    _number("h03_hhsize", "Number of household members", "household", "persons", "%8.0g"),
    Variable(
        name="h04_land",
        label="Household owns agricultural land",
        level="household",
        value_labels={YES: "yes", NO: "no", ".a": "don't know"},
        missing=(MissingCode(low=".a", high=".a", reason="dk", label="don't know"),),
        format="%8.0g",
    ),
    _number("ea_prob", "Inclusion probability of the enumeration area", "household", form="%10.0g"),
    _number("ea_listed", "Households listed in the enumeration area", "household", "households", "%8.0g"),
    _number(
        "ea_done", "Households that answered in the enumeration area", "household", "households", "%8.0g"
    ),
    _number("weight", "Sampling weight", "household", form="%10.0g"),
)

#: Raw names of the questions on kinds of economic activity, in the order of ``KINDS_OF_WORK``.
WORK_ITEMS: tuple[str, ...] = ("c301_farm", "c302_business", "c303_paid")
#: Raw names of the questions on household chores, in the order of ``CHORES``.
CHORE_ITEMS: tuple[str, ...] = ("c309_cook", "c310_clean", "c311_laundry", "c312_care")

#: The person file, one row a household member.
PERSON: tuple[Variable, ...] = (
    _number("hh_id", "Household number", "person"),
    _number("person_id", "Line number in the household", "person", form="F2.0"),
    _coded("q101_relation", "Relation to the head of household", "person", _numbered(RELATIONS)),
    _coded("q102_born", "Place of birth", "person", _numbered(BIRTHPLACES)),
    _coded("q103_sex", "Sex", "person", {1: "male", 2: "female"}),
    _number("q104_age", "Age in completed years (95 = 95 and over)", "person", "years", "F2.0"),
    _yes_no("c301_farm", "Last week: worked on the family's or another's farm, plot or boat", "person"),
    _yes_no("c302_business", "Last week: worked in a family business, or made or sold things", "person"),
    _yes_no("c303_paid", "Last week: worked for pay, in cash or in kind", "person"),
    _two_digits("c304_workhrs", "Last week: hours of work in all these activities", "person", "hours"),
    _yes_no("c305_water", "Last week: fetched water for the household", "person"),
    _two_digits("c306_waterhrs", "Last week: hours fetching water", "person", "hours"),
    _yes_no("c307_wood", "Last week: collected firewood for the household", "person"),
    _two_digits("c308_woodhrs", "Last week: hours collecting firewood", "person", "hours"),
    _yes_no("c309_cook", "Last week: cooked for the household", "person"),
    _yes_no("c310_clean", "Last week: cleaned the house or washed dishes", "person"),
    _yes_no("c311_laundry", "Last week: washed clothes for the household", "person"),
    _yes_no("c312_care", "Last week: looked after a child, an old or a sick person", "person"),
    _two_digits("c313_chorehrs", "Last week: hours of these household chores", "person", "hours"),
    _yes_no("m401_union", "Ever married or lived with a partner as if married", "person"),
    _two_digits("m402_unionage", "Age at first marriage or union", "person", "years"),
    _number("j500_njobs", "Number of jobs in the last 12 months", "person", "jobs", "F1.0"),
)

#: Raw names of the questions on involuntariness and menace, in the order of the criteria.
INVOLUNTARY_ITEMS: tuple[str, ...] = tuple(f"j51{i}" for i in range(1, 10))
MENACE_ITEMS: tuple[str, ...] = tuple(f"j52{i}" for i in range(1, 7))
_JOB_QUESTIONS = (
    "Was born into this work, or was handed over or bound by a debt to do it",
    "The work was of another kind than agreed at recruitment",
    "Was made to work overtime or on call beyond what was agreed",
    "Was made to do hazardous work without having agreed to it",
    "Was paid nothing or very little for this work",
    "The employer imposed degrading living conditions",
    "Was made to work for another employer than agreed",
    "Was made to stay in this work longer than agreed",
    "Was not free to leave this work, or only at a loss that nobody would accept",
    "Violence or threats of it, to the worker or people close to the worker",
    "Movements were restricted or watched",
    "Was kept in the work by a debt, or the debt was made to grow",
    "Wages or promised benefits were held back",
    "Identity or other valuable papers were held back",
    "A weak position was abused: threats of dismissal, deportation or loss of rights",
)

#: The job file, one row a job of the last 12 months of a person of 15 or over.
JOB: tuple[Variable, ...] = (
    _number("hh_id", "Household number", "job"),
    _number("person_id", "Line number in the household", "job", form="F2.0"),
    _number("job_id", "Number of the job (1 = main job)", "job", form="F1.0"),
    _coded("j501_branch", "Branch of the job", "job", _numbered(SECTORS)),
    *(
        _yes_no(name, label, "job")
        for name, label in zip((*INVOLUNTARY_ITEMS, *MENACE_ITEMS), _JOB_QUESTIONS, strict=True)
    ),
    Variable(
        name="j530_duty",
        label="Whether this work was a public duty",
        level="job",
        value_labels={
            0: "no public duty",
            1: "military service, work of purely military character",
            2: "normal civic duty",
            3: "by conviction in a court, under public control",
            4: "emergency or disaster",
            5: "minor service of the community, consulted",
            REFUSED: "refused",
        },
        missing=(MissingCode(low=REFUSED, high=REFUSED, reason="refused", label="refused"),),
        format="F1.0",
    ),
)
