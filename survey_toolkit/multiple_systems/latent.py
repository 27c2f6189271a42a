"""Poisson log-linear fits when only sums of cells were observed.

The full table crosses every list with every covariate. An observed count is the sum of the cells in its
group: one cell when everything is known, several when a covariate was not recorded or a list did not operate.
With ``X`` the design, ``m = exp(X b)`` and ``mu_g`` the sum of ``m`` over group ``g``, the score is
``sum_g (y_g / mu_g - 1) D_g`` with ``D_g`` the sum of ``m_c X_c``, and the information ``D' diag(1/mu) D``:
the maximum an EM algorithm climbs to (Zwane & van der Heijden 2007, Statistics in Medicine 26:1069-1089; van
der Heijden et al. 2012, Annals of Applied Statistics 6:831-852), by Fisher scoring, with standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError

__all__ = ["LatentFit", "LatentTable", "fit_latent"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_ITERATIONS = 500
_TOLERANCE = 1e-9
_RANK = 1e-9
_LARGE = 40.0


@dataclass(frozen=True, slots=True, eq=False)
class LatentTable:
    """Cells of the full table and what was observed of them.

    Attributes
    ----------
    design : array (K, p)
    group : array of int (K,)
        Observed count a cell belongs to; -1 for a cell nobody could observe.
    counts : array (G,)
    terms : sequence of str
        Names of the ``p`` columns.
    """

    design: FloatArray
    group: IntArray
    counts: FloatArray
    terms: Sequence[str]

    @property
    def complete(self) -> bool:
        """Every observed count is one cell."""
        return bool((np.bincount(self.group[self.group >= 0], minlength=len(self.counts)) <= 1).all())


@dataclass(frozen=True, slots=True, eq=False)
class LatentFit:
    """Maximum likelihood fit.

    Attributes
    ----------
    mean : array (K,)
        Fitted means of all cells; 0 where a boundary term holds.
    coef : array (p,)
        Minus infinity for empty margins; NaN for other terms that left the fit.
    covariance : array (p, p)
        Zero rows for terms without a finite estimate.
    completed : array (K,)
        Observed counts shared out over their cells, and the fitted mean of unobservable cells.
    sharing : array (K, p)
        Derivative of ``completed`` in the coefficients.
    kernel, loglik, deviance : float
        Kernel: sum of y log mu - mu.
    infinite : tuple of str
        Terms at infinity: empty margins, and terms along which zeros vanish.
    """

    mean: FloatArray
    coef: FloatArray
    covariance: FloatArray
    completed: FloatArray
    sharing: FloatArray
    kernel: float
    loglik: float
    deviance: float
    infinite: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Face:
    """Cells that vanish (K,), and the terms that run to infinity."""

    gone: BoolArray
    moved: tuple[str, ...]


def fit_latent(table: LatentTable) -> LatentFit:
    """Fit by maximum likelihood; refuse what does not exist or is not identifiable.

    Raises
    ------
    EstimationError
        With code ``"no-mle"``, ``"not-identifiable"`` or ``"no-convergence"``, naming the terms.
    """
    finite = ~_boundary(table)
    kept = ~((table.design != 0) & ~finite).any(axis=1)
    infinite = [n for n, f in zip(table.terms, finite, strict=True) if not f]
    if table.complete:
        x, group = table.design[kept][:, finite], table.group[kept]
        face = _face(x, group, table.counts, [n for n, f in zip(table.terms, finite, strict=True) if f])
        if face.moved:
            infinite += face.moved
            kept[np.flatnonzero(kept)[face.gone]] = False
            spanning = _independent(table.design[kept & (table.group >= 0)][:, finite])
            finite[np.flatnonzero(finite)[~spanning]] = False
    x, group = table.design[kept][:, finite], table.group[kept]
    used, group = _renumber(group)
    y = table.counts[used]
    names = [n for n, f in zip(table.terms, finite, strict=True) if f]
    beta, mean, mu, slopes = _scoring(x, group, y, names)
    coef = np.full(len(finite), np.nan)
    coef[finite] = beta
    coef[_boundary(table)] = -np.inf
    covariance = np.zeros((len(finite), len(finite)))
    covariance[np.ix_(finite, finite)] = np.linalg.inv(slopes.T @ (slopes / mu[:, None]))
    full = np.zeros(len(kept))
    full[kept] = mean
    completed, sharing = np.zeros(len(kept)), np.zeros(table.design.shape)
    seen = group >= 0
    weight = np.where(seen, y[group] / mu[group], 1.0)
    completed[kept] = weight * mean
    centred = x - np.where(seen[:, None], slopes[group] / mu[group][:, None], 0.0)
    sharing[np.ix_(kept, finite)] = completed[kept][:, None] * centred
    return LatentFit(
        mean=full,
        coef=coef,
        covariance=covariance,
        completed=completed,
        sharing=sharing,
        **_statistics(y, mu),
        infinite=tuple(infinite),
    )


def _boundary(table: LatentTable) -> BoolArray:
    """Columns whose cells can only belong to counts of zero."""
    seen = table.group >= 0
    y = np.where(seen, table.counts[table.group], 0.0)
    out: BoolArray = ((table.design != 0) * y[:, None]).sum(axis=0) == 0
    return out


def _renumber(group: IntArray) -> tuple[IntArray, IntArray]:
    """Groups that still have a cell, and the cells' new group numbers."""
    used = np.unique(group[group >= 0])
    new = np.full(int(group.max(initial=-1)) + 1, -1)
    new[used] = np.arange(len(used))
    return used, np.where(group >= 0, new[group], -1)


