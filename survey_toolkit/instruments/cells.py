"""Translations cell by cell: gaps, texts whose English has changed, and files with every cell to fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from survey_toolkit.instruments.catalogue import Catalogue, Finding, Placed, fingerprint
from survey_toolkit.instruments.models import TranslationFile, walk

if TYPE_CHECKING:
    from survey_toolkit._yaml import YamlPath
    from survey_toolkit.instruments.questionnaire import Questionnaire

__all__ = ["cells_text", "language_status", "translation_findings"]


def translation_findings(form: Questionnaire) -> Iterator[Finding]:
    """One finding a cell without translation or with a stale one, in the languages of the form."""
    for language in form.languages:
        if language == "en":
            continue
        yield from _file_findings(form, language, "lists", _lists_used(form))
        yield from _file_findings(form, language, "questionnaires", {f"{form.id}.title"})
        for used in form.modules:
            yield from _file_findings(form, language, used.module.id, _cells_used(form, used.module.id))


def _file_findings(form: Questionnaire, language: str, file: str, wanted: set[str]) -> Iterator[Finding]:
    english = {key: found for key, found in form.catalogue.english(file).items() if key in wanted}
    placed = form.catalogue.translations.get((language, file))
    for key, (text, path) in english.items():
        cell = placed.model.cells.get(key) if placed is not None else None
        if cell is None or placed is None:
            yield _origin(form.catalogue, form.id, file, path, f"'{key}' has no {language} text")
        elif cell.text is None:
            yield placed.finding(("cells", key), f"'{key}' has no {language} text", "gap")
        elif cell.english != fingerprint(text):
            said = f"the English of '{key}' changed since it was translated ({cell.status})"
            yield placed.finding(("cells", key), said, "stale")
    if placed is not None:
        known = form.catalogue.english(file)
        for key in placed.model.cells:
            if key not in known and file != "questionnaires":
                yield placed.finding(("cells", key), f"the English file has no text '{key}'")


def _origin(catalogue: Catalogue, form: str, file: str, path: YamlPath, text: str) -> Finding:
    """A gap without a cell is shown where the English text stands."""
    if file == "lists" and catalogue.lists is not None:
        return catalogue.lists.finding(path, text, "gap")
    if file == "questionnaires":
        return catalogue.questionnaire(form).finding(path, text, "gap")
    return catalogue.module(file).finding(path, text, "gap")


def _cells_used(form: Questionnaire, module: str) -> set[str]:
    """Cells of a module that this form shows: not those of questions it leaves out."""
    used = next(u for u in form.modules if u.module.id == module)
    kept = {node.id for _, node, _ in walk(used.nodes)}
    dropped = {node.id for _, node, _ in walk(used.module.items)} - kept
    return {key for key in form.catalogue.english(module) if key.split(".")[0] not in dropped}


def _lists_used(form: Questionnaire) -> set[str]:
    shared = {cell for cell in form.catalogue.english("lists") if cell.startswith("texts.")}
    for step in form.items():
        if step.item.codes is not None or step.item.missing_codes:
            shared |= {option.cell for option in form.options(step.id) if option.file == "lists"}
    return shared


def language_status(form: Questionnaire, language: str) -> Mapping[str, int]:
    """How many cells of the form have which status in a language."""
    counts = dict.fromkeys(("approved", "reviewed", "draft", "stale", "missing"), 0)
    files = [("lists", _lists_used(form)), ("questionnaires", {f"{form.id}.title"})]
    files += [(u.module.id, _cells_used(form, u.module.id)) for u in form.modules]
    for file, wanted in files:
        for cell in wanted:
            status = form.shown(language, file, cell).status
            counts[status if status != "original" else "approved"] += 1
    return counts


def cells_text(catalogue: Catalogue, language: str, file: str) -> str:
    """The translation file of a module with every cell: what is there is kept, the rest is ``missing``.

    The fingerprint of a kept cell is not touched: whether the text still says what the English says is for
    the translator to decide.
    """
    placed: Placed[TranslationFile] | None = catalogue.translations.get((language, file))
    lines = [f"module: {file}", f"language: {language}", "cells:"]
    for key, (text, _) in catalogue.english(file).items():
        cell = placed.model.cells.get(key) if placed is not None else None
        lines.append(f"  # {' '.join(text.split())}")
        if cell is None or cell.text is None:
            lines.append(f"  {key}: {{status: missing}}")
            continue
        by = f", by: {_quoted(cell.by)}" if cell.by else ""
        mark = _quoted(cell.english or "")
        lines.append(f"  {key}: {{text: {_quoted(cell.text)}, status: {cell.status}, english: {mark}{by}}}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'
