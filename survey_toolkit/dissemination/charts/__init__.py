"""Charts as SVG and PNG: colour-blind safe, readable in grey, with alternative text."""

from __future__ import annotations

from survey_toolkit.dissemination.charts.dots import Dot, dot_chart
from survey_toolkit.dissemination.charts.figures import bar_chart, pyramid_chart, trend_chart
from survey_toolkit.dissemination.charts.intervals import detected_estimated_chart, interval_chart
from survey_toolkit.dissemination.charts.maps import Boundaries, map_chart, read_boundaries
from survey_toolkit.dissemination.charts.plot import KINDS, plot
from survey_toolkit.dissemination.charts.svg import Svg

__all__ = [
    "KINDS",
    "Boundaries",
    "Dot",
    "Svg",
    "bar_chart",
    "detected_estimated_chart",
    "dot_chart",
    "interval_chart",
    "map_chart",
    "plot",
    "pyramid_chart",
    "read_boundaries",
    "trend_chart",
]
