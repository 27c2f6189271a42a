"""The tables of a compilation, once, for the page and the workbook alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from survey_toolkit.indicators import format_number
from survey_toolkit.indicators.frameworks import (
    RULE_TEXT,
    STATES,
    Cell,
    Framework,
    FrameworkIndicator,
    Rating,
    RegionalTotal,
    breakdown_cells,
    breakdown_key,
)
from survey_toolkit.monitoring.compiled import Compiled
from survey_toolkit.standards import in_language

__all__ = [
    "RATINGS",
    "STATE_MARKS",
    "Block",
    "Item",
    "Names",
    "cell_item",
    "due",
    "indicator_title",
    "rating_item",
    "text",
]

#: Mark of a state that is not a number; the words stand in the legend and in the cell's title.
STATE_MARKS = {
    "zero": "0",
    "suppressed": "[c]",
    "not_available": "n.a.",
    "not_applicable": "n.ap.",
    "no_data": "…",
    "not_selected": "not sel.",
}
#: Rating to sign and words: shape and word carry it, colour repeats it.
RATINGS = {
    "achieved": ("✔", "achieved"),
    "on_track": ("▲", "on track"),
    "partly": ("◆", "partly"),
    "off_track": ("▼", "off track"),
    "no_data": ("…", "no data"),
    "not_selected": ("", "not selected"),
    "not_rated": ("–", "not rated"),
    "withheld": ("[c]", "withheld"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One cell of a table: its text, its number where it is one, a style and an explanation."""

    text: str
    number: float | None = None
    style: str = ""
    title: str = ""
    decimals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One table."""

    id: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Item, ...], ...]
    notes: tuple[str, ...] = ()
    total_rows: frozenset[int] = field(default_factory=frozenset)
    #: Columns that stand as numbers, from this one on.
    numeric_from: int = 1


@dataclass(frozen=True, slots=True)
class Names:
    """Labels of countries and breakdowns."""

    framework: Framework

    def country(self, code: str) -> str:
        """Name of a country."""
        for dimension in self.framework.dimensions:
            for item in dimension.codes:
                if dimension.area and item.id == code:
                    return in_language(item.label)
        return code

    def cell(self, codes: Mapping[str, str]) -> str:
        """A breakdown in words."""
        parts = []
        for name, code in codes.items():
            dimension = self.framework.dimension(name)
            if dimension is not None:
                label = next((in_language(c.label) for c in dimension.codes if c.id == code), code)
                parts.append(f"{in_language(dimension.label)}: {label}")
        return ", ".join(parts) or "Total"


def text(value: Any, style: str = "", title: str = "") -> Item:
    """A cell of words."""
    return Item("" if value is None else str(value), None, style, title)


def number(value: float | None, decimals: int = 0, style: str = "", title: str = "") -> Item:
    """A cell with a number, or an empty one."""
    return (
        Item("", None, style, title)
        if value is None
        else Item(format_number(value, decimals), value, style, title, decimals)
    )


def decimals_of(item: FrameworkIndicator) -> int:
    """Decimals of an indicator's values."""
    return 0 if item.type == "count" else 1


def cell_item(cell: Cell, decimals: int = 0) -> Item:
    """A country's cell: the number, or the mark of its state."""
    title = STATES[cell.state] + ("; reported though not selected" if cell.extra else "")
    if cell.state in ("value", "zero"):
        if cell.value is None:
            return text(cell.text, "words", title)
        style = "zero" if cell.state == "zero" else "provisional" if cell.provisional else ""
        return Item(format_number(cell.value, decimals), cell.value, style, title, decimals)
    return Item(STATE_MARKS[cell.state], None, f"state {cell.state}", title)


def total_item(total: RegionalTotal, decimals: int = 0) -> Item:
    """The region's cell."""
    if total.suppressed:
        return Item(STATE_MARKS["suppressed"], None, "state suppressed", STATES["suppressed"])
    if total.value is None:
        return Item("…", None, "state no_data", total.reason)
    return number(total.value, decimals, "", f"{total.method} over {total.coverage}")


def rating_item(rating: Rating | None) -> Item:
    """A rating as sign and word; its rule, score and basis in the explanation."""
    if rating is None:
        return text("")
    sign, words = RATINGS[rating.rating]
    score = "" if rating.score is None else f", score {rating.score:.2f}"
    why = rating.reason or rating.basis
    title = f"{RULE_TEXT.get(rating.rule, rating.rule)}{score}{f' ({why})' if why else ''}"
    return Item(f"{sign} {words}".strip(), None, f"rating {rating.rating}", title)


#: How certain it is that an indicator belongs where it stands.
CONFIDENCE = {"uncertain": "link uncertain", "proposed": "proposed, not of the plan"}
#: What the mark beside a title means.
CONFIDENCE_TEXT = {
    "uncertain": "the plan does not say under which of its outputs the indicator stands: its place is a "
    "judgement",
    "proposed": "an indicator that this toolkit proposes; the countries have not adopted it",
}
_TIME = {
    "annual": "Each year counts that year's events.",
    "cumulative": "Each year is a running total.",
    "stock": "Each year is the state at its end.",
}


