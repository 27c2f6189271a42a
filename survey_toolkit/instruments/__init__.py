"""Questionnaires from modules of questions: checked, written as forms, simulated, read back.

Examples
--------
>>> from survey_toolkit import instruments
>>> instruments.questionnaire("example").coverage()
Coverage('example': 2 of 2 measured, 0 gaps)
"""

from __future__ import annotations

from survey_toolkit.instruments.answers import read_export, write_export
from survey_toolkit.instruments.catalogue import Catalogue, Finding, fingerprint, read_catalogue
from survey_toolkit.instruments.cells import language_status
from survey_toolkit.instruments.checks import check_folder
from survey_toolkit.instruments.coverage import Coverage, CoverageRow
from survey_toolkit.instruments.importing import Imported, import_xlsform
from survey_toolkit.instruments.questionnaire import LANGUAGES, Questionnaire, questionnaire
from survey_toolkit.instruments.simulate import Answers, simulate

__all__ = [
    "LANGUAGES",
    "Answers",
    "Catalogue",
    "Coverage",
    "CoverageRow",
    "Finding",
    "Imported",
    "Questionnaire",
    "check_folder",
    "fingerprint",
    "import_xlsform",
    "language_status",
    "questionnaire",
    "read_catalogue",
    "read_export",
    "simulate",
    "write_export",
]
