"""The same content gives the same file, whenever and wherever it is written."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import Microdata, read_microdata, write_microdata
from survey_toolkit.microdata._stamp import put_moment

WITH_CLOCK = [".sav", ".zsav", ".dta"]
EPOCH = "1700000000"  # 2023-11-14 22:13:20 UTC


@pytest.fixture(autouse=True)
def _no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another hour of the day on the clock that the C library shows, which is the one pyreadstat asks."""
    monkeypatch.setenv("TZ", "XYZ-13:07")
    time.tzset()


def _told(file: Path) -> dt.datetime:
    _, meta = (pyreadstat.read_dta if file.suffix == ".dta" else pyreadstat.read_sav)(str(file))
    told = meta.creation_time
    assert isinstance(told, dt.datetime)
    return told


@pytest.mark.parametrize("extension", [*WITH_CLOCK, ".parquet", ".csv"])
def test_two_writings_are_one_file(
    survey: Microdata, tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_microdata(survey, tmp_path / f"one{extension}").read_bytes()
    _elsewhere(monkeypatch)
    second = write_microdata(survey, tmp_path / f"two{extension}").read_bytes()
    monkeypatch.undo()
    time.tzset()
    assert first == second


@pytest.mark.parametrize("extension", WITH_CLOCK)
def test_the_clock_would_show_without_it(
    survey: Microdata, tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds the test above to its word: the clock that it turns is the one that the writer asks."""
    monkeypatch.setattr("survey_toolkit.microdata.write.put_moment", lambda path: None)
    first = write_microdata(survey, tmp_path / f"one{extension}").read_bytes()
    _elsewhere(monkeypatch)
    second = write_microdata(survey, tmp_path / f"two{extension}").read_bytes()
    monkeypatch.undo()
    time.tzset()
    assert first != second


@pytest.mark.parametrize("extension", WITH_CLOCK)
def test_the_moment_is_none_or_the_one_named(
    survey: Microdata, tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = write_microdata(survey, tmp_path / f"plain{extension}")
    assert _told(plain) == dt.datetime(1980, 1, 1)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    named = write_microdata(survey, tmp_path / f"named{extension}")
    seconds = 0 if extension == ".dta" else 20
    assert _told(named) == dt.datetime(2023, 11, 14, 22, 13, seconds)
    pd.testing.assert_frame_equal(read_microdata(plain).frame, read_microdata(named).frame)


@pytest.mark.parametrize("wrong", ["yesterday", "-5", "1e9", "3155760001"])
def test_a_wrong_moment_is_told_and_writes_nothing(
    survey: Microdata, tmp_path: Path, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
    with pytest.raises(DataFileError, match=f"SOURCE_DATE_EPOCH: the moment[^']*'{wrong}'[^']*whole seconds"):
        write_microdata(survey, tmp_path / "out.sav")
    assert list(tmp_path.iterdir()) == []


def test_a_head_without_a_place_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.sav"
    other.write_bytes(b"$FL2" + b" " * 200)
    with pytest.raises(DataFileError, match="no place for the moment"):
        put_moment(other)
    assert other.read_bytes() == b"$FL2" + b" " * 200


def test_stata_files_are_of_the_format_that_stata_14_reads(survey: Microdata, tmp_path: Path) -> None:
    assert b"<release>118</release>" in write_microdata(survey, tmp_path / "out.dta").read_bytes()[:60]
