r"""What a sample can and cannot say of something rare.

In clusters of b persons with intraclass correlation ρ the cases of a cluster are taken as beta-binomial,
:math:`a = p(1-\rho)/\rho`, :math:`c = (1-p)(1-\rho)/\rho`, so that m clusters hold no case with probability
:math:`[B(a, c+b)/B(a, c)]^m`. Without clusters this is :math:`(1-p)^n`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling._checks import positive, proportion, whole
from survey_toolkit.sampling.field import FieldPlan

__all__ = ["RareOutcome", "none_found", "rare_outcome", "size_to_find", "smallest_prevalence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RareOutcome:
    """What to expect of a sample of something rare.

    Attributes
    ----------
    expected_cases, sd_cases : float
        Cases found, and their standard deviation with the design effect.
    probability_none : float
        That not one is found.
    smallest_prevalence : float
        Prevalence at which finding none is as improbable as 1 - confidence: smaller ones cannot be told from
        zero.
    upper_if_none : float
        Upper end of the two-sided interval if none is found, with the effective sample size.
    cv, half_width : float
        Expected precision of the estimate at this prevalence.
    """

    expected_cases: float
    sd_cases: float
    probability_none: float
    smallest_prevalence: float
    upper_if_none: float
    cv: float
    half_width: float


def rare_outcome(
    p: float, interviews: int, *, plan: FieldPlan | None = None, confidence: float = 0.95
) -> RareOutcome:
    """Expected cases, probability of finding none, and the smallest prevalence that can be told from zero.

    Parameters
    ----------
    p : float
        Anticipated prevalence.
    interviews : int
        Completed interviews.
    plan : FieldPlan, optional
    confidence : float

    Returns
    -------
    RareOutcome

    Examples
    --------
    >>> seen = rare_outcome(0.002, 1000)
    >>> round(seen.expected_cases, 1), round(seen.probability_none, 3), round(seen.smallest_prevalence, 5)
    (2.0, 0.135, 0.00299)
    """
    from survey_toolkit.sampling._checks import z_value

    p, n, plan = proportion(p, "p"), whole(interviews, "interviews"), plan or FieldPlan()
    worth, alpha = plan.worth(n), 1 - proportion(confidence, "confidence")
    se = math.sqrt(p * (1 - p) / worth)
    return RareOutcome(
        expected_cases=n * p,
        sd_cases=n * se,
        probability_none=none_found(p, n, plan=plan),
        smallest_prevalence=smallest_prevalence(n, plan=plan, confidence=confidence),
        upper_if_none=1 - (alpha / 2) ** (1 / worth),
        cv=se / p,
        half_width=z_value(confidence) * se,
    )


def none_found(p: float, interviews: float, *, plan: FieldPlan | None = None) -> float:
    """Probability that no case is found.

    With clusters and ρ > 0 the beta-binomial; a design effect that was given, or from weights, shrinks n.

    Examples
    --------
    >>> round(none_found(0.01, 100), 4)
    0.366
    >>> round(none_found(0.01, 100, plan=FieldPlan(cluster_take=10, icc=0.1)), 4)
    0.4955
    """
    plan = plan or FieldPlan()
    n = positive(interviews, "interviews")
    if plan.deff is not None or plan.cluster_take is None or plan.icc <= 0:
        return math.exp(n / max(plan.design_effect, 1.0) * math.log1p(-proportion(p, "p")))
    b = max(plan.cluster_take * plan.interviews_per_household, 1.0)
    n = n / (1 + plan.weight_cv**2)
    return math.exp(n / b * _log_none(proportion(p, "p"), b, plan.icc))


def smallest_prevalence(interviews: int, *, plan: FieldPlan | None = None, confidence: float = 0.95) -> float:
    """Prevalence at which a sample finds no case with probability 1 - confidence.

    Examples
    --------
    >>> round(smallest_prevalence(3000), 6)
    0.000998
    """
    from scipy.optimize import brentq

    alpha = 1 - proportion(confidence, "confidence")
    n = whole(interviews, "interviews")
    low, high = 1e-12, 1 - 1e-9
    if none_found(high, n, plan=plan) > alpha:
        raise DesignError(
            "the sample is too small to tell any prevalence from zero", where="interviews", found=f"{n}"
        )
    found = brentq(lambda x: none_found(x, n, plan=plan) - alpha, low, high, xtol=1e-14, rtol=1e-10)
    return float(found)


def size_to_find(
    p: float, *, cases: int = 1, probability: float = 0.95, plan: FieldPlan | None = None
) -> int:
    """Completed interviews that find at least so many cases with this probability.

    One case uses the exact probability of none; more use the binomial of the effective size, scaled.

    Examples
    --------
    >>> size_to_find(0.01), size_to_find(0.01, cases=10)
    (299, 1568)
    """
    from scipy.special import bdtr

    plan = plan or FieldPlan()
    p, want, k = proportion(p, "p"), proportion(probability, "probability"), whole(cases, "cases")

    def short(n: int) -> float:
        if k == 1:
            return none_found(p, n, plan=plan)
        deff = plan.design_effect
        least, effective = math.ceil(k / deff), int(n / deff)
        return 1.0 if effective < least else float(bdtr(least - 1, effective, p))

    low, high = 0, 1
    while short(high) > 1 - want:
        low, high = high, high * 2
        if high > 10**12:
            raise DesignError("no sample is large enough", where="p", found=f"{p:g}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if short(middle) <= 1 - want else (middle, high)
    return high


def _log_none(p: float, b: float, icc: float) -> float:
    """Log probability that a cluster of b holds no case."""
    from scipy.special import betaln

    scale = (1 - icc) / icc
    return float(betaln(p * scale, (1 - p) * scale + b) - betaln(p * scale, (1 - p) * scale))
