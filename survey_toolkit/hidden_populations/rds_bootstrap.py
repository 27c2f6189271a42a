"""Bootstrap variances for respondent-driven samples.

``salganik``
    A chain: the next person is drawn uniformly from all who were recruited by somebody of the current
    person's group (Salganik 2006). Groups are codes by sorted level throughout.
``tree``
    Seeds are drawn with replacement, then the recruits of every person drawn (Baraff, McCormick and Raftery
    2016). The size of a replicate varies. Conservative.
``gile``
    A population of the given size is built from the successive-sampling weights; recruitment with the
    observed forest and mixing is simulated in it, without replacement (Gile 2011, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats, Ints
from survey_toolkit.hidden_populations.rds import (
    proportions,
    transition_counts,
)
from survey_toolkit.hidden_populations.successive_sampling import successive_sampling_weights

if TYPE_CHECKING:
    from survey_toolkit.hidden_populations.recruitment import Recruitment

__all__ = ["RdsBootstrap", "rds_bootstrap"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RdsBootstrap:
    """Replicates of an estimate.

    Attributes
    ----------
    kind, estimator : str
    levels : tuple of str
    values : float array (R, k)
        Estimate of each level in each replicate.
    sizes : int array (R,)
        People in each replicate.
    seed : int
    notes : tuple of str
    """

    kind: str
    estimator: str
    levels: tuple[str, ...]
    values: Floats
    sizes: Ints
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def vcov(self) -> Floats:
        """Covariance over replicates, (k, k)."""
        return np.atleast_2d(np.cov(self.values, rowvar=False))

    @property
    def se(self) -> Floats:
        """Standard deviation over replicates, (k,)."""
        return np.asarray(self.values.std(axis=0, ddof=1))

    @property
    def mean(self) -> Floats:
        """Mean of the replicates, (k,)."""
        return np.asarray(self.values.mean(axis=0))

    def percentile_interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Quantiles of the replicates, (k,) each."""
        low, high = np.quantile(self.values, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draws:
    """People of all replicates in one list, and the recruitments between them."""

    row: Ints
    replicate: Ints
    origin: Ints  # groups of recruitments
    target: Ints
    pair_replicate: Ints


def rds_bootstrap(
    sample: Recruitment,
    outcome: str,
    *,
    kind: str = "salganik",
    estimator: str = "rds_ii",
    population_size: float | None = None,
    replicates: int = 1000,
    seed: int = 1,
) -> RdsBootstrap:
    """Replicates of an estimate of proportions.

    Parameters
    ----------
    sample : Recruitment
    outcome : str
    kind : {"salganik", "tree", "gile"}
    estimator : {"rds_ii", "rds_i", "gile_ss", "hcg"}
        ``hcg`` takes its replicates from RDS-I, which it resembles.
    population_size : float, optional
        For ``gile`` and for ``gile_ss``.
    replicates, seed : int

    Returns
    -------
    RdsBootstrap

    Raises
    ------
    EstimationError
        For an unknown kind, fewer than 2 replicates, or nobody recruited.
    """
    if replicates < 2:
        raise EstimationError("a bootstrap needs replicates", where="replicates", found=str(replicates))
    if not (sample.parent >= 0).any():
        raise EstimationError("nobody was recruited: there is no chain to resample", code="no-recruits")
    levels, group = sample.groups(outcome)
    rng = np.random.default_rng(seed)
    notes: list[str] = []
    used = "rds_i" if estimator == "hcg" else estimator
    if kind == "gile":
        values, sizes = _gile(sample, group, len(levels), used, population_size, replicates, rng)
    elif kind in ("salganik", "tree"):
        maker = _salganik if kind == "salganik" else _tree
        draws = maker(sample, group, len(levels), replicates, rng)
        values = _estimates(sample, group, len(levels), draws, used, population_size, replicates)
        sizes = np.bincount(draws.replicate, minlength=replicates)
    else:
        raise EstimationError(
            "unknown bootstrap", where="variance", found=kind, expected="salganik, tree, gile, none"
        )
    if kind == "tree" and int(sample.is_seed.sum()) < 5:
        notes.append(f"only {int(sample.is_seed.sum())} seeds: the spread between trees is hardly known")
    return RdsBootstrap(
        kind=kind, estimator=estimator, levels=levels, values=values, sizes=sizes, seed=seed,
        notes=tuple(notes),
    )  # fmt: skip


def _salganik(sample: Recruitment, group: Ints, k: int, r: int, rng: np.random.Generator) -> _Draws:
    """Chains of n people each, one step for all replicates at a time."""
    n = len(sample)
    known = np.flatnonzero(group >= 0)
    recruited = np.flatnonzero((sample.parent >= 0) & (group >= 0))
    origin = group[sample.parent[recruited]]
    pools = [recruited[origin == g] for g in range(k)]
    # a group that recruited nobody passes on to anybody who was recruited
    pools = [pool if pool.size else recruited for pool in pools]
    start = np.cumsum([0, *(pool.size for pool in pools)])[:-1]
    sizes, flat = np.array([pool.size for pool in pools]), np.concatenate(pools)
    rows = np.empty((n, r), dtype=np.int64)
    rows[0] = rng.choice(known, r)
    for step in range(1, n):
        g = group[rows[step - 1]]
        rows[step] = flat[start[g] + (rng.random(r) * sizes[g]).astype(np.int64)]
    replicate = np.broadcast_to(np.arange(r), (n, r))
    return _Draws(
        row=rows.ravel(),
        replicate=replicate.ravel(),
        origin=group[rows[:-1]].ravel(),
        target=group[rows[1:]].ravel(),
        pair_replicate=replicate[1:].ravel(),
    )


def _tree(sample: Recruitment, group: Ints, k: int, r: int, rng: np.random.Generator) -> _Draws:
    """All trees of all replicates, wave by wave."""
    order = np.argsort(sample.parent, kind="stable")
    seeds = order[: int(sample.is_seed.sum())]
    children, counts = order[seeds.size :], sample.recruits
    start = np.cumsum(counts) - counts
    current = rng.choice(seeds, seeds.size * r)
    replicate = np.repeat(np.arange(r), seeds.size)
    rows, replicates, origin, target, pairs = [current], [replicate], [], [], []
    while current.size:
        many = counts[current]
        source, replicate = np.repeat(current, many), np.repeat(replicate, many)
        picked = start[source] + (rng.random(source.size) * counts[source]).astype(np.int64)
        current = children[picked]
        rows.append(current)
        replicates.append(replicate)
        origin.append(group[source])
        target.append(group[current])
        pairs.append(replicate)
    return _Draws(
        row=np.concatenate(rows),
        replicate=np.concatenate(replicates),
        origin=np.concatenate(origin),
        target=np.concatenate(target),
        pair_replicate=np.concatenate(pairs),
    )


def _estimates(
    sample: Recruitment,
    group: Ints,
    k: int,
    draws: _Draws,
    estimator: str,
    population_size: float | None,
    r: int,
) -> Floats:
    """Estimate of each replicate, (R, k)."""
    groups, degree = group[draws.row], sample.degree[draws.row]
    if estimator == "rds_ii":
        known = groups >= 0
        cell = draws.replicate[known] * k + groups[known]
        sums = np.bincount(cell, weights=1 / degree[known], minlength=r * k).reshape(r, k)
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))
    known = (draws.origin >= 0) & (draws.target >= 0)
    cell = (draws.pair_replicate[known] * k + draws.origin[known]) * k + draws.target[known]
    counts = np.bincount(cell, minlength=r * k * k).reshape(r, k, k).astype(np.float64)
    order = np.argsort(draws.replicate, kind="stable")
    ends = np.cumsum(np.bincount(draws.replicate, minlength=r))[:-1]
    out = np.empty((r, k))
    for i, rows in enumerate(np.split(order, ends)):
        size = None if population_size is None else max(population_size, float(rows.size))
        out[i] = proportions(estimator, groups[rows], degree[rows], k, counts[i], size)
    return out


