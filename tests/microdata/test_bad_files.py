"""Whatever the file is, one clear message; the C parser may die, this process does not."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import (
    Microdata,
    ReadLimits,
    Variable,
    _process,
    read_microdata,
    write_microdata,
)

EXTENSIONS = (".sav", ".zsav", ".dta", ".sas7bdat", ".xpt", ".csv", ".parquet")


@pytest.fixture
def good(tmp_path: Path) -> Microdata:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"q": rng.integers(0, 9, 200), "x": rng.normal(size=200), "t": ["abc", "ខ"] * 100})
    return Microdata.from_frame(frame, [Variable(name="q", label="Q", value_labels={1: "yes", 2: "no"})])


def _fails(file: Path, *words: str) -> str:
    with pytest.raises(DataFileError) as caught:
        read_microdata(file)
    message = str(caught.value)
    assert message.startswith(file.name)
    for word in words:
        assert word in message
    return message


def _answer(file: Path) -> str:
    try:
        return repr(read_microdata(file))
    except DataFileError as error:
        return str(error)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_empty_file(tmp_path: Path, extension: str) -> None:
    file = tmp_path / f"f{extension}"
    file.write_bytes(b"")
    _fails(file, "an empty file (zero bytes)", "fetch the file again")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_login_page_in_place_of_data(tmp_path: Path, extension: str) -> None:
    file = tmp_path / f"f{extension}"
    file.write_text("\n<!DOCTYPE html><html><body>Please log in</body></html>", encoding="utf-8")
    message = _fails(file, "an HTML page", "log in to the archive")
    assert "Please" not in message


def test_lfs_pointer_gzip_zip_and_protected_files(tmp_path: Path) -> None:
    contents = {
        "git lfs pull": b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\n",
        "a gzip archive": gzip.compress(b"$FL2"),
        "a ZIP archive": b"PK\x03\x04" + bytes(60),
        "without a password": b"\xd0\xcf\x11\xe0" + bytes(60),
        "open it in SPSS with its password": bytes(8) + b"ENCRYPTEDSAV" + bytes(60),
    }
    for word, content in contents.items():
        file = tmp_path / "f.sav"
        file.write_bytes(content)
        _fails(file, word)


def test_wrong_extension_is_explained(good: Microdata, tmp_path: Path) -> None:
    file = write_microdata(good, tmp_path / "f.sav").rename(tmp_path / "f.dta")
    _fails(file, "found: an SPSS data file", "expected: a Stata data file", "rename it to .sav")


def test_zsav_named_sav_is_read(good: Microdata, tmp_path: Path) -> None:
    file = write_microdata(good, tmp_path / "f.zsav").rename(tmp_path / "f.sav")
    assert read_microdata(file).n_rows == 200


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("extension", [".sav", ".zsav", ".dta", ".parquet"])
def test_truncated_file_is_never_read_in_silence(
    good: Microdata, tmp_path: Path, extension: str, share: float
) -> None:
    file = write_microdata(good, tmp_path / f"f{extension}")
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    _fails(file, "to do:")


@pytest.mark.parametrize("extension", [".sav", ".zsav", ".dta", ".parquet"])
def test_flipped_header_bits_end_in_an_answer(good: Microdata, tmp_path: Path, extension: str) -> None:
    file = write_microdata(good, tmp_path / f"f{extension}")
    content = file.read_bytes()
    rng = np.random.default_rng(11)
    for _ in range(8):
        damaged = bytearray(content)
        for at in rng.integers(4, min(900, len(content)), 6):
            damaged[at] ^= 1 << int(rng.integers(8))
        file.write_bytes(bytes(damaged))
        assert _answer(file).startswith((file.name, "Microdata:"))


def test_header_that_declares_more_rows_than_there_are(good: Microdata, tmp_path: Path) -> None:
    file = write_microdata(good, tmp_path / "f.sav")
    content = bytearray(file.read_bytes())
    struct.pack_into("<i", content, 80, 2_000)
    file.write_bytes(bytes(content))
    _fails(file, "200 rows of 2,000 declared", "cut off in transfer")


def test_a_parser_that_dies_is_one_message(good: Microdata, tmp_path: Path, monkeypatch) -> None:
    file = write_microdata(good, tmp_path / "f.sav")
    worker = tmp_path / "dying.py"
    worker.write_text(
        "import os, signal, sys\nprint('{}', flush=True)\n"
        "sys.stdin.readline()\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    _process._close_current()
    monkeypatch.setattr(_process, "_WORKER", worker)
    _fails(file, "so damaged that its parser broke down", "signal 11")
    monkeypatch.undo()
    assert read_microdata(file).n_rows == 200


def test_a_parser_that_hangs_is_stopped(good: Microdata, tmp_path: Path, monkeypatch) -> None:
    file = write_microdata(good, tmp_path / "f.sav")
    worker = tmp_path / "hanging.py"
    worker.write_text("import sys, time\nprint('{}', flush=True)\nsys.stdin.readline()\ntime.sleep(600)\n")
    _process._close_current()
    monkeypatch.setattr(_process, "_WORKER", worker)
    with pytest.raises(DataFileError, match=r"reading took longer than the limit"):
        read_microdata(file, limits=ReadLimits(seconds=0.5))


def test_memory_limit_is_told(tmp_path: Path) -> None:
    frame = pd.DataFrame({f"x{i}": np.arange(20_000) / 3 for i in range(30)})
    file = write_microdata(Microdata.from_frame(frame), tmp_path / "f.sav")
    with pytest.raises(DataFileError, match=r"memory"):
        read_microdata(file, limits=ReadLimits(memory_bytes=3_000_000))


def test_limits_and_paths(good: Microdata, tmp_path: Path) -> None:
    file = write_microdata(good, tmp_path / "f.sav")
    with pytest.raises(DataFileError, match=r"larger than the limit[\s\S]*at most 10"):
        read_microdata(file, limits=ReadLimits(file_bytes=10))
    with pytest.raises(DataFileError, match=r"there is no such file"):
        read_microdata(tmp_path / "none.sav")
    with pytest.raises(DataFileError, match=r"this is a folder"):
        read_microdata(tmp_path)
    (tmp_path / "f.xls").write_bytes(b"x")
    with pytest.raises(DataFileError, match=r"cannot be read[\s\S]*found: \.xls"):
        read_microdata(tmp_path / "f.xls")


def test_no_folder_is_left_behind(good: Microdata, tmp_path: Path, monkeypatch) -> None:
    import tempfile

    file = write_microdata(good, tmp_path / "f.sav")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    left = scratch / "survey-toolkit-999999999-dead"
    left.mkdir()
    os.utime(left, (1, 1))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    read_microdata(file)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(DataFileError):
        read_microdata(file)
    assert list(scratch.iterdir()) == []


def test_thai_bytes_without_declaration_ask_for_the_encoding(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes("id,เพศ\n1,ชาย\n".encode("cp874"))
    guessed = read_microdata(file)
    assert guessed.frame["เพศ"].to_list() == ["ชาย"]
    assert "read as Thai (cp874), confidence 0." in guessed.notes[0]
    file.write_bytes(b"id,x\n1,\xe9\n")
    _fails(file, "the text is not UTF-8", "encoding='cp874' (Thai)")
    file.write_bytes("id,เพศ\n1,ชาย\n".encode("cp874"))
    assert read_microdata(file, encoding="cp874").frame["เพศ"].to_list() == ["ชาย"]
    with pytest.raises(DataFileError, match=r"unknown text encoding[\s\S]*'klingon'"):
        read_microdata(file, encoding="klingon")


def test_old_stata_without_encoding(tmp_path: Path) -> None:
    import pyreadstat

    file = tmp_path / "f.dta"
    for text, codec in (("ชายไทย", "cp874"), ("Educación", "cp1252")):
        latin = text.encode(codec).decode("latin-1")
        pyreadstat.write_dta(pd.DataFrame({"t": ["x"]}), str(file), version=10)
        pyreadstat.write_dta(pd.DataFrame({"t": [latin]}), str(file), version=10)
        content = file.read_bytes().replace(latin.encode("utf-8"), text.encode(codec).ljust(1))
        if len(content) != file.stat().st_size:
            content = _padded(file.read_bytes(), latin.encode("utf-8"), text.encode(codec))
        file.write_bytes(content)
        if codec == "cp874":
            assert any("(cp874), confidence 0." in note for note in read_microdata(file).notes)
            assert read_microdata(file, encoding="cp874").frame["t"].to_list() == [text]
        else:
            back = read_microdata(file)
            assert back.frame["t"].to_list() == [text]
            assert "does not declare its text encoding" in back.notes[0]


def _padded(content: bytes, old: bytes, new: bytes) -> bytes:
    return content.replace(old, new + bytes(len(old) - len(new)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n", (":3: a row has another number of cells", "found: 1 cells", "expected: 2 cells")),
        ("a,b\n1,2\n3,4,5\n", (":3:", "found: 3 cells")),
        ('a,b\n1,"2\n3,4\n', ("a quotation mark is opened and not closed",)),
        ('a,b\n1,"2"x\n', (":2: a quotation mark stands inside a cell",)),
        ("a,a\n1,2\n", ("every column needs a name of its own", "'a'")),
        ("a,\n1,2\n", ("an empty column name",)),
        ("a,b\n1,\x002\n", ("binary", "fetch the file again")),
        ("\n1,2\n", ("the first line is empty",)),
        ("a,b\n1," + "x" * 1_100_000 + "\n", ("a cell is longer than 1,000,000 characters",)),
    ],
)
def test_text_tables_that_are_not(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    file = tmp_path / "f.csv"
    file.write_text(text, encoding="utf-8", newline="")
    message = _answer(file)
    if "binary" in words:
        assert "NUL bytes" in message
    else:
        assert all(word in message for word in words), message
    assert "xxxx" not in message


def test_too_many_columns(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(",".join(f"c{i}" for i in range(40_000)), encoding="utf-8")
    _fails(file, "too many columns", "40,000", "ReadLimits(columns=…)")


def test_text_tables_lose_no_digit(tmp_path: Path) -> None:
    file = tmp_path / "f [1]*.csv"
    file.write_text(
        '\ufeffid;geo;big;w;txt;blank;flag\n123456789012345678;007;1234567890123456789012;1,5;"a;b";;true\n'
        '123456789012345679;010;1;2;"x\ny";;false\n',
        encoding="utf-8",
    )
    back = read_microdata(file).frame
    assert back["id"].to_list() == [123456789012345678, 123456789012345679]
    assert back["geo"].to_list() == ["007", "010"]
    assert back["big"].to_list()[0] == "1234567890123456789012"
    assert back["w"].to_list() == [1.5, 2.0]
    assert back["txt"].to_list() == ["a;b", "x\ny"]
    assert back["blank"].isna().all()
    assert back["flag"].to_list() == [True, False]


def test_utf16_tab_and_odd_line_ends(tmp_path: Path) -> None:
    (tmp_path / "f.tsv").write_text("a\tb\n1\tễ\n", encoding="utf-16")
    assert read_microdata(tmp_path / "f.tsv").frame["b"].to_list() == ["ễ"]
    (tmp_path / "g.csv").write_bytes(b"a,b\r\r\n1,2\r\r\n")
    back = read_microdata(tmp_path / "g.csv")
    assert back.frame["b"].to_list() == [2]
    assert "CR CR LF" in back.notes[0]
    (tmp_path / "h.csv").write_bytes(b"a,b\r1,2\r3,4")
    assert read_microdata(tmp_path / "h.csv").frame["b"].to_list() == [2, 4]
    (tmp_path / "i.csv").write_bytes(b"a,b\n")
    assert read_microdata(tmp_path / "i.csv").n_rows == 0
