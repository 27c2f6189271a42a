r"""What a cluster and an interview cost, and the take of a cluster that buys most precision.

With cost :math:`C = c_0 + m c_1 + m b c_2` for m clusters of b interviews the variance
:math:`\frac{S^2}{mb}\left(1+(b-1)\rho\right)` is least at :math:`b =
\sqrt{\frac{c_1}{c_2}\frac{1-\rho}{\rho}}`
(Hansen, Hurwitz and Madow 1953, vol. I, 6.18; Kish 1965, 8.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import positive

__all__ = ["ClusterDesign", "optimal_take"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDesign:
    """Clusters and interviews a cluster, with what they cost and give.

    Attributes
    ----------
    take : int
        Interviews a cluster.
    optimum : float
        The best take, not rounded.
    clusters, interviews : int
    cost, deff : float
    effective : float
        Simple random sample it is worth.
    """

    take: int
    optimum: float
    clusters: int
    interviews: int
    cost: float
    deff: float
    effective: float


def optimal_take(
    *,
    icc: float,
    cluster_cost: float,
    interview_cost: float,
    budget: float | None = None,
    effective: float | None = None,
    fixed_cost: float = 0.0,
    largest_take: int = 500,
) -> ClusterDesign:
    """Best take of a cluster for a budget, or for a wanted effective sample size.

    Parameters
    ----------
    icc : float
        Intraclass correlation; at zero or below one large take is best.
    cluster_cost, interview_cost, fixed_cost : float
        In one currency.
    budget, effective : float
        One of the two: what may be spent, or the simple random sample it shall be worth.
    largest_take : int
        Limit of the take.

    Raises
    ------
    DesignError
        If the budget does not pay for two clusters.

    Examples
    --------
    >>> best = optimal_take(icc=0.05, cluster_cost=400, interview_cost=20, budget=100_000)
    >>> best.take, best.clusters, round(best.optimum, 2), round(best.effective)
    (20, 125, 19.49, 1282)
    """
    first, second = positive(cluster_cost, "cluster_cost"), positive(interview_cost, "interview_cost")
    if (budget is None) == (effective is None):
        raise DesignError("give a budget or an effective size", where="budget", expected="one of the two")
    if not icc < 1:
        raise DesignError("an intraclass correlation is below 1", where="icc", found=f"{icc}")
    best = math.sqrt(first / second * (1 - icc) / icc) if icc > 0 else math.inf
    best = min(best, float(largest_take))
    options = {max(1, math.floor(best)), min(largest_take, math.ceil(max(best, 1)))}
    if budget is not None:
        designs = [_for_budget(b, best, icc, first, second, fixed_cost, budget) for b in options]
        return max(designs, key=lambda d: d.effective)
    wanted = positive(effective or 0.0, "effective")
    designs = []
    for b in options:
        m = math.ceil(wanted * (1 + (b - 1) * icc) / b * (1 - 1e-12))
        designs.append(_design(b, best, m, icc, first, second, fixed_cost))
    return min(designs, key=lambda d: d.cost)


def _for_budget(
    b: int, best: float, icc: float, first: float, second: float, fixed: float, budget: float
) -> ClusterDesign:
    m = math.floor((positive(budget, "budget") - fixed) / (first + b * second))
    if m < 2:
        raise DesignError(
            "the budget does not pay for two clusters",
            where="budget",
            found=f"{budget:,.0f}",
            expected=f"{fixed + 2 * (first + b * second):,.0f} or more",
            code="budget-too-small",
        )
    return _design(b, best, m, icc, first, second, fixed)


def _design(
    b: int, best: float, m: int, icc: float, first: float, second: float, fixed: float
) -> ClusterDesign:
    deff = 1 + (b - 1) * icc
    return ClusterDesign(
        take=b,
        optimum=best,
        clusters=m,
        interviews=m * b,
        cost=fixed + m * (first + b * second),
        deff=deff,
        effective=m * b / deff,
    )