def _gile(
    sample: Recruitment,
    group: Ints,
    k: int,
    estimator: str,
    population_size: float | None,
    r: int,
    rng: np.random.Generator,
) -> tuple[Floats, Ints]:
    """Recruitment simulated in a synthetic population, (R, k)."""
    if population_size is None:
        raise EstimationError(
            "this bootstrap needs the size of the population", where="population_size", hint="or 'salganik'"
        )
    degrees, members = _synthetic(sample, group, k, population_size)
    volume = np.array([degrees[m].sum() for m in members])
    observed = transition_counts(group, sample.parent, k) + 1e-9
    ties = _balanced(observed + observed.T, volume)
    waves = [np.flatnonzero(sample.wave == w) for w in range(int(sample.wave.max()) + 1)]
    values, sizes = np.empty((r, k)), np.full(r, len(sample))
    for i in range(r):
        drawn, degree = _recruited(sample, waves, ties, degrees, members, rng)
        counts = transition_counts(drawn, sample.parent, k)
        values[i] = proportions(estimator, drawn, degree, k, counts, population_size)
    return values, sizes


def _balanced(counts: Floats, volume: Floats) -> Floats:
    """Symmetric ties between groups with the pattern of the counts and the total degrees as margins."""
    scale = np.sqrt(volume / counts.sum(axis=1))
    for _ in range(500):
        new = np.sqrt(scale * volume / (counts @ scale))
        done = np.abs(new / scale - 1).max() < 1e-12
        scale = new
        if done:
            break
    return np.asarray(scale[:, None] * counts * scale[None, :])


