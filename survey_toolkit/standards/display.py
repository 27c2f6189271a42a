"""A standard as text: a definition as a lawyer reads it, a list, an indicator, a variable, a source."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from survey_toolkit.errors import DefinitionError, did_you_mean
from survey_toolkit.standards.departures import departures
from survey_toolkit.standards.models import (
    Codelist,
    Column,
    Correspondence,
    CriteriaList,
    CriterionItem,
    DefinitionVersion,
    Indicator,
    Output,
    Population,
    Reference,
    Series,
    Source,
    StandardVariable,
    in_language,
)
from survey_toolkit.standards.questions import questions, questions_for
from survey_toolkit.standards.registry import Registry
from survey_toolkit.standards.rules import Criterion, Rule, rule_criteria

__all__ = ["show"]

_WIDTH = 100
_VERIFIED = {
    "verified": "",
    "from_memory": " [from memory, not re-read]",
    "unverified": " [not verified]",
    "proposed": " [proposed by this project]",
}


def show(registry: Registry, item: str, *, language: str = "en") -> str:
    """Return a standard as readable text.

    Parameters
    ----------
    registry : Registry
    item : str
        Id of a definition (``id`` or ``id@version``), criteria list, criterion, indicator, series,
        correspondence, variable, code list, source or population.
    language : str
        Texts not yet in this language appear in English.

    Raises
    ------
    DefinitionError
        If no standard has this id; names the nearest ones.

    Examples
    --------
    >>> from survey_toolkit.standards import load
    >>> print(show(load(), "age_band").splitlines()[0])
    age_band: Age band of children
    """
    if item.partition("@")[0] in registry.definitions:
        return "\n".join(_definition(registry, registry.definition(item), language))
    # A variable and its code list may share an id; the code list says more, and names the variable.
    kinds: tuple[tuple[Mapping[str, Any], Callable[..., Iterator[str]]], ...] = (
        (registry.criteria_lists, _criteria),
        (registry.criterion_items, _criterion),
        (registry.correspondences, _correspondence),
        (registry.indicators, _indicator),
        ({s.id: s for i in registry.indicators.values() for s in i.series}, _series),
        (registry.codelists, _codelist),
        (registry.variables, _variable),
        (registry.sources, _source),
        (registry.populations, _population),
    )
    for known, write in kinds:
        if item in known:
            return "\n".join(write(registry, known[item], language))
    every = [*registry.definitions, *(name for known, _ in kinds for name in known)]
    raise DefinitionError(
        f"no standard has the id '{item}'",
        expected=did_you_mean(item, every),
        hint="survey-toolkit standards list shows every id",
        code="unknown-id",
    )


def _definition(registry: Registry, version: DefinitionVersion, language: str) -> Iterator[str]:
    yield f"{version.key}: {in_language(version.title, language)}"
    yield f"  {_standing(version)}"
    if version.use == "screening":
        yield "  for screening only: it decides no status, and its figures are no prevalence"
    if version.based_on:
        yield f"  based on {version.id}@{version.based_on}"
    yield ""
    yield from _wrap(in_language(version.text, language), 2)
    if version.reference_period:
        yield from _wrap("Reference period: " + in_language(version.reference_period, language), 2)
    for note in version.notes:
        yield from _bullet(in_language(note, language))
    for output in version.outputs:
        yield ""
        yield from _output(registry, output, language, "Sign" if version.use == "screening" else "Status")
    for name in _lists(registry, version):
        yield ""
        listed = registry.criteria(name)
        composite = any(rule_criteria(item.rule) for item in listed.criteria)
        yield from _criteria(registry, listed, language, rules=composite)
    yield ""
    yield from _sources(registry, version.references, head="Sources of the definition", indent=0)
    yield from _relations(registry, version, language)
    yield from _measured(registry, version, language)


def _lists(registry: Registry, version: DefinitionVersion) -> tuple[str, ...]:
    """Criteria lists a version draws on: those it names, then those that their criteria name in turn."""
    named = dict.fromkeys(n for output in version.outputs for n in output.criteria)
    through = set(registry.criteria_rules(version))
    others = (n for n, listed in registry.criteria_lists.items() if {c.id for c in listed.criteria} & through)
    return tuple(dict.fromkeys((*named, *others)))


def _standing(version: DefinitionVersion) -> str:
    """Status and dates; what it takes the place of."""
    begins = version.in_force.start or "date not recorded"
    text = f"{version.status}; in force from {begins}"
    text += f" to {version.in_force.end}" if version.in_force.end else ""
    return text + (f"; supersedes {', '.join(version.supersedes)}" if version.supersedes else "")


def _relations(registry: Registry, version: DefinitionVersion, language: str) -> Iterator[str]:
    """Departures, other versions, concepts not to be added, indicators."""
    definition = registry.definitions[version.id]
    for departure in departures(registry, version.key):
        yield ""
        yield f"Departs from the international standard ({departure.base or 'none of this kind'})"
        for line in departure.lines():
            yield from _bullet(line)
    yield ""
    yield "Versions"
    for other in definition.versions:
        mark = " (shown)" if other.version == version.version else ""
        mark += " (used when none is named)" if other.version == definition.default else ""
        yield from _bullet(f"{other.version}: {in_language(other.title, language)}; {_standing(other)}{mark}")
    if definition.never_added_to:
        yield ""
        yield "Figures are never added to those of"
        for name, why in definition.never_added_to.items():
            yield from _bullet(f"{name}: {in_language(why, language)}")
    yield ""
    yield "Used by"
    used = registry.indicators_using(version.id, version.version)
    for series in used:
        home = registry.series_home(series.id)[0]
        yield from _bullet(f"{home.id} {series.id}: {in_language(series.label, language)}")
    if not used:
        yield from _bullet("no indicator by default")


def _measured(registry: Registry, version: DefinitionVersion, language: str) -> Iterator[str]:
    """Criteria that decide the statuses, and the questions that measure each."""
    asked = questions(language=language)
    lists = _lists(registry, version)
    own = [item.id for name in lists for item in registry.criteria(name).criteria]
    named = set(registry.criteria_rules(version))
    if not asked or not named:
        return
    yield ""
    yield "Measured by"
    for name in (c for c in own if c in named and not rule_criteria(registry.criterion(c).rule)):
        found = questions_for(registry, name, asked)
        label = in_language(registry.criterion(name).label, language)
        yield from _bullet(f"{label} ({name})")
        for question in found:
            yield from _wrap(f"{question.module} {question.id}: {question.text or '(calculated)'}", 6)
        if not found:
            yield from _wrap("no question of the shipped questionnaires", 6)


def _output(registry: Registry, output: Output, language: str, head: str) -> Iterator[str]:
    yield f"{head} {output.id}: {in_language(output.label, language)}"
    if output.optional:
        yield "  Given where the data hold what it reads."
    if output.universe is not None:
        label = in_language(output.universe_label, language) + ": " if output.universe_label else ""
        yield from _wrap(f"Universe: {label}{registry.sentence(output.universe, language)}", 2)
    level = f"Decided for each {output.level}"
    if output.lift:
        level += f"; a person has the status if any {output.level} has it"
    yield from _wrap(level + ".", 2)
    yield from _wrap(f"Met when {registry.sentence(output.rule, language)}.", 2)
    yield from _wrap("Undetermined when the answers given do not decide; not met otherwise.", 2)
    if output.note:
        yield from _wrap(f"Note: {output.note}.", 2)
    yield from _sources(registry, output.references)


def _criteria(
    registry: Registry, listed: CriteriaList, language: str, *, rules: bool = True
) -> Iterator[str]:
    kind = "an open list" if listed.open_list else "a closed list"
    yield f"{listed.id}: {in_language(listed.title, language)} ({kind}, for each {listed.level})"
    yield from _wrap(in_language(listed.text, language), 2)
    for item in listed.criteria:
        yield from _bullet(f"{item.id}: {in_language(item.text, language)}")
        if rules:
            yield from _wrap(f"rule: {registry.sentence(item.rule, language)}", 6)
        if item.references != listed.references:
            yield from _wrap("source: " + "; ".join(_cite(registry, r) for r in item.references), 6)
    yield from _sources(registry, listed.references)


def _criterion(registry: Registry, item: CriterionItem, language: str) -> Iterator[str]:
    yield f"{item.id}: {in_language(item.label, language)}"
    yield from _wrap(in_language(item.text, language), 2)
    yield from _wrap(f"Rule: {registry.sentence(item.rule, language)}", 2)
    homes = [n for n, listed in registry.criteria_lists.items() if item in listed.criteria]
    yield from _wrap("In list: " + ", ".join(homes), 2)
    if item.broader:
        yield from _wrap(f"A form of: {item.broader}", 2)
    forms = [name for name, other in registry.criterion_items.items() if other.broader == item.id]
    if forms:
        yield from _wrap("Forms of it: " + ", ".join(forms), 2)
    if item.note:
        yield from _wrap(f"Note: {item.note}.", 2)
    users = [
        version.key
        for definition in registry.definitions.values()
        for version in definition.versions
        if item.id in registry.criteria_rules(version)
    ]
    yield from _wrap("Decides: " + (", ".join(users) or "no status; it describes"), 2)
    yield from _corresponding(registry, item, language)
    yield from _sources(registry, item.references)
    asked = questions_for(registry, item.id, questions(language=language))
    if asked:
        yield "  Measured by"
    for question in asked:
        yield from _bullet(f"{question.module} {question.id}: {question.text or '(calculated)'}", 4)


def _corresponding(registry: Registry, item: CriterionItem, language: str) -> Iterator[str]:
    """What other lists call this, by the correspondence tables."""
    for table in registry.correspondences.values():
        for row in table.rows:
            homes = [c.id for c in table.columns if item.id in row.items.get(c.id, ())]
            for column in table.columns:
                others = row.items.get(column.id, ())
                if homes and column.id not in homes and others:
                    names = "; ".join(_item_label(registry, column, other, language) for other in others)
                    yield from _wrap(f"{in_language(column.label, language)}: {names}", 2)


def _item_label(registry: Registry, column: Column, item: str, language: str) -> str:
    if column.codelist is not None:
        return f"{registry.codelist(column.codelist).labels(language).get(item, item)} ({item})"
    return f"{in_language(registry.criterion(item).label, language)} ({item})"


def _correspondence(registry: Registry, table: Correspondence, language: str) -> Iterator[str]:
    yield f"{table.id}: {in_language(table.title, language)}"
    yield from _wrap(in_language(table.text, language), 2)
    for row in table.rows:
        yield ""
        for column in table.columns:
            items = row.items.get(column.id, ())
            names = "; ".join(_item_label(registry, column, item, language) for item in items) or "-"
            yield from _hang(f"{in_language(column.label, language)}:", names)
        if row.note:
            yield from _hang("Note:", in_language(row.note, language))
        if row.references != table.references:
            yield from _hang("Source:", "; ".join(_cite(registry, r) for r in row.references))
    yield ""
    yield from _sources(registry, table.references, indent=0)


def _hang(head: str, text: str) -> Iterable[str]:
    """A head of fixed width, and a text that stays to the right of it."""
    return textwrap.wrap(text, _WIDTH, initial_indent=f"  {head:<28} ", subsequent_indent=" " * 31)


def _indicator(registry: Registry, indicator: Indicator, language: str) -> Iterator[str]:
    yield f"{indicator.id}: {in_language(indicator.title, language)}"
    if indicator.custodians:
        yield f"  custodians: {', '.join(indicator.custodians)}"
    for caveat in indicator.caveats:
        yield from _bullet(in_language(caveat.text, language))
    for series in indicator.series:
        yield ""
        yield from _series(registry, series, language, sources=False)
    yield from _sources(registry, indicator.references)


def _series(registry: Registry, series: Series, language: str, *, sources: bool = True) -> Iterator[str]:
    own = " (own series, no global SDG code)" if series.custom else ""
    yield from _wrap(f"Series {series.id}: {in_language(series.label, language)}{own}", 0)
    of = f" of {series.variable}" if series.variable else ""
    yield from _wrap(
        f"{series.statistic}{of}, {series.definition}@{series.version}, in {series.unit}; universe: "
        f"{in_language(series.universe, language)}",
        2,
    )
    if series.sdmx:
        yield "  SDMX: " + ", ".join(f"{k}={v}" for k, v in series.sdmx.items())
    if series.note:
        yield from _wrap(f"Note: {in_language(series.note, language)}", 2)
    if sources:
        yield from _sources(registry, series.references)


def _codelist(registry: Registry, codelist: Codelist, language: str) -> Iterator[str]:
    yield f"{codelist.id}: {in_language(codelist.title, language)}"
    if codelist.sdmx_codelist:
        yield f"  SDMX: {codelist.sdmx_codelist}"
    if codelist.note:
        yield from _wrap(codelist.note, 2)
    for code in codelist.codes:
        sdmx = f" [SDMX {code.sdmx}]" if code.sdmx else ""
        note = f" - {code.note}" if code.note else ""
        cited = "; ".join(_cite(registry, r) for r in code.references)
        yield from _bullet(f"{code.id}: {in_language(code.label, language)}{sdmx}{note}")
        yield from _wrap(f"source: {cited}" if cited else "", 6)
    users = [v for v in registry.variables.values() if v.codelist == codelist.id]
    if users:
        yield from _wrap("Codes of: " + ", ".join(v.id for v in users), 2)
    for variable in users:
        yield from _derivation(registry, variable, language)
    yield from _sources(registry, codelist.references)


def _variable(registry: Registry, variable: StandardVariable, language: str) -> Iterator[str]:
    yield f"{variable.id}: {in_language(variable.label, language)}"
    yield from _wrap(in_language(variable.description, language), 2)
    facts = [f"{variable.type} of each {variable.level}"]
    facts += [f"unit {variable.unit}"] if variable.unit else []
    facts += [f"codes {variable.codelist}"] if variable.codelist else []
    facts += [f"from {variable.range[0]:g} to {variable.range[1]:g}"] if variable.range else []
    yield from _wrap("; ".join(facts), 2)
    yield from _derivation(registry, variable, language)
    yield from _sources(registry, variable.references)


def _derivation(registry: Registry, variable: StandardVariable, language: str) -> Iterator[str]:
    labels = registry.code_labels(variable.id, language)
    if variable.derive:
        yield f"  Where the data lack {variable.id}, it is, in this order"
    for step in variable.derive:
        value = labels.get(str(step.value), step.value)
        yield from _bullet(f"{value}: {_condition(registry, step.when, language)}", 4)


def _condition(registry: Registry, rule: Rule | None, language: str) -> str:
    if isinstance(rule, Criterion):
        return f"{in_language(registry.criterion(rule.id).text, language)} ({rule.id})"
    return "otherwise" if rule is None else f"if {registry.sentence(rule, language)}"


def _source(registry: Registry, source: Source, language: str) -> Iterator[str]:
    yield f"{source.id}: {source.title}"
    year = f", {source.year}" if source.year else ""
    yield from _wrap(f"{source.author}{year}; {source.kind}{_VERIFIED[source.verification]}", 2)
    if source.note:
        yield from _wrap(source.note, 2)


def _population(registry: Registry, population: Population, language: str) -> Iterator[str]:
    yield f"{population.key}: {in_language(population.label, language)}"
    exact = "" if population.rounded_to == 1 else f", rounded to {population.rounded_to:,}"
    yield f"  {population.value:,} on {population.as_of}{exact}"
    yield from _sources(registry, population.references)


def _sources(
    registry: Registry, references: Sequence[Reference], *, head: str = "Sources", indent: int = 2
) -> Iterator[str]:
    if references:
        yield " " * indent + head
    for reference in references:
        yield from _bullet(_cite(registry, reference), indent + 2)


def _cite(registry: Registry, reference: Reference) -> str:
    text = f"{registry.source(reference.source).title}, {reference.locator}"
    if reference.read_in:
        text += f" (as quoted in: {registry.source(reference.read_in).title})"
    text += _VERIFIED[reference.verification]
    return text + (f"; {reference.note}" if reference.note else "")


def _bullet(text: str, indent: int = 2) -> Iterable[str]:
    start = " " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{start}- ", subsequent_indent=f"{start}  ")


def _wrap(text: str, indent: int) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent)
