"""Named publication rules on the rows of a result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.reliability import (
    Verdict,
    coefficient_of_variation,
    dhs_mics,
    eclac_2023,
    ine_chile_2020,
    minimum_cases,
    nchs_proportion,
)

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.estimation.estimates import Estimates

__all__ = ["RULES", "Decision", "Evidence", "Publication", "publication_rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The numbers of one estimate that rules look at."""

    statistic: str
    estimate: float
    se: float
    n: float
    events: float
    df: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one rule says: a verdict common to all rules, its own word, and the reason."""

    verdict: Verdict
    word: str
    reason: str = ""


def _nchs(e: Evidence) -> Decision | None:
    if e.statistic != "proportion":
        return None
    rule = nchs_proportion(e.estimate, e.n, e.se, e.df)
    verdict: Verdict = "publish" if rule.decision == "present" else rule.decision
    return Decision(verdict=verdict, word=rule.decision, reason=rule.reason or ", ".join(rule.flags))


def _dhs(e: Evidence) -> Decision:
    word = dhs_mics(e.n)
    verdicts: dict[str, Verdict] = {"show": "publish", "parentheses": "with_warning", "suppress": "suppress"}
    return Decision(verdict=verdicts[word], word=word, reason="" if word == "show" else f"n={e.n:.0f}")


_RELIABLE: Final[dict[str, Verdict]] = {
    "reliable": "publish",
    "weakly reliable": "with_warning",
    "not reliable": "suppress",
}


def _ine(e: Evidence) -> Decision:
    word = ine_chile_2020(e.estimate, e.n, e.se, e.df, proportion=e.statistic == "proportion")
    reason = "n<60" if e.n < 60 else "df<9" if e.df < 9 else ("" if word == "reliable" else "standard error")
    return Decision(verdict=_RELIABLE[word], word=word, reason=reason)


def _eclac(e: Evidence) -> Decision | None:
    if e.statistic != "proportion":
        return None
    word = eclac_2023(e.estimate, e.n, e.se, e.df, e.events)
    return Decision(verdict=_RELIABLE[word], word=word, reason="" if word == "reliable" else "ECLAC criteria")


def _cv(e: Evidence) -> Decision:
    cv = abs(e.se / e.estimate) if e.estimate else math.inf
    verdict = coefficient_of_variation(cv)
    return Decision(verdict=verdict, word=verdict, reason="" if verdict == "publish" else f"CV {cv:.1%}")


def _cases(e: Evidence) -> Decision:
    verdict = minimum_cases(e.events)
    return Decision(
        verdict=verdict, word=verdict, reason="" if verdict == "publish" else f"{e.events:.0f} cases"
    )


RULES: Final[dict[str, Callable[[Evidence], Decision | None]]] = {
    "nchs-2017": _nchs,
    "dhs-mics": _dhs,
    "ine-chile-2020": _ine,
    "eclac-2023": _eclac,
    "cv": _cv,
    "minimum-cases": _cases,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Decisions of several rules on the rows of a result.

    Attributes
    ----------
    domain_names : tuple of str
    domains : tuple of tuple
    decisions : dict of str to tuple of Decision or None
        By rule, one a row; None where the rule does not apply or there is no estimate.
    """

    domain_names: tuple[str, ...]
    domains: tuple[tuple[Any, ...], ...]
    decisions: dict[str, tuple[Decision | None, ...]]

    def to_frame(self) -> pd.DataFrame:
        """One row an estimate: domain columns, and word and reason of each rule."""
        import pandas as pd

        data: dict[str, Any] = {
            name: [domain[i] for domain in self.domains] for i, name in enumerate(self.domain_names)
        }
        for rule, decisions in self.decisions.items():
            data[rule] = [None if d is None else d.word for d in decisions]
            data[f"{rule} reason"] = ["" if d is None else d.reason for d in decisions]
        return pd.DataFrame(data)


def publication_rules(estimates: Estimates, rules: Sequence[str] = tuple(RULES)) -> Publication:
    """What named rules say about every row of a result.

    Parameters
    ----------
    estimates : Estimates
    rules : sequence of str
        Keys of :data:`RULES`.

    Returns
    -------
    Publication

    Raises
    ------
    EstimationError
        If a rule is unknown.
    """
    for rule in rules:
        if rule not in RULES:
            raise EstimationError(
                "unknown publication rule",
                where="rules",
                found=repr(rule),
                expected=did_you_mean(rule, RULES),
            )
    evidence = [
        Evidence(
            statistic=estimates.statistic,
            estimate=float(estimates.estimate[k]),
            se=float(estimates.se[k]),
            n=float(estimates.n[k]),
            events=float(estimates.n_positive[k]),
            df=float(estimates.df[k]),
        )
        for k in range(len(estimates))
    ]
    told = {
        rule: tuple(None if math.isnan(e.estimate) else RULES[rule](e) for e in evidence) for rule in rules
    }
    return Publication(domain_names=estimates.domain_names, domains=estimates.domains, decisions=told)
