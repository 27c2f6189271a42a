"""One door to all charts: ``st.plot(result)``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from survey_toolkit.dissemination.charts.dots import Dot, dot_chart
from survey_toolkit.dissemination.charts.figures import bar_chart, pyramid_chart, trend_chart
from survey_toolkit.dissemination.charts.intervals import detected_estimated_chart, interval_chart
from survey_toolkit.dissemination.charts.maps import map_chart, read_boundaries
from survey_toolkit.dissemination.charts.svg import Svg
from survey_toolkit.dissemination.tables import publication_tables
from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.indicators import Figure, Figures

__all__ = ["KINDS", "plot"]


def plot(
    result: Any,
    path: str | os.PathLike[str] | None = None,
    kind: str | None = None,
    *,
    title: str = "",
    **options: Any,
) -> Svg:
    """Draw any result; with a path also write it as SVG or PNG.

    Parameters
    ----------
    result : Figures, Estimates, PopulationSize, Comparison, CaptureHistories, External or sequence of Figure
    path : path, optional
        Ending ``.svg`` or ``.png``.
    kind : str, optional
        For figures: ``intervals`` (default), ``trend``, ``pyramid``, ``bars``, ``detected_estimated`` or
        ``map`` (which needs ``boundaries`` and ``key``, and takes ``dimension``). title : str Default:
        the label of the series.

    Returns
    -------
    Svg
        Shows itself in a notebook; ``.render()`` is the text, ``.description`` the alternative text.

    Raises
    ------
    SurveyToolkitError
        If there is no chart for this result or kind.

    Examples
    --------
    >>> one = Figure(id="a", indicator="a", series="S", label="Share", variable="v", country="KHM",
    ...              period="2024", statistic="proportion", unit="PT", value=0.12, ci_low=0.1, ci_high=0.15)
    >>> plot([one]).description
    'Total: 12.0 % [10.0, 15.0].'
    """
    names = [c.__name__ for c in type(result).__mro__]
    if isinstance(result, Figure):
        result = [result]
    if "Figures" in names or (isinstance(result, Sequence) and all(isinstance(f, Figure) for f in result)):
        drawn = _figures(Figures(result), kind or _guess(Figures(result)), title, options)
    else:
        maker = next((_OTHERS[n] for n in names if n in _OTHERS), None)
        if maker is None:
            raise SurveyToolkitError(
                "there is no chart for this result", found=type(result).__name__,
                expected=", ".join(("Figures", *_OTHERS)), code="no-chart",
            )  # fmt: skip
        drawn = maker(result, title)
    if path is not None:
        drawn.save(Path(path))
    return drawn


def _guess(figures: Figures) -> str:
    if any(f.estimator == "mse" for f in figures) and any(f.estimator == "admin" for f in figures):
        return "detected_estimated"
    return "trend" if len({f.period for f in figures}) > 1 else "intervals"


def _figures(figures: Figures, kind: str, title: str, options: Mapping[str, Any]) -> Svg:
    if kind not in KINDS:
        raise SurveyToolkitError(
            "there is no such kind of chart",
            found=f"'{kind}'",
            expected=did_you_mean(kind, KINDS),
            code="no-chart",
        )
    if not len(figures):
        raise SurveyToolkitError(
            "there is no figure to draw", code="nothing-to-draw", hint="the selection is empty: name another"
        )
    return KINDS[kind](figures, title, options)


def _intervals(figures: Figures, title: str, options: Mapping[str, Any]) -> Svg:
    table = publication_tables(figures, options.get("dimension_labels"))[0]
    drawn = interval_chart(table, int(options.get("column", 0)), "chart")
    drawn.title = title or drawn.title
    return drawn


def _detected(figures: Figures, title: str, options: Mapping[str, Any]) -> Svg:
    tables = publication_tables([f for f in figures if f.estimator != "survey"])
    for table in tables:
        drawn = detected_estimated_chart(table, "chart")
        if drawn is not None:
            drawn.title = title or drawn.title
            return drawn
    raise SurveyToolkitError(
        "these figures make no comparison", expected="a detected and an estimated number of people",
        code="nothing-to-draw",
    )  # fmt: skip


def _map(figures: Figures, title: str, options: Mapping[str, Any]) -> Svg:
    if "boundaries" not in options or "key" not in options:
        raise SurveyToolkitError(
            "a map needs boundaries", expected="boundaries: a GeoJSON file; key: its property with the codes",
            code="no-boundaries",
        )  # fmt: skip
    found = read_boundaries(options["boundaries"], str(options["key"]))
    return map_chart(list(figures), found, str(options.get("dimension", "region")), title)


KINDS: dict[str, Callable[[Figures, str, Mapping[str, Any]], Svg]] = {
    "intervals": _intervals,
    "trend": lambda figures, title, _: trend_chart(list(figures), title),
    "pyramid": lambda figures, title, _: pyramid_chart(list(figures), title),
    "bars": lambda figures, title, _: bar_chart(list(figures), title),
    "detected_estimated": _detected,
    "map": _map,
}
"""Kinds of charts of figures by name; a new one adds one line."""


def _real(number: Any) -> float | None:
    return None if number is None or number != number else float(number)


def _estimates(result: Any, title: str) -> Svg:
    scale = 100.0 if result.statistic == "proportion" else 1.0
    names = [n for n in result.domain_names]
    dots = []
    for i, domain in enumerate(result.domains):
        value, low, high = (_real(getattr(result, n)[i]) for n in ("estimate", "ci_low", "ci_high"))
        numbers = [None if n is None else n * scale for n in (value, low, high)]
        words = ", ".join(
            f"{n} {c}" if str(c).isdigit() else str(c) for n, c in zip(names, domain, strict=True)
        )
        few = _real(result.n[i]) is not None and result.n[i] < 50
        dots.append(
            Dot(label=words or "Total", value=numbers[0], low=numbers[1], high=numbers[2], reliable=not few)
        )
    unit = "percent" if scale == 100 else ""
    return dot_chart(dots, title or f"{result.statistic.capitalize()} of {result.variable}", unit=unit)


def _population(result: Any, title: str) -> Svg:
    dot = Dot(
        label=str(getattr(result, "method", "estimate")),
        value=_real(result.estimate),
        low=_real(result.ci_low),
        high=_real(result.ci_high),
    )
    seen = _real(getattr(result, "n", None))
    return dot_chart(
        [dot], title or "Estimated number of people", unit="people", decimals=0, reference=seen,
        reference_label="" if seen is None else f"detected: {seen:,.0f}",
    )  # fmt: skip


def _comparison(result: Any, title: str) -> Svg:
    dots = [
        Dot(
            label=name,
            value=_real(r.estimate),
            low=_real(r.ci_low),
            high=_real(r.ci_high),
            reliable=not r.notes,
        )
        for name, r in result.results.items()
    ]
    dots += [Dot(label=name, words=f"refused: {why}"[:60]) for name, why in result.refused.items()]
    some = next(iter(result.results.values()), None)
    seen = _real(getattr(some, "n", None))
    return dot_chart(
        dots, title or "Estimates of different methods", unit="people", decimals=0, reference=seen,
        reference_label="" if seen is None else f"detected: {seen:,.0f}",
    )  # fmt: skip


def _histories(result: Any, title: str) -> Svg:
    matrix = result.overlap_matrix()
    dots = [Dot(label=str(name), value=float(matrix[i][i])) for i, name in enumerate(result.lists)]
    for (a, b), n in result.overlaps().items():
        small = 0 < n < 5
        dots.append(
            Dot(
                label=f"{a} and {b}", value=None if small else float(n), words="fewer than 5" if small else ""
            )
        )
    return dot_chart(dots, title or "People on the lists and on two of them", unit="people", decimals=0)


def _external(result: Iterable[Any], title: str) -> Svg:
    values = list(result)
    dots = [
        Dot(
            label=" ".join((v.country, v.period, *(c for c in v.breakdown.values() if c != "_T"))),
            value=v.value, low=v.low if v.low != v.high else None, high=v.high if v.low != v.high else None,
            words=v.text or "missing",
        )
        for v in values
    ]  # fmt: skip
    return dot_chart(dots, title or (values[0].label if values else "No values"))


_OTHERS: dict[str, Callable[[Any, str], Svg]] = {
    "Estimates": _estimates,
    "PopulationSize": _population,
    "Comparison": _comparison,
    "CaptureHistories": _histories,
    "External": _external,
}