def _face(x: FloatArray, group: IntArray, y: FloatArray, names: Sequence[str]) -> _Face:
    """Cells that stay when terms run to infinity (Fienberg & Rinaldo 2012), for complete tables.

    Along a direction ``d`` that leaves every positive count alone and lowers some zero, the likelihood never
    stops rising: those zeros get mean 0 and leave the fit. A cell nobody could observe follows: it vanishes
    too, is unaffected, or runs to infinity, in which case there is nothing to report.
    """
    at = np.zeros(len(x))
    at[group >= 0] = y[group[group >= 0]]
    positive, zero = x[at > 0], x[(group >= 0) & (at == 0)]
    nothing = _Face(np.zeros(len(x), dtype=bool), ())
    if not len(zero) or np.linalg.matrix_rank(positive) == x.shape[1]:
        return nothing
    direction = _extreme(zero.sum(axis=0), positive, zero)
    if zero.sum(axis=0) @ direction > -0.5:
        return nothing
    moved = tuple(n for n, d in zip(names, direction, strict=True) if abs(d) > 1e-7)
    gone = (group >= 0) & (x @ direction < -1e-7)
    for cell in np.flatnonzero(group < 0):
        if x[cell] @ _extreme(-x[cell], positive, zero) > 1e-7:
            raise EstimationError(
                "the maximum likelihood estimate does not exist, so there is no estimate to report",
                where="model",
                found=f"{', '.join(moved[:8])} run to infinity, and the unseen with them",
                hint="merge levels or lists, or leave out an interaction with too few people",
                code="no-mle",
            )
        gone[cell] = x[cell] @ _extreme(x[cell], positive, zero) < -1e-7
    return _Face(gone, moved)


def _extreme(goal: FloatArray, positive: FloatArray, zero: FloatArray) -> FloatArray:
    """Direction that minimises ``goal @ d`` with positive counts fixed and zeros only falling, boxed."""
    from scipy.optimize import linprog

    answer = linprog(
        goal,
        A_ub=np.vstack([zero, -zero]),
        b_ub=np.concatenate([np.zeros(len(zero)), np.ones(len(zero))]),
        A_eq=positive,
        b_eq=np.zeros(len(positive)),
        bounds=(-100, 100),
    )
    return np.asarray(answer.x, dtype=float) if answer.status == 0 else np.zeros(len(goal))


