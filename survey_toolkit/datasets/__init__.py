"""Data to learn and test with: small published tables, and a simulated national survey with known truth."""

from __future__ import annotations

from survey_toolkit.datasets.country.hidden import HiddenSide
from survey_toolkit.datasets.country.profile import CountryProfile
from survey_toolkit.datasets.country.questionnaire import ItemNonresponse
from survey_toolkit.datasets.published import KOSOVO_1999, UK_2013, CaptureTable, kosovo_1999, uk_2013
from survey_toolkit.datasets.simulate import (
    DEFAULT_SEED,
    SimulatedCountry,
    SimulatedSurvey,
    simulate_country,
)
from survey_toolkit.datasets.victim_lists import RecordErrors, VictimLists, victim_lists

__all__ = [
    "DEFAULT_SEED",
    "KOSOVO_1999",
    "UK_2013",
    "CaptureTable",
    "CountryProfile",
    "HiddenSide",
    "ItemNonresponse",
    "RecordErrors",
    "SimulatedCountry",
    "SimulatedSurvey",
    "VictimLists",
    "kosovo_1999",
    "simulate_country",
    "uk_2013",
    "victim_lists",
]
