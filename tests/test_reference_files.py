"""A bank of real, odd and malformed files through ``read_microdata``; official figures from file to figure.

The bank is named by SURVEY_TOOLKIT_REFERENCE; its folder ``files`` holds ``index.json``, what another
reader found in each file, and the behaviour wanted of a reader. Any folder of that layout can be given.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.estimation import Survey, SurveyDesign
from survey_toolkit.microdata import (
    Crosswalk,
    Microdata,
    Variable,
    classify,
    convert_to_parquet,
    harmonize,
    read_catalog,
    read_metadata,
    read_microdata,
)
from survey_toolkit.microdata._layouts import read_layout

from .file_bank import BankFile, differences, open_bank, stands_against_the_other_reader

BANK = Path(os.environ.get("SURVEY_TOOLKIT_REFERENCE", "/nonexistent")) / "files"
if not BANK.is_dir():
    pytest.skip("SURVEY_TOOLKIT_REFERENCE names no file bank", allow_module_level=True)
pytestmark = pytest.mark.reference

FILES = open_bank(BANK)
#: What may be read without its rows: everything but the value labels of SAS and the layouts.
TABLES = [f for f in FILES if f.entry["format"] != "sas7bcat" and f.entry["category"] != "layout"]
COMPANIONS = [f for f in FILES if f not in TABLES]
#: Longest time one file of the bank may take, in seconds; all are below 4 MiB.
PATIENCE = 30.0


def _answer(file: BankFile) -> Microdata | DataFileError:
    """Microdata or the one error a reader may raise; anything else fails the test by itself."""
    begun = time.monotonic()
    try:
        return file.read()
    except DataFileError as error:
        return error
    finally:
        assert time.monotonic() - begun < PATIENCE


def _check_content(file: BankFile, data: Microdata) -> None:
    expected = file.expected()
    assert data.source.sha256 == file.entry["sha256"]
    if "nrow" not in expected:
        assert data.n_rows > 0
        assert data.variables
        if "truth" not in expected:
            observed = expected.get("observed_other_readers") or {}
            shapes = {(o["rows"], o["cols"]) for o in observed.values() if o.get("ok")}
            assert not shapes or (data.n_rows, len(data.variables)) in shapes
            return
        expected = {**expected, "nrow": data.n_rows}
    found = differences(data, expected)
    assert not found or stands_against_the_other_reader(file, data, list(found)), found


@pytest.mark.parametrize("file", TABLES, ids=lambda f: f.id)
def test_every_file_gets_the_answer_it_wants(file: BankFile) -> None:
    answer = _answer(file)
    refused = isinstance(answer, DataFileError)
    wanted = file.wanted
    if wanted in ("reject", "limit", "explain", "reject-or-ask-encoding"):
        assert refused, f"read: {answer}"
        assert str(answer).startswith(file.path.name)
        assert wanted != "limit" or answer.code == "too-large"
        return
    if refused:
        assert str(answer).startswith(file.path.name)
        assert answer.code != "DataFileError"
        assert wanted in ("reject-or-warn", "no-crash", "accept-or-explain", "accept-with-encoding"), str(
            answer
        )
        assert wanted != "accept-with-encoding" or answer.code == "encoding"
        return
    if wanted in ("reject-or-warn", "accept-with-warning", "accept-with-encoding"):
        assert answer.notes, "read without a word"
    if wanted not in ("no-crash", "reject-or-warn", "accept-with-warning"):
        _check_content(file, answer)


@pytest.mark.parametrize("file", [f for f in TABLES if f.wanted == "accept-with-warning"], ids=lambda f: f.id)
def test_what_a_note_advises_gives_the_truth(file: BankFile) -> None:
    data, expected = file.read(), file.expected()
    advised = re.search(r"encoding='([\w-]+)'", " ".join(data.notes))
    truth = expected.get("truth") or {}
    if "value_labels" in truth:
        assert advised, data.notes
        data = file.read(encoding=advised.group(1))
    if "unicode_equivalent" in truth:
        assert any("Zawgyi" in note for note in data.notes)
    if "nrow" in expected:
        assert not differences(data, expected)


@pytest.mark.parametrize(
    "file", [f for f in TABLES if f.wanted == "accept-with-encoding"], ids=lambda f: f.id
)
def test_the_encoding_can_be_given(file: BankFile) -> None:
    expected = file.expected()
    given = expected["truth"]["encoding"]
    data = file.read(encoding=given)
    assert not differences(data, expected)
    assert not any("does not declare" in note for note in data.notes)


@pytest.mark.parametrize("file", COMPANIONS, ids=lambda f: f.id)
def test_catalogs_and_layouts_are_read(file: BankFile) -> None:
    if file.entry["format"] == "sas7bcat":
        assert all(labels for labels in read_catalog(file.path).values())
        assert read_catalog(file.path)
    else:
        assert read_layout(file.path).records[0].fields


@pytest.mark.parametrize("file", [f for f in TABLES if f.wanted == "accept"], ids=lambda f: f.id)
def test_metadata_alone_and_on_the_way_to_parquet_is_the_same(file: BankFile, tmp_path: Path) -> None:
    data = file.read()
    if data.source.format == "fixed":
        return
    catalog = BANK / "data" / file.entry["catalog"] if file.entry.get("catalog") else None
    alone = read_metadata(file.path, catalog=catalog)
    assert list(alone.variables) == list(data.variables)
    assert alone.n_rows in (None, data.n_rows)
    assert {n: (v.label, v.value_labels) for n, v in alone.variables.items()} == _meaning(data)
    back = read_microdata(convert_to_parquet(file.path, tmp_path / "t.parquet", catalog=catalog))
    assert _meaning(back) == _meaning(data)
    assert list(back.frame.columns) == list(data.frame.columns)
    for name in data.frame:
        ours, theirs = data.frame[name], back.frame[name]
        assert ours.isna().to_list() == theirs.isna().to_list(), name
        assert ours.dropna().to_list() == theirs.dropna().to_list(), name


def _meaning(data: Microdata) -> dict[str, tuple[str, dict[object, str]]]:
    described: dict[str, Variable] = dict(data.variables)
    return {name: (v.label, dict(v.value_labels)) for name, v in described.items()}


ENEMDU = json.loads((BANK / "official" / "ecu_enemdu_2021q1_children.json").read_text("utf-8"))["exact"]
LEVELS = {"p02": ("sex", {"1": "M", "2": "F"}), "area": ("urbanisation", {"1": "U", "2": "R"})}


@pytest.fixture(scope="module", params=[".sav", ".zsav"])
def enemdu(request: pytest.FixtureRequest) -> dict[str, Microdata]:
    raw = read_microdata(BANK / "data" / f"ecu_enemdu_2021q1_children_5_17{request.param}")
    children = harmonize(raw, "ecu_enemdu_2021q1")
    return {
        "emp": children,
        "cl_gt": classify(children, "child_labour", "sdg-2021"),
        "cl": classify(children, "child_labour", "mics6"),
    }


@pytest.mark.parametrize("key", ["emp", "cl_gt", "cl"])
def test_enemdu_weighted_proportions(enemdu: dict[str, Microdata], key: str) -> None:
    frame = enemdu[key].frame
    name = "ea_any" if key == "emp" else "child_labour_a"
    weight, met = frame["fexp"].astype(float), frame[name].astype(float)
    expected = ENEMDU["values"][key]
    assert len(frame) == ENEMDU["n"]
    assert (weight * met).sum() == pytest.approx(expected["total"], rel=1e-10)
    assert (weight * met).sum() / weight.sum() == pytest.approx(expected["estimate"], rel=1e-10)
    compared = 0
    for by in ("p02", "area", "grp"):
        column, codes = LEVELS.get(by, ("age_band", {}))
        for cell in expected[by]:
            here = frame[column] == codes.get(cell["level"], cell["level"])
            share = (weight * met)[here].sum() / weight[here].sum()
            assert share == pytest.approx(cell["estimate"], rel=1e-10)
            compared += 1
    for cell in expected["p02_by_grp"]:
        here = (frame["sex"] == LEVELS["p02"][1][cell["p02"]]) & (frame["age_band"] == cell["grp"])
        assert (weight * met)[here].sum() / weight[here].sum() == pytest.approx(cell["estimate"], rel=1e-10)
        compared += 1
    assert compared == 13


def test_enemdu_account(enemdu: dict[str, Microdata]) -> None:
    classified = enemdu["cl_gt"]
    assert classified.status("chores_hours") == "impossible"
    assert "child_labour_b" not in classified.frame
    assert any("child_labour_b" in note and "not classified" in note for note in classified.notes)
    assert (classified.frame["child_labour_a__status"] == "undetermined").sum() == 0
    assert classified.frame["upm"].nunique() == 3729
    assert classified.frame["estrato"].nunique() == 150
    for entry in classified.audit:
        assert entry.n_in == entry.n_valid + sum(entry.missing.values()) + sum(entry.unmapped.values())


DHS = json.loads((BANK / "official" / "dhs_model_men.json").read_text("utf-8"))
TABLE_4_3 = DHS["table_4_3_men_percent_first_married_by_exact_age"]


@pytest.fixture(scope="module")
def men() -> Microdata:
    """Men of the DHS model data set, harmonized from the file itself."""
    raw = read_microdata(BANK / DHS["files"][0])
    crosswalk = Crosswalk.model_validate(
        {
            "id": "dhs_model_men",
            "title": "DHS model data set, men",
            "country": {"code": "XXX"},
            "survey": "DHS model data set",
            "period": "phase 6",
            "levels": {
                "person": {
                    "keep": ["mv005", "mv021", "mv023", "mv501"],
                    "targets": {
                        "age": {"source": "mv012"},
                        "ever_in_union": {"rule": {"variable": "mv501", "gt": 0}},
                        "age_first_union": {"source": "mv511", "blank": "not_applicable"},
                    },
                }
            },
        }
    )
    return harmonize(raw, crosswalk)


def _survey(data: Microdata, **columns: object) -> Survey:
    frame = data.frame.assign(weight=data.frame["mv005"] / 1e6, **columns)
    return Survey(frame, SurveyDesign(weight="weight", psu="mv021", strata="mv023", lonely_psu="fail"))


@pytest.mark.parametrize("group", TABLE_4_3)
def test_dhs_table_of_age_at_first_marriage(men: Microdata, group: str) -> None:
    """Every cell of table 4.3, to the decimal printed."""
    low, high = map(int, group.split("-"))
    age, first = men.frame["age"], men.frame["age_first_union"]
    shares = {"never": ~men.frame["ever_in_union"]}
    for cell in TABLE_4_3[group]:
        if cell.startswith("a"):
            shares[cell] = (first < int(cell[1:])).fillna(False)
    survey = _survey(men, inside=age.between(low, high), **shares)
    printed = TABLE_4_3[group]
    for cell in shares:
        found = survey.proportion(cell, where={"inside": True})
        assert round(100 * float(found.estimate[0]) + 1e-9, 1) == pytest.approx(printed[cell], abs=0.051), (
            cell
        )
    weight = (men.frame["mv005"] / 1e6)[age.between(low, high)].sum()
    assert round(weight) == printed["n"]


@pytest.mark.parametrize(("key", "codes"), [("never_married", [0]), ("currently_married", [1, 2])])
def test_dhs_standard_errors(men: Microdata, key: str, codes: list[int]) -> None:
    """The two published standard errors, by Taylor linearization over clusters in strata."""
    printed = DHS["sampling_errors_men_15_49"][key]
    inside = men.frame["age"].between(15, 49)
    found = _survey(men, inside=inside, met=men.frame["mv501"].isin(codes)).proportion(
        "met", where={"inside": True}
    )
    assert round(float(found.estimate[0]), 3) == printed["estimate"]
    assert round(float(found.se[0]), 3) == printed["se"]
    assert int(inside.sum()) == printed["n_unweighted"]
