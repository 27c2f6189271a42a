"""Which counts of a column are not shown, so that no small one can be had by subtraction.

The rows of a column are parted into cells: its codes, and its missing cells by reason. Cells belong to groups
(the answers, and each missing reason), groups to the rows of the file, whose number everybody knows. Where a
small cell is hidden, further cells are hidden with it until the sums that remain leave it open: each number
from 1 to below the threshold must fit everything that is shown, marks included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from survey_toolkit.microdata._cells import Cells

__all__ = ["HIDDEN", "SMALL", "VALID", "Hiding", "Partition", "open_enough", "partition"]

#: Counts below this are not shown.
SMALL = 5
#: Mark of a count that is hidden for the sake of others, or whose size even in words would tell too much.
HIDDEN = "·"
#: Group of the cells that are answers; the other groups are missing reasons.
VALID = "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Rows of one column by what they hold.

    Attributes
    ----------
    place : integer array, shape (rows,)
        Cell of each row.
    counts : tuple of int
        Rows of each cell.
    groups : tuple of str
        Group of each cell: ``valid`` or a missing reason.
    codes : tuple
        Code of each cell; None for a cell that is not listed by itself.
    """

    place: NDArray[Any]
    counts: tuple[int, ...]
    groups: tuple[str, ...]
    codes: tuple[Any, ...]


def partition(raw: pd.Series[Any], cells: Cells, *, coded: bool) -> Partition:
    """Part the rows of a column by code (where ``coded``) and by missing reason."""
    import pandas as pd

    from survey_toolkit.microdata.model import MISSING_REASONS

    names = (VALID, *MISSING_REASONS)
    if coded:
        numbers, uniques = pd.factorize(raw)
        listed: list[Any] = list(uniques)
    else:
        numbers, listed = np.full(len(raw), -1, dtype=np.int64), []
    whole = np.where(numbers >= 0, numbers, len(listed) + cells.reasons.astype(np.int64))
    found, first, place, counts = np.unique(whole, return_index=True, return_inverse=True, return_counts=True)
    return Partition(
        place=place.astype(np.uint8 if len(found) < 256 else np.int32),
        counts=tuple(int(n) for n in counts),
        groups=tuple(names[cells.reasons[row]] for row in first),
        codes=tuple(listed[i] if i < len(listed) else None for i in found),
    )


def open_enough(counts: Iterable[int], threshold: int, *, told: bool) -> bool:
    """Whether cells of which only the sum is known leave each small one open from 1 to below the threshold.

    ``told``: the reader knows which of them are small, and that the others are not; otherwise only that
    none is zero.

    Examples
    --------
    >>> [open_enough(c, 5, told=True) for c in ([3], [3, 5], [3, 6], [4, 4], [2, 3], [9])]
    [False, False, True, False, True, True]
    >>> open_enough([3, 5], 5, told=False)
    True
    """
    cells = list(counts)
    small = sum(n < threshold for n in cells)
    large, total = len(cells) - small, sum(cells)
    if not small:
        return True
    if not told:
        return len(cells) > 1 and total >= len(cells) + threshold - 2
    enough = total >= small + threshold - 2 + threshold * large
    return enough and (large > 0 or total <= (threshold - 1) * small - (threshold - 2))


