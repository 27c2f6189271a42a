"""What a file of ``harmonization/`` may hold, as models; every item names its source.

A reference says where an item comes from *and how far that was checked*: ``verified`` (read in the
source, or in the text named by ``read_in``), ``from_memory`` (known, not re-read), ``unverified``
(reported, to be checked before use), ``proposed`` (this project's own design). Texts are mappings of
language to text with English always present, so that languages can be added without a change here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, PlainSerializer, PlainValidator, model_validator

from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.rules import Rule, parse_rule, rule_tree

__all__ = [
    "Code",
    "Codelist",
    "CriteriaList",
    "CriterionItem",
    "Definition",
    "DefinitionVersion",
    "Derivation",
    "Indicator",
    "Labels",
    "Output",
    "Period",
    "Population",
    "PopulationFile",
    "ROW_LEVELS",
    "Reference",
    "RuleField",
    "Series",
    "Source",
    "SourceFile",
    "StandardVariable",
    "VariableFile",
    "in_language",
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


class Source(StrictModel):
    """A document the standards rest on."""

    id: Id
    title: str
    author: str
    year: int | None = None
    kind: Literal[
        "treaty", "guideline", "metadata", "syntax", "code_list", "statistics", "secondary", "project"
    ]
    url: str | None = None
    licence: str | None = None
    verification: Verification
    note: str | None = None


class SourceFile(StrictModel):
    """``sources.yaml``."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


class Code(StrictModel):
    """One code of a code list.

    ``kind`` tells a code a record can have (``detail``) from a sum of codes (``aggregate``) and from
    the whole (``total``); ``interval`` gives the ages a band holds, both ends included.
    """

    id: Annotated[str, Field(min_length=1)]
    label: Labels
    kind: Literal["detail", "aggregate", "total"] = "detail"
    members: tuple[str, ...] = ()
    interval: tuple[int, int | None] | None = None
    sdmx: Annotated[str | None, Field(description="code in the SDMX code list named by the list")] = None
    note: str | None = None
    references: References = ()


class Codelist(StrictModel):
    """A list of codes and what they are called in SDMX."""

    id: Name
    title: Labels
    sdmx_dimension: str | None = None
    sdmx_codelist: str | None = None
    note: str | None = None
    references: Annotated[References, Field(min_length=1)]
    codes: Annotated[tuple[Code, ...], Field(min_length=1)]

    def code(self, id: str) -> Code | None:
        """Return the code, or None."""
        return next((c for c in self.codes if c.id == id), None)

    def details(self) -> tuple[str, ...]:
        """Codes a record can have."""
        return tuple(c.id for c in self.codes if c.kind == "detail")

    def labels(self, language: str = "en") -> dict[str, str]:
        """Code to label."""
        return {c.id: in_language(c.label, language) for c in self.codes}

    def sdmx_codes(self) -> dict[str, str | None]:
        """Code to SDMX code; None where the SDMX list has none."""
        return {c.id: c.sdmx for c in self.codes}


class Derivation(StrictModel):
    """One step of a derivation: the value taken when the rule holds; without a rule, otherwise."""

    value: bool | int | float | str
    when: RuleField | None = None


class StandardVariable(StrictModel):
    """A harmonized variable: what it means, not how it was asked.

    ``derive`` gives it from other variables where the data lack it: the value of the first step whose
    rule holds; unknown as soon as a step before that is unknown.
    """

    id: Name
    label: Labels
    description: Labels
    type: Literal["boolean", "code", "text", "integer", "number"]
    level: Level
    codelist: Name | None = None
    unit: str | None = None
    range: tuple[float, float] | None = None
    derive: tuple[Derivation, ...] = ()
    references: References = ()

    @model_validator(mode="after")
    def _coherent(self) -> StandardVariable:
        if (self.type == "code") != (self.codelist is not None):
            raise ValueError(
                f"'{self.id}': a variable of type code names a codelist, and only such a variable"
            )
        if self.range is not None and self.type not in ("integer", "number"):
            raise ValueError(f"'{self.id}': only a number has a range")
        if any(step.when is None for step in self.derive[:-1]):
            raise ValueError(f"'{self.id}': only the last step of a derivation stands without 'when'")
        return self


class VariableFile(StrictModel):
    """A file of variables; they share its references unless they name their own."""

    references: Annotated[References, Field(min_length=1)]
    variables: Annotated[tuple[StandardVariable, ...], Field(min_length=1)]

    def items(self) -> tuple[StandardVariable, ...]:
        """Variables, each with references."""
        return _inherit(self.variables, self.references)


class CriterionItem(StrictModel):
    """One criterion: what it says and the rule that decides it."""

    id: Id
    label: Labels
    text: Labels
    rule: RuleField
    broader: Annotated[Id | None, Field(description="criterion of which this one is a form")] = None
    note: str | None = None
    references: References = ()


