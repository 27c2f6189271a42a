"""Tables published with suppressed or rounded cells: the likelihood of the intervals.

A cell known only to lie in an interval, "<5" or rounded to the nearest 5, contributes
``log P(low <= Y <= high)`` with ``Y`` Poisson. Its score is ``E(Y | interval) - mean`` and its information
``mean - Var(Y | interval)``: the maximum is where the EM algorithm (replace each cell by its conditional
mean, refit) stands still. The people seen are themselves partly unknown, and enter by their conditional mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems import _tables
from survey_toolkit.multiple_systems._display import text_table
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level, wald_limits
from survey_toolkit.multiple_systems.loglinear import ASSUMPTIONS
from survey_toolkit.multiple_systems.poisson import fit_models, reduce_models
from survey_toolkit.multiple_systems.results import Coefficient, PopulationSize
from survey_toolkit.multiple_systems.terms import generators, members, model_label, sort_masks, term_name
from survey_toolkit.multiple_systems.verdict import model_terms, require_estimable

__all__ = ["CensoredHistories", "loglinear_censored"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_BELOW = re.compile(r"<\s*(\d+)$")
_RANGE = re.compile(r"(\d+)\s*(?:-|–|to)\s*(\d+)$")


@dataclass(frozen=True, slots=True, eq=False)
class CensoredHistories:
    """Capture counts of which some are known only as intervals.

    Attributes
    ----------
    lists : tuple of str
    low, high : arrays of int, shape (2^t,)
        By cell number (bit ``j`` is list ``j``); cell 0, the unseen, is 0. Equal where the count is known.

    Examples
    --------
    >>> table = CensoredHistories.from_counts(
    ...     {"10": 20, "01": 30, "11": "<5"}, lists=["police", "shelter"])
    >>> table.n_censored, table.n_range
    (1, (51, 54))
    """

    lists: tuple[str, ...]
    low: IntArray
    high: IntArray

    def __post_init__(self) -> None:
        lists = _tables.check_list_names(self.lists)
        low, high = _tables.check_counts(self.low), _tables.check_counts(self.high)
        if low.shape != (1 << len(lists),) or high.shape != low.shape or (low > high).any():
            raise EstimationError(
                "intervals need a lower end at or below the upper one, for each of the 2^t cells",
                where="low, high",
                found=f"shapes {low.shape} and {high.shape}"
                + (f", {int((low > high).sum())} turned round" if low.shape == high.shape else ""),
                code="bad-interval",
            )
        if high[0] > 0:
            raise EstimationError(
                "the history of zeros has a count, but people on no list cannot have been observed",
                where="cell 0",
                found=f"{high[0]} people",
                code="all-zero-history",
            )
        low.flags.writeable = high.flags.writeable = False
        object.__setattr__(self, "lists", lists)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @classmethod
    def from_counts(
        cls,
        data: Mapping[Any, int | str | tuple[int, int]],
        lists: Sequence[str],
        *,
        zeros_published: bool = True,
    ) -> CensoredHistories:
        """Read ``{"101": 4, "011": "<5", "111": (1, 4)}``; histories not named are 0.

        Parameters
        ----------
        data : mapping
            History (digits, or a tuple of 0/1) to a count, ``"<5"``, ``"5-9"`` or (low, high).
        lists : sequence of str
        zeros_published : bool
            Zeros stand in the published table, so that ``"<5"`` means 1 to 4; otherwise 0 to 4.

        Raises
        ------
        EstimationError
            A value that is none of these; a history of the wrong length or given twice.
        """
        parsed = [_interval(v, zeros_published) for v in data.values()]
        names, rows, _ = _tables.read_counts(dict.fromkeys(data, 0), lists, "count")
        cells = _tables.check_membership(rows, names) @ (1 << np.arange(len(names)))
        if len(set(cells.tolist())) < len(cells):
            raise EstimationError(
                "a history stands in more than one row", where="data", code="duplicate-history"
            )
        low, high = np.zeros((2, 1 << len(names)), dtype=np.int64)
        low[cells], high[cells] = [a for a, _ in parsed], [b for _, b in parsed]
        return cls(tuple(names), low, high)

    @classmethod
    def rounded(cls, data: CaptureHistories, base: int = 5) -> CensoredHistories:
        """What a table rounded to the nearest multiple of ``base`` tells (for counts already rounded)."""
        table = data.table().astype(np.int64)
        off = table % base != 0
        if base < 2 or off.any():
            raise EstimationError(
                "the counts are not rounded to this base",
                where="base",
                found=f"{int(off.sum())} of {len(table) - 1} cells are no multiple of {base}",
                code="bad-interval",
            )
        return cls(data.lists, np.maximum(table - (base - 1) // 2, 0), np.append(0, table[1:] + base // 2))

    @property
    def n_censored(self) -> int:
        """Cells known only as intervals."""
        return int((self.low < self.high).sum())

    @property
    def n_range(self) -> tuple[int, int]:
        """Fewest and most people the table can hold."""
        return int(self.low.sum()), int(self.high.sum())

    def __repr__(self) -> str:
        rows = [
            [*(w >> j & 1 for j in range(len(self.lists))), a if a == b else f"{a}-{b}"]
            for w, (a, b) in enumerate(zip(self.low.tolist(), self.high.tolist(), strict=True))
            if b > 0
        ]
        low, high = self.n_range
        return f"CensoredHistories: {low:,} to {high:,} people, {self.n_censored} cells as intervals\n" + (
            text_table([*self.lists, "count"], rows)
        )


#: Coefficient and standard error of a term whose estimate is minus infinity.
_AT_BOUNDARY = (float("-inf"), float("nan"))


def loglinear_censored(
    data: CensoredHistories,
    interactions: Iterable[str | Sequence[str]] = (),
    *,
    level: float = 0.95,
) -> PopulationSize:
    """Log-linear population size from a table with suppressed or rounded cells.

    Parameters
    ----------
    data : CensoredHistories
    interactions : iterable of "A:B" or ("A", "B", ...)
        Besides every main effect.
    level : float
        For the Wald interval on the log dark figure.

    Returns
    -------
    PopulationSize
        ``estimate`` is the expected number seen plus the dark figure; ``n`` the expected number seen,
        rounded; ``diagnostics`` hold ``expected_observed``, its least and most, and ``se_log_dark``.

    Raises
    ------
    EstimationError
        As :func:`loglinear`, judged on the lower ends: a cell that may be empty cannot hold a term up.

    Examples
    --------
    >>> table = CensoredHistories.from_counts(
    ...     {"10": 360, "01": 360, "11": "38-42"}, lists=["A", "B"])
    >>> round(loglinear_censored(table).estimate)
    4002
    """
    check_level(level)
    terms = model_terms(data.lists, interactions)
    verdict = require_estimable(_least(data), terms)
    fit = _fit(data, terms)
    dark, variance = float(np.exp(fit.beta[0])), float(fit.covariance[0, 0])
    seen = fit.seen
    se = float(np.sqrt(dark + dark**2 * variance + fit.spread))
    lower, upper = wald_limits(seen, float(np.log(dark)), float(np.sqrt(variance)), level)
    loglik = fit.loglik
    masks = [int(s) for s in np.flatnonzero(terms)]
    least, most = data.n_range
    errors = np.sqrt(np.diag(fit.covariance))
    fitted = {int(s): (float(b), float(e)) for s, b, e in zip(fit.index, fit.beta, errors, strict=True)}
    return PopulationSize(
        method="log-linear model, cells as intervals",
        estimate=seen + dark,
        se=se,
        ci_low=lower,
        ci_high=upper,
        level=level,
        ci_method="Wald on the log dark figure",
        n=round(seen),
        lists=data.lists,
        model=model_label(masks, data.lists),
        generators=tuple(tuple(data.lists[j] for j in members(s)) for s in generators(masks)),
        df=fit.n_cells - len(fit.index),
        loglik=loglik,
        aic=-2 * loglik + 2 * len(masks),
        bic=-2 * loglik + len(masks) * float(np.log(seen)),
        coefficients=tuple(
            Coefficient(term_name(s, data.lists), *fitted.get(s, _AT_BOUNDARY)) for s in sort_masks(masks)
        ),
        boundary_terms=verdict.boundary_terms,
        verdict=verdict,
        diagnostics={
            "expected_observed": seen,
            "observed_least": float(least),
            "observed_most": float(most),
            "dark_figure": dark,
            "se_log_dark": float(np.sqrt(variance)),
        },
        assumptions=ASSUMPTIONS,
        notes=(
            f"{data.n_censored} cells are known only as intervals: between {least:,} and {most:,} people "
            f"were seen, {seen:,.0f} by the model",
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Maximum of the likelihood of the intervals: coefficients of the terms ``index``, people expected."""

    index: IntArray
    beta: FloatArray
    covariance: FloatArray
    n_cells: int
    seen: float
    spread: float
    loglik: float


