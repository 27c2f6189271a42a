"""Figures and their trace: published numbers with reliability, disclosure status and the way back."""

from __future__ import annotations

from survey_toolkit.indicators.collection import Figures, read_figures
from survey_toolkit.indicators.compute import (
    TraceParts,
    figures_from_estimates,
    figures_from_population_size,
)
from survey_toolkit.indicators.explain import explain, explain_tree, figure_sentence
from survey_toolkit.indicators.figure import TOTAL, Figure, figure_id
from survey_toolkit.indicators.lineage import definition_steps
from survey_toolkit.indicators.quality import POLICIES, Policy, Verdict, apply_quality, assess
from survey_toolkit.indicators.trace import FileRecord, Trace, TraceStep
from survey_toolkit.indicators.units import UNITS, Unit, decimals_for, format_number, presentation

__all__ = [
    "POLICIES",
    "TOTAL",
    "UNITS",
    "Figure",
    "Figures",
    "FileRecord",
    "Policy",
    "Trace",
    "TraceParts",
    "TraceStep",
    "Unit",
    "Verdict",
    "apply_quality",
    "assess",
    "decimals_for",
    "definition_steps",
    "explain",
    "explain_tree",
    "figure_id",
    "figure_sentence",
    "figures_from_estimates",
    "figures_from_population_size",
    "format_number",
    "presentation",
    "read_figures",
]
