"""Published figures of others, for comparison and denominators: Global SDG database, UNODC, CTDC."""

from __future__ import annotations

from survey_toolkit.dissemination.external.agencies import read_sdg_database, read_unodc
from survey_toolkit.dissemination.external.ctdc import read_ctdc
from survey_toolkit.dissemination.external.values import External, ExternalValue, interval_of

__all__ = ["External", "ExternalValue", "interval_of", "read_ctdc", "read_sdg_database", "read_unodc"]
