"""Checks before estimation, in one report: design, keys, content, the quality of the answers.

Errors make estimates wrong and are to be settled; flags are to be looked at. What a check needs is
declared (:class:`CheckPlan`), nothing is guessed; a check whose columns were not declared is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.microdata._check_content import CONTENT
from survey_toolkit.microdata._check_design import DESIGN
from survey_toolkit.microdata._check_keys import KEYS
from survey_toolkit.microdata._check_quality import QUALITY
from survey_toolkit.microdata._check_report import CheckReport, Finding, Severity, ordered
from survey_toolkit.microdata.model import Microdata
from survey_toolkit.standards.rules import Rule, parse_rule, rule_variables

if TYPE_CHECKING:
    from survey_toolkit.standards.registry import Registry

__all__ = ["CheckPlan", "CheckReport", "Finding", "Related", "Severity", "check_data"]


class Design(Protocol):
    """What the checks read of a survey design."""

    @property
    def weight(self) -> str | None:
        """Column of the weight."""

    @property
    def strata(self) -> Any:
        """Column or columns of the strata."""

    @property
    def psu(self) -> Any:
        """Column or columns of the sampling units."""

    @property
    def nest(self) -> bool:
        """Whether PSU codes start anew in each stratum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another file of the survey and the columns that lead to it.

    ``on`` maps columns here to columns there; ``every`` says that each row there must have one here.
    """

    data: Microdata
    on: Mapping[str, str]
    every: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """What the checks are told. See :func:`check_data`."""

    design: Design | None = None
    keys: tuple[str, ...] = ()
    related: Mapping[str, Related] = field(default_factory=dict)
    population: float | None = None
    household: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    skips: Mapping[str, Rule] = field(default_factory=dict)
    age: str | None = None
    hours: tuple[str, ...] = ()
    interviewer: str | None = None
    area: str | None = None
    batteries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    items: tuple[str, ...] = ()


def check_data(
    data: Microdata,
    *,
    design: Design | None = None,
    keys: Sequence[str] = (),
    related: Mapping[str, Related] | None = None,
    population: float | None = None,
    household: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    skips: Mapping[str, Any] | None = None,
    age: str | None = None,
    hours: Sequence[str] = (),
    interviewer: str | None = None,
    area: str | None = None,
    batteries: Mapping[str, Sequence[str]] | None = None,
    items: Sequence[str] = (),
    registry: Registry | None = None,
) -> CheckReport:
    """Check a file before estimation.

    Parameters
    ----------
    data : Microdata
        As read or harmonized. Declared missing codes do not count as values.
    design : SurveyDesign, optional
        Weights, PSUs in one stratum, lonely PSUs.
    keys : sequence of str
        Columns that name a row once; default: the keys of harmonized data.
    related : mapping of name to Related
        Other files, for rows without a partner.
    population : float, optional
        What the weights should sum to; a flag beyond 5 %, an error beyond 50 %.
    household : sequence of str
        Columns that name a household: the weight should be the same in it.
    ranges : mapping of column to (low, high)
        Added to the ranges of the harmonized variables.
    skips : mapping of column to rule
        Who is asked, as a rule (``{"variable": "age", "ge": 12}``): answers outside and blanks inside.
    age : str, optional
        Column of completed years: heaping and crowding at 5, 15 and 18; default ``age`` if there is one.
    hours : sequence of str
        Columns of hours in a week: more than 168, heaping on tens.
    interviewer, area : str, optional
        Who asked, and where: item nonresponse, interviewer effects.
    batteries : mapping of name to columns
        Questions asked with the same answers: rows that answer all alike.
    items : sequence of str
        Columns for nonresponse and interviewer effects; default: all but keys, design and the like.
    registry : Registry, optional
        For the ranges of harmonized variables; default: the shipped standards, for harmonized data only.

    Returns
    -------
    CheckReport

    Raises
    ------
    SurveyToolkitError
        A column that was named is not in the data.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit.estimation import SurveyDesign
    >>> raw = Microdata.from_frame(pd.DataFrame({"w": [1.0, 0, -2, 1], "ea": [1, 1, 2, 2], "h": [1] * 4}))
    >>> report = check_data(raw, design=SurveyDesign(weight="w", strata="h", psu="ea"))
    >>> [(f.severity, f.check, f.count) for f in report.findings]
    [('error', 'weight-negative', 1), ('flag', 'weight-zero', 1)]
    """
    plan = CheckPlan(
        design=design,
        keys=tuple(keys) or data.keys,
        related=dict(related or {}),
        population=population,
        household=tuple(household),
        ranges=_ranges(data, ranges or {}, registry),
        skips={name: parse_rule(rule, where=f"skips.{name}") for name, rule in (skips or {}).items()},
        age=age or ("age" if "age" in data.variables and data.audit else None),
        hours=tuple(hours)
        or tuple(n for n in ("ea_hours", "chores_hours") if n in data.variables and data.audit),
        interviewer=interviewer,
        area=area,
        batteries={name: tuple(columns) for name, columns in (batteries or {}).items()},
        items=tuple(items),
    )
    _check_columns(data, plan)
    findings: list[Finding] = []
    notes: list[str] = []
    ran: list[str] = []
    for checks in (DESIGN, KEYS, CONTENT, QUALITY):
        for name, check in checks.items():
            result = list(_run(check, data, plan))
            if result:
                ran.append(name)
                findings += [r for r in result if isinstance(r, Finding)]
                notes += [r for r in result if isinstance(r, str) and r]
    return CheckReport(
        name=data.source.name,
        n_rows=data.n_rows,
        findings=ordered(findings),
        ran=tuple(ran),
        notes=tuple(notes),
    )


def _run(
    check: Callable[[Microdata, Any], Iterator[Finding | str] | None], data: Microdata, plan: CheckPlan
) -> Iterator[Finding | str]:
    """What a check says; an empty line when it ran and found nothing, nothing when it was not run."""
    result = check(data, plan)
    if result is not None:
        yield ""
        yield from result


def _ranges(
    data: Microdata, given: Mapping[str, tuple[float, float]], registry: Registry | None
) -> dict[str, tuple[float, float]]:
    if not data.audit and registry is None:
        return dict(given)
    from survey_toolkit.standards.registry import load

    known = (registry or load()).variables
    standard = {n: known[n].range for n in data.variables if n in known}
    return {**{n: r for n, r in standard.items() if r is not None}, **given}


def _check_columns(data: Microdata, plan: CheckPlan) -> None:
    named: dict[str, Sequence[str]] = {
        "keys": plan.keys,
        "household": plan.household,
        "ranges": list(plan.ranges),
        "skips": [*plan.skips, *(n for rule in plan.skips.values() for n in sorted(rule_variables(rule)))],
        "age": [plan.age] if plan.age else [],
        "hours": plan.hours,
        "interviewer": [plan.interviewer] if plan.interviewer else [],
        "area": [plan.area] if plan.area else [],
        "batteries": [c for columns in plan.batteries.values() for c in columns],
        "items": plan.items,
        "related": [c for other in plan.related.values() for c in other.on],
        "design": _design_columns(plan.design),
    }
    have = set(data.frame.columns)
    problems = [
        f"{where}: no column '{name}'; {did_you_mean(name, data.variables)}"
        for where, names in named.items()
        for name in dict.fromkeys(names)
        if name not in have
    ]
    if problems:
        raise SurveyToolkitError(
            "a check names columns that the file does not have",
            where=data.source.name,
            problems=problems,
            hint="names are case-sensitive",
            code="missing-column",
        )


def _design_columns(design: Design | None) -> list[str]:
    if design is None:
        return []
    out = [design.weight] if design.weight else []
    for part in (design.strata, design.psu):
        out += [part] if isinstance(part, str) else list(part or ())
    return out