def _fit(data: CensoredHistories, terms: BoolArray) -> _Fit:
    reduced = reduce_models(data.low.astype(float), terms[None, :])
    cells, index = np.flatnonzero(reduced.cells[0]), np.flatnonzero(reduced.finite[0])
    design = ((cells[:, None] & index) == index).astype(float)
    low, high = data.low[cells].astype(float), data.high[cells].astype(float)
    start = fit_models(_middle(data), terms[None, :]).coef[0, index]
    beta, mean, spread = _maximise(design, low, high, np.where(np.isfinite(start), start, 0.0))
    mu = np.exp(design @ beta)
    return _Fit(
        index=index,
        beta=beta,
        covariance=np.linalg.inv(design.T @ ((mu - spread)[:, None] * design)),
        n_cells=len(cells),
        seen=float(mean.sum()),
        spread=float(spread.sum()),
        loglik=float(_log_probability(mu, low, high).sum()),
    )


def _least(data: CensoredHistories) -> CaptureHistories:
    """The table at the lower ends, for the existence check."""
    cells = np.flatnonzero(data.low)
    patterns = (cells[:, None] >> np.arange(len(data.lists))) & 1
    return CaptureHistories(data.lists, patterns, data.low[cells])


def _middle(data: CensoredHistories) -> FloatArray:
    """A start: the middle of each interval whose lower end is above 0."""
    return np.where(data.low > 0, (data.low + data.high) / 2, 0.0)


