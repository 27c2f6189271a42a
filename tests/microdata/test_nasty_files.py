"""Files that nobody meant well, and a few that somebody did: each ends in one clear answer."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import (
    Microdata,
    ReadLimits,
    convert_to_parquet,
    read_microdata,
    read_tables,
    write_microdata,
)


def _refused(path: Path | str, code: str, *words: str, **options: object) -> str:
    read = read_tables if str(path).endswith(".zip") else read_microdata
    with pytest.raises(DataFileError) as caught:
        read(path, **options)  # type: ignore[operator]
    assert caught.value.code == code, str(caught.value)
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A naive reader waits for a pipe for ever, and fills its memory from /dev/zero."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.sav").symlink_to("/dev/zero")
    (tmp_path / "loop.dta").symlink_to(tmp_path / "loop.dta")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "folder.csv").mkdir()
    _refused(tmp_path / "pipe.csv", "missing-file", "a pipe or a device")
    _refused(tmp_path / "zero.sav", "missing-file", "a pipe or a device")
    _refused(tmp_path / "loop.dta", "missing-file", "no such file")
    _refused(tmp_path / "gone.csv", "missing-file", "no such file")
    _refused(tmp_path / "folder.csv", "missing-file", "this is a folder")
    _refused(f"/tmp/{'a' * 300}.csv", "missing-file", "no such file")
    _refused("/tmp/a\0b.csv", "missing-file", "no such file")
    _refused(tmp_path / "no.zip", "missing-file", "no such file")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    monkeypatch.setattr(os, "access", lambda *_: False)
    _refused(file, "no-permission", "may not be read", "copy it to a folder of your own")


def test_a_link_to_a_good_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "f.csv")
    assert read_microdata(tmp_path / "link.csv").n_rows == 1


def test_sixty_million_equal_rows_are_a_small_parquet_file(tmp_path: Path) -> None:
    file = tmp_path / "bomb.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS a, 'no' AS t FROM range(60000000)) TO '{file}' (FORMAT parquet)")
    assert file.stat().st_size < 1_000_000
    _refused(file, "too-large", "60,000,000 rows of 2 columns", "columns=[…]")
    assert read_microdata(file, columns=["a"], limits=ReadLimits(memory_bytes=1 << 30)).n_rows == 60_000_000


def test_names_that_differ_in_case_only_are_never_mixed_up(tmp_path: Path) -> None:
    """To the engine 'a' and 'A' are one name: it would write the one column twice."""
    frame = pd.DataFrame({"a": [1, 2], "A": [3, 4]})
    naive = duckdb.sql('SELECT "a", "A" FROM frame').fetchall()
    assert naive == [(1, 1), (2, 2)]
    data = Microdata.from_frame(frame)
    for name in ("f.sav", "f.dta", "f.csv"):
        back = read_microdata(write_microdata(data, tmp_path / name))
        assert back.frame["A"].to_list() == [3, 4]
    with pytest.raises(DataFileError, match=r"differ in case only[\s\S]*'a' and 'A'"):
        write_microdata(data, tmp_path / "f.parquet")
    with pytest.raises(DataFileError, match="differ in case only"):
        convert_to_parquet(tmp_path / "f.dta", tmp_path / "f.parquet")
    assert not (tmp_path / "f.parquet").exists()
    file = tmp_path / "g.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS aaaa1, 2 AS bbbb1) TO '{file}' (FORMAT parquet)")
    file.write_bytes(file.read_bytes().replace(b"bbbb1", b"AAAA1"))
    _refused(file, "schema", "'aaaa1' and 'AAAA1'")


def test_nested_parquet_columns_are_no_names(tmp_path: Path) -> None:
    file = tmp_path / "n.parquet"
    duckdb.sql(
        f"COPY (SELECT {{'a': 1, 'b': {{'s': 2}}}} AS s, [1] AS l, 3 AS z) TO '{file}' (FORMAT parquet)"
    )
    assert list(read_microdata(file).variables) == ["s", "l", "z"]


def test_a_parquet_name_that_is_no_text(tmp_path: Path) -> None:
    """The engine's binding to Python raises a RuntimeError of its own."""
    file = tmp_path / "g.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS aaaa1, 2 AS bbbb1) TO '{file}' (FORMAT parquet)")
    file.write_bytes(file.read_bytes().replace(b"bbbb1", b"\xff\xfe\xff\xfe1"))
    _refused(file, "damaged", "cannot be read")


