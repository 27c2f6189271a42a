"""Further traps of survey files: what a naive reader makes of each is shown beside what is read here."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import time
import unicodedata
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest

from survey_toolkit.errors import DataFileError, SurveyToolkitWarning
from survey_toolkit.microdata import (
    Microdata,
    Variable,
    read_metadata,
    read_microdata,
    write_microdata,
)

from .test_traps import _sav, _with_bytes, cp1258

BANK = Path(os.environ.get("SURVEY_TOOLKIT_REFERENCE", "/nonexistent")) / "files" / "data"


def test_every_kind_of_spss_declaration(tmp_path: Path) -> None:
    """One code, a range, a range and a code, a text code: pyreadstat gives none of them unasked."""
    file = tmp_path / "m.sav"
    frame = pd.DataFrame({"a": [9.0, 1.0], "b": [98.0, 1.0], "c": [97.0, 0.0], "d": ["ZZ", "x"]})
    ranges = {
        "a": [9.0],
        "b": [{"lo": 97.0, "hi": 99.0}],
        "c": [{"lo": 97.0, "hi": 99.0}, 0.0],
        "d": ["ZZ"],
    }
    pyreadstat.write_sav(frame, str(file), missing_ranges=ranges)
    naive, meta = pyreadstat.read_sav(str(file))
    assert meta.missing_ranges == {}
    assert naive["a"].isna().to_list() == [True, False]
    back = read_microdata(file)
    assert {n: [(m.low, m.high) for m in v.missing] for n, v in back.variables.items()} == {
        "a": [(9, 9)],
        "b": [(97, 99)],
        "c": [(97, 99), (0, 0)],
        "d": [("ZZ", "ZZ")],
    }
    assert back.frame["a"].to_list() == [9, 1]


def test_stata_tags_stand_beside_whole_numbers(tmp_path: Path) -> None:
    """pyreadstat either drops .a to .z or makes a column of Python objects in which letters stand."""
    file = tmp_path / "t.dta"
    made = pd.DataFrame({"x": pd.Series([1, "a", 3, "z"], dtype=object)})
    pyreadstat.write_dta(made, str(file), missing_user_values={"x": ["a", "z"]})
    assert pyreadstat.read_dta(str(file))[0]["x"].isna().sum() == 2
    assert pyreadstat.read_dta(str(file), user_missing=True)[0]["x"].to_list() == [1, "a", 3, "z"]
    back = read_microdata(file)
    assert pd.api.types.is_numeric_dtype(back.frame["x"].dtype)
    assert back.frame["x__missing"].fillna("").to_list() == ["", ".a", "", ".z"]
    assert [m.low for m in back.variables["x"].missing] == [".a", ".z"]


def test_whole_numbers_are_no_objects(tmp_path: Path) -> None:
    file = tmp_path / "i.dta"
    made = Microdata.from_frame(
        pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int16")}),
        [Variable(name="a", value_labels={1: "x"})],
    )
    frame = pd.DataFrame({"a": pd.Series([1, None, 3], dtype="Int16")})
    pyreadstat.write_dta(frame, str(file))
    assert pyreadstat.read_dta(str(file))[0]["a"].dtype in (object, "float64")
    assert str(read_microdata(write_microdata(made, file)).frame["a"].dtype) == "Int64"


def test_labels_of_decimal_and_text_codes(tmp_path: Path) -> None:
    """SPSS labels 1.5 and 'F'; Stata cannot, and that is said rather than lost."""
    made = Microdata.from_frame(
        pd.DataFrame({"d": [1.5, 2.0], "t": ["M", "F"]}),
        [
            Variable(name="d", value_labels={1.5: "half", 2: "two"}),
            Variable(name="t", value_labels={"M": "Male", "F": "Female"}),
        ],
    )
    back = read_microdata(write_microdata(made, tmp_path / "f.sav"))
    assert back.variables["d"].value_labels == {1.5: "half", 2: "two"}
    assert back.variables["t"].value_labels == {"M": "Male", "F": "Female"}
    with pytest.raises(pyreadstat.ReadstatError, match="incompatible"):
        pyreadstat.write_dta(
            pd.DataFrame({"d": [1.5]}), str(tmp_path / "n.dta"), variable_value_labels={"d": {1.5: "half"}}
        )
    with pytest.warns(SurveyToolkitWarning, match=r"labels only for whole numbers: d:"):
        write_microdata(made, tmp_path / "f.dta")
    assert read_microdata(tmp_path / "f.dta").variables["d"].value_labels == {2: "two"}


@pytest.mark.parametrize("shown", ["MOYR8", "QYR8", "WKYR10", "MONTH9"])
def test_months_and_quarters_stay_numbers(tmp_path: Path, shown: str) -> None:
    """They are seconds for a month, not for a day: no date is made of them, and the format is kept."""
    file = tmp_path / "q.sav"
    pyreadstat.write_sav(pd.DataFrame({"m": [13_800_000_000.0]}), str(file), variable_format={"m": shown})
    back = read_microdata(file)
    assert back.frame["m"].to_list() == [13_800_000_000]
    assert back.variables["m"].format == shown


def test_time_beyond_a_day(tmp_path: Path) -> None:
    file = tmp_path / "t.sav"
    pyreadstat.write_sav(pd.DataFrame({"h": [90_000.0]}), str(file), variable_format={"h": "TIME8"})
    naive = pyreadstat.read_sav(str(file))[0]["h"].to_list()[0]
    assert (naive.hour, naive.minute) == (1, 0)
    assert read_microdata(file).frame["h"].to_list() == [90_000]


@pytest.mark.parametrize(
    ("extension", "text"), [(".sav", "x" * 32_767), (".sav", "ខ" * 5_000), (".dta", "ខ" * 5_000)]
)
def test_long_texts(tmp_path: Path, extension: str, text: str) -> None:
    made = Microdata.from_frame(pd.DataFrame({"t": [text, "short", ""]}))
    assert read_microdata(write_microdata(made, tmp_path / f"f{extension}")).frame["t"].to_list() == [
        text, "short", "",
    ]  # fmt: skip


@pytest.mark.parametrize("extension", [".sav", ".dta"])
def test_bytes_that_are_no_utf8_are_named_and_can_be_read(tmp_path: Path, extension: str) -> None:
    """pyreadstat raises UnicodeDecodeError and the file is lost."""
    file = write_microdata(
        Microdata.from_frame(pd.DataFrame({"t": ["ok", "xx__yy", "é"]})), tmp_path / f"f{extension}"
    )
    _with_bytes(file, {"xx__yy": b"xx\xff\xfeyy"})
    read = pyreadstat.read_sav if extension == ".sav" else pyreadstat.read_dta
    with pytest.raises((UnicodeDecodeError, pyreadstat.ReadstatError, pyreadstat.PyreadstatError)):
        read(str(file))
    with pytest.raises(DataFileError) as caught:
        read_microdata(file)
    assert caught.value.code == "encoding"
    assert "xx" not in str(caught.value)
    assert read_microdata(file, encoding="latin-1").frame["t"].to_list()[1] == "xxÿþyy"


def test_names_that_formats_refuse(tmp_path: Path) -> None:
    for name, extension in (("x" * 65, ".sav"), ("WITH", ".sav"), ("x" * 40, ".dta"), ("a b", ".dta")):
        made = Microdata.from_frame(pd.DataFrame({name: [1]}))
        with pytest.raises(DataFileError) as caught:
            write_microdata(made, tmp_path / f"f{extension}")
        assert caught.value.code == "unwritable"
    made = Microdata.from_frame(pd.DataFrame({"ភេទ": [1]}))
    assert list(read_microdata(write_microdata(made, tmp_path / "k.sav")).variables) == ["ភេទ"]


def test_unknown_columns_are_told(tmp_path: Path) -> None:
    file = tmp_path / "f.sav"
    pyreadstat.write_sav(pd.DataFrame({"hours": [1.0]}), str(file))
    assert list(pyreadstat.read_sav(str(file), usecols=["hours", "hour"])[0].columns) == ["hours"]
    with pytest.raises(DataFileError, match="did you mean 'hours'"):
        read_microdata(file, columns=["hours", "hour"])


def _wide(n: int) -> bytes:
    """An SPSS file of one row and ``n`` variables, byte by byte."""
    header = b"$FL2" + b"@(#) SPSS DATA FILE".ljust(60) + struct.pack("<iiiiid", 2, n, 0, 0, 1, 100.0)
    header += b"01 Jan 2412:00:00" + bytes(64) + bytes(3)
    shown = 5 << 16 | 8 << 8
    records = [struct.pack("<6i", 2, 0, 0, 0, shown, shown) + b"V%-7d" % i for i in range(n)]
    return header + b"".join(records) + struct.pack("<ii", 999, 0) + struct.pack("<d", 1.0) * n


def test_metadata_of_thirty_two_thousand_variables_at_once(tmp_path: Path) -> None:
    """pyreadstat takes 25 seconds for them."""
    file = tmp_path / "w.sav"
    file.write_bytes(_wide(32_767))
    read_metadata(file)  # starts the child
    begun = time.process_time()
    meta = read_metadata(file)
    assert len(meta.variables) == 32_767
    assert meta.n_rows == 1
    assert time.process_time() - begun < 8


def test_rows_are_not_declared_everywhere(tmp_path: Path) -> None:
    for writer, extension in ((pyreadstat.write_por, ".por"), (pyreadstat.write_xport, ".xpt")):
        file = tmp_path / f"f{extension}"
        writer(pd.DataFrame({"X": [1.0, 2.0]}), str(file))
        assert read_metadata(file).n_rows is None
        assert read_microdata(file).n_rows == 2


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_stata_versions(tmp_path: Path, version: int) -> None:
    file = tmp_path / "f.dta"
    pyreadstat.write_dta(pd.DataFrame({"x": [1.5, 2.5], "t": ["a", "b"]}), str(file), version=version)
    assert read_microdata(file).frame["x"].to_list() == [1.5, 2.5]


def test_an_unknown_stata_version_is_named(tmp_path: Path) -> None:
    file = tmp_path / "f.dta"
    pyreadstat.write_dta(pd.DataFrame({"x": [1.0]}), str(file))
    file.write_bytes(re.sub(rb"<release>\d+", b"<release>131", file.read_bytes()))
    with pytest.raises(DataFileError, match=r"version that is not known here[\s\S]*Stata format 131"):
        read_microdata(file)


TEXTS = {
    "tcvn": ("Giới tính", "Nữ", "Hà Nội"),
    "cp1133": ("ເພດຂອງເດັກ", "ຊາຍ", "ວຽງຈັນ"),
    "cp874": ("เพศของเด็ก", "หญิง", "กรุงเทพมหานคร"),
    "gb18030": ("儿童性别", "女", "北京市"),
    "big5": ("兒童性別", "女", "臺北市"),
    "koi8-r": ("Пол ребёнка", "муж", "Москва"),
    "cp1252": ("Género del niño", "niña", "Bogotá"),
}


def _in(codec: str, folder: Path, extension: str) -> Path:
    """A file that declares no encoding, or windows-1252, with texts in another."""
    label, code, place = TEXTS[codec]
    sizes = [len(text.encode(codec)) for text in (label, code, place)]
    plain = ["L" * (sizes[0] + 2), "C" * (sizes[1] + 3), "P" * (sizes[2] + 4)]
    file = folder / f"f{extension}"
    frame = pd.DataFrame({"sex": [1, 2], "place": [plain[2], "other"]})
    more = {"column_labels": {"sex": plain[0]}, "variable_value_labels": {"sex": {2: plain[1]}}}
    if extension == ".dta":
        pyreadstat.write_dta(frame, str(file), version=10, **more)
        content = file.read_bytes()
        for text, old in zip((label, code, place), plain, strict=True):
            raw = text.encode(codec)
            content = content.replace(old.encode(), raw + bytes(len(old) - len(raw)))
        file.write_bytes(content)
        return file
    pyreadstat.write_sav(frame, str(file), **more)
    return _with_bytes(
        file, {old: text.encode(codec) for text, old in zip((label, code, place), plain, strict=True)}
    )


@pytest.mark.parametrize("extension", [".sav", ".dta"])
@pytest.mark.parametrize("codec", TEXTS)
def test_old_encodings_when_they_are_said(tmp_path: Path, codec: str, extension: str) -> None:
    """Label, value label and cell are exact: no letter moves, none is replaced."""
    back = read_microdata(_in(codec, tmp_path, extension), encoding=codec)
    label, code, place = (unicodedata.normalize("NFC", text) for text in TEXTS[codec])
    assert back.variables["sex"].label == label
    assert back.variables["sex"].value_labels == {2: code}
    assert back.frame["place"].to_list() == [place, "other"]


@pytest.mark.parametrize("codec", ["tcvn", "cp1133", "cp874", "gb18030", "big5"])
def test_old_stata_files_in_asian_code_pages_are_not_read_as_western(tmp_path: Path, codec: str) -> None:
    """Other readers take windows-1252 in silence; here the guess is said with its confidence, or asked."""
    file = _in(codec, tmp_path, ".dta")
    try:
        naive = pyreadstat.read_dta(str(file))[0]["place"].to_list()[0]
    except UnicodeDecodeError:
        naive = ""
    assert naive != TEXTS[codec][2]
    refused = ""
    try:
        back = read_microdata(file)
    except DataFileError as error:
        refused = str(error)
    if refused:
        assert "give the encoding" in refused
        assert codec in refused
    else:
        assert any(codec in note and "confidence" in note for note in back.notes)
        assert back.frame["place"].to_list()[0] == TEXTS[codec][2]


def test_a_letter_moves_in_other_readers(tmp_path: Path) -> None:
    """windows-1258 through the C library's own conversion: the last letter of each text opens the next."""
    file = _sav(tmp_path, "LABEL___LABEL", "CODE", ["PLACE_A__", "PLACE_B__"])
    _with_bytes(file, {"PLACE_A__": cp1258("Hà Nội"), "PLACE_B__": cp1258("Đà Nẵng")})
    naive = pyreadstat.read_sav(str(file), encoding="WINDOWS-1258")[0]
    assert list(naive.columns) == ["ESE", "XPLAC"]
    back = read_microdata(file, encoding="cp1258")
    assert list(back.variables) == ["SEX", "PLACE"]
    assert back.frame["PLACE"].to_list() == ["Hà Nội", "Đà Nẵng"]


