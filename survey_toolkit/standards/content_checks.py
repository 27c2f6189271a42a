"""Checks of how standards lean on each other: derivations, narrower criteria, correspondences, cases."""

from __future__ import annotations

from collections.abc import Iterator

from survey_toolkit._yaml import YamlPath
from survey_toolkit.errors import DefinitionError, did_you_mean
from survey_toolkit.standards.catalogue import Catalogue
from survey_toolkit.standards.folder import Folder, Placed, Problem
from survey_toolkit.standards.models import Column, Correspondence, StandardVariable
from survey_toolkit.standards.rules import resolve_criteria, rule_variables

__all__ = ["CONTENT_CHECKS"]


def broader(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """A criterion is a form of one that exists, and of none that is a form of it."""
    for placed in folder.criteria:
        for i, item in enumerate(placed.model.criteria):
            if item.broader is None:
                continue
            text = catalogue.lacks("items", item.broader)
            wider = catalogue.items.get(item.broader)
            if text is None and wider is not None and wider.broader is not None:
                text = f"'{item.broader}' is itself a form of '{wider.broader}'; name that one"
            if text:
                yield placed.problem(("criteria", i, "broader"), text)


def circles(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """Criteria do not refer to each other in a circle."""
    rules = {name: item.rule for name, item in catalogue.items.items()}
    for placed in folder.criteria:
        for i, item in enumerate(placed.model.criteria):
            try:
                resolve_criteria(item.rule, rules, (item.id,))
            except DefinitionError as exc:
                if exc.code != "unknown-criterion":  # that one has a problem of its own
                    yield placed.problem(("criteria", i, "rule"), f"{exc.what}: {exc.found}")


def derivations(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """A derived variable takes values it can have, from variables of its level or of the person."""
    rules = {name: item.rule for name, item in catalogue.items.items()}
    for placed in folder.variables:
        for i, variable in enumerate(placed.model.variables):
            for s, step in enumerate(variable.derive):
                path: YamlPath = ("variables", i, "derive", s)
                text = _wrong_value(variable, step.value, catalogue)
                if text:
                    yield placed.problem((*path, "value"), text)
                if step.when is None:
                    continue
                try:
                    reads = rule_variables(step.when, criteria=rules)
                except DefinitionError:
                    continue  # an unknown criterion or a circle has a problem of its own
                if variable.id in reads:
                    yield placed.problem((*path, "when"), f"'{variable.id}' cannot be derived from itself")
                for name in sorted(reads & set(catalogue.variables)):
                    level = catalogue.variables[name].level
                    if level not in (variable.level, "person"):
                        text = f"'{name}' is of each {level}, '{variable.id}' of each {variable.level}"
                        yield placed.problem((*path, "when"), text)


def _wrong_value(variable: StandardVariable, value: object, catalogue: Catalogue) -> str | None:
    if variable.type == "code":
        codelist = catalogue.codelists.get(variable.codelist or "")
        if codelist is None or value in codelist.details():
            return None
        return (
            f"code {value!r} is not in code list '{codelist.id}'; {did_you_mean(value, codelist.details())}"
        )
    if variable.type == "boolean":
        return None if isinstance(value, bool) else f"'{variable.id}' is true or false, found {value!r}"
    if variable.type in ("integer", "number"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if number else f"'{variable.id}' is a number, found {value!r}"
    return None if isinstance(value, str) else f"'{variable.id}' is text, found {value!r}"


def correspondences(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """Every item of a table exists; a column said to be complete is."""
    for placed in folder.correspondences:
        table: Correspondence = placed.model
        for c, column in enumerate(table.columns):
            known = _items_of(column, catalogue)
            if known is None:
                yield from _unknown_lists(placed, c, column, catalogue)
                continue
            used: set[str] = set()
            for r, row in enumerate(table.rows):
                for i, item in enumerate(row.items.get(column.id, ())):
                    used.add(item)
                    if item not in known:
                        text = f"no '{item}' in this column; {did_you_mean(item, known)}"
                        yield placed.problem(("rows", r, "items", column.id, i), text)
            left = [item for item in known if item not in used]
            if column.complete and left:
                text = f"stands in no row, though the column is complete: {', '.join(left)}"
                yield placed.problem(("columns", c, "complete"), text)


def _items_of(column: Column, catalogue: Catalogue) -> tuple[str, ...] | None:
    """Items that may stand in a column; None where a list is unknown."""
    if column.codelist is not None:
        codelist = catalogue.codelists.get(column.codelist)
        return None if codelist is None else codelist.details()
    if any(name not in catalogue.criteria for name in column.criteria):
        return None
    return tuple(item.id for name in column.criteria for item in catalogue.criteria[name].criteria)


def _unknown_lists(placed: Placed, c: int, column: Column, catalogue: Catalogue) -> Iterator[Problem]:
    if column.codelist is not None:
        text = catalogue.lacks("codelists", column.codelist)
        if text:
            yield placed.problem(("columns", c, "codelist"), text)
    for i, name in enumerate(column.criteria):
        text = catalogue.lacks("criteria", name)
        if text:
            yield placed.problem(("columns", c, "criteria", i), text)


def overlaps(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """Concepts that must not be added say so on both sides."""
    for placed in folder.definitions:
        for name in placed.document.data.get("never_added_to", {}):
            text = catalogue.lacks("definitions", name)
            other = catalogue.definitions.get(name)
            if text is None and other is not None and placed.model.id not in other.never_added_to:
                text = f"'{name}' does not name '{placed.model.id}' under 'never_added_to'"
            if text:
                yield placed.problem(("never_added_to", name), text)


CONTENT_CHECKS = (broader, circles, derivations, correspondences, overlaps)
