"""Tables of counts as other software makes them: suppression, linked tables, audit of a publication."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from survey_toolkit.dissemination.disclosure.exact import exact
from survey_toolkit.dissemination.disclosure.lattice import (
    Cell,
    Intervals,
    Lattice,
    build_lattice,
    inferred_intervals,
)
from survey_toolkit.dissemination.disclosure.policy import Method
from survey_toolkit.dissemination.disclosure.problem import TINY, Problem
from survey_toolkit.dissemination.disclosure.search import search
from survey_toolkit.errors import DisclosureError
from survey_toolkit.indicators import TOTAL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CountTable", "Suppression", "audit_table", "link_tables", "solve", "suppress_table"]

#: Cells up to which the optimum is looked for by default.
EXACT_CELLS = 150
EXACT_EFFORT = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTable:
    """Counts of people by cell, margins included.

    Attributes
    ----------
    dimensions : tuple of str
    counts : mapping
        Codes of a cell, in the order of the dimensions, ``_T`` for all, to its count.
    hierarchies : mapping
        Dimension to (code to the code it is part of).
    """

    dimensions: tuple[str, ...]
    counts: Mapping[Cell, float]
    hierarchies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cell, count in self.counts.items():
            if len(cell) != len(self.dimensions) or not count >= 0:
                raise DisclosureError(
                    "this is no cell of a table of counts",
                    where=" × ".join(self.dimensions),
                    found=" × ".join(map(str, cell)),
                    expected=f"{len(self.dimensions)} codes and a count of 0 or more",
                    code="bad-cell",
                )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        dimensions: Sequence[str],
        count: str,
        *,
        margin: str = TOTAL,
        hierarchies: Mapping[str, Mapping[str, str]] | None = None,
    ) -> CountTable:
        """Read a table with one row a cell; ``margin`` is its code for "all".

        Examples
        --------
        >>> import pandas as pd
        >>> table = CountTable.from_frame(
        ...     pd.DataFrame({"sex": ["F", "M", "*"], "n": [3, 9, 12]}), ["sex"], "n", margin="*")
        >>> table.counts
        {('F',): 3.0, ('M',): 9.0, ('_T',): 12.0}
        """
        columns = [frame[d].astype(str).tolist() for d in dimensions]
        cells = [tuple(TOTAL if c == margin else c for c in row) for row in zip(*columns, strict=True)]
        counts = dict(zip(cells, (float(n) for n in frame[count]), strict=True))
        if len(counts) != len(cells):
            raise DisclosureError(
                "a cell stands on two rows",
                found=next(" × ".join(c) for c in cells if cells.count(c) > 1),
                code="duplicate-cell",
            )
        return cls(dimensions=tuple(dimensions), counts=counts, hierarchies=hierarchies or {})

    @property
    def lattice(self) -> Lattice:
        """Its sums."""
        places = {self.dimensions.index(d): codes for d, codes in self.hierarchies.items()}
        return build_lattice(self.counts, places)

    def with_margins(self) -> CountTable:
        """The same table with the margins that its cells imply."""
        lattice = self.lattice
        values = lattice.values(self.counts)
        return CountTable(
            dimensions=self.dimensions,
            counts={cell: values[cell] for cell in (*lattice.published, *lattice.latent)},
            hierarchies=self.hierarchies,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Which cells of a table are suppressed, and what an attacker can still infer.

    Attributes
    ----------
    table : CountTable
    primary, complementary : tuple of Cell
        Too small themselves; suppressed to protect those.
    intervals : mapping
        Suppressed cell to the (low, high) that fits everything published.
    width : float
        The interval asked for around a primary cell.
    method : str
        ``exact``, ``search`` or ``tauargus``.
    optimal : bool
        Whether it is proved that fewer cells do not suffice.
    """

    table: CountTable
    primary: tuple[Cell, ...]
    complementary: tuple[Cell, ...]
    intervals: Intervals
    width: float
    method: str
    optimal: bool

    @property
    def hidden(self) -> tuple[Cell, ...]:
        """All suppressed cells."""
        return (*self.primary, *self.complementary)

    @property
    def exposed(self) -> tuple[Cell, ...]:
        """Primary cells that an attacker can tell more closely than asked for; none in a safe table."""
        return tuple(
            c for c in self.primary if self.intervals[c][1] - self.intervals[c][0] < self.width - TINY
        )

    def to_frame(self) -> pd.DataFrame:
        """One row a cell: codes, ``count`` (missing where suppressed) and ``obs_status`` A or Q."""
        import pandas as pd

        gone = set(self.hidden)
        rows = [
            (*cell, None if cell in gone else count, "Q" if cell in gone else "A")
            for cell, count in self.table.counts.items()
        ]
        frame = pd.DataFrame(rows, columns=[*self.table.dimensions, "count", "obs_status"])
        return frame.astype({"count": "Float64"})


