"""Charts of the report, drawn as SVG: intervals by domain, and detected beside estimated numbers.

Position and shape carry the meaning, colour only repeats it: a filled dot is reliable, an open one is not,
a diamond is the true value of simulated data, hatching marks the people nobody has detected. Blue and
orange of the palette differ for all common colour blindnesses, and in grey.
"""

from __future__ import annotations

from dataclasses import dataclass

from survey_toolkit.dissemination.charts.style import BLUE, GRID, INK, MUTED, ORANGE, PALE
from survey_toolkit.dissemination.charts.svg import Svg, nice_ticks, wrap
from survey_toolkit.dissemination.tables import Group, PublicationTable, mark_of, shown_value
from survey_toolkit.indicators import Figure, format_number

__all__ = ["detected_estimated_chart", "interval_chart"]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where labels, plot and values stand."""

    width: int
    left: int
    right: int
    label_chars: int

    def x(self, value: float, top: float) -> float:
        return self.left + (self.width - self.left - self.right) * value / top


_WIDE = _Frame(width=720, left=190, right=150, label_chars=26)
_NARROW = _Frame(width=350, left=104, right=122, label_chars=14)


def interval_chart(table: PublicationTable, column: int, chart_id: str, *, narrow: bool = False) -> Svg:
    """Dot and whisker for each row of a table.

    Parameters
    ----------
    table : PublicationTable
    column : int
        Which series.
    chart_id : str
        Unique in the page.
    narrow : bool
        Drawing for a phone.
    """
    frame = _NARROW if narrow else _WIDE
    group = table.groups[column]
    figures = [(p, r.label, r.figures[column]) for p, rows in table.panels for r in rows]
    drawn = [(p, label, f) for p, label, f in figures if f is not None]
    ticks = nice_ticks(max((_extent(f) for _, _, f in drawn), default=1.0), 4 if narrow else 5)
    headings = len({p for p, _, _ in drawn if p})
    height = 18 + 26 * (len(drawn) + headings)
    svg = Svg(
        chart_id,
        frame.width,
        height + (24 if group.has_truth else 4),
        group.heading,
        _spoken(drawn),
    )
    _axis(svg, frame, ticks, height, group)
    y, panel = 30.0, ""
    for name, label, figure in drawn:
        if name != panel:
            svg.text(0, y + 5, name, font_size=11.5, font_weight=700, fill=MUTED, letter_spacing=0.3)
            y, panel = y + 26, name
        _row(svg, frame, y, label, figure, group, ticks[-1])
        y += 26
    if group.has_truth:
        _diamond(svg, frame.left + 6, height + 8)
        svg.text(
            frame.left + 17, height + 12, "true value in the simulated population", font_size=11, fill=MUTED
        )
    return svg


def detected_estimated_chart(table: PublicationTable, chart_id: str, *, narrow: bool = False) -> Svg | None:
    """Bars of detected and of estimated people; None when there is nothing to compare."""
    figures = [f for row in table.rows for f in row.figures if f is not None and f.unit == "NUMBER"]
    detected = next((f for f in figures if f.estimator == "admin" and f.shown), None)
    estimated = [f for f in figures if f.estimator == "mse" and f.shown]
    if detected is None or not estimated:
        return None
    frame = _NARROW if narrow else _WIDE
    bars = [detected, *estimated]
    ticks = nice_ticks(max(_extent(f) for f in bars), 3 if narrow else 5)
    height = 40 + 52 * len(bars)
    spoken = [("", "Detected" if f is detected else "Estimated", f) for f in bars]
    svg = Svg(chart_id, frame.width, height + 30, "Detected and estimated victims", _spoken(spoken))
    hatch = svg.hatch(PALE)
    _axis(svg, frame, ticks, height, table.groups[0])
    for i, figure in enumerate(bars):
        _bar(svg, frame, 34 + 52 * i, figure, detected, ticks[-1])
    svg.add("rect", x=frame.left, y=height + 14, width=12, height=10, fill=BLUE)
    svg.text(frame.left + 17, height + 23, "detected", font_size=11, fill=MUTED)
    svg.add("rect", x=frame.left + 84, y=height + 14, width=12, height=10, fill=hatch, stroke=PALE)
    svg.text(frame.left + 101, height + 23, "not detected", font_size=11, fill=MUTED)
    return svg


def _extent(figure: Figure) -> float:
    numbers = (figure.present(n) for n in ("value", "ci_high", "truth"))
    return max((n for n in numbers if n is not None), default=0.0)


def _axis(svg: Svg, frame: _Frame, ticks: list[float], height: float, group: Group) -> None:
    places = 0 if all(float(t).is_integer() for t in ticks) else 1 if ticks[1] >= 0.1 else 2
    if ticks[1] * 10 % 1 > 1e-9 and places == 1:
        places = 2
    for tick in ticks:
        x = frame.x(tick, ticks[-1])
        svg.add("line", x1=x, x2=x, y1=18, y2=height, stroke=MUTED if tick == 0 else GRID, stroke_width=1)
        svg.text(x, 12, format_number(tick, places), text_anchor="middle", font_size=11, fill=MUTED)
    unit = f"{group.level_text} interval" if group.has_interval and frame is _WIDE else ""
    svg.text(frame.width, 12, unit, text_anchor="end", font_size=11, fill=MUTED)


def _row(svg: Svg, frame: _Frame, y: float, label: str, figure: Figure, group: Group, top: float) -> None:
    lines = wrap(label, frame.label_chars)
    for i, line in enumerate(lines):
        offset = 4.5 if len(lines) == 1 else (-2 if i == 0 else 10)
        svg.text(0, y + offset, line, font_size=13 if len(lines) == 1 else 11.5, fill=INK)
    if not figure.shown:
        svg.text(frame.left + 6, y + 4, f"{mark_of(figure)} {figure.text}", font_size=11.5, fill=MUTED)
        return
    low, high, value = figure.present("ci_low"), figure.present("ci_high"), figure.present()
    reliable = figure.quality == "reliable"
    if low is not None and high is not None:
        dash = None if reliable else "4 3"
        ends = frame.x(low, top), frame.x(high, top)
        svg.add(
            "line", x1=ends[0], x2=ends[1], y1=y, y2=y, stroke=BLUE, stroke_width=2, stroke_dasharray=dash
        )
        for x in ends:
            svg.add("line", x1=x, x2=x, y1=y - 4, y2=y + 4, stroke=BLUE, stroke_width=2)
    fill = BLUE if reliable else "#ffffff"
    svg.add("circle", cx=frame.x(value or 0.0, top), cy=y, r=4.5, fill=fill, stroke=BLUE, stroke_width=2)
    if figure.truth is not None:
        _diamond(svg, frame.x(figure.present("truth") or 0.0, top), y)
    text = shown_value(figure, group.decimals)
    svg.text(
        frame.width,
        y + 4.5,
        f"{text}  {_interval(figure, group.decimals)}",
        text_anchor="end",
        font_size=12,
        fill=INK,
        class_="num",
    )


def _bar(svg: Svg, frame: _Frame, y: float, figure: Figure, detected: Figure, top: float) -> None:
    value, seen = figure.value or 0.0, min(detected.value or 0.0, figure.value or 0.0)
    start, end, split = (frame.x(v, top) for v in (0.0, value, seen))
    label = "Detected" if figure is detected else "Estimated"
    svg.text(0, y + 18, label, font_size=13, fill=INK)
    svg.add("rect", x=start, y=y, width=max(split - start, 1.0), height=26, fill=BLUE)
    if end > split:
        svg.add("rect", x=split, y=y, width=end - split, height=26, fill=f"url(#{svg.id}-h)", stroke=PALE)
    if figure.ci_low is not None and figure.ci_high is not None:
        ends = frame.x(figure.ci_low, top), frame.x(figure.ci_high, top)
        svg.add("line", x1=ends[0], x2=ends[1], y1=y + 13, y2=y + 13, stroke=INK, stroke_width=2)
        for x in ends:
            svg.add("line", x1=x, x2=x, y1=y + 7, y2=y + 19, stroke=INK, stroke_width=2)
    if figure.truth is not None:
        _diamond(svg, frame.x(figure.truth, top), y + 13)
    svg.text(
        frame.width, y + 12, format_number(value), text_anchor="end", font_size=13, font_weight=700, fill=INK
    )
    interval = _interval(figure, 0)
    svg.text(frame.width, y + 26, interval, text_anchor="end", font_size=11, fill=MUTED)


def _diamond(svg: Svg, x: float, y: float) -> None:
    svg.diamond(x, y, fill="none", stroke=ORANGE, stroke_width=2)


def _interval(figure: Figure, decimals: int) -> str:
    low, high = figure.present("ci_low"), figure.present("ci_high")
    if low is None or high is None:
        return ""
    return f"[{format_number(low, decimals)}, {format_number(high, decimals)}]"


def _spoken(rows: list[tuple[str, str, Figure]]) -> str:
    """Alternative text: each row in words, the first twelve of them."""
    said = [f"{label}: {figure.text}" for _, label, figure in rows[:12]]
    more = f"; and {len(rows) - 12} more rows" if len(rows) > 12 else ""
    return "; ".join(said) + more + "."
