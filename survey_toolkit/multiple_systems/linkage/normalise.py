"""Normal forms of names, dates and codes, so that the same person looks the same on every list.

Names are folded to plain Latin letters; a *transliteration key* goes further and writes the spellings that
one name takes in different romanisations (ph/f, oo/u, q/k, xh/zh, doubled letters) in one way. Comparisons
use both: equal folded names, equal keys, similar folded names.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Any

from survey_toolkit.multiple_systems._tables import is_missing

__all__ = ["fold_name", "normal_code", "parse_date", "transliteration_key"]

# A letter, then what it is written as.
_CYRILLIC = (
    "аa бb вv гg дd еe ёe жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch ъ ыy ь эe "
    "юyu яya іi єye їyi ґg ўu ђdj јj љlj њnj ћc џdzh қk ғg үu ұu әa өo ңn һh "
)
_GREEK = "αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξx οo πp ρr σs ςs τt υy φf χch ψps ωo "
_ARABIC = (
    "اa بb تt ثth جj حh خkh دd ذdh رr زz سs شsh صs ضd طt ظz عa غgh فf قq كk لl مm نn هh وw يy ةa ىa ء أa "
    "إi آa ؤw ئy پp چch ژzh گg کk یy ےe "
)
_LATIN = "ßss æae œoe øo đd ðd þth łl ıi ħh ŋng əa "
_LETTERS = {word[0]: word[1:] for text in (_CYRILLIC, _GREEK, _ARABIC, _LATIN) for word in text.split()}
# Longest first; each line writes several romanisations of one sound in one way.
_SOUNDS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"shch|sch|sh|ch|tch|ts|cz|sz|ts", "s"),
        (r"zh|xh|gj|dj|dzh|dz|j", "z"),
        (r"ph", "f"),
        (r"kh|gh|ck|q|c|x", "k"),
        (r"th", "t"),
        (r"oo|ou|uo|ua", "u"),
        (r"ee|ie|ei|y|ea|ia|ii", "i"),
        (r"w", "v"),
        (r"(?<=[a-z])h", ""),
    )
)
_DOUBLED = re.compile(r"(.)\1+")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y")


def fold_name(value: Any) -> str | None:
    """Plain lower-case Latin letters and single spaces; None for nothing.

    Cyrillic, Greek and Arabic letters are transliterated, accents removed, hyphens and apostrophes joined.

    Examples
    --------
    >>> fold_name("  Nguyễn-Văn "), fold_name("Ћирић"), fold_name("O'Brien"), fold_name("--")
    ('nguyen van', 'ciric', 'obrien', None)
    """
    if is_missing(value):
        return None
    text = re.sub(r"['’`ʼ]", "", str(value).lower())
    text = "".join(_LETTERS.get(c, c) for c in unicodedata.normalize("NFC", text))
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = "".join(_LETTERS.get(c, c) for c in plain)
    return " ".join(re.sub(r"[^a-z]+", " ", plain).split()) or None


def transliteration_key(value: Any) -> str | None:
    """One spelling for the romanisations of a name; equal keys are a strong hint, not proof.

    Examples
    --------
    >>> transliteration_key("Youssouf") == transliteration_key("Yusuf")
    True
    >>> transliteration_key("Xhevdet"), transliteration_key("Zhevdet")
    ('zevdet', 'zevdet')
    """
    folded = fold_name(value)
    if folded is None:
        return None
    parts = []
    for word in folded.split():
        key = word
        for pattern, to in _SOUNDS:
            key = pattern.sub(to, key)
        parts.append(_DOUBLED.sub(r"\1", key))
    return " ".join(p for p in parts if p) or None


def parse_date(value: Any) -> dt.date | None:
    """A date from the usual written forms (day before month); None when there is none.

    Examples
    --------
    >>> parse_date("03/04/1999"), parse_date("1999-04-03") == parse_date("3.4.1999"), parse_date("?")
    (datetime.date(1999, 4, 3), True, None)
    """
    if is_missing(value):
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value).strip()
    for form in _DATES:
        try:
            return dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def normal_code(value: Any) -> str | None:
    """Letters and digits, upper case: for nationality, sex, place and document numbers.

    Examples
    --------
    >>> normal_code(" ab-12 "), normal_code("")
    ('AB12', None)
    """
    if is_missing(value):
        return None
    return re.sub(r"[\W_]+", "", str(value)).upper() or None
