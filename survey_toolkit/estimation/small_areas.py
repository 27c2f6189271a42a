r"""Small areas from direct estimates: the area-level model of Fay and Herriot.

A direct estimate :math:`y_d` with known sampling variance :math:`\psi_d` borrows strength from covariates,

.. math:: y_d = x_d'\beta + v_d + e_d, \quad v_d \sim (0, \sigma^2), \quad e_d \sim (0, \psi_d),

and the estimate of the area is :math:`\gamma_d y_d + (1-\gamma_d) x_d'\hat\beta` with
:math:`\gamma_d = \sigma^2/(\sigma^2+\psi_d)`. An area without a sample gets :math:`x_d'\hat\beta`.

References
----------
Fay and Herriot (1979), JASA 74:269-277; Prasad and Rao (1990), JASA 85:163-171; Datta and Lahiri (2000),
*Statistica Sinica* 10:613-627; Rao and Molina (2015), *Small Area Estimation*, ch. 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._frames import null_aware, require_columns
from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.asking import check_choice
from survey_toolkit.estimation.codes import Floats, is_missing
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.fay_herriot_fit import DirectAreas, area_variance, prasad_rao_mse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FayHerriotMethod", "SmallAreas", "area_columns", "benchmark", "fay_herriot", "smoothed_variance"]

FayHerriotMethod: TypeAlias = Literal["reml", "ml", "fh"]

_METHODS: Final = ("reml", "ml", "fh")
_SCALES: Final = ("identity", "arcsine")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallAreas:
    """Model-based estimates of m areas. Arrays are read-only.

    Attributes
    ----------
    areas : tuple
    estimate : float array (m,)
        Best linear unbiased predictor with estimated variance components.
    mse : float array (m,)
        Mean squared error, or NaN where the method has none.
    direct : float array (m,)
        NaN where an area has no sample.
    synthetic : float array (m,)
        From the covariates alone: x'β, or the mean probability without the area's sample (logit model).
    gamma : float array (m,)
        Weight of the area's own sample; 0 without one.
    coefficients, coefficients_se : float array (p,)
    names : tuple of str
    sigma2_area, sigma2_unit : float
        Variance between areas, and between units of an area (NaN at area level).
    loglik : float
    method : str
    notes : tuple of str
    """

    areas: tuple[Any, ...]
    estimate: Floats
    mse: Floats
    direct: Floats
    synthetic: Floats
    gamma: Floats
    coefficients: Floats
    coefficients_se: Floats
    names: tuple[str, ...]
    sigma2_area: float
    sigma2_unit: float = float("nan")
    loglik: float = float("nan")
    method: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("estimate", "mse", "direct", "synthetic", "gamma", "coefficients", "coefficients_se"):
            getattr(self, name).setflags(write=False)

    def __len__(self) -> int:
        """Number of areas."""
        return len(self.areas)

    def to_frame(self) -> pd.DataFrame:
        """One row an area.

        Returns
        -------
        pandas.DataFrame
            Shape (m, 8); ``imputed`` marks areas without a sample.
        """
        import pandas as pd

        names = ("estimate", "mse", "direct", "synthetic", "gamma")
        data: dict[str, Any] = {"area": list(self.areas)} | {name: getattr(self, name) for name in names}
        frame = pd.DataFrame(data)
        frame.insert(3, "rmse", np.sqrt(np.maximum(frame["mse"], 0.0)))
        frame["imputed"] = np.isnan(self.direct)
        return frame


def fay_herriot(
    data: Any,
    covariates: Sequence[str],
    *,
    area: str,
    direct: str | Estimates = "estimate",
    variance: str = "variance",
    effective_n: str | None = None,
    method: FayHerriotMethod = "reml",
    scale: Literal["identity", "arcsine"] = "identity",
) -> SmallAreas:
    """Area-level model for direct estimates with known sampling variances.

    Parameters
    ----------
    data : frame or path
        One row an area.
    covariates : sequence of str
        Numeric columns; a constant is added.
    area : str
        Column of area codes.
    direct : str or Estimates
        Column of direct estimates, missing where an area has no sample; or the design-based estimates
        themselves with the area as their one domain, whose squared standard errors are then the variances.
    variance : str
        Column of sampling variances; not read when ``direct`` is an Estimates, or under ``arcsine``.
    effective_n : str, optional
        Column of effective sample sizes (n over the design effect), for ``arcsine``.
    method : {"reml", "ml", "fh"}
        Restricted or full maximum likelihood, or the moment equation of Fay and Herriot.
    scale : {"identity", "arcsine"}
        ``arcsine`` models arcsin √p with variance 1/(4 n_eff): no variance has to be known, zero estimates
        are welcome, and the result stays in [0, 1]. The estimate is the mean of sin² over the predictive
        distribution (not sin² of its mean); no MSE is given.

    Returns
    -------
    SmallAreas

    Raises
    ------
    EstimationError
        If a covariate is missing, a variance is not above zero where there is an estimate, or there are
        not more areas than coefficients.

    Examples
    --------
    >>> import pandas as pd
    >>> areas = pd.DataFrame({"area": list("abcde"), "p": [0.1, 0.2, 0.3, None, 0.35], "v": [0.002] * 5,
    ...                       "poverty": [1.0, 2, 3, 4, 5]})
    >>> fay_herriot(areas, ["poverty"], area="area", direct="p", variance="v").estimate.round(3)
    array([0.13 , 0.191, 0.253, 0.314, 0.376])
    """
    check_choice("method", method, _METHODS)
    check_choice("scale", scale, _SCALES)
    estimates = direct if isinstance(direct, Estimates) else None
    columns = [] if isinstance(direct, Estimates) else [direct]
    if scale == "arcsine":
        columns += [_needed(effective_n)]
    elif estimates is None:
        columns += [variance]
    values = area_columns(data, area, [*covariates, *columns])
    codes, numbers = (
        values.pop(area).tolist(),
        {name: column.astype(float) for name, column in values.items()},
    )
    x = _model_matrix(numbers, covariates)
    y, psi = (
        _from_estimates(estimates, codes)
        if estimates is not None
        else (numbers[columns[0]], _variances(numbers, columns))
    )
    if scale == "arcsine":
        if ((y < 0) | (y > 1)).any():
            raise EstimationError("the arcsine scale is for proportions", where="direct", expected="0 to 1")
        y, psi = np.arcsin(np.sqrt(y)), 1 / (4 * numbers[_needed(effective_n)])
    there = ~np.isnan(y)
    _check_areas(there, psi, x, codes)
    state = DirectAreas(y=y[there], psi=psi[there], x=x[there])
    sigma2 = area_variance(state, method)
    names = ("Intercept", *covariates)
    return _predict(state, sigma2, method, x, y, there, tuple(codes), names, arcsine=scale == "arcsine")


def _needed(effective_n: str | None) -> str:
    if effective_n is None:
        raise EstimationError(
            "the arcsine scale needs effective sample sizes",
            where="effective_n",
            hint="name a column of n over the design effect",
        )
    return effective_n


def area_columns(data: Any, area: str, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns of a small frame as arrays: the area codes, and numbers with NaN where missing."""
    import narwhals.stable.v2 as nw

    frame = null_aware(data)
    require_columns(frame, [area, *names], what="small areas", error=EstimationError)
    eager = frame.select(area, *(nw.col(name).cast(nw.Float64) for name in dict.fromkeys(names))).collect()
    out: dict[str, NDArray[Any]] = {area: np.array(eager[area].to_list(), dtype=object)}
    for name in dict.fromkeys(names):
        column = [np.nan if is_missing(value) else value for value in eager[name].to_list()]
        out[name] = np.array(column, dtype=np.float64)
    return out


