"""Figures: forest of methods, recruitment, convergence, bottlenecks, degrees, back-estimates, posterior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit._plot_style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALETTE,
    RED,
    describe,
    interval_line,
    new_figure,
    percent,
    plain,
    thousands,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from survey_toolkit.hidden_populations.comparison import Comparison
    from survey_toolkit.hidden_populations.rds_diagnostics import RdsDiagnostics
    from survey_toolkit.hidden_populations.recruitment import Recruitment
    from survey_toolkit.hidden_populations.scale_up import NetworkReports
    from survey_toolkit.hidden_populations.ss_pse import SizePosterior

__all__ = [
    "plot_back_estimates",
    "plot_bottleneck",
    "plot_comparison",
    "plot_convergence",
    "plot_degrees",
    "plot_recruitment",
    "plot_size_posterior",
]


def plot_comparison(comparison: Comparison) -> Figure:
    """Forest plot: a line a method, the pooled mean as a diamond, the prediction interval below it.

    An interval that would flatten the others ends in an arrow head; its limits stand beside it.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    matplotlib Figure
    """
    rows, pooled = comparison.candidates, comparison.pooled
    n = len(rows)
    figure = new_figure(8.6, 1.3 + 0.42 * (n + (2 if pooled else 0)))
    axes = figure.add_subplot()
    labels, ends = [], _limits(comparison)
    cut = 0
    for i, c in enumerate(rows):
        y = n - i
        colour = RED if c.warnings else BLUE
        cut += interval_line(axes, y, c.ci_low, c.ci_high, ends, color=colour, linewidth=1.8)
        size = 30 + 160 * _weight(comparison, i)
        axes.scatter([c.estimate], [y], s=size, color=colour, marker="s", zorder=3)
        labels.append(c.label + (" !" if c.warnings else ""))
    places = [float(n - i) for i in range(n)]
    if pooled is not None:
        _diamond(axes, pooled.ci_low, pooled.estimate, pooled.ci_high, 0.0)
        axes.axvline(pooled.estimate, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        labels.append("pooled (random effects)")
        places.append(0.0)
        if not math.isnan(pooled.prediction_low):
            limits = pooled.prediction_low, pooled.prediction_high
            cut += interval_line(axes, -1, *limits, ends, color=INK, linewidth=1.2)
            shown = [v for v in limits if ends[0] <= v <= ends[1]]
            axes.plot(shown, [-1] * len(shown), "|", color=INK, markersize=9)
            labels.append("a further method")
            places.append(-1.0)
    axes.set_yticks(places, labels)
    axes.set_xlim(*ends)
    _beside(axes, comparison, n)
    (thousands if comparison.scale == "count" else percent)(axes.xaxis)
    arrows = "\narrow head: the interval goes on beyond the axis" if cut else ""
    axes.set_xlabel(("persons" if comparison.scale == "count" else "prevalence") + arrows, color=INK)
    noun = "interval goes beyond the axis and ends" if cut == 1 else "intervals go beyond the axis and end"
    describe(figure, comparison.in_words + (f" {cut} {noun} in an arrow head." if cut else ""))
    plain(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _weight(comparison: Comparison, i: int) -> float:
    """Pooling weight of the i-th candidate; small for one that is not pooled."""
    usable = [k for k, c in enumerate(comparison.candidates) if c.se > 0 and c.estimate > 0]
    if comparison.pooled is None or i not in usable:
        return 0.1
    return float(comparison.pooled.weights[usable.index(i)])


def _limits(comparison: Comparison) -> tuple[float, float]:
    """An axis that shows all points, and intervals unless they would flatten everything else."""
    points = [c.estimate for c in comparison.candidates if math.isfinite(c.estimate)]
    ends = [v for c in comparison.candidates for v in (c.ci_low, c.ci_high) if math.isfinite(v)]
    if comparison.pooled is not None:
        ends += [comparison.pooled.ci_low, comparison.pooled.ci_high]
        ends += [v for v in (comparison.pooled.prediction_low, comparison.pooled.prediction_high) if v == v]
    most = 3.0 * max(points)
    # A symmetric interval of a wide estimate runs below zero, where nobody is.
    low = max(min([0.0, *ends]), -0.25 * max(points))
    high = min(max([*ends, *points]), most)
    room = 0.04 * (high - low)
    return low - (room if low < 0 else 0), high + room


def _beside(axes: Axes, comparison: Comparison, n: int) -> None:
    """Numbers at the right edge, outside the axes."""
    for i, c in enumerate(comparison.candidates):
        text = comparison.with_interval(c.estimate, c.ci_low, c.ci_high)
        axes.annotate(
            text, (1.03, n - i), xycoords=("axes fraction", "data"), va="center", fontsize=8.5, color=INK
        )
    if comparison.pooled is not None:
        p = comparison.pooled
        text = comparison.with_interval(p.estimate, p.ci_low, p.ci_high)
        axes.annotate(
            text, (1.03, 0), xycoords=("axes fraction", "data"), va="center", fontsize=8.5,
            color=INK, weight="bold",
        )  # fmt: skip
        if not math.isnan(p.prediction_low):
            text = f"({comparison.number(p.prediction_low)} – {comparison.number(p.prediction_high)})"
            axes.annotate(
                text, (1.03, -1), xycoords=("axes fraction", "data"), va="center", fontsize=8.5, color=INK
            )


def _diamond(axes: Axes, low: float, middle: float, high: float, y: float) -> None:
    axes.fill([low, middle, high, middle], [y, y + 0.28, y, y - 0.28], color=ORANGE, zorder=3)


def plot_recruitment(sample: Recruitment, outcome: str | None = None) -> Figure:
    """Recruitment trees: one column a seed, one row a wave; groups of an outcome by colour.

    Identifiers are not drawn.

    Parameters
    ----------
    sample : Recruitment
    outcome : str, optional

    Returns
    -------
    matplotlib Figure
    """
    x = _tree_layout(sample)
    figure = new_figure(9.5, 1.6 + 0.55 * (int(sample.wave.max()) + 1))
    axes = figure.add_subplot()
    child = np.flatnonzero(sample.parent >= 0)
    up = sample.parent[child]
    axes.plot(
        np.stack([x[up], x[child]]), -np.stack([sample.wave[up], sample.wave[child]]),
        color="#c8c8c8", linewidth=0.6, zorder=1,
    )  # fmt: skip
    size = float(np.clip(4000 / len(sample), 4, 40))
    if outcome is None:
        axes.scatter(x, -sample.wave, s=size, color=BLUE, zorder=2)
    else:
        levels, group = sample.groups(outcome)
        for k in (*range(len(levels)), -1):
            rows = group == k
            if rows.any():
                colour = GREY if k < 0 else PALETTE[k % len(PALETTE)]
                axes.scatter(
                    x[rows], -sample.wave[rows], s=size, color=colour, zorder=2,
                    label="unknown" if k < 0 else f"{outcome} = {levels[k]}",
                )  # fmt: skip
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    waves = range(int(sample.wave.max()) + 1)
    counts = sample.by_wave
    axes.set_yticks(
        [-w for w in waves],
        [f"wave {w}  (n = {counts[w]})" if w else f"seeds  (n = {counts[0]})" for w in waves],
    )
    axes.set_xticks([])
    plain(axes, grid="y")
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _tree_layout(sample: Recruitment) -> Any:
    """Horizontal places: leaves side by side, parents over the middle of their recruits."""
    n = len(sample)
    children: list[list[int]] = [[] for _ in range(n)]
    for row in range(n):
        if sample.parent[row] >= 0:
            children[sample.parent[row]].append(row)
    x, place = np.zeros(n), 0.0
    # depth first without recursion: long chains would exceed the limit
    for seed in np.flatnonzero(sample.is_seed):
        stack: list[tuple[int, bool]] = [(int(seed), False)]
        while stack:
            row, done = stack.pop()
            if not children[row]:
                x[row] = place
                place += 1.0
            elif done:
                x[row] = float(np.mean([x[c] for c in children[row]]))
            else:
                stack.append((row, True))
                stack += [(c, False) for c in reversed(children[row])]
        place += 2.0
    return x


def plot_convergence(diagnostics: RdsDiagnostics) -> Figure:
    """Estimate after each interview: it should settle well before the end.

    Parameters
    ----------
    diagnostics : RdsDiagnostics

    Returns
    -------
    matplotlib Figure
    """
    figure = new_figure(7.5, 3.6)
    axes = figure.add_subplot()
    n = np.arange(1, diagnostics.by_order.size + 1)
    axes.plot(n, diagnostics.by_order, color=BLUE, linewidth=1.8)
    axes.plot(
        diagnostics.cumulative_n, diagnostics.by_wave, "o", color=ORANGE, markersize=5, label="end of a wave"
    )
    final = float(diagnostics.by_order[-1])
    axes.axhspan(final - 0.02, final + 0.02, color="#e8f1f8", zorder=0, label="final estimate ± 2 points")
    axes.axhline(final, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlabel("respondents, in order of recruitment")
    axes.set_ylabel(f"{diagnostics.outcome} = {diagnostics.level} (RDS-II)")
    axes.set_ylim(0, min(1.0, max(0.1, 1.15 * float(np.nanmax(diagnostics.by_order[min(9, n.size - 1) :])))))
    axes.set_xlim(0, n.size * 1.01)
    percent(axes.yaxis)
    axes.legend(frameon=False, fontsize=9)
    plain(axes, grid="y")
    return figure


def plot_bottleneck(diagnostics: RdsDiagnostics) -> Figure:
    """The same within the tree of each seed: trees that stay apart point to a bottleneck.

    Parameters
    ----------
    diagnostics : RdsDiagnostics

    Returns
    -------
    matplotlib Figure
    """
    figure = new_figure(8.8, 3.6)
    axes = figure.add_subplot()
    trees = sorted(enumerate(diagnostics.by_seed.values(), start=1), key=lambda t: -float(t[1][-1]))
    for k, (tree, values) in enumerate(trees):
        n = np.arange(1, values.size + 1)
        label = f"tree {tree}: {values[-1]:.0%} (n = {values.size})"
        axes.plot(n, values, color=PALETTE[k % len(PALETTE)], linewidth=1.4, alpha=0.9, label=label)
    axes.axhline(float(diagnostics.by_order[-1]), color=INK, linewidth=1.0, linestyle=":")
    # ends in the order of the legend; more than twenty trees would not be told apart anyway
    if len(trees) <= 20:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axes.set_xlabel("respondents within the tree of a seed")
    axes.set_ylabel(f"{diagnostics.outcome} = {diagnostics.level} (RDS-II)")
    axes.set_ylim(0, 1)
    percent(axes.yaxis)
    plain(axes, grid="y")
    return figure


def plot_degrees(degree: Any, *, title: str = "people known") -> Figure:
    """Histogram of degrees with the heaping at fives and tens marked.

    Parameters
    ----------
    degree : array (n,)
    title : str

    Returns
    -------
    matplotlib Figure
    """
    values = np.asarray(degree, dtype=np.float64)
    figure = new_figure(7.5, 3.2)
    axes = figure.add_subplot()
    top = float(values.max() if values.max() <= 60 else np.quantile(values, 0.97))
    if np.allclose(values, np.rint(values)) and top <= 120:
        numbers, counts = np.unique(values[values <= top], return_counts=True)
        heaped = numbers % 5 == 0
        axes.bar(numbers[~heaped], counts[~heaped], color=BLUE, width=0.85)
        axes.bar(numbers[heaped], counts[heaped], color=ORANGE, width=0.85, label="multiples of 5")
        axes.legend(frameon=False, fontsize=9)
    else:
        axes.hist(values[values <= top], bins=40, color=BLUE, edgecolor="white", linewidth=0.4)
    above = int((values > top).sum())
    axes.set_xlabel(title + (f" ({above} above {top:,.0f} not shown)" if above else ""))
    axes.set_ylabel("respondents")
    thousands(axes.xaxis)
    plain(axes, grid="y")
    return figure


def plot_back_estimates(reports: NetworkReports, *, low: float = 0.5, high: float = 2.0) -> Figure:
    """Known groups as the others would estimate them; outside the band they are trimmed.

    Parameters
    ----------
    reports : NetworkReports
    low, high : float
        Limits of the ratio.

    Returns
    -------
    matplotlib Figure
    """
    back = reports.back_estimates()
    order = np.argsort(back.ratio)
    figure = new_figure(7.5, 1.2 + 0.26 * len(order))
    axes = figure.add_subplot()
    ratio = np.clip(back.ratio[order], 1e-3, None)
    inside = (ratio >= low) & (ratio <= high)
    y = np.arange(len(order))
    axes.hlines(y, 1, ratio, color="#c8c8c8", linewidth=1.2)
    axes.scatter(ratio[inside], y[inside], color=BLUE, zorder=3, s=28)
    axes.scatter(ratio[~inside], y[~inside], color=RED, zorder=3, s=28, label="outside the limits")
    axes.axvspan(low, high, color="#eef4ee", zorder=0)
    axes.axvline(1, color=INK, linewidth=0.9)
    axes.set_yticks(y, [back.groups[i] for i in order])
    axes.set_xscale("log")
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if ratio.min() / 1.4 <= t <= ratio.max() * 1.4]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks], minor=False)
    axes.minorticks_off()
    axes.set_xlabel("estimate from the other groups / known size")
    if (~inside).any():
        axes.legend(frameon=False, fontsize=9, loc="lower right")
    plain(axes)
    return figure


def plot_size_posterior(posterior: SizePosterior) -> Figure:
    """Posterior of a population size, the prior beside it.

    Parameters
    ----------
    posterior : SizePosterior

    Returns
    -------
    matplotlib Figure
    """
    draws = posterior.draws.ravel()
    top = float(np.quantile(draws, 0.99))
    low = float(posterior.prior.n)
    figure = new_figure(7.5, 3.4)
    axes = figure.add_subplot()
    edges = np.linspace(low, top, 50)
    axes.hist(
        draws,
        bins=edges.tolist(),
        density=True,
        color=BLUE,
        alpha=0.75,
        edgecolor="white",
        linewidth=0.4,
        label="posterior",
    )
    sizes, mass = posterior.prior.sizes, posterior.prior.mass
    shown = (sizes > low) & (sizes <= top)
    axes.plot(sizes[shown], mass[shown], color=ORANGE, linewidth=2, label="prior")
    a, m, b = posterior.quantiles([0.05, 0.5, 0.95])
    # a prior with a pole at the sample size would flatten the posterior
    height = 1.3 * float(np.histogram(draws, bins=edges, density=True)[0].max())
    axes.plot([a, b], [0.03 * height] * 2, color=INK, linewidth=2.5, label="posterior 5 to 95 %")
    axes.plot([m], [0.03 * height], "o", color=INK, markersize=6)
    axes.axvline(low, color=GREEN, linewidth=1, linestyle="--", label="people in the sample")
    axes.set_ylim(0, height)
    axes.set_xlabel("population size")
    axes.set_yticks([])
    thousands(axes.xaxis)
    axes.legend(frameon=False, fontsize=9)
    plain(axes, grid=None)
    return figure
