"""What the user asked, checked against the columns of the frame and turned into expressions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import narwhals as nw_main
import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import NOT_APPLICABLE, STATUS_SUFFIX, LazyFrame, collected, require_columns
from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.codes import is_missing
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.statistics import Deff

__all__ = [
    "Asking",
    "Bounds",
    "By",
    "DfRule",
    "Missing",
    "Options",
    "Undetermined",
    "Where",
    "as_tuple",
    "check_choice",
    "fill_value",
    "refuse_policy",
]

By: TypeAlias = str | Sequence[str] | None
Where: TypeAlias = nw.Expr | Mapping[str, Any] | None
Undetermined: TypeAlias = Literal["exclude", "not_met", "met"]
Missing: TypeAlias = Literal["exclude", "refuse"]
Bounds: TypeAlias = bool | Literal["imbens_manski"]
DfRule: TypeAlias = Literal["domain", "design"] | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options shared by all statistics, checked."""

    by: tuple[str, ...]
    margins: bool
    where: nw.Expr | None
    level: float
    deff: Deff | None
    df: DfRule


@dataclass(frozen=True, slots=True)
class Asking:
    """The columns that can be asked about.

    Attributes
    ----------
    frame : narwhals LazyFrame
    schema : mapping of column name to narwhals dtype
    """

    frame: LazyFrame
    schema: Mapping[str, Any]

    def options(
        self, by: By, where: Where, level: float, deff: Deff | None, df: DfRule, margins: bool = False
    ) -> Options:
        """Check what is common to all statistics."""
        columns = as_tuple(by) if by else ()
        self.require(columns)
        if deff is not None:
            check_choice("deff", deff, get_args(Deff))
        if isinstance(df, str):
            check_choice("df", df, ("domain", "design"))
        elif not df > 0:
            raise EstimationError("degrees of freedom must be above 0", where="df", found=str(df))
        if len(set(columns)) < len(columns):
            raise EstimationError("a domain column is named twice", where="by", found=", ".join(columns))
        return Options(
            by=columns,
            margins=margins and bool(columns),
            where=self.condition(where),
            level=level,
            deff=deff,
            df=df,
        )

    def condition(self, where: Where) -> nw.Expr | None:
        """A Boolean expression from what the user gave."""
        if where is None:
            return None
        if isinstance(where, nw.Expr | nw_main.Expr):
            return self._checked(where)
        if not isinstance(where, Mapping):
            raise EstimationError(
                "the subpopulation is not understood",
                where="where",
                found=type(where).__name__,
                expected="a narwhals expression, or {column: code or list of codes}",
            )
        self.require(tuple(where))
        parts = []
        for name, value in where.items():
            many = isinstance(value, list | tuple | set | frozenset)
            parts.append(nw.col(name).is_in(list(value)) if many else nw.col(name) == value)
        return self._checked(nw.all_horizontal(*parts, ignore_nulls=False)) if parts else None

    def _checked(self, where: Any) -> nw.Expr:
        """The condition, if the engine can evaluate it to a Boolean."""
        try:
            dtype = self.frame.select(condition=where).collect_schema()["condition"]
        except Exception as exc:  # each engine has errors of its own
            raise EstimationError(
                "the condition of the subpopulation cannot be evaluated",
                where="where",
                found=f"{type(exc).__name__}: {str(exc).splitlines()[0][:120] if str(exc) else ''}",
                expected="columns of the frame compared with values of their type",
            ) from None
        if dtype not in (nw.Boolean, nw.Unknown):
            raise EstimationError("the condition is no Boolean", where="where", found=str(dtype))
        expression: nw.Expr = where
        return expression

    def outcomes(self, names: tuple[str, ...], success: Any) -> tuple[nw.Expr, ...]:
        """The columns, or whether they equal one code."""
        if success is None:
            return tuple(nw.col(name) for name in names)
        for name in names:
            if self.is_text(name) != isinstance(success, str):
                raise EstimationError(
                    "success is not a code of this column",
                    where=name,
                    found=f"success of type {type(success).__name__}, column of type {self.schema[name]}",
                    hint="give the code as it stands in the data",
                )
        return tuple(nw.col(name) == success for name in names)

    def category(self, names: tuple[str, ...], options: Options) -> Query:
        """Query for all levels of one column."""
        if len(names) > 1:
            raise EstimationError("levels are counted for one variable at a time", found=", ".join(names))
        column = nw.col(names[0])
        if self.schema[names[0]] in (nw.Categorical, nw.Enum):
            column = column.cast(nw.String)
        return Query(
            category=column,
            by=options.by,
            margins=options.margins,
            where=options.where,
            applicable=self.applicable(names),
            weigh_rows=options.deff == "wor",
        )

    def applicable(self, names: tuple[str, ...]) -> nw.Expr | None:
        """Rows in the universe of the variables, where a status column tells."""
        told = [name + STATUS_SUFFIX for name in names if name + STATUS_SUFFIX in self.schema]
        parts = [nw.col(name) != NOT_APPLICABLE for name in told]
        return nw.all_horizontal(*parts, ignore_nulls=False) if parts else None

    def origins(self, names: tuple[str, ...]) -> tuple[float, ...]:
        """A rough centre of each variable from its first rows: squares taken about it do not cancel."""
        if all(self.schema[name] == nw.Boolean for name in names):
            return ()
        columns = collected(self.frame.select(*names).head(500))
        return tuple(_rough_centre(columns[name].to_list()) for name in names)

    def require(self, names: tuple[str, ...]) -> None:
        """Raise if a column is not there."""
        if not set(names) <= set(self.schema):
            require_columns(self.frame, list(names), what="estimation", error=EstimationError)

    def require_numeric(self, names: tuple[str, ...]) -> None:
        """Raise if a column is not there or holds no numbers."""
        self.require(names)
        for name in names:
            if not self.is_numeric(name):
                raise EstimationError(
                    "this variable is not numeric",
                    where=name,
                    found=str(self.schema[name]),
                    expected="a number or a Boolean",
                    hint="for a category use proportion(), or total(..., categorical=True)",
                )

    def is_text(self, name: str) -> bool:
        """Whether a column holds text codes."""
        return self.schema[name] in (nw.String, nw.Categorical, nw.Enum)

    def is_numeric(self, name: str) -> bool:
        """Whether a column holds numbers or Booleans."""
        return self.schema[name].is_numeric() or self.schema[name] in (nw.Boolean, nw.Unknown)

    def is_boolean(self, name: str) -> bool:
        """Whether a column is Boolean."""
        return bool(self.schema[name] == nw.Boolean)


