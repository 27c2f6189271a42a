"""Skips of the paper form, derived from the rules that say who is asked what.

A tablet asks a question when its rule holds. On paper the interviewer goes from line to line, so the rules
become two things: a *check* line ("CHECK FL3: ... yes: go on, no: go to FL9"), and an arrow behind an answer
that already settles one or more checks. Both come from one pass:

1. consecutive questions that share a condition form a block, longest run outermost, a check in front;
2. every way out of a line is followed through the checks that the answer and the enclosing blocks decide
   (jump threading), which gives the arrows;
3. a check that no way leads to any more is dropped.

``walk`` follows the lines as an interviewer does; tests compare it with the rules themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from survey_toolkit.instruments.routing import (
    AtLeastOf,
    Bound,
    Codes,
    Every,
    Negated,
    Unknown,
    bound_items,
    evaluate,
)
from survey_toolkit.instruments.steps import Condition

__all__ = ["Ask", "Line", "Records", "conjuncts", "route", "walk"]

_Known: TypeAlias = dict[str, str]
#: The exit of a check that does not hold.
NO = "no"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question of the form, in order.

    Attributes
    ----------
    name : str
        Name that rules use for its answer.
    parts : tuple of Condition
        Conditions that must all hold for the question to be asked.
    answers : tuple of str
        Codes it can have, those of missing answers too. Empty where they cannot be listed (a number, a text).
    """

    name: str
    parts: tuple[Condition, ...] = ()
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Questions asked once for each record (job, relative...); ``parts`` say whether there is any."""

    name: str
    steps: tuple[Ask, ...]
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the paper form.

    ``exits`` maps an answer to the place of the next line where it is not the line below; a check has the one
    exit ``"no"``. ``otherwise`` is the next place for every other answer. The place after the last line is
    the end of the form. ``rules`` are what a check looks at: all must hold.
    """

    kind: Literal["ask", "check", "record_end"]
    name: str
    rules: tuple[Condition, ...] = ()
    exits: Mapping[str, int] = field(default_factory=dict)
    otherwise: int = 0
    repeat: str | None = None


@dataclass(slots=True)
class _Draft:
    """A line in the making: where it goes if its check fails, and what is certain there."""

    kind: Literal["ask", "check", "record_end"]
    step: Ask | None
    rule: Condition | None
    context: tuple[Condition, ...]
    repeat: str | None
    end: int = 0


def conjuncts(condition: Condition) -> tuple[Condition, ...]:
    """Parts that must all hold; a condition that is no conjunction is its own only part.

    Examples
    --------
    >>> a, b = Codes("a", ("1",)), Codes("b", ("1",))
    >>> len(conjuncts(Condition(Every((a, Every((a, b)))))))
    2
    """
    rule = condition.rule
    if condition.ask_unknown or not isinstance(rule, Every):
        return (condition,)
    return tuple(dict.fromkeys(part for item in rule.parts for part in conjuncts(Condition(item))))


def route(units: Sequence[Ask | Records]) -> list[Line]:
    """Lay the questions out as lines with checks and arrows.

    Parameters
    ----------
    units : sequence of Ask or Records
        Questions and repeated parts in order.

    Returns
    -------
    list of Line

    Examples
    --------
    >>> yes = Condition(Codes("worked", ("1",), ("98",)))
    >>> lines = route([Ask("worked", answers=("1", "2", "98")), Ask("hours", (yes,)), Ask("age")])
    >>> [(line.kind, line.name, dict(line.exits)) for line in lines]
    [('ask', 'worked', {'2': 2, '98': 2}), ('ask', 'hours', {}), ('ask', 'age', {})]
    """
    drafts: list[_Draft] = []
    _blocks(units, [unit.parts for unit in units], (), None, drafts)
    return _thread(drafts)


def walk(
    lines: Sequence[Line], answers: Mapping[str, Any], *, start: int = 0, stop: int | None = None
) -> list[str]:
    """Questions that an interviewer asks who follows the lines, for one set of answers.

    A repeated part is gone through once.

    Parameters
    ----------
    lines : sequence of Line
    answers : mapping of question to answer
        As the form stores them.
    """
    asked, place = [], start
    while place < (len(lines) if stop is None else stop):
        line = lines[place]
        if line.kind == "check":
            holds = all(rule.holds(answers) for rule in line.rules)
            place = line.otherwise if holds else line.exits[NO]
            continue
        if line.kind == "ask":
            asked.append(line.name)
        place = line.exits.get(str(answers.get(line.name) or ""), line.otherwise)
    return asked


def _blocks(
    units: Sequence[Ask | Records],
    parts: Sequence[tuple[Condition, ...]],
    context: tuple[Condition, ...],
    repeat: str | None,
    out: list[_Draft],
) -> None:
    """Append lines for the units: a check in front of every run that shares a condition."""
    at = 0
    while at < len(units):
        unit = units[at]
        if parts[at]:
            rule, end = _longest(parts, at)
            check = _Draft("check", None, rule, context, repeat)
            out.append(check)
            inner = [tuple(p for p in group if p != rule) for group in parts[at:end]]
            _blocks(units[at:end], inner, (*context, rule), repeat, out)
            check.end = len(out)
            at = end
            continue
        if isinstance(unit, Records):
            own = [tuple(p for p in step.parts if p not in context) for step in unit.steps]
            _blocks(unit.steps, own, context, unit.name, out)
            out.append(_Draft("record_end", None, None, context, unit.name))
        else:
            out.append(_Draft("ask", unit, None, context, repeat))
        at += 1


