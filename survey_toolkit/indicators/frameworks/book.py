"""All current records of a monitoring round, found by key; the history stands in the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from survey_toolkit.indicators.frameworks.records import (
    Actual,
    Baseline,
    Marker,
    Narrative,
    Record,
    Selection,
    Source,
    breakdown_key,
)

__all__ = ["Book"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Book:
    """Records by key.

    Examples
    --------
    >>> book = Book.of([Selection(country="KHM", indicator="a", selected=True)])
    >>> book.selected("KHM", "a"), book.selected("THA", "a"), book.actual("KHM", "a", 2016) is None
    (True, False, True)
    """

    records: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Book:
        """A book of these records; a later one replaces an earlier one of the same key."""
        return cls({r.key: r for r in records})

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records.values())

    def of_kind(self, kind: type[R]) -> Iterator[R]:
        """All records of one kind."""
        return (r for r in self.records.values() if isinstance(r, kind))

    def _get(self, kind: type[R], key: str) -> R | None:
        found = self.records.get(key)
        return found if isinstance(found, kind) else None

    def selection(self, country: str, indicator: str) -> Selection | None:
        """The government's choice, or None where nothing was returned yet."""
        return self._get(Selection, f"selection/{country}/{indicator}")

    def selected(self, country: str, indicator: str) -> bool:
        """Whether the government chose to report on the indicator."""
        found = self.selection(country, indicator)
        return found is not None and found.selected

    def baseline(self, country: str, indicator: str) -> Baseline | None:
        """The baseline, or None."""
        return self._get(Baseline, f"baseline/{country}/{indicator}")

    def marker(self, country: str, indicator: str, year: int) -> Marker | None:
        """The marker of a year, or None."""
        return self._get(Marker, f"marker/{country}/{indicator}/{year}")

    def markers(self, country: str, indicator: str) -> list[Marker]:
        """All markers, by year."""
        found = (m for m in self.of_kind(Marker) if m.country == country and m.indicator == indicator)
        return sorted(found, key=lambda m: m.year)

    def actual(
        self, country: str, indicator: str, year: int, codes: Mapping[str, str] | None = None
    ) -> Actual | None:
        """What was reached, for everybody or for one cell."""
        return self._get(Actual, f"actual/{country}/{indicator}/{year}/{breakdown_key(codes or {})}")

    def source(self, country: str, id: str) -> Source | None:
        """The source, or None."""
        return self._get(Source, f"source/{country}/{id}")

    def narratives(self, country: str) -> list[Narrative]:
        """Narratives of a country, by node and year."""
        return sorted((n for n in self.of_kind(Narrative) if n.country == country), key=lambda n: n.key)