def _independent(x: FloatArray) -> BoolArray:
    """Columns that span the rest, earlier ones first."""
    keep = np.zeros(x.shape[1], dtype=bool)
    rank = 0
    for j in range(x.shape[1]):
        keep[j] = True
        if np.linalg.matrix_rank(x[:, keep]) == rank:
            keep[j] = False
        else:
            rank += 1
    return keep


def _scoring(
    x: FloatArray, group: IntArray, y: FloatArray, names: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fisher scoring with halved steps: coefficients, cell means, group means, group slopes."""
    seen = group >= 0
    size = np.bincount(group[seen], minlength=len(y))
    start = np.where(seen, (y[group] + 0.1) / np.maximum(size[group], 1), 1.0)
    root = np.sqrt(start[seen])
    beta = np.linalg.lstsq(x[seen] * root[:, None], np.log(start[seen]) * root, rcond=None)[0]
    mean, mu, value = _evaluate(beta, x, group, y)
    for _ in range(_ITERATIONS):
        slopes = _group_sums(mean[:, None] * x, group, len(y))
        information = slopes.T @ (slopes / mu[:, None])
        _require_rank(information, names)
        step = np.linalg.solve(information, slopes.T @ (y / mu - 1))
        factor = 1.0
        for _ in range(40):
            trial = _evaluate(beta + factor * step, x, group, y)
            if trial[2] >= value - 1e-9 * (1 + abs(value)):
                break
            factor /= 2
        beta = beta + factor * step
        mean, mu, value = trial
        if np.abs(factor * step).max() < _TOLERANCE * (1 + np.abs(beta).max()):
            break
    else:
        raise EstimationError(
            "the fit did not converge", where="model", hint="use fewer interactions", code="no-convergence"
        )
    if np.abs(beta).max() > _LARGE:
        far = [n for n, b in zip(names, beta, strict=True) if abs(b) > _LARGE]
        raise EstimationError(
            "the maximum likelihood estimate does not exist, so there is no estimate to report",
            where="model",
            found=f"{', '.join(far[:8])} run to infinity",
            hint="leave out an interaction with too few people",
            code="no-mle",
        )
    return beta, mean, mu, _group_sums(mean[:, None] * x, group, len(y))


def _group_sums(values: FloatArray, group: IntArray, n: int) -> FloatArray:
    out = np.zeros((n, values.shape[1]))
    seen = group >= 0
    np.add.at(out, group[seen], values[seen])
    return out


def _evaluate(
    beta: FloatArray, x: FloatArray, group: IntArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    mean: FloatArray = np.exp(np.clip(x @ beta, -700.0, 300.0))
    seen = group >= 0
    mu: FloatArray = np.asarray(np.bincount(group[seen], weights=mean[seen], minlength=len(y)), dtype=float)
    return mean, mu, float((y * np.log(mu) - mu).sum())


def _require_rank(information: FloatArray, names: Sequence[str]) -> None:
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if values[0] > _RANK:
        return
    lost = [n for n, v in zip(names, vectors[:, 0], strict=True) if abs(v) > 0.1]
    raise EstimationError(
        "the table does not identify this model, so there is no estimate to report",
        where="model",
        found=f"what was observed cannot tell {', '.join(lost[:8])} apart",
        hint="leave out one of these terms",
        code="not-identifiable",
    )


def _statistics(y: FloatArray, mu: FloatArray) -> dict[str, float]:
    from scipy.special import gammaln, xlogy

    kernel = float((y * np.log(mu) - mu).sum())
    top = float((xlogy(y, np.where(y > 0, y, 1.0)) - y).sum())
    return {
        "kernel": kernel,
        "loglik": kernel - float(gammaln(y + 1).sum()),
        "deviance": max(2 * (top - kernel), 0.0),
    }
