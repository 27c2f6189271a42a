"""Multiple systems estimation: how many people no list has seen.

>>> from survey_toolkit import multiple_systems as ms
>>> lists = ms.CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["police", "shelter"])
>>> round(ms.loglinear(lists).estimate)
4000
"""

from survey_toolkit.multiple_systems.classical import chao, two_list
from survey_toolkit.multiple_systems.comparison import METHODS, Comparison, compare
from survey_toolkit.multiple_systems.histories import CaptureHistories, ListAudit
from survey_toolkit.multiple_systems.intervals import ProfileLimits
from survey_toolkit.multiple_systems.loglinear import loglinear, profile
from survey_toolkit.multiple_systems.results import (
    Coefficient,
    PopulationSize,
    RankedModel,
    Selection,
    Step,
    Verdict,
)
from survey_toolkit.multiple_systems.selection import select
from survey_toolkit.multiple_systems.stepwise import stepwise, stepwise_aic
from survey_toolkit.multiple_systems.verdict import ExistenceScan, check_existence, scan_existence

__all__ = [
    "METHODS",
    "CaptureHistories",
    "Coefficient",
    "Comparison",
    "ExistenceScan",
    "ListAudit",
    "PopulationSize",
    "ProfileLimits",
    "RankedModel",
    "Selection",
    "Step",
    "Verdict",
    "chao",
    "check_existence",
    "compare",
    "loglinear",
    "profile",
    "scan_existence",
    "select",
    "stepwise",
    "stepwise_aic",
    "two_list",
]
