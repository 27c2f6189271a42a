"""Draws: probabilities, order of rows, engines, sizes of zero and too large, reserves, logs, bad frames."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DataFileError, DesignError, MissingExtraError
from survey_toolkit.sampling import Stage, redo, select, stage_draw
from survey_toolkit.sampling._numbers import uniform
from survey_toolkit.sampling.draws import Group, draw, inclusion
from survey_toolkit.sampling.size_measure import certain_units

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "sampling.json").read_text(encoding="utf-8"))
SIZES = np.array([10.0, 20, 30, 40, 5, 15, 60, 20])


def areas(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "region": np.repeat(["A", "B", "C"], [40, 60, 20]),
            "district": [f"d{i // 8:02d}" for i in range(120)],
            "ea": [f"{i:04d}" for i in range(120)],
            "hh": rng.integers(20, 200, 120),
        }
    )


def listing(frame: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame({"ea": np.repeat(frame["ea"].to_numpy(), frame["hh"].to_numpy())})
    return out.assign(line=out.groupby("ea").cumcount() + 1)


FIRST = Stage(unit="ea", n=6, strata=("region",), order=("district",), method="pps_systematic", size="hh")


@pytest.mark.parametrize("case", GOLDEN["inclusion"], ids=lambda c: f"n{c['n']}-{len(c['size'])}")
def test_inclusion_probabilities_are_those_of_r_sampling(case: dict[str, Any]) -> None:
    size, n = np.array(case["size"], float), np.array([case["n"]])
    certain = certain_units(size, np.zeros(size.size, int), n)
    got = certain.astype(float)
    rest = size[~certain]
    got[~certain] = (case["n"] - certain.sum()) * rest / rest.sum()
    assert got == pytest.approx(case["probability"], rel=1e-10)


def one_group(n: int, seed: int) -> Group:
    rng = np.random.default_rng(seed)
    return Group(
        starts=np.array([0, 8]),
        n=np.array([n]),
        size=SIZES,
        number=rng.random(8),
        start=rng.random(1),
        seed=seed,
    )


@pytest.mark.parametrize("method", ["srs", "systematic", "pps_systematic", "sampford", "brewer"])
def test_units_are_drawn_as_often_as_their_probability(method: str) -> None:
    repeats = 400 if method in ("sampford", "brewer") else 3000
    hits = np.zeros(8)
    for seed in range(repeats):
        done = draw(method, one_group(3, seed))
        assert done.hits.sum() == 3
        hits += done.hits
    assert hits / repeats == pytest.approx(done.probability, abs=4.5 * np.sqrt(0.25 / repeats))
    wanted = 3 / 8 * np.ones(8) if method in ("srs", "systematic") else 3 * SIZES / SIZES.sum()
    assert done.probability == pytest.approx(wanted)


def test_pairs_of_a_systematic_draw_come_as_r_says() -> None:
    joint = np.array(GOLDEN["systematic"]["joint"])
    seen = np.zeros((8, 8))
    for k in range(4000):  # every start is as likely: go through them evenly
        units = one_group(3, 1)
        done = draw("pps_systematic", Group(**{**fields(units), "start": np.array([(k + 0.5) / 4000])}))
        seen += np.outer(done.hits, done.hits)
    assert seen / 4000 == pytest.approx(joint, abs=0.001)


def fields(group: Group) -> dict[str, Any]:
    return {name: getattr(group, name) for name in ("starts", "n", "size", "number", "start", "seed")}


def test_sampford_pairs_come_as_r_says() -> None:
    joint = np.array(GOLDEN["sampford"]["joint"])
    seen = np.zeros((8, 8))
    for seed in range(600):
        done = draw("sampford", one_group(3, seed))
        seen += np.outer(done.hits, done.hits)
    assert seen / 600 == pytest.approx(joint, abs=0.09)


def test_rao_hartley_cochran_is_unbiased() -> None:
    y = SIZES * np.array([1.1, 0.9, 1.0, 1.2, 3.0, 0.8, 1.0, 0.7])
    totals = []
    for seed in range(3000):
        done = draw("rhc", one_group(3, seed))
        taken = done.hits > 0
        assert taken.sum() == 3
        totals.append((y[taken] / done.probability[taken]).sum())
    assert np.mean(totals) == pytest.approx(y.sum(), abs=4 * np.std(totals) / np.sqrt(3000))


def test_chained_probabilities_weigh_up_to_the_households() -> None:
    frame = areas()
    drawn = select(
        frame, [FIRST, Stage(unit="line", n=10, method="systematic", frame=listing(frame))], seed=3
    )
    rows = drawn.frame
    assert len(rows) == 18 * 10
    one = rows.merge(frame, on=["ea", "region"])
    total = frame.groupby("region")["hh"].sum()
    chance = 6 * one["hh"] / one["region"].map(total) * 10 / one["hh"]
    assert rows["probability"].to_numpy() == pytest.approx(chance.to_numpy())
    assert rows["weight"].sum() == pytest.approx(frame["hh"].sum())


def test_rows_in_another_order_give_the_same_sample(as_frame: Callable[[pd.DataFrame], Any]) -> None:
    frame = areas()
    base = select(frame, [FIRST], seed=11)
    other = select(as_frame(frame.sample(frac=1, random_state=2)), [FIRST], seed=11)
    assert other.log.digest == base.log.digest
    assert other.frame["weight"].to_numpy() == pytest.approx(base.frame["weight"].to_numpy())
    assert select(frame, [FIRST], seed=12).log.digest != base.log.digest


@pytest.mark.parametrize("method", ["srs", "systematic"])
@pytest.mark.parametrize("strata", [(), ("region",)])
def test_a_draw_in_the_engine_is_the_draw_in_memory(
    method: str, strata: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(
        unit="ea", n=7, strata=strata, method=method, order=("district",) if method != "srs" else ()
    )
    small = select(areas(), [stage], seed=5)
    monkeypatch.setattr(stage_draw, "_IN_QUERY", 0)
    large = select(areas(), [stage], seed=5)
    assert large.log.digest == small.log.digest
    assert large.frame["weight"].tolist() == small.frame["weight"].tolist()


def test_anyone_can_make_the_random_numbers_again() -> None:
    drawn = select(areas(), [Stage(unit="ea", n=5)], seed=9).frame
    for code, number in zip(drawn["ea"], drawn["ea_number"], strict=True):
        digest = hashlib.sha256(f"9|ea|{code}".encode()).hexdigest()
        assert number == (int(digest[:13], 16) + 0.5) / 16**13 == uniform(9, "ea", code)
    everyone = sorted(areas()["ea"], key=lambda code: uniform(9, "ea", code))
    assert sorted(drawn["ea"]) == sorted(everyone[:5])


def test_implicit_stratification_spreads_the_sample() -> None:
    drawn = select(areas(), [Stage(unit="ea", n=15, method="systematic", order=("district",))], seed=1).frame
    assert set(Counter(drawn["district"]).values()) == {1}  # 15 districts of 8 areas: one each


def test_sizes_of_zero_and_above_the_interval_are_told() -> None:
    frame = areas()
    frame.loc[0, "hh"], frame.loc[1, "hh"] = 0, 50_000
    drawn = select(frame, [FIRST], seed=4)
    assert any("size zero" in n for n in drawn.notes)
    assert any("certainty" in n for n in drawn.notes)
    big = drawn.frame.set_index("ea").loc["0001"]
    assert (big["ea_certain"], big["weight"]) == (True, 1.0)
    assert len(drawn.frame) == 18
    out = select(frame, [Stage(**{**kept(FIRST), "zero": "exclude"})], seed=4)
    assert any("does not cover" in n for n in out.notes)
    hit = select(frame, [Stage(**{**kept(FIRST), "large": "hits"})], seed=4).frame.set_index("ea").loc["0001"]
    assert hit["ea_hits"] >= 5
    for option in ("zero", "large"):
        with pytest.raises(DesignError, match=r"zero|interval"):
            select(frame, [Stage(**{**kept(FIRST), option: "refuse"})], seed=4)


def kept(stage: Stage) -> dict[str, Any]:
    return {name: getattr(stage, name) for name in stage.__slots__}


def test_a_unit_hit_twice_takes_twice_as_many() -> None:
    frame = pd.DataFrame({"ea": range(5), "hh": [10, 10, 10, 10, 200]})
    stages = [
        Stage(unit="ea", n=4, method="pps_systematic", size="hh", large="hits"),
        Stage(unit="line", n=3, frame=listing(frame)),
    ]
    for seed in range(3):
        drawn = select(frame, stages, seed=seed).frame
        assert len(drawn) == 12
        assert drawn["weight"].sum() == pytest.approx(240)


def test_reserves_are_random_and_their_release_reweights() -> None:
    stage = Stage(unit="ea", n=6, strata=("region",), method="pps_systematic", size="hh", reserve=2)
    drawn = select(areas(), [stage], seed=3)
    assert (len(drawn.frame), len(drawn.main()), len(drawn.release({"ea": 1}))) == (24, 18, 21)
    hh = areas()["hh"].sum()
    for rows in (drawn.main(), drawn.release({"ea": 1}), drawn.release({"ea": 2})):
        assert (rows["weight"] * rows["ea_size"]).sum() == pytest.approx(hh)
    assert set(drawn.frame["ea_replicate"]) == {0, 1, 2}


def test_a_small_group_gives_all_it_has() -> None:
    frame = pd.DataFrame({"ea": ["a", "a", "b"], "line": [1, 2, 1]})
    drawn = select(frame, [Stage(unit="ea", n=2), Stage(unit="line", n=2)], seed=1)
    assert len(drawn.frame) == 3
    assert any("fewer units" in n for n in drawn.notes)
    assert drawn.frame["weight"].tolist() == [1, 1, 1]


def test_the_frame_of_households_alone_serves_both_stages() -> None:
    frame = areas()
    households = listing(frame).merge(frame, on="ea")
    stages = [
        Stage(unit="ea", n=4, strata=("region",), method="pps_systematic", size="rows"),
        Stage(unit="line", n=5),
    ]
    drawn = select(households, stages, seed=8).frame
    assert drawn["weight"].sum() == pytest.approx(len(households))
    assert {"district", "hh"} <= set(drawn.columns)


def test_codes_of_a_csv_keep_their_zeros_and_sort_as_numbers(tmp_path: Path) -> None:
    frame = areas()
    frame.to_csv(tmp_path / "areas.csv", index=False)
    drawn = select(tmp_path / "areas.csv", [FIRST], seed=11)
    assert drawn.log.digest == select(frame, [FIRST], seed=11).log.digest
    assert drawn.frame["ea"].str.len().eq(4).all()
    numbers = pd.DataFrame({"ea": [str(i) for i in range(100)], "x": 1})
    numbers.to_csv(tmp_path / "n.csv", index=False)
    got = select(tmp_path / "n.csv", [Stage(unit="ea", n=10, method="systematic")], seed=1).frame
    assert np.ptp(np.diff(sorted(got["ea"].astype(int)))) == 0  # every tenth, in the order of the numbers


def test_an_auditor_redoes_the_draw(tmp_path: Path) -> None:
    frame = areas()
    lines = listing(frame)
    frame.to_csv(tmp_path / "a.csv", index=False)
    lines.to_csv(tmp_path / "h.csv", index=False)
    files = [tmp_path / "a.csv", tmp_path / "h.csv"]
    stages = [FIRST, Stage(unit="line", n=4, method="systematic", reserve=1, frame=files[1])]
    drawn = select(files[0], stages, seed=21)
    written = drawn.log.write(tmp_path / "log")
    assert {p.name for p in written} == {"selection_log.json", "groups_ea.csv", "groups_line.csv"}
    assert redo(written[0], files) == ()
    groups = pd.read_csv(tmp_path / "log" / "groups_ea.csv")
    assert groups["interval"].to_numpy() == pytest.approx((groups["size"] / 6).to_numpy())
    frame.iloc[:-1].to_csv(files[0], index=False)
    assert redo(written[0], files)[0] == "ea: the frame file is another"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: select(f, [], seed=1), "no stages"),
        (lambda f: select(f, [Stage(unit="ae", n=1)], seed=1), "'ea'"),
        (lambda f: select(f.iloc[:0], [Stage(unit="ea", n=1)], seed=1), "no unit to draw from"),
        (
            lambda f: select(f, [Stage(unit="ea", n={"A": 1, "B": 1}, strata=("region",))], seed=1),
            "no size for C",
        ),
        (
            lambda f: select(f, [Stage(unit="ea", n=dict.fromkeys("ABCD", 1), strata=("region",))], seed=1),
            "empty in the frame: D",
        ),
        (lambda f: select(f.assign(hh=-f["hh"]), [FIRST], seed=1), "negative"),
        (lambda f: select(f.assign(hh=0), [FIRST], seed=1), "every measure"),
        (lambda f: select(f.assign(hh=f["hh"].where(f["hh"] > 50)), [FIRST], seed=1), "missing, negative"),
        (lambda f: select(f.assign(ea=f["ea"].where(f["hh"] > 50)), [FIRST], seed=1), "no unit"),
        (lambda f: select(f.assign(ea="1"), [FIRST], seed=1), "differ between the rows"),
        (lambda f: select(f, [FIRST, FIRST], seed=1), "one name"),
        (
            lambda f: select(f, [FIRST, Stage(unit="line", n=1, frame=listing(f.iloc[:5]))], seed=1),
            "nothing in",
        ),
        (lambda f: select(f, [FIRST], seed=-1), "whole number"),
        (lambda f: Stage(unit="ea", n=0), "whole number"),
        (lambda f: Stage(unit="ea", n=2, method="pps_systematic"), "goes with draws"),
        (lambda f: Stage(unit="ea", n=2, size="hh"), "goes with draws"),
        (lambda f: Stage(unit="ea", n=2, method="pps"), "pps_systematic"),
        (lambda f: Stage(unit="ea", n=2, method="rhc", size="hh", reserve=1), "no reserve"),
    ],
)
def test_bad_frames_are_refused_with_a_reason(call: Any, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        call(areas())


def test_bad_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    for name, words in (
        ("none.csv", "no such file"),
        ("broken.parquet", "cannot be read"),
        ("x.txt", "Parquet"),
    ):
        if name == "x.txt":
            (tmp_path / name).write_text("a", encoding="utf-8")
        with pytest.raises(DataFileError, match=words):
            select(tmp_path / name, [Stage(unit="ea", n=1)], seed=1)


def test_without_svy_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "svy", None)
    with pytest.raises(MissingExtraError, match=r"survey_toolkit\[sampling\]"):
        draw("sampford", one_group(3, 1))
    assert inclusion(one_group(3, 1)).sum() == pytest.approx(3)
