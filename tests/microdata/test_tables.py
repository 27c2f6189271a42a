"""Exports of several tables: ODK, Kobo, Survey Solutions, CSPro, fixed width."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import ReadLimits, read_microdata, read_tables

DCF = """[Dictionary]
Version=CSPro 7.7
Label=Household
Name=HH_DICT
RecordTypeStart=1
RecordTypeLen=1
Positions=Absolute
ZeroFill=Yes

[Level]
Label=Questionnaire
Name=QUEST

[IdItems]

[Item]
Label=Household number
Name=HHNO
Start=2
Len=3

[Record]
Label=Housing
Name=HOUSING
RecordTypeValue='1'
RecordLen=20

[Item]
Label=Roof
Name=ROOF
Start=5
Len=1

[ValueSet]
Label=Roof
Name=ROOF_VS
Value=1;Tin
Value=2;Thatch
Value=9;No answer|special=missing

[Item]
Label=Rent
Name=RENT
Start=6
Len=5
Decimal=2

[Record]
Label=Person
Name=PERSON
RecordTypeValue='2'

[Item]
Label=Name
Name=NAME
Start=5
Len=6
DataType=Alpha

[Item]
Label=Hours
Name=HOURS
Start=11
Len=2
Occurrences=2
"""
DATA = "1001100150\n2001SOKHA 0840\n2001DARA    12\n1002912345\n2002SREY  99  \n"


def _json_dictionary() -> str:
    def item(name: str, start: int, length: int, **more: object) -> dict[str, object]:
        return {"name": name, "labels": [{"text": name.title()}], "start": start, "length": length, **more}

    values = [
        {"labels": [{"text": "Tin"}], "pairs": [{"value": 1}]},
        {"labels": [{"text": "No answer"}], "pairs": [{"value": 9}], "special": "Missing"},
    ]
    housing = [
        item("ROOF", 5, 1, contentType="numeric", valueSets=[{"values": values}]),
        item("RENT", 6, 5, contentType="numeric", decimals=2),
    ]
    person = [
        item("NAME", 5, 6, contentType="alpha"),
        item("HOURS", 11, 2, contentType="numeric", occurrences={"maximum": 2}),
    ]
    return json.dumps(
        {
            "software": "CSPro",
            "version": 8.0,
            "name": "HH_DICT",
            "recordType": {"start": 1, "length": 1},
            "relativePositions": False,
            "levels": [
                {
                    "ids": {"items": [item("HHNO", 2, 3, contentType="numeric")]},
                    "records": [
                        {
                            "name": "HOUSING",
                            "labels": [{"text": "Housing"}],
                            "recordType": "1",
                            "items": housing,
                        },
                        {"name": "PERSON", "labels": [], "recordType": "2", "items": person},
                    ],
                }
            ],
        }
    )


@pytest.mark.parametrize("text", [DCF, _json_dictionary()], ids=["ini", "json"])
def test_cspro(tmp_path: Path, text: str) -> None:
    (tmp_path / "hh.dcf").write_text(text, encoding="utf-8-sig")
    (tmp_path / "hh.dat").write_text(DATA, encoding="utf-8")
    tables = read_tables(tmp_path / "hh.dat", layout=tmp_path / "hh.dcf")
    assert list(tables) == ["HOUSING", "PERSON"]
    housing, person = tables["HOUSING"], tables["PERSON"]
    assert housing.keys == ("HHNO",)
    assert housing.frame["RENT"].to_list() == [1.5, 123.45]
    assert housing.frame["ROOF"].to_list() == [1, 9]
    assert housing.variables["ROOF"].value_labels[9] == "No answer"
    assert [m.low for m in housing.variables["ROOF"].missing] == [9]
    assert person.frame["NAME"].to_list() == ["SOKHA", "DARA", "SREY"]
    assert person.frame["HOURS_1"].to_list()[0] == 8
    assert person.frame["HOURS_2"].isna().to_list() == [False, False, True]
    assert [(link.child, link.parent, link.on) for link in tables.links] == [
        ("PERSON", "HOUSING", (("HHNO", "HHNO"),))
    ]
    one = read_microdata(tmp_path / "hh.dat", layout=tmp_path / "hh.dcf", table="PERSON")
    assert one.n_rows == 3
    with pytest.raises(DataFileError, match=r"several kinds of lines[\s\S]*HOUSING, PERSON"):
        read_microdata(tmp_path / "hh.dat", layout=tmp_path / "hh.dcf")
    (tmp_path / "hh.dat").write_text(DATA + "7001\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"hh\.dat:6: a line is of no kind"):
        read_tables(tmp_path / "hh.dat", layout=tmp_path / "hh.dcf")


def test_sas_layout_keeps_every_digit(tmp_path: Path) -> None:
    (tmp_path / "in.sas").write_text(
        "input\n@0001 YEAR $4. /* Year */\n@0005 HHID 18. /* id */\n@0023 W 6.2\n;", encoding="latin-1"
    )
    (tmp_path / "d.txt").write_text(
        "2017123456789012345678  1250\n2018123456789012345679 12.50\n", encoding="utf-8"
    )
    back = read_microdata(tmp_path / "d.txt", layout=tmp_path / "in.sas")
    assert back.frame["HHID"].to_list() == ["123456789012345678", "123456789012345679"]
    assert back.frame["W"].to_list() == [12.5, 12.5]
    assert back.variables["YEAR"].label == "Year"
    with pytest.raises(DataFileError, match="no layout that can be read"):
        read_microdata(tmp_path / "d.txt", layout=tmp_path / "d.txt")
    with pytest.raises(DataFileError, match=r"needs its layout"):
        read_microdata(tmp_path / "d.txt")
    (tmp_path / "d.txt").write_text("2017\n", encoding="utf-8")
    with pytest.raises(DataFileError, match="shorter than the layout says"):
        read_microdata(tmp_path / "d.txt", layout=tmp_path / "in.sas")


def _zip(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_odk_repeats_within_repeats(tmp_path: Path) -> None:
    file = _zip(
        tmp_path / "odk.zip",
        {
            "Survey.csv": "SubmissionDate,hh-size,KEY\n2024-01-01,2,uuid:1\n2024-01-02,1,uuid:2\n",
            "Survey-member.csv": "age,PARENT_KEY,KEY\n30,uuid:1,uuid:1/m[1]\n8,uuid:1,uuid:1/m[2]\n"
            "40,uuid:2,uuid:2/m[1]\n",
            "Survey-member-job.csv": "hours,PARENT_KEY,KEY\n12,uuid:1/m[2],uuid:1/m[2]/j[1]\n",
            "media/photo.jpg": "x",
            "__MACOSX/._Survey.csv": "x",
        },
    )
    tables = read_tables(file)
    assert list(tables) == ["Survey", "Survey-member", "Survey-member-job"]
    assert [(k.child, k.parent) for k in tables.links] == [
        ("Survey-member", "Survey"),
        ("Survey-member-job", "Survey-member"),
    ]
    assert tables["Survey"].source.name == "odk.zip:Survey.csv"
    with pytest.raises(DataFileError, match="did you mean 'Survey'"):
        tables["Surve"]


def test_kobo_indices(tmp_path: Path) -> None:
    file = _zip(
        tmp_path / "kobo.zip",
        {
            "hh.csv": "size;_index\n2;1\n1;2\n",
            "member.csv": "age;_index;_parent_table_name;_parent_index\n30;1;hh;1\n8;2;hh;1\n",
        },
    )
    link = read_tables(file).links[0]
    assert (link.child, link.parent, link.on) == ("member", "hh", (("_parent_index", "_index"),))


def test_survey_solutions_marks_labels_and_rosters(tmp_path: Path) -> None:
    file = _zip(
        tmp_path / "suso.zip",
        {
            "hh.tab": "interview__key\tinterview__id\tsex\tvillage\n"
            "11-22\taa\t1\t##N/A##\n33-44\tbb\t-999999999\tPo\n",
            "member.tab": "interview__key\tinterview__id\tmember__id\tage\n"
            "11-22\taa\t1\t30\n11-22\taa\t2\t\n",
            "hh.do": 'label define l_sex 1 `"Male"\' 2 `"Female"\' \n'
            'label values sex l_sex\nlabel variable sex `"Sex of head"\'\n',
            "export__readme.txt": "x",
        },
    )
    tables = read_tables(file)
    sex = tables["hh"].variables["sex"]
    assert sex.label == "Sex of head"
    assert sex.value_labels == {1: "Male", 2: "Female"}
    assert [(m.low, m.reason) for m in sex.missing] == [(-999999999, "no_response")]
    assert [m.low for m in tables["hh"].variables["village"].missing] == ["##N/A##"]
    assert tables["member"].frame["age"].isna().to_list() == [False, True]
    assert [(k.child, k.parent, k.on) for k in tables.links] == [
        ("member", "hh", (("interview__id", "interview__id"),))
    ]


def test_archives_are_opened_under_limits(tmp_path: Path) -> None:
    bomb = _zip(tmp_path / "bomb.zip", {"a.csv": "a\n" + "1\n" * 40_000_000})
    with pytest.raises(DataFileError, match="unpacks to more than the limit"):
        read_tables(bomb, limits=ReadLimits(file_bytes=1_000_000))
    with pytest.raises(DataFileError, match="unpacks to more than the limit"):
        read_tables(bomb)
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04nothing")
    with pytest.raises(DataFileError, match="the archive is damaged"):
        read_tables(tmp_path / "bad.zip")
    with pytest.raises(DataFileError, match="holds no table"):
        read_tables(_zip(tmp_path / "none.zip", {"a.html": "x"}))
    outside = _zip(tmp_path / "up.zip", {"../../evil.csv": "a\n1\n"})
    assert list(read_tables(outside)) == ["evil"]
    assert not (tmp_path.parent / "evil.csv").exists()


def _item(name: str, length: int, **more: object) -> dict[str, object]:
    return {"name": name, "labels": [{"text": name}], "length": length, **more}


def test_cspro_8_writes_no_places(tmp_path: Path) -> None:
    """Its default: mark of the record, keys, and each item behind the one before, in two levels."""
    dictionary = {
        "name": "D",
        "recordType": {"start": 1, "length": 1},
        "relativePositions": True,
        "levels": [
            {
                "ids": {"items": [_item("HH", 3, start=2)]},
                "records": [
                    {
                        "name": "HOUSE",
                        "recordType": "1",
                        "items": [
                            _item("ROOF", 1),
                            _item("ROOM", 2, occurrences={"maximum": 2}),
                            _item("W", 4),
                        ],
                    }
                ],
            },
            {
                "ids": {"items": [_item("LINE", 2)]},
                "records": [
                    {"name": "JOB", "recordType": "2", "items": [_item("KIND", 1), _item("HOURS", 2)]}
                ],
            },
        ],
    }
    (tmp_path / "d.dcf").write_text(json.dumps(dictionary), encoding="utf-8")
    (tmp_path / "d.dat").write_text("10015 3 412.5\n2001 1740\n2001 2898\n", encoding="utf-8")
    tables = read_tables(tmp_path / "d.dat", layout=tmp_path / "d.dcf")
    assert tables["JOB"].frame.to_dict("list") == {
        "HH": [1, 1], "LINE": [1, 2], "KIND": [7, 8], "HOURS": [40, 98],
    }  # fmt: skip
    house = tables["HOUSE"].frame.iloc[0].to_dict()
    assert house == {"HH": 1, "ROOF": 5, "ROOM_1": 3, "ROOM_2": 4, "W": 12.5}


def test_cspro_values_that_are_no_codes(tmp_path: Path) -> None:
    """A blank or a word as a value of a number ended the whole dictionary."""
    text = DCF.replace("Value=1;Tin", "Value=' ';Blank\nValue=1;Tin").replace("Value=2;", "Value=2:3;")
    (tmp_path / "hh.dcf").write_text(text, encoding="utf-8")
    (tmp_path / "hh.dat").write_text(DATA, encoding="utf-8")
    housing = read_tables(tmp_path / "hh.dat", layout=tmp_path / "hh.dcf")["HOUSING"]
    assert housing.variables["ROOF"].value_labels == {1: "Tin", 9: "No answer"}


def test_kobo_workbook_with_repeats(tmp_path: Path) -> None:
    """Sheets instead of files; a sheet name with a comma, and one that is no table."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "hh, 2024"
    for row in (["size", "_index"], [2, 1], [1, 2]):
        book.active.append(row)
    child = book.create_sheet("member")
    for row in (["age", "_index", "_parent_table_name", "_parent_index"], [30, 1, "hh, 2024", 1]):
        child.append(row)
    book.create_sheet("about")
    book.save(tmp_path / "kobo.xlsx")
    tables = read_tables(tmp_path / "kobo.xlsx")
    assert list(tables) == ["hh, 2024", "member"]
    assert [(k.child, k.parent) for k in tables.links] == [("member", "hh, 2024")]
