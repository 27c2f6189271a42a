"""Time and memory of selections from a census frame of 200,000 enumeration areas and 20 million households.

    python benchmarks/sampling_large.py                                # makes the frame in a temporary folder
    python benchmarks/sampling_large.py --svy-python /path/to/venv-with-svy/bin/python

Each draw runs in a process of its own, from the Parquet file to the sample with its weights; memory is the
peak resident size of that process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
AREAS, A_SAMPLE, PER_AREA = 200_000, 200_000, 100  # of the full run; all sizes go down with the areas

MAKE = """
COPY (SELECT i AS ea, 'S' || (i % 48) AS stratum, i // 100 AS district, 60 + (i * 7919) % 81 AS households
      FROM range({areas}) t(i)) TO '{folder}/areas.parquet' (FORMAT parquet);
COPY (SELECT j AS household, j // 100 AS ea, 'S' || ((j // 100) % 48) AS stratum, (j * 31) % 9 + 1 AS persons
      FROM range({households}) t(j)) TO '{folder}/households.parquet' (FORMAT parquet);
"""

TASKS = {
    "two stages: {areas_drawn:,} areas PPS systematic, 25 households systematic": (
        "areas.parquet",
        "[Stage(unit='ea', n={areas_drawn} // 48, strata=('stratum',), order=('district',),"
        " method='pps_systematic', size='households'), Stage(unit='household', n=25, method='systematic',"
        " frame=folder + '/households.parquet')]",
    ),
    "two stages from the household file alone, size = rows": (
        "households.parquet",
        "[Stage(unit='ea', n={areas_drawn} // 48, strata=('stratum',), method='pps_systematic', size='rows'),"
        " Stage(unit='household', n=25, method='srs')]",
    ),
    "one stage: {drawn:,} households SRS in 48 strata": (
        "households.parquet",
        "[Stage(unit='household', n={drawn} // 48, strata=('stratum',), method='srs')]",
    ),
    "one stage: {drawn:,} households systematic by area": (
        "households.parquet",
        "[Stage(unit='household', n={drawn} // 48, strata=('stratum',), order=('ea',), method='systematic')]",
    ),
    "20 households in every one of the {areas:,} areas": (
        "households.parquet",
        "[Stage(unit='household', n=20, strata=('ea',), method='srs')]",
    ),
}
SVY_TASKS = {
    "svy 0.35: {drawn:,} households SRS in 48 strata": ("{per_stratum}", "stratum"),
    "svy 0.35: 20 households in every area": ("20", "ea"),
}
NOTES = """
One-stage draws from all households spend most of their time on SHA-256 of every household (the price
of a draw that anyone can make again) and on proving that no household is there twice. svy keeps no numbers
from which a draw could be redone, and is timed with the reading of its frame, as ours.
"""

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


def measured(python: str, code: str, *arguments: str) -> str:
    """One draw in a process of its own, as cells of the table."""
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [python, "-c", code, *arguments], capture_output=True, text=True, check=False, env=env
    )
    if done.returncode:
        sys.exit(f"the draw failed:\n{done.stderr[-2000:]}")
    r = json.loads(done.stdout.splitlines()[-1])
    size = f"{r['gb'] * 1024:,.0f} MB"
    return f"{r['seconds']:.1f} | {r['cpu']:.1f} | {size} | {r['rows']:,} | {r['weights']:,.0f}"


def make(folder: str, areas: int) -> float:
    """Write the frame; its size in MB."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "2GB"})
    connection.execute(MAKE.format(folder=folder, areas=areas, households=areas * PER_AREA))
    return sum(p.stat().st_size for p in Path(folder).iterdir()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--areas", type=int, default=AREAS)
    parser.add_argument("--svy-python", default=os.environ.get("SVY_PYTHON"), help="Python with svy")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "sampling_large.md")
    given = parser.parse_args()
    drawn = max(A_SAMPLE * given.areas // AREAS, 48)
    sizes = {
        "areas": given.areas,
        "areas_drawn": max(drawn // 25, 48),
        "drawn": drawn,
        "per_stratum": drawn // 48,
    }
    with tempfile.TemporaryDirectory() as folder:
        size = make(folder, given.areas)
        lines = [
            "# Selection from a census frame",
            "",
            f"{given.areas:,} enumeration areas and {given.areas * PER_AREA:,} households ({size:.0f} MB of"
            f" Parquet), one run each. {platform.machine()}, {os.cpu_count()} cores, Python"
            f" {platform.python_version()}; load {os.getloadavg()[0]:.1f}; {datetime.now(UTC):%Y-%m-%d}."
            " Whole process: imports, reading, drawing, weights.",
            "",
            "| draw | wall seconds | CPU seconds | peak memory | rows drawn | sum of weights |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for title, (first, stages) in TASKS.items():
            told = measured(sys.executable, RUN, folder, first, stages.format(**sizes))
            lines.append(f"| {title.format(**sizes)} | {told} |")
            print(lines[-1], flush=True)
        for title, arguments in SVY_TASKS.items() if given.svy_python else ():
            told = measured(given.svy_python, SVY, folder, *(a.format(**sizes) for a in arguments))
            lines.append(f"| {title.format(**sizes)} | {told} |")
            print(lines[-1], flush=True)
    given.out.write_text("\n".join([*lines, NOTES]), encoding="utf-8")


if __name__ == "__main__":
    main()
