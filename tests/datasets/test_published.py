from __future__ import annotations

from pathlib import Path

import pytest

import survey_toolkit.datasets as datasets
from survey_toolkit.datasets import KOSOVO_1999, UK_2013, CaptureTable, kosovo_1999, uk_2013
from survey_toolkit.errors import SurveyToolkitError


def test_uk_2013_has_the_published_sums() -> None:
    table = uk_2013()
    assert table["count"].sum() == 2744
    sizes = {name: int(table.loc[table[name] == 1, "count"].sum()) for name in UK_2013.lists}
    assert sizes == {"LA": 94, "NG": 567, "PF": 1102, "GO": 807, "GP": 336, "NCA": 102}
    assert len(table) == 25


def test_kosovo_1999_has_the_published_sums() -> None:
    table = kosovo_1999()
    assert table["count"].sum() == KOSOVO_1999.total == 4400
    sizes = {name: int(table.loc[table[name] == 1, "count"].sum()) for name in KOSOVO_1999.lists}
    assert sizes == {"EXH": 1910, "ABA": 1528, "OSCE": 1786, "HRW": 685}


@pytest.mark.parametrize("table", [UK_2013, KOSOVO_1999], ids=lambda t: t.name)
def test_no_pattern_stands_twice_and_none_is_empty(table: CaptureTable) -> None:
    frame = table.to_frame()
    patterns = frame[list(table.lists)]
    assert not patterns.duplicated().any()
    assert (patterns.sum(axis=1) >= 1).all()
    assert (frame["count"] > 0).all()
    assert table.sources


def test_shipped_study_file_is_the_table(tmp_path: Path) -> None:
    shipped = Path(datasets.__file__).parent / "studies" / "uk_2013" / "capture_histories.csv"
    UK_2013.write_csv(tmp_path / "written.csv")
    assert shipped.read_bytes() == (tmp_path / "written.csv").read_bytes()


def test_a_table_with_an_undeclared_list_is_refused() -> None:
    with pytest.raises(SurveyToolkitError, match="does not declare") as info:
        CaptureTable(name="x", title="x", lists={"A": "a"}, rows=(("A+B", 3),), sources=("s",))
    assert info.value.found == "B"
