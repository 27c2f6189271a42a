"""Forms of others, and our own, come in as modules; what has no counterpart is said."""

import pytest
from openpyxl import Workbook

import survey_toolkit as st
from survey_toolkit.errors import InstrumentError
from survey_toolkit.instruments import questionnaire
from survey_toolkit.instruments.importing import import_xlsform
from survey_toolkit.instruments.models import Item, walk
from survey_toolkit.instruments.xpath_rules import NotARule, rule_from_xpath

SURVEY = [
    ["type", "name", "label::English (en)", "label::Khmer (km)", "relevant", "constraint", "required"],
    ["start", "start", "", "", "", "", ""],
    ["geopoint", "place", "Where?", "x", "", "", ""],
    ["integer", "Age.Years", "Age?", "x", "", "(. = 998 or (. >= 0 and . <= 120))", "yes"],
    ["begin group", "work", "Work", "x", "${Age.Years} >= 18", "", ""],
    ["select_one yn", "debt", "Did you owe money?", "x", "", "", "yes"],
    ["select_multiple how", "how", "What was done?", "x", "${debt} = '1' and ${debt} != '98'", "", "no"],
    ["text", "who", "By whom?", "x", "string-length(${how}) > 2", "", ""],
    ["end group", "work", "", "", "", "", ""],
]
CHOICES = [
    ["list_name", "name", "label::English (en)", "label::Khmer (km)"],
    ["yn", 1, "Yes", "x"],
    ["yn", 2, "No", "x"],
    ["yn", 98, "Do not know", "x"],
    ["yn", 99, "Refused", "x"],
    ["how", "a", "Beaten", "x"],
    ["how", "b", "Papers taken", "x"],
]
BINDINGS = {
    "bindings": {
        "debt": {"variable": "pen_debt", "codes": {1: True, 2: False}, "criteria": ["pen.debt"]},
        "how": {"variables": {"a": "pen_violence"}},
    }
}


@pytest.fixture
def workbook(tmp_path):
    book = Workbook()
    book.remove(book.active)
    for name, rows in (("survey", SURVEY), ("choices", CHOICES)):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "Office Form.xlsx")
    return tmp_path / "Office Form.xlsx"


def _items(made):
    return {n.id: n for _, n, _ in walk(made.module.items) if isinstance(n, Item)}


def test_a_form_of_an_office(workbook):
    made = import_xlsform(workbook, claims=["fl_menace"], bindings=BINDINGS)
    items = _items(made)
    assert made.id == "office_form"
    assert list(items) == ["age_years", "debt", "how", "who"]
    assert items["age_years"].missing_codes == {"dk": "998"}
    assert items["age_years"].range == (0, 120)
    assert items["debt"].missing_codes == {"dk": "98", "refused": "99"}
    assert items["how"].codes[0].variable == "pen_violence"
    assert set(made.measured["fl_menace"]) == {"pen.debt", "pen.violence"}
    assert ("pen.wages", ("pen_wages",)) in [(n, v) for n, _, v in made.missing["fl_menace"]]
    notes = "\n".join(made.notes)
    assert "'place' is a geopoint" in notes
    assert "relevant of 'who' is no rule" in notes
    assert "'Age.Years' is called 'age_years'" in notes
    assert "2 of " in made.report()


def test_an_imported_module_can_be_used(workbook, tmp_path):
    made = import_xlsform(workbook, bindings=BINDINGS)
    for place, text in {
        f"modules/{made.id}.yaml": made.text,
        "questionnaires/office.yaml": (
            "id: office\nversion: '1'\ntitle: Office\ntext: Own form.\nlanguages: [en]\nclaims: [pen.debt]\n"
            f"modules:\n  - module: {made.id}\n"
        ),
    }.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text, encoding="utf-8")
    form = questionnaire("office", folder=tmp_path)
    assert form.check() == []
    assert form.step("work").relevant == "(${age_years} != '' and ${age_years} != 998 and ${age_years} >= 18)"


@pytest.mark.parametrize("name", ["example", "forced_labour_adult", "marriage"])
def test_our_own_forms_come_back(name, tmp_path):
    form = questionnaire(name, ["en"])
    file = st.write(form, tmp_path / "own.xlsx", format="xlsform")
    made = import_xlsform(file, claims=form.file.claims)
    items = _items(made)
    for step in form.items():
        if not step.item.asked:
            continue
        back, item = items[step.id], step.item
        assert back.type == item.type
        assert back.text == " ".join(form.text("en", step.used.module.id, f"{step.id}.text").split())
        codes = [c.id for c in back.codes] if isinstance(back.codes, tuple) else []
        assert codes == [c.id for c in form.asked(step.id).choices], step.id
        assert sorted(back.missing_codes.values()) == sorted(item.missing_codes.values()), step.id
        assert (back.ask_if is None) == (not step.relevant), step.id


@pytest.mark.parametrize("text", ["${a} + 1 > 2", "count(${a}) > 1", "${a} = ${b}", "${a} > 'x'", "${a} ="])
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(NotARule):
        rule_from_xpath(text)


def test_bad_files(tmp_path, workbook):
    text = tmp_path / "form.xlsx"
    text.write_text("no workbook")
    with pytest.raises(InstrumentError, match=r"no \.xlsx workbook"):
        import_xlsform(text)
    with pytest.raises(InstrumentError, match="no such file"):
        import_xlsform(tmp_path / "none.xlsx")
    book = Workbook()
    book.save(tmp_path / "empty.xlsx")
    with pytest.raises(InstrumentError, match="no sheet 'survey'"):
        import_xlsform(tmp_path / "empty.xlsx")
    with pytest.raises(InstrumentError, match="did you mean 'debt'"):
        import_xlsform(workbook, bindings={"bindings": {"debts": {"variable": "pen_debt"}}})
    with pytest.raises(InstrumentError, match="did you mean 'pen_debt'"):
        import_xlsform(workbook, bindings={"bindings": {"debt": {"variable": "pen_dept"}}})
