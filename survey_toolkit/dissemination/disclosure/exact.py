"""Complementary suppression at the smallest cost, by integer programming with cuts from the attack.

The master programme chooses which cells to suppress. Each choice is attacked: where the interval that can
be inferred about a cell is too narrow, the dual of the attacker's linear programme says which cells, if
suppressed, could widen it, and that becomes a constraint of the master (Fischetti and Salazar-González 2001,
*Solving the cell suppression problem on tabular data with linear constraints*). Solved by HiGHS.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from survey_toolkit.dissemination.disclosure.lattice import Cell
from survey_toolkit.dissemination.disclosure.problem import TINY, Problem

__all__ = ["exact"]

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Cut:
    """Weighted suppressed cells that have to reach a need, if ``owner`` is suppressed."""

    weights: Numbers
    need: float
    owner: int


class _Attacker:
    """Deviations from the true counts that the sums allow, for one table of counts."""

    def __init__(self, problem: Problem, which: int) -> None:
        from scipy.sparse import csr_array

        lattice = problem.lattice
        self.cells = [*lattice.published, *lattice.latent]
        self.at = {cell: i for i, cell in enumerate(self.cells)}
        values = lattice.values(problem.tables[which])
        self.counts = np.array([float(values[cell]) for cell in self.cells])
        self.latent = np.arange(len(self.cells)) >= len(lattice.published)
        rows, columns, signs = [], [], []
        for number, relation in enumerate(lattice.relations):
            for cell, sign in [(relation.parent, 1.0), *((c, -1.0) for c in relation.children)]:
                rows.append(number)
                columns.append(self.at[cell])
                signs.append(sign)
        self.sums = csr_array((signs, (rows, columns)), shape=(len(lattice.relations), len(self.cells)))
        #: No count is larger than everybody together; twice that stands for "no upper limit".
        self.solved = 0
        self.limit = 2.0 * float(self.counts.max(initial=1.0))

    def reach(self, cell: Cell, unknown: npt.NDArray[np.bool_], sign: float) -> tuple[float, Numbers]:
        """How far a cell can deviate in one direction, and the weight of each cell in that limit."""
        from scipy.optimize import linprog

        self.solved += 1
        aim = np.zeros(len(self.cells))
        aim[self.at[cell]] = -sign
        low = np.where(unknown, -self.counts, 0.0)
        high = np.where(unknown, self.limit, 0.0)
        # The stubs of scipy do not know sparse sums.
        solve: Any = linprog
        answer = solve(
            aim, A_eq=self.sums, b_eq=np.zeros(self.sums.shape[0]), bounds=np.column_stack([low, high]),
            method="highs",
        )  # fmt: skip
        # Solvers report the price of a fixed cell at either of its limits; its sign says which one binds.
        price = answer.lower.marginals + answer.upper.marginals
        return -float(answer.fun), np.where(price > 0, price * self.counts, -price * self.limit)


def exact(problem: Problem, start: Collection[Cell], *, effort: int = 5000) -> tuple[list[Cell], bool]:
    """Cells to suppress, and whether it is proved that fewer do not suffice.

    Parameters
    ----------
    problem : Problem
    start : collection of Cell
        A solution found by search; returned if the effort is spent before a better one is proved.
    effort : int
        Linear programmes to solve at most: counted, not timed, so that a slow machine publishes the same.
    """
    attackers = {i: _Attacker(problem, i) for i, table in enumerate(problem.tables) if table}
    at = {cell: i for i, cell in enumerate(problem.lattice.published)}
    cuts: list[_Cut] = []
    while sum(attacker.solved for attacker in attackers.values()) < effort:
        hidden = _master(problem, at, cuts)
        if hidden is None:
            break
        found = [
            cut
            for which, attacker in attackers.items()
            for cut in _violated(problem, which, attacker, hidden, at)
        ]
        if not found:
            order = [*problem.primary, *(c for c in at if c in hidden and c not in problem.primary)]
            return order, True
        cuts += found
    return list(start), False


def _violated(
    problem: Problem, which: int, attacker: _Attacker, hidden: set[Cell], at: dict[Cell, int]
) -> list[_Cut]:
    unknown = np.array([cell in hidden for cell in attacker.cells]) | attacker.latent
    cuts = []
    for cell in hidden:
        need = problem.needed(which, cell)
        if not need:
            continue
        up, above = attacker.reach(cell, unknown, 1.0)
        if up >= need - TINY:
            continue
        down, below = attacker.reach(cell, unknown, -1.0)
        if up + down >= need - TINY:
            continue
        weights = above + below
        # Cells nobody publishes are always unknown: their part is given.
        need_left = need - float(weights[attacker.latent].sum())
        shown = weights[: len(at)]
        # A weight above the need does no more than the need (the cut stays valid for whole cells).
        cuts.append(_Cut(np.minimum(shown, max(need_left, TINY)), need_left, at[cell]))
    return cuts


def _master(problem: Problem, at: dict[Cell, int], cuts: list[_Cut]) -> set[Cell] | None:
    from scipy.optimize import Bounds, LinearConstraint, milp

    cost = np.array([problem.cost(cell) for cell in at])
    may = {*problem.primary, *problem.free}
    low = np.array([float(cell in problem.primary) for cell in at])
    high = np.array([float(cell in may) for cell in at])
    rules = []
    if cuts:
        matrix = np.array([cut.weights for cut in cuts])
        for row, cut in zip(matrix, cuts, strict=True):
            row[cut.owner] -= cut.need
        # sum of weights >= need * (the cell is suppressed)
        rules = [LinearConstraint(matrix, np.full(len(cuts), -TINY), np.inf)]
    answer = milp(
        cost, constraints=rules, integrality=np.ones(len(at), dtype=np.int64), bounds=Bounds(low, high),
        options={"node_limit": 20_000},
    )  # fmt: skip
    if answer.x is None or answer.status != 0:
        return None
    return {cell for cell, i in at.items() if answer.x[i] > 0.5}
