"""Progress rules: how a reported value becomes a rating, which keeps its rule and the hash of its inputs.

The four rules answer different questions, and none is averaged with another:

``marker``
    Is this year's progress marker reached? Score ``v / m``; where less is better ``m / v``.
``linear_path``
    Is the country where a straight line from baseline to target would be? Score
    ``[(v - b) / (t - b)] / [(y - y0) / (yT - y0)]``.
``annual_change``
    Observed against required yearly change, ``[(v/b)^(1/(y-y0)) - 1] / [(t/b)^(1/(yT-y0)) - 1]``, the
    compound
    rate of the SDG progress method of Statistics Canada and Open SDG. Where a compound rate does not exist
    (a value
    of zero or less) the absolute yearly change is compared, and the rating says so; nothing is set to 0.001.
``ladder``
    For milestones in words: the rank reached against the rank the marker asks for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from survey_toolkit.indicators.frameworks.book import Book
from survey_toolkit.indicators.frameworks.models import Framework, FrameworkIndicator
from survey_toolkit.indicators.frameworks.records import Actual, Baseline, Marker, Rating, RatingClass

__all__ = ["ON_TRACK", "PARTLY", "RULES", "RULE_TEXT", "rate", "ratings"]

#: Scores from which a country is on track, and partly on track; recorded with every rating.
ON_TRACK, PARTLY = 0.95, 0.5

RULE_TEXT = {
    "marker": "value against this year's progress marker",
    "linear_path": "share of the way from baseline to target against the share of time gone",
    "annual_change": "observed against required yearly change",
    "ladder": "milestone reached against milestone due",
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a rule may look at."""

    indicator: FrameworkIndicator
    baseline: Baseline
    actual: Actual
    marker: Marker | None
    target: Marker | None

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        return -1.0 if self.indicator.direction == "down" else 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rating before it is put on record."""

    rating: RatingClass
    score: float | None = None
    basis: str = ""
    reason: str = ""


def _not_rated(reason: str) -> Outcome:
    return Outcome("not_rated", reason=reason)


def _classify(score: float | None, reached: bool, basis: str) -> Outcome:
    if reached:
        return Outcome("achieved", score, basis)
    if score is None:
        return Outcome("off_track", None, basis)
    if score >= ON_TRACK:
        return Outcome("on_track", score, basis)
    return Outcome("partly" if score >= PARTLY else "off_track", score, basis)


def _by_marker(given: Inputs) -> Outcome:
    value, marker = given.actual.value, given.marker
    if marker is None or value is None:
        return _not_rated("no progress marker for this year")
    if marker.low is not None or marker.high is not None:
        return _in_range(value, marker)
    if marker.value is None:
        return _not_rated("the marker is no number")
    if given.sign > 0:
        return _classify(value / marker.value if marker.value > 0 else None, value >= marker.value, "ratio")
    score = marker.value / value if value > 0 else None
    return _classify(score, value <= marker.value, "ratio, less is better")


def _in_range(value: float, marker: Marker) -> Outcome:
    low = -float("inf") if marker.low is None else marker.low
    high = float("inf") if marker.high is None else marker.high
    if low <= value <= high:
        return Outcome("achieved", 1.0, "inside the range")
    near = low if value < low else high
    score = min(value, near) / max(value, near) if min(value, near) > 0 else None
    return _classify(score, False, "nearest limit of the range")


def _path(given: Inputs) -> tuple[float, float, float, int, int] | str:
    """Baseline, target, value, years gone, years in all; or why there is no path."""
    b, v = given.baseline.value, given.actual.value
    if given.target is None or given.target.value is None:
        return "no target after this year"
    if b is None or v is None:
        return "the baseline is no number"
    gone, whole = given.actual.year - given.baseline.year, given.target.year - given.baseline.year
    if gone <= 0 or whole <= 0:
        return "the year is not after the baseline"
    return b, given.target.value, v, gone, whole


def _on_the_way(
    given: Inputs, score: Callable[[float, float, float, int, int], tuple[float, str]]
) -> Outcome:
    """Rate by a score of baseline, target, value, years gone and years in all."""
    path = _path(given)
    if isinstance(path, str):
        return _not_rated(path)
    b, t, v, _, _ = path
    reached = given.sign * (v - t) >= 0
    if b == t:
        # No way to go: the country has to hold what it has.
        return _classify(None, reached, "baseline equals target: hold")
    if given.sign * (t - b) < 0:
        return _not_rated("the target lies on the wrong side of the baseline")
    value, rule = score(*path)
    return _classify(value, reached, rule)


def _share_of_path(b: float, t: float, v: float, gone: int, whole: int) -> tuple[float, str]:
    return (v - b) / (t - b) / (gone / whole), "linear path"


def _share_of_change(b: float, t: float, v: float, gone: int, whole: int) -> tuple[float, str]:
    if min(b, t, v) > 0:
        required = (t / b) ** (1 / whole) - 1
        observed = (v / b) ** (1 / gone) - 1
        return observed / required, "compound yearly change"
    return (v - b) / gone / ((t - b) / whole), "absolute yearly change"


def _by_ladder(given: Inputs) -> Outcome:
    steps = {name: rank for rank, name in enumerate(given.indicator.steps, 1)}
    due = given.marker.text if given.marker is not None else ""
    if due not in steps:
        return _not_rated("no milestone due for this year")
    if given.actual.text not in steps:
        return _not_rated("the report names no milestone of the ladder")
    score = steps[given.actual.text] / steps[due]
    return _classify(score, score >= 1, f"step {steps[given.actual.text]} of {len(steps)}")


#: A rule more: one function, one line here and one in RULE_TEXT.
RULES: dict[str, Callable[[Inputs], Outcome]] = {
    "marker": _by_marker,
    "linear_path": lambda given: _on_the_way(given, _share_of_path),
    "annual_change": lambda given: _on_the_way(given, _share_of_change),
    "ladder": _by_ladder,
}


def rate(
    framework: Framework, book: Book, country: str, indicator: str, year: int, rule: str, *, on: str = ""
) -> Rating:
    """Rate one country on one indicator in one year by one rule.

    Returns
    -------
    Rating
        ``not_selected``, ``no_data`` and ``not_rated`` are classes of their own, with the reason: a
        country that
        reports nothing is not off track.

    Examples
    --------
    >>> from survey_toolkit.indicators.frameworks.load import load_framework
    >>> from survey_toolkit.indicators.frameworks.records import Selection
    >>> plan, key = load_framework("commit-spa4"), {"country": "KHM", "indicator": "SPA4-4.2-a"}
    >>> book = Book.of([Selection(**key, selected=True), Baseline(**key, value=100.0, year=2014),
    ...     Marker(**key, year=2016, value=140.0), Actual(**key, year=2016, value=126.0)])
    >>> done = rate(plan, book, "KHM", "SPA4-4.2-a", 2016, "marker")
    >>> done.rating, done.score
    ('partly', 0.9)
    """
    item = framework.indicator(indicator)
    assert item is not None
    outcome, inputs = _outcome(framework, book, item, country, year, rule)
    text = json.dumps([framework.key, rule, ON_TRACK, PARTLY, *inputs], sort_keys=True, default=str)
    return Rating(
        country=country, indicator=indicator, year=year, rule=rule, rating=outcome.rating,
        score=outcome.score, basis=outcome.basis, reason=outcome.reason, computed_on=on,
        inputs_hash=hashlib.sha256(text.encode()).hexdigest()[:16],
    )  # fmt: skip


def _outcome(
    framework: Framework, book: Book, item: FrameworkIndicator, country: str, year: int, rule: str
) -> tuple[Outcome, list[object]]:
    actual = book.actual(country, item.id, year)
    if not book.selected(country, item.id) and not (actual is not None and actual.extra):
        return Outcome("not_selected"), [country, item.id, year]
    if actual is None or (actual.value is None and not actual.text):
        status = actual.status if actual is not None else ""
        return Outcome("no_data", reason=status.replace("_", " ")), [country, item.id, year, status]
    baseline = book.baseline(country, item.id)
    if baseline is None:
        # A rating without a baseline would rate against nothing.
        return _not_rated("no baseline yet"), [country, item.id, year, actual.value]
    marker = book.marker(country, item.id, year)
    later = [m for m in book.markers(country, item.id) if m.year >= year]
    target = next((m for m in later if m.role == "target"), later[-1] if later else None)
    inputs = Inputs(item, baseline, actual, marker, target)
    seen: list[object] = [baseline.key, baseline.value, baseline.year, actual.key, actual.value, actual.text]
    seen += [(m.key, m.value, m.low, m.high, m.text) for m in (marker, target) if m is not None]
    return RULES[rule](inputs), seen


def ratings(framework: Framework, book: Book, *, on: str = "") -> list[Rating]:
    """Ratings of every country, indicator and year by every rule the indicator names, the main rule first."""
    return [
        rate(framework, book, country, item.id, year, rule, on=on)
        for item in framework.indicators
        for rule in item.rules
        for country in framework.countries
        for year in framework.years
    ]
