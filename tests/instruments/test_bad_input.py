"""Bad instruments: every problem is reported, all together, each with its file and line."""

import pytest

from survey_toolkit.errors import InstrumentError
from survey_toolkit.instruments import fingerprint, questionnaire
from survey_toolkit.instruments.xlsform import xlsform

MODULE = """\
id: wrong
code: WR
version: "1"
title: Wrong in many ways
text: For a test.
respondent: nobody
measures: [inv.unfree_recruitment, pen.violence]
items:
  - id: w_age
    type: integer
    text: Age?
    variable: age
  - id: w_first
    type: select_one
    text: First?
    codes: yes_no
    role: routing
    ask_if: {variable: w_second, eq: true}
  - id: w_second
    type: select_one
    text: Second?
    codes: yes_no
    role: routing
    ask_if: {variable: w_first, eq: true}
  - id: w_age
    type: integer
    text: Age again?
    role: context
  - id: w_a_name_that_is_much_too_long_for_stata
    type: select_one
    text: Bound to you in {nowhere}?
    codes: yes_no
    variable: inv_unfree_recruitmentt
    sensitivity: 3
  - id: w_nothing
    type: select_one
    text: Measures nothing?
    codes: yes_no
  - id: w_rule
    type: text
    text: Who?
    role: text
    ask_if: {variable: no_such_thing, eq: true}
  - id: w_missing
    type: text
    text: Who?
    role: text
    ask_if: {variable: w_first, eq: 98}
  - id: w_claim
    type: select_one
    text: Claims?
    codes: yes_no
    variable: inv_unfree_recruitment
    criteria: [pen.violence]
"""
FORM = """\
id: wrong
version: "1"
title: Wrong
text: For a test.
languages: [en, fr]
claims: [pen.debt]
modules:
  - module: wrong
"""
FRENCH = """\
module: wrong
language: fr
cells:
  title: {text: "Faux", status: draft, english: "%s"}
  w_first.text: {text: "Premier ?", status: draft, english: "00000000"}
  w_second.text: {status: missing}
  w_gone.text: {text: "Parti ?", status: draft, english: "00000000"}
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "modules/wrong.yaml": MODULE,
        "questionnaires/wrong.yaml": FORM,
        "translations/fr/wrong.yaml": FRENCH % fingerprint("Wrong in many ways"),
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def _line(fragment: str, text: str = MODULE, nth: int = 1) -> int:
    lines = [i for i, line in enumerate(text.splitlines(), start=1) if fragment in line]
    return lines[nth - 1]


EXPECTED = [
    ("modules/wrong.yaml", _line("eq: true"), "the routing goes in a circle: w_first waits for w_second"),
    ("modules/wrong.yaml", _line("id: w_age", nth=2), "the name 'w_age' is given twice"),
    ("modules/wrong.yaml", _line("id: w_a_name"), "the name has 40 characters"),
    (
        "modules/wrong.yaml",
        _line("recruitmentt"),
        "no harmonized variable 'inv_unfree_recruitmentt'; did you mean",
    ),
    ("modules/wrong.yaml", _line("{nowhere}"), "the parameter 'nowhere'"),
    ("modules/wrong.yaml", _line("id: w_nothing"), "neither variable, criterion nor role"),
    ("modules/wrong.yaml", _line("no_such_thing"), "no question and no harmonized variable 'no_such_thing'"),
    ("modules/wrong.yaml", _line("eq: 98"), "'98' is no answer of 'w_first' but a missing code"),
    ("modules/wrong.yaml", _line("sensitivity: 3"), "stands before consent and privacy"),
    (
        "modules/wrong.yaml",
        _line("criteria: [pen"),
        "criterion 'pen.violence' is claimed, but its rule reads",
    ),
    ("modules/wrong.yaml", _line("measures:"), "no question measures 'pen.violence'"),
    ("questionnaires/wrong.yaml", _line("claims", FORM), "'pen.debt' is claimed"),
    ("translations/fr/wrong.yaml", _line("w_first.text", FRENCH), "changed since it was translated"),
    ("translations/fr/wrong.yaml", _line("w_second.text", FRENCH), "'w_second.text' has no fr text"),
    ("translations/fr/wrong.yaml", _line("w_gone", FRENCH), "the English file has no text 'w_gone.text'"),
    ("modules/wrong.yaml", _line("text: Measures nothing"), "'w_nothing.text' has no fr text"),
]


@pytest.mark.parametrize(("file", "line", "words"), EXPECTED, ids=[e[2][:40] for e in EXPECTED])
def test_every_problem_is_told_with_its_line(folder, file, line, words):
    found = questionnaire("wrong", folder=folder).check()
    hits = [f for f in found if words in f.message]
    assert hits, [str(f) for f in found]
    assert (file, line) in [(f.file, f.line) for f in hits]


def test_an_erroneous_form_is_not_written(folder):
    with pytest.raises(InstrumentError, match="goes in a circle") as caught:
        xlsform(questionnaire("wrong", folder=folder))
    assert len(caught.value.problems) >= 8


def test_a_broken_file_and_a_wrong_key_are_told_together(tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/one.yaml").write_text("id: one\ncode: [\n", encoding="utf-8")
    (tmp_path / "modules/two.yaml").write_text(
        MODULE.replace("ask_if", "askif").replace("id: wrong", "id: two")
    )
    from survey_toolkit.instruments import check_folder

    found = [f for f in check_folder(tmp_path, languages=["en"]) if f.kind == "error"]
    assert any(f.file == "modules/one.yaml" and "not valid YAML" in f.message for f in found)
    assert sum("unknown key 'askif'; did you mean 'ask_if'?" in f.message for f in found) == 4


def test_a_rule_cannot_look_into_another_row(tmp_path):
    from survey_toolkit.instruments.catalogue import read_catalogue

    text = (read_catalogue().root / "modules/example_work.yaml").read_text(encoding="utf-8")
    more = "  - {id: ex_after, type: text, text: Why?, role: text, ask_if: {variable: ex_free, eq: true}}\n"
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/example_work.yaml").write_text(text + more, encoding="utf-8")
    found = questionnaire("example", folder=tmp_path).check()
    assert ["cannot be seen from outside" in f.message for f in found] == [True]


def test_unknown_names_are_answered_with_near_ones():
    with pytest.raises(InstrumentError, match="did you mean 'marriage'"):
        questionnaire("mariage")
    with pytest.raises(InstrumentError, match="unknown language 'xx'"):
        questionnaire("example", ["xx"])
