"""The survey branch of a study: files to harmonized, joined, classified microdata, to figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from survey_toolkit._frames import STATUS_SUFFIX
from survey_toolkit.errors import DesignError, HarmonizationError, StudyError, did_you_mean
from survey_toolkit.estimation import Estimates, Survey, SurveyDesign
from survey_toolkit.indicators import (
    TOTAL,
    Figure,
    Figures,
    FileRecord,
    TraceParts,
    TraceStep,
    figures_from_estimates,
)
from survey_toolkit.microdata import (
    Crosswalk,
    Microdata,
    classify,
    harmonize,
    join,
    load_crosswalk,
    read_microdata,
)
from survey_toolkit.standards import Registry
from survey_toolkit.standards.models import DefinitionVersion, in_language
from survey_toolkit.study.load import StudyFolder
from survey_toolkit.study.plan import PlannedSeries
from survey_toolkit.study.schema import StudySpec, SurveySpec
from survey_toolkit.study.trace import series_steps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SurveyBranch", "survey_figures"]

Progress = Callable[[str, float], None]
Truth = Mapping[tuple[str, str, str], Mapping[tuple[tuple[str, str], ...], float]]

#: Order in which breakdown dimensions stand in a figure's id.
_DIMENSIONS_FIRST = ("sex", "age_band")


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyBranch:
    """Result of the survey branch.

    Attributes
    ----------
    microdata : Microdata
        Analysis file: harmonized, joined, classified.
    harmonized : mapping
        File name in the study to its harmonized microdata.
    figures : Figures
    estimates : tuple of (PlannedSeries, Estimates)
        What the figures came from, in order.
    design : SurveyDesign
    notes : tuple of str
    """

    microdata: Microdata
    harmonized: Mapping[str, Microdata]
    figures: Figures
    estimates: tuple[tuple[PlannedSeries, Estimates], ...]
    design: SurveyDesign
    notes: tuple[str, ...]


def survey_figures(
    spec: StudySpec,
    survey: SurveySpec,
    folder: StudyFolder,
    registry: Registry,
    definitions: Sequence[DefinitionVersion],
    planned: Sequence[PlannedSeries],
    *,
    truth: Truth,
    software: str,
    progress: Progress,
) -> SurveyBranch:
    """Run the survey branch.

    Raises
    ------
    StudyError, DataFileError, HarmonizationError, DesignError
        By whose move is next.
    """
    crosswalk = _crosswalk(survey, folder, registry)
    harmonized = _harmonized(survey, folder, crosswalk, registry, progress)
    analysis = _analysis_file(survey, folder)
    progress("joining and classifying", 0.6)
    data = _classified(survey, analysis, harmonized, definitions, registry)
    design = SurveyDesign(**survey.design.model_dump())
    with _design_place(folder):
        sample = Survey(data, design)
    files = tuple(
        FileRecord(name=m.source.name, sha256=m.source.sha256, rows=m.source.n_rows)
        for m in harmonized.values()
    )
    design_step = TraceStep(kind="design", title=_design_text(survey))
    given, notes = _possible(planned, data)
    figures: Figures = Figures()
    results: list[tuple[PlannedSeries, Estimates]] = []
    for i, series in enumerate(given):
        progress(series.series.id, 0.7 + 0.3 * i / len(given))
        parts = TraceParts(
            design=design_step,
            steps=series_steps(series, data, crosswalk, registry),
            files=files,
            software=software,
            seed=spec.seed,
        )
        dimensions = _dimensions(series, data, folder)
        for by in ((), *series.spec.by):
            with _design_place(folder):
                estimates = _estimate(sample, series, by)
            results.append((series, estimates))
            figures += _figures(spec, series, estimates, dimensions, registry, data, parts, truth)
    return SurveyBranch(
        microdata=data,
        harmonized=harmonized,
        figures=figures,
        estimates=tuple(results),
        design=design,
        notes=tuple(dict.fromkeys((*data.notes, *notes))),
    )


@contextmanager
def _design_place(folder: StudyFolder) -> Iterator[None]:
    """A design that does not fit the data is told with its place in the study file."""
    try:
        yield
    except DesignError as exc:
        raise DesignError(
            f"{exc.where}: {exc.what}" if exc.where else exc.what,
            where=folder.document.where(("survey", "design")),
            found=exc.found,
            expected=exc.expected,
            hint=exc.hint,
            code=exc.code,
            problems=exc.problems,
        ) from None


def _crosswalk(survey: SurveySpec, folder: StudyFolder, registry: Registry) -> Crosswalk:
    """A path below the study's folder, or the id of a shipped crosswalk."""
    if survey.crosswalk.endswith((".yaml", ".yml")):
        return load_crosswalk(folder.find(survey.crosswalk, ("survey", "crosswalk")), registry=registry)
    try:
        return load_crosswalk(survey.crosswalk, registry=registry)
    except HarmonizationError as exc:
        if exc.where is not None:
            raise
        raise HarmonizationError(
            exc.what,
            where=folder.document.where(("survey", "crosswalk")),
            found=exc.found,
            expected=exc.expected,
            hint=exc.hint,
            code=exc.code,
        ) from None


