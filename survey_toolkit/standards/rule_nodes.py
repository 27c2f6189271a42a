"""The nodes of a rule, and reading them from a plain YAML tree with every problem named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from survey_toolkit.errors import DefinitionError, SurveyToolkitError, did_you_mean

__all__ = [
    "COMPARISONS",
    "AllOf",
    "AnyOf",
    "AtLeast",
    "Comparison",
    "Criterion",
    "NoneOf",
    "Not",
    "Rule",
    "RulePath",
    "Scalar",
    "Test",
    "collect_rule",
    "iter_leaves",
    "parse_rule",
    "resolve_criteria",
    "rule_criteria",
    "rule_tree",
    "rule_variables",
]

Scalar: TypeAlias = str | int | float | bool
RulePath: TypeAlias = tuple[str | int, ...]

_GROUPS = ("all_of", "any_of", "none_of")
_NODES = (*_GROUPS, "at_least", "not", "criterion", "variable")
_ORDER = ("lt", "le", "gt", "ge")
COMPARISONS = ("eq", "ne", "in", *_ORDER, "between", "is_missing")


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: ``op`` and its value; a tuple for ``in`` and ``between``."""

    __test__ = False  # not a test class for pytest

    op: str
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A leaf: all ``tests`` hold for the value of ``variable``."""

    variable: str
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """A leaf that stands for the rule of a criterion."""

    id: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No part holds."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least ``n`` parts hold."""

    n: int
    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Rule


Rule: TypeAlias = Comparison | Criterion | AllOf | AnyOf | NoneOf | AtLeast | Not
_RULE_TYPES = (Comparison, Criterion, AllOf, AnyOf, NoneOf, AtLeast, Not)
_GROUP_TYPES: dict[str, type[AllOf] | type[AnyOf] | type[NoneOf]] = {
    "all_of": AllOf,
    "any_of": AnyOf,
    "none_of": NoneOf,
}


def parse_rule(data: Any, *, where: str = "rule", error: type[SurveyToolkitError] = DefinitionError) -> Rule:
    """Turn a plain YAML tree into a rule; tell every problem with its place.

    Parameters
    ----------
    data : Any
        Plain data as the YAML loader gives it; a rule that is already parsed is returned as it is.
    where : str
        Place named in messages, e.g. ``"lfs.yaml:12: universe"``.
    error : type of SurveyToolkitError
        Class to raise: the caller's own, since it knows whose move is next.

    Raises
    ------
    SurveyToolkitError
        Of type ``error``, with one line a problem.

    Examples
    --------
    >>> parse_rule({"variable": "age", "ge": 18})
    Comparison(variable='age', tests=(Test(op='ge', value=18),))
    >>> parse_rule({"anyof": []}, where="x.yaml:3: rule")
    Traceback (most recent call last):
    survey_toolkit.errors.DefinitionError: x.yaml:3: rule: the rule cannot be read
      anyof: unknown operator 'anyof'; did you mean 'any_of'?
    """
    rule, problems = collect_rule(data)
    if rule is None:
        lines = [f"{'.'.join(map(str, path)) or 'top'}: {text}" for path, text in problems]
        raise error("the rule cannot be read", where=where, problems=lines, code="invalid-rule")
    return rule


def collect_rule(data: Any) -> tuple[Rule | None, list[tuple[RulePath, str]]]:
    """Parse without raising: the rule or None, and every problem with its path inside the tree.

    Examples
    --------
    >>> collect_rule({"all_of": [{"variable": "age", "gee": 5}]})[1]
    [(('all_of', 0, 'gee'), "unknown comparison 'gee'; did you mean 'ge'?")]
    """
    problems: list[tuple[RulePath, str]] = []
    rule = _parse(data, (), problems)
    return (None if problems else rule), problems


_Problems: TypeAlias = list[tuple[RulePath, str]]


