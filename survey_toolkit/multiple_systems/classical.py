"""Closed-form estimators: two lists, and the lower bound of Chao."""

from __future__ import annotations

from typing import Literal

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._log_type import LOG_TYPE, log_limits, log_type_size
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import normal_quantile
from survey_toolkit.multiple_systems.results import PopulationSize

__all__ = ["chao", "two_list", "two_names"]

TwoListEstimator = Literal["chapman", "lincoln_petersen"]
TwoListCi = Literal["log", "wald", "exact"]

_TWO_LIST_ASSUMPTIONS = (
    "The two lists are independent, the population is closed, links are perfect, and everybody has the same "
    "chance of being on at least one of the lists. None of this can be checked with two lists: positive "
    "dependence (referrals, people visible to both) makes the estimate too low."
)
_CHAO_ASSUMPTIONS = (
    "People may differ in how visible they are; the estimate is a lower bound whenever lists are otherwise "
    "independent. Lists that avoid each other would make it too high."
)


def two_list(
    data: CaptureHistories,
    lists: tuple[str, str] | None = None,
    *,
    estimator: TwoListEstimator = "chapman",
    ci: TwoListCi = "log",
    level: float = 0.95,
) -> PopulationSize:
    """Population size from two lists, ignoring any others.

    Parameters
    ----------
    data : CaptureHistories
    lists : (str, str), optional
        Two names; not needed when there are only two lists.
    estimator : {"chapman", "lincoln_petersen"}
        Chapman (n1+1)(n2+1)/(m+1) - 1 with the variance of Seber (1970), defined without overlap too; or
        n1 n2 / m with the variance n1 n2 (n1-m)(n2-m)/m^3.
    ci : {"log", "wald", "exact"}
        Log-type interval of Chao (1987, eq. 12) above the people seen; symmetric; or (Lincoln-Petersen)
        the exact binomial limits of m/n2, inverted.
    level : float

    Raises
    ------
    EstimationError
        Lincoln-Petersen without overlap; the exact interval with Chapman; not two lists.

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> round(two_list(lists).estimate, 1)
    3921.0
    """
    a, b = two_names(data, lists)
    matrix = data.overlap_matrix()
    i, j = data.lists.index(a), data.lists.index(b)
    n1, n2, m = (int(matrix[x, y]) for x, y in ((i, i), (j, j), (i, j)))
    union = n1 + n2 - m
    if estimator == "lincoln_petersen":
        if m == 0:
            raise EstimationError(
                "without overlap the Lincoln-Petersen estimate is infinite",
                where=f"lists {a} and {b}",
                found="nobody on both",
                hint="use estimator='chapman', or lists that share people",
                code="no-overlap",
            )
        estimate, variance = n1 * n2 / m, n1 * n2 * (n1 - m) * (n2 - m) / m**3
    else:
        estimate = (n1 + 1) * (n2 + 1) / (m + 1) - 1
        variance = (n1 + 1) * (n2 + 1) * (n1 - m) * (n2 - m) / ((m + 1) ** 2 * (m + 2))
    se = float(np.sqrt(variance))
    low, high = _limits(ci, estimator, (n1, n2, m), estimate, se, level)
    others = [name for name in data.lists if name not in (a, b)]
    notes = (
        (f"{data.n_observed - union} people seen only on {', '.join(others)} are not used",) if others else ()
    )
    return PopulationSize(
        method="Chapman" if estimator == "chapman" else "Lincoln-Petersen",
        model=f"{a}, {b} independent",
        estimate=float(estimate),
        se=se,
        ci_low=low,
        ci_high=high,
        level=level,
        ci_method={"log": LOG_TYPE, "wald": "Wald", "exact": "exact binomial"}[ci],
        n=union,
        lists=(a, b),
        diagnostics={"n1": float(n1), "n2": float(n2), "overlap": float(m)},
        assumptions=_TWO_LIST_ASSUMPTIONS,
        notes=(*data.notes, *notes, *(("the lists share nobody",) if m == 0 else ())),
    )


