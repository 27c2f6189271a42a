"""From estimates to figures: one figure a domain, with its cell codes, numbers, truth and way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.indicators.collection import Figures
from survey_toolkit.indicators.columns import Columns, code_text
from survey_toolkit.indicators.figure import TOTAL, Figure, figure_id
from survey_toolkit.indicators.lineage import english
from survey_toolkit.indicators.trace import FileRecord, Trace, TraceStep
from survey_toolkit.indicators.units import format_number

__all__ = [
    "Measure",
    "SeriesLike",
    "TraceParts",
    "figures_from_estimates",
    "figures_from_population_size",
]

Measure: TypeAlias = Literal["detected", "estimated"]


class SeriesLike(Protocol):
    """What is read of a series of the registry."""

    @property
    def id(self) -> str:
        """Series code."""
        ...

    @property
    def label(self) -> Any:
        """Title of the series: text, or texts by language."""
        ...

    @property
    def statistic(self) -> str:
        """proportion, total, count, rate or population_size."""
        ...

    @property
    def unit(self) -> str:
        """SDG unit code."""
        ...


class EstimatesLike(Protocol):
    """What is read of a result of estimation; optional columns are looked up by name."""

    @property
    def estimate(self) -> Any:
        """Shape (k,), stored unit."""
        ...

    @property
    def ci_low(self) -> Any:
        """Lower limits, shape (k,)."""
        ...

    @property
    def ci_high(self) -> Any:
        """Upper limits, shape (k,)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceParts:
    """The parts of the way back that all figures of one estimation share.

    Attributes
    ----------
    design : TraceStep or None
        Sentence about the sample design, or for multiple systems the lists and their merges.
    steps : tuple of TraceStep
        Variables, rule with its criteria, definition, indicator, source: in this order.
    files : tuple of FileRecord
        Files read.
    software, seed, notes
        As in :class:`Trace`.
    """

    design: TraceStep | None = None
    steps: tuple[TraceStep, ...] = ()
    files: tuple[FileRecord, ...] = ()
    software: str = ""
    seed: int | None = None
    notes: tuple[str, ...] = field(default=())


def figures_from_estimates(
    indicator: str,
    series: SeriesLike,
    estimates: EstimatesLike,
    *,
    country: str,
    period: str,
    definition: str,
    version: str,
    dimensions: Sequence[str] | None = None,
    labels: Mapping[str, Mapping[str, str]] | None = None,
    first_series: bool = True,
    universe: str = "",
    trace: TraceParts | None = None,
    truth: Mapping[tuple[str, ...], float] | None = None,
) -> Figures:
    """Turn an ``Estimates`` into figures, one a domain.

    Parameters
    ----------
    indicator : str
        Indicator id, e.g. ``"8.7.1"``.
    series : Series
        ``id label statistic unit`` and, where given, ``variable custom sdmx universe`` are read.
    estimates : Estimates
        Columns as in the contract of results; ``domain_names`` and ``domains`` name the cells.
    country, period : str
        ISO 3166 alpha-3 code and reference period.
    definition, version : str
        Definition the variable was classified by.
    dimensions : sequence of str, optional
        All breakdown dimensions of the indicator, in the order of the id; those that this estimation does
        not cross are ``_T``. Default: the domain names.
    labels : mapping, optional
        Dimension to code to label.
    first_series : bool
        False puts the series into the id.
    trace : TraceParts, optional
        The shared part of the way back.
    truth : mapping, optional
        True values by codes in the order of ``dimensions``.

    Returns
    -------
    Figures
        In the order of the domains.

    Raises
    ------
    SurveyToolkitError
        If a domain name is not among the dimensions.
    """
    names = [str(name) for name in getattr(estimates, "domain_names", ())]
    dims = list(dimensions) if dimensions is not None else names
    missing = [name for name in names if name not in dims]
    if missing:
        raise SurveyToolkitError(
            "a domain of the estimates is no breakdown dimension of the indicator",
            found=f"'{missing[0]}'",
            expected=did_you_mean(missing[0], dims),
            code="unknown-dimension",
        )
    parts = trace or TraceParts()
    values = np.atleast_1d(np.asarray(estimates.estimate, dtype=float))
    domains = list(getattr(estimates, "domains", ())) or [()] * len(values)
    columns = Columns(estimates, len(values))
    figures = []
    for row, domain in enumerate(domains):
        codes = dict(zip(names, (code_text(code) for code in domain), strict=True))
        cell = {d: codes.get(d, TOTAL) for d in dims}
        known = {d: (labels or {}).get(d, {}).get(c, c) for d, c in cell.items() if c != TOTAL}
        own = _estimator_step(columns, row)
        figures.append(
            replace(
                _base(indicator, series, country, period, cell, first_series=first_series),
                labels=known,
                universe=universe or _attribute(series, "universe"),
                definition=definition,
                version=version,
                truth=(truth or {}).get(tuple(cell.values())),
                trace=_trace(own, parts),
                **_numbers(columns, row),
            )
        )
    return Figures(figures)


