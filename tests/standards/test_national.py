"""A national folder over the international standards: what it changes, what it must not, what it says."""

# ruff: noqa: E501  (messages stand as they are printed)

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from survey_toolkit.errors import DefinitionError
from survey_toolkit.standards import check, departures, evaluate_output, load, show

NATIONAL = Path(__file__).parent / "national"
Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NATIONAL, tmp_path / "national"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace(file: str, before: str, after: str) -> None:
        text = (folder / file).read_text("utf-8")
        assert before in text
        (folder / file).write_text(text.replace(before, after, 1), "utf-8")

    return replace


def test_the_example_has_no_problem() -> None:
    assert check(NATIONAL) == []


def test_ours_stays_beside_theirs() -> None:
    national, ours = load(NATIONAL), load()
    assert [v.version for v in national.definitions["child_labour"].versions] == [
        *(v.version for v in ours.definitions["child_labour"].versions),
        "xxx-2020",
    ]
    assert national.definition("child_labour").version == "xxx-2020"
    assert ours.definition("child_labour").version == "sdg-2021"
    assert national.definition("child_labour@sdg-2021") == ours.definition("child_labour@sdg-2021")
    assert national.criterion("cl.icls.below_minimum_age") == ours.criterion("cl.icls.below_minimum_age")


def test_a_list_of_codes_takes_the_place_of_ours() -> None:
    assert load(NATIONAL).codelist("exit_way").details() == ("still_in", "left", "inspector")
    assert "escaped" in load().codelist("exit_way").details()


@pytest.mark.parametrize(
    ("age", "hours", "international", "national"),
    [
        (13, 11.5, "not_met", "not_met"),
        (13, 12.0, "not_met", "met"),
        (13, 14.0, "met", "met"),
        (14, 14.0, "met", "not_met"),
        (11, 1.0, "met", "met"),
    ],
)
def test_minimum_age_and_light_work_hours(age: int, hours: float, international: str, national: str) -> None:
    registry = load(NATIONAL)
    quiet = {name: False for name in registry.variables if name.startswith(("haz_", "wfcl_", "hhs_"))}
    record = {
        **quiet,
        "age": age,
        "ea_any": True,
        "ea_hours": hours,
        "light_work": True,
        "child_isco": "5223",
    }
    found = []
    for version in ("icls18-2018", "xxx-2020"):
        definition = registry.definition("child_labour", version)
        output = definition.output("child_labour_a")
        assert output is not None
        found.append(evaluate_output(output, record, criteria=registry.criteria_rules(definition)))
    assert found == [international, national]


def test_each_departure_is_named() -> None:
    found = {d.item: d for d in departures(load(NATIONAL))}
    assert set(found) == {"child_labour@xxx-2020", "definition child_labour", "code list exit_way"}
    lines = found["child_labour@xxx-2020"].lines()
    assert [line for line in lines if "hours" in line] == [
        "child_labour_a, child_labour_b: cl.icls.below_minimum_age -> cl.xxx.below_minimum_age: hours of "
        "economic activity is at least 12 (international: hours of economic activity is at least 14)"
    ]
    assert any("age is from 12 to 13 (international: age is from 12 to 14)" in line for line in lines)
    assert any("8111, 9313 or 6223" in line for line in lines)
    assert any(line.endswith("left out - night work") for line in lines)
    assert found["child_labour@xxx-2020"].base == "child_labour@icls18-2018"
    assert {r.source for r in found["child_labour@xxx-2020"].references} == {"xxx-labour-code"}
    # what is the same in both is no departure: the list below 12 years has the same rule under another id
    assert not any("below_light_work" in line for line in lines)
    assert found["definition child_labour"].lines() == (
        "version used when none is named: xxx-2020 (international: sdg-2021)",
    )


def test_departures_of_one_definition() -> None:
    registry = load(NATIONAL)
    assert [d.item for d in departures(registry, "child_labour")] == ["child_labour@xxx-2020"]
    assert departures(registry, "child_labour@sdg-2021") == ()
    assert departures(registry, "forced_labour") == ()


def test_show_names_the_departures() -> None:
    text = show(load(NATIONAL), "child_labour")
    assert "Departs from the international standard (child_labour@icls18-2018)" in text
    assert "Labour Code of Exampleland, ss. 40-47" in text
    assert "Departs" not in show(load(NATIONAL), "child_labour@sdg-2021")


