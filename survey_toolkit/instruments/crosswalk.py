"""The crosswalk that reads a form's own answers back: made from the form, so nobody maps anything by hand.

It is written in the crosswalk format of the microdata room, as plain data. The tables it expects are those
of :mod:`survey_toolkit.instruments.answers`: one of the forms, one of the rows of each repeat, a column a
question under its own name, and for a select_multiple a 0/1 column a category (``question/code``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from survey_toolkit._yaml import dump_text
from survey_toolkit.errors import InstrumentError
from survey_toolkit.instruments.models import MISSING_REASON, Choice, Item, Repeat
from survey_toolkit.instruments.questionnaire import Questionnaire
from survey_toolkit.instruments.routing import (
    AtLeastOf,
    Bound,
    Codes,
    Every,
    Negated,
    Number,
    Unknown,
    bound_items,
)
from survey_toolkit.instruments.steps import Step

__all__ = ["FORM_KEY", "MAIN", "ROW_KEY", "Table", "crosswalk_data", "crosswalk_text", "tables_of"]

#: Column that names a filled form, in every table.
FORM_KEY = "form_key"
#: Column that counts the rows of a repeat within its form (within the row around it: ``1.2``).
ROW_KEY = "row_key"
#: Name of the table of the forms themselves.
MAIN = "form"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of answers: the forms, or the rows of a repeat."""

    name: str
    level: str
    keys: tuple[str, ...]
    steps: tuple[Step, ...]


def tables_of(form: Questionnaire) -> dict[str, Table]:
    """Tables of a form's answers by name: ``form``, then each repeat's.

    The level of a repeat's table in the crosswalk is what a row is (job, episode), or the repeat's own name
    where two repeats have rows of one kind.

    Examples
    --------
    >>> from survey_toolkit.instruments import questionnaire
    >>> [(t.name, t.level) for t in tables_of(questionnaire("example")).values()]
    [('form', 'person'), ('ex_job', 'job')]
    """
    main = "person" if any(u.module.level == "person" for u in form.modules) else "household"
    repeats = [s for s in form.steps() if s.kind == "repeat"]
    kinds = [main, *(s.node.level for s in repeats if isinstance(s.node, Repeat))]
    tables = {MAIN: Table(MAIN, main, (FORM_KEY,), tuple(s for s in form.items() if not s.repeats))}
    for step in repeats:
        assert isinstance(step.node, Repeat)
        inside = tuple(s for s in form.items() if s.repeats[-1:] == (step.id,))
        level = step.node.level if kinds.count(step.node.level) == 1 else step.id
        tables[step.id] = Table(step.id, level, (FORM_KEY, ROW_KEY), inside)
    return tables


def crosswalk_data(form: Questionnaire, *, country: str = "XXX", period: str = "") -> dict[str, Any]:
    """The crosswalk as plain data.

    Parameters
    ----------
    form : Questionnaire
    country : str
        ISO 3166-1 alpha-3 code of the survey.
    period : str
        When it was collected, as published.

    Notes
    -----
    Every question's missing codes are declared with their reason; a blank is *not asked*. Where a question
    has ``if_skipped``, its universe is its routing, and outside it stands that value. A module kept apart
    (debrief, referral) is left out.
    """
    levels = {}
    for table in tables_of(form).values():
        level = _level(form, table)
        if level["targets"]:
            levels[table.level] = level
    if not levels:
        raise InstrumentError(
            f"no question of '{form.id}' is bound to a variable",
            hint="a form that is kept apart from the data has no crosswalk",
            code="nothing-bound",
        )
    return {
        "id": f"form_{form.id}",
        "title": f"Answers of the form '{form.file.title}'",
        "country": {"code": country},
        "survey": form.file.title,
        "period": period or "not stated",
        "status": "tested",
        "notes": [f"made from the questionnaire {form.id}, version {form.file.version}"],
        "levels": levels,
    }


def crosswalk_text(form: Questionnaire, *, country: str = "XXX", period: str = "") -> str:
    """The crosswalk as YAML."""
    data = crosswalk_data(form, country=country, period=period)
    head = "# Made from the questionnaire by survey_toolkit; change the questionnaire, not this file.\n"
    return head + dump_text(data)


