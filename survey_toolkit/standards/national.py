"""A national folder laid over the international standards, without touching them.

``national.yaml`` in a folder says that it extends the international standards. Code lists, variables and
indicators of the same id then stand in the place of ours; criteria and versions of definitions are never
overridden: a country writes its own list, and a version that puts its criteria in the place of ours. So
the international wording can always be computed beside the national one, and each departure can be named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from survey_toolkit._yaml import YamlPath
from survey_toolkit.errors import did_you_mean
from survey_toolkit.standards.folder import Folder, Placed, Problem
from survey_toolkit.standards.models import (
    Definition,
    DefinitionExtension,
    DefinitionVersion,
    Output,
)
from survey_toolkit.standards.rules import AtLeast, Comparison, Criterion, Not, Rule, rule_criteria

__all__ = ["extend", "resolve_versions"]

#: Kinds of which an item of the same id takes the place of the international one, and where its items are.
_OVERRIDABLE = {"codelists": None, "indicators": None, "variables": "variables"}


def extend(ours: Folder, theirs: Folder) -> Folder:
    """Lay a national folder over the international one; the national items come first and win."""
    merged = Folder(theirs.root, theirs.prefix, national=theirs.national)
    for kind in ("sources", "criteria", "codelists", "variables", "indicators", "populations", "cases"):
        getattr(merged, kind).extend([*getattr(theirs, kind), *getattr(ours, kind)])
    merged.correspondences.extend([*theirs.correspondences, *ours.correspondences])
    merged.problems = [*ours.problems, *theirs.problems]
    merged.unread = theirs.unread | ours.unread
    merged.overridden = frozenset(_overridden(ours, theirs))
    merged.problems += _kept(ours, theirs)
    known = {p.model.id: p.model for p in ours.definitions}
    for placed in theirs.definitions:
        extended = _extended(placed, known)
        if isinstance(extended, Problem):
            merged.problems.append(extended)
        else:
            merged.definitions.append(extended)
    merged.definitions += ours.definitions
    return merged


def _overridden(ours: Folder, theirs: Folder) -> Iterator[tuple[str, str]]:
    for kind, inside in _OVERRIDABLE.items():
        have = {item.id for placed in getattr(ours, kind) for item in _items(placed.model, inside)}
        for placed in getattr(theirs, kind):
            for item in _items(placed.model, inside):
                if item.id in have:
                    yield kind, item.id


def _items(model: Any, inside: str | None) -> tuple[Any, ...]:
    return (model,) if inside is None else tuple(getattr(model, inside))


def _kept(ours: Folder, theirs: Folder) -> Iterator[Problem]:
    """Criteria lists are not overridden."""
    have = {placed.model.id for placed in ours.criteria}
    for placed in theirs.criteria:
        if placed.model.id in have:
            text = (
                f"the international list '{placed.model.id}' stays as it is; give the national list an id of "
                "its own and put its criteria in the place of ours under 'replace' of a version"
            )
            yield placed.problem(("id",), text)


def _extended(placed: Placed, known: Mapping[str, Definition]) -> Placed | Problem:
    model = placed.model
    if isinstance(model, Definition):
        if model.id not in known:
            return placed
        text = (
            f"'{model.id}' is an international definition; to add a version to it, begin the file with "
            f"'extends: {model.id}' in the place of 'id' and 'title'"
        )
        return placed.problem(("id",), text)
    base = known.get(model.extends)
    if base is None:
        return placed.problem(
            ("extends",), f"no definition '{model.extends}'; {did_you_mean(model.extends, known)}"
        )
    taken = {version.version for version in base.versions}
    for i, version in enumerate(model.versions):
        if version.version in taken:
            text = f"'{version.version}' is an international version and stays as it is; give another version"
            return placed.problem(("versions", i, "version"), text)
    definition = Definition(
        id=base.id,
        title=base.title,
        default=model.default or base.default,
        never_added_to=base.never_added_to,
        versions=model.versions,
    )
    return Placed(definition, placed.document)


def resolve_versions(folder: Folder) -> None:
    """Give each version that is based on another its outputs; a base that cannot be meant is a problem."""
    lists = {item.id: p.model.id for p in folder.criteria for item in p.model.criteria}
    known = {(p.model.id, v.version): v for p in folder.definitions for v in _versions(p.model)}
    for at, placed in enumerate(folder.definitions):
        if isinstance(placed.model, DefinitionExtension):
            text = "only a folder with national.yaml can extend an international definition"
            folder.problems.append(placed.problem(("extends",), text))
            continue
        versions = []
        for i, version in enumerate(placed.model.versions):
            resolved, problems = _resolve(version, known, lists)
            folder.problems += [placed.problem(("versions", i, *path), text) for path, text in problems]
            versions.append(resolved)
            known[placed.model.id, version.version] = resolved
        folder.definitions[at] = Placed(
            placed.model.model_copy(update={"versions": tuple(versions)}), placed.document
        )
    folder.definitions[:] = [p for p in folder.definitions if isinstance(p.model, Definition)]


def _versions(model: Definition | DefinitionExtension) -> tuple[DefinitionVersion, ...]:
    return model.versions if isinstance(model, Definition) else ()


def _resolve(
    version: DefinitionVersion,
    known: Mapping[tuple[str, str], DefinitionVersion],
    lists: Mapping[str, str],
    chain: tuple[str, ...] = (),
) -> tuple[DefinitionVersion, list[tuple[YamlPath, str]]]:
    if version.based_on is None:
        return version, []
    base = known.get((version.id, version.based_on))
    if base is None:
        names = [v for d, v in known if d == version.id]
        return version, [
            (("based_on",), f"no version '{version.based_on}'; {did_you_mean(version.based_on, names)}")
        ]
    if version.based_on in (*chain, version.version):
        return version, [
            (
                ("based_on",),
                "versions are based on each other in a circle: " + " > ".join((*chain, version.version)),
            )
        ]
    base, problems = _resolve(base, known, lists, (*chain, version.version))
    own = {output.id: output for output in version.outputs}
    outputs = [own.pop(o.id) if o.id in own else _changed(o, version, lists) for o in base.outputs]
    named = {c for o in base.outputs for c in rule_criteria(o.rule)}
    for key, wanted in (("replace", tuple(version.replace)), ("drop", version.drop)):
        for i, name in enumerate(wanted):
            if name not in named:
                step: str | int = name if key == "replace" else i
                near = did_you_mean(name, named)
                text = f"the version '{version.based_on}' names no criterion '{name}'; {near}"
                problems = [*problems, ((key, step), text)]
    for old, new in version.replace.items():
        if new not in lists:
            text = f"no criterion '{new}'; {did_you_mean(new, lists)}"
            problems = [*problems, (("replace", old), text)]
    period = version.reference_period or base.reference_period
    update = {"outputs": (*outputs, *own.values()), "reference_period": period}
    return version.model_copy(update=update), problems


def _changed(output: Output, version: DefinitionVersion, lists: Mapping[str, str]) -> Output:
    """The output with criteria replaced and dropped, citing the sources of the version."""
    rule = _substituted(output.rule, version.replace, frozenset(version.drop))
    if rule is None or rule == output.rule:
        return output
    named = [lists[c] for c in rule_criteria(rule) if c in lists]
    update = {
        "rule": rule,
        "criteria": tuple(dict.fromkeys(named)),
        "references": (*version.references, *output.references),
    }
    return output.model_copy(update=update)


def _substituted(rule: Rule, replace: Mapping[str, str], drop: frozenset[str]) -> Rule | None:
    """The rule with other criteria in it; None where nothing is left of it."""
    if isinstance(rule, Comparison):
        return rule
    if isinstance(rule, Criterion):
        return None if rule.id in drop else Criterion(replace.get(rule.id, rule.id))
    if isinstance(rule, Not):
        part = _substituted(rule.part, replace, drop)
        return None if part is None else Not(part)
    parts = tuple(p for p in (_substituted(part, replace, drop) for part in rule.parts) if p is not None)
    if not parts:
        return None
    return AtLeast(min(rule.n, len(parts)), parts) if isinstance(rule, AtLeast) else type(rule)(parts)
