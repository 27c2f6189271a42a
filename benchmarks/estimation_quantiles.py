"""Quantiles with Woodruff intervals on 1,000,000 rows: survey_toolkit against svy 0.35 and R survey.

    python benchmarks/estimation_quantiles.py --svy-python /path/to/venv-with-svy/bin/python

Interleaved rounds; each run is a process of its own. R and svy get the frame in memory before the clock
starts (R also its design object); survey_toolkit reads the Parquet file inside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
TASKS = {"all": "quantiles 0.1, 0.5, 0.9", "by": "the same by 10 regions"}

OURS = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
task, path, small = sys.argv[1:4]
def call(path):
    survey = Survey(path, SurveyDesign(weight="w", strata="stratum", psu="psu"))
    return survey.quantile("y", [0.1, 0.5, 0.9], by="region" if task == "by" else None)
call(small)
start = time.perf_counter(); out = call(path); seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "values": sorted(out.estimate.tolist()), "se": sorted(out.se.tolist())}))
"""

SVY = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import polars as pl, svy
task, path, small = sys.argv[1:4]
def call(path):
    sample = svy.Sample(pl.read_parquet(path), svy.Design(wgt="w", stratum="stratum", psu="psu"))
    start = time.perf_counter()
    out = sample.estimation.quantile("y", p=[0.1, 0.5, 0.9], by="region" if task == "by" else None)
    return out, time.perf_counter() - start
call(small)
out, seconds = call(path)
rows = [e for one in (out if isinstance(out, list) else [out]) for e in one.estimates]
print(json.dumps({"seconds": seconds, "values": sorted(e.est for e in rows), "se": sorted(e.se for e in rows),
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

R = """
suppressMessages(library(survey))
a <- commandArgs(trailingOnly = TRUE)
d <- read.csv(sub("parquet$", "csv", a[2]))
design <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d)
p <- c(0.1, 0.5, 0.9)
seconds <- system.time(if (a[1] == "by") {
  out <- svyby(~y, ~region, design, svyquantile, quantiles = p)
  v <- unlist(out[, 2:4]); s <- unlist(out[, 5:7])
} else {
  out <- svyquantile(~y, design, p)[[1]]
  v <- out[, 1]; s <- out[, 4]
})["elapsed"]
peak <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
rss <- as.numeric(gsub("[^0-9]", "", peak)) / 1024
num <- function(x) paste(sprintf("%.15g", sort(as.numeric(x))), collapse = ",")
cat(sprintf('{"seconds": %f, "rss": %f, "values": [%s], "se": [%s]}', seconds, rss, num(v), num(s)))
"""


def make_file(path: Path, rows: int, seed: int = 20260102) -> None:
    """A stratified cluster sample with a continuous variable that clusters in PSUs."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    psu = np.sort(rng.integers(0, 4000, rows))
    frame = pd.DataFrame(
        {
            "stratum": psu // 20,
            "psu": psu,
            "region": psu // 20 % 10,
            "w": np.round(rng.gamma(4.0, 25.0, rows) + 1, 3),
            "y": np.round(np.exp(rng.normal(6, 0.8, rows) + rng.normal(0, 0.3, 4000)[psu]), 4),
        }
    )
    frame = frame.sample(frac=1, random_state=seed)
    frame.to_parquet(path, index=False)
    frame.to_csv(path.with_suffix(".csv"), index=False)


def run(command: list[str], task: str, path: Path, small: Path) -> dict:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [*command, task, str(path), str(small)], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the run failed under {command[0]}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def worst(ours: dict, theirs: dict) -> float:
    """Largest relative difference of estimates and standard errors."""
    pairs = [
        (a, b)
        for key in ("values", "se")
        for a, b in zip(ours[key], theirs[key], strict=True)
        if a is not None and b
    ]
    return max(abs(a - b) / abs(b) for a, b in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svy-python", default=os.environ.get("SVY_PYTHON"), help="Python with svy")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "estimation_quantiles.md")
    args = parser.parse_args()
    sides = {"survey_toolkit": [sys.executable, "-c", OURS]}
    if args.svy_python:
        sides["svy 0.35"] = [args.svy_python, "-c", SVY]
    if shutil.which("Rscript"):
        sides["R survey"] = ["Rscript", "-e", R]
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "rows.parquet", Path(folder) / "small.parquet"
        make_file(path, args.rows)
        make_file(small, 20_000)
        for task, label in TASKS.items():
            runs: dict[str, list[dict]] = {name: [] for name in sides}
            for _ in range(args.rounds):
                for name, command in sides.items():
                    runs[name].append(run(command, task, path, small))
            lines.append(row(label, runs))
            print(lines[-1])
    host = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    head = [
        "# Quantiles with Woodruff intervals",
        "",
        f"{args.rows:,} rows, 200 strata, 4,000 PSUs. {host}; load {os.getloadavg()[0]:.1f};"
        f" {datetime.now(UTC):%Y-%m-%d}. Medians of {args.rounds} interleaved rounds. Ours from the Parquet"
        " file to the result; svy and R the estimation call alone, with the frame (R: and the design) in"
        " memory. Differences: largest relative one of estimates and standard errors.",
        "",
        "| task | " + " | ".join(sides) + " | differences |",
        "|---" * (len(sides) + 2) + "|",
    ]
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


def row(label: str, runs: dict[str, list[dict]]) -> str:
    """One line of the table."""
    ours = runs["survey_toolkit"]
    base = statistics.median(r["seconds"] for r in ours)
    cells, differences = [], []
    for name, told in runs.items():
        seconds = statistics.median(r["seconds"] for r in told)
        times = "" if told is ours else f" ({seconds / base:.1f} times ours)"
        cells.append(f"{seconds:.2f} s, {statistics.median(r['rss'] for r in told):,.0f} MB{times}")
        if told is not ours:
            differences.append(f"{name} {worst(ours[0], told[0]):.1e}")
    return f"| {label} | {' | '.join(cells)} | {'; '.join(differences)} |"


if __name__ == "__main__":
    main()
