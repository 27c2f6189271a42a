"""Weighted fit of a generalised linear model over distinct patterns, through statsmodels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.formula import Matrices

__all__ = ["FAMILIES", "LINKS", "Family", "Fit", "family", "fit_glm", "linearised"]

#: Family to its default link. A quasi family has the estimates and standard errors of its parent.
FAMILIES: Final = {
    "gaussian": "identity",
    "binomial": "logit",
    "quasibinomial": "logit",
    "poisson": "log",
    "quasipoisson": "log",
    "Gamma": "inverse",
}
LINKS: Final = {
    "identity": "Identity",
    "logit": "Logit",
    "probit": "Probit",
    "cloglog": "CLogLog",
    "log": "Log",
    "inverse": "InversePower",
}
_BLOCK = 16_384
_BIG = 200_000  # patterns above which a thinned sample gives the starting values


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family with its link, as statsmodels knows them."""

    name: str
    link: str
    model: Any

    @property
    def canonical(self) -> bool:
        """Whether dμ/dη = V(μ); Fisher's scoring is Newton's method then."""
        return (self.name.removeprefix("quasi"), self.link) in (("binomial", "logit"), ("poisson", "log"))

    def mean(self, eta: Floats) -> Floats:
        """Inverse link."""
        if self.link == "logit":
            from scipy.special import expit

            return np.asarray(expit(eta))
        return np.asarray(self.model.link.inverse(eta))

    def working(self, mu: Floats) -> tuple[Floats | float, Floats]:
        """(dμ/dη)/V(μ) and (dμ/dη)²/V(μ): 1 and V(μ) with the canonical link, where dμ/dη = V(μ)."""
        variance = self.variance(mu)
        if self.canonical:
            return 1.0, variance
        slope = self.slope(mu)
        return slope / variance, slope**2 / variance

    def slope(self, mu: Floats) -> Floats:
        """dμ/dη."""
        return np.asarray(1.0 / self.model.link.deriv(mu))

    def variance(self, mu: Floats) -> Floats:
        """V(μ)."""
        return np.asarray(self.model.variance(mu))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """K coefficients fitted to P patterns.

    Attributes
    ----------
    coefficients : float array (K,)
    mu, eta : float array (P,)
        Fitted mean and linear predictor.
    score : float array (P,)
        (y - μ)/V(μ) dμ/dη: times a row of the model matrix, the score of one row with weight 1.
    bread : float array (K, K)
        Inverse of Σ w x x' (dμ/dη)²/V(μ), with the weights as given.
    deviance, dispersion : float
        With weights of mean 1; the dispersion is Pearson's.
    iterations : int
    """

    coefficients: Floats
    mu: Floats
    eta: Floats
    score: Floats
    bread: Floats
    deviance: float
    dispersion: float
    iterations: int


def family(name: str, link: str | None) -> Family:
    """Look up a family and its link.

    Parameters
    ----------
    name : str
        A key of :data:`FAMILIES`.
    link : str or None
        A key of :data:`LINKS`; default that of the family.

    Raises
    ------
    EstimationError
        If either is unknown.

    Examples
    --------
    >>> family("binomial", None).link
    'logit'
    """
    for where, value, allowed in (("family", name, FAMILIES), ("link", link, LINKS)):
        if value is not None and value not in allowed:
            raise EstimationError(
                f"unknown {where} of a generalised linear model",
                where=where,
                found=repr(value),
                expected=", ".join(allowed),
                hint=did_you_mean(str(value), allowed),
            )
    import statsmodels.genmod.families as families

    parent = {"quasibinomial": "binomial", "quasipoisson": "poisson"}.get(name, name)
    chosen = link or FAMILIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of links that do not keep μ in its range
        model = getattr(families, parent.capitalize())(link=getattr(families.links, LINKS[chosen])())
    return Family(name=name, link=chosen, model=model)


