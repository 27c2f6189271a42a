"""Whether questions are bound to what the standards know, and their answers fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from survey_toolkit.errors import did_you_mean
from survey_toolkit.instruments.catalogue import Finding
from survey_toolkit.instruments.models import Choice, Repeat
from survey_toolkit.standards.rules import rule_variables

if TYPE_CHECKING:
    from survey_toolkit.instruments.questionnaire import Questionnaire
    from survey_toolkit.instruments.steps import Step
    from survey_toolkit.standards.models import StandardVariable

__all__ = ["binding_findings"]


def binding_findings(form: Questionnaire) -> Iterator[Finding]:
    """Unknown variables and criteria, answers that are no values of the variable, unbound questions."""
    for step in form.items():
        choices = form.flow.scope.items[step.id].choices
        yield from _variable(form, step, choices)
        yield from _criteria(form, step, choices)
        yield from _unbound(step, choices)


def _variable(form: Questionnaire, step: Step, choices: tuple[Choice, ...]) -> Iterator[Finding]:
    item, known = step.item, form.registry.variables
    for index, choice in enumerate(choices):
        if choice.variable and choice.variable not in known:
            text = (
                f"there is no harmonized variable '{choice.variable}'; {did_you_mean(choice.variable, known)}"
            )
            yield step.finding("codes", f"category {index + 1}: {text}")
        elif choice.variable and known[choice.variable].type != "boolean":
            yield step.finding("codes", f"'{choice.variable}' is no boolean; a category is chosen or not")
    if item.variable is None:
        return
    if item.variable not in known:
        text = f"there is no harmonized variable '{item.variable}'; {did_you_mean(item.variable, known)}"
        yield step.finding("variable", text)
        return
    variable = known[item.variable]
    yield from _level(form, step, variable)
    if choices and item.type != "select_multiple":
        yield from _values(form, step, variable, choices)
    elif variable.type in ("integer", "number") and item.type not in ("integer", "decimal", "calculate"):
        yield step.finding("variable", f"'{variable.id}' is a number, the question is {item.type}")
    elif variable.type == "boolean" and item.type != "calculate":
        yield step.finding("variable", f"'{variable.id}' is yes or no, the question is {item.type}")


def _level(form: Questionnaire, step: Step, variable: StandardVariable) -> Iterator[Finding]:
    """In the rows of a repeat stands what belongs to one row."""
    if not step.repeats:
        return
    repeat = form.step(step.repeats[-1]).node
    assert isinstance(repeat, Repeat)
    if variable.level != repeat.level:
        text = f"'{variable.id}' belongs to a {variable.level}, a row of '{repeat.id}' is a {repeat.level}"
        yield step.finding("variable", text)


def _values(
    form: Questionnaire, step: Step, variable: StandardVariable, choices: tuple[Choice, ...]
) -> Iterator[Finding]:
    codes = form.registry.codelist(variable.codelist).details() if variable.codelist else ()
    for choice in choices:
        value = choice.id if choice.value is None else choice.value
        if variable.type == "boolean" and not isinstance(value, bool):
            text = f"category '{choice.id}' needs 'value: true' or 'value: false' for '{variable.id}'"
            yield step.finding("codes", text)
        elif variable.type == "code" and str(value) not in codes:
            near = did_you_mean(value, codes)
            yield step.finding("codes", f"'{value}' is no code of '{variable.codelist}'; {near}")


def _criteria(form: Questionnaire, step: Step, choices: tuple[Choice, ...]) -> Iterator[Finding]:
    item, known = step.item, form.registry.criterion_items
    rules = {name: c.rule for name, c in known.items()}
    claims = [(name, item.variable) for name in item.criteria]
    claims += [(name, c.variable) for c in choices for name in c.criteria if item.type == "select_multiple"]
    own = {item.variable, *(c.variable for c in choices)} - {None}
    for name, variable in claims:
        if name not in known:
            yield step.finding("criteria", f"there is no criterion '{name}'; {did_you_mean(name, known)}")
            continue
        if not own:
            text = f"criterion '{name}' is claimed, but the question is bound to no variable"
            yield step.finding("criteria", text)
            continue
        reads = rule_variables(known[name].rule, criteria=rules)
        for other in sorted(reads):
            derived = form.registry.variables.get(other)
            for rung in derived.derive if derived is not None else ():
                reads |= rule_variables(rung.when, criteria=rules) if rung.when is not None else frozenset()
        if not ({variable} if variable else own) & reads:
            text = f"criterion '{name}' is claimed, but its rule reads {', '.join(sorted(reads))}, "
            text += f"not '{variable or ', '.join(sorted(str(o) for o in own))}'"
            yield step.finding("criteria", text)


def _unbound(step: Step, choices: tuple[Choice, ...]) -> Iterator[Finding]:
    """In a module that claims to measure, each question is bound or says why not."""
    item = step.item
    bound = item.variable or item.criteria or any(c.variable for c in choices)
    if step.used.module.measures and item.asked and not bound and item.role is None:
        text = "the module claims criteria, but this question has neither variable, criterion nor role"
        yield step.finding("", text, "coverage")
