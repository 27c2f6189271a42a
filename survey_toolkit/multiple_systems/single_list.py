"""Estimators from one register, by how often each person appears in it.

Chao's bound (1984, 1987), Zelterman (1988, J. Statistical Planning and Inference 18:225-237) with the
variance of Böhning (2008, Statistical Methodology 5:410-423), and truncated count models. With covariates:
:mod:`~survey_toolkit.multiple_systems.count_regression`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.multiple_systems._log_type import log_type_size
from survey_toolkit.multiple_systems.frequencies import CaptureFrequencies, frequencies
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["SINGLE_LIST", "SingleListMethod", "single_list"]

SingleListMethod = Literal["chao", "chao_corrected", "zelterman", "poisson", "geometric"]
SINGLE_LIST = {
    "chao": "Chao lower bound, counts",
    "chao_corrected": "Chao lower bound, counts, bias-corrected",
    "zelterman": "Zelterman",
    "poisson": "zero-truncated Poisson",
    "geometric": "zero-truncated geometric",
}
ASSUMPTIONS = (
    "Being seen again depends neither on having been seen before nor on the other times: somebody registered "
    "and then helped, detained or warned off breaks it. {form} Everybody could have been seen; repeats of "
    "one person were recognised as such."
)
FORMS = {
    "chao": "People may differ: the estimate is a lower bound.",
    "chao_corrected": "People may differ: the estimate is a lower bound.",
    "zelterman": "People seen once and twice tell about those not seen; the rest may differ.",
    "poisson": "Everybody has the same rate of being seen: if people differ the estimate is too low.",
    "geometric": "Rates of being seen vary as an exponential distribution.",
}


def single_list(
    data: CaptureFrequencies | CaptureHistories, method: SingleListMethod = "chao", *, level: float = 0.95
) -> PopulationSize:
    """Population size from how often people were seen, without a limit on the times.

    Parameters
    ----------
    data : CaptureFrequencies or CaptureHistories
        Histories are reduced to the number of lists; their limited number is ignored (for the bound that
        uses it see :func:`chao`).
    method : {"chao", "chao_corrected", "zelterman", "poisson", "geometric"}
    level : float
        For the log-type interval (Chao 1987).

    Returns
    -------
    PopulationSize
        ``diagnostics`` hold f1, f2 and, where there is one, the rate ``lambda``.

    Raises
    ------
    EstimationError
        Nobody seen twice (nobody more than once), unknown method.

    Examples
    --------
    >>> seen = CaptureFrequencies.from_counts({1: 1317, 2: 239, 3: 42, 4: 14, 5: 4, 6: 4, 7: 1})
    >>> [round(single_list(seen, m).estimate) for m in ("chao", "zelterman", "poisson")]
    [5250, 5326, 4351]
    """
    if method not in SINGLE_LIST:
        raise EstimationError(
            "there is no such method",
            where="method",
            found=repr(method),
            expected=did_you_mean(method, SINGLE_LIST),
            code="unknown-option",
        )
    seen = frequencies(data)
    _require_repeats(seen, method)
    unseen, se, extra = _estimate(seen, method)
    n = seen.n_observed
    return log_type_size(
        method=SINGLE_LIST[method],
        model=method,
        estimate=n + unseen,
        se=se,
        level=level,
        n=n,
        lists=getattr(data, "lists", ()),
        diagnostics={"f1": float(seen.f(1)), "f2": float(seen.f(2)), **extra},
        assumptions=ASSUMPTIONS.format(form=FORMS[method]),
        notes=tuple(getattr(data, "notes", ())),
    )


def _estimate(seen: CaptureFrequencies, method: str) -> tuple[float, float, dict[str, float]]:
    """People unseen, standard error, rate."""
    if method == "chao":
        return _chao(seen.f(1), seen.f(2))
    if method == "chao_corrected":
        return _chao_corrected(seen.f(1), seen.f(2))
    if method == "zelterman":
        return _zelterman(seen)
    return _truncated(seen, method)


def _chao(f1: int, f2: int) -> tuple[float, float, dict[str, float]]:
    ratio = f1 / f2
    return f1 * ratio / 2, float(np.sqrt(f2 * (ratio**4 / 4 + ratio**3 + ratio**2 / 2))), {}


def _chao_corrected(f1: int, f2: int) -> tuple[float, float, dict[str, float]]:
    """With the unbiased variance for Poisson frequencies."""
    unseen = f1 * (f1 - 1) / (2 * (f2 + 1))
    square = f1 * (f1 - 1) * (f1 - 2) * (f1 - 3) / (4 * (f2 + 1) * (f2 + 2))
    return unseen, float(np.sqrt(max(unseen**2 - square + unseen, 0.0))), {}


def _zelterman(seen: CaptureFrequencies) -> tuple[float, float, dict[str, float]]:
    f1, f2, n = seen.f(1), seen.f(2), seen.n_observed
    rate = 2 * f2 / f1
    missed = np.exp(-rate)
    slope = missed / (1 - missed) ** 2
    variance = n * slope * (1 + n * slope * rate**2 * (1 / f1 + 1 / f2))
    return float(n * missed / (1 - missed)), float(np.sqrt(variance)), {"lambda": rate}


def _truncated(seen: CaptureFrequencies, method: str) -> tuple[float, float, dict[str, float]]:
    """Zero-truncated Poisson or geometric by maximum likelihood."""
    n, mean = seen.n_observed, seen.n_sightings / seen.n_observed
    if method == "geometric":  # the mean of a truncated geometric is 1 + rate
        rate = mean - 1
        missed = 1 / (1 + rate)
        spread = rate * (1 + rate) / n
        slope = 1 / rate**2
    else:
        rate = _poisson_rate(mean)
        missed = float(np.exp(-rate))
        spread = rate / (n * (1 - rate * missed / (1 - missed)) / (1 - missed))
        slope = missed / (1 - missed) ** 2
    variance = n * missed / (1 - missed) ** 2 + (n * slope) ** 2 * spread
    return float(n * missed / (1 - missed)), float(np.sqrt(variance)), {"lambda": float(rate)}


def _poisson_rate(mean: float) -> float:
    """Solve rate / (1 - exp(-rate)) = mean by Newton's method."""
    rate = 2 * (mean - 1) if mean < 1.5 else mean
    for _ in range(100):
        missed = np.exp(-rate)
        value = rate / (1 - missed) - mean
        slope = (1 - missed - rate * missed) / (1 - missed) ** 2
        step = value / slope
        rate = max(rate - step, rate / 10)
        if abs(step) < 1e-14 * rate:
            break
    return float(rate)


def _require_repeats(seen: CaptureFrequencies, method: str) -> None:
    needs_pairs = method in ("chao", "zelterman")
    if seen.f(1) == 0:
        raise EstimationError(
            "everybody was seen more than once: nothing tells how many were missed",
            found="nobody seen exactly once",
            hint="check that repeats of one person were not counted twice",
            code="no-singles",
        )
    if (needs_pairs and seen.f(2) == 0) or (seen.n_observed == seen.f(1) and method != "chao_corrected"):
        raise EstimationError(
            "nobody was seen a second time: the estimate is infinite",
            found=f"{seen.f(1):,} people seen once, {seen.f(2):,} twice",
            hint="use method='chao_corrected', or check the linkage of repeats",
            code="no-overlap",
        )
