"""The README's code runs as it stands, and its numbers are the demo's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import survey_toolkit as st
from survey_toolkit._yaml import load_text
from survey_toolkit.study import StudySpec
from tests.docs.test_pages import doc

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_two_set_up_commands() -> None:
    (block,) = _blocks("sh setup")
    commands = [line.split("#")[0].strip() for line in block.splitlines() if line.strip()]
    assert commands == ["pip install -e . && survey-toolkit demo", 'pip install -e ".[test]" && pytest']


def test_the_study_example_is_a_study() -> None:
    (block,) = _blocks("yaml")
    assert load_text(block, "README.md").validate(StudySpec).indicators


def test_the_recipe_for_statisticians(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the files that the demo leaves, of a smaller country."""
    country = st.datasets.simulate_country(seed=2024, n_persons=60_000)
    left = country.draw_sample(seed=2024, n_areas=120).write(tmp_path)
    monkeypatch.chdir(tmp_path)
    block = _blocks("python")[0]
    assert {path.name for path in left.values()} >= set(re.findall(r'read_microdata\("(.*?)"', block))
    scope: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), scope)
    assert isinstance(scope["survey"], st.Survey)
    assert "age_band" in capsys.readouterr().out


def test_the_recipe_for_hidden_populations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands, in an empty folder; the network methods find what is true."""
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(compile(_blocks("python")[2], "README.md", "exec"), scope)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["field", "methods.png"]
    assert (tmp_path / "methods.png").stat().st_size > 10_000
    truth = scope["hidden"].size("forced_labour")
    for found, known in ((scope["kin"].prevalence(), truth / scope["adults"]), (scope["nsum"].size(), truth)):
        assert abs(found.estimate[0] - known) < 4 * found.se[0]
    assert "Comparison of 3 methods" in capsys.readouterr().out


def _typed(section: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Type the commands of a section in order; what each prints. A command that fails is told by its line."""
    text = README.split(f"\n## {section}")[1].split("\n## ")[0]
    printed = []
    for block in doc.blocks(text):
        for line in block.code.splitlines() if block.language == "sh" else ():
            if line.startswith("cd "):
                monkeypatch.chdir(line.removeprefix("cd "))
            else:
                printed.append(doc.run(replace(block, code=line), {}, "README.md"))
    return printed


@pytest.mark.slow
def test_the_commands_after_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    doc.run(doc.Block("sh", "", "survey-toolkit demo", 0), {}, "README.md")
    (publish,) = re.findall(r"`(survey-toolkit publish [^`]+)`", README.split("\n## For a")[0])
    doc.run(doc.Block("sh", "", publish, 0), {}, "README.md")
    assert Path("out/share/figures.json").is_file()  # a second copy of the same figures, and explain bears it
    explained = _typed("What the demo prints", monkeypatch)
    assert len(explained) == 2
    assert "Definition: child_labour@sdg-2021" in explained[0]
    office = _typed("For a statistics office", monkeypatch)
    assert len(office) == 5
    assert "24,513 rows" in office[0]
    assert Path.cwd() == tmp_path / "out/studies/simulated_country_2024"
    assert Path("out/simulated_country_2024/report.html").is_file()


@pytest.mark.slow
def test_the_commands_of_planning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the files of the page that the text names."""
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "how-to" / "plan_a_survey.md"
    assert f"`{page.relative_to(ROOT)}`" in README
    scope: dict[str, object] = {}
    for block in doc.blocks(page.read_text(encoding="utf-8")):
        doc.run(block, scope, page.name)
    printed = _typed("For an office that plans a survey", monkeypatch)
    assert len(printed) == 9
    assert "the draw is the same" in printed[3]
    assert Path("out/forced_labour_adult.fr.html").is_file()


@pytest.mark.slow
def test_the_commands_of_a_secretariat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(_typed("For a secretariat that follows", monkeypatch)) == 4
    assert Path("out/progress.html").is_file()


def test_the_recipe_for_notebooks() -> None:
    scope: dict[str, object] = {}
    exec(compile(_blocks("python")[1], "README.md", "exec"), scope)
    lists = scope["lists"]
    assert isinstance(lists, st.CaptureHistories)
    assert lists.n_observed == 2744


def test_every_path_named_exists() -> None:
    named = re.findall(r"`(survey_toolkit/[\w/.]+|harmonization/[\w/.]+)`", README)
    assert named
    assert [n for n in named if not (ROOT / n).exists()] == []
