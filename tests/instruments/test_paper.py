"""The paper form: its numbers and skips are those of the electronic form, in HTML and in DOCX."""

from __future__ import annotations

import io
import random
import re
from typing import Any

import pytest

from survey_toolkit.instruments import questionnaire
from survey_toolkit.instruments.models import Repeat
from survey_toolkit.instruments.paper_build import paper_form, paper_lines
from survey_toolkit.instruments.paper_files import docx_file, html_file
from survey_toolkit.instruments.paper_model import PaperForm, words
from survey_toolkit.instruments.paper_routing import Ask, Line, conjuncts, route, walk
from survey_toolkit.instruments.questionnaire import Questionnaire
from survey_toolkit.instruments.routing import (
    AtLeastOf,
    Bound,
    Codes,
    Every,
    Negated,
    Number,
    Unknown,
    evaluate,
)
from survey_toolkit.instruments.steps import Condition, Step
from survey_toolkit.instruments.view_build import form_view

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
YES, NO, REFUSED = "1", "2", "99"


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> Questionnaire:
    return questionnaire(request.param, ["en", "fr", "km"])


# --- routing alone, against the rules themselves ---------------------------------------------------------


def random_rule(draw: random.Random, names: list[str]) -> Bound:
    leaf = Codes(draw.choice(names), (draw.choice((YES, NO)),), (REFUSED,))
    kind = draw.random()
    if kind < 0.55:
        return leaf
    if kind < 0.65:
        return Negated(leaf)
    if kind < 0.8:
        return AtLeastOf(1, (leaf, Codes(draw.choice(names), (YES,), (REFUSED,))))
    if kind < 0.9:
        return Number("number", "ge", 3, ("98",))
    return Unknown(draw.choice(names), (REFUSED,))


def random_form(seed: int) -> list[Ask]:
    draw = random.Random(seed)
    asks = [Ask("number")]
    names: list[str] = []
    for place in range(14):
        parts: tuple[Condition, ...] = ()
        if names:
            wanted = draw.choice((0, 0, 1, 1, 2, 3))
            parts = tuple(Condition(random_rule(draw, names), draw.random() < 0.1) for _ in range(wanted))
        if draw.random() < 0.5:
            parts = (*asks[-1].parts[:2], *parts)
        listed = draw.random() < 0.8
        asks.append(Ask(f"q{place}", tuple(dict.fromkeys(parts)), (YES, NO, REFUSED) if listed else ()))
        names.append(f"q{place}")
    return asks


@pytest.mark.parametrize("block", range(10))
def test_walking_the_lines_asks_what_the_rules_say(block: int) -> None:
    for seed in range(block * 60, block * 60 + 60):
        asks = random_form(seed)
        lines = route(asks)
        draw = random.Random(seed)
        for _ in range(15):
            answers: dict[str, str] = {}
            wanted = []
            for ask in asks:
                if all(part.holds(answers) for part in ask.parts):
                    wanted.append(ask.name)
                    answers[ask.name] = draw.choice(ask.answers or (YES, NO, "5"))
            assert walk(lines, answers) == wanted, f"seed {seed}"


def test_arrows_replace_checks_where_the_answer_settles_them() -> None:
    def is_code(code: str) -> tuple[Condition, ...]:
        return (Condition(Codes("ground", (code,))),)

    asks = [
        Ask("ground", answers=("1", "2", "3", "99")),
        Ask("military", is_code("1"), (YES, NO)),
        Ask("civic", is_code("2"), (YES, NO)),
        Ask("end"),
    ]
    lines = route(asks)
    assert [line.kind for line in lines] == ["ask"] * 4, "every check is settled by the answer to 'ground'"
    assert dict(lines[0].exits) == {"2": 2, "3": 3, "99": 3}
    assert lines[1].otherwise == 3, "after the military question the civic one is passed over"


def test_a_number_is_checked_by_the_interviewer() -> None:
    adult = Condition(Number("age", "ge", 18, ("998",)))
    lines = route([Ask("age"), Ask("work", (adult,)), Ask("end")])
    assert [line.kind for line in lines] == ["ask", "check", "ask", "ask"]
    assert lines[1].rules == (adult,)
    assert dict(lines[1].exits) == {"no": 3}


