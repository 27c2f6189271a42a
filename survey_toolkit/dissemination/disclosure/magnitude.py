"""Rules for totals made of contributions (ransom paid, fines, cases by shelter): who dominates a cell.

A total tells on a contributor when the others know enough to subtract: the (n, k) rule asks whether the n
largest make more than k % of it, the p % rule whether the second largest could tell the largest to within
p %. Hundepool et al. (2012), *Statistical Disclosure Control*, section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from survey_toolkit.dissemination.disclosure.lattice import Cell
from survey_toolkit.errors import DisclosureError
from survey_toolkit.indicators import TOTAL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["dominance", "dominant_cells", "p_percent"]


def dominance(contributions: Iterable[float], n: int = 1, k: float = 75.0) -> bool:
    """Whether the n largest contributions make more than k % of their total.

    Examples
    --------
    >>> dominance([90, 5, 5]), dominance([40, 35, 25], n=2, k=80)
    (True, False)
    """
    sizes = np.sort(np.abs(np.asarray(list(contributions), dtype=float)))[::-1]
    return bool(sizes[:n].sum() > k / 100 * sizes.sum())


def p_percent(contributions: Iterable[float], p: float = 10.0) -> bool:
    """Whether the second largest contributor could tell the largest to within p %.

    Examples
    --------
    >>> p_percent([90, 5, 3, 2]), p_percent([50, 30, 20])
    (True, False)
    """
    sizes = np.sort(np.abs(np.asarray(list(contributions), dtype=float)))[::-1]
    return bool(len(sizes) and sizes[0] > 0 and sizes[2:].sum() < p / 100 * sizes[0])


def dominant_cells(
    records: pd.DataFrame,
    dimensions: Sequence[str],
    value: str,
    *,
    contributor: str | None = None,
    n: int = 1,
    k: float | None = 75.0,
    p: float | None = 10.0,
) -> tuple[Cell, ...]:
    """Cells of a table of totals, margins included, that a contributor dominates.

    Parameters
    ----------
    records : pandas.DataFrame
    dimensions : sequence of str
    value : str
        What is added up; missing values add nothing.
    contributor : str, optional
        Whose contributions are one (shelter, employer); default: every record its own.
    n, k : int, float or None
        The (n, k) rule; None for none.
    p : float or None
        The p % rule.

    Returns
    -------
    tuple of Cell
        For ``suppress_table(..., primary=...)``.
    """
    from itertools import product

    missing = [c for c in (*dimensions, value, *((contributor,) if contributor else ())) if c not in records]
    if missing:
        raise DisclosureError("there is no such column", found=missing[0], code="unknown-column")
    frame = records.dropna(subset=[*dimensions, value])
    who = frame[contributor] if contributor else frame.index.to_series()
    sizes: dict[Cell, dict[object, float]] = {}
    rows = zip(*(frame[d].astype(str) for d in dimensions), who, frame[value], strict=True)
    for *codes, name, amount in rows:
        for cell in product(*((code, TOTAL) for code in codes)):
            of = sizes.setdefault(tuple(cell), {})
            of[name] = of.get(name, 0.0) + float(amount)
    return tuple(
        cell
        for cell, of in sizes.items()
        if (k is not None and dominance(of.values(), n, k)) or (p is not None and p_percent(of.values(), p))
    )
