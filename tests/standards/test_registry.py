"""The registry: what is shipped, what an unknown id says, what a broken folder says."""
# ruff: noqa: E501  (messages stand as they are printed)

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from survey_toolkit._resources import data_root
from survey_toolkit.errors import DefinitionError
from survey_toolkit.standards import Registry, check, diff, load, show

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped standards to break."""
    root = tmp_path / "national"
    shutil.copytree(data_root("harmonization"), root)
    return root


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace(file: str, before: str, after: str) -> None:
        path = folder / file
        text = path.read_text("utf-8")
        assert before in text, f"{before!r} is not in {file}"
        path.write_text(text.replace(before, after, 1), "utf-8")

    return replace


def messages(folder: Path) -> list[str]:
    return [str(problem) for problem in check(folder)]


# --- what is shipped ---------------------------------------------------------------------------


def test_shipped_standards_have_no_problem() -> None:
    assert check() == []


def test_shipped_registry_is_loaded_once() -> None:
    assert load() is load()


def test_own_folder_gives_the_same(folder: Path) -> None:
    own = load(folder)
    assert isinstance(own, Registry)
    assert set(own.variables) == set(load().variables)


def test_definitions_and_outputs_of_the_contract() -> None:
    registry = load()
    found = {
        version.key: {output.id: (output.level, output.lift) for output in version.outputs}
        for definition in registry.definitions.values()
        for version in definition.versions
    }
    by_hours = {"child_labour_a": ("person", None), "child_labour_b": ("person", None)}
    hazard = {"hazardous_work": ("person", None)}
    in_total = {**by_hours, **hazard, "child_labour_total": ("person", None)}
    per_episode = ("episode", "any")
    elements = dict.fromkeys(
        ("trafficking", "trafficking_realised", "trafficking_intended_only"), per_episode
    )
    forms = ("form_sexual", "form_forced_labour", "form_organ_removal", "form_other", "child_labour_recorded")
    types = ("private_labour", "private_sexual", "state_imposed")
    states = ("state_conscription", "state_prison", "state_development")
    assert found == {
        "forced_labour@icls20-2018": {"forced_labour": ("job", "any")},
        "forced_labour@ilo-h2h-2012": {"forced_labour": ("job", "any")},
        "forced_labour@ilo-h2h-2024": {},
        "forced_labour_children@icls20-2018": {"forced_labour_child": ("person", None)},
        "forced_labour_types@gems-2022": {
            **{f"fl_{name}": ("job", "any") for name in (*types, *states)},
            "child_sexual_exploitation": ("person", None),
        },
        "child_labour@sdg-2021": by_hours,
        "child_labour@mics6": by_hours,
        "child_labour@mics6-first": in_total,
        "child_labour@mics5": in_total,
        "child_labour@mics4": by_hours,
        "child_labour@unicef-2012": by_hours,
        "child_labour@icls18-2018": {**by_hours, **hazard},
        "child_marriage@sdg-2021": {
            "child_marriage_15": ("person", None),
            "child_marriage_18": ("person", None),
        },
        "forced_marriage@gems-2022": {
            "forced_marriage_ever": ("union", "any"),
            "forced_marriage_current": ("union", "any"),
        },
        "trafficking@palermo-2000": elements,
        "trafficking@abridged-means": elements,
        "trafficking_victims@sdg-2016": {"victim_16_2_2": ("person", None)},
        "trafficking_victims@sdg-2023": {"victim_16_2_2": ("person", None)},
        "screening_forced_labour@ilo-2012": {
            "fl_screen_any": ("person", None),
            "fl_screen_several": ("person", None),
        },
        "screening_forced_labour@delphi-2009": {},
        "screening_trafficking@asean-commit-2016": {},
        "exploitation_recorded@htcds-2": dict.fromkeys(forms, per_episode),
    }


@pytest.mark.parametrize(
    ("list_id", "n", "open_list"),
    [
        ("fl_involuntariness", 9, True),
        ("fl_menace", 6, True),
        ("tip_act", 5, False),
        ("tip_means", 9, False),
        ("tip_purpose", 8, True),
    ],
)
def test_criteria_lists_are_complete(list_id: str, n: int, open_list: bool) -> None:
    listed = load().criteria(list_id)
    assert (len(listed.criteria), listed.open_list) == (n, open_list)


#: Lists that describe cases and are read by no definition, or only in part, and why.
DESCRIBE_ONLY = {
    "fl_menace_detail": "forms of the six means, for breakdowns",
    "tip_purpose_detail": "forms of the residual purpose, for breakdowns",
    "adm_controls": "methods of control in case files, related by the correspondence table",
    "c29_exclusions": "read by the derivation of c29_exclusion",
    "fm_consent": "pressure describes how a union came about",
    "c105_purposes": "read by the types of state-imposed forced labour",
}


def test_every_item_of_a_list_is_in_the_rule_of_a_definition() -> None:
    """A criterion that no rule names would be asked for nothing."""
    registry = load()
    named = {c for d in registry.definitions.values() for v in d.versions for c in registry.criteria_rules(v)}
    for listed in registry.criteria_lists.values():
        if listed.id not in DESCRIBE_ONLY:
            assert {c.id for c in listed.criteria} <= named, listed.id


def test_every_item_of_an_older_list_is_in_the_rule_of_its_own_definition() -> None:
    from survey_toolkit.standards.rules import rule_criteria

    registry = load()
    for key in ("forced_labour@icls20-2018", "child_labour@sdg-2021", "trafficking@palermo-2000"):
        version = registry.definition(key)
        through = {c for output in version.outputs for c in rule_criteria(output.rule)}
        listed = {c.id for o in version.outputs for n in o.criteria for c in registry.criteria(n).criteria}
        assert through == listed, key


def test_series_of_the_sdg_indicators() -> None:
    registry = load()
    assert [s.id for s in registry.indicator("8.7.1").series] == [
        "SL_TLF_CHLDEA",
        "SL_TLF_CHLDEC",
        "SL_TLF_CHLDEAN",
        "SL_TLF_CHLDECN",
    ]
    assert registry.series("SP_DYN_MRBF15").sdmx == {"SEX": "F", "AGE": "Y20T24"}
    custom = {s.id for i in registry.indicators.values() for s in i.series if s.custom}
    assert custom == {"MSDI_HTF_TOT", "MSDI_HTF_TOTR", "MSDI_FL_PREV", "MSDI_FL_NUM"}
    assert registry.series_home("VC_HTF_DETVR")[0].id == "16.2.2"


def test_band_5_to_11_has_no_sdmx_code() -> None:
    bands = load().codelist("age_band")
    assert bands.sdmx_codes() == {
        "5-11": None,
        "12-14": "Y12T14",
        "15-17": "Y15T17",
        "5-14": "Y5T14",
        "_T": "Y5T17",
    }
    assert bands.details() == ("5-11", "12-14", "15-17")


def test_sdmx_codes_are_in_the_global_code_lists() -> None:
    """Codes against the genuine code lists of data structure 1.4, as retyped in the golden file."""
    golden = json.loads((Path(__file__).parents[1] / "golden" / "sdg_codes_1_4.json").read_text("utf-8"))
    for codelist in load().codelists.values():
        if codelist.sdmx_codelist is None:
            continue
        known = set(golden["codelists"][codelist.sdmx_codelist])
        assert {c for c in codelist.sdmx_codes().values() if c} <= known, codelist.id
    absent = {"VC_HTF_DETVR"}
    series = {s.id for i in load().indicators.values() for s in i.series if not s.custom}
    assert series - absent <= set(golden["codelists"]["IAEG-SDGs:CL_SERIES(1.4)"])
    assert not absent & set(golden["codelists"]["IAEG-SDGs:CL_SERIES(1.4)"])


def test_what_is_not_verified_says_so() -> None:
    registry = load()
    population = registry.population("GBR/2013")
    assert (population.value, population.rounded_to) == (64_100_000, 100_000)
    assert {r.verification for r in population.references} == {"from_memory"}
    marks = {r.verification for r in registry.criterion("inv.degrading_living").references}
    assert marks == {"verified", "from_memory"}
    assert "proposed" in {r.verification for r in registry.criterion("purpose.other").references}


# --- unknown ids -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda r: r.definition("forced_labor"),
            "there is no definition 'forced_labor'\n  expected: did you mean 'forced_labour' or",
        ),
        (
            lambda r: r.definition("child_labour", "sdg-2020"),
            "has no version 'sdg-2020'\n  expected: one of 'sdg-2021', 'mics6'",
        ),
        (lambda r: r.definition("child_labour@mics3"), "has no version 'mics3'"),
        (
            lambda r: r.criteria("fl_menaces"),
            "there is no criteria list 'fl_menaces'\n  expected: did you mean 'fl_menace' or",
        ),
        (lambda r: r.criterion("pen.debts"), "did you mean 'pen.debt' or"),
        (lambda r: r.codelist("sexx"), "there is no code list 'sexx'\n  expected: did you mean 'sex'?"),
        (lambda r: r.indicator("8.7.2"), "did you mean '8.7.1'?"),
        (lambda r: r.variable("ea_hour"), "did you mean 'ea_hours' or"),
        (lambda r: r.source("c29"), "there is no source 'c29'"),
        (lambda r: r.series("SL_TLF_CHLDE"), "there is no series 'SL_TLF_CHLDE'"),
        (lambda r: r.population("GBR/2014"), "did you mean 'GBR/2013'?"),
        (lambda r: show(r, "forced_labor"), "no standard has the id 'forced_labor'"),
        (
            lambda r: diff(r, "child_labour@mics6", "child_marriage"),
            "two versions of one definition can be compared",
        ),
    ],
)
def test_unknown_id_names_the_nearest(ask: Callable[[Registry], object], message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        ask(load())
    assert message in str(caught.value)


# --- a broken folder ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        pytest.param(
            "definitions/forced_labour.yaml", "any_of:", "anyof:",
            "definitions/forced_labour.yaml:49: versions.0.outputs.0.rule.all_of.0.anyof: unknown operator 'anyof'; did you mean 'any_of'?",
            id="operator",
        ),
        pytest.param(
            "criteria/fl_menace.yaml", "open_list:", "openlist:",
            "criteria/fl_menace.yaml:10: openlist: unknown key 'openlist'; did you mean 'open_list'?",
            id="key",
        ),
        pytest.param(
            "definitions/forced_labour.yaml", "{criterion: pen.debt}", "{criterion: pen.debts}",
            "definitions/forced_labour.yaml:62: versions.0.outputs.0.rule.all_of.1.any_of.2.criterion: no criterion 'pen.debts'; did you mean 'pen.debt' or",
            id="criterion",
        ),
        pytest.param(
            "criteria/cl_sdg_2021.yaml", "variable: ea_hours", "variable: ea_hour",
            "criteria/cl_sdg_2021.yaml:19: criteria.0.rule.all_of.2.variable: no variable 'ea_hour'; did you mean 'ea_hours' or",
            id="variable",
        ),
        pytest.param(
            "definitions/child_marriage.yaml", "{variable: sex, eq: F}", "{variable: sex, eq: female}",
            "code 'female' is not in code list 'sex'",
            id="code",
        ),
        pytest.param(
            "definitions/forced_labour.yaml", "in: [military,", "in: [militray,",
            "code 'militray' is not in code list 'c29_exclusion'; did you mean 'military'?",
            id="code-in-list",
        ),
        pytest.param(
            "criteria/fl_menace.yaml", "{variable: pen_violence, eq: true}", "{variable: pen_violence, eq: 1}",
            "'pen_violence' is true or false",
            id="type",
        ),
        pytest.param(
            "definitions/child_marriage.yaml", "source: sdg-metadata-5-3-1", "source: sdg-5-3-1",
            "no source 'sdg-5-3-1'; did you mean 'sdg-metadata-5-3-1'",
            id="source",
        ),
        pytest.param(
            "definitions/child_marriage.yaml", "criteria: [cm_first_union]", "criteria: [cm_union]",
            "no criteria list 'cm_union'; did you mean 'cm_first_union'?",
            id="criteria-list",
        ),
        pytest.param(
            "definitions/child_labour.yaml", "default: sdg-2021", "default: sdg-2020",
            "definitions/child_labour.yaml:4: default: no version 'sdg-2020'; did you mean 'sdg-2021'?",
            id="default",
        ),
        pytest.param(
            "definitions/child_labour.yaml", "{from: 2021-02, to: null}", "{from: 2021-02, to: 2020}",
            "ends 2020, before it begins 2021-02",
            id="dates",
        ),
        pytest.param(
            "definitions/child_labour.yaml", "supersedes: [mics5]", "supersedes: [mics3]",
            "no version 'mics3'; did you mean",
            id="supersedes",
        ),
        pytest.param(
            "definitions/child_labour.yaml", "status: current", "status: superseded",
            "is superseded, but no version names it under 'supersedes'",
            id="superseded",
        ),
        pytest.param(
            "variables/person.yaml", "codelist: urbanisation", "codelist: urbanization",
            "no code list 'urbanization'; did you mean 'urbanisation'?",
            id="codelist",
        ),
        pytest.param(
            "variables/person.yaml", "id: region", "id: sex",
            "variable 'sex' is given twice; first at variables/person.yaml:",
            id="twice",
        ),
        pytest.param(
            "codelists/sex.yaml", "members: [M, F]", "members: [M, X]",
            "no code 'X' in this list",
            id="member",
        ),
        pytest.param(
            "indicators/8.7.1.yaml", "variable: child_labour_a", "variable: child_labour_x",
            "no output 'child_labour_x'; did you mean 'child_labour_b' or 'child_labour_a'?",
            id="output",
        ),
        pytest.param("indicators/8.7.1.yaml", "unit: PT", "unit: PCT", "no unit 'PCT'", id="unit"),
        pytest.param(
            "indicators/8.7.1.yaml", "multiplier: 100", "multiplier: 1000",
            "a series in PT is multiplied by 100, found 1000",
            id="multiplier",
        ),
        pytest.param("indicators/8.7.1.yaml", "{AGE: Y5T17}", "{AGES: Y5T17}", "no dimension 'AGES'", id="dimension"),
        pytest.param(
            "indicators/8.7.1.yaml", "[[sex],", "[[sexe],",
            "no variable 'sexe'; did you mean 'sex'?",
            id="breakdown",
        ),
        pytest.param(
            "indicators/5.3.1.yaml", "version: sdg-2021", "version: sdg-2020",
            "no version 'sdg-2020'; did you mean 'sdg-2021'?",
            id="series-version",
        ),
        pytest.param(
            "populations/GBR.yaml", "country: GBR", "country: GBX",
            "the file is called 'GBR', its country is 'GBX'",
            id="file-name",
        ),
        pytest.param(
            "codelists/sex.yaml", "title: {en: Sex}", "title: {fr: Sexe}",
            "the English text is missing",
            id="english",
        ),
        pytest.param(
            "codelists/sex.yaml", "title: {en: Sex}", "title: {en: Sex",
            "codelists/sex.yaml:3: not valid YAML",
            id="syntax",
        ),
        pytest.param(
            "criteria/fl_menace.cases.yaml", "expect: met", "expect: undetermined",
            "'violence or threats of it reported': comes out met, expected undetermined",
            id="case",
        ),
        pytest.param(
            "criteria/fl_menace.cases.yaml", "expect: met", "expect: yes",
            "Input should be 'met', 'not_met', 'undetermined' or 'not_applicable', found 'yes'",
            id="case-word",
        ),
        pytest.param(
            "criteria/fl_menace.cases.yaml", "{pen_violence: null}", "{pen_debt: null}",
            "the criterion does not read 'pen_debt'",
            id="case-variable",
        ),
    ],
)  # fmt: skip
def test_check_names_file_and_line(
    folder: Path, edit: Edit, file: str, before: str, after: str, message: str
) -> None:
    edit(file, before, after)
    found = messages(folder)
    assert any(message in text for text in found), "\n".join(found)
    assert all(text.split(":")[1].isdigit() for text in found), found
    assert len(found) <= 4, "one mistake gives one problem, or few:\n" + "\n".join(found)


def test_all_problems_of_all_files_at_once(folder: Path, edit: Edit) -> None:
    edit("criteria/fl_menace.yaml", "pen_violence", "pen_violens")
    edit("codelists/sex.yaml", "title: {en: Sex}", "titel: {en: Sex}")
    edit("indicators/8.7.1.yaml", "unit: PT", "unit: PCT")
    with pytest.raises(DefinitionError) as caught:
        load(folder)
    text = str(caught.value)
    assert "the standards have" in text
    for part in (
        "criteria/fl_menace.yaml:",
        "codelists/sex.yaml:2: titel: unknown key 'titel'",
        "no unit 'PCT'",
    ):
        assert part in text


def test_list_without_cases_is_a_problem(folder: Path) -> None:
    (folder / "criteria" / "fl_menace.cases.yaml").unlink()
    assert messages(folder) == [
        "criteria/fl_menace.yaml:2: the list has no cases; write criteria/fl_menace.cases.yaml"
    ]


def test_case_file_without_cases_is_a_problem(folder: Path) -> None:
    (folder / "criteria" / "fl_menace.cases.yaml").write_text("criteria: fl_menace\ncases: []\n", "utf-8")
    assert "should have at least 1 item" in messages(folder)[0]


def test_criterion_without_an_unknown_case_is_a_problem(folder: Path, edit: Edit) -> None:
    edit("criteria/cm_first_union.cases.yaml", "expect: undetermined}", "expect: undetermined }")
    path = folder / "criteria" / "cm_first_union.cases.yaml"
    lines = [n for n in path.read_text("utf-8").splitlines() if "undetermined" not in n]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert messages(folder) == [
        "criteria/cm_first_union.yaml:12: criteria.0: 'cm.before_15' has no case that is undetermined",
        "criteria/cm_first_union.yaml:19: criteria.1: 'cm.before_18' has no case that is undetermined",
    ]


def test_file_in_the_wrong_place_is_a_problem(folder: Path) -> None:
    (folder / "definition").mkdir()
    (folder / "definition" / "x.yaml").write_text("id: x\n", "utf-8")
    assert messages(folder)[0].startswith("definition/x.yaml:1: no part of the standards reads this file")


def test_missing_folder_and_missing_sources(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no such folder of standards"):
        load(tmp_path / "nowhere")
    (folder / "sources.yaml").unlink()
    assert messages(folder) == ["sources.yaml:1: there is no such file"]


# --- show and diff -----------------------------------------------------------------------------


def test_show_holds_what_a_lawyer_asks_for() -> None:
    text = show(load(), "forced_labour")
    for part in (
        "forced_labour@icls20-2018",
        "in force from 2018-10",
        "menace of a penalty",
        "Universe: adults aged 18 and over: age is at least 18",
        "a person has the status if any job has it",
        "Met when at least one of these holds: (unfree recruitment;",
        "inv.degrading_living:",
        "Forced Labour Convention, 1930 (No. 29), art. 2(2)",
        "[from memory, not re-read]",
        "[proposed by this project]",
        "Versions",
        "forced_labour MSDI_FL_PREV",
    ):
        assert part in text, part
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    "kind",
    [
        "definitions",
        "criteria_lists",
        "criterion_items",
        "codelists",
        "variables",
        "indicators",
        "sources",
        "populations",
        "correspondences",
    ],
)
def test_everything_can_be_shown(kind: str) -> None:
    registry = load()
    for id in getattr(registry, kind):
        assert show(registry, id).startswith(id)


def test_diff_shows_the_thresholds_that_moved() -> None:
    text = str(diff(load(), "child_labour@mics6", "child_labour@sdg-2021"))
    assert "output child_labour_a, child_labour_b: rule: cl.mics6.ea_15_17 -> cl.sdg.ea_15_17" in text
    assert "- hours of economic activity is at least 43" in text
    assert "+ hours of household chores is above 21" in text
    assert "ea_12_14" not in text


def test_diff_of_a_version_with_itself_is_empty() -> None:
    same = diff(load(), "trafficking@palermo-2000", "trafficking")
    assert same.changes == ()
    assert str(same).endswith("0 differences")
