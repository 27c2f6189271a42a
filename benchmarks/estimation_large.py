"""Three indicators by 200 domains on 10 and 100 million rows of Parquet: seconds and memory.

    python benchmarks/estimation_large.py --rows 10000000 100000000

The files are made by DuckDB in a temporary folder and removed; each run is a process of its own.
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

RUN = """
import json, resource, sys, time
from survey_toolkit.estimation import Survey, SurveyDesign
def call(path):
    design = SurveyDesign(weight="w", strata="stratum", psu="psu")
    survey = Survey(path, design)
    return survey.mean(["y1", "y2", "y3"], by=["region", "sex", "age_band"])
call(sys.argv[2])
start = time.perf_counter(); est = call(sys.argv[1]); seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "estimates": len(est), "n": est.n[::3].sum(), "df": est.df_design,
                  "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""

MAKE = """
copy (
  select s.psu // 20 as stratum, s.psu, (s.psu // 20) % 10 as region,
         case when random() < 0.5 then 'F' else 'M' end as sex, (random() * 10)::int % 10 as age_band,
         round(1 + 100 * (random() + random()), 3) as w,
         (random() < 0.02 + (s.psu % 7) * 0.002)::tinyint as y1, (random() < 0.005)::tinyint as y2,
         round(40 * random() + s.psu % 5, 1) as y3
  from (select floor(random() * 4000)::int as psu from range({rows})) s
) to '{path}' (format parquet, row_group_size 1000000)
"""


def make(path: Path, rows: int) -> None:
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute(
        f"set temp_directory='{path.parent}'; set memory_limit='4GB'; set preserve_insertion_order=false"
    )
    connection.execute("select setseed(0.26)")
    connection.execute(MAKE.format(rows=rows, path=path))
    connection.close()


def run(path: Path, small: Path) -> dict:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(small)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"the run failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "estimation_large.md")
    args = parser.parse_args()
    lines = [
        "# Three indicators by 200 domains, Parquet out of memory",
        "",
        "Means of two statuses and one number by region x sex x age with covariance, design effects and t"
        f" intervals; 200 strata, 4,000 PSUs. {platform.machine()}, {os.cpu_count()} cores, Python"
        f" {platform.python_version()}; {datetime.now(UTC):%Y-%m-%d}. Medians of {args.runs} runs, each a"
        " process of its own that has made one call on 20,000 rows before.",
        "",
        "| rows | file | seconds (all runs) | million rows a second | peak resident memory | load |",
        "|---|---|---|---|---|---|",
    ]
    for rows in args.rows:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            path, small = Path(folder) / "rows.parquet", Path(folder) / "small.parquet"
            if shutil.disk_usage(folder).free < 60 * rows:
                sys.exit(f"not enough disk for {rows:,} rows")
            make(small, 20_000)
            make(path, rows)
            runs = [run(path, small) for _ in range(args.runs)]
            if any(r["n"] != rows or r["estimates"] != 600 for r in runs):
                sys.exit(f"rows were lost: {runs[0]}")
            seconds = statistics.median(r["seconds"] for r in runs)
            lines.append(
                f"| {rows:,} | {path.stat().st_size / 1e6:,.0f} MB | **{seconds:.2f}**"
                f" ({', '.join(format(r['seconds'], '.2f') for r in runs)}) | {rows / seconds / 1e6:.1f} |"
                f" {max(r['rss'] for r in runs):,.0f} MB | {os.getloadavg()[0]:.1f} |"
            )
            print(lines[-1], flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
