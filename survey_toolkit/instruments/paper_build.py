"""From a questionnaire to its paper form: numbers, checks, arrows, boxes, texts in one language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from survey_toolkit.instruments.paper_model import (
    AnswerKind,
    Choice,
    Entry,
    PaperForm,
    Section,
    Text,
    Words,
    words,
)
from survey_toolkit.instruments.paper_routing import NO, Ask, Line, Records, route
from survey_toolkit.instruments.paper_rules import rule_shown
from survey_toolkit.instruments.routing import Every
from survey_toolkit.instruments.views import Cells, CodeView, FormView, ItemView, ModuleView, RepeatView

__all__ = ["arrows", "paper_form", "paper_lines"]

#: Most records of a repeated part that one paper form has boxes for.
RECORDS = 8


def paper_lines(form: FormView) -> list[Line]:
    """Lines of the form with the checks and arrows that follow from its rules."""
    return route(list(_units(form)))


def paper_form(form: FormView, language: str) -> PaperForm:
    """Lay out the form in a language.

    Parameters
    ----------
    form : FormView
    language : str
        What it lacks is shown in English; the cover says how much that is.
    """
    standing = form.standings[language]
    writer = _Writer(form, language)
    return PaperForm(
        id=form.id,
        version=form.version,
        title=writer.text(form.titles),
        serves=writer.text(form.serves) if form.serves else None,
        language=language,
        language_name=standing.name,
        sections=tuple(writer.sections()),
        total=standing.total,
        missing=standing.missing,
        draft=standing.draft,
        stale=standing.stale,
    )


def arrows(form: FormView) -> dict[str, list[tuple[str, str]]]:
    """For each question, the answers with a way on of their own: (code, number of the line to go to).

    The answer is empty where the way is the same for all.
    """
    writer = _Writer(form, "en")
    found: dict[str, list[tuple[str, str]]] = {}
    for section in writer.sections():
        for entry in section.entries:
            ways = [(choice.code, choice.arrow) for choice in entry.choices if choice.arrow]
            if entry.arrow:
                ways.append(("", entry.arrow))
            if ways and entry.kind != "check":
                found[entry.name] = ways
    return found


def _units(form: FormView) -> Iterable[Ask | Records]:
    """Questions and repeated parts in order; fields that the paper form has no line for are left out."""
    open_name, steps = None, list[Ask]()
    for item in form.items():
        if item.kind == "hidden":
            continue
        if item.repeat != open_name:
            if open_name is not None:
                yield Records(open_name, tuple(steps), form.repeats[open_name].parts)
            open_name, steps = item.repeat, []
        step = Ask(item.name, item.parts, _answers(item))
        if item.repeat is None:
            yield step
        else:
            steps.append(step)
    if open_name is not None:
        yield Records(open_name, tuple(steps), form.repeats[open_name].parts)


def _answers(item: ItemView) -> tuple[str, ...]:
    """Answers a rule can tell apart; none listed for numbers, texts and several answers at once."""
    codes = tuple(code.code for code in item.codes)
    if item.kind == "one":
        return codes
    # What is worked out by a rule may stay open: the blank is an answer of its own.
    return (*codes, *([""] if item.derivation is not None else [])) if item.kind == "computed" else ()


class _Writer:
    """Turns lines into entries in one language."""

    def __init__(self, form: FormView, language: str) -> None:
        self.form, self.language = form, language
        self.say: Words = words(language)
        self.items = {item.name: item for item in form.items()}
        self.modules = {item.name: module for module in form.modules for item in module.items}
        self.lines = paper_lines(form)
        self.labels = self._labels()
        self.names = {
            line.name: label for line, label in zip(self.lines, self.labels, strict=True) if line.name
        }

    def sections(self) -> Iterable[Section]:
        """The lines by module and repeated part."""
        here: tuple[str, str | None] | None = None
        entries: list[Entry] = []
        group: Cells | None = None
        for place, line in enumerate(self.lines):
            at = (self._module(place).id, line.repeat)
            if at != here:
                if here is not None:
                    yield self._section(here, entries)
                here, entries, group = at, [], None
            title = self._group(place)
            if title is not None and title != group:
                entries.append(Entry("heading", "", "", self.text(title)))
            group = title
            entries.append(self._entry(place, line))
        if here is not None:
            yield self._section(here, entries)

    def text(self, cells: Cells) -> Text:
        """The cell in this language, or the English one marked as such."""
        if self.language in cells:
            return Text(cells[self.language])
        return Text(cells.get("en", next(iter(cells.values()), "")), fallback=self.language != "en")

    def _section(self, at: tuple[str, str | None], entries: Sequence[Entry]) -> Section:
        module = next(m for m in self.form.modules if m.id == at[0])
        if at[1] is None:
            opening = self.text(module.introduction) if module.introduction else None
            return Section(module.code, self.text(module.titles), opening, tuple(entries))
        repeat = self.form.repeats[at[1]]
        title = self.text(repeat.titles)
        lead = self.say.text("record_text", title=title.value.lower(), n=min(repeat.most, RECORDS))
        return Section(module.code, title, None, tuple(entries), lead)

    def _module(self, place: int) -> ModuleView:
        """Module of the question at or below a line; the end of a record belongs to the part it ends."""
        line = self.lines[place]
        if line.kind == "record_end":
            return self._module(place - 1)
        if line.name:
            return self.modules[line.name]
        found = next(other for other in self.lines[place:] if other.kind == "ask")
        return self.modules[found.name]

    def _group(self, place: int) -> Cells | None:
        """Title of the group of the question at or below a line."""
        below = (other for other in self.lines[place:] if other.kind != "check")
        found = next(below, None)
        if found is None or not found.name or found.repeat != self.lines[place].repeat:
            return None
        return self.items[found.name].group

    def _labels(self) -> list[str]:
        """Label of each line: the number of the question; else that of the question below with a letter.

        The letter is c for a check or something worked out, n for a note.
        """
        used: dict[str, int] = {}
        labels: list[str] = []
        for place, line in enumerate(self.lines):
            item = self.items.get(line.name)
            if line.kind == "record_end" or (item is not None and item.number):
                labels.append(item.number if item is not None else "")
                continue
            root = self._number_below(place) + ("n" if item is not None and item.kind == "note" else "c")
            used[root] = used.get(root, 0) + 1
            labels.append(root if used[root] == 1 else f"{root}{used[root]}")
        return labels

    def _number_below(self, place: int) -> str:
        """Number of the next question; after the last one of all, that of the last."""
        numbers = [self.items[line.name].number if line.name else "" for line in self.lines]
        return next((n for n in numbers[place:] if n), next((n for n in reversed(numbers) if n), ""))

    def _target(self, place: int, line: Line, to: int) -> str:
        """Name of the line that a way leads to; empty if it is the line below."""
        if to == place + 1:
            return ""
        if to >= len(self.lines):
            return self.say("end")
        if self.lines[to].kind == "record_end":
            return self.say("end_record")
        return self.labels[to]

    def _entry(self, place: int, line: Line) -> Entry:
        if line.kind == "check":
            return self._check(place, line)
        if line.kind == "record_end" and line.repeat is not None:
            return self._record_end(place, line, self.form.repeats[line.repeat])
        return self._question(place, line, self.items[line.name])

    def _check(self, place: int, line: Line) -> Entry:
        told = [rule.rule for rule in line.rules]
        rule = told[0] if len(told) == 1 else Every(tuple(told))
        shown = rule_shown(rule, self.items, self.language, self.names)
        no = self._target(place, line, line.exits[NO])
        yes = self._target(place, line, line.otherwise)
        choices = (
            Choice("", self.say.text("tick_yes"), yes),
            Choice("", self.say.text("tick_no"), no or self.labels[place + 1]),
        )
        return Entry("check", self.labels[place], "", Text(shown), answer="tick", choices=choices)

    def _record_end(self, place: int, line: Line, repeat: RepeatView) -> Entry:
        first = next(other for other in range(place + 1) if self.lines[other].repeat == line.repeat)
        title = self.text(repeat.titles).value.lower()
        text = self.say.text("record_end", title=title, start=self.labels[first])
        return Entry("record_end", "", "", text, arrow=self._target(place, line, line.otherwise))

    def _question(self, place: int, line: Line, item: ItemView) -> Entry:
        records = min(self.form.repeats[line.repeat].most, RECORDS) if line.repeat else 0
        choices = tuple(self._choices(place, line, item))
        # One way for all answers is said once.
        common = "" if line.exits else self._target(place, line, line.otherwise)
        if common:
            choices = tuple(replace(choice, arrow="") for choice in choices)
        return Entry(
            kind=_KINDS.get(item.kind, "question"),
            number=self.labels[place],
            name=item.name,
            text=self._wording(item),
            instruction=self.text(item.instructions) if item.instructions else None,
            answer=_field(item),
            boxes=_digits(item),
            decimals=1 if item.kind == "decimal" else 0,
            unit=self.text(item.unit) if item.unit else None,
            choices=choices,
            arrow=common,
            interviewer=item.interviewer,
            sensitive=item.sensitivity > 1,
            stop=item.stop,
            records=records,
        )

    def _wording(self, item: ItemView) -> Text:
        """The text; of something worked out, also how."""
        text = self.text(item.texts)
        if item.derivation is not None:
            how = rule_shown(item.derivation, self.items, self.language, self.names)
        elif item.sums:
            how = " + ".join(self.names.get(name, name) for name in item.sums)
        elif item.kind == "computed":
            how = self.say("drawn")
        else:
            return text
        return Text(f"{text.value}: {how}", text.fallback)

    def _choices(self, place: int, line: Line, item: ItemView) -> Iterable[Choice]:
        for code in item.codes:
            yield Choice(code.code, self.text(code.labels), self._way(place, line, code))
        if item.derivation is not None:
            blank = CodeView("", {})
            yield Choice("", self.say.text("undecided"), self._way(place, line, blank))

    def _way(self, place: int, line: Line, code: CodeView) -> str:
        if line.exits or line.otherwise != place + 1:
            return self._target(place, line, line.exits.get(code.code, line.otherwise))
        return ""


_KINDS: Mapping[str, Literal["note", "computed"]] = {"note": "note", "computed": "computed"}
_FIELDS: Mapping[str, AnswerKind] = {
    "one": "codes",
    "many": "many",
    "integer": "boxes",
    "decimal": "boxes",
    "date": "boxes",
    "text": "line",
    "note": "none",
    "computed": "codes",
}


def _field(item: ItemView) -> AnswerKind:
    return "boxes" if item.sums else _FIELDS[item.kind]


def _digits(item: ItemView) -> int:
    """Boxes that the largest number or the widest code needs."""
    widest = max((len(code.code) for code in item.codes), default=1)
    if item.sums:
        return 3
    if item.kind in ("one", "many", "computed"):
        return max(widest, 1) if widest < 3 else 2
    if item.kind == "date":
        return 8
    largest = len(str(int(item.high))) if item.high is not None else 4
    return max(largest, widest)
