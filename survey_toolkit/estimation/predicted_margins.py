"""Predictive margins of a generalised linear model (Graubard and Korn 1999, *Biometrics* 55:652-659)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.formula import Matrices, rebuild
from survey_toolkit.estimation.glm_fit import Family, Fit, fit_glm, linearised
from survey_toolkit.estimation.intervals import t_interval
from survey_toolkit.estimation.model_cells import ModelCells
from survey_toolkit.estimation.model_covariance import covariance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PredictedMargins", "predicted_margins"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictedMargins:
    """Predictive margins of one variable, m values.

    Attributes
    ----------
    variable : str
    values : tuple
    estimate, se, ci_low, ci_high : float array (m,)
        On the scale of the outcome.
    vcov : float array (m, m)
    df : float
    """

    variable: str
    values: tuple[Any, ...]
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    vcov: Floats
    df: float

    def to_frame(self) -> pd.DataFrame:
        """One row a value.

        Returns
        -------
        pandas.DataFrame
            Shape (m, 5).
        """
        import pandas as pd

        columns = ("estimate", "se", "ci_low", "ci_high")
        data = {self.variable: list(self.values)} | {name: getattr(self, name) for name in columns}
        return pd.DataFrame(data)

    def __repr__(self) -> str:
        rows = self.to_frame().to_string(index=False, float_format="{:.5g}".format)
        return f"mean prediction if every row had this {self.variable}\n{rows}"


def predicted_margins(
    cells: ModelCells,
    matrices: Matrices,
    how: Family,
    fit: Fit,
    variable: str,
    values: Sequence[Any],
    *,
    level: float,
) -> PredictedMargins:
    """Predictive margins of a fitted model; see :meth:`.glm.GlmEstimates.margins`."""
    w = cells.by_pattern(cells.w)
    n = cells.by_pattern(cells.n)
    scores = linearised(matrices, fit)
    counterfactual = [rebuild(matrices, {variable: value}) for value in values]
    estimate, parts = [], []
    for x in counterfactual:
        mu = how.mean(x @ fit.coefficients)
        mean = float(w @ mu / w.sum())
        gradient = (w * how.slope(mu)) @ x / w.sum()
        estimate.append(mean)
        parts.append((mu - mean) / w.sum() + scores @ gradient)

    def again(weights: Floats) -> Floats:
        beta = fit_glm(matrices, weights, n, how, start=fit.coefficients).coefficients
        return np.array([weights @ how.mean(x @ beta) / weights.sum() for x in counterfactual])

    vcov = covariance(cells, np.stack(parts, axis=1), again)
    means, se = np.array(estimate), np.sqrt(np.diagonal(vcov))
    df = float(cells.df_known)
    interval = t_interval(means, se, np.full(len(means), df), level)
    return PredictedMargins(
        variable=variable,
        values=tuple(values),
        estimate=means,
        se=se,
        ci_low=interval.low,
        ci_high=interval.high,
        vcov=vcov,
        df=df,
    )