def test_a_variable_and_an_indicator_of_its_own(folder: Path) -> None:
    (folder / "variables").mkdir()
    (folder / "variables" / "own.yaml").write_text(
        "references: [{source: xxx-labour-code, locator: s. 1, verification: verified}]\n"
        "variables:\n"
        "  - id: light_work\n    label: {en: light work by the Labour Code}\n"
        "    description: {en: 'Whether the work is on the list of light work of the Labour Code.'}\n"
        "    type: boolean\n    level: person\n",
        "utf-8",
    )
    assert check(folder) == []
    found = {d.item: d for d in departures(load(folder))}
    assert (
        "light work by the Labour Code (international: permitted light work)"
        in found["variable light_work"].lines()[0]
    )


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        (
            "definitions/child_labour.yaml", "based_on: icls18-2018", "based_on: icls-2018",
            "definitions/child_labour.yaml:9: versions.0.based_on: no version 'icls-2018'; did you mean 'icls",
        ),
        (
            "definitions/child_labour.yaml", "based_on: icls18-2018", "based_on: xxx-2020",
            "versions are based on each other in a circle",
        ),
        (
            "definitions/child_labour.yaml", "cl.icls.below_minimum_age:", "cl.icls.minimum_age:",
            "names no criterion 'cl.icls.minimum_age'; did you mean 'cl.icls.below_minimum_age'",
        ),
        (
            "definitions/child_labour.yaml", "cl.xxx.designated", "cl.xxx.designate",
            "no criterion 'cl.xxx.designate'; did you mean 'cl.xxx.designated'",
        ),
        (
            "definitions/child_labour.yaml", "drop: [cl.icls.night]", "drop: [cl.icls.nights]",
            "definitions/child_labour.yaml:14: versions.0.drop.0: the version 'icls18-2018' names no criterion",
        ),
        (
            "definitions/child_labour.yaml", "version: xxx-2020", "version: sdg-2021",
            "'sdg-2021' is an international version and stays as it is",
        ),
        (
            "definitions/child_labour.yaml", "extends: child_labour", "extends: child_labor",
            "no definition 'child_labor'; did you mean 'child_labour' or",
        ),
        (
            "definitions/child_labour.yaml", "based_on: icls18-2018\n", "\n",
            "'replace' and 'drop' change the version named by 'based_on'",
        ),
        ("national.yaml", "country: XXX", "country: Exampleland", "national.yaml:4: country:"),
        (
            "definitions/child_labour.cases.yaml", "expect: not_met", "expect: met",
            "'age 14, 20 hours of safe work is allowed here': comes out not_met, expected met",
        ),
        (
            "codelists/exit_way.yaml", "source: xxx-labour-code", "source: xxx-code",
            "codelists/exit_way.yaml:4: references.0.source: no source 'xxx-code'",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    folder: Path, edit: Edit, file: str, before: str, after: str, message: str
) -> None:
    edit(file, before, after)
    found = [str(problem) for problem in check(folder)]
    assert any(message in text for text in found), "\n".join(found)
    assert not any(text.startswith("international/") for text in found), "\n".join(found)
    assert len(found) <= 4, "one mistake gives one problem, or few:\n" + "\n".join(found)
    if "comes out" not in message:  # cases are for the check; the rules themselves are sound
        with pytest.raises(DefinitionError):
            load(folder)


def test_international_criteria_are_not_overridden(folder: Path) -> None:
    text = (folder / "criteria" / "cl_xxx.yaml").read_text("utf-8")
    (folder / "criteria" / "cl_sdg_2021.yaml").write_text(
        text.replace("id: cl_xxx", "id: cl_sdg_2021"), "utf-8"
    )
    found = [str(problem) for problem in check(folder)]
    assert any("the international list 'cl_sdg_2021' stays as it is" in text for text in found)


def test_an_international_definition_is_extended_not_written_anew(folder: Path) -> None:
    path = folder / "definitions" / "child_labour.yaml"
    path.write_text(
        path.read_text("utf-8").replace(
            "extends: child_labour", "id: child_labour\ntitle: {en: Child labour}"
        ),
        "utf-8",
    )
    found = [str(problem) for problem in check(folder)]
    assert any("begin the file with 'extends: child_labour'" in text for text in found)


def test_only_a_national_folder_extends(folder: Path) -> None:
    (folder / "national.yaml").unlink()
    found = [str(problem) for problem in check(folder)]
    assert any("only a folder with national.yaml can extend" in text for text in found)
