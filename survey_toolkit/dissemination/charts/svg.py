"""A small SVG writer: elements as text, everything escaped, numbers short."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape

__all__ = ["Svg", "nice_ticks", "wrap"]


@dataclass(slots=True)
class Svg:
    """A drawing under construction.

    Attributes
    ----------
    id : str
        Unique in the page; title and description hang on it.
    width, height : float
        Size of the view box in its own units.
    title, description : str
        Alternative text.

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
    parts: list[str] = field(default_factory=list)

    def add(self, element: str, /, content: str | None = None, **attributes: object) -> None:
        """Add an element; ``stroke_width`` becomes ``stroke-width``, ``class_`` becomes ``class``."""
        written = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
            for name, value in attributes.items()
            if value is not None
        )
        self.parts.append(
            f"<{element}{written}/>" if content is None else f"<{element}{written}>{content}</{element}>"
        )

    def text(self, x: float, y: float, content: str, **attributes: object) -> None:
        """Add a line of text, escaped."""
        self.add("text", escape(content), x=x, y=y, **attributes)

    def render(self, *, css_class: str = "chart", standalone: bool = False) -> str:
        """The drawing as an ``svg`` element; ``standalone`` for a file of its own."""
        space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
        return (
            f'<svg{space} class="{escape(css_class)}" viewBox="0 0 {_text(self.width)} {_text(self.height)}" '
            f'role="img" aria-labelledby="{self.id}-t {self.id}-d" font-family="inherit" font-size="13">'
            f'<title id="{self.id}-t">{escape(self.title)}</title>'
            f'<desc id="{self.id}-d">{escape(self.description)}</desc>{"".join(self.parts)}</svg>'
        )


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
