"""Case-level data of the Counter-Trafficking Data Collaborative, counted for comparison.

The k-anonymised data set keeps combinations held by at least 11 people; ``-99`` is not known. The
synthetic one has the same columns. Neither is a count of detected victims of a country: it is who partner
organisations helped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from survey_toolkit.dissemination.external.values import External, ExternalValue, read_table
from survey_toolkit.errors import DataFileError
from survey_toolkit.indicators import TOTAL

__all__ = ["read_ctdc"]

_COLUMNS = {
    "yearOfRegistration": "year", "gender": "sex", "ageBroad": "age", "majorityStatus": "majority",
    "citizenship": "citizenship", "CountryOfExploitation": "country",
}  # fmt: skip
_MISSING = {"-99", "", "-98", "unknown", "nan"}
_SEX = {"female": "F", "male": "M", "woman": "F", "man": "M"}
_FORMS = {
    "isForcedLabour": "forced labour", "isSexualExploit": "sexual exploitation", "isOtherExploit": "other",
    "isSexAndLabour": "sex and labour", "isForcedMarriage": "forced marriage",
    "isForcedMilitary": "forced military", "isOrganRemoval": "organ removal",
    "isSlaveryAndPractices": "slavery and similar practices",
}  # fmt: skip
#: Smaller groups do not exist in the k-anonymised release, so here they are artefacts of a crossing.
K = 11


def read_ctdc(path: str | Path, by: Sequence[str] = ("sex",), *, smallest: int = K) -> External:
    """Count the people in a CTDC file by country of exploitation, year and breakdown.

    Parameters
    ----------
    path : path
        CSV of the global data set (k-anonymised or synthetic).
    by : sequence of {"sex", "age", "majority", "citizenship", "form"}
        Each by itself, and the total. People with several forms of exploitation count in each.
    smallest : int
        Smaller counts are given as the interval 1 to this number less one, status Q.

    Raises
    ------
    DataFileError
        If the file or a column is missing.
    """
    back = {ours: theirs for theirs, ours in _COLUMNS.items()}
    unknown = [name for name in by if name not in (*back, "form")]
    if unknown:
        raise DataFileError(
            "CTDC data have no such breakdown", found=unknown[0],
            expected=", ".join((*back, "form")), code="unknown-breakdown",
        )  # fmt: skip
    needed = ("CountryOfExploitation", "yearOfRegistration", *(back[d] for d in by if d != "form"))
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for _, row in read_table(path, needed):
        place, year = (_known(row[c]) for c in needed[:2])
        counts[place, year, "", TOTAL] += 1
        for name in by:
            for code in _forms(row) if name == "form" else [_code(name, row[back[name]])]:
                counts[place, year, name, code] += 1
    values = tuple(_value(key, n, by, smallest) for key, n in sorted(counts.items()))
    return External(source="CTDC", values=values)


def _known(text: str) -> str:
    text = text.strip()
    return "_U" if text.lower() in _MISSING else text.removesuffix(".0")


def _code(name: str, text: str) -> str:
    code = _known(text)
    return _SEX.get(code.lower(), code) if name == "sex" else code


def _forms(row: dict[str, str]) -> list[str]:
    found = [label for column, label in _FORMS.items() if row.get(column, "").strip() in ("1", "1.0")]
    return found or ["_U"]


def _value(key: tuple[str, str, str, str], n: int, by: Sequence[str], smallest: int) -> ExternalValue:
    place, year, name, code = key
    small = n < smallest
    return ExternalValue(
        source="CTDC",
        indicator="",
        series="CTDC_CASES",
        label="Victims assisted by partner organisations",
        country=place,
        period=year,
        unit="NUMBER",
        breakdown={d: code if d == name else TOTAL for d in by},
        value=None if small else float(n),
        low=1.0 if small else float(n),
        high=float(smallest - 1) if small else float(n),
        text=f"<{smallest}" if small else str(n),
        status="Q" if small else "A",
    )
