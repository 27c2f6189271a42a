"""The README's code runs as it stands, and its numbers are the demo's."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import survey_toolkit as st
from survey_toolkit._yaml import load_text
from survey_toolkit.study import StudySpec
from tests.study.conftest import CROSSWALK, person_rows

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def test_two_set_up_commands() -> None:
    (block,) = _blocks("sh setup")
    commands = [line.split("#")[0].strip() for line in block.splitlines() if line.strip()]
    assert commands == ["pip install -e . && survey-toolkit demo", 'pip install -e ".[test]" && pytest']


def test_the_study_example_is_a_study() -> None:
    (block,) = _blocks("yaml")
    assert load_text(block, "README.md").validate(StudySpec).indicators


def test_the_recipe_for_statisticians(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(person_rows()).rename(columns={"w": "weight"})
    frame["q4"] = pd.to_numeric(frame["q4"])
    monkeypatch.chdir(tmp_path)
    st.write_microdata(st.Microdata.from_frame(frame), "person.sav")
    Path("crosswalk.yaml").write_text(CROSSWALK.replace("[w,", "[weight,"), encoding="utf-8")
    scope: dict[str, object] = {}
    exec(compile(_blocks("python")[0], "README.md", "exec"), scope)
    assert isinstance(scope["survey"], st.Survey)


def test_the_recipe_for_notebooks() -> None:
    scope: dict[str, object] = {}
    exec(compile(_blocks("python")[1], "README.md", "exec"), scope)
    lists = scope["lists"]
    assert isinstance(lists, st.CaptureHistories)
    assert lists.n_observed == 2744


def test_every_path_named_exists() -> None:
    root = Path(__file__).parents[1]
    named = re.findall(r"`(survey_toolkit/[\w/.]+|harmonization/[\w/.]+)`", README)
    assert named
    assert [n for n in named if not (root / n).exists()] == []
