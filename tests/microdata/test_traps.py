"""Known traps of survey files, each measured on other readers (they are named), each a test here."""

from __future__ import annotations

import gzip
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import (
    Microdata,
    ReadLimits,
    Variable,
    convert_to_parquet,
    read_metadata,
    read_microdata,
    write_microdata,
)

TONES = "\u0300\u0301\u0303\u0309\u0323"


def cp1258(text: str) -> bytes:
    """Vietnamese as windows-1258 has it: letters with their shape, tone marks loose behind them."""
    out = b""
    for character in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", character)
        tones = "".join(c for c in parts if c in TONES)
        base = unicodedata.normalize("NFC", "".join(c for c in parts if c not in TONES))
        out += base.encode("cp1258") + tones.encode("cp1258")
    return out


def _with_bytes(file: Path, texts: dict[str, bytes]) -> Path:
    """Put other bytes of the same length in the place of plain texts."""
    content = file.read_bytes()
    for plain, raw in texts.items():
        assert content.count(plain.encode()) >= 1
        content = content.replace(plain.encode(), raw.ljust(len(plain)))
    file.write_bytes(content)
    return file


def _sav(folder: Path, label: str, code: str, cells: list[str]) -> Path:
    file = folder / "f.sav"
    frame = pd.DataFrame({"SEX": [1.0, 2.0], "PLACE": cells})
    pyreadstat.write_sav(
        frame, str(file), column_labels={"SEX": label}, variable_value_labels={"SEX": {2.0: code}}
    )
    return file


def test_vietnamese_letters_stay_where_they_are(tmp_path: Path) -> None:
    """ReadStat moves the last character of each windows-1258 text into the next one."""
    file = _sav(tmp_path, "LABEL___LABEL", "CODE", ["PLACE_A__", "PLACE_B__"])
    _with_bytes(
        file,
        {
            "LABEL___LABEL": cp1258("Giới tính"),
            "CODE": cp1258("Nữ"),
            "PLACE_A__": cp1258("Hà Nội"),
            "PLACE_B__": cp1258("Đà Nẵng"),
        },
    )
    back = read_microdata(file, encoding="cp1258")
    assert list(back.variables) == ["SEX", "PLACE"]
    assert back.variables["SEX"].label == "Giới tính"
    assert back.variables["SEX"].value_labels == {2: "Nữ"}
    assert back.frame["PLACE"].to_list() == ["Hà Nội", "Đà Nẵng"]


def test_chinese_bytes_declared_utf8_are_refused_with_a_guess(tmp_path: Path) -> None:
    file = _sav(tmp_path, "LABEL___LABEL", "CODECODE", ["PLACE_A__", "PLACE_B__"])
    texts = {"LABEL___LABEL": "性别", "CODECODE": "不知道", "PLACE_A__": "北京市", "PLACE_B__": "昆明市"}
    _with_bytes(file, {plain: text.encode("gbk") for plain, text in texts.items()})
    with pytest.raises(DataFileError, match=r"declares utf-8 but its text is not[\s\S]*gb18030 \(Chinese"):
        read_microdata(file)
    assert read_microdata(file, encoding="gbk").variables["SEX"].label == "性别"


def test_zawgyi_is_named(tmp_path: Path) -> None:
    """Zawgyi is sound UTF-8 and wrong text; nothing else tells it."""
    for label, named in (("က်ား", True), ("ျမန္မာ", True), ("ကျား", False), ("မြန်မာနိုင်ငံ", False)):
        made = Microdata.from_frame(pd.DataFrame({"q": [1]}), [Variable(name="q", label=label)])
        back = read_microdata(write_microdata(made, tmp_path / "z.sav"))
        assert any("Zawgyi" in note for note in back.notes) == named, label


def test_declared_ranges_are_there_unasked(tmp_path: Path) -> None:
    """pyreadstat returns no missing specification unless user_missing=True."""
    file = tmp_path / "m.sav"
    ranges = {"x": [{"lo": 97.0, "hi": 99.0}, 0.0]}
    pyreadstat.write_sav(pd.DataFrame({"x": [1.0, 98.0, 0.0]}), str(file), missing_ranges=ranges)
    assert pyreadstat.read_sav(str(file))[1].missing_ranges == {}
    back = read_microdata(file)
    assert [(m.low, m.high) for m in back.variables["x"].missing] == [(97, 99), (0, 0)]
    assert back.frame["x"].to_list() == [1, 98, 0]


