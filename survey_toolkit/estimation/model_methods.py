"""Methods of a survey that fit models, cross variables and compare groups."""

from __future__ import annotations

from typing import Any

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.asking import DfRule, Where, check_choice
from survey_toolkit.estimation.crosstab import Crosstab, Margin, crosstab
from survey_toolkit.estimation.formula import parse_formula
from survey_toolkit.estimation.glm import GlmEstimates, glm
from survey_toolkit.estimation.glm_fit import family as family_of
from survey_toolkit.estimation.group_tests import rank_test, two_group_test, with_row_number
from survey_toolkit.estimation.model_cells import ModelCells, model_cells
from survey_toolkit.estimation.tests_of_hypotheses import HypothesisTest

__all__ = ["ModelMethods"]


class ModelMethods:
    """Models and tests on a survey; see :class:`~survey_toolkit.estimation.Survey`."""

    __slots__ = ()

    def glm(
        self: Any,
        formula: str,
        family: str = "gaussian",
        link: str | None = None,
        where: Where = None,
        *,
        level: float = 0.95,
        df: DfRule = "domain",
    ) -> GlmEstimates:
        """Generalised linear model with design-based standard errors.

        Parameters
        ----------
        formula : str
            ``outcome ~ terms``, such as ``"fl ~ C(sex) + age"``. Booleans count as 0 and 1, text as a
            category. Only columns, arithmetic, comparisons and the functions of
            :data:`survey_toolkit.estimation.formula.FUNCTIONS` are evaluated.
        family : str
            ``gaussian``, ``binomial``, ``quasibinomial``, ``poisson``, ``quasipoisson`` or ``Gamma``; a
            quasi family has the numbers of its parent.
        link : str, optional
            ``identity``, ``logit``, ``probit``, ``cloglog``, ``log`` or ``inverse``.
        where : Expr or mapping, optional
            Subpopulation.
        level : float
        df : {"domain", "design"} or float
            PSUs minus strata of the rows used or of the whole design, less the coefficients beyond the
            intercept; or a number.

        Returns
        -------
        GlmEstimates

        Raises
        ------
        EstimationError
            For a formula that is not understood, collinear terms, perfect separation, or no convergence.

        References
        ----------
        Binder (1983), *International Statistical Review* 51:279-292. Oracle: ``svyglm`` of R survey.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"ea": range(8), "w": 1.0, "x": range(8), "y": [0, 1, 0, 0, 1, 0, 1, 1]})
        >>> Survey(data, SurveyDesign(weight="w", psu="ea")).glm("y ~ x", "binomial").estimate.round(3)
        array([-1.516,  0.433])
        """
        parsed = parse_formula(formula)
        how = family_of(family, link)
        options = self._ask.options(None, where, level, None, df)
        cells = self._model_cells(parsed.columns, options.where)
        return glm(cells, parsed, how, level=level, df=options.df)

    def crosstab(
        self: Any,
        row: str,
        column: str,
        where: Where = None,
        *,
        test: str = "F",
        margin: Margin = "total",
        level: float = 0.95,
    ) -> Crosstab:
        """Weighted two-way table with a test of independence.

        Parameters
        ----------
        row, column : str
            Categories; Booleans count as 0 and 1. A row missing either is left out and counted.
        where : Expr or mapping, optional
        test : {"F", "Chisq", "Wald", "adjWald", "exact", "lincom", "saddlepoint"}
            See :mod:`survey_toolkit.estimation.crosstab`.
        margin : {"total", "row", "column"}
            What the shares add up to.
        level : float

        Returns
        -------
        Crosstab

        References
        ----------
        Rao and Scott (1984), *Annals of Statistics* 12:46-60; Thomas and Rao (1987), JASA 82:630-636.
        Oracle: ``svychisq`` of R survey.

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"ea": range(8), "w": 1.0, "sex": list("FMFMFMFM")})
        >>> data["y"] = [0, 1, 0, 0, 1, 0, 1, 1]
        >>> Survey(data, SurveyDesign(weight="w", psu="ea")).crosstab("sex", "y").share
        array([[0.25, 0.25],
               [0.25, 0.25]])
        """
        options = self._ask.options(None, where, level, None, "domain")
        if row == column:
            raise EstimationError("a table needs two variables", found=f"{row} twice")
        cells = self._model_cells((row, column), options.where)
        return crosstab(cells, (row, column), test=test, margin=margin, level=level)

    def ttest(
        self: Any,
        variable: str,
        group: str | None = None,
        where: Where = None,
        *,
        paired: str | None = None,
        null: float = 0.0,
        level: float = 0.95,
    ) -> HypothesisTest:
        """Design-based t test: two groups, a mean against a value, or a paired difference.

        Parameters
        ----------
        variable : str
        group : str, optional
            A variable with two levels; second minus first in sorted order.
        where : Expr or mapping, optional
        paired : str, optional
            A second variable, subtracted row by row.
        null : float
        level : float

        Returns
        -------
        HypothesisTest

        Examples
        --------
        >>> import pandas as pd
        >>> from survey_toolkit.estimation import Survey, SurveyDesign
        >>> data = pd.DataFrame({"ea": range(8), "w": 1.0, "sex": list("FMFMFMFM")})
        >>> data["y"] = [1, 4, 2, 5, 1, 4, 2, 5]
        >>> Survey(data, SurveyDesign(weight="w", psu="ea")).ttest("y", "sex").estimate
        3.0
        """
        options = self._ask.options(None, where, level, None, "domain")
        if group is not None and paired is not None:
            raise EstimationError("a t test is of groups or of pairs, not both", where="paired", found=paired)
        self._ask.require_numeric(tuple(name for name in (variable, paired) if name))
        names = tuple(name for name in (variable, group, paired) if name)
        cells = self._model_cells(names, options.where)
        return two_group_test(cells, variable, group, paired=paired, null=null, level=level)

    def ranktest(
        self: Any,
        variable: str,
        group: str,
        where: Where = None,
        *,
        test: str = "wilcoxon",
        ties: str = "middle",
        level: float = 0.95,
    ) -> HypothesisTest:
        """Design-based rank test of two or more groups.

        Parameters
        ----------
        variable, group : str
        where : Expr or mapping, optional
        test : {"wilcoxon", "KruskalWallis", "vanderWaerden", "median"}
        ties : {"middle", "row_order"}
            Tied rows share the middle of their weights; or, as R's ``svyranktest`` does, the mean of the
            ranks they would have in the order of the file, which changes when rows are sorted otherwise.
        level : float

        Returns
        -------
        HypothesisTest

        References
        ----------
        Lumley and Scott (2013), *Biometrika* 100:831-842.
        """
        options = self._ask.options(None, where, level, None, "domain")
        check_choice("ties", ties, ("middle", "row_order"))
        self._ask.require_numeric((variable,))
        self._ask.require((group,))
        if ties == "middle":
            cells = self._model_cells((variable, group), options.where)
        else:
            cells = with_row_number(self.frame, self.design, (variable, group), options.where)
        return rank_test(cells, variable, group, test=test, level=level)

    def _model_cells(self: Any, names: tuple[str, ...], where: Any) -> ModelCells:
        self._ask.require(names)
        return model_cells(self.frame, self.design, names, where)
