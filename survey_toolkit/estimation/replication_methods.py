"""Methods of a survey that make replicates and use them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.asking import By, DfRule, Where, as_tuple
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.functions import OfTotals, statistic_of
from survey_toolkit.estimation.measures import Query
from survey_toolkit.estimation.replicate_design import Creatable, ReplicatedDesign

if TYPE_CHECKING:
    from survey_toolkit.estimation.survey import Survey

__all__ = ["ReplicationMethods"]


class ReplicationMethods:
    """Replicates of a survey; see :class:`~survey_toolkit.estimation.Survey`."""

    __slots__ = ()

    def replicate(
        self: Any,
        kind: Creatable = "bootstrap",
        n: int | None = None,
        seed: int = 1,
        *,
        rho: float = 0.0,
        mse: bool = True,
    ) -> Survey:
        """The same survey with variances from replicates made at the level of the sampling units.

        Parameters
        ----------
        kind : str
            ``bootstrap`` (Rao, Wu and Yue with n_h - 1 draws; ``subbootstrap`` is its name in R),
            ``canty_davison``, ``preston`` (multistage), ``JK1``, ``JKn``, ``JK2``, ``BRR``, ``Fay``,
            ``successive_difference``; see :mod:`survey_toolkit.estimation.replicate_factors`.
        n : int, optional
            Replicates: 500 for bootstraps; for BRR, Fay and successive difference the order of the smallest
            Hadamard matrix that balances.
        seed : int
            Same seed, same result: the draws follow the sorted codes of strata and PSUs, not the rows.
        rho : float
            Fay's factor.
        mse : bool
            Squares about the full-sample estimate, or about the mean of the replicates.

        Returns
        -------
        Survey

        Raises
        ------
        DesignError
            Here for wrong options; with the first estimate if the design does not suit the kind.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"ea": [1, 1, 2, 2, 3], "w": 2.0, "y": [1, 0, 1, 1, 0]})
        >>> survey = Survey(data, SurveyDesign(weight="w", psu="ea")).replicate("JK1")
        >>> survey.mean("y").replicates.values.shape
        (3, 1)
        """
        design = ReplicatedDesign(base=self.design, kind=kind, n=n, seed=seed, rho=rho, mse=mse)
        return type(self)(self.frame, design)  # type: ignore[no-any-return]

    def statistic(
        self: Any,
        function: OfTotals,
        variables: str | Sequence[str],
        by: By = None,
        where: Where = None,
        *,
        label: str = "statistic",
        level: float = 0.95,
        df: DfRule = "domain",
    ) -> Estimates:
        """Any function of population totals, by domain, with replicate variance.

        Parameters
        ----------
        function : callable
            Gets a mapping with the total of each variable and the sum of the weights under ``"weight"``,
            over the rows of the domain that have all variables; returns a number. It is called once a
            domain and replicate; where it raises ``ZeroDivisionError`` or ``ValueError``, or returns NaN, for
            a replicate without cases for instance, the replicate is left out, counted and noted.
        variables : str or sequence of str
            Numeric or Boolean.
        by, where, level, df
            As in :meth:`Survey.mean`.
        label : str
            Name of the statistic.

        Returns
        -------
        Estimates

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"ea": [1, 1, 2, 2, 3], "w": 2.0, "y": [1, 0, 1, 1, 0]})
        >>> survey = Survey(data, SurveyDesign(weight="w", psu="ea")).replicate("JK1")
        >>> survey.statistic(lambda t: t["y"] / (t["weight"] - t["y"]), "y", label="odds").estimate
        array([1.5])
        """
        names = as_tuple(variables)
        if "weight" in names:
            raise EstimationError(
                "a variable has the name under which the sum of weights is given",
                where="weight",
                hint="rename it",
            )
        options = self._ask.options(by, where, level, None, df)
        self._ask.require_numeric(names)
        query = Query(
            outcomes=(*(nw.col(name) for name in names), nw.lit(1.0)),
            by=options.by,
            where=options.where,
            applicable=self._ask.applicable(names),
        )
        totals = self._run(query, "total", (*names, "weight"), options, unit="total")
        return statistic_of(totals, (*names, "weight"), function, label=label)
