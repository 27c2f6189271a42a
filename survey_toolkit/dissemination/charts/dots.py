"""Dots and whiskers of any result: estimates by domain, methods side by side, values of publishers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from survey_toolkit.dissemination.charts.style import BLUE, INK, MUTED, ORANGE, Scale, label, mark
from survey_toolkit.dissemination.charts.svg import Svg
from survey_toolkit.indicators import format_number

__all__ = ["Dot", "dot_chart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One row: a value with its interval, or the words that stand in their place.

    Attributes
    ----------
    label : str
    value, low, high : float or None
        In the unit of presentation.
    reliable : bool
        An open dot and a broken whisker if not.
    words : str
        Shown instead of a value ("suppressed"), or after it (a remark).
    """

    label: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reliable: bool = True
    words: str = ""


def dot_chart(
    dots: Sequence[Dot],
    title: str,
    *,
    unit: str = "",
    decimals: int | None = None,
    reference: float | None = None,
    reference_label: str = "",
    id: str = "chart",
) -> Svg:
    """Draw rows below each other on one axis from zero.

    Parameters
    ----------
    dots : sequence of Dot
    title, unit : str
    decimals : int, optional
        Of the numbers on the right; chosen by their size if not given.
    reference : float, optional
        A line through all rows, e.g. the number of people detected.
    """
    finite = [n for d in dots for n in (d.value, d.low, d.high) if n is not None]
    top = max([*finite, reference or 0.0], default=1.0)
    top = min(top, 4 * max((d.value for d in dots if d.value is not None), default=top)) or 1.0
    places = decimals if decimals is not None else (0 if top >= 100 else 1 if top >= 1 else 3)
    height = 40 + 26 * len(dots) + (22 if reference is not None else 0)
    svg = Svg(id, 720, height, title, _spoken(dots, unit, places))
    scale = Scale.of(top, 190, 540)
    bottom = 30 + 26 * len(dots)
    scale.across(svg, 24, bottom, unit)
    if reference is not None:
        x = scale(reference)
        svg.add("line", x1=x, x2=x, y1=24, y2=bottom, stroke=ORANGE, stroke_width=1.5, stroke_dasharray="5 4")
        svg.text(x, bottom + 16, reference_label, text_anchor="middle", font_size=11, fill=ORANGE)
    for i, dot in enumerate(dots):
        _row(svg, scale, 42 + 26 * i, dot, places)
    return svg


def _row(svg: Svg, scale: Scale, y: float, dot: Dot, places: int) -> None:
    label(svg, 0, y, dot.label, 26)
    if dot.value is None and dot.low is None:
        svg.text(scale.start + 6, y + 4, dot.words or "not available", font_size=11.5, fill=MUTED)
        return
    ends = [scale(min(n, scale.ticks[-1])) for n in (dot.low, dot.high) if n is not None]
    if len(ends) == 2:
        dash = None if dot.reliable else "4 3"
        svg.add(
            "line", x1=ends[0], x2=ends[1], y1=y, y2=y, stroke=BLUE, stroke_width=2, stroke_dasharray=dash
        )
        for x, limit in zip(ends, (dot.low, dot.high), strict=True):
            if limit is not None and limit <= scale.ticks[-1]:
                svg.add("line", x1=x, x2=x, y1=y - 4, y2=y + 4, stroke=BLUE, stroke_width=2)
            else:
                # The interval goes on beyond the axis.
                svg.polygon([(x, y - 5), (x + 7, y), (x, y + 5)], fill=BLUE)
    if dot.value is not None:
        mark(svg, scale(dot.value), y, filled=dot.reliable)
    svg.text(svg.width, y + 4.5, _numbers(dot, places), text_anchor="end", font_size=12, fill=INK)


def _numbers(dot: Dot, places: int) -> str:
    text = "" if dot.value is None else format_number(dot.value, places)
    if dot.low is not None and dot.high is not None:
        text += f"  [{format_number(dot.low, places)}, {format_number(dot.high, places)}]"
    return text.strip()


def _spoken(dots: Sequence[Dot], unit: str, places: int) -> str:
    said = [f"{d.label}: {_numbers(d, places) or d.words or 'not available'}" for d in dots[:20]]
    more = f"; and {len(dots) - 20} more rows" if len(dots) > 20 else ""
    return (f"{unit}. " if unit else "") + "; ".join(said) + more + "."
