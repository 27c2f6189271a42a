"""A bank of real, odd and malformed files, through ``read_microdata``; and ENEMDU from file to figure.

The bank is named by SURVEY_TOOLKIT_REFERENCE; its folder ``files`` holds ``index.json`` and what another
reader found in each file. Row counts and column names are compared here for every file of a format this
reader takes; whatever is malformed must end in one ``DataFileError`` or a clean answer.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import Microdata, classify, harmonize, read_microdata
from survey_toolkit.microdata.read import FORMATS

BANK = Path(os.environ.get("SURVEY_TOOLKIT_REFERENCE", "/nonexistent")) / "files"
if not BANK.is_dir():
    pytest.skip("SURVEY_TOOLKIT_REFERENCE names no file bank", allow_module_level=True)
pytestmark = pytest.mark.reference

FILES: list[dict[str, Any]] = [
    f
    for f in json.loads((BANK / "index.json").read_text("utf-8"))["files"]
    if Path(f["id"]).suffix in FORMATS
]
ACCEPTED = [f for f in FILES if f["wanted"] == "accept"]
OTHERS = [f for f in FILES if f["wanted"] != "accept"]

#: Encoding that the file itself does not declare, as its note in the bank says.
GIVEN_ENCODING = {
    "gen_enc_thai_cp874_no_record_cp2.sav": "cp874",
    "gen_enc_thai_cp874_stata10.dta": "cp874",
    "gen_enc_zh_hans_gbk_stata10.dta": "gbk",
    "gen_enc_zh_hans_gbk_stata13.dta": "gbk",
    "gen_csv_thai_cp874.csv": "cp874",
    "gen_csv_zh_hans_gb18030.csv": "gb18030",
    "gen_csv_zh_hant_big5.csv": "big5",
    "ecu_enemdu_2021q1_children_latin1_semicolon.csv": "latin-1",
}


def _expected(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BANK / entry["expected"]).read_text("utf-8"))
    # the bank says where the other reader is shown wrong, and where the truth is known exactly
    corrections = found.get("known_reader_errors") or {}
    return {**found, **{k: v for k, v in corrections.items() if k == "nrow"}}


def _read(entry: dict[str, Any]) -> Microdata:
    return read_microdata(BANK / entry["path"], encoding=GIVEN_ENCODING.get(entry["id"]))


def _answer(entry: dict[str, Any]) -> Microdata | str:
    try:
        return _read(entry)
    except DataFileError as error:
        return str(error)


@pytest.mark.parametrize("entry", ACCEPTED, ids=lambda f: f["id"])
def test_good_files_are_read(entry: dict[str, Any]) -> None:
    data = _read(entry)
    expected = _expected(entry)
    assert data.source.sha256 == entry["sha256"]
    if expected.get("ok"):
        assert data.n_rows == expected["nrow"]
        if "shift the last character" not in str(expected.get("known_reader_errors")):
            assert list(data.variables) == [c["name"] for c in expected["columns"]]


@pytest.mark.parametrize("entry", OTHERS, ids=lambda f: f["id"])
def test_bad_files_end_in_one_answer(entry: dict[str, Any]) -> None:
    answer = _answer(entry)
    if isinstance(answer, Microdata):
        assert entry["wanted"] not in ("limit", "accept-with-encoding") or entry["id"] in GIVEN_ENCODING
    else:
        assert answer.startswith(Path(entry["path"]).name)
        assert "Traceback" not in answer


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
