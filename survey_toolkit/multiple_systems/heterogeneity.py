"""Heterogeneity between people in closed-population models: the extra columns of a log-linear model.

If people differ in how visible they are, the number ``k`` of lists that saw a person enters the log mean
through a convex function of ``k`` (Rivest & Baillargeon 2007, Biometrics 63:999-1006, and JSS 19(5)):
Poisson ``theta^k - 1``, Darroch ``k^2 / 2``, gamma ``-log(theta + k) + log(theta)``. Chao's lower bound lets
every convex function in: one column ``max(k - j + 1, 0)`` for each j from 3 up, its coefficients not below 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._poisson_design import (
    DesignFit,
    estimable,
    fit_design,
    fit_tables,
    multinomial_kernel,
)

__all__ = [
    "DEFAULT_THETA",
    "HETEROGENEITY",
    "BoundCurve",
    "ClosedDesign",
    "check_theta",
    "fit_bound",
    "fit_free",
    "shape_column",
]

FloatArray = NDArray[np.float64]

HETEROGENEITY = ("chao", "poisson", "darroch", "gamma", "normal")
DEFAULT_THETA: Mapping[str, float] = {"poisson": 2.0, "gamma": 3.5}


@dataclass(frozen=True, slots=True)
class ClosedDesign:
    """A closed-population model on its cells.

    Attributes
    ----------
    base : array (c, p)
        Intercept and capture columns.
    names : tuple of str
        Names of the base columns.
    times : array (c,)
        Times seen, by cell.
    counts, offset : arrays (c,)
    """

    base: FloatArray
    names: tuple[str, ...]
    times: FloatArray
    counts: FloatArray
    offset: FloatArray


def check_theta(kind: str, theta: float | None) -> float:
    """Parameter of the shape, checked; the default where none is given."""
    if kind not in DEFAULT_THETA:
        if theta is not None:
            raise EstimationError(
                "this form of heterogeneity has no parameter theta",
                where="theta",
                found=f"{theta:g} with {kind!r}",
                expected=" or ".join(DEFAULT_THETA),
            )
        return float("nan")
    value = DEFAULT_THETA[kind] if theta is None else float(theta)
    least = 1.0 if kind == "poisson" else 0.0
    if not value > least:
        raise EstimationError(
            f"theta must be above {least:g} for {kind!r}", where="theta", found=f"{value:g}", code="bad-theta"
        )
    return value


def shape_column(kind: str, times: FloatArray, theta: float) -> FloatArray:
    """The column of a one-parameter form, 0 for the unseen.

    Examples
    --------
    >>> shape_column("poisson", np.array([0.0, 1.0, 2.0]), 2.0)
    array([0., 1., 3.])
    """
    if kind == "poisson":
        return np.asarray(theta**times - 1)
    if kind == "darroch":
        return times**2 / 2
    if kind == "gamma":
        return np.asarray(np.log(theta) - np.log(theta + times))
    raise EstimationError(
        "there is no such form of heterogeneity",
        where="heterogeneity",
        found=repr(kind),
        expected=did_you_mean(kind, HETEROGENEITY),
        code="unknown-option",
    )


def bound_columns(times: FloatArray) -> tuple[FloatArray, tuple[str, ...]]:
    """Columns ``max(k - j + 1, 0)`` and their names, j = 3 to the most times."""
    levels = range(3, int(times.max()) + 1)
    columns = [np.maximum(times - j + 1, 0.0) for j in levels]
    return (np.column_stack(columns) if columns else np.zeros((len(times), 0))), tuple(
        f"eta{j}" for j in levels
    )


def fit_bound(model: ClosedDesign) -> tuple[DesignFit, FloatArray, tuple[str, ...]]:
    """Chao's lower bound with every eta at 0 or above, by an active set.

    Starting from none, the eta whose score is largest enters while one is positive; an eta that turns
    negative leaves. The likelihood is concave, so where it stops no eta held at 0 would rise.

    Returns
    -------
    DesignFit, array (c, p), tuple of str
        The fit, its design, and the names of its columns.
    """
    extra, names = bound_columns(model.times)
    kept = _active_set(model, extra)
    design = np.column_stack([model.base, extra[:, kept]])
    fit = fit_design(design, model.counts, model.offset)
    return fit, design, (*model.names, *(names[j] for j in kept))


def _active_set(model: ClosedDesign, extra: FloatArray) -> list[int]:
    """Columns of the bound above 0 at the constrained maximum."""
    kept: list[int] = []
    for _ in range(20 + 4 * extra.shape[1]):
        design = np.column_stack([model.base, extra[:, kept]])
        fit = fit_design(design, model.counts, model.offset)
        eta = fit.coef[model.base.shape[1] :]
        if (eta < -1e-10).any():
            kept.pop(int(np.argmin(eta)))
            continue
        entering = _entering(extra, kept, model, fit)
        if entering is None:
            break
        kept.append(entering)
    return sorted(kept)


def _entering(extra: FloatArray, kept: list[int], model: ClosedDesign, fit: DesignFit) -> int | None:
    """Column with the largest standardised score, if positive and estimable."""
    score = extra.T @ (model.counts - fit.mean) / np.sqrt((extra**2).T @ fit.mean)
    score[kept] = -np.inf
    for j in np.argsort(-score):
        if not score[j] > 1e-7:
            return None
        if estimable(np.column_stack([model.base, extra[:, [*kept, int(j)]]]), model.counts):
            return int(j)
    return None


@dataclass(frozen=True, slots=True)
class BoundCurve:
    """Multinomial profile likelihood of the bound: its coefficients are held at 0 or above at every size."""

    model: ClosedDesign

    def at(self, unseen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log likelihood and dark figure at each value of the unseen cell, shapes (k,)."""
        unseen = np.maximum(unseen, 1e-7)
        base = np.vstack([np.eye(1, self.model.base.shape[1]), self.model.base])
        times, offset = (np.concatenate([[0.0], x]) for x in (self.model.times, self.model.offset))
        tables = np.column_stack([unseen, np.repeat(self.model.counts[None, :], len(unseen), axis=0)])
        extra = bound_columns(times)[0]
        mean, left = np.empty(tables.shape), np.arange(len(unseen))
        while len(left):
            table = ClosedDesign(base, self.model.names, times, tables[left[0]], offset)
            kept = _active_set(table, extra)
            beta, fitted = fit_tables(np.column_stack([base, extra[:, kept]]), tables[left], offset)
            right = _is_maximum(beta[:, base.shape[1] :], tables[left] - fitted, fitted, extra, kept)
            right[0] = True
            mean[left[right]] = fitted[right]
            left = left[~right]
        return multinomial_kernel(tables, mean), unseen

    def value(self, unseen: float) -> float:
        """Log likelihood at one value."""
        return float(self.at(np.array([unseen]))[0][0])


