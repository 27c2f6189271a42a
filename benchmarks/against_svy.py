"""A race of two processes against svy on one file: what the benchmarks of domains and replicates share."""

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
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
STRATA, PSUS_PER_STRATUM, REGIONS, AGES = 200, 20, 10, 10
Runs = list[dict]


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


def check_domains(ours: dict, theirs: dict) -> None:
    """Both sides have the same domains."""
    if set(ours) != set(theirs):
        sys.exit(f"domains differ: {sorted(set(ours) ^ set(theirs))[:5]}")


def setting(ours: Runs, rows: int, domains: str) -> str:
    """What was run, where and when."""
    host = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return (
        f"{rows:,} rows, {STRATA} strata, {STRATA * PSUS_PER_STRATUM:,} PSUs,"
        f" {len(ours[0]['rows'])} {domains}. {host};"
        f" load {os.getloadavg()[0]:.1f}; {datetime.now(UTC):%Y-%m-%d}."
        f" Medians of {len(ours)} interleaved pairs."
    )


def table(ours: Runs, theirs: Runs, lines: dict[str, tuple[str, str]]) -> list[str]:
    """Lines of the table (by label: key of what was measured, unit), then the ratios of the pairs."""

    def line(label: str, key: str, unit: str) -> str:
        a, b = (statistics.median(r[key] for r in runs) for runs in (ours, theirs))
        return f"| {label} | {a:.3f} {unit} | {b:.2f} {unit} | {b / a:.1f} |"

    ratios = ", ".join(f"{b['whole'] / a['whole']:.0f}" for a, b in zip(ours, theirs, strict=True))
    return [
        "| timed | survey_toolkit | svy 0.35 | ratio |",
        "|---|---|---|---|",
        *(line(label, *what) for label, what in lines.items()),
        "",
        f"Ratios of the pairs, file to result: {ratios}.",
    ]


def race(
    description: str, name: str, codes: tuple[str, str], report: Callable[[Runs, Runs, int], str]
) -> None:
    """Run both codes in interleaved pairs and write ``results/<name>.md``."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--svy-python", default=os.environ.get("SVY_PYTHON"), help="Python with svy")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results" / f"{name}.md")
    args = parser.parse_args()
    if not args.svy_python:
        parser.error("give --svy-python or set SVY_PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "persons.parquet", Path(folder) / "small.parquet"
        make_file(path, args.rows)
        make_file(small, 20_000)
        ours: Runs = []
        theirs: Runs = []
        for i in range(args.pairs):
            ours.append(run(sys.executable, codes[0], path, small))
            theirs.append(run(args.svy_python, codes[1], path, small))
            print(f"pair {i + 1}: {ours[-1]['whole']:.3f} s, svy {theirs[-1]['whole']:.2f} s", flush=True)
        text = report(ours, theirs, args.rows)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding="utf-8")
    print(text)
