"""The XPath of a rule says the same as the rule, on every combination of answers."""

import itertools
import re

import pytest

from survey_toolkit.instruments.routing import (
    AtLeastOf,
    Codes,
    Every,
    Negated,
    Number,
    Unknown,
    evaluate,
    met_xpath,
    not_met_xpath,
    say,
)

etree = pytest.importorskip("lxml.etree")

ONE = Codes("one", ("1",), ("98", "99"))
OTHER = Codes("other", ("1", "2"), ("98",))
MANY = Codes("many", ("3",), ("98",), True)
AGE = Number("age", "ge", 18, ("998",))
ANSWERS = {
    "one": [None, "1", "2", "98"],
    "other": [None, "2", "3", "98"],
    "many": [None, ["1"], ["1", "3"], ["98"]],
    "age": [None, 17, 18, 998],
}
RULES = [
    ONE,
    Negated(ONE),
    MANY,
    Negated(MANY),
    AGE,
    Negated(AGE),
    Unknown("one", ("98", "99")),
    Negated(Unknown("many", ("98",), True)),
    Every((ONE, AGE)),
    AtLeastOf(1, (ONE, MANY)),
    AtLeastOf(2, (ONE, MANY, AGE)),
    AtLeastOf(3, (ONE, MANY, AGE, OTHER)),
    Negated(AtLeastOf(2, (ONE, Negated(MANY), AGE))),
    Every((AtLeastOf(1, (ONE, Negated(OTHER))), Negated(Every((MANY, AGE))))),
]


def _run(xpath: str, answers: dict) -> bool:
    """Evaluate as a form does: a blank is an empty text, a multiple answer is a text with blanks."""
    root = etree.Element("form")
    for name, value in answers.items():
        text = "" if value is None else " ".join(value) if isinstance(value, list) else str(value)
        etree.SubElement(root, name).text = text
    functions = {
        (None, "selected"): lambda _, node, code: code in ("".join(n.text or "" for n in node)).split(),
        (None, "if"): lambda _, test, yes, no: yes if test else no,
    }
    plain = re.sub(r"\$\{(\w+)\}", r"/form/\1", xpath)
    return bool(etree.XPath(f"boolean({plain})", extensions=functions)(root))


@pytest.mark.parametrize("rule", RULES, ids=[str(i) for i in range(len(RULES))])
def test_xpath_is_the_rule(rule):
    seen = set()
    for combination in itertools.product(*ANSWERS.values()):
        answers = dict(zip(ANSWERS, combination, strict=True))
        decided = evaluate(rule, answers)
        seen.add(decided)
        assert _run(met_xpath(rule), answers) == (decided is True), answers
        assert _run(not_met_xpath(rule), answers) == (decided is False), answers
    assert {True, False} <= seen


def test_at_least_counts_the_open_ones():
    rule = AtLeastOf(2, (ONE, MANY, AGE))
    assert evaluate(rule, {"one": "1", "many": ["98"], "age": 17}) is None
    assert evaluate(rule, {"one": "2", "many": ["98"], "age": 17}) is False
    assert evaluate(rule, {"one": "1", "many": ["98"], "age": 40}) is True


def test_refused_is_not_no():
    assert evaluate(Negated(ONE), {"one": "99"}) is None
    assert evaluate(Negated(ONE), {}) is None


def test_rule_in_words():
    names, labels = {"one": "FL1", "age": "CO3"}, {"one": {"1": "Yes"}}
    assert say(AtLeastOf(1, (ONE, AGE)), names, labels) == "FL1 is Yes (1) or CO3 is at least 18"


@pytest.mark.parametrize("name", ["forced_labour_adult", "child_labour", "marriage"])
def test_the_form_as_written_routes_as_the_respondents_were_led(name):
    """The relevant column, evaluated on simulated answers, asks what was answered and no more."""
    from survey_toolkit.instruments import questionnaire, simulate
    from survey_toolkit.instruments.crosswalk import MAIN, tables_of
    from survey_toolkit.instruments.xlsform import xlsform_rows

    form = questionnaire(name, ["en"])
    rows = {row["name"]: row for row in xlsform_rows(form).survey if not row["type"].startswith("end")}
    answers = simulate(form, 12, seed=8, refused=0.05, dont_know=0.05, draws={"age": (5, 60)})
    names = [s.id for s in form.items()]
    main = {row["form_key"]: row for row in answers.rows[MAIN]}
    asked = skipped = 0
    for table in tables_of(form).values():
        for row in answers.rows[table.name]:
            seen = {k: (main[row["form_key"]] | row).get(k) for k in names}
            for step in table.steps:
                if step.item.type == "note":
                    continue
                outer = [f"m_{o}" if i == 0 else o for i, o in enumerate(step.around)]
                conditions = [rows[o].get("relevant", "") for o in (*outer, step.id)]
                shown = all(_run(c, seen) for c in conditions if c)
                assert shown == (step.id in row), (step.id, conditions)
                asked, skipped = asked + shown, skipped + (not shown)
    assert asked > 200
    assert skipped > 100


@pytest.mark.parametrize("name", ["forced_labour_adult", "child_labour", "marriage"])
def test_answers_pass_the_constraints_of_the_form(name):
    from survey_toolkit.instruments import questionnaire, simulate
    from survey_toolkit.instruments.crosswalk import tables_of
    from survey_toolkit.instruments.xlsform import xlsform_rows

    form = questionnaire(name, ["en"])
    rows = {row["name"]: row.get("constraint") for row in xlsform_rows(form).survey}
    answers = simulate(form, 12, seed=8, refused=0.1, dont_know=0.1, draws={"age": (5, 60)})
    checked = 0
    for table in tables_of(form).values():
        for row in answers.rows[table.name]:
            for step in table.steps:
                if rows.get(step.id) and row.get(step.id) is not None and "${" not in rows[step.id]:
                    value = row[step.id]
                    root = etree.Element("form")
                    root.text = " ".join(value) if isinstance(value, list) else str(value)
                    functions = {
                        (None, "selected"): lambda _, node, code: code in (node[0].text or "").split(),
                        (None, "count-selected"): lambda _, node: float(len((node[0].text or "").split())),
                    }
                    assert etree.XPath(f"boolean({rows[step.id]})", extensions=functions)(root), step.id
                    checked += 1
    assert checked > 20
