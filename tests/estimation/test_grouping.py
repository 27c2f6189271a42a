"""The group-by in arrays against sums taken row by row in Python, whatever the codes and blocks."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey_toolkit._frames import null_aware
from survey_toolkit.estimation import Survey, SurveyDesign, grid, grouping, key_codes
from survey_toolkit.estimation.codes import Coded, factorize
from survey_toolkit.estimation.grouping import group_rows
from survey_toolkit.estimation.key_codes import GAP, Coder
from survey_toolkit.estimation.measures import Measures

TYPES = {
    "psu": pl.Int64, "stratum": pl.Int64, "sex": pl.String, "score": pl.Float64, "met": pl.Boolean,
    "w": pl.Float64, "y": pl.Float64, "f": pl.Float64,
}  # fmt: skip
ENGINES = {
    "pandas": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "polars_lazy": lambda columns: pl.LazyFrame(columns, strict=False),
    "arrow": pa.table,
}
ASKED = Measures(
    counts={"rows": None, "large": nw.col("w") > 2, "known": ~nw.col("y").is_null()},
    sums={
        "w": (nw.col("w") > 2, nw.col("w")),
        "y": (None, nw.col("y")),
        "wy": (nw.col("y") != 0, nw.col("w")),
    },
)
KEYS = ("psu", "stratum", "sex", "score", "met")


def expected(columns: dict[str, list[Any]]) -> dict[tuple[Any, ...], dict[str, float]]:
    """Row by row; null where nothing is known."""
    out: dict[tuple[Any, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for i, key in enumerate(zip(*(columns[name] for name in KEYS), strict=True)):
        w, y, f = (columns[name][i] for name in ("w", "y", "f"))
        cell = out[key]
        cell["rows"] += 1
        cell["large"] += w is not None and w > 2
        cell["known"] += y is not None
        cell["w"] += w if w is not None and w > 2 else 0
        cell["y"] += y or 0
        cell["wy"] += w if y is not None and y != 0 and w is not None else 0
        if f is not None:
            cell["low"] = min(cell.get("low", math.inf), f)
            cell["high"] = max(cell.get("high", -math.inf), f)
    return out


def found(columns: dict[str, Any], engine: str) -> dict[tuple[Any, ...], dict[str, float]]:
    frame = null_aware(ENGINES[engine](columns))
    done = group_rows(frame, {name: nw.col(name) for name in KEYS}, ASKED, {"f": nw.col("f")})
    assert done is not None
    keys = [np.asarray(done.keys[name], dtype=object).tolist() for name in KEYS]
    out = {}
    for i, key in enumerate(zip(*keys, strict=True)):
        assert key not in out
        out[key] = {name: values[i] for name, values in done.sums.items()}
        ends = {"low": done.low["f"][i], "high": done.high["f"][i]}
        out[key] |= {name: value for name, value in ends.items() if not math.isnan(value)}
    return out


def small(n: int, seed: int, wide: int = 1, gaps: bool = True) -> dict[str, list[Any]]:
    """Rows whose stratum follows from the PSU but for a few."""
    rng = np.random.default_rng(seed)

    def some(values: list[Any]) -> list[Any]:
        return [None if gaps and rng.random() < 0.1 else value for value in values]

    psu = rng.integers(0, 9, n) + np.arange(n) // 15  # later blocks hold codes that earlier ones do not
    return {
        "psu": some((psu * wide - 3).tolist()),
        "stratum": [int(p) // 4 if rng.random() < 0.98 else 7 for p in psu],
        "sex": some(rng.choice(["M", "F", "=x", ""], n).tolist()),
        "score": some(rng.choice([0.5, 2.0, -1.0, 1e300], n).tolist()),
        "met": some((rng.random(n) < 0.5).tolist()),
        "w": some(np.round(rng.gamma(2, 2, n), 3).tolist()),
        "y": some((rng.random(n) < 0.2).astype(float).tolist()),
        "f": some(rng.integers(1, 4, n).astype(float).tolist()),
    }


@pytest.fixture(params=[(1, 20_000), (1, 700), (16, 20_000)])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows a block and a cell, small grids: one grid, several, and none are gone through."""
    few, room = request.param
    monkeypatch.setattr(key_codes, "_FEW", few)
    monkeypatch.setattr(grouping, "_ROOM", 4 * room)
    monkeypatch.setattr(grouping, "_BLOCK", 13)
    monkeypatch.setattr(grouping, "_MERGE", 40)
    monkeypatch.setattr(grid, "_TRIED", 3)
    monkeypatch.setattr(grouping, "_SHARE", 0)  # never left to the engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("wide", [1, 10**12])
