r"""Draws of one stage, for all strata at once, on arrays.

Every function takes the units sorted by group and returns which were drawn, how often, and with what
inclusion probability. The random numbers come in from outside (:mod:`._numbers`), so that a draw can be
made again.

* ``srs``: the n units of a group with the smallest random numbers (Fan, Muller and Rezucha 1962).
* ``systematic``, ``pps_systematic``: with cumulated probabilities :math:`C_i` and a start u, unit i is hit
  :math:`\lfloor C_i - u\rfloor - \lfloor C_{i-1} - u\rfloor` times (Madow 1949); the order is the implicit
  stratification.
* ``rhc``: units put into n random groups, one drawn in each with probability proportional to size (Rao,
Hartley and
  Cochran 1962); ``probability`` is that inside the random group times one, the weight of their estimator.
* ``sampford``, ``brewer``: through svy, which draws them right and fast (see :mod:`._svy`).

SRS and systematic are ours and not svy's although svy draws them well: its kernel returns neither random
start
nor random numbers, so that nobody could redo a draw from a log; and it needs the whole frame in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._numbers import uniform

__all__ = ["METHODS", "Drawn", "Group", "draw", "inclusion"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Units of one stage, sorted by group and within groups by the order of the frame.

    Attributes
    ----------
    starts : int array (G + 1,)
        First unit of every group, and the number of units.
    n : int array (G,)
        Units to draw.
    size : float array (U,)
        Measure of size; ones for equal probability.
    number : float array (U,)
        Random number of every unit.
    start : float array (G,)
        Random number of every group.
    seed : int
    """

    starts: Ints
    n: Ints
    size: Floats
    number: Floats
    start: Floats
    seed: int

    @property
    def counts(self) -> Ints:
        """Units of every group."""
        return np.diff(self.starts)

    @property
    def of_unit(self) -> Ints:
        """Group of every unit."""
        return np.repeat(np.arange(self.n.size), self.counts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Hits and inclusion probability of every unit (for hits above one, the expected hits)."""

    hits: Ints
    probability: Floats


def draw(method: str, units: Group) -> Drawn:
    """Draw by a method of :data:`METHODS`.

    Examples
    --------
    >>> units = Group(starts=np.array([0, 4]), n=np.array([2]), size=np.ones(4), seed=1,
    ...               number=np.array([0.9, 0.1, 0.2, 0.8]), start=np.array([0.3]))
    >>> draw("srs", units).hits.tolist(), draw("systematic", units).hits.tolist()
    ([0, 1, 1, 0], [1, 0, 1, 0])
    """
    return METHODS[method](units)


def inclusion(units: Group) -> Floats:
    """Expected hits n·size/total, shape (U,)."""
    total = np.add.reduceat(units.size, units.starts[:-1]) if units.size.size else np.zeros(0)
    group = units.of_unit
    with np.errstate(invalid="ignore"):
        return np.asarray(units.n[group] * (units.size / total[group]))


def _equal(units: Group) -> Floats:
    return np.asarray((units.n / np.maximum(units.counts, 1))[units.of_unit])


def _srs(units: Group) -> Drawn:
    group = units.of_unit
    order = np.lexsort((units.number, group))
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = np.arange(group.size) - units.starts[:-1][group]
    return Drawn(hits=(rank < units.n[group]).astype(np.int64), probability=_equal(units))


def _hit(units: Group, expected: Floats) -> Ints:
    """Systematic hits; the cumulated sum of each group ends exactly at n."""
    group, last = units.of_unit, units.starts[1:] - 1
    running = np.cumsum(expected)
    before = np.concatenate([[0.0], running[last[:-1]]])[group] if group.size else running
    end = running - before
    full = units.counts > 0
    end[last[full]] = units.n[full]
    begin = np.concatenate([[0.0], end[:-1]]) if group.size else end
    begin[units.starts[:-1][full]] = 0.0
    u = units.start[group]
    return np.asarray(np.floor(end - u) - np.floor(begin - u), dtype=np.int64)


def _systematic(units: Group) -> Drawn:
    """From ranks, not sums, so that the same numbers come out of a query."""
    group, chance = units.of_unit, _equal(units)
    rank = np.arange(group.size, dtype=np.float64) - units.starts[:-1][group]
    n, count, u = units.n[group].astype(np.float64), units.counts[group], units.start[group]
    hits = np.floor((rank + 1) * n / count - u) - np.floor(rank * n / count - u)
    return Drawn(hits=hits.astype(np.int64), probability=chance)


def _pps_systematic(units: Group) -> Drawn:
    chance = inclusion(units)
    return Drawn(hits=_hit(units, chance), probability=chance)


def _rhc(units: Group) -> Drawn:
    hits = np.zeros(units.size.size, dtype=np.int64)
    chance = np.zeros(units.size.size)
    for g, (first, after) in enumerate(zip(units.starts[:-1], units.starts[1:], strict=True)):
        order = first + np.argsort(units.number[first:after], kind="stable")
        for i, part in enumerate(np.array_split(order, max(int(units.n[g]), 1)) if units.n[g] else []):
            share = units.size[part] / units.size[part].sum()
            # a number of its own, that anyone can make again
            point = uniform(units.seed, "rhc", f"{float(units.start[g])!r}|{i}")
            at = min(int(np.searchsorted(np.cumsum(share), point, side="right")), part.size - 1)
            hits[part[at]] += 1
            chance[part] = share
    return Drawn(hits=hits, probability=chance)


def _by_svy(method: str) -> Callable[[Group], Drawn]:
    def drawn(units: Group) -> Drawn:
        from survey_toolkit.sampling._svy import draw_pps

        chance = inclusion(units)
        over = int((chance >= 1).sum())
        if over:
            raise DesignError(
                f"{method} cannot draw a unit with probability one or more",
                where="size",
                found=f"{over} units",
            )
        hits = np.zeros(units.size.size, dtype=np.int64)
        for g, (first, after) in enumerate(zip(units.starts[:-1], units.starts[1:], strict=True)):
            if units.n[g]:
                seed = int(units.start[g] * 2**31)
                hits[first + draw_pps(method, units.size[first:after], int(units.n[g]), seed=seed)] = 1
        return Drawn(hits=hits, probability=chance)

    return drawn


METHODS: dict[str, Callable[[Group], Drawn]] = {
    "srs": _srs,
    "systematic": _systematic,
    "pps_systematic": _pps_systematic,
    "rhc": _rhc,
    "sampford": _by_svy("sampford"),
    "brewer": _by_svy("brewer"),
}
