"""Charts of figures: trend between rounds, pyramid by sex and age, forms of exploitation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from survey_toolkit.dissemination.charts.style import (
    BLUE,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PALE,
    SERIES,
    Scale,
    label,
    mark,
)  # fmt: skip
from survey_toolkit.dissemination.charts.svg import Svg
from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.indicators import TOTAL, UNITS, Figure, decimals_for, format_number

__all__ = ["bar_chart", "pyramid_chart", "trend_chart"]

_AGES = ("age", "age_band", "age_group")


def _nothing(kind: str, needed: str) -> SurveyToolkitError:
    return SurveyToolkitError(
        f"these figures make no {kind}", expected=needed, hint="choose the figures, or another kind",
        code="nothing-to-draw",
    )  # fmt: skip


def _unit(figures: Sequence[Figure]) -> str:
    units = list(dict.fromkeys(f.unit for f in figures))
    if len(units) > 1:
        raise SurveyToolkitError(
            "one chart has one unit",
            found=", ".join(units),
            hint="figures.filter(series=...)",
            code="two-units",
        )
    return units[0]


def _largest(figures: Sequence[Figure]) -> float:
    found = [f.present(n) for f in figures for n in ("value", "ci_high") if f.shown]
    return max((n for n in found if n is not None), default=1.0) or 1.0


def _decimals(figures: Sequence[Figure]) -> int:
    return decimals_for([f.present() for f in figures if f.shown], figures[0].unit)


def _middle(period: str) -> float:
    years = [float(y) for y in re.findall(r"\d{4}", period)]
    year = sum(years) / len(years) if years else 0.0
    quarter = re.search(r"-Q([1-4])", period)
    month = re.search(r"\d{4}-(\d\d)$", period)
    part = (int(quarter[1]) - 1) / 4 if quarter else (int(month[1]) - 1) / 12 if month else 0.0
    return year + part


def trend_chart(figures: Sequence[Figure], title: str = "", *, id: str = "trend") -> Svg:
    """Values with intervals over periods; one line a series and cell, up to four.

    Lines join the rounds that were measured; a suppressed round is a gap.

    Raises
    ------
    SurveyToolkitError
        If the figures are of one period.
    """
    if len({f.period for f in figures}) < 2:
        raise _nothing("trend", "two periods or more")
    unit = UNITS[_unit(figures)]
    lines: dict[str, list[Figure]] = {}
    for f in sorted(figures, key=lambda f: _middle(f.period)):
        lines.setdefault(f.category if len({g.series for g in figures}) == 1 else f.label, []).append(f)
    shown = dict(list(lines.items())[: len(SERIES)])
    left_out = len(lines) - len(shown)
    svg = Svg(id, 720, 330 + 18 * len(shown), title or f"{figures[0].label} by period", "")
    scale = Scale.of(_largest(figures), 280, 24)
    scale.upward(svg, 60, 700)
    years = [_middle(f.period) for f in figures]
    first, last = min(years), max(years)

    def across(period: str) -> float:
        return 90 + 580 * (_middle(period) - first) / ((last - first) or 1.0)

    for period in dict.fromkeys(f.period for fs in shown.values() for f in fs):
        svg.text(across(period), 300, period, text_anchor="middle", font_size=11.5, fill=MUTED)
    svg.text(0, 14, unit.label, font_size=11, fill=MUTED)
    said = []
    for number, (name, members) in enumerate(shown.items()):
        _line(svg, scale, across, members, number, len(shown))
        y = 322 + 18 * number
        mark(svg, 66, y - 4, number)
        svg.text(78, y, name, font_size=12, fill=INK)
        said.append(f"{name}: " + ", ".join(f"{f.period} {f.text}" for f in members))
    note = f" {left_out} more series are not drawn." if left_out else ""
    svg.description = "; ".join(said) + "." + note
    return svg


def _line(
    svg: Svg, scale: Scale, across: Callable[[str], float], members: Sequence[Figure], number: int, of: int
) -> None:
    colour = SERIES[number][0]
    # Lines that share periods stand a little beside each other, so that intervals do not hide.
    shift = 7.0 * (number - (of - 1) / 2)
    before: tuple[float, float] | None = None
    for f in members:
        x, value = across(f.period) + shift, f.present()
        if not f.shown or value is None:
            before = None
            continue
        low, high = f.present("ci_low"), f.present("ci_high")
        if low is not None and high is not None:
            svg.whisker(x, scale(low), scale(high), stroke=colour, stroke_width=1.5)
        y = scale(value)
        if before is not None:
            svg.add("line", x1=before[0], y1=before[1], x2=x, y2=y, stroke=colour, stroke_width=1.5)
        before = (x, y)
    for f in members:
        value = f.present()
        if f.shown and value is not None:
            mark(svg, across(f.period) + shift, scale(value), number, filled=f.quality == "reliable")


def pyramid_chart(figures: Sequence[Figure], title: str = "", *, id: str = "pyramid") -> Svg:
    """Two-sided bars: men on the left, women on the right, an age band a row, the oldest on top.

    Raises
    ------
    SurveyToolkitError
        If no figure has a sex (F, M) and an age.
    """
    cells = _sex_and_age(figures)
    used = list(cells.values())
    if not used:
        raise _nothing("pyramid", "a breakdown by sex (F, M) and age")
    unit = UNITS[_unit(used)]
    ages = sorted(
        {age for _, age in cells}, key=lambda a: float((re.findall(r"\d+", a) or ["999"])[0]), reverse=True
    )
    svg = Svg(id, 720, 74 + 30 * len(ages), title or f"{used[0].label} by sex and age", "")
    top, middle = _largest(used), 360.0
    sides = {"M": Scale.of(top, middle - 50, 40, 3), "F": Scale.of(top, middle + 50, 680, 3)}
    for sex, scale in sides.items():
        for tick in scale.ticks:
            svg.add("line", x1=scale(tick), x2=scale(tick), y1=36, y2=44 + 30 * len(ages), stroke=GRID)
            svg.text(
                scale(tick), 60 + 30 * len(ages), f"{tick:g}", text_anchor="middle", font_size=11, fill=MUTED
            )
        word = "Male" if sex == "M" else "Female"
        svg.text(
            scale(scale.ticks[-1] / 2),
            16,
            word,
            text_anchor="middle",
            font_weight=700,
            fill=INK,
        )
    svg.text(middle, 72 + 30 * len(ages), unit.label, text_anchor="middle", font_size=11, fill=MUTED)
    places, said = _decimals(used), []
    hatch = svg.hatch(PALE)
    for i, age in enumerate(ages):
        y = 40 + 30 * i
        svg.text(middle, y + 17, _age_label(cells, age), text_anchor="middle", font_size=12.5, fill=INK)
        for sex, scale in sides.items():
            figure = cells.get((sex, age))
            if figure is not None:
                _pyramid_bar(svg, scale, y, figure, hatch if sex == "F" else BLUE, places)
                said.append(f"{figure.category}: {figure.text}")
    svg.description = "; ".join(said) + "."
    return svg


def _sex_and_age(figures: Sequence[Figure]) -> dict[tuple[str, str], Figure]:
    """Figures of one sex and one age band, by both."""
    cells: dict[tuple[str, str], Figure] = {}
    for f in figures:
        age = next((f.breakdown[d] for d in _AGES if f.breakdown.get(d, TOTAL) != TOTAL), None)
        sex = f.breakdown.get("sex", TOTAL)
        others = [c for d, c in f.breakdown.items() if d not in ("sex", *_AGES) and c != TOTAL]
        if age is not None and sex in ("F", "M") and not others:
            cells.setdefault((sex, age), f)
    return cells


def _age_label(cells: dict[tuple[str, str], Figure], age: str) -> str:
    f = next(f for (_, a), f in cells.items() if a == age)
    name = next(d for d in _AGES if f.breakdown.get(d, TOTAL) != TOTAL)
    text = f.labels.get(name, age)
    return text if len(text) <= 12 else age


def _pyramid_bar(svg: Svg, scale: Scale, y: float, f: Figure, fill: str, places: int) -> None:
    right = scale.end > scale.start
    side, away = ("start", 5) if right else ("end", -5)
    value = f.present()
    if not f.shown or value is None:
        svg.text(scale.start + away, y + 16, f.text, text_anchor=side, font_size=11, fill=MUTED)
        return
    x0, x1 = sorted((scale.start, scale(value)))
    svg.add("rect", x=x0, y=y + 2, width=x1 - x0, height=20, fill=fill, stroke=BLUE, stroke_width=1)
    low, high = f.present("ci_low"), f.present("ci_high")
    end = scale(value)
    if low is not None and high is not None:
        svg.add("line", x1=scale(low), x2=scale(high), y1=y + 12, y2=y + 12, stroke=ORANGE, stroke_width=2)
        end = scale(high)
    text = format_number(value, places)
    svg.text(end + away, y + 16, text, text_anchor=side, font_size=11, fill=INK)


def bar_chart(figures: Sequence[Figure], title: str = "", *, id: str = "bars") -> Svg:
    """Bars in descending order, one a figure: forms of exploitation, categories of a status.

    Raises
    ------
    SurveyToolkitError
        If there is no figure.
    """
    if not figures:
        raise _nothing("bar chart", "at least one figure")
    unit = UNITS[_unit(figures)]
    several = len({f.series for f in figures}) > 1
    # The total of a breakdown is no part of it: it comes first.
    order = sorted(
        figures, key=lambda f: (several or not f.is_total, -(f.present() or 0.0) if f.shown else 1.0)
    )
    svg = Svg(id, 720, 40 + 34 * len(order), title or (figures[0].label if not several else unit.label), "")
    scale = Scale.of(_largest(order), 200, 560)
    scale.across(svg, 24, 32 + 34 * len(order), unit.label)
    places, said = _decimals(figures), []
    hatch = svg.hatch(PALE)
    for i, f in enumerate(order):
        y, name = 47 + 34 * i, f.label if several and f.is_total else f.category
        label(svg, 0, y, name, 27)
        said.append(f"{name}: {f.text}")
        value = f.present()
        if not f.shown or value is None:
            svg.text(scale.start + 6, y + 4, f.text, font_size=11.5, fill=MUTED)
            continue
        fill = BLUE if f.quality == "reliable" else hatch
        svg.add(
            "rect",
            x=scale.start,
            y=y - 10,
            width=max(scale(value) - scale.start, 1.0),
            height=20,
            fill=fill,
            stroke=BLUE,
            stroke_width=1,
        )
        _whisker_across(svg, scale, f, y)
        svg.text(
            svg.width, y + 4.5, format_number(value, places), text_anchor="end", font_size=12.5, fill=INK
        )
    svg.description = "; ".join(said) + "."
    return svg


def _whisker_across(svg: Svg, scale: Scale, f: Figure, y: float) -> None:
    low, high = f.present("ci_low"), f.present("ci_high")
    if low is not None and high is not None:
        svg.add("line", x1=scale(low), x2=scale(high), y1=y, y2=y, stroke=ORANGE, stroke_width=2)
