r"""The cheapest allocation that meets several precision constraints at once (Bethel 1989; Chromy 1987).

.. math:: \min_n \sum_h c_h n_h \quad\text{with}\quad \sum_h \frac{A_{hj}}{n_h} - B_j \le V_j,\quad
          m_h \le n_h \le N_h,\qquad A_{hj} = N_h^2 S_{hj}^2,\ B_j = \sum_h N_h S_{hj}^2 .

Chromy's iteration multiplies each multiplier λ_j by the square of the ratio of the variance reached to the
one allowed; given λ, :math:`n_h = \sqrt{\sum_j \lambda_j A_{hj}/c_h}` cut to its limits minimises the
Lagrangian, so that its value is a lower bound of the cost, and the gap between the two says how far the
answer is from the best.

References
----------
Bethel (1989), *Survey Methodology* 15:47-57; Chromy (1987), *Proceedings of the ASA Section on Survey
Research
Methods*, 194-199.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import positive, whole
from survey_toolkit.sampling.allocation import Allocation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Constraint", "MultivariateAllocation", "allocate_multivariate"]

Floats = NDArray[np.float64]
_GAP = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A wanted precision of the mean of one variable in one domain.

    Attributes
    ----------
    variable : str
        Has columns ``<variable>_mean`` and ``<variable>_sd`` in the table of strata.
    cv : float
        Largest standard error over estimate.
    domain : mapping of str to str
        Column and value that pick the strata; empty for all.
    deff : float
        Design effect within strata.
    """

    variable: str
    cv: float
    domain: Mapping[str, Any] | None = None
    deff: float = 1.0

    @property
    def label(self) -> str:
        """Name for messages."""
        inside = ", ".join(f"{k}={v}" for k, v in (self.domain or {}).items())
        return f"{self.variable}[{inside or 'all'}]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultivariateAllocation:
    """An allocation, the precision it gives, and how near it is to the best.

    Attributes
    ----------
    allocation : Allocation
    constraints : tuple of str
    cv_wanted, cv_reached, multiplier : float arrays (J,)
        The multipliers tell which constraint drives the cost (0: none).
    gap : float
        Relative distance between the real-valued optimum and its lower bound.
    """

    allocation: Allocation
    constraints: tuple[str, ...]
    cv_wanted: Floats
    cv_reached: Floats
    multiplier: Floats
    gap: float

    def to_frame(self) -> pd.DataFrame:
        """One row a constraint."""
        import pandas as pd

        return pd.DataFrame(
            {
                "constraint": self.constraints,
                "cv_wanted": self.cv_wanted,
                "cv_reached": self.cv_reached,
                "multiplier": self.multiplier,
            }
        )


def allocate_multivariate(
    strata: pd.DataFrame,
    constraints: Sequence[Constraint],
    *,
    stratum: str = "stratum",
    population: str = "population",
    cost: str | None = None,
    minimum: int = 2,
) -> MultivariateAllocation:
    """Cheapest sample that meets every constraint.

    Parameters
    ----------
    strata : pandas.DataFrame
        One row a stratum: name, units, ``<variable>_mean``, ``<variable>_sd``, columns of domains, a cost.
    constraints : sequence of Constraint
    stratum, population, cost : str
        Columns.
    minimum : int
        Least a stratum.

    Returns
    -------
    MultivariateAllocation

    Raises
    ------
    DesignError
        If a constraint cannot be met even by a census, or the iteration does not close the gap.

    Examples
    --------
    >>> import pandas as pd
    >>> strata = pd.DataFrame({"stratum": ["u", "r"], "population": [4000, 6000],
    ...                        "work_mean": [0.1, 0.2], "work_sd": [0.3, 0.4]})
    >>> found = allocate_multivariate(strata, [Constraint(variable="work", cv=0.05)])
    >>> found.allocation.as_dict(), float(found.cv_reached[0].round(4))
    ({'u': 560, 'r': 1119}, 0.05)
    """
    names, units, price = _columns(strata, stratum, population, cost)
    if not constraints:
        raise DesignError("there are no constraints", where="constraints", found="an empty list")
    rows = [_constraint(strata, c, units) for c in constraints]
    a = np.array([r[0] for r in rows])
    census = np.array([r[1] for r in rows])
    allowed = np.array([r[2] for r in rows])
    low = np.minimum(whole(minimum, "minimum"), units)
    room = allowed + census
    beyond = (a / units).sum(axis=1) > room * (1 + 1e-9)
    if beyond.any():
        names_beyond = [c.label for c, b in zip(constraints, beyond, strict=True) if b]
        raise DesignError(
            "a precision cannot be met, not even by a census",
            where=names_beyond[0],
            found=", ".join(names_beyond[:5]),
            code="impossible-precision",
        )
    real, multipliers, gap = _chromy(a / room[:, None], price, low, units)
    n = _whole(real, a, room, price, low)
    reached = np.sqrt(np.maximum((a / n).sum(axis=1) - census, 0))
    scale = np.array([c.cv for c in constraints]) / np.sqrt(allowed)
    return MultivariateAllocation(
        allocation=Allocation(
            strata=names,
            n=n,
            population=units,
            method="multivariate",
            cost=float(n @ price),
            se=float("nan"),
            notes=(f"within {gap:.1e} of the best real-valued cost, then rounded",),
        ),
        constraints=tuple(c.label for c in constraints),
        cv_wanted=np.array([c.cv for c in constraints]),
        cv_reached=reached * scale,
        multiplier=multipliers,
        gap=gap,
    )


