"""The glossary explains what the results print, and names nothing that they do not have."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import survey_toolkit as st
from survey_toolkit.estimation import Combined, Crosstab, SmallAreas
from survey_toolkit.indicators import Figure

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
HEADS = re.findall(r"^\*\*.*$", TEXT, flags=re.MULTILINE)
NAMED = sorted({name for head in HEADS for name in re.findall(r"`([^`]+)`", head)})
OTHER = {
    "icc": st.sampling.FieldPlan,
    "degree": st.hidden_populations.Recruitment,
    "dark_figure": st.PopulationSize,
    "light": st.multiple_systems.Diagnostics,
    "r_hat": st.multiple_systems.ChainReport,
    "ess": st.multiple_systems.ChainReport,
    "fpc": st.SurveyDesign,
    "i2": st.hidden_populations.Pooled,
    "tau": st.hidden_populations.Pooled,
}


def _fields(kind: type) -> set[str]:
    return {f.name for f in dataclasses.fields(kind)} | set(dir(kind))


@pytest.mark.parametrize("name", [n for n in NAMED if n != "beta"])
def test_a_name_in_a_head_is_one_of_a_result(name: str) -> None:
    assert name in _fields(OTHER.get(name, st.Estimates))


def test_what_an_estimate_prints_is_explained() -> None:
    frame_columns = {
        "se", "ci_low", "ci_high", "cv", "deff", "df", "n", "n_psu", "n_positive", "n_undetermined", "flags",
        "bound_low", "bound_high", "vcov",
    }  # fmt: skip
    assert frame_columns <= _fields(st.Estimates)
    missing = {c for c in frame_columns if f"`{c}`" not in TEXT}
    assert not missing


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (SmallAreas, ("gamma", "synthetic", "mse")),
        (Combined, ("within", "between", "missing_information")),
        (Crosstab, ("deltas",)),
        (Figure, ("obs_status",)),
        (st.PopulationSize, ("near_ties", "dark_figure")),
    ],
)
def test_names_of_other_results_are_explained_and_exist(kind: type, names: tuple[str, ...]) -> None:
    for name in names:
        assert name in _fields(kind)
        assert f"`{name}`" in TEXT


def test_each_flag_of_an_estimate_is_explained() -> None:
    source = (Path(st.__file__).parent / "estimation" / "assemble.py").read_text(encoding="utf-8")
    marks = re.search(r"marks = \{(.*?)\}", source, flags=re.DOTALL)
    assert marks
    flags = re.findall(r'"(\w+)":', marks.group(1))
    assert len(flags) >= 7
    assert [flag for flag in flags if f"`{flag}`" not in TEXT] == []


def test_terms_stand_in_order_within_their_section() -> None:
    for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        terms = [t.lower() for t in re.findall(r"^\*\*([^*]+)\*\*", section, flags=re.MULTILINE)]
        assert terms == sorted(terms)
