"""The rule language: a YAML tree that compiles to a three-valued expression and to a sentence.

A rule is data, never code; no string is ever evaluated. Inner nodes are ``all_of``, ``any_of``,
``none_of``, ``at_least: {n, of}`` and ``not``; leaves are ``{criterion: id}`` and
``{variable: name, <comparison>: value}`` with the comparisons ``eq ne in lt le gt ge between
is_missing``. Several comparisons in one leaf hold together (and).

Logic is three-valued (Kleene 1952, strong logic of indeterminacy): true, false, unknown. Comparing
an unknown value gives unknown, so a missing answer never becomes a "no" in silence. ``at_least n``
is true when n parts are true, false when true and unknown parts together fall short of n, and
unknown otherwise; ``any_of`` is ``at_least 1`` and ``all_of`` is ``at_least`` all.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

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
    collect_rule,
    iter_leaves,
    parse_rule,
    resolve_criteria,
    rule_criteria,
    rule_tree,
    rule_variables,
)
from survey_toolkit.standards.rule_text import rule_sentence

__all__ = [
    "AllOf",
    "AnyOf",
    "AtLeast",
    "Comparison",
    "Criterion",
    "NoneOf",
    "Not",
    "Rule",
    "Scalar",
    "Test",
    "at_least",
    "collect_rule",
    "compile_rule",
    "evaluate_record",
    "iter_leaves",
    "parse_rule",
    "resolve_criteria",
    "rule_criteria",
    "rule_sentence",
    "rule_tree",
    "rule_variables",
]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def compile_rule(rule: Rule, *, criteria: Mapping[str, Rule] | None = None) -> nw.Expr:
    """Three-valued Boolean expression of a rule: true, false, null for unknown.

    The frame must be null-aware (``_frames.null_aware``): on plain float pandas ``NaN == 1`` is
    False and unknown would become no. Gives the same answer on pandas-nullable, Polars, Arrow and
    DuckDB.

    Parameters
    ----------
    rule : Rule
    criteria : mapping of criterion id to Rule
        Rules of the criteria the rule may name.

    Returns
    -------
    narwhals.Expr
        Boolean; null where the facts do not decide.

    Raises
    ------
    DefinitionError
        If a criterion is unknown or criteria refer to each other in a circle.

    Examples
    --------
    >>> import pandas as pd
    >>> from survey_toolkit._frames import null_aware
    >>> rule = parse_rule({"any_of": [{"variable": "a", "eq": True}, {"variable": "b", "eq": True}]})
    >>> frame = pd.DataFrame({"a": [True, False, None], "b": [None, None, False]}, dtype="boolean")
    >>> null_aware(frame).select(met=compile_rule(rule)).collect()["met"].to_list()
    [True, <NA>, <NA>]
    """
    return _compile(resolve_criteria(rule, criteria))


def _compile(rule: Rule) -> nw.Expr:
    if isinstance(rule, Comparison):
        return functools.reduce(operator.and_, (_compile_test(rule.variable, t) for t in rule.tests))
    if isinstance(rule, Not):
        return ~_compile(rule.part)
    if isinstance(rule, Criterion):
        raise TypeError("criteria are resolved before compilation")
    parts = [_compile(part) for part in rule.parts]
    if isinstance(rule, AllOf):
        return functools.reduce(operator.and_, parts)
    if isinstance(rule, AtLeast):
        return _compile_at_least(rule.n, parts)
    some = functools.reduce(operator.or_, parts)
    return ~some if isinstance(rule, NoneOf) else some


def _compile_test(variable: str, test: Test) -> nw.Expr:
    column = nw.col(variable)
    value = test.value
    if test.op == "is_missing":
        return column.is_null() if value else ~column.is_null()
    if test.op == "in" and isinstance(value, tuple):
        # is_in(null) is False on some engines; a chain of equalities is unknown on all of them.
        return functools.reduce(operator.or_, (column == code for code in value))
    if test.op == "between" and isinstance(value, tuple):
        return (column >= value[0]) & (column <= value[1])
    return _OPERATORS[test.op](column, value)  # type: ignore[no-any-return]


def _compile_at_least(n: int, parts: Sequence[nw.Expr]) -> nw.Expr:
    """N true: met; true and unknown together below n: not met; otherwise unknown.

    ``possible & some unknown part`` cannot be written without a null of Boolean type, so the null
    is taken from the comparison of a null count, which every engine types by itself.
    """
    true = functools.reduce(operator.add, (p.fill_null(False).cast(nw.Int64) for p in parts))
    open_ = functools.reduce(operator.add, (p.is_null().cast(nw.Int64) for p in parts))
    decided = (true >= n) | (true + open_ < n)
    return nw.when(decided).then(true) >= n


def evaluate_record(
    rule: Rule, record: Mapping[str, Any], *, criteria: Mapping[str, Rule] | None = None
) -> bool | None:
    """Evaluate a rule on one record in plain Python: the reference for every compiled form.

    A variable that is absent, None or NaN is unknown.

    Returns
    -------
    bool or None
        None for unknown.

    Examples
    --------
    >>> rule = parse_rule({"all_of": [{"variable": "a", "eq": True}, {"variable": "hours", "gt": 43}]})
    >>> evaluate_record(rule, {"a": True, "hours": 43.0}), evaluate_record(rule, {"a": True})
    (False, None)
    """
    return _evaluate(resolve_criteria(rule, criteria), record)


def _evaluate(rule: Rule, record: Mapping[str, Any]) -> bool | None:
    if isinstance(rule, Comparison):
        value = record.get(rule.variable)
        value = None if value is None or _is_nan(value) else value
        return at_least(len(rule.tests), [_evaluate_test(t, value) for t in rule.tests])
    if isinstance(rule, Criterion):
        raise TypeError("criteria are resolved before evaluation")
    if isinstance(rule, Not):
        return _negate(_evaluate(rule.part, record))
    parts = [_evaluate(part, record) for part in rule.parts]
    if isinstance(rule, AllOf):
        return at_least(len(parts), parts)
    some = at_least(rule.n if isinstance(rule, AtLeast) else 1, parts)
    return _negate(some) if isinstance(rule, NoneOf) else some


def _evaluate_test(test: Test, value: Any) -> bool | None:
    if test.op == "is_missing":
        return (value is None) == test.value
    if value is None:
        return None
    if test.op == "in" and isinstance(test.value, tuple):
        return value in test.value
    if test.op == "between" and isinstance(test.value, tuple):
        return bool(test.value[0] <= value <= test.value[1])
    return bool(_OPERATORS[test.op](value, test.value))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _negate(value: bool | None) -> bool | None:
    return None if value is None else not value


def at_least(n: int, parts: Sequence[bool | None]) -> bool | None:
    """Whether ``n`` of the parts are true, by Kleene: None where the unknown parts decide.

    Examples
    --------
    >>> at_least(1, [False, True, None]), at_least(2, [False, True, None]), at_least(2, [False, True])
    (True, None, False)
    """
    true = sum(part is True for part in parts)
    if true >= n:
        return True
    return None if true + sum(part is None for part in parts) >= n else False
