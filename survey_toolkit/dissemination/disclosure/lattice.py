"""Additive tables of counts, and the attack on them that infers what it can about suppressed cells.

A published breakdown is a lattice: the total is the sum over each dimension, girls the sum over girls' ages.
The attacker knows every published cell, every such sum, and that counts are not negative. A linear
programme gives the interval he can infer for each suppressed cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from survey_toolkit._inferred import least
from survey_toolkit.indicators.figure import TOTAL

__all__ = ["Attack", "Cell", "Intervals", "Lattice", "Relation", "build_lattice", "inferred_intervals"]

#: Codes of one cell, one a dimension, ``_T`` for all.
Cell: TypeAlias = tuple[str, ...]
#: Suppressed cell to the smallest and largest count that fits what is published.
Intervals: TypeAlias = dict[Cell, tuple[float, float]]
Numbers: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Relation:
    """A margin and the cells that sum to it along one dimension."""

    parent: Cell
    children: tuple[Cell, ...]

    @property
    def members(self) -> tuple[Cell, ...]:
        """Parent and children."""
        return (self.parent, *self.children)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Cells of one variable and their sums.

    Attributes
    ----------
    published : tuple of Cell
        Cells for which there are figures.
    latent : tuple of Cell
        Margins nobody publishes but that link published cells: an attacker can compute them.
    relations : tuple of Relation
    """

    published: tuple[Cell, ...]
    latent: tuple[Cell, ...]
    relations: tuple[Relation, ...]

    def values(self, counts: Mapping[Cell, float]) -> dict[Cell, float]:
        """Counts of published and latent cells; a latent one is the sum along one of its dimensions."""
        known = dict(counts)
        pending = list(self.latent)
        while pending:
            # Latent cells are projections of published ones, so each pass resolves at least one.
            for cell in list(pending):
                for relation in self.relations:
                    if relation.parent == cell and all(c in known for c in relation.children):
                        known[cell] = sum(known[c] for c in relation.children)
                        pending.remove(cell)
                        break
        return known


def build_lattice(
    cells: Collection[Cell], hierarchies: Mapping[int, Mapping[str, str]] | None = None
) -> Lattice:
    """Find all margins of a set of cells and the sums between them.

    Parameters
    ----------
    cells : collection of Cell
        Published cells.
    hierarchies : mapping, optional
        Place of a dimension to (code to the code it is part of), e.g. districts to regions. A code that is
        part of no other is part of the total.

    Examples
    --------
    >>> lattice = build_lattice([("F", "_T"), ("M", "_T"), ("_T", "5-11"), ("_T", "12-17")])
    >>> lattice.latent
    (('_T', '_T'),)
    >>> [relation.children for relation in lattice.relations]
    [(('F', '_T'), ('M', '_T')), (('_T', '5-11'), ('_T', '12-17'))]
    >>> regions = build_lattice([("_T",), ("N",), ("N1",), ("N2",), ("S",)], {0: {"N1": "N", "N2": "N"}})
    >>> [(relation.parent, relation.children) for relation in regions.relations]
    [(('_T',), (('N',), ('S',))), (('N',), (('N1',), ('N2',)))]
    """
    published = tuple(dict.fromkeys(cells))
    above = {i: dict(codes) for i, codes in (hierarchies or {}).items()}

    def lines(i: int, code: str) -> tuple[str, ...]:
        """A code and everything it is part of, the total last."""
        found = [code]
        while found[-1] != TOTAL and len(found) <= len(above.get(i, ())) + 1:
            found.append(above.get(i, {}).get(found[-1], TOTAL))
        return tuple(found)

    nodes: dict[Cell, None] = dict.fromkeys(published)
    for cell in published:
        for margin in product(*(lines(i, code) for i, code in enumerate(cell))):
            nodes.setdefault(margin)
    children: dict[tuple[Cell, int], list[Cell]] = {}
    for cell in nodes:
        for i, code in enumerate(cell):
            if code != TOTAL:
                children.setdefault(((*cell[:i], lines(i, code)[1], *cell[i + 1 :]), i), []).append(cell)
    relations = tuple(Relation(parent, tuple(found)) for (parent, _), found in children.items())
    given = set(published)
    latent = tuple(cell for cell in nodes if cell not in given)
    return Lattice(published, latent, relations)


def inferred_intervals(
    lattice: Lattice,
    counts: Mapping[Cell, float],
    suppressed: Collection[Cell],
    wanted: Collection[Cell] | None = None,
) -> Intervals:
    """Interval an attacker can infer for suppressed cells.

    Parameters
    ----------
    lattice : Lattice
    counts : mapping
        True counts of all published cells.
    suppressed : collection of Cell
        Cells whose count is not published.
    wanted : collection of Cell, optional
        Cells to attack; default all suppressed.

    Returns
    -------
    dict
        Cell to (low, high); high may be infinite. Where categories do not add up to their margin
        (undetermined codes left out), the attacker is taken to know the difference.

    Examples
    --------
    >>> lattice = build_lattice([("_T",), ("F",), ("M",)])
    >>> counts = {("_T",): 40, ("F",): 3, ("M",): 37}
    >>> inferred_intervals(lattice, counts, [("F",)])
    {('F',): (3.0, 3.0)}
    >>> inferred_intervals(lattice, counts, [("F",), ("M",)])[("F",)]
    (0.0, 40.0)
    """
    attack = Attack(lattice, counts, suppressed)
    return {cell: attack.interval(cell) for cell in (attack.hidden if wanted is None else wanted)}


class Attack:
    """What an attacker knows about one table: its sums as equations over the unknown cells."""

    def __init__(self, lattice: Lattice, counts: Mapping[Cell, float], suppressed: Collection[Cell]) -> None:
        gone = set(suppressed)
        self.hidden = [cell for cell in lattice.published if cell in gone]
        self._column = {cell: i for i, cell in enumerate([*self.hidden, *lattice.latent])}
        self._matrix, self._right = _equations(lattice, lattice.values(counts), self._column)

    def interval(self, cell: Cell) -> tuple[float, float]:
        """Smallest and largest count of a suppressed cell that fits everything published."""
        if not len(self._right):
            return 0.0, float("inf")
        aim = np.zeros(len(self._column))
        aim[self._column[cell]] = 1.0
        limits = [sign * least(sign * aim, self._matrix, self._right, (0, None)) for sign in (1.0, -1.0)]
        return max(0.0, round(limits[0], 9)), round(limits[1], 9) if limits[1] < np.inf else np.inf


def _equations(
    lattice: Lattice, values: Mapping[Cell, float], column: Mapping[Cell, int]
) -> tuple[Numbers, Numbers]:
    """Equations that hold an unknown cell: coefficients (equations, unknown cells) and right-hand side."""
    rows, right = [], []
    for relation in lattice.relations:
        if not any(cell in column for cell in relation.members):
            continue
        row = np.zeros(len(column))
        # Known cells go to the right; a margin that its cells do not add up to leaves its difference there.
        difference = values[relation.parent] - sum(values[c] for c in relation.children)
        for cell, sign in [(relation.parent, 1.0), *((c, -1.0) for c in relation.children)]:
            if cell in column:
                row[column[cell]] = sign
            else:
                difference -= sign * values[cell]
        rows.append(row)
        right.append(difference)
    return np.array(rows).reshape(len(rows), len(column)), np.array(right)
