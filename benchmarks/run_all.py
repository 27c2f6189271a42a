"""Repeat every benchmark against its peers and write the table of all results.

    python benchmarks/run_all.py                        # everything, full sizes (hours), peers that are there
    python benchmarks/run_all.py --make-peers           # makes an environment with svy first
    python benchmarks/run_all.py --only estimation      # those whose name holds the word
    python benchmarks/run_all.py --quick                # small sizes, for proof; results/ stays as it is
    python benchmarks/run_all.py --table                # only the table, from the result pages that are there

A full run writes each script's page under results/; scripts that print have their page kept and their output
beside it as NAME.txt. A quick run works on a copy of this folder (``--folder``, default out/benchmarks).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from result_pages import overview

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A script, its arguments at full and quick size, and its peer."""

    name: str
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    needs_svy: bool = False
    prints: bool = False


BENCHMARKS = (
    Benchmark("estimation_domains", (), ("--rows", "20000", "--pairs", "1"), needs_svy=True),
    Benchmark(
        "estimation_large",
        ("--rows", "10000000", "100000000", "--runs", "3"),
        ("--rows", "100000", "--runs", "1"),
    ),
    Benchmark("estimation_peers", (), ("--rows", "50000", "--rounds", "1"), needs_svy=True),
    Benchmark("estimation_quantiles", (), ("--rows", "20000", "--rounds", "1"), needs_svy=True),
    Benchmark("estimation_replicates", (), ("--rows", "20000", "--pairs", "1"), needs_svy=True),
    Benchmark("coverage_proportions", (), ("--draws", "20")),
    Benchmark("recalibrated_df", ("1500",), ("10",), prints=True),
    Benchmark("multiple_systems", (), ("--only", "downhill over hierarchical models, one start")),
    Benchmark("multiple_systems_recovery", (), ("--tables", "2")),
    Benchmark("hidden_populations_recovery", (), ("2",)),
    Benchmark("microdata_reading", (), ("--rows", "5000", "--rounds", "1")),
    Benchmark("microdata_harmonize", (), ("--rows", "20000", "--runs", "1", "--large", "40000")),
    Benchmark("sampling_large", (), ("--areas", "2000"), needs_svy=True),
    Benchmark("sampling_recovery", ("40",), ("4",), prints=True),
)


def chosen(word: str) -> tuple[Benchmark, ...]:
    """Return the benchmarks whose name holds the word."""
    named = tuple(b for b in BENCHMARKS if word in b.name)
    if not named:
        raise SystemExit(f"no benchmark is called {word!r}; known: {', '.join(b.name for b in BENCHMARKS)}")
    return named


def svy_python(make: bool, folder: Path) -> str | None:
    """Return a Python with svy: the one named by SVY_PYTHON, this one, or an environment made on request."""
    if os.environ.get("SVY_PYTHON"):
        return os.environ["SVY_PYTHON"]
    python = folder / "svy-env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    if make and not python.exists():
        venv.create(folder / "svy-env", with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "svy==0.35.*", "pyarrow"], check=True)
    if python.exists():
        return str(python)
    return sys.executable if importlib.util.find_spec("svy") else None


def run(benchmark: Benchmark, folder: Path, *, quick: bool, svy: str | None) -> str | None:
    """Run one script in its folder; returns what went wrong, or None."""
    if benchmark.needs_svy and svy is None:
        return "no Python with svy; give SVY_PYTHON or --make-peers"
    arguments = [*(benchmark.quick if quick else benchmark.full)]
    if benchmark.needs_svy and svy is not None:
        arguments += ["--svy-python", svy]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, str(folder / f"{benchmark.name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1]
    if benchmark.prints:
        (folder / "results" / f"{benchmark.name}.txt").write_text(done.stdout, encoding="utf-8")
    return None


def main() -> int:
    """Run what was asked for, write the table, return 1 if a script failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes on a copy of this folder")
    parser.add_argument("--only", default="", metavar="NAME", help="a word in the names")
    parser.add_argument("--make-peers", action="store_true", help="make the environment of the peer svy")
    parser.add_argument("--table", action="store_true", help="run nothing, write the table")
    parser.add_argument("--folder", type=Path, default=HERE.parent / "out" / "benchmarks")
    given = parser.parse_args()
    failed = 0
    folder = given.folder.resolve() if given.quick else HERE
    if not given.table:
        todo = chosen(given.only)
        if given.quick:
            shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        svy = svy_python(given.make_peers, given.folder.resolve())
        for benchmark in todo:
            start = time.perf_counter()
            problem = run(benchmark, folder, quick=given.quick, svy=svy)
            failed += problem is not None
            print(f"{benchmark.name}: {problem or 'done'} ({time.perf_counter() - start:.0f} s)", flush=True)
    page = folder / "results" / "README.md"
    page.write_text(overview(sorted(p for p in page.parent.glob("*.md") if p != page)), encoding="utf-8")
    print(f"written: {page}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
