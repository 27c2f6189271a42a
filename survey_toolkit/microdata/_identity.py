"""Whether a column names a person: by its name and label, and by the form of what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from survey_toolkit.microdata._identity_words import (
    ANY_WORDS,
    KEY_WORDS,
    PERSONS,
    PLACES,
    QUANTITIES,
    STEMS,
    TEXT_STEMS,
    TEXT_WORDS,
)
from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata._words import NO, REASON_LABELS, YES, holds, tokens
from survey_toolkit.microdata.model import Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["recognised"]

_SAMPLE = 2_000
_MOST = 0.6
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]{2,}"
_PHONE = r"(?:\+|00?)[\d][\d\s().\-/]{6,18}\d"
_POINT = r"-?\d{1,3}\.\d{3,}[\s,]+-?\d{1,3}\.\d{3,}(?:[\s,]+-?[\d.]+){0,2}"
_DEGREES = r"\d{1,3}°\s*\d{1,2}['’′].*"
_DOCUMENT = r"[A-Z]{0,3}\d{8,20}[A-Z0-9]?"
_MEDIA = r".+\.(?:jpe?g|png|heic|amr|m4a|mp3|mp4|3gp|wav|ogg)"
_CONTENT = (
    ("e-mail", _EMAIL),
    ("phone", _PHONE),
    ("position", rf"{_POINT}(?:\s*;\s*{_POINT})*;?|{_DEGREES}"),
    ("picture or recording", _MEDIA),
)
_PERSONAL = r"[^\W\d_a-z][\w'’.\-]+(?: [^\W\d_a-z][\w'’.\-]*){1,3}"
_ANSWERS = YES | NO | set(REASON_LABELS)
#: Least value that a number must mostly have to be a telephone or a document.
_LEAST = {"phone": 1e5, "document": 1e4}


def recognised(column: pd.Series[Any], variable: Variable) -> tuple[str, str] | None:
    """Kind of identifier and the reason for it, or None."""
    import pandas as pd

    known = column.dropna()
    is_text = bool(pd.api.types.is_string_dtype(column.dtype))
    if is_text:
        known = known[known.str.strip() != ""]
    if column.dtype == "boolean" or not len(known):
        return None
    if variable.value_labels:
        labelled = known.isin(list(variable.value_labels))
        if labelled.mean() >= 0.5:  # a coded answer names nobody, unless its labels do
            return _by_labels(variable)
        known = known[~labelled]  # labels of missing codes beside a name or a number
    return (
        _by_words(variable, is_text, known)
        or (_by_content(variable, known) if is_text else None)
        or (None if is_text else _by_number(variable, known))
    )


def _by_labels(variable: Variable) -> tuple[str, str] | None:
    """A list of persons as codes: interviewers, or the members of the household."""
    labels = [text for text in variable.value_labels.values() if text.strip()]
    words, phrases = TEXT_WORDS["name"]
    called = tokens(variable.name) & words or holds(variable.label, phrases)
    whose = holds(f"{variable.label} {' '.join(sorted(tokens(variable.name)))}", PERSONS)
    if called and whose and len(labels) >= 2:
        return "name", f"its codes list names: its label or name holds '{whose}'"
    return None


def _by_words(variable: Variable, is_text: bool, known: pd.Series[Any]) -> tuple[str, str] | None:
    groups = {**ANY_WORDS, **TEXT_WORDS} if is_text else ANY_WORDS
    plain = fold(variable.name).replace("_", "")
    named = tokens(variable.name) | {plain}
    for kind, (words, phrases) in groups.items():
        word = next(iter(sorted(named & words)), None)
        phrase = holds(variable.label, phrases)
        if kind == "name" and _is_place(variable, known):
            continue
        if (word is not None or phrase is not None) and _fits(kind, is_text, known):
            reason = f"its name holds '{word}'" if word is not None else f"its label holds '{phrase}'"
            return kind, reason
    for stem, kind in (*STEMS, *(TEXT_STEMS if is_text else ())):
        if stem in plain and _fits(kind, is_text, known):
            return kind, f"its name holds '{stem}'"
    return None


def _is_place(variable: Variable, known: pd.Series[Any]) -> bool:
    """A province has a name, which many rows share."""
    about = f"{variable.label} {' '.join(sorted(tokens(variable.name)))}"
    shared = known.nunique() < 0.5 * len(known) and len(known) > 10
    return shared and holds(about, tuple(PLACES)) is not None and holds(about, PERSONS) is None


def _fits(kind: str, is_text: bool, known: pd.Series[Any]) -> bool:
    """Whether what stands in the column can be that: answers to "did he keep your passport" can not."""
    few = kind in ("phone", "document", "position") and known.nunique() <= 3 and len(known) > 10
    if is_text:
        texts = known.unique()[:20]
        long = any(sum(c.isdigit() for c in text) >= 5 for text in texts)
        return not {fold(text) for text in texts} <= _ANSWERS and (long or not few)
    if kind == "position":
        return not few or bool((known % 1 != 0).any())
    if kind not in _LEAST:
        return not few
    return not str(known.dtype).startswith("datetime") and float(known.median()) >= _LEAST[kind]


def _by_content(variable: Variable, known: pd.Series[Any]) -> tuple[str, str] | None:
    sample = known.iloc[:_SAMPLE].str.strip()
    is_key = bool(KEY_WORDS & (tokens(variable.name) | tokens(variable.label)))
    # codes of areas and households are long numbers too, but many rows share them
    distinct = known.nunique() / len(known)
    for kind, pattern in _CONTENT:
        share = float(sample.str.fullmatch(pattern).mean())
        if share >= _MOST and not (kind == "phone" and (is_key or distinct < 0.5)):
            return kind, f"{share:.0%} of its cells have the form of one"
    if not is_key and _is_long_number(sample):
        return "document", "its cells are long numbers that differ from row to row"
    return _by_writing(sample, is_key, distinct)


def _by_writing(sample: pd.Series[Any], is_key: bool, distinct: float) -> tuple[str, str] | None:
    """Names of persons have their form in Latin letters; in any script, words that hardly repeat."""
    share = float(sample.str.fullmatch(_PERSONAL).mean())
    if share >= _MOST and distinct > 0.2 and sample.nunique() >= 5:  # a head's name stands with each member
        return "name", f"{share:.0%} of its cells have the form of a person's name"
    words = float(sample.str.count(r"\S+").mean())
    length = float(sample.str.len().mean())
    codes = sample.str.fullmatch(r"[\w:.\-{}/]+").all()
    if distinct > 0.5 and (words >= 4 or length >= 40) and not codes:
        return "free text", f"{words:.0f} words a cell, mostly different"
    letters = float((~sample.str.contains(r"[\d_:{}]", regex=True)).mean())
    if not is_key and letters >= 0.9 and distinct >= 0.8 and len(sample) >= 10 and length >= 3:
        return "free text", "words that differ from row to row"
    return None


def _is_long_number(sample: pd.Series[Any]) -> bool:
    alike = float(sample.str.fullmatch(_DOCUMENT).mean()) >= 0.9
    return alike and len(sample) >= 5 and sample.nunique() >= 0.98 * len(sample)


def _by_number(variable: Variable, known: pd.Series[Any]) -> tuple[str, str] | None:
    """Numbers with five decimals and more that could be degrees; long whole numbers of one length."""
    if str(known.dtype) not in ("Float64", "Int64") or len(known) < 5:
        return None
    numbers = known.iloc[:_SAMPLE].to_numpy(dtype=float)
    words = tokens(variable.name) | tokens(variable.label)
    different = len(set(numbers)) >= 0.9 * len(numbers)
    fine = abs(numbers * 1e4 - (numbers * 1e4).round()) > 1e-6
    degrees = (abs(numbers) <= 180).all() and numbers.std() < 15 and different
    axes = {"x", "y", "coord", "coords", "east", "north", "easting", "northing"}
    if degrees and fine.mean() > 0.8 and words & axes:
        return "position", "numbers that could be degrees"
    lengths = [len(f"{abs(n):.0f}") for n in numbers if n % 1 == 0]
    same = max((lengths.count(k) for k in set(lengths)), default=0)
    long = min(lengths, default=0) >= 9 and same >= 0.95 * len(numbers)
    if long and len(set(numbers)) >= 0.98 * len(numbers) and not words & (KEY_WORDS | QUANTITIES):
        return "document", f"whole numbers of {max(lengths)} digits that differ from row to row"
    return None
