"""A questionnaire assembled from its modules: the object that checks, writers and simulation share."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from survey_toolkit.errors import InstrumentError, did_you_mean
from survey_toolkit.instruments.binding import Asked, Scope
from survey_toolkit.instruments.catalogue import Catalogue, Finding, fingerprint, read_catalogue
from survey_toolkit.instruments.models import QuestionnaireFile
from survey_toolkit.instruments.routing import say
from survey_toolkit.instruments.steps import Flow, Step, UsedModule, flow_of
from survey_toolkit.standards.registry import Registry, load

if TYPE_CHECKING:
    from survey_toolkit.instruments.coverage import Coverage

__all__ = ["LANGUAGES", "Option", "Questionnaire", "Shown", "questionnaire"]

#: Languages of the structure: their own names, as the form's language menu shows them.
LANGUAGES: dict[str, str] = {
    "en": "English",
    "fr": "Français",
    "es": "Español",
    "km": "ខ្មែរ",
    "zh-Hans": "简体中文",
    "lo": "ລາວ",
    "my": "မြန်မာ",
    "th": "ไทย",
    "vi": "Tiếng Việt",
}
_PARAMETER = re.compile(r"(?<!\$)\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A text in a language: what is shown, its status, whether English stands in for it."""

    text: str
    status: Literal["original", "missing", "draft", "reviewed", "approved", "stale"]

    @property
    def fallback(self) -> bool:
        """English shown because there is no translation."""
        return self.status == "missing"


