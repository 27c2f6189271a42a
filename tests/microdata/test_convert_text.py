"""Text tables on the way to Parquet: the same values and types as reading them, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from survey_toolkit.errors import DataFileError
from survey_toolkit.microdata import convert_to_parquet, read_microdata

CELLS = st.sampled_from(
    ["1", "-1", "+5", "007", "0", "1.5", ".5", "1.", "-", "+", ".", "e5", "1e3", "1e999", "1,5", "", " ",
     "\u00a0", "true", "false", "TRUE", "a b", " 7 ", "123456789012345678", "1234567890123456789",
     "0.12345678901234567", "0.123456789012345678", "ខ្មែរ", "nan", "inf", "=1"]
)  # fmt: skip


@example(rows=[("1", ""), ("2", "")], delimiter=",")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_the_same_as_reading(tmp_path: Path, rows: list[tuple[str, str]], delimiter: str) -> None:
    file = tmp_path / "f.csv"
    lines = [delimiter.join(f'"{cell}"' for cell in row) for row in rows]
    file.write_text("\n".join([delimiter.join(("x", "y")), *lines, ""]), encoding="utf-8")
    read = read_microdata(file).frame
    back = read_microdata(convert_to_parquet(file, tmp_path / "f.parquet")).frame
    assert list(read.columns) == list(back.columns)
    for name in read:
        assert str(read[name].dtype) == str(back[name].dtype)
        assert read[name].isna().to_list() == back[name].isna().to_list()
        assert read[name].dropna().to_list() == back[name].dropna().to_list()


@pytest.mark.parametrize("text", ["a,b\n-,1\n1.5,2\n", "a,b\ne5,1\n", "a,b\n+,1\n", "a,b\n.,1\n"])
def test_signs_alone_are_text(tmp_path: Path, text: str) -> None:
    """A dash for no answer among numbers ended in an error of the engine's own."""
    file = tmp_path / "f.csv"
    file.write_text(text, encoding="utf-8")
    assert str(read_microdata(file).frame["a"].dtype) == "string"


def test_problems_are_told_as_in_reading(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("a,b\n1,2\n3\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"f\.csv:3: a row has another number of cells"):
        convert_to_parquet(file, tmp_path / "f.parquet")
    file.write_text("a,A\n1,2\n", encoding="utf-8")
    with pytest.raises(DataFileError, match="differ in case only"):
        convert_to_parquet(file, tmp_path / "f.parquet")
    file.write_text("age,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataFileError, match="did you mean 'age'"):
        convert_to_parquet(file, tmp_path / "f.parquet", columns=["agee"])
    assert not (tmp_path / "f.parquet").exists()
    part = read_microdata(convert_to_parquet(file, tmp_path / "f.parquet", columns=["b"]))
    assert list(part.variables) == ["b"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Three million rows of text in 240 MB; reading them whole takes more than twice this memory."""
    file = tmp_path / "f.csv"
    line = ",".join(["1", "2.5", "answer {}", "0123456789", "some more text here", "3"] * 2) + "\n"
    with file.open("w", encoding="utf-8") as out:
        out.write(",".join(f"c{i}" for i in range(12)) + "\n")
        for block in range(300):
            out.write("".join(line.format(i, i) for i in range(block * 10_000, block * 10_000 + 10_000)))
    program = (
        "import resource, sys\nfrom survey_toolkit.microdata import convert_to_parquet\n"
        "convert_to_parquet(sys.argv[1], sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file), str(tmp_path / "f.parquet")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) < 1_100_000
