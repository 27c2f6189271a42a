"""Degrees by summation, and corrections of scale-up estimates for barriers, transmission and recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates, t_interval
from survey_toolkit.hidden_populations._sample import Floats, open_sample

__all__ = ["adjusted", "scaled", "summation_degree"]


def summation_degree(data: Any, columns: Sequence[str]) -> Floats:
    """Degree as the sum of people known over relations that exclude each other (kin, neighbours, work …).

    Parameters
    ----------
    data : Survey, frame or path
    columns : sequence of str
        One column a relation.

    Returns
    -------
    float array (n,)

    Raises
    ------
    EstimationError
        For a negative or missing count.
    """
    sample = open_sample(data)
    counts = np.stack([sample.numbers(name, nulls=False) for name in columns])
    if (counts < 0).any():
        raise EstimationError("a number of people cannot be negative", where=", ".join(columns))
    return np.asarray(counts.sum(axis=0))


def adjusted(
    sizes: Estimates,
    *,
    degree_ratio: float = 1.0,
    transmission_rate: float = 1.0,
    false_positive: float = 0.0,
    recall: float = 1.0,
) -> Estimates:
    """Correct sizes for barriers, transmission and recall.

    Parameters
    ----------
    sizes : Estimates
        Of :meth:`~survey_toolkit.hidden_populations.NetworkReports.size`.
    degree_ratio : float
        Mean degree of hidden members over that of the population (barrier effect; below 1: they know fewer).
    transmission_rate : float
        Share of a hidden member's contacts who know of the status.
    false_positive : float
        Share of the reports that are about somebody who is not a member.
    recall : float
        Share of known members that respondents remember in an interview.

    Returns
    -------
    Estimates
        ``size (1 - false_positive) / (degree_ratio transmission_rate recall)``; the factors count as exact,
        so the interval is too narrow where they are guesses: try a range.

    Raises
    ------
    EstimationError
        If a factor is out of range.
    """
    for name, value, most in (
        ("degree_ratio", degree_ratio, np.inf),
        ("transmission_rate", transmission_rate, 1),
        ("recall", recall, 1),
    ):
        if not 0 < value <= most:
            raise EstimationError(
                "an adjustment factor is out of range", where=name, found=f"{value:g}", expected="above 0"
            )
    if not 0 <= false_positive < 1:
        raise EstimationError("a share is out of range", where="false_positive", found=f"{false_positive:g}")
    factor = (1 - false_positive) / (degree_ratio * transmission_rate * recall)
    if factor == 1:
        return sizes
    text = (
        f"adjusted by {factor:.4g}: degree ratio {degree_ratio:g}, transmission {transmission_rate:g}, "
        f"false positives {false_positive:g}, recall {recall:g}, taken as exact"
    )
    return scaled(sizes, factor, note=text)


def scaled(estimates: Estimates, factor: float, *, note: str = "", **more: Any) -> Estimates:
    """Estimates times a constant."""
    se = estimates.se * abs(factor)
    interval = t_interval(estimates.estimate * factor, se, estimates.df, estimates.level)
    return replace(
        estimates,
        estimate=estimates.estimate * factor,
        se=se,
        vcov=estimates.vcov * factor**2,
        ci_low=interval.low,
        ci_high=interval.high,
        replicates=estimates.replicates and estimates.replicates.transformed(lambda line: line * factor),
        notes=estimates.notes + ((note,) if note else ()),
        **more,
    )
