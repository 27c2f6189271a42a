"""Look of the figures: colours told apart by the colour-blind, light grids, people with thousands."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PALETTE",
    "RED",
    "describe",
    "interval_line",
    "log_people",
    "new_figure",
    "percent",
    "plain",
    "thousands",
]

BLUE, ORANGE, GREEN, RED, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#9a9a9a", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#8c6d31", "#5254a3", "#637939", "#843c39")


def new_figure(width: float, height: float) -> Figure:
    """Empty figure on white, in inches; a notebook shows it as the last value of a cell, without pyplot."""
    figure: Figure = _figure_class()(figsize=(width, height), layout="constrained", facecolor="white")
    return figure


@cache
def _figure_class() -> Any:
    """A figure that notebooks know how to show; made when first drawn, so that matplotlib is not loaded."""
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        """A figure with a picture for notebooks."""

        def _repr_png_(self) -> bytes | tuple[bytes, dict[str, str]]:
            data, words = BytesIO(), str(self.get_label())
            self.savefig(data, format="png", dpi=110, metadata={"Description": words} if words else None)
            return (data.getvalue(), {"alt": words}) if words else data.getvalue()

    return NotebookFigure


def describe(figure: Figure, words: str) -> None:
    """Words in place of the picture: the ``alt`` text of notebooks and their pages."""
    figure.set_label(words)


def interval_line(
    axes: Axes, y: float, low: float, high: float, ends: tuple[float, float], **style: Any
) -> bool:
    """An interval at height ``y``; where it leaves the axis (``ends``), an arrow head says that it goes on.

    Returns
    -------
    bool
        Whether it was cut. An interval that is not known (NaN) is not drawn.
    """
    if low != low or high != high:
        return False
    left, right = max(low, ends[0]), min(high, ends[1])
    axes.plot([left, right], [y, y], solid_capstyle="butt", **style)
    for at, cut, mark in ((left, low < left, "<"), (right, high > right, ">")):
        if cut:
            axes.plot(
                [at], [y], marker=mark, markersize=9, linestyle="none", color=style.get("color"),
                clip_on=False, zorder=4, gid="cut",
            )  # fmt: skip
    return low < left or high > right


def plain(axes: Axes, *, grid: str | None = "x") -> None:
    """No frame but the axis lines, a light grid behind the data, thousands separated."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(axis=grid, color="#e3e3e3", linewidth=0.8)  # type: ignore[arg-type]


def thousands(axis: Any) -> None:
    """Whole numbers with thousands separated."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axis.set_minor_formatter(NullFormatter())


def percent(axis: Any) -> None:
    """Proportions as percent."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g} %"))


def log_people(axes: Axes, low: float, high: float) -> None:
    """Logarithmic people axis when the numbers span more than a factor 8.

    Ticks at 1, 2 and 5; at powers of ten alone where these would run into each other.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    if low <= 0 or high / low < 8:
        return
    axes.set_xscale("log")
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    axes.xaxis.set_major_locator(FixedLocator([m * 10.0**p for p in powers for m in steps]))
    axes.xaxis.set_minor_locator(NullLocator())
