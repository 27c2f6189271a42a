"""Many small log-linear fits on many tables: what a bootstrap with re-selection needs.

:mod:`~survey_toolkit.multiple_systems.poisson` fits many models to one table and stops at the first one that
does not converge. Here every row has its own table and its own model, rows leave the stack as soon as they
are decided, and a row that cannot be trusted is marked instead of raised:

* *Pruning*. Newton's step ``d`` gives ``m = mu (1 + A d)`` with ``A'm = A'y``. When ``m > 0`` it is a
  feasible point of the dual problem, so ``sum m log m - m`` is a strict upper bound of the log likelihood: a
  row whose bound lies below its cutoff can never win and is dropped after one or two steps.
* *Certificates*. A converged fit with all means clearly above zero is itself the positive solution of
  ``A'x = A'n`` that proves the maximum likelihood estimate to exist (Fienberg & Rinaldo 2012), and a Cholesky
  factor of the integer Gram matrix proves the rank. Only rows without both certificates meet the linear
  programme, once per pattern of zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.multiple_systems.existence import examine_model
from survey_toolkit.multiple_systems.poisson import ReducedModels, reduce_models, subset_sums, superset_sums

__all__ = ["StackFits", "estimable", "fit_stack", "prime"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_CHUNK = 1024
_MAX_ITERATIONS = 40
_DECREMENT = 1e-8
_RIDGE = 1e-13
_LOG_MAX = 300.0
_MEAN_CERTAIN = 1e-4
_RESIDUAL_CERTAIN = 1e-6
_PIVOT = 1e-4
_NO_BOUND = -np.inf


@dataclass(frozen=True, slots=True)
class StackFits:
    """Fits of B rows.

    Attributes
    ----------
    kernel : array (B,)
        Log likelihood without the constant of the counts; minus infinity for a row that was pruned.
    dark : array (B,)
        Dark figure, exp(intercept).
    interior : array of bool (B,)
        The fit converged to clearly positive means: its maximum likelihood estimate exists.
    coef : array (B, 2^t)
        Finite estimates; 0 elsewhere.
    mean : array (B, 2^t)
        Fitted means of the cells in the fit, 0 elsewhere (cell 0 too).
    """

    kernel: FloatArray
    dark: FloatArray
    interior: BoolArray
    coef: FloatArray
    mean: FloatArray


def fit_stack(
    tables: FloatArray,
    terms: BoolArray,
    *,
    start: FloatArray | None = None,
    cutoff: FloatArray | None = None,
) -> StackFits:
    """Fit row ``i`` of ``terms`` to row ``i`` of ``tables``.

    Parameters
    ----------
    tables : array (B, 2^t)
        Counts; cell 0 is ignored.
    terms : array of bool (B, 2^t)
    start : array (B, 2^t), optional
        Starting coefficients; a row with NaN starts from the counts.
    cutoff : array (B,), optional
        A row is given up once its kernel provably stays below.

    Returns
    -------
    StackFits

    Examples
    --------
    >>> table = np.array([[0.0, 360, 360, 40]])
    >>> fit_stack(table, np.array([[True, True, True, False]])).dark.round(6)
    array([3240.])
    """
    reduced = reduce_models(tables, terms)
    b, width = terms.shape
    out = StackFits(
        np.full(b, -np.inf), np.zeros(b), np.zeros(b, dtype=bool), np.zeros((b, width)), np.zeros((b, width))
    )
    limit = np.full(b, _NO_BOUND) if cutoff is None else cutoff
    for rows, size in _stacks(reduced.finite):
        index = np.nonzero(reduced.finite[rows])[1].reshape(len(rows), size)
        begin = None if start is None else np.take_along_axis(start[rows], index, axis=1)
        _Newton.begin(tables[rows], reduced, rows, index, begin, limit[rows]).run(out)
    return out


def _stacks(finite: BoolArray) -> Iterator[tuple[IntArray, int]]:
    """Rows with the same number of finite terms, in pieces."""
    sizes = finite.sum(axis=1)
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        for part in np.array_split(rows, -(-len(rows) // _CHUNK)):
            yield part, int(size)


@dataclass(slots=True)
class _Newton:
    """Newton's method on a shrinking stack; every array has one row a live fit."""

    rows: IntArray
    index: IntArray
    pairs: IntArray
    target: FloatArray
    cells: BoolArray
    limit: FloatArray
    beta: FloatArray
    eta: FloatArray
    mu: FloatArray
    value: FloatArray

    @classmethod
    def begin(
        cls,
        counts: FloatArray,
        reduced: ReducedModels,
        rows: IntArray,
        index: IntArray,
        start: FloatArray | None,
        limit: FloatArray,
    ) -> _Newton:
        cells = reduced.cells[rows]
        target = np.take_along_axis(reduced.margins[rows], index, axis=1)
        pairs = index[:, :, None] | index[:, None, :]
        beta = _least_squares(counts, cells, index, pairs) if start is None else start.copy()
        if start is not None and (fresh := np.isnan(beta).any(axis=1)).any():
            beta[fresh] = _least_squares(counts[fresh], cells[fresh], index[fresh], pairs[fresh])
        eta = _spread(beta, index, cells.shape[1])
        mu = np.where(cells, np.exp(np.minimum(eta, _LOG_MAX)), 0.0)
        value = np.einsum("mp,mp->m", beta, target) - mu.sum(axis=1)
        return cls(rows, index, pairs, target, cells, limit, beta, eta, mu, value)

    def run(self, out: StackFits) -> None:
        """Iterate until every row converged, was pruned or ran out of steps."""
        for _ in range(_MAX_ITERATIONS):
            sums = superset_sums(self.mu)
            gradient = self.target - np.take_along_axis(sums, self.index, axis=1)
            step = _solve(_gather(sums, self.pairs), gradient)
            change = _spread(step, self.index, self.cells.shape[1])
            decrement = np.einsum("mp,mp->m", step, gradient)
            pruned = self._hopeless(change)
            self._move(step, change)
            done = (np.abs(decrement) < _DECREMENT) & ~pruned
            if done.any():
                self._store(done, out)
            live = ~(pruned | done)
            if not live.any():
                return
            if not live.all():
                self._keep(live)
        self._store(np.ones(len(self.rows), dtype=bool), out, interior=False)

    def _hopeless(self, change: FloatArray) -> BoolArray:
        """Rows whose dual bound lies below their cutoff."""
        out = np.zeros(len(self.rows), dtype=bool)
        share = np.where(self.cells, 1.0 + change, 1.0)
        able = np.flatnonzero((share.min(axis=1) > 1e-12) & (self.limit > _NO_BOUND))
        if len(able):
            part = share[able]
            gain = (self.mu[able] * part * np.log(part)).sum(axis=1)
            plain = np.einsum("mp,mp->m", self.beta[able], self.target[able]) - self.target[able, 0]
            out[able] = plain + gain < self.limit[able]
        return out

    def _move(self, step: FloatArray, change: FloatArray) -> None:
        """Take the step, halved for rows whose likelihood would fall."""
        beta, eta = self.beta + step, self.eta + change
        mu, value = self._at(beta, eta, slice(None))
        slack, factor = 1e-9 * (1.0 + np.abs(self.value)), 1.0
        for _ in range(40):
            worse = np.flatnonzero(~(value >= self.value - slack))
            if not len(worse):
                break
            factor /= 2
            beta[worse] = self.beta[worse] + factor * step[worse]
            eta[worse] = self.eta[worse] + factor * change[worse]
            mu[worse], value[worse] = self._at(beta[worse], eta[worse], worse)
        self.beta, self.eta, self.mu, self.value = beta, eta, mu, value

    def _at(self, beta: FloatArray, eta: FloatArray, rows: slice | IntArray) -> tuple[FloatArray, FloatArray]:
        mu = np.exp(np.minimum(eta, _LOG_MAX)) * self.cells[rows]
        return mu, np.einsum("mp,mp->m", beta, self.target[rows]) - mu.sum(axis=1)

    def _store(self, done: BoolArray, out: StackFits, *, interior: bool = True) -> None:
        rows = self.rows[done]
        mu, index = self.mu[done], self.index[done]
        out.kernel[rows] = self.value[done]
        out.dark[rows] = np.exp(np.minimum(self.beta[done, 0], _LOG_MAX))
        out.coef[rows[:, None], index] = self.beta[done]
        out.mean[rows] = mu
        if interior:
            rest = np.take_along_axis(superset_sums(mu), index, axis=1) - self.target[done]
            least = np.where(self.cells[done], mu, np.inf).min(axis=1)
            out.interior[rows] = (least > _MEAN_CERTAIN) & (np.abs(rest).max(axis=1) < _RESIDUAL_CERTAIN)

    def _keep(self, live: BoolArray) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[live])


