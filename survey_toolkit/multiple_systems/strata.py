"""Capture histories split by covariates: sex, age, form of exploitation, year, region.

A list may be absent in a stratum (it did not operate there), and a covariate may be recorded only by some
lists; both are declared or read from the empty cells of the table, never guessed person by person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems import _tables
from survey_toolkit.multiple_systems._display import html_table, text_table
from survey_toolkit.multiple_systems._people import frame_columns, level_text
from survey_toolkit.multiple_systems.histories import CaptureHistories

__all__ = ["StratifiedHistories"]

IntArray = NDArray[np.int64]
Stratum = tuple[str, ...]
UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class StratifiedHistories:
    """People seen at least once, counted by list combination and covariate levels.

    Build one with :meth:`from_counts`, :meth:`from_records` or :meth:`from_strata`.

    Attributes
    ----------
    lists : tuple of str
    by : tuple of str
        Covariates.
    levels : tuple of tuple of str
        Levels of each covariate, sorted.
    histories : array (m, t)
        1 on the list, 0 not, -1 the list did not operate in that stratum.
    codes : array (m, k)
        Level number of each covariate, -1 where no list that saw these people records it.
    counts : array (m,)
    recorded : mapping covariate -> lists
        Covariates only some lists record.

    Examples
    --------
    >>> table = {"A": [1, 1, 0, 1, 1, 0], "B": [1, 0, 1, 1, 0, 1], "sex": list("FFFMMM"),
    ...          "count": [10, 40, 30, 5, 20, 25]}
    >>> StratifiedHistories.from_counts(table, ["A", "B"], ["sex"]).strata
    (('F',), ('M',))
    """

    lists: tuple[str, ...]
    by: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    histories: IntArray
    codes: IntArray
    counts: IntArray
    recorded: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        for array in (self.histories, self.codes, self.counts):
            array.flags.writeable = False
        _check_recorded(self)

    @classmethod
    def from_counts(
        cls,
        data: Any,
        lists: Sequence[str],
        by: Sequence[str],
        count: str = "count",
        *,
        recorded: Mapping[str, Sequence[str]] | None = None,
    ) -> StratifiedHistories:
        """Read a table with one row a history and stratum; other columns are summed over.

        Parameters
        ----------
        data : frame, mapping of columns or path
        lists, by : sequence of str
            0/1 columns and covariate columns. A list column that is missing in a whole stratum did not
            operate there.
        count : str
        recorded : mapping, optional
            ``{"religion": ["police"]}``: only the police records religion, so it is missing for people whom
            the police did not see.

        Raises
        ------
        EstimationError
            Missing columns or values that no declaration explains; bad counts; people on no list.
        """
        columns = frame_columns(data, [*lists, *by, count], "table")
        return cls._build(columns, lists, by, _tables.check_counts(columns[count]), recorded)

    @classmethod
    def from_records(
        cls,
        data: Any,
        lists: Sequence[str],
        by: Sequence[str],
        *,
        recorded: Mapping[str, Sequence[str]] | None = None,
    ) -> StratifiedHistories:
        """Count one row a person; see :meth:`from_counts`."""
        columns = frame_columns(data, [*lists, *by])
        n = len(columns[lists[0]])
        return cls._build(columns, lists, by, np.ones(n, dtype=np.int64), recorded)

    @classmethod
    def from_strata(
        cls,
        tables: Mapping[str, CaptureHistories],
        lists: Sequence[str] | None = None,
        *,
        by: str = "stratum",
    ) -> StratifiedHistories:
        """Join one table a stratum; a list that a table does not have did not operate there."""
        names = tuple(lists or dict.fromkeys(n for t in tables.values() for n in t.lists))
        columns: dict[str, list[Any]] = {name: [] for name in (*names, by)}
        counts: list[int] = []
        for label, table in tables.items():
            for name in names:
                here = table.lists.index(name) if name in table.lists else None
                columns[name] += [None if here is None else int(p[here]) for p in table.patterns]
            columns[by] += [label] * len(table.counts)
            counts += table.counts.tolist()
        return cls._build(columns, names, [by], np.array(counts), None)

    @classmethod
    def _build(
        cls,
        columns: Mapping[str, Sequence[Any]],
        lists: Sequence[str],
        by: Sequence[str],
        counts: IntArray,
        recorded: Mapping[str, Sequence[str]] | None,
    ) -> StratifiedHistories:
        names = _tables.check_list_names(lists)
        told = {k: tuple(v) for k, v in (recorded or {}).items()}
        levels, codes = _read_codes(columns, by)
        histories = _read_histories(columns, names, codes, by)
        nobody = (histories <= 0).all(axis=1) & (counts > 0)
        if nobody.any():
            raise EstimationError(
                "the history of zeros has a count, but people on no list cannot have been observed",
                where="table",
                found=f"{int(counts[nobody].sum())} people on no list",
                hint="remove those rows; their number is what is estimated",
                code="all-zero-history",
            )
        both = np.hstack([histories, codes])[(histories > 0).any(axis=1)]
        rows, summed = _tables.sum_duplicates(both, counts[(histories > 0).any(axis=1)])
        t = len(names)
        return cls(names, tuple(by), levels, rows[:, :t], rows[:, t:], summed.astype(np.int64), told)

    @property
    def n_observed(self) -> int:
        """People seen on at least one list."""
        return int(self.counts.sum())

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """Every combination of levels, the last covariate changing fastest."""
        return tuple(product(*self.levels))

    @property
    def complete(self) -> bool:
        """Every covariate is known for everybody."""
        return not self.recorded

    def operating(self) -> NDArray[np.bool_]:
        """Whether each list operated in each stratum, shape (strata, t)."""
        out = np.ones((len(self.strata), len(self.lists)), dtype=bool)
        for i, codes in enumerate(product(*(range(len(v)) for v in self.levels))):
            rows = (self.codes == codes).all(axis=1)
            if rows.any():
                out[i] = (self.histories[rows] >= 0).all(axis=0)
        return out

    def stratum(self, code: str | Sequence[str]) -> CaptureHistories:
        """Histories of one stratum on the lists that operated there."""
        key = (code,) if isinstance(code, str) else tuple(map(str, code))
        if key not in self.strata:
            raise EstimationError(
                "there is no such stratum",
                where="stratum",
                found="/".join(key),
                expected=did_you_mean("/".join(key), ["/".join(s) for s in self.strata]),
            )
        numbers = [self.levels[j].index(v) for j, v in enumerate(key)]
        rows = (self.codes == numbers).all(axis=1)
        active = np.flatnonzero(self.operating()[self.strata.index(key)])
        names = tuple(self.lists[j] for j in active)
        patterns, counts = _tables.sum_duplicates(self.histories[rows][:, active], self.counts[rows])
        return CaptureHistories(names, patterns, counts)

    def collapse(self) -> CaptureHistories:
        """One table over all strata; lists must have operated everywhere."""
        if (self.histories < 0).any():
            raise EstimationError(
                "a list that did not operate everywhere cannot be summed over strata",
                found=", ".join(n for j, n in enumerate(self.lists) if (self.histories[:, j] < 0).any()),
                hint="use loglinear_covariates(), which knows where it is absent",
                code="absent-list",
            )
        return CaptureHistories(self.lists, *_tables.sum_duplicates(self.histories, self.counts))

    def apply(self, method: Callable[[CaptureHistories], Any]) -> dict[Stratum, Any]:
        """Apply a function to every stratum; errors are kept as values."""
        out: dict[Stratum, Any] = {}
        for code in self.strata:
            try:
                out[code] = method(self.stratum(code))
            except EstimationError as error:
                out[code] = error
        return out

    def _rows(self) -> list[list[object]]:
        shown: list[list[object]] = []
        for i, (history, codes) in enumerate(zip(self.histories, self.codes, strict=True)):
            marks = ["·" if h < 0 else int(h) for h in history]
            labels = ["?" if c < 0 else self.levels[j][c] for j, c in enumerate(codes)]
            shown.append([*marks, *labels, int(self.counts[i])])
        return shown

    def __repr__(self) -> str:
        head = f"StratifiedHistories: {self.n_observed:,} people, {len(self.strata)} strata"
        return head + "\n" + text_table([*self.lists, *self.by, "count"], self._rows()[:40])

    def _repr_html_(self) -> str:
        return html_table(
            [*self.lists, *self.by, "count"],
            self._rows(),
            caption=f"{self.n_observed:,} people in {len(self.strata)} strata",
        )


def _read_codes(
    columns: Mapping[str, Sequence[Any]], by: Sequence[str]
) -> tuple[tuple[tuple[str, ...], ...], IntArray]:
    levels, numbers = [], []
    for name in by:
        raw = [None if _tables.is_missing(v) else level_text(v) for v in columns[name]]
        known = tuple(sorted({v for v in raw if v is not None}, key=_natural))
        if not known:
            raise EstimationError("a covariate is never known", where=f"column '{name}'")
        levels.append(known)
        where = {v: i for i, v in enumerate(known)}
        numbers.append([UNKNOWN if v is None else where[v] for v in raw])
    codes = np.array(numbers, dtype=np.int64).reshape(len(by), -1).T
    return tuple(levels), codes


def _natural(value: str) -> tuple[bool, float, str]:
    """Numbers in their order, before text."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def _read_histories(
    columns: Mapping[str, Sequence[Any]], lists: Sequence[str], codes: IntArray, by: Sequence[str]
) -> IntArray:
    """0/1 membership; -1 where a list is missing in every row of the stratum."""
    raw = _tables._matrix(columns, lists)
    missing = np.array([[_tables.is_missing(v) for v in row] for row in raw]).reshape(raw.shape)
    filled = np.where(missing, 0, raw)
    out = _tables.check_membership(filled, lists)
    _, group = np.unique(codes, axis=0, return_inverse=True)
    group = np.ravel(group)
    for j, name in enumerate(lists):
        share = np.bincount(group, weights=missing[:, j]) / np.bincount(group)
        mixed = int(((share > 0) & (share < 1)).sum())
        if mixed:
            raise EstimationError(
                "membership is missing for some rows of a stratum and known for others",
                where=f"column '{name}'",
                found=f"{mixed} strata of {', '.join(by)}",
                expected="0/1 throughout, or missing throughout where the list did not operate",
                code="bad-membership",
            )
    out[missing] = UNKNOWN
    empty = [n for j, n in enumerate(lists) if not (out[:, j] == 1).any()]
    if empty:
        raise EstimationError(
            "a list with nobody on it says nothing", where="lists", found=", ".join(empty), code="empty-list"
        )
    return out