def _model_matrix(numbers: dict[str, Floats], covariates: Sequence[str]) -> Floats:
    for name in covariates:
        if not np.isfinite(numbers[name]).all():
            raise EstimationError(
                "a covariate is missing in some areas",
                where=name,
                found=f"{int((~np.isfinite(numbers[name])).sum())} areas",
                expected="a number in every area, sampled or not",
            )
    first = next(iter(numbers.values()))
    return np.column_stack([np.ones(len(first)), *(numbers[name] for name in covariates)])


def _variances(numbers: dict[str, Floats], columns: list[str]) -> Floats:
    return numbers[columns[1]] if len(columns) > 1 else np.ones(len(numbers[columns[0]]))


def _from_estimates(estimates: Estimates, codes: list[Any]) -> tuple[Floats, Floats]:
    """Direct estimates and variances in the order of the areas of the frame."""
    place = {domain[0]: k for k, domain in enumerate(estimates.domains) if len(domain) == 1}
    unknown = [code for code in place if code not in set(codes)]
    if not place or unknown:
        raise EstimationError(
            "the estimates and the areas of the frame do not match",
            where="direct",
            found=f"{len(unknown)} areas without covariates, such as {unknown[:3]}"
            if unknown
            else "several domains",
            expected="estimates by one column of area codes, each with a row of covariates",
        )
    at = np.array([place.get(code, -1) for code in codes])
    gap = at < 0
    y = np.where(gap, np.nan, estimates.estimate[at])
    return y, np.where(gap, np.nan, estimates.se[at] ** 2)


