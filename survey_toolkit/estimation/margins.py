"""Known totals, as the user gives them, against the sample."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import LazyFrame, require_columns
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.cells import _float, _to_numpy
from survey_toolkit.estimation.codes import Floats, factorize
from survey_toolkit.estimation.measures import PREFIX

__all__ = ["Margin", "Sample", "Totals", "check_sums", "margins", "sample_cells"]

Totals: TypeAlias = Mapping[Any, Any]
INTERCEPT = ("(Intercept)", "1", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """One set of known totals: the population in each class, or the total of one number.

    Attributes
    ----------
    label : str
    columns : tuple of str
        Columns whose codes make the classes; empty for a number.
    codes : tuple of tuple
        One class a total.
    number : Expr or None
        What is summed; 1 for the size of the population.
    totals : float array (P,)
    complete : bool
        Whether every row must be in one of the classes.
    """

    label: str
    columns: tuple[str, ...]
    codes: tuple[tuple[Any, ...], ...]
    number: nw.Expr | None
    totals: Floats
    complete: bool = True

    def names(self) -> list[str]:
        """Each total in words, such as ``sex=1``."""
        if self.number is not None:
            return [self.label]
        return [", ".join(f"{c}={v}" for c, v in zip(self.columns, code, strict=True)) for code in self.codes]

    def expressions(self) -> list[nw.Expr]:
        """The calibration variables, a float a row and never null."""
        if self.number is not None:
            return [self.number.cast(nw.Float64).fill_null(0.0)]
        out = []
        for code in self.codes:
            parts = [nw.col(c) == v for c, v in zip(self.columns, code, strict=True)]
            met = functools.reduce(operator.and_, parts).fill_null(False)
            out.append(nw.when(met).then(nw.lit(1.0)).otherwise(nw.lit(0.0)))
        return out


def margins(totals: Totals, *, complete: bool = True) -> list[Margin]:
    """Read known totals.

    Parameters
    ----------
    totals : mapping
        Column, or tuple of columns, to ``{code or tuple of codes: population}``; a column to the total of
        a number; ``"(Intercept)"`` to the size of the population; any name to ``(expression, total)``.
    complete : bool
        Whether the classes must cover the sample.

    Returns
    -------
    list of Margin

    Raises
    ------
    EstimationError
        If a total is no finite number, or negative in a class.

    Examples
    --------
    >>> [m.names() for m in margins({"sex": {"F": 60, "M": 40}, "income": 5000.0})]
    [['sex=F', 'sex=M'], ['income']]
    """
    if not isinstance(totals, Mapping) or not totals:
        raise EstimationError(
            "no totals are given",
            where="totals",
            found=type(totals).__name__ if totals else "nothing",
            expected='such as {"sex": {"F": 60, "M": 40}}',
            hint="name a column, and the population of each of its codes",
        )
    return [_margin(key, value, complete) for key, value in totals.items()]


def _margin(key: Any, value: Any, complete: bool) -> Margin:
    columns = key if isinstance(key, tuple) else (key,)
    label = " x ".join(str(c) for c in columns)
    if isinstance(value, Mapping):
        codes = tuple(code if isinstance(code, tuple) else (code,) for code in value)
        if not codes or any(len(code) != len(columns) for code in codes):
            raise EstimationError(
                "a class needs one code a column",
                where=label,
                found=", ".join(repr(code) for code in codes[:3]) or "no class",
                expected=f"tuples of {len(columns)} codes",
                hint='such as {("sex", "region"): {("F", "north"): 60}}',
            )
        numbers = np.array([_number(v, label) for v in value.values()])
        if (numbers < 0).any():
            raise EstimationError(
                "a population cannot be negative",
                where=label,
                found=f"{numbers.min():g}",
                expected="counts of zero or above",
                hint="correct the total",
            )
        return Margin(
            label=label, columns=columns, codes=codes, number=None, totals=numbers, complete=complete
        )
    if isinstance(value, tuple) and len(value) == 2:
        expression, total = value
    else:
        expression, total = (nw.lit(1.0) if key in INTERCEPT else nw.col(str(key))), value
    return Margin(
        label=label, columns=(), codes=(), number=expression, totals=np.array([_number(total, label)])
    )


def _number(value: Any, label: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise EstimationError(
            "a total must be a finite number",
            where=label,
            found=repr(value),
            expected="a count, or the sum of the variable over the population",
            hint="correct the total",
        )
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What of the sample the calibration needs, C cells of equal rows.

    Attributes
    ----------
    weight : float array (C,)
    matrix : float array (C, P)
    extra : dict of str to float array (C,)
        Sums of further columns.
    """

    weight: Floats
    matrix: Floats
    extra: dict[str, Floats]


