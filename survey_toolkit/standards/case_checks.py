"""The worked cases as a check: each criterion has its three cases, and each case comes out as expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from survey_toolkit._frames import MET, NOT_MET, UNDETERMINED
from survey_toolkit._yaml import YamlPath
from survey_toolkit.errors import DefinitionError, did_you_mean
from survey_toolkit.standards.cases import Case, Record, evaluate_output, evaluate_status
from survey_toolkit.standards.catalogue import Catalogue
from survey_toolkit.standards.folder import Folder, Placed, Problem
from survey_toolkit.standards.rules import Rule, rule_variables

__all__ = ["check_cases"]

Rules = Mapping[str, Rule]


def check_cases(folder: Folder, catalogue: Catalogue, *, outcomes: bool = True) -> Iterator[Problem]:
    """Problems of the case files: missing cases, unknown names, and cases that come out otherwise.

    Outcomes are looked at only where the rules themselves are sound.
    """
    rules = {name: item.rule for name, item in catalogue.items.items()}
    for placed in folder.criteria:
        yield from _coverage(placed, folder)
    for placed in folder.definitions:
        yield from _output_coverage(placed, folder, catalogue)
    for placed in folder.cases:
        kind, key = ("criteria", "criteria") if placed.model.criteria else ("definitions", "definition")
        subject = getattr(catalogue, kind).get(getattr(placed.model, key))
        if subject is None:
            text = catalogue.lacks(kind, getattr(placed.model, key))
            if text:
                yield placed.problem((key,), text)
            continue
        for i, case in enumerate(placed.model.cases):
            yield from _names(placed, ("cases", i), case, catalogue)
            wrong = _wrong_criterion if placed.model.criteria else _wrong_output
            text = wrong(case, subject, rules) if outcomes else None
            if text:
                yield placed.problem(("cases", i), f"'{case.name}': {text}")


def _coverage(placed: Placed, folder: Folder) -> Iterator[Problem]:
    """A met, a not met and an undetermined case for each criterion of a list."""
    if any(c.file.startswith(f"criteria/{placed.model.id}.cases") for c in folder.problems):
        return
    files = [p.model for p in folder.cases if p.model.criteria == placed.model.id]
    if not files:
        text = f"the list has no cases; write criteria/{placed.model.id}.cases.yaml"
        yield placed.problem((), text)
        return
    for i, item in enumerate(placed.model.criteria):
        have = {c.expect for file in files for c in file.cases if c.criterion == item.id}
        missing = _lacking(have)
        if missing:
            text = f"'{item.id}' has no case that is {' and none that is '.join(missing)}"
            yield placed.problem(("criteria", i), text)


def _output_coverage(placed: Placed, folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """A met, a not met and an undetermined case for each status a version gives."""
    id = placed.model.id
    if any(f"definitions/{id}.cases" in c.file for c in folder.problems):
        return
    definition = catalogue.definitions[id]
    default = definition.default
    if default not in {version.version for version in definition.versions}:
        return  # the default has a problem of its own, and cases without a version mean it
    files = [p.model for p in folder.cases if p.model.definition == id]
    have: dict[tuple[str, str | None], set[str]] = {}
    for case in (c for file in files for c in file.cases):
        have.setdefault((case.version or default, case.output), set()).add(case.expect)
    for i, version in enumerate(placed.model.versions):
        lacking = [
            f"{output.id} ({', '.join(missing)})"
            for output in version.outputs
            if (missing := _lacking(have.get((version.version, output.id), set())))
        ]
        if lacking:
            text = f"no case of '{version.version}' in definitions/{id}.cases.yaml for {'; '.join(lacking)}"
            yield placed.problem(("versions", i, "version"), text)


def _lacking(have: set[str]) -> list[str]:
    return [status for status in (MET, NOT_MET, UNDETERMINED) if status not in have]


def _names(placed: Placed, path: YamlPath, case: Case, catalogue: Catalogue) -> Iterator[Problem]:
    records: list[tuple[YamlPath, Record]] = [(("record",), case.record)]
    records += [(("episodes", n), row) for n, row in enumerate(case.episodes or ())]
    for at, record in records:
        for name in record:
            text = catalogue.lacks("variables", name)
            if text:
                yield placed.problem((*path, *at, name), text)


def _wrong_criterion(case: Case, listed: Any, rules: Rules) -> str | None:
    known = [item.id for item in listed.criteria]
    criterion = case.criterion or ""
    if criterion not in known:
        return f"no criterion '{criterion}' in this list; {did_you_mean(criterion, known)}"
    try:
        found = evaluate_status(criterion, case.record, rules)
    except DefinitionError as exc:
        return exc.what
    return _compare(case, found) or _unread(case, rules[criterion], rules)


def _wrong_output(case: Case, definition: Any, rules: Rules) -> str | None:
    versions = {v.version: v for v in definition.versions}
    version = versions.get(case.version or definition.default)
    if version is None:
        return f"no version '{case.version}'; {did_you_mean(case.version, versions)}"
    output = version.output(case.output or "")
    if output is None:
        return f"no output '{case.output}'; {did_you_mean(case.output, [o.id for o in version.outputs])}"
    try:
        found = evaluate_output(output, case.record, episodes=case.episodes, criteria=rules)
    except DefinitionError as exc:
        return exc.what
    return _compare(case, found)


def _compare(case: Case, found: str) -> str | None:
    return None if found == case.expect else f"comes out {found}, expected {case.expect}"


def _unread(case: Case, rule: Rule, rules: Rules) -> str | None:
    """A record whose variables the rule never reads tests nothing."""
    reads = rule_variables(rule, criteria=rules)
    unread = [name for name in case.record if name not in reads]
    return f"the criterion does not read '{unread[0]}'" if unread else None