def _longest(parts: Sequence[tuple[Condition, ...]], at: int) -> tuple[Condition, int]:
    """Condition of the unit here that holds for the longest run from here, and the end of that run."""
    ends = []
    for rule in parts[at]:
        end = at
        while end < len(parts) and rule in parts[end]:
            end += 1
        ends.append((rule, end))
    return max(ends, key=lambda pair: pair[1])


def _thread(drafts: list[_Draft]) -> list[Line]:
    """Follow every exit through the checks it settles, and drop the checks that nothing leads to."""
    exits = [_exits(drafts, place) for place in range(len(drafts))]
    kept = sorted(_reached(drafts, exits))
    new = {old: place for place, old in enumerate(kept)} | {len(drafts): len(kept)}
    lines = []
    for old in kept:
        draft, (special, otherwise) = drafts[old], exits[old]
        rest = new[otherwise]
        ways = {answer: new[to] for answer, to in special.items()}
        name = draft.step.name if draft.step else ""
        if draft.kind != "check":
            ways = {answer: to for answer, to in ways.items() if to != rest}
        rules = (draft.rule,) if draft.rule is not None else ()
        lines.append(Line(draft.kind, name, rules, ways, rest, draft.repeat))
    return _merged(lines)


def _merged(lines: list[Line]) -> list[Line]:
    """Two checks in a row that lead to the same places become one, if nothing enters between them."""
    place = 0
    while place + 1 < len(lines):
        first, second = lines[place], lines[place + 1]
        enters = sum(to == place + 1 for line in lines for to in (*line.exits.values(), line.otherwise))
        both = first.kind == second.kind == "check" and first.repeat == second.repeat
        if not (both and enters == 1 and first.otherwise == place + 1 and first.exits == second.exits):
            place += 1
            continue
        rules = (*first.rules, *second.rules)
        lines[place : place + 2] = [replace(first, rules=rules, otherwise=second.otherwise)]
        lines = [_moved(line, place) for line in lines]
    return lines


def _moved(line: Line, removed: int) -> Line:
    """The line after the one below ``removed`` is gone."""
    ways = {answer: to - (to > removed) for answer, to in line.exits.items()}
    return replace(line, exits=ways, otherwise=line.otherwise - (line.otherwise > removed))


def _exits(drafts: Sequence[_Draft], place: int) -> tuple[dict[str, int], int]:
    """Ways out of a line: the special ones, and the one for everything else."""
    draft = drafts[place]
    if draft.kind == "check":
        rule = draft.rule
        assert rule is not None
        inside = _resolve(drafts, place + 1, (*draft.context, rule), {})
        return {NO: _resolve(drafts, draft.end, draft.context, {}, denied=rule)}, inside
    if draft.step is None or not draft.step.answers:
        return {}, _resolve(drafts, place + 1, draft.context, {})
    ways = {
        answer: _resolve(drafts, place + 1, draft.context, {draft.step.name: answer})
        for answer in draft.step.answers
    }
    return ways, min(ways.values())


def _resolve(
    drafts: Sequence[_Draft],
    place: int,
    context: tuple[Condition, ...],
    known: _Known,
    *,
    denied: Condition | None = None,
) -> int:
    """Line that is really met: checks that the known facts decide are passed at once."""
    facts = dict(_facts(context)) | known
    while place < len(drafts) and drafts[place].kind == "check":
        verdict = _decided(drafts[place].rule, context, facts, denied)
        if verdict is None:
            break
        place = place + 1 if verdict else drafts[place].end
    return place


def _facts(context: tuple[Condition, ...]) -> Iterator[tuple[str, str]]:
    """Answers that the enclosing checks make certain."""
    for condition in context:
        rule = condition.rule
        if (
            isinstance(rule, Codes)
            and len(rule.codes) == 1
            and not rule.multiple
            and not condition.ask_unknown
        ):
            yield rule.item, rule.codes[0]


def _decided(
    rule: Condition | None, context: tuple[Condition, ...], facts: _Known, denied: Condition | None
) -> bool | None:
    """Whether a check is certain to pass or to fail; None if the interviewer has to look."""
    if rule is None or rule in context:
        return True
    if rule == denied:
        return False
    if set(bound_items(rule.rule)) <= set(facts):
        return rule.holds(facts)
    # Where blanks count as an answer, a fact that is not known here may still decide.
    return None if _reads_blanks(rule.rule) else evaluate(rule.rule, facts)


def _reads_blanks(rule: Bound) -> bool:
    if isinstance(rule, Every | AtLeastOf):
        return any(_reads_blanks(part) for part in rule.parts)
    return _reads_blanks(rule.part) if isinstance(rule, Negated) else isinstance(rule, Unknown)


def _reached(drafts: Sequence[_Draft], exits: Sequence[tuple[dict[str, int], int]]) -> set[int]:
    seen: set[int] = set()
    open_ = [_resolve(drafts, 0, (), {})]
    while open_:
        place = open_.pop()
        if place in seen or place >= len(drafts):
            continue
        seen.add(place)
        special, otherwise = exits[place]
        open_ += [*special.values(), otherwise]
    return seen
