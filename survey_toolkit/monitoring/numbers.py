"""Read what people write into cells, and never guess in silence.

Every reading that is not a plain number carries a code that says why. ``taken`` tells whether there was
only one
possible reading (local digits, thousands separators) or whether a person has to decide (*approx. 20*, *n/a*).
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

__all__ = ["Reading", "ascii_digits", "read_number", "read_year", "shown"]

_SPACES = "\u00a0\u202f\u2007\u2009\u200a\u3000"
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u200e\u200f]")
_MISSING = {
    "n/a", "na", "n.a.", "n.a", "nil", "none", "unknown", "not available", "not applicable", "-", "--",
    "–", "—",
    "..", "...", "…", ".", "?", "x", "ไม่มี", "គ្មាន", "ບໍ່ມີ", "မရှိ", "không có", "không", "无", "没有",
}  # fmt: skip
_ABOUT = re.compile(
    r"^(?:approx(?:imately)?\b\.?|about\b|around\b|circa\b|c(?:a|irca)?\.|nearly\b|almost\b|over\b|"
    r"more than\b|at least\b|up to\b|est(?:imated|\.)?|~|≈|±|>|≥|ប្រហែល|ប្រមាណ|ประมาณ|ราว|ປະມານ|"
    r"khoảng|约|大约)\s*\d"
    r"|\d\s*(?:\+|ខ្ទង់|ခန့်|左右|กว่า)$",
    re.IGNORECASE,
)
_BELOW = re.compile(r"^(?:<|less than|fewer than|under)\s*(\d+)$", re.IGNORECASE)
_RANGE = re.compile(r"^\d[\d ,]*\s*(?:-|–|—|to|/|–)\s*\d[\d ,]*$", re.IGNORECASE)
_GROUPED = re.compile(r"^\d{1,3}(?:([ ,'’])\d{3})(?:\1\d{3})*$")
_DOTTED = re.compile(r"^\d{1,3}(?:\.\d{3}){2,}$")
_FISCAL = re.compile(r"^(?:FY\s*)?(\d{2,4})\s*[-/–]\s*(\d{2,4})$|^FY\s*\d{2,4}$", re.IGNORECASE)
_BUDDHIST = 543
_LONGEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a cell says.

    Attributes
    ----------
    value : float or None
    blank : bool
        Nothing was written.
    code : str
        Why somebody should look; empty for a plain number.
    taken : bool
        Whether ``value`` (or ``below``) is used.
    message : str
        In words.
    below : int or None
        The cell says "fewer than this": a count suppressed by the country itself.
    """

    value: float | None = None
    blank: bool = False
    code: str = ""
    taken: bool = True
    message: str = ""
    below: int | None = None


def ascii_digits(text: str) -> tuple[str, set[str]]:
    """Text with ASCII digits, and the scripts its digits were written in.

    Examples
    --------
    >>> ascii_digits("១២០"), ascii_digits("๒๕๕๙")
    (('120', {'KHMER'}), ('2559', {'THAI'}))
    """
    out, scripts = [], set()
    for char in text:
        if char.isdecimal() and not char.isascii():
            scripts.add(unicodedata.name(char, "OTHER").split(" DIGIT")[0])
            out.append(str(unicodedata.decimal(char)))
        else:
            if char.isdecimal():
                scripts.add("ASCII")
            out.append(char)
    return "".join(out), scripts


def shown(raw: Any) -> str:
    """What may be repeated in a message: numbers and short marks as they are, other text only by its length.

    Examples
    --------
    >>> shown("approx. 20"), shown("1,234"), shown("Sok Dara, 012 345 678")
    ('"approx. 20"', '"1,234"', 'text of 21 characters')
    """
    if isinstance(raw, bool | int | float):
        return f"{raw:g}" if isinstance(raw, float) else str(raw)
    if isinstance(raw, dt.date | dt.time):
        return "a date"
    text = " ".join(str(raw).split())
    digits = sum(c.isdecimal() for c in text)
    letters = sum(c.isalpha() for c in text)
    safe = digits < 8 and len(text) <= 24 and (letters <= 3 or _known(text))
    return f'"{text}"' if safe else f"text of {len(text)} characters"


def _known(text: str) -> bool:
    plain = ascii_digits(text)[0].strip().lower()
    return plain in _MISSING or bool(_ABOUT.match(plain) or _BELOW.match(plain))


def _held(code: str, message: str) -> Reading:
    return Reading(code=code, taken=False, message=message)


def read_number(raw: Any, *, whole: bool = True) -> Reading:
    """Read a value of a return.

    Parameters
    ----------
    raw : Any
        As the workbook gives it.
    whole : bool
        Counts: no fraction.

    Returns
    -------
    Reading

    Examples
    --------
    >>> read_number("១២០").value, read_number("1,234").value, read_number(" 12 ").code
    (120.0, 1234.0, 'number_as_text')
    >>> [read_number(t).code for t in ("n/a", "approx. 20", "15-20", "1.234", "-3", "twelve")]
    ['ambiguous_missing', 'approximate', 'range', 'ambiguous_separator', 'negative', 'not_a_number']
    >>> read_number("<5").below
    5
    """
    if raw is None or (isinstance(raw, str) and not _tidy(raw)):
        return Reading(blank=True)
    if isinstance(raw, bool):
        return _held("not_a_number", "true or false where a number belongs")
    if isinstance(raw, dt.date | dt.time | dt.timedelta):
        return _held(
            "date_in_number_cell", "the cell holds a date; the program may have changed what was typed"
        )
    if isinstance(raw, int | float):
        return _plain(float(raw), "", "", whole)
    return _text(_tidy(str(raw)), whole)


