"""Read 1,000,000 x 60 .sav and .dta, and turn them into Parquet: survey_toolkit against pyreadstat alone.

    python benchmarks/microdata_reading.py

Five interleaved rounds; each run is a process of its own. See README.md in this folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

HERE = Path(__file__).resolve().parent

RUN = """
import json, resource, sys, time


def peak(process="self"):  # ru_maxrss would hold the size of the parent that started this process
    lines = open(f"/proc/{process}/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


what, file, target = sys.argv[1:]
start = time.perf_counter()
if what == "ours":
    from survey_toolkit.microdata import read_microdata
    shape = read_microdata(file).frame.shape
elif what == "ours to Parquet":
    from survey_toolkit.microdata import convert_to_parquet
    shape = convert_to_parquet(file, target) and (0, 0)
elif what == "ours, metadata":
    from survey_toolkit.microdata import read_metadata
    shape = (0, len(read_metadata(file).variables))
else:
    import pyreadstat
    read = pyreadstat.read_sav if file.endswith("sav") else pyreadstat.read_dta
    frame, meta = read(file, user_missing=True)
    shape = frame.shape
    if what == "pyreadstat to Parquet":
        import duckdb
        duckdb.sql(f"COPY frame TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
wall = time.perf_counter() - start
readers = []
if what.startswith("ours"):
    from survey_toolkit.microdata import _process
    readers = [peak(worker.process.pid) for worker in _process._current.values()]
own = resource.getrusage(resource.RUSAGE_SELF)
if what.startswith("ours"):
    _process._close_current()
child = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"wall": wall, "cpu": sum((own.ru_utime, own.ru_stime, child.ru_utime, child.ru_stime)),
                  "rss": peak(), "child": sum(readers), "shape": shape}))
"""
WHAT = ("pyreadstat", "ours", "pyreadstat to Parquet", "ours to Parquet", "ours, metadata")


def make_files(folder: Path, rows: int) -> None:
    """Forty coded columns (one code declared missing), ten reals, four texts, five ids, one date."""
    rng = np.random.default_rng(20260101)
    places = np.array([f"place {k:03d}" for k in range(300)], dtype=object)
    columns = {f"q{i}": rng.integers(1, 9, rows).astype(float) for i in range(40)}
    columns |= {f"x{i}": np.round(rng.normal(size=rows) * 100, 3) for i in range(10)}
    columns |= {f"s{i}": places[rng.integers(0, 300, rows)] for i in range(4)}
    columns |= {f"id{i}": np.arange(rows, dtype=float) + i for i in range(5)}
    columns["day"] = 13_800_000_000.0 + 86_400.0 * rng.integers(0, 900, rows)
    frame = pd.DataFrame(columns)
    coded = [f"q{i}" for i in range(40)]
    pyreadstat.write_sav(
        frame,
        str(folder / "b.sav"),
        row_compress=True,
        variable_value_labels={name: {1.0: "yes", 8.0: "no answer"} for name in coded},
        missing_ranges={name: [8.0] for name in coded},
        variable_format={"day": "DATE11"},
    )
    frame = frame.astype(dict.fromkeys(coded, np.int32)).assign(day=rng.integers(20_000, 21_000, rows))
    pyreadstat.write_dta(frame, str(folder / "b.dta"), version=14, variable_format={"day": "%td"})


def run(what: str, file: Path, folder: Path) -> dict[str, float]:
    """Run one in a process of its own."""
    command = [sys.executable, "-c", RUN, what, str(file), str(folder / "out.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))  # DuckDB draws a progress bar


def main() -> None:
    """Time and write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    lines = [
        "# Reading survey files",
        "",
        f"{given.rows:,} rows x 60 columns, {given.rounds} interleaved rounds, medians. "
        f"{datetime.now(UTC):%Y-%m-%d}, "
        f"Python {platform.python_version()}, pyreadstat {pyreadstat.__version__}, {platform.machine()}.",
        f"Load {os.getloadavg()[0]:.1f}. Memory is the peak of the process plus, for ours, that of its"
        " reading process (some 130 MB of each are the imports of the process that starts it).",
        "",
        "| file | what | wall s | CPU s | peak MB |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # in a process of its own: the peak of a child is never below that of the process that starts it
        maker = multiprocessing.get_context("spawn").Process(target=make_files, args=(folder, given.rows))
        maker.start()
        maker.join()
        for file in (folder / "b.sav", folder / "b.dta"):
            rounds = [{what: run(what, file, folder) for what in WHAT} for _ in range(given.rounds)]
            for what in WHAT:
                wall, cpu = (statistics.median(r[what][key] for r in rounds) for key in ("wall", "cpu"))
                peak = statistics.median(
                    r[what]["rss"] + (r[what]["child"] if what.startswith("ours") else 0) for r in rounds
                )
                lines.append(f"| {file.suffix} | {what} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} |")
                print(lines[-1], flush=True)
    (HERE / "results" / "microdata_reading.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
