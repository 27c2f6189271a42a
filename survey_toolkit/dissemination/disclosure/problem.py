"""The problem of complementary suppression: tables of counts on one lattice, and how wide cells must stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from survey_toolkit.dissemination.disclosure.lattice import Attack, Cell, Intervals, Lattice

__all__ = ["TINY", "Problem"]

#: What a solver's rounding may take from a width.
TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Problem:
    """What must not be inferred.

    Attributes
    ----------
    lattice : Lattice
    tables : tuple of mapping
        Tables of counts that rest on the same people (positive, negative, all) by published cell; an empty
        one is not attacked.
    primary : mapping
        Too small cells to the numbers of the tables in which they are.
    width : float
        Interval that has to stay open around a primary cell.
    other_width : float
        Interval that has to stay open around a cell suppressed for others, if it is not zero.
    """

    lattice: Lattice
    tables: tuple[Mapping[Cell, float], ...]
    primary: Mapping[Cell, Collection[int]]
    width: float
    other_width: float = 1.0
    free: tuple[Cell, ...] = field(init=False)

    def __post_init__(self) -> None:
        # Zeros are published anyway, so suppressing one protects nobody as long as another cell can.
        free = tuple(c for c in self.lattice.published if c not in self.primary and self.tables[0][c] > 0)
        object.__setattr__(self, "free", free)

    def needed(self, table: int, cell: Cell) -> float:
        """Width that has to stay open around a suppressed cell of a table."""
        if table in self.primary.get(cell, ()):
            return self.width
        # That a cell is zero may be inferred, as zeros are published anyway.
        return self.other_width if self.tables[table].get(cell, 0) > 0 else 0.0

    def cost(self, cell: Cell) -> float:
        """One a cell; between equal numbers the smaller counts."""
        largest = max(self.tables[0].values()) or 1.0
        return 1.0 + self.tables[0][cell] / largest / (10.0 * len(self.lattice.published))

    def exposed(self, hidden: Collection[Cell]) -> list[tuple[int, Cell]]:
        """Suppressed cells about which too much can be inferred."""
        found = []
        for which, table in enumerate(self.tables):
            if not table:
                continue
            attacker = Attack(self.lattice, table, hidden)
            for cell in hidden:
                need = self.needed(which, cell)
                if need:
                    low, high = attacker.interval(cell)
                    if high - low < need - TINY:
                        found.append((which, cell))
        return found

    def intervals(self, hidden: Collection[Cell]) -> Intervals:
        """What can be inferred about the first table, by suppressed cell."""
        attacker = Attack(self.lattice, self.tables[0], hidden)
        return {cell: attacker.interval(cell) for cell in hidden}
