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

from survey_toolkit.estimation.change import change
from survey_toolkit.estimation.combinations import combine, ratio_of
from survey_toolkit.estimation.crosstab import CHI_SQUARE_TESTS, Crosstab
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.glm import GlmEstimates
from survey_toolkit.estimation.identified import imbens_manski_level
from survey_toolkit.estimation.imputation import Combined, combine_imputations
from survey_toolkit.estimation.intervals import PROPORTION_INTERVALS, proportion_interval, t_interval
from survey_toolkit.estimation.pps import PpsDesign
from survey_toolkit.estimation.predicted_margins import PredictedMargins
from survey_toolkit.estimation.publication import Publication, publication_rules
from survey_toolkit.estimation.quantile_rules import QUANTILE_RULES
from survey_toolkit.estimation.replicate_design import ReplicatedDesign, ReplicateDesign
from survey_toolkit.estimation.small_area_logit import unit_level_logit
from survey_toolkit.estimation.small_area_units import unit_level
from survey_toolkit.estimation.small_areas import SmallAreas, benchmark, fay_herriot, smoothed_variance
from survey_toolkit.estimation.statistics import kish_design_effect
from survey_toolkit.estimation.survey import Survey
from survey_toolkit.estimation.tests_of_hypotheses import HypothesisTest, t_test, wald_test
from survey_toolkit.estimation.totals import PsuTotals, psu_totals
from survey_toolkit.estimation.two_phase import TwoPhaseDesign

__all__ = [
    "CHI_SQUARE_TESTS",
    "PROPORTION_INTERVALS",
    "QUANTILE_RULES",
    "Combined",
    "Crosstab",
    "Estimates",
    "GlmEstimates",
    "HypothesisTest",
    "PpsDesign",
    "PredictedMargins",
    "PsuTotals",
    "Publication",
    "ReplicateDesign",
    "ReplicatedDesign",
    "SmallAreas",
    "Survey",
    "SurveyDesign",
    "TwoPhaseDesign",
    "benchmark",
    "change",
    "combine",
    "combine_imputations",
    "fay_herriot",
    "imbens_manski_level",
    "kish_design_effect",
    "proportion_interval",
    "psu_totals",
    "publication_rules",
    "ratio_of",
    "smoothed_variance",
    "t_interval",
    "t_test",
    "unit_level",
    "unit_level_logit",
    "wald_test",
]
