r"""Confidence intervals for proportions, means and totals from a design-based standard error.

The methods for proportions are those of ``svyciprop`` in R's survey package, to the digit, except where R
gives no honest answer: with no event (or nothing but events) the linearised variance is zero and R returns
NaN, [0, 0] or limits of the order of 1e-12. Here every method then returns the exact binomial
(Clopper-Pearson) limits for n unweighted rows, as NCHS does (Parker et al. 2017, *Vital and Health
Statistics* 2(175)): for no event the lower limit is 0 and the upper one :math:`1 - (\\alpha/2)^{1/n}`. The
number of rows is *not* reduced for clustering, because nothing in the sample tells the design effect of a
characteristic that was not met; the limit is therefore a lower bound of the honest one under clustering.

``likelihood`` solves the likelihood ratio with the effective sample size exactly. R profiles a GLM that it
fits to 1e-8 of the deviance and reads the limits off a straight line between points of a spline: they differ
from the exact ones by 1e-4 to 1e-2 of their size (0.0050096 in place of 0.0050101 for 13 cases of 7,363).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.codes import Floats

__all__ = ["PROPORTION_INTERVALS", "Interval", "proportion_interval", "t_interval", "t_quantile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Two limits, and where another rule than the one asked for gave them.

    Attributes
    ----------
    low, high : float array (K,)
        NaN where no interval can be given (no degrees of freedom, no rows).
    exact : bool array (K,)
        True where the binomial limits stand in, because no variance could be estimated.
    """

    low: Floats
    high: Floats
    exact: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proportion:
    """What a method sees; every array is (K,)."""

    p: Floats
    se: Floats
    n: Floats
    t: Floats  # quantile of t with the df of the interval
    t_sample: Floats  # quantile of t with n - 1 df
    alpha: float

    @property
    def n_eff(self) -> Floats:
        """Effective sample size p(1-p)/v."""
        return self.p * (1 - self.p) / self.se**2


Method = Callable[[_Proportion], tuple[Floats, Floats]]


def _wald(s: _Proportion) -> tuple[Floats, Floats]:
    """Symmetric about p; may leave [0, 1]."""
    return s.p - s.t * s.se, s.p + s.t * s.se


def _logit(s: _Proportion) -> tuple[Floats, Floats]:
    """Wald on the logit scale; the same as the intercept of a quasibinomial GLM."""
    from scipy.special import expit, logit

    half = s.t * s.se / (s.p * (1 - s.p))
    return expit(logit(s.p) - half), expit(logit(s.p) + half)


def _beta_limits(p: Floats, n: Floats, alpha: float) -> tuple[Floats, Floats]:
    from scipy.special import betaincinv

    events, rest = n * p, n * (1 - p)
    with np.errstate(invalid="ignore"):
        low = np.where(events > 0, betaincinv(events, rest + 1, alpha / 2), 0.0)
        high = np.where(rest > 0, betaincinv(events + 1, rest, 1 - alpha / 2), 1.0)
    return low, high


def _beta(s: _Proportion) -> tuple[Floats, Floats]:
    """Korn and Graubard (1998): Clopper-Pearson with n_eff (t_{n-1}/t_df)²."""
    return _beta_limits(s.p, s.n_eff * (s.t_sample / s.t) ** 2, s.alpha)


def _clopper_pearson(s: _Proportion) -> tuple[Floats, Floats]:
    """Binomial limits with the effective sample size, without the adjustment for df."""
    return _beta_limits(s.p, s.n_eff, s.alpha)


def _wilson(s: _Proportion) -> tuple[Floats, Floats]:
    """Wilson (1927) with n_eff and the t quantile, as R survey 4.5."""
    ratio = s.t**2 / s.n_eff
    centre = (s.p + ratio / 2) / (1 + ratio)
    half = np.sqrt(ratio) * np.sqrt(s.p * (1 - s.p) + ratio / 4) / (1 + ratio)
    return centre - half, centre + half


def _arcsine(s: _Proportion) -> tuple[Floats, Floats]:
    """Wald on the scale arcsin √p, kept inside [0, π/2]."""
    centre = np.arcsin(np.sqrt(s.p))
    half = s.t * s.se / (2 * np.sqrt(s.p * (1 - s.p)))
    low, high = np.clip(centre - half, 0, np.pi / 2), np.clip(centre + half, 0, np.pi / 2)
    return np.sin(low) ** 2, np.sin(high) ** 2


