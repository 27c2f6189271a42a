"""Published data of others: limits stay intervals, overlaps are not added, doubts are told."""

import pytest

from survey_toolkit.dissemination import plot, read_ctdc, read_sdg_database, read_unodc, write
from survey_toolkit.dissemination.external import interval_of
from survey_toolkit.errors import DataFileError

UNODC = """\
Detected victims,,,,,,,,,
Iso3_code,Country,Indicator,Dimension,Category,Sex,Age,Year,Unit of measurement,txtVALUE,Source
KHM,Cambodia,Detected trafficking victims,Total,Total,Total,Total,2019,Counts,64,CTS
KHM,Cambodia,Detected trafficking victims,Total,Total,Female,Total,2019,Counts,60,CTS
KHM,Cambodia,Detected trafficking victims,Total,Total,Male,Total,2019,Counts,<5,CTS
KHM,Cambodia,Detected trafficking victims,by form of exploitation,Forced labour,Total,Total,2019,Counts,24,CTS
KHM,Cambodia,Detected trafficking victims,by form of exploitation,Sex,Total,0 to 17 years,2019,Counts,"1,040",
KHM,Cambodia,Detected trafficking victims,Total,Total,Total,18 years or over,2019,Counts,many,CTS
"""


@pytest.fixture
def unodc(tmp_path):
    file = tmp_path / "glotip.csv"
    file.write_text(UNODC, encoding="utf-8")
    return read_unodc(file)


def test_small_counts_stay_an_interval(unodc):
    boys = unodc.filter(sex="M").values[0]
    assert (boys.value, boys.low, boys.high, boys.status, boys.text) == (None, 1.0, 4.0, "Q", "<5")


def test_only_totals_count_everybody_once(unodc):
    assert [v.value for v in unodc.totals()] == [64.0]
    by_form = unodc.filter(**{"form of exploitation": "Forced labour"})
    assert [v.value for v in by_form] == [24.0]
    assert sum(v.value or 0 for v in unodc) > 64, "adding all would count people several times"


def test_what_is_no_number_is_a_doubt_with_its_row(unodc):
    assert unodc.doubts == ("row 8: txtVALUE: a text that is no number",)
    assert len(unodc) == 5
    assert unodc.values[4].value == 1040.0
    assert unodc.values[4].breakdown["age"] == "0-17"


def test_values_are_written_and_drawn(tmp_path, unodc):
    assert "<5" in write(unodc, tmp_path / "x.csv").read_text(encoding="utf-8-sig")
    assert "M: [1, 4]" in plot(unodc).description, "what may be below 5 is drawn as its bounds"


@pytest.mark.parametrize(
    ("text", "count", "found"),
    [
        ("12", True, (12.0, 12.0, 12.0, "A")),
        ("12,345", True, (12345.0, 12345.0, 12345.0, "A")),
        ("<10", True, (None, 1.0, 9.0, "Q")),
        ("≤5", True, (None, 1.0, 5.0, "Q")),
        ("<2.5", False, (None, 0.0, 2.5, "A")),
        (">95", False, (None, 95.0, None, "A")),
        ("..", True, (None, None, None, "O")),
        ("NaN", True, (None, None, None, "O")),
    ],
)
def test_texts_of_publishers(text, count, found):
    assert interval_of(text, count=count) == found


@pytest.mark.parametrize("text", ["about 20", "12 345 people", "1.2.3", "=1+1", "1,23"])
def test_nothing_is_guessed(text):
    with pytest.raises(ValueError, match="not a number"):
        interval_of(text)


def test_sdg_database_rows(tmp_path):
    file = tmp_path / "sdg.csv"
    file.write_text(
        "Goal,Target,Indicator,SeriesCode,SeriesDescription,GeoAreaCode,GeoAreaName,TimePeriod,Value,Time_Detail,"
        "UpperBound,LowerBound,BasePeriod,Source,FootNote,[Age],[Nature],[Reporting Type],[Sex],[Units]\n"
        "8,8.7,8.7.1,SL_TLF_CHLDEA,Child labour,116,Cambodia,2016,12.6,2016,14,11,,CLS,,5-17,C,G,,PERCENT\n"
        "8,8.7,8.7.1,SL_TLF_CHLDEA,Child labour,116,Cambodia,2016,<1,2016,,,,CLS,,5-17,E,G,FEMALE,PERCENT\n"
        "16,16.2,16.2.2,VC_HTF_DETV,Detected,116,Cambodia,2016,N,2016,,,,UNODC,,ALLAGE,C,G,BOTHSEX,NUMBER\n",
        encoding="utf-8",
    )
    first, second, third = read_sdg_database(file)
    assert (first.country, first.unit, first.value, first.low, first.high) == ("KHM", "PT", 12.6, 11.0, 14.0)
    assert (second.value, second.low, second.high) == (None, 0.0, 1.0)
    assert second.breakdown["sex"] == "F"
    assert "nature: E" in second.notes
    assert (third.value, third.status, third.is_total) == (None, "O", True)


def test_ctdc_cases_are_counted_and_small_groups_hidden(tmp_path):
    lines = [
        "yearOfRegistration,gender,ageBroad,majorityStatus,citizenship,CountryOfExploitation,"
        "isForcedLabour,isSexualExploit"
    ]
    lines += ["2015,Female,18--20,Adult,KH,TH,1,-99"] * 30 + ["2015,Male,-99,-99,KH,TH,0,1"] * 4
    lines += ["2015,-99,-99,-99,-99,TH,1,1"] * 12
    file = tmp_path / "ctdc.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    found = read_ctdc(file, by=("sex", "form"))
    assert found.totals().values[0].value == 46.0
    assert found.filter(sex="F").values[0].value == 30.0
    men = found.filter(sex="M").values[0]
    assert (men.value, men.low, men.high, men.status) == (None, 1.0, 10.0, "Q")
    assert found.filter(sex="_U").values[0].value == 12.0
    assert found.filter(form="forced labour").values[0].value == 42.0


@pytest.mark.parametrize("reader", [read_unodc, read_sdg_database, read_ctdc])
def test_wrong_files_are_named(tmp_path, reader):
    with pytest.raises(DataFileError, match="no such file"):
        reader(tmp_path / "none.csv")
    file = tmp_path / "x.csv"
    file.write_text("Country,Yeer\nCambodia,2019\n", encoding="utf-8")
    with pytest.raises(DataFileError) as caught:
        reader(file)
    assert caught.value.code == "missing-column"
    book = tmp_path / "x.xlsx"
    book.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(DataFileError):
        reader(book)


def test_ctdc_knows_its_breakdowns(tmp_path):
    with pytest.raises(DataFileError, match="region"):
        read_ctdc(tmp_path / "x.csv", by=("region",))