class CriteriaList(StrictModel):
    """A list of criteria; ``open_list`` marks a list whose source says it is not exhaustive."""

    id: Name
    title: Labels
    text: Labels
    level: Level
    open_list: bool = False
    references: Annotated[References, Field(min_length=1)]
    criteria: Annotated[tuple[CriterionItem, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _references_reach_down(self) -> CriteriaList:
        object.__setattr__(self, "criteria", _inherit(self.criteria, self.references))
        return self


class Period(StrictModel):
    """From when to when; an open end is null, an unknown beginning too."""

    start: Annotated[Date | None, Field(alias="from")] = None
    end: Annotated[Date | None, Field(alias="to")] = None


class Output(StrictModel):
    """A status a definition gives: its universe, its rule, and how it reaches the person."""

    id: Name
    label: Labels
    level: Level
    universe: RuleField | None = None
    universe_label: Labels | None = None
    rule: RuleField
    lift: Literal["any"] | None = None
    criteria: tuple[Name, ...] = ()
    note: str | None = None
    references: References = ()

    @model_validator(mode="after")
    def _lifted(self) -> Output:
        if (self.level in ROW_LEVELS) != (self.lift is not None):
            raise ValueError(
                f"'{self.id}': an output at level {', '.join(ROW_LEVELS)} is lifted to the person, no other is"
            )
        return self


class DefinitionVersion(StrictModel):
    """A definition as one source at one time gives it."""

    id: str = Field(default="", exclude=True)
    version: Id
    title: Labels
    text: Labels
    status: Literal["current", "superseded", "unverified", "proposed"]
    in_force: Period = Period()
    supersedes: tuple[Id, ...] = ()
    reference_period: Labels | None = None
    notes: tuple[Labels, ...] = ()
    references: Annotated[References, Field(min_length=1)]
    outputs: Annotated[tuple[Output, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _references_reach_down(self) -> DefinitionVersion:
        object.__setattr__(self, "outputs", _inherit(self.outputs, self.references))
        return self

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    def output(self, id: str) -> Output | None:
        """Return the output, or None."""
        return next((o for o in self.outputs if o.id == id), None)


class Definition(StrictModel):
    """A concept and its versions."""

    id: Name
    title: Labels
    default: Annotated[Id, Field(description="version used when none is named")]
    versions: Annotated[tuple[DefinitionVersion, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _versions_know_their_id(self) -> Definition:
        versions = tuple(v.model_copy(update={"id": self.id}) for v in self.versions)
        object.__setattr__(self, "versions", versions)
        return self


class Caveat(StrictModel):
    """What a reader of the figure must know."""

    id: Id
    text: Labels
    references: References = ()


class Series(StrictModel):
    """A published series of an indicator.

    ``sdmx`` gives the codes of dimensions that the breakdown does not set; ``custom`` is true when no
    global SDG series exists and an own data structure is needed.
    """

    id: Id
    label: Labels
    variable: Annotated[Name | None, Field(description="classified output; null when no survey gives it")] = (
        None
    )
    definition: Name
    version: Id
    statistic: Literal["proportion", "total", "count", "rate", "population_size"]
    unit: str
    multiplier: Annotated[float, Field(gt=0)] = 1.0
    universe: Labels
    sdmx: dict[str, str] = Field(default_factory=dict)
    breakdowns: tuple[tuple[Name, ...], ...] = ()
    custom: bool = False
    note: Labels | None = None
    references: References = ()


class Indicator(StrictModel):
    """An indicator and its series, the first being the main one."""

    id: Id
    title: Labels
    sdg_target: str | None = None
    custodians: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    references: Annotated[References, Field(min_length=1)]
    series: Annotated[tuple[Series, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _references_reach_down(self) -> Indicator:
        object.__setattr__(self, "series", _inherit(self.series, self.references))
        object.__setattr__(self, "caveats", _inherit(self.caveats, self.references))
        return self


class Population(StrictModel):
    """A resident population, the denominator of a rate."""

    country: str = Field(default="", exclude=True)
    period: Date
    universe: Annotated[Name, Field(description="total, or a part such as adults")] = "total"
    label: Labels
    value: Annotated[int, Field(gt=0)]
    as_of: Date
    rounded_to: Annotated[int, Field(ge=1, description="1 when the figure is exact")]
    references: Annotated[References, Field(min_length=1)]

    @property
    def key(self) -> str:
        """``GBR/2013``, or ``GBR/2013/adults`` for a part."""
        part = "" if self.universe == "total" else f"/{self.universe}"
        return f"{self.country}/{self.period}{part}"


class PopulationFile(StrictModel):
    """Populations of one country."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    populations: Annotated[tuple[Population, ...], Field(min_length=1)]

    def items(self) -> tuple[Population, ...]:
        """Populations, each with its country."""
        return tuple(p.model_copy(update={"country": self.country}) for p in self.populations)


def _inherit(items: tuple[Item, ...], references: References) -> tuple[Item, ...]:
    """Give each item without references those of its file."""
    return tuple(
        item if getattr(item, "references") else item.model_copy(update={"references": references})  # noqa: B009
        for item in items
    )
