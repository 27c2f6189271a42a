"""Methods of Survey that adjust its weights; each returns a new Survey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import narwhals.stable.v2 as nw

from survey_toolkit._frames import LazyFrame
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import nonresponse, trimming, weighting
from survey_toolkit.estimation.cells import _float, _to_numpy
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.distances import Method
from survey_toolkit.estimation.margins import Totals

if TYPE_CHECKING:
    from typing import Self

__all__ = ["WeightingMethods"]


class WeightingMethods:
    """What Survey offers for its weights."""

    __slots__ = ()

    design: Any
    frame: LazyFrame

    if TYPE_CHECKING:

        def __init__(self, data: Any, design: Any) -> None: ...

    def weights(self) -> Floats:
        """Weight of every row, in the order of the file, shape (n,).

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"w": [2.0, 2, 4], "sex": ["F", "M", "M"]})
        >>> survey = Survey(data, SurveyDesign(weight="w"))
        >>> survey.poststratify({"sex": {"F": 5, "M": 9}}).weights()
        array([5., 3., 6.])
        """
        name = getattr(self.design, "weight", None) or weighting.require_weight(
            getattr(self.design, "base", self.design)
        )
        return _float(_to_numpy(self.frame.select(w=nw.col(name).cast(nw.Float64)))["w"])

    def poststratify(self, totals: Totals, *, partial: bool = False) -> Self:
        """Survey whose weights add up to the population of every class.

        Parameters
        ----------
        totals : mapping
            ``{column: {code: population}}``, or ``{(column, column): {(code, code): population}}``.
        partial : bool
            Leave out classes that nobody in the sample belongs to, instead of refusing.

        Returns
        -------
        Survey
            Its variances are those of the residuals from the class means.

        Raises
        ------
        EstimationError
            Naming the class that cannot be met.
        """
        return self._weighted(*weighting.poststratify(self.frame, self.design, totals, partial=partial))

    def rake(self, margins: Totals, *, residuals: weighting.Residuals = "weighted") -> Self:
        """Survey whose weights add up to several margins.

        Parameters
        ----------
        margins : mapping
            Several entries as in :meth:`poststratify`.
        residuals : {"weighted", "unweighted"}
            See :func:`~survey_toolkit.estimation.weighting.rake`; R computes ``unweighted``.

        Returns
        -------
        Survey
        """
        return self._weighted(*weighting.rake(self.frame, self.design, margins, residuals=residuals))

    def calibrate(
        self, totals: Totals, *, method: Method = "linear", bounds: Sequence[float] | None = None
    ) -> Self:
        """Survey whose weights meet known totals of classes and numbers (GREG).

        Parameters
        ----------
        totals : mapping
            ``{column: total}`` for numbers, ``{column: {code: population}}`` for classes,
            ``{"(Intercept)": population}``, ``{name: (expression, total)}``.
        method : {"linear", "raking", "logit"}
        bounds : pair of float, optional
            Limits of new over old weight.

        Returns
        -------
        Survey

        Raises
        ------
        EstimationError
            If the totals cannot be met, naming which, or a weight would be negative.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"w": [2.0, 2, 4], "size": [1.0, 2, 3], "y": [1.0, 2, 2]})
        >>> survey = Survey(data, SurveyDesign(weight="w")).calibrate({"(Intercept)": 10, "size": 21})
        >>> survey.total("size").estimate, survey.total("size").se
        (array([21.]), array([0.]))
        """
        return self._weighted(
            *weighting.calibrate(self.frame, self.design, totals, method=method, bounds=bounds)
        )

    def trim(
        self,
        *,
        lower: float | None = None,
        upper: float | None = None,
        redistribute: Literal["equally", "proportionally"] | None = "equally",
        strict: bool = True,
    ) -> Self:
        """Survey whose weights are cut at limits; see :func:`~survey_toolkit.estimation.trimming.trim`."""
        return self._weighted(
            *trimming.trim(
                self.frame, self.design, lower=lower, upper=upper, redistribute=redistribute, strict=strict
            )
        )

    def adjust_nonresponse(
        self,
        respondent: str,
        *,
        classes: str | Sequence[str] | None = None,
        propensity: str | Sequence[str] | None = None,
    ) -> Self:
        """Survey of the respondents, who carry the weight of the nonrespondents.

        Parameters
        ----------
        respondent : str
            Boolean or 0-1 column.
        classes : str or sequence of str, optional
            Columns whose crossing makes the response classes.
        propensity : str or sequence of str, optional
            Variables of a logistic model of response. One of the two is needed.

        Returns
        -------
        Survey
            Nonrespondents stay in the file with weight 0.
        """
        if (classes is None) == (propensity is None):
            raise EstimationError(
                "nonresponse is adjusted by classes or by propensity",
                where="classes",
                expected="one of the two",
            )
        if classes is not None:
            names = [classes] if isinstance(classes, str) else list(classes)
            return self._weighted(*nonresponse.response_classes(self.frame, self.design, respondent, names))
        names = [propensity] if isinstance(propensity, str) else list(propensity or ())
        return self._weighted(*nonresponse.response_propensity(self.frame, self.design, respondent, names))

    def _weighted(self, frame: LazyFrame, design: Any) -> Self:
        return type(self)(frame, design)
