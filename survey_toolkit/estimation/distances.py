r"""Weights nearest to the old ones that meet known totals.

With old weights w, calibration variables :math:`m_i` and totals t, the factors :math:`g_i = F(m_i'\lambda)`
solve :math:`\sum w_i g_i m_i = t` (Deville and Särndal 1992, JASA 87:376-382). F is 1 + u (linear), exp u
(raking) or the logit function between two bounds; linear and raking may be cut off at bounds too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean

__all__ = ["Distance", "Method", "solve"]

Method: TypeAlias = Literal["linear", "raking", "logit"]
Floats = NDArray[np.float64]
_STEPS, _HALVINGS, _EXACT = 200, 40, 1e-11


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """A calibration function F with its bounds on the factors.

    Raises
    ------
    EstimationError
        If the method is unknown or the bounds do not stand on either side of 1.

    Examples
    --------
    >>> Distance(method="raking").factor(np.array([0.0]))
    array([1.])
    """

    method: Method
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise EstimationError(
                "unknown calibration method",
                where="method",
                found=repr(self.method),
                expected=", ".join(get_args(Method)),
                hint=did_you_mean(self.method, get_args(Method)),
            )
        if not self.low < 1 < self.high:
            raise EstimationError(
                "the bounds of the weight factors must stand on either side of 1",
                where="bounds",
                found=f"({self.low:g}, {self.high:g})",
                expected="such as (0.5, 2)",
                hint="they limit new over old weight, and no change is a factor of 1",
            )
        if self.method == "logit" and not (np.isfinite(self.low) and np.isfinite(self.high)):
            raise EstimationError(
                "logit calibration needs two bounds",
                where="bounds",
                found=f"({self.low:g}, {self.high:g})",
                expected="such as (0.5, 2)",
                hint='give bounds, or use method="raking"',
            )

    @property
    def _scale(self) -> float:
        return float((self.high - self.low) / ((1 - self.low) * (self.high - 1)))

    def factor(self, u: Floats) -> Floats:
        """F(u), shape of ``u``."""
        if self.method == "logit":
            # written with the smaller exponential, so that it cannot overflow
            e = np.exp(-np.abs(self._scale * u))
            a, b = (self.high - 1), (1 - self.low)
            up = (self.low * a * e + self.high * b) / (a * e + b)
            down = (self.low * a + self.high * b * e) / (a + b * e)
            return np.asarray(np.where(u >= 0, up, down))
        with np.errstate(over="ignore"):
            free = 1 + u if self.method == "linear" else np.exp(u)
        return np.asarray(np.clip(free, self.low, self.high))

    def slope(self, u: Floats) -> Floats:
        """F'(u)."""
        g = self.factor(u)
        if self.method == "logit":
            return np.asarray(self._scale * (g - self.low) * (self.high - g) / (self.high - self.low))
        inside = (g > self.low) & (g < self.high)
        return np.where(inside, 1.0 if self.method == "linear" else g, 0.0)

    def expression(self, u: nw.Expr) -> Any:
        """F(u) for every row, on the engine of the frame."""
        if self.method == "logit":
            e = (-self._scale * u.abs()).exp()
            a, b = (self.high - 1), (1 - self.low)
            up = (self.low * a * e + self.high * b) / (a * e + b)
            down = (self.low * a + self.high * b * e) / (a + b * e)
            return nw.when(u >= 0).then(up).otherwise(down)
        free = 1.0 + u if self.method == "linear" else u.exp()
        if np.isfinite(self.low):
            free = nw.when(free < self.low).then(nw.lit(float(self.low))).otherwise(free)
        if np.isfinite(self.high):
            free = nw.when(free > self.high).then(nw.lit(float(self.high))).otherwise(free)
        return free


def solve(matrix: Floats, weight: Floats, totals: Floats, distance: Distance) -> tuple[Floats, Floats]:
    r"""Newton's method for the multipliers, halving steps that do not come nearer.

    Parameters
    ----------
    matrix : float array (n, P)
        Calibration variables, by row or by cell of equal rows.
    weight : float array (n,)
        Old weights (summed by cell).
    totals : float array (P,)
    distance : Distance

    Returns
    -------
    multipliers : float array (P,)
    missed : float array (P,)
        Relative distance from each total; all below 1e-9 when they can be met together.

    Examples
    --------
    >>> m = np.array([[1.0, 0], [0, 1]])
    >>> multipliers, missed = solve(m, np.array([2.0, 2]), np.array([3.0, 1]), Distance(method="raking"))
    >>> np.exp(multipliers).round(6), bool(missed.max() < 1e-9)
    (array([1.5, 0.5]), True)
    """
    scale = np.maximum(np.abs(totals), np.abs(matrix).T @ weight)
    scale[scale == 0] = 1.0
    scaled, aim = matrix / scale, totals / scale

    def miss(at: Floats) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(aim - scaled.T @ (weight * distance.factor(scaled @ at)))

    at = np.zeros(len(totals))
    rest = miss(at)
    for _ in range(_STEPS):
        if np.abs(rest).max(initial=0) < _EXACT:
            break
        slope = weight * distance.slope(scaled @ at)
        step = np.linalg.pinv(scaled.T @ (slope[:, None] * scaled), rcond=1e-13, hermitian=True) @ rest
        nearer = _halve(miss, at, step, float(np.linalg.norm(rest)))
        if nearer is None:
            break
        at, rest = nearer
    return at / scale, np.abs(rest)


def _halve(miss: Any, at: Floats, step: Floats, before: float) -> tuple[Floats, Floats] | None:
    """The longest of the halved steps that comes nearer; None when none does."""
    for _ in range(_HALVINGS):
        rest = miss(at + step)
        if np.isfinite(rest).all() and np.linalg.norm(rest) < before:
            return at + step, rest
        step = step / 2
    return None