def _columns(
    strata: pd.DataFrame, stratum: str, population: str, cost: str | None
) -> tuple[tuple[str, ...], Floats, Floats]:
    for column in (stratum, population, *([cost] if cost else [])):
        if column not in strata.columns:
            raise DesignError(
                "there is no such column", where=column, found=", ".join(map(str, strata.columns))
            )
    units = strata[population].to_numpy(dtype=np.float64)
    price = strata[cost].to_numpy(dtype=np.float64) if cost else np.ones(units.size)
    for where, values in ((population, units), (cost or "cost", price)):
        bad = ~(values > 0) | ~np.isfinite(values)
        if bad.any() or not values.size:
            raise DesignError(
                "strata are empty or have negative numbers",
                where=where,
                found=", ".join(map(str, strata[stratum][bad].tolist()[:8])) or "no strata",
                expected="numbers above zero",
                code="bad-strata",
            )
    return tuple(str(s) for s in strata[stratum]), units, price


def _constraint(strata: pd.DataFrame, c: Constraint, units: Floats) -> tuple[Floats, float, float]:
    """A of every stratum, B, and the variance allowed of the total."""
    needed = [f"{c.variable}_mean", f"{c.variable}_sd", *(c.domain or {})]
    missing = [name for name in needed if name not in strata.columns]
    if missing:
        raise DesignError("columns of a constraint are missing", where=c.label, found=", ".join(missing))
    inside = np.ones(units.size, dtype=bool)
    for column, value in (c.domain or {}).items():
        inside &= (strata[column].astype(str) == str(value)).to_numpy()
    if not inside.any():
        raise DesignError("no stratum lies in the domain", where=c.label)
    mean = strata[f"{c.variable}_mean"].to_numpy(dtype=np.float64)
    sd = strata[f"{c.variable}_sd"].to_numpy(dtype=np.float64)
    if not np.isfinite(sd[inside]).all() or (sd[inside] < 0).any() or not np.isfinite(mean[inside]).all():
        raise DesignError("means or standard deviations are missing or negative", where=c.label)
    total = float((units * mean)[inside].sum())
    if total == 0:
        raise DesignError("a CV of zero cannot be", where=c.label, found="the anticipated total is 0")
    a = np.where(inside, units**2 * sd**2, 0.0) * positive(c.deff, "deff")
    return a, float((a / units).sum()), (positive(c.cv, "cv") * total) ** 2


def _chromy(a: Floats, price: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, float]:
    """Real-valued sizes, multipliers and gap; the constraints are Σ a/n ≤ 1."""
    weight = np.full(len(a), float((np.sqrt(a.sum(axis=0) * price)).sum() ** 2) / len(a) ** 2)
    n, gap, cost = low, np.inf, np.inf
    best = n
    bound = 0.0
    for _ in range(20_000):
        n = np.clip(np.sqrt(weight @ a / price), low, high)
        used = (a / n).sum(axis=1)
        bound = max(bound, float(n @ price + weight @ (used - 1)))
        feasible = np.clip(n * max(used.max(), 0.0), low, high) if used.max() > 1 else n
        if (a / feasible).sum(axis=1).max() <= 1 + 1e-9 and float(feasible @ price) < cost:
            best, cost = feasible, float(feasible @ price)
        gap = (cost - bound) / max(abs(bound), 1e-300)
        if gap < _GAP:
            return best, weight, max(gap, 0.0)
        weight = np.maximum(weight * used**2, 1e-300)
    if gap < 1e-3:
        return best, weight, gap
    raise DesignError(
        "the allocation did not converge", where="constraints", found=f"gap {gap:.1e}", code="no-convergence"
    )


def _whole(real: Floats, a: Floats, room: Floats, price: Floats, low: Floats) -> NDArray[np.int64]:
    """Rounded up, then taken back one by one, dearest first, while every constraint holds."""
    n = np.ceil(real - 1e-9)
    used = (a / n).sum(axis=1)
    for h in np.argsort(-price * (n - real), kind="stable"):
        if n[h] - 1 < max(low[h], 1):
            continue
        more = used + a[:, h] / (n[h] - 1) - a[:, h] / n[h]
        if (more <= room * (1 + 1e-9)).all():
            n[h], used = n[h] - 1, more
    return n.astype(np.int64)
