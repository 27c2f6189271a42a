"""The way back of a series: harmonized variables, rule, criteria, definition, indicator, source paragraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from survey_toolkit.indicators import TraceStep, definition_steps
from survey_toolkit.standards import Registry, rule_variables
from survey_toolkit.standards.models import CriterionItem, Output, in_language
from survey_toolkit.standards.rules import rule_criteria

if TYPE_CHECKING:
    from survey_toolkit.microdata import Crosswalk, Microdata
    from survey_toolkit.study.plan import PlannedSeries

__all__ = ["legal_steps", "rule_sentence_of", "series_steps"]


def series_steps(
    series: PlannedSeries, data: Microdata, crosswalk: Crosswalk, registry: Registry
) -> tuple[TraceStep, ...]:
    """Steps of a survey series: its variables as harmonized, then the legal half."""
    output = series.output
    assert output is not None  # plan_series gives an output to every survey series
    rules = registry.criteria_rules(series.definition)
    names = set(rule_variables(output.rule, criteria=rules))
    if output.universe is not None:
        names |= rule_variables(output.universe, criteria=rules)
    return _steps(series, registry, _variables(sorted(names), data, crosswalk, registry))


def legal_steps(series: PlannedSeries, registry: Registry) -> tuple[TraceStep, ...]:
    """Steps of a series from capture lists: what the people on the lists are said to be, and by whom."""
    return _steps(series, registry, ())


def _steps(
    series: PlannedSeries, registry: Registry, variables: tuple[TraceStep, ...]
) -> tuple[TraceStep, ...]:
    definition = series.definition
    output = series.output or definition.outputs[0]
    criteria = _criteria(output, registry)
    indicator = series.indicator
    source = indicator.references[0]
    return definition_steps(
        definition,
        output.id,
        sentence=rule_sentence_of(output, registry),
        criteria={c.id: in_language(c.text) for c in criteria},
        criteria_references={
            c.id: f"{registry.source(c.references[0].source).title}, {c.references[0].locator}"
            for c in criteria
            if c.references
        },
        variables=variables,
        source_titles=lambda id: registry.source(id).title,
        indicator=TraceStep(
            kind="indicator",
            title=f"{indicator.id} · {series.series.id}",
            text=in_language(indicator.title),
            reference=f"{registry.source(source.source).title}, {source.locator}",
        ),
    )


def rule_sentence_of(output: Output, registry: Registry) -> str:
    """The rule of an output in words, with its universe and how it reaches the person."""
    text = registry.sentence(output.rule)
    if output.universe is not None:
        text = f"Among those for whom {registry.sentence(output.universe)}: {text}"
    if output.lift:
        text += f" (within one {output.level}; a person counts if any {output.level} does)"
    return text


def _criteria(output: Output, registry: Registry) -> list[CriterionItem]:
    used = set(rule_criteria(output.rule))
    lists = [registry.criteria(name) for name in output.criteria]
    return [item for found in lists for item in found.criteria if item.id in used]


def _variables(
    names: list[str], data: Microdata, crosswalk: Crosswalk, registry: Registry
) -> tuple[TraceStep, ...]:
    audit = {a.target: a for a in data.audit}
    steps = []
    for name in names:
        label = in_language(registry.variable(name).label) if name in registry.variables else ""
        made = audit.get(name)
        text = (
            label if made is None else f"{label}; from {', '.join(made.sources) or 'no column'}: {made.rule}"
        )
        steps.append(TraceStep(kind="variable", title=name, text=text, reference=f"crosswalk {crosswalk.id}"))
    return tuple(steps)
