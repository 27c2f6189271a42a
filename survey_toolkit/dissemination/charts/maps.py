"""A map of values by area, from boundaries the user gives as GeoJSON.

Five steps of one colour, darker is more; areas without a value are hatched, suppressed ones carry a
circle. Only coordinates and the property that names an area are read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from survey_toolkit._input import input_file
from survey_toolkit.dissemination.charts.style import INK, MUTED
from survey_toolkit.dissemination.charts.svg import Svg
from survey_toolkit.errors import DataFileError, did_you_mean
from survey_toolkit.indicators import TOTAL, UNITS, Figure, decimals_for, format_number

__all__ = ["Boundaries", "map_chart", "read_boundaries"]

Ring: TypeAlias = tuple[tuple[float, float], ...]
_MAX_BYTES = 60_000_000
_STEPS = ("#e3edf5", "#b5cfe3", "#7ba9cc", "#3f7cab", "#0f4c81")


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Areas as rings of (longitude, latitude), by the value of the property that names them."""

    areas: Mapping[str, tuple[Ring, ...]]
    source: str


def read_boundaries(source: str | Path | Mapping[str, Any], key: str) -> Boundaries:
    """Read a GeoJSON feature collection.

    Parameters
    ----------
    source : path or mapping
    key : str
        Property with the codes that figures have.

    Raises
    ------
    DataFileError
        If it is not GeoJSON in longitude and latitude, or no area has the property.
    """
    name = "GeoJSON" if isinstance(source, Mapping) else str(source)
    data = source if isinstance(source, Mapping) else _load(Path(source))
    features = data.get("features") if isinstance(data, Mapping) else None
    if not isinstance(features, list):
        raise DataFileError(
            "this is not a GeoJSON feature collection", where=name, expected="features", code="not-geojson"
        )
    areas: dict[str, list[Ring]] = {}
    names: set[str] = set()
    for feature in features:
        properties = feature.get("properties") or {} if isinstance(feature, Mapping) else {}
        names |= set(map(str, properties))
        if key in properties and properties[key] is not None:
            areas.setdefault(str(properties[key]), []).extend(_rings(feature.get("geometry"), name))
    if not any(areas.values()):
        raise DataFileError(
            "no area of the boundaries has this property", where=name, found=f"'{key}'",
            expected=did_you_mean(key, sorted(names)), code="boundary-key",
        )  # fmt: skip
    return Boundaries(areas={k: tuple(v) for k, v in areas.items()}, source=name)


