"""Regional compilation: one state a country and year, totals over those that report, and mirror statistics.

A missing country is never imputed. *Not selected*, *no data*, *not available*, *not applicable*, *zero* and
*suppressed* are different states and stay different in every product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from survey_toolkit.indicators.frameworks.book import Book
from survey_toolkit.indicators.frameworks.models import Framework, FrameworkIndicator

__all__ = [
    "STATES",
    "Cell",
    "MirrorPair",
    "RegionalTotal",
    "State",
    "breakdown_cells",
    "cell_of",
    "cells_of",
    "mirror_pairs",
    "total_of",
]

State: TypeAlias = Literal[
    "value", "zero", "suppressed", "not_available", "not_applicable", "no_data", "not_selected"
]
#: States with their words, in the order of a legend.
STATES: dict[str, str] = {
    "value": "reported",
    "zero": "reported: none",
    "suppressed": "suppressed to protect people",
    "not_available": "the country says: not available",
    "not_applicable": "the country says: not applicable",
    "no_data": "selected, nothing reported",
    "not_selected": "not selected by the country",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One country, indicator, year and breakdown, in exactly one state."""

    country: str
    indicator: str
    year: int
    codes: Mapping[str, str] = field(default_factory=dict)
    state: State
    value: float | None = None
    text: str = ""
    numerator: float | None = None
    denominator: float | None = None
    period: str = ""
    definition: str = ""
    source_id: str = ""
    provisional: bool = False
    extra: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", MappingProxyType(dict(self.codes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionalTotal:
    """A figure for the region and what it covers; no ``value`` where countries must not be put together."""

    indicator: str
    year: int
    codes: Mapping[str, str]
    value: float | None
    n_reporting: int
    n_countries: int
    method: str
    states: Mapping[str, int]
    reason: str = ""
    suppressed: bool = False

    @property
    def coverage(self) -> str:
        """``"4 of 6 countries"``."""
        return f"{self.n_reporting} of {self.n_countries} countries"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorPair:
    """What two countries say about the same journeys; both reports are kept."""

    year: int
    origin: str
    destination: str
    sent: float | None
    received: float | None
    sent_state: State
    received_state: State

    @property
    def gap(self) -> float | None:
        """Sent minus received, persons; None unless both report a number."""
        return None if self.sent is None or self.received is None else self.sent - self.received

    @property
    def verdict(self) -> Literal["agree", "differ", "one_side", "hidden", "none"]:
        """Whether the two reports agree, or why they cannot be compared."""
        if "suppressed" in (self.sent_state, self.received_state):
            return "hidden"
        known = [v is not None for v in (self.sent, self.received)]
        if not all(known):
            return "one_side" if any(known) else "none"
        return "agree" if self.gap == 0 else "differ"


def cell_of(
    framework: Framework,
    book: Book,
    item: FrameworkIndicator,
    country: str,
    year: int,
    codes: Mapping[str, str] | None = None,
) -> Cell:
    """State and value of one cell.

    Examples
    --------
    >>> from survey_toolkit.indicators.frameworks.load import load_framework
    >>> plan = load_framework("commit-spa4")
    >>> cell_of(plan, Book(), plan.indicators[0], "KHM", 2016).state
    'not_selected'
    """
    actual = book.actual(country, item.id, year, codes)
    where = {"country": country, "indicator": item.id, "year": year, "codes": codes or {}}
    total = actual if not codes else book.actual(country, item.id, year)
    extra = total is not None and total.extra
    if not book.selected(country, item.id) and not extra:
        return Cell(**where, state="not_selected")  # type: ignore[arg-type]
    if actual is None:
        return Cell(**where, state="no_data", extra=extra)  # type: ignore[arg-type]
    state: State = "value" if actual.text or actual.value else "zero"
    if actual.status in ("suppressed", "not_available", "not_applicable"):
        state = actual.status
    elif actual.value is None and not actual.text:
        state = "no_data"
    shown = state in ("value", "zero")
    return Cell(
        **where, state=state, value=actual.value if shown else None, text=actual.text,  # type: ignore[arg-type]
        numerator=actual.numerator, denominator=actual.denominator, period=actual.period or str(year),
        definition=actual.definition or item.definition or "",
        source_id=(total or actual).source_id, provisional=actual.status == "provisional", extra=extra,
    )  # fmt: skip


