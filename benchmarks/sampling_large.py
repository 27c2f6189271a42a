"""Time and memory of selections from a census frame of 200,000 enumeration areas and 20 million households.

    python benchmarks/sampling_large.py                 # makes the frame in a temporary folder, prints a
    table
    python benchmarks/sampling_large.py --svy           # the household draws by svy beside ours

Each draw runs in a process of its own; memory is the peak resident size of that process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

AREAS, HOUSEHOLDS = 200_000, 20_000_000

MAKE = f"""
COPY (SELECT i AS ea, 'S' || (i % 48) AS stratum, i // 100 AS district, 60 + (i * 7919) % 81 AS households
      FROM range({AREAS}) t(i)) TO '{{folder}}/areas.parquet' (FORMAT parquet);
COPY (SELECT j AS household, j // 100 AS ea, 'S' || ((j // 100) % 48) AS stratum, (j * 31) % 9 + 1 AS persons
      FROM range({HOUSEHOLDS}) t(j)) TO '{{folder}}/households.parquet' (FORMAT parquet);
"""

TASKS = {
    "two stages: 8,000 areas PPS systematic, 25 households systematic": (
        "areas.parquet",
        "[Stage(unit='ea', n=8000 // 48, strata=('stratum',), order=('district',), method='pps_systematic',"
        " size='households'), Stage(unit='household', n=25, method='systematic',"
        " frame=folder + '/households.parquet')]",
    ),
    "two stages from the household file alone, size = rows": (
        "households.parquet",
        "[Stage(unit='ea', n=8000 // 48, strata=('stratum',), method='pps_systematic', size='rows'),"
        " Stage(unit='household', n=25, method='srs')]",
    ),
    "one stage: 200,000 households SRS in 48 strata": (
        "households.parquet",
        "[Stage(unit='household', n=200_000 // 48, strata=('stratum',), method='srs')]",
    ),
    "one stage: 200,000 households systematic by area": (
        "households.parquet",
        "[Stage(unit='household', n=200_000 // 48, strata=('stratum',), order=('ea',), method='systematic')]",
    ),
    "20 households in every one of the 200,000 areas": (
        "households.parquet",
        "[Stage(unit='household', n=20, strata=('ea',), method='srs')]",
    ),
}

RUN = """
import json, resource, sys, time
start = time.perf_counter()
from survey_toolkit.sampling import Stage, select
folder, first, stages = sys.argv[1:4]
drawn = select(folder + "/" + first, eval(stages), seed=1)
use = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - start,
                  "rows": len(drawn.frame), "weights": float(drawn.frame["weight"].sum()),
                  "cpu": use.ru_utime + use.ru_stime, "gb": use.ru_maxrss / 2**20}))
"""

SVY = """
import json, resource, sys, time
start = time.perf_counter()
import polars as pl, svy
frame = pl.read_parquet(sys.argv[1] + "/households.parquet")
drawn = svy.Sample(frame).sampling.srs(int(sys.argv[2]), by=sys.argv[3], rstate=1).data
use = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - start,
                  "rows": len(drawn), "weights": float(drawn["svy_sample_weight"].sum()),
                  "cpu": use.ru_utime + use.ru_stime, "gb": use.ru_maxrss / 2**20}))
"""


def measured(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1][:80]} | | | | "
    r = json.loads(done.stdout.splitlines()[-1])
    return f"{r['seconds']:.1f} | {r['cpu']:.1f} | {r['gb']:.2f} | {r['rows']:,} | {r['weights']:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--svy", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        import duckdb

        duckdb.connect(config={"memory_limit": "2GB"}).execute(MAKE.format(folder=folder))
        size = sum(p.stat().st_size for p in Path(folder).iterdir()) / 2**20
        print(f"Frame: {AREAS:,} areas, {HOUSEHOLDS:,} households, {size:.0f} MB of Parquet.\n")
        print(
            "| draw | seconds | CPU seconds | peak GB | rows drawn | sum of weights |\n"
            "|---|---:|---:|---:|---:|---:|"
        )
        for title, (first, stages) in TASKS.items():
            print(f"| {title} | {measured(RUN, folder, first, stages)} |", flush=True)
        if options.svy:
            for title, n, by in (
                ("svy: SRS in 48 strata", 200_000 // 48, "stratum"),
                ("svy: 20 in every area", 20, "ea"),
            ):
                print(f"| {title} | {measured(SVY, folder, str(n), by)} |", flush=True)


if __name__ == "__main__":
    main()
