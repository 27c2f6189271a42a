"""What the shipped standards hold, and the checks of how their parts lean on each other."""
# ruff: noqa: E501  (messages stand as they are printed)

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from survey_toolkit._resources import data_root
from survey_toolkit.standards import Registry, check, evaluate_output, load, questions, questions_for, show
from survey_toolkit.standards.rules import rule_variables

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "own"
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


def status(registry: Registry, key: str, output: str, record: dict[str, object]) -> str:
    version = registry.definition(key)
    found = version.output(output)
    assert found is not None
    return evaluate_output(found, record, criteria=registry.criteria_rules(version))


# --- content -----------------------------------------------------------------------------------


def test_the_table_of_hours_thresholds() -> None:
    """Lowest hours that count, by version and age: work, then chores; None where there is no threshold."""
    expected = {
        "sdg-2021": {9: (1, 21.5), 13: (14, 21.5), 16: (43.5, None)},
        "mics6": {9: (1, 21), 13: (14, 21), 16: (43, None)},
        "mics6-first": {9: (1, 28), 13: (14, 28), 16: (43, 43)},
        "mics5": {9: (1, 28), 13: (14, 28), 16: (43, 43)},
        "unicef-2012": {9: (1, 28), 13: (14, 28), 16: (43, 43)},
        "mics4": {9: (0.5, 28), 13: (14, 28)},
    }
    registry = load()
    steps = [x / 2 for x in range(1, 200)]
    for version, ages in expected.items():
        for age, (work, chores) in ages.items():
            quiet = {"age": age, "ea_any": False, "ea_hours": None, "chores_any": False, "chores_hours": None}
            key = f"child_labour@{version}"
            works = [
                h
                for h in steps
                if status(registry, key, "child_labour_a", {**quiet, "ea_any": True, "ea_hours": h}) == "met"
            ]
            helps = [
                h
                for h in steps
                if status(registry, key, "child_labour_b", {**quiet, "chores_any": True, "chores_hours": h})
                == "met"
            ]
            assert (min(works), min(helps, default=None)) == (work, chores), (version, age)


def test_hazard_is_in_the_total_of_mics5_and_not_in_the_sdg_indicator() -> None:
    registry = load()
    reads = {
        (key, output.id): rule_variables(output.rule, criteria=registry.criteria_rules(key))
        for key in ("child_labour@mics5", "child_labour@sdg-2021", "child_labour@icls18-2018")
        for output in registry.definition(key).outputs
    }
    assert "haz_dust" in reads["child_labour@mics5", "child_labour_total"]
    assert not any(n.startswith("haz_") for n in reads["child_labour@mics5", "child_labour_b"])
    assert not any(n.startswith("haz_") for n in reads["child_labour@sdg-2021", "child_labour_b"])
    assert {"haz_night", "wfcl_sexual"} <= reads["child_labour@icls18-2018", "child_labour_a"]
    assert "hhs_unhealthy" not in reads["child_labour@icls18-2018", "child_labour_a"]
    assert "hhs_unhealthy" in reads["child_labour@icls18-2018", "child_labour_b"]


def test_forced_labour_of_children_tests_neither_consent_nor_hazard() -> None:
    registry = load()
    version = registry.definition("forced_labour_children")
    reads = rule_variables(version.outputs[0].rule, criteria=registry.criteria_rules(version))
    assert not any(name.startswith(("inv_", "haz_")) for name in reads)


def test_concepts_that_are_never_summed() -> None:
    registry = load()
    assert "forced_marriage" in registry.definitions["child_marriage"].never_added_to
    assert "child_marriage" in registry.definitions["forced_marriage"].never_added_to
    forced = registry.definition("forced_marriage")
    reads = set().union(
        *(rule_variables(o.rule, criteria=registry.criteria_rules(forced)) for o in forced.outputs)
    )
    assert not any("age" in name for name in reads), "forced marriage is told by consent, at any age"


