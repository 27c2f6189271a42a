"""Multiple systems estimation: how many people no list has seen.

>>> from survey_toolkit import multiple_systems as ms
>>> lists = ms.CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["police", "shelter"])
>>> round(ms.loglinear(lists).estimate)
4000
"""

from survey_toolkit.multiple_systems.bca import BcaLimits
from survey_toolkit.multiple_systems.behaviour import behaviour
from survey_toolkit.multiple_systems.bootstrap import BootstrapReport, bootstrap
from survey_toolkit.multiple_systems.censored import CensoredHistories, loglinear_censored
from survey_toolkit.multiple_systems.chains import ChainReport
from survey_toolkit.multiple_systems.classical import chao, two_list
from survey_toolkit.multiple_systems.closed import closed
from survey_toolkit.multiple_systems.comparison import METHODS, Comparison, compare
from survey_toolkit.multiple_systems.conditional import huggins_alho
from survey_toolkit.multiple_systems.consistency import InternalConsistency, internal_consistency
from survey_toolkit.multiple_systems.corrected import closed_corrected
from survey_toolkit.multiple_systems.count_regression import single_list_regression
from survey_toolkit.multiple_systems.covariates import estimate_strata, loglinear_covariates
from survey_toolkit.multiple_systems.coverage import abundance_coverage, sample_coverage
from survey_toolkit.multiple_systems.decomposable import GraphPosterior, decomposable_average, delta_sweep
from survey_toolkit.multiple_systems.diagnostics import Diagnostics, diagnose
from survey_toolkit.multiple_systems.frequencies import CaptureFrequencies
from survey_toolkit.multiple_systems.histories import CaptureHistories, ListAudit
from survey_toolkit.multiple_systems.identification import (
    AssumptionSweep,
    highest_order_odds_ratio,
    two_list_odds_ratio,
)
from survey_toolkit.multiple_systems.individual import doubly_robust, tilling_sterne
from survey_toolkit.multiple_systems.intervals import ProfileLimits
from survey_toolkit.multiple_systems.latent_classes import latent_classes
from survey_toolkit.multiple_systems.linkage_error import linkage_corrected, linkage_sweep
from survey_toolkit.multiple_systems.loglinear import loglinear, profile
from survey_toolkit.multiple_systems.loglinear_average import ModelPosterior, loglinear_average
from survey_toolkit.multiple_systems.model_average import model_average
from survey_toolkit.multiple_systems.plots import (
    plot_comparison,
    plot_density,
    plot_models,
    plot_overlaps,
    plot_profile,
)
from survey_toolkit.multiple_systems.results import (
    Coefficient,
    PopulationSize,
    RankedModel,
    Selection,
    Step,
    Verdict,
)
from survey_toolkit.multiple_systems.selection import select
from survey_toolkit.multiple_systems.sensitivity import (
    Sensitivity,
    leave_one_list_out,
    merge_two_lists,
    single_cell,
    sweep_criteria,
    sweep_thresholds,
)
from survey_toolkit.multiple_systems.single_list import single_list
from survey_toolkit.multiple_systems.stepwise import stepwise, stepwise_aic
from survey_toolkit.multiple_systems.strata import StratifiedHistories
from survey_toolkit.multiple_systems.stratified import StratifiedSize, StratumSize
from survey_toolkit.multiple_systems.threshold import ThresholdReport, bayes_threshold
from survey_toolkit.multiple_systems.verdict import ExistenceScan, check_existence, scan_existence

__all__ = [
    "METHODS",
    "AssumptionSweep",
    "BcaLimits",
    "BootstrapReport",
    "CaptureFrequencies",
    "CaptureHistories",
    "CensoredHistories",
    "ChainReport",
    "Coefficient",
    "Comparison",
    "Diagnostics",
    "ExistenceScan",
    "GraphPosterior",
    "InternalConsistency",
    "ListAudit",
    "ModelPosterior",
    "PopulationSize",
    "ProfileLimits",
    "RankedModel",
    "Selection",
    "Sensitivity",
    "Step",
    "StratifiedHistories",
    "StratifiedSize",
    "StratumSize",
    "ThresholdReport",
    "Verdict",
    "abundance_coverage",
    "bayes_threshold",
    "behaviour",
    "bootstrap",
    "chao",
    "check_existence",
    "closed",
    "closed_corrected",
    "compare",
    "decomposable",
    "decomposable_average",
    "delta_sweep",
    "diagnose",
    "doubly_robust",
    "estimate_strata",
    "highest_order_odds_ratio",
    "huggins_alho",
    "internal_consistency",
    "latent_class",
    "latent_classes",
    "leave_one_list_out",
    "linkage_corrected",
    "linkage_sweep",
    "loglinear",
    "loglinear_average",
    "loglinear_censored",
    "loglinear_covariates",
    "merge_two_lists",
    "model_average",
    "plot_comparison",
    "plot_density",
    "plot_models",
    "plot_overlaps",
    "plot_profile",
    "profile",
    "sample_coverage",
    "scan_existence",
    "select",
    "single_cell",
    "single_list",
    "single_list_regression",
    "stepwise",
    "stepwise_aic",
    "sweep_criteria",
    "sweep_thresholds",
    "tilling_sterne",
    "two_list",
    "two_list_odds_ratio",
]

#: The short names of the two Bayesian methods; the first would else be the module's.
decomposable = decomposable_average
latent_class = latent_classes
