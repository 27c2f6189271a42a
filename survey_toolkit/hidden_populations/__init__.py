"""Populations that a household survey cannot count directly, and the methods that working groups compare.

- :func:`family_network`: respondents report on relatives (Sirken); stock and flow.
- :func:`network_reports`, :func:`generalised_scale_up`, :func:`bayes_scale_up`: network scale-up.
- :func:`read_recruiters`, :func:`read_coupons`, :func:`rds_estimate`, :func:`ss_pse`: respondent-driven
  samples.
- :func:`item_count`, :func:`double_list`, :func:`randomized_response`: indirect questions.
- :func:`mark_recapture`: two visits to the places of a trade.
- :func:`compare`: all estimates of one population side by side, and pooled.

>>> import pandas as pd
>>> from survey_toolkit import hidden_populations as hp
>>> answers = pd.DataFrame({"nurses": [1, 2, 3], "priests": [1, 0, 1], "trafficked": [0, 1, 0]})
>>> hp.network_reports(answers, known={"nurses": 2000, "priests": 1000}, hidden="trafficked",
...                    population=300_000).size().estimate
array([375.])
"""

from survey_toolkit.hidden_populations.adjustments import adjusted, summation_degree
from survey_toolkit.hidden_populations.comparison import (
    ASSUMPTIONS,
    Candidate,
    Comparison,
    compare,
)
from survey_toolkit.hidden_populations.devices import (
    Device,
    crosswise,
    forced_response,
    triangular,
    unrelated_question,
    warner,
)
from survey_toolkit.hidden_populations.generalised import GeneralisedScaleUp, generalised_scale_up
from survey_toolkit.hidden_populations.item_count import (
    CombinedEstimate,
    ItemCount,
    double_list,
    item_count,
)
from survey_toolkit.hidden_populations.item_count_models import ItemCountModel
from survey_toolkit.hidden_populations.item_count_tests import DesignEffectTest, chi_bar_square
from survey_toolkit.hidden_populations.mark_recapture import MarkRecapture, mark_recapture
from survey_toolkit.hidden_populations.multiplicity import FamilyNetwork, NetworkComparison
from survey_toolkit.hidden_populations.multiplicity_reading import family_network
from survey_toolkit.hidden_populations.plots import (
    plot_back_estimates,
    plot_bottleneck,
    plot_comparison,
    plot_convergence,
    plot_degrees,
    plot_recruitment,
    plot_size_posterior,
)
from survey_toolkit.hidden_populations.pooling import Pooled, pool
from survey_toolkit.hidden_populations.randomized_logit import RandomizedLogit, randomized_logit
from survey_toolkit.hidden_populations.randomized_response import (
    attention_corrected,
    attention_corrected_counts,
    randomized_response,
    randomized_response_counts,
    truncated,
    unrelated_question_two_samples,
)
from survey_toolkit.hidden_populations.rds import (
    Mixing,
    mixing,
    population_size_curve,
    rds_estimate,
    rds_weights,
)
from survey_toolkit.hidden_populations.rds_bootstrap import RdsBootstrap, rds_bootstrap
from survey_toolkit.hidden_populations.rds_diagnostics import RdsDiagnostics, rds_diagnostics
from survey_toolkit.hidden_populations.recruitment import Recruitment, read_coupons, read_recruiters
from survey_toolkit.hidden_populations.scale_up import (
    BackEstimates,
    NetworkReports,
    network_reports,
)
from survey_toolkit.hidden_populations.scale_up_bayes import (
    OverdispersedPrior,
    ScaleUpPosterior,
    bayes_scale_up,
)
from survey_toolkit.hidden_populations.size_prior import SizePrior, size_prior
from survey_toolkit.hidden_populations.ss_pse import SizePosterior, ss_pse
from survey_toolkit.hidden_populations.successive_sampling import successive_sampling_weights

__all__ = [
    "ASSUMPTIONS",
    "BackEstimates",
    "Candidate",
    "CombinedEstimate",
    "Comparison",
    "DesignEffectTest",
    "Device",
    "FamilyNetwork",
    "GeneralisedScaleUp",
    "ItemCount",
    "ItemCountModel",
    "MarkRecapture",
    "Mixing",
    "NetworkComparison",
    "NetworkReports",
    "OverdispersedPrior",
    "Pooled",
    "RandomizedLogit",
    "RdsBootstrap",
    "RdsDiagnostics",
    "Recruitment",
    "ScaleUpPosterior",
    "SizePosterior",
    "SizePrior",
    "adjusted",
    "attention_corrected",
    "attention_corrected_counts",
    "bayes_scale_up",
    "chi_bar_square",
    "compare",
    "crosswise",
    "double_list",
    "family_network",
    "forced_response",
    "generalised_scale_up",
    "item_count",
    "mark_recapture",
    "mixing",
    "network_reports",
    "plot_back_estimates",
    "plot_bottleneck",
    "plot_comparison",
    "plot_convergence",
    "plot_degrees",
    "plot_recruitment",
    "plot_size_posterior",
    "pool",
    "population_size_curve",
    "randomized_logit",
    "randomized_response",
    "randomized_response_counts",
    "rds_bootstrap",
    "rds_diagnostics",
    "rds_estimate",
    "rds_weights",
    "read_coupons",
    "read_recruiters",
    "size_prior",
    "ss_pse",
    "successive_sampling_weights",
    "summation_degree",
    "triangular",
    "truncated",
    "unrelated_question",
    "unrelated_question_two_samples",
    "warner",
]
