"""What to sum over the rows, as narwhals expressions that run on every engine.

A null of the weight, an outcome, the condition or the universe is met here, once: a row counts as valid only
if all that it needs is known.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import narwhals.stable.v2 as nw

from survey_toolkit.estimation.design import SurveyDesign

__all__ = ["PREFIX", "SIZED", "Measures", "Query", "base_columns", "measures"]

SIZED: Final = 12  # replicates whose size is compared with that of the full weight
PREFIX: Final = "__cell_"  # of our own columns; no survey variable begins so


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to sum over the rows.

    Attributes
    ----------
    outcomes : tuple of Expr
        Numeric or Boolean expressions y_j; null means missing. Rows missing any of them (or the
        denominator, or the category) are not valid and only counted.
    denominator : Expr or None
        x of a ratio.
    category : Expr or None
        Levels to be counted; a key of the group-by.
    by : tuple of str
        Domain columns.
    margins : bool
        Whether their margins and the total are domains too.
    where : Expr or None
        Rows of the subpopulation; null counts as outside, and is counted.
    applicable : Expr or None
        False for rows outside the universe of the variable: they are neither valid nor undetermined.
    fill : float or None
        Value given to an outcome that is undetermined.
    squares : bool
        Whether to sum w·y² and w·x·y too (design effects).
    binary_check : bool
        Whether to count outcomes that are neither 0 nor 1.
    weigh_rows : bool
        Whether to sum the weights of all rows (to know normalised weights).
    weigh_undetermined : bool
        Whether to sum the weights of undetermined rows (bounds).
    values : {"rows", "cells"} or None
        Bring back the first outcome itself, ``y0``: row by row, or summed over rows of equal value.
    origin : tuple of float
        Subtracted from each outcome before it is weighted, so that squares do not cancel; empty for none.
    replicates : tuple of Expr
        Replicate weights: every weighted sum but the squares is taken with each of them too, under its name
        with ``@r``; ``w_all`` is the sum over all rows, for the first few.
    signed_replicates : bool
        Whether negative replicate weights are no mistake.
    """

    outcomes: tuple[nw.Expr, ...] = ()
    denominator: nw.Expr | None = None
    category: nw.Expr | None = None
    by: tuple[str, ...] = ()
    margins: bool = False
    where: nw.Expr | None = None
    applicable: nw.Expr | None = None
    fill: float | None = None
    squares: bool = False
    binary_check: bool = False
    weigh_rows: bool = False
    weigh_undetermined: bool = False
    values: Literal["rows", "cells"] | None = None
    origin: tuple[float, ...] = ()
    replicates: tuple[nw.Expr, ...] = ()
    signed_replicates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Conditions whose rows are counted, and values that are summed where a condition holds.

    Attributes
    ----------
    counts : dict of str to Expr or None
        Boolean; None counts every row.
    sums : dict of str to (Expr or None, Expr)
        Condition and value.
    """

    counts: dict[str, nw.Expr | None]
    sums: dict[str, tuple[nw.Expr | None, nw.Expr]]

    def names(self) -> list[str]:
        """All measures, counts first."""
        return [*self.counts, *self.sums]

    def by_row(self) -> dict[str, nw.Expr]:
        """Value of each measure in a row: 1 for a count, null where its condition does not hold."""
        out = {name: _where(condition, nw.lit(1.0)) for name, condition in self.counts.items()}
        out |= {name: _where(condition, value) for name, (condition, value) in self.sums.items()}
        return {PREFIX + name: expr for name, expr in out.items()}

    def aggregates(self) -> list[Any]:
        """Aggregation of each measure over the rows of a cell."""
        counts = [
            (nw.len() if condition is None else nw.col(PREFIX + name).count()).alias(PREFIX + name)
            for name, condition in self.counts.items()
        ]
        return counts + [nw.col(PREFIX + name).sum() for name in self.sums]


def base_columns(design: SurveyDesign, query: Query) -> dict[str, nw.Expr]:
    """Weight and outcomes as floats, and the conditions, under names of our own."""
    base = {"weight": nw.lit(1.0) if design.weight is None else nw.col(design.weight).cast(nw.Float64)}
    base |= {f"y{j}": outcome.cast(nw.Float64) for j, outcome in enumerate(query.outcomes)}
    if query.denominator is not None:
        base["x"] = query.denominator.cast(nw.Float64)
    base |= {f"r{r}": weight.cast(nw.Float64) for r, weight in enumerate(query.replicates)}
    others = {"where": query.where, "applicable": query.applicable, "level": query.category}
    base |= {name: expr for name, expr in others.items() if expr is not None}
    return {PREFIX + name: expr for name, expr in base.items()}


def measures(design: SurveyDesign, query: Query) -> Measures:
    """Counts and sums that a query needs, over the columns of :func:`base_columns`."""
    if query.replicates:
        return _replicated(design, query)
    weight = _own("weight")
    inside = _own("where").fill_null(False) if query.where is not None else None
    applicable = _own("applicable").fill_null(True) if query.applicable is not None else None
    eligible = _all(inside, applicable)
    missing = functools.reduce(operator.or_, [value.is_null() for value in _values(query)])
    valid = eligible if query.fill is not None else _all(~missing, eligible)
    counts: dict[str, nw.Expr | None] = {
        "rows": None,
        "weighted": weight > 0,
        "n": valid,
        "n_weighted": _all(weight > 0, valid),
    }
    if design.weight is not None:
        counts["bad"] = weight.is_null() | (weight < 0) | ~weight.is_finite()
    if inside is not None:
        counts |= {"where_null": _own("where").is_null(), "domain": inside}
        counts["domain_weighted"] = inside & (weight > 0)
    if query.fill is not None or applicable is not None:
        counts["undetermined"] = _all(missing, eligible)
    sums: dict[str, tuple[nw.Expr | None, nw.Expr]] = {"w": (valid, weight)}
    if query.weigh_rows:
        sums["w_rows"] = (None, weight)
    if query.weigh_undetermined:
        sums["w_undetermined"] = (_all(missing, eligible), weight)
    _add_outcomes(query, valid, counts, sums)
    sums |= _adjusted(design, sums)
    if query.values == "rows":
        return _plain_rows(counts, sums)
    return Measures(counts=counts, sums=sums)


def _plain_rows(
    counts: dict[str, nw.Expr | None], sums: dict[str, tuple[nw.Expr | None, nw.Expr]]
) -> Measures:
    """Rows as they are: what follows from weight, value and condition is worked out after the reading."""
    kept = {
        name: counts[name] for name in counts if name in ("n", "bad", "where_null", "domain", "undetermined")
    }
    needed = ("w", "w_rows", "leverage", "factor")
    told = {name: pair for name, pair in sums.items() if name.startswith(needed)}
    told |= {"y0": (counts["n"], _own("y0")), "w_own": (None, _own("weight"))}
    return Measures(counts=kept, sums=told)


def _add_outcomes(
    query: Query,
    valid: nw.Expr | None,
    counts: dict[str, nw.Expr | None],
    sums: dict[str, tuple[nw.Expr | None, nw.Expr]],
) -> None:
    """Σwy and what goes with it, for each outcome and the denominator."""
    weight, x = _own("weight"), _own("x")
    for j in range(len(query.outcomes)):
        y = _own(f"y{j}")
        if query.fill is not None:
            y = y.fill_null(query.fill)
        counts[f"pos{j}"] = _all(y != 0, valid)
        if query.binary_check:
            counts[f"other{j}"] = (y != 0) & (y != 1)
        if query.origin and query.origin[j] != 0:
            y = y - query.origin[j]
        sums[f"wy{j}"] = (valid, weight * y)
        if query.squares:
            sums[f"wyy{j}"] = (valid, weight * y * y)
        if query.squares and query.denominator is not None:
            sums[f"wxy{j}"] = (valid, weight * x * y)
    if query.denominator is not None:
        sums["wx"] = (valid, weight * x)
        if query.squares:
            sums["wxx"] = (valid, weight * x * x)


def _replicated(design: SurveyDesign, query: Query) -> Measures:
    """The measures of the full weight, and the linear sums of each replicate weight."""
    plain = measures(design, replace(query, replicates=()))
    bare = replace(query, replicates=(), squares=False, weigh_rows=False, values=None)
    linear = measures(design, bare).sums
    ones = {name: (where, _unweighted(query, name)) for name, (where, _) in linear.items()}
    sums = plain.sums | {"w_all": (None, _own("weight"))}
    bad = []
    for r in range(len(query.replicates)):
        weight = _own(f"r{r}")
        sums |= {f"{name}@{r}": (where, weight * value) for name, (where, value) in ones.items()}
        if r < SIZED:
            sums[f"w_all@{r}"] = (None, weight)
        wrong = weight.is_null() | ~weight.is_finite()
        bad.append(wrong if query.signed_replicates else wrong | (weight < 0))
    counts = plain.counts | {"bad_replicate": nw.any_horizontal(*bad, ignore_nulls=True)}
    return Measures(counts=counts, sums=sums)


def _unweighted(query: Query, name: str) -> Any:
    """The value that a linear sum adds up, without its weight."""
    if name == "wx":
        return _own("x")
    if not name.startswith("wy"):
        return 1.0
    j = int(name.removeprefix("wy"))
    y = _own(f"y{j}") if query.fill is None else _own(f"y{j}").fill_null(query.fill)
    return y - query.origin[j] if query.origin and query.origin[j] != 0 else y


def _adjusted(
    design: SurveyDesign, sums: dict[str, tuple[nw.Expr | None, nw.Expr]]
) -> dict[str, tuple[nw.Expr | None, nw.Expr]]:
    """What the steps of weighting need: A over all rows, and every linear sum times each column of C."""
    out: dict[str, tuple[nw.Expr | None, nw.Expr]] = {}
    linear = [name for name in sums if name in ("w", "wx", "w_undetermined") or name[2:].isdigit()]
    factors = [factor for step in design.adjustments for factor in step.factors]
    leverage = [column for step in design.adjustments for column in step.leverage]
    for p, (column, factor) in enumerate(zip(leverage, factors, strict=True)):
        out[f"leverage{p}"] = (None, column)
        out |= {f"factor{p}_{name}": (sums[name][0], factor * sums[name][1]) for name in linear}
    return out


def _values(query: Query) -> Iterable[nw.Expr]:
    """Columns that a valid row must have."""
    names = [f"y{j}" for j in range(len(query.outcomes))]
    names += ["x"] if query.denominator is not None else []
    names += ["level"] if query.category is not None else []
    return [_own(name) for name in names]


def _own(name: str) -> nw.Expr:
    return nw.col(PREFIX + name)


def _where(condition: nw.Expr | None, value: nw.Expr) -> nw.Expr:
    return value if condition is None else nw.when(condition).then(value)


def _all(*conditions: nw.Expr | None) -> nw.Expr | None:
    """Conjunction of the conditions there are; None when there is none."""
    there = [c for c in conditions if c is not None]
    return functools.reduce(operator.and_, there) if there else None
