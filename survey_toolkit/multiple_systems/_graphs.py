"""Every decomposable graph on a few lists, made once and kept.

A graph is decomposable when its vertices can be removed one by one, each time one whose remaining neighbours
are all joined (a perfect elimination). Removing ``v`` with neighbours ``B`` contributes the marginal of
``B + v`` over that of ``B``: the product over the removals is the product over cliques divided by that over
separators, so a graph is a row of +1 and -1 over the subsets of the lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError

__all__ = ["MAX_GRAPH_LISTS", "DecomposableGraphs", "decomposable_graphs"]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAX_GRAPH_LISTS = 7
"""Seven lists have 617,675 decomposable graphs (80 MB); eight have 30,888,596, which no longer fit."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class DecomposableGraphs:
    """All decomposable graphs on ``t`` lists.

    Attributes
    ----------
    edges : array of bool (G, t(t-1)/2)
        In the order 12, 13, ..., of :func:`itertools.combinations`.
    signs : array of int8 (G, 2^t)
        How often the marginal of each set of lists enters the likelihood, cliques plus, separators minus.
    """

    n_lists: int
    edges: BoolArray
    signs: NDArray[np.int8]

    def cliques(self, graph: int) -> tuple[tuple[int, ...], ...]:
        """Maximal cliques of one graph, as list positions."""
        t = self.n_lists
        joined = dict(zip(combinations(range(t), 2), self.edges[graph], strict=True))
        complete = [
            set(c)
            for k in range(1, t + 1)
            for c in combinations(range(t), k)
            if all(joined[pair] for pair in combinations(c, 2))
        ]
        return tuple(sorted(tuple(sorted(c)) for c in complete if not any(c < other for other in complete)))


@lru_cache(maxsize=8)
def decomposable_graphs(t: int) -> DecomposableGraphs:
    """Make the graphs on ``t`` lists: 2, 8, 61, 822, 18,154 and 617,675 for two to seven.

    Raises
    ------
    EstimationError
        For more than :data:`MAX_GRAPH_LISTS`.

    Examples
    --------
    >>> [len(decomposable_graphs(t).edges) for t in (2, 3, 4, 5)]
    [2, 8, 61, 822]
    """
    if t > MAX_GRAPH_LISTS:
        raise EstimationError(
            "there are too many decomposable graphs",
            found=f"{t} lists",
            expected=f"at most {MAX_GRAPH_LISTS}",
            hint="merge lists of the same kind, or drop one",
            code="too-many-models",
        )
    total = 1 << t * (t - 1) // 2
    parts = [_among(np.arange(i, min(i + _PIECE, total)), t) for i in range(0, total, _PIECE)]
    out = DecomposableGraphs(t, np.concatenate([e for e, _ in parts]), np.concatenate([s for _, s in parts]))
    out.edges.flags.writeable = out.signs.flags.writeable = False
    return out


def _among(numbers: IntArray, t: int) -> tuple[BoolArray, NDArray[np.int8]]:
    """The decomposable ones among graphs given by their edges as a binary number."""
    pairs = list(combinations(range(t), 2))
    edges = (numbers[:, None] >> np.arange(len(pairs)) & 1).astype(bool)
    near = np.zeros((len(numbers), t), dtype=np.int64)  # neighbours as bit masks
    for e, (a, b) in enumerate(pairs):
        near[edges[:, e], a] |= 1 << b
        near[edges[:, e], b] |= 1 << a
    signs = np.zeros((len(numbers), 1 << t), dtype=np.int8)
    left = np.full(len(numbers), (1 << t) - 1)
    for _ in range(t):
        _eliminate(near, left, signs, t)
    keep = left == 0
    return edges[keep], signs[keep]


def _eliminate(near: IntArray, left: IntArray, signs: NDArray[np.int8], t: int) -> None:
    """Remove one vertex whose remaining neighbours are all joined, from every graph that has one."""
    done = np.zeros(len(left), dtype=bool)
    for v in range(t):
        around = near[:, v] & left
        simplicial = (left >> v & 1).astype(bool) & ~done
        for u in range(t):
            # A neighbour u must be joined to all other neighbours of v.
            others = around & ~(1 << u)
            simplicial &= ~((around >> u & 1).astype(bool)) | ((near[:, u] & others) == others)
        rows = np.flatnonzero(simplicial)
        signs[rows, around[rows] | (1 << v)] += 1
        signs[rows, around[rows]] -= 1
        left[rows] &= ~(1 << v)
        done[rows] = True