def test_checks_in_a_row_become_one() -> None:
    first, second = Condition(Number("age", "ge", 5)), Condition(Number("hours", "ge", 1))
    lines = route([Ask("age"), Ask("hours"), Ask("work", (first, second)), Ask("end")])
    assert [line.kind for line in lines] == ["ask", "ask", "check", "ask", "ask"]
    assert lines[2].rules == (first, second)
    assert dict(lines[2].exits) == {"no": 4}


def test_conjunctions_are_split_only_where_unknown_means_skip() -> None:
    both = Every((Codes("a", (YES,)), Codes("b", (YES,))))
    assert len(conjuncts(Condition(both))) == 2
    assert conjuncts(Condition(both, ask_unknown=True)) == (Condition(both, ask_unknown=True),)


# --- paper and electronic form agree ---------------------------------------------------------------------


def printed(form: Questionnaire) -> list[str]:
    """Items that have a line on paper, in order."""
    hidden = {item.name for item in form_view(form).items() if item.kind == "hidden"}
    return [step.id for step in form.items() if step.id not in hidden]


def holds(form: Questionnaire, step: Step, answers: dict[str, Any]) -> bool:
    """Whether the electronic form shows a step: its own conditions, and those of all that is around it."""
    around = [form.step(name) for name in step.around]
    for outer in [*around, step]:
        if not all(condition.holds(answers) for condition in outer.conditions):
            return False
        node = outer.node
        if isinstance(node, Repeat) and isinstance(node.count, str):
            count = answers.get(node.count)
            missing = form.asked(node.count).item.missing_codes.values()
            if count in (None, "") or str(count) in missing or float(count) < 1:
                return False
    return True


def answer_of(form: Questionnaire, step: Step, answers: dict[str, Any], draw: random.Random) -> Any:
    item = step.item
    if step.formula is not None:
        return {True: YES, False: NO, None: ""}[evaluate(step.formula, answers)]
    if item.type in ("select_one", "calculate"):
        codes = (
            [option.code for option in form.options(step.id)]
            if item.type == "select_one" or item.codes
            else []
        )
        return draw.choice([codes[0], *codes]) if codes else ""
    if item.type in ("integer", "decimal"):
        low, high = item.range or (0, 100)
        inside = [str(n) for n in (0, 1, 2, 5, 11, 12, 15, 17, 18, 30) if low <= n <= high]
        return draw.choice([*(inside or [f"{low:.0f}"]), *item.missing_codes.values()])
    return "x"


def answered(form: Questionnaire, seed: int) -> tuple[dict[str, Any], list[str]]:
    """Answers in the order of the electronic form, and the items it showed."""
    draw = random.Random(seed)
    answers: dict[str, Any] = {}
    shown = []
    for step in form.items():
        if holds(form, step, answers):
            shown.append(step.id)
            value = answer_of(form, step, answers, draw)
            answers[step.id] = YES if step.item.role and value == NO and draw.random() < 0.8 else value
    return answers, shown


@pytest.mark.parametrize("seed", range(12))
def test_the_paper_form_asks_what_the_electronic_form_asks(form: Questionnaire, seed: int) -> None:
    lines = paper_lines(form_view(form))
    answers, shown = answered(form, seed)
    on_paper = set(printed(form))
    assert walk(lines, answers) == [name for name in shown if name in on_paper]


