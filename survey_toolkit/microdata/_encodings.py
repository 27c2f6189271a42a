"""Which encoding a file's bytes are in: what is declared, what was given, and what the letters look like.

A guess is made only from bytes that are no UTF-8, is always noted with its confidence, and gives way to
``encoding=``. Each candidate is judged by what its letters would be: the common letters of its language,
marks that stand on a letter, capitals that do not follow small letters.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata._text import codec_name, decode

__all__ = ["Guess", "TextReader", "guess_encoding", "is_zawgyi"]

_THAI = "กขคงจชญดตถทธนบปผพภมยรลวศสหอะัาำิีึืุูเแโใไ็่้์"
_LAO = "ກຂຄງຈສຊຍດຕຖທນບປຜຝພຟມຢຣລວຫອຮຯະັາຳິີຶືຸູົຼຽເແໂໃໄໆ່້໊໋໌ໍໜໝ"
_VIETNAMESE = "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ"
_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ"
_WESTERN = "áéíóúñüçãõâêôàèùîïöäßëåøæºª¿¡"
_HANZI = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后"
    "多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合"
    "还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只"
    "没结解问意建月公无系很情者最立代想已通并提直题程展五果员位入常文总次品式活设及管特件长求老头基资边路级少统接"
    "知较将组见计别她手角期根论运农指几九区强放西被做必先回任取据处南给门即保治北百七海口东世金受什认六共收证改清"
    "己美再更单打白教安场身车务万每目至走完类八名科信节话整空今集土许广记需段界众书布儿际非周备半办青省列习约支史"
    "劳团往市何除府称值号率族选标写存快查江王按易始专状育京属包火住调满县局照参该男女岁婚龄职户籍父母孩童妻丈夫村"
    "城镇乡详未拒绝答填上海州庆成都沈"
)
_HANZI_TRADITIONAL = (
    "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後"
    "多定行學法所民得經十三之進著等部度家電力里如水化高自二理起小物現實加量都兩體制機當使點從業本去把性好應開它合"
    "還因由其些然前外天政四日那社義事平形相全表間樣與關各重新線內數正心反你明看原又麼利比或但質氣第向道命此變條只"
    "沒結解問意建月公無系很情者最立代想已通並提直題程展五果員位入常文總次品式活設及管特件長求老頭基資邊路級少統接"
    "知較將組見計別她手角期根論運農指幾九區強放西被做必先回任取據處南給門即保治北百七海口東世金受什認六共收證改清"
    "己美再更單打白教安場身車務萬每目至走完類八名科信節話整空今集土許廣記需段界眾書布兒際非周備半辦青省列習約支史"
    "勞團往市何除府稱值號率族選標寫存快查江王按易始專狀育京屬包火住調滿縣局照參該男女歲婚齡職戶籍父母孩童妻丈夫村"
    "城鎮鄉詳未拒絕答填臺灣台港"
)
#: Codec, language, and the letters it uses most; of two that fit alike the first is taken.
_CANDIDATES = (
    ("cp1252", "Western European", _WESTERN),
    ("cp874", "Thai", _THAI),
    ("cp1133", "Lao", _LAO),
    ("gb18030", "Chinese", _HANZI),
    ("big5", "Chinese, traditional", _HANZI_TRADITIONAL),
    ("cp1258", "Vietnamese", _VIETNAMESE),
    ("tcvn", "Vietnamese", _VIETNAMESE),
    ("koi8-r", "Russian", _RUSSIAN),
    ("cp1251", "Russian", _RUSSIAN),
)
#: What a letter beyond ASCII may follow: other such letters, or only those of its own script.
_AFTER = {"Thai": "own", "Lao": "own", "Vietnamese": "đưừứửữự", "Western European": "çñ", "Russian": "own"}
_PREPOSED = frozenset("เแโใไເແໂໃໄ")
_SIGNS = frozenset("’‘“”–—…°€£§²³½¼·«»\xa0，。、；：？！（）《》“”")
_SURE = 0.4
_ENOUGH = 4_000
_ONLY_VIETNAMESE = frozenset(
    _VIETNAMESE + _VIETNAMESE.upper() + "\u0300\u0301\u0303\u0309\u0323"
) - frozenset("áàéèíìóòúùâêôãõýÁÀÉÈÍÌÓÒÚÙÂÊÔÃÕÝ")


@dataclass(frozen=True, slots=True)
class Guess:
    """A candidate encoding; ``confidence`` runs from 0 to 1."""

    encoding: str
    language: str
    confidence: float

    def __str__(self) -> str:
        return f"{self.encoding} ({self.language}, confidence {self.confidence:.2f})"


def guess_encoding(samples: list[bytes]) -> list[Guess]:
    """Candidates for bytes that are no UTF-8, the best first; few letters give little confidence.

    Examples
    --------
    >>> print(guess_encoding(["กรุงเทพมหานคร".encode("cp874"), "หญิง".encode("cp874")])[0])
    cp874 (Thai, confidence 0.94)
    """
    chosen: list[bytes] = []
    size = 0
    for sample in sorted(set(samples), key=len):
        chosen.append(sample)
        size += len(sample)
        if size > _ENOUGH:
            break
    scored = []
    for codec, language, common in _CANDIDATES:
        score, n = _score(chosen, codec, language, common)
        if score > 0:
            scored.append((score, n, codec, language))
    scored.sort(key=lambda item: -item[0])
    out = []
    for rank, (score, n, codec, language) in enumerate(scored):
        rival = scored[1][0] if rank == 0 and len(scored) > 1 else 0.0 if rank == 0 else scored[0][0]
        sure = score * (1 - 0.5 * min(1.0, rival / score)) * (1 - math.exp(-n / 5))
        out.append(Guess(codec, language, round(min(sure, 0.99), 2)))
    return out


def _score(samples: list[bytes], codec: str, language: str, common: str) -> tuple[float, int]:
    """Mean worth of the letters beyond ASCII (1: common in the language, -1: out of place)."""
    letters = set(common) | set(common.upper())
    worth, n = 0.0, 0
    special = language != "Vietnamese"
    for sample in samples:
        try:
            raw = sample.decode(codec)
        except (UnicodeDecodeError, LookupError):
            return 0.0, 0
        special = special or any(c in _ONLY_VIETNAMESE for c in raw)
        text = unicodedata.normalize("NFC", raw)
        for at, character in enumerate(text):
            if character.isascii() or character in _SIGNS:
                continue
            n += 1
            worth += _worth(text, at, letters, language)
    if language in ("Vietnamese", "Western European"):  # plain letters around are evidence too
        plain = sum(c.isascii() and c.isalpha() for sample in samples for c in sample.decode(codec))
        return (worth / n if n and special else 0.0), n + plain // 2
    return (worth / n if n and special else 0.0), n


def _worth(text: str, at: int, letters: set[str], language: str) -> float:
    character, before = text[at], text[at - 1] if at else " "
    if unicodedata.category(character) == "Mn" and not (
        before.isalpha() or unicodedata.category(before) == "Mn"
    ):
        return -1.0
    if character in _PREPOSED and (at + 1 == len(text) or unicodedata.category(text[at + 1]) == "Mn"):
        return -1.0
    if language in _AFTER and _out_of_place(character, before, _AFTER[language]):
        return -1.0
    if character not in letters:
        rare = language.startswith("Chinese") and "\u4e00" <= character <= "\u9fff"
        return 0.3 if rare or (language == "Thai" and "\u0e01" <= character <= "\u0e4e") else -1.0
    return 0.5 if character.isupper() and before.isupper() else 1.0


def _out_of_place(character: str, before: str, after: str) -> bool:
    """A capital after a small letter; a letter beside one of another script, or two that never meet."""
    if character.isupper() and before.islower():
        return True
    if after == "own":  # words in these scripts hold no Latin letters
        return before.isascii() and before.isalpha()
    return not before.isascii() and before.isalpha() and before.lower() not in after


_ZAWGYI = re.compile(
    "[\u1060-\u1097]"  # forms that Unicode gives to other languages
    "|(?:^|[^\u1000-\u109f])[\u1031\u103b]"  # a vowel or a medial before its consonant
    "|\u103a[\u102b-\u1032\u103b-\u103e]"  # what Unicode has as the killed vowel, before a vowel
    "|\u1039(?:$|[^\u1000-\u1021])"
)
_UNICODE = re.compile(
    "[\u1000-\u1021][\u103b-\u103e]*\u1031|\u1039[\u1000-\u1021]|\u103a(?:$|[^\u102b-\u103e])"
)


def is_zawgyi(texts: list[str]) -> bool:
    """Whether Burmese text is in the Zawgyi font's own order of letters, which only looks like Unicode.

    Examples
    --------
    >>> is_zawgyi(["မြန်မာ"]), is_zawgyi(["ျမန္မာ"])
    (False, True)
    """
    burmese = [t for t in texts if any("\u1000" <= c <= "\u109f" for c in t)]
    odd = sum(len(_ZAWGYI.findall(t)) for t in burmese)
    sound = sum(len(_UNICODE.findall(t)) for t in burmese)
    return 3 * odd > sound


@dataclass(slots=True)
class TextReader:
    """Settles the encoding of one file, turns its texts into text, and says what it had to assume."""

    where: str
    given: str | None = None
    declared: str | None = None
    raw: bool = True
    usually_utf8: bool = False
    notes: list[str] = field(default_factory=list)
    settled: bool = False
    codec: str = "utf-8"

    def __post_init__(self) -> None:
        if not self.raw:
            self.settled = True
        elif self.given:
            self.codec = codec_name(self.given, where=self.where)
        elif self.declared:
            self.codec = codec_name(self.declared, where=self.where)

    @property
    def encoding(self) -> str:
        """Codec in use, as a person calls it."""
        return self.codec

    def __call__(self, text: str | None) -> str:
        if not text:
            return ""
        return decode(text.encode("latin-1"), self.codec, where=self.where) if self.raw else text

    def settle(self, samples: list[bytes]) -> None:
        """Judge by texts that are not plain ASCII; without any, the question stays open."""
        if self.settled or not samples:
            return
        self.settled = True
        if self.declared and not self.given:
            self._check_declared(samples)
        elif not self.given:
            self._choose(samples)
        texts = _decoded(samples, self.codec) or []
        if self.codec == "utf-8" and is_zawgyi(texts):
            self.notes.append(
                "the Burmese text is in Zawgyi order, not Unicode: labels will not match Unicode text; "
                "convert the file to Unicode before use"
            )

    def _check_declared(self, samples: list[bytes]) -> None:
        guesses = guess_encoding(samples)
        texts = _decoded(samples, self.codec)
        if texts is None:
            raise DataFileError(
                f"the file declares {self.declared} but its text is not",
                where=self.where,
                found=self._looks_like(guesses, samples),
                hint=f"give the encoding: encoding='{guesses[0].encoding}'" if guesses else "give encoding=…",
                code="encoding",
            )
        best = guesses[0] if guesses else None
        western = self.codec in ("cp1252", "iso8859-1", "iso8859-15", "latin-1")
        if best and western and best.encoding != "cp1252" and best.confidence >= _SURE:
            self.notes.append(
                f"the file declares {self.declared}, but its text looks like {best}; "
                f"read it with encoding='{best.encoding}' if labels are unreadable"
            )

    def _choose(self, samples: list[bytes]) -> None:
        if _decoded(samples, "utf-8") is not None:
            if not self.usually_utf8:
                self.notes.append(
                    "the file does not declare its text encoding; all of its text is sound UTF-8"
                )
            return
        guesses = guess_encoding(samples)
        if not guesses or guesses[0].confidence < _SURE:
            raise DataFileError(
                "the text is not UTF-8, and the file does not declare its encoding",
                where=self.where,
                found=self._looks_like(guesses, samples),
                hint="give the encoding, for example encoding='cp874' (Thai), 'gb18030' (Chinese), 'cp1258' "
                "or 'tcvn' (Vietnamese), 'cp1133' (Lao), 'koi8-r' (Russian), 'cp1252' (Western European)",
                code="encoding",
            )
        self.codec = codec_name(guesses[0].encoding, where=self.where)
        name = "Western European" if guesses[0].encoding == "cp1252" else guesses[0].language
        self.notes.append(
            f"the file does not declare its text encoding; it was read as {name} ({guesses[0].encoding}), "
            f"confidence {guesses[0].confidence:.2f}; give encoding=… if labels are unreadable"
        )

    def _looks_like(self, guesses: list[Guess], samples: list[bytes]) -> str:
        return (
            "; ".join(str(guess) for guess in guesses[:3]) or f"{len(samples):,} texts in no known encoding"
        )


def _decoded(samples: list[bytes], codec: str) -> list[str] | None:
    try:
        return [sample.decode(codec) for sample in samples]
    except UnicodeDecodeError:
        return None
