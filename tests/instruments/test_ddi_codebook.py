"""The DDI-Codebook file: complete, bound to the registry, valid against the 2.6 schema if that is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from survey_toolkit import standards
from survey_toolkit.instruments import questionnaire
from survey_toolkit.instruments.ddi_codebook import NAMESPACE
from survey_toolkit.instruments.paper_build import paper_form
from survey_toolkit.instruments.paper_files import codebook_file, ddi_file
from survey_toolkit.instruments.view_build import form_view

NS = {"d": NAMESPACE}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
LANGUAGES = ["en", "fr", "es", "km", "lo", "my", "th", "vi", "zh-Hans"]
FORMS = [
    "national_survey",
    "forced_labour_adult",
    "child_labour",
    "trafficking",
    "marriage",
    "hidden_population",
    "state_imposed",
    "family_network",
    "interviewer_debrief",
    "referral_log",
]


def schema_file() -> Path | None:
    """The schema is no part of the project: a path of its own, or beside the reference bank."""
    own, bank = os.environ.get("SURVEY_TOOLKIT_DDI_XSD"), os.environ.get("SURVEY_TOOLKIT_REFERENCE")
    found = [Path(own)] if own else []
    if bank:
        found.append(Path(bank).parent / "fixtures" / "ddi-codebook-2.6-xsd" / "codebook.xsd")
    return next((path for path in found if path.is_file()), None)


@pytest.fixture(scope="module")
def national() -> ET.Element:
    return ET.fromstring(ddi_file(questionnaire("national_survey", ["en", "fr", "es"])))


def variables(root: ET.Element) -> dict[str, ET.Element]:
    return {node.get("name", ""): node for node in root.iterfind(".//d:dataDscr/d:var", NS)}


def test_every_field_of_the_form_is_a_variable(national: ET.Element) -> None:
    form = questionnaire("national_survey", ["en"])
    expected = [step.id for step in form.items() if step.item.type != "note"]
    assert list(variables(national)) == expected


def test_questions_stand_literally_in_each_language(national: ET.Element) -> None:
    node = variables(national)["inv_unfree_recruitment"]
    texts = {q.get(LANG): q.text for q in node.iterfind("d:qstn/d:qstnLit", NS)}
    assert set(texts) == {"en", "fr", "es"}
    assert texts["en"] is not None
    assert texts["en"].startswith("Did you have to do this work because you were born")
    question = node.find("d:qstn", NS)
    assert question is not None
    number = questionnaire("national_survey", ["en"]).step("inv_unfree_recruitment").number
    assert question.get("seqNo") == number


def test_missing_codes_are_marked_with_their_kind(national: ET.Element) -> None:
    node = variables(national)["pen_debt"]
    kinds = {c.findtext("d:catValu", "", NS): c.get("missType") for c in node.iterfind("d:catgry", NS)}
    assert kinds == {"1": None, "2": None, "98": "don't know", "99": "refusal"}
    hours = variables(national)["ea_hours"]
    assert [i.get("VALUE") for i in hours.iterfind("d:invalrng/d:item", NS)] == ["998", "999"]
    span = hours.find("d:valrng/d:range", NS)
    assert span is not None
    assert (span.get("min"), span.get("max")) == ("0", "168")


def test_concepts_are_criteria_and_variables_of_the_registry(national: ET.Element) -> None:
    registry = standards.load()
    concepts = [
        (c.get("vocabURI"), c.text) for c in national.iterfind(".//d:dataDscr/d:var/d:concept", NS) if c.text
    ]
    criteria = {text for uri, text in concepts if uri == "harmonization/criteria"}
    assert criteria <= set(registry.criterion_items)
    assert {"inv.unfree_recruitment", "pen.debt", "fm.no_consent", "act.recruitment", "flc.i"} <= criteria
    assert {text for uri, text in concepts if uri == "harmonization/variables"} <= set(registry.variables)


def test_ways_on_are_those_of_the_paper_form(national: ET.Element) -> None:
    paper = {
        e.name: e
        for e in paper_form(form_view(questionnaire("national_survey", ["en"])), "en").entries()
        if e.name
    }
    seen = 0
    for name, node in variables(national).items():
        written = [f.text for f in node.iterfind("d:qstn/d:forward", NS)]
        if not written:
            continue
        entry = paper[name]
        expected = [f"{c.code}: {c.arrow}" for c in entry.choices if c.arrow]
        assert written == expected + ([entry.arrow] if entry.arrow else [])
        seen += 1
    assert seen > 30


def test_sensitive_questions_carry_security_and_universe(national: ET.Element) -> None:
    node = variables(national)["pen_violence"]
    assert "level 3 of 3" in (node.findtext("d:security", "", NS))
    universe = node.findtext("d:universe", "", NS)
    assert "consent_sensitive = 1 (Yes)" in universe
    assert "privacy_alone = 1 (Yes)" in universe


def test_groups_are_the_modules_and_the_repeated_parts(national: ET.Element) -> None:
    groups = {g.get("name"): g for g in national.iterfind(".//d:varGrp", NS)}
    assert groups["forced_labour_adult"].get("type") == "section"
    assert groups["jobs"].get("type") == "repetition"
    ids = {node.get("ID") for node in national.iterfind(".//d:var", NS)}
    named = {name for g in groups.values() for name in (g.get("var") or "").split()}
    assert named == ids | named
    assert named <= ids


def test_codebook_names_question_variable_criteria_and_universe() -> None:
    page = codebook_file(questionnaire("forced_labour_adult", ["en"])).decode()
    assert 'id="f-pen_debt"' in page
    assert "pen.debt" in page
    assert "universe" in page
    assert "98" in page
    khmer = codebook_file(questionnaire("child_labour", ["km"])).decode()
    assert "NOT READY FOR THE FIELD" in khmer


@pytest.mark.reference
@pytest.mark.parametrize("name", FORMS)
def test_valid_against_the_schema(name: str, tmp_path: Path) -> None:
    path = schema_file()
    if path is None:
        pytest.skip("no codebook.xsd: set SURVEY_TOOLKIT_DDI_XSD")
    xmlschema = pytest.importorskip("xmlschema")
    schema = _schema(xmlschema, path)
    file = tmp_path / "form.xml"
    file.write_bytes(ddi_file(questionnaire(name, LANGUAGES)))
    assert [str(error.reason) for error in schema.iter_errors(str(file))] == []
    broken = file.read_text(encoding="utf-8").replace("<codeBook ", '<codeBook wrong="1" ', 1)
    file.write_text(broken, encoding="utf-8")
    assert not schema.is_valid(str(file)), "the schema is really applied"


_SCHEMAS: dict[Path, Any] = {}


def _schema(xmlschema: Any, path: Path) -> Any:
    if path not in _SCHEMAS:
        _SCHEMAS[path] = xmlschema.XMLSchema(str(path), allow="local")
    return _SCHEMAS[path]
