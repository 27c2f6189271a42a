"""Survey files in, with their meaning; harmonized, audited, classified microdata out."""

from survey_toolkit.microdata._inspection_page import inspections_page
from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata._reconciled_together import reconciled_together
from survey_toolkit.microdata._words import undeclared
from survey_toolkit.microdata.audit import (
    AuditDiff,
    account,
    audit_dict,
    audit_html,
    before_after,
    diff_audits,
)
from survey_toolkit.microdata.checks import CheckReport, Finding, Related, check_data
from survey_toolkit.microdata.classify import classify
from survey_toolkit.microdata.convert import convert_to_parquet
from survey_toolkit.microdata.crosswalk import Crosswalk, load_crosswalk, shipped_crosswalks
from survey_toolkit.microdata.ddi import ddi_codebook
from survey_toolkit.microdata.draft import draft_crosswalk
from survey_toolkit.microdata.harmonize import harmonize
from survey_toolkit.microdata.heaping import digit_preference, myers, whipple
from survey_toolkit.microdata.identifiers import Identifier, find_identifiers, strip_identifiers
from survey_toolkit.microdata.inspection import CodeCount, Inspection, VariableProfile, inspect_data
from survey_toolkit.microdata.join import join
from survey_toolkit.microdata.model import (
    MISSING_REASONS,
    MISSING_SUFFIX,
    FileSource,
    Microdata,
    MissingCode,
    TargetAudit,
    Variable,
)
from survey_toolkit.microdata.read import (
    FileMetadata,
    file_sha256,
    read_catalog,
    read_metadata,
    read_microdata,
)
from survey_toolkit.microdata.reconcile import reconcile
from survey_toolkit.microdata.reconciliation import Movement, Rate, Reconciliation, Transition
from survey_toolkit.microdata.roles import Guess, guess_roles
from survey_toolkit.microdata.scale import HarmonizedFile, harmonize_parquet
from survey_toolkit.microdata.tables import TableLink, TableSet, read_tables
from survey_toolkit.microdata.write import write_microdata

__all__ = [
    "MISSING_REASONS",
    "MISSING_SUFFIX",
    "AuditDiff",
    "CheckReport",
    "CodeCount",
    "Crosswalk",
    "FileMetadata",
    "FileSource",
    "Finding",
    "Guess",
    "HarmonizedFile",
    "Identifier",
    "Inspection",
    "Microdata",
    "MissingCode",
    "Movement",
    "Rate",
    "ReadLimits",
    "Reconciliation",
    "Related",
    "TableLink",
    "TableSet",
    "TargetAudit",
    "Transition",
    "Variable",
    "VariableProfile",
    "account",
    "audit_dict",
    "audit_html",
    "before_after",
    "check_data",
    "classify",
    "convert_to_parquet",
    "ddi_codebook",
    "diff_audits",
    "digit_preference",
    "draft_crosswalk",
    "file_sha256",
    "find_identifiers",
    "guess_roles",
    "harmonize",
    "harmonize_parquet",
    "inspect_data",
    "inspections_page",
    "join",
    "load_crosswalk",
    "myers",
    "read_catalog",
    "read_metadata",
    "read_microdata",
    "read_tables",
    "reconcile",
    "reconciled_together",
    "shipped_crosswalks",
    "strip_identifiers",
    "undeclared",
    "whipple",
    "write_microdata",
]
