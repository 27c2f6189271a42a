"""UpSet-type plot of capture histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._plot_style import BLUE, GREY, INK, new_figure, plain, thousands
from survey_toolkit.multiple_systems.histories import CaptureHistories

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_overlaps"]


def plot_overlaps(data: CaptureHistories, *, most: int = 24) -> Figure:
    """UpSet-type plot: people by combination of lists, largest first, with the list sizes beside.

    Parameters
    ----------
    data : CaptureHistories
    most : int
        At most this many combinations; the rest is counted below the plot.
    """
    order = np.argsort(-data.counts, kind="stable")[:most]
    counts, patterns = data.counts[order], data.patterns[order]
    sizes = data.overlap_matrix().diagonal()
    rows = np.argsort(sizes, kind="stable")
    t = data.n_lists
    figure = new_figure(max(6.0, 2.6 + 0.34 * len(order)), 2.8 + 0.34 * t)
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 3.4], height_ratios=[2.1, 0.34 * t + 0.2])
    bars, dots, left = (
        figure.add_subplot(grid[0, 1]),
        figure.add_subplot(grid[1, 1]),
        figure.add_subplot(grid[1, 0]),
    )
    many = patterns.sum(axis=1) > 1
    _history_bars(bars, counts, many)
    _dots(dots, patterns[:, rows], many)
    _list_sizes(left, sizes[rows], [data.lists[j] for j in rows])
    hidden = len(data.counts) - len(order)
    extra = f"; {hidden} smaller combinations not shown" if hidden else ""
    figure.suptitle(
        f"{data.n_observed:,} people by combination of lists{extra}", fontsize=11, x=0.02, ha="left"
    )
    return figure


def _history_bars(bars: Axes, counts: NDArray[np.int64], many: NDArray[np.bool_]) -> None:
    """People by history; grey for those on one list only."""
    x = np.arange(len(counts))
    bars.bar(x[~many], counts[~many], color=GREY, width=0.7, label="one list only")
    bars.bar(x[many], counts[many], color=BLUE, width=0.7, label="several lists")
    for i, c in enumerate(counts):
        bars.annotate(
            f"{c:,}", (i, c), (0, 2), textcoords="offset points", ha="center", fontsize=7, color=INK
        )
    if counts.max() > 200 * counts.min():
        bars.set_yscale("log")
        bars.set_ylim(bottom=0.7)
    bars.set_ylabel("people", fontsize=9)
    thousands(bars.yaxis)
    bars.set_xticks([])
    bars.set_xlim(-0.6, len(counts) - 0.4)
    bars.legend(frameon=False, fontsize=8, loc="upper right")
    plain(bars, grid="y")


def _list_sizes(left: Axes, sizes: NDArray[np.int64], names: Sequence[str]) -> None:
    """Bars that grow to the left, list names between them and the dots."""
    left.barh(np.arange(len(names)), sizes, color=INK, height=0.55)
    for i, size in enumerate(sizes):
        left.annotate(
            f"{size:,}", (size, i), (-3, 0), textcoords="offset points", ha="right", va="center", fontsize=7
        )
    left.invert_xaxis()
    left.set_xlim(float(sizes.max()) * 1.35, 0)
    left.set_ylim(-0.6, len(names) - 0.4)
    left.set_yticks(np.arange(len(names)), list(names), fontsize=9)
    left.yaxis.tick_right()
    left.tick_params(axis="y", length=0)
    left.set_xticks([])
    left.set_xlabel("people on the list", fontsize=9)
    left.spines[["top", "left", "right", "bottom"]].set_visible(False)


def _dots(axes: Axes, patterns: NDArray[np.int64], many: NDArray[np.bool_]) -> None:
    """Matrix of filled and empty circles, a line through the lists of each combination."""
    k, t = patterns.shape
    for row in range(0, t, 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#f3f3f3", zorder=0)
    for i in range(k):
        on = np.flatnonzero(patterns[i])
        colour = BLUE if many[i] else "#6d6d6d"
        axes.scatter([i] * t, range(t), s=26, color="#d5d5d5", zorder=1)
        axes.plot([i, i], [on.min(), on.max()], color=colour, linewidth=1.6, zorder=2)
        axes.scatter([i] * len(on), on, s=34, color=colour, zorder=3)
    axes.set_xlim(-0.6, k - 0.4)
    axes.set_ylim(-0.6, t - 0.4)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "left", "right", "bottom"]].set_visible(False)
