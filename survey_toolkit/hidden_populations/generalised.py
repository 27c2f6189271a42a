r"""Generalised network scale-up: reports from the frame, visibility from members of the hidden group.

.. math:: \hat N_H = \frac{\hat y_{F,H}}{\bar v_{H,F}}, \qquad
   \bar v_{H,F} = \frac{N_F}{\sum_k N_k} \, \frac{\sum_j w_j \sum_k v_{jk}}{\sum_j w_j}

Out-reports of the household sample over the mean number of frame members to whom a hidden member is visible,
asked in a (respondent-driven) sample of the hidden group: for each probe group, how many of its members know
about the respondent's situation. It needs neither equal degrees nor perfect transmission.

References
----------
Feehan and Salganik (2016), *Sociological Methodology* 46:153-186.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates, t_interval
from survey_toolkit.hidden_populations._sample import Floats, Labelled, Sample, open_sample
from survey_toolkit.hidden_populations.adjustments import scaled

__all__ = ["GeneralisedScaleUp", "generalised_scale_up"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralisedScaleUp:
    """A generalised scale-up estimate and its two parts.

    Attributes
    ----------
    size : Estimates
        Persons; the variance has both parts.
    reports : Estimates
        Total of out-reports about the hidden group in the frame population.
    visibility, visibility_se : float
        Mean visibility of hidden members; error of a weighted mean of independent members.
    size_frame_only : Estimates
        The variance of the reports alone.
    """

    size: Estimates
    reports: Estimates
    visibility: float
    visibility_se: float
    size_frame_only: Estimates

    def __repr__(self) -> str:
        return f"{self.size!r}\nmean visibility {self.visibility:.2f} (se {self.visibility_se:.2f})"


def generalised_scale_up(
    data: Any,
    hidden: Any,
    *,
    reports: str,
    visibility: Sequence[str],
    probe_sizes: Mapping[str, float],
    frame_size: float,
    hidden_degree: str | None = None,
    hidden_weight: str | None = None,
    visibility_se: float | None = None,
    design: Any = None,
    level: float = 0.95,
) -> GeneralisedScaleUp:
    """Size of a hidden group from a frame sample and a sample of its members.

    Parameters
    ----------
    data : Survey, frame or path
        The household sample; ``reports`` is the number of hidden members each respondent knows.
    hidden : frame or path
        Members of the hidden group, one row each.
    reports : str
    visibility : sequence of str
        Columns of ``hidden``: members of each probe group who know about the respondent.
    probe_sizes : mapping of column to size
    frame_size : float
        Members of the frame population, N_F.
    hidden_degree : str, optional
        Degree of hidden members: they are weighted by its inverse (RDS-II).
    hidden_weight : str, optional
        Weights of hidden members instead, e.g. from successive sampling. Without either all count once.
    visibility_se : float, optional
        From a bootstrap of the recruitment; default: as if hidden members were drawn independently, which
        is too small for a recruited sample.
    design : SurveyDesign, optional
    level : float

    Returns
    -------
    GeneralisedScaleUp

    Raises
    ------
    EstimationError
        If nobody in the hidden sample is visible, or a probe size is not positive.
    """
    sample, members = open_sample(data, design), open_sample(hidden)
    weights = _member_weights(members, hidden_degree, hidden_weight)
    wrong = [name for name in visibility if not probe_sizes.get(name, 0) > 0]
    if wrong:
        raise EstimationError("a probe group needs a size above 0", where=", ".join(wrong))
    seen = np.sum([members.numbers(name, nulls=False) for name in visibility], axis=0)
    factor = frame_size / sum(probe_sizes[name] for name in visibility)
    mean = float(factor * (weights * seen).sum() / weights.sum())
    if not mean > 0:
        raise EstimationError("no hidden member is visible to a probe group", where=", ".join(visibility))
    scores = weights * (factor * seen - mean) / weights.sum()
    error = float(np.sqrt((scores**2).sum() * len(scores) / max(len(scores) - 1, 1)))
    told = sample.numbers(reports, nulls=False)
    total = sample.smooth(
        {"y": told, "one": np.ones(len(sample))},
        lambda t: {"": t["y"]},
        {"": told > 0},
        Labelled(statistic="total", variable=reports, unit="reports", method="total of out-reports"),
        level=level,
    )
    return _result(
        total, mean, error if visibility_se is None else visibility_se, given=visibility_se is not None
    )


def _result(total: Estimates, mean: float, error: float, *, given: bool) -> GeneralisedScaleUp:
    only = scaled(total, 1 / mean, statistic="size", unit="persons")
    se = only.estimate * np.sqrt((total.se / total.estimate) ** 2 + (error / mean) ** 2)
    interval = t_interval(only.estimate, se, only.df, only.level)
    text = "given" if given else "as if hidden members were drawn independently"
    size = replace(
        only,
        se=se,
        cv=se / only.estimate,
        vcov=se[:, None] ** 2,
        ci_low=interval.low,
        ci_high=interval.high,
        replicates=None,
        method=f"generalised network scale-up; error of the visibility {text}; {only.method}",
    )
    return GeneralisedScaleUp(
        size=size, reports=total, visibility=mean, visibility_se=error, size_frame_only=only
    )


def _member_weights(members: Sample, degree: str | None, weight: str | None) -> Floats:
    if weight is not None:
        return members.numbers(weight, nulls=False)
    if degree is None:
        return np.ones(len(members))
    values = members.numbers(degree, nulls=False)
    if (values <= 0).any():
        raise EstimationError(
            "the degree of a hidden member must be above 0",
            where=degree,
            found=f"{int((values <= 0).sum())} rows",
            hint="somebody who was recruited knows at least the recruiter",
            code="bad-degree",
        )
    return np.asarray(1.0 / values)
