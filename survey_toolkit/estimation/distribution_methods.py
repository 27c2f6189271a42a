"""Methods of Survey for the distribution of a variable: quantiles, moments, shares below a value, Gini."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import narwhals.stable.v2 as nw

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import distribution, variance
from survey_toolkit.estimation.asking import Asking, By, DfRule, Where, check_choice
from survey_toolkit.estimation.assemble import Request, assemble
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import PROPORTION_INTERVALS
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.quantiles import QuantileInterval

if TYPE_CHECKING:
    from survey_toolkit._frames import LazyFrame
    from survey_toolkit.estimation.variance import Design

__all__ = ["DistributionMethods"]


class DistributionMethods:
    """What Survey offers for whole distributions."""

    __slots__ = ()

    if TYPE_CHECKING:
        design: Design
        frame: LazyFrame
        _ask: Asking

    def quantile(
        self,
        variable: str,
        probs: float | Sequence[float] = (0.25, 0.5, 0.75),
        by: By = None,
        where: Where = None,
        *,
        rule: str = "math",
        ci: QuantileInterval = "mean",
        level: float = 0.95,
        df: DfRule = "domain",
    ) -> Estimates:
        """Quantiles of a numeric variable by domain, with intervals.

        Parameters
        ----------
        variable : str
            Null is left out and counted.
        probs : float or sequence of float
            Between 0 and 1.
        by, where, level, df
            As in :meth:`Survey.mean`; degrees of freedom count rows with a value.
        rule : str
            ``math`` (inverse distribution function), ``school``, ``hf1`` … ``hf9``, ``shahvaish``; see
            :mod:`survey_toolkit.estimation.quantile_rules`.
        ci : {"mean", "xlogit", "beta", "asin", "score", "quantile"}
            See :mod:`survey_toolkit.estimation.quantiles`.

        Returns
        -------
        Estimates
            Last domain column ``prob``. A limit beyond the sample is NaN, flagged ``no_limit``.

        References
        ----------
        Woodruff (1952), JASA 47:635-646. Oracle: ``svyquantile`` of R survey 4.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"w": [1.0] * 9, "hours": range(9)})
        >>> Survey(data, SurveyDesign(weight="w")).quantile("hours", 0.5).estimate
        array([4.])
        """
        self._ask.require((variable,))
        options = self._ask.options(by, where, level, None, df)
        asked = [probs] if isinstance(probs, int | float) else list(probs)
        return distribution.quantile(self._source(), variable, asked, options, rule, ci)

    def median(self, variable: str, by: By = None, where: Where = None, **options: object) -> Estimates:
        """Median: :meth:`quantile` at 0.5."""
        return self.quantile(variable, 0.5, by, where, **options)  # type: ignore[arg-type]

    def variance(
        self, variable: str, by: By = None, where: Where = None, *, level: float = 0.95, df: DfRule = "domain"
    ) -> Estimates:
        """Population variance of a numeric variable.

        Returns
        -------
        Estimates
            In squared units of the variable.

        References
        ----------
        Oracle: ``svyvar`` of R survey.
        """
        options = self._ask.options(by, where, level, None, df)
        self._ask.require((variable,))
        return distribution.moment(self._source(), variable, variable, options, "variance")

    def covariance(
        self,
        first: str,
        second: str,
        by: By = None,
        where: Where = None,
        *,
        level: float = 0.95,
        df: DfRule = "domain",
    ) -> Estimates:
        """Population covariance of two numeric variables, over the rows that have both."""
        options = self._ask.options(by, where, level, None, df)
        self._ask.require((first, second))
        return distribution.moment(self._source(), first, second, options, "covariance")

    def correlation(
        self,
        first: str,
        second: str,
        by: By = None,
        where: Where = None,
        *,
        level: float = 0.95,
        df: DfRule = "domain",
    ) -> Estimates:
        """Pearson correlation of two numeric variables, linearised, over the rows that have both.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"w": [1.0, 2, 1, 2], "x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})
        >>> Survey(data, SurveyDesign(weight="w")).correlation("x", "y").estimate.round(12)
        array([1.])
        """
        options = self._ask.options(by, where, level, None, df)
        self._ask.require((first, second))
        return distribution.moment(self._source(), first, second, options, "correlation")

    def gini(
        self, variable: str, by: By = None, where: Where = None, *, level: float = 0.95, df: DfRule = "domain"
    ) -> Estimates:
        """Gini index of a variable that is nowhere negative; variance by linearisation (Deville 1999)."""
        options = self._ask.options(by, where, level, None, df)
        self._ask.require((variable,))
        return distribution.gini(self._source(), variable, options)

    def cdf(
        self,
        variable: str,
        at: float | Sequence[float],
        by: By = None,
        where: Where = None,
        *,
        ci: str = "beta",
        level: float = 0.95,
        df: DfRule = "domain",
    ) -> Estimates:
        """Share of the population at or below given values.

        Parameters
        ----------
        variable : str
        at : float or sequence of float
        by, where, ci, level, df
            As in :meth:`Survey.proportion`.

        Returns
        -------
        Estimates
            Last domain column ``at``.
        """
        check_choice("ci", ci, tuple(PROPORTION_INTERVALS))
        options = self._ask.options(by, where, level, None, df)
        self._ask.require_numeric((variable,))
        values = [at] if isinstance(at, int | float) else list(at)
        if not values:
            raise EstimationError("no values are given", where="at", expected="one or more numbers")
        query = Query(
            outcomes=tuple(nw.col(variable) <= value for value in values),
            by=options.by,
            where=options.where,
            applicable=self._ask.applicable((variable,)),
        )
        totals = variance.read_totals(self.design, self.frame, query)
        request = Request(
            kind="proportion",
            names=tuple(str(v) for v in values),
            unit="proportion",
            level=level,
            deff=None,
            df=df,
            ci=ci,
        )
        est = assemble(totals, self.design, request)
        each = [(domain[: len(options.by)], values[k % len(values)]) for k, domain in enumerate(est.domains)]
        domains = tuple((*domain, value) for domain, value in each)
        return replace(est, variable=variable, domain_names=(*options.by, "at"), domains=domains)

    def count(
        self, by: By = None, where: Where = None, *, level: float = 0.95, df: DfRule = "domain"
    ) -> Estimates:
        """Size of the population, by domain.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"w": [2.0, 2, 4], "sex": ["F", "M", "M"]})
        >>> Survey(data, SurveyDesign(weight="w")).count(by="sex").estimate
        array([2., 6.])
        """
        options = self._ask.options(by, where, level, None, df)
        query = Query(outcomes=(nw.lit(1.0),), by=options.by, where=options.where)
        totals = variance.read_totals(self.design, self.frame, query)
        request = Request(
            kind="total", names=("population",), unit="population", level=level, deff=None, df=df
        )
        return assemble(totals, self.design, request)

    def _source(self) -> distribution.Source:
        return distribution.Source(self.frame, self.design, self._ask)
