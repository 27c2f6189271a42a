"""Harmonize and classify children for indicator 8.7.1: in memory, and from a file larger than memory.

    python benchmarks/microdata_harmonize.py      # 1,000,000 children in memory; 5,000,000 x 80 of Parquet

Wall time is the median of the runs; memory is the peak resident size of the whole process, in a process of
its own for the large file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
COLUMNS = 80
_ITEMS = (
    "CL1A",
    "CL1B",
    "CL1C",
    "CL1X",
    "CL7",
    "CL9",
    "CL11A",
    "CL11B",
    "CL11C",
    "CL11D",
    "CL11E",
    "CL11F",
    "CL11X",
)


def children(n: int, seed: int = 1) -> pd.DataFrame:
    """A file of the MICS6 layout, one child a row, with its missing codes."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "HH1": np.arange(n) // 20 + 1,
            "HH2": np.arange(n) % 20 + 1,
            "LN": 3,
            "FS17": 1,
            "PSU": np.arange(n) // 20 + 1,
            "stratum": np.arange(n) * 40 // n,
            "fsweight": rng.gamma(4, 0.25, n).round(6),
            "HH6": rng.integers(1, 3, n),
            "HH7": rng.integers(1, 9, n),
            "HL4": rng.integers(1, 3, n),
            "CB3": rng.integers(5, 18, n),
        }
    )
    for name in _ITEMS:
        frame[name] = rng.choice([1, 2, 9], n, p=[0.12, 0.875, 0.005])
    worked = (frame[["CL1A", "CL1B", "CL1C", "CL1X"]] == 1).any(axis=1).to_numpy()
    for name, asked in {"CL3": worked, "CL8": frame["CL7"] == 1, "CL10": frame["CL9"] == 1,
                        "CL13": (frame.filter(like="CL11") == 1).any(axis=1)}.items():  # fmt: skip
        hours = rng.integers(0, 50, n).astype(float)
        hours[rng.random(n) < 0.02] = 98
        frame[name] = pd.array(np.where(np.asarray(asked), hours, np.nan), dtype="Float64").astype("Int64")
    return frame


def in_memory(n: int, runs: int) -> dict[str, float]:
    """Seconds of harmonize + classify, and of each."""
    from survey_toolkit.microdata import Microdata, classify, harmonize
    from survey_toolkit.standards import load

    registry = load()
    data = Microdata.from_frame(children(n), name="fs.sav")
    times, cpu = [], []
    for _ in range(runs + 1):
        start, busy = time.perf_counter(), time.process_time()
        made = harmonize(data, "mics6_child_5_17", level="person", registry=registry)
        middle = time.perf_counter()
        done = classify(made, "child_labour", "sdg-2021", registry=registry)
        times.append((middle - start, time.perf_counter() - middle))
        cpu.append(time.process_time() - busy)
        assert done.n_rows == n
    harmonizing, classifying = zip(*times[1:], strict=True)  # the first call pays for lazy imports
    return {
        "rows": n,
        "harmonize_s": statistics.median(harmonizing),
        "classify_s": statistics.median(classifying),
        "both_s": statistics.median([a + b for a, b in times[1:]]),
        "both_cpu_s": statistics.median(cpu[1:]),
    }


def make_large(path: Path, n: int) -> None:
    """Write the file block by block, filled up with columns that no crosswalk reads."""
    import duckdb

    folder = path.parent / "made"
    folder.mkdir()
    step = 500_000
    for i in range(0, n, step):
        frame = children(min(step, n - i), seed=i)
        frame[["HH1", "PSU"]] += i // 20
        rng = np.random.default_rng(i)
        for j in range(COLUMNS - frame.shape[1]):
            frame[f"X{j}"] = rng.integers(0, 9, len(frame))
        duckdb.sql("SELECT * FROM frame").write_parquet(str(folder / f"p{i:09}.parquet"))
    duckdb.sql(f"COPY (SELECT * FROM '{folder}/*.parquet') TO '{path}' (FORMAT parquet)")


def _peak_mb() -> float:
    """Peak resident size of this process; ``ru_maxrss`` would hold that of the parent before it."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def large(source: Path, block: int) -> dict[str, float]:
    """Seconds and peak memory of one run over the large file, in this process."""
    from survey_toolkit.microdata import harmonize_parquet

    start = time.perf_counter()
    done = harmonize_parquet(
        source, "mics6_child_5_17", source.with_name("out.parquet"), level="person",
        definitions=["child_labour@sdg-2021"], block=block,
    )  # fmt: skip
    return {
        "rows": done.n_rows,
        "columns": COLUMNS,
        "block": block,
        "seconds": time.perf_counter() - start,
        "peak_mb": _peak_mb(),
        "source_mb": source.stat().st_size / 1e6,
    }


NOTES = """
Medians of the runs after a first one that pays for lazy imports (in memory); single runs in a process of
their own (Parquet). The Parquet runs check the key over all rows, write 15 columns with their reasons and
descriptions, and add up the audit; peak memory is VmHWM of the whole process. Blocks go through the same
engine as data in memory (`tests/microdata/test_audit.py` compares the two on random files); DuckDB reads,
checks and writes, Python holds one block. Smaller blocks hold less; the key check and the writing set a
floor.
"""


def large_lines(rows: int, block: int) -> list[str]:
    """Rows of the table for the file that is never in memory, in blocks of two sizes."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "children.parquet"
        make_large(source, rows)
        for size in (block // 2, block):
            told = subprocess.run(
                [sys.executable, __file__, "--source", str(source), "--block", str(size)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            got = json.loads(told.stdout.strip().splitlines()[-1])
            what = f"{got['rows']:,} rows x {COLUMNS} columns, Parquet to Parquet, blocks of {size:,}"
            lines.append(f"| {what} | {got['seconds']:.1f} s, peak {got['peak_mb']:,.0f} MB |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--large", type=int, default=5_000_000, help="rows of the large file")
    parser.add_argument("--block", type=int, default=250_000)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "microdata_harmonize.md")
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.source:
        print(json.dumps(large(given.source, given.block)))
        return
    got = in_memory(given.rows, given.runs)
    parts = f"({got['harmonize_s']:.2f} + {got['classify_s']:.2f})"
    lines = [
        "# Harmonize and classify for indicator 8.7.1",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy"
        f" {np.__version__}, pandas {pd.__version__}; load {os.getloadavg()[0]:.1f};"
        f" {datetime.now(UTC):%Y-%m-%d}. Children in the layout of MICS6 (crosswalk `mics6_child_5_17`: 11"
        " targets, 17 questions), classified by `child_labour@sdg-2021` (both series).",
        "",
        "| timed | result |",
        "|---|---|",
        f"| {given.rows:,} children in memory, harmonize + classify, wall | {got['both_s']:.2f} s {parts} |",
        f"| the same, CPU | {got['both_cpu_s']:.2f} s |",
        *large_lines(given.large, given.block),
    ]
    print("\n".join(lines[-4:]))
    given.out.write_text("\n".join([*lines, NOTES]), encoding="utf-8")


if __name__ == "__main__":
    main()