def _load(file: Path) -> Any:
    try:
        return json.loads(input_file(file, "a map", max_bytes=_MAX_BYTES).read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise DataFileError(
            "this is not JSON", where=str(file), expected="boundaries as GeoJSON, UTF-8", code="not-geojson"
        ) from None


def _rings(geometry: Any, name: str) -> list[Ring]:
    if not isinstance(geometry, Mapping):
        return []
    shapes: dict[str, Any] = {
        "Polygon": [geometry.get("coordinates")],
        "MultiPolygon": geometry.get("coordinates"),
    }
    found: list[Ring] = []
    try:
        for polygon in shapes.get(str(geometry.get("type")), []) or []:
            found += [tuple((float(p[0]), float(p[1])) for p in ring) for ring in polygon if len(ring) >= 3]
    except (TypeError, ValueError, IndexError):
        raise DataFileError(
            "an area has coordinates that are no numbers", where=name, code="not-geojson"
        ) from None
    if any(not (-180.5 <= x <= 180.5 and -90.5 <= y <= 90.5) for ring in found for x, y in ring):
        raise DataFileError(
            "the coordinates are not longitude and latitude", where=name, hint="convert to EPSG:4326",
            code="projected",
        )  # fmt: skip
    return found


def map_chart(
    figures: Sequence[Figure], boundaries: Boundaries, dimension: str, title: str = "", *, id: str = "map"
) -> Svg:
    """Draw one series by area.

    Raises
    ------
    DataFileError
        If no area of the figures is in the boundaries; names some of both. Single areas that do not match are
        named under the map.
    """
    by_area = {
        f.breakdown[dimension]: f
        for f in figures
        if f.breakdown.get(dimension, TOTAL) != TOTAL
        and all(c == TOTAL for d, c in f.breakdown.items() if d != dimension)
    }
    lost = [code for code in by_area if code not in boundaries.areas]
    if not by_area or len(lost) == len(by_area):
        raise DataFileError(
            "no area of the figures is in the boundaries",
            where=boundaries.source,
            found=", ".join(sorted(by_area)[:5]) or f"no figure by '{dimension}'",
            expected=", ".join(sorted(boundaries.areas)[:5]),
            hint="give the property that has the codes of the figures",
            code="boundaries-do-not-match",
        )
    place = _Projection(boundaries, 700.0, 420.0)
    svg = Svg(id, 720, place.height + 90, title or next(iter(by_area.values())).label, "")
    limits = _limits(list(by_area.values()))
    hatch = svg.hatch("#c3ccd4", "#f4f6f8")
    for code, rings in boundaries.areas.items():
        figure = by_area.get(code)
        path = "".join(
            "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in map(place, ring)) + "Z" for ring in rings
        )
        fill = hatch if figure is None or not figure.shown else _STEPS[_step(figure.present() or 0.0, limits)]
        svg.add("path", d=path, fill=fill, stroke="#ffffff", stroke_width=1, fill_rule="evenodd")
        if figure is not None and not figure.shown:
            svg.text(*_inside(rings, place), "○", text_anchor="middle", font_size=14, fill=INK)
    _legend(svg, place.height + 24, limits, next(iter(by_area.values())), hatch)
    if lost:
        svg.text(
            0, place.height + 84, f"Not on the map: {', '.join(sorted(lost))[:110]}", font_size=11, fill=MUTED
        )
    told = [f"{f.category}: {f.text}" for f in by_area.values()]
    svg.description = "; ".join(told) + "."
    return svg


class _Projection:
    """Longitude and latitude to the page, true in the middle latitude."""

    def __init__(self, boundaries: Boundaries, width: float, height: float) -> None:
        points = [p for rings in boundaries.areas.values() for ring in rings for p in ring]
        west, east = min(p[0] for p in points), max(p[0] for p in points)
        south, north = min(p[1] for p in points), max(p[1] for p in points)
        self.squeeze = max(0.1, math.cos(math.radians((south + north) / 2)))
        across, upward = max((east - west) * self.squeeze, 1e-9), max(north - south, 1e-9)
        self.scale = min(width / across, height / upward)
        self.west, self.north = west, north
        self.left, self.height = (720 - across * self.scale) / 2, upward * self.scale + 10

    def __call__(self, point: tuple[float, float]) -> tuple[float, float]:
        x = self.left + (point[0] - self.west) * self.squeeze * self.scale
        return x, 5 + (self.north - point[1]) * self.scale


def _inside(rings: Sequence[Ring], place: _Projection) -> tuple[float, float]:
    largest = max(rings, key=len)
    xs, ys = zip(*map(place, largest), strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2 + 5


def _limits(figures: Sequence[Figure]) -> list[float]:
    """Upper ends of five equal steps from the smallest to the largest value."""
    values = [v for f in figures if f.shown and (v := f.present()) is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    step = (high - low) / 5 or 1.0
    return [low, *(low + step * i for i in range(1, 6))]


def _step(value: float, limits: list[float]) -> int:
    return min(4, sum(value > limit + 1e-12 for limit in limits[1:5]))


def _legend(svg: Svg, y: float, limits: list[float], figure: Figure, hatch: str) -> None:
    places = decimals_for(limits, figure.unit)
    svg.text(0, y, UNITS[figure.unit].label, font_size=11.5, fill=MUTED)
    for i, colour in enumerate(_STEPS):
        x = 110 * i
        svg.add("rect", x=x, y=y + 8, width=22, height=14, fill=colour, stroke=MUTED, stroke_width=0.5)
        words = f"{format_number(limits[i], places)} – {format_number(limits[i + 1], places)}"
        svg.text(x + 27, y + 19, words, font_size=11, fill=INK)
    svg.add("rect", x=0, y=y + 30, width=22, height=14, fill=hatch, stroke=MUTED, stroke_width=0.5)
    svg.text(27, y + 41, "no value; ○ suppressed or not publishable", font_size=11, fill=INK)
