"""Colours and axes that all charts share.

Position, shape and hatching carry the meaning, colour only repeats it. The four colours of series differ
for all common colour blindnesses and in lightness, so also in grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from survey_toolkit.dissemination.charts.svg import Svg, nice_ticks, wrap
from survey_toolkit.indicators import format_number

__all__ = ["BLUE", "GRID", "INK", "MUTED", "ORANGE", "PALE", "SERIES", "Scale", "mark", "tick_places"]

INK, MUTED, GRID, BLUE, PALE, ORANGE = "#1b2733", "#5b6875", "#dde3e8", "#0f4c81", "#8fb3d1", "#b3541e"
#: Colour and marker of the first, second, … series.
SERIES = ((BLUE, "circle"), (ORANGE, "square"), ("#4f97c3", "diamond"), ("#c9a227", "triangle"))


def tick_places(ticks: list[float]) -> int:
    """Decimals that tell the ticks apart.

    Examples
    --------
    >>> tick_places([0, 5, 10]), tick_places([0, 0.5, 1]), tick_places([0, 0.25, 0.5])
    (0, 1, 2)
    """
    return next((p for p in range(6) if all(abs(t - round(t, p)) < 1e-9 for t in ticks)), 6)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to places along an axis from zero to a round number."""

    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, largest: float, start: float, end: float, wanted: int = 5) -> Scale:
        """Scale that holds the largest value."""
        return cls(start, end, tuple(nice_ticks(largest, wanted)))

    def __call__(self, value: float) -> float:
        """Place of a value."""
        return self.start + (self.end - self.start) * value / self.ticks[-1]

    def across(self, svg: Svg, top: float, bottom: float, unit: str = "") -> None:
        """Draw as a horizontal axis on top."""
        places = tick_places(list(self.ticks))
        for tick in self.ticks:
            x = self(tick)
            line = MUTED if tick == 0 else GRID
            svg.add("line", x1=x, x2=x, y1=top, y2=bottom, stroke=line, stroke_width=1)
            svg.text(x, top - 6, format_number(tick, places), text_anchor="middle", font_size=11, fill=MUTED)
        if unit:
            svg.text(svg.width, top - 6, unit, text_anchor="end", font_size=11, fill=MUTED)

    def upward(self, svg: Svg, left: float, right: float) -> None:
        """Draw as a vertical axis on the left."""
        places = tick_places(list(self.ticks))
        for tick in self.ticks:
            y = self(tick)
            line = MUTED if tick == 0 else GRID
            svg.add("line", x1=left, x2=right, y1=y, y2=y, stroke=line, stroke_width=1)
            svg.text(
                left - 6, y + 4, format_number(tick, places), text_anchor="end", font_size=11, fill=MUTED
            )


def mark(svg: Svg, x: float, y: float, series: int = 0, *, filled: bool = True) -> None:
    """Marker of a series; open for values of low reliability."""
    colour, shape = SERIES[series % len(SERIES)]
    look: dict[str, Any] = {"fill": colour if filled else "#ffffff", "stroke": colour, "stroke_width": 2}
    if shape == "circle":
        svg.add("circle", cx=x, cy=y, r=4.5, **look)
    elif shape == "square":
        svg.add("rect", x=x - 4.2, y=y - 4.2, width=8.4, height=8.4, **look)
    elif shape == "diamond":
        svg.diamond(x, y, 5.6, **look)
    else:
        svg.polygon([(x, y - 5.5), (x + 5.5, y + 4.5), (x - 5.5, y + 4.5)], **look)


def label(svg: Svg, x: float, y: float, text: str, width: int, **attributes: object) -> None:
    """Text on one or two lines around a height."""
    lines = wrap(text, width)
    for i, line in enumerate(lines):
        offset = 4.5 if len(lines) == 1 else (-2 if i == 0 else 10)
        svg.text(
            x, y + offset, line, **{"font_size": 13 if len(lines) == 1 else 11.5, "fill": INK, **attributes}
        )