def test_screening_is_no_classification() -> None:
    registry = load()
    uses = {v.key: v.use for d in registry.definitions.values() for v in d.versions}
    assert {key for key, use in uses.items() if use == "screening"} == {
        "screening_forced_labour@ilo-2012",
        "screening_forced_labour@delphi-2009",
        "screening_trafficking@asean-commit-2016",
    }
    text = show(registry, "screening_forced_labour")
    assert "decides no status" in text
    assert "Sign fl_screen_any" in text


def test_a_slot_says_that_its_source_could_not_be_read() -> None:
    registry = load()
    slots = [v for d in registry.definitions.values() for v in d.versions if not v.outputs]
    assert {v.key for v in slots} == {
        "forced_labour@ilo-h2h-2024",
        "screening_forced_labour@delphi-2009",
        "screening_trafficking@asean-commit-2016",
    }
    assert all(v.status == "unverified" for v in slots)
    assert all("unverified" in {r.verification for r in v.references} for v in slots)


@pytest.mark.parametrize(
    ("kind", "id", "marks"),
    [
        ("criterion", "flc.i", {"verified"}),
        ("criterion", "flc.iii", {"from_memory"}),
        ("criterion", "c105.political", {"verified"}),
        ("criterion", "c105.strike", {"from_memory"}),
        ("criterion", "fm.no_consent", {"from_memory"}),
        ("criterion", "c29.convict", {"verified"}),
        ("criterion", "cl.icls.long_hours", {"verified", "proposed"}),
        ("correspondence", "forced_labour_trafficking", {"verified", "proposed"}),
        ("source", "ilo-h2h-2024", {"unverified"}),
    ],
)
def test_marks_of_confidence_are_carried_over(kind: str, id: str, marks: set[str]) -> None:
    item = getattr(load(), kind)(id)
    found = {item.verification} if kind == "source" else {r.verification for r in item.references}
    assert found == marks


def test_the_lists_of_the_case_data_standard_are_whole() -> None:
    registry = load()
    sizes = {
        name: len(registry.codelist(f"htcds_{name}").codes)
        for name in (
            "status",
            "decision_body",
            "exploitation",
            "sexual_exploitation",
            "recruitment",
            "control",
        )
    }
    # 16 controls of the form and one more of the field definitions
    assert sizes == {
        "status": 3,
        "decision_body": 5,
        "exploitation": 11,
        "sexual_exploitation": 4,
        "recruitment": 10,
        "control": 17,
    }
    assert len(registry.criteria("ilo_indicators").criteria) == 11
    assert len(registry.codelist("isic_section").codes) == 21
    assert len(registry.criteria("adm_forms").criteria) == 11
    assert len(registry.criteria("adm_controls").criteria) == 17


def test_exclusions_are_conditional() -> None:
    """Convict labour hired to a company is no exclusion, so forced labour stays possible."""
    registry = load()
    rules = {k: c.rule for k, c in registry.criterion_items.items()}
    from survey_toolkit.standards.rules import evaluate_record

    convict = {"c29_basis": "convict", "c29_court_conviction": True, "c29_public_supervision": True}
    rule = registry.criterion("c29.convict").rule
    assert evaluate_record(rule, {**convict, "c29_private_hire": False}, criteria=rules) is True
    assert evaluate_record(rule, {**convict, "c29_private_hire": True}, criteria=rules) is False
    assert evaluate_record(rule, {**convict, "c29_private_hire": None}, criteria=rules) is None


# --- what show says ------------------------------------------------------------------------------


def test_a_criterion_shows_what_other_lists_call_it() -> None:
    text = show(load(), "pen.documents")
    assert "retention of identity documents (ind.documents)" in text
    assert "Withholds documents (WithholdsDocuments)" in text
    assert "Forms of it: pen.documents_identity, pen.documents_other" in text
    assert "Decides: forced_labour@icls20-2018" in text
    assert "A form of: pen.documents" in show(load(), "pen.documents_identity")


