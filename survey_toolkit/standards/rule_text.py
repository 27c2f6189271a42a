"""A rule as a sentence a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from survey_toolkit.standards.rule_nodes import (
    AllOf,
    AnyOf,
    AtLeast,
    Comparison,
    Criterion,
    NoneOf,
    Not,
    Rule,
    Scalar,
    Test,
)

__all__ = ["rule_sentence"]

Labels = Mapping[str, str]
_WORDS = {
    "eq": "is",
    "ne": "is not",
    "lt": "is below",
    "le": "is at most",
    "gt": "is above",
    "ge": "is at least",
}


def rule_sentence(
    rule: Rule,
    *,
    criteria_labels: Labels | None = None,
    variable_labels: Labels | None = None,
    code_labels: Mapping[str, Labels] | None = None,
) -> str:
    """Write a rule in words.

    Parameters
    ----------
    rule : Rule
    criteria_labels, variable_labels : mapping of id to label
        An id without a label stands as it is.
    code_labels : mapping of variable to mapping of code to label, optional

    Examples
    --------
    >>> from survey_toolkit.standards.rules import parse_rule
    >>> rule = parse_rule({"all_of": [
    ...     {"variable": "age", "ge": 15, "le": 17},
    ...     {"any_of": [{"variable": "hours", "gt": 43}, {"criterion": "hazard"}]}]})
    >>> rule_sentence(rule, variable_labels={"age": "age"}, criteria_labels={"hazard": "hazardous work"})
    'age is at least 15 and at most 17, and at least one of these holds: (hours is above 43; hazardous work)'
    """
    names = _Names(criteria_labels or {}, variable_labels or {}, code_labels or {})
    return _write(rule, names, top=True)


class _Names:
    """Labels of criteria, variables and codes, with the id as fallback."""

    def __init__(self, criteria: Labels, variables: Labels, codes: Mapping[str, Labels]) -> None:
        self.criteria, self.variables, self.codes = criteria, variables, codes

    def code(self, variable: str, value: Scalar) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return self.codes.get(variable, {}).get(str(value)) or f"{value}"


def _write(rule: Rule, names: _Names, *, top: bool = False) -> str:
    if isinstance(rule, Criterion):
        return names.criteria.get(rule.id, rule.id)
    if isinstance(rule, Comparison):
        return _comparison(rule, names)
    if isinstance(rule, Not):
        return f"it is not so that {_write(rule.part, names)}"
    parts = [_write(part, names) for part in rule.parts]
    if len(parts) == 1 and isinstance(rule, AllOf | AnyOf):
        return parts[0]
    if isinstance(rule, AllOf):
        return ", and ".join(parts) if top else f"all of these hold: ({'; '.join(parts)})"
    return f"{_lead(rule)}: ({'; '.join(parts)})"


def _lead(rule: AnyOf | NoneOf | AtLeast) -> str:
    if isinstance(rule, AnyOf):
        return "at least one of these holds"
    if isinstance(rule, NoneOf):
        return "none of these holds"
    return f"at least {rule.n} of these hold"


def _comparison(rule: Comparison, names: _Names) -> str:
    subject = names.variables.get(rule.variable, rule.variable)
    texts = [_test(rule.variable, test, names) for test in rule.tests]
    joined = texts[0] + "".join(f" and {text.removeprefix('is ')}" for text in texts[1:])
    return f"{subject} {joined}"


def _test(variable: str, test: Test, names: _Names) -> str:
    if test.op == "is_missing":
        return "is missing" if test.value else "is not missing"
    if test.op == "between" and isinstance(test.value, tuple):
        return f"is from {test.value[0]} to {test.value[1]}"
    if test.op == "in" and isinstance(test.value, tuple):
        codes: Sequence[str] = [names.code(variable, code) for code in test.value]
        return "is " + (codes[0] if len(codes) == 1 else f"{', '.join(codes[:-1])} or {codes[-1]}")
    value = test.value
    return f"{_WORDS[test.op]} {names.code(variable, value) if isinstance(value, Scalar) else value}"
