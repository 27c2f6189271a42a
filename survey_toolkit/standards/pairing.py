"""Two rules side by side: which part of the one stands where which part of the other stood.

Parts are compared through the criteria they name and however they are grouped: two rules that say the same
make no pair. What is left is paired by what it says, then by the name of the criterion, then by the
variables it reads; the rest is gone or new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from survey_toolkit.standards.rule_nodes import (
    AllOf,
    AnyOf,
    AtLeast,
    Comparison,
    Criterion,
    NoneOf,
    Not,
    Rule,
    iter_leaves,
    resolve_criteria,
    rule_variables,
)

__all__ = ["Pair", "canonical", "pair_rules"]

Rules = Mapping[str, Rule]
_Group: TypeAlias = AllOf | AnyOf | NoneOf | AtLeast


@dataclass(frozen=True, slots=True)
class Pair:
    """A part of the first rule and the part of the second in its place; None where there is none.

    ``absent`` is the truth value that the lacking part has in its group: an alternative that is not there
    never holds, a condition that is not there always does.
    """

    one: Rule | None
    two: Rule | None
    absent: bool = False


def canonical(rule: Rule, criteria: Rules | None = None) -> Rule:
    """The rule without criteria and without needless grouping, its parts in a fixed order.

    Examples
    --------
    >>> from survey_toolkit.standards.rules import parse_rule
    >>> a, b = {"variable": "a", "eq": True}, {"variable": "b", "eq": True}
    >>> one = parse_rule({"any_of": [a, {"any_of": [b, a]}]})
    >>> canonical(one) == canonical(parse_rule({"any_of": [b, a]}))
    True
    """
    return _flat(resolve_criteria(rule, criteria or {}))


def _flat(rule: Rule) -> Rule:
    if isinstance(rule, Comparison | Criterion):
        return rule
    if isinstance(rule, Not):
        return Not(_flat(rule.part))
    parts = [_flat(part) for part in rule.parts]
    if isinstance(rule, AtLeast):
        return AtLeast(rule.n, tuple(sorted(parts, key=repr)))
    if isinstance(rule, AllOf | AnyOf):
        kind = type(rule)
        parts = [inner for p in parts for inner in (p.parts if isinstance(p, kind) else (p,))]
    kept = tuple(sorted(dict.fromkeys(parts), key=repr))
    return kept[0] if len(kept) == 1 and not isinstance(rule, NoneOf) else type(rule)(kept)


def pair_rules(one: Rule, two: Rule, criteria: Rules) -> Iterator[Pair]:
    """Yield the parts in which two rules differ, down to criteria and comparisons.

    Examples
    --------
    >>> from survey_toolkit.standards import load
    >>> reg = load()
    >>> rules = {k: c.rule for k, c in reg.criterion_items.items()}
    >>> rule = lambda version: reg.definition("child_labour", version).output("child_labour_a").rule
    >>> [(p.one.id, p.two.id) for p in pair_rules(rule("mics6"), rule("sdg-2021"), rules)]
    [('cl.mics6.ea_15_17', 'cl.sdg.ea_15_17')]
    """
    if canonical(one, criteria) == canonical(two, criteria):
        return
    if isinstance(one, Not) and isinstance(two, Not):
        yield from pair_rules(one.part, two.part, criteria)
    elif isinstance(one, _Group) and isinstance(two, _Group) and _same_group(one, two):
        yield from _pair_parts(one, two, criteria)
    else:
        yield Pair(one, two)


def _same_group(one: Rule, two: Rule) -> bool:
    if isinstance(one, AtLeast) and isinstance(two, AtLeast):
        return one.n == two.n
    return type(one) is type(two) and isinstance(one, AllOf | AnyOf | NoneOf)


def _pair_parts(one: _Group, two: _Group, criteria: Rules) -> Iterator[Pair]:
    gone, new = list(one.parts), list(two.parts)
    absent = isinstance(one, AllOf)
    matched: list[tuple[Rule, Rule]] = []
    for alike in _likenesses(criteria):
        for part in list(gone):
            twin = next((other for other in new if alike(part, other)), None)
            if twin is not None:
                gone.remove(part)
                new.remove(twin)
                matched.append((part, twin))
    order = {id(part): i for i, part in enumerate(one.parts)}
    for part, twin in sorted(matched, key=lambda pair: order[id(pair[0])]):
        yield from pair_rules(part, twin, criteria)
    yield from (Pair(part, None, absent) for part in gone)
    yield from (Pair(None, part, absent) for part in new)


def _likenesses(criteria: Rules) -> Sequence[Callable[[Rule, Rule], bool]]:
    """From the closest likeness to the loosest."""

    def same(one: Rule, two: Rule) -> bool:
        return canonical(one, criteria) == canonical(two, criteria)

    def named(one: Rule, two: Rule) -> bool:
        both = isinstance(one, Criterion) and isinstance(two, Criterion)
        return both and _last(one) == _last(two)

    def reading(one: Rule, two: Rule) -> bool:
        if rule_variables(one, criteria=criteria) != rule_variables(two, criteria=criteria):
            return False
        tests = [_tests(rule, criteria) for rule in (one, two)]
        return isinstance(one, Comparison) or min(map(len, tests)) == 0 or bool(tests[0] & tests[1])

    def grouped(one: Rule, two: Rule) -> bool:
        plain = isinstance(one, Criterion | Comparison) or isinstance(two, Criterion | Comparison)
        return not plain and _same_group(one, two)

    return same, named, reading, grouped


def _tests(rule: Rule, criteria: Rules) -> set[Rule]:
    """Comparisons of a rule that set a bound, rather than ask for a yes or a no."""
    leaves = iter_leaves(resolve_criteria(rule, criteria))
    return {x for x in leaves if isinstance(x, Comparison) and not isinstance(x.tests[0].value, bool)}


def _last(rule: Rule) -> str:
    return rule.id.rpartition(".")[2] if isinstance(rule, Criterion) else ""
