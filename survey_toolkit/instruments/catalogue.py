"""All files of ``instruments/``, read once, every problem kept with its file and line."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from survey_toolkit._resources import data_root
from survey_toolkit._yaml import StrictModel, YamlDocument, YamlPath, load_document
from survey_toolkit.errors import InstrumentError, did_you_mean
from survey_toolkit.instruments.models import (
    Choice,
    Item,
    ListsFile,
    Module,
    Node,
    QuestionnaireFile,
    TranslationFile,
    walk,
)

__all__ = ["Catalogue", "Finding", "Placed", "cells_of", "fingerprint", "read_catalogue"]

M = TypeVar("M", bound=StrictModel)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, or one gap in a translation.

    Attributes
    ----------
    file, line, key, message
        Where, and what.
    kind : {"error", "coverage", "gap", "stale"}
        A ``gap`` is a text without translation, ``stale`` one whose English has changed since.
    """

    file: str
    line: int
    key: str
    message: str
    kind: str = "error"

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{key} {self.message}"


@dataclass(frozen=True, slots=True)
class Placed(Generic[M]):
    """A model and the document it was read from."""

    model: M
    document: YamlDocument

    def finding(self, path: YamlPath, message: str, kind: str = "error") -> Finding:
        """Return a finding at a key of this document."""
        key = ".".join(str(p) for p in path)
        return Finding(self.document.name, self.document.line(path), key, message, kind)


@dataclass(slots=True)
class Catalogue:
    """All files of a folder; what could not be read stands in ``problems``."""

    root: Path
    modules: dict[str, Placed[Module]] = field(default_factory=dict)
    questionnaires: dict[str, Placed[QuestionnaireFile]] = field(default_factory=dict)
    translations: dict[tuple[str, str], Placed[TranslationFile]] = field(default_factory=dict)
    lists: Placed[ListsFile] | None = None
    problems: list[Finding] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    _english: dict[str, dict[str, tuple[str, YamlPath]]] = field(default_factory=dict, repr=False)

    def english(self, file: str) -> dict[str, tuple[str, YamlPath]]:
        """Key of each cell of a file to its English text and place; ``lists`` and ``questionnaires`` too."""
        if file not in self._english:
            if file == "lists":
                cells = cells_of(self.shared())
            elif file == "questionnaires":
                cells = cells_of({id: placed.model for id, placed in self.questionnaires.items()})
            else:
                cells = cells_of(self.module(file).model)
            self._english[file] = {key: (text, path) for key, text, path in cells}
        return self._english[file]

    def module(self, id: str) -> Placed[Module]:
        """Return a module, or name the nearest ones."""
        if id not in self.modules:
            raise _unknown("module", id, self.modules)
        return self.modules[id]

    def questionnaire(self, id: str) -> Placed[QuestionnaireFile]:
        """Return a questionnaire, or name the nearest ones."""
        if id not in self.questionnaires:
            raise _unknown("questionnaire", id, self.questionnaires)
        return self.questionnaires[id]

    def shared(self) -> ListsFile:
        """Shared lists and texts."""
        if self.lists is None:
            raise InstrumentError(
                "lists.yaml cannot be read",
                where=str(self.root),
                code="no-lists",
                hint="the folder needs a sound lists.yaml: run the check",
            )
        return self.lists.model


def _unknown(what: str, id: str, known: dict[str, Placed[M]]) -> InstrumentError:
    return InstrumentError(
        f"there is no {what} '{id}'",
        expected=did_you_mean(id, known),
        hint="'survey-toolkit instrument list' shows all",
        code=f"unknown-{what}",
    )


def read_catalogue(path: str | os.PathLike[str] | None = None) -> Catalogue:
    """Read the shipped instruments, or a folder of one's own over them.

    Parameters
    ----------
    path : path, optional
        A folder laid out as ``instruments/``. What it lacks is taken from the shipped one; of two files
        with one id its own counts.

    Examples
    --------
    >>> "example_work" in read_catalogue().modules
    True
    """
    return _shipped() if path is None else _over(_read(Path(path)), _shipped())


@functools.cache
def _shipped() -> Catalogue:
    return _read(data_root("instruments"))


def _over(mine: Catalogue, shipped: Catalogue) -> Catalogue:
    mine.modules = {**{k: v for k, v in shipped.modules.items() if k not in mine.unread}, **mine.modules}
    mine.questionnaires = {**shipped.questionnaires, **mine.questionnaires}
    kept = {k: v for k, v in shipped.translations.items() if k[1] not in mine.own}
    mine.translations = {**kept, **mine.translations}
    mine.lists = mine.lists or shipped.lists
    return mine


