"""Functions of estimates: ratios, log odds, any formula, with a covariance by the delta method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import t_interval, with_t_interval

__all__ = ["combine", "ratio_of", "without_extras"]

_STEP = 1e-100  # of the complex step: derivatives to the last digit


class _Values(Mapping[Any, Any]):
    """Estimates by domain; one domain column needs no tuple."""

    def __init__(self, domains: tuple[tuple[Any, ...], ...], values: NDArray[Any]) -> None:
        self._place = {domain: k for k, domain in enumerate(domains)}
        self._values = values

    def __getitem__(self, domain: Any) -> Any:
        key = domain if isinstance(domain, tuple) else (domain,)
        if key not in self._place:
            raise EstimationError(
                "no such domain among the estimates",
                found=", ".join(map(str, key)),
                expected="; ".join(", ".join(map(str, known)) for known in list(self._place)[:8]),
            )
        return self._values[self._place[key]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


def combine(
    estimates: Estimates,
    function: Callable[[Mapping[Any, Any]], Any],
    *,
    label: str = "combination",
) -> Estimates:
    """Any smooth function of the estimates.

    Parameters
    ----------
    estimates : Estimates
    function : callable
        Takes a mapping of domain to estimate, returns a number, or a mapping of label to number. It is
        evaluated at complex numbers to differentiate it (Squire and Trapp 1998, *SIAM Review* 40:110-112),
        so it must be made of arithmetic and numpy functions such as ``np.log``.
    label : str
        Name of the row if one number is returned.

    Returns
    -------
    Estimates
        One row a number, df that of the design.

    Raises
    ------
    EstimationError
        If a domain is unknown, or the function is not differentiable in complex numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign
    >>> data = pd.DataFrame({"w": 1.0, "ea": range(6), "sex": list("FFFMMM"), "y": [1.0, 2, 3, 5, 6, 7]})
    >>> means = Survey(data, SurveyDesign(weight="w", psu="ea")).mean("y", by="sex")
    >>> combine(means, lambda y: y["M"] / y["F"]).estimate
    array([3.])
    """
    labels, values, jacobian = _evaluate(estimates, function, label)
    used = np.any(jacobian != 0, axis=0)
    vcov = jacobian[:, used] @ estimates.vcov[np.ix_(used, used)] @ jacobian[:, used].T
    return _as_estimates(estimates, labels, values, vcov, used)


def ratio_of(estimates: Estimates, first: Any, second: Any) -> Estimates:
    """Estimate of one domain over that of another, such as a prevalence ratio.

    Parameters
    ----------
    estimates : Estimates
    first, second
        Domains.

    Returns
    -------
    Estimates
        One row.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import Survey, SurveyDesign
    >>> data = pd.DataFrame({"w": 1.0, "ea": range(6), "sex": list("FFFMMM"), "y": [1.0, 2, 3, 5, 6, 7]})
    >>> means = Survey(data, SurveyDesign(weight="w", psu="ea")).mean("y", by="sex")
    >>> ratio_of(means, "M", "F").se.round(4)
    array([0.8165])
    """
    return combine(estimates, lambda value: value[first] / value[second], label=f"{first} / {second}")


def _evaluate(
    estimates: Estimates, function: Callable[[Mapping[Any, Any]], Any], label: str
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Labels, values (m,) and derivatives (m, k)."""
    at = estimates.estimate.astype(np.complex128)
    columns = []
    labels: tuple[str, ...] = ()
    for k in range(len(at)):
        point = at.copy()
        point[k] += 1j * _STEP
        labels, values = _call(function, _Values(estimates.domains, point), label)
        columns.append(values.imag / _STEP)
    _, whole = _call(function, _Values(estimates.domains, at), label)
    plain = _call(function, _Values(estimates.domains, estimates.estimate), label)[1].real
    jacobian = np.stack(columns, axis=1)
    # of the size of what was added up: a difference of equal parts is rounding error, not a jump
    rounding = 1e-12 * (np.abs(np.nan_to_num(jacobian)) @ np.abs(np.nan_to_num(estimates.estimate)))
    if not np.allclose(whole.real, plain, rtol=1e-12, atol=rounding, equal_nan=True) or _rough(
        estimates, function, label, jacobian
    ):
        raise _not_smooth("it has another value or slope when it is given complex numbers")
    return labels, plain, jacobian


def _rough(
    estimates: Estimates, function: Callable[[Mapping[Any, Any]], Any], label: str, jacobian: Floats
) -> bool:
    """Whether differences contradict the derivatives: abs() of a complex number is real."""
    at = estimates.estimate
    step = 1e-6 * np.where(np.isfinite(at) & (at != 0), np.abs(at), 1.0)
    ends = [_call(function, _Values(estimates.domains, at + s * step), label)[1].real for s in (1, -1)]
    slope, wanted = (ends[0] - ends[1]) / 2, np.nan_to_num(jacobian) @ step
    size = np.abs(np.nan_to_num(jacobian)) @ step + np.abs(slope)
    known = np.isfinite(slope)
    return bool((np.abs(slope - wanted)[known] > 1e-3 * size[known]).any())


def _call(
    function: Callable[[Mapping[Any, Any]], Any], values: _Values, label: str
) -> tuple[tuple[str, ...], NDArray[np.complex128]]:
    try:
        with np.errstate(all="ignore"):
            out = function(values)
        if isinstance(out, Mapping):
            return tuple(map(str, out)), np.array(list(out.values()), dtype=np.complex128)
        return (label,), np.array([out], dtype=np.complex128)
    except (TypeError, ValueError) as exc:
        raise _not_smooth(str(exc)[:120]) from None


def _not_smooth(found: str) -> EstimationError:
    return EstimationError(
        "the function cannot be differentiated",
        where="function",
        found=found,
        expected="arithmetic and numpy functions (np.log, not math.log) that return one number a label",
        hint="abs(), max() and comparisons have no derivative",
    )


def without_extras(estimates: Estimates) -> Estimates:
    """The same without bounds and replicates, which are of another length once estimates are combined."""
    extras = ("replicates", "bound_low", "bound_high", "bound_ci_low", "bound_ci_high")
    nothing: dict[str, Any] = dict.fromkeys(name for name in extras)
    return replace(estimates, **nothing)


def _as_estimates(
    estimates: Estimates, labels: tuple[str, ...], values: Floats, vcov: Floats, used: NDArray[np.bool_]
) -> Estimates:
    m = len(labels)
    se = np.sqrt(np.maximum(np.diagonal(vcov), 0.0))
    df = np.full(m, float(estimates.df_design))
    interval = t_interval(values, se, df, estimates.level)
    unknown = np.full(m, math.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(values != 0, se / np.abs(values), np.nan)
    counts: dict[str, Any] = {
        name: np.full(m, getattr(estimates, name)[used].sum())
        for name in ("n", "n_positive", "n_undetermined")
    }
    return replace(
        without_extras(estimates),
        statistic="combination",
        domain_names=("combination",),
        domains=tuple((label,) for label in labels),
        estimate=values,
        se=se,
        ci_low=interval.low,
        ci_high=interval.high,
        cv=cv,
        deff=unknown,
        df=df,
        n_psu=unknown,
        vcov=vcov,
        flags=((),) * m,
        method=f"delta method on {estimates.statistic}; {with_t_interval(estimates.method)}",
        **counts,
    )
