"""Log-linear multiple systems estimation with a given model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import (
    ProfileKind,
    ProfileLimits,
    check_level,
    profile_limits,
    wald_limits,
)
from survey_toolkit.multiple_systems.poisson import Fits, covariance, fit_models
from survey_toolkit.multiple_systems.results import Coefficient, PopulationSize, Verdict
from survey_toolkit.multiple_systems.terms import generators, members, model_label, sort_masks, term_name
from survey_toolkit.multiple_systems.verdict import model_terms, require_estimable

__all__ = ["ASSUMPTIONS", "CI_METHODS", "CiMethod", "loglinear", "population_size", "profile"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CiMethod = Literal["profile", "wald", "profile_poisson"]
CI_METHODS = {
    "profile": "profile likelihood",
    "wald": "Wald on the log dark figure",
    "profile_poisson": "Poisson profile likelihood",
}

ASSUMPTIONS = (
    "The population did not change while the lists were made; every person could have been on any list; "
    "people on several lists were recognised as one; nobody on a list is outside the population; and, beyond "
    "the interactions in the model, being on one list does not change the chance of being on another. "
    "Referrals from one list to another, people whom no list can reach, and missed links between lists would "
    "break it; missed links and unreachable people push the estimate in opposite directions."
)


def loglinear(
    data: CaptureHistories,
    interactions: Iterable[str | Sequence[str]] = (),
    *,
    ci: CiMethod = "profile",
    level: float = 0.95,
    hierarchical: bool = True,
) -> PopulationSize:
    r"""Population size from a Poisson log-linear model with given interactions.

    :math:`\log \mu_w = \sum_{s \subseteq w} a_s` over the observable histories ``w``; the unseen are
    :math:`e^{a_\emptyset}` (Fienberg 1972, Biometrika 59:591-603). Interactions between lists that share
    nobody get the estimate minus infinity.

    Parameters
    ----------
    data : CaptureHistories
    interactions : iterable of "A:B" or ("A", "B", ...)
        Besides every main effect; none = independence of the lists.
    ci : {"profile", "wald", "profile_poisson"}
        Multinomial profile likelihood (Cormack 1992); symmetric on the log dark figure; or the profile
        likelihood of the Poisson intercept.
    level : float
    hierarchical : bool
        Add the lower-order terms of each interaction (default). False allows, for example, a single term for
        one unusual history.

    Returns
    -------
    PopulationSize
        ``se`` is sqrt(d + d^2 var(a0)) with ``d`` the dark figure (Rivest & Baillargeon 2007).

    Raises
    ------
    EstimationError
        When the estimate does not exist or is not identifiable: with the reason and the smallest fix.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> round(loglinear(lists).estimate)
    4000
    """
    terms = model_terms(data.lists, interactions, hierarchical=hierarchical)
    verdict = require_estimable(data, terms)
    fits = fit_models(data.table(), terms[None, :])
    return population_size(data, terms, fits, 0, verdict=verdict, ci=ci, level=level)


def profile(
    data: CaptureHistories,
    interactions: Iterable[str | Sequence[str]] = (),
    *,
    levels: Sequence[float] = (0.8, 0.95),
    hierarchical: bool = True,
) -> ProfileLimits:
    """Profile likelihood of the population size at several levels, for a given model.

    Raises
    ------
    EstimationError
        As :func:`loglinear`.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> [round(x) for x in profile(lists, levels=[0.95]).low]
    [3075]
    """
    terms = model_terms(data.lists, interactions, hierarchical=hierarchical)
    require_estimable(data, terms)
    fits = fit_models(data.table(), terms[None, :])
    return profile_limits(
        data.table(), terms, levels, float(fits.dark_figure[0]), float(np.sqrt(fits.variance[0]))
    )


@dataclass(frozen=True, slots=True)
class Criteria:
    """Information criteria of M fits: parameters at minus infinity count, and n is people, not cells."""

    aic: FloatArray
    aicc: FloatArray
    bic: FloatArray

    @classmethod
    def of(cls, fits: Fits, n: int) -> Criteria:
        """Compute them all."""
        k = fits.n_terms.astype(float)
        aic = -2 * fits.loglik + 2 * k
        room = n - k - 1
        aicc = aic + np.divide(2 * k * (k + 1), room, out=np.full(len(k), np.inf), where=room > 0)
        return cls(aic, aicc, -2 * fits.loglik + k * np.log(n))


def standard_errors(fits: Fits) -> FloatArray:
    """Standard errors of the population size, shape (M,)."""
    dark = fits.dark_figure
    out: FloatArray = np.sqrt(dark + dark**2 * fits.variance)
    return out


def population_size(
    data: CaptureHistories,
    terms: BoolArray,
    fits: Fits,
    row: int,
    *,
    verdict: Verdict,
    ci: CiMethod,
    level: float,
    method: str = "log-linear model",
) -> PopulationSize:
    """Assemble the result of one fitted model."""
    n, dark = data.n_observed, float(fits.dark_figure[row])
    se_log = float(np.sqrt(fits.variance[row]))
    criteria = Criteria.of(fits, n)
    diagnostics: dict[str, float] = {
        "se_log_dark": se_log,
        "n_cells": float(fits.n_cells[row]),
        "n_terms": float(fits.n_terms[row]),
    }
    low, high, maximum = _interval(data, terms, dark, se_log, ci, level)
    masks = [int(s) for s in np.flatnonzero(terms)]
    tops = generators(masks)
    return PopulationSize(
        method=method,
        estimate=n + dark,
        se=float(standard_errors(fits)[row]),
        ci_low=low,
        ci_high=high,
        level=level,
        ci_method=CI_METHODS[ci],
        n=n,
        lists=data.lists,
        model=model_label(masks, data.lists),
        generators=tuple(tuple(data.lists[j] for j in members(s)) for s in tops),
        df=int(fits.n_cells[row] - fits.n_finite[row]),
        loglik=float(fits.loglik[row]),
        deviance=float(fits.deviance[row]),
        pearson=float(fits.pearson[row]),
        aic=float(criteria.aic[row]),
        aicc=float(criteria.aicc[row]),
        bic=float(criteria.bic[row]),
        coefficients=_coefficients(data, fits, row),
        boundary_terms=verdict.boundary_terms,
        verdict=verdict,
        diagnostics=diagnostics | maximum,
        assumptions=ASSUMPTIONS,
        notes=(*data.notes, *_fit_notes(n, dark, high, verdict)),
    )


def _interval(
    data: CaptureHistories, terms: BoolArray, dark: float, se_log: float, ci: CiMethod, level: float
) -> tuple[float, float, dict[str, float]]:
    """Limits, and the maximum of the profile likelihood where one was walked."""
    if ci not in CI_METHODS:
        raise EstimationError(
            "there is no such interval", where="ci", found=repr(ci), expected=", ".join(CI_METHODS)
        )
    if ci == "wald":
        return *wald_limits(data.n_observed, np.log(dark), se_log, check_level(level)), {}
    kind: ProfileKind = "multinomial" if ci == "profile" else "poisson"
    limits = profile_limits(data.table(), terms, [level], dark, se_log, kind)
    return limits.low[0], limits.high[0], {f"{kind}_estimate": limits.maximum}


def _coefficients(data: CaptureHistories, fits: Fits, row: int) -> tuple[Coefficient, ...]:
    coef = fits.coef[row]
    index, cov = covariance(fits.mean[row], np.isfinite(coef))
    se = dict(zip(index.tolist(), np.sqrt(np.diag(cov)).tolist(), strict=True))
    masks = sort_masks(int(s) for s in np.flatnonzero(~np.isnan(coef)))
    return tuple(
        Coefficient(term_name(s, data.lists), float(coef[s]), se.get(s, float("nan"))) for s in masks
    )


def _fit_notes(n: int, dark: float, high: float, verdict: Verdict) -> tuple[str, ...]:
    notes = []
    if verdict.boundary_terms:
        notes.append(
            f"{', '.join(verdict.boundary_terms)}: no overlap, so the term is at minus infinity and the "
            "histories that contain it are left out of the fit"
        )
    if dark > 9 * n:
        notes.append(f"{dark / (n + dark):.0%} of the estimate was never seen: it rests on the model")
    if not np.isfinite(high):
        notes.append("the likelihood does not fall enough to give an upper limit")
    return tuple(notes)