def sample_cells(
    frame: LazyFrame, weight: str, known: list[Margin], extra: Mapping[str, nw.Expr] | None = None
) -> Sample:
    """Sum the weights by the calibration variables, in one query, and check that every row has them.

    Raises
    ------
    EstimationError
        If a row with weight lacks a value, or has a code for which there is no total.
    """
    columns = list(dict.fromkeys(c for m in known for c in m.columns))
    require_columns(frame, columns, what="calibration", error=EstimationError)
    keys = {f"{PREFIX}k{i}": nw.col(name) for i, name in enumerate(columns)}
    numbers = [m for m in known if m.number is not None]
    keys |= {
        f"{PREFIX}v{i}": m.number.cast(nw.Float64) for i, m in enumerate(numbers) if m.number is not None
    }
    sums = {f"{PREFIX}w": nw.col(weight).cast(nw.Float64), f"{PREFIX}n": _weighted(weight)}
    sums |= {f"{PREFIX}e_{name}": expr for name, expr in (extra or {}).items()}
    try:
        rows = frame.select(**(keys | sums))
        total = [nw.col(name).sum() for name in sums]
        cells = _to_numpy(rows.group_by(*keys).agg(*total) if keys else rows.select(*total))
    except Exception as exc:  # each engine has errors of its own
        raise EstimationError(
            "the calibration variables cannot be read",
            where=", ".join(m.label for m in known),
            expected="columns of codes, or numbers",
            hint="check the columns and the types of the codes",
            found=f"{type(exc).__name__}: {str(exc).splitlines()[0][:120]}",
        ) from None
    there = _float(cells[f"{PREFIX}n"], missing=0.0) > 0
    parts = [_part(m, numbers, columns, cells, there) for m in known]
    own = {name: _float(cells[f"{PREFIX}e_{name}"], missing=0.0)[there] for name in extra or {}}
    return Sample(
        weight=_float(cells[f"{PREFIX}w"], missing=0.0)[there],
        matrix=np.concatenate(parts, axis=1),
        extra=own,
    )


def _weighted(weight: str) -> Any:
    return nw.when(nw.col(weight) > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))


def _part(
    margin: Margin,
    numbers: list[Margin],
    columns: list[str],
    cells: dict[str, NDArray[Any]],
    there: NDArray[np.bool_],
) -> Floats:
    count = _float(cells[f"{PREFIX}n"], missing=0.0)[there]
    if margin.number is not None:
        values = _float(cells[f"{PREFIX}v{numbers.index(margin)}"])[there]
        _refuse_gaps(~np.isfinite(values), count, margin.label)
        return values[:, None]
    coded = [factorize(cells[f"{PREFIX}k{columns.index(c)}"][there]) for c in margin.columns]
    for name, (_, index) in zip(margin.columns, coded, strict=True):
        _refuse_gaps(index < 0, count, name)
    part = np.zeros((int(there.sum()), len(margin.codes)))
    for j, code in enumerate(margin.codes):
        met = np.ones(len(part), dtype=bool)
        for value, (codes, index) in zip(code, coded, strict=True):
            met &= index == (codes.index(value) if value in codes else -2)
        part[:, j] = met
    left = part.sum(axis=1) == 0
    if margin.complete and left.any():
        shown = {
            ", ".join(str(codes[index[i]]) for codes, index in coded) for i in np.flatnonzero(left).tolist()
        }
        raise EstimationError(
            "the sample has classes for which there is no total",
            where=margin.label,
            found=f"{'; '.join(sorted(shown)[:5])} ({int(count[left].sum())} rows)",
            expected="a total for every class of the sample",
            hint="add the totals, or join classes",
            code="margin-without-total",
        )
    return part


def _refuse_gaps(gap: NDArray[np.bool_], count: Floats, name: str) -> None:
    if gap.any():
        raise EstimationError(
            "rows without a value of a calibration variable",
            where=name,
            found=f"{int(count[gap].sum())} rows",
            expected="a value in every row with a weight",
            hint="impute it, or give the missing a class of their own",
            code="calibration-gap",
        )


def check_sums(known: list[Margin]) -> None:
    """Raise if margins of classes add up to different populations.

    Raises
    ------
    EstimationError
        Naming the margins and their sums.
    """
    sums = {m.label: float(m.totals.sum()) for m in known if m.number is None}
    if sums and max(sums.values()) - min(sums.values()) > 1e-6 * max(sums.values()):
        raise EstimationError(
            "the margins do not describe one population",
            where=", ".join(sums),
            found="; ".join(f"{label} adds up to {total:.10g}" for label, total in sums.items()),
            expected="the same sum for every margin",
            hint="rescale the margins to one population",
            code="margins-differ",
        )
