"""Averaging over log-linear models by information criterion."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import normal_quantile
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.selection import select

__all__ = ["model_average"]


def model_average(
    data: CaptureHistories,
    family: Literal["pairwise", "hierarchical"] = "pairwise",
    criterion: Literal["bic", "aic", "aicc"] = "bic",
    *,
    max_order: int | None = None,
    level: float = 0.95,
) -> PopulationSize:
    """Population size averaged over all models, weighted by exp(-delta/2).

    Buckland, Burnham & Augustin (1997) Biometrics 53:603-618: the standard error holds the spread between
    models. The interval is symmetric on the log dark figure (Chao 1987).

    Parameters
    ----------
    data : CaptureHistories
    family, criterion, max_order
        As in :func:`~survey_toolkit.multiple_systems.selection.select`.
    level : float

    Returns
    -------
    PopulationSize
        ``selection`` holds the models and their weights. Several modes are no reason to average: see the
        spread in ``selection``.

    Raises
    ------
    EstimationError
        When no model can be estimated.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> fit = model_average(lists)
    >>> fit.estimate == fit.selection.averaged_estimate
    True
    """
    best = select(data, family, criterion, max_order=max_order, ci="wald", level=level)
    chosen = best.selection
    if chosen is None:  # pragma: no cover  # select() always gives one
        return best
    estimate, se = chosen.averaged_estimate, chosen.averaged_se
    dark = estimate - data.n_observed
    factor = float(np.exp(normal_quantile(level) * np.sqrt(np.log1p((se / dark) ** 2))))
    top = chosen.ranked[0]
    notes = (
        f"{chosen.n_valid:,} models averaged; the best has weight {top.weight:.2f} and {top.estimate:,.0f}",
        f"estimates of single models from {chosen.estimates.min():,.0f} to {chosen.estimates.max():,.0f}",
    )
    return replace(
        best,
        method=f"log-linear, {family}, averaged by {criterion.upper()}",
        model=f"{chosen.n_valid:,} models",
        generators=(),
        coefficients=(),
        boundary_terms=(),
        verdict=None,
        df=None,
        estimate=estimate,
        se=se,
        ci_low=data.n_observed + dark / factor,
        ci_high=data.n_observed + dark * factor,
        ci_method="log-normal, standard error between and within models",
        diagnostics={},
        notes=(*data.notes, *notes),
    )