def chao(data: CaptureHistories, *, level: float = 0.95, bias_corrected: bool = False) -> PopulationSize:
    r"""Lower bound of Chao from the people on exactly one and exactly two lists.

    :math:`n + \frac{t-1}{t}\frac{f_1^2}{2 f_2}` with ``t`` lists (Chao 1987, Biometrics 43:783-791);
    bias-corrected :math:`n + \frac{t-1}{t}\frac{f_1(f_1-1)}{2(f_2+1)}`. It allows people to differ in
    visibility; an estimate of another method below it deserves suspicion.

    Parameters
    ----------
    data : CaptureHistories
    level : float
        For the log-type interval.
    bias_corrected : bool
        Also defined when nobody is on exactly two lists.

    Raises
    ------
    EstimationError
        When nobody is on exactly two lists (and not ``bias_corrected``).

    Examples
    --------
    >>> lists = CaptureHistories.from_counts({"11": 40, "10": 360, "01": 360}, lists=["A", "B"])
    >>> round(chao(lists).estimate)
    4000
    """
    times = data.patterns.sum(axis=1)
    f1, f2 = (int(data.counts[times == k].sum()) for k in (1, 2))
    if f2 == 0 and not bias_corrected:
        raise EstimationError(
            "the lower bound needs people on exactly two lists",
            found=f"{f1} people on one list, none on exactly two",
            hint="use bias_corrected=True, or check the linkage between lists",
            code="no-overlap",
        )
    n, share = data.n_observed, (data.n_lists - 1) / data.n_lists
    if bias_corrected:
        unseen = share * f1 * (f1 - 1) / (2 * (f2 + 1))
        variance = _chao_variance_corrected(f1, f2, share, unseen)
    else:
        ratio = f1 / f2
        unseen = share * f1 * ratio / 2
        variance = f2 * (share * ratio**2 / 2 + share**2 * ratio**3 + share**2 * ratio**4 / 4)
    se = float(np.sqrt(variance))
    return log_type_size(
        method="Chao lower bound" + (", bias-corrected" if bias_corrected else ""),
        model="heterogeneous visibility",
        estimate=float(n + unseen),
        se=se,
        level=level,
        n=n,
        lists=data.lists,
        diagnostics={"f1": float(f1), "f2": float(f2)},
        assumptions=_CHAO_ASSUMPTIONS,
        notes=(*data.notes, "a lower bound, not an estimate of the size"),
    )


def _chao_variance_corrected(f1: int, f2: int, a: float, unseen: float) -> float:
    """Delta-method variance of the bias-corrected form."""
    first = a * f1 * (f1 - 1) / (2 * (f2 + 1)) + a**2 * f1 * (2 * f1 - 1) ** 2 / (4 * (f2 + 1) ** 2)
    second = a**2 * f1**2 * f2 * (f1 - 1) ** 2 / (4 * (f2 + 1) ** 4)
    return float(first + second) if unseen > 0 else 0.0


def _limits(
    ci: TwoListCi,
    estimator: TwoListEstimator,
    sizes: tuple[int, int, int],
    estimate: float,
    se: float,
    level: float,
) -> tuple[float, float]:
    n1, n2, m = sizes
    if ci == "log":
        return log_limits(n1 + n2 - m, estimate, se, level)
    if ci == "wald":
        half = normal_quantile(level) * se
        return estimate - half, estimate + half
    if ci != "exact" or estimator != "lincoln_petersen":
        raise EstimationError(
            "there is no such interval for this estimator",
            where="ci",
            found=f"{ci!r} with {estimator}",
            expected="log or wald; exact with lincoln_petersen",
        )
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    p_low = float(betaincinv(m, n2 - m + 1, tail))
    p_high = float(betaincinv(m + 1, n2 - m, 1 - tail)) if m < n2 else 1.0
    return n1 / p_high, n1 / p_low


def two_names(data: CaptureHistories, lists: tuple[str, str] | None) -> tuple[str, str]:
    """The two lists asked for; those of the data where there are two."""
    names = data.lists if lists is None else tuple(lists)
    if len(names) != 2 or any(name not in data.lists for name in names):
        raise EstimationError(
            "name two of the lists",
            where="lists",
            found=", ".join(map(str, names)),
            expected="two of " + ", ".join(data.lists),
            code="unknown-list",
        )
    return names[0], names[1]
