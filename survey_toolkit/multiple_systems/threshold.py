"""Bayesian thresholding of interactions.

Silverman (2020) JRSS-A 183:691-736: all pairwise interactions enter with a shrinking prior; those whose
posterior mean is less than a few posterior standard deviations from zero leave; the rest is fitted again.
Third-order interactions are tried where all three of their pairs survived. The posteriors are drawn by
importance sampling (:mod:`~survey_toolkit.multiple_systems._posterior`), not by a chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._posterior import (
    WeightedDraws,
    importance_draws,
    posterior_mode,
    weighted_quantiles,
)
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level
from survey_toolkit.multiple_systems.loglinear import ASSUMPTIONS
from survey_toolkit.multiple_systems.poisson import reduce_models
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.terms import members, model_label, model_row, sort_masks, term_name
from survey_toolkit.multiple_systems.verdict import require_estimable, require_overlap

__all__ = ["ThresholdReport", "bayes_threshold"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_LEAST_ESS = 400.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThresholdReport:
    """What was kept and why.

    Attributes
    ----------
    ratios : mapping term -> |posterior mean| / posterior standard deviation, in the step that decided on it
    retained, boundary : tuple of str
        Interactions of the final model; those at minus infinity (flat prior, no overlap).
    draws, weight : arrays (size,)
        Population sizes drawn and their weights.
    ess : float
        Effective number of draws.
    """

    ratios: dict[str, float]
    retained: tuple[str, ...]
    boundary: tuple[str, ...]
    draws: FloatArray
    weight: FloatArray
    ess: float

    def quantile(self, probability: float) -> float:
        """Posterior quantile of the population size."""
        return float(weighted_quantiles(self.draws, self.weight, np.array([probability]))[0])


def bayes_threshold(
    data: CaptureHistories,
    *,
    threshold: float = 2.0,
    prior_variance: float | None = 1.0,
    main_variance: float = 1e4,
    max_order: int = 2,
    draws: int = 20_000,
    level: float = 0.95,
    seed: int = 0,
) -> PopulationSize:
    """Population size from the interactions that stand out of their posterior spread.

    Parameters
    ----------
    data : CaptureHistories
    threshold : float
        Posterior standard deviations from zero an interaction needs to stay. The estimate can hang on it.
    prior_variance : float or None
        Of interactions; None = flat, and then the existence of the estimate is checked first.
    main_variance : float
        Of the intercept and main effects.
    max_order : {2, 3}
    draws : int
    level : float
    seed : int

    Returns
    -------
    PopulationSize
        The estimate is the posterior median; ``detail`` a :class:`ThresholdReport`. The interval holds the
        retained interactions fixed.

    Raises
    ------
    EstimationError
        Impossible settings; with a flat prior, a model that cannot be estimated.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> sorted(bayes_threshold(lists, seed=1).detail.retained)
    ['P:E', 'P:Q', 'Q:E']
    """
    _check(threshold, prior_variance, main_variance, max_order, draws)
    if prior_variance is not None:  # with a flat prior the existence check says more
        require_overlap(data, "Bayesian thresholding")
    fitter = _Fitter(data, prior_variance, main_variance, draws, np.random.default_rng(seed))
    pairs = [(1 << a) | (1 << b) for a, b in combinations(range(data.n_lists), 2)]
    kept, ratios = _keep(fitter, pairs, pairs, threshold)
    if max_order == 3:
        triples = [s for s in _triples(data.n_lists) if all(s ^ (1 << j) in kept for j in members(s))]
        if triples:
            stay, more = _keep(fitter, [*kept, *triples], triples, threshold)
            kept, ratios = [*kept, *stay], {**ratios, **more}
    final, _, boundary = fitter.fit(kept)
    return _result(data, fitter, final, kept, boundary, ratios, threshold, check_level(level))


@dataclass(frozen=True, slots=True)
class _Fitter:
    """Draws from the posterior of a model given by its interactions."""

    data: CaptureHistories
    prior_variance: float | None
    main_variance: float
    size: int
    rng: np.random.Generator

    def fit(self, interactions: list[int]) -> tuple[WeightedDraws, list[int], list[int]]:
        """Draws, the terms of their columns, and the terms at minus infinity."""
        t, table = self.data.n_lists, self.data.table()
        row = model_row(interactions, t)
        cells, boundary = np.arange(1, 1 << t), []
        if self.prior_variance is None:
            require_estimable(self.data, row, where="flat prior")
            reduced = reduce_models(table, row[None, :])
            boundary = [int(s) for s in np.flatnonzero(reduced.boundary[0])]
            row, cells = reduced.finite[0], np.flatnonzero(reduced.cells[0])
        terms = [int(s) for s in np.flatnonzero(row)]
        design = ((cells[:, None] & np.array(terms)) == np.array(terms)).astype(float)
        inner = 0.0 if self.prior_variance is None else 1 / self.prior_variance
        precision = np.diag([inner if s.bit_count() > 1 else 1 / self.main_variance for s in terms])
        post = posterior_mode(design, table[cells], precision)
        return importance_draws(post, self.size, self.rng), terms, boundary


def _keep(
    fitter: _Fitter, interactions: list[int], tested: list[int], threshold: float
) -> tuple[list[int], dict[str, float]]:
    """Tested interactions that stand out; a term at minus infinity carries no ratio and stays."""
    found, terms, boundary = fitter.fit(interactions)
    mean = found.weight @ found.beta
    sd = np.sqrt(found.weight @ (found.beta - mean) ** 2)
    ratio = {s: float(abs(mean[i]) / sd[i]) for i, s in enumerate(terms) if s in tested}
    kept = [s for s in tested if s in boundary or ratio.get(s, 0.0) >= threshold]
    return kept, {term_name(s, fitter.data.lists): r for s, r in ratio.items()}


def _triples(t: int) -> list[int]:
    return [sum(1 << j for j in c) for c in combinations(range(t), 3)]


def _result(
    data: CaptureHistories,
    fitter: _Fitter,
    final: WeightedDraws,
    kept: list[int],
    boundary: list[int],
    ratios: dict[str, float],
    threshold: float,
    level: float,
) -> PopulationSize:
    population = data.n_observed + np.exp(np.minimum(final.beta[:, 0], 300.0))
    order = sort_masks(kept)
    report = ThresholdReport(
        ratios=ratios,
        retained=tuple(term_name(s, data.lists) for s in order if s not in boundary),
        boundary=tuple(term_name(s, data.lists) for s in boundary),
        draws=population,
        weight=final.weight,
        ess=final.ess,
    )
    mean = float(final.weight @ population)
    close = sorted(k for k, r in ratios.items() if abs(r - threshold) < 0.25)
    notes = ["the interval holds the retained interactions fixed and is too short"]
    if close:
        notes.append(f"close to the threshold of {threshold:g}: {', '.join(close)}; vary it")
    if final.ess < _LEAST_ESS:
        notes.append(f"only {final.ess:,.0f} effective draws of {fitter.size:,}: ask for more")
    return PopulationSize(
        method=f"Bayesian thresholding at {threshold:g} sd",
        model=model_label([0, *(1 << j for j in range(data.n_lists)), *kept], data.lists),
        estimate=report.quantile(0.5),
        se=float(np.sqrt(final.weight @ (population - mean) ** 2)),
        ci_low=report.quantile(0.5 - level / 2),
        ci_high=report.quantile(0.5 + level / 2),
        level=level,
        ci_method="posterior quantiles",
        n=data.n_observed,
        lists=data.lists,
        boundary_terms=report.boundary,
        diagnostics={"posterior_mean": mean, "ess": final.ess},
        detail=report,
        assumptions=ASSUMPTIONS,
        notes=(*data.notes, *notes),
    )


def _check(
    threshold: float, prior_variance: float | None, main_variance: float, max_order: int, draws: int
) -> None:
    wrong = [
        (name, value)
        for name, value, good in (
            ("threshold", threshold, threshold >= 0),
            ("prior_variance", prior_variance, prior_variance is None or prior_variance > 0),
            ("main_variance", main_variance, main_variance > 0),
            ("max_order", max_order, max_order in (2, 3)),
            ("draws", draws, draws >= 100),
        )
        if not good
    ]
    if wrong:
        raise EstimationError(
            "this setting is impossible",
            where=wrong[0][0],
            found=str(wrong[0][1]),
            expected="threshold 0 or more; variances above 0; max_order 2 or 3; 100 draws or more",
            code="unknown-option",
        )
