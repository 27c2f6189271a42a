"""From figures to publication: disclosure control, tables, charts, report, workbook, SDMX."""

from __future__ import annotations

from survey_toolkit.dissemination.context import (
    AuditEntry,
    DefinitionEntry,
    IndicatorEntry,
    Note,
    ReportContext,
)
from survey_toolkit.dissemination.disclosure import (
    DisclosurePolicy,
    DisclosureReport,
    Protected,
    attack,
    protect,
)
from survey_toolkit.dissemination.report import report_html
from survey_toolkit.dissemination.structures import check_rows, load_structure
from survey_toolkit.dissemination.tables import PublicationTable, publication_tables
from survey_toolkit.dissemination.write import FORMATS, WRITERS, write, write_outputs

__all__ = [
    "FORMATS",
    "WRITERS",
    "AuditEntry",
    "DefinitionEntry",
    "DisclosurePolicy",
    "DisclosureReport",
    "IndicatorEntry",
    "Note",
    "Protected",
    "PublicationTable",
    "ReportContext",
    "attack",
    "check_rows",
    "load_structure",
    "protect",
    "publication_tables",
    "report_html",
    "write",
    "write_outputs",
]