def _harmonized(
    survey: SurveySpec, folder: StudyFolder, crosswalk: Crosswalk, registry: Registry, progress: Progress
) -> dict[str, Microdata]:
    found = {name: folder.find(f.path, ("survey", "files", name, "path")) for name, f in survey.files.items()}
    out = {}
    for i, (name, item) in enumerate(survey.files.items()):
        progress(f"reading {found[name].name}", 0.05 + 0.5 * i / len(found))
        raw = read_microdata(found[name], encoding=item.encoding)
        out[name] = harmonize(raw, crosswalk, level=item.level, registry=registry)
    return out


def _analysis_file(survey: SurveySpec, folder: StudyFolder) -> str:
    if survey.analysis_file is not None:
        return survey.analysis_file
    persons = [name for name, item in survey.files.items() if item.level == "person"]
    if len(persons) != 1:
        raise StudyError(
            "it is not clear which file the figures are estimated from",
            where=folder.document.where(("survey", "files")),
            found=f"{len(persons)} files at person level",
            hint="name it: survey.analysis_file",
        )
    return persons[0]


def _classified(
    survey: SurveySpec,
    analysis: str,
    harmonized: Mapping[str, Microdata],
    definitions: Sequence[DefinitionVersion],
    registry: Registry,
) -> Microdata:
    """Join what stands above the analysis file, lift what stands below it, and classify."""
    data = harmonized[analysis]
    child, parent = survey.files[analysis], survey.files[analysis].parent
    while parent is not None:
        data = join(data, harmonized[parent], on=_shared_key(survey, child.key, parent))
        child, parent = survey.files[parent], survey.files[parent].parent
    episodes = {
        item.level: harmonized[name] for name, item in survey.files.items() if item.parent == analysis
    }
    for definition in definitions:
        data = classify(data, definition.id, definition.version, episodes=episodes, registry=registry)
    return data


def _shared_key(survey: SurveySpec, child_key: Sequence[str], parent: str) -> tuple[str, ...]:
    key = survey.files[parent].key
    missing = [name for name in key if name not in child_key]
    if missing:
        raise StudyError(
            f"the key of file '{parent}' is not part of the key of the file below it",
            found=", ".join(child_key),
            expected=", ".join(key),
            hint="a person's key begins with the household's key",
        )
    return tuple(key)


def _possible(planned: Sequence[PlannedSeries], data: Microdata) -> tuple[list[PlannedSeries], list[str]]:
    """Series whose status the data could give; one the study names but cannot have is an error."""
    given, notes = [], []
    for series in planned:
        variable = series.series.variable or ""
        if variable + STATUS_SUFFIX in data.frame.columns:
            given.append(series)
            continue
        why = f"'{variable}' cannot be classified from these data"
        if series.asked:
            raise StudyError(
                f"series '{series.series.id}' cannot be given: {why}",
                hint="leave the series out; the crosswalk says which of its variables were not collected",
            )
        notes.append(f"Series {series.series.id} is not given: {why}.")
    if not given:
        raise StudyError("none of the series asked for can be given from these data", problems=notes)
    return given, notes


def _dimensions(series: PlannedSeries, data: Microdata, folder: StudyFolder) -> tuple[str, ...]:
    """All breakdown variables of the indicator, in the order of the id."""
    named = dict.fromkeys(name for by in series.spec.by for name in by)
    for i, by in enumerate(series.spec.by):
        for j, name in enumerate(by):
            if name not in data.frame.columns:
                raise StudyError(
                    "no such variable to break down by",
                    where=folder.document.where((*series.key, "by", i, j)),
                    found=f"'{name}'",
                    expected=did_you_mean(name, [c for c in data.frame.columns if "__" not in c]),
                    hint="harmonize it, or keep it in the crosswalk",
                )
    first = [name for name in _DIMENSIONS_FIRST if name in named]
    return tuple(first + [name for name in named if name not in first])


