"""Look of the figures: colours told apart by the colour-blind, light grids, people with thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    "new_figure",
    "percent",
    "plain",
    "thousands",
]

BLUE, ORANGE, GREEN, RED, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#9a9a9a", "#222222"
PALETTE = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#8c6d31", "#5254a3", "#637939", "#843c39")


def new_figure(width: float, height: float) -> Figure:
    """Empty figure on white, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def plain(axes: Axes, *, grid: str | None = "x") -> None:
    """No frame but the axis lines, a light grid behind the data."""
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
