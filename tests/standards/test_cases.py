"""Every worked case of the shipped standards, in plain Python and compiled; a file without cases fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey_toolkit._frames import null_aware
from survey_toolkit._resources import data_root
from survey_toolkit._yaml import load_document
from survey_toolkit.standards import Registry, Rule, compile_rule, evaluate_output, load, rule_variables
from survey_toolkit.standards.cases import Case, CaseFile, evaluate_status, lift_any

FILES = sorted(data_root("harmonization").glob("*/*.cases.yaml"))
DTYPES = {"boolean": "boolean", "integer": "Int64", "number": "Float64", "code": "string", "text": "string"}
STATUS = {True: "met", False: "not_met", None: "undetermined"}


def collect() -> Iterator[Any]:
    for file in FILES:
        for i, case in enumerate(load_document(file).validate(CaseFile).cases):
            yield pytest.param(file, case, id=f"{file.name.removesuffix('.cases.yaml')}-{i}-{case.name}")


def compiled(
    registry: Registry, rule: Rule, rows: list[dict[str, Any]], criteria: dict[str, Rule]
) -> list[bool | None]:
    """The compiled rule on the rows, every variable it reads a column of its own type."""
    columns = {
        name: pd.array([row.get(name) for row in rows], dtype=DTYPES[registry.variables[name].type])
        for name in sorted(rule_variables(rule, criteria=criteria))
    }
    found = (
        null_aware(pd.DataFrame(columns)).select(met=compile_rule(rule, criteria=criteria)).collect()["met"]
    )
    return [None if pd.isna(v) else bool(v) for v in found.to_list()]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_file_holds_cases(file: Path) -> None:
    assert len(load_document(file).validate(CaseFile).cases) > 0


def test_every_list_and_definition_has_cases() -> None:
    registry = load()
    have = {f.name.removesuffix(".cases.yaml") for f in FILES}
    decided = {d.id for d in registry.definitions.values() if any(v.outputs for v in d.versions)}
    assert have == set(registry.criteria_lists) | decided


@pytest.mark.parametrize(("file", "case"), list(collect()))
def test_case(file: Path, case: Case) -> None:
    registry = load()
    criteria = {k: item.rule for k, item in registry.criterion_items.items()}
    if case.criterion is not None:
        assert evaluate_status(case.criterion, case.record, criteria) == case.expect
        rule = criteria[case.criterion]
        assert STATUS[compiled(registry, rule, [case.record], criteria)[0]] == case.expect
        return
    definition = registry.definition(file.name.removesuffix(".cases.yaml"), case.version)
    criteria = registry.criteria_rules(definition)
    output = definition.output(case.output or "")
    assert output is not None
    assert evaluate_output(output, case.record, episodes=case.episodes, criteria=criteria) == case.expect
    if output.universe is not None:
        inside = compiled(registry, output.universe, [case.record], criteria)[0]
        if inside is not True:
            assert case.expect == ("not_applicable" if inside is False else "undetermined")
            return
    rows = [case.record] if case.episodes is None else [{**case.record, **e} for e in case.episodes]
    statuses = compiled(registry, output.rule, rows, criteria) if rows else []
    assert STATUS[statuses[0] if case.episodes is None else lift_any(statuses)] == case.expect


def test_thresholds_are_tested_on_the_boundary() -> None:
    """The numbers where sources part, or a band ends, each stand in at least one case."""
    seen: dict[str, set[Any]] = {}
    for file in FILES:
        for case in load_document(file).validate(CaseFile).cases:
            for record in (case.record, *(case.episodes or ())):
                for name, value in record.items():
                    seen.setdefault(name, set()).add(value)
    assert seen["ea_hours"] >= {1.0, 14.0, 43.0}
    assert 21.0 in seen["chores_hours"]
    assert seen["age"] >= {4, 5, 11, 12, 14, 15, 17, 18, 19, 20, 24, 25}
    assert seen["age_first_union"] >= {14, 15, 17, 18}
    assert seen["age_at_act"] >= {17, 18}


def test_the_two_wordings_of_child_labour_part_at_43_and_21_hours() -> None:
    registry = load()
    record = {"age": 16, "ea_any": True, "ea_hours": 43.0, "chores_any": False}
    found = {}
    for version in ("sdg-2021", "mics6"):
        definition = registry.definition("child_labour", version)
        output = definition.output("child_labour_a")
        assert output is not None
        found[version] = evaluate_output(output, record, criteria=registry.criteria_rules(definition))
    assert found == {"sdg-2021": "not_met", "mics6": "met"}
