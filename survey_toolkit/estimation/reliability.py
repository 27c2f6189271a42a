"""Rules by which statistical offices decide whether an estimate may be published, in their own arithmetic.

Pure functions of the numbers of one estimate. They disagree exactly where prevalence is rare, so that a
rule is named, chosen, and its reasons are kept. Most rules for proportions have no minimum of cases: 0.1 %
from one positive among 1,381 is *present* for NCHS and *reliable* for INE Chile. :func:`minimum_cases` is a
rule of its own for that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "NchsProportion",
    "Reliability",
    "Verdict",
    "coefficient_of_variation",
    "dhs_mics",
    "eclac_2023",
    "effective_size",
    "ine_chile_2020",
    "korn_graubard",
    "minimum_cases",
    "nchs_proportion",
]

Verdict: TypeAlias = Literal["publish", "with_warning", "review", "suppress"]


def korn_graubard(p: float, n: float, n_eff: float, df: float, level: float = 0.95) -> tuple[float, float]:
    """Korn-Graubard interval of a proportion: Clopper-Pearson at the df-adjusted effective sample size.

    Parameters
    ----------
    p : float
        Proportion, 0-1.
    n, n_eff : float
        Unweighted and effective sample size of the domain; the latter is cut at n only after the adjustment.
    df : float
        Design degrees of freedom.

    References
    ----------
    Korn and Graubard (1998), Survey Methodology 24, 193-201; capped at n as in Parker et al. (2017).

    Examples
    --------
    >>> [round(limit, 4) for limit in korn_graubard(0.1, 100, 100, 1e9)]  # Clopper-Pearson, 10 of 100
    [0.049, 0.1762]
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    size = effective_size(p, n, n_eff, df, level)
    yes, no = size * p, size * (1 - p)
    low = float(betaincinv(yes, no + 1, tail)) if yes > 0 else 0.0
    high = float(betaincinv(yes + 1, no, 1 - tail)) if no > 0 else 1.0
    return low, high


