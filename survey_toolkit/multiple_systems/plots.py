"""Figures: overlaps, models, methods, distributions, profile likelihood.

Each function returns a matplotlib ``Figure``; nothing is shown or saved and no global state is touched. The
colours are those of Okabe & Ito, told apart by the colour-blind; markers, line styles and hatching carry the
same distinctions in grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._plot_style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    describe,
    interval_line,
    log_people,
    new_figure,
    plain,
    thousands,
)
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems._display import format_number
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.overlap_plot import plot_overlaps
from survey_toolkit.multiple_systems.poisson import fit_models
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.verdict import model_terms, require_estimable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from survey_toolkit.multiple_systems.comparison import Comparison

__all__ = ["plot_comparison", "plot_density", "plot_models", "plot_overlaps", "plot_profile"]

FloatArray = NDArray[np.float64]

_SERIES = ((BLUE, "-"), (RED, "--"), (GREEN, "-."), (ORANGE, ":"), (INK, "-"))


def plot_models(result: PopulationSize) -> Figure:
    """Model multiverse: every valid model's estimate against its distance from the best criterion.

    Parameters
    ----------
    result : PopulationSize
        From a search such as :func:`select`.

    Raises
    ------
    EstimationError
        When the result holds no search.
    """
    chosen = result.selection
    if chosen is None:
        raise EstimationError(
            "this result was not selected from a family of models",
            where="result",
            found=result.method,
            hint="plot the result of select()",
        )
    delta = chosen.values - chosen.values[0]
    shown = delta <= max(20.0, float(np.quantile(delta, 0.5)))
    figure = new_figure(7.2, 4.2)
    axes = figure.add_subplot()
    axes.axhspan(-0.6, 2, color=ORANGE, alpha=0.22, linewidth=0, label="within 2 of the best")
    axes.axhspan(2, 10, color=ORANGE, alpha=0.09, linewidth=0, label="within 10 of the best")
    estimates = chosen.estimates[shown]
    axes.scatter(estimates, delta[shown], s=14, color=BLUE, alpha=0.55, linewidths=0, label="one model")
    axes.scatter(
        [result.estimate], [0], marker="D", s=62, color=RED, edgecolor="white", zorder=5, label="best model"
    )
    axes.axvline(
        chosen.averaged_estimate, color=INK, linestyle="--", linewidth=1.2, label="average over all models"
    )
    log_people(axes, float(estimates.min()), float(estimates.max()))
    thousands(axes.xaxis)
    axes.set_ylim(float(delta[shown].max()) * 1.03 + 0.5, -0.6)
    axes.set_xlabel("population size", fontsize=10)
    axes.set_ylabel(f"{chosen.criterion.upper()} above the best model (better ↑)", fontsize=10)
    plain(axes)
    axes.legend(frameon=True, framealpha=0.9, edgecolor="none", fontsize=8, loc="lower right")
    hidden = int((~shown).sum())
    extra = f" ({hidden:,} worse ones not shown)" if hidden else ""
    axes.set_title(f"{chosen.n_valid:,} {chosen.family} models{extra}", fontsize=11, loc="left")
    return figure


def plot_comparison(comparison: Comparison) -> Figure:
    """Forest plot: estimate and interval by method; refusals keep their line and say why.

    Hollow marks carry a remark; the dotted line is Chao's lower bound, the solid one the people seen. An
    interval without an upper limit, or one that would flatten the others, ends in an arrow head, with its
    limits in the text beside it.
    """
    names = [*comparison.results, *comparison.refused]
    figure = new_figure(9.6, 1.5 + 0.32 * len(names))
    axes = figure.add_subplot()
    results = list(comparison.results.values())
    ends = _ends(results)
    cut = [_method_line(axes, y, r, comparison.flag(name), ends)
           for y, (name, r) in enumerate(comparison.results.items())]  # fmt: skip
    for y, (_, reason) in enumerate(comparison.refused.items(), len(results)):
        _beside(axes, y, "refused: " + _short(reason), True)
    if results:
        axes.axvline(min(r.n for r in results), color=INK, linewidth=1.2)
    if comparison.lower_bound is not None:
        axes.axvline(comparison.lower_bound, color=INK, linewidth=1.2, linestyle=":")
    log_people(axes, *ends)
    if any(cut):
        axes.set_xlim(right=ends[1])
    thousands(axes.xaxis)
    axes.set_yticks(range(len(names)), [n.replace("_", " ") for n in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    arrows = "\narrow head: the interval goes on beyond the axis" if any(cut) else ""
    axes.set_xlabel(
        f"population size (solid line: people seen; dotted: Chao lower bound){arrows}", fontsize=10
    )
    plain(axes)
    level = results[0].level if results else 0.95
    axes.set_title(f"Estimates by method, {level:.0%} intervals", fontsize=11, loc="left")
    describe(figure, _forest_words(comparison, level, sum(cut)))
    return figure


def _ends(results: Sequence[PopulationSize]) -> tuple[float, float]:
    """Limits of the axis: every estimate, and intervals up to ten times the largest estimate."""
    known = [v for r in results for v in (r.n, r.estimate, r.ci_low) if np.isfinite(v) and v > 0]
    if not known:
        return 1.0, 2.0
    highs = [r.ci_high for r in results if np.isfinite(r.ci_high)]
    most = 10 * max([r.estimate for r in results if np.isfinite(r.estimate)] or known)
    if len(highs) < len(results) or max(highs) > most:
        return min(known), max(min(max(highs, default=0.0), most), 1.3 * max(known))
    return min(known), max([*known, *highs])


def _method_line(axes: Axes, y: int, r: PopulationSize, remark: str, ends: tuple[float, float]) -> bool:
    """Interval, estimate and words of one method; whether its interval was cut."""
    colour = RED if remark else BLUE
    cut = interval_line(axes, y, r.ci_low, r.ci_high, (0.0, ends[1]), color=colour, linewidth=2)
    axes.plot(
        r.estimate,
        y,
        marker="o" if remark else "s",
        color=colour,
        markerfacecolor="white" if remark else BLUE,
        markersize=7,
        markeredgewidth=1.8,
    )
    limits = f" ({format_number(r.ci_low)} to {format_number(r.ci_high)})" if cut else ""
    _beside(
        axes,
        y,
        f"{format_number(r.estimate)}{limits}" + (f"   {_short(remark)}" if remark else ""),
        bool(remark),
    )
    return cut


def _forest_words(comparison: Comparison, level: float, cut: int) -> str:
    """The forest plot in words, for those who do not see it."""
    lines = [
        f"{name.replace('_', ' ')} {format_number(r.estimate)} "
        f"({format_number(r.ci_low)} to {format_number(r.ci_high)})"
        for name, r in comparison.results.items()
    ]
    if comparison.refused:
        lines.append("refused: " + ", ".join(name.replace("_", " ") for name in comparison.refused))
    noun = "interval goes" if cut == 1 else "intervals go"
    beyond = (
        f" {cut} {noun} beyond the axis and end{'s' if cut == 1 else ''} in an arrow head." if cut else ""
    )
    return f"Population size by method, {level:.0%} intervals: {'; '.join(lines)}.{beyond}"


def _beside(axes: Axes, y: int, text: str, marked: bool) -> None:
    """Text at the right edge, outside the axes."""
    axes.annotate(
        text,
        (1.03, y),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8,
        color=RED if marked else INK,
        annotation_clip=False,
    )


def _short(text: str, most: int = 46) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def plot_density(results: Mapping[str, PopulationSize] | PopulationSize | Iterable[PopulationSize]) -> Figure:
    """Distribution of bootstrap replicates or posterior draws, with estimate and interval.

    Raises
    ------
    EstimationError
        When no result holds replicates or a posterior.
    """
    named = _named(results)
    curves = {name: found for name, r in named.items() if (found := _histogram(r)) is not None}
    if not curves:
        raise EstimationError(
            "none of the results holds replicates or a posterior",
            where="results",
            found=", ".join(named),
            hint="plot the result of bootstrap(), latent_classes() or decomposable_average()",
        )
    figure = new_figure(7.2, 1.1 + 1.7 * len(curves))
    panels = np.atleast_1d(np.asarray(figure.subplots(len(curves), 1, sharex=True), dtype=object))
    for i, (axes, (name, (edges, height))) in enumerate(zip(panels, curves.items(), strict=True)):
        colour, _ = _SERIES[i % len(_SERIES)]
        r = named[name]
        axes.stairs(height / height.max(), edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(height / height.max(), edges, color=colour, linewidth=1.2)
        axes.plot(
            [r.ci_low, r.ci_high],
            [-0.09, -0.09],
            color=INK,
            linewidth=2.4,
            solid_capstyle="butt",
            clip_on=False,
        )
        axes.axvline(r.estimate, color=INK, linewidth=1.3, linestyle="--")
        axes.set_ylim(-0.16, 1.08)
        axes.set_yticks([])
        thousands(axes.xaxis)
        plain(axes)
        axes.spines["left"].set_visible(False)
        text = f"{format_number(r.estimate)} ({format_number(r.ci_low)} to {format_number(r.ci_high)})"
        axes.set_title(f"{name}: {text}", fontsize=9.5, loc="left")
    panels[-1].set_xlabel("population size (dashed: estimate; bar: interval)", fontsize=10)
    return figure


def _named(results: Any) -> dict[str, PopulationSize]:
    if isinstance(results, PopulationSize):
        return {results.method: results}
    if isinstance(results, Mapping):
        return dict(results)
    return {r.method: r for r in results}


def _histogram(result: PopulationSize) -> tuple[FloatArray, FloatArray] | None:
    """Edges (k + 1,) and heights (k,) of the draws, or of a posterior on a grid, without the far tails."""
    draws, weight = result.replicates, None
    grid, mass = (getattr(result.detail, k, None) for k in ("population", "probability"))
    if draws is None and isinstance(grid, np.ndarray) and isinstance(mass, np.ndarray):
        draws, weight = grid, mass
    if draws is None or len(draws) < 2:
        return None
    draws = np.asarray(draws, dtype=float)
    order = np.argsort(draws)
    share = np.cumsum((np.ones(len(draws)) if weight is None else weight)[order])
    share /= share[-1]
    first, last = (min(int(np.searchsorted(share, q)), len(draws) - 1) for q in (0.001, 0.995))
    low, high = float(draws[order][first]), float(draws[order][last])
    if high <= low:
        low, high = low - 0.5, low + 0.5
    height, edges = np.histogram(draws, bins=60, range=(low, high), weights=weight)
    return edges.astype(float), height.astype(float)


def plot_profile(
    data: CaptureHistories,
    interactions: Iterable[str | Sequence[str]] = (),
    *,
    level: float = 0.95,
    labels: str | None = None,
) -> Figure:
    """Profile likelihood of the population size for one log-linear model, with its limits.

    Raises
    ------
    EstimationError
        As :func:`loglinear`.
    """
    from scipy.special import chdtri

    from survey_toolkit.multiple_systems.loglinear import loglinear

    chosen = [interactions] if isinstance(interactions, str) else list(interactions)
    fit = loglinear(data, chosen, level=level)
    terms = model_terms(data.lists, chosen)
    require_estimable(data, terms)
    dark = max(fit.dark_figure, 1.0)
    far = fit.ci_high - fit.n if np.isfinite(fit.ci_high) else dark * 8
    unseen = np.linspace(max(0.0, (fit.ci_low - fit.n) * 0.6), far * 1.25, 160)
    drop = _profile_drop(data, terms, unseen)
    cut = float(chdtri(1, 1 - level)) / 2
    figure = new_figure(6.8, 3.8)
    axes = figure.add_subplot()
    axes.plot(fit.n + unseen, drop, color=BLUE, linewidth=2)
    axes.axhline(-cut, color=RED, linewidth=1.2, linestyle="--")
    axes.annotate(f"{level:.0%} limits", (1, -cut), (-4, 4), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", fontsize=8, color=RED)  # fmt: skip
    for x in (fit.ci_low, fit.ci_high):
        if np.isfinite(x):
            axes.plot([x, x], [-cut, -2.2 * cut], color=RED, linewidth=1.0)
            axes.annotate(
                format_number(x), (x, -2.2 * cut), (3, 4), textcoords="offset points", fontsize=8, color=RED
            )
    axes.set_ylim(-2.2 * cut, 0.25)
    inside = fit.n + unseen[drop > -2.2 * cut]
    axes.set_xlim(inside[0] - 0.05 * np.ptp(inside), inside[-1] + 0.05 * np.ptp(inside))
    axes.set_xlabel("population size", fontsize=10)
    axes.set_ylabel("log likelihood below its maximum", fontsize=10)
    thousands(axes.xaxis)
    plain(axes)
    axes.set_title(
        labels or f"Profile likelihood of {fit.model}: {format_number(fit.estimate)}", fontsize=11, loc="left"
    )
    return figure


def _profile_drop(data: CaptureHistories, terms: NDArray[np.bool_], unseen: FloatArray) -> FloatArray:
    """Multinomial profile log likelihood (Cormack 1992) less its maximum, shape (k,)."""
    from scipy.special import gammaln, xlogy

    cells = np.maximum(unseen, 1e-7)
    tables = np.repeat(data.table()[None, :], len(cells), axis=0)
    tables[:, 0] = cells
    mean = fit_models(tables, np.repeat(terms[None, :], len(cells), axis=0), with_unseen=True).mean
    size = tables.sum(axis=1)
    kernel = xlogy(tables, np.where(tables > 0, mean, 1.0)).sum(axis=1)
    value = kernel - size * np.log(size) + gammaln(size + 1) - gammaln(cells + 1)
    out: FloatArray = value - value.max()
    return out
