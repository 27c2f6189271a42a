r"""Adaptive cluster sampling: a case found sends the team to the neighbours, and the estimators that undo it.

An initial simple random sample of :math:`n_1` of :math:`N` units is drawn. Where a unit satisfies the
condition (for instance, one case or more) its neighbours are added, and theirs, until no new unit satisfies
it. Units that satisfy and touch each other are one *network*; a unit that does not satisfy is a network of
its own, and enters an estimate only if it was in the initial sample.

References
----------
Thompson (1990), *JASA* 85:1050-1059, equations for the modified Hansen-Hurwitz and Horvitz-Thompson
estimators.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import whole

__all__ = [
    "AdaptiveEnumeration",
    "AdaptiveEstimate",
    "AdaptiveSample",
    "adaptive_estimate",
    "adaptive_sample",
    "enumerate_adaptive",
    "grid_neighbours",
    "networks",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptiveSample:
    """Units of a completed adaptive sample.

    Attributes
    ----------
    initial, final, edges : int arrays
        Rows of the initial sample, of all units visited, and of those visited that do not satisfy and were
        not in the initial sample.
    network : int array (N,)
        Network of every unit.
    """

    initial: Ints
    final: Ints
    edges: Ints
    network: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptiveEstimate:
    """Totals of an adaptive cluster sample by three estimators, with standard errors.

    Attributes
    ----------
    total_hh, se_hh : float
        Modified Hansen-Hurwitz: mean of network means, counted as often as drawn.
    total_ht, se_ht : float
        Modified Horvitz-Thompson: distinct networks over the probability of meeting them. ``se_ht`` is NaN
        where its unbiased variance estimate is negative.
    total_initial : float
        Expansion of the initial sample alone, for comparison.
    n_initial, n_final, n_networks : int
        Initial units, all units visited (0 if not known), distinct networks met.
    """

    total_hh: float
    se_hh: float
    total_ht: float
    se_ht: float
    total_initial: float
    n_initial: int
    n_final: int
    n_networks: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdaptiveEnumeration:
    """Every possible initial sample of a small population: what the estimators do on average.

    Attributes
    ----------
    samples : int array (S, n)
        Rows of each initial sample.
    hh, ht : float arrays (S,)
        Estimated mean per unit.
    initial : float array (S,)
        Mean of the initial sample.
    final_size : int array (S,)
        Units visited.
    """

    samples: Ints
    hh: Floats
    ht: Floats
    initial: Floats
    final_size: Ints


def grid_neighbours(row: ArrayLike, column: ArrayLike) -> Ints:
    """Pairs of units that share a side on a grid, shape (K, 2).

    Examples
    --------
    >>> grid_neighbours([1, 1, 2], [1, 2, 2]).tolist()
    [[0, 1], [1, 2]]
    """
    places: dict[tuple[Any, Any], int] = {}
    for i, key in enumerate(zip(np.asarray(row).tolist(), np.asarray(column).tolist(), strict=True)):
        if key in places:
            raise DesignError("two units stand in one place of the grid", found=f"rows {places[key]} and {i}")
        places[key] = i
    pairs = [
        (i, places[near])
        for (r, c), i in places.items()
        for near in ((r, c + 1), (r + 1, c))
        if near in places
    ]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def networks(satisfies: ArrayLike, neighbours: ArrayLike) -> Ints:
    """Network of every unit: linked units that all satisfy the condition; every other unit alone.

    Parameters
    ----------
    satisfies : bool array (N,)
    neighbours : int array (K, 2)
        Pairs of neighbouring rows.

    Returns
    -------
    int array (N,)

    Examples
    --------
    >>> networks([False, True, True, False], [(0, 1), (1, 2), (2, 3)]).tolist()
    [0, 1, 1, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ok, pairs = np.asarray(satisfies, dtype=bool), np.asarray(neighbours, dtype=np.int64).reshape(-1, 2)
    linked = pairs[ok[pairs].all(axis=1)]
    graph = coo_array((np.ones(len(linked)), (linked[:, 0], linked[:, 1])), shape=(ok.size, ok.size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def adaptive_sample(satisfies: ArrayLike, neighbours: ArrayLike, initial: ArrayLike) -> AdaptiveSample:
    """Follow an initial sample to its end: whole networks, and the edge units around them.

    Parameters
    ----------
    satisfies : bool array (N,)
    neighbours : int array (K, 2)
    initial : bool array (N,)

    Returns
    -------
    AdaptiveSample

    Examples
    --------
    >>> found = adaptive_sample([0, 1, 1, 0, 0], [(0, 1), (1, 2), (2, 3), (3, 4)], [0, 1, 0, 0, 0])
    >>> found.final.tolist(), found.edges.tolist()
    ([0, 1, 2, 3], [0, 3])
    """
    ok, start = np.asarray(satisfies, dtype=bool), np.asarray(initial, dtype=bool)
    if ok.shape != start.shape or not start.any():
        raise DesignError("the initial sample must mark at least one of the units", where="initial")
    pairs = np.asarray(neighbours, dtype=np.int64).reshape(-1, 2)
    network = networks(ok, pairs)
    met = np.isin(network, network[start]) & (ok | start)
    edge = np.zeros(ok.size, dtype=bool)
    for a, b in ((0, 1), (1, 0)):
        touched = pairs[(met & ok)[pairs[:, a]], b]
        edge[touched] = True
    edge &= ~met
    return AdaptiveSample(
        initial=np.flatnonzero(start),
        final=np.flatnonzero(met | edge),
        edges=np.flatnonzero(edge),
        network=network,
    )


def adaptive_estimate(
    y: ArrayLike, network: ArrayLike, initial: ArrayLike, *, population: int, n_final: int = 0
) -> AdaptiveEstimate:
    r"""Estimate the population total from an adaptive cluster sample.

    Parameters
    ----------
    y : float array (M,)
        Cases in every unit of the networks that were met (further units may be there; they do not count).
    network : array (M,)
        Network of every unit.
    initial : bool array (M,)
        The initial simple random sample without replacement.
    population : int
        Units N in the frame.
    n_final : int
        Units visited in all, to be carried into the result.

    Returns
    -------
    AdaptiveEstimate

    Raises
    ------
    DesignError
        If counts are missing or negative, or the population is smaller than the sample.

    Notes
    -----
    With :math:`w_i` the mean of the network of unit i and :math:`x_k, y_k` size and total of network k,

    .. math:: \hat\tau_{HH} = N \bar w, \quad v = N(N-n_1) s_w^2/n_1; \qquad
              \hat\tau_{HT} = \sum_k y_k/\alpha_k, \quad \alpha_k = 1 -
              \binom{N-x_k}{n_1}/\binom{N}{n_1}.

    Examples
    --------
    >>> est = adaptive_estimate([1, 0, 2, 10, 1000], [1, 2, 3, 4, 4], [1, 0, 0, 1, 0], population=5)
    >>> round(est.total_hh / 5, 6), round(est.total_ht / 5, 6)
    (253.0, 289.071429)
    """
    values, start = _checked(y, initial)
    n, big = int(start.sum()), whole(population, "population", least=values.size)
    _, codes = np.unique(np.asarray(network), return_inverse=True)
    size = np.bincount(codes)
    total = np.asarray(np.bincount(codes, weights=values), dtype=np.float64)
    means = (total / size)[codes[start]]
    spread = float(means.var(ddof=1)) if n > 1 else np.nan
    met = np.unique(codes[start])
    ht, variance = _horvitz_thompson(total[met], size[met], big, n)
    return AdaptiveEstimate(
        total_hh=float(big * means.mean()),
        se_hh=float(np.sqrt(big * (big - n) / n * spread)),
        total_ht=ht,
        se_ht=float(np.sqrt(variance)) if variance >= 0 else float("nan"),
        total_initial=float(big * values[start].mean()),
        n_initial=n,
        n_final=n_final,
        n_networks=met.size,
    )


def enumerate_adaptive(
    y: ArrayLike, network: ArrayLike, n: int, *, neighbours: ArrayLike = ()
) -> AdaptiveEnumeration:
    """Go through every initial sample of n units of a small population (at most 200,000 samples).

    Edge units are those beside a network of two or more.

    Examples
    --------
    >>> every = enumerate_adaptive([1, 0, 2, 10, 1000], [1, 2, 3, 4, 4], 2)
    >>> round(float(every.hh.mean()), 6), round(float(every.hh.var()), 2), round(float(every.ht.var()), 4)
    (202.6, 22861.59, 17418.4114)
    """
    from math import comb

    values = np.asarray(y, dtype=np.float64)
    if comb(values.size, whole(n, "n")) > 200_000:
        raise DesignError("too many samples to go through", found=f"{comb(values.size, n):,}")
    codes = np.unique(np.asarray(network), return_inverse=True)[1]
    grown = np.bincount(codes)[codes] > 1
    pairs = np.asarray(neighbours, dtype=np.int64).reshape(-1, 2)
    samples = np.array(list(combinations(range(values.size), n)), dtype=np.int64)
    results, sizes = [], []
    for rows in samples:
        start = np.zeros(values.size, dtype=bool)
        start[rows] = True
        results.append(adaptive_estimate(values, codes, start, population=values.size))
        met = np.isin(codes, codes[rows])
        around = np.concatenate([pairs[(met & grown)[pairs[:, a]], 1 - a] for a in (0, 1)])
        sizes.append(len(set(np.flatnonzero(met).tolist()) | set(around.tolist())))
    return AdaptiveEnumeration(
        samples=samples,
        hh=np.array([r.total_hh for r in results]) / values.size,
        ht=np.array([r.total_ht for r in results]) / values.size,
        initial=np.array([r.total_initial for r in results]) / values.size,
        final_size=np.array(sizes, dtype=np.int64),
    )


def _checked(y: ArrayLike, initial: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values: Any = np.asarray(y, dtype=np.float64)
    start = np.asarray(initial, dtype=bool)
    bad = int((~np.isfinite(values) | (values < 0)).sum())
    if bad:
        raise DesignError("counts are missing or negative", where="y", found=f"{bad} units")
    if start.shape != values.shape or not start.any():
        raise DesignError("the initial sample must mark at least one of the units", where="initial")
    return values, start


def _horvitz_thompson(total: Floats, size: Ints, big: int, n: int) -> tuple[float, float]:
    """Total and its unbiased variance estimate from distinct networks."""

    def none(x: NDArray[Any]) -> Floats:
        """Probability that none of x units is among n of N."""
        from scipy.special import gammaln

        left = np.maximum(big - x, 0).astype(np.float64)
        logs = gammaln(left + 1) - gammaln(np.maximum(left - n, 0) + 1)
        logs = logs - (gammaln(big + 1) - gammaln(big - n + 1))
        return np.where(left >= n, np.exp(logs), 0.0)

    alpha = 1 - none(size)
    together = 1 - (none(size)[:, None] + none(size)[None, :] - none(size[:, None] + size[None, :]))
    np.fill_diagonal(together, alpha)
    ratio = total / alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = np.where(together > 0, 1 - np.outer(alpha, alpha) / together, 0.0)
    return float(ratio.sum()), float(ratio @ delta @ ratio)
