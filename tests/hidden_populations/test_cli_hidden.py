"""The hidden verbs of the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from survey_toolkit.cli import app
from survey_toolkit.errors import EstimationError

DESIGN = ["--weight", "w", "--strata", "stratum", "--psu", "psu"]


def run(*words: str) -> Any:
    result = CliRunner().invoke(app, ["hidden", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def files(people: Any, kin: Any, recruits: pd.DataFrame, tmp_path: Path) -> dict[str, str]:
    out = {}
    for name, frame in (("people", people), ("kin", kin), ("recruits", recruits)):
        out[name] = str(tmp_path / f"{name}.csv")
        frame.to_csv(out[name], index=False)
    return out


def test_network(files: dict[str, str], golden: Any) -> None:
    words = ["network", files["people"], files["kin"], "--id", "id", "--case", "victim"]
    words += ["--multiplicity", "s", "--months", "months", "--reference-months", "60", *DESIGN]
    got = json.loads(run(*words, "--json").stdout)
    assert got["total"][0]["estimate"] == pytest.approx(golden["network_total"]["estimate"][0])
    assert got["stock"][0]["se"] == pytest.approx(golden["network_stock"]["se"][0])
    assert "multiplicity estimator" in run(*words).stdout


def test_scale_up(files: dict[str, str], golden: Any, tmp_path: Path) -> None:
    words = ["scale-up", files["people"], "--hidden", "hid", "--population", "100000"]
    words += ["--known", "k1=9000", "--known", "k2=5200", "--known", "k3=2100", *DESIGN]
    got = json.loads(run(*words, "--json", "--plots", str(tmp_path / "out")).stdout)
    assert got["size"][0]["estimate"] == pytest.approx(golden["scale_up"]["estimate"][0])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["back_estimates.png", "degrees.png"]
    assert "mean relative error" in run(*words, "--trim").stdout
    with pytest.raises(EstimationError, match="NAME=SIZE"):
        run(*words, "--known", "k9")


def test_rds(files: dict[str, str], tmp_path: Path) -> None:
    words = ["rds", files["recruits"], "--id", "id", "--recruiter", "recruiter", "--degree", "degree"]
    words += ["--outcome", "group"]
    shown = run(*words, "--plots", str(tmp_path / "out")).stdout
    assert "4 seeds" in shown
    assert len(list((tmp_path / "out").iterdir())) == 3
    got = json.loads(run(*words, "--variance", "none", "--json").stdout)
    assert sum(row["estimate"] for row in got["proportions"]) == pytest.approx(1)
    with pytest.raises(EstimationError, match="who recruited whom"):
        run("rds", files["recruits"], "--id", "id", "--degree", "degree", "--outcome", "group")


def test_indirect_questions(files: dict[str, str], golden: Any) -> None:
    words = ["item-count", files["people"], "--count", "list_a", "--treatment", "treat", *DESIGN]
    got = json.loads(run(*words, "--direct", "direct", "--json").stdout)
    assert got["difference"][0]["estimate"] == pytest.approx(golden["difference"]["estimate"][0])
    assert 0 <= got["design_effect_p"] <= 1
    assert "control list" in run(*words).stdout
    words = ["randomized", files["people"], "--response", "same", "--device", "crosswise", *DESIGN]
    got = json.loads(run(*words, "--p", "0.2", "--json").stdout)
    assert got["prevalence"][0]["se"] == pytest.approx(golden["crosswise"]["se"][0])
    with pytest.raises(EstimationError, match="wrong number of probabilities"):
        run(*words, "--p", "0.2", "--p", "0.3")
    with pytest.raises(EstimationError, match="did you mean 'crosswise'"):
        run("randomized", files["people"], "--response", "same", "--device", "croswise", "--p", "0.2")


def test_mark_recapture_and_compare(tmp_path: Path) -> None:
    met = pd.DataFrame(
        {"a": [1] * 30 + [0] * 20, "b": [1] * 10 + [0] * 20 + [1] * 20, "v": [1, 0, 0, 0, 1] * 10}
    )
    met.to_csv(tmp_path / "met.csv", index=False)
    words = ["mark-recapture", str(tmp_path / "met.csv"), "--first", "a", "--second", "b", "--outcome", "v"]
    assert 0 < json.loads(run(*words, "--json").stdout)["prevalence"][0]["estimate"] < 1
    table = "label,method,estimate,se,unit,remark\nlists,multiple_systems,900,90,persons,\n"
    table += "rds,rds,0.02,0.004,proportion,one seed\n"
    (tmp_path / "m.csv").write_text(table, "utf-8")
    words = ["compare", str(tmp_path / "m.csv"), "--population", "60000", "--plots", str(tmp_path)]
    shown = run(*words).stdout
    assert "one seed" in shown
    assert "pooled" in shown
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    (tmp_path / "m.csv").write_text("label,estimate\na,1\n", "utf-8")
    with pytest.raises(EstimationError, match="lacks columns"):
        run("compare", str(tmp_path / "m.csv"))
