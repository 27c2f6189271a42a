"""Hold the study against the registry before any data is read: which series, under which definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from survey_toolkit._yaml import YamlPath
from survey_toolkit.errors import DefinitionError, StudyError, did_you_mean
from survey_toolkit.indicators import POLICIES
from survey_toolkit.standards import Registry
from survey_toolkit.standards.models import DefinitionVersion, Indicator, Output, Series
from survey_toolkit.study.load import StudyFolder
from survey_toolkit.study.schema import IndicatorSpec, StudySpec

__all__ = ["PlannedSeries", "classified", "plan_series"]

T = TypeVar("T")

#: Statistics that come from a survey; the others come from capture lists.
SURVEY_STATISTICS = ("proportion", "total")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSeries:
    """One series to publish.

    Attributes
    ----------
    spec : IndicatorSpec
        What the study asks.
    indicator, series : Indicator, Series
        Of the registry.
    definition : DefinitionVersion
        Version the figures rest on.
    output : Output or None
        Classified status; None for a series from capture lists.
    first : bool
        Whether it is the main series of the indicator, which needs no name in a figure's id.
    asked : bool
        Whether the study names the series; one it does not name may be left out where data lack.
    key : path
        Place in the study file, for messages.
    """

    spec: IndicatorSpec
    indicator: Indicator
    series: Series
    definition: DefinitionVersion
    output: Output | None
    first: bool
    asked: bool
    key: YamlPath

    @property
    def from_survey(self) -> bool:
        """Whether a survey gives it (else the capture lists do)."""
        return self.series.statistic in SURVEY_STATISTICS


def classified(spec: StudySpec, folder: StudyFolder, registry: Registry) -> tuple[DefinitionVersion, ...]:
    """Definitions the survey is classified under, one version each."""
    found: dict[str, DefinitionVersion] = {}
    for i, item in enumerate(spec.survey.classify if spec.survey else ()):
        key = ("survey", "classify", i)
        definition = _known(folder, key, partial(registry.deciding, item.definition, item.version))
        if definition.id in found:
            raise StudyError(
                f"'{definition.id}' is classified twice",
                where=folder.document.where(key),
                hint="one study rests on one version; write a second study for the other",
            )
        found[definition.id] = definition
    return tuple(found.values())


def plan_series(spec: StudySpec, folder: StudyFolder, registry: Registry) -> tuple[PlannedSeries, ...]:
    """Every series the study can publish.

    Raises
    ------
    StudyError
        An indicator, series, definition or reliability standard is unknown, a series rests on a definition
        that the study does not classify, or nothing is left to publish.
    """
    if spec.quality not in POLICIES:
        raise StudyError(
            "unknown reliability standard",
            where=folder.document.where(("quality",)),
            found=f"'{spec.quality}'",
            expected=did_you_mean(spec.quality, POLICIES),
        )
    definitions = {d.id: d for d in classified(spec, folder, registry)}
    if spec.capture is not None:
        capture = spec.capture
        definition = _known(
            folder,
            ("capture", "definition"),
            partial(registry.deciding, capture.definition, capture.version),
        )
        definitions.setdefault(definition.id, definition)
    planned = [
        series
        for i, item in enumerate(spec.indicators)
        for series in _series_of(spec, item, ("indicators", i), folder, registry, definitions)
    ]
    return tuple(planned)


def _check_series(item: IndicatorSpec, indicator: Indicator, key: YamlPath, folder: StudyFolder) -> None:
    by_id = {s.id: s for s in indicator.series}
    for j, name in enumerate(item.series):
        if name not in by_id:
            raise StudyError(
                f"indicator '{indicator.id}' has no such series",
                where=folder.document.where((*key, "series", j)),
                found=f"'{name}'",
                expected=did_you_mean(name, by_id),
                code="unknown-series",
            )


def _series_of(
    spec: StudySpec,
    item: IndicatorSpec,
    key: YamlPath,
    folder: StudyFolder,
    registry: Registry,
    definitions: dict[str, DefinitionVersion],
) -> Iterator[PlannedSeries]:
    indicator = _known(folder, (*key, "indicator"), partial(registry.indicator, item.indicator))
    _check_series(item, indicator, key, folder)
    count = 0
    for series in indicator.series:
        if item.series and series.id not in item.series:
            continue
        reason = _unavailable(spec, series, definitions)
        if reason and not item.series:
            continue
        if reason:
            raise StudyError(
                f"series '{series.id}' cannot be given by this study",
                where=folder.document.where((*key, "series")),
                found=reason,
                hint="add what is missing, or leave the series out",
            )
        definition = definitions[series.definition]
        count += 1
        yield PlannedSeries(
            spec=item,
            indicator=indicator,
            series=series,
            definition=definition,
            output=definition.output(series.variable) if series.variable else None,
            first=series.id == indicator.series[0].id,
            asked=bool(item.series),
            key=key,
        )
    if count == 0:
        needed = sorted({s.definition for s in indicator.series})
        raise StudyError(
            f"no series of indicator '{indicator.id}' can be given by this study",
            where=folder.document.where((*key, "indicator")),
            found=f"classified: {', '.join(definitions) or 'nothing'}",
            expected=f"definition {' or '.join(needed)}",
            hint="add it under survey.classify, or a capture block",
        )


def _unavailable(spec: StudySpec, series: Series, definitions: dict[str, DefinitionVersion]) -> str | None:
    """Why the study cannot give a series, or None."""
    if series.statistic in SURVEY_STATISTICS:
        if spec.survey is None:
            return "the series needs a survey, and the study has none"
        definition = definitions.get(series.definition)
        if definition is None:
            return f"definition '{series.definition}' is not classified"
        if series.variable is None or definition.output(series.variable) is None:
            return f"'{definition.key}' has no output '{series.variable}'"
        return None
    if spec.capture is None:
        return "the series needs capture lists, and the study has none"
    if series.definition not in definitions:
        return f"the capture lists are of '{spec.capture.definition}', not '{series.definition}'"
    if series.unit.startswith("PER_") and spec.capture.population is None:
        return "a rate needs capture.population"
    return None


def _known(folder: StudyFolder, key: YamlPath, look_up: Callable[[], T]) -> T:
    """Look something up in the registry; an unknown id is told with its line in the study."""
    try:
        return look_up()
    except DefinitionError as exc:
        raise StudyError(
            exc.what,
            where=folder.document.where(key),
            expected=exc.expected,
            hint=exc.hint,
            code=exc.code,
        ) from None
