"""Read a folder of standards: every file against its model, every problem kept with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from survey_toolkit._yaml import StrictModel, YamlDocument, YamlPath, load_document
from survey_toolkit.errors import DefinitionError
from survey_toolkit.standards.cases import CaseFile
from survey_toolkit.standards.models import (
    Codelist,
    Correspondence,
    CriteriaList,
    Definition,
    DefinitionExtension,
    Indicator,
    NationalFile,
    PopulationFile,
    SourceFile,
    VariableFile,
)
from survey_toolkit.standards.rules import collect_rule

__all__ = ["Folder", "Placed", "Problem", "read_folder"]

M = TypeVar("M", bound=StrictModel)

#: Keys whose value is a rule, wherever they stand.
_RULE_KEYS = ("rule", "universe", "when")
#: Folders that other rooms read.
_OTHER_ROOMS = ("crosswalks", "frameworks", "sdmx")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in the standards.

    Examples
    --------
    >>> print(Problem("criteria/fl_menace.yaml", 12, "criteria.0.rule.anyof", "unknown operator"))
    criteria/fl_menace.yaml:12: criteria.0.rule.anyof: unknown operator
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{key} {self.message}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A model and the document it was read from."""

    model: Any
    document: YamlDocument

    def problem(self, path: YamlPath, message: str) -> Problem:
        """Return a problem at a key of this document."""
        key = ".".join(str(p) for p in path)
        return Problem(self.document.name, self.document.line(path), key, message)


@dataclass(slots=True)
class Folder:
    """All files of a folder of standards, by kind.

    ``unread`` names the kinds of which a file could not be read: what such a file would hold is not
    reported as missing elsewhere, so that one mistake gives one problem. ``national`` is the file that
    makes the folder an extension of the international one, ``overridden`` the (kind, id) it replaces there.
    """

    root: Path
    prefix: str = ""
    sources: list[Placed] = field(default_factory=list)
    definitions: list[Placed] = field(default_factory=list)
    criteria: list[Placed] = field(default_factory=list)
    codelists: list[Placed] = field(default_factory=list)
    variables: list[Placed] = field(default_factory=list)
    indicators: list[Placed] = field(default_factory=list)
    populations: list[Placed] = field(default_factory=list)
    correspondences: list[Placed] = field(default_factory=list)
    cases: list[Placed] = field(default_factory=list)
    national: Placed | None = None
    overridden: frozenset[tuple[str, str]] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)

    def all(self) -> Iterator[Placed]:
        """Every file that could be read."""
        for kind in (*_KINDS, "sources", "cases"):
            yield from getattr(self, kind)
        if self.national is not None:
            yield self.national


#: Folder of one kind, its model, and the part of the model that the file must be named after.
_KINDS: dict[str, tuple[type[StrictModel], Callable[[Any], str] | None]] = {
    "definitions": (Definition, lambda m: m.extends if isinstance(m, DefinitionExtension) else m.id),
    "criteria": (CriteriaList, lambda m: m.id),
    "codelists": (Codelist, lambda m: m.id),
    "variables": (VariableFile, None),
    "indicators": (Indicator, lambda m: m.id),
    "populations": (PopulationFile, lambda m: m.country),
    "correspondences": (Correspondence, lambda m: m.id),
}


def read_folder(root: Path, *, prefix: str = "") -> Folder:
    """Read every file of the standards; problems are collected, not raised, and name prefix and file.

    Raises
    ------
    DefinitionError
        If there is no such folder.
    """
    if not root.is_dir():
        raise DefinitionError(
            "there is no such folder of standards",
            where=str(root),
            expected="a folder with sources.yaml, definitions/, criteria/, codelists/, variables/",
            hint="check the path",
            code="missing-folder",
        )
    folder = Folder(root, prefix)
    if (root / "national.yaml").is_file():
        folder.national = _read(folder, root / "national.yaml", NationalFile)
    if placed := _read(folder, root / "sources.yaml", SourceFile):
        folder.sources.append(placed)
    else:
        folder.unread.add("sources")
    for kind, (model, named_after) in _KINDS.items():
        for file in sorted((root / kind).glob("*.yaml")):
            if file.name.endswith(".cases.yaml"):
                _read_cases(folder, kind, file)
            elif placed := _read(folder, file, model):
                getattr(folder, kind).append(placed)
                _check_name(folder, placed, file.stem, named_after)
            else:
                folder.unread.add(kind)
    _refuse_strays(folder)
    return folder


