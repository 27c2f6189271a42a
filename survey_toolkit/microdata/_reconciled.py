"""Which figures of a reconciliation are not shown, so that no small group can be worked out.

Everybody stands in one cell: status under the first version, status under the second. A rate tells how many
are met and not met under its version, its bounds how many are undetermined, a difference what both rates
tell, an effect the size of its group. Weighted figures are taken to tell the counts that they rest on: that
weights are secret is not relied upon. The attacker knows the sums, that no hidden cell is zero, and what is
called small; linear programming gives what he can infer. (The sums are those of a two-way table, so that each
whole number between the ends fits.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from survey_toolkit._frames import MET, NOT_MET, UNDETERMINED
from survey_toolkit._inferred import least
from survey_toolkit.microdata._hidden_counts import open_enough

if TYPE_CHECKING:
    from survey_toolkit.microdata.reconciliation import Movement, Transition

__all__ = ["ALL", "RATE", "Cell", "NotShown", "known_sums", "not_shown", "nothing_shown"]

#: Status under the first and under the second version.
Cell: TypeAlias = tuple[str, str]
#: How much of a rate is shown: nothing, the rate, or its bounds as well.
NOTHING, RATE, ALL = 0, 1, 2
#: For the first and the second rate, what is dearest last.
_LESS_AND_LESS = (
    (ALL, ALL), (ALL, RATE), (RATE, ALL), (RATE, RATE), (ALL, NOTHING), (RATE, NOTHING),
    (NOTHING, ALL), (NOTHING, RATE), (NOTHING, NOTHING),
)  # fmt: skip
_TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class NotShown:
    """What is hidden of one reconciliation.

    Attributes
    ----------
    rates : (int, int)
        How much of each rate is shown: 0 nothing, 1 the rate, 2 its bounds and the undetermined too.
    cells : frozenset of (status, status)
        Cells of the table of transitions.
    movements : frozenset of int
        Movements without numbers.
    small : frozenset of int
        Those of them that may be called small.
    """

    rates: tuple[int, int]
    cells: frozenset[Cell]
    movements: frozenset[int]
    small: frozenset[int]

    @property
    def difference(self) -> bool:
        """Whether difference, standard error and effects are hidden: with one rate they tell the other."""
        return min(self.rates) < RATE

    @property
    def stayed(self) -> bool:
        """Whether the part of those who did not move is hidden: it rests on the met and the not met."""
        return self.difference or bool({(MET, MET), (NOT_MET, NOT_MET)} & self.cells)


@lru_cache(maxsize=64)
def not_shown(
    transitions: tuple[Transition, ...], movements: tuple[Movement, ...], threshold: int
) -> NotShown:
    """What has to be hidden so that groups below the threshold stay open: as little as is found.

    Each group may then be of any size from 1 to below the threshold; where there are too few people for
    that, nothing is shown.
    """
    table = _Table.of(transitions, movements, threshold)
    for told in (True, False):
        for rates in _LESS_AND_LESS:
            if table.holds(rates, frozenset(table.counts), told=told):
                return table.result(rates, table.pruned(rates, told=told), told=told)
    return nothing_shown(transitions, movements)


def nothing_shown(transitions: Iterable[Transition], movements: Sequence[Movement]) -> NotShown:
    """No number at all."""
    return NotShown(
        rates=(NOTHING, NOTHING),
        cells=frozenset((t.before, t.after) for t in transitions),
        movements=frozenset(range(len(movements))),
        small=frozenset(),
    )


@dataclass(frozen=True, slots=True)
class _Need:
    """A sum of cells that must stay open at least from ``low`` to ``high``, or be ``width`` wide."""

    cells: tuple[Cell, ...]
    low: float
    high: float
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells with people in them, and the movements of each."""

    counts: dict[Cell, int]
    inside: dict[Cell, tuple[int, ...]]
    sizes: tuple[int, ...]
    kept: dict[Cell, tuple[frozenset[int], bool]]
    threshold: int

    @classmethod
    def of(cls, transitions: Iterable[Transition], movements: Sequence[Movement], threshold: int) -> _Table:
        counts = {(t.before, t.after): t.n for t in transitions}
        inside: dict[Cell, tuple[int, ...]] = {}
        for i, m in enumerate(movements):
            inside[m.before, m.after] = (*inside.get((m.before, m.after), ()), i)
        sizes = tuple(m.n for m in movements)
        kept = {
            cell: found
            for cell, all_ in inside.items()
            if (found := _within(all_, sizes, threshold)) is not None and counts[cell] >= threshold
        }
        return cls(counts, inside, sizes, kept, threshold)

    def needs(self) -> Iterator[_Need]:
        """Every small group, and cells whose own movements cannot hide each other."""
        t = self.threshold
        for cell, n in self.counts.items():
            parts = max(1, len(self.inside.get(cell, ())))
            if n < t:
                yield _Need((cell,), float(parts), float(max(t - 1, parts + t - 2)))
            elif cell in self.inside and cell not in self.kept:
                yield _Need((cell,), float(n), float(parts + t - 2), t - 1.0)
        for side in (0, 1):
            for status in {cell[side] for cell in self.counts}:
                cells = tuple(cell for cell in self.counts if cell[side] == status)
                if len(cells) > 1 and sum(self.counts[c] for c in cells) < t:
                    yield _Need(cells, float(len(cells)), t - 1.0)

    def holds(self, rates: tuple[int, int], hidden: frozenset[Cell], *, told: bool) -> bool:
        """Whether every need is met although the rest is shown."""
        needs = list(self.needs())
        attack = None
        for need in needs:
            if not hidden.intersection(need.cells):
                return False
            attack = attack or _Attack(self, rates, hidden, told=told)
            low, high = attack.ends(need.cells)
            if low > need.low + _TINY or high < need.high - _TINY or high - low < need.width - _TINY:
                return False
        return True

    def pruned(self, rates: tuple[int, int], *, told: bool) -> frozenset[Cell]:
        """Show cells again as far as that is safe: movements before those who stayed, large before small."""
        hidden = frozenset(self.counts)
        for cell in sorted(self.counts, key=lambda c: (c[0] == c[1], -self.counts[c], c)):
            if self.holds(rates, hidden - {cell}, told=told):
                hidden -= {cell}
        return hidden

    def result(self, rates: tuple[int, int], hidden: frozenset[Cell], *, told: bool) -> NotShown:
        movements: set[int] = set()
        small: set[int] = set()
        for cell, members in self.inside.items():
            gone, called = (frozenset(members), told and len(members) == 1)
            if cell not in hidden:
                gone, called = self.kept[cell]
            movements |= gone
            small |= {i for i in gone if called and self.sizes[i] < self.threshold}
        return NotShown(rates=rates, cells=hidden, movements=frozenset(movements), small=frozenset(small))

    def bounds(self, cell: Cell, *, told: bool) -> tuple[float, float]:
        """What the mark of a hidden cell tells."""
        parts = len(self.inside.get(cell, ()))
        if parts == 1 and told:
            small = self.counts[cell] < self.threshold
            return (1.0, self.threshold - 1.0) if small else (float(self.threshold), float("inf"))
        return float(max(parts, 1)), float("inf")


