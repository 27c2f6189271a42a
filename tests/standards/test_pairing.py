"""Two rules side by side, and what a diff of two versions says."""
# ruff: noqa: E501  (a row a case)

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_toolkit.standards import diff, load, parse_rule
from survey_toolkit.standards.pairing import Pair, canonical, pair_rules
from survey_toolkit.standards.rules import Criterion, evaluate_record

A: dict[str, Any] = {"variable": "a", "eq": True}
B: dict[str, Any] = {"variable": "b", "eq": True}
C: dict[str, Any] = {"variable": "c", "eq": True}


def trees() -> st.SearchStrategy[dict[str, Any]]:
    leaves = st.sampled_from([A, B, C])
    groups = ("all_of", "any_of", "none_of")
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(
                lambda op, parts: {op: parts},
                st.sampled_from(groups),
                st.lists(inner, min_size=1, max_size=3),
            ),
            st.builds(lambda part: {"not": part}, inner),
            st.builds(
                lambda parts: {"at_least": {"n": len(parts), "of": parts}},
                st.lists(inner, min_size=1, max_size=3),
            ),
        ),
        max_leaves=8,
    )


@given(trees(), st.fixed_dictionaries({k: st.sampled_from([True, False, None]) for k in "abc"}))
def test_the_canonical_rule_says_the_same(tree: dict[str, Any], record: dict[str, Any]) -> None:
    rule = parse_rule(tree)
    assert evaluate_record(canonical(rule), record) == evaluate_record(rule, record)


@given(trees(), trees(), st.fixed_dictionaries({k: st.sampled_from([True, False, None]) for k in "abc"}))
def test_where_two_rules_differ_some_pair_does(
    one: dict[str, Any], two: dict[str, Any], record: dict[str, Any]
) -> None:
    """A person whose status moved has at least one part that says otherwise: there is always a reason."""
    first, second = parse_rule(one), parse_rule(two)
    if evaluate_record(first, record) == evaluate_record(second, record):
        return

    def value(rule: Any, pair: Pair) -> bool | None:
        return pair.absent if rule is None else evaluate_record(rule, record)

    pairs = list(pair_rules(first, second, {}))
    assert any(value(p.one, p) != value(p.two, p) for p in pairs)


def test_grouping_and_names_make_no_pair() -> None:
    one = parse_rule({"any_of": [{"criterion": "x"}, C]})
    two = parse_rule({"any_of": [C, {"any_of": [B, A]}]})
    criteria = {"x": parse_rule({"any_of": [A, B]})}
    assert list(pair_rules(one, two, criteria)) == []


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        ("mics6", "sdg-2021", [("cl.mics6.ea_15_17", "cl.sdg.ea_15_17"), ("cl.mics6.chores_5_14", "cl.sdg.chores_5_14")]),
        (
            "mics5", "sdg-2021",
            [("cl.mics5.ea_15_17", "cl.sdg.ea_15_17"), ("cl.mics5.chores_5_14", "cl.sdg.chores_5_14"), ("cl.mics5.chores_15_17", None)],
        ),
        ("mics4", "mics5", [("cl.mics4.ea_5_11", "cl.mics5.ea_5_11"), (None, "cl.mics5.ea_15_17"), (None, "cl.mics5.chores_15_17")]),
        ("mics5", "mics6-first", []),
    ],
)  # fmt: skip
def test_thresholds_are_paired_by_age_band(
    first: str, second: str, pairs: list[tuple[str | None, str | None]]
) -> None:
    registry = load()
    rules = {k: c.rule for k, c in registry.criterion_items.items()}
    outputs = [registry.definition("child_labour", v).output("child_labour_b") for v in (first, second)]
    assert outputs[0] is not None
    assert outputs[1] is not None
    found = pair_rules(outputs[0].rule, outputs[1].rule, rules)
    names = [tuple(p.id if isinstance(p, Criterion) else None for p in (x.one, x.two)) for x in found]
    assert names == pairs


def test_the_diff_of_mics5_and_the_sdg_wording() -> None:
    text = str(diff(load(), "child_labour@mics5", "child_labour@sdg-2021"))
    lines = text.splitlines()
    assert lines[0] == "child_labour@mics5 -> child_labour@sdg-2021: 15 differences"
    assert lines[1:10] == [
        "output child_labour_a, child_labour_b: rule: cl.mics5.ea_15_17 -> cl.sdg.ea_15_17",
        "  - hours of economic activity is at least 43",
        "  + hours of economic activity is above 43",
        "output child_labour_b: rule: cl.mics5.chores_5_14 -> cl.sdg.chores_5_14",
        "  - hours of household chores is at least 28",
        "  + hours of household chores is above 21",
        "output child_labour_b: rule",
        "  - aged 15-17 with at least 43 hours of household chores",
        "output hazardous_work",
    ]
    assert max(map(len, lines)) <= 100


def test_two_wordings_of_the_same_facts() -> None:
    changes = diff(load(), "forced_labour@ilo-h2h-2012", "forced_labour@icls20-2018").changes
    rules = [c.where for c in changes if c.where.startswith("output")]
    assert rules == ["output forced_labour: rule: the same answers decide, in another wording"]


def test_what_an_abridged_list_of_means_loses() -> None:
    changes = diff(load(), "trafficking@palermo-2000", "trafficking@abridged-means").changes
    gone = [c.before for c in changes if c.where.startswith("output") and c.after is None]
    assert gone == ["abduction", "abuse of a position of vulnerability", "payments to a person in control"]
