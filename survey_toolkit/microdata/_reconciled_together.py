"""Several reconciliations of the same people: what they tell together.

Whoever moved by the hours of work moves in child labour with and without chores: a group that the one status
shows may be all that hides a small group in the other. The groups of every two statuses are linked by the
rows that they share, and attacked together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from survey_toolkit._inferred import least
from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata._hidden_counts import Partition
from survey_toolkit.microdata._hidden_links import shared_blocks
from survey_toolkit.microdata._reconciled import Cell, known_sums
from survey_toolkit.microdata.reconciliation import THRESHOLD, Reconciliation

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["reconciled_together"]

#: Number of a reconciliation and of a group of it.
Key: TypeAlias = tuple[int, int]
_TINY = 1e-6


def reconciled_together(
    found: Sequence[Reconciliation], *, threshold: int = THRESHOLD
) -> tuple[Reconciliation, ...]:
    """Reconciliations of one data set that may be shown beside each other.

    Parameters
    ----------
    found : sequence of Reconciliation
        Of the same rows, the most important first.
    threshold : int
        Smallest group that is shown.

    Returns
    -------
    tuple of Reconciliation
        The same; from the last on, those are withheld (``withheld``: without any number) that would tell
        a group below the threshold together with others.

    Raises
    ------
    HarmonizationError
        If they are not of the same rows: what they tell together is not known then.

    Examples
    --------
    >>> reconciled_together([])
    ()
    """
    done = list(found)
    rows = sorted({one.n for one in done})
    if len(rows) > 1:
        raise HarmonizationError(
            "reconciliations of other rows cannot be protected together",
            where="found",
            found=f"{len(rows)} numbers of rows",
            expected="results of reconcile() on one data set",
            hint="give those of each data set in a call of its own",
            code="other-rows",
        )
    for last in range(len(done) - 1, 0, -1):
        if not _exposed(done, threshold):
            break
        done[last] = replace(done[last], withheld=True)
    return tuple(done)


def _exposed(found: Sequence[Reconciliation], threshold: int) -> bool:
    """Whether a small group is not left open from 1 to below the threshold."""
    from scipy.sparse import csr_array

    views = [_View(one, threshold) for one in found]
    at = {(k, g): i for i, (k, g) in enumerate((k, g) for k, v in enumerate(views) for g in v.groups)}
    sums = [*_own(views), *_shared(views)]
    rows, columns, signs = [], [], []
    for number, (terms, _) in enumerate(sums):
        for key, sign in terms.items():
            rows.append(number)
            columns.append(at[key])
            signs.append(sign)
    matrix = csr_array((signs, (rows, columns)), shape=(len(sums), len(at)))
    right = [total for _, total in sums]
    bounds = [views[k].bounds(g) for k, g in at]
    for k, group in at:
        if views[k].hides_small(group):
            for sign, need in ((1.0, 1.0), (-1.0, 1.0 - threshold)):
                aim = np.zeros(len(at))
                aim[at[k, group]] = sign
                if least(aim, matrix, right, bounds) > need + _TINY:
                    return True
    return False


class _View:
    """Groups of one reconciliation, and what is shown of them."""

    def __init__(self, one: Reconciliation, threshold: int) -> None:
        self.one, self.threshold = one, threshold
        self.gone = one.hidden(threshold)
        numbers, place, counts = np.unique(one.places, return_inverse=True, return_counts=True)
        self.numbers = numbers.tolist()
        self.groups = range(len(numbers))
        self.counts = counts.tolist()
        self.parts = Partition(
            place=place, counts=tuple(self.counts), groups=("",) * len(numbers), codes=tuple(numbers)
        )

    def cell(self, group: int) -> Cell:
        n = self.numbers[group]
        if n < len(self.one.movements):
            return self.one.movements[n].before, self.one.movements[n].after
        stayed = self.one.transitions[n - len(self.one.movements)]
        return stayed.before, stayed.after

    def hides_small(self, group: int) -> bool:
        """Whether the group is small; one of a reconciliation without any number is told by others only."""
        return self.counts[group] < self.threshold and not self.one.withheld

    def bounds(self, group: int) -> tuple[float, float]:
        """What its mark tells; where any group is called small, one that is not is taken not to be."""
        n = self.numbers[group]
        if n in self.gone.small:
            return 1.0, self.threshold - 1.0
        told = bool(self.gone.small) and n in self.gone.movements and self.counts[group] >= self.threshold
        return (float(self.threshold) if told else 1.0), float("inf")

    def known(self) -> Iterator[list[int]]:
        """Groups whose sum is shown."""
        yield list(self.groups)
        cells = {group: self.cell(group) for group in self.groups}
        for cell in set(cells.values()) - self.gone.cells:
            yield [g for g in self.groups if cells[g] == cell]
        for some in known_sums(set(cells.values()), self.gone.rates):
            yield [g for g in self.groups if cells[g] in some]
        shown = range(len(self.one.movements))
        yield from (
            [g]
            for g in self.groups
            if self.numbers[g] in shown and self.numbers[g] not in self.gone.movements
        )


def _own(views: Sequence[_View]) -> Iterator[tuple[dict[Key, float], float]]:
    for k, view in enumerate(views):
        for some in view.known():
            yield {(k, g): 1.0 for g in some}, float(sum(view.counts[g] for g in some))


def _shared(views: Sequence[_View]) -> Iterator[tuple[dict[Key, float], float]]:
    """The same rows have the same number."""
    for (a, one), (b, two) in combinations(enumerate(views), 2):
        blocks: tuple[NDArray[Any], NDArray[Any]] = shared_blocks(one.parts, two.parts)
        for block in np.unique(blocks[0]):
            ours = {(a, int(g)): 1.0 for g in np.flatnonzero(blocks[0] == block)}
            theirs = {(b, int(g)): -1.0 for g in np.flatnonzero(blocks[1] == block)}
            yield ours | theirs, 0.0
