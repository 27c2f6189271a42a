from __future__ import annotations

import logging
import socket
import stat
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from survey_toolkit import multiple_systems as ms
from survey_toolkit.datasets import VictimLists, victim_lists
from survey_toolkit.errors import DataFileError, DisclosureError, EstimationError, MissingExtraError
from survey_toolkit.multiple_systems import linkage as lk

KEY = b"a shared secret of the owners"
LISTS = [("police", 260), ("ngo", 240), ("hotline", 200)]
FIELDS = lk.LinkFields(others=("exploitation",))


@pytest.fixture(scope="module")
def people() -> VictimLists:
    return victim_lists(5, 600, LISTS)


@pytest.fixture(scope="module")
def linked(people: VictimLists) -> lk.Linkage:
    return lk.link_records(people.records, FIELDS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Youssouf", "Yusuf"),
        ("Филипп", "Filip"),
        ("Xhoi", "Zhoi"),
        ("Khadija", "Kadiya"),
        ("Nguyễn", "nguyen"),
        ("Şahin", "Sahin"),
        ("Θεόδωρος", "Theodoros"),
    ],
)
def test_romanisations_share_a_key(one: str, other: str) -> None:
    a, b = lk.transliteration_key(one), lk.transliteration_key(other)
    assert a is not None
    assert b is not None
    assert a == b or lk.jaro_winkler(a, b) > 0.9


@given(hs.text(max_size=20))
def test_folding_is_idempotent_and_plain(text: str) -> None:
    folded = lk.fold_name(text)
    assert folded is None or (
        lk.fold_name(folded) == folded and set(folded) <= set("abcdefghijklmnopqrstuvwxyz ")
    )


@given(hs.text("abcdé", max_size=8), hs.text("abcdé", max_size=8))
def test_distances_are_symmetric_and_bounded(a: str, b: str) -> None:
    assert lk.levenshtein(a, b) == lk.levenshtein(b, a) >= lk.damerau(a, b)
    assert lk.jaro(a, b) == pytest.approx(lk.jaro(b, a))
    assert 0 <= lk.jaro(a, b) <= lk.jaro_winkler(a, b) <= 1
    assert (lk.levenshtein(a, b) == 0) == (a == b)


def test_dates_are_read_day_first_and_never_guessed() -> None:
    assert str(lk.parse_date("31/12/1999")) == "1999-12-31"
    assert lk.parse_date("12/31/1999") is None
    assert lk.parse_date(None) is None


def test_hashes_need_the_key_and_hide_the_name(people: VictimLists) -> None:
    hashed = lk.encode_records(people.records, KEY, FIELDS)
    other = lk.encode_records(people.records, KEY[::-1], FIELDS)
    text = hashed.frame.drop(columns=["unique_id", "source"]).to_csv()
    names = set(people.records["surname"].dropna().str.lower())
    assert not any(name in text for name in names if len(name) > 4)
    assert hashed.frame["sur_key"].dropna().tolist() != other.frame["sur_key"].dropna().tolist()
    assert "name" not in repr(hashed).replace("names", "")
    with pytest.raises(DisclosureError, match="too short"):
        lk.encode_records(people.records, b"short", FIELDS)
    hidden = lk.encode_records(people.records, KEY, FIELDS, hash_ids=True)
    assert not set(hidden.frame["unique_id"]) & set(people.records["record_id"])


def test_similar_names_have_similar_filters() -> None:
    near = lk.dice(lk.bloom_filter("abdulrahman", KEY), lk.bloom_filter("abdulrahmen", KEY))
    far = lk.dice(lk.bloom_filter("abdulrahman", KEY), lk.bloom_filter("wolfgang", KEY))
    assert near > 0.75 > 0.4 > far


def test_linking_finds_most_matches_and_few_others(people: VictimLists, linked: lk.Linkage) -> None:
    quality = lk.link_quality(linked.clusters(0.8), people.person)
    assert quality.precision > 0.97
    assert quality.f1 > 0.88
    assert linked.histories(0.8).lists == ("police", "ngo", "hotline")


def test_hashed_linking_is_nearly_as_good(people: VictimLists, linked: lk.Linkage) -> None:
    hashed = lk.link_records(people.records, FIELDS, key=KEY)
    clear, hidden = (lk.link_quality(x.clusters(0.8), people.person).f1 for x in (linked, hashed))
    assert hashed.hashed
    assert hidden > clear - 0.03


