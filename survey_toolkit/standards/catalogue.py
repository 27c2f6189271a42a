"""What exists in a folder of standards, by id, for the cross-checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from survey_toolkit.errors import did_you_mean
from survey_toolkit.standards.folder import Folder
from survey_toolkit.standards.models import Codelist, CriteriaList, Definition, StandardVariable

__all__ = ["Catalogue", "all_definitions", "catalogue_of"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What exists, by id; the first of two items with one id wins here."""

    sources: Mapping[str, Any]
    definitions: Mapping[str, Definition]
    criteria: Mapping[str, CriteriaList]
    items: Mapping[str, Any]
    codelists: Mapping[str, Codelist]
    variables: Mapping[str, StandardVariable]
    unread: frozenset[str]

    def lacks(self, kind: str, name: object) -> str | None:
        """Return why a name cannot be meant, or None if it exists or may stand in an unread file."""
        known: Mapping[str, Any] = getattr(self, kind)
        home = "criteria" if kind == "items" else kind
        if name in known or home in self.unread:
            return None
        return f"no {_NAMES[kind]} '{name}'; {did_you_mean(name, known)}"


_NAMES = {
    "sources": "source",
    "definitions": "definition",
    "criteria": "criteria list",
    "items": "criterion",
    "codelists": "code list",
    "variables": "variable",
}


def all_definitions(folder: Folder) -> dict[str, Definition]:
    """Definitions by id, each with the versions of all files: international ones first.

    The default and the title are those of the file that comes first, the national one where there is one.
    """
    found: dict[str, Definition] = {}
    for placed in folder.definitions:
        model: Definition = placed.model
        first = found.get(model.id)
        if first is not None:
            model = first.model_copy(update={"versions": (*model.versions, *first.versions)})
        found[model.id] = model
    return found


def catalogue_of(folder: Folder) -> Catalogue:
    """Collect what exists in a folder."""

    def first(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in pairs:
            out.setdefault(key, value)
        return out

    return Catalogue(
        sources=first((s.id, s) for p in folder.sources for s in p.model.sources),
        definitions=all_definitions(folder),
        criteria=first((p.model.id, p.model) for p in folder.criteria),
        items=first((c.id, c) for p in folder.criteria for c in p.model.criteria),
        codelists=first((p.model.id, p.model) for p in folder.codelists),
        variables=first((v.id, v) for p in folder.variables for v in p.model.items()),
        unread=frozenset(folder.unread),
    )
