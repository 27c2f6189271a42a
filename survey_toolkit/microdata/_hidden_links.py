"""Hidden counts of one column that another column tells: questions with one filter, a filter with its own.

Two columns are linked where the same rows make up cells of both: whoever was not asked the one was not asked
the other; whoever said yes was asked the next. A reader who knows the questionnaire may set the two numbers
equal. All such equations of two columns are those of the finest parting of the rows that both refine. They
are attacked together with the sums of each column by linear programming; where a small count is not left
open, more is hidden. Columns are linked two by two: a cell that is exactly two cells of two further columns
is not sought.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from survey_toolkit._inferred import least
from survey_toolkit.microdata._hidden_counts import Hiding, Partition

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["hide_linked", "shared_blocks"]

#: Number of a column and of a cell of it.
Key: TypeAlias = tuple[int, int]
#: Signed hidden cells of an equation, and what they add up to.
Equation: TypeAlias = tuple[dict[Key, float], float]

_ROWS = 64
_SAMPLE = 4000
_TINY = 1e-6


def hide_linked(hidings: Sequence[Hiding]) -> None:
    """Hide more wherever two columns together tell a small count; changes ``hidings``."""
    links = _Links(hidings)
    while True:
        exposed = links.exposed()
        if not any([_widen(hidings, column, partners) for column, partners in exposed]):
            return
        links.changed = {column for column, _ in exposed}.union(*(p for _, p in exposed))


def _widen(hidings: Sequence[Hiding], column: int, partners: set[int]) -> bool:
    if hidings[column].widen():
        return True
    return any([hidings[other].widen() for other in sorted(partners)])


def shared_blocks(
    a: Partition, b: Partition, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Block of each cell of two partitions: the finest parting of the rows that both refine.

    Of some ``rows`` only, cells may be apart that meet in others.

    Examples
    --------
    >>> asked = Partition(place=np.array([0, 0, 1, 1, 2]), counts=(2, 2, 1), groups=("valid",) * 3,
    ...     codes=(1, 2, 9))
    >>> then = Partition(place=np.array([0, 1, 2, 2, 2]), counts=(1, 1, 3),
    ...     groups=("valid", "valid", "system"), codes=(1, 2, None))
    >>> [blocks.tolist() for blocks in shared_blocks(asked, then)]
    [[0, 1, 1], [0, 0, 1]]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, m = len(a.counts), len(b.counts)
    mine, other = (p.place if rows is None else p.place[rows] for p in (a, b))
    both = mine.astype(np.int64) * m + other
    # counting is quicker than sorting as long as the table of pairs is no longer than the file
    pairs = np.flatnonzero(np.bincount(both)) if n * m <= len(both) else np.unique(both)
    ends = (pairs // m, n + pairs % m)
    graph = coo_array((np.ones(len(pairs)), ends), shape=(n + m, n + m))
    _, blocks = connected_components(graph, directed=False)
    return blocks[:n], blocks[n:]


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """So many of them at most, at even distances: neighbours in a file are alike."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)]


