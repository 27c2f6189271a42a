"""Fuzz ``read_microdata`` for as long as wanted, on the files of any folder.

    python tests/oracles/fuzz_reading.py FOLDER --count 100000 --first 0

Every file up to 200 KB with an extension that can be read is mutated in turn; the seed is the number of
the mutation. Writes the answers; stops with the number and a kept copy of the first wrong one.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

from survey_toolkit.microdata.read import FORMATS

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    spec = importlib.util.spec_from_file_location("fuzz", HERE.parent / "microdata" / "test_fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    files = [
        f
        for f in sorted(given.folder.rglob("*"))
        if f.suffix.lower() in FORMATS and 0 < f.stat().st_size <= 200_000
    ]
    with tempfile.TemporaryDirectory() as name:
        for start in range(given.first, given.first + given.count, 1_000):
            numbers = range(start, min(start + 1_000, given.first + given.count))
            sys.stdout.write(f"{start} {fuzz.survives(files, Path(name), numbers)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
