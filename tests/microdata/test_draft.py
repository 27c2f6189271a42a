"""A drafted crosswalk does not load before a person has finished it, and loads and runs afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata import (
    Microdata,
    Variable,
    draft_crosswalk,
    harmonize,
    load_crosswalk,
)
from survey_toolkit.standards import load

from .test_shipped_crosswalks import raw


@pytest.fixture
def lfs() -> Microdata:
    yes = {1: "Sí", 2: "No", 9: "No sabe"}
    frame = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "nombre": ["A B", "C D", "E F"],
            "p01": [1, 2, 2],
            "p02": [9, 14, 99],
            "dominio": [1, 2, 1],
            "p10": [1, 2, 9],
            "p11": [10, 98, 0],
            "civil": [1, 5, 6],
            "fexp": [1.5, 2.5, 3.5],
            "upm": [1, 1, 2],
            "result: x": [1, 1, 2],
        }
    )
    return Microdata.from_frame(
        frame,
        [
            Variable(name="p01", label="Sexo", value_labels={1: "Hombre", 2: "Mujer"}),
            Variable(name="p02", label="Edad en años cumplidos", value_labels={99: "No responde"}),
            Variable(name="dominio", label="Área", value_labels={1: "Urbano", 2: "Rural"}),
            Variable(name="p10", label="¿Trabajó la semana pasada?", value_labels=yes),
            Variable(name="p11", label="Horas trabajadas", value_labels={98: "No sabe"}),
            Variable(name="civil", label="Estado civil", value_labels={1: "Soltero", 5: "Unido", 6: "Viudo"}),
            Variable(
                name="result: x", label="Result of interview", value_labels={1: "Completed", 2: "Refused"}
            ),
        ],
        name="enaho.sav",
    )


def test_suggestions_come_with_their_reason(lfs: Microdata) -> None:
    text = draft_crosswalk(lfs)
    assert "# suggested: the label of p01 holds 'sexo'; the codes of p01 are labelled like it" in text
    assert "recode: {1: M, 2: F}" in text
    assert "recode: {1: U, 2: R}" in text
    assert "        recode: {1: true, 2: false}\n" in text
    assert "        No sabe: dk\n" in text
    assert "        No responde: no_response\n" in text
    assert "keep: [fexp, upm]" in text
    assert '# filter: {variable: "result: x", eq: 1}' in text
    assert "# open: 1 is 'Soltero'; 5 is 'Unido'; 6 is 'Viudo'. Values: true, false" in text
    assert "recode: {1: <open>, 5: <open>, 6: <open>}" in text
    assert "# Names a person, and never to be kept: nombre" in text


def test_no_respondents_text_is_in_the_draft(lfs: Microdata) -> None:
    assert "C D" not in draft_crosswalk(lfs)


def test_a_draft_does_not_load_and_every_open_place_is_told(lfs: Microdata, tmp_path: Path) -> None:
    file = tmp_path / "walk.yaml"
    text = draft_crosswalk(lfs)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(HarmonizationError, match=r"the draft has [0-9]+ open places") as caught:
        load_crosswalk(file, registry=load())
    lines = {int(m) for m in re.findall(r"walk\.yaml:([0-9]+):", str(caught.value))}
    wanted = {
        i for i, line in enumerate(text.splitlines(), 1) if "<open>" in line.split(" #")[0] and line[0] != "#"
    }
    assert lines == wanted
    assert "levels.person.targets.ever_in_union.recode.5" in str(caught.value)


def test_a_finished_draft_loads_and_harmonizes(lfs: Microdata, tmp_path: Path) -> None:
    text = draft_crosswalk(lfs, id="per_enaho_2024")
    text = text.replace("title: <open>", "title: ENAHO").replace("code: <open>", "code: PER")
    text = text.replace("survey: <open>", "survey: ENAHO").replace("period: <open>", 'period: "2024"')
    text = text.replace("file_key: [<open>]", "file_key: [id]")
    text = text.replace("{1: <open>, 5: <open>, 6: <open>}", "{1: false, 5: true, 6: true}")
    # what the file does not hold is declared so
    text = text.replace("source: <open>", "status: impossible")
    file = tmp_path / "walk.yaml"
    file.write_text(text, encoding="utf-8")
    made = harmonize(lfs, file)
    assert made.frame["sex"].to_list() == ["M", "F", "F"]
    assert made.frame["ever_in_union"].to_list() == [False, True, True]
    assert made.frame["age__missing"].dropna().to_list() == ["no_response"]
    assert made.frame["ea_hours__missing"].dropna().to_list() == ["dk"]


@pytest.mark.parametrize(
    ("name", "level"),
    [("mics6_child_5_17", "person"), ("dhs_standard_recode", "person"), ("ecu_enemdu_2021q1", "person")],
)
def test_drafts_of_the_known_layouts_find_the_columns_of_the_shipped_crosswalks(
    name: str, level: str
) -> None:
    shipped = load_crosswalk(name, registry=load()).levels[level]
    text = draft_crosswalk(raw(name, level))
    drafted = dict(
        re.findall(r"^      (\w+):\n(?:        #.*\n)*        source: (\S+)", text, flags=re.MULTILINE)
    )
    same = [t for t in ("sex", "age", "urbanisation", "ea_hours", "age_first_union") if t in shipped.targets]
    told = {t: shipped.targets[t].source for t in same if shipped.targets[t].source}
    assert told
    assert {t: drafted[t] for t in told} == told


@pytest.mark.parametrize("level", ["household", "job", "episode"])
def test_other_levels_are_drafted_too(lfs: Microdata, level: str) -> None:
    assert f"  {level}:\n" in draft_crosswalk(lfs, level=level)


def test_awkward_names_and_labels_stay_yaml(tmp_path: Path) -> None:
    raw_data = Microdata.from_frame(
        pd.DataFrame({"no": [1, 2], 'a"b: #': [1, 2]}),
        [
            Variable(name="no", label="Sex\nof: person # 1", value_labels={1: "Male", 2: "Female"}),
            Variable(name='a"b: #', label="Urban", value_labels={1: "Urban", 2: "Rural", 9: "N/A"}),
        ],
    )
    text = (
        draft_crosswalk(raw_data)
        .replace("code: <open>", "code: KHM")
        .replace("source: <open>", "status: impossible")
    )
    text = text.replace("[<open>]", "[]").replace("<open>", "x")
    file = tmp_path / "walk.yaml"
    file.write_text(text, encoding="utf-8")
    assert harmonize(raw_data, file).frame["urbanisation"].to_list() == ["U", "R"]