def test_one_wild_date_does_not_cost_the_file(tmp_path: Path) -> None:
    file = tmp_path / "d.sav"
    frame = pd.DataFrame(
        {"wild": [13_800_000_000.0, 1e18], "far": [13_800_000_000.0, 6.34e12], "x": [1.0, 2.0]}
    )
    pyreadstat.write_sav(frame, str(file), variable_format={"wild": "DATE11", "far": "DATE11"})
    with pytest.raises((OverflowError, ValueError)):
        pyreadstat.read_sav(str(file))
    back = read_microdata(file)
    assert back.frame["wild"].to_list() == [13_800_000_000, 10**18]
    assert "date variable 'wild' was left as numbers" in back.notes[0]
    assert back.frame["far"].dt.year.to_list()[0] == 2020


def test_time_beyond_a_day_does_not_wrap(tmp_path: Path) -> None:
    """pyreadstat shows 25 hours as 01:00; hours worked stored as TIME would be wrong in silence."""
    file = tmp_path / "t.sav"
    pyreadstat.write_sav(pd.DataFrame({"h": [90_000.0, -5.0]}), str(file), variable_format={"h": "TIME8"})
    assert read_microdata(file).frame["h"].to_list() == [90_000, -5]


def test_whole_stata_numbers_with_missing_stay_whole(tmp_path: Path) -> None:
    """pyreadstat makes Python objects of them, at four times the memory."""
    file = tmp_path / "i.dta"
    frame = pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int16")})
    pd.DataFrame({"a": frame["a"].astype("float32")}).to_stata(file, write_index=False)
    made = Microdata.from_frame(frame, [Variable(name="a", value_labels={1: "one"})])
    back = read_microdata(write_microdata(made, tmp_path / "j.dta"))
    assert str(back.frame["a"].dtype) == "Int64"
    assert back.frame["a"].isna().to_list() == [False, True, False]
    assert read_microdata(file).frame["a"].isna().sum() == 1


def test_portable_files_keep_their_missing_codes(tmp_path: Path) -> None:
    """pyreadstat has no option for them and returns nulls."""
    file = tmp_path / "p.por"
    pyreadstat.write_por(pd.DataFrame({"Q1": [1.0, 9.0, 97.5, None], "T": ["a", "b", "", "d"]}), str(file))
    raw = file.read_bytes().replace(b"\r\n", b"").replace(b"\n", b"")
    start = raw.index(b"70/2/Q1") + 7
    at = start
    for _ in range(6):  # behind the two formats of the variable
        at = raw.index(b"/", at) + 1
    changed = raw[:at] + b"89/" + b"B37/39/" + raw[at:]  # 9, and 97 to 99 in base 30
    lines = [changed[i : i + 80] for i in range(0, len(changed), 80)]
    file.write_bytes(b"\r\n".join([*lines[:-1], lines[-1].ljust(80, b"Z"), b""]))
    back = read_microdata(file)
    assert [(m.low, m.high) for m in back.variables["Q1"].missing] == [(9, 9), (97, 99)]
    assert back.frame["Q1"].dropna().to_list() == [1.0, 9.0, 97.5]
    assert back.frame["Q1"].isna().to_list() == [False, False, False, True]
    assert back.frame["T"].to_list() == ["a", "b", "", "d"]


def test_labels_of_a_variable_that_is_not_there(tmp_path: Path) -> None:
    """pyreadstat dies by a signal, even when only metadata are asked for."""
    file = _sav(tmp_path, "x", "CODE", ["a", "b"])
    content = bytearray(file.read_bytes())
    at = content.index((4).to_bytes(4, "little") + (1).to_bytes(4, "little") + (1).to_bytes(4, "little"))
    content[at + 8 : at + 12] = (999).to_bytes(4, "little")
    file.write_bytes(bytes(content))
    with pytest.raises(DataFileError, match="variable 999, which does not exist"):
        read_metadata(file)


def test_rows_beyond_those_declared_are_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    file = tmp_path / "n.sav"
    pyreadstat.write_sav(frame, str(file))
    content = bytearray(file.read_bytes())
    content[80:84] = (2).to_bytes(4, "little")
    file.write_bytes(bytes(content))
    back = read_microdata(file)
    assert back.n_rows == 2
    assert "more rows than the 2 its header declares" in back.notes[0]


def test_identifiers_that_excel_has_rounded_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["hhid", "code"], [123456789012345678, "001"], [123456789012345679, "002"]):
        book.active.append(row)
    book.save(tmp_path / "i.xlsx")
    back = read_microdata(tmp_path / "i.xlsx")
    assert "column 'hhid' holds numbers of more than 15 digits" in back.notes[0]
    assert back.frame["code"].to_list() == ["001", "002"]


