"""Rounding of counts: to a base, at random without bias, and by cell keys.

Rounded counts are published with their margins rounded on their own, so a table need not add up; how many
rows do not is told beside the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from survey_toolkit.dissemination.disclosure.lattice import Cell, build_lattice
from survey_toolkit.errors import DisclosureError, did_you_mean
from survey_toolkit.indicators import TOTAL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Rounded", "Ties", "count_records", "non_additive", "random_round", "round_table", "round_to_base"]

#: Where a count half-way goes.
Ties: TypeAlias = Literal["half up", "half down", "half even"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """Rounded counts by cell, and the number of rows that no longer add up to their margin.

    A row is a sum over the last dimension.
    """

    counts: Mapping[Cell, int]
    base: int
    method: str
    non_additive_rows: int


def round_to_base(counts: npt.ArrayLike, base: int = 5, ties: Ties = "half up") -> npt.NDArray[np.int64]:
    """Counts to the nearest multiple of a base.

    Examples
    --------
    >>> round_to_base([1, 2, 3, 7, 8]).tolist(), round_to_base([1, 3], 2, "half down").tolist()
    ([0, 0, 5, 5, 10], [0, 2])
    """
    values = np.asarray(counts, dtype=np.float64)
    _check(values, base)
    if ties not in get_args(Ties):
        raise DisclosureError(
            "there is no such way to round",
            where="ties",
            found=f"'{ties}'",
            expected=did_you_mean(ties, get_args(Ties)),
            code="unknown-rounding",
        )
    whole, rest = np.divmod(values, base)
    tie = {"half up": np.ones_like(whole, bool), "half down": np.zeros_like(whole, bool)}
    upward = tie.get(ties, whole % 2 == 1)
    up = (rest > base / 2) | ((rest == base / 2) & upward)
    return np.asarray((whole + up) * base, dtype=np.int64)


def random_round(counts: npt.ArrayLike, base: int = 5, *, seed: int) -> npt.NDArray[np.int64]:
    """Counts up or down to a multiple of a base at random, so that the expected value is the count.

    Examples
    --------
    >>> out = random_round([3] * 10_000, 5, seed=1)
    >>> sorted(set(out.tolist())), bool(abs(out.mean() - 3) < 0.1)
    ([0, 5], True)
    """
    values = np.asarray(counts, dtype=np.float64)
    _check(values, base)
    whole, rest = np.divmod(values, base)
    up = np.random.default_rng(seed).random(values.shape) < rest / base
    return np.asarray((whole + up) * base, dtype=np.int64)


def round_table(
    counts: Mapping[Cell, float], base: int = 5, *, ties: Ties = "half up", seed: int | None = None
) -> Rounded:
    """Round every cell of a table, margins on their own; with a seed at random.

    Parameters
    ----------
    counts : mapping of cell to number
        Margins are cells with ``"_T"``.
    base : int
        5, 10 or another step.
    ties : {"half up", "half down", "half even"}
        Where a count half-way goes; without a seed only.
    seed : int, optional
        Unbiased random rounding instead of the nearest multiple.

    Returns
    -------
    Rounded
        Whole numbers by cell, and how many rows no longer add up to their margin.

    Examples
    --------
    >>> done = round_table({("F",): 7, ("M",): 6, ("_T",): 13})
    >>> done.counts[("_T",)], done.non_additive_rows
    (15, 1)
    """
    values = list(counts.values())
    out = round_to_base(values, base, ties) if seed is None else random_round(values, base, seed=seed)
    rounded = {cell: int(n) for cell, n in zip(counts, out, strict=True)}
    return Rounded(
        counts=rounded,
        base=base,
        method=f"to the nearest {base}, {ties}" if seed is None else f"at random to {base}",
        non_additive_rows=non_additive(rounded),
    )


def non_additive(counts: Mapping[Cell, float]) -> int:
    """Rows (sums over the last dimension) that do not add up to their margin."""
    last = len(next(iter(counts))) - 1 if counts else 0
    wrong = 0
    for relation in build_lattice(counts).relations:
        along_last = relation.parent[last] == TOTAL and relation.children[0][last] != TOTAL
        same = all(c[:last] == relation.parent[:last] for c in relation.children)
        known = all(c in counts for c in relation.members)
        if along_last and same and known:
            wrong += sum(counts[c] for c in relation.children) != counts[relation.parent]
    return wrong


def count_records(
    records: pd.DataFrame, keys: Sequence[str], value: str | None = None
) -> dict[Cell, tuple[int, float]]:
    """Number of records by cell with all margins, and the sum of a column.

    Records with a missing key belong to no cell. Every crossing of the codes that occur is given, zeros too.
    """
    from itertools import product

    frame = records.dropna(subset=list(keys))
    codes = [sorted(frame[k].astype(str).unique()) for k in keys]
    found: dict[Cell, tuple[int, float]] = {
        tuple(cell): (0, 0.0) for cell in product(*((*c, TOTAL) for c in codes))
    }
    columns = [frame[k].astype(str).tolist() for k in keys]
    values = frame[value].astype(float).tolist() if value else [0.0] * len(frame)
    for *row, amount in zip(*columns, values, strict=True):
        for cell in product(*((code, TOTAL) for code in row)):
            n, total = found[tuple(cell)]
            found[tuple(cell)] = (n + 1, total + amount)
    return found


def _check(values: npt.NDArray[np.float64], base: int) -> None:
    if base < 1 or not np.all(np.isfinite(values)) or (values < 0).any():
        raise DisclosureError(
            "counts of people are rounded to a base",
            found=f"base {base}" if base < 1 else "a count that is negative or missing",
            expected="a base of 1 or more and counts of 0 or more",
            code="bad-rounding",
        )