def _check_recorded(data: StratifiedHistories) -> None:
    """A covariate is known exactly for the people whom a recording list saw."""
    for name, lists in data.recorded.items():
        unknown = [n for n in lists if n not in data.lists] + ([] if name in data.by else [name])
        if unknown or not lists:
            raise EstimationError(
                "recorded= names a covariate or list that is not there",
                where="recorded",
                found=", ".join(map(repr, unknown)) or f"no list records {name}",
                expected=did_you_mean(unknown[0] if unknown else name, [*data.by, *data.lists]),
            )
    if data.recorded and (data.histories < 0).any():
        raise EstimationError(
            "absent lists and covariates that only some lists record cannot be combined", where="recorded"
        )
    for j, name in enumerate(data.by):
        seen = np.ones(len(data.counts), dtype=bool)
        if name in data.recorded:
            columns = [data.lists.index(n) for n in data.recorded[name]]
            seen = (data.histories[:, columns] == 1).any(axis=1)
        wrong = ((data.codes[:, j] >= 0) != seen) & (data.counts > 0)
        if wrong.any():
            raise EstimationError(
                "a covariate is missing, or known, where the declaration says otherwise",
                where=f"column '{name}'",
                found=f"{int(data.counts[wrong].sum())} people",
                expected="a value for everybody a recording list saw, missing for all others",
                hint="declare recorded={covariate: [lists that record it]}, or make 'unknown' a level",
                code="missing-covariate",
            )