def _gather(sums: FloatArray, pairs: IntArray) -> FloatArray:
    """Information matrices: the superset sum of the union of every two terms."""
    m, p, _ = pairs.shape
    out: FloatArray = np.take_along_axis(sums, pairs.reshape(m, p * p), axis=1).reshape(m, p, p)
    return out


def _solve(information: FloatArray, right: FloatArray) -> FloatArray:
    """Solve stacks of systems; a tiny ridge keeps exactly singular ones from stopping the stack."""
    diagonal = np.einsum("mii->mi", information)
    diagonal += _RIDGE * (diagonal + 1e-30)
    try:
        out = np.linalg.solve(information, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        diagonal += 1e-9 * (diagonal.max(axis=1, keepdims=True) + 1e-30)
        out = np.linalg.solve(information, right[..., None])[..., 0]
    return np.asarray(out, dtype=float)


def _spread(beta: FloatArray, index: IntArray, width: int) -> FloatArray:
    """Linear predictor of every cell."""
    full = np.zeros((len(beta), width))
    np.put_along_axis(full, index, beta, axis=1)
    return subset_sums(full)


def _least_squares(counts: FloatArray, cells: BoolArray, index: IntArray, pairs: IntArray) -> FloatArray:
    """First step of iteratively reweighted least squares, from the counts plus 0.1."""
    mu = np.where(cells, counts + 0.1, 0.0)
    working = np.where(cells, mu * np.log(np.where(cells, mu, 1.0)) - 0.1, 0.0)
    right = np.take_along_axis(superset_sums(working), index, axis=1)
    return _solve(_gather(superset_sums(mu), pairs), right)


def estimable(tables: FloatArray, terms: BoolArray, interior: BoolArray) -> BoolArray:
    """Whether each row's model has an estimate that exists and is identifiable on its own table.

    Parameters
    ----------
    tables, terms : arrays (B, 2^t)
    interior : array of bool (B,)
        As :class:`StackFits` gives it.
    """
    reduced = reduce_models(tables, terms)
    out = interior & _full_rank(reduced.cells, reduced.finite)
    support = tables > 0
    support[:, 0] = False
    for row in np.flatnonzero(~out):
        out[row] = _verdict(support[row].tobytes(), terms[row].tobytes())
    return out


@lru_cache(maxsize=200_000)
def _verdict(support: bytes, terms: bytes) -> bool:
    """Exact verdict by zero pattern and model."""
    counts = np.frombuffer(support, dtype=bool).astype(float)
    return examine_model(counts, np.frombuffer(terms, dtype=bool)).code == 0


def _full_rank(cells: BoolArray, finite: BoolArray) -> BoolArray:
    """Rows whose 0/1 design on the kept cells clearly has full column rank (integer Gram matrix)."""
    out = np.zeros(len(finite), dtype=bool)
    room = finite.sum(axis=1) <= cells.sum(axis=1)
    shared = superset_sums(cells.astype(float))
    for rows, size in _stacks(finite):
        part = rows[room[rows]]
        if len(part) and size:
            index = np.nonzero(finite[part])[1].reshape(len(part), size)
            gram = _gather(shared[part], index[:, :, None] | index[:, None, :]) + 1e-9 * np.eye(size)
            out[part] = (np.einsum("mii->mi", np.linalg.cholesky(gram)) ** 2).min(axis=1) > _PIVOT
    return out


def prime(table: FloatArray, models: BoolArray) -> FloatArray:
    """Coefficients of every model on one table, to start replicates from; NaN where one is not finite."""
    fits = fit_stack(np.repeat(table[None, :], len(models), axis=0), models)
    boundary = models & (superset_sums(table) == 0)
    coef = np.where(boundary, np.nan, fits.coef)
    coef[~fits.interior] = np.nan
    return coef