def test_text_in_utf16(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes("a,b\n1,ễ\n".encode("utf-16-le"))
    _refused(file, "damaged", "encoding='utf-16-le'")
    assert read_microdata(file, encoding="utf-16-le").frame["b"].to_list() == ["ễ"]
    file.write_bytes("a,b\n1,ễ\n".encode("utf-16")[:-1])
    _refused(file, "truncated", "in the middle of a letter")
    file.write_bytes("a,b\n1,ễ".encode()[:-1])
    message = _refused(file, "encoding")
    assert "UTF-8" in message


def test_numbers_beyond_all_numbers_stay_text(tmp_path: Path) -> None:
    """pandas makes 1e999 infinite, and every mean with it."""
    file = tmp_path / "f.csv"
    file.write_text("a\n1e999\n2\n", encoding="utf-8")
    assert pd.read_csv(file)["a"].to_list()[0] == float("inf")
    assert read_microdata(file).frame["a"].to_list() == ["1e999", "2"]


def test_a_header_without_end(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("a" * 1_500_000 + ",b\n", encoding="utf-8")
    _refused(file, "too-large", "line of column names is longer than")


def test_gzip_bomb(tmp_path: Path) -> None:
    file = tmp_path / "f.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 15_000_000, 9))
    _refused(file, "too-large", "unpacks to more than the limit")


def _zip(path: Path, *members: tuple[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_archives_lose_no_table_in_silence(tmp_path: Path) -> None:
    inner = _zip(tmp_path / "inner.zip", ("a.csv", "a\n1\n"))
    _refused(
        _zip(tmp_path / "o.zip", ("inner.zip", inner.read_bytes())), "unsupported-format", "found: inner.zip"
    )
    both = read_tables(_zip(tmp_path / "two.zip", ("one/hh.csv", "a\n1\n"), ("two/hh.csv", "a\n2\n")))
    assert {name: data.frame["a"].to_list() for name, data in both.tables.items()} == {
        "one/hh.csv": [1],
        "two/hh.csv": [2],
    }
    mixed = read_tables(_zip(tmp_path / "m.zip", ("hh.csv", "a\n1\n"), ("old.mdb", "x")))
    assert mixed["hh"].notes == ("not read in the archive: old.mdb",)
    _refused(
        _zip(tmp_path / "b.zip", ("hh.csv", "a\n1\n"), ("m.csv", "a,b\n1\n")),
        "schema",
        "b.zip:m.csv:2: a row",
    )
    long = read_tables(_zip(tmp_path / "l.zip", ("n" * 400 + ".csv", "a\n1\n")))
    assert len(long) == 1
    _refused(
        _zip(tmp_path / "n.zip", *[(f"{i}.csv", "a\n1\n") for i in range(2_001)]), "too-large", "2,001 files"
    )


def test_an_archive_that_lies_about_its_sizes(tmp_path: Path) -> None:
    file = _zip(tmp_path / "lie.zip", ("a.csv", "a\n1\n"))
    content = bytearray(file.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (1 << 31).to_bytes(4, "little")
    file.write_bytes(bytes(content))
    _refused(file, "too-large")
    content[at : at + 4] = (2).to_bytes(4, "little")
    file.write_bytes(bytes(content))
    with pytest.raises(DataFileError):
        read_tables(file)


def test_workbook_times_formulas_and_odd_sheets(tmp_path: Path) -> None:
    """25 hours are no 01:00, a formula without result no blank, a sheet of notes no end of the reading."""
    book = openpyxl.Workbook()
    book.active.title = "data, 1"
    for row in (
        ["clock", "worked", "sum"],
        [dt.time(10, 30), dt.timedelta(hours=25), "=1+1"],
        [None, None, 3],
    ):
        book.active.append(row)
    book.create_sheet("notes")
    book.create_sheet("other").append(["b"])
    book.save(tmp_path / "t.xlsx")
    tables = read_tables(tmp_path / "t.xlsx")
    assert list(tables) == ["data, 1", "other"]
    first = tables["data, 1"]
    assert first.frame["clock"].to_list()[0] == 37_800
    assert first.frame["worked"].to_list()[0] == 90_000
    assert "1 cells hold formulas without a stored result" in first.notes[0]
    assert first.notes[-1].startswith("sheet 'notes' was not read: the sheet is empty")
    _refused(tmp_path / "t.xlsx", "schema", "no sheet 'x'; there are: data, 1, notes, other", table="x")
    book = openpyxl.Workbook()
    book.active.append(["a", "a"])
    book.save(tmp_path / "d.xlsx")
    _refused(tmp_path / "d.xlsx", "schema", "every column needs a name of its own")


def _dictionary(*items: dict[str, object], **more: object) -> str:
    record = {"name": "R", "labels": [], "recordType": "", "items": list(items)}
    levels = [{"ids": {"items": []}, "records": [record]}]
    return json.dumps({"name": "D", "recordType": {"start": 1, "length": 0}, "levels": levels, **more})


def test_layouts_that_ask_for_the_moon(tmp_path: Path) -> None:
    layout, data = tmp_path / "l.dcf", tmp_path / "d.dat"
    data.write_bytes(b"1\n" * 50_000 + b"x" * 900_000 + b"\n")
    layout.write_text(_dictionary({"name": "A", "start": 1, "length": 900_000, "contentType": "alpha"}))
    _refused(data, "too-large", "50,001 lines of up to 900,000 characters", layout=layout)
    data.write_bytes(b"12\n3\n")
    assert read_microdata(data, layout=layout).frame["A"].to_list() == ["12", "3"]
    for n, code in ((10**9, "layout"), (40_000, "layout")):
        layout.write_text(_dictionary({"name": "A", "start": 1, "length": 1, "occurrences": {"maximum": n}}))
        _refused(data, code, layout=layout)
    layout.write_text('{"a":' * 100_000)
    _refused(data, "layout", "RecursionError", layout=layout)
    _refused(data, "missing-file", "no such layout", layout=tmp_path / "none.dcf")
    _refused(data, "missing-file", "this is a folder", layout=tmp_path)


def test_long_texts_whose_records_lie(tmp_path: Path) -> None:
    """A kind that is none, a length that is none, a length that the parts do not have."""
    data = Microdata.from_frame(pd.DataFrame({"t": ["x" * 5_000, "y" * 6_000]}))
    file = write_microdata(data, tmp_path / "f.dta")
    content = bytearray(file.read_bytes())
    at = content.index(b"GSO")
    for place, value, code in ((15, 7, "damaged"), (3, 99, "damaged"), (19, 0x7F, "truncated")):
        bad = bytearray(content)
        bad[at + place] = value
        file.write_bytes(bytes(bad))
        _refused(file, code)
    file = write_microdata(data, tmp_path / "f.sav")
    content = bytearray(file.read_bytes())
    at = content.index(b"T=06000") + 2
    for size, words in ((b"00000", "declares '00000' bytes"), (b"-5000", "declares '-5000' bytes"),
                        (b"99999", "lacks some of its segments")):  # fmt: skip
        content[at : at + 5] = size
        file.write_bytes(bytes(content))
        _refused(file, "damaged", words)
    content[at : at + 5] = b"00300"
    file.write_bytes(bytes(content))
    assert "its parts hold" in read_microdata(file).notes[0]