def indicator_title(item: FrameworkIndicator) -> str:
    """Code and title, with a mark where its place in the framework is not certain."""
    mark = CONFIDENCE.get(item.link_confidence)
    return f"{item.id} {in_language(item.title)}{f' [{mark}]' if mark else ''}"


def latest_year(done: Compiled) -> int:
    """The last year for which any country reports; the plan's first year while none does."""
    reported = [year for (_, year, _), total in done.totals.items() if total.n_reporting]
    return max(reported, default=done.framework.period[0])


def due(done: Compiled, year: int) -> bool:
    """Whether results of a year can be expected: it is over, or a country has reported it already."""
    return year <= latest_year(done) or (done.on[:4].isdecimal() and year < int(done.on[:4]))


def matrix_block(done: Compiled) -> Block:
    names, framework = Names(done.framework), done.framework
    rows = []
    for item in framework.indicators:
        cells = []
        for country in framework.countries:
            year = _last_reported(done, item, country)
            shown = cell_item(done.cell(item.id, country, year), decimals_of(item))
            rating = done.rating(item.id, country, year)
            sign = RATINGS[rating.rating][0] if rating is not None and shown.number is not None else ""
            label = (
                f"{shown.text}{f' ({year})' if shown.number is not None else ''}{f' {sign}' if sign else ''}"
            )
            style = f"{shown.style} rating {rating.rating}" if sign and rating is not None else shown.style
            why = f"; {rating_item(rating).text}: {rating_item(rating).title}" if sign else ""
            cells.append(Item(label, None, style, shown.title + why))
        rows.append((text(indicator_title(item)), *cells))
    return Block(
        id="matrix",
        title="Latest report and its rating, by indicator and country",
        head=("Indicator", *(names.country(c) for c in framework.countries)),
        rows=tuple(rows),
        notes=("The year of the latest report stands in brackets; its sign is the rating by the main rule.",),
    )


def _last_reported(done: Compiled, item: FrameworkIndicator, country: str) -> int:
    years = [
        y
        for y in done.framework.years
        if done.cell(item.id, country, y).state in ("value", "zero", "suppressed")
    ]
    return max(years, default=latest_year(done))


def years_block(done: Compiled, item: FrameworkIndicator) -> Block:
    names, years = Names(done.framework), done.framework.years
    rows: list[tuple[Item, ...]] = []
    for country in done.framework.countries:
        base = done.book.baseline(country, item.id)
        first = text("")
        if base is not None:
            hidden = base.status == "suppressed"
            first = (
                Item("[c]", None, "state suppressed", STATES["suppressed"])
                if hidden
                else (number(base.value, decimals_of(item)) if base.value is not None else text(base.text))
            )
        year = text("" if base is None else base.year, "year")
        cells = [cell_item(done.cell(item.id, country, y), decimals_of(item)) for y in years]
        rows.append((text(names.country(country)), first, year, *cells))
    totals = [done.totals[item.id, y, "total"] for y in years]
    rows.append((text("Region"), text(""), text(""), *(total_item(t, decimals_of(item)) for t in totals)))
    rows.append(
        (text("Coverage", "coverage"), text(""), text(""), *(text(t.coverage, "coverage") for t in totals))
    )
    reasons = sorted({f"{t.year}: not added up, {t.reason}." for t in totals if t.reason and t.n_reporting})
    limits = [in_language(item.limitations)] if item.limitations else []
    unit = f"Unit: {item.unit}. {_TIME[item.time]} A missing country is not imputed."
    return Block(
        id=f"years-{item.id}",
        title=indicator_title(item),
        head=("Country", "Baseline", "Year", *(str(y) for y in years)),
        rows=tuple(rows),
        notes=(unit, *limits, *reasons),
        total_rows=frozenset({len(rows) - 2}),
    )


def breakdown_blocks(done: Compiled) -> Iterable[Block]:
    names, framework = Names(done.framework), done.framework
    for item in framework.indicators:
        if not item.breakdowns:
            continue
        for year in framework.years:
            if not done.totals[item.id, year, "total"].n_reporting:
                continue
            rows = []
            for codes in breakdown_cells(framework, item):
                key = breakdown_key(codes)
                cells = [
                    cell_item(done.cells[at], decimals_of(item))
                    if (at := (item.id, year, c, key)) in done.cells
                    else text("")
                    for c in framework.countries
                ]
                total = done.totals[item.id, year, key]
                shown = total_item(total, decimals_of(item))
                rows.append((text(names.cell(codes)), *cells, shown, text(total.coverage, "coverage")))
            yield Block(
                id=f"breakdown-{item.id}-{year}",
                title=f"{indicator_title(item)}, {year}",
                head=("Breakdown", *(names.country(c) for c in framework.countries), "Region", "Coverage"),
                rows=tuple(rows),
                total_rows=frozenset({0}),
            )