@dataclass(frozen=True, slots=True)
class Option:
    """One category a question offers, missing codes included; ``file`` and ``cell`` locate its text."""

    code: str
    english: str
    file: str
    cell: str
    missing: str | None = None
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Questionnaire:
    """A questionnaire with its languages.

    Attributes
    ----------
    file : QuestionnaireFile
    languages : tuple of str
    flow : Flow
        Steps in order, what rules can name, and problems of the assembly.
    catalogue : Catalogue
    registry : Registry

    Examples
    --------
    >>> form = questionnaire("example")
    >>> [s.number for s in form.items() if s.number][:2]
    ['CN1', 'CN2']
    """

    file: QuestionnaireFile
    languages: tuple[str, ...]
    flow: Flow
    catalogue: Catalogue
    registry: Registry

    def __repr__(self) -> str:
        asked = sum(step.item.asked for step in self.items())
        modules = f"{len(self.flow.used)} modules"
        return f"Questionnaire('{self.id}', {modules}, {asked} questions, {', '.join(self.languages)})"

    @property
    def id(self) -> str:
        """Id."""
        return self.file.id

    @property
    def modules(self) -> tuple[UsedModule, ...]:
        """Modules in order, with their parameters here."""
        return self.flow.used

    def steps(self) -> tuple[Step, ...]:
        """Modules, groups, repeats and items in order."""
        return self.flow.steps

    def items(self) -> tuple[Step, ...]:
        """Items in order."""
        return tuple(step for step in self.flow.steps if step.kind == "item")

    def asked(self, id: str) -> Asked:
        """An item in its place."""
        if id not in self.flow.scope.items:
            known = did_you_mean(id, self.flow.scope.items)
            raise InstrumentError(f"questionnaire '{self.id}' has no item '{id}'", expected=known)
        return self.flow.scope.items[id]

    def step(self, id: str) -> Step:
        """Step of a module, group, repeat or item."""
        return self.flow.step(id)

    def check(self) -> list[Finding]:
        """Everything that is wrong, all at once; an empty list means all is well.

        Kinds: ``error`` (the form would be wrong), ``coverage`` (it does not measure what it claims, or
        asks something sensitive without consent and privacy), ``gap`` and ``stale`` (translations).
        """
        from survey_toolkit.instruments.checks import check_questionnaire

        return check_questionnaire(self)

    def coverage(self) -> Coverage:
        """Criterion by question: what is measured by what, and what is not."""
        from survey_toolkit.instruments.coverage import coverage_of

        return coverage_of(self)

    def shown(self, language: str, module: str, cell: str) -> Shown:
        """A text in a language, parameters put in.

        Parameters
        ----------
        language : str
        module : str
            Module id, ``lists`` or ``questionnaires``.
        cell : str
            Key of the cell, ``fl_free.text``.
        """
        english = self.catalogue.english(module)[cell][0]
        translated = self.catalogue.translations.get((language, module))
        found = translated.model.cells.get(cell) if translated is not None else None
        if language == "en":
            shown = Shown(english, "original")
        elif found is None or found.text is None:
            shown = Shown(english, "missing")
        else:
            shown = Shown(found.text, found.status if found.english == fingerprint(english) else "stale")
        return Shown(self._filled(shown.text, language, module), shown.status)

    def text(self, language: str, module: str, cell: str) -> str:
        """The text alone; English where there is no translation."""
        return self.shown(language, module, cell).text

    def options(self, id: str) -> tuple[Option, ...]:
        """Categories of a question in order, missing codes last."""
        asked = self.asked(id)
        item = asked.item
        module = self.step(id).used.module
        if isinstance(item.codes, str):
            own = item.codes in module.lists
            file, prefix = (module.id if own else "lists"), f"lists.{item.codes}"
        else:
            file, prefix = module.id, f"{id}.codes"
        named = [Option(c.id, c.text, file, f"{prefix}.{c.id}", None, c.exclusive) for c in asked.choices]
        texts = self.catalogue.shared().missing
        for reason, code in item.missing_codes.items():
            named.append(Option(code, texts[reason], "lists", f"missing.{reason}", reason, True))  # type: ignore[index]
        return tuple(named)

    def sentence(self, step: Step) -> str:
        """The conditions of a step in English words, with question numbers; empty without any."""
        numbers = {s.id: s.number or s.id for s in self.items()}
        labels = {name: {c.id: c.text for c in a.choices} for name, a in self.flow.scope.items.items()}
        return " and ".join(say(c.rule, numbers, labels) for c in step.conditions)

    def _filled(self, text: str, language: str, module: str) -> str:
        """Put the chosen options of parameters into a text."""
        if "{" not in text:
            return text
        used = next((u for u in self.flow.used if u.module.id == module), None)
        parameters = used.parameters if used is not None else {}

        def words(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in parameters:
                return match.group(0)
            return self.shown(language, module, f"parameters.{name}.{parameters[name]}").text

        return _PARAMETER.sub(words, text)


def questionnaire(
    id: str,
    languages: Sequence[str] | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    registry: Registry | None = None,
) -> Questionnaire:
    """Assemble a questionnaire.

    Parameters
    ----------
    id : str
    languages : sequence of str, optional
        Default: those the questionnaire names. English is always among them, since it stands in for what
        is not translated; the first one is the form's default.
    folder : path, optional
        Instruments of one's own, laid out as ``instruments/``; default the shipped ones.
    registry : Registry, optional
        Default: the shipped standards.

    Raises
    ------
    InstrumentError
        Unknown questionnaire or language. What is wrong *inside* is told by :meth:`Questionnaire.check`.
    """
    catalogue = read_catalogue(folder)
    placed = catalogue.questionnaire(id)
    standards = registry or load()
    names = tuple(dict.fromkeys(languages or placed.model.languages))
    for name in names:
        if name not in LANGUAGES and not any(name == language for language, _ in catalogue.translations):
            raise InstrumentError(
                f"unknown language '{name}'", expected=did_you_mean(name, LANGUAGES), code="unknown-language"
            )
    scope = Scope(
        {name: item.rule for name, item in standards.criterion_items.items()}, frozenset(standards.variables)
    )
    flow = flow_of(placed, catalogue.modules, catalogue.shared(), scope)
    return Questionnaire(
        file=placed.model, languages=names, flow=flow, catalogue=catalogue, registry=standards
    )
