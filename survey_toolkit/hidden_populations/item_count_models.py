r"""Regressions for item counts.

``linear``
    Least squares of the count on covariates and their products with the treatment.
``nls``
    Two steps (Imai 2011): :math:`J\,\mathrm{expit}(x'\gamma)` for the control list, then
    :math:`\mathrm{expit}(x'\delta)` for what treated respondents say on top.
``ml``
    Binomial count with the same :math:`\gamma` for people with and without the sensitive trait, logistic
    :math:`\delta` (Blair and Imai 2012), optionally with people who hide it at the floor or the ceiling.

Without a design, standard errors are those of the papers. With one, weights enter the estimating equations
and the variance is the design's variance of their influence values (pseudo maximum likelihood, Binder 1983).

References
----------
Imai (2011), JASA 106:407-416; Blair and Imai (2012), *Political Analysis* 20:47-77; Binder (1983),
*International Statistical Review* 51:279-292.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Flags, Floats

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.hidden_populations.item_count import ItemCount

__all__ = ["ItemCountModel", "fit_item_count"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemCountModel:
    """A fitted regression of the sensitive item.

    Attributes
    ----------
    method : str
    names : tuple of str
        ``(Intercept)`` and the covariates.
    sensitive, sensitive_se, control, control_se : float array (p,)
        Coefficients of the sensitive item and of the control items; logits, except for ``linear``.
    vcov : float array
        Of sensitive, control and liar parameters, in this order.
    loglik : float
        NaN but for ``ml``.
    prevalence, prevalence_se : float
        Weighted mean of the fitted probabilities of the sensitive item over all respondents.
    liar_shares : tuple of float
        Share that hides the trait, among those at the floor, the ceiling; as far as they are in the model.
    n : int
    notes : tuple of str
    """

    method: str
    names: tuple[str, ...]
    sensitive: Floats
    sensitive_se: Floats
    control: Floats
    control_se: Floats
    vcov: Floats
    loglik: float
    prevalence: float
    prevalence_se: float
    liar_shares: tuple[float, ...]
    n: int
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a coefficient."""
        import pandas as pd

        return pd.DataFrame(
            {
                "term": self.names,
                "sensitive": self.sensitive,
                "sensitive_se": self.sensitive_se,
                "control": self.control,
                "control_se": self.control_se,
            }
        )

    def __repr__(self) -> str:
        head = f"ItemCountModel ({self.method}), {self.n:,} respondents"
        if not np.isnan(self.loglik):
            head += f", log-likelihood {self.loglik:.2f}"
        rows = [
            f"  {name:>16} {a:9.4f} ({sa:.4f})   control {b:9.4f} ({sb:.4f})"
            for name, a, sa, b, sb in zip(
                self.names, self.sensitive, self.sensitive_se, self.control, self.control_se, strict=True
            )
        ]
        mean = f"  mean prevalence {self.prevalence:.4f} (se {self.prevalence_se:.4f})"
        return "\n".join([head, *rows, mean, *(f"  note: {t}" for t in self.notes)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Data:
    y: Floats
    t: Flags
    x: Floats
    w: Floats
    j: int
    rows: Flags

    @property
    def p(self) -> int:
        return int(self.x.shape[1])


def fit_item_count(
    lists: ItemCount, covariates: Sequence[str], *, method: str = "ml", liars: str | None = None
) -> ItemCountModel:
    """Fit a regression.

    Parameters
    ----------
    lists : ItemCount
    covariates : sequence of str
        Numeric columns; a constant is added. Rows with a missing one are left out and counted.
    method : {"ml", "nls", "linear"}
    liars : {None, "floor", "ceiling", "both"}
        Constant share of people with the trait who deny it when no (all) control items apply. Fragile:
        compare the log-likelihoods.

    Returns
    -------
    ItemCountModel

    Raises
    ------
    EstimationError
        For an unknown method, too few rows, collinear covariates, or a fit that does not converge.
    """
    fits: dict[str, Callable[..., ItemCountModel]] = {"ml": _ml, "nls": _nls, "linear": _linear}
    if method not in fits or (liars is not None and (method != "ml" or liars not in _LIARS)):
        raise EstimationError(
            "unknown method", where="method, liars", found=f"{method}, {liars}",
            expected="ml (with liars floor, ceiling or both), nls, linear",
        )  # fmt: skip
    raw = [lists.sample.numbers(name) for name in covariates]
    x = np.stack([np.ones(len(lists.sample)), *raw], axis=1)
    rows = lists.used & ~np.isnan(x).any(axis=1)
    data = _Data(
        y=lists.count[rows], t=lists.treated[rows], x=x[rows], w=lists.sample.weights[rows], j=lists.items,
        rows=rows,
    )  # fmt: skip
    if np.linalg.matrix_rank(data.x[data.t]) < data.p or np.linalg.matrix_rank(data.x[~data.t]) < data.p:
        raise EstimationError(
            "covariates are collinear, or there are too few rows",
            where=", ".join(covariates),
            found=f"{int(rows.sum())} usable rows",
        )
    gone = int((lists.used & ~rows).sum())
    notes = lists.notes + ((f"{gone} rows without a covariate are left out",) if gone else ())
    names = ("(Intercept)", *covariates)
    return fits[method](lists, data, names, notes, **({"liars": liars} if method == "ml" else {}))


_TIGHT: dict[str, Any] = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14, "max_nfev": 5000}
_LIARS = ("floor", "ceiling", "both")


def _expit(x: Any) -> Any:
    return 0.5 * (1 + np.tanh(x / 2))


def _finished(
    lists: ItemCount,
    data: _Data,
    names: tuple[str, ...],
    notes: tuple[str, ...],
    theta: Floats,
    vcov: Floats,
    method: str,
    loglik: float = float("nan"),
) -> ItemCountModel:
    p = data.p
    se = np.sqrt(np.maximum(np.diagonal(vcov), 0.0))
    share = data.w / data.w.sum()
    if method == "linear":
        fitted, slope = data.x @ theta[:p], data.x
    else:
        fitted = _expit(data.x @ theta[:p])
        slope = data.x * (fitted * (1 - fitted))[:, None]
    gradient = share @ slope
    return ItemCountModel(
        method=method,
        names=names,
        sensitive=theta[:p],
        sensitive_se=se[:p],
        control=theta[p : 2 * p],
        control_se=se[p : 2 * p],
        vcov=vcov,
        loglik=loglik,
        prevalence=float(share @ fitted),
        prevalence_se=float(np.sqrt(gradient @ vcov[:p, :p] @ gradient)),
        liar_shares=tuple(float(v) for v in _expit(theta[2 * p :])),
        n=int(data.rows.sum()),
        notes=notes,
    )


def _design_vcov(lists: ItemCount, data: _Data, influence: Floats) -> Floats:
    """Variance of weighted totals of influence values; rows left out keep their place with zeros."""
    values = np.zeros((len(lists.sample), influence.shape[1]))
    values[data.rows] = influence
    return lists.sample.influence(values)


def _linear(lists: ItemCount, data: _Data, names: tuple[str, ...], notes: tuple[str, ...]) -> ItemCountModel:
    z = np.hstack([data.x * data.t[:, None], data.x])
    bread = np.linalg.inv((z * data.w[:, None]).T @ z)
    theta = bread @ (z * data.w[:, None]).T @ data.y
    residual = data.y - z @ theta
    if lists.sample.designed:
        vcov = _design_vcov(lists, data, z * residual[:, None] @ bread)
    else:
        # HC3, which the reference implementations use: residuals over one minus the leverage
        leverage = np.einsum("ij,jk,ik->i", z, bread, z)
        scores = z * (residual / (1 - leverage))[:, None] @ bread
        vcov = scores.T @ scores
    return _finished(lists, data, names, notes, theta, vcov, "linear")


def _nls(lists: ItemCount, data: _Data, names: tuple[str, ...], notes: tuple[str, ...]) -> ItemCountModel:
    from scipy.optimize import least_squares

    c, t, root = ~data.t, data.t, np.sqrt(data.w)

    def of_control(g: Floats) -> Floats:
        return np.asarray(root[c] * (data.y[c] - data.j * _expit(data.x[c] @ g)))

    first = least_squares(of_control, np.zeros(data.p), **_TIGHT).x
    rest = data.y[t] - data.j * _expit(data.x[t] @ first)
    start = np.zeros(data.p)
    start[0] = np.log(0.2 / 0.8)

    def of_treated(d: Floats) -> Floats:
        return np.asarray(root[t] * (rest - _expit(data.x[t] @ d)))

    second = least_squares(of_treated, start, **_TIGHT).x
    h, g = _expit(data.x @ first), _expit(data.x @ second)
    dh, dg = (h * (1 - h))[:, None] * data.x, (g * (1 - g))[:, None] * data.x
    # stacked moments: the second step knows the first only by its estimate
    score_c = c[:, None] * (data.y - data.j * h)[:, None] * data.j * dh
    score_t = t[:, None] * (data.y - data.j * h - g)[:, None] * dg
    w = data.w[:, None]
    a_tt = -(w * t[:, None] * dg).T @ dg
    a_tc = -(w * t[:, None] * dg).T @ (data.j * dh)
    a_cc = -(w * c[:, None] * data.j * dh).T @ (data.j * dh)
    jacobian = np.block([[a_tt, a_tc], [np.zeros_like(a_tc), a_cc]])
    influence = -np.hstack([score_t, score_c]) @ np.linalg.inv(jacobian).T
    vcov = _design_vcov(lists, data, influence) if lists.sample.designed else influence.T @ influence
    return _finished(lists, data, names, notes, np.concatenate([second, first]), vcov, "nls")


def _ml(
    lists: ItemCount, data: _Data, names: tuple[str, ...], notes: tuple[str, ...], *, liars: str | None
) -> ItemCountModel:
    from scipy.optimize import minimize

    p, extra = data.p, {None: 0, "both": 2}.get(liars, 1)
    scale = data.w / data.w.mean()

    def negative(theta: Floats) -> tuple[float, Floats]:
        value, score = _likelihood(theta, data, liars)
        return -float(scale @ value), -np.asarray(scale @ score)

    share = np.clip(data.y[~data.t].mean() / data.j, 0.02, 0.98)
    best: Any = None
    for prevalence in (0.1, 0.3, 0.6):
        start = np.zeros(2 * p + extra)
        start[0], start[p] = np.log(prevalence / (1 - prevalence)), np.log(share / (1 - share))
        found = minimize(negative, start, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 2000})
        if best is None or found.fun < best.fun - 1e-9:
            best = found
    theta = np.asarray(best.x)
    information = _information(theta, data, liars)
    inverse: Floats = np.full_like(information, np.nan)
    if np.linalg.matrix_rank(information) == len(information):
        inverse = np.asarray(np.linalg.inv(information))
    if not (np.diagonal(inverse) > 0).all():
        notes = (*notes, "the information is not positive: standard errors are not to be trusted")
    if lists.sample.designed:
        _, score = _likelihood(theta, data, liars)
        vcov = _design_vcov(lists, data, score @ inverse)
    else:
        vcov = inverse
    label = "ml" if liars is None else f"ml, liars at {liars}"
    return _finished(lists, data, names, notes, theta, vcov, label, -float(best.fun))


