"""From an assembled questionnaire to the view that paper, DDI and codebook are written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from survey_toolkit.instruments.models import Group, Module, Repeat
from survey_toolkit.instruments.paper_model import words
from survey_toolkit.instruments.paper_routing import conjuncts
from survey_toolkit.instruments.routing import AtLeastOf, Bound, Codes, Every, Negated, Number
from survey_toolkit.instruments.steps import Condition, Step, UsedModule
from survey_toolkit.instruments.views import (
    Cells,
    CodeView,
    FormView,
    ItemKind,
    ItemView,
    ModuleView,
    RepeatView,
    Standing,
)

if TYPE_CHECKING:
    from survey_toolkit.instruments.questionnaire import Questionnaire

__all__ = ["form_view"]

#: Official title that a claim serves: the key of a text of ``lists.yaml``.
_SERVES = {
    "forced_labour": "target_8_7",
    "forced_labour_children": "target_8_7",
    "forced_labour_types": "target_8_7",
    "child_labour": "indicator_8_7_1",
    "child_marriage": "indicator_5_3_1",
    "forced_marriage": "target_5_3",
    "trafficking": "target_16_2",
}
_KINDS: dict[str, ItemKind] = {
    "select_one": "one",
    "select_multiple": "many",
    "integer": "integer",
    "decimal": "decimal",
    "text": "text",
    "date": "date",
    "note": "note",
}


@lru_cache(maxsize=4)
def form_view(form: Questionnaire) -> FormView:
    """Everything the writers need, by language, with the conditions of each question laid out.

    Parameters
    ----------
    form : Questionnaire
    """
    return _Viewer(form).view()


class _Viewer:
    def __init__(self, form: Questionnaire) -> None:
        self.form = form
        self.languages = tuple(dict.fromkeys(("en", *form.languages)))
        self.seen: dict[tuple[str, str], dict[str, str]] = {}
        self.around = {step.id: step for step in form.steps() if step.kind != "item"}

    def view(self) -> FormView:
        form = self.form
        modes = dict.fromkeys(mode for step in form.items() for mode in step.item.modes)
        view = FormView(
            id=form.id,
            version=form.file.version,
            titles=self._cells("questionnaires", f"{form.id}.title"),
            description=form.file.text,
            serves=self._serves(),
            languages=form.languages,
            modules=tuple(self._module(used) for used in form.modules),
            repeats={step.id: self._repeat(step) for step in form.steps() if step.kind == "repeat"},
            modes=tuple(modes),
            claims=form.file.claims,
        )
        return replace(view, standings={name: self._standing(name) for name in self.languages})

    def _standing(self, language: str) -> Standing:
        """How far a language is complete: the texts of this form, and the words of the form itself."""
        from survey_toolkit.instruments.questionnaire import LANGUAGES

        say = words(language)
        counts = Counter(status[language] for status in self.seen.values())
        counts["missing" if say.fallback else say("status")] += len(say.table) - 1
        return Standing(
            name=LANGUAGES.get(language, language),
            total=counts.total(),
            missing=counts["missing"],
            draft=counts["draft"],
            stale=counts["stale"],
        )

    def _cells(self, module: str, cell: str) -> Cells:
        """Text by language, parameters put in; a language without a translation is left out."""
        shown = {name: self.form.shown(name, module, cell) for name in self.languages}
        self.seen[module, cell] = {name: text.status for name, text in shown.items()}
        return {name: text.text for name, text in shown.items() if not text.fallback}

    def _serves(self) -> Cells:
        """Official titles of the indicators and targets that the claims serve, one after the other."""
        names = [claim.split("@")[0] for claim in self.form.file.claims]
        keys = dict.fromkeys(_SERVES[name] for name in names if name in _SERVES)
        known = self.form.catalogue.shared().texts
        cells = {key: self._cells("lists", f"texts.{key}") for key in keys if key in known}
        return {
            name: "\n".join(f"SDG {_goal(key)}: {cell[name]}" for key, cell in cells.items())
            for name in self.languages
            if cells and all(name in cell for cell in cells.values())
        }

    def _module(self, used: UsedModule) -> ModuleView:
        module = used.module
        steps = [step for step in self.form.items() if step.used is used]
        return ModuleView(
            id=module.id,
            code=module.code,
            version=module.version,
            titles=self._cells(module.id, "title"),
            purpose=module.text,
            introduction=self._cells(module.id, "introduction") if module.introduction else {},
            items=tuple(self._item(step) for step in steps),
        )

    def _repeat(self, step: Step) -> RepeatView:
        node = step.node
        assert isinstance(node, Repeat)
        titles = self._cells(step.used.module.id, f"{node.id}.text") if node.text else {"en": node.id}
        own = (
            [Condition(Number(node.count, "ge", 1, self._missing(node.count)))]
            if isinstance(node.count, str)
            else []
        )
        parts = (*self._parts(step), *own)
        return RepeatView(node.id, titles, node.level, node.max, tuple(dict.fromkeys(parts)))

    def _missing(self, item: str) -> tuple[str, ...]:
        return tuple(self.form.asked(item).item.missing_codes.values())

    def _parts(self, step: Step) -> Iterator[Condition]:
        """Conditions around a step, outermost first, then its own."""
        for outer in (self.around[name] for name in step.around):
            for condition in outer.conditions:
                yield from conjuncts(condition)
            if isinstance(outer.node, Repeat) and isinstance(outer.node.count, str):
                yield Condition(Number(outer.node.count, "ge", 1, self._missing(outer.node.count)))
        for condition in step.conditions:
            yield from conjuncts(condition)

    def _item(self, step: Step) -> ItemView:
        item, module = step.item, step.used.module
        kind = self._kind(step)
        parts = tuple(dict.fromkeys(self._parts(step)))
        low, high = item.range or (None, None)
        return ItemView(
            name=item.id,
            number=step.number,
            kind=kind,
            texts=self._own(step, "text"),
            instructions=self._own(step, "instruction"),
            parts=parts,
            codes=self._codes(step),
            variable=item.variable,
            criteria=tuple(dict.fromkeys((*item.criteria, *self._choice_criteria(step)))),
            level=self._level(step, module),
            sensitivity=item.sensitivity,
            interviewer=item.by == "interviewer",
            stop=kind == "note" and any(_denies(self.form, part.rule) for part in parts),
            low=low,
            high=high,
            unit=self._own(step, "unit") or None,
            derivation=step.formula,
            sums=item.calculate.sum if item.calculate else (),
            reference=self._reference(step),
            repeat=step.repeats[-1] if step.repeats else None,
            group=self._group(step),
        )

    def _group(self, step: Step) -> Cells | None:
        """Title of the nearest group around an item."""
        for name in reversed(step.around):
            node = self.around[name].node
            if isinstance(node, Group) and node.text:
                return self._cells(step.used.module.id, f"{name}.text")
        return None

    def _own(self, step: Step, key: str) -> Cells:
        text = getattr(step.item, key)
        if text is None:
            return {}
        if step.item.calculate is not None and not step.item.calculate.on_paper:
            return {"en": text}
        return self._cells(step.used.module.id, f"{step.id}.{key}")

    def _kind(self, step: Step) -> ItemKind:
        item = step.item
        if item.calculate is None:
            return _KINDS[item.type]
        return "computed" if item.calculate.on_paper else "hidden"

    def _codes(self, step: Step) -> tuple[CodeView, ...]:
        made = step.item.calculate
        if step.formula is not None:
            return tuple(CodeView(code, self._cells("lists", f"lists.yes_no.{code}")) for code in ("1", "2"))
        if made is not None and not made.random:
            return ()
        return tuple(
            CodeView(
                option.code, self._cells(option.file, option.cell) or {"en": option.english}, option.missing
            )
            for option in self.form.options(step.id)
        )

    def _choice_criteria(self, step: Step) -> Iterator[str]:
        for choice in self.form.asked(step.id).choices if step.item.type == "select_multiple" else ():
            yield from choice.criteria

    def _level(self, step: Step, module: Module) -> str:
        for name in reversed(step.around):
            node = self.around[name].node
            if isinstance(node, Repeat):
                return node.level
        return module.level

    def _reference(self, step: Step) -> str | None:
        name = step.item.reference_period
        if name is None or name not in step.used.module.parameters:
            return None
        return step.used.module.parameters[name].options[step.used.parameters[name]]


def _goal(key: str) -> str:
    """``indicator_8_7_1`` as 8.7.1."""
    return key.partition("_")[2].replace("_", ".")


def _denies(form: Questionnaire, rule: Bound) -> bool:
    """Whether a rule is met where consent or permission was not given."""
    if isinstance(rule, Every | AtLeastOf):
        return any(_denies(form, part) for part in rule.parts)
    if isinstance(rule, Negated) or not isinstance(rule, Codes):
        return False
    asked = form.asked(rule.item)
    no = {choice.id for choice in asked.choices if choice.value is False}
    return asked.item.role in ("consent", "permission", "assent") and set(rule.codes) <= no
