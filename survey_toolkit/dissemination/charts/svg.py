"""A small SVG writer: elements as text, everything escaped, numbers short."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from survey_toolkit._atomic import write_atomic
from survey_toolkit.errors import SurveyToolkitError

__all__ = ["Svg", "nice_ticks", "wrap"]

#: Left, top, right and bottom of a drawing that stands alone; the title is on top.
_MARGINS = (20, 44, 20, 18)
#: From one line of the title to the next.
_HEADING_STEP = 20


@dataclass(slots=True)
class Svg:
    """A drawing under construction; shows itself in a notebook and saves as SVG or PNG.

    Attributes
    ----------
    id : str
        Unique in the page; title and description hang on it.
    width, height : float
        Size of the view box in its own units.
    title, description : str
        Alternative text.
    elements : list of (element, content, attributes)

    Examples
    --------
    >>> svg = Svg("c1", 100, 20, "Chart", "One <b>bar</b>.")
    >>> svg.add("rect", x=0, y=1.50, width=10, height=5, fill="#000")
    >>> "&lt;b&gt;" in svg.render() and '<rect x="0" y="1.5"' in svg.render()
    True
    """

    id: str
    width: float
    height: float
    title: str
    description: str
    elements: list[tuple[str, str | None, dict[str, Any]]] = field(default_factory=list)

    def add(self, element: str, /, content: str | None = None, **attributes: Any) -> None:
        """Add an element; ``stroke_width`` becomes ``stroke-width``, ``class_`` becomes ``class``."""
        given = {n.rstrip("_").replace("_", "-"): v for n, v in attributes.items() if v is not None}
        self.elements.append((element, content, given))

    def text(self, x: float, y: float, content: str, **attributes: Any) -> None:
        """Add a line of text, escaped."""
        self.add("text", escape(content), x=x, y=y, **attributes)

    def hatch(self, colour: str = "#8fb3d1", ground: str = "#e6eef5") -> str:
        """Define a hatching and return it as a fill: it is seen in grey as well."""
        self.add(
            "defs",
            f'<pattern id="{self.id}-h" width="6" height="6" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{ground}"/>'
            f'<line x1="0" y1="0" x2="0" y2="6" stroke="{colour}" stroke-width="3"/></pattern>',
        )
        return f"url(#{self.id}-h)"

    def polygon(self, points: Sequence[tuple[float, float]], **attributes: Any) -> None:
        """Add a closed shape."""
        self.add("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), **attributes)

    def diamond(self, x: float, y: float, size: float = 7.0, **attributes: Any) -> None:
        """Add a diamond around a point."""
        self.polygon([(x, y - size), (x + size, y), (x, y + size), (x - size, y)], **attributes)

    def whisker(self, x: float, low: float, high: float, **attributes: Any) -> None:
        """Add an upright interval with its ends."""
        self.add("line", x1=x, x2=x, y1=low, y2=high, **attributes)
        for y in (low, high):
            self.add("line", x1=x - 4, x2=x + 4, y1=y, y2=y, **{**attributes, "stroke_dasharray": None})

    def render(self, *, css_class: str = "chart", standalone: bool = False) -> str:
        """The drawing as an ``svg`` element; ``standalone`` for a file of its own."""
        space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
        font = "Noto Sans, Segoe UI, Helvetica, Arial, sans-serif" if standalone else "inherit"
        parts = []
        for element, content, attributes in self.elements:
            written = "".join(f' {name}="{escape(_text(value))}"' for name, value in attributes.items())
            parts.append(
                f"<{element}{written}/>" if content is None else f"<{element}{written}>{content}</{element}>"
            )
        box = f"0 0 {_text(self.width)} {_text(self.height)}"
        if standalone:
            left, top, right, bottom = self.margins
            box = (
                f'{-left} {-top} {_text(self.width + left + right)} {_text(self.height + top + bottom)}" '
                'style="background:#fff'
            )
            parts += [
                f'<text x="0" y="{y}" font-size="15" font-weight="700" fill="#1b2733">{escape(line)}</text>'
                for y, line in self.heading
            ]
        return (
            f'<svg{space} class="{escape(css_class)}" viewBox="{box}" '
            f'role="img" aria-labelledby="{self.id}-t {self.id}-d" font-family="{font}" font-size="13">'
            f'<title id="{self.id}-t">{escape(self.title)}</title>'
            f'<desc id="{self.id}-d">{escape(self.description)}</desc>{"".join(parts)}</svg>'
        )

    @property
    def heading(self) -> list[tuple[int, str]]:
        """Height and text of the title's lines, two at most, over a drawing that stands alone."""
        lines = wrap(self.title, max(20, int(self.width / 8)))
        return [(-18 - _HEADING_STEP * (len(lines) - 1 - i), line) for i, line in enumerate(lines)]

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a drawing that stands alone."""
        left, top, right, bottom = _MARGINS
        return left, top + _HEADING_STEP * (len(self.heading) - 1), right, bottom

    def _repr_svg_(self) -> str:
        return self.render(standalone=True)

    def save(self, path: str | os.PathLike[str], *, scale: float = 2.0) -> Path:
        """Write ``.svg`` or ``.png`` (``scale`` pixels a unit).

        Raises
        ------
        SurveyToolkitError
            For another ending.
        """
        file = Path(path)
        if file.suffix.lower() == ".svg":
            write_atomic(file, (self.render(standalone=True) + "\n").encode())
        elif file.suffix.lower() == ".png":
            from survey_toolkit.dissemination.charts.png import png_bytes

            write_atomic(file, png_bytes(self, scale))
        else:
            raise SurveyToolkitError(
                "charts are written as SVG or PNG", where=str(file), found=f"'{file.suffix}'",
                expected=".svg or .png", hint="name a file: chart.svg", code="chart-format",
            )  # fmt: skip
        return file


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def nice_ticks(largest: float, wanted: int = 5) -> list[float]:
    """Round tick values from zero to at least ``largest``.

    Examples
    --------
    >>> nice_ticks(18.3), nice_ticks(0.42)
    ([0.0, 5.0, 10.0, 15.0, 20.0], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    """
    if largest <= 0 or not math.isfinite(largest):
        largest = 1.0
    power = 10 ** math.floor(math.log10(largest / wanted))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(largest / s - wanted))
    return [round(float(i * step), 10) for i in range(math.ceil(largest / step - 1e-9) + 1)]


def wrap(text: str, width: int, lines: int = 2) -> list[str]:
    """Break a label into at most so many lines of about ``width`` characters; the rest becomes an ellipsis.

    Examples
    --------
    >>> wrap("Northern and north-eastern provinces, rural", 16)
    ['Northern and', 'north-eastern p…']
    """
    out = [""]
    for word in text.split():
        if out[-1] and len(out[-1]) + 1 + len(word) > width:
            out.append(word)
        else:
            out[-1] = f"{out[-1]} {word}".strip()
    if len(out) > lines:
        out = [*out[: lines - 1], " ".join(out[lines - 1 :])]
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in out]