def _within(
    members: Sequence[int], sizes: Sequence[int], threshold: int
) -> tuple[frozenset[int], bool] | None:
    """Movements of one cell to hide although the cell is shown, and whether small ones may be called so."""
    small = [i for i in members if sizes[i] < threshold]
    others = sorted((i for i in members if sizes[i] >= threshold), key=lambda i: (sizes[i], i))
    for told in (True, False):
        for more in range(len(others) + 1):
            pool = [*small, *others[:more]]
            if open_enough([sizes[i] for i in pool], threshold, told=told):
                return frozenset(pool if small else ()), told
    return None


class _Attack:
    """What a reader can infer about hidden cells."""

    def __init__(self, table: _Table, rates: tuple[int, int], hidden: frozenset[Cell], *, told: bool) -> None:
        self.at = {cell: i for i, cell in enumerate(sorted(hidden))}
        self.shown = {cell: n for cell, n in table.counts.items() if cell not in hidden}
        self.bounds = [table.bounds(cell, told=told) for cell in self.at]
        sums = [list(table.counts), *known_sums(table.counts, rates)]
        self.matrix = np.array([[float(cell in cells) for cell in self.at] for cells in sums])
        self.right = np.array([float(sum(table.counts[c] for c in cells if c in self.at)) for cells in sums])

    def ends(self, cells: Sequence[Cell]) -> tuple[float, float]:
        """Smallest and largest sum of some cells that fits."""
        aim = np.zeros(len(self.at))
        aim[[self.at[c] for c in cells if c in self.at]] = 1.0
        known = sum(self.shown.get(c, 0) for c in cells)
        low = least(aim, self.matrix, self.right, self.bounds)
        high = -least(-aim, self.matrix, self.right, self.bounds)
        return known + low, known + high


def known_sums(cells: Iterable[Cell], rates: tuple[int, int]) -> Iterator[list[Cell]]:
    """Cells whose sum a rate tells: those met, those not met, and with its bounds the undetermined."""
    known = list(cells)
    for side, shown in enumerate(rates):
        statuses = ((), (MET, NOT_MET), (MET, NOT_MET, UNDETERMINED))[shown]
        for status in statuses:
            yield [cell for cell in known if cell[side] == status]
