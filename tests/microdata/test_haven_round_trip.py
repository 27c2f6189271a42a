"""Harmonized data, written for SPSS and Stata, read by R's haven: the same values, labels and reasons.

Needs R with haven (Debian: r-cran-haven). Without it these tests fail rather than pass empty; they are
left out unless ``-m oracle`` asks for them.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey_toolkit.microdata import Microdata, MissingCode, Variable, harmonize, write_microdata

from .conftest import LABELS, walk

pytestmark = pytest.mark.oracle

#: Prints a file as haven sees it: codes, labels, declared missing codes, tags of missing values.
HAVEN = r"""
suppressMessages({library(haven); library(jsonlite)})
path <- commandArgs(TRUE)[1]
data <- if (grepl("dta$", path)) read_dta(path) else read_sav(path, user_na = TRUE)
describe <- function(x) {
  labels <- attr(x, "labels")
  plain <- as.vector(unclass(x))
  tags <- if (is.double(x)) na_tag(unclass(x)) else rep(NA, length(x))
  label_tags <- if (is.double(labels)) na_tag(unclass(labels)) else rep(NA, length(labels))
  codes <- if (is.null(labels)) list() else as.list(as.vector(unclass(labels)))
  for (i in seq_along(codes)) if (!is.na(label_tags[i])) codes[[i]] <- paste0(".", label_tags[i])
  list(label = attr(x, "label", exact = TRUE), values = plain, tags = tags, codes = codes,
       texts = names(labels), na_values = attr(x, "na_values"), na_range = attr(x, "na_range"),
       class = class(x)[1])
}
cat(toJSON(lapply(data, describe), na = "null", null = "null", digits = NA, auto_unbox = FALSE))
"""


def haven(path: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Columns of a file as R haven reads them."""
    script = folder / "haven.R"
    script.write_text(HAVEN, encoding="utf-8")
    done = subprocess.run(["Rscript", "--vanilla", str(script), str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture
def harmonized() -> Microdata:
    frame = pd.DataFrame(
        {
            "s": [1, 2, 9, 2, None],
            "h": [10.5, 97.0, 98.0, None, 3.25],
            "a": [7, 14, 17, 5, 9],
            "r": ["N", "S", "N", "", "S"],
        }
    )
    source = Microdata.from_frame(
        frame,
        [
            Variable(name="s", label=LABELS["khmer"], value_labels={1: "Male", 2: "Female", 9: "DK"}),
            Variable(name="h", label="Hours", missing=(MissingCode(low=97, high=97),)),
        ],
    )
    return harmonize(
        source,
        walk(
            sex={"source": "s", "recode": {1: "M", 2: "F"}, "missing": {9: "dk"}},
            age={"source": "a"},
            ea_hours={"source": "h", "missing": {97: "inconsistent", 98: "refused"}},
            ea_any={"rule": {"variable": "ea_hours", "gt": 0}},
        ),
    )


def _reasons(data: Microdata, name: str) -> list[str | None]:
    companion = data.frame.get(name + "__missing")
    cells = [None] * data.n_rows if companion is None else [None if pd.isna(c) else str(c) for c in companion]
    return [None if c == "system" else c for c in cells]


@pytest.mark.parametrize("name", ["age", "ea_hours", "ea_any"])
def test_spss_gives_haven_the_same(harmonized: Microdata, tmp_path: Path, name: str) -> None:
    found = haven(write_microdata(harmonized, tmp_path / "h.sav"), tmp_path)[name]
    text_of = dict(zip((c[0] for c in found["codes"]), found["texts"] or [], strict=True))
    low, high = found["na_range"] or (1, 0)
    for value, ours, reason in zip(
        found["values"], harmonized.frame[name], _reasons(harmonized, name), strict=True
    ):
        if reason is not None:
            assert low <= value <= high or value in (found["na_values"] or [])
            assert text_of[value] == reason
        elif pd.isna(ours):
            assert value is None
        else:
            assert value == float(ours)
            assert not low <= value <= high
    assert (found["label"] or [""])[0] == harmonized.variables[name].label


@pytest.mark.parametrize("name", ["age", "ea_hours", "ea_any"])
def test_stata_gives_haven_the_same(harmonized: Microdata, tmp_path: Path, name: str) -> None:
    found = haven(write_microdata(harmonized, tmp_path / "h.dta"), tmp_path)[name]
    text_of = dict(zip((c[0] for c in found["codes"]), found["texts"] or [], strict=True))
    cells = zip(
        found["values"], found["tags"], harmonized.frame[name], _reasons(harmonized, name), strict=True
    )
    for value, tag, ours, reason in cells:
        assert (None if tag is None else text_of[f".{tag}"]) == reason
        assert value == (None if pd.isna(ours) else float(ours))


@pytest.mark.parametrize("extension", [".sav", ".dta"])
def test_texts_labels_and_scripts(harmonized: Microdata, tmp_path: Path, extension: str) -> None:
    found = haven(write_microdata(harmonized, tmp_path / f"h{extension}"), tmp_path)
    assert found["sex"]["values"] == ["M", "F", "", "F", ""]
    assert found["sex__missing"]["values"] == ["" if r is None else r for r in _words(harmonized, "sex")]
    made = Microdata.from_frame(
        pd.DataFrame({"q": [1, 2, 9], "place": [*list(LABELS.values())[:2], "x"]}),
        [
            Variable(
                name="q",
                label=LABELS["vietnamese"],
                value_labels={1: LABELS["thai"], 2: LABELS["lao"], 9: LABELS["burmese"]},
                missing=(MissingCode(low=9, high=9, label=LABELS["burmese"]),),
            )
        ],
    )
    found = haven(write_microdata(made, tmp_path / f"s{extension}"), tmp_path)
    assert found["q"]["label"] == [LABELS["vietnamese"]]
    assert set(found["q"]["texts"]) == {LABELS["thai"], LABELS["lao"], LABELS["burmese"]}
    assert found["place"]["values"] == [*list(LABELS.values())[:2], "x"]
    assert found["q"]["values"] == ([1, 2, 9] if extension == ".sav" else [1, 2, None])
    assert found["q"]["tags"] == [None, None, None if extension == ".sav" else "a"]
    assert found["q"]["na_values"] == ([9] if extension == ".sav" else None)


def _words(data: Microdata, name: str) -> list[str | None]:
    return [None if pd.isna(c) else str(c) for c in data.frame[name + "__missing"]]
