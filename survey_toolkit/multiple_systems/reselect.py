"""Selecting a model again on every table of a stack: stepwise, over a set of models, downhill.

Each search gives for every table what the search of one table gives (:mod:`selection`, :mod:`stepwise`):
the same candidates, the same criterion, the same refusal of models without an estimate. They differ in what
they do not compute. A search over all models fits few of them: one in which ``a`` has no interaction with the
lists ``B`` is contained in "``a`` independent of ``B`` given the rest", whose likelihood ratio is a sum of
two-way tables in closed form, so its criterion cannot be better than that model's deviance plus its own
penalty; whatever cannot win by that bound, or by the dual bound of its first Newton steps, is left.
The winner is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.multiple_systems.poisson import subset_sums, superset_sums
from survey_toolkit.multiple_systems.replicates import estimable, fit_stack, prime
from survey_toolkit.multiple_systems.stepwise import poisson_tail
from survey_toolkit.multiple_systems.terms import members, model_row

__all__ = ["BestOf", "Downhill", "Fixed", "Picks", "Search", "Stepwise", "penalties"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_INCUMBENTS = 24
_PIECE = 250_000
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Picks:
    """What a search chose on every table.

    Attributes
    ----------
    models : array of bool (R, 2^t)
    dark : array (R,)
        Dark figure; NaN where no model of the search can be estimated.
    """

    models: BoolArray
    dark: FloatArray


class Search(Protocol):
    """A selection rule that can be repeated on many tables."""

    @property
    def name(self) -> str:
        """The rule in words."""
        ...

    def run(self, tables: FloatArray) -> Picks:
        """Choose a model on every table, shape (R, 2^t)."""
        ...


def penalties(criterion: str, size: IntArray, people: FloatArray) -> FloatArray:
    """Penalty by number of parameters (those at minus infinity included) and people observed; broadcasts.

    Examples
    --------
    >>> penalties("aic", np.array([3, 4]), np.array([100.0]))
    array([6., 8.])
    """
    k, n = np.broadcast_arrays(np.asarray(size, dtype=float), np.asarray(people, dtype=float))
    if criterion == "bic":
        return np.asarray(k * np.log(n))
    if criterion == "aic":
        return 2 * k
    room = n - k - 1
    out: FloatArray = 2 * k + np.divide(2 * k * (k + 1), room, out=np.full(k.shape, np.inf), where=room > 0)
    return out


@dataclass(frozen=True, slots=True)
class Fixed:
    """No selection: the interval that holds the model fixed, for comparison."""

    model: BoolArray
    name: str = "model held fixed"

    def run(self, tables: FloatArray) -> Picks:
        """Fit the one model everywhere."""
        models = np.repeat(self.model[None, :], len(tables), axis=0)
        fits = fit_stack(tables, models)
        good = estimable(tables, models, fits.interior)
        return Picks(models, np.where(good, fits.dark, np.nan))


@dataclass(frozen=True, slots=True)
class Stepwise:
    """The stepwise search by Poisson p-value (Chan, Silverman & Vincent 2021) on all tables at once."""

    n_lists: int
    p_enter: float

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"stepwise p < {self.p_enter:g}, selected again in every replicate"

    def run(self, tables: FloatArray) -> Picks:
        """Walk every table from main effects."""
        pairs = np.array([(1 << a) | (1 << b) for a, b in combinations(range(self.n_lists), 2)])
        models = np.repeat(model_row((), self.n_lists)[None, :], len(tables), axis=0)
        fits = fit_stack(tables, models)
        good = estimable(tables, models, fits.interior)
        dark, coef = np.where(good, fits.dark, np.nan), fits.coef
        overlap = superset_sums(tables)[:, pairs]
        live, mean = np.flatnonzero(good), fits.mean[good]
        while len(live) and self.p_enter > 0:
            p = poisson_tail(overlap[live], superset_sums(mean)[:, pairs])
            p[models[live][:, pairs]] = 1.0
            entered, mean = self._enter(tables, models, coef, dark, live, p, pairs)
            live, mean = live[entered], mean[entered]
        return Picks(models, dark)

    def _enter(
        self,
        tables: FloatArray,
        models: BoolArray,
        coef: FloatArray,
        dark: FloatArray,
        live: IntArray,
        p: FloatArray,
        pairs: IntArray,
    ) -> tuple[BoolArray, FloatArray]:
        """Let the smallest p-value enter whose model can be estimated; writes into models, coef, dark."""
        entered = np.zeros(len(live), dtype=bool)
        mean = np.zeros((len(live), tables.shape[1]))
        trying = np.arange(len(live))
        while True:
            best = p[trying].argmin(axis=1)
            trying = trying[p[trying, best] < self.p_enter]
            if not len(trying):
                return entered, mean
            best = p[trying].argmin(axis=1)
            rows = live[trying]
            proposed = models[rows].copy()
            proposed[np.arange(len(rows)), pairs[best]] = True
            fits = fit_stack(tables[rows], proposed, start=coef[rows])
            good = estimable(tables[rows], proposed, fits.interior)
            entered[trying[good]], mean[trying[good]] = True, fits.mean[good]
            models[rows[good]], dark[rows[good]] = proposed[good], fits.dark[good]
            coef[rows[good]] = fits.coef[good]
            p[trying[~good], best[~good]] = 1.0
            trying = trying[~good]


@dataclass(frozen=True, slots=True)
class BestOf:
    """The lowest criterion over a set of models.

    Attributes
    ----------
    models : array of bool (M, 2^t)
        Best first on the original table, where that is known.
    original : array (2^t,)
        Starts the fits.
    """

    models: BoolArray
    original: FloatArray
    criterion: str
    name: str

    def run(self, tables: FloatArray) -> Picks:
        """Search every table."""
        starts = prime(self.original, self.models)
        piece = max(1, _PIECE // len(self.models))
        parts = [self._piece(tables[i : i + piece], starts) for i in range(0, len(tables), piece)]
        choice = np.concatenate([c for c, _ in parts])
        dark = np.concatenate([d for _, d in parts])
        return Picks(self.models[choice], dark)

    def _piece(self, tables: FloatArray, starts: FloatArray) -> tuple[IntArray, FloatArray]:
        """Chosen model and dark figure of some tables."""
        r, m = len(tables), len(self.models)
        people = tables.sum(axis=1)[:, None]
        price = penalties(self.criterion, self.models.sum(axis=1)[None, :], people)
        value, dark = np.full((r, m), np.inf), np.full((r, m), np.nan)
        interior = np.zeros((r, m), dtype=bool)

        def fit(which: BoolArray, cutoff: FloatArray | None) -> None:
            i, j = np.nonzero(which)
            if not len(i):
                return
            below = None if cutoff is None else (price[i, j] - cutoff[i]) / 2
            fits = fit_stack(tables[i], self.models[j], start=starts[j], cutoff=below)
            value[i, j], dark[i, j] = price[i, j] - 2 * fits.kernel, fits.dark
            interior[i, j] = fits.interior

        first = np.zeros((r, m), dtype=bool)
        first[:, : min(_INCUMBENTS, m)] = True
        fit(first, None)
        best = self._settle(tables, value, interior)
        if m > _INCUMBENTS:
            reach = np.where(best >= 0, value[np.arange(r), best], np.inf) + _SLACK
            fit((price + self._floor(tables) < reach[:, None]) & ~first, reach)
            best = self._settle(tables, value, interior)
        return best, np.where(best >= 0, dark[np.arange(r), best], np.nan)

    def _settle(self, tables: FloatArray, value: FloatArray, interior: BoolArray) -> IntArray:
        """Best model that can be estimated, -1 for none; others met on the way get an infinite value."""
        best = np.full(len(tables), -1)
        open_rows = np.arange(len(tables))
        while len(open_rows):
            top = value[open_rows].argmin(axis=1)
            possible = np.isfinite(value[open_rows, top])
            open_rows, top = open_rows[possible], top[possible]
            good = estimable(tables[open_rows], self.models[top], interior[open_rows, top])
            best[open_rows[good]] = top[good]
            value[open_rows[~good], top[~good]] = np.inf
            open_rows = open_rows[~good]
        return best

    def _floor(self, tables: FloatArray) -> FloatArray:
        """Smallest value -2 kernel can take for every table and model, shape (R, M)."""
        t = tables.shape[1].bit_length() - 1
        stars = star_deviances(tables)
        floor = np.zeros((len(tables), len(self.models)))
        for a in range(t):
            missing = sum((~self.models[:, (1 << a) | (1 << b)]).astype(int) << b for b in range(t) if b != a)
            np.maximum(floor, stars[:, a, :][:, missing], out=floor)
        saturated = (_x_log_x(tables) - tables).sum(axis=1)
        return np.asarray(floor - 2 * saturated[:, None])


def _x_log_x(x: FloatArray) -> FloatArray:
    out: FloatArray = x * np.log(np.where(x > 0, x, 1.0))
    return out


def star_deviances(tables: FloatArray) -> FloatArray:
    """Deviance of "list a independent of the lists B given the rest", shape (R, t, 2^t), B as a mask.

    On the observable cells the model is a two-way table for every history of the other lists. Where those
    are all absent the cell (a = 0, B = 0) is the unseen one; the cell (a = 1, B = 0) then fits itself and
    what is left is an ordinary table.

    Examples
    --------
    >>> float(star_deviances(np.array([[0.0, 360, 360, 40]]))[0, 0, 2])
    0.0
    """
    r, width = tables.shape
    t = width.bit_length() - 1
    out = np.zeros((r, t, width))
    for a in range(t):
        alone = tables.copy()
        alone[:, [0, 1 << a]] = 0.0
        cube = alone.reshape(r, *([2] * t))  # axis 1 is the highest list
        for mask in range(1, width):
            if mask >> a & 1:
                continue
            lists = tuple(t - b for b in members(mask))
            by_a = cube.sum(axis=lists, keepdims=True)
            by_b = cube.sum(axis=t - a, keepdims=True)
            both = by_a.sum(axis=t - a, keepdims=True)
            parts = [_x_log_x(x).reshape(r, -1).sum(axis=1) for x in (cube, by_a, by_b, both)]
            out[:, a, mask] = np.maximum(2 * (parts[0] - parts[1] - parts[2] + parts[3]), 0.0)
    return out


@dataclass(frozen=True, slots=True)
class Downhill:
    """The greedy walk from main effects: the best neighbour while it lowers the criterion."""

    n_lists: int
    criterion: str
    max_order: int

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"downhill {self.criterion.upper()}, walked again in every replicate"

    def run(self, tables: FloatArray) -> Picks:
        """Walk every table."""
        models = np.repeat(model_row((), self.n_lists)[None, :], len(tables), axis=0)
        people = tables.sum(axis=1)
        fits = fit_stack(tables, models)
        good = estimable(tables, models, fits.interior)
        dark, coef = np.where(good, fits.dark, np.nan), fits.coef
        value = penalties(self.criterion, models.sum(axis=1), people) - 2 * fits.kernel
        live = np.flatnonzero(good)
        while len(live):
            moved = self._step(tables, models, coef, dark, value, live, people)
            live = live[moved]
        return Picks(models, dark)

    def _step(
        self,
        tables: FloatArray,
        models: BoolArray,
        coef: FloatArray,
        dark: FloatArray,
        value: FloatArray,
        live: IntArray,
        people: FloatArray,
    ) -> BoolArray:
        """Move every live walk to its best neighbour; writes into models, coef, dark and value."""
        row, rows_of_models = self._neighbours(models[live])
        at = live[row]
        cost = penalties(self.criterion, rows_of_models.sum(axis=1), people[at])
        fits = fit_stack(tables[at], rows_of_models, start=coef[at], cutoff=(cost - value[at] + 1e-9) / 2)
        found = cost - 2 * fits.kernel
        order = np.lexsort((found, row))
        moved = np.zeros(len(live), dtype=bool)
        position = np.searchsorted(row[order], np.arange(len(live)))
        last = np.append(position[1:], len(order))
        trying = np.arange(len(live))
        while True:
            trying = trying[position[trying] < last[trying]]
            pick = order[position[trying]]
            better = found[pick] < value[live[trying]] - 1e-9
            trying, pick = trying[better], pick[better]
            if not len(trying):
                return moved
            where = live[trying]
            good = estimable(tables[where], rows_of_models[pick], fits.interior[pick])
            here, chosen = where[good], pick[good]
            models[here], dark[here] = rows_of_models[chosen], fits.dark[chosen]
            coef[here], value[here] = fits.coef[chosen], found[chosen]
            moved[trying[good]] = True
            trying = trying[~good]
            position[trying] += 1

    def _neighbours(self, models: BoolArray) -> tuple[IntArray, BoolArray]:
        """Row of the walk and model of every hierarchical neighbour."""
        width = models.shape[1]
        order = np.array([s.bit_count() for s in range(width)])
        below = subset_sums(models.astype(float)) - models
        above = superset_sums(models.astype(float)) - models
        free = (order >= 2) & (order <= self.max_order)
        room = (1 << order) - 1
        add = ~models & (below == room) & free
        remove = models & (above == 0) & free
        row, term = np.nonzero(add | remove)
        out = models[row]
        out[np.arange(len(row)), term] ^= True
        return row, out
