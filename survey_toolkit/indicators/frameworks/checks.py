"""What must hold between records: every finding names the record it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from survey_toolkit.indicators.frameworks.book import Book
from survey_toolkit.indicators.frameworks.models import Framework, FrameworkIndicator
from survey_toolkit.indicators.frameworks.records import Actual, Baseline

__all__ = ["Finding", "check_book"]

#: A breakdown may differ from its total by rounding only.
_TOLERANCE = 1e-6
#: A value so many times its neighbour in the year before is a slip of a digit more often than a fact.
_JUMP = 10.0
_JUMP_FROM = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that does not hold; ``holds_back``: the record must not enter before somebody looked at it."""

    code: str
    object: str
    message: str
    holds_back: bool = False


def check_book(framework: Framework, book: Book, country: str) -> list[Finding]:
    """Check the records of one country.

    Examples
    --------
    >>> from survey_toolkit.indicators.frameworks.load import load_framework
    >>> one = Actual(country="KHM", indicator="SPA4-4.2-a", year=2016, value=3.0)
    >>> [f.code for f in check_book(load_framework("commit-spa4"), Book.of([one]), "KHM")]
    ['not_selected_but_reported', 'source_missing']
    """
    found: list[Finding] = []
    for item in framework.indicators:
        selected = book.selected(country, item.id)
        actuals = [a for a in book.of_kind(Actual) if a.country == country and a.indicator == item.id]
        baseline = book.baseline(country, item.id)
        if selected and baseline is None and not item.mirror_only:
            key = f"selection/{country}/{item.id}"
            found.append(Finding(code="baseline_missing", object=key, message=f"{item.id} has no baseline"))
        found += _markers(book, country, item, baseline)
        for actual in actuals:
            found += _actual(framework, book, item, actual, selected)
        found += _sums(framework, book, country, item)
        found += _jumps(book, country, item, framework.years)
    return found


def _markers(
    book: Book, country: str, item: FrameworkIndicator, baseline: Baseline | None
) -> Iterator[Finding]:
    if item.direction not in ("up", "down"):
        return
    sign = 1.0 if item.direction == "up" else -1.0
    last = baseline.value if baseline is not None else None
    for marker in book.markers(country, item.id):
        if marker.value is None:
            continue
        if last is not None and sign * (marker.value - last) < 0 and not marker.rationale:
            text = f"the marker of {marker.year} goes back behind the one before, and no rationale says why"
            yield Finding(code="marker_not_monotone", object=marker.key, message=text)
        last = marker.value


def _actual(
    framework: Framework, book: Book, item: FrameworkIndicator, actual: Actual, selected: bool
) -> Iterator[Finding]:
    if not selected and not actual.extra and not actual.breakdown:
        text = f"{item.id} is reported but not selected"
        yield Finding(code="not_selected_but_reported", object=actual.key, message=text, holds_back=True)
    if actual.year not in framework.years:
        text = f"{actual.year} is outside the plan ({framework.period[0]}-{framework.period[1]})"
        yield Finding(code="year_outside", object=actual.key, message=text, holds_back=True)
    for name, code in actual.breakdown.items():
        dimension = framework.dimension(name)
        if dimension is None or code not in [c.id for c in dimension.codes_for(actual.country)]:
            text = f"'{code}' is no code of '{name}'"
            yield Finding(code="unknown_code", object=actual.key, message=text, holds_back=True)
    if actual.breakdown or actual.status in ("not_available", "not_applicable"):
        return
    if not actual.source_id:
        text = f"{actual.year} has no source"
        yield Finding(code="source_missing", object=actual.key, message=text)
    elif book.source(actual.country, actual.source_id) is None:
        text = f"source {actual.source_id} is not described"
        yield Finding(code="source_unknown", object=actual.key, message=text)


def _sums(framework: Framework, book: Book, country: str, item: FrameworkIndicator) -> Iterator[Finding]:
    if item.type != "count":
        return
    for year in framework.years:
        total = book.actual(country, item.id, year)
        if total is None or total.value is None:
            continue
        for names in item.breakdowns:
            if len(names) != 1:
                continue
            dimension = framework.dimension(names[0])
            assert dimension is not None
            codes = [c.id for c in dimension.codes_for(country)]
            cells = [book.actual(country, item.id, year, {names[0]: code}) for code in codes]
            values = [c.value for c in cells if c is not None and c.value is not None]
            if not values:
                continue
            short = sum(values) < total.value - _TOLERANCE and len(values) == len(codes)
            if short or sum(values) > total.value + _TOLERANCE:
                text = f"{names[0]} adds up to {sum(values):g}, the total of {year} is {total.value:g}"
                yield Finding(code="breakdown_sum", object=total.key, message=text)


def _jumps(book: Book, country: str, item: FrameworkIndicator, years: range) -> Iterator[Finding]:
    if item.type != "count":
        return
    known = [(y, a.value) for y in years if (a := book.actual(country, item.id, y)) and a.value is not None]
    for (_, before), (year, now) in pairwise(known):
        low, high = min(before, now), max(before, now)
        if low >= _JUMP_FROM and high >= _JUMP * low:
            text = f"{now:g} in {year} after {before:g} the year before: a digit too many or too few?"
            yield Finding(code="jump", object=f"actual/{country}/{item.id}/{year}/total", message=text)
