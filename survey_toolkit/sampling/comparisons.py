r"""Sample sizes and power for a difference between groups, a change between two rounds, a trend over several.

With R rounds at times t, values :math:`v_t = p_t(1-p_t)` (or a variance), n interviews a round and a share
o of
them repeated with correlation ρ, the slope :math:`\hat\beta = \sum_t c_t \hat p_t`,
:math:`c_t = (t-\bar t)/\sum(t-\bar t)^2`, has

.. math:: n\,V(\hat\beta) = d \sum_{s,t} c_s c_t\, r^{|s-t|}_{st} \sqrt{v_s v_t}, \qquad r = o\rho,

the diagonal without r. Two rounds give the usual :math:`v_1 + v_2 - 2 o\rho\sqrt{v_1v_2}` (Kish 1965, 12.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import proportion, whole, z_value
from survey_toolkit.sampling.field import FieldPlan

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ComparisonSize", "PowerCurve", "comparison_power", "power_curve", "size_comparison"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSize:
    """Interviews a group (or round), households and clusters, for a difference or trend.

    Attributes
    ----------
    interviews, households : int
        A group.
    clusters : int or None
        A group.
    effect, se : float
        Slope or difference, and its standard error with these interviews.
    power : float
        Probability that a two-sided test finds the effect.
    deff : float
    notes : tuple of str
    """

    interviews: int
    households: int
    clusters: int | None
    effect: float
    se: float
    power: float
    deff: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerCurve:
    """Power against interviews a group: arrays ``interviews`` and ``power``, shape (K,)."""

    interviews: Floats
    power: Floats

    def to_frame(self) -> pd.DataFrame:
        """One row a size."""
        import pandas as pd

        return pd.DataFrame({"interviews": self.interviews, "power": self.power})


def size_comparison(
    values: Sequence[float],
    *,
    power: float = 0.8,
    confidence: float = 0.95,
    half_width: float | None = None,
    sd: float | None = None,
    overlap: float = 0.0,
    correlation: float = 0.0,
    plan: FieldPlan | None = None,
) -> ComparisonSize:
    """Sample size to find a difference (two values) or a linear trend (more) with a given power.

    Parameters
    ----------
    values : sequence of float
        Proportions expected in each group or round; means, if ``sd`` is given.
    power, confidence : float
        Two-sided test.
    half_width : float, optional
        Ask for this half-width of the interval of the difference (slope a round) instead of a power.
    sd : float, optional
        Standard deviation a person, for means.
    overlap, correlation : float
        Share of a round that is interviewed again in the next, and correlation of a person's values.
    plan : FieldPlan, optional

    Returns
    -------
    ComparisonSize

    Raises
    ------
    DesignError
        If the values do not differ, or the population is too small to tell them apart.

    Examples
    --------
    >>> size_comparison([0.10, 0.07]).interviews
    1353
    >>> size_comparison([0.10, 0.09, 0.08, 0.07]).interviews
    1218
    """
    plan = plan or FieldPlan()
    effect, unit = _effect(values, sd, overlap, correlation)
    z = z_value(confidence)
    if half_width is not None:
        if half_width <= 0:
            raise DesignError("the half-width is not positive", where="half_width", found=f"{half_width}")
        srs = unit * (z / half_width) ** 2
    elif abs(effect) < 1e-12:
        raise DesignError(
            "the values do not differ, so no sample finds a difference",
            where="values",
            found=f"{list(values)}",
        )
    else:
        from scipy.special import ndtri

        srs = unit * ((z + float(ndtri(proportion(power, "power")))) / effect) ** 2
    n = max(2, math.ceil(plan.interviews(srs) * (1 - 1e-9)))
    se = math.sqrt(unit / plan.worth(n))
    households = math.ceil(plan.households(n) * (1 - 1e-9))
    clusters = plan.clusters(households)
    return ComparisonSize(
        interviews=n,
        households=households,
        clusters=None if clusters is None else math.ceil(clusters),
        effect=effect,
        se=se,
        power=_power(effect, se, z),
        deff=plan.design_effect,
        notes=("sizes are of each group or round",),
    )


def comparison_power(
    values: Sequence[float],
    interviews: int,
    *,
    confidence: float = 0.95,
    sd: float | None = None,
    overlap: float = 0.0,
    correlation: float = 0.0,
    plan: FieldPlan | None = None,
) -> float:
    """Power of a two-sided test with so many interviews a group.

    Examples
    --------
    >>> round(comparison_power([0.10, 0.07], 1353), 3)
    0.8
    """
    effect, unit = _effect(values, sd, overlap, correlation)
    worth = (plan or FieldPlan()).worth(whole(interviews, "interviews", least=2))
    return _power(effect, math.sqrt(unit / worth), z_value(confidence))


def power_curve(
    values: Sequence[float],
    interviews: ArrayLike,
    *,
    confidence: float = 0.95,
    sd: float | None = None,
    overlap: float = 0.0,
    correlation: float = 0.0,
    plan: FieldPlan | None = None,
) -> PowerCurve:
    """Power at several sizes, with the arguments of :func:`comparison_power`.

    Examples
    --------
    >>> power_curve([0.10, 0.07], [500, 1000, 2000]).power.round(2).tolist()
    [0.4, 0.67, 0.93]
    """
    sizes = np.asarray(interviews, dtype=np.float64)
    powers = [
        comparison_power(
            values,
            int(n),
            confidence=confidence,
            sd=sd,
            overlap=overlap,
            correlation=correlation,
            plan=plan,
        )
        for n in sizes
    ]
    return PowerCurve(interviews=sizes, power=np.array(powers))


def _effect(
    values: Sequence[float], sd: float | None, overlap: float, correlation: float
) -> tuple[float, float]:
    """Slope (the difference for two), and its variance times n."""
    if len(values) < 2:
        raise DesignError("a comparison needs two values or more", where="values", found=f"{len(values)}")
    if not 0 <= overlap <= 1 or not -1 <= correlation <= 1:
        raise DesignError(
            "overlap is a share and correlation lies between -1 and 1",
            where="overlap",
            found=f"overlap {overlap}, correlation {correlation}",
        )
    y = np.array([v if sd else proportion(v, f"values[{i}]") for i, v in enumerate(values)], dtype=np.float64)
    root = np.full(y.size, float(sd)) if sd else np.sqrt(y * (1 - y))
    t = np.arange(y.size) - (y.size - 1) / 2
    c = t / (t @ t)
    lag = np.abs(t[:, None] - t[None, :])
    together = np.where(lag == 0, 1.0, (overlap * correlation) ** np.maximum(lag, 1.0).astype(int))
    unit = float((c * root) @ together @ (c * root))
    if unit <= 1e-15:
        raise DesignError("the rounds would always agree", where="correlation", found=f"{correlation}")
    return float(c @ y), unit


def _power(effect: float, se: float, z: float) -> float:
    from scipy.special import ndtr

    at = abs(effect) / se if se > 0 else math.inf
    return float(ndtr(at - z) + ndtr(-at - z))
