r"""Twelve ways to read a quantile off weighted data, those of ``svyquantile`` in R's survey 4.

``math`` is the inverse of the estimated distribution function; ``school`` takes the middle of two values when
the function is flat at p; ``hf1`` … ``hf9`` are the definitions of Hyndman and Fan (1996), *The American
Statistician* 50:361-365, with weights; ``shahvaish`` is that of Shah and Vaish (2006).

Tied rows of different weight are read in the order of the file, as R does: ``hf4`` … ``hf9`` and
``shahvaish`` then change a little with that order, the other rules do not.

R passes over the first value when p lies below its share of the weights, and its ``shahvaish``
changes with the scale of the weights (median 705 in place of 667 for api00 of apistrat): ``shahvaish_r``
reproduces that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.codes import Floats

__all__ = ["QUANTILE_RULES", "Ordered", "check_rule", "needs_rows", "ordered"]


_SAME = 1e-12  # shares nearer than this are equal: a sum of weights is not exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Values in increasing order with positive weights, n of them.

    Attributes
    ----------
    value, weight : float array (n,)
    cumulative : float array (n,)
        Running sum of the weights.
    """

    value: Floats
    weight: Floats
    cumulative: Floats

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return float(self.cumulative[-1])


def ordered(value: Floats, weight: Floats, place: Floats | None = None) -> Ordered:
    """Sort values, ties by their place in the file where that matters, and drop those without weight.

    Examples
    --------
    >>> ordered(np.array([3.0, 1, 2]), np.array([1.0, 2, 0])).cumulative
    array([2., 3.])
    """
    kept = weight > 0
    if not kept.all():
        value, weight = value[kept], weight[kept]
        place = None if place is None else place[kept]
    order = np.argsort(value) if place is None else np.lexsort((place, value))
    return Ordered(value=value[order], weight=weight[order], cumulative=np.cumsum(weight[order]))


@dataclass(frozen=True, slots=True)
class _Bracket:
    """The values on either side of p, and how far p is from the steps of the distribution function."""

    low: Floats
    high: Floats
    index: Floats
    below: Floats
    above: Floats


def _bracket(x: Ordered, p: Floats) -> _Bracket:
    last = len(x.value) - 1
    # the last value whose running sum does not exceed p; R goes on to the second value when there is none
    aim = p * x.total
    at = np.searchsorted(x.cumulative, aim + _SAME * x.total, side="right") - 1
    after = np.clip(at + 1, 0, last)
    at = np.maximum(at, 0)
    below = (aim - x.cumulative[at]) / x.total
    below = np.where(np.abs(below) <= _SAME, 0.0, np.maximum(below, 0.0))
    above = np.maximum(x.cumulative[after] - aim, 0.0) / x.total
    index = np.asarray(at + 1, dtype=np.float64)
    return _Bracket(x.value[at], x.value[after], index, below, np.asarray(above))


def _inverse(x: Ordered, p: Floats) -> Floats:
    at = np.searchsorted(x.cumulative, (p - _SAME) * x.total, side="left")
    return np.asarray(x.value[np.minimum(at, len(x.value) - 1)])


def _middle(x: Ordered, p: Floats) -> Floats:
    b = _bracket(x, p)
    return np.where(_reached(x, p) & (b.below == 0), (b.low + b.high) / 2, _inverse(x, p))


def _reached(x: Ordered, p: Floats) -> NDArray[np.bool_]:
    """Whether p is not below the share of the first value."""
    return np.asarray((p + _SAME) * x.total >= x.cumulative[0])


def _even(x: Ordered, p: Floats) -> Floats:
    value, first = np.unique(x.value, return_index=True)
    cumulative = np.append(x.cumulative[first[1:] - 1], x.total)
    merged = Ordered(value=value, weight=np.diff(cumulative, prepend=0.0), cumulative=cumulative)
    b = _bracket(merged, p)
    stay = ~_reached(merged, p) | (b.below == 0) & (b.index % 2 == 0)
    return np.where(stay, b.low, b.high)


def _linear(x: Ordered, p: Floats) -> Floats:
    b = _bracket(x, p)
    width = b.below + b.above
    share = np.where(_reached(x, p) & (width > 0), b.below / np.where(width > 0, width, 1.0), 0.0)
    # between equal values exactly that value: a rounding below it would lose the tie in Woodruff's share
    return np.asarray(b.low + (b.high - b.low) * share)


def _interpolate(x: Ordered, p: Floats, position: Floats) -> Floats:
    return np.asarray(np.interp(p, position, x.value))


def _before(x: Ordered) -> Floats:
    return x.cumulative - x.weight


def _shah_vaish(x: Ordered, p: Floats) -> Floats:
    relative = x.weight / x.weight.mean()
    return _step(x, p, (np.cumsum(relative) + 0.5 - relative / 2) / (len(x.value) + 1))


def _shah_vaish_r(x: Ordered, p: Floats) -> Floats:
    """As R: half of the weight itself is taken off, where it should be of the weight relative to its mean."""
    relative = x.weight / x.weight.mean()
    return _step(x, p, (np.cumsum(relative) + 0.5 - x.weight / 2) / (len(x.value) + 1))


def _step(x: Ordered, p: Floats, position: Floats) -> Floats:
    order = np.argsort(position, kind="stable")
    at = np.clip(np.searchsorted(position[order], p, side="right") - 1, 0, len(order) - 1)
    return np.asarray(x.value[order][at])


Rule = Callable[[Ordered, Floats], Floats]
QUANTILE_RULES: Final[dict[str, Rule]] = {
    "math": _inverse,
    "school": _middle,
    "shahvaish": _shah_vaish,
    "shahvaish_r": _shah_vaish_r,
    "hf1": _inverse,
    "hf2": _middle,
    "hf3": _even,
    "hf4": _linear,
    "hf5": lambda x, p: _interpolate(x, p, (x.cumulative - x.weight / 2) / x.total),
    "hf6": lambda x, p: _interpolate(x, p, x.cumulative / (x.total + x.weight[-1])),
    "hf7": lambda x, p: _interpolate(x, p, _before(x) / max(x.total - x.weight[-1], np.finfo(float).tiny)),
    "hf8": lambda x, p: _interpolate(
        x, p, (_before(x) / 3 + x.cumulative * 2 / 3) / (x.total + x.weight[-1] / 3)
    ),
    "hf9": lambda x, p: _interpolate(
        x, p, (_before(x) * 3 / 8 + x.cumulative * 5 / 8) / (x.total + x.weight[-1] / 4)
    ),
}


def needs_rows(rule: str) -> bool:
    """Whether a rule depends on single rows, not only on the weight of each value."""
    return rule not in ("math", "school", "hf1", "hf2", "hf3")


def check_rule(rule: str) -> None:
    """Raise if a rule is not known."""
    if rule not in QUANTILE_RULES:
        raise EstimationError(
            "unknown quantile rule",
            where="rule",
            found=repr(rule),
            expected=", ".join(QUANTILE_RULES),
            hint=did_you_mean(rule, QUANTILE_RULES),
        )