def _recruited(
    sample: Recruitment,
    waves: list[Ints],
    ties: Floats,
    degrees: Floats,
    members: list[Ints],
    rng: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Groups and degrees of one simulated recruitment, wave by wave; ties to people already taken close."""
    k = len(ties)
    # within a group, people are taken in the order in which clocks of rate degree ring
    queue = [m[np.argsort(rng.exponential(size=m.size) / degrees[m])] for m in members]
    gone = [np.concatenate([[0.0], np.cumsum(degrees[q])]) for q in queue]
    volume, taken = ties.sum(axis=1), np.zeros(k, dtype=np.int64)
    drawn, degree = np.empty(len(sample), dtype=np.int64), np.empty(len(sample))
    for w, rows in enumerate(waves):
        left = np.array([g[-1] - g[t] for g, t in zip(gone, taken, strict=True)])
        chance = ties * (left / volume) if w else left[None, :]
        limits = np.cumsum(chance, axis=1)
        limits = limits / limits[:, -1:]
        origin = drawn[sample.parent[rows]] if w else np.zeros(rows.size, dtype=np.int64)
        reached = (rng.random(rows.size)[:, None] > limits[origin]).sum(axis=1)
        reached = _within_room(reached, np.array([q.size for q in queue]) - taken, rng)
        for g in range(k):
            mine = rows[reached == g]
            degree[mine] = degrees[queue[g][taken[g] : taken[g] + mine.size]]
            taken[g] += mine.size
        drawn[rows] = reached
    return drawn, degree


def _within_room(reached: Ints, room: Ints, rng: np.random.Generator) -> Ints:
    """Move recruits of a group that is used up to those that are not."""
    counts = np.bincount(reached, minlength=room.size)
    for g in np.flatnonzero(counts > room):
        over = rng.permutation(np.flatnonzero(reached == g))[: counts[g] - room[g]]
        free = np.repeat(np.arange(room.size), np.maximum(room - counts, 0))
        reached[over] = rng.permutation(free)[: over.size]
        counts = np.bincount(reached, minlength=room.size)
    return reached


def _synthetic(sample: Recruitment, group: Ints, k: int, size: float) -> tuple[Floats, list[Ints]]:
    """Degrees of a population, and who is in each group: each respondent repeated by weight."""
    used = np.flatnonzero(group >= 0)
    weight = successive_sampling_weights(sample.degree[used], max(size, used.size))
    # whole people: round the running total, so that the sizes of groups and degrees are kept
    order = np.lexsort((sample.degree[used], group[used]))
    total = np.rint(np.cumsum(weight[order])).astype(np.int64)
    copies = np.maximum(np.diff(total, prepend=0), 0)
    row = np.repeat(used[order], copies)
    return sample.degree[row], [np.flatnonzero(group[row] == g) for g in range(k)]
