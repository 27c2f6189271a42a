r"""How a sample is shared out over strata.

The shares :math:`a_h` are

* ``equal`` 1, ``proportional`` :math:`N_h`, ``square_root`` :math:`\sqrt{N_h}`;
* ``neyman`` :math:`N_h S_h` (Neyman 1934), ``optimum`` :math:`N_h S_h/\sqrt{c_h}` (Cochran 1977, 5.5);
* ``power`` :math:`X_h^q S_h/\bar Y_h` (Bankier 1988, *The American Statistician* 42:174-177), between equal
  precision everywhere (q = 0) and Neyman (q = 1, X the total of y).

The sizes are :math:`n_h = \min(\max(\lambda a_h, \min_h), \max_h)` with λ such that they add up to n (or
cost the budget), then rounded by largest remainder within the limits.

Ours and not svy's: svy 0.35 drops the minimum, with a warning, where the floors and the
rounded-down shares together pass n
(strata of 1,000, 3 and 3, n = 10, minimum 2: 10, 0 and 0; here 6, 2 and 2), and has no costs. Where no
limit binds
the two agree, and a test holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import choice, positive, whole

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALLOCATIONS", "Allocation", "allocate", "bounded_shares", "round_within"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """Sample sizes of strata.

    Attributes
    ----------
    strata : tuple of str
    n : int array (H,)
    population : float array (H,)
    method : str
    cost : float
        Sum of n times unit cost (n itself where no costs are given).
    se : float
        Standard error of the mean of y under this allocation; NaN where no standard deviations are given.
    notes : tuple of str
        Where a limit decided.
    """

    strata: tuple[str, ...]
    n: Ints
    population: Floats
    method: str
    cost: float
    se: float
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, int]:
        """Stratum to sample size."""
        return dict(zip(self.strata, self.n.tolist(), strict=True))

    def to_frame(self) -> pd.DataFrame:
        """One row a stratum."""
        import pandas as pd

        return pd.DataFrame(
            {
                "stratum": self.strata,
                "population": self.population,
                "n": self.n,
                "fraction": self.n / self.population,
            }
        )


def allocate(
    population: Mapping[Any, float],
    n: int | None = None,
    *,
    method: str = "proportional",
    sd: Mapping[Any, float] | float | None = None,
    cost: Mapping[Any, float] | float | None = None,
    mean: Mapping[Any, float] | None = None,
    size: Mapping[Any, float] | None = None,
    q: float = 0.5,
    budget: float | None = None,
    minimum: int | Mapping[Any, int] = 1,
    maximum: Mapping[Any, int] | None = None,
) -> Allocation:
    """Share a sample out over strata.

    Parameters
    ----------
    population : mapping of stratum to float
        Units N_h of each stratum, above zero.
    n : int, optional
        Sample size; or give ``budget``.
    method : str
        A key of :data:`ALLOCATIONS`.
    sd, cost : mapping or float, optional
        Standard deviation and cost of a unit; needed for ``neyman``, ``optimum`` and ``power``.
    mean, size : mapping, optional
        Mean of y, and measure of importance X_h (default N_h times mean), for ``power``.
    q : float
        Exponent of ``power``, from 0 to 1.
    minimum : int or mapping
        Least a stratum.
    maximum : mapping, optional
        Most a stratum; never more than N_h.

    Returns
    -------
    Allocation

    Raises
    ------
    DesignError
        If a stratum is empty or negative, or the limits cannot hold n.

    Examples
    --------
    >>> allocate({"north": 1000, "south": 3000}, 200).as_dict()
    {'north': 50, 'south': 150}
    >>> allocate({"a": 1000, "b": 3, "c": 3}, 10, minimum=2).as_dict()
    {'a': 6, 'b': 2, 'c': 2}
    >>> allocate({"a": 100, "b": 100}, 60, method="neyman", sd={"a": 1, "b": 3}).as_dict()
    {'a': 15, 'b': 45}
    """
    names = list(population)
    if not names:
        raise DesignError("there are no strata", where="population", found="an empty mapping")
    given = _Strata(
        names=tuple(names),
        units=_values(population, names, "population"),
        sd=None if sd is None else _values(sd, names, "sd", zero=True),
        cost=np.ones(len(names)) if cost is None else _values(cost, names, "cost"),
        mean=None if mean is None else _values(mean, names, "mean"),
        size=None if size is None else _values(size, names, "size"),
        q=positive(q, "q", zero=True),
    )
    shares = ALLOCATIONS[choice(method, ALLOCATIONS, "method")](given)
    if not shares.sum() > 0:
        raise DesignError("the shares are all zero", where="sd", found="no stratum has any spread")
    low = np.minimum(_limits(minimum, names, "minimum", least=0), np.floor(given.units))
    top = np.floor(given.units)
    high = top if maximum is None else np.minimum(top, _limits(maximum, names, "maximum", least=0))
    if (low > high).any():
        at = int(np.argmax(low > high))
        raise DesignError(
            "the minimum of a stratum is above what it has, or its maximum",
            where=str(names[at]),
            found=f"minimum {low[at]:g}",
            expected=f"at most {high[at]:g}",
        )
    real, whole_n, price = _sizes(shares, low, high, given.cost, n, budget)
    rounded = round_within(real, low, high, whole_n)
    if budget is not None:
        rounded = np.maximum(np.floor(real + 1e-9), low).astype(np.int64)
    return Allocation(
        strata=tuple(str(s) for s in names),
        n=rounded,
        population=given.units,
        method=method,
        cost=float(rounded @ price),
        se=_standard_error(given, rounded),
        notes=_told(given, real, low, high, n),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Strata:
    """What a rule of allocation may use; arrays (H,)."""

    names: tuple[Any, ...]
    units: Floats
    sd: Floats | None
    cost: Floats
    mean: Floats | None
    size: Floats | None
    q: float

    def spread(self, method: str) -> Floats:
        if self.sd is None:
            raise DesignError(f"{method} allocation needs standard deviations", where="sd", found="nothing")
        return self.sd


def _power_shares(s: _Strata) -> Floats:
    if s.mean is None:
        raise DesignError("power allocation needs the means", where="mean", found="nothing")
    importance = s.units * s.mean if s.size is None else s.size
    return np.asarray(importance**s.q * s.spread("power") / s.mean / np.sqrt(s.cost))


ALLOCATIONS: dict[str, Callable[[_Strata], Floats]] = {
    "equal": lambda s: np.ones(len(s.names)),
    "proportional": lambda s: s.units,
    "square_root": lambda s: np.sqrt(s.units),
    "neyman": lambda s: s.units * s.spread("neyman"),
    "optimum": lambda s: np.asarray(s.units * s.spread("optimum") / np.sqrt(s.cost)),
    "power": _power_shares,
}


def bounded_shares(shares: Floats, low: Floats, high: Floats, price: Floats, total: float) -> Floats:
    """Sizes proportional to shares within limits, at a total cost; found by bisection on the factor.

    Examples
    --------
    >>> one = np.ones(2)
    >>> bounded_shares(np.array([1.0, 9.0]), 2 * one, 8 * one, one, 10.0).round(6).tolist()
    [2.0, 8.0]
    """
    least, most = float(low @ price), float(high @ price)
    if not least * (1 - 1e-12) <= total <= most * (1 + 1e-12):
        raise DesignError(
            "the limits of the strata cannot hold the sample",
            where="n",
            found=f"{total:,.10g}",
            expected=f"between {least:,.10g} and {most:,.10g}",
            hint="more than the population, or less than the minima of the strata?",
            code="allocation-impossible",
        )
    positive_shares = np.where(shares > 0, shares, shares[shares > 0].min() * 1e-9)
    bottom, top = 0.0, float((high / positive_shares).max()) + 1.0
    for _ in range(300):
        middle = (bottom + top) / 2
        if float(np.clip(middle * positive_shares, low, high) @ price) < total:
            bottom = middle
        else:
            top = middle
    return np.asarray(np.clip(top * positive_shares, low, high))


def round_within(real: Floats, low: Floats, high: Floats, total: int) -> Ints:
    """Whole numbers near ``real``, within limits, that add up to ``total`` (largest remainder).

    Examples
    --------
    >>> round_within(np.array([2.4, 3.6, 4.0]), np.zeros(3), np.full(3, 9.0), 10).tolist()
    [2, 4, 4]
    """
    base = np.clip(np.floor(real + 1e-9), low, high)
    while (gap := int(total - base.sum())) != 0:
        step = 1.0 if gap > 0 else -1.0
        free = base + step <= high if gap > 0 else base + step >= low
        if not free.any():
            break
        order = np.argsort(np.where(free, -(real - base) * step, np.inf), kind="stable")
        base[order[: min(abs(gap), int(free.sum()))]] += step
    return base.astype(np.int64)


def _sizes(
    shares: Floats, low: Floats, high: Floats, cost: Floats, n: int | None, budget: float | None
) -> tuple[Floats, int, Floats]:
    if (n is None) == (budget is None):
        raise DesignError("give a sample size or a budget", where="n", expected="one of the two")
    if budget is not None:
        real = bounded_shares(shares, low, high, cost, min(positive(budget, "budget"), float(high @ cost)))
        return real, int(real.sum()), cost
    count = whole(n, "n")
    return bounded_shares(shares, low, high, np.ones_like(shares), float(count)), count, cost


def _values(
    given: Mapping[Any, float] | float, names: Sequence[Any], where: str, *, zero: bool = False
) -> Floats:
    """One number a stratum; all that are missing or out of range are named at once."""
    if not isinstance(given, Mapping):
        return np.full(len(names), positive(given, where, zero=zero))
    absent = [str(s) for s in names if s not in given]
    if absent:
        raise DesignError(f"strata without a {where}", where=where, found=", ".join(absent[:8]))
    values = np.array([float(given[s]) for s in names], dtype=np.float64)
    bad = ~np.isfinite(values) | (values < 0) | ((values == 0) & (not zero))
    if bad.any():
        shown = [f"{s}: {v:g}" for s, v, b in zip(names, values, bad, strict=True) if b]
        raise DesignError(
            "strata are empty or have negative numbers",
            where=where,
            found=", ".join(shown[:8]),
            expected="numbers, zero or above" if zero else "numbers above zero",
            hint="take empty strata out, or join them with a neighbour",
            code="bad-strata",
        )
    return values


def _limits(given: int | Mapping[Any, int], names: Sequence[Any], where: str, *, least: int) -> Floats:
    many = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
    return np.array([whole(many.get(s, least), where, least=least) for s in names], dtype=np.float64)


def _standard_error(given: _Strata, n: Ints) -> float:
    if given.sd is None or (n < 1).any():
        return float("nan")
    share = given.units / given.units.sum()
    return float(np.sqrt((share**2 * given.sd**2 * (1 / n - 1 / given.units)).clip(0).sum()))


def _told(given: _Strata, real: Floats, low: Floats, high: Floats, n: int | None) -> tuple[str, ...]:
    notes = []
    for word, limit in (("minimum", low), ("population or maximum", high)):
        held = int(((np.abs(real - limit) < 1e-9) & (limit > 0)).sum())
        if held:
            notes.append(f"{held} of {len(given.names)} strata stand at their {word}")
    single = int((low < 2).sum()) if n is not None and n < 2 * len(given.names) else 0
    if single:
        notes.append("fewer than two units a stratum: no variance can be estimated within it")
    return tuple(notes)
