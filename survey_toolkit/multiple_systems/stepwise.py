"""Stepwise selection of pairwise interactions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.existence import existence_codes
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.loglinear import CiMethod, Criteria, population_size
from survey_toolkit.multiple_systems.poisson import covariance, fit_models, superset_sums
from survey_toolkit.multiple_systems.results import PopulationSize, Step
from survey_toolkit.multiple_systems.terms import members, model_row
from survey_toolkit.multiple_systems.verdict import require_estimable

__all__ = ["stepwise", "stepwise_aic"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_CONDITIONAL = (
    "the interval is conditional on the selected model: it leaves out the uncertainty of the selection "
    "and is too short"
)


@dataclass(frozen=True, slots=True)
class _Walk:
    terms: BoolArray
    path: tuple[Step, ...]
    smallest_left: float | None


def stepwise(
    data: CaptureHistories, p_enter: float = 0.02, *, ci: CiMethod = "profile", level: float = 0.95
) -> PopulationSize:
    """Enter pairwise interactions while the overlap is too surprising under the current model.

    For each pair not in the model the observed overlap is compared with a Poisson variable whose mean is the
    fitted overlap: p = min(P(X <= k), P(X >= k)). The pair with the smallest p enters while p is below
    ``p_enter`` and the enlarged model can be estimated. Pairs without overlap can enter, at minus infinity.
    The starting model is checked too.

    Parameters
    ----------
    data : CaptureHistories
    p_enter : float
        Threshold; 0.02 is the value its authors chose by simulation; 0 fits main effects only.
    ci, level
        As in :func:`loglinear`.

    Returns
    -------
    PopulationSize
        With ``path`` and ``smallest_p_not_entered``. The estimate can hang on the threshold: vary it.

    Raises
    ------
    EstimationError
        When the model with main effects cannot be estimated.

    References
    ----------
    Chan, Silverman & Vincent (2021) JASA 116:1297-1306.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> stepwise(lists).path
    ()
    """
    _check_threshold("p_enter", p_enter)
    start = model_row((), data.n_lists)
    require_estimable(data, start, where="starting model")
    walk = _poisson_walk(data, start, p_enter)
    result = _result(data, walk.terms, ci, level, f"log-linear, stepwise p < {p_enter:g}")
    return replace(
        result,
        path=walk.path,
        smallest_p_not_entered=walk.smallest_left,
        notes=(
            *result.notes,
            _CONDITIONAL,
            "other thresholds may give very different estimates: vary p_enter",
        ),
    )


def _poisson_walk(data: CaptureHistories, start: BoolArray, p_enter: float) -> _Walk:
    table, terms = data.table(), start.copy()
    overlap = superset_sums(table)
    path: list[Step] = []
    while True:
        absent = [s for s in _pairs(data.n_lists) if not terms[s]]
        if not absent or p_enter <= 0:
            return _Walk(terms, tuple(path), None)
        mean = fit_models(table, terms[None, :]).mean[0]
        p = poisson_tail(overlap[absent], superset_sums(mean)[absent])
        p[existence_codes(table, _enlarged(terms, absent)) != 0] = 1.0
        best = int(np.argmin(p))
        if p[best] >= p_enter:
            return _Walk(terms, tuple(path), float(p[best]))
        terms[absent[best]] = True
        path.append(Step(tuple(data.lists[j] for j in members(absent[best])), float(p[best])))


def poisson_tail(observed: FloatArray, mean: FloatArray) -> FloatArray:
    """Smaller of P(X <= k) and P(X >= k) for X Poisson; both include k.

    Examples
    --------
    >>> poisson_tail(np.array([0.0]), np.array([2.0])).round(4)
    array([0.1353])
    """
    from scipy.special import pdtr, pdtrc

    below = pdtr(observed, mean)
    above = np.where(observed > 0, pdtrc(np.maximum(observed - 1, 0), mean), 1.0)
    out: FloatArray = np.minimum(below, above)
    return out


def stepwise_aic(
    data: CaptureHistories, p_enter: float = 0.05, *, ci: CiMethod = "profile", level: float = 0.95
) -> PopulationSize:
    """Enter the pair that lowers AIC most, while it does and its Wald p-value is small enough.

    The method of the first estimate for the United Kingdom: Silverman (2014), *Modern slavery: an application
    of multiple systems estimation*, Home Office; Bales, Hesketh & Silverman (2015) Significance 12(3):16-21.

    Parameters
    ----------
    data : CaptureHistories
    p_enter : float
        Largest Wald p-value of an entering term. A term at minus infinity has none and does not enter.
    ci, level
        As in :func:`loglinear`; its authors report profile likelihood intervals.

    Raises
    ------
    EstimationError
        When the model with main effects cannot be estimated.
    """
    _check_threshold("p_enter", p_enter)
    terms, path = model_row((), data.n_lists), []
    require_estimable(data, terms, where="starting model")
    table = data.table()
    value = Criteria.of(fit_models(table, terms[None, :]), data.n_observed).aic[0]
    while True:
        absent = [s for s in _pairs(data.n_lists) if not terms[s] and superset_sums(table)[s] > 0]
        rows = _enlarged(terms, absent)
        valid = existence_codes(table, rows) == 0 if absent else np.zeros(0, dtype=bool)
        if not valid.any():
            break
        absent, rows = [s for s, v in zip(absent, valid, strict=True) if v], rows[valid]
        fits = fit_models(table, rows)
        aic = Criteria.of(fits, data.n_observed).aic
        best = int(np.argmin(aic))
        p = _wald_p(fits.coef[best], fits.mean[best], absent[best])
        if aic[best] >= value or p > p_enter:
            break
        terms, value = rows[best], aic[best]
        path.append(Step(tuple(data.lists[j] for j in members(absent[best])), p))
    result = _result(data, terms, ci, level, "log-linear, stepwise AIC")
    return replace(result, path=tuple(path), notes=(*result.notes, _CONDITIONAL))


def _wald_p(coef: FloatArray, mean: FloatArray, term: int) -> float:
    from scipy.special import ndtr

    index, cov = covariance(mean, np.isfinite(coef))
    at = int(np.flatnonzero(index == term)[0])
    return float(2 * ndtr(-abs(coef[term]) / np.sqrt(cov[at, at])))


def _pairs(t: int) -> list[int]:
    return [(1 << a) | (1 << b) for a, b in combinations(range(t), 2)]


def _enlarged(terms: BoolArray, absent: list[int]) -> BoolArray:
    rows = np.repeat(terms[None, :], len(absent), axis=0)
    rows[np.arange(len(absent)), absent] = True
    return rows


def _result(
    data: CaptureHistories, terms: BoolArray, ci: CiMethod, level: float, method: str
) -> PopulationSize:
    verdict = require_estimable(data, terms)
    fits = fit_models(data.table(), terms[None, :])
    return population_size(data, terms, fits, 0, verdict=verdict, ci=ci, level=level, method=method)


def _check_threshold(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise EstimationError(
            "the entry threshold is a p-value",
            where=name,
            found=f"{value:g}",
            expected="0 (main effects only) or more, below 1",
        )
