"""The report: one HTML file that needs no network, written from the figures and what was done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from survey_toolkit.dissemination.charts.figures import bar_chart, pyramid_chart, trend_chart
from survey_toolkit.dissemination.charts.intervals import detected_estimated_chart, interval_chart
from survey_toolkit.dissemination.context import ReportContext
from survey_toolkit.dissemination.tables import (
    MARKS,
    Group,
    PublicationTable,
    interval_text,
    mark_of,
    publication_tables,
    shown_value,
    weighted_n,
)
from survey_toolkit.indicators import TOTAL, Figure, Figures, Trace, TraceStep, figure_sentence, format_number
from survey_toolkit.indicators.explain import KIND_TITLES

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["report_html"]

_FORM = re.compile(r"VC_HTF_DETV(SX|FL|OG|OP)")
#: Rows above which a chart shows single breakdowns only; the table below has everything.
_CHART_ROWS = 40


def report_html(figures: Sequence[Figure], context: ReportContext) -> str:
    """Text of ``report.html``.

    Parameters
    ----------
    figures : Figures
        Protected: what is not to be shown must not be in them.
    context : ReportContext
        Titles, methods, definitions, audits.
    """
    items = Figures(figures)
    number = {figure.id: i for i, figure in enumerate(items, 1)}
    tables = publication_tables(items, context.dimension_labels)
    return _template().render(
        context=context,
        figures=items,
        sections=[_section(id, tables, context, number) for id in items.indicators],
        cards=[card for table in tables for card in _cards(table, number)],
        marks=MARKS,
        example=next((f for f in items if f.shown and f.ci_low is not None), None),
        chains=_chains(items, number),
        undetermined=[f for f in items if f.is_total and f.n_undetermined and f.shown],
        coverage=_coverage(items),
        suppressed=sum(f.disclosure == "suppressed" for f in items),
        withheld=sum(mark_of(f) == "*" for f in items),
        low=sum(mark_of(f) == "( )" for f in items),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("survey_toolkit.dissemination.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A range such as 5-17 stays on one line in headings.
    environment.filters["unbroken"] = lambda text: re.sub(r"(?<=\d)-(?=\d)", "\u2011", text)
    environment.filters["count"] = lambda value: format_number(value)
    environment.filters["weighted_n"] = weighted_n
    environment.globals.update(
        value=shown_value, mark_of=mark_of, fixed=_fixed, interval=interval_text, sentence=figure_sentence,
        kinds=KIND_TITLES, slug=_slug,
    )  # fmt: skip
    return environment.get_template("report.html.j2")


@dataclass(frozen=True, slots=True)
class _Card:
    """A headline figure."""

    label: str
    value: str
    unit: str
    interval: str
    second: str
    flag: str
    number: int


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A table with its charts; a chart is a caption with a wide and a narrow drawing, safe to embed."""

    table: PublicationTable
    charts: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class _Chain:
    """Steps that figures share, each with the chain that told it before, and the figures with their own."""

    title: str
    trace: Trace
    steps: tuple[tuple[TraceStep, str], ...]
    figures: list[tuple[int, Figure, tuple[TraceStep, ...]]]


def _section(
    id: str, tables: Sequence[PublicationTable], context: ReportContext, number: dict[str, int]
) -> dict[str, Any]:
    drawn = [_Drawn(table, tuple(_charts(table))) for table in tables if table.indicator == id]
    figures = [f for table in tables if table.indicator == id for r in table.rows for f in r.figures if f]
    charts = tuple(_over_tables(figures, f"i{len(drawn)}-{_slug(id)}"))
    return {"entry": context.indicator(id), "tables": drawn, "number": number, "charts": charts}


def _over_tables(figures: Sequence[Figure], id: str) -> list[tuple[str, Any, Any]]:
    """Charts of several tables of an indicator: the trend of each series, detected victims by form."""
    from markupsafe import Markup

    found = []
    for number, series in enumerate(dict.fromkeys(f.series for f in figures)):
        totals = [f for f in figures if f.series == series and f.is_total]
        if len({f.period for f in totals}) > 1 and sum(f.shown for f in totals) > 1:
            drawn = trend_chart(totals, id=f"{id}-t{number}")
            # Markup is safe here: the SVG writer escapes every text and attribute itself.
            found.append((f"{totals[0].label}, by period.", Markup(drawn.render()), None))
    forms = [f for f in figures if _FORM.fullmatch(f.series) and f.is_total and f.unit == "NUMBER"]
    if len(forms) > 1 and len({f.period for f in forms}) == 1:
        drawn = bar_chart(forms, "Detected victims by form of exploitation", id=f"{id}-f")
        found.append(("Detected victims by form of exploitation.", Markup(drawn.render()), None))
    return found