def test_a_definition_shows_its_versions_with_dates_and_what_it_is_never_added_to() -> None:
    text = show(load(), "forced_marriage")
    assert "Figures are never added to those of" in text
    text = show(load(), "child_labour@mics5")
    assert "superseded; in force from 2012; supersedes mics4" in text
    assert "(used when none is named)" in text
    assert (
        "Met when at least one of these holds: (aged 5-11 with at least 1 hour of economic activity;" in text
    )


def test_the_table_shows_every_criterion_of_forced_labour() -> None:
    text = show(load(), "forced_labour_trafficking")
    for name in ("fl_involuntariness", "fl_menace"):
        for item in load().criteria(name).criteria:
            assert f"({item.id})" in text.replace("\n" + " " * 31, " ")


MODULE = """\
id: m05
questions:
  - id: FL12
    text: {en: Did anyone keep your papers?, fr: Quelqu'un a-t-il gardé vos papiers ?}
    criteria: [pen.documents]
    variable: pen_documents
  - id: FL30
    text: {en: On what ground was the work demanded?}
    variable: c29_basis
  - id: FL99
    text: {en: A question bound to nothing.}
"""


def test_questions_are_read_from_the_module_files(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "m05.yaml").write_text(MODULE, "utf-8")
    (tmp_path / "modules" / "broken.yaml").write_text("id: [", "utf-8")
    asked = questions(tmp_path, language="fr")
    assert [(q.module, q.id) for q in asked] == [("m05", "FL12"), ("m05", "FL30")]
    assert asked[0].text == "Quelqu'un a-t-il gardé vos papiers ?"
    assert [q.id for q in questions_for(load(), "pen.documents", asked)] == ["FL12"]
    # the exclusion is derived from its conditions, so the question on the ground measures it
    assert [q.id for q in questions_for(load(), "fl.excluded", asked)] == ["FL30"]
    assert questions_for(load(), "pen.debt", asked) == ()


def test_show_lists_the_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from survey_toolkit.standards import questions as module

    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "m05.yaml").write_text(MODULE, "utf-8")
    import survey_toolkit.standards.display as display

    monkeypatch.setattr(display, "questions", lambda *, language: module(tmp_path, language=language))
    text = show(load(), "forced_labour")
    assert "withheld documents (pen.documents)\n      m05 FL12: Did anyone keep your papers?" in text
    assert "debt bondage (pen.debt)\n      no question of the shipped questionnaires" in text


