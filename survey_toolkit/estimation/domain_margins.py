"""All margins of a crossing of domains beside the crossing itself, from the same pass over the rows.

A margin is a sum of cells, so it costs nothing in the number of rows, and the covariance between a part
and its whole comes with it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.cells import Cells
from survey_toolkit.estimation.codes import Floats, Ints, compact, sum_by

__all__ = ["ALL", "expand", "merge_entries"]

#: Code of a domain column summed over, as in SDMX.
ALL: Final = "_T"


def expand(cells: Cells, unit: Ints) -> tuple[Cells, Ints]:
    """Repeat the cells once for every choice of columns to sum over.

    Parameters
    ----------
    cells : Cells
        C cells with K domain columns.
    unit : int array (C,)

    Returns
    -------
    cells, unit
        2**K times C cells; a column summed over holds :data:`ALL`. A gap in a column keeps a row out of the
        domains of that column only.

    Raises
    ------
    EstimationError
        If :data:`ALL` is a code of a domain column already.
    """
    n = len(unit)
    columns = [np.asarray(column, dtype=object) for column in cells.by]
    for column in columns:
        if (column == ALL).any():
            raise EstimationError(
                "a domain column holds the code that stands for the total",
                where="by",
                found=ALL,
                hint="rename the code, or leave margins out",
                code="total-code",
            )
    choices = list(product((False, True), repeat=len(cells.by)))
    by = tuple(
        np.concatenate([_total(n) if over[i] else column for over in choices])
        for i, column in enumerate(columns)
    )
    again = np.tile(np.arange(n), len(choices))
    category = None if cells.category is None else cells.category[again]
    sums = {name: values[again] for name, values in cells.sums.items()}
    return replace(cells, by=by, category=category, sums=sums), unit[again]


def _total(n: int) -> NDArray[Any]:
    return np.full(n, ALL, dtype=object)


def merge_entries(
    unit: Ints, domain: Ints, level: Ints, sums: dict[str, Floats]
) -> tuple[Ints, Ints, Ints, dict[str, Floats]]:
    """Add up entries of the same unit, domain and level; the result is sorted by them.

    Examples
    --------
    >>> one, two = np.array([3, 3, 1]), np.array([0, 0, 0])
    >>> unit, _, _, sums = merge_entries(one, two, two, {"w": np.array([1.0, 2.0, 5.0])})
    >>> unit.tolist(), sums["w"].tolist()
    ([1, 3], [5.0, 3.0])
    """
    n_levels, n_domains = int(level.max(initial=-1)) + 2, int(domain.max(initial=0)) + 1
    keys, place = compact((unit * n_domains + domain) * n_levels + level + 1)
    merged = {name: sum_by(place, values, len(keys)) for name, values in sums.items()}
    pair = keys // n_levels
    return pair // n_domains, pair % n_domains, keys % n_levels - 1, merged
