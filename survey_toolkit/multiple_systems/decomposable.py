"""Bayesian averaging over decomposable graphs.

Madigan & York (1997) Biometrika 84:19-31; Johndrow, Lum & Ball (package dga). Each graph has a
hyper-Dirichlet prior; with ``m`` unseen people in the all-zero cell its marginal likelihood is a product of
Dirichlet normalising constants over cliques divided by those over separators, in closed form. The posterior
is summed over all graphs and a grid of ``m``: no chain, no convergence to doubt, but a prior to look at. The
pseudo count ``delta`` of a cell decides much; :func:`delta_sweep` shows how much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._display import format_number, text_table
from survey_toolkit.multiple_systems._graphs import DecomposableGraphs, decomposable_graphs
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level
from survey_toolkit.multiple_systems.poisson import subset_sums
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.verdict import require_overlap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GraphPosterior", "WeightedGraph", "decomposable_average", "delta_sweep"]

FloatArray = NDArray[np.float64]
Prior = Callable[[FloatArray], FloatArray]

_END_MASS = 1e-3
_GRID_POINTS, _FEWER_POINTS = 2001, 501
_MANY_GRAPHS = 100_000
_PIECE = 2048
_ASSUMPTIONS = (
    "The population did not change while the lists were made; everybody could have been on any list; people "
    "on several lists were recognised as one; and the dependence between lists follows a decomposable graph "
    "with the stated prior. With sparse tables the prior on cells (delta) and on the population size can "
    "outweigh the data: read the sweep over delta before the number."
)


@dataclass(frozen=True, slots=True)
class WeightedGraph:
    """One graph: its cliques, posterior probability and the mean population size under it."""

    cliques: tuple[tuple[str, ...], ...]
    probability: float
    conditional_mean: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GraphPosterior:
    """Posterior of the population size, averaged over graphs.

    Attributes
    ----------
    population, probability : arrays (k,)
        The grid of population sizes and the posterior on it. The grid is part of the prior.
    n_graphs : int
    graphs : tuple of WeightedGraph
        The most probable.
    delta : float
        Pseudo count of each cell.
    """

    population: FloatArray
    probability: FloatArray
    n_graphs: int
    graphs: tuple[WeightedGraph, ...]
    delta: float

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.population @ self.probability)

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(np.sqrt(np.maximum((self.population - self.mean) ** 2 @ self.probability, 0.0)))

    @property
    def mode(self) -> float:
        """Most probable population size on the grid."""
        return float(self.population[np.argmax(self.probability)])

    @property
    def probability_at_end(self) -> float:
        """Posterior probability of the last ten points of the grid: should be next to nothing."""
        return float(self.probability[-10:].sum())

    def quantile(self, probability: float) -> float:
        """Smallest grid point whose cumulative probability reaches ``probability``."""
        at = int(np.searchsorted(np.cumsum(self.probability), probability - 1e-12))
        return float(self.population[min(at, len(self.population) - 1)])

    def __repr__(self) -> str:
        rows = [
            [
                " ".join(":".join(c) for c in g.cliques),
                f"{g.probability:.3f}",
                format_number(g.conditional_mean),
            ]
            for g in self.graphs[:8]
        ]
        head = (
            f"GraphPosterior over {self.n_graphs:,} graphs, delta {self.delta:g}: mean "
            f"{format_number(self.mean)}, mode {format_number(self.mode)}, probability at the end of the "
            f"grid {self.probability_at_end:.1e}"
        )
        return head + "\n" + text_table(["cliques", "probability", "mean"], rows)


def decomposable_average(
    data: CaptureHistories,
    *,
    delta: float | None = None,
    unseen: Sequence[float] | FloatArray | None = None,
    log_prior: Prior | None = None,
    level: float = 0.95,
    n_graphs: int = 10,
) -> PopulationSize:
    """Population size averaged over all decomposable graphs (two to seven lists).

    Parameters
    ----------
    data : CaptureHistories
    delta : float, optional
        Dirichlet pseudo count of each of the ``2^t`` cells; default ``2^-t``. It matters: see
        :func:`delta_sweep`.
    unseen : array, optional
        Grid of the number unseen, whole and ascending; default evenly spaced up to where the posterior ends:
        2,001 points, for the 617,675 graphs of seven lists 501.
    log_prior : callable, optional
        Log prior of the population size, up to a constant, given an array of sizes; default ``-log N``.
    level : float
    n_graphs : int
        How many graphs to name.

    Returns
    -------
    PopulationSize
        The estimate is the posterior median; ``detail`` is a :class:`GraphPosterior`.

    Raises
    ------
    EstimationError
        For more than seven lists, a bad grid or a delta of 0 or less.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> decomposable_average(lists, unseen=range(4001)).estimate
    291.0
    """
    require_overlap(data, "decomposable graphs")
    graphs = decomposable_graphs(data.n_lists)
    size = 2.0**-data.n_lists if delta is None else delta
    if not (np.isfinite(size) and size > 0):
        raise EstimationError("delta is a pseudo count above 0", where="delta", found=f"{size:g}")
    prior: Prior = (lambda n: -np.log(n)) if log_prior is None else log_prior
    tail = 0.5 - check_level(level) / 2
    if unseen is None:
        posterior = _widen(data, graphs, size, prior, n_graphs)
    else:
        posterior = _posterior(data, graphs, _grid(unseen), size, prior, n_graphs)
    return PopulationSize(
        method=f"decomposable graphs averaged (delta {size:g})",
        model=f"{posterior.n_graphs:,} graphs",
        estimate=posterior.quantile(0.5),
        se=posterior.sd,
        ci_low=posterior.quantile(tail),
        ci_high=posterior.quantile(1 - tail),
        level=level,
        ci_method="posterior quantiles",
        n=data.n_observed,
        lists=data.lists,
        diagnostics={
            "posterior_mean": posterior.mean,
            "posterior_mode": posterior.mode,
            "probability_at_grid_end": posterior.probability_at_end,
            "delta": size,
        },
        detail=posterior,
        assumptions=_ASSUMPTIONS,
        notes=(*data.notes, *_notes(posterior, data, size)),
    )


def delta_sweep(
    data: CaptureHistories, deltas: Sequence[float] | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Estimate under several values of delta; one row each.

    Parameters
    ----------
    data : CaptureHistories
    deltas : sequence of float, optional
        Default ``2^-t`` halved and doubled, 0.1, 0.5 and 1.
    level : float

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> delta_sweep(lists, [0.125, 1.0])["delta"].tolist()
    [0.125, 1.0]
    """
    import pandas as pd

    usual = 2.0**-data.n_lists
    values = sorted({usual / 2, usual, 2 * usual, 0.1, 0.5, 1.0}) if deltas is None else list(deltas)
    fits = [(d, decomposable_average(data, delta=d, level=level, n_graphs=1)) for d in values]
    return pd.DataFrame(
        [
            {
                "delta": d,
                **{k: getattr(f, k) for k in ("estimate", "se", "ci_low", "ci_high")},
                "top_graph": " ".join(":".join(c) for c in f.detail.graphs[0].cliques),
                "top_probability": f.detail.graphs[0].probability,
                "probability_at_grid_end": f.detail.probability_at_end,
            }
            for d, f in fits
        ]
    )