def figures_from_population_size(
    indicator: str,
    series: SeriesLike,
    result: EstimatesLike,
    *,
    country: str,
    period: str,
    definition: str,
    version: str,
    measure: Measure | None = None,
    population: float | None = None,
    first_series: bool = True,
    universe: str = "",
    trace: TraceParts | None = None,
    truth: float | None = None,
) -> Figures:
    """Turn a ``PopulationSize`` into the figure of one series: detected or estimated, number or rate.

    The unit of the series decides: a rate divides by ``population`` and so does its interval. The detected
    number is a count of people on the lists and has no sampling interval.

    Parameters
    ----------
    measure : {"detected", "estimated"}, optional
        Default: ``estimated`` for the statistic ``population_size``, ``detected`` for ``count`` and
        ``rate``.
    population : float, optional
        Resident population; needed for a rate.

    Raises
    ------
    SurveyToolkitError
        If a rate has no population above zero, or the measure cannot be told from the series.
    """
    kind = _measure(series, measure)
    scale = _scale(series, population)
    columns = Columns(result, 1)
    observed = columns.number("n", 0)
    numbers: dict[str, Any]
    if kind == "detected":
        numbers = {"value": observed}
    else:
        numbers = {"value": columns.number("estimate", 0)}
        numbers |= {name: columns.number(name, 0) for name in ("ci_low", "ci_high", "se", "cv", "df")}
    for name in ("value", "ci_low", "ci_high", "se"):
        if numbers.get(name) is not None:
            numbers[name] /= scale
    count = None if observed is None else round(observed)
    parts = trace or TraceParts()
    base = _base(indicator, series, country, period, {}, first_series=first_series)
    figure = replace(
        base,
        **numbers,
        n=count,
        n_positive=count,
        population=population if scale != 1 else None,
        level=_level(columns),
        obs_status="E" if kind == "estimated" else "A",
        estimator="mse" if kind == "estimated" else "admin",
        universe=universe or _attribute(series, "universe"),
        definition=definition,
        version=version,
        truth=None if truth is None else truth / scale,
        trace=_trace(_model_step(columns, kind, population if scale != 1 else None), parts),
    )
    return Figures([figure])


def _attribute(series: SeriesLike, name: str) -> str:
    return english(getattr(series, name, None))


def _base(
    indicator: str,
    series: SeriesLike,
    country: str,
    period: str,
    cell: Mapping[str, str],
    *,
    first_series: bool,
) -> Figure:
    """Figure with everything but its numbers."""
    return Figure(
        id=figure_id(indicator, None if first_series else series.id, country, period, list(cell.values())),
        indicator=indicator,
        series=series.id,
        label=english(series.label),
        variable=_attribute(series, "variable") or series.id,
        country=country,
        period=period,
        breakdown=cell,
        statistic=str(series.statistic),
        unit=str(series.unit),
        value=None,
        custom=bool(getattr(series, "custom", False)),
        sdmx={str(k): str(v) for k, v in (getattr(series, "sdmx", None) or {}).items()},
    )


