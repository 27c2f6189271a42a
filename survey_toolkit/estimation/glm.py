r"""Generalised linear models with design-based variance.

The coefficients maximise the weighted likelihood; their variance is that of the totals of the linearised
values :math:`z_i = A^{-1} w_i s_i`, where :math:`s_i` is the score of row i and A the weighted information
(Binder 1983, *International Statistical Review* 51:279-292), through the same PSU-level machinery as every
other estimate: all stages, their finite population corrections, and PSUs empty in the subpopulation.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.chi_square_sums import f_sf, t_sf, weighted_sum_sf
from survey_toolkit.estimation.codes import Floats, Ints
from survey_toolkit.estimation.formula import Formula, Matrices, design_matrices
from survey_toolkit.estimation.glm_fit import Family, Fit, fit_glm
from survey_toolkit.estimation.intervals import t_interval
from survey_toolkit.estimation.model_cells import ModelCells
from survey_toolkit.estimation.model_covariance import covariance
from survey_toolkit.estimation.predicted_margins import PredictedMargins, predicted_margins
from survey_toolkit.estimation.tests_of_hypotheses import HypothesisTest, quadratic_form

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GlmEstimates", "glm"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fitted:
    """What further questions to a model need; arrays by pattern or by cell."""

    cells: ModelCells
    formula: Formula
    matrices: Matrices
    family: Family
    fit: Fit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GlmEstimates:
    """K coefficients of a generalised linear model. Arrays are read-only.

    Attributes
    ----------
    formula, family, link : str
    names : tuple of str
        Coefficients, as patsy names them: ``C(sex)[T.M]``.
    estimate, se, t, p_value, ci_low, ci_high : float array (K,)
        On the scale of the linear predictor.
    vcov : float array (K, K)
        Design-based.
    vcov_model : float array (K, K)
        Inverse information with weights of mean 1: the covariance as if rows were independent.
    df, df_design : float
        Of the t quantile (PSUs minus strata of the rows used, minus the coefficients beyond the intercept),
        and PSUs minus strata of the whole design.
    n : int
        Rows used.
    n_psu : float
        PSUs that hold them; NaN under given replicate weights.
    dispersion, deviance : float
        Pearson's dispersion, and the deviance, with weights of mean 1.
    level : float
    method : str
    notes : tuple of str
    """

    formula: str
    family: str
    link: str
    names: tuple[str, ...]
    estimate: Floats
    se: Floats
    t: Floats
    p_value: Floats
    ci_low: Floats
    ci_high: Floats
    vcov: Floats
    vcov_model: Floats
    df: float
    df_design: int
    n: int
    n_psu: float
    dispersion: float
    deviance: float
    level: float
    method: str
    notes: tuple[str, ...]
    fitted: _Fitted

    def __post_init__(self) -> None:
        for name in ("estimate", "se", "t", "p_value", "ci_low", "ci_high", "vcov", "vcov_model"):
            getattr(self, name).setflags(write=False)

    def __len__(self) -> int:
        """Number of coefficients."""
        return len(self.names)

    @property
    def terms(self) -> tuple[str, ...]:
        """Terms of the formula, as :meth:`wald_test` takes them."""
        return tuple(name for name in self.fitted.matrices.terms if name != "Intercept")

    def to_frame(self) -> pd.DataFrame:
        """One row a coefficient.

        Returns
        -------
        pandas.DataFrame
            Shape (K, 7).
        """
        import pandas as pd

        columns = ("estimate", "se", "t", "p_value", "ci_low", "ci_high")
        data = {"coefficient": list(self.names)} | {name: getattr(self, name) for name in columns}
        return pd.DataFrame(data)

    def exponentiated(self) -> pd.DataFrame:
        """Odds ratios (logit link) or rate ratios (log link) with their intervals.

        Returns
        -------
        pandas.DataFrame
            Shape (K, 4): coefficient, ratio, ci_low, ci_high.

        Raises
        ------
        EstimationError
            If the link is neither logit nor log.
        """
        import pandas as pd

        if self.link not in ("logit", "log"):
            raise EstimationError(
                "the exponent of a coefficient means nothing under this link",
                where="link",
                found=self.link,
                expected="logit or log",
            )
        values = {"ratio": self.estimate, "ci_low": self.ci_low, "ci_high": self.ci_high}
        return pd.DataFrame(
            {"coefficient": list(self.names)} | {name: np.exp(value) for name, value in values.items()}
        )

    def wald_test(self, terms: str | Sequence[str] | None = None, *, method: str = "wald") -> HypothesisTest:
        """Test that all coefficients of some terms are zero.

        Parameters
        ----------
        terms : str or sequence of str, optional
            As listed in :attr:`terms`; default all.
        method : {"wald", "working", "rao_scott"}
            ``wald``: F from the design-based covariance. ``working``: the quadratic form in the covariance
            as if rows were independent. ``rao_scott``: the difference of deviances from the model without
            the terms. The last two are compared with their own distribution, a weighted sum of
            chi-squares, and stay sound where there are hardly more PSUs than coefficients.

        Returns
        -------
        HypothesisTest

        Raises
        ------
        EstimationError
            If a term or the method is unknown.

        References
        ----------
        Rao and Scott (1984), *Annals of Statistics* 12:46-60; Lumley and Scott (2014), *Australian & New
        Zealand Journal of Statistics* 56:1-14. Oracle: ``regTermTest`` of R survey.
        """
        chosen = self._chosen(terms)
        index = self._index(chosen)
        label = f"{', '.join(chosen)} in {self.formula}"
        values, vcov = self.estimate[index], self.vcov[np.ix_(index, index)]
        if method == "wald":
            statistic = quadratic_form(values, vcov) / len(index)
            return HypothesisTest(
                test=f"Wald test of {label}",
                name="F",
                statistic=statistic,
                df=float(len(index)),
                df_denominator=self.df,
                p_value=f_sf(statistic, len(index), self.df),
            )
        if method not in ("working", "rao_scott"):
            raise EstimationError(
                "unknown test",
                where="method",
                found=repr(method),
                expected="wald, working, rao_scott",
                hint=did_you_mean(method, ("wald", "working", "rao_scott")),
            )
        working = self.vcov_model[np.ix_(index, index)]
        statistic = (
            quadratic_form(values, working) if method == "working" else self._without(index) - self.deviance
        )
        weights = np.linalg.eigvals(np.linalg.solve(working, vcov)).real
        return HypothesisTest(
            test=f"{'working Wald' if method == 'working' else 'Rao-Scott likelihood-ratio'} test of {label}",
            name="X2",
            statistic=float(statistic),
            df=float(len(index)),
            p_value=weighted_sum_sf(float(statistic), weights, self.df, method="saddlepoint"),
            notes=(f"sum of chi-squares with weights {', '.join(f'{w:.4g}' for w in sorted(weights))}",),
        )

    def margins(self, variable: str, values: Sequence[Any] | None = None) -> PredictedMargins:
        """Mean prediction if every row had one value of a variable, its other values as they are.

        Parameters
        ----------
        variable : str
            A column of the formula.
        values : sequence, optional
            Default: the values it has, at most 20.

        Returns
        -------
        PredictedMargins

        Raises
        ------
        EstimationError
            If the variable is not in the model, or has too many values to list by default.

        References
        ----------
        Graubard and Korn (1999), *Biometrics* 55:652-659: the variance counts both the coefficients and
        the distribution of the other covariates as estimated.
        """
        known = self.fitted.matrices.data
        if variable not in known:
            raise EstimationError(
                "this column is not in the model",
                where="variable",
                found=repr(variable),
                expected=", ".join(self.fitted.formula.columns[1:]),
                hint=did_you_mean(variable, self.fitted.formula.columns),
            )
        levels = sorted(set(np.asarray(known[variable]).tolist()))
        if values is None and len(levels) > 20:
            raise EstimationError(
                "too many values for a margin each",
                where=variable,
                found=f"{len(levels)} values",
                hint="name some in values=",
            )
        if hasattr(known[variable], "categories") and not set(values or ()) <= set(levels):
            raise EstimationError(
                "no such level", where=variable, found=str(values), expected=", ".join(levels)
            )
        inner = self.fitted
        return predicted_margins(
            inner.cells,
            inner.matrices,
            inner.family,
            inner.fit,
            variable,
            tuple(levels if values is None else values),
            level=self.level,
        )

    def _chosen(self, terms: str | Sequence[str] | None) -> tuple[str, ...]:
        if terms is None:
            return self.terms
        chosen = (terms,) if isinstance(terms, str) else tuple(terms)
        unknown = [name for name in chosen if name not in self.fitted.matrices.terms]
        if unknown or not chosen:
            raise EstimationError(
                "no such term in the model",
                where="terms",
                found=", ".join(unknown) or "none",
                expected=", ".join(self.terms),
                hint=did_you_mean(unknown[0], self.terms) if unknown else None,
            )
        return chosen

    def _index(self, terms: tuple[str, ...]) -> Ints:
        parts = [self.fitted.matrices.terms[name] for name in terms]
        return np.concatenate([np.arange(part.start, part.stop) for part in parts])

    def _without(self, index: Ints) -> float:
        """Deviance of the model without some coefficients."""
        inner = self.fitted
        kept = np.setdiff1d(np.arange(len(self)), index)
        if not len(kept):
            raise EstimationError("the model without these terms is empty", where="terms")
        reduced = Matrices(
            y=inner.matrices.y,
            x=inner.matrices.x[:, kept],
            names=tuple(self.names[k] for k in kept),
            terms={},
            info=None,
            data={},
        )
        cells = inner.cells
        return fit_glm(reduced, cells.by_pattern(cells.w), cells.by_pattern(cells.n), inner.family).deviance

    def __repr__(self) -> str:
        size = f"{self.n} rows, {self.n_psu:g} PSUs, df {self.df:g}"
        head = f"{self.family} ({self.link}) model {self.formula}: {size}"
        width = max(len(name) for name in self.names)
        lines = [f"{'':{width}}   estimate         se          t    p-value"]
        for k, name in enumerate(self.names):
            lines.append(
                f"{name:{width}} {self.estimate[k]:10.5g} {self.se[k]:10.4g} {self.t[k]:10.4g}"
                f" {self.p_value[k]:10.3g}"
            )
        return "\n".join([head, *lines, self.method, *self.notes])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def _degrees(cells: ModelCells, df: str | float, n_coefficients: int) -> float:
    if not isinstance(df, str):
        return float(df)
    return float((cells.df_known if df == "domain" else cells.df_design) + 1 - n_coefficients)


def glm(
    cells: ModelCells, formula: Formula, how: Family, *, level: float, df: str | float = "domain"
) -> GlmEstimates:
    """Fit a model to collapsed rows, with its design-based covariance.

    Parameters
    ----------
    cells : ModelCells
        Of the columns of the formula.
    formula : Formula
    how : Family
    level : float
    df : {"domain", "design"} or float
        PSUs minus strata of the rows used or of the whole design, each less the coefficients beyond the
        first; or a number.

    Returns
    -------
    GlmEstimates
    """
    matrices = design_matrices(formula, cells.patterns)
    w, n = cells.by_pattern(cells.w), cells.by_pattern(cells.n)
    fit = fit_glm(matrices, w, n, how)

    def refit(weights: Floats) -> Floats:
        return fit_glm(matrices, weights, n, how, start=fit.coefficients).coefficients

    vcov = covariance(cells, matrices.x * fit.score[:, None], refit, fit.bread)
    k = len(matrices.names)
    free = _degrees(cells, df, k)
    se = np.sqrt(np.diagonal(vcov))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, fit.coefficients / se, np.nan)
    every = np.full(k, free)
    interval = t_interval(fit.coefficients, se, every, level)
    notes = cells.notes(formula.columns)
    if free <= 0:
        notes += (f"no degrees of freedom: {k} coefficients, {cells.df_known} PSUs beyond strata",)
    return GlmEstimates(
        formula=formula.text,
        family=how.name,
        link=how.link,
        names=matrices.names,
        estimate=fit.coefficients.copy(),
        se=se,
        t=t,
        p_value=t_sf(t, every),
        ci_low=interval.low,
        ci_high=interval.high,
        vcov=vcov,
        vcov_model=fit.bread * (w.sum() / n.sum()),
        df=free,
        df_design=cells.df_design,
        n=cells.n_used,
        n_psu=cells.n_psu,
        dispersion=fit.dispersion,
        deviance=fit.deviance,
        level=level,
        method=f"pseudo-likelihood, {cells.method}",
        notes=notes,
        fitted=_Fitted(cells=cells, formula=formula, matrices=matrices, family=how, fit=fit),
    )
