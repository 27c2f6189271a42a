"""The rule language: what it says, on every kind of frame, against the plain evaluator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit._frames import null_aware
from survey_toolkit.errors import DefinitionError, HarmonizationError
from survey_toolkit.standards.rules import (
    Rule,
    compile_rule,
    evaluate_record,
    parse_rule,
    rule_sentence,
    rule_tree,
    rule_variables,
)

NAMES = ("a", "b", "c")
TRUTH = (True, False, None)
FRAME = pd.DataFrame(
    {
        "row": range(27),
        "a": pd.array([x for x in TRUTH for _ in range(9)], dtype="boolean"),
        "b": pd.array([x for _ in range(3) for x in TRUTH for _ in range(3)], dtype="boolean"),
        "c": pd.array(list(TRUTH) * 9, dtype="boolean"),
        "hours": [43.0, None, 43.5] * 9,
        "age": pd.array([None, 14, 15] * 9, dtype="Int64"),
        "code": ["none", None, "military"] * 9,
    }
)
RECORDS = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in FRAME.to_dict(orient="records")]


def yes(name: str) -> dict[str, Any]:
    return {"variable": name, "eq": True}


def answers(frame: Any, rule: Rule, criteria: dict[str, Rule] | None = None) -> list[bool | None]:
    """The compiled rule on a frame, as True, False, None in row order."""
    expression = compile_rule(rule, criteria=criteria or {})
    lazy = null_aware(frame)
    found = lazy.select("row", met=expression).collect("polars").sort("row")["met"].to_list()
    return [None if value is None else bool(value) for value in found]


RULES: dict[str, Any] = {
    "all_of": {"all_of": [yes(n) for n in NAMES]},
    "any_of": {"any_of": [yes(n) for n in NAMES]},
    "none_of": {"none_of": [yes(n) for n in NAMES]},
    "at_least_1": {"at_least": {"n": 1, "of": [yes(n) for n in NAMES]}},
    "at_least_2": {"at_least": {"n": 2, "of": [yes(n) for n in NAMES]}},
    "at_least_3": {"at_least": {"n": 3, "of": [yes(n) for n in NAMES]}},
    "not_at_least": {"not": {"at_least": {"n": 2, "of": [yes(n) for n in NAMES]}}},
    "eq_text": {"variable": "code", "eq": "none"},
    "ne": {"variable": "code", "ne": "none"},
    "in": {"variable": "code", "in": ["none", "civic"]},
    "none_of_in": {"none_of": [{"variable": "code", "in": ["military", "civic"]}]},
    "not_in": {"not": {"variable": "code", "in": ["civic"]}},
    "lt": {"variable": "hours", "lt": 43.5},
    "le": {"variable": "hours", "le": 43},
    "gt": {"variable": "hours", "gt": 43},
    "ge": {"variable": "hours", "ge": 43},
    "between": {"variable": "age", "between": [12, 14]},
    "two_comparisons": {"variable": "age", "ge": 14, "lt": 15},
    "is_missing": {"variable": "code", "is_missing": True},
    "is_not_missing": {"variable": "hours", "is_missing": False},
    "missing_or": {"any_of": [{"variable": "hours", "is_missing": True}, yes("a")]},
    "missing_counts": {
        "at_least": {"n": 2, "of": [{"variable": "code", "is_missing": True}, *map(yes, NAMES)]}
    },
    "mixed": {"all_of": [{"none_of": [yes("a"), {"variable": "hours", "gt": 43}]}, {"not": yes("c")}]},
}


@pytest.mark.parametrize("name", RULES)
def test_every_operator_is_the_same_on_every_frame(
    name: str, as_frame: Callable[[pd.DataFrame], Any]
) -> None:
    rule = parse_rule(RULES[name])
    assert answers(as_frame(FRAME), rule) == [evaluate_record(rule, r) for r in RECORDS]


def test_null_trap_missing_answer_is_not_a_no(as_frame: Callable[[pd.DataFrame], Any]) -> None:
    """On plain float pandas NaN == 1 is False and its negation True; neither may happen here."""
    frame = as_frame(pd.DataFrame({"row": [0, 1, 2], "x": [1.0, float("nan"), 2.0]}))
    assert answers(frame, parse_rule({"variable": "x", "eq": 1})) == [True, None, False]
    assert answers(frame, parse_rule({"not": {"variable": "x", "eq": 1}})) == [False, None, True]
    assert answers(frame, parse_rule({"variable": "x", "in": [1, 3]})) == [True, None, False]


@pytest.mark.parametrize(
    "rule",
    [
        {"variable": "x", "in": ["none", "military"]},
        {"variable": "x", "eq": True},
        {"variable": "x", "ge": 3},
        {"none_of": [{"variable": "x", "in": ["none"]}]},
    ],
    ids=["in", "eq", "ge", "none_of"],
)
def test_column_that_was_never_asked_is_unknown(rule: Any) -> None:
    import duckdb
    import polars as pl
    import pyarrow as pa

    empty = {
        "pandas": pd.DataFrame({"row": [0], "x": pd.Series([None], dtype=object)}),
        "polars": pl.DataFrame({"row": [0], "x": [None]}),
        "arrow": pa.table({"row": [0], "x": pa.nulls(1)}),
        "duckdb": duckdb.connect(":memory:").sql("select 0 as row, null as x"),
    }
    for kind, frame in empty.items():
        assert answers(frame, parse_rule(rule)) == [None], kind


def test_at_least_counts_true_and_unknown() -> None:
    rule = parse_rule({"at_least": {"n": 2, "of": [yes(n) for n in NAMES]}})

    def of(*values: bool | None) -> bool | None:
        return evaluate_record(rule, dict(zip(NAMES, values, strict=True)))

    assert of(True, True, None) is True
    assert of(True, None, False) is None
    assert of(True, False, False) is False
    assert of(None, None, None) is None
    assert of(None, False, False) is False


def test_absent_variable_is_unknown_and_nan_too() -> None:
    rule = parse_rule({"variable": "x", "ge": 1})
    assert evaluate_record(rule, {}) is None
    assert evaluate_record(rule, {"x": float("nan")}) is None


def test_criteria_are_followed() -> None:
    criteria = {"inner": parse_rule(yes("a")), "outer": parse_rule({"not": {"criterion": "inner"}})}
    rule = parse_rule({"all_of": [{"criterion": "outer"}, {"variable": "age", "ge": 15}]})
    assert rule_variables(rule, criteria=criteria) == {"a", "age"}
    assert answers(FRAME, rule, criteria) == [evaluate_record(rule, r, criteria=criteria) for r in RECORDS]


def test_unknown_criterion_names_the_nearest() -> None:
    with pytest.raises(DefinitionError, match=r"criterion 'pen\.debts'") as caught:
        compile_rule(parse_rule({"criterion": "pen.debts"}), criteria={"pen.debt": parse_rule(yes("a"))})
    assert "did you mean 'pen.debt'?" in str(caught.value)


def test_circle_of_criteria_is_refused() -> None:
    criteria = {"x": parse_rule({"criterion": "y"}), "y": parse_rule({"not": {"criterion": "x"}})}
    with pytest.raises(DefinitionError, match="circle") as caught:
        evaluate_record(criteria["x"], {}, criteria=criteria)
    assert "y > x > y" in str(caught.value)


BAD: list[tuple[Any, str]] = [
    ({"anyof": [yes("a")]}, "anyof: unknown operator 'anyof'; did you mean 'any_of'?"),
    ({"variable": "age", "gee": 5}, "gee: unknown comparison 'gee'; did you mean 'ge'?"),
    ({"all_of": [yes("a")], "any_of": [yes("b")]}, "one mapping holds one operator"),
    ({"all_of": []}, "needs a list of at least one rule, found an empty list"),
    ({"any_of": {"variable": "a"}}, "needs a list of at least one rule"),
    ({"eq": 1}, "a comparison needs 'variable' beside it"),
    ({"variable": "a"}, "'a' needs a comparison: eq, ne, in"),
    ({"variable": "a", "eq": None}, "cannot compare with null; write 'is_missing: true'"),
    ({"variable": "a", "eq": [1]}, "'eq' needs one value"),
    ({"variable": "a", "in": "x"}, "'in' needs a list of codes, found 'x'"),
    ({"variable": "a", "in": []}, "'in' needs a list of codes, found an empty list"),
    ({"variable": "a", "between": [5]}, "'between' needs [low, high], two numbers"),
    ({"variable": "a", "between": [9, 5]}, "'between' is [low, high], found [9, 5]"),
    ({"variable": "a", "ge": "5"}, "'ge' needs a number, found '5'"),
    ({"variable": "a", "ge": True}, "'ge' needs a number"),
    ({"variable": "a", "is_missing": "yes"}, "'is_missing' is true or false"),
    ({"variable": 5, "eq": 1}, "'variable' needs a name"),
    ({"at_least": {"n": 3, "of": [yes("a")]}}, "'n' must be 1 to 1"),
    ({"at_least": {"n": True, "of": [yes("a")]}}, "'n' must be 1 to 1"),
    ({"at_least": {"of": [yes("a")]}}, "needs {n: number, of: [rules]}"),
    ({"criterion": "x", "eq": True}, "'eq' cannot stand beside 'criterion'"),
    ({}, "the rule is empty"),
    ("age >= 18", "a rule is a mapping such as {variable: age, ge: 18}, found 'age >= 18'"),
    ([yes("a")], "a rule is a mapping such as {variable: age, ge: 18}, found a list"),
]


@pytest.mark.parametrize(("data", "message"), BAD, ids=[m[:40] for _, m in BAD])
def test_bad_rule_says_what_and_where(data: Any, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_rule(data, where="x.yaml:7: rule")
    assert str(caught.value).startswith("x.yaml:7: rule: the rule cannot be read")
    assert message in str(caught.value)


def test_all_problems_at_once_with_their_place_and_the_callers_error() -> None:
    data = {"all_of": [{"variable": "a", "gee": 1}, {"any_of": [{"criteria": "x"}]}]}
    with pytest.raises(HarmonizationError) as caught:
        parse_rule(data, error=HarmonizationError)
    assert "all_of.0.gee" in str(caught.value)
    assert "all_of.1.any_of.0.criteria: unknown operator 'criteria'; did you mean 'criterion'?" in str(
        caught.value
    )


def test_sentence_reads() -> None:
    rule = parse_rule(
        {
            "all_of": [
                {"variable": "age", "between": [15, 17]},
                {"at_least": {"n": 2, "of": [yes("a"), {"criterion": "k"}]}},
                {"none_of": [{"variable": "code", "in": ["military", "civic"]}]},
                {"not": {"variable": "hours", "is_missing": True}},
            ]
        }
    )
    sentence = rule_sentence(
        rule,
        variable_labels={"a": "paid work", "code": "exclusion"},
        criteria_labels={"k": "debt bondage"},
        code_labels={"code": {"military": "military service"}},
    )
    assert sentence == (
        "age is from 15 to 17, and at least 2 of these hold: (paid work is yes; debt bondage), and none of "
        "these holds: (exclusion is military service or civic), and it is not so that hours is missing"
    )


# --- random rules ------------------------------------------------------------------------------

leaves = st.one_of(
    st.sampled_from(NAMES).flatmap(lambda n: st.booleans().map(lambda v: {"variable": n, "eq": v})),
    st.sampled_from(("hours", "age", "code", "a")).flatmap(
        lambda n: st.booleans().map(lambda v: {"variable": n, "is_missing": v})
    ),
    st.tuples(st.sampled_from(("lt", "le", "gt", "ge", "eq", "ne")), st.sampled_from((14, 43.0, 43.5))).map(
        lambda t: {"variable": "hours", t[0]: t[1]}
    ),
    st.lists(st.sampled_from(("none", "civic", "military")), min_size=1, max_size=3).map(
        lambda codes: {"variable": "code", "in": codes}
    ),
    st.sampled_from(([5, 11], [12, 14], [14, 15])).map(lambda v: {"variable": "age", "between": v}),
)


def grow(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(children, min_size=1, max_size=4)
    return st.one_of(
        *(some.map(lambda parts, op=op: {op: parts}) for op in ("all_of", "any_of", "none_of")),
        some.flatmap(lambda ps: st.integers(1, len(ps)).map(lambda n: {"at_least": {"n": n, "of": ps}})),
        children.map(lambda part: {"not": part}),
    )


rule_trees = st.recursive(leaves, grow, max_leaves=8)


@settings(max_examples=60, deadline=None)
@given(tree=rule_trees)
def test_compiled_rule_equals_plain_evaluation(tree: Any) -> None:
    rule = parse_rule(tree)
    assert answers(FRAME, rule) == [evaluate_record(rule, r) for r in RECORDS]


@settings(max_examples=100, deadline=None)
@given(tree=rule_trees)
def test_rule_survives_writing_and_reading(tree: Any) -> None:
    rule = parse_rule(tree)
    assert parse_rule(rule_tree(rule)) == rule
    assert rule_sentence(rule)


@settings(max_examples=60, deadline=None)
@given(tree=rule_trees, record=st.sampled_from(RECORDS))
def test_knowing_more_never_reverses_an_answer(tree: Any, record: dict[str, Any]) -> None:
    """Kleene logic is monotone: a decided status stays when a missing answer is filled in."""

    def asks_for_missing(node: Any) -> bool:
        if isinstance(node, dict):
            return "is_missing" in node or any(asks_for_missing(v) for v in node.values())
        return isinstance(node, list) and any(asks_for_missing(v) for v in node)

    rule = parse_rule(tree)
    before = evaluate_record(rule, record)
    if before is None or asks_for_missing(tree):
        return
    known = {"a": True, "b": False, "c": True, "hours": 43.5, "age": 14, "code": "civic"}
    filled = {k: known.get(k, v) if v is None else v for k, v in record.items()}
    assert evaluate_record(rule, filled) is before