def _read(root: Path) -> Catalogue:
    if not root.is_dir():
        raise InstrumentError(
            "there is no such folder", where=str(root), code="missing-folder", hint="check the path"
        )
    found = Catalogue(root)
    for file in sorted((root / "modules").glob("*.yaml")):
        module = _load(found, file, Module)
        _named(found, module, file)
        if module is not None:
            found.modules[module.model.id] = module
            found.own.add(module.model.id)
        else:
            found.unread.add(file.stem)
    for file in sorted((root / "questionnaires").glob("*.yaml")):
        form = _load(found, file, QuestionnaireFile)
        _named(found, form, file)
        if form is not None:
            found.questionnaires[form.model.id] = form
    if (root / "lists.yaml").is_file():
        found.lists = _load(found, root / "lists.yaml", ListsFile)
    for file in sorted((root / "translations").glob("*/*.yaml")):
        cells = _load(found, file, TranslationFile)
        if cells is None:
            continue
        found.translations[(cells.model.language, cells.model.module)] = cells
        if (cells.model.language, cells.model.module) != (file.parent.name, file.stem):
            text = f"the file stands at {file.parent.name}/{file.name}, but says "
            text += f"'{cells.model.language}' and '{cells.model.module}'"
            found.problems.append(cells.finding((), text))
    return found


def _named(found: Catalogue, placed: Placed[Module] | Placed[QuestionnaireFile] | None, file: Path) -> None:
    if placed is not None and placed.model.id != file.stem:
        text = f"the file is called '{file.stem}', its id is '{placed.model.id}'"
        found.problems.append(placed.finding(("id",), text))


def _load(found: Catalogue, file: Path, model: type[M]) -> Placed[M] | None:
    name = file.relative_to(found.root).as_posix()
    try:
        document = load_document(file, name=name, error=InstrumentError)
        return Placed(document.validate(model, error=InstrumentError), document)
    except InstrumentError as exc:
        lines = exc.problems or (f"{exc.where}: {exc.what}" + (f" ({exc.found})" if exc.found else ""),)
        found.problems += [_from_text(line, name) for line in lines]
        return None


def _from_text(text: str, name: str) -> Finding:
    match = re.match(r"(?P<file>.*?):(?P<line>\d+): (?:(?P<key>[\w.-]+): )?(?P<message>.*)", text, re.DOTALL)
    if match is None:
        return Finding(name, 1, "", text)
    message = " ".join(match["message"].split())
    return Finding(match["file"], int(match["line"]), match["key"] or "", message)


def fingerprint(text: str) -> str:
    """Eight hexadecimal digits of a text; blanks and line breaks do not count.

    Examples
    --------
    >>> fingerprint("How old  are you?") == fingerprint("How old are you?")
    True
    """
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:8]


Texts = Iterator[tuple[str, str, YamlPath]]


def cells_of(model: Module | ListsFile | dict[str, QuestionnaireFile]) -> Texts:
    """Every text of a file: key of the cell, English text, path in the English file."""
    if isinstance(model, ListsFile):
        for reason, text in model.missing.items():
            yield f"missing.{reason}", text, ("missing", reason)
        for name, text in model.texts.items():
            yield f"texts.{name}", text, ("texts", name)
        yield from _list_cells(model.lists)
    elif isinstance(model, Module):
        yield from _module_cells(model)
    else:
        for id, form in sorted(model.items()):
            yield f"{id}.title", form.title, ("title",)


def _module_cells(module: Module) -> Texts:
    yield "title", module.title, ("title",)
    if module.introduction:
        yield "introduction", module.introduction, ("introduction",)
    for name, parameter in module.parameters.items():
        yield f"parameters.{name}.text", parameter.text, ("parameters", name, "text")
        for option, text in parameter.options.items():
            yield f"parameters.{name}.{option}", text, ("parameters", name, "options", option)
    yield from _list_cells(module.lists)
    for path, node, _ in walk(module.items):
        yield from _node_cells(node, path)


def _node_cells(node: Node, path: YamlPath) -> Texts:
    if isinstance(node, Item) and node.calculate is not None:
        if node.text and node.calculate.on_paper:
            yield f"{node.id}.text", node.text, (*path, "text")
        return
    for key in ("text", "hint", "instruction", "constraint_text", "unit"):
        text = getattr(node, key, None)
        if text:
            yield f"{node.id}.{key}", text, (*path, key)
    if isinstance(node, Item) and isinstance(node.codes, tuple):
        yield from _choice_cells(f"{node.id}.codes", node.codes, (*path, "codes"))


def _list_cells(lists: dict[str, tuple[Choice, ...]]) -> Texts:
    for name, choices in lists.items():
        yield from _choice_cells(f"lists.{name}", choices, ("lists", name))


def _choice_cells(prefix: str, choices: tuple[Choice, ...], path: YamlPath) -> Texts:
    for index, choice in enumerate(choices):
        yield f"{prefix}.{choice.id}", choice.text, (*path, index)
        if choice.instruction:
            yield f"{prefix}.{choice.id}.instruction", choice.instruction, (*path, index, "instruction")
