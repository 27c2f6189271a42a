from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DataFileError, EstimationError
from survey_toolkit.multiple_systems import CaptureHistories

COLUMNS = {"A": [1, 0, 1], "B": [0, 1, 1], "count": [10, 20, 5]}


def test_every_frame_kind_gives_the_same_table(as_frame: Callable[[pd.DataFrame], Any]) -> None:
    data = CaptureHistories.from_counts(as_frame(pd.DataFrame(COLUMNS)))
    assert data.lists == ("A", "B")
    assert data.patterns.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert data.counts.tolist() == [10, 20, 5]


def test_a_csv_file_columns_and_histories_agree(tmp_path: Path) -> None:
    path = tmp_path / "lists.csv"
    pd.DataFrame(COLUMNS).to_csv(path, index=False)
    tables = [
        CaptureHistories.from_counts(path),
        CaptureHistories.from_counts(str(path), ["A", "B"]),
        CaptureHistories.from_counts(COLUMNS),
        CaptureHistories.from_counts({"10": 10, "01": 20, "11": 5}, ["A", "B"]),
        CaptureHistories.from_counts({(1, 0): 10, (0, 1): 20, (1, 1): 5}, ["A", "B"]),
    ]
    assert all(np.array_equal(t.table(), tables[0].table()) for t in tables)


def test_booleans_and_zero_counts_are_fine() -> None:
    data = CaptureHistories.from_counts(
        {"A": [True, False, True, False], "B": [False, True, True, False], "count": [1, 2, 0, 0]}
    )
    assert data.counts.tolist() == [1, 2]


def test_records_are_counted(as_frame: Callable[[pd.DataFrame], Any]) -> None:
    people = pd.DataFrame({"name": ["x", "y", "z", "u"], "A": [1, 1, 0, 1], "B": [0, 0, 1, 1]})
    data = CaptureHistories.from_records(as_frame(people), ["A", "B"])
    assert dict(zip(map(tuple, data.patterns.tolist()), data.counts.tolist(), strict=True)) == {
        (1, 0): 2,
        (0, 1): 1,
        (1, 1): 1,
    }


def test_arrays_are_read_only(uk6: CaptureHistories) -> None:
    with pytest.raises(ValueError, match="read-only"):
        uk6.counts[0] = 1


def test_merge_keeps_everybody_and_drop_counts_who_leaves(uk6: CaptureHistories) -> None:
    merged = uk6.merge({"PFNCA": ["PF", "NCA"]})
    assert merged.lists == ("LA", "NG", "PFNCA", "GO", "GP")
    assert merged.n_observed == uk6.n_observed == 2744
    assert merged.overlaps()["LA", "GP"] == 0
    dropped = merged.drop("GP")
    assert dropped.n_observed == 2428
    assert "316 people seen only there left the table" in dropped.notes[-1]


def test_audit_names_what_is_wrong(uk5: CaptureHistories, apart: CaptureHistories) -> None:
    audit = uk5.audit()
    assert (audit.n, audit.n_histories, audit.n_possible) == (2744, 18, 31)
    assert audit.list_sizes == {"LA": 94, "NG": 567, "PFNCA": 1169, "GO": 807, "GP": 336}
    assert audit.empty_pairs == (("LA", "GP"),)
    assert audit.n_overlapping_triples == 7
    assert "no overlap between LA:GP" in repr(audit)
    assert apart.audit().warnings == (
        "no two lists share anybody: nothing in the table tells how many are unseen",
    )


def test_audit_finds_contained_and_identical_lists() -> None:
    data = CaptureHistories.from_counts({"1110": 5, "1101": 3, "1100": 4}, ["A", "B", "C", "D"])
    audit = data.audit()
    assert audit.identical == (("A", "B"),)
    assert ("C", "A") in audit.contained
    assert audit.covers_all == ("A", "B")
    assert "A and B hold exactly the same people: they are one list" in audit.warnings


