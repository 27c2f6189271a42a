from __future__ import annotations

import pandas as pd
import pytest

from survey_toolkit.datasets import RecordErrors, victim_lists
from survey_toolkit.errors import SurveyToolkitError
from survey_toolkit.multiple_systems import CaptureHistories

LISTS = [("police", 300), ("ngo", 200), ("hotline", 200)]


def test_the_same_seed_gives_the_same_lists() -> None:
    a, b, c = victim_lists(1, 500, LISTS), victim_lists(1, 500, LISTS), victim_lists(2, 500, LISTS)
    pd.testing.assert_frame_equal(a.records, b.records)
    assert a.person == b.person
    assert not a.records.equals(c.records)


def test_records_fit_the_description() -> None:
    data = victim_lists(3, 3000, [("police", 2500), ("ngo", 200)])
    records = data.records
    assert records["record_id"].is_unique
    assert records.groupby("source").size().to_dict() == {"police": 2500, "ngo": 200}
    assert 0.53 < (records["sex"] == "F").mean() < 0.63
    assert 0.01 < records["sex"].isna().mean() < 0.035
    assert 0.12 < records["document_no"].notna().mean() < 0.18
    assert records["dob"].dropna().between("1948-01-01", "2019-12-31").all()
    assert "person" not in records.columns
    per_list = records.assign(p=records["record_id"].map(data.person)).groupby("source")["p"]
    assert (per_list.size() - per_list.nunique()).to_dict() == {"police": 75, "ngo": 6}


def test_without_errors_the_lists_tell_the_truth() -> None:
    rates = {k: 0.0 for k in RecordErrors.__slots__} | {"document_present": 1.0}
    data = victim_lists(1, 300, LISTS, errors=RecordErrors(**rates))
    assert data.records.notna().all(axis=None)
    assert data.records.groupby("document_no").ngroups == data.n_seen


def test_the_hotline_is_worse_and_the_truth_makes_histories() -> None:
    data = victim_lists(4, 2000, [("police", 1500), ("hotline", 1500)])
    missing = data.records["dob"].isna().groupby(data.records["source"]).mean()
    assert missing["hotline"] > 1.4 * missing["police"]
    table = data.true_histories()
    assert len(table) == data.n_seen
    assert CaptureHistories.from_records(table, ["police", "hotline"]).n_observed == data.n_seen


def test_impossible_lists_are_refused() -> None:
    with pytest.raises(SurveyToolkitError, match="at most 100 records"):
        victim_lists(1, 100, [("police", 200)])
    with pytest.raises(SurveyToolkitError, match="different names"):
        victim_lists(1, 100, [("police", 20), ("police", 20)])
    with pytest.raises(SurveyToolkitError, match="not between 0 and 1"):
        RecordErrors(typo_first=1.2)
