"""What countries report within a framework, as frozen records with a stable key each.

Selection, baseline, annual marker, actual, source, narrative; ratings are computed, audit events are history.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeAlias

from survey_toolkit.errors import SurveyToolkitError

__all__ = [
    "KINDS",
    "STATUSES",
    "Actual",
    "AuditEvent",
    "Baseline",
    "Marker",
    "Narrative",
    "Rating",
    "RatingClass",
    "Record",
    "Selection",
    "Source",
    "breakdown_key",
    "record_from_dict",
    "record_to_dict",
]

STATUSES = ("provisional", "final", "revised", "suppressed", "not_available", "not_applicable")
Status: TypeAlias = Literal[
    "provisional", "final", "revised", "suppressed", "not_available", "not_applicable"
]
RatingClass: TypeAlias = Literal[
    "achieved", "on_track", "partly", "off_track", "no_data", "not_selected", "not_rated", "withheld"
]


def breakdown_key(codes: Mapping[str, str]) -> str:
    """One text for a cell, ``"total"`` for everybody.

    Examples
    --------
    >>> breakdown_key({"sex": "F", "age": "0-17"}), breakdown_key({})
    ('age=0-17&sex=F', 'total')
    """
    return "&".join(f"{k}={v}" for k, v in sorted(codes.items())) or "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A government's choice to report, or not to report, on an indicator."""

    kind: ClassVar[str] = "selection"
    country: str
    indicator: str
    selected: bool
    since: int | None = None
    responsible_agency: str = ""
    focal_point_role: str = ""

    @property
    def key(self) -> str:
        """Stable name of the record."""
        return f"selection/{self.country}/{self.indicator}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Where a country started."""

    kind: ClassVar[str] = "baseline"
    country: str
    indicator: str
    value: float | None = None
    text: str = ""
    year: int
    source_id: str = ""
    method: str = ""
    status: Status = "final"
    note: str = ""

    @property
    def key(self) -> str:
        """Stable name of the record."""
        return f"baseline/{self.country}/{self.indicator}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """What a country means to reach in a year: an annual progress marker, a target, or a milestone."""

    kind: ClassVar[str] = "marker"
    country: str
    indicator: str
    year: int
    role: Literal["progress_marker", "target", "milestone"] = "progress_marker"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    rationale: str = ""

    @property
    def key(self) -> str:
        """Stable name of the record."""
        return f"marker/{self.country}/{self.indicator}/{self.year}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actual:
    """What was reached in a year, for everybody or for one cell of a breakdown.

    ``period`` names the real reference period where it is not the calendar year; ``extra`` marks a report
    on an
    indicator the government did not select; ``definition`` names what was counted, ``definition@version``.
    """

    kind: ClassVar[str] = "actual"
    country: str
    indicator: str
    year: int
    period: str = ""
    breakdown: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    text: str = ""
    status: Status = "final"
    source_id: str = ""
    definition: str = ""
    method: str = ""
    collected_by: str = ""
    validated_by: str = ""
    note: str = ""
    extra: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "breakdown", MappingProxyType(dict(self.breakdown)))

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return record_from_dict, (record_to_dict(self),)

    @property
    def key(self) -> str:
        """Stable name of the record."""
        cell = breakdown_key(self.breakdown)
        return f"actual/{self.country}/{self.indicator}/{self.year}/{cell}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where numbers of a country come from."""

    kind: ClassVar[str] = "source"
    country: str
    id: str
    type: Literal["survey", "admin", "register", "report", "estimate"]
    title: str
    organisation: str = ""
    date: str = ""
    url: str = ""
    licence: str = ""
    confidentiality: Literal["public", "restricted"] = "restricted"

    @property
    def key(self) -> str:
        """Stable name of the record."""
        return f"source/{self.country}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """Achievements, challenges and next steps in words."""

    kind: ClassVar[str] = "narrative"
    country: str
    node: str
    year: int
    language: str = "en"
    achievements: str = ""
    challenges: str = ""
    next_steps: str = ""

    @property
    def key(self) -> str:
        """Stable name of the record."""
        return f"narrative/{self.country}/{self.node}/{self.year}/{self.language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """Progress of one country on one indicator in one year by one rule, with what it was computed from."""

    country: str
    indicator: str
    year: int
    rule: str
    rating: RatingClass
    score: float | None = None
    basis: str = ""
    reason: str = ""
    computed_on: str = ""
    inputs_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One change: who, when, of what, from what to what, and why. Events are only ever appended."""

    who: str
    when: str
    object: str
    field: str
    old: Any
    new: Any
    reason: str = ""


Record: TypeAlias = Selection | Baseline | Marker | Actual | Source | Narrative

KINDS: dict[str, type[Any]] = {c.kind: c for c in (Selection, Baseline, Marker, Actual, Source, Narrative)}


def record_to_dict(record: Record) -> dict[str, Any]:
    """JSON-able form; fields at their default are left out, so that files stay readable."""
    out: dict[str, Any] = {"kind": record.kind}
    for item in fields(record):
        value = getattr(record, item.name)
        if isinstance(value, Mapping):
            value = dict(sorted(value.items()))
        # Zero is a value and stays: only nothing, empty text, no breakdown and an unset mark are left out.
        if item.name != "selected" and (value is None or value is False or value in ("", {})):
            continue
        out[item.name] = value
    return out


def record_from_dict(data: Mapping[str, Any]) -> Record:
    """Inverse of :func:`record_to_dict`.

    Raises
    ------
    SurveyToolkitError
        If the mapping is no such record, or holds a number that is not finite.

    Examples
    --------
    >>> record_from_dict({"kind": "selection", "country": "KHM", "indicator": "a", "selected": True}).key
    'selection/KHM/a'
    """
    values = dict(data)
    kind = values.pop("kind", None)
    model = KINDS.get(str(kind))
    known = {item.name for item in fields(model)} if model is not None else set()
    unknown = sorted(set(values) - known)
    bad = [k for k, v in values.items() if isinstance(v, float) and not math.isfinite(v)]
    if model is None or unknown or bad:
        raise SurveyToolkitError(
            "this is not a record of a results framework",
            found=f"kind {json.dumps(kind)[:40]}, fields {', '.join(unknown or bad)[:80] or 'as expected'}",
            expected="one of " + ", ".join(KINDS),
            code="record-format",
        )
    try:
        made: Record = model(**values)
    except TypeError as exc:
        raise SurveyToolkitError(
            "a record of a results framework lacks a field", found=str(exc)[:120], code="record-format"
        ) from None
    return made