def _maximise(
    design: FloatArray, low: FloatArray, high: FloatArray, beta: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Newton's method: coefficients, conditional means and variances of the cells."""
    for _ in range(500):
        mu = np.exp(np.minimum(design @ beta, 300.0))
        mean, spread = _moments(mu, low, high)
        step = np.linalg.solve(design.T @ ((mu - spread)[:, None] * design), design.T @ (mean - mu))
        value = _log_probability(mu, low, high).sum()
        factor = 1.0
        while factor > 1e-9:
            new = np.exp(np.minimum(design @ (beta + factor * step), 300.0))
            if _log_probability(new, low, high).sum() >= value - 1e-10 * (1 + abs(value)):
                break
            factor /= 2
        beta = beta + factor * step
        if np.abs(step).max() < 1e-10:
            return beta, mean, spread
    raise EstimationError(
        "the fit of the censored table did not converge",
        hint="a simpler model; intervals that start at 0 may leave it without a maximum",
        code="no-convergence",
    )


def _weights(mu: float, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Values of one cell's interval and their log Poisson probabilities."""
    from scipy.special import gammaln

    y = np.arange(low, high + 1)
    return y, y * np.log(mu) - mu - gammaln(y + 1)


def _moments(mu: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of each cell given its interval."""
    mean, spread = low.copy(), np.zeros(len(mu))
    for i in np.flatnonzero(low < high):
        y, log_p = _weights(mu[i], low[i], high[i])
        p = np.exp(log_p - log_p.max())
        p /= p.sum()
        mean[i] = p @ y
        spread[i] = p @ (y - mean[i]) ** 2
    return mean, spread


def _log_probability(mu: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Log probability of each cell's interval."""
    from scipy.special import gammaln, logsumexp, xlogy

    out: FloatArray = xlogy(low, mu) - mu - gammaln(low + 1)
    for i in np.flatnonzero(low < high):
        out[i] = logsumexp(_weights(mu[i], low[i], high[i])[1])
    return out


def _interval(value: Any, zeros_published: bool) -> tuple[int, int]:
    """One count as an interval."""
    if isinstance(value, str):
        text = value.strip()
        if text.isdigit():
            return int(text), int(text)
        if (below := _BELOW.match(text)) and int(below.group(1)) > 1:
            return int(zeros_published), int(below.group(1)) - 1
        if between := _RANGE.match(text):
            return int(between.group(1)), int(between.group(2))
    elif isinstance(value, tuple) and len(value) == 2:
        low, high = _tables.check_counts(list(value)).tolist()
        return low, high
    elif not isinstance(value, tuple):
        (count,) = _tables.check_counts([value]).tolist()
        return count, count
    raise EstimationError(
        "a count is a whole number, '<5', '5-9' or (low, high)",
        where="data",
        found=repr(value)[:40],
        code="bad-interval",
    )
