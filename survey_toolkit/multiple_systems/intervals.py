"""Confidence intervals for the population size of one log-linear model.

Wald: on the log of the dark figure, ``n + exp(b0 -+ z se(b0))``.

Profile likelihood: the unseen cell is set to ``N - n`` and the model refitted; with the multinomial
correction of Cormack (1992, Biometrics 48:567-576) the log likelihood of ``N`` is
``log N! - log (N - n)! + sum y log(mu / N)``; the limits are where it falls by half a chi-square quantile.

Poisson profile likelihood: the same for the intercept of the Poisson model. A fit with any number in the
unseen cell zeroes the score of every other term: it is the constrained maximum for its own intercept.

All hold the model fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.poisson import fit_models

__all__ = [
    "Curve",
    "ProfileLimits",
    "check_level",
    "curve_limits",
    "normal_quantile",
    "profile_limits",
    "wald_limits",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ProfileKind = Literal["multinomial", "poisson"]

_POINTS = 17
_SEARCH_FACTOR = 1e9
_TINY = 1e-7


def check_level(level: float) -> float:
    """A confidence level is a share above 0 and below 1."""
    if not 0 < level < 1:
        raise EstimationError(
            "a confidence level lies between 0 and 1",
            where="level",
            found=f"{level:g}",
            expected="such as 0.95",
        )
    return level


def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + check_level(level) / 2))


def wald_limits(n: float, log_dark: float, se_log_dark: float, level: float) -> tuple[float, float]:
    """Wald interval on the log dark figure.

    Examples
    --------
    >>> low, high = wald_limits(100, np.log(50), 0.2, 0.95)
    >>> round(low, 1), round(high, 1)
    (133.8, 174.0)
    """
    half = normal_quantile(level) * se_log_dark
    return float(n + np.exp(log_dark - half)), float(n + np.exp(min(log_dark + half, 700.0)))


@dataclass(frozen=True, slots=True)
class ProfileLimits:
    """Profile likelihood of the population size.

    Attributes
    ----------
    maximum : float
        Population size with the highest likelihood.
    levels : tuple of float
    low, high : tuple of float
        Limits by level; ``high`` is infinite when the likelihood never falls far enough.
    """

    maximum: float
    levels: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Curve(Protocol):
    """A profile likelihood, as a function of the number put in the unseen cell."""

    def at(self, unseen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log likelihood and dark figure at each value of the unseen cell, shapes (k,)."""
        ...

    def value(self, unseen: float) -> float:
        """Log likelihood at one value."""
        ...


@dataclass(frozen=True, slots=True)
class _Curve:
    """Profile likelihood of one model, walked along the number put in the unseen cell."""

    counts: FloatArray
    terms: BoolArray
    kind: ProfileKind

    def at(self, unseen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log likelihood and dark figure at each value of the unseen cell, shapes (k,)."""
        from scipy.special import gammaln, xlogy

        unseen = np.maximum(unseen, _TINY)
        tables = np.repeat(self.counts[None, :], len(unseen), axis=0)
        tables[:, 0] = unseen
        rows = np.repeat(self.terms[None, :], len(unseen), axis=0)
        mean = fit_models(tables, rows, with_unseen=True).mean
        kernel = xlogy(tables, np.where(tables > 0, mean, 1.0))
        if self.kind == "poisson":
            return (kernel - mean)[:, 1:].sum(axis=1), mean[:, 0]
        size = tables.sum(axis=1)
        return kernel.sum(axis=1) - size * np.log(size) + gammaln(size + 1) - gammaln(unseen + 1), unseen

    def value(self, unseen: float) -> float:
        """Log likelihood at one value."""
        return float(self.at(np.array([unseen]))[0][0])


def profile_limits(
    counts: FloatArray,
    terms: BoolArray,
    levels: Sequence[float],
    start: float,
    se_log: float,
    kind: ProfileKind = "multinomial",
) -> ProfileLimits:
    """Maximum and limits of the profile likelihood at several levels.

    Parameters
    ----------
    counts, terms : arrays (2^t,)
    levels : sequence of float
    start : float
        Dark figure of the Poisson fit.
    se_log : float
        Standard error of its log: the scale of the search.
    kind : {"multinomial", "poisson"}
    """
    curve = _Curve(np.asarray(counts, dtype=float), terms, kind)
    return curve_limits(curve, float(np.sum(counts[1:])), levels, start, se_log)


def curve_limits(
    curve: Curve, n: float, levels: Sequence[float], start: float, se_log: float
) -> ProfileLimits:
    """Maximum and limits of any profile likelihood; parameters as there; ``n`` people seen."""
    from scipy.special import chdtri

    width = float(np.clip(se_log, 0.05, 3.0))
    peak = _maximise(curve, max(start, _TINY), width)
    top = curve.value(peak)
    ends: list[float] = [peak]
    for level in levels:
        target = top - float(chdtri(1, 1 - check_level(level))) / 2
        ends += [_lower(curve, peak, target), _upper(curve, peak, target, width, n)]
    known = np.isfinite(ends)
    dark = np.full(len(ends), np.inf)
    dark[known] = np.where(np.array(ends)[known] > 0, curve.at(np.array(ends)[known])[1], 0.0)
    at = (n + dark).tolist()
    return ProfileLimits(at[0], tuple(levels), tuple(at[1::2]), tuple(at[2::2]))


def _maximise(curve: Curve, start: float, width: float) -> float:
    """Value of the unseen cell with the highest profile likelihood, by repeated sections."""
    for _ in range(60):
        grid = start * np.exp(np.linspace(-3 * width, 3 * width, _POINTS))
        best = int(np.argmax(curve.at(grid)[0]))
        if 0 < best < _POINTS - 1 or start < _TINY:
            break
        start = float(grid[best])
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _POINTS - 1)]
    if start < _TINY:
        low = 0.0
    for _ in range(9):
        grid = np.linspace(low, high, _POINTS)
        best = int(np.argmax(curve.at(grid)[0]))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, _POINTS - 1)]
    return float(grid[best])


def _lower(curve: Curve, peak: float, target: float) -> float:
    if curve.value(0.0) >= target:
        return 0.0
    return _crossing(curve, 0.0, peak, target)


def _upper(curve: Curve, peak: float, target: float, width: float, n: float) -> float:
    inner, outer = peak, max(peak, 1.0) * float(np.exp(2 * width))
    while curve.value(outer) >= target:
        inner, outer = outer, outer * float(np.exp(2 * width))
        if outer > _SEARCH_FACTOR * max(peak, n):
            return float("inf")
    return _crossing(curve, outer, inner, target)


def _crossing(curve: Curve, outside: float, inside: float, target: float) -> float:
    """Where the likelihood equals the target between a point below it and a point above it."""
    for _ in range(10):
        grid = np.linspace(outside, inside, _POINTS)
        reached = curve.at(grid[1:-1])[0] >= target
        above = int(np.argmax(reached)) + 1 if reached.any() else _POINTS - 1
        outside, inside = float(grid[above - 1]), float(grid[above])
        if abs(inside - outside) <= 1e-10 * max(1.0, inside):
            break
    return 0.5 * (outside + inside)
