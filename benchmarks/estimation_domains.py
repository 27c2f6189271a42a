"""Proportion by 200 domains on 1,000,000 rows of Parquet: survey_toolkit against svy 0.35.

    python benchmarks/estimation_domains.py --svy-python /path/to/venv-with-svy/bin/python

Five interleaved pairs; each run is a process of its own. See README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
STRATA, PSUS_PER_STRATUM, REGIONS, AGES = 200, 20, 10, 10

OURS = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
def call(path):
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    return Survey(path, design).proportion("y", by=["region", "sex", "age_band"], ci="logit")
start = time.perf_counter(); call(sys.argv[2]); cold = time.perf_counter() - start
start = time.perf_counter(); est = call(sys.argv[1]); whole = time.perf_counter() - start
start = time.perf_counter(); call(sys.argv[1]); again = time.perf_counter() - start
values = zip(est.domains, est.estimate.tolist(), est.se.tolist())
rows = {"|".join(map(str, d)): (p, s) for d, p, s in values}
print(json.dumps({"cold": cold, "whole": whole, "again": again, "call": whole, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

THEIRS = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import polars as pl, svy
def call(path):
    sample = svy.Sample(pl.read_parquet(path), svy.Design(wgt="w", stratum="stratum", psu="psu"))
    start = time.perf_counter()
    out = sample.estimation.prop("y", by=["region", "sex", "age_band"], ci_method="logit")
    return out, time.perf_counter() - start
start = time.perf_counter(); call(sys.argv[2]); cold = time.perf_counter() - start
start = time.perf_counter(); est, inner = call(sys.argv[1]); whole = time.perf_counter() - start
start = time.perf_counter(); call(sys.argv[1]); again = time.perf_counter() - start
ones = [e for e in est.estimates if e.y_level in (1, "1", 1.0)]
rows = {"|".join(str(v) for v in e.by_level): (e.est, e.se) for e in ones}
print(json.dumps({"cold": cold, "whole": whole, "again": again, "call": inner, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def make_file(path: Path, rows: int, seed: int = 20260101) -> None:
    """A stratified cluster sample: strata lie in regions, a rare outcome clusters in PSUs."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    n_psu = STRATA * PSUS_PER_STRATUM
    psu = np.sort(rng.integers(0, n_psu, rows))
    stratum = psu // PSUS_PER_STRATUM
    frame = pd.DataFrame(
        {
            "stratum": stratum,
            "psu": psu,
            "region": stratum % REGIONS,
            "sex": rng.choice(["F", "M"], rows),
            "age_band": rng.integers(0, AGES, rows),
            "w": np.round(rng.gamma(4.0, 25.0, rows) + 1, 3),
            "y": (rng.random(rows) < np.clip(rng.beta(2, 60, n_psu), 0, 1)[psu]).astype("int8"),
        }
    )
    frame.sample(frac=1, random_state=seed).to_parquet(path, index=False)


def run(python: str, code: str, path: Path, small: Path) -> dict:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-c", code, str(path), str(small)], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the run failed under {python}:\n{done.stderr[-2000:]}")
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "process": time.perf_counter() - start}


def compare(ours: dict, theirs: dict) -> float:
    """Largest relative difference of estimates and standard errors."""
    if set(ours) != set(theirs):
        sys.exit(f"domains differ: {sorted(set(ours) ^ set(theirs))[:5]}")
    pairs = [(a, b) for k in ours for a, b in zip(ours[k], theirs[k], strict=True)]
    return max(abs(a - b) / abs(b) for a, b in pairs if b)


def report(ours: list[dict], theirs: list[dict], rows: int, difference: float) -> str:
    def line(label: str, key: str, unit: str) -> str:
        a, b = (statistics.median(r[key] for r in runs) for runs in (ours, theirs))
        return f"| {label} | {a:.3f} {unit} | {b:.2f} {unit} | {b / a:.1f} |"

    host = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    ranges = ", ".join(f"{b['whole'] / a['whole']:.0f}" for a, b in zip(ours, theirs, strict=True))
    return "\n".join(
        [
            "# Proportion by 200 domains, Parquet",
            "",
            f"{rows:,} rows, {STRATA} strata, {STRATA * PSUS_PER_STRATUM:,} PSUs,"
            f" {len(ours[0]['rows'])} domains (region x sex x age). {host}; load {os.getloadavg()[0]:.1f};"
            f" {datetime.now(UTC):%Y-%m-%d}. Medians of {len(ours)} interleaved pairs.",
            "",
            "| timed | survey_toolkit | svy 0.35 | ratio |",
            "|---|---|---|---|",
            line("file to result: read, declare, estimate", "whole", "s"),
            line("the same again in the same process (frame and design made anew)", "again", "s"),
            line("the same, but svy's estimation call alone", "call", "s"),
            line("a first call on 20,000 rows (lazy imports)", "cold", "s"),
            line("whole process with imports", "process", "s"),
            line("peak resident memory of the process", "rss", "MB"),
            "",
            f"Ratios of the pairs, file to result: {ranges}.",
            f"Largest relative difference of estimates and standard errors: {difference:.1e}.",
            "In the third line ours still reads the file; svy's reading and declaring are left out.",
            "Both have made one call on 20,000 rows of the same layout before, so that no import is timed.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svy-python", default=os.environ.get("SVY_PYTHON"), help="Python with svy")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "estimation_domains.md")
    args = parser.parse_args()
    if not args.svy_python:
        parser.error("give --svy-python or set SVY_PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "persons.parquet"
        small = Path(folder) / "small.parquet"
        make_file(path, args.rows)
        make_file(small, 20_000)
        ours, theirs = [], []
        for i in range(args.pairs):
            ours.append(run(sys.executable, OURS, path, small))
            theirs.append(run(args.svy_python, THEIRS, path, small))
            print(f"pair {i + 1}: {ours[-1]['whole']:.3f} s, svy {theirs[-1]['whole']:.2f} s", flush=True)
        text = report(ours, theirs, args.rows, compare(ours[0]["rows"], theirs[0]["rows"]))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
