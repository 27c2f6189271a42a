"""The audit holds every row once; it can be read, compared, and redone by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata import (
    Microdata,
    account,
    audit_dict,
    audit_html,
    before_after,
    classify,
    diff_audits,
    harmonize,
    harmonize_parquet,
    read_microdata,
    write_microdata,
)

from .conftest import data, walk

WALK = {
    "_level": {"filter": {"variable": "r", "eq": 1}, "filter_note": "completed"},
    "age": {"source": "a"},
    "sex": {"source": "q", "recode": {1: "M", 2: "F"}, "missing": {9: "refused"}, "unmapped": "missing"},
    "ea_any": {"source": "w", "recode": {1: True, 2: False}, "universe": {"variable": "age", "ge": 5}},
    "ea_hours": {
        "source": "h",
        "universe": {"variable": "ea_any", "eq": True},
        "outside": 0,
        "on_missing": {"system": 0},
    },
    "chores_any": {"rule": {"variable": "q", "eq": 1}},
    "chores_hours": {"sum": ["h", "h2"]},
    "urbanisation": {"constant": "U"},
    "age_first_union": {"status": "impossible", "note": "not asked"},
}


def _raw(rows: list[tuple[int | None, ...]]) -> Microdata:
    columns = ["r", "a", "q", "w", "h", "h2"]
    frame = pd.DataFrame(rows, columns=columns)
    return Microdata.from_frame(frame.astype("Int64"), name="raw.parquet")


ROWS = st.tuples(
    st.sampled_from([1, 1, 1, 2, None]),
    st.sampled_from([3, 7, 16, 130, None]),
    st.sampled_from([1, 2, 5, 9, None]),
    st.sampled_from([1, 2, None]),
    st.sampled_from([0, 4, 170, None]),
    st.sampled_from([0, 20, None]),
)


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=40))
def test_every_row_is_in_the_account_once(rows: list[tuple[int | None, ...]]) -> None:
    raw = _raw(rows)
    made = harmonize(raw, walk(**WALK))
    for entry in made.audit:
        assert sum(n for _, _, n in account(entry)) == entry.n_in == made.n_rows
        if entry.target in made.frame:
            crossed = before_after(raw, walk(**WALK), entry.target)
            assert crossed["n"].sum() == made.n_rows
            kept = ~crossed[entry.target].astype(str).str.startswith(("missing: ", "unmapped"))
            assert crossed.loc[kept, "n"].sum() == entry.n_valid


@settings(max_examples=8, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=40), block=st.integers(1, 17))
def test_blocks_give_what_the_whole_gives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int | None, ...]], block: int
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    raw = _raw(rows)
    crosswalk = walk(**WALK)
    whole = classify(harmonize(raw, crosswalk), "child_labour@sdg-2021")
    file = write_microdata(raw, folder / "raw.parquet")
    done = harmonize_parquet(
        file, crosswalk, folder / "out.parquet", definitions=["child_labour@sdg-2021"], block=block
    )
    back = read_microdata(done.path)
    assert done.n_rows == whole.n_rows == back.n_rows
    assert done.audit == whole.audit
    assert set(back.variables) == set(whole.variables)
    for name in whole.frame.columns:
        ours, theirs = back.frame[name].astype("string"), whole.frame[name].astype("string")
        if str(whole.frame[name].dtype) in ("Int64", "Float64"):
            ours, theirs = back.frame[name].astype("Float64"), whole.frame[name].astype("Float64")
        assert ours.fillna(pd.NA).to_list() == theirs.to_list() or (
            ours.isna().to_list() == theirs.isna().to_list()
            and ours.dropna().to_list() == theirs.dropna().to_list()
        ), name
    counted = whole.frame["child_labour_a__status"].value_counts().to_dict()
    assert done.statuses["child_labour_a"] == counted
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []


def test_large_file_tells_unmapped_codes_of_all_blocks_and_writes_nothing(tmp_path: Path) -> None:
    file = write_microdata(data(q=[1, 2, 5, 1, 5, 7]), tmp_path / "raw.parquet")
    with pytest.raises(HarmonizationError, match=r"holds unmapped codes: 5 \(2 rows\), 7 \(1 rows\)"):
        harmonize_parquet(
            file, walk(sex={"source": "q", "recode": {1: "M", 2: "F"}}), tmp_path / "o.parquet", block=2
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw.parquet"]


def test_large_file_checks_its_key_over_all_blocks(tmp_path: Path) -> None:
    file = write_microdata(data(k=[1, 2, 3, 1], a=[5, 6, 7, 8]), tmp_path / "raw.parquet")
    crosswalk = walk(_level={"file_key": ["k"]}, age={"source": "a"})
    with pytest.raises(HarmonizationError, match=r"2 rows share their key, 0 rows have a blank one"):
        harmonize_parquet(file, crosswalk, tmp_path / "o.parquet", block=2)


def test_large_file_wrong_source_and_target(tmp_path: Path) -> None:
    file = write_microdata(data(a=[5]), tmp_path / "raw.parquet")
    with pytest.raises(ValueError, match="the target must be a Parquet file"):
        harmonize_parquet(file, walk(age={"source": "a"}), tmp_path / "o.sav")
    with pytest.raises(ValueError, match="there is no such file"):
        harmonize_parquet(tmp_path / "none.parquet", walk(age={"source": "a"}), tmp_path / "o.parquet")
    with pytest.raises(HarmonizationError, match=r"targets\.age: 'b'; "):
        harmonize_parquet(file, walk(age={"source": "b"}), tmp_path / "o.parquet")


def test_audit_as_page_and_json() -> None:
    raw = data(q=[1, 2, 2, 9], name="<f>.sav")
    crosswalk = walk(
        sex={"source": "q", "recode": {1: "M", 2: "F"}, "missing": {9: "refused"}, "note": "a <note>"}
    )
    made = harmonize(raw, crosswalk)
    plain = json.loads(json.dumps(audit_dict(made)))
    assert plain["targets"][0]["account"] == [["1", "M", 1], ["2", "F", 2], ["", "missing: refused", 1]]
    assert plain["crosswalk"] == "test"
    page = audit_html(made, cross_tabulations={"sex": before_after(raw, crosswalk, "sex")})
    assert "&lt;f&gt;.sav" in page
    assert "a &lt;note&gt;" in page
    assert "<f>" not in page
    with pytest.raises(HarmonizationError, match="there is no audit"):
        audit_dict(raw)


def test_before_after_hides_text_and_knows_its_targets() -> None:
    raw = data(q=["M", "Somchai Jaidee", "F"])
    crosswalk = walk(sex={"source": "q", "recode": {"M": "M", "F": "F"}, "unmapped": "missing"})
    crossed = before_after(raw, crosswalk, "sex")
    assert crossed.values.tolist() == [["(text)", "unmapped", 1], ["F", "F", 1], ["M", "M", 1]]
    with pytest.raises(HarmonizationError, match=r"makes no target 'sexx'[\s\S]*did you mean 'sex'"):
        before_after(raw, crosswalk, "sexx")


def test_two_versions_of_a_crosswalk_are_compared(tmp_path: Path) -> None:
    raw = data(q=[1, 2, 3], a=[5, 6, 7])
    one = harmonize(
        raw, walk(sex={"source": "q", "recode": {1: "M", 2: "F"}, "missing": {3: "dk"}}, age={"source": "a"})
    )
    two = harmonize(raw, walk(sex={"source": "q", "recode": {1: "M", 2: "F", 3: "F"}}))
    diff = diff_audits(one, two)
    told = {(c.target, c.what): (c.before, c.after) for c in diff.changes}
    assert told["age", "target"] == ("made", "not in it")
    assert told["sex", "3 to F"] == ("0", "1")
    assert told["sex", "missing: dk"] == ("1", "0")
    assert ("sex", "rows in") not in told
    file = tmp_path / "one.json"
    file.write_text(json.dumps(audit_dict(one)), encoding="utf-8")
    assert diff_audits(file, two) == diff
    assert diff_audits(file, one).changes == ()
    assert diff.text().startswith("test on t.csv → test on t.csv: 4 differences")
    assert "missing: dk" in diff.to_html()
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(HarmonizationError, match="this is no audit of a harmonization"):
        diff_audits(file, two)


def test_two_rounds_are_compared_by_their_shares() -> None:
    recode = {"source": "q", "recode": {1: "M", 2: "F"}}
    small = harmonize(data(q=[1, 2]), walk(sex=recode))
    large = harmonize(data(q=[1, 2] * 50), walk(sex=recode))
    assert diff_audits(small, large, shares=True).changes == ()
    assert {c.what for c in diff_audits(small, large).changes} == {"rows in", "1 to M", "2 to F"}