def suppress_table(
    table: CountTable,
    *,
    threshold: float = 5,
    primary: Collection[Cell] = (),
    width: float | None = None,
    other_width: float = 1.0,
    method: Method = "auto",
    effort: int = EXACT_EFFORT,
) -> Suppression:
    """Suppress small cells and as few others as protect them; the result is always attacked.

    Parameters
    ----------
    table : CountTable
        With the margins that are published.
    threshold : float
        Counts of 1 to below it are suppressed; zeros are published.
    primary : collection of Cell
        Further cells to suppress, e.g. of :func:`~survey_toolkit.dissemination.dominant_cells`.
    width : float, optional
        Interval to keep open around a primary cell; default the threshold.
    other_width : float
        Interval to keep open around a complementary cell.
    method : {"auto", "exact", "search", "tauargus"}
        ``auto`` proves the optimum for small tables and searches in large ones.
    effort : int
        Linear programmes the exact solution may take, after which the one found by search stays.

    Raises
    ------
    DisclosureError
        If no suppression can protect a cell (for example a table with a single small cell and no other).

    Examples
    --------
    >>> table = CountTable(dimensions=("sex",), counts={("F",): 3, ("M",): 37, ("X",): 8}).with_margins()
    >>> done = suppress_table(table)
    >>> done.primary, done.complementary, done.intervals[("F",)], done.optimal
    ((('F',),), (('X',),), (0.0, 11.0), True)
    """
    small = [c for c, n in table.counts.items() if 0 < n < threshold]
    given = dict.fromkeys([*small, *primary])
    unknown = [cell for cell in given if cell not in table.counts]
    if unknown:
        raise DisclosureError("a cell is not in the table", found=str(unknown[0]), code="unknown-cell")
    asked = float(threshold if width is None else width)
    problem = Problem(table.lattice, (table.counts,), dict.fromkeys(given, (0,)), asked, other_width)
    hidden, used, optimal = solve(problem, method, effort) if given else ([], "search", True)
    done = Suppression(
        table=table,
        primary=tuple(given),
        complementary=tuple(c for c in hidden if c not in given),
        intervals=problem.intervals(hidden) if given else {},
        width=asked,
        method=used,
        optimal=optimal,
    )
    if done.exposed:
        raise DisclosureError(
            "the table cannot be published safely: a small cell can be told from the others",
            where=" × ".join(table.dimensions),
            found=f"{len(done.exposed)} such cells",
            hint="publish fewer breakdowns, or join categories",
            code="not-protectable",
        )
    return done


def solve(problem: Problem, method: Method, effort: int = EXACT_EFFORT) -> tuple[list[Cell], str, bool]:
    """Cells to suppress, how they were found, and whether that is the proved optimum."""
    if method == "tauargus":
        from survey_toolkit.dissemination.disclosure.tauargus import by_tauargus

        # What τ-ARGUS chose is kept; whatever our own attack still finds in it is mended by search.
        start = dict.fromkeys([*problem.primary, *by_tauargus(problem)])
        return search(problem, start=start, prune=False), "tauargus", False
    found = search(problem)
    if method == "exact" or (method == "auto" and len(problem.lattice.published) <= EXACT_CELLS):
        best, optimal = exact(problem, found, effort=effort)
        if optimal:
            return best, "exact", True
    return found, "search", False


def audit_table(table: CountTable, suppressed: Collection[Cell]) -> Intervals:
    """Interval that an attacker can infer for each suppressed cell from all others and the sums.

    Examples
    --------
    >>> table = CountTable(dimensions=("sex",), counts={("F",): 3, ("M",): 37}).with_margins()
    >>> audit_table(table, [("F",)]), audit_table(table, [("F",), ("M",)])[("F",)]
    ({('F',): (3.0, 3.0)}, (0.0, 40.0))
    """
    return inferred_intervals(table.lattice, table.counts, suppressed)


def link_tables(tables: Sequence[CountTable]) -> CountTable:
    """Join tables that are published about the same people, so that they are protected together.

    A table that lacks a dimension is the margin over it.

    Raises
    ------
    DisclosureError
        If the tables give different counts for the same cell.

    Examples
    --------
    >>> sex = CountTable(dimensions=("sex",), counts={("F",): 3, ("M",): 9, ("_T",): 12})
    >>> age = CountTable(dimensions=("age",), counts={("<18",): 5, ("18+",): 7, ("_T",): 12})
    >>> link_tables([sex, age]).counts[("_T", "<18")]
    5
    """
    dimensions = tuple(dict.fromkeys(d for table in tables for d in table.dimensions))
    counts: dict[Cell, float] = {}
    hierarchies: dict[str, Mapping[str, str]] = {}
    for table in tables:
        hierarchies |= table.hierarchies
        for cell, count in table.counts.items():
            codes = dict(zip(table.dimensions, cell, strict=True))
            key = tuple(codes.get(d, TOTAL) for d in dimensions)
            if counts.setdefault(key, count) != count:
                raise DisclosureError(
                    "linked tables give different counts for the same cell",
                    where=" × ".join(key),
                    hint="tables that are published together must rest on the same people",
                    code="tables-differ",
                )
    return CountTable(dimensions=dimensions, counts=counts, hierarchies=hierarchies)