def effective_size(p: float, n: float, n_eff: float, df: float, level: float = 0.95) -> float:
    """Effective sample size, adjusted for df unless there are no or only events, cut at n."""
    from scipy.special import stdtrit

    upper = 1 - (1 - level) / 2
    if not 0 < p < 1:
        return min(float(n), float(n_eff))
    if not df > 0 or not n > 1:
        return math.nan
    return float(min(n, n_eff * (stdtrit(n - 1, upper) / stdtrit(df, upper)) ** 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class NchsProportion:
    """What the NCHS rule looks at, and its decision.

    Attributes
    ----------
    n_eff, n_eff_adjusted : float
        Effective sample size, and adjusted for degrees of freedom; both cut at n.
    ci_low, ci_high, width : float
    relative_width : float
        Width over the proportion; infinite without events.
    decision : {"present", "review", "suppress"}
    reason : str
        ``n<30``, ``n_eff<30``, ``width>=0.30``, ``relative_width>130``, or empty.
    flags : tuple of str
        ``review:df<8``, ``review:zero_or_all_events``, ``footnote:complement``; none when suppressed.
    findings : tuple of str
        Every reason and flag that holds, whatever the decision.
    """

    n_eff: float
    n_eff_adjusted: float
    ci_low: float
    ci_high: float
    width: float
    relative_width: float
    decision: Literal["present", "review", "suppress"]
    reason: str
    flags: tuple[str, ...]
    findings: tuple[str, ...]


def nchs_proportion(p: float, n: float, se: float | None, df: float | None) -> NchsProportion:
    """NCHS data presentation standards for proportions.

    Parameters
    ----------
    p : float
    n : float
        Unweighted denominator.
    se : float or None
    df : float or None
        None: n - 1.

    Returns
    -------
    NchsProportion

    References
    ----------
    Parker et al. (2017), *Vital and Health Statistics* 2(175), revised 2018 and 2021.

    Examples
    --------
    >>> rule = nchs_proportion(0.00104, 1381, 0.00101, 22)  # one case
    >>> rule.decision, round(rule.ci_high, 4)
    ('present', 0.006)
    """
    extreme = not 0 < p < 1
    n_eff = float(n) if extreme or not se else p * (1 - p) / se**2
    freedom = n - 1 if df is None else df
    adjusted = effective_size(p, n, n_eff, freedom)
    low, high = (math.nan, math.nan) if math.isnan(adjusted) else korn_graubard(p, n, n_eff, freedom)
    width = high - low
    relative = width / p if p > 0 else math.inf
    capped = min(float(n), n_eff)
    reasons = _nchs_reasons(n, capped, width, relative)
    flags = []
    if df is not None and df < 8:
        flags.append("review:df<8")
    if extreme:
        flags.append("review:zero_or_all_events")
    if width > 0.05 and p < 1 and width / (1 - p) > 1.30:
        flags.append("footnote:complement")
    review = any(flag.startswith("review") for flag in flags)
    decision: Literal["present", "review", "suppress"] = "review" if review else "present"
    return NchsProportion(
        n_eff=capped,
        n_eff_adjusted=adjusted,
        ci_low=low,
        ci_high=high,
        width=width,
        relative_width=relative,
        decision="suppress" if reasons else decision,
        reason=reasons[0] if reasons else "",
        flags=tuple(flags) if not reasons else (),
        findings=(*reasons, *flags),
    )


def _nchs_reasons(n: float, n_eff: float, width: float, relative: float) -> list[str]:
    """Reasons to suppress, the first one decides."""
    met = {
        "n<30": n < 30,
        "n_eff<30": n >= 30 and n_eff < 30,
        "width>=0.30": width >= 0.30,
        "relative_width>130": 0.05 < width < 0.30 and relative > 1.30,
    }
    return [name for name, holds in met.items() if holds]


def dhs_mics(n: float) -> Literal["show", "parentheses", "suppress"]:
    """DHS and MICS tables: fewer than 25 unweighted cases suppressed, 25-49 in parentheses.

    Examples
    --------
    >>> [dhs_mics(n) for n in (24, 25, 50)]
    ['suppress', 'parentheses', 'show']
    """
    return "suppress" if n < 25 else "parentheses" if n < 50 else "show"


Reliability: TypeAlias = Literal["reliable", "weakly reliable", "not reliable"]


def ine_chile_2020(
    estimate: float, n: float, se: float, df: float, *, proportion: bool = True
) -> Reliability:
    """INE Chile 2020: 60 cases, 9 degrees of freedom, then the standard error or the CV.

    For a proportion the standard error may not exceed min(p, 1-p)^(2/3)/9 (weakly reliable above it); for
    other statistics a CV to 15 % is reliable, to 30 % weakly reliable.

    References
    ----------
    INE (2020), *Estándar para la evaluación de la calidad de las estimaciones en encuestas de hogares*.

    Examples
    --------
    >>> ine_chile_2020(0.0057, 1257, 0.00295, 18)
    'reliable'
    """
    if n < 60 or df < 9:
        return "not reliable"
    if proportion:
        return "reliable" if se <= min(estimate, 1 - estimate) ** (2 / 3) / 9 else "weakly reliable"
    cv = abs(se / estimate) if estimate else math.inf
    return "reliable" if cv <= 0.15 else "weakly reliable" if cv <= 0.30 else "not reliable"


def eclac_2023(p: float, n: float, se: float, df: float, events: float) -> Reliability:
    """ECLAC 2023 for proportions: effective size 60, 9 df, log-CV 0.175, and 50 (30) cases.

    The condition deff >= 1 (or a planned domain of 100 rows) is read as: an effective size above n counts
    only from 100 rows on.

    References
    ----------
    CEPAL (2023), quality criteria for household survey estimates, as in R package calidad 0.8.2.

    Examples
    --------
    >>> eclac_2023(0.2, 500, 0.02, 60, 100), eclac_2023(0.003, 7000, 0.0009, 100, 13)
    ('reliable', 'not reliable')
    """
    if not 0 < p < 1 or not se > 0:
        return "not reliable"
    n_eff = p * (1 - p) / se**2
    rarer = min(p, 1 - p)
    log_cv = se / (rarer * -math.log(rarer))
    if (n_eff > n and n < 100) or n_eff < 60 or df < 9 or events < 30:
        return "not reliable"
    return "reliable" if log_cv <= 0.175 and events >= 50 else "weakly reliable"


def coefficient_of_variation(cv: float) -> Verdict:
    """Statistics Canada: released to 16.5 %, with a warning to 33.3 %, otherwise not.

    Examples
    --------
    >>> [coefficient_of_variation(cv) for cv in (0.165, 0.166, 0.334)]
    ['publish', 'with_warning', 'suppress']
    """
    # the limits are written with one decimal, so the coefficient is rounded as it is printed
    percent = round(cv * 100, 1)
    return "suppress" if not percent <= 33.3 else "with_warning" if percent > 16.5 else "publish"


def minimum_cases(events: float, minimum: int = 10) -> Verdict:
    """At least ``minimum`` positive cases, the rule that protects rare prevalence; none is left to review.

    Examples
    --------
    >>> minimum_cases(4), minimum_cases(0), minimum_cases(12)
    ('with_warning', 'review', 'publish')
    """
    return "review" if events == 0 else "with_warning" if events < minimum else "publish"
