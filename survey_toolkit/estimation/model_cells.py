"""Rows of a model, collapsed: sums of weights by sampling unit and by pattern of the model's variables.

A regression needs every combination of outcome and covariates, not every row. One group-by over
(stratum, PSU, model variables), pushed down to the engine, gives the cells; the fit works on the distinct
patterns and the variance on the sums by sampling unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import LazyFrame, collected
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import variance
from survey_toolkit.estimation.cells import Cells, collect_cells
from survey_toolkit.estimation.codes import Floats, Ints, compact, sum_by
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.psu_table import DesignTable, design_table
from survey_toolkit.estimation.replicate_design import ReplicatedDesign, ReplicateDesign
from survey_toolkit.estimation.replicate_factors import replicate_factors
from survey_toolkit.estimation.replication import Scheme
from survey_toolkit.estimation.totals import PsuTotals, check_weights

__all__ = ["ModelCells", "ReplicateWeights", "model_cells"]

_OWN = "__model_"
_ROWS = 10_000_000  # rows above which the engine groups also by continuous variables, to save memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateWeights:
    """Replicate weights of C cells.

    Attributes
    ----------
    scheme : Scheme
    given : float array (C, R) or None
        Sums of the weights that stand in the data.
    factors : float array (U, R) or None
        What the weight of a finest unit is multiplied by.
    """

    scheme: Scheme
    given: Floats | None = None
    factors: Floats | None = None

    def estimates(self, cells: ModelCells, statistic: Callable[[Floats], Floats]) -> Floats:
        """A statistic of the pattern weights under each replicate, (R, K)."""
        if self.given is not None:
            return np.stack([statistic(cells.by_pattern(w)) for w in self.given.T])
        assert self.factors is not None
        columns = (cells.w * f[cells.unit] for f in self.factors.T)
        return np.stack([statistic(cells.by_pattern(w)) for w in columns])


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCells:
    """C cells of rows that have every variable, over P distinct patterns.

    Attributes
    ----------
    design : Design
    held : DesignTable, ReplicateWeights or PsuTotals
        What the covariance needs: the units of a design with strata and PSUs, the replicates, or totals of
        the kind of the design whose domains are the patterns.
    unit : int array (C,)
        Finest sampling unit.
    pattern : int array (C,) or None
        The pattern of values; None where each cell is one of its own.
    w, n : float arrays (C,)
        Sum of weights and number of rows.
    n_used : int
        Complete rows, those without weight included.
    patterns : dict of str to array or pandas Categorical (P,)
        Values of each variable.
    df_known, df_domain, df_design : int
        Degrees of freedom of the complete rows of the subpopulation, of all its rows, of the design.
    n_psu : float
        PSUs with a complete row; NaN where the design does not tell.
    n_missing, n_unknown : int
        Rows of the subpopulation without a value, and rows for which the condition is not known.
    """

    design: Any
    held: DesignTable | ReplicateWeights | PsuTotals
    unit: Ints
    pattern: Ints | None
    w: Floats
    n: Floats
    n_used: int
    patterns: dict[str, Any]
    df_known: int
    df_domain: int
    df_design: int
    n_psu: float
    n_missing: int
    n_unknown: int

    @property
    def n_patterns(self) -> int:
        """P."""
        return len(self.w) if self.pattern is None else int(self.pattern.max(initial=-1)) + 1

    @property
    def replicated(self) -> bool:
        """Whether the variance comes from replicates."""
        return isinstance(self.held, ReplicateWeights)

    @property
    def method(self) -> str:
        """Where the variance comes from, and the design."""
        how = "replicates" if self.replicated else "Taylor linearisation"
        return f"{how}; {self.design.sentence()}"

    def by_pattern(self, values: Floats) -> Floats:
        """Sums of a cell array by pattern, (P,)."""
        return values if self.pattern is None else sum_by(self.pattern, values, self.n_patterns)

    def by_cell(self, values: Floats) -> Floats:
        """What a pattern array (P,) says of each cell, (C,)."""
        return values if self.pattern is None else values[self.pattern]

    def notes(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """What was left out, with counts."""
        out = []
        if self.n_unknown:
            out.append(f"the condition is not known for {self.n_unknown:,} rows: they are outside")
        if self.n_missing:
            out.append(f"{self.n_missing:,} rows have no value of {', '.join(names)}: left out")
        return tuple(out)


def model_cells(
    frame: LazyFrame, design: variance.Design, names: tuple[str, ...], where: nw.Expr | None
) -> ModelCells:
    """Read the rows and collapse them.

    Parameters
    ----------
    frame : narwhals LazyFrame
        Null-aware.
    design : Design
    names : tuple of str
        Variables of the model; a row missing any is left out and counted.
    where : Expr or None
        Subpopulation.

    Returns
    -------
    ModelCells

    Raises
    ------
    DesignError
        If the values of the design columns do not make a design.
    EstimationError
        If no complete row carries weight.
    """
    own = tuple(f"{_OWN}{i}" for i in range(len(names)))
    complete = nw.all_horizontal(*(~nw.col(name).is_null() for name in names), ignore_nulls=False)
    if where is not None:
        complete = complete & where.fill_null(False)
    schema = frame.collect_schema()
    values = {
        alias: nw.when(complete).then(_plain(nw.col(name), schema[name]))
        for alias, name in zip(own, names, strict=True)
    }
    known = nw.when(complete).then(nw.lit(1.0))
    query = Query(outcomes=(nw.col(f"{_OWN}known"),), by=own, where=where)
    frame = frame.with_columns(**values, **{f"{_OWN}known": known})
    plain = design.base if isinstance(design, ReplicatedDesign) else design
    if isinstance(plain, SurveyDesign) and not plain.adjustments:
        if _mostly_distinct(frame, [schema[name] for name in names]):
            query = replace(query, values="rows")
        cells = collect_cells(frame, plain, query)
        check_weights(cells, frame, plain)
        table, unit = design_table(cells, plain)
        collapsed = _collapse(cells, table, unit, plain, names, distinct=query.values == "rows")
        if not isinstance(design, ReplicatedDesign):
            return collapsed
        factors = replicate_factors(design, table)
        held = ReplicateWeights(scheme=factors.scheme, factors=factors.matrix)
        return replace(collapsed, design=design, held=held)
    whole = variance.read_totals(design, frame, Query(outcomes=query.outcomes, where=where))
    if isinstance(design, ReplicateDesign):
        return _given_replicates(frame, design, query, whole, names)
    return _from_totals(design, variance.read_totals(design, frame, query), whole, names)


def _mostly_distinct(frame: LazyFrame, dtypes: list[Any]) -> bool:
    """Whether to take rows as they are: a group-by on a continuous variable only costs time."""
    if not any(dtype in (nw.Float64, nw.Float32) for dtype in dtypes):
        return False
    return int(collected(frame.select(n=nw.len()))["n"].to_list()[0]) <= _ROWS


def _plain(column: nw.Expr, dtype: Any) -> nw.Expr:
    """Booleans as 0-1, so that a status is a number in a formula."""
    if dtype == nw.Boolean:
        return column.cast(nw.Float64)
    return column.cast(nw.String) if dtype in (nw.Categorical, nw.Enum) else column


def _collapse(
    cells: Cells,
    table: DesignTable,
    unit: Ints,
    design: SurveyDesign,
    names: tuple[str, ...],
    *,
    distinct: bool,
) -> ModelCells:
    """The short way for strata and PSUs: no list of domains is made of the patterns."""
    sums = cells.sums
    w = sums["w"] if design.weight is not None else sums["w"] * table.weights()[unit]
    use = (sums["n"] > 0) & (w > 0)
    _require_rows(use, sums["domain"].sum(), names)
    kept: Any = slice(None) if use.all() else use  # rows are not copied
    pattern, patterns = _patterns([np.asarray(column)[kept] for column in cells.by], names, distinct=distinct)
    return ModelCells(
        design=design,
        held=table,
        unit=unit[kept],
        pattern=pattern,
        w=w[kept],
        n=sums["n"][kept],
        n_used=int(sums["n"].sum()),
        patterns=patterns,
        df_known=_df(table, unit[sums["n_weighted"] > 0]),
        df_domain=_df(table, unit[sums["domain_weighted"] > 0]),
        df_design=table.df,
        n_psu=float(len(_psus(table, unit[kept]))),
        n_missing=int(sums["undetermined"].sum()),
        n_unknown=int(sums["where_null"].sum()) if "where_null" in sums else 0,
    )


def _given_replicates(
    frame: LazyFrame, design: ReplicateDesign, query: Query, whole: PsuTotals, names: tuple[str, ...]
) -> ModelCells:
    """Replicate weights from the data, summed by pattern in one pass; ``whole`` has checked them."""
    columns = design.columns_in(frame)
    full = nw.col(design.weight).cast(nw.Float64)
    weights = [nw.col(name).cast(nw.Float64) for name in columns]
    plain = SurveyDesign(weight=design.weight)
    query = replace(
        query,
        replicates=tuple(weights if design.combined else [w * full for w in weights]),
        signed_replicates=design.allow_negative,
    )
    cells = collect_cells(frame, plain, query)
    use = cells.sums["n"] > 0
    _require_rows(use, cells.sums["domain"].sum(), names)
    pattern, patterns = _patterns([np.asarray(column)[use] for column in cells.by], names)
    return ModelCells(
        design=design,
        held=ReplicateWeights(
            scheme=design.scheme(len(columns)),
            given=np.stack([cells.sums[f"w@{r}"][use] for r in range(len(columns))], axis=1),
        ),
        unit=np.zeros(int(use.sum()), dtype=np.int64),
        pattern=pattern,
        w=cells.sums["w"][use],
        n=cells.sums["n"][use],
        n_used=int(cells.sums["n"].sum()),
        patterns=patterns,
        **_degrees(design, whole),
    )


def _from_totals(design: Any, totals: PsuTotals, whole: PsuTotals, names: tuple[str, ...]) -> ModelCells:
    """The way for every other design: patterns are the domains of its totals."""
    _require_rows(totals.sums["n"] > 0, whole.sums["domain"].sum(), names)
    columns = [
        np.array([*(domain[i] for domain in totals.domains), None], dtype=object)[:-1]
        for i in range(len(names))
    ]
    return ModelCells(
        design=design,
        held=totals,
        unit=totals.unit,
        pattern=totals.domain,
        w=totals.sums["w"],
        n=totals.sums["n"],
        n_used=int(totals.sums["n"].sum()),
        patterns={name: _typed(column) for name, column in zip(names, columns, strict=True)},
        **_degrees(design, whole),
    )


def _degrees(design: Any, whole: PsuTotals) -> dict[str, Any]:
    """Degrees of freedom and counts of the subpopulation, from its totals without patterns."""
    known = variance.degrees(design, whole, True)
    return {
        "df_known": int(known.domain[0]),
        "df_domain": int(variance.degrees(design, whole, False).domain[0]),
        "df_design": known.design,
        "n_psu": float(known.n_psu[0]),
        "n_missing": int(whole.sums["undetermined"].sum()),
        "n_unknown": whole.n_null_where,
    }


def _require_rows(use: NDArray[np.bool_], n: float, names: tuple[str, ...]) -> None:
    """Raise if no complete row carries weight."""
    if not use.any():
        raise EstimationError(
            "no row has all variables of the model",
            where=", ".join(names),
            found=f"{int(n)} rows in the subpopulation, 0 complete with a positive weight",
            expected="rows that have every variable, with a weight above zero",
            hint="check the condition and the missing values",
            code="no-rows",
        )


def _df(table: DesignTable, units: Ints) -> int:
    """PSUs minus strata among some finest units."""
    psu = _psus(table, units)
    return len(psu) - len(np.unique(table.stages[0].stratum[psu]))


def _psus(table: DesignTable, units: Ints) -> Ints:
    """PSUs that hold some of the finest units."""
    there = np.zeros(table.n_psu, dtype=bool)
    there[table.unit_at[0][units]] = True
    return np.flatnonzero(there)


def _patterns(
    columns: Sequence[NDArray[Any]], names: tuple[str, ...], *, distinct: bool = False
) -> tuple[Ints | None, dict[str, Any]]:
    """Number of the pattern of each cell, (C,), and the values of each pattern, (P,) a variable.

    ``distinct`` takes every cell as a pattern of its own (None), without looking for equal ones.
    """
    import pandas as pd

    if distinct:
        held = {name: _distinct(column) for name, column in zip(names, columns, strict=True)}
        return None, held
    key = np.zeros(len(columns[0]), dtype=np.int64)
    coded = []
    for column in columns:
        index, codes = pd.factorize(column)
        coded.append((index, _typed(codes)))
        _, key = compact(key * max(len(codes), 1) + index)
    first = np.empty(int(key.max()) + 1, dtype=np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return key, {name: codes[index[first]] for name, (index, codes) in zip(names, coded, strict=True)}


def _distinct(column: NDArray[Any]) -> Any:
    """The values of one variable row by row; text as a category with sorted levels."""
    import pandas as pd

    if column.dtype != object:
        return column
    index, codes = pd.factorize(column)
    typed = _typed(codes)
    if typed.dtype != object:
        return typed[index]
    order = np.argsort(typed)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return pd.Categorical.from_codes(place[index], categories=pd.Index(typed[order]))


def _typed(codes: NDArray[Any]) -> NDArray[Any]:
    """Distinct values in the type they have: numbers, or text as objects."""
    if codes.dtype != object:
        return codes
    values = codes.tolist()
    if all(isinstance(v, str) for v in values):
        return codes
    if all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in values):
        return np.array(values)
    raise EstimationError(
        "a variable of the model holds neither numbers nor text", found=type(values[0]).__name__
    )
