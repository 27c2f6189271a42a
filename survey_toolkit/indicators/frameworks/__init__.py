"""Results frameworks: areas, outcomes, outputs, indicators, activities; what countries report; ratings.

Plain logic on plain records: no files but the framework's YAML, no workbooks, no pages. Those are in
``survey_toolkit.monitoring``.
"""

from __future__ import annotations

from survey_toolkit.indicators.frameworks.book import Book
from survey_toolkit.indicators.frameworks.checks import Finding, check_book
from survey_toolkit.indicators.frameworks.load import frameworks, language_gaps, load_framework
from survey_toolkit.indicators.frameworks.models import (
    LEVELS,
    Dimension,
    Framework,
    FrameworkIndicator,
    FrameworkNode,
)
from survey_toolkit.indicators.frameworks.progress import RULE_TEXT, rate, ratings
from survey_toolkit.indicators.frameworks.records import (
    KINDS,
    STATUSES,
    Actual,
    AuditEvent,
    Baseline,
    Marker,
    Narrative,
    Rating,
    Record,
    Selection,
    Source,
    breakdown_key,
    record_from_dict,
    record_to_dict,
)
from survey_toolkit.indicators.frameworks.regional import (
    STATES,
    Cell,
    MirrorPair,
    RegionalTotal,
    State,
    breakdown_cells,
    cell_of,
    cells_of,
    mirror_pairs,
    total_of,
)
from survey_toolkit.indicators.frameworks.sdg import SdgRow, sdg_rows

__all__ = [
    "KINDS",
    "LEVELS",
    "RULE_TEXT",
    "STATES",
    "STATUSES",
    "Actual",
    "AuditEvent",
    "Baseline",
    "Book",
    "Cell",
    "Dimension",
    "Finding",
    "Framework",
    "FrameworkIndicator",
    "FrameworkNode",
    "Marker",
    "MirrorPair",
    "Narrative",
    "Rating",
    "Record",
    "RegionalTotal",
    "SdgRow",
    "Selection",
    "Source",
    "State",
    "breakdown_cells",
    "breakdown_key",
    "cell_of",
    "cells_of",
    "check_book",
    "frameworks",
    "language_gaps",
    "load_framework",
    "mirror_pairs",
    "rate",
    "ratings",
    "record_from_dict",
    "record_to_dict",
    "sdg_rows",
    "total_of",
]