def _tidy(text: str) -> str:
    clean = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    for space in _SPACES:
        clean = clean.replace(space, " ")
    return " ".join(clean.replace("，", ",").replace("．", ".").split())


def _plain(number: float, code: str, message: str, whole: bool) -> Reading:
    if not math.isfinite(number):
        return _held("not_a_number", "the number is not finite")
    if number < 0:
        return _held("negative", "a count cannot be below zero")
    if whole and number != int(number):
        return _held("not_whole", "a count has no fraction")
    return Reading(value=number, code=code, message=message)


def _text(text: str, whole: bool) -> Reading:
    plain, scripts = ascii_digits(text)
    low = plain.lower()
    if low in _MISSING:
        text = "does it mean none, not available or not applicable? write 0, or choose a status"
        return _held("ambiguous_missing", text)
    if re.fullmatch(r"#[A-Z0-9/]{2,12}[!?]?", plain):
        return _held("error_value", "the workbook shows an error value here")
    for code, pattern, message in (
        ("approximate", _ABOUT, "not an exact number; write the number and choose status provisional"),
        ("range", _RANGE, "two numbers; write one, and the range in the reason"),
    ):
        if pattern.search(low):
            return _held(code, message)
    if below := _BELOW.match(low):
        bound = int(below.group(1))
        return Reading(
            code="suppressed_at_source", below=bound, message=f"kept as suppressed, fewer than {bound}"
        )
    if len(scripts) > 1:
        return _held("mixed_digits", "digits of different scripts in one number")
    return _number_text(plain, scripts, whole)


def _number_text(plain: str, scripts: set[str], whole: bool) -> Reading:
    local = scripts and scripts != {"ASCII"}
    script = next(iter(scripts), "").capitalize()
    if re.fullmatch(r"\d{1,15}", plain):
        code, message = (
            ("local_digits", f"{script} digits") if local else ("number_as_text", "a number kept as text")
        )
        return _plain(float(plain), code, f"{message}, read as {int(plain)}", whole)
    if _GROUPED.match(plain) or _DOTTED.match(plain):
        number = int(re.sub(r"\D", "", plain))
        return _plain(
            float(number),
            "local_digits" if local else "thousands_separator",
            f"{script + ' digits with ' if local else ''}thousands separators, read as {number}",
            whole,
        )
    if re.fullmatch(r"[-−]\s*\d[\d,. ]*|\(\s*\d[\d,. ]*\)", plain):
        return _held("negative", "a count cannot be below zero")
    if re.fullmatch(r"\d+[.,]\d+", plain):
        if whole or "," in plain:
            return _held("ambiguous_separator", "is this a decimal or a thousands separator?")
        return _plain(float(plain), "number_as_text", "a number kept as text", whole)
    if plain.endswith("%") and re.fullmatch(r"\d+(\.\d+)?\s*%", plain):
        return _held("percent_in_number", "a percentage where a number belongs")
    if re.search(r"\d", plain):
        return _held("text_in_number", "a number with other text; write the number alone")
    return _held("not_a_number", "words where a number belongs")


def read_year(raw: Any, *, first: int, last: int, country: str = "") -> Reading:
    """Read a year, common era or Buddhist era.

    Thailand's calendar is exactly 543 years ahead and begins on 1 January, so its years have one reading.
    Elsewhere the Buddhist year begins in April or May, and a person has to say which year is meant.

    Examples
    --------
    >>> read_year("๒๕๕๙", first=2010, last=2018, country="THA").value
    2016.0
    >>> read_year(2559, first=2010, last=2018, country="KHM").taken
    False
    >>> [read_year(t, first=2010, last=2018).code for t in ("2015/16", "16", 2031)]
    ['fiscal_year', 'not_a_year', 'year_outside']
    """
    if raw is None or (isinstance(raw, str) and not _tidy(raw)):
        return Reading(blank=True)
    if isinstance(raw, dt.date):
        return _held("not_a_year", "a date where a year belongs")
    text = _tidy(str(int(raw)) if isinstance(raw, float) and raw.is_integer() else str(raw))
    plain, scripts = ascii_digits(text)
    if _FISCAL.match(plain):
        return _held("fiscal_year", "a fiscal year; which calendar year is meant?")
    marked = re.fullmatch(r"(?:B\.?E\.?|พ\.?ศ\.?|ព\.?ស\.?|ພ\.?ສ\.?)\s*(\d{4})", plain, re.IGNORECASE)
    digits = marked.group(1) if marked else plain
    if not re.fullmatch(r"\d{4}", digits) or len(scripts) > 1:
        return _held("not_a_year", "not a year of four digits")
    return _year(int(digits), scripts, first, last, country)


def _year(year: int, scripts: set[str], first: int, last: int, country: str) -> Reading:
    if first <= year <= last:
        local = scripts - {"ASCII"}
        message = f"{next(iter(local)).capitalize()} digits, read as {year}" if local else ""
        return Reading(value=float(year), code="local_digits" if local else "", message=message)
    if first <= year - _BUDDHIST - 1 <= last or first <= year - _BUDDHIST <= last:
        if country == "THA" and first <= year - _BUDDHIST <= last:
            message = f"Buddhist era, read as {year - _BUDDHIST}"
            return Reading(value=float(year - _BUDDHIST), code="buddhist_year", message=message)
        both = f"{year - _BUDDHIST - 1} or {year - _BUDDHIST}"
        return _held("buddhist_year", f"Buddhist era: it covers parts of {both}; which one is meant?")
    return _held("year_outside", f"outside {first}-{last}")