def _is_maximum(
    eta: FloatArray, residual: FloatArray, mean: FloatArray, extra: FloatArray, kept: list[int]
) -> NDArray[np.bool_]:
    """Tables whose constrained maximum has just these columns above 0."""
    score = residual @ extra / np.sqrt(mean @ extra**2)
    score[:, kept] = 0.0
    return np.asarray((eta >= -1e-10).all(axis=1) & (score <= 1e-7).all(axis=1))


def fit_free(model: ClosedDesign) -> tuple[DesignFit, FloatArray, tuple[str, ...], ClosedDesign]:
    """The classical bound: one free coefficient for each number of times above 2, whatever its sign.

    Cells of numbers of times that nobody reached leave the fit: their coefficient is at minus infinity.
    """
    top = sorted({float(k) for k in model.times[model.times > 2]})
    seen = [k for k in top if model.counts[model.times == k].sum() > 0]
    keep = (model.times <= 2) | np.isin(model.times, seen)
    cut = ClosedDesign(
        model.base[keep], model.names, model.times[keep], model.counts[keep], model.offset[keep]
    )
    design = np.column_stack([cut.base, *((cut.times == k).astype(float) for k in seen)])
    fit = fit_design(design, cut.counts, cut.offset)
    return fit, design, (*model.names, *(f"eta{k:g}" for k in seen)), cut
