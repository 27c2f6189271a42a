"""The flow of a questionnaire: every module, group, repeat and question in order, its conditions bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from survey_toolkit._yaml import YamlPath
from survey_toolkit.errors import InstrumentError, did_you_mean
from survey_toolkit.instruments.binding import Asked, Scope, calculated_choices
from survey_toolkit.instruments.catalogue import Finding, Placed
from survey_toolkit.instruments.models import (
    Choice,
    Group,
    Item,
    ListsFile,
    Module,
    ModuleUse,
    Node,
    QuestionnaireFile,
    Repeat,
    walk,
)
from survey_toolkit.instruments.routing import Bound, Codes, Every, evaluate, relevant_xpath
from survey_toolkit.standards.rules import Rule

__all__ = ["Condition", "Flow", "Step", "UsedModule", "flow_of"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A bound rule and what to do where it cannot be decided."""

    rule: Bound
    ask_unknown: bool = False

    def holds(self, answers: Mapping[str, Any]) -> bool:
        """Whether to ask, as the form decides it."""
        decided = evaluate(self.rule, answers)
        return self.ask_unknown if decided is None else decided

    @property
    def xpath(self) -> str:
        """XPath of ``relevant``."""
        return relevant_xpath(self.rule, ask_unknown=self.ask_unknown)


@dataclass(frozen=True, slots=True)
class UsedModule:
    """A module as this questionnaire uses it."""

    placed: Placed[Module]
    use: ModuleUse
    nodes: tuple[Node, ...]
    parameters: Mapping[str, str]

    @property
    def module(self) -> Module:
        """The module as written."""
        return self.placed.model


@dataclass(frozen=True, slots=True)
class Step:
    """One thing of the form in its place.

    Attributes
    ----------
    kind : {"module", "group", "repeat", "item"}
    id : str
    node : Module, Group, Repeat or Item
    used : UsedModule
    path : tuple
        Place in the module's file.
    order, depth : int
    number : str
        Question number on paper, ``FL3``; empty for what is not asked.
    around : tuple of str
        Modules, groups and repeats around it, outermost first.
    repeats : tuple of str
        The repeats among them.
    conditions : tuple of Condition
        Its own; those around it hold besides.
    constraint, formula : Bound or None
    """

    kind: Literal["module", "group", "repeat", "item"]
    id: str
    node: Module | Group | Repeat | Item
    used: UsedModule
    path: YamlPath
    order: int
    depth: int
    number: str
    around: tuple[str, ...]
    repeats: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    constraint: Bound | None = None
    formula: Bound | None = None

    @property
    def condition(self) -> Bound | None:
        """Its own conditions as one rule, or None."""
        rules = tuple(c.rule for c in self.conditions)
        return None if not rules else rules[0] if len(rules) == 1 else Every(rules)

    @property
    def relevant(self) -> str:
        """XPath of its own conditions, or empty."""
        return " and ".join(c.xpath for c in self.conditions)

    @property
    def item(self) -> Item:
        """The question; only where ``kind`` is item."""
        assert isinstance(self.node, Item)
        return self.node

    def finding(self, key: str, message: str, kind: str = "error") -> Finding:
        """A finding at a key of this step."""
        return self.used.placed.finding((*self.path, key) if key else self.path, message, kind)


@dataclass(slots=True)
class Flow:
    """Steps, what rules can name, and what went wrong on the way."""

    scope: Scope
    used: tuple[UsedModule, ...] = ()
    steps: tuple[Step, ...] = ()
    problems: list[Finding] = field(default_factory=list)
    _places: dict[str, Step] = field(default_factory=dict, repr=False)

    def step(self, id: str) -> Step:
        """The step of that name; of two the first."""
        if not self._places:
            for step in reversed(self.steps):
                self._places[step.id] = step
        return self._places[id]


def flow_of(
    form: Placed[QuestionnaireFile],
    modules: Mapping[str, Placed[Module]],
    lists: ListsFile,
    scope: Scope,
) -> Flow:
    """Lay out a questionnaire; problems are kept, not raised.

    Parameters
    ----------
    form, modules, lists
        As read.
    scope : Scope
        Criteria and variables of the standards; the items are added here.
    """
    flow = Flow(scope)
    flow.used = tuple(_used(form, modules, flow.problems))
    plain = list(_unbound(flow.used))
    for step in plain:
        if step.kind == "item":
            choices = _choices(step, lists, flow.problems)
            scope.add(Asked(step.item, step.order, step.repeats, choices))
    flow.steps = tuple(_bound(step, plain, flow) for step in plain)
    return flow


def _used(
    form: Placed[QuestionnaireFile], modules: Mapping[str, Placed[Module]], problems: list[Finding]
) -> Iterator[UsedModule]:
    for index, use in enumerate(form.model.modules):
        path: YamlPath = ("modules", index)
        if use.module not in modules:
            text = f"there is no module '{use.module}'; {did_you_mean(use.module, modules)}"
            problems.append(form.finding((*path, "module"), text))
            continue
        placed = modules[use.module]
        module = placed.model
        ids = {node.id for _, node, _ in walk(module.items)}
        for name in use.without:
            if name not in ids:
                text = f"module '{module.id}' has no '{name}'; {did_you_mean(name, ids)}"
                problems.append(form.finding((*path, "without"), text))
        parameters = {name: p.default for name, p in module.parameters.items()}
        for name, option in use.parameters.items():
            known = module.parameters[name].options if name in module.parameters else module.parameters
            wrong = name if name not in module.parameters else option if option not in known else None
            if wrong is not None:
                text = f"module '{module.id}' has no parameter or option '{wrong}'; "
                problems.append(form.finding((*path, "parameters", name), text + did_you_mean(wrong, known)))
            else:
                parameters[name] = option
        yield UsedModule(placed, use, _pruned(module.items, frozenset(use.without)), parameters)


