"""Progress rules against values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_toolkit.indicators.frameworks import (
    Actual,
    Baseline,
    Book,
    Framework,
    Marker,
    Record,
    Selection,
    load_framework,
    rate,
    ratings,
)
from tests.monitoring.test_registry import BASE

KEY = {"country": "AAA", "indicator": "i"}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Framework]:
    folder = tmp_path_factory.mktemp("plans")
    out = {}
    for name, extra in (
        ("up", "direction: up"),
        ("down", "direction: down"),
        ("range", "direction: range"),
        ("ladder", "type: milestone, ladder: [planned, drafted, adopted, in_force]"),
    ):
        text = BASE.replace("unit: persons", f"unit: persons, {extra}")
        if name == "ladder":
            text = text.replace(", breakdowns: [[sex]]", "")
        file: Path = folder / f"{name}.yaml"
        file.write_text(text, "utf-8")
        out[name] = load_framework(file)
    return out


def _book(*records: Record) -> Book:
    return Book.of([Selection(**KEY, selected=True), *records])


def _numbers(base: float, value: float, marker: float, target: float) -> Book:
    """Baseline 2019, value and marker 2021, target 2022."""
    return _book(
        Baseline(**KEY, value=base, year=2019),
        Marker(**KEY, year=2021, value=marker),
        Marker(**KEY, year=2022, value=target, role="target"),
        Actual(**KEY, year=2021, value=value),
    )


@pytest.mark.parametrize(
    ("plan", "rule", "numbers", "rating", "score"),
    [
        # value / marker
        ("up", "marker", (100, 126, 140, 160), "partly", 0.9),
        ("up", "marker", (100, 140, 140, 160), "achieved", 1.0),
        ("up", "marker", (100, 134, 140, 160), "on_track", 134 / 140),
        ("up", "marker", (100, 60, 140, 160), "off_track", 60 / 140),
        ("up", "marker", (0, 0, 0, 10), "achieved", None),
        # marker / value where less is better; reaching zero is reaching it
        ("down", "marker", (100, 80, 60, 40), "partly", 0.75),
        ("down", "marker", (100, 0, 60, 40), "achieved", None),
        ("down", "marker", (100, 5, 0, 0), "off_track", 0.0),
        # (v-b)/(t-b) over (2 of 3 years)
        ("up", "linear_path", (100, 140, 0, 160), "on_track", (40 / 60) / (2 / 3)),
        ("up", "linear_path", (100, 120, 0, 160), "partly", (20 / 60) / (2 / 3)),
        ("up", "linear_path", (100, 90, 0, 160), "off_track", (-10 / 60) / (2 / 3)),
        ("up", "linear_path", (100, 170, 0, 160), "achieved", (70 / 60) / (2 / 3)),
        ("down", "linear_path", (100, 60, 0, 40), "on_track", 1.0),
        ("up", "linear_path", (100, 100, 0, 100), "achieved", None),
        ("up", "linear_path", (100, 99, 0, 100), "off_track", None),
        ("up", "linear_path", (100, 99, 0, 80), "not_rated", None),
        # [(v/b)^(1/2)-1] / [(t/b)^(1/3)-1]
        ("up", "annual_change", (100, 121, 0, 133.1), "on_track", 1.0),
        ("up", "annual_change", (100, 110.25, 0, 133.1), "partly", 0.5),
        ("down", "annual_change", (100, 81, 0, 72.9), "on_track", 1.0),
        # no compound rate from zero: absolute change a year
        ("up", "annual_change", (0, 6, 0, 20), "off_track", (6 / 2) / (20 / 3)),
        ("up", "annual_change", (0, 10, 0, 20), "partly", (10 / 2) / (20 / 3)),
    ],
)
def test_scores_and_classes(
    plans: dict[str, Framework],
    plan: str,
    rule: str,
    numbers: tuple[float, float, float, float],
    rating: str,
    score: float | None,
) -> None:
    found = rate(plans[plan], _numbers(*numbers), "AAA", "i", 2021, rule)
    assert found.rating == rating
    if score is None:
        assert found.score is None
    else:
        assert found.score == pytest.approx(score, rel=1e-9, abs=1e-12)
    assert len(found.inputs_hash) == 16


def test_a_change_from_zero_says_that_it_is_absolute(plans: dict[str, Framework]) -> None:
    assert rate(plans["up"], _numbers(0, 6, 0, 20), "AAA", "i", 2021, "annual_change").basis == (
        "absolute yearly change"
    )
    assert rate(plans["up"], _numbers(1, 6, 0, 20), "AAA", "i", 2021, "annual_change").basis == (
        "compound yearly change"
    )


@pytest.mark.parametrize(
    ("value", "rating"), [(50, "achieved"), (40, "achieved"), (39, "on_track"), (10, "off_track")]
)
def test_a_range_is_reached_from_inside(plans: dict[str, Framework], value: float, rating: str) -> None:
    book = _book(
        Baseline(**KEY, value=10, year=2019),
        Marker(**KEY, year=2021, low=40, high=60),
        Actual(**KEY, year=2021, value=value),
    )
    assert rate(plans["range"], book, "AAA", "i", 2021, "marker").rating == rating


@pytest.mark.parametrize(
    ("reached", "rating", "score"),
    [
        ("in_force", "achieved", 4 / 3),
        ("adopted", "achieved", 1.0),
        ("drafted", "partly", 2 / 3),
        ("planned", "off_track", 1 / 3),
    ],
)
def test_the_ladder(plans: dict[str, Framework], reached: str, rating: str, score: float) -> None:
    book = _book(
        Baseline(**KEY, text="planned", year=2019),
        Marker(**KEY, year=2021, text="adopted", role="milestone"),
        Actual(**KEY, year=2021, text=reached),
    )
    found = rate(plans["ladder"], book, "AAA", "i", 2021, "ladder")
    assert (found.rating, found.score) == (rating, pytest.approx(score))
    assert plans["ladder"].indicators[0].rules == ("ladder",)


def test_no_rating_without_a_baseline_and_none_for_silence(plans: dict[str, Framework]) -> None:
    plan = plans["up"]
    actual = Actual(**KEY, year=2021, value=5)
    assert rate(plan, _book(actual), "AAA", "i", 2021, "marker").reason == "no baseline yet"
    assert rate(plan, _book(), "AAA", "i", 2021, "marker").rating == "no_data"
    assert rate(plan, Book.of([actual]), "AAA", "i", 2021, "marker").rating == "not_selected"
    silent = Actual(**KEY, year=2021, status="not_available")
    found = rate(plan, _book(silent), "AAA", "i", 2021, "marker")
    assert (found.rating, found.reason) == ("no_data", "not available")


def test_a_reported_zero_is_rated(plans: dict[str, Framework]) -> None:
    assert rate(plans["up"], _numbers(10, 0, 20, 30), "AAA", "i", 2021, "marker").rating == "off_track"


def test_the_hash_changes_with_every_input(plans: dict[str, Framework]) -> None:
    base = (100.0, 120.0, 140.0, 160.0)
    hashes = {rate(plans["up"], _numbers(*base), "AAA", "i", 2021, "marker").inputs_hash}
    for at in range(4):
        moved = [v + (i == at) for i, v in enumerate(base)]
        hashes.add(rate(plans["up"], _numbers(*moved), "AAA", "i", 2021, "marker").inputs_hash)
    hashes.add(rate(plans["up"], _numbers(*base), "AAA", "i", 2021, "linear_path").inputs_hash)
    assert len(hashes) == 6
    again = rate(plans["up"], _numbers(*base), "AAA", "i", 2021, "marker").inputs_hash
    assert again in hashes


def test_neither_up_nor_down_is_not_rated(plan: Framework) -> None:
    item = plan.indicator("SPA4-4.2-c")
    assert item is not None
    assert item.rules == ()
    assert {r.indicator for r in ratings(plan, Book())} == {"SPA4-4.2-a", "SPA4-4.2-b"}
