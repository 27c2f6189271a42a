"""Capture histories: who was seen on which lists, as counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems import _tables
from survey_toolkit.multiple_systems._display import html_table, text_table

__all__ = ["CaptureHistories", "ListAudit"]

MAX_LISTS = 16


@dataclass(frozen=True, slots=True, eq=False)
class CaptureHistories:
    """People seen at least once, counted by the combination of lists that saw them.

    Build one with :meth:`from_counts` or :meth:`from_records`; the constructor checks everything and keeps
    the histories that occur, in a fixed order.

    Attributes
    ----------
    lists : tuple of str
        Names of the ``t`` lists.
    patterns : array of int, shape (m, t)
        1 = on the list, 0 = not.
    counts : array of int, shape (m,)
        People with that history, all above 0.
    notes : tuple of str
        What merging or dropping did.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 5, "10": 20, "01": 30}, lists=["police", "shelter"])
    >>> lists.n_observed
    55
    """

    lists: tuple[str, ...]
    patterns: NDArray[np.int64]
    counts: NDArray[np.int64]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        lists = _tables.check_list_names(self.lists)
        if len(lists) > MAX_LISTS:
            raise EstimationError(
                "there are too many lists",
                found=f"{len(lists)} lists",
                expected=f"at most {MAX_LISTS}",
                hint="merge lists of the same kind",
                code="too-many-lists",
            )
        patterns, counts = _tables.check_table(lists, self.patterns, self.counts)
        patterns.flags.writeable = counts.flags.writeable = False
        object.__setattr__(self, "lists", lists)
        object.__setattr__(self, "patterns", patterns)
        object.__setattr__(self, "counts", counts)

    @classmethod
    def from_counts(
        cls,
        data: Any,
        lists: Sequence[str] | None = None,
        count: str = "count",
        *,
        duplicates: Literal["error", "sum"] = "error",
    ) -> CaptureHistories:
        """Read a table with one row a history.

        Parameters
        ----------
        data : frame, mapping or path
            A frame (pandas, Polars, Arrow, DuckDB) or CSV/Parquet file with a 0/1 column a list and a count
            column; a mapping of columns; or a mapping ``{"101": 4}`` / ``{(1, 0, 1): 4}``.
        lists : sequence of str, optional
            List columns in order; default every column but ``count``. Needed for history mappings.
        count : str
            Column with the number of people.
        duplicates : {"error", "sum"}
            What to do when a history stands in two rows; ``"sum"`` suits tables split by a stratum.

        Raises
        ------
        EstimationError
            Columns missing, values other than 0/1, negative, missing or fractional counts, a history twice,
            people on no list, fewer than two lists, a list with nobody.
        """
        names, patterns, counts = _tables.read_counts(data, lists, count)
        if duplicates == "sum":
            rows = _tables.check_membership(patterns, names)
            patterns, counts = _tables.sum_duplicates(rows, _tables.check_counts(counts))
        return cls(tuple(names), patterns, counts)

    @classmethod
    def from_records(
        cls, data: Any, lists: Sequence[str] | None = None, *, key: str | None = None
    ) -> CaptureHistories:
        """Count histories from one row a person, or from one file a list.

        Parameters
        ----------
        data : frame, mapping of columns or path; with ``key`` a mapping list name -> frame or path
            One table with a 0/1 or Boolean column a list; or one table a list, whose rows are people.
        lists : sequence of str, optional
            List columns; with ``key`` the lists to use and their order, default all.
        key : str, optional
            Column that names the same person on every list. Lists without one are linked by
            :func:`~survey_toolkit.multiple_systems.linkage.link_records`.

        Raises
        ------
        EstimationError
            As :meth:`from_counts`; also when membership is missing or a person is on no list.

        Examples
        --------
        >>> import pandas as pd
        >>> people = pd.DataFrame({"ngo": [1, 1, 0], "police": [0, 1, 1]})
        >>> CaptureHistories.from_records(people, ["ngo", "police"]).counts.tolist()
        [1, 1, 1]
        >>> files = {"ngo": pd.DataFrame({"id": [1, 2]}), "police": pd.DataFrame({"id": [2, 3]})}
        >>> CaptureHistories.from_records(files, key="id").counts.tolist()
        [1, 1, 1]
        """
        if key is not None:
            names, patterns, note = _tables.read_list_files(data, lists, key)
            patterns, counts = _tables.sum_duplicates(patterns, np.ones(len(patterns)))
            return cls(tuple(names), patterns, counts, (note,) if note else ())
        if lists is None:
            raise EstimationError(
                "name the list columns, or the key that joins one table a list",
                where="lists",
                expected="lists=['A', 'B', ...] or key='person_id'",
                code="missing-lists",
            )
        names, patterns = _tables.read_records(data, lists)
        patterns, counts = _tables.sum_duplicates(patterns, np.ones(len(patterns)))
        return cls(tuple(names), patterns, counts)

    @property
    def n_lists(self) -> int:
        """Number of lists."""
        return len(self.lists)

    @property
    def n_observed(self) -> int:
        """People seen on at least one list."""
        return int(self.counts.sum())

    def table(self) -> NDArray[np.float64]:
        """Counts by cell number, shape (2^t,): bit ``j`` of the cell is list ``j``; cell 0 (unseen) is 0."""
        out = np.zeros(1 << self.n_lists)
        out[self.patterns @ (1 << np.arange(self.n_lists))] = self.counts
        return out

    def overlap_matrix(self) -> NDArray[np.int64]:
        """People on both lists, shape (t, t); the diagonal holds the list sizes."""
        out: NDArray[np.int64] = (self.patterns * self.counts[:, None]).T @ self.patterns
        return out

    def overlaps(self) -> dict[tuple[str, str], int]:
        """People on both lists of every pair."""
        matrix = self.overlap_matrix()
        return {
            (self.lists[a], self.lists[b]): int(matrix[a, b]) for a, b in combinations(range(self.n_lists), 2)
        }

    def merge(self, groups: Mapping[str, Sequence[str]]) -> CaptureHistories:
        """Merge lists: a person is on the merged list when on any of its parts. Nobody is lost.

        Parameters
        ----------
        groups : mapping
            ``{"PFNCA": ["PF", "NCA"]}``; the merged list takes the place of its first part.
        """
        parts = [name for group in groups.values() for name in group]
        self._known(parts, "merge")
        if len(set(parts)) != len(parts) or any(not group for group in groups.values()):
            raise EstimationError(
                "a list can be merged once, and a group needs lists",
                where="merge",
                found=repr({k: list(v) for k, v in groups.items()}),
                code="bad-merge",
            )
        names, columns = [], []
        for j, name in enumerate(self.lists):
            group = next((k for k, v in groups.items() if name in v), None)
            if group is None:
                names.append(name)
                columns.append(self.patterns[:, j])
            elif name == next(n for n in self.lists if n in groups[group]):
                names.append(group)
                columns.append(self.patterns[:, [self.lists.index(n) for n in groups[group]]].max(axis=1))
        patterns, counts = _tables.sum_duplicates(np.column_stack(columns), self.counts)
        text = "; ".join(f"{' + '.join(v)} merged into {k}" for k, v in groups.items())
        return CaptureHistories(tuple(names), patterns, counts, (*self.notes, text))

    def drop(self, names: Iterable[str]) -> CaptureHistories:
        """Leave lists out; people seen only there leave the table, and the note says how many."""
        gone = [names] if isinstance(names, str) else list(names)
        self._known(gone, "drop")
        keep = [j for j, name in enumerate(self.lists) if name not in gone]
        if len(keep) < 2:
            _tables.check_list_names([self.lists[j] for j in keep])
        patterns = self.patterns[:, keep]
        seen = patterns.any(axis=1)
        lost = int(self.counts[~seen].sum())
        text = f"without {', '.join(gone)}: {lost} people seen only there left the table"
        patterns, counts = _tables.sum_duplicates(patterns[seen], self.counts[seen])
        return CaptureHistories(tuple(self.lists[j] for j in keep), patterns, counts, (*self.notes, text))

    def audit(self) -> ListAudit:
        """Look at the table before any model: sizes, overlaps, empty pairs, containment."""
        return ListAudit.of(self)

    def _known(self, names: Iterable[str], where: str) -> None:
        for name in names:
            if name not in self.lists:
                raise EstimationError(
                    "there is no such list",
                    where=where,
                    found=repr(name),
                    expected=did_you_mean(name, self.lists),
                    code="unknown-list",
                )

    def _rows(self) -> list[list[object]]:
        return [[*map(int, p), int(c)] for p, c in zip(self.patterns, self.counts, strict=True)]

    def __repr__(self) -> str:
        size = f"{self.n_lists} lists, {self.n_observed:,} people, {len(self.counts)} histories"
        return f"CaptureHistories: {size}\n" + text_table([*self.lists, "count"], self._rows())

    def _repr_html_(self) -> str:
        caption = f"{self.n_observed:,} people on {self.n_lists} lists"
        return html_table([*self.lists, "count"], self._rows(), caption=caption)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAudit:
    """What the table itself says, before any model.

    Attributes
    ----------
    n, n_histories, n_possible : int
        People, histories that occur, histories that could (2^t - 1).
    list_sizes : mapping list -> people
    singletons : int
        People on exactly one list.
    overlaps : mapping (a, b) -> people on both
    empty_pairs : pairs that share nobody
    contained : pairs (a, b): everybody on ``a`` is on ``b`` too
    identical : pairs with exactly the same people
    covers_all : lists that hold everybody observed
    n_overlapping_triples : int
        Triples of lists that overlap pairwise.
    warnings : tuple of str
        What a statistician should see to first.
    """

    n: int
    n_histories: int
    n_possible: int
    list_sizes: Mapping[str, int]
    singletons: int
    overlaps: Mapping[tuple[str, str], int]
    empty_pairs: tuple[tuple[str, str], ...]
    contained: tuple[tuple[str, str], ...]
    identical: tuple[tuple[str, str], ...]
    covers_all: tuple[str, ...]
    n_overlapping_triples: int
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, data: CaptureHistories) -> ListAudit:
        """Audit a table."""
        names, n = data.lists, data.n_observed
        matrix = data.overlap_matrix()
        sizes = {name: int(matrix[j, j]) for j, name in enumerate(names)}
        overlaps = data.overlaps()
        empty = tuple(pair for pair, count in overlaps.items() if count == 0)
        identical = tuple(p for p, c in overlaps.items() if c == sizes[p[0]] == sizes[p[1]])
        contained = tuple(
            (a, b)
            for i, a in enumerate(names)
            for j, b in enumerate(names)
            if i != j and matrix[i, j] == sizes[a] and not {(a, b), (b, a)} & set(identical)
        )
        covers = tuple(name for name, size in sizes.items() if size == n)
        triples = sum(
            all(matrix[a, b] > 0 for a, b in combinations(triple, 2))
            for triple in combinations(range(len(names)), 3)
        )
        return cls(
            n=n,
            n_histories=len(data.counts),
            n_possible=2**data.n_lists - 1,
            list_sizes=sizes,
            singletons=int(data.counts[data.patterns.sum(axis=1) == 1].sum()),
            overlaps=overlaps,
            empty_pairs=empty,
            contained=contained,
            identical=identical,
            covers_all=covers,
            n_overlapping_triples=triples,
            warnings=_audit_warnings(empty, contained, identical, covers, len(overlaps)),
        )

    def _rows(self) -> list[list[object]]:
        names = list(self.list_sizes)
        full = {**self.overlaps, **{(b, a): c for (a, b), c in self.overlaps.items()}}
        return [
            [
                a,
                *(self.list_sizes[a] if a == b else full[a, b] for b in names),
                f"{self.list_sizes[a] / self.n:.1%}",
            ]
            for a in names
        ]

    def _summary(self) -> str:
        return (
            f"{self.n:,} people, {self.n_histories} of {self.n_possible} histories occur, "
            f"{self.singletons / self.n:.1%} on one list only"
        )

    def __repr__(self) -> str:
        table = text_table(["people on both", *self.list_sizes, "of all seen"], self._rows())
        return "\n".join(["ListAudit: " + self._summary(), table, *(f"! {w}" for w in self.warnings)])

    def _repr_html_(self) -> str:
        return html_table(
            ["people on both", *self.list_sizes, "of all seen"],
            self._rows(),
            caption=self._summary(),
            notes=self.warnings,
        )


def _audit_warnings(
    empty: Sequence[tuple[str, str]],
    contained: Sequence[tuple[str, str]],
    identical: Sequence[tuple[str, str]],
    covers: Sequence[str],
    n_pairs: int,
) -> tuple[str, ...]:
    out = []
    if n_pairs and len(empty) == n_pairs:
        out.append("no two lists share anybody: nothing in the table tells how many are unseen")
    elif empty:
        pairs = ", ".join(":".join(p) for p in empty)
        out.append(f"no overlap between {pairs}: such a term, if in the model, is at minus infinity")
    out += [f"{a} and {b} hold exactly the same people: they are one list" for a, b in identical]
    out += [f"everybody on {a} is on {b} too: the lists are not separate sources" for a, b in contained]
    out += [f"{name} holds everybody observed: the others add nothing to what it missed" for name in covers]
    return tuple(out)