def _check_areas(there: NDArray[np.bool_], psi: Floats, x: Floats, codes: list[Any]) -> None:
    bad = [codes[i] for i in np.flatnonzero(there & ~(psi > 0))]
    if bad:
        raise EstimationError(
            "the sampling variance must be above zero where there is a direct estimate",
            where="variance",
            found=f"{len(bad)} areas, such as {', '.join(map(str, bad[:5]))}",
            hint="an area without a case has none of its own: use smoothed_variance(), or scale='arcsine'",
            code="zero-variance",
        )
    if len(set(codes)) < len(codes):
        raise EstimationError("an area stands in more than one row", where="area")
    if there.sum() <= x.shape[1] or np.linalg.matrix_rank(x[there]) < x.shape[1]:
        raise EstimationError(
            "there are not enough areas for the covariates",
            found=f"{int(there.sum())} areas with an estimate, {x.shape[1]} coefficients",
            expected="more areas than coefficients, and no covariate a combination of others",
        )


def _predict(
    state: DirectAreas,
    sigma2: float,
    method: str,
    x: Floats,
    y: Floats,
    there: NDArray[np.bool_],
    codes: tuple[Any, ...],
    names: tuple[str, ...],
    *,
    arcsine: bool,
) -> SmallAreas:
    beta, inverse, _ = state.gls(sigma2)
    synthetic, gamma = x @ beta, np.zeros(len(y))
    gamma[there] = sigma2 / (sigma2 + state.psi)
    estimate = np.where(there, gamma * np.where(there, y, 0.0) + (1 - gamma) * synthetic, synthetic)
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    mse = sigma2 + leverage
    mse[there] = prasad_rao_mse(state, sigma2, method, leverage[there])
    direct = y
    if arcsine:
        spread = np.full(len(y), sigma2)
        spread[there] = gamma[there] * state.psi
        estimate = 0.5 * (1 - np.exp(-2 * spread) * np.cos(2 * estimate))
        direct, synthetic, mse = np.sin(y) ** 2, np.sin(synthetic) ** 2, np.full(len(y), np.nan)
    notes = []
    if (~there).any():
        notes.append(
            f"{int((~there).sum())} areas have no direct estimate: imputed from the covariates alone"
        )
    if sigma2 == 0:
        notes.append("the variance between areas is estimated as 0: every area is its synthetic estimate")
    return SmallAreas(
        areas=codes,
        estimate=estimate,
        mse=mse,
        direct=direct.copy(),
        synthetic=synthetic,
        gamma=gamma,
        coefficients=beta,
        coefficients_se=np.sqrt(np.diagonal(inverse)),
        names=names,
        sigma2_area=sigma2,
        loglik=state.loglik(sigma2, "ml"),
        method=f"Fay-Herriot, {method.upper()}" + (", arcsine scale" if arcsine else ""),
        notes=tuple(notes),
    )


def benchmark(
    estimate: Floats, share: Floats, target: float, *, how: Literal["ratio", "difference"] = "ratio"
) -> Floats:
    """Move area estimates so that they add up to a direct estimate of the whole.

    Parameters
    ----------
    estimate : float array (m,)
    share : float array (m,)
        Share of each area in the population; they add up to 1.
    target : float
        Σ share · estimate afterwards.
    how : {"ratio", "difference"}
        Multiply all by one factor (keeps zeros and signs), or add one number to all.

    Returns
    -------
    float array (m,)

    Raises
    ------
    EstimationError
        If shares do not add up to 1.

    Examples
    --------
    >>> benchmark(np.array([0.1, 0.3]), np.array([0.5, 0.5]), 0.22)
    array([0.11, 0.33])
    """
    check_choice("how", how, ("ratio", "difference"))
    if abs(float(share.sum()) - 1) > 1e-6:
        raise EstimationError("shares must add up to 1", where="share", found=f"{share.sum():g}")
    before = float(share @ estimate)
    if how == "ratio":
        return np.asarray(estimate * (target / before))
    return np.asarray(estimate + (target - before))


def smoothed_variance(direct: Floats, effective_n: Floats) -> Floats:
    """Sampling variances of proportions from one pooled rate, for areas with few cases or none.

    Parameters
    ----------
    direct : float array (m,)
        Direct proportions.
    effective_n : float array (m,)
        Sample size over design effect.

    Returns
    -------
    float array (m,)
        p̄(1-p̄)/n_eff with p̄ the mean of the proportions, weighted by n_eff.

    Examples
    --------
    >>> smoothed_variance(np.array([0.0, 0.02]), np.array([100.0, 100.0]))
    array([9.9e-05, 9.9e-05])
    """
    pooled = float(effective_n @ direct / effective_n.sum())
    return np.asarray(pooled * (1 - pooled) / effective_n)
