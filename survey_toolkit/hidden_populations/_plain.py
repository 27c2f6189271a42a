"""Results of methods whose variance does not come from a survey design."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates, t_interval
from survey_toolkit.hidden_populations._sample import Floats, Labelled

__all__ = ["check_level", "plain_estimates"]


def plain_estimates(
    named: Labelled,
    labels: Sequence[str],
    estimate: Floats,
    vcov: Floats,
    n: Floats,
    *,
    positive: Floats | None = None,
    df: float = math.inf,
    level: float = 0.95,
    limits: tuple[Floats, Floats] | None = None,
    bounded: bool = False,
    deff: Floats | None = None,
) -> Estimates:
    """Estimates in the shape of the house.

    Parameters
    ----------
    named : Labelled
    labels : sequence of k str
    estimate : float array (k,)
    vcov : float array (k, k)
        NaN where no variance was asked for.
    n, positive : float array (k,)
        Respondents and cases.
    df : float
        Of the t interval; infinite for the normal one.
    level : float
    limits : two float arrays (k,), optional
        Instead of the t interval.
    bounded : bool
        Cut the interval at 0 and 1.
    deff : float array (k,), optional
        Design effects, where they are known.
    """
    check_level(level)
    k = len(labels)
    unknown = np.full(k, np.nan)
    se = np.sqrt(np.maximum(np.diagonal(vcov), 0.0)) if not np.isnan(vcov).all() else unknown
    if limits is None:
        t = t_interval(estimate, se, np.full(k, df), level)
        limits = (t.low, t.high)
    if bounded:
        limits = (np.clip(limits[0], 0, 1), np.clip(limits[1], 0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.where(estimate != 0, se / np.abs(estimate), np.nan)
    domains: tuple[tuple[Any, ...], ...] = tuple((label,) if named.column else () for label in labels)
    return Estimates(
        statistic=named.statistic,
        variable=named.variable,
        unit=named.unit,
        domain_names=(named.column,) if named.column else (),
        domains=domains,
        estimate=estimate,
        se=se,
        ci_low=limits[0],
        ci_high=limits[1],
        cv=cv,
        deff=unknown if deff is None else deff,
        df=np.full(k, df),
        n=n,
        n_psu=unknown,
        n_positive=unknown if positive is None else positive,
        n_undetermined=unknown,
        vcov=vcov,
        flags=((),) * k,
        method=named.method,
        notes=named.notes,
        level=level,
        df_design=0 if math.isinf(df) else int(df),
    )


def check_level(level: float) -> None:
    """Raise if a confidence level is not between 0 and 1."""
    if not 0 < level < 1:
        raise EstimationError(
            "a confidence level lies between 0 and 1", where="level", found=f"{level:g}", hint="use 0.95"
        )
