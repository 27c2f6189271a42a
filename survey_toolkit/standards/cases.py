"""Worked cases: records whose status is known, beside the criteria list or definition they test.

``criteria/<id>.cases.yaml`` holds for every criterion a record that meets it, one that does not, and
one that leaves it open; ``definitions/<id>.cases.yaml`` holds the combinations that decide an output.
The same cases are read by ``standards check`` (plain evaluation) and by the tests (compiled).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from survey_toolkit._frames import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED
from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.model_parts import Id, Name
from survey_toolkit.standards.models import Output
from survey_toolkit.standards.rules import AnyOf, Criterion, Rule, evaluate_record

__all__ = ["Case", "CaseFile", "evaluate_output", "evaluate_status", "lift_any"]

Value = bool | int | float | str | None
Record = dict[str, Value]


class Case(StrictModel):
    """A record, or a person with jobs or episodes, and the status expected."""

    name: Annotated[str, Field(min_length=3)]
    criterion: Id | None = None
    version: Id | None = None
    output: Name | None = None
    record: Record = Field(default_factory=dict)
    episodes: tuple[Record, ...] | None = None
    expect: Literal["met", "not_met", "undetermined", "not_applicable"]

    @model_validator(mode="after")
    def _one_subject(self) -> Case:
        if (self.criterion is None) == (self.output is None):
            raise ValueError(f"'{self.name}': a case names either a criterion or an output")
        return self


class CaseFile(StrictModel):
    """Cases of one criteria list or one definition."""

    criteria: Name | None = None
    definition: Name | None = None
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_subject(self) -> CaseFile:
        if (self.criteria is None) == (self.definition is None):
            raise ValueError("a case file names either 'criteria' or 'definition'")
        return self


def lift_any(statuses: Sequence[bool | None]) -> bool | None:
    """Status of a person from those of the jobs or episodes: one met decides; none at all is not met.

    Examples
    --------
    >>> lift_any([False, None]), lift_any([None, True]), lift_any([])
    (None, True, False)
    """
    if any(s is True for s in statuses):
        return True
    return None if any(s is None for s in statuses) else False


def evaluate_output(
    output: Output,
    record: Mapping[str, Any],
    *,
    episodes: Sequence[Mapping[str, Any]] | None = None,
    criteria: Mapping[str, Rule] | None = None,
) -> str:
    """Status of an output for one person, in plain Python: met, not_met, undetermined, not_applicable.

    Parameters
    ----------
    output : Output
    record : mapping
        The person; for a job or episode output without ``episodes``, also the one job or episode.
    episodes : sequence of mappings, optional
        Jobs or episodes, each evaluated on its own (facts must meet in one of them), then lifted.
    criteria : mapping of criterion id to Rule

    Notes
    -----
    A person of whom it is unknown whether they belong to the universe is undetermined, whatever the
    rule says: it is open whether they count at all.
    """
    if output.universe is not None:
        inside = evaluate_record(output.universe, record, criteria=criteria)
        if inside is not True:
            return NOT_APPLICABLE if inside is False else UNDETERMINED
    rows = [record] if episodes is None else [{**record, **episode} for episode in episodes]
    results = [evaluate_record(output.rule, row, criteria=criteria) for row in rows]
    return _status(results[0] if episodes is None else lift_any(results))


def evaluate_status(criterion: str, record: Mapping[str, Any], criteria: Mapping[str, Rule]) -> str:
    """Status of a criterion on one record."""
    return _status(evaluate_record(AnyOf((Criterion(criterion),)), record, criteria=criteria))


def _status(value: bool | None) -> str:
    return UNDETERMINED if value is None else (MET if value else NOT_MET)
