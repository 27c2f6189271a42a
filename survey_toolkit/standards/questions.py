"""Which questions measure a criterion, read from the module files of the questionnaires.

The standards know nothing of questionnaires. All that is read here are the ties that a question states
itself: the criteria and the variable it is bound to, wherever in a module file it stands. So a module file
of any layout is understood, and one that is broken is somebody else's to report.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_toolkit._resources import data_root
from survey_toolkit._yaml import load_document
from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.standards.model_parts import in_language
from survey_toolkit.standards.registry import Registry
from survey_toolkit.standards.rules import rule_variables

__all__ = ["Question", "questions", "questions_for"]

_TEXT_KEYS = ("text", "label", "question", "title")
#: Keys under which the answer categories of a question stand.
_CATEGORY_KEYS = ("codes", "choices", "categories")
#: Keys that hold a rule: a rule names variables, it measures none.
_RULE_KEYS = ("rule", "ask_if", "relevant", "constraint", "valid_if", "calculate", "filter", "universe")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what it says it measures.

    Attributes
    ----------
    id, module : str
    text : str
        In the language asked for, or in English.
    criteria, variables : tuple of str
    """

    id: str
    module: str
    text: str
    criteria: tuple[str, ...]
    variables: tuple[str, ...]


def questions(folder: str | os.PathLike[str] | None = None, *, language: str = "en") -> tuple[Question, ...]:
    """Every question of ``modules/*.yaml`` that is bound to a criterion or a variable.

    Parameters
    ----------
    folder : path, optional
        A folder with ``modules/``; default the shipped instruments.
    language : str
    """
    return _shipped(language) if folder is None else _read(Path(folder), language)


@functools.cache
def _shipped(language: str) -> tuple[Question, ...]:
    return _read(data_root("instruments"), language)


def _read(folder: Path, language: str) -> tuple[Question, ...]:
    root = folder / "modules"
    found: list[Question] = []
    if not root.is_dir():
        return ()
    for file in sorted(root.glob("*.yaml")):
        try:
            document = load_document(file)
        except SurveyToolkitError:
            continue  # the instruments' own check tells what is wrong with it
        found += _walk(document.data, file.stem, language)
    return tuple(found)


def questions_for(
    registry: Registry, criterion: str, asked: Iterable[Question] | None = None
) -> tuple[Question, ...]:
    """Questions that measure a criterion: bound to it, or to a variable that its rule reads.

    Examples
    --------
    >>> from survey_toolkit.standards import load
    >>> own = [Question("Q7", "mine", "Did ...?", (), ("pen_debt",))]
    >>> [q.id for q in questions_for(load(), "pen.debt", own)]
    ['Q7']
    """
    rules = {name: item.rule for name, item in registry.criterion_items.items()}
    reads = rule_variables(registry.criterion(criterion).rule, criteria=rules)
    for name in sorted(reads & set(registry.variables)):
        # a derived variable is measured by what it is made of
        for step in registry.variables[name].derive:
            reads |= rule_variables(step.when, criteria=rules) if step.when is not None else frozenset()
    every = questions() if asked is None else asked
    return tuple(q for q in every if criterion in q.criteria or reads & set(q.variables))


def _walk(data: Any, module: str, language: str, owner: tuple[str, str] = ("", "")) -> Iterator[Question]:
    """Questions in a part of a module; ``owner`` is the question whose answer categories the part holds."""
    if isinstance(data, Mapping):
        name, text = data.get("id", data.get("name")), _text(data, language)
        criteria = _names(data, ("criteria", "criterion", "criterion_ids"))
        variables = _names(data, ("variable", "variables"))
        if name is not None and (criteria or variables):
            id, said = (owner[0], f"{owner[1]} [{text}]") if owner[0] else (str(name), text)
            yield Question(id, module, said, criteria, variables)
        for key, value in data.items():
            inner = (str(name), text) if key in _CATEGORY_KEYS else ("", "")
            if key not in _RULE_KEYS:
                yield from _walk(value, module, language, inner)
    elif isinstance(data, list):
        for value in data:
            yield from _walk(value, module, language, owner)


def _names(data: Mapping[Any, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for key in keys:
        value = data.get(key)
        listed = value if isinstance(value, list) else list(value) if isinstance(value, Mapping) else [value]
        found += [item for item in listed if isinstance(item, str)]
    return tuple(dict.fromkeys(found))


def _text(data: Mapping[Any, Any], language: str) -> str:
    for key in _TEXT_KEYS:
        value = data.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping) and isinstance(value.get("en"), str):
            return in_language({k: v for k, v in value.items() if isinstance(v, str)}, language)
    return ""
