"""The same drawing as pixels: every element of the SVG writer has its counterpart in matplotlib."""

from __future__ import annotations

import html
import io
import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from survey_toolkit.dissemination.charts.svg import Svg

__all__ = ["png_bytes"]

_FONTS = (
    "Noto Sans",
    "Source Sans 3",
    "Segoe UI",
    "DejaVu Sans",
    "Noto Sans Khmer",
    "Noto Sans Thai",
    "Noto Sans Lao",
    "Noto Sans Myanmar",
    "Noto Sans CJK SC",
)
_ANCHOR = {"start": "left", "middle": "center", "end": "right"}


def png_bytes(svg: Svg, scale: float = 2.0) -> bytes:
    """Pixels of a drawing on white, ``scale`` a unit, with its alternative text in the metadata."""
    from matplotlib import font_manager, rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in _FONTS if name in known] or ["sans-serif"]
    with rc_context({"font.family": fonts, "hatch.linewidth": 1.5}), warnings.catch_warnings():
        # A script without a font on this machine is drawn as boxes; the SVG has the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        left, top, right, bottom = svg.margins
        width, height = svg.width + left + right, svg.height + top + bottom
        figure = Figure(figsize=(width / 72, height / 72), dpi=72 * scale, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-left, svg.width + right), ylim=(svg.height + bottom, -top))
        axes.axis("off")
        for order, (element, content, attributes) in enumerate(svg.elements):
            _draw(axes, element, content, attributes, order)
        for y, line in svg.heading:
            title = {"x": 0, "y": y, "font-size": 15, "font-weight": "700", "fill": "#1b2733"}
            _text(axes, html.escape(line), title, len(svg.elements))
        out = io.BytesIO()
        meta = {"Title": svg.title, "Description": svg.description, "Software": None}
        figure.savefig(out, format="png", dpi=72 * scale, metadata=meta)
    return out.getvalue()


def _draw(axes: Axes, element: str, content: str | None, given: dict[str, Any], order: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Polygon, Rectangle

    if element == "text":
        _text(axes, content or "", given, order)
        return
    if element in ("line", "polyline"):
        dash = given.get("stroke-dasharray")
        style: Any = (0, tuple(float(n) / 2 for n in str(dash).split())) if dash else "-"
        xs, ys = _line_points(given)
        axes.add_line(Line2D(
            xs, ys, color=given.get("stroke", "none"), linewidth=float(given.get("stroke-width", 1)),
            linestyle=style, solid_capstyle="butt", zorder=order,
        ))  # fmt: skip
        return
    look = _look(given, order)
    if element == "rect":
        corner = (float(given["x"]), float(given["y"]))
        axes.add_patch(Rectangle(corner, float(given["width"]), float(given["height"]), **look))
    elif element == "circle":
        axes.add_patch(Circle((float(given["cx"]), float(given["cy"])), float(given["r"]), **look))
    elif element == "polygon":
        axes.add_patch(Polygon(_points(given["points"]), closed=True, **look))
    elif element == "path":
        axes.add_patch(_path(given["d"], look))


def _line_points(given: dict[str, Any]) -> tuple[list[float], list[float]]:
    if "points" in given:
        points = _points(given["points"])
        return [p[0] for p in points], [p[1] for p in points]
    return [float(given["x1"]), float(given["x2"])], [float(given["y1"]), float(given["y2"])]


def _points(text: str) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in text.split())
    return [(float(x), float(y)) for x, y in pairs]


def _look(given: dict[str, Any], order: int) -> dict[str, Any]:
    fill = str(given.get("fill", "#000000"))
    look: dict[str, Any] = {
        "edgecolor": given.get("stroke", "none"),
        "linewidth": float(given.get("stroke-width", 1)),
        "zorder": order,
    }
    if fill.startswith("url("):
        return {**look, "facecolor": "#e6eef5", "hatch": "////", "edgecolor": given.get("stroke", "#8fb3d1")}
    return {**look, "facecolor": fill}


def _path(text: str, look: dict[str, Any]) -> Any:
    """Rings of straight lines: ``M x y L x y … Z``, as the map draws them."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[Any] = []
    for ring in re.findall(r"M([^MZ]*)Z", text):
        numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", ring)]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        points += [*pairs, pairs[0]]
        codes += [Path.MOVETO, *[Path.LINETO] * (len(pairs) - 1), Path.CLOSEPOLY]
    return PathPatch(Path(points or [(0, 0)], codes or [Path.MOVETO]), **look)


def _text(axes: Axes, content: str, given: dict[str, Any], order: int) -> None:
    weight = "bold" if str(given.get("font-weight", "400")) >= "600" else "normal"
    axes.text(
        float(given["x"]), float(given["y"]), html.unescape(content),
        color=given.get("fill", "#000000"), fontsize=float(given.get("font-size", 13)), fontweight=weight,
        ha=_ANCHOR[str(given.get("text-anchor", "start"))], va="baseline", zorder=order, parse_math=False,
    )  # fmt: skip