def _widen(
    data: CaptureHistories, graphs: DecomposableGraphs, delta: float, prior: Prior, n_graphs: int
) -> GraphPosterior:
    """A grid long enough to hold the posterior and fine enough to describe it."""
    reach = 10.0 * data.n_observed
    points = _GRID_POINTS if len(graphs.signs) < _MANY_GRAPHS else _FEWER_POINTS
    for _ in range(12):
        step = max(1.0, np.ceil(reach / (points - 1)))
        posterior = _posterior(data, graphs, np.arange(0.0, reach + step, step), delta, prior, n_graphs)
        beyond = posterior.probability[-len(posterior.probability) // 10 :].sum()
        if beyond > 1e-4:
            reach *= 4
        elif step > 1 and posterior.quantile(0.9999) - data.n_observed < reach / 5:
            reach = max((posterior.quantile(0.9999) - data.n_observed) * 2.5, 10.0 * step)
        else:
            break
    return posterior


def _posterior(
    data: CaptureHistories,
    graphs: DecomposableGraphs,
    unseen: FloatArray,
    delta: float,
    prior: Prior,
    n_named: int,
) -> GraphPosterior:
    """Posterior over graphs and grid."""
    from scipy.special import gammaln

    n = data.n_observed
    scores = _set_scores(data, unseen, delta)
    ways = gammaln(n + unseen + 1) - gammaln(unseen + 1)
    common = ways + np.asarray(prior(n + unseen), dtype=float)
    if common.shape != unseen.shape or np.isnan(common).any():
        raise EstimationError("the log prior gives one number a population size", where="log_prior")
    peak = -np.inf
    total = np.zeros(len(unseen))
    weight: list[FloatArray] = []
    moment: list[FloatArray] = []
    for i in range(0, len(graphs.signs), _PIECE):
        log_post = graphs.signs[i : i + _PIECE].astype(float) @ scores + common
        top = float(log_post.max())
        if top > peak:
            shrink = np.exp(peak - top) if np.isfinite(peak) else 0.0
            total *= shrink
            weight, moment = [w * shrink for w in weight], [w * shrink for w in moment]
            peak = top
        post = np.exp(log_post - peak)
        total += post.sum(axis=0)
        weight.append(post.sum(axis=1))
        moment.append(post @ (n + unseen))
    weights, moments = np.concatenate(weight), np.concatenate(moment)
    best = np.argsort(-weights, kind="stable")[:n_named]
    return GraphPosterior(
        population=n + unseen,
        probability=total / total.sum(),
        n_graphs=len(weights),
        graphs=tuple(
            WeightedGraph(
                tuple(tuple(data.lists[j] for j in c) for c in graphs.cliques(int(g))),
                float(weights[g] / weights.sum()),
                float(moments[g] / weights[g]) if weights[g] > 0 else float("nan"),
            )
            for g in best
        ),
        delta=delta,
    )


def _set_scores(data: CaptureHistories, unseen: FloatArray, delta: float) -> FloatArray:
    """Log marginal likelihood of every set of lists less its part common to all sets, shape (2^t, k)."""
    from scipy.special import gammaln

    t = data.n_lists
    table = data.table()
    masks = np.arange(1 << t)
    out = np.zeros((1 << t, len(unseen)))
    absent = subset_sums(table)[(1 << t) - 1 - masks]  # people on no list of the set
    for s in masks[1:]:
        cell = delta * 2.0 ** (t - int(s).bit_count())
        counts = np.bincount(masks & s, weights=table, minlength=1 << t)
        counts[0] = 0.0
        fixed = (gammaln(counts[counts > 0] + cell) - gammaln(cell)).sum()
        out[s] = fixed + gammaln(absent[s] + unseen + cell) - gammaln(cell)
    # The same constant is left out of every set; a graph adds as many sets as it takes away. The empty set
    # has one cell with everybody in it and marginal 1: here minus that constant.
    total = delta * 2.0**t
    out[0] = gammaln(table.sum() + unseen + total) - gammaln(total)
    return out


def _grid(unseen: Sequence[float] | FloatArray) -> FloatArray:
    grid = np.asarray(unseen, dtype=float)
    good = grid.ndim == 1 and len(grid) > 1 and bool(np.isfinite(grid).all())
    if not good or grid[0] < 0 or (np.diff(grid) <= 0).any():
        raise EstimationError(
            "the grid of the number unseen is ascending, finite and 0 or more",
            where="unseen",
            hint="range(0, 40001, 20), or leave it out",
        )
    return grid


def _notes(posterior: GraphPosterior, data: CaptureHistories, delta: float) -> tuple[str, ...]:
    notes = ["the estimate depends on delta: see delta_sweep()"]
    if posterior.probability_at_end > _END_MASS:
        notes.append(
            f"the posterior still has probability {posterior.probability_at_end:.2g} at the end of the grid: "
            "the upper limit is the grid's, not the data's"
        )
    if posterior.quantile(0.025) <= data.n_observed:
        notes.append("the lower limit is the number observed: perhaps nobody is unseen")
    top = posterior.graphs[0] if posterior.graphs else None
    if top and top.probability > 0.99 and len(top.cliques) == 1:
        notes.append(f"the saturated graph takes all the weight: with delta {delta:g} the prior decides")
    return tuple(notes)
