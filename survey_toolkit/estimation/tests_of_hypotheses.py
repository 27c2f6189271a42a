"""What a test of a hypothesis says: statistic, degrees of freedom, p-value."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.chi_square_sums import f_sf, t_sf
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import t_interval

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HypothesisTest", "t_test", "wald_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisTest:
    """Result of one test.

    Attributes
    ----------
    test : str
        What was tested and how.
    name : str
        Name of the statistic: t, F or X2.
    statistic : float
    df : float
        Degrees of freedom (of the numerator for F).
    df_denominator : float
        Of F; NaN for t and X2.
    p_value : float
        An upper tail computed as such: exact down to 1e-300.
    estimate, se, ci_low, ci_high : float
        Where the test is about one number; else NaN.
    notes : tuple of str
    """

    test: str
    name: str
    statistic: float
    df: float
    df_denominator: float = math.nan
    p_value: float
    estimate: float = math.nan
    se: float = math.nan
    ci_low: float = math.nan
    ci_high: float = math.nan
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row.

        Returns
        -------
        pandas.DataFrame
            Shape (1, 9).
        """
        import pandas as pd

        names = (
            "test",
            "statistic",
            "df",
            "df_denominator",
            "p_value",
            "estimate",
            "se",
            "ci_low",
            "ci_high",
        )
        return pd.DataFrame({name: [getattr(self, name)] for name in names})

    def __repr__(self) -> str:
        degrees = f"df {self.df:.4g}" + (
            "" if math.isnan(self.df_denominator) else f" and {self.df_denominator:.4g}"
        )
        lines = [f"{self.test}: {self.name} = {self.statistic:.5g}, {degrees}, p = {self.p_value:.4g}"]
        if not math.isnan(self.estimate):
            lines.append(f"estimate {self.estimate:.5g} [{self.ci_low:.5g}, {self.ci_high:.5g}]")
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(line)}</p>" for line in repr(self).split("\n"))


def one_number(
    test: str, estimate: float, se: float, df: float, level: float, notes: tuple[str, ...] = ()
) -> HypothesisTest:
    """A t test that one estimate is zero.

    Parameters
    ----------
    test : str
    estimate, se, df : float
    level : float
        Of the interval.
    notes : tuple of str
    """
    t = estimate / se if se > 0 else math.nan
    interval = t_interval(np.array([estimate]), np.array([se]), np.array([df]), level)
    return HypothesisTest(
        test=test,
        name="t",
        statistic=t,
        df=df,
        p_value=float(t_sf(np.array([t]), np.array([df]))[0]),
        estimate=estimate,
        se=se,
        ci_low=float(interval.low[0]),
        ci_high=float(interval.high[0]),
        notes=notes,
    )


def t_test(estimates: Estimates, null: float = 0.0) -> HypothesisTest:
    """Test one estimate, such as a contrast or a difference, against a value by t.

    Parameters
    ----------
    estimates : Estimates
        One row.
    null : float

    Returns
    -------
    HypothesisTest
        Estimate and interval are those of the estimate minus the value.

    Raises
    ------
    EstimationError
        If there is not exactly one estimate.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign
    >>> data = pd.DataFrame({"w": 1.0, "ea": range(6), "sex": list("FFFMMM"), "y": [1.0, 2, 3, 5, 6, 7]})
    >>> means = Survey(data, SurveyDesign(weight="w", psu="ea")).mean("y", by="sex")
    >>> t_test(means.difference("M", "F"))
    M - F: t = 5.4772, df 5, p = 0.002765
    estimate 4 [2.1227, 5.8773]
    """
    if len(estimates) != 1:
        raise EstimationError(
            "a t test needs one estimate",
            found=f"{len(estimates)} estimates",
            hint="choose one with difference() or contrast(), or test all with wald_test()",
        )
    label = ", ".join(str(code) for code in estimates.domains[0]) or estimates.variable
    return one_number(
        label,
        float(estimates.estimate[0]) - null,
        float(estimates.se[0]),
        float(estimates.df[0]),
        estimates.level,
    )


def wald_test(estimates: Estimates, contrasts: Floats | None = None) -> HypothesisTest:
    """Wald F test that all estimates are equal, or that several contrasts of them are zero.

    Parameters
    ----------
    estimates : Estimates
        k estimates.
    contrasts : float array (q, k), optional
        Default: each minus the first.

    Returns
    -------
    HypothesisTest
        F with q and ν - q + 1 degrees of freedom (the adjusted Wald test), ν being those of the design.

    Raises
    ------
    EstimationError
        If the covariance of the contrasts is singular or unknown.

    References
    ----------
    Korn and Graubard (1990), *The American Statistician* 44:270-276.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign
    >>> data = pd.DataFrame({"w": 1.0, "ea": range(6), "sex": list("FFFMMM"), "y": [1.0, 2, 3, 5, 6, 7]})
    >>> means = Survey(data, SurveyDesign(weight="w", psu="ea")).mean("y", by="sex")
    >>> round(wald_test(means).p_value, 6)
    0.002765
    """
    k = len(estimates)
    if contrasts is None:
        contrasts = np.hstack([-np.ones((k - 1, 1)), np.eye(k - 1)])
    contrasts = np.atleast_2d(np.asarray(contrasts, dtype=np.float64))
    if contrasts.shape[1] != k or not len(contrasts):
        raise EstimationError(
            "contrasts do not fit the estimates",
            found=str(contrasts.shape),
            expected=f"(q, {k}), q at least 1",
        )
    statistic = quadratic_form(contrasts @ estimates.estimate, contrasts @ estimates.vcov @ contrasts.T)
    q, df = len(contrasts), float(estimates.df_design)
    adjusted = statistic / q * (df - q + 1) / df
    return HypothesisTest(
        test=f"adjusted Wald test of {estimates.statistic} of {estimates.variable}",
        name="F",
        statistic=adjusted,
        df=float(q),
        df_denominator=df - q + 1,
        p_value=f_sf(adjusted, q, df - q + 1),
    )


def quadratic_form(values: Floats, vcov: Floats) -> float:
    """The quadratic form b' V⁻¹ b, refused where V has no inverse.

    Parameters
    ----------
    values : float array (q,)
    vcov : float array (q, q)

    Raises
    ------
    EstimationError
    """
    scale = np.sqrt(np.diagonal(vcov))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = vcov / np.outer(scale, scale)
    if not np.isfinite(correlation).all() or np.linalg.cond(correlation) > 1e12:
        raise EstimationError(
            "the covariance has no inverse, so there is no joint test",
            found=f"{len(values)} estimates",
            expected="more PSUs than estimates, and none without variance",
            hint="test fewer at once",
            code="singular-covariance",
        )
    scaled = values / scale
    return float(scaled @ np.linalg.solve(correlation, scaled))
