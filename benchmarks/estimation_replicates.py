"""500 bootstrap replicates by 200 domains on 1,000,000 rows of Parquet: survey_toolkit against svy 0.35.

    python benchmarks/estimation_replicates.py --svy-python /path/to/venv-with-svy/bin/python

Both draw a Rao-Wu bootstrap of the PSUs and estimate the proportion of a rare outcome by region, sex and age.
Interleaved pairs; each run is a process of its own. See README.md in this folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from estimation_domains import HERE, PSUS_PER_STRATUM, STRATA, make_file, run

REPLICATES = 500

OURS = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
def call(path, n):
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    survey = Survey(path, design).replicate("bootstrap", n=n, seed=1)
    return survey.proportion("y", by=["region", "sex", "age_band"], ci="logit")
call(sys.argv[2], 20)
start = time.perf_counter(); est = call(sys.argv[1], REPLICATES); whole = time.perf_counter() - start
values = zip(est.domains, est.estimate.tolist(), est.se.tolist())
rows = {"|".join(map(str, d)): (p, s) for d, p, s in values}
print(json.dumps({"whole": whole, "call": whole, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
""".replace("REPLICATES", str(REPLICATES))

THEIRS = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import polars as pl, svy
def call(path, n):
    sample = svy.Sample(pl.read_parquet(path), svy.Design(wgt="w", stratum="stratum", psu="psu"))
    sample = sample.weighting.create_bs_wgts(n, rep_prefix="bs", rstate=1)
    start = time.perf_counter()
    out = sample.estimation.prop("y", by=["region", "sex", "age_band"], ci_method="logit",
                                 method="replication", variance_center="estimate")
    return out, time.perf_counter() - start
call(sys.argv[2], 20)
start = time.perf_counter(); est, inner = call(sys.argv[1], REPLICATES); whole = time.perf_counter() - start
ones = [e for e in est.estimates if e.y_level in (1, "1", 1.0)]
rows = {"|".join(str(v) for v in e.by_level): (e.est, e.se) for e in ones}
print(json.dumps({"whole": whole, "call": inner, "rows": rows,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
""".replace("REPLICATES", str(REPLICATES))


def compare(ours: dict, theirs: dict) -> tuple[float, float]:
    """Largest relative difference of the estimates, and the median ratio of the standard errors."""
    if set(ours) != set(theirs):
        sys.exit(f"domains differ: {sorted(set(ours) ^ set(theirs))[:5]}")
    estimates = max(abs(ours[k][0] - theirs[k][0]) / theirs[k][0] for k in ours if theirs[k][0])
    return estimates, statistics.median(ours[k][1] / theirs[k][1] for k in ours if theirs[k][1])


def report(ours: list[dict], theirs: list[dict], rows: int) -> str:
    def line(label: str, key: str, unit: str) -> str:
        a, b = (statistics.median(r[key] for r in runs) for runs in (ours, theirs))
        return f"| {label} | {a:.3f} {unit} | {b:.2f} {unit} | {b / a:.1f} |"

    difference, ratio = compare(ours[0]["rows"], theirs[0]["rows"])
    host = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    pairs = ", ".join(f"{b['whole'] / a['whole']:.0f}" for a, b in zip(ours, theirs, strict=True))
    return "\n".join(
        [
            f"# {REPLICATES} bootstrap replicates by 200 domains, Parquet",
            "",
            f"{rows:,} rows, {STRATA} strata, {STRATA * PSUS_PER_STRATUM:,} PSUs,"
            f" {len(ours[0]['rows'])} domains; {host};"
            f" load {os.getloadavg()[0]:.1f}; {datetime.now(UTC):%Y-%m-%d}."
            f" Medians of {len(ours)} interleaved pairs.",
            "",
            "| timed | survey_toolkit | svy 0.35 | ratio |",
            "|---|---|---|---|",
            line("file to result: read, make replicates, estimate", "whole", "s"),
            line("the same, but svy's estimation call alone", "call", "s"),
            line("peak resident memory of the process", "rss", "MB"),
            "",
            f"Ratios of the pairs, file to result: {pairs}.",
            f"Largest relative difference of the estimates: {difference:.1e}; median ratio of the standard"
            f" errors {ratio:.3f} (the draws differ).",
            "Both have made one call on 20,000 rows with 20 replicates before, so that no import is timed.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--svy-python", default=os.environ.get("SVY_PYTHON"), help="Python with svy")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "estimation_replicates.md")
    args = parser.parse_args()
    if not args.svy_python:
        parser.error("give --svy-python or set SVY_PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "persons.parquet", Path(folder) / "small.parquet"
        make_file(path, args.rows)
        make_file(small, 20_000)
        ours, theirs = [], []
        for i in range(args.pairs):
            ours.append(run(sys.executable, OURS, path, small))
            theirs.append(run(args.svy_python, THEIRS, path, small))
            print(f"pair {i + 1}: {ours[-1]['whole']:.3f} s, svy {theirs[-1]['whole']:.2f} s", flush=True)
        text = report(ours, theirs, args.rows)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
