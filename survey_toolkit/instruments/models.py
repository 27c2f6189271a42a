"""What a file of ``instruments/`` may hold, as models: modules, questions, questionnaires, translations.

A question (item) says what it measures: the harmonized variable its answer becomes, and the criteria it
serves. Routing and constraints are rules in the language of the standards, written on question ids or on
harmonized variables; they become XPath in the form, sentences and skip arrows on paper.

Lengths of names, references between files and the texts of other languages are no matter of one file:
``check`` looks at those, over all files at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from survey_toolkit._yaml import StrictModel
from survey_toolkit.standards.model_parts import RuleField

__all__ = [
    "ANSWERED",
    "DEFAULT_MISSING",
    "MISSING_REASON",
    "SELECTS",
    "Calculation",
    "Cell",
    "Choice",
    "Group",
    "Item",
    "ListsFile",
    "Module",
    "ModuleUse",
    "Node",
    "Parameter",
    "QuestionnaireFile",
    "Repeat",
    "Role",
    "TranslationFile",
    "walk",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
CodeId = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)]
Text = Annotated[str, Field(min_length=1)]
Value = bool | int | float | str
Reason = Literal["dk", "refused", "na"]
Role = Literal[
    "consent", "consent_sensitive", "privacy", "permission", "assent", "routing", "context", "label", "text"
]
Mode = Literal["capi", "papi", "cati"]
Level = Literal["household", "person", "job", "episode", "union", "relative"]

SELECTS = ("select_one", "select_multiple")
#: Types that somebody answers.
ANSWERED = (*SELECTS, "integer", "decimal", "text", "date")
#: Missing codes of a select question that does not name its own.
DEFAULT_MISSING: dict[str, str] = {"dk": "98", "refused": "99"}
#: Reason of the questionnaire to the reason that data carry.
MISSING_REASON = {"dk": "dk", "refused": "refused", "na": "not_applicable"}


class Choice(StrictModel):
    """One answer category.

    ``value`` is the harmonized value of the answer (true, false, a code of the variable's code list). In a
    select_multiple each category may stand for a boolean ``variable`` of its own.
    """

    id: CodeId
    text: Text
    value: Value | None = None
    variable: Name | None = None
    criteria: tuple[str, ...] = ()
    exclusive: Annotated[bool, Field(description="select_multiple: stands alone")] = False
    instruction: Text | None = None


class Calculation(StrictModel):
    """How a calculated value is made, as data: exactly one key."""

    rule: Annotated[RuleField | None, Field(description="1 yes, 2 no, blank unknown")] = None
    sum: Annotated[tuple[Name, ...], Field(description="sum of the numbers that are known")] = ()
    first_of: Annotated[tuple[Name, ...], Field(description="first answered")] = ()
    sum_rows: Annotated[Name | None, Field(description="sum of an item over the rows of its repeat")] = None
    count_rows: Annotated[Name | None, Field(description="number of rows of a repeat")] = None
    from_row: Annotated[Name | None, Field(description="item of another repeat, at the same row")] = None
    row_number: bool = False
    random: Annotated[int | None, Field(ge=2, description="1..n, drawn once and kept")] = None
    parameter: Annotated[Name | None, Field(description="id of the option chosen")] = None
    constant: Value | None = None
    today: Literal["year", "month", "date"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Calculation:
        given = self.ways()
        if len(given) != 1:
            raise ValueError(f"a calculation has exactly one key, found {', '.join(given) or 'none'}")
        return self

    def ways(self) -> tuple[str, ...]:
        """Keys given."""
        return tuple(n for n in type(self).model_fields if getattr(self, n) not in (None, (), False))

    @property
    def on_paper(self) -> bool:
        """Whether the interviewer works it out on paper; the rest is filled by the form or the office."""
        return self.rule is not None or bool(self.sum) or self.random is not None

    def reads(self) -> tuple[str, ...]:
        """Names of items and repeats it names, rules aside."""
        single = (self.sum_rows, self.count_rows, self.from_row)
        return (*self.sum, *self.first_of, *(n for n in single if n is not None))


class Item(StrictModel):
    """A question, a note, or a calculated value."""

    id: Name
    type: Literal[
        "select_one",
        "select_multiple",
        "integer",
        "decimal",
        "text",
        "date",
        "note",
        "calculate",
    ]
    text: Text | None = None
    hint: Text | None = None
    instruction: Annotated[Text | None, Field(description="to the interviewer; never read out")] = None
    codes: Annotated[Name | tuple[Choice, ...] | None, Field(description="name of a list, or categories")] = (
        None
    )
    missing: Annotated[
        dict[Reason, CodeId] | None,
        Field(description="code by reason; default of selects: dk 98, refused 99"),
    ] = None
    range: tuple[float, float] | None = None
    constraint: Annotated[RuleField | None, Field(description="blocks only what is surely wrong")] = None
    constraint_text: Text | None = None
    required: bool | None = None
    ask_if: RuleField | None = None
    when_unknown: Annotated[
        Literal["skip", "ask"], Field(description="what to do where 'ask_if' cannot be decided")
    ] = "skip"
    if_skipped: Annotated[
        Value | None, Field(description="harmonized value where the condition is surely false")
    ] = None
    calculate: Calculation | None = None
    by: Annotated[
        Literal["respondent", "interviewer"],
        Field(description="who fills it; the interviewer's is not read out"),
    ] = "respondent"
    variable: Name | None = None
    criteria: tuple[str, ...] = ()
    role: Role | None = None
    sensitivity: Annotated[int, Field(ge=0, le=3)] = 0
    modes: tuple[Mode, ...] = ("capi", "papi", "cati")
    reference_period: Annotated[Name | None, Field(description="parameter that names the window")] = None
    unit: Text | None = None
    appearance: str | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Item:
        drawn = self.calculate is not None and self.calculate.random is not None
        if (self.codes is None) if self.type in SELECTS else (self.codes is not None and not drawn):
            raise ValueError(
                f"'{self.id}': 'codes' belong to select_one, select_multiple and a random draw alone"
            )
        if (self.type == "calculate") != (self.calculate is not None):
            raise ValueError(f"'{self.id}': 'calculate' belongs to the type calculate, and only there")
        if self.type != "calculate" and self.text is None:
            raise ValueError(f"'{self.id}': 'text' is required")
        if self.if_skipped is not None and self.variable is None and self.type != "select_multiple":
            raise ValueError(f"'{self.id}': 'if_skipped' is a value of the variable, and there is none")
        if self.range is not None and self.type not in ("integer", "decimal"):
            raise ValueError(f"'{self.id}': only a number has a range")
        return self

    @property
    def missing_codes(self) -> dict[str, str]:
        """Code by reason."""
        if self.missing is not None:
            return {str(reason): code for reason, code in self.missing.items()}
        return dict(DEFAULT_MISSING) if self.type in SELECTS else {}

    @property
    def asked(self) -> bool:
        """Whether somebody answers it."""
        return self.type in ANSWERED

    @property
    def must_answer(self) -> bool:
        """Required in the form; by default everything but text."""
        return self.type not in ("text", "note", "calculate") if self.required is None else self.required


class Group(StrictModel):
    """Questions under one condition."""

    id: Name
    type: Literal["group"]
    text: Text | None = None
    instruction: Text | None = None
    ask_if: RuleField | None = None
    when_unknown: Literal["skip", "ask"] = "skip"
    page: Annotated[bool, Field(description="all on one screen")] = False
    items: Annotated[tuple[Node, ...], Field(min_length=1)]


class Repeat(StrictModel):
    """Questions asked once a row: per job, episode, union, sibling, member of the household."""

    id: Name
    type: Literal["repeat"]
    level: Annotated[Level, Field(description="what one row is")]
    text: Text | None = None
    instruction: Text | None = None
    ask_if: RuleField | None = None
    when_unknown: Literal["skip", "ask"] = "skip"
    count: Annotated[
        Name | int | None, Field(description="item with the number of rows, or a number; else rows are added")
    ] = None
    max: Annotated[int, Field(ge=1, le=60)] = 10
    items: Annotated[tuple[Node, ...], Field(min_length=1)]


def _kind(data: Any) -> str:
    kind = data.get("type") if isinstance(data, dict) else getattr(data, "type", None)
    return kind if kind in ("group", "repeat") else "item"


Node = Annotated[
    Annotated[Item, Tag("item")] | Annotated[Group, Tag("group")] | Annotated[Repeat, Tag("repeat")],
    Discriminator(_kind),
]


class Parameter(StrictModel):
    """Something a questionnaire sets: a reference period, a country's name for a card."""

    text: Text
    default: CodeId
    options: Annotated[dict[CodeId, Text], Field(min_length=1, description="id to the words put into texts")]


class Module(StrictModel):
    """A question module.

    ``requires`` names the gates that must stand open: the latest item before it with that role must be
    answered yes, else the module is skipped. ``measures`` names the criteria lists (or single criteria)
    the module claims to measure.
    """

    id: Name
    code: Annotated[str, Field(pattern=r"^[A-Z]{2,3}$", description="prefix of question numbers on paper")]
    version: str
    title: Text
    text: Annotated[Text, Field(description="what the module is for; for the office, not read out")]
    respondent: Text
    level: Literal["household", "person"] = "person"
    introduction: Annotated[Text | None, Field(description="read out before the first question")] = None
    requires: tuple[Literal["consent", "consent_sensitive", "privacy", "permission", "assent"], ...] = ()
    ask_if: RuleField | None = None
    when_unknown: Literal["skip", "ask"] = "skip"
    measures: tuple[str, ...] = ()
    apart: Annotated[bool, Field(description="kept apart from the data: never in the crosswalk")] = False
    parameters: dict[Name, Parameter] = Field(default_factory=dict)
    lists: dict[Name, tuple[Choice, ...]] = Field(default_factory=dict)
    items: Annotated[tuple[Node, ...], Field(min_length=1)]


class ListsFile(StrictModel):
    """``lists.yaml``: lists of categories and the texts that all modules share."""

    missing: dict[Reason, Text]
    texts: dict[Name, Text] = Field(default_factory=dict)
    lists: dict[Name, tuple[Choice, ...]]


class ModuleUse(StrictModel):
    """A module in a questionnaire: its condition here, its parameters, what is left out."""

    module: Name
    ask_if: RuleField | None = None
    parameters: dict[Name, CodeId] = Field(default_factory=dict)
    without: Annotated[tuple[Name, ...], Field(description="items, groups or repeats left out")] = ()


class QuestionnaireFile(StrictModel):
    """A questionnaire: an ordered choice of modules for one purpose.

    ``claims`` names what it measures: definitions (``id`` or ``id@version``), criteria lists or criteria.
    """

    id: Name
    version: str
    title: Text
    text: Text
    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    claims: tuple[str, ...] = ()
    modules: Annotated[tuple[ModuleUse, ...], Field(min_length=1)]


class Cell(StrictModel):
    """One translated text; ``english`` is the fingerprint of the English text it was made from."""

    text: Text | None = None
    status: Literal["missing", "draft", "reviewed", "approved"]
    english: Annotated[str | None, Field(pattern=r"^[0-9a-f]{8}$")] = None
    by: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> Cell:
        if (self.status == "missing") != (self.text is None):
            raise ValueError("a cell has a text, or the status 'missing'")
        if self.text is not None and self.english is None:
            raise ValueError("a translated cell carries 'english', the fingerprint of the English text")
        return self


class TranslationFile(StrictModel):
    """``translations/<language>/<module>.yaml``; the key of a cell is its path in the module."""

    module: Name
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")]
    cells: dict[str, Cell]


def walk(
    nodes: tuple[Node, ...], path: tuple[str | int, ...] = ("items",)
) -> Iterator[tuple[tuple[str | int, ...], Item | Group | Repeat, tuple[Group | Repeat, ...]]]:
    """Every node below, in writing order: its path in the file, the node, what stands around it."""
    for index, node in enumerate(nodes):
        here = (*path, index)
        yield here, node, ()
        if isinstance(node, Group | Repeat):
            for inner, child, around in walk(node.items, (*here, "items")):
                yield inner, child, (node, *around)


for _model in (Group, Repeat, Module):
    _model.model_rebuild()
