r"""How many interviews a simple random sample needs for a wanted precision, before any design effect.

For a proportion p and half-width d of the interval, with :math:`q = 1-p` and z the normal quantile:

* ``wald``: :math:`n = z^2 pq/d^2`;
* ``wilson``: the positive root x of :math:`(d^2-\tfrac14)x^2 + (2d^2-pq)x + d^2 = 0`, :math:`n = z^2/x`,
which is
  where the half-width of the Wilson interval is d;
* ``exact``: the smallest n whose Clopper-Pearson interval at np cases is at most 2d wide;
* ``fleiss``: Fleiss (1981), as in svy: z²/(4d²) times a factor that grows p towards one half by d.

The arithmetic is ours, not svy's (0.35): svy rounds up after each of the three corrections that follow (1,370
where one rounding gives 1,368), has neither Wilson, exact, relative error nor CV, and brings 560 MB for a
line.
Tests hold the two against each other where both answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import choice, positive, proportion, z_value

__all__ = ["PROPORTION_METHODS", "Precision", "exact_half_width", "srs_size_mean", "srs_size_proportion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What is asked of an estimate: exactly one of three.

    Attributes
    ----------
    half_width : float, optional
        Half the length of the confidence interval, in the unit of the estimate.
    relative : float, optional
        Half-width over the estimate.
    cv : float, optional
        Standard error over the estimate.

    Examples
    --------
    >>> round(Precision(cv=0.2).distance(0.01, z=1.96), 6)
    0.00392
    """

    half_width: float | None = None
    relative: float | None = None
    cv: float | None = None

    def __post_init__(self) -> None:
        given = {k: v for k in ("half_width", "relative", "cv") if (v := getattr(self, k)) is not None}
        if len(given) != 1:
            raise DesignError(
                "precision is told in one way",
                where="precision",
                found=", ".join(given) or "nothing",
                expected="one of half_width, relative, cv",
            )
        for name, value in given.items():
            positive(value, f"precision.{name}")

    def distance(self, estimate: float, *, z: float) -> float:
        """Half-width that this means for an estimate."""
        if self.half_width is not None:
            return self.half_width
        size = abs(estimate)
        return size * (self.relative if self.relative is not None else z * (self.cv or 0.0))


def srs_size_proportion(
    p: float, half_width: float, *, confidence: float = 0.95, method: str = "wald"
) -> float:
    """Interviews of a simple random sample from a large population, not rounded.

    Parameters
    ----------
    p : float
        Anticipated proportion, in (0, 1).
    half_width : float
        Half-width of the interval, below one half.
    confidence : float
    method : {"wald", "wilson", "exact", "fleiss"}

    Raises
    ------
    DesignError
        If p or the half-width cannot be.

    Examples
    --------
    >>> [round(srs_size_proportion(0.1, 0.02, method=m), 1) for m in PROPORTION_METHODS]
    [864.3, 867.3, 914.0, 1065.8]
    """
    p, d = proportion(p, "p"), positive(half_width, "half_width")
    if d >= 0.5:
        raise DesignError(
            "the precision is impossible: the interval would cover every proportion",
            where="half_width",
            found=f"{d:g}",
            expected="below 0.5",
            hint="0.02 is two percentage points",
            code="impossible-precision",
        )
    return PROPORTION_METHODS[choice(method, PROPORTION_METHODS, "method")](p, d, z_value(confidence))


def srs_size_mean(sd: float, half_width: float, *, confidence: float = 0.95) -> float:
    """Interviews for a mean, z² S²/d², not rounded.

    Examples
    --------
    >>> round(srs_size_mean(15, 2), 1)
    216.1
    """
    return (z_value(confidence) * positive(sd, "sd") / positive(half_width, "half_width")) ** 2


def exact_half_width(p: float, n: float, z: float) -> float:
    """Half the length of the Clopper-Pearson interval at np cases of n."""
    from scipy.special import betaincinv, ndtr

    tail = float(ndtr(-z))
    cases = n * p
    return float(betaincinv(cases + 1, n - cases, 1 - tail) - betaincinv(cases, n - cases + 1, tail)) / 2


def _wald(p: float, d: float, z: float) -> float:
    return z**2 * p * (1 - p) / d**2


def _wilson(p: float, d: float, z: float) -> float:
    a, b, c = d**2 - 0.25, 2 * d**2 - p * (1 - p), d**2
    return z**2 / ((-b - math.sqrt(b**2 - 4 * a * c)) / (2 * a))


def _exact(p: float, d: float, z: float) -> float:
    low, high = 1, 2
    while exact_half_width(p, high, z) > d:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if exact_half_width(p, middle, z) <= d else (middle, high)
    return float(high)


def _fleiss(p: float, d: float, z: float) -> float:
    small = min(p, 1 - p)
    if small >= 0.3:
        factor = 1.0
    elif small >= d:
        factor = 4 * (small + d) * (1 - small - d)
    else:
        factor = 8 * d * (1 - 2 * d)
    return z**2 * factor / (4 * d**2) + 1 / d - 2 * z**2 + (z + 2) / factor


PROPORTION_METHODS: dict[str, Callable[[float, float, float], float]] = {
    "wald": _wald,
    "wilson": _wilson,
    "exact": _exact,
    "fleiss": _fleiss,
}
