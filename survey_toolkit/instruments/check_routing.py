"""Whether routing only looks back, and never in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from survey_toolkit.errors import did_you_mean
from survey_toolkit.instruments.catalogue import Finding
from survey_toolkit.instruments.models import Item, Repeat
from survey_toolkit.instruments.routing import bound_items

if TYPE_CHECKING:
    from survey_toolkit.instruments.questionnaire import Questionnaire
    from survey_toolkit.instruments.steps import Step

__all__ = ["routing_findings"]


def routing_findings(form: Questionnaire) -> Iterator[Finding]:
    """Cycles, rules on questions asked later, calculations of what there is not."""
    reads = {step.id: _reads(step) for step in form.steps()}
    waits = _waits(form, reads)
    in_cycle: set[str] = set()
    for cycle in _cycles(waits):
        in_cycle |= set(cycle)
        step = form.step(cycle[0])
        text = "the routing goes in a circle: " + " waits for ".join((*cycle, cycle[0]))
        yield step.finding("ask_if" if step.conditions else "calculate", text)
    order = {step.id: step.order for step in form.steps()}
    for step in form.steps():
        for key, name in reads[step.id]:
            if name not in order:
                near = did_you_mean(name, order)
                yield step.finding(key, f"there is no question or repeat '{name}'; {near}")
            elif order[name] >= step.order and not {step.id, name} <= in_cycle:
                yield step.finding(key, f"the rule reads '{name}', which is asked later")


def _reads(step: Step) -> tuple[tuple[str, str], ...]:
    """Key and name of everything a step waits for by its own words."""
    found = [("ask_if", name) for c in step.conditions for name in bound_items(c.rule)]
    found += [("calculate", name) for name in (bound_items(step.formula) if step.formula else ())]
    if isinstance(step.node, Item) and step.node.calculate is not None:
        found += [("calculate", name) for name in step.node.calculate.reads()]
    if isinstance(step.node, Repeat) and isinstance(step.node.count, str):
        found.append(("count", step.node.count))
    return tuple(dict.fromkeys(found))


def _waits(form: Questionnaire, reads: dict[str, tuple[tuple[str, str], ...]]) -> dict[str, tuple[str, ...]]:
    """What each question waits for: what it reads, and what the parts around it read."""
    waits: dict[str, tuple[str, ...]] = {}
    for step in form.steps():
        names = [name for _, name in reads[step.id]]
        for outer in step.around:
            names += [name for _, name in reads.get(outer, ())]
        waits[step.id] = tuple(dict.fromkeys(names))
    return waits


def _cycles(waits: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Each circle once, found by walking back from every question."""
    done: set[str] = set()
    for start in waits:
        trail: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        if start in done:
            continue
        trail.append(start)
        stack.append((start, iter(waits[start])))
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                trail.pop()
                done.add(name)
            elif following in trail:
                yield tuple(trail[trail.index(following) :])
            elif following in waits and following not in done:
                trail.append(following)
                stack.append((following, iter(waits[following])))