def _parse(data: Any, path: RulePath, problems: _Problems) -> Rule | None:
    if isinstance(data, _RULE_TYPES):
        return data
    if not isinstance(data, Mapping):
        problems.append((path, f"a rule is a mapping such as {{variable: age, ge: 18}}, found {_kind(data)}"))
        return None
    nodes = [key for key in data if key in _NODES]
    if len(nodes) != 1:
        _no_single_operator(data, nodes, path, problems)
        return None
    node = nodes[0]
    if node == "variable":
        return _parse_comparison(data, path, problems)
    for key in data:
        if key != node:
            problems.append(((*path, key), f"'{key}' cannot stand beside '{node}'"))
    value, here = data[node], (*path, node)
    if node == "criterion":
        return Criterion(value) if _is_name(value, here, "criterion", problems) else None
    if node == "not":
        part = _parse(value, here, problems)
        return None if part is None else Not(part)
    if node == "at_least":
        return _parse_at_least(value, here, problems)
    parts = _parse_parts(value, here, problems)
    return None if parts is None else _GROUP_TYPES[node](parts)


def _no_single_operator(
    data: Mapping[Any, Any], nodes: list[str], path: RulePath, problems: _Problems
) -> None:
    if nodes:
        text = "one mapping holds one operator, found " + " and ".join(f"'{n}'" for n in nodes)
        problems.append((path, text + "; put them under 'all_of' or 'any_of'"))
    elif not data:
        problems.append((path, "the rule is empty"))
    elif any(key in COMPARISONS for key in data):
        problems.append((path, "a comparison needs 'variable' beside it"))
    for key in data:
        if not nodes and key not in COMPARISONS:
            hint = did_you_mean(key, (*_NODES, *COMPARISONS))
            problems.append(((*path, key), f"unknown operator '{key}'; {hint}"))


def _parse_parts(value: Any, path: RulePath, problems: _Problems) -> tuple[Rule, ...] | None:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        problems.append((path, f"'{path[-1]}' needs a list of at least one rule, found {_kind(value)}"))
        return None
    parts = [_parse(item, (*path, i), problems) for i, item in enumerate(value)]
    return tuple(p for p in parts if p is not None)


def _parse_at_least(value: Any, path: RulePath, problems: _Problems) -> Rule | None:
    if not isinstance(value, Mapping) or set(value) != {"n", "of"}:
        problems.append((path, "'at_least' needs {n: number, of: [rules]}"))
        return None
    parts = _parse_parts(value["of"], (*path, "of"), problems)
    n = value["n"]
    if parts is None:
        return None
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= len(value["of"]):
        problems.append(
            ((*path, "n"), f"'n' must be 1 to {len(value['of'])}, the number of rules, found {n!r}")
        )
        return None
    return AtLeast(n, parts)


def _parse_comparison(data: Mapping[Any, Any], path: RulePath, problems: _Problems) -> Rule | None:
    ok = _is_name(data["variable"], (*path, "variable"), "variable", problems)
    tests: list[Test] = []
    for op, value in data.items():
        if op == "variable":
            continue
        if op not in COMPARISONS:
            hint = did_you_mean(op, COMPARISONS)
            problems.append(((*path, op), f"unknown comparison '{op}'; {hint}"))
            continue
        wrong = _wrong_value(op, value)
        if wrong:
            problems.append(((*path, op), wrong))
            continue
        tests.append(Test(op, tuple(value) if isinstance(value, list | tuple) else value))
    if len(data) == 1:
        problems.append((path, f"'{data['variable']}' needs a comparison: " + ", ".join(COMPARISONS)))
    return Comparison(data["variable"], tuple(tests)) if ok and tests else None


def _wrong_value(op: str, value: Any) -> str | None:
    """What is wrong with the value of a comparison, or None."""
    if op == "is_missing":
        return None if isinstance(value, bool) else f"'is_missing' is true or false, found {_kind(value)}"
    if op == "in":
        if isinstance(value, list | tuple) and value and all(isinstance(v, Scalar) for v in value):
            return None
        return f"'in' needs a list of codes, found {_kind(value)}"
    if op == "between":
        if isinstance(value, list | tuple) and len(value) == 2 and all(_is_number(v) for v in value):
            return None if value[0] <= value[1] else f"'between' is [low, high], found {list(value)}"
        return f"'between' needs [low, high], two numbers, found {_kind(value)}"
    if op in _ORDER:
        return None if _is_number(value) else f"'{op}' needs a number, found {_kind(value)}"
    if value is None:
        return f"'{op}' cannot compare with null; write 'is_missing: true'"
    return None if isinstance(value, Scalar) else f"'{op}' needs one value, found {_kind(value)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _is_name(value: Any, path: RulePath, what: str, problems: _Problems) -> bool:
    if isinstance(value, str) and value:
        return True
    problems.append((path, f"'{what}' needs a name, found {_kind(value)}"))
    return False


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true/false", type(None): "nothing"}
    if isinstance(value, list | tuple) and not value:
        return "an empty list"
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return repr(value)[:40]
    return names.get(type(value), type(value).__name__)


