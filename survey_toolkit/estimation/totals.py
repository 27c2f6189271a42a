"""Totals by primary sampling unit and domain: all that a linear design-based estimator needs.

One group-by over the rows (:mod:`.cells`) gives, for every stratum, PSU and domain, Σw, Σwy and counts.
From there variances, covariances between domains, design effects and contrasts cost nothing in the number
of rows. PSUs that are empty in a domain count as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import DesignError
from survey_toolkit.estimation.cells import Cells, collect_cells, count_bad_weights
from survey_toolkit.estimation.codes import Floats, Ints, compact, factorize, increasing, order_of, sum_by
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.domain_margins import expand, merge_entries
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.psu_table import DesignTable, design_table

__all__ = ["PsuTotals", "check_weights", "fold_cells", "psu_totals", "take_leverage"]

_COUNTS = ("weighted", "where_null")  # counts of rows whose names begin like those of weighted sums


@dataclass(frozen=True, slots=True, kw_only=True)
class PsuTotals:
    """Sums by finest sampling unit and domain, in sparse form: E entries, D domains.

    Attributes
    ----------
    table : DesignTable
        Every unit of the design.
    domain_names : tuple of str
    domains : tuple of tuple
        Codes of each domain, sorted; one empty tuple when there is no ``by``.
    levels : tuple
        Levels of the category, sorted; empty when there is none.
    unit, domain, level : int arrays (E,)
        Where an entry belongs; level is -1 where the category is missing or not asked for.
    sums : dict of str to float array (E,)
        As in :class:`~survey_toolkit.estimation.cells.Cells`.
    n_null_by : int
        Rows of the subpopulation in no domain, because a ``by`` column is missing.
    n_null_where : int
        Rows for which the condition of the subpopulation is not known.
    n_rows : int
        Rows in the file.
    mean_weight : float
        Over all rows, where asked for; NaN otherwise.
    leverage : float array (U, P) or None
        By finest unit, over all rows: the columns of A of the steps of weighting
        (:mod:`~survey_toolkit.estimation.adjustment`).
    """

    table: DesignTable
    domain_names: tuple[str, ...]
    domains: tuple[tuple[Any, ...], ...]
    levels: tuple[Any, ...]
    unit: Ints
    domain: Ints
    level: Ints
    sums: dict[str, Floats]
    n_null_by: int
    n_null_where: int
    n_rows: int
    mean_weight: float = float("nan")
    leverage: Floats | None = None

    def by_domain(self, name: str) -> Floats:
        """Sum over units, shape (D,)."""
        return sum_by(self.domain, self.sums[name], len(self.domains))

    def psu_counts(self, name: str) -> tuple[Ints, Ints]:
        """PSUs and strata that hold a row counted by ``name``, by domain: two arrays (D,)."""
        psu = self.table.unit_at[0][self.unit]
        there = self.sums[name] > 0
        n_domains = len(self.domains)
        psu, domain = np.divmod(compact(psu[there] * n_domains + self.domain[there])[0], n_domains)
        strata = compact(self.table.stages[0].stratum[psu] * n_domains + domain)[0] % n_domains
        return np.bincount(domain, minlength=n_domains), np.bincount(strata, minlength=n_domains)


def psu_totals(frame: LazyFrame, design: SurveyDesign, query: Query) -> PsuTotals:
    """Read the rows once and return totals by sampling unit and domain.

    Parameters
    ----------
    frame : narwhals LazyFrame
        Null-aware.
    design : SurveyDesign
    query : Query

    Returns
    -------
    PsuTotals

    Raises
    ------
    DesignError
        If the values of the design columns do not make a design.
    """
    cells = collect_cells(frame, design, query)
    check_weights(cells, frame, design)
    table, unit = design_table(cells, design)
    return fold_cells(cells, table, unit, design, query)


def fold_cells(cells: Cells, table: DesignTable, unit: Ints, design: SurveyDesign, query: Query) -> PsuTotals:
    """Order cells by finest unit and domain, once the unit of each is known.

    Parameters
    ----------
    cells : Cells
    table : DesignTable
    unit : int array (C,)
        Finest unit of each cell.
    design : SurveyDesign
        Without a weight column, the weights follow from the table.
    query : Query

    Returns
    -------
    PsuTotals
    """
    sums = dict(cells.sums)
    if design.weight is None:
        weight = table.weights()[unit]
        sums |= {name: sums[name] * weight for name in sums if name.startswith("w") and name not in _COUNTS}
    leverage = take_leverage(sums, unit, len(table.stages[-1].stratum))
    told: dict[str, Any] = {
        "n_null_where": int(sums["where_null"].sum()) if "where_null" in sums else 0,
        "n_rows": int(sums["rows"].sum()),
        "mean_weight": float(sums["w_rows"].sum() / sums["rows"].sum()) if "w_rows" in sums else float("nan"),
    }
    cells = replace(cells, sums=sums)
    if query.margins:
        told["n_null_by"] = _rows_without_domain([factorize(column)[1] for column in cells.by], sums)
        cells, unit = expand(cells, unit)
    entries = _entries(cells, unit, ordered=query.values != "rows", merged=query.margins)
    return PsuTotals(table=table, domain_names=query.by, leverage=leverage, **(entries | told))


def _entries(cells: Cells, unit: Ints, *, ordered: bool, merged: bool) -> dict[str, Any]:
    """Cells of some domain as entries: sorted by unit, domain and level unless every row is one."""
    coded = [factorize(column) for column in cells.by]
    domains, domain = _domains(coded, len(unit))
    level_codes, level = (
        factorize(cells.category) if cells.category is not None else ([], np.full(len(unit), -1))
    )
    sums = cells.sums
    keep = (sums["domain"] > 0) & (domain >= 0)
    n_levels = len(level_codes) + 1  # and none
    kept: Any = slice(None) if keep.all() else np.flatnonzero(keep)  # what is kept whole is not copied
    if ordered:
        key = (unit[kept] * len(domains) + domain[kept]) * n_levels + level[kept] + 1
        if not increasing(key):
            kept = np.arange(len(keep))[kept][order_of(key)]
    used, domain_kept = compact(domain[kept])
    if not cells.by:  # one domain, even when the subpopulation is empty
        used, domain_kept = np.array([0]), np.zeros(np.count_nonzero(keep), dtype=np.int64)
    level_used, level_kept = _observed(level[kept], sums["n"][kept])
    unit_kept, sums_kept = unit[kept], {name: values[kept] for name, values in sums.items()}
    if merged:
        unit_kept, domain_kept, level_kept, sums_kept = merge_entries(
            unit_kept, domain_kept, level_kept, sums_kept
        )
    return {
        "n_null_by": _rows_without_domain([index for _, index in coded], sums),
        "domains": tuple(domains[i] for i in used),
        "levels": tuple(level_codes[i] for i in level_used),
        "unit": unit_kept,
        "domain": domain_kept,
        "level": level_kept,
        "sums": sums_kept,
    }


def _rows_without_domain(by: Sequence[Ints], sums: dict[str, Floats]) -> int:
    """Rows of the subpopulation with a gap (-1) in a domain column."""
    if not by:
        return 0
    gap = np.logical_or.reduce([index < 0 for index in by])
    return int(sums["domain"][gap & (sums["domain"] > 0)].sum())


def take_leverage(sums: dict[str, Floats], unit: Ints, n_units: int) -> Floats | None:
    """Columns of A by unit, (U, P), taken out of the sums; None when the weights were not adjusted."""
    names = [name for name in sums if name.startswith("leverage")]
    if not names:
        return None
    return np.stack([sum_by(unit, sums.pop(name), n_units) for name in names], axis=1)


def check_weights(cells: Cells, frame: LazyFrame, design: SurveyDesign) -> None:
    """Raise if a weight is missing, negative or infinite; the rows are read again only then.

    Raises
    ------
    DesignError
        Counting the rows by what is wrong.
    """
    if "bad" in cells.sums and design.weight is not None and cells.sums["bad"].any():
        _fail_weights(count_bad_weights(frame, design.weight), design.weight, int(cells.sums["rows"].sum()))


def _domains(coded: Sequence[tuple[list[Any], Ints]], n_cells: int) -> tuple[list[tuple[Any, ...]], Ints]:
    """Observed crossings of the domain codes in sorted order, and the crossing of each cell (-1: a gap)."""
    if not coded:
        return [()], np.zeros(n_cells, dtype=np.int64)
    sizes = [max(len(codes), 1) for codes, _ in coded]
    whole = np.logical_and.reduce([index >= 0 for _, index in coded])
    key = np.zeros(int(whole.sum()), dtype=np.int64)
    for (_, index), size in zip(coded, sizes, strict=True):
        key = key * size + index[whole]
    crossings, place = compact(key)
    domain = np.full(n_cells, -1, dtype=np.int64)
    domain[whole] = place
    digits = np.unravel_index(crossings, sizes)
    return [
        tuple(codes[int(i)] for (codes, _), i in zip(coded, crossing, strict=True))
        for crossing in zip(*digits, strict=True)
    ], domain


def _observed(level: Ints, n: Floats) -> tuple[Ints, Ints]:
    """Levels with a valid row, and each entry's place among them (-1: none)."""
    used = np.unique(level[(level >= 0) & (n > 0)])
    if not len(used):
        return used, np.full(len(level), -1)
    place = np.searchsorted(used, level)
    place[place == len(used)] = 0
    return used, np.where(np.isin(level, used), place, -1)


def _fail_weights(kinds: dict[str, int], weight: str, n_rows: int) -> None:
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    raise DesignError(
        "weights are " + " and ".join(kind for kind, count in kinds.items() if count),
        where=weight,
        found=f"{found} of {n_rows} rows",
        expected="finite weights, zero or above",
        hint="a row without a weight is not in the sample: correct the weights, or leave such rows out",
        code="bad-weight",
    )
