"""Reliability policies: named rules that say whether a figure may be published, and why.

The published standards disagree exactly where rare prevalence lives: 13 positives among 7,363 (0.27 %, CV
34 %) is *present* under the NCHS proportions rule, *do not release* under a 33.3 % CV rule. So a
policy is named, chosen, and its reasons are recorded in words beside the figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.estimation.reliability import (
    coefficient_of_variation,
    dhs_mics,
    korn_graubard,
    minimum_cases,
    nchs_proportion,
)
from survey_toolkit.indicators.collection import Figures
from survey_toolkit.indicators.figure import Figure, Quality

__all__ = ["POLICIES", "Policy", "Verdict", "apply_quality", "assess", "korn_graubard"]

_RANK: dict[Quality, int] = {"reliable": 0, "low_reliability": 1, "not_publishable": 2}
_LOW: Quality = "low_reliability"
_NOT: Quality = "not_publishable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome of a policy for one figure: ``quality`` and the reasons, each one sentence part."""

    quality: Quality
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named reliability standard.

    Attributes
    ----------
    name, title, text, source : str
        Id, title, the rule in words for the methods annex, and where it comes from.
    check : callable
        Figure to findings; each finding is a quality and its reason.
    """

    name: str
    title: str
    text: str
    source: str
    check: Callable[[Figure], Iterable[tuple[Quality, str]]]


def assess(figure: Figure, policy: str | Policy = "default") -> Verdict:
    """Judge one figure; the worst finding decides, all findings are told.

    Raises
    ------
    SurveyToolkitError
        If the policy is unknown.

    Examples
    --------
    >>> figure = Figure(id="x", indicator="x", series="x", label="x", variable="x", country="KHM",
    ...                 period="2024", statistic="proportion", unit="PT", value=4 / 60, n=60, n_positive=4)
    >>> assess(figure)
    Verdict(quality='low_reliability', reasons=('4 positive cases, fewer than 10',))
    """
    rule = _policy(policy)
    if figure.value is None:
        return Verdict(quality=_NOT, reasons=(*figure.reasons, "no estimate exists for this cell"))
    findings = list(rule.check(figure))
    worst: Quality = max((f[0] for f in findings), key=_RANK.__getitem__, default="reliable")
    return Verdict(quality=worst, reasons=tuple(dict.fromkeys(f[1] for f in findings)))


def apply_quality(figures: Iterable[Figure], policy: str | Policy = "default") -> Figures:
    """Mark every figure with its verdict and set the observation status: U low reliability, O no value.

    Nothing is hidden here: disclosure control needs the counts, so values of ``not_publishable`` figures
    are withheld where figures are protected for publication.
    """
    rule = _policy(policy)

    def mark(figure: Figure) -> Figure:
        verdict = assess(figure, rule)
        status = figure.obs_status
        if figure.value is None:
            status = "O"
        elif verdict.quality != "reliable":
            status = "U"
        return replace(figure, quality=verdict.quality, reasons=verdict.reasons, obs_status=status)

    return Figures(mark(figure) for figure in figures)


def _policy(policy: str | Policy) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if policy not in POLICIES:
        raise SurveyToolkitError(
            "unknown reliability policy",
            found=f"'{policy}'",
            expected=did_you_mean(policy, POLICIES),
            code="unknown-policy",
        )
    return POLICIES[policy]


def _nchs_2017(figure: Figure) -> list[tuple[Quality, str]]:
    p, n = figure.value, figure.n
    if figure.statistic != "proportion" or p is None or n is None:
        return []
    rule = nchs_proportion(p, n, figure.se, figure.df)
    ratio = "infinite" if p <= 0 else f"{rule.relative_width * 100:.0f} %"
    size = f"sample of {n}, effective {rule.n_eff:.0f}, below 30"
    sentences: dict[str, tuple[Quality, str]] = {
        "n<30": (_NOT, size),
        "n_eff<30": (_NOT, size),
        "width>=0.30": (_NOT, f"95 % interval {rule.width * 100:.0f} points wide, 30 or more"),
        "relative_width>130": (_NOT, f"95 % interval {ratio} of the estimate, above 130 %"),
        "review:df<8": (_LOW, f"{figure.df or 0:.0f} degrees of freedom, fewer than 8: to be reviewed"),
        "review:zero_or_all_events": (_LOW, "no event, or all events: to be reviewed"),
        "footnote:complement": (
            "reliable",
            "the complement of this proportion would not be reliable (interval above 130 %)",
        ),
    }
    return [sentences[finding] for finding in rule.findings]


def _mics(figure: Figure) -> list[tuple[Quality, str]]:
    word = "show" if figure.n is None else dhs_mics(figure.n)
    if word == "suppress":
        return [(_NOT, f"based on {figure.n} unweighted cases, fewer than 25")]
    return [(_LOW, f"based on {figure.n} unweighted cases, 25-49")] if word == "parentheses" else []


def _cv(figure: Figure) -> list[tuple[Quality, str]]:
    if figure.cv is None:
        return [(_LOW, "no coefficient of variation exists")]
    percent = figure.cv * 100
    verdict = coefficient_of_variation(figure.cv)
    if verdict == "suppress":
        return [(_NOT, f"coefficient of variation {percent:.1f} %, above 33.3 %")]
    if verdict == "with_warning":
        return [(_LOW, f"coefficient of variation {percent:.1f} %, above 16.5 %")]
    return []


def _rare_prevalence(figure: Figure) -> list[tuple[Quality, str]]:
    if figure.statistic in ("population_size", "count"):
        return _model_based(figure)
    found = _mics(figure)
    if figure.n_positive is not None and minimum_cases(figure.n_positive) != "publish":
        cases = "1 positive case" if figure.n_positive == 1 else f"{figure.n_positive} positive cases"
        found.append((_LOW, f"{cases}, fewer than 10"))
    if figure.df is not None and figure.df < 8:
        found.append((_LOW, f"{figure.df:.0f} degrees of freedom, fewer than 8"))
    if (
        figure.n
        and figure.n_undetermined
        and figure.n_undetermined >= 0.10 * (figure.n + figure.n_undetermined)
    ):
        share = 100 * figure.n_undetermined / (figure.n + figure.n_undetermined)
        found.append((_LOW, f"{share:.0f} % of the cases undetermined, 10 % or more"))
    return found


def _model_based(figure: Figure) -> list[tuple[Quality, str]]:
    low, high, value = figure.ci_low, figure.ci_high, figure.value
    if figure.statistic == "count" or value is None:
        return []
    if low is None or high is None or not math.isfinite(high):
        return [(_NOT, "the interval of the model is not finite")]
    if high - low > 1.6 * value:
        return [(_LOW, f"interval {100 * (high - low) / value:.0f} % of the estimate, above 160 %")]
    return []


POLICIES: dict[str, Policy] = {
    "rare-prevalence": Policy(
        name="rare-prevalence",
        title="Rare prevalence (default)",
        text=(
            "Not publishable below 25 unweighted cases in the denominator; low reliability at 25-49 cases, "
            "below 10 positive cases, below 8 degrees of freedom, or with 10 % or more of the cases "
            "undetermined. The minimum of positive cases is added because rules for proportions let "
            "a prevalence near zero pass with a single case. Population sizes from models: low "
            "reliability when the interval is wider than 160 % of the estimate."
        ),
        source=(
            "DHS and MICS table convention (25, 50); NCHS, Vital and Health Statistics 2(200), 2023 "
            "(10 events, 8 degrees of freedom, 160 %); EU-LFS reliability flags (item non-response from 10 %)"
        ),
        check=_rare_prevalence,
    ),
    "mics": Policy(
        name="mics",
        title="DHS and MICS table convention",
        text="Fewer than 25 unweighted cases in the denominator: not published; 25-49: in parentheses.",
        source="DHS and MICS survey reports, reader's guides",
        check=_mics,
    ),
    "nchs-2017": Policy(
        name="nchs-2017",
        title="NCHS data presentation standards for proportions",
        text=(
            "Not published when the sample or the effective sample is below 30, when the Korn-Graubard 95 % "
            "interval is 30 points wide or more, or wider than 5 points and above 130 % of the estimate. "
            "Flagged with fewer than 8 degrees of freedom, no event, or all events. The effective sample "
            "is not adjusted for degrees of freedom. It does not protect rare prevalence: every interval "
            "narrower than 5 points passes, whatever the number of cases."
        ),
        source="Parker et al. (2017), Vital and Health Statistics 2(175), revised 2018 and 2021",
        check=_nchs_2017,
    ),
    "cv": Policy(
        name="cv",
        title="Coefficient of variation",
        text="CV up to 16.5 %: released; 16.6-33.3 %: with a warning; above 33.3 %: not released.",
        source="Statistics Canada release guidelines (secondary source)",
        check=_cv,
    ),
}
#: The name a study file uses when it does not choose.
POLICIES["default"] = POLICIES["rare-prevalence"]
