"""The country sheets: one page a country, indicator by indicator, baseline to markers to results."""

from __future__ import annotations

from dataclasses import dataclass

from survey_toolkit.indicators.frameworks import RULE_TEXT, FrameworkIndicator, Marker, Source
from survey_toolkit.monitoring.blocks import (
    Block,
    Item,
    Names,
    cell_item,
    decimals_of,
    number,
    rating_item,
    text,
)
from survey_toolkit.monitoring.compiled import Compiled
from survey_toolkit.standards import in_language

__all__ = ["CountrySheet", "Told", "country_sheets"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a country says in words about an outcome."""

    title: str
    language: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountrySheet:
    """One country."""

    code: str
    name: str
    blocks: tuple[Block, ...]
    not_selected: tuple[str, ...]
    told: tuple[Told, ...]
    sources: tuple[str, ...]


def country_sheets(done: Compiled) -> list[CountrySheet]:
    """Sheets of all countries of the framework."""
    names = Names(done.framework)
    out = []
    for code in done.framework.countries:
        shown, left = [], []
        for item in done.framework.indicators:
            extra = any(done.cell(item.id, code, y).extra for y in done.framework.years)
            if done.book.selected(code, item.id) or extra:
                shown.append(_progress(done, item, code))
            else:
                left.append(f"{item.id} {in_language(item.title)}")
        sources = [
            f"{r.id}: {', '.join(p for p in (r.title, r.organisation, r.date) if p)} ({r.type})"
            for r in done.book.of_kind(Source)
            if r.country == code
        ]  # fmt: skip
        out.append(
            CountrySheet(
                code=code, name=names.country(code), blocks=tuple(shown), not_selected=tuple(left),
                told=tuple(_told(done, code)), sources=tuple(sorted(sources)),
            )
        )  # fmt: skip
    return out


def _progress(done: Compiled, item: FrameworkIndicator, country: str) -> Block:
    years = done.framework.years
    base, places = done.book.baseline(country, item.id), decimals_of(item)
    first = text("")
    if base is not None:
        hidden = base.status == "suppressed"
        first = text("[c]", "state suppressed") if hidden else (
            number(base.value, places) if base.value is not None else text(base.text)
        )  # fmt: skip
    markers = {m.year: m for m in done.book.markers(country, item.id)}
    marker_row = [_marker(markers.get(year), places) for year in years]
    cells = [done.cell(item.id, country, y) for y in years]
    rows = [(text("Marker"), text(""), *marker_row)] if markers else []
    rows.append((text("Result"), first, *(cell_item(c, places) for c in cells)))
    result = len(rows) - 1
    for rule in item.rules:
        ratings = [rating_item(done.rating(item.id, country, y, rule)) for y in years]
        rows.append((text(f"Rating: {RULE_TEXT[rule]}", "rule"), text(""), *ratings))
    rows.append((text("Source", "coverage"), text(base.source_id if base else "", "coverage"),
                 *(text(c.source_id, "coverage") for c in cells)))  # fmt: skip
    head = ("", f"Baseline {base.year}" if base is not None else "Baseline", *(str(y) for y in years))
    notes = [] if base is not None or item.mirror_only else ["No baseline yet: nothing is rated."]
    mark = {"uncertain": "Its place in the framework is uncertain.", "proposed": "Proposed; not of the plan."}
    notes += [mark[item.link_confidence]] if item.link_confidence in mark else []
    return Block(
        id=f"country-{country}-{item.id}", title=f"{item.id} {in_language(item.title)}", head=head,
        rows=tuple(rows), notes=tuple(notes), total_rows=frozenset({result}),
    )  # fmt: skip


def _marker(marker: Marker | None, places: int) -> Item:
    if marker is None:
        return text("")
    if marker.low is not None or marker.high is not None:
        ends = ("" if v is None else f"{v:,.{places}f}" for v in (marker.low, marker.high))
        return text("–".join(ends))
    if marker.value is None:
        return text(marker.text)
    return number(marker.value, places, "target" if marker.role == "target" else "")


def _told(done: Compiled, country: str) -> list[Told]:
    out = []
    for note in done.book.narratives(country):
        node = done.framework.node(note.node)
        title = f"{note.node} {in_language(node.title) if node else ''}, {note.year}"
        parts = [
            (name, value)
            for name, value in (
                ("Achievements", note.achievements),
                ("Challenges", note.challenges),
                ("Next steps", note.next_steps),
            )
            if value
        ]  # fmt: skip
        out.append(Told(title, note.language, tuple(parts)))
    return out
