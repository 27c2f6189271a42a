"""The capture branch of a study: lists of detected people to a multiple systems estimate, to figures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from survey_toolkit.dissemination import as_sentence
from survey_toolkit.errors import StudyError
from survey_toolkit.indicators import (
    Figures,
    FileRecord,
    TraceParts,
    TraceStep,
    figures_from_population_size,
    format_number,
)
from survey_toolkit.multiple_systems import (
    CaptureHistories,
    Comparison,
    PopulationSize,
    compare,
    loglinear,
    select,
    stepwise,
)
from survey_toolkit.standards import Registry
from survey_toolkit.standards.models import in_language
from survey_toolkit.study.load import StudyFolder
from survey_toolkit.study.plan import PlannedSeries
from survey_toolkit.study.schema import CaptureSpec, MethodSpec, StudySpec
from survey_toolkit.study.survey import Progress
from survey_toolkit.study.trace import legal_steps

__all__ = ["CaptureBranch", "capture_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureBranch:
    """Result of the capture branch.

    Attributes
    ----------
    histories : CaptureHistories
        Lists after merging.
    result : PopulationSize
    population : int or None
        Resident population of the rate.
    figures : Figures
    file : FileRecord
    alternatives : tuple of tuples of str
        What other methods say of the same lists: method, estimate, limits, kind of interval, remark.
    warnings : tuple of str
        What a reader of the published estimate must be told first.
    notes : tuple of str
    """

    histories: CaptureHistories
    result: PopulationSize
    population: int | None
    figures: Figures
    file: FileRecord
    alternatives: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def capture_figures(
    spec: StudySpec,
    capture: CaptureSpec,
    folder: StudyFolder,
    registry: Registry,
    planned: Sequence[PlannedSeries],
    *,
    software: str,
    progress: Progress,
) -> CaptureBranch:
    """Run the capture branch.

    Raises
    ------
    StudyError, EstimationError
        A list or population is unknown, or the tables cannot support an estimate.
    """
    progress("reading the lists", 0.1)
    histories, file = _read_lists(capture, folder)
    progress("estimating those on no list", 0.3)
    result = _estimate(histories, capture.method, planned[0].spec.level)
    comparison = compare(histories, level=planned[0].spec.level)
    population, note = _population(capture, folder, registry)
    design = TraceStep(kind="lists", title="lists of detected people", text=_lists_text(capture, histories))
    figures = Figures()
    for series in planned:
        steps = legal_steps(series, registry)
        parts = TraceParts(design=design, steps=steps, files=(file,), software=software)
        figures += figures_from_population_size(
            series.indicator.id,
            series.series,
            result,
            country=spec.country.code,
            period=spec.period,
            definition=series.definition.id,
            version=series.definition.version,
            measure="estimated" if series.series.statistic == "population_size" else "detected",
            population=population,
            first_series=series.first,
            universe=in_language(series.series.universe),
            trace=parts,
        )
    return CaptureBranch(
        histories=histories,
        result=result,
        population=population,
        figures=figures,
        file=file,
        alternatives=_alternatives(comparison),
        warnings=_warnings(result, comparison),
        notes=(*result.notes, *([note] if note else [])),
    )


def _read_lists(capture: CaptureSpec, folder: StudyFolder) -> tuple[CaptureHistories, FileRecord]:
    """The lists, merged as asked, and the record of their file as it came."""
    path = folder.find(capture.path, ("capture", "path"))
    histories = CaptureHistories.from_counts(path, lists=list(capture.lists), count=capture.count)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    file = FileRecord(name=path.name, sha256=digest, rows=len(histories.counts))
    if capture.merge:
        histories = histories.merge({name: list(parts) for name, parts in capture.merge.items()})
    return histories, file


def _estimate(histories: CaptureHistories, method: MethodSpec, level: float) -> PopulationSize:
    if method.name == "loglinear":
        return loglinear(histories, interactions=list(method.interactions), ci=method.interval, level=level)
    if method.name == "select":
        return select(
            histories, family=method.family, criterion=method.criterion, ci=method.interval, level=level
        )
    return stepwise(histories, p_enter=method.p_enter, ci=method.interval, level=level)


def _warnings(result: PopulationSize, table: Comparison) -> tuple[str, ...]:
    """Visible signs that the published model may be wrong."""
    told = []
    if table.lower_bound is not None and result.estimate < table.lower_bound:
        told.append(
            f"The estimate lies below Chao's lower bound of {table.lower_bound:,.0f}, which holds when "
            "people differ in how easily they are seen: it may well be too low."
        )
    estimates = [r.estimate for r in table.results.values()]
    if estimates and max(estimates) > 1.5 * min(estimates):
        told.append(
            f"Other methods on the same lists give from {min(estimates):,.0f} to {max(estimates):,.0f}."
        )
    return tuple(told)


def _alternatives(table: Comparison) -> tuple[tuple[str, ...], ...]:
    """Every method on the same lists, a row each, the refusals with their reason."""
    told = []
    for name, result in table.results.items():
        high = format_number(result.ci_high) if math.isfinite(result.ci_high) else "no upper limit"
        limits = f"{format_number(result.ci_low)} – {high}"
        cells = (format_number(result.estimate), limits, result.ci_method, table.flag(name))
        told.append((_words(name), *cells))
    told += [(_words(name), "–", "–", "", f"refused: {reason}") for name, reason in table.refused.items()]
    return tuple((*row[:-1], as_sentence(row[-1])) for row in told)


def _words(name: str) -> str:
    """Name of a method in words, its abbreviations in capitals: ``Pairwise BIC``."""
    words = [w.upper() if w in ("aic", "bic") else w for w in name.split("_")]
    return as_sentence(" ".join(words)).rstrip(".")


def _population(
    capture: CaptureSpec, folder: StudyFolder, registry: Registry
) -> tuple[int | None, str | None]:
    if capture.population is None or isinstance(capture.population, int):
        if capture.population is not None and capture.population <= 0:
            raise StudyError(
                "a population is above 0",
                where=folder.document.where(("capture", "population")),
                found=f"{capture.population:,}",
                hint="give the resident population in persons",
                code="bad-population",
            )
        return capture.population, None
    item = registry.population(capture.population)
    reference = item.references[0]
    source = registry.source(reference.source)
    rounded = f", rounded to {item.rounded_to:,}" if item.rounded_to > 1 else ""
    checked = reference.verification.replace("_", " ")
    note = (
        f"Resident population {item.value:,} ({item.as_of}{rounded}): {source.title}, "
        f"{reference.locator}; {checked}."
    )
    return item.value, note


def _lists_text(capture: CaptureSpec, histories: CaptureHistories) -> str:
    names = [f"{n} ({capture.list_names[n]})" if n in capture.list_names else n for n in histories.lists]
    text = "lists: " + ", ".join(names)
    for name, parts in capture.merge.items():
        text += f"; {name} joins {' and '.join(parts)}"
    return text
