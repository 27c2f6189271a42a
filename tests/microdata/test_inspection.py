"""An inspection tells what a file holds without showing a small count, or anything of a person."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.microdata import (
    Microdata,
    MissingCode,
    Variable,
    find_identifiers,
    guess_roles,
    inspect_data,
    read_microdata,
    strip_identifiers,
    write_microdata,
)

N = 60
SECRETS = ("Somchai Jaidee", "+855 12 345 678", "somchai@example.org", "11.55637 104.92821", "120345678901")


@pytest.fixture
def people() -> Microdata:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "hh_id": [f"{i:05}" for i in range(N)],
            "respName": [f"{SECRETS[0]} {i}" for i in range(N)],
            "q9": [f"+855 12 345 6{i:02}" for i in range(N)],
            "q10": [f"p{i}@example.org" for i in range(N)],
            "location": [f"11.55{i:03} 104.92{i:03} 0 5" for i in range(N)],
            "q12": [f"1203456789{i:02}" for i in range(N)],
            "remarks": [f"She told that the {i} others in the house were never paid" for i in range(N)],
            "phone_owned": [1, 2] * (N // 2),
            "sexo": [1] * 30 + [2] * 27 + [9] * 3,
            "edad": rng.integers(5, 60, N),
            "fexp": rng.gamma(3, 40, N),
            "upm": np.repeat(np.arange(12), 5),
            "estrato": np.repeat(np.arange(3), 20),
            "horas": [98] * 6 + list(rng.integers(0, 40, N - 6)),
            "number_text": [str(i) for i in range(N)],
        }
    )
    sexes = {1: "Hombre", 2: "Mujer", 9: "NO SABE", 3: "Otro"}
    labelled = [
        Variable(name="sexo", label="Sexo", value_labels=sexes),
        Variable(name="phone_owned", label="Owns a mobile phone", value_labels={1: "Yes", 2: "No"}),
    ]
    return Microdata.from_frame(frame, labelled, name="people.sav")


def test_identifiers_are_named_with_their_kind(people: Microdata) -> None:
    found = {i.name: i.kind for i in find_identifiers(people)}
    assert found == {
        "respName": "name",
        "q9": "phone",
        "q10": "e-mail",
        "location": "position",
        "q12": "document",
        "remarks": "free text",
    }


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("ឈ្មោះអ្នកឆ្លើយ", "name"),
        ("ชื่อ-นามสกุล", "name"),
        ("Họ và tên", "name"),
        ("姓名", "name"),
        ("Name of the head of household", "name"),
        ("Địa chỉ", "address"),
        ("Número de teléfono", "phone"),
        ("National ID card number", "document"),
    ],
)
def test_identifiers_by_label_in_many_languages(label: str, kind: str) -> None:
    data = Microdata.from_frame(pd.DataFrame({"q": ["a b", "c d"]}), [Variable(name="q", label=label)])
    assert [i.kind for i in find_identifiers(data)] == [kind]


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("q1", "Does the child have a birth certificate with name of father", [1, 2, 1]),
        ("industry", "Industry", ["Agriculture", "Construction", "Agriculture"]),
        ("KEY", "", ["uuid:4b0a", "uuid:99aa", "uuid:17fe"]),
        ("hhid", "Household number", ["0101", "0102", "0103"]),
        ("id_hogar", "", [f"01015000000{i:05}" for i in range(20)]),
        ("upm", "Unidad primaria de muestreo", ["010150000001", "010150000001", "010150000002"] * 5),
        ("area_code", "", ["010150000001", "010150000001", "010150000002"] * 5),
    ],
)
def test_what_names_nobody_is_left(name: str, label: str, values: list[object]) -> None:
    data = Microdata.from_frame(pd.DataFrame({name: values}), [Variable(name=name, label=label)])
    assert find_identifiers(data) == ()


def test_strip_removes_and_tells(people: Microdata, tmp_path: Path) -> None:
    bare = strip_identifiers(people, also=["upm"], keep=["remarks"])
    assert not {"respName", "q9", "q10", "location", "q12", "upm"} & set(bare.frame.columns)
    assert "remarks" in bare.frame.columns
    assert bare.notes[-1] == "identifiers removed: respName, q9, q10, location, q12, upm"
    file = write_microdata(strip_identifiers(people), tmp_path / "bare.csv")
    text = file.read_text(encoding="utf-8")
    assert not [s for s in SECRETS if s in text]
    assert find_identifiers(read_microdata(file)) == ()


def test_strip_tells_a_wrong_name_and_a_key(people: Microdata) -> None:
    with pytest.raises(SurveyToolkitError, match=r"no such column[\s\S]*'upn'[\s\S]*did you mean 'upm'"):
        strip_identifiers(people, also=["upn"])
    with pytest.raises(SurveyToolkitError, match="a key cannot be removed"):
        strip_identifiers(people.replace(keys=("hh_id",)), also=["hh_id"])


def test_roles_are_guessed_with_reasons_and_not_applied(people: Microdata) -> None:
    best = {}
    for guess in guess_roles(people):
        best.setdefault(guess.role, guess)
    assert {r: g.name for r, g in best.items()} == {
        "weight": "fexp", "psu": "upm", "stratum": "estrato", "sex": "sexo", "age": "edad",
    }  # fmt: skip
    assert best["psu"].reason == "the name is used for it; 12 groups of 5 rows"
    assert "the labels of its codes are male and female" in best["sex"].reason


@pytest.mark.parametrize(
    ("name", "label", "role"),
    [("bw", "Weight of the child in kg", "weight"), ("am", "Age at first marriage", "age")],
)
def test_a_word_that_means_something_else_is_no_guess(name: str, label: str, role: str) -> None:
    data = Microdata.from_frame(pd.DataFrame({name: [12.5, 30.0, 14.0]}), [Variable(name=name, label=label)])
    assert [g for g in guess_roles(data) if g.role == role] == []


def test_codebook_hides_small_counts_and_people(people: Microdata) -> None:
    seen = inspect_data(people)
    shown = {c.code: (c.shown, c.reason) for c in seen.variable("sexo").codes}
    assert shown["9"] == ("<5", "dk")
    # a second count is hidden, or the total would give the small one away
    assert [c.shown for c in seen.variable("sexo").codes].count("·") == 1
    assert seen.variable("sexo").missing_shown == {"dk": "<5"}
    assert seen.variable("sexo").valid_shown == "·"  # 57 of 60
    page, plain = seen.to_html(), json.dumps(seen.to_dict(), ensure_ascii=False)
    for text in (page, plain, repr(seen)):
        assert not [s for s in SECRETS if s in text]
        assert "never paid" not in text
    assert "http" not in page.replace("https://www.w3.org", "")
    assert "identifier: name" in page
    assert seen.variable("edad").low is not None
    assert seen.variable("respName").low is None
    with pytest.raises(SurveyToolkitError, match="did you mean 'edad'"):
        seen.variable("edat")


def test_suspicious_things_are_told(people: Microdata) -> None:
    told = {(s.name, s.what) for s in inspect_data(people).suspicions}
    assert ("horas", "98 (6 rows) looks like a missing code that is not declared") in told
    assert ("number_text", "numbers stored as text") in told


def test_codes_without_label_and_labels_with_markup() -> None:
    frame = pd.DataFrame({"q": [1] * 9 + [2] * 8 + [7] * 5})
    data = Microdata.from_frame(
        frame,
        [Variable(name="q", label="<b>Q</b>", value_labels={1: "<script>x</script>", 2: "No", 3: "Other"})],
    )
    seen = inspect_data(data)
    assert [s.what for s in seen.suspicions] == ["codes without a label: 7 (5 rows)"]
    assert "<script>x" not in seen.to_html()
    assert "&lt;script&gt;" in seen.to_html()
    assert [(c.code, c.shown) for c in seen.variable("q").codes] == [
        ("1", "9"),
        ("2", "8"),
        ("3", "0"),
        ("7", "5"),
    ]


@settings(max_examples=50, deadline=None)
@given(codes=st.lists(st.sampled_from([1, 2, 3, 8, 9, None]), min_size=1, max_size=60))
def test_the_codebook_adds_up_and_hides(codes: list[int | None]) -> None:
    data = Microdata.from_frame(
        pd.DataFrame({"q": pd.array(codes, dtype="Int64")}),
        [Variable(name="q", value_labels={1: "a", 2: "b", 9: "DK"}, missing=(MissingCode(low=8, high=8),))],
    )
    whole = inspect_data(data, threshold=1).variables[0]
    assert (whole.n_valid or 0) + sum(n or 0 for n in whole.missing.values()) == len(codes)
    profile = inspect_data(data).variables[0]
    assert profile.n_valid in (None, whole.n_valid)
    assert all(n in (None, whole.missing[reason]) for reason, n in profile.missing.items())
    counts = pd.Series(codes, dtype="Int64").value_counts()
    for code in profile.codes:
        n = int(counts.get(int(code.code), 0))
        assert code.count in (None, n)
        assert not (0 < n < 5 and code.count is not None)
    small = {str(code) for code, n in counts.items() if n < 5}
    assert {c.code for c in profile.codes if c.hidden == "<5"} in (small, set())
    assert small <= {c.code for c in profile.codes if c.hidden}
