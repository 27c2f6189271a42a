"""Complementary suppression by search: add the cheapest cell where an attack succeeds, drop what is idle."""

from __future__ import annotations

from collections.abc import Iterable

from survey_toolkit.dissemination.disclosure.lattice import Attack, Cell
from survey_toolkit.dissemination.disclosure.problem import TINY, Problem
from survey_toolkit.indicators import TOTAL

__all__ = ["search"]


def search(problem: Problem, *, start: Iterable[Cell] = (), prune: bool = True) -> list[Cell]:
    """Cells to suppress, the primary ones first.

    Each round adds a cell, so the search ends; more suppression only widens what can be inferred, so a cell
    that passed need not be attacked again. At the end each added cell is taken back if nothing needs it.
    ``start`` holds cells that are suppressed from the beginning.
    """
    given = list(start)
    found = [_Search(problem, given, closing=closing).run() for closing in (True, False)]
    hidden = min(found, key=lambda cells: sum(problem.cost(c) for c in cells))
    return _pruned(problem, hidden) if prune else hidden


def _pruned(problem: Problem, hidden: list[Cell]) -> list[Cell]:
    if problem.exposed(hidden):
        return hidden
    for cell in sorted(hidden, key=lambda c: (-sum(code == TOTAL for code in c), -problem.cost(c))):
        if cell in problem.primary:
            continue
        fewer = [c for c in hidden if c != cell]
        if not _alone(problem, fewer) and not problem.exposed(fewer):
            hidden = fewer
    return hidden


def _alone(problem: Problem, hidden: list[Cell]) -> bool:
    """Whether a sum has a single unknown cell: quicker than a linear programme."""
    unknown = {*hidden, *problem.lattice.latent}
    shown = set(hidden)
    for relation in problem.lattice.relations:
        inside = [cell for cell in relation.members if cell in unknown]
        if len(inside) == 1 and inside[0] in shown:
            return any(problem.needed(i, inside[0]) for i, table in enumerate(problem.tables) if table)
    return False


class _Search:
    """One search; ``closing`` prefers partners that stand in other sums with suppressed cells as well."""

    def __init__(self, problem: Problem, start: Iterable[Cell], *, closing: bool) -> None:
        self.closing = closing
        self.problem = problem
        self.lattice = problem.lattice
        self.hidden: dict[Cell, None] = dict.fromkeys([*problem.primary, *start])
        self.passed: set[tuple[int, Cell]] = set()

    def run(self) -> list[Cell]:
        while (near := self._by_subtraction() or self._by_programme()) is not None:
            partner = self._partner(near)
            if partner is None:
                break
            self.hidden[partner] = None
        return list(self.hidden)

    def _by_subtraction(self) -> set[Cell] | None:
        """Members of the first sum with a single unknown cell."""
        unknown = {*self.hidden, *self.lattice.latent}
        for relation in self.lattice.relations:
            inside = [cell for cell in relation.members if cell in unknown]
            if len(inside) == 1 and inside[0] in self.hidden:
                return set(relation.members)
        return None

    def _by_programme(self) -> set[Cell] | None:
        """Neighbours of the first cell about which too much can be inferred."""
        for which, table in enumerate(self.problem.tables):
            if not table:
                continue
            attacker = Attack(self.lattice, table, self.hidden)
            for cell in self.hidden:
                if (which, cell) in self.passed:
                    continue
                low, high = attacker.interval(cell)
                if high - low < self.problem.needed(which, cell) - TINY:
                    near = {c for r in self.lattice.relations if cell in r.members for c in r.members}
                    return near or {cell}
                self.passed.add((which, cell))
        return None

    def _partner(self, near: set[Cell]) -> Cell | None:
        """Cheapest cell still published: in the sum at stake, deep in the table, small, not zero."""
        counts, everybody = self.problem.tables[0], self.problem.tables[-1]

        touched: dict[Cell, int] = {}
        if self.closing:
            for relation in self.lattice.relations:
                if any(c in self.hidden for c in relation.members):
                    for c in relation.members:
                        touched[c] = touched.get(c, 0) - 1

        def cost(cell: Cell) -> tuple[bool, bool, int, int, float, float, Cell]:
            margins = sum(code == TOTAL for code in cell)
            size = counts[cell]
            other = everybody.get(cell, size)
            return cell not in near, size == 0, touched.get(cell, 0), margins, size, other, cell

        return min((c for c in self.lattice.published if c not in self.hidden), key=cost, default=None)
