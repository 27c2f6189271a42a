"""Who knows whom, and who is whose sibling: what scale-up, multiplicity and referral sampling live on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.datasets.country.draws import choose, stream

__all__ = ["Acquaintance", "make_acquaintance", "make_sibships"]

_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Acquaintance:
    """Ties between people who know each other by sight and name; a tie runs both ways.

    Attributes
    ----------
    n : int
        People; they are numbered from 0.
    one, other : int32 arrays of shape (ties,)
        The two ends of each tie.
    """

    n: int
    one: NDArray[np.int32]
    other: NDArray[np.int32]

    def degree(self) -> NDArray[np.int64]:
        """Number of people each person knows, shape (n,)."""
        return np.bincount(self.one, minlength=self.n) + np.bincount(self.other, minlength=self.n)

    def known_in(self, member: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many members of a group each person knows, shape (n,).

        Parameters
        ----------
        member : bool array of shape (n,)

        Examples
        --------
        >>> ties = Acquaintance(n=3, one=np.array([0, 0], "i4"), other=np.array([1, 2], "i4"))
        >>> ties.known_in(np.array([False, True, True])).tolist()
        [2, 0, 0]
        """
        out = np.zeros(self.n, dtype=np.int64)
        for start in range(0, self.one.size, _CHUNK):
            a, b = self.one[start : start + _CHUNK], self.other[start : start + _CHUNK]
            out += np.bincount(a[member[b]], minlength=self.n)
            out += np.bincount(b[member[a]], minlength=self.n)
        return out

    def among(self, members: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ties within a group, as positions in ``members`` (sorted person numbers)."""
        place = np.full(self.n, -1, dtype=np.int64)
        place[members] = np.arange(members.size)
        a, b = place[self.one], place[self.other]
        inside = (a >= 0) & (b >= 0)
        return a[inside], b[inside]


def make_acquaintance(
    seed: int, region: NDArray[np.int64], mean_degree: float, *, local: float = 0.7, spread: float = 0.6
) -> Acquaintance:
    """Match people at random by how many others they know.

    Each person gets a number of ends of ties (log-normal, rounded); a share ``local`` of the ends is matched
    within the region, the rest over the country. Ties to oneself are dropped.

    Parameters
    ----------
    region : int array of shape (n,)
        Region of each person, from 0.
    mean_degree : float
        Mean number of ties a person.
    spread : float
        Standard deviation of the logarithm of the degree.
    """
    rng = stream(seed, "acquaintance")
    n = region.size
    wanted = rng.lognormal(np.log(mean_degree) - 0.5 * spread**2, spread, n)
    near = rng.poisson(local * wanted)
    far = rng.poisson((1 - local) * wanted)
    people = np.arange(n, dtype=np.int32)
    pools = [np.repeat(people[region == r], near[region == r]) for r in range(int(region.max()) + 1)]
    pools.append(np.repeat(people, far))
    ends = [_matched(rng, pool) for pool in pools]
    return Acquaintance(
        n=n, one=np.concatenate([a for a, _ in ends]), other=np.concatenate([b for _, b in ends])
    )


def _matched(
    rng: np.random.Generator, pool: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Pairs of ends drawn at random."""
    rng.shuffle(pool)
    half = pool.size // 2
    one, other = pool[:half], pool[half : 2 * half]
    different = one != other
    return one[different], other[different]


def make_sibships(seed: int, region: NDArray[np.int64], age: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the group of living adult brothers and sisters each adult belongs to; shape (n,).

    Siblings live in different households, in the same region, and are about of one age. Sizes run from one
    to seven.
    """
    rng = stream(seed, "sibships")
    order = np.lexsort((age + rng.normal(0, 3, age.size), region))
    size = 1 + choose(rng, age.size, [0.16, 0.24, 0.24, 0.17, 0.10, 0.06, 0.03])
    ends = np.cumsum(size)
    number = np.searchsorted(ends, np.arange(age.size), side="right")
    out = np.empty(age.size, dtype=np.int64)
    # A sibship does not reach over a border between regions.
    out[order] = np.unique(number * 64 + region[order], return_inverse=True)[1]
    return out
