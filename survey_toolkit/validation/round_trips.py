"""What is written is read back the same: files with labels and missing codes; and the standards hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.microdata.model import MISSING_SUFFIX
from survey_toolkit.validation.certificate import Check

if TYPE_CHECKING:
    from survey_toolkit.microdata import Microdata

__all__ = ["round_trip_checks", "standards_checks"]


def round_trip_checks() -> Iterator[Check]:
    """Write the simulated survey as SPSS, Stata and Parquet and compare what is read back, cell by cell."""
    from survey_toolkit.datasets import simulate_country
    from survey_toolkit.microdata import read_microdata, write_microdata

    survey = simulate_country(seed=5, n_persons=20_000).draw_sample(seed=5, n_areas=40)
    with TemporaryDirectory(prefix="survey_toolkit_") as folder:
        for ending in (".sav", ".dta", ".parquet"):
            for level in ("household", "person", "job"):
                before: Microdata = getattr(survey, level)
                target = Path(folder) / f"{level}{ending}"
                write_microdata(before, target)
                cells, wrong = _compare(before, read_microdata(target))
                yield _same(f"{level} file as {ending}", cells, wrong, "cells and labels that differ")


def _compare(before: Microdata, after: Microdata) -> tuple[int, int]:
    """Cells and labels compared, and how many differ in meaning."""
    compared = wrong = 0
    for name, variable in before.variables.items():
        ours, theirs = _meaning(before, name), _meaning(after, name)
        wrong += int((ours != theirs).sum()) + (after.variables[name].label != variable.label)
        compared += len(ours) + 1
    return compared, wrong


def _meaning(data: Microdata, name: str) -> NDArray[np.object_]:
    """What each cell says: a value with its label, the reason it is missing in words, or nothing.

    SPSS and Stata write missing answers differently (codes and tags), so it is the meaning that must survive.
    """
    variable, column = data.variables[name], data.frame[name]
    labels = {_key(code): text for code, text in variable.value_labels.items()}
    said = column.astype(object).where(column.notna(), "").to_numpy()
    out = np.array([f"{_key(v)} {labels.get(_key(v), '')}".strip() for v in said], dtype=object)
    for code in variable.missing:
        inside = code.contains(column)
        out[inside] = f"missing: {labels.get(_key(code.low), code.label or '')}"
    if f"{name}{MISSING_SUFFIX}" in data.frame:
        tags = data.frame[f"{name}{MISSING_SUFFIX}"]
        for tag in tags.dropna().unique():
            out[(tags == tag).fillna(False).to_numpy(dtype=bool)] = f"missing: {labels.get(_key(tag), '')}"
    return out


def _key(code: object) -> str:
    """A code as text, whole numbers without a point."""
    return f"{float(code):g}" if isinstance(code, int | float) else str(code)


def _same(name: str, compared: int, wrong: int, unit: str, section: str = "Round trips") -> Check:
    return Check(
        section=section,
        name=name,
        compared=compared,
        worst=float(wrong),
        allowed=0.0,
        unit=unit,
        passed=wrong == 0 and compared > 0,
    )


def standards_checks() -> Iterator[Check]:
    """Every file of the shipped standards, and every case in which a person wrote down the right answer."""
    from survey_toolkit._resources import data_root
    from survey_toolkit.standards import check

    problems = check()
    files = sum(1 for _ in data_root("harmonization").rglob("*.yaml"))
    yield _same("files of the standards and their cases", files, len(problems), "problems", "Standards")
