"""Every cell is accounted for: valid, missing for a reason, or a code that nobody mapped."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata import (
    Microdata,
    MissingCode,
    Variable,
    harmonize,
    read_microdata,
    write_microdata,
)

from .conftest import data, walk


def _list(values: pd.Series) -> list[object]:
    return [None if pd.isna(v) else v for v in values]


def _target(result: Microdata, name: str) -> list[object]:
    return _list(result.frame[name])


def test_recode_by_code_range_and_text() -> None:
    made = harmonize(
        data(a=[1, 2, 7, 11], b=["01", "02", "02", "01"]),
        walk(
            ea_any={"source": "a", "recode": {"1..2": True, "7..11": False}},
            sex={"source": "b", "recode": {"01": "M", "02": "F"}},
        ),
    )
    assert _target(made, "ea_any") == [True, True, False, False]
    assert _target(made, "sex") == ["M", "F", "F", "M"]
    assert made.audit[0].codes == (("1", "True", 1), ("2", "True", 1), ("7", "False", 1), ("11", "False", 1))
    assert made.variables["sex"].value_labels == {"M": "Male", "F": "Female"}
    assert made.variables["sex"].provenance["sources"] == ["b"]


def test_recode_by_label_in_any_case_and_spacing() -> None:
    raw = Microdata.from_frame(
        pd.DataFrame({"s": [1, 2, 2]}), [Variable(name="s", value_labels={1: " Hombre", 2: "MUJER "})]
    )
    made = harmonize(raw, walk(sex={"source": "s", "recode_labels": {"hombre": "M", "Mujer": "F"}}))
    assert _target(made, "sex") == ["M", "F", "F"]


def test_source_found_by_its_label() -> None:
    raw = Microdata.from_frame(pd.DataFrame({"q7": [5, 6]}), [Variable(name="q7", label="Age in  years")])
    made = harmonize(raw, walk(age={"label": "age in years"}))
    assert _target(made, "age") == [5, 6]
    with pytest.raises(HarmonizationError, match="no column has the label 'Age of child'"):
        harmonize(raw, walk(age={"label": "Age of child"}))


def test_unmapped_codes_are_listed_with_counts_for_all_targets() -> None:
    raw = data(a=[1, 5, 5, 7], b=["M", "Somchai Jaidee", "X", "X"], name="f.sav")
    with pytest.raises(HarmonizationError) as caught:
        harmonize(
            raw, walk(ea_any={"source": "a", "recode": {1: True}}, sex={"source": "b", "recode": {"M": "M"}})
        )
    message = str(caught.value)
    assert "targets.ea_any: column 'a' holds unmapped codes: 5 (2 rows), 7 (1 rows)" in message
    assert "X (2 rows)" in message
    assert "Somchai" not in message
    assert "(text) (1 rows)" in message


def test_unmapped_can_be_set_aside_and_is_counted() -> None:
    made = harmonize(
        data(a=[1, 5, 5]), walk(ea_any={"source": "a", "recode": {1: True}, "unmapped": "missing"})
    )
    assert _target(made, "ea_any") == [True, None, None]
    assert made.audit[0].unmapped == {"5": 2}
    assert made.audit[0].n_valid == 1


def test_missing_by_code_label_declaration_and_blank() -> None:
    raw = Microdata.from_frame(
        pd.DataFrame({"h": [4.0, 97.0, 98.0, 99.0, None, 50.0]}),
        [
            Variable(
                name="h",
                value_labels={98: "Don't know", 99: "REFUSED"},
                missing=(MissingCode(low=97, high=99),),
            )
        ],
    )
    level = {"missing": {"by_label": {"refused": "refused"}, "by_code": {"h": {98: "dk"}}}}
    made = harmonize(raw, walk(_level=level, ea_hours={"source": "h"}))
    assert _target(made, "ea_hours") == [4.0, None, None, None, None, 50.0]
    assert made.audit[0].missing == {"dk": 1, "refused": 1, "user_missing": 1, "system": 1}
    assert _list(made.frame["ea_hours__missing"]) == [
        None,
        "user_missing",
        "dk",
        "refused",
        "system",
        None,
    ]


def test_same_reasons_from_spss_codes_and_stata_tags(tmp_path: Path) -> None:
    """The known trap: 98 hours "don't know" counted as work is what a reader without declarations does."""
    raw = Microdata.from_frame(
        pd.DataFrame({"h": [2, 98, 99], "age": [9, 9, 9], "w": [1, 1, 1]}),
        [
            Variable(
                name="h",
                value_labels={98: "DK", 99: "NO RESPONSE"},
                missing=tuple(MissingCode(low=c, high=c) for c in (98, 99)),
            )
        ],
    )
    level = {"missing": {"by_label": {"DK": "dk", "no response": "no_response"}}}
    crosswalk = walk(_level=level, ea_hours={"source": "h"})
    for extension in (".sav", ".dta", ".parquet"):
        file = write_microdata(raw, tmp_path / f"f{extension}")
        made = harmonize(read_microdata(file), crosswalk)
        assert _list(made.frame["ea_hours__missing"]) == [None, "dk", "no_response"], extension
        assert made.audit[0].missing == {"dk": 1, "no_response": 1}


def test_labels_that_occur_nowhere_are_noted() -> None:
    level = {"missing": {"by_label": {"no idea": "dk"}}}
    made = harmonize(data(a=[5]), walk(_level=level, age={"source": "a"}))
    assert "missing.by_label: no value label in the file reads 'no idea'" in made.notes


def test_range_universe_outside_and_on_missing() -> None:
    made = harmonize(
        data(age=[4, 9, 17, 130], h=[None, 200, None, 3]),
        walk(
            age={"source": "age"},
            ea_hours={
                "source": "h",
                "universe": {"variable": "age", "between": [5, 17]},
                "on_missing": {"not_applicable": 0, "system": 1},
            },
        ),
    )
    assert _target(made, "age") == [4, 9, 17, None]
    assert made.audit[0].missing == {"out_of_range": 1}
    # a row of unknown age keeps what was answered
    assert _target(made, "ea_hours") == [0.0, None, 1.0, 3.0]
    assert made.audit[1].missing == {"out_of_range": 1}
    assert made.audit[1].n_outside == 1


def test_codes_outside_the_universe_are_not_looked_at() -> None:
    made = harmonize(
        data(age=[3, 9], q=[77, 1]),
        walk(
            age={"source": "age"},
            ea_any={
                "source": "q",
                "recode": {1: True, 2: False},
                "universe": {"variable": "age", "ge": 5},
            },
        ),
    )
    assert _target(made, "ea_any") == [None, True]
    assert made.audit[1].missing == {"not_applicable": 1}


def test_rules_keep_the_unknown_unknown() -> None:
    level = {"missing": {"by_code": {"a": {9: "refused"}, "b": {9: "dk"}}}}
    made = harmonize(
        data(a=[1, 2, 9, 9], b=[2, 2, 2, 1]),
        walk(
            _level=level,
            ea_any={"rule": {"any_of": [{"variable": "a", "eq": 1}, {"variable": "b", "eq": 1}]}},
        ),
    )
    assert _target(made, "ea_any") == [True, False, None, True]
    assert made.audit[0].missing == {"refused": 1}


def test_sum_first_of_constant_convert_and_band() -> None:
    made = harmonize(
        data(a=[1.0, None, 3.0], b=[10, 20, None], m=[60, 90, 0], y=[5, 12, 17]),
        walk(
            ea_hours={"sum": ["a", "b"], "blank": "not_applicable", "on_missing": {"not_applicable": 0}},
            chores_hours={"source": "m", "convert": {"factor": 1 / 60}},
            age={"first_of": ["a", "y"]},
            age_band={"source": "y", "band": True},
            urbanisation={"constant": "U"},
        ),
    )
    assert _target(made, "ea_hours") == [11.0, 20.0, 3.0]
    assert _target(made, "chores_hours") == [1.0, 1.5, 0.0]
    assert _target(made, "age") == [1, 12, 3]
    assert _target(made, "age_band") == ["5-11", "12-14", "15-17"]
    assert _target(made, "urbanisation") == ["U"] * 3


def test_a_sum_with_an_unknown_term_is_unknown() -> None:
    made = harmonize(data(a=[1, 2], b=[None, 3]), walk(ea_hours={"sum": ["a", "b"]}))
    assert _target(made, "ea_hours") == [None, 5.0]


def test_filter_is_counted() -> None:
    level = {"filter": {"variable": "r", "eq": 1}, "filter_note": "completed interviews"}
    made = harmonize(data(r=[1, 2, None, 1], a=[5, 6, 7, 8]), walk(_level=level, age={"source": "a"}))
    assert _target(made, "age") == [5, 8]
    assert made.notes == (
        "filter (completed interviews): 2 of 4 rows kept, 1 do not count, 1 cannot be told and were left out",
    )


def test_keys_and_kept_columns_are_carried_unchanged() -> None:
    level = {"file_key": ["h", "p"], "keep": ["w"]}
    raw = data(h=["01", "01"], p=[1, 2], w=[1.5, 2.5], a=[5, 6])
    made = harmonize(raw, walk(_level=level, age={"source": "a"}))
    assert list(made.frame.columns) == ["h", "p", "w", "age"]
    assert made.keys == ("h", "p")
    with pytest.raises(HarmonizationError, match=r"2 rows share their key, 0 rows have a blank one"):
        harmonize(data(h=["01", "01"], p=[1, 1], w=[1, 1], a=[5, 6]), walk(_level=level, age={"source": "a"}))
    with pytest.raises(HarmonizationError, match="keep: 'age' is a target too"):
        harmonize(data(age=[1]), walk(_level={"keep": ["age"]}, age={"source": "age"}))


def test_impossible_targets_are_accounted_and_not_made() -> None:
    made = harmonize(
        data(a=[5, 6]),
        walk(age={"source": "a"}, chores_hours={"status": "impossible", "note": "not in the questionnaire"}),
    )
    assert "chores_hours" not in made.frame
    assert made.status("chores_hours") == "impossible"
    assert made.audit[1].missing == {"not_asked": 2}
    assert "chores_hours cannot be made: not in the questionnaire" in made.notes


def test_a_rule_that_compares_text_with_numbers_is_told() -> None:
    with pytest.raises(HarmonizationError) as caught:
        harmonize(data(a=["x", "y"]), walk(ea_any={"rule": {"variable": "a", "ge": 1}}))
    assert "the rule does not fit the columns it reads" in str(caught.value)
    assert "a string" in str(caught.value)


def test_copy_refuses_what_does_not_fit() -> None:
    with pytest.raises(HarmonizationError, match=r"unmapped codes: 2\.5 \(1 rows\)"):
        harmonize(data(a=[1.0, 2.5]), walk(age={"source": "a"}))
    with pytest.raises(HarmonizationError, match=r"unmapped codes: X \(1 rows\)"):
        harmonize(data(a=["M", "X"]), walk(sex={"source": "a"}))
    with pytest.raises(HarmonizationError, match=r"unmapped codes"):
        harmonize(data(a=[1, 0]), walk(ea_any={"source": "a"}))


def test_audit_tables_and_repr() -> None:
    made = harmonize(data(a=[1, 9]), walk(sex={"source": "a", "recode": {1: "M"}, "missing": {9: "refused"}}))
    row = made.audit_frame().iloc[0]
    assert (row["rule"], row["missing"]) == ("a; recoded 1 to M", "refused: 1")
    assert made.codes_frame().to_dict("records") == [
        {"target": "sex", "source_code": "1", "result": "M", "n": 1}
    ]
    assert "sex: 1 valid of 2, 1 refused" in repr(made)


@settings(max_examples=60, deadline=None)
@given(
    codes=st.lists(st.sampled_from([1, 2, 3, 7, 8, 9, None]), min_size=1, max_size=40),
    ages=st.lists(st.sampled_from([0, 5, 17, 40, 999, None]), min_size=40, max_size=40),
)
def test_the_account_adds_up(codes: list[int | None], ages: list[int | None]) -> None:
    n = len(codes)
    frame = pd.DataFrame({"q": pd.array(codes, dtype="Int64"), "a": pd.array(ages[:n], dtype="Int64")})
    made = harmonize(
        Microdata.from_frame(frame),
        walk(
            age={"source": "a"},
            ea_any={
                "source": "q",
                "recode": {1: True, 2: False},
                "missing": {8: "dk", 9: "refused"},
                "universe": {"variable": "age", "ge": 5},
                "unmapped": "missing",
            },
            ea_hours={"source": "a", "on_missing": {"out_of_range": 0}},
            chores_any={"rule": {"variable": "q", "eq": 1}},
        ),
    )
    for entry in made.audit:
        assert entry.n_in == n
        assert entry.n_in == entry.n_valid + sum(entry.missing.values()) + sum(entry.unmapped.values())
        assert entry.n_valid == made.frame[entry.target].notna().sum()
        told = made.frame.get(entry.target + "__missing", pd.Series(dtype="string"))
        assert told.notna().sum() == sum(entry.missing.values())
        if entry.codes:
            assert sum(count for _, _, count in entry.codes) == entry.n_valid


def test_a_blank_outside_knowledge_of_the_universe_stays_unknown() -> None:
    """Blank hours mean none where it is known that nobody asked; not where it is unknown whether they did."""
    raw = data(c=[1, 2, 9, 9, 1], h=[5, None, None, 3, None])
    chores = {"source": "c", "recode": {1: True, 2: False}, "missing": {9: "refused"}}
    hours = {
        "sum": ["h"],
        "on_missing": {"system": 0},
        "universe": {"variable": "chores_any", "eq": True},
        "outside": 0,
    }
    made = harmonize(raw, walk(chores_any=chores, chores_hours=hours))
    assert _target(made, "chores_hours") == [5.0, 0.0, None, 3.0, 0.0]
    single = harmonize(
        raw, walk(chores_any=chores, chores_hours={"source": "h", **{k: hours[k] for k in list(hours)[1:]}})
    )
    assert _target(single, "chores_hours") == [5.0, 0.0, None, 3.0, 0.0]


def test_whole_decimals_become_plain_text_codes() -> None:
    made = harmonize(data(r=[1.0, 12.0, None]), walk(region={"source": "r"}))
    assert _target(made, "region") == ["1", "12", None]
    made = harmonize(data(r=[1.5, 12.0, None]), walk(region={"source": "r"}))
    assert _target(made, "region") == ["1.5", "12.0", None]
