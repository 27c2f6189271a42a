"""Every shipped questionnaire is without error, measures what it claims, and loads on tablets."""

import shutil

import pytest

import survey_toolkit as st
from survey_toolkit.instruments import check_folder, questionnaire, read_catalogue
from survey_toolkit.instruments.validation import validate_xlsform
from survey_toolkit.instruments.xlsform import language_column, xlsform, xlsform_rows

NAMES = sorted(read_catalogue().questionnaires)


def test_no_error_in_any_file():
    found = [f for f in check_folder(languages=["en"]) if f.kind != "gap"]
    assert [str(f) for f in found] == []


@pytest.mark.parametrize("name", NAMES)
def test_claims_are_measured_and_sensitive_questions_guarded(name):
    coverage = questionnaire(name).coverage()
    assert [str(g) for g in coverage.gaps] == []
    assert all(row.measured for row in coverage.rows)
    assert all(consent and privacy for _, consent, privacy in coverage.sensitive)


@pytest.mark.parametrize("name", NAMES)
def test_pyxform_takes_the_form_in_several_languages(name):
    assert validate_xlsform(xlsform(questionnaire(name, ["en", "fr", "km"])), odk=False) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="ODK Validate needs Java")
@pytest.mark.parametrize("name", NAMES)
def test_odk_validate_takes_the_form_in_all_languages_and_each_alone(name):
    form = questionnaire(name)
    assert validate_xlsform(xlsform(form), odk=True) == []
    for language in form.languages:
        assert validate_xlsform(xlsform(questionnaire(name, [language])), odk=False) == []


@pytest.mark.skipif(shutil.which("java") is None, reason="ODK Validate needs Java")
def test_odk_validate_takes_the_example():
    assert validate_xlsform(xlsform(questionnaire("example")), odk=True) == []


def test_no_cell_of_any_language_is_empty():
    form = questionnaire("marriage")
    rows = xlsform_rows(form)
    for row in (*rows.survey, *rows.choices):
        for column in ("label", "hint", "constraint_message", "required_message"):
            filled = [bool(row.get(f"{column}::{language_column(x)}")) for x in form.languages]
            assert len(set(filled)) == 1, (row.get("name"), column)
    assert all(row["name"] for row in rows.survey)


def test_a_broken_form_is_found_out(tmp_path):
    from openpyxl import load_workbook

    file = st.write(questionnaire("example"), tmp_path / "form.xlsx", format="xlsform")
    book = load_workbook(file)
    sheet = book["survey"]
    column = next(c for c in range(1, sheet.max_column + 1) if sheet.cell(1, c).value == "relevant")
    line = next(r for r in range(2, sheet.max_row + 1) if sheet.cell(r, column).value)
    sheet.cell(line, column).value = "${nobody_asks_this} = '1'"
    book.save(file)
    assert any("nobody_asks_this" in problem for problem in validate_xlsform(file.read_bytes(), odk=False))


def test_parameters_choose_the_window():
    form = questionnaire("example")
    text = form.text("en", "example_work", "ex_any_job.text")
    assert "the last 5 years" in text
    assert "{" not in text
