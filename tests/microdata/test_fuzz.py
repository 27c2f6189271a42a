"""Damaged files by the thousand: this process lives, and every answer is data or one ``DataFileError``.

The files are made here, small, in every format; each mutation is seeded by its number. The quick sample
runs always, the whole under ``-m slow``; ``tests/oracles/fuzz_reading.py`` runs longer, on any folder.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import (
    Microdata,
    MissingCode,
    ReadLimits,
    Variable,
    read_microdata,
    write_microdata,
)

LIMITS = ReadLimits(seconds=20.0, memory_bytes=1 << 30)
QUICK, WHOLE = 250, 5_000


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """One damaged copy: bits flipped, a piece cut, doubled or overwritten, the end gone, a size forged."""
    out = bytearray(content)
    kind = int(rng.integers(7))
    at = int(rng.integers(len(out)))
    span = int(rng.integers(1, 64))
    if kind == 0:
        for place in rng.integers(0, len(out), int(rng.integers(1, 9))):
            out[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        out = out[:at]
    elif kind == 2:
        del out[at : at + span]
    elif kind == 3:
        out[at:at] = out[at : at + span]
    elif kind == 4:
        out[at : at + span] = rng.bytes(min(span, len(out) - at))
    elif kind == 5:  # headers are where the sizes are
        at = int(rng.integers(min(400, len(out))))
        forged = int(rng.choice([0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000]))
        out[at : at + 4] = forged.to_bytes(4, "little")
    else:
        for place in rng.integers(0, min(600, len(out)), 4):
            out[place] = int(rng.integers(256))
    return bytes(out)


def seeds(folder: Path) -> list[Path]:
    """Small good files of every format that can be written here."""
    import openpyxl
    import pyreadstat

    frame = pd.DataFrame({"q": [1, 2, 9, 1] * 5, "x": np.arange(20) / 7, "t": ["abc", "ខ្មែរ", "", "ไทย"] * 5})
    q = Variable(name="q", label="Q", value_labels={1: "yes", 2: "no"}, missing=(MissingCode(low=9, high=9),))
    data = Microdata.from_frame(frame, [q])
    files = [
        write_microdata(data, folder / f"s{ext}") for ext in (".sav", ".zsav", ".dta", ".parquet", ".csv")
    ]
    plain = frame.assign(t=["abc", "de"] * 10)
    pyreadstat.write_por(plain, str(folder / "s.por"))
    pyreadstat.write_xport(plain, str(folder / "s.xpt"))
    pyreadstat.write_dta(plain, str(folder / "old.dta"), version=8)
    pyreadstat.write_sav(plain, str(folder / "plain.sav"))
    book = openpyxl.Workbook()
    for row in (list(plain.columns), *plain.to_numpy().tolist()):
        book.active.append(row)
    book.save(folder / "s.xlsx")
    (folder / "s.sav.gz").write_bytes(gzip.compress((folder / "s.sav").read_bytes()))
    names = ("s.por", "s.xpt", "old.dta", "plain.sav", "s.xlsx", "s.sav.gz")
    return [*files, *(folder / name for name in names)]


def damaged(files: list[Path], folder: Path, numbers: range) -> Iterator[tuple[int, Path]]:
    """Mutations with these numbers, one file after the other."""
    contents = [file.read_bytes() for file in files]
    for number in numbers:
        rng = np.random.default_rng(number)
        which = number % len(files)
        target = folder / f"m{''.join(files[which].suffixes)}"
        target.write_bytes(mutated(contents[which], rng))
        yield number, target


def survives(files: list[Path], folder: Path, numbers: range) -> dict[str, int]:
    """Read every mutation; whatever is neither data nor a ``DataFileError`` gets out."""
    answers = {"read": 0, "refused": 0}
    for number, file in damaged(files, folder, numbers):
        try:
            data = read_microdata(file, limits=LIMITS)
            assert isinstance(data, Microdata)
            answers["read"] += 1
        except DataFileError as error:
            if not str(error).startswith(file.name):
                raise AssertionError(f"mutation {number}: the message does not name the file") from error
            answers["refused"] += 1
        except Exception as error:
            raise AssertionError(f"mutation {number} of {file.name}: {error!r}") from error
    return answers


def test_a_sample_of_damaged_files(tmp_path: Path) -> None:
    answers = survives(seeds(tmp_path), tmp_path, range(QUICK))
    assert sum(answers.values()) == QUICK
    assert min(answers.values()) > QUICK // 20


@pytest.mark.slow
def test_five_thousand_damaged_files(tmp_path: Path) -> None:
    answers = survives(seeds(tmp_path), tmp_path, range(WHOLE))
    assert sum(answers.values()) == WHOLE
    assert min(answers.values()) > WHOLE // 20
