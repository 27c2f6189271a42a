"""Bias-corrected closed-population estimates: small additions to the frequencies before the fit.

Rivest & Levesque (2001, Canadian Journal of Statistics 29:555-572): adding a fraction of a person to the
histories seen once and twice takes the first-order bias out of the dark figure. With ``t`` lists, to every
history seen once ``(t-2)/(2t)`` and to every history seen twice ``2/(t(t-1))`` under Mt and Mth; to the total
seen once -1/2 and to the total seen twice +1 under M0. For two lists and Mt the result is Chapman's. Chao's
bound for Mh is ``(t-1)/t f1(f1-1)/(2(f2+1))``, unbiased for Poisson frequencies, as is its variance here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._log_type import log_type_size
from survey_toolkit.multiple_systems._poisson_design import fit_design
from survey_toolkit.multiple_systems.classical import two_list
from survey_toolkit.multiple_systems.closed import closed_design
from survey_toolkit.multiple_systems.frequencies import CaptureFrequencies, frequencies
from survey_toolkit.multiple_systems.heterogeneity import ClosedDesign, fit_bound
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["closed_corrected"]

FloatArray = NDArray[np.float64]
Model = Literal["M0", "Mt", "Mh", "Mth"]
_ASSUMPTIONS = (
    "As for the model without the correction. The correction removes the first-order bias of small tables, "
    "not the bias of a wrong model."
)


def closed_corrected(
    data: CaptureHistories | CaptureFrequencies, model: Model = "Mt", *, level: float = 0.95
) -> PopulationSize:
    """Bias-corrected population size under M0, Mt, Mh (Chao) or Mth (Chao).

    Parameters
    ----------
    data : CaptureHistories or CaptureFrequencies
        Numbers of captures allow M0 and Mh only.
    model : {"M0", "Mt", "Mh", "Mth"}
    level : float
        For the log-type interval (Chao 1987).

    Raises
    ------
    EstimationError
        Unknown model, or numbers of captures with Mt or Mth.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> round(closed_corrected(lists, "Mt").estimate, 1)
    3921.0
    """
    if model not in ("M0", "Mt", "Mh", "Mth"):
        raise EstimationError(
            "there is no such model",
            where="model",
            found=repr(model),
            expected=did_you_mean(model, ("M0", "Mt", "Mh", "Mth")),
            code="unknown-option",
        )
    if model in ("M0", "Mh"):
        seen = frequencies(data)
        dark, variance = _equal(seen) if model == "M0" else _bound(seen)
        return _result(data, model, dark, variance, level)
    if isinstance(data, CaptureFrequencies):
        raise EstimationError(
            "numbers of captures do not tell which list saw whom",
            where="model",
            found=repr(model),
            expected="M0 or Mh",
            code="unknown-option",
        )
    if data.n_lists == 2:
        return replace(two_list(data, level=level), method="closed population, Mt, bias-corrected")
    dark, variance = _by_list(data, model)
    return _result(data, model, dark, variance, level)


def _occasions(seen: CaptureFrequencies) -> int:
    if seen.occasions is None:
        raise EstimationError(
            "the correction needs the number of occasions",
            where="occasions",
            found="no limit",
            hint="give occasions=, or use single_list()",
        )
    return seen.occasions


def _equal(seen: CaptureFrequencies) -> tuple[float, float]:
    """M0: dark figure and variance."""
    _occasions(seen)
    model = closed_design(seen, "M0")
    counts = model.counts.copy()
    counts[0] = max(counts[0] - 0.5, 0.0)
    counts[1] += 1.0
    fit = fit_design(model.base, counts, model.offset)
    dark = fit.dark_figure
    return dark, dark + dark**2 * float(fit.covariance[0, 0])


def _bound(seen: CaptureFrequencies) -> tuple[float, float]:
    """Mh, Chao: dark figure and its unbiased variance."""
    t = _occasions(seen)
    share, f1, f2 = (t - 1) / t, seen.f(1), seen.f(2)
    dark = share * f1 * (f1 - 1) / (2 * (f2 + 1))
    square = share**2 / 4 * f1 * (f1 - 1) * (f1 - 2) * (f1 - 3) / ((f2 + 1) * (f2 + 2))
    return dark, dark**2 - square + dark


def _by_list(data: CaptureHistories, model: str) -> tuple[float, float]:
    """Mt and Mth: dark figure and variance."""
    start, t = closed_design(data, model), data.n_lists
    added = np.where(start.times == 1, (t - 2) / (2 * t), 0.0) + np.where(
        start.times == 2, 2 / (t * (t - 1)), 0.0
    )
    changed = ClosedDesign(start.base, start.names, start.times, start.counts + added, start.offset)
    fit = fit_bound(changed)[0] if model == "Mth" else fit_design(changed.base, changed.counts)
    dark = fit.dark_figure
    return dark, dark + dark**2 * float(fit.covariance[0, 0])


def _result(
    data: CaptureHistories | CaptureFrequencies, model: str, dark: float, variance: float, level: float
) -> PopulationSize:
    n, se = data.n_observed, float(np.sqrt(max(variance, 0.0)))
    bound = model in ("Mh", "Mth")
    return log_type_size(
        method=f"closed population, {model}{' Chao' if bound else ''}, bias-corrected",
        model=model + (" Chao" if bound else ""),
        estimate=n + dark,
        se=se,
        level=level,
        n=n,
        lists=getattr(data, "lists", ()),
        assumptions=_ASSUMPTIONS,
        notes=(
            *getattr(data, "notes", ()),
            *(("a lower bound, not an estimate of the size",) if bound else ()),
        ),
    )
