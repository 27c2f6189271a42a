"""What the models of the standards share: texts by language, dates, ids, levels, references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, PlainValidator

from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.rules import Rule, parse_rule, rule_tree

__all__ = [
    "ROW_LEVELS",
    "Date",
    "Id",
    "Labels",
    "Level",
    "Name",
    "Reference",
    "References",
    "RuleField",
    "Verification",
    "in_language",
    "inherit",
]

Verification = Literal["verified", "from_memory", "unverified", "proposed"]
Level = Literal["household", "person", "job", "episode", "union", "relative"]
#: Levels that hold several rows a person; a status there is lifted to the person.
ROW_LEVELS = ("job", "episode", "union", "relative")
Item = TypeVar("Item", bound=BaseModel)


def _has_english(value: dict[str, str]) -> dict[str, str]:
    if not value.get("en", "").strip():
        raise ValueError("the English text is missing: write {en: ...}")
    return value


def _date(value: str) -> str:
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", value):
        raise ValueError(f"a date is a year, year-month or year-month-day such as 2018-10, found '{value}'")
    return value


Labels = Annotated[dict[str, str], AfterValidator(_has_english)]
Date = Annotated[str, PlainValidator(lambda v: _date(str(v)))]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]

if TYPE_CHECKING:
    RuleField = Rule
else:
    #: A rule as a field of a model: read from the YAML tree, written back as the tree.
    RuleField = Annotated[Any, PlainValidator(parse_rule), PlainSerializer(rule_tree)]


def in_language(labels: Mapping[str, str], language: str = "en") -> str:
    """Return the text in a language, or in English where it is not yet translated.

    Examples
    --------
    >>> in_language({"en": "Sex", "fr": "Sexe"}, "fr"), in_language({"en": "Sex"}, "km")
    ('Sexe', 'Sex')
    """
    return labels.get(language) or labels["en"]


class Reference(StrictModel):
    """Where an item comes from: source, place in it, and how far that was checked."""

    source: Id
    locator: Annotated[str, Field(min_length=1, description="article, paragraph, table, code list")]
    verification: Verification
    read_in: Annotated[
        Id | None, Field(description="source in which the text was read, when not the original")
    ] = None
    note: str | None = None


References = tuple[Reference, ...]


def inherit(items: tuple[Item, ...], references: References) -> tuple[Item, ...]:
    """Give each item without references those of its file."""
    return tuple(
        item if getattr(item, "references") else item.model_copy(update={"references": references})  # noqa: B009
        for item in items
    )
