"""How a country return is laid out, so that who writes it and who reads it agree.

Row 1 of each sheet is hidden and names the return (``commit-spa4@2017.1|KHM|km|actuals``), row 4 is hidden
and
names the columns; people see row 5. A reader goes by these keys, not by positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from survey_toolkit._yaml import StrictModel, load_document
from survey_toolkit.indicators.frameworks import Framework, FrameworkIndicator, breakdown_cells, breakdown_key
from survey_toolkit.standards import in_language

__all__ = [
    "FIRST_ROW",
    "KEY_ROW",
    "MAX_SOURCES",
    "SHEETS",
    "Row",
    "Words",
    "baseline_years",
    "rows_of",
    "sheet_key",
    "words",
]

KEY_ROW, HEAD_ROW, FIRST_ROW = 4, 5, 6
#: Sheets that carry answers, in order.
SHEETS = ("indicators", "actuals", "sources", "narrative")
MAX_SOURCES = 10
#: How long before the plan a baseline may lie.
_BASELINE_BACK = 15


class _Phrases(StrictModel):
    draft: tuple[str, ...]
    phrases: Annotated[dict[str, dict[str, str]], Field(min_length=1)]


@lru_cache(maxsize=1)
def _phrases() -> _Phrases:
    file = Path(__file__).parent / "templates" / "phrases.yaml"
    return load_document(file, name="phrases.yaml").validate(_Phrases)


@dataclass(frozen=True, slots=True)
class Words:
    """Phrases of one language; English where there is none."""

    language: str
    draft: bool
    phrases: Mapping[str, Mapping[str, str]]

    def __getitem__(self, name: str) -> str:
        return in_language(self.phrases[name], self.language)

    def text(self, labels: Mapping[str, str]) -> str:
        """A text of the framework in this language."""
        return in_language(labels, self.language)

    @property
    def both(self) -> tuple[str, ...]:
        """English beside the draft languages, so that nobody depends on an unchecked translation."""
        return ("en",) if self.language == "en" else (self.language, "en")


def words(language: str) -> Words:
    """Words of a language.

    Examples
    --------
    >>> words("th")["total"], words("en").draft, words("th").draft
    ('รวม', False, True)
    """
    loaded = _phrases()
    return Words(language, language in loaded.draft, loaded.phrases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the results: an indicator for everybody, or one cell of a breakdown."""

    indicator: FrameworkIndicator
    codes: Mapping[str, str]

    @property
    def key(self) -> str:
        """``SPA4-4.2-a|sex=F``."""
        return f"{self.indicator.id}|{breakdown_key(self.codes)}"

    @property
    def is_total(self) -> bool:
        """Whether the row is for everybody."""
        return not self.codes


def rows_of(framework: Framework, country: str) -> Iterator[Row]:
    """Rows of the results, in order; a country is no partner of itself."""
    areas = {d.id for d in framework.dimensions if d.area}
    for item in framework.indicators:
        for codes in breakdown_cells(framework, item):
            if not any(name in areas and code == country for name, code in codes.items()):
                yield Row(indicator=item, codes=codes)


def summed_dimension(item: FrameworkIndicator) -> str | None:
    """The breakdown whose rows the total's formula adds up."""
    singles = [names[0] for names in item.breakdowns if len(names) == 1]
    return singles[0] if singles and item.type == "count" else None


def sheet_key(framework: Framework, country: str, language: str, sheet: str) -> str:
    """What stands in the hidden first cell of a sheet."""
    return f"{framework.key}|{country}|{language}|{sheet}"


def baseline_years(framework: Framework) -> tuple[int, int]:
    """Years in which a baseline may lie."""
    return framework.period[0] - _BASELINE_BACK, framework.period[1]