def _numbers(columns: Columns, row: int) -> dict[str, Any]:
    numbers: dict[str, Any] = {"value": columns.number("estimate", row), "level": _level(columns)}
    for name in ("ci_low", "ci_high", "se", "cv", "deff", "df", "bound_low", "bound_high"):
        numbers[name] = columns.number(name, row)
    for name in ("n", "n_psu", "n_positive", "n_undetermined"):
        numbers[name] = columns.count(name, row)
    return numbers


def _level(columns: Columns) -> float:
    value = columns.number("level", 0)
    return 0.95 if value is None else value


def _trace(own: TraceStep, parts: TraceParts) -> Trace:
    design = (parts.design,) if parts.design else ()
    return Trace(
        steps=(own, *design, *parts.steps),
        files=parts.files,
        software=parts.software,
        seed=parts.seed,
        notes=parts.notes,
    )


def _estimator_step(columns: Columns, row: int) -> TraceStep:
    """What the estimator did in this cell; the counts are the cell's own and go when it is suppressed."""
    told = []
    for name, words in (
        ("n", "{} unweighted cases"),
        ("n_positive", "{} positive"),
        ("n_undetermined", "{} undetermined"),
        ("n_psu", "{} primary sampling units"),
    ):
        count = columns.count(name, row)
        if count is not None:
            told.append(words.format(format_number(count)))
    df = columns.number("df", row)
    if df is not None:
        told.append(f"{df:g} degrees of freedom")
    return TraceStep(
        kind="estimator",
        title=columns.text("method") or columns.text("statistic") or "estimate",
        text=", ".join(told),
        own=True,
    )


def _model_step(columns: Columns, kind: Measure, population: float | None) -> TraceStep:
    observed = columns.count("n", 0)
    told = [f"{format_number(observed)} people on the lists"]
    children = []
    if kind == "estimated":
        model = getattr(columns.result, "model", None)
        verdict = getattr(columns.result, "verdict", None)
        if model is not None and str(model):
            children.append(TraceStep(kind="model", title="model", text=str(model), own=True))
        if verdict is not None and str(verdict):
            children.append(
                TraceStep(
                    kind="model",
                    title="verdict",
                    text=str(verdict).removeprefix(f"Verdict {model}: "),
                    own=True,
                )
            )
    if population is not None:
        told.append(f"divided by a resident population of {format_number(population)}")
    title = "count of distinct people on the lists"
    if kind == "estimated":
        title = columns.text("method") or "multiple systems estimation"
        interval = columns.text("ci_method")
        title += f"; interval: {interval}" if interval else ""
    return TraceStep(kind="estimator", title=title, text=", ".join(told), own=True, children=tuple(children))


def _measure(series: SeriesLike, measure: Measure | None) -> Measure:
    if measure is not None:
        return measure
    known: dict[str, Measure] = {"population_size": "estimated", "count": "detected", "rate": "detected"}
    if series.statistic not in known:
        raise SurveyToolkitError(
            "it is not clear whether the series is the detected or the estimated number",
            where=series.id,
            found=f"statistic '{series.statistic}'",
            hint="say measure='detected' or measure='estimated'",
            code="unclear-measure",
        )
    return known[series.statistic]


def _scale(series: SeriesLike, population: float | None) -> float:
    if not str(series.unit).startswith("PER_"):
        return 1.0
    if population is None or not population > 0:
        raise SurveyToolkitError(
            "a rate needs the resident population",
            where=series.id,
            found="none" if population is None else f"{population:g}",
            expected="a number above 0",
            hint="add the population of the country and period",
            code="no-population",
        )
    return float(population)
