"""A questionnaire as the writers see it: numbered, with every text by language and every rule resolved.

The paper form, the DDI file and the codebook all read this one view, so that a question has the same number,
codes and universe in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from survey_toolkit.instruments.routing import Bound
from survey_toolkit.instruments.steps import Condition

__all__ = ["Cells", "CodeView", "FormView", "ItemKind", "ItemView", "ModuleView", "RepeatView", "Standing"]

#: Text by language; a language without one is absent.
Cells: TypeAlias = Mapping[str, str]
ItemKind: TypeAlias = Literal[
    "one", "many", "integer", "decimal", "text", "date", "note", "computed", "hidden"
]


@dataclass(frozen=True, slots=True)
class CodeView:
    """A code of an answer, its words, and why it is missing if it is."""

    code: str
    labels: Cells
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class ItemView:
    """A question, note or computed field.

    ``parts`` are the conditions that must all hold for it to be asked (its own and those around it),
    ``repeat`` the repeated part it stands in, ``derivation`` and ``sums`` how a computed one is worked out.
    """

    name: str
    number: str
    kind: ItemKind
    texts: Cells
    instructions: Cells
    parts: tuple[Condition, ...]
    codes: tuple[CodeView, ...] = ()
    variable: str | None = None
    criteria: tuple[str, ...] = ()
    level: str = "person"
    sensitivity: int = 0
    interviewer: bool = False
    stop: bool = False
    low: float | None = None
    high: float | None = None
    unit: Cells | None = None
    derivation: Bound | None = None
    sums: tuple[str, ...] = ()
    reference: str | None = None
    repeat: str | None = None
    group: Cells | None = None


@dataclass(frozen=True, slots=True)
class RepeatView:
    """A part asked once a record: its title, how many records it may have, whether there is any."""

    name: str
    titles: Cells
    level: str
    most: int
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class ModuleView:
    """A module in the order of the questionnaire."""

    id: str
    code: str
    version: str
    titles: Cells
    purpose: str
    introduction: Cells
    items: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a language is complete: texts in all, without a translation, not reviewed, changed since."""

    name: str
    total: int = 0
    missing: int = 0
    draft: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True)
class FormView:
    """A questionnaire with its parameters filled in."""

    id: str
    version: str
    titles: Cells
    description: str
    serves: Cells
    languages: tuple[str, ...]
    modules: tuple[ModuleView, ...]
    repeats: Mapping[str, RepeatView]
    modes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)

    def items(self) -> Iterator[ItemView]:
        """Every item in order."""
        for module in self.modules:
            yield from module.items
