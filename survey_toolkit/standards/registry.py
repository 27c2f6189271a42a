"""The registry: all standards, loaded once, asked by id."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from survey_toolkit._resources import data_root
from survey_toolkit.errors import DefinitionError, did_you_mean
from survey_toolkit.standards.catalogue import all_definitions
from survey_toolkit.standards.checks import check_folder
from survey_toolkit.standards.folder import Folder, Problem, read_folder
from survey_toolkit.standards.models import (
    Codelist,
    Correspondence,
    CriteriaList,
    CriterionItem,
    Definition,
    DefinitionVersion,
    Indicator,
    NationalFile,
    Population,
    Series,
    Source,
    StandardVariable,
    in_language,
)
from survey_toolkit.standards.national import extend, resolve_versions
from survey_toolkit.standards.rules import Rule, rule_criteria, rule_sentence

__all__ = ["Registry", "check", "load"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registry:
    """All standards of a folder.

    Attributes
    ----------
    root : Path
    definitions, criteria_lists, codelists, variables, indicators, sources, populations, correspondences
        Mappings of id to item; a definition holds its versions.
    criterion_items : mapping
        Id of a criterion, over all lists, to the criterion.
    national : NationalFile or None
        What ``national.yaml`` says, where the folder extends the international standards.
    overridden : frozenset of (kind, id)
        International items in whose place the national folder puts its own.

    Examples
    --------
    >>> reg = load()
    >>> reg.definition("child_labour", "mics6").key
    'child_labour@mics6'
    >>> reg.definition("forced_labor")
    Traceback (most recent call last):
    survey_toolkit.errors.DefinitionError: there is no definition 'forced_labor'
      expected: did you mean 'forced_labour' or 'forced_labour_types' or 'forced_labour_children'?
    """

    root: Path
    definitions: Mapping[str, Definition]
    criteria_lists: Mapping[str, CriteriaList]
    criterion_items: Mapping[str, CriterionItem]
    codelists: Mapping[str, Codelist]
    variables: Mapping[str, StandardVariable]
    indicators: Mapping[str, Indicator]
    sources: Mapping[str, Source]
    populations: Mapping[str, Population]
    correspondences: Mapping[str, Correspondence]
    national: NationalFile | None = None
    overridden: frozenset[tuple[str, str]] = frozenset()

    def __repr__(self) -> str:
        counts = (
            f"{sum(len(d.versions) for d in self.definitions.values())} definitions",
            f"{len(self.criterion_items)} criteria",
            f"{len(self.variables)} variables",
            f"{len(self.indicators)} indicators",
        )
        return f"Registry({', '.join(counts)})"

    def definition(self, id: str, version: str | None = None) -> DefinitionVersion:
        """Return a version of a definition; ``id`` may be ``id@version``; without one, the default.

        Raises
        ------
        DefinitionError
            If the id or the version is unknown; names the nearest ids, or lists the versions.
        """
        name, _, given = id.partition("@")
        wanted = version or given or None
        definition = _get(self.definitions, name, "definition")
        wanted = wanted or definition.default
        for candidate in definition.versions:
            if candidate.version == wanted:
                return candidate
        raise DefinitionError(
            f"definition '{name}' has no version '{wanted}'",
            expected="one of " + ", ".join(f"'{v.version}'" for v in definition.versions),
            hint="survey-toolkit standards list shows every version",
            code="unknown-version",
        )

    def deciding(self, id: str | DefinitionVersion, version: str | None = None) -> DefinitionVersion:
        """Return a version that decides statuses; a slot, whose source could not be read, does not.

        Raises
        ------
        DefinitionError
            As ``definition``, or if the version has no rule; names the versions that have one.
        """
        found = self.definition(id, version) if isinstance(id, str) else id
        if not found.outputs:
            others = [v.version for v in self.definitions[found.id].versions if v.outputs]
            raise DefinitionError(
                f"{found.key} has no rule: its source could not be read",
                expected=f"a version with a rule: {', '.join(others)}" if others else "a version with a rule",
                hint="standards show tells what is known of it",
                code="no-rule",
            )
        return found

    def criteria(self, id: str) -> CriteriaList:
        """Return a criteria list."""
        return _get(self.criteria_lists, id, "criteria list")

    def criterion(self, id: str) -> CriterionItem:
        """Return a criterion of any list."""
        return _get(self.criterion_items, id, "criterion")

    def correspondence(self, id: str) -> Correspondence:
        """Return a correspondence table."""
        return _get(self.correspondences, id, "correspondence")

    def codelist(self, id: str) -> Codelist:
        """Return a code list."""
        return _get(self.codelists, id, "code list")

    def variable(self, id: str) -> StandardVariable:
        """Return a harmonized variable."""
        return _get(self.variables, id, "variable")

    def indicator(self, id: str) -> Indicator:
        """Return an indicator."""
        return _get(self.indicators, id, "indicator")

    def source(self, id: str) -> Source:
        """Return a source."""
        return _get(self.sources, id, "source")

    def population(self, key: str) -> Population:
        """Return a population by ``"GBR/2013"``, or ``"GBR/2013/adults"`` for a part."""
        return _get(self.populations, key, "population")

    def series(self, id: str) -> Series:
        """Return a series of any indicator."""
        return self.series_home(id)[1]

    def series_home(self, id: str) -> tuple[Indicator, Series]:
        """Return the indicator a series belongs to, and the series."""
        homes = {s.id: (i, s) for i in self.indicators.values() for s in i.series}
        return _get(homes, id, "series")

    def criteria_rules(self, definition: DefinitionVersion | str) -> dict[str, Rule]:
        """Rules of the criteria a definition may name, by criterion id: input of ``compile_rule``.

        Criteria that these criteria name in turn are among them.
        """
        version = self.definition(definition) if isinstance(definition, str) else definition
        lists = dict.fromkeys(name for output in version.outputs for name in output.criteria)
        found = {item.id: item.rule for name in lists for item in self.criteria(name).criteria}
        waiting = list(found.values())
        while waiting:
            for name in rule_criteria(waiting.pop()):
                if name not in found:
                    found[name] = self.criterion(name).rule
                    waiting.append(found[name])
        return found

    def variable_labels(self, language: str = "en") -> dict[str, str]:
        """Variable id to label."""
        return {k: in_language(v.label, language) for k, v in self.variables.items()}

    def criteria_labels(self, language: str = "en") -> dict[str, str]:
        """Criterion id to label."""
        return {k: in_language(v.label, language) for k, v in self.criterion_items.items()}

    def code_labels(self, variable: str, language: str = "en") -> dict[str, str]:
        """Codes of a variable and their labels; empty for a variable without a code list."""
        codelist = self.variable(variable).codelist
        return self.codelist(codelist).labels(language) if codelist else {}

    def sentence(self, rule: Rule, language: str = "en") -> str:
        """Write a rule with the labels of this registry."""
        coded = (v.id for v in self.variables.values() if v.codelist)
        return rule_sentence(
            rule,
            criteria_labels=self.criteria_labels(language),
            variable_labels=self.variable_labels(language),
            code_labels={v: self.code_labels(v, language) for v in coded},
        )

    def indicators_using(self, definition: str, version: str | None = None) -> tuple[Series, ...]:
        """Series that rest on a definition (on this version, if one is given)."""
        every = (s for i in self.indicators.values() for s in i.series)
        return tuple(s for s in every if s.definition == definition and version in (None, s.version))


def load(path: str | os.PathLike[str] | None = None) -> Registry:
    """Load the shipped standards, or those of a folder of your own.

    Parameters
    ----------
    path : path, optional
        A folder laid out as ``harmonization/``; default: the shipped one, read once.

    Raises
    ------
    DefinitionError
        If anything in the folder is wrong; tells all problems at once, with file and line.

    Examples
    --------
    >>> load().variable("age").unit
    'year'
    """
    return _shipped() if path is None else _build(Path(path))


def check(path: str | os.PathLike[str] | None = None) -> list[Problem]:
    """Check every file of the standards; an empty list means all is well.

    Examples
    --------
    >>> check()
    []
    """
    folder = _read(data_root("harmonization") if path is None else Path(path))
    return sorted(set(folder.problems + check_folder(folder)))


@functools.cache
def _shipped() -> Registry:
    return _build(data_root("harmonization"))


@functools.cache
def _international() -> Folder:
    """The shipped folder as it lies under a national one; read once and never changed."""
    return read_folder(data_root("harmonization"), prefix="international/")


def _read(root: Path) -> Folder:
    """The folder, over the international one where it extends that, every version with its outputs."""
    folder = read_folder(root)
    if (root / "national.yaml").is_file():
        folder = extend(_international(), folder)
    resolve_versions(folder)
    return folder


def _build(root: Path) -> Registry:
    folder = _read(root)
    problems = sorted(set(folder.problems + check_folder(folder, cases=False)))
    if problems:
        raise DefinitionError(
            f"the standards have {len(problems)} problem{'s' if len(problems) != 1 else ''}",
            where=str(root),
            problems=map(str, problems),
            hint="correct the lines named above",
            code="invalid-standards",
        )
    return _assemble(folder)


def _assemble(folder: Folder) -> Registry:
    lists = _first((p.model.id, p.model) for p in folder.criteria)
    return Registry(
        root=folder.root,
        definitions=all_definitions(folder),
        criteria_lists=lists,
        criterion_items={c.id: c for listed in lists.values() for c in listed.criteria},
        codelists=_first((p.model.id, p.model) for p in folder.codelists),
        variables=_first((v.id, v) for p in folder.variables for v in p.model.items()),
        indicators=_first((p.model.id, p.model) for p in folder.indicators),
        sources=_first((s.id, s) for p in folder.sources for s in p.model.sources),
        populations=_first((x.key, x) for p in folder.populations for x in p.model.items()),
        correspondences=_first((p.model.id, p.model) for p in folder.correspondences),
        national=folder.national.model if folder.national else None,
        overridden=folder.overridden,
    )


def _first(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Id to item; of two with one id the first, which is the national one."""
    found: dict[str, T] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _get(items: Mapping[str, T], id: Any, what: str) -> T:
    if id in items:
        return items[id]
    raise DefinitionError(
        f"there is no {what} '{id}'",
        expected=did_you_mean(id, items),
        code=f"unknown-{what.replace(' ', '-')}",
    )
