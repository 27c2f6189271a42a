"""Words by which columns and labels tell what they are, in the languages the files come in.

They serve guesses only: a guess is shown with its reason and never applied.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from survey_toolkit.microdata._text import fold

if TYPE_CHECKING:
    from survey_toolkit.microdata.model import Variable

__all__ = ["FEMALE", "MALE", "NO", "REASON_LABELS", "RURAL", "URBAN", "YES", "holds", "tokens", "undeclared"]

#: Wording of a value label that is no answer, to the missing reason.
REASON_LABELS: dict[str, str] = {
    **dict.fromkeys(
        ("dk", "d.k.", "don't know", "do not know", "doesn't know", "don’t know", "does not know",
         "don't know/unsure", "no sabe", "ne sait pas", "nsp", "không biết", "ไม่ทราบ", "ไม่รู้", "មិនដឹង",
         "ບໍ່ຮູ້", "မသိပါ", "不知道", "tidak tahu"), "dk"),
    **dict.fromkeys(
        ("refused", "refusal", "refuses", "refused to answer", "refuse", "rehúsa", "refus", "từ chối",
         "ปฏิเสธ", "បដិសេធ", "拒绝", "拒绝回答"), "refused"),
    **dict.fromkeys(
        ("no response", "no answer", "missing", "not stated", "not reported", "nr", "no responde",
         "sin respuesta", "pas de réponse", "manquant", "không trả lời", "ไม่ตอบ", "未回答", "non response",
         "no response/missing"), "no_response"),
    **dict.fromkeys(
        ("not applicable", "n/a", "na", "inapplicable", "niu", "no aplica", "sans objet",
         "không áp dụng", "不适用", "valid skip"), "not_applicable"),
    **dict.fromkeys(("not asked", "non demandé", "no preguntado"), "not_asked"),
    **dict.fromkeys(("inconsistent", "inconsistent answer", "inconsistente", "incohérent"), "inconsistent"),
    **dict.fromkeys(("suppressed", "confidential", "withheld"), "suppressed"),
}  # fmt: skip

MALE = frozenset(
    ("male", "males", "man", "men", "boy", "hombre", "masculino", "varón", "homme", "masculin", "garçon",
     "nam", "ชาย", "ប្រុស", "ຊາຍ", "ကျား", "男", "laki-laki", "masculine", "m")
)  # fmt: skip
FEMALE = frozenset(
    ("female", "females", "woman", "women", "girl", "mujer", "femenino", "femme", "féminin", "fille",
     "nữ", "หญิง", "ស្រី", "ຍິງ", "မ", "女", "perempuan", "feminine", "f")
)  # fmt: skip
URBAN = frozenset(
    ("urban", "urbano", "urbana", "área urbana", "urbain", "milieu urbain", "thành thị", "ในเขตเทศบาล",
     "ទីក្រុង", "ໃນເມືອງ", "城镇", "城市", "perkotaan", "town", "city")
)  # fmt: skip
RURAL = frozenset(
    ("rural", "área rural", "milieu rural", "nông thôn", "นอกเขตเทศบาล", "ជនបទ", "ຊົນນະບົດ", "农村",
     "乡村", "perdesaan", "village", "countryside")
)  # fmt: skip
YES = frozenset(
    ("yes", "sí", "si", "oui", "có", "ใช่", "បាទ", "បាទ/ចាស", "ແມ່ນ", "是", "ya", "true", "mentioned", "ticked")
)  # fmt: skip
NO = frozenset(
    ("no", "non", "không", "ไม่ใช่", "ไม่", "ទេ", "ບໍ່", "ບໍ່ແມ່ນ", "否", "tidak", "false", "not mentioned",
     "not ticked")
)  # fmt: skip

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPLIT = re.compile(r"[^\w']+|_+|(?<=\D)(?=\d)|(?<=\d)(?=\D)")


def tokens(text: str) -> frozenset[str]:
    """Words of a column name or a label, in one case.

    Examples
    --------
    >>> sorted(tokens("respName_2")), sorted(tokens("Name of the head"))
    (['2', 'name', 'resp'], ['head', 'name', 'of', 'the'])
    """
    return frozenset(part for part in _SPLIT.split(fold(_CAMEL.sub(" ", text))) if part)


def holds(text: str, phrases: frozenset[str] | tuple[str, ...]) -> str | None:
    """Return the first of ``phrases`` that stands in the text as whole words, else None.

    Scripts that write no blanks between words (Thai, Khmer, Lao, Burmese, Chinese) are searched as they
    are.

    Examples
    --------
    >>> holds("Age of the child", ("age",)), holds("Language", ("age",)), holds("อายุของเด็ก", ("อายุ",))
    ('age', None, 'อายุ')
    """
    folded = fold(text)
    for phrase in sorted(phrases, key=len, reverse=True):
        if all(ord(c) < 0x500 or 0x1E00 <= ord(c) < 0x1F00 for c in phrase):
            if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", folded):
                return phrase
        elif phrase in folded:
            return phrase
    return None


def undeclared(variable: Variable) -> list[str]:
    """Codes whose label is no answer, though the file does not declare them missing.

    Examples
    --------
    >>> from survey_toolkit.microdata.model import Variable
    >>> undeclared(Variable(name="CL3", value_labels={1: "Yes", 2: "No", 9: "No response"}))
    ["9 'No response'"]
    """
    return [
        f"{code} '{label}'"
        for code, label in variable.value_labels.items()
        if fold(label) in REASON_LABELS and not any(m.contains([code])[0] for m in variable.missing)
    ]
