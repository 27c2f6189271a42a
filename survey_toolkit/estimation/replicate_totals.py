"""One pass over rows that carry replicate weights: every sum with the full weight and with each replicate.

R replicates of J sums are R·J columns of one group-by by domain, pushed down to the engine; no row enters
memory. The rank of the replicate weights, from which the degrees of freedom follow, is taken from the weights
themselves where they are few, and otherwise from random sums of rows (:func:`rank_of_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import LazyFrame, collected
from survey_toolkit.errors import DesignError
from survey_toolkit.estimation.cells import Cells, collect_cells
from survey_toolkit.estimation.codes import Ints, factorize, is_missing
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.domain_margins import ALL
from survey_toolkit.estimation.measures import PREFIX, SIZED, Query, base_columns, measures
from survey_toolkit.estimation.psu_table import DesignTable, Stage
from survey_toolkit.estimation.replicate_design import ReplicateDesign
from survey_toolkit.estimation.replication import Replicates, weight_rank
from survey_toolkit.estimation.taylor import Linear, UnitTerms, finish, linearise
from survey_toolkit.estimation.totals import PsuTotals, check_weights, fold_cells

__all__ = ["ReplicateTotals", "replicate_linear", "replicate_totals"]

_EXACT = 20_000_000  # weights held at once for an exact rank
_HASH = (12.9898, 78.233, 37.719, 94.673)  # irrational enough: equal rows together, others apart


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateTotals(PsuTotals):
    """Totals by domain with the same sums for each replicate, under ``name@r``.

    Attributes
    ----------
    n_replicates : int
    df_design : int
        Rank of the replicate weights minus one.
    df_domain, df_known : int arrays (D,)
        The same over the rows of each domain, and over its rows with a value.
    """

    n_replicates: int
    df_design: int
    df_domain: Ints
    df_known: Ints

    def each(self) -> Iterator[PsuTotals]:
        """The totals as each replicate weight gives them."""
        linear = [name.removesuffix("@0") for name in self.sums if name.endswith("@0")]
        for r in range(self.n_replicates):
            yield replace(self, sums=self.sums | {name: self.sums[f"{name}@{r}"] for name in linear})


def replicate_totals(frame: LazyFrame, design: ReplicateDesign, query: Query) -> ReplicateTotals:
    """Sum a query by domain with all weights, in one pass, and find the rank of the weights.

    Parameters
    ----------
    frame : narwhals LazyFrame
        Null-aware.
    design : ReplicateDesign
    query : Query

    Returns
    -------
    ReplicateTotals

    Raises
    ------
    DesignError
        If a weight is missing, infinite or negative, or the replicates are of another size than the weight.
    """
    names = design.columns_in(frame)
    full = nw.col(design.weight).cast(nw.Float64)
    weights = tuple(
        nw.col(name).cast(nw.Float64) if design.combined else nw.col(name).cast(nw.Float64) * full
        for name in names
    )
    plain = SurveyDesign(weight=design.weight)
    query = replace(query, replicates=weights, signed_replicates=design.allow_negative)
    cells = collect_cells(frame, plain, query)
    check_weights(cells, frame, plain)
    _check_replicates(cells, design, names)
    cells = _without_checks(cells)
    totals = fold_cells(cells, _one_unit(), np.zeros(len(cells.sums["rows"]), dtype=np.int64), plain, query)
    ranked = tuple(nw.col(name).cast(nw.Float64) for name in design.ranked) or weights
    ranks = rank_of_rows(frame, plain, replace(query, replicates=ranked), totals)
    told = {field.name: getattr(totals, field.name) for field in fields(PsuTotals)}
    return ReplicateTotals(
        **told,
        n_replicates=len(names),
        df_design=ranks[0] - 1,
        df_domain=np.maximum(ranks[1] - 1, 0),
        df_known=np.maximum(ranks[2] - 1, 0),
    )


def replicate_linear(
    totals: ReplicateTotals, design: ReplicateDesign, make: Callable[[PsuTotals], UnitTerms]
) -> Linear:
    """Estimates with the full weight, and their covariance from the replicates."""
    estimate, _ = linearise(make(totals))
    values = np.stack([linearise(make(one))[0] for one in totals.each()])
    replicates = Replicates(values=values, scheme=design.scheme(totals.n_replicates))
    return replace(finish(estimate, replicates.vcov(estimate)), replicates=replicates)


def _one_unit() -> DesignTable:
    """A design of one unit that is its whole stratum: the replicates hold all that is known of the sample."""
    zero = np.zeros(1, dtype=np.int64)
    stage = Stage(stratum=zero, n_units=zero + 1, popsize=np.ones(1), block=zero, codes=("all",))
    return DesignTable(stages=(stage,), unit_at=(zero,), weighted=np.ones(1, dtype=bool))


def _without_checks(cells: Cells) -> Cells:
    return replace(cells, sums={k: v for k, v in cells.sums.items() if not k.startswith("w_all")})


def _check_replicates(cells: Cells, design: ReplicateDesign, names: tuple[str, ...]) -> None:
    bad = int(cells.sums["bad_replicate"].sum())
    if bad:
        raise DesignError(
            "replicate weights are missing, negative or infinite",
            where=f"{names[0]} … {names[-1]}",
            found=f"{bad} of {int(cells.sums['rows'].sum())} rows",
            expected="finite weights, zero or above" if not design.allow_negative else "finite weights",
            hint="correct them; if the producer documents negative replicate weights, allow_negative=True",
            code="bad-weight",
        )
    full = cells.sums["w_all"].sum()
    if not full > 0:
        raise DesignError(
            "all weights are zero",
            where=design.weight,
            found=f"sum {full:g} over {int(cells.sums['rows'].sum())} rows",
            expected="weights above zero",
            hint="check which column holds the weight",
            code="bad-weight",
        )
    ratio = float(np.median([cells.sums[f"w_all@{r}"].sum() for r in range(min(len(names), SIZED))]) / full)
    if not 0.2 < ratio < 5:
        raise DesignError(
            "the replicate weights are of another size than the weight",
            where=f"{names[0]} … {names[-1]}",
            found=f"their sums are {ratio:.3g} times that of {design.weight}",
            expected="about 1",
            hint=f"combined={not design.combined}: are the columns "
            + ("factors?" if design.combined else "whole weights?"),
            code="replicate-scale",
        )


def rank_of_rows(
    frame: LazyFrame, design: SurveyDesign, query: Query, totals: PsuTotals
) -> tuple[int, Ints, Ints]:
    """Rank of the replicate weights of all rows, of each domain's, and of its rows with a value.

    Exact while all weights fit into a few hundred MB. Beyond, rows are added up with random signs in 2R
    random groups a domain: such sums have the rank of the rows but for coincidence.
    """
    wanted = query.replicates
    n = len(wanted)
    keys = {f"d{i}": nw.col(name) for i, name in enumerate(query.by)}
    plain = replace(query, replicates=(), squares=False, values=None)
    parts = measures(design, plain).by_row()
    weight = nw.col(f"{PREFIX}weight")
    keys |= {
        "known": (parts[f"{PREFIX}n_weighted"] == 1).fill_null(False),
        "inside": parts[f"{PREFIX}domain_weighted"].fill_null(0.0) == 1
        if f"{PREFIX}domain_weighted" in parts
        else weight > 0,
    }
    rows = frame.with_columns(**base_columns(design, plain)).select(
        **keys, **{f"r{r}": expr for r, expr in enumerate(wanted)}
    )
    if totals.n_rows * n > _EXACT:
        rows = _sketch(rows, list(keys), n)
    held = collected(rows)
    matrix = np.column_stack([held[f"r{r}"].to_numpy().astype(np.float64) for r in range(n)])
    held_by = _domain_columns(held, query.by)
    known = np.asarray(held["known"].to_list(), dtype=bool)
    inside = np.asarray(held["inside"].to_list(), dtype=bool)
    whole, n_domains = weight_rank(matrix), len(totals.domains)
    by_domain = np.zeros(n_domains, dtype=np.int64)
    by_known = by_domain.copy()
    for d in range(n_domains):
        here = _in_domain(held_by, totals.domains[d], len(held))
        by_domain[d] = whole if (here & inside).all() else weight_rank(matrix[here & inside])
        by_known[d] = (
            by_domain[d] if not (here & (inside != known)).any() else weight_rank(matrix[here & known])
        )
    return whole, by_domain, by_known


def _domain_columns(held: Any, by: tuple[str, ...]) -> list[NDArray[Any]]:
    """Plain codes of each domain column by row; None for a gap."""
    columns = []
    for i in range(len(by)):
        values = np.empty(len(held), dtype=object)
        values[:] = [None if is_missing(v) else v for v in held[f"d{i}"].to_list()]
        codes, index = factorize(values)
        columns.append(np.array([*codes, None], dtype=object)[index])
    return columns


def _in_domain(columns: list[NDArray[Any]], domain: tuple[Any, ...], n: int) -> NDArray[np.bool_]:
    """Rows of a domain; a column summed over asks nothing."""
    here = np.ones(n, dtype=bool)
    for column, code in zip(columns, domain, strict=True):
        if code != ALL:
            here &= column == code
    return here


def _sketch(rows: LazyFrame, keys: list[str], n: int) -> LazyFrame:
    """Sums of rows with random signs in random groups, by the keys."""
    spread = sum((nw.col(f"r{r}").abs() * c for r, c in zip(range(n), _HASH, strict=False)), nw.lit(0.0))
    sign = nw.when((spread * 17.31) % 1.0 < 0.5).then(nw.lit(-1.0)).otherwise(nw.lit(1.0))
    marked = rows.with_columns(
        **{f"{PREFIX}bucket": ((spread * 43.758) % 1.0 * (2 * n)) // 1.0, f"{PREFIX}sign": sign}
    ).with_columns(**{f"r{r}": nw.col(f"r{r}") * nw.col(f"{PREFIX}sign") for r in range(n)})
    return marked.group_by(*keys, f"{PREFIX}bucket").agg(*(nw.col(f"r{r}").sum() for r in range(n)))
