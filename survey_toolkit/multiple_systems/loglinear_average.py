"""Bayesian averaging over hierarchical log-linear models.

King & Brooks (2001) Biometrika 88:317-336 and Overstall & King (2014) Journal of Statistical Software 58(7)
explore the models by reversible jump. The models with all main effects and any pairwise interactions are few
enough to be enumerated: the evidence of each comes from Laplace's method, and by importance sampling for all
that matter. The result is the same posterior without a chain: no start, no burn-in, no question of mixing.

Sum-to-zero coding; flat prior on the intercept; the other coefficients N(0, s (X'X)^-1), with ``s`` the
number of cells (unit information), or ``s`` inverse gamma (Sabanes Bove & Held 2011), integrated over a grid.
The unseen cells are Poisson given their means.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._posterior import (
    GaussianPosterior,
    importance_draws,
    posterior_mode,
    weighted_quantiles,
)
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level
from survey_toolkit.multiple_systems.loglinear import ASSUMPTIONS
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.strata import StratifiedHistories
from survey_toolkit.multiple_systems.verdict import require_overlap

__all__ = ["ModelPosterior", "loglinear_average"]

FloatArray = NDArray[np.float64]
CoefficientPrior = Literal["unit_information", "sabanes_bove_held"]

MAX_AVERAGED = 2048
_GRID = np.linspace(np.log(0.05), np.log(5000.0), 31)
_GAMMA = 1e-3
_MATTERS = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelPosterior:
    """Posterior over models and population size.

    Attributes
    ----------
    inclusion : mapping interaction -> posterior probability
    models : mapping model -> posterior probability, the ten most probable
    n_models : int
    draws, weight : arrays
        Population sizes and their weights.
    least_ess : float
        Smallest effective number of draws of a model that matters.
    """

    inclusion: dict[str, float]
    models: dict[str, float]
    n_models: int
    draws: FloatArray
    weight: FloatArray
    least_ess: float

    def quantile(self, probability: float) -> float:
        """Posterior quantile of the population size."""
        return float(weighted_quantiles(self.draws, self.weight, np.array([probability]))[0])


@dataclass(frozen=True, slots=True)
class _Table:
    """Full table coded sum to zero: one block of columns a factor or pair of factors."""

    counts: FloatArray
    seen: NDArray[np.bool_]
    factors: dict[str, FloatArray]

    def design(self, pairs: tuple[tuple[str, str], ...]) -> FloatArray:
        blocks = [np.ones((len(self.counts), 1)), *self.factors.values()]
        for a, b in pairs:
            x, y = self.factors[a], self.factors[b]
            blocks.append((x[:, :, None] * y[:, None, :]).reshape(len(x), -1))
        return np.concatenate(blocks, axis=1)


def loglinear_average(
    data: CaptureHistories | StratifiedHistories,
    *,
    prior: CoefficientPrior = "unit_information",
    draws: int = 4000,
    level: float = 0.95,
    seed: int = 0,
) -> PopulationSize:
    """Population size averaged over all models with main effects and any pairwise interactions.

    Parameters
    ----------
    data : CaptureHistories or StratifiedHistories
        Covariates are factors like the lists: their interactions are averaged over as well. Every list has
        to operate in every stratum, and every covariate to be known.
    prior : {"unit_information", "sabanes_bove_held"}
    draws : int
        For each model that matters.
    level : float
    seed : int

    Returns
    -------
    PopulationSize
        The estimate is the posterior median; ``detail`` a :class:`ModelPosterior`.

    Raises
    ------
    EstimationError
        Too many models; incomplete strata.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> loglinear_average(lists, seed=1).detail.n_models
    8
    """
    if prior not in ("unit_information", "sabanes_bove_held"):
        raise EstimationError(
            "there is no such prior",
            where="prior",
            found=repr(prior),
            expected="'unit_information' or 'sabanes_bove_held'",
            code="unknown-option",
        )
    if draws < 100:
        raise EstimationError("too few draws", where="draws", found=str(draws), expected="100 or more")
    check_level(level)
    table = _full_table(data)
    pairs = list(combinations(table.factors, 2))
    if 1 << len(pairs) > MAX_AVERAGED:
        raise EstimationError(
            "there are too many models to average",
            found=f"{1 << len(pairs):,} models on {len(table.factors)} factors",
            expected=f"at most {MAX_AVERAGED:,}",
            hint="merge lists, or average over decomposable graphs",
            code="too-many-models",
        )
    report = _average(table, pairs, prior, draws, np.random.default_rng(seed))
    return _result(report, table, data, prior, level)


def _full_table(data: CaptureHistories | StratifiedHistories) -> _Table:
    """Cells of every stratum; the unseen cell of each is missing."""
    t = len(data.lists)
    names: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    if isinstance(data, CaptureHistories):
        require_overlap(data, "log-linear averaging")
        counts = data.table()
    else:
        if not data.complete or (data.histories < 0).any():
            raise EstimationError(
                "averaging over log-linear models needs complete strata",
                found="a covariate not known for everybody, or a list that did not operate everywhere",
                hint="use loglinear_covariates(), or collapse the strata",
                code="absent-list",
            )
        names, sizes = data.by, tuple(len(v) for v in data.levels)
        stratum = np.ravel_multi_index(tuple(data.codes.T), sizes)
        cell = stratum * (1 << t) + data.histories @ (1 << np.arange(t))
        counts = np.zeros(int(np.prod(sizes)) << t)
        np.add.at(counts, cell, data.counts)
    cells = np.arange(len(counts)) % (1 << t)
    factors = {each: np.where(cells >> j & 1, 1.0, -1.0)[:, None] for j, each in enumerate(data.lists)}
    for i, (name, size) in enumerate(zip(names, sizes, strict=True)):
        if size > 1:
            level = np.unravel_index(np.arange(len(counts)) >> t, sizes)[i]
            factors[name] = np.vstack([np.eye(size - 1), -np.ones((1, size - 1))])[level]
    return _Table(np.asarray(counts, dtype=float), cells > 0, factors)


def _average(
    table: _Table, pairs: list[tuple[str, str]], prior: str, draws: int, rng: np.random.Generator
) -> ModelPosterior:
    """Evidence of every model (and prior scale), draws from those that matter."""
    cells = float(len(table.counts))
    models = [tuple(p for i, p in enumerate(pairs) if code >> i & 1) for code in range(1 << len(pairs))]
    if prior == "unit_information":
        scales = [(cells, 0.0)]
    else:
        half = _GAMMA / 2
        density = -half * _GRID - half * np.exp(-_GRID)  # inverse gamma in the log scale
        scales = [(float(np.exp(g)), float(d)) for g, d in zip(_GRID, density, strict=True)]
    parts = [(m, *_fit(table, m, s), d) for m in models for s, d in scales]
    rough = np.array([post.log_evidence + d for _, post, _, d in parts])
    matters = np.flatnonzero(np.exp(rough - rough.max()) > _MATTERS * np.exp(rough - rough.max()).max())
    exact, found, least = rough.copy(), {}, np.inf
    for i in matters:
        _, post, unseen, extra = parts[i]
        drawn = importance_draws(post, draws, rng)
        exact[i] = drawn.log_evidence + extra
        mean = np.exp(np.minimum(drawn.beta @ unseen.T, 30.0)).sum(axis=1)
        found[i] = (table.counts.sum() + rng.poisson(mean), drawn.weight)
        least = min(least, drawn.ess)
    share = np.exp(exact - exact.max())
    share /= share.sum()
    by_model: dict[tuple[tuple[str, str], ...], float] = {}
    for (m, *_), s in zip(parts, share, strict=True):
        by_model[m] = by_model.get(m, 0.0) + float(s)
    best = sorted(by_model, key=lambda m: -by_model[m])[:10]
    return ModelPosterior(
        inclusion={f"{a}:{b}": sum(s for m, s in by_model.items() if (a, b) in m) for a, b in pairs},
        models={"[" + ", ".join(f"{a}:{b}" for a, b in m) + "]": by_model[m] for m in best},
        n_models=len(models),
        draws=np.concatenate([found[i][0] for i in matters]).astype(float),
        weight=_normalised(np.concatenate([found[i][1] * share[i] for i in matters])),
        least_ess=float(least),
    )


def _normalised(weight: FloatArray) -> FloatArray:
    out: FloatArray = weight / weight.sum()
    return out


def _fit(
    table: _Table, pairs: tuple[tuple[str, str], ...], scale: float
) -> tuple[GaussianPosterior, FloatArray]:
    """Posterior of one model on the cells seen, and its design on the unseen ones."""
    design = table.design(pairs)
    inner = design[:, 1:].T @ design[:, 1:] / scale
    precision = np.zeros((design.shape[1], design.shape[1]))
    precision[1:, 1:] = inner
    post = posterior_mode(design[table.seen], table.counts[table.seen], precision)
    return post, design[~table.seen]


def _result(
    report: ModelPosterior,
    table: _Table,
    data: CaptureHistories | StratifiedHistories,
    prior: str,
    level: float,
) -> PopulationSize:
    mean = float(report.weight @ report.draws)
    top, share = next(iter(report.models.items()))
    notes = [f"{report.n_models:,} models averaged; the most probable has {share:.0%}"]
    if report.least_ess < 200:
        notes.append(f"some model has only {report.least_ess:,.0f} effective draws: ask for more")
    return PopulationSize(
        method=f"log-linear models averaged ({prior.replace('_', ' ')} prior)",
        model=top,
        estimate=report.quantile(0.5),
        se=float(np.sqrt(report.weight @ (report.draws - mean) ** 2)),
        ci_low=report.quantile(0.5 - level / 2),
        ci_high=report.quantile(0.5 + level / 2),
        level=level,
        ci_method="posterior quantiles",
        n=int(table.counts.sum()),
        lists=data.lists,
        diagnostics={"posterior_mean": mean, "least_ess": report.least_ess},
        detail=report,
        assumptions=ASSUMPTIONS,
        notes=tuple(notes),
    )
