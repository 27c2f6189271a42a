"""The door to estimation: a frame and its design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import narwhals.stable.v2 as nw

from survey_toolkit._frames import LazyFrame, null_aware
from survey_toolkit.estimation.asking import (
    Asking,
    Bounds,
    By,
    DfRule,
    Missing,
    Options,
    Undetermined,
    Where,
    as_tuple,
    check_choice,
    fill_value,
    refuse_policy,
)
from survey_toolkit.estimation.assemble import Request, assemble
from survey_toolkit.estimation.distribution_methods import DistributionMethods
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import PROPORTION_INTERVALS
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.model_methods import ModelMethods
from survey_toolkit.estimation.replication_methods import ReplicationMethods
from survey_toolkit.estimation.statistics import Deff, Kind
from survey_toolkit.estimation.variance import Design, read_totals
from survey_toolkit.estimation.weighting_methods import WeightingMethods

__all__ = ["Survey"]


class Survey(ReplicationMethods, WeightingMethods, DistributionMethods, ModelMethods):
    """A frame and the design by which its rows were sampled.

    Parameters
    ----------
    data : frame, path, or Microdata
        Whatever narwhals accepts, a Parquet or CSV path (read through DuckDB, out of memory), or an object
        with a ``frame``. Codes that a Microdata, or a Parquet file written by this toolkit, declares missing
        are no values.
    design : SurveyDesign, ReplicateDesign or PpsDesign

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

    __slots__ = ("_ask", "design", "frame")

    design: Design
    frame: LazyFrame

    def __init__(self, data: Any, design: Design) -> None:
        self.frame = null_aware(data)
        self.design = design
        design.check_columns(self.frame)
        self._ask = Asking(self.frame, self.frame.collect_schema())

    def __repr__(self) -> str:
        return f"Survey({len(self._ask.schema)} columns; {self.design.sentence()})"

    def mean(
        self,
        variable: str | Sequence[str],
        by: By = None,
        where: Where = None,
        *,
        level: float = 0.95,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
        margins: bool = False,
        missing: Missing = "exclude",
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
        margins : bool
            Give the margins of the crossing and the total beside it, with their covariance; a column summed
            over holds ``_T``.
        missing : {"exclude", "refuse"}
            What to do when values are missing: leave the rows out and count them, or stop.

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
        names = as_tuple(variable)
        options = self._ask.options(by, where, level, deff, df, margins)
        self._ask.require_numeric(names)
        origin = self._ask.origins(names) if deff else ()
        query = Query(
            outcomes=tuple(nw.col(name) for name in names),
            by=options.by,
            margins=options.margins,
            where=options.where,
            weigh_rows=options.deff == "wor",
            applicable=self._ask.applicable(names),
            squares=deff is not None,
            origin=origin,
        )
        return self._run(query, "mean", names, options, unit="mean", missing=missing)

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
        bounds: Bounds = False,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
        margins: bool = False,
    ) -> Estimates:
        """Population total of a numeric variable, of a status, or of each level of a category.

        Parameters
        ----------
        variable : str or sequence of str
        by, where, level, deff, df, margins
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
        names = as_tuple(variable)
        options = self._ask.options(by, where, level, deff, df, margins)
        self._ask.require(names)
        if categorical or (categorical is None and success is None and self._ask.is_text(names[0])):
            refuse_policy(undetermined, bounds, names[0])
            return self._run(self._ask.category(names, options), "total", names, options, unit="population")
        status = success is not None or self._ask.is_boolean(names[0])
        if not status:
            refuse_policy(undetermined, bounds, names[0])
            self._ask.require_numeric(names)
        query = Query(
            outcomes=self._ask.outcomes(names, success),
            by=options.by,
            margins=options.margins,
            where=options.where,
            weigh_rows=options.deff == "wor",
            applicable=self._ask.applicable(names),
            fill=fill_value(undetermined),
            squares=deff is not None,
            weigh_undetermined=bool(bounds),
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
        margins: bool = False,
        missing: Missing = "exclude",
    ) -> Estimates:
        """Ratio of two totals, over the rows that have both.

        Parameters
        ----------
        numerator, denominator : str
        by, where, level, deff, df, margins, missing
            As in :meth:`mean`.

        Returns
        -------
        Estimates
        """
        options = self._ask.options(by, where, level, deff, df, margins)
        self._ask.require_numeric((numerator, denominator))
        query = Query(
            outcomes=(nw.col(numerator),),
            denominator=nw.col(denominator),
            by=options.by,
            margins=options.margins,
            where=options.where,
            weigh_rows=options.deff == "wor",
            applicable=self._ask.applicable((numerator, denominator)),
            squares=deff is not None,
        )
        return self._run(
            query, "ratio", (f"{numerator}/{denominator}",), options, unit="ratio", missing=missing
        )

    def proportion(
        self,
        variable: str,
        by: By = None,
        where: Where = None,
        *,
        success: Any = None,
        ci: str = "beta",
        level: float = 0.95,
        undetermined: Undetermined = "exclude",
        bounds: Bounds = False,
        deff: Deff | None = "wr",
        df: DfRule = "domain",
        margins: bool = False,
    ) -> Estimates:
        """Proportion of a status (Boolean or 0-1), or of every level of a category at once.

        Parameters
        ----------
        variable : str
            Boolean or 0-1: its proportion. Anything else: the proportions of all its levels, with their
            covariance, and a domain column ``level``. If a column ``<variable>__status`` stands beside it,
            rows ``not_applicable`` are outside the universe and the other nulls are undetermined; without
            it every null is undetermined.
        by, where, level, deff, df, margins
            As in :meth:`mean`.
        success : optional
            The proportion of this one code.
        ci : str
            ``beta`` (Korn-Graubard; the default, as benchmarks/results/coverage_proportions.md advises),
            ``logit`` (steadier below 1 % with few PSUs), ``clopper_pearson``, ``wilson``, ``asin``,
            ``likelihood``, ``mean`` (Wald); see :mod:`survey_toolkit.estimation.intervals`. With no event,
            or only events, each gives the exact binomial limits and the row is flagged ``exact_ci``.
        undetermined : {"exclude", "not_met", "met"}
            What an undetermined row counts as in the point estimate. They are counted in any case.
        bounds : bool or "imbens_manski"
            Give also the estimates with all undetermined *not met* and all *met*. Their interval covers both
            (True), or the proportion between them (:mod:`survey_toolkit.estimation.identified`).

        Returns
        -------
        Estimates

        References
        ----------
        Korn and Graubard (1998), Survey Methodology 24(2):193-201. Oracle: ``svyciprop`` of R survey.
        """
        check_choice("ci", ci, tuple(PROPORTION_INTERVALS))
        options = self._ask.options(by, where, level, deff, df, margins)
        self._ask.require((variable,))
        if success is None and not self._ask.is_numeric(variable):
            return self._levels(variable, options, ci, undetermined, bounds)
        query = Query(
            outcomes=self._ask.outcomes((variable,), success),
            by=options.by,
            margins=options.margins,
            where=options.where,
            weigh_rows=options.deff == "wor",
            applicable=self._ask.applicable((variable,)),
            fill=fill_value(undetermined),
            binary_check=success is None and not self._ask.is_boolean(variable),
            weigh_undetermined=bool(bounds),
        )
        totals = read_totals(self.design, self.frame, query)
        if query.binary_check and totals.sums["other0"].sum() > 0:
            return self._levels(variable, options, ci, undetermined, bounds)
        request = self._request(
            "proportion", (variable,), options, "proportion", ci=ci, bounds=bounds, undetermined=undetermined
        )
        return assemble(totals, self.design, request)

    def _levels(
        self, variable: str, options: Options, ci: str, undetermined: Undetermined, bounds: Bounds
    ) -> Estimates:
        """Proportions of all levels of a category."""
        refuse_policy(undetermined, bounds, variable)
        query = self._ask.category((variable,), options)
        return self._run(query, "proportion", (variable,), options, unit="proportion", ci=ci)

    def _run(
        self,
        query: Query,
        kind: Kind,
        names: tuple[str, ...],
        options: Options,
        *,
        unit: str,
        ci: str = "mean",
        bounds: Bounds = False,
        undetermined: Undetermined = "exclude",
        missing: Missing = "exclude",
    ) -> Estimates:
        check_choice("missing", missing, get_args(Missing))
        totals = read_totals(self.design, self.frame, query)
        request = self._request(
            kind,
            names,
            options,
            unit,
            ci=ci,
            bounds=bounds,
            undetermined=undetermined,
            origin=query.origin,
            missing=missing,
        )
        return assemble(totals, self.design, request)

    def _request(
        self, kind: Kind, names: tuple[str, ...], options: Options, unit: str, **more: Any
    ) -> Request:
        return Request(
            kind=kind, names=names, unit=unit, level=options.level, deff=options.deff, df=options.df, **more
        )