def walk_printed(form: Questionnaire, answers: dict[str, Any]) -> list[str]:
    """Follow the printed form: the next line, unless an arrow printed behind the answer names another."""
    paper = paper_form(form_view(form), "en")
    entries = [e for e in paper.entries() if e.kind != "heading"]
    lines = paper_lines(form_view(form))
    assert len(entries) == len(lines)
    at_label = {e.number: place for place, e in enumerate(entries) if e.number}
    say, asked, place = words("en"), [], 0
    while place < len(entries):
        entry, line = entries[place], lines[place]
        if entry.kind == "check":
            holds = all(rule.holds(answers) for rule in line.rules)
            arrow = entry.choices[0 if holds else 1].arrow
        else:
            asked += [entry.name] if entry.kind != "record_end" else []
            given = str(answers.get(entry.name) or "")
            arrow = entry.arrow or next((c.arrow for c in entry.choices if c.code == given), "")
        if arrow == say("end"):
            break
        if arrow == say("end_record"):
            place = next(p for p in range(place, len(entries)) if entries[p].kind == "record_end")
        else:
            place = at_label[arrow] if arrow else place + 1
    return asked


@pytest.mark.parametrize("seed", range(12, 20))
def test_the_arrows_as_printed_lead_where_the_electronic_form_goes(form: Questionnaire, seed: int) -> None:
    answers, shown = answered(form, seed)
    on_paper = set(printed(form))
    assert walk_printed(form, answers) == [name for name in shown if name in on_paper]


def test_answers_with_one_target_are_printed_together() -> None:
    paper = paper_form(form_view(questionnaire("forced_labour_adult", ["en"])), "en")
    entry = next(e for e in paper.entries() if e.name == "spell_country")
    target = next(e.number for e in paper.entries() if e.name == "spell_start_year")
    assert entry.jumps == (("1, 98, 99", target),)
    assert (
        f'1, 98, 99 <span class="arrow">\N{RIGHTWARDS WHITE ARROW}&#8239;{target}'
        in html_file(questionnaire("forced_labour_adult", ["en"])).decode()
    )


def paper_numbers(paper: PaperForm) -> list[tuple[str, str]]:
    return [(e.name, e.number) for e in paper.entries() if e.kind == "question"]


def test_questions_have_the_numbers_of_the_form(form: Questionnaire) -> None:
    paper = paper_form(form_view(form), "en")
    assert paper_numbers(paper) == [(step.id, step.number) for step in form.items() if step.item.asked]
    labels = [e.number for e in paper.entries() if e.number]
    assert len(labels) == len(set(labels)), "no two lines share a number"


def test_every_arrow_names_a_line_further_down(form: Questionnaire) -> None:
    paper = paper_form(form_view(form), "en")
    say = words("en")
    place = {e.number: at for at, e in enumerate(paper.entries()) if e.number}
    arrows = 0
    for at, entry in enumerate(paper.entries()):
        for target in filter(None, [entry.arrow, *(choice.arrow for choice in entry.choices)]):
            arrows += 1
            assert target in (say("end"), say("end_record")) or place[target] > at, (
                f"{entry.number} to {target}"
            )
    assert arrows > 0 or form.id == "interviewer_debrief"


def test_codes_of_a_question_are_those_of_the_form(form: Questionnaire) -> None:
    paper = {e.name: e for e in paper_form(form_view(form), "en").entries() if e.kind == "question"}
    for step in form.items():
        if step.item.asked:
            assert [c.code for c in paper[step.id].choices] == [o.code for o in form.options(step.id)]


def test_no_consent_leads_to_the_end_of_the_visit() -> None:
    paper = paper_form(form_view(questionnaire("forced_labour_adult", ["en"])), "en")
    entries = {e.name: e for e in paper.entries() if e.name}
    stop = entries["note_stop"]
    assert stop.stop
    assert stop.arrow == entries["interview_result"].number


# --- HTML ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def khmer() -> Questionnaire:
    return questionnaire("child_labour", ["km"])


def test_html_shows_numbers_codes_and_arrows() -> None:
    page = html_file(questionnaire("forced_labour_adult", ["en"])).decode()
    for number in ("CV1", "CO1", "LB1", "FL1", "OU1", "CZ1"):
        assert f'<td class="no">{number}</td>' in page
    assert page.count('class="dots"') > 300
    assert page.count("\N{RIGHTWARDS WHITE ARROW}") > 40
    assert "http" not in re.sub(r"<!--.*?-->", "", page), "the page needs no network"


