"""Reading and checking capture tables: every defect is one clear error, and no person's row is shown."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit import _frames
from survey_toolkit.errors import EstimationError

__all__ = [
    "check_counts",
    "check_list_names",
    "check_membership",
    "check_table",
    "is_missing",
    "read_counts",
    "read_list_files",
    "read_records",
    "sum_duplicates",
]

IntArray = NDArray[np.int64]


def check_list_names(lists: Sequence[str]) -> tuple[str, ...]:
    """Two or more different, non-empty names without a colon."""
    names = tuple(lists)
    bad = [n for n in names if not isinstance(n, str) or not n.strip() or ":" in n]
    if bad:
        raise EstimationError(
            "a list name must be text without a colon",
            where="lists",
            found=", ".join(map(repr, bad)),
            hint="rename it; the colon joins names in interactions such as 'LA:NG'",
            code="bad-list-name",
        )
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise EstimationError(
            "two lists have the same name", where="lists", found=", ".join(twice), code="bad-list-name"
        )
    if len(names) < 2:
        raise EstimationError(
            "multiple systems estimation needs at least two lists",
            where="lists",
            found=f"{len(names)}: {', '.join(names)}" if names else "none",
            expected="two or more lists that can hold the same people",
            code="too-few-lists",
        )
    return names


def check_table(lists: tuple[str, ...], patterns: Any, counts: Any) -> tuple[IntArray, IntArray]:
    """Check histories and counts; return those that occur, in a fixed order."""
    rows = check_membership(patterns, lists)
    numbers = check_counts(counts)
    if rows.shape != (len(numbers), len(lists)):
        raise EstimationError(
            "histories and counts do not fit together",
            found=f"histories {rows.shape}, counts ({len(numbers)},)",
            expected=f"(m, {len(lists)}) and (m,)",
            code="bad-shape",
        )
    _no_duplicates(rows)
    zero = ~rows.any(axis=1)
    if numbers[zero].sum() > 0:
        raise EstimationError(
            "the history of zeros has a count, but people on no list cannot have been observed",
            where="count",
            found=f"{int(numbers[zero].sum())} people on no list",
            hint="remove that row; their number is what is estimated",
            code="all-zero-history",
        )
    keep = (numbers > 0) & ~zero
    rows, numbers = rows[keep], numbers[keep]
    empty = [
        name for name, size in zip(lists, (rows * numbers[:, None]).sum(axis=0), strict=True) if size == 0
    ]
    if empty:
        raise EstimationError(
            "a list with nobody on it says nothing",
            where="lists",
            found=", ".join(empty),
            hint="leave it out of lists=, or check how its column is coded",
            code="empty-list",
        )
    order = np.lexsort((*(-rows.T[::-1]), rows.sum(axis=1)))
    return rows[order], numbers[order]


def sum_duplicates(patterns: Any, counts: Any) -> tuple[IntArray, NDArray[Any]]:
    """Add up the counts of equal histories."""
    patterns = np.asarray(patterns)
    if not len(patterns):
        return patterns, np.asarray(counts)
    rows, where = np.unique(patterns, axis=0, return_inverse=True)
    return rows, np.bincount(np.ravel(where), weights=np.asarray(counts, dtype=float), minlength=len(rows))


def read_counts(data: Any, lists: Sequence[str] | None, count: str) -> tuple[list[str], Any, Any]:
    """List names, histories and counts from a frame, file or mapping."""
    if isinstance(data, Mapping):
        values = list(data.values())
        if not values or not isinstance(values[0], Sequence | np.ndarray):
            return _from_histories(data, lists)
        columns = {str(k): list(v) for k, v in data.items()}
        where = "columns"
    else:
        where = str(data) if isinstance(data, str | os.PathLike) else "frame"
        columns = _columns(data)
    names = list(lists) if lists is not None else [c for c in columns if c != count]
    _require([*names, count], columns, where)
    lengths = {len(columns[c]) for c in [*names, count]}
    if len(lengths) > 1:
        raise EstimationError("the columns have different lengths", where=where, code="bad-shape")
    return names, _matrix(columns, names), columns[count]


def read_records(data: Any, lists: Sequence[str]) -> tuple[list[str], IntArray]:
    """List names and one 0/1 row a person."""
    columns = {str(k): list(v) for k, v in data.items()} if isinstance(data, Mapping) else _columns(data)
    names = list(lists)
    _require(names, columns, "records")
    rows = check_membership(_matrix(columns, names), names)
    nowhere = int((~rows.any(axis=1)).sum()) if len(rows) else 0
    if nowhere:
        raise EstimationError(
            "some records are on no list",
            where="records",
            found=f"{nowhere} of {len(rows)} rows are 0 in every list column",
            hint="leave them out: only people seen at least once can be in the table",
            code="all-zero-history",
        )
    return names, rows


def read_list_files(
    data: Mapping[str, Any], lists: Sequence[str] | None, key: str
) -> tuple[list[str], IntArray, str]:
    """List names, one 0/1 row a person, and a note, from one table a list joined on a person key."""
    names = list(data) if lists is None else list(lists)
    unknown = [n for n in names if n not in data]
    if unknown:
        raise EstimationError(
            "there is no table for a list", where="lists", found=", ".join(unknown), expected=", ".join(data)
        )
    place: dict[str, int] = {}
    members: list[set[int]] = []
    repeated = 0
    for name in names:
        columns = _columns(data[name])
        _require([key], columns, f"list '{name}'")
        missing = sum(is_missing(v) for v in columns[key])
        if missing:
            raise EstimationError(
                "people without a key cannot be found on other lists",
                where=f"list '{name}', column '{key}'",
                found=f"{missing} of {len(columns[key])} rows",
                hint="link the lists first: see multiple_systems.linkage",
                code="missing-key",
            )
        keys = [str(v).strip() for v in columns[key]]
        members.append({place.setdefault(v, len(place)) for v in keys})
        repeated += len(keys) - len(set(keys))
    rows = np.zeros((len(place), len(names)), dtype=np.int64)
    for j, on in enumerate(members):
        rows[sorted(on), j] = 1
    return names, rows, f"{repeated} repeated records within lists were counted once" if repeated else ""


def _columns(data: Any) -> dict[str, list[Any]]:
    import narwhals.stable.v2 as nw

    frame = _frames.collected(_frames.null_aware(data))
    return {str(name): nw.DataFrame.get_column(frame, name).to_list() for name in frame.columns}


def _require(names: Sequence[str], columns: Mapping[str, Any], where: str) -> None:
    missing = [n for n in names if n not in columns]
    if missing:
        raise EstimationError(
            "no such column",
            where=where,
            found=", ".join(map(repr, missing)),
            expected="columns " + ", ".join(columns),
            hint="name the list columns with lists (--lists) and the count column with count (--count)",
            code="missing-column",
        )


def _matrix(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Any:
    out = np.empty((len(columns[names[0]]) if names else 0, len(names)), dtype=object)
    for j, name in enumerate(names):
        out[:, j] = columns[name]
    return out


def _from_histories(data: Mapping[Any, Any], lists: Sequence[str] | None) -> tuple[list[str], Any, Any]:
    if lists is None:
        raise EstimationError(
            "a mapping of histories needs the names of the lists",
            where="lists",
            expected="lists=['A', 'B', ...] in the order of the digits",
            code="missing-lists",
        )
    names = list(lists)
    rows = np.empty((len(data), len(names)), dtype=object)
    for i, history in enumerate(data):
        digits = [int(d) if d in "01" else d for d in history] if isinstance(history, str) else list(history)
        if len(digits) != len(names):
            raise EstimationError(
                "a history does not have one digit a list",
                where="counts",
                found=repr(history),
                expected=f"{len(names)} digits: {', '.join(names)}",
                code="bad-shape",
            )
        rows[i] = digits
    return names, rows, list(data.values())


def is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def check_membership(patterns: Any, lists: Sequence[str]) -> IntArray:
    """0/1 integers; anything else is named by column and counted."""
    raw = np.asarray(patterns)
    if raw.ndim != 2 or raw.shape[1] != len(lists):
        raise EstimationError(
            "histories do not have one column a list",
            found=f"shape {raw.shape}",
            expected=f"(m, {len(lists)})",
            code="bad-shape",
        )
    out = np.zeros(raw.shape, dtype=np.int64)
    for j, name in enumerate(lists):
        column = raw[:, j].tolist()
        bad = sum(1 for v in column if is_missing(v) or isinstance(v, str) or v not in (0, 1))
        if bad:
            raise EstimationError(
                "list columns hold 1 (on the list) or 0 (not on it), nothing else",
                where=f"column '{name}'",
                found=f"{bad} of {len(column)} rows hold another value or none",
                hint="code membership as 0/1; if membership is unknown the person cannot be linked yet",
                code="bad-membership",
            )
        out[:, j] = [int(v) for v in column]
    return out


def check_counts(counts: Any) -> IntArray:
    """Whole numbers of people, 0 or more."""
    values = np.asarray(counts).tolist()
    bad: list[str] = []
    for v in values:
        if is_missing(v) or isinstance(v, str | bool):
            bad.append("missing or not a number")
        elif v < 0:
            bad.append(f"negative ({v:g})")
        elif not math.isfinite(v) or v != int(v):
            bad.append(f"not whole ({v:g})")
    if bad:
        raise EstimationError(
            "counts must be whole numbers of people, 0 or more",
            where="count",
            found=f"{len(bad)} of {len(values)} rows: {', '.join(dict.fromkeys(bad[:5]))}",
            hint="suppressed cells such as '<5' have no place here; weights belong to surveys",
            code="bad-count",
        )
    return np.array([int(v) for v in values], dtype=np.int64)


def _no_duplicates(rows: IntArray) -> None:
    found, times = np.unique(rows, axis=0, return_counts=True)
    if (times > 1).any():
        shown = ", ".join("".join(map(str, r)) for r in found[times > 1][:5])
        raise EstimationError(
            "a history stands in more than one row",
            where="histories",
            found=shown,
            expected="one row a history",
            hint="if the table is split by a stratum, use duplicates='sum' or choose one stratum",
            code="duplicate-history",
        )
