"""What a file of ``harmonization/`` may hold, as models; every item names its source.

A reference says where an item comes from *and how far that was checked*: ``verified`` (read in the
source, or in the text named by ``read_in``), ``from_memory`` (known, not re-read), ``unverified``
(reported, to be checked before use), ``proposed`` (this project's own design). Texts are mappings of
language to text with English always present, so that languages can be added without a change here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.figure_models import Indicator, Population, PopulationFile, Series
from survey_toolkit.standards.model_parts import (
    ROW_LEVELS,
    Date,
    Id,
    Labels,
    Level,
    Name,
    Reference,
    References,
    RuleField,
    Verification,
    in_language,
    inherit,
)

__all__ = [
    "ROW_LEVELS",
    "Code",
    "Codelist",
    "Column",
    "Correspondence",
    "CriteriaList",
    "CriterionItem",
    "Definition",
    "DefinitionExtension",
    "DefinitionVersion",
    "Derivation",
    "Indicator",
    "Labels",
    "NationalFile",
    "Output",
    "Period",
    "Population",
    "PopulationFile",
    "Reference",
    "Row",
    "RuleField",
    "Series",
    "Source",
    "SourceFile",
    "StandardVariable",
    "VariableFile",
    "in_language",
]


class Source(StrictModel):
    """A document the standards rest on."""

    id: Id
    title: str
    author: str
    year: int | None = None
    kind: Literal[
        "treaty",
        "law",
        "guideline",
        "metadata",
        "syntax",
        "code_list",
        "statistics",
        "secondary",
        "project",
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
        return inherit(self.variables, self.references)


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
        object.__setattr__(self, "criteria", inherit(self.criteria, self.references))
        return self


class Period(StrictModel):
    """From when to when; an open end is null, an unknown beginning too."""

    start: Annotated[Date | None, Field(alias="from")] = None
    end: Annotated[Date | None, Field(alias="to")] = None


class Output(StrictModel):
    """A status a definition gives: its universe, its rule, and how it reaches the person.

    An ``optional`` output is left out, with a note, where the data lack a variable it reads.
    """

    id: Name
    label: Labels
    level: Level
    universe: RuleField | None = None
    universe_label: Labels | None = None
    rule: RuleField
    lift: Literal["any"] | None = None
    criteria: tuple[Name, ...] = ()
    optional: bool = False
    note: str | None = None
    references: References = ()

    @model_validator(mode="after")
    def _lifted(self) -> Output:
        if (self.level in ROW_LEVELS) != (self.lift is not None):
            raise ValueError(
                f"'{self.id}': an output at level {', '.join(ROW_LEVELS)} is lifted to the person, no other"
            )
        return self


class DefinitionVersion(StrictModel):
    """A definition as one source at one time gives it.

    ``use`` tells a classification from a screening, which decides no status. A version ``based_on``
    another takes its outputs, with criteria put in the place of others (``replace``) or left out
    (``drop``). A version whose source could not be read may stand without outputs, as a slot.
    """

    id: str = Field(default="", exclude=True)
    version: Id
    title: Labels
    text: Labels
    status: Literal["current", "superseded", "unverified", "proposed"]
    use: Literal["classification", "screening"] = "classification"
    in_force: Period = Period()
    supersedes: tuple[Id, ...] = ()
    reference_period: Labels | None = None
    notes: tuple[Labels, ...] = ()
    references: Annotated[References, Field(min_length=1)]
    based_on: Id | None = None
    replace: dict[Id, Id] = Field(default_factory=dict)
    drop: tuple[Id, ...] = ()
    outputs: tuple[Output, ...] = ()

    @model_validator(mode="after")
    def _has_a_rule(self) -> DefinitionVersion:
        if self.based_on is None and (self.replace or self.drop):
            raise ValueError(f"'{self.version}': 'replace' and 'drop' change the version named by 'based_on'")
        if self.based_on is None and not self.outputs and self.status != "unverified":
            raise ValueError(f"'{self.version}': 'outputs' is required; only an unverified slot has none")
        return self

    @model_validator(mode="after")
    def _references_reach_down(self) -> DefinitionVersion:
        object.__setattr__(self, "outputs", inherit(self.outputs, self.references))
        return self

    @property
    def key(self) -> str:
        """``id@version``."""
        return f"{self.id}@{self.version}"

    def output(self, id: str) -> Output | None:
        """Return the output, or None."""
        return next((o for o in self.outputs if o.id == id), None)


class Definition(StrictModel):
    """A concept and its versions; ``never_added_to`` names concepts whose figures overlap with it."""

    id: Name
    title: Labels
    default: Annotated[Id, Field(description="version used when none is named")]
    never_added_to: dict[Name, Labels] = Field(default_factory=dict)
    versions: Annotated[tuple[DefinitionVersion, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _versions_know_their_id(self) -> Definition:
        versions = tuple(v.model_copy(update={"id": self.id}) for v in self.versions)
        object.__setattr__(self, "versions", versions)
        return self


class DefinitionExtension(StrictModel):
    """National versions of an international definition."""

    extends: Name
    default: Annotated[Id | None, Field(description="version used in this country when none is named")] = None
    versions: Annotated[tuple[DefinitionVersion, ...], Field(min_length=1)]


class NationalFile(StrictModel):
    """``national.yaml``: the folder extends the international standards for one country."""

    id: Name
    title: Labels
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 3166-1 alpha-3")]
    extends: Literal["international"]
    text: Labels | None = None
    references: Annotated[References, Field(min_length=1)]


class Column(StrictModel):
    """One column of a correspondence: criteria of some lists, or codes of a code list."""

    id: Name
    label: Labels
    criteria: tuple[Name, ...] = ()
    codelist: Name | None = None
    complete: Annotated[bool, Field(description="every item of the column stands in some row")] = False

    @model_validator(mode="after")
    def _one_kind(self) -> Column:
        if bool(self.criteria) == (self.codelist is not None):
            raise ValueError(f"'{self.id}': a column holds items of 'criteria' lists or of one 'codelist'")
        return self


class Row(StrictModel):
    """One row: for each column none, one or several items."""

    items: Annotated[dict[Name, tuple[str, ...]], Field(min_length=1)]
    note: Labels | None = None
    references: References = ()


class Correspondence(StrictModel):
    """Items of several lists side by side: what one list calls this, the other calls that."""

    id: Name
    title: Labels
    text: Labels
    columns: Annotated[tuple[Column, ...], Field(min_length=2)]
    rows: Annotated[tuple[Row, ...], Field(min_length=1)]
    references: Annotated[References, Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_fill_columns(self) -> Correspondence:
        known = {column.id for column in self.columns}
        for row in self.rows:
            unknown = [name for name in row.items if name not in known]
            if unknown:
                raise ValueError(f"no column '{unknown[0]}'; the columns are {', '.join(sorted(known))}")
        object.__setattr__(self, "rows", inherit(self.rows, self.references))
        return self
