"""Random-effects summary of estimates by different methods.

References
----------
Paule and Mandel (1982), *Journal of Research of the NBS* 87:377-385; Hartung and Knapp (2001), *Statistics in
Medicine* 20:3875-3889; Higgins, Thompson and Spiegelhalter (2009), *JRSS A* 172:137-159 (prediction).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError

__all__ = ["Pooled", "pool"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """A random-effects summary.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
        On the scale of the comparison; mean of methods with its interval.
    prediction_low, prediction_high : float
        Where a further method would be expected; NaN with two methods.
    tau : float
        Standard deviation between methods, on the working scale (log or logit).
    i2 : float
        Share of the variance that is between methods.
    q, q_p_value : float
        Cochran's test that all methods estimate the same.
    weights : float array (m,)
        Sum to one.
    scale : str
        Working scale.
    """

    estimate: float
    ci_low: float
    ci_high: float
    prediction_low: float
    prediction_high: float
    tau: float
    i2: float
    q: float
    q_p_value: float
    weights: np.ndarray[Any, np.dtype[np.float64]]
    scale: str


def pool(
    estimate: Sequence[float], se: Sequence[float], *, scale: str = "count", level: float = 0.95
) -> Pooled:
    """Random-effects summary on the log scale (counts) or the logit scale (prevalences).

    Parameters
    ----------
    estimate, se : sequence of m floats
        Above 0.
    scale : {"count", "prevalence"}
    level : float

    Returns
    -------
    Pooled
        Between-method variance by Paule and Mandel.

    Raises
    ------
    EstimationError
        With fewer than two estimates or values out of range.
    """
    from scipy import stats

    value, error = np.asarray(estimate, dtype=np.float64), np.asarray(se, dtype=np.float64)
    top = 1.0 if scale == "prevalence" else np.inf
    if value.size < 2 or not ((value > 0) & (value < top) & (error > 0)).all():
        raise EstimationError(
            "pooling needs at least two estimates above 0, with errors", found=f"{value.size} estimates"
        )
    logit = scale == "prevalence"
    y = np.log(value / (1 - value)) if logit else np.log(value)
    v = (error / (value * (1 - value) if logit else value)) ** 2
    m = value.size
    tau2 = _paule_mandel(y, v)
    w = 1 / (v + tau2)
    mean = float(w @ y / w.sum())
    # Hartung-Knapp: the spread that is seen; not below the model's own error, which two or three methods
    # that agree by chance would undercut
    spread = float(w @ (y - mean) ** 2 / ((m - 1) * w.sum()))
    half = stats.t.ppf((1 + level) / 2, m - 1) * math.sqrt(max(spread, 1 / w.sum()))
    fixed = 1 / v
    q = float(fixed @ (y - fixed @ y / fixed.sum()) ** 2)
    further = math.sqrt(tau2 + max(spread, 1 / w.sum()))
    wide = stats.t.ppf((1 + level) / 2, m - 2) * further if m > 2 else math.nan

    def back(x: float) -> float:
        return float(1 / (1 + math.exp(-x)) if logit else math.exp(x))

    return Pooled(
        estimate=back(mean),
        ci_low=back(mean - half),
        ci_high=back(mean + half),
        prediction_low=back(mean - wide),
        prediction_high=back(mean + wide),
        tau=math.sqrt(tau2),
        i2=max(0.0, (q - (m - 1)) / q) if q > 0 else 0.0,
        q=q,
        q_p_value=float(stats.chi2.sf(q, m - 1)),
        weights=w / w.sum(),
        scale="logit" if logit else "log",
    )


def _paule_mandel(y: Any, v: Any) -> float:
    """Variance between methods at which the weighted squares are what they should be; 0 if they are less."""
    from scipy.optimize import brentq

    def excess(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w @ (y - w @ y / w.sum()) ** 2 - (y.size - 1))

    if excess(0.0) <= 0:
        return 0.0
    high = float(y.var(ddof=1)) + float(v.max())
    while excess(high) > 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-14))