@dataclass(slots=True)
class Hiding:
    """What is hidden of one column.

    Attributes
    ----------
    hidden : set of int
        Cells.
    opened : set of str
        Groups whose number of rows is hidden.
    told : bool
        Whether small cells are marked as small; where that would tell too much all marks are alike.
    """

    parts: Partition
    threshold: int = SMALL
    hidden: set[int] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    told: bool = True

    def members(self, group: str) -> list[int]:
        """Cells of a group."""
        return [i for i, name in enumerate(self.parts.groups) if name == group]

    def small(self) -> list[int]:
        """Cells below the threshold."""
        return [i for i, n in enumerate(self.parts.counts) if n < self.threshold]

    def pools(self) -> list[list[int]]:
        """Hidden cells whose sum a reader knows: each closed group, and all open groups together."""
        inside = [[i for i in self.members(g) if i in self.hidden] for g in self._closed()]
        apart = [i for i in sorted(self.hidden) if self.parts.groups[i] in self.opened]
        return [pool for pool in (*inside, apart) if pool]

    def safe(self) -> bool:
        """Whether every pool leaves its small cells open."""
        return all(self._safe(pool) for pool in self.pools())

    def solve(self) -> Hiding:
        """Hide small cells and what would give them away; returns itself."""
        alone = {g for g in self.parts.groups if len(self.members(g)) == 1}
        unlisted = {
            i for i, c in enumerate(self.parts.codes) if c is None and self.parts.groups[i] not in alone
        }
        self.hidden = unlisted | set(self.small())
        self.opened = {self.parts.groups[i] for i in self.hidden} & alone
        for group in sorted(self._closed()):
            self._close(group)
        while not self.safe() and self.widen():
            pass
        self._prune(unlisted)
        return self

    def widen(self) -> bool:
        """Hide one more cell; False where nothing is left to hide."""
        counts, groups = self.parts.counts, self.parts.groups
        shown = [i for i in range(len(counts)) if i not in self.hidden]
        if shown:
            best = min(shown, key=lambda i: (groups[i] not in self.opened, groups[i] != VALID, counts[i], i))
            self.hidden.add(best)
            self.opened.add(groups[best])
            return True
        more = self.told or self._closed() != set()
        self.told, self.opened = False, set(groups)
        return more

    def mark(self, cell: int) -> str:
        """How a hidden cell is shown."""
        small = self.told and self.parts.counts[cell] < self.threshold
        return f"<{self.threshold}" if small else HIDDEN

    def total(self, group: str) -> tuple[int | None, str]:
        """Rows of a group, or None and its mark."""
        cells = self.members(group)
        if group not in self.opened:
            return sum(self.parts.counts[i] for i in cells), ""
        # how many small codes a small group has is seen: its own mark must not say more
        return None, self.mark(cells[0]) if len(cells) == 1 else HIDDEN

    def bounds(self, cell: int) -> tuple[float, float]:
        """What its mark alone tells of a hidden cell."""
        unlisted = self.parts.codes[cell] is None and len(self.members(self.parts.groups[cell])) > 1
        if not self.told or unlisted:
            return 1.0, float("inf")
        small = self.parts.counts[cell] < self.threshold
        return (1.0, self.threshold - 1.0) if small else (float(self.threshold), float("inf"))

    def _closed(self) -> set[str]:
        return set(self.parts.groups) - self.opened

    def _safe(self, pool: Sequence[int]) -> bool:
        return open_enough([self.parts.counts[i] for i in pool], self.threshold, told=self.told)

    def _close(self, group: str) -> None:
        """Keep the number of rows of a group where its own cells can protect each other."""
        cells = self.members(group)
        before = [i for i in cells if i in self.hidden]
        others = sorted((self.parts.counts[i], i) for i in cells if i not in self.hidden)
        pool = list(before)
        while not self._safe(pool) and others:
            pool.append(others.pop(0)[1])
        if self._safe(pool):
            self.hidden |= set(pool)
        else:
            self.opened.add(group)

    def _prune(self, unlisted: set[int]) -> None:
        """Show again what nothing needs hidden, the largest first, and totals that can be known."""
        if not self.safe():
            return
        keep = {*unlisted, *self.small()}
        for cell in sorted(self.hidden - keep, key=lambda i: -self.parts.counts[i]):
            alone = len(self.members(self.parts.groups[cell])) == 1
            self._try(self.hidden - {cell}, self.opened - ({self.parts.groups[cell]} if alone else set()))
        for group in sorted(self.opened):
            if len(self.members(group)) > 1:
                self._try(self.hidden, self.opened - {group})

    def _try(self, hidden: set[int], opened: set[str]) -> None:
        before = self.hidden, self.opened
        self.hidden, self.opened = hidden, opened
        if not self.safe():
            self.hidden, self.opened = before