def _pruned(nodes: tuple[Node, ...], without: frozenset[str]) -> tuple[Node, ...]:
    kept: list[Node] = []
    for node in nodes:
        if node.id in without:
            continue
        if isinstance(node, Group | Repeat):
            inner = _pruned(node.items, without)
            if inner:
                kept.append(node.model_copy(update={"items": inner}))
        else:
            kept.append(node)
    return tuple(kept)


def _unbound(used: tuple[UsedModule, ...]) -> Iterator[Step]:
    order = 0
    for module in used:
        paths = {id(node): path for path, node, _ in walk(module.module.items)}
        by_name = {node.id: paths[id(node)] for _, node, _ in walk(module.module.items)}
        name = module.module.id
        yield Step("module", name, module.module, module, (), order, 0, "", (), ())
        order, asked = order + 1, 0
        for path, node, around in walk(module.nodes):
            number = ""
            if isinstance(node, Item) and (node.asked or node.type == "note"):
                asked += 1 if node.asked else 0
                number = f"{module.module.code}{asked}" if node.asked else ""
            repeats = tuple(n.id for n in around if isinstance(n, Repeat))
            kind: Any = node.type if isinstance(node, Group | Repeat) else "item"
            outer = (name, *(n.id for n in around))
            place = paths.get(id(node), by_name.get(node.id, path))
            yield Step(kind, node.id, node, module, place, order, len(outer), number, outer, repeats)
            order += 1


def _choices(step: Step, lists: ListsFile, problems: list[Finding]) -> tuple[Choice, ...]:
    item = step.item
    if item.calculate is not None and item.calculate.parameter is not None:
        parameter = step.used.module.parameters.get(item.calculate.parameter)
        if parameter is None:
            text = f"the module has no parameter '{item.calculate.parameter}'; "
            text += did_you_mean(item.calculate.parameter, step.used.module.parameters)
            problems.append(step.finding("calculate", text))
            return ()
        return tuple(Choice(id=option, text=text) for option, text in parameter.options.items())
    if item.codes is None:
        return calculated_choices(item)
    if isinstance(item.codes, tuple):
        return item.codes
    known = {**lists.lists, **step.used.module.lists}
    if item.codes not in known:
        text = f"there is no list '{item.codes}'; {did_you_mean(item.codes, known)}"
        problems.append(step.finding("codes", text))
        return ()
    return known[item.codes]


def _bound(step: Step, steps: list[Step], flow: Flow) -> Step:
    from dataclasses import replace

    conditions: list[Condition] = []

    def attempt(rule: Rule, inside: tuple[str, ...], fail: Callable[[str], Finding]) -> Bound | None:
        try:
            return flow.scope.bind(rule, at=step.order, repeats=inside)
        except InstrumentError as exc:
            hint = f"; {exc.expected or exc.hint}" if exc.expected or exc.hint else ""
            flow.problems.append(fail(f"{exc.what}{hint}"))
            return None

    node = step.node
    if isinstance(node, Module):
        conditions += _gates(step, steps, flow)
    ask_if: Rule | None = node.ask_if
    if ask_if is not None:
        rule = attempt(ask_if, step.repeats, lambda text: step.finding("ask_if", text))
        if rule is not None:
            conditions.append(Condition(rule, node.when_unknown == "ask"))
    if isinstance(node, Module) and step.used.use.ask_if is not None:
        rule = attempt(
            step.used.use.ask_if, (), lambda text: step.finding("ask_if", f"in the questionnaire: {text}")
        )
        conditions += [Condition(rule)] if rule is not None else []
    constraint = formula = None
    if isinstance(node, Item):
        if node.constraint is not None:
            constraint = attempt(node.constraint, step.repeats, lambda text: step.finding("constraint", text))
        if node.calculate is not None and node.calculate.rule is not None:
            made: Rule = node.calculate.rule
            formula = attempt(made, step.repeats, lambda text: step.finding("calculate", text))
    return replace(step, conditions=tuple(conditions), constraint=constraint, formula=formula)


def _gates(step: Step, steps: list[Step], flow: Flow) -> Iterator[Condition]:
    """The latest earlier item with each role that the module requires must be answered yes."""
    assert isinstance(step.node, Module)
    for role in step.node.requires:
        keepers = [
            s
            for s in steps
            if s.kind == "item" and s.item.role == role and s.order < step.order and not s.repeats
        ]
        if not keepers:
            text = f"module '{step.id}' requires '{role}', but no question before it has that role"
            flow.problems.append(step.finding("requires", text))
            continue
        item = keepers[-1].item
        choices = flow.scope.items[item.id].choices
        yes = tuple(c.id for c in choices if c.value is True) or ("1",)
        yield Condition(Codes(item.id, yes, tuple(item.missing_codes.values())))
