"""Cross-checks of a folder of standards: every reference resolves, every rule reads what exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from survey_toolkit._yaml import YamlPath
from survey_toolkit.errors import did_you_mean
from survey_toolkit.standards.case_checks import check_cases
from survey_toolkit.standards.catalogue import Catalogue, catalogue_of
from survey_toolkit.standards.content_checks import CONTENT_CHECKS
from survey_toolkit.standards.folder import Folder, Placed, Problem
from survey_toolkit.standards.models import (
    Codelist,
    DefinitionVersion,
    Indicator,
    Series,
    StandardVariable,
)

__all__ = ["check_folder"]

#: Dimensions of the SDG data structure, version 1.4, that a series may fix.
_SDMX_DIMENSIONS = (
    "SEX",
    "AGE",
    "URBANISATION",
    "INCOME_WEALTH_QUANTILE",
    "EDUCATION_LEV",
    "OCCUPATION",
    "CUST_BREAKDOWN",
    "COMPOSITE_BREAKDOWN",
    "DISABILITY_STATUS",
    "ACTIVITY",
    "PRODUCT",
)
#: What a value of 0 to 1, a rate per person or a count is multiplied by for presentation.
_MULTIPLIERS = {"PT": 100.0, "NUMBER": 1.0, "PER_1000_POP": 1000.0, "PER_100000_POP": 100000.0}


def check_folder(folder: Folder, *, cases: bool = True) -> list[Problem]:
    """Every problem that shows only when the files are read together."""
    catalogue = catalogue_of(folder)
    problems: list[Problem] = []
    for check in (*_CHECKS, *CONTENT_CHECKS):
        problems += check(folder, catalogue)
    if cases:
        # A case that fails because its rule is broken would be noise beside the problem of the rule.
        sound = not problems and not any(".cases." not in p.file for p in folder.problems)
        problems += check_cases(folder, catalogue, outcomes=sound)
    return problems


def _unique_ids(folder: Folder, _: Catalogue) -> Iterator[Problem]:
    """Ids are unique per kind over all files; versions within their definition."""
    kinds: tuple[tuple[str, list[Placed], Callable[[Any], Any], str], ...] = (
        ("source", folder.sources, lambda m: m.sources, "sources"),
        ("criterion", folder.criteria, lambda m: m.criteria, "criteria"),
        ("variable", folder.variables, lambda m: m.variables, "variables"),
        ("series", folder.indicators, lambda m: m.series, "series"),
    )
    for what, files, items_of, key in kinds:
        seen: dict[str, str] = {}
        for placed in files:
            for i, item in enumerate(items_of(placed.model)):
                here = f"{placed.document.name}:{placed.document.line((key, i))}"
                if item.id in seen and (key, item.id) not in folder.overridden:
                    text = f"{what} '{item.id}' is given twice; first at {seen[item.id]}"
                    yield placed.problem((key, i, "id"), text)
                seen.setdefault(item.id, here)
    for placed in (*folder.codelists, *folder.definitions):
        key, name = ("codes", "id") if isinstance(placed.model, Codelist) else ("versions", "version")
        values = [getattr(item, name) for item in getattr(placed.model, key)]
        for i, value in enumerate(values):
            if value in values[:i]:
                yield placed.problem((key, i, name), f"'{value}' is given twice")


def _references(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """Every reference names a source that is listed."""
    for placed in folder.all():
        for path, data in _walk(placed.document.data, (), "references"):
            for i, reference in enumerate(data):
                for key in ("source", "read_in"):
                    name = reference.get(key)
                    text = None if name is None else catalogue.lacks("sources", name)
                    if text:
                        yield placed.problem((*path, i, key), text)


def _rules(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """Rules read variables that exist, with values those variables can have, and criteria that exist."""
    for placed in (*folder.definitions, *folder.criteria, *folder.variables):
        for path, leaf in _leaves(placed.document.data, ()):
            kind, key = ("items", "criterion") if "criterion" in leaf else ("variables", "variable")
            text = catalogue.lacks(kind, leaf[key])
            if text:
                yield placed.problem((*path, key), text)
            variable = catalogue.variables.get(leaf.get("variable", ""))
            if variable is None:
                continue
            for op, value in leaf.items():
                wrong = _wrong_for(variable, op, value, catalogue.codelists)
                if wrong:
                    yield placed.problem((*path, op), wrong)


def _wrong_for(
    variable: StandardVariable, op: str, value: Any, codelists: Mapping[str, Codelist]
) -> str | None:
    """Why a variable cannot be compared with this value, or None."""
    if op in ("variable", "is_missing"):
        return None
    values = value if isinstance(value, list) else [value]
    name, kind = variable.id, variable.type
    if kind == "boolean" and not (op in ("eq", "ne") and isinstance(value, bool)):
        return f"'{name}' is true or false: compare with 'eq: true' or 'eq: false'"
    if kind in ("integer", "number"):
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        return None if numbers else f"'{name}' is a number, found {value!r}"
    if kind in ("code", "text") and not all(isinstance(v, str) for v in values):
        return f"'{name}' holds text codes, found {value!r}; put the code in quotes"
    if kind != "code":
        return None
    codelist = codelists.get(variable.codelist or "")
    unknown = [v for v in values if codelist is not None and v not in codelist.details()]
    if codelist is None or not unknown:
        return None
    hint = did_you_mean(unknown[0], codelist.details())
    return f"code {unknown[0]!r} is not in code list '{codelist.id}'; {hint}"


def _criteria_of_outputs(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """An output lists the criteria lists its rule draws on."""
    for placed in folder.definitions:
        for v, version in enumerate(placed.document.data["versions"]):
            for o, output in enumerate(version.get("outputs", [])):
                path: YamlPath = ("versions", v, "outputs", o)
                listed = output.get("criteria", [])
                for i, name in enumerate(listed):
                    text = catalogue.lacks("criteria", name)
                    if text:
                        yield placed.problem((*path, "criteria", i), text)
                inside = {
                    c.id for n in listed if n in catalogue.criteria for c in catalogue.criteria[n].criteria
                }
                for at, leaf in _leaves(output, path):
                    name = leaf.get("criterion")
                    if name in catalogue.items and name not in inside:
                        text = f"criterion '{name}' is of no list named under 'criteria' of this output"
                        yield placed.problem((*at, "criterion"), text)


def _versions(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """The default exists; dates run forward; what is superseded exists and began earlier."""
    for placed in folder.definitions:
        together = catalogue.definitions[placed.model.id].versions
        versions: dict[str, DefinitionVersion] = {v.version: v for v in together}
        if placed.model.default not in versions:
            hint = did_you_mean(placed.model.default, versions)
            yield placed.problem(("default",), f"no version '{placed.model.default}'; {hint}")
        for i, version in enumerate(placed.model.versions):
            yield from _dates(placed, ("versions", i), version, versions)


def _dates(
    placed: Placed, path: YamlPath, version: DefinitionVersion, versions: Mapping[str, DefinitionVersion]
) -> Iterator[Problem]:
    start, end = version.in_force.start, version.in_force.end
    if start and end and end < start:
        yield placed.problem((*path, "in_force", "to"), f"ends {end}, before it begins {start}")
    if version.status == "superseded" and not any(version.version in v.supersedes for v in versions.values()):
        yield placed.problem((*path, "status"), "is superseded, but no version names it under 'supersedes'")
    for i, name in enumerate(version.supersedes):
        earlier = versions.get(name)
        if earlier is None:
            text = f"no version '{name}'; {did_you_mean(name, versions)}"
            yield placed.problem((*path, "supersedes", i), text)
        elif start and earlier.in_force.start and earlier.in_force.start > start:
            text = f"'{name}' began {earlier.in_force.start}, after this version ({start})"
            yield placed.problem((*path, "supersedes", i), text)


def _codelists(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """Variables name code lists that exist; aggregates name codes of their own list."""
    for placed in folder.variables:
        for i, variable in enumerate(placed.model.variables):
            if variable.codelist is not None and variable.codelist not in catalogue.codelists:
                hint = did_you_mean(variable.codelist, catalogue.codelists)
                yield placed.problem(
                    ("variables", i, "codelist"), f"no code list '{variable.codelist}'; {hint}"
                )
    for placed in folder.codelists:
        known = {code.id for code in placed.model.codes}
        for i, code in enumerate(placed.model.codes):
            for m, member in enumerate(code.members):
                if member not in known:
                    text = f"no code '{member}' in this list; {did_you_mean(member, known)}"
                    yield placed.problem(("codes", i, "members", m), text)


def _series(folder: Folder, catalogue: Catalogue) -> Iterator[Problem]:
    """A series rests on an output, a unit, dimensions and breakdowns that exist."""
    for placed in folder.indicators:
        indicator: Indicator = placed.model
        for i, series in enumerate(indicator.series):
            path: YamlPath = ("series", i)
            for key, text in _series_problems(series, catalogue):
                yield placed.problem((*path, *key), text)


def _series_problems(series: Series, catalogue: Catalogue) -> Iterator[tuple[YamlPath, str]]:
    yield from _series_definition(series, catalogue)
    if series.variable is None and series.statistic in ("proportion", "total"):
        yield ("statistic",), f"a {series.statistic} needs the 'variable' it is of"
    units = catalogue.codelists.get("unit_measure")
    if units is not None and units.code(series.unit) is None:
        yield ("unit",), f"no unit '{series.unit}'; {did_you_mean(series.unit, units.details())}"
    expected = _MULTIPLIERS.get(series.unit, series.multiplier)
    if series.multiplier != expected:
        yield (
            ("multiplier",),
            f"a series in {series.unit} is multiplied by {expected:g}, found {series.multiplier:g}",
        )
    for name in series.sdmx:
        if name not in _SDMX_DIMENSIONS:
            yield ("sdmx", name), f"no dimension '{name}'; {did_you_mean(name, _SDMX_DIMENSIONS)}"
    for b, names in enumerate(series.breakdowns):
        for n, name in enumerate(names):
            variable = catalogue.variables.get(name)
            text = catalogue.lacks("variables", name)
            if text:
                yield ("breakdowns", b, n), text
            elif variable is not None and variable.type not in ("code", "boolean", "text"):
                yield ("breakdowns", b, n), f"'{name}' is a number; break down by a coded variable"


def _series_definition(series: Series, catalogue: Catalogue) -> Iterator[tuple[YamlPath, str]]:
    definition = catalogue.definitions.get(series.definition)
    if definition is None:
        text = catalogue.lacks("definitions", series.definition)
        if text:
            yield ("definition",), text
        return
    versions = {v.version: v for v in definition.versions}
    if series.version not in versions:
        yield ("version",), f"no version '{series.version}'; {did_you_mean(series.version, versions)}"
    elif series.variable is not None and versions[series.version].output(series.variable) is None:
        outputs = [o.id for o in versions[series.version].outputs]
        yield ("variable",), f"no output '{series.variable}'; {did_you_mean(series.variable, outputs)}"


def _walk(data: Any, path: YamlPath, wanted: str) -> Iterator[tuple[YamlPath, Any]]:
    """Every value that stands under the key ``wanted``."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == wanted:
                yield (*path, key), value
            else:
                yield from _walk(value, (*path, key), wanted)
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _walk(value, (*path, i), wanted)


def _leaves(data: Any, path: YamlPath) -> Iterator[tuple[YamlPath, dict[str, Any]]]:
    """Leaves of every rule in a document, with their place."""
    for key in ("rule", "universe", "when"):
        for at, rule in _walk(data, path, key):
            yield from _rule_leaves(rule, at)


def _rule_leaves(data: Any, path: YamlPath) -> Iterator[tuple[YamlPath, dict[str, Any]]]:
    if isinstance(data, dict):
        if "variable" in data or "criterion" in data:
            yield path, data
            return
        for key, value in data.items():
            yield from _rule_leaves(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _rule_leaves(value, (*path, i))


_CHECKS = (_unique_ids, _references, _rules, _criteria_of_outputs, _versions, _codelists, _series)