def _likelihood(s: _Proportion) -> tuple[Floats, Floats]:
    """Where twice the log likelihood ratio of n_eff binomial trials reaches t² (Rao and Scott 1984)."""
    limit = s.t**2 / (2 * s.n_eff)

    def divergence(q: Floats) -> Floats:
        return np.asarray(s.p * np.log(s.p / q) + (1 - s.p) * np.log((1 - s.p) / (1 - q)))

    limits = []
    for end in (0.0, 1.0):
        inside, outside = s.p.copy(), np.full(len(s.p), end)
        for _ in range(200):  # halving down to the spacing of floats
            middle = (inside + outside) / 2
            near = divergence(middle) <= limit
            inside, outside = np.where(near, middle, inside), np.where(near, outside, middle)
        limits.append(np.where(np.isnan(limit), np.nan, inside))
    return limits[0], limits[1]


PROPORTION_INTERVALS: Final[dict[str, Method]] = {
    "logit": _logit,
    "xlogit": _logit,
    "beta": _beta,
    "korn_graubard": _beta,
    "clopper_pearson": _clopper_pearson,
    "wilson": _wilson,
    "asin": _arcsine,
    "likelihood": _likelihood,
    "mean": _wald,
    "wald": _wald,
}


def t_quantile(level: float, df: Floats) -> Floats:
    """Two-sided t quantile, (K,); NaN without degrees of freedom, normal when they are infinite."""
    from scipy.special import ndtri, stdtrit

    upper = 1 - (1 - level) / 2
    finite = np.isfinite(df) & (df > 0)
    t = np.where(finite, stdtrit(np.where(finite, df, 1.0), upper), np.nan)
    return np.where(np.isposinf(df), ndtri(upper), t)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise EstimationError(
            "the confidence level lies outside (0, 1)",
            where="level",
            found=f"{level}",
            expected="such as 0.95",
        )


def with_t_interval(method: str) -> str:
    """The method of a result made from others: whatever interval those had, this one is by t."""
    return re.sub(r", \w+ interval(?=;|$)", ", t interval", method, count=1)


def t_interval(estimate: Floats, se: Floats, df: Floats, level: float = 0.95) -> Interval:
    """Wald interval with the t quantile.

    Parameters
    ----------
    estimate, se, df : float array (K,)
    level : float

    Returns
    -------
    Interval

    Raises
    ------
    EstimationError
        If ``level`` is not between 0 and 1.

    Examples
    --------
    >>> t_interval(np.array([10.0]), np.array([1.0]), np.array([np.inf])).high.round(2)
    array([11.96])
    """
    _check_level(level)
    half = t_quantile(level, df) * se
    return Interval(low=estimate - half, high=estimate + half, exact=np.zeros(len(estimate), dtype=bool))


def proportion_interval(
    method: str,
    p: Floats,
    se: Floats,
    n: Floats,
    df: Floats,
    level: float = 0.95,
    *,
    events: Floats | None = None,
) -> Interval:
    """Interval for a proportion by a named method.

    Parameters
    ----------
    method : str
        A key of :data:`PROPORTION_INTERVALS`.
    p, se : float array (K,)
        Estimate and standard error, 0-1.
    n : float array (K,)
        Unweighted rows.
    df : float array (K,)
    level : float
    events : float array (K,), optional
        Unweighted events. None, or all of n (or p at 0 or 1), gives the binomial limits. A zero variance
        between them means that the design fixes the proportion: both limits are p.

    Returns
    -------
    Interval

    Raises
    ------
    EstimationError
        If the method or the level is unknown.

    References
    ----------
    Korn and Graubard (1998), *Survey Methodology* 24(2):193-201; Wilson (1927), JASA 22:209-212;
    NCHS (2017), *Vital and Health Statistics* 2(175).

    Examples
    --------
    No event among 100: the "rule of three" and a little more.

    >>> none = np.array([0.0])
    >>> proportion_interval("logit", none, none, np.array([100.0]), np.array([30.0])).high.round(4)
    array([0.0362])
    """
    _check_level(level)
    if method not in PROPORTION_INTERVALS:
        raise EstimationError(
            "unknown interval for a proportion",
            where="ci",
            found=repr(method),
            expected=", ".join(PROPORTION_INTERVALS),
            hint=did_you_mean(method, PROPORTION_INTERVALS),
        )
    alpha = 1 - level
    exact = (p <= 0) | (p >= 1)
    if events is not None:
        exact |= (events == 0) | (events == n)
    state = _Proportion(
        p=p, se=se, n=n, t=t_quantile(level, df), t_sample=t_quantile(level, n - 1), alpha=alpha
    )
    with np.errstate(all="ignore"):
        low, high = PROPORTION_INTERVALS[method](state)
        low, high = np.where(se == 0, p, low), np.where(se == 0, p, high)
    exact_low, exact_high = _beta_limits(np.clip(p, 0, 1), n, alpha)
    known = (n > 0) & ~np.isnan(p) & (exact | ~np.isnan(state.t))
    pick: Any = np.where
    low = pick(known, pick(exact, exact_low, low), np.nan)
    high = pick(known, pick(exact, exact_high, high), np.nan)
    return Interval(low=low, high=high, exact=exact & known)