def fit_glm(matrices: Matrices, w: Floats, n: Floats, how: Family, *, start: Floats | None = None) -> Fit:
    """Maximise the weighted (pseudo-)likelihood by iteratively reweighted least squares.

    Parameters
    ----------
    matrices : Matrices
        P patterns.
    w, n : float array (P,)
        Sum of weights, and rows, of each pattern.
    how : Family
    start : float array (K,), optional
        Starting values.

    Returns
    -------
    Fit

    Raises
    ------
    EstimationError
        If the outcome does not suit the family, a combination of covariates separates the outcomes, or the
        fit does not converge.
    """
    y, x = matrices.y, matrices.x
    _check_outcome(y, how)
    scaled = w / (w.sum() / n.sum())
    solution = _solve(y, x, scaled, how, start)
    eta = x @ solution.coefficients
    separable = how.model.__class__.__name__ in ("Binomial", "Poisson")
    if separable and (not solution.converged or np.abs(eta).max() > 12):
        _check_separation(matrices, how)
    if not solution.converged:
        raise EstimationError(
            "the model does not converge",
            where="formula",
            found=f"{solution.iterations} iterations",
            hint="rescale the covariates, choose another link, or use fewer terms",
            code="no-convergence",
        )
    mu = how.mean(eta)
    ratio, weight = how.working(mu)
    information = (x * (w * weight)[:, None]).T @ x
    free = n.sum() - x.shape[1]
    pearson = float((scaled * (y - mu) ** 2 / how.variance(mu)).sum())
    return Fit(
        coefficients=solution.coefficients,
        mu=mu,
        eta=eta,
        score=(y - mu) * ratio,
        bread=np.asarray(np.linalg.inv(information), dtype=np.float64),
        deviance=float(how.model.deviance(y, mu, var_weights=scaled)),
        dispersion=pearson / free if free > 0 else float("nan"),
        iterations=solution.iterations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solution:
    coefficients: Floats
    converged: bool
    iterations: int


def _solve(y: Floats, x: Floats, w: Floats, how: Family, start: Floats | None) -> _Solution:
    """By statsmodels; where patterns are very many, on a thinned sample, then scoring steps on all."""
    if start is None and len(y) > _BIG:
        thin = slice(None, None, len(y) // (_BIG // 20))
        near = _irls(y[thin], x[thin], w[thin], how, None)
        whole = _scoring(y, x, w, how, near.coefficients) if near.converged else near
        if whole.converged:
            return whole
    return _irls(y, x, w, how, start)


def _scoring(y: Floats, x: Floats, w: Floats, how: Family, start: Floats) -> _Solution:
    """Fisher's scoring from a close start: the same steps without what statsmodels keeps by row."""
    beta = start
    near = 1e-8 if how.canonical else 1e-11  # Newton's step squares the error: the next would be below 1e-14
    for step in range(1, 16):
        score, information = _score_and_information(y, x, w, how, beta)
        with np.errstate(all="ignore"):
            move = np.linalg.solve(information, score)
        beta = beta + move
        if not np.isfinite(beta).all():
            break
        if (np.abs(move) <= near * (1 + np.abs(beta))).all():
            return _Solution(coefficients=beta, converged=True, iterations=step)
    return _Solution(coefficients=start, converged=False, iterations=15)


def _score_and_information(
    y: Floats, x: Floats, w: Floats, how: Family, beta: Floats
) -> tuple[Floats, Floats]:
    """Score (K,) and information (K, K), summed over blocks of rows that stay in the processor's cache."""
    score, information = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    with np.errstate(all="ignore"):
        for start in range(0, len(y), _BLOCK):
            part = slice(start, start + _BLOCK)
            rows = x[part]
            mu = how.mean(rows @ beta)
            ratio, weight = how.working(mu)
            score += rows.T @ (w[part] * (y[part] - mu) * ratio)
            information += (rows * (w[part] * weight)[:, None]).T @ rows
    return score, information


def _irls(y: Floats, x: Floats, w: Floats, how: Family, start: Floats | None) -> _Solution:
    """The fit of statsmodels, converged in the coefficients to 1e-11."""
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # separation and convergence are judged here
        try:
            result = GLM(y, x, family=how.model, var_weights=w).fit(
                start_params=start, maxiter=60, tol_criterion="params", atol=1e-11, rtol=1e-11, tol=1e-11
            )
        except (ValueError, FloatingPointError, np.linalg.LinAlgError) as exc:
            raise EstimationError(
                "the model cannot be fitted",
                where="formula",
                found=str(exc).splitlines()[0][:120],
                hint="a link that lets the mean leave its range (log, identity, inverse) may be the cause",
                code="no-convergence",
            ) from None
    beta = np.asarray(result.params, dtype=np.float64)
    return _Solution(
        coefficients=beta,
        converged=bool(result.converged and np.isfinite(beta).all()),
        iterations=int(result.fit_history["iteration"]),
    )


def _check_outcome(y: Floats, how: Family) -> None:
    low, high = y.min(), y.max()
    ranges = {"binomial": (0.0, 1.0), "poisson": (0.0, np.inf), "Gamma": (np.nextafter(0, 1), np.inf)}
    floor, ceiling = ranges.get(how.name.removeprefix("quasi"), (-np.inf, np.inf))
    if low < floor or high > ceiling:
        expected = {"binomial": "0 to 1", "poisson": "0 or more", "Gamma": "above 0"}
        raise EstimationError(
            "the outcome does not suit the family",
            where=how.name,
            found=f"values from {low:g} to {high:g}",
            expected=expected[how.name.removeprefix("quasi")],
            hint="for a code write I(variable == code) ~ ...",
        )
    if low == high and how.name != "gaussian":
        raise EstimationError(
            "the outcome does not vary, so there is nothing to explain",
            where="formula",
            expected="both outcomes, or several values",
            hint="check the condition and the code of the outcome",
            found=f"{low:g} in every row",
            code="constant-outcome",
        )


def _check_separation(matrices: Matrices, how: Family) -> None:
    r"""Raise if some combination of covariates separates the outcomes, for then a coefficient is infinite.

    A linear programme finds :math:`b` with :math:`x'b \le 0` where y is 0, :math:`\ge 0` where it is 1 and
    :math:`= 0` elsewhere, not all zero (Albert and Anderson 1984, *Biometrika* 71:1-10; Konis 2007).
    """
    from scipy.optimize import linprog

    y, x = matrices.y, matrices.x / np.abs(matrices.x).max(axis=0)
    none, all_ = y == 0, (y == 1) & (how.model.__class__.__name__ == "Binomial")
    sign = np.where(none, -1.0, 1.0)
    bound = np.unique((sign[:, None] * x)[none | all_], axis=0)
    fixed = np.unique(x[~(none | all_)], axis=0)
    done = linprog(
        -bound.sum(axis=0),
        A_ub=-bound,
        b_ub=np.zeros(len(bound)),
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=(-1, 1),
        method="highs",
    )
    if done.x is None or done.fun is None or -done.fun < 1e-7:
        return
    guilty = [
        name for name, b in zip(matrices.names, done.x, strict=True) if abs(b) > 1e-9 and name != "Intercept"
    ]
    raise EstimationError(
        "perfect separation: some values of the covariates settle the outcome, so a coefficient is infinite",
        where=", ".join(guilty[:5]) or "Intercept",
        found="a group with no event, or nothing but events",
        expected="both outcomes in every group that has a coefficient of its own",
        hint="join levels, or leave the term out; crosstab() shows the empty cell",
        code="separation",
    )


def linearised(matrices: Matrices, fit: Fit) -> Floats:
    """Linearised values of the coefficients by pattern, for one row of weight 1: A⁻¹ s, (P, K)."""
    return np.asarray((matrices.x * fit.score[:, None]) @ fit.bread)