# --- what the checks find ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        pytest.param(
            "criteria/fl_menace_detail.yaml", "broader: pen.violence", "broader: pen.violense",
            "no criterion 'pen.violense'; did you mean 'pen.violence'", id="broader",
        ),
        pytest.param(
            "criteria/fl_menace_detail.yaml", "broader: pen.movement", "broader: pen.violence_physical",
            "'pen.violence_physical' is itself a form of 'pen.violence'; name that one", id="broader-twice",
        ),
        pytest.param(
            "variables/forced_labour.yaml", "{value: convict, when", "{value: convicts, when",
            "code 'convicts' is not in code list 'c29_exclusion'; did you mean 'convict' or", id="derived-code",
        ),
        pytest.param(
            "variables/forced_labour.yaml", "when: {criterion: c29.civic}", "when: {variable: c29_exclusion, eq: civic}",
            "'c29_exclusion' cannot be derived from itself", id="derived-circle",
        ),
        pytest.param(
            "variables/forced_labour.yaml", "when: {criterion: c29.civic}", "when: {variable: union_consent, eq: true}",
            "'union_consent' is of each union, 'c29_exclusion' of each job", id="derived-level",
        ),
        pytest.param(
            "variables/forced_labour.yaml", "when: {criterion: c29.civic}", "when: {criterion: c29.civil}",
            "derive.1.when.criterion: no criterion 'c29.civil'; did you mean 'c29.civic'", id="derived-criterion",
        ),
        pytest.param(
            "variables/forced_labour.yaml", "{value: military, when: {criterion: c29.military}}", "{value: military}",
            "only the last step of a derivation stands without 'when'", id="derived-early",
        ),
        pytest.param(
            "criteria/fl_elements.yaml", "{criterion: pen.debt}", "{criterion: fl.forced}",
            "criteria refer to each other in a circle", id="circle",
        ),
        pytest.param(
            "correspondences/forced_labour_trafficking.yaml", "htcds: [DebtBondage]", "htcds: [DebtBondages]",
            "no 'DebtBondages' in this column; did you mean 'DebtBondage'?", id="table-item",
        ),
        pytest.param(
            "correspondences/forced_labour_trafficking.yaml", "icls: [inv.low_or_no_wages]", "icls: [inv.other_employer]",
            "stands in no row, though the column is complete: inv.low_or_no_wages", id="table-complete",
        ),
        pytest.param(
            "correspondences/forced_labour_trafficking.yaml", "codelist: htcds_control", "codelist: htcds_controls",
            "no code list 'htcds_controls'; did you mean 'htcds_control'", id="table-list",
        ),
        pytest.param(
            "correspondences/forced_labour_trafficking.yaml", "      icls: [pen.debt]", "      iclss: [pen.debt]",
            "no column 'iclss'; the columns are", id="table-column",
        ),
        pytest.param(
            "definitions/forced_marriage.yaml", "  child_marriage: {en", "  child_labour: {en",
            "'child_labour' does not name 'forced_marriage' under 'never_added_to'", id="never-added",
        ),
        pytest.param(
            "definitions/child_labour.cases.yaml", "version: mics4\n    output: child_labour_b\n    record: {age: 14, ea_any: false, ea_hours: null, chores_any: true,",
            "version: mics4\n    output: child_labour_a\n    record: {age: 14, ea_any: false, ea_hours: null, chores_any: true,",
            "comes out not_met, expected met", id="case-output",
        ),
        pytest.param(
            "definitions/forced_labour.yaml", "    status: unverified\n", "    status: current\n",
            "'ilo-h2h-2024': 'outputs' is required; only an unverified slot has none", id="slot",
        ),
    ],
)  # fmt: skip
def test_check_finds(folder: Path, edit: Edit, file: str, before: str, after: str, message: str) -> None:
    edit(file, before, after)
    found = [str(problem) for problem in check(folder)]
    assert any(message in text for text in found), "\n".join(found)
    assert any(text.startswith(file) for text in found), "\n".join(found)
    assert len(found) <= 6, "one mistake gives one problem, or few:\n" + "\n".join(found)


def test_every_status_of_every_version_needs_its_cases(folder: Path) -> None:
    (folder / "definitions" / "forced_marriage.cases.yaml").unlink()
    found = [str(problem) for problem in check(folder)]
    assert found == [
        "definitions/forced_marriage.yaml:9: versions.0.version: no case of 'gems-2022' in definitions/forced_marriage.cases.yaml "
        "for forced_marriage_ever (met, not_met, undetermined); forced_marriage_current (met, not_met, undetermined)"
    ]


def test_problems_of_many_files_come_together(folder: Path, edit: Edit) -> None:
    edit("criteria/fl_menace_detail.yaml", "broader: pen.violence", "broader: pen.violense")
    edit("variables/marriage.yaml", "level: union", "level: unions")
    edit("correspondences/forced_labour_trafficking.yaml", "htcds: [DebtBondage]", "htcds: [DebtBondages]")
    edit("definitions/forced_marriage.yaml", "lift: any", "lift: all")
    files = {str(problem).split(":")[0] for problem in check(folder)}
    assert files >= {
        "criteria/fl_menace_detail.yaml",
        "variables/marriage.yaml",
        "correspondences/forced_labour_trafficking.yaml",
        "definitions/forced_marriage.yaml",
    }
