"""Every name on the right of the tables of coming_from.md exists, and takes the arguments shown."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import narwhals as nw
import pytest
import typer

import survey_toolkit as st
from survey_toolkit.cli import app
from survey_toolkit.estimation import CHI_SQUARE_TESTS, PROPORTION_INTERVALS, QUANTILE_RULES, GlmEstimates

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "coming_from.md"
#: What the page calls by a short name; an instance stands for its class.
SCOPE: dict[str, Any] = {
    "st": st,
    "ms": st.multiple_systems,
    "hp": st.hidden_populations,
    "sm": st.sampling,
    "dc": st.dissemination,
    "nw": nw,
    "survey": st.Survey,
    "estimates": st.Estimates,
    "model": GlmEstimates,
    "lists": st.CaptureHistories,
    "chain": st.hidden_populations.Recruitment,
}
INSTANCES = {"survey", "estimates", "model", "lists", "chain"}
DATA = {
    "d",
    "records",
    "design",
    "results",
    "result",
    "function",
    "totals",
    "stages",
    "table",
    "other",
    "counts",
}
CHOICES: dict[str, Any] = {
    "ci": {*PROPORTION_INTERVALS, "profile"},
    "test": CHI_SQUARE_TESTS,
    "rule": QUANTILE_RULES,
    "lonely_psu": {"fail", "adjust", "certainty", "remove", "average"},
    "family": {"gaussian", "binomial", "quasibinomial", "poisson", "hierarchical", "pairwise"},
    "estimator": {"rds_i", "rds_ii", "gile_ss", "hcg"},
    "variance": {"salganik", "tree", "gile", "none"},
}


def _cells() -> Iterator[str]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and line != "|---|---|":
            yield line.replace("\\|", "¦").strip("| ").split(" | ")[-1]


SPANS = sorted({span for cell in _cells() for span in re.findall(r"`([^`]+)`", cell)})


def _thing(node: ast.expr) -> tuple[Any, bool]:
    """What an expression names, and whether it is a method of an instance."""
    if isinstance(node, ast.Name):
        return SCOPE.get(node.id, SimpleNamespace()), node.id in INSTANCES
    assert isinstance(node, ast.Attribute), f"write the result by its name: {ast.unparse(node)}"
    owner, of_instance = _thing(node.value)
    assert hasattr(owner, node.attr), f"{ast.unparse(node)} does not exist"
    bound = isinstance(inspect.getattr_static(owner, node.attr), classmethod | staticmethod)
    return getattr(owner, node.attr), of_instance and not bound


def _check_call(node: ast.Call) -> None:
    function, of_instance = _thing(node.func)
    given = [None] * (len(node.args) + of_instance)
    inspect.signature(function).bind(*given, **{k.arg: None for k in node.keywords if k.arg})
    for keyword in node.keywords:
        if keyword.arg in CHOICES and isinstance(keyword.value, ast.Constant):
            assert keyword.value.value in CHOICES[keyword.arg], ast.unparse(keyword)


def check(span: str) -> None:
    if span.startswith("survey-toolkit "):
        command: Any = typer.main.get_command(app)
        for word in span.split()[1:]:
            command = command.commands[word]
        return
    if span.endswith("=") or re.fullmatch(r"\w+:", span):  # a key of the study file, an argument in any call
        assert span in {"where=", "design:"}
        return
    if re.match(r"\w+=", span):  # an argument, shown as it stands in a call
        span = f"dict({span})"
    tree = ast.parse(span, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            assert node.id in SCOPE or node.id in DATA or node.id == "dict", f"who is {node.id}?"
        elif isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Call):
            _thing(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) != "dict":
            _check_call(node)


@pytest.mark.parametrize("span", SPANS)
def test_the_name_exists_and_takes_these_arguments(span: str) -> None:
    check(span)


def test_all_packages_are_covered() -> None:
    heads = re.findall(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for package in (
        "R survey", "Stata svy", "SPSS Complex Samples", "SparseMSE", "Rcapture", "LCMCR", "dga",
        "RDS Analyst", "sdcMicro",
    ):  # fmt: skip
        assert any(package in head for head in heads), package
    assert len(SPANS) > 80


def _refused(span: str) -> Callable[[], None]:
    return lambda: check(span)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ("survey.average('y')", AssertionError),
        ("ms.stepwise(lists, p_entry=0.02)", TypeError),
        ("survey.proportion('y', ci='exactly')", AssertionError),
        ("survey.ratio('a')", TypeError),
        ("xyz.mean('y')", AssertionError),
        ("survey-toolkit sample draw", KeyError),
    ],
)
def test_a_name_that_does_not_exist_fails(wrong: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        check(wrong)