def test_a_language_without_texts_falls_back_and_says_so(khmer: Questionnaire) -> None:
    page = html_file(khmer).decode()
    assert "NOT READY FOR THE FIELD" in page
    assert "Do you agree to take part in this interview?<sup" in page
    assert "សមាមាត្រ" in page, "the official title of indicator 8.7.1 is there in Khmer"
    assert '"Noto Sans Khmer"' in page
    paper = paper_form(form_view(khmer), "km")
    assert 0 < paper.missing < paper.total
    assert sum(entry.text.fallback for entry in paper.entries()) > 60


def test_drafts_are_announced_and_leave_no_english() -> None:
    form = questionnaire("national_survey", ["fr"])
    paper = paper_form(form_view(form), "fr")
    assert paper.missing == 0
    assert paper.draft == paper.total
    assert not [e.number for e in paper.entries() if e.text.fallback]
    assert any("PROVISOIRE" in notice for notice in paper.notices())


def test_english_needs_no_notice() -> None:
    assert paper_form(form_view(questionnaire("marriage", ["en"])), "en").notices() == []


def test_texts_are_escaped(tmp_path: Any) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "questionnaires").mkdir()
    (tmp_path / "modules" / "zz.yaml").write_text(
        'id: zz\ncode: ZZ\nversion: "1.0"\ntitle: "A <b>bold</b> title"\ntext: Test.\nrespondent: nobody\n'
        'items:\n  - {id: zz_one, type: text, text: "<script>alert(1)</script>", role: text}\n',
        encoding="utf-8",
    )
    (tmp_path / "questionnaires" / "zz_form.yaml").write_text(
        'id: zz_form\nversion: "1.0"\ntitle: Test\ntext: Test.\nmodules:\n  - module: zz\n', encoding="utf-8"
    )
    page = html_file(questionnaire("zz_form", ["en"], folder=tmp_path)).decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<b>bold" not in page


# --- DOCX ------------------------------------------------------------------------------------------------


def test_docx_has_the_lines_of_the_html() -> None:
    docx = pytest.importorskip("docx")
    form = questionnaire("marriage", ["en"])
    document = docx.Document(io.BytesIO(docx_file(form)))
    numbers = [row.cells[0].text for table in document.tables for row in table.rows]
    paper = paper_form(form_view(form), "en")
    assert [n for n in numbers if n in {e.number for e in paper.entries()} and n] == [
        e.number for e in paper.entries() if e.number
    ]


def test_docx_names_the_fonts_of_the_script(khmer: Questionnaire) -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document(io.BytesIO(docx_file(khmer)))
    styles = document.styles.element.xml
    assert 'w:cs="Noto Sans Khmer"' in styles
    assert 'w:bidi="km-KH"' in styles
    text = "\n".join(p.text for p in document.paragraphs)
    assert "សមាមាត្រ" in text
    assert "NOT READY FOR THE FIELD" in "\n".join(
        c.text for t in document.tables for r in t.rows for c in r.cells
    )


def test_long_codes_stand_below_each_other_and_every_line_to_write_on_is_drawn() -> None:
    docx = pytest.importorskip("docx")
    form = questionnaire("forced_labour_adult", ["en"])
    entries = list(paper_form(form_view(form), "en").entries())
    long = [e for e in entries if any(len(c.code) > 4 for c in e.choices)]
    assert long
    assert not any(e.narrow for e in long)
    assert any(e.narrow for e in entries)
    body = docx.Document(io.BytesIO(docx_file(form))).element.body.xml
    borders = re.findall(r"<w:pBdr>(.*?)</w:pBdr>", body, re.S)
    assert len(borders) > 5
    assert all("<w:bottom" in b and "<w:between" in b for b in borders)


def test_the_same_form_gives_the_same_lines() -> None:
    form = questionnaire("referral_log", ["en"])
    assert html_file(form) == html_file(questionnaire("referral_log", ["en"]))
    lines: list[Line] = paper_lines(form_view(form))
    assert lines == paper_lines(form_view(questionnaire("referral_log", ["en"])))
