"""From a plan file at the command line: four verbs, redo, and every way a plan can be wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DesignError
from survey_toolkit.sampling import Precision, Stage, check_precision, size_proportion
from survey_toolkit.sampling.plan import json_schema, load_plan

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "region": np.repeat(["A", "B", "C"], [40, 60, 20]),
            "district": [f"d{i // 8:02d}" for i in range(120)],
            "ea": [f"{i:04d}" for i in range(120)],
            "hh": rng.integers(20, 200, 120),
        }
    )
    frame.to_csv(tmp_path / "areas.csv", index=False)
    lines = pd.DataFrame({"ea": np.repeat(frame["ea"], frame["hh"])})
    lines.assign(line=lines.groupby("ea").cumcount() + 1).to_csv(tmp_path / "listing.csv", index=False)
    shutil.copy(Path(__file__).with_name("plan.yaml"), tmp_path)
    return tmp_path


def test_size(folder: Path, cli: Cli) -> None:
    code, out, err = cli("sample", "size", str(folder / "plan.yaml"))
    assert code == 0, err
    for words in (
        "adults in forced labour",
        "cases expected",
        "cannot be told from zero",
        "best take",
        "F",
        "M",
    ):
        assert words in out
    code, out, _ = cli("sample", "size", str(folder / "plan.yaml"), "--json")
    sizes = json.loads(out)
    first = sizes[0]["rows"][0]
    assert first["clusters"] == -(-first["households"] // 20)
    assert sizes[0]["rare"][0]["expected_cases"] == pytest.approx(first["interviews"] * 0.012)
    assert sizes[2]["comparison"]["power"] >= 0.8


def test_allocate(folder: Path, cli: Cli) -> None:
    code, out, err = cli("sample", "allocate", str(folder / "plan.yaml"), str(folder / "areas.csv"), "--json")
    assert code == 0, err
    rows = json.loads(out)["strata"]
    assert sum(r["n"] for r in rows) == 30
    hh = pd.read_csv(folder / "areas.csv").groupby("region")["hh"].sum()
    assert [r["population"] for r in rows] == hh.tolist()
    code, out, _ = cli("sample", "allocate", str(folder / "plan.yaml"), str(folder / "areas.csv"))
    assert "square_root allocation of 30" in out


def test_select_then_redo_then_weight(folder: Path, cli: Cli) -> None:
    plan, frame, out_dir = str(folder / "plan.yaml"), str(folder / "areas.csv"), folder / "out"
    code, out, err = cli("sample", "select", plan, frame, "--out", str(out_dir))
    assert code == 0, err
    assert "18 units" not in out
    assert "seed 20260301" in out
    written = out_dir / "forced_labour_2026"
    assert {p.name for p in written.iterdir()} == {
        "sample.csv", "selection_log.json", "groups_ea.csv", "groups_line.csv",
    }  # fmt: skip
    log = str(written / "selection_log.json")
    code, out, _ = cli("sample", "redo", log, frame, str(folder / "listing.csv"))
    assert (code, out.strip()) == (0, "the draw is the same")
    changed = pd.read_csv(frame, dtype=str)
    changed[changed["ea"] != "0000"].to_csv(folder / "areas.csv", index=False)
    code, out, _ = cli("sample", "redo", log, frame, str(folder / "listing.csv"))
    assert code == 1
    assert "frame file is another" in out
    rows = pd.read_csv(written / "sample.csv", dtype={"ea": str})
    rows = rows[rows["ea_replicate"] == 0].merge(changed[["ea", "region"]], on="ea", suffixes=("", "_y"))
    status = np.array(["ER", "ER", "ER", "ENR", "UNK"])[np.arange(len(rows)) % 5]
    rows.assign(status=status).to_csv(folder / "done.csv", index=False)
    code, out, err = cli("sample", "weight", plan, str(folder / "done.csv"), "--out", str(out_dir))
    assert code == 0, err
    for words in ("unknown eligibility", "calibration", "who lost"):
        assert words in out
    weighted = pd.read_csv(written / "weighted.csv")
    assert weighted.groupby("region")["weight"].sum().to_dict() == pytest.approx(
        {"A": 5000, "B": 7000, "C": 2000}
    )
    assert {"weighting_report.csv", "weighting_groups.csv"} <= {p.name for p in written.iterdir()}


def test_parquet_and_json(folder: Path, cli: Cli) -> None:
    code, out, err = cli(
        "sample", "select", str(folder / "plan.yaml"), str(folder / "areas.csv"),
        "--out", str(folder / "o"), "--format", "parquet", "--json",
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)
    assert told["stages"][0]["drawn"] == 21  # six and one in reserve, in three strata
    assert Path(told["files"][0]).suffix == ".parquet"
    assert pd.read_parquet(told["files"][0])["weight"].notna().all()


def test_allocated_sizes_feed_the_selection(folder: Path, cli: Cli) -> None:
    text = (folder / "plan.yaml").read_text(encoding="utf-8").replace("n: 6, strata", "n: allocated, strata")
    (folder / "plan.yaml").write_text(text.replace("size: hh, reserve: 1", "size: hh"), encoding="utf-8")
    arguments = (str(folder / "plan.yaml"), str(folder / "areas.csv"), "--out", str(folder / "o"), "--json")
    code, out, err = cli("sample", "select", *arguments)
    assert code == 0, err
    assert json.loads(out)["stages"][0]["drawn"] == 30


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("relative: 0.35", "relative: -0.35", "greater than 0"),
        ("relative: 0.35", "relative: 0.35, cv: 0.1", "one of half_width"),
        ("value: 0.012", "value: 12", "proportion is wanted"),
        ("relative: 0.35", "half_width: 0.7", "impossible"),
        ("minimum: 4", "minimun: 4", "did you mean 'minimum'"),
        ("minimum: 4", "minimum: 40", "above what it has"),
        ("icc: 0.03", "icc: 3", "less than 1"),
        ("unit: line", "unit: lines", "'line'"),
        ("size: hh, reserve", "size: hhs, reserve", "'hh'"),
        ("frame: listing.csv", "frame: list.csv", "no such file"),
        ("method: pps_systematic", "method: pps", "pps_systematic"),
        ("seed: 20260301", "seed: 20260301\nseed: 2", "given twice"),
        ("n: 6, strata", "n: {A: 2, B: 2}, strata", "no size for C"),
        ("n: 6, strata", "n: {A: 2, B: 2, C: 2, D: 9}, strata", "empty in the frame: D"),
    ],
)
def test_a_wrong_plan_is_one_message(folder: Path, cli: Cli, old: str, new: str, words: str) -> None:
    plan = folder / "plan.yaml"
    text = plan.read_text(encoding="utf-8")
    assert old in text
    plan.write_text(text.replace(old, new, 1), encoding="utf-8")
    files = (str(plan), str(folder / "areas.csv"))
    verbs = {"size": files[:1], "allocate": files, "select": (*files, "--out", str(folder / "out"))}
    ran = [cli("sample", verb, *arguments) for verb, arguments in verbs.items()]
    told = [err for code, _, err in ran if code == 1]
    assert told, ran
    assert any(words in err for err in told), told
    assert all("Traceback" not in err and code in (0, 1) for code, _, err in ran)


def test_the_shipped_schema_is_the_models() -> None:
    import survey_toolkit.sampling

    shipped = Path(survey_toolkit.sampling.__file__).with_name("plan.schema.json")
    assert json.loads(shipped.read_text(encoding="utf-8")) == json_schema()


def test_a_plan_that_is_not_there() -> None:
    with pytest.raises(DesignError, match="no such file"):
        load_plan("nowhere.yaml")


@pytest.mark.slow
def test_the_planned_precision_is_reached_on_the_simulated_country() -> None:
    from survey_toolkit.datasets import simulate_country

    country = simulate_country(seed=3, n_persons=120_000)
    homes = country.households[["household_id", "area_id"]]
    people = country.persons.merge(homes, on="household_id", suffixes=("", "_home"))
    adults = people[people["age"] >= 18].reset_index(drop=True)
    rng = np.random.default_rng(1)
    risk = rng.beta(2, 18, adults["area_id"].nunique())[adults["area_id"].astype("category").cat.codes]
    adults["case"] = (rng.random(len(adults)) < risk).astype(int)
    stages = [
        Stage(unit="area_id", n=40, method="pps_systematic", size="rows"),
        Stage(unit="household_id", n=8),
    ]
    found = check_precision(adults, stages, outcome="case", replicates=30, seed=2)
    assert abs(found.bias) < 4 * found.monte_carlo_error
    assert found.mean_se == pytest.approx(found.se, rel=0.4)
    assert found.coverage >= 0.8
    assert found.deff > 1.0
    plan = size_proportion(found.truth, Precision(half_width=found.half_width))
    assert plan.interviews * found.deff == pytest.approx(found.interviews, rel=0.6)