def test_workbooks_are_read_under_limits(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.active["XFD1048576"] = 1
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(DataFileError, match="beyond the header"):
        read_microdata(tmp_path / "far.xlsx")
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 300_000_000)
    with pytest.raises(DataFileError, match=r"unpacks to more than the limit"):
        read_microdata(tmp_path / "bomb.xlsx")
    book = openpyxl.Workbook()
    book.active.append(["d", "m", "empty"])
    book.active.append([pd.Timestamp("2024-02-29").to_pydatetime(), 1.5, None])
    book.create_sheet("Second").append(["b"])
    book.save(tmp_path / "two.xlsx")
    back = read_microdata(tmp_path / "two.xlsx")
    assert back.frame["d"].to_list() == [pd.Timestamp("2024-02-29")]
    assert "others: Sheet, Second" in back.notes[0]
    assert list(read_microdata(tmp_path / "two.xlsx", table="Second").variables) == ["b"]


@pytest.mark.parametrize("extension", [".sav", ".dta", ".csv"])
def test_gzip_is_unpacked_under_limits(survey: Microdata, tmp_path: Path, extension: str) -> None:
    file = write_microdata(survey, tmp_path / f"f{extension}")
    packed = tmp_path / f"f{extension}.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    pd.testing.assert_frame_equal(read_microdata(packed).frame, read_microdata(file).frame)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DataFileError, match=r"\.gz archive is damaged or was cut off"):
        read_microdata(packed)
    packed.write_bytes(gzip.compress(bytes(10_000_000)))
    with pytest.raises(DataFileError, match="unpacks to more than the limit"):
        read_microdata(packed, limits=ReadLimits(file_bytes=100_000))


@pytest.mark.parametrize("extension", [".sav", ".zsav", ".dta"])
def test_parquet_block_by_block_is_what_reading_gives(
    survey: Microdata, tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import survey_toolkit.microdata._statistical as statistical

    n = 2_500
    frame = pd.DataFrame(
        {
            "whole": np.where(np.arange(n) % 7 == 0, np.nan, np.arange(n)),
            "late": [1.0] * (n - 1) + [0.5],  # a fraction in the last block alone
            "day": pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(n), "D"),
            "t": [f"ក{i % 5}" for i in range(n)],
        }
    )
    made = Microdata.from_frame(frame, [Variable(name="late", label="Late", value_labels={1: "one"})])
    file = write_microdata(made, tmp_path / f"f{extension}")
    whole = read_microdata(file)
    monkeypatch.setattr(statistical, "ROWS_A_BLOCK", 400)
    back = read_microdata(convert_to_parquet(file, tmp_path / "f.parquet"))
    assert back.variables == whole.variables
    for name in whole.frame:
        assert str(back.frame[name].dtype).split("[")[0] == str(whole.frame[name].dtype).split("[")[0]
        assert back.frame[name].isna().to_list() == whole.frame[name].isna().to_list()
        assert back.frame[name].dropna().to_list() == whole.frame[name].dropna().to_list()
    part = read_microdata(convert_to_parquet(file, tmp_path / "p.parquet", columns=["t"]))
    assert list(part.variables) == ["t"]
    with pytest.raises(DataFileError, match="did you mean 'late'"):
        convert_to_parquet(file, tmp_path / "q.parquet", columns=["lat"])
    assert not (tmp_path / "q.parquet").exists()


def test_tagged_missing_values_on_the_way_to_parquet(survey: Microdata, tmp_path: Path) -> None:
    file = write_microdata(survey, tmp_path / "f.dta")
    direct = read_microdata(file)
    back = read_microdata(convert_to_parquet(file, tmp_path / "f.parquet"))
    assert back.variables == direct.variables
    assert (
        back.frame["hours__missing"].dropna().to_list() == direct.frame["hours__missing"].dropna().to_list()
    )


def test_koi8_and_western_are_guessed_and_can_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes("пол,регион\nмужской,Москва\nженский,Казань\n".encode("koi8-r"))
    back = read_microdata(file)
    assert list(back.variables) == ["пол", "регион"]
    assert "(koi8-r), confidence 0." in back.notes[0]
    assert list(read_microdata(file, encoding="cp1251").variables) != ["пол", "регион"]
    file.write_bytes("año,región\n1,Educación básica\n2,niño\n".encode("cp1252"))
    assert list(read_microdata(file).variables) == ["año", "región"]
