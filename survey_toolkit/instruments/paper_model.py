"""The paper form as a plain document: numbered lines that the HTML and the DOCX writer lay out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

__all__ = [
    "FONTS",
    "AnswerKind",
    "Choice",
    "Entry",
    "PaperForm",
    "Section",
    "Text",
    "Words",
    "font_stack",
    "words",
]

AnswerKind: TypeAlias = Literal["codes", "many", "boxes", "line", "tick", "none"]

#: Families that carry the script of a language, best first; the first is drawn into DOCX files.
FONTS: dict[str, tuple[str, ...]] = {
    "km": ("Noto Sans Khmer", "Khmer OS", "Leelawadee UI", "Khmer UI"),
    "lo": ("Noto Sans Lao", "Phetsarath OT", "Leelawadee UI", "Lao UI"),
    "my": ("Noto Sans Myanmar", "Pyidaungsu", "Myanmar Text"),
    "th": ("Noto Sans Thai", "Leelawadee UI", "Tahoma"),
    "zh-Hans": ("Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC"),
    "vi": ("Noto Sans", "Segoe UI", "Tahoma"),
}
#: Longest answer, in characters, that still fits half of the answer column.
_NARROW = 14
#: Longest code beside such an answer.
_SHORT = 4
_LATIN = ("Noto Sans", "Segoe UI", "Arial")


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the language of the form, or the English one where the language has none."""

    value: str
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer with its code; ``arrow`` names the line to go to if it is not the next one."""

    code: str
    label: Text
    arrow: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the form.

    ``boxes`` is the number of digits of a number, ``arrow`` the line to go to whatever the answer,
    ``records`` how many answers there is room for in a repeated part (0: it is not repeated), ``name`` the
    name of the question in the data.
    """

    kind: Literal["question", "note", "check", "computed", "record_end", "heading"]
    number: str
    name: str
    text: Text
    instruction: Text | None = None
    answer: AnswerKind = "none"
    boxes: int = 0
    decimals: int = 0
    unit: Text | None = None
    choices: tuple[Choice, ...] = ()
    arrow: str = ""
    interviewer: bool = False
    sensitive: bool = False
    stop: bool = False
    records: int = 0

    @property
    def jumps(self) -> tuple[tuple[str, str], ...]:
        """Skips as printed: the answers that lead to a line, and the line; no answer where all lead there."""
        found: dict[str, list[str]] = {self.arrow: []} if self.arrow else {}
        for choice in self.choices:
            if choice.arrow:
                plain = choice.code if self.kind != "check" else ""
                found.setdefault(choice.arrow, []).append(
                    plain or choice.label.value.rstrip(" :\N{NO-BREAK SPACE}")
                )
        return tuple((", ".join(answers), target) for target, answers in found.items())

    @property
    def narrow(self) -> bool:
        """Whether the answers are short enough to stand in two columns."""
        # A code as long as 99999998 runs into the label beside it.
        return len(self.choices) > 1 and all(
            len(c.label.value) <= _NARROW and len(c.code) <= _SHORT for c in self.choices
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A module or a repeated part of it; ``opening`` is read out, ``lead`` is for the interviewer."""

    code: str
    title: Text
    opening: Text | None
    entries: tuple[Entry, ...]
    lead: Text | None = None


@dataclass(frozen=True, slots=True)
class PaperForm:
    """A whole form in one language, with how far the language is complete."""

    id: str
    version: str
    title: Text
    serves: Text | None
    language: str
    language_name: str
    sections: tuple[Section, ...]
    total: int
    missing: int
    draft: int
    stale: int

    def entries(self) -> Iterator[Entry]:
        """Every line in order."""
        for section in self.sections:
            yield from section.entries

    def notices(self) -> list[str]:
        """What a reader has to know about the language before the form is used."""
        say = words(self.language)
        facts = {
            "missing": self.missing,
            "total": self.total,
            "draft": self.draft,
            "stale": self.stale,
            "language": self.language_name,
        }
        return [
            say(key, **facts)
            for key, count in (("fallback", self.missing), ("draft", self.draft), ("stale", self.stale))
            if count
        ]


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the form itself in one language; English where the language has none."""

    language: str
    table: dict[str, str]
    fallback: bool

    def __call__(self, key: str, **facts: Any) -> str:
        """The word or sentence, with its blanks filled."""
        return self.table[key].format(**facts) if facts else self.table[key]

    def text(self, key: str, **facts: Any) -> Text:
        """The same, marked when it is the English one."""
        return Text(self(key, **facts), self.fallback)


@cache
def words(language: str) -> Words:
    """Words of the paper form in a language.

    Examples
    --------
    >>> words("es")("skip"), words("km")("skip"), words("km").fallback
    ('Pase a', 'Skip', True)
    """
    from survey_toolkit._yaml import load_text

    source = files("survey_toolkit.instruments") / "templates" / "words.yaml"
    tables = load_text(source.read_text(encoding="utf-8"), "words.yaml").data
    found = tables.get(language)
    return Words(language, {**tables["en"], **(found or {})}, found is None)


def font_stack(language: str) -> tuple[str, ...]:
    """Font families of a page: Latin for codes and English texts, then those that carry the script.

    Examples
    --------
    >>> font_stack("km")[:2], font_stack("fr")[0]
    (('Noto Sans', 'Noto Sans Khmer'), 'Noto Sans')
    """
    return tuple(dict.fromkeys((_LATIN[0], *FONTS.get(language, ()), *_LATIN)))


def script_font(language: str) -> str:
    """The one family that a Word document names for the script of a language.

    Examples
    --------
    >>> script_font("lo"), script_font("es")
    ('Noto Sans Lao', 'Noto Sans')
    """
    return FONTS.get(language, _LATIN)[0]