def _rough_centre(values: list[Any]) -> float:
    finite = [float(v) for v in values if not is_missing(v) and math.isfinite(v)]
    return float(np.round(np.mean(finite))) if finite else 0.0


def as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several as a tuple."""
    out = (names,) if isinstance(names, str) else tuple(names)
    if not out or not all(isinstance(name, str) for name in out):
        raise EstimationError(
            "variables are given by name", found=repr(names), expected="a column name, or several"
        )
    return out


def fill_value(undetermined: str) -> float | None:
    """What an undetermined row counts as; None when it is left out."""
    check_choice("undetermined", undetermined, get_args(Undetermined))
    return {"exclude": None, "not_met": 0.0, "met": 1.0}[undetermined]


def refuse_policy(undetermined: str, bounds: bool | str, name: str) -> None:
    """Raise if a policy for undetermined rows is asked of something that is no status."""
    check_choice("undetermined", undetermined, get_args(Undetermined))
    if bounds or undetermined != "exclude":
        raise EstimationError(
            "bounds and a policy for undetermined rows need a status (met or not met)",
            where=name,
            hint="choose one code with success=",
        )


def check_choice(where: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Raise if an option is not among the allowed ones."""
    if value not in allowed:
        raise EstimationError(
            "unknown option",
            where=where,
            found=repr(value),
            expected=", ".join(allowed),
            hint=did_you_mean(value, allowed),
        )