def test_thai_declared_western_is_suspected(tmp_path: Path) -> None:
    content = _in("cp874", tmp_path, ".sav").read_bytes()
    at = content.index(struct.pack("<iii", 7, 20, 1))
    size = struct.unpack_from("<i", content, at + 12)[0]
    record = struct.pack("<iiii", 7, 20, 1, 12) + b"windows-1252"
    (tmp_path / "f.sav").write_bytes(content[:at] + record + content[at + 16 + size :])
    back = read_microdata(tmp_path / "f.sav")
    assert any("declares windows-1252, but its text looks like cp874 (Thai" in note for note in back.notes)


@pytest.mark.parametrize("encoding", ["vni", "limon", "zawgyi"])
def test_fonts_that_are_no_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "f.csv").write_bytes(b"a\n\xe9\n")
    with pytest.raises(DataFileError, match="unknown text encoding"):
        read_microdata(tmp_path / "f.csv", encoding=encoding)


def _dies(file: Path) -> bool:
    """Whether pyreadstat, in a process of its own, ends otherwise than by an answer."""
    program = (
        "import sys, pyreadstat\ntry:\n pyreadstat.read_sav(sys.argv[1], metadataonly=True)\n"
        "except Exception:\n sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, timeout=60)
    return done.returncode not in (0, 3)


def test_labels_that_kill_the_c_library_are_one_message(tmp_path: Path) -> None:
    file = tmp_path / "f.sav"
    labels = struct.pack("<iid8sd8s", 3, 2, 1.0, b"\x03yes    ", 2.0, b"\x02no     ")
    content = _wide(2)
    at = content.index(struct.pack("<ii", 999, 0))
    encoding = struct.pack("<iiii", 7, 20, 1, 5) + b"UTF-8"
    file.write_bytes(content[:at] + labels + struct.pack("<iii", 4, 1, 999) + encoding + content[at:])
    assert _dies(file) or pyreadstat.__version__ != "1.3.7"
    with pytest.raises(DataFileError, match="variable 999, which does not exist"):
        read_microdata(file)


def test_a_string_without_its_continuation(tmp_path: Path) -> None:
    """Width 255 declared, and the records of its other units are not there."""
    content = bytearray(_wide(3))
    content[176 + 4 : 176 + 8] = (255).to_bytes(4, "little")
    (tmp_path / "f.sav").write_bytes(bytes(content))
    with pytest.raises(DataFileError, match="lacks its continuation records"):
        read_microdata(tmp_path / "f.sav")
    content[176 + 4 : 176 + 8] = (4_000).to_bytes(4, "little")
    (tmp_path / "f.sav").write_bytes(bytes(content))
    with pytest.raises(DataFileError, match="declares width 4000"):
        read_microdata(tmp_path / "f.sav")


def test_transport_files_cut_at_a_row_lose_no_rows_in_silence(tmp_path: Path) -> None:
    """pyreadstat gives the rows that are left, as if there were no others."""
    file = tmp_path / "f.xpt"
    pyreadstat.write_xport(pd.DataFrame({"X": [float(i) for i in range(100)]}), str(file))
    content = file.read_bytes()
    file.write_bytes(content[:-130])
    assert len(pyreadstat.read_xport(str(file))[0]) < 100
    with pytest.raises(DataFileError, match="not a multiple of 80"):
        read_microdata(file)


def test_a_portable_file_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "f.por"
    pyreadstat.write_por(pd.DataFrame({"X": [float(i) for i in range(400)]}), str(file))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(DataFileError):
        read_microdata(file)


def test_flipped_bits_in_values_change_the_checksum(tmp_path: Path) -> None:
    """No reader can see them; the trace can."""
    file = tmp_path / "f.sav"
    file.write_bytes(_wide(3))
    first = read_microdata(file)
    content = bytearray(file.read_bytes())
    content[-2] ^= 8
    file.write_bytes(bytes(content))
    second = read_microdata(file)
    assert first.frame.equals(second.frame) is False
    assert first.source.sha256 != second.source.sha256


@pytest.mark.parametrize("n_rows", [2_000_000_000, 2**31 - 1])
def test_declared_rows_cost_nothing_until_they_are_there(tmp_path: Path, n_rows: int) -> None:
    content = bytearray(_wide(3))
    struct.pack_into("<i", content, 80, n_rows)
    (tmp_path / "f.sav").write_bytes(bytes(content))
    begun = time.monotonic()
    with pytest.raises(DataFileError, match=f"1 rows of {n_rows:,} declared"):
        read_microdata(tmp_path / "f.sav")
    pyreadstat.write_dta(pd.DataFrame({"x": [1.0]}), str(tmp_path / "f.dta"))
    content = bytearray((tmp_path / "f.dta").read_bytes())
    struct.pack_into("<Q", content, content.index(b"<N>") + 3, n_rows)
    (tmp_path / "f.dta").write_bytes(bytes(content))
    with pytest.raises(DataFileError) as caught:
        read_microdata(tmp_path / "f.dta")
    assert caught.value.code in ("truncated", "damaged")
    assert time.monotonic() - begun < 20


def test_a_workbook_with_entities(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.save(tmp_path / "b.xlsx")
    with zipfile.ZipFile(tmp_path / "b.xlsx") as old, zipfile.ZipFile(tmp_path / "e.xlsx", "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith("sheet1.xml"):
                text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + text
            new.writestr(name, text)
    with pytest.raises(DataFileError, match="its XML defines entities"):
        read_microdata(tmp_path / "e.xlsx")


@pytest.mark.reference
@pytest.mark.skipif(not BANK.is_dir(), reason="SURVEY_TOOLKIT_REFERENCE names no file bank")
def test_a_catalog_replaces_no_value() -> None:
    """pyreadstat puts the label in the place of the value; nothing here can write a SAS file to show it."""
    import json

    index = json.loads((BANK.parent / "index.json").read_text("utf-8"))["files"]
    shown = 0
    for entry in index:
        if not entry.get("catalog") or entry["wanted"] != "accept":
            continue
        file, catalog = BANK.parent / entry["path"], BANK / entry["catalog"]
        back = read_microdata(file, catalog=catalog)
        naive, _ = pyreadstat.read_sas7bdat(str(file), catalog_file=str(catalog), user_missing=True)
        for name, variable in back.variables.items():
            labels = set(variable.value_labels.values())
            replaced = {cell for cell in naive[name].dropna() if isinstance(cell, str)} & labels
            if replaced and pd.api.types.is_numeric_dtype(back.frame[name].dtype):
                shown += 1
                tags = set(back.frame[f"{name}__missing"].dropna())
                assert {variable.value_labels.get(tag) for tag in tags} >= replaced
    assert shown