def test_html_escapes_list_names() -> None:
    data = CaptureHistories.from_counts({"11": 5, "10": 2, "01": 1}, ["<script>", "B&C"])
    for html in (data._repr_html_(), data.audit()._repr_html_()):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "one list": ({"data": {"A": [1], "count": [3]}}, "at least two lists"),
    "same name": ({"data": COLUMNS, "lists": ["A", "A"]}, "two lists have the same name"),
    "colon": ({"data": {"A:B": [1, 1], "C": [0, 1], "count": [1, 1]}}, "without a colon"),
    "no column": ({"data": COLUMNS, "lists": ["A", "Z"]}, "'Z'"),
    "no count": ({"data": COLUMNS, "count": "n"}, "'n'"),
    "nobody": ({"data": {"A": [1, 1], "B": [0, 1], "count": [3, 0]}}, "nobody on it"),
    "negative": ({"data": {**COLUMNS, "count": [1, -2, 3]}}, "negative (-2)"),
    "fraction": ({"data": {**COLUMNS, "count": [1, 2.5, 3]}}, "not whole (2.5)"),
    "infinite": ({"data": {**COLUMNS, "count": [1, float("inf"), 3]}}, "not whole (inf)"),
    "missing": ({"data": {**COLUMNS, "count": [1, None, 3]}}, "missing or not a number"),
    "suppressed": ({"data": {**COLUMNS, "count": [1, "<5", 3]}}, "missing or not a number"),
    "twice": ({"data": {"A": [1, 1, 0], "B": [0, 0, 1], "count": [1, 2, 3]}}, "more than one row"),
    "zeros": (
        {"data": {"A": [1, 1, 0], "B": [0, 1, 0], "count": [1, 2, 3]}},
        "on no list cannot have been observed",
    ),
    "not 0/1": ({"data": {"A": [1, 2, 0], "B": [0, 1, 1], "count": [1, 2, 3]}}, "column 'A'"),
    "null": ({"data": {"A": [1, None, 0], "B": [0, 1, 1], "count": [1, 2, 3]}}, "1 of 3 rows"),
    "lengths": ({"data": {"A": [1, 0], "B": [0, 1, 1], "count": [1, 2, 3]}}, "different lengths"),
    "digits": ({"data": {"101": 3}, "lists": ["A", "B"]}, "one digit a list"),
    "unnamed": ({"data": {"10": 3, "01": 2}}, "needs the names of the lists"),
    "empty": ({"data": {"A": [], "B": [], "count": []}}, "nobody on it"),
}


@pytest.mark.parametrize(("arguments", "message"), list(BAD.values()), ids=list(BAD))
def test_bad_tables_are_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimationError) as caught:
        CaptureHistories.from_counts(**arguments)
    assert message in str(caught.value)


def test_stratified_tables_can_be_summed() -> None:
    table = {"A": [1, 0, 1, 0], "B": [1, 1, 1, 1], "count": [1, 2, 10, 20]}
    data = CaptureHistories.from_counts(table, ["A", "B"], duplicates="sum")
    assert data.counts.tolist() == [22, 11]


def test_bad_records_merges_and_drops(uk6: CaptureHistories) -> None:
    with pytest.raises(EstimationError, match="1 of 2 rows are 0"):
        CaptureHistories.from_records(pd.DataFrame({"A": [1, 0], "B": [1, 0]}), ["A", "B"])
    with pytest.raises(EstimationError, match="did you mean 'NCA'"):
        uk6.merge({"x": ["PF", "NCAA"]})
    with pytest.raises(EstimationError, match="merged once"):
        uk6.merge({"x": ["PF", "NCA"], "y": ["PF", "LA"]})
    with pytest.raises(EstimationError, match="two lists have the same name"):
        uk6.merge({"LA": ["PF", "NCA"]})
    with pytest.raises(EstimationError, match="at least two lists"):
        uk6.drop(["NG", "PF", "GO", "GP", "NCA"])
    with pytest.raises(DataFileError, match="no such file"):
        CaptureHistories.from_counts("nowhere.csv")


def test_too_many_lists() -> None:
    names = [f"L{j}" for j in range(17)]
    with pytest.raises(EstimationError, match="too many lists"):
        CaptureHistories.from_counts({"1" * 17: 3}, names)