@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.usefixtures("blocks")
def test_sums_are_those_of_the_rows(engine: str, wide: int, gaps: bool) -> None:
    for n in (1, 12, 13, 14, 150):
        columns = small(n, n, wide, gaps)
        got, want = found(columns, engine), expected(columns)
        assert got.keys() == want.keys()
        for key, cell in want.items():
            assert got[key] == pytest.approx(dict(cell), rel=1e-12, abs=0)


@pytest.mark.usefixtures("blocks")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 60), st.integers(0, 10**6), st.booleans(), st.sampled_from([1, 997, 10**15]))
def test_sums_are_those_of_the_rows_whatever_the_codes(n: int, seed: int, gaps: bool, wide: int) -> None:
    columns = small(n, seed, wide, gaps)
    if not n:
        return
    typed = {
        name: pl.Series(values, dtype=TYPES[name]) for name, values in columns.items()
    }  # a column of gaps
    got, want = found(typed, "polars"), expected(columns)
    assert got.keys() == want.keys()
    assert all(got[key] == pytest.approx(dict(want[key]), rel=1e-12, abs=0) for key in want)


@pytest.mark.parametrize("engine", ENGINES)
def test_in_one_grid(engine: str) -> None:
    """As most surveys go: blocks of real size, codes that fit."""
    columns = small(3000, 5, gaps=False)
    got, want = found(columns, engine), expected(columns)
    assert got.keys() == want.keys()
    assert all(got[key] == pytest.approx(dict(want[key]), rel=1e-12, abs=0) for key in want)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_whole_survey_block_by_block(engine: str) -> None:
    """Estimates with FPC, domains with gaps and a condition, against DuckDB's own group-by."""
    rng = np.random.default_rng(3)
    n = 400
    psu = rng.integers(0, 40, n)
    columns: dict[str, Any] = {
        "psu": (psu * 1001).tolist(),
        "stratum": [f"h{p // 8}" for p in psu],
        "sex": rng.choice(["F", "M", None], n).tolist(),  # type: ignore[list-item]
        "w": np.round(rng.gamma(3, 2, n), 2).tolist(),
        "y": [None if rng.random() < 0.1 else float(v) for v in rng.random(n) < 0.3],
        "n_psu": [float(50 + p // 8) for p in psu],
    }
    design = SurveyDesign(weight="w", strata="stratum", psu="psu", fpc="n_psu")
    import duckdb

    table = pa.table(columns)
    plain = Survey(duckdb.from_arrow(table), design)
    ours = Survey(ENGINES[engine](columns), design)
    for by in (None, "sex", ["sex", "stratum"]):
        for one, two in (
            (ours.proportion("y", by=by, bounds=True), plain.proportion("y", by=by, bounds=True)),
            (ours.mean("y", by=by, where={"sex": "F"}), plain.mean("y", by=by, where={"sex": "F"})),
        ):
            assert one.domains == two.domains
            assert one.notes == two.notes
            np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-12)
            np.testing.assert_allclose(one.vcov, two.vcov, rtol=1e-9, atol=1e-18)
            np.testing.assert_array_equal(one.n, two.n)
            np.testing.assert_array_equal(one.df, two.df)


@pytest.mark.parametrize("engine", ENGINES)
def test_many_texts(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As codes of enumeration areas are: most blocks hold new ones, and some rows have none."""
    monkeypatch.setattr(grouping, "_BLOCK", 50)
    monkeypatch.setattr(grouping, "_SHARE", 0)
    codes = [None if i % 17 == 0 else f"EA{i * 7919 % 1000 % (20 + i // 2):03d}" for i in range(400)]
    frame = null_aware(ENGINES[engine]({"ea": codes, "w": [float(i) for i in range(400)]}))
    asked = Measures(counts={"rows": None}, sums={"w": (None, nw.col("w"))})
    done = group_rows(frame, {"ea": nw.col("ea")}, asked, {})
    assert done is not None
    want: dict[str | None, float] = defaultdict(float)
    for i, code in enumerate(codes):
        want[code] += i
    keys = np.asarray(done.keys["ea"]).tolist()
    assert len(keys) == len(want) > 100
    assert dict(zip(keys, done.sums["w"].tolist(), strict=True)) == want
    assert dict(zip(keys, done.sums["rows"].tolist(), strict=True)) == Counter(codes)


def test_texts_that_a_block_before_did_not_hold() -> None:
    """Polars numbered all three; the first block holds two of them."""
    column = pl.Series(["a", "b", "c", None]).cast(pl.Categorical)
    coder = Coder.of({"k": nw.String}, ["k"])
    assert coder is not None
    numbers = [
        coder.encode({"k": nw.from_native(column.gather(rows), series_only=True)})[0]
        for rows in ([0, 2, 2], [1, 0], [3, 2])
    ]
    values = [np.asarray(coder.decode("k", block), dtype=object).tolist() for block in numbers]
    assert values == [["a", "c", "c"], ["b", "a"], [None, "c"]]


@pytest.mark.parametrize("code", [0, 3, -(10**18), 10**18])
def test_a_grid_takes_no_code_beside_it_for_one_of_its_own(code: int) -> None:
    """Least of all for a gap, whose digit is the next one."""
    first = np.array([1, 2, GAP, 2])
    made = grid.Grid.of([first], None, set(), 1000)
    assert made is not None
    place = made.place([first], set())
    assert place is not None
    assert np.concatenate(made.keys(np.unique(place))).tolist() == [1, 2, GAP]
    assert made.place([np.array([1, code])], set()) is None
    assert made.place([np.array([GAP, code])], set()) is None
    wider = grid.Grid.of([np.array([1, 3])], made, set(), 1000)
    assert wider is not None
    assert wider.ends() == [(1, 4, True)]  # and room for one more
    tight = grid.Grid.of([np.array([1, 3])], made, set(), 4)
    assert tight is not None
    assert tight.ends() == [(1, 3, True)]


def test_what_makes_as_many_cells_as_rows_is_left_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "_BLOCK", 20)
    monkeypatch.setattr(grouping, "_ROOM", 8)
    frame = null_aware(pl.DataFrame({"psu": range(0, 5000, 50), "w": np.ones(100)}))
    assert group_rows(frame, {"psu": nw.col("psu")}, Measures(counts={"rows": None}, sums={}), {}) is None
    design = SurveyDesign(weight="w", psu="psu")
    assert Survey(frame, design).total("w").n_psu.tolist() == [100]


def test_other_keys_are_left_to_the_engine() -> None:
    frame = null_aware(pd.DataFrame({"day": pd.to_datetime(["2024-01-01"]), "w": [1.0]}))
    assert group_rows(frame, {"day": nw.col("day")}, Measures(counts={"rows": None}, sums={}), {}) is None


def test_coded_columns_stand_for_their_values() -> None:
    column = Coded([1.0, 2.5, 4.0], np.array([2, 0, -1]))
    assert np.asarray(column).tolist() == [4.0, 1.0, None]
    assert factorize(column)[0] == [1, 4]
    assert factorize(column)[1].tolist() == [1, 0, -1]
    assert np.asarray(Coded([3, 5], np.array([1, 0]))).dtype == np.int64
