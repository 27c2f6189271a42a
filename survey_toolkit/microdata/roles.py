"""Which columns may be the weight, the PSU, the stratum, sex and age: guesses with their reasons.

A guess is shown, never applied: a wrong stratum changes every standard error in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata._words import FEMALE, MALE, holds, tokens
from survey_toolkit.microdata.model import Microdata, Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROLES", "Guess", "guess_roles"]

ROLES = ("weight", "psu", "stratum", "sex", "age")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Role to names known from survey programmes, words in other names, phrases in labels.
_KNOWN: dict[str, tuple[frozenset[str], frozenset[str], tuple[str, ...]]] = {
    "weight": (
        _set("v005 hv005 mv005 d005 fexp fsweight hhweight wmweight chweight mnweight pweight finalwgt "
                  "wgt wt w pondera factor fac_tri"),
        _set("weight wgt wt pond pondera expansion"),
        ("sample weight", "sampling weight", "survey weight", "weight", "factor de expansión",
         "poids de sondage", "quyền số", "ค่าถ่วงน้ำหนัก", "权重", "expansion factor"),
    ),
    "psu": (
        _set("psu upm v021 hv021 mv021 v001 hv001 hh1 ea cluster clust secu secu_r ea_id"),
        _set("psu cluster upm ea conglomerado grappe"),
        ("primary sampling unit", "cluster number", "cluster", "enumeration area", "unidad primaria",
         "unité primaire", "grappe", "địa bàn", "เขตแจงนับ"),
    ),
    "stratum": (
        _set("v022 v023 hv022 hv023 mv022 mv023 strata stratum estrato strate strat sest"),
        _set("strata stratum estrato strate strat"),
        ("stratum", "strata", "sampling strat", "stratification", "estrato", "strate", "tầng mẫu"),
    ),
    "sex": (
        _set("sex sexo sexe gender hl4 hv104 p02 b4 b_sex"),
        _set("sex gender sexo sexe genero"),
        ("sex", "gender", "sexo", "sexe", "giới tính", "เพศ", "ភេទ", "ເພດ", "性别", "jenis kelamin"),
    ),
    "age": (
        _set("age edad hl6 cb3 v012 hv105 mv012 p03 idade umur"),
        _set("age edad idade ages"),
        ("age", "edad", "âge", "tuổi", "อายุ", "អាយុ", "ອາຍຸ", "年龄", "umur", "completed years"),
    ),
}  # fmt: skip

_NOT = {
    "weight": ("kg", "kilogram", "grams", "body", "birth weight", "weight at birth", "peso"),
    "age": ("age at", "age group", "months", "age of mother", "marriage", "union", "first"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A column that may play a role, best first among those of the role; ``points`` orders them."""

    role: str
    name: str
    reason: str
    points: int


def guess_roles(data: Microdata, *, most: int = 3) -> tuple[Guess, ...]:
    """Guess weight, PSU, stratum, sex and age from names, labels, codes and what the numbers look like.

    Parameters
    ----------
    data : Microdata
    most : int
        Candidates a role.

    Returns
    -------
    tuple of Guess
        Role by role in the order of :data:`ROLES`, best first. Nothing is applied.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = Microdata.from_frame(pd.DataFrame({"fsweight": [0.8, 1.2, 1.1], "HL4": [1, 2, 1]}))
    >>> for g in guess_roles(raw):
    ...     print(g.role, g.name, "-", g.reason)
    weight fsweight - the name is used for it; positive numbers with decimals
    sex HL4 - the name is used for it; two codes
    """
    out: list[Guess] = []
    for role in ROLES:
        found = [g for v in data.variables.values() if (g := _guess(role, data, v)) is not None]
        out += sorted(found, key=lambda g: -g.points)[:most]
    return tuple(out)


def _guess(role: str, data: Microdata, variable: Variable) -> Guess | None:
    names, words, phrases = _KNOWN[role]
    points, reasons = 0, []
    if fold(variable.name) in names:
        points, reasons = 3 + (fold(variable.name) == role), ["the name is used for it"]
    elif word := next(iter(sorted(tokens(variable.name) & words)), None):
        points, reasons = 2, [f"the name holds '{word}'"]
    phrase = holds(variable.label, phrases)
    if phrase is not None and holds(variable.label, _NOT.get(role, ())) is None:
        points, reasons = points + 2, [*reasons, f"the label holds '{phrase}'"]
    elif phrase is not None and points < 3:
        return None
    column = data.frame[variable.name].dropna()
    if not len(column):
        return None
    form = _FORMS[role](column, variable, data.n_rows)
    if role == "sex" and form == _BOTH_SEXES:
        points += 3
    if not points or form is None:
        return None
    return Guess(role=role, name=variable.name, reason="; ".join([*reasons, form]), points=points)


_BOTH_SEXES = "the labels of its codes are male and female"


def _weight_form(column: pd.Series[Any], variable: Variable, n_rows: int) -> str | None:
    numbers = _numbers(column)
    if numbers is None or variable.value_labels or (numbers < 0).any():
        return None
    if (numbers % 1 != 0).any():
        return "positive numbers with decimals"
    return "positive whole numbers of many sizes" if numbers.nunique() >= 3 and numbers.max() > 1 else None


def _group_form(column: pd.Series[Any], variable: Variable, n_rows: int) -> str | None:
    n, k = len(column), int(column.nunique())
    numbers = _numbers(column)
    if numbers is not None and (numbers % 1 != 0).any():
        return None
    if k == n > 20:
        return None
    # the size tells how many rows are blank, which may be few
    return f"{k:,} groups of {n / k:.0f} rows" if n == n_rows else f"{k:,} groups"


def _sex_form(column: pd.Series[Any], variable: Variable, n_rows: int) -> str | None:
    labels = {fold(text) for text in variable.value_labels.values()}
    if labels & MALE and labels & FEMALE:
        return _BOTH_SEXES
    found = {fold(str(code)) for code in column.unique()[:10]}
    if found & MALE and found & FEMALE:
        return "its codes are male and female"
    return "two codes" if 1 <= len(found) <= 3 and not variable.value_labels else None


def _age_form(column: pd.Series[Any], variable: Variable, n_rows: int) -> str | None:
    numbers = _numbers(column)
    if numbers is None or (numbers % 1 != 0).any() or len(variable.value_labels) > 12:
        return None
    usual = float(((numbers >= 0) & (numbers <= 120)).mean())
    share = "all" if usual == 1 else "nearly all"  # a percentage of few rows is a count
    return f"{share} of its whole numbers are 0 to 120" if usual > 0.9 else None


def _numbers(column: pd.Series[Any]) -> pd.Series[Any] | None:
    import pandas as pd

    usable = pd.api.types.is_numeric_dtype(column.dtype) and str(column.dtype) != "boolean"
    return column.astype("Float64") if usable else None


_FORMS: dict[str, Callable[[Any, Variable, int], str | None]] = {
    "weight": _weight_form,
    "psu": _group_form,
    "stratum": _group_form,
    "sex": _sex_form,
    "age": _age_form,
}
