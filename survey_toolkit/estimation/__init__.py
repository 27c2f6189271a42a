"""Design-based estimation from complex samples: one pass to cluster totals, then small algebra.

>>> import pandas as pd
>>> data = pd.DataFrame({"w": [2.0, 2, 3, 3], "ea": [1, 1, 2, 2], "sex": ["F", "M", "F", "M"],
...                      "works": [True, False, True, None]})
>>> survey = Survey(data, SurveyDesign(weight="w", psu="ea"))
>>> survey.proportion("works", by="sex").to_frame()[["sex", "estimate", "n", "n_undetermined"]]
  sex  estimate  n  n_undetermined
0   F       1.0  2               0
1   M       0.0  1               1
"""

from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import PROPORTION_INTERVALS, proportion_interval, t_interval
from survey_toolkit.estimation.survey import Survey
from survey_toolkit.estimation.totals import PsuTotals, psu_totals

__all__ = [
    "PROPORTION_INTERVALS",
    "Estimates",
    "PsuTotals",
    "Survey",
    "SurveyDesign",
    "proportion_interval",
    "psu_totals",
    "t_interval",
]
