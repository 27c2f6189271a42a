"""The framework registry: what the source shows, strict loading, any other framework."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_toolkit.errors import DefinitionError
from survey_toolkit.indicators.frameworks import Framework, language_gaps, load_framework
from survey_toolkit.standards import load as load_standards


def test_area_four_is_there_as_the_source_shows_it(plan: Framework) -> None:
    levels = [n.level for n in plan.nodes]
    assert {level: levels.count(level) for level in set(levels)} == {
        "area": 1, "outcome": 2, "output": 6, "activity": 12,
    }  # fmt: skip
    assert plan.countries == ("KHM", "CHN", "LAO", "MMR", "THA", "VNM")
    assert list(plan.years) == [2015, 2016, 2017, 2018]
    hotline = plan.node("4.1.2")
    assert hotline is not None
    assert hotline.title["en"].startswith("24-hour national reporting hotlines")


def test_what_the_source_leaves_open_is_marked(plan: Framework) -> None:
    assert {i.id: i.link_confidence for i in plan.indicators} == {
        "SPA4-4.2-a": "uncertain", "SPA4-4.2-b": "uncertain", "SPA4-4.2-c": "uncertain",
        "SPA4-4.2-c-in": "proposed",
    }  # fmt: skip
    not_shown = {n.id for n in plan.nodes if not n.title_shown}
    assert not_shown == {"4", "4.1", "4.1.1"}


def test_its_references_and_definitions_are_in_the_standards(plan: Framework) -> None:
    registry = load_standards()
    for reference in plan.references:
        assert reference.source in registry.sources
    for item in plan.indicators:
        if item.definition:
            assert registry.definition(item.definition).key == item.definition
        for link in item.sdg_links:
            assert registry.indicator(link.indicator).id == link.indicator


def test_every_language_gap_is_listed(plan: Framework) -> None:
    gaps = language_gaps(plan)
    assert set(gaps) == set(plan.languages)
    assert gaps["en"] == []
    assert "indicator SPA4-4.2-a" in gaps["km"]
    assert "code sex.F" not in gaps["th"]


BASE = """
id: x
version: "1"
title: {en: X}
period: [2020, 2022]
countries: [AAA]
references: [{source: s, locator: l, verification: proposed}]
dimensions:
  - {id: sex, label: {en: Sex}, codes: [{id: F, label: {en: F}}, {id: M, label: {en: M}}]}
nodes:
  - {id: "1", level: area, title: {en: A}}
  - {id: "1.1", level: outcome, parent: "1", title: {en: B}}
indicators:
  - {id: i, nodes: ["1.1"], title: {en: I}, unit: persons, breakdowns: [[sex]]}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('parent: "1",', 'parent: "9",', "unknown parent '9'"),
        ("level: outcome", "level: output", "output '1.1' hangs on area '1'"),
        ('nodes: ["1.1"]', 'nodes: ["1.2"]', "unknown node '1.2'; did you mean '1.1'"),
        ("[[sex]]", "[[sexe]]", "unknown dimension 'sexe'; did you mean 'sex'"),
        ("unit: persons", "unit: persons, type: milestone", "at least two milestones"),
        ("{id: M,", "{id: F,", "'F' is given twice"),
        ("[2020, 2022]", "[2022, 2020]", "the last year is before the first"),
        (
            "unit: persons",
            "unit: persons, direktion: up",
            "unknown key 'direktion'; did you mean 'direction'",
        ),
        ("{en: I}", "{km: I}", "the English text is missing"),
        ("unit: persons", "unit: persons, mirror: {with: j, dimension: sex}", "unknown indicator 'j'"),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(BASE, "utf-8")
    assert load_framework(file).key == "x@1"
    assert old in BASE
    file.write_text(BASE.replace(old, new), "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_framework(file)
    assert message in str(caught.value)
    assert "x.yaml:" in str(caught.value)


def test_an_unknown_framework_names_the_nearest() -> None:
    with pytest.raises(DefinitionError, match="did you mean 'commit-spa4'"):
        load_framework("commit-spa5")