def _check_name(folder: Folder, placed: Placed, stem: str, named_after: Callable[[Any], str] | None) -> None:
    if named_after and named_after(placed.model) != stem:
        key = "country" if isinstance(placed.model, PopulationFile) else "id"
        text = f"the file is called '{stem}', its {key} is '{named_after(placed.model)}'"
        folder.problems.append(placed.problem((key,), text))


def _read_cases(folder: Folder, kind: str, file: Path) -> None:
    placed = _read(folder, file, CaseFile)
    if placed is None:
        return
    folder.cases.append(placed)
    stem = file.name.removesuffix(".cases.yaml")
    subject = placed.model.criteria if kind == "criteria" else placed.model.definition
    if subject != stem:
        folder.problems.append(
            placed.problem((), f"the file is called '{stem}', its cases are of '{subject}'")
        )


def _refuse_strays(folder: Folder) -> None:
    """A file nobody reads is most likely a misspelt folder."""
    known = {*_KINDS, *_OTHER_ROOMS}
    for file in sorted(folder.root.rglob("*.y*ml")):
        parts = file.relative_to(folder.root).parts
        name = "/".join(parts)
        if parts[0] in _OTHER_ROOMS or name in ("sources.yaml", "national.yaml"):
            continue
        if len(parts) != 2 or parts[0] not in known or file.suffix != ".yaml":
            text = "no part of the standards reads this file; expected <kind>/<id>.yaml with kind one of "
            folder.problems.append(Problem(name, 1, "", text + ", ".join(sorted(known))))


def _read(folder: Folder, file: Path, model: type[M]) -> Placed | None:
    name = folder.prefix + file.relative_to(folder.root).as_posix()
    try:
        document = load_document(file, name=name)
    except DefinitionError as exc:
        match = re.match(r"(.*?):(\d+)$", exc.where or "")
        line = int(match.group(2)) if match else 1
        detail = f" ({exc.found})" if exc.found else ""
        folder.problems.append(Problem(name, line, "", exc.what + detail))
        return None
    in_rules = list(_rule_problems(document))
    if model is Definition and isinstance(document.data, dict) and "extends" in document.data:
        model = DefinitionExtension  # type: ignore[assignment]
    try:
        value = document.validate(model)
    except DefinitionError as exc:
        folder.problems += in_rules
        folder.problems += [p for p in map(_from_text, exc.problems) if not _is_rule_summary(p)]
        return None
    return Placed(value, document)


def _rule_problems(document: YamlDocument) -> Iterator[Problem]:
    """Problems inside rules, each on its own line instead of that of the whole rule."""
    for path, data in _rules_in(document.data, ()):
        for inner, message in collect_rule(data)[1]:
            here = (*path, *inner)
            yield Problem(document.name, document.line(here), ".".join(map(str, here)), message)


def _rules_in(data: Any, path: YamlPath) -> Iterator[tuple[YamlPath, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            if key in _RULE_KEYS and isinstance(value, dict | list):
                yield (*path, key), value
            elif key not in _RULE_KEYS:
                yield from _rules_in(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _rules_in(value, (*path, i))


def _from_text(text: str) -> Problem:
    match = re.match(r"(?P<file>.*?):(?P<line>\d+): (?:(?P<key>[\w.-]+): )?(?P<message>.*)", text, re.DOTALL)
    if match is None:
        return Problem("", 1, "", text)
    return Problem(match["file"], int(match["line"]), match["key"] or "", match["message"])


def _is_rule_summary(problem: Problem) -> bool:
    return problem.message.startswith("rule: the rule cannot be read")
