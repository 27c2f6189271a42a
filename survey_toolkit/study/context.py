"""What the report says beside the figures, written from what was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from survey_toolkit._frames import NOT_APPLICABLE, STATUS_SUFFIX, UNDETERMINED
from survey_toolkit.dissemination import (
    AuditEntry,
    DefinitionEntry,
    DisclosureReport,
    IndicatorEntry,
    Note,
    ReportContext,
    as_sentence,
)
from survey_toolkit.indicators import POLICIES, Figure, FileRecord
from survey_toolkit.microdata import Microdata
from survey_toolkit.standards import Registry, departures
from survey_toolkit.standards.models import DefinitionVersion, Indicator, in_language
from survey_toolkit.study.capture import CaptureBranch
from survey_toolkit.study.plan import PlannedSeries
from survey_toolkit.study.schema import DesignSpec, StudySpec
from survey_toolkit.study.survey import SurveyBranch
from survey_toolkit.study.trace import rule_sentence_of

__all__ = ["figures_context", "report_context"]

_POLICY_WORDS = {
    "exclude": "left out of numerator and denominator",
    "not_met": "counted as not meeting the definition",
    "met": "counted as meeting the definition",
}


def report_context(
    spec: StudySpec,
    registry: Registry,
    planned: Sequence[PlannedSeries],
    protection: DisclosureReport,
    survey: SurveyBranch | None,
    capture: CaptureBranch | None,
    software: str,
) -> ReportContext:
    """Collect the texts of the annexes.

    Parameters
    ----------
    spec, registry, planned
        The study and what it publishes.
    protection : DisclosureReport
        What was suppressed.
    survey, capture
        Results of the two branches.
    software : str
        Name and version.
    """
    definitions = {p.definition.key: p.definition for p in planned}
    indicators = {p.indicator.id: p.indicator for p in planned}
    return ReportContext(
        title=spec.title,
        subtitle=spec.description or "",
        country=spec.country.name,
        period=spec.period,
        source=spec.source or "",
        software=software,
        design=_design(spec, survey, capture),
        methods=tuple(_methods(spec, planned, survey, capture)),
        caveats=(*_departures(planned, registry), *_caveats(planned, survey, capture)),
        indicators=tuple(_indicator(i, registry) for i in indicators.values()),
        definitions=tuple(_definition(d, registry) for d in definitions.values()),
        audits=tuple(_audits(planned, survey)),
        files=_files(survey, capture),
        quality_policy=POLICIES[spec.quality].text,
        disclosure_policy=protection.policy.text,
        simulated=spec.truth is not None,
        seed=spec.seed,
    )


def figures_context(
    figures: Sequence[Figure], registry: Registry, *, title: str | None, software: str
) -> ReportContext:
    """What can be said beside figures that were read back: the study that made them says more.

    Parameters
    ----------
    figures : sequence of Figure
    registry : Registry
        Titles, caveats and definitions are taken from it where it knows the ids.
    title : str or None
        None makes one from indicators, country and period.
    software : str
        Name and version.
    """
    ids = dict.fromkeys(f.indicator for f in figures)
    countries, periods = ({getattr(f, name) for f in figures} for name in ("country", "period"))
    # A table names the place and the year of the report: with several, none is right for all.
    country = countries.pop() if len(countries) == 1 else ""
    period = periods.pop() if len(periods) == 1 else ""
    keys = dict.fromkeys((f.definition, f.version) for f in figures)
    known = [
        version
        for id, wanted in keys
        if id in registry.definitions
        for version in registry.definitions[id].versions
        if version.version == wanted
    ]
    names = ", ".join(ids).replace("_", " ")
    known_truth = {f.country for f in figures if f.truth is not None}
    telling = Note(
        title="Methods",
        paragraphs=(
            "These figures were read from a file. Design, methods and data quality stand in the report of "
            "the study that made them; how each figure was made stands in Annex D.",
        ),
    )
    return ReportContext(
        title=title
        or ": ".join(
            filter(None, (f"Figures on {names}" if names else "Figures", f"{country} {period}".strip()))
        ),
        country=country,
        period=period,
        software=software,
        methods=(telling,),
        indicators=tuple(
            _indicator(registry.indicators[id], registry) for id in ids if id in registry.indicators
        ),
        definitions=tuple(_definition(item, registry) for item in known),
        simulated=bool(known_truth) and known_truth == {f.country for f in figures},
    )


def _design(spec: StudySpec, survey: SurveyBranch | None, capture: CaptureBranch | None) -> str:
    parts = []
    if survey is not None and spec.survey is not None:
        parts += [_sample_size(survey, spec.survey.design), as_sentence(survey.design.sentence())]
    if capture is not None:
        histories = capture.histories
        parts.append(f"{histories.n_observed:,} people on {len(histories.lists)} lists.")
    return " ".join(parts)


def _sample_size(survey: SurveyBranch, design: DesignSpec) -> str:
    """Records, units and strata of the whole sample, and the degrees of freedom they leave."""
    frame, size = survey.microdata.frame, f"{survey.microdata.n_rows:,} records"
    strata = [design.strata] if design.strata else []
    if design.psu:
        # Codes of units may begin anew in each stratum.
        size += f" in {len(frame[[*strata, design.psu]].drop_duplicates()):,} primary sampling units"
    else:
        size += ", sampled directly"
    if strata:
        number = frame[strata[0]].nunique()
        size += f"{' of' if design.psu else ', in'} {number:,} {'stratum' if number == 1 else 'strata'}"
    df = survey.estimates[0][1].df_design
    return (
        f"{size}; {df:,} degrees of freedom in the whole sample. A figure on part of the sample has fewer: "
        "its own units and degrees of freedom stand with it in Annex D."
    )


def _methods(
    spec: StudySpec,
    planned: Sequence[PlannedSeries],
    survey: SurveyBranch | None,
    capture: CaptureBranch | None,
) -> Iterable[Note]:
    if survey is not None:
        policies = sorted({p.spec.undetermined for p in planned if p.from_survey})
        words = " or ".join(_POLICY_WORDS[p] for p in policies)
        bounds = any(p.spec.bounds for p in planned if p.from_survey)
        methods = dict.fromkeys(e.method for _, e in survey.estimates)
        yield Note(title="Estimation", paragraphs=tuple(map(as_sentence, methods)))
        yield Note(
            title="Cases that cannot be decided",
            paragraphs=(
                "A status is met, not met or undetermined. Undetermined cases are counted in the data "
                "quality annex "
                f"and are {words} in the point estimates."
                + (
                    " The bounds show the estimate if none of them met the definition, and if all did."
                    if bounds
                    else ""
                ),
            ),
        )
        notes = dict.fromkeys(n for _, e in survey.estimates for n in e.notes)
        if notes:
            yield Note(title="Notes of the estimation", paragraphs=tuple(map(as_sentence, notes)))
        yield Note(title="Notes on the data", paragraphs=tuple(map(as_sentence, survey.notes)) or ("None.",))
    if capture is not None:
        yield from _capture_methods(capture)


def _capture_methods(capture: CaptureBranch) -> Iterable[Note]:
    result = capture.result
    told = [as_sentence(f"{result.method}; interval: {result.ci_method}"), f"Model: {result.model}."]
    if result.path:
        told.append(
            "Terms entered, in order: " + ", ".join(":".join(step.added) for step in result.path) + "."
        )
    if result.boundary_terms:
        told.append(
            "Terms at minus infinity (no person on both lists): " + ", ".join(result.boundary_terms) + "."
        )
    told.append(
        f"{100 * result.share_extrapolated:.0f} % of the estimate is people nobody has seen; "
        "that part rests on the model alone."
    )
    yield Note(title="Multiple systems estimation", paragraphs=tuple(told))
    if capture.alternatives:
        yield Note(
            title="The same lists by other methods",
            paragraphs=("Reasonable models disagree; the spread is part of the answer.",),
            head=("Method", "Estimate", f"{result.level * 100:g}\u00a0% interval", "Interval by", "Remark"),
            rows=capture.alternatives,
        )
    if result.assumptions:
        yield Note(title="Assumptions", paragraphs=(result.assumptions,))
    if capture.notes:
        yield Note(title="Notes on the lists", paragraphs=tuple(map(as_sentence, capture.notes)))


def _departures(planned: Sequence[PlannedSeries], registry: Registry) -> Iterable[Note]:
    """Each place where a national definition departs from the international standard."""
    for key in dict.fromkeys(p.definition.key for p in planned):
        for departure in departures(registry, key):
            base = departure.base or "no international standard"
            yield Note(title=f"{key} departs from {base}", paragraphs=departure.lines())


def _caveats(
    planned: Sequence[PlannedSeries], survey: SurveyBranch | None, capture: CaptureBranch | None
) -> Iterable[Note]:
    """What stands on the front of the report."""
    for p in planned:
        if p.definition.version != p.series.version:
            yield Note(
                title=f"{p.series.id}: the definition differs",
                paragraphs=(
                    f"The series is defined under {p.series.definition}@{p.series.version}; these figures "
                    f"rest on {p.definition.key} and are marked D.",
                ),
            )
    if capture is not None:
        yield Note(
            title="An estimate of people nobody has seen",
            paragraphs=(
                "The interval holds only if the model is right; it does not show how much the choice of the "
                "model moves the estimate. The methods annex sets the other models beside it.",
                *capture.warnings,
            ),
        )


def _indicator(indicator: Indicator, registry: Registry) -> IndicatorEntry:
    reference = indicator.references[0]
    return IndicatorEntry(
        id=indicator.id,
        title=in_language(indicator.title),
        caveats=tuple(in_language(c.text) for c in indicator.caveats),
        reference=f"{registry.source(reference.source).title}, {reference.locator}",
    )


def _definition(definition: DefinitionVersion, registry: Registry) -> DefinitionEntry:
    criteria = dict.fromkeys(name for output in definition.outputs for name in output.criteria)
    period = definition.in_force
    return DefinitionEntry(
        id=definition.id,
        version=definition.version,
        title=in_language(definition.title),
        text=in_language(definition.text),
        status=definition.status,
        in_force=f"from {period.start or 'unknown'}" + (f" to {period.end}" if period.end else ""),
        rules=tuple((in_language(o.label), rule_sentence_of(o, registry)) for o in definition.outputs),
        criteria=tuple(
            (item.id, in_language(item.label))
            for name in criteria
            for item in registry.criteria(name).criteria
        ),
        references=tuple(
            (registry.source(r.source).title, r.locator, r.verification.replace("_", " "))
            for r in definition.references
        ),
    )


def _audits(planned: Sequence[PlannedSeries], survey: SurveyBranch | None) -> Iterable[AuditEntry]:
    if survey is None:
        return
    for data in survey.harmonized.values():
        for entry in data.audit:
            yield AuditEntry(
                target=entry.target,
                level=entry.level,
                sources=entry.sources,
                rule=entry.rule,
                n_in=entry.n_in,
                n_valid=entry.n_valid,
                n_outside=entry.n_outside,
                missing=entry.missing,
                unmapped=entry.unmapped,
                status=entry.status,
                note=entry.note,
            )
    for name in dict.fromkeys(p.series.variable for p in planned if p.from_survey):
        if name and name + STATUS_SUFFIX in survey.microdata.frame.columns:
            yield _status_audit(name, survey.microdata)


def _status_audit(name: str, data: Microdata) -> AuditEntry:
    counts = data.frame[name + STATUS_SUFFIX].value_counts()
    outside, open_cases = int(counts.get(NOT_APPLICABLE, 0)), int(counts.get(UNDETERMINED, 0))
    provenance = data.variables[name].provenance if name in data.variables else {}
    return AuditEntry(
        target=name,
        level="person",
        sources=tuple(provenance.get("reads", ())),
        rule=str(provenance.get("sentence", "")),
        n_in=data.n_rows,
        n_valid=data.n_rows - outside - open_cases,
        n_undetermined=open_cases,
        n_outside=outside,
    )


def _files(survey: SurveyBranch | None, capture: CaptureBranch | None) -> tuple[FileRecord, ...]:
    found = []
    if survey is not None:
        found += [
            FileRecord(name=m.source.name, sha256=m.source.sha256, rows=m.source.n_rows)
            for m in survey.harmonized.values()
        ]
    if capture is not None:
        found.append(capture.file)
    return tuple(found)
