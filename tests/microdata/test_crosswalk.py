"""A crosswalk that is wrong is told with file, line, key and the nearest right name, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata import harmonize, load_crosswalk, shipped_crosswalks
from survey_toolkit.microdata.crosswalk import describe
from survey_toolkit.standards.registry import load

from .conftest import data

HEAD = """id: test
title: Test
country: {code: KHM}
survey: S
period: "2024"
levels:
  person:
"""


def _message(tmp_path: Path, body: str) -> str:
    file = tmp_path / "walk.yaml"
    file.write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(HarmonizationError) as caught:
        load_crosswalk(file, registry=load())
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    targets:\n      sexx: {source: q}\n", [":9:", "no harmonized variable 'sexx'", "'sex'"]),
        ("    targets:\n      sex: {sorce: q}\n", [":9:", "unknown key 'sorce'", "'source'"]),
        ("    targets:\n      sex: {source: q, recode: {1: X}}\n", ["'X' is no code of 'sex'"]),
        ("    targets:\n      sex: {source: q, recode: {1: _T}}\n", ["'_T' is no code of 'sex'"]),
        (
            "    targets:\n      ea_any: {source: q, recode: {1: yes}}\n",
            ["is boolean, found the value 'yes'"],
        ),
        ("    targets:\n      age: {constant: 1.5}\n", ["is integer, found the value 1.5"]),
        ("    targets:\n      age: {rule: {variable: a, eq: 1}}\n", ["a rule gives yes, no or unknown"]),
        ("    targets:\n      sex: {source: q, from: age}\n", ["exactly one way", "'source' and 'from'"]),
        ("    targets:\n      sex: {note: x}\n", ["exactly one way", "found none"]),
        ("    targets:\n      age_band: {from: age, band: true}\n", ["no target 'age' above"]),
        ("    targets:\n      sex: {source: q, band: true}\n", ["'sex' has no bands"]),
        (
            "    targets:\n      sex: {source: q, missing: {9: dontknow}}\n",
            ["unknown missing reason 'dontknow'"],
        ),
        ("    targets:\n      sex: {source: q, status: partial}\n", ["a partial target needs a note"]),
        ("    targets:\n      sex: {source: q, status: impossible}\n", ["remove 'source'"]),
        ("    targets:\n      sex: {source: q, outside: M}\n", ["'outside' needs a 'universe'"]),
        (
            "    targets:\n      age: {sum: [a, b], recode: {1: 2}}\n",
            ["'recode' needs a single source, not 'sum'"],
        ),
        ("    targets:\n      ea_any: {rule: {variabel: a, eq: 1}}\n", ["variabel"]),
        ("    targets: {}\n", ["targets", "at least 1"]),
    ],
)
def test_wrong_crosswalks(tmp_path: Path, body: str, words: list[str]) -> None:
    message = _message(tmp_path, body)
    assert "walk.yaml:" in message
    for word in words:
        assert word in message, message


def test_all_problems_at_once(tmp_path: Path) -> None:
    message = _message(tmp_path, "    targets:\n      sexx: {source: q}\n      agee: {source: q}\n")
    assert ":9:" in message
    assert ":10:" in message


def test_unknown_source_document_is_told(tmp_path: Path) -> None:
    file = tmp_path / "walk.yaml"
    body = "    targets:\n      sex: {source: q, recode: {1: M}}\nreferences:\n"
    body += "  - {source: c29-1931, locator: art. 1, verification: verified}\n"
    file.write_text(HEAD + body, encoding="utf-8")
    with pytest.raises(HarmonizationError, match=r"there is no source 'c29-1931'; did you mean 'c29-1930'"):
        load_crosswalk(file, registry=load())


def test_unknown_id_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HarmonizationError, match=r"no crosswalk 'ecu_enemdu'[\s\S]*ecu_enemdu_2021q1"):
        load_crosswalk("ecu_enemdu", registry=load())
    with pytest.raises(HarmonizationError, match="there is no such file"):
        load_crosswalk(tmp_path / "none.yaml", registry=load())


@pytest.mark.parametrize("name", sorted(shipped_crosswalks()))
def test_shipped_crosswalks_are_sound(name: str) -> None:
    walk = load_crosswalk(name, registry=load())
    assert walk.id == name
    assert walk.references
    for level in walk.levels.values():
        for target in level.targets.values():
            assert describe(target)


def test_columns_that_are_not_in_the_file_are_told_together() -> None:
    walk = load_crosswalk("ecu_enemdu_2021q1", registry=load())
    with pytest.raises(HarmonizationError) as caught:
        harmonize(data(P02=[1], p03=[9], name="enemdu.sav"), walk)
    message = str(caught.value)
    assert message.startswith("enemdu.sav: the file does not fit level 'person'")
    for word in ("keep: 'fexp'", "targets.sex: 'p02'", "targets.ea_any: 'p20'", "did you mean"):
        assert word in message


def test_level_must_be_said_when_there_are_several() -> None:
    walk = load_crosswalk("demo_household_survey_2024", registry=load())
    with pytest.raises(HarmonizationError, match=r"several levels[\s\S]*'household' or 'person' or 'job'"):
        harmonize(data(a=[1]), walk)
    with pytest.raises(HarmonizationError, match=r"no level 'jobs'"):
        harmonize(data(a=[1]), walk, level="jobs")
