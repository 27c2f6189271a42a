"""Survey files in, with their meaning; harmonized, audited, classified microdata out."""

from survey_toolkit.microdata._process import ReadLimits
from survey_toolkit.microdata.classify import classify
from survey_toolkit.microdata.crosswalk import Crosswalk, load_crosswalk, shipped_crosswalks
from survey_toolkit.microdata.harmonize import harmonize
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
from survey_toolkit.microdata.read import file_sha256, read_microdata
from survey_toolkit.microdata.write import write_microdata

__all__ = [
    "MISSING_REASONS",
    "MISSING_SUFFIX",
    "Crosswalk",
    "FileSource",
    "Microdata",
    "MissingCode",
    "ReadLimits",
    "TargetAudit",
    "Variable",
    "classify",
    "file_sha256",
    "harmonize",
    "join",
    "load_crosswalk",
    "read_microdata",
    "shipped_crosswalks",
    "write_microdata",
]