def test_linking_is_repeatable_offline_and_silent(
    people: VictimLists,
    linked: lk.Linkage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise AssertionError("linkage opened a socket")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    caplog.set_level(logging.DEBUG)
    again = lk.link_records(people.records.sample(frac=1, random_state=1), FIELDS)
    assert again.pairs["probability"].tolist() == pytest.approx(
        linked.pairs["probability"].tolist(), abs=2e-6
    )
    assert again.clusters(0.8).members == linked.clusters(0.8).members
    said = caplog.text + "".join(capfd.readouterr())
    assert not any(name in said for name in people.records["surname"].dropna() if len(name) > 4)


def test_tables_by_list_are_the_same_as_one_table(people: VictimLists, linked: lk.Linkage) -> None:
    by_list = {
        name: people.records[people.records["source"] == name].drop(columns="source") for name, _ in LISTS
    }
    again = lk.link_records(by_list, FIELDS)
    assert again.clusters(0.8).members == linked.clusters(0.8).members


def test_doubt_about_links_shows_in_the_estimate(linked: lk.Linkage) -> None:
    frame = linked.sweep(lambda d: ms.chao(d), [0.5, 0.9, 0.999]).to_frame()
    assert frame["people"].is_monotonic_increasing
    assert frame["estimate"].is_monotonic_increasing
    assert frame["expected_missed_share"].iloc[-1] > frame["expected_missed_share"].iloc[0]
    refused = linked.sweep(lambda d: ms.two_list(d), [0.8])
    assert "name two of the lists" in repr(refused)
    with pytest.raises(EstimationError, match="is a probability"):
        linked.clusters(95)


def test_match_weights_say_what_speaks_for_a_match(linked: lk.Linkage) -> None:
    report = linked.report().set_index(["comparison", "level"])["weight"]
    assert report["name", "equal"] > 5 > 0 > report["name", "differ"]
    assert report["birth_date", "equal"] > report["sex", "equal"] > 0
    assert "candidate pairs" in repr(linked)


def test_clerical_review_goes_out_without_names_and_comes_back(
    people: VictimLists, linked: lk.Linkage, tmp_path: Path
) -> None:
    path = tmp_path / "review.csv"
    n = linked.export_review(path, low=0.05, high=0.99)
    assert n > 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["review.csv"]
    table = pd.read_csv(path, dtype=str)
    assert not set(people.records["surname"].dropna()) & set(table.to_numpy().ravel())
    pair = (table["left"][0], table["right"][0])
    table.loc[0, "same_person"] = "yes"
    table.to_csv(path, index=False)
    decided = linked.with_review(path)
    assert decided.decisions == {pair: True}
    assert any(set(pair) <= set(group) for group in decided.clusters(0.999, one_to_one=False).members)
    table.loc[0, "same_person"] = "perhaps"
    table.to_csv(path, index=False)
    with pytest.raises(DataFileError, match="line 2"):
        linked.with_review(path)
    with pytest.raises(DataFileError, match="no such file"):
        linked.with_review(tmp_path / "nothing.csv")


def test_one_to_one_keeps_people_of_one_list_apart() -> None:
    records = {"a1": "A", "a2": "A", "b1": "B"}
    pairs = [("a1", "b1", 0.9), ("a2", "b1", 0.85), ("a1", "a2", 0.5)]
    free = lk.cluster_pairs(records, pairs)
    strict = lk.cluster_pairs(records, pairs, one_to_one=True)
    assert free.n_people == 1
    assert free.within_list_duplicates == 1
    assert strict.members == (("a1", "b1"), ("a2",))
    assert strict.n_refused == 2
    duplicate = lk.cluster_pairs(records, [("a1", "a2", 0.99)], one_to_one=True)
    assert duplicate.within_list_duplicates == 1


def test_the_extra_is_named_when_it_is_absent(people: VictimLists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "splink", None)
    with pytest.raises(MissingExtraError, match=r"survey_toolkit\[linkage\]"):
        lk.link_records(people.records, FIELDS)


def test_bad_records_are_refused_without_quoting_them(people: VictimLists) -> None:
    twice = people.records.assign(record_id="x")
    with pytest.raises(EstimationError, match=r"0 missing, 699 repeated"):
        lk.prepare_records(twice, FIELDS)
    with pytest.raises(EstimationError, match="two or more lists"):
        lk.prepare_records(people.records[people.records["source"] == "ngo"], FIELDS)
    with pytest.raises(EstimationError, match="'passport'"):
        lk.prepare_records(people.records, lk.LinkFields(document="passport"))
    bare = lk.LinkFields(
        first_name=None, surname=None, birth_date=None, nationality=None, place=None, document=None
    )
    with pytest.raises(EstimationError, match="too few filled fields"):
        lk.link_records(people.records, bare)
    with pytest.raises(EstimationError, match="agreement patterns"):
        lk.fellegi_sunter([[2, 0]], [1], ["a", "b"])
