"""Everything that can be wrong with a questionnaire, found in one pass over all its files."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from survey_toolkit.errors import did_you_mean
from survey_toolkit.instruments.catalogue import Catalogue, Finding, read_catalogue
from survey_toolkit.instruments.cells import translation_findings
from survey_toolkit.instruments.check_bindings import binding_findings
from survey_toolkit.instruments.check_routing import routing_findings
from survey_toolkit.instruments.models import Choice, Item, Repeat

if TYPE_CHECKING:
    from survey_toolkit.instruments.questionnaire import Questionnaire
    from survey_toolkit.instruments.steps import Step
    from survey_toolkit.standards.registry import Registry

__all__ = ["MAX_NAME", "check_folder", "check_questionnaire"]

#: Longest name that Stata and CSPro take.
MAX_NAME = 32
#: Largest whole number that ODK Collect takes.
MAX_INTEGER = 999_999_999
_PLACES = re.compile(r"(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TEXTS = ("text", "hint", "instruction", "constraint_text", "introduction")


def check_folder(
    folder: str | os.PathLike[str] | None = None,
    *,
    languages: Sequence[str] | None = None,
    registry: Registry | None = None,
) -> list[Finding]:
    """Check every questionnaire, module and translation of a folder.

    Parameters
    ----------
    folder : path, optional
        Default: the shipped instruments.
    languages : sequence of str, optional
        Languages to look for gaps in; default those each questionnaire names.
    registry : Registry, optional

    Examples
    --------
    >>> [f for f in check_folder(languages=["en"]) if f.kind == "error"]
    []
    """
    from survey_toolkit.instruments.questionnaire import questionnaire

    catalogue = read_catalogue(folder)
    found = list(catalogue.problems)
    for id in catalogue.questionnaires:
        found += questionnaire(id, languages, folder=folder, registry=registry).check()
    found += _unused(catalogue)
    return sorted(set(found))


def _unused(catalogue: Catalogue) -> Iterator[Finding]:
    """Names that two modules share, even where no questionnaire uses both."""
    homes: dict[str, str] = {}
    from survey_toolkit.instruments.models import walk

    for module, placed in catalogue.modules.items():
        for path, node, _ in walk(placed.model.items):
            home = homes.setdefault(node.id, module)
            if home != module:
                yield placed.finding((*path, "id"), f"'{node.id}' is a name of module '{home}' too")


def check_questionnaire(form: Questionnaire) -> list[Finding]:
    """All findings on one questionnaire, by file and line."""
    found = list(form.catalogue.problems) + list(form.flow.problems)
    found += _names(form)
    for step in form.steps():
        found += _placeholders(form, step)
        if isinstance(step.node, Item):
            found += _codes(form, step)
        elif isinstance(step.node, Repeat):
            found += _count(form, step)
    found += binding_findings(form)
    found += routing_findings(form)
    found += form.coverage().gaps
    found += translation_findings(form)
    return sorted(set(found))


def _names(form: Questionnaire) -> Iterator[Finding]:
    first: dict[str, Step] = {}
    for step in form.steps():
        if step.kind == "module":
            continue
        if len(step.id) > MAX_NAME:
            text = f"the name has {len(step.id)} characters; Stata and CSPro take {MAX_NAME}"
            yield step.finding("id", text)
        other = first.setdefault(step.id, step)
        if other is not step:
            where = f"{other.used.placed.document.name}:{other.finding('id', '').line}"
            yield step.finding("id", f"the name '{step.id}' is given twice; first in {where}")
        if step.kind == "item" and step.id in form.registry.variables and step.id != step.item.variable:
            text = f"'{step.id}' is the name of a harmonized variable that this question does not ask"
            yield step.finding("id", text)
    used = Counter(u.module.id for u in form.modules)
    for name, n in used.items():
        if n > 1:
            placed = form.catalogue.questionnaire(form.id)
            yield placed.finding(("modules",), f"module '{name}' is used {n} times")


def _placeholders(form: Questionnaire, step: Step) -> Iterator[Finding]:
    parameters = step.used.module.parameters
    for key in _TEXTS:
        text = getattr(step.node, key, None)
        if step.kind == "module" and key == "text":
            continue
        for mark, name in _PLACES.findall(text or ""):
            if not mark and name not in parameters:
                near = did_you_mean(name, parameters)
                yield step.finding(
                    key, f"the text names the parameter '{name}', which the module lacks; {near}"
                )
            if mark and name not in form.flow.scope.items:
                near = did_you_mean(name, form.flow.scope.items)
                yield step.finding(key, f"the text shows the answer '{name}', which nothing asks; {near}")
    if isinstance(step.node, Item) and step.node.reference_period not in (None, *parameters):
        near = did_you_mean(step.node.reference_period, parameters)
        text = f"there is no parameter '{step.node.reference_period}'; {near}"
        yield step.finding("reference_period", text)


def _codes(form: Questionnaire, step: Step) -> Iterator[Finding]:
    item = step.item
    choices: tuple[Choice, ...] = form.flow.scope.items[step.id].choices if item.codes is not None else ()
    seen = Counter(c.id for c in choices)
    for code, n in seen.items():
        if n > 1:
            yield step.finding("codes", f"the code '{code}' is given {n} times")
        if " " in code or not code:
            yield step.finding(
                "codes", f"the code '{code}' holds a blank; a form separates answers by blanks"
            )
    yield from _missing(step, seen)


def _missing(step: Step, seen: Counter[str]) -> Iterator[Finding]:
    """Codes for what is no answer: apart from the categories, and outside the range."""
    item = step.item
    for reason, code in item.missing_codes.items():
        if code in seen:
            yield step.finding("missing", f"'{code}' is a category and the code for {reason}")
        if item.type in ("integer", "decimal") and not code.lstrip("-").isdigit():
            yield step.finding("missing", f"the code for {reason} is a whole number, found '{code}'")
        elif (
            item.range is not None
            and code.lstrip("-").isdigit()
            and item.range[0] <= int(code) <= item.range[1]
        ):
            inside = f"{item.range[0]:g} to {item.range[1]:g}"
            text = f"{code} is the code for {reason} and lies in the range {inside}"
            yield step.finding("missing", text)
    if item.type == "integer":
        numbers = [abs(float(code)) for code in item.missing_codes.values() if code.lstrip("-").isdigit()]
        if max([*numbers, *(abs(end) for end in item.range or ())], default=0) > MAX_INTEGER:
            text = "tablets take whole numbers of at most 9 digits; make it decimal, or the codes smaller"
            yield step.finding("missing", text)
    if item.sensitivity >= 2 and item.asked and item.must_answer and "refused" not in item.missing_codes:
        yield step.finding("missing", "a sensitive question that must be answered needs a code for refusal")


def _count(form: Questionnaire, step: Step) -> Iterator[Finding]:
    node = step.node
    assert isinstance(node, Repeat)
    if not isinstance(node.count, str):
        return
    if node.count not in form.flow.scope.items:
        near = did_you_mean(node.count, form.flow.scope.items)
        yield step.finding("count", f"there is no question '{node.count}'; {near}")
        return
    asked = form.flow.scope.items[node.count]
    if asked.item.type not in ("integer", "calculate"):
        yield step.finding("count", f"'{node.count}' is {asked.item.type}; the number of rows is an integer")
    if asked.order > step.order:
        yield step.finding("count", f"'{node.count}' is asked after the rows it counts")