def _charts(table: PublicationTable) -> list[tuple[str, Any, Any]]:
    from markupsafe import Markup

    if table.rows[0].main.estimator != "survey":
        pair = [detected_estimated_chart(table, f"c{table.number}{n}", narrow=n == "n") for n in "wn"]
        if pair[0] is None or pair[1] is None:
            return []
        wide, narrow = (svg.render() for svg in pair if svg is not None)
        # Markup is safe here: the SVG writer escapes every text and attribute itself.
        return [("Detected and estimated victims.", Markup(wide), Markup(narrow))]
    rows = table.rows
    if len(rows) > _CHART_ROWS:
        rows = tuple(row for row in rows if " and " not in row.panel)
    if len(rows) < 2:
        return []
    short = replace(table, rows=rows)
    found = []
    for column, group in enumerate(table.groups):
        if group.unit == "NUMBER" and len(table.groups) > 1:
            continue
        wide, narrow = (
            interval_chart(short, column, f"c{table.number}-{column}{n}", narrow=n == "n").render()
            for n in "wn"
        )
        caption = f"{group.heading}, with confidence intervals."
        found.append((caption, Markup(wide), Markup(narrow)))
        found += _pyramid(table, column)
    return found


def _pyramid(table: PublicationTable, column: int) -> list[tuple[str, Any, Any]]:
    from markupsafe import Markup

    crossed = [f for row in table.rows if (f := row.figures[column]) is not None and _by_sex_and_age(f)]
    if len({f.breakdown["sex"] for f in crossed if f.shown}) < 2 or sum(f.shown for f in crossed) < 4:
        return []
    drawn = pyramid_chart(crossed, id=f"c{table.number}-{column}p")
    return [(f"{table.groups[column].label}, by sex and age.", Markup(drawn.render()), None)]


def _by_sex_and_age(figure: Figure) -> bool:
    crossed = {d for d, code in figure.breakdown.items() if code != TOTAL}
    return len(crossed) == 2 and "sex" in crossed and bool(crossed & {"age", "age_band", "age_group"})


def _cards(table: PublicationTable, number: dict[str, int]) -> list[_Card]:
    cards = []
    for row in (r for r in table.rows if not r.panel):
        pairs = [(g, f) for g, f in zip(table.groups, row.figures, strict=True) if f is not None]
        (group, figure), *others = pairs
        label = group.label or f"Victims of trafficking: {row.label[0].lower()}{row.label[1:]}"
        second = [
            f"{g.unit_label}: {shown_value(f, g.decimals)}"
            if g.unit == "NUMBER"
            else f"{shown_value(f, g.decimals)} {g.unit_label.lower()}"
            for g, f in others
            if f.shown
        ]
        suffix = {"PT": "%", "NUMBER": ""}.get(group.unit, group.unit_label.lower())
        cards.append(
            _Card(
                label=label,
                value=shown_value(figure, group.decimals),
                unit=suffix if figure.shown else "",
                interval=_card_interval(group, figure),
                second="; ".join(second),
                flag=MARKS.get(mark_of(figure), ""),
                number=number[figure.id],
            )
        )
    return cards


def _card_interval(group: Group, figure: Figure) -> str:
    limits = interval_text(figure, group.decimals)
    return f"{group.level_text} interval {limits}" if limits not in ("", "–") else ""


def _chains(figures: Figures, number: dict[str, int]) -> list[_Chain]:
    """Group the figures by the steps they share, so that these are printed once."""
    chains: dict[str, _Chain] = {}
    told: dict[str, str] = {}
    for figure in figures:
        own = tuple(step for step in figure.trace.steps if step.own)
        shared = tuple(step for step in figure.trace.steps if not step.own)
        key = repr((figure.indicator, figure.variable, shared, figure.trace.files))
        if key not in chains:
            title = f"{figure.indicator}: {figure.label}"
            steps = tuple((step, told.get(repr(step), "")) for step in shared)
            chains[key] = _Chain(title, figure.trace, steps, [])
            told = {repr(step): title for step in shared if step.children} | told
        chains[key].figures.append((number[figure.id], figure, own))
    return list(chains.values())


def _coverage(figures: Figures) -> tuple[int, int] | None:
    known = [f.covers for f in figures if f.covers is not None]
    return (sum(known), len(known)) if known else None


def _fixed(value: float | None, decimals: int = 0, scale: float = 1.0) -> str:
    return format_number(None if value is None else value * scale, decimals)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text)
