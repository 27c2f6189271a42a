"""The door to estimation: a frame and its design."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import narwhals as nw_main
import narwhals.stable.v2 as nw
import numpy as np

from survey_toolkit._frames import NOT_APPLICABLE, STATUS_SUFFIX, LazyFrame, null_aware, require_columns
from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.assemble import Request, assemble
from survey_toolkit.estimation.cells import is_missing
from survey_toolkit.estimation.design import SurveyDesign
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import PROPORTION_INTERVALS
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.statistics import Deff, Kind
from survey_toolkit.estimation.totals import psu_totals

__all__ = ["Survey"]

By: TypeAlias = str | Sequence[str] | None
Where: TypeAlias = nw.Expr | Mapping[str, Any] | None
Undetermined: TypeAlias = Literal["exclude", "not_met", "met"]
DfRule: TypeAlias = Literal["domain", "design"] | float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """Options shared by all statistics, checked."""

    by: tuple[str, ...]
    where: nw.Expr | None
    level: float
    deff: Deff | None
    df: DfRule


class Survey:
    """A frame and the design by which its rows were sampled.

    Parameters
    ----------
    data : frame, path, or Microdata
        Whatever narwhals accepts, a Parquet or CSV path (read through DuckDB, out of memory), or an object
        with a ``frame``.
    design : SurveyDesign

    Raises
    ------
    DesignError
        If a design column is missing or not numeric. Values are checked with the first estimate, in the
        same pass over the rows.

    Notes
    -----
    Rows are never filtered: a subpopulation (``by``, ``where``) keeps the whole design, so PSUs without
    members count as zeros. Every call reads the rows once.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign
    >>> data = pd.DataFrame({"w": [2.0, 2, 3, 3], "ea": [1, 1, 2, 2], "y": [1, 0, 1, 1]})
    >>> Survey(data, SurveyDesign(weight="w", psu="ea")).mean("y").estimate
    array([0.8])
    """

    __slots__ = ("_schema", "design", "frame")

    design: SurveyDesign
    frame: LazyFrame

    def __init__(self, data: Any, design: SurveyDesign) -> None:
        if hasattr(data, "frame") and hasattr(data, "variables"):
            data = data.frame
        self.frame = null_aware(data)
        self.design = design
        design.check_columns(self.frame)
        self._schema = self.frame.collect_schema()

    def __repr__(self) -> str:
        return f"Survey({len(self._schema.names())} columns; {self.design.sentence()})"

    def mean(
        self,
        variable: str | Sequence[str],
        by: By = None,
        where: Where = None,
        *,
        level: float = 0.95,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
    ) -> Estimates:
        """Mean of one or several numeric variables by domain.

        Parameters
        ----------
        variable : str or sequence of str
            Null is left out and counted. Several variables are taken over the rows that have them all,
            so that their covariance is that of one sample (as in R and Stata).
        by : str or sequence of str, optional
            Domains: any crossing of columns.
        where : Expr or mapping, optional
            Subpopulation: a narwhals expression, or ``{column: code or list of codes}``.
        level : float
            Confidence level.
        deff : {"wr", "wor", None}
            Design effect against simple random sampling with or without replacement.
        df : {"domain", "design"} or float
            Degrees of freedom of the t quantile: PSUs minus strata that hold rows of the domain (of the
            domain with a value, for proportions), PSUs minus strata of the whole design, or a number
            (``math.inf`` gives the normal quantile).

        Returns
        -------
        Estimates

        Raises
        ------
        DesignError, EstimationError

        References
        ----------
        Woodruff (1971), JASA 66:411-414. Oracle: ``svymean``, ``svyby`` of R survey.
        """
        names = _as_tuple(variable)
        options = self._options(by, where, level, deff, df)
        self._require_numeric(names)
        origin = self._origins(names) if deff else ()
        query = Query(
            outcomes=tuple(nw.col(name) for name in names),
            by=options.by,
            where=options.where,
            applicable=self._applicable(names),
            squares=deff is not None,
            origin=origin,
        )
        return self._run(query, "mean", names, options, unit="mean")

    def total(
        self,
        variable: str | Sequence[str],
        by: By = None,
        where: Where = None,
        *,
        categorical: bool | None = None,
        success: Any = None,
        level: float = 0.95,
        undetermined: Undetermined = "exclude",
        bounds: bool = False,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
    ) -> Estimates:
        """Population total of a numeric variable, of a status, or of each level of a category.

        Parameters
        ----------
        variable : str or sequence of str
        by, where, level, deff, df
            As in :meth:`mean`.
        categorical : bool, optional
            Count the population in each level. Default: text columns are categories.
        success : optional
            Count the population with this one code.
        undetermined, bounds
            As in :meth:`proportion`; for Boolean variables only.

        Returns
        -------
        Estimates
        """
        names = _as_tuple(variable)
        options = self._options(by, where, level, deff, df)
        schema = self._schema
        self._require(names)
        if categorical or (categorical is None and success is None and _is_text(schema[names[0]])):
            _refuse_policy(undetermined, bounds, names[0])
            return self._run(self._category_query(names, options), "total", names, options, unit="population")
        status = success is not None or schema[names[0]] == nw.Boolean
        if not status:
            _refuse_policy(undetermined, bounds, names[0])
            self._require_numeric(names)
        query = Query(
            outcomes=self._outcomes(names, success),
            by=options.by,
            where=options.where,
            applicable=self._applicable(names),
            fill=_fill(undetermined),
            squares=deff is not None,
            weigh_undetermined=bounds,
        )
        unit = "population" if status else "total"
        return self._run(query, "total", names, options, unit=unit, bounds=bounds, undetermined=undetermined)

    def ratio(
        self,
        numerator: str,
        denominator: str,
        by: By = None,
        where: Where = None,
        *,
        level: float = 0.95,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
    ) -> Estimates:
        """Ratio of two totals, over the rows that have both.

        Parameters
        ----------
        numerator, denominator : str
        by, where, level, deff, df
            As in :meth:`mean`.

        Returns
        -------
        Estimates
        """
        options = self._options(by, where, level, deff, df)
        self._require_numeric((numerator, denominator))
        query = Query(
            outcomes=(nw.col(numerator),),
            denominator=nw.col(denominator),
            by=options.by,
            where=options.where,
            applicable=self._applicable((numerator, denominator)),
            squares=deff is not None,
        )
        return self._run(query, "ratio", (f"{numerator}/{denominator}",), options, unit="ratio")

    def proportion(
        self,
        variable: str,
        by: By = None,
        where: Where = None,
        *,
        success: Any = None,
        ci: str = "logit",
        level: float = 0.95,
        undetermined: Undetermined = "exclude",
        bounds: bool = False,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
    ) -> Estimates:
        """Proportion of a status (Boolean or 0-1), or of every level of a category at once.

        Parameters
        ----------
        variable : str
            Boolean or 0-1: its proportion. Anything else: the proportions of all its levels, with their
            covariance, and a domain column ``level``. If a column ``<variable>__status`` stands beside it,
            rows ``not_applicable`` are outside the universe and the other nulls are undetermined; without
            it every null is undetermined.
        by, where, level, deff, df
            As in :meth:`mean`.
        success : optional
            The proportion of this one code.
        ci : str
            ``logit`` (default), ``beta`` (Korn-Graubard), ``clopper_pearson``, ``wilson``, ``asin``,
            ``mean`` (Wald); see :mod:`survey_toolkit.estimation.intervals`. With no event,
            or only events, each gives the exact binomial limits and the row is flagged ``exact_ci``.
        undetermined : {"exclude", "not_met", "met"}
            What an undetermined row counts as in the point estimate. They are counted in any case.
        bounds : bool
            Give also the estimates with all undetermined *not met* and all *met*.

        Returns
        -------
        Estimates

        References
        ----------
        Korn and Graubard (1998), Survey Methodology 24(2):193-201. Oracle: ``svyciprop`` of R survey.
        """
        _check_choice("ci", ci, tuple(PROPORTION_INTERVALS))
        options = self._options(by, where, level, deff, df)
        self._require((variable,))
        dtype = self._schema[variable]
        if success is None and not (dtype == nw.Boolean or dtype.is_numeric()):
            return self._levels(variable, options, ci, undetermined, bounds)
        query = Query(
            outcomes=self._outcomes((variable,), success),
            by=options.by,
            where=options.where,
            applicable=self._applicable((variable,)),
            fill=_fill(undetermined),
            binary_check=success is None and dtype != nw.Boolean,
            weigh_undetermined=bounds,
        )
        totals = psu_totals(self.frame, self.design, query)
        if query.binary_check and totals.sums["other0"].sum() > 0:
            return self._levels(variable, options, ci, undetermined, bounds)
        request = self._request(
            "proportion", (variable,), options, "proportion", ci=ci, bounds=bounds, undetermined=undetermined
        )
        return assemble(totals, self.design, request)

    def _levels(
        self, variable: str, options: _Options, ci: str, undetermined: Undetermined, bounds: bool
    ) -> Estimates:
        """Proportions of all levels of a category."""
        _refuse_policy(undetermined, bounds, variable)
        query = self._category_query((variable,), options)
        return self._run(query, "proportion", (variable,), options, unit="proportion", ci=ci)

    def _run(
        self,
        query: Query,
        kind: Kind,
        names: tuple[str, ...],
        options: _Options,
        *,
        unit: str,
        ci: str = "mean",
        bounds: bool = False,
        undetermined: Undetermined = "exclude",
    ) -> Estimates:
        totals = psu_totals(self.frame, self.design, query)
        request = self._request(
            kind, names, options, unit, ci=ci, bounds=bounds, undetermined=undetermined, origin=query.origin
        )
        return assemble(totals, self.design, request)

    def _request(
        self, kind: Kind, names: tuple[str, ...], options: _Options, unit: str, **more: Any
    ) -> Request:
        return Request(
            kind=kind, names=names, unit=unit, level=options.level, deff=options.deff, df=options.df, **more
        )

    def _options(self, by: By, where: Where, level: float, deff: Deff | None, df: DfRule) -> _Options:
        """Check what is common to all statistics."""
        columns = _as_tuple(by) if by else ()
        self._require(columns)
        if deff is not None:
            _check_choice("deff", deff, get_args(Deff))
        if isinstance(df, str):
            _check_choice("df", df, ("domain", "design"))
        elif not (math.isinf(df) or df > 0):
            raise EstimationError("degrees of freedom must be above 0", where="df", found=str(df))
        if len(set(columns)) < len(columns):
            raise EstimationError("a domain column is named twice", where="by", found=", ".join(columns))
        return _Options(by=columns, where=self._condition(where), level=level, deff=deff, df=df)

    def _condition(self, where: Where) -> nw.Expr | None:
        """A Boolean expression from what the user gave."""
        if where is None or isinstance(where, nw.Expr | nw_main.Expr):
            return where
        if not isinstance(where, Mapping):
            raise EstimationError(
                "the subpopulation is not understood",
                where="where",
                found=type(where).__name__,
                expected="a narwhals expression, or {column: code or list of codes}",
            )
        self._require(tuple(where))
        parts = []
        for name, value in where.items():
            many = isinstance(value, list | tuple | set | frozenset)
            parts.append(nw.col(name).is_in(list(value)) if many else nw.col(name) == value)
        return nw.all_horizontal(*parts, ignore_nulls=False) if parts else None

    def _outcomes(self, names: tuple[str, ...], success: Any) -> tuple[nw.Expr, ...]:
        if success is None:
            return tuple(nw.col(name) for name in names)
        schema = self._schema
        for name in names:
            if _is_text(schema[name]) != isinstance(success, str):
                raise EstimationError(
                    "success is not a code of this column",
                    where=name,
                    found=f"success of type {type(success).__name__}, column of type {schema[name]}",
                    hint="give the code as it stands in the data",
                )
        return tuple(nw.col(name) == success for name in names)

    def _category_query(self, names: tuple[str, ...], options: _Options) -> Query:
        if len(names) > 1:
            raise EstimationError("levels are counted for one variable at a time", found=", ".join(names))
        column = nw.col(names[0])
        if self._schema[names[0]] in (nw.Categorical, nw.Enum):
            column = column.cast(nw.String)
        return Query(category=column, by=options.by, where=options.where, applicable=self._applicable(names))

    def _applicable(self, names: tuple[str, ...]) -> nw.Expr | None:
        """Rows in the universe of the variables, where a status column tells."""
        have = set(self._schema.names())
        parts = [nw.col(n + STATUS_SUFFIX) != NOT_APPLICABLE for n in names if n + STATUS_SUFFIX in have]
        return nw.all_horizontal(*parts, ignore_nulls=False) if parts else None

    def _origins(self, names: tuple[str, ...]) -> tuple[float, ...]:
        """A rough centre of each variable from its first rows: squares taken about it do not cancel."""
        schema = self._schema
        if all(schema[name] == nw.Boolean for name in names):
            return ()
        head = self.frame.select(*names).head(500)
        columns = head.collect("pandas" if _remote(head) else None)
        return tuple(_rough_centre(columns[name].to_list()) for name in names)

    def _require(self, names: tuple[str, ...]) -> None:
        if not set(names) <= set(self._schema):
            require_columns(self.frame, list(names), what="estimation", error=EstimationError)

    def _require_numeric(self, names: tuple[str, ...]) -> None:
        self._require(names)
        schema = self._schema
        for name in names:
            if not (schema[name].is_numeric() or schema[name] in (nw.Boolean, nw.Unknown)):
                raise EstimationError(
                    "this variable is not numeric",
                    where=name,
                    found=str(schema[name]),
                    expected="a number or a Boolean",
                    hint="for a category use proportion(), or total(..., categorical=True)",
                )


def _remote(frame: LazyFrame) -> bool:
    kind = frame.implementation
    return not (kind.is_polars() or kind.is_pandas() or kind.is_pyarrow())


def _rough_centre(values: list[Any]) -> float:
    finite = [float(v) for v in values if not is_missing(v) and math.isfinite(v)]
    return float(np.round(np.mean(finite))) if finite else 0.0


def _is_text(dtype: Any) -> bool:
    return dtype in (nw.String, nw.Categorical, nw.Enum)


def _as_tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    out = (names,) if isinstance(names, str) else tuple(names)
    if not out or not all(isinstance(name, str) for name in out):
        raise EstimationError(
            "variables are given by name", found=repr(names), expected="a column name, or several"
        )
    return out


def _fill(undetermined: str) -> float | None:
    _check_choice("undetermined", undetermined, get_args(Undetermined))
    return {"exclude": None, "not_met": 0.0, "met": 1.0}[undetermined]


def _refuse_policy(undetermined: str, bounds: bool, name: str) -> None:
    _check_choice("undetermined", undetermined, get_args(Undetermined))
    if bounds or undetermined != "exclude":
        raise EstimationError(
            "bounds and a policy for undetermined rows need a status (met or not met)",
            where=name,
            hint="choose one code with success=",
        )


def _check_choice(where: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise EstimationError(
            "unknown option",
            where=where,
            found=repr(value),
            expected=", ".join(allowed),
            hint=did_you_mean(value, allowed),
        )