@dataclass(slots=True)
class _Links:
    """Equations between the columns of one file."""

    hidings: Sequence[Hiding]
    changed: set[int] | None = None
    blocks: dict[tuple[int, int], tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict)
    partners: dict[int, list[int]] = field(default_factory=dict)

    def exposed(self) -> list[tuple[int, set[int]]]:
        """Columns with a small count that their links tell, and the columns that tell it."""
        found: list[tuple[int, set[int]]] = []
        for group in self._components():
            equations = [e for column in group for e in self._own(column)]
            for a in group:
                equations += [e for b in self._linked(a) for e in self._between(a, b)]
            attack = _Attack(self.hidings, equations)
            found += [(a, set(group) - {a}) for a in sorted(group) if attack.finds(a)]
        return found

    def _components(self) -> Iterator[list[int]]:
        todo = [a for a, h in enumerate(self.hidings) if h.hidden]
        neighbours: dict[int, set[int]] = {}
        for a in todo:
            for b in self._linked(a):
                neighbours.setdefault(a, set()).add(b)
                neighbours.setdefault(b, set()).add(a)
        seen: set[int] = set()
        for start in sorted(neighbours):
            group, queue = set(), [start]
            while queue:
                a = queue.pop()
                if a not in seen:
                    seen.add(a)
                    group.add(a)
                    queue += neighbours[a]
            # what did not change since it was attacked need not be attacked again
            if group and (self.changed is None or group & self.changed):
                yield sorted(group)

    def _linked(self, a: int) -> list[int]:
        """Columns with an equation that cuts a pool of this one."""
        if a not in self.partners or self.changed is None or a in self.changed:
            pools = [pool for pool in self.hidings[a].pools() if len(pool) > 1]
            found: set[int] = set()
            for pool in pools:
                some = np.concatenate([*self._rows(a, pool), self._everywhere()])
                found |= {b for b in self._apart(a, pool) if self._cuts(a, b, pool, some)}
            self.partners[a] = sorted(found)
        return self.partners[a]

    def _apart(self, a: int, pool: Sequence[int]) -> set[int]:
        """Columns in which a few rows of the pool's cells do not meet: those that may cut it."""
        rows = self._rows(a, pool)
        at = np.concatenate(rows)
        held = np.column_stack([h.parts.place[at] for h in self.hidings])
        ends = np.cumsum([len(r) for r in rows])
        first = held[: ends[0]]
        meets = np.ones(len(self.hidings), dtype=bool)
        for start, end in pairwise(ends):
            meets &= (held[start:end, None, :] == first[None, :, :]).any(axis=(0, 1))
        return {int(b) for b in np.flatnonzero(~meets)} - {a}

    def _rows(self, a: int, pool: Sequence[int]) -> list[NDArray[np.int64]]:
        """Some rows of each cell of a pool, from all over the file, the largest cell first."""
        parts = self.hidings[a].parts
        largest_first = sorted(pool, key=lambda cell: -parts.counts[cell])
        return [_spread(np.flatnonzero(parts.place == cell), _ROWS) for cell in largest_first]

    def _cuts(self, a: int, b: int, pool: Sequence[int], some: NDArray[np.int64]) -> bool:
        """Whether cells of a pool never meet through the cells of the other column."""
        if (a, b) not in self.blocks:
            ours, _ = shared_blocks(self.hidings[a].parts, self.hidings[b].parts, some)
            if len(set(ours[list(pool)].tolist())) == 1:
                return False
        return len(set(self._shared(a, b)[0][list(pool)].tolist())) > 1

    def _everywhere(self) -> NDArray[np.int64]:
        return _spread(np.arange(len(self.hidings[0].parts.place)), _SAMPLE)

    def _shared(self, a: int, b: int) -> tuple[NDArray[Any], NDArray[Any]]:
        if (a, b) not in self.blocks:
            self.blocks[a, b] = shared_blocks(self.hidings[a].parts, self.hidings[b].parts)
        return self.blocks[a, b]

    def _own(self, a: int) -> Iterator[Equation]:
        counts = self.hidings[a].parts.counts
        for pool in self.hidings[a].pools():
            yield {(a, cell): 1.0 for cell in pool}, float(sum(counts[cell] for cell in pool))

    def _between(self, a: int, b: int) -> Iterator[Equation]:
        ours, theirs = self._shared(a, b)
        for block in np.unique(ours):
            terms: dict[Key, float] = {}
            total = 0.0
            for column, sign, blocks in ((a, 1.0, ours), (b, -1.0, theirs)):
                hiding = self.hidings[column]
                for cell in np.flatnonzero(blocks == block).tolist():
                    if cell in hiding.hidden:
                        terms[column, cell] = sign
                        total += sign * hiding.parts.counts[cell]
            if terms:
                yield terms, total


class _Attack:
    """What fits all equations of linked columns."""

    def __init__(self, hidings: Sequence[Hiding], equations: Sequence[Equation]) -> None:
        from scipy.sparse import csr_array

        self.hidings = hidings
        self.at: dict[Key, int] = {}
        rows, columns, signs, self.right = [], [], [], []
        for number, (terms, total) in enumerate(equations):
            self.right.append(total)
            for key, sign in terms.items():
                rows.append(number)
                columns.append(self.at.setdefault(key, len(self.at)))
                signs.append(sign)
        self.sums = csr_array((signs, (rows, columns)), shape=(len(equations), len(self.at)))
        self.bounds = [hidings[column].bounds(cell) for column, cell in self.at]

    def finds(self, column: int) -> bool:
        """Whether a small cell of a column is not left open."""
        hiding = self.hidings[column]
        low, high = 1.0, hiding.threshold - 1.0
        for cell in hiding.small():
            if self._end(self.at[column, cell], 1.0) > low + _TINY:
                return True
            if self._end(self.at[column, cell], -1.0) < high - _TINY:
                return True
        return False

    def _end(self, place: int, sign: float) -> float:
        aim = np.zeros(len(self.at))
        aim[place] = sign
        return sign * least(aim, self.sums, self.right, self.bounds)
