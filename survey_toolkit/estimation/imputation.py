r"""Estimates from several imputations of the same data, combined.

.. math:: T = \bar W + (1 + 1/m) B

with the mean of the variances within and the variance between the m imputations (Rubin 1987, *Multiple
Imputation for Nonresponse in Surveys*, ch. 3). Degrees of freedom are those of Barnard and Rubin (1999,
*Biometrika* 86:948-955), which never exceed those of the complete data. R's mitools 2.4 leaves (1 + 1/m)
out of the missing information there (14.028 in place of 13.977 for the cholesterol of NHANES).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.intervals import t_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Combined", "combine_imputations"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Combined:
    """K estimates over m imputations.

    Attributes
    ----------
    names : tuple
        Domain, variable or term of each estimate.
    estimate, se, ci_low, ci_high : float array (K,)
    df : float array (K,)
        Barnard and Rubin (1999); that of Rubin (1987) when the df of the complete data are infinite.
    df_rubin : float array (K,)
    within, between : float array (K,)
        Mean variance within, and variance between the imputations.
    missing_information : float array (K,)
        Fraction of missing information, (r + 2/(df_rubin + 3)) / (r + 1).
    vcov : float array (K, K)
    m : int
    df_complete : float
    level : float
    """

    names: tuple[Any, ...]
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    df: Floats
    df_rubin: Floats
    within: Floats
    between: Floats
    missing_information: Floats
    vcov: Floats
    m: int
    df_complete: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row an estimate."""
        import pandas as pd

        columns = ("estimate", "se", "ci_low", "ci_high", "df", "within", "between", "missing_information")
        return pd.DataFrame({"name": list(self.names)} | {c: getattr(self, c) for c in columns})

    def __repr__(self) -> str:
        table = self.to_frame()
        table["name"] = [" ".join(map(str, n)) if isinstance(n, tuple) else str(n) for n in self.names]
        rows = table.to_string(index=False, float_format="{:.5g}".format)
        return f"{self.m} imputations combined by Rubin's rules, {self.level:.0%} intervals\n{rows}"


def combine_imputations(
    results: Sequence[Any], *, df_complete: float | None = None, level: float = 0.95
) -> Combined:
    """Combine the estimates of m imputations by Rubin's rules.

    Parameters
    ----------
    results : sequence of Estimates or fitted models
        One an imputation, with the same rows; each has ``vcov`` and ``estimate`` (or ``coefficients``).
    df_complete : float, optional
        Degrees of freedom if nothing were missing; default: those of the design.
    level : float

    Returns
    -------
    Combined

    Raises
    ------
    EstimationError
        If there are fewer than two, or their rows differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign, combine_imputations
    >>> data = pd.DataFrame({"w": [1.0] * 4, "ea": [1, 1, 2, 2], "y1": [0, 1, 1, 1], "y2": [0, 1, 0, 1]})
    >>> survey = Survey(data, SurveyDesign(weight="w"))
    >>> both = combine_imputations([survey.mean(y) for y in ("y1", "y2")])
    >>> both.estimate, both.between
    (array([0.625]), array([0.03125]))
    """
    if len(results) < 2:
        raise EstimationError(
            "imputations are combined from two on",
            where="results",
            found=str(len(results)),
            expected="two or more",
        )
    names = _same_names(results)
    values = np.stack([_values(result) for result in results])
    m = len(results)
    inside = np.mean([np.asarray(result.vcov) for result in results], axis=0)
    centred = values - values.mean(axis=0)
    between = centred.T @ centred / (m - 1)
    total = inside + (1 + 1 / m) * between
    w, b = np.diagonal(inside), np.diagonal(between)
    complete = float(df_complete if df_complete is not None else getattr(results[0], "df_design", np.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (1 + 1 / m) * b / w
        rubin = np.where(b > 0, (m - 1) * (1 + 1 / r) ** 2, np.inf)
        df = _barnard_rubin(rubin, r / (1 + r), complete)
        information = np.where(b > 0, (r + 2 / (rubin + 3)) / (r + 1), 0.0)
    se = np.sqrt(np.diagonal(total))
    interval = t_interval(values.mean(axis=0), se, df, level)
    return Combined(
        names=names,
        estimate=values.mean(axis=0),
        se=se,
        ci_low=interval.low,
        ci_high=interval.high,
        df=df,
        df_rubin=rubin,
        within=w,
        between=b,
        missing_information=information,
        vcov=total,
        m=m,
        df_complete=complete,
        level=level,
    )


def _same_names(results: Sequence[Any]) -> tuple[Any, ...]:
    """Names of the rows, which are those of every result."""
    names = _names(results[0])
    for other in map(_names, results[1:]):
        if other != names:
            raise EstimationError(
                "the results of the imputations do not have the same rows",
                where="results",
                found=f"{len(other)} rows against {len(names)}, or other domains",
                hint="ask the same of every imputation",
            )
    return names


def _barnard_rubin(rubin: Floats, missing: Floats, complete: float) -> Floats:
    """Degrees of freedom that do not exceed those of the complete data."""
    if not np.isfinite(complete):
        return rubin
    observed = (complete + 1) / (complete + 3) * complete * (1 - missing)
    return np.asarray(1 / (1 / rubin + 1 / observed))


def _values(result: Any) -> Floats:
    if hasattr(result, "estimate"):
        return np.asarray(result.estimate, dtype=np.float64)
    return np.asarray(result.coefficients, dtype=np.float64)


def _names(result: Any) -> tuple[Any, ...]:
    for name in ("domains", "terms", "names"):
        if hasattr(result, name):
            return tuple(getattr(result, name))
    return tuple(range(len(_values(result))))
