"""No row gained, none lost in silence."""

from __future__ import annotations

import pytest

from survey_toolkit.errors import HarmonizationError
from survey_toolkit.microdata import join

from .conftest import data

PERSONS = {"hh": ["1", "1", "2", "3"], "age": [30, 9, 41, 5]}


def test_order_and_rows_of_the_children_are_kept() -> None:
    homes = data("homes.sav", hh=["3", "2", "1", "9"], urbanisation=["R", "U", "U", "R"])
    made = join(data("persons.sav", **PERSONS), homes, on="hh")
    assert made.frame["urbanisation"].to_list() == ["U", "U", "U", "R"]
    assert made.frame["age"].to_list() == PERSONS["age"]
    assert made.notes == ("join: 1 rows of homes.sav have no row in persons.sav",)
    assert "urbanisation" in made.variables


def test_keys_of_other_names() -> None:
    homes = data("homes.sav", id=["1", "2", "3"], region=["a", "b", "c"])
    made = join(data(**PERSONS), homes, on={"hh": "id"})
    assert made.frame["region"].to_list() == ["a", "a", "b", "c"]


def test_orphans_are_refused_kept_or_dropped() -> None:
    homes = data("homes.sav", hh=["1", "2"], region=["a", "b"])
    persons = data("persons.sav", **PERSONS)
    with pytest.raises(HarmonizationError, match=r"1 of 4 rows of persons\.sav have no match in homes\.sav"):
        join(persons, homes, on="hh")
    kept = join(persons, homes, on="hh", orphans="keep")
    assert kept.n_rows == 4
    assert kept.frame["region"].isna().to_list() == [False, False, False, True]
    dropped = join(persons, homes, on="hh", orphans="drop")
    assert dropped.n_rows == 3
    assert "left out" in dropped.notes[0]


def test_cardinality_is_checked() -> None:
    twice = data("homes.sav", hh=["1", "1", "2", "3"], region=["a", "b", "c", "d"])
    with pytest.raises(HarmonizationError, match=r"a parent key stands twice[\s\S]*2 rows share their key"):
        join(data(**PERSONS), twice, on="hh")
    homes = data("homes.sav", hh=["1", "2", "3"], region=["a", "b", "c"])
    with pytest.raises(HarmonizationError, match=r"a child key stands twice"):
        join(data(**PERSONS), homes, on="hh", cardinality="one_to_one")


def test_text_key_against_number_and_unknown_key() -> None:
    numbers = data("homes.sav", hh=[1, 2, 3], region=["a", "b", "c"])
    with pytest.raises(HarmonizationError, match=r"text in one file and a number in the other"):
        join(data(**PERSONS), numbers, on="hh")
    with pytest.raises(HarmonizationError, match=r"no such key column[\s\S]*did you mean 'hh'"):
        join(data(**PERSONS), numbers, on="hhh")


def test_files_that_disagree_are_told() -> None:
    homes = data("homes.sav", hh=["1", "2", "3"], age=[30, 41, 5])
    with pytest.raises(HarmonizationError, match=r"'age' differs in 1 rows"):
        join(data("persons.sav", **PERSONS), homes, on="hh")
    same = data("homes.sav", hh=["1", "2", "3"], round=[7, 7, 7])
    persons = data(**PERSONS, round=[7, 7, 7, 7])
    assert list(join(persons, same, on="hh").frame.columns) == ["hh", "age", "round"]