def _likelihood(theta: Floats, data: _Data, liars: str | None) -> tuple[Floats, Floats]:
    """Log-likelihood (n,) and score (n, parameters) of each respondent."""
    from scipy.special import gammaln

    p, j, y, t = data.p, data.j, data.y, data.t
    g, h = _expit(data.x @ theta[:p]), _expit(data.x @ theta[p : 2 * p])
    lies = _expit(theta[2 * p :])
    floor = lies[0] if liars in ("floor", "both") else 0.0
    ceiling = lies[-1] if liars in ("ceiling", "both") else 0.0
    h = np.clip(h, 1e-12, 1 - 1e-12)

    def binomial(k: Floats) -> Floats:
        inside = (k >= 0) & (k <= j)
        kk = np.clip(k, 0, j)
        logs = (
            gammaln(j + 1) - gammaln(kk + 1) - gammaln(j - kk + 1) + kk * np.log(h) + (j - kk) * np.log1p(-h)
        )
        return np.where(inside, np.exp(logs), 0.0)

    same, less = binomial(y), binomial(y - 1)
    # a person with the trait says one more, unless it is hidden with nothing or everything else true
    tells = np.where(y == 1, 1 - floor, np.where(y == j + 1, 1 - ceiling, 1.0))
    hides = np.where(y == 0, floor, np.where(y == j, ceiling, 0.0))
    with_trait = less * tells + same * hides
    density = np.where(t, g * with_trait + (1 - g) * same, same)
    density = np.maximum(density, 1e-300)
    d_same, d_less = same * (y - j * h), less * (y - 1 - j * h)  # by the logit of h
    d_h = np.where(t, g * (d_less * tells + d_same * hides) + (1 - g) * d_same, d_same)
    d_g = np.where(t, g * (1 - g) * (with_trait - same), 0.0)
    columns = [data.x * (d_g / density)[:, None], data.x * (d_h / density)[:, None]]
    if liars in ("floor", "both"):
        change = np.where(y == 0, same, 0.0) - np.where(y == 1, less, 0.0)
        columns.append((np.where(t, g * change, 0.0) * floor * (1 - floor) / density)[:, None])
    if liars in ("ceiling", "both"):
        change = np.where(y == j, same, 0.0) - np.where(y == j + 1, less, 0.0)
        columns.append((np.where(t, g * change, 0.0) * ceiling * (1 - ceiling) / density)[:, None])
    return np.log(density), np.hstack(columns)


def _information(theta: Floats, data: _Data, liars: str | None) -> Floats:
    """Observed information: central differences of the score, weighted."""
    k = theta.size
    out = np.empty((k, k))
    for a in range(k):
        step = np.zeros(k)
        step[a] = 1e-5 * max(1.0, abs(theta[a]))
        up, down = (data.w @ _likelihood(theta + s * step, data, liars)[1] for s in (1, -1))
        out[a] = -(up - down) / (2 * step[a])
    return (out + out.T) / 2
