"""What people write into number and year cells."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from survey_toolkit.monitoring.numbers import ascii_digits, read_number, read_year, shown

SCRIPTS = {"Khmer": 0x17E0, "Thai": 0x0E50, "Lao": 0x0ED0, "Myanmar": 0x1040, "Fullwidth": 0xFF10}


@pytest.mark.parametrize("zero", SCRIPTS.values(), ids=SCRIPTS)
@given(number=some.integers(0, 10**9))
def test_digits_of_the_region_have_one_reading(zero: int, number: int) -> None:
    text = "".join(chr(zero + int(d)) for d in str(number))
    reading = read_number(text)
    assert (reading.value, reading.code, reading.taken) == (number, "local_digits", True)


@given(number=some.integers(1_000, 10**12), separator=some.sampled_from([",", " ", "\u00a0", "\u202f", "'"]))
def test_thousands_separators_have_one_reading(number: int, separator: str) -> None:
    reading = read_number(f"{number:,}".replace(",", separator))
    assert (reading.value, reading.code) == (number, "thousands_separator")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("n/a", "ambiguous_missing"),
        ("N/A", "ambiguous_missing"),
        ("-", "ambiguous_missing"),
        ("—", "ambiguous_missing"),
        ("nil", "ambiguous_missing"),
        ("…", "ambiguous_missing"),
        ("គ្មាន", "ambiguous_missing"),
        ("ไม่มี", "ambiguous_missing"),
        ("approx. 20", "approximate"),
        ("ca. 20", "approximate"),
        ("~20", "approximate"),
        ("20+", "approximate"),
        ("about 20", "approximate"),
        (">20", "approximate"),
        ("ប្រហែល ២០", "approximate"),
        ("ประมาณ 20", "approximate"),
        ("khoảng 20", "approximate"),
        ("约20", "approximate"),
        ("15-20", "range"),
        ("15 – 20", "range"),
        ("15 to 20", "range"),
        ("1.234", "ambiguous_separator"),
        ("1,23", "ambiguous_separator"),
        ("12,5", "ambiguous_separator"),
        ("-5", "negative"),
        ("(5)", "negative"),
        (-5, "negative"),
        (2.5, "not_whole"),
        ("12%", "percent_in_number"),
        ("12 persons", "text_in_number"),
        ("12*", "text_in_number"),
        ("twelve", "not_a_number"),
        ("#REF!", "error_value"),
        ("#DIV/0!", "error_value"),
        ("#N/A", "error_value"),
        (True, "not_a_number"),
        (float("nan"), "not_a_number"),
        (float("inf"), "not_a_number"),
        (dt.datetime(2016, 1, 2), "date_in_number_cell"),
        (dt.time(1, 2), "date_in_number_cell"),
        ("១2", "mixed_digits"),
        ("1e5", "text_in_number"),
        ("0x10", "text_in_number"),
        ("9" * 40, "text_in_number"),
    ],
)
def test_what_has_several_readings_is_not_taken(raw: Any, code: str) -> None:
    reading = read_number(raw)
    assert (reading.code, reading.taken, reading.value) == (code, False, None)
    assert reading.message


@pytest.mark.parametrize("raw", [None, "", "  ", "\u200b", "\u00a0"])
def test_nothing_is_nothing(raw: Any) -> None:
    reading = read_number(raw)
    assert reading.blank
    assert reading.value is None


@pytest.mark.parametrize(("raw", "value"), [(0, 0), (12, 12), (12.0, 12), ("0", 0), ("1.234.567", 1234567)])
def test_plain_numbers(raw: Any, value: float) -> None:
    assert read_number(raw).value == value
    assert not read_number(raw).blank


def test_fractions_where_they_belong() -> None:
    assert read_number(2.5, whole=False).value == 2.5
    assert read_number("2.5", whole=False).value == 2.5
    assert not read_number("2,5", whole=False).taken


@pytest.mark.parametrize(("raw", "below"), [("<5", 5), ("< 5", 5), ("fewer than 5", 5), ("<៥", 5)])
def test_below_is_suppression_by_the_country(raw: str, below: int) -> None:
    reading = read_number(raw)
    assert (reading.below, reading.value, reading.taken) == (below, None, True)


@given(some.one_of(some.text(max_size=60), some.floats(), some.integers(), some.booleans(), some.none()))
def test_no_content_breaks_the_reader(raw: Any) -> None:
    for reading in (read_number(raw), read_number(raw, whole=False), read_year(raw, first=2000, last=2020)):
        assert reading.value is None or reading.value >= 0
        assert reading.taken or reading.value is None
        assert reading.blank or reading.value is not None or reading.code
    shown(raw)
    if isinstance(raw, str):
        ascii_digits(raw)


@pytest.mark.parametrize(
    ("raw", "country", "value", "code", "taken"),
    [
        (2016, "KHM", 2016, "", True),
        ("2016", "KHM", 2016, "", True),
        ("២០១៦", "KHM", 2016, "local_digits", True),
        (2559, "THA", 2016, "buddhist_year", True),
        ("พ.ศ. ๒๕๕๙", "THA", 2016, "buddhist_year", True),
        (2559, "KHM", None, "buddhist_year", False),
        (2559, "LAO", None, "buddhist_year", False),
        ("2015/16", "KHM", None, "fiscal_year", False),
        ("FY2016", "KHM", None, "fiscal_year", False),
        ("16", "KHM", None, "not_a_year", False),
        (1999, "KHM", None, "year_outside", False),
        (2019, "KHM", None, "year_outside", False),
        (dt.datetime(2016, 1, 1), "KHM", None, "not_a_year", False),
    ],
)
def test_years(raw: Any, country: str, value: int | None, code: str, taken: bool) -> None:
    reading = read_year(raw, first=2010, last=2018, country=country)
    assert (reading.value, reading.code, reading.taken) == (value, code, taken)


@pytest.mark.parametrize("raw", ["Sok Dara", "012 345 678", "a" * 60, "Chea Sophea 12"])
def test_what_could_name_a_person_is_not_repeated(raw: str) -> None:
    assert shown(raw).startswith("text of ")
