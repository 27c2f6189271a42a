"""Designing a survey: sample sizes, allocation, selection with a log, and the weights that follow.

>>> plan = FieldPlan(cluster_take=20, icc=0.03)
>>> size = size_proportion(0.02, Precision(relative=0.3), method="wilson", plan=plan)
>>> size.interviews, size.clusters
(3347, 168)
"""

from survey_toolkit.sampling.adaptive import (
    AdaptiveEnumeration,
    AdaptiveEstimate,
    AdaptiveSample,
    adaptive_estimate,
    adaptive_sample,
    enumerate_adaptive,
    grid_neighbours,
    networks,
)
from survey_toolkit.sampling.allocation import ALLOCATIONS, Allocation, allocate
from survey_toolkit.sampling.comparisons import (
    ComparisonSize,
    PowerCurve,
    comparison_power,
    power_curve,
    size_comparison,
)
from survey_toolkit.sampling.costs import ClusterDesign, optimal_take
from survey_toolkit.sampling.draws import METHODS as SELECTION_METHODS
from survey_toolkit.sampling.field import FieldPlan
from survey_toolkit.sampling.multivariate import Constraint, MultivariateAllocation, allocate_multivariate
from survey_toolkit.sampling.precision import PROPORTION_METHODS, Precision
from survey_toolkit.sampling.precision_check import PrecisionCheck, check_precision
from survey_toolkit.sampling.rare import (
    RareOutcome,
    none_found,
    rare_outcome,
    size_to_find,
    smallest_prevalence,
)
from survey_toolkit.sampling.selection import Selection, select
from survey_toolkit.sampling.selection_log import SelectionLog, redo
from survey_toolkit.sampling.sizes import (
    SampleSize,
    Sizes,
    size_by_domain,
    size_mean,
    size_proportion,
    size_total,
)
from survey_toolkit.sampling.stage import Stage
from survey_toolkit.sampling.time_location import TimeLocation, time_location, time_location_weights
from survey_toolkit.sampling.weight_report import WeightReport
from survey_toolkit.sampling.weights import STATUSES, WeightChain
from survey_toolkit.sampling.within_household import select_child, select_person

__all__ = [
    "ALLOCATIONS",
    "PROPORTION_METHODS",
    "SELECTION_METHODS",
    "STATUSES",
    "AdaptiveEnumeration",
    "AdaptiveEstimate",
    "AdaptiveSample",
    "Allocation",
    "ClusterDesign",
    "ComparisonSize",
    "Constraint",
    "FieldPlan",
    "MultivariateAllocation",
    "PowerCurve",
    "Precision",
    "PrecisionCheck",
    "RareOutcome",
    "SampleSize",
    "Selection",
    "SelectionLog",
    "Sizes",
    "Stage",
    "TimeLocation",
    "WeightChain",
    "WeightReport",
    "adaptive_estimate",
    "adaptive_sample",
    "allocate",
    "allocate_multivariate",
    "check_precision",
    "comparison_power",
    "enumerate_adaptive",
    "grid_neighbours",
    "networks",
    "none_found",
    "optimal_take",
    "power_curve",
    "rare_outcome",
    "redo",
    "select",
    "select_child",
    "select_person",
    "size_by_domain",
    "size_comparison",
    "size_mean",
    "size_proportion",
    "size_to_find",
    "size_total",
    "smallest_prevalence",
    "time_location",
    "time_location_weights",
]