def iter_leaves(rule: Rule) -> Iterator[Comparison | Criterion]:
    """Leaves of a rule, in writing order; criteria are not followed."""
    if isinstance(rule, Comparison | Criterion):
        yield rule
        return
    for part in (rule.part,) if isinstance(rule, Not) else rule.parts:
        yield from iter_leaves(part)


def rule_criteria(rule: Rule) -> tuple[str, ...]:
    """Ids of the criteria a rule names itself, in writing order, each once."""
    return tuple(dict.fromkeys(leaf.id for leaf in iter_leaves(rule) if isinstance(leaf, Criterion)))


def rule_variables(rule: Rule, *, criteria: Mapping[str, Rule] | None = None) -> frozenset[str]:
    """Columns a rule reads, through the criteria it names.

    Examples
    --------
    >>> rule = parse_rule({"all_of": [{"criterion": "a"}, {"variable": "age", "ge": 18}]})
    >>> sorted(rule_variables(rule, criteria={"a": parse_rule({"variable": "x", "eq": True})}))
    ['age', 'x']
    """
    found = (leaf for leaf in iter_leaves(resolve_criteria(rule, criteria)) if isinstance(leaf, Comparison))
    return frozenset(leaf.variable for leaf in found)


def resolve_criteria(
    rule: Rule, criteria: Mapping[str, Rule] | None = None, _open: tuple[str, ...] = ()
) -> Rule:
    """The same rule with every criterion replaced by its own rule.

    Raises
    ------
    DefinitionError
        If a criterion is unknown, or criteria refer to each other in a circle.
    """
    known = criteria or {}
    if isinstance(rule, Comparison):
        return rule
    if isinstance(rule, Criterion):
        if rule.id in _open:
            raise DefinitionError(
                "criteria refer to each other in a circle",
                found=" > ".join((*_open, rule.id)),
                hint="write one of them out as a rule",
                code="criteria-circle",
            )
        if rule.id not in known:
            raise DefinitionError(
                f"the rule names criterion '{rule.id}', which is not given",
                expected=did_you_mean(rule.id, known),
                code="unknown-criterion",
            )
        return resolve_criteria(known[rule.id], known, (*_open, rule.id))
    if isinstance(rule, Not):
        return Not(resolve_criteria(rule.part, known, _open))
    parts = tuple(resolve_criteria(part, known, _open) for part in rule.parts)
    return AtLeast(rule.n, parts) if isinstance(rule, AtLeast) else type(rule)(parts)


def rule_tree(rule: Rule) -> dict[str, Any]:
    """The rule as plain data again, as it would stand in YAML or JSON.

    Examples
    --------
    >>> rule_tree(parse_rule({"not": {"variable": "sex", "in": ["F"]}}))
    {'not': {'variable': 'sex', 'in': ['F']}}
    """
    if isinstance(rule, Comparison):
        values = {t.op: list(t.value) if isinstance(t.value, tuple) else t.value for t in rule.tests}
        return {"variable": rule.variable, **values}
    if isinstance(rule, Criterion):
        return {"criterion": rule.id}
    if isinstance(rule, Not):
        return {"not": rule_tree(rule.part)}
    parts = [rule_tree(part) for part in rule.parts]
    if isinstance(rule, AtLeast):
        return {"at_least": {"n": rule.n, "of": parts}}
    return {next(name for name, kind in _GROUP_TYPES.items() if kind is type(rule)): parts}