def breakdown_cells(framework: Framework, item: FrameworkIndicator) -> list[dict[str, str]]:
    """All cells of an indicator: the total first, then each breakdown."""
    out: list[dict[str, str]] = [{}]
    for names in item.breakdowns:
        part: list[dict[str, str]] = [{}]
        for name in names:
            dimension = framework.dimension(name)
            assert dimension is not None
            part = [{**cell, name: code.id} for cell in part for code in dimension.codes]
        out += part
    return out


def cells_of(framework: Framework, book: Book, item: FrameworkIndicator, year: int) -> list[Cell]:
    """All cells of an indicator in a year, by breakdown and country; a country is no partner of itself."""
    areas = {d.id for d in framework.dimensions if d.area}
    return [
        cell_of(framework, book, item, country, year, codes)
        for codes in breakdown_cells(framework, item)
        for country in framework.countries
        if not any(name in areas and code == country for name, code in codes.items())
    ]


def total_of(item: FrameworkIndicator, cells: Iterable[Cell]) -> RegionalTotal:
    """Put the countries of one year and breakdown together, or say why that must not be done.

    Counts are summed when they count the same thing (definition and version) over the same period; rates and
    percentages are weighted by their denominators. No country is imputed.
    """
    found = list(cells)
    given = [c for c in found if c.state in ("value", "zero") and c.value is not None]
    value, method, reason = _aggregate(item, given)
    return RegionalTotal(
        indicator=item.id, year=found[0].year, codes=found[0].codes, value=value, n_reporting=len(given),
        n_countries=len(found), method=method, reason=reason,
        states=MappingProxyType(dict(Counter(c.state for c in found))),
    )  # fmt: skip


def _aggregate(item: FrameworkIndicator, given: list[Cell]) -> tuple[float | None, str, str]:
    if not item.numeric:
        return None, "", "reports in words are not added"
    if not given:
        return None, "", "no country reports"
    for what, kinds in (
        ("definitions", {c.definition for c in given}),
        ("periods", {c.period for c in given}),
    ):
        if len(kinds) > 1:
            return None, "", f"{what} differ: " + ", ".join(sorted(k or "none named" for k in kinds))
    if item.type == "count":
        return sum(c.value or 0.0 for c in given), "sum", ""
    if any(not c.denominator for c in given):
        return None, "", "a denominator is missing, so countries cannot be weighted"
    base = sum(c.denominator or 0.0 for c in given)
    return sum((c.value or 0.0) * (c.denominator or 0.0) for c in given) / base, "weighted mean", ""


def mirror_pairs(framework: Framework, book: Book, item: FrameworkIndicator, year: int) -> list[MirrorPair]:
    """Compare what each country says it sent with what the other says it received.

    Pairs of which neither country reports anything are left out.
    """
    assert item.mirror is not None
    other = framework.indicator(item.mirror.with_)
    assert other is not None
    pairs = []
    for origin in framework.countries:
        for destination in framework.countries:
            if origin == destination:
                continue
            sent = cell_of(framework, book, item, origin, year, {item.mirror.dimension: destination})
            got = cell_of(framework, book, other, destination, year, {item.mirror.dimension: origin})
            pair = MirrorPair(
                year=year, origin=origin, destination=destination, sent=sent.value, received=got.value,
                sent_state=sent.state, received_state=got.state,
            )  # fmt: skip
            if pair.verdict != "none":
                pairs.append(pair)
    return pairs