def _level(form: Questionnaire, table: Table) -> dict[str, Any]:
    targets: dict[str, Any] = {}
    missing: dict[str, dict[Any, str]] = {}
    for step in table.steps:
        if step.used.module.apart or "capi" not in step.item.modes:
            continue
        codes = {_key(code): MISSING_REASON[r] for r, code in step.item.missing_codes.items()}
        for column in _columns(form, step):
            if codes:
                missing[column] = codes
        for name, target in _targets(form, table, step, targets):
            if name not in targets:
                targets[name] = target
    used = {c for t in targets.values() for c in (t.get("source"), *_named(t.get("universe")))}
    level: dict[str, Any] = {"file_key": list(table.keys)}
    by_code = {column: codes for column, codes in missing.items() if column in used}
    if by_code:
        level["missing"] = {"by_code": by_code}
    return level | {"targets": targets}


def _columns(form: Questionnaire, step: Step) -> tuple[str, ...]:
    if step.item.type != "select_multiple":
        return (step.id,)
    return tuple(f"{step.id}/{option.code}" for option in form.options(step.id) if option.missing is None)


def _targets(
    form: Questionnaire, table: Table, step: Step, made: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    item = step.item
    choices = form.asked(step.id).choices
    if item.type == "select_multiple":
        for choice in choices:
            if choice.variable:
                target: dict[str, Any] = {"source": f"{step.id}/{choice.id}", "recode": {1: True, 0: False}}
                yield choice.variable, target | _blank(form, table, step, made)
    elif item.variable:
        target = {"source": step.id}
        recode = _recode(form, item, choices)
        if recode:
            target["recode"] = recode
        yield item.variable, target | _blank(form, table, step, made)


def _recode(form: Questionnaire, item: Item, choices: tuple[Choice, ...]) -> dict[Any, Any]:
    """Code to harmonized value; a code without a value stands for itself."""
    variable = form.registry.variable(str(item.variable))
    if variable.type not in ("boolean", "code", "text"):
        return {}
    return {_key(c.id): c.id if c.value is None else c.value for c in choices}


def _blank(form: Questionnaire, table: Table, step: Step, made: Mapping[str, Any]) -> dict[str, Any]:
    """What a blank means: not asked; with ``if_skipped``, that value where the routing surely left it out."""
    blank: dict[str, Any] = {"blank": "not_asked"}
    if step.item.if_skipped is None:
        return blank
    rules = _own_conditions(form, table, step)
    here = {s.id for s in table.steps}
    if not rules or any(name not in here for rule in rules for name in bound_items(rule)):
        return blank
    trees = [_tree(form, rule, made) for rule in rules]
    universe = trees[0] if len(trees) == 1 else {"all_of": trees}
    return blank | {"universe": universe, "outside": step.item.if_skipped}


def _own_conditions(form: Questionnaire, table: Table, step: Step) -> list[Bound]:
    """Conditions between the row and the question: those of modules are left out, since who does not answer
    a whole module has not skipped a question.
    """
    inner = step.around
    if step.repeats:
        inner = inner[inner.index(step.repeats[-1]) + 1 :]
    steps = [s for name in inner if (s := form.step(name)).kind == "group"]
    return [c.rule for s in (*steps, step) for c in s.conditions]


def _tree(form: Questionnaire, rule: Bound, made: Mapping[str, Any]) -> dict[str, Any]:
    """A bound rule on the columns of the table; one that a target made above has its values."""
    if isinstance(rule, Every):
        return {"all_of": [_tree(form, part, made) for part in rule.parts]}
    if isinstance(rule, AtLeastOf):
        parts = [_tree(form, part, made) for part in rule.parts]
        return {"any_of": parts} if rule.n == 1 else {"at_least": {"n": rule.n, "of": parts}}
    if isinstance(rule, Negated):
        return {"not": _tree(form, rule.part, made)}
    if isinstance(rule, Number):
        return {"variable": rule.item, rule.op: rule.value}
    if isinstance(rule, Unknown):
        return {"variable": rule.item, "is_missing": True}
    if rule.multiple:
        columns = [{"variable": f"{rule.item}/{code}", "eq": 1} for code in rule.codes]
        return columns[0] if len(columns) == 1 else {"any_of": columns}
    return {"variable": rule.item, "in": _values(form, rule, made)}


def _values(form: Questionnaire, rule: Codes, made: Mapping[str, Any]) -> list[Any]:
    if rule.item not in made:
        return [_key(code) for code in rule.codes]
    recode = made[rule.item].get("recode", {})
    return list(dict.fromkeys(recode.get(_key(code), _key(code)) for code in rule.codes))


def _named(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if isinstance(tree.get("variable"), str):
            yield tree["variable"]
        for value in tree.values():
            yield from _named(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _named(value)


def _key(code: str) -> int | str:
    """A code as it stands in a data file: ``1`` is a number there, ``01`` and ``A`` are text."""
    return int(code) if code.lstrip("-").isdigit() and str(int(code)) == code else code