def _estimate(sample: Survey, series: PlannedSeries, by: Sequence[str]) -> Estimates:
    spec, variable = series.spec, series.series.variable or ""
    options: dict[str, Any] = {
        "by": list(by) or None,
        "level": spec.level,
        "undetermined": spec.undetermined,
        "bounds": spec.bounds,
    }
    if series.series.statistic == "total":
        return sample.total(variable, **options)
    return sample.proportion(variable, ci=spec.interval, **options)


def _figures(
    spec: StudySpec,
    series: PlannedSeries,
    estimates: Estimates,
    dimensions: Sequence[str],
    registry: Registry,
    data: Microdata,
    parts: TraceParts,
    truth: Truth,
) -> Figures:
    known = truth.get((series.series.variable or "", series.definition.key, series.series.statistic), {})
    figures = figures_from_estimates(
        series.indicator.id,
        series.series,
        estimates,
        country=spec.country.code,
        period=spec.period,
        definition=series.definition.id,
        version=series.definition.version,
        dimensions=dimensions,
        labels={name: _labels(name, registry, data) for name in dimensions},
        first_series=series.first,
        universe=in_language(series.series.universe),
        trace=parts,
    )
    ordered = sorted(figures, key=lambda f: [_rank(d, c, registry) for d, c in f.breakdown.items()])
    differs = series.definition.version != series.series.version
    return Figures(
        replace(
            _honest_at_zero(figure),
            truth=known.get(tuple(sorted((d, c) for d, c in figure.breakdown.items() if c != TOTAL))),
            obs_status="D" if differs else figure.obs_status,
        )
        for figure in ordered
    )


def _honest_at_zero(figure: Figure) -> Figure:
    """No case found is not certainty that there is none: a number without events has no interval.

    The proportion of the same cell has a valid upper limit; a total from zero cases has variance zero.
    """
    if figure.statistic != "total" or figure.n_positive != 0:
        return figure
    return replace(figure, ci_low=None, ci_high=None, se=None)


def _labels(name: str, registry: Registry, data: Microdata) -> dict[str, str]:
    """Labels of a dimension's codes: the registry's, else the file's own."""
    if name in registry.variables and registry.variable(name).codelist:
        return registry.code_labels(name)
    variable = data.variables.get(name)
    labels = {str(k): v.strip() for k, v in variable.value_labels.items()} if variable else {}
    return {k.removesuffix(".0"): v for k, v in labels.items()}


def _rank(dimension: str, code: str, registry: Registry) -> tuple[int, float, str]:
    """Codes in the order of their code list, then by number, then by text."""
    if dimension in registry.variables and (name := registry.variable(dimension).codelist):
        codes = [c.id for c in registry.codelist(name).codes]
        if code in codes:
            return (0, codes.index(code), "")
    try:
        return (1, float(code), "")
    except ValueError:
        return (2, 0.0, code)


def _design_text(survey: SurveySpec) -> str:
    design = survey.design
    parts = [f"weight {design.weight}"]
    parts += [f"strata {design.strata}"] if design.strata else ["no strata"]
    parts += [f"primary sampling units {design.psu}"] if design.psu else ["persons sampled directly"]
    parts += [f"finite population correction {design.fpc}"] if design.fpc else []
    parts += [f"lonely PSU: {design.lonely_psu}"]
    return "; ".join(parts)


def truth_table(frame: pd.DataFrame) -> Truth:
    """Known true values by variable, definition and statistic; the other columns are breakdowns."""
    fixed = ("variable", "definition", "version", "statistic", "value")
    missing = [name for name in fixed if name not in frame.columns]
    if missing:
        raise StudyError(
            "the table of true values lacks a column",
            found=", ".join(frame.columns[:10]),
            expected=", ".join(fixed),
        )
    dimensions = [c for c in frame.columns if c not in fixed]
    out: dict[tuple[str, str, str], dict[tuple[tuple[str, str], ...], float]] = {}
    for row in frame.to_dict("records"):
        key = (row["variable"], f"{row['definition']}@{row['version']}", row["statistic"])
        cell = tuple(sorted((d, str(row[d])) for d in dimensions if str(row[d]) != TOTAL))
        out.setdefault(key, {})[cell] = float(row["value"])
    return out
