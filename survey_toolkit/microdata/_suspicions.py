"""What looks wrong in a column, told without showing a respondent's value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.microdata._cells import code_text
from survey_toolkit.microdata._text import fold
from survey_toolkit.microdata.model import Microdata, Variable

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.microdata._cells import Cells

__all__ = ["Suspicion", "suspicions", "unlabelled", "unused"]

_SENTINELS = (97, 98, 99, 997, 998, 999, 9997, 9998, 9999, 99999, -1, -8, -9, -97, -98, -99, -999, 88, 888)
_MOJIBAKE = r"\ufffd|Ã[\u0080-\u00bf]|Â[\u00a0-\u00bf]|à¸|áž|�"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A column and what looks wrong with it."""

    name: str
    what: str


def suspicions(
    data: Microdata, variable: Variable, cells: Cells, *, hidden: Collection[str] = ()
) -> Iterator[Suspicion]:
    """Tell what looks wrong in one column; rows of the ``hidden`` codes are not counted out."""
    raw = data.frame[variable.name]
    for look in _LOOKS:
        for what in look(raw, variable, cells, hidden):
            yield Suspicion(name=variable.name, what=what)


def unlabelled(cells: Cells, variable: Variable) -> dict[str, int]:
    """Codes that hold a value but have no label, in a variable whose other codes are labelled."""
    if len(variable.value_labels) < 2:
        return {}
    counts = cells.values.value_counts()
    known = set(variable.value_labels)
    without = {code: int(n) for code, n in counts.items() if code not in known}
    if sum(without.values()) > 0.5 * int(counts.sum()):
        return {}  # a number with labels for its missing codes only
    out: dict[str, int] = {}
    for code, n in without.items():
        out[code_text(code)] = out.get(code_text(code), 0) + n
    return out


def unused(raw: pd.Series[Any], variable: Variable) -> list[str]:
    """Labelled codes that no row holds; missing codes are no surprise and left out."""
    declared = [m for m in variable.missing]
    found = set(raw.dropna().unique())
    return [
        str(code_text(code))
        for code in variable.value_labels
        if code not in found
        and not any(m.contains([code]).any() for m in declared)
        and code not in _SENTINELS
    ]


def _blank(raw: pd.Series[Any], variable: Variable, cells: Cells, hidden: Collection[str]) -> Iterator[str]:
    if len(raw) and raw.isna().all():
        yield "every row is blank"
    elif len(raw) and cells.values.isna().all():
        yield "no row holds an answer: all are declared or labelled missing"
    elif len(raw) >= 20 and cells.values.nunique() == 1 and cells.values.notna().all():
        yield "every row holds the same value"


def _codes_and_labels(
    raw: pd.Series[Any], variable: Variable, cells: Cells, hidden: Collection[str]
) -> Iterator[str]:
    without = unlabelled(cells, variable)
    if without:
        rows = "" if set(without) & set(hidden) else f" ({_few(sum(without.values()))} rows)"
        yield f"codes without a label: {', '.join(list(without)[:8])}{rows}"
    folded: dict[str, list[str]] = {}
    for code, text in variable.value_labels.items():
        folded.setdefault(fold(text), []).append(code_text(code))
    for text, codes in folded.items():
        if text and len(codes) > 1:
            yield f"codes {' and '.join(codes)} have the same label"


def _sentinels(
    raw: pd.Series[Any], variable: Variable, cells: Cells, hidden: Collection[str]
) -> Iterator[str]:
    """Numbers such as 98 far above the rest: a code, not a quantity."""
    import pandas as pd

    values = cells.values.dropna()
    if not pd.api.types.is_numeric_dtype(values.dtype) or str(values.dtype) == "boolean" or len(values) < 10:
        return
    numbers = values.to_numpy(dtype=float)
    for code in _SENTINELS:
        n = int((numbers == code).sum())
        if not n or code in variable.value_labels:
            continue
        rest = numbers[~np.isin(numbers, _SENTINELS)]
        if not len(rest):
            continue
        beyond = code > rest.max() * 1.25 if code > 0 else code < rest.min() and rest.min() >= 0
        repeated = n >= 5 and code > 0 and code > 2 * np.quantile(rest, 0.99)
        if beyond or repeated:
            # the others are told by the number of answers
            told = code_text(code) not in hidden and (n < 5 or len(numbers) - n >= 5)
            rows = f" ({_few(n)} rows)" if told else ""
            yield f"{code}{rows} looks like a missing code that is not declared"


def _texts(raw: pd.Series[Any], variable: Variable, cells: Cells, hidden: Collection[str]) -> Iterator[str]:
    import pandas as pd

    label_text = " ".join((variable.label, *variable.value_labels.values()))
    if _broken(pd.Series([label_text], dtype="string")):
        yield "its labels hold broken letters: the encoding may be wrong"
    if not pd.api.types.is_string_dtype(raw.dtype):
        return
    known = raw.dropna()
    if _broken(known.iloc[:5_000]):
        yield "it holds broken letters: the encoding may be wrong"
    stripped = known.str.strip()
    stripped = stripped[stripped != ""]
    numeric = pd.to_numeric(stripped, errors="coerce").notna()
    zeros = stripped.str.fullmatch(r"0\d+").any()
    if len(stripped) and numeric.all() and not zeros and not variable.value_labels:
        yield "numbers stored as text"
    elif len(stripped) >= 20 and 0.9 <= numeric.mean() < 1:
        yield f"numbers, but for {_few(int((~numeric).sum()))} rows of text"
    distinct = stripped.unique()
    if 2 <= len(distinct) <= 500 and len({fold(t) for t in distinct}) < len(distinct):
        yield "texts that differ only in case or blanks"


def _long_numbers(
    raw: pd.Series[Any], variable: Variable, cells: Cells, hidden: Collection[str]
) -> Iterator[str]:
    if str(raw.dtype) == "Float64":
        numbers = raw.dropna().to_numpy(dtype=float)
        if len(numbers) and (abs(numbers) >= 1e15).mean() > 0.5 and (numbers % 1 == 0).all():
            yield "numbers of more than 15 digits in a decimal column: the last digits may be lost"


def _dates(raw: pd.Series[Any], variable: Variable, cells: Cells, hidden: Collection[str]) -> Iterator[str]:
    if str(raw.dtype).startswith("datetime"):
        years = raw.dropna().dt.year
        wild = int(((years < 1900) | (years > 2100)).sum())
        if wild:
            yield f"{_few(wild)} dates before 1900 or after 2100"


def _broken(texts: pd.Series[Any]) -> bool:
    return bool(texts.str.contains(_MOJIBAKE, regex=True, na=False).any())


def _few(n: int) -> str:
    return f"{n:,}" if n >= 5 else "<5"


_LOOKS: tuple[Callable[[Any, Variable, Any, Collection[str]], Iterator[str]], ...] = (
    _blank,
    _codes_and_labels,
    _sentinels,
    _texts,
    _long_numbers,
    _dates,
)
