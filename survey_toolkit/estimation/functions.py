"""Any function of estimates, with the variance that its replicates give."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.estimates import Estimates
from survey_toolkit.estimation.intervals import t_interval
from survey_toolkit.estimation.replication import Replicates, failed_replicates

__all__ = ["OfEstimates", "OfTotals", "function_of", "statistic_of"]

OfEstimates: TypeAlias = Callable[[Floats], float | Sequence[float]]
OfTotals: TypeAlias = Callable[[Mapping[str, float]], float]

_CANNOT = (ArithmeticError, ValueError)  # what a function of a replicate without cases may raise


def function_of(estimates: Estimates, function: OfEstimates, *, label: str | Sequence[str]) -> Estimates:
    """A function of all estimates at once, such as a ratio of two domains.

    Parameters
    ----------
    estimates : Estimates
        With replicates.
    function : callable
        From the k estimates (array) to a number, or to several.
    label : str or sequence of str
        Name of each number.

    Returns
    -------
    Estimates
        One row a number; df is that of the design. A replicate in which the function cannot be computed
        (division by zero, logarithm of zero, NaN) counts as failed, with a note.

    Raises
    ------
    EstimationError
        Without replicates, or if the function cannot be computed from the estimates themselves.
    """
    replicates = require_replicates(estimates.replicates)
    labels = (label,) if isinstance(label, str) else tuple(label)
    value = _applied(function, estimates.estimate, len(labels), strict=True)
    values = np.stack([_applied(function, line, len(labels)) for line in replicates.values])
    df = np.full(len(labels), float(estimates.df_design))
    return _finished(estimates, labels, value, Replicates(values=values, scheme=replicates.scheme), df)


def statistic_of(totals: Estimates, names: Sequence[str], function: OfTotals, *, label: str) -> Estimates:
    """A function of the totals of several variables in each domain.

    Parameters
    ----------
    totals : Estimates
        Totals of J variables by domain, domain by domain, with replicates.
    names : sequence of str
        The J names under which the function finds the totals.
    function : callable
        From a mapping of name to total, to a number.
    label : str

    Returns
    -------
    Estimates
        One row a domain.
    """
    replicates = require_replicates(totals.replicates)
    j = len(names)
    width = len(totals) // j

    def by_domain(line: Floats, strict: bool = False) -> Floats:
        parts = line.reshape(width, j)
        if strict:
            empty = [bool(np.isnan(part).any()) for part in parts]
            return np.array(
                [
                    math.nan
                    if none
                    else _applied(lambda v: function(_named(names, v)), part, 1, strict=True)[0]
                    for none, part in zip(empty, parts, strict=True)
                ]
            )
        return np.array([_applied(lambda v: function(_named(names, v)), part, 1)[0] for part in parts])

    values = np.stack([by_domain(line) for line in replicates.values])
    rows: dict[str, Any] = {name: np.array(getattr(totals, name)[::j]) for name in _PER_ROW}
    rows |= {
        "domain_names": totals.domain_names[:-1],
        "vcov": totals.vcov[::j, ::j],
        "flags": totals.flags[::j],
    }
    first = replace(
        totals, domains=tuple(domain[:-1] for domain in totals.domains[::j]), replicates=None, **rows
    )
    own = Replicates(values=values, scheme=replicates.scheme)
    out = _finished(first, None, by_domain(totals.estimate, strict=True), own, np.array(first.df))
    return replace(
        out, variable=", ".join(names[:-1]) if names[-1] == "weight" else ", ".join(names), statistic=label
    )


def require_replicates(replicates: Replicates | None) -> Replicates:
    """Raise if there are no replicates."""
    if replicates is None:
        raise EstimationError(
            "the variance of any function comes from replicates, and this design has none",
            where="statistic",
            hint='survey.replicate("bootstrap", n=500, seed=1) makes them',
            code="no-replicates",
        )
    return replicates


_PER_ROW = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "cv",
    "deff",
    "df",
    "n",
    "n_psu",
    "n_positive",
    "n_undetermined",
)


def _finished(
    of: Estimates, labels: tuple[str, ...] | None, value: Floats, replicates: Replicates, df: Floats
) -> Estimates:
    """The numbers of a function, dressed like the estimates it was made of."""
    vcov = replicates.vcov(value)
    se = np.sqrt(np.diagonal(vcov))
    interval = t_interval(value, se, df, of.level)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(value != 0, se / np.abs(value), np.nan)
    unknown = np.full(len(value), np.nan)
    rows: dict[str, Any] = {"deff": unknown}
    if labels is not None:
        rows = {name: unknown for name in _PER_ROW} | {
            "domain_names": ("function",),
            "domains": tuple((label,) for label in labels),
            "flags": ((),) * len(labels),
            "n": np.full(len(labels), of.n.sum()),
            "n_undetermined": np.full(len(labels), of.n_undetermined.sum()),
            "statistic": "function",
            "method": f"function of {of.statistic}; {of.method}",
        }
    rows |= {
        "estimate": value,
        "se": se,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "cv": cv,
        "df": df,
    }
    return replace(
        of,
        **rows,
        unit="function",
        vcov=vcov,
        replicates=replicates,
        notes=of.notes + failed_replicates(replicates),
        bound_low=None,
        bound_high=None,
        bound_ci_low=None,
        bound_ci_high=None,
    )


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _applied(function: Callable[[Any], Any], values: Floats, n: int, *, strict: bool = False) -> Floats:
    """The function, or NaN where it cannot be computed from a replicate."""
    try:
        with np.errstate(all="ignore"):
            out = np.atleast_1d(np.asarray(function(values), dtype=np.float64))
    except _CANNOT as exc:
        if strict:
            raise EstimationError(
                "the function cannot be computed from the estimates",
                where="statistic",
                found=f"{type(exc).__name__}: {exc}",
                hint="try it on the estimates themselves",
            ) from None
        return np.full(n, np.nan)
    if out.shape != (n,):
        raise EstimationError(
            "the function gives another count of numbers than there are labels",
            where="label",
            found=str(out.shape),
            expected=str(n),
        )
    return np.where(np.isfinite(out), out, np.nan)
