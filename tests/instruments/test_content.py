"""The shipped questions: complete, bound, behind consent, honest about every translated cell."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from survey_toolkit import standards
from survey_toolkit.instruments import questionnaire, read_catalogue
from survey_toolkit.instruments.catalogue import cells_of, fingerprint
from survey_toolkit.instruments.models import Item, Repeat, walk

CATALOGUE = read_catalogue()
SHIPPED = sorted(name for name in CATALOGUE.questionnaires if name != "example")
MODULES = {name: p.model for name, p in CATALOGUE.modules.items() if not name.startswith("example")}
OTHERS = ["km", "lo", "my", "th", "vi", "zh-Hans"]
OFFICIAL = {
    f"texts.{name}"
    for name in (
        "indicator_8_7_1",
        "indicator_16_2_2",
        "indicator_5_3_1",
        "target_8_7",
        "target_16_2",
        "target_5_3",
    )
}
WANTED = [
    "cover",
    "consent",
    "household_roster",
    "family_network",
    "labour",
    "forced_labour_adult",
    "forced_labour_child",
    "child_labour",
    "trafficking",
    "marriage",
    "state_imposed",
    "network_scale_up",
    "list_experiment",
    "respondent_driven",
    "outcome",
    "referral",
    "debrief",
]


def items(module: str) -> dict[str, Item]:
    return {n.id: n for _, n, _ in walk(MODULES[module].items) if isinstance(n, Item)}


def test_every_module_is_there_and_used() -> None:
    assert set(WANTED) <= set(MODULES)
    used = {use.module for name in SHIPPED for use in CATALOGUE.questionnaires[name].model.modules}
    assert set(MODULES) == used
    assert CATALOGUE.problems == []


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_wrong_in_english_french_and_spanish(name: str) -> None:
    assert [str(finding) for finding in questionnaire(name, ["en", "fr", "es"]).check()] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_each_gap_of_the_other_languages_is_told(name: str) -> None:
    form = questionnaire(name, ["en", "vi"])
    kinds = Counter(finding.kind for finding in form.check())
    assert set(kinds) == {"gap"}
    assert kinds["gap"] > len([s for s in form.items() if s.item.asked])


def test_claims_are_measured() -> None:
    coverage = questionnaire("national_survey", ["en"]).coverage()
    assert len(coverage.rows) > 100
    assert all(row.measured for row in coverage.rows)
    assert all(consent and privacy for _, consent, privacy in coverage.sensitive)
    assert len(coverage.sensitive) > 100


def test_criteria_of_the_claimed_lists_have_a_question_of_their_own() -> None:
    registry = standards.load()
    bound = {
        c
        for module in MODULES.values()
        for _, n, _ in walk(module.items)
        if isinstance(n, Item)
        for c in n.criteria
    }
    for module in MODULES.values():
        for claim in module.measures:
            wanted = {c.id for c in registry.criteria(claim).criteria}
            assert wanted <= bound, f"{module.id} claims {claim}"


@pytest.mark.parametrize("language", ["fr", "es"])
def test_french_and_spanish_are_whole_and_marked_as_drafts(language: str) -> None:
    for name in [*MODULES, "lists", "questionnaires"]:
        cells = CATALOGUE.translations[language, name].model.cells
        assert {cell.status for cell in cells.values()} == {"draft"}, name
        if name in MODULES:
            english = {key: text for key, text, _ in cells_of(MODULES[name])}
            assert set(cells) == set(english)
            stale = [key for key, cell in cells.items() if cell.english != fingerprint(english[key])]
            assert stale == []


@pytest.mark.parametrize("language", ["fr", "es"])
def test_translations_keep_their_parameters_and_are_no_copies(language: str) -> None:
    same = []
    for name, module in MODULES.items():
        cells = CATALOGUE.translations[language, name].model.cells
        for key, text, _ in cells_of(module):
            translated = cells[key].text or ""
            wanted = sorted(re.findall(r"\{\w+\}", text))
            assert sorted(re.findall(r"\{\w+\}", translated)) == wanted, f"{name}: {key}"
            same += [key] if translated == text and len(text) > 12 else []
    assert same == []


@pytest.mark.parametrize("language", OTHERS)
def test_other_languages_hold_official_titles_only(language: str) -> None:
    found = {}
    for name in [*MODULES, "lists", "questionnaires"]:
        for key, cell in CATALOGUE.translations[language, name].model.cells.items():
            if cell.status != "missing":
                found[f"{key}"] = cell
    assert set(found) == (set() if language in ("th", "vi") else OFFICIAL)
    assert all(cell.by and "open-sdg" in cell.by for cell in found.values())
    assert "approved" not in {cell.status for cell in found.values()}


def test_behaviour_comes_first_and_the_label_question_last() -> None:
    for module, label in (("forced_labour_adult", "felt_forced"), ("marriage", "ever_forced_to_marry")):
        order = [id for id, item in items(module).items() if item.type != "calculate"]
        assert order[-1] == label
    words = re.compile(r"\b(traffick|slave|victim|forced labour)", re.IGNORECASE)
    for module in ("forced_labour_adult", "trafficking", "marriage", "forced_labour_child", "state_imposed"):
        for item in items(module).values():
            assert not words.search(item.text or ""), f"{item.id} uses a label instead of a behaviour"


def test_menace_is_asked_with_its_exposure_and_agent() -> None:
    asked = items("forced_labour_adult")
    for means in ("violence", "movement", "debt", "wages", "documents", "vulnerability"):
        assert asked[f"pen_{means}"].criteria == (f"pen.{means}",)
        assert asked[f"pen_{means}_exposure"].variable == f"pen_{means}_exposure"
        assert asked[f"pen_{means}_agent"].variable == f"pen_{means}_agent"


def test_involuntariness_and_menace_are_asked_about_the_same_job() -> None:
    around = {
        n.id: [g.id for g in groups if isinstance(g, Repeat)]
        for _, n, groups in walk(MODULES["forced_labour_adult"].items)
        if isinstance(n, Item)
    }
    linked = [id for id in around if id.startswith(("inv_", "pen_", "c29_"))]
    assert len(linked) > 40
    assert {tuple(around[id]) for id in linked} == {("jobs",)}


def test_arm_of_the_list_is_drawn_once_and_kept() -> None:
    arm = items("list_experiment")["list_arm"]
    assert arm.calculate is not None
    assert arm.calculate.random == 2
    assert arm.variable == "list_arm"
    asked = questionnaire("hidden_population", ["en"]).asked("list_arm")
    assert [choice.value for choice in asked.choices] == ["control", "treatment"]


def test_sexual_exploitation_of_a_child_is_never_asked_of_others() -> None:
    form = questionnaire("child_labour", ["en"])
    rules = form.sentence(form.step("wfcl_sexual"))
    assert "The person" in rules


def test_debrief_and_referral_stand_apart() -> None:
    assert MODULES["debrief"].apart
    assert MODULES["referral"].apart
    for name in SHIPPED:
        used = {use.module for use in CATALOGUE.questionnaires[name].model.modules}
        assert not used & {"debrief", "referral"} or len(used) == 1


def test_the_reference_period_is_a_parameter() -> None:
    year = questionnaire("forced_labour_adult", ["en", "fr"])
    five = questionnaire("national_survey", ["en", "fr"])
    assert "the last 12 months" in year.text("en", "labour", "worked_pay.text")
    assert "the last five years" in five.text("en", "labour", "worked_pay.text")
    assert "les cinq dernières années" in five.text("fr", "labour", "worked_pay.text")


def test_names_are_fit_for_every_package() -> None:
    for module in MODULES.values():
        for _, node, _ in walk(module.items):
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,31}", node.id)


def test_no_question_asks_for_a_name_or_a_place_on_the_map() -> None:
    for module in MODULES.values():
        for _, node, _ in walk(module.items):
            if isinstance(node, Item) and node.type == "text":
                assert node.role in ("text", "context") or node.variable
                assert not re.search(
                    r"\bname of the (person|respondent|child)\b", node.text or "", re.IGNORECASE
                )
